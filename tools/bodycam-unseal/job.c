// SPDX-License-Identifier: EUPL-1.2
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "complete.h"
#include "text.h"

enum bc_exit bc_exit_worse(enum bc_exit a, enum bc_exit b)
{
        static const int rank[] = { [BC_EXIT_WHOLE] = 0, [BC_EXIT_CUT] = 1, [BC_EXIT_CANNOT] = 2, [BC_EXIT_TAMPERED] = 3 };

        return rank[a] > rank[b] ? a : b;
}

__attribute__((format(printf, 3, 4))) static void conclude(struct bc_job *job, enum bc_exit exit, const char *format, ...)
{
        va_list arguments;

        job->exit = exit;
        va_start(arguments, format);
        vsnprintf(job->text, sizeof(job->text), format, arguments);
        va_end(arguments);
}

static int read_file(void *user, uint64_t offset, void *bytes, size_t n)
{
        return bc_file_read_at(*(const int *)user, bytes, n, offset);
}

static int open_input(const char *path, struct bc_unseal_source *source, int *fd)
{
        struct stat status;

        *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (*fd < 0 || fstat(*fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -EINVAL;
        *source = (struct bc_unseal_source){ .read = read_file, .size = (uint64_t)status.st_size, .user = fd };
        return 0;
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

// Whether a file is named as one of another segment: NNNN.mp4.sealed with a number that is not the header's.
static bool misnamed(const char *path, uint32_t segment)
{
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        if (strlen(name) != strlen("0000.mp4.sealed") || strcmp(name + 4, ".mp4.sealed") != 0 || !is_digit(name[0]) ||
            !is_digit(name[1]) || !is_digit(name[2]) || !is_digit(name[3]))
                return false;
        return strtoul(name, NULL, 10) != segment;
}

#define NAME_BYTES 16

static void name_output(const struct bc_job *job, char ret_name[NAME_BYTES])
{
        snprintf(ret_name, NAME_BYTES, "%04u.mp4", job->report.header.segment % (BC_SEALED_SEGMENT_MAX + 1));
}

// A new file, for nobody else's eyes; what is there already is never opened, nor is that which it will become.
static int create_output(struct bc_job *job)
{
        char final[NAME_BYTES];
        struct stat status;
        int fd;

        name_output(job, final);
        if (fstatat(job->folder_fd, final, &status, AT_SYMLINK_NOFOLLOW) == 0)
                return -EEXIST;
        snprintf(job->output, sizeof(job->output), "%s.incomplete", final);
        fd = openat(job->folder_fd, job->output, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
                fd = -errno;
                job->output[0] = '\0';
        }
        return fd;
}

static void show_progress(const struct bc_job *job, uint64_t size, unsigned *percent)
{
        char name[BC_TEXT_BYTES_MAX];
        unsigned now = size > 0 ? (unsigned)(100 * job->report.plain_bytes / size) : 100;

        if (!job->progress || now == *percent)
                return;
        *percent = now;
        fprintf(stderr, "\r%s: %u %%", bc_text_plain(job->path, name), now > 100 ? 100 : now);
}

static void end_progress(const struct bc_job *job)
{
        if (job->progress)
                fputs("\r\033[K", stderr);
}

// Writes what is given out. 0, or what writing failed with.
static int decrypt(struct bc_job *job, struct bc_unseal *unseal, uint64_t size, int fd)
{
        const uint8_t *plain;
        unsigned percent = 0;
        uint64_t at = 0;
        int r = 0;
        size_t n;

        while (r == 0 && bc_unseal_next(unseal, &plain, &n)) {
                r = bc_file_write_at(fd, plain, n, at);
                at += n;
                job->report = *bc_unseal_report(unseal);
                show_progress(job, size, &percent);
        }
        end_progress(job);
        job->report = *bc_unseal_report(unseal);
        return r;
}

// Without replacing what is there. Not every file system knows how to do that in one step.
static int rename_new(int folder_fd, const char *from, const char *to)
{
        if (renameat2(folder_fd, from, folder_fd, to, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        if (linkat(folder_fd, from, folder_fd, to, 0) < 0 || unlinkat(folder_fd, from, 0) < 0)
                return -errno;
        return 0;
}

// The name without .incomplete; never onto a file that came meanwhile.
static int publish(struct bc_job *job, int fd)
{
        char final[NAME_BYTES];
        int r = bc_file_sync(fd);

        name_output(job, final);
        if (r == 0)
                r = rename_new(job->folder_fd, job->output, final);
        if (r < 0)
                return r;
        snprintf(job->output, sizeof(job->output), "%s", final);
        return bc_folder_sync(job->folder_fd);
}

// Whether it may have its name [rule 22].
static bool signatures_let_pass(struct bc_job *job)
{
        static const struct {
                enum bc_exit exit;
                const char *text;
        } stay[] = {
                [BC_SIGNATURE_BAD] = { BC_EXIT_TAMPERED, "its signatures are not good" },
                [BC_SIGNATURE_UNPROVEN] = { BC_EXIT_CUT, "its signatures do not prove all of it" },
                [BC_SIGNATURE_UNJUDGED] = { BC_EXIT_CANNOT, "its signatures cannot be judged" },
        };
        char why[BC_TEXT_BYTES_MAX];

        if (job->signature == BC_SIGNATURE_GOOD || job->signature == BC_SIGNATURE_NOT_JUDGED)
                return true;
        conclude(job, stay[job->signature].exit, "decrypted whole, and %s%s%.200s; left incomplete", stay[job->signature].text,
                 job->why ? ": " : "", job->why ? bc_text_plain(job->why, why) : "");
        return false;
}

// What is to be done with a file whose final chunk was there.
static void complete(struct bc_job *job, int fd)
{
        int r;

        if (misnamed(job->path, job->report.header.segment)) {
                conclude(job, BC_EXIT_TAMPERED, "named as another segment: it is segment %" PRIu32 " of recording %" PRIu64
                         "; left incomplete", job->report.header.segment, job->report.header.recording);
                return;
        }
        r = bc_complete(fd, job->report.plain_bytes, &job->finalised);
        if (r < 0) {
                conclude(job, BC_EXIT_CANNOT, "%s",
                         r == -EBADMSG ? "decrypted whole, and what it holds is no segment: left incomplete"
                                       : strerror(-r));
                return;
        }
        if (job->judge)
                job->signature = job->judge(job->user, fd, &job->report);
        if (!signatures_let_pass(job))
                return;
        r = publish(job, fd);
        if (r < 0)
                conclude(job, BC_EXIT_CANNOT, "cannot be given its name: %s", strerror(-r));
        else
                conclude(job, BC_EXIT_WHOLE, "%s", job->signature == BC_SIGNATURE_GOOD ? "whole; its signatures are good" :
                                                   "whole; its signatures were not judged");
}

static void run_opened(struct bc_job *job, struct bc_unseal *unseal, uint64_t size)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        char text[BC_UNSEAL_TEXT_BYTES];
        int r;

        job->report = *bc_unseal_report(unseal);
        if (job->report.committed) {
                fd = create_output(job);
                if (fd < 0) {
                        conclude(job, BC_EXIT_CANNOT, "%04" PRIu32 ".mp4, or the same .incomplete: %s",
                                 job->report.header.segment,
                                 fd == -EEXIST ? "is there already; nothing is overwritten" : strerror(-fd));
                        return;
                }
                r = decrypt(job, unseal, size, fd);
                if (r < 0) {
                        conclude(job, BC_EXIT_CANNOT, "cannot be written: %s", strerror(-r));
                        return;
                }
                if (job->report.finding == BC_UNSEAL_WHOLE) {
                        complete(job, fd);
                        return;
                }
        }
        bc_unseal_text(&job->report, text);
        conclude(job, (enum bc_exit)bc_unseal_verdict(job->report.finding), "%s", text);
        // What is whole is kept; where nothing is, no empty file stays behind.
        if (fd >= 0 && job->report.plain_bytes == 0 && unlinkat(job->folder_fd, job->output, 0) == 0)
                job->output[0] = '\0';
        else if (fd >= 0 && bc_file_sync(fd) < 0)
                conclude(job, bc_exit_worse(job->exit, BC_EXIT_CANNOT),
                         "%s; and what was decrypted may not be on the disk", text);
}

void bc_job_run(struct bc_job *job)
{
        BC_CLEANUP(bc_cleanup_unseal) struct bc_unseal *unseal = NULL;
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        struct bc_unseal_source source;
        int r;

        r = open_input(job->path, &source, &fd);
        if (r == 0)
                r = bc_unseal_new(job->opener, &source, &unseal);
        if (r < 0)
                conclude(job, BC_EXIT_CANNOT, "%s", r == -EINVAL ? "not a regular file" : strerror(-r));
        else
                run_opened(job, unseal, source.size);
}
