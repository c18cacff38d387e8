// SPDX-License-Identifier: EUPL-1.2
// Calls to the daemon, and what their failures mean.
#ifndef BC_BODYCAMCTL_CLIENT_H
#define BC_BODYCAMCTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#define BC_CLIENT_NAME "org.bodycam.Recorder1"
#define BC_CLIENT_PATH "/org/bodycam/Recorder1"
#define BC_CLIENT_RECORDER "org.bodycam.Recorder1"
#define BC_CLIENT_TEXT_BYTES 1000

// What went wrong, as the sentence that is told begins.
#define BC_CLIENT_ABSENT "bodycamd does not run"
#define BC_CLIENT_DENIED "no permission to talk to bodycamd"
#define BC_CLIENT_SILENT "bodycamd does not answer"
#define BC_CLIENT_UNKNOWN "bodycamd does not offer this"

enum bc_ctl_exit {
        BC_CTL_DONE = 0,
        BC_CTL_REFUSED = 1, // or not done in full
        BC_CTL_USAGE = 2,
        BC_CTL_NO_DAEMON = 3,
};

struct bc_client {
        sd_bus *bus;
        bool session;
        bool json;
        uint64_t timeout_us;
};

// Connects. On failure says so (bc_client_complain) and returns what to exit with.
enum bc_ctl_exit bc_client_open(struct bc_client *client);
void bc_client_close(struct bc_client *client);

// The same, leaving it to the caller to say so.
enum bc_ctl_exit bc_client_connect(struct bc_client *client, char ret_text[BC_CLIENT_TEXT_BYTES]);

// Makes a call to a method of Recorder1, or of Simulation1.
int bc_client_prepare(struct bc_client *client, bool simulation, const char *method, sd_bus_message **ret_call);

// Makes the call for all properties of Recorder1.
int bc_client_prepare_properties(struct bc_client *client, sd_bus_message **ret_call);

// Sends it and waits. Takes the call. On failure complains; else *ret_reply is the caller's.
enum bc_ctl_exit bc_client_send(struct bc_client *client, sd_bus_message *call, sd_bus_message **ret_reply);

// All properties of Recorder1 (properties.h); the caller's. On failure complains.
enum bc_ctl_exit bc_client_properties(struct bc_client *client, json_t **ret_properties);

// What a failed call means: a sentence, and what to exit with. r: negative errno of the call.
enum bc_ctl_exit bc_client_explain(const struct bc_client *client, const sd_bus_error *error, int r,
                                   char ret_text[BC_CLIENT_TEXT_BYTES]);

// Says to standard error what went wrong, and with --json to standard output as well. Returns status.
__attribute__((format(printf, 3, 4)))
enum bc_ctl_exit bc_client_complain(const struct bc_client *client, enum bc_ctl_exit status, const char *format, ...);

// Complains of an answer that is not of the form expected.
enum bc_ctl_exit bc_client_unreadable(const struct bc_client *client, int r);

// Says it to standard error alone.
__attribute__((format(printf, 1, 2))) void bc_client_warn(const char *format, ...);

#endif
