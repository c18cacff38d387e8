// SPDX-License-Identifier: EUPL-1.2
// What systemd is told (sd_notify(3)): ready, reloading, stopping, a line of status, and that all threads move.
//
// The watchdog is fed as long as every thread of the clock is in a call on a device, or has done something else within
// half of the time that systemd gives: a wait for its turn is looked at again every second (base/clock.c), so a thread that
// is in one for longer is stuck, too. Threads that are stuck are named in the log, and the watchdog not fed any more. A card
// that stands still is an alarm of its own and never a reason to be killed: this process holds the seconds in memory.
//
// Thread-bound: the main loop's thread. With a simulated clock only READY and a reload are told: time there is nobody's.
#ifndef BC_APP_SERVICE_H
#define BC_APP_SERVICE_H

#include "base/loop.h"
#include "control/controller.h"
#include "evidence/store.h"

struct bc_service;

// Borrows all. 0 or -ENOMEM.
int bc_service_new(struct bc_loop *loop, struct bc_controller *controller, const struct bc_store *store,
                   struct bc_service **ret_service);
void bc_service_free(struct bc_service *service);

// Everything is started.
void bc_service_ready(struct bc_service *service);

// The settings are being read anew; they have been.
void bc_service_reloading(struct bc_service *service);
void bc_service_reloaded(struct bc_service *service);

// The end was asked for.
void bc_service_stopping(struct bc_service *service);

#endif
