// SPDX-License-Identifier: EUPL-1.2
#include "media/sound_clock.h"

#include <errno.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/av.h"

#define CHANNELS_MAX 2
#define RATE_MIN_HZ 8000
#define RATE_MAX_HZ 192000

// At most so many samples go into the resampler at once; at 8 kHz they become 6 times as many, and the filter's length.
#define STEP_SAMPLES 256
#define OUT_ROOM 2048
#define FLAG_BLOCKS 8 // more than one step reaches, so that a step's flags never meet those of its predecessor

// A time stamp may be this far ahead of the clock it was made from: drivers estimate.
#define AHEAD_MAX_NS (20 * BC_NS_PER_MS)

// The loop: natural frequency 1/4 per second, critically damped (P = 2 w, I = w * w), behind a filter of 0.5 s that
// takes the jitter off the time stamps. A step of 200 ppm then moves the sound by 0.3 ms at the most.
#define FILTER_NS (BC_NS_PER_S / 2)
#define PROPORTIONAL_DIVISOR 2
#define INTEGRAL_DIVISOR 16
// The integral part learns the device's rate; an error above this is an offset and is left to the other part.
#define LEARN_MAX_NS (2 * BC_NS_PER_MS)

// swr_set_compensation() takes samples per distance: with this distance, parts per billion.
#define COMPENSATION_DISTANCE 1000000000

struct bc_sound_clock {
        struct bc_sound_clock_config config;
        SwrContext *resampler;
        int64_t head;     // tick of the next sample that comes out of the resampler
        bool aligned;     // the sound before is the device's and continuous
        int64_t error_ns; // filtered
        int64_t learned;  // integral of the error over time, ns * ns
        int64_t steer_ppb;
        uint16_t flags[FLAG_BLOCKS]; // by block number
        float out[CHANNELS_MAX][OUT_ROOM];
        float block[CHANNELS_MAX][BC_SOUND_UNIT_SAMPLES];
};

static const int16_t silence[STEP_SAMPLES * CHANNELS_MAX];

BC_DEFINE_CLEANUP(sound_clock, struct bc_sound_clock, bc_sound_clock_free)

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
        return value < low ? low : value > high ? high : value;
}

// ---- making --------------------------------------------------------------------------------------------------

static int open_resampler(struct bc_sound_clock *clock)
{
        const struct bc_sound_clock_config *config = &clock->config;
        AVChannelLayout layout;
        int r;

        av_channel_layout_default(&layout, (int)config->channels);
        r = swr_alloc_set_opts2(&clock->resampler, &layout, AV_SAMPLE_FMT_FLTP, BC_SOUND_RATE_HZ, &layout,
                                AV_SAMPLE_FMT_S16, (int)config->rate_hz, 0, NULL);
        // Resample even at the same nominal rate, with a fixed fine grid of phases and interpolation between them:
        // steering then changes the step alone and makes no click.
        if (r >= 0)
                r = av_opt_set_int(clock->resampler, "flags", SWR_FLAG_RESAMPLE, 0);
        if (r >= 0)
                r = av_opt_set_int(clock->resampler, "linear_interp", 1, 0);
        if (r >= 0)
                r = av_opt_set_int(clock->resampler, "exact_rational", 0, 0);
        if (r >= 0)
                r = swr_init(clock->resampler);
        return r < 0 ? bc_errno_from_av(r) : 0;
}

int bc_sound_clock_new(const struct bc_sound_clock_config *config, struct bc_sound_clock **ret_clock)
{
        BC_CLEANUP(bc_cleanup_sound_clock) struct bc_sound_clock *clock = NULL;
        int r;

        if (config->rate_hz < RATE_MIN_HZ || config->rate_hz > RATE_MAX_HZ || config->channels < 1 ||
            config->channels > CHANNELS_MAX || config->first_block < 0)
                return -EINVAL;
        clock = calloc(1, sizeof(*clock));
        if (!clock)
                return -ENOMEM;
        clock->config = *config;
        clock->head = config->first_block * BC_SOUND_UNIT_SAMPLES;
        r = open_resampler(clock);
        if (r < 0)
                return r;
        *ret_clock = BC_TAKE(clock);
        return 0;
}

void bc_sound_clock_free(struct bc_sound_clock *clock)
{
        if (!clock)
                return;
        swr_free(&clock->resampler);
        free(clock);
}

// ---- through the resampler -----------------------------------------------------------------------------------

int64_t bc_sound_clock_reached_ns(const struct bc_sound_clock *clock)
{
        return bc_ns_from_ticks(clock->head) + swr_get_delay(clock->resampler, BC_NS_PER_S);
}

static int put_out(struct bc_sound_clock *clock, size_t count)
{
        const float *plane[CHANNELS_MAX];
        size_t done = 0;

        for (int c = 0; c < CHANNELS_MAX; c++)
                plane[c] = clock->block[c];
        while (done < count) {
                size_t at = (size_t)(clock->head % BC_SOUND_UNIT_SAMPLES);
                size_t step = BC_SOUND_UNIT_SAMPLES - at < count - done ? BC_SOUND_UNIT_SAMPLES - at
                                                                        : count - done;
                int64_t block = clock->head / BC_SOUND_UNIT_SAMPLES;
                uint16_t flags = clock->flags[block % FLAG_BLOCKS];
                int r;

                for (uint32_t c = 0; c < clock->config.channels; c++)
                        memcpy(clock->block[c] + at, clock->out[c] + done, step * sizeof(float));
                done += step;
                clock->head += (int64_t)step;
                if (clock->head % BC_SOUND_UNIT_SAMPLES != 0)
                        continue;
                clock->flags[block % FLAG_BLOCKS] = 0;
                r = clock->config.on_block(clock->config.user, block, plane, flags);
                if (r < 0)
                        return r;
        }
        return 0;
}

// count: at most STEP_SAMPLES.
static int step(struct bc_sound_clock *clock, const int16_t *samples, size_t count)
{
        uint8_t *out[CHANNELS_MAX] = { (uint8_t *)clock->out[0], (uint8_t *)clock->out[1] };
        const uint8_t *in[1] = { (const uint8_t *)samples };
        int made = swr_convert(clock->resampler, out, OUT_ROOM, in, (int)count);

        return made < 0 ? bc_errno_from_av(made) : put_out(clock, (size_t)made);
}

// The blocks that count samples put in now reach into hold something that was not heard.
static void mark(struct bc_sound_clock *clock, int64_t count, uint16_t flag)
{
        int64_t from = bc_ticks_from_ns(bc_sound_clock_reached_ns(clock));
        int64_t until = from + count * BC_TICKS_PER_S / clock->config.rate_hz;

        for (int64_t block = from / BC_SOUND_UNIT_SAMPLES; block <= until / BC_SOUND_UNIT_SAMPLES; block++)
                clock->flags[block % FLAG_BLOCKS] |= flag;
}

// How many of the next count samples are all muted or all not, of which the first was captured at time_ns.
static size_t alike(const struct bc_sound_clock *clock, size_t count, int64_t time_ns, bool *ret_muted)
{
        int64_t rate_hz = clock->config.rate_hz;
        int64_t to_ns = time_ns + (int64_t)count * BC_NS_PER_S / rate_hz, until_ns = to_ns;
        size_t n;

        *ret_muted = clock->config.is_muted &&
                     clock->config.is_muted(clock->config.user, time_ns, to_ns, &until_ns);
        if (until_ns >= to_ns)
                return count;
        n = (size_t)(((until_ns - time_ns) * rate_hz + BC_NS_PER_S - 1) / BC_NS_PER_S);
        return n < 1 ? 1 : n < count ? n : count;
}

// The first of the samples was captured at time_ns.
static int put_in(struct bc_sound_clock *clock, const int16_t *samples, size_t count, int64_t time_ns)
{
        size_t done = 0;

        while (done < count) {
                size_t now = count - done < STEP_SAMPLES ? count - done : STEP_SAMPLES;
                bool muted;
                int r;

                now = alike(clock, now, time_ns + (int64_t)done * BC_NS_PER_S / clock->config.rate_hz, &muted);
                if (muted)
                        mark(clock, (int64_t)now, BC_UNIT_MUTED);
                r = step(clock, muted ? silence : samples + done * clock->config.channels, now);
                if (r < 0)
                        return r;
                done += now;
        }
        return 0;
}

static int put_silence(struct bc_sound_clock *clock, int64_t count)
{
        while (count > 0) {
                int64_t now = count < STEP_SAMPLES ? count : STEP_SAMPLES;
                int r;

                mark(clock, now, BC_UNIT_SUBSTITUTE);
                r = step(clock, silence, (size_t)now);
                if (r < 0)
                        return r;
                count -= now;
        }
        return 0;
}

// The device's samples that make up a span of media time, as the resampler is steered now.
static int64_t samples_of_ns(const struct bc_sound_clock *clock, int64_t ns)
{
        int64_t rate_hz = clock->config.rate_hz;

        ns -= ns / 1000 * clock->steer_ppb / 1000000;
        return ns / BC_NS_PER_S * rate_hz + (ns % BC_NS_PER_S * rate_hz + BC_NS_PER_S / 2) / BC_NS_PER_S;
}

// ---- steering ------------------------------------------------------------------------------------------------

static int64_t learned_ppb(const struct bc_sound_clock *clock)
{
        return clock->learned / (INTEGRAL_DIVISOR * BC_NS_PER_S);
}

static int steer(struct bc_sound_clock *clock, int64_t error_ns, int64_t chunk_ns)
{
        const int64_t learned_max = BC_SOUND_RATE_ERROR_MAX_PPB * INTEGRAL_DIVISOR * BC_NS_PER_S;

        clock->error_ns += (error_ns - clock->error_ns) * chunk_ns / (FILTER_NS + chunk_ns);
        if (clock->error_ns > -LEARN_MAX_NS && clock->error_ns < LEARN_MAX_NS)
                clock->learned = clamp(clock->learned + clock->error_ns * chunk_ns, -learned_max,
                                       learned_max);
        clock->steer_ppb = clamp(clock->error_ns / PROPORTIONAL_DIVISOR + learned_ppb(clock),
                                 -BC_SOUND_STEER_MAX_PPB, BC_SOUND_STEER_MAX_PPB);
        return bc_errno_from_av(
                swr_set_compensation(clock->resampler, (int)clock->steer_ppb, COMPENSATION_DISTANCE));
}

// Puts the chunk's start where its time stamp says: silence goes in, or samples are dropped (their number, at most
// count). The device's rate, once learned, stays.
static int align(struct bc_sound_clock *clock, int64_t error_ns, size_t count, size_t *ret_drop)
{
        int64_t missing = error_ns > 0 ? samples_of_ns(clock, error_ns) : 0;
        int64_t twice = error_ns < 0 ? samples_of_ns(clock, -error_ns) : 0;
        int r = put_silence(clock, missing);

        if (r < 0)
                return r;
        if (twice > 0)
                mark(clock, 0, BC_UNIT_SUBSTITUTE);
        *ret_drop = twice < (int64_t)count ? (size_t)twice : count;
        clock->aligned = twice < (int64_t)count;
        clock->error_ns = 0;
        return 0;
}

int bc_sound_clock_put(struct bc_sound_clock *clock, const int16_t *samples, size_t count, int64_t time_ns,
                       int64_t now_ns)
{
        int64_t chunk_ns = (int64_t)count * BC_NS_PER_S / clock->config.rate_hz;
        int64_t error_ns;
        size_t drop = 0;
        int r;

        if (count == 0 || count > INT32_MAX)
                return -EINVAL;
        if (time_ns < 0 || time_ns > now_ns - chunk_ns + AHEAD_MAX_NS) {
                clock->aligned = false;
                return -EBADMSG;
        }
        error_ns = time_ns - bc_sound_clock_reached_ns(clock);
        if (!clock->aligned || error_ns > BC_SOUND_JUMP_NS || error_ns < -BC_SOUND_JUMP_NS)
                r = align(clock, error_ns, count, &drop);
        else
                r = steer(clock, error_ns, chunk_ns);
        if (r >= 0)
                r = put_in(clock, samples + drop * clock->config.channels, count - drop,
                           time_ns + (int64_t)drop * BC_NS_PER_S / clock->config.rate_hz);
        return r < 0 ? r : (int)(count - drop);
}

void bc_sound_clock_break(struct bc_sound_clock *clock)
{
        clock->aligned = false;
        mark(clock, 0, BC_UNIT_SUBSTITUTE);
}

int bc_sound_clock_fill(struct bc_sound_clock *clock, int64_t until_ns)
{
        int64_t missing_ns = until_ns - bc_sound_clock_reached_ns(clock);

        if (missing_ns <= 0)
                return 0;
        clock->aligned = false;
        return put_silence(clock, samples_of_ns(clock, missing_ns));
}

int bc_sound_clock_finish(struct bc_sound_clock *clock)
{
        int64_t reached = bc_ticks_from_ns(bc_sound_clock_reached_ns(clock));
        int64_t last = (reached + BC_SOUND_UNIT_SAMPLES - 1) / BC_SOUND_UNIT_SAMPLES * BC_SOUND_UNIT_SAMPLES;
        int r = 0;

        clock->aligned = false;
        while (clock->head < last && r >= 0)
                r = put_silence(clock, 16);
        return r;
}

int64_t bc_sound_clock_rate_error_ppb(const struct bc_sound_clock *clock)
{
        return -learned_ppb(clock);
}
