// SPDX-License-Identifier: EUPL-1.2
// The rules of the evidence format that a segment or a recording can break, one by one, each by a device that signs what it
// should not or by somebody who changes what it wrote. The number in a name is the rule's.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared_trial.h"

// ---- a device that lies in one field of record 2, which is signed all the same -----------------------------------

enum lie {
        LIE_OFFSET,
        LIE_SHORT,
        LIE_WITHIN_BOX,
        LIE_INDEX,
        LIE_PREV,
        LIE_DEVICE,
        LIE_RECORDING,
        LIE_SEGMENT,
        LIE_BOOT,
        LIE_EPOCH,
        LIE_LEDGER,
        LIE_SIGNED,
        LIE_FRAMES,
        LIE_TRACK_FIRST,
        LIE_TRACK_END,
        LIE_TRACK_NULL,
        LIE_TRACKS,
        LIE_HASH,
        LIE_X5T,
        LIE_MOOV_BYTES,
        LIE_MOOV_HASH,
        // Of record 1.
        LIE_HEAD,
        LIE_BASE,
        LIE_BOOT_ID,
};

static void tell(void *user, struct bc_record *record)
{
        enum lie lie = *(const enum lie *)user;

        if (record->index != (lie >= LIE_HEAD ? 1 : lie == LIE_MOOV_BYTES || lie == LIE_MOOV_HASH ? 3 : 2))
                return;
        switch (lie) {
        case LIE_OFFSET:
                record->offset--;
                record->bytes++;
                break;
        case LIE_SHORT:
                record->offset++;
                record->bytes--;
                break;
        case LIE_WITHIN_BOX:
                record->bytes--;
                break;
        case LIE_INDEX:
                record->index = 3;
                break;
        case LIE_PREV:
                record->prev[31] ^= 1;
                break;
        case LIE_DEVICE:
                record->device[0] = 'X';
                break;
        case LIE_RECORDING:
                record->recording++;
                break;
        case LIE_SEGMENT:
                record->segment++;
                break;
        case LIE_BOOT:
                record->boot++;
                break;
        case LIE_EPOCH:
                record->epoch++;
                break;
        case LIE_LEDGER:
                record->ledger--;
                break;
        case LIE_SIGNED:
                record->signed_ns = 1;
                break;
        case LIE_FRAMES:
                record->captured = 0;
                break;
        case LIE_TRACK_FIRST:
                record->track[0].first_ticks--;
                break;
        case LIE_TRACK_END:
                record->track[1].end_ticks++;
                break;
        case LIE_TRACK_NULL:
                record->track[1].first_ticks = record->track[1].end_ticks = BC_RECORD_UNKNOWN;
                break;
        case LIE_TRACKS:
                record->tracks--;
                break;
        case LIE_HASH:
                record->sha256[0] ^= 1;
                break;
        case LIE_X5T:
                record->x5t[0] ^= 1;
                break;
        case LIE_MOOV_BYTES:
                record->moov_bytes++;
                break;
        case LIE_MOOV_HASH:
                record->moov_sha256[0] ^= 1;
                break;
        case LIE_HEAD:
                record->head_bytes++;
                break;
        case LIE_BASE:
                record->base_ticks++;
                break;
        case LIE_BOOT_ID:
                record->boot_id[0] ^= 1;
                break;
        }
}

static void check_lie(enum lie lie, enum bc_finding_code code)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        forge->on_record = tell;
        forge->user = &lie;
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa R IPPaaa X F");
        trial_expect_found(&trial, trial_file(&trial, segment->bytes, segment->size), BC_VERDICT_TAMPERED, code);
        forge_free(forge);
}

static void test_rule_01_ranges_are_a_partition(void **state)
{
        (void)state;
        check_lie(LIE_OFFSET, BC_FINDING_COVERAGE);
        check_lie(LIE_SHORT, BC_FINDING_COVERAGE);
        check_lie(LIE_WITHIN_BOX, BC_FINDING_COVERAGE);
        check_lie(LIE_HASH, BC_FINDING_HASH);
}

static void test_rule_01_prev_is_the_whole_box(void **state)
{
        (void)state;
        check_lie(LIE_PREV, BC_FINDING_CHAIN);
        check_lie(LIE_INDEX, BC_FINDING_CHAIN);
}

static void test_rule_02_final_moov(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X F");
        size_t moov = segment->boxes - 1;

        (void)state;
        check_lie(LIE_MOOV_BYTES, BC_FINDING_MOOV);
        check_lie(LIE_MOOV_HASH, BC_FINDING_MOOV);
        // Each byte of it, its size among them: offsets, sizes, times, sync flags, edits.
        for (uint64_t at = segment->box_at[moov]; at < segment->box_at[moov + 1]; at += 3) {
                struct trial_bytes made = trial_copy(segment);
                made.bytes[at] ^= 0x10;
                trial_expect(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED);
                trial_bytes_done(&made);
        }
        forge_free(forge);
}

// A moov that makes players show 1 of 6 pictures, with header and length all right.
static void test_rule_02_another_moov(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X");
        struct bc_init init = segment->init;
        uint8_t moov[8192], patch[BC_PATCH_BYTES];
        size_t n;

        (void)state;
        init.track[1].start_ticks += 480;
        assert_int_equal(bc_finalise_build(&init, &segment->table, moov, sizeof(moov), &n), 0);
        struct trial_bytes made = trial_splice(segment, segment->size, 0, moov, n);
        assert_int_equal(bc_finalise_patch(&segment->layout, segment->size, patch), 0);
        memcpy(made.bytes + segment->layout.moov_offset, patch, sizeof(patch));
        trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED, BC_FINDING_MOOV);
        trial_bytes_done(&made);
        forge_free(forge);
}

static void test_rule_03_patched_header(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X F");

        (void)state;
        check_lie(LIE_HEAD, BC_FINDING_LABEL);
        for (size_t i = 0; i < 8; i++) {
                struct trial_bytes made = trial_copy(segment);
                made.bytes[segment->layout.moov_offset + i] ^= 1;
                assert_int_not_equal(trial_file(&trial, made.bytes, made.n), BC_VERDICT_AUTHENTIC);
                trial_bytes_done(&made);
        }
        forge_free(forge);
}

static void test_rule_03_patched_without_moov(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X F");
        struct trial_bytes made = trial_splice(segment, segment->box_at[segment->boxes - 1],
                                               segment->size - segment->box_at[segment->boxes - 1], NULL, 0);

        (void)state;
        trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED, BC_FINDING_MOOV);
        trial_bytes_done(&made);
        forge_free(forge);
}

static void test_rule_04_nothing_behind_the_end(void **state)
{
        static const char *const words[] = { "IPPaatg R IPPaa X F", "IPPaatg R IPPaa X M", "IPPaatg R IPPaa X",
                                             "IPPaatg R IPPaa R Z F" };
        static const char free_box[] = "\0\0\0\x08" "free";

        (void)state;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                struct forge *forge = forge_new(&trial.identity, 0);
                const struct forge_segment *segment = forge_write(forge, words[i]);
                struct trial_bytes made = trial_splice(segment, segment->size, 0, "x", 1);
                trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED, BC_FINDING_END);
                trial_bytes_done(&made);
                made = trial_splice(segment, segment->size, 0, free_box, 8);
                trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED, BC_FINDING_END);
                trial_bytes_done(&made);
                forge_free(forge);
        }
        // A fragment, a record, a second end behind it, all of them lawful by themselves.
        static const char *const more[] = { "IPPaatg X IPaa", "IPPaatg X IPaa R", "IPPaatg X R", "IPPaatg X X F",
                                            "IPPaatg C IPaa X F" };
        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
                struct forge *forge = forge_new(&trial.identity, 0);
                const struct forge_segment *segment = forge_write(forge, more[i]);
                trial_expect_found(&trial, trial_file(&trial, segment->bytes, segment->size), BC_VERDICT_TAMPERED,
                                   BC_FINDING_END);
                forge_free(forge);
        }
}

static void test_rule_05_folders(void **state)
{
        static const char *const names[] = { "0001.srt",
                                             "0001.MP4",
                                             "0000.mp4",
                                             "00001.mp4",
                                             "1.mp4",
                                             "0001.mp4.bak",
                                             ".hidden",
                                             "x",
                                             "0001-1.tail",
                                             "0001-100.tail",
                                             "0001-02.tail",
                                             "manifest.json~",
                                             "manifest.json.damaged-1" };
        struct forge *forge = forge_new(&trial.identity, 0);
        char path[TRIAL_PATH_BYTES], name[TRIAL_PATH_BYTES + 40];

        (void)state;
        forge_write(forge, "IPPaatg R IPPaa X F");
        forge_save(forge, trial.folder, true, path, sizeof(path));
        trial_expect(&trial, trial_path(&trial, path), BC_VERDICT_AUTHENTIC);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                forge_file(path, names[i], "x", 1);
                trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_NAME);
                snprintf(name, sizeof(name), "%s/%s", path, names[i]);
                assert_int_equal(unlink(name), 0);
        }
        // Of the right name, but no regular file: links, pipes and folders are not opened.
        snprintf(name, sizeof(name), "%s/0002.mp4", path);
        assert_int_equal(symlink("0001.mp4", name), 0);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_NAME);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(mkfifo(name, 0600), 0);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_NAME);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(mkdir(name, 0700), 0);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_NAME);
        assert_int_equal(rmdir(name), 0);
        // What recovery leaves and nobody's record names.
        forge_file(path, "0001.tail", "x", 1);
        trial_expect(&trial, trial_path(&trial, path), BC_VERDICT_UNPROVEN);
        forge_remove(path);
        forge_free(forge);
}

static void test_rule_06_times_are_those_of_the_fragments(void **state)
{
        (void)state;
        check_lie(LIE_TRACK_FIRST, BC_FINDING_TIME);
        check_lie(LIE_TRACK_END, BC_FINDING_TIME);
        check_lie(LIE_TRACK_NULL, BC_FINDING_TIME);
        check_lie(LIE_TRACKS, BC_FINDING_TIME);
        check_lie(LIE_BASE, BC_FINDING_LABEL);
        check_lie(LIE_BOOT_ID, BC_FINDING_LABEL);
}

// kind 0: not declared. short_ticks: the gap ends so many before the hole does.
static enum bc_verdict judge_hole(uint32_t kind, int64_t short_ticks, bool sound)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        int64_t hole = 10 * 1024;

        forge->segments_stated = 2;
        forge_write(forge, "IPPaa R IPPaa C F");
        int64_t from = sound ? forge->end_ticks[1] : forge->end_ticks[0];
        for (size_t i = 0; i < FORGE_TRACKS; i++)
                if (sound ? i == 1 : i != 1)
                        forge->end_ticks[i] += hole;
        if (kind != 0)
                forge_declare(forge, kind, from, from + hole + (sound ? 0 : 10000) - short_ticks, 1);
        forge_write(forge, "IPPaatg R IPPaa X F");
        enum bc_verdict verdict = trial_recording(&trial, forge);
        forge_free(forge);
        return verdict;
}

static void test_rule_06_holes_between_segments(void **state)
{
        (void)state;
        trial_expect_found(&trial, judge_hole(0, 0, false), BC_VERDICT_TAMPERED, BC_FINDING_TIME);
        trial_expect_found(&trial, judge_hole(0, 0, true), BC_VERDICT_TAMPERED, BC_FINDING_TIME);
        trial_expect(&trial, judge_hole(5, 0, false), BC_VERDICT_AUTHENTIC);  // overtaken
        trial_expect(&trial, judge_hole(2, 0, false), BC_VERDICT_AUTHENTIC);  // no-picture
        trial_expect(&trial, judge_hole(3, 0, true), BC_VERDICT_AUTHENTIC);   // no-sound
        trial_expect(&trial, judge_hole(6, 0, true), BC_VERDICT_AUTHENTIC);   // late-sound
        trial_expect(&trial, judge_hole(6, 1023, true), BC_VERDICT_AUTHENTIC); // the grid of sound
        trial_expect_found(&trial, judge_hole(6, 1024, true), BC_VERDICT_TAMPERED, BC_FINDING_TIME);
        trial_expect_found(&trial, judge_hole(5, 10001, false), BC_VERDICT_TAMPERED, BC_FINDING_TIME);
        trial_expect_found(&trial, judge_hole(3, 0, false), BC_VERDICT_TAMPERED, BC_FINDING_TIME); // says nothing of the picture
        trial_expect_found(&trial, judge_hole(7, 0, true), BC_VERDICT_TAMPERED, BC_FINDING_TIME);  // muted is silence, not a hole
        trial_expect_found(&trial, judge_hole(2, 0, true), BC_VERDICT_TAMPERED, BC_FINDING_TIME);
}

static void test_rule_06_nothing_twice(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge->segments_stated = 2;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge->end_ticks[0] -= 1600;
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_TIME);
        forge_free(forge);
}

static void test_rule_07_last_segment(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        const struct forge_segment *segment;

        (void)state;
        forge->segments_stated = 3;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge_write(forge, "IPPaatg R IPPaa C F");
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_UNPROVEN, BC_FINDING_MISSING); // the last is gone
        segment = forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_AUTHENTIC);
        // Alone it is a part.
        trial_expect_found(&trial, trial_file(&trial, segment->bytes, segment->size), BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
        trial_expect_found(&trial, trial_file(&trial, forge->segment[0].bytes, forge->segment[0].size), BC_VERDICT_UNPROVEN,
                           BC_FINDING_MISSING);
        forge_free(forge);
}

static void test_rule_07_goes_on_behind_close(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge->segments_stated = 2;
        forge_write(forge, "IPPaatg R IPPaa X F");
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_END);
        forge_free(forge);
}

static void test_rule_17_one_device_one_key(void **state)
{
        (void)state;
        check_lie(LIE_DEVICE, BC_FINDING_CHAIN);
        check_lie(LIE_RECORDING, BC_FINDING_CHAIN);
        check_lie(LIE_SEGMENT, BC_FINDING_CHAIN);
        check_lie(LIE_X5T, BC_FINDING_CERTIFICATE);
}

// record.md, 7: what never goes down.
static void test_rule_13_counters(void **state)
{
        (void)state;
        check_lie(LIE_BOOT, BC_FINDING_CHAIN);
        check_lie(LIE_EPOCH, BC_FINDING_CHAIN);
        check_lie(LIE_LEDGER, BC_FINDING_CHAIN);
        check_lie(LIE_SIGNED, BC_FINDING_CHAIN);
        check_lie(LIE_FRAMES, BC_FINDING_CHAIN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_01_ranges_are_a_partition),
                cmocka_unit_test(test_rule_01_prev_is_the_whole_box),
                cmocka_unit_test(test_rule_02_final_moov),
                cmocka_unit_test(test_rule_02_another_moov),
                cmocka_unit_test(test_rule_03_patched_header),
                cmocka_unit_test(test_rule_03_patched_without_moov),
                cmocka_unit_test(test_rule_04_nothing_behind_the_end),
                cmocka_unit_test(test_rule_05_folders),
                cmocka_unit_test(test_rule_06_times_are_those_of_the_fragments),
                cmocka_unit_test(test_rule_06_holes_between_segments),
                cmocka_unit_test(test_rule_06_nothing_twice),
                cmocka_unit_test(test_rule_07_last_segment),
                cmocka_unit_test(test_rule_07_goes_on_behind_close),
                cmocka_unit_test(test_rule_13_counters),
                cmocka_unit_test(test_rule_17_one_device_one_key),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
