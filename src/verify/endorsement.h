// SPDX-License-Identifier: EUPL-1.2
// manifest.sig, and the list of files in the manifest that it signs (docs/formats/manifest.md, 9). Thread-bound.
#ifndef BC_VERIFY_ENDORSEMENT_H
#define BC_VERIFY_ENDORSEMENT_H

#include <jansson.h>

#include "verify/recording.h"

// "signed"
const char *bc_endorsement_name(enum bc_endorsement endorsement);

// Judges manifest.sig over the bytes of manifest.json, by the key that signed the records, whose certificate is judged there; or by
// another one (key_sha256: struct bc_signer; NULL: that). Its own certificates lead to one of the anchors, where there is any (trust may
// be NULL). What is wrong is found; verdict->endorsement says what it is.
void bc_endorsement_judge(struct bc_recording_verdict *verdict, const uint8_t *key_sha256, const struct bc_trust *trust,
                          const char *manifest, size_t bytes);

// Holds the list of files against what lies in the folder.
void bc_endorsement_judge_files(struct bc_recording_verdict *verdict, const json_t *root);

#endif
