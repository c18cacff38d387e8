// SPDX-License-Identifier: EUPL-1.2
#include "scene.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "format/finalise.h"
#include "format/scan.h"
#include "lib/wrapped.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

// ---- the card --------------------------------------------------------------------------------------------------

static struct {
        bool watched;
        bool writes_alone; // strikes fragments that follow on another one without a record between
        bool fragment;     // was written last
        bool ends_alone;   // strikes syncs of a write that had the record that ends a segment, and its moov
        bool end;          // that was written last
        int countdown, failures;
        unsigned struck;
        bool stops;    // what is struck does not fail, but recovery is told to stop
        atomic_bool stop;
        uint32_t tear; // state of what tears the write that is struck; 0: half of it lands
} card;

#define SECTOR_BYTES 512

static bool strikes(void)
{
        if (!card.watched || card.failures <= 0 || card.countdown-- > 0)
                return false;
        card.failures--;
        card.struck++;
        errno = EIO;
        if (card.stops)
                atomic_store(&card.stop, true);
        return !card.stops;
}

void scene_stops(bool stops)
{
        card.stops = stops;
}

void scene_tear(uint32_t seed)
{
        card.tear = seed;
}

// Any of its sectors reach the card, and the file may be as long as it was to become.
static void tear(int fd, const uint8_t *bytes, size_t size, off_t offset)
{
        uint64_t from = (uint64_t)offset, end = from + size;
        struct stat status;

        for (uint64_t at = from, next; at < end; at = next) {
                next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
                if (next > end)
                        next = end;
                if (notary_random(&card.tear) % 2)
                        (void)!__real_pwrite(fd, bytes + (at - from), (size_t)(next - at), (off_t)at);
        }
        if (notary_random(&card.tear) % 2 && fstat(fd, &status) == 0 && (uint64_t)status.st_size < end)
                (void)!__real_ftruncate(fd, (off_t)end);
}

int __wrap_fdatasync(int fd)
{
        return !card.writes_alone && (!card.ends_alone || card.end) && strikes() ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        return !card.writes_alone && !card.ends_alone && strikes() ? -1 : __real_fsync(fd);
}

int __wrap_ftruncate(int fd, off_t size)
{
        return !card.ends_alone && strikes() ? -1 : __real_ftruncate(fd, size);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        bool fragment = size > 8 && !memcmp((const char *)bytes + 4, "moof", 4);

        bool strange = card.writes_alone && !(fragment && card.fragment);

        if (size > BC_PATCH_BYTES)
                card.fragment = fragment;
        card.end = size > 8 && !memcmp((const char *)bytes + 4, "uuid", 4) && memmem(bytes, size, "mvhd", 4);
        if (strange || card.ends_alone || !strikes())
                return __real_pwrite(fd, bytes, size, offset);
        // Half of it reaches the card, in whole sectors; of a fragment nothing.
        if (!card.writes_alone && card.tear)
                tear(fd, bytes, size, offset);
        else if (!card.writes_alone)
                (void)!__real_pwrite(fd, bytes, size / 1024 * 512, offset);
        errno = EIO;
        return -1;
}

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        return (flags & O_CREAT) && !card.writes_alone && !card.ends_alone && strikes() ? -1 : __real_openat(fd, name, flags, mode);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return !card.writes_alone && !card.ends_alone && strikes() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

// ---- signed specimens ------------------------------------------------------------------------------------------

struct notary scene_notary;
const struct bc_agency *scene_agency;

static void on_clock(struct bench *bench)
{
        notary_open(&scene_notary, bench->clock, 1, 1);
        bench->config.attestation = &scene_notary.attestation;
}

// The fault is an early one.
void scene_record(int64_t pace_ns, enum scene_fault fault, struct specimen *ret_specimen)
{
        const struct notary_temper temper = { .pace_ns = pace_ns };
        char name[BC_RECORDING_NAME_BYTES_MAX];
        struct bench bench;
        int fd;

        bench_defaults(&bench);
        bench.config.pre_event_ns = 2 * S;
        bench.config.segment_ns = 4 * S;
        bench.feed.picture_bytes = 60;
        bench.feed.key_bytes = 400;
        bench.config.agency = scene_agency;
        bench.config.boot = 1; // as the notary's
        bench.on_clock = on_clock;
        notary_set(&scene_notary, &temper);
        bench_make(&bench);
        bench_run_until(&bench, 110 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 110 * S, "button"), 0);
        if (fault != SCENE_WELL) {
                bench_run_until(&bench, 111 * S);
                card.watched = true;
                card.writes_alone = fault == SCENE_WRITE;
                card.ends_alone = fault == SCENE_END;
                card.fragment = card.end = false;
                card.countdown = 0;
                card.failures = 1;
        }
        bench_run_until(&bench, 119 * S + 300 * MS);
        card.watched = card.writes_alone = card.ends_alone = false;
        assert_int_equal(bc_recorder_stop(bench.recorder, 119 * S + 300 * MS, "button"), 0);
        bench_run_until(&bench, 140 * S);
        bc_store_name(bench.store, 1, name);
        fd = openat(bc_store_recordings_fd(bench.store), name, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        specimen_take(fd, ret_specimen);
        close(fd);
        bench_stop_threads(&bench);
        notary_close(&scene_notary);
        bench_done(&bench);
}

void scene_set_manifest(struct specimen *before, const struct specimen *recorded, const char *states)
{
        struct bc_manifest manifest;
        struct specimen copy;
        struct clinic clinic;
        char *text;
        size_t size;

        specimen_copy(recorded, &copy);
        folder_make(clinic.path);
        clinic.folder_fd = folder_open(clinic.path);
        specimen_put(&copy, clinic.folder_fd);
        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, clinic.folder_fd), 0);
        manifest.state = BC_RECORDING_OPEN;
        manifest.stop_ticks = BC_TICKS_UNKNOWN;
        manifest.stop_reason[0] = '\0';
        assert_true(strlen(states) <= manifest.segments);
        manifest.segments = strlen(states);
        for (size_t i = 0; i < manifest.segments; i++) {
                struct bc_manifest_segment *entry = &manifest.segment[i];
                char name[BC_SEGMENT_NAME_BYTES_MAX];
                struct specimen_file *file;
                struct shape shape;

                bc_segment_name(entry->number, name);
                file = specimen_find(before, name);
                entry->state = states[i] == 'c' ? BC_SEGMENT_CLOSED : states[i] == 'a' ? BC_SEGMENT_ABANDONED : BC_SEGMENT_OPEN;
                if (!file || entry->state != BC_SEGMENT_OPEN)
                        continue;
                shape_of(file->bytes, file->size, &shape);
                entry->bytes = shape.boxes_end;
                entry->fragments = (uint32_t)shape.fragments;
                entry->end_ticks = shape.end_ticks;
        }
        assert_int_equal(bc_manifest_save(&manifest, clinic.folder_fd), 0);
        text = folder_read(clinic.folder_fd, BC_MANIFEST_NAME, &size);
        specimen_set(before, BC_MANIFEST_NAME, text, size);
        free(text);
        bc_manifest_done(&manifest);
        specimen_done(&copy);
        close(clinic.folder_fd);
        folder_remove(clinic.path);
}

static int read_marks(void *user, uint64_t offset, void *bytes, size_t n)
{
        memcpy(bytes, ((struct scene_marks *)user)->bytes + offset, n);
        return 0;
}

static int mark_record(void *user, uint64_t offset, uint32_t bytes)
{
        struct scene_marks *marks = user;
        size_t n = marks->records++;

        assert_true(n < 200);
        assert_int_equal(bc_record_parse(marks->bytes + offset, bytes, &marks->record, &marks->message, NULL, 0, NULL), 0);
        marks->at[n] = offset;
        marks->end[n] = offset + bytes;
        marks->covered[n] = marks->record.offset + marks->record.bytes;
        marks->kind[n] = marks->record.kind;
        marks->signed_ns[n] = marks->record.signed_ns;
        assert_int_equal(bc_facts_hash(marks->bytes + offset, bytes, marks->hash[n]), 0);
        marks->edge[marks->edges++] = offset;
        marks->edge[marks->edges++] = offset + bytes;
        return 0;
}

static int mark_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        struct scene_marks *marks = user;

        marks->edge[marks->edges++] = offset;
        marks->edge[marks->edges++] = offset + fragment->header_bytes;
        return 0;
}

void scene_marks(const struct specimen_file *file, struct scene_marks *ret_marks)
{
        struct bc_scan_source source = { .read = read_marks, .size = file->size, .on_record = mark_record, .on_fragment = mark_fragment,
                                         .user = ret_marks };
        struct bc_scan scan;

        ret_marks->records = ret_marks->edges = 0;
        ret_marks->bytes = file->bytes;
        assert_int_equal(bc_scan_file(&source, &scan), 0);
        bc_scan_done(&scan);
}

// ---- a start ---------------------------------------------------------------------------------------------------

const struct bc_anchor_state scene_no_anchor;

struct bc_recovery_report scene_start(const struct clinic *clinic, const struct bc_anchor_state *anchor, int nth, int failures)
{
        static const uint8_t ledger_hash[BC_HASH_BYTES] = { 9 };
        const struct notary_temper temper = { .pace_ns = 0 };
        struct bc_rescue_kit kit = { .service = &scene_notary.attestation, .public_key = scene_notary.public_key, .anchor = *anchor, .reset = 1 };
        struct bc_recovery_report report;
        struct bc_clock *clock;
        struct bc_store *store;
        char text[256];

        kit.anchor.medium = 1 + anchor->index % 2; // either
        memcpy(kit.x5t, scene_notary.x5t, BC_HASH_BYTES);
        assert_int_equal(bc_clock_new_real(&clock), 0);
        notary_set(&scene_notary, &temper);
        notary_open(&scene_notary, clock, 1, 2);
        bc_facts_set_ledger(&scene_notary.facts, 5, ledger_hash);
        assert_int_equal(bc_store_open(clinic->path, "test", text, sizeof(text), &store), 0);
        card.countdown = nth;
        card.failures = failures;
        card.struck = 0;
        card.watched = failures > 0;
        atomic_store(&card.stop, false);
        assert_int_equal(bc_recovery_run(store, &kit, &card.stop, &report), 0);
        card.watched = false;
        bc_store_free(store);
        notary_close(&scene_notary);
        bc_clock_free(clock);
        return report;
}

struct witness *scene_look(const struct clinic *clinic, unsigned rules)
{
        int fd = openat(clinic->store_fd, "recordings", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct witness *witness = witness_read(fd, SPECIMEN_NAME, &scene_notary, 1, NULL, rules);

        close(fd);
        return witness;
}

// Segments 1 to 3, the last one as while it was written.
void scene_on_the_way(const struct specimen *recorded, struct specimen *ret_specimen)
{
        specimen_copy(recorded, ret_specimen);
        while (specimen_find(ret_specimen, "0004.mp4"))
                specimen_remove(ret_specimen, "0004.mp4");
        specimen_unfinish(specimen_find(ret_specimen, "0003.mp4"));
        specimen_set_manifest(ret_specimen, "cco");
}

struct bc_anchor_state scene_anchor(enum anchoring anchoring, const struct scene_marks *marks, size_t whole)
{
        struct bc_anchor_state anchor = { .recording = 1, .segment = 3 };
        size_t n = anchoring == ANCHOR_AHEAD ? whole : anchoring == ANCHOR_BEHIND ? 0 : whole - 1;

        if (anchoring == ANCHOR_ABSENT)
                return scene_no_anchor;
        anchor.index = (uint32_t)n + 1;
        anchor.tail_ns = marks->signed_ns[n];
        memcpy(anchor.tail_hash, marks->hash[n], BC_HASH_BYTES);
        if (anchoring == ANCHOR_EARLIER)
                anchor.segment = 2;
        if (anchoring == ANCHOR_FALSE)
                anchor.tail_hash[31] ^= 1;
        return anchor;
}

void scene_check_found(const struct bc_record *record, const struct bc_anchor_state *anchor, uint64_t before, uint64_t kept, bool agrees)
{
        assert_int_equal(record->found.before, before);
        assert_int_equal(record->found.kept, kept);
        assert_int_equal(record->found.moved, before > kept);
        assert_int_equal(record->found.moved_bytes, before - kept);
        assert_int_equal(record->found.reset, 1);
        assert_int_equal(record->found.anchor.medium, anchor->recording > 0 ? 1 + anchor->index % 2 : 0);
        assert_int_equal(record->found.anchor.recording, anchor->recording);
        assert_int_equal(record->found.anchor.segment, anchor->segment);
        assert_int_equal(record->found.anchor.index, anchor->index);
        assert_int_equal(record->found.anchor.signed_ns, anchor->tail_ns);
        assert_memory_equal(record->found.anchor.hash, anchor->tail_hash, BC_HASH_BYTES);
        assert_int_equal(record->found.agrees, agrees);
}

// The tail holds exactly these bytes, and the record says so.
void scene_check_tail(const struct clinic *clinic, const char *name, const struct bc_record *record, const uint8_t *bytes, size_t n)
{
        uint8_t hash[BC_HASH_BYTES];
        size_t size;
        char *tail;

        assert_int_equal(folder_has(clinic->folder_fd, name), n > 0);
        if (n == 0)
                return;
        tail = folder_read(clinic->folder_fd, name, &size);
        assert_int_equal(size, n);
        assert_memory_equal(tail, bytes, n);
        free(tail);
        if (!record)
                return;
        assert_int_equal(bc_facts_hash(bytes, n, hash), 0);
        assert_memory_equal(record->found.moved_sha256, hash, BC_HASH_BYTES);
}

unsigned scene_struck(void)
{
        return card.struck;
}
