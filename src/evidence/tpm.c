// SPDX-License-Identifier: EUPL-1.2
#include "evidence/tpm.h"

#include <errno.h>
#include <stdlib.h>

#include "evidence/refusal.h"

// The kernel's resource manager. Without a name libtss2 would also try a simulator's TCP port, which anybody can open.
#define TCTI "device:/dev/tpmrm0"

int bc_tpm_open(struct bc_tpm *tpm, const char *what, char *text, size_t text_bytes)
{
        const char *named = getenv("TPM2OPENSSL_TCTI");
        TSS2_RC rc;

        *tpm = (struct bc_tpm){ .esys = NULL };
        rc = Tss2_TctiLdr_Initialize(named ? named : TCTI, &tpm->tcti);
        if (rc == TSS2_RC_SUCCESS)
                rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
        if (rc == TSS2_RC_SUCCESS)
                return 0;
        return bc_refusal(text, text_bytes, ENODEV, "%s: no TPM answers at %s (TPM2OPENSSL_TCTI): %s", what, named ? named : TCTI,
                          Tss2_RC_Decode(rc));
}

void bc_tpm_close(struct bc_tpm *tpm)
{
        Esys_Finalize(&tpm->esys);
        Tss2_TctiLdr_Finalize(&tpm->tcti);
}
