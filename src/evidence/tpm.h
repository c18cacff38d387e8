// SPDX-License-Identifier: EUPL-1.2
// A connection to the TPM (TCG, TSS 2.0 Enhanced System API), for what OpenSSL's provider tpm2 has no call for. By the same way as that:
// TPM2OPENSSL_TCTI. Thread-bound; a TPM does one thing at a time, so that a call may wait for another user's.
#ifndef BC_EVIDENCE_TPM_H
#define BC_EVIDENCE_TPM_H

#include <stddef.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

struct bc_tpm {
        TSS2_TCTI_CONTEXT *tcti;
        ESYS_CONTEXT *esys;
};

// 0; or -ENODEV, and in text that `what` finds no TPM, and where. bc_tpm_close() in both cases.
int bc_tpm_open(struct bc_tpm *tpm, const char *what, char *text, size_t text_bytes);
void bc_tpm_close(struct bc_tpm *tpm);

#endif
