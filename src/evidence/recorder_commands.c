// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "evidence/recorder_thread.h"

_Static_assert(BC_RECORDER_MARK_BYTES_MAX == BC_MARK_TEXT_BYTES_MAX, "a mark fits into the manifest");

BC_DEFINE_CLEANUP(recorder, struct bc_recorder, bc_recorder_free)

int bc_recorder_new(struct bc_clock *clock, struct bc_ring *ring, struct bc_store *store,
                    const struct bc_stream *stream, const struct bc_recorder_config *config,
                    const struct bc_recorder_sink *sink, struct bc_recorder **ret_recorder)
{
        BC_CLEANUP(bc_cleanup_recorder) struct bc_recorder *recorder = calloc(1, sizeof(*recorder));
        int r;

        if (!recorder)
                return -ENOMEM;
        recorder->clock = clock;
        recorder->ring = ring;
        recorder->store = store;
        recorder->stream = stream;
        recorder->config = *config;
        recorder->sink = *sink;
        recorder->status.first_ns = recorder->status.durable_ns = -1;
        recorder->status.room_bytes = UINT64_MAX;
        recorder->leave_ns = BC_RECORDER_LEAVE_NS;
        bc_monitor_init(&recorder->monitor, clock);
        bc_recorder_look_at_room(recorder);
        r = bc_fragment_buffer_init(&recorder->buffer, config->fragment_bytes);
        if (r == 0 && config->agency)
                r = bc_sealing_new(config->agency, bc_fragment_buffer_bytes(&recorder->buffer), &recorder->sealing);
        if (r == 0)
                r = bc_thread_start(clock, "recorder", bc_recorder_run, recorder, &recorder->thread);
        if (r < 0)
                return r;
        *ret_recorder = BC_TAKE(recorder);
        return 0;
}

static void tell(struct bc_recorder *recorder)
{
        bc_monitor_wake(&recorder->monitor);
        bc_monitor_unlock(&recorder->monitor);
        bc_ring_wake(recorder->ring);
}

void bc_recorder_free(struct bc_recorder *recorder)
{
        int64_t now_ns;

        if (!recorder)
                return;
        if (recorder->thread) {
                bc_monitor_lock(&recorder->monitor);
                now_ns = bc_clock_now_ns(recorder->clock);
                recorder->quit = true;
                recorder->give_up_ns = now_ns + recorder->config.give_up_ns;
                bc_queue_stop_all(&recorder->queue, now_ns, "shutdown");
                tell(recorder);
                bc_thread_join(recorder->thread);
                // Given up: nobody will read what the ring kept for it.
                if (recorder->queue.jobs > 0)
                        bc_ring_set_recording(recorder->ring, false);
        }
        if (recorder->begun)
                bc_recording_done(&recorder->task.recording);
        for (size_t i = 0; i < recorder->closings; i++)
                bc_recording_done(&recorder->closing[i].recording);
        bc_fragment_buffer_done(&recorder->buffer);
        bc_sealing_free(recorder->sealing);
        bc_monitor_done(&recorder->monitor);
        free(recorder);
}

int bc_recorder_start(struct bc_recorder *recorder, int64_t press_ns, const char *reason)
{
        int r;

        bc_monitor_lock(&recorder->monitor);
        r = recorder->quit ? -ESHUTDOWN : bc_queue_start(&recorder->queue, press_ns, reason);
        if (r < 0) {
                bc_monitor_unlock(&recorder->monitor);
                return r;
        }
        // At once, in the caller: not one more GOP may be evicted after the press.
        bc_ring_set_recording(recorder->ring, true);
        recorder->status.waiting = (unsigned)recorder->queue.jobs;
        recorder->status.open = true;
        tell(recorder);
        return 0;
}

int bc_recorder_stop(struct bc_recorder *recorder, int64_t end_ns, const char *reason)
{
        int r;

        bc_monitor_lock(&recorder->monitor);
        r = bc_queue_stop(&recorder->queue, end_ns, reason);
        if (r < 0) {
                bc_monitor_unlock(&recorder->monitor);
                return r;
        }
        tell(recorder);
        return 0;
}

int bc_recorder_mark(struct bc_recorder *recorder, int64_t time_ns, const char *text)
{
        int r;

        bc_monitor_lock(&recorder->monitor);
        r = recorder->quit ? -ESHUTDOWN : bc_queue_mark(&recorder->queue, time_ns, text);
        bc_monitor_unlock(&recorder->monitor);
        return r;
}

void bc_recorder_status(struct bc_recorder *recorder, struct bc_recorder_status *ret_status)
{
        bc_monitor_lock(&recorder->monitor);
        *ret_status = recorder->status;
        bc_monitor_unlock(&recorder->monitor);
}
