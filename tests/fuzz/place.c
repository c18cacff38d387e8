// SPDX-License-Identifier: EUPL-1.2
#include "place.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target.h"

static struct {
        char path[64], name[32], file[128];
        int fd;
} place;

static void remove_place(void)
{
        unlinkat(place.fd, place.name, 0);
        rmdir(place.path);
}

static void open_place(void)
{
        if (place.path[0])
                return;
        // in memory, where there is such a place
        snprintf(place.path, sizeof(place.path), "%s/bodycam-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        FUZZ_EXPECT(mkdtemp(place.path));
        place.fd = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        FUZZ_EXPECT(place.fd >= 0 && atexit(remove_place) == 0);
}

const char *fuzz_place_path(const char *name)
{
        open_place();
        snprintf(place.file, sizeof(place.file), "%s/%s", place.path, name);
        return place.file;
}

int fuzz_place_write(const char *name, const uint8_t *bytes, size_t n)
{
        open_place();
        snprintf(place.name, sizeof(place.name), "%s", name);
        int fd = openat(place.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        FUZZ_EXPECT(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
        close(fd);
        return place.fd;
}
