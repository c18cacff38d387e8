// SPDX-License-Identifier: EUPL-1.2
// What a store's ledger says, entry by entry, for people. Nothing is judged: bodycam-verify does that.
#ifndef BC_BODYCAMCTL_LEDGER_H
#define BC_BODYCAMCTL_LEDGER_H

#include "request.h"

enum bc_ctl_exit bc_ledger_show(struct bc_request *request);

#endif
