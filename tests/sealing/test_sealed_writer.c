// SPDX-License-Identifier: EUPL-1.2
// The recorder's sealed files on a card that fails once at each of its calls, and while they cannot be sealed: everything is there,
// no file has more behind a write that failed, none lies in the clear, and none has the key of another.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/agency.h"
#include "evidence/recovery.h"
#include "film.h"
#include "lib/counts.h"
#include "lib/wrapped.h"
#include "parties.h"
#include "unit/evidence/bench.h"

#define S BC_NS_PER_S
#define PRESS_NS (130 * S)
#define STOP_NS (140 * S)
#define FILES_MAX 64

// ---- what fails ------------------------------------------------------------------------------------------------

enum call { CALL_CREATE, CALL_WRITE, CALL_SYNC, CALL_BEGIN, CALL_SEAL, CALL_FINISH, CALLS };

static struct {
        bool watched;
        int error;          // 0: a short write
        int countdown[CALLS]; // calls until it fails; -1: it does not
        int times;
        unsigned struck;
} card;

static bool strikes(enum call call)
{
        if (!card.watched || card.countdown[call] < 0 || card.times == 0 || card.countdown[call]-- > 0)
                return false;
        card.countdown[call] = --card.times > 0 ? 0 : -1;
        card.struck++;
        errno = card.error;
        return true;
}

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        return (flags & O_CREAT) && strstr(name, ".sealed") && strikes(CALL_CREATE) ? -1 : __real_openat(fd, name, flags, mode);
}

static bool is_sealed(int fd)
{
        char link[64], path[256];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = 0;
        return strstr(path, ".sealed");
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
        if (!is_sealed(fd) || !strikes(CALL_WRITE))
                return __real_pwrite(fd, bytes, n, offset);
        if (card.error == 0)
                return __real_pwrite(fd, bytes, n / 2 + 1, offset);
        // Half of it reaches the card, in whole sectors.
        (void)!__real_pwrite(fd, bytes, n / 1024 * 512, offset);
        errno = card.error;
        return -1;
}

int __wrap_fdatasync(int fd)
{
        return is_sealed(fd) && strikes(CALL_SYNC) ? -1 : __real_fdatasync(fd);
}

int __real_bc_sealer_begin(struct bc_sealer *sealer, const struct bc_sealed_header *about, uint8_t *bytes, size_t room, size_t *ret_bytes,
                           uint8_t ret_hash[BC_SEALED_HASH_BYTES]);
int __wrap_bc_sealer_begin(struct bc_sealer *sealer, const struct bc_sealed_header *about, uint8_t *bytes, size_t room, size_t *ret_bytes,
                           uint8_t ret_hash[BC_SEALED_HASH_BYTES]);
int __wrap_bc_sealer_begin(struct bc_sealer *sealer, const struct bc_sealed_header *about, uint8_t *bytes, size_t room, size_t *ret_bytes,
                           uint8_t ret_hash[BC_SEALED_HASH_BYTES])
{
        return strikes(CALL_BEGIN) ? -card.error : __real_bc_sealer_begin(sealer, about, bytes, room, ret_bytes, ret_hash);
}

int __real_bc_sealer_seal(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes);
int __wrap_bc_sealer_seal(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes);
int __wrap_bc_sealer_seal(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes)
{
        return strikes(CALL_SEAL) ? -card.error : __real_bc_sealer_seal(sealer, plain, n, bytes, room, ret_bytes);
}

int __real_bc_sealer_finish(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes);
int __wrap_bc_sealer_finish(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes);
int __wrap_bc_sealer_finish(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes)
{
        return strikes(CALL_FINISH) ? -card.error : __real_bc_sealer_finish(sealer, plain, n, bytes, room, ret_bytes);
}

// ---- the agency ------------------------------------------------------------------------------------------------

static char *parties;
static struct bc_agency *agency;
static struct bc_opener *opener;

static int set_up(void **state)
{
        const struct party_wish wish = { .key = "P-256" };
        struct bc_agency_source source = { .count = 1, .now_unix_s = PARTY_NOW };
        char fault[BC_OPENER_FAULT_BYTES];
        struct party party;
        const char *path = party.certificate_path;

        (void)state;
        parties = party_folder_make();
        party_make(&party, parties, "agency", &wish);
        source.paths = &path;
        assert_int_equal(bc_agency_load(&source, &agency), 0);
        assert_int_equal(bc_opener_load(&(struct bc_opener_source){ .key_path = party.key_path }, &opener, fault), 0);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        bc_opener_free(opener);
        bc_agency_free(agency);
        party_folder_remove(parties);
        return 0;
}

// ---- what lies there -------------------------------------------------------------------------------------------

struct opened {
        unsigned whole, cut;
        uint8_t seal[FILES_MAX][BC_SEALED_COMMITMENT_BYTES]; // commitments: of the keys
        size_t files;
};

// Opens one, and puts what comes out beside the others as a segment.
static void open_file(int from_fd, const char *name, int to_fd, struct opened *opened)
{
        struct bc_sealed_header header;
        struct film_outcome outcome;
        size_t n, header_bytes;
        uint8_t *bytes = (uint8_t *)folder_read(from_fd, name, &n);
        char plain_name[16];

        film_read(bytes, n, opener, &outcome);
        if (outcome.report.finding != BC_UNSEAL_WHOLE && outcome.report.finding != BC_UNSEAL_CUT)
                fail_msg("%s: finding %d", name, outcome.report.finding);
        opened->whole += outcome.report.finding == BC_UNSEAL_WHOLE;
        opened->cut += outcome.report.finding == BC_UNSEAL_CUT;
        assert_int_equal(bc_sealed_header_parse(bytes, n, &header, &header_bytes), 0);
        assert_true(opened->files < FILES_MAX);
        memcpy(opened->seal[opened->files], bytes + header_bytes, BC_SEALED_COMMITMENT_BYTES);
        for (size_t i = 0; i < opened->files; i++)
                assert_memory_not_equal(opened->seal[i], opened->seal[opened->files], BC_SEALED_COMMITMENT_BYTES);
        opened->files++;
        snprintf(plain_name, sizeof(plain_name), "%.8s", name);
        folder_write(to_fd, plain_name, outcome.plain, outcome.plain_bytes);
        film_outcome_done(&outcome);
        free(bytes);
}

static void open_all(struct bench *bench, struct opened *opened, struct judged *judged)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        int store_fd = folder_open(bench->path), from_fd, opened_fd, to_fd;
        const struct dirent *entry;
        size_t n;
        char *manifest;
        DIR *folder;

        bc_store_name(bench->store, bc_store_counter(bench->store), name);
        from_fd = openat(bc_store_recordings_fd(bench->store), name, O_RDONLY | O_DIRECTORY);
        assert_int_equal(mkdirat(store_fd, "opened", 0700), 0);
        opened_fd = openat(store_fd, "opened", O_RDONLY | O_DIRECTORY);
        assert_int_equal(mkdirat(opened_fd, name, 0700), 0);
        to_fd = openat(opened_fd, name, O_RDONLY | O_DIRECTORY);
        folder = fdopendir(dup(from_fd));
        assert_non_null(folder);
        *opened = (struct opened){ .files = 0 };
        while ((entry = readdir(folder))) {
                size_t length = strlen(entry->d_name);

                assert_false(length > 4 && strcmp(entry->d_name + length - 4, ".mp4") == 0); // nothing in the clear
                if (strstr(entry->d_name, ".mp4.sealed"))
                        open_file(from_fd, entry->d_name, to_fd, opened);
        }
        closedir(folder);
        manifest = folder_read(from_fd, BC_MANIFEST_NAME, &n);
        folder_write(to_fd, BC_MANIFEST_NAME, manifest, n);
        free(manifest);
        judge_read(opened_fd, name, judged);
        close(to_fd);
        close(opened_fd);
        close(from_fd);
        close(store_fd);
}

// Every unit from the pre-event to the end; a segment behind one that was given up may repeat what that one has.
static void judge_complete(const struct judged *judged, const struct feeder_config *feed, int64_t from_ns, int64_t end_ns)
{
        for (enum bc_lane lane = 0; lane < BC_LANE_COUNT; lane++) {
                const struct judged_unit *unit = judged->unit[lane];
                size_t units = judged->units[lane];

                if (!feeder_has(feed, lane))
                        continue;
                assert_true(units > 0);
                assert_true(unit[0].ticks <= bc_ticks_from_ns(from_ns) + 1024);
                assert_true(unit[units - 1].ticks + unit[units - 1].duration_ticks >= bc_ticks_from_ns(end_ns) - 1);
                for (size_t i = 1; i < units; i++) {
                        if (unit[i].number == unit[i - 1].number + 1)
                                continue;
                        assert_int_not_equal(unit[i].segment, unit[i - 1].segment);
                        assert_true(unit[i].number <= unit[i - 1].number);
                        assert_true(unit[i - 1].ticks - unit[i].ticks <= 2 * 48000);
                }
        }
}

// ---- one incident ----------------------------------------------------------------------------------------------

// The nth call of a kind fails, and those behind it, so many in all. Returns false when there was no nth.
static bool incident(enum call call, int nth, int times, int error)
{
        struct bc_recovery_report report;
        struct opened opened;
        struct judged judged;
        struct bench bench;
        unsigned struck;

        bench_defaults(&bench);
        bench.config.pre_event_ns = 4 * S;
        bench.config.segment_ns = 4 * S;
        bench.config.agency = agency;
        bench.config.boot = 1;
        bench_make(&bench);
        bench_run_until(&bench, PRESS_NS);
        card.struck = 0;
        card.error = error;
        card.times = times;
        for (int i = 0; i < CALLS; i++)
                card.countdown[i] = i == (int)call ? nth : -1;
        card.watched = true;
        assert_int_equal(bc_recorder_start(bench.recorder, PRESS_NS, "button"), 0);
        bench_run_until(&bench, STOP_NS);
        assert_int_equal(bc_recorder_stop(bench.recorder, STOP_NS, "button"), 0);
        bench_run_until(&bench, 170 * S);
        card.watched = false;
        struck = card.struck;
        assert_int_equal(struck > 0 && error, bench.notice[BC_RECORDER_TROUBLE] > 0);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        bench_restart(&bench);
        assert_int_equal(bc_recovery_run(bench.store, NULL, NULL, &report), 0);
        assert_int_equal(report.failed, 0);
        assert_int_equal(bc_store_left_open_count(bench.store), 0);
        open_all(&bench, &opened, &judged);
        judge_complete(&judged, &bench.feed, 126 * S, STOP_NS);
        assert_int_equal(judge_gaps(&judged, -1), 0);
        assert_int_equal(judged.manifest.segments, opened.files);
        // What could not be begun leaves nothing behind; what was given up is cut.
        if (struck == 0 || error == 0 || call == CALL_CREATE || call == CALL_BEGIN)
                assert_int_equal(opened.cut, 0);
        assert_true(opened.cut <= struck);
        judge_done(&judged);
        bench_done(&bench);
        return struck > 0;
}

static int fail_each(enum call call, int times, int error)
{
        const int step = (int)counts_of(5, 2, 1);
        int n = 0;

        while (incident(call, n, times, error))
                n += step;
        return n;
}

static void test_nothing_fails(void **state)
{
        (void)state;
        assert_false(incident(CALL_WRITE, 1 << 30, 1, EIO));
}

static void test_each_write_and_sync(void **state)
{
        (void)state;
        assert_true(fail_each(CALL_WRITE, 1, EIO) > 25);
        assert_true(fail_each(CALL_WRITE, 1, ENOSPC) > 25);
        assert_true(fail_each(CALL_WRITE, 1, 0) > 25);
        assert_true(fail_each(CALL_WRITE, 3, EIO) > 25);
        assert_true(fail_each(CALL_SYNC, 1, EIO) > 25);
        assert_true(fail_each(CALL_CREATE, 1, EIO) > 2);
        assert_true(fail_each(CALL_CREATE, 2, ENOSPC) > 2);
}

// -ENOKEY: no file is there until it can be sealed, and nothing is lost meanwhile.
static void test_what_cannot_be_sealed(void **state)
{
        (void)state;
        for (int times = 1; times <= 5; times += 4) {
                assert_true(fail_each(CALL_BEGIN, times, EIO) > 2);
                assert_true(fail_each(CALL_SEAL, times, EIO) > 20);
        }
        assert_true(fail_each(CALL_FINISH, 1, EIO) > 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_fails),
                cmocka_unit_test(test_each_write_and_sync),
                cmocka_unit_test(test_what_cannot_be_sealed),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
