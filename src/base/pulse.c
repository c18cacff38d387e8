// SPDX-License-Identifier: EUPL-1.2
#include "base/pulse.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bodycam/time.h"

// The calling thread's. A property of the thread, hence thread-local.
static _Thread_local struct bc_pulse *own;

int64_t bc_pulse_now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * BC_NS_PER_S + now.tv_nsec;
}

void bc_pulses_init(struct bc_pulses *pulses)
{
        pthread_mutex_init(&pulses->mutex, NULL);
        pulses->first = NULL;
}

void bc_pulses_done(struct bc_pulses *pulses)
{
        pthread_mutex_destroy(&pulses->mutex);
}

void bc_pulse_begin(struct bc_pulses *pulses, struct bc_pulse *pulse, const char *name)
{
        snprintf(pulse->name, sizeof(pulse->name), "%.*s", BC_PULSE_NAME_BYTES - 1, name);
        atomic_init(&pulse->doing, BC_DOING_WORK);
        atomic_init(&pulse->since_ns, bc_pulse_now_ns());
        own = pulse;
        pthread_mutex_lock(&pulses->mutex);
        pulse->next = pulses->first;
        pulses->first = pulse;
        pthread_mutex_unlock(&pulses->mutex);
}

void bc_pulse_end(struct bc_pulses *pulses, struct bc_pulse *pulse)
{
        pthread_mutex_lock(&pulses->mutex);
        for (struct bc_pulse **at = &pulses->first; *at; at = &(*at)->next)
                if (*at == pulse) {
                        *at = pulse->next;
                        break;
                }
        pthread_mutex_unlock(&pulses->mutex);
        own = NULL;
}

enum bc_doing bc_pulse_set(enum bc_doing doing)
{
        enum bc_doing before;

        if (!own)
                return BC_DOING_WORK;
        before = (enum bc_doing)atomic_load_explicit(&own->doing, memory_order_relaxed);
        // The time first: who looks between the two takes what was for younger, never what is for older.
        atomic_store(&own->since_ns, bc_pulse_now_ns());
        atomic_store(&own->doing, doing);
        return before;
}

size_t bc_pulses_look(struct bc_pulses *pulses, struct bc_pulse_look *ret_looks, size_t room)
{
        size_t count = 0;

        pthread_mutex_lock(&pulses->mutex);
        for (struct bc_pulse *pulse = pulses->first; pulse && count < room; pulse = pulse->next) {
                struct bc_pulse_look *look = &ret_looks[count++];

                memcpy(look->name, pulse->name, sizeof(look->name));
                look->doing = (enum bc_doing)atomic_load(&pulse->doing);
                look->for_ns = bc_pulse_now_ns() - atomic_load(&pulse->since_ns);
        }
        pthread_mutex_unlock(&pulses->mutex);
        return count;
}
