// SPDX-License-Identifier: EUPL-1.2
#include "evidence/patient.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "bodycam/ring.h"
#include "evidence/tail.h"
#include "format/finalise.h"
#include "format/scan.h"

// One segment file while it is worked on.
struct patient {
        struct bc_ward *ward;
        uint32_t number;
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        int fd;
        uint64_t size;
};

static int read_patient(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct patient *patient = user;

        return bc_file_read_at(patient->fd, bytes, n, offset);
}

static int write_durably(const struct patient *patient, const uint8_t *bytes, size_t n, uint64_t offset)
{
        int r = bc_file_write_at(patient->fd, bytes, n, offset);

        return r < 0 ? r : bc_file_sync_data(patient->fd);
}

static int write_moov(const struct patient *patient, const struct bc_scan *scan)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *moov = malloc((size_t)scan->moov_bytes);
        size_t bytes;
        int r;

        if (!moov)
                return -ENOMEM;
        r = bc_finalise_build(&scan->init, &scan->table, moov, (size_t)scan->moov_bytes, &bytes);
        return r < 0 ? r : write_durably(patient, moov, bytes, scan->boxes_end);
}

static int unpatch(const struct patient *patient, const struct bc_scan *scan)
{
        uint8_t bytes[BC_PATCH_BYTES];

        bc_finalise_unpatch(&scan->layout, bytes);
        return write_durably(patient, bytes, sizeof(bytes), scan->layout.moov_offset);
}

// Where the file ends but for what is to be set aside. Behind a record that ends the segment lies its moov, which follows from what
// is proven, or what a power cut left of that: it is written again, whatever it looks like.
static uint64_t end_of(const struct patient *patient, const struct bc_scan *scan, bool has_end)
{
        uint64_t end = scan->boxes_end + scan->moov_bytes;

        if (has_end)
                return end < patient->size ? end : patient->size;
        return scan->moov == BC_MOOV_WHOLE || scan->moov == BC_MOOV_CUT ? scan->rest_offset : scan->boxes_end;
}

// Sets aside what follows the fragments, if it is not their moov or its beginning, and writes moov and patch. What is
// there already is written again, with the same bytes: an earlier sync of it may have failed, and a later one then
// proves nothing. Readable at every moment: a patch that leads nowhere is taken back first.
static int finalise(struct patient *patient, const struct bc_scan *scan, bool has_end)
{
        uint64_t end = end_of(patient, scan, has_end);
        uint8_t patch[BC_PATCH_BYTES];
        int r;

        r = bc_tail_save(patient->ward->folder_fd, patient->number, patient->fd, end, patient->size);
        if (r == 0 && scan->layout.patched && scan->moov != BC_MOOV_WHOLE)
                r = unpatch(patient, scan);
        if (r == 0 && end < patient->size) {
                r = ftruncate(patient->fd, (off_t)end) < 0 ? -errno : bc_file_sync(patient->fd);
                if (r < 0)
                        return r;
                patient->ward->report->tail_bytes += patient->size - end;
        }
        if (r == 0)
                r = write_moov(patient, scan);
        if (r == 0)
                r = bc_finalise_patch(&scan->layout, scan->boxes_end, patch);
        if (r == 0)
                r = write_durably(patient, patch, sizeof(patch), scan->layout.moov_offset);
        return r;
}

static int read_head(const struct patient *patient, struct bc_init *ret_init, struct bc_init_layout *ret_layout)
{
        uint8_t bytes[BC_INIT_BYTES_MAX];
        size_t n = patient->size < sizeof(bytes) ? (size_t)patient->size : sizeof(bytes);
        int r = bc_file_read_at(patient->fd, bytes, n, 0);

        return r < 0 ? r : bc_init_parse(bytes, n, ret_init, ret_layout);
}

// A stranger is not walked through, for how long that takes and how much memory it needs is the stranger's choice.
static bool is_ours(const struct patient *patient, const struct bc_init *init)
{
        const struct bc_label *label = &init->label;

        if (label->segment != patient->number || strcmp(label->recording, patient->ward->name) != 0) {
                bc_log_error("%s/%s is a segment of %s: it is left alone", patient->ward->name, patient->name,
                             label->recording);
                return false;
        }
        if (init->tracks > BC_LANE_COUNT) {
                bc_log_error("%s/%s has %zu tracks, which no recorder makes: it is left alone", patient->ward->name,
                             patient->name, init->tracks);
                return false;
        }
        return true;
}

// What the manifest says is finished was durable before that was said. If the size agrees, and the header leads to a moov
// that ends the file, it is not read through once more.
static bool is_as_finished(const struct patient *patient, const struct bc_init_layout *layout)
{
        const struct bc_manifest_segment *entry = bc_manifest_find_segment(&patient->ward->manifest, patient->number);
        uint64_t moov = layout->moov_offset + layout->span;
        uint8_t header[8];

        if (!entry || (entry->state != BC_SEGMENT_CLOSED && entry->state != BC_SEGMENT_RECOVERED) ||
            entry->bytes != patient->size || !layout->patched || moov < layout->bytes ||
            moov + sizeof(header) > patient->size || bc_file_read_at(patient->fd, header, sizeof(header), moov) < 0)
                return false;
        return memcmp(header + 4, "moov", 4) == 0 &&
               ((uint64_t)header[0] << 24 | (uint64_t)header[1] << 16 | (uint64_t)header[2] << 8 | header[3]) ==
                       patient->size - moov;
}

// What the manifest calls durable and is not there was cut off by somebody, or lost by the card.
void bc_ward_note_missing(const struct bc_ward *ward, struct bc_manifest_segment *entry, uint64_t bytes)
{
        if (entry->bytes <= bytes)
                return;
        entry->missing_bytes += entry->bytes - bytes;
        bc_log_error("%s/%04u.mp4: %llu bytes that had been durable are gone", ward->name, entry->number,
                     (unsigned long long)(entry->bytes - bytes));
}

// there_bytes: of what had been written, as it was found: in the file, and set aside where a record states that.
static void describe(const struct patient *patient, const struct bc_scan *scan, uint64_t there_bytes, struct bc_manifest_segment *entry)
{
        struct bc_manifest *manifest = &patient->ward->manifest;
        const uint8_t *boot_id = scan->init.label.boot_id;

        bc_ward_note_missing(patient->ward, entry, there_bytes);
        entry->state = BC_SEGMENT_RECOVERED;
        entry->bytes = scan->boxes_end + scan->moov_bytes;
        entry->fragments = scan->table.fragments;
        entry->first_ticks = scan->init.label.base_ticks;
        if (__builtin_add_overflow(entry->first_ticks, scan->table.track[0].duration_ticks, &entry->end_ticks))
                entry->end_ticks = INT64_MAX;
        if (!manifest->boot_id[0])
                for (size_t i = 0; i < BC_BOOT_ID_BYTES; i++)
                        snprintf(manifest->boot_id + 2 * i, 3, "%02x", boot_id[i]);
}

static int move_whole(struct patient *patient, struct bc_ward_found *found)
{
        int r = bc_tail_rename(patient->ward->folder_fd, patient->number, patient->name);

        if (r < 0)
                return r;
        found->file = false;
        patient->ward->report->empty++;
        patient->ward->report->tail_bytes += patient->size;
        return 0;
}

static int treat(struct patient *patient, const struct bc_scan *scan, bool has_end, struct bc_ward_found *found)
{
        struct bc_manifest_segment *entry;
        int r;

        if (scan->table.fragments == 0)
                return move_whole(patient, found);
        found->kept = true;
        entry = bc_manifest_add_segment(&patient->ward->manifest, patient->number);
        if (!entry)
                return -ENOMEM;
        if (bc_scan_finished(scan) && (entry->state == BC_SEGMENT_CLOSED || entry->state == BC_SEGMENT_RECOVERED))
                return 0;
        r = finalise(patient, scan, has_end);
        if (r < 0)
                return r;
        describe(patient, scan, scan->boxes_end + (entry->state == BC_SEGMENT_CLOSED ? scan->moov_bytes : 0), entry);
        patient->ward->report->segments++;
        return 0;
}

// The bytes that may be used: what the recorder did not call durable before it abandoned the segment is repeated in
// its successor.
static uint64_t limit_of(const struct patient *patient)
{
        const struct bc_manifest_segment *entry =
                bc_manifest_find_segment(&patient->ward->manifest, patient->number);

        if (entry && entry->state == BC_SEGMENT_ABANDONED && entry->bytes < patient->size)
                return entry->bytes;
        return patient->size;
}

bool bc_ward_is_last(const struct bc_ward *ward, uint32_t number)
{
        while (++number <= BC_SEGMENTS_MAX)
                if (ward->found[number].file || ward->found[number].sealed)
                        return false;
        return true;
}

// Whether the ledger has its end already: then it is not touched. look NULL: nothing of it can be read.
static bool is_settled(struct patient *patient, const struct bc_rescue_look *look, struct bc_ward_found *found)
{
        struct bc_rescue *rescue = patient->ward->rescue;
        char why[BC_RECORD_TEXT_BYTES_MAX];

        if (!rescue || !bc_rescue_is_settled(rescue, patient->number, bc_ward_is_last(patient->ward, patient->number), look))
                return false;
        bc_log_error("%s/%s had its end, by the ledger, and has not any more: it is left alone", patient->ward->name, patient->name);
        snprintf(why, sizeof(why), "segment %u had its end and lost it", patient->number);
        bc_rescue_give_up(rescue, why);
        found->left_alone = true;
        return true;
}

// ---- signed ones -----------------------------------------------------------------------------------------------

// What the next segment that has a record says of the one before it. Not there: index is 0.
static int look_at_next(struct patient *patient, struct bc_rescue_look *ret_look)
{
        struct bc_ward *ward = patient->ward;
        int r = 0;

        *ret_look = (struct bc_rescue_look){ 0 };
        for (uint32_t number = patient->number + 1; number <= BC_SEGMENTS_MAX && r == 0 && ret_look->index == 0; number++) {
                struct patient next = { .ward = ward, .number = number };
                BC_CLEANUP(bc_cleanup_fd) int fd = -1;
                struct bc_init_layout layout;
                struct bc_init init;
                struct stat status;

                if (!ward->found[number].file)
                        continue;
                bc_segment_name(number, next.name);
                fd = openat(ward->folder_fd, next.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
                if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
                        continue;
                next.fd = fd;
                next.size = (uint64_t)status.st_size;
                if (read_head(&next, &init, &layout) == 0 && is_ours(&next, &init))
                        r = bc_rescue_examine(ward->rescue, fd, next.size, number, BC_RESCUE_FIRST, ret_look);
                if (ret_look->foreign)
                        *ret_look = (struct bc_rescue_look){ 0 };
        }
        return r;
}

// What a segment behind it states of it; NULL: nothing.
static const struct bc_record_abandoned *stated_of(const struct patient *patient, const struct bc_rescue_look *next)
{
        for (size_t i = 0; i < next->succeeds_count; i++)
                if (next->succeeds[i].segment == patient->number)
                        return &next->succeeds[i];
        return NULL;
}

// Whether its successor proves it up to where that says it counts: then *look, of the whole file, becomes that of so much.
static int look_by_successor(struct patient *patient, const struct bc_record_abandoned *succeeds, bool *ret_proven,
                             struct bc_rescue_look *look)
{
        struct bc_rescue_look seen;
        struct bc_init_layout layout;
        struct bc_init init;
        uint8_t sha256[BC_HASH_BYTES];
        int r;

        *ret_proven = false;
        if (!succeeds || succeeds->end > patient->size)
                return 0;
        r = bc_rescue_examine(patient->ward->rescue, patient->fd, succeeds->end, patient->number, BC_RESCUE_CHAIN, &seen);
        if (r < 0 || seen.covered != succeeds->offset || seen.index > look->index)
                return r == -ENODATA || r == -EBADMSG ? 0 : r;
        r = read_head(patient, &init, &layout);
        if (r == 0)
                r = bc_rescue_hash(patient->fd, &layout, succeeds->offset, succeeds->end, sha256);
        if (r < 0 || memcmp(sha256, succeeds->sha256, BC_HASH_BYTES) != 0)
                return r;
        *ret_proven = true;
        *look = seen;
        return 0;
}

// The manifest says that no more of it was called durable: records behind that do not count, whatever they look like.
static int look_no_further(struct patient *patient, uint64_t limit, struct bc_rescue_look *look)
{
        struct bc_rescue_look seen;
        int r;

        if (limit >= look->records_end)
                return 0;
        r = bc_rescue_examine(patient->ward->rescue, patient->fd, limit, patient->number, BC_RESCUE_CHAIN, &seen);
        if (r == 0)
                *look = seen;
        return r;
}

// What counts of it, by its own records and by what the one behind it says of it. Only where none is behind it the manifest is asked
// how far an abandoned one had come: nobody signed that. Of one without a record all counts up to the first box that claims to be one.
static int look(struct patient *patient, struct bc_rescue_look *ret_look, uint64_t *ret_kept)
{
        struct bc_rescue *rescue = patient->ward->rescue;
        uint64_t limit = limit_of(patient);
        struct bc_rescue_look next;
        bool proven = false;
        int r = bc_rescue_examine(rescue, patient->fd, patient->size, patient->number, BC_RESCUE_BYTES, ret_look);

        *ret_kept = ret_look->records_end;
        if (r < 0 || ret_look->foreign || ret_look->kind == BC_RECORD_RECOVERED)
                return r;
        if (ret_look->broken_at < limit)
                limit = ret_look->broken_at;
        r = look_at_next(patient, &next);
        if (r == 0)
                r = look_by_successor(patient, stated_of(patient, &next), &proven, ret_look);
        if (r < 0)
                return r;
        if (proven) {
                *ret_kept = stated_of(patient, &next)->end;
                return 0;
        }
        if (next.index == 0)
                r = look_no_further(patient, limit, ret_look);
        *ret_kept = ret_look->index == 0 ? limit : ret_look->records_end;
        return r;
}

static int scan_up_to(const struct patient *patient, uint64_t end, struct bc_scan *ret_scan)
{
        const struct bc_scan_source source = { .read = read_patient, .user = (void *)patient, .size = end };

        return bc_scan_file(&source, ret_scan);
}

// Its last record is there, and says which moov belongs behind it.
static int end_signed(struct patient *patient, const struct bc_rescue_look *look, struct bc_ward_found *found)
{
        struct bc_scan scan;
        int r = scan_up_to(patient, patient->size, &scan);

        if (r == 0 && scan.boxes_end > look->records_end) {
                bc_scan_done(&scan);
                r = scan_up_to(patient, look->records_end, &scan);
        }
        if (r < 0)
                return r;
        r = treat(patient, &scan, true, found);
        bc_scan_done(&scan);
        if (r < 0)
                return r;
        bc_rescue_follow(patient->ward->rescue, patient->number, look);
        if (look->kind == BC_RECORD_RECOVERED)
                bc_rescue_announce(patient->ward->rescue, patient->number, look->hash);
        return 0;
}

static int cut_off(struct patient *patient, const struct bc_scan *scan, struct bc_rescue_found *found)
{
        int r;

        if (scan->layout.patched) {
                r = unpatch(patient, scan);
                if (r < 0)
                        return r;
        }
        r = bc_tail_save(patient->ward->folder_fd, patient->number, patient->fd, found->kept, patient->size);
        // A recovery that was cut off may have moved some already, and begun to write behind what it kept: all that is stated.
        if (r == 0)
                r = bc_tail_sum(patient->ward->folder_fd, patient->number, &found->moved_bytes, found->moved_sha256);
        if (r < 0 && r != -ENOENT)
                return r;
        found->before = found->kept + found->moved_bytes;
        if (found->kept == patient->size)
                return 0;
        if (ftruncate(patient->fd, (off_t)found->kept) < 0)
                return -errno;
        r = bc_file_sync(patient->fd);
        if (r == 0)
                patient->ward->report->tail_bytes += patient->size - found->kept;
        return r;
}

static int write_end(struct patient *patient, struct bc_scan *scan, const struct bc_signing *signing, uint8_t *moov)
{
        uint8_t patch[BC_PATCH_BYTES];
        int r;

        memcpy(moov - signing->box_bytes, signing->box, signing->box_bytes);
        r = write_durably(patient, moov - signing->box_bytes, signing->box_bytes + (size_t)scan->moov_bytes, scan->boxes_end);
        scan->boxes_end += signing->box_bytes;
        if (r == 0)
                r = bc_finalise_patch(&scan->layout, scan->boxes_end, patch);
        return r < 0 ? r : write_durably(patient, patch, sizeof(patch), scan->layout.moov_offset);
}

// EVIDENCE 9: what no record covers is moved aside. A segment without any record is kept as it was found, and nobody vouches for it.
static int recover_signed(struct patient *patient, const struct bc_rescue_look *look, struct bc_scan *scan, struct bc_ward_found *found)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(BC_RECORD_BYTES_MAX + (size_t)scan->moov_bytes);
        struct bc_rescue_found state = { .before = patient->size, .kept = scan->boxes_end };
        struct bc_rescue *rescue = patient->ward->rescue;
        struct bc_manifest_segment *entry;
        uint8_t *moov = bytes + BC_RECORD_BYTES_MAX;
        size_t moov_bytes;
        int r;

        if (!bytes)
                return -ENOMEM;
        if (scan->table.fragments == 0)
                return move_whole(patient, found);
        found->kept = true;
        entry = bc_manifest_add_segment(&patient->ward->manifest, patient->number);
        r = entry ? bc_finalise_build(&scan->init, &scan->table, moov, (size_t)scan->moov_bytes, &moov_bytes) : -ENOMEM;
        if (r == 0)
                r = cut_off(patient, scan, &state);
        if (r == 0)
                r = bc_rescue_sign(rescue, patient->fd, &patient->ward->manifest, patient->number, look, &state, scan, moov, moov_bytes);
        if (r == 0)
                r = write_end(patient, scan, rescue->signing, moov);
        if (r < 0)
                return r;
        bc_rescue_follow(rescue, patient->number, look);
        bc_rescue_announce(rescue, patient->number, rescue->signing->hash);
        describe(patient, scan, state.before, entry);
        patient->ward->report->segments++;
        return 0;
}

static int examine_signed(struct patient *patient, struct bc_ward_found *found)
{
        struct bc_rescue_look seen;
        struct bc_scan scan;
        uint64_t kept;
        int r = look(patient, &seen, &kept);

        if (r < 0)
                return r;
        // EVIDENCE 10.
        if (seen.foreign) {
                bc_log_error("%s/%s is signed with another certificate than this device's: it is left alone", patient->ward->name,
                             patient->name);
                bc_rescue_give_up(patient->ward->rescue, "a segment is signed with another certificate");
                found->left_alone = true;
                return 0;
        }
        if (is_settled(patient, &seen, found))
                return 0;
        if (seen.kind >= BC_RECORD_CONTINUES)
                return end_signed(patient, &seen, found);
        r = scan_up_to(patient, kept, &scan);
        if (r < 0)
                return r;
        r = recover_signed(patient, &seen, &scan, found);
        bc_scan_done(&scan);
        return r;
}

// What comes after it hangs on its last record.
static int follow_finished(const struct patient *patient)
{
        struct bc_rescue *rescue = patient->ward->rescue;
        struct bc_rescue_look seen;
        int r = bc_rescue_examine(rescue, patient->fd, patient->size, patient->number, BC_RESCUE_CHAIN, &seen);

        if (r == 0)
                bc_rescue_follow(rescue, patient->number, &seen);
        return r;
}

static int examine(struct patient *patient, struct bc_ward_found *found)
{
        struct bc_scan_source source = { .read = read_patient, .user = patient, .size = patient->size };
        uint64_t limit = limit_of(patient);
        struct bc_init_layout layout;
        struct bc_init init;
        struct bc_scan scan;
        int r = read_head(patient, &init, &layout);

        if (r == -ENODATA || r == -EBADMSG)
                return is_settled(patient, NULL, found) ? 0 : move_whole(patient, found);
        if (r < 0 || !is_ours(patient, &init))
                return r;
        if (is_as_finished(patient, &layout)) {
                found->kept = true;
                return patient->ward->rescue ? follow_finished(patient) : 0;
        }
        if (patient->ward->rescue) {
                r = examine_signed(patient, found);
                return r == -ENODATA || r == -EBADMSG ? move_whole(patient, found) : r;
        }
        r = bc_scan_file(&source, &scan);
        // Behind the limit may be a moov that an earlier recovery wrote, but no fragment.
        if (r == 0 && scan.boxes_end > limit) {
                bc_scan_done(&scan);
                source.size = limit;
                r = bc_scan_file(&source, &scan);
        }
        if (r == -ENODATA || r == -EBADMSG)
                return move_whole(patient, found);
        if (r < 0)
                return r;
        r = treat(patient, &scan, false, found);
        bc_scan_done(&scan);
        return r;
}

int bc_ward_open(const struct bc_ward *ward, const char *name, int flags, int *ret_fd, uint64_t *ret_size)
{
        struct stat status;

        *ret_fd = -1;
        if (fstatat(ward->folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode)) {
                bc_log_error("%s/%s is no regular file: it is left alone", ward->name, name);
                return 1;
        }
        *ret_fd = openat(ward->folder_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (*ret_fd < 0 || fstat(*ret_fd, &status) < 0)
                return -errno;
        *ret_size = (uint64_t)status.st_size;
        return 0;
}

int bc_ward_reread(int fd)
{
        int r = bc_file_sync_data(fd);

        if (r == 0)
                (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); // advice
        return r;
}

int bc_patient_is_stranger(struct bc_ward *ward, uint32_t number)
{
        struct patient patient = { .ward = ward, .number = number, .fd = -1 };
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        struct bc_init_layout layout;
        struct bc_init init;
        int r;

        bc_segment_name(number, patient.name);
        r = bc_ward_open(ward, patient.name, O_RDONLY, &fd, &patient.size);
        if (r != 0)
                return r;
        patient.fd = fd;
        r = read_head(&patient, &init, &layout);
        if (r == 0)
                return !is_ours(&patient, &init);
        return r == -ENODATA || r == -EBADMSG ? 0 : r; // what the power cut left of it
}

int bc_patient_treat(struct bc_ward *ward, uint32_t number)
{
        struct patient patient = { .ward = ward, .number = number, .fd = -1 };
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        int r;

        bc_segment_name(number, patient.name);
        r = bc_ward_open(ward, patient.name, O_RDWR, &fd, &patient.size);
        if (r != 0)
                return r < 0 ? r : 0;
        r = bc_ward_reread(fd);
        if (r < 0)
                return r;
        patient.fd = fd;
        r = examine(&patient, &ward->found[number]);
        if (r == 0)
                bc_tail_tidy(ward->folder_fd, number);
        return r;
}
