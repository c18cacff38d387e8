// SPDX-License-Identifier: EUPL-1.2
#include "jobs.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/thread.h"

#define PROGRESS_NS (BC_NS_PER_S / 4)

BC_DEFINE_CLEANUP(clock, struct bc_clock, bc_clock_free)

struct work {
        struct bc_judge *judge;
        struct bc_report_item *item;
        size_t items;
        struct bc_clock *clock;
        pthread_mutex_t lock;
        size_t next_item, next_recording, next_segment; // under lock
        bool shown;
        _Atomic uint64_t done_bytes;
        _Atomic int64_t told_ns;
        uint64_t all_bytes;
        int64_t began_ns;
};

static void on_bytes(void *user, uint64_t bytes)
{
        struct work *work = user;
        uint64_t done = atomic_fetch_add(&work->done_bytes, bytes) + bytes;
        int64_t now = work->shown ? bc_clock_now_ns(work->clock) : 0, told = atomic_load(&work->told_ns);

        // Whoever moves the time forward tells; what takes less than that is not worth a line.
        if (!work->shown || now - told < PROGRESS_NS || !atomic_compare_exchange_strong(&work->told_ns, &told, now))
                return;
        uint64_t percent = work->all_bytes > 0 ? done * 100 / work->all_bytes : 0;
        fprintf(stderr, "\r%3llu %% of %llu MB, %llu MB/s\033[K", (unsigned long long)(percent > 100 ? 100 : percent),
                (unsigned long long)(work->all_bytes / 1000000),
                (unsigned long long)(done * 1000 / (uint64_t)(now - work->began_ns + 1)));
}

// The next segment that nobody judges yet.
static bool next(struct work *work, struct bc_recording_verdict **ret_recording, size_t *ret_segment)
{
        bool found = false;

        pthread_mutex_lock(&work->lock);
        while (!found && work->next_item < work->items) {
                struct bc_report_item *item = &work->item[work->next_item];
                if (work->next_recording == item->recordings) {
                        work->next_item++;
                        work->next_recording = work->next_segment = 0;
                } else if (work->next_segment == item->recording[work->next_recording].segments) {
                        work->next_recording++;
                        work->next_segment = 0;
                } else {
                        *ret_recording = &item->recording[work->next_recording];
                        *ret_segment = work->next_segment++;
                        found = true;
                }
        }
        pthread_mutex_unlock(&work->lock);
        return found;
}

static void run(void *user)
{
        struct work *work = user;
        struct bc_recording_verdict *recording;
        size_t segment;

        while (next(work, &recording, &segment))
                bc_recording_judge_segment(work->judge, recording, segment);
}

static uint64_t size_of(const struct bc_recording_verdict *recording)
{
        struct stat stat;
        uint64_t bytes = 0;

        if (recording->lone)
                return fstat(recording->fd, &stat) == 0 ? (uint64_t)stat.st_size : 0;
        for (size_t i = 0; i < recording->folder.segments; i++) {
                char name[BC_FOLDER_NAME_BYTES];
                bc_folder_segment_name(&recording->folder, recording->folder.segment[i], name);
                if (fstatat(recording->fd, name, &stat, 0) == 0)
                        bytes += (uint64_t)stat.st_size;
        }
        return bytes;
}

static int run_all(struct work *work, unsigned jobs)
{
        struct bc_thread *thread[BC_JOBS_MAX];
        unsigned started = 0;
        int r = 0;

        for (size_t i = 0; work->shown && i < work->items; i++)
                for (size_t k = 0; k < work->item[i].recordings; k++)
                        work->all_bytes += size_of(&work->item[i].recording[k]);
        work->began_ns = bc_clock_now_ns(work->clock);
        atomic_store(&work->told_ns, work->began_ns);
        while (r == 0 && started + 1 < jobs) { // this one works, too
                r = bc_thread_start(work->clock, "judge", run, work, &thread[started]);
                started += r == 0;
        }
        run(work); // fewer threads than asked for get there as well
        for (unsigned i = 0; i < started; i++)
                bc_thread_join(thread[i]);
        for (size_t i = 0; i < work->items; i++)
                for (size_t k = 0; k < work->item[i].recordings; k++)
                        bc_recording_judge(work->judge, &work->item[i].recording[k]);
        if (work->shown)
                fputs("\r\033[K", stderr);
        return 0;
}

int bc_jobs_run(struct bc_judge *judge, struct bc_report_item *item, size_t items, unsigned jobs)
{
        BC_CLEANUP(bc_cleanup_clock) struct bc_clock *clock = NULL;
        struct work work = { .judge = judge, .item = item, .items = items, .lock = PTHREAD_MUTEX_INITIALIZER };
        int r = bc_clock_new_real(&clock);

        if (r < 0)
                return r;
        work.clock = clock;
        work.shown = isatty(STDERR_FILENO) == 1;
        judge->on_bytes = on_bytes;
        judge->user = &work;
        r = run_all(&work, jobs > BC_JOBS_MAX ? BC_JOBS_MAX : jobs);
        judge->on_bytes = NULL;
        pthread_mutex_destroy(&work.lock);
        return r;
}
