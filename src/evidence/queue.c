// SPDX-License-Identifier: EUPL-1.2
#include "evidence/queue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// ---- recordings ------------------------------------------------------------------------------------------------

int bc_queue_start(struct bc_queue *queue, int64_t press_ns, const char *reason)
{
        struct bc_job *job;

        if (queue->jobs > 0 && queue->job[queue->jobs - 1].end_ns == BC_NS_NEVER)
                return -EBUSY;
        if (queue->jobs == BC_RECORDER_QUEUE_MAX)
                return -ENOBUFS;
        job = &queue->job[queue->jobs++];
        *job = (struct bc_job){ .number = ++queue->newest, .press_ns = press_ns, .from_ns = press_ns, .end_ns = BC_NS_NEVER };
        snprintf(job->reason, sizeof(job->reason), "%s", reason);
        return 0;
}

static void stop(struct bc_job *job, int64_t end_ns, const char *reason)
{
        job->end_ns = end_ns;
        snprintf(job->stop_reason, sizeof(job->stop_reason), "%s", reason);
}

int bc_queue_stop(struct bc_queue *queue, int64_t end_ns, const char *reason)
{
        struct bc_job *job = queue->jobs > 0 ? &queue->job[queue->jobs - 1] : NULL;

        if (!job || job->end_ns != BC_NS_NEVER)
                return -ENOENT;
        stop(job, end_ns, reason);
        return 0;
}

void bc_queue_stop_all(struct bc_queue *queue, int64_t now_ns, const char *reason)
{
        for (size_t i = 0; i < queue->jobs; i++)
                if (queue->job[i].end_ns > now_ns)
                        stop(&queue->job[i], now_ns, reason);
}

struct bc_job *bc_queue_current(struct bc_queue *queue)
{
        return queue->written < queue->jobs ? &queue->job[queue->written] : NULL;
}

bool bc_queue_has_newest(const struct bc_queue *queue)
{
        return queue->jobs > 0 && queue->job[queue->jobs - 1].number == queue->newest;
}

void bc_queue_retire(struct bc_queue *queue, uint64_t job)
{
        size_t at = 0;

        while (at < queue->jobs && queue->job[at].number != job)
                at++;
        if (at == queue->jobs)
                return;
        queue->jobs--;
        memmove(&queue->job[at], &queue->job[at + 1], (queue->jobs - at) * sizeof(queue->job[0]));
        if (at < queue->written)
                queue->written--;
}

// ---- marks -----------------------------------------------------------------------------------------------------

// The newest recording that time_ns lies in; NULL: none.
static const struct bc_job *job_at(const struct bc_queue *queue, int64_t time_ns)
{
        for (size_t i = queue->jobs; i-- > 0;)
                if (time_ns >= queue->job[i].press_ns && time_ns < queue->job[i].end_ns)
                        return &queue->job[i];
        return NULL;
}

int bc_queue_mark(struct bc_queue *queue, int64_t time_ns, const char *text)
{
        const struct bc_job *job = job_at(queue, time_ns);
        struct bc_queued_mark *mark;

        if (strnlen(text, BC_RECORDER_MARK_BYTES_MAX + 1) > BC_RECORDER_MARK_BYTES_MAX)
                return -EINVAL;
        if (!job)
                return -ENOENT;
        if (queue->marks == BC_RECORDER_MARKS_MAX)
                return -ENOBUFS;
        mark = &queue->mark[queue->marks++];
        *mark = (struct bc_queued_mark){ .job = job->number, .time_ns = time_ns };
        snprintf(mark->text, sizeof(mark->text), "%s", text);
        return 0;
}

struct bc_queued_mark *bc_queue_next_mark(struct bc_queue *queue, uint64_t job)
{
        for (size_t i = 0; i < queue->marks; i++)
                if (queue->mark[i].job == job && !queue->mark[i].set)
                        return &queue->mark[i];
        return NULL;
}

void bc_queue_drop_marks(struct bc_queue *queue, uint64_t job)
{
        size_t kept = 0;

        for (size_t i = 0; i < queue->marks; i++)
                if (queue->mark[i].job != job || !queue->mark[i].set)
                        queue->mark[kept++] = queue->mark[i];
        queue->marks = kept;
}

size_t bc_queue_take_marks(struct bc_queue *queue, uint64_t job, struct bc_queued_mark ret_mark[BC_RECORDER_MARKS_MAX])
{
        size_t kept = 0, taken = 0;

        for (size_t i = 0; i < queue->marks; i++)
                if (job == 0 || queue->mark[i].job == job)
                        ret_mark[taken++] = queue->mark[i];
                else
                        queue->mark[kept++] = queue->mark[i];
        queue->marks = kept;
        return taken;
}

void bc_queue_unset_marks(struct bc_queue *queue, uint64_t job)
{
        for (size_t i = 0; i < queue->marks; i++)
                if (queue->mark[i].job == job)
                        queue->mark[i].set = false;
}
