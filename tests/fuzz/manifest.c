// SPDX-License-Identifier: EUPL-1.2
// A manifest that anybody may have edited: refused, or loaded; saved and loaded again it is saved as the same bytes.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "evidence/manifest.h"
#include "place.h"
#include "target.h"

#define SAVED_BYTES_MAX (4 << 20)

static size_t read_saved(int folder_fd, char *bytes)
{
        int fd = openat(folder_fd, BC_MANIFEST_NAME, O_RDONLY | O_CLOEXEC);
        FUZZ_EXPECT(fd >= 0);
        ssize_t n = read(fd, bytes, SAVED_BYTES_MAX);
        FUZZ_EXPECT(n >= 0 && n < SAVED_BYTES_MAX);
        close(fd);
        return (size_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static char once[SAVED_BYTES_MAX], twice[SAVED_BYTES_MAX];
        struct bc_manifest manifest, again;
        int folder_fd = fuzz_place_write(BC_MANIFEST_NAME, bytes, n);

        bc_manifest_init(&manifest);
        if (bc_manifest_load(&manifest, folder_fd) == 0 && bc_manifest_save(&manifest, folder_fd) == 0) {
                size_t saved = read_saved(folder_fd, once);
                bc_manifest_init(&again);
                FUZZ_EXPECT(bc_manifest_load(&again, folder_fd) == 0);
                FUZZ_EXPECT(bc_manifest_save(&again, folder_fd) == 0);
                FUZZ_EXPECT(read_saved(folder_fd, twice) == saved && memcmp(once, twice, saved) == 0);
                bc_manifest_done(&again);
        }
        bc_manifest_done(&manifest);
        return 0;
}
