// SPDX-License-Identifier: EUPL-1.2
// Decoding what the media layer made, by libavcodec: what a player would show and play.
#ifndef TEST_MEDIA_DECODE_H
#define TEST_MEDIA_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

#include "bodycam/frame.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "bodycam/time.h"

struct decoder {
        AVCodecContext *context;
        AVPacket *packet;
        AVFrame *frame;
};

void decoder_open_picture(struct decoder *decoder, const struct bc_picture_stream *stream);
void decoder_open_sound(struct decoder *decoder, const struct bc_sound_stream *stream);
void decoder_close(struct decoder *decoder);

// Decodes one unit; decoder->frame is its picture or its 1024 samples. Fails the test if the decoder objects or gives
// nothing.
void decode(struct decoder *decoder, const struct bc_unit *unit, const uint8_t *bytes);

// Fails the test unless the bytes are whole length-prefixed NAL units without delimiters and parameter sets.
void assert_length_prefixed(const uint8_t *bytes, size_t size);

// Luma only, in 1/100 dB.
int psnr_centibel(const struct bc_frame *frame, const AVFrame *decoded);

#endif
