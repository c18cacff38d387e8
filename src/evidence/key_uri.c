// SPDX-License-Identifier: EUPL-1.2
#include "evidence/key_uri.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evidence/refusal.h"

static int parse_handle(const char *uri, const char *digits, char *text, size_t text_bytes, uint32_t *ret_handle)
{
        unsigned long handle = 0;

        // Eight digits and nothing else: OpenSSL's provider would take options behind a "?".
        if (strlen(digits) == 10 && strncmp(digits, "0x", 2) == 0 && strspn(digits + 2, "0123456789abcdefABCDEF") == 8)
                handle = strtoul(digits, NULL, 16);
        if (handle < BC_KEY_HANDLE_MIN || handle > BC_KEY_HANDLE_MAX)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: a persistent handle is handle:0x%x to handle:0x%x", uri,
                                  BC_KEY_HANDLE_MIN, BC_KEY_HANDLE_MAX);
        *ret_handle = (uint32_t)handle;
        return 0;
}

int bc_key_uri_parse(const char *uri, char *text, size_t text_bytes, struct bc_key_uri *ret_uri)
{
        const char *path = strncmp(uri, "file:", 5) == 0 ? uri + 5 : uri;

        if (strlen(uri) > BC_KEY_URI_BYTES_MAX)
                return bc_refusal(text, text_bytes, EINVAL, "key: its URI is longer than %d bytes", BC_KEY_URI_BYTES_MAX);
        if (strcasestr(uri, "pin-value"))
                return bc_refusal(text, text_bytes, EINVAL,
                                  "key: its URI has pin-value: a PIN stands in a file of its own (pin-source=file:/...)");
        if (strncmp(uri, "handle:", 7) == 0) {
                ret_uri->place = BC_KEY_TPM;
                return parse_handle(uri, uri + 7, text, text_bytes, &ret_uri->handle);
        }
        if (strncmp(uri, "pkcs11:", 7) == 0) {
                ret_uri->place = BC_KEY_TOKEN;
                return 0;
        }
        if (strncmp(path, "///", 3) == 0) // RFC 8089: an empty authority
                path += 2;
        if (path[0] != '/' || path[1] == '/')
                return bc_refusal(text, text_bytes, EINVAL, "key %s: allowed are an absolute path, file:/..., handle:0x... and pkcs11:...",
                                  uri);
        ret_uri->place = BC_KEY_FILE;
        snprintf(ret_uri->path, sizeof(ret_uri->path), "%s", path);
        return 0;
}
