// SPDX-License-Identifier: EUPL-1.2
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_S (FORGE_RECORDED_S + 86400 * 30)

void trial_init_with(struct trial *trial, const char *policy, const char *curve)
{
        char path[TRIAL_PATH_BYTES + 16], text[100];

        *trial = (struct trial){ .identity = forge_identity("BC-0042", policy, curve) };
        snprintf(trial->folder, sizeof(trial->folder), "/tmp/bodycam-verify-XXXXXX");
        assert_non_null(mkdtemp(trial->folder));
        snprintf(path, sizeof(path), "%s/root.pem", trial->folder);
        forge_pem(path, trial->identity.root.certificate);
        assert_int_equal(bc_trust_new(&trial->trust), 0);
        assert_int_equal(bc_trust_add_roots(trial->trust, path, text, sizeof(text)), 0);
        assert_int_equal(unlink(path), 0);
        trial->judge = (struct bc_judge){ .trust = trial->trust, .now_utc_ns = NOW_S * BC_NS_PER_S };
}

void trial_init(struct trial *trial)
{
        trial_init_with(trial, NULL, NULL);
}

static void drop_verdict(struct trial *trial)
{
        if (trial->judged)
                bc_recording_verdict_done(&trial->verdict);
        trial->judged = false;
}

void trial_done(struct trial *trial)
{
        drop_verdict(trial);
        bc_trust_free(trial->trust);
        forge_identity_done(&trial->identity);
        forge_remove(trial->folder);
}

enum bc_verdict trial_path(struct trial *trial, const char *path)
{
        drop_verdict(trial);
        assert_int_equal(bc_recording_open(path, &trial->verdict), 0);
        trial->judged = true;
        for (size_t i = 0; i < trial->verdict.segments; i++)
                bc_recording_judge_segment(&trial->judge, &trial->verdict, i);
        bc_recording_judge(&trial->judge, &trial->verdict);
        return trial->verdict.verdict;
}

enum bc_verdict trial_file(struct trial *trial, const void *bytes, size_t n)
{
        char path[TRIAL_PATH_BYTES + 16];

        snprintf(path, sizeof(path), "%s/file.mp4", trial->folder);
        forge_file(trial->folder, "file.mp4", bytes, n);
        enum bc_verdict verdict = trial_path(trial, path);
        assert_int_equal(unlink(path), 0);
        return verdict;
}

static enum bc_verdict judge_saved(struct trial *trial, const struct forge *forge, bool manifest)
{
        char path[TRIAL_PATH_BYTES];

        forge_save(forge, trial->folder, manifest, path, sizeof(path));
        enum bc_verdict verdict = trial_path(trial, path);
        forge_remove(path);
        return verdict;
}

enum bc_verdict trial_recording(struct trial *trial, const struct forge *forge)
{
        return judge_saved(trial, forge, false);
}

enum bc_verdict trial_whole(struct trial *trial, const struct forge *forge)
{
        return judge_saved(trial, forge, true);
}

static bool holds(const struct bc_findings *findings, enum bc_finding_code code, enum bc_verdict verdict)
{
        for (size_t i = 0; i < findings->count; i++)
                if (findings->finding[i].code == code && findings->finding[i].verdict == verdict)
                        return true;
        return false;
}

bool trial_found(const struct trial *trial, enum bc_finding_code code, enum bc_verdict verdict)
{
        bool found = holds(&trial->verdict.findings, code, verdict);

        for (size_t i = 0; i < trial->verdict.segments; i++)
                found |= holds(&trial->verdict.segment[i].findings, code, verdict);
        return found;
}

static void print(const char *what, const struct bc_findings *findings)
{
        for (size_t i = 0; i < findings->count; i++)
                print_error("  %s: %s [%s] at %lld: %s\n", what, bc_verdict_name(findings->finding[i].verdict),
                            bc_finding_code_name(findings->finding[i].code), (long long)findings->finding[i].offset,
                            findings->finding[i].text);
}

static void print_all(const struct trial *trial)
{
        print("recording", &trial->verdict.findings);
        for (size_t i = 0; i < trial->verdict.segments; i++)
                print(trial->verdict.segment[i].file, &trial->verdict.segment[i].findings);
}

void trial_expect(const struct trial *trial, enum bc_verdict got, enum bc_verdict expected)
{
        if (got != expected)
                print_all(trial);
        assert_int_equal(got, expected);
}

void trial_expect_found(const struct trial *trial, enum bc_verdict got, enum bc_verdict expected, enum bc_finding_code code)
{
        bool found = trial_found(trial, code, expected);

        if (!found)
                print_all(trial);
        trial_expect(trial, got, expected);
        assert_true(found);
}

static bool holds_at(const struct bc_findings *findings, enum bc_finding_code code, enum bc_verdict verdict, uint64_t offset)
{
        for (size_t i = 0; i < findings->count; i++)
                if (findings->finding[i].code == code && findings->finding[i].verdict == verdict && findings->finding[i].offset == offset)
                        return true;
        return false;
}

void trial_expect_at(const struct trial *trial, enum bc_verdict got, enum bc_verdict expected, enum bc_finding_code code,
                     uint64_t offset)
{
        bool found = false;

        trial_expect_found(trial, got, expected, code);
        for (size_t i = 0; i < trial->verdict.segments; i++)
                found |= holds_at(&trial->verdict.segment[i].findings, code, expected, offset);
        if (!found)
                print_all(trial);
        assert_true(found);
}

struct trial_bytes trial_splice(const struct forge_segment *segment, size_t at, size_t remove, const void *insert,
                                size_t insert_n)
{
        struct trial_bytes made = { malloc(segment->size + insert_n + 1), segment->size - remove + insert_n };

        assert_non_null(made.bytes);
        memcpy(made.bytes, segment->bytes, at);
        if (insert_n > 0)
                memcpy(made.bytes + at, insert, insert_n);
        memcpy(made.bytes + at + insert_n, segment->bytes + at + remove, segment->size - at - remove);
        return made;
}

struct trial_bytes trial_copy(const struct forge_segment *segment)
{
        return trial_splice(segment, 0, 0, NULL, 0);
}

void trial_bytes_done(struct trial_bytes *bytes)
{
        free(bytes->bytes);
        *bytes = (struct trial_bytes){ 0 };
}
