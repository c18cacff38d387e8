// SPDX-License-Identifier: EUPL-1.2
// Time stamps (RFC 3161) over heads of a ledger, or whose own hash was given to the device as a nonce: witnesses whose time is
// an authority's. Thread-bound.
#ifndef BC_VERIFY_STAMP_H
#define BC_VERIFY_STAMP_H

#include "verify/witness.h"

struct bc_stamp_trust; // the authorities that are believed

// 0 or -ENOMEM.
int bc_stamp_trust_new(struct bc_stamp_trust **ret_trust);
void bc_stamp_trust_free(struct bc_stamp_trust *trust);

// Adds the certificates of a PEM file. 0; -EBADMSG with what is wrong in text.
int bc_stamp_trust_add(struct bc_stamp_trust *trust, const char *path, char *text, size_t text_bytes);

// Reads a TimeStampResp or a token alone (DER, at most 256 KiB), judges it as of its own time, and adds a witness: what bears that
// hash (SHA-256 alone) was there then, and what has the SHA-256 of this file in it was not there before. 0; -EBADMSG: it is none,
// or not of an authority that is believed, with why in text; or negative errno.
int bc_stamp_add(const struct bc_stamp_trust *trust, const char *path, struct bc_witnesses *witnesses, char *text,
                 size_t text_bytes);

#endif
