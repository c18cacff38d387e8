// SPDX-License-Identifier: EUPL-1.2
#include "media/overlay_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"

void bc_overlay_text_time(const struct bc_moment *moment, char ret_text[BC_OVERLAY_TEXT_BYTES])
{
        if (moment->source == BC_UTC_NONE || bc_utc_format(moment->utc_ns, ret_text) < 0)
                memcpy(ret_text, BC_OVERLAY_NO_TIME, sizeof(BC_OVERLAY_NO_TIME));
}

struct degrees {
        const char *sign;
        uint32_t whole, millionths;
};

static struct degrees degrees(int32_t value_e7)
{
        int32_t value_e6 = bc_fix_e6(value_e7);
        uint32_t size_e6 = (uint32_t)abs(value_e6);

        return (struct degrees){ value_e6 < 0 ? "-" : "", size_e6 / 1000000, size_e6 % 1000000 };
}

void bc_overlay_text_position(const struct bc_moment *moment, char ret_text[BC_OVERLAY_TEXT_BYTES])
{
        const struct bc_fix *fix = &moment->fix;
        struct degrees lat = degrees(fix->lat_e7), lon = degrees(fix->lon_e7);
        char accuracy[16] = "?";

        if (fix->mode == BC_FIX_NONE) {
                memcpy(ret_text, BC_OVERLAY_NO_FIX, sizeof(BC_OVERLAY_NO_FIX));
                return;
        }
        if (bc_fix_accuracy_m(fix) >= 0)
                snprintf(accuracy, sizeof(accuracy), "%d m", bc_fix_accuracy_m(fix));
        snprintf(ret_text, BC_OVERLAY_TEXT_BYTES, "%s%u.%06u %s%u.%06u ±%s", lat.sign, lat.whole, lat.millionths,
                 lon.sign, lon.whole, lon.millionths, accuracy);
}

const char *bc_overlay_text_mark(unsigned bit)
{
        switch (1u << bit) {
        case BC_MARK_REC:
                return "REC";
        case BC_MARK_EMERGENCY:
                return "EMERGENCY";
        case BC_MARK_MUTED:
                return "MUTED";
        default:
                return "";
        }
}
