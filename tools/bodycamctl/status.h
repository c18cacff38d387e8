// SPDX-License-Identifier: EUPL-1.2
// What the recorder does, at a glance.
#ifndef BC_BODYCAMCTL_STATUS_H
#define BC_BODYCAMCTL_STATUS_H

#include "page.h"
#include "request.h"

// The command.
enum bc_ctl_exit bc_status_show(struct bc_request *request);

// Adds the rows, the most important first. What is missing among the properties (properties.h) is left out.
void bc_status_describe(const json_t *properties, struct bc_page *page);

#endif
