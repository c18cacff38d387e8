// SPDX-License-Identifier: EUPL-1.2
#include "evidence/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"

int bc_facts_init(struct bc_facts *facts, const struct bc_facts_config *config)
{
        size_t n = strlen(config->device);

        if (n == 0 || n > BC_RECORD_DEVICE_BYTES_MAX || config->drivers > BC_RECORD_DRIVERS_MAX)
                return -EINVAL;
        *facts = (struct bc_facts){ .config = *config };
        pthread_mutex_init(&facts->mutex, NULL);
        return 0;
}

void bc_facts_done(struct bc_facts *facts)
{
        pthread_mutex_destroy(&facts->mutex);
}

int bc_facts_hash(const void *bytes, size_t n, uint8_t ret_sha256[BC_HASH_BYTES])
{
        return EVP_Digest(bytes, n, ret_sha256, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static void free_hash(EVP_MD_CTX **hash)
{
        EVP_MD_CTX_free(*hash);
}

int bc_facts_hash_program(uint8_t ret_sha256[BC_HASH_BYTES])
{
        BC_CLEANUP(free_hash) EVP_MD_CTX *hash = EVP_MD_CTX_new();
        BC_CLEANUP(bc_cleanup_fd) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        uint8_t bytes[16384];
        ssize_t n;

        if (fd < 0)
                return -errno;
        if (!hash || EVP_DigestInit_ex2(hash, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        while ((n = read(fd, bytes, sizeof(bytes))) != 0)
                if (n < 0 ? errno != EINTR : EVP_DigestUpdate(hash, bytes, (size_t)n) != 1)
                        return n < 0 ? -errno : -ENOMEM;
        return EVP_DigestFinal_ex(hash, ret_sha256, NULL) == 1 ? 0 : -ENOMEM;
}

void bc_facts_set_run(struct bc_facts *facts, uint64_t epoch, uint64_t boot)
{
        pthread_mutex_lock(&facts->mutex);
        facts->config.epoch = epoch;
        facts->config.boot = boot;
        pthread_mutex_unlock(&facts->mutex);
}

void bc_facts_set_settings(struct bc_facts *facts, const uint8_t sha256[BC_HASH_BYTES])
{
        pthread_mutex_lock(&facts->mutex);
        memcpy(facts->settings, sha256, BC_HASH_BYTES);
        pthread_mutex_unlock(&facts->mutex);
}

void bc_facts_set_battery(struct bc_facts *facts, const struct bc_battery_level *level)
{
        pthread_mutex_lock(&facts->mutex);
        facts->battery = *level;
        facts->battery_known = true;
        pthread_mutex_unlock(&facts->mutex);
}

void bc_facts_set_ledger(struct bc_facts *facts, uint64_t sequence, const uint8_t hash[BC_HASH_BYTES])
{
        pthread_mutex_lock(&facts->mutex);
        facts->ledger = sequence;
        memcpy(facts->ledger_hash, hash, BC_HASH_BYTES);
        pthread_mutex_unlock(&facts->mutex);
}

void bc_facts_ledger(struct bc_facts *facts, uint64_t *ret_sequence, uint8_t ret_hash[BC_HASH_BYTES])
{
        pthread_mutex_lock(&facts->mutex);
        *ret_sequence = facts->ledger;
        memcpy(ret_hash, facts->ledger_hash, BC_HASH_BYTES);
        pthread_mutex_unlock(&facts->mutex);
}

static struct bc_moment moment_at(const struct bc_facts *facts, int64_t now_ns)
{
        struct bc_moment moment = { .time_ns = now_ns };

        if (facts->config.moment_at)
                facts->config.moment_at(facts->config.moment_user, now_ns, &moment);
        return moment;
}

void bc_facts_state(struct bc_facts *facts, int64_t now_ns, struct bc_record *record)
{
        const struct bc_facts_config *config = &facts->config;
        struct bc_moment moment = moment_at(facts, now_ns);

        snprintf(record->device, sizeof(record->device), "%s", config->device);
        record->signed_ns = now_ns;
        record->utc.source = moment.source;
        record->utc.utc_ns = record->utc.uncertainty_ns = record->utc.age_ns = BC_RECORD_UNKNOWN;
        if (moment.source != BC_UTC_NONE) {
                record->utc.utc_ns = moment.utc_ns;
                record->utc.uncertainty_ns = moment.uncertainty_ns;
                record->utc.age_ns = now_ns > moment.anchor_ns ? now_ns - moment.anchor_ns : 0;
        }
        memcpy(record->firmware, config->firmware, BC_HASH_BYTES);
        pthread_mutex_lock(&facts->mutex);
        record->epoch = config->epoch;
        record->boot = config->boot;
        record->ledger = facts->ledger;
        memcpy(record->settings, facts->settings, BC_HASH_BYTES);
        pthread_mutex_unlock(&facts->mutex);
}

static void state_position(const struct bc_moment *moment, struct bc_record *record)
{
        const struct bc_fix *fix = &moment->fix;

        record->position.known = fix->mode != BC_FIX_NONE;
        if (!record->position.known)
                return;
        record->position.mode = fix->mode == BC_FIX_3D ? 3 : 2;
        record->position.lat_e7 = fix->lat_e7;
        record->position.lon_e7 = fix->lon_e7;
        record->position.accuracy_mm = fix->accuracy_mm >= 0 ? fix->accuracy_mm : BC_RECORD_UNKNOWN;
        record->position.age_ns = moment->time_ns > fix->time_ns ? moment->time_ns - fix->time_ns : 0;
}

void bc_facts_state_capture(struct bc_facts *facts, int64_t now_ns, struct bc_record *record)
{
        const struct bc_facts_config *config = &facts->config;
        struct bc_moment moment = moment_at(facts, now_ns);

        state_position(&moment, record);
        record->captured = record->dropped = 0;
        if (config->count_frames)
                config->count_frames(config->count_user, &record->captured, &record->dropped);
        pthread_mutex_lock(&facts->mutex);
        record->battery.known = facts->battery_known;
        if (facts->battery_known) {
                record->battery.percent = facts->battery.percent >= 0 ? facts->battery.percent : BC_RECORD_UNKNOWN;
                record->battery.minutes = facts->battery.minutes >= 0 ? facts->battery.minutes : BC_RECORD_UNKNOWN;
                record->battery.charging = facts->battery.charging;
        }
        pthread_mutex_unlock(&facts->mutex);
        if (record->index == 1)
                bc_facts_state_drivers(facts, record);
}

void bc_facts_state_drivers(struct bc_facts *facts, struct bc_record *record)
{
        record->drivers = facts->config.drivers;
        memcpy(record->driver, facts->config.driver, sizeof(record->driver));
}
