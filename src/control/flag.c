// SPDX-License-Identifier: EUPL-1.2
#include "control/flag.h"

const char *bc_flag_name(enum bc_flag flag)
{
        static const char *const names[BC_FLAG_BITS] = {
                "no-picture", "no-audio", "storage-trouble", "not-durable", "post-event",
                "wanted",     "cannot-record", "time-unset", "no-gnss",     "muted",
                "stealth",    "storage-low",   "storage-full", "battery-low", "button-stuck",
                "signatures-pending", "unsigned", "ledger-trouble",
        };

        for (unsigned bit = 0; bit < BC_FLAG_BITS; bit++)
                if ((unsigned)flag == 1u << bit)
                        return names[bit];
        return "?";
}
