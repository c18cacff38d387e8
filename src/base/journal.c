// SPDX-License-Identifier: EUPL-1.2
#include "base/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"

bool bc_journal_has(int fd)
{
        const char *stream = getenv("JOURNAL_STREAM");
        char file[2 * sizeof("18446744073709551615")];
        struct stat is;

        if (!stream || fstat(fd, &is) < 0)
                return false;
        snprintf(file, sizeof(file), "%" PRIuMAX ":%" PRIuMAX, (uintmax_t)is.st_dev, (uintmax_t)is.st_ino);
        return strcmp(file, stream) == 0;
}

bool bc_journal_add(struct bc_journal_entry *entry, const char *name, const char *text)
{
        size_t room = sizeof(entry->bytes) - entry->used;
        char *at = entry->bytes + entry->used;
        int n = snprintf(at, room, "%s=%s\n", name, text);

        if (n < 0 || (size_t)n >= room)
                return false;
        for (char *c = at; c < at + n - 1; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = '?';
        entry->used += (size_t)n;
        return true;
}

int bc_journal_send(const struct bc_journal_entry *entry, const char *socket_path)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        BC_CLEANUP(bc_cleanup_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        if (snprintf(to.sun_path, sizeof(to.sun_path), "%s", socket_path) >= (int)sizeof(to.sun_path))
                return -ENAMETOOLONG;
        if (sendto(fd, entry->bytes, entry->used, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof(to)) < 0)
                return -errno;
        return 0;
}
