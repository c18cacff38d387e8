// SPDX-License-Identifier: EUPL-1.2
#include "verify/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "format/envelope.h"

#define PASS_BYTES_MAX 1024

struct bc_opener {
        pthread_mutex_t lock; // over the key's use
        EVP_PKEY *key;
        enum bc_envelope_kind kind;
        uint8_t *id; // IssuerAndSerialNumber of the certificate, DER; NULL: none was named
        size_t id_bytes;
};

static void free_bio(BIO **bio)
{
        BIO_free_all(*bio);
}

static void free_certificate(X509 **certificate)
{
        X509_free(*certificate);
}

static void free_message(CMS_ContentInfo **message)
{
        CMS_ContentInfo_free(*message);
}

struct text {
        char *bytes;
        size_t n;
};

static void wipe_text(struct text *text)
{
        if (text->bytes)
                OPENSSL_clear_free(text->bytes, text->n);
}

void bc_opener_free(struct bc_opener *opener)
{
        if (!opener)
                return;
        EVP_PKEY_free(opener->key);
        pthread_mutex_destroy(&opener->lock);
        free(opener->id);
        free(opener);
}

// ---- loading ---------------------------------------------------------------------------------------------------

__attribute__((format(printf, 2, 3))) static int fault(char ret_fault[BC_OPENER_FAULT_BYTES], const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(ret_fault, BC_OPENER_FAULT_BYTES, format, arguments);
        va_end(arguments);
        return -EINVAL;
}

// A whole file, in memory that is wiped when it is given back.
static int load(const char *path, size_t size_max, struct text *ret_text, char ret_fault[BC_OPENER_FAULT_BYTES])
{
        char *bytes;
        size_t n;
        int r;

        r = bc_file_load(AT_FDCWD, path, size_max, &bytes, &n);
        if (r < 0)
                return fault(ret_fault, "%s: cannot be read: %s", path, strerror(-r));
        ret_text->bytes = OPENSSL_memdup(bytes, n + 1);
        ret_text->n = n;
        OPENSSL_cleanse(bytes, n);
        free(bytes);
        return ret_text->bytes ? 0 : -ENOMEM;
}

struct asked {
        const struct text *pass; // NULL: there is none
        bool asked;
};

// pem_password_cb.
static int give_pass(char *bytes, int room, int writing, void *user)
{
        struct asked *asked = user;
        size_t n;

        (void)writing;
        asked->asked = true;
        if (!asked->pass)
                return -1;
        n = strcspn(asked->pass->bytes, "\r\n");
        if (n > (size_t)room)
                return -1;
        memcpy(bytes, asked->pass->bytes, n);
        return (int)n;
}

static int judge_key(struct bc_opener *opener, const char *path, char ret_fault[BC_OPENER_FAULT_BYTES])
{
        char group[64] = "";
        size_t n;

        if (EVP_PKEY_is_a(opener->key, "RSA")) {
                opener->kind = BC_ENVELOPE_RSA;
                return 0; // too short a key opens nothing: the envelope is refused before
        }
        if (EVP_PKEY_is_a(opener->key, "EC") && EVP_PKEY_get_group_name(opener->key, group, sizeof(group), &n) == 1) {
                opener->kind = BC_ENVELOPE_P256;
                if (strcmp(group, SN_X9_62_prime256v1) == 0)
                        return 0;
                opener->kind = BC_ENVELOPE_P384;
                if (strcmp(group, SN_secp384r1) == 0)
                        return 0;
        }
        return fault(ret_fault, "%s: the key is neither RSA nor on P-256 or P-384", path);
}

static int load_key(struct bc_opener *opener, const struct bc_opener_source *source, char ret_fault[BC_OPENER_FAULT_BYTES])
{
        BC_CLEANUP(wipe_text) struct text text = { 0 }, pass = { 0 };
        BC_CLEANUP(free_bio) BIO *bio = NULL;
        struct asked asked = { 0 };
        int r;

        r = load(source->key_path, BC_OPENER_FILE_BYTES_MAX, &text, ret_fault);
        if (r == 0 && source->pass_path) {
                r = load(source->pass_path, PASS_BYTES_MAX, &pass, ret_fault);
                asked.pass = &pass;
        }
        if (r < 0)
                return r;
        bio = BIO_new_mem_buf(text.bytes, (int)text.n);
        if (!bio)
                return -ENOMEM;
        opener->key = PEM_read_bio_PrivateKey(bio, NULL, give_pass, &asked);
        if (!opener->key && asked.asked)
                return fault(ret_fault, asked.pass ? "%s: the password does not open it" :
                                        "%s: is encrypted; its password must be in a file (--pass-file)", source->key_path);
        if (!opener->key)
                return fault(ret_fault, "%s: holds no private key in PEM", source->key_path);
        return judge_key(opener, source->key_path, ret_fault);
}

// IssuerAndSerialNumber, as the envelope has it.
static int make_id(struct bc_opener *opener, const X509 *certificate)
{
        const X509_NAME *issuer = X509_get_issuer_name(certificate);
        const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
        int issuer_bytes = i2d_X509_NAME(issuer, NULL), serial_bytes = i2d_ASN1_INTEGER(serial, NULL), n, all;
        unsigned char *at;

        if (issuer_bytes < 0 || serial_bytes < 0)
                return -ENOMEM;
        n = issuer_bytes + serial_bytes;
        all = ASN1_object_size(1, n, V_ASN1_SEQUENCE);
        if (all < 0)
                return -ENOMEM;
        opener->id = at = malloc((size_t)all);
        if (!at)
                return -ENOMEM;
        ASN1_put_object(&at, 1, n, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        i2d_X509_NAME(issuer, &at);
        i2d_ASN1_INTEGER(serial, &at);
        opener->id_bytes = (size_t)all;
        return 0;
}

static int load_certificate(struct bc_opener *opener, const struct bc_opener_source *source,
                            char ret_fault[BC_OPENER_FAULT_BYTES])
{
        BC_CLEANUP(wipe_text) struct text text = { 0 };
        BC_CLEANUP(free_bio) BIO *bio = NULL;
        BC_CLEANUP(free_certificate) X509 *certificate = NULL;
        int r;

        r = load(source->certificate_path, BC_OPENER_FILE_BYTES_MAX, &text, ret_fault);
        if (r < 0)
                return r;
        bio = BIO_new_mem_buf(text.bytes, (int)text.n);
        certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        if (!certificate)
                return fault(ret_fault, "%s: holds no certificate in PEM", source->certificate_path);
        if (X509_check_private_key(certificate, opener->key) != 1)
                return fault(ret_fault, "%s: is not the certificate of the key in %s", source->certificate_path,
                             source->key_path);
        return make_id(opener, certificate);
}

int bc_opener_load(const struct bc_opener_source *source, struct bc_opener **ret_opener, char ret_fault[BC_OPENER_FAULT_BYTES])
{
        BC_CLEANUP(bc_cleanup_opener) struct bc_opener *opener = calloc(1, sizeof(*opener));
        int r;

        if (!opener)
                return -ENOMEM;
        pthread_mutex_init(&opener->lock, NULL);
        r = load_key(opener, source, ret_fault);
        if (r == 0 && source->certificate_path)
                r = load_certificate(opener, source, ret_fault);
        ERR_clear_error();
        if (r < 0)
                return r;
        *ret_opener = BC_TAKE(opener);
        return 0;
}

// ---- opening ---------------------------------------------------------------------------------------------------

// Whether this recipient's part gives up the key of the message to our key.
static bool unwrap(const struct bc_opener *opener, CMS_ContentInfo *message, CMS_RecipientInfo *info)
{
        STACK_OF(CMS_RecipientEncryptedKey) *keys;
        bool opened;

        if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS) {
                if (EVP_PKEY_up_ref(opener->key) != 1)
                        return false;
                if (CMS_RecipientInfo_set0_pkey(info, opener->key) != 1) {
                        EVP_PKEY_free(opener->key);
                        return false;
                }
                return CMS_RecipientInfo_decrypt(message, info) == 1; // takes and gives back the key with the message
        }
        keys = CMS_RecipientInfo_kari_get0_reks(info);
        if (!keys || sk_CMS_RecipientEncryptedKey_num(keys) != 1 || CMS_RecipientInfo_kari_set0_pkey(info, opener->key) != 1)
                return false;
        opened = CMS_RecipientInfo_kari_decrypt(message, info, sk_CMS_RecipientEncryptedKey_value(keys, 0)) == 1;
        CMS_RecipientInfo_kari_set0_pkey(info, NULL);
        return opened;
}

// The content, whose key is known by now; its tag is checked before anything is given out.
static int read_content(CMS_ContentInfo *message, uint8_t ret_key[BC_SEALED_KEY_BYTES])
{
        BC_CLEANUP(free_bio) BIO *content = BIO_new(BIO_s_secmem()); // wiped when it is freed
        char *bytes;

        if (!content)
                return -ENOMEM;
        if (CMS_decrypt(message, NULL, NULL, NULL, content, CMS_BINARY) != 1 ||
            BIO_get_mem_data(content, &bytes) != BC_SEALED_KEY_BYTES)
                return -EKEYREJECTED;
        memcpy(ret_key, bytes, BC_SEALED_KEY_BYTES);
        return 0;
}

static bool is_ours(const struct bc_opener *opener, const struct bc_envelope_recipient *recipient)
{
        if (recipient->kind != opener->kind)
                return false;
        return !opener->id || (recipient->id_bytes == opener->id_bytes &&
                               memcmp(recipient->id, opener->id, opener->id_bytes) == 0);
}

static int open_message(const struct bc_opener *opener, const struct bc_envelope *envelope, CMS_ContentInfo *message,
                        struct bc_opened *opened)
{
        STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(message);
        bool named = false;

        if (!infos || sk_CMS_RecipientInfo_num(infos) != (int)envelope->recipients)
                return -EBADMSG;
        for (size_t i = 0; i < envelope->recipients; i++) {
                if (!is_ours(opener, &envelope->recipient[i]))
                        continue;
                named = opener->id;
                if (unwrap(opener, message, sk_CMS_RecipientInfo_value(infos, (int)i))) {
                        opened->recipient = i + 1;
                        return read_content(message, opened->file_key);
                }
        }
        return named ? -EKEYREJECTED : -ENOKEY;
}

int bc_opener_open(const struct bc_opener *opener, const uint8_t *envelope, size_t n, struct bc_opened *ret_opened)
{
        BC_CLEANUP(free_message) CMS_ContentInfo *message = NULL;
        struct bc_envelope parsed;
        const unsigned char *at = envelope;
        int r;

        r = bc_envelope_parse(envelope, n, &parsed);
        if (r < 0)
                return r;
        ret_opened->recipients = parsed.recipients;
        ret_opened->recipient = 0;
        message = d2i_CMS_ContentInfo(NULL, &at, (long)n);
        pthread_mutex_lock((pthread_mutex_t *)&opener->lock);
        r = message && at == envelope + n ? open_message(opener, &parsed, message, ret_opened) : -EBADMSG;
        pthread_mutex_unlock((pthread_mutex_t *)&opener->lock);
        ERR_clear_error();
        return r;
}
