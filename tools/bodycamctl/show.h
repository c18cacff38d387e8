// SPDX-License-Identifier: EUPL-1.2
// Everything about one recording.
#ifndef BC_BODYCAMCTL_SHOW_H
#define BC_BODYCAMCTL_SHOW_H

#include "request.h"

enum bc_ctl_exit bc_show_recording(struct bc_request *request);

#endif
