// SPDX-License-Identifier: EUPL-1.2
// manifest.sig that is not the camera's: each way to have it so is tampering, and said for what it is (manifest.md, 9).
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "forge_cms.h"
#include "lib/counts.h"
#include "shared_trial.h"

#define MANY 2000

// How it is refused.
#define NO_CMS "it is no CMS"
#define NOT_ONE_SIGNER "not the SignedData of one signer"
#define NOT_DETACHED "not detached"
#define ATTRIBUTES "it has attributes"
#define NOT_DER "not DER"
#define MORE "more follows it"
#define NOT_ITS_KEY "not by the key that the records are signed with"
#define NOT_ITS_HASH "its hash is not the key's"
#define NOT_OVER_IT "it is not one over this manifest.json"
#define NOT_ITS_FORM "not of the form that the camera gives it"
#define NOT_ITS_ISSUERS "it holds certificates that are not the issuers'"
#define NOT_TO_A_ROOT "its certificates do not lead to a named root"
#define HIGH_S "not in the one form of a signature (low s)"
#define TOO_LARGE "File too large"

static struct forge *forge;
static char path[TRIAL_PATH_BYTES], *manifest;

static int set_up_with(const char *curve)
{
        trial_init_with(&trial, NULL, curve);
        forge = forge_new(&trial.identity, 0);
        forge_write(forge, "IPPaatg R IPPaa X F");
        forge_save(forge, trial.folder, false, path, sizeof(path));
        manifest = forge_final_manifest(forge);
        forge_file(path, "manifest.json", manifest, strlen(manifest));
        return 0;
}

static int set_up(void **state)
{
        (void)state;
        return set_up_with("P-256");
}

static int set_up_large(void **state)
{
        (void)state;
        return set_up_with("P-384");
}

static int tear_down(void **state)
{
        (void)state;
        free(manifest);
        forge_free(forge);
        trial_done(&trial);
        return 0;
}

static bool said(const char *words)
{
        for (size_t i = 0; i < trial.verdict.findings.count; i++) {
                const struct bc_finding *finding = &trial.verdict.findings.finding[i];

                if (finding->code == BC_FINDING_SIGNATURE && finding->verdict == BC_VERDICT_TAMPERED &&
                    strncmp(finding->text, "manifest.sig: ", 14) == 0 &&
                    strcmp(finding->text + 14, words) == 0)
                        return true;
        }
        return false;
}

// Judges the folder as it is; words NULL: all is well.
static void check_folder(const char *words)
{
        enum bc_verdict verdict = trial_path(&trial, path);

        if (!words) {
                trial_expect(&trial, verdict, BC_VERDICT_AUTHENTIC);
                assert_int_equal(trial.verdict.endorsement, BC_ENDORSEMENT_SIGNED);
                return;
        }
        trial_expect_found(&trial, verdict, BC_VERDICT_TAMPERED, BC_FINDING_SIGNATURE);
        assert_int_equal(trial.verdict.endorsement, BC_ENDORSEMENT_WRONG);
        if (!said(words))
                print_error("not said: %s; but: %s\n", words, trial.verdict.findings.finding[0].text);
        assert_true(said(words));
}

static void check_bytes(const void *bytes, size_t n, const char *words)
{
        forge_file(path, "manifest.sig", bytes, n);
        check_folder(words);
}

static void check_over(const struct forge_cms *how, const char *content, const char *words)
{
        struct forge_der der = forge_cms(how, content, strlen(content));

        check_bytes(der.bytes, der.n, words);
        forge_der_done(&der);
}

static void check(const struct forge_cms *how, const char *words)
{
        check_over(how, manifest, words);
}

#define DEVICE &trial.identity.device
#define ISSUER &trial.identity.issuer

static void test_lawful(void **state)
{
        (void)state;
        check(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER } }, NULL);
}

// The keys are the right ones, and public: the certificates around them are anybody's.
static void test_certificates_of_nobody(void **state)
{
        struct forge_authority rogue = forge_certify(&(struct forge_want){ .name = "Anybody", .ca = true });
        struct forge_authority leaf = forge_certify(
                &(struct forge_want){ .name = "Guilty", .device = "BC-0042", .issuer = &rogue, .key = trial.identity.device.key });
        struct forge_authority issuer = forge_certify(
                &(struct forge_want){ .name = "Agency devices", .ca = true, .issuer = &rogue, .key = trial.identity.issuer.key });

        (void)state;
        check(&(struct forge_cms){ .signer = DEVICE }, NOT_TO_A_ROOT);
        check(&(struct forge_cms){ .signer = &leaf }, NOT_TO_A_ROOT);
        check(&(struct forge_cms){ .signer = &leaf, .issuer = { &rogue } }, NOT_TO_A_ROOT);
        check(&(struct forge_cms){ .signer = DEVICE, .issuer = { &issuer } }, NOT_TO_A_ROOT);
        forge_authority_done(&rogue);
        forge_authority_done(&leaf);
        forge_authority_done(&issuer);
}

static void test_signers(void **state)
{
        struct forge_authority other = forge_certify(
                &(struct forge_want){ .name = "Body camera", .device = "BC-0042", .issuer = ISSUER });
        struct forge_authority rsa = forge_certify(
                &(struct forge_want){ .name = "Camera", .issuer = ISSUER, .curve = "RSA" });

        (void)state;
        check(&(struct forge_cms){ .issuer = { DEVICE, ISSUER } }, NOT_ONE_SIGNER); // certificates alone
        check(&(struct forge_cms){ 0 }, NOT_ONE_SIGNER);                            // nothing at all
        check(&(struct forge_cms){ .signer = DEVICE, .second = &other }, NOT_ONE_SIGNER);
        check(&(struct forge_cms){ .signer = &other, .second = DEVICE }, NOT_ONE_SIGNER);
        // By others, be they of the same name; the device's certificate lies beside.
        check(&(struct forge_cms){ .signer = &other, .issuer = { ISSUER } }, NOT_ITS_KEY);
        check(&(struct forge_cms){ .signer = &other, .issuer = { DEVICE, ISSUER } }, NOT_ITS_KEY);
        check(&(struct forge_cms){ .signer = ISSUER, .issuer = { DEVICE } }, NOT_ITS_KEY);
        check(&(struct forge_cms){ .signer = &rsa, .issuer = { DEVICE } }, NOT_ITS_KEY);
        check(&(struct forge_cms){ .signer = DEVICE, .no_certificate = true }, NOT_ITS_KEY);
        // Signed by another, in the name of the device's certificate.
        struct forge_authority liar = { other.key, trial.identity.device.certificate };
        struct forge_cms how = { .signer = &liar };
        struct forge_authority self = forge_certify(
                &(struct forge_want){ .name = "Body camera", .key = other.key });
        liar.certificate = self.certificate;
        check(&how, NOT_ITS_KEY);
        forge_authority_done(&self);
        forge_authority_done(&other);
        forge_authority_done(&rsa);
}

// The device's key under another certificate: that is a renewal, and judged by the key.
static void test_another_certificate_of_the_key(void **state)
{
        struct forge_authority renewed = forge_certify(
                &(struct forge_want){ .name = "Body camera",
                                      .device = "BC-0042",
                                      .issuer = ISSUER,
                                      .key = trial.identity.device.key });

        (void)state;
        check(&(struct forge_cms){ .signer = &renewed, .issuer = { ISSUER } }, NULL);
        check(&(struct forge_cms){ .signer = &renewed, .issuer = { DEVICE, ISSUER } }, NOT_ITS_ISSUERS);
        forge_authority_done(&renewed);
}

static void test_content(void **state)
{
        (void)state;
        check(&(struct forge_cms){ .signer = DEVICE, .embedded = true }, NOT_DETACHED);
        check_over(&(struct forge_cms){ .signer = DEVICE, .embedded = true }, "{}", NOT_DETACHED);
        check(&(struct forge_cms){ .signer = DEVICE, .another_type = true, .embedded = true }, NOT_DETACHED);
        check_over(&(struct forge_cms){ .signer = DEVICE }, "{}", NOT_OVER_IT);
        check_over(&(struct forge_cms){ .signer = DEVICE }, "", NOT_OVER_IT);
        for (unsigned i = 0; i < 4; i++) {
                struct forge_der der = forge_cms_other(i, DEVICE, manifest, strlen(manifest));

                check_bytes(der.bytes, der.n, NOT_ONE_SIGNER);
                forge_der_done(&der);
        }
}

static void test_hashes(void **state)
{
        const EVP_MD *const wrong[] = { EVP_sha1(), EVP_sha224(), EVP_sha512() };
        bool large = EVP_PKEY_get_bits(trial.identity.device.key) == 384;

        (void)state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
                check(&(struct forge_cms){ .signer = DEVICE, .digest = wrong[i] }, NOT_ITS_HASH);
        check(&(struct forge_cms){ .signer = DEVICE, .digest = large ? EVP_sha256() : EVP_sha384() },
              NOT_ITS_HASH);
        // There is no ECDSA with MD5: it is only said to be.
        check(&(struct forge_cms){ .signer = DEVICE, .claimed = EVP_md5() }, NOT_ITS_HASH);
        check(&(struct forge_cms){ .signer = DEVICE, .claimed = EVP_sha1() }, NOT_ITS_HASH);
        check(&(struct forge_cms){ .signer = DEVICE, .claimed_signature = true }, NOT_ITS_FORM);
}

static void test_attributes(void **state)
{
        (void)state;
        check(&(struct forge_cms){ .signer = DEVICE, .attributes = true }, ATTRIBUTES);
        check_over(&(struct forge_cms){ .signer = DEVICE, .attributes = true }, "{}",
                   ATTRIBUTES); // of another text
        check(&(struct forge_cms){ .signer = DEVICE, .no_message_digest = true }, ATTRIBUTES);
        check(&(struct forge_cms){ .signer = DEVICE, .unsigned_attribute = true }, ATTRIBUTES);
}

static void test_what_else_is_in_it(void **state)
{
        struct forge_authority other = forge_certify(&(struct forge_want){ .name = "Nobody", .ca = true });

        (void)state;
        check(&(struct forge_cms){ .signer = DEVICE, .by_key_id = true }, NOT_ITS_FORM);
        check(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER }, .revocations = true },
              NOT_ITS_FORM);
        check(&(struct forge_cms){ .signer = DEVICE, .another_type = true }, NOT_DETACHED);
        check(&(struct forge_cms){ .signer = DEVICE, .issuer = { &other } }, NOT_ITS_ISSUERS);
        check(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER, &other } }, NOT_ITS_ISSUERS);
        check(&(struct forge_cms){ .signer = DEVICE, .strangers = 1 }, NOT_ITS_ISSUERS);
        forge_authority_done(&other);
}

// s and order - s both verify: one of the two is allowed, as in records.
static void test_high_s(void **state)
{
        (void)state;
        check(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER }, .high_s = true }, HIGH_S);
}

// ---- bytes -----------------------------------------------------------------------------------------------------

static void test_not_der(void **state)
{
        struct forge_der der = forge_cms(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER } },
                                         manifest, strlen(manifest));

        (void)state;
        check(&(struct forge_cms){ .signer = DEVICE, .streamed = true, .embedded = true }, NOT_DETACHED);
        // The outermost length in three bytes where two do; and of no stated length, with an end.
        assert_true(der.bytes[0] == 0x30 && der.bytes[1] == 0x82);
        uint8_t *longer = malloc(der.n + 2);
        assert_non_null(longer);
        memcpy(longer, (const uint8_t[]){ 0x30, 0x83, 0 }, 3);
        memcpy(longer + 3, der.bytes + 2, der.n - 2);
        check_bytes(longer, der.n + 1, NOT_DER);
        memcpy(longer, (const uint8_t[]){ 0x30, 0x80 }, 2);
        memcpy(longer + 2, der.bytes + 4, der.n - 4);
        memset(longer + der.n - 2, 0, 2);
        check_bytes(longer, der.n, NOT_DER);
        free(longer);
        forge_der_done(&der);
}

static void test_something_behind_it(void **state)
{
        struct forge_der der = forge_cms(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER } }, manifest, strlen(manifest));
        uint8_t *twice = malloc(2 * der.n);

        (void)state;
        assert_non_null(twice);
        memcpy(twice, der.bytes, der.n);
        memcpy(twice + der.n, der.bytes, der.n);
        check_bytes(twice, der.n, NULL);
        check_bytes(twice, 2 * der.n, MORE);
        twice[der.n] = 0;
        check_bytes(twice, der.n + 1, MORE);
        twice[der.n] = '\n';
        check_bytes(twice, der.n + 1, MORE);
        free(twice);
        forge_der_done(&der);
}

static void test_every_cut(void **state)
{
        struct forge_der der = forge_cms(&(struct forge_cms){ .signer = DEVICE }, manifest, strlen(manifest));

        (void)state;
        for (size_t n = 0; n < der.n; n += counts_of(3, 1, 1))
                check_bytes(der.bytes, n, NO_CMS);
        forge_der_done(&der);
}

// Each bit counts, those of the certificates, too.
static void test_every_byte(void **state)
{
        struct forge_der der = forge_cms(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER } }, manifest, strlen(manifest));
        size_t checked = 0;

        (void)state;
        for (size_t i = 0; i < der.n; i += counts_of(3, 1, 1)) {
                for (uint32_t k = 0; k < counts_of(1, 2, 8); k++) {
                        uint8_t bit = (uint8_t)(1 << (i + k) % 8);

                        der.bytes[i] ^= bit;
                        forge_file(path, "manifest.sig", der.bytes, der.n);
                        if (trial_path(&trial, path) != BC_VERDICT_TAMPERED)
                                print_error("byte %zu, bit %u\n", i, (unsigned)bit);
                        trial_expect_found(&trial, trial.verdict.verdict, BC_VERDICT_TAMPERED,
                                           BC_FINDING_SIGNATURE);
                        der.bytes[i] ^= bit;
                        checked++;
                }
        }
        assert_true(checked >= counts_of(267, 800, 800));
        check_bytes(der.bytes, der.n, NULL);
        forge_der_done(&der);
}

static void test_no_cms_at_all(void **state)
{
        static const char *const texts[] = { "",
                                             "x",
                                             "{}",
                                             "-----BEGIN CMS-----\nMIIB\n-----END CMS-----\n",
                                             "\x30",
                                             "\x30\x80",
                                             "\x30\x00",
                                             "\x05\x00",
                                             "\x30\x84\xff\xff\xff\xff",
                                             "\x30\x88\x7f\xff\xff\xff\xff\xff\xff\xff" };

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
                check_bytes(texts[i], strlen(texts[i]), NO_CMS);
        check_bytes("\x30\x00", 2, NO_CMS);
        check_bytes("\x05\x00", 2, NO_CMS);
        check_bytes(manifest, strlen(manifest), NO_CMS);
}

static long used_kb(void)
{
        struct rusage usage;

        assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
        return usage.ru_maxrss;
}

// Boxes in boxes of no stated length, as deep as the file allows; alone, and where the content would be.
static void test_indefinite_bomb(void **state)
{
        static uint8_t bomb[64 << 10];
        static const uint8_t head[] = { 0x30, 0x80, 6,    9,    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                        1,    7,    2,    0xa0, 0x80, 0x30, 0x80, 2,    1,    1,
                                        0x31, 0x80, 0,    0,    0x30, 0x80, 6,    9,    0x2a, 0x86,
                                        0x48, 0x86, 0xf7, 0x0d, 1,    7,    1,    0xa0, 0x80 };
        long before_kb = used_kb();

        (void)state;
        for (size_t i = 0; i < sizeof(bomb); i += 2)
                memcpy(bomb + i, "\x30\x80", 2);
        check_bytes(bomb, sizeof(bomb), NO_CMS);
        for (size_t i = 0; i < sizeof(bomb); i += 2)
                memcpy(bomb + i, "\x24\x80", 2); // an OCTET STRING of pieces
        memcpy(bomb, head, sizeof(head));
        memmove(bomb + sizeof(head), bomb + sizeof(head) + 1, sizeof(bomb) - sizeof(head) - 1);
        check_bytes(bomb, sizeof(bomb), NO_CMS);
        // And ended well, halfway.
        memset(bomb + sizeof(bomb) / 2, 0, sizeof(bomb) / 2);
        check_bytes(bomb, sizeof(bomb), NO_CMS);
        assert_true(used_kb() - before_kb < 16 << 10);
}

static void test_very_large(void **state)
{
        struct forge_der der = forge_cms(&(struct forge_cms){ .signer = DEVICE }, manifest, strlen(manifest));
        uint8_t *most = calloc(1, 65536);
        char name[TRIAL_PATH_BYTES + 16];
        long before_kb = used_kb();

        (void)state;
        assert_non_null(most);
        memcpy(most, der.bytes, der.n);
        check_bytes(most, 65536, MORE); // as much as is read
        snprintf(name, sizeof(name), "%s/manifest.sig", path);
        for (off_t n = 65537; n < (off_t)1 << 40; n *= 40) {
                assert_int_equal(truncate(name, n), 0);
                check_folder(TOO_LARGE);
        }
        assert_int_equal(truncate(name, 100 << 20), 0);
        check_folder(TOO_LARGE);
        assert_true(used_kb() - before_kb < 16 << 10);
        free(most);
        forge_der_done(&der);
}

// Many that are too much for the file, and as many as it holds.
static void test_certificate_bomb(void **state)
{
        (void)state;
        check(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER }, .strangers = MANY }, TOO_LARGE);
        check(&(struct forge_cms){ .signer = DEVICE, .issuer = { ISSUER }, .strangers = 140 },
              NOT_ITS_ISSUERS);
}

static void test_no_regular_file(void **state)
{
        char name[TRIAL_PATH_BYTES + 16];

        (void)state;
        snprintf(name, sizeof(name), "%s/manifest.sig", path);
        assert_int_equal(symlink("manifest.json", name), 0);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_NAME);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(mkfifo(name, 0600), 0);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_NAME);
        assert_int_equal(unlink(name), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_LARGE(name)                                                                                     \
        {                                                                                                    \
#name " (P-384)", name, set_up_large, tear_down, NULL                                        \
        }
        const struct CMUnitTest tests[] = {
                TEST(test_lawful),
                TEST_LARGE(test_lawful),
                TEST(test_certificates_of_nobody),
                TEST_LARGE(test_certificates_of_nobody),
                TEST(test_signers),
                TEST(test_another_certificate_of_the_key),
                TEST(test_content),
                TEST(test_hashes),
                TEST_LARGE(test_hashes),
                TEST(test_attributes),
                TEST(test_what_else_is_in_it),
                TEST(test_high_s),
                TEST_LARGE(test_high_s),
                TEST(test_not_der),
                TEST(test_something_behind_it),
                TEST(test_every_cut),
                TEST(test_every_byte),
                TEST(test_no_cms_at_all),
                TEST(test_indefinite_bomb),
                TEST(test_very_large),
                TEST(test_certificate_bomb),
                TEST(test_no_regular_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
