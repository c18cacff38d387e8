// SPDX-License-Identifier: EUPL-1.2
#include "evidence/stocktaking.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "evidence/recognise.h"
#include "evidence/tail.h"
#include "format/finalise.h"
#include "format/scan.h"

#define PIECE_BYTES (64 << 10)
#define DROP_BYTES (1 << 20) // of the page cache, and how often it is asked whether to stop

BC_DEFINE_CLEANUP(hash, EVP_MD_CTX, EVP_MD_CTX_free)

// ---- what the records of a segment say -------------------------------------------------------------------------

// A record: what it covers, and where its own box lies.
struct stated {
        uint64_t end, box, box_bytes;
        uint8_t sha256[BC_HASH_BYTES], box_sha256[BC_HASH_BYTES];
};

struct statements {
        const struct bc_record_bytes *public_key;
        int fd;
        uint64_t recording;
        uint32_t segment;
        struct stated *stated;
        size_t count, room;
        enum bc_record_kind kind; // of the last one
        uint64_t moov_bytes;
        uint8_t moov_sha256[BC_HASH_BYTES];
        struct bc_record record;
        struct bc_record_message message;
        uint8_t box[BC_RECORD_BYTES_MAX];
};

static void free_statements(struct statements **statements)
{
        if (*statements)
                free((*statements)->stated);
        free(*statements);
}

static int read_file(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct statements *statements = user;

        return bc_file_read_at(statements->fd, bytes, n, offset);
}

static bool follows(const struct statements *statements)
{
        const struct bc_record *record = &statements->record;
        const struct stated *last = statements->count > 0 ? &statements->stated[statements->count - 1] : NULL;

        return record->kind != BC_RECORD_LEDGER && record->recording == statements->recording &&
               record->segment == statements->segment && record->index == statements->count + 1 &&
               record->offset == (last ? last->end : 0) &&
               (!last || memcmp(record->prev, last->box_sha256, BC_HASH_BYTES) == 0) &&
               statements->kind <= BC_RECORD_FRAGMENT && bc_recognise(statements->public_key, record, &statements->message);
}

static int on_record(void *user, uint64_t offset, uint32_t bytes)
{
        struct statements *statements = user;
        const struct bc_record *record = &statements->record;
        struct stated *larger, *stated;
        int r = bc_file_read_at(statements->fd, statements->box, bytes, offset);

        if (r == 0)
                r = bc_record_parse(statements->box, bytes, &statements->record, &statements->message, NULL, 0, NULL);
        if (r == 0 && !follows(statements))
                r = -EBADMSG;
        if (r < 0)
                return r;
        if (statements->count == statements->room) {
                statements->room = statements->room ? 2 * statements->room : 64; // a record is 200 bytes of the file at least
                larger = reallocarray(statements->stated, statements->room, sizeof(*larger));
                if (!larger)
                        return -ENOMEM;
                statements->stated = larger;
        }
        stated = &statements->stated[statements->count++];
        *stated = (struct stated){ .end = record->offset + record->bytes, .box = offset, .box_bytes = bytes };
        memcpy(stated->sha256, record->sha256, BC_HASH_BYTES);
        statements->kind = record->kind;
        statements->moov_bytes = record->moov_bytes;
        memcpy(statements->moov_sha256, record->moov_sha256, BC_HASH_BYTES);
        return EVP_Digest(statements->box, bytes, stated->box_sha256, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

// ---- one pass over the file ------------------------------------------------------------------------------------

struct pass {
        const struct bc_stocktaking *stocktaking;
        int fd;
        uint64_t at, dropped;
        uint64_t patch_offset;
        uint8_t patch[BC_PATCH_BYTES], original[BC_PATCH_BYTES];
        bool patch_differs;
        EVP_MD_CTX *stored, *range;
        uint8_t piece[PIECE_BYTES];
};

static void free_pass(struct pass **pass)
{
        if (*pass) {
                EVP_MD_CTX_free((*pass)->stored);
                EVP_MD_CTX_free((*pass)->range);
        }
        free(*pass);
}

static void undo_patch(struct pass *pass, size_t n)
{
        for (size_t i = 0; i < BC_PATCH_BYTES; i++) {
                uint64_t place = pass->patch_offset + i;

                if (place < pass->at || place >= pass->at + n)
                        continue;
                pass->patch_differs |= pass->piece[place - pass->at] != pass->patch[i];
                pass->piece[place - pass->at] = pass->original[i];
        }
}

// The camera's memory is for the ring, not for films that nobody looks at.
static int drop_pages(struct pass *pass)
{
        if (pass->at - pass->dropped < DROP_BYTES)
                return 0;
        (void)posix_fadvise(pass->fd, (off_t)pass->dropped, (off_t)(pass->at - pass->dropped), POSIX_FADV_DONTNEED); // advice
        pass->dropped = pass->at;
        return pass->stocktaking->is_stopped && pass->stocktaking->is_stopped(pass->stocktaking->user) ? -ECANCELED : 0;
}

// Takes in all up to `to`; the hash of what was taken in since the last call must be `expected`.
static int check_range(struct pass *pass, uint64_t to, const uint8_t expected[BC_HASH_BYTES])
{
        uint8_t sha256[BC_HASH_BYTES];

        if (EVP_DigestInit_ex(pass->range, EVP_sha256(), NULL) != 1 || to < pass->at)
                return -EBADMSG;
        while (pass->at < to) {
                size_t n = to - pass->at < PIECE_BYTES ? (size_t)(to - pass->at) : PIECE_BYTES;
                int r = bc_file_read_at(pass->fd, pass->piece, n, pass->at);

                if (r == 0 && EVP_DigestUpdate(pass->stored, pass->piece, n) != 1)
                        r = -ENOMEM;
                undo_patch(pass, n);
                if (r == 0 && EVP_DigestUpdate(pass->range, pass->piece, n) != 1)
                        r = -ENOMEM;
                pass->at += n;
                if (r == 0)
                        r = drop_pages(pass);
                if (r < 0)
                        return r;
        }
        if (EVP_DigestFinal_ex(pass->range, sha256, NULL) != 1)
                return -ENOMEM;
        return memcmp(sha256, expected, BC_HASH_BYTES) == 0 ? 0 : -EBADMSG;
}

// The ranges lie one behind the other up to the last record's own box; behind that the moov ends the file.
static int check_bytes(const struct bc_stocktaking *stocktaking, const struct statements *statements, const struct bc_scan *scan,
                       uint8_t ret_sha256[BC_HASH_BYTES])
{
        BC_CLEANUP(free_pass) struct pass *pass = calloc(1, sizeof(*pass));
        const struct stated *last = &statements->stated[statements->count - 1];
        uint64_t end = last->box + last->box_bytes;
        int r;

        if (!pass || !(pass->stored = EVP_MD_CTX_new()) || !(pass->range = EVP_MD_CTX_new()) ||
            EVP_DigestInit_ex(pass->stored, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        if (last->end != last->box || statements->moov_bytes != scan->file_bytes - end)
                return -EBADMSG;
        pass->stocktaking = stocktaking;
        pass->fd = statements->fd;
        pass->patch_offset = scan->layout.moov_offset;
        bc_finalise_unpatch(&scan->layout, pass->original);
        r = bc_finalise_patch(&scan->layout, end, pass->patch);
        for (size_t i = 0; r == 0 && i < statements->count; i++)
                r = check_range(pass, statements->stated[i].end, statements->stated[i].sha256);
        if (r == 0)
                r = check_range(pass, end, last->box_sha256);
        if (r == 0)
                r = check_range(pass, scan->file_bytes, statements->moov_sha256);
        if (r < 0 || pass->patch_differs)
                return r < 0 ? r : -EBADMSG;
        (void)posix_fadvise(pass->fd, 0, 0, POSIX_FADV_DONTNEED);
        return EVP_DigestFinal_ex(pass->stored, ret_sha256, NULL) == 1 ? 0 : -ENOMEM;
}

static int check_segment(const struct bc_stocktaking *stocktaking, int fd, uint64_t size, uint64_t recording, uint32_t segment,
                         uint8_t ret_sha256[BC_HASH_BYTES])
{
        BC_CLEANUP(free_statements) struct statements *statements = calloc(1, sizeof(*statements));
        struct bc_scan_source source = { .read = read_file, .size = size, .on_record = on_record, .user = statements };
        struct bc_scan scan;
        int r;

        if (!statements)
                return -ENOMEM;
        statements->public_key = &stocktaking->public_key;
        statements->fd = fd;
        statements->recording = recording;
        statements->segment = segment;
        r = bc_scan_file(&source, &scan);
        if (r < 0)
                return r;
        r = bc_scan_finished(&scan) && statements->count > 0 && statements->kind > BC_RECORD_FRAGMENT
                    ? check_bytes(stocktaking, statements, &scan, ret_sha256)
                    : -EBADMSG;
        bc_scan_done(&scan);
        return r;
}

// ---- the record beside a sealed segment ------------------------------------------------------------------------

// The whole file is one record of this device, about that segment.
static int check_recovered(const struct bc_stocktaking *stocktaking, int folder_fd, const struct bc_manifest *manifest,
                           uint32_t segment, struct bc_listed_file *file)
{
        BC_CLEANUP(bc_cleanup_memory) char *box = NULL;
        BC_CLEANUP(free_statements) struct statements *statements = calloc(1, sizeof(*statements));
        const struct bc_record *record;
        size_t n;
        int r;

        if (!statements)
                return -ENOMEM;
        record = &statements->record;
        r = bc_file_load(folder_fd, file->name, BC_RECORD_BYTES_MAX, &box, &n);
        file->state = BC_LISTED_DIFFERS;
        if (r == 0)
                r = bc_record_parse((const uint8_t *)box, n, &statements->record, &statements->message, NULL, 0, NULL);
        if (r < 0 && r != -EBADMSG && r != -EFBIG)
                return r;
        if (r < 0 || record->kind != BC_RECORD_SEALED || record->recording != manifest->counter || record->segment != segment ||
            !bc_recognise(&stocktaking->public_key, record, &statements->message))
                return 0;
        file->state = BC_LISTED_PROVEN;
        return EVP_Digest(box, n, file->sha256, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

// ---- the list --------------------------------------------------------------------------------------------------

static int look_at_segment(const struct bc_stocktaking *stocktaking, int folder_fd, const struct bc_manifest *manifest,
                           const struct bc_manifest_segment *segment, struct bc_listed_file *file)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        struct stat status;
        int r = 0;

        bc_segment_file_name(segment->number, segment->sealed, file->name);
        file->bytes = segment->bytes;
        file->state = segment->hashed ? BC_LISTED_PROVEN : BC_LISTED_SEALED;
        memcpy(file->sha256, segment->sha256, BC_HASH_BYTES);
        if (segment->sealed)
                return 0;
        file->state = BC_LISTED_DIFFERS;
        fd = openat(folder_fd, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &status) < 0)
                r = -errno;
        else if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != segment->bytes)
                r = -EBADMSG;
        if (r == 0)
                r = check_segment(stocktaking, fd, segment->bytes, manifest->counter, segment->number, file->sha256);
        if (r == 0)
                file->state = BC_LISTED_PROVEN;
        // Of what a failing card does not give out nothing is said, and nothing signed: it is tried again.
        if (r < 0 && r != -EBADMSG && r != -ENODATA && r != -ENOENT && r != -ELOOP)
                return r;
        if (r < 0)
                bc_log_error("%s of recording %llu is not what was signed: %s", file->name, (unsigned long long)manifest->counter,
                             strerror(-r));
        return 0;
}

struct list {
        struct bc_listed_file *file;
        size_t files, room;
};

static void free_list(struct list *list)
{
        free(list->file);
}

static struct bc_listed_file *add(struct list *list)
{
        size_t room = list->room ? 2 * list->room : 16;
        struct bc_listed_file *larger = list->file;

        if (list->files == list->room)
                larger = reallocarray(list->file, room, sizeof(*larger));
        if (!larger)
                return NULL;
        list->room = list->files == list->room ? room : list->room;
        list->file = larger;
        list->file[list->files] = (struct bc_listed_file){ 0 };
        return &list->file[list->files++];
}

// NNNN.recovered; 0: another name.
static uint32_t recovered_number(const char *name)
{
        char own[BC_SEGMENT_NAME_BYTES_MAX];
        unsigned long number = strtoul(name, NULL, 10);

        if (number == 0 || number > BC_SEGMENTS_MAX)
                return 0;
        bc_recovered_name((uint32_t)number, own);
        return strcmp(name, own) == 0 ? (uint32_t)number : 0;
}

struct round {
        const struct bc_stocktaking *stocktaking;
        int folder_fd;
        const struct bc_manifest *manifest;
        struct list *list;
};

// What recovery left beside the segments.
static int add_other(void *user, const struct dirent *entry)
{
        const struct round *round = user;
        uint32_t recovered = recovered_number(entry->d_name);
        struct bc_listed_file *file;
        struct stat status;

        if ((bc_tail_number(entry->d_name) == 0 && recovered == 0) || strlen(entry->d_name) >= BC_LISTED_NAME_BYTES_MAX ||
            fstatat(round->folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
                return 0;
        file = add(round->list);
        if (!file)
                return -ENOMEM;
        memcpy(file->name, entry->d_name, strlen(entry->d_name) + 1);
        file->bytes = (uint64_t)status.st_size;
        file->state = BC_LISTED_TAIL;
        return recovered > 0 ? check_recovered(round->stocktaking, round->folder_fd, round->manifest, recovered, file) : 0;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(((const struct bc_listed_file *)a)->name, ((const struct bc_listed_file *)b)->name);
}

int bc_stocktaking_run(const struct bc_stocktaking *stocktaking, int folder_fd, struct bc_manifest *manifest,
                       size_t *ret_differing)
{
        BC_CLEANUP(free_list) struct list list = { 0 };
        struct round round = { .stocktaking = stocktaking, .folder_fd = folder_fd, .manifest = manifest, .list = &list };
        size_t differing = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < manifest->segments; i++) {
                const struct bc_manifest_segment *segment = &manifest->segment[i];
                struct bc_listed_file *file;

                if (segment->state == BC_SEGMENT_EMPTY || segment->state == BC_SEGMENT_MISSING)
                        continue;
                file = add(&list);
                r = file ? look_at_segment(stocktaking, folder_fd, manifest, segment, file) : -ENOMEM;
                differing += r == 0 && file->state == BC_LISTED_DIFFERS;
        }
        if (r == 0)
                r = bc_folder_each(folder_fd, add_other, &round);
        if (r < 0)
                return r;
        if (list.files > 1)
                qsort(list.file, list.files, sizeof(*list.file), compare_names);
        free(manifest->file);
        manifest->file = BC_TAKE(list.file);
        manifest->files = list.files;
        manifest->final = true;
        *ret_differing = differing;
        return 0;
}
