// SPDX-License-Identifier: EUPL-1.2
#include "report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utc.h"
#include "base/utc_clock.h"

#define WARNINGS_MAX 4

struct report {
        const char *algorithm, *place, *protection; // protection NULL: not said
        char from[BC_UTC_TEXT_BYTES], until[BC_UTC_TEXT_BYTES];
        char x5t[2 * BC_HASH_BYTES + 1];
        char warning[WARNINGS_MAX][256];
        size_t warnings;
};

static void say_time(int64_t utc_s, char text[BC_UTC_TEXT_BYTES])
{
        if (utc_s < 0 || utc_s > INT64_MAX / 1000000000 || bc_utc_format(utc_s * 1000000000, text) < 0)
                snprintf(text, BC_UTC_TEXT_BYTES, "%s", utc_s < 0 ? "before 1970" : "after 2262");
}

static void warn_of_time(const struct bc_chain *chain, struct report *report)
{
        struct bc_utc_reading now;
        struct bc_clock *clock;

        if (bc_clock_new_real(&clock) < 0)
                return;
        bc_utc_read(clock, &now);
        bc_clock_free(clock);
        if (!bc_utc_is_possible(now.utc_ns))
                snprintf(report->warning[report->warnings++], sizeof(*report->warning),
                         "this machine's clock is not set: whether the certificates are valid now is not known");
        else if (!bc_chain_is_valid_at(chain, now.utc_ns, report->warning[report->warnings], sizeof(*report->warning)))
                report->warnings++;
}

static void collect(const struct bc_identity *identity, struct report *report)
{
        static const char *const places[] = { [BC_KEY_FILE] = "file", [BC_KEY_TPM] = "tpm", [BC_KEY_TOKEN] = "token" };
        static const enum bc_protection expected[] = {
                [BC_KEY_FILE] = BC_PROTECTION_FILE,
                [BC_KEY_TPM] = BC_PROTECTION_TPM,
                [BC_KEY_TOKEN] = BC_PROTECTION_HARDWARE,
        };
        static const char *const protections[] = {
                [BC_PROTECTION_FILE] = "file",
                [BC_PROTECTION_TPM] = "tpm",
                [BC_PROTECTION_HARDWARE] = "hardware",
        };
        const struct bc_chain *chain = identity->chain;
        enum bc_key_place place = bc_key_place(identity->key);

        report->algorithm = identity->algorithm == BC_RECORD_ES384 ? "P-384" : "P-256";
        report->place = places[place];
        report->protection = chain->protection == BC_PROTECTION_NOT_SAID ? NULL : protections[chain->protection];
        for (size_t i = 0; i < BC_HASH_BYTES; i++)
                snprintf(report->x5t + 2 * i, 3, "%02x", chain->x5t[i]);
        say_time(chain->valid_from_s, report->from);
        say_time(chain->valid_until_s, report->until);
        warn_of_time(chain, report);
        if (chain->is_test)
                snprintf(report->warning[report->warnings++], sizeof(*report->warning),
                         "test certificate: what is signed with it is evidence of nothing");
        if (report->protection && chain->protection != expected[place])
                snprintf(report->warning[report->warnings++], sizeof(*report->warning),
                         "the CA says that the key is protected by \"%s\", but it is in a %s", report->protection, report->place);
}

static void print_json(const struct bc_provision *provision, const struct bc_identity *identity, const struct report *report)
{
        const struct bc_chain *chain = identity->chain;
        json_t *warnings = json_array();
        json_t *all;

        for (size_t i = 0; i < report->warnings; i++)
                json_array_append_new(warnings, json_string(report->warning[i]));
        all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:s?, s:s, s:o}", "device", provision->device, "place",
                        report->place, "algorithm", report->algorithm, "subject", chain->subject, "issuer", chain->issuer, "valid_from",
                        report->from, "valid_until", report->until, "certificates", (json_int_t)chain->count, "test", (int)chain->is_test,
                        "protection", report->protection, "x5t", report->x5t, "warnings", warnings);
        if (json_dumpf(all, stdout, JSON_INDENT(2)) == 0)
                putchar('\n');
        json_decref(all);
}

void bc_report_print(const struct bc_provision *provision, const struct bc_identity *identity)
{
        const struct bc_chain *chain = identity->chain;
        struct report report = { 0 };

        collect(identity, &report);
        if (provision->json) {
                print_json(provision, identity, &report);
                return;
        }
        printf("device      %s\n", provision->device);
        printf("key         %s, in a %s\n", report.algorithm, report.place);
        printf("protection  %s, by the CA's word\n", report.protection ? report.protection : "not said");
        printf("subject     %s\n", chain->subject);
        printf("issuer      %s\n", chain->issuer);
        printf("valid       %s to %s\n", report.from, report.until);
        printf("chain       %zu certificate%s, without the root\n", chain->count, chain->count == 1 ? "" : "s");
        printf("test        %s\n", chain->is_test ? "yes" : "no");
        printf("x5t         %s\n", report.x5t);
        for (size_t i = 0; i < report.warnings; i++)
                printf("warning     %s\n", report.warning[i]);
}
