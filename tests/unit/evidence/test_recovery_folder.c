// SPDX-License-Identifier: EUPL-1.2
// Recovery of whole folders: what else may lie there, manifests lost or damaged, recordings caught at any moment.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "format/fragment.h"
#include "specimen.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

static struct specimen recorded; // by the group's setup; closed

static int record(void **state)
{
        (void)state;
        specimen_record(&recorded);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        specimen_done(&recorded);
        return 0;
}

static enum bc_segment_state state_of(struct bc_manifest *manifest, uint32_t number)
{
        assert_non_null(bc_manifest_find_segment(manifest, number));
        return bc_manifest_find_segment(manifest, number)->state;
}

// ---- what else may lie there -----------------------------------------------------------------------------------

static void test_what_is_no_segment_is_left_alone(void **state)
{
        const char *const names[] = { "0004.mp4", "0005.mp4", "0006.mp4", "0007.mp4", "0008.mp4", "notes.txt",
                                      "0003.MP4", "10000.mp4", "3.mp4", "0000.mp4", "0003.mp4.bak", "photo-0001.jpg" };
        struct specimen before, after;
        struct specimen_file *eighth;
        struct bc_manifest manifest;
        uint8_t *name;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        specimen_set_kind(&before, "0004.mp4", 'd');
        specimen_set_kind(&before, "0005.mp4", 'l'); // to 0001.mp4
        specimen_set_kind(&before, "0006.mp4", 'p');
        specimen_set(&before, "0007.mp4", specimen_find(&recorded, "0005.mp4")->bytes,
                     specimen_find(&recorded, "0005.mp4")->size); // a segment, but not the seventh
        specimen_set(&before, "0008.mp4", specimen_find(&recorded, "0008.mp4")->bytes,
                     specimen_find(&recorded, "0008.mp4")->size);
        eighth = specimen_find(&before, "0008.mp4");
        name = memmem(eighth->bytes, 1000, SPECIMEN_NAME, strlen(SPECIMEN_NAME));
        assert_non_null(name);
        name[10] = '2'; // an eighth segment, but of another recording
        specimen_unfinish(eighth);
        for (size_t i = 5; i < sizeof(names) / sizeof(*names); i++)
                specimen_set(&before, names[i], specimen_find(&before, "0003.mp4")->bytes,
                             specimen_find(&before, "0003.mp4")->size);
        specimen_recover(&before, &after, &manifest);
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                specimen_assert_unchanged(&before, &after, names[i]);
        specimen_assert_finished(&recorded, &after, "0001.mp4");
        specimen_assert_finished(&recorded, &after, "0002.mp4");
        specimen_assert_finished(&recorded, &after, "0003.mp4");
        assert_int_equal(after.files, before.files);
        assert_int_equal(manifest.segments, 3); // and not listed
        assert_int_equal(manifest.state, BC_RECORDING_RECOVERED);
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

// One that was listed and is no file of ours any more is declared missing.
static void test_segments_that_are_gone(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        specimen_remove(&before, "0001.mp4");
        specimen_set_kind(&before, "0002.mp4", 'd');
        specimen_recover(&before, &after, &manifest);
        assert_int_equal(state_of(&manifest, 1), BC_SEGMENT_MISSING);
        assert_int_equal(state_of(&manifest, 2), BC_SEGMENT_MISSING);
        assert_int_equal(state_of(&manifest, 3), BC_SEGMENT_RECOVERED);
        assert_int_equal(manifest.segment[0].bytes, 0);
        assert_int_equal(manifest.segment[0].missing_bytes, specimen_find(&recorded, "0001.mp4")->size);
        assert_int_equal(manifest.segment[2].missing_bytes, 0);
        specimen_assert_unchanged(&before, &after, "0002.mp4");
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

// A closed one that was shortened afterwards is finished again, and what is gone is said.
static void test_a_closed_segment_that_was_shortened(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;
        struct shape shape;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        shape_of(specimen_find(&before, "0002.mp4")->bytes, specimen_find(&before, "0002.mp4")->size, &shape);
        specimen_cut(specimen_find(&before, "0002.mp4"), shape.fragment_end[3]);
        specimen_recover(&before, &after, &manifest);
        assert_int_equal(state_of(&manifest, 2), BC_SEGMENT_RECOVERED);
        assert_int_equal(manifest.segment[1].fragments, 4);
        assert_true(manifest.segment[1].missing_bytes >= shape.boxes_end - shape.fragment_end[3]);
        shape_of(specimen_find(&after, "0002.mp4")->bytes, specimen_find(&after, "0002.mp4")->size, &shape);
        assert_true(shape.finished);
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

// One that is as the manifest says is not read through once more: what lies inside is not recovery's to judge.
static void test_a_closed_segment_is_not_walked(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;
        struct specimen_file *file;
        struct shape shape;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        file = specimen_find(&before, "0002.mp4");
        shape_of(file->bytes, file->size, &shape);
        memset(file->bytes + shape.fragment_end[3], 0, 8);
        specimen_recover(&before, &after, &manifest);
        assert_int_equal(state_of(&manifest, 2), BC_SEGMENT_CLOSED);
        specimen_assert_unchanged(&before, &after, "0002.mp4");
        bc_manifest_done(&manifest);
        specimen_done(&after);
        // The moov is where the header says, but the file goes on behind it: then it is looked at.
        specimen_append(file, "x", 1);
        specimen_recover(&before, &after, &manifest);
        assert_int_equal(state_of(&manifest, 2), BC_SEGMENT_RECOVERED);
        assert_int_equal(manifest.segment[1].fragments, 4);
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

// More tracks than any recorder makes: a stranger, whatever its label says.
static void test_a_segment_of_five_tracks(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;
        struct shape shape;
        uint8_t bytes[BC_INIT_BYTES_MAX];
        size_t n;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        shape_of(specimen_find(&before, "0002.mp4")->bytes, specimen_find(&before, "0002.mp4")->size, &shape);
        shape.init.label.segment = 4;
        for (shape.init.tracks = 2; shape.init.tracks < 5; shape.init.tracks++)
                shape.init.track[shape.init.tracks] = shape.init.track[1];
        assert_int_equal(bc_init_write(&shape.init, bytes, sizeof(bytes), &n), 0);
        specimen_set(&before, "0004.mp4", bytes, n);
        specimen_recover(&before, &after, &manifest);
        specimen_assert_unchanged(&before, &after, "0004.mp4");
        assert_null(bc_manifest_find_segment(&manifest, 4));
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

static void test_files_that_are_no_mp4(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        specimen_set_text(&before, "0004.mp4", "not a film at all");
        specimen_set_text(&before, "0005.mp4", "");
        specimen_recover(&before, &after, &manifest);
        assert_null(specimen_find(&after, "0004.mp4"));
        assert_string_equal((char *)specimen_find(&after, "0004.tail")->bytes, "not a film at all");
        assert_int_equal(specimen_find(&after, "0005.tail")->size, 0);
        assert_int_equal(state_of(&manifest, 4), BC_SEGMENT_EMPTY);
        assert_int_equal(bc_manifest_find_segment(&manifest, 4)->tail_bytes, 17);
        assert_int_equal(state_of(&manifest, 5), BC_SEGMENT_EMPTY);
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

// Tails that are there already, of whatever kind, are not overwritten; the bytes find a name of their own.
static void test_names_of_tails_that_are_taken(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        specimen_append(specimen_find(&before, "0003.mp4"), "rubbish", 7);
        specimen_set_text(&before, "0003.tail", "another");
        specimen_set_kind(&before, "0003-2.tail", 'l');
        specimen_set_kind(&before, "0003-3.tail", 'd');
        specimen_set_kind(&before, "0003-4.tail", 'p');
        specimen_set_kind(&before, "0003.tail.new", 'p'); // of a run that was cut off; must not be waited for
        specimen_set_text(&before, "0004.mp4", "no film");
        specimen_set_text(&before, "0004.tail", "no film"); // the same bytes; still nobody's to throw away
        specimen_recover(&before, &after, &manifest);
        specimen_assert_unchanged(&before, &after, "0003.tail");
        specimen_assert_unchanged(&before, &after, "0003-2.tail");
        specimen_assert_unchanged(&before, &after, "0003-3.tail");
        specimen_assert_unchanged(&before, &after, "0003-4.tail");
        assert_null(specimen_find(&after, "0003.tail.new"));
        assert_string_equal((char *)specimen_find(&after, "0003-5.tail")->bytes, "rubbish");
        specimen_assert_finished(&recorded, &after, "0003.mp4");
        assert_int_equal(bc_manifest_find_segment(&manifest, 3)->tail_bytes, 14);
        specimen_assert_unchanged(&before, &after, "0004.tail");
        assert_string_equal((char *)specimen_find(&after, "0004-2.tail")->bytes, "no film");
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

static void test_many_tails(void **state)
{
        struct specimen before, after;
        struct bc_recovery_report report;
        struct clinic clinic;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        specimen_append(specimen_find(&before, "0003.mp4"), "rubbish", 7);
        clinic_open(&clinic, &before);
        for (int nth = 1; nth <= 99; nth++) {
                char name[32];

                snprintf(name, sizeof(name), nth == 1 ? "0003.tail" : "0003-%d.tail", nth);
                folder_write_text(clinic.folder_fd, name, "x");
        }
        clinic_recover(&clinic, &report); // no name is left: the file stays as it is, and the recording listed
        assert_int_equal(report.failed, 1);
        assert_true(clinic_is_listed(&clinic));
        assert_int_equal(unlinkat(clinic.folder_fd, "0003-77.tail", 0), 0);
        clinic_recover(&clinic, &report);
        assert_int_equal(report.failed, 0);
        for (int nth = 1; nth <= 99; nth++) {
                char name[32];

                snprintf(name, sizeof(name), nth == 1 ? "0003.tail" : "0003-%d.tail", nth);
                if (nth != 77)
                        assert_int_equal(unlinkat(clinic.folder_fd, name, 0), 0);
        }
        specimen_take(clinic.folder_fd, &after);
        assert_string_equal((char *)specimen_find(&after, "0003-77.tail")->bytes, "rubbish");
        specimen_assert_finished(&recorded, &after, "0003.mp4");
        clinic_close(&clinic);
        specimen_done(&after);
        specimen_done(&before);
}

// A label may say anything: times that cannot be added up are no reason to fail, or to do worse.
static void test_a_time_beyond_all_bounds(void **state)
{
        static uint8_t bytes[BC_INIT_BYTES_MAX + 1000];
        struct bc_sample sample = { 48000, 10, true };
        struct bc_run run = { .sample = &sample, .samples = 1 };
        struct specimen before, after;
        struct bc_manifest manifest;
        struct shape shape;
        size_t head, header;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        shape_of(specimen_find(&before, "0003.mp4")->bytes, specimen_find(&before, "0003.mp4")->size, &shape);
        shape.init.label.base_ticks = INT64_MAX - 10;
        assert_int_equal(bc_init_write(&shape.init, bytes, sizeof(bytes), &head), 0);
        assert_int_equal(bc_fragment_build(1, &run, 1, bytes + head, sizeof(bytes) - head, &header), 0);
        specimen_set(&before, "0003.mp4", bytes, head + header + 10);
        specimen_recover(&before, &after, &manifest);
        assert_int_equal(state_of(&manifest, 3), BC_SEGMENT_RECOVERED);
        assert_int_equal(manifest.segment[2].first_ticks, INT64_MAX - 10);
        assert_int_equal(manifest.segment[2].end_ticks, INT64_MAX);
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

// ---- the store -------------------------------------------------------------------------------------------------

static void test_numbers_without_a_folder(void **state)
{
        struct bc_recovery_report report;
        struct specimen before, after;
        struct clinic clinic;
        char text[16];
        size_t size;
        char *counter;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        clinic_open(&clinic, &before);
        folder_write_text(clinic.store_fd, "counter.json", "{\"counter\":9,\"open\":[1,2,4,5,9]}");
        folder_write_text(clinic.store_fd, "recordings/test-000004", "in the way of a folder");
        assert_int_equal(symlinkat(SPECIMEN_NAME, clinic.store_fd, "recordings/test-000005"), 0);
        clinic_recover(&clinic, &report);
        assert_int_equal(report.recordings, 5);
        assert_int_equal(report.failed, 2);
        assert_int_equal(report.segments, 1);
        counter = folder_read(clinic.store_fd, "counter.json", &size);
        assert_non_null(strstr(counter, "[4,5]")); // tried again at each start
        free(counter);
        assert_int_equal(readlinkat(clinic.store_fd, "recordings/test-000005", text, sizeof(text)), 11);
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_finished(&recorded, &after, "0003.mp4");
        clinic_close(&clinic);
        specimen_done(&after);
        specimen_done(&before);
}

// ---- recordings caught at any moment -----------------------------------------------------------------------------

static uint32_t below(uint32_t *seed, uint32_t limit)
{
        *seed = *seed * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)*seed * limit) >> 32);
}

// The folder as it is at this instant, recovered elsewhere: all that was called durable is there.
static void catch_and_recover(struct bench *bench, const struct bc_recorder_status *status)
{
        struct bc_recovery_report report;
        struct specimen specimen;
        struct judged judged;
        struct clinic clinic;
        int fd = openat(bc_store_recordings_fd(bench->store), SPECIMEN_NAME, O_RDONLY | O_DIRECTORY), recordings_fd;

        assert_true(fd >= 0);
        specimen_take(fd, &specimen);
        close(fd);
        clinic_open(&clinic, &specimen);
        clinic_recover(&clinic, &report);
        assert_int_equal(report.failed, 0);
        recordings_fd = openat(clinic.store_fd, "recordings", O_RDONLY | O_DIRECTORY);
        judge_read(recordings_fd, SPECIMEN_NAME, &judged);
        close(recordings_fd);
        assert_int_equal(judge_whole(&judged, &bench->feed), status->first_ns);
        assert_int_equal(judged.finished, judged.segments);
        assert_int_equal(judged.tails + judged.strangers, 0); // each write was whole
        assert_int_equal(judge_gaps(&judged, -1), 0);
        assert_int_equal(judged.manifest.segments, judged.segments);
        const struct judged_unit *last = &judged.unit[BC_LANE_PICTURE][judged.units[BC_LANE_PICTURE] - 1];
        assert_int_equal(last->ticks + last->duration_ticks, bc_ticks_from_ns(status->durable_ns));
        judge_done(&judged);
        clinic_close(&clinic);
        specimen_done(&specimen);
}

static void test_caught_at_random_moments(void **state)
{
        uint32_t seeds = getenv("BC_LONG") ? 60 : 3;

        (void)state;
        for (uint32_t seed = 1; seed <= seeds; seed++) {
                uint32_t random = seed;
                struct bc_recorder_status status;
                struct bench bench;
                int64_t now_ns = 130 * S;

                bench_defaults(&bench);
                bench.config.pre_event_ns = 2 * S;
                bench.config.segment_ns = (1 + below(&random, 4)) * S;
                bench.feed.jitter_ns = below(&random, 2) * 9 * MS;
                bench_make(&bench);
                bench_run_until(&bench, now_ns);
                assert_int_equal(bc_recorder_start(bench.recorder, now_ns, "button"), 0);
                for (int i = 0; i < 12; i++) {
                        bench_run_until(&bench, now_ns);
                        bc_recorder_status(bench.recorder, &status);
                        assert_true(status.durable_ns > 0);
                        catch_and_recover(&bench, &status);
                        now_ns += below(&random, 1500) * MS;
                }
                bench_done(&bench);
        }
}

// ---- a figure ----------------------------------------------------------------------------------------------------

// A film of large pictures: how long recovery takes to walk through it. For information only.
static void test_how_long_it_takes(void **state)
{
        size_t fragments = getenv("BC_LONG") ? 1000 : 30, head_bytes;
        static uint8_t bytes[1 << 20], head[BC_INIT_BYTES_MAX];
        struct bc_recovery_report report;
        struct specimen empty = { .files = 0 };
        struct shape shape;
        struct clinic clinic;
        struct timespec began, ended;
        uint64_t at;
        int fd;

        (void)state;
        shape_of(specimen_find(&recorded, "0001.mp4")->bytes, specimen_find(&recorded, "0001.mp4")->size, &shape);
        assert_int_equal(bc_init_write(&shape.init, head, sizeof(head), &head_bytes), 0);
        clinic_open(&clinic, &empty);
        fd = openat(clinic.folder_fd, "0001.mp4", O_WRONLY | O_CREAT, 0640);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, head, head_bytes, 0), (ssize_t)head_bytes);
        at = head_bytes;
        for (uint32_t n = 0; n < fragments; n++) {
                struct bc_sample sample[15];
                struct bc_run run = { .decode_ticks = n * 24000, .sample = sample, .samples = 15 };
                size_t header, payload = 0;

                for (size_t i = 0; i < 15; i++, payload += 60000)
                        sample[i] = (struct bc_sample){ 1600, 60000, i == 0 };
                assert_int_equal(bc_fragment_build(n + 1, &run, 1, bytes, sizeof(bytes), &header), 0);
                assert_int_equal(pwrite(fd, bytes, header + payload, (off_t)at), (ssize_t)(header + payload));
                at += header + payload;
        }
        close(fd);
        clock_gettime(CLOCK_MONOTONIC, &began);
        clinic_recover(&clinic, &report);
        clock_gettime(CLOCK_MONOTONIC, &ended);
        assert_int_equal(report.segments, 1);
        print_message("%.1f MB of film recovered in %.1f ms\n", (double)at / 1e6,
                      (double)(ended.tv_sec - began.tv_sec) * 1e3 + (double)(ended.tv_nsec - began.tv_nsec) / 1e6);
        clinic_close(&clinic);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_no_segment_is_left_alone),
                cmocka_unit_test(test_segments_that_are_gone),
                cmocka_unit_test(test_a_closed_segment_that_was_shortened),
                cmocka_unit_test(test_a_closed_segment_is_not_walked),
                cmocka_unit_test(test_a_segment_of_five_tracks),
                cmocka_unit_test(test_files_that_are_no_mp4),
                cmocka_unit_test(test_names_of_tails_that_are_taken),
                cmocka_unit_test(test_many_tails),
                cmocka_unit_test(test_a_time_beyond_all_bounds),
                cmocka_unit_test(test_numbers_without_a_folder),
                cmocka_unit_test(test_caught_at_random_moments),
                cmocka_unit_test(test_how_long_it_takes),
        };

        return cmocka_run_group_tests(tests, record, forget);
}
