// SPDX-License-Identifier: EUPL-1.2
// Time stamps (RFC 3161) that are none, or not of an authority that is believed: refused, with the reason, and no witness comes
// of it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "forge.h"
#include "forge_cms.h"
#include "lib/counts.h"
#include "verify/stamp.h"

#define FILE_BYTES_MAX (256 << 10)
#define NO_STAMP "it is no time stamp (RFC 3161, DER)"
#define NOT_BELIEVED "it is not signed by an authority that is believed (--tsa)"
#define NO_TIME "its time cannot be read"

static struct forge_authority root, authority;
static struct bc_stamp_trust *trust;
static struct bc_witnesses witnesses;
static uint8_t stamped[BC_HASH_BYTES];
static char folder[] = "/tmp/bodycam-stamp-XXXXXX", fault[200];

static struct forge_authority certify(const struct forge_authority *issuer, int64_t from_s, int64_t until_s)
{
        return forge_certify(&(struct forge_want){ .name = "Stamps", .issuer = issuer, .purpose = "critical,timeStamping",
                                                   .from_s = from_s, .until_s = until_s });
}

static int set_up(void **state)
{
        char path[64];

        (void)state;
        root = forge_certify(&(struct forge_want){ .name = "Root of stamps", .ca = true });
        authority = certify(&root, 0, 0);
        memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/root.pem", folder);
        forge_pem(path, root.certificate);
        assert_int_equal(bc_stamp_trust_new(&trust), 0);
        assert_int_equal(bc_stamp_trust_add(trust, path, fault, sizeof(fault)), 0);
        memset(stamped, 0x5a, sizeof(stamped));
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        bc_witnesses_done(&witnesses);
        witnesses = (struct bc_witnesses){ 0 };
        bc_stamp_trust_free(trust);
        forge_authority_done(&root);
        forge_authority_done(&authority);
        forge_remove(folder);
        return 0;
}

static int judge(const void *bytes, size_t n)
{
        char path[64];

        fault[0] = 0;
        forge_file(folder, "stamp", bytes, n);
        snprintf(path, sizeof(path), "%s/stamp", folder);
        return bc_stamp_add(trust, path, &witnesses, fault, sizeof(fault));
}

static void refused(struct forge_der der, const char *words)
{
        assert_int_equal(judge(der.bytes, der.n), -EBADMSG);
        assert_string_equal(fault, words);
        assert_int_equal(witnesses.count, 0);
        forge_der_done(&der);
}

static void test_lawful(void **state)
{
        (void)state;
        for (int form = 0; form < 4; form++) {
                const int accuracy_s = form < 2 ? 0 : 86400;
                struct forge_der der = forge_stamp(&authority, &root, stamped, form % 2, accuracy_s);
                const struct bc_witness *witness;

                assert_int_equal(judge(der.bytes, der.n), 0);
                assert_int_equal(witnesses.count, form + 1);
                witness = &witnesses.witness[form];
                assert_int_equal(witness->kind, BC_WITNESS_STAMP);
                assert_memory_equal(witness->hash, stamped, BC_HASH_BYTES);
                assert_true(witness->utc_ns == (FORGE_RECORDED_S + accuracy_s) * BC_NS_PER_S);
                assert_true(witness->spread_ns == 2 * accuracy_s * BC_NS_PER_S);
                forge_der_done(&der);
        }
}

static void test_authorities_that_are_not_believed(void **state)
{
        struct forge_authority stranger = forge_certify(&(struct forge_want){ .name = "Root of stamps", .ca = true }),
                               strange = certify(&stranger, 0, 0), late = certify(&root, FORGE_RECORDED_S + 1, 0),
                               early = certify(&root, 0, FORGE_RECORDED_S - 1);

        (void)state;
        refused(forge_stamp(&strange, &stranger, stamped, false, 1), NOT_BELIEVED);
        refused(forge_stamp(&strange, &root, stamped, true, 1), NOT_BELIEVED);
        refused(forge_stamp(&late, &root, stamped, false, 1), NOT_BELIEVED); // not yet, or no more, at the time of the stamp
        refused(forge_stamp(&early, &root, stamped, false, 1), NOT_BELIEVED);
        forge_authority_done(&stranger);
        forge_authority_done(&strange);
        forge_authority_done(&late);
        forge_authority_done(&early);
}

static void test_what_is_less_exact_than_a_day(void **state)
{
        (void)state;
        refused(forge_stamp(&authority, &root, stamped, false, 86401), NO_TIME);
        refused(forge_stamp(&authority, &root, stamped, true, 0x7fffffff), NO_TIME);
}

static void test_other_cms(void **state)
{
        const struct forge_cms signed_data = { .signer = &authority, .attributes = true, .embedded = true };
        const struct forge_cms named_so = { .signer = &authority, .attributes = true, .embedded = true, .another_type = true };
        const struct forge_cms detached = { .signer = &authority, .attributes = true, .another_type = true };

        (void)state;
        refused(forge_cms(&signed_data, "x", 1), NO_STAMP);
        refused(forge_cms(&named_so, "x", 1), NO_STAMP);
        refused(forge_cms(&detached, "x", 1), NO_STAMP);
        refused(forge_cms(&(struct forge_cms){ .issuer = { &root } }, "", 0), NO_STAMP);
        for (unsigned i = 0; i < 4; i++)
                refused(forge_cms_other(i, &authority, "x", 1), NO_STAMP);
}

// The authority signs a stamp's content, but as any CMS, without saying which certificate it signs with (RFC 3161, 2.4.2).
static void test_content_that_is_signed_as_any(void **state)
{
        struct forge_der token = forge_stamp(&authority, &root, stamped, true, 1);
        const struct forge_cms how = { .signer = &authority, .attributes = true, .embedded = true, .another_type = true };
        // TSTInfo: the SEQUENCE in the OCTET STRING behind the content type.
        static const uint8_t type[] = { 0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04 };
        const uint8_t *at = memmem(token.bytes, token.n, type, sizeof(type));

        (void)state;
        assert_non_null(at);
        at = memchr(at + sizeof(type), 0x30, 16);
        assert_non_null(at);
        size_t n = at[1] < 0x80 ? 2u + at[1] : 3u + at[2];
        refused(forge_cms(&how, at, n), NOT_BELIEVED);
        forge_der_done(&token);
}

static void test_every_cut_and_more(void **state)
{
        (void)state;
        for (int token = 0; token < 2; token++) {
                struct forge_der der = forge_stamp(&authority, &root, stamped, token, 1);

                for (size_t n = 0; n < der.n; n++) {
                        assert_int_equal(judge(der.bytes, n), -EBADMSG);
                        assert_string_equal(fault, NO_STAMP);
                }
                der.bytes[der.n] = 0; // there is room for one
                assert_int_equal(judge(der.bytes, der.n + 1), -EBADMSG);
                assert_string_equal(fault, NO_STAMP);
                assert_int_equal(witnesses.count, token);
                assert_int_equal(judge(der.bytes, der.n), 0);
                forge_der_done(&der);
        }
}

// What is not refused stamps the same hash at the same time: that much no bit of it can change.
static void test_every_byte(void **state)
{
        struct forge_der der = forge_stamp(&authority, &root, stamped, false, 1);

        (void)state;
        for (size_t i = 0; i < der.n; i += counts_of(7, 3, 1)) {
                der.bytes[i] ^= (uint8_t)(1 << i % 8);
                int r = judge(der.bytes, der.n);
                der.bytes[i] ^= (uint8_t)(1 << i % 8);
                assert_int_equal(witnesses.count, r == 0);
                if (r == 0) {
                        assert_memory_equal(witnesses.witness[0].hash, stamped, BC_HASH_BYTES);
                        assert_true(witnesses.witness[0].utc_ns == (FORGE_RECORDED_S + 1) * BC_NS_PER_S);
                        bc_witnesses_done(&witnesses);
                        witnesses = (struct bc_witnesses){ 0 };
                }
        }
        forge_der_done(&der);
}

static void test_very_large(void **state)
{
        uint8_t *bytes = calloc(1, FILE_BYTES_MAX + 1);

        (void)state;
        assert_non_null(bytes);
        for (size_t i = 0; i < FILE_BYTES_MAX; i += 2)
                memcpy(bytes + i, "\x30\x80", 2); // boxes in boxes, without end
        assert_int_equal(judge(bytes, FILE_BYTES_MAX), -EBADMSG);
        assert_string_equal(fault, NO_STAMP);
        assert_int_equal(judge(bytes, FILE_BYTES_MAX + 1), -EFBIG);
        assert_int_equal(witnesses.count, 0);
        free(bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_lawful),
                TEST(test_authorities_that_are_not_believed),
                TEST(test_what_is_less_exact_than_a_day),
                TEST(test_other_cms),
                TEST(test_content_that_is_signed_as_any),
                TEST(test_every_cut_and_more),
                TEST(test_every_byte),
                TEST(test_very_large),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
