// SPDX-License-Identifier: EUPL-1.2
#include "media/gpmf.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utc.h"

#define DEVICE_BYTES_MAX 63
#define DEVICE_NUMBER 1
#define HEADER_BYTES 8
#define DOP_UNKNOWN 9999
#define UTC_2000_NS (INT64_C(946684800) * 1000000000)
#define UTC_2100_NS (INT64_C(4102444800) * 1000000000)

// What is written stays below BC_GPMF_BYTES_MAX whatever the fix: about 350 bytes with the longest name.
struct gpmf {
        uint8_t *bytes;
        size_t used;
};

static void put_u32(struct gpmf *gpmf, uint32_t value)
{
        for (int shift = 24; shift >= 0; shift -= 8)
                gpmf->bytes[gpmf->used++] = (uint8_t)(value >> shift);
}

// Key, type, bytes of an element, elements; then the elements, filled up to a multiple of four.
static void put_header(struct gpmf *gpmf, const char key[4], char type, size_t element_bytes, size_t elements)
{
        memcpy(gpmf->bytes + gpmf->used, key, 4);
        gpmf->used += 4;
        put_u32(gpmf, (uint32_t)(uint8_t)type << 24 | (uint32_t)element_bytes << 16 | (uint32_t)elements);
}

static void pad(struct gpmf *gpmf)
{
        while (gpmf->used % 4)
                gpmf->bytes[gpmf->used++] = 0;
}

static void put_text(struct gpmf *gpmf, const char key[4], const char *text, size_t bytes)
{
        put_header(gpmf, key, 'c', 1, bytes);
        memcpy(gpmf->bytes + gpmf->used, text, bytes);
        gpmf->used += bytes;
        pad(gpmf);
}

static void put_number(struct gpmf *gpmf, const char key[4], uint32_t value)
{
        put_header(gpmf, key, 'L', 4, 1);
        put_u32(gpmf, value);
}

static size_t open_nest(struct gpmf *gpmf, const char key[4])
{
        put_header(gpmf, key, 0, 1, 0);
        return gpmf->used;
}

static void close_nest(struct gpmf *gpmf, size_t opened)
{
        size_t bytes = gpmf->used - opened;

        gpmf->bytes[opened - 2] = (uint8_t)(bytes >> 8);
        gpmf->bytes[opened - 1] = (uint8_t)bytes;
}

static uint32_t known(int32_t value)
{
        return value == BC_FIX_UNKNOWN ? 0 : (uint32_t)value;
}

// yymmddhhmmss.sss
static void put_utc(struct gpmf *gpmf, int64_t utc_ns)
{
        char iso[BC_UTC_TEXT_BYTES], text[32];
        int ms;

        // Years 20xx alone can be said.
        if (utc_ns < UTC_2000_NS || utc_ns >= UTC_2100_NS || bc_utc_format(utc_ns, iso) < 0)
                return;
        ms = (int)(utc_ns / 1000000 % 1000);
        snprintf(text, sizeof(text), "%.2s%.2s%.2s%.2s%.2s%.2s.%03d", iso + 2, iso + 5, iso + 8, iso + 11, iso + 14, iso + 17,
                 ms);
        put_header(gpmf, "GPSU", 'U', 16, 1);
        memcpy(gpmf->bytes + gpmf->used, text, 16);
        gpmf->used += 16;
}

static void put_position(struct gpmf *gpmf, const struct bc_fix *fix)
{
        static const char units[] = "deg\0deg\0m\0\0\0m/s\0m/s"; // four bytes each
        static const uint32_t scales[5] = { 10000000, 10000000, 1000, 1000, 1000 };
        bool dop = fix->dop_e2 >= 0 && fix->dop_e2 < DOP_UNKNOWN;

        put_utc(gpmf, fix->utc_ns);
        put_header(gpmf, "GPSP", 'S', 2, 1);
        put_u32(gpmf, (uint32_t)(dop ? fix->dop_e2 : DOP_UNKNOWN) << 16);
        put_header(gpmf, "UNIT", 'c', 4, 5);
        memcpy(gpmf->bytes + gpmf->used, units, 20);
        gpmf->used += 20;
        put_header(gpmf, "SCAL", 'l', 4, 5);
        for (int i = 0; i < 5; i++)
                put_u32(gpmf, scales[i]);
        put_header(gpmf, "GPS5", 'l', 20, 1);
        put_u32(gpmf, (uint32_t)fix->lat_e7);
        put_u32(gpmf, (uint32_t)fix->lon_e7);
        put_u32(gpmf, known(fix->alt_mm));
        put_u32(gpmf, known(fix->speed_mm_s));
        put_u32(gpmf, known(fix->speed_mm_s));
}

static void put_single(struct gpmf *gpmf, const char *name, const char *unit, uint32_t scale, const char key[4],
                       int32_t value)
{
        size_t stream;

        if (value == BC_FIX_UNKNOWN)
                return;
        stream = open_nest(gpmf, "STRM");
        put_text(gpmf, "STNM", name, strlen(name));
        put_text(gpmf, "SIUN", unit, strlen(unit));
        put_number(gpmf, "SCAL", scale);
        put_header(gpmf, key, 'l', 4, 1);
        put_u32(gpmf, (uint32_t)value);
        close_nest(gpmf, stream);
}

size_t bc_gpmf_write(const char *device, const struct bc_fix *fix, uint8_t bytes[BC_GPMF_BYTES_MAX])
{
        struct gpmf gpmf = { .bytes = bytes };
        size_t whole = open_nest(&gpmf, "DEVC"), stream;

        put_number(&gpmf, "DVID", DEVICE_NUMBER);
        put_text(&gpmf, "DVNM", device, strnlen(device, DEVICE_BYTES_MAX));
        stream = open_nest(&gpmf, "STRM");
        put_text(&gpmf, "STNM", "GNSS", 4);
        put_number(&gpmf, "GPSF", fix->mode == BC_FIX_3D ? 3 : fix->mode == BC_FIX_2D ? 2 : 0);
        if (fix->mode != BC_FIX_NONE)
                put_position(&gpmf, fix);
        close_nest(&gpmf, stream);
        if (fix->mode != BC_FIX_NONE) {
                put_single(&gpmf, "Course over ground, true", "deg", 100, "Crse", fix->course_cdeg);
                put_single(&gpmf, "Horizontal accuracy, 95 %", "m", 1000, "Accu", fix->accuracy_mm);
        }
        close_nest(&gpmf, whole);
        return gpmf.used;
}
