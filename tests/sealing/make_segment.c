// SPDX-License-Identifier: EUPL-1.2
// make-segment WORDS OUT: writes an open segment, as it lies in a sealed file, made of the words of unit/format/segments.h.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "unit/format/segments.h"

int main(int argc, char **argv)
{
        struct bc_init init = segment_init_full(0);
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        struct segment segment = { 0 };
        int r;

        if (argc != 3) {
                fprintf(stderr, "usage: make-segment WORDS OUT\n");
                return 64;
        }
        segment_write(&segment, &init, 1, argv[1]);
        fd = bc_file_create(AT_FDCWD, argv[2]);
        r = fd < 0 ? fd : bc_file_write_at(fd, segment.bytes, segment.size, 0);
        segment_done(&segment);
        if (r < 0)
                fprintf(stderr, "make-segment: %s\n", strerror(-r));
        return r < 0;
}
