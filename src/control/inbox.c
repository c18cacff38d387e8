// SPDX-License-Identifier: EUPL-1.2
#include "control/inbox.h"

static void on_pipeline_notice(void *user, enum bc_pipeline_notice notice, int64_t value)
{
        struct bc_loop *loop = user;

        switch (notice) {
        case BC_PIPELINE_PICTURE_LOST:
        case BC_PIPELINE_PICTURE_BACK:
                bc_loop_post(loop, BC_INBOX_PICTURE, notice == BC_PIPELINE_PICTURE_LOST);
                break;
        case BC_PIPELINE_SOUND_LOST:
        case BC_PIPELINE_SOUND_BACK:
                bc_loop_post(loop, BC_INBOX_SOUND, notice == BC_PIPELINE_SOUND_LOST);
                break;
        case BC_PIPELINE_FRAMES_DROPPED:
                bc_loop_post(loop, BC_INBOX_DROPPED, value);
                break;
        case BC_PIPELINE_FAILED:
                bc_loop_post(loop, BC_INBOX_FAILED, value);
                break;
        }
}

static void on_recorder_notice(void *user, enum bc_recorder_notice notice, int64_t value)
{
        struct bc_loop *loop = user;

        switch (notice) {
        case BC_RECORDER_DURABLE:
                bc_loop_post(loop, BC_INBOX_DURABLE, value);
                break;
        case BC_RECORDER_CLOSED:
                bc_loop_post(loop, BC_INBOX_CLOSED, value);
                break;
        case BC_RECORDER_TROUBLE:
        case BC_RECORDER_WELL:
                bc_loop_post(loop, BC_INBOX_TROUBLE, value);
                break;
        case BC_RECORDER_SIGNED:
                bc_loop_post(loop, BC_INBOX_SIGNED, value);
                break;
        case BC_RECORDER_GAP:
                break; // it has logged it, and no more is to be done
        }
}

struct bc_pipeline_sink bc_inbox_pipeline_sink(struct bc_loop *loop)
{
        return (struct bc_pipeline_sink){ on_pipeline_notice, loop };
}

struct bc_recorder_sink bc_inbox_recorder_sink(struct bc_loop *loop)
{
        return (struct bc_recorder_sink){ on_recorder_notice, loop };
}
