// SPDX-License-Identifier: EUPL-1.2
// A card that recordings have filled: the next run has its ledger all the same [14].
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

#include "desk.h"
#include "evidence/room.h"
#include "lib/wrapped.h"

#define S BC_NS_PER_S

// No block is to be had, nor (files_too) room for a new file: what has its blocks can be written, up to there.
static atomic_bool full, files_too;

int __real_fallocate(int fd, int mode, off_t offset, off_t bytes);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t bytes);

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        if (flags & O_CREAT && full && files_too) {
                errno = ENOSPC;
                return -1;
        }
        return __real_openat(fd, name, flags, mode);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
        if (!full)
                return __real_fallocate(fd, mode, offset, bytes);
        errno = ENOSPC;
        return -1;
}

static bool has_blocks(int fd, const char *name)
{
        struct stat status;

        return fstatat(fd, name, &status, 0) == 0 && (size_t)status.st_blocks * 512 >= BC_LEDGER_FILE_BYTES;
}

static void test_full(void **state)
{
        struct archive *archive;
        struct desk desk;

        (void)state;
        for (int round = 0; round < 2; round++) {
                full = false;
                files_too = round == 1;
                desk_make(&desk);
                desk_start(&desk, NULL);
                desk_run(&desk, desk.base_ns + 5 * S);
                desk_stop(&desk, true);
                assert_true(has_blocks(desk.store_fd, BC_ROOM_NAME));
                assert_false(has_blocks(desk.folder_fd, "000001-000001-000000000001.ledger"));
                full = true;
                desk_start(&desk, NULL);
                desk_run(&desk, desk.base_ns + 5 * S);
                assert_false(desk.troubled);
                assert_false(folder_has(desk.store_fd, BC_ROOM_NAME));
                assert_true(has_blocks(desk.folder_fd, "000001-000002-000000000003.ledger"));
                // There is room again at its end: so there is for the next.
                full = false;
                desk_stop(&desk, true);
                assert_true(has_blocks(desk.store_fd, BC_ROOM_NAME));
                archive = archive_read(&desk);
                assert_int_equal(archive_count(archive, BC_ENTRY_START), 2);
                assert_int_equal(archive_count(archive, BC_ENTRY_STOP), 2);
                archive_free(archive);
                desk_done(&desk);
        }
}

// It lasts for one run; the next one does what it can.
static void test_full_twice(void **state)
{
        struct archive *archive;
        struct desk desk;

        (void)state;
        full = files_too = false;
        desk_make(&desk);
        for (int run = 0; run < 4; run++) {
                desk_start(&desk, NULL);
                desk_run(&desk, desk.base_ns + 5 * S);
                full = true;
                desk_stop(&desk, true);
        }
        full = false;
        archive = archive_read(&desk);
        assert_int_equal(archive_count(archive, BC_ENTRY_STOP), 4); // here blocks are there all the same
        archive_free(archive);
        desk_done(&desk);
}

// What lies there under its name is not written into.
static void test_hostile(void **state)
{
        struct desk desk;
        size_t size;
        char *bytes;

        (void)state;
        for (int kind = 0; kind < 4; kind++) {
                full = files_too = false;
                desk_make(&desk);
                folder_write_text(desk.store_fd, "theirs", kind == 2 ? "" : "theirs");
                assert_int_equal(kind == 0   ? symlinkat("theirs", desk.store_fd, BC_ROOM_NAME)
                                 : kind == 1 ? mkdirat(desk.store_fd, BC_ROOM_NAME, 0755)
                                             : linkat(desk.store_fd, "theirs", desk.store_fd, BC_ROOM_NAME, 0),
                                 0);
                full = true;
                desk_start(&desk, NULL);
                desk_run(&desk, desk.base_ns + 5 * S);
                assert_false(desk.troubled);
                full = false;
                desk_stop(&desk, true);
                bytes = folder_read(desk.store_fd, "theirs", &size);
                assert_string_equal(bytes, kind == 2 ? "" : "theirs");
                free(bytes);
                desk_done(&desk);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_full_twice),
                cmocka_unit_test(test_hostile),
        };

        return cmocka_run_group_tests(tests, desk_make_notary, desk_forget_notary);
}
