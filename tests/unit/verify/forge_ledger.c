// SPDX-License-Identifier: EUPL-1.2
#include "forge_ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "forge.h"
#include "format/cbor.h"

#define BEGAN_NS INT64_C(100000000000)

static void must(bool ok)
{
        if (!ok)
                abort();
}

struct forge_ledger *forge_ledger_new(const struct forge_identity *identity)
{
        struct forge_ledger *ledger = calloc(1, sizeof(*ledger));

        must(ledger != NULL);
        ledger->identity = identity;
        memcpy(ledger->device, "BC-0042", 8);
        ledger->epoch = 1;
        ledger->boot_id = 0xb0;
        return ledger;
}

struct forge_ledger *forge_ledger_copy(const struct forge_ledger *ledger)
{
        struct forge_ledger *copy = malloc(sizeof(*copy));

        must(copy != NULL);
        *copy = *ledger;
        for (size_t i = 0; i < ledger->files; i++) {
                copy->file[i].bytes = malloc(ledger->file[i].size + 1);
                must(copy->file[i].bytes != NULL);
                memcpy(copy->file[i].bytes, ledger->file[i].bytes, ledger->file[i].size);
        }
        return copy;
}

void forge_ledger_free(struct forge_ledger *ledger)
{
        for (size_t i = 0; i < ledger->files; i++)
                free(ledger->file[i].bytes);
        free(ledger);
}

void forge_ledger_event(struct forge_ledger *ledger, uint32_t event, const char *types, ...)
{
        struct bc_record *record = &ledger->record;
        size_t n = record->events++;
        struct bc_writer w = bc_writer_on(ledger->details[n], sizeof(ledger->details[n]));
        uint8_t id[BC_BOOT_ID_BYTES];
        va_list list;

        bc_cbor_put_map(&w, strlen(types));
        va_start(list, types);
        for (size_t i = 0; types[i]; i++) {
                bc_cbor_put_int(&w, (int64_t)i + 1);
                if (types[i] == 'i') {
                        bc_cbor_put_int(&w, va_arg(list, int64_t));
                } else if (types[i] == 'b') {
                        bc_cbor_put_bool(&w, va_arg(list, int) != 0);
                } else if (types[i] == 't') {
                        const char *text = va_arg(list, const char *);
                        bc_cbor_put_text(&w, text, strlen(text));
                } else if (types[i] == 'h') {
                        bc_cbor_put_bytes(&w, va_arg(list, const uint8_t *), BC_HASH_BYTES);
                } else if (types[i] == 'o') {
                        memset(id, va_arg(list, int), sizeof(id));
                        bc_cbor_put_bytes(&w, id, sizeof(id));
                } else {
                        bc_cbor_put_null(&w);
                }
        }
        va_end(list);
        must(!w.failed && n < BC_RECORD_EVENTS_MAX);
        record->event[n] = (struct bc_record_event){ ledger->signed_ns,
                                                     event,
                                                     { ledger->details[n], w.used } };
}

static struct forge_ledger_file *file_of(struct forge_ledger *ledger, const struct bc_record *record)
{
        if (!ledger->file_wanted)
                return &ledger->file[ledger->files - 1];
        must(ledger->files < FORGE_LEDGER_FILES_MAX);
        ledger->file_wanted = false;
        struct forge_ledger_file *file = &ledger->file[ledger->files++];
        *file = (struct forge_ledger_file){ .epoch = record->epoch,
                                            .boot = record->boot,
                                            .sequence = record->ledger };
        return file;
}

static void fill(struct forge_ledger *ledger, struct bc_record *record, uint8_t **der)
{
        X509 *const chain[] = { ledger->identity->device.certificate, ledger->identity->issuer.certificate };
        size_t half = EVP_PKEY_get_bits(ledger->identity->device.key) == 256 ? 32 : 48;
        unsigned digest_n;

        record->kind = BC_RECORD_LEDGER;
        record->algorithm = half == 32 ? BC_RECORD_ES256 : BC_RECORD_ES384;
        record->epoch = ledger->epoch;
        record->boot = ledger->boot;
        record->ledger = ledger->sequence + 1;
        record->signed_ns = ledger->signed_ns;
        must(X509_digest(chain[0], EVP_sha256(), record->x5t, &digest_n) == 1);
        memcpy(record->device, ledger->device, sizeof(record->device));
        memcpy(record->prev, ledger->hash, BC_HASH_BYTES);
        memset(record->firmware, 0xf1, BC_HASH_BYTES);
        memset(record->settings, 0x5e, BC_HASH_BYTES);
        if (!ledger->no_utc) {
                record->utc.source = 2;
                record->utc.utc_ns = FORGE_RECORDED_S * BC_NS_PER_S + ledger->signed_ns;
                record->utc.uncertainty_ns = 50000000;
        }
        for (; ledger->file_wanted && record->chain_count < 2; record->chain_count++) {
                int n = i2d_X509(chain[record->chain_count], &der[record->chain_count]);
                must(n > 0);
                record->chain[record->chain_count] = (struct bc_record_bytes){ der[record->chain_count],
                                                                               (size_t)n };
        }
}

void forge_ledger_record(struct forge_ledger *ledger, int64_t after_ns)
{
        uint8_t bytes[BC_RECORD_BYTES_MAX + 64], signature[BC_SIGNATURE_BYTES_MAX], box[BC_RECORD_BYTES_MAX],
                *der[2] = { NULL, NULL };
        struct bc_record *record = &ledger->record;
        size_t n, half = EVP_PKEY_get_bits(ledger->identity->device.key) == 256 ? 32 : 48;

        ledger->signed_ns += after_ns;
        if (record->events == 0)
                forge_ledger_event(ledger, 3, "t", "STANDBY");
        fill(ledger, record, der);
        if (ledger->on_record)
                ledger->on_record(ledger->user, record);
        must(bc_record_compose(record, &ledger->message) == 0 &&
             bc_record_to_be_signed(&ledger->message, bytes, sizeof(bytes), &n) == 0);
        forge_sign(ledger->identity->device.key, bytes, n, signature, half);
        must(bc_record_seal(record, &ledger->message, signature, 2 * half, box, sizeof(box), &n) == 0);
        struct forge_ledger_file *file = file_of(ledger, record);
        must(file->records < FORGE_LEDGER_RECORDS_MAX);
        file->bytes = realloc(file->bytes, file->size + n);
        must(file->bytes != NULL);
        memcpy(file->bytes + file->size, box, n);
        file->record_at[file->records++] = file->size;
        file->size += n;
        file->record_at[file->records] = file->size;
        must(EVP_Digest(box, n, ledger->hash, NULL, EVP_sha256(), NULL) == 1);
        ledger->sequence = record->ledger;
        OPENSSL_free(der[0]);
        OPENSSL_free(der[1]);
        memset(record, 0, sizeof(*record));
}

static void tell_start(struct forge_ledger *ledger, bool clean)
{
        ledger->file_wanted = true;
        forge_ledger_event(ledger, 1, "bionni", (int)clean, INT64_C(0), (int)ledger->boot_id, INT64_C(1));
        forge_ledger_record(ledger, BC_NS_PER_S / 10);
}

void forge_ledger_start(struct forge_ledger *ledger, bool clean)
{
        ledger->boot++;
        ledger->signed_ns = ledger->signed_ns == 0 ? BEGAN_NS : ledger->signed_ns + 10 * BC_NS_PER_S;
        tell_start(ledger, clean);
}

void forge_ledger_stop(struct forge_ledger *ledger)
{
        forge_ledger_event(ledger, 2, "t", "shutdown");
        forge_ledger_record(ledger, BC_NS_PER_S);
}

void forge_ledger_roll_back(struct forge_ledger *ledger, uint64_t anchor)
{
        uint8_t there[BC_HASH_BYTES];

        memset(there, 0xaa, sizeof(there));
        if (ledger->sequence > 0)
                forge_ledger_event(ledger, 15, "ihih", (int64_t)ledger->sequence, ledger->hash,
                                   (int64_t)anchor, there);
        else
                forge_ledger_event(ledger, 15, "inih", INT64_C(0), (int64_t)anchor, there);
        ledger->epoch++;
        ledger->boot++;
        ledger->sequence = 0;
        ledger->signed_ns += 10 * BC_NS_PER_S;
        tell_start(ledger, false);
}

void forge_ledger_begun(struct forge_ledger *ledger, uint64_t recording)
{
        forge_ledger_event(ledger, 5, "ii", (int64_t)recording, INT64_C(48000));
        forge_ledger_record(ledger, BC_NS_PER_S);
}

void forge_ledger_closed(struct forge_ledger *ledger, uint64_t recording, uint32_t segments,
                         const uint8_t *hash)
{
        if (hash)
                forge_ledger_event(ledger, 6, "iih", (int64_t)recording, (int64_t)segments, hash);
        else
                forge_ledger_event(ledger, 6, "iin", (int64_t)recording, (int64_t)segments);
        forge_ledger_record(ledger, BC_NS_PER_S);
}

void forge_ledger_hash(const struct forge_ledger_file *file, size_t record, uint8_t ret_hash[BC_HASH_BYTES])
{
        size_t at = file->record_at[record];

        must(EVP_Digest(file->bytes + at, file->record_at[record + 1] - at, ret_hash, NULL, EVP_sha256(),
                        NULL) == 1);
}

void forge_ledger_splice(struct forge_ledger_file *file, size_t at, size_t remove, const void *insert,
                         size_t n)
{
        uint8_t *made = malloc(file->size + n + 1);

        must(made && at + remove <= file->size);
        memcpy(made, file->bytes, at);
        if (n > 0)
                memcpy(made + at, insert, n);
        memcpy(made + at + n, file->bytes + at + remove, file->size - at - remove);
        free(file->bytes);
        file->bytes = made;
        file->size = file->size - remove + n;
}

void forge_ledger_name(const struct forge_ledger_file *file, char *ret_name, size_t bytes)
{
        snprintf(ret_name, bytes, "%06" PRIu64 "-%06" PRIu64 "-%012" PRIu64 ".ledger", file->epoch,
                 file->boot, file->sequence);
}

void forge_ledger_save(const struct forge_ledger *ledger, const char *store)
{
        char folder[4096], name[64];

        snprintf(folder, sizeof(folder), "%s/ledger", store);
        must(mkdir(folder, 0700) == 0);
        for (size_t i = 0; i < ledger->files; i++) {
                forge_ledger_name(&ledger->file[i], name, sizeof(name));
                if (!ledger->file[i].left_out)
                        forge_file(folder, name, ledger->file[i].bytes, ledger->file[i].size);
        }
}
