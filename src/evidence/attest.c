// SPDX-License-Identifier: EUPL-1.2
#include "evidence/attest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/log.h"
#include "evidence/announce.h"
#include "evidence/news.h"
#include "evidence/recording.h"
#include "format/text.h"

// ---- what a record says ----------------------------------------------------------------------------------------

// Of the oldest segment that has ended, else of the one being written.
static struct bc_ended_segment *oldest(struct bc_attest *attest)
{
        return attest->ended_count > 0 ? &attest->ended[0] : NULL;
}

static struct bc_attest_before *before(struct bc_attest *attest, uint32_t number)
{
        struct bc_ended_segment *ended = oldest(attest);

        return ended && ended->number == number ? &ended->before : &attest->before;
}

static void state_beginning(const struct bc_recording *recording, const struct bc_segment *segment,
                            const struct bc_attest_before *before, struct bc_record *record)
{
        const struct bc_manifest *manifest = &recording->manifest;

        record->head_bytes = segment->layout.bytes;
        record->base_ticks = segment->init.label.base_ticks;
        memcpy(record->boot_id, segment->init.label.boot_id, sizeof(record->boot_id));
        (void)bc_text_clean(manifest->reason, record->begun.reason, sizeof(record->begun.reason));
        record->begun.press_ticks = manifest->press_ticks;
        record->begun.pre_event_ticks = manifest->pre_event_ticks;
        record->sealed = segment->sealer;
        memcpy(record->seal, segment->seal, sizeof(record->seal));
        memcpy(record->succeeds, before->abandoned, sizeof(record->succeeds));
        record->succeeds_count = before->abandoned_count;
}

// The first record of a recording hangs on the ledger, each further one on the one before.
static void state_place(struct bc_recording *recording, struct bc_record *record)
{
        struct bc_attest *attest = &recording->attest;

        if (attest->begun)
                memcpy(record->prev, attest->prev, sizeof(record->prev));
        else
                bc_facts_ledger(attest->service->facts, &record->ledger, record->prev);
}

// A hole is declared in the manifest when what is behind it is durable; a record says it at once, as what will be declared.
static void state_hole(const struct bc_attest_before *before, struct bc_record *record)
{
        struct bc_record_gap *gap = &record->gap[record->gaps];

        if (before->hole_from_ticks == BC_RECORD_UNKNOWN || record->gaps == BC_RECORD_GAPS_MAX)
                return;
        *gap = (struct bc_record_gap){ .kind = BC_GAP_OVERTAKEN + 1,
                                       .from_ticks = before->hole_from_ticks, .to_ticks = record->base_ticks, .count = 1 };
        record->gaps++;
}

// What a record says beside the range. The proof of that must not hang on it.
static bool state_extras(struct bc_recording *recording, struct bc_record *record)
{
        size_t wrong = bc_news_sift(&recording->manifest);

        if (wrong > 0) {
                bc_announce_left_out(recording, wrong);
                recording->manifest_stale = true;
        }
        if (!recording->attest.bare)
                return bc_news_ask(&recording->manifest, record);
        record->utc.source = 0;
        record->utc.utc_ns = record->utc.uncertainty_ns = record->utc.age_ns = BC_RECORD_UNKNOWN;
        record->position.known = record->battery.known = false;
        // What does not fit beside the certificates waits for the next one.
        return record->index == 1 ? bc_news_waits(&recording->manifest) : bc_news_ask(&recording->manifest, record);
}

// tried: it covers what is about to be written, too. Returns whether there are more news than it takes; negative errno.
static int compose(struct bc_recording *recording, const struct bc_segment *segment, struct bc_proof *proof, uint32_t number,
                   enum bc_record_kind kind, bool tried, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        struct bc_record *record = &attest->signing->record;
        bool more;
        int r;

        memset(record, 0, sizeof(*record));
        record->kind = kind;
        record->recording = recording->manifest.counter;
        record->segment = number;
        r = bc_proof_ask(proof, tried, record);
        if (r < 0)
                return r;
        bc_facts_state(attest->service->facts, now_ns, record);
        bc_facts_state_capture(attest->service->facts, now_ns, record);
        state_place(recording, record);
        attest->signing->with_chain = record->index == 1;
        more = state_extras(recording, record);
        if (record->index == 1) {
                state_beginning(recording, segment, before(attest, number), record);
                state_hole(before(attest, number), record);
        }
        return more;
}

static void ask(struct bc_attest *attest, bool urgent)
{
        attest->signing->urgent = urgent;
        bc_signer_ask(attest->service->signer, attest->signing);
}

// ---- what comes of it ------------------------------------------------------------------------------------------

static void fail(struct bc_recording *recording, struct bc_proof *proof, int error, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        const bool early = attest->signing->record.epoch == 0; // composed before the ledger was open, and looked at behind that

        bc_proof_forget(proof);
        bc_news_settle(&recording->manifest, false);
        if (attest->signing->unlawful && !attest->bare && !early) {
                attest->bare = true;
                if (attest->left_out++ == 0)
                        bc_announce_left_out(recording, 0);
                return;
        }
        if (error != -EAGAIN && !early) // the ledger is not open yet, which is said elsewhere
                bc_log_error("what is recorded could not be signed: %s; it is tried again", strerror(-error));
        attest->again_ns = now_ns + BC_ATTEST_RETRY_NS;
}

// The box of what was asked is durable.
static int settle(struct bc_recording *recording, struct bc_proof *proof)
{
        struct bc_attest *attest = &recording->attest;
        const struct bc_signing *signing = attest->signing;
        const struct bc_record *record = &signing->record;

        memcpy(attest->prev, signing->hash, sizeof(attest->prev));
        attest->begun = true;
        attest->bare = false;
        if (record->index == 1)
                before(attest, record->segment)->abandoned_count = 0;
        bc_news_settle(&recording->manifest, true);
        // Only now: the anchor must not know more than the card.
        if (attest->service->ledger)
                bc_ledger_note_tail(attest->service->ledger, record->recording, record->segment, record->index, signing->hash,
                                    record->signed_ns);
        return bc_proof_recorded(proof, signing->box, signing->box_bytes);
}

// Kept in the order of their numbers. Of more than can be stated the end of the oldest stays unproven.
static void add_abandoned(struct bc_attest_before *before, const struct bc_record_abandoned *abandoned)
{
        size_t at = before->abandoned_count;

        while (at > 0 && before->abandoned[at - 1].segment > abandoned->segment)
                at--;
        if (before->abandoned_count == BC_RECORD_SUCCEEDS_MAX) {
                bc_log_error("too many segments in a row were abandoned: the end of one stays unproven");
                if (at == 0)
                        return;
                at--;
                memmove(&before->abandoned[0], &before->abandoned[1], at * sizeof(before->abandoned[0]));
        } else {
                memmove(&before->abandoned[at + 1], &before->abandoned[at], (before->abandoned_count - at) * sizeof(before->abandoned[0]));
                before->abandoned_count++;
        }
        before->abandoned[at] = *abandoned;
}

// The first record of the next segment that has one will state up to where this one counts.
static void note_abandoned(struct bc_attest_before *before, struct bc_proof *proof, uint32_t number, int error)
{
        struct bc_record_abandoned abandoned = { .segment = number, .cause = (uint32_t)-error, .end = proof->durable,
                                                 .offset = proof->covered };

        if (bc_proof_rest(proof, abandoned.sha256) == 0)
                add_abandoned(before, &abandoned);
        else
                bc_log_error("segment %u: its end stays unproven: out of memory", number);
}

// ---- the segment being written ---------------------------------------------------------------------------------

static void wake(void *user)
{
        bc_ring_wake(user);
}

void bc_attest_init(struct bc_attest *attest, const struct bc_attestation *service, struct bc_ring *ring)
{
        attest->service = service;
        attest->signing = service ? bc_signing_new() : NULL; // looked at when the first segment begins
        if (attest->signing) {
                attest->signing->on_done = wake;
                attest->signing->user = ring;
        }
        attest->asked = BC_ASKED_NOTHING;
        attest->late_ns = BC_NS_NEVER;
        attest->before.hole_from_ticks = BC_RECORD_UNKNOWN;
}

int bc_attest_begin(struct bc_recording *recording, int64_t hole_from_ticks)
{
        recording->attest.before.hole_from_ticks = hole_from_ticks;
        if (!recording->attest.service)
                return 0;
        if (!recording->attest.signing)
                return -ENOMEM;
        return bc_proof_init(&recording->attest.proof, recording->segment.init.tracks);
}

static bool may_ask(const struct bc_attest *attest, int64_t now_ns)
{
        return !attest->held && attest->asked == BC_ASKED_NOTHING && now_ns >= attest->again_ns;
}

// Fragments that are due together, as those of the pre-event or behind a stall, share what patience there is.
static bool has_patience(const struct bc_attest *attest)
{
        return attest->waited_ns < BC_ATTEST_PATIENCE_NS && bc_signer_pace_ns(attest->service->signer) <= BC_ATTEST_PATIENCE_NS;
}

static int wait_for_signer(struct bc_attest *attest)
{
        struct bc_signer *signer = attest->service->signer;
        int64_t began_ns = bc_signer_now_ns(signer);
        int r = bc_signer_wait(signer, attest->signing, began_ns + BC_ATTEST_PATIENCE_NS - attest->waited_ns);

        attest->waited_ns += bc_signer_now_ns(signer) - began_ns;
        return r;
}

void bc_attest_rest(struct bc_attest *attest)
{
        attest->waited_ns = 0;
}

// Whether the record came in time for the write that it covers.
static bool is_in_time(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;

        if (!may_ask(attest, now_ns) || attest->ended_count > 0 || !has_patience(attest))
                return false;
        if (compose(recording, &recording->segment, &attest->proof, recording->number, BC_RECORD_FRAGMENT, true, now_ns) < 0) {
                bc_news_settle(&recording->manifest, false);
                return false;
        }
        ask(attest, false);
        attest->asked = BC_ASKED_CURRENT;
        if (wait_for_signer(attest) < 0)
                return false;
        attest->asked = BC_ASKED_NOTHING;
        if (attest->signing->error == 0)
                return true;
        fail(recording, &attest->proof, attest->signing->error, now_ns);
        return false;
}

size_t bc_attest_cover(struct bc_recording *recording, const struct bc_run *run, size_t runs, const int64_t *base_ticks,
                       const uint8_t *bytes, size_t n, uint8_t *box, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;

        attest->tried = bytes;
        attest->tried_bytes = n;
        attest->box_bytes = 0;
        attest->try_error = bc_proof_try(&attest->proof, bytes, n, run, runs, base_ticks);
        if (attest->try_error < 0 || !is_in_time(recording, now_ns))
                return 0;
        memcpy(box, attest->signing->box, attest->signing->box_bytes);
        attest->box_bytes = attest->signing->box_bytes;
        return attest->box_bytes;
}

int bc_attest_wrote(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        int r = attest->try_error;

        if (r == 0)
                r = bc_proof_wrote(&attest->proof, attest->tried, attest->tried_bytes, now_ns);
        if (r == 0 && attest->box_bytes > 0)
                r = settle(recording, &attest->proof);
        return r;
}

void bc_attest_abandon(struct bc_recording *recording, int error)
{
        struct bc_attest *attest = &recording->attest;

        if (!attest->service)
                return;
        if (attest->asked == BC_ASKED_CURRENT)
                attest->asked = BC_ASKED_NOBODY;
        // A record of a segment that has ended is on its way with them: stated once more they were two.
        if (attest->asked != BC_ASKED_ENDED)
                bc_news_settle(&recording->manifest, false);
        if (recording->segment.durable_bytes > 0)
                note_abandoned(&attest->before, &attest->proof, recording->number, error);
        bc_proof_done(&attest->proof);
}

static int take_current(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        int r;

        if (attest->signing->error < 0) {
                fail(recording, &attest->proof, attest->signing->error, now_ns);
                return 0;
        }
        r = bc_segment_append_record(&recording->segment, attest->signing->box, attest->signing->box_bytes);
        return r < 0 ? r : settle(recording, &attest->proof);
}

static void ask_for_current(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;

        if (!recording->segment_begun || attest->proof.since_ns == BC_NS_NEVER)
                return;
        if (compose(recording, &recording->segment, &attest->proof, recording->number, BC_RECORD_FRAGMENT, false, now_ns) < 0) {
                bc_news_settle(&recording->manifest, false);
                return;
        }
        ask(attest, false);
        attest->asked = BC_ASKED_CURRENT;
}

// ---- segments that have ended ----------------------------------------------------------------------------------

static void free_ended(struct bc_ended_segment *ended)
{
        bc_segment_done(&ended->segment);
        bc_proof_done(&ended->proof);
        free(ended->moov);
}

static void drop_oldest(struct bc_attest *attest)
{
        free_ended(&attest->ended[0]);
        attest->ended_count--;
        memmove(&attest->ended[0], &attest->ended[1], attest->ended_count * sizeof(attest->ended[0]));
}

// What may lie behind its last durable byte does not count: the next start cuts it off, and the next segment goes on from there.
static void note_in_manifest(struct bc_recording *recording, uint32_t number, uint32_t next, uint64_t durable, int error)
{
        struct bc_manifest_segment *entry = bc_manifest_find_segment(&recording->manifest, number);
        struct bc_manifest_segment *follower = bc_manifest_find_segment(&recording->manifest, next);

        entry->state = BC_SEGMENT_ABANDONED;
        entry->error = error;
        entry->bytes = durable;
        *(follower ? &follower->follows : &recording->follows) = number;
        recording->manifest_stale = true;
}

static void leave_oldest(struct bc_recording *recording, int error)
{
        struct bc_attest *attest = &recording->attest;
        struct bc_ended_segment *ended = oldest(attest);
        const bool waits = attest->ended_count > 1; // the next one does, too
        struct bc_attest_before *next = waits ? &attest->ended[1].before : &attest->before;

        bc_log_error("%s could not be finalised: %s", ended->segment.name, strerror(-error));
        // A signer that is late is no trouble of the card's, and has its own alarm.
        if (error != -ETIME)
                recording->finalise_error = error;
        if (attest->asked == BC_ASKED_ENDED)
                attest->asked = BC_ASKED_NOBODY;
        bc_news_settle(&recording->manifest, false);
        // What it should have stated itself is left to the next one, too.
        for (size_t i = 0; i < ended->before.abandoned_count; i++)
                add_abandoned(next, &ended->before.abandoned[i]);
        note_abandoned(next, &ended->proof, ended->number, error);
        note_in_manifest(recording, ended->number, waits ? attest->ended[1].number : recording->segment_begun ? recording->number : 0,
                         ended->segment.sealer ? bc_segment_file_bytes(&ended->segment) : ended->proof.durable, error);
        drop_oldest(attest);
}

static int ask_for_oldest(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        struct bc_ended_segment *ended = oldest(attest);
        struct bc_record *record = &attest->signing->record;
        int r = 0;

        if (!ended->moov)
                r = bc_segment_build_moov(&ended->segment, BC_SEGMENT_BEHIND_BYTES, &ended->moov, &ended->moov_bytes);
        if (r == 0)
                r = compose(recording, &ended->segment, &ended->proof, ended->number, ended->kind, false, now_ns);
        if (r < 0)
                return r;
        attest->asked_last = r == 0;
        if (!attest->asked_last)
                record->kind = BC_RECORD_FRAGMENT; // the news need one more
        if (attest->asked_last) {
                record->moov_bytes = ended->moov_bytes;
                if (EVP_Digest(ended->moov + BC_SEGMENT_BEHIND_BYTES, ended->moov_bytes, record->moov_sha256, NULL, EVP_sha256(), NULL) != 1)
                        return -ENOMEM;
        }
        if (record->kind == BC_RECORD_CLOSE) {
                (void)bc_text_clean(recording->manifest.stop_reason, record->ended.reason, sizeof(record->ended.reason));
                record->ended.stop_ticks = recording->manifest.stop_ticks;
                record->ended.segments = (uint32_t)recording->manifest.segments;
        }
        ask(attest, true);
        attest->asked = BC_ASKED_ENDED;
        return 0;
}

static int finalise_oldest(struct bc_recording *recording)
{
        struct bc_attest *attest = &recording->attest;
        struct bc_ended_segment *ended = oldest(attest);
        struct bc_manifest_segment *entry = bc_manifest_find_segment(&recording->manifest, ended->number);
        const struct bc_signing *signing = attest->signing;
        uint8_t *box = ended->moov + BC_SEGMENT_BEHIND_BYTES - signing->box_bytes;
        int r;

        memcpy(box, signing->box, signing->box_bytes);
        // The record that closes a recording has no successor that could state what counts without it.
        r = bc_segment_end(&ended->segment, box, signing->box_bytes, ended->moov_bytes);
        if (r < 0 && ended->kind == BC_RECORD_CLOSE)
                r = bc_segment_end_again(&ended->segment, box, signing->box_bytes, ended->moov_bytes, r,
                                         &recording->finalise_error);
        if (r == 0)
                r = settle(recording, &ended->proof);
        if (r < 0)
                return r;
        entry->bytes = bc_segment_file_bytes(&ended->segment);
        entry->hashed = bc_segment_stored_hash(&ended->segment, entry->sha256) == 0;
        recording->manifest_stale = true;
        r = bc_segment_patch(&ended->segment);
        if (r == 0)
                entry->state = BC_SEGMENT_CLOSED;
        else
                bc_log_error("%s is whole, but not patched: %s", ended->segment.name, strerror(-r)); // the next start does it
        recording->finalise_error = r < 0 ? r : recording->finalise_error;
        drop_oldest(attest);
        return 0;
}

static int take_oldest(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        struct bc_ended_segment *ended = oldest(attest);
        int r;

        if (attest->signing->error < 0) {
                fail(recording, &ended->proof, attest->signing->error, now_ns);
                return 0;
        }
        if (attest->asked_last)
                return finalise_oldest(recording);
        r = bc_segment_append_record(&ended->segment, attest->signing->box, attest->signing->box_bytes);
        return r < 0 ? r : settle(recording, &ended->proof);
}

static void leave_current(struct bc_recording *recording)
{
        struct bc_segment *segment = &recording->segment;

        bc_log_error("%s is left to the next start: too many segments wait for their signature", segment->name);
        note_in_manifest(recording, recording->number, 0, bc_segment_file_bytes(segment), -ETIME);
        bc_attest_abandon(recording, -ETIME);
        bc_segment_done(segment);
}

void bc_attest_end(struct bc_recording *recording, enum bc_record_kind kind, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        struct bc_ended_segment *ended = &attest->ended[attest->ended_count];

        if (attest->ended_count == BC_ATTEST_ENDED_MAX) {
                leave_current(recording);
                return;
        }
        *ended = (struct bc_ended_segment){ .segment = recording->segment, .proof = attest->proof, .number = recording->number,
                                            .kind = kind, .since_ns = now_ns, .before = attest->before };
        attest->before.abandoned_count = 0;
        attest->before.hole_from_ticks = BC_RECORD_UNKNOWN;
        attest->ended_count++;
        attest->proof = (struct bc_proof){ 0 }; // given away
        if (attest->asked == BC_ASKED_CURRENT) {
                attest->asked = BC_ASKED_ENDED;
                attest->asked_last = false;
        }
}

// ---- at every step ---------------------------------------------------------------------------------------------

static int take(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        int asked = attest->asked, r = 0;

        if (asked == BC_ASKED_NOTHING || !bc_signer_fetch(attest->service->signer, attest->signing))
                return 0;
        attest->asked = BC_ASKED_NOTHING;
        if (asked == BC_ASKED_CURRENT)
                return take_current(recording, now_ns);
        if (asked == BC_ASKED_ENDED)
                r = take_oldest(recording, now_ns);
        if (r < 0)
                leave_oldest(recording, r);
        return 0;
}

// As long as the signer is quick, all that has ended is finalised within the step.
static void finish_ended(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;

        while (attest->ended_count > 0 && may_ask(attest, now_ns)) {
                int r = ask_for_oldest(recording, now_ns);

                if (r < 0) {
                        leave_oldest(recording, r);
                        continue;
                }
                if (!has_patience(attest) || wait_for_signer(attest) < 0)
                        return;
                attest->asked = BC_ASKED_NOTHING;
                r = take_oldest(recording, now_ns);
                if (r < 0)
                        leave_oldest(recording, r);
        }
        if (attest->ended_count > 0 && now_ns >= bc_ns_later(oldest(attest)->since_ns, attest->held_ns) + BC_ATTEST_GIVE_UP_NS)
                leave_oldest(recording, -ETIME);
}

static void look_how_late(struct bc_recording *recording)
{
        struct bc_attest *attest = &recording->attest;
        int64_t since_ns = recording->segment_begun ? attest->proof.since_ns : BC_NS_NEVER;

        for (size_t i = 0; i < attest->ended_count; i++) {
                const struct bc_ended_segment *ended = &attest->ended[i];

                if (ended->since_ns < since_ns)
                        since_ns = ended->since_ns;
                if (ended->proof.since_ns < since_ns)
                        since_ns = ended->proof.since_ns;
        }
        attest->late_ns = since_ns;
}

int bc_attest_tend(struct bc_recording *recording, int64_t now_ns)
{
        struct bc_attest *attest = &recording->attest;
        int r;

        if (!attest->service)
                return 0;
        if (attest->held)
                attest->held_ns = now_ns;
        r = take(recording, now_ns);
        if (r < 0)
                return r;
        finish_ended(recording, now_ns);
        if (attest->ended_count == 0 && may_ask(attest, now_ns))
                ask_for_current(recording, now_ns);
        look_how_late(recording);
        return 0;
}

bool bc_attest_is_quiet(const struct bc_attest *attest)
{
        return attest->ended_count == 0;
}

void bc_attest_done(struct bc_attest *attest)
{
        // A signer that hangs must not hold up the next recording.
        bc_signer_abandon(attest->service ? attest->service->signer : NULL, attest->signing);
        attest->signing = NULL;
        attest->asked = BC_ASKED_NOTHING;
        while (attest->ended_count > 0)
                drop_oldest(attest);
        bc_proof_done(&attest->proof);
}
