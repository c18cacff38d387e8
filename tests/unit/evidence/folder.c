// SPDX-License-Identifier: EUPL-1.2
#include "folder.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

void folder_make(char ret_path[FOLDER_PATH_BYTES])
{
        snprintf(ret_path, FOLDER_PATH_BYTES, "%s/bc-evidence-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(ret_path));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
        (void)status;
        (void)kind;
        (void)walk;
        return remove(path);
}

void folder_remove(const char *path)
{
        assert_int_equal(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int folder_open(const char *path)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

void folder_write(int folder_fd, const char *name, const void *bytes, size_t size)
{
        int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

        assert_true(fd >= 0);
        assert_int_equal(bc_file_write_at(fd, bytes, size, 0), 0);
        close(fd);
}

void folder_write_text(int folder_fd, const char *name, const char *text)
{
        folder_write(folder_fd, name, text, strlen(text));
}

char *folder_read(int folder_fd, const char *name, size_t *ret_size)
{
        char *bytes = NULL;

        assert_int_equal(bc_file_load(folder_fd, name, 1 << 30, &bytes, ret_size), 0);
        return bytes;
}

bool folder_has(int folder_fd, const char *name)
{
        struct stat status;

        return fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}
