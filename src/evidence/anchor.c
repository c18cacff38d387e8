// SPDX-License-Identifier: EUPL-1.2
#include "evidence/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/bytes.h"

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
        *ret_state = state;
        return turn;
}

static int load(struct bc_anchor *anchor, struct bc_anchor_state *ret_state)
{
        uint8_t slots[BC_ANCHOR_BYTES];
        int r = bc_file_read_at(anchor->fd, slots, sizeof(slots), 0);

        if (r < 0)
                return r;
        *ret_state = (struct bc_anchor_state){ 0 };
        for (unsigned i = 0; i < 2; i++) {
                struct bc_anchor_state state;
                uint64_t turn = get_slot(slots + i * BC_ANCHOR_SLOT_BYTES, &state);

                if (turn > anchor->turn) {
                        anchor->turn = turn;
                        *ret_state = state;
                }
        }
        return 0;
}

static int open_file(const char *path)
{
        BC_CLEANUP(bc_cleanup_memory) char *copy = strdup(path);
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        uint8_t zeros[BC_ANCHOR_BYTES] = { 0 };
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r;

        if (fd >= 0 || errno != ENOENT)
                return fd < 0 ? -errno : fd;
        if (!copy)
                return -ENOMEM;
        folder_fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder_fd < 0)
                return -errno;
        // Whole or not at all: a file of another size is refused.
        r = bc_file_replace(folder_fd, strrchr(path, '/') + 1, zeros, sizeof(zeros));
        if (r < 0)
                return r;
        fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

static int judge(int fd)
{
        struct stat status;

        if (fstat(fd, &status) < 0)
                return -errno;
        return S_ISREG(status.st_mode) && status.st_size == BC_ANCHOR_BYTES ? 0 : -EBADMSG;
}

BC_DEFINE_CLEANUP(anchor, struct bc_anchor, bc_anchor_free)

int bc_anchor_open(const char *path, char *text, size_t text_bytes, struct bc_anchor **ret_anchor, struct bc_anchor_state *ret_state)
{
        BC_CLEANUP(bc_cleanup_anchor) struct bc_anchor *anchor = calloc(1, sizeof(*anchor));
        int r = path[0] == '/' ? 0 : -EINVAL;

        if (!anchor)
                return -ENOMEM;
        anchor->fd = -1;
        if (r == 0)
                r = anchor->fd = open_file(path);
        if (r >= 0)
                r = judge(anchor->fd);
        if (r == 0)
                r = load(anchor, ret_state);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: %s", path, r == -EBADMSG ? "is no anchor" : strerror(-r));
                return r;
        }
        *ret_anchor = BC_TAKE(anchor);
        return 0;
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
        int r;

        put_slot(state, turn, slot);
        if (EVP_Digest(slot, CHECKED_BYTES, slot + CHECKED_BYTES, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        r = bc_file_write_at(anchor->fd, slot, sizeof(slot), turn % 2 * BC_ANCHOR_SLOT_BYTES);
        if (r == 0)
                r = bc_file_sync_data(anchor->fd);
        if (r == 0)
                anchor->turn = turn;
        return r;
}
