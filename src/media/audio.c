// SPDX-License-Identifier: EUPL-1.2
#include "media/audio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/thread.h"
#include "media/mute.h"
#include "media/sound_clock.h"
#include "media/sound_encoder.h"

#define PERIOD_SAMPLES_MAX 65536
#define RETRY_NS BC_NS_PER_S

// An encoder that fails is replaced so many times, at once and then a second apart, before one of them makes a unit.
#define REPLACED_MAX 3

// Silence is made in pieces of this length, so that a stop is seen between them.
#define FILL_STEP_NS BC_NS_PER_S

struct bc_audio {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_mic *mic;
        struct bc_pipeline_sink sink;
        struct bc_sound_stream stream;
        int16_t *samples; // one period
        struct bc_thread *thread;

        struct bc_monitor monitor; // for the next five
        bool stopping;
        struct bc_pipeline_counters counters;
        struct bc_mute mute;
        int64_t encoded_ns; // up to here it is too late to mute anything
        int64_t heard_ns;   // up to here the microphone's samples have been muted or let through

        // The thread's own while it runs.
        struct bc_sound_encoder *encoder;
        struct bc_sound_clock *sound;
        bool mic_runs;
        int mic_error; // of the last read, as logged
        int64_t retry_ns;
        bool silent; // silence stands in for the microphone
        unsigned replaced; // encoders since the last unit
        int64_t end_ns;    // of the newest unit
        float zeroed[BC_SOUND_CHANNELS_MAX][BC_SOUND_UNIT_SAMPLES]; // a block of which something is muted
};

BC_DEFINE_CLEANUP(audio, struct bc_audio, bc_audio_free)

// ---- making --------------------------------------------------------------------------------------------------

int bc_audio_new(struct bc_clock *clock, struct bc_ring *ring, struct bc_mic *mic, uint32_t bit_rate_bps,
                 const struct bc_pipeline_sink *sink, struct bc_audio **ret_audio)
{
        BC_CLEANUP(bc_cleanup_audio) struct bc_audio *audio = calloc(1, sizeof(*audio));
        int r;

        if (!audio)
                return -ENOMEM;
        bc_monitor_init(&audio->monitor, clock);
        audio->clock = clock;
        audio->ring = ring;
        audio->mic = mic;
        audio->sink = *sink;
        if (mic->info.period_samples < 1 || mic->info.period_samples > PERIOD_SAMPLES_MAX) {
                bc_log_error("microphone: a period of %zu samples", mic->info.period_samples);
                return -EINVAL;
        }
        r = bc_sound_encoder_new(mic->info.channels, bit_rate_bps, &audio->encoder);
        if (r < 0) {
                bc_log_error("sound encoder: %u channels at %u bit/s: %s", mic->info.channels, bit_rate_bps,
                             strerror(-r));
                return r;
        }
        audio->stream = *bc_sound_encoder_stream(audio->encoder);
        audio->samples = calloc(mic->info.period_samples * mic->info.channels, sizeof(*audio->samples));
        if (!audio->samples)
                return -ENOMEM;
        *ret_audio = BC_TAKE(audio);
        return 0;
}

void bc_audio_free(struct bc_audio *audio)
{
        if (!audio)
                return;
        bc_sound_clock_free(audio->sound);
        bc_sound_encoder_free(audio->encoder);
        bc_monitor_done(&audio->monitor);
        free(audio->samples);
        free(audio);
}

const struct bc_sound_stream *bc_audio_stream(const struct bc_audio *audio)
{
        return &audio->stream;
}

// ---- units ---------------------------------------------------------------------------------------------------

static int append(struct bc_audio *audio, const struct bc_unit *unit, const uint8_t *bytes)
{
        int r = bc_ring_append(audio->ring, BC_LANE_SOUND, unit, bytes);

        if (r < 0)
                return r;
        audio->end_ns = bc_ns_from_ticks(bc_ticks_from_ns(unit->time_ns) + BC_SOUND_UNIT_SAMPLES);
        audio->replaced = 0;
        bc_monitor_lock(&audio->monitor);
        audio->counters.sound_units++;
        if (unit->flags & BC_UNIT_SUBSTITUTE)
                audio->counters.silent_units++;
        audio->counters.rate_error_ppb = bc_sound_clock_rate_error_ppb(audio->sound);
        bc_monitor_unlock(&audio->monitor);
        return 0;
}

// Appends every unit the encoder has ready. 0, or -ENODATA when it is finished.
static int drain(struct bc_audio *audio)
{
        for (;;) {
                const uint8_t *bytes;
                struct bc_unit unit;
                int r = bc_sound_encoder_receive(audio->encoder, &unit, &bytes);

                if (r == -EAGAIN)
                        return 0;
                if (r == 0)
                        r = append(audio, &unit, bytes);
                if (r < 0)
                        return r;
        }
}

// ---- muting --------------------------------------------------------------------------------------------------

static bool is_muted(void *user, int64_t from_ns, int64_t to_ns, int64_t *ret_until_ns)
{
        struct bc_audio *audio = user;
        bool muted;

        bc_monitor_lock(&audio->monitor);
        muted = bc_mute_at(&audio->mute, from_ns, to_ns, ret_until_ns);
        if (audio->heard_ns < *ret_until_ns)
                audio->heard_ns = *ret_until_ns;
        bc_monitor_unlock(&audio->monitor);
        return muted;
}

// The first tick at or after time_ns.
static int64_t first_tick(int64_t time_ns)
{
        int64_t tick = bc_ticks_from_ns(time_ns);

        return bc_ns_from_ticks(tick) < time_ns ? tick + 1 : tick;
}

// Zeroes what of the block is muted, in a copy. Whether there is anything of it.
static bool zero_muted(struct bc_audio *audio, const struct bc_mute *mute, int64_t block, const float *const *plane)
{
        const int64_t first = block * BC_SOUND_UNIT_SAMPLES, end = first + BC_SOUND_UNIT_SAMPLES;
        const int64_t end_ns = bc_ns_from_ticks(end);
        bool any = false;

        for (int64_t at_ns = bc_ns_from_ticks(first), until_ns; at_ns < end_ns; at_ns = until_ns) {
                bool muted = bc_mute_at(mute, at_ns, end_ns, &until_ns);
                int64_t from = first_tick(at_ns) - first, to = first_tick(until_ns) - first;

                if (!muted || from >= to)
                        continue;
                for (uint32_t c = 0; c < audio->stream.channels; c++) {
                        if (!any)
                                memcpy(audio->zeroed[c], plane[c], sizeof(audio->zeroed[c]));
                        for (int64_t i = from; i < to; i++)
                                audio->zeroed[c][i] = 0;
                }
                any = true;
        }
        return any;
}

static int on_block(void *user, int64_t block, const float *const *plane, uint16_t flags)
{
        struct bc_audio *audio = user;
        const float *const zeroed[BC_SOUND_CHANNELS_MAX] = { audio->zeroed[0], audio->zeroed[1] };
        struct bc_mute mute;
        int r;

        bc_monitor_lock(&audio->monitor);
        // Of the units that are out nothing comes again; a late chunk's time stamp may lie a little before their end.
        bc_mute_forget(&audio->mute, audio->end_ns - BC_SOUND_JUMP_NS);
        mute = audio->mute;
        audio->encoded_ns = bc_ns_from_ticks((block + 1) * BC_SOUND_UNIT_SAMPLES);
        bc_monitor_unlock(&audio->monitor);
        if (zero_muted(audio, &mute, block, plane)) {
                flags |= BC_UNIT_MUTED;
                plane = zeroed;
        }
        r = bc_sound_encoder_send(audio->encoder, block, plane, flags);
        return r < 0 ? r : drain(audio);
}

int64_t bc_audio_set_muted(struct bc_audio *audio, bool muted, int64_t time_ns)
{
        int64_t settled_ns;

        bc_monitor_lock(&audio->monitor);
        bc_mute_set(&audio->mute, muted, time_ns);
        settled_ns = muted ? audio->encoded_ns : audio->heard_ns;
        bc_monitor_unlock(&audio->monitor);
        return time_ns > settled_ns ? time_ns : settled_ns;
}

// ---- sound and silence ---------------------------------------------------------------------------------------

static void notify(const struct bc_audio *audio, enum bc_pipeline_notice notice, int64_t value)
{
        audio->sink.on_notice(audio->sink.user, notice, value);
}

static bool is_stopping(struct bc_audio *audio)
{
        bool stopping;

        bc_monitor_lock(&audio->monitor);
        stopping = audio->stopping;
        bc_monitor_unlock(&audio->monitor);
        return stopping;
}

static int fill_until(struct bc_audio *audio, int64_t until_ns)
{
        int64_t reached_ns = bc_sound_clock_reached_ns(audio->sound);
        int r = 0;

        while (r >= 0 && reached_ns < until_ns) {
                int64_t step_ns = until_ns - reached_ns < FILL_STEP_NS ? until_ns : reached_ns + FILL_STEP_NS;

                r = bc_sound_clock_fill(audio->sound, step_ns);
                reached_ns = step_ns;
                if (step_ns < until_ns && is_stopping(audio))
                        break;
        }
        return r;
}

static void tell_lost(struct bc_audio *audio, int64_t time_ns)
{
        if (audio->silent)
                return;
        audio->silent = true;
        notify(audio, BC_PIPELINE_SOUND_LOST, time_ns);
}

static bool is_behind(const struct bc_audio *audio, int64_t now_ns)
{
        return bc_sound_clock_reached_ns(audio->sound) <= now_ns - BC_AUDIO_SILENCE_AFTER_NS;
}

// The lane must not fall behind, whatever the microphone does.
static int keep_up(struct bc_audio *audio)
{
        int64_t now_ns = bc_clock_now_ns(audio->clock);

        if (!is_behind(audio, now_ns))
                return 0;
        tell_lost(audio, bc_sound_clock_reached_ns(audio->sound));
        return fill_until(audio, now_ns - BC_AUDIO_SILENCE_BEHIND_NS);
}

static int take_sound(struct bc_audio *audio, const struct bc_mic_chunk *chunk)
{
        int64_t now_ns = bc_clock_now_ns(audio->clock);
        int r;

        if (chunk->broken)
                bc_sound_clock_break(audio->sound);
        if (chunk->samples < 1 || chunk->samples > audio->mic->info.period_samples)
                return 0;
        // After a suspend hours are missing: not in one call that nothing can end.
        if (chunk->time_ns <= now_ns && chunk->time_ns - bc_sound_clock_reached_ns(audio->sound) > FILL_STEP_NS) {
                r = fill_until(audio, chunk->time_ns);
                if (r < 0 || chunk->time_ns - bc_sound_clock_reached_ns(audio->sound) > FILL_STEP_NS)
                        return r < 0 ? r : 0;
        }
        r = bc_sound_clock_put(audio->sound, audio->samples, chunk->samples, chunk->time_ns, now_ns);
        // Back is what keeps up, out of an encoder that works.
        if (r > 0 && audio->silent && audio->replaced == 0 && !is_behind(audio, now_ns)) {
                audio->silent = false;
                notify(audio, BC_PIPELINE_SOUND_BACK, chunk->time_ns);
        }
        return r == -EBADMSG ? 0 : r;
}

// ---- the thread ----------------------------------------------------------------------------------------------

static void wait_until(struct bc_audio *audio, int64_t deadline_ns)
{
        bc_monitor_lock(&audio->monitor);
        while (!audio->stopping && bc_clock_now_ns(audio->clock) < deadline_ns)
                bc_monitor_wait(&audio->monitor, deadline_ns);
        bc_monitor_unlock(&audio->monitor);
}

// A microphone that did not start is tried again every second; waits until then, or until deadline_ns.
static void retry_mic(struct bc_audio *audio, int64_t deadline_ns)
{
        if (bc_clock_now_ns(audio->clock) >= audio->retry_ns) {
                audio->retry_ns += RETRY_NS;
                audio->mic_runs = bc_mic_start(audio->mic) == 0;
                if (audio->mic_runs)
                        return;
        }
        wait_until(audio, deadline_ns < audio->retry_ns ? deadline_ns : audio->retry_ns);
}

// A device's error shows as silence; it may recover. Logged when it is a new one.
static void take_error(struct bc_audio *audio, int error, int64_t deadline_ns)
{
        if (error != audio->mic_error && error != -ETIMEDOUT && error != -ECANCELED)
                bc_log_warning("microphone: %s", strerror(-error));
        audio->mic_error = error;
        wait_until(audio, deadline_ns);
}

static int turn(struct bc_audio *audio)
{
        int64_t deadline_ns = bc_sound_clock_reached_ns(audio->sound) + BC_AUDIO_SILENCE_AFTER_NS;
        struct bc_mic_chunk chunk;
        int r;

        if (!audio->mic_runs) {
                retry_mic(audio, deadline_ns);
                return keep_up(audio);
        }
        r = bc_mic_read(audio->mic, audio->samples, deadline_ns, &chunk);
        if (r < 0) {
                take_error(audio, r, deadline_ns);
                return keep_up(audio);
        }
        audio->mic_error = 0;
        r = take_sound(audio, &chunk);
        return r < 0 ? r : keep_up(audio);
}

static int finish(struct bc_audio *audio)
{
        int r = fill_until(audio, bc_clock_now_ns(audio->clock));

        if (r >= 0)
                r = bc_sound_clock_finish(audio->sound);
        if (r >= 0)
                r = bc_sound_encoder_finish(audio->encoder);
        if (r >= 0)
                r = drain(audio);
        return r == -ENODATA ? 0 : r;
}

static bool is_same_stream(const struct bc_audio *audio)
{
        const struct bc_sound_stream *stream = bc_sound_encoder_stream(audio->encoder);

        return stream->config_bytes == audio->stream.config_bytes &&
               memcmp(stream->config, audio->stream.config, stream->config_bytes) == 0;
}

// A finished encoder and its clock cannot go on: each start has new ones.
static int open_stream(struct bc_audio *audio, int64_t start_ns)
{
        const struct bc_sound_clock_config config = {
                .rate_hz = audio->mic->info.rate_hz,
                .channels = audio->mic->info.channels,
                .first_block = (bc_ticks_from_ns(start_ns) + BC_SOUND_UNIT_SAMPLES - 1) /
                               BC_SOUND_UNIT_SAMPLES,
                .on_block = on_block,
                .is_muted = is_muted,
                .user = audio,
        };
        int r;

        bc_sound_clock_free(BC_TAKE(audio->sound));
        bc_sound_encoder_free(BC_TAKE(audio->encoder));
        r = bc_sound_encoder_new(audio->stream.channels, audio->stream.bit_rate_bps, &audio->encoder);
        if (r == 0 && !is_same_stream(audio))
                r = -EPROTO; // the track says once what it is
        if (r == 0)
                r = bc_sound_clock_new(&config, &audio->sound);
        if (r < 0)
                bc_log_error("sound: %u Hz, %u channels: %s", config.rate_hz, config.channels, strerror(-r));
        return r;
}

// The lane goes on behind its newest unit, with silence for what was in the encoder that failed. 0, or the error when
// there is no going on.
static int replace_encoder(struct bc_audio *audio, int error)
{
        int r = error;

        bc_log_error("sound encoder: %s", strerror(-error));
        tell_lost(audio, audio->end_ns);
        while (r < 0 && audio->replaced < REPLACED_MAX) {
                if (audio->replaced++ > 0)
                        wait_until(audio, bc_clock_now_ns(audio->clock) + RETRY_NS);
                if (is_stopping(audio))
                        return error;
                r = open_stream(audio, audio->end_ns);
        }
        return r;
}

static void run(void *user)
{
        struct bc_audio *audio = user;
        int r = 0;

        while (r >= 0 && !is_stopping(audio)) {
                r = turn(audio);
                if (r < 0)
                        r = replace_encoder(audio, r);
        }
        if (r >= 0)
                r = finish(audio);
        if (r < 0)
                bc_log_error("the sound ends: %s", strerror(-r));
        bc_ring_end(audio->ring, BC_LANE_SOUND, audio->end_ns);
}

int bc_audio_start(struct bc_audio *audio, int64_t start_ns)
{
        int r = open_stream(audio, start_ns);

        if (r < 0)
                return r;
        audio->stopping = false;
        audio->encoded_ns = audio->heard_ns = start_ns;
        audio->silent = false;
        audio->replaced = 0;
        audio->end_ns = start_ns;
        audio->retry_ns = start_ns + RETRY_NS;
        r = bc_mic_start(audio->mic);
        audio->mic_runs = r == 0;
        if (r < 0)
                bc_log_error("microphone does not start: %s", strerror(-r));
        r = bc_thread_start(audio->clock, "audio", run, audio, &audio->thread);
        if (r < 0 && audio->mic_runs)
                bc_mic_stop(audio->mic);
        return r;
}

void bc_audio_stop(struct bc_audio *audio)
{
        bc_monitor_lock(&audio->monitor);
        audio->stopping = true;
        bc_monitor_wake(&audio->monitor);
        bc_monitor_unlock(&audio->monitor);
        // After stopping is set: a microphone started again meanwhile forgets the cancellation, but is not read any more.
        bc_mic_cancel(audio->mic);
        bc_thread_join(BC_TAKE(audio->thread));
        if (audio->mic_runs)
                bc_mic_stop(audio->mic);
}

void bc_audio_counters(struct bc_audio *audio, struct bc_pipeline_counters *counters)
{
        bc_monitor_lock(&audio->monitor);
        counters->sound_units = audio->counters.sound_units;
        counters->silent_units = audio->counters.silent_units;
        counters->rate_error_ppb = audio->counters.rate_error_ppb;
        bc_monitor_unlock(&audio->monitor);
}
