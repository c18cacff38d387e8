// SPDX-License-Identifier: EUPL-1.2
// AAC-LC: blocks of 1024 samples in, access units out, each with the time at which its sound really is.
//
// Where the sound of a unit lies. AAC transforms overlap by half: unit n is coded from blocks n and n + 1 (2048
// samples), and a decoder that gets units n - 1 and n puts out, as the output of unit n, block n. So a decoder
// "delays" by one block, and a player, which shows a decoder's output for unit n at the time of unit n, plays
// every block in its place if unit n carries the start time of block n. That is the time given here: tick
// block * 1024. No edit list and no priming is needed anywhere in the stream, and every cut decodes right but for
// its first unit, of which the decoder lacks the half that unit n - 1 held (21 ms).
// FFmpeg calls the unit before the first block "priming" (initial_padding 1024): it is thrown away here, it lies
// before the stream's start. Measured: tests/unit/media/test_sound_encoder.c.
//
// The coder looks one block ahead, so the unit of block n comes out when block n + 2 goes in.
//
// Thread-bound. Errors of FFmpeg that are no errno are -EIO.
#ifndef BC_MEDIA_SOUND_ENCODER_H
#define BC_MEDIA_SOUND_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "bodycam/ring.h"
#include "bodycam/stream.h"

#define BC_SOUND_CHANNELS_MAX 2
#define BC_SOUND_BIT_RATE_MIN_BPS 16000
// Per channel. FFmpeg's coder keeps the largest unit up to 170 kbit/s; at 288 it makes units of 1.4 times the limit.
#define BC_SOUND_BIT_RATE_MAX_BPS 160000
// The largest unit per channel: what a decoder's input buffer holds (ISO/IEC 14496-3, 4.5.3).
#define BC_SOUND_UNIT_BYTES_MAX (6144 / 8)

struct bc_sound_encoder;

// channels 1 or 2. -EINVAL for a bit rate beyond the limits above.
int bc_sound_encoder_new(uint32_t channels, uint32_t bit_rate_bps, struct bc_sound_encoder **ret_encoder);
void bc_sound_encoder_free(struct bc_sound_encoder *encoder);

const struct bc_sound_stream *bc_sound_encoder_stream(const struct bc_sound_encoder *encoder);

// Block number `block` of the process (it starts at media tick block * 1024), each one the successor of the one
// before (-EINVAL). plane[c] holds 1024 samples of channel c. flags: of its unit, without BC_UNIT_KEY.
int bc_sound_encoder_send(struct bc_sound_encoder *encoder, int64_t block, const float *const *plane,
                          uint16_t flags);

// No block follows.
int bc_sound_encoder_finish(struct bc_sound_encoder *encoder);

// The next unit; *ret_bytes lends its bytes until the next call. -EAGAIN: send first. -ENODATA: finished.
int bc_sound_encoder_receive(struct bc_sound_encoder *encoder, struct bc_unit *ret_unit,
                             const uint8_t **ret_bytes);

#endif
