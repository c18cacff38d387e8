// SPDX-License-Identifier: EUPL-1.2
#include "evidence/recorder_thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "evidence/announce.h"
#include "evidence/news.h"

static void notify(struct bc_recorder *recorder, enum bc_recorder_notice notice, int64_t value)
{
        if (recorder->sink.on_notice)
                recorder->sink.on_notice(recorder->sink.user, notice, value);
}

// Whether what is recorded is signed as soon as it should be.
static void look_at_signatures(struct bc_recorder *recorder)
{
        int64_t late_ns = recorder->begun ? recorder->task.recording.attest.late_ns : BC_NS_NEVER;
        bool late;

        for (size_t i = 0; i < recorder->closings; i++)
                if (recorder->closing[i].recording.attest.late_ns < late_ns)
                        late_ns = recorder->closing[i].recording.attest.late_ns;
        late = late_ns != BC_NS_NEVER && bc_clock_now_ns(recorder->clock) - late_ns > BC_RECORDER_LATE_NS;
        if (late == recorder->late)
                return;
        recorder->late = late;
        notify(recorder, BC_RECORDER_SIGNED, late);
}

// Shows what a step has changed, and tells of it.
static void publish(struct bc_recorder *recorder, int error)
{
        const struct bc_recording *recording = &recorder->task.recording;
        const struct bc_manifest *manifest = &recording->manifest;
        struct bc_recorder_status *status = &recorder->status;
        int before;

        bc_monitor_lock(&recorder->monitor);
        before = status->error;
        // A step that did not fail proves nothing; one that made something durable does.
        if (error == 0 && recording->durable_ns <= recorder->durable_ns && recording->stage != BC_STAGE_DONE)
                error = before;
        recorder->durable_ns = recording->durable_ns;
        status->error = error;
        status->counter = manifest->counter;
        status->press_ns = bc_queue_current(&recorder->queue)->press_ns;
        status->first_ns = recording->first_ns;
        status->durable_ns = recording->durable_ns;
        status->segments = (uint32_t)manifest->segments;
        status->gaps = manifest->gaps;
        status->marks = recording->marks;
        bc_monitor_unlock(&recorder->monitor);
        if (error < 0 && error != before) {
                bc_log_error("recording cannot be made durable: %s", strerror(-error));
                notify(recorder, BC_RECORDER_TROUBLE, error);
        }
        if (error == 0 && before < 0) {
                bc_log_notice("recording is being made durable again");
                notify(recorder, BC_RECORDER_WELL, 0);
        }
        if (recording->durable_ns >= 0 && !recorder->announced) {
                recorder->announced = true;
                notify(recorder, BC_RECORDER_DURABLE, (int64_t)manifest->counter);
        }
        if (recording->overtaken_ns > recorder->overtaken_ns) {
                notify(recorder, BC_RECORDER_GAP, recording->overtaken_ns - recorder->overtaken_ns);
                recorder->overtaken_ns = recording->overtaken_ns;
        }
}

// What has ended could not be finalised, which holds up no step: its fragments are durable, and the next start sees to it.
static void tell_of_segments(struct bc_recorder *recorder, struct bc_recording *recording)
{
        int error = recording->finalise_error, before;

        if (error == 0)
                return;
        recording->finalise_error = 0;
        bc_monitor_lock(&recorder->monitor);
        before = recorder->status.error;
        recorder->status.error = error;
        bc_monitor_unlock(&recorder->monitor);
        if (before != error)
                notify(recorder, BC_RECORDER_TROUBLE, error);
}

void bc_recorder_look_at_room(struct bc_recorder *recorder)
{
        int64_t now_ns = bc_clock_now_ns(recorder->clock);
        uint64_t room_bytes;

        if (now_ns < recorder->room_due_ns)
                return;
        recorder->room_due_ns = now_ns + BC_RECORDER_ROOM_EVERY_NS;
        if (bc_store_room(recorder->store, &room_bytes) < 0)
                return;
        bc_monitor_lock(&recorder->monitor);
        recorder->status.room_bytes = room_bytes;
        bc_monitor_unlock(&recorder->monitor);
}

// The trouble was with the end of a recording that is closed now: nothing is written any more that could show that it is
// over, so the store is tried.
static void look_for_end_of_trouble(struct bc_recorder *recorder)
{
        bool trouble;

        bc_monitor_lock(&recorder->monitor);
        trouble = recorder->status.error < 0;
        bc_monitor_unlock(&recorder->monitor);
        if (!trouble || bc_store_probe(recorder->store) < 0)
                return;
        bc_monitor_lock(&recorder->monitor);
        recorder->status.error = 0;
        bc_monitor_unlock(&recorder->monitor);
        bc_log_notice("the store can be written again");
        notify(recorder, BC_RECORDER_WELL, 0);
}

// ---- marks -----------------------------------------------------------------------------------------------------

// Into the manifest. Nothing is allocated under the lock, for which main may wait; nobody else takes marks out meanwhile.
static void set_marks(struct bc_recorder *recorder, struct bc_recorder_task *task)
{
        for (;;) {
                struct bc_queued_mark *next, mark;

                bc_monitor_lock(&recorder->monitor);
                next = bc_queue_next_mark(&recorder->queue, task->job);
                if (next)
                        mark = *next;
                bc_monitor_unlock(&recorder->monitor);
                if (!next || bc_recording_mark(&task->recording, mark.time_ns, mark.text) < 0)
                        return;
                bc_monitor_lock(&recorder->monitor);
                next->set = true;
                bc_monitor_unlock(&recorder->monitor);
        }
}

// Of a sealed recording no mark is in manifest.json: it is durable with the record that states it.
static void forget_durable_marks(struct bc_recorder *recorder, struct bc_recorder_task *task)
{
        const struct bc_recording *recording = &task->recording;

        if (recording->manifest_stale || (recording->sealing && bc_news_unstated_marks(&recording->manifest) > 0))
                return;
        bc_monitor_lock(&recorder->monitor);
        bc_queue_drop_marks(&recorder->queue, task->job);
        bc_monitor_unlock(&recorder->monitor);
}

// Of a job's recording; 0: it has none.
static uint64_t counter_of(const struct bc_recorder *recorder, uint64_t job)
{
        if (recorder->begun && recorder->task.job == job)
                return recorder->task.recording.manifest.counter;
        for (size_t i = 0; i < recorder->closings; i++)
                if (recorder->closing[i].job == job)
                        return recorder->closing[i].recording.manifest.counter;
        return 0;
}

// Marks that nobody else knows of.
static void tell_of_lost_marks(struct bc_recorder *recorder, const struct bc_queued_mark *mark, size_t marks)
{
        const struct bc_attestation *attestation = recorder->config.attestation;

        for (size_t i = 0; i < marks; i++)
                bc_announce_lost_mark(attestation ? attestation->ledger : NULL, bc_clock_now_ns(recorder->clock),
                                      counter_of(recorder, mark[i].job), mark[i].time_ns);
        if (marks > 0)
                bc_log_error("%zu marks could not be saved: their times are for the ledger, their words are lost", marks);
}

// ---- the end of a recording ------------------------------------------------------------------------------------

// Locked. Done with.
static void retire_job(struct bc_recorder *recorder, uint64_t job)
{
        bc_queue_retire(&recorder->queue, job);
        // Only now may the ring forget: everything that was asked for is durable.
        if (!bc_queue_current(&recorder->queue))
                bc_ring_set_recording(recorder->ring, false);
        recorder->status.waiting = (unsigned)recorder->queue.jobs;
        recorder->status.open = bc_queue_has_newest(&recorder->queue);
}

static void finish_recording(struct bc_recorder *recorder, struct bc_recorder_task *task, bool closed)
{
        uint64_t counter = task->recording.manifest.counter;

        if (closed)
                bc_recording_hand_over(&task->recording); // no mark can come any more
        bc_recording_done(&task->recording);
        if (task == &recorder->task) {
                recorder->begun = false;
        } else {
                size_t at = (size_t)(task - recorder->closing);

                recorder->closings--;
                memmove(task, task + 1, (recorder->closings - at) * sizeof(*task));
        }
        look_at_signatures(recorder);
        notify(recorder, BC_RECORDER_CLOSED, (int64_t)counter);
}

// A mark may have come since the manifest was saved: then it is saved once more first.
static void retire_closed(struct bc_recorder *recorder, struct bc_recorder_task *task)
{
        size_t late;
        bool retired;

        bc_monitor_lock(&recorder->monitor);
        retired = !bc_queue_next_mark(&recorder->queue, task->job);
        if (retired) {
                bc_queue_drop_marks(&recorder->queue, task->job);
                retire_job(recorder, task->job);
        }
        bc_monitor_unlock(&recorder->monitor);
        if (!retired)
                return;
        late = recorder->config.attestation ? bc_announce_unstated_marks(&task->recording) : 0;
        if (late > 0 && recorder->sealing)
                bc_log_error("recording %llu: %zu marks are in no record, and it is sealed: their times are for the ledger, their words are lost",
                             (unsigned long long)task->recording.manifest.counter, late);
        finish_recording(recorder, task, true);
}

// What of it could not be made durable is for the next start, but for marks, of which nobody else knows.
static void retire_left(struct bc_recorder *recorder, struct bc_recorder_task *task)
{
        struct bc_queued_mark lost[BC_RECORDER_MARKS_MAX];
        size_t marks;

        bc_monitor_lock(&recorder->monitor);
        marks = bc_queue_take_marks(&recorder->queue, task->job, lost);
        retire_job(recorder, task->job);
        bc_monitor_unlock(&recorder->monitor);
        tell_of_lost_marks(recorder, lost, marks);
        finish_recording(recorder, task, false);
}

static void begin_recording(struct bc_recorder *recorder, const struct bc_job *job)
{
        bc_recording_init(&recorder->task.recording, recorder->ring, recorder->store, recorder->stream, &recorder->config,
                          &recorder->buffer, recorder->sealing, job->from_ns, job->reason);
        recorder->task.job = job->number;
        recorder->task.failing_ns = -1;
        recorder->begun = true;
        recorder->announced = false;
        recorder->durable_ns = -1;
        recorder->overtaken_ns = 0;
}

// ---- a recording that alone cannot be written ------------------------------------------------------------------

// Its folder is gone, or lies on a bad block: everything behind it would wait for ever. A card that is full, a machine without memory
// or sealing that fails is nobody's own trouble.
static bool is_to_be_left(struct bc_recorder *recorder, struct bc_recorder_task *task, int error, int64_t now_ns)
{
        if (task->failing_ns < 0)
                task->failing_ns = now_ns;
        if (task->recording.folder_fd < 0 || now_ns - task->failing_ns < recorder->leave_ns ||
            error == -ENOSPC || error == -EDQUOT || error == -ENOMEM || error == -ENOKEY)
                return false;
        return bc_store_probe(recorder->store) == 0;
}

static void leave_recording(struct bc_recorder *recorder, struct bc_recorder_task *task, int error)
{
        const struct bc_recording *recording = &task->recording;
        unsigned long long counter = recording->manifest.counter;
        bool rest = recording->stage < BC_STAGE_CLOSE;
        struct bc_job *job;
        char reason[sizeof(job->reason)];

        bc_log_error("recording %llu cannot be written, though the store can: %s; it is left for the next start%s",
                     counter, strerror(-error), rest ? ", a new one goes on" : "");
        if (recorder->leave_ns < BC_RECORDER_LEAVE_MAX_NS)
                recorder->leave_ns *= 2;
        if (!rest) {
                retire_left(recorder, task);
                return;
        }
        bc_monitor_lock(&recorder->monitor);
        job = bc_queue_current(&recorder->queue);
        bc_queue_unset_marks(&recorder->queue, job->number);
        if (recording->durable_ns >= 0 && recording->declared_ns > job->from_ns)
                job->from_ns = recording->declared_ns;
        snprintf(reason, sizeof(reason), "goes on from %llu: %.24s", counter, job->reason);
        memcpy(job->reason, reason, sizeof(reason));
        bc_monitor_unlock(&recorder->monitor);
        bc_recording_done(&task->recording);
        recorder->begun = false;
}

// ---- recordings that are written ---------------------------------------------------------------------------------

// All of it is durable, and waits for the signer: what was pressed meanwhile need not.
static void part(struct bc_recorder *recorder)
{
        bool parts;

        bc_monitor_lock(&recorder->monitor);
        parts = recorder->closings < BC_RECORDER_CLOSING_MAX && recorder->queue.jobs > recorder->queue.written + 1;
        if (parts)
                recorder->queue.written++;
        bc_monitor_unlock(&recorder->monitor);
        if (!parts)
                return;
        recorder->closing[recorder->closings] = recorder->task;
        recorder->closing[recorder->closings++].again_ns = 0;
        recorder->begun = false;
}

// What is the matter with it is its own trouble: what is being written goes on. Returns when to look at it again.
static int64_t tend_closing(struct bc_recorder *recorder, struct bc_recorder_task *task, bool give_up)
{
        struct bc_recording *recording = &task->recording;
        const struct bc_manifest *manifest = &recording->manifest;
        int64_t now_ns = bc_clock_now_ns(recorder->clock), wake_ns;
        int r;

        if (now_ns < task->again_ns && !give_up)
                return task->again_ns;
        set_marks(recorder, task);
        r = bc_recording_step(recording, bc_ns_from_ticks(manifest->stop_ticks), manifest->stop_reason, now_ns, &wake_ns);
        if (r < 0 && r != -EAGAIN && task->failing_ns < 0)
                recording->finalise_error = r;
        tell_of_segments(recorder, recording);
        if (r == -EAGAIN && !give_up)
                return wake_ns;
        if (r == -EAGAIN)
                r = -ETIME; // its signatures are the next start's
        forget_durable_marks(recorder, task);
        if (recording->stage == BC_STAGE_DONE && !recording->manifest_stale) {
                retire_closed(recorder, task);
                return now_ns;
        }
        if (r == 0)
                return now_ns;
        if (task->failing_ns < 0 || give_up)
                bc_log_error("recording %llu cannot be closed: %s; it is %s", (unsigned long long)manifest->counter, strerror(-r),
                             give_up ? "left for the next start" : "tried again");
        if (give_up) {
                retire_left(recorder, task);
                return now_ns;
        }
        if (is_to_be_left(recorder, task, r, now_ns)) {
                leave_recording(recorder, task, r);
                return now_ns;
        }
        task->again_ns = now_ns + recorder->config.retry_ns;
        return task->again_ns;
}

// Records go in the order of the recordings: one that waits for its last comes first. Returns when to look again.
static int64_t tend_closings(struct bc_recorder *recorder, bool give_up)
{
        int64_t due_ns = BC_NS_NEVER;
        bool held = false;

        for (size_t i = 0; i < recorder->closings;) {
                struct bc_recorder_task *task = &recorder->closing[i];
                const size_t closings = recorder->closings;
                int64_t at_ns;

                task->recording.attest.held = held;
                at_ns = tend_closing(recorder, task, give_up);
                if (at_ns < due_ns)
                        due_ns = at_ns;
                if (recorder->closings < closings)
                        continue; // it is done with, and the next one has its place
                held |= !bc_attest_is_quiet(&task->recording.attest);
                i++;
        }
        recorder->held = held;
        if (!recorder->begun)
                look_at_signatures(recorder);
        return due_ns;
}

// ---- the work ------------------------------------------------------------------------------------------------

static void wait_after_trouble(struct bc_recorder *recorder)
{
        int64_t until_ns = bc_clock_now_ns(recorder->clock) + recorder->config.retry_ns;

        bc_monitor_lock(&recorder->monitor);
        while (bc_monitor_wait(&recorder->monitor, until_ns) != -ETIMEDOUT)
                ;
        bc_monitor_unlock(&recorder->monitor);
}

// due_ns: when to look at those that are written. false: nothing can be written and there is no time left.
static bool work_on(struct bc_recorder *recorder, const struct bc_job *job, int64_t due_ns, bool give_up)
{
        struct bc_recording *recording = &recorder->task.recording;
        int64_t now_ns = bc_clock_now_ns(recorder->clock), wake_ns, durable_ns;
        int r;

        if (!recorder->begun)
                begin_recording(recorder, job);
        durable_ns = recording->durable_ns;
        recording->attest.held = recorder->held;
        set_marks(recorder, &recorder->task);
        r = bc_recording_step(recording, job->end_ns, job->stop_reason, now_ns, &wake_ns);
        look_at_signatures(recorder);
        if (r == -EAGAIN) {
                tell_of_segments(recorder, recording);
                if (recording->stage == BC_STAGE_CLOSE)
                        part(recorder);
                if (recorder->begun)
                        bc_ring_wait(recorder->ring, &recorder->seen, wake_ns < due_ns ? wake_ns : due_ns);
                return true;
        }
        publish(recorder, r);
        tell_of_segments(recorder, recording);
        forget_durable_marks(recorder, &recorder->task);
        if (recording->stage == BC_STAGE_DONE && !recording->manifest_stale) {
                retire_closed(recorder, &recorder->task);
                return true;
        }
        if (recording->durable_ns > durable_ns) {
                recorder->task.failing_ns = -1;
                recorder->leave_ns = BC_RECORDER_LEAVE_NS;
        }
        // With something made durable the trouble is elsewhere (the manifest): it must not slow the fragments down.
        if (r < 0 && recording->durable_ns == durable_ns) {
                if (give_up)
                        return false;
                if (is_to_be_left(recorder, &recorder->task, r, now_ns)) {
                        leave_recording(recorder, &recorder->task, r);
                        return true;
                }
                wait_after_trouble(recorder);
        }
        return true;
}

// The store could not be written until the very end.
static void give_up_all(struct bc_recorder *recorder)
{
        struct bc_queued_mark lost[BC_RECORDER_MARKS_MAX];
        size_t behind, marks;

        bc_monitor_lock(&recorder->monitor);
        behind = recorder->queue.jobs - recorder->queue.written - 1;
        marks = bc_queue_take_marks(&recorder->queue, 0, lost);
        bc_monitor_unlock(&recorder->monitor);
        bc_log_error("recording %llu is left unclosed, %zu after it were not begun: the store could not be written",
                     (unsigned long long)recorder->task.recording.manifest.counter, behind);
        tell_of_lost_marks(recorder, lost, marks);
}

// The store was not well when it was opened, before there was anybody to tell.
static void tell_of_opening(struct bc_recorder *recorder)
{
        int error = bc_store_open_error(recorder->store);

        if (error == 0)
                return;
        bc_monitor_lock(&recorder->monitor);
        recorder->status.error = error;
        bc_monitor_unlock(&recorder->monitor);
        notify(recorder, BC_RECORDER_TROUBLE, error);
}

void bc_recorder_run(void *user)
{
        struct bc_recorder *recorder = user;

        tell_of_opening(recorder);
        for (;;) {
                const struct bc_job *current;
                struct bc_job job = { 0 };
                bool quit, idle;
                int64_t give_up_ns, due_ns;

                bc_recorder_look_at_room(recorder);
                bc_monitor_lock(&recorder->monitor);
                while (recorder->queue.jobs == 0 && !recorder->quit &&
                       bc_monitor_wait(&recorder->monitor, recorder->room_due_ns) != -ETIMEDOUT)
                        ;
                quit = recorder->quit;
                give_up_ns = recorder->give_up_ns;
                idle = recorder->queue.jobs == 0;
                current = bc_queue_current(&recorder->queue);
                if (current)
                        job = *current;
                bc_monitor_unlock(&recorder->monitor);
                if (idle) {
                        if (quit)
                                return;
                        look_for_end_of_trouble(recorder);
                        continue;
                }
                quit = quit && bc_clock_now_ns(recorder->clock) >= give_up_ns;
                due_ns = tend_closings(recorder, quit);
                if (!current) {
                        if (recorder->closings > 0)
                                bc_ring_wait(recorder->ring, &recorder->seen, due_ns);
                } else if (!work_on(recorder, &job, due_ns, quit)) {
                        give_up_all(recorder);
                        return;
                }
        }
}
