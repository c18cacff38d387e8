// SPDX-License-Identifier: EUPL-1.2
// What somebody with the files, and without the device's key, can try.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared_trial.h"

static struct forge *one(const char *words)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        forge_write(forge, words);
        return forge;
}

// Three segments of two fragments each.
static struct forge *three(const struct forge_identity *identity, uint64_t recording)
{
        struct forge *forge = forge_new(identity, 0);

        forge->recording = recording;
        forge->segments_stated = 3;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge_write(forge, "IPPaatg R IPPaa X F");
        return forge;
}

static size_t find(const struct forge_segment *segment, enum forge_box box, size_t nth)
{
        for (size_t i = 0; i < segment->boxes; i++)
                if (segment->box[i] == box && nth-- == 0)
                        return i;
        fail();
        return 0;
}

static uint64_t box_bytes(const struct forge_segment *segment, size_t box)
{
        return segment->box_at[box + 1] - segment->box_at[box];
}

static void check_bytes(struct trial_bytes made, bool may_be_unproven)
{
        enum bc_verdict verdict = trial_file(&trial, made.bytes, made.n);

        if (!may_be_unproven)
                trial_expect(&trial, verdict, BC_VERDICT_TAMPERED);
        assert_int_not_equal(verdict, BC_VERDICT_AUTHENTIC);
        trial_bytes_done(&made);
}

// ---- single bytes ------------------------------------------------------------------------------------------------

static void check_flip(const struct forge_segment *segment, uint64_t at)
{
        struct trial_bytes made = trial_copy(segment);

        made.bytes[at] ^= 0x04;
        check_bytes(made, false);
}

// Where `text` stands in the file, of a kind that stands there.
static uint64_t place(const struct forge_segment *segment, const char *text, size_t n)
{
        const uint8_t *found = memmem(segment->bytes, segment->size, text, n);

        assert_non_null(found);
        return (uint64_t)(found - segment->bytes);
}

static void test_flips_in_samples(void **state)
{
        struct forge *forge = one("IPPaaatg R IPPaatg R IPPaatg X F");
        const struct forge_segment *segment = &forge->segment[0];

        (void)state;
        // Of the fragment's samples, in the file's order: picture 90 30 30, sound 17 17 17, text 25, position 40.
        for (size_t k = 0; k < 3; k++) {
                uint64_t end = segment->box_at[find(segment, FORGE_FRAGMENT, k) + 1];
                check_flip(segment, end - 1);                     // position
                check_flip(segment, end - 40 - 1);                // text
                check_flip(segment, end - 40 - 25 - 1);           // sound
                check_flip(segment, end - 40 - 25 - 3 * 17 - 10); // picture
        }
        assert_true(trial_found(&trial, BC_FINDING_HASH, BC_VERDICT_TAMPERED));
        forge_free(forge);
}

// In every box of a fragment: each byte of moof and of the header of mdat. What cannot be read any more ends the walk; that
// records lie behind it says that it was readable once.
static void test_flips_in_fragment_headers(void **state)
{
        struct forge *forge = one("IPPaatg R IPPaa R IPPaa X F");
        const struct forge_segment *segment = &forge->segment[0];
        size_t box = find(segment, FORGE_FRAGMENT, 1);
        uint64_t mdat = place(segment, "mdat", 4);

        (void)state;
        assert_true(mdat < segment->box_at[box]); // the first one is the patched header
        for (uint64_t at = segment->box_at[box]; at < segment->box_at[box] + 24 + 2 * 64 + 5 * 12 + 8; at++)
                check_flip(segment, at);
        forge_free(forge);
}

static void test_flips_in_the_head(void **state)
{
        struct forge *forge = one("IPPaatg R IPPaa X F");
        const struct forge_segment *segment = &forge->segment[0];
        size_t n = 0;

        (void)state;
        for (uint64_t at = 0; at < segment->layout.bytes; at++) {
                struct trial_bytes made = trial_copy(segment);
                made.bytes[at] ^= 0x01;
                enum bc_verdict verdict = trial_file(&trial, made.bytes, made.n);
                assert_int_not_equal(verdict, BC_VERDICT_AUTHENTIC);
                n += verdict == BC_VERDICT_TAMPERED;
                trial_bytes_done(&made);
        }
        // Values that another device might have written; anything else is no head of this format any more.
        assert_true(n > 40);
        check_flip(segment, place(segment, "BC-0042-000017", 14) + 13); // recording
        check_flip(segment, place(segment, "avcC", 4) + 40);            // parameter sets
        assert_true(trial_found(&trial, BC_FINDING_HASH, BC_VERDICT_TAMPERED));
        forge_free(forge);
}

static void test_flips_in_records(void **state)
{
        struct forge *forge = one("IPPaatg R IPPaa R IPPaa X F");
        const struct forge_segment *segment = &forge->segment[0];

        (void)state;
        for (size_t k = 0; k < 3; k++) {
                size_t box = find(segment, FORGE_RECORD, k);
                for (uint64_t i = 0; i < box_bytes(segment, box); i += 5) {
                        struct trial_bytes made = trial_copy(segment);
                        made.bytes[segment->box_at[box] + i] ^= 0x02;
                        check_bytes(made, k == 2 && i < 24);
                }
        }
        forge_free(forge);
}

// ---- boxes of one file -------------------------------------------------------------------------------------------

static void test_fragment_dropped_doubled_swapped(void **state)
{
        struct forge *forge = one("IPPaatg R IPPaatg R IPPaatg R IPPaatg X F");
        const struct forge_segment *segment = &forge->segment[0];

        (void)state;
        for (size_t k = 0; k < 4; k++) {
                size_t box = find(segment, FORGE_FRAGMENT, k), record = find(segment, FORGE_RECORD, k);
                uint64_t at = segment->box_at[box], pair = segment->box_at[record + 1] - at;
                check_bytes(trial_splice(segment, at, box_bytes(segment, box), NULL, 0), k == 3);
                check_bytes(trial_splice(segment, at, pair, NULL, 0), k == 3); // with its record
                check_bytes(trial_splice(segment, at, 0, segment->bytes + at, box_bytes(segment, box)), false);
                check_bytes(trial_splice(segment, at, 0, segment->bytes + at, pair), false);
        }
        // Of equal size: 2 and 3 change places, with their records and without.
        size_t a = find(segment, FORGE_FRAGMENT, 1), b = find(segment, FORGE_FRAGMENT, 2);
        uint64_t n = box_bytes(segment, a);
        assert_int_equal(n, box_bytes(segment, b));
        struct trial_bytes made = trial_copy(segment);
        memcpy(made.bytes + segment->box_at[a], segment->bytes + segment->box_at[b], n);
        memcpy(made.bytes + segment->box_at[b], segment->bytes + segment->box_at[a], n);
        check_bytes(made, false);
        forge_free(forge);
}

static void test_record_removed_replayed_reordered(void **state)
{
        struct forge *forge = one("IPPaatg R IPPaatg R R R IPPaatg X F");
        const struct forge_segment *segment = &forge->segment[0];

        (void)state;
        for (size_t k = 0; k < 5; k++) {
                size_t box = find(segment, FORGE_RECORD, k);
                uint64_t at = segment->box_at[box], n = box_bytes(segment, box);
                check_bytes(trial_splice(segment, at, n, NULL, 0), k == 4);
                check_bytes(trial_splice(segment, at, 0, segment->bytes + at, n), false);
                check_bytes(trial_splice(segment, segment->box_at[2], 0, segment->bytes + at, n), false);
        }
        struct trial_bytes made = trial_copy(segment);
        size_t a = find(segment, FORGE_RECORD, 2), b = find(segment, FORGE_RECORD, 3);
        uint64_t n = box_bytes(segment, b);
        memcpy(made.bytes + segment->box_at[a], segment->bytes + segment->box_at[b], n);
        memcpy(made.bytes + segment->box_at[a] + n, segment->bytes + segment->box_at[a], box_bytes(segment, a));
        check_bytes(made, false);
        forge_free(forge);
}

// All proof stripped: nothing is left that could be judged, and that is what is said.
static void test_all_records_removed(void **state)
{
        struct forge *forge = one("IPPaatg IPPaatg"), *finished = one("IPPaatg IPPaatg F");

        (void)state;
        trial_expect_found(&trial, trial_file(&trial, forge->segment[0].bytes, forge->segment[0].size), BC_VERDICT_UNJUDGED,
                           BC_FINDING_NO_RECORD);
        // As a camera without a key leaves it.
        trial_expect_found(&trial, trial_file(&trial, finished->segment[0].bytes, finished->segment[0].size), BC_VERDICT_UNJUDGED,
                           BC_FINDING_NO_RECORD);
        forge_free(forge);
        forge_free(finished);
}

// A card that was taken out of a dead camera: of the moov's sectors any may be there, the file may end within it. One byte that is neither
// the moov's nor zero was never written there.
static void test_torn_moov(void **state)
{
        struct forge *forge = one("IPPaatg R IPPaatg R X M");
        const struct forge_segment *segment = &forge->segment[0];
        const size_t from = segment->box_at[segment->boxes - 1], n = segment->size - from;

        (void)state;
        for (size_t cut = 1; cut < n; cut += cut < 9 ? 1 : 37) {
                struct trial_bytes made = trial_splice(segment, from + cut, n - cut, NULL, 0);

                trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_UNPROVEN, BC_FINDING_END);
                memset(made.bytes + from, 0, cut);
                trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_UNPROVEN, BC_FINDING_END);
                made.bytes[from + cut / 2] = 1;
                trial_expect(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED);
                trial_bytes_done(&made);
        }
        for (size_t at = (from / 512 + 1) * 512; at < segment->size; at += 512) { // a sector that did not come there
                struct trial_bytes made = trial_splice(segment, segment->size, 0, NULL, 0);

                memset(made.bytes + at, 0, segment->size - at < 512 ? segment->size - at : 512);
                trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_UNPROVEN, BC_FINDING_END);
                made.bytes[at] = 1;
                trial_expect(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED);
                trial_bytes_done(&made);
        }
        forge_free(forge);
}

static void test_cuts(void **state)
{
        struct forge *forge = one("IPPaatg R IPPaatg R IPPaatg R IPPaatg R X M");
        const struct forge_segment *segment = &forge->segment[0];
        uint64_t end = segment->box_at[segment->boxes - 1];

        (void)state;
        for (size_t n = 0; n < end; n += 11) { // tail, at a byte
                struct trial_bytes made = trial_splice(segment, n, segment->size - n, NULL, 0);
                enum bc_verdict verdict = trial_file(&trial, made.bytes, made.n);
                assert_int_equal(verdict, n < segment->box_at[3] ? BC_VERDICT_UNJUDGED : BC_VERDICT_UNPROVEN);
                trial_bytes_done(&made);
        }
        for (size_t i = 1; i + 1 < segment->boxes; i++) // at a fragment or record
                check_bytes(trial_splice(segment, segment->box_at[i], segment->size - segment->box_at[i], NULL, 0), true);
        // The tail cut off and finished again, as a whole file.
        struct forge *again = one("IPPaatg R IPPaatg R F");
        trial_expect_found(&trial, trial_file(&trial, again->segment[0].bytes, again->segment[0].size), BC_VERDICT_TAMPERED,
                           BC_FINDING_MOOV);
        forge_free(again);
        // The head cut off, or the first GOP.
        check_bytes(trial_splice(segment, 0, segment->layout.bytes, NULL, 0), true);
        assert_true(trial_found(&trial, BC_FINDING_FOREIGN, BC_VERDICT_UNJUDGED));
        check_bytes(trial_splice(segment, segment->box_at[1], segment->box_at[3] - segment->box_at[1], NULL, 0), false);
        forge_free(forge);
}

// ---- between files and devices -----------------------------------------------------------------------------------

static void check_spliced(const struct forge *forge, const struct forge *from, size_t into, size_t which)
{
        struct forge mixed = *forge;

        mixed.segment[into] = from->segment[which];
        mixed.segment[into].number = (uint32_t)into + 1;
        trial_expect(&trial, trial_recording(&trial, &mixed), BC_VERDICT_TAMPERED);
}

static void test_segments_dropped_doubled_swapped_spliced(void **state)
{
        struct forge_identity other_device = forge_identity("BC-0042", NULL, NULL);
        struct forge *forge = three(&trial.identity, 17), *later = three(&trial.identity, 18),
                     *same_place = three(&trial.identity, 17), *foreign = three(&other_device, 17);

        (void)state;
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_AUTHENTIC);
        for (size_t i = 0; i < 3; i++) {
                struct forge dropped = *forge;
                for (size_t k = i; k < 2; k++)
                        dropped.segment[k] = dropped.segment[k + 1];
                dropped.segments = 2;
                trial_expect_found(&trial, trial_recording(&trial, &dropped), BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
                // Renamed, so that no number is missing.
                if (i < 2) {
                        dropped.segment[i].number = (uint32_t)i + 1;
                        if (i == 0)
                                dropped.segment[1].number = 2;
                        trial_expect_found(&trial, trial_recording(&trial, &dropped), BC_VERDICT_TAMPERED, BC_FINDING_LABEL);
                }
                check_spliced(forge, forge, i, (i + 1) % 3); // doubled
                check_spliced(forge, later, i, i);           // of a later recording
                check_spliced(forge, foreign, i, i);         // of another device of that name
        }
        // The same device, recording number and place, but another life of the card: the chain does not fit.
        same_place->prev[0] ^= 1;
        struct forge *other_life = forge_new(&trial.identity, 0);
        other_life->segments_stated = 3;
        other_life->prev[0] ^= 1;
        forge_write(other_life, "IPPaatg R IPPaa C F");
        forge_write(other_life, "IPPaatg R IPPaa C F");
        forge_write(other_life, "IPPaatg R IPPaa X F");
        check_spliced(forge, other_life, 1, 1);
        struct forge swapped = *forge;
        swapped.segment[0] = forge->segment[1];
        swapped.segment[0].number = 1;
        swapped.segment[1] = forge->segment[0];
        swapped.segment[1].number = 2;
        trial_expect(&trial, trial_recording(&trial, &swapped), BC_VERDICT_TAMPERED);
        forge_free(forge);
        forge_free(later);
        forge_free(same_place);
        forge_free(foreign);
        forge_free(other_life);
        forge_identity_done(&other_device);
}

// A fragment with its record from another recording, or another device, of the same size in the same place.
static void test_fragments_spliced(void **state)
{
        struct forge_identity other_device = forge_identity("BC-0042", NULL, NULL);
        struct forge *forge = one("IPPaatg R IPPaatg R IPPaatg X F"),
                     *other[2] = { forge_new(&trial.identity, 0), forge_new(&other_device, 0) };
        const struct forge_segment *segment = &forge->segment[0];

        (void)state;
        other[0]->recording = 18;
        for (size_t i = 0; i < 2; i++) {
                const struct forge_segment *from = forge_write(other[i], "IPPaatg R IPPaatg R IPPaatg X F");
                size_t box = find(segment, FORGE_FRAGMENT, 1), there = find(from, FORGE_FRAGMENT, 1);
                uint64_t n = box_bytes(segment, box);
                struct trial_bytes made = trial_copy(segment);
                memcpy(made.bytes + segment->box_at[box], from->bytes + from->box_at[there], n);
                if (i == 0)
                        check_bytes(made, false);
                else
                        trial_bytes_done(&made); // equal samples
                check_bytes(trial_splice(segment, segment->box_at[box], segment->box_at[box + 2] - segment->box_at[box],
                                         from->bytes + from->box_at[there], from->box_at[there + 2] - from->box_at[there]),
                            false);
        }
        forge_free(forge);
        forge_free(other[0]);
        forge_free(other[1]);
        forge_identity_done(&other_device);
}

// The key changes within a recording.
static void test_key_changed(void **state)
{
        struct forge_identity second = trial.identity;

        (void)state;
        second.device = forge_certify(
                &(struct forge_want){ .name = "Body camera", .device = "BC-0042", .issuer = &trial.identity.issuer });
        struct forge *forge = forge_new(&trial.identity, 0);
        forge->segments_stated = 2;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge->identity = &second;
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
        forge_free(forge);
        forge = forge_new(&trial.identity, 0);
        forge_write(forge, "IPPaatg R");
        forge->identity = &second;
        forge_go_on(forge, "IPPaa X F");
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
        forge_free(forge);
        forge_authority_done(&second.device);
}

static void test_edited_manifest(void **state)
{
        static const char *const edits[][2] = {
                { "\"BC-0042\"", "\"BC-0043\"" },
                { "\"recording\": 17", "\"recording\": 18" },
                { "\"closed\"", "\"open\"" },
                { "\"button\"", "\"remote\"" },
                { "6432000", "6432001" },
                { "192000", "192001" },
                { "\"fragments\": 2", "\"fragments\": 3" },
                { "\"gaps\": []", "\"gaps\": [{\"kind\":\"muted\",\"from_ticks\":1,\"to_ticks\":2,\"count\":1}]" },
                { "\"marks\": []", "\"marks\": [{\"ticks\":1,\"text\":\"x\",\"count\":1}]" },
                { "\"ntp\"", "\"gnss\"" },
                { "01:12:14Z", "02:12:14Z" },
                { "\"version\": 1", "\"version\": 2" },
                { "0001.mp4", "0002.mp4" },
                { "\"fragments\": 2", "\"fragments\": 2, \"tail_bytes\": -1" },
                { "\"fragments\": 2", "\"fragments\": 2, \"missing_bytes\": \"all\"" },
                { "\"fragments\": 2", "\"fragments\": 2, \"error\": \"Input/output error\", \"errno\": 5" }, // it is closed
                { "\"fragments\": 2", "\"fragments\": 2, \"error\": {}, \"errno\": 5" },
                { "\"fragments\": 2", "\"fragments\": 2, \"errno\": 5" },
                { "\"fragments\": 2", "\"fragments\": 2, \"succeeds\": 1" }, // it is the first
                { "\"fragments\": 2", "\"fragments\": 2, \"succeeds\": \"0\"" },
                { "{\n", "{ \"note\": \"acquitted\",\n" },
        };
        struct forge *forge = one("IPPaatg R IPPaa X F");
        char path[TRIAL_PATH_BYTES], *text = forge_manifest(forge);

        (void)state;
        forge_save(forge, trial.folder, true, path, sizeof(path));
        trial_expect(&trial, trial_path(&trial, path), BC_VERDICT_AUTHENTIC);
        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                char edited[8192], *at = strstr(text, edits[i][0]);
                assert_non_null(at);
                int n = snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - text), text, edits[i][1],
                                 at + strlen(edits[i][0]));
                forge_file(path, "manifest.json", edited, (size_t)n);
                enum bc_verdict verdict = trial_path(&trial, path);
                if (verdict == BC_VERDICT_AUTHENTIC)
                        print_error("edit %zu\n", i);
                assert_int_not_equal(verdict, BC_VERDICT_AUTHENTIC);
        }
        forge_file(path, "manifest.json", "{", 1);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_SUMMARY);
        free(text);
        forge_remove(path);
        forge_free(forge);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_flips_in_samples),
                cmocka_unit_test(test_flips_in_fragment_headers),
                cmocka_unit_test(test_flips_in_the_head),
                cmocka_unit_test(test_flips_in_records),
                cmocka_unit_test(test_fragment_dropped_doubled_swapped),
                cmocka_unit_test(test_record_removed_replayed_reordered),
                cmocka_unit_test(test_all_records_removed),
                cmocka_unit_test(test_torn_moov),
                cmocka_unit_test(test_cuts),
                cmocka_unit_test(test_segments_dropped_doubled_swapped_spliced),
                cmocka_unit_test(test_fragments_spliced),
                cmocka_unit_test(test_key_changed),
                cmocka_unit_test(test_edited_manifest),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
