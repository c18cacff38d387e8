// SPDX-License-Identifier: EUPL-1.2
// Where make_clips put the clips: the folder CLIPS of the environment.
#ifndef BC_TESTS_CLIPS_H
#define BC_TESTS_CLIPS_H

#include <stdio.h>
#include <stdlib.h>

#define CLIP_PATH_BYTES 4096

// Writes the path of a clip into path and returns it.
static inline const char *clip_path(const char *name, char path[CLIP_PATH_BYTES])
{
        const char *folder = getenv("CLIPS");
        int length = snprintf(path, CLIP_PATH_BYTES, "%s/%s", folder ? folder : ".", name);

        if (length < 0 || length >= CLIP_PATH_BYTES)
                abort();
        return path;
}

#endif
