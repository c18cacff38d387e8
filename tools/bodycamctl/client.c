// SPDX-License-Identifier: EUPL-1.2
#include "client.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "properties.h"
#include "text.h"

#define NAME BC_CLIENT_NAME
#define PATH BC_CLIENT_PATH
#define RECORDER BC_CLIENT_RECORDER
#define SIMULATION "org.bodycam.Simulation1"

__attribute__((format(printf, 2, 0)))
static void warn(char ret_clean[BC_CLIENT_TEXT_BYTES], const char *format, va_list arguments)
{
        char text[BC_CLIENT_TEXT_BYTES];

        vsnprintf(text, sizeof(text), format, arguments);
        bc_text_tidy(text, ret_clean, BC_CLIENT_TEXT_BYTES); // names and texts from outside are in it
        fprintf(stderr, "bodycamctl: %s\n", ret_clean);
}

enum bc_ctl_exit bc_client_complain(const struct bc_client *client, enum bc_ctl_exit status, const char *format, ...)
{
        char text[BC_CLIENT_TEXT_BYTES];
        va_list arguments;

        va_start(arguments, format);
        warn(text, format, arguments);
        va_end(arguments);
        if (client->json)
                bc_text_print_json(json_pack("{s:s,s:i}", "error", text, "status", (int)status));
        return status;
}

void bc_client_warn(const char *format, ...)
{
        char text[BC_CLIENT_TEXT_BYTES];
        va_list arguments;

        va_start(arguments, format);
        warn(text, format, arguments);
        va_end(arguments);
}

static const char *bus_word(const struct bc_client *client)
{
        return client->session ? "session" : "system";
}

enum bc_ctl_exit bc_client_connect(struct bc_client *client, char ret_text[BC_CLIENT_TEXT_BYTES])
{
        int r = client->session ? sd_bus_open_user(&client->bus) : sd_bus_open_system(&client->bus);

        if (r >= 0) {
                (void)sd_bus_set_method_call_timeout(client->bus, client->timeout_us);
                return BC_CTL_DONE;
        }
        if (r == -EACCES || r == -EPERM)
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "no permission to use the %s bus: %s", bus_word(client),
                         strerror(-r));
        else
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "no %s bus here: %s (--bus chooses: system or session)",
                         bus_word(client), r == -ENOMEDIUM ? "its address is not set" : strerror(-r));
        return BC_CTL_NO_DAEMON;
}

enum bc_ctl_exit bc_client_open(struct bc_client *client)
{
        char text[BC_CLIENT_TEXT_BYTES];
        enum bc_ctl_exit status = bc_client_connect(client, text);

        return status == BC_CTL_DONE ? status : bc_client_complain(client, status, "%s", text);
}

void bc_client_close(struct bc_client *client)
{
        client->bus = sd_bus_flush_close_unref(client->bus);
}

// A camera that was switched off is not switched on by a question.
static int new_call(struct bc_client *client, const char *interface, const char *method, sd_bus_message **ret_call)
{
        int r = sd_bus_message_new_method_call(client->bus, ret_call, NAME, PATH, interface, method);

        if (r >= 0)
                (void)sd_bus_message_set_auto_start(*ret_call, 0); // only a message that was sent refuses
        return r;
}

int bc_client_prepare(struct bc_client *client, bool simulation, const char *method, sd_bus_message **ret_call)
{
        return new_call(client, simulation ? SIMULATION : RECORDER, method, ret_call);
}

// What the standard errors mean; NULL: it is none of them, the daemon itself refused.
static const char *meaning_of(const sd_bus_error *error, int r)
{
        static const struct {
                const char *name, *meaning;
        } meanings[] = {
                { SD_BUS_ERROR_SERVICE_UNKNOWN, BC_CLIENT_ABSENT },
                { SD_BUS_ERROR_NAME_HAS_NO_OWNER, BC_CLIENT_ABSENT },
                { "org.freedesktop.DBus.Error.Spawn.ServiceNotFound", BC_CLIENT_ABSENT },
                { SD_BUS_ERROR_ACCESS_DENIED, BC_CLIENT_DENIED },
                { SD_BUS_ERROR_AUTH_FAILED, BC_CLIENT_DENIED },
                { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, BC_CLIENT_DENIED },
                { SD_BUS_ERROR_NO_REPLY, BC_CLIENT_SILENT },
                { SD_BUS_ERROR_TIMEOUT, BC_CLIENT_SILENT },
                { SD_BUS_ERROR_DISCONNECTED, BC_CLIENT_SILENT },
                { SD_BUS_ERROR_UNKNOWN_METHOD, BC_CLIENT_UNKNOWN },
                { SD_BUS_ERROR_UNKNOWN_INTERFACE, BC_CLIENT_UNKNOWN },
                { SD_BUS_ERROR_UNKNOWN_OBJECT, BC_CLIENT_UNKNOWN },
        };

        for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
                if (sd_bus_error_has_name(error, meanings[i].name))
                        return meanings[i].meaning;
        if (r == -EACCES || r == -EPERM)
                return BC_CLIENT_DENIED;
        return r == -ETIMEDOUT ? BC_CLIENT_SILENT : NULL;
}

enum bc_ctl_exit bc_client_explain(const struct bc_client *client, const sd_bus_error *error, int r,
                                   char ret_text[BC_CLIENT_TEXT_BYTES])
{
        const char *meaning = meaning_of(error, r), *bus = bus_word(client);
        const char *words = error->message ? error->message : error->name ? error->name : strerror(-r);

        if (meaning && strcmp(meaning, BC_CLIENT_ABSENT) == 0)
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "%s: nobody offers " NAME " on the %s bus", meaning, bus);
        else if (meaning && strcmp(meaning, BC_CLIENT_DENIED) == 0)
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "%s on the %s bus%s: %s", meaning, bus,
                         client->session ? "" : " (it is given to root and to the group bodycam)", words);
        else if (meaning)
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "%s: %s", meaning, words);
        else if (sd_bus_error_is_set(error))
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "%s", words);
        else
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "the %s bus: %s", bus, strerror(-r));
        if (meaning ? strcmp(meaning, BC_CLIENT_UNKNOWN) == 0 : sd_bus_error_is_set(error))
                return BC_CTL_REFUSED;
        return BC_CTL_NO_DAEMON;
}

enum bc_ctl_exit bc_client_send(struct bc_client *client, sd_bus_message *call, sd_bus_message **ret_reply)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        enum bc_ctl_exit status = BC_CTL_DONE;
        char text[BC_CLIENT_TEXT_BYTES];
        int r = sd_bus_call(client->bus, call, client->timeout_us, &error, ret_reply);

        if (r < 0) {
                status = bc_client_explain(client, &error, r, text);
                status = bc_client_complain(client, status, "%s", text);
        }
        sd_bus_error_free(&error);
        sd_bus_message_unref(call);
        return status;
}

int bc_client_prepare_properties(struct bc_client *client, sd_bus_message **ret_call)
{
        sd_bus_message *call = NULL;
        int r = new_call(client, "org.freedesktop.DBus.Properties", "GetAll", &call);

        if (r >= 0)
                r = sd_bus_message_append(call, "s", RECORDER);
        if (r < 0) {
                sd_bus_message_unref(call);
                return r;
        }
        *ret_call = call;
        return 0;
}

enum bc_ctl_exit bc_client_unreadable(const struct bc_client *client, int r)
{
        return bc_client_complain(client, BC_CTL_NO_DAEMON, "the answer is not understood: %s", strerror(-r));
}

enum bc_ctl_exit bc_client_properties(struct bc_client *client, json_t **ret_properties)
{
        sd_bus_message *call = NULL, *reply = NULL;
        int r = bc_client_prepare_properties(client, &call);
        enum bc_ctl_exit status;

        if (r < 0)
                return bc_client_complain(client, BC_CTL_NO_DAEMON, "the %s bus: %s", bus_word(client), strerror(-r));
        status = bc_client_send(client, call, &reply);
        if (status != BC_CTL_DONE)
                return status;
        r = bc_properties_read(reply, ret_properties);
        sd_bus_message_unref(reply);
        return r < 0 ? bc_client_unreadable(client, r) : BC_CTL_DONE;
}
