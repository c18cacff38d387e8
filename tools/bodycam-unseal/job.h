// SPDX-License-Identifier: EUPL-1.2
// One sealed file: from NNNN.mp4.sealed to NNNN.mp4 in the folder of the output, by way of NNNN.mp4.incomplete.
#ifndef TOOLS_BODYCAM_UNSEAL_JOB_H
#define TOOLS_BODYCAM_UNSEAL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/unseal.h"

enum bc_exit { // of a file, and of the program: the worst of all files
        BC_EXIT_WHOLE = 0,
        BC_EXIT_TAMPERED = 1,
        BC_EXIT_CUT = 2,
        BC_EXIT_CANNOT = 3,
        BC_EXIT_USAGE = 64,
};

enum bc_signature {
        BC_SIGNATURE_NOT_JUDGED,
        BC_SIGNATURE_GOOD, // the records up to the one that ends the segment
        BC_SIGNATURE_BAD,
        BC_SIGNATURE_UNPROVEN, // good as far as they go
        BC_SIGNATURE_UNJUDGED, // it was tried: no trust anchor for them, a test certificate
};

struct bc_job {
        // what is asked
        const char *path;
        int folder_fd; // of the output; borrowed
        const struct bc_opener *opener;
        bool progress; // on standard error
        // Judges the decrypted segment, final moov and all, before it gets its name [rule 22]: the signed records,
        // and that the first one states this header's hash. NULL: nobody judges, which is said. Standing by itself so
        // that it does not matter here who does it.
        enum bc_signature (*judge)(void *user, int fd, const struct bc_unseal_report *report);
        void *user;
        const char *why; // borrowed: what the judge says of signatures that are not good; NULL: nothing
        // what came of it
        enum bc_exit exit;
        struct bc_unseal_report report;
        enum bc_signature signature;
        char output[32];    // name of the file in the folder; empty: there is none
        char text[320];     // what was found, in a sentence
        bool finalised;     // the final moov was appended
};

void bc_job_run(struct bc_job *job);

// The worse one of two.
enum bc_exit bc_exit_worse(enum bc_exit a, enum bc_exit b);

#endif
