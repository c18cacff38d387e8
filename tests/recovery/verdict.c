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
#define EACH_MAX 4

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

void verdict_expect_store(const struct clinic *clinic, enum bc_verdict expected, int line)
{
        enum bc_verdict verdict = verdict_of_store(clinic, false);

        if (verdict == expected)
                return;
        (void)verdict_of_store(clinic, true);
        fail_msg("line %d: %s", line, bc_verdict_name(verdict));
}

// The same, and prints what is tampered with.
static enum bc_verdict add_loudly(enum bc_verdict verdict, const struct bc_findings *findings, const char *of)
{
        const enum bc_verdict all = add(verdict, findings, of, false);

        return all == BC_VERDICT_TAMPERED && verdict != BC_VERDICT_TAMPERED ? add(verdict, findings, of, true) : all;
}

void verdict_of_each(const struct clinic *clinic, size_t recordings, enum bc_verdict ret_verdict[])
{
        struct bc_judge judge = { .now_utc_ns = INT64_C(1700000000000000000), .opener = key };
        struct bc_recording_verdict recording[EACH_MAX];
        size_t number[EACH_MAX];
        struct bc_ledger_verdict ledger;
        struct bc_findings missing = { 0 };
        enum bc_verdict store;
        struct bc_trust *trust;
        size_t there = 0;

        assert_true(recordings <= EACH_MAX);
        assert_int_equal(bc_trust_new(&trust), 0);
        judge.trust = trust;
        for (size_t n = 1; n <= recordings; n++) {
                char path[PATH_BYTES];

                snprintf(path, sizeof(path), "%s/recordings/test-%06zu", clinic->path, n);
                if (bc_recording_open(path, &recording[there]) < 0)
                        continue;
                number[there] = n;
                for (size_t i = 0; i < recording[there].segments; i++)
                        bc_recording_judge_segment(&judge, &recording[there], i);
                bc_recording_judge(&judge, &recording[there++]);
        }
        bc_ledger_judge(&judge, clinic->store_fd, &ledger);
        bc_store_judge(&ledger, recording, there, &missing);
        store = add_loudly(add_loudly(BC_VERDICT_AUTHENTIC, &ledger.findings, "ledger"), &missing, "store");
        for (size_t n = 0; n < recordings; n++)
                ret_verdict[n] = store;
        for (size_t n = 0; n < there; n++) {
                enum bc_verdict *verdict = &ret_verdict[number[n] - 1];

                *verdict = add_loudly(*verdict, &recording[n].findings, "recording");
                for (size_t i = 0; i < recording[n].segments; i++)
                        *verdict = add_loudly(*verdict, &recording[n].segment[i].findings, recording[n].segment[i].file);
                bc_recording_verdict_done(&recording[n]);
        }
        bc_ledger_verdict_done(&ledger);
        bc_trust_free(trust);
}

// The ledger as it is judged without any trust: what it says is read all the same.
static void read_ledger(const struct clinic *clinic, struct bc_ledger_verdict *ret_ledger)
{
        struct bc_judge judge = { .now_utc_ns = INT64_C(1700000000000000000) };
        struct bc_trust *trust;

        assert_int_equal(bc_trust_new(&trust), 0);
        judge.trust = trust;
        bc_ledger_judge(&judge, clinic->store_fd, ret_ledger);
        bc_trust_free(trust);
}

bool verdict_is_given_up(const struct clinic *clinic)
{
        const struct bc_ledger_recording *stated;
        struct bc_ledger_verdict ledger;
        bool given_up;

        read_ledger(clinic, &ledger);
        stated = bc_ledger_find_recording(&ledger, 1);
        given_up = stated && stated->given_up;
        bc_ledger_verdict_done(&ledger);
        return given_up;
}

unsigned verdict_alarms(const struct clinic *clinic, const char *text)
{
        struct bc_ledger_verdict ledger;
        unsigned alarms = 0;

        read_ledger(clinic, &ledger);
        for (size_t i = 0; i < ledger.notes; i++)
                alarms += ledger.note[i].event == BC_LEDGER_ALARM && strcmp(ledger.note[i].text[0], text) == 0;
        bc_ledger_verdict_done(&ledger);
        return alarms;
}
