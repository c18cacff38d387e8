// SPDX-License-Identifier: EUPL-1.2
#include "verify/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utc.h"
#include "verify/original.h"
#include "verify/signature.h"

#define ARC "2.25.141109206085313761295305289576533557891."
#define DEPTH_MAX 5
#define SECURITY_LEVEL 2 // 112 bits (SSL_CTX_set_security_level(3)): RSA of 2048 bits, no SHA-1

struct bc_trust {
        X509_STORE *store;
        STACK_OF(X509_CRL) *lists;
        size_t roots;
};

BC_DEFINE_CLEANUP(context, X509_STORE_CTX, X509_STORE_CTX_free)
BC_DEFINE_CLEANUP(x509, X509, X509_free)
BC_DEFINE_CLEANUP(bio, BIO, BIO_free_all)

static void free_infos(STACK_OF(X509_INFO) **infos)
{
        sk_X509_INFO_pop_free(*infos, X509_INFO_free);
}

int bc_trust_new(struct bc_trust **ret_trust)
{
        struct bc_trust *trust = calloc(1, sizeof(*trust));

        if (!trust)
                return -ENOMEM;
        trust->store = X509_STORE_new(); // empty: the system's anchors are not asked
        trust->lists = sk_X509_CRL_new_null();
        if (!trust->store || !trust->lists) {
                bc_trust_free(trust);
                return -ENOMEM;
        }
        *ret_trust = trust;
        return 0;
}

void bc_trust_free(struct bc_trust *trust)
{
        if (!trust)
                return;
        X509_STORE_free(trust->store);
        sk_X509_CRL_pop_free(trust->lists, X509_CRL_free);
        free(trust);
}

size_t bc_trust_roots(const struct bc_trust *trust)
{
        return trust->roots;
}

static int load(const char *path, STACK_OF(X509_INFO) **ret_infos, char *text, size_t text_bytes)
{
        errno = 0;
        BC_CLEANUP(bc_cleanup_bio) BIO *bio = BIO_new_file(path, "r");
        if (!bio) {
                int r = errno > 0 ? -errno : -EIO;
                snprintf(text, text_bytes, "cannot be opened: %s", strerror(-r));
                ERR_clear_error();
                return r;
        }
        *ret_infos = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
        ERR_clear_error();
        if (!*ret_infos || sk_X509_INFO_num(*ret_infos) == 0) {
                snprintf(text, text_bytes, "is no PEM file of certificates or revocation lists");
                return -EBADMSG;
        }
        return 0;
}

int bc_trust_add_roots(struct bc_trust *trust, const char *path, char *text, size_t text_bytes)
{
        BC_CLEANUP(free_infos) STACK_OF(X509_INFO) *infos = NULL;
        int r = load(path, &infos, text, text_bytes);

        for (int i = 0; r == 0 && i < sk_X509_INFO_num(infos); i++) {
                const X509_INFO *info = sk_X509_INFO_value(infos, i);
                if (!info->x509 || info->crl) {
                        snprintf(text, text_bytes, "holds something else than certificates");
                        r = -EBADMSG;
                } else if (X509_self_signed(info->x509, 1) != 1) {
                        // Whoever trusts less than the root has nobody to ask whether that was revoked.
                        snprintf(text, text_bytes, "holds a certificate that is no root: it does not sign itself");
                        r = -EBADMSG;
                } else if (X509_STORE_add_cert(trust->store, info->x509) != 1) {
                        r = -ENOMEM;
                } else {
                        trust->roots++;
                }
        }
        ERR_clear_error();
        return r;
}

bool bc_trust_vouches(const struct bc_trust *trust, X509 *certificate)
{
        STACK_OF(X509) *roots = X509_STORE_get1_all_certs(trust->store);
        bool vouches = false;

        for (int i = 0; i < sk_X509_num(roots) && !vouches; i++) {
                X509 *root = sk_X509_value(roots, i);
                vouches = X509_check_issued(root, certificate) == X509_V_OK && X509_verify(certificate, X509_get0_pubkey(root)) == 1;
        }
        sk_X509_pop_free(roots, X509_free);
        ERR_clear_error();
        return vouches;
}

int bc_trust_add_revocations(struct bc_trust *trust, const char *path, char *text, size_t text_bytes)
{
        BC_CLEANUP(free_infos) STACK_OF(X509_INFO) *infos = NULL;
        int r = load(path, &infos, text, text_bytes);

        for (int i = 0; r == 0 && i < sk_X509_INFO_num(infos); i++) {
                const X509_INFO *info = sk_X509_INFO_value(infos, i);
                if (!info->crl || info->x509) {
                        snprintf(text, text_bytes, "holds something else than revocation lists");
                        r = -EBADMSG;
                } else if (X509_CRL_up_ref(info->crl) != 1 || sk_X509_CRL_push(trust->lists, info->crl) <= 0) {
                        r = -ENOMEM;
                }
        }
        return r;
}

void bc_certificate_name(const X509_NAME *name, char ret_text[BC_CERTIFICATE_NAME_BYTES])
{
        BC_CLEANUP(bc_cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());

        ret_text[0] = '\0';
        if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
                return;
        int n = BIO_read(bio, ret_text, BC_CERTIFICATE_NAME_BYTES - 1);
        ret_text[n > 0 ? n : 0] = '\0';
}

int bc_certificate_time(const ASN1_TIME *time, int64_t *ret_utc_ns)
{
        struct tm tm;

        // What bc_utc_from() and 64 bits of nanoseconds hold.
        if (ASN1_TIME_to_tm(time, &tm) != 1 || tm.tm_year < 70 || tm.tm_year > 361)
                return -ERANGE;
        *ret_utc_ns = bc_utc_from(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        return 0;
}

void bc_certificate_init(struct bc_certificate *certificate)
{
        *certificate = (struct bc_certificate){ 0 };
}

void bc_certificate_done(struct bc_certificate *certificate)
{
        EVP_PKEY_free(certificate->key);
        X509_free(certificate->leaf);
        sk_X509_pop_free(certificate->issuers, X509_free);
        bc_certificate_init(certificate);
}

// Exactly one certificate, nothing behind it.
static X509 *parse(const struct bc_record_bytes *der)
{
        const unsigned char *at = der->bytes;
        BC_CLEANUP(bc_cleanup_x509) X509 *x509 = d2i_X509(NULL, &at, (long)der->n);

        ERR_clear_error();
        return x509 && at == der->bytes + der->n ? BC_TAKE(x509) : NULL;
}

// An extension that stands twice (RFC 5280, 4.2 forbids it) is not found by those who look for it: a test certificate would
// not look like one.
static bool repeats_extension(const X509 *x509)
{
        int n = X509_get_ext_count(x509);

        for (int i = 0; i < n; i++)
                if (X509_get_ext_by_OBJ(x509, X509_EXTENSION_get_object(X509_get_ext(x509, i)), i) >= 0)
                        return true;
        return false;
}

// The policies of our arc in one certificate. false: they cannot be read.
static bool read_policies(X509 *x509, bool leaf, struct bc_signer *signer)
{
        CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x509, NID_certificate_policies, NULL, NULL);

        if (repeats_extension(x509) || (!policies && X509_get_ext_by_NID(x509, NID_certificate_policies, -1) >= 0)) {
                sk_POLICYINFO_pop_free(policies, POLICYINFO_free);
                return false;
        }
        for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
                char oid[128];
                if (OBJ_obj2txt(oid, sizeof(oid), sk_POLICYINFO_value(policies, i)->policyid, 1) <= 0)
                        continue;
                if (strcmp(oid, ARC "1") == 0)
                        signer->test = true; // of a CA: of all that it issues
                if (leaf && strcmp(oid, ARC "2") == 0)
                        signer->protection = BC_PROTECTION_FILE;
                if (leaf && strcmp(oid, ARC "3") == 0)
                        signer->protection = BC_PROTECTION_TPM;
                if (leaf && strcmp(oid, ARC "4") == 0)
                        signer->protection = BC_PROTECTION_HARDWARE;
        }
        sk_POLICYINFO_pop_free(policies, POLICYINFO_free);
        return true;
}

static void describe(struct bc_certificate *certificate)
{
        struct bc_signer *signer = &certificate->signer;
        const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate->leaf);

        signer->known = true;
        bc_certificate_name(X509_get_subject_name(certificate->leaf), signer->subject);
        bc_certificate_name(X509_get_issuer_name(certificate->leaf), signer->issuer);
        for (int i = 0; i < ASN1_STRING_length(serial) && 2 * i + 2 < BC_CERTIFICATE_SERIAL_BYTES; i++)
                snprintf(signer->serial + 2 * i, 3, "%02x", (unsigned)ASN1_STRING_get0_data(serial)[i]);
        if (bc_certificate_time(X509_get0_notBefore(certificate->leaf), &signer->from_ns) < 0)
                signer->from_ns = BC_RECORD_UNKNOWN;
        if (bc_certificate_time(X509_get0_notAfter(certificate->leaf), &signer->until_ns) < 0)
                signer->until_ns = BC_RECORD_UNKNOWN;
}

static bool names_device(const X509 *leaf, const char *device)
{
        const X509_NAME *name = X509_get_subject_name(leaf);
        int at = X509_NAME_get_index_by_NID(name, NID_serialNumber, -1);

        if (at < 0 || X509_NAME_get_index_by_NID(name, NID_serialNumber, at) >= 0)
                return false;
        const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
        return (size_t)ASN1_STRING_length(text) == strlen(device) &&
               memcmp(ASN1_STRING_get0_data(text), device, strlen(device)) == 0;
}

static const char *find_fault(X509 *leaf)
{
        int critical;
        ASN1_BIT_STRING *usage = X509_get_ext_d2i(leaf, NID_key_usage, &critical, NULL);
        bool signs = usage && critical == 1 && ASN1_BIT_STRING_get_bit(usage, 0) == 1;

        ASN1_BIT_STRING_free(usage);
        BASIC_CONSTRAINTS *constraints = X509_get_ext_d2i(leaf, NID_basic_constraints, NULL, NULL);
        bool no_ca = constraints && !constraints->ca;
        BASIC_CONSTRAINTS_free(constraints);
        if (X509_get_version(leaf) != X509_VERSION_3)
                return "is not of version 3";
        if (!signs)
                return "is not for signing (keyUsage)";
        return no_ca ? NULL : "does not say that it is no CA (basicConstraints)";
}

int bc_certificate_open(struct bc_certificate *certificate, const struct bc_record *record, uint64_t offset,
                        struct bc_findings *findings)
{
        struct bc_signer *signer = &certificate->signer;

        certificate->issuers = sk_X509_new_null();
        if (!certificate->issuers || bc_sha256(record->chain[0].bytes, record->chain[0].n, signer->sha256) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < record->chain_count; i++) {
                X509 *x509 = parse(&record->chain[i]);
                if (!x509) {
                        bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, offset, "certificate %zu is none", i + 1);
                        return -EBADMSG;
                }
                if (i == 0) {
                        certificate->leaf = x509;
                } else if (sk_X509_push(certificate->issuers, x509) <= 0) {
                        X509_free(x509);
                        return -ENOMEM;
                }
        }
        if (X509_pubkey_digest(certificate->leaf, EVP_sha256(), signer->key_sha256, NULL) != 1)
                return -ENOMEM;
        describe(certificate);
        if (!read_policies(certificate->leaf, true, signer))
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, offset,
                        "the device's certificate has an extension twice, or policies that cannot be read");
        if (memcmp(signer->sha256, record->x5t, BC_HASH_BYTES) != 0)
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, offset,
                        "the record names another certificate (x5t) than the one it brings");
        if (!names_device(certificate->leaf, record->device))
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, offset,
                        "the certificate is of another device than \"%s\"", record->device);
        const char *fault = find_fault(certificate->leaf);
        if (fault)
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, offset, "the device's certificate %s", fault);
        certificate->key = X509_get_pubkey(certificate->leaf);
        ERR_clear_error();
        if (!certificate->key || bc_signature_algorithm(certificate->key, &signer->algorithm) < 0) {
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, offset,
                        "the device's key is neither P-256 nor P-384");
                EVP_PKEY_free(certificate->key);
                certificate->key = NULL;
                return -EBADMSG;
        }
        return 0;
}

// ECDSA or RSA over SHA-256 or better, in all certificates below the anchor.
static bool signed_well(const X509 *x509)
{
        int hash, key;

        if (X509_get_signature_info((X509 *)x509, &hash, &key, NULL, NULL) != 1)
                return false;
        bool good_hash = hash == NID_sha256 || hash == NID_sha384 || hash == NID_sha512;
        return good_hash && (key == EVP_PKEY_EC || key == EVP_PKEY_RSA || key == EVP_PKEY_RSA_PSS);
}

static void find_unverified(X509_STORE_CTX *context, bool now, struct bc_findings *findings)
{
        int error = X509_STORE_CTX_get_error(context);
        const X509 *x509 = X509_STORE_CTX_get_current_cert(context);
        char name[BC_CERTIFICATE_NAME_BYTES] = "?";
        bool validity = error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;

        if (x509)
                bc_certificate_name(X509_get_subject_name(x509), name);
        if (validity && now)
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "when it was recorded is not known, and %s is not valid now", name);
        else
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "no chain to a named root: %s (%s)",
                        X509_verify_cert_error_string(error), name);
}

// revocation: at the last instant alone, which holds for the ones before it.
static void judge_at(struct bc_certificate *certificate, const struct bc_trust *trust, int64_t utc_ns, enum bc_instant from, bool revocation,
                     struct bc_findings *findings)
{
        BC_CLEANUP(bc_cleanup_context) X509_STORE_CTX *context = X509_STORE_CTX_new();

        if (!context || X509_STORE_CTX_init(context, trust->store, certificate->leaf, certificate->issuers) != 1) {
                bc_find(findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET, "no memory for the certificates");
                return;
        }
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_USE_CHECK_TIME);
        X509_VERIFY_PARAM_set_time(param, (time_t)(utc_ns / BC_NS_PER_S));
        X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
        X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
        int verified = X509_verify_cert(context);
        ERR_clear_error();
        certificate->signer.judged_ns = utc_ns;
        certificate->signer.judged_now = from == BC_INSTANT_NOW;
        if (verified != 1) {
                certificate->signer.trusted = false;
                find_unverified(context, from == BC_INSTANT_NOW, findings);
                return;
        }
        const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
        int length = sk_X509_num(chain);
        const char *fault = length < 2 ? "vouches for itself" : NULL;
        for (int i = 0; i < length && !fault; i++) {
                X509 *x509 = sk_X509_value(chain, i);
                if (!read_policies(x509, false, &certificate->signer))
                        fault = "has a chain in which an extension stands twice, or policies cannot be read";
                else if (i + 1 < length && !signed_well(x509))
                        fault = "has a chain with a weak signature";
        }
        if (fault) {
                certificate->signer.trusted = false;
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "the device's certificate %s",
                        fault);
                return;
        }
        bc_certificate_name(X509_get_subject_name(sk_X509_value(chain, length - 1)), certificate->signer.root);
        if (revocation)
                bc_revocation_judge(trust->lists, chain, utc_ns, from, findings);
}

void bc_certificate_trust(struct bc_certificate *certificate, const struct bc_trust *trust, const int64_t *utc_ns,
                          size_t instants, enum bc_instant from, struct bc_findings *findings)
{
        if (trust->roots == 0) {
                bc_find(findings, BC_FINDING_NO_ROOT, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "no trust anchor was named (--trust): whose signature it is cannot be said");
                return;
        }
        certificate->signer.trusted = true;
        for (size_t i = 0; i < instants && certificate->signer.trusted; i++)
                judge_at(certificate, trust, utc_ns[i], from, i + 1 == instants, findings);
}

const char *bc_protection_name(enum bc_protection protection)
{
        static const char *const names[] = { "not said", "in a file", "in a TPM 2.0",
                                             "in a hardware security module or secure element" };

        return names[protection];
}
