// SPDX-License-Identifier: EUPL-1.2
// One clip as camera and microphone: anything FFmpeg reads, looped for ever.
//
// The clip plays like a film in an empty cinema: its first moment is at origin_ns and every period_ns again,
// whether anyone looks or not. A frame with presentation time p of loop k is delivered at origin_ns + k *
// period_ns + p, to the nanosecond; so is the sound, at 48 kHz. Camera and microphone that were given the
// same config stay together for ever, however often each is stopped and started. The period is that of the
// longer of picture and sound; the shorter one is followed by silence, or by no picture.
#ifndef BC_FILE_FILE_H
#define BC_FILE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/camera.h"
#include "bodycam/mic.h"
#include "bodycam/simulation.h"

#define BC_FILE_PERIOD_MAX_NS (24 * 3600 * BC_NS_PER_S)

struct bc_file_config {
        const char *clip_path;  // picture, and sound unless sound_path is given
        const char *sound_path; // NULL: the clip's own sound
        int64_t origin_ns;      // media time at which the clip begins the first time, usually that of opening
};

// Reads all of the file once to learn its exact length, so that whatever is wrong with it shows here. The
// picture is turned upright, deinterlaced, scaled to the size asked for with its aspect kept, between black
// bars, as I420 of limited range; camera_config's rate is not used. Pictures that are there but cannot be
// decoded are counted as lost. 0, or negative errno with a message naming file and reason in text: -ENOENT
// and the like, -ENODATA (no picture), -EBADMSG (cannot be read as a clip), -ERANGE (sides or time stamps out
// of range), -ENOTSUP (no decoder).
int bc_file_camera_open(struct bc_clock *clock, const struct bc_file_config *config,
                        const struct bc_camera_config *camera_config, char *text, size_t text_bytes,
                        struct bc_camera **ret_camera);

// Mono stays mono, everything else becomes stereo. Sound that cannot be decoded becomes silence. Errors as
// above.
int bc_file_mic_open(struct bc_clock *clock, const struct bc_file_config *config, char *text,
                     size_t text_bytes, struct bc_mic **ret_mic);

// See bodycam/simulation.h. Any thread.
void bc_file_camera_set_fault(struct bc_camera *camera, enum bc_fault fault);
void bc_file_mic_set_fault(struct bc_mic *mic, enum bc_fault fault);

#endif
