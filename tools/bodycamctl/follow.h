// SPDX-License-Identifier: EUPL-1.2
// Follows a daemon: its properties at every change and once a second, its alarms, its going and its coming back, and that of
// the bus. Nothing here waits: questions are sent, and answers come through the loop.
//
// Thread-bound: the loop's thread.
#ifndef BC_BODYCAMCTL_FOLLOW_H
#define BC_BODYCAMCTL_FOLLOW_H

#include "base/loop.h"
#include "client.h"

struct bc_follow;

struct bc_follow_sink {
        // All properties as they are now; lent for the call. At least once a second.
        void (*on_status)(void *user, const json_t *properties);
        // Once for each: cleaned text, and the properties of the moment it came, or NULL when they could not be had any more.
        void (*on_alarm)(void *user, const char *text, const json_t *properties);
        // It is not there, or does not answer: a sentence. Again when the sentence changes; on_status() ends it.
        void (*on_gone)(void *user, const char *text);
        // A second has passed.
        void (*on_tick)(void *user);
        void *user;
};

// 0 or negative errno. Borrows loop and client, which is connected; connects it again when the bus is lost.
int bc_follow_new(struct bc_loop *loop, struct bc_client *client, const struct bc_follow_sink *sink,
                  struct bc_follow **ret_follow);
void bc_follow_free(struct bc_follow *follow);

#endif
