// SPDX-License-Identifier: EUPL-1.2
// A software TPM (swtpm) with a state of its own, which TPM2OPENSSL_TCTI names from chip_make() to chip_done(). It serves one connection at
// a time.
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <sys/types.h>

#include "folder.h"

struct chip {
        char folder[FOLDER_PATH_BYTES];
        pid_t pid; // 0: it does not run
};

// New, and running.
void chip_make(struct chip *chip);
void chip_done(struct chip *chip);

// A start after an end is the same TPM after a power cut. abruptly: in whatever it is doing.
void chip_start(struct chip *chip);
void chip_end(struct chip *chip, bool abruptly);

#endif
