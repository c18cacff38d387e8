// SPDX-License-Identifier: EUPL-1.2
// What a store is opened on: damaged counters, other daemons, paths that lead to something else. Each refusal says what
// and where.
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
#include <sys/wait.h>
#include <unistd.h>

#include "evidence/store.h"
#include "folder.h"
#include "lib/wrapped.h"

static bool reading_fails;

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset)
{
        if (!reading_fails)
                return __real_pread(fd, bytes, size, offset);
        errno = EIO;
        return -1;
}

struct bench {
        char parent[FOLDER_PATH_BYTES], path[FOLDER_PATH_BYTES + 16];
        int parent_fd;
};

static int make(void **state)
{
        static struct bench bench;

        reading_fails = false;
        folder_make(bench.parent);
        bench.parent_fd = folder_open(bench.parent);
        snprintf(bench.path, sizeof(bench.path), "%s/store", bench.parent);
        *state = &bench;
        return 0;
}

static int clear(void **state)
{
        struct bench *bench = *state;

        reading_fails = false;
        close(bench->parent_fd);
        folder_remove(bench->parent);
        return 0;
}

// A store with one closed recording and one open one; returns its folder.
static int make_store(const struct bench *bench)
{
        struct bc_store *store;
        uint64_t counter;
        char text[256];
        int fd;

        assert_int_equal(bc_store_open(bench->path, "BC-1", text, sizeof(text), &store), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(bc_store_begin(store, &counter, &fd), 0);
                close(fd);
        }
        assert_int_equal(bc_store_close(store, 1), 0);
        bc_store_free(store);
        return folder_open(bench->path);
}

static void accepts(const char *path, const char *device_id, uint64_t counter)
{
        struct bc_store *store;
        char text[256] = "";

        if (bc_store_open(path, device_id, text, sizeof(text), &store) < 0)
                fail_msg("%s", text);
        assert_int_equal(bc_store_counter(store), counter);
        bc_store_free(store);
}

// Refused with this error and a text that holds these words.
static void refuses(const char *path, const char *device_id, int error, const char *word, const char *other_word)
{
        struct bc_store *store = NULL;
        char text[256] = "";
        int r = bc_store_open(path, device_id, text, sizeof(text), &store);

        assert_null(store);
        if (r != error || !strstr(text, word) || !strstr(text, other_word))
                fail_msg("%d, not %d: \"%s\" does not hold \"%s\" and \"%s\"", r, error, text, word, other_word);
}

// ---- the counter ---------------------------------------------------------------------------------------------

static void test_a_damaged_counter_is_refused(void **state)
{
        const char *const contents[] = {
                "", "x", "{}", "[]", "null", "{\"counter\":2}", "{\"open\":[]}", "{\"counter\":2,\"open\":[]",
                "{\"counter\":2,\"open\":[]}{}", "{\"counter\":-1,\"open\":[]}", "{\"counter\":\"2\",\"open\":[]}",
                "{\"counter\":2.0,\"open\":[]}", "{\"counter\":2,\"open\":{}}", "{\"counter\":2,\"open\":[3]}",
                "{\"counter\":2,\"open\":[0]}", "{\"counter\":2,\"open\":[-1]}", "{\"counter\":2,\"open\":[2,1]}",
                "{\"counter\":2,\"open\":[1,1]}", "{\"counter\":2,\"open\":[1.5]}", "{\"counter\":2,\"open\":[null]}",
                "{\"counter\":2,\"counter\":1,\"open\":[]}", "{\"counter\":9223372036854775808,\"open\":[]}",
                "{\"counter\":1e3,\"open\":[]}",
        };
        struct bench *bench = *state;
        int fd = make_store(bench);

        accepts(bench->path, "BC-1", 2);
        for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
                char *text;
                size_t size;

                folder_write_text(fd, "counter.json", contents[i]);
                refuses(bench->path, "BC-1", -EBADMSG, "counter.json", bench->path);
                text = folder_read(fd, "counter.json", &size); // and left for whoever repairs it
                assert_string_equal(text, contents[i]);
                free(text);
        }
        folder_write_text(fd, "counter.json", "{\"counter\": 2, \"open\": [2]}\n"); // as a person would write it
        accepts(bench->path, "BC-1", 2);
        close(fd);
}

static void test_a_counter_that_is_no_file(void **state)
{
        struct bench *bench = *state;
        int fd = make_store(bench);
        char *huge = malloc(2 << 20);

        assert_non_null(huge);
        memset(huge, ' ', 2 << 20);
        memcpy(huge, "{\"counter\":2,\"open\":[]}", 23);
        folder_write(fd, "counter.json", huge, 2 << 20);
        refuses(bench->path, "BC-1", -EBADMSG, "counter.json", bench->path);
        free(huge);
        assert_int_equal(unlinkat(fd, "counter.json", 0), 0);
        folder_write_text(fd, "elsewhere", "{\"counter\":2,\"open\":[]}");
        assert_int_equal(symlinkat("elsewhere", fd, "counter.json"), 0);
        refuses(bench->path, "BC-1", -EBADMSG, "counter.json", bench->path);
        assert_int_equal(unlinkat(fd, "counter.json", 0), 0);
        assert_int_equal(mkfifoat(fd, "counter.json", 0644), 0);
        refuses(bench->path, "BC-1", -EBADMSG, "counter.json", bench->path);
        assert_int_equal(unlinkat(fd, "counter.json", 0), 0);
        assert_int_equal(mkdirat(fd, "counter.json", 0755), 0);
        refuses(bench->path, "BC-1", -EBADMSG, "counter.json", bench->path);
        assert_int_equal(unlinkat(fd, "counter.json", AT_REMOVEDIR), 0);
        close(fd);
}

// A counter that cannot be read, or is gone while there are recordings, is not a counter of 0: numbers would come twice
// and what is open would be forgotten.
static void test_a_counter_that_is_lost(void **state)
{
        struct bench *bench = *state;
        int fd = make_store(bench);
        char *text;
        size_t size;

        reading_fails = true;
        refuses(bench->path, "BC-1", -EIO, "counter.json", "read");
        reading_fails = false;
        accepts(bench->path, "BC-1", 2);
        assert_int_equal(unlinkat(fd, "counter.json", 0), 0);
        refuses(bench->path, "BC-1", -EBADMSG, "counter.json", "missing");
        assert_false(folder_has(fd, "counter.json"));
        folder_write_text(fd, "counter.json", "{\"counter\":2,\"open\":[2]}");
        accepts(bench->path, "BC-1", 2);
        text = folder_read(fd, "counter.json", &size);
        assert_string_equal(text, "{\"counter\":2,\"open\":[2],\"device\":\"BC-1\"}");
        free(text);
        // Under another id the open recording would not be found: it is not given up without a word.
        refuses(bench->path, "BC-2", -EXDEV, "another device id", "recovered");
        folder_write_text(fd, "counter.json", "{\"counter\":2,\"open\":[],\"device\":\"BC-1\"}");
        accepts(bench->path, "BC-2", 2);
        text = folder_read(fd, "counter.json", &size);
        assert_string_equal(text, "{\"counter\":2,\"open\":[],\"device\":\"BC-2\"}");
        free(text);
        close(fd);
}

static void test_what_a_power_cut_leaves_behind(void **state)
{
        struct bench *bench = *state;
        int fd = make_store(bench);

        folder_write_text(fd, "counter.json.new", "{\"counter\":99,\"op");
        accepts(bench->path, "BC-1", 2);
        // The power went while the store was made.
        assert_int_equal(unlinkat(fd, "recordings/BC-1-000001", AT_REMOVEDIR), 0);
        assert_int_equal(unlinkat(fd, "recordings/BC-1-000002", AT_REMOVEDIR), 0);
        assert_int_equal(unlinkat(fd, "counter.json", 0), 0);
        accepts(bench->path, "BC-1", 0);
        assert_int_equal(unlinkat(fd, "counter.json", 0), 0);
        assert_int_equal(unlinkat(fd, "recordings", AT_REMOVEDIR), 0);
        accepts(bench->path, "BC-1", 0);
        close(fd);
}

// ---- who and where -----------------------------------------------------------------------------------------------

static void test_a_second_daemon_is_refused(void **state)
{
        struct bench *bench = *state;
        struct bc_store *store;
        char text[256];
        pid_t child;
        int status;

        assert_int_equal(bc_store_open(bench->path, "BC-1", text, sizeof(text), &store), 0);
        refuses(bench->path, "BC-1", -EBUSY, bench->path, "in use");
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                struct bc_store *second;

                _exit(bc_store_open(bench->path, "BC-1", text, sizeof(text), &second) == -EBUSY ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        bc_store_free(store);
        accepts(bench->path, "BC-1", 0); // the lock goes with its holder
}

static void test_device_ids(void **state)
{
        const char *const bad[] = { "", "a b", "a/b", "..", "a.b", "\xc3\xa4", "a\n", "a%s",
                                    "012345678901234567890123456789012" };
        struct bench *bench = *state;

        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                refuses(bench->path, bad[i], -EINVAL, "device id", "A-Z a-z 0-9 - _");
        assert_int_equal(faccessat(bench->parent_fd, "store", F_OK, 0), -1); // not even made
        accepts(bench->path, "A", 0);
        accepts(bench->path, "01234567890123456789_bcdef-ABCDE", 0);
}

static void test_paths(void **state)
{
        struct bench *bench = *state;
        char path[2 * FOLDER_PATH_BYTES];

        snprintf(path, sizeof(path), "%s/no/store", bench->parent);
        refuses(path, "BC-1", -ENOENT, path, "cannot be made");
        refuses("", "BC-1", -ENOENT, "store", "cannot be made");
        folder_write_text(bench->parent_fd, "file", "x");
        snprintf(path, sizeof(path), "%s/file", bench->parent);
        refuses(path, "BC-1", -ENOTDIR, path, "Not a directory");
        snprintf(path, sizeof(path), "%s/file/store", bench->parent);
        refuses(path, "BC-1", -ENOTDIR, path, "Not a directory");
        assert_int_equal(symlinkat("nowhere", bench->parent_fd, "dangling"), 0);
        snprintf(path, sizeof(path), "%s/dangling", bench->parent);
        refuses(path, "BC-1", -ENOTDIR, path, "cannot be made");
        // The path itself may lead over a symbolic link: that is the administrator's business.
        assert_int_equal(mkdirat(bench->parent_fd, "real", 0755), 0);
        assert_int_equal(symlinkat("real", bench->parent_fd, "link"), 0);
        snprintf(path, sizeof(path), "%s/link", bench->parent);
        accepts(path, "BC-1", 0);
        snprintf(path, sizeof(path), "%s//made///", bench->parent);
        accepts(path, "BC-1", 0);
        assert_int_equal(chdir(bench->parent), 0);
        accepts("relative", "BC-1", 0);
        assert_int_equal(chdir("/"), 0);
}

static void test_what_lies_in_the_way(void **state)
{
        struct bench *bench = *state;
        int fd = make_store(bench);

        // Instead of recordings/.
        assert_int_equal(renameat(fd, "recordings", fd, "moved"), 0);
        folder_write_text(fd, "recordings", "x");
        refuses(bench->path, "BC-1", -ENOTDIR, "recordings", bench->path);
        assert_int_equal(unlinkat(fd, "recordings", 0), 0);
        assert_int_equal(symlinkat("moved", fd, "recordings"), 0);
        refuses(bench->path, "BC-1", -ENOTDIR, "recordings", bench->path);
        assert_int_equal(unlinkat(fd, "recordings", 0), 0);
        assert_int_equal(renameat(fd, "moved", fd, "recordings"), 0);
        // Instead of the lock.
        assert_int_equal(unlinkat(fd, "lock", 0), 0);
        assert_int_equal(mkdirat(fd, "lock", 0755), 0);
        refuses(bench->path, "BC-1", -EISDIR, "lock", bench->path);
        assert_int_equal(unlinkat(fd, "lock", AT_REMOVEDIR), 0);
        assert_int_equal(symlinkat("../outside", fd, "lock"), 0);
        refuses(bench->path, "BC-1", -ELOOP, "lock", bench->path);
        assert_int_equal(faccessat(bench->parent_fd, "outside", F_OK, 0), -1);
        assert_int_equal(unlinkat(fd, "lock", 0), 0);
        // Instead of the new counter.
        assert_int_equal(mkdirat(fd, "counter.json.new", 0755), 0);
        refuses(bench->path, "BC-1", -EISDIR, "counter.json", bench->path);
        assert_int_equal(unlinkat(fd, "counter.json.new", AT_REMOVEDIR), 0);
        assert_int_equal(symlinkat("../outside", fd, "counter.json.new"), 0);
        accepts(bench->path, "BC-1", 2); // a link there is replaced, not followed
        assert_int_equal(faccessat(bench->parent_fd, "outside", F_OK, 0), -1);
        close(fd);
}

// Permissions bind only who is not root: the test goes on as nobody.
static void test_folders_that_may_not_be_written(void **state)
{
        struct bench *bench = *state;
        int fd = make_store(bench);
        bool root = geteuid() == 0;

        assert_int_equal(fchmod(bench->parent_fd, 0755), 0);
        assert_int_equal(fchmod(fd, 0555), 0);
        assert_int_equal(unlinkat(fd, "lock", 0), root ? 0 : -1);
        if (root)
                assert_int_equal(seteuid(65534), 0);
        refuses(bench->path, "BC-1", -EACCES, root ? "lock" : "counter.json", bench->path);
        char path[2 * FOLDER_PATH_BYTES];
        snprintf(path, sizeof(path), "%s/new", bench->path);
        refuses(path, "BC-1", -EACCES, path, "cannot be made");
        if (root)
                assert_int_equal(seteuid(0), 0);
        assert_int_equal(fchmod(fd, 0755), 0);
        close(fd);
}

static void test_room(void **state)
{
        struct bench *bench = *state;
        struct bc_store *store;
        uint64_t bytes = 0;
        char text[256];

        assert_int_equal(bc_store_open(bench->path, "BC-1", text, sizeof(text), &store), 0);
        assert_int_equal(bc_store_room(store, &bytes), 0);
        assert_true(bytes > 0);
        bc_store_free(store);
        bc_store_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_damaged_counter_is_refused, make, clear),
                cmocka_unit_test_setup_teardown(test_a_counter_that_is_no_file, make, clear),
                cmocka_unit_test_setup_teardown(test_a_counter_that_is_lost, make, clear),
                cmocka_unit_test_setup_teardown(test_what_a_power_cut_leaves_behind, make, clear),
                cmocka_unit_test_setup_teardown(test_a_second_daemon_is_refused, make, clear),
                cmocka_unit_test_setup_teardown(test_device_ids, make, clear),
                cmocka_unit_test_setup_teardown(test_paths, make, clear),
                cmocka_unit_test_setup_teardown(test_what_lies_in_the_way, make, clear),
                cmocka_unit_test_setup_teardown(test_folders_that_may_not_be_written, make, clear),
                cmocka_unit_test_setup_teardown(test_room, make, clear),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
