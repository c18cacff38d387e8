// SPDX-License-Identifier: EUPL-1.2
#include "plain.h"

#include <stdio.h>
#include <string.h>

#include "properties.h"
#include "text.h"

static bool accepts_two(const struct bc_request *request, const char *begin, const char *end)
{
        if (request->count < 1)
                return false;
        if (strcmp(request->words[0], begin) == 0)
                return request->count <= 2;
        return strcmp(request->words[0], end) == 0 && request->count == 1;
}

bool bc_plain_accepts_record(const struct bc_request *request)
{
        return accepts_two(request, "start", "stop");
}

bool bc_plain_accepts_emergency(const struct bc_request *request)
{
        return accepts_two(request, "start", "release");
}

bool bc_plain_accepts_mark(const struct bc_request *request)
{
        return request->count <= 1;
}

bool bc_plain_accepts_switch(const struct bc_request *request)
{
        return request->count == 1 && bc_request_is(request->words[0], "on", "off");
}

bool bc_plain_accepts_indicate(const struct bc_request *request)
{
        return request->count <= 1;
}

static enum bc_ctl_exit call(struct bc_request *request, const char *method)
{
        sd_bus_message *message = NULL;
        int r = bc_client_prepare(&request->client, false, method, &message);

        return bc_call_finish(&request->client, message, r, BC_ANSWER_NOTHING);
}

static enum bc_ctl_exit call_text(struct bc_request *request, const char *method, const char *text, enum bc_answer answer)
{
        sd_bus_message *message = NULL;
        int r = bc_client_prepare(&request->client, false, method, &message);

        if (r >= 0)
                r = sd_bus_message_append(message, "s", text);
        return bc_call_finish(&request->client, message, r, answer);
}

static enum bc_ctl_exit call_switch(struct bc_request *request, const char *method)
{
        sd_bus_message *message = NULL;
        int r = bc_client_prepare(&request->client, false, method, &message);

        if (r >= 0)
                r = sd_bus_message_append(message, "b", (int)(strcmp(request->words[0], "on") == 0));
        return bc_call_finish(&request->client, message, r, BC_ANSWER_NOTHING);
}

static enum bc_ctl_exit begin_or_end(struct bc_request *request, const char *begin, const char *end)
{
        if (strcmp(request->words[0], "start") != 0)
                return call(request, end);
        return call_text(request, begin, request->count > 1 ? request->words[1] : "", BC_ANSWER_STARTED);
}

enum bc_ctl_exit bc_plain_record(struct bc_request *request)
{
        return begin_or_end(request, "RecordStart", "RecordStop");
}

enum bc_ctl_exit bc_plain_emergency(struct bc_request *request)
{
        return begin_or_end(request, "EmergencyStart", "EmergencyRelease");
}

enum bc_ctl_exit bc_plain_sensors(struct bc_request *request)
{
        return call(request, strcmp(request->words[0], "on") == 0 ? "SensorsOn" : "SensorsOff");
}

enum bc_ctl_exit bc_plain_mark(struct bc_request *request)
{
        return call_text(request, "Mark", request->count > 0 ? request->words[0] : "", BC_ANSWER_NOTHING);
}

enum bc_ctl_exit bc_plain_nonce(struct bc_request *request)
{
        return call_text(request, "PutNonce", request->words[0], BC_ANSWER_NOTHING);
}

enum bc_ctl_exit bc_plain_mute(struct bc_request *request)
{
        return call_switch(request, "SetMuted");
}

enum bc_ctl_exit bc_plain_stealth(struct bc_request *request)
{
        return call_switch(request, "SetStealth");
}

static enum bc_ctl_exit list_signals(struct bc_client *client)
{
        json_t *properties = NULL, *signals;
        enum bc_ctl_exit status = bc_client_properties(client, &properties);
        const json_t *signal_name;
        size_t i;

        if (status != BC_CTL_DONE)
                return status;
        signals = json_object_get(properties, "signals");
        if (!json_is_array(signals))
                status = bc_client_complain(client, BC_CTL_REFUSED, BC_CLIENT_UNKNOWN ": it names no signals");
        else if (client->json)
                bc_text_print_json(json_pack("{s:O}", "signals", signals));
        else
                json_array_foreach(signals, i, signal_name)
                        puts(json_string_value(signal_name));
        json_decref(properties);
        return status;
}

enum bc_ctl_exit bc_plain_indicate(struct bc_request *request)
{
        if (request->count == 0)
                return list_signals(&request->client);
        return call_text(request, "Indicate", request->words[0], BC_ANSWER_NOTHING);
}

enum bc_ctl_exit bc_plain_policy(struct bc_request *request)
{
        sd_bus_message *message = NULL;
        int r = bc_client_prepare(&request->client, false, "DescribePolicy", &message);

        return bc_call_finish(&request->client, message, r, BC_ANSWER_SENTENCES);
}
