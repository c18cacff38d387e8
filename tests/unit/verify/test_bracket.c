// SPDX-License-Identifier: EUPL-1.2
// Times by others' word: nonces, witnessed heads, time stamps (EVIDENCE 16).
#include <errno.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/utc.h"
#include "shared_trial.h"
#include "store_trial.h"
#include "verify/stamp.h"
#include "verify/text.h"

#define HOUR_S 3600
#define MID_S (FORGE_RECORDED_S + 200) // some time in the tests' run

static struct store_trial store;
static uint8_t nonce[32];

static int set_up(void **state)
{
        (void)state;
        trial_init(&trial);
        memset(nonce, 0x5a, sizeof(nonce));
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        store_trial_done(&store);
        memset(&store, 0, sizeof(store));
        trial_done(&trial);
        return 0;
}

// A run with a nonce, a recording, and the head behind it.
static void fill(void)
{
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        forge_ledger_event(store.ledger, 18, "h", nonce);
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        store_trial_record(&store, 17, true, (const char *const[]){ "IPPaatg R IPPaa X F", NULL });
        forge_ledger_stop(store.ledger);
}

static void add(const char *format, ...)
{
        char text[300], fault[200] = "";
        va_list list;

        va_start(list, format);
        vsnprintf(text, sizeof(text), format, list);
        va_end(list);
        assert_int_equal(bc_witnesses_add(&store.witnesses, text, fault, sizeof(fault)), 0);
}

static void add_head(int64_t utc_s)
{
        char hex[2 * BC_HASH_BYTES + 1], utc[BC_UTC_TEXT_BYTES];

        assert_int_equal(bc_utc_format(utc_s * BC_NS_PER_S, utc), 0);
        add("BC-0042:1:%llu:%s@%s", (unsigned long long)store.ledger->sequence,
            bc_text_hex(store.ledger->hash, BC_HASH_BYTES, hex), utc);
}

static void add_nonce(int64_t utc_s)
{
        char hex[2 * BC_HASH_BYTES + 1], utc[BC_UTC_TEXT_BYTES];

        assert_int_equal(bc_utc_format(utc_s * BC_NS_PER_S, utc), 0);
        add("nonce:%s@%s", bc_text_hex(nonce, sizeof(nonce), hex), utc);
}

static void test_rule_16_bracket(void **state)
{
        (void)state;
        fill();
        add_nonce(MID_S - HOUR_S);
        add_head(MID_S + HOUR_S);
        add_head(MID_S + 2 * HOUR_S);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        assert_true(store.not_before_ns[0] == (MID_S - HOUR_S) * BC_NS_PER_S);
        assert_true(store.not_after_ns[0] == (MID_S + HOUR_S + 1) * BC_NS_PER_S);
}

static void test_rule_16_claims_to_be_older(void **state)
{
        (void)state;
        fill();
        add_nonce(MID_S + HOUR_S);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_TIME);
}

static void test_rule_16_claims_to_be_newer(void **state)
{
        (void)state;
        fill();
        add_head(MID_S - HOUR_S);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_TIME);
}

// A nonce behind the recording's beginning, a head before its end: they say nothing of it.
static void test_what_does_not_bracket(void **state)
{
        (void)state;
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        add_head(MID_S - HOUR_S);
        store_trial_record(&store, 17, true, (const char *const[]){ "IPPaatg R IPPaa X F", NULL });
        forge_ledger_event(store.ledger, 18, "h", nonce);
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        forge_ledger_stop(store.ledger);
        add_nonce(MID_S + HOUR_S);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        assert_true(store.not_before_ns[0] == 0 && store.not_after_ns[0] == 0);
}

// What it claims lies before the revocation, what is witnessed behind it.
static void revoke_at(int64_t revoked_s)
{
        char path[TRIAL_PATH_BYTES + 64], fault[200];

        snprintf(path, sizeof(path), "%s/list.pem", trial.folder);
        forge_revoke(path, &trial.identity.issuer, trial.identity.device.certificate, revoked_s, 1);
        assert_int_equal(bc_trust_add_revocations(trial.trust, path, fault, sizeof(fault)), 0);
        unlink(path);
}

static void test_rule_16_revocation_is_judged_at_not_after(void **state)
{
        (void)state;
        fill();
        revoke_at(MID_S + HOUR_S);
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_REVOKED); // the record's word alone
        add_head(MID_S + HOUR_S / 2);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        bc_witnesses_done(&store.witnesses);
        add_head(MID_S + 2 * HOUR_S);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_REVOKED);
}

// ---- time stamps -----------------------------------------------------------------------------------------------

static void run(const char *format, ...)
{
        char command[2 * TRIAL_PATH_BYTES + 400];
        va_list list;

        va_start(list, format);
        int n = vsnprintf(command, sizeof(command), format, list);
        va_end(list);
        assert_true(n > 0 && (size_t)n < sizeof(command));
        char sh[] = "sh", c[] = "-c", *const words[] = { sh, c, command, NULL };
        pid_t child;
        int status;
        assert_int_equal(posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ), 0);
        assert_true(waitpid(child, &status, 0) == child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) != 0)
                print_error("%s\n", command);
        assert_int_equal(WEXITSTATUS(status), 0);
}

// An authority by the openssl command line; its stamp of a hash is stamp.tsr. In a folder beside the trial's own.
static void stamp(const char *folder, const uint8_t hash[BC_HASH_BYTES])
{
        char hex[2 * BC_HASH_BYTES + 1];

        run("set -e; mkdir -p %s; cd %s; exec >log 2>&1\n"
            "[ -e tsa.pem ] || {\n"
            "printf '[req]\\ndistinguished_name=n\\nprompt=no\\n[n]\\nCN=Stamps\\n[x]\\nextendedKeyUsage=critical,timeStamping\\n"
            "keyUsage=digitalSignature\\n[c]\\nbasicConstraints=critical,CA:true\\nkeyUsage=keyCertSign\\n"
            "[t]\\nserial=serial\\nsigner_digest=sha256\\ndigests=sha256\\ndefault_policy=1.2.3.4\\naccuracy=secs:1\\n' >cnf\n"
            "openssl req -config cnf -x509 -extensions c -newkey rsa:2048 -nodes -subj /CN=Root -keyout ca.key -out ca.pem -days 30\n"
            "openssl req -config cnf -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr\n"
            "openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile cnf -extensions x -out tsa.pem -days 20\n}\n"
            "openssl ts -query -digest %s -sha256 -cert -out query.tsq\n"
            "openssl ts -reply -config cnf -section t -queryfile query.tsq -signer tsa.pem -inkey tsa.key -out stamp.tsr\n"
            "openssl ts -reply -config cnf -section t -queryfile query.tsq -signer tsa.pem -inkey tsa.key -token_out -out token.der\n",
            folder, folder, bc_text_hex(hash, BC_HASH_BYTES, hex));
}

static int read_stamp(const char *folder, const char *name, bool believed, char *fault, size_t fault_bytes)
{
        struct bc_stamp_trust *trust;
        char path[TRIAL_PATH_BYTES + 64];

        assert_int_equal(bc_stamp_trust_new(&trust), 0);
        snprintf(path, sizeof(path), "%s/ca.pem", folder);
        if (believed)
                assert_int_equal(bc_stamp_trust_add(trust, path, fault, fault_bytes), 0);
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        int r = bc_stamp_add(trust, path, &store.witnesses, fault, fault_bytes);
        bc_stamp_trust_free(trust);
        return r;
}

static void test_rule_16_time_stamp(void **state)
{
        char folder[TRIAL_PATH_BYTES + 16], fault[200] = "";

        (void)state;
        fill();
        snprintf(folder, sizeof(folder), "%s-tsa", trial.folder);
        stamp(folder, store.ledger->hash);
        assert_int_equal(read_stamp(folder, "stamp.tsr", false, fault, sizeof(fault)), -EBADMSG);
        assert_non_null(strstr(fault, "--tsa"));
        assert_int_equal(store.witnesses.count, 0);
        assert_int_equal(read_stamp(folder, "query.tsq", true, fault, sizeof(fault)), -EBADMSG);
        assert_int_equal(read_stamp(folder, "stamp.tsr", true, fault, sizeof(fault)), 0);
        assert_int_equal(read_stamp(folder, "token.der", true, fault, sizeof(fault)), 0);
        // The stamp is of today, whenever that is; the recording of the day that its clock claims.
        bool later = store.witnesses.witness[0].utc_ns > (MID_S + 60) * BC_NS_PER_S;
        store_trial_judge(&store);
        assert_true(store.not_after_ns[0] >= store.witnesses.witness[0].utc_ns);
        assert_int_equal(store.findings.verdict == BC_VERDICT_AUTHENTIC, later);

        // Each byte of it counts.
        run("cd %s && cp stamp.tsr bad.tsr && printf '\\377' | dd of=bad.tsr bs=1 seek=$(($(stat -c %%s bad.tsr) - 9)) conv=notrunc status=none",
            folder);
        assert_int_equal(read_stamp(folder, "bad.tsr", true, fault, sizeof(fault)), -EBADMSG);
        run("cd %s && cat stamp.tsr query.tsq >bad.tsr", folder);
        assert_int_equal(read_stamp(folder, "bad.tsr", true, fault, sizeof(fault)), -EBADMSG);
        run("rm -r %s", folder);
}

// A stamp of anything, whose hash the device was given: nobody knew it before.
static void test_rule_16_time_stamp_as_nonce(void **state)
{
        char folder[TRIAL_PATH_BYTES + 16], fault[200] = "";
        struct bc_witness given;

        (void)state;
        snprintf(folder, sizeof(folder), "%s-tsa", trial.folder);
        stamp(folder, nonce);
        assert_int_equal(read_stamp(folder, "stamp.tsr", true, fault, sizeof(fault)), 0);
        given = store.witnesses.witness[0];
        memcpy(nonce, given.nonce, sizeof(nonce));
        bc_witnesses_done(&store.witnesses);
        fill();
        assert_int_equal(bc_witnesses_add_one(&store.witnesses, &given), 0);
        bool later = given.utc_ns > (MID_S + 60) * BC_NS_PER_S;
        store_trial_judge(&store);
        assert_true(store.not_before_ns[0] == given.utc_ns - 2 * BC_NS_PER_S);
        assert_int_equal(store.findings.verdict == BC_VERDICT_TAMPERED, later);
        run("rm -r %s", folder);
}

static void test_witnesses_that_are_none(void **state)
{
        static const char *const bad[] = {
                "nonce:00",
                "nonce:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a@2026-11-26T01:12:14Z",  // 15 bytes
                "nonce:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",                      // no time
                "nonce:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5@2026-11-26T01:12:14Z", // half a byte
                "nonce:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a@2026-11-26",
                "BC-0042:1:1:5a5a@2026-11-26T01:12:14Z",
        };
        char fault[200];

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_true(bc_witnesses_add(&store.witnesses, bad[i], fault, sizeof(fault)) < 0);
        store_trial_init_empty(&store, &trial);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_rule_16_bracket),
                TEST(test_rule_16_claims_to_be_older),
                TEST(test_rule_16_claims_to_be_newer),
                TEST(test_what_does_not_bracket),
                TEST(test_rule_16_revocation_is_judged_at_not_after),
                TEST(test_rule_16_time_stamp),
                TEST(test_rule_16_time_stamp_as_nonce),
                TEST(test_witnesses_that_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
