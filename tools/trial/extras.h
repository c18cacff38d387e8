// SPDX-License-Identifier: EUPL-1.2
// The tracks that stand beside picture and sound, and the file metadata, with contents that a reader can check:
// what second i of the clip says is a function of i (tools/trial/metadata.py knows it too).
#ifndef TRIAL_EXTRAS_H
#define TRIAL_EXTRAS_H

#include "packets.h"

// Adds a text track and a position track, one sample a second for as long as the picture lasts, or none with `empty`;
// and make, model and location. 0, -EINVAL (no sound in the clip), -ENOMEM.
int clip_add_extras(struct clip *clip, bool empty);

#endif
