// SPDX-License-Identifier: EUPL-1.2
#include "store_trial.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "forge_cms.h"

#define PATH_BYTES (TRIAL_PATH_BYTES + 64)

void store_trial_init_empty(struct store_trial *store, struct trial *trial)
{
        *store = (struct store_trial){ .trial = trial, .ledger = forge_ledger_new(&trial->identity) };
}

struct forge *store_trial_record(struct store_trial *store, uint64_t number, bool closed,
                                 const char *const *words)
{
        struct forge *forge = forge_new(&store->trial->identity, 0);
        struct forge_ledger *ledger = store->ledger;

        assert_true(store->recordings < STORE_RECORDINGS_MAX);
        forge->recording = number;
        forge->boot = ledger->boot;
        forge->ledger = ledger->sequence;
        memcpy(forge->prev, ledger->hash, BC_HASH_BYTES);
        for (const char *const *at = words; *at; at++)
                forge->segments_stated++;
        forge_ledger_begun(ledger, number);
        for (const char *const *at = words; *at; at++)
                forge_write(forge, *at);
        if (closed)
                forge_ledger_closed(ledger, number, forge->segments_stated, forge->prev);
        store->recording[store->recordings++] = forge;
        return forge;
}

void store_trial_init(struct store_trial *store, struct trial *trial)
{
        store_trial_init_empty(store, trial);
        forge_ledger_start(store->ledger, false);
        forge_ledger_record(store->ledger, 59 * BC_NS_PER_S);
        store_trial_record(store, 17, true,
                           (const char *const[]){ "IPPaatg R IPPaa C F", "IPPaa R X F", NULL });
        forge_ledger_record(store->ledger, 59 * BC_NS_PER_S);
        store_trial_record(store, 18, true, (const char *const[]){ "IPPaatg R IPPaa X F", NULL });
        forge_ledger_stop(store->ledger);
        forge_ledger_start(store->ledger, true);
        forge_ledger_record(store->ledger, 59 * BC_NS_PER_S);
        forge_ledger_stop(store->ledger);
}

static void drop(struct store_trial *store)
{
        if (store->judged)
                bc_ledger_verdict_done(&store->verdict);
        store->judged = false;
        store->findings = (struct bc_findings){ 0 };
}

void store_trial_done(struct store_trial *store)
{
        drop(store);
        for (size_t i = 0; i < store->recordings; i++)
                if (store->recording[i])
                        forge_free(store->recording[i]);
        forge_ledger_free(store->ledger);
        bc_witnesses_done(&store->witnesses);
}

static void gather(struct store_trial *store, const struct bc_findings *findings)
{
        for (size_t i = 0; i < findings->count; i++)
                bc_find(&store->findings, findings->finding[i].code, findings->finding[i].verdict,
                        findings->finding[i].offset, "%s", findings->finding[i].text);
        store->findings.verdict = bc_verdict_worse(store->findings.verdict, findings->verdict);
}

static void save_manifest(const struct store_trial *store, const char *folder)
{
        const struct forge_identity *identity = &store->trial->identity;
        struct forge_cms how = { .signer = &identity->device, .issuer = { &identity->issuer } };

        if (store->manifest)
                forge_file(folder, "manifest.json", store->manifest, strlen(store->manifest));
        if (!store->signed_text)
                return;
        struct forge_der der = forge_cms(&how, store->signed_text, strlen(store->signed_text));
        forge_file(folder, "manifest.sig", der.bytes, der.n);
        forge_der_done(&der);
}

static void judge_recordings(struct store_trial *store, const char *path)
{
        struct bc_recording_verdict verdict[STORE_RECORDINGS_MAX] = { 0 };
        struct bc_findings missing = { 0 };
        size_t n = 0;

        for (size_t i = 0; i < store->recordings; i++) {
                char folder[PATH_BYTES];
                if (!store->recording[i])
                        continue;
                forge_save(store->recording[i], path, false, folder, sizeof(folder));
                if (store->recording[i]->segments == 0)
                        save_manifest(store, folder);
                assert_int_equal(bc_recording_open(folder, &verdict[n]), 0);
                bc_bracket_close(&store->witnesses, &store->verdict, &verdict[n]);
                for (size_t k = 0; k < verdict[n].segments; k++)
                        bc_recording_judge_segment(&store->trial->judge, &verdict[n], k);
                bc_recording_judge(&store->trial->judge, &verdict[n++]);
        }
        bc_store_judge(&store->verdict, verdict, n, &missing);
        for (size_t i = 0; i < n; i++) {
                bc_bracket_judge(&store->witnesses, &store->verdict, &verdict[i]);
                store->not_before_ns[i] = verdict[i].not_before_ns;
                store->not_after_ns[i] = verdict[i].not_after_ns;
                gather(store, &verdict[i].findings);
                for (size_t k = 0; k < verdict[i].segments; k++)
                        gather(store, &verdict[i].segment[k].findings);
                assert_int_equal(bc_verdict_worse(store->findings.verdict, verdict[i].verdict),
                                 store->findings.verdict);
                bc_recording_verdict_done(&verdict[i]);
        }
        gather(store, &missing);
}

enum bc_verdict store_trial_judge(struct store_trial *store)
{
        char path[PATH_BYTES], recordings[PATH_BYTES + 16];
        int fd;

        drop(store);
        store->trial->judge.witnesses = &store->witnesses;
        snprintf(path, sizeof(path), "%s/store", store->trial->folder);
        snprintf(recordings, sizeof(recordings), "%s/recordings", path);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(mkdir(recordings, 0700), 0);
        forge_ledger_save(store->ledger, path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        bc_ledger_judge(&store->trial->judge, fd, &store->verdict);
        store->judged = true;
        for (size_t i = 0; i < store->witnesses.count; i++)
                assert_true(bc_witness_judge(&store->witnesses.witness[i], &store->verdict));
        judge_recordings(store, recordings);
        gather(store, &store->verdict.findings);
        close(fd);
        forge_remove(path);
        return store->findings.verdict;
}

static void print(const struct store_trial *store)
{
        for (size_t i = 0; i < store->findings.count; i++)
                print_error("  %s [%s]: %s\n", bc_verdict_name(store->findings.finding[i].verdict),
                            bc_finding_code_name(store->findings.finding[i].code),
                            store->findings.finding[i].text);
}

void store_trial_expect(struct store_trial *store, enum bc_verdict expected)
{
        enum bc_verdict got = store_trial_judge(store);

        if (got != expected)
                print(store);
        assert_int_equal(got, expected);
}

void store_trial_expect_found(struct store_trial *store, enum bc_verdict expected, enum bc_finding_code code)
{
        enum bc_verdict got = store_trial_judge(store);
        bool found = false;

        for (size_t i = 0; i < store->findings.count; i++)
                found |= store->findings.finding[i].code == code &&
                         store->findings.finding[i].verdict == expected;
        if (got != expected || !found)
                print(store);
        assert_int_equal(got, expected);
        assert_true(found);
}
