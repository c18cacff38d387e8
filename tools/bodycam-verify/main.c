// SPDX-License-Identifier: EUPL-1.2
// Files in, verdict out. Nothing is written, nothing is asked of a network, and no daemon has to run.
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/utc_clock.h"
#include "items.h"
#include "jobs.h"
#include "verify/opener.h"
#include "verify/stamp.h"

#define STAMPS_MAX 64
#define USAGE_STATUS BC_VERDICT_UNJUDGED // a command line that is not understood judges nothing

BC_DEFINE_CLEANUP(trust, struct bc_trust, bc_trust_free)
BC_DEFINE_CLEANUP(authorities, struct bc_stamp_trust, bc_stamp_trust_free)
BC_DEFINE_CLEANUP(clock, struct bc_clock, bc_clock_free)
BC_DEFINE_CLEANUP(json, json_t, json_decref)

struct request {
        struct bc_judge judge;
        struct bc_trust *trust;
        struct bc_witnesses witnesses;
        struct bc_stamp_trust *authorities;
        const char *stamp[STAMPS_MAX];
        size_t stamps;
        struct bc_opener_source key;
        struct bc_opener *opener;
        bool json;
        unsigned jobs;
        char **path;
        size_t paths;
};

static const char help[] =
        "bodycam-verify [OPTION]... PATH...\n"
        "Judges recordings of a body camera: a segment file, a recording's folder, a store.\n"
        "  --trust ROOT.pem  a certificate that is believed; may be given more than once\n"
        "  --crl FILE        revocation lists (PEM); may be given more than once\n"
        "  --witness HEAD    DEVICE:EPOCH:SEQUENCE:HASH, or a file of such lines: a record that the ledger must have; with @UTC behind\n"
        "                    it (@2026-11-26T01:12:14Z) when it was seen; or nonce:HEX@UTC, that nobody knew before then\n"
        "  --stamp FILE      a time stamp (RFC 3161) over a head's hash, or whose SHA-256 was given to the device as a nonce\n"
        "  --tsa CA.pem      a time stamping authority that is believed; may be given more than once\n"
        "  --key AGENCY.key  opens sealed files: the agency's private key (PEM). Nothing that is opened is written anywhere\n"
        "  --pass-file FILE  the first line is the password of an encrypted key\n"
        "  --allow-test      test certificates and simulated devices count\n"
        "  --json            the report as JSON\n"
        "  --jobs N          so many files at the same time (1 to 64); without it one per processor\n"
        "  --help, --version\n"
        "Status: 0 authentic and complete; 1 tampered with or not authentic; 2 the end is not proven, or something is missing;\n"
        "3 cannot be judged. The report says why. The worst of several: 1, then 3, then 2. See bodycam-verify(1).\n";

static int complain(const char *word, const char *text)
{
        fprintf(stderr, "bodycam-verify: %s: %s\n", word, text);
        return USAGE_STATUS;
}

// -1: go on; else what to exit with.
static int load(struct request *request, bool roots, const char *path)
{
        char text[200] = "";
        int r = roots ? bc_trust_add_roots(request->trust, path, text, sizeof(text)) :
                        bc_trust_add_revocations(request->trust, path, text, sizeof(text));

        return r < 0 ? complain(path, text[0] ? text : strerror(-r)) : -1;
}

static int witness(struct request *request, const char *head_or_path)
{
        char text[200] = "";
        int r = bc_witnesses_add(&request->witnesses, head_or_path, text, sizeof(text));

        return r < 0 ? complain("--witness", text[0] ? text : strerror(-r)) : -1;
}

static int believe(struct request *request, const char *path)
{
        char text[200] = "";
        int r = bc_stamp_trust_add(request->authorities, path, text, sizeof(text));

        return r < 0 ? complain(path, text[0] ? text : strerror(-r)) : -1;
}

// Read when all authorities are known.
static int keep_stamp(struct request *request, const char *path)
{
        if (request->stamps == STAMPS_MAX)
                return complain(path, "so many time stamps are not judged at once");
        request->stamp[request->stamps++] = path;
        return -1;
}

static int read_stamps(struct request *request)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < request->stamps; i++) {
                char text[200] = "";
                r = bc_stamp_add(request->authorities, request->stamp[i], &request->witnesses, text, sizeof(text));
                if (r < 0)
                        complain(request->stamp[i], text[0] ? text : strerror(-r));
        }
        return r < 0 ? USAGE_STATUS : -1;
}

static int parse_jobs(struct request *request, const char *text)
{
        char *end;

        errno = 0;
        long jobs = strtol(text, &end, 10);
        if (errno != 0 || end == text || *end != '\0' || jobs < 1 || jobs > BC_JOBS_MAX)
                return complain("--jobs", "takes a number from 1 to 64");
        request->jobs = (unsigned)jobs;
        return -1;
}

static int load_key(struct request *request)
{
        char fault[BC_OPENER_FAULT_BYTES] = "out of memory";

        if (!request->key.key_path)
                return request->key.pass_path ? complain("--pass-file", "goes with --key") : -1;
        if (bc_opener_load(&request->key, &request->opener, fault) < 0)
                return complain("--key", fault);
        request->judge.opener = request->opener;
        return -1;
}

static int parse(struct request *request, int argc, char **argv)
{
        enum { TRUST = 256, CRL, ALLOW_TEST, JSON, JOBS, WITNESS, STAMP, TSA, KEY, PASS_FILE, HELP, VERSION };
        static const struct option options[] = {
                { "trust", required_argument, NULL, TRUST },   { "crl", required_argument, NULL, CRL },
                { "allow-test", no_argument, NULL, ALLOW_TEST }, { "json", no_argument, NULL, JSON },
                { "jobs", required_argument, NULL, JOBS },     { "witness", required_argument, NULL, WITNESS },
                { "stamp", required_argument, NULL, STAMP },   { "tsa", required_argument, NULL, TSA },
                { "key", required_argument, NULL, KEY },       { "help", no_argument, NULL, HELP },
                { "version", no_argument, NULL, VERSION },     { "pass-file", required_argument, NULL, PASS_FILE },
                { 0 },
        };
        int option, status = -1;

        while (status < 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (option) {
                case TRUST:
                case CRL:
                        status = load(request, option == TRUST, optarg);
                        break;
                case ALLOW_TEST:
                        request->judge.allow_test = true;
                        break;
                case JSON:
                        request->json = true;
                        break;
                case JOBS:
                        status = parse_jobs(request, optarg);
                        break;
                case WITNESS:
                        status = witness(request, optarg);
                        break;
                case STAMP:
                        status = keep_stamp(request, optarg);
                        break;
                case TSA:
                        status = believe(request, optarg);
                        break;
                case KEY:
                        request->key.key_path = optarg;
                        break;
                case PASS_FILE:
                        request->key.pass_path = optarg;
                        break;
                case HELP:
                        fputs(help, stdout);
                        return fflush(stdout) == 0 ? 0 : USAGE_STATUS;
                case VERSION:
                        puts("bodycam-verify " BC_VERSION);
                        return fflush(stdout) == 0 ? 0 : USAGE_STATUS;
                default:
                        return USAGE_STATUS;
                }
        }
        request->path = argv + optind;
        request->paths = (size_t)(argc - optind);
        if (status < 0 && request->paths == 0) {
                fputs(help, stderr);
                return USAGE_STATUS;
        }
        if (status < 0)
                status = load_key(request);
        return status < 0 ? read_stamps(request) : status;
}

static enum bc_verdict report(const struct request *request, const struct bc_report_item *item)
{
        enum bc_verdict worst = BC_VERDICT_AUTHENTIC;
        bool printed = true;

        for (size_t i = 0; i < request->paths; i++)
                worst = bc_verdict_worse(worst, bc_report_verdict(&item[i]));
        if (request->json) {
                BC_CLEANUP(bc_cleanup_json) json_t *root = bc_report_to_json(&request->judge, item, request->paths);
                printed = root && json_dumpf(root, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII) == 0 && fputc('\n', stdout) != EOF;
        } else {
                for (size_t i = 0; i < request->paths; i++)
                        bc_report_print(stdout, &request->judge, &item[i]);
                bc_report_print_end(stdout, worst);
        }
        // A verdict that did not arrive is none.
        if (fflush(stdout) != 0 || ferror(stdout) || !printed)
                return bc_verdict_worse(worst, BC_VERDICT_UNJUDGED);
        return worst;
}

static enum bc_verdict judge(struct request *request)
{
        struct bc_report_item *item = calloc(request->paths, sizeof(*item));
        int r = item ? 0 : -ENOMEM;
        size_t opened = 0;

        for (; r == 0 && opened < request->paths; opened++)
                r = bc_item_open(&request->judge, request->path[opened], &item[opened]);
        if (r == 0)
                r = bc_jobs_run(&request->judge, item, request->paths, request->jobs);
        if (r == 0)
                bc_items_judge(&request->witnesses, item, request->paths);
        enum bc_verdict verdict = r == 0 ? report(request, item) : BC_VERDICT_UNJUDGED;
        if (r < 0)
                fprintf(stderr, "bodycam-verify: %s\n", strerror(-r));
        for (size_t i = 0; i < opened; i++)
                bc_item_done(&item[i]);
        free(item);
        return verdict;
}

int main(int argc, char **argv)
{
        BC_CLEANUP(bc_cleanup_trust) struct bc_trust *trust = NULL;
        BC_CLEANUP(bc_cleanup_authorities) struct bc_stamp_trust *authorities = NULL;
        BC_CLEANUP(bc_cleanup_clock) struct bc_clock *clock = NULL;
        struct request request = { 0 };
        struct bc_utc_reading now;
        long processors = sysconf(_SC_NPROCESSORS_ONLN);

        if (bc_trust_new(&trust) < 0 || bc_stamp_trust_new(&authorities) < 0 || bc_clock_new_real(&clock) < 0) {
                fprintf(stderr, "bodycam-verify: %s\n", strerror(ENOMEM));
                return USAGE_STATUS;
        }
        request.trust = trust;
        request.authorities = authorities;
        request.judge.trust = trust;
        request.judge.witnesses = &request.witnesses;
        request.jobs = processors < 1 ? 1 : processors > BC_JOBS_MAX ? BC_JOBS_MAX : (unsigned)processors;
        bc_utc_read(clock, &now);
        request.judge.now_utc_ns = now.utc_ns;
        int status = parse(&request, argc, argv);
        if (status < 0)
                status = (int)judge(&request);
        bc_witnesses_done(&request.witnesses);
        bc_opener_free(request.opener);
        return status;
}
