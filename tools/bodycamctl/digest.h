// SPDX-License-Identifier: EUPL-1.2
// What a manifest comes to: when it was, how long it is, how much. Pure functions; any value a manifest can hold is fine.
#ifndef BC_BODYCAMCTL_DIGEST_H
#define BC_BODYCAMCTL_DIGEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/utc.h"
#include "evidence/manifest.h"

struct bc_digest {
        int64_t first_ticks, end_ticks; // from the first picture to the end of the last one; BC_TICKS_UNKNOWN: there is none
        uint64_t bytes;                 // of all segments
        char begins[BC_UTC_TEXT_BYTES]; // UTC of first_ticks, or of the press where there is no picture; "" not known
};

struct bc_digest bc_digest_of(const struct bc_manifest *manifest);

// UTC of a tick, as the manifest's clock has it: 0, and the clock's entry; -ENOENT: not known.
int bc_digest_utc(const struct bc_manifest *manifest, int64_t ticks, char ret_utc[BC_UTC_TEXT_BYTES],
                  const struct bc_manifest_clock **ret_clock);

// From the first picture to the end; 0 where there is none.
int64_t bc_digest_length_ticks(const struct bc_digest *digest);

// The keys that list and show share: name, device, counter, state, utc, length_ticks, segments, gaps, marks, bytes.
json_t *bc_digest_to_json(const struct bc_manifest *manifest, const char *name, const struct bc_digest *digest);

#endif
