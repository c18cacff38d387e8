// SPDX-License-Identifier: EUPL-1.2
#include "judge.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
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

#include "base/file.h"
#include "format/scan.h"

struct reading {
        struct judged *judged;
        int fd;
        uint32_t segment;
        struct bc_init init;
        uint64_t decode_ticks[BC_LANE_COUNT];
        uint8_t head[BC_INIT_BYTES_MAX];
};

static int read_at(void *user, uint64_t offset, void *bytes, size_t n)
{
        struct reading *reading = user;

        return bc_file_read_at(reading->fd, bytes, n, offset);
}

static void add(struct judged *judged, enum bc_lane lane, const struct judged_unit *unit)
{
        if (judged->units[lane] == judged->room[lane]) {
                judged->room[lane] = judged->room[lane] ? 2 * judged->room[lane] : 1024;
                judged->unit[lane] = realloc(judged->unit[lane], judged->room[lane] * sizeof(*unit));
                assert_non_null(judged->unit[lane]);
        }
        judged->unit[lane][judged->units[lane]++] = *unit;
}

static enum bc_lane lane_of(enum bc_track_kind kind)
{
        switch (kind) {
        case BC_TRACK_AVC:
                return BC_LANE_PICTURE;
        case BC_TRACK_AAC:
                return BC_LANE_SOUND;
        case BC_TRACK_TEXT:
                return BC_LANE_TEXT;
        case BC_TRACK_POSITION:
                return BC_LANE_POSITION;
        }
        fail_msg("a track of kind %d", kind);
        return BC_LANE_COUNT;
}

static int on_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        struct reading *reading = user;
        uint64_t at = offset + fragment->header_bytes;

        reading->judged->fragments++;
        for (size_t r = 0; r < fragment->runs; r++) {
                const struct bc_run *run = &fragment->run[r];
                enum bc_lane lane = lane_of(reading->init.track[run->track].kind);
                int64_t ticks = reading->init.label.base_ticks + reading->init.track[run->track].start_ticks +
                                (int64_t)run->decode_ticks, first = ticks;

                for (size_t i = 0; i < run->samples; i++) {
                        uint8_t *bytes = malloc(run->sample[i].size_bytes);
                        struct judged_unit unit = { .segment = reading->segment, .ticks = ticks };

                        assert_non_null(bytes);
                        assert_int_equal(bc_file_read_at(reading->fd, bytes, run->sample[i].size_bytes, at), 0);
                        unit.number = feeder_check(bytes, run->sample[i].size_bytes, lane);
                        unit.duration_ticks = run->sample[i].duration_ticks;
                        unit.sync = run->sample[i].sync;
                        free(bytes);
                        at += run->sample[i].size_bytes;
                        ticks += unit.duration_ticks;
                        add(reading->judged, lane, &unit);
                }
                if (lane == BC_LANE_PICTURE && run->samples > 1 && ticks - first > reading->judged->longest_fragment_ticks)
                        reading->judged->longest_fragment_ticks = ticks - first;
        }
        return 0;
}

static void read_segment(struct judged *judged, int folder_fd, uint32_t number)
{
        struct reading reading = { .judged = judged, .segment = number };
        struct bc_scan_source source = { .read = read_at, .on_fragment = on_fragment, .user = &reading };
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        struct bc_init_layout layout;
        struct bc_scan scan;
        struct stat status;
        size_t n;

        bc_segment_name(number, name);
        reading.fd = openat(folder_fd, name, O_RDONLY);
        assert_true(reading.fd >= 0);
        assert_int_equal(fstat(reading.fd, &status), 0);
        source.size = (uint64_t)status.st_size;
        n = source.size < sizeof(reading.head) ? source.size : sizeof(reading.head);
        assert_int_equal(bc_file_read_at(reading.fd, reading.head, n, 0), 0);
        assert_int_equal(bc_init_parse(reading.head, n, &reading.init, &layout), 0);
        assert_int_equal(bc_scan_file(&source, &scan), 0);
        judged->segments++;
        judged->finished += bc_scan_finished(&scan);
        bc_scan_done(&scan);
        close(reading.fd);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

void judge_read(int recordings_fd, const char *name, struct judged *ret_judged)
{
        int fd = openat(recordings_fd, name, O_RDONLY | O_DIRECTORY);
        struct dirent **entry;
        char path[64];
        int n;

        assert_true(fd >= 0);
        *ret_judged = (struct judged){ 0 };
        bc_manifest_init(&ret_judged->manifest);
        assert_int_equal(bc_manifest_load(&ret_judged->manifest, fd), 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = scandir(path, &entry, NULL, by_name);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
                const char *file = entry[i]->d_name, *dot = strrchr(file, '.');

                if (dot && !strcmp(dot, ".mp4"))
                        read_segment(ret_judged, fd, (uint32_t)strtoul(file, NULL, 10));
                else if (dot && !strcmp(dot, ".tail"))
                        ret_judged->tails++;
                else if (strcmp(file, ".") != 0 && strcmp(file, "..") != 0 && strcmp(file, BC_MANIFEST_NAME) != 0)
                        ret_judged->strangers++;
                free(entry[i]);
        }
        free(entry);
        close(fd);
}

void judge_done(struct judged *judged)
{
        for (int i = 0; i < BC_LANE_COUNT; i++)
                free(judged->unit[i]);
        bc_manifest_done(&judged->manifest);
}

int64_t judge_whole(const struct judged *judged, const struct feeder_config *config)
{
        for (int lane = 0; lane < BC_LANE_COUNT; lane++) {
                const struct judged_unit *unit = judged->unit[lane];

                for (size_t i = 0; i < judged->units[lane]; i++) {
                        int64_t ticks = bc_ticks_from_ns(feeder_time(config, (enum bc_lane)lane, unit[i].number));

                        assert_int_equal(unit[i].ticks, ticks);
                        if (i == 0)
                                continue;
                        if (unit[i].number != unit[i - 1].number + 1)
                                fail_msg("lane %d: unit %llu of segment %u is followed by %llu of segment %u", lane,
                                         (unsigned long long)unit[i - 1].number, unit[i - 1].segment,
                                         (unsigned long long)unit[i].number, unit[i].segment);
                        assert_int_equal(unit[i - 1].ticks + unit[i - 1].duration_ticks, ticks);
                        if (unit[i].segment != unit[i - 1].segment && lane == BC_LANE_PICTURE)
                                assert_true(unit[i].sync);
                }
        }
        assert_true(judged->units[BC_LANE_PICTURE] > 0);
        assert_true(judged->unit[BC_LANE_PICTURE][0].sync);
        return feeder_time(config, BC_LANE_PICTURE, judged->unit[BC_LANE_PICTURE][0].number);
}

unsigned judge_gaps(const struct judged *judged, int kind)
{
        unsigned gaps = 0;

        for (size_t i = 0; i < judged->manifest.gaps; i++)
                gaps += kind < 0 || (int)judged->manifest.gap[i].kind == kind;
        return gaps;
}
