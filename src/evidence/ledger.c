// SPDX-License-Identifier: EUPL-1.2
#include "evidence/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/thread.h"
#include "evidence/ledger_queue.h"
#include "evidence/ledger_writer.h"

#define TEXT_BYTES 400
#define QUICK_NS (100 * BC_NS_PER_MS) // a signature for which the anchor waits

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
        struct bc_ledger_writer writer;
        struct bc_signing *signing;
        bool signed_already;    // a box that could not be written yet: the same bytes are tried again
        size_t taken;           // how many of the queue's events are in it
        int64_t record_ns;      // when the newest record was made durable
        int64_t begun_ns;       // when it was started
        struct bc_ledger_start start;
        bool troubled;
        bool known;             // something durable knows which run this is: the signer answers everybody
        int record_error, anchor_error;
        char anchor_text[TEXT_BYTES];
        int64_t record_again_ns, anchor_again_ns; // after a failure: not before

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
        int64_t anchor_began_ns; // when its writing began, by the pulse's clock; BC_NS_NEVER: it is not being written
        bool stuck;             // that takes long, and was told
        const char *phase;
        bool quit;
        int64_t give_up_ns;
};

// ---- opening ---------------------------------------------------------------------------------------------------

static void free_ledger(struct bc_ledger *ledger)
{
        bc_ledger_writer_done(&ledger->writer, ledger->config.store_fd);
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
        bc_ledger_writer_init(&ledger->writer);
        ledger->state_ns = ledger->anchor_began_ns = BC_NS_NEVER;
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

// Something durable has the run's number, and no other run gets it: what waits to be signed may be.
static void become_known(struct bc_ledger *ledger)
{
        if (!ledger->known)
                bc_signer_hold(ledger->signer, BC_SIGNER_FREE);
        ledger->known = true;
}

// It is open, and the run begins.
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
        bc_signer_hold(ledger->signer, BC_SIGNER_LEDGER_ALONE);
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
        ledger->signing->with_chain = bc_ledger_writer_begins(&ledger->writer);
        ledger->signing->urgent = false;
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
        become_known(ledger);
}

// ---- the thread ------------------------------------------------------------------------------------------------

// Locked. Of a write that failed. A TPM remembers by itself what it was not given, and is not to be worn out because the file beside it fails.
static enum bc_anchor_weight weight_left(const struct bc_ledger *ledger, enum bc_anchor_weight weight)
{
        if (ledger->quit)
                return weight;
        if (bc_standing_has_anchor(&ledger->standing))
                return BC_ANCHOR_LIGHT;
        return weight == BC_ANCHOR_LAST ? BC_ANCHOR_WEIGHTY : weight;
}

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
        ledger->anchor_began_ns = bc_pulse_now_ns();
        bc_monitor_unlock(&ledger->monitor);
        r = bc_standing_write_anchor(&ledger->standing, ledger->config.anchor_path, &ledger->config.owner, &state, weight,
                                     bc_clock_now_ns(ledger->clock), text, text_bytes);
        bc_monitor_lock(&ledger->monitor);
        // What an anchor knew that was lost and is back.
        bc_anchor_state_adopt(&ledger->state, &state);
        if (r < 0)
                change_anchor(ledger, weight_left(ledger, weight));
        ledger->anchor_began_ns = BC_NS_NEVER;
        ledger->troubled |= ledger->stuck; // whoever said so: it is to be said that it is over
        ledger->stuck = false;
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
static void judge_trouble(struct bc_ledger *ledger)
{
        const bool fails = ledger->record_error < 0 || ledger->anchor_error < 0;
        const bool troubled = fails || !bc_standing_has_anchor(&ledger->standing);

        if (troubled == ledger->troubled)
                return;
        if (ledger->record_error < 0)
                bc_log_error("the ledger cannot be written: %s; it is tried again", strerror(-ledger->record_error));
        else if (fails)
                bc_log_error("the ledger's anchor cannot be written: %s; it is tried again", ledger->anchor_text);
        else if (!troubled)
                bc_log_notice("the ledger and its anchor can be written again");
        tell_of_trouble(ledger, troubled);
}

// Locked. When a record, and the anchor, are to be written; BC_NS_NEVER: there is nothing to do.
static int64_t record_due_ns(const struct bc_ledger *ledger)
{
        const struct bc_ledger_queue *queue = &ledger->queue;
        int64_t due_ns = ledger->record_ns + BC_LEDGER_ALIVE_NS - BC_LEDGER_GATHER_NS;

        if (bc_ledger_queue_is_empty(queue))
                return ledger->quit ? BC_NS_NEVER : due_ns;
        due_ns = queue->at_once || ledger->quit ? 0 : bc_ns_earlier(due_ns, queue->since_ns + BC_LEDGER_GATHER_NS);
        return bc_ns_later(due_ns, ledger->record_again_ns);
}

static int64_t anchor_due_ns(const struct bc_ledger *ledger)
{
        if (ledger->state_ns == BC_NS_NEVER)
                return BC_NS_NEVER;
        return bc_ns_later(ledger->quit || ledger->anchor_at_once ? 0 : ledger->state_ns + BC_LEDGER_ANCHOR_NS, ledger->anchor_again_ns);
}

// A failure is tried again after a while.
static int64_t again_ns(const struct bc_ledger *ledger, int error)
{
        return error < 0 ? bc_clock_now_ns(ledger->clock) + BC_LEDGER_RETRY_NS : 0;
}

static int try_anchor(struct bc_ledger *ledger)
{
        ledger->anchor_error = write_anchor(ledger, ledger->anchor_text, sizeof(ledger->anchor_text));
        ledger->anchor_again_ns = again_ns(ledger, ledger->anchor_error);
        judge_trouble(ledger);
        return ledger->anchor_error;
}

// Whatever it costs the anchor's memory: nothing else durable knows of this run, and all that is recorded waits for it.
static void be_known_by_anchor(struct bc_ledger *ledger)
{
        const struct bc_anchor *anchor = ledger->standing.anchor;
        const uint64_t turn = anchor ? bc_anchor_turn(anchor) : 0;
        int r;

        if (bc_clock_now_ns(ledger->clock) < ledger->anchor_again_ns)
                return;
        bc_monitor_lock(&ledger->monitor);
        change_anchor(ledger, BC_ANCHOR_LAST);
        bc_monitor_unlock(&ledger->monitor);
        r = try_anchor(ledger);
        // One of two places is enough.
        if (bc_standing_has_anchor(&ledger->standing) && (r == 0 || (anchor && bc_anchor_turn(ledger->standing.anchor) > turn)))
                become_known(ledger);
}

static bool anchor_is_due(struct bc_ledger *ledger)
{
        bool due;

        bc_monitor_lock(&ledger->monitor);
        due = anchor_due_ns(ledger) <= bc_clock_now_ns(ledger->clock);
        bc_monitor_unlock(&ledger->monitor);
        return due;
}

// As long as it takes; at the end only until it is to be given up. The anchor does not wait for a slow signer: recordings go on.
static bool wait_for_signature(struct bc_ledger *ledger)
{
        for (;;) {
                const int64_t now_ns = bc_clock_now_ns(ledger->clock);
                int64_t anchor_ns;
                bool over;

                bc_monitor_lock(&ledger->monitor);
                over = ledger->quit && now_ns >= ledger->give_up_ns;
                anchor_ns = bc_ns_later(anchor_due_ns(ledger), now_ns + QUICK_NS);
                bc_monitor_unlock(&ledger->monitor);
                if (over)
                        return false;
                if (bc_signer_wait(ledger->signer, ledger->signing, bc_ns_earlier(anchor_ns, now_ns + BC_LEDGER_RETRY_NS)) == 0)
                        return true;
                if (anchor_is_due(ledger))
                        (void)try_anchor(ledger);
        }
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
        r = bc_ledger_writer_write(&ledger->writer, ledger->config.store_fd, ledger->standing.folder_fd, ledger->signing);
        if (r == 0)
                settle(ledger);
        return r;
}

static void try_record(struct bc_ledger *ledger)
{
        ledger->record_error = write_record(ledger);
        ledger->record_again_ns = again_ns(ledger, ledger->record_error);
        judge_trouble(ledger);
        if (ledger->record_error < 0 && !ledger->known)
                be_known_by_anchor(ledger);
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
        int64_t patient_ns = bc_ns_later(ledger->begun_ns + BC_LEDGER_PATIENCE_NS, bc_clock_now_ns(ledger->clock) + 2 * BC_LEDGER_RETRY_NS);
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
                int64_t record_ns, anchor_ns, now_ns;
                bool over;

                bc_monitor_lock(&ledger->monitor);
                for (;;) {
                        record_ns = record_due_ns(ledger);
                        anchor_ns = anchor_due_ns(ledger);
                        now_ns = bc_clock_now_ns(ledger->clock);
                        over = ledger->quit && (bc_ns_earlier(record_ns, anchor_ns) == BC_NS_NEVER || now_ns >= ledger->give_up_ns);
                        if (over || bc_ns_earlier(record_ns, anchor_ns) <= now_ns)
                                break;
                        (void)bc_monitor_wait(&ledger->monitor, bc_ns_earlier(record_ns, anchor_ns));
                }
                bc_monitor_unlock(&ledger->monitor);
                if (over)
                        return;
                // The anchor also where a record cannot be written: recordings may be going on all the same.
                if (record_ns <= now_ns)
                        try_record(ledger);
                if (anchor_is_due(ledger))
                        (void)try_anchor(ledger);
        }
}

// ---- commands --------------------------------------------------------------------------------------------------

// Locked. A TPM may take a command and never answer: who has something for the ledger notices.
static void look_whether_stuck(struct bc_ledger *ledger)
{
        if (ledger->stuck || ledger->anchor_began_ns == BC_NS_NEVER || bc_pulse_now_ns() - ledger->anchor_began_ns < BC_LEDGER_STUCK_NS)
                return;
        ledger->stuck = true;
        bc_log_error("the ledger's anchor %s does not answer: the ledger waits for it", ledger->config.anchor_path);
        if (ledger->config.on_trouble)
                ledger->config.on_trouble(ledger->config.user, true);
}

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
        bc_signer_hold(signer, BC_SIGNER_HELD);
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
        look_whether_stuck(ledger);
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
        look_whether_stuck(ledger);
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
        look_whether_stuck(ledger);
        // One that an old card gave, before the ledger was open, does not undo what the anchor knows.
        if (counter > ledger->state.counter)
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
