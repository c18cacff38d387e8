// SPDX-License-Identifier: EUPL-1.2
#include "control/handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define LOOK_EVERY_NS BC_NS_PER_S

static int64_t now_ns(const struct bc_handover *handover)
{
        return bc_clock_now_ns(bc_loop_clock(handover->loop));
}

static struct bc_recorder_status status_of(const struct bc_handover *handover)
{
        struct bc_recorder_status status;

        bc_recorder_status(handover->recorder, &status);
        return status;
}

static void on_look(void *user, int64_t due_ns)
{
        struct bc_handover *handover = user;
        struct bc_recorder_status status = status_of(handover);
        bool first = status.press_ns != handover->press_ns || status.durable_ns < 0;
        int64_t within_ns = first ? BC_HANDOVER_FIRST_NS : BC_HANDOVER_MORE_NS;
        bool late = false;

        if (status.durable_ns != handover->durable_ns) {
                handover->durable_ns = status.durable_ns;
                handover->progress_ns = due_ns;
        }
        if (!bc_handover_is_idle(handover)) {
                late = due_ns - handover->progress_ns >= within_ns;
                bc_timer_set(handover->timer, due_ns + LOOK_EVERY_NS);
        }
        if (late == handover->late)
                return;
        handover->late = late;
        handover->on_late(handover->user, late);
}

int bc_handover_init(struct bc_handover *handover, struct bc_loop *loop, struct bc_ring *ring,
                     struct bc_recorder *recorder, void (*on_late)(void *user, bool late), void *user)
{
        *handover = (struct bc_handover){
                .loop = loop,
                .ring = ring,
                .recorder = recorder,
                .on_late = on_late,
                .user = user,
                .press_ns = -1,
                .durable_ns = -1,
        };
        return bc_timer_new(loop, on_look, handover, &handover->timer);
}

void bc_handover_done(struct bc_handover *handover)
{
        bc_timer_free(handover->timer);
        handover->timer = NULL;
}

static void give_owed(struct bc_handover *handover)
{
        int r;

        if (!handover->owed.is)
                return;
        r = bc_recorder_start(handover->recorder, handover->owed.press_ns, handover->owed.by);
        if (r == -ENOBUFS)
                return; // when one is closed
        handover->owed.is = false;
        if (r < 0) {
                bc_log_error("a recording could not be started: %s", strerror(-r));
                return;
        }
        handover->given = handover->owed.end_ns == BC_NS_NEVER;
        if (!handover->given)
                (void)bc_recorder_stop(handover->recorder, handover->owed.end_ns, handover->owed.stop_by);
}

void bc_handover_open(struct bc_handover *handover, int64_t press_ns, const char *by)
{
        bc_ring_set_recording(handover->ring, true);
        if (handover->owed.is) {
                handover->owed.end_ns = BC_NS_NEVER;
                return;
        }
        // The press tells recordings apart, so no two are the same.
        handover->press_ns = press_ns > handover->press_ns ? press_ns : handover->press_ns + 1;
        handover->owed.is = true;
        handover->owed.press_ns = handover->press_ns;
        handover->owed.end_ns = BC_NS_NEVER;
        snprintf(handover->owed.by, sizeof(handover->owed.by), "%s", by);
        handover->durable_ns = status_of(handover).durable_ns;
        handover->progress_ns = now_ns(handover);
        bc_timer_set(handover->timer, handover->progress_ns + BC_HANDOVER_FIRST_NS);
        give_owed(handover);
        if (handover->owed.is)
                bc_log_warning("the recording is written as soon as an earlier one is closed");
}

void bc_handover_close(struct bc_handover *handover, int64_t end_ns, const char *by)
{
        int r;

        if (handover->owed.is) {
                handover->owed.end_ns = end_ns;
                snprintf(handover->owed.stop_by, sizeof(handover->owed.stop_by), "%s", by);
                return;
        }
        handover->given = false;
        r = bc_recorder_stop(handover->recorder, end_ns, by);
        // -ENOENT: its stream ended before, and the recorder closed it with what there was.
        if (r < 0 && r != -ENOENT)
                bc_log_error("a recording could not be stopped: %s", strerror(-r));
}

void bc_handover_on_closed(struct bc_handover *handover)
{
        give_owed(handover);
}

void bc_handover_keep(struct bc_handover *handover)
{
        if (handover->owed.is)
                return;
        if (handover->given && status_of(handover).open) // an earlier one may wait for longer
                return;
        handover->given = false;
        bc_handover_open(handover, now_ns(handover), "goes on after a fault");
}

bool bc_handover_is_durable(const struct bc_handover *handover)
{
        struct bc_recorder_status status = status_of(handover);

        return handover->given && status.open && status.press_ns == handover->press_ns && status.durable_ns >= 0;
}

bool bc_handover_is_idle(const struct bc_handover *handover)
{
        return !handover->owed.is && status_of(handover).waiting == 0;
}
