// SPDX-License-Identifier: EUPL-1.2
// The writer's side of sealing (docs/formats/sealed.md): turns the bytes of one segment after the other into those of
// sealed files.
//
// It opens no file and never hears of one: the caller writes what it is given, in order, once. A file key lives from
// begin to the end of begin, in locked memory, and is wiped; what is kept until the file ends is the cipher's own
// schedule of the chunk key. Nothing on the camera can open a file again, to read or to go on with it: a chunk's
// nonce is used once because a key is [rule 19].
//
// Sealing a fragment allocates nothing. Thread-bound.
#ifndef BC_EVIDENCE_SEALER_H
#define BC_EVIDENCE_SEALER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "evidence/agency.h"
#include "format/sealed.h"

struct bc_sealer;

// Borrows the agency for its own lifetime. 0; -ENOMEM; -EPERM or -EAGAIN as well: no page may be locked in memory
// (RLIMIT_MEMLOCK); -EIO.
int bc_sealer_new(const struct bc_agency *agency, struct bc_sealer **ret_sealer);
void bc_sealer_free(struct bc_sealer *sealer);
BC_DEFINE_CLEANUP(sealer, struct bc_sealer, bc_sealer_free)

// How a sealed file begins, header and commitment, is at most so long.
#define BC_SEALER_BEGIN_BYTES_MAX (BC_SEALED_HEADER_BYTES_MAX + BC_SEALED_COMMITMENT_BYTES)

// Begins a file with a key of its own. What was begun before is given up, finished or not: it cannot be gone on with.
// about: all but the envelope. ret_hash: SHA-256 of the header, for the segment's first record. 0; -EINVAL a field is
// out of range; -ENOBUFS; -EIO.
int bc_sealer_begin(struct bc_sealer *sealer, const struct bc_sealed_header *about, uint8_t *bytes, size_t room,
                    size_t *ret_bytes, uint8_t ret_hash[BC_SEALED_HASH_BYTES]);

// Seals n bytes into whole chunks, bc_sealed_bytes(n, false) bytes of them; n may be 0. The two ranges do not
// overlap. 0; -ENOBUFS: nothing was sealed; -EFBIG: nothing was sealed, the file would become too long; -EINVAL: no
// file is begun; -EIO: the file must be given up.
int bc_sealer_seal(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes);

// The same for the last bytes of the segment, bc_sealed_bytes(n, true): the file is whole with them, and no more can be sealed.
int bc_sealer_finish(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes);

// Gives up what was begun, finished or not, and wipes its key.
void bc_sealer_end(struct bc_sealer *sealer);

#endif
