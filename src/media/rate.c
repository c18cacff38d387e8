// SPDX-License-Identifier: EUPL-1.2
#include "media/rate.h"

#define LEVEL_KEPT_NS (1100 * BC_NS_PER_MS)    // a kept VBV of 1 s: the whole budget
#define LEVEL_STARVED_NS (2000 * BC_NS_PER_MS) // a quarter of it
#define LEVEL_CLOSED_NS (2500 * BC_NS_PER_MS)  // nothing is encoded

#define PACE_MIN 4 // eighths
#define PACE_MAX 16

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
        return value < low ? low : value > high ? high : value;
}

void bc_rate_init(struct bc_rate *rate, uint32_t bit_rate_bps, int64_t interval_ns)
{
        *rate = (struct bc_rate){
                .bit_rate_bps = bit_rate_bps,
                .interval_ns = interval_ns,
                .window_ns = 8 * interval_ns > BC_NS_PER_S ? 8 * interval_ns : BC_NS_PER_S,
                .newest_ns = -1,
                .pace_eighths = 8,
        };
}

// A lead of a quarter of the window is the budget of a frame at twice the pace, so the loop settles there.
static uint32_t pace_of_lead(const struct bc_rate *rate)
{
        // Division rounds towards 0, so a jitter of less than an eighth changes nothing.
        return (uint32_t)clamp(8 - rate->lead_ns * 16 / rate->window_ns, PACE_MIN, PACE_MAX);
}

bool bc_rate_admit(struct bc_rate *rate, int64_t time_ns)
{
        if (rate->newest_ns >= 0) {
                int64_t passed_ns = clamp(time_ns - rate->newest_ns, 0, 10 * rate->window_ns);

                rate->lead_ns = clamp(rate->lead_ns - passed_ns, -rate->window_ns / 2, rate->window_ns);
                rate->level_ns = clamp(rate->level_ns - passed_ns, 0, BC_RATE_LEVEL_MAX_NS);
        }
        rate->newest_ns = time_ns;
        if (rate->level_ns > LEVEL_CLOSED_NS || rate->lead_ns > rate->window_ns * 3 / 8)
                return false;
        rate->pace_eighths = pace_of_lead(rate);
        rate->lead_ns += rate->interval_ns * rate->pace_eighths / 8;
        return true;
}

uint32_t bc_rate_budget_bps(const struct bc_rate *rate)
{
        int64_t over_ns = clamp(rate->level_ns - LEVEL_KEPT_NS, 0, LEVEL_STARVED_NS - LEVEL_KEPT_NS);
        int64_t level_eighths = 8 - 6 * over_ns / (LEVEL_STARVED_NS - LEVEL_KEPT_NS);

        return (uint32_t)((int64_t)rate->bit_rate_bps * rate->pace_eighths * level_eighths / 64);
}

bool bc_rate_spend(struct bc_rate *rate, uint32_t size_bytes)
{
        // Below 2^28 bytes nothing overflows.
        int64_t cost_ns = size_bytes >= 1u << 28 ? BC_NS_NEVER / 2
                                                 : (int64_t)size_bytes * 8 * BC_NS_PER_S / rate->bit_rate_bps;

        if (cost_ns > BC_RATE_LEVEL_MAX_NS - rate->level_ns)
                return false;
        rate->level_ns += cost_ns;
        return true;
}

uint64_t bc_rate_units(uint32_t rate_mhz, int64_t span_ns)
{
        int64_t interval_ns = 1000 * BC_NS_PER_S / rate_mhz;
        struct bc_rate rate;

        // The lead moves by the sum of the budgets less the time; it starts at no less than -1/2 window, and a frame
        // comes in at no more than 3/8 and takes at least half an interval.
        bc_rate_init(&rate, 1, interval_ns);
        return (uint64_t)((span_ns + rate.window_ns * 7 / 8) / (interval_ns / 2) + 4);
}

uint64_t bc_rate_least_bps(uint32_t width_px, uint32_t height_px, uint32_t rate_mhz)
{
        uint64_t pixels = (uint64_t)width_px * height_px;
        uint64_t of_rate = pixels * rate_mhz / 1000 / 50, of_key = pixels / 5, least = 64000;

        if (least < of_rate)
                least = of_rate;
        return least < of_key ? of_key : least;
}

uint64_t bc_rate_bytes(uint32_t bit_rate_bps, int64_t time_ns)
{
        // In two parts: whole seconds cannot overflow below centuries.
        uint64_t seconds = (uint64_t)(time_ns / BC_NS_PER_S), rest_ns = (uint64_t)(time_ns % BC_NS_PER_S);

        return (seconds * bit_rate_bps + (rest_ns * bit_rate_bps + BC_NS_PER_S - 1) / BC_NS_PER_S + 7) / 8;
}
