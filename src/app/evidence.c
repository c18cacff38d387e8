// SPDX-License-Identifier: EUPL-1.2
#include "app/evidence.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "control/controller.h"
#include "control/inbox.h"
#include "evidence/describe.h"
#include "evidence/identity.h"
#include "evidence/inventory.h"
#include "evidence/reset.h"
#include "evidence/store.h"

#define LOOK_NS (3 * BC_NS_PER_S) // so long the start waits for card and anchor: an officer waits as well

struct bc_evidence {
        struct bc_evidence_parts parts;
        struct bc_identity *identity;
        int64_t delay_ns;         // of each signature, for a slow secure element
        struct bc_monitor delay;
        bool delay_made;
        struct bc_facts facts;
        bool facts_made;
        struct bc_signer *signer;
        struct bc_ledger *ledger;
        uint64_t boot;            // for who needs to know it before the ledger is open, perhaps
        struct bc_controller *controller; // NULL: not yet
        struct bc_attestation attestation;
        struct bc_rescue_kit rescue;
        struct bc_inventory_kit kit;
        struct bc_inventory *inventory;
        struct bc_moment moment;  // what the wall clock said last
        uint8_t settings[BC_HASH_BYTES];
};

// ---- judging ---------------------------------------------------------------------------------------------------

__attribute__((format(printf, 5, 6)))
static int refuse(const struct bc_settings *settings, const char *key, char *text, size_t text_bytes, const char *format, ...)
{
        char where[300];
        va_list arguments;
        int n;

        bc_settings_tell(settings, "evidence", key, where, sizeof(where));
        n = snprintf(text, text_bytes, "%s: ", where);
        va_start(arguments, format);
        if (n > 0 && (size_t)n < text_bytes)
                vsnprintf(text + n, text_bytes - (size_t)n, format, arguments);
        va_end(arguments);
        return -EINVAL;
}

static void add_driver(struct bc_record_driver *driver, size_t *count, enum bc_driver_role role, const char *name, bool simulated)
{
        driver[*count].role = role;
        driver[*count].simulated = simulated;
        snprintf(driver[*count].name, sizeof(driver[*count].name), "%s", name);
        ++*count;
}

static size_t list_drivers(const struct bc_settings *settings, const struct bc_devices *devices,
                           struct bc_record_driver driver[BC_RECORD_DRIVERS_MAX])
{
        size_t count = 0;

        add_driver(driver, &count, BC_DRIVER_CAMERA, devices->camera->info.driver, devices->camera->info.simulated);
        if (devices->mic)
                add_driver(driver, &count, BC_DRIVER_MIC, devices->mic->info.driver, devices->mic->info.simulated);
        if (devices->gnss)
                add_driver(driver, &count, BC_DRIVER_RECEIVER, devices->gnss->driver, devices->gnss->simulated);
        if (devices->wall)
                add_driver(driver, &count, BC_DRIVER_WALL, devices->wall->driver, devices->wall->simulated);
        add_driver(driver, &count, BC_DRIVER_MEDIA_CLOCK, settings->clock_mode == BC_CLOCK_SIMULATED ? "simulated" : "boottime",
                   settings->clock_mode == BC_CLOCK_SIMULATED);
        if (devices->battery)
                add_driver(driver, &count, BC_DRIVER_BATTERY, devices->battery->driver, devices->battery->simulated);
        return count;
}

// EVIDENCE 15: what is not real is never signed with a real device's key.
static int judge_drivers(const struct bc_settings *settings, const struct bc_devices *devices, const struct bc_identity *identity,
                         char *text, size_t text_bytes)
{
        struct bc_record_driver driver[BC_RECORD_DRIVERS_MAX];
        size_t count = list_drivers(settings, devices, driver);

        for (size_t i = 0; i < count && !identity->chain->is_test; i++)
                if (driver[i].simulated)
                        return refuse(settings, "certificates", text, text_bytes,
                                      "driver %s is a simulated one: only a test certificate signs what it gives", driver[i].name);
        return 0;
}

static void free_evidence(struct bc_evidence *evidence)
{
        bc_evidence_free(evidence, 0);
}

BC_DEFINE_CLEANUP(evidence, struct bc_evidence, free_evidence)

// The TPM's part of it alone: opening a file would make it.
static int look_at_anchor(const struct bc_settings *settings, char *text, size_t text_bytes)
{
        struct bc_anchor_found found;
        struct bc_anchor_place place;
        struct bc_anchor *anchor;
        char in_tpm[32], why[400] = "";
        int r = bc_anchor_place_parse(settings->anchor_path, why, sizeof(why), &place);

        if (r == 0 && place.index == 0)
                return 0;
        snprintf(in_tpm, sizeof(in_tpm), "tpm2:0x%08x", place.index);
        if (r == 0)
                r = bc_anchor_open(in_tpm, true, why, sizeof(why), &anchor, &found);
        if (r < 0)
                return refuse(settings, "anchor", text, text_bytes, "%s", why);
        bc_anchor_free(anchor);
        return 0;
}

int bc_evidence_open(const struct bc_settings *settings, const struct bc_devices *devices, bool strict, char *text, size_t text_bytes,
                     struct bc_evidence **ret_evidence)
{
        BC_CLEANUP(bc_cleanup_evidence) struct bc_evidence *evidence = NULL;
        int r;

        *ret_evidence = NULL;
        if (!settings->key_uri[0] && settings->certificates_path[0])
                return refuse(settings, "certificates", text, text_bytes, "needs [evidence] key");
        if (!settings->key_uri[0])
                return 0;
        if (!settings->certificates_path[0])
                return refuse(settings, "key", text, text_bytes, "needs [evidence] certificates");
        if (!settings->anchor_path[0])
                return refuse(settings, "key", text, text_bytes, "needs [evidence] anchor");
        evidence = calloc(1, sizeof(*evidence));
        if (!evidence)
                return -ENOMEM;
        r = bc_identity_load(settings->key_uri, settings->certificates_path, settings->device_id, text, text_bytes, &evidence->identity);
        if (r == 0)
                r = judge_drivers(settings, devices, evidence->identity, text, text_bytes);
        if (r == 0 && strict)
                r = look_at_anchor(settings, text, text_bytes);
        if (r < 0)
                return r;
        *ret_evidence = BC_TAKE(evidence);
        return 0;
}

// ---- starting --------------------------------------------------------------------------------------------------

static int sign(void *user, const uint8_t *bytes, size_t n, uint8_t ret_signature[BC_SIGNATURE_BYTES_MAX], size_t *ret_signature_bytes)
{
        struct bc_evidence *evidence = user;
        int64_t until_ns;

        if (evidence->delay_ns > 0) {
                bc_monitor_lock(&evidence->delay);
                until_ns = bc_clock_now_ns(evidence->parts.clock) + evidence->delay_ns;
                while (bc_monitor_wait(&evidence->delay, until_ns) != -ETIMEDOUT)
                        ;
                bc_monitor_unlock(&evidence->delay);
        }
        return bc_identity_sign(evidence->identity, bytes, n, ret_signature, ret_signature_bytes);
}

static void moment_at(void *user, int64_t time_ns, struct bc_moment *ret_moment)
{
        const struct bc_evidence *evidence = user;

        bc_telemetry_at(evidence->parts.telemetry, time_ns, ret_moment);
}

static void count_frames(void *user, uint64_t *ret_captured, uint64_t *ret_dropped)
{
        const struct bc_evidence *evidence = user;
        struct bc_pipeline_counters counters;

        bc_pipeline_counters(evidence->parts.pipeline, &counters);
        *ret_captured = counters.frames;
        *ret_dropped = counters.frames_dropped + counters.frames_lost_by_camera;
}

static int hash_settings(const struct bc_settings *settings, uint8_t ret_sha256[BC_HASH_BYTES])
{
        BC_CLEANUP(bc_cleanup_memory) char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return -ENOMEM;
        bc_settings_print(settings, out);
        if (fclose(out) != 0)
                return -ENOMEM;
        return bc_facts_hash(text, size, ret_sha256);
}

static int make_facts(struct bc_evidence *evidence)
{
        struct bc_facts_config config = {
                .device = evidence->parts.settings->device_id,
                .moment_at = moment_at,
                .moment_user = evidence,
                .count_frames = count_frames,
                .count_user = evidence,
        };
        int r = bc_facts_hash_program(config.firmware);

        config.drivers = list_drivers(evidence->parts.settings, evidence->parts.devices, config.driver);
        if (r == 0)
                r = hash_settings(evidence->parts.settings, evidence->settings);
        if (r == 0)
                r = bc_facts_init(&evidence->facts, &config);
        if (r < 0)
                return r;
        evidence->facts_made = true;
        bc_facts_set_settings(&evidence->facts, evidence->settings);
        return 0;
}

static int make_signer(struct bc_evidence *evidence)
{
        const struct bc_chain *chain = evidence->identity->chain;
        struct bc_signer_key key = { .algorithm = evidence->identity->algorithm, .chain_count = chain->count, .sign = sign,
                                     .user = evidence };

        memcpy(key.x5t, chain->x5t, sizeof(key.x5t));
        memcpy(key.chain, chain->certificate, sizeof(key.chain));
        evidence->delay_ns = evidence->parts.settings->simulated_signing_ns;
        bc_monitor_init(&evidence->delay, evidence->parts.clock);
        evidence->delay_made = true;
        return bc_signer_new(evidence->parts.clock, &key, &evidence->signer);
}

// The ledger's thread.
static void on_found(void *user, const struct bc_ledger_found *found)
{
        struct bc_evidence *evidence = user;
        int r = bc_store_raise(evidence->parts.store, found->counter);

        if (r < 0)
                bc_log_error("counter.json cannot be raised to %llu: %s; numbers go on from there all the same",
                             (unsigned long long)found->counter, strerror(-r));
}

// Main's.
static void on_ledger(void *user, const struct bc_message *message)
{
        const struct bc_evidence *evidence = user;

        if (!evidence->controller)
                return;
        // Also of one that is over by now.
        if (message->least < 0)
                bc_controller_alarm(evidence->controller, BC_ALARM_TROUBLE, "the ledger or its anchor cannot be used");
        bc_controller_set_flag(evidence->controller, BC_FLAG_LEDGER_TROUBLE, message->value < 0);
}

static void on_trouble(void *user, bool trouble)
{
        struct bc_evidence *evidence = user;

        bc_loop_post(evidence->parts.loop, BC_INBOX_LEDGER, trouble ? -1 : 0);
}

static int make_ledger(struct bc_evidence *evidence)
{
        const struct bc_ledger_config config = {
                .store_fd = bc_store_fd(evidence->parts.store),
                .anchor_path = evidence->parts.settings->anchor_path,
                .owner = bc_standing_owner(evidence->parts.settings->device_id, evidence->identity->chain),
                .on_found = on_found,
                .on_trouble = on_trouble,
                .user = evidence,
        };

        return bc_ledger_new(&config, &evidence->ledger);
}

static void on_unfinished(void *user, int error)
{
        struct bc_evidence *evidence = user;

        bc_loop_post(evidence->parts.loop, BC_INBOX_UNFINISHED, error);
}

static int start_inventory(struct bc_evidence *evidence)
{
        const struct bc_chain *chain = evidence->identity->chain;
        struct bc_inventory_kit *kit = &evidence->kit;

        *kit = (struct bc_inventory_kit){ .signer = evidence->signer, .ledger = evidence->ledger, .public_key = chain->public_key,
                                          .algorithm = evidence->identity->algorithm, .chain_count = chain->count,
                                          .on_failed = on_unfinished, .user = evidence };
        memcpy(kit->chain, chain->certificate, sizeof(kit->chain));
        evidence->rescue.inventory = kit;
        return bc_inventory_new(evidence->parts.clock, evidence->parts.store, kit, &evidence->inventory);
}

static void on_first_level(void *user, const struct bc_battery_level *level)
{
        *(struct bc_battery_level *)user = *level;
}

// As it is now, for `start`: a driver that knows says so as it begins. What it says from then on goes to others.
static int64_t battery_percent(struct bc_battery *battery)
{
        struct bc_battery_level level = { .percent = BC_BATTERY_UNKNOWN };
        const struct bc_battery_sink sink = { on_first_level, &level };

        if (battery && bc_battery_start(battery, &sink) == 0)
                bc_battery_stop(battery);
        return level.percent >= 0 ? level.percent : BC_RECORD_UNKNOWN;
}

int bc_evidence_start(struct bc_evidence *evidence, const struct bc_evidence_parts *parts, char *text, size_t text_bytes)
{
        struct bc_ledger_start start = { .reset = bc_reset_cause(BC_RESET_FOLDER), .percent = battery_percent(parts->devices->battery) };
        struct bc_ledger_found found = { .counter = 0 };
        int r;

        evidence->parts = *parts;
        r = make_ledger(evidence);
        if (r == 0)
                r = make_facts(evidence);
        if (r == 0)
                r = make_signer(evidence);
        if (r < 0) {
                snprintf(text, text_bytes, "what signs cannot be made: %s", strerror(-r));
                return r;
        }
        bc_describe_boot_bytes(start.boot_id);
        bc_loop_on_kind(parts->loop, BC_INBOX_LEDGER, on_ledger, evidence);
        r = bc_ledger_start(evidence->ledger, parts->clock, evidence->signer, &evidence->facts, &start);
        if (r < 0) {
                snprintf(text, text_bytes, "the ledger's thread: %s", strerror(-r));
                return r;
        }
        // A feature may fail, the recording may not: it goes on trying, and says so.
        if (bc_ledger_await_look(evidence->ledger, LOOK_NS, text, text_bytes, &found) < 0)
                bc_log_error("%s: what is recorded waits for its signatures; it is tried again", text);
        evidence->boot = found.boot > 0 ? found.boot : 1;
        evidence->attestation = (struct bc_attestation){ evidence->signer, &evidence->facts, evidence->ledger };
        evidence->rescue = (struct bc_rescue_kit){ .service = &evidence->attestation, .public_key = evidence->identity->chain->public_key,
                                                   .anchor = found.anchor, .reset = start.reset };
        memcpy(evidence->rescue.x5t, evidence->identity->chain->x5t, BC_HASH_BYTES);
        memcpy(evidence->rescue.head, found.head.hash, BC_HASH_BYTES);
        return start_inventory(evidence);
}

void bc_evidence_free(struct bc_evidence *evidence, int64_t give_up_ns)
{
        if (!evidence)
                return;
        if (evidence->ledger)
                bc_loop_on_kind(evidence->parts.loop, BC_INBOX_LEDGER, NULL, NULL);
        bc_inventory_free(evidence->inventory, give_up_ns);
        bc_ledger_free(evidence->ledger, "shutdown", give_up_ns);
        bc_signer_free(evidence->signer);
        if (evidence->facts_made)
                bc_facts_done(&evidence->facts);
        if (evidence->delay_made)
                bc_monitor_done(&evidence->delay);
        bc_identity_free(evidence->identity);
        free(evidence);
}

// ---- what main learns ------------------------------------------------------------------------------------------

const struct bc_attestation *bc_evidence_attestation(const struct bc_evidence *evidence)
{
        return evidence ? &evidence->attestation : NULL;
}

uint64_t bc_evidence_boot(const struct bc_evidence *evidence)
{
        return evidence ? evidence->boot : 0;
}

void bc_evidence_set_controller(struct bc_evidence *evidence, struct bc_controller *controller)
{
        if (evidence)
                evidence->controller = controller;
}

struct bc_ledger *bc_evidence_ledger(const struct bc_evidence *evidence)
{
        return evidence ? evidence->ledger : NULL;
}

struct bc_inventory *bc_evidence_inventory(const struct bc_evidence *evidence)
{
        return evidence ? evidence->inventory : NULL;
}

const struct bc_rescue_kit *bc_evidence_rescue(const struct bc_evidence *evidence)
{
        return evidence ? &evidence->rescue : NULL;
}

void bc_evidence_on_settings(struct bc_evidence *evidence)
{
        uint8_t sha256[BC_HASH_BYTES];
        struct bc_ledger_entry entry;

        if (!evidence || hash_settings(evidence->parts.settings, sha256) < 0 || memcmp(sha256, evidence->settings, sizeof(sha256)) == 0)
                return;
        memcpy(evidence->settings, sha256, sizeof(sha256));
        bc_facts_set_settings(&evidence->facts, sha256);
        bc_entry_settings(&entry, bc_clock_now_ns(evidence->parts.clock), sha256);
        bc_ledger_tell(evidence->ledger, &entry, true);
}

// A warning alone: a camera records, whatever its clock says.
static void warn_of_validity(const struct bc_evidence *evidence, int64_t utc_ns)
{
        char text[300];

        if (!bc_chain_is_valid_at(evidence->identity->chain, utc_ns, text, sizeof(text)))
                bc_log_warning("%s", text);
}

void bc_evidence_on_clock(struct bc_evidence *evidence)
{
        struct bc_moment moment, *before;
        struct bc_ledger_entry entry;
        bool both;

        if (!evidence)
                return;
        before = &evidence->moment;
        bc_telemetry_at(evidence->parts.telemetry, bc_clock_now_ns(evidence->parts.clock), &moment);
        if (!bc_moment_clock_goes_on(before, &moment)) {
                both = before->source != BC_UTC_NONE && moment.source != BC_UTC_NONE;
                bc_entry_clock(&entry, moment.time_ns, moment.source, moment.utc_ns,
                               both ? bc_moment_utc_step_ns(before, &moment) : BC_RECORD_UNKNOWN);
                bc_ledger_tell(evidence->ledger, &entry, false);
                if (moment.source != BC_UTC_NONE)
                        warn_of_validity(evidence, moment.utc_ns);
        }
        *before = moment;
}

void bc_evidence_on_battery(struct bc_evidence *evidence, const struct bc_battery_level *level)
{
        if (evidence)
                bc_facts_set_battery(&evidence->facts, level);
}
