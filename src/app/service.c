// SPDX-License-Identifier: EUPL-1.2
#include "app/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/utc.h"
#include "bodycam/journal.h"

#define LOOK_EVERY_NS BC_NS_PER_S
#define STUCK_NS_MIN (2 * BC_NS_PER_S) // a wait looks young again after a second, on a busy machine later
#define THREADS_MAX 32
#define STATUS_BYTES 300

struct bc_service {
        struct bc_loop *loop;
        struct bc_controller *controller;
        const struct bc_store *store;
        struct bc_timer *timer;
        int64_t every_ns;  // between two looks
        int64_t stuck_ns;  // a thread that has worked for so long is stuck; 0: nobody watches
        size_t stuck;      // how many are; they were named
        bool stopping;     // was told
        char status[STATUS_BYTES]; // as told
};

// ---- the status line -----------------------------------------------------------------------------------------

static size_t add(char *text, size_t used, const char *before, const char *value)
{
        int n = used < STATUS_BYTES ? snprintf(text + used, STATUS_BYTES - used, "%s%s", before, value) : 0;

        return n > 0 ? used + (size_t)n : used;
}

// "RECORDING since 2026-11-26T01:12:14Z, CAM-7-000003; no-gnss": changes only when something happens.
static void write_status(const struct bc_service *service, const struct bc_status *status, char text[STATUS_BYTES])
{
        char utc[BC_UTC_TEXT_BYTES], name[BC_RECORDING_NAME_BYTES_MAX];
        size_t used = add(text, 0, "", bc_state_name(status->state));
        const char *before = "; ";

        if (status->moment.source != BC_UTC_NONE &&
            bc_utc_format(status->moment.utc_ns - (status->now_ns - status->since_ns), utc) == 0)
                used = add(text, used, " since ", utc);
        if (status->recorder.waiting > 0 && status->recorder.counter > 0) {
                bc_store_name(service->store, status->recorder.counter, name);
                used = add(text, used, ", ", name);
        }
        for (unsigned bit = 0; bit < BC_FLAG_BITS; bit++) {
                if (!(status->flags & 1u << bit))
                        continue;
                used = add(text, used, before, bc_flag_name((enum bc_flag)(1 << bit)));
                before = ", ";
        }
}

static void tell_status(struct bc_service *service)
{
        char text[STATUS_BYTES];
        struct bc_status status;

        bc_controller_status(service->controller, &status);
        write_status(service, &status, text);
        if (strcmp(text, service->status) == 0)
                return;
        memcpy(service->status, text, sizeof(text));
        (void)sd_notifyf(0, "STATUS=%s", text);
}

// ---- the watchdog --------------------------------------------------------------------------------------------

static bool is_stuck(const struct bc_service *service, const struct bc_pulse_look *look)
{
        return look->doing != BC_DOING_DEVICE && look->for_ns >= service->stuck_ns;
}

// All of them: one that is stuck with a lock makes those stuck that wait for it.
static void name_stuck(const struct bc_service *service, const struct bc_pulse_look *looks, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (is_stuck(service, &looks[i]))
                        bc_log_event(LOG_ERR, BC_JOURNAL_STUCK,
                                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_THREAD, .text = looks[i].name },
                                                   { BC_JOURNAL_FIELD_STUCK, .number = looks[i].for_ns }),
                                     "thread \"%s\" has not moved for %" PRId64 " ms; the watchdog is not fed",
                                     looks[i].name, looks[i].for_ns / BC_NS_PER_MS);
}

static void feed_watchdog(struct bc_service *service)
{
        struct bc_pulse_look looks[THREADS_MAX];
        size_t count = bc_pulses_look(bc_clock_pulses(bc_loop_clock(service->loop)), looks, THREADS_MAX);
        size_t stuck = 0;

        for (size_t i = 0; i < count; i++)
                stuck += is_stuck(service, &looks[i]);
        if (stuck > service->stuck)
                name_stuck(service, looks, count);
        if (stuck == 0 && service->stuck > 0)
                bc_log_notice("every thread moves again");
        service->stuck = stuck;
        if (stuck == 0)
                (void)sd_notify(0, "WATCHDOG=1");
}

static void on_look(void *user, int64_t due_ns)
{
        struct bc_service *service = user;

        int64_t now_ns = bc_clock_now_ns(bc_loop_clock(service->loop));

        // First, since the status waits for locks that a stuck thread may hold.
        if (service->stuck_ns > 0)
                feed_watchdog(service);
        tell_status(service);
        // After a suspend one look is enough.
        bc_timer_set(service->timer, due_ns + service->every_ns > now_ns ? due_ns + service->every_ns
                                                                         : now_ns + service->every_ns);
}

// ---- lifecycle -----------------------------------------------------------------------------------------------

BC_DEFINE_CLEANUP(service, struct bc_service, bc_service_free)

int bc_service_new(struct bc_loop *loop, struct bc_controller *controller, const struct bc_store *store,
                   struct bc_service **ret_service)
{
        BC_CLEANUP(bc_cleanup_service) struct bc_service *service = calloc(1, sizeof(*service));
        uint64_t watchdog_us = 0;
        int r;

        if (!service)
                return -ENOMEM;
        service->loop = loop;
        service->controller = controller;
        service->store = store;
        service->every_ns = LOOK_EVERY_NS;
        if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
                service->stuck_ns = (int64_t)watchdog_us * BC_NS_PER_US / 2;
                if (service->stuck_ns < STUCK_NS_MIN) {
                        bc_log_warning("WatchdogSec= is shorter than %d s, so it may end a daemon whose threads all move",
                                       (int)(2 * STUCK_NS_MIN / BC_NS_PER_S));
                        service->stuck_ns = STUCK_NS_MIN;
                }
                // Four times in the time that is given: sd_watchdog_enabled(3) advises twice, and the loop may be late.
                if (service->every_ns > (int64_t)watchdog_us * BC_NS_PER_US / 4)
                        service->every_ns = (int64_t)watchdog_us * BC_NS_PER_US / 4;
        }
        r = bc_timer_new(loop, on_look, service, &service->timer);
        if (r < 0)
                return r;
        *ret_service = BC_TAKE(service);
        return 0;
}

void bc_service_free(struct bc_service *service)
{
        if (!service)
                return;
        bc_timer_free(service->timer);
        free(service);
}

void bc_service_ready(struct bc_service *service)
{
        struct bc_clock *clock = bc_loop_clock(service->loop);

        (void)sd_notify(0, "READY=1");
        if (!bc_clock_is_simulated(clock))
                bc_timer_set(service->timer, bc_clock_now_ns(clock));
}

void bc_service_reloading(struct bc_service *service)
{
        if (service->stopping)
                return;
        (void)service;
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, bc_pulse_now_ns() / BC_NS_PER_US);
}

void bc_service_reloaded(struct bc_service *service)
{
        // READY after STOPPING would be a lie.
        if (service->stopping)
                return;
        (void)service;
        (void)sd_notify(0, "READY=1");
}

void bc_service_stopping(struct bc_service *service)
{
        service->stopping = true;
        (void)sd_notify(0, "STOPPING=1");
        if (!bc_clock_is_simulated(bc_loop_clock(service->loop)))
                tell_status(service);
}
