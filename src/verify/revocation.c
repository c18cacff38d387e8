// SPDX-License-Identifier: EUPL-1.2
// Revocation lists against the time of recording. OpenSSL's own check takes "on the list" for "revoked at any time" and
// refuses a list that was issued after the instant asked about, which is every list for every recording: so the dates are
// judged here.
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "verify/certificate.h"

// Why it was revoked; CRL_REASON_UNSPECIFIED when it is not said.
static long reason_of(const X509_REVOKED *entry)
{
        ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        long value = reason ? ASN1_ENUMERATED_get(reason) : CRL_REASON_UNSPECIFIED;

        ASN1_ENUMERATED_free(reason);
        return value;
}

static void judge_entry(const X509 *x509, const X509_REVOKED *entry, int64_t utc_ns, enum bc_instant from, struct bc_findings *findings)
{
        char name[BC_CERTIFICATE_NAME_BYTES];
        int64_t revoked_ns;
        long reason = reason_of(entry);

        bc_certificate_name(X509_get_subject_name(x509), name);
        if (bc_certificate_time(X509_REVOKED_get0_revocationDate(entry), &revoked_ns) < 0)
                revoked_ns = 0;
        if (reason == CRL_REASON_REMOVE_FROM_CRL)
                return;
        if (revoked_ns <= utc_ns && from != BC_INSTANT_NOW) {
                bc_find(findings, BC_FINDING_REVOKED, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "%s was revoked before this %s", name,
                        from == BC_INSTANT_CLAIMED ? "was recorded" : "was witnessed: it may have been made after that");
        } else if (from == BC_INSTANT_NOW) {
                bc_find(findings, BC_FINDING_REVOKED, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "when it was recorded is not known, and %s is revoked by now", name);
        } else if (from == BC_INSTANT_CLAIMED && (reason == CRL_REASON_UNSPECIFIED || reason == CRL_REASON_KEY_COMPROMISE ||
                                                  reason == CRL_REASON_CA_COMPROMISE)) {
                // Whoever has the key can write any time into a record.
                bc_find(findings, BC_FINDING_REVOKED, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "%s was revoked later, perhaps because its key was lost: that this is older is the record's word alone",
                        name);
        } else {
                bc_find(findings, BC_FINDING_REVOKED, BC_VERDICT_NOTE, BC_NO_OFFSET, "%s was revoked after this was %s", name,
                        from == BC_INSTANT_CLAIMED ? "recorded" : "witnessed");
        }
}

// One certificate by one list of its issuer.
static void judge_list(X509 *x509, X509_CRL *list, X509 *issuer, int64_t utc_ns, enum bc_instant from, struct bc_findings *findings)
{
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        X509_REVOKED *entry = NULL;
        int64_t issued_ns;

        if (!key || X509_CRL_verify(list, key) != 1 || X509_CRL_get_ext_by_critical(list, 1, -1) >= 0) {
                ERR_clear_error();
                bc_find(findings, BC_FINDING_REVOKED, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "a revocation list has its issuer's name, but not its signature, or is of a kind not known here");
                return;
        }
        if (X509_CRL_get0_by_cert(list, &entry, x509) != 0 && entry)
                judge_entry(x509, entry, utc_ns, from, findings);
        if (bc_certificate_time(X509_CRL_get0_lastUpdate(list), &issued_ns) == 0 && issued_ns < utc_ns)
                bc_find(findings, BC_FINDING_REVOKED, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "a revocation list is older than the recording: what was revoked between is not in it");
}

void bc_revocation_judge(const STACK_OF(X509_CRL) *lists, const STACK_OF(X509) *chain, int64_t utc_ns,
                         enum bc_instant from, struct bc_findings *findings)
{
        for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
                X509 *x509 = sk_X509_value(chain, i), *issuer = sk_X509_value(chain, i + 1);
                for (int k = 0; k < sk_X509_CRL_num(lists); k++) {
                        X509_CRL *list = sk_X509_CRL_value(lists, k);
                        if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) == 0)
                                judge_list(x509, list, issuer, utc_ns, from, findings);
                }
        }
}
