// SPDX-License-Identifier: EUPL-1.2
#include "verify/plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define ENTRIES_MAX 65536

// Where a chunk begins, in the plain text and in the file.
struct entry {
        uint64_t plain, offset, counter;
};

struct bc_plain {
        int fd;
        struct bc_unseal *unseal;
        struct entry *entry; // of every `stride`-th chunk
        size_t entries, room;
        uint64_t stride;
        // The chunk that was decrypted last.
        struct entry at, behind;
        const uint8_t *bytes;
        size_t n;
};

static int read_file(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct bc_plain *plain = user;

        return bc_file_read_at(plain->fd, bytes, n, offset);
}

int bc_plain_is_sealed(int fd, uint64_t size, bool *ret_sealed)
{
        uint8_t magic[BC_SEALED_MAGIC_BYTES];
        int r = size < sizeof(magic) ? 0 : bc_file_read_at(fd, magic, sizeof(magic), 0);

        *ret_sealed = r == 0 && size >= sizeof(magic) && memcmp(magic, bc_sealed_magic, sizeof(magic)) == 0;
        return r;
}

// Half as many entries, twice as far apart.
static void thin_out(struct bc_plain *plain)
{
        for (size_t i = 0; 2 * i < plain->entries; i++)
                plain->entry[i] = plain->entry[2 * i];
        plain->entries = (plain->entries + 1) / 2;
        plain->stride *= 2;
}

static int note(struct bc_plain *plain, const struct entry *entry)
{
        if (plain->entries == ENTRIES_MAX)
                thin_out(plain);
        if (entry->counter % plain->stride != 0)
                return 0;
        if (plain->entries == plain->room) {
                size_t want = plain->room ? 2 * plain->room : 256;
                struct entry *grown = reallocarray(plain->entry, want, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                plain->entry = grown;
                plain->room = want;
        }
        plain->entry[plain->entries++] = *entry;
        return 0;
}

int bc_plain_open(const struct bc_opener *opener, int fd, uint64_t size, struct bc_plain **ret_plain)
{
        BC_CLEANUP(bc_cleanup_plain) struct bc_plain *plain = calloc(1, sizeof(*plain));
        struct bc_unseal_source source = { .read = read_file, .size = size, .user = plain };
        struct entry entry = { 0 };
        const uint8_t *bytes;
        size_t n;
        int r;

        if (!plain)
                return -ENOMEM;
        plain->fd = fd;
        plain->stride = 1;
        r = bc_unseal_new(opener, &source, &plain->unseal);
        if (r < 0)
                return r;
        entry.offset = bc_unseal_offset(plain->unseal);
        while (bc_unseal_next(plain->unseal, &bytes, &n)) {
                r = n > 0 ? note(plain, &entry) : 0; // the final one may be empty
                if (r < 0)
                        return r;
                entry = (struct entry){ entry.plain + n, bc_unseal_offset(plain->unseal), entry.counter + 1 };
        }
        *ret_plain = BC_TAKE(plain);
        return 0;
}

void bc_plain_free(struct bc_plain *plain)
{
        if (!plain)
                return;
        bc_unseal_free(plain->unseal);
        free(plain->entry);
        free(plain);
}

const struct bc_unseal_report *bc_plain_report(const struct bc_plain *plain)
{
        return bc_unseal_report(plain->unseal);
}

// The last entry at or before a place in the plain text.
static const struct entry *find(const struct bc_plain *plain, uint64_t offset)
{
        size_t low = 0, high = plain->entries;

        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;

                if (plain->entry[middle].plain <= offset)
                        low = middle;
                else
                        high = middle;
        }
        return &plain->entry[low];
}

// Decrypts the chunk that holds a place in the plain text.
static int go_to(struct bc_plain *plain, uint64_t offset)
{
        struct entry entry = *find(plain, offset);

        if (plain->n > 0 && offset >= plain->at.plain && offset < plain->behind.plain)
                return 0;
        if (plain->n > 0 && plain->behind.plain <= offset && plain->behind.counter > entry.counter)
                entry = plain->behind;
        for (;;) {
                uint64_t next_offset;
                size_t n;
                int r = bc_unseal_measure(plain->unseal, entry.offset, &n, &next_offset);

                if (r < 0)
                        return r;
                if (offset < entry.plain + n)
                        break;
                entry = (struct entry){ entry.plain + n, next_offset, entry.counter + 1 };
        }
        plain->n = 0;
        plain->at = entry;
        int r = bc_unseal_again(plain->unseal, entry.counter, entry.offset, &plain->bytes, &plain->n);
        if (r < 0)
                return r;
        plain->behind = (struct entry){ entry.plain + plain->n, entry.offset + BC_SEALED_HEAD_BYTES + plain->n + BC_SEALED_TAG_BYTES,
                                        entry.counter + 1 };
        return 0;
}

int bc_plain_read(void *user, uint64_t offset, void *bytes, size_t n)
{
        struct bc_plain *plain = user;
        uint64_t all = bc_plain_report(plain)->plain_bytes;
        uint8_t *to = bytes;

        if (offset > all || n > all - offset)
                return -ENODATA;
        while (n > 0) {
                int r = go_to(plain, offset);

                if (r < 0)
                        return r;
                size_t skip = (size_t)(offset - plain->at.plain), part = plain->n - skip;
                part = part < n ? part : n;
                memcpy(to, plain->bytes + skip, part);
                to += part;
                offset += part;
                n -= part;
        }
        return 0;
}
