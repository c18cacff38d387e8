// SPDX-License-Identifier: EUPL-1.2
// The counter and the list of open recordings, through crashes, full disks and whatever may lie in the folder.
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
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "evidence/store.h"
#include "folder.h"
#include "lib/wrapped.h"

// ---- the disk --------------------------------------------------------------------------------------------------

static struct {
        int countdown; // calls until the fault; -1: none
        int failures;  // that many calls fail in a row
        int error;
        unsigned calls, struck;
        const char *only; // calls that name this file alone; NULL: all
} disk = { .countdown = -1 };

static bool strikes(const char *name)
{
        if (disk.only && (!name || strncmp(name, disk.only, strlen(disk.only)) != 0))
                return false;
        disk.calls++;
        if (disk.countdown < 0)
                return false;
        if (disk.countdown > 0) {
                disk.countdown--;
                return false;
        }
        if (disk.failures <= 0)
                return false;
        disk.failures--;
        disk.struck++;
        errno = disk.error;
        return true;
}

static void disk_fails(int countdown, int failures, int error, const char *only)
{
        disk.countdown = countdown;
        disk.failures = failures;
        disk.error = error;
        disk.calls = disk.struck = 0;
        disk.only = only;
}

static void disk_is_well(void)
{
        disk.countdown = -1;
        disk.only = NULL;
}

int __wrap_fsync(int fd)
{
        return strikes(NULL) ? -1 : __real_fsync(fd);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        return strikes(NULL) ? -1 : __real_pwrite(fd, bytes, size, offset);
}

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        return strikes(name) ? -1 : __real_openat(fd, name, flags, mode);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return strikes(to) ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_mkdirat(int fd, const char *name, mode_t mode)
{
        return strikes(name) ? -1 : __real_mkdirat(fd, name, mode);
}

// ---- the bench -------------------------------------------------------------------------------------------------

struct bench {
        char parent[FOLDER_PATH_BYTES], path[FOLDER_PATH_BYTES + 16];
        int parent_fd;
        struct bc_store *store;
        char text[256];
};

static int make(void **state)
{
        static struct bench bench;

        bench = (struct bench){ 0 };
        disk_is_well();
        folder_make(bench.parent);
        bench.parent_fd = folder_open(bench.parent);
        snprintf(bench.path, sizeof(bench.path), "%s/store", bench.parent);
        *state = &bench;
        return 0;
}

static int clear(void **state)
{
        struct bench *bench = *state;

        disk_is_well();
        bc_store_free(bench->store);
        close(bench->parent_fd);
        folder_remove(bench->parent);
        return 0;
}

static int open_as(struct bench *bench, const char *device_id)
{
        bc_store_free(bench->store);
        bench->store = NULL;
        bench->text[0] = 0;
        return bc_store_open(bench->path, device_id, bench->text, sizeof(bench->text), &bench->store);
}

// As after a restart: nothing is done before, as in a crash.
static void reopen(struct bench *bench)
{
        assert_int_equal(open_as(bench, "BC-1"), 0);
}

// It must be refused, say what and where, and give no store.
static void refuses(struct bench *bench, const char *device_id, int error, const char *word)
{
        assert_int_equal(open_as(bench, device_id), error);
        assert_null(bench->store);
        if (!strstr(bench->text, word))
                fail_msg("\"%s\" does not say \"%s\"", bench->text, word);
        assert_non_null(strstr(bench->text, error == -EBADMSG ? "store" : strerror(-error)));
}

static int begin(struct bench *bench, uint64_t *ret_counter)
{
        int fd, r = bc_store_begin(bench->store, ret_counter, &fd);

        if (r == 0)
                close(fd);
        return r;
}

static uint64_t begun(struct bench *bench)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        uint64_t counter = 0;

        assert_int_equal(begin(bench, &counter), 0);
        bc_store_name(bench->store, counter, name);
        assert_true(folder_has(bc_store_recordings_fd(bench->store), name));
        return counter;
}

static int store_fd(const struct bench *bench)
{
        return folder_open(bench->path);
}

static void write_counter(const struct bench *bench, const char *text)
{
        int fd = store_fd(bench);

        folder_write_text(fd, "counter.json", text);
        close(fd);
}

static void assert_counter_file(const struct bench *bench, const char *expected)
{
        int fd = store_fd(bench);
        size_t size;
        char *text = folder_read(fd, "counter.json", &size);

        // What the tests expect, and whose it is.
        assert_true(size > strlen(expected));
        assert_memory_equal(text, expected, strlen(expected) - 1);
        assert_string_equal(text + strlen(expected) - 1, ",\"device\":\"BC-1\"}");
        free(text);
        close(fd);
}

// "3 7": the recordings left open by an earlier run.
static void assert_left_open(struct bench *bench, const char *expected)
{
        char text[256] = "";
        size_t used = 0;

        for (size_t i = 0; i < bc_store_left_open_count(bench->store); i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%llu", used ? " " : "",
                                         (unsigned long long)bc_store_left_open_at(bench->store, i));
        assert_string_equal(text, expected);
}

// ---- numbers ---------------------------------------------------------------------------------------------------

static void test_numbers_count_up(void **state)
{
        struct bench *bench = *state;
        char name[BC_RECORDING_NAME_BYTES_MAX];

        reopen(bench);
        assert_string_equal(bc_store_device_id(bench->store), "BC-1");
        assert_counter_file(bench, "{\"counter\":0,\"open\":[]}");
        assert_int_equal(begun(bench), 1);
        assert_counter_file(bench, "{\"counter\":1,\"open\":[1]}");
        assert_int_equal(begun(bench), 2);
        assert_int_equal(bc_store_counter(bench->store), 2);
        assert_left_open(bench, ""); // of an earlier run
        assert_int_equal(bc_store_close(bench->store, 1), 0);
        assert_counter_file(bench, "{\"counter\":2,\"open\":[2]}");
        assert_int_equal(bc_store_close(bench->store, 1), 0); // again: nothing
        bc_store_name(bench->store, 123, name);
        assert_string_equal(name, "BC-1-000123");
        bc_store_name(bench->store, UINT64_MAX, name);
        assert_string_equal(name, "BC-1-18446744073709551615");
}

static void test_a_restart_goes_on_counting(void **state)
{
        struct bench *bench = *state;

        reopen(bench);
        for (uint64_t i = 1; i <= 4; i++)
                assert_int_equal(begun(bench), i);
        assert_int_equal(bc_store_close(bench->store, 2), 0);
        reopen(bench);
        assert_left_open(bench, "1 3 4");
        assert_int_equal(begun(bench), 5); // this run's: not for recovery
        assert_left_open(bench, "1 3 4");
        assert_int_equal(bc_store_close(bench->store, 3), 0);
        assert_left_open(bench, "1 4");
        assert_int_equal(bc_store_close(bench->store, 5), 0);
        assert_left_open(bench, "1 4");
        assert_int_equal(begun(bench), 6);
        reopen(bench);
        assert_left_open(bench, "1 4 6");
        assert_int_equal(bc_store_left_open_at(bench->store, 3), 0);
}

// Recordings that were offloaded and deleted do not free their numbers.
static void test_numbers_do_not_come_from_the_folder(void **state)
{
        struct bench *bench = *state;
        char name[BC_RECORDING_NAME_BYTES_MAX];

        reopen(bench);
        for (uint64_t i = 1; i <= 3; i++) {
                assert_int_equal(begun(bench), i);
                assert_int_equal(bc_store_close(bench->store, i), 0);
                bc_store_name(bench->store, i, name);
                assert_int_equal(unlinkat(bc_store_recordings_fd(bench->store), name, AT_REMOVEDIR), 0);
        }
        reopen(bench);
        assert_int_equal(begun(bench), 4);
}

static void test_a_crash_between_counter_and_folder(void **state)
{
        struct bench *bench = *state;
        uint64_t counter;

        reopen(bench);
        disk_fails(0, 1 << 30, EIO, "BC-1-");
        assert_int_equal(begin(bench, &counter), -EIO);
        disk_is_well();
        assert_counter_file(bench, "{\"counter\":1,\"open\":[1]}");
        reopen(bench);
        assert_left_open(bench, "1");
        assert_int_equal(begun(bench), 2);
}

// While folders cannot be made neither numbers are used up nor is rubbish left behind, however often it is tried.
static void test_a_folder_that_cannot_be_made(void **state)
{
        struct bench *bench = *state;
        uint64_t counter;

        reopen(bench);
        assert_int_equal(begun(bench), 1);
        for (int i = 0; i < 200; i++) {
                disk_fails(i % 3 == 2, 1, ENOSPC, "BC-1-"); // mkdirat or, after it, openat
                assert_int_equal(begin(bench, &counter), -ENOSPC);
        }
        disk_is_well();
        assert_counter_file(bench, "{\"counter\":2,\"open\":[1,2]}");
        assert_false(folder_has(bc_store_recordings_fd(bench->store), "BC-1-000002"));
        assert_int_equal(begun(bench), 2);
        assert_int_equal(begun(bench), 3);
        assert_counter_file(bench, "{\"counter\":3,\"open\":[1,2,3]}");
        // It was made after all, and could not be taken away again.
        disk_fails(0, 1, EIO, "BC-1-");
        assert_int_equal(begin(bench, &counter), -EIO);
        disk_is_well();
        assert_int_equal(mkdirat(bc_store_recordings_fd(bench->store), "BC-1-000004", 0755), 0);
        assert_int_equal(begun(bench), 5);
}

// As when an older counter was restored: those folders are somebody's and stay as they are.
static void test_folders_that_are_there_already(void **state)
{
        struct bench *bench = *state;
        int recordings_fd;

        reopen(bench);
        recordings_fd = bc_store_recordings_fd(bench->store);
        assert_int_equal(mkdirat(recordings_fd, "BC-1-000001", 0755), 0);
        folder_write_text(recordings_fd, "BC-1-000002", "a file");
        assert_int_equal(symlinkat("nowhere", recordings_fd, "BC-1-000003"), 0);
        disk_fails(1 << 30, 0, 0, NULL);
        assert_int_equal(begun(bench), 4);
        assert_counter_file(bench, "{\"counter\":4,\"open\":[4]}");
        assert_true(disk.calls < 12); // passing over them costs no writing
        assert_true(folder_has(recordings_fd, "BC-1-000002"));
}

static void test_the_last_number(void **state)
{
        struct bench *bench = *state;
        uint64_t counter;

        reopen(bench);
        write_counter(bench, "{\"counter\":9223372036854775806,\"open\":[]}");
        reopen(bench);
        assert_int_equal(begun(bench), INT64_MAX);
        assert_int_equal(begin(bench, &counter), -EOVERFLOW);
        reopen(bench);
        assert_int_equal(begin(bench, &counter), -EOVERFLOW);
        assert_left_open(bench, "9223372036854775807");
}

// The list is bounded: the oldest leave it, loudly, and recording goes on.
static void test_more_open_recordings_than_can_be_listed(void **state)
{
        struct bench *bench = *state;
        char text[65536] = "{\"counter\":4096,\"open\":[1";
        size_t used = strlen(text);

        reopen(bench);
        for (int i = 2; i <= 4096; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, ",%d", i);
        snprintf(text + used, sizeof(text) - used, "]}");
        write_counter(bench, text);
        reopen(bench);
        assert_int_equal(bc_store_left_open_count(bench->store), 4096);
        // What could not be listed does not push anything out.
        disk_fails(0, 1 << 30, ENOSPC, "counter.json");
        assert_int_equal(begin(bench, &(uint64_t){ 0 }), -ENOSPC);
        disk_is_well();
        assert_int_equal(bc_store_left_open_at(bench->store, 0), 1);
        assert_int_equal(begun(bench), 4097);
        assert_int_equal(bc_store_left_open_count(bench->store), 4095);
        assert_int_equal(bc_store_left_open_at(bench->store, 0), 2);
        reopen(bench);
        assert_int_equal(bc_store_left_open_count(bench->store), 4096);
        assert_int_equal(bc_store_left_open_at(bench->store, 4095), 4097);
        snprintf(text + used, sizeof(text) - used, ",4097]}");
        text[11] = '5';
        write_counter(bench, text); // one too many to be ours
        refuses(bench, "BC-1", -EBADMSG, "counter.json");
}

// ---- a disk that fails at each call ------------------------------------------------------------------------------

// false: there was no nth call. Whatever fails: no number twice, none given out is forgotten before it is closed.
static bool life_with_fault(struct bench *bench, int nth, int error)
{
        uint64_t given[16], counter;
        bool closed[16] = { 0 }, tried[16] = { 0 }, struck;
        size_t n = 0;

        reopen(bench);
        disk_fails(nth, 1, error, NULL);
        for (int i = 0; i < 6; i++) {
                if (begin(bench, &counter) == 0)
                        given[n++] = counter;
                if (n > 1 && !closed[n - 2]) {
                        tried[n - 2] = true;
                        closed[n - 2] = bc_store_close(bench->store, given[n - 2]) == 0;
                }
        }
        struck = disk.struck > 0;
        disk_is_well();
        reopen(bench);
        for (int i = 0; i < 3; i++)
                given[n++] = begun(bench);
        for (size_t i = 1; i < n; i++)
                assert_true(given[i] > given[i - 1]);
        for (size_t i = 0; i < n; i++) {
                bool listed = i >= n - 3;

                for (size_t k = 0; k < bc_store_left_open_count(bench->store); k++)
                        listed |= bc_store_left_open_at(bench->store, k) == given[i];
                if (listed ? closed[i] : !tried[i])
                        fail_msg("call %d: number %llu is%s listed", nth, (unsigned long long)given[i],
                                 listed ? "" : " not");
        }
        return struck;
}

static void test_each_call_fails(void **state)
{
        const int errors[] = { ENOSPC, EIO };
        int calls = 0;

        for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
                for (int nth = 0;; nth++, calls++) {
                        bool struck = life_with_fault(*state, nth, errors[i]);

                        assert_int_equal(clear(state), 0);
                        assert_int_equal(make(state), 0);
                        if (!struck)
                                break;
                }
        assert_true(calls > 60);
}

// Closing that failed is as if it had not been tried: the next one succeeds, and until then it is listed.
static void test_closing_that_fails(void **state)
{
        struct bench *bench = *state;

        reopen(bench);
        for (int i = 0; i < 3; i++)
                begun(bench);
        reopen(bench);
        disk_fails(0, 1 << 30, ENOSPC, "counter.json");
        assert_int_equal(bc_store_close(bench->store, 1), -ENOSPC);
        assert_left_open(bench, "1 2 3");
        disk_is_well();
        assert_int_equal(bc_store_close(bench->store, 1), 0);
        assert_left_open(bench, "2 3");
}

// A full card must not keep the camera from starting.
static void test_opening_on_a_full_disk(void **state)
{
        struct bench *bench = *state;
        uint64_t counter;

        reopen(bench);
        assert_int_equal(begun(bench), 1);
        for (int fresh = 0; fresh < 2; fresh++) {
                disk_fails(0, 1 << 30, ENOSPC, "counter.json.new");
                reopen(bench);
                assert_left_open(bench, "1");
                assert_int_equal(begin(bench, &counter), -ENOSPC);
                disk_is_well();
        }
        assert_int_equal(begun(bench), 2);
}

// Nor one that fails at any call as the store is opened, as long as that can be opened at all. It is known afterwards.
static void test_opening_on_a_failing_disk(void **state)
{
        struct bench *bench = *state;
        unsigned opened = 0;

        reopen(bench);
        assert_int_equal(bc_store_open_error(bench->store), 0);
        assert_int_equal(begun(bench), 1);
        for (int n = 0, struck = 1; struck; n++) {
                int r;

                disk_fails(n, 1, EIO, NULL);
                r = open_as(bench, "BC-1");
                struck = disk.struck > 0;
                disk_is_well();
                if (r == 0)
                        assert_int_equal(bc_store_open_error(bench->store), struck ? -EIO : 0);
                else
                        assert_non_null(strstr(bench->text, strerror(EIO)));
                opened += r == 0 && struck;
                reopen(bench);
                assert_left_open(bench, "1");
        }
        assert_true(opened >= 7); // recordings/, its sync, and each call of the counter
        assert_int_equal(begun(bench), 2);
}

// What is known from elsewhere holds, whether the card takes it or not.
static void test_raising_on_a_full_disk(void **state)
{
        struct bench *bench = *state;

        reopen(bench);
        disk_fails(0, 1 << 30, ENOSPC, "counter.json.new");
        assert_int_equal(bc_store_raise(bench->store, 41), -ENOSPC);
        assert_int_equal(bc_store_counter(bench->store), 41);
        disk_is_well();
        assert_int_equal(begun(bench), 42);
        assert_int_equal(bc_store_raise(bench->store, 7), 0);
        assert_int_equal(begun(bench), 43);
}

// ---- threads ---------------------------------------------------------------------------------------------------

// Recovery closes what an earlier run began while the recorder begins and closes its own.
static void close_left_open(void *user)
{
        struct bench *bench = user;

        while (bc_store_left_open_count(bench->store) > 0)
                assert_int_equal(bc_store_close(bench->store, bc_store_left_open_at(bench->store, 0)), 0);
}

static void begin_and_close(void *user)
{
        struct bench *bench = user;
        uint64_t last = 0;

        for (int i = 0; i < 100; i++) {
                uint64_t counter = begun(bench);

                assert_true(counter > last && counter <= bc_store_counter(bench->store));
                last = counter;
                if (i % 2)
                        assert_int_equal(bc_store_close(bench->store, counter), 0);
        }
}

static void test_two_threads(void **state)
{
        struct bench *bench = *state;
        struct bc_thread *closer, *beginner;
        struct bc_clock *clock;

        reopen(bench);
        for (int i = 0; i < 100; i++)
                begun(bench);
        reopen(bench);
        assert_int_equal(bc_clock_new_real(&clock), 0);
        assert_int_equal(bc_thread_start(clock, "closer", close_left_open, bench, &closer), 0);
        assert_int_equal(bc_thread_start(clock, "beginner", begin_and_close, bench, &beginner), 0);
        bc_thread_join(closer);
        bc_thread_join(beginner);
        bc_clock_free(clock);
        reopen(bench);
        assert_int_equal(bc_store_left_open_count(bench->store), 50);
        assert_int_equal(bc_store_left_open_at(bench->store, 0), 101);
        assert_int_equal(bc_store_counter(bench->store), 200);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_numbers_count_up, make, clear),
                cmocka_unit_test_setup_teardown(test_a_restart_goes_on_counting, make, clear),
                cmocka_unit_test_setup_teardown(test_numbers_do_not_come_from_the_folder, make, clear),
                cmocka_unit_test_setup_teardown(test_a_crash_between_counter_and_folder, make, clear),
                cmocka_unit_test_setup_teardown(test_a_folder_that_cannot_be_made, make, clear),
                cmocka_unit_test_setup_teardown(test_folders_that_are_there_already, make, clear),
                cmocka_unit_test_setup_teardown(test_the_last_number, make, clear),
                cmocka_unit_test_setup_teardown(test_more_open_recordings_than_can_be_listed, make, clear),
                cmocka_unit_test_setup_teardown(test_each_call_fails, make, clear),
                cmocka_unit_test_setup_teardown(test_closing_that_fails, make, clear),
                cmocka_unit_test_setup_teardown(test_opening_on_a_full_disk, make, clear),
                cmocka_unit_test_setup_teardown(test_opening_on_a_failing_disk, make, clear),
                cmocka_unit_test_setup_teardown(test_raising_on_a_full_disk, make, clear),
                cmocka_unit_test_setup_teardown(test_two_threads, make, clear),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
