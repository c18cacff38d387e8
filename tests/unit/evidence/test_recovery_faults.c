// SPDX-License-Identifier: EUPL-1.2
// Recovery that is cut off or fails at each of its calls: nothing is lost at that instant, and run again it ends the
// same as if it had not been.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/wrapped.h"
#include "specimen.h"

// ---- the card --------------------------------------------------------------------------------------------------

static struct {
        bool watched;
        int countdown; // calls until the fault
        int failures;  // that many calls fail in a row
        int error;
        const char *only; // calls that name a file ending so; NULL: all
        bool no_room;     // nothing new can be written
        bool stops;       // at the fault nothing fails, but recovery is told to stop
        atomic_bool stop;
        unsigned struck;
} card;

static bool strikes(const char *name)
{
        size_t n = name ? strlen(name) : 0;

        if (!card.watched || card.no_room)
                return false;
        if (card.only && (n < strlen(card.only) || strcmp(name + n - strlen(card.only), card.only) != 0))
                return false;
        if (card.countdown > 0) {
                card.countdown--;
                return false;
        }
        if (card.failures <= 0)
                return false;
        card.failures--;
        card.struck++;
        if (card.stops) {
                atomic_store(&card.stop, true);
                return false;
        }
        errno = card.error;
        return true;
}

// A full card takes what overwrites, and the name of a new file, but no byte more.
static bool is_full(int fd, uint64_t end)
{
        struct stat status;

        if (!card.watched || !card.no_room || fstat(fd, &status) < 0 || end <= (uint64_t)status.st_size)
                return false;
        errno = ENOSPC;
        return true;
}

int __wrap_fdatasync(int fd)
{
        return strikes(NULL) ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        return strikes(NULL) ? -1 : __real_fsync(fd);
}

int __wrap_ftruncate(int fd, off_t size)
{
        return strikes(NULL) ? -1 : __real_ftruncate(fd, size);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        if (is_full(fd, (uint64_t)offset + size))
                return -1;
        if (!strikes(NULL))
                return __real_pwrite(fd, bytes, size, offset);
        // Half of it reaches the card, in whole sectors.
        (void)!__real_pwrite(fd, bytes, size / 1024 * 512, offset);
        errno = card.error;
        return -1;
}

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        return (flags & O_CREAT) && strikes(name) ? -1 : __real_openat(fd, name, flags, mode);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return strikes(to) ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_unlinkat(int fd, const char *name, int flags)
{
        return strikes(name) ? -1 : __real_unlinkat(fd, name, flags);
}

// ---- specimens ---------------------------------------------------------------------------------------------------

static struct specimen everything; // each kind of damage once, by the group's setup

static struct shape shape_in(struct specimen *specimen, const char *name)
{
        struct shape shape;

        shape_of(specimen_find(specimen, name)->bytes, specimen_find(specimen, name)->size, &shape);
        return shape;
}

static int make_everything(void **state)
{
        static const uint8_t zeros[3000];
        struct specimen_file *abandoned;
        struct shape shape;
        size_t size;

        (void)state;
        specimen_record(&everything);
        // 1 is closed. 2 was abandoned: a whole fragment and a piece of the next are behind what is durable.
        abandoned = specimen_find(&everything, "0002.mp4");
        specimen_unfinish(abandoned);
        shape = shape_in(&everything, "0002.mp4");
        size = shape.fragment_end[5] + 700;
        specimen_cut(abandoned, shape.fragment_end[4]);
        // 3 has rubbish behind it, 4 is patched and its moov half zeros, 5 has its moov but no patch, 6 was just being
        // written, 7 is no film, 8 is gone.
        for (uint32_t number = 3; number <= 6; number++) {
                char name[BC_SEGMENT_NAME_BYTES_MAX];

                bc_segment_name(number, name);
                shape = shape_in(&everything, name);
                if (number == 4) {
                        specimen_cut(specimen_find(&everything, name), shape.boxes_end + 100);
                        specimen_append(specimen_find(&everything, name), zeros, 300);
                        continue;
                }
                specimen_unfinish(specimen_find(&everything, name));
                if (number == 3)
                        specimen_append(specimen_find(&everything, name), zeros, sizeof(zeros));
                if (number == 5)
                        specimen_find(&everything, name)->size += shape.moov_bytes; // the bytes are still there
        }
        specimen_set_manifest(&everything, "caoooooo");
        specimen_find(&everything, "0002.mp4")->size = size; // the bytes are still there
        specimen_set(&everything, "0007.mp4", "no film", 7);
        specimen_remove(&everything, "0008.mp4");
        return 0;
}

static int forget(void **state)
{
        (void)state;
        specimen_done(&everything);
        return 0;
}

// One start, with the card failing from the nth call of the recovery on.
static struct bc_recovery_report start_with_fault(const struct clinic *clinic, int nth, int failures, int error)
{
        struct bc_recovery_report report;
        struct bc_store *store;
        char text[256];

        assert_int_equal(bc_store_open(clinic->path, "test", text, sizeof(text), &store), 0);
        card.countdown = nth;
        card.failures = failures;
        card.error = error;
        card.struck = 0;
        card.watched = true;
        atomic_store(&card.stop, false);
        assert_int_equal(bc_recovery_run(store, NULL, &card.stop, &report), 0);
        card.watched = false;
        bc_store_free(store);
        return report;
}

static bool matches(const struct specimen_file *file, const struct specimen_file *tail, size_t common)
{
        size_t from;

        if (tail->size > file->size)
                return false;
        from = file->size - tail->size;
        return from <= common && memcmp(file->bytes + from, tail->bytes, tail->size) == 0;
}

// Every byte of every segment is in it still or in a tail; the eight bytes of the patch can be told from the format.
static void assert_nothing_lost(struct specimen *before, struct specimen *after)
{
        for (size_t i = 0; i < before->files; i++) {
                const struct specimen_file *file = &before->file[i], *now = specimen_find(after, file->name);
                struct shape shape = { .fragments = 0 };
                size_t common = 0;
                bool found = false;

                if (!strstr(file->name, ".mp4"))
                        continue;
                if (file->size > 1000)
                        shape = shape_in(before, file->name);
                while (now && common < file->size && common < now->size &&
                       (file->bytes[common] == now->bytes[common] || common - shape.layout.moov_offset < 8))
                        common++;
                found = common == file->size;
                for (size_t k = 0; !found && k < after->files; k++)
                        found = strstr(after->file[k].name, ".tail") && !strncmp(after->file[k].name, file->name, 4) &&
                                matches(file, &after->file[k], common);
                if (!found)
                        fail_msg("bytes of %s are lost from %zu on", file->name, common);
        }
}

// A player reads every file at every instant: a header that leads to the moov only where there is one. What recovery
// has not touched may be as the power cut left it.
static void assert_readable(struct specimen *before, struct specimen *after)
{
        for (size_t i = 0; i < after->files; i++) {
                const struct specimen_file *file = &after->file[i], *was = specimen_find(before, file->name);
                struct shape shape;

                if (!strstr(file->name, ".mp4") || file->size < 1000)
                        continue;
                if (was->size == file->size && memcmp(was->bytes, file->bytes, file->size) == 0)
                        continue;
                shape = shape_in(after, file->name);
                if (shape.layout.patched && shape.moov != BC_MOOV_WHOLE)
                        fail_msg("%s leads to a moov that is not there", file->name);
        }
}

// ---- at each call --------------------------------------------------------------------------------------------------

// false: there was no nth call.
static bool cut_off_at(struct specimen *before, struct specimen *expected, int nth, int failures, int error)
{
        struct bc_recovery_report report;
        struct specimen after;
        struct clinic clinic;
        bool struck;

        clinic_open(&clinic, before);
        report = start_with_fault(&clinic, nth, failures, error);
        struck = card.struck > 0;
        specimen_take(clinic.folder_fd, &after);
        assert_nothing_lost(before, &after);
        assert_readable(before, &after);
        // Not listed any more only when all is done, be it that the last sync of the counter is what failed.
        if (!clinic_is_listed(&clinic))
                specimen_assert_same(expected, &after);
        else
                assert_int_equal(report.failed, 1);
        specimen_done(&after);
        clinic_list(&clinic);
        report = start_with_fault(&clinic, 0, 0, 0);
        assert_int_equal(report.failed, 0);
        assert_false(clinic_is_listed(&clinic));
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_same(expected, &after);
        specimen_done(&after);
        clinic_close(&clinic);
        return struck;
}

static void cut_off_everywhere(struct specimen *before)
{
        const struct {
                int failures, error;
        } faults[] = { { 1, EIO }, { 1 << 30, EIO }, { 1, ENOSPC }, { 2, EIO } };
        struct specimen expected;
        struct clinic clinic;
        int calls = 0;

        clinic_open(&clinic, before);
        assert_int_equal(start_with_fault(&clinic, 0, 0, 0).failed, 0);
        specimen_take(clinic.folder_fd, &expected);
        assert_nothing_lost(before, &expected);
        clinic_close(&clinic);
        for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
                for (int nth = 0; cut_off_at(before, &expected, nth, faults[i].failures, faults[i].error); nth++)
                        calls++;
        print_message("%d faults\n", calls);
        assert_true(calls > 150);
        specimen_done(&expected);
}

static void test_cut_off_at_each_call(void **state)
{
        (void)state;
        cut_off_everywhere(&everything);
}

static void test_cut_off_at_each_call_without_a_manifest(void **state)
{
        struct specimen damaged;

        (void)state;
        specimen_copy(&everything, &damaged);
        specimen_set(&damaged, BC_MANIFEST_NAME, "rubbish", 7);
        cut_off_everywhere(&damaged);
        specimen_done(&damaged);
}

// Told to stop while at each of its calls: what it has begun it ends, nothing is taken for done that is not, and it
// goes on from there the next time.
static void test_stopped_at_each_call(void **state)
{
        struct specimen expected, after;
        struct bc_recovery_report report;
        struct clinic clinic;
        unsigned stopped = 0;

        (void)state;
        clinic_open(&clinic, &everything);
        assert_false(start_with_fault(&clinic, 0, 0, 0).stopped);
        specimen_take(clinic.folder_fd, &expected);
        clinic_close(&clinic);
        card.stops = true;
        for (int nth = 0; nth == 0 || card.struck > 0; nth++) {
                unsigned struck;

                clinic_open(&clinic, &everything);
                report = start_with_fault(&clinic, nth, 1, 0);
                struck = card.struck;
                assert_int_equal(report.failed, 0);
                assert_int_equal(clinic_is_listed(&clinic), report.stopped);
                stopped += report.stopped;
                specimen_take(clinic.folder_fd, &after);
                assert_nothing_lost(&everything, &after);
                assert_readable(&everything, &after);
                specimen_done(&after);
                report = start_with_fault(&clinic, 0, 0, 0);
                assert_false(report.stopped || clinic_is_listed(&clinic));
                specimen_take(clinic.folder_fd, &after);
                specimen_assert_same(&expected, &after);
                specimen_done(&after);
                clinic_close(&clinic);
                card.struck = struck;
        }
        card.stops = false;
        print_message("stopped %u times\n", stopped);
        assert_true(stopped > 20);
        specimen_done(&expected);
}

static void test_stopped_before_it_begins(void **state)
{
        const atomic_bool stop = true;
        struct bc_recovery_report report;
        struct bc_store *store;
        struct specimen after;
        struct clinic clinic;
        char text[256];

        (void)state;
        clinic_open(&clinic, &everything);
        assert_int_equal(bc_store_open(clinic.path, "test", text, sizeof(text), &store), 0);
        assert_int_equal(bc_recovery_run(store, NULL, &stop, &report), 0);
        bc_store_free(store);
        assert_true(report.stopped);
        assert_int_equal(report.recordings, 0);
        assert_true(clinic_is_listed(&clinic));
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_same(&everything, &after);
        specimen_done(&after);
        clinic_close(&clinic);
}

// ---- a full card ---------------------------------------------------------------------------------------------------

static void test_no_room_leaves_everything_as_it_is(void **state)
{
        struct specimen before, after;
        struct bc_recovery_report report;
        struct clinic clinic;

        (void)state;
        specimen_copy(&everything, &before);
        specimen_remove(&before, "0005.mp4");
        specimen_remove(&before, "0006.mp4"); // these need no room for a tail
        specimen_remove(&before, "0007.mp4");
        clinic_open(&clinic, &before);
        card.no_room = true;
        report = start_with_fault(&clinic, 0, 0, 0);
        assert_int_equal(report.failed, 1);
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_same(&before, &after);
        specimen_done(&after);
        assert_true(clinic_is_listed(&clinic));
        card.no_room = false;
        report = start_with_fault(&clinic, 0, 0, 0);
        assert_int_equal(report.failed, 0);
        assert_int_equal(report.segments, 3);
        assert_false(clinic_is_listed(&clinic));
        clinic_close(&clinic);
        specimen_done(&before);
}

// Room for the manifest but not for a tail: the others are seen to, this one stays as it is, and the recording open.
static void test_no_room_for_one_tail(void **state)
{
        struct specimen after;
        struct bc_recovery_report report;
        struct bc_manifest manifest;
        struct clinic clinic;

        (void)state;
        clinic_open(&clinic, &everything);
        card.only = "0003.tail.new";
        report = start_with_fault(&clinic, 1, 1 << 30, ENOSPC); // unlink, then openat
        card.only = NULL;
        assert_int_equal(report.failed, 1);
        assert_true(clinic_is_listed(&clinic));
        specimen_take(clinic.folder_fd, &after);
        assert_memory_equal(specimen_find(&after, "0003.mp4")->bytes, specimen_find(&everything, "0003.mp4")->bytes,
                            specimen_find(&everything, "0003.mp4")->size);
        assert_null(specimen_find(&after, "0003.tail"));
        assert_true(shape_in(&after, "0006.mp4").finished);
        clinic_manifest(&clinic, &manifest);
        assert_int_equal(manifest.state, BC_RECORDING_OPEN);
        assert_int_equal(bc_manifest_find_segment(&manifest, 3)->state, BC_SEGMENT_OPEN);
        assert_int_equal(bc_manifest_find_segment(&manifest, 6)->state, BC_SEGMENT_RECOVERED);
        assert_int_equal(bc_manifest_find_segment(&manifest, 8)->state, BC_SEGMENT_MISSING);
        bc_manifest_done(&manifest);
        clinic_close(&clinic);
        specimen_done(&after);
}

// The counter cannot be written: each recording is looked at once all the same, and all stay listed.
static void test_a_counter_that_cannot_be_written(void **state)
{
        struct bc_recovery_report report;
        struct specimen nothing = { .files = 0 };
        struct clinic clinic;
        char *counter;
        size_t size;

        (void)state;
        clinic_open(&clinic, &nothing);
        folder_write_text(clinic.store_fd, "counter.json", "{\"counter\":7,\"open\":[2,3,5,7]}");
        card.only = "counter.json";
        report = start_with_fault(&clinic, 0, 1 << 30, ENOSPC);
        card.only = NULL;
        assert_int_equal(report.recordings, 4);
        assert_int_equal(report.failed, 4);
        counter = folder_read(clinic.store_fd, "counter.json", &size);
        assert_non_null(strstr(counter, "[2,3,5,7]"));
        free(counter);
        clinic_close(&clinic);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cut_off_at_each_call),
                cmocka_unit_test(test_cut_off_at_each_call_without_a_manifest),
                cmocka_unit_test(test_stopped_at_each_call),
                cmocka_unit_test(test_stopped_before_it_begins),
                cmocka_unit_test(test_no_room_leaves_everything_as_it_is),
                cmocka_unit_test(test_no_room_for_one_tail),
                cmocka_unit_test(test_a_counter_that_cannot_be_written),
        };

        return cmocka_run_group_tests(tests, make_everything, forget);
}
