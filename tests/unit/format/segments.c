// SPDX-License-Identifier: EUPL-1.2
#include "segments.h"

#include <stdlib.h>
#include <string.h>

#include "format/record.h"

// What libx264 says of 320x240, Constrained Baseline 1.3.
static const uint8_t avc_config[] = { 0x01, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0x00, 0x17, 0x67, 0x42, 0xc0, 0x0d, 0xda,
                                      0x05, 0x07, 0xec, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0f,
                                      0x23, 0xc5, 0x0a, 0xa8, 0x01, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80 };
static const uint8_t aac_config[] = { 0x11, 0x88, 0x56, 0xe5, 0x00 };

#define TRACKS 4

uint32_t segment_random(uint32_t *state, uint32_t below)
{
        *state = *state * 1664525u + 1013904223u;
        return (uint32_t)((uint64_t)*state * below >> 32);
}

struct bc_run segment_run(uint32_t track, uint64_t decode_ticks, const struct bc_sample *sample, size_t samples)
{
        return (struct bc_run){ .track = track, .decode_ticks = decode_ticks, .sample = sample, .samples = samples };
}

struct bc_init segment_init(int64_t start_ticks)
{
        struct bc_init init = { .tracks = 2, .created_unix_s = 1800000000 };
        memcpy(init.label.device, "BC-0042", 8);
        memcpy(init.label.recording, "BC-0042-000017", 15);
        init.label.segment = 3;
        init.label.base_ticks = INT64_C(0x123456789a);
        memset(init.label.boot_id, 0xb0, BC_BOOT_ID_BYTES);
        init.track[0] = (struct bc_track){ .kind = BC_TRACK_AVC, .width_px = 320, .height_px = 240 };
        memcpy(init.track[0].config, avc_config, sizeof(avc_config));
        init.track[0].config_bytes = sizeof(avc_config);
        init.track[1] = (struct bc_track){ .kind = BC_TRACK_AAC, .channels = 1, .bit_rate_bps = 64000,
                                           .start_ticks = start_ticks };
        memcpy(init.track[1].config, aac_config, sizeof(aac_config));
        init.track[1].config_bytes = sizeof(aac_config);
        return init;
}

struct bc_init segment_init_full(int64_t start_ticks)
{
        struct bc_init init = segment_init(start_ticks);
        init.tracks = TRACKS;
        init.track[2] = (struct bc_track){ .kind = BC_TRACK_TEXT };
        init.track[3] = (struct bc_track){ .kind = BC_TRACK_POSITION };
        memcpy(init.about.make, "\xc3\x96pen", 5);
        memcpy(init.about.model, "Body 1", 6);
        memcpy(init.about.location, "+59.3293+018.0686+012.3/", 24);
        return init;
}

void segment_append(struct segment *segment, const void *bytes, size_t n)
{
        if (n > segment->room - segment->size) {
                segment->room = 2 * segment->room + n;
                segment->bytes = realloc(segment->bytes, segment->room);
                if (!segment->bytes)
                        abort();
        }
        memcpy(segment->bytes + segment->size, bytes, n);
        segment->size += n;
}

static void box_done(struct segment *segment, bool fragment)
{
        if (segment->boxes == SEGMENT_BOXES_MAX)
                abort();
        segment->box_end[segment->boxes] = segment->size;
        segment->box_is_fragment[segment->boxes++] = fragment;
}

static void append_record(struct segment *segment)
{
        uint8_t box[BC_RECORD_BYTES_MAX];
        size_t payload = segment->random ? segment_random(&segment->random, 300) : 40;
        memset(box, 0x5e, sizeof(box));
        if (bc_record_header(payload, box) < 0)
                abort();
        segment_append(segment, box, BC_RECORD_HEADER_BYTES + payload);
        box_done(segment, false);
}

static size_t track_of(char kind)
{
        return kind == 'a' ? 1 : kind == 't' ? 2 : kind == 'g' ? 3 : 0;
}

static struct bc_sample sample_of(struct segment *segment, char kind)
{
        static const uint32_t duration_ticks[TRACKS] = { 1600, 1024, 48000, 48000 }, size_bytes[] = { 90, 17, 25, 40 };
        struct bc_sample sample = { .duration_ticks = duration_ticks[track_of(kind)],
                                    .size_bytes = kind == 'P' ? 30 : size_bytes[track_of(kind)],
                                    .sync = kind != 'P' };
        if (segment->random) {
                sample.size_bytes = 1 + segment_random(&segment->random, 400);
                if (kind != 'a' && segment_random(&segment->random, 3) == 0)
                        sample.duration_ticks = 1 + segment_random(&segment->random, 5000);
        }
        return sample;
}

static void append_fragment(struct segment *segment, const char *word, size_t n)
{
        struct bc_sample sample[TRACKS][SEGMENT_BOXES_MAX];
        size_t samples[TRACKS] = { 0 }, runs = 0, header_bytes;
        struct bc_run run[TRACKS];
        uint64_t payload;

        for (size_t i = 0; i < n; i++) {
                size_t track = track_of(word[i]);
                sample[track][samples[track]++] = sample_of(segment, word[i]);
        }
        for (uint32_t i = 0; i < TRACKS; i++)
                if (samples[i] > 0)
                        run[runs++] = segment_run(i, segment->table.track[i].duration_ticks, sample[i], samples[i]);
        uint8_t header[BC_FRAGMENT_HEADER_BYTES_MAX(TRACKS * SEGMENT_BOXES_MAX)];
        if (bc_fragment_check(run, runs, &payload) < 0 ||
            bc_fragment_build(segment->table.fragments + 1, run, runs, header, sizeof(header), &header_bytes) < 0 ||
            bc_sample_table_add(&segment->table, segment->size, segment->table.fragments + 1, run, runs) < 0)
                abort();
        segment_append(segment, header, header_bytes);
        for (uint64_t i = 0; i < payload; i++)
                segment_append(segment, &(uint8_t){ (uint8_t)(segment->size * 7) }, 1);
        box_done(segment, true);
}

void segment_write(struct segment *segment, const struct bc_init *init, uint32_t random, const char *words)
{
        uint8_t head[BC_INIT_BYTES_MAX];
        size_t head_bytes;
        struct bc_init parsed;

        *segment = (struct segment){ .init = *init, .random = random };
        bc_sample_table_init(&segment->table, init);
        if (bc_init_write(init, head, sizeof(head), &head_bytes) < 0 ||
            bc_init_parse(head, head_bytes, &parsed, &segment->layout) < 0)
                abort();
        segment_append(segment, head, head_bytes);
        for (size_t n; *words; words += n) {
                n = strcspn(words, " ");
                if (n == 0)
                        n = 1;
                else if (*words == 'R')
                        append_record(segment);
                else
                        append_fragment(segment, words, n);
        }
}

void segment_done(struct segment *segment)
{
        bc_sample_table_done(&segment->table);
        free(segment->bytes);
        *segment = (struct segment){ 0 };
}

void segment_append_moov(struct segment *segment)
{
        size_t bytes = bc_finalise_bytes(&segment->init, &segment->table), built;
        uint8_t *moov = malloc(bytes);
        if (!moov || bc_finalise_build(&segment->init, &segment->table, moov, bytes, &built) < 0 || built != bytes)
                abort();
        segment_append(segment, moov, built);
        free(moov);
}

void segment_patch(struct segment *segment, uint64_t moov_offset)
{
        if (bc_finalise_patch(&segment->layout, moov_offset, segment->bytes + segment->layout.moov_offset) < 0)
                abort();
}

struct view {
        const uint8_t *bytes;
        size_t size;
};

static int read_view(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct view *view = user;
        if (offset > view->size || n > view->size - offset)
                abort(); // the scan promises not to
        memcpy(bytes, view->bytes + offset, n);
        return 0;
}

int segment_scan(const struct segment *segment, size_t size, struct bc_scan *ret_scan)
{
        struct view view = { segment->bytes, size };
        struct bc_scan_source source = { .read = read_view, .size = size, .user = &view };
        return bc_scan_file(&source, ret_scan);
}
