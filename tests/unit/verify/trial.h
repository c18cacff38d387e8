// SPDX-License-Identifier: EUPL-1.2
// A verifier at work in a test: anchors, a folder for recordings, and what the verdict must be.
#ifndef TEST_VERIFY_TRIAL_H
#define TEST_VERIFY_TRIAL_H

#include "forge.h"
#include "verify/recording.h"

#define TRIAL_PATH_BYTES 512

struct trial {
        struct forge_identity identity;
        struct bc_trust *trust;
        struct bc_judge judge;
        char folder[TRIAL_PATH_BYTES]; // empty between two judgements
        struct bc_recording_verdict verdict;
        bool judged;
};

// With the root named, and a device's certificate without policies.
void trial_init(struct trial *trial);
void trial_init_with(struct trial *trial, const char *policy, const char *curve);
void trial_done(struct trial *trial);

// Judges a path, a lone file of these bytes, or a recording in its folder. The verdict stays in trial->verdict until the next
// one.
enum bc_verdict trial_path(struct trial *trial, const char *path);
enum bc_verdict trial_file(struct trial *trial, const void *bytes, size_t n);
enum bc_verdict trial_recording(struct trial *trial, const struct forge *forge);
// The same with a manifest beside it.
enum bc_verdict trial_whole(struct trial *trial, const struct forge *forge);

// Whether a finding of this code, of this verdict, was made anywhere.
bool trial_found(const struct trial *trial, enum bc_finding_code code, enum bc_verdict verdict);

// Fails, with all findings printed, unless the last verdict is this one; the second wants a finding of the code besides.
void trial_expect(const struct trial *trial, enum bc_verdict got, enum bc_verdict expected);
void trial_expect_found(const struct trial *trial, enum bc_verdict got, enum bc_verdict expected, enum bc_finding_code code);
// The same, and the finding is at this offset.
void trial_expect_at(const struct trial *trial, enum bc_verdict got, enum bc_verdict expected, enum bc_finding_code code,
                     uint64_t offset);

// Copies a forged file, and inserts, removes or replaces bytes of the copy.
struct trial_bytes {
        uint8_t *bytes;
        size_t n;
};
struct trial_bytes trial_copy(const struct forge_segment *segment);
struct trial_bytes trial_splice(const struct forge_segment *segment, size_t at, size_t remove, const void *insert,
                                size_t insert_n);
void trial_bytes_done(struct trial_bytes *bytes);

#endif
