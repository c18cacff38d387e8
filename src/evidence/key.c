// SPDX-License-Identifier: EUPL-1.2
#include "evidence/key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/cleanup.h"
#include "evidence/ecdsa.h"
#include "evidence/refusal.h"
#include "evidence/secret.h"
#include "evidence/token.h"

#define KEY_FILE_BYTES_MAX 16384
#define STORE_OBJECTS_MAX 64
#define PUBLIC_BYTES_MAX 120
#define HASH_BYTES_MAX 48
#define DEFAULT_PROVIDER "provider=default"

struct curve {
        enum bc_record_algorithm algorithm;
        const char *hash;
        size_t bytes; // of a number modulo the order, and of the hash
        // SubjectPublicKeyInfo (RFC 5480) up to the point, which is uncompressed: one form of a key, compared byte by byte.
        uint8_t prefix[26];
        size_t prefix_bytes;
        uint8_t order[48]; // FIPS 186-5 with SP 800-186, 3.2.1
};

static const struct curve curves[] = {
        { BC_RECORD_ES256, "SHA2-256", 32,
          { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
            0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 }, 26,
          { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 } },
        { BC_RECORD_ES384, "SHA2-384", 48,
          { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
            0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 }, 23,
          { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
            0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73 } },
};

struct bc_key {
        enum bc_key_place place;
        const struct curve *curve;
        OSSL_LIB_CTX *library;
        OSSL_PROVIDER *standard, *tpm;
        EVP_PKEY *private; // NULL: it is in a token
        struct bc_token *token;
        EVP_PKEY *public;
        EVP_MD *hash;
        uint8_t public_der[PUBLIC_BYTES_MAX];
        size_t public_bytes;
};

BC_DEFINE_CLEANUP(key, struct bc_key, bc_key_close)
BC_DEFINE_CLEANUP(bn, BIGNUM, BN_free)
BC_DEFINE_CLEANUP(md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)
BC_DEFINE_CLEANUP(pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
BC_DEFINE_CLEANUP(ecdsa, ECDSA_SIG, ECDSA_SIG_free)
BC_DEFINE_CLEANUP(bio, BIO, BIO_vfree)
BC_DEFINE_CLEANUP(ui, UI_METHOD, UI_destroy_method)

// ---- signatures ----------------------------------------------------------------------------------------------

// r and s in place: s or order - s, the lower one. -EIO: they are no numbers of a signature.
static int make_low(const struct curve *curve, uint8_t *signature)
{
        size_t n = curve->bytes;
        BC_CLEANUP(bc_cleanup_bn) BIGNUM *order = BN_bin2bn(curve->order, (int)n, NULL);
        BC_CLEANUP(bc_cleanup_bn) BIGNUM *r = BN_bin2bn(signature, (int)n, NULL);
        BC_CLEANUP(bc_cleanup_bn) BIGNUM *s = BN_bin2bn(signature + n, (int)n, NULL);
        BC_CLEANUP(bc_cleanup_bn) BIGNUM *other = BN_new();

        if (!order || !r || !s || !other)
                return -ENOMEM;
        if (BN_is_zero(r) || BN_is_zero(s) || BN_cmp(r, order) >= 0 || BN_cmp(s, order) >= 0)
                return -EIO;
        if (!BN_sub(other, order, s))
                return -ENOMEM;
        if (BN_cmp(s, other) > 0 && BN_bn2binpad(other, signature + n, (int)n) < 0)
                return -EIO;
        return 0;
}

// The hash is made here, not by EVP_DigestSign(): the TPM's provider would send all the bytes through the TPM, a kilobyte at a time.
static int sign_hash(const struct bc_key *key, const uint8_t *hash, uint8_t *signature)
{
        const struct curve *curve = key->curve;
        BC_CLEANUP(bc_cleanup_pkey_ctx) EVP_PKEY_CTX *context = NULL;
        BC_CLEANUP(bc_cleanup_ecdsa) ECDSA_SIG *numbers = NULL;
        uint8_t der[128];
        const uint8_t *at = der;
        size_t n = sizeof(der);

        context = EVP_PKEY_CTX_new_from_pkey(key->library, key->private, key->tpm ? "?provider=tpm2" : DEFAULT_PROVIDER);
        if (!context)
                return -ENOMEM;
        if (EVP_PKEY_sign_init(context) <= 0 || EVP_PKEY_CTX_set_signature_md(context, key->hash) <= 0 ||
            EVP_PKEY_sign(context, der, &n, hash, curve->bytes) <= 0)
                return -EIO;
        numbers = d2i_ECDSA_SIG(NULL, &at, (long)n);
        if (!numbers || BN_bn2binpad(ECDSA_SIG_get0_r(numbers), signature, (int)curve->bytes) < 0 ||
            BN_bn2binpad(ECDSA_SIG_get0_s(numbers), signature + curve->bytes, (int)curve->bytes) < 0)
                return -EIO;
        return 0;
}

int bc_key_sign(struct bc_key *key, const uint8_t *bytes, size_t size, uint8_t ret_signature[BC_SIGNATURE_BYTES_MAX],
                size_t *ret_bytes)
{
        uint8_t hash[HASH_BYTES_MAX], signature[BC_SIGNATURE_BYTES_MAX];
        size_t n = 2 * key->curve->bytes;
        int r;

        if (EVP_Digest(bytes, size, hash, NULL, key->hash, NULL) <= 0)
                return -ENOMEM;
        r = key->token ? bc_token_sign(key->token, hash, key->curve->bytes, signature, n) : sign_hash(key, hash, signature);
        if (r == 0)
                r = make_low(key->curve, signature);
        if (r < 0)
                return r;
        memcpy(ret_signature, signature, n);
        *ret_bytes = n;
        return 0;
}

// Whether public and private key are of one pair.
static int prove(struct bc_key *key, const char *uri, char *text, size_t text_bytes)
{
        static const uint8_t words[] = "bodycam: this key opens";
        BC_CLEANUP(bc_cleanup_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
        uint8_t signature[BC_SIGNATURE_BYTES_MAX], der[BC_ECDSA_DER_BYTES_MAX];
        size_t n, der_bytes;
        int error = bc_key_sign(key, words, sizeof(words), signature, &n);

        if (error < 0)
                return bc_refusal(text, text_bytes, -error, "key %s: it does not sign", uri);
        if (!context || bc_ecdsa_encode(signature, n, der, &der_bytes) < 0)
                return bc_refusal(text, text_bytes, ENOMEM, "key: no memory");
        if (EVP_DigestVerifyInit_ex(context, NULL, key->curve->hash, key->library, DEFAULT_PROVIDER, key->public, NULL) <= 0 ||
            EVP_DigestVerify(context, der, der_bytes, words, sizeof(words)) != 1)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: public and private key do not belong together", uri);
        return 0;
}

// ---- opening -------------------------------------------------------------------------------------------------

static int take_public(struct bc_key *key, const char *uri, char *text, size_t text_bytes)
{
        const uint8_t *at = key->public_der;

        for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
                if (key->public_bytes == curves[i].prefix_bytes + 1 + 2 * curves[i].bytes &&
                    memcmp(key->public_der, curves[i].prefix, curves[i].prefix_bytes) == 0 &&
                    key->public_der[curves[i].prefix_bytes] == 0x04)
                        key->curve = &curves[i];
        if (!key->curve)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: it is neither P-256 nor P-384", uri);
        key->public = d2i_PUBKEY_ex(NULL, &at, (long)key->public_bytes, key->library, DEFAULT_PROVIDER);
        if (!key->public)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: its public key is no point of its curve", uri);
        key->hash = EVP_MD_fetch(key->library, key->curve->hash, DEFAULT_PROVIDER);
        if (!key->hash)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: OpenSSL has no %s", uri, key->curve->hash);
        return 0;
}

// Nobody sits at a camera's terminal: who asks for a password gets none.
static int no_password(char *buffer, int size, int writing, void *user)
{
        (void)buffer, (void)size, (void)writing;
        *(bool *)user = true;
        return -1;
}

// Takes the only private key that the store has.
static int take_private(struct bc_key *key, OSSL_STORE_CTX *store, const char *uri, char *text, size_t text_bytes)
{
        uint8_t *der = NULL;
        int n;

        // What is no key gives NULL, and what follows may be one: openssl writes a curve's parameters in front.
        for (unsigned i = 0; i < STORE_OBJECTS_MAX && !OSSL_STORE_eof(store); i++) {
                OSSL_STORE_INFO *info = OSSL_STORE_load(store);
                bool is_key = info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY;
                bool again = is_key && key->private;

                if (is_key && !again)
                        key->private = OSSL_STORE_INFO_get1_PKEY(info);
                OSSL_STORE_INFO_free(info);
                if (again)
                        return bc_refusal(text, text_bytes, EINVAL, "key %s: there is more than one key", uri);
        }
        if (!key->private)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: there is no private key", uri);
        if (!EVP_PKEY_is_a(key->private, "EC"))
                return bc_refusal(text, text_bytes, EINVAL, "key %s: it is neither P-256 nor P-384", uri);
        n = i2d_PUBKEY(key->private, &der);
        if (n > 0 && (size_t)n <= sizeof(key->public_der)) {
                memcpy(key->public_der, der, (size_t)n);
                key->public_bytes = (size_t)n;
        }
        OPENSSL_free(der);
        return 0;
}

static int open_file(struct bc_key *key, const char *uri, const char *path, char *text, size_t text_bytes)
{
        bool asked = false;
        BC_CLEANUP(bc_cleanup_ui) UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(no_password, 0);
        BC_CLEANUP(bc_cleanup_bio) BIO *bio = NULL;
        OSSL_STORE_CTX *store;
        uint8_t *bytes;
        size_t size;
        int r = bc_secret_load("key", path, KEY_FILE_BYTES_MAX, text, text_bytes, &bytes, &size);

        if (r < 0)
                return r;
        bio = BIO_new_mem_buf(bytes, (int)size);
        store = bio && ui ? OSSL_STORE_attach(bio, "file", key->library, DEFAULT_PROVIDER, ui, &asked, NULL, NULL, NULL) : NULL;
        if (store)
                (void)OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
        r = store ? take_private(key, store, uri, text, text_bytes)
                  : bc_refusal(text, text_bytes, EINVAL, "key %s: it holds no key", uri);
        OSSL_STORE_close(store);
        bc_secret_free(bytes, size);
        if (r < 0 && asked)
                return bc_refusal(text, text_bytes, EINVAL,
                                  "key %s: it is encrypted with a password, which nobody can type on a camera: the file's mode protects it",
                                  uri);
        return r;
}

static int open_tpm(struct bc_key *key, const char *uri, char *text, size_t text_bytes)
{
        bool asked = false;
        BC_CLEANUP(bc_cleanup_ui) UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(no_password, 0);
        OSSL_STORE_CTX *store;
        int r;

        if (!OSSL_PROVIDER_available(key->library, "default") || !(key->tpm = OSSL_PROVIDER_load(key->library, "tpm2")))
                return bc_refusal(text, text_bytes, ENOENT,
                                  "key %s: OpenSSL's provider tpm2 does not start: is tpm2-openssl installed, and is the TPM there?", uri);
        store = ui ? OSSL_STORE_open_ex(uri, key->library, "?provider=tpm2", ui, &asked, NULL, NULL, NULL) : NULL;
        if (!store)
                return bc_refusal(text, text_bytes, ENOENT, "key %s: the TPM has no such key", uri);
        r = take_private(key, store, uri, text, text_bytes);
        OSSL_STORE_close(store);
        return r;
}

static int open_token(struct bc_key *key, const char *uri, char *text, size_t text_bytes)
{
        struct bc_record_bytes point;
        int r = bc_token_open(uri, false, text, text_bytes, &key->token);

        if (r == 0)
                r = bc_token_find(key->token, uri, text, text_bytes);
        if (r < 0)
                return r;
        point = bc_token_point(key->token);
        for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
                if (curves[i].algorithm == bc_token_algorithm(key->token)) {
                        memcpy(key->public_der, curves[i].prefix, curves[i].prefix_bytes);
                        memcpy(key->public_der + curves[i].prefix_bytes, point.bytes, point.n);
                        key->public_bytes = curves[i].prefix_bytes + point.n;
                }
        return 0;
}

int bc_key_open(const char *uri, char *text, size_t text_bytes, struct bc_key **ret_key)
{
        BC_CLEANUP(bc_cleanup_key) struct bc_key *key = calloc(1, sizeof(*key));
        struct bc_key_uri parsed;
        int r = bc_key_uri_parse(uri, text, text_bytes, &parsed);

        if (r < 0)
                return r;
        // Else the first use of OpenSSL would read openssl.cnf, for its default context.
        (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
        if (!key || !(key->library = OSSL_LIB_CTX_new()))
                return bc_refusal(text, text_bytes, ENOMEM, "key: no memory");
        key->place = parsed.place;
        key->standard = OSSL_PROVIDER_load(key->library, "default");
        if (!key->standard)
                return bc_refusal(text, text_bytes, ENOENT, "key: OpenSSL's default provider does not start");
        switch (parsed.place) {
        case BC_KEY_FILE:
                r = open_file(key, uri, parsed.path, text, text_bytes);
                break;
        case BC_KEY_TPM:
                r = open_tpm(key, uri, text, text_bytes);
                break;
        case BC_KEY_TOKEN:
                r = open_token(key, uri, text, text_bytes);
                break;
        }
        if (r == 0)
                r = take_public(key, uri, text, text_bytes);
        if (r == 0)
                r = prove(key, uri, text, text_bytes);
        if (r < 0)
                return r;
        *ret_key = BC_TAKE(key);
        return 0;
}

void bc_key_close(struct bc_key *key)
{
        if (!key)
                return;
        EVP_PKEY_free(key->private);
        EVP_PKEY_free(key->public);
        EVP_MD_free(key->hash);
        bc_token_close(key->token);
        if (key->tpm)
                (void)OSSL_PROVIDER_unload(key->tpm);
        if (key->standard)
                (void)OSSL_PROVIDER_unload(key->standard);
        OSSL_LIB_CTX_free(key->library);
        free(key);
}

enum bc_key_place bc_key_place(const struct bc_key *key)
{
        return key->place;
}

enum bc_record_algorithm bc_key_algorithm(const struct bc_key *key)
{
        return key->curve->algorithm;
}

struct bc_record_bytes bc_key_public(const struct bc_key *key)
{
        return (struct bc_record_bytes){ key->public_der, key->public_bytes };
}
