// SPDX-License-Identifier: EUPL-1.2
#include "media/mute.h"

#include "bodycam/time.h"

static struct bc_mute_span *newest(struct bc_mute *mute)
{
        return mute->spans > 0 ? &mute->span[mute->spans - 1] : NULL;
}

bool bc_mute_is_on(const struct bc_mute *mute)
{
        return mute->spans > 0 && mute->span[mute->spans - 1].to_ns == BC_NS_NEVER;
}

static void begin(struct bc_mute *mute, int64_t time_ns)
{
        struct bc_mute_span *span = newest(mute);

        if (mute->spans == BC_MUTE_SPANS_MAX) {
                if (time_ns < span->from_ns)
                        span->from_ns = time_ns;
                span->to_ns = BC_NS_NEVER;
                return;
        }
        mute->span[mute->spans++] = (struct bc_mute_span){ time_ns, BC_NS_NEVER };
}

void bc_mute_set(struct bc_mute *mute, bool muted, int64_t time_ns)
{
        struct bc_mute_span *span = newest(mute);

        if (muted == bc_mute_is_on(mute))
                return;
        if (muted)
                begin(mute, time_ns);
        else if (time_ns > span->from_ns)
                span->to_ns = time_ns;
        else
                mute->spans--;
}

void bc_mute_forget(struct bc_mute *mute, int64_t time_ns)
{
        size_t kept = 0;

        for (size_t i = 0; i < mute->spans; i++)
                if (mute->span[i].to_ns > time_ns)
                        mute->span[kept++] = mute->span[i];
        mute->spans = kept;
}

bool bc_mute_at(const struct bc_mute *mute, int64_t from_ns, int64_t to_ns, int64_t *ret_until_ns)
{
        int64_t muted_until_ns = from_ns, open_until_ns = to_ns;

        for (size_t i = 0; i < mute->spans; i++) {
                const struct bc_mute_span *span = &mute->span[i];

                if (span->from_ns <= from_ns && span->to_ns > muted_until_ns)
                        muted_until_ns = span->to_ns;
                else if (span->from_ns > from_ns && span->from_ns < open_until_ns)
                        open_until_ns = span->from_ns;
        }
        if (muted_until_ns == from_ns) {
                *ret_until_ns = open_until_ns;
                return false;
        }
        *ret_until_ns = muted_until_ns < to_ns ? muted_until_ns : to_ns;
        return true;
}
