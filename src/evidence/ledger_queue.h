// SPDX-License-Identifier: EUPL-1.2
// Events that wait for their record in the ledger, in the order in which they came. Of what is too much only the count is kept (EVIDENCE 14).
// Used by the ledger alone, which locks it.
#ifndef BC_EVIDENCE_LEDGER_QUEUE_H
#define BC_EVIDENCE_LEDGER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/entry.h"
#include "format/record.h"

#define BC_LEDGER_EVENTS_MAX 256 // that wait

struct bc_ledger_queue {
        struct bc_ledger_entry event[BC_LEDGER_EVENTS_MAX];
        size_t first, events;
        bool at_once;
        int64_t since_ns;                // when the oldest event came
        uint64_t flood[BC_ENTRY_KINDS];
        bool flooded;
        struct bc_ledger_entry stop;     // the last event: it has its room
        struct bc_ledger_entry key;      // before it, in the same record: nothing else is signed behind it
        bool hands_over;
        bool stopping;                   // it is not among the others yet
};

// What was told, at now_ns; room for so many others is left. at_once: it is not to wait for company.
void bc_ledger_queue_put(struct bc_ledger_queue *queue, const struct bc_ledger_entry *event, size_t left, int64_t now_ns, bool at_once);

// n events before all others, at once; there has to be room.
void bc_ledger_queue_put_first(struct bc_ledger_queue *queue, const struct bc_ledger_entry *event, size_t n);

// Nothing comes behind this one, but `key` before it where the ledger is handed over.
void bc_ledger_queue_stop(struct bc_ledger_queue *queue, int64_t now_ns, const char *reason);
void bc_ledger_queue_hand_over(struct bc_ledger_queue *queue, int64_t now_ns, const uint8_t x5t[BC_HASH_BYTES]);

// The nth of those that wait.
static inline const struct bc_ledger_entry *bc_ledger_queue_at(const struct bc_ledger_queue *queue, size_t n)
{
        return &queue->event[(queue->first + n) % BC_LEDGER_EVENTS_MAX];
}

static inline bool bc_ledger_queue_is_empty(const struct bc_ledger_queue *queue)
{
        return queue->events == 0 && !queue->flooded && !queue->stopping;
}

// For one record, at now_ns: what was only counted follows once there is room for it, and where nothing happened there is a sign of life.
void bc_ledger_queue_fill(struct bc_ledger_queue *queue, int64_t now_ns, const char *phase);

// As many events as the record takes, which borrows them: they stay where they are until it is durable. Returns how many.
size_t bc_ledger_queue_take(struct bc_ledger_queue *queue, struct bc_record *record);

// It is durable: so many are done with.
void bc_ledger_queue_settle(struct bc_ledger_queue *queue, size_t taken, int64_t now_ns);

#endif
