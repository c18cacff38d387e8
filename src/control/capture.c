// SPDX-License-Identifier: EUPL-1.2
#include "control/capture.h"

static void tell(struct bc_capture *capture)
{
        bool capable = !capture->failed && !capture->dark && !capture->proving;

        if (capable == capture->capable || !capture->running)
                return;
        capture->capable = capable;
        capture->on_capable(capture->user, capable);
}

static bool is_lost(const struct bc_capture *capture)
{
        return capture->picture_lost && (capture->sound_lost || !capture->sound);
}

static void on_timer(void *user, int64_t due_ns)
{
        struct bc_capture *capture = user;

        (void)due_ns;
        // The proof: by now the pipeline would have told of a lost picture.
        capture->proving = false;
        capture->dark = is_lost(capture);
        tell(capture);
}

int bc_capture_init(struct bc_capture *capture, struct bc_loop *loop, const struct bc_capture_config *config,
                    void (*on_capable)(void *user, bool capable), void *user)
{
        *capture = (struct bc_capture){
                .loop = loop,
                .dark_after_ns = config->dark_after_ns,
                .proof_ns = config->proof_ns,
                .sound = config->sound,
                .on_capable = on_capable,
                .user = user,
                .capable = true,
        };
        return bc_timer_new(loop, on_timer, capture, &capture->timer);
}

void bc_capture_done(struct bc_capture *capture)
{
        bc_timer_free(capture->timer);
        capture->timer = NULL;
}

static int64_t now_ns(const struct bc_capture *capture)
{
        return bc_clock_now_ns(bc_loop_clock(capture->loop));
}

void bc_capture_started(struct bc_capture *capture, bool proof)
{
        bc_timer_clear(capture->timer);
        capture->running = true;
        capture->picture_lost = capture->sound_lost = capture->failed = capture->dark = false;
        capture->proving = proof;
        capture->restart_ns = now_ns(capture);
        if (proof)
                bc_timer_set(capture->timer, capture->restart_ns + capture->proof_ns);
        else
                capture->capable = true;
}

void bc_capture_resumed(struct bc_capture *capture)
{
        capture->capable = true;
        tell(capture);
}

void bc_capture_stopped(struct bc_capture *capture)
{
        bc_timer_clear(capture->timer);
        capture->running = false;
        capture->picture_lost = capture->sound_lost = capture->failed = capture->dark = capture->proving = false;
        capture->capable = true;
}

static void look_for_light(struct bc_capture *capture)
{
        if (!capture->running || capture->proving)
                return;
        if (!is_lost(capture)) {
                bc_timer_clear(capture->timer);
                capture->dark = false;
                tell(capture);
        } else if (!capture->dark) {
                bc_timer_set(capture->timer, now_ns(capture) + capture->dark_after_ns);
        }
}

void bc_capture_set_picture(struct bc_capture *capture, bool lost, int64_t at_ns)
{
        if (!capture->running || at_ns <= capture->restart_ns || capture->picture_lost == lost)
                return;
        capture->picture_lost = lost;
        look_for_light(capture);
}

void bc_capture_set_sound(struct bc_capture *capture, bool lost, int64_t at_ns)
{
        if (!capture->running || at_ns <= capture->restart_ns || capture->sound_lost == lost)
                return;
        capture->sound_lost = lost;
        look_for_light(capture);
}

void bc_capture_set_failed(struct bc_capture *capture, int64_t at_ns)
{
        if (!capture->running || at_ns < capture->restart_ns)
                return;
        capture->failed = true;
        capture->proving = false;
        tell(capture);
}

const char *bc_capture_missing(const struct bc_capture *capture)
{
        if (capture->failed)
                return "sensors or encoder have failed";
        if (capture->dark)
                return "there is neither picture nor sound";
        return "sensors were started anew and have yet to show that they work";
}
