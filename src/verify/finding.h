// SPDX-License-Identifier: EUPL-1.2
// What was found against a file or a folder, in the order in which it was found, and what it makes of the verdict.
//
// Plain data in place; no memory, nothing to release. Texts hold untrusted bytes: verify/text.h before they are shown.
// Thread-bound.
#ifndef BC_VERIFY_FINDING_H
#define BC_VERIFY_FINDING_H

#include <stddef.h>
#include <stdint.h>

#define BC_FINDINGS_MAX 24 // shown; the rest are counted
#define BC_FINDING_TEXT_BYTES 240
#define BC_NO_OFFSET UINT64_MAX

// The exit statuses of bodycam-verify. BC_VERDICT_NOTE findings are said and change nothing.
enum bc_verdict {
        BC_VERDICT_AUTHENTIC = 0,
        BC_VERDICT_TAMPERED = 1,
        BC_VERDICT_UNPROVEN = 2,
        BC_VERDICT_UNJUDGED = 3,
};
#define BC_VERDICT_NOTE BC_VERDICT_AUTHENTIC

// Words for programs: they do not change.
enum bc_finding_code {
        BC_FINDING_UNREADABLE,  // the system did not let it be read, or it changed meanwhile
        BC_FINDING_FOREIGN,     // not a segment of this format
        BC_FINDING_NO_RECORD,   // nothing in it is signed
        BC_FINDING_NO_ROOT,     // no trust anchor was given
        BC_FINDING_RECORD,      // a record that is not lawful, or says what its file does not
        BC_FINDING_CHAIN,       // order, index, previous hash
        BC_FINDING_COVERAGE,    // bytes outside, ranges that do not meet
        BC_FINDING_HASH,        // bytes that are not those that were signed
        BC_FINDING_SIGNATURE,
        BC_FINDING_CERTIFICATE,
        BC_FINDING_REVOKED,
        BC_FINDING_TEST,        // test certificate, simulated devices
        BC_FINDING_LABEL,       // the file's label says otherwise than its records
        BC_FINDING_TIME,        // holes, overlaps, clocks that go back
        BC_FINDING_MOOV,        // final moov or patch
        BC_FINDING_END,         // the end is not proven
        BC_FINDING_UNSIGNED,    // vouched for by recovery alone
        BC_FINDING_ANCHOR,      // tail anchor
        BC_FINDING_NAME,        // what does not belong into the folder
        BC_FINDING_MISSING,     // what is referred to and not there
        BC_FINDING_SUMMARY,     // manifest.json says otherwise
        BC_FINDING_LEDGER,
        BC_FINDING_SEALED,      // what lies sealed: no key, altered, cut, another header
        BC_FINDING_CODES,
};

struct bc_finding {
        enum bc_finding_code code;
        enum bc_verdict verdict;
        uint64_t offset; // in the file, or BC_NO_OFFSET
        char text[BC_FINDING_TEXT_BYTES];
};

struct bc_findings {
        enum bc_verdict verdict; // the worst so far
        size_t count, more;      // more: without room
        struct bc_finding finding[BC_FINDINGS_MAX];
};

__attribute__((format(printf, 5, 6))) void bc_find(struct bc_findings *findings, enum bc_finding_code code,
                                                   enum bc_verdict verdict, uint64_t offset, const char *format, ...);

// Takes back all findings of a code: another file has settled them. The verdict follows.
void bc_findings_settle(struct bc_findings *findings, enum bc_finding_code code);

// The worse of two: tampered, then unjudged, then unproven, then authentic. What was tampered with is news however little
// else can be said; where something could not be judged, the rest being authentic as far as it goes is no answer.
enum bc_verdict bc_verdict_worse(enum bc_verdict a, enum bc_verdict b);

const char *bc_finding_code_name(enum bc_finding_code code); // "hash"
// "tampered". BC_VERDICT_AUTHENTIC is "proven" here: the greater word is for a whole run that ends with 0.
const char *bc_verdict_name(enum bc_verdict verdict);

#endif
