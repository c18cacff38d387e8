// SPDX-License-Identifier: EUPL-1.2
// What recovery set aside: the tails of a segment, one behind the other in their order, are what its record of kind 4 states as moved
// (record.md, 10). More than one there is where recovery was cut off itself.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/recording_end.h"

#define READ_BYTES 65536

struct sum {
        EVP_MD_CTX *hash, *copy;
        uint8_t *bytes;
        uint64_t size;
};

static void free_sum(struct sum *sum)
{
        EVP_MD_CTX_free(sum->hash);
        EVP_MD_CTX_free(sum->copy);
        free(sum->bytes);
}

static int begin(struct sum *sum)
{
        sum->hash = EVP_MD_CTX_new();
        sum->copy = EVP_MD_CTX_new();
        sum->bytes = malloc(READ_BYTES);
        return sum->hash && sum->copy && sum->bytes && EVP_DigestInit_ex2(sum->hash, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static int add(struct sum *sum, int folder_fd, const char *name)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat stat;

        if (fd < 0 || fstat(fd, &stat) < 0)
                return -errno;
        if (!S_ISREG(stat.st_mode))
                return -EINVAL;
        uint64_t size = (uint64_t)stat.st_size;
        for (uint64_t at = 0; at < size; at += READ_BYTES) {
                size_t n = size - at < READ_BYTES ? (size_t)(size - at) : READ_BYTES;
                int r = bc_file_read_at(fd, sum->bytes, n, at);
                if (r < 0)
                        return r;
                if (EVP_DigestUpdate(sum->hash, sum->bytes, n) != 1)
                        return -ENOMEM;
        }
        sum->size += size;
        return 0;
}

static bool is_stated(struct sum *sum, uint64_t bytes, const uint8_t stated_sha256[BC_HASH_BYTES])
{
        uint8_t sha256[BC_HASH_BYTES];

        return sum->size == bytes && EVP_MD_CTX_copy_ex(sum->copy, sum->hash) == 1 &&
               EVP_DigestFinal_ex(sum->copy, sha256, NULL) == 1 && memcmp(sha256, stated_sha256, BC_HASH_BYTES) == 0;
}

// The segment whose recovery set these aside.
static const struct bc_segment_verdict *mover(const struct bc_recording_verdict *verdict, uint32_t number)
{
        for (size_t i = 0; i < verdict->segments; i++)
                if (verdict->folder.segment[i] == number && verdict->segment[i].moved)
                        return &verdict->segment[i];
        return NULL;
}

// How many of these tails are what is stated, in *ret_stated; -EBADMSG: they are something else.
static int count_stated(const struct bc_recording_verdict *verdict, uint64_t bytes, const uint8_t sha256[BC_HASH_BYTES],
                        const struct bc_folder_tail *tail, size_t tails, size_t *ret_stated)
{
        BC_CLEANUP(free_sum) struct sum sum = { .size = 0 };
        int r = begin(&sum);

        for (size_t i = 0; r == 0 && i < tails; i++) {
                r = add(&sum, verdict->fd, tail[i].name);
                if (r == 0 && is_stated(&sum, bytes, sha256)) {
                        *ret_stated = i + 1;
                        return 0;
                }
        }
        return r < 0 ? r : -EBADMSG;
}

// Nobody states what is nothing.
static bool is_empty(const struct bc_recording_verdict *verdict, const struct bc_folder_tail *tail)
{
        struct stat stat;

        return fstatat(verdict->fd, tail->name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(stat.st_mode) && stat.st_size == 0;
}

static void judge_tails(struct bc_recording_verdict *verdict, const struct bc_folder_tail *tail, size_t tails)
{
        const struct bc_segment_verdict *segment = mover(verdict, tail->segment);
        struct bc_findings *findings = &verdict->findings;
        size_t stated = 0;
        int r = segment ? count_stated(verdict, segment->moved_bytes, segment->moved_sha256, tail, tails, &stated) : 0;

        if (r == -EBADMSG)
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "%s%s not what a record states that recovery set aside", tail->name,
                        tails == 1 ? " is" : " and those behind it are");
        else if (r < 0)
                bc_find(findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET, "%s cannot be read: %s", tail->name,
                        strerror(-r));
        if (r < 0)
                return;
        if (stated > 0)
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "%s%s: %" PRIu64 " bytes that recovery set aside as it found them; nothing proves what they are", tail->name,
                        stated == 1 ? "" : " and those behind it", segment->moved_bytes);
        for (size_t i = stated; i < tails; i++)
                if (is_empty(verdict, &tail[i]))
                        bc_find(findings, BC_FINDING_NAME, BC_VERDICT_NOTE, BC_NO_OFFSET, "%s is empty, as the power cut left the file",
                                tail[i].name);
                else
                        bc_find(findings, BC_FINDING_NAME, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                                "%s is not what a record states that recovery set aside: none speaks of it", tail[i].name);
}

size_t bc_recording_tails_behind(const struct bc_recording_verdict *verdict, uint32_t segment, uint64_t bytes,
                                 const uint8_t sha256[BC_HASH_BYTES])
{
        const struct bc_folder *folder = &verdict->folder;
        size_t first = folder->tails, stated = 0;

        for (size_t i = folder->tails; i-- > 0 && folder->tail[i].segment > segment;)
                first = i;
        size_t n = folder->tails - first;
        if (n == 0 || folder->tail[first].segment != folder->tail[folder->tails - 1].segment)
                return 0;
        if (count_stated(verdict, bytes, sha256, &folder->tail[first], n, &stated) < 0 || stated != n)
                return 0;
        for (size_t i = first; i < folder->tails; i++)
                n -= is_empty(verdict, &folder->tail[i]);
        return n;
}

void bc_recording_judge_tails(struct bc_recording_verdict *verdict)
{
        const struct bc_folder *folder = &verdict->folder;

        for (size_t i = 0, n; i < folder->tails; i += n) {
                for (n = 1; i + n < folder->tails && folder->tail[i + n].segment == folder->tail[i].segment;)
                        n++;
                judge_tails(verdict, &folder->tail[i], n);
        }
        for (size_t i = 0; i < verdict->segments; i++) {
                bool there = !verdict->segment[i].moved;
                for (size_t k = 0; !there && k < folder->tails; k++)
                        there = folder->tail[k].segment == folder->segment[i];
                if (!there)
                        bc_find(&verdict->findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                                "the %" PRIu64 " bytes that recovery moved out of %s are not there",
                                verdict->segment[i].moved_bytes, verdict->segment[i].file);
        }
}
