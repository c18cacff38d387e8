// SPDX-License-Identifier: EUPL-1.2
// The sample table of a segment: what its fragments hold, gathered one by one, for the moov that finalises it.
// The recorder adds each fragment as it writes it, so closing never reads the file back; recovery and the verifier
// add what they parse; both get the same bytes.
//
// Lifetime: bc_sample_table_init() allocates nothing; adding grows the arrays (about 12 bytes a sample);
// bc_sample_table_done() gives them back. Thread-bound.
#ifndef BC_FORMAT_SAMPLES_H
#define BC_FORMAT_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/fragment.h"
#include "format/track.h"

#define BC_SEGMENT_SAMPLES_MAX (1u << 22) // 10 hours of 60 fps and sound

struct bc_chunk {
        uint32_t offset;  // in the file
        uint32_t samples;
};

struct bc_track_samples {
        bool all_sync; // its kind has nothing but sync samples
        struct bc_sample *sample;
        size_t samples, sample_room;
        struct bc_chunk *chunk; // one per fragment that holds this track
        size_t chunks, chunk_room;
        uint64_t duration_ticks;
        size_t stts_entries, stsc_entries, sync_samples; // how long the tables of the moov become
};

struct bc_sample_table {
        size_t tracks;
        uint32_t fragments;
        uint64_t end_offset; // of the last fragment added
        struct bc_track_samples track[BC_TRACKS_MAX];
};

// Learns the number of tracks and their kinds from init.
void bc_sample_table_init(struct bc_sample_table *table, const struct bc_init *init);
void bc_sample_table_done(struct bc_sample_table *table);

// Adds the fragment whose moof is at file offset `offset`. Holds the segment's law: sequence numbers count from 1,
// a fragment begins at or behind the end of the one before, each track's decode time goes on without a hole from 0,
// the segment's first picture is a key frame, and every sample of a track that is no picture is a sync sample.
// 0; -EINVAL (not a fragment), -EBADMSG (the law), -EFBIG (beyond 4 GiB or BC_SEGMENT_SAMPLES_MAX), -ENOMEM. On
// failure nothing has changed.
int bc_sample_table_add(struct bc_sample_table *table, uint64_t offset, uint32_t sequence, const struct bc_run *run,
                        size_t runs);

#endif
