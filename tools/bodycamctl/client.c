// SPDX-License-Identifier: EUPL-1.2
#include "client.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME "org.bodycam.Recorder1"
#define PATH "/org/bodycam/Recorder1"
#define RECORDER "org.bodycam.Recorder1"
#define SIMULATION "org.bodycam.Simulation1"
#define TEXT_BYTES 600

enum bc_ctl_exit bc_client_complain(const struct bc_client *client, enum bc_ctl_exit status, const char *format, ...)
{
        char text[TEXT_BYTES];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        fprintf(stderr, "bodycamctl: %s\n", text);
        if (client->json) {
                json_t *error = json_pack("{s:s%,s:i}", "error", text, strlen(text), "status", (int)status);
                if (error)
                        json_dumpf(error, stdout, JSON_COMPACT);
                putchar('\n');
                json_decref(error);
        }
        return status;
}

static const char *bus_word(const struct bc_client *client)
{
        return client->session ? "session" : "system";
}

enum bc_ctl_exit bc_client_open(struct bc_client *client)
{
        int r = client->session ? sd_bus_open_user(&client->bus) : sd_bus_open_system(&client->bus);

        if (r == -EACCES || r == -EPERM)
                return bc_client_complain(client, BC_CTL_NO_DAEMON, "no permission to use the %s bus", bus_word(client));
        if (r < 0)
                return bc_client_complain(client, BC_CTL_NO_DAEMON, "no %s bus here: %s", bus_word(client),
                                          strerror(-r));
        (void)sd_bus_set_method_call_timeout(client->bus, client->timeout_us);
        return BC_CTL_DONE;
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

static bool is_one_of(const sd_bus_error *error, const char *const *names)
{
        for (; *names; names++)
                if (sd_bus_error_has_name(error, *names))
                        return true;
        return false;
}

static enum bc_ctl_exit explain(const struct bc_client *client, const sd_bus_error *error, int r)
{
        static const char *const absent[] = { SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                                              "org.freedesktop.DBus.Error.Spawn.ServiceNotFound", NULL };
        static const char *const denied[] = { SD_BUS_ERROR_ACCESS_DENIED, SD_BUS_ERROR_AUTH_FAILED,
                                              SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, NULL };
        static const char *const silent[] = { SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT,
                                              SD_BUS_ERROR_DISCONNECTED, NULL };
        static const char *const unknown[] = { SD_BUS_ERROR_UNKNOWN_METHOD, SD_BUS_ERROR_UNKNOWN_INTERFACE,
                                               SD_BUS_ERROR_UNKNOWN_OBJECT, NULL };

        if (is_one_of(error, absent))
                return bc_client_complain(client, BC_CTL_NO_DAEMON, "bodycamd does not run: nobody offers " NAME
                                          " on the %s bus", bus_word(client));
        if (is_one_of(error, denied) || r == -EACCES || r == -EPERM)
                return bc_client_complain(client, BC_CTL_NO_DAEMON, "no permission to talk to bodycamd on the %s bus: %s",
                                          bus_word(client), error->message ? error->message : strerror(-r));
        if (is_one_of(error, silent) || r == -ETIMEDOUT)
                return bc_client_complain(client, BC_CTL_NO_DAEMON, "bodycamd does not answer (%s)",
                                          error->message ? error->message : strerror(-r));
        if (is_one_of(error, unknown))
                return bc_client_complain(client, BC_CTL_REFUSED, "bodycamd does not offer this: %s",
                                          error->message ? error->message : error->name);
        if (sd_bus_error_is_set(error))
                return bc_client_complain(client, BC_CTL_REFUSED, "%s", error->message ? error->message : error->name);
        return bc_client_complain(client, BC_CTL_NO_DAEMON, "the %s bus: %s", bus_word(client), strerror(-r));
}

enum bc_ctl_exit bc_client_send(struct bc_client *client, sd_bus_message *call, sd_bus_message **ret_reply)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        enum bc_ctl_exit status = BC_CTL_DONE;
        int r = sd_bus_call(client->bus, call, client->timeout_us, &error, ret_reply);

        if (r < 0)
                status = explain(client, &error, r);
        sd_bus_error_free(&error);
        sd_bus_message_unref(call);
        return status;
}

enum bc_ctl_exit bc_client_properties(struct bc_client *client, sd_bus_message **ret_reply)
{
        sd_bus_message *call = NULL;
        int r = new_call(client, "org.freedesktop.DBus.Properties", "GetAll", &call);

        if (r >= 0)
                r = sd_bus_message_append(call, "s", RECORDER);
        if (r < 0) {
                sd_bus_message_unref(call);
                return bc_client_complain(client, BC_CTL_NO_DAEMON, "the %s bus: %s", bus_word(client), strerror(-r));
        }
        return bc_client_send(client, call, ret_reply);
}
