// SPDX-License-Identifier: EUPL-1.2
// seal-file [--segment N] [--fragment BYTES] IN OUT CERTIFICATE...: seals a file as the recorder would, for tests of
// what reads it. Prints figures of it as JSON. IN "-N": N zero bytes instead of a file, OUT "-": to nowhere, for
// measuring.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "evidence/sealer.h"

struct job {
        int in, out;
        uint64_t left, written, sealed_ns;
        size_t fragment_bytes;
        uint8_t *plain, *sealed;
        size_t room;
};

static uint64_t cpu_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int put(struct job *job, size_t n)
{
        int r = job->out < 0 ? 0 : bc_file_write_at(job->out, job->sealed, n, job->written);

        job->written += n;
        return r;
}

static int seal_all(struct job *job, struct bc_sealer *sealer)
{
        uint64_t at = 0;
        bool final = false;
        int r = 0;

        while (r == 0 && !final) {
                size_t n = job->left - at < job->fragment_bytes ? (size_t)(job->left - at) : job->fragment_bytes, sealed;
                uint64_t before;

                if (job->in >= 0)
                        r = bc_file_read_at(job->in, job->plain, n, at);
                if (r < 0)
                        return r;
                at += n;
                final = at == job->left;
                before = cpu_ns();
                r = final ? bc_sealer_finish(sealer, job->plain, n, job->sealed, job->room, &sealed) :
                            bc_sealer_seal(sealer, job->plain, n, job->sealed, job->room, &sealed);
                job->sealed_ns += cpu_ns() - before;
                if (r == 0)
                        r = put(job, sealed);
        }
        return r;
}

static void tell(void *user, const char *path, const char *text, bool used)
{
        (void)user, (void)path, (void)used;
        fprintf(stderr, "seal-file: %s\n", text);
}

static int run(struct job *job, char **certificates, size_t count, uint32_t segment)
{
        struct bc_agency_source source = { .paths = (const char *const *)certificates, .count = count,
                                           .now_unix_s = BC_AGENCY_TIME_UNKNOWN, .on_finding = tell };
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = NULL;
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        struct bc_sealed_header about = {
                .device = "CAM-1", .boot_id = { 0xb0 }, .boot = 42, .recording = 7, .segment = segment
        };
        uint8_t hash[BC_SEALED_HASH_BYTES];
        uint64_t before;
        size_t n;
        int r;

        r = bc_agency_load(&source, &agency);
        if (r == 0)
                r = bc_sealer_new(agency, &sealer);
        if (r < 0)
                return r;
        before = cpu_ns();
        r = bc_sealer_begin(sealer, &about, job->sealed, job->room, &n, hash);
        before = cpu_ns() - before;
        if (r == 0)
                r = put(job, n);
        if (r == 0)
                r = seal_all(job, sealer);
        if (r == 0)
                printf("{\"plain\": %llu, \"sealed\": %llu, \"begin\": %zu, \"begin_cpu_ns\": %llu, \"cpu_ns\": %llu}\n",
                       (unsigned long long)job->left, (unsigned long long)job->written, n, (unsigned long long)before,
                       (unsigned long long)job->sealed_ns);
        return r;
}

static int open_files(struct job *job, const char *in, const char *out)
{
        off_t size;

        job->in = job->out = -1;
        if (in[0] == '-') {
                job->left = strtoull(in + 1, NULL, 10);
        } else {
                job->in = open(in, O_RDONLY | O_CLOEXEC);
                size = job->in < 0 ? -1 : lseek(job->in, 0, SEEK_END);
                if (size < 0)
                        return -errno;
                job->left = (uint64_t)size;
        }
        if (strcmp(out, "-") != 0) {
                job->out = bc_file_create(AT_FDCWD, out);
                if (job->out < 0)
                        return job->out;
        }
        return 0;
}

int main(int argc, char **argv)
{
        struct job job = { .fragment_bytes = 500000 };
        uint32_t segment = 1;
        int first = 1, r;

        for (; first + 1 < argc && strncmp(argv[first], "--", 2) == 0; first += 2) {
                unsigned long value = strtoul(argv[first + 1], NULL, 10);

                if (strcmp(argv[first], "--segment") == 0)
                        segment = (uint32_t)value;
                else
                        job.fragment_bytes = value;
        }
        if (argc - first < 3 || job.fragment_bytes == 0) {
                fprintf(stderr, "usage: seal-file [--segment N] [--fragment BYTES] IN OUT CERTIFICATE...\n");
                return 64;
        }
        job.room = bc_sealed_bytes(job.fragment_bytes, true) + BC_SEALER_BEGIN_BYTES_MAX;
        job.plain = calloc(1, job.fragment_bytes);
        job.sealed = malloc(job.room);
        r = job.plain && job.sealed ? open_files(&job, argv[first], argv[first + 1]) : -ENOMEM;
        if (r == 0)
                r = run(&job, argv + first + 2, (size_t)(argc - first - 2), segment);
        if (r < 0)
                fprintf(stderr, "seal-file: %s\n", strerror(-r));
        free(job.plain);
        free(job.sealed);
        return r < 0;
}
