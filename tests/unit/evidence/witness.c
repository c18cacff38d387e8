// SPDX-License-Identifier: EUPL-1.2
#include "witness.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "format/finalise.h"
#include "format/scan.h"

struct reading {
        struct witness *witness;
        struct witness_segment *segment;
        const struct notary *notary;
        uint64_t recording;
        const uint8_t *first;
        struct bc_init init;
        struct bc_init_layout layout;
        uint8_t *raw;
        struct bc_record record;
        struct bc_record_message message;
};

bool witness_recognises(const struct notary *notary, const struct bc_record *record, const struct bc_record_message *message)
{
        uint8_t bytes[BC_RECORD_BYTES_MAX + 64];
        BIGNUM *r = BN_bin2bn(message->signature.bytes, 32, NULL), *s = BN_bin2bn(message->signature.bytes + 32, 32, NULL);
        ECDSA_SIG *pair = ECDSA_SIG_new();
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        unsigned char *der = NULL;
        size_t n;
        int der_bytes, r2;

        assert_int_equal(record->algorithm, BC_RECORD_ES256);
        assert_int_equal(message->signature.n, 64);
        assert_int_equal(ECDSA_SIG_set0(pair, r, s), 1);
        der_bytes = i2d_ECDSA_SIG(pair, &der);
        assert_int_equal(bc_record_to_be_signed(message, bytes, sizeof(bytes), &n), 0);
        assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, notary->device.key), 1);
        r2 = EVP_DigestVerify(context, der, (size_t)der_bytes, bytes, n);
        OPENSSL_free(der);
        ECDSA_SIG_free(pair);
        EVP_MD_CTX_free(context);
        return r2 == 1;
}

static void hash_of(const uint8_t *bytes, size_t n, uint8_t ret_hash[BC_HASH_BYTES])
{
        assert_int_equal(EVP_Digest(bytes, n, ret_hash, NULL, EVP_sha256(), NULL), 1);
}

static int read_segment(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct reading *reading = user;

        assert_true(offset <= reading->segment->size && n <= reading->segment->size - offset);
        memcpy(bytes, reading->raw + offset, n);
        return 0;
}

static int on_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        struct reading *reading = user;
        struct witness_extent *extent = &reading->segment->extent[reading->segment->extents++];

        assert_true(reading->segment->extents <= WITNESS_RECORDS_MAX);
        extent->offset = offset;
        for (size_t i = 0; i < BC_TRACKS_MAX; i++)
                extent->track[i].first_ticks = extent->track[i].end_ticks = BC_RECORD_UNKNOWN;
        for (size_t i = 0; i < fragment->runs; i++) {
                const struct bc_run *run = &fragment->run[i];
                struct bc_record_span *span = &extent->track[run->track];

                span->first_ticks = span->end_ticks = (int64_t)run->decode_ticks; // the track's begin is added later
                for (size_t k = 0; k < run->samples; k++)
                        span->end_ticks += run->sample[k].duration_ticks;
        }
        return 0;
}

static int on_record(void *user, uint64_t offset, uint32_t bytes)
{
        struct reading *reading = user;
        struct witness_segment *segment = reading->segment;
        struct witness_record *record = &segment->record[segment->records++];

        assert_true(segment->records <= WITNESS_RECORDS_MAX);
        *record = (struct witness_record){ .at = offset, .end = offset + bytes };
        return 0;
}

static void note_gap(struct witness *witness, const struct bc_record_gap *gap)
{
        for (size_t i = 0; i < witness->gaps; i++)
                if (witness->gap[i].kind == gap->kind && witness->gap[i].from_ticks == gap->from_ticks) {
                        witness->gap[i] = *gap;
                        return;
                }
        assert_true(witness->gaps < WITNESS_GAPS_MAX);
        witness->gap[witness->gaps++] = *gap;
}

// The samples that a record speaks of are those of the fragments in its range.
static void check_spans(const struct reading *reading, const struct bc_record *record)
{
        assert_int_equal(record->tracks, reading->init.tracks);
        for (size_t i = 0; i < record->tracks; i++) {
                int64_t first = BC_RECORD_UNKNOWN, end = BC_RECORD_UNKNOWN;

                for (size_t k = 0; k < reading->segment->extents; k++) {
                        const struct witness_extent *extent = &reading->segment->extent[k];

                        if (extent->offset < record->offset || extent->offset >= record->offset + record->bytes ||
                            extent->track[i].first_ticks == BC_RECORD_UNKNOWN)
                                continue;
                        if (first == BC_RECORD_UNKNOWN)
                                first = extent->track[i].first_ticks;
                        end = extent->track[i].end_ticks;
                }
                if (record->track[i].first_ticks != first || record->track[i].end_ticks != end)
                        fail_msg("segment %u record %u track %zu: says %lld to %lld, is %lld to %lld", record->segment, record->index, i,
                                 (long long)record->track[i].first_ticks, (long long)record->track[i].end_ticks, (long long)first,
                                 (long long)end);
        }
}

static void check_beginning(struct reading *reading, const struct bc_record *record)
{
        struct witness *witness = reading->witness;
        struct witness_segment *before = witness->segments > 1 ? witness->segment[witness->segments - 2] : NULL;
        const struct witness_record *last = NULL;
        uint8_t hash[BC_HASH_BYTES];

        assert_int_equal(record->chain_count, 2);
        assert_int_equal(record->chain[0].n, reading->notary->certificate[0].n);
        assert_memory_equal(record->chain[0].bytes, reading->notary->certificate[0].bytes, record->chain[0].n);
        assert_int_equal(record->head_bytes, reading->layout.bytes);
        assert_int_equal(record->base_ticks, reading->init.label.base_ticks);
        assert_memory_equal(record->boot_id, reading->init.label.boot_id, BC_BOOT_ID_BYTES);
        assert_false(record->sealed);
        if (!before) {
                assert_int_equal(record->succeeds_count, 0);
                if (reading->first)
                        assert_memory_equal(record->prev, reading->first, BC_HASH_BYTES);
                return;
        }
        for (size_t n = record->succeeds_count; n-- > 0;) {
                const struct bc_record_abandoned *stated = &record->succeeds[n];
                uint64_t covered = 0;

                assert_null(last); // one that has a record states those before it itself
                for (size_t i = witness->segments - 1; i-- > 0;) {
                        before = witness->segment[i];
                        if (before->number == stated->segment)
                                break;
                }
                assert_int_equal(stated->segment, before->number);
                before->abandoned = true;
                before->end = stated->end;
                for (size_t i = 0; i < before->records; i++)
                        if (before->record[i].end <= before->end) {
                                last = &before->record[i];
                                covered = last->covered;
                        }
                assert_true(before->end <= before->size);
                assert_int_equal(stated->offset, covered);
                hash_of(before->bytes + covered, before->end - covered, hash);
                assert_memory_equal(hash, stated->sha256, BC_HASH_BYTES);
        }
        if (record->succeeds_count == 0) {
                last = before->records ? &before->record[before->records - 1] : NULL;
                if (!last || last->kind < BC_RECORD_CONTINUES)
                        fail_msg("segment %u has no end, and segment %u does not say so", before->number, record->segment);
        }
        if (last && memcmp(record->prev, last->hash, BC_HASH_BYTES) != 0)
                fail_msg("segment %u does not hang on segment %u", record->segment, before->number);
        // One without a record says nothing of the one before it: any earlier record.
        for (size_t i = 0; i + 1 < witness->segments && !last; i++)
                for (size_t k = 0; k < witness->segment[i]->records && !last; k++)
                        if (!memcmp(record->prev, witness->segment[i]->record[k].hash, BC_HASH_BYTES))
                                last = &witness->segment[i]->record[k];
        if (!last && reading->first)
                assert_memory_equal(record->prev, reading->first, BC_HASH_BYTES);
}

static void judge_record(struct reading *reading, size_t n)
{
        struct witness *witness = reading->witness;
        struct witness_segment *segment = reading->segment;
        struct witness_record *note = &segment->record[n];
        struct bc_record *record = &reading->record;
        uint8_t hash[BC_HASH_BYTES];
        char text[128] = "";
        size_t at = 0;

        if (bc_record_parse(segment->bytes + note->at, note->end - note->at, record, &reading->message, text, sizeof(text), &at) < 0)
                fail_msg("segment %u: no record at %llu: %s at %zu", segment->number, (unsigned long long)note->at, text, at);
        assert_true(witness_recognises(reading->notary, record, &reading->message));
        assert_string_equal(record->device, NOTARY_DEVICE);
        assert_memory_equal(record->x5t, reading->notary->x5t, BC_HASH_BYTES);
        assert_int_equal(record->recording, reading->recording);
        assert_int_equal(record->segment, segment->number);
        assert_int_equal(record->index, n + 1);
        assert_int_equal(record->offset, n ? segment->record[n - 1].covered : 0);
        note->kind = record->kind;
        note->covered = record->offset + record->bytes;
        note->signed_ns = record->signed_ns;
        hash_of(segment->bytes + note->at, note->end - note->at, note->hash);
        memcpy(note->prev, record->prev, BC_HASH_BYTES);
        assert_true(note->covered <= note->at);
        if (record->kind != BC_RECORD_FRAGMENT)
                assert_int_equal(note->covered, note->at);
        witness->covers += note->covered == note->at;
        hash_of(segment->bytes + record->offset, record->bytes, hash);
        assert_memory_equal(hash, record->sha256, BC_HASH_BYTES);
        check_spans(reading, record);
        if (n > 0) {
                assert_memory_equal(record->prev, segment->record[n - 1].hash, BC_HASH_BYTES);
                assert_int_equal(record->chain_count, 0);
        } else {
                check_beginning(reading, record);
        }
        memcpy(note->track, record->track, sizeof(note->track));
        for (size_t i = 0; i < record->gaps; i++)
                note_gap(witness, &record->gap[i]);
        for (size_t i = 0; i < record->marks; i++) {
                assert_true(witness->marks < WITNESS_GAPS_MAX);
                witness->mark_place[witness->marks] = (struct witness_place){ segment, note->at };
                witness->mark[witness->marks++] = record->mark[i];
        }
        for (size_t i = 0; i < record->clocks; i++) {
                assert_true(witness->clocks < WITNESS_GAPS_MAX);
                witness->clock_place[witness->clocks] = (struct witness_place){ segment, note->at };
                witness->clock[witness->clocks++] = record->clock[i];
        }
        witness->records++;
        witness->by_kind[record->kind]++;
        witness->last = *record;
        if (record->kind == BC_RECORD_RECOVERED) {
                witness->recovered[witness->segments - 1] = malloc(sizeof(*record));
                assert_non_null(witness->recovered[witness->segments - 1]);
                *witness->recovered[witness->segments - 1] = *record;
        }
}

static void check_end(const struct reading *reading, const struct bc_scan *scan)
{
        const struct witness_segment *segment = reading->segment;
        const struct bc_record *record = &reading->record;
        const struct witness_record *last = segment->records ? &segment->record[segment->records - 1] : NULL;
        uint8_t hash[BC_HASH_BYTES];

        for (size_t i = 0; i + 1 < segment->records; i++)
                assert_int_equal(segment->record[i].kind, BC_RECORD_FRAGMENT);
        if (!last || last->kind == BC_RECORD_FRAGMENT)
                return;
        assert_int_equal(last->end, segment->boxes_end);
        if (!segment->finished)
                return;
        assert_int_equal(record->moov_bytes, segment->size - segment->boxes_end);
        assert_int_equal(record->moov_bytes, scan->moov_bytes);
        hash_of(segment->bytes + segment->boxes_end, segment->size - segment->boxes_end, hash);
        assert_memory_equal(hash, record->moov_sha256, BC_HASH_BYTES);
}

static void read_one(struct reading *reading, int folder_fd, const char *file)
{
        struct witness_segment *segment = reading->segment;
        struct bc_scan_source source = { .read = read_segment, .on_record = on_record, .on_fragment = on_fragment, .user = reading };
        struct bc_scan scan;

        reading->raw = (uint8_t *)folder_read(folder_fd, file, &segment->size);
        source.size = segment->size;
        if (bc_scan_file(&source, &scan) < 0)
                fail_msg("%s has no head", file);
        reading->init = scan.init;
        reading->layout = scan.layout;
        segment->finished = bc_scan_finished(&scan);
        segment->boxes_end = scan.boxes_end;
        segment->bytes = reading->raw;
        for (size_t i = 0; i < segment->extents; i++)
                for (size_t t = 0; t < scan.init.tracks; t++)
                        if (segment->extent[i].track[t].first_ticks != BC_RECORD_UNKNOWN) {
                                segment->extent[i].track[t].first_ticks += scan.init.label.base_ticks + scan.init.track[t].start_ticks;
                                segment->extent[i].track[t].end_ticks += scan.init.label.base_ticks + scan.init.track[t].start_ticks;
                        }
        bc_finalise_unpatch(&scan.layout, segment->bytes + scan.layout.moov_offset);
        for (size_t i = 0; i < segment->records; i++)
                judge_record(reading, i);
        check_end(reading, &scan);
        bc_scan_done(&scan);
}

static bool has_record(const struct witness_segment *segment)
{
        return segment->records > 0 && (!segment->abandoned || segment->record[0].end <= segment->end);
}

// Each segment ends with a record, or the next one that has a record states how far it counts.
static void check_ends(const struct witness *witness)
{
        size_t in_a_row = 0; // a record can name so many

        for (size_t i = witness->segments; i-- > 0;) {
                const struct witness_segment *segment = witness->segment[i];
                bool ended = segment->records && segment->record[segment->records - 1].kind != BC_RECORD_FRAGMENT, followed = false;

                for (size_t k = i + 1; k < witness->segments; k++)
                        followed |= has_record(witness->segment[k]);
                if (followed && !ended && !segment->abandoned && in_a_row < BC_RECORD_SUCCEEDS_MAX)
                        fail_msg("segment %u has no end, and none behind it says so", segment->number);
                in_a_row = ended ? 0 : in_a_row + 1;
        }
}

static bool is_stated(const struct witness *witness, int64_t from, int64_t to)
{
        for (size_t i = 0; i < witness->gaps; i++) {
                const struct bc_record_gap *gap = &witness->gap[i];

                if (gap->from_ticks <= from && (gap->to_ticks == BC_RECORD_UNKNOWN || gap->to_ticks >= to))
                        return true;
        }
        return false;
}

// Picture and sound go on without a hole that nobody declared, by the fragments that count.
static void check_time(const struct witness *witness)
{
        for (size_t t = 0; t < 2; t++) {
                int64_t end = BC_RECORD_UNKNOWN, slack = t == 0 ? 0 : 2048; // two units of sound

                for (size_t i = 0; i < witness->segments; i++) {
                        const struct witness_segment *segment = witness->segment[i];

                        for (size_t k = 0; k < segment->extents; k++) {
                                const struct bc_record_span *span = &segment->extent[k].track[t];

                                if (span->first_ticks == BC_RECORD_UNKNOWN || (segment->abandoned && segment->extent[k].offset >= segment->end))
                                        continue;
                                if (end != BC_RECORD_UNKNOWN && span->first_ticks > end + slack &&
                                    !is_stated(witness, end + slack, span->first_ticks - slack))
                                        fail_msg("segment %u track %zu: a hole from %lld to %lld that nobody stated", segment->number, t,
                                                 (long long)end, (long long)span->first_ticks);
                                end = span->end_ticks;
                        }
                }
        }
}

// A record that its successor says was not durable has no say, nor does one of which nobody says whether it was.
static bool counts(const struct witness_place *place)
{
        return place->segment->abandoned ? place->at < place->segment->end : place->segment->finished;
}

// Who reads records takes a mark and a clock that two of them state for two.
static bool are_two(const struct witness_place *a, const struct witness_place *b)
{
        return (a->segment != b->segment || a->at != b->at) && counts(a) && counts(b);
}

static void check_once(const struct witness *witness)
{
        for (size_t i = 0; i < witness->marks; i++)
                for (size_t k = 0; k < i; k++)
                        if (witness->mark[i].ticks == witness->mark[k].ticks && strcmp(witness->mark[i].text, witness->mark[k].text) == 0 &&
                            are_two(&witness->mark_place[i], &witness->mark_place[k]))
                                fail_msg("segments %u and %u both state the mark at %lld", witness->mark_place[k].segment->number,
                                         witness->mark_place[i].segment->number, (long long)witness->mark[i].ticks);
        for (size_t i = 0; i < witness->clocks; i++)
                for (size_t k = 0; k < i; k++)
                        if (witness->clock[i].from_ticks == witness->clock[k].from_ticks &&
                            are_two(&witness->clock_place[i], &witness->clock_place[k]))
                                fail_msg("segments %u and %u both state the clock at %lld", witness->clock_place[k].segment->number,
                                         witness->clock_place[i].segment->number, (long long)witness->clock[i].from_ticks);
}

static void check_manifest(const struct witness *witness, int folder_fd)
{
        struct bc_manifest manifest;

        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, folder_fd), 0);
        for (size_t i = 0; i < manifest.gaps; i++) {
                const struct bc_manifest_gap *gap = &manifest.gap[i];
                bool stated = false;

                for (size_t k = 0; k < witness->gaps && !stated; k++)
                        stated = witness->gap[k].kind == (uint32_t)gap->kind + 1 && witness->gap[k].from_ticks == gap->from_ticks &&
                                 witness->gap[k].to_ticks == (gap->to_ticks == BC_TICKS_UNKNOWN ? BC_RECORD_UNKNOWN : gap->to_ticks) &&
                                 witness->gap[k].count == (gap->count ? gap->count : 1);
                if (!stated)
                        fail_msg("gap %zu of the manifest (kind %d, %lld to %lld, %llu) is stated in no record", i, gap->kind,
                                 (long long)gap->from_ticks, (long long)gap->to_ticks, (unsigned long long)gap->count);
        }
        for (size_t i = 0; i < manifest.marks; i++) {
                bool stated = false;

                for (size_t k = 0; k < witness->marks && !stated; k++)
                        stated = witness->mark[k].ticks == manifest.mark[i].ticks && !strcmp(witness->mark[k].text, manifest.mark[i].text);
                assert_true(stated);
        }
        assert_true(witness->clocks >= manifest.clocks);
        // Recovery goes by the manifest where the successor that states it is lost.
        for (size_t i = 0; i < witness->segments; i++)
                if (witness->segment[i]->abandoned)
                        assert_int_equal(bc_manifest_find_segment(&manifest, witness->segment[i]->number)->bytes, witness->segment[i]->end);
        bc_manifest_done(&manifest);
}

static void check_rules(const struct witness *witness, int folder_fd, unsigned rules)
{
        for (size_t i = 0; i < witness->segments; i++) {
                const struct witness_segment *segment = witness->segment[i];
                bool ended = segment->records && segment->record[segment->records - 1].kind != BC_RECORD_FRAGMENT;

                if (rules & WITNESS_CLOSED && !segment->abandoned && !(segment->finished && ended))
                        fail_msg("segment %u is not finished", segment->number);
                if (rules & WITNESS_ENDED && !(segment->finished && ended))
                        fail_msg("segment %u has no end", segment->number);
        }
        if (rules & WITNESS_CLOSED) {
                assert_int_equal(witness->last.kind, BC_RECORD_CLOSE);
                assert_int_equal(witness->last.ended.segments, witness->segments);
        }
        check_once(witness);
        if (rules & WITNESS_GAPS)
                check_manifest(witness, folder_fd);
}

struct witness *witness_read(int recordings_fd, const char *name, const struct notary *notary, uint64_t recording, const uint8_t *first,
                             unsigned rules)
{
        struct witness *witness = calloc(1, sizeof(*witness));
        struct reading *reading = calloc(1, sizeof(*reading));
        int folder_fd = openat(recordings_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_non_null(witness);
        assert_non_null(reading);
        assert_true(folder_fd >= 0);
        reading->witness = witness;
        reading->notary = notary;
        reading->recording = recording;
        reading->first = first;
        for (uint32_t number = 1; number < 200; number++) {
                char file[BC_SEGMENT_NAME_BYTES_MAX];

                bc_segment_name(number, file);
                if (!folder_has(folder_fd, file))
                        continue;
                assert_true(witness->segments < WITNESS_SEGMENTS_MAX);
                reading->segment = calloc(1, sizeof(*reading->segment));
                assert_non_null(reading->segment);
                reading->segment->number = number;
                witness->segment[witness->segments++] = reading->segment;
                read_one(reading, folder_fd, file);
        }
        check_time(witness);
        check_ends(witness);
        check_rules(witness, folder_fd, rules);
        close(folder_fd);
        free(reading);
        return witness;
}

void witness_free(struct witness *witness)
{
        for (size_t i = 0; i < witness->segments; i++) {
                free(witness->segment[i]->bytes);
                free(witness->segment[i]);
                free(witness->recovered[i]);
        }
        free(witness);
}
