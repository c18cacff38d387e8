// SPDX-License-Identifier: EUPL-1.2
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

#define LAST_MAX 10000000

static enum bc_ctl_exit usage(const struct bc_command *command)
{
        bc_help_print(command, true);
        return BC_CTL_USAGE;
}

enum parsed {
        PARSED,
        PARSED_BADLY,
        PARSED_HELP,
        PARSED_VERSION,
};

// Reads options. In front of the command (none yet) they end at the first word.
static enum parsed parse(struct bc_request *request, const struct bc_command *command, int argc, char **argv)
{
        enum { STORE = 256, LAST, ALL, NAMES };
        static const struct option options[] = {
                { "json", no_argument, NULL, 'j' },
                { "bus", required_argument, NULL, 'b' },
                { "timeout", required_argument, NULL, 't' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { "store", required_argument, NULL, STORE },
                { "last", required_argument, NULL, LAST },
                { "all", no_argument, NULL, ALL },
                { "names", no_argument, NULL, NAMES },
                { 0 },
        };
        int64_t number;
        int option;

        optind = 0; // begin anew (getopt(3))
        while ((option = getopt_long(argc, argv, command ? "" : "+", options, NULL)) != -1) {
                if (option >= STORE && (!command || !command->store)) {
                        fprintf(stderr, "bodycamctl: --store, --last, --all and --names belong to list and show\n");
                        return PARSED_BADLY;
                }
                switch (option) {
                case 'j':
                        request->client.json = true;
                        break;
                case 'b':
                        if (!bc_request_is(optarg, "session", "system"))
                                return PARSED_BADLY;
                        request->client.session = strcmp(optarg, "session") == 0;
                        break;
                case 't':
                        if (bc_request_number(optarg, 1, 86400, &number) < 0)
                                return PARSED_BADLY;
                        request->client.timeout_us = (uint64_t)number * 1000000;
                        break;
                case 'h':
                        return PARSED_HELP;
                case 'v':
                        return PARSED_VERSION;
                case STORE:
                        request->store = optarg;
                        break;
                case LAST:
                        if (bc_request_number(optarg, 1, LAST_MAX, &number) < 0)
                                return PARSED_BADLY;
                        request->last = (size_t)number;
                        break;
                case ALL:
                        request->all = true;
                        break;
                case NAMES:
                        request->names = true;
                        break;
                default:
                        return PARSED_BADLY;
                }
        }
        request->count = argc - optind;
        request->words = argv + optind;
        return PARSED;
}

static enum bc_ctl_exit printed(enum bc_ctl_exit result)
{
        if (fflush(stdout) != 0 || ferror(stdout))
                return result == BC_CTL_DONE ? BC_CTL_REFUSED : result;
        return result;
}

static enum bc_ctl_exit help(const struct bc_command *command)
{
        bc_help_print(command, false);
        return printed(BC_CTL_DONE);
}

static enum bc_ctl_exit run(struct bc_request *request, const struct bc_command *command)
{
        enum bc_ctl_exit result = BC_CTL_DONE;

        if (!command->accepts(request))
                return usage(command);
        if (!command->store)
                result = bc_client_open(&request->client);
        if (result == BC_CTL_DONE)
                result = command->run(request);
        bc_client_close(&request->client);
        return printed(result);
}

int main(int argc, char **argv)
{
        struct bc_request request = { .client.timeout_us = 25 * 1000000 };
        const struct bc_command *command = NULL;
        enum parsed parsed = parse(&request, NULL, argc, argv);

        if (parsed == PARSED && request.count > 0) {
                command = bc_command_find(request.words[0]);
                if (!command)
                        return usage(NULL);
                // Words that are free text may begin with a dash.
                if (command->options)
                        parsed = parse(&request, command, request.count, request.words);
                else if (request.count == 2 && strcmp(request.words[1], "--help") == 0)
                        parsed = PARSED_HELP;
                else
                        request.words++, request.count--;
        }
        switch (parsed) {
        case PARSED_BADLY:
                return usage(command);
        case PARSED_HELP:
                return help(command);
        case PARSED_VERSION:
                puts("bodycamctl " BC_VERSION);
                return printed(BC_CTL_DONE);
        case PARSED:
                break;
        }
        if (!command)
                return usage(NULL);
        return run(&request, command);
}
