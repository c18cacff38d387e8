// SPDX-License-Identifier: EUPL-1.2
// Files that nobody but their owner may read: private keys and PINs.
#ifndef BC_EVIDENCE_SECRET_H
#define BC_EVIDENCE_SECRET_H

#include <stddef.h>
#include <stdint.h>

// Reads a whole file of 1 to bytes_max bytes; a 0 byte follows it in memory. It must be a regular file, not a symbolic link, owned by
// root or by this process's user, with no permission for group and others: what is judged is the opened file, not its name. 0 or
// negative errno: as open(2) has it; -EINVAL no regular file, or empty; -EFBIG; -EPERM the permissions. text says it, beginning with
// `what` and the path, never with content. The caller gives it back to bc_secret_free().
int bc_secret_load(const char *what, const char *path, size_t bytes_max, char *text, size_t text_bytes, uint8_t **ret_bytes,
                   size_t *ret_size);

// Overwrites and frees. NULL is fine.
void bc_secret_free(uint8_t *bytes, size_t size);

#endif
