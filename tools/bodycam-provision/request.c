// SPDX-License-Identifier: EUPL-1.2
// A certificate request (RFC 2986). It is put together here, not by X509_REQ_sign(), so that a key of any place signs it the one way
// in which it signs records.
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "evidence/key.h"
#include "evidence/refusal.h"
#include "provision.h"

BC_DEFINE_CLEANUP(bio, BIO, BIO_vfree)
BC_DEFINE_CLEANUP(ecdsa, ECDSA_SIG, ECDSA_SIG_free)
BC_DEFINE_CLEANUP(key, struct bc_key, bc_key_close)
BC_DEFINE_CLEANUP(pkey, EVP_PKEY, EVP_PKEY_free)
BC_DEFINE_CLEANUP(request, X509_REQ, X509_REQ_free)

static bool add(X509_NAME *name, int nid, const char *value)
{
        // RFC 5280, A.1 wants a PrintableString for a serialNumber, which has no "_": then UTF-8, the bytes being the same.
        return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const uint8_t *)value, -1, -1, 0) == 1 ||
               (nid == NID_serialNumber &&
                X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING, (const uint8_t *)value, -1, -1, 0) == 1);
}

// The ECDSA-Sig-Value of RFC 3279, 2.2.3, as a bit string.
static ASN1_BIT_STRING *signature_of(struct bc_key *key, X509_REQ *request)
{
        BC_CLEANUP(bc_cleanup_ecdsa) ECDSA_SIG *numbers = ECDSA_SIG_new();
        uint8_t raw[BC_SIGNATURE_BYTES_MAX], *body = NULL, *der = NULL;
        ASN1_BIT_STRING *signature = NULL;
        BIGNUM *r = NULL, *s = NULL;
        size_t raw_bytes = 0;
        int n = i2d_re_X509_REQ_tbs(request, &body);
        int signed_ok = n > 0 ? bc_key_sign(key, body, (size_t)n, raw, &raw_bytes) : -ENOMEM;

        OPENSSL_free(body);
        if (signed_ok < 0 || !numbers)
                return NULL;
        r = BN_bin2bn(raw, (int)raw_bytes / 2, NULL);
        s = BN_bin2bn(raw + raw_bytes / 2, (int)raw_bytes / 2, NULL);
        if (!r || !s || ECDSA_SIG_set0(numbers, r, s) != 1) {
                BN_free(r);
                BN_free(s);
                return NULL;
        }
        n = i2d_ECDSA_SIG(numbers, &der);
        if (n > 0 && (signature = ASN1_BIT_STRING_new())) {
                ASN1_STRING_set0(signature, der, n);
                signature->flags |= ASN1_STRING_FLAG_BITS_LEFT; // none of its last byte are left over
                return signature;
        }
        OPENSSL_free(der);
        return NULL;
}

static bool complete(struct bc_key *key, EVP_PKEY *public, const struct bc_provision *provision, X509_REQ *request)
{
        bool large = bc_key_algorithm(key) == BC_RECORD_ES384;
        X509_NAME *subject = X509_REQ_get_subject_name(request);
        X509_ALGOR *algorithm = X509_ALGOR_new();
        ASN1_BIT_STRING *signature;
        bool done;

        if (!algorithm)
                return false;
        X509_ALGOR_set0(algorithm, OBJ_nid2obj(large ? NID_ecdsa_with_SHA384 : NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL);
        done = X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
               add(subject, NID_commonName, provision->name ? provision->name : provision->device) &&
               add(subject, NID_serialNumber, provision->device) && X509_REQ_set_pubkey(request, public) == 1 &&
               X509_REQ_set1_signature_algo(request, algorithm) == 1;
        X509_ALGOR_free(algorithm);
        signature = done ? signature_of(key, request) : NULL;
        if (!signature)
                return false;
        X509_REQ_set0_signature(request, signature);
        return X509_REQ_verify(request, public) == 1;
}

static int write_out(const char *path, const char *bytes, size_t n, char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        const char *name;
        int r;

        if (!path)
                return fwrite(bytes, 1, n, stdout) == n ? 0 : bc_refusal(text, text_bytes, EIO, "standard output cannot be written");
        folder_fd = r = bc_place_open(path, &name);
        if (r >= 0)
                fd = r = bc_file_create(folder_fd, name);
        if (r >= 0)
                r = bc_file_write_at(fd, bytes, n, 0);
        if (r == 0)
                r = bc_file_sync(fd);
        return r == 0 ? 0 : bc_refusal(text, text_bytes, -r, "request %s: %s", path, strerror(-r));
}

enum bc_provision_exit bc_provision_request(const struct bc_provision *provision)
{
        BC_CLEANUP(bc_cleanup_key) struct bc_key *key = NULL;
        BC_CLEANUP(bc_cleanup_pkey) EVP_PKEY *public = NULL;
        BC_CLEANUP(bc_cleanup_request) X509_REQ *request = X509_REQ_new();
        BC_CLEANUP(bc_cleanup_bio) BIO *pem = BIO_new(BIO_s_mem());
        char text[BC_PROVISION_TEXT_BYTES], *bytes;
        const uint8_t *at;
        long n;

        if (provision->name && (strlen(provision->name) < 1 || strlen(provision->name) > 64))
                return bc_provision_refuse("a name (commonName) has 1 to 64 bytes");
        if (bc_key_open(provision->uri, text, sizeof(text), &key) < 0)
                return bc_provision_refuse(text);
        at = bc_key_public(key).bytes;
        public = d2i_PUBKEY(NULL, &at, (long)bc_key_public(key).n);
        if (!pem || !request || !public || !complete(key, public, provision, request) || PEM_write_bio_X509_REQ(pem, request) != 1)
                return bc_provision_refuse("the request could not be made: is the name UTF-8, and does the key sign?");
        n = BIO_get_mem_data(pem, &bytes);
        if (write_out(provision->out, bytes, (size_t)n, text, sizeof(text)) < 0)
                return bc_provision_refuse(text);
        return BC_PROVISION_DONE;
}
