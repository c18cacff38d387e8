// SPDX-License-Identifier: EUPL-1.2
#include "evidence/agency.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "format/envelope.h"
#include "format/sealed.h"

struct bc_agency {
        size_t count, doubtful, left_out;
        X509 *certificate[BC_ENVELOPE_RECIPIENTS_MAX];
};

// Those that have expired by a clock that nobody keeps, until it is known whether there is another.
struct expired {
        size_t count;
        X509 *certificate[BC_ENVELOPE_RECIPIENTS_MAX];
        const char *path[BC_ENVELOPE_RECIPIENTS_MAX];
};

static void free_certificate(X509 **certificate)
{
        X509_free(*certificate);
}

static void free_expired(struct expired *expired)
{
        for (size_t i = 0; i < expired->count; i++)
                X509_free(expired->certificate[i]);
}

static void free_bio(BIO **bio)
{
        BIO_free_all(*bio);
}

static void free_message(CMS_ContentInfo **message)
{
        CMS_ContentInfo_free(*message);
}

static void free_der(unsigned char **der)
{
        OPENSSL_free(*der);
}

void bc_agency_free(struct bc_agency *agency)
{
        if (!agency)
                return;
        for (size_t i = 0; i < agency->count; i++)
                X509_free(agency->certificate[i]);
        free(agency);
}

size_t bc_agency_recipients(const struct bc_agency *agency)
{
        return agency->count;
}

size_t bc_agency_doubtful(const struct bc_agency *agency)
{
        return agency->doubtful;
}

size_t bc_agency_left_out(const struct bc_agency *agency)
{
        return agency->left_out;
}

// ---- judging ---------------------------------------------------------------------------------------------------

struct finding {
        char text[BC_AGENCY_FINDING_BYTES];
};

__attribute__((format(printf, 2, 3))) static int find(struct finding *finding, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(finding->text, sizeof(finding->text), format, arguments);
        va_end(arguments);
        return -EKEYREJECTED;
}

static int read_certificate(const char *path, struct finding *finding, X509 **ret_certificate)
{
        BC_CLEANUP(bc_cleanup_memory) char *text = NULL;
        BC_CLEANUP(free_bio) BIO *bio = NULL;
        BC_CLEANUP(free_certificate) X509 *certificate = NULL, *second = NULL;
        size_t n;
        int r;

        r = bc_file_load(AT_FDCWD, path, BC_AGENCY_FILE_BYTES_MAX, &text, &n);
        if (r < 0)
                return find(finding, "%s: cannot be read: %s", path, strerror(-r));
        bio = BIO_new_mem_buf(text, (int)n);
        if (!bio)
                return -ENOMEM;
        certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!certificate)
                return find(finding, "%s: holds no certificate in PEM", path);
        second = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (second)
                return find(finding, "%s: holds more than one certificate; give each a file of its own", path);
        *ret_certificate = BC_TAKE(certificate);
        return 0;
}

enum validity {
        VALID,
        EARLY,
        EXPIRED,
};

static int judge_validity(const char *path, X509 *certificate, int64_t now_unix_s, struct finding *finding, enum validity *ret_validity)
{
        time_t now = now_unix_s == BC_AGENCY_TIME_UNKNOWN ? 0 : (time_t)now_unix_s;
        int begins = X509_cmp_time(X509_get0_notBefore(certificate), &now);
        int ends = X509_cmp_time(X509_get0_notAfter(certificate), &now);

        *ret_validity = VALID;
        if (begins == 0 || ends == 0)
                return find(finding, "%s: the times of the certificate cannot be read", path);
        if (now_unix_s != BC_AGENCY_TIME_UNKNOWN)
                *ret_validity = begins > 0 ? EARLY : ends < 0 ? EXPIRED : VALID;
        return 0;
}

static int judge_rsa(const char *path, const EVP_PKEY *key, struct finding *finding)
{
        int bits = EVP_PKEY_get_bits(key);

        if (bits < BC_ENVELOPE_RSA_BITS_MIN || bits > BC_ENVELOPE_RSA_BITS_MAX)
                return find(finding, "%s: the RSA key has %d bits; at least %d, at most %d are wanted", path, bits,
                            BC_ENVELOPE_RSA_BITS_MIN, BC_ENVELOPE_RSA_BITS_MAX);
        return 0;
}

static int judge_ec(const char *path, const EVP_PKEY *key, struct finding *finding)
{
        char group[64];
        size_t n;

        if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1)
                return find(finding, "%s: the key is on a curve without a name; P-256 or P-384 is wanted", path);
        if (strcmp(group, SN_X9_62_prime256v1) != 0 && strcmp(group, SN_secp384r1) != 0)
                return find(finding, "%s: the key is on the curve %s; P-256 or P-384 is wanted", path, group);
        return 0;
}

// A certificate that says nothing of its use is refused: keys for TLS, sealing and evidence are different ones, and whoever
// makes a certificate for sealing has to say so.
static int judge_use(const char *path, X509 *certificate, bool rsa, struct finding *finding)
{
        uint32_t wanted = rsa ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT, use = X509_get_key_usage(certificate);
        const char *name = rsa ? "keyEncipherment" : "keyAgreement";

        if (use == UINT32_MAX)
                return find(finding, "%s: the certificate has no keyUsage; it must allow %s", path, name);
        if (!(use & wanted))
                return find(finding, "%s: the certificate's keyUsage does not allow %s", path, name);
        return 0;
}

static int judge_key(const char *path, X509 *certificate, struct finding *finding)
{
        const EVP_PKEY *key = X509_get0_pubkey(certificate);
        const char *type;
        int r;

        if (!key)
                return find(finding, "%s: the certificate's key cannot be read", path);
        if (EVP_PKEY_is_a(key, "RSA")) {
                r = judge_rsa(path, key, finding);
        } else if (EVP_PKEY_is_a(key, "EC")) {
                r = judge_ec(path, key, finding);
        } else {
                type = EVP_PKEY_get0_type_name(key);
                return find(finding, "%s: the key is of the type %s; RSA, P-256 or P-384 is wanted", path,
                            type ? type : "unknown");
        }
        return r < 0 ? r : judge_use(path, certificate, EVP_PKEY_is_a(key, "RSA"), finding);
}

static int judge_others(const char *path, X509 *certificate, const struct bc_agency *agency, struct finding *finding)
{
        for (size_t i = 0; i < agency->count; i++) {
                if (EVP_PKEY_eq(X509_get0_pubkey(agency->certificate[i]), X509_get0_pubkey(certificate)) == 1)
                        return find(finding, "%s: the same key as in a certificate before it", path);
                // A recipient is named by these in the envelope.
                if (X509_issuer_and_serial_cmp(agency->certificate[i], certificate) == 0)
                        return find(finding, "%s: the same issuer and serial number as in a certificate before it", path);
        }
        return 0;
}

static void tell(const struct bc_agency_source *source, const char *path, const char *text, bool used)
{
        if (source->on_finding)
                source->on_finding(source->user, path, text, used);
}

static int leave_out(const struct bc_agency_source *source, struct bc_agency *agency, const char *path, const char *text)
{
        agency->left_out++;
        tell(source, path, text, false);
        return -EKEYREJECTED;
}

// Takes it, whatever the clock says; doubt: what that says against it, NULL: nothing.
static int take(const struct bc_agency_source *source, struct bc_agency *agency, const char *path, X509 **certificate, const char *doubt)
{
        struct finding finding = { "" };

        if (judge_others(path, *certificate, agency, &finding) < 0)
                return leave_out(source, agency, path, finding.text);
        agency->certificate[agency->count++] = BC_TAKE(*certificate);
        if (!doubt)
                return 0;
        agency->doubtful++;
        (void)find(&finding, "%s: the certificate %s by a clock that no time service keeps", path, doubt);
        tell(source, path, finding.text, true);
        return 0;
}

static int add(const struct bc_agency_source *source, struct bc_agency *agency, struct expired *expired, const char *path)
{
        BC_CLEANUP(free_certificate) X509 *certificate = NULL;
        struct finding finding = { "" };
        enum validity validity;
        int r;

        r = read_certificate(path, &finding, &certificate);
        if (r == 0)
                r = judge_key(path, certificate, &finding);
        if (r == 0)
                r = judge_validity(path, certificate, source->now_unix_s, &finding, &validity);
        ERR_clear_error(); // what PEM did not find is no error of anybody's
        if (r < 0 && r != -EKEYREJECTED)
                return r;
        if (r == 0 && source->kept && validity != VALID)
                r = find(&finding, "%s: the certificate %s", path, validity == EARLY ? "is not valid yet" : "has expired");
        if (r < 0)
                return leave_out(source, agency, path, finding.text);
        if (validity != EXPIRED)
                return take(source, agency, path, &certificate, validity == EARLY ? "is not valid yet" : NULL);
        expired->path[expired->count] = path;
        expired->certificate[expired->count++] = BC_TAKE(certificate);
        return 0;
}

static void decide_on_expired(const struct bc_agency_source *source, struct bc_agency *agency, struct expired *expired)
{
        const bool alone = agency->count == 0;

        for (size_t i = 0; i < expired->count; i++) {
                struct finding finding;

                (void)find(&finding, "%s: the certificate has expired", expired->path[i]);
                if (alone)
                        (void)take(source, agency, expired->path[i], &expired->certificate[i], "has expired");
                else
                        (void)leave_out(source, agency, expired->path[i], finding.text);
        }
}

// An envelope for all of them, once: what a recording would run into is found at start.
static int try_out(const struct bc_agency *agency)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(BC_SEALED_ENVELOPE_BYTES_MAX);
        const uint8_t key[BC_SEALED_KEY_BYTES] = { 0 };
        size_t n;

        if (!bytes)
                return -ENOMEM;
        return bc_agency_wrap(agency, key, bytes, BC_SEALED_ENVELOPE_BYTES_MAX, &n);
}

int bc_agency_load(const struct bc_agency_source *source, struct bc_agency **ret_agency)
{
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = NULL;
        BC_CLEANUP(free_expired) struct expired expired = { .count = 0 };
        int r;

        if (source->count > BC_ENVELOPE_RECIPIENTS_MAX)
                return -E2BIG;
        agency = calloc(1, sizeof(*agency));
        if (!agency)
                return -ENOMEM;
        for (size_t i = 0; i < source->count; i++) {
                r = add(source, agency, &expired, source->paths[i]);
                if (r < 0 && r != -EKEYREJECTED)
                        return r;
        }
        decide_on_expired(source, agency, &expired);
        if (agency->count == 0)
                return -ENOKEY;
        r = try_out(agency);
        if (r < 0)
                return r;
        *ret_agency = BC_TAKE(agency);
        return 0;
}

// ---- wrapping --------------------------------------------------------------------------------------------------

// CMS's own choices are PKCS#1 v1.5 and a key derivation with SHA-1: each is made here.
static bool add_recipient(CMS_ContentInfo *message, X509 *certificate)
{
        CMS_RecipientInfo *info = CMS_add1_recipient(message, certificate, NULL, NULL, CMS_KEY_PARAM | CMS_BINARY);
        EVP_PKEY_CTX *context = info ? CMS_RecipientInfo_get0_pkey_ctx(info) : NULL;
        EVP_CIPHER_CTX *wrap;

        if (!context)
                return false;
        if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS)
                return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
                       EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
                       EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
        wrap = CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE ? CMS_RecipientInfo_kari_get0_ctx(info) : NULL;
        return wrap && EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) == 1 &&
               EVP_EncryptInit_ex(wrap, EVP_aes_256_wrap(), NULL, NULL, NULL) == 1;
}

// Not by CMS_final(), which copies the key through a buffer on the stack that nobody wipes.
static bool put_content(CMS_ContentInfo *message, const uint8_t file_key[BC_SEALED_KEY_BYTES])
{
        BC_CLEANUP(free_bio) BIO *content = CMS_dataInit(message, NULL);

        return content && BIO_write(content, file_key, BC_SEALED_KEY_BYTES) == BC_SEALED_KEY_BYTES &&
               BIO_flush(content) == 1 && CMS_dataFinal(message, content) == 1;
}

int bc_agency_wrap(const struct bc_agency *agency, const uint8_t file_key[32], uint8_t *bytes, size_t room, size_t *ret_bytes)
{
        BC_CLEANUP(free_message) CMS_ContentInfo *message = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
        BC_CLEANUP(free_der) unsigned char *der = NULL;
        struct bc_envelope envelope;
        bool made = message && CMS_set_detached(message, 0) == 1; // it carries its content
        int n;

        for (size_t i = 0; made && i < agency->count; i++)
                made = add_recipient(message, agency->certificate[i]);
        made = made && put_content(message, file_key);
        n = made ? i2d_CMS_ContentInfo(message, &der) : -1;
        ERR_clear_error();
        if (n < 0)
                return -EIO;
        if ((size_t)n > room)
                return -ENOBUFS;
        if (bc_envelope_parse(der, (size_t)n, &envelope) < 0 || envelope.recipients != agency->count)
                return -EIO;
        memcpy(bytes, der, (size_t)n);
        *ret_bytes = (size_t)n;
        return 0;
}
