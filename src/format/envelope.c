// SPDX-License-Identifier: EUPL-1.2
#include "format/envelope.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "format/bytes.h"
#include "format/sealed.h"

// Tags of DER (X.690).
#define INTEGER 0x02
#define BIT_STRING 0x03
#define OCTET_STRING 0x04
#define NIL 0x05
#define OID 0x06
#define SEQUENCE 0x30
#define SET 0x31
#define CONTEXT(n) (0x80 + (n))           // primitive
#define CONTEXT_OF(n) (0xa0 + (n))        // constructed

#define GCM_NONCE_BYTES 12
#define WRAPPED_BYTES 40 // a 32-byte key in AES key wrap (RFC 3394)

struct oid {
        size_t n;
        uint8_t bytes[12];
};

static const struct oid auth_enveloped = { 11, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17 } };
static const struct oid data = { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 } };
static const struct oid aes256_gcm = { 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e } };
static const struct oid aes256_wrap = { 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d } };
static const struct oid sha256 = { 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 } };
static const struct oid rsaes_oaep = { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07 } };
static const struct oid mgf1 = { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08 } };
static const struct oid ecdh_sha256 = { 6, { 0x2b, 0x81, 0x04, 0x01, 0x0b, 0x01 } }; // dhSinglePass-stdDH-sha256kdf-scheme
static const struct oid ec_key = { 7, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 } };

// Which of the two failures it is: the reader's own flag is -EBADMSG.
struct der {
        struct bc_reader reader;
        bool unsupported;
};

static void fail(struct der *der)
{
        der->reader.failed = true;
        der->reader.left = 0;
}

static void refuse(struct der *der)
{
        der->unsupported = !der->reader.failed || der->unsupported;
        fail(der);
}

static bool at(const struct der *der, uint8_t tag)
{
        return der->reader.left > 0 && der->reader.bytes[0] == tag;
}

// The length of what has this tag: definite, in its shortest form.
static size_t get_length(struct der *der, uint8_t tag)
{
        size_t n, longer;

        if (!at(der, tag)) {
                fail(der);
                return 0;
        }
        bc_get_u8(&der->reader);
        n = bc_get_u8(&der->reader);
        if (n < 0x80)
                return n;
        longer = n;
        n = longer == 0x81 ? bc_get_u8(&der->reader) : longer == 0x82 ? bc_get_u16(&der->reader) : 0;
        if (n < (longer == 0x81 ? 0x80u : 0x100u))
                fail(der);
        return n;
}

// What is in it; the reader stands behind it then.
static struct der enter(struct der *der, uint8_t tag)
{
        size_t n = get_length(der, tag);
        const uint8_t *bytes = bc_get_bytes(&der->reader, n);

        return (struct der){ .reader = { .bytes = bytes, .left = bytes ? n : 0, .failed = der->reader.failed } };
}

// Takes over how the inner one ended; it must have been read to its end.
static void leave(struct der *der, const struct der *inner)
{
        der->unsupported |= inner->unsupported;
        if (inner->reader.failed || inner->reader.left > 0)
                fail(der);
}

static void expect_oid(struct der *der, const struct oid *oid)
{
        struct der inner = enter(der, OID);

        if (inner.reader.failed)
                fail(der);
        else if (inner.reader.left != oid->n || memcmp(inner.reader.bytes, oid->bytes, oid->n) != 0)
                refuse(der);
}

// A small number. Another one is another version of what it stands in.
static void expect_number(struct der *der, uint8_t number)
{
        struct der inner = enter(der, INTEGER);

        if (inner.reader.failed)
                fail(der);
        else if (inner.reader.left != 1 || inner.reader.bytes[0] != number)
                refuse(der);
}

// AlgorithmIdentifier without parameters. NULL is an older way to say so (RFC 5754, 2).
static void expect_algorithm(struct der *der, const struct oid *oid, bool null_allowed)
{
        struct der inner = enter(der, SEQUENCE);

        expect_oid(&inner, oid);
        if (null_allowed && !inner.reader.failed && inner.reader.left > 0) {
                struct der null = enter(&inner, NIL);

                leave(&inner, &null);
        }
        leave(der, &inner);
}

// Bytes of exactly this length; another one is another algorithm's.
static void skip_bytes(struct der *der, uint8_t tag, size_t n)
{
        struct der inner = enter(der, tag);

        if (inner.reader.failed)
                fail(der);
        else if (inner.reader.left != n)
                refuse(der);
}

// IssuerAndSerialNumber (RFC 5652, 10.2.4). Other ways to name a recipient are not for us.
static void parse_id(struct der *der, struct bc_envelope_recipient *recipient)
{
        const uint8_t *bytes = der->reader.bytes;
        struct der inner, part;

        if (!at(der, SEQUENCE)) {
                refuse(der);
                return;
        }
        inner = enter(der, SEQUENCE);
        if (der->reader.failed)
                return;
        recipient->id = bytes;
        recipient->id_bytes = (size_t)(der->reader.bytes - bytes);
        enter(&inner, SEQUENCE);
        part = enter(&inner, INTEGER);
        if (part.reader.left == 0)
                fail(&inner);
        leave(der, &inner);
}

// RSAES-OAEP-params (RFC 8017, A.2.1): SHA-256 and MGF1 with SHA-256, an empty label. What is left out means SHA-1.
static void parse_oaep(struct der *der)
{
        struct der algorithm = enter(der, SEQUENCE), params, tagged, mask;

        expect_oid(&algorithm, &rsaes_oaep);
        params = enter(&algorithm, SEQUENCE);
        if (!params.reader.failed && !at(&params, CONTEXT_OF(0)))
                refuse(&params);
        tagged = enter(&params, CONTEXT_OF(0));
        expect_algorithm(&tagged, &sha256, true);
        leave(&params, &tagged);
        if (!params.reader.failed && !at(&params, CONTEXT_OF(1)))
                refuse(&params);
        tagged = enter(&params, CONTEXT_OF(1));
        mask = enter(&tagged, SEQUENCE);
        expect_oid(&mask, &mgf1);
        expect_algorithm(&mask, &sha256, true);
        leave(&tagged, &mask);
        leave(&params, &tagged);
        leave(&algorithm, &params);
        leave(der, &algorithm);
}

// KeyTransRecipientInfo (RFC 5652, 6.2.1).
static void parse_rsa(struct der *der, struct bc_envelope_recipient *recipient)
{
        struct der info = enter(der, SEQUENCE), key;

        recipient->kind = BC_ENVELOPE_RSA;
        expect_number(&info, 0);
        parse_id(&info, recipient);
        parse_oaep(&info);
        key = enter(&info, OCTET_STRING);
        if (!info.reader.failed &&
            (key.reader.left < BC_ENVELOPE_RSA_BITS_MIN / 8 || key.reader.left > BC_ENVELOPE_RSA_BITS_MAX / 8))
                refuse(&info);
        leave(der, &info);
}

// OriginatorPublicKey: an uncompressed point, whose length says the curve.
static void parse_point(struct der *der, struct bc_envelope_recipient *recipient)
{
        struct der originator = enter(der, CONTEXT_OF(0)), key, bits;

        key = enter(&originator, CONTEXT_OF(1));
        expect_algorithm(&key, &ec_key, false);
        bits = enter(&key, BIT_STRING);
        if (!bits.reader.failed) {
                recipient->kind = bits.reader.left == 2 + 2 * 32 ? BC_ENVELOPE_P256 : BC_ENVELOPE_P384;
                if (bits.reader.left != 2 + 2 * 32 && bits.reader.left != 2 + 2 * 48)
                        refuse(&key);
                else if (bits.reader.bytes[0] != 0 || bits.reader.bytes[1] != 4)
                        fail(&key);
        }
        leave(&originator, &key);
        leave(der, &originator);
}

// KeyAgreeRecipientInfo (RFC 5652, 6.2.2; RFC 5753) for one recipient.
static void parse_ecdh(struct der *der, struct bc_envelope_recipient *recipient)
{
        struct der info = enter(der, CONTEXT_OF(1)), algorithm, keys, key;

        expect_number(&info, 3);
        parse_point(&info, recipient);
        algorithm = enter(&info, SEQUENCE);
        expect_oid(&algorithm, &ecdh_sha256);
        expect_algorithm(&algorithm, &aes256_wrap, false);
        leave(&info, &algorithm);
        keys = enter(&info, SEQUENCE);
        key = enter(&keys, SEQUENCE);
        parse_id(&key, recipient);
        skip_bytes(&key, OCTET_STRING, WRAPPED_BYTES);
        leave(&keys, &key);
        leave(&info, &keys);
        leave(der, &info);
}

static void parse_recipients(struct der *der, struct bc_envelope *envelope)
{
        struct der set = enter(der, SET);

        while (!set.reader.failed && set.reader.left > 0) {
                struct bc_envelope_recipient *recipient = &envelope->recipient[envelope->recipients];

                if (envelope->recipients == BC_ENVELOPE_RECIPIENTS_MAX)
                        refuse(&set);
                else if (at(&set, SEQUENCE))
                        parse_rsa(&set, recipient);
                else if (at(&set, CONTEXT_OF(1)))
                        parse_ecdh(&set, recipient);
                else
                        refuse(&set); // a password, a key encryption key, or something else again
                envelope->recipients++;
        }
        if (envelope->recipients == 0)
                fail(&set);
        leave(der, &set);
}

// EncryptedContentInfo: AES-256-GCM with a tag of 16 bytes (RFC 5084).
static void parse_content(struct der *der)
{
        struct der info = enter(der, SEQUENCE), algorithm, params;

        expect_oid(&info, &data);
        algorithm = enter(&info, SEQUENCE);
        expect_oid(&algorithm, &aes256_gcm);
        params = enter(&algorithm, SEQUENCE);
        skip_bytes(&params, OCTET_STRING, GCM_NONCE_BYTES);
        if (!params.reader.failed && params.reader.left == 0)
                refuse(&params); // means 12
        expect_number(&params, BC_SEALED_TAG_BYTES);
        leave(&algorithm, &params);
        leave(&info, &algorithm);
        skip_bytes(&info, CONTEXT(0), BC_SEALED_KEY_BYTES);
        leave(der, &info);
}

int bc_envelope_parse(const uint8_t *bytes, size_t n, struct bc_envelope *ret_envelope)
{
        struct der der = { .reader = bc_reader_on(bytes, n) }, message, tagged, body;
        struct bc_envelope envelope = { 0 };

        message = enter(&der, SEQUENCE);
        expect_oid(&message, &auth_enveloped);
        tagged = enter(&message, CONTEXT_OF(0));
        body = enter(&tagged, SEQUENCE);
        expect_number(&body, 0);
        parse_recipients(&body, &envelope);
        parse_content(&body);
        skip_bytes(&body, OCTET_STRING, BC_SEALED_TAG_BYTES);
        leave(&tagged, &body);
        leave(&message, &tagged);
        leave(&der, &message);
        if (der.reader.failed || der.reader.left > 0)
                return der.unsupported ? -ENOTSUP : -EBADMSG;
        *ret_envelope = envelope;
        return 0;
}
