// SPDX-License-Identifier: EUPL-1.2
// The recorder's properties, as JSON and for people.
#ifndef BC_BODYCAMCTL_STATUS_H
#define BC_BODYCAMCTL_STATUS_H

#include "client.h"

enum bc_ctl_exit bc_status_show(struct bc_client *client);

#endif
