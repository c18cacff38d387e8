// SPDX-License-Identifier: EUPL-1.2
#include "evidence/casket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "format/sealed.h"

struct casket {
        struct bc_ward *ward;
        uint32_t number;
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        int fd;
        uint64_t size;
};

// Whether its header, as far as it goes, says that it belongs here. The name of the folder has the recording's number.
static int is_ours(const struct casket *casket, bool *ret_ours)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(BC_SEALED_HEADER_BYTES_MAX);
        size_t n = casket->size < BC_SEALED_HEADER_BYTES_MAX ? (size_t)casket->size : BC_SEALED_HEADER_BYTES_MAX;
        const struct bc_manifest *manifest = &casket->ward->manifest;
        struct bc_sealed_header header;
        size_t header_bytes;
        int r;

        *ret_ours = true;
        if (!bytes)
                return -ENOMEM;
        r = bc_file_read_at(casket->fd, bytes, n, 0);
        if (r < 0)
                return r;
        r = bc_sealed_header_parse(bytes, n, &header, &header_bytes);
        if (r == 0)
                *ret_ours = header.segment == casket->number && header.recording == manifest->counter &&
                            strcmp(header.device, manifest->device) == 0;
        return 0; // what the power cut off in its header, or altered, is for whoever has a key
}

static int note(const struct casket *casket)
{
        struct bc_ward_found *found = &casket->ward->found[casket->number];
        struct bc_manifest_segment *entry = bc_manifest_add_segment(&casket->ward->manifest, casket->number);

        found->kept = true;
        if (!entry)
                return -ENOMEM;
        casket->ward->manifest.sealed = entry->sealed = true;
        if ((entry->state == BC_SEGMENT_CLOSED || entry->state == BC_SEGMENT_RECOVERED) && entry->bytes == casket->size)
                return 0;
        bc_ward_note_missing(casket->ward, entry, casket->size);
        entry->state = BC_SEGMENT_RECOVERED;
        entry->bytes = casket->size;
        casket->ward->report->segments++;
        return 0;
}

int bc_casket_treat(struct bc_ward *ward, uint32_t number)
{
        struct casket casket = { .ward = ward, .number = number };
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        struct stat status;
        bool ours;
        int r;

        bc_segment_file_name(number, true, casket.name);
        if (fstatat(ward->folder_fd, casket.name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode)) {
                bc_log_error("%s/%s is no regular file: it is left alone", ward->name, casket.name);
                return 0;
        }
        fd = openat(ward->folder_fd, casket.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        // Judged is what the card holds: pages that a failed sync left behind as clean may say something else.
        r = bc_file_sync_data(fd);
        if (r < 0)
                return r;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); // advice
        casket.fd = fd;
        casket.size = (uint64_t)status.st_size;
        r = is_ours(&casket, &ours);
        if (r < 0)
                return r;
        if (!ours) {
                bc_log_error("%s/%s is sealed as another segment: it is left alone", ward->name, casket.name);
                return 0;
        }
        return note(&casket);
}
