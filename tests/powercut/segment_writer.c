// SPDX-License-Identifier: EUPL-1.2
// Writes segments as the recorder does, through the recorder's own segment writer, and marks each acknowledgement.
// Their content is the fragments of a finished segment, over and over, so that the same call gives the same files.
//
// Faults, for the controls that must fail: "no-sync" acknowledges without any fdatasync or fsync; "no-barrier" leaves
// out the one between the appended moov and the patched header.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "evidence/segment.h"
#include "format/scan.h"

#define PAYLOAD_BYTES_MAX (8u << 20)

static struct {
        bool no_sync, no_barrier, skip_next;
} fault;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
        if (fault.no_sync || fault.skip_next) {
                fault.skip_next = false;
                return 0;
        }
        return __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
        return fault.no_sync ? 0 : __real_fsync(fd);
}

struct writer {
        int source_fd, folder_fd, mark_fd;
        unsigned fragments; // per segment
        struct bc_segment segment;
        uint8_t *bytes;
        size_t room;
};

static int mark(const struct writer *writer, const char *word, const char *name, uint64_t bytes)
{
        char line[100];
        int n = snprintf(line, sizeof(line), "%s %s %llu\n", word, name, (unsigned long long)bytes);
        if (writer->mark_fd >= 0 && write(writer->mark_fd, line, (size_t)n) != n)
                return -EIO;
        return 0;
}

static int read_source(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct writer *writer = user;
        return bc_file_read_at(writer->source_fd, bytes, n, offset);
}

static int write_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        struct writer *writer = user;
        struct bc_segment *segment = &writer->segment;
        if (segment->table.fragments == writer->fragments)
                return 1; // enough
        if (fragment->payload_bytes > PAYLOAD_BYTES_MAX)
                return -EFBIG;
        int r = bc_file_read_at(writer->source_fd, writer->bytes + writer->room, (size_t)fragment->payload_bytes,
                                offset + fragment->header_bytes);
        if (r == 0)
                r = bc_segment_append(segment, fragment->run, fragment->runs, writer->bytes, writer->room,
                                      (size_t)fragment->payload_bytes, NULL);
        return r < 0 ? r : mark(writer, "durable", segment->name, segment->durable_bytes);
}

static int write_segment(struct writer *writer, const struct bc_init *source, uint64_t source_size, unsigned number)
{
        struct bc_init init = *source;
        struct bc_scan scan;
        char name[16];
        init.label.segment = number;
        snprintf(name, sizeof(name), "%04u.mp4", number);
        int r = bc_segment_init(&writer->segment, writer->folder_fd, name, &init);
        if (r < 0)
                return r;
        struct bc_scan_source fragments = { .read = read_source, .size = source_size, .on_fragment = write_fragment,
                                            .user = writer };
        r = bc_scan_file(&fragments, &scan);
        if (r == 0)
                bc_scan_done(&scan);
        fault.skip_next = fault.no_barrier;
        if (r >= 0)
                r = bc_segment_finalise(&writer->segment);
        fault.skip_next = false;
        if (r == 0)
                r = mark(writer, "finalised", name, writer->segment.durable_bytes);
        bc_segment_done(&writer->segment);
        return r;
}

// Into the folder "recording" of the parent.
static int write_all(struct writer *writer, const char *parent, unsigned segments)
{
        struct bc_scan scan;
        struct stat status;
        writer->room = bc_segment_room(BC_FRAGMENT_SAMPLES_MAX);
        writer->bytes = malloc(writer->room + PAYLOAD_BYTES_MAX);
        if (!writer->bytes)
                return -ENOMEM;
        if (fstat(writer->source_fd, &status) < 0)
                return -errno;
        struct bc_scan_source source = { .read = read_source, .size = (uint64_t)status.st_size, .user = writer };
        int r = bc_scan_file(&source, &scan);
        if (r < 0)
                return r;
        struct bc_init init = scan.init;
        bc_scan_done(&scan);
        int parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return -errno;
        r = bc_folder_make(parent_fd, "recording", true);
        if (r < 0)
                return r;
        writer->folder_fd = openat(parent_fd, "recording", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (writer->folder_fd < 0)
                return -errno;
        for (unsigned i = 1; r == 0 && i <= segments; i++)
                r = write_segment(writer, &init, source.size, i);
        return r;
}

int main(int argc, char **argv)
{
        struct writer writer = { .source_fd = -1, .folder_fd = -1, .mark_fd = -1 };
        if (argc < 5 || argc > 7) {
                fprintf(stderr, "usage: powercut_segment_writer SOURCE PARENT-FOLDER SEGMENTS FRAGMENTS [MARKS [no-sync|no-barrier]]\n");
                return 2;
        }
        writer.source_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
        unsigned segments = (unsigned)strtoul(argv[3], NULL, 10);
        writer.fragments = (unsigned)strtoul(argv[4], NULL, 10);
        if (argc > 5)
                writer.mark_fd = open(argv[5], O_WRONLY | O_CLOEXEC);
        if (writer.source_fd < 0 || (argc > 5 && writer.mark_fd < 0)) {
                fprintf(stderr, "%s: %s\n", writer.source_fd < 0 ? argv[1] : argv[5], strerror(errno));
                return 1;
        }
        fault.no_sync = argc > 6 && strcmp(argv[6], "no-sync") == 0;
        fault.no_barrier = argc > 6 && strcmp(argv[6], "no-barrier") == 0;
        int r = write_all(&writer, argv[2], segments);
        free(writer.bytes);
        if (r < 0)
                fprintf(stderr, "%s: %s\n", argv[2], strerror(-r));
        return r < 0;
}
