// SPDX-License-Identifier: EUPL-1.2
#include "verify/stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ts.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/utc.h"

#define FILE_BYTES_MAX (256u << 10)
#define ACCURACY_S_MAX 86400 // what claims to be less exact is no time stamp

struct bc_stamp_trust {
        X509_STORE *store;
        unsigned authorities;
};

BC_DEFINE_CLEANUP(response, TS_RESP, TS_RESP_free)
BC_DEFINE_CLEANUP(token, PKCS7, PKCS7_free)
BC_DEFINE_CLEANUP(info, TS_TST_INFO, TS_TST_INFO_free)
BC_DEFINE_CLEANUP(signer, X509, X509_free)

int bc_stamp_trust_new(struct bc_stamp_trust **ret_trust)
{
        struct bc_stamp_trust *trust = calloc(1, sizeof(*trust));

        *ret_trust = NULL;
        if (!trust)
                return -ENOMEM;
        trust->store = X509_STORE_new();
        if (!trust->store) {
                free(trust);
                return -ENOMEM;
        }
        *ret_trust = trust;
        return 0;
}

void bc_stamp_trust_free(struct bc_stamp_trust *trust)
{
        if (!trust)
                return;
        X509_STORE_free(trust->store);
        free(trust);
}

int bc_stamp_trust_add(struct bc_stamp_trust *trust, const char *path, char *text, size_t text_bytes)
{
        int r = X509_STORE_load_file(trust->store, path);

        ERR_clear_error();
        if (r != 1) {
                snprintf(text, text_bytes, "no certificates (PEM) can be read from it");
                return -EBADMSG;
        }
        trust->authorities++;
        return 0;
}

static int refuse(char *text, size_t text_bytes, const char *why)
{
        ERR_clear_error();
        snprintf(text, text_bytes, "%s", why);
        return -EBADMSG;
}

// Either form; NULL: neither. What lies behind it makes it neither.
static PKCS7 *read_token(const uint8_t *bytes, size_t n)
{
        BC_CLEANUP(bc_cleanup_response) TS_RESP *response = NULL;
        const uint8_t *at = bytes;
        PKCS7 *token = NULL;

        response = d2i_TS_RESP(NULL, &at, (long)n);
        if (response && at == bytes + n && TS_RESP_get_token(response))
                token = PKCS7_dup(TS_RESP_get_token(response));
        at = bytes;
        if (!token)
                token = d2i_PKCS7(NULL, &at, (long)n);
        else
                at = bytes + n;
        if (token && at != bytes + n) {
                PKCS7_free(token);
                token = NULL;
        }
        ERR_clear_error();
        return token;
}

// Seconds that it may be late, rounded up; -1: no lawful accuracy.
static int64_t accuracy_of(TS_TST_INFO *info)
{
        TS_ACCURACY *accuracy = TS_TST_INFO_get_accuracy(info);
        int64_t s = 0;

        if (!accuracy)
                return 0;
        const ASN1_INTEGER *seconds = TS_ACCURACY_get_seconds(accuracy);
        if (seconds && ASN1_INTEGER_get_int64(&s, seconds) != 1)
                return -1;
        if (TS_ACCURACY_get_millis(accuracy) || TS_ACCURACY_get_micros(accuracy))
                s++;
        return s >= 0 && s <= ACCURACY_S_MAX ? s : -1;
}

static bool take_imprint(TS_TST_INFO *info, uint8_t ret_hash[BC_HASH_BYTES])
{
        TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
        const ASN1_OBJECT *algorithm;
        ASN1_OCTET_STRING *hash = imprint ? TS_MSG_IMPRINT_get_msg(imprint) : NULL;

        if (!hash || ASN1_STRING_length(hash) != BC_HASH_BYTES)
                return false;
        X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
        memcpy(ret_hash, ASN1_STRING_get0_data(hash), BC_HASH_BYTES);
        return OBJ_obj2nid(algorithm) == NID_sha256;
}

// As of its own time: an authority's certificate ends long before what it stamped is asked about.
static bool is_signed(const struct bc_stamp_trust *trust, PKCS7 *token, int64_t utc_s)
{
        BC_CLEANUP(bc_cleanup_signer) X509 *signer = NULL;

        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(trust->store), (time_t)utc_s);
        return TS_RESP_verify_signature(token, NULL, trust->store, &signer) == 1;
}

static int read_stamp(const struct bc_stamp_trust *trust, const uint8_t *bytes, size_t n, struct bc_witness *ret_witness,
                      char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_token) PKCS7 *token = read_token(bytes, n);
        BC_CLEANUP(bc_cleanup_info) TS_TST_INFO *info = NULL;
        struct tm tm = { 0 };
        unsigned hashed;

        *ret_witness = (struct bc_witness){ .kind = BC_WITNESS_STAMP, .nonce_bytes = BC_HASH_BYTES };
        info = token ? PKCS7_to_TS_TST_INFO(token) : NULL;
        if (!info)
                return refuse(text, text_bytes, "it is no time stamp (RFC 3161, DER)");
        if (!take_imprint(info, ret_witness->hash))
                return refuse(text, text_bytes, "it stamps no SHA-256");
        int64_t accuracy_s = accuracy_of(info);
        if (accuracy_s < 0 || ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &tm) != 1)
                return refuse(text, text_bytes, "its time cannot be read");
        if (tm.tm_year < 70 || tm.tm_year > 300)
                return refuse(text, text_bytes, "its time is none that a clock shows");
        int64_t utc_s = bc_utc_from(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec) / BC_NS_PER_S;
        if (!is_signed(trust, token, utc_s))
                return refuse(text, text_bytes, trust->authorities == 0 ? "no authority is believed (--tsa)" :
                                                                          "it is not signed by an authority that is believed (--tsa)");
        ret_witness->utc_ns = (utc_s + accuracy_s) * BC_NS_PER_S;
        ret_witness->spread_ns = 2 * accuracy_s * BC_NS_PER_S;
        if (EVP_Digest(bytes, n, ret_witness->nonce, &hashed, EVP_sha256(), NULL) != 1)
                return -EIO;
        return 0;
}

int bc_stamp_add(const struct bc_stamp_trust *trust, const char *path, struct bc_witnesses *witnesses, char *text,
                 size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        struct bc_witness witness;
        size_t n;
        int r = bc_file_load(AT_FDCWD, path, FILE_BYTES_MAX, &bytes, &n);

        if (r == 0)
                r = read_stamp(trust, (const uint8_t *)bytes, n, &witness, text, text_bytes);
        return r < 0 ? r : bc_witnesses_add_one(witnesses, &witness);
}
