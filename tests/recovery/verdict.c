// SPDX-License-Identifier: EUPL-1.2
#include "verdict.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "verify/recording.h"
#include "verify/store.h"

#define PATH_BYTES (FOLDER_PATH_BYTES + 64)

static enum bc_verdict add(enum bc_verdict verdict, const struct bc_findings *findings, const char *of, bool shown)
{
        for (size_t i = 0; i < findings->count; i++) {
                const struct bc_finding *finding = &findings->finding[i];

                if (finding->code == BC_FINDING_TEST || finding->code == BC_FINDING_NO_ROOT)
                        continue;
                if (shown)
                        print_error("%s: %s, %s: %s\n", of, bc_verdict_name(finding->verdict), bc_finding_code_name(finding->code),
                                    finding->text);
                verdict = bc_verdict_worse(verdict, finding->verdict);
        }
        return verdict;
}

static const struct bc_opener *key;

void verdict_key(const struct bc_opener *opener)
{
        key = opener;
}

static enum bc_verdict judge_all(const struct clinic *clinic, bool with_ledger, bool shown)
{
        struct bc_judge judge = { .now_utc_ns = INT64_C(1700000000000000000), .opener = key };
        enum bc_verdict verdict = BC_VERDICT_AUTHENTIC;
        struct bc_recording_verdict recording;
        struct bc_ledger_verdict ledger;
        struct bc_findings missing = { 0 };
        char path[PATH_BYTES];
        struct bc_trust *trust;

        assert_int_equal(bc_trust_new(&trust), 0);
        judge.trust = trust;
        snprintf(path, sizeof(path), "%s/recordings/" SPECIMEN_NAME, clinic->path);
        const bool there = bc_recording_open(path, &recording) == 0;
        if (!there)
                recording = (struct bc_recording_verdict){ .fd = -1, .lone = true };
        for (size_t i = 0; i < recording.segments; i++)
                bc_recording_judge_segment(&judge, &recording, i);
        if (there)
                bc_recording_judge(&judge, &recording);
        if (with_ledger) {
                bc_ledger_judge(&judge, clinic->store_fd, &ledger);
                bc_store_judge(&ledger, &recording, there, &missing);
                verdict = add(add(verdict, &ledger.findings, "ledger", shown), &missing, "store", shown);
                bc_ledger_verdict_done(&ledger);
        }
        verdict = add(verdict, &recording.findings, SPECIMEN_NAME, shown);
        for (size_t i = 0; i < recording.segments; i++)
                verdict = add(verdict, &recording.segment[i].findings, recording.segment[i].file, shown);
        bc_recording_verdict_done(&recording);
        bc_trust_free(trust);
        return verdict;
}

enum bc_verdict verdict_of(const struct clinic *clinic, bool shown)
{
        return judge_all(clinic, false, shown);
}

enum bc_verdict verdict_of_store(const struct clinic *clinic, bool shown)
{
        return judge_all(clinic, true, shown);
}

bool verdict_is_given_up(const struct clinic *clinic)
{
        struct bc_judge judge = { .now_utc_ns = INT64_C(1700000000000000000) };
        const struct bc_ledger_recording *stated;
        struct bc_ledger_verdict ledger;
        struct bc_trust *trust;
        bool given_up;

        assert_int_equal(bc_trust_new(&trust), 0);
        judge.trust = trust;
        bc_ledger_judge(&judge, clinic->store_fd, &ledger);
        stated = bc_ledger_find_recording(&ledger, 1);
        given_up = stated && stated->given_up;
        bc_ledger_verdict_done(&ledger);
        bc_trust_free(trust);
        return given_up;
}
