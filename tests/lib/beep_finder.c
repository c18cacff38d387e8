// SPDX-License-Identifier: EUPL-1.2
#include "lib/beep_finder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "pattern/pattern.h"

#define RATE_MIN_HZ 8000u
#define RATE_MAX_HZ 192000u
#define SETTLE_MS 10u
#define QUIET_MS 10u
#define LOUDNESS_MIN 1500 // amplitude below which nothing is a beep
#define SCALE 16384

// One whole wave of samples against sine and cosine, as sliding sums: a sample's slot in the window is its
// angle.
struct bc_beep_finder {
        uint32_t window;          // samples of one wave
        uint32_t settle, quiet;   // samples of these times
        int32_t *sine, *cosine;   // times SCALE, by slot
        int16_t *sample;          // by slot
        int64_t in_phase, across; // the sums
        int32_t *loudness;        // of the last SETTLE_MS, round
        int64_t count;            // samples given
        uint32_t loud_for, quiet_for;
        bool armed; // was quiet long enough: the next rise is an onset
};

int bc_beep_finder_new(uint32_t rate_hz, struct bc_beep_finder **ret_finder)
{
        struct bc_beep_finder *finder;

        if (rate_hz < RATE_MIN_HZ || rate_hz > RATE_MAX_HZ)
                return -EINVAL;
        finder = calloc(1, sizeof(*finder));
        if (!finder)
                return -ENOMEM;
        finder->window = (rate_hz + BC_TONE_PITCH_HZ / 2) / BC_TONE_PITCH_HZ;
        finder->settle = rate_hz * SETTLE_MS / 1000;
        finder->quiet = rate_hz * QUIET_MS / 1000;
        finder->sine = calloc(finder->window, sizeof(*finder->sine));
        finder->cosine = calloc(finder->window, sizeof(*finder->cosine));
        finder->sample = calloc(finder->window, sizeof(*finder->sample));
        finder->loudness = calloc(finder->settle, sizeof(*finder->loudness));
        if (!finder->sine || !finder->cosine || !finder->sample || !finder->loudness) {
                bc_beep_finder_free(finder);
                return -ENOMEM;
        }
        for (uint32_t i = 0; i < finder->window; i++) {
                double angle = 2 * M_PI * i / finder->window;

                finder->sine[i] = (int32_t)lround(SCALE * sin(angle));
                finder->cosine[i] = (int32_t)lround(SCALE * cos(angle));
        }
        *ret_finder = finder;
        return 0;
}

void bc_beep_finder_free(struct bc_beep_finder *finder)
{
        if (!finder)
                return;
        free(finder->sine);
        free(finder->cosine);
        free(finder->sample);
        free(finder->loudness);
        free(finder);
}

// The pitch's amplitude over the last wave, this sample included.
static int32_t slide(struct bc_beep_finder *finder, int16_t sample)
{
        uint32_t slot = (uint32_t)(finder->count % finder->window);
        int64_t change = sample - finder->sample[slot];

        finder->sample[slot] = sample;
        finder->in_phase += change * finder->sine[slot];
        finder->across += change * finder->cosine[slot];
        return (int32_t)lround(2 * hypot((double)finder->in_phase, (double)finder->across) / SCALE /
                               finder->window);
}

// Looks back from the last sample, at which the beep has settled, to where it passed half of that.
static int64_t onset(const struct bc_beep_finder *finder)
{
        int64_t last = finder->count - 1, at = last;
        int32_t half = finder->loudness[last % finder->settle] / 2;

        while (at > 0 && last - at < (int64_t)finder->settle - 1 &&
               finder->loudness[(at - 1) % finder->settle] >= half)
                at--;
        // A wave that is half beep has half its loudness: the onset is in its middle.
        at -= finder->window / 2;
        return at > 0 ? at : 0;
}

bool bc_beep_finder_add(struct bc_beep_finder *finder, int16_t sample, int64_t *ret_onset)
{
        int32_t loudness = slide(finder, sample);

        finder->loudness[finder->count++ % finder->settle] = loudness;
        if (loudness < LOUDNESS_MIN) {
                finder->loud_for = 0;
                if (++finder->quiet_for >= finder->quiet)
                        finder->armed = true;
                return false;
        }
        finder->quiet_for = 0;
        // Two waves short of all that is remembered, so that the whole rise still is.
        if (!finder->armed || ++finder->loud_for < finder->settle - 2 * finder->window)
                return false;
        finder->armed = false;
        finder->loud_for = 0;
        *ret_onset = onset(finder);
        return true;
}
