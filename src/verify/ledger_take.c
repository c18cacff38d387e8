// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/ledger.h"

#define REFUSE(verdict, code, at, ...)                                                                       \
        (bc_find(&(verdict)->findings, code, BC_VERDICT_TAMPERED, at, __VA_ARGS__), -ECANCELED)

int bc_ledger_grow(void **array, size_t used, size_t *room, size_t bytes)
{
        if (used < *room)
                return 0;
        size_t want = *room ? 2 * *room : 64;
        void *grown = reallocarray(*array, want, bytes);
        if (!grown)
                return -ENOMEM;
        *array = grown;
        *room = want;
        return 0;
}

// UTC of a time of the same boot, by what the record claims of the time when it was signed.
static struct bc_ledger_moment moment_of(const struct bc_record *record, int64_t boot_ns)
{
        struct bc_ledger_moment moment = { record->boot, boot_ns, BC_RECORD_UNKNOWN };
        int64_t since_ns, utc_ns;

        if (record->utc.source != 0 && !__builtin_sub_overflow(boot_ns, record->signed_ns, &since_ns) &&
            !__builtin_add_overflow(record->utc.utc_ns, since_ns, &utc_ns))
                moment.utc_ns = utc_ns;
        return moment;
}

static void copy_text(const struct bc_ledger_field *field, char ret_text[BC_RECORD_TEXT_BYTES_MAX + 1])
{
        size_t n = field->n > BC_RECORD_TEXT_BYTES_MAX ? BC_RECORD_TEXT_BYTES_MAX : field->n;

        if (n > 0)
                memcpy(ret_text, field->bytes, n);
        ret_text[n] = '\0';
}

static int add_silence(struct bc_ledger_verdict *verdict, const struct bc_ledger_silence *silence)
{
        int r = bc_ledger_grow((void **)&verdict->silence, verdict->silences, &verdict->silence_room,
                               sizeof(*verdict->silence));

        if (r == 0)
                verdict->silence[verdict->silences++] = *silence;
        return r;
}

// ---- runs ------------------------------------------------------------------------------------------------------

// Of another boot of the system only the wall clock tells, where it was set both times. What would be before 0 is not known.
static int64_t length_of(const struct bc_ledger_moment *from, const struct bc_ledger_moment *to,
                         bool same_clock)
{
        int64_t length_ns = BC_RECORD_UNKNOWN;

        if (same_clock)
                length_ns = to->boot_ns - from->boot_ns; // both from 0
        else if (from->utc_ns != BC_RECORD_UNKNOWN && to->utc_ns != BC_RECORD_UNKNOWN &&
                 __builtin_sub_overflow(to->utc_ns, from->utc_ns, &length_ns))
                length_ns = BC_RECORD_UNKNOWN;
        return length_ns >= 0 ? length_ns : BC_RECORD_UNKNOWN;
}

static int take_start(struct bc_ledger_verdict *verdict, const struct bc_record *record,
                      const struct bc_ledger_event *event, uint64_t offset, bool epoch_began)
{
        struct bc_ledger_moment now = moment_of(record, event->time_ns);
        const struct bc_ledger_run *last = verdict->runs > 0 ? &verdict->run[verdict->runs - 1] : NULL;
        struct bc_ledger_run run = { .epoch = record->epoch,
                                     .from = now,
                                     .to = now,
                                     .clean = event->field[0].number == 1,
                                     .reset = (uint32_t)event->field[1].number,
                                     .percent = event->field[4].number,
                                     .anchor = (uint32_t)event->field[5].number };
        int r = 0;

        memcpy(run.boot_id, event->field[2].bytes, sizeof(run.boot_id));
        if (run.clean && (!last || !last->stopped || epoch_began))
                return REFUSE(
                        verdict, BC_FINDING_LEDGER, offset,
                        "start %" PRIu64
                        " states that the run before it was stopped in order, and the ledger does not have that",
                        record->boot);
        if (last) {
                struct bc_ledger_silence silence = { .cause = last->stopped ? BC_LEDGER_SILENCE_STOPPED
                                                                            : BC_LEDGER_SILENCE_BROKEN_OFF,
                                                     .from = last->to,
                                                     .to = now };
                silence.length_ns = length_of(&last->to, &now,
                                              memcmp(last->boot_id, run.boot_id, BC_BOOT_ID_BYTES) == 0);
                r = add_silence(verdict, &silence);
        }
        if (r == 0)
                r = bc_ledger_grow((void **)&verdict->run, verdict->runs, &verdict->run_room,
                                   sizeof(*verdict->run));
        if (r == 0)
                verdict->run[verdict->runs++] = run;
        return r;
}

static int follow_heartbeat(struct bc_ledger_verdict *verdict, const struct bc_record *record)
{
        struct bc_ledger_run *run = &verdict->run[verdict->runs - 1];
        struct bc_ledger_silence silence = { BC_LEDGER_SILENCE_HEARTBEAT, run->to,
                                             moment_of(record, record->signed_ns), 0 };

        silence.length_ns = record->signed_ns - run->to.boot_ns;
        return silence.length_ns > BC_LEDGER_SILENCE_NS ? add_silence(verdict, &silence) : 0;
}

// ---- recordings ------------------------------------------------------------------------------------------------

// Where a number is, or belongs.
static size_t place_of(const struct bc_ledger_verdict *verdict, uint64_t number)
{
        size_t low = 0, high = verdict->recordings;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (verdict->recording[middle].number < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const struct bc_ledger_recording *bc_ledger_find_recording(const struct bc_ledger_verdict *verdict,
                                                           uint64_t number)
{
        size_t at = place_of(verdict, number);

        return at < verdict->recordings && verdict->recording[at].number == number ? &verdict->recording[at]
                                                                                   : NULL;
}

static int find_or_add(struct bc_ledger_verdict *verdict, uint64_t number,
                       struct bc_ledger_recording **ret_recording)
{
        size_t at = place_of(verdict, number);

        *ret_recording = NULL;
        if (at == verdict->recordings || verdict->recording[at].number != number) {
                if (verdict->recordings == BC_LEDGER_RECORDINGS_MAX)
                        return -E2BIG;
                int r = bc_ledger_grow((void **)&verdict->recording, verdict->recordings,
                                       &verdict->recording_room, sizeof(*verdict->recording));
                if (r < 0)
                        return r;
                memmove(&verdict->recording[at + 1], &verdict->recording[at],
                        (verdict->recordings - at) * sizeof(*verdict->recording));
                verdict->recording[at] = (struct bc_ledger_recording){ .number = number };
                verdict->recordings++;
        }
        *ret_recording = &verdict->recording[at];
        return 0;
}

static void take_break(struct bc_ledger_recording *recording, const struct bc_ledger_event *event)
{
        recording->broke_off = true;
        recording->off_segment = (uint32_t)event->field[1].number;
        memcpy(recording->off_hash, event->field[2].bytes, BC_HASH_BYTES);
        recording->off_medium = event->field[3].number;
        recording->off_age_ns = event->field[4].number;
        recording->off_tail_bytes = event->field[6].bytes ? event->field[5].number : BC_RECORD_UNKNOWN;
        if (event->field[6].bytes)
                memcpy(recording->off_tail_sha256, event->field[6].bytes, BC_HASH_BYTES);
}

static void take_nothing(struct bc_ledger_recording *recording, const struct bc_ledger_event *event)
{
        recording->nothing = true;
        recording->off_medium = event->field[1].number;
        recording->named = event->field[2].number == 1;
        recording->off_tail_bytes = event->field[4].bytes ? event->field[3].number : BC_RECORD_UNKNOWN;
        if (event->field[4].bytes)
                memcpy(recording->off_tail_sha256, event->field[4].bytes, BC_HASH_BYTES);
}

static int take_recording(struct bc_ledger_verdict *verdict, const struct bc_record *record,
                          const struct bc_ledger_event *event, uint64_t offset)
{
        struct bc_ledger_recording *recording;
        int r = find_or_add(verdict, (uint64_t)event->field[0].number, &recording);

        if (r < 0)
                return r;
        switch (event->event) {
        case BC_LEDGER_BEGUN:
                if (recording->begun)
                        bc_find(&verdict->findings, BC_FINDING_LEDGER,
                                recording->begun_epoch == record->epoch ? BC_VERDICT_TAMPERED
                                                                        : BC_VERDICT_UNPROVEN,
                                offset, "recording %" PRIu64 " is begun a second time", recording->number);
                recording->begun = true;
                recording->begun_epoch = record->epoch;
                recording->begun_boot = record->boot;
                recording->begun_ns = event->time_ns;
                break;
        case BC_LEDGER_CLOSED:
                recording->closed = true;
                recording->end_epoch = record->epoch;
                recording->end_sequence = record->ledger;
                recording->segments = (uint32_t)event->field[1].number;
                recording->hashed = event->field[2].bytes != NULL;
                if (recording->hashed)
                        memcpy(recording->hash, event->field[2].bytes, BC_HASH_BYTES);
                break;
        case BC_LEDGER_RECOVERED:
                recording->end_epoch = record->epoch;
                recording->end_sequence = record->ledger;
                if (!recording->recovered ||
                    (uint32_t)event->field[1].number >= recording->recovered_segment) {
                        recording->recovered_segment = (uint32_t)event->field[1].number;
                        memcpy(recording->recovered_hash, event->field[2].bytes, BC_HASH_BYTES);
                }
                recording->recovered = true;
                break;
        case BC_LEDGER_BROKE_OFF:
                recording->end_epoch = record->epoch;
                recording->end_sequence = record->ledger;
                take_break(recording, event);
                break;
        case BC_LEDGER_NOTHING:
                recording->end_epoch = record->epoch;
                recording->end_sequence = record->ledger;
                take_nothing(recording, event);
                break;
        default:
                recording->given_up = true;
                break;
        }
        return 0;
}

// ---- events ----------------------------------------------------------------------------------------------------

static bool says_emergency(const struct bc_ledger_event *event)
{
        static const char word[] = "EMERGENCY";

        for (size_t i = 0; i < 3; i++) // from, to, event
                if (event->field[i].n >= sizeof(word) - 1 &&
                    memmem(event->field[i].bytes, event->field[i].n, word, sizeof(word) - 1))
                        return true;
        return false;
}

static bool is_noted(const struct bc_ledger_event *event)
{
        switch (event->event) {
        case BC_LEDGER_STATE:
                return says_emergency(event);
        case BC_LEDGER_GIVEN_UP:
        case BC_LEDGER_BROKE_OFF:
        case BC_LEDGER_NOTHING:
        case BC_LEDGER_GAP:
        case BC_LEDGER_MUTE:
        case BC_LEDGER_STEALTH:
        case BC_LEDGER_CLOCK:
        case BC_LEDGER_ALARM:
        case BC_LEDGER_ROLLBACK:
        case BC_LEDGER_KEY:
        case BC_LEDGER_FLOOD:
        case BC_LEDGER_MARK:
                return true;
        default:
                return false;
        }
}

static int add_note(struct bc_ledger_verdict *verdict, const struct bc_record *record,
                    const struct bc_ledger_event *event)
{
        if (verdict->notes == BC_LEDGER_NOTES_MAX) {
                verdict->notes_left_out++;
                return 0;
        }
        int r = bc_ledger_grow((void **)&verdict->note, verdict->notes, &verdict->note_room,
                               sizeof(*verdict->note));
        if (r < 0)
                return r;
        struct bc_ledger_note *note = &verdict->note[verdict->notes++];
        *note = (struct bc_ledger_note){ .event = event->event, .at = moment_of(record, event->time_ns) };
        for (size_t i = 0; i < BC_LEDGER_FIELDS_MAX; i++) {
                note->number[i] = event->field[i].number;
                if (bc_ledger_field_is_text(event->event, i))
                        copy_text(&event->field[i], note->text[i]);
        }
        return 0;
}

static void take_rollback(struct bc_ledger_verdict *verdict, const struct bc_ledger_event *event,
                          uint64_t offset)
{
        char anchor[2 * BC_HASH_BYTES + 1] = "none";

        for (size_t i = 0; event->field[3].bytes && i < BC_HASH_BYTES; i++)
                snprintf(anchor + 2 * i, 3, "%02x", (unsigned)event->field[3].bytes[i]);
        bc_find(&verdict->findings, BC_FINDING_LEDGER, BC_VERDICT_UNPROVEN, offset,
                "rollback: the device found its ledger at record %" PRId64
                ", and its anchor at record %" PRId64 " (%s): records are missing",
                event->field[0].number, event->field[2].number, anchor);
}

static void take_flood(struct bc_ledger_verdict *verdict, const struct bc_ledger_event *event,
                       uint64_t offset)
{
        uint64_t of = (uint64_t)event->field[0].number, count = (uint64_t)event->field[1].number;
        const char *name = bc_ledger_event_name((uint32_t)of);
        bool recordings = of == BC_LEDGER_BEGUN || of == BC_LEDGER_CLOSED || of == BC_LEDGER_RECOVERED ||
                          of == BC_LEDGER_BROKE_OFF || of == BC_LEDGER_NOTHING;

        if (name)
                verdict->flooded[of] += count;
        bc_find(&verdict->findings, BC_FINDING_LEDGER, recordings ? BC_VERDICT_UNPROVEN : BC_VERDICT_NOTE,
                offset, "%" PRIu64 " events \"%s\" came faster than they could be kept one by one", count,
                name ? name : "?");
}

static int take_nonce(struct bc_ledger_verdict *verdict, const struct bc_record *record,
                      const struct bc_ledger_event *event)
{
        int r = verdict->nonces == BC_LEDGER_NONCES_MAX ? -E2BIG :
                                                           bc_ledger_grow((void **)&verdict->nonce, verdict->nonces,
                                                                          &verdict->nonce_room, sizeof(*verdict->nonce));

        if (r < 0)
                return r == -E2BIG ? 0 : r;
        struct bc_ledger_nonce *nonce = &verdict->nonce[verdict->nonces++];
        *nonce = (struct bc_ledger_nonce){ .epoch = record->epoch, .sequence = record->ledger, .n = event->field[0].n };
        memcpy(nonce->bytes, event->field[0].bytes, nonce->n);
        return 0;
}

static int take(struct bc_ledger_verdict *verdict, const struct bc_record *record,
                const struct bc_ledger_event *event, uint64_t offset, bool epoch_began,
                const uint8_t **ret_key)
{
        struct bc_ledger_run *run = verdict->runs > 0 ? &verdict->run[verdict->runs - 1] : NULL;

        switch (event->event) {
        case BC_LEDGER_STARTED:
                return take_start(verdict, record, event, offset, epoch_began);
        case BC_LEDGER_STOPPED:
                if (run) {
                        run->stopped = true;
                        copy_text(&event->field[0], run->reason);
                }
                return 0;
        case BC_LEDGER_BEGUN:
        case BC_LEDGER_CLOSED:
        case BC_LEDGER_RECOVERED:
        case BC_LEDGER_GIVEN_UP:
        case BC_LEDGER_BROKE_OFF:
        case BC_LEDGER_NOTHING:
                return take_recording(verdict, record, event, offset);
        case BC_LEDGER_ROLLBACK:
                take_rollback(verdict, event, offset);
                return 0;
        case BC_LEDGER_KEY:
                *ret_key = event->field[0].bytes;
                return 0;
        case BC_LEDGER_FLOOD:
                take_flood(verdict, event, offset);
                return 0;
        case BC_LEDGER_NONCE:
                return take_nonce(verdict, record, event);
        default:
                return 0;
        }
}

// Where `rollback` and `start` may stand, and that nothing but counts comes behind `stop`.
static int check_place(struct bc_ledger_verdict *verdict, const struct bc_record *record, size_t i,
                       uint64_t offset, bool boot_began, bool epoch_began)
{
        const struct bc_ledger_run *run = verdict->runs > 0 ? &verdict->run[verdict->runs - 1] : NULL;
        bool rolled_back = epoch_began && record->epoch > 1;
        uint32_t event = record->event[i].event;

        if ((event == BC_LEDGER_ROLLBACK) != (rolled_back && i == 0))
                return REFUSE(verdict, BC_FINDING_LEDGER, offset, "%s",
                              event == BC_LEDGER_ROLLBACK ? "a rollback is stated that begins no epoch"
                                                          : "an epoch begins, and no rollback says why");
        if ((event == BC_LEDGER_STARTED) != (boot_began && i == (rolled_back ? 1 : 0)))
                return REFUSE(verdict, BC_FINDING_LEDGER, offset, "%s",
                              event == BC_LEDGER_STARTED ? "a start is stated in the middle of a run"
                                                         : "a run begins, and no start is stated");
        if (run && run->from.boot == record->boot && run->stopped && event != BC_LEDGER_FLOOD)
                return REFUSE(verdict, BC_FINDING_LEDGER, offset,
                              "an event lies behind the stop that ends its run");
        return 0;
}

static int take_event(struct bc_ledger_verdict *verdict, const struct bc_record *record, size_t i,
                      uint64_t offset, bool epoch_began, const uint8_t **ret_key)
{
        struct bc_ledger_event event;
        const char *fault;

        if (bc_ledger_event_parse(&record->event[i], &event, &fault) < 0)
                return REFUSE(verdict, BC_FINDING_RECORD, offset,
                              "the details of an event \"%s\" are not lawful: %s",
                              bc_ledger_event_name(event.event), fault);
        verdict->count[bc_ledger_event_name(event.event) ? event.event : 0]++;
        int r = take(verdict, record, &event, offset, epoch_began, ret_key);
        return r == 0 && is_noted(&event) ? add_note(verdict, record, &event) : r;
}

int bc_ledger_take_events(struct bc_ledger_verdict *verdict, const struct bc_record *record, uint64_t offset,
                          bool boot_began, bool epoch_began, const uint8_t **ret_key)
{
        int r = boot_began ? 0 : follow_heartbeat(verdict, record);

        *ret_key = NULL;
        for (size_t i = 0; i < record->events && r == 0; i++) {
                r = check_place(verdict, record, i, offset, boot_began, epoch_began);
                if (r == 0)
                        r = take_event(verdict, record, i, offset, epoch_began, ret_key);
        }
        if (r < 0)
                return r;
        struct bc_ledger_run *run = verdict->runs > 0 ? &verdict->run[verdict->runs - 1] : NULL;
        if (!run || run->from.boot != record->boot)
                return REFUSE(verdict, BC_FINDING_LEDGER, offset, "a run begins, and no start is stated");
        run->to = moment_of(record, record->signed_ns);
        return 0;
}
