// SPDX-License-Identifier: EUPL-1.2
// An attack is not just seen, but said for what it is: the verdict, which is the program's exit status, the kind of finding, and where in
// the file.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared_trial.h"

#define WORDS "IPPaatg R IPPaatg R IPPaatg X F"

static struct forge *forge;
static struct forge_segment *segment;

static int set_up(void **state)
{
        (void)state;
        trial_init(&trial);
        forge = forge_new(&trial.identity, 0);
        segment = forge_write(forge, WORDS);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        forge_free(forge);
        trial_done(&trial);
        return 0;
}

// Offset of the n-th box of a kind.
static uint64_t at(enum forge_box box, size_t n)
{
        for (size_t i = 0; i < segment->boxes; i++)
                if (segment->box[i] == box && n-- == 0)
                        return segment->box_at[i];
        fail();
        return 0;
}

static size_t bytes_of(uint64_t offset)
{
        for (size_t i = 0; i < segment->boxes; i++)
                if (segment->box_at[i] == offset)
                        return (size_t)(segment->box_at[i + 1] - offset);
        fail();
        return 0;
}

static void check(struct trial_bytes made, enum bc_verdict verdict, enum bc_finding_code code, uint64_t offset)
{
        trial_expect_at(&trial, trial_file(&trial, made.bytes, made.n), verdict, code, offset);
        trial_bytes_done(&made);
}

static struct trial_bytes with(uint64_t offset, const void *bytes, size_t n)
{
        struct trial_bytes made = trial_copy(segment);

        assert_true(offset + n <= made.n);
        memcpy(made.bytes + offset, bytes, n);
        return made;
}

static struct trial_bytes flipped(uint64_t offset)
{
        const uint8_t other = segment->bytes[offset] ^ 0x20;

        return with(offset, &other, 1);
}

static struct trial_bytes cut(uint64_t offset)
{
        return trial_splice(segment, offset, segment->size - offset, NULL, 0);
}

// ---- flips -------------------------------------------------------------------------------------------------------

// The range of record 1 begins at 0, each further one with the record before it.
static uint64_t range_of(size_t fragment)
{
        return fragment == 0 ? 0 : at(FORGE_RECORD, fragment - 1);
}

static void check_sample(size_t from_the_end)
{
        for (size_t i = 0; i < 3; i++) {
                uint64_t fragment = at(FORGE_FRAGMENT, i);
                check(flipped(fragment + bytes_of(fragment) - from_the_end), BC_VERDICT_TAMPERED, BC_FINDING_HASH, range_of(i));
        }
}

// The samples lie at a fragment's end: pictures of 3 times 90 bytes, sound 2 times 17, text 25, position 40.
static void test_flip_in_picture(void **state)
{
        (void)state;
        check_sample(40 + 25 + 34 + 1);
        check_sample(40 + 25 + 34 + 270);
}

static void test_flip_in_sound(void **state)
{
        (void)state;
        check_sample(40 + 25 + 1);
        check_sample(40 + 25 + 34);
}

static void test_flip_in_text(void **state)
{
        (void)state;
        check_sample(40 + 1);
        check_sample(40 + 25);
}

static void test_flip_in_position(void **state)
{
        (void)state;
        check_sample(1);
        check_sample(40);
}

// A picture that lasts longer: the time of the fragments is not that of their record, or not the one of a lawful fragment at all.
static void test_flip_in_timing(void **state)
{
        static const uint8_t duration[] = { 0, 0, 0x06, 0x40 }; // 1600 ticks

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                uint64_t fragment = at(FORGE_FRAGMENT, i);
                const uint8_t *found = memmem(segment->bytes + fragment, bytes_of(fragment), duration, 4);
                assert_non_null(found);
                check(flipped((uint64_t)(found - segment->bytes) + 3), BC_VERDICT_TAMPERED, BC_FINDING_TIME, at(FORGE_RECORD, i));
        }
}

static void test_flip_in_parameter_sets(void **state)
{
        const uint8_t *found = memmem(segment->bytes, segment->size, "avcC", 4);

        (void)state;
        assert_non_null(found);
        check(flipped((uint64_t)(found - segment->bytes) + 24), BC_VERDICT_TAMPERED, BC_FINDING_HASH, 0);
}

static void test_flip_in_label(void **state)
{
        const uint8_t *found = memmem(segment->bytes, segment->size, "BC-0042-000017", 14);

        (void)state;
        assert_non_null(found);
        struct trial_bytes made = with((uint64_t)(found - segment->bytes), "BC-0042-000018", 14);
        check(made, BC_VERDICT_TAMPERED, BC_FINDING_LABEL, at(FORGE_RECORD, 0));
}

static void test_flip_in_final_moov(void **state)
{
        (void)state;
        check(flipped(at(FORGE_MOOV, 0) + 200), BC_VERDICT_TAMPERED, BC_FINDING_MOOV, at(FORGE_MOOV, 0));
}

// ---- cuts, drops, replays ----------------------------------------------------------------------------------------

static void test_fragment_dropped(void **state)
{
        uint64_t fragment = at(FORGE_FRAGMENT, 1);
        size_t n = bytes_of(fragment);

        (void)state;
        check(trial_splice(segment, fragment, n, NULL, 0), BC_VERDICT_TAMPERED, BC_FINDING_COVERAGE, at(FORGE_RECORD, 1) - n);
}

static void test_fragment_doubled(void **state)
{
        uint64_t fragment = at(FORGE_FRAGMENT, 1);
        size_t n = bytes_of(fragment);

        (void)state;
        trial_expect(&trial, trial_file(&trial, segment->bytes, segment->size), BC_VERDICT_AUTHENTIC);
        // Its times are those of the one before it: not a fragment that may stand there.
        check(trial_splice(segment, fragment, 0, segment->bytes + fragment, n), BC_VERDICT_TAMPERED, BC_FINDING_COVERAGE, fragment + n);
}

static void test_record_dropped(void **state)
{
        uint64_t record = at(FORGE_RECORD, 1);
        size_t n = bytes_of(record);

        (void)state;
        check(trial_splice(segment, record, n, NULL, 0), BC_VERDICT_TAMPERED, BC_FINDING_CHAIN, at(FORGE_RECORD, 2) - n);
}

static void test_record_replayed(void **state)
{
        uint64_t record = at(FORGE_RECORD, 1);
        size_t n = bytes_of(record);

        (void)state;
        check(trial_splice(segment, record + n, 0, segment->bytes + record, n), BC_VERDICT_TAMPERED, BC_FINDING_CHAIN, record + n);
}

static void test_record_of_another_recording(void **state)
{
        struct forge *other = forge_new(&trial.identity, 0);
        uint64_t record = at(FORGE_RECORD, 1);

        (void)state;
        other->recording = 18;
        const struct forge_segment *from = forge_write(other, WORDS);
        assert_int_equal(from->size, segment->size);
        check(with(record, from->bytes + record, bytes_of(record)), BC_VERDICT_TAMPERED, BC_FINDING_CHAIN, record);
        forge_free(other);
}

// Another device of the same authority, with a certificate as good as this one's.
static void test_other_device_of_the_same_authority(void **state)
{
        struct forge_identity other = trial.identity;
        uint64_t fragment = at(FORGE_FRAGMENT, 1);

        (void)state;
        other.device = forge_certify(
                &(struct forge_want){ .name = "Body camera", .device = "BC-0043", .issuer = &trial.identity.issuer });
        struct forge *theirs = forge_new(&other, 0);
        memcpy(theirs->device, "BC-0043", 8);
        const struct forge_segment *from = forge_write(theirs, WORDS);
        trial_expect(&trial, trial_file(&trial, from->bytes, from->size), BC_VERDICT_AUTHENTIC); // by itself
        // Their fragment and record in ours: with the device's name as it is, and from a device that takes ours. Theirs lie elsewhere, for
        // certificates differ in length.
        size_t n = bytes_of(fragment) + bytes_of(at(FORGE_RECORD, 1));
        uint64_t there = from->size - (segment->size - fragment);
        check(with(fragment, from->bytes + there, n), BC_VERDICT_TAMPERED, BC_FINDING_CHAIN, at(FORGE_RECORD, 1));
        forge_free(theirs);
        theirs = forge_new(&other, 0);
        from = forge_write(theirs, WORDS);
        there = from->size - (segment->size - fragment);
        check(with(fragment, from->bytes + there, n), BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE, at(FORGE_RECORD, 1));
        // All of it by their key, in our name.
        check((struct trial_bytes){ memcpy(malloc(from->size), from->bytes, from->size), from->size }, BC_VERDICT_TAMPERED,
              BC_FINDING_CERTIFICATE, at(FORGE_RECORD, 0));
        forge_free(theirs);
        forge_authority_done(&other.device);
}

static void test_head_cut(void **state)
{
        (void)state;
        check(trial_splice(segment, 0, 1, NULL, 0), BC_VERDICT_UNJUDGED, BC_FINDING_FOREIGN, 0);
        check(trial_splice(segment, 0, at(FORGE_FRAGMENT, 0), NULL, 0), BC_VERDICT_UNJUDGED, BC_FINDING_FOREIGN, 0);
        check(cut(0), BC_VERDICT_UNJUDGED, BC_FINDING_FOREIGN, 0); // an empty file
}

// Of a segment that was not finished; what is left of a finished one says by its header that it was longer.
static void test_tail_cut(void **state)
{
        struct forge *open = forge_new(&trial.identity, 0), *before = forge;
        struct forge_segment *finished = segment;

        (void)state;
        check(cut(at(FORGE_RECORD, 2)), BC_VERDICT_TAMPERED, BC_FINDING_MOOV, segment->layout.moov_offset);
        forge = open;
        segment = forge_write(open, "IPPaatg R IPPaatg R IPPaatg R");
        uint64_t first = at(FORGE_RECORD, 0), second = at(FORGE_RECORD, 1), third = at(FORGE_RECORD, 2);
        check(cut(segment->size - 1), BC_VERDICT_UNPROVEN, BC_FINDING_END, second); // at a byte
        check(cut(third), BC_VERDICT_UNPROVEN, BC_FINDING_END, second);             // at a record
        check(cut(at(FORGE_FRAGMENT, 2)), BC_VERDICT_UNPROVEN, BC_FINDING_END, second); // at a fragment
        check(cut(second), BC_VERDICT_UNPROVEN, BC_FINDING_END, first);
        forge_free(open);
        forge = before;
        segment = finished;
}

// ---- signatures --------------------------------------------------------------------------------------------------

// The last 64 bytes of a box are the signature.
static void test_signature_of_nobody(void **state)
{
        static const uint8_t one[64] = { [31] = 1, [63] = 1 }, zeros[64] = { 0 };
        uint64_t record = at(FORGE_RECORD, 1), signature = record + bytes_of(record) - 64;

        (void)state;
        check(flipped(signature + 10), BC_VERDICT_TAMPERED, BC_FINDING_SIGNATURE, record);
        check(with(signature, one, 64), BC_VERDICT_TAMPERED, BC_FINDING_SIGNATURE, record);
        // r and s of 0 are none; nor is a byte string that is empty.
        struct trial_bytes made = with(signature, zeros, 64);
        trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED, BC_FINDING_RECORD);
        trial_bytes_done(&made);
        made = trial_splice(segment, signature - 2, 66, "\x40", 1); // bstr of 0 in place of one of 64
        uint32_t n = (uint32_t)bytes_of(record) - 65;
        const uint8_t size[] = { 0, 0, (uint8_t)(n >> 8), (uint8_t)n };
        memcpy(made.bytes + record, size, 4);
        trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED, BC_FINDING_RECORD);
        trial_bytes_done(&made);
}

// "alg" of another key, as far as its encoding has the length: ES256 (-7) becomes -8, -1, 7.
static void test_algorithm_exchanged(void **state)
{
        static const uint8_t alg[] = { 0x01, 0x26 }, others[] = { 0x27, 0x20, 0x07, 0x00 };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                uint64_t record = at(FORGE_RECORD, i);
                const uint8_t *found = memmem(segment->bytes + record, bytes_of(record), alg, 2);
                assert_non_null(found);
                for (size_t k = 0; k < sizeof(others); k++) {
                        struct trial_bytes made = with((uint64_t)(found - segment->bytes) + 1, &others[k], 1);
                        trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED, BC_FINDING_RECORD);
                        trial_bytes_done(&made);
                }
        }
}

// ---- what makes a careless reader run wild -----------------------------------------------------------------------

// Sizes of a fragment's box: to the end of the file, 64-bit and past the end, less than a header, more than there is.
static void test_sizes_of_boxes(void **state)
{
        static const uint8_t size[][16] = {
                { 0, 0, 0, 0, 'm', 'o', 'o', 'f', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
                { 0, 0, 0, 1, 'm', 'o', 'o', 'f', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
                { 0, 0, 0, 1, 'm', 'o', 'o', 'f', 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
                { 0, 0, 0, 1, 'm', 'o', 'o', 'f', 0, 0, 0, 0, 0, 0, 0, 8 },
                { 0, 0, 0, 7, 'm', 'o', 'o', 'f', 0, 0, 0, 16, 'm', 'f', 'h', 'd' },
                { 0, 0, 0, 8, 'm', 'o', 'o', 'f', 0, 0, 0, 16, 'm', 'f', 'h', 'd' },
                { 0x7f, 0xff, 0xff, 0xff, 'm', 'o', 'o', 'f', 0, 0, 0, 16, 'm', 'f', 'h', 'd' },
                { 0xff, 0xff, 0xff, 0xff, 'm', 'o', 'o', 'f', 0, 0, 0, 16, 'm', 'f', 'h', 'd' },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
                for (size_t k = 0; k < 3; k++)
                        check(with(at(FORGE_FRAGMENT, k), size[i], 16), BC_VERDICT_TAMPERED, BC_FINDING_COVERAGE, at(FORGE_FRAGMENT, k));
}

// Counts of samples and sizes of samples within a fragment.
static void test_counts_of_samples(void **state)
{
        static const uint8_t count[][4] = { { 0xff, 0xff, 0xff, 0xff }, { 0x7f, 0xff, 0xff, 0xff }, { 0, 1, 0, 0 }, { 0, 0, 0, 0 } };

        (void)state;
        for (size_t k = 0; k < 3; k++) {
                uint64_t fragment = at(FORGE_FRAGMENT, k);
                const uint8_t *trun = memmem(segment->bytes + fragment, bytes_of(fragment), "trun", 4);
                assert_non_null(trun);
                for (size_t i = 0; i < sizeof(count) / sizeof(count[0]); i++)
                        check(with((uint64_t)(trun - segment->bytes) + 8, count[i], 4), BC_VERDICT_TAMPERED, BC_FINDING_COVERAGE, fragment);
        }
}

// In place of a record: CBOR that asks for memory, for depth, or says a thing twice.
static void test_bombs_in_records(void **state)
{
        static const struct {
                uint8_t bytes[40];
                size_t n;
        } bomb[] = {
                { { 0xd2, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 10 }, // an array of 2^64 - 1
                { { 0xd2, 0x9a, 0x7f, 0xff, 0xff, 0xff }, 6 },
                { { 0xd2, 0x84, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 11 }, // a byte string past all ends
                { { 0xd2, 0x84, 0x5a, 0xff, 0xff, 0xff, 0xff }, 7 },
                { { 0xd2, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f }, 9 }, // of no stated length, in each other
                { { 0xd2, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81 }, 18 },
                { { 0xd2, 0x84, 0x45, 0xa2, 0x01, 0x26, 0x01, 0x26, 0xa0, 0x40, 0x40 }, 11 }, // alg twice
                { { 0xd2, 0xd2, 0xd2, 0xd2, 0xd2, 0xd2 }, 6 },
        };

        (void)state;
        for (size_t k = 0; k < 3; k++)
                for (size_t i = 0; i < sizeof(bomb) / sizeof(bomb[0]); i++) {
                        uint64_t record = at(FORGE_RECORD, k);
                        struct trial_bytes made = with(record + BC_RECORD_HEADER_BYTES, bomb[i].bytes, bomb[i].n);
                        trial_expect_found(&trial, trial_file(&trial, made.bytes, made.n), BC_VERDICT_TAMPERED, BC_FINDING_RECORD);
                        const struct bc_findings *findings = &trial.verdict.segment[0].findings;
                        assert_in_range(findings->finding[0].offset, record, record + BC_RECORD_HEADER_BYTES + bomb[i].n);
                        trial_bytes_done(&made);
                }
}

// A record's box that is larger than any may be, or past the end.
static void test_sizes_of_records(void **state)
{
        static const uint8_t size[][4] = { { 0xff, 0xff, 0xff, 0xff }, { 0, 0, 0x40, 0x01 }, { 0, 0, 0, 0 }, { 0, 0, 0, 1 }, { 0, 0, 0, 23 } };

        (void)state;
        for (size_t k = 0; k < 2; k++)
                for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
                        check(with(at(FORGE_RECORD, k), size[i], 4), BC_VERDICT_TAMPERED, BC_FINDING_COVERAGE, at(FORGE_RECORD, k));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_flip_in_picture),
                cmocka_unit_test(test_flip_in_sound),
                cmocka_unit_test(test_flip_in_text),
                cmocka_unit_test(test_flip_in_position),
                cmocka_unit_test(test_flip_in_timing),
                cmocka_unit_test(test_flip_in_parameter_sets),
                cmocka_unit_test(test_flip_in_label),
                cmocka_unit_test(test_flip_in_final_moov),
                cmocka_unit_test(test_fragment_dropped),
                cmocka_unit_test(test_fragment_doubled),
                cmocka_unit_test(test_record_dropped),
                cmocka_unit_test(test_record_replayed),
                cmocka_unit_test(test_record_of_another_recording),
                cmocka_unit_test(test_other_device_of_the_same_authority),
                cmocka_unit_test(test_head_cut),
                cmocka_unit_test(test_tail_cut),
                cmocka_unit_test(test_signature_of_nobody),
                cmocka_unit_test(test_algorithm_exchanged),
                cmocka_unit_test(test_sizes_of_boxes),
                cmocka_unit_test(test_counts_of_samples),
                cmocka_unit_test(test_bombs_in_records),
                cmocka_unit_test(test_sizes_of_records),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
