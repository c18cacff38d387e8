// SPDX-License-Identifier: EUPL-1.2
// Minutes of recording in a store, against what recordings of known bit rates take.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "evidence/minutes.h"

#define S BC_NS_PER_S

// ---- against recordings ------------------------------------------------------------------------------------------

// Of all files of recording 1, and what of them is picture and sound.
static void measure(struct bench *bench, uint64_t *ret_files, uint64_t *ret_payload)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        struct dirent *entry;
        struct judged judged;
        uint64_t sound;
        DIR *folder;
        int fd;

        bc_store_name(bench->store, 1, name);
        fd = openat(bc_store_recordings_fd(bench->store), name, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        folder = fdopendir(fd);
        assert_non_null(folder);
        *ret_files = 0;
        while ((entry = readdir(folder))) {
                struct stat status;

                assert_int_equal(fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW), 0);
                if (S_ISREG(status.st_mode))
                        *ret_files += (uint64_t)status.st_blocks * 512; // what the file system takes for it
        }
        closedir(folder);
        bench_read(bench, 1, &judged);
        sound = judged.units[BC_LANE_SOUND];
        *ret_payload = 0;
        for (size_t i = 0; i < judged.units[BC_LANE_PICTURE]; i++) // 0 to 15 bytes more, at random
                *ret_payload += (judged.unit[BC_LANE_PICTURE][i].sync ? bench->feed.key_bytes : bench->feed.picture_bytes) + 7;
        *ret_payload += sound * (bench->feed.sound_bytes + 7);
        judge_done(&judged);
}

// 60 s in segments of a minute, as they are by default.
static void record(uint32_t bit_rate_bps, unsigned fps)
{
        const uint32_t sound_bps = 96000, pictures_bps = bit_rate_bps - sound_bps;
        struct bc_minutes_rate rate;
        uint64_t files, payload, told;
        struct bench bench;

        bench_defaults(&bench);
        bench.feed.interval_ns = S / fps;
        bench.feed.gop = fps;
        bench.feed.sound_bytes = sound_bps / 8 * 1024 / 48000;
        // A key frame has five times the bytes of another picture.
        bench.feed.picture_bytes = pictures_bps / 8 / (fps + 4);
        bench.feed.key_bytes = 5 * bench.feed.picture_bytes;
        bench.config.pre_event_ns = S;
        bench.config.segment_ns = 60 * S;
        bench.config.fragment_bytes = bit_rate_bps / 8;
        bench_make(&bench);
        bench_run_until(&bench, 110 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 110 * S, "button"), 0);
        bench_run_until(&bench, 169 * S);
        assert_int_equal(bc_recorder_stop(bench.recorder, 169 * S, "button"), 0);
        bench_run_until(&bench, 180 * S);
        measure(&bench, &files, &payload);
        bench_done(&bench);

        // What is told for the very bytes that the units have.
        rate = (struct bc_minutes_rate){ (uint32_t)(payload * 8 / 60) - sound_bps, sound_bps };
        told = bc_minutes_bytes(&rate, 1);
        print_message("%u fps, %u kbit/s: payload %llu, files %llu (%.3f %% more), told %llu (%.3f %% more)\n", fps,
                      bit_rate_bps / 1000, (unsigned long long)payload, (unsigned long long)files,
                      100.0 * ((double)files / (double)payload - 1), (unsigned long long)told,
                      100.0 * ((double)told / (double)payload - 1));
        assert_true(told >= files);            // never more minutes than there are
        assert_true(told < files + files / 10);
        if (bit_rate_bps >= 8000000)
                assert_true(told < files + files / 500);
        // The last minute of a store that holds just this is one, and without a byte of it none.
        assert_int_equal(bc_minutes_left(&rate, told, 0), 1);
        assert_int_equal(bc_minutes_left(&rate, told - 1, 0), 0);
}

static void test_against_recordings(void **state)
{
        (void)state;
        record(8070000, 30);
        record(2000000, 30);
        record(500000, 25);
        record(16000000, 30);
        record(2000000, 60);
}

// ---- arithmetic --------------------------------------------------------------------------------------------------

static const struct bc_minutes_rate usual = { 8000000, 96000 };

static void test_minutes_and_a_reserve(void **state)
{
        const uint64_t minute = bc_minutes_bytes(&usual, 1);

        (void)state;
        // 8.096 Mbit/s are 60.72 MB a minute; 0.162 % of it are more than the measured bytes per second; and 1500 a second.
        assert_int_equal(minute, 60720000 + 98367 + 90000);
        assert_int_equal(bc_minutes_bytes(&usual, 0), 0);
        assert_int_equal(bc_minutes_bytes(&usual, 600), 600 * minute);
        assert_int_equal(bc_minutes_left(&usual, 0, 0), 0);
        assert_int_equal(bc_minutes_left(&usual, 30 * minute, 0), 30);
        assert_int_equal(bc_minutes_left(&usual, 31 * minute - 1, 0), 30);
        assert_int_equal(bc_minutes_left(&usual, 31 * minute, 10), 21);
        assert_int_equal(bc_minutes_left(&usual, 10 * minute, 10), 0);
        assert_int_equal(bc_minutes_left(&usual, 11 * minute - 1, 10), 0);
        assert_int_equal(bc_minutes_left(&usual, 11 * minute, 10), 1);
        assert_int_equal(bc_minutes_left(&usual, 5 * minute, 10), 0);
        assert_int_equal(bc_minutes_left(&usual, 64000000000, 10), 1050 - 10); // a card of 64 GB
}

static void test_bounds(void **state)
{
        const struct bc_minutes_rate rates[] = { { 0, 0 }, { 0, UINT32_MAX }, { UINT32_MAX, 0 }, { UINT32_MAX, UINT32_MAX },
                                                 { 1, 0 }, { 500000, 16000 } };
        const uint64_t rooms[] = { 0, 1, 1000000, UINT64_C(1) << 40, UINT64_MAX - 1, UINT64_MAX };
        const uint32_t reserves[] = { 0, 1, 10, 1000000, UINT32_MAX };

        (void)state;
        for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
                for (size_t n = 0; n < sizeof(rooms) / sizeof(*rooms); n++)
                        for (size_t k = 0; k < sizeof(reserves) / sizeof(*reserves); k++) {
                                uint32_t left = bc_minutes_left(&rates[i], rooms[n], reserves[k]);
                                __extension__ unsigned __int128 taken = (unsigned __int128)bc_minutes_bytes(&rates[i], 1) *
                                                                        ((uint64_t)left + reserves[k]);

                                // What is left fits beside the reserve, and a minute more would not.
                                assert_true(left == 0 || taken <= rooms[n]);
                                assert_true(left == UINT32_MAX || taken + bc_minutes_bytes(&rates[i], 1) > rooms[n]);
                        }
        assert_int_equal(bc_minutes_left(&rates[0], UINT64_MAX, 0), UINT32_MAX);
        assert_int_equal(bc_minutes_bytes(&rates[3], UINT32_MAX), UINT64_MAX);
        assert_true(bc_minutes_bytes(&rates[0], 1) > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_against_recordings),
                cmocka_unit_test(test_minutes_and_a_reserve),
                cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
