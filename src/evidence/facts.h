// SPDX-License-Identifier: EUPL-1.2
// What every record says of the device, whoever composes it: who it is, which program and settings run, on what input, where the
// ledger has come to. Told by main and the ledger, asked by whoever composes a record.
//
// Any thread; nothing waits under the lock.
#ifndef BC_EVIDENCE_FACTS_H
#define BC_EVIDENCE_FACTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/battery.h"
#include "bodycam/moment.h"
#include "format/record.h"

struct bc_facts_config {
        const char *device;  // at most BC_RECORD_DEVICE_BYTES_MAX
        uint64_t epoch, boot;
        uint8_t firmware[BC_HASH_BYTES];
        struct bc_record_driver driver[BC_RECORD_DRIVERS_MAX];
        size_t drivers;
        // As in bc_recorder_config; NULL: nothing is known.
        void (*moment_at)(void *user, int64_t time_ns, struct bc_moment *ret_moment);
        void *moment_user;
        // Pictures of this boot: captured, and dropped. Any thread, must not block. NULL: not counted.
        void (*count_frames)(void *user, uint64_t *ret_captured, uint64_t *ret_dropped);
        void *count_user;
};

struct bc_facts {
        pthread_mutex_t mutex;
        struct bc_facts_config config;
        uint8_t settings[BC_HASH_BYTES];
        bool battery_known;
        struct bc_battery_level battery;
        uint64_t ledger;               // sequence number of the newest durable ledger record
        uint8_t ledger_hash[BC_HASH_BYTES];
};

// Copies the config but for what it borrows. 0 or -EINVAL.
int bc_facts_init(struct bc_facts *facts, const struct bc_facts_config *config);
void bc_facts_done(struct bc_facts *facts);

// SHA-256 of bytes, and of the program that runs. 0 or negative errno.
int bc_facts_hash(const void *bytes, size_t n, uint8_t ret_sha256[BC_HASH_BYTES]);
int bc_facts_hash_program(uint8_t ret_sha256[BC_HASH_BYTES]);

// Which run of the ledger this is, where it was not known from the beginning.
void bc_facts_set_run(struct bc_facts *facts, uint64_t epoch, uint64_t boot);
void bc_facts_set_settings(struct bc_facts *facts, const uint8_t sha256[BC_HASH_BYTES]);
void bc_facts_set_battery(struct bc_facts *facts, const struct bc_battery_level *level);
void bc_facts_set_ledger(struct bc_facts *facts, uint64_t sequence, const uint8_t hash[BC_HASH_BYTES]);

// Where the ledger has come to: what the first record of a recording hangs on.
void bc_facts_ledger(struct bc_facts *facts, uint64_t *ret_sequence, uint8_t ret_hash[BC_HASH_BYTES]);

// Fills in what is common to all kinds (docs/formats/record.md, keys 1 to 9) but prev, as of now_ns.
void bc_facts_state(struct bc_facts *facts, int64_t now_ns, struct bc_record *record);

// And what the kinds of a segment say beside it: frames, position, battery; for index 1 the drivers.
void bc_facts_state_capture(struct bc_facts *facts, int64_t now_ns, struct bc_record *record);
void bc_facts_state_drivers(struct bc_facts *facts, struct bc_record *record);

#endif
