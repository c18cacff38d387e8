// SPDX-License-Identifier: EUPL-1.2
// For the control: a program that is loaded with this (LD_PRELOAD) believes that it syncs.
#include <unistd.h>

int fsync(int fd)
{
        (void)fd;
        return 0;
}

int fdatasync(int fd)
{
        (void)fd;
        return 0;
}
