// SPDX-License-Identifier: EUPL-1.2
// Whether a record was signed with a key: what recovery may go on from. Pure but for OpenSSL; any thread.
#ifndef BC_EVIDENCE_RECOGNISE_H
#define BC_EVIDENCE_RECOGNISE_H

#include <stdbool.h>

#include "format/record.h"

// public_key: a SubjectPublicKeyInfo in DER. record and message are those of bc_record_parse().
bool bc_recognise(const struct bc_record_bytes *public_key, const struct bc_record *record, const struct bc_record_message *message);

// Whether it brings its signer's certificate, and was signed with that one's key: a whole record, of whatever device. Nothing is said
// of who issued it.
bool bc_recognise_signer(const struct bc_record *record, const struct bc_record_message *message);

#endif
