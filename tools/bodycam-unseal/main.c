// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job.h"
#include "report.h"
#include "text.h"

struct request {
        struct bc_opener_source keys;
        const char *folder;
        bool json, quiet;
        char **paths;
        int count;
};

static void print_help(FILE *to)
{
        fputs("usage: bodycam-unseal --key KEY.pem [--certificate CERT.pem] [--pass-file FILE] [--json] [--quiet] "
              "SEALED... -o DIR\n"
              "\n"
              "Decrypts segments that a body camera sealed for the agency: NNNN.mp4.sealed becomes DIR/NNNN.mp4, or "
              "stays\n"
              "DIR/NNNN.mp4.incomplete where its end is missing or it was tampered with.\n"
              "\n"
              "  -k, --key FILE          the agency's private key, PEM\n"
              "  -c, --certificate FILE  its certificate, PEM: names the recipient to be\n"
              "  -p, --pass-file FILE    the first line is the password of an encrypted key\n"
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

// -1: go on; else the exit status.
static int parse(struct request *request, int argc, char **argv)
{
        static const struct option options[] = {
                { "key", required_argument, NULL, 'k' },     { "certificate", required_argument, NULL, 'c' },
                { "pass-file", required_argument, NULL, 'p' }, { "output", required_argument, NULL, 'o' },
                { "json", no_argument, NULL, 'j' },          { "quiet", no_argument, NULL, 'q' },
                { "help", no_argument, NULL, 'h' },          { "version", no_argument, NULL, 'v' },
                { 0 },
        };
        int option;

        while ((option = getopt_long(argc, argv, "k:c:p:o:jqhv", options, NULL)) != -1) {
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
        if (request->keys.key_path && request->folder && request->count > 0)
                return -1;
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

// done: the array in which the files' reports are collected; NULL: they are printed.
static enum bc_exit run_all(const struct request *request, const struct bc_opener *opener, int folder_fd, json_t *done)
{
        enum bc_exit worst = BC_EXIT_WHOLE;

        for (int i = 0; i < request->count; i++) {
                struct bc_job job = { .path = request->paths[i], .folder_fd = folder_fd, .opener = opener,
                                      .progress = !request->quiet && !done && isatty(STDERR_FILENO) == 1 };

                bc_job_run(&job);
                worst = bc_exit_worse(worst, job.exit);
                if (!done)
                        bc_report_print(&job);
                else if (json_array_append_new(done, bc_report_json(&job)) < 0)
                        worst = bc_exit_worse(worst, BC_EXIT_CANNOT);
        }
        return worst;
}

static void dump(json_t *done, enum bc_exit worst)
{
        json_t *document = json_pack("{s:i, s:O}", "exit", (int)worst, "files", done);

        if (document && json_dumpf(document, stdout, JSON_INDENT(2)) == 0)
                putchar('\n');
        json_decref(document);
}

static enum bc_exit run(const struct request *request)
{
        BC_CLEANUP(bc_cleanup_opener) struct bc_opener *opener = NULL;
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        char fault[BC_OPENER_FAULT_BYTES] = "out of memory", name[BC_TEXT_BYTES_MAX];
        json_t *done = request->json ? json_array() : NULL;
        enum bc_exit worst = BC_EXIT_CANNOT;

        if (bc_opener_load(&request->keys, &opener, fault) < 0) {
                fprintf(stderr, "bodycam-unseal: %s\n", bc_text_plain(fault, name));
        } else {
                folder_fd = open_folder(request->folder);
                if (folder_fd < 0)
                        fprintf(stderr, "bodycam-unseal: %s: %s\n", bc_text_plain(request->folder, name), strerror(-folder_fd));
                else
                        worst = run_all(request, opener, folder_fd, done);
        }
        if (done)
                dump(done, worst);
        json_decref(done);
        return worst;
}

int main(int argc, char **argv)
{
        struct request request = { 0 };
        int exit = parse(&request, argc, argv);

        if (exit < 0)
                exit = (int)run(&request);
        if (fflush(stdout) != 0 || ferror(stdout))
                return exit == BC_EXIT_WHOLE ? BC_EXIT_CANNOT : exit;
        return exit;
}
