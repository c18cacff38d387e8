// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "lib/wrapped.h"

// Each call counts down; at 0 it fails once with this error, or writes one byte only when error is 0.
static struct fault {
        int countdown;
        int error;
} fault = { -1, 0 };

static bool strikes(void)
{
        return fault.countdown >= 0 && fault.countdown-- == 0;
}

int __wrap_fsync(int fd)
{
        if (strikes() && fault.error) {
                errno = fault.error;
                return -1;
        }
        return __real_fsync(fd);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        if (strikes()) {
                if (!fault.error)
                        return __real_pwrite(fd, bytes, 1, offset);
                errno = fault.error;
                return -1;
        }
        return __real_pwrite(fd, bytes, size, offset);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        if (strikes() && fault.error) {
                errno = fault.error;
                return -1;
        }
        return __real_renameat(from_fd, from, to_fd, to);
}

static int make_folder(void **state)
{
        static char path[] = "/tmp/bc-test-file-XXXXXX";
        static int fd;

        memcpy(path + sizeof(path) - 7, "XXXXXX", 7); // the run before has used it up
        if (!mkdtemp(path))
                return -1;
        fd = open(path, O_RDONLY | O_DIRECTORY);
        fault.countdown = -1;
        *state = &fd;
        return 0;
}

static int remove_folder(void **state)
{
        int fd = *(int *)*state;
        char path[64], link[64];
        ssize_t n;

        unlinkat(fd, "f", 0);
        unlinkat(fd, "f.new", 0);
        unlinkat(fd, "d", AT_REMOVEDIR);
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = 0;
        close(fd);
        return rmdir(path);
}

static void assert_content(int fd, const char *expected)
{
        char *bytes;
        size_t size;

        assert_int_equal(bc_file_load(fd, "f", 1000, &bytes, &size), 0);
        assert_int_equal(size, strlen(expected));
        assert_string_equal(bytes, expected);
        free(bytes);
}

static void test_replace_and_load(void **state)
{
        int fd = *(int *)*state;
        char *bytes;
        size_t size;

        assert_int_equal(bc_file_replace(fd, "f", "one", 3), 0);
        assert_content(fd, "one");
        assert_int_equal(bc_file_replace(fd, "f", "second", 6), 0);
        assert_content(fd, "second");
        assert_int_equal(faccessat(fd, "f.new", F_OK, 0), -1);
        assert_int_equal(bc_file_load(fd, "f", 5, &bytes, &size), -EFBIG);
        assert_int_equal(bc_file_load(fd, "none", 5, &bytes, &size), -ENOENT);
        assert_int_equal(bc_folder_make(fd, "d", 0), 0);
        assert_int_equal(bc_folder_make(fd, "d", 0), -EEXIST);
        assert_int_equal(bc_folder_make(fd, "d", 1), 0);
        assert_int_equal(bc_folder_make(fd, "f", 1), -ENOTDIR);
        assert_int_equal(bc_file_load(fd, "d", 5, &bytes, &size), -EINVAL);
}

// Whatever call fails, the old content or the new one is there whole, and only success is reported as success.
static void test_replace_with_a_fault_at_every_call(void **state)
{
        const int errors[] = { EIO, ENOSPC, 0 };
        int fd = *(int *)*state;
        unsigned failed = 0;

        for (unsigned e = 0; e < 3; e++) {
                for (int call = 0; call < 6; call++) {
                        int r;

                        fault.countdown = -1;
                        assert_int_equal(bc_file_replace(fd, "f", "old content", 11), 0);
                        fault = (struct fault){ call, errors[e] };
                        r = bc_file_replace(fd, "f", "new", 3);
                        if (r < 0) {
                                char *bytes;
                                size_t size;

                                assert_int_equal(r, -errors[e]);
                                failed++;
                                assert_int_equal(bc_file_load(fd, "f", 100, &bytes, &size), 0);
                                assert_true(!strcmp(bytes, "old content") || !strcmp(bytes, "new"));
                                free(bytes);
                        } else {
                                assert_content(fd, "new");
                        }
                }
        }
        // pwrite, fsync of the file, rename, fsync of the folder: each fails with both errors; short writes go on.
        assert_int_equal(failed, 8);
}

// Answers 0 as often as that.
struct count {
        unsigned names, before;
        bool seen[3];
};

static int take(void *user, const struct dirent *entry)
{
        struct count *count = user;

        for (unsigned i = 0; i < 3; i++)
                count->seen[i] = count->seen[i] || strcmp(entry->d_name, (const char *[]){ "a", ".b", "c" }[i]) == 0;
        return count->names++ == count->before ? 7 : 0;
}

static void test_each_of_a_folder(void **state)
{
        int fd = *(int *)*state, file_fd;
        struct count count = { .before = 3 };

        assert_int_equal(bc_folder_each(fd, take, &count), 0);
        assert_int_equal(count.names, 0);
        assert_int_equal(bc_file_replace(fd, "a", "", 0), 0);
        assert_int_equal(bc_file_replace(fd, ".b", "", 0), 0);
        assert_int_equal(bc_folder_make(fd, "c", 0), 0);
        for (int again = 0; again < 2; again++) {
                count = (struct count){ .before = 3 };
                assert_int_equal(bc_folder_each(fd, take, &count), 0);
                assert_true(count.names == 3 && count.seen[0] && count.seen[1] && count.seen[2]);
        }
        count = (struct count){ .before = 1 };
        assert_int_equal(bc_folder_each(fd, take, &count), 7);
        assert_int_equal(count.names, 2);
        file_fd = openat(fd, "a", O_RDONLY);
        assert_int_equal(bc_folder_each(file_fd, take, &count), -ENOTDIR);
        assert_int_equal(bc_folder_each(-1, take, &count), -EBADF);
        close(file_fd);
        unlinkat(fd, "a", 0);
        unlinkat(fd, ".b", 0);
        unlinkat(fd, "c", AT_REMOVEDIR);
}

static int forget(void *user, const struct dirent *entry)
{
        return unlinkat(*(const int *)user, entry->d_name, 0);
}

// Nothing that was put aside before is lost, and nobody can take all the names.
static void test_put_aside(void **state)
{
        int fd = *(const int *)*state;
        struct count count = { 0 };
        char name[32], *bytes;
        size_t n;

        for (int i = 1; i <= 300; i++) {
                snprintf(name, sizeof(name), "%d", i);
                assert_int_equal(bc_file_replace(fd, "a", name, strlen(name)), 0);
                assert_int_equal(bc_file_put_aside(fd, "a", name, sizeof(name)), 0);
                assert_int_equal(faccessat(fd, name, F_OK, 0), 0);
        }
        assert_int_equal(bc_file_put_aside(fd, "b", name, sizeof(name)), -ENOENT);
        assert_int_equal(bc_file_load(fd, "a.foreign42", 10, &bytes, &n), 0);
        assert_string_equal(bytes, "42");
        free(bytes);
        count.before = 1000;
        assert_int_equal(bc_folder_each(fd, take, &count), 0);
        assert_int_equal(count.names, 300);
        assert_int_equal(bc_folder_each(fd, forget, &fd), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_replace_and_load, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_each_of_a_folder, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_put_aside, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_replace_with_a_fault_at_every_call, make_folder, remove_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
