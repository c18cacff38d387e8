// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "provision.h"

int bc_place_open(const char *path, const char **ret_name)
{
        const char *slash = strrchr(path, '/');
        char folder[PATH_MAX] = ".";
        int fd;

        if (slash && snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path) >= (int)sizeof(folder))
                return -ENAMETOOLONG;
        *ret_name = slash ? slash + 1 : path;
        if (!**ret_name)
                return -EISDIR;
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}
