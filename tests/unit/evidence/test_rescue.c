// SPDX-License-Identifier: EUPL-1.2
// Recovery of signed recordings: what a record proves is kept, the rest is moved aside, and what was found is signed with the
// anchor's word (docs/formats/record.md, kind 4; EVIDENCE rules 8 to 10), wherever the power went, and went again.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "evidence/rescue.h"
#include "format/finalise.h"
#include "notary.h"
#include "specimen.h"
#include "witness.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

// ---- the card --------------------------------------------------------------------------------------------------

static struct {
        bool watched;
        bool writes_alone; // strikes fragments that follow on another one without a record between
        bool fragment;     // was written last
        int countdown, failures;
        unsigned struck;
} card;

static bool strikes(void)
{
        if (!card.watched || card.failures <= 0 || card.countdown-- > 0)
                return false;
        card.failures--;
        card.struck++;
        errno = EIO;
        return true;
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);
int __real_openat(int fd, const char *name, int flags, mode_t mode);
int __wrap_openat(int fd, const char *name, int flags, mode_t mode);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);

int __wrap_fdatasync(int fd)
{
        return !card.writes_alone && strikes() ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        return !card.writes_alone && strikes() ? -1 : __real_fsync(fd);
}

int __wrap_ftruncate(int fd, off_t size)
{
        return strikes() ? -1 : __real_ftruncate(fd, size);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        bool fragment = size > 8 && !memcmp((const char *)bytes + 4, "moof", 4);

        bool strange = card.writes_alone && !(fragment && card.fragment);

        if (size > BC_PATCH_BYTES)
                card.fragment = fragment;
        if (strange || !strikes())
                return __real_pwrite(fd, bytes, size, offset);
        // Half of it reaches the card, in whole sectors; of a fragment nothing.
        if (!card.writes_alone)
                (void)!__real_pwrite(fd, bytes, size / 1024 * 512, offset);
        errno = EIO;
        return -1;
}

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        return (flags & O_CREAT) && !card.writes_alone && strikes() ? -1 : __real_openat(fd, name, flags, mode);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return !card.writes_alone && strikes() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

// ---- signed specimens ------------------------------------------------------------------------------------------

static struct notary notary;
static struct specimen quick, slow, abandoned; // signer; abandoned: segment 1 by a write that failed

static void on_clock(struct bench *bench)
{
        notary_open(&notary, bench->clock, 1, 1);
        bench->config.attestation = &notary.attestation;
}

// fails: one write does, early.
static void record(int64_t pace_ns, bool fails, struct specimen *ret_specimen)
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
        bench.on_clock = on_clock;
        notary_set(&notary, &temper);
        bench_make(&bench);
        bench_run_until(&bench, 110 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 110 * S, "button"), 0);
        if (fails) {
                bench_run_until(&bench, 111 * S);
                card.watched = card.writes_alone = true;
                card.fragment = false;
                card.countdown = 0;
                card.failures = 1;
        }
        bench_run_until(&bench, 119 * S + 300 * MS);
        card.watched = card.writes_alone = false;
        assert_int_equal(bc_recorder_stop(bench.recorder, 119 * S + 300 * MS, "button"), 0);
        bench_run_until(&bench, 140 * S);
        bc_store_name(bench.store, 1, name);
        fd = openat(bc_store_recordings_fd(bench.store), name, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        specimen_take(fd, ret_specimen);
        close(fd);
        bench_stop_threads(&bench);
        notary_close(&notary);
        bench_done(&bench);
}

static int make(void **state)
{
        (void)state;
        notary_make(&notary);
        record(0, false, &quick);
        record(400 * MS, false, &slow);
        record(700 * MS, true, &abandoned);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        specimen_done(&quick);
        specimen_done(&slow);
        specimen_done(&abandoned);
        notary_done(&notary);
        return 0;
}

// The records of a segment.
struct marks {
        uint64_t at[200], end[200], covered[200];
        uint8_t hash[200][BC_HASH_BYTES];
        enum bc_record_kind kind[200];
        int64_t signed_ns[200];
        size_t records;
        uint64_t edge[600]; // each place where a box begins or ends, about
        size_t edges;
        const uint8_t *bytes;
        struct bc_record record;
        struct bc_record_message message;
};

static int read_marks(void *user, uint64_t offset, void *bytes, size_t n)
{
        memcpy(bytes, ((struct marks *)user)->bytes + offset, n);
        return 0;
}

static int mark_record(void *user, uint64_t offset, uint32_t bytes)
{
        struct marks *marks = user;
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
        struct marks *marks = user;

        marks->edge[marks->edges++] = offset;
        marks->edge[marks->edges++] = offset + fragment->header_bytes;
        return 0;
}

static void marks_of(const struct specimen_file *file, struct marks *ret_marks)
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

static const struct bc_anchor_state no_anchor;

static struct bc_recovery_report start(const struct clinic *clinic, const struct bc_anchor_state *anchor, int nth, int failures)
{
        static const uint8_t ledger_hash[BC_HASH_BYTES] = { 9 };
        const struct notary_temper temper = { .pace_ns = 0 };
        struct bc_rescue_kit kit = { .service = &notary.attestation, .public_key = notary.public_key, .anchor = *anchor, .reset = 1 };
        struct bc_recovery_report report;
        struct bc_clock *clock;
        struct bc_store *store;
        char text[256];

        assert_int_equal(bc_clock_new_real(&clock), 0);
        notary_set(&notary, &temper);
        notary_open(&notary, clock, 1, 2);
        bc_facts_set_ledger(&notary.facts, 5, ledger_hash);
        assert_int_equal(bc_store_open(clinic->path, "test", text, sizeof(text), &store), 0);
        card.countdown = nth;
        card.failures = failures;
        card.struck = 0;
        card.watched = failures > 0;
        assert_int_equal(bc_recovery_run(store, &kit, NULL, &report), 0);
        card.watched = false;
        bc_store_free(store);
        notary_close(&notary);
        bc_clock_free(clock);
        return report;
}

static struct witness *look(const struct clinic *clinic, unsigned rules)
{
        int fd = openat(clinic->store_fd, "recordings", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct witness *witness = witness_read(fd, SPECIMEN_NAME, &notary, 1, NULL, rules);

        close(fd);
        return witness;
}

// Segments 1 to 3, the last one as while it was written.
static void on_the_way(const struct specimen *recorded, struct specimen *ret_specimen)
{
        specimen_copy(recorded, ret_specimen);
        while (specimen_find(ret_specimen, "0004.mp4"))
                specimen_remove(ret_specimen, "0004.mp4");
        specimen_unfinish(specimen_find(ret_specimen, "0003.mp4"));
        specimen_set_manifest(ret_specimen, "cco");
}

enum anchoring { ANCHOR_ABSENT, ANCHOR_AGREES, ANCHOR_BEHIND, ANCHOR_EARLIER, ANCHOR_AHEAD, ANCHOR_FALSE, ANCHORINGS };

static struct bc_anchor_state anchor_on(enum anchoring anchoring, const struct marks *marks, size_t whole)
{
        struct bc_anchor_state anchor = { .recording = 1, .segment = 3 };
        size_t n = anchoring == ANCHOR_AHEAD ? whole : anchoring == ANCHOR_BEHIND ? 0 : whole - 1;

        if (anchoring == ANCHOR_ABSENT)
                return no_anchor;
        anchor.index = (uint32_t)n + 1;
        anchor.tail_ns = marks->signed_ns[n];
        memcpy(anchor.tail_hash, marks->hash[n], BC_HASH_BYTES);
        if (anchoring == ANCHOR_EARLIER)
                anchor.segment = 2;
        if (anchoring == ANCHOR_FALSE)
                anchor.tail_hash[31] ^= 1;
        return anchor;
}

static void check_found(const struct bc_record *record, const struct bc_anchor_state *anchor, uint64_t before, uint64_t kept, bool agrees)
{
        assert_int_equal(record->found.before, before);
        assert_int_equal(record->found.kept, kept);
        assert_int_equal(record->found.moved, before > kept);
        assert_int_equal(record->found.moved_bytes, before - kept);
        assert_int_equal(record->found.reset, 1);
        assert_int_equal(record->found.anchor.medium, anchor->recording > 0);
        assert_int_equal(record->found.anchor.recording, anchor->recording);
        assert_int_equal(record->found.anchor.segment, anchor->segment);
        assert_int_equal(record->found.anchor.index, anchor->index);
        assert_int_equal(record->found.anchor.signed_ns, anchor->tail_ns);
        assert_memory_equal(record->found.anchor.hash, anchor->tail_hash, BC_HASH_BYTES);
        assert_int_equal(record->found.agrees, agrees);
}

// The tail holds exactly these bytes, and the record says so.
static void check_tail(const struct clinic *clinic, const char *name, const struct bc_record *record, const uint8_t *bytes, size_t n)
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

// ---- a cut -----------------------------------------------------------------------------------------------------

static void cut_at(const struct specimen *recorded, size_t size, enum anchoring anchoring)
{
        struct marks *marks = malloc(sizeof(*marks));
        struct specimen_file *file;
        struct bc_anchor_state anchor;
        struct specimen before;
        struct witness *witness;
        struct clinic clinic;
        struct shape shape;
        size_t whole = 0, fragments = 0;
        uint64_t kept;

        assert_non_null(marks);
        on_the_way(recorded, &before);
        file = specimen_find(&before, "0003.mp4");
        marks_of(file, marks);
        shape_of(file->bytes, file->size, &shape);
        assert_true(size <= file->size);
        while (whole < marks->records && marks->end[whole] <= size)
                whole++;
        while (fragments < shape.fragments && shape.fragment_end[fragments] <= size)
                fragments++;
        if ((whole == 0 && anchoring != ANCHOR_ABSENT && anchoring != ANCHOR_AHEAD) || (whole == marks->records && anchoring == ANCHOR_AHEAD)) {
                specimen_done(&before);
                free(marks);
                return;
        }
        anchor = anchor_on(anchoring, marks, whole);
        specimen_cut(file, size);
        kept = whole > 0 ? marks->end[whole - 1] : fragments > 0 ? shape.fragment_end[fragments - 1] : 0;
        clinic_open(&clinic, &before);
        assert_int_equal(start(&clinic, &anchor, 0, 0).failed, 0);
        assert_false(clinic_is_listed(&clinic));
        witness = look(&clinic, WITNESS_ENDED);
        if (kept == 0) {
                assert_int_equal(witness->segments, 2);
                check_tail(&clinic, "0003.tail", NULL, file->bytes, size);
        } else if (whole == marks->records) {
                assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 0);
                assert_int_equal(witness->segments, 3);
        } else {
                assert_int_equal(witness->segments, 3);
                assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 1);
                assert_int_equal(witness->recovered[2]->index, whole + 1);
                assert_int_equal(witness->recovered[2]->epoch, 1);
                assert_int_equal(witness->recovered[2]->boot, 2);
                check_found(witness->recovered[2], &anchor, size, kept, anchoring != ANCHOR_AHEAD && anchoring != ANCHOR_FALSE);
                check_tail(&clinic, "0003.tail", witness->recovered[2], file->bytes + kept, size - kept);
                assert_memory_equal(witness->segment[2]->bytes, file->bytes, kept);
        }
        witness_free(witness);
        // Once more changes nothing.
        clinic_list(&clinic);
        assert_int_equal(start(&clinic, &anchor, 0, 0).failed, 0);
        witness = look(&clinic, WITNESS_ENDED);
        assert_true(witness->by_kind[BC_RECORD_RECOVERED] <= 1);
        witness_free(witness);
        clinic_close(&clinic);
        specimen_done(&before);
        free(marks);
}

static void cut_everywhere(const struct specimen *recorded, uint32_t seed)
{
        int rounds = getenv("BC_LONG") ? 1000 : 60;
        struct marks *marks = malloc(sizeof(*marks));
        struct specimen before;
        struct specimen_file *file;

        assert_non_null(marks);
        on_the_way(recorded, &before);
        file = specimen_find(&before, "0003.mp4");
        marks_of(file, marks);
        assert_true(marks->records > 3);
        for (size_t i = 0; i < marks->edges; i++)
                for (int off = -1; off <= 1; off++)
                        if (marks->edge[i] + (uint64_t)off <= file->size)
                                cut_at(recorded, marks->edge[i] + (uint64_t)off, (enum anchoring)((i + (size_t)(off + 1)) % ANCHORINGS));
        for (int i = 0; i < rounds; i++)
                cut_at(recorded, 1 + notary_random(&seed) % file->size, (enum anchoring)(i % ANCHORINGS));
        specimen_done(&before);
        free(marks);
}

static void test_cut_of_quick_signer(void **state)
{
        (void)state;
        cut_everywhere(&quick, 1);
}

static void test_cut_of_slow_signer(void **state)
{
        (void)state;
        cut_everywhere(&slow, 2);
}

static void test_each_anchor(void **state)
{
        struct marks *marks = malloc(sizeof(*marks));
        struct specimen before;

        (void)state;
        assert_non_null(marks);
        on_the_way(&quick, &before);
        marks_of(specimen_find(&before, "0003.mp4"), marks);
        for (int anchoring = 0; anchoring < ANCHORINGS; anchoring++)
                cut_at(&quick, marks->end[2] + 300, (enum anchoring)anchoring);
        specimen_done(&before);
        free(marks);
}

// ---- not to be touched -----------------------------------------------------------------------------------------

static void assert_left_alone(struct specimen *before)
{
        struct specimen after;
        struct clinic clinic;

        clinic_open(&clinic, before);
        (void)start(&clinic, &no_anchor, 0, 0);
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_unchanged(before, &after, "0003.mp4");
        assert_null(specimen_find(&after, "0003.tail"));
        specimen_done(&after);
        clinic_close(&clinic);
}

static void test_records_of_another_device(void **state)
{
        struct notary ours = notary;
        struct specimen before;

        (void)state;
        on_the_way(&quick, &before);
        specimen_cut(specimen_find(&before, "0003.mp4"), specimen_find(&before, "0003.mp4")->size - 100);
        notary_make(&notary); // another device, of the same name, starts with this card
        assert_left_alone(&before);
        notary_done(&notary);
        notary = ours;
        specimen_done(&before);
}

// Our own, of another segment; of this one, but an earlier one again; of this one, damaged.
static void test_records_of_another_place(void **state)
{
        struct marks *marks = malloc(sizeof(*marks)), *other = malloc(sizeof(*marks));
        struct specimen before;
        struct specimen_file *file, *second;

        (void)state;
        assert_non_null(marks);
        assert_non_null(other);
        for (int kind = 0; kind < 3; kind++) {
                on_the_way(&quick, &before);
                file = specimen_find(&before, "0003.mp4");
                second = specimen_find(&before, "0002.mp4");
                marks_of(file, marks);
                marks_of(second, other);
                specimen_cut(file, marks->end[1]);
                if (kind == 0)
                        specimen_append(file, second->bytes + other->at[2], other->end[2] - other->at[2]);
                if (kind == 1) {
                        uint8_t *again = malloc(marks->end[1] - marks->at[1]);

                        assert_non_null(again);
                        memcpy(again, file->bytes + marks->at[1], marks->end[1] - marks->at[1]);
                        specimen_append(file, again, marks->end[1] - marks->at[1]);
                        free(again);
                }
                if (kind == 2)
                        file->bytes[marks->end[1] - 5] ^= 1; // of the signature
                assert_left_alone(&before);
                specimen_done(&before);
        }
        free(marks);
        free(other);
}

// ---- finished, but nobody said so ------------------------------------------------------------------------------

static void test_finished_but_listed(void **state)
{
        const struct specimen *recorded[] = { &quick, &slow };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct specimen before, after;
                struct witness *witness;
                struct clinic clinic;

                specimen_copy(recorded[i], &before);
                specimen_set_manifest(&before, "ooo");
                clinic_open(&clinic, &before);
                assert_int_equal(start(&clinic, &no_anchor, 0, 0).failed, 0);
                witness = look(&clinic, WITNESS_ENDED | WITNESS_CLOSED);
                assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 0);
                witness_free(witness);
                specimen_take(clinic.folder_fd, &after);
                for (size_t k = 0; k < before.files; k++)
                        if (strstr(before.file[k].name, ".mp4"))
                                specimen_assert_unchanged(&before, &after, before.file[k].name);
                specimen_done(&after);
                specimen_done(&before);
                clinic_close(&clinic);
        }
}

// ---- abandoned -------------------------------------------------------------------------------------------------

// What its successor proves is kept, be it behind the last record.
static void test_abandoned_with_successor(void **state)
{
        struct specimen before;
        struct witness *witness;
        struct clinic clinic;
        uint64_t end;

        (void)state;
        for (int kind = 0; kind < 4; kind++) {
                specimen_copy(&abandoned, &before);
                if (kind == 1) // what the failed write left there
                        specimen_append(specimen_find(&before, "0001.mp4"), "rubbish that came late", 22);
                if (kind == 2) // nobody says so any more
                        specimen_set_manifest(&before, "occ");
                if (kind == 3) {
                        // Somebody says that less of it counts.
                        struct specimen_file *file = specimen_find(&before, "0001.mp4");
                        size_t size = file->size;
                        struct marks *marks = malloc(sizeof(*marks));

                        assert_non_null(marks);
                        marks_of(file, marks);
                        file->size = marks->end[0];
                        specimen_set_manifest(&before, "acc");
                        specimen_find(&before, "0001.mp4")->size = size;
                        free(marks);
                }
                clinic_open(&clinic, &before);
                witness = look(&clinic, 0);
                assert_true(witness->segment[0]->abandoned);
                end = witness->segment[0]->end;
                assert_true(end > witness->segment[0]->record[witness->segment[0]->records - 1].end); // else this shows nothing
                witness_free(witness);
                assert_int_equal(start(&clinic, &no_anchor, 0, 0).failed, 0);
                witness = look(&clinic, WITNESS_ENDED);
                assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 1);
                assert_non_null(witness->recovered[0]);
                check_found(witness->recovered[0], &no_anchor, end + (kind == 1 ? 22 : 0), end, true);
                check_tail(&clinic, "0001.tail", witness->recovered[0], (const uint8_t *)"rubbish that came late", kind == 1 ? 22 : 0);
                witness_free(witness);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// The power went before its successor had a record: nobody vouches for what is behind its last one.
static void test_abandoned_without_successor(void **state)
{
        struct marks *marks = malloc(sizeof(*marks));
        struct specimen before;
        struct specimen_file *file;
        struct witness *witness;
        struct clinic clinic;

        (void)state;
        assert_non_null(marks);
        specimen_copy(&abandoned, &before);
        for (size_t i = before.files; i-- > 0;)
                if (strstr(before.file[i].name, ".mp4") && strcmp(before.file[i].name, "0001.mp4") != 0)
                        specimen_remove(&before, before.file[i].name);
        specimen_set_manifest(&before, "a");
        file = specimen_find(&before, "0001.mp4");
        marks_of(file, marks);
        clinic_open(&clinic, &before);
        assert_int_equal(start(&clinic, &no_anchor, 0, 0).failed, 0);
        witness = look(&clinic, WITNESS_ENDED);
        assert_non_null(witness->recovered[0]);
        check_found(witness->recovered[0], &no_anchor, file->size, marks->end[marks->records - 1], true);
        witness_free(witness);
        clinic_close(&clinic);
        specimen_done(&before);
        free(marks);
}

// A manifest that is forged does not cut a segment that has its end.
static void test_forged_manifest(void **state)
{
        struct specimen before, after;
        struct clinic clinic;
        struct marks *marks = malloc(sizeof(*marks));
        struct specimen_file *file;
        size_t size;

        (void)state;
        assert_non_null(marks);
        specimen_copy(&quick, &before);
        file = specimen_find(&before, "0002.mp4");
        marks_of(file, marks);
        size = file->size;
        file->size = marks->end[2];
        specimen_set_manifest(&before, "cac");
        specimen_find(&before, "0002.mp4")->size = size;
        clinic_open(&clinic, &before);
        (void)start(&clinic, &no_anchor, 0, 0);
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_unchanged(&before, &after, "0002.mp4");
        specimen_done(&after);
        clinic_close(&clinic);
        specimen_done(&before);
        free(marks);
}

// ---- cut off itself --------------------------------------------------------------------------------------------

static bool cut_off_at(const struct specimen *before, uint64_t size, uint64_t kept, int nth, int failures)
{
        struct bc_anchor_state anchor = no_anchor;
        struct witness *witness;
        struct clinic clinic;
        bool struck;

        clinic_open(&clinic, before);
        (void)start(&clinic, &anchor, nth, failures);
        struck = card.struck > 0;
        clinic_list(&clinic);
        assert_int_equal(start(&clinic, &anchor, 0, 0).failed, 0);
        witness = look(&clinic, WITNESS_ENDED);
        assert_int_equal(witness->segments, 3);
        assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 1);
        check_found(witness->recovered[2], &anchor, size, kept, true);
        check_tail(&clinic, "0003.tail", witness->recovered[2],
                   specimen_find((struct specimen *)(uintptr_t)before, "0003.mp4")->bytes + kept, size - kept);
        witness_free(witness);
        clinic_close(&clinic);
        return struck;
}

static void test_recovery_cut_off_at_each_call(void **state)
{
        static const int failures[] = { 1, 1 << 30 };
        struct marks *marks = malloc(sizeof(*marks));
        struct specimen before;
        struct specimen_file *file;
        int faults = 0;

        (void)state;
        assert_non_null(marks);
        on_the_way(&slow, &before);
        file = specimen_find(&before, "0003.mp4");
        marks_of(file, marks);
        specimen_cut(file, marks->end[1] + 900);
        for (size_t i = 0; i < 2; i++)
                for (int nth = 0; cut_off_at(&before, file->size, marks->end[1], nth, failures[i]); nth++)
                        faults++;
        assert_true(faults > 15);
        specimen_done(&before);
        free(marks);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_anchor),
                cmocka_unit_test(test_cut_of_quick_signer),
                cmocka_unit_test(test_cut_of_slow_signer),
                cmocka_unit_test(test_records_of_another_device),
                cmocka_unit_test(test_records_of_another_place),
                cmocka_unit_test(test_finished_but_listed),
                cmocka_unit_test(test_abandoned_with_successor),
                cmocka_unit_test(test_abandoned_without_successor),
                cmocka_unit_test(test_forged_manifest),
                cmocka_unit_test(test_recovery_cut_off_at_each_call),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
