// SPDX-License-Identifier: EUPL-1.2
#include "control/sensors.h"

#include <string.h>

#include "base/log.h"

#define CAMERA_RETRY_NS BC_NS_PER_S

static void retry_camera_if_due(struct bc_sensors *sensors)
{
        if (bc_pipeline_lacks_camera(sensors->pipeline))
                bc_timer_set(sensors->camera_retry, bc_clock_now_ns(sensors->clock) + CAMERA_RETRY_NS);
}

static void on_camera_retry(void *user, int64_t due_ns)
{
        struct bc_sensors *sensors = user;

        (void)due_ns;
        bc_pipeline_retry_camera(sensors->pipeline);
        retry_camera_if_due(sensors);
}

static void run(struct bc_sensors *sensors, bool proof)
{
        int r = bc_pipeline_start(sensors->pipeline);

        sensors->run = r == 0;
        bc_capture_started(sensors->capture, proof);
        retry_camera_if_due(sensors);
        if (r < 0) {
                bc_log_error("sensors could not be started: %s", strerror(-r));
                bc_capture_set_failed(sensors->capture, bc_clock_now_ns(sensors->clock));
        }
}

int bc_sensors_init(struct bc_sensors *sensors, struct bc_loop *loop, struct bc_capture *capture)
{
        *sensors = (struct bc_sensors){ .clock = bc_loop_clock(loop), .capture = capture };
        return bc_timer_new(loop, on_camera_retry, sensors, &sensors->camera_retry);
}

void bc_sensors_done(struct bc_sensors *sensors)
{
        bc_timer_free(sensors->camera_retry);
}

void bc_sensors_start(struct bc_sensors *sensors)
{
        sensors->stop_is_due = false;
        if (sensors->run)
                bc_capture_resumed(sensors->capture);
        else
                run(sensors, false);
}

void bc_sensors_restart(struct bc_sensors *sensors)
{
        bc_log_notice("sensors are started anew");
        bc_pipeline_stop(sensors->pipeline);
        run(sensors, true);
}

void bc_sensors_stop_when_idle(struct bc_sensors *sensors)
{
        sensors->stop_is_due = true;
}

bool bc_sensors_idle(struct bc_sensors *sensors)
{
        if (!sensors->stop_is_due)
                return false;
        sensors->stop_is_due = false;
        sensors->run = false;
        bc_capture_stopped(sensors->capture);
        bc_pipeline_stop(sensors->pipeline);
        return true;
}

void bc_sensors_stop(struct bc_sensors *sensors)
{
        if (sensors->run)
                bc_pipeline_stop(sensors->pipeline);
        sensors->run = false;
}
