// SPDX-License-Identifier: EUPL-1.2
#include "digest.h"

#include <errno.h>

#include "bodycam/time.h"

int bc_digest_utc(const struct bc_manifest *manifest, int64_t ticks, char ret_utc[BC_UTC_TEXT_BYTES],
                  const struct bc_manifest_clock **ret_clock)
{
        const struct bc_manifest_clock *clock = NULL;
        int64_t utc_ns, passed_ns;

        if (ticks < 0)
                return -ENOENT;
        for (size_t i = 0; i < manifest->clocks; i++)
                if (manifest->clock[i].from_ticks <= ticks && (!clock || manifest->clock[i].from_ticks >= clock->from_ticks))
                        clock = &manifest->clock[i];
        if (!clock || clock->source == BC_UTC_NONE)
                return -ENOENT;
        // Not bc_ns_from_ticks(): the file may say a million years.
        if (__builtin_mul_overflow(ticks - clock->from_ticks, 125000, &passed_ns) ||
            __builtin_add_overflow(clock->utc_ns, passed_ns / 6, &utc_ns) || bc_utc_format(utc_ns, ret_utc) < 0)
                return -ENOENT;
        if (ret_clock)
                *ret_clock = clock;
        return 0;
}

struct bc_digest bc_digest_of(const struct bc_manifest *manifest)
{
        struct bc_digest digest = { .first_ticks = BC_TICKS_UNKNOWN, .end_ticks = BC_TICKS_UNKNOWN };

        for (size_t i = 0; i < manifest->segments; i++) {
                const struct bc_manifest_segment *segment = &manifest->segment[i];

                digest.bytes += segment->bytes;
                if (segment->end_ticks <= segment->first_ticks)
                        continue; // not a picture in it
                if (digest.first_ticks == BC_TICKS_UNKNOWN || segment->first_ticks < digest.first_ticks)
                        digest.first_ticks = segment->first_ticks;
                if (segment->end_ticks > digest.end_ticks)
                        digest.end_ticks = segment->end_ticks;
        }
        (void)bc_digest_utc(manifest, digest.first_ticks == BC_TICKS_UNKNOWN ? manifest->press_ticks : digest.first_ticks,
                            digest.begins, NULL);
        return digest;
}

int64_t bc_digest_length_ticks(const struct bc_digest *digest)
{
        return digest->first_ticks == BC_TICKS_UNKNOWN ? 0 : digest->end_ticks - digest->first_ticks;
}

json_t *bc_digest_to_json(const struct bc_manifest *manifest, const char *name, const struct bc_digest *digest)
{
        return json_pack("{s:s,s:s,s:I,s:s,s:s,s:I,s:I,s:o,s:o,s:I}", "name", name, "device", manifest->device, "counter",
                         (json_int_t)manifest->counter, "state", bc_recording_state_name(manifest->state), "utc",
                         digest->begins, "length_ticks", (json_int_t)bc_digest_length_ticks(digest), "segments",
                         (json_int_t)manifest->segments, "gaps",
                         manifest->gaps_unknown ? json_null() : json_integer((json_int_t)manifest->gaps), "marks",
                         manifest->marks_unknown ? json_null() : json_integer((json_int_t)manifest->marks), "bytes",
                         (json_int_t)digest->bytes);
}
