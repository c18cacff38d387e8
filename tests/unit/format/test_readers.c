// SPDX-License-Identifier: EUPL-1.2
// A real encode in, ffprobe's packet list out: the same packets at the same times, in every state of the file.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavformat/avformat.h>
#include <libavutil/md5.h>

#include "format/finalise.h"
#include "format/scan.h"

#define PACKETS_MAX 2000
#define FRAGMENT_TICKS 24000

struct packet {
        uint8_t *bytes;
        uint32_t size;
        uint32_t duration;
        bool key;
        char md5[33];
};

struct clip {
        struct bc_init init;
        struct packet packet[2][PACKETS_MAX]; // [0] picture, [1] sound
        size_t packets[2];
};

struct output {
        FILE *file;
        struct bc_init_layout layout;
        struct bc_sample_table table;
        uint64_t end;
};

static char folder[] = "/tmp/bc-readers-XXXXXX";

static void describe(struct bc_track *track, const AVCodecParameters *codec)
{
        *track = (struct bc_track){ .kind = codec->codec_type == AVMEDIA_TYPE_VIDEO ? BC_TRACK_AVC : BC_TRACK_AAC };
        if (track->kind == BC_TRACK_AVC) {
                track->width_px = (uint32_t)codec->width;
                track->height_px = (uint32_t)codec->height;
        } else {
                track->channels = (uint32_t)codec->ch_layout.nb_channels;
                track->bit_rate_bps = (uint32_t)codec->bit_rate;
        }
        track->config_bytes = (size_t)codec->extradata_size;
        assert_true(track->config_bytes <= sizeof(track->config));
        memcpy(track->config, codec->extradata, track->config_bytes);
}

static void take(struct clip *clip, size_t track, const AVPacket *packet)
{
        struct packet *p = &clip->packet[track][clip->packets[track]++];
        uint8_t digest[16];
        assert_true(clip->packets[track] < PACKETS_MAX);
        p->size = (uint32_t)packet->size;
        p->bytes = malloc(p->size);
        memcpy(p->bytes, packet->data, p->size);
        p->duration = (uint32_t)packet->duration;
        p->key = packet->flags & AV_PKT_FLAG_KEY;
        av_md5_sum(digest, packet->data, p->size);
        for (size_t i = 0; i < 16; i++)
                snprintf(p->md5 + 2 * i, 3, "%02x", digest[i]);
}

// Pictures at uneven times, with a slice of libx264's scenes; sound in stereo.
static void encode(struct clip *clip)
{
        char command[1000], path[200];
        snprintf(path, sizeof(path), "%s/source.mp4", folder);
        snprintf(command, sizeof(command),
                 "ffmpeg -v error -y -f lavfi -i testsrc2=s=320x240:r=30:d=6 -f lavfi -i sine=440:r=48000:d=6 "
                 "-vf \"setpts='PTS+floor(mod(N*7,5))*0.003/TB'\" -fps_mode passthrough -c:v libx264 "
                 "-preset veryfast -g 30 -bf 0 -tune zerolatency -pix_fmt yuv420p -c:a aac -ac 2 -b:a 64k "
                 "-video_track_timescale 48000 %s", path);
        assert_int_equal(system(command), 0);

        AVFormatContext *input = NULL;
        assert_int_equal(avformat_open_input(&input, path, NULL, NULL), 0);
        assert_true(avformat_find_stream_info(input, NULL) >= 0);
        assert_int_equal(input->nb_streams, 2);
        memset(&clip->init, 0, sizeof(clip->init));
        clip->init.tracks = 2;
        clip->init.label.segment = 1;
        for (unsigned i = 0; i < 2; i++)
                describe(&clip->init.track[i], input->streams[i]->codecpar);
        AVPacket *packet = av_packet_alloc();
        int64_t pts[2] = { 0 };
        while (av_read_frame(input, packet) >= 0) {
                size_t track = (size_t)packet->stream_index;
                assert_int_equal(packet->pts, packet->dts);
                if (clip->packets[track] > 0)
                        clip->packet[track][clip->packets[track] - 1].duration = (uint32_t)(packet->pts - pts[track]);
                pts[track] = packet->pts;
                take(clip, track, packet);
                av_packet_unref(packet);
        }
        av_packet_free(&packet);
        avformat_close_input(&input);
        assert_true(clip->packets[0] == 180 && clip->packets[1] > 250);
}

static void write_fragment(struct output *output, const struct clip *clip, const size_t from[2], const size_t to[2])
{
        static uint8_t bytes[1 << 20];
        struct bc_sample sample[2][PACKETS_MAX];
        struct bc_run run[2];
        size_t runs = 0, n = BC_FRAGMENT_HEADER_BYTES_MAX(2 * PACKETS_MAX), header, start = n;
        for (uint32_t t = 0; t < 2; t++) {
                for (size_t i = from[t]; i < to[t]; i++) {
                        const struct packet *p = &clip->packet[t][i];
                        sample[t][i - from[t]] = (struct bc_sample){ p->duration, p->size, p->key };
                        assert_true(n + p->size <= sizeof(bytes));
                        memcpy(bytes + n, p->bytes, p->size);
                        n += p->size;
                }
                if (to[t] > from[t])
                        run[runs++] = (struct bc_run){ t, output->table.track[t].duration_ticks, sample[t],
                                                       to[t] - from[t] };
        }
        if (runs == 0)
                return;
        uint32_t sequence = output->table.fragments + 1;
        start -= bc_fragment_header_bytes(run, runs);
        assert_int_equal(bc_fragment_build(sequence, run, runs, bytes + start, n - start, &header), 0);
        assert_int_equal(bc_sample_table_add(&output->table, output->end, sequence, run, runs), 0);
        assert_int_equal(fwrite(bytes + start, 1, n - start, output->file), n - start);
        output->end += n - start;
        assert_int_equal(output->end, output->table.end_offset);
}

static void write_segment(struct output *output, const struct clip *clip, const char *path)
{
        uint8_t head[BC_INIT_BYTES_MAX];
        struct bc_init parsed;
        size_t n, next[2] = { 0 };
        *output = (struct output){ .file = fopen(path, "w+be") };
        assert_non_null(output->file);
        assert_int_equal(bc_init_write(&clip->init, head, sizeof(head), &n), 0);
        assert_int_equal(bc_init_parse(head, n, &parsed, &output->layout), 0);
        assert_int_equal(fwrite(head, 1, n, output->file), n);
        output->end = n;
        bc_sample_table_init(&output->table, 2);
        for (int64_t until = FRAGMENT_TICKS; next[0] < clip->packets[0] || next[1] < clip->packets[1];
             until += FRAGMENT_TICKS) {
                size_t from[2] = { next[0], next[1] };
                for (size_t t = 0; t < 2; t++) {
                        int64_t at = clip->init.track[t].start_ticks + (int64_t)output->table.track[t].duration_ticks;
                        for (; next[t] < clip->packets[t] && at < until; next[t]++)
                                at += clip->packet[t][next[t]].duration;
                }
                write_fragment(output, clip, from, next);
        }
        assert_int_equal(fflush(output->file), 0);
}

// One packet as ffprobe tells it, "key=value" by line. False at the end.
static bool next_packet(FILE *probe, long long *pts, long long *dts, unsigned *size, char *flags, char *md5)
{
        char line[400];
        while (fgets(line, sizeof(line), probe) && strcmp(line, "[/PACKET]\n") != 0) {
                sscanf(line, "pts=%lld", pts);
                sscanf(line, "dts=%lld", dts);
                sscanf(line, "size=%u", size);
                sscanf(line, "flags=%c", flags);
                sscanf(line, "data_hash=MD5:%32[0-9a-f]", md5);
        }
        return !feof(probe);
}

// ffprobe's packets of one track are the clip's, each with the clip's time.
static void check_packets(const struct clip *clip, const char *path, size_t track, const char *expected_complaint)
{
        char command[600], complaint[300] = "";
        snprintf(command, sizeof(command),
                 "ffprobe -v warning -select_streams %zu -show_data_hash MD5 "
                 "-show_entries packet=pts,dts,size,flags,data_hash -of default %s 2>%s/complaint", track, path, folder);
        FILE *probe = popen(command, "re");
        assert_non_null(probe);
        int64_t at = clip->init.track[track].start_ticks;
        size_t n = 0;
        long long pts = INT64_MIN, dts = INT64_MIN;
        unsigned size = 0;
        char flags = 0, md5[33] = "";
        while (next_packet(probe, &pts, &dts, &size, &flags, md5)) {
                assert_true(n < clip->packets[track]);
                const struct packet *p = &clip->packet[track][n++];
                assert_int_equal(pts, at);
                assert_int_equal(dts, at);
                assert_int_equal(size, p->size);
                assert_int_equal(flags == 'K', p->key);
                assert_string_equal(md5, p->md5);
                at += p->duration;
        }
        assert_int_equal(pclose(probe), 0);
        assert_int_equal(n, clip->packets[track]);

        snprintf(command, sizeof(command), "%s/complaint", folder);
        FILE *complaints = fopen(command, "re");
        assert_non_null(complaints);
        while (fgets(complaint, sizeof(complaint), complaints))
                if (!expected_complaint || !strstr(complaint, expected_complaint))
                        fail_msg("ffprobe on %s: %s", path, complaint);
        fclose(complaints);
}

static int read_file(void *user, uint64_t offset, void *bytes, size_t n)
{
        struct output *output = user;
        if (fseek(output->file, (long)offset, SEEK_SET) != 0 || fread(bytes, 1, n, output->file) != n)
                return -EIO;
        return 0;
}

static void check_scan(struct output *output, enum bc_moov_state moov, bool finished)
{
        struct bc_scan scan;
        assert_int_equal(fseek(output->file, 0, SEEK_END), 0);
        struct bc_scan_source source = { .read = read_file, .size = (uint64_t)ftell(output->file), .user = output };
        assert_int_equal(bc_scan_file(&source, &scan), 0);
        assert_int_equal(scan.table.fragments, output->table.fragments);
        assert_int_equal(scan.fragments_end, output->end);
        assert_int_equal(scan.moov, moov);
        assert_int_equal(bc_scan_finished(&scan), finished);
        bc_scan_done(&scan);
}

static void check_starting_at(struct clip *clip, int64_t start_ticks)
{
        char path[200];
        struct output output;
        clip->init.track[1].start_ticks = start_ticks;
        snprintf(path, sizeof(path), "%s/segment%lld.mp4", folder, (long long)start_ticks);
        write_segment(&output, clip, path);
        check_scan(&output, BC_MOOV_NONE, false);
        check_packets(clip, path, 0, NULL);
        check_packets(clip, path, 1, NULL);

        size_t bytes = bc_finalise_bytes(&clip->init, &output.table), built;
        uint8_t *moov = malloc(bytes), patch[BC_PATCH_BYTES];
        assert_int_equal(bc_finalise_build(&clip->init, &output.table, moov, bytes, &built), 0);
        assert_int_equal(fseek(output.file, (long)output.end, SEEK_SET), 0);
        assert_int_equal(fwrite(moov, 1, built, output.file), built);
        assert_int_equal(fflush(output.file), 0);
        free(moov);
        check_scan(&output, BC_MOOV_WHOLE, false);
        check_packets(clip, path, 0, "duplicated MOOV");
        check_packets(clip, path, 1, "duplicated MOOV");

        assert_int_equal(bc_finalise_patch(&output.layout, output.end, patch), 0);
        assert_int_equal(fseek(output.file, (long)output.layout.moov_offset, SEEK_SET), 0);
        assert_int_equal(fwrite(patch, 1, sizeof(patch), output.file), sizeof(patch));
        assert_int_equal(fflush(output.file), 0);
        check_scan(&output, BC_MOOV_WHOLE, true);
        check_packets(clip, path, 0, NULL);
        check_packets(clip, path, 1, NULL);
        bc_sample_table_done(&output.table);
        fclose(output.file);
}

static void test_ffprobe_sees_what_was_encoded(void **state)
{
        static const int64_t starts[] = { 0, 480, -480, -1024, 1440000 };
        for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
                check_starting_at(*state, starts[i]);
}

static int setup(void **state)
{
        struct clip *clip = calloc(1, sizeof(*clip));
        if (!clip || !mkdtemp(folder))
                return -1;
        *state = clip;
        encode(clip);
        return 0;
}

static int teardown(void **state)
{
        struct clip *clip = *state;
        char command[200];
        for (size_t t = 0; t < 2; t++)
                for (size_t i = 0; i < clip->packets[t]; i++)
                        free(clip->packet[t][i].bytes);
        free(clip);
        snprintf(command, sizeof(command), "rm -r %s", folder);
        return system(command);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ffprobe_sees_what_was_encoded),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
