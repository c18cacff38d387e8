// SPDX-License-Identifier: EUPL-1.2
#include "evidence/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/thread.h"
#include "evidence/ledger_queue.h"
#include "evidence/room.h"

#define TEXT_BYTES 400

struct bc_ledger {
        struct bc_ledger_config config;
        struct bc_standing standing; // its thread's
        struct bc_ledger_head head;
        bool wordless;

        struct bc_clock *clock;
        struct bc_signer *signer;
        struct bc_facts *facts;
        struct bc_thread *thread;

        // The thread's.
        int fd;                 // of the newest file; -1: the next record begins one
        uint64_t file_bytes;
        bool file_is_new;       // nothing in it is durable
        char file_name[BC_LEDGER_NAME_BYTES], made_name[BC_LEDGER_NAME_BYTES]; // made: the last one that this run began
        struct bc_signing *signing;
        bool signed_already;    // a box that could not be written yet: the same bytes are tried again
        size_t taken;           // how many of the queue's events are in it
        int64_t record_ns;      // when the newest record was made durable
        int64_t begun_ns;       // when it was started
        struct bc_ledger_start start;
        bool troubled;

        struct bc_monitor monitor; // over the following
        bool open;
        bool late;              // it was not open by the time somebody waited for
        int look_error;         // of the first look
        char look_text[TEXT_BYTES];
        struct bc_ledger_queue queue;
        struct bc_anchor_state state; // what the anchor is to say
        int64_t state_ns;       // since when it is to say so; BC_NS_NEVER: it does
        enum bc_anchor_weight weight; // of what it is to say
        bool anchor_at_once;    // it does not know of this run yet
        const char *phase;
        bool quit;
        int64_t give_up_ns;
};

// ---- opening ---------------------------------------------------------------------------------------------------

static void free_ledger(struct bc_ledger *ledger)
{
        // The room that was kept for it and not used is given back, and the next run's comes first.
        if (ledger->fd >= 0 && ftruncate(ledger->fd, (off_t)ledger->file_bytes) == 0)
                bc_room_keep(ledger->config.store_fd, BC_LEDGER_FILE_BYTES);
        bc_cleanup_fd(&ledger->fd);
        bc_standing_done(&ledger->standing);
        bc_signer_abandon(ledger->signer, ledger->signing);
        free(ledger);
}

BC_DEFINE_CLEANUP(ledger, struct bc_ledger, free_ledger)

int bc_ledger_new(const struct bc_ledger_config *config, struct bc_ledger **ret_ledger)
{
        BC_CLEANUP(bc_cleanup_ledger) struct bc_ledger *ledger = calloc(1, sizeof(*ledger));

        if (!ledger)
                return -ENOMEM;
        ledger->config = *config;
        ledger->fd = -1;
        ledger->state_ns = BC_NS_NEVER;
        bc_standing_init(&ledger->standing);
        ledger->signing = bc_signing_new();
        if (!ledger->signing)
                return -ENOMEM;
        *ret_ledger = BC_TAKE(ledger);
        return 0;
}

static int look(struct bc_ledger *ledger, bool patient, char *text, size_t text_bytes)
{
        return bc_standing_look(&ledger->standing, ledger->config.store_fd, ledger->config.anchor_path, &ledger->config.owner, patient, text,
                                text_bytes);
}

// It is open: what waits to be signed may be, and the run begins.
static void begin(struct bc_ledger *ledger)
{
        const struct bc_ledger_found *found = &ledger->standing.found;
        struct bc_ledger_entry entry[BC_STANDING_EVENTS_MAX];
        uint64_t counter;
        size_t n;

        ledger->head = found->head;
        if (found->head.epoch > 0)
                bc_facts_set_ledger(ledger->facts, found->head.epoch == found->epoch ? found->head.sequence : 0, found->head.hash);
        bc_facts_set_run(ledger->facts, found->epoch, found->boot);
        if (ledger->config.on_found)
                ledger->config.on_found(ledger->config.user, found);
        bc_monitor_lock(&ledger->monitor);
        ledger->troubled = ledger->late;
        n = bc_standing_state(found, &ledger->start, ledger->begun_ns, bc_clock_now_ns(ledger->clock), ledger->late, entry);
        counter = ledger->state.counter; // what was noted meanwhile
        ledger->state = found->anchor;
        ledger->state.counter = counter > found->counter ? counter : found->counter;
        ledger->state.boot = found->boot; // whatever is anchored first: no two runs have the same
        bc_ledger_queue_put_first(&ledger->queue, entry, n);
        bc_signer_hold(ledger->signer, false); // not earlier: what is signed now moves that state on
        ledger->open = true;
        bc_monitor_wake(&ledger->monitor);
        bc_monitor_unlock(&ledger->monitor);
}

// ---- one record ------------------------------------------------------------------------------------------------

static void compose(struct bc_ledger *ledger)
{
        struct bc_record *record = &ledger->signing->record;
        int64_t now_ns = bc_clock_now_ns(ledger->clock);

        memset(record, 0, sizeof(*record));
        record->kind = BC_RECORD_LEDGER;
        bc_facts_state(ledger->facts, now_ns, record);
        record->ledger = ledger->head.epoch == ledger->standing.found.epoch ? ledger->head.sequence + 1 : 1;
        memcpy(record->prev, ledger->head.hash, sizeof(record->prev));
        bc_monitor_lock(&ledger->monitor);
        bc_ledger_queue_fill(&ledger->queue, now_ns, ledger->phase);
        ledger->taken = bc_ledger_queue_take(&ledger->queue, record);
        bc_monitor_unlock(&ledger->monitor);
        ledger->signing->with_chain = ledger->fd < 0;
        ledger->signing->urgent = false;
}

static int begin_file(struct bc_ledger *ledger)
{
        const struct bc_record *record = &ledger->signing->record;
        int r = 0;

        bc_ledger_name(record->epoch, record->boot, record->ledger, ledger->file_name);
        // Of this run's nothing became durable. Another run's, of which nothing could be read, is not removed.
        if (strcmp(ledger->file_name, ledger->made_name) != 0)
                r = bc_ledger_put_aside(ledger->standing.folder_fd, ledger->file_name);
        else if (unlinkat(ledger->standing.folder_fd, ledger->file_name, 0) < 0)
                r = -errno;
        if (r < 0 && r != -ENOENT)
                return r;
        memcpy(ledger->made_name, ledger->file_name, sizeof(ledger->made_name));
        // Its room is its own from the beginning.
        ledger->fd = bc_room_create(ledger->config.store_fd, ledger->standing.folder_fd, ledger->file_name, BC_LEDGER_FILE_BYTES);
        if (ledger->fd < 0)
                return ledger->fd;
        ledger->file_bytes = 0;
        ledger->file_is_new = true;
        return 0;
}

static void leave_file(struct bc_ledger *ledger)
{
        bc_cleanup_fd(&ledger->fd);
        ledger->fd = -1;
}

static int write_box(struct bc_ledger *ledger)
{
        BC_IN_DEVICE;
        const struct bc_signing *signing = ledger->signing;
        int r = ledger->fd < 0 ? begin_file(ledger) : 0;

        if (r == 0)
                r = bc_file_write_at(ledger->fd, signing->box, signing->box_bytes, ledger->file_bytes);
        if (r == 0)
                r = bc_file_sync_data(ledger->fd);
        if (r == 0 && ledger->file_is_new)
                r = bc_folder_sync(ledger->standing.folder_fd);
        // What a failed sync left there may be whole or not: the same bytes begin the next file.
        if (r < 0) {
                leave_file(ledger);
                return r;
        }
        ledger->file_is_new = false;
        ledger->file_bytes += signing->box_bytes;
        if (ledger->file_bytes >= BC_LEDGER_FILE_BYTES)
                leave_file(ledger);
        return 0;
}

// Locked.
static void change_anchor(struct bc_ledger *ledger, enum bc_anchor_weight weight)
{
        if (ledger->state_ns == BC_NS_NEVER)
                ledger->state_ns = bc_clock_now_ns(ledger->clock);
        if (weight > ledger->weight)
                ledger->weight = weight;
}

// Locked. Of the events that have become durable.
static enum bc_anchor_weight weigh(const struct bc_ledger *ledger)
{
        enum bc_anchor_weight most = BC_ANCHOR_LIGHT;

        for (size_t i = 0; i < ledger->taken; i++)
                most = bc_standing_weigh(most, bc_ledger_queue_at(&ledger->queue, i)->kind);
        return most;
}

static void settle(struct bc_ledger *ledger)
{
        const struct bc_record *record = &ledger->signing->record;
        struct bc_ledger_head *head = &ledger->head;
        const bool first = head->boot != record->boot || head->epoch != record->epoch;

        *head = (struct bc_ledger_head){ .epoch = record->epoch, .boot = record->boot, .sequence = record->ledger,
                                         .signed_ns = record->signed_ns };
        memcpy(head->hash, ledger->signing->hash, sizeof(head->hash));
        ledger->signed_already = false;
        ledger->record_ns = bc_clock_now_ns(ledger->clock);
        bc_facts_set_ledger(ledger->facts, head->sequence, head->hash);
        bc_monitor_lock(&ledger->monitor);
        change_anchor(ledger, weigh(ledger));
        bc_ledger_queue_settle(&ledger->queue, ledger->taken, ledger->record_ns);
        ledger->state.epoch = head->epoch;
        ledger->state.sequence = head->sequence;
        ledger->state.boot = head->boot;
        memcpy(ledger->state.hash, head->hash, sizeof(head->hash));
        // Who pulls the battery in the first second of an epoch is not to find one of which nothing else knows.
        ledger->anchor_at_once |= first;
        bc_monitor_unlock(&ledger->monitor);
}

// As long as it takes; at the end only until it is to be given up.
static bool wait_for_signature(struct bc_ledger *ledger)
{
        bool over = false;

        while (bc_signer_wait(ledger->signer, ledger->signing, bc_clock_now_ns(ledger->clock) + BC_LEDGER_RETRY_NS) < 0) {
                bc_monitor_lock(&ledger->monitor);
                over = ledger->quit && bc_clock_now_ns(ledger->clock) >= ledger->give_up_ns;
                bc_monitor_unlock(&ledger->monitor);
                if (over)
                        break;
        }
        return !over;
}

static int write_record(struct bc_ledger *ledger)
{
        int r;

        if (!ledger->signed_already) {
                compose(ledger);
                bc_signer_ask(ledger->signer, ledger->signing);
                if (!wait_for_signature(ledger))
                        return -ETIME;
                if (ledger->signing->error < 0)
                        return ledger->signing->error;
                ledger->signed_already = true;
        }
        r = write_box(ledger);
        if (r == 0)
                settle(ledger);
        return r;
}

// ---- the thread ------------------------------------------------------------------------------------------------

static int write_anchor(struct bc_ledger *ledger, char *text, size_t text_bytes)
{
        enum bc_anchor_weight weight;
        struct bc_anchor_state state;
        int r;

        bc_monitor_lock(&ledger->monitor);
        state = ledger->state;
        weight = ledger->weight;
        ledger->state_ns = BC_NS_NEVER;
        ledger->weight = BC_ANCHOR_LIGHT;
        ledger->anchor_at_once = false;
        bc_monitor_unlock(&ledger->monitor);
        r = bc_standing_write_anchor(&ledger->standing, ledger->config.anchor_path, &ledger->config.owner, &state, weight,
                                     bc_clock_now_ns(ledger->clock), text, text_bytes);
        bc_monitor_lock(&ledger->monitor);
        // What an anchor knew that was lost and is back.
        ledger->state.counter = state.counter > ledger->state.counter ? state.counter : ledger->state.counter;
        if (r < 0)
                change_anchor(ledger, weight);
        bc_monitor_unlock(&ledger->monitor);
        return r;
}

static void tell_of_trouble(struct bc_ledger *ledger, bool troubled)
{
        ledger->troubled = troubled;
        if (ledger->config.on_trouble)
                ledger->config.on_trouble(ledger->config.user, troubled);
}

// Said once, whatever it is that fails.
static void judge_trouble(struct bc_ledger *ledger, const char *what, const char *why, int error)
{
        const bool troubled = error < 0 || !bc_standing_has_anchor(&ledger->standing);

        if (troubled == ledger->troubled)
                return;
        if (error < 0)
                bc_log_error("%s: %s; it is tried again", what, why);
        else if (!troubled)
                bc_log_notice("the ledger and its anchor can be written again");
        tell_of_trouble(ledger, troubled);
}

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

// Locked. When there is something to do; *ret_record: it is a record.
static int64_t due_ns(const struct bc_ledger *ledger, bool *ret_record, bool *ret_anchor)
{
        int64_t record_ns = ledger->record_ns + BC_LEDGER_ALIVE_NS - BC_LEDGER_GATHER_NS, anchor_ns = BC_NS_NEVER;
        int64_t now_ns = bc_clock_now_ns(ledger->clock);

        if (!bc_ledger_queue_is_empty(&ledger->queue))
                record_ns = earlier(record_ns, ledger->queue.at_once || ledger->quit ? now_ns : ledger->queue.since_ns + BC_LEDGER_GATHER_NS);
        else if (ledger->quit)
                record_ns = BC_NS_NEVER;
        if (ledger->state_ns != BC_NS_NEVER)
                anchor_ns = ledger->quit || ledger->anchor_at_once ? now_ns : ledger->state_ns + BC_LEDGER_ANCHOR_NS;
        *ret_record = record_ns <= now_ns;
        *ret_anchor = anchor_ns <= now_ns;
        return earlier(record_ns, anchor_ns);
}

static void pause_after(struct bc_ledger *ledger, int record_error, int anchor_error, const char *anchor_text)
{
        int64_t until_ns = bc_clock_now_ns(ledger->clock) + BC_LEDGER_RETRY_NS;

        if (record_error < 0)
                judge_trouble(ledger, "the ledger cannot be written", strerror(-record_error), record_error);
        else
                judge_trouble(ledger, "the ledger's anchor cannot be written", anchor_text, anchor_error);
        if (record_error == 0 && anchor_error == 0)
                return;
        bc_monitor_lock(&ledger->monitor);
        while (bc_monitor_wait(&ledger->monitor, until_ns) != -ETIMEDOUT)
                ;
        bc_monitor_unlock(&ledger->monitor);
}

static int64_t later(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

// The first look. true: it is open.
static bool open_first(struct bc_ledger *ledger)
{
        char text[TEXT_BYTES] = "";
        int r = look(ledger, true, text, sizeof(text));

        if (r == 0) {
                begin(ledger);
                return true;
        }
        bc_monitor_lock(&ledger->monitor);
        ledger->look_error = r;
        memcpy(ledger->look_text, text, sizeof(text));
        if (!ledger->late) // else who waited has told of it
                tell_of_trouble(ledger, true);
        ledger->late = true;
        bc_monitor_wake(&ledger->monitor);
        bc_monitor_unlock(&ledger->monitor);
        return false;
}

// Until it is open. false: it is to end, and nothing can be written.
static bool open_late(struct bc_ledger *ledger)
{
        // A first look that took long is not to be the only one.
        int64_t patient_ns = later(ledger->begun_ns + BC_LEDGER_PATIENCE_NS, bc_clock_now_ns(ledger->clock) + 2 * BC_LEDGER_RETRY_NS);
        char text[TEXT_BYTES] = "the ledger was not opened";

        for (;;) {
                int64_t until_ns = bc_clock_now_ns(ledger->clock) + BC_LEDGER_RETRY_NS;
                bool quit, over;

                bc_monitor_lock(&ledger->monitor);
                while (!ledger->quit && bc_monitor_wait(&ledger->monitor, until_ns) != -ETIMEDOUT)
                        ;
                quit = ledger->quit;
                over = quit && bc_clock_now_ns(ledger->clock) >= ledger->give_up_ns;
                bc_monitor_unlock(&ledger->monitor);
                if (!over && look(ledger, !quit && bc_clock_now_ns(ledger->clock) < patient_ns, text, sizeof(text)) == 0) {
                        begin(ledger);
                        return true;
                }
                if (quit) {
                        bc_log_error("%s: what happened in this run is not in the ledger", text);
                        return false;
                }
        }
}

static void run(void *user)
{
        struct bc_ledger *ledger = user;

        if (!open_first(ledger) && !open_late(ledger))
                return;
        for (;;) {
                bool record, anchor, over;
                char text[TEXT_BYTES] = "";
                int64_t wake_ns;
                int r = 0, s = 0;

                bc_monitor_lock(&ledger->monitor);
                while ((wake_ns = due_ns(ledger, &record, &anchor)) != BC_NS_NEVER && !record && !anchor)
                        (void)bc_monitor_wait(&ledger->monitor, wake_ns);
                over = ledger->quit && (wake_ns == BC_NS_NEVER || bc_clock_now_ns(ledger->clock) >= ledger->give_up_ns);
                bc_monitor_unlock(&ledger->monitor);
                if (over)
                        return;
                if (record)
                        r = write_record(ledger);
                // Also where the record failed: recordings may be going on all the same.
                if (anchor)
                        s = write_anchor(ledger, text, sizeof(text));
                pause_after(ledger, r, s, text);
        }
}

// ---- commands --------------------------------------------------------------------------------------------------

void bc_ledger_set_wordless(struct bc_ledger *ledger)
{
        ledger->wordless = true;
}

bool bc_ledger_is_wordless(const struct bc_ledger *ledger)
{
        return ledger->wordless;
}

int bc_ledger_start(struct bc_ledger *ledger, struct bc_clock *clock, struct bc_signer *signer, struct bc_facts *facts,
                    const struct bc_ledger_start *start)
{
        ledger->clock = clock;
        ledger->signer = signer;
        ledger->facts = facts;
        ledger->start = *start;
        ledger->phase = "STARTING";
        ledger->record_ns = ledger->begun_ns = bc_clock_now_ns(clock);
        bc_monitor_init(&ledger->monitor, clock);
        bc_signer_hold(signer, true);
        return bc_thread_start(clock, "ledger", run, ledger, &ledger->thread);
}

int bc_ledger_await_look(struct bc_ledger *ledger, int64_t patience_ns, char *text, size_t text_bytes, struct bc_ledger_found *ret_found)
{
        int64_t until_ns = bc_pulse_now_ns() + patience_ns;
        int r = 0;

        bc_monitor_lock(&ledger->monitor);
        while (!ledger->open && ledger->look_error == 0 && r != -ETIMEDOUT)
                r = bc_monitor_wait_monotonic(&ledger->monitor, until_ns);
        if (ledger->open) {
                r = 0;
                *ret_found = ledger->standing.found; // nobody changes it any more
        } else if (ledger->look_error < 0) {
                r = ledger->look_error;
                snprintf(text, text_bytes, "%s", ledger->look_text);
        } else {
                r = -ETIMEDOUT;
                ledger->late = true;
                snprintf(text, text_bytes, "the ledger: its anchor %s, or the card, does not answer", ledger->config.anchor_path);
                if (ledger->config.on_trouble)
                        ledger->config.on_trouble(ledger->config.user, true);
        }
        bc_monitor_unlock(&ledger->monitor);
        return r;
}

int bc_ledger_await(struct bc_ledger *ledger, int64_t until_ns, struct bc_ledger_found *ret_found)
{
        int r = 0;

        bc_monitor_lock(&ledger->monitor);
        while (!ledger->open && r != -ETIMEDOUT)
                r = bc_monitor_wait(&ledger->monitor, until_ns);
        r = ledger->open ? 0 : -ETIMEDOUT;
        if (r == 0)
                *ret_found = ledger->standing.found; // nobody changes it any more
        bc_monitor_unlock(&ledger->monitor);
        return r;
}

void bc_ledger_hand_over(struct bc_ledger *ledger, const uint8_t x5t[BC_HASH_BYTES])
{
        bc_monitor_lock(&ledger->monitor);
        bc_ledger_queue_hand_over(&ledger->queue, bc_clock_now_ns(ledger->clock), x5t);
        bc_monitor_unlock(&ledger->monitor);
}

void bc_ledger_free(struct bc_ledger *ledger, const char *reason, int64_t give_up_ns)
{
        if (!ledger)
                return;
        if (ledger->thread) {
                bc_monitor_lock(&ledger->monitor);
                bc_ledger_queue_stop(&ledger->queue, bc_clock_now_ns(ledger->clock), reason);
                ledger->quit = true;
                ledger->give_up_ns = bc_clock_now_ns(ledger->clock) + give_up_ns;
                bc_monitor_wake(&ledger->monitor);
                bc_monitor_unlock(&ledger->monitor);
                bc_thread_join(ledger->thread);
                bc_monitor_done(&ledger->monitor);
        }
        free_ledger(ledger);
}

void bc_ledger_tell(struct bc_ledger *ledger, const struct bc_ledger_entry *event, bool at_once)
{
        bc_monitor_lock(&ledger->monitor);
        // Where it is not open yet its own have to have room.
        bc_ledger_queue_put(&ledger->queue, event, ledger->open ? 0 : BC_STANDING_EVENTS_MAX, bc_clock_now_ns(ledger->clock), at_once);
        bc_monitor_wake(&ledger->monitor);
        bc_monitor_unlock(&ledger->monitor);
}

void bc_ledger_note_tail(struct bc_ledger *ledger, uint64_t recording, uint32_t segment, uint32_t index,
                         const uint8_t hash[BC_HASH_BYTES], int64_t signed_ns)
{
        struct bc_anchor_state *state = &ledger->state;

        bc_monitor_lock(&ledger->monitor);
        state->recording = recording;
        state->segment = segment;
        state->index = index;
        state->tail_ns = signed_ns;
        memcpy(state->tail_hash, hash, BC_HASH_BYTES);
        change_anchor(ledger, BC_ANCHOR_LIGHT);
        bc_monitor_wake(&ledger->monitor);
        bc_monitor_unlock(&ledger->monitor);
}

void bc_ledger_note_counter(struct bc_ledger *ledger, uint64_t counter)
{
        bc_monitor_lock(&ledger->monitor);
        ledger->state.counter = counter;
        change_anchor(ledger, BC_ANCHOR_WEIGHTY);
        bc_monitor_wake(&ledger->monitor);
        bc_monitor_unlock(&ledger->monitor);
}

void bc_ledger_note_state(struct bc_ledger *ledger, const char *state)
{
        bc_monitor_lock(&ledger->monitor);
        ledger->phase = state;
        bc_monitor_unlock(&ledger->monitor);
}
