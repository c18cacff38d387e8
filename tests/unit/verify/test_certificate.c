// SPDX-License-Identifier: EUPL-1.2
// Who signed: rules 15 to 18.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include <cmocka.h>

#include "trial.h"
#include "verify/signature.h"

#define DAY_S 86400

// Signs a recording with a device's certificate made as wanted, below the trial's issuer unless another one is given.
static enum bc_verdict judge(struct trial *trial, struct forge_want want, const struct forge_authority *issuer, bool no_utc)
{
        struct forge_identity identity = trial->identity;

        want.name = "Body camera";
        want.device = want.device ? want.device : "BC-0042";
        identity.issuer = issuer ? *issuer : identity.issuer;
        want.issuer = &identity.issuer;
        identity.device = forge_certify(&want);
        struct forge *forge = forge_new(&identity, 0);
        forge->no_utc = no_utc;
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X F");
        enum bc_verdict verdict = trial_file(trial, segment->bytes, segment->size);
        forge_free(forge);
        forge_authority_done(&identity.device);
        return verdict;
}

static void test_rule_17_device_id(void **state)
{
        struct trial trial;

        (void)state;
        trial_init(&trial);
        trial_expect(&trial, judge(&trial, (struct forge_want){ 0 }, NULL, false), BC_VERDICT_AUTHENTIC);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .device = "BC-0043" }, NULL, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .device = "BC-0042 " }, NULL, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .device = "bc-0042" }, NULL, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        trial_done(&trial);
}

static void test_rule_17_key_usage(void **state)
{
        struct trial trial;

        (void)state;
        trial_init(&trial);
        static const char *const wrong[] = { "critical,keyAgreement", "digitalSignature",
                                             "critical,keyEncipherment,keyCertSign" };
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                trial_expect_found(&trial, judge(&trial, (struct forge_want){ .usage = wrong[i] }, NULL, false),
                                   BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
        trial_expect_found(
                &trial,
                judge(&trial, (struct forge_want){ .ca = true, .usage = "critical,digitalSignature,keyCertSign" }, NULL, false),
                BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
        trial_done(&trial);
}

static void test_rule_17_issuers(void **state)
{
        struct trial trial;

        (void)state;
        trial_init(&trial);
        // Another root of the same names, with issuers of the same names.
        struct forge_identity rogue = forge_identity("BC-0042", NULL, NULL);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ 0 }, &rogue.issuer, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        forge_identity_done(&rogue);
        // A device that issues devices.
        struct forge_authority device = forge_certify(
                &(struct forge_want){ .name = "Agency devices", .device = "BC-0001", .issuer = &trial.identity.root });
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ 0 }, &device, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        forge_authority_done(&device);
        // A CA that may not sign certificates; one that may, but none below it.
        device = forge_certify(&(struct forge_want){
                .name = "Agency devices", .issuer = &trial.identity.root, .ca = true, .usage = "critical,cRLSign" });
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ 0 }, &device, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        forge_authority_done(&device);
        // Weak: SHA-1.
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .digest = EVP_sha1() }, NULL, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        // An issuer with an RSA key is fine.
        device = forge_certify(
                &(struct forge_want){ .name = "Agency devices", .issuer = &trial.identity.root, .ca = true, .curve = "RSA" });
        trial_expect(&trial, judge(&trial, (struct forge_want){ 0 }, &device, false), BC_VERDICT_AUTHENTIC);
        forge_authority_done(&device);
        trial_done(&trial);
}

static void test_no_root_named(void **state)
{
        struct trial trial;
        struct bc_trust *none;

        (void)state;
        trial_init(&trial);
        assert_int_equal(bc_trust_new(&none), 0);
        trial.judge.trust = none;
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ 0 }, NULL, false), BC_VERDICT_UNJUDGED, BC_FINDING_NO_ROOT);
        trial.judge.trust = trial.trust;
        bc_trust_free(none);
        trial_done(&trial);
}

static void test_rule_16_validity_when_recorded(void **state)
{
        struct trial trial;
        const int64_t at = FORGE_RECORDED_S;

        (void)state;
        trial_init(&trial);
        // Expired long before it is verified, but not when it was recorded.
        trial_expect(&trial, judge(&trial, (struct forge_want){ .from_s = at - DAY_S, .until_s = at + DAY_S }, NULL, false),
                     BC_VERDICT_AUTHENTIC);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .from_s = at - DAY_S, .until_s = at - 1 }, NULL, false),
                           BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .from_s = at + 60, .until_s = at + DAY_S }, NULL, false),
                           BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
        // The recording outlasts it.
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .from_s = at - DAY_S, .until_s = at }, NULL, false),
                           BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
        // When it was recorded is not known: as of now.
        trial_expect(&trial, judge(&trial, (struct forge_want){ 0 }, NULL, true), BC_VERDICT_AUTHENTIC);
        assert_true(trial.verdict.segment[0].signer.judged_now);
        trial_expect_found(&trial,
                           judge(&trial, (struct forge_want){ .from_s = at - DAY_S, .until_s = at + DAY_S }, NULL, true),
                           BC_VERDICT_UNPROVEN, BC_FINDING_CERTIFICATE);
        trial_done(&trial);
}

static void check_revoked(int64_t revoked_s, int reason, bool no_utc, bool issuer_too, enum bc_verdict expected)
{
        struct trial trial;
        char path[TRIAL_PATH_BYTES + 16], text[100];

        trial_init(&trial);
        snprintf(path, sizeof(path), "%s/crl.pem", trial.folder);
        if (issuer_too)
                forge_revoke(path, &trial.identity.root, trial.identity.issuer.certificate, revoked_s, reason);
        else
                forge_revoke(path, &trial.identity.issuer, trial.identity.device.certificate, revoked_s, reason);
        assert_int_equal(bc_trust_add_revocations(trial.trust, path, text, sizeof(text)), 0);
        assert_int_equal(unlink(path), 0);
        struct forge *forge = forge_new(&trial.identity, 0);
        forge->no_utc = no_utc;
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_file(&trial, segment->bytes, segment->size), expected, BC_FINDING_REVOKED);
        // Somebody else's serial number does not matter.
        trial_expect(&trial, judge(&trial, (struct forge_want){ 0 }, NULL, false), issuer_too ? expected : BC_VERDICT_AUTHENTIC);
        forge_free(forge);
        trial_done(&trial);
}

static void test_rule_16_revocation(void **state)
{
        const int64_t at = FORGE_RECORDED_S;

        (void)state;
        check_revoked(at - DAY_S, CRL_REASON_SUPERSEDED, false, false, BC_VERDICT_TAMPERED);
        check_revoked(at - DAY_S, CRL_REASON_KEY_COMPROMISE, false, true, BC_VERDICT_TAMPERED);
        check_revoked(at + DAY_S / 2, CRL_REASON_CESSATION_OF_OPERATION, false, false, BC_VERDICT_NOTE);
        check_revoked(at + DAY_S / 2, CRL_REASON_KEY_COMPROMISE, false, false, BC_VERDICT_UNPROVEN);
        check_revoked(at + DAY_S / 2, CRL_REASON_SUPERSEDED, true, false, BC_VERDICT_UNPROVEN);
}

static void test_rule_16_revocation_list_of_a_rogue(void **state)
{
        struct trial trial;
        char path[TRIAL_PATH_BYTES + 16], text[100];

        (void)state;
        trial_init(&trial);
        struct forge_identity rogue = forge_identity("BC-0042", NULL, NULL);
        snprintf(path, sizeof(path), "%s/crl.pem", trial.folder);
        forge_revoke(path, &rogue.issuer, trial.identity.device.certificate, FORGE_RECORDED_S - DAY_S, CRL_REASON_SUPERSEDED);
        assert_int_equal(bc_trust_add_revocations(trial.trust, path, text, sizeof(text)), 0);
        assert_int_equal(unlink(path), 0);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ 0 }, NULL, false), BC_VERDICT_UNJUDGED, BC_FINDING_REVOKED);
        forge_identity_done(&rogue);
        trial_done(&trial);
}

static void test_rule_15_tests_and_simulation(void **state)
{
        struct trial trial;

        (void)state;
        for (int test = 0; test < 2; test++) {
                for (int simulated = 0; simulated < 2; simulated++) {
                        trial_init_with(&trial, test ? "1" : NULL, NULL);
                        struct forge *forge = forge_new(&trial.identity, 0);
                        forge->simulated = simulated;
                        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X F");
                        enum bc_verdict strict = test        ? BC_VERDICT_UNJUDGED
                                                 : simulated ? BC_VERDICT_TAMPERED
                                                             : BC_VERDICT_AUTHENTIC;
                        trial_expect(&trial, trial_file(&trial, segment->bytes, segment->size), strict);
                        trial.judge.allow_test = true;
                        trial_expect(&trial, trial_file(&trial, segment->bytes, segment->size),
                                     test || !simulated ? BC_VERDICT_AUTHENTIC : BC_VERDICT_TAMPERED);
                        assert_int_equal(trial.verdict.segment[0].signer.test, test);
                        assert_int_equal(trial.verdict.segment[0].simulated, simulated);
                        forge_free(forge);
                        trial_done(&trial);
                }
        }
}

// What hides that it is for tests, in the device's certificate or in one above.
static void test_rule_15_policy_twice(void **state)
{
        struct trial trial;

        (void)state;
        trial_init(&trial);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .policy = "1", .twice = true }, NULL, false),
                           BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
        struct forge_want want = { .name = "Agency devices", .issuer = &trial.identity.root, .ca = true, .policy = "1" };
        struct forge_authority issuer = forge_certify(&want);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ 0 }, &issuer, false), BC_VERDICT_UNJUDGED, BC_FINDING_TEST);
        forge_authority_done(&issuer);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ .twice = true }, NULL, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        want.twice = true;
        issuer = forge_certify(&want);
        trial_expect_found(&trial, judge(&trial, (struct forge_want){ 0 }, &issuer, false), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        forge_authority_done(&issuer);
        trial_done(&trial);
}

// A device's certificate that the user names as an anchor: nobody says that it is the device's.
static void test_rule_17_vouches_for_itself(void **state)
{
        struct trial trial;
        struct forge_identity identity;
        char path[TRIAL_PATH_BYTES + 16], text[100];

        (void)state;
        trial_init(&trial);
        identity = trial.identity;
        identity.device = forge_certify(&(struct forge_want){ .name = "Body camera", .device = "BC-0042" });
        snprintf(path, sizeof(path), "%s/self.pem", trial.folder);
        forge_pem(path, identity.device.certificate);
        assert_int_equal(bc_trust_add_roots(trial.trust, path, text, sizeof(text)), 0);
        assert_int_equal(unlink(path), 0);
        struct forge *forge = forge_new(&identity, 0);
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_file(&trial, segment->bytes, segment->size), BC_VERDICT_TAMPERED,
                           BC_FINDING_CERTIFICATE);
        forge_free(forge);
        forge_authority_done(&identity.device);
        trial_done(&trial);
}

static void test_rule_18_protection_by_the_issuers_word(void **state)
{
        static const char *const policies[] = { NULL, "2", "3", "4" };
        struct trial trial;

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                trial_init_with(&trial, policies[i], NULL);
                trial_expect(&trial, judge(&trial, (struct forge_want){ .policy = policies[i] }, NULL, false),
                             BC_VERDICT_AUTHENTIC);
                assert_int_equal(trial.verdict.segment[0].signer.protection, i);
                trial_done(&trial);
        }
}

static void test_rule_18_one_form_of_a_signature(void **state)
{
        struct trial trial;

        (void)state;
        trial_init_with(&trial, NULL, "P-384");
        // A key of neither curve.
        static const char *const curves[] = { "P-521", "secp256k1" };
        for (size_t i = 0; i < 2; i++) {
                struct forge_authority device = forge_certify(
                        &(struct forge_want){ .name = "x", .device = "BC-0042", .curve = curves[i] });
                enum bc_record_algorithm algorithm;
                assert_int_not_equal(bc_signature_algorithm(device.key, &algorithm), 0);
                forge_authority_done(&device);
        }
        trial_done(&trial);

        trial_init(&trial);
        struct forge *forge = forge_new(&trial.identity, 0);
        forge->high_s = true;
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_file(&trial, segment->bytes, segment->size), BC_VERDICT_TAMPERED, BC_FINDING_RECORD);
        forge_free(forge);
        trial_done(&trial);
}

// The check by itself, for the parser refuses such a record before.
static void test_rule_18_low_s_and_length(void **state)
{
        struct trial trial;
        struct bc_record_message message;
        uint8_t signature[64];
        size_t at = 0;

        (void)state;
        trial_init(&trial);
        struct forge *forge = forge_new(&trial.identity, 0);
        for (int high = 0; high < 2; high++) {
                forge->high_s = high;
                const struct forge_segment *segment = forge_write(forge, "IPPaatg R");
                while (segment->box[at] != FORGE_RECORD)
                        at++;
                // The signature is the last of the box; the message is the forge's own.
                memcpy(signature, segment->bytes + segment->box_at[at + 1] - 64, 64);
                memcpy(&message, &forge->message, sizeof(message));
                message.protected_header.bytes = message.bytes + (forge->message.protected_header.bytes - forge->message.bytes);
                message.payload.bytes = message.bytes + (forge->message.payload.bytes - forge->message.bytes);
                message.signature = (struct bc_record_bytes){ signature, 64 };
                assert_int_equal(bc_signature_check(trial.identity.device.key, BC_RECORD_ES256, &message) == 0, !high);
                message.signature.n = 63;
                assert_int_not_equal(bc_signature_check(trial.identity.device.key, BC_RECORD_ES256, &message), 0);
                message.signature.n = 0;
                assert_int_not_equal(bc_signature_check(trial.identity.device.key, BC_RECORD_ES256, &message), 0);
                message.signature.n = 64;
                signature[5] ^= 1;
                assert_int_not_equal(bc_signature_check(trial.identity.device.key, BC_RECORD_ES256, &message), 0);
                memset(signature, 0, sizeof(signature));
                assert_int_not_equal(bc_signature_check(trial.identity.device.key, BC_RECORD_ES256, &message), 0);
        }
        forge_free(forge);
        trial_done(&trial);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_15_tests_and_simulation),
                cmocka_unit_test(test_rule_15_policy_twice),
                cmocka_unit_test(test_rule_17_vouches_for_itself),
                cmocka_unit_test(test_rule_16_validity_when_recorded),
                cmocka_unit_test(test_rule_16_revocation),
                cmocka_unit_test(test_rule_16_revocation_list_of_a_rogue),
                cmocka_unit_test(test_rule_17_device_id),
                cmocka_unit_test(test_rule_17_key_usage),
                cmocka_unit_test(test_rule_17_issuers),
                cmocka_unit_test(test_rule_18_protection_by_the_issuers_word),
                cmocka_unit_test(test_rule_18_one_form_of_a_signature),
                cmocka_unit_test(test_rule_18_low_s_and_length),
                cmocka_unit_test(test_no_root_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
