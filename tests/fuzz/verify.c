// SPDX-License-Identifier: EUPL-1.2
// A file that somebody hands to the verifier: it is judged and reported, never as authentic where nobody is trusted, and no
// text of it moves a reader's cursor.
#include <string.h>

#include "place.h"
#include "target.h"
#include "verify/report.h"

#define REPORT_BYTES_MAX (1 << 20)

static void check_report(const struct bc_judge *judge, struct bc_recording_verdict *verdict)
{
        static char text[REPORT_BYTES_MAX];
        struct bc_report_item item = { .path = "file", .recording = verdict, .recordings = 1 };
        FILE *stream = fmemopen(text, sizeof(text), "w");

        FUZZ_EXPECT(stream != NULL);
        bc_report_print(stream, judge, &item);
        fclose(stream);
        text[sizeof(text) - 1] = '\0';
        for (const char *at = text; *at; at++)
                FUZZ_EXPECT((uint8_t)*at >= 0x20 || *at == '\n');
        FUZZ_EXPECT(!strstr(text, "\xe2\x80\xae"));
        json_t *root = bc_report_to_json(judge, &item, 1);
        FUZZ_EXPECT(root != NULL);
        json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static struct bc_trust *nobody;
        struct bc_recording_verdict verdict;

        if (!nobody)
                FUZZ_EXPECT(bc_trust_new(&nobody) == 0);
        struct bc_judge judge = { .trust = nobody, .allow_test = true, .now_utc_ns = INT64_C(1795655534000000000) };
        fuzz_place_write("0001.mp4", bytes, n);
        FUZZ_EXPECT(bc_recording_open(fuzz_place_path("0001.mp4"), &verdict) == 0);
        bc_recording_judge_segment(&judge, &verdict, 0);
        bc_recording_judge(&judge, &verdict);
        FUZZ_EXPECT(verdict.verdict != BC_VERDICT_AUTHENTIC);
        check_report(&judge, &verdict);
        bc_recording_verdict_done(&verdict);
        return 0;
}
