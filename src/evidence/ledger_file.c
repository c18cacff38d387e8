// SPDX-License-Identifier: EUPL-1.2
#include "evidence/ledger_file.h"

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
#include "base/log.h"
#include "evidence/certificate.h"
#include "evidence/entry.h"
#include "evidence/ledger.h"
#include "evidence/recognise.h"

struct work {
        struct bc_record record;
        struct bc_record_message message;
};

static bool is_stopped(const struct bc_record *record)
{
        return record->events > 0 && record->event[record->events - 1].event == BC_ENTRY_STOP;
}

// ---- whose it is -----------------------------------------------------------------------------------------------

// A file's records that follow each other: bytes of each end at end.
struct chapter {
        const char *bytes;
        size_t records, end;
        struct bc_record_bytes leaf; // the certificate that its first record brings; n 0: none
        bool has;                    // the record that is asked for
};

static int parse(const char *bytes, size_t n, struct work *work, size_t *ret_bytes)
{
        const uint8_t *at = (const uint8_t *)bytes;
        struct bc_box box;

        if (bc_box_parse(at, n, n, &box) < 0 || bc_record_parse(at, (size_t)box.bytes, &work->record, &work->message, NULL, 0, NULL) < 0)
                return -EBADMSG;
        *ret_bytes = (size_t)box.bytes;
        return 0;
}

// Whether it names a key that signs from now on (`key`), and whether that is the owner's.
static bool names_key(const struct bc_record *record, const struct bc_ledger_owner *owner, bool *ret_owners)
{
        struct bc_ledger_entry entry;
        bool names = false;

        *ret_owners = false;
        bc_entry_key(&entry, 0, owner->x5t);
        for (size_t i = 0; i < record->events; i++) {
                if (record->event[i].event != BC_ENTRY_KEY)
                        continue;
                names = true;
                *ret_owners = record->event[i].details.n == entry.details_bytes &&
                              memcmp(record->event[i].details.bytes, entry.details, entry.details_bytes) == 0;
        }
        return names;
}

// Who signed it: the owner's key; or a former one of the device, by the word of its authority, or because the anchor knows the file.
static bool is_owners(const struct bc_ledger_owner *owner, const struct chapter *chapter, const struct work *work, bool *ret_former)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *key = NULL;
        struct bc_record_bytes public_key = { 0 };

        *ret_former = false;
        if (strcmp(work->record.device, owner->device) != 0)
                return false;
        if (bc_recognise(&owner->public_key, &work->record, &work->message))
                return true;
        if (chapter->leaf.n == 0 || (!chapter->has && !bc_certificate_is_from(&chapter->leaf, &owner->issuer, owner->device)) ||
            bc_certificate_key(&chapter->leaf, &key, &public_key.n) < 0)
                return false;
        public_key.bytes = key;
        *ret_former = bc_recognise(&public_key, &work->record, &work->message);
        return *ret_former;
}

static int take_head(const struct bc_ledger_search *search, const struct chapter *chapter, size_t at, struct work *work,
                     struct bc_ledger_head *ret_head)
{
        const struct bc_record *record = &work->record;
        bool former, names, names_owner;
        size_t n;

        *ret_head = (struct bc_ledger_head){ 0 };
        if (parse(chapter->bytes + at, chapter->end - at, work, &n) < 0 || !is_owners(&search->owner, chapter, work, &former))
                return 0;
        names = names_key(record, &search->owner, &names_owner);
        *ret_head = (struct bc_ledger_head){ record->epoch, record->boot, record->ledger, { 0 }, record->signed_ns, is_stopped(record),
                                             (former || names) && !names_owner };
        return EVP_Digest(chapter->bytes + at, n, ret_head->hash, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

// The newest record that is the owner's. As a rule that is the last one; its signature stands for those before it.
static int judge(const struct bc_ledger_search *search, const struct chapter *chapter, size_t last, struct work *work,
                 struct bc_ledger_head *ret_head)
{
        struct bc_ledger_head head;
        size_t n;
        int r = take_head(search, chapter, last, work, ret_head);

        if (r < 0 || ret_head->epoch > 0)
                return r;
        for (size_t at = 0; at < last && parse(chapter->bytes + at, chapter->end - at, work, &n) == 0; at += n) {
                r = take_head(search, chapter, at, work, &head);
                if (r < 0 || head.epoch == 0)
                        return r;
                *ret_head = head;
        }
        return 0;
}

// ---- reading ---------------------------------------------------------------------------------------------------

static bool is_asked_for(const struct bc_ledger_search *search, const struct bc_ledger_head *record)
{
        return search->hash && record->epoch == search->epoch && record->sequence == search->sequence &&
               memcmp(record->hash, search->hash, BC_HASH_BYTES) == 0;
}

// Whether it is the next one of a file: one run writes a file, and one record after the other.
static bool goes_on(const struct bc_ledger_name *name, const struct bc_ledger_head *newest, const struct bc_record *record)
{
        if (record->kind != BC_RECORD_LEDGER || record->epoch != name->epoch || record->boot != name->boot)
                return false;
        if (newest->epoch == 0)
                return record->ledger == name->sequence;
        return record->ledger == newest->sequence + 1 && memcmp(record->prev, newest->hash, BC_HASH_BYTES) == 0;
}

// Each whole record of the file, in their order, and where the last one of them lies.
static int read_chapter(const struct bc_ledger_search *search, const struct bc_ledger_name *name, size_t size, struct work *work,
                        struct chapter *chapter, size_t *ret_last)
{
        struct bc_ledger_head newest = { 0 };
        const struct bc_record *record = &work->record;
        size_t n;

        while (parse(chapter->bytes + chapter->end, size - chapter->end, work, &n) == 0 && goes_on(name, &newest, record)) {
                newest = (struct bc_ledger_head){ .epoch = record->epoch, .boot = record->boot, .sequence = record->ledger };
                if (EVP_Digest(chapter->bytes + chapter->end, n, newest.hash, NULL, EVP_sha256(), NULL) != 1)
                        return -ENOMEM;
                chapter->has |= is_asked_for(search, &newest);
                if (record->chain_count > 0)
                        chapter->leaf = record->chain[0]; // lies in the file's bytes
                *ret_last = chapter->end;
                chapter->end += n;
                chapter->records++;
        }
        return 0;
}

int bc_ledger_put_aside(int folder_fd, const char *name)
{
        char aside[BC_LEDGER_NAME_BYTES + 20];
        int r = bc_file_put_aside(folder_fd, name, aside, sizeof(aside));

        if (r == 0)
                bc_log_error("ledger/%s is not this device's: it is put aside as %s", name, aside);
        return r;
}

static void put_aside(int folder_fd, const struct bc_ledger_name *name, struct bc_ledger_search *search)
{
        int r = search->only_looks ? 0 : bc_ledger_put_aside(folder_fd, name->text);

        if (r < 0)
                bc_log_error("ledger/%s is not this device's, and cannot be put aside: %s", name->text, strerror(-r));
        if (search->strangers < BC_LEDGER_STRANGERS_MAX)
                memcpy(search->stranger[search->strangers++], name->text, sizeof(name->text));
}

// Its last record becomes the head, unless there is one already.
static int look_through(int folder_fd, const struct bc_ledger_name *name, struct work *work, struct bc_ledger_search *search)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        struct chapter chapter = { 0 };
        struct bc_ledger_head head;
        size_t size, last = 0;
        int r = bc_file_load(folder_fd, name->text, BC_LEDGER_LOAD_BYTES_MAX, &bytes, &size);

        if (r == -EFBIG || r == -EINVAL || r == -ELOOP)
                return 0; // none of ours
        if (r < 0 && r != -ENOMEM && !search->patient) {
                bc_log_error("ledger/%s cannot be read: %s; it counts as lost", name->text, strerror(-r));
                search->unreadable++;
                if (name->boot > search->unreadable_boot)
                        search->unreadable_boot = name->boot;
                return 0;
        }
        chapter.bytes = bytes;
        if (r == 0)
                r = read_chapter(search, name, size, work, &chapter, &last);
        if (r < 0 || chapter.records == 0)
                return r; // what a power cut leaves, perhaps
        if (search->head.epoch == 0) {
                r = judge(search, &chapter, last, work, &head);
                if (r < 0)
                        return r;
                if (head.epoch == 0) {
                        put_aside(folder_fd, name, search);
                        return 0;
                }
                search->head = head;
        }
        search->has |= chapter.has;
        return 0;
}

int bc_ledger_find_head(int folder_fd, struct bc_ledger_search *search)
{
        BC_CLEANUP(bc_cleanup_memory) struct work *work = malloc(sizeof(*work));
        BC_CLEANUP(bc_ledger_names_done) struct bc_ledger_names names = { 0 };
        int r = work ? bc_ledger_names_list(folder_fd, &names) : -ENOMEM;

        search->head = (struct bc_ledger_head){ 0 };
        search->has = false;
        search->strangers = search->unreadable = search->unreadable_boot = 0;
        // Back to the file in which the wanted one must be; a power cut may have left newer ones without a whole record.
        for (size_t i = 0; i < names.count && r == 0; i++) {
                const struct bc_ledger_name *name = &names.name[i];
                const bool passed = name->epoch < search->epoch || (name->epoch == search->epoch && name->sequence <= search->sequence);

                r = look_through(folder_fd, name, work, search);
                if (search->head.epoch > 0 && (!search->hash || search->has || passed))
                        break;
        }
        return r;
}
