// SPDX-License-Identifier: EUPL-1.2
// A recording: its segments as one chain (record.md, 7 and 9). Or a lone segment, which is one only where it says that it is
// all of it.
//
// In two steps, so that segments can be judged side by side: bc_recording_open() lists, each bc_recording_judge_segment() may
// run in a thread of its own, bc_recording_judge() in one when all have ended.
#ifndef BC_VERIFY_RECORDING_H
#define BC_VERIFY_RECORDING_H

#include "verify/folder.h"
#include "verify/segment.h"

// What manifest.sig says of manifest.json.
enum bc_endorsement {
        BC_ENDORSEMENT_NONE,     // there is none: the records say all that is proven
        BC_ENDORSEMENT_SIGNED,   // it is signed with the key that signed the records
        BC_ENDORSEMENT_WRONG,
        BC_ENDORSEMENT_UNJUDGED, // nothing else here is signed
};

struct bc_recording_verdict {
        char *path; // as it was named
        struct bc_findings findings; // of the recording as a whole
        enum bc_verdict verdict;     // with its segments'
        int fd;       // the folder, or the file of a lone segment
        bool lone;
        struct bc_folder folder;
        struct bc_segment_verdict *segment;
        size_t segments;
        struct bc_news news;
        int64_t first_ticks, end_ticks; // what is proven of the picture; first BC_RECORD_UNKNOWN: nothing
        enum bc_endorsement endorsement;
        bool whole;                     // from its first to its last segment
        int64_t not_before_ns, not_after_ns; // UTC by others' word (verify/bracket.h); 0: nobody's
};

// Opens a recording's folder, or a file. 0 or negative errno (nothing to give back then).
int bc_recording_open(const char *path, struct bc_recording_verdict *ret_verdict);
int bc_recording_open_at(int parent_fd, const char *name, const char *path, struct bc_recording_verdict *ret_verdict);
void bc_recording_verdict_done(struct bc_recording_verdict *verdict);

// i < verdict->segments, each once.
void bc_recording_judge_segment(const struct bc_judge *judge, struct bc_recording_verdict *verdict, size_t i);

void bc_recording_judge(const struct bc_judge *judge, struct bc_recording_verdict *verdict);

// Within the part: the segment of that file; NULL: there is none. A list names any number of them.
const struct bc_segment_verdict *bc_recording_find_segment(const struct bc_recording_verdict *verdict, const char *file);

// Within the part: manifest.json against the records. It proves nothing: where it differs, that is found.
void bc_summary_judge(const struct bc_judge *judge, struct bc_recording_verdict *verdict);

// The same where no record is there, and by the ledger none is to be: what can be said of it then. key_sha256: of the device, as in
// struct bc_signer; NULL: it had several.
void bc_summary_judge_alone(struct bc_recording_verdict *verdict, const char *device, uint64_t number, const uint8_t *key_sha256);

#endif
