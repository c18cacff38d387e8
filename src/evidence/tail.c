// SPDX-License-Identifier: EUPL-1.2
#include "evidence/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "evidence/manifest.h"

#define NAME_BYTES_MAX 32
#define COPY_BYTES 65536
#define TAILS_MAX 99

static void tail_name(uint32_t number, unsigned nth, const char *suffix, char ret_name[NAME_BYTES_MAX])
{
        if (nth == 1)
                snprintf(ret_name, NAME_BYTES_MAX, "%04u.tail%s", number, suffix);
        else
                snprintf(ret_name, NAME_BYTES_MAX, "%04u-%u.tail%s", number, nth, suffix);
}

uint32_t bc_tail_number(const char *name)
{
        char expected[NAME_BYTES_MAX];
        unsigned long number = strtoul(name, NULL, 10);

        if (number < 1 || number > BC_SEGMENTS_MAX)
                return 0;
        for (unsigned nth = 1; nth <= TAILS_MAX; nth++) {
                tail_name((uint32_t)number, nth, "", expected);
                if (!strcmp(name, expected))
                        return (uint32_t)number;
        }
        return 0;
}

// 1: the file NAME holds exactly the bytes of fd from offset to size; 0: something else is there; -ENOENT: nothing is.
static int holds(int folder_fd, const char *name, int fd, uint64_t offset, uint64_t size)
{
        BC_CLEANUP(bc_cleanup_fd) int tail_fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        uint8_t ours[4096], theirs[4096];
        struct stat status;
        int r;

        if (tail_fd < 0)
                return errno == ELOOP ? 0 : -errno;
        if (fstat(tail_fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != size - offset)
                return 0;
        for (uint64_t at = 0; offset + at < size; at += sizeof(ours)) {
                uint64_t left = size - offset - at;
                size_t n = left < sizeof(ours) ? (size_t)left : sizeof(ours);

                r = bc_file_read_at(fd, ours, n, offset + at);
                if (r == 0)
                        r = bc_file_read_at(tail_fd, theirs, n, at);
                if (r < 0)
                        return r;
                if (memcmp(ours, theirs, n) != 0)
                        return 0;
        }
        // It may have been the sync that failed.
        r = bc_file_sync(tail_fd);
        return r < 0 ? r : 1;
}

static int copy(int folder_fd, const char *name, int fd, uint64_t offset, uint64_t size)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(COPY_BYTES);
        BC_CLEANUP(bc_cleanup_fd) int tail_fd = -1;
        int r = 0;

        if (!bytes)
                return -ENOMEM;
        // One left behind by a power cut is nobody's.
        if (unlinkat(folder_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;
        tail_fd = bc_file_create(folder_fd, name);
        if (tail_fd < 0)
                return tail_fd;
        for (uint64_t at = 0; r == 0 && offset + at < size; at += COPY_BYTES) {
                uint64_t left = size - offset - at;
                size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;

                r = bc_file_read_at(fd, bytes, n, offset + at);
                if (r == 0)
                        r = bc_file_write_at(tail_fd, bytes, n, at);
        }
        if (r == 0)
                r = bc_file_sync(tail_fd);
        if (r < 0)
                (void)unlinkat(folder_fd, name, 0); // a full card must not stay full for it
        return r;
}

static int rename_durably(int folder_fd, const char *from, const char *to)
{
        if (renameat(folder_fd, from, folder_fd, to) < 0)
                return -errno;
        return bc_folder_sync(folder_fd);
}

int bc_tail_save(int folder_fd, uint32_t number, int fd, uint64_t offset, uint64_t size)
{
        char name[NAME_BYTES_MAX], temporary[NAME_BYTES_MAX];

        if (offset >= size)
                return 0;
        tail_name(number, 1, ".new", temporary);
        for (unsigned nth = 1; nth <= TAILS_MAX; nth++) {
                int r;

                tail_name(number, nth, "", name);
                r = holds(folder_fd, name, fd, offset, size);
                if (r == 1)
                        return bc_folder_sync(folder_fd);
                if (r == -ENOENT) {
                        r = copy(folder_fd, temporary, fd, offset, size);
                        return r < 0 ? r : rename_durably(folder_fd, temporary, name);
                }
                if (r < 0)
                        return r;
        }
        return -EEXIST;
}

int bc_tail_rename(int folder_fd, uint32_t number, const char *file_name)
{
        char name[NAME_BYTES_MAX];
        struct stat status;

        for (unsigned nth = 1; nth <= TAILS_MAX; nth++) {
                tail_name(number, nth, "", name);
                if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
                        continue;
                return errno == ENOENT ? rename_durably(folder_fd, file_name, name) : -errno;
        }
        return -EEXIST;
}

static void free_hash(EVP_MD_CTX **hash)
{
        EVP_MD_CTX_free(*hash);
}

static int add_tail(int folder_fd, const char *name, uint8_t *bytes, EVP_MD_CTX *hash, uint64_t *sum)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat status;

        if (fd < 0)
                return errno == ENOENT || errno == ELOOP ? 0 : -errno;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return 0;
        for (uint64_t at = 0, size = (uint64_t)status.st_size; at < size; at += COPY_BYTES) {
                size_t n = size - at < COPY_BYTES ? (size_t)(size - at) : COPY_BYTES;
                int r = bc_file_read_at(fd, bytes, n, at);

                if (r < 0)
                        return r;
                if (EVP_DigestUpdate(hash, bytes, n) != 1)
                        return -ENOMEM;
        }
        *sum += (uint64_t)status.st_size;
        return 0;
}

int bc_tail_sum(int folder_fd, uint32_t number, uint64_t *ret_bytes, uint8_t ret_sha256[BC_HASH_BYTES])
{
        BC_CLEANUP(free_hash) EVP_MD_CTX *hash = EVP_MD_CTX_new();
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(COPY_BYTES);
        char name[NAME_BYTES_MAX];
        uint64_t sum = 0;
        int r = hash && bytes && EVP_DigestInit_ex2(hash, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;

        for (unsigned nth = 1; r == 0 && nth <= TAILS_MAX; nth++) {
                tail_name(number, nth, "", name);
                r = add_tail(folder_fd, name, bytes, hash, &sum);
        }
        if (r < 0 || sum == 0)
                return r < 0 ? r : -ENOENT;
        *ret_bytes = sum;
        return EVP_DigestFinal_ex(hash, ret_sha256, NULL) == 1 ? 0 : -ENOMEM;
}

void bc_tail_tidy(int folder_fd, uint32_t number)
{
        char name[NAME_BYTES_MAX];

        tail_name(number, 1, ".new", name);
        (void)unlinkat(folder_fd, name, 0); // it matters to nobody but a verifier, who says that it is there
}
