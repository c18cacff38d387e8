// SPDX-License-Identifier: EUPL-1.2
// The commands that are one call to the recorder.
#ifndef BC_BODYCAMCTL_PLAIN_H
#define BC_BODYCAMCTL_PLAIN_H

#include "request.h"

bool bc_plain_accepts_record(const struct bc_request *request);
bool bc_plain_accepts_emergency(const struct bc_request *request);
bool bc_plain_accepts_mark(const struct bc_request *request);
bool bc_plain_accepts_switch(const struct bc_request *request);
bool bc_plain_accepts_indicate(const struct bc_request *request);

enum bc_ctl_exit bc_plain_record(struct bc_request *request);
enum bc_ctl_exit bc_plain_emergency(struct bc_request *request);
enum bc_ctl_exit bc_plain_sensors(struct bc_request *request);
enum bc_ctl_exit bc_plain_mark(struct bc_request *request);
enum bc_ctl_exit bc_plain_nonce(struct bc_request *request);
enum bc_ctl_exit bc_plain_mute(struct bc_request *request);
enum bc_ctl_exit bc_plain_stealth(struct bc_request *request);
enum bc_ctl_exit bc_plain_indicate(struct bc_request *request);
enum bc_ctl_exit bc_plain_policy(struct bc_request *request);

#endif
