// SPDX-License-Identifier: EUPL-1.2
// Which certificates segments are sealed for, and what is said of those that are not.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "evidence/agency.h"
#include "format/envelope.h"
#include "parties.h"

struct told {
        unsigned count, used; // of these
        char text[BC_AGENCY_FINDING_BYTES];
};

static void tell(void *user, const char *path, const char *text, bool used)
{
        struct told *told = user;

        assert_non_null(strstr(text, path)); // the file is named
        told->count++;
        told->used += used;
        snprintf(told->text, sizeof(told->text), "%s", text);
}

static int load(const char *const *paths, size_t n, struct told *told, struct bc_agency **ret_agency)
{
        struct bc_agency_source source = {
                .paths = paths, .count = n, .now_unix_s = PARTY_NOW, .kept = true, .on_finding = tell, .user = told
        };

        *told = (struct told){ 0 };
        *ret_agency = NULL;
        return bc_agency_load(&source, ret_agency);
}

static void expect_refused(const char *path, const char *why)
{
        struct bc_agency *agency;
        struct told told;

        assert_int_equal(load(&path, 1, &told, &agency), -ENOKEY);
        assert_null(agency);
        assert_int_equal(told.count, 1);
        if (!strstr(told.text, why))
                fail_msg("\"%s\" does not say \"%s\"", told.text, why);
}

static void expect_party_refused(const char *folder, const struct party_wish *wish, const char *why)
{
        struct party party;

        party_make(&party, folder, "bad", wish);
        expect_refused(party.certificate_path, why);
}

static void test_each_kind_is_taken(void **state)
{
        const char *kinds[] = { "RSA-3072", "P-256", "P-384" };
        struct bc_agency *agency;
        struct party party;
        struct told told;

        for (size_t i = 0; i < 3; i++) {
                const char *path = party.certificate_path;

                party_make(&party, *state, "good", &(struct party_wish){ .key = kinds[i] });
                assert_int_equal(load(&path, 1, &told, &agency), 0);
                assert_int_equal(bc_agency_recipients(agency), 1);
                assert_int_equal(told.count, 0);
                bc_agency_free(agency);
        }
}

static void test_rule_21_weak_and_wrong_keys_are_refused(void **state)
{
        expect_party_refused(*state, &(struct party_wish){ .key = "RSA-2048" }, "2048 bits");
        expect_party_refused(*state, &(struct party_wish){ .key = "RSA-3070" }, "3070 bits");
        expect_party_refused(*state, &(struct party_wish){ .key = "P-521" }, "secp521r1");
        expect_party_refused(*state, &(struct party_wish){ .key = "P-224" }, "secp224r1");
        expect_party_refused(*state, &(struct party_wish){ .key = "ED25519" }, "ED25519");
        expect_party_refused(*state, &(struct party_wish){ .key = "RSA-PSS" }, "RSA-PSS");
}

static void test_validity(void **state)
{
        struct bc_agency_source source = { .count = 1, .now_unix_s = BC_AGENCY_TIME_UNKNOWN };
        struct bc_agency *agency;
        struct party party;
        const char *path = party.certificate_path;

        expect_party_refused(*state, &(struct party_wish){ .key = "P-256", .ends_s = -1 }, "has expired");
        expect_party_refused(*state, &(struct party_wish){ .key = "P-256", .begins_s = 60 }, "not valid yet");
        // A camera whose clock is not set seals all the same.
        party_make(&party, *state, "old", &(struct party_wish){ .key = "P-256", .ends_s = -1 });
        source.paths = &path;
        assert_int_equal(bc_agency_load(&source, &agency), 0);
        bc_agency_free(agency);
}

// A clock that nobody keeps: it is behind because its battery was empty, or shows anything.
static void test_a_clock_that_nobody_keeps(void **state)
{
        // The certificates, of which the first letters are: valid, early, expired; how many are used, and doubted, and left out.
        static const struct {
                const char *parties;
                unsigned used, doubtful, left_out;
                const char *said;
        } cases[] = {
                { "v", 1, 0, 0, "" },
                { "e", 1, 1, 0, "is not valid yet by a clock" },
                { "ee", 2, 2, 0, "is not valid yet by a clock" },
                { "ve", 2, 1, 0, "is not valid yet by a clock" },
                { "x", 1, 1, 0, "has expired by a clock" },
                { "xx", 2, 2, 0, "has expired by a clock" },
                { "vx", 1, 0, 1, "has expired" },
                { "xv", 1, 0, 1, "has expired" },
                { "xe", 1, 1, 1, "has expired" },
        };
        const struct party_wish wishes[] = { { .key = "P-256" }, { .key = "P-256", .begins_s = 60, .ends_s = 120 },
                                             { .key = "P-256", .begins_s = -120, .ends_s = -60 } };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct bc_agency_source source = { .now_unix_s = PARTY_NOW, .on_finding = tell };
                const size_t n = strlen(cases[i].parties);
                struct bc_agency *agency;
                struct party party[2];
                const char *paths[2];
                struct told told = { 0 };

                for (size_t k = 0; k < n; k++) {
                        char name[64];

                        snprintf(name, sizeof(name), "clock-%zu-%zu", i, k);
                        party_make(&party[k], *state, name, &wishes[strcspn("vex", (char[]){ cases[i].parties[k], 0 })]);
                        paths[k] = party[k].certificate_path;
                }
                source.paths = paths;
                source.count = n;
                source.user = &told;
                assert_int_equal(bc_agency_load(&source, &agency), 0);
                assert_int_equal(bc_agency_recipients(agency), cases[i].used);
                assert_int_equal(bc_agency_doubtful(agency), cases[i].doubtful);
                assert_int_equal(bc_agency_left_out(agency), cases[i].left_out);
                assert_int_equal(told.used, cases[i].doubtful);
                assert_int_equal(told.count, cases[i].doubtful + cases[i].left_out);
                assert_non_null(strstr(told.text, cases[i].said));
                bc_agency_free(agency);
                // One that a time service keeps.
                source.kept = true;
                assert_int_equal(bc_agency_load(&source, &agency), strchr(cases[i].parties, 'v') ? 0 : -ENOKEY);
                if (strchr(cases[i].parties, 'v')) {
                        assert_int_equal(bc_agency_recipients(agency), 1);
                        assert_int_equal(bc_agency_doubtful(agency), 0);
                        bc_agency_free(agency);
                }
        }
}

// What no clock excuses: a key that is too weak, or the same one twice.
static void test_rule_21_whatever_the_clock(void **state)
{
        struct bc_agency_source source = { .count = 1, .now_unix_s = PARTY_NOW, .on_finding = tell };
        struct party party, same;
        struct bc_agency *agency;
        struct told told = { 0 };
        const char *paths[2];

        source.user = &told;
        source.paths = paths;
        party_make(&party, *state, "weak", &(struct party_wish){ .key = "P-521", .begins_s = -120, .ends_s = -60 });
        paths[0] = party.certificate_path;
        assert_int_equal(bc_agency_load(&source, &agency), -ENOKEY);
        party_make(&party, *state, "old", &(struct party_wish){ .key = "P-256", .begins_s = -120, .ends_s = -60 });
        party_make(&same, *state, "same", &(struct party_wish){ .same_key_as = party.key_path, .begins_s = -120, .ends_s = -60 });
        paths[1] = same.certificate_path;
        source.count = 2;
        assert_int_equal(bc_agency_load(&source, &agency), 0);
        assert_int_equal(bc_agency_recipients(agency), 1);
        assert_int_equal(bc_agency_left_out(agency), 1);
        bc_agency_free(agency);
}

static void test_usage(void **state)
{
        expect_party_refused(*state, &(struct party_wish){ .key = "P-256", .usage = "" },
                             "no keyUsage; it must allow keyAgreement");
        expect_party_refused(*state, &(struct party_wish){ .key = "P-256", .usage = "keyEncipherment" },
                             "does not allow keyAgreement");
        expect_party_refused(*state, &(struct party_wish){ .key = "RSA-3072", .usage = "" },
                             "no keyUsage; it must allow keyEncipherment");
        expect_party_refused(*state, &(struct party_wish){ .key = "RSA-3072", .usage = "digitalSignature,keyAgreement" },
                             "does not allow keyEncipherment");
}

static void test_files_that_are_none(void **state)
{
        char path[PARTY_PATH_BYTES + 16], text[8192];
        struct party party;
        FILE *file;
        size_t n;

        snprintf(path, sizeof(path), "%s/absent.pem", (char *)*state);
        expect_refused(path, "No such file");
        party_make(&party, *state, "good", &(struct party_wish){ .key = "P-256" });
        expect_refused(party.key_path, "no certificate in PEM");
        expect_refused(*state, "cannot be read"); // a folder

        // Two in one file: the second would be left out without a word.
        file = fopen(party.certificate_path, "a+e");
        assert_non_null(file);
        rewind(file);
        n = fread(text, 1, sizeof(text), file);
        assert_int_equal(fwrite(text, 1, n, file), n);
        fclose(file);
        expect_refused(party.certificate_path, "more than one certificate");
}

static void test_duplicates(void **state)
{
        struct party first, second, third;
        struct bc_agency *agency;
        struct told told;
        const char *paths[2];

        party_make(&first, *state, "first", &(struct party_wish){ .key = "P-256", .serial = 5, .issuer = "X" });
        party_make(&second, *state, "second", &(struct party_wish){ .same_key_as = first.key_path });
        party_make(&third, *state, "third", &(struct party_wish){ .key = "P-256", .serial = 5, .issuer = "X" });
        paths[0] = first.certificate_path;
        paths[1] = second.certificate_path;
        assert_int_equal(load(paths, 2, &told, &agency), 0);
        assert_int_equal(bc_agency_recipients(agency), 1);
        assert_non_null(strstr(told.text, "second.pem: the same key"));
        bc_agency_free(agency);
        paths[1] = third.certificate_path;
        assert_int_equal(load(paths, 2, &told, &agency), 0);
        assert_int_equal(bc_agency_recipients(agency), 1);
        assert_non_null(strstr(told.text, "third.pem: the same issuer and serial number"));
        bc_agency_free(agency);
}

// One that has expired does not keep the others from being sealed for; with none left there is no agency.
static void test_usable_ones_are_used(void **state)
{
        struct party good, bad;
        struct bc_agency *agency;
        struct told told;
        const char *paths[2];

        party_make(&good, *state, "good", &(struct party_wish){ .key = "P-384" });
        party_make(&bad, *state, "bad", &(struct party_wish){ .key = "P-256", .ends_s = -1 });
        paths[0] = bad.certificate_path;
        paths[1] = good.certificate_path;
        assert_int_equal(load(paths, 2, &told, &agency), 0);
        assert_int_equal(bc_agency_recipients(agency), 1);
        assert_int_equal(told.count, 1);
        bc_agency_free(agency);
        assert_int_equal(load(paths, 1, &told, &agency), -ENOKEY);
        assert_int_equal(load(paths, 0, &told, &agency), -ENOKEY);
        assert_int_equal(load(paths, BC_ENVELOPE_RECIPIENTS_MAX + 1, &told, &agency), -E2BIG);
}

// As many recipients as there may be; more bytes than there is room for are not written.
static void test_most_recipients(void **state)
{
        struct party party[BC_ENVELOPE_RECIPIENTS_MAX];
        const char *paths[BC_ENVELOPE_RECIPIENTS_MAX];
        uint8_t bytes[16384], key[32] = { 1 };
        struct bc_envelope envelope;
        struct bc_agency *agency;
        struct told told;
        size_t n;

        for (size_t i = 0; i < BC_ENVELOPE_RECIPIENTS_MAX; i++) {
                char name[16];

                snprintf(name, sizeof(name), "long-%zu", i);
                // Longer keys take seconds to make.
                party_make(&party[i], *state, name, &(struct party_wish){ .key = i == 0 ? "RSA-4096" : "P-384" });
                paths[i] = party[i].certificate_path;
        }
        assert_int_equal(load(paths, BC_ENVELOPE_RECIPIENTS_MAX, &told, &agency), 0);
        assert_int_equal(bc_agency_wrap(agency, key, bytes, sizeof(bytes), &n), 0);
        assert_int_equal(bc_envelope_parse(bytes, n, &envelope), 0);
        assert_int_equal(envelope.recipients, BC_ENVELOPE_RECIPIENTS_MAX);
        assert_int_equal(bc_agency_wrap(agency, key, bytes, n - 1, &n), -ENOBUFS);
        bc_agency_free(agency);
}

static int make_folder(void **state)
{
        *state = party_folder_make();
        return 0;
}

static int remove_folder(void **state)
{
        party_folder_remove(*state);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_kind_is_taken),
                cmocka_unit_test(test_rule_21_weak_and_wrong_keys_are_refused),
                cmocka_unit_test(test_validity),
                cmocka_unit_test(test_a_clock_that_nobody_keeps),
                cmocka_unit_test(test_rule_21_whatever_the_clock),
                cmocka_unit_test(test_usage),
                cmocka_unit_test(test_files_that_are_none),
                cmocka_unit_test(test_duplicates),
                cmocka_unit_test(test_usable_ones_are_used),
                cmocka_unit_test(test_most_recipients),
        };

        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
