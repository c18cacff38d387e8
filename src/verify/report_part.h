// SPDX-License-Identifier: EUPL-1.2
// Within the part: pieces of reports, for people and as JSON. Untrusted text goes through verify/text.h in each of them.
// Thread-bound.
#ifndef BC_VERIFY_REPORT_PART_H
#define BC_VERIFY_REPORT_PART_H

#include "verify/report.h"

#define BC_REPORT_LINE_BYTES 1600

const char *bc_report_heading(enum bc_verdict verdict);
void bc_report_print_text(FILE *stream, const char *label, const char *text);
void bc_report_format_utc(int64_t utc_ns, char ret_text[BC_REPORT_TIME_BYTES]);
void bc_report_print_findings(FILE *stream, const struct bc_findings *findings, const char *indent);
void bc_report_print_signer(FILE *stream, const char *device, const struct bc_signer *signer);
void bc_report_print_ledger(FILE *stream, const struct bc_ledger_verdict *ledger);

// The caller's.
json_t *bc_json_text(const char *untrusted);
json_t *bc_json_number(int64_t value); // BC_RECORD_UNKNOWN: null
json_t *bc_json_count(uint64_t value);
json_t *bc_json_hash(const uint8_t *bytes, size_t n); // up to 64 bytes
json_t *bc_json_findings(const struct bc_findings *findings);
json_t *bc_json_signer(const struct bc_signer *signer);
json_t *bc_json_ledger(const struct bc_ledger_verdict *ledger);

#endif
