// SPDX-License-Identifier: EUPL-1.2
#include "parties.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#undef NDEBUG
#include <assert.h>

static EVP_PKEY *read_key(const char *path)
{
        FILE *file = fopen(path, "re");
        EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

        assert(key);
        fclose(file);
        return key;
}

static EVP_PKEY *make_key(const char *kind)
{
        EVP_PKEY *key = NULL;

        if (strncmp(kind, "RSA-PSS", 7) == 0) {
                EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);

                assert(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 3072) == 1 &&
                       EVP_PKEY_generate(context, &key) == 1);
                EVP_PKEY_CTX_free(context);
        } else if (strncmp(kind, "RSA-", 4) == 0) {
                key = EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10));
        } else if (strncmp(kind, "P-", 2) == 0) {
                key = EVP_EC_gen(kind);
        } else {
                key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
        }
        assert(key);
        return key;
}

static void write_key(const char *path, EVP_PKEY *key, const char *password)
{
        FILE *file = fopen(path, "we");

        assert(file);
        assert(PEM_write_PKCS8PrivateKey(file, key, password ? EVP_aes_256_cbc() : NULL, password,
                                         password ? (int)strlen(password) : 0, NULL, NULL) == 1);
        fclose(file);
}

static void add_usage(X509 *certificate, const char *usage)
{
        char value[128];
        X509_EXTENSION *extension;

        snprintf(value, sizeof(value), "critical,%s", usage);
        extension = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, value);
        assert(extension && X509_add_ext(certificate, extension, -1) == 1);
        X509_EXTENSION_free(extension);
}

static void write_certificate(const char *path, const char *name, EVP_PKEY *key, const struct party_wish *wish)
{
        X509 *certificate = X509_new();
        X509_NAME *subject = X509_get_subject_name(certificate);
        bool rsa = EVP_PKEY_is_a(key, "RSA"), edwards = EVP_PKEY_is_a(key, "ED25519");
        time_t begins = PARTY_NOW + (wish->begins_s ? wish->begins_s : -86400);
        time_t ends = PARTY_NOW + (wish->ends_s ? wish->ends_s : 86400);
        static long serial = 1000;
        FILE *file;

        X509_set_version(certificate, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), wish->serial ? wish->serial : ++serial);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                   (const unsigned char *)(wish->issuer ? wish->issuer : name), -1, -1, 0);
        X509_set_issuer_name(certificate, subject);
        X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &begins);
        X509_time_adj_ex(X509_getm_notAfter(certificate), 0, 0, &ends);
        X509_set_pubkey(certificate, key);
        if (!wish->usage || wish->usage[0])
                add_usage(certificate, wish->usage ? wish->usage : rsa ? "keyEncipherment" : "keyAgreement");
        assert(X509_sign(certificate, key, edwards ? NULL : EVP_sha256()) > 0);
        file = fopen(path, "we");
        assert(file && PEM_write_X509(file, certificate) == 1);
        fclose(file);
        X509_free(certificate);
}

void party_make(struct party *party, const char *folder, const char *name, const struct party_wish *wish)
{
        EVP_PKEY *key = wish->same_key_as ? read_key(wish->same_key_as) : make_key(wish->key);

        snprintf(party->key_path, sizeof(party->key_path), "%s/%s.key", folder, name);
        snprintf(party->certificate_path, sizeof(party->certificate_path), "%s/%s.pem", folder, name);
        write_key(party->key_path, key, wish->password);
        write_certificate(party->certificate_path, name, key, wish);
        EVP_PKEY_free(key);
}

char *party_folder_make(void)
{
        char *folder = strdup("/tmp/bodycam-sealing-XXXXXX");

        assert(folder && mkdtemp(folder));
        return folder;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
        (void)status, (void)kind, (void)place;
        return remove(path);
}

void party_folder_remove(char *folder)
{
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        free(folder);
}
