// SPDX-License-Identifier: EUPL-1.2
// Where the device's key is: one URI.
//
//     /path/key.pem, file:/path/key.pem    a file: PEM or DER, not encrypted, mode 0600
//     handle:0x81000001                    a persistent object of the TPM 2.0
//     pkcs11:token=...;object=...?module-path=/....so&pin-source=file:/...    in a token (RFC 7512)
#ifndef BC_EVIDENCE_KEY_URI_H
#define BC_EVIDENCE_KEY_URI_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum bc_key_place {
        BC_KEY_FILE,
        BC_KEY_TPM,
        BC_KEY_TOKEN,
};

struct bc_key_uri {
        enum bc_key_place place;
        char path[PATH_MAX]; // FILE: absolute
        uint32_t handle;     // TPM: BC_KEY_HANDLE_MIN to _MAX
};

// Persistent handles of the owner (TCG, Registry of Reserved TPM 2.0 Handles and Localities, 2.3.1).
#define BC_KEY_HANDLE_MIN 0x81000000u
#define BC_KEY_HANDLE_MAX 0x817fffffu
#define BC_KEY_URI_BYTES_MAX 2048

// 0, or -EINVAL with the reason in text. What a pkcs11 URI says is judged when it is opened; one with a PIN in it is refused
// and not repeated.
int bc_key_uri_parse(const char *uri, char *text, size_t text_bytes, struct bc_key_uri *ret_uri);

#endif
