// SPDX-License-Identifier: EUPL-1.2
// Does what the state table decides: on the pipeline, the recorder and the main loop's timers.
//
// Every event of the world comes here: buttons, commands, the dock, notices of the pipeline and the recorder, the end
// of recovery, signals. The controller borrows the parts it works on; it starts one thread, which recovers the
// recordings of earlier runs and ends by itself, at a shutdown before the next file.
//
// Thread-bound: the main loop's thread. Pipeline and recorder are to have the sinks of control/inbox.h.
#ifndef BC_CONTROL_CONTROLLER_H
#define BC_CONTROL_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "bodycam/ring.h"
#include "control/flag.h"
#include "control/policy.h"
#include "control/state.h"
#include "control/watchers.h"
#include "evidence/recorder.h"
#include "evidence/store.h"
#include "media/pipeline.h"
#include "media/telemetry.h"

struct bc_controller;
struct bc_ledger;
struct bc_rescue_kit;

// Without picture and without sound for so long nothing is recorded worth the name.
#define BC_CONTROLLER_DARK_NS (10 * BC_NS_PER_S)

struct bc_controller_config {
        int64_t post_event_ns;
        int64_t dock_dwell_ns;
        int64_t slate_after_ns; // of the pipeline: how soon it tells of a lost picture
        int64_t stop_within_ns; // a shutdown leaves a recording unclosed after this
        bool sound;             // there is a microphone
        bool gnss;              // there is a receiver
        struct bc_policy policy;
        int64_t mute_limit_ns;  // a mute ends by itself after this; 0: with the recording
};

// Where the controller acts. All borrowed.
struct bc_controller_parts {
        struct bc_loop *loop;
        struct bc_ring *ring;
        struct bc_store *store;
        struct bc_telemetry *telemetry;
        struct bc_ledger *ledger;           // NULL: none is kept
        const struct bc_rescue_kit *rescue; // what recovery signs with; NULL: nothing
};

struct bc_status {
        enum bc_state state;
        uint32_t flags; // enum bc_flag
        int64_t now_ns;
        int64_t since_ns; // of the state
        int64_t press_ns; // of the newest recording; -1: none yet
        bool durable;     // a recording goes on, and its first fragment is on the disk
        const char *missing; // why nothing can be recorded, for a person; NULL: something can
        struct bc_moment moment; // now_ns: time and place
        struct bc_recorder_status recorder;
        struct bc_ring_level level;
        struct bc_pipeline_counters counters;
};

struct bc_outcome {
        bool accepted;           // it was done, or was so already
        enum bc_refusal refusal; // not NONE: what to tell, also when accepted only for later
};

// 0 or negative errno.
int bc_controller_new(const struct bc_controller_parts *parts, const struct bc_controller_config *config,
                      struct bc_controller **ret_controller);

// Takes over the loop's inbox, starts recovery; sensors go on when that is done. Borrows pipeline and recorder until
// bc_controller_stop(), which frees neither.
int bc_controller_start(struct bc_controller *controller, struct bc_pipeline *pipeline, struct bc_recorder *recorder);
void bc_controller_stop(struct bc_controller *controller);
void bc_controller_free(struct bc_controller *controller);

// Something that bc_controller_status() asks others about is new: whoever watches is told.
void bc_controller_refresh(struct bc_controller *controller);

// Other settings from now on. A post-event or a dwell that has begun keeps its end. That there is a microphone or a receiver,
// and what depends on the pipeline, stays as it was.
void bc_controller_set_config(struct bc_controller *controller, const struct bc_controller_config *config);

// One watcher more, known by its user. 0 or -ENOSPC, with BC_CONTROLLER_SINKS_MAX of them.
int bc_controller_watch(struct bc_controller *controller, const struct bc_controller_sink *sink);
void bc_controller_unwatch(struct bc_controller *controller, const void *user);

// Something happened at time_ns: the policy judges it, then the state table. by: who or what, for the manifest and the log
// ("button", "command: REASON").
struct bc_outcome bc_controller_handle(struct bc_controller *controller, enum bc_event event, int64_t time_ns,
                                       enum bc_origin origin, const char *by);

// BC_EVENT_MARK with a text of the mark's own, UTF-8, at most BC_RECORDER_MARK_BYTES_MAX bytes.
struct bc_outcome bc_controller_mark(struct bc_controller *controller, int64_t time_ns, enum bc_origin origin,
                                     const char *by, const char *text);

// What others than the controller know: whether a flag stands, and what everybody is to be told.
void bc_controller_set_flag(struct bc_controller *controller, enum bc_flag flag, bool stands);
void bc_controller_alarm(struct bc_controller *controller, enum bc_alarm alarm, const char *text);

// Of this instant. Asks nobody else, unlike bc_controller_status().
struct bc_mode bc_controller_mode(const struct bc_controller *controller);
uint32_t bc_controller_flags(const struct bc_controller *controller);
const struct bc_policy *bc_controller_policy(const struct bc_controller *controller);

void bc_controller_status(struct bc_controller *controller, struct bc_status *ret_status);

#endif
