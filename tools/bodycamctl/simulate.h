// SPDX-License-Identifier: EUPL-1.2
// Commands to simulated devices.
#ifndef BC_BODYCAMCTL_SIMULATE_H
#define BC_BODYCAMCTL_SIMULATE_H

#include "request.h"

bool bc_simulate_accepts(const struct bc_request *request);
enum bc_ctl_exit bc_simulate(struct bc_request *request);

#endif
