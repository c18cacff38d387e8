// SPDX-License-Identifier: EUPL-1.2
// What was judged, for people and for programs. Untrusted text is escaped (verify/text.h); the word "authentic" stands only
// where all that was named is BC_VERDICT_AUTHENTIC. Thread-bound.
#ifndef BC_VERIFY_REPORT_H
#define BC_VERIFY_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "verify/ledger.h"
#include "verify/recording.h"

#define BC_REPORT_TIME_BYTES 32 // "2026-11-26T01:12:14.123Z"

// What was named: a file, a recording, or a store with recordings in it.
struct bc_report_item {
        const char *path;
        bool store;
        bool mixed;                      // a folder of neither kind: what is in it is judged one by one
        struct bc_ledger_verdict ledger; // of a store
        struct bc_findings findings; // of the item as a whole; of a store
        struct bc_recording_verdict *recording; // borrowed
        size_t recordings;
};

enum bc_verdict bc_report_verdict(const struct bc_report_item *item);

void bc_report_print(FILE *stream, const struct bc_judge *judge, const struct bc_report_item *item);

// Of all items together; the caller's. NULL: out of memory.
json_t *bc_report_to_json(const struct bc_judge *judge, const struct bc_report_item *item, size_t items);

// The last line: what all items together come to.
void bc_report_print_end(FILE *stream, enum bc_verdict verdict);

// UTC of a tick of media time as the records claim it: 0 and the claim that it follows from; -ENOENT.
int bc_report_utc(const struct bc_recording_verdict *verdict, int64_t ticks, char ret_text[BC_REPORT_TIME_BYTES],
                  const struct bc_claim **ret_claim);

#endif
