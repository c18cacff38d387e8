// SPDX-License-Identifier: EUPL-1.2
// Finds the onsets of the tone microphone's beeps in a stream of samples, also after lossy coding.
//
// A beep is BC_TONE_PITCH_HZ rising from quiet; its onset is where the loudness of that pitch, over one
// millisecond, passes half of what it then settles at. The echo that a codec puts before it stays below that.
#ifndef BC_TESTS_BEEP_FINDER_H
#define BC_TESTS_BEEP_FINDER_H

#include <stdbool.h>
#include <stdint.h>

struct bc_beep_finder;

// rate_hz: 8000 .. 192000. 0, -EINVAL or -ENOMEM.
int bc_beep_finder_new(uint32_t rate_hz, struct bc_beep_finder **ret_finder);
void bc_beep_finder_free(struct bc_beep_finder *finder); // NULL is allowed

// Takes the next sample of one channel. True: *ret_onset is the number of the sample, from 0, at which a beep
// began, some 10 ms ago. A stream that begins within a beep, or less than 10 ms before it, has no onset
// there.
bool bc_beep_finder_add(struct bc_beep_finder *finder, int16_t sample, int64_t *ret_onset);

#endif
