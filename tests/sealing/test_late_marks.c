// SPDX-License-Identifier: EUPL-1.2
// No mark vanishes, whenever it comes and whatever becomes of its recording: a record states it, or the ledger has its time.
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
#include <unistd.h>

#include "base/file.h"
#include "evidence/agency.h"
#include "film.h"
#include "parties.h"
#include "unit/evidence/bench.h"
#include "unit/evidence/desk.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS
#define MARKS_MAX 40

// A recorder with a slow signer and a ledger, on one clock.
struct shift {
        struct bench bench;
        struct desk desk; // its folder of the ledger alone
        struct bc_ledger *ledger;
        char anchor[FOLDER_PATH_BYTES + 16], *parties;
        struct bc_agency *agency; // NULL: nothing is sealed
        struct bc_opener *opener;
        int64_t mark_ns[MARKS_MAX]; // that were taken
        size_t marks;
};

static void on_clock(struct bench *bench)
{
        struct shift *shift = bench->user;

        snprintf(shift->anchor, sizeof(shift->anchor), "%s/anchor", bench->path);
        shift->desk.store_fd = open(bench->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        shift->ledger = notary_open_ledger(&desk_notary, bench->clock, shift->desk.store_fd, shift->anchor);
        bench->config.attestation = &desk_notary.attestation;
        bench->config.agency = shift->agency;
        bench->config.boot = 1;
}

static void seal(struct shift *shift)
{
        const struct party_wish wish = { .key = "P-256" };
        struct bc_agency_source source = { .count = 1, .now_unix_s = PARTY_NOW };
        struct bc_opener_source key = { 0 };
        struct party party;
        const char *path = party.certificate_path;
        char fault[BC_OPENER_FAULT_BYTES];

        shift->parties = party_folder_make();
        party_make(&party, shift->parties, "agency", &wish);
        source.paths = &path;
        key.key_path = party.key_path;
        assert_int_equal(bc_agency_load(&source, &shift->agency), 0);
        assert_int_equal(bc_opener_load(&key, &shift->opener, fault), 0);
}

static struct shift *begin(bool sealed, int64_t pace_ns)
{
        const struct notary_temper temper = { .pace_ns = pace_ns };
        struct shift *shift = calloc(1, sizeof(*shift));

        assert_non_null(shift);
        if (sealed)
                seal(shift);
        notary_set(&desk_notary, &temper);
        bench_defaults(&shift->bench);
        shift->bench.config.pre_event_ns = 2 * S;
        shift->bench.config.segment_ns = 30 * S;
        shift->bench.on_clock = on_clock;
        shift->bench.user = shift;
        bench_make(&shift->bench);
        bench_run_until(&shift->bench, 110 * S);
        return shift;
}

// Everything is over: what the ledger has.
static struct archive *stop(struct shift *shift)
{
        bench_stop_threads(&shift->bench);
        bc_clock_enter(shift->bench.clock);
        bc_ledger_free(shift->ledger, "shutdown", 20 * S);
        bc_clock_leave(shift->bench.clock);
        notary_close(&desk_notary);
        shift->desk.folder_fd = openat(shift->desk.store_fd, "ledger", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(shift->desk.folder_fd >= 0);
        return archive_read(&shift->desk);
}

static void end(struct shift *shift, struct archive *archive)
{
        archive_free(archive);
        close(shift->desk.folder_fd);
        close(shift->desk.store_fd);
        bench_done(&shift->bench);
        bc_agency_free(shift->agency);
        bc_opener_free(shift->opener);
        if (shift->parties)
                party_folder_remove(shift->parties);
        free(shift);
}

static void words_of(size_t mark, char text[32])
{
        snprintf(text, 32, "late-%02zu", mark);
}

// false: it is refused.
static bool set_mark(struct shift *shift, int64_t time_ns)
{
        char text[32];
        int r;

        assert_true(shift->marks < MARKS_MAX);
        words_of(shift->marks, text);
        r = bc_recorder_mark(shift->bench.recorder, time_ns, text);
        assert_true(r == 0 || r == -ENOENT);
        if (r == 0)
                shift->mark_ns[shift->marks++] = time_ns;
        return r == 0;
}

// How often the ledger has the mark; none of its words.
static unsigned told(const struct archive *archive, int64_t recording, int64_t mark_ns)
{
        unsigned times = 0;

        for (size_t i = 0; i < archive->events; i++) {
                const uint8_t *details = archive->event[i].details;
                size_t n = archive->event[i].n;

                assert_null(memmem(details, n, "late", 4));
                if (archive->event[i].kind != BC_ENTRY_MARK || archive_number(details, n, 2) != bc_ticks_from_ns(mark_ns))
                        continue;
                assert_int_equal(archive_number(details, n, 1), recording);
                assert_int_equal(archive_number(details, n, 3), 1);
                times++;
        }
        return times;
}

// The segment's plain text, whoever may read it.
static uint8_t *read_segment(struct shift *shift, size_t *ret_bytes)
{
        char name[BC_RECORDING_NAME_BYTES_MAX], path[BC_RECORDING_NAME_BYTES_MAX + 32];
        struct film_outcome outcome;
        char *bytes;
        size_t n;

        bc_store_name(shift->bench.store, 1, name);
        snprintf(path, sizeof(path), "%s/0001.mp4%s", name, shift->agency ? ".sealed" : "");
        assert_int_equal(bc_file_load(bc_store_recordings_fd(shift->bench.store), path, 64 << 20, &bytes, &n), 0);
        if (!shift->agency) {
                *ret_bytes = n;
                return (uint8_t *)bytes;
        }
        film_read((const uint8_t *)bytes, n, shift->opener, &outcome);
        assert_int_equal(outcome.report.finding, BC_UNSEAL_WHOLE);
        free(bytes);
        *ret_bytes = outcome.plain_bytes;
        return outcome.plain;
}

// One mark after the other, from the stop until none is taken any more: before the last record was asked for, while it was being signed,
// and when it was there.
static void test_marks_until_it_is_closed(void **state)
{
        (void)state;
        for (int sealed = 0; sealed < 2; sealed++) {
                struct shift *shift = begin(sealed, 900 * MS);
                const int64_t end_ns = 122 * S + 600 * MS;
                unsigned stated = 0, late = 0;
                struct archive *archive;
                struct judged judged;
                uint8_t *bytes;
                size_t n;

                assert_int_equal(bc_recorder_start(shift->bench.recorder, 110 * S, "button"), 0);
                bench_run_until(&shift->bench, end_ns);
                assert_int_equal(bc_recorder_stop(shift->bench.recorder, end_ns, "button"), 0);
                while (set_mark(shift, end_ns - 100 * MS + (int64_t)shift->marks * MS))
                        bench_run_until(&shift->bench, end_ns + (int64_t)shift->marks * 100 * MS);
                bench_run_until(&shift->bench, 140 * S);
                archive = stop(shift);
                bytes = read_segment(shift, &n);
                for (size_t i = 0; i < shift->marks; i++) {
                        char text[32];

                        words_of(i, text);
                        const bool is_stated = memmem(bytes, n, text, strlen(text)) != NULL;
                        assert_int_equal(told(archive, 1, shift->mark_ns[i]), is_stated ? 0 : 1);
                        stated += is_stated;
                        late += !is_stated;
                }
                print_message("%s: %u marks in records, %u in the ledger\n", sealed ? "sealed" : "clear", stated, late);
                assert_true(stated > 2 && late > 2);
                bench_read(&shift->bench, 1, &judged);
                assert_int_equal(judged.manifest.marks, sealed ? 0 : shift->marks); // words do not get lost where they may lie in the clear
                judge_done(&judged);
                free(bytes);
                end(shift, archive);
        }
}

// The folder is gone while the recording waits for its last record, and then the recording is left.
static void test_marks_of_one_that_is_left(void **state)
{
        (void)state;
        for (int sealed = 0; sealed < 2; sealed++) {
                struct shift *shift = begin(sealed, 900 * MS);
                char name[BC_RECORDING_NAME_BYTES_MAX], path[FOLDER_PATH_BYTES + BC_RECORDING_NAME_BYTES_MAX + 16];
                const int64_t end_ns = 122 * S + 600 * MS;
                struct archive *archive;

                assert_int_equal(bc_recorder_start(shift->bench.recorder, 110 * S, "button"), 0);
                bench_run_until(&shift->bench, end_ns);
                assert_int_equal(bc_recorder_stop(shift->bench.recorder, end_ns, "button"), 0);
                bench_run_until(&shift->bench, end_ns + 1500 * MS); // the last one is being signed
                bc_store_name(shift->bench.store, 1, name);
                snprintf(path, sizeof(path), "%s/recordings/%s", shift->bench.path, name);
                folder_remove(path);
                assert_true(set_mark(shift, end_ns - 50 * MS));
                assert_true(set_mark(shift, end_ns - 40 * MS));
                bench_run_until(&shift->bench, end_ns + 30 * S);
                assert_int_equal(shift->bench.notice[BC_RECORDER_CLOSED], 1);
                archive = stop(shift);
                for (size_t i = 0; i < shift->marks; i++)
                        assert_int_equal(told(archive, 1, shift->mark_ns[i]), 1);
                end(shift, archive);
        }
}

// Nothing could be written to the very end, and one recording waits behind the other.
static void test_marks_of_what_never_began(void **state)
{
        struct shift *shift = begin(false, 0);
        char path[FOLDER_PATH_BYTES + 16];
        struct archive *archive;

        (void)state;
        snprintf(path, sizeof(path), "%s/recordings", shift->bench.path);
        folder_remove(path);
        assert_int_equal(bc_recorder_start(shift->bench.recorder, 110 * S, "button"), 0);
        bench_run_until(&shift->bench, 112 * S);
        assert_true(set_mark(shift, 111 * S));
        assert_int_equal(bc_recorder_stop(shift->bench.recorder, 112 * S, "button"), 0);
        assert_int_equal(bc_recorder_start(shift->bench.recorder, 113 * S, "button"), 0);
        bench_run_until(&shift->bench, 115 * S);
        assert_true(set_mark(shift, 114 * S));
        archive = stop(shift);
        assert_int_equal(archive_count(archive, BC_ENTRY_MARK), 2);
        assert_int_equal(told(archive, 0, 114 * S), 1);
        end(shift, archive);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_marks_until_it_is_closed),
                cmocka_unit_test(test_marks_of_one_that_is_left),
                cmocka_unit_test(test_marks_of_what_never_began),
        };

        return cmocka_run_group_tests(tests, desk_make_notary, desk_forget_notary);
}
