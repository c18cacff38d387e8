// SPDX-License-Identifier: EUPL-1.2
// The agency's certificates: whom segments are sealed for. Read from PEM files, one certificate each, and judged
// once, at start.
//
// A certificate is usable when it is valid now (as below), its key is RSA of 3072 to 8192 bits, or on P-256 or P-384, its
// keyUsage is there and allows keyEncipherment (RSA) or keyAgreement (P-256, P-384), and no certificate before it has
// the same key or name. Who issued it does not matter: it is trusted because the settings name it.
//
// By a clock that no time service keeps, a camera's whose battery was empty, say, nobody is left without a recording: a certificate
// that is not valid yet is used all the same, for such a clock is behind more often than a certificate is early; one that has expired is
// left out as ever, unless none were left: then all that have expired are used. Who is sealed for was decided by whoever wrote the settings.
//
// Immutable once loaded; any thread may use it then. Not reference counted: it outlives the sealers that borrow it.
#ifndef BC_EVIDENCE_AGENCY_H
#define BC_EVIDENCE_AGENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define BC_AGENCY_FINDING_BYTES 384
#define BC_AGENCY_FILE_BYTES_MAX 65536
#define BC_AGENCY_TIME_UNKNOWN INT64_MIN

struct bc_agency;

struct bc_agency_source {
        const char *const *paths; // borrowed
        size_t count;
        int64_t now_unix_s; // BC_AGENCY_TIME_UNKNOWN: the clock is not set, validity is not judged
        bool kept;          // a time service keeps that clock
        // Told of each certificate that cannot be used, or (used) is not valid by the clock and used all the same: a sentence that names
        // the file. May be NULL.
        void (*on_finding)(void *user, const char *path, const char *text, bool used);
        void *user;
};

// Loads those that are usable; the others are told of and left out: a recording does not fail because one of several
// certificates has expired. Whoever judges settings counts the findings. 0; -ENOKEY: none is usable, so that nothing
// can be sealed and nothing may be recorded, least of all in the clear; -E2BIG: more than BC_ENVELOPE_RECIPIENTS_MAX;
// -ENOMEM.
int bc_agency_load(const struct bc_agency_source *source, struct bc_agency **ret_agency);
void bc_agency_free(struct bc_agency *agency);
BC_DEFINE_CLEANUP(agency, struct bc_agency, bc_agency_free)

// How many certificates are in it, from 1; how many of these are not valid by the clock; how many were left out.
size_t bc_agency_recipients(const struct bc_agency *agency);
size_t bc_agency_doubtful(const struct bc_agency *agency);
size_t bc_agency_left_out(const struct bc_agency *agency);

// Wraps a file key for all of them: the envelope (format/envelope.h), fresh each time. Its form is judged before it
// is given out. 0; -ENOBUFS: it has more than room bytes; -EIO: OpenSSL failed.
int bc_agency_wrap(const struct bc_agency *agency, const uint8_t file_key[32], uint8_t *bytes, size_t room, size_t *ret_bytes);

#endif
