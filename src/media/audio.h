// SPDX-License-Identifier: EUPL-1.2
// The audio thread: a microphone's sound, or silence, encoded into the ring's sound lane.
//
// The lane begins with the first block at or after the start and goes on without a hole until the stop. Without
// sound for BC_AUDIO_SILENCE_AFTER_NS silence is made up to BC_AUDIO_SILENCE_BEHIND_NS before now, so the newest
// unit ends at most 250 + 3 * 21.3 ms behind now: the coder looks two blocks ahead, and one is being filled.
//
// What is muted is zeroed twice: the microphone's samples by the times at which they were captured, before they are resampled,
// and the samples of each block by their ticks, before it is encoded, which also reaches those that had gone into the resampler
// when the mute was heard of.
//
// An encoder that fails is replaced; what was in it is silence. Where that does not help either, the lane ends early.
#ifndef BC_MEDIA_AUDIO_H
#define BC_MEDIA_AUDIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/mic.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "media/pipeline.h"

#define BC_AUDIO_SILENCE_AFTER_NS (250 * BC_NS_PER_MS)
#define BC_AUDIO_SILENCE_BEHIND_NS (200 * BC_NS_PER_MS)

struct bc_audio;

// Opens the encoder. Borrows all. Failures are logged.
int bc_audio_new(struct bc_clock *clock, struct bc_ring *ring, struct bc_mic *mic, uint32_t bit_rate_bps,
                 const struct bc_pipeline_sink *sink, struct bc_audio **ret_audio);
void bc_audio_free(struct bc_audio *audio);

const struct bc_sound_stream *bc_audio_stream(const struct bc_audio *audio);

// Starts microphone and thread; a microphone that does not start is replaced by silence and tried again.
int bc_audio_start(struct bc_audio *audio, int64_t start_ns);

// Stops the microphone; the sound read so far is encoded, silence fills up to now; ends the lane.
void bc_audio_stop(struct bc_audio *audio);

// As bc_pipeline_set_muted(). Any thread, whether it runs or not.
int64_t bc_audio_set_muted(struct bc_audio *audio, bool muted, int64_t time_ns);

// Adds the sound's counters.
void bc_audio_counters(struct bc_audio *audio, struct bc_pipeline_counters *counters);

#endif
