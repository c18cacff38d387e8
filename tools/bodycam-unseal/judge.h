// SPDX-License-Identifier: EUPL-1.2
// The signatures of a decrypted segment, judged as bodycam-verify judges them, and that the header it was sealed under is the one
// that its first record states. Thread-bound.
#ifndef TOOLS_BODYCAM_UNSEAL_JUDGE_H
#define TOOLS_BODYCAM_UNSEAL_JUDGE_H

#include "job.h"
#include "verify/segment.h"

struct bc_unseal_judge {
        struct bc_judge judge;
        char text[BC_FINDING_TEXT_BYTES]; // why they are not good, the last time; no control characters are taken out of it
};

// For bc_job.judge; user is a struct bc_unseal_judge.
enum bc_signature bc_unseal_judge(void *user, int fd, const struct bc_unseal_report *report);

#endif
