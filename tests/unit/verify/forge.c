// SPDX-License-Identifier: EUPL-1.2
#include "forge.h"

#include <inttypes.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What libx264 says of 320x240, Constrained Baseline 1.3; AAC-LC, 48 kHz, mono.
static const uint8_t avc_config[] = { 0x01, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0x00, 0x17, 0x67, 0x42, 0xc0, 0x0d, 0xda,
                                      0x05, 0x07, 0xec, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0f,
                                      0x23, 0xc5, 0x0a, 0xa8, 0x01, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80 };
static const uint8_t aac_config[] = { 0x11, 0x88, 0x56, 0xe5, 0x00 };

#define FRAGMENT_SAMPLES_MAX 64

static void must(bool ok)
{
        if (!ok)
                abort();
}

uint32_t forge_random(uint32_t *state, uint32_t below)
{
        *state = *state * 1664525u + 1013904223u;
        return (uint32_t)((uint64_t)*state * below >> 32);
}

struct forge *forge_new(const struct forge_identity *identity, uint32_t random)
{
        struct forge *forge = calloc(1, sizeof(*forge));

        must(forge != NULL);
        forge->identity = identity;
        forge->random = random;
        forge->next_number = 1;
        forge->recording = 17;
        forge->boot = 4;
        forge->ledger = 212;
        forge->signed_ns = INT64_C(130000000000);
        memcpy(forge->device, "BC-0042", 8);
        memset(forge->boot_id, 0xb7, sizeof(forge->boot_id));
        memset(forge->prev, 0x1d, sizeof(forge->prev));
        for (size_t i = 0; i < FORGE_TRACKS; i++)
                forge->end_ticks[i] = INT64_C(130) * BC_TICKS_PER_S;
        forge->end_ticks[1] += 40; // sound has a grid of its own
        memcpy(forge->last_ticks, forge->end_ticks, sizeof(forge->last_ticks));
        forge->clocks = 1;
        forge->clock[0] = (struct bc_record_clock){ .from_ticks = forge->end_ticks[0],
                                                    .source = 2,
                                                    .utc_ns = FORGE_RECORDED_S * BC_NS_PER_S,
                                                    .uncertainty_ns = 50000000,
                                                    .step_ns = BC_RECORD_UNKNOWN };
        return forge;
}

void forge_free(struct forge *forge)
{
        for (size_t i = 0; i < forge->segments; i++) {
                free(forge->segment[i].bytes);
                bc_sample_table_done(&forge->segment[i].table);
        }
        free(forge);
}

static void append(struct forge_segment *segment, const void *bytes, size_t n, enum forge_box box)
{
        if (segment->size + n > segment->room) {
                segment->room = 2 * segment->room + n;
                segment->bytes = realloc(segment->bytes, segment->room);
        }
        must(segment->bytes && segment->boxes < FORGE_BOXES_MAX);
        memcpy(segment->bytes + segment->size, bytes, n);
        segment->box[segment->boxes] = box;
        segment->box_at[segment->boxes++] = segment->size;
        segment->size += n;
        segment->box_at[segment->boxes] = segment->size;
}

static void clear(struct bc_record_span span[FORGE_TRACKS])
{
        for (size_t i = 0; i < FORGE_TRACKS; i++)
                span[i] = (struct bc_record_span){ BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN };
}

static struct bc_init init_of(const struct forge *forge)
{
        struct bc_init init = { .created_unix_s = FORGE_RECORDED_S, .tracks = FORGE_TRACKS };

        init.track[0] = (struct bc_track){
                .kind = BC_TRACK_AVC, .width_px = 320, .height_px = 240, .config_bytes = sizeof(avc_config)
        };
        memcpy(init.track[0].config, avc_config, sizeof(avc_config));
        init.track[1] = (struct bc_track){
                .kind = BC_TRACK_AAC, .channels = 1, .bit_rate_bps = 64000, .config_bytes = sizeof(aac_config)
        };
        memcpy(init.track[1].config, aac_config, sizeof(aac_config));
        init.track[2].kind = BC_TRACK_TEXT;
        init.track[3].kind = BC_TRACK_POSITION;
        memcpy(init.about.make, "\xc3\x96pen", 5);
        memcpy(init.about.model, "Body 1", 6);
        memcpy(init.about.location, "+59.3293+018.0686+012.3/", 24);
        for (size_t i = 1; i < FORGE_TRACKS; i++)
                init.track[i].start_ticks = forge->end_ticks[i] - forge->end_ticks[0];
        return init;
}

static struct forge_segment *begin(struct forge *forge)
{
        must(forge->segments < FORGE_SEGMENTS_MAX);
        struct forge_segment *segment = &forge->segment[forge->segments++];
        uint8_t head[BC_INIT_BYTES_MAX];
        struct bc_init parsed;
        size_t n;

        segment->number = forge->next_number++;
        segment->init = init_of(forge);
        snprintf(segment->init.label.device, sizeof(segment->init.label.device), "%s", forge->device);
        snprintf(segment->init.label.recording, sizeof(segment->init.label.recording), "%s-%06" PRIu64, forge->device,
                 forge->recording);
        segment->init.label.segment = segment->number;
        segment->init.label.base_ticks = forge->end_ticks[0];
        memcpy(segment->init.label.boot_id, forge->boot_id, BC_BOOT_ID_BYTES);
        must(bc_init_write(&segment->init, head, sizeof(head), &n) == 0 &&
             bc_init_parse(head, n, &parsed, &segment->layout) == 0);
        bc_sample_table_init(&segment->table, &segment->init);
        clear(segment->span);
        clear(segment->late);
        append(segment, head, n, FORGE_HEAD);
        return segment;
}

static size_t track_of(char kind)
{
        return kind == 'a' ? 1 : kind == 't' ? 2 : kind == 'g' ? 3 : 0;
}

static struct bc_sample sample_of(struct forge *forge, char kind)
{
        static const uint32_t duration_ticks[] = { 1600, 1024, 4800, 4800 }, size_bytes[] = { 90, 17, 25, 40 };
        struct bc_sample sample = { duration_ticks[track_of(kind)], size_bytes[track_of(kind)], kind != 'P' };

        if (forge->random)
                sample.size_bytes = 1 + forge_random(&forge->random, 300);
        if (forge->picture_bytes && track_of(kind) == 0)
                sample.size_bytes = forge->picture_bytes;
        return sample;
}

static void write_fragment(struct forge *forge, struct forge_segment *segment, const char *word, size_t n)
{
        struct bc_sample sample[FORGE_TRACKS][FRAGMENT_SAMPLES_MAX];
        uint8_t header[BC_FRAGMENT_HEADER_BYTES_MAX(FORGE_TRACKS * FRAGMENT_SAMPLES_MAX)], *bytes;
        size_t samples[FORGE_TRACKS] = { 0 }, runs = 0, header_bytes;
        struct bc_run run[FORGE_TRACKS];
        uint64_t payload;

        for (size_t i = 0; i < n; i++) {
                size_t track = track_of(word[i]);
                must(samples[track] < FRAGMENT_SAMPLES_MAX);
                sample[track][samples[track]++] = sample_of(forge, word[i]);
        }
        clear(segment->late);
        for (uint32_t i = 0; i < FORGE_TRACKS; i++) {
                if (samples[i] == 0)
                        continue;
                run[runs++] = (struct bc_run){ i, segment->table.track[i].duration_ticks, sample[i], samples[i] };
                segment->late[i].first_ticks = forge->end_ticks[i];
                for (size_t k = 0; k < samples[i]; k++)
                        forge->end_ticks[i] += sample[i][k].duration_ticks;
                segment->late[i].end_ticks = forge->last_ticks[i] = forge->end_ticks[i];
                if (segment->span[i].first_ticks == BC_RECORD_UNKNOWN)
                        segment->span[i].first_ticks = segment->late[i].first_ticks;
                segment->span[i].end_ticks = segment->late[i].end_ticks;
        }
        must(bc_fragment_check(run, runs, &payload) == 0 &&
             bc_fragment_build(segment->table.fragments + 1, run, runs, header, sizeof(header), &header_bytes) == 0 &&
             bc_sample_table_add(&segment->table, segment->size, segment->table.fragments + 1, run, runs) == 0);
        bytes = malloc(header_bytes + payload);
        must(bytes != NULL);
        memcpy(bytes, header, header_bytes);
        for (uint64_t i = 0; i < payload; i++)
                bytes[header_bytes + i] = (uint8_t)((segment->size + i) * 7 + forge->recording);
        append(segment, bytes, header_bytes + payload, FORGE_FRAGMENT);
        free(bytes);
        forge->captured += samples[0];
        forge->signed_ns += BC_NS_PER_S / 2;
}

static void hash(const void *bytes, size_t n, uint8_t ret_hash[BC_HASH_BYTES])
{
        must(EVP_Digest(bytes, n, ret_hash, NULL, EVP_sha256(), NULL) == 1);
}

// r and s of the right form, or s in its other one.
void forge_sign(EVP_PKEY *key, const uint8_t *bytes, size_t n, uint8_t *ret_signature, size_t half)
{
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        uint8_t der[256];
        const uint8_t *at = der;
        size_t der_n = sizeof(der);

        must(EVP_DigestSignInit(context, NULL, half == 32 ? EVP_sha256() : EVP_sha384(), NULL, key) == 1 &&
             EVP_DigestSign(context, der, &der_n, bytes, n) == 1);
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_n);
        EC_GROUP *group = EC_GROUP_new_by_curve_name(half == 32 ? NID_X9_62_prime256v1 : NID_secp384r1);
        BIGNUM *other = BN_new();
        must(pair && group && other && BN_sub(other, EC_GROUP_get0_order(group), ECDSA_SIG_get0_s(pair)) == 1);
        bool low = BN_cmp(ECDSA_SIG_get0_s(pair), other) < 0;
        must(BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_signature, (int)half) == (int)half &&
             BN_bn2binpad(low ? ECDSA_SIG_get0_s(pair) : other, ret_signature + half, (int)half) == (int)half);
        BN_free(other);
        EC_GROUP_free(group);
        ECDSA_SIG_free(pair);
        EVP_MD_CTX_free(context);
}

// s becomes order - s, in a finished box, whose last bytes the signature is.
static void raise_s(uint8_t *box, size_t n, size_t half)
{
        EC_GROUP *group = EC_GROUP_new_by_curve_name(half == 32 ? NID_X9_62_prime256v1 : NID_secp384r1);
        BIGNUM *s = BN_bin2bn(box + n - half, (int)half, NULL);

        must(group && s && BN_sub(s, EC_GROUP_get0_order(group), s) == 1 &&
             BN_bn2binpad(s, box + n - half, (int)half) == (int)half);
        BN_free(s);
        EC_GROUP_free(group);
}

static void fill_first(struct forge *forge, const struct forge_segment *segment, struct bc_record *record, uint8_t **der)
{
        X509 *const chain[] = { forge->identity->device.certificate, forge->identity->issuer.certificate };

        record->head_bytes = segment->layout.bytes;
        record->base_ticks = segment->init.label.base_ticks;
        memcpy(record->boot_id, forge->boot_id, BC_BOOT_ID_BYTES);
        record->drivers = 2;
        record->driver[0] = (struct bc_record_driver){ BC_DRIVER_CAMERA, "camera", forge->simulated };
        record->driver[1] = (struct bc_record_driver){ BC_DRIVER_MIC, "mic", false };
        memcpy(record->begun.reason, "button", 7);
        record->begun.press_ticks = INT64_C(134) * BC_TICKS_PER_S;
        record->begun.pre_event_ticks = 4 * BC_TICKS_PER_S;
        for (; record->chain_count < 2; record->chain_count++) {
                int n = i2d_X509(chain[record->chain_count], &der[record->chain_count]);
                must(n > 0);
                record->chain[record->chain_count] = (struct bc_record_bytes){ der[record->chain_count], (size_t)n };
        }
}

static void fill_end(struct forge *forge, struct forge_segment *segment, struct bc_record *record)
{
        uint8_t *moov = malloc(1 << 20);
        size_t n;

        must(moov && bc_finalise_build(&segment->init, &segment->table, moov, 1 << 20, &n) == 0);
        record->moov_bytes = n;
        hash(moov, n, record->moov_sha256);
        free(moov);
        if (record->kind == BC_RECORD_CLOSE) {
                memcpy(record->ended.reason, "button", 7);
                record->ended.stop_ticks = forge->end_ticks[0];
                record->ended.segments = forge->segments_stated ? forge->segments_stated : (uint32_t)forge->segments;
        }
        if (record->kind != BC_RECORD_RECOVERED)
                return;
        record->boot++;
        record->signed_ns = 1000000;
        record->found.before = record->found.kept = segment->size;
        record->found.agrees = true;
        record->found.reset = 1;
        if (!forge->no_anchor && forge->anchor_index > 0) {
                record->found.anchor.medium = forge->anchor_medium > 0 ? forge->anchor_medium : 1;
                record->found.anchor.recording = forge->recording;
                record->found.anchor.segment = forge->anchor_segment;
                record->found.anchor.index = forge->anchor_index;
                record->found.anchor.signed_ns = forge->anchor_signed_ns - forge->anchor_age_ns;
                memcpy(record->found.anchor.hash, forge->prev, BC_HASH_BYTES);
        }
}

static void fill_news(struct forge *forge, struct bc_record *record)
{
        record->captured = forge->captured;
        memcpy(record->gap, forge->gap, sizeof(forge->gap));
        memcpy(record->mark, forge->mark, sizeof(forge->mark));
        memcpy(record->clock, forge->clock, sizeof(forge->clock));
        record->gaps = forge->gaps;
        record->marks = forge->marks;
        record->clocks = forge->clocks;
        forge->gaps = forge->marks = forge->clocks = 0;
}

// Over [covered, end); the samples of that in span.
static void write_record(struct forge *forge, struct forge_segment *segment, enum bc_record_kind kind, uint64_t end,
                         const struct bc_record_span span[FORGE_TRACKS])
{
        struct bc_record *record = &forge->record;
        const X509 *leaf = forge->identity->device.certificate;
        uint8_t bytes[BC_RECORD_BYTES_MAX + 64], signature[BC_SIGNATURE_BYTES_MAX], box[BC_RECORD_BYTES_MAX],
                *der[2] = { NULL, NULL };
        size_t n, half = EVP_PKEY_get_bits(forge->identity->device.key) == 256 ? 32 : 48;
        unsigned digest_n;

        *record = (struct bc_record){ .kind = kind, .algorithm = half == 32 ? BC_RECORD_ES256 : BC_RECORD_ES384, .epoch = 1,
                                      .boot = forge->boot, .ledger = forge->ledger, .signed_ns = forge->signed_ns,
                                      .recording = forge->recording, .segment = segment->number, .index = ++segment->index,
                                      .offset = segment->covered, .bytes = end - segment->covered, .tracks = FORGE_TRACKS };
        must(X509_digest(leaf, EVP_sha256(), record->x5t, &digest_n) == 1);
        memcpy(record->device, forge->device, sizeof(record->device));
        memcpy(record->prev, forge->prev, BC_HASH_BYTES);
        memset(record->firmware, 0xf1, BC_HASH_BYTES);
        memset(record->settings, 0x5e, BC_HASH_BYTES);
        memcpy(record->track, span, FORGE_TRACKS * sizeof(*span));
        hash(segment->bytes + segment->covered, end - segment->covered, record->sha256);
        if (!forge->no_utc) {
                record->utc.source = 2;
                record->utc.utc_ns = FORGE_RECORDED_S * BC_NS_PER_S + forge->signed_ns - INT64_C(130000000000);
                record->utc.uncertainty_ns = 50000000;
        }
        if (kind != BC_RECORD_RECOVERED)
                fill_news(forge, record);
        if (segment->index == 1)
                fill_first(forge, segment, record, der);
        if (segment->index == 1 && segment->number > 1) {
                memcpy(record->succeeds, forge->succeeds, sizeof(record->succeeds));
                record->succeeds_count = forge->succeeds_count;
                forge->succeeds_count = 0;
        }
        if (kind != BC_RECORD_FRAGMENT)
                fill_end(forge, segment, record);
        if (forge->on_record)
                forge->on_record(forge->user, record);
        must(bc_record_compose(record, &forge->message) == 0 &&
             bc_record_to_be_signed(&forge->message, bytes, sizeof(bytes), &n) == 0);
        forge_sign(forge->identity->device.key, bytes, n, signature, half);
        must(bc_record_seal(record, &forge->message, signature, 2 * half, box, sizeof(box), &n) == 0);
        if (forge->high_s)
                raise_s(box, n, half);
        append(segment, box, n, FORGE_RECORD);
        hash(box, n, forge->prev);
        segment->covered = end;
        forge->anchor_segment = segment->number;
        forge->anchor_index = segment->index;
        forge->anchor_signed_ns = forge->signed_ns;
        OPENSSL_free(der[0]);
        OPENSSL_free(der[1]);
}

static void write_covering(struct forge *forge, struct forge_segment *segment, enum bc_record_kind kind)
{
        write_record(forge, segment, kind, segment->size, segment->span);
        clear(segment->span);
}

static void write_late(struct forge *forge, struct forge_segment *segment)
{
        struct bc_record_span span[FORGE_TRACKS];

        must(segment->box[segment->boxes - 1] == FORGE_FRAGMENT);
        memcpy(span, segment->span, sizeof(span));
        for (size_t i = 0; i < FORGE_TRACKS; i++) {
                if (segment->late[i].first_ticks == BC_RECORD_UNKNOWN)
                        continue;
                span[i].end_ticks = segment->late[i].first_ticks;
                if (span[i].first_ticks == segment->late[i].first_ticks)
                        span[i] = (struct bc_record_span){ BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN };
        }
        write_record(forge, segment, BC_RECORD_FRAGMENT, segment->box_at[segment->boxes - 1], span);
        memcpy(segment->span, segment->late, sizeof(segment->span));
}

static void write_moov(struct forge_segment *segment, char word)
{
        uint8_t *moov = malloc(1 << 20), patch[BC_PATCH_BYTES];
        uint64_t at = segment->size;
        size_t n;

        must(moov && bc_finalise_build(&segment->init, &segment->table, moov, 1 << 20, &n) == 0);
        append(segment, moov, word == 'm' ? n / 2 : n, FORGE_MOOV);
        free(moov);
        if (word != 'F')
                return;
        must(bc_finalise_patch(&segment->layout, at, patch) == 0);
        memcpy(segment->bytes + segment->layout.moov_offset, patch, sizeof(patch));
        segment->patched = true;
}

static void write_words(struct forge *forge, struct forge_segment *segment, const char *words)
{
        size_t n;

        for (; *words; words += n) {
                words += strspn(words, " ");
                n = strcspn(words, " ");
                if (n == 0)
                        break;
                char word = n == 1 ? *words : '\0';
                if (word == 'R' || word == 'C' || word == 'X' || word == 'Z')
                        write_covering(forge, segment, word == 'R' ? BC_RECORD_FRAGMENT : word == 'C' ? BC_RECORD_CONTINUES :
                                                       word == 'X' ? BC_RECORD_CLOSE : BC_RECORD_RECOVERED);
                else if (word == 'L')
                        write_late(forge, segment);
                else if (word == 'F' || word == 'M' || word == 'm')
                        write_moov(segment, word);
                else
                        write_fragment(forge, segment, words, n);
        }
}

struct forge_segment *forge_write(struct forge *forge, const char *words)
{
        struct forge_segment *segment = begin(forge);

        write_words(forge, segment, words);
        return segment;
}

void forge_go_on(struct forge *forge, const char *words)
{
        write_words(forge, &forge->segment[forge->segments - 1], words);
}

void forge_abandon(struct forge *forge, uint64_t end, int64_t from_ticks)
{
        struct forge_segment *segment = &forge->segment[forge->segments - 1];

        must(forge->succeeds_count < BC_RECORD_SUCCEEDS_MAX);
        struct bc_record_abandoned *abandoned = &forge->succeeds[forge->succeeds_count++];
        *abandoned = (struct bc_record_abandoned){ .segment = segment->number, .cause = 5, .end = end, .offset = segment->covered };
        hash(segment->bytes + segment->covered, end - segment->covered, abandoned->sha256);
        for (size_t i = 0; i < FORGE_TRACKS; i++)
                if (forge->end_ticks[i] > from_ticks)
                        forge->last_ticks[i] = forge->end_ticks[i] = i == 1 ? forge->end_ticks[1] -
                                                                                      (forge->end_ticks[1] - from_ticks) /
                                                                                              1024 * 1024
                                                                            : from_ticks;
}

void forge_declare(struct forge *forge, uint32_t kind, int64_t from_ticks, int64_t to_ticks, uint64_t count)
{
        must(forge->gaps < 8);
        forge->gap[forge->gaps++] = (struct bc_record_gap){ kind, from_ticks, to_ticks, count };
}

void forge_mark(struct forge *forge, int64_t ticks, const char *text)
{
        must(forge->marks < 8);
        struct bc_record_mark *mark = &forge->mark[forge->marks++];
        mark->ticks = ticks;
        snprintf(mark->text, sizeof(mark->text), "%s", text);
}
