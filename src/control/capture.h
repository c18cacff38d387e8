// SPDX-License-Identifier: EUPL-1.2
// Whether anything can be recorded, from what the pipeline tells.
//
// One lost sensor is a flag: slate or silence stand in for it. Nothing can be recorded once an encoder has failed, or
// when picture and sound have both been away for BC_CONTROLLER_DARK_NS. After a restart of the pipeline it must show
// that it works before it is believed.
//
// Thread-bound: the main loop's thread.
#ifndef BC_CONTROL_CAPTURE_H
#define BC_CONTROL_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

struct bc_capture {
        struct bc_loop *loop;
        struct bc_timer *timer; // the end of the patience with darkness, or of the proof
        int64_t dark_after_ns, proof_ns;
        bool sound; // there is a microphone
        void (*on_capable)(void *user, bool capable);
        void *user;

        bool running;
        bool picture_lost, sound_lost;
        bool failed;  // an encoder
        bool dark;    // both lost, for too long
        bool proving; // restarted, not believed yet
        bool capable; // as told last
        int64_t restart_ns;
};

struct bc_capture_config {
        int64_t dark_after_ns;
        int64_t proof_ns; // how long after a restart a lost picture would have been told of
        bool sound;
};

// 0 or -ENOMEM. on_capable is called at each change, from the functions below or a timer.
int bc_capture_init(struct bc_capture *capture, struct bc_loop *loop, const struct bc_capture_config *config,
                    void (*on_capable)(void *user, bool capable), void *user);
void bc_capture_done(struct bc_capture *capture);

// The pipeline was started; proof: capable only once it has shown so. Everything known before is past.
void bc_capture_started(struct bc_capture *capture, bool proof);
// The sensors are wanted again before they were stopped: what is known is told anew to one who takes all to be well.
void bc_capture_resumed(struct bc_capture *capture);

// The pipeline was stopped on purpose; nothing is told from here on.
void bc_capture_stopped(struct bc_capture *capture);

// at_ns: when it was told. What was told before the last start is past: no sensor is lost in the instant of a start.
void bc_capture_set_picture(struct bc_capture *capture, bool lost, int64_t at_ns);
void bc_capture_set_sound(struct bc_capture *capture, bool lost, int64_t at_ns);
void bc_capture_set_failed(struct bc_capture *capture, int64_t at_ns);

// What is missing while nothing can be recorded: half a sentence for a person.
const char *bc_capture_missing(const struct bc_capture *capture);

#endif
