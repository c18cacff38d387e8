// SPDX-License-Identifier: EUPL-1.2
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utc_clock.h"
#include "job.h"
#include "judge.h"
#include "report.h"
#include "text.h"

#define ENDING ".mp4.sealed"

BC_DEFINE_CLEANUP(clock, struct bc_clock, bc_clock_free)
BC_DEFINE_CLEANUP(trust, struct bc_trust, bc_trust_free)

struct request {
        struct bc_opener_source keys;
        const char *folder;
        struct bc_trust *trust;
        bool allow_test, unjudged;
        bool json, quiet;
        char **paths;
        int count;
};

static void print_help(FILE *to)
{
        fputs("usage: bodycam-unseal --key KEY.pem [--certificate CERT.pem] [--pass-file FILE] [--json] [--quiet] "
              "--trust ROOT.pem|--unjudged SEALED... -o DIR\n"
              "\n"
              "Decrypts segments that a body camera sealed for the agency: NNNN.mp4.sealed becomes DIR/NNNN.mp4, or "
              "stays\n"
              "DIR/NNNN.mp4.incomplete where its end is missing, it was tampered with, or its signatures are not good. SEALED\n"
              "is such a file, or a recording's folder: all of its sealed files.\n"
              "\n"
              "  -k, --key FILE          the agency's private key, PEM\n"
              "  -c, --certificate FILE  its certificate, PEM: names the recipient to be\n"
              "  -p, --pass-file FILE    the first line is the password of an encrypted key\n"
              "  -t, --trust FILE        certificates (PEM) that are believed: signatures are judged by them, as bodycam-verify\n"
              "                          does; may be given more than once\n"
              "      --allow-test        test certificates and simulated devices count\n"
              "      --unjudged          signatures are not judged; bodycam-verify still can, later\n"
              "  -o, --output DIR        where to; made if it is not there\n"
              "  -j, --json              one JSON document in place of lines\n"
              "  -q, --quiet             no progress\n"
              "  -h, --help              -v, --version\n"
              "\n"
              "Exit status: 0 whole, 1 tampered with, 2 cut: what is whole was kept, 3 cannot (no key for it, not a "
              "sealed file,\n"
              "unreadable), 64 usage; of several files the worst: 1, 3, 2, 0.\n",
              to);
}

static bool believe(const struct request *request, const char *path)
{
        char fault[200] = "", name[BC_TEXT_BYTES_MAX];
        int r = bc_trust_add_roots(request->trust, path, fault, sizeof(fault));

        if (r < 0)
                fprintf(stderr, "bodycam-unseal: %s: %s\n", bc_text_plain(path, name), fault[0] ? fault : strerror(-r));
        return r == 0;
}

// -1: go on; else the exit status.
static int parse(struct request *request, int argc, char **argv)
{
        enum { ALLOW_TEST = 256, UNJUDGED };
        static const struct option options[] = {
                { "trust", required_argument, NULL, 't' },   { "allow-test", no_argument, NULL, ALLOW_TEST },
                { "unjudged", no_argument, NULL, UNJUDGED },
                { "key", required_argument, NULL, 'k' },     { "certificate", required_argument, NULL, 'c' },
                { "pass-file", required_argument, NULL, 'p' }, { "output", required_argument, NULL, 'o' },
                { "json", no_argument, NULL, 'j' },          { "quiet", no_argument, NULL, 'q' },
                { "help", no_argument, NULL, 'h' },          { "version", no_argument, NULL, 'v' },
                { 0 },
        };
        int option;

        while ((option = getopt_long(argc, argv, "k:c:p:t:o:jqhv", options, NULL)) != -1) {
                switch (option) {
                case 'k':
                        request->keys.key_path = optarg;
                        break;
                case 'c':
                        request->keys.certificate_path = optarg;
                        break;
                case 'p':
                        request->keys.pass_path = optarg;
                        break;
                case 't':
                        if (!believe(request, optarg))
                                return BC_EXIT_CANNOT;
                        break;
                case ALLOW_TEST:
                        request->allow_test = true;
                        break;
                case UNJUDGED:
                        request->unjudged = true;
                        break;
                case 'o':
                        request->folder = optarg;
                        break;
                case 'j':
                        request->json = true;
                        break;
                case 'q':
                        request->quiet = true;
                        break;
                case 'h':
                        print_help(stdout);
                        return BC_EXIT_WHOLE;
                case 'v':
                        puts("bodycam-unseal " BC_VERSION);
                        return BC_EXIT_WHOLE;
                default:
                        print_help(stderr);
                        return BC_EXIT_USAGE;
                }
        }
        request->paths = argv + optind;
        request->count = argc - optind;
        bool judged = bc_trust_roots(request->trust) > 0;
        if (request->keys.key_path && request->folder && request->count > 0 && judged != request->unjudged)
                return -1;
        if (request->keys.key_path && request->folder && request->count > 0)
                fprintf(stderr, "bodycam-unseal: either a certificate that is believed (--trust) is wanted, or --unjudged\n");
        else
                fprintf(stderr, "bodycam-unseal: a key (--key), a folder (-o) and at least one file are wanted\n");
        print_help(stderr);
        return BC_EXIT_USAGE;
}

static int open_folder(const char *path)
{
        int fd;

        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

// For certificates of recordings that do not say when they were made.
static int64_t now_utc_ns(void)
{
        BC_CLEANUP(bc_cleanup_clock) struct bc_clock *clock = NULL;
        struct bc_utc_reading now = { 0 };

        if (bc_clock_new_real(&clock) == 0)
                bc_utc_read(clock, &now);
        return now.utc_ns;
}

struct run {
        const struct request *request;
        const struct bc_opener *opener;
        struct bc_unseal_judge judge;
        int folder_fd;
        json_t *done; // the array in which the files' reports are collected; NULL: they are printed
        enum bc_exit worst;
};

static void run_file(struct run *run, const char *path)
{
        const struct request *request = run->request;
        struct bc_job job = { .path = path, .folder_fd = run->folder_fd, .opener = run->opener,
                              .judge = request->unjudged ? NULL : bc_unseal_judge, .user = &run->judge, .why = run->judge.text,
                              .progress = !request->quiet && !run->done && isatty(STDERR_FILENO) == 1 };

        bc_job_run(&job);
        run->worst = bc_exit_worse(run->worst, job.exit);
        if (!run->done)
                bc_report_print(&job);
        else if (json_array_append_new(run->done, bc_report_json(&job)) < 0)
                run->worst = bc_exit_worse(run->worst, BC_EXIT_CANNOT);
}

static int is_sealed(const struct dirent *entry)
{
        size_t n = strlen(entry->d_name);

        return n > sizeof(ENDING) - 1 && strcmp(entry->d_name + n - (sizeof(ENDING) - 1), ENDING) == 0;
}

// A recording's folder: what is sealed in it, in its order. false: it is no folder, or holds nothing sealed.
static bool run_folder(struct run *run, const char *path)
{
        struct dirent **entry = NULL;
        int n = scandir(path, &entry, is_sealed, alphasort);

        for (int i = 0; i < n; i++) {
                char name[4096];
                if (snprintf(name, sizeof(name), "%s/%s", path, entry[i]->d_name) < (int)sizeof(name))
                        run_file(run, name);
                else
                        run->worst = bc_exit_worse(run->worst, BC_EXIT_CANNOT);
                free(entry[i]);
        }
        free(entry);
        return n > 0;
}

static enum bc_exit run_all(struct run *run)
{
        const struct request *request = run->request;

        for (int i = 0; i < request->count; i++)
                if (!run_folder(run, request->paths[i]))
                        run_file(run, request->paths[i]);
        return run->worst;
}

static void dump(json_t *done, enum bc_exit worst)
{
        json_t *document = json_pack("{s:i, s:O}", "exit", (int)worst, "files", done);

        if (document && json_dumpf(document, stdout, JSON_INDENT(2)) == 0)
                putchar('\n');
        json_decref(document);
}

static enum bc_exit open_all(const struct request *request)
{
        BC_CLEANUP(bc_cleanup_opener) struct bc_opener *opener = NULL;
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        char fault[BC_OPENER_FAULT_BYTES] = "out of memory", name[BC_TEXT_BYTES_MAX];
        json_t *done = request->json ? json_array() : NULL;
        enum bc_exit worst = BC_EXIT_CANNOT;
        struct run run = { .request = request, .judge = { .judge = { .trust = request->trust, .allow_test = request->allow_test } } };

        run.judge.judge.now_utc_ns = now_utc_ns();
        if (bc_opener_load(&request->keys, &opener, fault) < 0) {
                fprintf(stderr, "bodycam-unseal: %s\n", bc_text_plain(fault, name));
        } else {
                folder_fd = open_folder(request->folder);
                if (folder_fd < 0) {
                        fprintf(stderr, "bodycam-unseal: %s: %s\n", bc_text_plain(request->folder, name), strerror(-folder_fd));
                } else {
                        run.opener = opener;
                        run.folder_fd = folder_fd;
                        run.done = done;
                        worst = run_all(&run);
                }
        }
        if (done)
                dump(done, worst);
        json_decref(done);
        return worst;
}

int main(int argc, char **argv)
{
        BC_CLEANUP(bc_cleanup_trust) struct bc_trust *trust = NULL;
        struct request request = { 0 };

        if (bc_trust_new(&trust) < 0) {
                fprintf(stderr, "bodycam-unseal: %s\n", strerror(ENOMEM));
                return BC_EXIT_CANNOT;
        }
        request.trust = trust;
        int exit = parse(&request, argc, argv);
        if (exit < 0)
                exit = (int)open_all(&request);
        if (fflush(stdout) != 0 || ferror(stdout))
                return exit == BC_EXIT_WHOLE ? BC_EXIT_CANNOT : exit;
        return exit;
}
