// SPDX-License-Identifier: EUPL-1.2
#include "control/watchers.h"

#include <errno.h>
#include <stddef.h>

int bc_watchers_add(struct bc_watchers *watchers, const struct bc_controller_sink *sink)
{
        for (size_t i = 0; i < BC_CONTROLLER_SINKS_MAX; i++)
                if (!watchers->sinks[i].on_change) {
                        watchers->sinks[i] = *sink;
                        return 0;
                }
        return -ENOSPC;
}

void bc_watchers_remove(struct bc_watchers *watchers, const void *user)
{
        for (size_t i = 0; i < BC_CONTROLLER_SINKS_MAX; i++)
                if (watchers->sinks[i].user == user)
                        watchers->sinks[i] = (struct bc_controller_sink){ 0 };
}

void bc_watchers_change(const struct bc_watchers *watchers)
{
        for (size_t i = 0; i < BC_CONTROLLER_SINKS_MAX; i++)
                if (watchers->sinks[i].on_change)
                        watchers->sinks[i].on_change(watchers->sinks[i].user);
}

void bc_watchers_alarm(const struct bc_watchers *watchers, enum bc_alarm alarm, const char *text)
{
        for (size_t i = 0; i < BC_CONTROLLER_SINKS_MAX; i++)
                if (watchers->sinks[i].on_alarm)
                        watchers->sinks[i].on_alarm(watchers->sinks[i].user, alarm, text);
}
