// SPDX-License-Identifier: EUPL-1.2
// What manifest.json says of the recording beside it, and no record says: some of it may be so, some is an edit (manifest.md, 9).
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "forge_cms.h"
#include "shared_trial.h"

static struct forge *forge;
static char path[TRIAL_PATH_BYTES], *manifest;

static int set_up(void **state)
{
        trial_set_up(state);
        forge = forge_new(&trial.identity, 0);
        forge_write(forge, "IPPaatg R IPPaa X F");
        forge_save(forge, trial.folder, false, path, sizeof(path));
        manifest = forge_final_manifest(forge);
        return 0;
}

static int tear_down(void **state)
{
        free(manifest);
        forge_free(forge);
        return trial_tear_down(state);
}

// ---- marks -----------------------------------------------------------------------------------------------------

static bool found(enum bc_finding_code code, enum bc_verdict verdict, const char *words)
{
        for (size_t i = 0; i < trial.verdict.findings.count; i++) {
                const struct bc_finding *finding = &trial.verdict.findings.finding[i];

                if (finding->code == code && finding->verdict == verdict && strstr(finding->text, words))
                        return true;
        }
        return false;
}

// The manifest with these marks, which no record has; with_signature by the device, or nobody's.
static enum bc_verdict judge_marks(const char *marks, const char *more, bool with_signature)
{
        static const char none[] = "\"marks\": []";
        const char *at = strstr(manifest, none);
        char text[8192], name[TRIAL_PATH_BYTES + 16];

        assert_non_null(at);
        int n = snprintf(text, sizeof(text), "%.*s\"marks\": [%s]%s%s", (int)(at - manifest), manifest, marks, more,
                         at + sizeof(none) - 1);
        forge_file(path, "manifest.json", text, (size_t)n);
        snprintf(name, sizeof(name), "%s/manifest.sig", path);
        unlink(name);
        if (with_signature) {
                struct forge_cms how = { .signer = &trial.identity.device, .issuer = { &trial.identity.issuer } };
                struct forge_der der = forge_cms(&how, text, (size_t)n);

                forge_file(path, "manifest.sig", der.bytes, der.n);
                forge_der_done(&der);
        }
        return trial_path(&trial, path);
}

// They may have come after the last record: the device's word for that is the signature, where the manifest is from its memory.
// Else they may be somebody's, or the power went: that is no proof of tampering.
static void test_marks_after_the_last_record(void **state)
{
        static const char late[] = "{\"ticks\": 6245000, \"text\": \"late\", \"count\": 1}";

        (void)state;
        trial_expect(&trial, judge_marks(late, "", true), BC_VERDICT_AUTHENTIC);
        assert_int_equal(trial.verdict.endorsement, BC_ENDORSEMENT_SIGNED);
        assert_true(found(BC_FINDING_SUMMARY, BC_VERDICT_NOTE, "1 marks were set after the last record"));
        trial_expect_found(&trial, judge_marks(late, "", false), BC_VERDICT_UNPROVEN, BC_FINDING_SUMMARY);
        trial_expect_found(&trial, judge_marks(late, ", \"read_back\": true", true), BC_VERDICT_UNPROVEN, BC_FINDING_SUMMARY);
}

static void test_marks_that_no_camera_sets(void **state)
{
        static const char *const marks[] = {
                "{\"ticks\": 6239999, \"text\": \"\", \"count\": 1}", // before the first picture
                "{\"ticks\": 6259200, \"text\": \"\", \"count\": 1}", // at the end, and long behind it
                "{\"ticks\": 9223372036854775807, \"text\": \"\", \"count\": 1}",
                "{\"ticks\": 6245000.0, \"text\": \"\", \"count\": 1}",
                "{\"ticks\": 6245000, \"text\": null, \"count\": 1}",
                "{\"ticks\": 6245000, \"text\": \"\", \"count\": 0}",
                "{\"ticks\": 6245000, \"text\": \"\"}",
                "{\"ticks\": 6245000, \"text\": \"\", \"count\": 1, \"who\": \"x\"}",
                "{\"ticks\": 6245000, \"text\": \"12345678901234567890123456789012345678901234567890123456789012345\", "
                "\"count\": 1}",
                "6245000",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
                trial_expect_found(&trial, judge_marks(marks[i], "", i % 2), BC_VERDICT_TAMPERED, BC_FINDING_SUMMARY);
}

// Of two marks that records have the manifest has one twice.
static void test_one_mark_in_place_of_another(void **state)
{
        struct forge *other = forge_new(&trial.identity, 0);
        char folder[TRIAL_PATH_BYTES];
        static const char *const lists[] = {
                "{\"ticks\": 6241600, \"text\": \"one\", \"count\": 1}, {\"ticks\": 6243200, \"text\": \"two\", \"count\": 1}",
                "{\"ticks\": 6241600, \"text\": \"one\", \"count\": 1}, {\"ticks\": 6241600, \"text\": \"one\", \"count\": 1}",
        };

        (void)state;
        other->recording = 19;
        forge_mark(other, 6241600, "one");
        forge_mark(other, 6243200, "two");
        forge_write(other, "IPPaatg R IPPaa X F");
        forge_save(other, trial.folder, false, folder, sizeof(folder));
        char *text = forge_manifest(other), *at = strstr(text, "\"marks\": []"), edited[8192];
        assert_non_null(at);
        for (size_t i = 0; i < 2; i++) {
                int n = snprintf(edited, sizeof(edited), "%.*s\"marks\": [%s]%s", (int)(at - text), text, lists[i], at + 11);

                forge_file(folder, "manifest.json", edited, (size_t)n);
                trial_expect(&trial, trial_path(&trial, folder), i == 0 ? BC_VERDICT_AUTHENTIC : BC_VERDICT_TAMPERED);
        }
        free(text);
        forge_remove(folder);
        forge_free(other);
}

// ---- lists that name one thing twice -----------------------------------------------------------------------------

static char *twice(const char *text, const char *list)
{
        json_t *root = json_loads(text, 0, NULL), *entries = json_object_get(root, list);

        assert_int_equal(json_array_size(entries), 2);
        assert_int_equal(json_array_set(entries, 1, json_array_get(entries, 0)), 0);
        char *edited = json_dumps(root, JSON_INDENT(1));
        assert_non_null(edited);
        json_decref(root);
        return edited;
}

// The second of two segments is not listed, and the first one twice in its place.
static void test_one_segment_in_place_of_another(void **state)
{
        static const char *const lists[] = { "segments", "files" };
        struct forge *other = forge_new(&trial.identity, 0);
        char folder[TRIAL_PATH_BYTES];

        (void)state;
        other->recording = 19;
        other->segments_stated = 2;
        forge_write(other, "IPPaatg R IPPaa C F");
        forge_write(other, "IPPaatg R IPPaa X F");
        forge_save(other, trial.folder, false, folder, sizeof(folder));
        char *text = forge_final_manifest(other);
        forge_file(folder, "manifest.json", text, strlen(text));
        trial_expect(&trial, trial_path(&trial, folder), BC_VERDICT_AUTHENTIC);
        for (size_t i = 0; i < 2; i++) {
                char *edited = twice(text, lists[i]);

                forge_file(folder, "manifest.json", edited, strlen(edited));
                trial_expect_found(&trial, trial_path(&trial, folder), BC_VERDICT_TAMPERED, BC_FINDING_SUMMARY);
                free(edited);
        }
        free(text);
        forge_remove(folder);
        forge_free(other);
}

// What is no segment is of its size and, where that is stated, of its hash.
static void test_other_files(void **state)
{
        static const struct {
                const char *entry;
                enum bc_verdict expected;
        } cases[] = {
                { "{\"file\": \"0001.tail\", \"bytes\": 3, \"sha256\": null, \"unproven\": \"tail\"}", BC_VERDICT_UNPROVEN }, // no record's
                { "{\"file\": \"0001.tail\", \"bytes\": 4, \"sha256\": null, \"unproven\": \"tail\"}", BC_VERDICT_TAMPERED },
                { "{\"file\": \"0001.tail\", \"bytes\": 3, \"sha256\": "
                  "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}", BC_VERDICT_UNPROVEN },
                { "{\"file\": \"0001.tail\", \"bytes\": 3, \"sha256\": "
                  "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae\"}", BC_VERDICT_TAMPERED },
        };

        (void)state;
        forge_file(path, "0001.tail", "abc", 3);
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                json_t *root = json_loads(manifest, 0, NULL);

                assert_int_equal(json_array_append_new(json_object_get(root, "files"), json_loads(cases[i].entry, 0, NULL)), 0);
                char *text = json_dumps(root, JSON_INDENT(1));
                forge_file(path, "manifest.json", text, strlen(text));
                trial_expect(&trial, trial_path(&trial, path), cases[i].expected);
                free(text);
                json_decref(root);
        }
}

// ---- manifests that lag behind -----------------------------------------------------------------------------------

// A recording of these two segments, the manifest as it was saved last: without its end, with so many segments, each in that state.
static enum bc_verdict judge_lagging(const char *second, size_t listed, const char *state, const char *segment_state)
{
        struct forge *other = forge_new(&trial.identity, 0);
        char folder[TRIAL_PATH_BYTES];

        other->recording = 19;
        other->segments_stated = 2;
        forge_write(other, "IPPaatg R IPPaa C F");
        forge_write(other, second);
        forge_save(other, trial.folder, false, folder, sizeof(folder));
        char *text = forge_manifest(other);
        json_t *root = json_loads(text, 0, NULL), *segments = json_object_get(root, "segments");
        while (json_array_size(segments) > listed)
                json_array_remove(segments, json_array_size(segments) - 1);
        if (listed == 2)
                json_object_set_new(json_array_get(segments, 1), "state", json_string(segment_state));
        json_object_set_new(root, "state", json_string(state));
        json_object_set_new(root, "stop_reason", json_string(""));
        json_object_set_new(root, "stop_ticks", json_null());
        free(text);
        text = json_dumps(root, JSON_INDENT(1));
        forge_file(folder, "manifest.json", text, strlen(text));
        enum bc_verdict verdict = trial_path(&trial, folder);
        free(text);
        json_decref(root);
        forge_remove(folder);
        forge_free(other);
        return verdict;
}

// The first fragment of a segment is durable before the manifest has it, and recovery's record before the manifest that says so.
static void test_cut_before_the_manifest(void **state)
{
        (void)state;
        trial_expect(&trial, judge_lagging("IPPaatg R", 2, "open", "open"), BC_VERDICT_UNPROVEN);
        trial_expect(&trial, judge_lagging("IPPaatg R", 1, "open", "open"), BC_VERDICT_UNPROVEN);
        trial_expect(&trial, judge_lagging("IPPaatg R", 0, "open", "open"), BC_VERDICT_TAMPERED);
        trial_expect(&trial, judge_lagging("IPPaatg R Z F", 2, "recovered", "recovered"), BC_VERDICT_AUTHENTIC);
        trial_expect(&trial, judge_lagging("IPPaatg R Z F", 1, "recovered", "recovered"), BC_VERDICT_TAMPERED);
        trial_expect(&trial, judge_lagging("IPPaatg R Z F", 2, "open", "open"), BC_VERDICT_UNPROVEN);
        trial_expect(&trial, judge_lagging("IPPaatg R Z F", 1, "open", "open"), BC_VERDICT_UNPROVEN);
        trial_expect(&trial, judge_lagging("IPPaatg R X F", 2, "open", "open"), BC_VERDICT_AUTHENTIC);
}

// Whoever calls a recording recovered that was closed is not free to say more of it than one who does not.
static void test_marks_of_one_that_is_called_recovered(void **state)
{
        static const char late[] = "[{\"ticks\": 6245000, \"text\": \"late\", \"count\": 1}]";

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                json_t *root = json_loads(manifest, 0, NULL);

                json_object_set_new(root, "state", json_string(i % 2 ? "open" : "recovered"));
                json_object_set_new(root, "stop_ticks", json_null());
                json_object_set_new(root, "stop_reason", json_string(i < 2 ? "" : "he confessed"));
                json_object_set_new(root, "marks", json_loads(i < 2 ? late : "[]", 0, NULL));
                json_object_del(root, "files");
                char *text = json_dumps(root, JSON_INDENT(1));
                forge_file(path, "manifest.json", text, strlen(text));
                trial_expect_found(&trial, trial_path(&trial, path), i < 2 ? BC_VERDICT_UNPROVEN : BC_VERDICT_TAMPERED, BC_FINDING_SUMMARY);
                free(text);
                json_decref(root);
        }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_marks_after_the_last_record),
                TEST(test_marks_that_no_camera_sets),
                TEST(test_one_mark_in_place_of_another),
                TEST(test_one_segment_in_place_of_another),
                TEST(test_other_files),
                TEST(test_cut_before_the_manifest),
                TEST(test_marks_of_one_that_is_called_recovered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
