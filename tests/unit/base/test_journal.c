// SPDX-License-Identifier: EUPL-1.2
// The bytes that journald gets, and that nobody waits for it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/journal.h"

// A socket in place of journald's.
struct world {
        char folder[40], path[60];
        int fd;
        struct bc_journal_entry entry;
};

static int setup(void **state)
{
        struct world *world = calloc(1, sizeof(*world));
        struct sockaddr_un at = { .sun_family = AF_UNIX };

        snprintf(world->folder, sizeof(world->folder), "%s", "/tmp/bc-journal-XXXXXX");
        assert_non_null(mkdtemp(world->folder));
        snprintf(world->path, sizeof(world->path), "%s/socket", world->folder);
        snprintf(at.sun_path, sizeof(at.sun_path), "%s", world->path);
        world->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(world->fd, (const struct sockaddr *)&at, sizeof(at)), 0);
        *state = world;
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;

        if (world->fd >= 0)
                close(world->fd);
        (void)unlink(world->path);
        assert_int_equal(rmdir(world->folder), 0);
        unsetenv("JOURNAL_STREAM");
        free(world);
        return 0;
}

static void test_bytes(void **state)
{
        static const char expected[] = "MESSAGE=RECORDING -> BUFFERING\nPRIORITY=5\nBODYCAM_BY=\n";
        struct world *world = *state;
        char got[200];

        assert_true(bc_journal_add(&world->entry, "MESSAGE", "RECORDING -> BUFFERING"));
        assert_true(bc_journal_add(&world->entry, "PRIORITY", "5"));
        assert_true(bc_journal_add(&world->entry, "BODYCAM_BY", ""));
        assert_int_equal(bc_journal_send(&world->entry, world->path), 0);
        assert_int_equal(recv(world->fd, got, sizeof(got), MSG_DONTWAIT), (ssize_t)strlen(expected));
        assert_memory_equal(got, expected, strlen(expected));
}

// A reason from outside can neither end its field nor begin another.
static void test_no_field_is_forged(void **state)
{
        struct world *world = *state;

        assert_true(bc_journal_add(&world->entry, "BODYCAM_BY", "x\nPRIORITY=0\x7f\x01"));
        world->entry.bytes[world->entry.used] = 0;
        assert_string_equal(world->entry.bytes, "BODYCAM_BY=x?PRIORITY=0??\n");
}

static void test_what_has_no_room_is_left_out(void **state)
{
        struct world *world = *state;
        char text[BC_JOURNAL_ENTRY_BYTES];
        size_t used;

        memset(text, 'x', sizeof(text));
        text[1000] = 0;
        while (bc_journal_add(&world->entry, "A", text))
                ;
        used = world->entry.used;
        assert_int_equal(used, 4 * 1003);
        assert_false(bc_journal_add(&world->entry, "A", text));
        assert_int_equal(world->entry.used, used);
        // The terminating 0 of what is built needs a byte, too.
        snprintf(text, sizeof(text), "%0*d", (int)(sizeof(world->entry.bytes) - used - 4), 7);
        assert_true(bc_journal_add(&world->entry, "A", text));
        assert_int_equal(world->entry.used, sizeof(world->entry.bytes) - 1);
        assert_false(bc_journal_add(&world->entry, "", ""));
        assert_int_equal(bc_journal_send(&world->entry, world->path), 0);
}

// Were it to wait, the test's own time limit would end it.
static void test_a_journal_that_stands_still(void **state)
{
        struct world *world = *state;
        unsigned sent = 0;
        char got[200];
        int r;

        assert_true(bc_journal_add(&world->entry, "MESSAGE", "x"));
        while ((r = bc_journal_send(&world->entry, world->path)) == 0)
                assert_true(++sent < 1000000);
        assert_int_equal(r, -EAGAIN);
        assert_true(sent > 0);
        assert_true(recv(world->fd, got, sizeof(got), MSG_DONTWAIT) > 0);
        assert_int_equal(bc_journal_send(&world->entry, world->path), 0);
}

static void test_no_journal(void **state)
{
        struct world *world = *state;
        char text[200];

        assert_true(bc_journal_add(&world->entry, "MESSAGE", "x"));
        close(world->fd);
        world->fd = -1;
        assert_int_equal(bc_journal_send(&world->entry, world->path), -ECONNREFUSED);
        unlink(world->path);
        assert_int_equal(bc_journal_send(&world->entry, world->path), -ENOENT);
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        assert_int_equal(bc_journal_send(&world->entry, text), -ENAMETOOLONG);
}

static void test_whose_stream_it_is(void **state)
{
        char text[100];
        struct stat is;
        int ends[2];

        (void)state;
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(fstat(ends[1], &is), 0);
        unsetenv("JOURNAL_STREAM");
        assert_false(bc_journal_has(ends[1]));
        snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)is.st_dev, (uintmax_t)is.st_ino);
        setenv("JOURNAL_STREAM", text, 1);
        assert_true(bc_journal_has(ends[1]));
        assert_false(bc_journal_has(STDIN_FILENO));
        snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)is.st_dev, (uintmax_t)is.st_ino + 1);
        setenv("JOURNAL_STREAM", text, 1);
        assert_false(bc_journal_has(ends[1]));
        setenv("JOURNAL_STREAM", "", 1);
        assert_false(bc_journal_has(ends[1]));
        close(ends[0]);
        close(ends[1]);
        assert_false(bc_journal_has(ends[1]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_bytes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_field_is_forged, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_has_no_room_is_left_out, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_journal_that_stands_still, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_journal, setup, teardown),
                cmocka_unit_test_setup_teardown(test_whose_stream_it_is, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
