// SPDX-License-Identifier: EUPL-1.2
#include "evidence/reset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

static void close_listing(DIR **listing)
{
        if (*listing)
                closedir(*listing);
}

// 0 as well where it cannot be read.
static unsigned long status_of(int folder_fd, const char *name)
{
        char path[300], text[32], *end;
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        unsigned long bits;
        ssize_t n;

        snprintf(path, sizeof(path), "%s/bootstatus", name);
        fd = openat(folder_fd, path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return 0;
        text[n] = 0;
        errno = 0;
        bits = strtoul(text, &end, 10);
        return errno || end == text || (*end && *end != '\n') ? 0 : bits;
}

uint32_t bc_reset_cause(const char *folder)
{
        BC_CLEANUP(close_listing) DIR *listing = opendir(folder);
        unsigned long bits = 0;
        struct dirent *entry;

        while (listing && (entry = readdir(listing)))
                if (entry->d_name[0] != '.')
                        bits |= status_of(dirfd(listing), entry->d_name);
        if (bits & WDIOF_CARDRESET)
                return 2;
        return bits & WDIOF_POWERUNDER ? 1 : 0;
}
