// SPDX-License-Identifier: EUPL-1.2
// What makes recordings evidence, put together: the device's key and certificates, the signer, what records say of the device, the
// ledger and its anchor. Without a key there is none of it, and nothing is signed.
//
// Main's.
#ifndef BC_APP_EVIDENCE_H
#define BC_APP_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/devices.h"
#include "base/loop.h"
#include "control/settings.h"
#include "evidence/attest.h"
#include "evidence/rescue.h"
#include "media/pipeline.h"
#include "media/telemetry.h"

struct bc_controller;
struct bc_evidence;

struct bc_evidence_parts {
        struct bc_clock *clock;
        struct bc_loop *loop; // told as BC_INBOX_LEDGER
        struct bc_store *store;
        const struct bc_devices *devices;
        const struct bc_settings *settings;
        struct bc_telemetry *telemetry;
        struct bc_pipeline *pipeline;
};

// Judges the settings and opens the key. *ret_evidence is NULL where no key is set. strict, for --check: an anchor in a TPM must be there, too,
// without which a camera records all the same. On failure a negative errno, and in text what is wrong, with the key of the settings.
int bc_evidence_open(const struct bc_settings *settings, const struct bc_devices *devices, bool strict, char *text, size_t text_bytes,
                     struct bc_evidence **ret_evidence);

// Starts signer and ledger. A ledger or an anchor that cannot be opened is no failure: see bc_ledger_start(). Borrows all parts until
// bc_evidence_free().
int bc_evidence_start(struct bc_evidence *evidence, const struct bc_evidence_parts *parts, char *text, size_t text_bytes);

// Signs what manifests it can, for give_up_ns at the most; writes the ledger's end, which takes as long at the most. NULL is allowed.
void bc_evidence_free(struct bc_evidence *evidence, int64_t give_up_ns);

// Who shows and sounds that the ledger cannot be used; borrowed for as long as the loop runs. evidence NULL is allowed.
void bc_evidence_set_controller(struct bc_evidence *evidence, struct bc_controller *controller);

// NULL where evidence is NULL.
const struct bc_attestation *bc_evidence_attestation(const struct bc_evidence *evidence);
// Counts the daemon's starts, from 1; 0 where evidence is NULL.
uint64_t bc_evidence_boot(const struct bc_evidence *evidence);
struct bc_ledger *bc_evidence_ledger(const struct bc_evidence *evidence);
struct bc_inventory *bc_evidence_inventory(const struct bc_evidence *evidence);
const struct bc_rescue_kit *bc_evidence_rescue(const struct bc_evidence *evidence);

// Main learnt something new: other settings hold, the wall clock says something else, the battery. NULL is allowed.
void bc_evidence_on_settings(struct bc_evidence *evidence);
void bc_evidence_on_clock(struct bc_evidence *evidence);
void bc_evidence_on_battery(struct bc_evidence *evidence, const struct bc_battery_level *level);

#endif
