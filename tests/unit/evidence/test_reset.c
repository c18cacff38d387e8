// SPDX-License-Identifier: EUPL-1.2
// Why the machine started last, by what its watchdogs say; and on what medium an anchor lies.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/anchor.h"
#include "evidence/reset.h"
#include "folder.h"

static void put(int fd, const char *watchdog, const char *text)
{
        int inner;

        (void)mkdirat(fd, watchdog, 0755);
        inner = openat(fd, watchdog, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(inner >= 0);
        folder_write_text(inner, "bootstatus", text);
        close(inner);
}

static void test_reset(void **state)
{
        char folder[FOLDER_PATH_BYTES];
        int fd;

        (void)state;
        assert_int_equal(bc_reset_cause("/nowhere/at/all"), 0);
        folder_make(folder);
        fd = folder_open(folder);
        assert_int_equal(bc_reset_cause(folder), 0);
        put(fd, "watchdog0", "0\n");
        assert_int_equal(bc_reset_cause(folder), 0);
        put(fd, "watchdog1", "16\n"); // WDIOF_POWERUNDER
        assert_int_equal(bc_reset_cause(folder), 1);
        put(fd, "watchdog0", "32\n"); // WDIOF_CARDRESET
        assert_int_equal(bc_reset_cause(folder), 2);
        put(fd, "watchdog1", "0");
        assert_int_equal(bc_reset_cause(folder), 2);
        put(fd, "watchdog0", "32 and more");
        assert_int_equal(bc_reset_cause(folder), 0);
        put(fd, "watchdog0", "");
        assert_int_equal(bc_reset_cause(folder), 0);
        put(fd, "watchdog0", "99999999999999999999999");
        assert_int_equal(bc_reset_cause(folder), 0);
        folder_write_text(fd, "no-folder", "32\n");
        assert_int_equal(bc_reset_cause(folder), 0);
        close(fd);
        folder_remove(folder);
}

static void test_medium(void **state)
{
        char folder[FOLDER_PATH_BYTES], path[FOLDER_PATH_BYTES + 16], text[300];
        struct bc_anchor_found found;
        struct bc_anchor *anchor;
        struct stat here, there;
        int fd, proc;

        (void)state;
        folder_make(folder);
        fd = folder_open(folder);
        snprintf(path, sizeof(path), "%s/anchor", folder);
        assert_int_equal(bc_anchor_open(path, false, text, sizeof(text), &anchor, &found), 0);
        assert_int_equal(bc_anchor_medium(anchor, fd), BC_ANCHOR_BESIDE);
        proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fstat(fd, &here) == 0 && fstat(proc, &there) == 0 && here.st_dev != there.st_dev);
        assert_int_equal(bc_anchor_medium(anchor, proc), BC_ANCHOR_ELSEWHERE);
        assert_int_equal(bc_anchor_medium(anchor, -1), BC_ANCHOR_BESIDE); // not known
        bc_anchor_free(anchor);
        close(proc);
        close(fd);
        folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_reset), cmocka_unit_test(test_medium) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
