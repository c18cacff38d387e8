// SPDX-License-Identifier: EUPL-1.2
#include "evidence/recovery.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "evidence/manifest.h"
#include "evidence/tail.h"
#include "format/finalise.h"
#include "format/scan.h"

#define DAMAGED_NAME BC_MANIFEST_NAME ".damaged"
#define DAMAGED_MAX 99

// What is known of one number NNNN in a recording's folder.
struct found {
        bool file;           // there is something named NNNN.mp4
        bool kept;           // it is a segment of this recording
        bool failed;         // it could not be dealt with
        bool tail;
        uint64_t tail_bytes; // of all its tails
};

// One recording while it is worked on.
struct ward {
        const char *name;
        int folder_fd;
        struct bc_manifest manifest;
        struct bc_recovery_report *report;
        const atomic_bool *stop; // NULL: never
        struct found *found; // by number; 0: of every name that has none
};

// One segment file while it is worked on.
struct patient {
        struct ward *ward;
        uint32_t number;
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        int fd;
        uint64_t size;
};

static void close_folder(DIR **folder)
{
        if (*folder)
                closedir(*folder);
}

static int open_listing(int folder_fd, DIR **ret_folder)
{
        int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

        if (fd < 0)
                return -errno;
        *ret_folder = fdopendir(fd);
        if (*ret_folder)
                return 0;
        error = -errno;
        close(fd);
        return error;
}

// ---- one segment -----------------------------------------------------------------------------------------------

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

// Sets aside what follows the fragments, if it is not their moov or its beginning, and writes moov and patch. What is
// there already is written again, with the same bytes: an earlier sync of it may have failed, and a later one then
// proves nothing. Readable at every moment: a patch that leads nowhere is taken back first.
static int finalise(struct patient *patient, const struct bc_scan *scan)
{
        bool moov_begins = scan->moov == BC_MOOV_WHOLE || scan->moov == BC_MOOV_CUT;
        uint64_t end = moov_begins ? scan->rest_offset : scan->boxes_end;
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
static void note_missing(const struct ward *ward, struct bc_manifest_segment *entry, uint64_t bytes)
{
        if (entry->bytes <= bytes)
                return;
        entry->missing_bytes += entry->bytes - bytes;
        bc_log_error("%s/%04u.mp4: %llu bytes that had been durable are gone", ward->name, entry->number,
                     (unsigned long long)(entry->bytes - bytes));
}

static void describe(const struct patient *patient, const struct bc_scan *scan, struct bc_manifest_segment *entry)
{
        struct bc_manifest *manifest = &patient->ward->manifest;
        const uint8_t *boot_id = scan->init.label.boot_id;

        note_missing(patient->ward, entry, scan->boxes_end + (entry->state == BC_SEGMENT_CLOSED ? scan->moov_bytes : 0));
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

static int move_whole(struct patient *patient, struct found *found)
{
        int r = bc_tail_rename(patient->ward->folder_fd, patient->number, patient->name);

        if (r < 0)
                return r;
        found->file = false;
        patient->ward->report->empty++;
        patient->ward->report->tail_bytes += patient->size;
        return 0;
}

static int treat(struct patient *patient, const struct bc_scan *scan, struct found *found)
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
        r = finalise(patient, scan);
        if (r < 0)
                return r;
        describe(patient, scan, entry);
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

static int examine(struct patient *patient, struct found *found)
{
        struct bc_scan_source source = { .read = read_patient, .user = patient, .size = patient->size };
        uint64_t limit = limit_of(patient);
        struct bc_init_layout layout;
        struct bc_init init;
        struct bc_scan scan;
        int r = read_head(patient, &init, &layout);

        if (r == -ENODATA || r == -EBADMSG)
                return move_whole(patient, found);
        if (r < 0 || !is_ours(patient, &init))
                return r;
        if (is_as_finished(patient, &layout)) {
                found->kept = true;
                return 0;
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
        r = treat(patient, &scan, found);
        bc_scan_done(&scan);
        return r;
}

static int recover_segment(struct ward *ward, uint32_t number)
{
        struct patient patient = { .ward = ward, .number = number, .fd = -1 };
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        struct stat status;
        int r;

        bc_segment_name(number, patient.name);
        if (fstatat(ward->folder_fd, patient.name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode)) {
                bc_log_error("%s/%s is no regular file: it is left alone", ward->name, patient.name);
                return 0;
        }
        fd = openat(ward->folder_fd, patient.name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &status) < 0)
                return -errno;
        // Judged is what the card holds: pages that a failed sync left behind as clean may say something else.
        r = bc_file_sync_data(fd);
        if (r < 0)
                return r;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); // advice
        patient.fd = fd;
        patient.size = (uint64_t)status.st_size;
        return examine(&patient, &ward->found[number]);
}

// ---- one recording ---------------------------------------------------------------------------------------------

// The number of a name NNNN.mp4, 0 for any other.
static uint32_t segment_number(const char *name)
{
        char expected[BC_SEGMENT_NAME_BYTES_MAX];
        unsigned long number = strtoul(name, NULL, 10);

        if (number < 1 || number > BC_SEGMENTS_MAX)
                return 0;
        bc_segment_name((uint32_t)number, expected);
        return strcmp(name, expected) == 0 ? (uint32_t)number : 0;
}

static int look_around(struct ward *ward)
{
        BC_CLEANUP(close_folder) DIR *folder = NULL;
        struct dirent *entry;
        int r = open_listing(ward->folder_fd, &folder);

        if (r < 0)
                return r;
        for (uint32_t number = 1; number <= BC_SEGMENTS_MAX; number++)
                ward->found[number].tail_bytes = 0;
        while ((errno = 0, entry = readdir(folder))) {
                struct found *tail = &ward->found[bc_tail_number(entry->d_name)];
                struct stat status;

                ward->found[segment_number(entry->d_name)].file = true;
                if (tail == ward->found || fstatat(ward->folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
                    !S_ISREG(status.st_mode))
                        continue;
                tail->tail = true;
                tail->tail_bytes += (uint64_t)status.st_size;
        }
        return -errno;
}

static bool is_stopped(const atomic_bool *stop)
{
        return stop && atomic_load(stop);
}

static int recover_segments(struct ward *ward)
{
        int r = look_around(ward);

        if (r < 0)
                return r;
        for (uint32_t number = 1; number <= BC_SEGMENTS_MAX; number++) {
                if (!ward->found[number].file)
                        continue;
                if (is_stopped(ward->stop))
                        return -ECANCELED;
                r = recover_segment(ward, number);
                ward->found[number].failed = r < 0;
                if (r < 0)
                        bc_log_error("%s/%04u.mp4 could not be recovered: %s", ward->name, number, strerror(-r));
        }
        return 0;
}

// States follow from what lies in the folder, so that they are the same however often recovery was cut off.
static int settle_states(struct ward *ward)
{
        int r = look_around(ward);

        for (uint32_t number = 1; r == 0 && number <= BC_SEGMENTS_MAX; number++) {
                const struct found *found = &ward->found[number];
                struct bc_manifest_segment *entry = bc_manifest_find_segment(&ward->manifest, number);

                if (!entry && !found->kept && !found->failed && !found->tail)
                        continue;
                entry = bc_manifest_add_segment(&ward->manifest, number);
                if (!entry)
                        return -ENOMEM;
                if (entry->tail_bytes < found->tail_bytes)
                        entry->tail_bytes = found->tail_bytes;
                if (found->kept || found->failed)
                        continue;
                note_missing(ward, entry, 0);
                entry->state = found->tail ? BC_SEGMENT_EMPTY : BC_SEGMENT_MISSING;
                entry->bytes = entry->fragments = 0;
                entry->end_ticks = entry->first_ticks;
        }
        return r;
}

static int set_aside_manifest(struct ward *ward)
{
        char name[sizeof(DAMAGED_NAME) + 8] = DAMAGED_NAME;
        struct stat status;

        for (unsigned nth = 2; fstatat(ward->folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0; nth++) {
                if (nth > DAMAGED_MAX)
                        return -EEXIST;
                snprintf(name, sizeof(name), DAMAGED_NAME "-%u", nth);
        }
        bc_log_error("%s: " BC_MANIFEST_NAME " is damaged; it is kept as %s", ward->name, name);
        return renameat(ward->folder_fd, BC_MANIFEST_NAME, ward->folder_fd, name) < 0 ? -errno : 0;
}

static int load_manifest(struct ward *ward, uint64_t counter)
{
        const char *dash = strrchr(ward->name, '-');
        int r = bc_manifest_load(&ward->manifest, ward->folder_fd);

        if (r == 0 && ward->manifest.counter == counter)
                return 0;
        if (r < 0 && r != -ENOENT && r != -EBADMSG)
                return r;
        bc_manifest_done(&ward->manifest);
        ward->manifest.counter = counter;
        // What it declared is lost: that is not the same as none.
        ward->manifest.gaps_unknown = ward->manifest.clock_unknown = ward->manifest.marks_unknown = true;
        snprintf(ward->manifest.device, sizeof(ward->manifest.device), "%.*s", (int)(dash - ward->name), ward->name);
        return r == -ENOENT ? 0 : set_aside_manifest(ward);
}

static int compare_segments(const void *a, const void *b)
{
        const struct bc_manifest_segment *left = a, *right = b;

        return (left->number > right->number) - (left->number < right->number);
}

static void conclude(struct bc_manifest *manifest)
{
        int64_t end_ticks = 0;

        for (size_t i = 0; i < manifest->segments; i++)
                if (manifest->segment[i].end_ticks > end_ticks)
                        end_ticks = manifest->segment[i].end_ticks;
        // A gap that lasted when the power went lasts to the end of what is there.
        for (enum bc_gap_kind kind = 0; kind < BC_GAP_KINDS; kind++)
                bc_manifest_end_gap(manifest, kind, end_ticks);
        if (manifest->state == BC_RECORDING_OPEN)
                manifest->state = BC_RECORDING_RECOVERED;
}

// What could be done is in the manifest even when something else failed; the recording then stays open.
static int recover_folder(struct ward *ward, uint64_t counter)
{
        bool failed = false;
        int r = load_manifest(ward, counter);

        if (r == 0)
                r = recover_segments(ward);
        if (r == 0)
                r = settle_states(ward);
        if (r < 0)
                return r;
        for (uint32_t number = 1; number <= BC_SEGMENTS_MAX; number++)
                failed |= ward->found[number].failed;
        if (ward->manifest.segments > 1)
                qsort(ward->manifest.segment, ward->manifest.segments, sizeof(*ward->manifest.segment),
                      compare_segments);
        if (!failed)
                conclude(&ward->manifest);
        r = bc_manifest_save(&ward->manifest, ward->folder_fd);
        return r < 0 ? r : failed ? -EIO : 0;
}

// ---- the store -------------------------------------------------------------------------------------------------

// A recording begun under another device id keeps its name: PREFIX-COUNTER.
static bool is_name_of(const char *name, const char *counter_text)
{
        const char *dash = strrchr(name, '-');
        size_t n = dash ? (size_t)(dash - name) : 0;

        if (n == 0 || n > BC_DEVICE_ID_BYTES_MAX || strcmp(dash + 1, counter_text) != 0)
                return false;
        while (n-- > 0)
                if (!isascii(name[n]) || (!isalnum(name[n]) && name[n] != '-' && name[n] != '_'))
                        return false;
        return true;
}

// -ENOENT: the power went between the number and the folder.
static int find_name(struct bc_store *store, uint64_t counter, char ret_name[BC_RECORDING_NAME_BYTES_MAX])
{
        BC_CLEANUP(close_folder) DIR *folder = NULL;
        char counter_text[24];
        struct dirent *entry;
        struct stat status;
        int r;

        bc_store_name(store, counter, ret_name);
        if (fstatat(bc_store_recordings_fd(store), ret_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
                return 0;
        snprintf(counter_text, sizeof(counter_text), "%06llu", (unsigned long long)counter);
        r = open_listing(bc_store_recordings_fd(store), &folder);
        if (r < 0)
                return r;
        while ((errno = 0, entry = readdir(folder)))
                if (is_name_of(entry->d_name, counter_text)) {
                        snprintf(ret_name, BC_RECORDING_NAME_BYTES_MAX, "%.*s", BC_RECORDING_NAME_BYTES_MAX - 1,
                                 entry->d_name);
                        return 0;
                }
        return errno ? -errno : -ENOENT;
}

static void free_ward(struct ward *ward)
{
        bc_manifest_done(&ward->manifest);
        bc_cleanup_fd(&ward->folder_fd);
        free(ward->found);
}

static int recover_named(struct bc_store *store, uint64_t counter, const char *name, const atomic_bool *stop,
                         struct bc_recovery_report *report)
{
        BC_CLEANUP(free_ward) struct ward ward = { .name = name, .folder_fd = -1, .report = report, .stop = stop };

        bc_manifest_init(&ward.manifest);
        ward.found = calloc(BC_SEGMENTS_MAX + 1, sizeof(*ward.found));
        if (!ward.found)
                return -ENOMEM;
        ward.folder_fd = openat(bc_store_recordings_fd(store), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return ward.folder_fd < 0 ? -errno : recover_folder(&ward, counter);
}

static int recover_recording(struct bc_store *store, uint64_t counter, const atomic_bool *stop,
                             struct bc_recovery_report *report)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        unsigned segments = report->segments;
        int r = find_name(store, counter, name);
        bool there = r != -ENOENT;

        if (r == 0)
                r = recover_named(store, counter, name, stop, report);
        if (r == 0 || !there)
                r = bc_store_close(store, counter);
        report->recordings++;
        if (r == -ECANCELED) {
                bc_log_notice("recording %s: recovery is stopped; the next start goes on with it", name);
        } else if (r < 0) {
                report->failed++;
                bc_log_error("recording %s could not be recovered: %s; it is tried again at the next start", name,
                             strerror(-r));
        } else if (there) {
                bc_log_notice("recording %s was not closed: %u segments recovered", name, report->segments - segments);
        }
        return r;
}

int bc_recovery_run(struct bc_store *store, const atomic_bool *stop, struct bc_recovery_report *ret_report)
{
        struct bc_recovery_report report = { 0 };
        size_t failed = 0;

        // A recovered one leaves the list, a failed one stays.
        while (bc_store_left_open_count(store) > failed && !is_stopped(stop))
                if (recover_recording(store, bc_store_left_open_at(store, failed), stop, &report) < 0)
                        failed++;
        report.stopped = bc_store_left_open_count(store) > report.failed;
        *ret_report = report;
        return 0;
}
