// SPDX-License-Identifier: EUPL-1.2
// The recorder's state, kept up to date: on a terminal a screen that is redrawn, else a line for each change.
#ifndef BC_BODYCAMCTL_WATCH_H
#define BC_BODYCAMCTL_WATCH_H

#include "request.h"

enum bc_ctl_exit bc_watch_show(struct bc_request *request);

#endif
