// SPDX-License-Identifier: EUPL-1.2
#include "evidence/recovery.h"

#include <dirent.h>
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
#include "evidence/manifest.h"
#include "format/finalise.h"
#include "format/scan.h"

#define NAME_BYTES_MAX 32
#define COPY_BYTES 65536
#define TAILS_MAX 99
#define DAMAGED_NAME BC_MANIFEST_NAME ".damaged"

// One unclosed segment file while it is worked on.
struct patient {
        int folder_fd, fd;
        uint32_t number;
        char name[NAME_BYTES_MAX];
        uint64_t size;  // of the file
        uint64_t limit; // bytes that may be used: less than size when the recorder abandoned the rest
        uint64_t moved; // to the tail
};

static int read_patient(void *user, uint64_t offset, void *bytes, size_t n)
{
        struct patient *patient = user;

        return bc_file_read_at(patient->fd, bytes, n, offset);
}

// ---- moving bytes aside ----------------------------------------------------------------------------------------

static void tail_name(const struct patient *patient, unsigned nth, const char *suffix, char ret_name[NAME_BYTES_MAX])
{
        if (nth == 0)
                snprintf(ret_name, NAME_BYTES_MAX, "%04u.tail%s", patient->number, suffix);
        else
                snprintf(ret_name, NAME_BYTES_MAX, "%04u-%u.tail%s", patient->number, nth + 1, suffix);
}

// 1: the file NAME holds exactly the patient's bytes from offset on; 0: it does not; -ENOENT: there is none.
static int holds_tail(const struct patient *patient, uint64_t offset, const char *name)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = openat(patient->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        uint8_t ours[4096], theirs[4096];
        struct stat status;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != patient->size - offset)
                return 0;
        for (uint64_t at = 0; offset + at < patient->size; at += sizeof(ours)) {
                uint64_t left = patient->size - offset - at;
                size_t n = left < sizeof(ours) ? (size_t)left : sizeof(ours);
                int r = bc_file_read_at(patient->fd, ours, n, offset + at);

                if (r == 0)
                        r = bc_file_read_at(fd, theirs, n, at);
                if (r < 0)
                        return r;
                if (memcmp(ours, theirs, n) != 0)
                        return 0;
        }
        return 1;
}

static int copy_tail(const struct patient *patient, uint64_t offset, const char *name)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(COPY_BYTES);
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        int r = 0;

        if (!bytes)
                return -ENOMEM;
        fd = openat(patient->folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0)
                return -errno;
        for (uint64_t at = 0; r == 0 && offset + at < patient->size; at += COPY_BYTES) {
                uint64_t left = patient->size - offset - at;
                size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;

                r = bc_file_read_at(patient->fd, bytes, n, offset + at);
                if (r == 0)
                        r = bc_file_write_at(fd, bytes, n, at);
        }
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r;
}

// A name for the tail that is free, or already holds it (a run before this one was cut off). *ret_there: the latter.
static int choose_tail(const struct patient *patient, uint64_t offset, char ret_name[NAME_BYTES_MAX], bool *ret_there)
{
        for (unsigned nth = 0; nth < TAILS_MAX; nth++) {
                int r;

                tail_name(patient, nth, "", ret_name);
                r = holds_tail(patient, offset, ret_name);
                *ret_there = r == 1;
                if (r == 1 || r == -ENOENT)
                        return 0;
                if (r < 0)
                        return r;
        }
        return -EEXIST;
}

static int rename_durably(int folder_fd, const char *from, const char *to)
{
        if (renameat(folder_fd, from, folder_fd, to) < 0)
                return -errno;
        return bc_folder_sync(folder_fd);
}

// Everything from offset on goes to the tail, which is durable before the file is cut.
static int move_tail(struct patient *patient, uint64_t offset)
{
        char name[NAME_BYTES_MAX], temporary[NAME_BYTES_MAX];
        bool there;
        int r;

        if (offset >= patient->size)
                return 0;
        r = choose_tail(patient, offset, name, &there);
        if (r == 0 && !there) {
                tail_name(patient, 0, ".new", temporary);
                r = copy_tail(patient, offset, temporary);
                if (r == 0)
                        r = rename_durably(patient->folder_fd, temporary, name);
        }
        if (r < 0)
                return r;
        if (ftruncate(patient->fd, (off_t)offset) < 0 || fsync(patient->fd) < 0)
                return -errno;
        patient->moved += patient->size - offset;
        patient->size = offset;
        return 0;
}

// No whole fragment: the file as it is becomes the tail.
static int move_whole(struct patient *patient)
{
        char name[NAME_BYTES_MAX];
        bool there;
        int r;

        r = choose_tail(patient, 0, name, &there);
        if (r < 0)
                return r;
        patient->moved += patient->size;
        return rename_durably(patient->folder_fd, patient->name, name);
}

// ---- one segment -----------------------------------------------------------------------------------------------

static int write_durably(const struct patient *patient, const uint8_t *bytes, size_t n, uint64_t offset)
{
        int r = bc_file_write_at(patient->fd, bytes, n, offset);

        if (r == 0 && fdatasync(patient->fd) < 0)
                r = -errno;
        return r;
}

static int append_moov(const struct patient *patient, const struct bc_scan *scan)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *moov = malloc((size_t)scan->moov_bytes);
        size_t bytes;
        int r;

        if (!moov)
                return -ENOMEM;
        r = bc_finalise_build(&scan->init, &scan->table, moov, (size_t)scan->moov_bytes, &bytes);
        return r < 0 ? r : write_durably(patient, moov, bytes, scan->boxes_end);
}

// The file without patch is readable at every moment; so a patch that leads nowhere is taken back first.
static int unpatch(const struct patient *patient, const struct bc_scan *scan)
{
        uint8_t bytes[BC_PATCH_BYTES];

        bc_finalise_unpatch(&scan->layout, bytes);
        return write_durably(patient, bytes, sizeof(bytes), scan->layout.moov_offset);
}

static int finalise(struct patient *patient, const struct bc_scan *scan)
{
        bool moov_there = scan->moov == BC_MOOV_WHOLE && patient->limit == patient->size;
        uint64_t end = moov_there ? scan->rest_offset : scan->boxes_end;
        uint8_t patch[BC_PATCH_BYTES];
        int r = 0;

        if (scan->layout.patched && (!moov_there || end < patient->size))
                r = unpatch(patient, scan);
        if (r == 0)
                r = move_tail(patient, end);
        if (r == 0 && !moov_there)
                r = append_moov(patient, scan);
        if (r == 0)
                r = bc_finalise_patch(&scan->layout, scan->boxes_end, patch);
        if (r == 0)
                r = write_durably(patient, patch, sizeof(patch), scan->layout.moov_offset);
        patient->size = scan->boxes_end + scan->moov_bytes;
        return r;
}

static void describe(const struct patient *patient, const struct bc_scan *scan, struct bc_manifest_segment *entry)
{
        entry->state = BC_SEGMENT_RECOVERED;
        entry->bytes = patient->size;
        entry->fragments = scan->table.fragments;
        entry->first_ticks = scan->init.label.base_ticks;
        entry->end_ticks = entry->first_ticks + (int64_t)scan->table.track[0].duration_ticks;
        entry->tail_bytes += patient->moved;
}

static int scan_patient(struct patient *patient, struct bc_manifest_segment *entry, struct bc_recovery_report *report)
{
        struct bc_scan_source source = { .read = read_patient, .user = patient, .size = patient->limit };
        struct bc_scan scan;
        int r;

        r = bc_scan_file(&source, &scan);
        if (r < 0 && r != -ENODATA && r != -EBADMSG)
                return r;
        if (r == 0 && scan.table.fragments > 0) {
                if (bc_scan_finished(&scan) && patient->limit == patient->size) {
                        // Closed in full; only the manifest did not learn of it.
                        if (entry->state == BC_SEGMENT_OPEN) {
                                describe(patient, &scan, entry);
                                entry->state = BC_SEGMENT_CLOSED;
                        }
                } else {
                        r = finalise(patient, &scan);
                        if (r == 0) {
                                describe(patient, &scan, entry);
                                report->segments++;
                        }
                }
                bc_scan_done(&scan);
                return r;
        }
        if (r == 0)
                bc_scan_done(&scan);
        r = move_whole(patient);
        if (r < 0)
                return r;
        entry->state = BC_SEGMENT_EMPTY;
        entry->bytes = 0;
        entry->fragments = 0;
        entry->tail_bytes += patient->moved;
        report->empty++;
        return 0;
}

static int recover_segment(int folder_fd, uint32_t number, struct bc_manifest *manifest,
                           struct bc_recovery_report *report)
{
        struct patient patient = { .folder_fd = folder_fd, .number = number, .fd = -1 };
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        struct bc_manifest_segment *entry = bc_manifest_add_segment(manifest, number);
        struct stat status;
        int r;

        if (!entry)
                return -ENOMEM;
        bc_segment_name(number, patient.name);
        fd = openat(folder_fd, patient.name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -EINVAL;
        patient.fd = fd;
        patient.size = patient.limit = (uint64_t)status.st_size;
        // What the recorder did not call durable may be repeated in the segment's successor.
        if (entry->state == BC_SEGMENT_ABANDONED && entry->bytes < patient.limit)
                patient.limit = entry->bytes;
        r = scan_patient(&patient, entry, report);
        report->tail_bytes += patient.moved;
        return r;
}

// ---- one recording ---------------------------------------------------------------------------------------------

// The number of a name NNNN.mp4, 0 for any other.
static uint32_t segment_number(const char *name)
{
        char expected[BC_SEGMENT_NAME_BYTES_MAX];
        unsigned long number = strtoul(name, NULL, 10);

        if (number < 1 || number > 9999)
                return 0;
        bc_segment_name((uint32_t)number, expected);
        return strcmp(name, expected) == 0 ? (uint32_t)number : 0;
}

static void close_folder(DIR **folder)
{
        if (*folder)
                closedir(*folder);
}

static int recover_segments(int folder_fd, struct bc_manifest *manifest, struct bc_recovery_report *report)
{
        BC_CLEANUP(close_folder) DIR *folder = NULL;
        struct dirent *entry;
        int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), first = 0;

        if (fd < 0)
                return -errno;
        folder = fdopendir(fd);
        if (!folder) {
                first = -errno;
                close(fd);
                return first;
        }
        while ((errno = 0, entry = readdir(folder))) {
                uint32_t number = segment_number(entry->d_name);
                int r;

                if (number == 0)
                        continue;
                r = recover_segment(folder_fd, number, manifest, report);
                if (r < 0)
                        bc_log_error("%s could not be recovered: %s", entry->d_name, strerror(-r));
                if (r < 0 && first == 0)
                        first = r;
        }
        return first < 0 ? first : -errno;
}

static void set_aside_manifest(int folder_fd, const char *name)
{
        bc_log_error("%s: " BC_MANIFEST_NAME " is damaged; it is kept as " DAMAGED_NAME, name);
        if (renameat(folder_fd, BC_MANIFEST_NAME, folder_fd, DAMAGED_NAME) < 0)
                bc_log_error("%s: " BC_MANIFEST_NAME " could not be set aside: %s", name, strerror(errno));
}

static int compare_segments(const void *a, const void *b)
{
        const struct bc_manifest_segment *left = a, *right = b;

        return (left->number > right->number) - (left->number < right->number);
}

static void conclude(struct bc_store *store, uint64_t counter, struct bc_manifest *manifest)
{
        int64_t end_ticks = 0;

        if (manifest->counter != counter)
                snprintf(manifest->device, sizeof(manifest->device), "%s", bc_store_device_id(store));
        manifest->counter = counter;
        qsort(manifest->segment, manifest->segments, sizeof(manifest->segment[0]), compare_segments);
        for (size_t i = 0; i < manifest->segments; i++)
                if (manifest->segment[i].end_ticks > end_ticks)
                        end_ticks = manifest->segment[i].end_ticks;
        // A gap that lasted when the power went lasts to the end of what is there.
        for (enum bc_gap_kind kind = BC_GAP_PRE_EVENT; kind <= BC_GAP_LATE_SOUND; kind++)
                bc_manifest_end_gap(manifest, kind, end_ticks);
        if (manifest->state == BC_RECORDING_OPEN)
                manifest->state = BC_RECORDING_RECOVERED;
}

static int recover_folder(struct bc_store *store, uint64_t counter, const char *name, struct bc_manifest *manifest,
                          struct bc_recovery_report *report)
{
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = openat(bc_store_recordings_fd(store), name,
                                                         O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        int r;

        if (folder_fd < 0)
                return errno == ENOENT ? 0 : -errno; // the power went between the number and the folder
        r = bc_manifest_load(manifest, folder_fd);
        if (r == -EBADMSG)
                set_aside_manifest(folder_fd, name);
        else if (r < 0 && r != -ENOENT)
                return r;
        r = recover_segments(folder_fd, manifest, report);
        conclude(store, counter, manifest);
        if (r == 0)
                r = bc_manifest_save(manifest, folder_fd);
        return r;
}

static int recover_recording(struct bc_store *store, uint64_t counter, struct bc_recovery_report *report)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        BC_CLEANUP(bc_manifest_done) struct bc_manifest manifest;
        unsigned segments = report->segments;
        int r;

        bc_manifest_init(&manifest);
        bc_store_name(store, counter, name);
        r = recover_folder(store, counter, name, &manifest, report);
        if (r == 0)
                r = bc_store_close(store, counter);
        report->recordings++;
        if (r < 0) {
                report->failed++;
                bc_log_error("recording %s could not be recovered: %s; it is tried again at the next start", name,
                             strerror(-r));
        } else {
                bc_log_notice("recording %s was not closed: %u segments recovered", name, report->segments - segments);
        }
        return r;
}

int bc_recovery_run(struct bc_store *store, struct bc_recovery_report *ret_report)
{
        struct bc_recovery_report report = { 0 };
        size_t failed = 0;

        // A recovered one leaves the list, a failed one stays.
        while (bc_store_left_open_count(store) > failed)
                if (recover_recording(store, bc_store_left_open_at(store, failed), &report) < 0)
                        failed++;
        *ret_report = report;
        return 0;
}
