// SPDX-License-Identifier: EUPL-1.2
#include "verify/endorsement.h"

#include <fcntl.h>
#include <openssl/cms.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/original.h"
#include "verify/signature.h"
#include "verify/text.h"

#define SIGNATURE "manifest.sig"
#define SIGNATURE_BYTES_MAX (64 << 10)
#define MANIFEST "manifest.json"

BC_DEFINE_CLEANUP(cms, CMS_ContentInfo, CMS_ContentInfo_free)
BC_DEFINE_CLEANUP(hash, EVP_MD_CTX, EVP_MD_CTX_free)

static void free_certificates(STACK_OF(X509) **certificates)
{
        sk_X509_pop_free(*certificates, X509_free);
}

static void free_der(unsigned char **der)
{
        OPENSSL_free(*der);
}

const char *bc_endorsement_name(enum bc_endorsement endorsement)
{
        static const char *const names[] = { "none", "signed", "wrong", "unjudged" };

        return names[endorsement];
}

// ---- manifest.sig ----------------------------------------------------------------------------------------------

// The signer's certificate, which is for the key that signed the records, whichever certificate that is. NULL: it is not there.
static X509 *find_leaf(STACK_OF(X509) *certificates, CMS_SignerInfo *signer, const uint8_t key_sha256[BC_HASH_BYTES])
{
        for (int i = 0; certificates && i < sk_X509_num(certificates); i++) {
                X509 *certificate = sk_X509_value(certificates, i);
                uint8_t sha256[BC_HASH_BYTES];
                unsigned n;

                if (X509_pubkey_digest(certificate, EVP_sha256(), sha256, &n) == 1 &&
                    memcmp(sha256, key_sha256, BC_HASH_BYTES) == 0 && CMS_SignerInfo_cert_cmp(signer, certificate) == 0)
                        return certificate;
        }
        return NULL;
}

// The one form that is allowed: what openssl would take besides could carry anything.
static const char *judge_form(CMS_ContentInfo *cms, const uint8_t *der, size_t n)
{
        BC_CLEANUP(free_der) unsigned char *again = NULL;
        STACK_OF(CMS_SignerInfo) *signers;
        ASN1_OCTET_STRING **content;

        if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed || !(signers = CMS_get0_SignerInfos(cms)) ||
            sk_CMS_SignerInfo_num(signers) != 1)
                return "not the SignedData of one signer";
        content = CMS_get0_content(cms);
        if ((content && *content) || OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
                return "not detached";
        if (CMS_signed_get_attr_count(sk_CMS_SignerInfo_value(signers, 0)) >= 0 ||
            CMS_unsigned_get_attr_count(sk_CMS_SignerInfo_value(signers, 0)) >= 0)
                return "it has attributes";
        if (i2d_CMS_ContentInfo(cms, &again) != (int)n || memcmp(again, der, n) != 0)
                return "not DER";
        return NULL;
}

// The one of them that vouches for this certificate and has not been used before; -1: none.
static int find_issuer(STACK_OF(X509) *certificates, X509 *certificate, const bool *used)
{
        for (int i = 0; i < sk_X509_num(certificates); i++) {
                X509 *other = sk_X509_value(certificates, i);

                if (!used[i] && X509_check_issued(other, certificate) == X509_V_OK &&
                    X509_verify(certificate, X509_get0_pubkey(other)) == 1)
                        return i;
        }
        return -1;
}

// Nothing but the leaf and those that vouch for it, each for the one before. *ret_last: whom nobody of them vouches for.
static bool is_chain(STACK_OF(X509) *certificates, X509 *leaf, X509 **ret_last)
{
        bool used[BC_RECORD_CHAIN_MAX] = { false };

        if (sk_X509_num(certificates) > BC_RECORD_CHAIN_MAX)
                return false;
        used[sk_X509_find(certificates, leaf)] = true;
        for (int n = 1, at; n < sk_X509_num(certificates); n++, leaf = sk_X509_value(certificates, at)) {
                at = find_issuer(certificates, leaf, used);
                if (at < 0)
                        return false;
                used[at] = true;
        }
        *ret_last = leaf;
        return true;
}

// Made anew of the same parts, it is the same bytes: there is no room in it for anything else.
static bool is_of_its_form(STACK_OF(X509) *certificates, X509 *leaf, const EVP_MD *digest, const ASN1_OCTET_STRING *signature,
                           const uint8_t *der, size_t n)
{
        const unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | CMS_NOATTR | CMS_NOSMIMECAP;
        BC_CLEANUP(bc_cleanup_cms) CMS_ContentInfo *made = CMS_sign(NULL, NULL, NULL, NULL, flags);
        BC_CLEANUP(free_der) unsigned char *again = NULL;
        CMS_SignerInfo *signer = made ? CMS_add1_signer(made, leaf, X509_get0_pubkey(leaf), digest, flags) : NULL;

        if (!signer || ASN1_STRING_copy(CMS_SignerInfo_get0_signature(signer), signature) != 1)
                return false;
        for (int i = 0; i < sk_X509_num(certificates); i++)
                if (sk_X509_value(certificates, i) != leaf && CMS_add1_cert(made, sk_X509_value(certificates, i)) != 1)
                        return false;
        return i2d_CMS_ContentInfo(made, &again) == (int)n && memcmp(again, der, n) == 0;
}

static const char *judge_signature(CMS_ContentInfo *cms, const uint8_t key_sha256[BC_HASH_BYTES], const struct bc_trust *trust,
                                   const char *manifest, size_t bytes, const uint8_t *der, size_t n)
{
        CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
        const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer);
        BC_CLEANUP(free_certificates) STACK_OF(X509) *certificates = CMS_get1_certs(cms);
        BC_CLEANUP(bc_cleanup_hash) EVP_MD_CTX *context = EVP_MD_CTX_new();
        X509 *leaf = find_leaf(certificates, signer, key_sha256), *last;
        EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;
        enum bc_record_algorithm algorithm;
        X509_ALGOR *digest_form;
        const ASN1_OBJECT *digest_name;
        const EVP_MD *digest;

        if (!key || bc_signature_algorithm(key, &algorithm) < 0)
                return "not by the key that the records are signed with";
        digest = algorithm == BC_RECORD_ES256 ? EVP_sha256() : EVP_sha384();
        CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest_form, NULL);
        X509_ALGOR_get0(&digest_name, NULL, NULL, digest_form);
        if (OBJ_obj2nid(digest_name) != EVP_MD_get_type(digest))
                return "its hash is not the key's";
        if (!context || EVP_DigestVerifyInit(context, NULL, digest, NULL, key) != 1 ||
            EVP_DigestVerify(context, ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature),
                             (const unsigned char *)manifest, bytes) != 1)
                return "it is not one over this " MANIFEST;
        if (bc_signature_check_low(algorithm, ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature)) < 0)
                return "not in the one form of a signature (low s)";
        if (!is_chain(certificates, leaf, &last))
                return "it holds certificates that are not the issuers'";
        if (!is_of_its_form(certificates, leaf, digest, signature, der, n))
                return "not of the form that the camera gives it";
        // Keys are public: anybody can put that of the device, or of its issuer, into a certificate of whatever words.
        return trust && bc_trust_roots(trust) > 0 && !bc_trust_vouches(trust, last) ? "its certificates do not lead to a named root" : NULL;
}

static const uint8_t *key_of_records(const struct bc_recording_verdict *verdict)
{
        for (size_t i = 0; i < verdict->segments; i++)
                if (verdict->segment[i].signer.known)
                        return verdict->segment[i].signer.key_sha256;
        return NULL;
}

void bc_endorsement_judge(struct bc_recording_verdict *verdict, const uint8_t *key_sha256, const struct bc_trust *trust,
                          const char *manifest, size_t bytes)
{
        BC_CLEANUP(bc_cleanup_memory) char *der = NULL;
        BC_CLEANUP(bc_cleanup_cms) CMS_ContentInfo *cms = NULL;
        const unsigned char *at;
        const char *wrong = "it is no CMS";
        size_t n;
        int r;

        if (!verdict->folder.signature)
                return;
        verdict->endorsement = BC_ENDORSEMENT_UNJUDGED;
        if (!key_sha256)
                key_sha256 = key_of_records(verdict);
        if (!key_sha256)
                return;
        r = bc_file_load(verdict->fd, SIGNATURE, SIGNATURE_BYTES_MAX, &der, &n);
        if (r < 0)
                wrong = strerror(-r);
        at = (const unsigned char *)der;
        cms = r == 0 ? d2i_CMS_ContentInfo(NULL, &at, (long)n) : NULL;
        if (cms)
                wrong = at == (const unsigned char *)der + n ? judge_form(cms, (const uint8_t *)der, n) : "more follows it";
        if (cms && !wrong)
                wrong = judge_signature(cms, key_sha256, trust, manifest, bytes, (const uint8_t *)der, n);
        verdict->endorsement = wrong ? BC_ENDORSEMENT_WRONG : BC_ENDORSEMENT_SIGNED;
        if (wrong)
                bc_find(&verdict->findings, BC_FINDING_SIGNATURE, BC_VERDICT_TAMPERED, BC_NO_OFFSET, SIGNATURE ": %s", wrong);
}

// ---- the list of files -----------------------------------------------------------------------------------------

static void differ(struct bc_recording_verdict *verdict, const char *file, const char *what)
{
        bc_find(&verdict->findings, BC_FINDING_SUMMARY, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "%s: %s by " MANIFEST "%s", file, what,
                verdict->endorsement == BC_ENDORSEMENT_SIGNED ? ", which is signed" : "");
}

static void judge_segment(struct bc_recording_verdict *verdict, const struct bc_segment_verdict *segment, const json_t *entry)
{
        const char *hash = json_string_value(json_object_get(entry, "sha256"));
        const char *unproven = json_string_value(json_object_get(entry, "unproven"));
        char hex[2 * BC_HASH_BYTES + 1];

        if (json_integer_value(json_object_get(entry, "bytes")) != (json_int_t)segment->bytes)
                differ(verdict, segment->file, "it has another size");
        if (hash && segment->hashed && strcmp(hash, bc_text_hex(segment->sha256, BC_HASH_BYTES, hex)) != 0)
                differ(verdict, segment->file, "it has another SHA-256");
        if (unproven && strcmp(unproven, "differs") == 0)
                bc_find(&verdict->findings, BC_FINDING_SUMMARY, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "%s: the camera itself found that it is not what was signed", segment->file);
}

// A tail, of which the camera knows no hash, or a record of recovery, which is small.
static void judge_other(struct bc_recording_verdict *verdict, const char *file, const json_t *entry)
{
        const char *hash = json_string_value(json_object_get(entry, "sha256"));
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        char hex[2 * BC_HASH_BYTES + 1];
        uint8_t sha256[BC_HASH_BYTES];
        struct stat stat;
        size_t n;

        if (fstatat(verdict->fd, file, &stat, AT_SYMLINK_NOFOLLOW) < 0)
                bc_find(&verdict->findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "%s, which " MANIFEST " lists among its files, is not there", file);
        else if (json_integer_value(json_object_get(entry, "bytes")) != (json_int_t)stat.st_size)
                differ(verdict, file, "it has another size");
        else if (hash && (bc_file_load(verdict->fd, file, BC_RECORD_BYTES_MAX, &bytes, &n) < 0 || bc_sha256(bytes, n, sha256) < 0 ||
                          strcmp(hash, bc_text_hex(sha256, BC_HASH_BYTES, hex)) != 0))
                differ(verdict, file, "it has another SHA-256");
}

static void judge_entry(struct bc_recording_verdict *verdict, const json_t *entry, size_t *segments)
{
        static const char *const keys[] = { "file", "bytes", "sha256", "unproven" };
        const char *file = json_string_value(json_object_get(entry, "file"));
        size_t known = 0;

        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
                known += json_object_get(entry, keys[i]) != NULL;
        if (!file || strchr(file, '/') || !json_is_integer(json_object_get(entry, "bytes")) ||
            known != json_object_size(entry) || known < 3 ||
            json_is_string(json_object_get(entry, "sha256")) == json_is_string(json_object_get(entry, "unproven"))) {
                differ(verdict, "\"files\"", "not of its form");
                return;
        }
        const struct bc_segment_verdict *segment = bc_recording_find_segment(verdict, file);
        if (segment) {
                ++*segments;
                judge_segment(verdict, segment, entry);
                return;
        }
        judge_other(verdict, file, entry);
}

static bool is_listed(const json_t *list, const char *file)
{
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *listed = json_string_value(json_object_get(json_array_get(list, i), "file"));

                if (listed && strcmp(listed, file) == 0)
                        return true;
        }
        return false;
}

// The list is the last thing that the camera writes: what it does not name came later, be it empty.
static void judge_unlisted(struct bc_recording_verdict *verdict, const json_t *list)
{
        for (size_t i = 0; i < verdict->folder.tails; i++)
                if (!is_listed(list, verdict->folder.tail[i].name))
                        bc_find(&verdict->findings, BC_FINDING_NAME, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                                "%s is not among the files that " MANIFEST " lists: it was put there later", verdict->folder.tail[i].name);
}

void bc_endorsement_judge_files(struct bc_recording_verdict *verdict, const json_t *root)
{
        const json_t *list = json_object_get(root, "files");
        const char *before = "";
        size_t segments = 0;

        if (!list) {
                if (verdict->endorsement == BC_ENDORSEMENT_SIGNED)
                        differ(verdict, "\"files\"", "missing");
                return;
        }
        if (!json_is_array(list)) {
                differ(verdict, "\"files\"", "not of its form");
                return;
        }
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *file = json_string_value(json_object_get(json_array_get(list, i), "file"));

                if (file && strcmp(before, file) >= 0)
                        differ(verdict, file, "not in its place, or listed twice");
                before = file ? file : before;
                judge_entry(verdict, json_array_get(list, i), &segments);
        }
        if (segments != verdict->segments)
                differ(verdict, "a segment", "not one of its files");
        judge_unlisted(verdict, list);
        if (json_is_true(json_object_get(root, "read_back")))
                bc_find(&verdict->findings, BC_FINDING_SUMMARY, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        MANIFEST " was made final at a later start: but for its list of files it is as it lay there then");
}
