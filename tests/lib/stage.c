// SPDX-License-Identifier: EUPL-1.2
#include "lib/stage.h"

#include <stdlib.h>

static void on_message(void *user, const struct bc_message *message)
{
        struct bc_stage *stage = user;

        (void)message;
        stage->act(stage->user);
}

static void run(void *user)
{
        struct bc_stage *stage = user;

        if (bc_loop_run(stage->loop) != 0)
                abort();
}

int bc_stage_init(struct bc_stage *stage, int64_t start_ns)
{
        int r = bc_clock_new_simulated(start_ns, &stage->clock);

        if (r < 0)
                return r;
        r = bc_loop_new(stage->clock, &stage->loop);
        if (r < 0) {
                bc_clock_free(stage->clock);
                return r;
        }
        bc_loop_on_message(stage->loop, on_message, stage);
        stage->thread = NULL;
        return 0;
}

void bc_stage_done(struct bc_stage *stage)
{
        bc_loop_quit(stage->loop, 0);
        bc_thread_join(stage->thread);
        bc_loop_free(stage->loop);
        bc_clock_free(stage->clock);
}

void bc_stage_do(struct bc_stage *stage, void (*act)(void *user), void *user)
{
        stage->act = act;
        stage->user = user;
        bc_loop_post(stage->loop, 0, 0);
        bc_stage_run_for(stage, 0);
}

void bc_stage_run_for(struct bc_stage *stage, int64_t ns)
{
        if (!stage->thread && bc_thread_start(stage->clock, "stage", run, stage, &stage->thread) < 0)
                abort();
        bc_clock_run_until(stage->clock, bc_clock_now_ns(stage->clock) + ns);
}
