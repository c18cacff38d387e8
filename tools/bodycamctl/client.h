// SPDX-License-Identifier: EUPL-1.2
// Calls to the daemon, and what their failures mean.
#ifndef BC_BODYCAMCTL_CLIENT_H
#define BC_BODYCAMCTL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

enum bc_ctl_exit {
        BC_CTL_DONE = 0,
        BC_CTL_REFUSED = 1,
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

// Makes a call to a method of Recorder1, or of Simulation1.
int bc_client_prepare(struct bc_client *client, bool simulation, const char *method, sd_bus_message **ret_call);

// Sends it and waits. Takes the call. On failure complains; else *ret_reply is the caller's.
enum bc_ctl_exit bc_client_send(struct bc_client *client, sd_bus_message *call, sd_bus_message **ret_reply);

// All properties of Recorder1.
enum bc_ctl_exit bc_client_properties(struct bc_client *client, sd_bus_message **ret_reply);

// Says to standard error what went wrong, and with --json to standard output as well. Returns status.
__attribute__((format(printf, 3, 4)))
enum bc_ctl_exit bc_client_complain(const struct bc_client *client, enum bc_ctl_exit status, const char *format, ...);

#endif
