// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "status.h"

static const char help[] =
        "usage: bodycamctl [--json] [--bus session|system] [--timeout S] COMMAND\n"
        "\n"
        "  status                      what the recorder does\n"
        "  record start [REASON]       answers when the recording is durable, or after 2 s\n"
        "  record stop                 the post-event seconds begin\n"
        "  emergency start [REASON]\n"
        "  emergency release\n"
        "  sensors on|off              off: nothing is buffered\n"
        "\n"
        "With simulated devices ([simulation] enabled):\n"
        "  simulate press|release record|emergency\n"
        "  simulate fault camera|microphone none|stall|unplug\n"
        "  simulate dock on|off\n"
        "  simulate now                media time in ns\n"
        "  simulate run-for NS         lets the simulated clock run, answers when it stands\n"
        "  simulate run-until NS\n"
        "\n"
        "  --json         what is printed is JSON\n"
        "  --bus BUS      system (the default) or session\n"
        "  --timeout S    how long to wait for an answer, 1 to 86400 s, by default 25\n"
        "  --help, --version\n"
        "\n"
        "Exit status: 0 done, 1 refused (the reason is told), 2 usage, 3 no daemon, no bus or no permission.\n";

static enum bc_ctl_exit usage(void)
{
        fputs(help, stderr);
        return BC_CTL_USAGE;
}

static int parse_number(const char *text, int64_t min, int64_t max, int64_t *ret_number)
{
        char *end;
        long long number;

        errno = 0;
        number = strtoll(text, &end, 10);
        if (errno != 0 || end == text || *end || number < min || number > max)
                return -EINVAL;
        *ret_number = number;
        return 0;
}

// ---- answers -------------------------------------------------------------------------------------------------

enum answer {
        ANSWER_NOTHING,
        ANSWER_STARTED, // counter, durable, what is missing
        ANSWER_TIME,
};

static void print_started_json(uint64_t counter, bool durable, const char *missing)
{
        json_t *answer = json_pack("{s:I,s:b,s:s}", "counter", (json_int_t)counter, "durable", (int)durable, "missing",
                                   missing);

        if (answer)
                json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(answer);
}

static int print_started(const struct bc_client *client, sd_bus_message *reply)
{
        uint64_t counter;
        int durable;
        const char *missing;
        int r = sd_bus_message_read(reply, "tbs", &counter, &durable, &missing);

        if (r < 0)
                return r;
        if (client->json)
                print_started_json(counter, durable, missing);
        else if (durable)
                printf("recording %" PRIu64 ", durable\n", counter);
        else
                printf("accepted, but %s\n", missing);
        return 0;
}

static int print_answer(const struct bc_client *client, sd_bus_message *reply, enum answer answer)
{
        int64_t time_ns;
        int r;

        switch (answer) {
        case ANSWER_STARTED:
                return print_started(client, reply);
        case ANSWER_TIME:
                r = sd_bus_message_read(reply, "x", &time_ns);
                if (r >= 0)
                        printf(client->json ? "{\"now_ns\":%" PRId64 "}\n" : "%" PRId64 "\n", time_ns);
                return r;
        case ANSWER_NOTHING:
                break;
        }
        if (client->json)
                puts("{}");
        return 0;
}

static enum bc_ctl_exit finish(struct bc_client *client, sd_bus_message *call, int r, enum answer answer)
{
        sd_bus_message *reply = NULL;
        enum bc_ctl_exit status;

        if (r < 0) {
                sd_bus_message_unref(call);
                // The bus library refuses text that is not UTF-8.
                return bc_client_complain(client, r == -EINVAL ? BC_CTL_USAGE : BC_CTL_NO_DAEMON,
                                          "the call cannot be made: %s", strerror(-r));
        }
        status = bc_client_send(client, call, &reply);
        if (status != BC_CTL_DONE)
                return status;
        r = print_answer(client, reply, answer);
        sd_bus_message_unref(reply);
        return r < 0 ? bc_client_complain(client, BC_CTL_NO_DAEMON, "the answer is not understood: %s", strerror(-r))
                     : BC_CTL_DONE;
}

// ---- commands ------------------------------------------------------------------------------------------------

// A command of two words, perhaps with a text after them.
static const struct plain {
        const char *noun, *verb, *method;
        bool reason;
} plain_commands[] = {
        { "record", "start", "RecordStart", true },
        { "record", "stop", "RecordStop", false },
        { "emergency", "start", "EmergencyStart", true },
        { "emergency", "release", "EmergencyRelease", false },
        { "sensors", "on", "SensorsOn", false },
        { "sensors", "off", "SensorsOff", false },
};

static const struct plain *find_plain(int count, char **words)
{
        for (size_t i = 0; i < sizeof(plain_commands) / sizeof(plain_commands[0]); i++) {
                const struct plain *plain = &plain_commands[i];
                if (count >= 2 && count <= (plain->reason ? 3 : 2) && strcmp(words[0], plain->noun) == 0 &&
                    strcmp(words[1], plain->verb) == 0)
                        return plain;
        }
        return NULL;
}

static enum bc_ctl_exit run_plain(struct bc_client *client, const struct plain *plain, const char *reason)
{
        sd_bus_message *call = NULL;
        int r = bc_client_prepare(client, false, plain->method, &call);

        if (r >= 0 && plain->reason)
                r = sd_bus_message_append(call, "s", reason);
        return finish(client, call, r, plain->reason ? ANSWER_STARTED : ANSWER_NOTHING);
}

static bool is(const char *word, const char *a, const char *b)
{
        return strcmp(word, a) == 0 || (b && strcmp(word, b) == 0);
}

static bool is_simulation(int count, char **words)
{
        int64_t number;

        if (count < 2 || strcmp(words[0], "simulate") != 0)
                return false;
        if (is(words[1], "now", NULL))
                return count == 2;
        if (is(words[1], "fault", NULL))
                return count == 4;
        if (count != 3)
                return false;
        if (is(words[1], "dock", NULL))
                return is(words[2], "on", "off");
        if (is(words[1], "run-for", "run-until"))
                return parse_number(words[2], 0, INT64_MAX, &number) == 0;
        return is(words[1], "press", "release");
}

static enum bc_ctl_exit run_simulation(struct bc_client *client, char **words)
{
        sd_bus_message *call = NULL;
        enum answer answer = ANSWER_NOTHING;
        int64_t number = 0;
        int r;

        if (is(words[1], "press", "release")) {
                r = bc_client_prepare(client, true, "PressButton", &call);
                if (r >= 0)
                        r = sd_bus_message_append(call, "sb", words[2], (int)is(words[1], "press", NULL));
        } else if (is(words[1], "fault", NULL)) {
                r = bc_client_prepare(client, true, "SetFault", &call);
                if (r >= 0)
                        r = sd_bus_message_append(call, "ss", words[2], words[3]);
        } else if (is(words[1], "dock", NULL)) {
                r = bc_client_prepare(client, true, "Dock", &call);
                if (r >= 0)
                        r = sd_bus_message_append(call, "b", (int)is(words[2], "on", NULL));
        } else if (is(words[1], "now", NULL)) {
                answer = ANSWER_TIME;
                r = bc_client_prepare(client, true, "Now", &call);
        } else {
                answer = ANSWER_TIME;
                (void)parse_number(words[2], 0, INT64_MAX, &number);
                r = bc_client_prepare(client, true, is(words[1], "run-for", NULL) ? "RunFor" : "RunUntil", &call);
                if (r >= 0)
                        r = sd_bus_message_append(call, "x", number);
        }
        return finish(client, call, r, answer);
}

static enum bc_ctl_exit run(struct bc_client *client, int count, char **words)
{
        const struct plain *plain = find_plain(count, words);
        bool status = count == 1 && strcmp(words[0], "status") == 0;
        bool simulation = is_simulation(count, words);
        enum bc_ctl_exit result;

        if (!plain && !status && !simulation)
                return usage();
        result = bc_client_open(client);
        if (result == BC_CTL_DONE) {
                if (status)
                        result = bc_status_show(client);
                else if (plain)
                        result = run_plain(client, plain, count > 2 ? words[2] : "");
                else
                        result = run_simulation(client, words);
        }
        bc_client_close(client);
        if (fflush(stdout) != 0 || ferror(stdout))
                return result == BC_CTL_DONE ? BC_CTL_REFUSED : result;
        return result;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "json", no_argument, NULL, 'j' },
                { "bus", required_argument, NULL, 'b' },
                { "timeout", required_argument, NULL, 't' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { 0 },
        };
        struct bc_client client = { .timeout_us = 25 * 1000000 };
        int64_t seconds;
        int option;

        // + : options stand before the command, so that a reason may begin with a dash.
        while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
                switch (option) {
                case 'j':
                        client.json = true;
                        break;
                case 'b':
                        if (!is(optarg, "session", "system"))
                                return usage();
                        client.session = is(optarg, "session", NULL);
                        break;
                case 't':
                        if (parse_number(optarg, 1, 86400, &seconds) < 0)
                                return usage();
                        client.timeout_us = (uint64_t)seconds * 1000000;
                        break;
                case 'h':
                        fputs(help, stdout);
                        return fflush(stdout) == 0 ? BC_CTL_DONE : BC_CTL_REFUSED;
                case 'v':
                        puts("bodycamctl " BC_VERSION);
                        return fflush(stdout) == 0 ? BC_CTL_DONE : BC_CTL_REFUSED;
                default:
                        return usage();
                }
        return run(&client, argc - optind, argv + optind);
}
