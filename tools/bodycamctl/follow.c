// SPDX-License-Identifier: EUPL-1.2
#include "follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "properties.h"
#include "text.h"

#define PENDING_MAX 32               // alarms that wait for the properties of their moment
#define SILENT_NS (3 * BC_NS_PER_S)  // an answer that takes longer is told

struct bc_follow {
        struct bc_loop *loop;
        struct bc_client *client;
        struct bc_follow_sink sink;
        struct bc_timer *timer;
        sd_bus_slot *question;   // NULL: none is under way
        int64_t asked_ns;
        bool again;              // something is new since the question
        bool asked_twice;        // since the last tick
        bool lost;               // the connection: made anew at the next tick, for it is still in use in its callback
        char *alarm[PENDING_MAX];
        size_t alarms;
        char gone[BC_CLIENT_TEXT_BYTES]; // "": it is there
};

static void tell_alarms(struct bc_follow *follow, const json_t *properties)
{
        for (size_t i = 0; i < follow->alarms; i++) {
                follow->sink.on_alarm(follow->sink.user, follow->alarm[i], properties);
                free(follow->alarm[i]);
        }
        follow->alarms = 0;
}

static void tell_gone(struct bc_follow *follow, const char *text)
{
        char clean[BC_CLIENT_TEXT_BYTES];

        tell_alarms(follow, NULL);
        bc_text_tidy(text, clean, sizeof(clean));
        if (strcmp(clean, follow->gone) == 0)
                return;
        snprintf(follow->gone, sizeof(follow->gone), "%s", clean);
        follow->sink.on_gone(follow->sink.user, clean);
}

static void ask(struct bc_follow *follow);

static int on_properties(sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
        struct bc_follow *follow = user;
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        json_t *properties = NULL;
        char text[BC_CLIENT_TEXT_BYTES];
        int r;

        (void)ret_error;
        follow->question = sd_bus_slot_unref(follow->question);
        // Who leaves the bus with a question unanswered is absent, not silent: asked once more, the bus says which.
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) && !follow->asked_twice) {
                follow->asked_twice = true;
                ask(follow);
                return 0;
        }
        if (error) {
                (void)bc_client_explain(follow->client, error, -sd_bus_error_get_errno(error), text);
                tell_gone(follow, text);
                follow->again = false; // the next tick asks
                return 0;
        }
        r = bc_properties_read(reply, &properties);
        if (r < 0) {
                snprintf(text, sizeof(text), "the answer is not understood: %s", strerror(-r));
                tell_gone(follow, text);
                return 0;
        }
        follow->gone[0] = 0;
        tell_alarms(follow, properties);
        follow->sink.on_status(follow->sink.user, properties);
        json_decref(properties);
        if (follow->again)
                ask(follow);
        return 0;
}

static void ask(struct bc_follow *follow)
{
        sd_bus_message *call = NULL;
        int r;

        if (follow->lost)
                return;
        follow->again = follow->question;
        if (follow->question)
                return;
        r = bc_client_prepare_properties(follow->client, &call);
        if (r >= 0)
                r = sd_bus_call_async(follow->client->bus, &follow->question, call, on_properties, follow,
                                      follow->client->timeout_us);
        sd_bus_message_unref(call);
        follow->asked_ns = bc_clock_now_ns(bc_loop_clock(follow->loop));
        if (r < 0) {
                follow->lost = true;
                tell_gone(follow, "the bus is lost; looking for it again");
        }
}

static int on_change(sd_bus_message *message, void *user, sd_bus_error *error)
{
        (void)message;
        (void)error;
        ask(user);
        return 0;
}

static int on_alarm(sd_bus_message *message, void *user, sd_bus_error *error)
{
        struct bc_follow *follow = user;
        char clean[BC_TEXT_BYTES];
        const char *text;

        (void)error;
        if (sd_bus_message_read(message, "s", &text) < 0)
                return 0;
        bc_text_tidy(text, clean, sizeof(clean));
        if (follow->alarms == PENDING_MAX)
                tell_alarms(follow, NULL); // a flood: told without their time
        follow->alarm[follow->alarms] = strdup(clean);
        follow->alarms += follow->alarm[follow->alarms] != NULL;
        ask(follow);
        return 0;
}

static int on_disconnected(sd_bus_message *message, void *user, sd_bus_error *error)
{
        struct bc_follow *follow = user;

        (void)message;
        (void)error;
        follow->lost = true;
        tell_gone(follow, "the bus is lost; looking for it again");
        return 0;
}

// What the daemon says, and its coming and going. The matches end with the connection.
static int attach(struct bc_follow *follow)
{
        sd_bus *bus = follow->client->bus;
        int r = sd_bus_attach_event(bus, bc_loop_event(follow->loop), 0);

        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, follow);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, NULL, BC_CLIENT_NAME, BC_CLIENT_PATH, "org.freedesktop.DBus.Properties",
                                              "PropertiesChanged", on_change, NULL, follow);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, NULL, BC_CLIENT_NAME, BC_CLIENT_PATH, BC_CLIENT_RECORDER, "Alarm",
                                              on_alarm, NULL, follow);
        if (r >= 0)
                r = sd_bus_add_match_async(bus, NULL,
                                           "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                                           "member='NameOwnerChanged',arg0='" BC_CLIENT_NAME "'",
                                           on_change, NULL, follow);
        return r < 0 ? r : 0;
}

static void detach(struct bc_follow *follow)
{
        follow->question = sd_bus_slot_unref(follow->question);
        follow->again = false;
        if (!follow->client->bus)
                return;
        sd_bus_detach_event(follow->client->bus);
        follow->client->bus = sd_bus_close_unref(follow->client->bus); // without flushing: a bus that hangs holds nothing up
}

static void connect_again(struct bc_follow *follow)
{
        char text[BC_CLIENT_TEXT_BYTES];

        detach(follow);
        if (bc_client_connect(follow->client, text) != BC_CTL_DONE) {
                tell_gone(follow, text);
                return;
        }
        follow->lost = attach(follow) < 0;
}

static void on_timer(void *user, int64_t due_ns)
{
        struct bc_follow *follow = user;
        char text[BC_CLIENT_TEXT_BYTES];
        int64_t now_ns = bc_clock_now_ns(bc_loop_clock(follow->loop));

        bc_timer_set(follow->timer, (now_ns > due_ns ? now_ns : due_ns) + BC_NS_PER_S);
        follow->asked_twice = false;
        if (follow->lost)
                connect_again(follow);
        if (follow->question && now_ns - follow->asked_ns >= SILENT_NS) {
                snprintf(text, sizeof(text), BC_CLIENT_SILENT);
                tell_gone(follow, text);
        }
        ask(follow);
        follow->sink.on_tick(follow->sink.user);
}

BC_DEFINE_CLEANUP(follow, struct bc_follow, bc_follow_free)

int bc_follow_new(struct bc_loop *loop, struct bc_client *client, const struct bc_follow_sink *sink,
                  struct bc_follow **ret_follow)
{
        BC_CLEANUP(bc_cleanup_follow) struct bc_follow *follow = calloc(1, sizeof(*follow));
        int r;

        if (!follow)
                return -ENOMEM;
        follow->loop = loop;
        follow->client = client;
        follow->sink = *sink;
        r = bc_timer_new(loop, on_timer, follow, &follow->timer);
        if (r == 0)
                r = attach(follow);
        if (r < 0)
                return r;
        bc_timer_set(follow->timer, 0); // asks
        *ret_follow = BC_TAKE(follow);
        return 0;
}

void bc_follow_free(struct bc_follow *follow)
{
        if (!follow)
                return;
        detach(follow);
        for (size_t i = 0; i < follow->alarms; i++)
                free(follow->alarm[i]);
        bc_timer_free(follow->timer);
        free(follow);
}
