// SPDX-License-Identifier: EUPL-1.2
// What goes into a record: news of the manifest, each until a durable record has it; the range that is proven, against a plain model;
// events of the ledger, and its anchor.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bodycam/time.h"
#include "evidence/anchor.h"
#include "evidence/entry.h"
#include "evidence/news.h"
#include "evidence/proof.h"
#include "folder.h"
#include "format/cbor.h"
#include "notary.h"

// ---- news ------------------------------------------------------------------------------------------------------

static void add_news(struct bc_manifest *manifest, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                const struct bc_manifest_clock clock = { .from_ticks = i, .source = i % 4, .utc_ns = 1000 + i, .uncertainty_ns = i,
                                                         .step_ns = i % 2 ? BC_STEP_UNKNOWN : -5 };
                char text[32];

                snprintf(text, sizeof(text), "mark %u\n", i);
                assert_non_null(bc_manifest_add_gap(manifest, BC_GAP_OVERTAKEN, i * 10, i % 3 ? (int64_t)i * 10 + 5 : BC_TICKS_UNKNOWN, 0));
                assert_true(bc_manifest_add_clock(manifest, &clock));
                assert_true(bc_manifest_add_mark(manifest, i, text));
        }
}

static void test_more_than_one_record_takes(void **state)
{
        struct bc_record *record = calloc(1, sizeof(*record));
        struct bc_manifest manifest;
        unsigned gaps = 0, clocks = 0, marks = 0, rounds = 0;
        bool more;

        (void)state;
        assert_non_null(record);
        bc_manifest_init(&manifest);
        add_news(&manifest, 200);
        do {
                record->index = ++rounds;
                more = bc_news_ask(&manifest, record);
                for (size_t i = 0; i < record->gaps; i++, gaps++) {
                        assert_int_equal(record->gap[i].kind, BC_GAP_OVERTAKEN + 1);
                        assert_int_equal(record->gap[i].from_ticks, gaps * 10);
                        assert_int_equal(record->gap[i].to_ticks, gaps % 3 ? (int64_t)gaps * 10 + 5 : BC_RECORD_UNKNOWN);
                        assert_int_equal(record->gap[i].count, 1);
                }
                for (size_t i = 0; i < record->clocks; i++, clocks++) {
                        assert_int_equal(record->clock[i].from_ticks, clocks);
                        assert_int_equal(record->clock[i].utc_ns, clocks % 4 ? 1000 + (int64_t)clocks : BC_RECORD_UNKNOWN);
                        assert_int_equal(record->clock[i].step_ns, clocks % 4 == 0 || clocks % 2 ? BC_RECORD_UNKNOWN : -5);
                }
                for (size_t i = 0; i < record->marks; i++, marks++) {
                        char text[32];

                        snprintf(text, sizeof(text), "mark %u?", marks);
                        assert_string_equal(record->mark[i].text, text);
                        assert_int_equal(record->mark[i].ticks, marks);
                }
                bc_news_settle(&manifest, true);
                assert_true(rounds < 10);
        } while (more);
        assert_int_equal(gaps, 200);
        assert_int_equal(clocks, 200);
        assert_int_equal(marks, 200);
        assert_false(bc_news_ask(&manifest, record));
        assert_int_equal(record->gaps + record->clocks + record->marks, 0);
        bc_manifest_done(&manifest);
        free(record);
}

// The largest record with the longest certificates and texts still fits.
static void test_the_largest_record_fits(void **state)
{
        static uint8_t certificate[1536];
        struct bc_record *record = calloc(1, sizeof(*record));
        struct bc_record_message *message = calloc(1, sizeof(*message));
        struct bc_manifest manifest;

        (void)state;
        assert_true(record && message);
        bc_manifest_init(&manifest);
        for (unsigned i = 0; i < 100; i++) {
                const struct bc_manifest_clock clock = { .from_ticks = INT64_MAX - 100 + i, .source = 3, .utc_ns = INT64_MAX,
                                                         .uncertainty_ns = INT64_MAX, .step_ns = INT64_MIN + 2 };

                assert_non_null(bc_manifest_add_gap(&manifest, BC_GAP_OVERTAKEN, INT64_MAX - 100 + i, INT64_MAX, 0));
                assert_true(bc_manifest_add_clock(&manifest, &clock));
                assert_true(bc_manifest_add_mark(&manifest, INT64_MAX, "1234567890123456789012345678901234567890123456789012345678901234"));
        }
        for (uint32_t index = 1; index < 3; index++) {
                memset(record, 0, sizeof(*record));
                record->kind = BC_RECORD_FRAGMENT;
                record->algorithm = BC_RECORD_ES384;
                record->recording = record->epoch = record->boot = record->bytes = 1;
                record->segment = 1;
                record->tracks = 1;
                record->track[0].first_ticks = record->track[0].end_ticks = BC_RECORD_UNKNOWN;
                memcpy(record->device, "D", 2);
                record->index = index;
                record->head_bytes = 1;
                record->utc.utc_ns = record->utc.uncertainty_ns = record->utc.age_ns = BC_RECORD_UNKNOWN;
                record->chain_count = index == 1 ? 4 : 0;
                for (size_t i = 0; i < 4; i++)
                        record->chain[i] = (struct bc_record_bytes){ certificate, sizeof(certificate) };
                record->position.known = record->battery.known = true;
                record->position.mode = 3;
                record->position.lat_e7 = record->position.lon_e7 = -900000000;
                record->position.accuracy_mm = record->battery.minutes = INT32_MAX;
                record->position.age_ns = record->signed_ns = record->base_ticks = INT64_MAX;
                record->battery.percent = 100;
                record->captured = record->dropped = record->ledger = INT64_MAX;
                record->tracks = BC_TRACKS_MAX;
                for (size_t i = 0; i < BC_TRACKS_MAX; i++)
                        record->track[i].first_ticks = record->track[i].end_ticks = INT64_MAX;
                if (index == 1) {
                        record->drivers = BC_RECORD_DRIVERS_MAX;
                        for (size_t i = 0; i < BC_RECORD_DRIVERS_MAX; i++)
                                record->driver[i] = (struct bc_record_driver){ BC_DRIVER_CAMERA, "12345678901234567890123456789012", true };
                        memset(record->begun.reason, 'x', BC_RECORD_TEXT_BYTES_MAX);
                        record->begun.press_ticks = record->begun.pre_event_ticks = INT64_MAX;
                        record->segment = 9999;
                        record->sealed = true;
                        record->succeeds_count = BC_RECORD_SUCCEEDS_MAX;
                        for (uint32_t i = 0; i < BC_RECORD_SUCCEEDS_MAX; i++)
                                record->succeeds[i] = (struct bc_record_abandoned){ .segment = 9991 + i, .cause = 4095, .end = UINT32_MAX,
                                                                                    .offset = UINT32_MAX };
                }
                assert_true(bc_news_ask(&manifest, record));
                assert_int_equal(bc_record_compose(record, message), 0);
                bc_news_settle(&manifest, false);
        }
        bc_manifest_done(&manifest);
        free(record);
        free(message);
}

// What is dropped is exactly what no record can state; times, sources and counts at and beyond their bounds.
static void test_news_that_are_wrong(void **state)
{
        static const int64_t edge[] = { INT64_MIN + 1, -2, -1, 0, 1, 1000, INT64_MAX - 1, INT64_MAX };
        struct bc_record *record = calloc(1, sizeof(*record)), *blank = calloc(1, sizeof(*blank));
        struct bc_record_message *message = calloc(1, sizeof(*message));
        unsigned dropped = 0, kept = 0;
        uint32_t random = 3;

        (void)state;
        assert_true(record && blank && message);
        *blank = (struct bc_record){ .kind = BC_RECORD_FRAGMENT, .algorithm = BC_RECORD_ES256, .device = "D", .epoch = 1, .boot = 1,
                                     .recording = 1, .segment = 1, .index = 2, .bytes = 1, .tracks = 1 };
        for (int i = 0; i < 20000; i++) {
                int64_t pick[4];
                struct bc_manifest manifest;
                bool drops, lawful;

                for (size_t k = 0; k < 4; k++)
                        pick[k] = edge[notary_random(&random) % (sizeof(edge) / sizeof(*edge))];
                bc_manifest_init(&manifest);
                if (i % 3 == 0)
                        assert_non_null(bc_manifest_add_gap(&manifest, (enum bc_gap_kind)(notary_random(&random) % BC_GAP_KINDS), pick[0],
                                                            pick[1], 1));
                if (i % 3 == 0)
                        manifest.gap[0].count = (uint64_t)pick[2];
                if (i % 3 == 1) {
                        const struct bc_manifest_clock clock = { .from_ticks = pick[0], .source = notary_random(&random) % 5, .utc_ns = pick[1],
                                                                 .uncertainty_ns = pick[2], .step_ns = pick[3] };
                        assert_true(bc_manifest_add_clock(&manifest, &clock));
                }
                if (i % 3 == 2)
                        assert_true(bc_manifest_add_mark(&manifest, pick[0], "\x01\xff"));
                *record = *blank;
                bc_news_ask(&manifest, record);
                lawful = bc_record_compose(record, message) == 0;
                drops = bc_news_sift(&manifest) == 1;
                assert_int_equal(drops, !lawful);
                assert_int_equal(manifest.gaps + manifest.clocks + manifest.marks, !drops);
                assert_int_equal(bc_news_waits(&manifest), !drops);
                dropped += drops;
                kept += !drops;
                bc_manifest_done(&manifest);
        }
        assert_true(dropped > 1000 && kept > 1000);
        free(record);
        free(blank);
        free(message);
}

static void test_news_that_change(void **state)
{
        struct bc_record *record = calloc(1, sizeof(*record));
        struct bc_manifest manifest;

        (void)state;
        assert_non_null(record);
        bc_manifest_init(&manifest);
        record->index = 2;
        assert_non_null(bc_manifest_add_gap(&manifest, BC_GAP_MUTED, 100, BC_TICKS_UNKNOWN, 0));
        assert_false(bc_news_ask(&manifest, record));
        assert_int_equal(record->gaps, 1);
        // It came to nothing: again.
        bc_news_settle(&manifest, false);
        assert_false(bc_news_ask(&manifest, record));
        assert_int_equal(record->gaps, 1);
        // It ends while the record is under way: news again, though that is durable.
        assert_true(bc_manifest_end_gap(&manifest, BC_GAP_MUTED, 200));
        bc_news_settle(&manifest, true);
        assert_false(bc_news_ask(&manifest, record));
        assert_int_equal(record->gaps, 1);
        assert_int_equal(record->gap[0].to_ticks, 200);
        bc_news_settle(&manifest, true);
        bc_news_ask(&manifest, record);
        assert_int_equal(record->gaps, 0);
        // One that grows.
        assert_non_null(bc_manifest_add_gap(&manifest, BC_GAP_FRAMES_LOST, 300, 310, 2));
        bc_news_ask(&manifest, record);
        bc_news_settle(&manifest, true);
        assert_non_null(bc_manifest_add_gap(&manifest, BC_GAP_FRAMES_LOST, 320, 330, 3));
        bc_news_ask(&manifest, record);
        assert_int_equal(record->gaps, 1);
        assert_int_equal(record->gap[0].count, 5);
        assert_int_equal(record->gap[0].from_ticks, 300);
        assert_int_equal(record->gap[0].to_ticks, 330);
        bc_manifest_done(&manifest);
        free(record);
}

// ---- the range -------------------------------------------------------------------------------------------------

struct model {
        uint8_t file[1 << 18];
        size_t durable, covered, asked;
        struct { size_t at; int64_t first, end; } sample[4000];
        size_t samples;
        uint32_t index;
};

static void check_asked(const struct model *model, const struct bc_record *record, size_t end)
{
        int64_t first = BC_RECORD_UNKNOWN, last = BC_RECORD_UNKNOWN;
        uint8_t hash[BC_HASH_BYTES];

        assert_int_equal(record->offset, model->covered);
        assert_int_equal(record->bytes, end - model->covered);
        assert_int_equal(record->index, model->index + 1);
        assert_int_equal(bc_facts_hash(model->file + model->covered, end - model->covered, hash), 0);
        assert_memory_equal(hash, record->sha256, BC_HASH_BYTES);
        for (size_t i = 0; i < model->samples; i++)
                if (model->sample[i].at >= model->covered && model->sample[i].at < end) {
                        first = first == BC_RECORD_UNKNOWN ? model->sample[i].first : first;
                        last = model->sample[i].end;
                }
        assert_int_equal(record->tracks, 2);
        assert_int_equal(record->track[0].first_ticks, first);
        assert_int_equal(record->track[0].end_ticks, last);
        assert_int_equal(record->track[1].first_ticks, BC_RECORD_UNKNOWN);
}

// Any order of writes that succeed or fail, records that join, follow, fail.
static void play(uint32_t seed)
{
        struct model *model = calloc(1, sizeof(*model));
        struct bc_record *record = calloc(1, sizeof(*record));
        struct bc_proof proof;
        uint64_t ticks = 0;

        assert_true(model && record);
        assert_int_equal(bc_proof_init(&proof, 2), 0);
        for (int step = 0; step < 400; step++) {
                uint8_t *next = model->file + model->durable, hash[BC_HASH_BYTES], rest[BC_HASH_BYTES];
                size_t n = 10 + notary_random(&seed) % 300, box = 30 + notary_random(&seed) % 50;
                struct bc_sample sample[2] = { { .duration_ticks = 7 }, { .duration_ticks = 5 } };
                const struct bc_run run = { .track = 0, .decode_ticks = ticks, .sample = sample, .samples = 2 };
                const int64_t base = 1000;
                const bool telemetry = notary_random(&seed) % 5 == 0; // a fragment without a sample of the two tracks
                bool joins, written = notary_random(&seed) % 6 != 0, in_time;

                for (size_t i = 0; i < n + box; i++)
                        next[i] = (uint8_t)notary_random(&seed);
                switch (notary_random(&seed) % 3) {
                case 0: // a fragment, which a record may join
                        joins = !bc_proof_is_asked(&proof) && notary_random(&seed) % 2;
                        in_time = notary_random(&seed) % 2;
                        assert_int_equal(bc_proof_try(&proof, next, n, &run, telemetry ? 0 : 1, &base), 0);
                        if (joins) {
                                if (!telemetry)
                                        model->sample[model->samples++] = (__typeof__(model->sample[0])){ model->durable, base + (int64_t)ticks, base + (int64_t)ticks + 12 };
                                memset(record, 0, sizeof(*record));
                                assert_int_equal(bc_proof_ask(&proof, true, record), 0);
                                check_asked(model, record, model->durable + n);
                                model->asked = model->durable + n;
                                if (!telemetry)
                                        model->samples--;
                        }
                        if (!written) {
                                // The segment would be abandoned; here it is as if nothing had been tried.
                                if (joins) {
                                        bc_proof_forget(&proof);
                                        model->asked = 0;
                                }
                                break;
                        }
                        if (!telemetry)
                                model->sample[model->samples++] = (__typeof__(model->sample[0])){ model->durable, base + (int64_t)ticks, base + (int64_t)ticks + 12 };
                        ticks += telemetry ? 0 : 12;
                        assert_int_equal(bc_proof_wrote(&proof, next, n, step), 0);
                        model->durable += n;
                        if (joins && in_time) {
                                assert_int_equal(bc_proof_recorded(&proof, next + n, box), 0);
                                model->durable += box;
                                model->covered = model->asked;
                                model->asked = 0;
                                model->index++;
                        }
                        break;
                case 1: // one is asked for by itself
                        if (bc_proof_is_asked(&proof) || proof.since_ns == BC_NS_NEVER)
                                break;
                        memset(record, 0, sizeof(*record));
                        assert_int_equal(bc_proof_ask(&proof, false, record), 0);
                        check_asked(model, record, model->durable);
                        model->asked = model->durable;
                        break;
                case 2: // and comes, or does not
                        if (!bc_proof_is_asked(&proof))
                                break;
                        if (!written) {
                                bc_proof_forget(&proof);
                                model->asked = 0;
                                break;
                        }
                        assert_int_equal(bc_proof_recorded(&proof, next, box), 0);
                        model->durable += box;
                        model->covered = model->asked;
                        model->asked = 0;
                        model->index++;
                        break;
                }
                assert_int_equal(proof.durable, model->durable);
                assert_int_equal(proof.covered, model->covered);
                assert_int_equal(bc_proof_rest(&proof, rest), 0);
                assert_int_equal(bc_facts_hash(model->file + model->covered, model->durable - model->covered, hash), 0);
                assert_memory_equal(hash, rest, BC_HASH_BYTES);
                // Something waits exactly when there are samples behind what is covered.
                assert_int_equal(proof.since_ns != BC_NS_NEVER, model->samples > 0 && model->sample[model->samples - 1].at >= model->covered);
        }
        bc_proof_done(&proof);
        free(model);
        free(record);
}

static void test_ranges(void **state)
{
        uint32_t rounds = getenv("BC_LONG") ? 3000 : 150;

        (void)state;
        for (uint32_t seed = 1; seed <= rounds; seed++)
                play(seed * 2654435761u);
}

// ---- events ----------------------------------------------------------------------------------------------------

static void check_entry(const struct bc_ledger_entry *entry, enum bc_entry_kind kind, const char *expected)
{
        struct bc_cbor_reader reader = bc_cbor_reader_on(entry->details, entry->details_bytes);
        char text[1024] = "", *at = text;
        int64_t key;

        assert_int_equal(entry->time_ns, 77);
        assert_int_equal(entry->kind, kind);
        bc_cbor_enter_map(&reader);
        while (bc_cbor_get_key(&reader, &key)) {
                struct bc_cbor_item item = bc_cbor_get_plain(&reader);

                at += snprintf(at, 100, "%d=", (int)key);
                if (item.type == BC_CBOR_NULL)
                        at += snprintf(at, 100, "null ");
                else if (item.type == BC_CBOR_TEXT)
                        at += snprintf(at, 100, "'%.*s' ", (int)item.n, (const char *)item.bytes);
                else if (item.type == BC_CBOR_BYTES)
                        at += snprintf(at, 100, "%zu:%02x ", item.n, item.bytes[0]);
                else
                        at += snprintf(at, 100, "%s%lld ", item.type == BC_CBOR_BOOL ? "b" : "", (long long)item.number);
        }
        assert_true(bc_cbor_end(&reader));
        assert_string_equal(text, expected);
}

static void test_entries(void **state)
{
        const uint8_t hash[BC_HASH_BYTES] = { 0xab };
        const char *longest = "\xf0\x9f\x98\x80" "1234567890123456789012345678901234567890123456789012345678901234\n";
        struct bc_ledger_entry e;

        (void)state;
        bc_entry_start(&e, 77, true, 2, hash, BC_RECORD_UNKNOWN, 55, 2);
        check_entry(&e, 1, "1=b1 2=2 3=16:ab 4=null 5=55 6=2 ");
        bc_entry_start(&e, 77, false, 0, hash, 9, BC_RECORD_UNKNOWN, 0);
        check_entry(&e, 1, "1=b0 2=0 3=16:ab 4=9 5=null 6=0 ");
        bc_entry_stop(&e, 77, "why\x01");
        check_entry(&e, 2, "1='why?' ");
        bc_entry_life(&e, 77, "IDLE");
        check_entry(&e, 3, "1='IDLE' ");
        bc_entry_state(&e, 77, longest, longest, longest, longest);
        check_entry(&e, 4, "1='\xf0\x9f\x98\x80" "123456789012345678901234567890123456789012345678901234567890' "
                           "2='\xf0\x9f\x98\x80" "123456789012345678901234567890123456789012345678901234567890' "
                           "3='\xf0\x9f\x98\x80" "123456789012345678901234567890123456789012345678901234567890' "
                           "4='\xf0\x9f\x98\x80" "123456789012345678901234567890123456789012345678901234567890' ");
        bc_entry_beginning(&e, 77, 5, 6);
        check_entry(&e, 5, "1=5 2=6 ");
        bc_entry_closing(&e, 77, 5, 6, NULL);
        check_entry(&e, 6, "1=5 2=6 3=null ");
        bc_entry_closing(&e, 77, 5, 6, hash);
        check_entry(&e, 6, "1=5 2=6 3=32:ab ");
        bc_entry_recovery(&e, 77, 5, 6, hash);
        check_entry(&e, 7, "1=5 2=6 3=32:ab ");
        bc_entry_giving_up(&e, 77, 5, "it");
        check_entry(&e, 8, "1=5 2='it' ");
        bc_entry_gap(&e, 77, 5, 4, 3, BC_RECORD_UNKNOWN);
        check_entry(&e, 9, "1=5 2=4 3=3 4=null ");
        bc_entry_mute(&e, 77, true, "me");
        check_entry(&e, 10, "1=b1 2='me' ");
        bc_entry_stealth(&e, 77, false, "me");
        check_entry(&e, 11, "1=b0 2='me' ");
        bc_entry_clock(&e, 77, BC_UTC_NONE, 5, BC_RECORD_UNKNOWN);
        check_entry(&e, 12, "1=0 2=null 3=null ");
        bc_entry_clock(&e, 77, BC_UTC_GNSS, 5, -6);
        check_entry(&e, 12, "1=3 2=5 3=-6 ");
        bc_entry_settings(&e, 77, hash);
        check_entry(&e, 13, "1=32:ab ");
        bc_entry_alarm(&e, 77, "");
        check_entry(&e, 14, "1='' ");
        bc_entry_rollback(&e, 77, 1, NULL, 2, hash);
        check_entry(&e, 15, "1=1 2=null 3=2 4=32:ab ");
        bc_entry_key(&e, 77, hash);
        check_entry(&e, 16, "1=32:ab ");
        bc_entry_flood(&e, 77, BC_ENTRY_ALARM, 300);
        check_entry(&e, 17, "1=14 2=300 ");
}

// ---- the anchor ------------------------------------------------------------------------------------------------

static struct bc_anchor_state state_of(uint64_t n)
{
        struct bc_anchor_state state = { .epoch = n, .sequence = n + 1, .recording = n + 2, .segment = (uint32_t)n + 3, .index = (uint32_t)n + 4,
                                         .tail_ns = (int64_t)n + 5, .boot = n + 6, .counter = n + 7 };

        memset(state.hash, (int)n + 8, sizeof(state.hash));
        memset(state.tail_hash, (int)n + 9, sizeof(state.tail_hash));
        return state;
}

// 1: it was damaged.
static int open_anchor(const char *path, struct bc_anchor **ret_anchor, struct bc_anchor_state *ret_state)
{
        struct bc_anchor_found found;
        char text[256];
        int r = bc_anchor_open(path, false, text, sizeof(text), ret_anchor, &found);

        if (r < 0)
                return r;
        *ret_state = found.state;
        return found.damaged;
}

// A medium that tears a write loses the whole block, and nothing but it.
static void check_lost_block(int fd, const char *path, const uint8_t *bytes, size_t size)
{
        for (size_t at = 0; at < size; at += 4096) {
                struct bc_anchor_state got, expected = state_of(at == 4096 ? 7 : 8);
                uint8_t *torn = malloc(size);
                struct bc_anchor *anchor;

                assert_non_null(torn);
                memcpy(torn, bytes, size);
                memset(torn + at, 0xff, 4096);
                folder_write(fd, "anchor", torn, size);
                assert_int_equal(open_anchor(path, &anchor, &got), 0);
                assert_memory_equal(&got, &expected, sizeof(got));
                bc_anchor_free(anchor);
                free(torn);
        }
}

// What is no anchor is said to be none, and kept; what is no file is refused.
static void check_damage(int fd, const char *path, const uint8_t *bytes, size_t size)
{
        const struct bc_anchor_state nothing = { 0 };
        uint8_t zeros[BC_ANCHOR_BYTES] = { 0 };
        struct bc_anchor_state got;
        struct bc_anchor *anchor;

        for (int i = 0; i < 3; i++) {
                size_t kept;
                char *aside;

                folder_write(fd, "anchor", i == 0 ? bytes : zeros, i == 0 ? size - 1 : i == 1 ? 0 : size);
                assert_int_equal(open_anchor(path, &anchor, &got), 1);
                assert_memory_equal(&got, &nothing, sizeof(got));
                bc_anchor_free(anchor);
                aside = folder_read(fd, "anchor.damaged", &kept);
                assert_int_equal(kept, i == 0 ? size - 1 : i == 1 ? 0 : size);
                free(aside);
                assert_int_equal(open_anchor(path, &anchor, &got), 0);
                bc_anchor_free(anchor);
        }
        assert_int_equal(unlinkat(fd, "anchor", 0), 0);
        assert_int_equal(mkfifoat(fd, "anchor", 0600), 0);
        assert_int_equal(open_anchor(path, &anchor, &got), -EINVAL);
        assert_int_equal(unlinkat(fd, "anchor", 0), 0);
        assert_int_equal(symlinkat("/dev/zero", fd, "anchor"), 0);
        assert_int_equal(open_anchor(path, &anchor, &got), -ELOOP);
}

static void test_anchor(void **state)
{
        char folder[FOLDER_PATH_BYTES], path[FOLDER_PATH_BYTES + 16];
        struct bc_anchor_state got, expected;
        struct bc_anchor *anchor;
        uint8_t *bytes;
        size_t size;
        int fd;

        (void)state;
        folder_make(folder);
        fd = folder_open(folder);
        snprintf(path, sizeof(path), "%s/anchor", folder);
        assert_int_equal(open_anchor("anchor", &anchor, &got), -EINVAL);
        assert_int_equal(open_anchor("/nowhere/at/all", &anchor, &got), -ENOENT);
        assert_int_equal(open_anchor(folder, &anchor, &got), -EISDIR);
        assert_int_equal(open_anchor(path, &anchor, &got), 0);
        expected = (struct bc_anchor_state){ 0 };
        assert_memory_equal(&got, &expected, sizeof(got));
        // Each write counts, however often it is opened.
        for (uint64_t n = 1; n < 9; n++) {
                expected = state_of(n);
                assert_int_equal(bc_anchor_write(anchor, &expected, BC_ANCHOR_LIGHT, 0, NULL, 0), 0);
                if (n % 2 || n > 5) {
                        bc_anchor_free(anchor);
                        assert_int_equal(open_anchor(path, &anchor, &got), 0);
                        assert_memory_equal(&got, &expected, sizeof(got));
                }
        }
        bc_anchor_free(anchor);
        // Torn at every byte: from any place in the newer slot on there is something else. The older one counts, or the newer one if
        // the last bytes happen to be the same.
        bytes = (uint8_t *)folder_read(fd, "anchor", &size);
        assert_int_equal(size, BC_ANCHOR_BYTES);
        for (size_t slot = 0; slot < 2; slot++)
                for (size_t at = 0; at < BC_ANCHOR_SLOT_BYTES; at++) {
                        uint8_t torn[BC_ANCHOR_BYTES];
                        const bool newer = slot == 1; // turn 9: the first was written when it was made

                        memcpy(torn, bytes, sizeof(torn));
                        for (size_t i = at; i < BC_ANCHOR_SLOT_BYTES; i++)
                                torn[slot * BC_ANCHOR_BLOCK_BYTES + i] = (uint8_t)~torn[slot * BC_ANCHOR_BLOCK_BYTES + i];
                        folder_write(fd, "anchor", torn, sizeof(torn));
                        assert_int_equal(open_anchor(path, &anchor, &got), 0);
                        expected = state_of(newer ? 7 : 8);
                        assert_memory_equal(&got, &expected, sizeof(got));
                        // And the next write heals it.
                        expected = state_of(20);
                        assert_int_equal(bc_anchor_write(anchor, &expected, BC_ANCHOR_LIGHT, 0, NULL, 0), 0);
                        bc_anchor_free(anchor);
                        assert_int_equal(open_anchor(path, &anchor, &got), 0);
                        assert_memory_equal(&got, &expected, sizeof(got));
                        bc_anchor_free(anchor);
                }
        check_lost_block(fd, path, bytes, size);
        check_damage(fd, path, bytes, size);
        free(bytes);
        close(fd);
        folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_more_than_one_record_takes), cmocka_unit_test(test_the_largest_record_fits),
                cmocka_unit_test(test_news_that_are_wrong),
                cmocka_unit_test(test_news_that_change),           cmocka_unit_test(test_ranges),
                cmocka_unit_test(test_entries),                    cmocka_unit_test(test_anchor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
