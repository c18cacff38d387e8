// SPDX-License-Identifier: EUPL-1.2
#include "evidence/announce.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "bodycam/journal.h"
#include "evidence/store.h"

// NULL: nothing is signed.
static struct bc_ledger *ledger_of(const struct bc_recording *recording)
{
        return recording->attest.service ? recording->attest.service->ledger : NULL;
}

// Of a sealed one the words that came with the command are in its records alone.
static void origin_of(const struct bc_recording *recording, const char *reason, char ret_origin[BC_ENTRY_ORIGIN_BYTES])
{
        if (recording->sealing)
                bc_entry_origin(reason, ret_origin);
        else
                snprintf(ret_origin, BC_ENTRY_ORIGIN_BYTES, "%s", reason);
}

void bc_announce_begun(const struct bc_recording *recording)
{
        struct bc_ledger *ledger = ledger_of(recording);
        struct bc_ledger_entry event;
        char name[BC_RECORDING_NAME_BYTES_MAX], origin[BC_ENTRY_ORIGIN_BYTES];

        bc_store_name(recording->store, recording->manifest.counter, name);
        origin_of(recording, recording->manifest.reason, origin);
        bc_log_event(LOG_NOTICE, BC_JOURNAL_BEGUN,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_RECORDING, .text = name },
                                   { BC_JOURNAL_FIELD_BY, .text = origin },
                                   { BC_JOURNAL_FIELD_TIME, .number = recording->press_ns }),
                     "recording %s has begun (%s)", name, origin);
        if (!ledger)
                return;
        bc_entry_beginning(&event, recording->now_ns, recording->manifest.counter, recording->manifest.press_ticks);
        bc_ledger_tell(ledger, &event, true);
        bc_ledger_note_counter(ledger, recording->manifest.counter);
}

void bc_announce_closed(const struct bc_recording *recording, int64_t end_ns)
{
        struct bc_ledger *ledger = ledger_of(recording);
        struct bc_ledger_entry event;
        char name[BC_RECORDING_NAME_BYTES_MAX], origin[BC_ENTRY_ORIGIN_BYTES];

        bc_store_name(recording->store, recording->manifest.counter, name);
        origin_of(recording, recording->manifest.stop_reason, origin);
        bc_log_event(LOG_NOTICE, BC_JOURNAL_CLOSED,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_RECORDING, .text = name },
                                   { BC_JOURNAL_FIELD_BY, .text = origin },
                                   { BC_JOURNAL_FIELD_TIME, .number = end_ns }),
                     "recording %s is closed (%s), %zu gaps", name, origin, recording->manifest.gaps);
        if (!ledger)
                return;
        bc_entry_closing(&event, recording->now_ns, recording->manifest.counter, (uint32_t)recording->manifest.segments,
                         recording->attest.begun ? recording->attest.prev : NULL);
        bc_ledger_tell(ledger, &event, true);
}

void bc_announce_left_out(const struct bc_recording *recording, size_t entries)
{
        struct bc_ledger *ledger = ledger_of(recording);
        struct bc_ledger_entry event;
        char text[BC_RECORD_TEXT_BYTES_MAX + 1];

        if (entries > 0)
                snprintf(text, sizeof(text), "recording %" PRIu64 ": %zu statements left out", recording->manifest.counter, entries);
        else
                snprintf(text, sizeof(text), "recording %" PRIu64 ": signed without time and position", recording->manifest.counter);
        bc_log_error("%s", text);
        if (!ledger)
                return;
        bc_entry_alarm(&event, recording->now_ns, text);
        bc_ledger_tell(ledger, &event, false);
}

void bc_announce_gap(const struct bc_recording *recording, int64_t from_ticks, int64_t to_ticks)
{
        int64_t gap_ns = bc_ns_from_ticks(to_ticks - from_ticks);
        struct bc_ledger *ledger = ledger_of(recording);
        struct bc_ledger_entry event;
        char name[BC_RECORDING_NAME_BYTES_MAX] = "";

        // One that comes to nothing has no number yet.
        if (recording->manifest.counter > 0)
                bc_store_name(recording->store, recording->manifest.counter, name);
        bc_log_event(LOG_WARNING, BC_JOURNAL_GAP,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_GAP, .number = gap_ns },
                                   { name[0] ? BC_JOURNAL_FIELD_RECORDING : NULL, .text = name }),
                     "a gap: %" PRId64 " ms could not be written in time%s%s", gap_ns / BC_NS_PER_MS, name[0] ? ": " : "",
                     name);
        if (!ledger)
                return;
        bc_entry_gap(&event, recording->now_ns, recording->manifest.counter, BC_GAP_OVERTAKEN + 1, from_ticks, to_ticks);
        bc_ledger_tell(ledger, &event, false);
}

size_t bc_announce_unstated_marks(const struct bc_recording *recording)
{
        const struct bc_manifest *manifest = &recording->manifest;
        struct bc_ledger *ledger = ledger_of(recording);
        struct bc_ledger_entry event;
        size_t marks = 0;

        for (size_t i = 0; i < manifest->marks; i++) {
                const struct bc_manifest_mark *mark = &manifest->mark[i];

                if (mark->statement == BC_STATEMENT_STATED)
                        continue;
                marks++;
                if (!ledger)
                        continue;
                bc_entry_mark(&event, recording->now_ns, manifest->counter, mark->ticks, mark->count);
                bc_ledger_tell(ledger, &event, false);
        }
        return marks;
}

void bc_announce_lost_mark(struct bc_ledger *ledger, int64_t now_ns, uint64_t recording, int64_t mark_ns)
{
        struct bc_ledger_entry event;

        if (!ledger)
                return;
        bc_entry_mark(&event, now_ns, recording, bc_ticks_from_ns(mark_ns), 1);
        bc_ledger_tell(ledger, &event, false);
}
