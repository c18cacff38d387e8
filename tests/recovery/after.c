// SPDX-License-Identifier: EUPL-1.2
#include "after.h"

#include <string.h>

const enum bc_verdict after_expected[AFTERS] = {
        [AFTER_LAST] = BC_VERDICT_AUTHENTIC,  [AFTER_ONE_BEFORE] = BC_VERDICT_AUTHENTIC,
        [AFTER_OLD] = BC_VERDICT_UNPROVEN,    [AFTER_NONE] = BC_VERDICT_UNPROVEN,
        [AFTER_LATER] = BC_VERDICT_TAMPERED,  [AFTER_FALSE] = BC_VERDICT_TAMPERED,
        [AFTER_ELSEWHERE] = BC_VERDICT_UNPROVEN,
};

struct bc_anchor_state after_anchor(const struct scene_marks *marks, enum after after)
{
        struct bc_anchor_state anchor = { .recording = after == AFTER_ELSEWHERE ? 2 : 1, .segment = after == AFTER_LATER ? 3 : 2 };
        size_t last = marks->records - 1, n = after == AFTER_ONE_BEFORE ? last - 1 : last;

        while (after == AFTER_OLD && marks->signed_ns[last] - marks->signed_ns[n] <= 2 * BC_NS_PER_S)
                n--;
        anchor.index = after == AFTER_LATER ? 1 : (uint32_t)n + 1;
        anchor.tail_ns = marks->signed_ns[n];
        memcpy(anchor.tail_hash, marks->hash[n], BC_HASH_BYTES);
        if (after == AFTER_LATER || after == AFTER_FALSE)
                anchor.tail_hash[0] ^= 1;
        return after == AFTER_NONE ? scene_no_anchor : anchor;
}
