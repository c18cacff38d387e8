// SPDX-License-Identifier: EUPL-1.2
#include "evidence/ledger_queue.h"

#define EVENTS_BYTES_MAX 11000 // of one record, beside its certificates and its signature

static struct bc_ledger_entry *behind(struct bc_ledger_queue *queue)
{
        return &queue->event[(queue->first + queue->events++) % BC_LEDGER_EVENTS_MAX];
}

void bc_ledger_queue_put(struct bc_ledger_queue *queue, const struct bc_ledger_entry *event, size_t left, int64_t now_ns, bool at_once)
{
        if (queue->events + left >= BC_LEDGER_EVENTS_MAX) {
                queue->flood[event->kind]++;
                queue->flooded = true;
        } else {
                if (queue->events == 0)
                        queue->since_ns = now_ns;
                *behind(queue) = *event;
        }
        queue->at_once |= at_once;
}

void bc_ledger_queue_put_first(struct bc_ledger_queue *queue, const struct bc_ledger_entry *event, size_t n)
{
        queue->first = (queue->first + BC_LEDGER_EVENTS_MAX - n) % BC_LEDGER_EVENTS_MAX;
        queue->events += n;
        for (size_t i = 0; i < n; i++)
                queue->event[(queue->first + i) % BC_LEDGER_EVENTS_MAX] = event[i];
        queue->at_once = true;
}

void bc_ledger_queue_stop(struct bc_ledger_queue *queue, int64_t now_ns, const char *reason)
{
        bc_entry_stop(&queue->stop, now_ns, reason);
        queue->stopping = true;
}

void bc_ledger_queue_hand_over(struct bc_ledger_queue *queue, int64_t now_ns, const uint8_t x5t[BC_HASH_BYTES])
{
        bc_entry_key(&queue->key, now_ns, x5t);
        queue->hands_over = true;
}

void bc_ledger_queue_fill(struct bc_ledger_queue *queue, int64_t now_ns, const char *phase)
{
        for (unsigned kind = 1; kind < BC_ENTRY_KINDS && queue->flooded; kind++) {
                if (queue->flood[kind] == 0)
                        continue;
                if (queue->events == BC_LEDGER_EVENTS_MAX)
                        return; // the next record
                bc_entry_flood(behind(queue), now_ns, (enum bc_entry_kind)kind, queue->flood[kind]);
                queue->flood[kind] = 0;
        }
        queue->flooded = false;
        if (queue->stopping && queue->events + 2 <= BC_LEDGER_EVENTS_MAX) {
                if (queue->hands_over)
                        *behind(queue) = queue->key;
                *behind(queue) = queue->stop;
                queue->stopping = false;
        }
        if (queue->events == 0)
                bc_entry_life(behind(queue), now_ns, phase);
}

size_t bc_ledger_queue_take(struct bc_ledger_queue *queue, struct bc_record *record)
{
        size_t bytes = 0, taken = 0;

        while (taken < queue->events && record->events < BC_RECORD_EVENTS_MAX) {
                const struct bc_ledger_entry *event = bc_ledger_queue_at(queue, taken);

                if (event->kind == BC_ENTRY_KEY && record->events > 0)
                        break; // begins a record that has room for what follows it
                bytes += event->details_bytes + 16;
                if (bytes > EVENTS_BYTES_MAX)
                        break;
                record->event[record->events++] = (struct bc_record_event){
                        event->time_ns, event->kind, { event->details, event->details_bytes },
                };
                taken++;
        }
        queue->at_once = taken < queue->events; // they have waited already
        return taken;
}

void bc_ledger_queue_settle(struct bc_ledger_queue *queue, size_t taken, int64_t now_ns)
{
        queue->first = (queue->first + taken) % BC_LEDGER_EVENTS_MAX;
        queue->events -= taken;
        queue->since_ns = now_ns;
}
