// SPDX-License-Identifier: EUPL-1.2
// Writes a clip through libavformat's fragmented MP4: what src/format is compared with.
#ifndef TRIAL_LAVF_H
#define TRIAL_LAVF_H

#include "packets.h"

enum lavf_way {
        LAVF_EMPTY_MOOV,
        LAVF_EMPTY_MOOV_EDITS, // the same with use_editlist and without shifting
        LAVF_DELAY_MOOV,
};

int lavf_write(const struct clip *clip, enum lavf_way way, int64_t fragment_ticks, const char *path);

#endif
