// SPDX-License-Identifier: EUPL-1.2
#include "evidence/ledger_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "evidence/entry.h"
#include "evidence/ledger.h"

#define FILE_BYTES_MAX (BC_LEDGER_FILE_BYTES + 2 * BC_RECORD_BYTES_MAX)

struct name {
        uint64_t epoch, boot, sequence;
        char text[BC_LEDGER_NAME_BYTES];
};

struct names {
        struct name *name;
        size_t count, room;
};

struct work {
        struct bc_record record;
        struct bc_record_message message;
};

void bc_ledger_name(uint64_t epoch, uint64_t boot, uint64_t sequence, char ret_name[BC_LEDGER_NAME_BYTES])
{
        snprintf(ret_name, BC_LEDGER_NAME_BYTES, "%06" PRIu64 "-%06" PRIu64 "-%012" PRIu64 ".ledger", epoch, boot, sequence);
}

static void free_names(struct names *names)
{
        free(names->name);
}

static void close_listing(DIR **listing)
{
        if (*listing)
                closedir(*listing);
}

// Whatever lies on the card, there are numbers left to count on with.
static bool is_possible(uint64_t number)
{
        return number > 0 && number <= INT64_MAX / 2;
}

// Only what the numbers in it would be written as.
static bool parse_name(const char *text, struct name *ret_name)
{
        char *end;

        errno = 0;
        ret_name->epoch = strtoull(text, &end, 10);
        if (*end == '-')
                ret_name->boot = strtoull(end + 1, &end, 10);
        if (*end == '-')
                ret_name->sequence = strtoull(end + 1, &end, 10);
        if (errno || !is_possible(ret_name->epoch) || !is_possible(ret_name->boot) || !is_possible(ret_name->sequence))
                return false;
        bc_ledger_name(ret_name->epoch, ret_name->boot, ret_name->sequence, ret_name->text);
        return strcmp(text, ret_name->text) == 0;
}

static int add_name(struct names *names, const struct name *name)
{
        if (names->count == names->room) {
                size_t room = names->room ? 2 * names->room : 64;
                struct name *larger = reallocarray(names->name, room, sizeof(*larger));

                if (!larger)
                        return -ENOMEM;
                names->name = larger;
                names->room = room;
        }
        names->name[names->count++] = *name;
        return 0;
}

// The newest first.
static int compare(const void *a, const void *b)
{
        const struct name *left = a, *right = b;

        if (left->epoch != right->epoch)
                return left->epoch < right->epoch ? 1 : -1;
        if (left->boot != right->boot)
                return left->boot < right->boot ? 1 : -1;
        return (left->sequence < right->sequence) - (left->sequence > right->sequence);
}

static int list(int folder_fd, struct names *names)
{
        BC_CLEANUP(close_listing) DIR *listing = NULL;
        int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dirent *entry;
        struct name name = { 0 };

        if (fd < 0)
                return -errno;
        listing = fdopendir(fd);
        if (!listing) {
                close(fd);
                return -errno;
        }
        while ((errno = 0, entry = readdir(listing)))
                if (parse_name(entry->d_name, &name) && add_name(names, &name) < 0)
                        return -ENOMEM;
        if (names->count > 1)
                qsort(names->name, names->count, sizeof(*names->name), compare);
        return -errno;
}

static bool is_stopped(const struct bc_record *record)
{
        return record->events > 0 && record->event[record->events - 1].event == BC_ENTRY_STOP;
}

// Whether it is the next one of a file: one run writes a file, and one record after the other.
static bool goes_on(const struct name *name, const struct bc_ledger_head *newest, const struct bc_record *record)
{
        if (record->kind != BC_RECORD_LEDGER || record->epoch != name->epoch || record->boot != name->boot)
                return false;
        if (newest->epoch == 0)
                return record->ledger == name->sequence;
        return record->ledger == newest->sequence + 1 && memcmp(record->prev, newest->hash, BC_HASH_BYTES) == 0;
}

// Each whole record of the file, in their order; the last one becomes the head, unless there is one already.
static int look_through(int folder_fd, const struct name *name, struct work *work, uint64_t epoch, uint64_t sequence, const uint8_t *hash,
                        struct bc_ledger_head *head, bool *has)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        struct bc_ledger_head newest = { 0 };
        size_t size, at = 0;
        int r = bc_file_load(folder_fd, name->text, FILE_BYTES_MAX, &bytes, &size);

        if (r == -EFBIG || r == -EINVAL || r == -ELOOP)
                return 0; // none of ours
        if (r < 0)
                return r;
        while (at < size) {
                const uint8_t *box_bytes = (const uint8_t *)bytes + at;
                struct bc_record *record = &work->record;
                uint8_t box_hash[BC_HASH_BYTES];
                struct bc_box box;

                if (bc_box_parse(box_bytes, size - at, size - at, &box) < 0 ||
                    bc_record_parse(box_bytes, (size_t)box.bytes, record, &work->message, NULL, 0, NULL) < 0 ||
                    !goes_on(name, &newest, record))
                        break;
                if (EVP_Digest(box_bytes, (size_t)box.bytes, box_hash, NULL, EVP_sha256(), NULL) != 1)
                        return -ENOMEM;
                newest = (struct bc_ledger_head){ record->epoch, record->boot, record->ledger, { 0 }, record->signed_ns,
                                                  is_stopped(record) };
                memcpy(newest.hash, box_hash, BC_HASH_BYTES);
                if (hash && record->epoch == epoch && record->ledger == sequence && memcmp(box_hash, hash, BC_HASH_BYTES) == 0)
                        *has = true;
                at += (size_t)box.bytes;
        }
        if (head->epoch == 0)
                *head = newest;
        return 0;
}

int bc_ledger_find_head(int folder_fd, uint64_t epoch, uint64_t sequence, const uint8_t *hash, struct bc_ledger_head *ret_head,
                        bool *ret_has)
{
        BC_CLEANUP(bc_cleanup_memory) struct work *work = malloc(sizeof(*work));
        BC_CLEANUP(free_names) struct names names = { 0 };
        int r = work ? list(folder_fd, &names) : -ENOMEM;

        *ret_head = (struct bc_ledger_head){ 0 };
        *ret_has = false;
        // Back to the file in which the wanted one must be; a power cut may have left newer ones without a whole record.
        for (size_t i = 0; i < names.count && r == 0; i++) {
                const struct name *name = &names.name[i];

                r = look_through(folder_fd, name, work, epoch, sequence, hash, ret_head, ret_has);
                if (ret_head->epoch > 0 && (!hash || *ret_has || name->epoch < epoch || (name->epoch == epoch && name->sequence <= sequence)))
                        break;
        }
        return r;
}
