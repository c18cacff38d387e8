// SPDX-License-Identifier: EUPL-1.2
// Attacks on a sealed file, each by the number of the rule that closes it. The attacker has everything but the
// agency's keys; where it says so he is one of the recipients.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/evp.h>

#include "film.h"
#include "format/envelope.h"
#include "lib/counts.h"
#include "parties.h"

enum { RSA3072, EC, EC384, PARTIES };

struct world {
        char *folder;
        struct party party[PARTIES];
        struct bc_opener *opener[PARTIES], *named[PARTIES]; // by key alone, and by key and certificate
        struct bc_agency *agency;
        struct bc_sealer *sealer;
        struct film film, other; // of the same device, boot, recording and segment
};

static const size_t fragment_bytes[] = { 40, 100, 3, 70, 55, 1 };
#define FRAGMENTS (sizeof(fragment_bytes) / sizeof(fragment_bytes[0]))

static int make_world(void **state)
{
        const char *kinds[PARTIES] = { "RSA-3072", "P-256", "P-384" };
        struct world *world = calloc(1, sizeof(*world));
        struct bc_sealed_header about = film_about();
        char fault[BC_OPENER_FAULT_BYTES];
        const char *paths[PARTIES];

        assert_non_null(world);
        world->folder = party_folder_make();
        for (size_t i = 0; i < PARTIES; i++) {
                struct bc_opener_source source = { .key_path = world->party[i].key_path };

                party_make(&world->party[i], world->folder, kinds[i], &(struct party_wish){ .key = kinds[i] });
                assert_int_equal(bc_opener_load(&source, &world->opener[i], fault), 0);
                source.certificate_path = paths[i] = world->party[i].certificate_path;
                assert_int_equal(bc_opener_load(&source, &world->named[i], fault), 0);
        }
        assert_int_equal(bc_agency_load(&(struct bc_agency_source){ .paths = paths, .count = PARTIES, .now_unix_s = PARTY_NOW },
                                        &world->agency), 0);
        assert_int_equal(bc_sealer_new(world->agency, &world->sealer), 0);
        film_make(&world->film, world->sealer, &about, 11, fragment_bytes, FRAGMENTS);
        film_make(&world->other, world->sealer, &about, 12, fragment_bytes, FRAGMENTS);
        *state = world;
        return 0;
}

static int remove_world(void **state)
{
        struct world *world = *state;

        for (size_t i = 0; i < PARTIES; i++) {
                bc_opener_free(world->opener[i]);
                bc_opener_free(world->named[i]);
        }
        film_done(&world->film);
        film_done(&world->other);
        bc_sealer_free(world->sealer);
        bc_agency_free(world->agency);
        party_folder_remove(world->folder);
        free(world);
        return 0;
}

// ---- forging ----------------------------------------------------------------------------------------------------

struct forgery {
        uint8_t bytes[32768];
        size_t n;
};

static void put(struct forgery *forgery, const uint8_t *bytes, size_t n)
{
        assert_true(n <= sizeof(forgery->bytes) - forgery->n);
        memcpy(forgery->bytes + forgery->n, bytes, n);
        forgery->n += n;
}

static size_t chunk_end(const struct film *film, size_t i)
{
        return film->chunk_offset[i] + film->chunk_plain[i] + BC_SEALED_HEAD_BYTES + BC_SEALED_TAG_BYTES;
}

static void put_beginning(struct forgery *forgery, const struct film *film)
{
        put(forgery, film->sealed, film->chunk_offset[0]);
}

static void put_chunk(struct forgery *forgery, const struct film *film, size_t i)
{
        put(forgery, film->sealed + film->chunk_offset[i], chunk_end(film, i) - film->chunk_offset[i]);
}

// The film with its chunks in this order, "012345" is the film itself.
static struct forgery *put_order(struct forgery *forgery, const struct film *film, const char *order)
{
        forgery->n = 0;
        put_beginning(forgery, film);
        for (; *order; order++)
                put_chunk(forgery, film, (size_t)(*order - '0'));
        return forgery;
}

// Another envelope in the film's header; what follows the header is the film's.
static void put_envelope(struct forgery *forgery, const struct film *film, const uint8_t *envelope, size_t n)
{
        struct bc_sealed_header header = film_about();

        header.envelope = envelope;
        header.envelope_bytes = n;
        assert_int_equal(bc_sealed_header_write(&header, forgery->bytes, sizeof(forgery->bytes), &forgery->n), 0);
        put(forgery, film->sealed + film->header_bytes, film->sealed_bytes - film->header_bytes);
}

static struct bc_sealed_header header_of(const struct film *film)
{
        struct bc_sealed_header header;
        size_t n;

        assert_int_equal(bc_sealed_header_parse(film->sealed, film->sealed_bytes, &header, &n), 0);
        assert_int_equal(n, film->header_bytes);
        return header;
}

// What the reader says, having given out exactly so many chunks of the film and not a byte besides.
static struct bc_unseal_report judge(const struct world *world, const uint8_t *bytes, size_t n, const struct bc_opener *opener,
                                     enum bc_unseal_finding finding, size_t chunks)
{
        struct film_outcome outcome;
        size_t plain = 0;

        for (size_t i = 0; i < chunks; i++)
                plain += world->film.chunk_plain[i];
        film_read(bytes, n, opener, &outcome);
        if (outcome.report.finding != finding) {
                char text[BC_UNSEAL_TEXT_BYTES];

                bc_unseal_text(&outcome.report, text);
                fail_msg("found: %s (%d), expected %d", text, (int)outcome.report.finding, (int)finding);
        }
        assert_int_equal(outcome.report.chunks, chunks);
        assert_int_equal(outcome.plain_bytes, plain);
        assert_memory_equal(outcome.plain, world->film.plain, plain);
        film_outcome_done(&outcome);
        return outcome.report;
}

static struct bc_unseal_report expect(const struct world *world, const struct forgery *forgery, enum bc_unseal_finding finding,
                                      size_t chunks)
{
        return judge(world, forgery->bytes, forgery->n, world->opener[EC], finding, chunks);
}

// ---- cuts -------------------------------------------------------------------------------------------------------

// Whatever byte a file is cut at: every whole chunk, and nothing else.
static void test_rule_22_cut_at_every_byte(void **state)
{
        const struct world *world = *state;
        const struct film *film = &world->film;
        size_t whole = 0;

        for (size_t n = 0; n <= film->sealed_bytes; n++) {
                bool last = n == film->sealed_bytes;

                if (whole < film->chunks && n == chunk_end(film, whole))
                        whole++;
                judge(world, film->sealed, n, world->opener[EC],
                      last ? BC_UNSEAL_WHOLE : n < film->chunk_offset[0] ? BC_UNSEAL_HEADER_CUT : BC_UNSEAL_CUT, whole);
        }
        assert_int_equal(whole, FRAGMENTS);
}

// A file system that had extended the file before the power went leaves zeros: no tampering, and nothing more than a cut.
static void test_cut_with_zeros_behind(void **state)
{
        const struct world *world = *state;
        struct forgery forgery;

        for (size_t zeros = 1; zeros < 9000; zeros += 1 + zeros / 2) {
                put_order(&forgery, &world->film, "012");
                memset(forgery.bytes + forgery.n, 0, zeros);
                forgery.n += zeros;
                expect(world, &forgery, zeros < BC_SEALED_HEAD_BYTES ? BC_UNSEAL_CUT : BC_UNSEAL_ZEROS, 3);
        }
        forgery.bytes[forgery.n - 1] = 1;
        expect(world, &forgery, BC_UNSEAL_CHUNK_MALFORMED, 3);
}

// ---- header and recipients ----------------------------------------------------------------------------------------

static void test_rule_20_stripped_recipient(void **state)
{
        const struct world *world = *state;
        struct bc_sealed_header header = header_of(&world->film);
        struct forgery forgery;

        for (int stripped = 0; stripped < PARTIES; stripped++) {
                const unsigned char *at = header.envelope;
                CMS_ContentInfo *message = d2i_CMS_ContentInfo(NULL, &at, (long)header.envelope_bytes);
                STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(message);
                unsigned char *der = NULL;
                struct bc_envelope envelope;
                CMS_RecipientInfo *gone;
                int n, kept = 0;

                gone = sk_CMS_RecipientInfo_delete(infos, stripped);
                n = i2d_CMS_ContentInfo(message, &der);
                assert_int_equal(bc_envelope_parse(der, (size_t)n, &envelope), 0); // it is as good as any
                assert_int_equal(envelope.recipients, PARTIES - 1);
                put_envelope(&forgery, &world->film, der, (size_t)n);
                for (int i = 0; i < PARTIES; i++) {
                        struct film_outcome outcome;

                        film_read(forgery.bytes, forgery.n, world->opener[i], &outcome);
                        assert_int_equal(outcome.plain_bytes, 0);
                        kept += outcome.report.finding == BC_UNSEAL_HEADER_ALTERED;
                        assert_true(outcome.report.finding == BC_UNSEAL_HEADER_ALTERED ||
                                    outcome.report.finding == BC_UNSEAL_NO_KEY);
                        film_outcome_done(&outcome);
                }
                assert_int_equal(kept, PARTIES - 1); // the others see it; whom it hit has no key, and the record's hash
                sk_CMS_RecipientInfo_push(infos, gone);
                CMS_ContentInfo_free(message);
                OPENSSL_free(der);
        }
}

// A recipient wraps the same file key for others: a header that opens, and is not the one the camera made.
static void test_rule_20_recipients_replaced_by_a_recipient(void **state)
{
        const struct world *world = *state;
        struct bc_sealed_header header = header_of(&world->film);
        uint8_t envelope[BC_SEALED_ENVELOPE_BYTES_MAX];
        struct forgery forgery;
        struct bc_opened opened;
        size_t n;

        assert_int_equal(bc_opener_open(world->opener[EC384], header.envelope, header.envelope_bytes, &opened), 0);
        assert_int_equal(bc_agency_wrap(world->agency, opened.file_key, envelope, sizeof(envelope), &n), 0);
        put_envelope(&forgery, &world->film, envelope, n);
        expect(world, &forgery, BC_UNSEAL_HEADER_ALTERED, 0);
}

// An envelope that holds another key: GCM would open what is made to open under both; the commitment does not.
static void test_rule_20_another_file_key(void **state)
{
        const struct world *world = *state;
        uint8_t envelope[BC_SEALED_ENVELOPE_BYTES_MAX], key[BC_SEALED_KEY_BYTES] = { 7 };
        struct forgery forgery;
        size_t n;

        assert_int_equal(bc_agency_wrap(world->agency, key, envelope, sizeof(envelope), &n), 0);
        put_envelope(&forgery, &world->film, envelope, n);
        expect(world, &forgery, BC_UNSEAL_HEADER_ALTERED, 0);
}

static void test_rule_20_wrong_recipient(void **state)
{
        struct world *world = *state;
        const char *kinds[] = { "RSA-3072", "P-256", "P-384" };
        char fault[BC_OPENER_FAULT_BYTES];

        for (int i = 0; i < 3; i++) {
                BC_CLEANUP(bc_cleanup_opener) struct bc_opener *stranger = NULL;
                struct bc_unseal_report report;
                struct party party;

                party_make(&party, world->folder, "stranger", &(struct party_wish){ .key = kinds[i] });
                for (int named = 0; named < 2; named++) {
                        bc_opener_free(BC_TAKE(stranger));
                        assert_int_equal(bc_opener_load(&(struct bc_opener_source){ .key_path = party.key_path,
                                                                .certificate_path = named ? party.certificate_path : NULL },
                                                        &stranger, fault), 0);
                        report = judge(world, world->film.sealed, world->film.sealed_bytes, stranger, BC_UNSEAL_NO_KEY, 0);
                        assert_int_equal(report.recipients, PARTIES);
                        assert_int_equal(report.recipient, 0);
                        assert_int_equal(bc_unseal_verdict(report.finding), BC_UNSEAL_IS_UNJUDGED);
                }
        }
}

static void test_rule_20_header_of_another_file(void **state)
{
        const struct world *world = *state;
        const struct film *film = &world->film, *other = &world->other;
        struct forgery forgery = { .n = 0 };

        // Header alone: the commitment is the film's.
        put(&forgery, other->sealed, other->header_bytes);
        put(&forgery, film->sealed + film->header_bytes, film->sealed_bytes - film->header_bytes);
        expect(world, &forgery, BC_UNSEAL_HEADER_ALTERED, 0);
        // Header and commitment: the chunks have another key.
        forgery.n = 0;
        put_beginning(&forgery, other);
        for (size_t i = 0; i < film->chunks; i++)
                put_chunk(&forgery, film, i);
        expect(world, &forgery, BC_UNSEAL_CHUNK_ALTERED, 0);
        // One chunk of the other file in place of ours.
        put_order(&forgery, film, "01");
        put_chunk(&forgery, other, 2);
        put_chunk(&forgery, film, 3);
        expect(world, &forgery, BC_UNSEAL_CHUNK_ALTERED, 2);
}

// Every bit of header and commitment: whatever is made of it, nothing is given out.
static void test_rule_20_every_bit_of_the_header(void **state)
{
        const struct world *world = *state;
        unsigned found[BC_UNSEAL_UNREADABLE + 1] = { 0 };
        size_t n = world->film.sealed_bytes;
        uint8_t *bytes = malloc(n);

        assert_non_null(bytes);
        memcpy(bytes, world->film.sealed, n);
        for (size_t bit = 0; bit < 8 * world->film.chunk_offset[0]; bit++) {
                for (int named = 0; named < 2; named++) {
                        struct film_outcome outcome;

                        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                        film_read(bytes, n, named ? world->named[EC] : world->opener[EC], &outcome);
                        assert_int_equal(outcome.report.chunks, 0);
                        assert_int_equal(outcome.plain_bytes, 0);
                        assert_false(outcome.report.committed);
                        assert_int_not_equal(bc_unseal_verdict(outcome.report.finding), BC_UNSEAL_IS_WHOLE);
                        found[outcome.report.finding]++;
                        film_outcome_done(&outcome);
                        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                }
        }
        // Each of these was seen: the places differ.
        assert_int_not_equal(found[BC_UNSEAL_FOREIGN], 0);
        assert_int_not_equal(found[BC_UNSEAL_VERSION], 0);
        assert_int_not_equal(found[BC_UNSEAL_ENVELOPE], 0);
        assert_int_not_equal(found[BC_UNSEAL_WEAK], 0);
        assert_int_not_equal(found[BC_UNSEAL_NO_KEY], 0);
        assert_int_not_equal(found[BC_UNSEAL_KEY_ALTERED], 0);
        assert_true(found[BC_UNSEAL_HEADER_ALTERED] >= 2 * 8 * (BC_SEALED_COMMITMENT_BYTES + 16 + 8));
        assert_int_equal(found[BC_UNSEAL_GOING_ON] + found[BC_UNSEAL_WHOLE] + found[BC_UNSEAL_CUT], 0);
        free(bytes);
}

// ---- chunks -------------------------------------------------------------------------------------------------------

// Every bit of the chunks: what lies before is given out, nothing of the chunk it is in, nothing behind.
static void test_rule_20_every_bit_of_the_chunks(void **state)
{
        const struct world *world = *state;
        const struct film *film = &world->film;
        uint8_t *bytes = malloc(film->sealed_bytes);
        size_t chunk = 0;

        assert_non_null(bytes);
        memcpy(bytes, film->sealed, film->sealed_bytes);
        for (size_t bit = 8 * film->chunk_offset[0]; bit < 8 * film->sealed_bytes; bit++) {
                struct film_outcome outcome;

                if (bit / 8 == chunk_end(film, chunk))
                        chunk++;
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                film_read(bytes, film->sealed_bytes, world->opener[EC], &outcome);
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                assert_int_equal(outcome.report.chunks, chunk);
                assert_memory_equal(outcome.plain, film->plain, outcome.plain_bytes);
                assert_int_not_equal(bc_unseal_verdict(outcome.report.finding), BC_UNSEAL_IS_WHOLE);
                // A length beyond the end of the file looks like a cut; everything else is told.
                if (bit / 8 >= film->chunk_offset[chunk] + BC_SEALED_HEAD_BYTES)
                        assert_int_equal(outcome.report.finding, BC_UNSEAL_CHUNK_ALTERED);
                film_outcome_done(&outcome);
        }
        assert_int_equal(chunk, film->chunks - 1);
        free(bytes);
}

static void test_rule_20_chunk_dropped(void **state)
{
        const struct world *world = *state;
        struct forgery forgery;

        assert_int_equal(expect(world, put_order(&forgery, &world->film, "01345"), BC_UNSEAL_CHUNK_MOVED, 2).belongs, 3);
        assert_int_equal(expect(world, put_order(&forgery, &world->film, "12345"), BC_UNSEAL_CHUNK_MOVED, 0).belongs, 1);
        assert_int_equal(expect(world, put_order(&forgery, &world->film, "01235"), BC_UNSEAL_CHUNK_MOVED, 4).belongs, 5);
        expect(world, put_order(&forgery, &world->film, ""), BC_UNSEAL_CUT, 0);
}

static void test_rule_20_chunks_swapped(void **state)
{
        const struct world *world = *state;
        struct forgery forgery;

        assert_int_equal(expect(world, put_order(&forgery, &world->film, "021345"), BC_UNSEAL_CHUNK_MOVED, 1).belongs, 2);
        assert_int_equal(expect(world, put_order(&forgery, &world->film, "012354"), BC_UNSEAL_CHUNK_MOVED, 4).belongs, 5);
}

static void test_rule_20_chunk_doubled(void **state)
{
        const struct world *world = *state;
        struct forgery forgery;

        assert_int_equal(expect(world, put_order(&forgery, &world->film, "0112345"), BC_UNSEAL_CHUNK_MOVED, 2).belongs, 1);
        assert_int_equal(expect(world, put_order(&forgery, &world->film, "0120"), BC_UNSEAL_CHUNK_MOVED, 3).belongs, 0);
}

static void test_rule_22_final_chunk_missing(void **state)
{
        const struct world *world = *state;
        struct bc_unseal_report report;
        struct forgery forgery;

        report = expect(world, put_order(&forgery, &world->film, "01234"), BC_UNSEAL_CUT, 5);
        assert_int_equal(bc_unseal_verdict(report.finding), BC_UNSEAL_IS_CUT);
        assert_int_equal(report.offset, forgery.n);
        // Calling the last one that is there the final one does not help.
        forgery.bytes[world->film.chunk_offset[4]] |= 0x80;
        expect(world, &forgery, BC_UNSEAL_CHUNK_ALTERED, 4);
        // Nor does taking the flag from the real one.
        put_order(&forgery, &world->film, "012345");
        forgery.bytes[world->film.chunk_offset[5]] &= 0x7f;
        expect(world, &forgery, BC_UNSEAL_CHUNK_ALTERED, 5);
}

static void test_rule_22_bytes_behind_the_final_chunk(void **state)
{
        const struct world *world = *state;
        struct bc_unseal_report report;
        struct forgery forgery;

        expect(world, put_order(&forgery, &world->film, "012345"), BC_UNSEAL_WHOLE, 6);
        report = expect(world, put_order(&forgery, &world->film, "0123455"), BC_UNSEAL_BEHIND_FINAL, 6);
        assert_int_equal(report.offset, world->film.sealed_bytes);
        expect(world, put_order(&forgery, &world->film, "0123450"), BC_UNSEAL_BEHIND_FINAL, 6);
        put_order(&forgery, &world->film, "012345");
        put(&forgery, (const uint8_t[]){ 0 }, 1);
        report = expect(world, &forgery, BC_UNSEAL_BEHIND_FINAL, 6);
        assert_int_equal(bc_unseal_verdict(report.finding), BC_UNSEAL_IS_TAMPERED);
}

// Chunks of both files in any order: what is given out is the film as far as it goes, and only the film itself is whole.
static void test_rule_20_random_orders(void **state)
{
        const struct world *world = *state;
        uint32_t random = 362436069u, seen[BC_UNSEAL_UNREADABLE + 1] = { 0 };
        struct forgery forgery;

        for (uint32_t round = 0; round < counts_of(100, 2000, 100000); round++) {
                uint32_t pieces = film_random(&random, 9), good = film_random(&random, FRAGMENTS + 1);
                struct film_outcome outcome;
                size_t whole = 0;
                bool intact = true;

                forgery.n = 0;
                put_beginning(&forgery, &world->film);
                for (uint32_t i = 0; i < good + pieces; i++) {
                        uint32_t chunk = i < good ? i : film_random(&random, FRAGMENTS);
                        bool ours = i < good || film_random(&random, 4) > 0;

                        put_chunk(&forgery, ours ? &world->film : &world->other, chunk);
                        intact = intact && ours && chunk == i;
                        whole += intact;
                }
                film_read(forgery.bytes, forgery.n, world->opener[EC], &outcome);
                assert_int_equal(outcome.report.chunks, whole);
                assert_memory_equal(outcome.plain, world->film.plain, outcome.plain_bytes);
                assert_int_equal(outcome.report.finding == BC_UNSEAL_WHOLE, intact && whole == FRAGMENTS);
                assert_int_equal(outcome.report.finding == BC_UNSEAL_CUT, intact && whole < FRAGMENTS);
                assert_int_equal(outcome.report.finding == BC_UNSEAL_BEHIND_FINAL, !intact && whole == FRAGMENTS);
                seen[outcome.report.finding]++;
                film_outcome_done(&outcome);
        }
        assert_true(seen[BC_UNSEAL_WHOLE] > 0 && seen[BC_UNSEAL_CUT] > 0 && seen[BC_UNSEAL_BEHIND_FINAL] > 0 &&
                    seen[BC_UNSEAL_CHUNK_MOVED] > 0 && seen[BC_UNSEAL_CHUNK_ALTERED] > 0);
}

static void test_foreign_files(void **state)
{
        const struct world *world = *state;
        uint8_t bytes[4096] = { 0 };

        judge(world, bytes, sizeof(bytes), world->opener[EC], BC_UNSEAL_FOREIGN, 0);
        memcpy(bytes, bc_sealed_magic, sizeof(bc_sealed_magic));
        bytes[11] = 2;
        judge(world, bytes, sizeof(bytes), world->opener[EC], BC_UNSEAL_VERSION, 0);
        judge(world, (const uint8_t *)"\0\0\0\x20" "ftyp", 8, world->opener[EC], BC_UNSEAL_FOREIGN, 0);
}

static int fail_read(void *user, uint64_t offset, void *bytes, size_t n)
{
        (void)user, (void)offset, (void)bytes, (void)n;
        return -EIO;
}

static void test_unreadable(void **state)
{
        const struct world *world = *state;
        struct bc_unseal_source source = { .read = fail_read, .size = 1000 };
        BC_CLEANUP(bc_cleanup_unseal) struct bc_unseal *unseal = NULL;
        const uint8_t *plain;
        size_t n;

        assert_int_equal(bc_unseal_new(world->opener[EC], &source, &unseal), 0);
        assert_false(bc_unseal_next(unseal, &plain, &n));
        assert_int_equal(bc_unseal_report(unseal)->finding, BC_UNSEAL_UNREADABLE);
        assert_int_equal(bc_unseal_report(unseal)->error, -EIO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_22_cut_at_every_byte),
                cmocka_unit_test(test_cut_with_zeros_behind),
                cmocka_unit_test(test_rule_20_stripped_recipient),
                cmocka_unit_test(test_rule_20_recipients_replaced_by_a_recipient),
                cmocka_unit_test(test_rule_20_another_file_key),
                cmocka_unit_test(test_rule_20_wrong_recipient),
                cmocka_unit_test(test_rule_20_header_of_another_file),
                cmocka_unit_test(test_rule_20_every_bit_of_the_header),
                cmocka_unit_test(test_rule_20_every_bit_of_the_chunks),
                cmocka_unit_test(test_rule_20_chunk_dropped),
                cmocka_unit_test(test_rule_20_chunks_swapped),
                cmocka_unit_test(test_rule_20_chunk_doubled),
                cmocka_unit_test(test_rule_22_final_chunk_missing),
                cmocka_unit_test(test_rule_22_bytes_behind_the_final_chunk),
                cmocka_unit_test(test_rule_20_random_orders),
                cmocka_unit_test(test_foreign_files),
                cmocka_unit_test(test_unreadable),
        };

        return cmocka_run_group_tests(tests, make_world, remove_world);
}
