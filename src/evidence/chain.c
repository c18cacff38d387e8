// SPDX-License-Identifier: EUPL-1.2
#include "evidence/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/utc.h"
#include "evidence/certificate.h"
#include "evidence/refusal.h"

#define FILE_BYTES_MAX 65536

// A chain being judged.
struct judged {
        const char *path;
        char *text;
        size_t text_bytes;
        OSSL_LIB_CTX *library;
        OSSL_PROVIDER *provider;
        X509 *certificate[BC_RECORD_CHAIN_MAX];
        struct bc_chain *chain;
};

BC_DEFINE_CLEANUP(chain, struct bc_chain, bc_chain_free)
BC_DEFINE_CLEANUP(bio, BIO, BIO_vfree)

static void judged_done(struct judged *judged)
{
        for (size_t i = 0; i < BC_RECORD_CHAIN_MAX; i++)
                X509_free(judged->certificate[i]);
        if (judged->provider)
                (void)OSSL_PROVIDER_unload(judged->provider);
        OSSL_LIB_CTX_free(judged->library);
        ERR_clear_error();
}

#define refuse(judged, ...) bc_refusal((judged)->text, (judged)->text_bytes, EINVAL, "certificates " __VA_ARGS__)

// ---- reading -------------------------------------------------------------------------------------------------

// Takes the DER of one certificate: it, and no byte besides, in the one form that DER allows.
static int take(struct judged *judged, const char *name, uint8_t *der, long n)
{
        struct bc_chain *chain = judged->chain;
        const uint8_t *at = der;
        uint8_t *again = NULL;
        bool same;
        int again_n;
        X509 *certificate;

        if (strcmp(name, PEM_STRING_X509) != 0) {
                OPENSSL_cleanse(der, (size_t)n);
                return refuse(judged, "%s: it holds something that is no certificate: %s", judged->path, name);
        }
        if (chain->count == BC_RECORD_CHAIN_MAX)
                return refuse(judged, "%s: there are more than %d certificates", judged->path, BC_RECORD_CHAIN_MAX);
        certificate = X509_new_ex(judged->library, "provider=default");
        judged->certificate[chain->count] = certificate;
        if (!certificate || !d2i_X509(&judged->certificate[chain->count], &at, n) || at != der + n)
                return refuse(judged, "%s: certificate %zu cannot be read", judged->path, chain->count + 1);
        again_n = i2d_X509(certificate, &again);
        same = again_n == n && memcmp(again, der, (size_t)n) == 0;
        OPENSSL_free(again);
        if (!same)
                return refuse(judged, "%s: certificate %zu is not in DER", judged->path, chain->count + 1);
        chain->certificate[chain->count].bytes = malloc((size_t)n);
        if (!chain->certificate[chain->count].bytes)
                return bc_refusal(judged->text, judged->text_bytes, ENOMEM, "certificates: no memory");
        memcpy((uint8_t *)chain->certificate[chain->count].bytes, der, (size_t)n);
        chain->certificate[chain->count].n = (size_t)n;
        chain->count++;
        return 0;
}

static int read_all(struct judged *judged, const char *pem, size_t size)
{
        BC_CLEANUP(bc_cleanup_bio) BIO *bio = BIO_new_mem_buf(pem, (int)size);
        size_t bytes = 0;
        int r = 0;

        if (!bio)
                return bc_refusal(judged->text, judged->text_bytes, ENOMEM, "certificates: no memory");
        while (r == 0) {
                char *name, *header;
                uint8_t *der;
                long n;

                ERR_clear_error();
                if (PEM_read_bio(bio, &name, &header, &der, &n) != 1)
                        break;
                r = take(judged, name, der, n);
                bytes += (size_t)n;
                OPENSSL_free(name);
                OPENSSL_free(header);
                OPENSSL_free(der);
        }
        if (r < 0)
                return r;
        if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
                return refuse(judged, "%s: behind certificate %zu it is damaged", judged->path, judged->chain->count);
        if (judged->chain->count == 0)
                return refuse(judged, "%s: there is no certificate", judged->path);
        if (bytes > BC_CHAIN_BYTES_MAX)
                return refuse(judged, "%s: its certificates have %zu bytes, at most %d fit a record", judged->path, bytes,
                              BC_CHAIN_BYTES_MAX);
        return 0;
}

// ---- judging -------------------------------------------------------------------------------------------------

static int judge_each(struct judged *judged, size_t i, const char *device_id)
{
        X509 *certificate = judged->certificate[i];
        char why[256];

        if (bc_certificate_judge(certificate, why, sizeof(why)) < 0 ||
            (i == 0 && bc_certificate_judge_device(certificate, device_id, why, sizeof(why)) < 0) ||
            (i > 0 && bc_certificate_judge_issuer(certificate, i - 1, why, sizeof(why)) < 0))
                return refuse(judged, "%s: certificate %zu: %s", judged->path, i + 1, why);
        return 0;
}

static int judge_order(struct judged *judged)
{
        for (size_t i = 0; i + 1 < judged->chain->count; i++) {
                X509 *certificate = judged->certificate[i], *issuer = judged->certificate[i + 1];

                if (X509_check_issued(issuer, certificate) != X509_V_OK)
                        return refuse(judged, "%s: certificate %zu was not issued by certificate %zu (the device's first, then each issuer)",
                                      judged->path, i + 1, i + 2);
                if (X509_verify(certificate, X509_get0_pubkey(issuer)) != 1)
                        return refuse(judged, "%s: certificate %zu: its signature is not that of certificate %zu", judged->path, i + 1,
                                      i + 2);
        }
        return 0;
}

// ---- what it says --------------------------------------------------------------------------------------------

static int64_t seconds_of(const ASN1_TIME *time, int64_t otherwise)
{
        struct tm tm;

        return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : otherwise;
}

static void print_name(const X509_NAME *name, char text[BC_CHAIN_NAME_BYTES])
{
        BC_CLEANUP(bc_cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());
        int n = 0;

        // Escapes control characters and what is not ASCII.
        if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
                n = BIO_read(bio, text, BC_CHAIN_NAME_BYTES - 1);
        text[n > 0 ? n : 0] = 0;
}

static int describe(struct judged *judged)
{
        struct bc_chain *chain = judged->chain;
        X509 *device = judged->certificate[0];
        unsigned said = bc_certificate_policies(device);
        uint8_t *public = NULL;
        unsigned n = sizeof(chain->x5t);
        int public_n;
        EVP_MD *hash;

        for (size_t i = 0; i < chain->count; i++) {
                int64_t from_s = seconds_of(X509_get0_notBefore(judged->certificate[i]), INT64_MAX);
                int64_t until_s = seconds_of(X509_get0_notAfter(judged->certificate[i]), INT64_MIN);

                chain->is_test |= (bc_certificate_policies(judged->certificate[i]) & 1u << BC_POLICY_TEST) != 0;
                if (i == 0 || from_s > chain->valid_from_s)
                        chain->valid_from_s = from_s;
                if (i == 0 || until_s < chain->valid_until_s)
                        chain->valid_until_s = until_s;
        }
        for (unsigned p = BC_PROTECTION_FILE; p <= BC_PROTECTION_HARDWARE; p++) {
                if (!(said & 1u << p))
                        continue;
                if (chain->protection != BC_PROTECTION_NOT_SAID)
                        return refuse(judged, "%s: certificate 1 says two ways in which its key is protected", judged->path);
                chain->protection = (enum bc_protection)p;
        }
        public_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(device), &public);
        if (public_n > 0 && (chain->public_key.bytes = malloc((size_t)public_n))) {
                memcpy((uint8_t *)chain->public_key.bytes, public, (size_t)public_n);
                chain->public_key.n = (size_t)public_n;
        }
        OPENSSL_free(public);
        hash = EVP_MD_fetch(judged->library, "SHA2-256", "provider=default");
        if (!chain->public_key.n || !hash ||
            EVP_Digest(chain->certificate[0].bytes, chain->certificate[0].n, chain->x5t, &n, hash, NULL) <= 0) {
                EVP_MD_free(hash);
                return bc_refusal(judged->text, judged->text_bytes, ENOMEM, "certificates: no memory");
        }
        EVP_MD_free(hash);
        print_name(X509_get_subject_name(device), chain->subject);
        print_name(X509_get_issuer_name(device), chain->issuer);
        return 0;
}

// ---- all of it -----------------------------------------------------------------------------------------------

int bc_chain_parse(const char *path, const char *pem, size_t size, const char *device_id, char *text, size_t text_bytes,
                   struct bc_chain **ret_chain)
{
        BC_CLEANUP(bc_cleanup_chain) struct bc_chain *chain = calloc(1, sizeof(*chain));
        BC_CLEANUP(judged_done) struct judged judged = { .path = path, .text = text, .text_bytes = text_bytes, .chain = chain };
        int r;

        // As in bc_key_open(): no openssl.cnf.
        (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
        judged.library = OSSL_LIB_CTX_new();
        judged.provider = judged.library ? OSSL_PROVIDER_load(judged.library, "default") : NULL;
        if (size > FILE_BYTES_MAX)
                return bc_refusal(text, text_bytes, EFBIG, "certificates %s: it is larger than %d bytes", path, FILE_BYTES_MAX);
        if (!chain || !judged.provider)
                return bc_refusal(text, text_bytes, ENOMEM, "certificates %s: no memory", path);
        r = read_all(&judged, pem, size);
        for (size_t i = 0; r == 0 && i < chain->count; i++)
                r = judge_each(&judged, i, device_id);
        if (r == 0)
                r = judge_order(&judged);
        if (r == 0)
                r = describe(&judged);
        if (r < 0)
                return r;
        *ret_chain = BC_TAKE(chain);
        return 0;
}

int bc_chain_load(const char *path, const char *device_id, char *text, size_t text_bytes, struct bc_chain **ret_chain)
{
        BC_CLEANUP(bc_cleanup_memory) char *pem = NULL;
        size_t size;
        int r = bc_file_load(AT_FDCWD, path, FILE_BYTES_MAX, &pem, &size);

        if (r == -ELOOP)
                return bc_refusal(text, text_bytes, ELOOP, "certificates %s: it is a symbolic link", path);
        if (r == -EINVAL)
                return bc_refusal(text, text_bytes, EINVAL, "certificates %s: it is not a regular file", path);
        if (r < 0)
                return bc_refusal(text, text_bytes, -r, "certificates %s: %s", path, strerror(-r));
        return bc_chain_parse(path, pem, size, device_id, text, text_bytes, ret_chain);
}

void bc_chain_free(struct bc_chain *chain)
{
        if (!chain)
                return;
        for (size_t i = 0; i < chain->count; i++)
                free((uint8_t *)chain->certificate[i].bytes);
        free((uint8_t *)chain->public_key.bytes);
        free(chain);
}

static void say_time(int64_t utc_s, char text[BC_UTC_TEXT_BYTES])
{
        if (utc_s < 0 || utc_s > INT64_MAX / 1000000000 || bc_utc_format(utc_s * 1000000000, text) < 0)
                memcpy(text, "?", 2);
}

bool bc_chain_is_valid_at(const struct bc_chain *chain, int64_t utc_ns, char *text, size_t text_bytes)
{
        int64_t utc_s = utc_ns / 1000000000;
        char then[BC_UTC_TEXT_BYTES];

        if (utc_s < chain->valid_from_s) {
                say_time(chain->valid_from_s, then);
                (void)bc_refusal(text, text_bytes, EINVAL, "the certificates are not valid before %s", then);
                return false;
        }
        if (utc_s > chain->valid_until_s) {
                say_time(chain->valid_until_s, then);
                (void)bc_refusal(text, text_bytes, EINVAL, "the certificates are valid no longer: they were until %s", then);
                return false;
        }
        return true;
}
