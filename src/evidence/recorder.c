// SPDX-License-Identifier: EUPL-1.2
#include "evidence/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/thread.h"
#include "evidence/announce.h"
#include "evidence/news.h"
#include "evidence/recording.h"

_Static_assert(BC_RECORDER_MARK_BYTES_MAX == BC_MARK_TEXT_BYTES_MAX, "a mark fits into the manifest");

// A recording asked for: its press, and once it is stopped its end.
struct job {
        uint64_t number; // of jobs, not of recordings
        int64_t press_ns, end_ns; // end BC_NS_NEVER: not stopped
        int64_t from_ns;          // the press of what is not durable yet: after press_ns when a recording was left
        char reason[BC_RECORDER_REASON_BYTES_MAX + 1], stop_reason[BC_RECORDER_REASON_BYTES_MAX + 1];
};

// A mark on its way to the card.
struct mark {
        uint64_t job;
        int64_t time_ns;
        char text[BC_RECORDER_MARK_BYTES_MAX + 1];
        bool set; // in the manifest, which is not durable yet
};

struct bc_recorder {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_store *store;
        const struct bc_stream *stream;
        struct bc_recorder_config config;
        struct bc_recorder_sink sink;
        struct bc_thread *thread;

        struct bc_monitor monitor; // over the following
        struct job job[BC_RECORDER_QUEUE_MAX]; // the oldest, which is being written, first
        size_t jobs;
        uint64_t newest_job; // its number
        struct mark mark[BC_RECORDER_MARKS_MAX];
        size_t marks;
        bool quit;
        int64_t give_up_ns;
        struct bc_recorder_status status;

        // The thread's own.
        struct bc_fragment_buffer buffer;
        struct bc_sealing *sealing; // NULL: there is no agency
        struct bc_recording recording;
        bool begun; // the recording of the first job
        bool announced;
        int64_t durable_ns; // as published last, of this recording
        int64_t overtaken_ns; // as told last, of this recording
        int64_t failing_ns;   // since when nothing of this recording could be made durable; -1: it can
        int64_t leave_ns;     // after which time it is left
        uint64_t seen; // changes of the ring
        bool late;     // what is recorded is not signed in time
        int64_t room_due_ns; // when to ask for the store's room again
};

static void notify(struct bc_recorder *recorder, enum bc_recorder_notice notice, int64_t value)
{
        if (recorder->sink.on_notice)
                recorder->sink.on_notice(recorder->sink.user, notice, value);
}

// ---- the thread ----------------------------------------------------------------------------------------------

// Whether what is recorded is signed as soon as it should be.
static void look_at_signatures(struct bc_recorder *recorder, bool open)
{
        int64_t late_ns = open ? recorder->recording.attest.late_ns : BC_NS_NEVER;
        bool late = late_ns != BC_NS_NEVER && bc_clock_now_ns(recorder->clock) - late_ns > BC_RECORDER_LATE_NS;

        if (late == recorder->late)
                return;
        recorder->late = late;
        notify(recorder, BC_RECORDER_SIGNED, late);
}

// Shows what a step has changed, and tells of it.
static void publish(struct bc_recorder *recorder, int error)
{
        const struct bc_recording *recording = &recorder->recording;
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
        status->press_ns = recorder->job[0].press_ns;
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

// Asked here, where a card that stands still holds up nobody.
static void look_at_room(struct bc_recorder *recorder)
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

// Locked. The first mark for the recording being written that is not in its manifest; NULL: none.
static struct mark *next_mark(struct bc_recorder *recorder)
{
        for (size_t i = 0; i < recorder->marks; i++)
                if (recorder->mark[i].job == recorder->job[0].number && !recorder->mark[i].set)
                        return &recorder->mark[i];
        return NULL;
}

// Locked. Drops the first job's marks that are in its manifest, or all of them. Returns how many of them were not.
static size_t drop_marks(struct bc_recorder *recorder, bool all)
{
        size_t kept = 0, lost = 0;

        for (size_t i = 0; i < recorder->marks; i++) {
                const struct mark *mark = &recorder->mark[i];

                if (mark->job != recorder->job[0].number || (!mark->set && !all))
                        recorder->mark[kept++] = *mark;
                else if (!mark->set)
                        lost++;
        }
        recorder->marks = kept;
        return lost;
}

// Locked. The manifest that they are in does not become durable.
static void unset_marks(struct bc_recorder *recorder)
{
        for (size_t i = 0; i < recorder->marks; i++)
                if (recorder->mark[i].job == recorder->job[0].number)
                        recorder->mark[i].set = false;
}

// Into the manifest. Nothing is allocated under the lock, for which main may wait; nobody else takes marks out meanwhile.
static void set_marks(struct bc_recorder *recorder)
{
        for (;;) {
                struct mark *next, mark;

                bc_monitor_lock(&recorder->monitor);
                next = next_mark(recorder);
                if (next)
                        mark = *next;
                bc_monitor_unlock(&recorder->monitor);
                if (!next || bc_recording_mark(&recorder->recording, mark.time_ns, mark.text) < 0)
                        return;
                bc_monitor_lock(&recorder->monitor);
                next->set = true;
                bc_monitor_unlock(&recorder->monitor);
        }
}

// Of a sealed recording no mark is in manifest.json: it is durable with the record that states it.
static void forget_durable_marks(struct bc_recorder *recorder)
{
        const struct bc_recording *recording = &recorder->recording;

        if (recording->manifest_stale || (recording->sealing && bc_news_unstated_marks(&recording->manifest) > 0))
                return;
        bc_monitor_lock(&recorder->monitor);
        drop_marks(recorder, false);
        bc_monitor_unlock(&recorder->monitor);
}

// ---- the end of a recording ------------------------------------------------------------------------------------

// Locked. The first job is done with: the next one moves up.
static void retire_job(struct bc_recorder *recorder)
{
        recorder->jobs--;
        memmove(&recorder->job[0], &recorder->job[1], recorder->jobs * sizeof(recorder->job[0]));
        // Only now may the ring forget: everything of this recording is durable.
        if (recorder->jobs == 0)
                bc_ring_set_recording(recorder->ring, false);
        recorder->status.waiting = (unsigned)recorder->jobs;
}

static void finish_recording(struct bc_recorder *recorder, bool closed)
{
        struct bc_recording *recording = &recorder->recording;
        uint64_t counter = recording->manifest.counter;

        if (closed)
                bc_recording_hand_over(recording); // no mark can come any more
        bc_recording_done(&recorder->recording);
        recorder->begun = false;
        look_at_signatures(recorder, false);
        notify(recorder, BC_RECORDER_CLOSED, (int64_t)counter);
}

// A mark may have come since the manifest was saved: then it is saved once more first.
static void retire_closed(struct bc_recorder *recorder)
{
        size_t lost = recorder->sealing ? bc_news_unstated_marks(&recorder->recording.manifest) : 0;
        bool retired;

        bc_monitor_lock(&recorder->monitor);
        retired = !next_mark(recorder);
        if (retired) {
                (void)drop_marks(recorder, true);
                retire_job(recorder);
        }
        bc_monitor_unlock(&recorder->monitor);
        if (!retired)
                return;
        if (lost > 0)
                bc_log_error("%zu marks came too late for the last record of the recording, which is sealed", lost);
        finish_recording(recorder, true);
}

// What of it could not be made durable is for the next start, but for marks, of which nobody else knows.
static void retire_left(struct bc_recorder *recorder)
{
        size_t lost;

        bc_monitor_lock(&recorder->monitor);
        unset_marks(recorder);
        lost = drop_marks(recorder, true);
        retire_job(recorder);
        bc_monitor_unlock(&recorder->monitor);
        if (lost > 0)
                bc_log_error("recording %llu: %zu marks could not be saved",
                             (unsigned long long)recorder->recording.manifest.counter, lost);
        finish_recording(recorder, false);
}

static void begin_recording(struct bc_recorder *recorder, const struct job *job)
{
        bc_recording_init(&recorder->recording, recorder->ring, recorder->store, recorder->stream, &recorder->config,
                          &recorder->buffer, recorder->sealing, job->from_ns, job->reason);
        recorder->begun = true;
        recorder->announced = false;
        recorder->durable_ns = recorder->failing_ns = -1;
        recorder->overtaken_ns = 0;
}

// ---- a recording that alone cannot be written ------------------------------------------------------------------

// Its folder is gone, or lies on a bad block: everything behind it would wait for ever. A card that is full, a machine without memory
// or sealing that fails is nobody's own trouble.
static bool is_to_be_left(struct bc_recorder *recorder, int error, int64_t now_ns)
{
        if (recorder->failing_ns < 0)
                recorder->failing_ns = now_ns;
        if (recorder->recording.folder_fd < 0 || now_ns - recorder->failing_ns < recorder->leave_ns ||
            error == -ENOSPC || error == -EDQUOT || error == -ENOMEM || error == -ENOKEY)
                return false;
        return bc_store_probe(recorder->store) == 0;
}

static void leave_recording(struct bc_recorder *recorder, int error)
{
        const struct bc_recording *recording = &recorder->recording;
        unsigned long long counter = recording->manifest.counter;
        bool rest = recording->stage < BC_STAGE_CLOSE;
        struct job *job = &recorder->job[0];
        char reason[sizeof(job->reason)];

        bc_log_error("recording %llu cannot be written, though the store can: %s; it is left for the next start%s",
                     counter, strerror(-error), rest ? ", a new one goes on" : "");
        if (recorder->leave_ns < BC_RECORDER_LEAVE_MAX_NS)
                recorder->leave_ns *= 2;
        if (!rest) {
                retire_left(recorder);
                return;
        }
        bc_monitor_lock(&recorder->monitor);
        unset_marks(recorder);
        if (recording->durable_ns >= 0 && recording->declared_ns > job->from_ns)
                job->from_ns = recording->declared_ns;
        snprintf(reason, sizeof(reason), "goes on from %llu: %.24s", counter, job->reason);
        memcpy(job->reason, reason, sizeof(reason));
        bc_monitor_unlock(&recorder->monitor);
        bc_recording_done(&recorder->recording);
        recorder->begun = false;
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

// false: nothing can be written and there is no time left.
static bool work_on(struct bc_recorder *recorder, const struct job *job, bool quit, int64_t give_up_ns)
{
        struct bc_recording *recording = &recorder->recording;
        int64_t now_ns = bc_clock_now_ns(recorder->clock), wake_ns, durable_ns;
        int r;

        if (!recorder->begun)
                begin_recording(recorder, job);
        durable_ns = recording->durable_ns;
        set_marks(recorder);
        r = bc_recording_step(recording, job->end_ns, job->stop_reason, now_ns, &wake_ns);
        look_at_signatures(recorder, true);
        if (r == -EAGAIN) {
                bc_ring_wait(recorder->ring, &recorder->seen, wake_ns);
                return true;
        }
        publish(recorder, r);
        forget_durable_marks(recorder);
        if (recording->stage == BC_STAGE_DONE && !recording->manifest_stale) {
                retire_closed(recorder);
                return true;
        }
        if (recording->durable_ns > durable_ns) {
                recorder->failing_ns = -1;
                recorder->leave_ns = BC_RECORDER_LEAVE_NS;
        }
        // With something made durable the trouble is elsewhere (the manifest): it must not slow the fragments down.
        if (r < 0 && recording->durable_ns == durable_ns) {
                if (quit && now_ns >= give_up_ns)
                        return false;
                if (is_to_be_left(recorder, r, now_ns)) {
                        leave_recording(recorder, r);
                        return true;
                }
                wait_after_trouble(recorder);
        }
        return true;
}

static void tell_of_lost_marks(struct bc_recorder *recorder)
{
        size_t marks;

        bc_monitor_lock(&recorder->monitor);
        marks = recorder->marks;
        bc_monitor_unlock(&recorder->monitor);
        if (marks > 0)
                bc_log_error("%zu marks could not be saved", marks);
}

static void run(void *user)
{
        struct bc_recorder *recorder = user;

        for (;;) {
                struct job job;
                bool quit, idle;
                int64_t give_up_ns;

                look_at_room(recorder);
                bc_monitor_lock(&recorder->monitor);
                while (recorder->jobs == 0 && !recorder->quit &&
                       bc_monitor_wait(&recorder->monitor, recorder->room_due_ns) != -ETIMEDOUT)
                        ;
                quit = recorder->quit;
                give_up_ns = recorder->give_up_ns;
                job = recorder->job[0];
                if (quit && recorder->jobs == 0) {
                        bc_monitor_unlock(&recorder->monitor);
                        return;
                }
                idle = recorder->jobs == 0;
                bc_monitor_unlock(&recorder->monitor);
                if (idle) {
                        look_for_end_of_trouble(recorder);
                        continue;
                }
                if (!work_on(recorder, &job, quit, give_up_ns)) {
                        bc_log_error("recording %llu is left unclosed, %zu after it were not begun: the store could "
                                     "not be written", (unsigned long long)recorder->recording.manifest.counter,
                                     recorder->jobs - 1);
                        tell_of_lost_marks(recorder);
                        return;
                }
        }
}

// ---- commands ------------------------------------------------------------------------------------------------

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
        look_at_room(recorder);
        r = bc_fragment_buffer_init(&recorder->buffer, config->fragment_bytes);
        if (r == 0 && config->agency)
                r = bc_sealing_new(config->agency, bc_fragment_buffer_bytes(&recorder->buffer), &recorder->sealing);
        if (r == 0)
                r = bc_thread_start(clock, "recorder", run, recorder, &recorder->thread);
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
                for (size_t i = 0; i < recorder->jobs; i++)
                        if (recorder->job[i].end_ns > now_ns) {
                                recorder->job[i].end_ns = now_ns;
                                snprintf(recorder->job[i].stop_reason, sizeof(recorder->job[i].stop_reason),
                                         "shutdown");
                        }
                tell(recorder);
                bc_thread_join(recorder->thread);
                // Given up: nobody will read what the ring kept for it.
                if (recorder->jobs > 0)
                        bc_ring_set_recording(recorder->ring, false);
        }
        if (recorder->begun)
                bc_recording_done(&recorder->recording);
        bc_fragment_buffer_done(&recorder->buffer);
        bc_sealing_free(recorder->sealing);
        bc_monitor_done(&recorder->monitor);
        free(recorder);
}

int bc_recorder_start(struct bc_recorder *recorder, int64_t press_ns, const char *reason)
{
        struct job *job;
        int r = 0;

        bc_monitor_lock(&recorder->monitor);
        if (recorder->quit)
                r = -ESHUTDOWN;
        else if (recorder->jobs > 0 && recorder->job[recorder->jobs - 1].end_ns == BC_NS_NEVER)
                r = -EBUSY;
        else if (recorder->jobs == BC_RECORDER_QUEUE_MAX)
                r = -ENOBUFS;
        if (r < 0) {
                bc_monitor_unlock(&recorder->monitor);
                return r;
        }
        job = &recorder->job[recorder->jobs++];
        *job = (struct job){ .number = ++recorder->newest_job, .press_ns = press_ns, .from_ns = press_ns,
                             .end_ns = BC_NS_NEVER };
        snprintf(job->reason, sizeof(job->reason), "%s", reason);
        // At once, in the caller: not one more GOP may be evicted after the press.
        bc_ring_set_recording(recorder->ring, true);
        recorder->status.waiting = (unsigned)recorder->jobs;
        tell(recorder);
        return 0;
}

int bc_recorder_stop(struct bc_recorder *recorder, int64_t end_ns, const char *reason)
{
        struct job *job;

        bc_monitor_lock(&recorder->monitor);
        job = recorder->jobs > 0 ? &recorder->job[recorder->jobs - 1] : NULL;
        if (!job || job->end_ns != BC_NS_NEVER) {
                bc_monitor_unlock(&recorder->monitor);
                return -ENOENT;
        }
        job->end_ns = end_ns;
        snprintf(job->stop_reason, sizeof(job->stop_reason), "%s", reason);
        tell(recorder);
        return 0;
}

// Locked. The newest recording that time_ns lies in; NULL: none.
static const struct job *job_at(const struct bc_recorder *recorder, int64_t time_ns)
{
        for (size_t i = recorder->jobs; i-- > 0;)
                if (time_ns >= recorder->job[i].press_ns && time_ns < recorder->job[i].end_ns)
                        return &recorder->job[i];
        return NULL;
}

int bc_recorder_mark(struct bc_recorder *recorder, int64_t time_ns, const char *text)
{
        const struct job *job;
        struct mark *mark;
        int r = 0;

        bc_monitor_lock(&recorder->monitor);
        job = job_at(recorder, time_ns);
        if (recorder->quit)
                r = -ESHUTDOWN;
        else if (strnlen(text, BC_RECORDER_MARK_BYTES_MAX + 1) > BC_RECORDER_MARK_BYTES_MAX)
                r = -EINVAL;
        else if (!job)
                r = -ENOENT;
        else if (recorder->marks == BC_RECORDER_MARKS_MAX)
                r = -ENOBUFS;
        if (r == 0) {
                mark = &recorder->mark[recorder->marks++];
                *mark = (struct mark){ .job = job->number, .time_ns = time_ns };
                snprintf(mark->text, sizeof(mark->text), "%s", text);
        }
        bc_monitor_unlock(&recorder->monitor);
        return r;
}

void bc_recorder_status(struct bc_recorder *recorder, struct bc_recorder_status *ret_status)
{
        bc_monitor_lock(&recorder->monitor);
        *ret_status = recorder->status;
        bc_monitor_unlock(&recorder->monitor);
}
