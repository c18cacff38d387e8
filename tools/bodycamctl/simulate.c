// SPDX-License-Identifier: EUPL-1.2
#include "simulate.h"

#include <stdarg.h>
#include <string.h>

#define MINUTES_MAX 1000000

static bool is_battery(int count, char **words)
{
        int64_t number;

        return (count == 3 || (count == 4 && strcmp(words[3], "charging") == 0)) &&
               bc_request_number(words[1], 0, 100, &number) == 0 &&
               (strcmp(words[2], "unknown") == 0 || bc_request_number(words[2], 0, MINUTES_MAX, &number) == 0);
}

bool bc_simulate_accepts(const struct bc_request *request)
{
        char **words = request->words;
        int count = request->count;
        int64_t number;

        if (count < 1)
                return false;
        if (bc_request_is(words[0], "now", "indications"))
                return count == 1;
        if (bc_request_is(words[0], "fault", NULL))
                return count == 3;
        if (bc_request_is(words[0], "battery", NULL))
                return is_battery(count, words);
        if (count != 2)
                return false;
        if (bc_request_is(words[0], "dock", NULL))
                return bc_request_is(words[1], "on", "off");
        if (bc_request_is(words[0], "run-for", "run-until"))
                return bc_request_number(words[1], 0, INT64_MAX, &number) == 0;
        return bc_request_is(words[0], "press", "release");
}

static enum bc_ctl_exit call(struct bc_request *request, const char *method, enum bc_answer answer, const char *types, ...)
{
        sd_bus_message *message = NULL;
        int r = bc_client_prepare(&request->client, true, method, &message);
        va_list arguments;

        va_start(arguments, types);
        if (r >= 0 && *types)
                r = sd_bus_message_appendv(message, types, arguments);
        va_end(arguments);
        return bc_call_finish(&request->client, message, r, answer);
}

static enum bc_ctl_exit set_battery(struct bc_request *request)
{
        int64_t percent = 0, minutes = -1;

        (void)bc_request_number(request->words[1], 0, 100, &percent);
        if (strcmp(request->words[2], "unknown") != 0)
                (void)bc_request_number(request->words[2], 0, MINUTES_MAX, &minutes);
        return call(request, "SetBattery", BC_ANSWER_NOTHING, "xxb", percent, minutes, (int)(request->count == 4));
}

enum bc_ctl_exit bc_simulate(struct bc_request *request)
{
        char **words = request->words;
        int64_t number = 0;

        if (bc_request_is(words[0], "press", "release"))
                return call(request, "PressButton", BC_ANSWER_NOTHING, "sb", words[1],
                            (int)bc_request_is(words[0], "press", NULL));
        if (bc_request_is(words[0], "fault", NULL))
                return call(request, "SetFault", BC_ANSWER_NOTHING, "ss", words[1], words[2]);
        if (bc_request_is(words[0], "dock", NULL))
                return call(request, "Dock", BC_ANSWER_NOTHING, "b", (int)bc_request_is(words[1], "on", NULL));
        if (bc_request_is(words[0], "battery", NULL))
                return set_battery(request);
        if (bc_request_is(words[0], "indications", NULL))
                return call(request, "Indications", BC_ANSWER_INDICATIONS, "");
        if (bc_request_is(words[0], "now", NULL))
                return call(request, "Now", BC_ANSWER_TIME, "");
        (void)bc_request_number(words[1], 0, INT64_MAX, &number);
        return call(request, bc_request_is(words[0], "run-for", NULL) ? "RunFor" : "RunUntil", BC_ANSWER_TIME, "x", number);
}
