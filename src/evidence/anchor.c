// SPDX-License-Identifier: EUPL-1.2
#include "evidence/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/bytes.h"

#define COUNT_MAX ((uint64_t)INT64_MAX / 2)
#define CHECKED_BYTES (BC_ANCHOR_SLOT_BYTES - BC_HASH_BYTES)

static const uint8_t magic[8] = { 'B', 'C', 'A', 'N', 'C', 'H', 'R', '1' };

struct bc_anchor {
        int fd;
        uint64_t turn; // of the newest slot
};

static void put_slot(const struct bc_anchor_state *state, uint64_t turn, uint8_t slot[BC_ANCHOR_SLOT_BYTES])
{
        struct bc_writer w = bc_writer_on(slot, CHECKED_BYTES);

        bc_put_bytes(&w, magic, sizeof(magic));
        bc_put_u64(&w, turn);
        bc_put_u64(&w, state->epoch);
        bc_put_u64(&w, state->sequence);
        bc_put_bytes(&w, state->hash, BC_HASH_BYTES);
        bc_put_u64(&w, state->recording);
        bc_put_u32(&w, state->segment);
        bc_put_u32(&w, state->index);
        bc_put_bytes(&w, state->tail_hash, BC_HASH_BYTES);
        bc_put_u64(&w, (uint64_t)state->tail_ns);
        bc_put_u64(&w, state->boot);
        bc_put_u64(&w, state->counter);
        bc_put_zeros(&w, CHECKED_BYTES - w.used);
}

static void get_hash(struct bc_reader *reader, uint8_t hash[BC_HASH_BYTES])
{
        const uint8_t *bytes = bc_get_bytes(reader, BC_HASH_BYTES);

        if (bytes)
                memcpy(hash, bytes, BC_HASH_BYTES);
}

// 0: it is no whole slot.
static uint64_t get_slot(const uint8_t slot[BC_ANCHOR_SLOT_BYTES], struct bc_anchor_state *ret_state)
{
        struct bc_reader reader = bc_reader_on(slot, CHECKED_BYTES);
        struct bc_anchor_state state = { 0 };
        uint8_t hash[BC_HASH_BYTES];
        uint64_t turn;

        if (EVP_Digest(slot, CHECKED_BYTES, hash, NULL, EVP_sha256(), NULL) != 1 ||
            memcmp(hash, slot + CHECKED_BYTES, BC_HASH_BYTES) != 0 ||
            memcmp(bc_get_bytes(&reader, sizeof(magic)), magic, sizeof(magic)) != 0)
                return 0;
        turn = bc_get_u64(&reader);
        state.epoch = bc_get_u64(&reader);
        state.sequence = bc_get_u64(&reader);
        get_hash(&reader, state.hash);
        state.recording = bc_get_u64(&reader);
        state.segment = bc_get_u32(&reader);
        state.index = bc_get_u32(&reader);
        get_hash(&reader, state.tail_hash);
        state.tail_ns = (int64_t)bc_get_u64(&reader);
        state.boot = bc_get_u64(&reader);
        state.counter = bc_get_u64(&reader);
        // Whatever lies there, there are numbers left to count on with.
        if (turn > COUNT_MAX || state.epoch > COUNT_MAX || state.sequence > COUNT_MAX || state.boot > COUNT_MAX || state.counter > COUNT_MAX)
                return 0;
        *ret_state = state;
        return turn;
}

static int make_slot(const struct bc_anchor_state *state, uint64_t turn, uint8_t slot[BC_ANCHOR_SLOT_BYTES])
{
        put_slot(state, turn, slot);
        return EVP_Digest(slot, CHECKED_BYTES, slot + CHECKED_BYTES, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static uint64_t place_of(uint64_t turn)
{
        return turn % 2 * BC_ANCHOR_BLOCK_BYTES;
}

// -EBADMSG: no slot is whole, which no power cut leaves.
static int load(struct bc_anchor *anchor, struct bc_anchor_state *ret_state)
{
        uint8_t slots[BC_ANCHOR_BYTES];
        int r = bc_file_read_at(anchor->fd, slots, sizeof(slots), 0);

        if (r < 0)
                return r;
        anchor->turn = 0;
        for (unsigned i = 0; i < 2; i++) {
                struct bc_anchor_state state;
                uint64_t turn = get_slot(slots + i * BC_ANCHOR_BLOCK_BYTES, &state);

                if (turn > anchor->turn) {
                        anchor->turn = turn;
                        *ret_state = state;
                }
        }
        return anchor->turn > 0 ? 0 : -EBADMSG;
}

// With a slot that says nothing: so one that is whole is always there, whatever the first write comes to.
static int make_file(const char *path)
{
        static const struct bc_anchor_state nothing;
        BC_CLEANUP(bc_cleanup_memory) char *copy = strdup(path);
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        uint8_t slots[BC_ANCHOR_BYTES] = { 0 };
        int r = copy ? make_slot(&nothing, 1, slots + place_of(1)) : -ENOMEM;

        if (r < 0)
                return r;
        folder_fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder_fd < 0)
                return -errno;
        return bc_file_replace(folder_fd, strrchr(path, '/') + 1, slots, sizeof(slots));
}

// -EBADMSG: it is no anchor; -EINVAL: it is no file either.
static int open_file(struct bc_anchor *anchor, const char *path, struct bc_anchor_state *ret_state)
{
        struct stat status;

        bc_cleanup_fd(&anchor->fd); // of the one that was put aside
        anchor->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (anchor->fd < 0 || fstat(anchor->fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -EINVAL;
        return status.st_size == BC_ANCHOR_BYTES ? load(anchor, ret_state) : -EBADMSG;
}

// What is there gets a second name, so that it stays, and is what is found again where making another one fails.
static int keep_aside(const char *path)
{
        char aside[PATH_MAX];
        int n = snprintf(aside, sizeof(aside), "%s.damaged", path);

        if (n < 0 || (size_t)n >= sizeof(aside))
                return -ENAMETOOLONG;
        if (unlink(aside) < 0 && errno != ENOENT)
                return -errno;
        // A file system without links: it is said that it was damaged, and goes.
        return link(path, aside) < 0 && errno != EPERM && errno != EOPNOTSUPP ? -errno : 0;
}

BC_DEFINE_CLEANUP(anchor, struct bc_anchor, bc_anchor_free)

int bc_anchor_open(const char *path, char *text, size_t text_bytes, struct bc_anchor **ret_anchor, struct bc_anchor_found *ret_found)
{
        BC_CLEANUP(bc_cleanup_anchor) struct bc_anchor *anchor = calloc(1, sizeof(*anchor));
        struct bc_anchor_found found = { .damaged = false };
        int r = !anchor ? -ENOMEM : path[0] == '/' ? 0 : -EINVAL;

        if (anchor)
                anchor->fd = -1;
        if (r == 0)
                r = open_file(anchor, path, &found.state);
        found.damaged = r == -EBADMSG;
        if (found.damaged)
                r = keep_aside(path);
        if (r == -ENOENT || (r == 0 && found.damaged)) {
                r = make_file(path);
                if (r == 0)
                        r = open_file(anchor, path, &found.state);
        }
        if (r < 0) {
                snprintf(text, text_bytes, "anchor %s: %s", path, r == -EINVAL ? "is not a regular file with an absolute path" : strerror(-r));
                return r;
        }
        *ret_found = found;
        *ret_anchor = BC_TAKE(anchor);
        return 0;
}

// The disk that a file system is a partition of, or lies on; as the kernel has it: "/sys/devices/.../block/sda". false: on none, or not known.
static bool find_disk(dev_t device, char ret_path[PATH_MAX])
{
        char link[64], partition[PATH_MAX + 16];

        snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(device), minor(device));
        if (!realpath(link, ret_path))
                return false;
        snprintf(partition, sizeof(partition), "%s/partition", ret_path);
        if (access(partition, F_OK) == 0)
                *strrchr(ret_path, '/') = 0;
        return true;
}

uint32_t bc_anchor_medium(const struct bc_anchor *anchor, int fd)
{
        char mine[PATH_MAX], other[PATH_MAX];
        struct stat anchored, stored;

        if (fstat(anchor->fd, &anchored) < 0 || fstat(fd, &stored) < 0 || anchored.st_dev == stored.st_dev)
                return BC_ANCHOR_BESIDE; // what is not known is not claimed
        return find_disk(anchored.st_dev, mine) && find_disk(stored.st_dev, other) && strcmp(mine, other) == 0 ? BC_ANCHOR_BESIDE :
                                                                                                             BC_ANCHOR_ELSEWHERE;
}

void bc_anchor_free(struct bc_anchor *anchor)
{
        if (!anchor)
                return;
        bc_cleanup_fd(&anchor->fd);
        free(anchor);
}

int bc_anchor_write(struct bc_anchor *anchor, const struct bc_anchor_state *state)
{
        uint8_t slot[BC_ANCHOR_SLOT_BYTES];
        uint64_t turn = anchor->turn + 1;
        int r = make_slot(state, turn, slot);

        if (r == 0)
                r = bc_file_write_at(anchor->fd, slot, sizeof(slot), place_of(turn));
        if (r == 0)
                r = bc_file_sync_data(anchor->fd);
        if (r == 0)
                anchor->turn = turn;
        return r;
}
