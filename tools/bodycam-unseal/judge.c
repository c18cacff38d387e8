// SPDX-License-Identifier: EUPL-1.2
#include "judge.h"

#include <stdio.h>
#include <string.h>

// The first finding that made the verdict what it is.
static void say_why(const struct bc_findings *findings, char ret_text[BC_FINDING_TEXT_BYTES])
{
        for (size_t i = 0; i < findings->count; i++)
                if (findings->finding[i].verdict == findings->verdict) {
                        memcpy(ret_text, findings->finding[i].text, BC_FINDING_TEXT_BYTES);
                        return;
                }
        snprintf(ret_text, BC_FINDING_TEXT_BYTES, "%s", bc_verdict_name(findings->verdict));
}

enum bc_signature bc_unseal_judge(void *user, int fd, const struct bc_unseal_report *report)
{
        static const enum bc_signature signatures[] = { [BC_VERDICT_AUTHENTIC] = BC_SIGNATURE_GOOD,
                                                        [BC_VERDICT_TAMPERED] = BC_SIGNATURE_BAD,
                                                        [BC_VERDICT_UNPROVEN] = BC_SIGNATURE_UNPROVEN,
                                                        [BC_VERDICT_UNJUDGED] = BC_SIGNATURE_UNJUDGED };
        struct bc_unseal_judge *self = user;
        struct bc_segment_verdict verdict;
        char file[BC_SEGMENT_FILE_BYTES];

        snprintf(file, sizeof(file), "%04u.mp4", report->header.segment % (BC_SEALED_SEGMENT_MAX + 1));
        bc_segment_judge(&self->judge, fd, file, NULL, &verdict);
        // What somebody sealed anew, for the same recipients, has another header.
        if (verdict.records > 0 && (!verdict.sealed || memcmp(verdict.seal, report->header_hash, BC_HASH_BYTES) != 0))
                bc_find(&verdict.findings, BC_FINDING_RECORD, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "its first record does not state the header that it was sealed under: it was sealed again, not by the camera");
        if (verdict.records > 0 && (strcmp(verdict.device, report->header.device) != 0 || verdict.segment != report->header.segment ||
                                    verdict.recording != report->header.recording))
                bc_find(&verdict.findings, BC_FINDING_RECORD, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "its records are of another segment than its header");
        // Records that prove nothing are no signatures.
        if (verdict.findings.verdict == BC_VERDICT_AUTHENTIC && verdict.end != BC_RECORD_CLOSE && verdict.end != BC_RECORD_CONTINUES)
                bc_find(&verdict.findings, BC_FINDING_END, BC_VERDICT_UNPROVEN, BC_NO_OFFSET, "no record ends it");
        enum bc_signature signature = signatures[verdict.findings.verdict];
        if (signature != BC_SIGNATURE_GOOD)
                say_why(&verdict.findings, self->text);
        bc_segment_verdict_done(&verdict);
        return signature;
}
