// SPDX-License-Identifier: EUPL-1.2
#include "evidence/casket.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "evidence/certificate.h"
#include "evidence/inventory.h"
#include "evidence/ledger.h"
#include "evidence/recognise.h"
#include "evidence/segment_name.h"
#include "format/sealed.h"

struct casket {
        struct bc_ward *ward;
        uint32_t number;
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        int fd;
        uint64_t size;
        bool headed;
        uint8_t seal[BC_HASH_BYTES]; // of its header
};

// ---- what can be seen from outside -----------------------------------------------------------------------------

// Whether its header, as far as it goes, says that it belongs here. The name of the folder has the recording's number.
static int read_header(struct casket *casket, bool *ret_ours)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(BC_SEALED_HEADER_BYTES_MAX);
        size_t n = casket->size < BC_SEALED_HEADER_BYTES_MAX ? (size_t)casket->size : BC_SEALED_HEADER_BYTES_MAX;
        const struct bc_manifest *manifest = &casket->ward->manifest;
        struct bc_sealed_header header;
        size_t header_bytes;
        int r;

        *ret_ours = true;
        if (!bytes)
                return -ENOMEM;
        r = bc_file_read_at(casket->fd, bytes, n, 0);
        if (r < 0)
                return r;
        // What the power cut off in its header, or altered, is for whoever has a key.
        if (bc_sealed_header_parse(bytes, n, &header, &header_bytes) < 0)
                return 0;
        *ret_ours = header.segment == casket->number && header.recording == manifest->counter &&
                    strcmp(header.device, manifest->device) == 0;
        casket->headed = true;
        return bc_facts_hash(bytes, header_bytes, casket->seal);
}

// ---- the record beside it --------------------------------------------------------------------------------------

// Which records are in it only whoever opens it can say: what is signed is how the file was found, and the anchor.
static int sign(const struct casket *casket)
{
        struct bc_rescue *rescue = casket->ward->rescue;
        const struct bc_attestation *service = rescue->kit->service;
        struct bc_record *record = bc_rescue_compose(rescue, BC_RECORD_SEALED, casket->number);
        int r;

        if (!record)
                return -ENOMEM;
        record->stored.bytes = casket->size;
        record->stored.headed = casket->headed;
        memcpy(record->stored.seal, casket->seal, BC_HASH_BYTES);
        r = bc_rescue_hash(casket->fd, NULL, 0, casket->size, record->stored.sha256);
        if (r < 0)
                return r;
        bc_facts_state(service->facts, bc_signer_now_ns(service->signer), record);
        bc_facts_ledger(service->facts, &record->ledger, record->prev);
        bc_rescue_state_anchor(rescue->kit, record);
        rescue->signing->with_chain = true;
        return bc_rescue_ask(rescue);
}

// A certificate that the authority of this device's own gave it, whatever has become of it.
static bool is_of_device(const struct bc_rescue_kit *kit, const struct bc_record *record)
{
        const struct bc_inventory_kit *inventory = kit->inventory;

        return inventory && inventory->chain_count > 1 && record->chain_count > 0 &&
               bc_certificate_is_from(&record->chain[0], &inventory->chain[1], record->device);
}

// 0; -EKEYREJECTED: a former key signed it, under which the recording began, or may have begun where the ledger cannot tell any more;
// -EBADMSG: nobody who has to.
static int judge_signer(const struct bc_rescue *rescue, const struct bc_record *record, const struct bc_record_message *message)
{
        const struct bc_past *past = &rescue->past;
        bool former;

        if (bc_recognise(&rescue->kit->public_key, record, message))
                return 0;
        former = past->former && memcmp(record->x5t, past->former_x5t, BC_HASH_BYTES) == 0;
        former |= past->torn && !past->begun && is_of_device(rescue->kit, record);
        return former && bc_recognise_signer(record, message) ? -EKEYREJECTED : -EBADMSG;
}

// The record that lies there already. 0; -EKEYREJECTED, -EBADMSG: as above, or it is none about this segment; another negative errno.
static int hash_record(const struct casket *casket, const char *name, uint8_t ret_hash[BC_HASH_BYTES])
{
        BC_CLEANUP(bc_cleanup_memory) char *box = NULL;
        BC_CLEANUP(bc_cleanup_memory) struct bc_record_message *message = malloc(sizeof(*message));
        struct bc_rescue *rescue = casket->ward->rescue;
        struct bc_record *record = bc_rescue_compose(rescue, BC_RECORD_SEALED, casket->number);
        size_t n;
        int r;

        if (!message || !record)
                return -ENOMEM;
        r = bc_file_load(casket->ward->folder_fd, name, BC_RECORD_BYTES_MAX, &box, &n);
        // Nor is it one that nobody can open, though it is there: a socket, say.
        if (r == -EFBIG || r == -EINVAL || r == -ELOOP || r == -ENXIO || r == -EACCES)
                return -EBADMSG;
        if (r == 0)
                r = bc_record_parse((const uint8_t *)box, n, record, message, NULL, 0, NULL);
        if (r == 0 && (record->kind != BC_RECORD_SEALED || record->recording != rescue->recording || record->segment != casket->number))
                r = -EBADMSG;
        if (r == 0)
                r = judge_signer(rescue, record, message);
        return r < 0 ? r : bc_facts_hash((const uint8_t *)box, n, ret_hash);
}

// Something else under its name keeps nobody from stating how the file was found.
static int put_aside(const struct casket *casket, const char *name)
{
        const struct bc_rescue *rescue = casket->ward->rescue;
        const struct bc_attestation *service = rescue->kit->service;
        char aside[BC_SEGMENT_NAME_BYTES_MAX + 20], text[BC_RECORD_TEXT_BYTES_MAX + 1];
        struct bc_ledger_entry entry;
        int r = bc_file_put_aside(casket->ward->folder_fd, name, aside, sizeof(aside));

        if (r < 0)
                return r;
        bc_log_error("%s/%s is no record of this device's about %s: it is put aside as %s", casket->ward->name, name, casket->name, aside);
        // The recording's number: its name may be longer than an alarm's words.
        snprintf(text, sizeof(text), "put aside, foreign: %06" PRIu64 "/%s", rescue->recording, name);
        if (service->ledger) {
                bc_entry_alarm(&entry, bc_signer_now_ns(service->signer), text);
                bc_ledger_tell(service->ledger, &entry, true);
        }
        return 0;
}

// One that is there already was written by an earlier start that was cut off, or that found it first: it stays.
static int state(const struct casket *casket)
{
        struct bc_rescue *rescue = casket->ward->rescue;
        const bool stated = bc_past_has(&rescue->past, casket->number, NULL);
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        uint8_t hash[BC_HASH_BYTES];
        struct stat status;
        int r;

        bc_recovered_name(casket->number, name);
        if (fstatat(casket->ward->folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
                r = hash_record(casket, name, hash);
                if (r == 0)
                        bc_rescue_announce(rescue, casket->number, hash);
                // Where the ledger has it already, what lies there now is for the verifier to judge.
                if ((r == -EKEYREJECTED || r == -EBADMSG) && stated)
                        return 0;
                if (r == -EKEYREJECTED) {
                        bc_log_error("%s/%s is a former key's, and the ledger does not know of it: it is left alone", casket->ward->name, name);
                        bc_rescue_give_up(rescue, "the record beside a sealed file is a former key's");
                        return 0;
                }
                if (r != -EBADMSG)
                        return r;
                r = put_aside(casket, name);
                if (r < 0)
                        return r;
        }
        // EVIDENCE 10.
        if (stated) {
                bc_log_error("%s/%s was found before, by the ledger, and what was signed then is gone: nothing is signed of it", casket->ward->name,
                             casket->name);
                bc_rescue_give_up(rescue, "the record beside a sealed file is gone");
                return 0;
        }
        r = sign(casket);
        if (r == 0)
                r = bc_file_replace(casket->ward->folder_fd, name, rescue->signing->box, rescue->signing->box_bytes);
        if (r == 0)
                bc_rescue_announce(rescue, casket->number, rescue->signing->hash);
        return r;
}

// Whether how it was found is to be signed. manifest.json lies on the card, where anybody may edit it: that it calls the last file of
// a recording closed, or the one that the tail anchor knows, proves nothing; only the ledger can say that the recording has ended.
static bool is_to_be_stated(const struct casket *casket, const struct bc_manifest_segment *entry)
{
        const struct bc_rescue *rescue = casket->ward->rescue;
        const struct bc_anchor_state *anchor;

        if (!rescue)
                return false;
        if ((entry->state != BC_SEGMENT_CLOSED && entry->state != BC_SEGMENT_RECOVERED) || entry->bytes != casket->size)
                return true;
        anchor = &rescue->kit->anchor;
        return !rescue->past.closed && (bc_ward_is_last(casket->ward, casket->number) ||
                                        (anchor->recording == rescue->recording && anchor->segment == casket->number));
}

// ---- the whole -------------------------------------------------------------------------------------------------

static int treat(const struct casket *casket)
{
        struct bc_ward_found *found = &casket->ward->found[casket->number];
        struct bc_manifest_segment *entry = bc_manifest_add_segment(&casket->ward->manifest, casket->number);
        int r;

        found->kept = true;
        if (!entry)
                return -ENOMEM;
        casket->ward->manifest.sealed = entry->sealed = true;
        r = is_to_be_stated(casket, entry) ? state(casket) : 0;
        if (r < 0 || ((entry->state == BC_SEGMENT_CLOSED || entry->state == BC_SEGMENT_RECOVERED) && entry->bytes == casket->size))
                return r;
        bc_ward_note_missing(casket->ward, entry, casket->size);
        entry->state = BC_SEGMENT_RECOVERED;
        entry->bytes = casket->size;
        casket->ward->report->segments++;
        return 0;
}

int bc_casket_is_stranger(struct bc_ward *ward, uint32_t number)
{
        struct casket casket = { .ward = ward, .number = number };
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        bool ours = true;
        int r;

        bc_segment_file_name(number, true, casket.name);
        r = bc_ward_open(ward, casket.name, O_RDONLY, &fd, &casket.size);
        if (r != 0)
                return r;
        casket.fd = fd;
        r = read_header(&casket, &ours);
        if (r < 0 || ours)
                return r;
        bc_log_error("%s/%s is sealed as another segment: it is left alone", ward->name, casket.name);
        ward->found[number].left_alone = !ward->found[number].file;
        return 1;
}

int bc_casket_treat(struct bc_ward *ward, uint32_t number)
{
        struct casket casket = { .ward = ward, .number = number };
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        bool ours;
        int r;

        bc_segment_file_name(number, true, casket.name);
        r = bc_ward_open(ward, casket.name, O_RDONLY, &fd, &casket.size);
        if (r != 0)
                return r < 0 ? r : 0;
        r = bc_ward_reread(fd);
        if (r < 0)
                return r;
        casket.fd = fd;
        r = read_header(&casket, &ours);
        if (r < 0)
                return r;
        if (!ours) {
                bc_log_error("%s/%s is sealed as another segment: it is left alone", ward->name, casket.name);
                ward->found[number].left_alone = true;
                return 0;
        }
        return treat(&casket);
}
