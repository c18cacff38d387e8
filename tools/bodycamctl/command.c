// SPDX-License-Identifier: EUPL-1.2
// The commands: names, words, help.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "list.h"
#include "plain.h"
#include "request.h"
#include "show.h"
#include "simulate.h"
#include "status.h"
#include "watch.h"

static bool accepts_none(const struct bc_request *request)
{
        return request->count == 0;
}

static bool accepts_one(const struct bc_request *request)
{
        return request->count == 1 && !request->all && !request->names && request->last == 0;
}

static bool accepts_store(const struct bc_request *request)
{
        return request->count == 0 && !request->all && !request->names && request->last == 0;
}

static bool accepts_list(const struct bc_request *request)
{
        return request->count == 0 && !(request->all && request->last > 0);
}

static const struct bc_command commands[] = {
        { "status", "status\n", "what the camera does, at a glance; what is wrong, and what to do\n",
          true, false, accepts_none, bc_status_show },
        { "watch", "watch\n",
          "the same, kept up to date, with the alarms; q ends it. Without a terminal a line for each change\n",
          true, false, accepts_none, bc_watch_show },
        { "list", "list [--store DIR] [--last N|--all] [--names]\n",
          "the recordings, the newest first; 20 of them unless told otherwise. --names: names alone\n",
          true, true, accepts_list, bc_list_show },
        { "show", "show [--store DIR] NAME|NUMBER\n", "everything about one recording\n",
          true, true, accepts_one, bc_show_recording },
        { "ledger", "ledger [--store DIR]\n",
          "what happened to the camera, entry by entry, as its ledger has it; bodycam-verify judges it\n",
          true, true, accepts_store, bc_ledger_show },
        { "nonce", "nonce HEX\n",
          "has the ledger state a number that nobody knew before, 16 to 64 bytes: what follows is not older\n",
          false, false, accepts_one, bc_plain_nonce },
        { "record", "record start [REASON]\nrecord stop\n",
          "start answers when the recording is durable, or after 2 s; after stop the post-event seconds begin\n",
          false, false, bc_plain_accepts_record, bc_plain_record },
        { "emergency", "emergency start [REASON]\nemergency release\n",
          "recording that an ordinary stop cannot end\n",
          false, false, bc_plain_accepts_emergency, bc_plain_emergency },
        { "mark", "mark [TEXT]\n", "marks this moment in the recording\n",
          false, false, bc_plain_accepts_mark, bc_plain_mark },
        { "mute", "mute on|off\n", "on: silence is recorded instead of sound, and the recording says so\n",
          false, false, bc_plain_accepts_switch, bc_plain_mute },
        { "stealth", "stealth on|off\n", "on: no lights, no sounds, no vibration; it records as always\n",
          false, false, bc_plain_accepts_switch, bc_plain_stealth },
        { "indicate", "indicate [SIGNAL]\n", "shows what a signal looks, sounds and feels like; without one lists them\n",
          false, false, bc_plain_accepts_indicate, bc_plain_indicate },
        { "policy", "policy\n", "what this camera will do, in plain words\n",
          true, false, accepts_none, bc_plain_policy },
        { "sensors", "sensors on|off\n", "off: nothing is filmed, and nothing is held in memory\n",
          false, false, bc_plain_accepts_switch, bc_plain_sensors },
        { "simulate",
          "simulate press|release record|emergency\n"
          "simulate fault camera|microphone none|stall|unplug\n"
          "simulate dock on|off\n"
          "simulate battery PERCENT MINUTES|unknown [charging]\n"
          "simulate indications\n"
          "simulate now\n"
          "simulate run-for NS\n"
          "simulate run-until NS\n",
          "with simulated devices alone ([simulation] enabled); now: media time in ns; run-...: lets the simulated clock run\n",
          false, false, bc_simulate_accepts, bc_simulate },
};

#define COUNT (sizeof(commands) / sizeof(commands[0]))

const struct bc_command *bc_command_find(const char *name)
{
        for (size_t i = 0; i < COUNT; i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        return NULL;
}

static void print_command(const struct bc_command *command, const char *before, FILE *stream)
{
        for (const char *line = command->synopsis; *line; line = strchr(line, '\n') + 1)
                fprintf(stream, "%s%.*s\n", before, (int)(strchr(line, '\n') - line), line);
        fprintf(stream, "      %s", command->help);
}

void bc_help_print(const struct bc_command *command, bool error)
{
        FILE *stream = error ? stderr : stdout;

        if (command) {
                fputs("usage: bodycamctl [OPTIONS] COMMAND\n\n", stream);
                print_command(command, "  bodycamctl ", stream);
        } else {
                fputs("usage: bodycamctl [--json] [--bus session|system] [--timeout S] COMMAND\n\n", stream);
                for (size_t i = 0; i < COUNT; i++)
                        print_command(&commands[i], "  ", stream);
        }
        fputs("\n"
              "  --json         what is printed is JSON; bodycamctl(1) has the keys\n"
              "  --bus BUS      system (the default) or session\n"
              "  --timeout S    how long to wait for an answer, 1 to 86400 s, by default 25\n"
              "  --help, --version\n"
              "\n"
              "Exit status: 0 done, 1 refused (the reason is told) or not all could be read, 2 usage, 3 no daemon, no bus\n"
              "or no permission.\n", stream);
}

int bc_request_number(const char *text, int64_t min, int64_t max, int64_t *ret_number)
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

bool bc_request_is(const char *word, const char *a, const char *b)
{
        return strcmp(word, a) == 0 || (b && strcmp(word, b) == 0);
}
