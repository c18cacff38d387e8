// SPDX-License-Identifier: EUPL-1.2
// An index in the non-volatile memory of a TPM 2.0 that holds an anchor. Each call opens the TPM and closes it again: calls are rare, and
// one that was gone meanwhile is there again. Any thread; a call takes as long as the TPM does.
//
// The index is an ordinary one, whole or in parts readable and writable by whoever may open the TPM, like the device's key: an empty
// password, and no lockout, for a camera that was switched off hard many times must not find it locked. Not an orderly one: of that a power
// cut loses what was written. It belongs to the owner, whose password, set afterwards, keeps others from removing it.
#ifndef BC_EVIDENCE_NV_H
#define BC_EVIDENCE_NV_H

#include <stddef.h>
#include <stdint.h>

#define BC_NV_BYTES_MAX 512 // of one index: it is read and written in one command

// Makes the index, n bytes, and fills it. Needs the owner's authorization to be empty. 0; -EEXIST: there is one already, which stays; or
// another negative errno. Why is in text, which names the index, here and below.
int bc_nv_define(uint32_t index, const uint8_t *bytes, size_t n, char *text, size_t text_bytes);

// All n bytes of it. 0; -ENODEV: there is no TPM; -ENOENT: there is no such index; -EINVAL: it is not as bc_nv_define() makes it; -EIO.
int bc_nv_read(uint32_t index, uint8_t *ret_bytes, size_t n, char *text, size_t text_bytes);

// Part of it: n bytes from `at`; `whole` is its size. Durable when it returns 0; a power cut may tear it. Errors as above.
int bc_nv_write(uint32_t index, size_t whole, size_t at, const uint8_t *bytes, size_t n, char *text, size_t text_bytes);

#endif
