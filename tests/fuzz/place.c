// SPDX-License-Identifier: EUPL-1.2
#include "place.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target.h"

static struct {
        char path[64], name[64], file[128], folder[16];
        int fd, folder_fd; // where name is: in folder_fd, if there is a folder
} place;

static void remove_place(void)
{
        unlinkat(place.folder[0] ? place.folder_fd : place.fd, place.name, 0);
        if (place.folder[0])
                unlinkat(place.fd, place.folder, AT_REMOVEDIR);
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

static void write_at(int folder_fd, const char *name, const uint8_t *bytes, size_t n)
{
        snprintf(place.name, sizeof(place.name), "%s", name);
        int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        FUZZ_EXPECT(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
        close(fd);
}

int fuzz_place_write(const char *name, const uint8_t *bytes, size_t n)
{
        open_place();
        write_at(place.fd, name, bytes, n);
        return place.fd;
}

int fuzz_place_write_in(const char *folder, const char *name, const uint8_t *bytes, size_t n, int *ret_folder_fd)
{
        open_place();
        if (!place.folder[0]) {
                snprintf(place.folder, sizeof(place.folder), "%s", folder);
                FUZZ_EXPECT(mkdirat(place.fd, folder, 0700) == 0);
                place.folder_fd = openat(place.fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                FUZZ_EXPECT(place.folder_fd >= 0);
        }
        write_at(place.folder_fd, name, bytes, n);
        *ret_folder_fd = place.folder_fd;
        return place.fd;
}
