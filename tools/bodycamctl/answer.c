// SPDX-License-Identifier: EUPL-1.2
// What the daemon answers to a call.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "page.h"
#include "properties.h"
#include "request.h"
#include "text.h"

static int print_started(const struct bc_client *client, sd_bus_message *reply)
{
        char clean[BC_TEXT_BYTES];
        uint64_t counter;
        int durable;
        const char *missing;
        int r = sd_bus_message_read(reply, "tbs", &counter, &durable, &missing);

        if (r < 0)
                return r;
        bc_text_tidy(missing, clean, sizeof(clean));
        if (client->json)
                bc_text_print_json(json_pack("{s:I,s:b,s:s}", "counter", (json_int_t)counter, "durable", durable,
                                             "missing", clean));
        else if (durable)
                printf("recording %" PRIu64 ", durable\n", counter);
        else
                printf("accepted, but %s\n", clean);
        return 0;
}

static int print_time(const struct bc_client *client, sd_bus_message *reply)
{
        int64_t time_ns;
        int r = sd_bus_message_read(reply, "x", &time_ns);

        if (r >= 0 && client->json)
                bc_text_print_json(json_pack("{s:I}", "now_ns", (json_int_t)time_ns));
        else if (r >= 0)
                printf("%" PRId64 "\n", time_ns);
        return r;
}

static int print_sentences(const struct bc_client *client, sd_bus_message *reply)
{
        json_t *sentences = NULL;
        const json_t *sentence;
        struct bc_page page;
        size_t i;
        int r = bc_properties_read_strings(reply, &sentences);

        if (r < 0)
                return r;
        if (client->json) {
                bc_text_print_json(json_pack("{s:o}", "sentences", sentences));
                return 0;
        }
        bc_page_init(&page, STDOUT_FILENO);
        json_array_foreach(sentences, i, sentence)
                bc_page_add(&page, BC_TONE_PLAIN, i == 0 ? "policy" : "", "%s", json_string_value(sentence));
        bc_page_show(&page);
        bc_page_done(&page);
        json_decref(sentences);
        return 0;
}

// One a row: when, light, sound, vibration.
static int print_indications(const struct bc_client *client, sd_bus_message *reply)
{
        json_t *list = json_array();
        uint32_t light, sound;
        int64_t time_ns;
        int vibration;
        int r = sd_bus_message_enter_container(reply, 'a', "(xuub)");

        while (r >= 0 && (r = sd_bus_message_read(reply, "(xuub)", &time_ns, &light, &sound, &vibration)) > 0)
                if (!client->json)
                        printf("%" PRId64 " light %06" PRIx32 " sound %" PRIu32 " vibration %s\n", time_ns, light, sound,
                               vibration ? "on" : "off");
                else if (json_array_append_new(list, json_pack("{s:I,s:I,s:I,s:b}", "time_ns", (json_int_t)time_ns,
                                                               "light", (json_int_t)light, "sound", (json_int_t)sound,
                                                               "vibration", vibration)) < 0)
                        r = -ENOMEM;
        if (r >= 0 && client->json)
                bc_text_print_json(json_pack("{s:O}", "indications", list));
        json_decref(list);
        return r;
}

static int print_answer(const struct bc_client *client, sd_bus_message *reply, enum bc_answer answer)
{
        switch (answer) {
        case BC_ANSWER_STARTED:
                return print_started(client, reply);
        case BC_ANSWER_TIME:
                return print_time(client, reply);
        case BC_ANSWER_SENTENCES:
                return print_sentences(client, reply);
        case BC_ANSWER_INDICATIONS:
                return print_indications(client, reply);
        case BC_ANSWER_NOTHING:
                break;
        }
        if (client->json)
                puts("{}");
        return 0;
}

enum bc_ctl_exit bc_call_finish(struct bc_client *client, sd_bus_message *call, int r, enum bc_answer answer)
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
        return r < 0 ? bc_client_unreadable(client, r) : BC_CTL_DONE;
}
