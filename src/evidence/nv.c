// SPDX-License-Identifier: EUPL-1.2
#include "evidence/nv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "evidence/refusal.h"
#include "evidence/tpm.h"

#define ATTRIBUTES (TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA)
#define NAME_BYTES 32

struct nv {
        struct bc_tpm tpm;
        ESYS_TR index;
        char name[NAME_BYTES];
};

static void nv_done(struct nv *nv)
{
        if (nv->index != ESYS_TR_NONE)
                (void)Esys_TR_Close(nv->tpm.esys, &nv->index);
        bc_tpm_close(&nv->tpm);
}

static int nv_open(struct nv *nv, uint32_t index, char *text, size_t text_bytes)
{
        nv->index = ESYS_TR_NONE;
        snprintf(nv->name, sizeof(nv->name), "anchor tpm2:0x%08" PRIx32, index);
        return bc_tpm_open(&nv->tpm, nv->name, text, text_bytes);
}

static int refused(const struct nv *nv, TSS2_RC rc, char *text, size_t text_bytes)
{
        return bc_refusal(text, text_bytes, EIO, "%s: the TPM refuses: %s", nv->name, Tss2_RC_Decode(rc));
}

// TPM_RC_HANDLE of whichever handle (TPM 2.0 Library, Part 2, 6.6: a format-one code).
static bool is_unknown(TSS2_RC rc)
{
        return (rc & ~(TSS2_RC)TPM2_RC_N_MASK) == TPM2_RC_HANDLE;
}

// Whether it was written is judged by what is in it.
static int check(const struct nv *nv, const TPMS_NV_PUBLIC *public, size_t n, char *text, size_t text_bytes)
{
        TPMA_NV attributes = public->attributes & ~TPMA_NV_WRITTEN;

        if (public->dataSize == n && attributes == ATTRIBUTES)
                return 0;
        return bc_refusal(text, text_bytes, EINVAL,
                          "%s: the index has %u bytes and attributes 0x%08" PRIx32 ", not %zu and 0x%08" PRIx32
                          " as bodycam-provision(1) defines it",
                          nv->name, public->dataSize, (uint32_t)attributes, n, (uint32_t)ATTRIBUTES);
}

static int find(struct nv *nv, uint32_t index, size_t n, char *text, size_t text_bytes)
{
        TPM2B_NV_PUBLIC *public = NULL;
        TSS2_RC rc = Esys_TR_FromTPMPublic(nv->tpm.esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv->index);
        int r;

        if (is_unknown(rc))
                return bc_refusal(text, text_bytes, ENOENT, "%s: the TPM has no such index: bodycam-provision(1) anchor defines it", nv->name);
        if (rc == TSS2_RC_SUCCESS)
                rc = Esys_NV_ReadPublic(nv->tpm.esys, nv->index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL);
        if (rc != TSS2_RC_SUCCESS)
                return refused(nv, rc, text, text_bytes);
        r = check(nv, &public->nvPublic, n, text, text_bytes);
        Esys_Free(public);
        return r;
}

static TSS2_RC write_part(struct nv *nv, size_t at, const uint8_t *bytes, size_t n)
{
        TPM2B_MAX_NV_BUFFER buffer = { .size = (uint16_t)n };

        memcpy(buffer.buffer, bytes, n);
        return Esys_NV_Write(nv->tpm.esys, nv->index, nv->index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &buffer, (uint16_t)at);
}

int bc_nv_define(uint32_t index, const uint8_t *bytes, size_t n, char *text, size_t text_bytes)
{
        static const TPM2B_AUTH no_password;
        const TPM2B_NV_PUBLIC public = {
                .nvPublic = { .nvIndex = index, .nameAlg = TPM2_ALG_SHA256, .attributes = ATTRIBUTES, .dataSize = (uint16_t)n },
        };
        BC_CLEANUP(nv_done) struct nv nv;
        TSS2_RC rc;
        int r = nv_open(&nv, index, text, text_bytes);

        if (r < 0)
                return r;
        rc = Esys_NV_DefineSpace(nv.tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_password, &public,
                                 &nv.index);
        if (rc == TPM2_RC_NV_DEFINED)
                return bc_refusal(text, text_bytes, EEXIST, "%s: there is something already, which is not replaced", nv.name);
        if (rc == TSS2_RC_SUCCESS)
                rc = write_part(&nv, 0, bytes, n);
        return rc == TSS2_RC_SUCCESS ? 0 : refused(&nv, rc, text, text_bytes);
}

int bc_nv_read(uint32_t index, uint8_t *ret_bytes, size_t n, char *text, size_t text_bytes)
{
        BC_CLEANUP(nv_done) struct nv nv;
        TPM2B_MAX_NV_BUFFER *got = NULL;
        TSS2_RC rc;
        int r = nv_open(&nv, index, text, text_bytes);

        if (r == 0)
                r = find(&nv, index, n, text, text_bytes);
        if (r < 0)
                return r;
        rc = Esys_NV_Read(nv.tpm.esys, nv.index, nv.index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, (uint16_t)n, 0, &got);
        // Defined by somebody who did not write it: nothing in it is whole.
        if (rc == TPM2_RC_NV_UNINITIALIZED)
                memset(ret_bytes, 0, n);
        else if (rc == TSS2_RC_SUCCESS && got->size == n)
                memcpy(ret_bytes, got->buffer, n);
        else
                r = refused(&nv, rc, text, text_bytes);
        Esys_Free(got);
        return r;
}

int bc_nv_write(uint32_t index, size_t whole, size_t at, const uint8_t *bytes, size_t n, char *text, size_t text_bytes)
{
        BC_CLEANUP(nv_done) struct nv nv;
        TSS2_RC rc;
        int r = nv_open(&nv, index, text, text_bytes);

        if (r == 0)
                r = find(&nv, index, whole, text, text_bytes);
        if (r < 0)
                return r;
        rc = write_part(&nv, at, bytes, n);
        return rc == TSS2_RC_SUCCESS ? 0 : refused(&nv, rc, text, text_bytes);
}
