// SPDX-License-Identifier: EUPL-1.2
// OpenSSL's provider makes keys as files that the TPM wraps, and cannot make one persistent: so this speaks to the TPM itself.
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "evidence/refusal.h"
#include "evidence/tpm.h"
#include "provision.h"

struct tpm {
        struct bc_tpm connection;
        ESYS_TR parent, key;
        TPM2B_PRIVATE *private;
        TPM2B_PUBLIC *public;
};

static void tpm_done(struct tpm *tpm)
{
        if (tpm->key != ESYS_TR_NONE)
                (void)Esys_FlushContext(tpm->connection.esys, tpm->key);
        if (tpm->parent != ESYS_TR_NONE)
                (void)Esys_FlushContext(tpm->connection.esys, tpm->parent);
        Esys_Free(tpm->private);
        Esys_Free(tpm->public);
        bc_tpm_close(&tpm->connection);
}

// Persistent handles are listed from one on.
static TSS2_RC is_taken(struct tpm *tpm, uint32_t handle, bool *ret_taken)
{
        TPMS_CAPABILITY_DATA *data = NULL;
        TPMI_YES_NO more;
        TSS2_RC rc = Esys_GetCapability(tpm->connection.esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, handle, 1, &more, &data);

        if (rc == TSS2_RC_SUCCESS)
                *ret_taken = data->data.handles.count > 0 && data->data.handles.handle[0] == handle;
        Esys_Free(data);
        return rc;
}

// The key that the device's one hangs below: made from the owner's seed, the same each time, so that it need not be kept. Template of the
// TCG's Provisioning Guidance, 7.5.1, for ECC.
static TSS2_RC make_parent(struct tpm *tpm)
{
        static const TPM2B_PUBLIC template = {
                .publicArea = {
                        .type = TPM2_ALG_ECC,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
                        .parameters.eccDetail = {
                                .symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB },
                                .scheme.scheme = TPM2_ALG_NULL,
                                .curveID = TPM2_ECC_NIST_P256,
                                .kdf.scheme = TPM2_ALG_NULL,
                        },
                },
        };
        static const TPM2B_SENSITIVE_CREATE no_secret;
        static const TPM2B_DATA nothing;
        static const TPML_PCR_SELECTION no_pcr;

        return Esys_CreatePrimary(tpm->connection.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, &template,
                                  &nothing, &no_pcr, &tpm->parent, NULL, NULL, NULL, NULL);
}

// Signs what it is given, never leaves the TPM, and its number comes from the TPM's own generator. No dictionary lockout: a camera
// that was switched off hard many times must not find its key locked.
static TSS2_RC make_key(struct tpm *tpm, enum bc_record_algorithm algorithm)
{
        const TPM2B_PUBLIC template = {
                .publicArea = {
                        .type = TPM2_ALG_ECC,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT,
                        .parameters.eccDetail = {
                                .symmetric.algorithm = TPM2_ALG_NULL,
                                .scheme.scheme = TPM2_ALG_NULL,
                                .curveID = algorithm == BC_RECORD_ES384 ? TPM2_ECC_NIST_P384 : TPM2_ECC_NIST_P256,
                                .kdf.scheme = TPM2_ALG_NULL,
                        },
                },
        };
        static const TPM2B_SENSITIVE_CREATE no_secret;
        static const TPM2B_DATA nothing;
        static const TPML_PCR_SELECTION no_pcr;
        TPM2B_CREATION_DATA *data = NULL;
        TPM2B_DIGEST *hash = NULL;
        TPMT_TK_CREATION *ticket = NULL;
        TSS2_RC rc = Esys_Create(tpm->connection.esys, tpm->parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, &template, &nothing,
                                 &no_pcr, &tpm->private, &tpm->public, &data, &hash, &ticket);

        Esys_Free(data);
        Esys_Free(hash);
        Esys_Free(ticket);
        if (rc != TSS2_RC_SUCCESS)
                return rc;
        return Esys_Load(tpm->connection.esys, tpm->parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, tpm->private, tpm->public, &tpm->key);
}

static TSS2_RC keep(struct tpm *tpm, uint32_t handle)
{
        ESYS_TR kept = ESYS_TR_NONE;
        TSS2_RC rc = Esys_EvictControl(tpm->connection.esys, ESYS_TR_RH_OWNER, tpm->key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, handle,
                                       &kept);

        if (kept != ESYS_TR_NONE)
                (void)Esys_TR_Close(tpm->connection.esys, &kept);
        return rc;
}

int bc_make_in_tpm(uint32_t handle, enum bc_record_algorithm algorithm, char *text, size_t text_bytes)
{
        BC_CLEANUP(tpm_done) struct tpm tpm = { .parent = ESYS_TR_NONE, .key = ESYS_TR_NONE };
        char what[32];
        bool taken = false;
        TSS2_RC rc;
        int r;

        snprintf(what, sizeof(what), "key handle:0x%x", handle);
        r = bc_tpm_open(&tpm.connection, what, text, text_bytes);
        if (r < 0)
                return r;
        rc = is_taken(&tpm, handle, &taken);
        if (rc == TSS2_RC_SUCCESS && taken)
                return bc_refusal(text, text_bytes, EEXIST, "%s: there is something already, which is not replaced", what);
        if (rc == TSS2_RC_SUCCESS)
                rc = make_parent(&tpm);
        if (rc == TSS2_RC_SUCCESS)
                rc = make_key(&tpm, algorithm);
        if (rc == TSS2_RC_SUCCESS)
                rc = keep(&tpm, handle);
        if (rc != TSS2_RC_SUCCESS)
                return bc_refusal(text, text_bytes, EIO, "%s: the TPM refuses: %s", what, Tss2_RC_Decode(rc));
        return 0;
}
