// SPDX-License-Identifier: EUPL-1.2
// The recordings of a store, a row each, the newest first.
#ifndef BC_BODYCAMCTL_LIST_H
#define BC_BODYCAMCTL_LIST_H

#include "request.h"

enum bc_ctl_exit bc_list_show(struct bc_request *request);

#endif
