// SPDX-License-Identifier: EUPL-1.2
// An H.264 encoder of FFmpeg: frames in, access units out, in the same order and with the frames' own times.
//
// A frame handed over stays where it is: the encoder reads the camera's planes and gives the frame back when
// FFmpeg holds it no longer. libx264 copies it once, into its own padded picture, and is done when send() returns.
// Per frame nothing is allocated here; libavcodec allocates two references and a packet's side data, 144 bytes in all.
//
// Thread-bound. Errors of FFmpeg that are no errno are -EIO.
#ifndef BC_MEDIA_PICTURE_ENCODER_H
#define BC_MEDIA_PICTURE_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/frame.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"

struct bc_picture_encoder;

struct bc_picture_encoder_config {
        const char *encoder; // FFmpeg's name
        const char *preset;  // libx264 only
        uint32_t threads;    // slices of a picture encoded at once
        uint32_t bit_rate_bps;
        uint32_t width_px, height_px;
        int64_t interval_ns; // nominal
        int64_t gop_ns;      // only a hint for encoders: key frames come by bc_picture_order.key
        enum bc_pixel_format format;
};

// What shall become of a frame.
struct bc_picture_order {
        bool key;
        uint16_t flags; // of the unit, without BC_UNIT_KEY
        uint16_t lost;  // of the unit
};

// What can be judged without opening one. 0, or negative errno and in text what is wrong, for the one who wrote the
// settings.
int bc_picture_encoder_check_size(uint32_t width_px, uint32_t height_px, char *text, size_t text_bytes);
int bc_picture_encoder_check_name(const char *encoder, char *text, size_t text_bytes);
int bc_picture_encoder_check_preset(const char *encoder, const char *preset, char *text, size_t text_bytes);

// All of that and more; as they do, on failure text says what is wrong.
int bc_picture_encoder_new(const struct bc_picture_encoder_config *config, char *text, size_t text_bytes,
                           struct bc_picture_encoder **ret_encoder);

// Gives back every frame it still holds. NULL is allowed.
void bc_picture_encoder_free(struct bc_picture_encoder *encoder);

const struct bc_picture_stream *bc_picture_encoder_stream(const struct bc_picture_encoder *encoder);

// The bit rate to keep from now on, at the nominal frame distance. Encoders that cannot change it go on as before.
void bc_picture_encoder_aim(struct bc_picture_encoder *encoder, uint32_t bit_rate_bps);

// Takes the frame, also on failure. Its time, in ticks, must be after that of the frame before (-EINVAL).
int bc_picture_encoder_send(struct bc_picture_encoder *encoder, struct bc_frame *frame,
                            const struct bc_picture_order *order);

// No frame follows: the units still inside come out of receive(), then -ENODATA.
int bc_picture_encoder_finish(struct bc_picture_encoder *encoder);

// The next unit; *ret_bytes lends its bytes until the next call. -EAGAIN: send first. -ENODATA: finished. -EPROTO:
// the encoder did what the file format cannot hold (reordered, changed its parameter sets).
int bc_picture_encoder_receive(struct bc_picture_encoder *encoder, struct bc_unit *ret_unit,
                               const uint8_t **ret_bytes);

#endif
