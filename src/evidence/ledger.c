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

#define FOLDER BC_LEDGER_FOLDER
#define EVENTS_BYTES_MAX 11000 // of one record, beside its certificates and its signature

struct bc_ledger {
        int folder_fd;
        struct bc_anchor *anchor;
        struct bc_ledger_head head;
        struct bc_ledger_found found;
        bool wordless;

        struct bc_clock *clock;
        struct bc_signer *signer;
        struct bc_facts *facts;
        struct bc_thread *thread;

        // The thread's.
        int fd;                 // of the newest file; -1: the next record begins one
        uint64_t file_bytes;
        bool file_is_new;       // nothing in it is durable
        char file_name[BC_LEDGER_NAME_BYTES];
        struct bc_signing *signing;
        bool signed_already;    // a box that could not be written yet: the same bytes are tried again
        size_t taken;           // how many of the events are in it
        int64_t record_ns;      // when the newest record was made durable
        bool troubled;

        struct bc_monitor monitor; // over the following
        struct bc_ledger_entry event[BC_LEDGER_EVENTS_MAX];
        size_t first, events;
        bool at_once;
        int64_t since_ns;       // when the oldest event came
        uint64_t flood[BC_ENTRY_KINDS];
        bool flooded;
        struct bc_ledger_entry stop; // the last event: it has its room
        bool stopping;               // it is not among the others yet
        struct bc_anchor_state state; // what the anchor is to say
        int64_t state_ns;       // since when it is to say so; BC_NS_NEVER: it does
        bool anchor_at_once;    // it does not know of this run yet
        const char *phase;
        bool quit;
        int64_t give_up_ns;
};

// ---- opening ---------------------------------------------------------------------------------------------------

static int explain(char *text, size_t text_bytes, int error, const char *what)
{
        snprintf(text, text_bytes, "%s: %s", what, strerror(-error));
        return error;
}

static int open_folder(int store_fd)
{
        int r = bc_folder_make(store_fd, FOLDER, 1), fd;

        if (r < 0)
                return r;
        fd = openat(store_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
        return a > b ? a : b;
}

// EVIDENCE 12: where ledger and anchor do not agree a new epoch begins, and says so.
static void reconcile(struct bc_ledger *ledger, const struct bc_ledger_head *head, bool has)
{
        struct bc_ledger_found *found = &ledger->found;
        const struct bc_anchor_state *anchor = &found->anchor;
        bool anchored = anchor->epoch > 0;

        // One that is damaged may have known anything.
        found->rolled_back = anchored ? !has : head->epoch > 0 || found->anchor_damaged;
        found->epoch = larger(larger(head->epoch, anchor->epoch), 1) + found->rolled_back;
        found->boot = larger(head->boot, anchor->boot) + 1;
        found->counter = anchor->counter;
        found->last_ns = head->epoch > 0 ? head->signed_ns : BC_RECORD_UNKNOWN;
        found->clean = head->epoch > 0 && head->stopped && !found->rolled_back;
        ledger->head = found->head = *head;
}

static void free_ledger(struct bc_ledger *ledger)
{
        bc_cleanup_fd(&ledger->folder_fd);
        // The room that was kept for it and not used is given back.
        if (ledger->fd >= 0)
                (void)!ftruncate(ledger->fd, (off_t)ledger->file_bytes);
        bc_cleanup_fd(&ledger->fd);
        bc_anchor_free(ledger->anchor);
        bc_signer_abandon(ledger->signer, ledger->signing);
        free(ledger);
}

BC_DEFINE_CLEANUP(ledger, struct bc_ledger, free_ledger)

int bc_ledger_open(int store_fd, const char *anchor_path, char *text, size_t text_bytes, struct bc_ledger **ret_ledger,
                   struct bc_ledger_found *ret_found)
{
        BC_CLEANUP(bc_cleanup_ledger) struct bc_ledger *ledger = calloc(1, sizeof(*ledger));
        const struct bc_anchor_state *anchor;
        struct bc_anchor_found anchored;
        struct bc_ledger_head head;
        bool has;
        int r;

        if (!ledger)
                return explain(text, text_bytes, -ENOMEM, FOLDER);
        ledger->fd = ledger->folder_fd = -1;
        ledger->signing = bc_signing_new();
        if (!ledger->signing)
                return explain(text, text_bytes, -ENOMEM, FOLDER);
        ledger->folder_fd = open_folder(store_fd);
        if (ledger->folder_fd < 0)
                return explain(text, text_bytes, ledger->folder_fd, FOLDER);
        r = bc_anchor_open(anchor_path, text, text_bytes, &ledger->anchor, &anchored);
        if (r < 0)
                return r;
        anchor = &ledger->found.anchor;
        ledger->found.anchor = anchored.state;
        ledger->found.anchor_damaged = anchored.damaged;
        r = bc_ledger_find_head(ledger->folder_fd, anchor->epoch, anchor->sequence, anchor->epoch > 0 ? anchor->hash : NULL, &head, &has);
        if (r < 0)
                return explain(text, text_bytes, r, FOLDER);
        reconcile(ledger, &head, has);
        ledger->state = *anchor;
        ledger->state.boot = ledger->found.boot; // whatever is anchored first: no two runs have the same
        ledger->state_ns = BC_NS_NEVER;
        *ret_found = ledger->found;
        *ret_ledger = BC_TAKE(ledger);
        return 0;
}

// ---- one record ------------------------------------------------------------------------------------------------

// Locked. As many events as it takes; they stay where they are until it is durable.
static void take_events(struct bc_ledger *ledger, struct bc_record *record)
{
        size_t bytes = 0;

        ledger->taken = 0;
        while (ledger->taken < ledger->events && record->events < BC_RECORD_EVENTS_MAX) {
                const struct bc_ledger_entry *event = &ledger->event[(ledger->first + ledger->taken) % BC_LEDGER_EVENTS_MAX];

                bytes += event->details_bytes + 16;
                if (bytes > EVENTS_BYTES_MAX)
                        break;
                record->event[record->events++] = (struct bc_record_event){
                        event->time_ns, event->kind, { event->details, event->details_bytes },
                };
                ledger->taken++;
        }
        ledger->at_once = ledger->taken < ledger->events; // they have waited already
}

// Locked. What was only counted follows once there is room again; what nobody did is a sign of life.
static void add_floods(struct bc_ledger *ledger, int64_t now_ns)
{
        for (unsigned kind = 1; kind < BC_ENTRY_KINDS && ledger->flooded; kind++) {
                if (ledger->flood[kind] == 0)
                        continue;
                if (ledger->events == BC_LEDGER_EVENTS_MAX)
                        return; // the next record
                bc_entry_flood(&ledger->event[(ledger->first + ledger->events++) % BC_LEDGER_EVENTS_MAX], now_ns,
                               (enum bc_entry_kind)kind, ledger->flood[kind]);
                ledger->flood[kind] = 0;
        }
        ledger->flooded = false;
        if (ledger->stopping && ledger->events < BC_LEDGER_EVENTS_MAX) {
                ledger->event[(ledger->first + ledger->events++) % BC_LEDGER_EVENTS_MAX] = ledger->stop;
                ledger->stopping = false;
        }
        if (ledger->events > 0)
                return;
        bc_entry_life(&ledger->event[ledger->first], now_ns, ledger->phase);
        ledger->events = 1;
}

static void compose(struct bc_ledger *ledger)
{
        struct bc_record *record = &ledger->signing->record;
        int64_t now_ns = bc_clock_now_ns(ledger->clock);

        memset(record, 0, sizeof(*record));
        record->kind = BC_RECORD_LEDGER;
        bc_facts_state(ledger->facts, now_ns, record);
        record->ledger = ledger->head.epoch == ledger->found.epoch ? ledger->head.sequence + 1 : 1;
        memcpy(record->prev, ledger->head.hash, sizeof(record->prev));
        bc_monitor_lock(&ledger->monitor);
        add_floods(ledger, now_ns);
        take_events(ledger, record);
        bc_monitor_unlock(&ledger->monitor);
        ledger->signing->with_chain = ledger->fd < 0;
        ledger->signing->urgent = false;
}

static int begin_file(struct bc_ledger *ledger)
{
        const struct bc_record *record = &ledger->signing->record;

        bc_ledger_name(record->epoch, record->boot, record->ledger, ledger->file_name);
        // In this run nothing of it became durable.
        if (unlinkat(ledger->folder_fd, ledger->file_name, 0) < 0 && errno != ENOENT)
                return -errno;
        ledger->fd = bc_file_create(ledger->folder_fd, ledger->file_name);
        if (ledger->fd < 0)
                return ledger->fd;
        // Its room is its own from the beginning; a file system that cannot do that does without.
        (void)fallocate(ledger->fd, FALLOC_FL_KEEP_SIZE, 0, BC_LEDGER_FILE_BYTES);
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
                r = bc_folder_sync(ledger->folder_fd);
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
static void change_anchor(struct bc_ledger *ledger)
{
        if (ledger->state_ns == BC_NS_NEVER)
                ledger->state_ns = bc_clock_now_ns(ledger->clock);
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
        ledger->first = (ledger->first + ledger->taken) % BC_LEDGER_EVENTS_MAX;
        ledger->events -= ledger->taken;
        ledger->since_ns = ledger->record_ns;
        ledger->state.epoch = head->epoch;
        ledger->state.sequence = head->sequence;
        ledger->state.boot = head->boot;
        memcpy(ledger->state.hash, head->hash, sizeof(head->hash));
        // Who pulls the battery in the first second of an epoch is not to find one of which nothing else knows.
        ledger->anchor_at_once |= first;
        change_anchor(ledger);
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

static int write_anchor(struct bc_ledger *ledger)
{
        struct bc_anchor_state state;
        int r;

        bc_monitor_lock(&ledger->monitor);
        state = ledger->state;
        ledger->state_ns = BC_NS_NEVER;
        ledger->anchor_at_once = false;
        bc_monitor_unlock(&ledger->monitor);
        r = bc_anchor_write(ledger->anchor, &state);
        if (r == 0)
                return 0;
        bc_monitor_lock(&ledger->monitor);
        change_anchor(ledger);
        bc_monitor_unlock(&ledger->monitor);
        return r;
}

// Said once, whatever it is that fails.
static void tell_of_trouble(struct bc_ledger *ledger, int error)
{
        if (error < 0 && !ledger->troubled)
                bc_log_error("the ledger cannot be written: %s; it is tried again", strerror(-error));
        if (error == 0 && ledger->troubled)
                bc_log_notice("the ledger can be written again");
        ledger->troubled = error < 0;
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

        if (ledger->events > 0 || ledger->flooded || ledger->stopping)
                record_ns = earlier(record_ns, ledger->at_once || ledger->quit ? now_ns : ledger->since_ns + BC_LEDGER_GATHER_NS);
        else if (ledger->quit)
                record_ns = BC_NS_NEVER;
        if (ledger->state_ns != BC_NS_NEVER)
                anchor_ns = ledger->quit || ledger->anchor_at_once ? now_ns : ledger->state_ns + BC_LEDGER_ANCHOR_NS;
        *ret_record = record_ns <= now_ns;
        *ret_anchor = anchor_ns <= now_ns;
        return earlier(record_ns, anchor_ns);
}

static void pause_after(struct bc_ledger *ledger, int error)
{
        int64_t until_ns = bc_clock_now_ns(ledger->clock) + BC_LEDGER_RETRY_NS;

        tell_of_trouble(ledger, error);
        if (error == 0)
                return;
        bc_monitor_lock(&ledger->monitor);
        while (bc_monitor_wait(&ledger->monitor, until_ns) != -ETIMEDOUT)
                ;
        bc_monitor_unlock(&ledger->monitor);
}

static void run(void *user)
{
        struct bc_ledger *ledger = user;

        for (;;) {
                bool record, anchor, over;
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
                        s = write_anchor(ledger);
                pause_after(ledger, r < 0 ? r : s);
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

int bc_ledger_start(struct bc_ledger *ledger, struct bc_clock *clock, struct bc_signer *signer, struct bc_facts *facts)
{
        ledger->clock = clock;
        ledger->signer = signer;
        ledger->facts = facts;
        ledger->phase = "STARTING";
        ledger->record_ns = bc_clock_now_ns(clock);
        bc_monitor_init(&ledger->monitor, clock);
        if (ledger->head.epoch > 0)
                bc_facts_set_ledger(facts, ledger->head.epoch == ledger->found.epoch ? ledger->head.sequence : 0, ledger->head.hash);
        return bc_thread_start(clock, "ledger", run, ledger, &ledger->thread);
}

void bc_ledger_free(struct bc_ledger *ledger, const char *reason, int64_t give_up_ns)
{
        if (!ledger)
                return;
        if (ledger->thread) {
                bc_monitor_lock(&ledger->monitor);
                bc_entry_stop(&ledger->stop, bc_clock_now_ns(ledger->clock), reason);
                ledger->stopping = ledger->quit = true;
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
        if (ledger->events == BC_LEDGER_EVENTS_MAX) {
                ledger->flood[event->kind]++;
                ledger->flooded = true;
        } else {
                if (ledger->events == 0)
                        ledger->since_ns = bc_clock_now_ns(ledger->clock);
                ledger->event[(ledger->first + ledger->events++) % BC_LEDGER_EVENTS_MAX] = *event;
        }
        ledger->at_once |= at_once;
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
        change_anchor(ledger);
        bc_monitor_wake(&ledger->monitor);
        bc_monitor_unlock(&ledger->monitor);
}

void bc_ledger_note_counter(struct bc_ledger *ledger, uint64_t counter)
{
        bc_monitor_lock(&ledger->monitor);
        ledger->state.counter = counter;
        change_anchor(ledger);
        bc_monitor_wake(&ledger->monitor);
        bc_monitor_unlock(&ledger->monitor);
}

void bc_ledger_note_state(struct bc_ledger *ledger, const char *state)
{
        bc_monitor_lock(&ledger->monitor);
        ledger->phase = state;
        bc_monitor_unlock(&ledger->monitor);
}
