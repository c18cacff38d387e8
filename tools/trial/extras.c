// SPDX-License-Identifier: EUPL-1.2
#include "extras.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"

#define TEXT_TRACK 2
#define POSITION_TRACK 3
#define SAMPLE_BYTES_MAX 512
#define SILENT_SECOND 3 // its cue is empty

static int32_t latitude_e7(unsigned second)
{
        return 593293000 + 1000 * (int32_t)second;
}

static int32_t longitude_e7(unsigned second)
{
        return 180686000 - 2000 * (int32_t)second;
}

static int32_t altitude_mm(unsigned second)
{
        return 12300 + 100 * (int32_t)second;
}

static void put_text(struct bc_writer *w, unsigned second)
{
        char text[SAMPLE_BYTES_MAX] = "";
        int n = 0;
        if (second != SILENT_SECOND)
                n = snprintf(text, sizeof(text), "2026-11-26 0112%02uZ TEST-1 REC\nLat:%d.%06d Lon:%d.%06d Alt:%d.%d",
                             14 + second % 46, latitude_e7(second) / 10000000, latitude_e7(second) % 10000000 / 10,
                             longitude_e7(second) / 10000000, longitude_e7(second) % 10000000 / 10,
                             altitude_mm(second) / 1000, altitude_mm(second) % 1000 / 100);
        bc_put_u16(w, (uint16_t)n);
        bc_put_bytes(w, text, (size_t)n);
}

// GPMF: key, type, size of one, number; what follows is filled up to four bytes.
static void put_klv(struct bc_writer *w, const char key[4], char type, uint8_t size, uint16_t count)
{
        bc_put_bytes(w, key, 4);
        bc_put_u8(w, (uint8_t)type);
        bc_put_u8(w, size);
        bc_put_u16(w, count);
}

static void put_gps_stream(struct bc_writer *w, unsigned second)
{
        static const int32_t scale[] = { 10000000, 10000000, 1000, 1000, 100 };
        const int32_t value[] = { latitude_e7(second), longitude_e7(second), altitude_mm(second), 1500, 150 };
        char utc[17];
        put_klv(w, "GPSF", 'L', 4, 1);
        bc_put_u32(w, 3); // 3D
        snprintf(utc, sizeof(utc), "2611260112%02u.000", 14 + second % 46);
        put_klv(w, "GPSU", 'U', 16, 1);
        bc_put_bytes(w, utc, 16);
        put_klv(w, "GPSP", 'S', 2, 1);
        bc_put_u32(w, 250u << 16); // 2.50 and two bytes of filling
        put_klv(w, "SCAL", 'l', 4, 5);
        for (size_t i = 0; i < 5; i++)
                bc_put_u32(w, (uint32_t)scale[i]);
        put_klv(w, "GPS5", 'l', 20, 1);
        for (size_t i = 0; i < 5; i++)
                bc_put_u32(w, (uint32_t)value[i]);
}

static void put_gpmf(struct bc_writer *w, unsigned second)
{
        struct bc_writer measure = bc_writer_measuring();
        put_gps_stream(&measure, second);
        uint16_t stream_bytes = (uint16_t)measure.used;
        put_klv(w, "DEVC", 0, 1, (uint16_t)(12 + 16 + 8 + stream_bytes));
        put_klv(w, "DVID", 'L', 4, 1);
        bc_put_u32(w, 1);
        put_klv(w, "DVNM", 'c', 1, 6);
        bc_put_bytes(w, "TEST-1\0\0", 8);
        put_klv(w, "STRM", 0, 1, stream_bytes);
        put_gps_stream(w, second);
}

static int add_sample(struct clip *clip, size_t t, unsigned second, uint32_t duration_ticks)
{
        struct bc_writer w = bc_writer_on(malloc(SAMPLE_BYTES_MAX), SAMPLE_BYTES_MAX);
        if (!w.bytes)
                return -ENOMEM;
        if (t == TEXT_TRACK)
                put_text(&w, second);
        else
                put_gpmf(&w, second);
        clip->packet[t][clip->packets[t]++] = (struct packet){ .bytes = w.bytes, .size_bytes = (uint32_t)w.used,
                                                               .duration_ticks = duration_ticks, .key = true };
        return 0;
}

static int add_samples(struct clip *clip, size_t t)
{
        uint64_t left = 0;
        for (size_t i = 0; i < clip->packets[0]; i++)
                left += clip->packet[0][i].duration_ticks;
        clip->packet[t] = calloc(left / BC_TICKS_PER_S + 1, sizeof(struct packet));
        if (!clip->packet[t])
                return -ENOMEM;
        int r = 0;
        for (unsigned second = 0; r == 0 && left > 0; second++) {
                uint32_t duration = left < BC_TICKS_PER_S ? (uint32_t)left : BC_TICKS_PER_S;
                r = add_sample(clip, t, second, duration);
                left -= duration;
        }
        return r;
}

int clip_add_extras(struct clip *clip, bool empty)
{
        struct bc_init *init = &clip->init;
        if (init->tracks != TEXT_TRACK)
                return -EINVAL;
        init->tracks = CLIP_TRACKS;
        init->track[TEXT_TRACK] = (struct bc_track){ .kind = BC_TRACK_TEXT };
        init->track[POSITION_TRACK] = (struct bc_track){ .kind = BC_TRACK_POSITION };
        snprintf(init->about.make, sizeof(init->about.make), "Öpen Make");
        snprintf(init->about.model, sizeof(init->about.model), "Model 1");
        snprintf(init->about.location, sizeof(init->about.location), "+59.3293+018.0686+012.3/");
        init->created_unix_s = 1795655534;
        int r = empty ? 0 : add_samples(clip, TEXT_TRACK);
        return r < 0 || empty ? r : add_samples(clip, POSITION_TRACK);
}
