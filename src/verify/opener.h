// SPDX-License-Identifier: EUPL-1.2
// The agency's private key, which opens the envelopes of sealed files.
//
// Immutable once loaded, but for what OpenSSL caches in a key, which a lock is over: any thread.
#ifndef BC_VERIFY_OPENER_H
#define BC_VERIFY_OPENER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "format/sealed.h"

#define BC_OPENER_FAULT_BYTES 384
#define BC_OPENER_FILE_BYTES_MAX 65536

struct bc_opener;

struct bc_opener_source {
        const char *key_path;         // PEM
        const char *pass_path;        // its first line is the password of an encrypted key; NULL: it is not encrypted
        const char *certificate_path; // PEM; whom to be among the recipients. NULL: whoever the key opens for
};

// 0; -ENOMEM; else *ret_fault says which file is wrong, and how: -EINVAL.
int bc_opener_load(const struct bc_opener_source *source, struct bc_opener **ret_opener, char ret_fault[BC_OPENER_FAULT_BYTES]);
void bc_opener_free(struct bc_opener *opener);
BC_DEFINE_CLEANUP(opener, struct bc_opener, bc_opener_free)

struct bc_opened {
        uint8_t file_key[BC_SEALED_KEY_BYTES]; // to be wiped by whoever gets it
        size_t recipients, recipient;          // how many there are; which one it was opened as, from 1
};

// Opens an envelope whose bytes are hostile. 0; -EBADMSG, -ENOTSUP: what bc_envelope_parse() says; -ENOKEY: no
// recipient is this key's (or this certificate's); -EKEYREJECTED: one is, and what is wrapped for it is damaged or
// altered; -ENOMEM. ret_opened->recipients is set unless -EBADMSG, -ENOTSUP.
int bc_opener_open(const struct bc_opener *opener, const uint8_t *envelope, size_t n, struct bc_opened *ret_opened);

#endif
