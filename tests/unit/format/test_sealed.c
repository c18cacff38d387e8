// SPDX-License-Identifier: EUPL-1.2
// Framing of sealed files and the form of their envelopes, on bytes alone. Hostile bytes lie at the very end of a
// page with none behind it, so that a read beyond them crashes with or without a sanitizer.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "format/envelope.h"
#include "format/sealed.h"
#include "lib/counts.h"
#include "sealed_example.h"

#define EDGE_BYTES 32768

static uint32_t draw(uint32_t *state, uint32_t below)
{
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        return *state % below;
}

// The bytes, at the edge.
static uint8_t *at_edge(uint8_t *edge, const uint8_t *bytes, size_t n)
{
        uint8_t *at = edge + EDGE_BYTES - n;

        memcpy(at, bytes, n);
        return at;
}

static int make_edge(void **state)
{
        uint8_t *edge = mmap(NULL, EDGE_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_ptr_not_equal(edge, MAP_FAILED);
        assert_int_equal(mprotect(edge + EDGE_BYTES, 4096, PROT_NONE), 0);
        *state = edge;
        return 0;
}

static int remove_edge(void **state)
{
        return munmap(*state, EDGE_BYTES + 4096);
}

static void test_example_header(void **state)
{
        size_t n, header_bytes, envelope_bytes, hash_bytes, place_bytes, written;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *file = sealed_example("file", &n);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *envelope = sealed_example("envelope", &envelope_bytes);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *place = sealed_example("place", &place_bytes);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *commitment = sealed_example("commitment", &hash_bytes);
        uint8_t bytes[BC_SEALED_HEADER_BYTES_MAX], info[BC_SEALED_INFO_BYTES_MAX];
        struct bc_sealed_header header;

        (void)state;
        assert_int_equal(bc_sealed_header_parse(file, n, &header, &header_bytes), 0);
        assert_string_equal(header.device, "CAM-1");
        assert_int_equal(header.boot_id[0], 0xb0);
        assert_int_equal(header.boot, 42);
        assert_int_equal(header.recording, 7);
        assert_int_equal(header.segment, 3);
        assert_int_equal(header.envelope_bytes, envelope_bytes);
        assert_memory_equal(header.envelope, envelope, envelope_bytes);
        assert_memory_equal(file + header_bytes, commitment, BC_SEALED_COMMITMENT_BYTES);
        assert_int_equal(bc_sealed_header_write(&header, bytes, sizeof(bytes), &written), 0);
        assert_int_equal(written, header_bytes);
        assert_memory_equal(bytes, file, header_bytes);
        assert_int_equal(bc_sealed_header_write(&header, bytes, written - 1, &written), -ENOBUFS);
        assert_int_equal(bc_sealed_info(&header, BC_SEALED_FOR_CHUNKS, info), 24 + place_bytes);
        assert_memory_equal(info, "bodycam sealed 1 chunks", 24);
        assert_memory_equal(info + 24, place, place_bytes);
        assert_int_equal(bc_sealed_info(&header, BC_SEALED_FOR_COMMITMENT, info), 28 + place_bytes);
        assert_memory_equal(info, "bodycam sealed 1 commitment", 28);
        assert_memory_equal(info + 28, place, place_bytes);
}

// The longest of everything fits.
static void test_longest_header(void **state)
{
        struct bc_sealed_header header = { .boot = UINT64_MAX, .recording = UINT64_MAX, .segment = 9999 }, again;
        static uint8_t envelope[BC_SEALED_ENVELOPE_BYTES_MAX + 1];
        uint8_t bytes[BC_SEALED_HEADER_BYTES_MAX], info[BC_SEALED_INFO_BYTES_MAX];
        size_t n, parsed;

        (void)state;
        memset(header.device, '~', BC_SEALED_DEVICE_BYTES_MAX);
        header.envelope = envelope;
        header.envelope_bytes = BC_SEALED_ENVELOPE_BYTES_MAX;
        assert_int_equal(bc_sealed_header_write(&header, bytes, sizeof(bytes), &n), 0);
        assert_int_equal(bc_sealed_header_parse(bytes, n, &again, &parsed), 0);
        assert_int_equal(parsed, n);
        assert_string_equal(again.device, header.device);
        assert_true(bc_sealed_info(&header, BC_SEALED_FOR_COMMITMENT, info) < sizeof(info));
        header.envelope_bytes++;
        assert_int_equal(bc_sealed_header_write(&header, bytes, sizeof(bytes), &n), -EINVAL);
        header.envelope_bytes = 0;
        assert_int_equal(bc_sealed_header_write(&header, bytes, sizeof(bytes), &n), -EINVAL);
}

static void test_header_cut_at_every_byte(void **state)
{
        size_t n, header_bytes, parsed;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *file = sealed_example("file", &n);
        struct bc_sealed_header header;

        assert_int_equal(bc_sealed_header_parse(file, n, &header, &header_bytes), 0);
        for (size_t cut = 0; cut <= header_bytes; cut++)
                assert_int_equal(bc_sealed_header_parse(at_edge(*state, file, cut), cut, &header, &parsed),
                                 cut < header_bytes ? -ENODATA : 0);
}

static void test_header_fields_out_of_range(void **state)
{
        static const struct {
                size_t at;
                uint8_t value;
                int result;
        } bad[] = {
                { 0, 0x88, -EBADMSG },            // magic
                { 7, '\r', -EBADMSG },            // as a text transfer makes it
                { 11, 2, -EPROTONOSUPPORT },      // version
                { 12, 0, -EBADMSG },              // no device
                { 12, 33, -EBADMSG },             // one that is too long
                { 13, '\x1f', -EBADMSG },         // a control character in it
                { 17, 0x80, -EBADMSG },
                { 13 + 5 + 16 + 7, 0, -EBADMSG }, // boot 0
                { 13 + 5 + 24 + 7, 0, -EBADMSG }, // recording 0
                { 13 + 5 + 32 + 3, 0, -EBADMSG }, // segment 0
                { 13 + 5 + 32 + 2, 0x27, -EBADMSG }, // segment 10000, with the byte behind it
                { 13 + 5 + 36 + 0, 1, -EBADMSG }, // an envelope of 16 MB
        };
        size_t n, parsed;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *file = sealed_example("file", &n);
        struct bc_sealed_header header;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                uint8_t was = file[bad[i].at], low = file[bad[i].at + 1];

                file[bad[i].at] = bad[i].value;
                if (bad[i].value == 0x27)
                        file[bad[i].at + 1] = 0x10;
                assert_int_equal(bc_sealed_header_parse(file, n, &header, &parsed), bad[i].result);
                file[bad[i].at] = was;
                file[bad[i].at + 1] = low;
        }
        assert_int_equal(bc_sealed_header_parse(file, n, &header, &parsed), 0);
}

static void test_chunk_heads(void **state)
{
        uint8_t head[BC_SEALED_HEAD_BYTES], nonce[BC_SEALED_NONCE_BYTES];
        bool final;
        size_t n;

        (void)state;
        // Each one around what is allowed, with and without the flag, and some of the others.
        for (uint64_t value = 0; value <= UINT32_MAX; value += (value & 0x7fffffff) < 70000 ? 1 : 10007) {
                const uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                                           (uint8_t)value };
                uint64_t plain = value & 0x7fffffff;
                bool last = value >> 31, good = plain <= 65536 && (plain > 0 || last);

                assert_int_equal(bc_sealed_head_parse(bytes, &n, &final), good ? 0 : -EBADMSG);
                if (good) {
                        assert_int_equal(n, plain);
                        assert_int_equal(final, last);
                        bc_sealed_head_write(n, final, head);
                        assert_memory_equal(head, bytes, 4);
                }
        }
        bc_sealed_nonce(0x0102030405060708, true, nonce);
        assert_memory_equal(nonce, "\0\0\0\1\2\3\4\5\6\7\10\1", sizeof(nonce));
        bc_sealed_nonce(0, false, nonce);
        assert_memory_equal(nonce, "\0\0\0\0\0\0\0\0\0\0\0\0", sizeof(nonce));
        assert_int_equal(bc_sealed_bytes(0, false), 0);
        assert_int_equal(bc_sealed_bytes(0, true), 20);
        assert_int_equal(bc_sealed_bytes(65536, true), 65556);
        assert_int_equal(bc_sealed_bytes(65537, false), 65537 + 40);
}

static void test_envelope_cut_and_extended(void **state)
{
        size_t n;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = sealed_example("envelope", &n);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *longer = calloc(1, n + 1);
        struct bc_envelope envelope;

        for (size_t cut = 0; cut < n; cut++)
                assert_int_equal(bc_envelope_parse(at_edge(*state, bytes, cut), cut, &envelope), -EBADMSG);
        assert_int_equal(bc_envelope_parse(at_edge(*state, bytes, n), n, &envelope), 0);
        assert_int_equal(envelope.recipients, 1);
        assert_int_equal(envelope.recipient[0].kind, BC_ENVELOPE_P256);
        assert_int_equal(envelope.recipient[0].id_bytes, 0x3c + 2);
        memcpy(longer, bytes, n);
        assert_int_equal(bc_envelope_parse(longer, n + 1, &envelope), -EBADMSG);
}

// DER has one form of a length; BER's others are where a second reading hides.
static void test_envelope_other_lengths(void **state)
{
        size_t n;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = sealed_example("envelope", &n);
        struct bc_envelope envelope;
        uint8_t longer[1024];

        (void)state;
        // 30 82 01 58 as 30 83 00 01 58, and indefinite.
        memcpy(longer, "\x30\x83\x00\x01\x58", 5);
        memcpy(longer + 5, bytes + 4, n - 4);
        assert_int_equal(bc_envelope_parse(longer, n + 1, &envelope), -EBADMSG);
        memcpy(longer, "\x30\x80", 2);
        memcpy(longer + 2, bytes + 4, n - 4);
        memset(longer + n - 2, 0, 2);
        assert_int_equal(bc_envelope_parse(longer, n, &envelope), -EBADMSG);
}

// Bytes that are changed at random places, cut, moved or repeated. What is accepted has its parts within the bytes,
// and is what a writer writes.
static void test_random_headers_and_envelopes(void **state)
{
        size_t n, envelope_bytes;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *file = sealed_example("file", &n);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *envelope = sealed_example("envelope", &envelope_bytes);
        uint32_t random = 88172645u, rounds = counts_of(50000, 400000, 20000000), headers = 0, envelopes = 0;
        uint8_t bytes[2048], again[BC_SEALED_HEADER_BYTES_MAX];

        for (uint32_t round = 0; round < rounds; round++) {
                bool whole = round % 2;
                size_t size = whole ? n : envelope_bytes, parsed, written;
                struct bc_sealed_header header;
                struct bc_envelope found;
                uint8_t *at;

                memcpy(bytes, whole ? file : envelope, size);
                for (uint32_t changes = draw(&random, 4); changes > 0; changes--) {
                        uint32_t where = draw(&random, (uint32_t)size);

                        if (draw(&random, 3) > 0)
                                bytes[where] = (uint8_t)draw(&random, 256);
                        else if (draw(&random, 2) > 0)
                                size = where + 1;
                        else
                                memmove(bytes + where, bytes + draw(&random, (uint32_t)size), size - where > 8 ? 8 : 0);
                }
                at = at_edge(*state, bytes, size);
                if (whole && bc_sealed_header_parse(at, size, &header, &parsed) == 0) {
                        headers++;
                        assert_true(parsed <= size && header.envelope >= at &&
                                    header.envelope + header.envelope_bytes == at + parsed);
                        assert_int_equal(bc_sealed_header_write(&header, again, sizeof(again), &written), 0);
                        assert_int_equal(written, parsed);
                        assert_memory_equal(again, at, parsed);
                }
                if (!whole && bc_envelope_parse(at, size, &found) == 0) {
                        envelopes++;
                        assert_int_equal(size, envelope_bytes);
                        assert_int_equal(found.recipients, 1);
                        assert_true(found.recipient[0].id > at &&
                                    found.recipient[0].id + found.recipient[0].id_bytes < at + size);
                }
        }
        assert_true(headers > rounds / 10 && headers < rounds / 2);
        assert_true(envelopes > rounds / 10 && envelopes < rounds / 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_example_header),
                cmocka_unit_test(test_longest_header),
                cmocka_unit_test_setup_teardown(test_header_cut_at_every_byte, make_edge, remove_edge),
                cmocka_unit_test(test_header_fields_out_of_range),
                cmocka_unit_test(test_chunk_heads),
                cmocka_unit_test_setup_teardown(test_envelope_cut_and_extended, make_edge, remove_edge),
                cmocka_unit_test(test_envelope_other_lengths),
                cmocka_unit_test_setup_teardown(test_random_headers_and_envelopes, make_edge, remove_edge),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
