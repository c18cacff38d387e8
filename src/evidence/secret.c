// SPDX-License-Identifier: EUPL-1.2
#include "evidence/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "evidence/refusal.h"

static int judge(const char *what, const char *path, int fd, size_t bytes_max, char *text, size_t text_bytes, size_t *ret_size)
{
        struct stat status;

        if (fstat(fd, &status) < 0)
                return bc_refusal(text, text_bytes, errno, "%s %s: %s", what, path, strerror(errno));
        if (!S_ISREG(status.st_mode))
                return bc_refusal(text, text_bytes, EINVAL, "%s %s: it is not a regular file", what, path);
        if (status.st_uid != 0 && status.st_uid != geteuid())
                return bc_refusal(text, text_bytes, EPERM, "%s %s: it belongs to user %u, neither to root nor to the user who reads it",
                                  what, path, (unsigned)status.st_uid);
        if (status.st_mode & 077)
                return bc_refusal(text, text_bytes, EPERM, "%s %s: its mode is %04o, but nobody except its owner may have access (chmod 600)",
                                  what, path, (unsigned)(status.st_mode & 07777));
        if (status.st_size < 1)
                return bc_refusal(text, text_bytes, EINVAL, "%s %s: it is empty", what, path);
        if ((uint64_t)status.st_size > bytes_max)
                return bc_refusal(text, text_bytes, EFBIG, "%s %s: it is larger than %zu bytes", what, path, bytes_max);
        *ret_size = (size_t)status.st_size;
        return 0;
}

int bc_secret_load(const char *what, const char *path, size_t bytes_max, char *text, size_t text_bytes, uint8_t **ret_bytes,
                   size_t *ret_size)
{
        // O_NONBLOCK: a FIFO in the file's place must not hold up the start.
        BC_CLEANUP(bc_cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        uint8_t *bytes;
        size_t size = 0;
        int r;

        if (fd < 0 && errno == ELOOP)
                return bc_refusal(text, text_bytes, ELOOP, "%s %s: it is a symbolic link", what, path);
        if (fd < 0)
                return bc_refusal(text, text_bytes, errno, "%s %s: %s", what, path, strerror(errno));
        r = judge(what, path, fd, bytes_max, text, text_bytes, &size);
        if (r < 0)
                return r;
        bytes = malloc(size + 1);
        if (!bytes)
                return bc_refusal(text, text_bytes, ENOMEM, "%s %s: no memory", what, path);
        r = bc_file_read_at(fd, bytes, size, 0);
        if (r < 0) {
                bc_secret_free(bytes, size);
                return bc_refusal(text, text_bytes, -r, "%s %s: %s", what, path, strerror(-r));
        }
        bytes[size] = 0;
        *ret_bytes = bytes;
        *ret_size = size;
        return 0;
}

void bc_secret_free(uint8_t *bytes, size_t size)
{
        if (!bytes)
                return;
        explicit_bzero(bytes, size);
        free(bytes);
}
