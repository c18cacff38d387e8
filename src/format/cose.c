// SPDX-License-Identifier: EUPL-1.2
#include "format/cose.h"

#include <errno.h>
#include <string.h>

#include "format/payload.h"

#define ORDER_BYTES_MAX (BC_SIGNATURE_BYTES_MAX / 2)
#define COSE_SHA256 (-16) // RFC 9054, 2.1

// ---- protected header (RFC 9052, 3.1; RFC 9360, 2) -----------------------------------------------------------

static void code_alg(struct bc_coder *c, struct bc_record *r)
{
        int64_t algorithm = r->algorithm;
        bc_code_int(c, &algorithm, BC_RECORD_ES384, BC_RECORD_ES256);
        bc_code_require(c, algorithm == BC_RECORD_ES256 || algorithm == BC_RECORD_ES384);
        if (c->reader)
                r->algorithm = algorithm == BC_RECORD_ES384 ? BC_RECORD_ES384 : BC_RECORD_ES256;
}

static bool chain_stated(const struct bc_record *r)
{
        return r->chain_count > 0;
}

static void code_x5chain(struct bc_coder *c, struct bc_record *r)
{
        bc_code_array(c, &r->chain_count, 1, BC_RECORD_CHAIN_MAX);
        for (size_t i = 0; i < r->chain_count && i < BC_RECORD_CHAIN_MAX; i++)
                bc_code_borrowed(c, &r->chain[i]);
        bc_code_array_end(c);
}

static void code_x5t(struct bc_coder *c, struct bc_record *r)
{
        int64_t hash = COSE_SHA256;
        bc_code_tuple(c, 2);
        bc_code_int(c, &hash, COSE_SHA256, COSE_SHA256);
        bc_code_bytes(c, r->x5t, BC_HASH_BYTES);
        bc_code_array_end(c);
}

static void code_version(struct bc_coder *c, struct bc_record *r)
{
        int64_t version = BC_RECORD_VERSION;
        (void)r;
        bc_code_int(c, &version, BC_RECORD_VERSION, BC_RECORD_VERSION);
}

static void code_kind(struct bc_coder *c, struct bc_record *r)
{
        int64_t kind = r->kind;
        bc_code_int(c, &kind, BC_RECORD_FRAGMENT, BC_RECORD_LEDGER);
        bc_code_require(c, bc_payload_kind_is_known((uint64_t)kind));
        if (c->reader)
                r->kind = (enum bc_record_kind)kind;
}

static const struct bc_code_field fields[] = {
        { 1, 0, false, "alg", code_alg, NULL },
        { 33, 0, false, "x5chain", code_x5chain, chain_stated },
        { 34, 0, false, "x5t", code_x5t, NULL },
        { -70001, 0, false, "version", code_version, NULL },
        { -70002, 0, false, "kind", code_kind, NULL },
};

void bc_code_protected(struct bc_coder *coder, struct bc_record *record)
{
        bc_code_map(coder, fields, sizeof(fields) / sizeof(fields[0]), record);
}

// ---- what is signed (RFC 9052, 4.4) --------------------------------------------------------------------------

void bc_cose_put_sig_structure(struct bc_writer *writer, struct bc_record_bytes protected_header, struct bc_record_bytes payload)
{
        bc_cbor_put_array(writer, 4);
        bc_cbor_put_text(writer, "Signature1", strlen("Signature1"));
        bc_cbor_put_bytes(writer, protected_header.bytes, protected_header.n);
        bc_cbor_put_bytes(writer, NULL, 0); // external_aad
        bc_cbor_put_bytes(writer, payload.bytes, payload.n);
}

// ---- signatures (RFC 9053, 2.1) ------------------------------------------------------------------------------

// SP 800-186, 3.2.1.3 and 3.2.1.4: the group's order n, and half of it rounded down.
struct group {
        size_t bytes;
        uint8_t order[ORDER_BYTES_MAX], half[ORDER_BYTES_MAX];
};

static const struct group p256 = {
        .bytes = 32,
        .order = {
                0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
        },
        .half = {
                0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
        },
};

static const struct group p384 = {
        .bytes = 48,
        .order = {
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
                0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
        },
        .half = {
                0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe3, 0xb1, 0xa6, 0xc0, 0xfa, 0x1b, 0x96, 0xef,
                0xac, 0x0d, 0x06, 0xd9, 0x24, 0x58, 0x53, 0xbd, 0x76, 0x76, 0x0c, 0xb5, 0x66, 0x62, 0x94, 0xb9,
        },
};

static const struct group *group_of(enum bc_record_algorithm algorithm)
{
        return algorithm == BC_RECORD_ES384 ? &p384 : &p256;
}

size_t bc_cose_signature_bytes(enum bc_record_algorithm algorithm)
{
        return 2 * group_of(algorithm)->bytes;
}

static bool is_zero(const uint8_t *number, size_t n)
{
        static const uint8_t zeros[ORDER_BYTES_MAX];
        return memcmp(number, zeros, n) == 0;
}

bool bc_cose_signature_is_lawful(enum bc_record_algorithm algorithm, const uint8_t *signature, size_t n)
{
        const struct group *group = group_of(algorithm);
        if (n != 2 * group->bytes)
                return false;
        const uint8_t *r = signature, *s = signature + group->bytes;
        return !is_zero(r, group->bytes) && memcmp(r, group->order, group->bytes) < 0 && !is_zero(s, group->bytes) &&
               memcmp(s, group->half, group->bytes) <= 0;
}

int bc_cose_lower(enum bc_record_algorithm algorithm, uint8_t *signature, size_t n)
{
        const struct group *group = group_of(algorithm);
        if (n != 2 * group->bytes)
                return -EINVAL;
        uint8_t *s = signature + group->bytes;
        if (memcmp(s, group->half, group->bytes) > 0 && memcmp(s, group->order, group->bytes) < 0) {
                int borrow = 0; // n - s, from the last byte on
                for (size_t i = group->bytes; i-- > 0;) {
                        int digit = group->order[i] - s[i] - borrow;
                        borrow = digit < 0;
                        s[i] = (uint8_t)(digit & 0xff);
                }
        }
        return bc_cose_signature_is_lawful(algorithm, signature, n) ? 0 : -EINVAL;
}
