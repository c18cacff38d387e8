// SPDX-License-Identifier: EUPL-1.2
#include "media/caption.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"
#include "bodycam/time.h"
#include "media/overlay_text.h"

#define NAME_BYTES_MAX 64

struct caption {
        char *text;
        size_t room, used;
};

// What does not fit is left out; with the bounds on names everything fits.
__attribute__((format(printf, 2, 3))) static void put(struct caption *caption, const char *format, ...)
{
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(caption->text + caption->used, caption->room - caption->used, format, arguments);
        va_end(arguments);
        if (n > 0)
                caption->used += (size_t)n < caption->room - caption->used ? (size_t)n : caption->room - caption->used - 1;
}

static void put_name(struct caption *caption, const char *name)
{
        size_t from = caption->used;

        if (!name[0])
                return;
        put(caption, " %.*s", NAME_BYTES_MAX, name);
        for (; from < caption->used; from++)
                if (caption->text[from] == ':')
                        caption->text[from] = '.';
}

static void put_time(struct caption *caption, const struct bc_moment *moment)
{
        int64_t within_ms = moment->uncertainty_ns / BC_NS_PER_MS + 1;
        char utc[BC_UTC_TEXT_BYTES];

        if (moment->source == BC_UTC_NONE || bc_utc_format(moment->utc_ns, utc) < 0) {
                put(caption, "TIME NOT SET");
                return;
        }
        put(caption, "%.10s %.2s%.2s%.2sZ within %" PRId64 ".%03d s of %s", utc, utc + 11, utc + 14, utc + 17, within_ms / 1000,
            (int)(within_ms % 1000), bc_utc_source_name(moment->source));
}

static void put_marks(struct caption *caption, uint32_t marks)
{
        for (unsigned bit = 0; bit < BC_MARK_BITS; bit++)
                if (marks & 1u << bit)
                        put(caption, " %s", bc_overlay_text_mark(bit));
}

static void put_clock(struct caption *caption, const struct bc_moment *moment, const struct bc_moment *before)
{
        int64_t step_ms;

        if (!before || bc_moment_clock_goes_on(before, moment))
                return;
        if (moment->source == BC_UTC_NONE) {
                put(caption, "\nCLOCK LOST");
        } else if (before->source == BC_UTC_NONE) {
                put(caption, "\nCLOCK SET");
        } else {
                step_ms = bc_moment_utc_step_ns(before, moment) / BC_NS_PER_MS;
                put(caption, "\nCLOCK SET by %c%" PRId64 ".%03d s", step_ms < 0 ? '-' : '+',
                    (step_ms < 0 ? -step_ms : step_ms) / 1000, (int)((step_ms < 0 ? -step_ms : step_ms) % 1000));
        }
}

static void put_degrees(struct caption *caption, const char *name, int32_t e7)
{
        int32_t e6 = bc_fix_e6(e7);

        put(caption, "%s:%s%d.%06d", name, e6 < 0 ? "-" : "", abs(e6) / 1000000, abs(e6) % 1000000);
}

static void put_position(struct caption *caption, const struct bc_fix *fix)
{
        if (fix->mode == BC_FIX_NONE) {
                put(caption, "\nNO FIX");
                return;
        }
        if (bc_fix_accuracy_m(fix) >= 0)
                put(caption, "\nwithin %d m", bc_fix_accuracy_m(fix));
        else
                put(caption, "\naccuracy not known");
        if (fix->speed_mm_s != BC_FIX_UNKNOWN)
                put(caption, ", %d.%d m/s", fix->speed_mm_s / 1000, fix->speed_mm_s / 100 % 10);
        if (fix->course_cdeg != BC_FIX_UNKNOWN)
                put(caption, ", course %d", (fix->course_cdeg + 50) / 100 % 360);
        put(caption, "\n");
        put_degrees(caption, "Lat", fix->lat_e7);
        put(caption, " ");
        put_degrees(caption, "Lon", fix->lon_e7);
        if (fix->alt_mm != BC_FIX_UNKNOWN)
                put(caption, " Alt:%s%d.%d", fix->alt_mm < 0 ? "-" : "", (fix->alt_mm < 0 ? -fix->alt_mm : fix->alt_mm) / 1000,
                    (fix->alt_mm < 0 ? -fix->alt_mm : fix->alt_mm) / 100 % 10);
}

size_t bc_caption_write(const char *device, const char *unit, bool gnss, const struct bc_moment *moment,
                        const struct bc_moment *before, uint8_t bytes[BC_CAPTION_BYTES_MAX])
{
        struct caption caption = { .text = (char *)bytes + 2, .room = BC_CAPTION_BYTES_MAX - 2 };

        put_time(&caption, moment);
        put_name(&caption, device);
        put_name(&caption, unit);
        put_marks(&caption, moment->marks);
        put_clock(&caption, moment, before);
        if (gnss)
                put_position(&caption, &moment->fix);
        bytes[0] = (uint8_t)(caption.used >> 8);
        bytes[1] = (uint8_t)caption.used;
        return caption.used + 2;
}
