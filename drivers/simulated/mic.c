// SPDX-License-Identifier: EUPL-1.2
#include "simulated/mic.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "simulated/random.h"

#define BUFFER_NS BC_NS_PER_S // what the device keeps for a slow reader
#define PPB INT64_C(1000000000)

struct simulated_mic {
        struct bc_mic mic;
        struct bc_simulated_mic_config config;
        int64_t period_ns; // as the device measures it
        const struct bc_sound_ops *ops;
        void *sound;

        struct bc_monitor monitor; // of what follows
        bool cancelled;            // or not started
        enum bc_fault fault;
        int64_t next; // sample number of the next one to read
        bool broken;  // those before it were lost
};

// ---- sample clock --------------------------------------------------------------------------------------------

// Samples per 10^18 ns. 128 bits: a year of uptime times this is past 64.
static __int128 scaled_rate(const struct bc_sample_clock *clock)
{
        return (__int128)clock->rate_hz * (PPB + clock->error_ppb);
}

int64_t bc_sample_clock_time_ns(const struct bc_sample_clock *clock, int64_t sample)
{
        __int128 rate = scaled_rate(clock);

        return clock->origin_ns + (int64_t)(((__int128)sample * BC_NS_PER_S * PPB + rate / 2) / rate);
}

int64_t bc_sample_clock_at(const struct bc_sample_clock *clock, int64_t time_ns)
{
        __int128 one = (__int128)BC_NS_PER_S * PPB;
        int64_t sample;

        if (time_ns <= clock->origin_ns)
                return 0;
        sample = (int64_t)((scaled_rate(clock) * (time_ns - clock->origin_ns) + one - 1) / one);
        // The sample before may be captured at time_ns too, once its time is rounded.
        return sample > 0 && bc_sample_clock_time_ns(clock, sample - 1) >= time_ns ? sample - 1 : sample;
}

// ---- microphone ----------------------------------------------------------------------------------------------

static struct simulated_mic *simulated(struct bc_mic *mic)
{
        return (struct simulated_mic *)(void *)((char *)mic - offsetof(struct simulated_mic, mic));
}

static int start(struct bc_mic *mic)
{
        struct simulated_mic *self = simulated(mic);

        bc_monitor_lock(&self->monitor);
        self->cancelled = self->broken = false;
        self->next = bc_sample_clock_at(&self->config.sample_clock, bc_clock_now_ns(self->monitor.clock));
        bc_monitor_unlock(&self->monitor);
        return 0;
}

static void cancel(struct bc_mic *mic)
{
        struct simulated_mic *self = simulated(mic);

        bc_monitor_lock(&self->monitor);
        self->cancelled = true;
        bc_monitor_wake(&self->monitor);
        bc_monitor_unlock(&self->monitor);
}

// Locked.
static void lose_until(struct simulated_mic *self, int64_t sample)
{
        if (sample <= self->next)
                return;
        self->next = sample;
        self->broken = true;
}

// A reader that comes too late finds that the device has overwritten what it did not read.
static void drop_overrun(struct simulated_mic *self, int64_t now_ns)
{
        const struct bc_sample_clock *clock = &self->config.sample_clock;

        if (now_ns - bc_sample_clock_time_ns(clock, self->next) > BUFFER_NS)
                lose_until(self, bc_sample_clock_at(clock, now_ns - self->period_ns));
}

// Locked. Waits until a whole period is captured. 0, or why not.
static int wait_for_period(struct simulated_mic *self, int64_t deadline_ns)
{
        const struct bc_sample_clock *clock = &self->config.sample_clock;

        while (!self->cancelled) {
                int64_t now_ns = bc_clock_now_ns(self->monitor.clock), due_ns = BC_NS_NEVER;

                if (self->fault == BC_FAULT_NONE) {
                        drop_overrun(self, now_ns);
                        due_ns = bc_sample_clock_time_ns(clock,
                                                         self->next + (int64_t)self->mic.info.period_samples);
                }
                if (due_ns <= now_ns)
                        return 0;
                if (deadline_ns <= now_ns)
                        return self->fault == BC_FAULT_UNPLUG ? -ENODEV : -ETIMEDOUT;
                (void)bc_monitor_wait(&self->monitor, due_ns < deadline_ns ? due_ns : deadline_ns);
        }
        return -ECANCELED;
}

// Locked. A device that fails does so no faster than the caller asked for.
static int wait_for_deadline(struct simulated_mic *self, int64_t deadline_ns, int error)
{
        while (!self->cancelled && bc_clock_now_ns(self->monitor.clock) < deadline_ns)
                (void)bc_monitor_wait(&self->monitor, deadline_ns);
        return self->cancelled ? -ECANCELED : error;
}

static int64_t stamp(const struct simulated_mic *self, int64_t sample)
{
        int64_t period = sample / (int64_t)self->mic.info.period_samples;
        int64_t time_ns = bc_sample_clock_time_ns(&self->config.sample_clock, sample) +
                          bc_random_jitter_ns(self->config.seed, (uint64_t)period,
                                              self->config.stamp_jitter_ns);

        return time_ns > 0 ? time_ns : 0;
}

static int read_period(struct bc_mic *mic, int16_t *samples, int64_t deadline_ns, struct bc_mic_chunk *ret_chunk)
{
        struct simulated_mic *self = simulated(mic);
        bool broken = false;
        int64_t first = 0;
        int r;

        bc_monitor_lock(&self->monitor);
        r = wait_for_period(self, deadline_ns);
        if (r == 0) {
                first = self->next;
                broken = self->broken;
                self->next += (int64_t)mic->info.period_samples;
                self->broken = false;
        }
        bc_monitor_unlock(&self->monitor);
        if (r < 0)
                return r;
        // Outside the lock: this may decode, and faults are set by other threads.
        r = self->ops->hear(self->sound, first, mic->info.period_samples, samples);
        if (r < 0) {
                bc_monitor_lock(&self->monitor);
                self->broken = true; // this period is not heard
                r = wait_for_deadline(self, deadline_ns, r);
                bc_monitor_unlock(&self->monitor);
                return r;
        }
        *ret_chunk = (struct bc_mic_chunk){ mic->info.period_samples, stamp(self, first), broken };
        return 0;
}

static void free_mic(struct bc_mic *mic)
{
        struct simulated_mic *self = simulated(mic);

        self->ops->free(self->sound);
        bc_monitor_done(&self->monitor);
        free(self);
}

// Stopped and cancelled are the same to a reader.
static const struct bc_mic_ops mic_ops = {
        .start = start,
        .read = read_period,
        .cancel = cancel,
        .stop = cancel,
        .free = free_mic,
};

int bc_simulated_mic_new(struct bc_clock *clock, const struct bc_simulated_mic_config *config,
                         const struct bc_sound_ops *ops, void *sound, struct bc_mic **ret_mic)
{
        const struct bc_mic_info *info = &config->info;
        const struct bc_sample_clock *sample_clock = &config->sample_clock;
        BC_CLEANUP(bc_cleanup_memory) struct simulated_mic *self = NULL;
        int r;

        if (info->channels < 1 || info->channels > 2 || info->period_samples == 0 || info->rate_hz == 0 ||
            sample_clock->rate_hz != info->rate_hz ||
            sample_clock->error_ppb > BC_SAMPLE_RATE_ERROR_MAX_PPB ||
            sample_clock->error_ppb < -BC_SAMPLE_RATE_ERROR_MAX_PPB)
                return -EINVAL;
        self = calloc(1, sizeof(*self));
        if (!self)
                return -ENOMEM;
        self->mic = (struct bc_mic){ .ops = &mic_ops, .info = *info };
        self->config = *config;
        self->period_ns = (int64_t)info->period_samples * BC_NS_PER_S / info->rate_hz;
        self->ops = ops;
        self->sound = sound;
        self->cancelled = true;
        // Up to half a period either way, time stamps still go forward.
        if (config->stamp_jitter_ns < 0 || config->stamp_jitter_ns >= self->period_ns / 2)
                return -EINVAL;
        r = bc_monitor_init(&self->monitor, clock);
        if (r < 0)
                return r;
        *ret_mic = &BC_TAKE(self)->mic;
        return 0;
}

void bc_simulated_mic_set_fault(struct bc_mic *mic, enum bc_fault fault)
{
        struct simulated_mic *self = simulated(mic);

        bc_monitor_lock(&self->monitor);
        if (fault == BC_FAULT_NONE && self->fault != BC_FAULT_NONE)
                lose_until(self, bc_sample_clock_at(&self->config.sample_clock,
                                                    bc_clock_now_ns(self->monitor.clock)));
        self->fault = fault;
        bc_monitor_wake(&self->monitor);
        bc_monitor_unlock(&self->monitor);
}

void bc_simulated_mic_overrun(struct bc_mic *mic, int64_t lost_ns)
{
        struct simulated_mic *self = simulated(mic);
        const struct bc_sample_clock *clock = &self->config.sample_clock;

        bc_monitor_lock(&self->monitor);
        lose_until(self, bc_sample_clock_at(clock, bc_sample_clock_time_ns(clock, self->next) + lost_ns));
        bc_monitor_wake(&self->monitor);
        bc_monitor_unlock(&self->monitor);
}
