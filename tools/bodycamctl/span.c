// SPDX-License-Identifier: EUPL-1.2
#include "span.h"

#include <inttypes.h>
#include <stdio.h>

#include "bodycam/time.h"

#define FORMAT(span, ...) snprintf((span).text, sizeof((span).text), __VA_ARGS__)

struct bc_span bc_span_of_ns(int64_t span_ns)
{
        int64_t tenths = span_ns > 0 ? span_ns / (BC_NS_PER_S / 10) : 0, s = tenths / 10;
        struct bc_span span;

        if (s < 60)
                FORMAT(span, "%" PRId64 ".%" PRId64 " s", s, tenths % 10);
        else if (s < 3600)
                FORMAT(span, "%" PRId64 " min %02" PRId64 " s", s / 60, s % 60);
        else
                return bc_span_of_minutes(s / 60);
        return span;
}

struct bc_span bc_span_of_minutes(int64_t minutes)
{
        struct bc_span span;

        if (minutes < 60)
                FORMAT(span, "%" PRId64 " min", minutes > 0 ? minutes : 0);
        else if (minutes < 48 * 60)
                FORMAT(span, "%" PRId64 " h %02" PRId64 " min", minutes / 60, minutes % 60);
        else
                FORMAT(span, "%" PRId64 " d %02" PRId64 " h", minutes / (24 * 60), minutes / 60 % 24);
        return span;
}

struct bc_span bc_span_of_ticks(int64_t ticks)
{
        int64_t s = ticks > 0 ? ticks / BC_TICKS_PER_S : 0;
        int64_t tenths = ticks > 0 ? ticks % BC_TICKS_PER_S * 10 / BC_TICKS_PER_S : 0;
        struct bc_span span;

        FORMAT(span, "%" PRId64 ":%02" PRId64 ":%02" PRId64 ".%" PRId64, s / 3600, s / 60 % 60, s % 60, tenths);
        return span;
}

struct bc_span bc_span_of_bytes(uint64_t bytes)
{
        static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
        struct bc_span span;
        uint64_t unit = 1000;
        size_t i = 0;

        if (bytes < 1000) {
                FORMAT(span, "%" PRIu64 " B", bytes);
                return span;
        }
        for (; bytes / unit >= 1000; i++)
                unit *= 1000;
        FORMAT(span, "%" PRIu64 ".%" PRIu64 " %s", bytes / unit, bytes % unit / (unit / 10), units[i]);
        return span;
}

struct bc_span bc_span_of_error(int64_t error_ns)
{
        struct bc_span span;

        if (error_ns >= BC_NS_PER_S)
                return bc_span_of_ns(error_ns);
        if (error_ns >= BC_NS_PER_MS)
                FORMAT(span, "%" PRId64 " ms", (error_ns + BC_NS_PER_MS - 1) / BC_NS_PER_MS);
        else
                FORMAT(span, "%" PRId64 " us", error_ns > 0 ? (error_ns + BC_NS_PER_US - 1) / BC_NS_PER_US : 0);
        return span;
}
