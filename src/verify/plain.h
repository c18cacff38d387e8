// SPDX-License-Identifier: EUPL-1.2
// A sealed file as if it lay there in the clear: what is authentic of it can be read at any place, and is written nowhere.
//
// Opening goes through the file once, and decrypts a chunk again when it is read. Memory: about 250 KB and an index of at most
// 1.5 MB, whatever the file's size. Lifetime: borrows the descriptor; the opener for the call. Thread-bound.
#ifndef BC_VERIFY_PLAIN_H
#define BC_VERIFY_PLAIN_H

#include "verify/unseal.h"

struct bc_plain;

// Whether a file begins as sealed ones do. 0 or negative errno.
int bc_plain_is_sealed(int fd, uint64_t size, bool *ret_sealed);

// 0 even where nothing of it can be read, which the report tells; -ENOMEM, -EIO.
int bc_plain_open(const struct bc_opener *opener, int fd, uint64_t size, struct bc_plain **ret_plain);
void bc_plain_free(struct bc_plain *plain);
BC_DEFINE_CLEANUP(plain, struct bc_plain, bc_plain_free)

// Final; plain_bytes of it can be read.
const struct bc_unseal_report *bc_plain_report(const struct bc_plain *plain);

// Exactly n bytes of plain text at offset. 0; -ENODATA: they are not all there; -ESTALE: the file changed meanwhile; another negative
// errno. user: a struct bc_plain.
int bc_plain_read(void *user, uint64_t offset, void *bytes, size_t n);

#endif
