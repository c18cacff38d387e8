// SPDX-License-Identifier: EUPL-1.2
// docs/formats/vectors/manifest: the recordings in it are authentic, and with each of the false signatures they are not, for
// the reason that manifest.md gives; and what is made anew today is judged in the same way.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manifest_forgeries.h"
#include "shared_trial.h"

#define FILE_BYTES_MAX (64 << 10)

static char vectors[2048];

static size_t load(const char *folder, const char *name, uint8_t *bytes)
{
        char path[4096];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "re");
        if (!file)
                fail_msg("%s cannot be opened", path);
        size_t n = fread(bytes, 1, FILE_BYTES_MAX, file);
        assert_true(feof(file) && !ferror(file));
        fclose(file);
        return n;
}

static int set_up(void **state)
{
        char path[4096], fault[200];

        (void)state;
        trial_init(&trial);
        snprintf(vectors, sizeof(vectors), "%s/docs/formats/vectors/manifest", getenv("BC_SOURCE_DIR"));
        snprintf(path, sizeof(path), "%s/root.pem", vectors);
        assert_int_equal(bc_trust_add_roots(trial.trust, path, fault, sizeof(fault)), 0);
        return 0;
}

static void test_recordings(void **state)
{
        static const char *const names[] = { "BC-0042-000017", "BC-0042-000018" };
        char path[4096];

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                snprintf(path, sizeof(path), "%s/%s", vectors, names[i]);
                trial_expect(&trial, trial_path(&trial, path), BC_VERDICT_AUTHENTIC);
                assert_int_equal(trial.verdict.endorsement, BC_ENDORSEMENT_SIGNED);
                assert_int_equal(trial.verdict.segments, 2);
        }
}

// A copy of a recording of the vectors in the trial's own folder.
static void copy(const char *name, char *ret_path, size_t path_bytes)
{
        static uint8_t bytes[FILE_BYTES_MAX];
        char from[4096];

        snprintf(from, sizeof(from), "%s/%s", vectors, name);
        snprintf(ret_path, path_bytes, "%s/%s", trial.folder, name);
        forge_folder(ret_path);
        DIR *folder = opendir(from);
        assert_non_null(folder);
        for (const struct dirent *entry; (entry = readdir(folder));)
                if (entry->d_name[0] != '.')
                        forge_file(ret_path, entry->d_name, bytes, load(from, entry->d_name, bytes));
        closedir(folder);
}

static void expect_wrong(const char *path, const char *name, const char *words)
{
        bool said = false;

        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_SIGNATURE);
        assert_int_equal(trial.verdict.endorsement, BC_ENDORSEMENT_WRONG);
        for (size_t i = 0; i < trial.verdict.findings.count; i++)
                said |= strstr(trial.verdict.findings.finding[i].text, words) != NULL;
        if (!said)
                print_error("%s: not said: %s\n", name, words);
        assert_true(said);
}

static void test_forgeries(void **state)
{
        static uint8_t bytes[FILE_BYTES_MAX];
        char path[TRIAL_PATH_BYTES + 32], name[64];

        (void)state;
        copy("BC-0042-000017", path, sizeof(path));
        trial_expect(&trial, trial_path(&trial, path), BC_VERDICT_AUTHENTIC);
        for (size_t i = 0; i < MANIFEST_FORGERIES; i++) {
                snprintf(name, sizeof(name), "%s.sig", manifest_forgery[i].name);
                forge_file(path, "manifest.sig", bytes, load(vectors, name, bytes));
                expect_wrong(path, name, manifest_forgery[i].words);
        }
        // The other recording's.
        snprintf(name, sizeof(name), "BC-0042-000018/manifest.sig");
        forge_file(path, "manifest.sig", bytes, load(vectors, name, bytes));
        expect_wrong(path, name, "not by the key that the records are signed with");
        forge_remove(path);
}

static void test_forgeries_made_anew(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        char path[TRIAL_PATH_BYTES];

        (void)state;
        forge_write(forge, "IPPaatg R IPPaa X F");
        forge_save(forge, trial.folder, false, path, sizeof(path));
        char *manifest = forge_final_manifest(forge);
        forge_file(path, "manifest.json", manifest, strlen(manifest));
        for (size_t i = 0; i < MANIFEST_FORGERIES; i++) {
                struct forge_der der = manifest_forge(i, &trial.identity, manifest);

                forge_file(path, "manifest.sig", der.bytes, der.n);
                expect_wrong(path, manifest_forgery[i].name, manifest_forgery[i].words);
                forge_der_done(&der);
        }
        free(manifest);
        forge_remove(path);
        forge_free(forge);
}

// Each one is in the table of manifest.md, with the words for it, and no other.
static void test_document(void **state)
{
        char path[4096], row[256], *text;
        size_t n, rows = 0;

        (void)state;
        snprintf(path, sizeof(path), "%s/docs/formats/manifest.md", getenv("BC_SOURCE_DIR"));
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        text = calloc(1, 1 << 20);
        assert_non_null(text);
        n = fread(text, 1, (1 << 20) - 1, file);
        assert_true(n > 0 && feof(file));
        fclose(file);
        for (size_t i = 0; i < MANIFEST_FORGERIES; i++) {
                snprintf(row, sizeof(row), "| `%s.sig` | %s |", manifest_forgery[i].name, manifest_forgery[i].words);
                if (!strstr(text, row))
                        print_error("manifest.md has no row: %s\n", row);
                assert_non_null(strstr(text, row));
        }
        for (const char *at = text; (at = strstr(at, ".sig` | ")); at++)
                rows++;
        assert_int_equal(rows, MANIFEST_FORGERIES);
        free(text);
        DIR *folder = opendir(vectors);
        assert_non_null(folder);
        rows = 0;
        for (const struct dirent *entry; (entry = readdir(folder));)
                rows += strstr(entry->d_name, ".sig") != NULL;
        closedir(folder);
        assert_int_equal(rows, MANIFEST_FORGERIES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, trial_tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_recordings),
                TEST(test_forgeries),
                TEST(test_forgeries_made_anew),
                TEST(test_document),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
