// SPDX-License-Identifier: EUPL-1.2
#include "format/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void bc_sample_table_init(struct bc_sample_table *table, const struct bc_init *init)
{
        *table = (struct bc_sample_table){ .tracks = init->tracks <= BC_TRACKS_MAX ? init->tracks : 0 };
        for (size_t i = 0; i < table->tracks; i++)
                table->track[i].all_sync = init->track[i].kind != BC_TRACK_AVC;
}

void bc_sample_table_done(struct bc_sample_table *table)
{
        for (size_t i = 0; i < BC_TRACKS_MAX; i++) {
                free(table->track[i].sample);
                free(table->track[i].chunk);
        }
        *table = (struct bc_sample_table){ 0 };
}

// Makes room for `more` further items; doubles, so that adding stays cheap.
static int reserve(void **items, size_t item_bytes, size_t used, size_t more, size_t *room)
{
        if (more <= *room - used)
                return 0;
        size_t want = used + more; // both bounded by BC_SEGMENT_SAMPLES_MAX and a fragment
        if (want < 2 * *room)
                want = 2 * *room;
        if (want < 64)
                want = 64;
        void *grown = reallocarray(*items, want, item_bytes);
        if (!grown)
                return -ENOMEM;
        *items = grown;
        *room = want;
        return 0;
}

static bool all_sync(const struct bc_run *run)
{
        for (size_t i = 0; i < run->samples; i++)
                if (!run->sample[i].sync)
                        return false;
        return true;
}

static int check_law(const struct bc_sample_table *table, uint64_t offset, uint32_t sequence,
                     const struct bc_run *run, size_t runs)
{
        if (sequence != table->fragments + 1 || offset < table->end_offset)
                return -EBADMSG;
        for (size_t i = 0; i < runs; i++) {
                if (run[i].track >= table->tracks)
                        return -EBADMSG;
                const struct bc_track_samples *track = &table->track[run[i].track];
                if (run[i].decode_ticks != track->duration_ticks)
                        return -EBADMSG;
                if (run[i].track == 0 && track->samples == 0 && !run[i].sample[0].sync)
                        return -EBADMSG;
                if (track->all_sync && !all_sync(&run[i]))
                        return -EBADMSG;
                if (run[i].samples > BC_SEGMENT_SAMPLES_MAX - track->samples)
                        return -EFBIG;
        }
        return 0;
}

static void append_run(struct bc_track_samples *track, const struct bc_run *run, uint32_t offset)
{
        for (size_t i = 0; i < run->samples; i++) {
                const struct bc_sample *sample = &run->sample[i];
                if (track->samples == 0 ||
                    track->sample[track->samples - 1].duration_ticks != sample->duration_ticks)
                        track->stts_entries++;
                track->sync_samples += sample->sync;
                track->duration_ticks += sample->duration_ticks; // 2^22 * 2^32 at most
                track->sample[track->samples++] = *sample;
        }
        if (track->chunks == 0 || track->chunk[track->chunks - 1].samples != run->samples)
                track->stsc_entries++;
        track->chunk[track->chunks++] = (struct bc_chunk){ offset, (uint32_t)run->samples };
}

int bc_sample_table_add(struct bc_sample_table *table, uint64_t offset, uint32_t sequence, const struct bc_run *run,
                        size_t runs)
{
        uint64_t payload;
        int r = bc_fragment_check(run, runs, &payload);
        if (r < 0)
                return r;
        r = check_law(table, offset, sequence, run, runs);
        if (r < 0)
                return r;
        uint64_t header = bc_fragment_header_bytes(run, runs);
        if (offset > BC_SEGMENT_BYTES_MAX || header + payload > BC_SEGMENT_BYTES_MAX - offset)
                return -EFBIG;
        for (size_t i = 0; i < runs; i++) {
                struct bc_track_samples *track = &table->track[run[i].track];
                void *sample = track->sample, *chunk = track->chunk;
                r = reserve(&sample, sizeof(struct bc_sample), track->samples, run[i].samples, &track->sample_room);
                track->sample = sample;
                if (r < 0)
                        return r;
                r = reserve(&chunk, sizeof(struct bc_chunk), track->chunks, 1, &track->chunk_room);
                track->chunk = chunk;
                if (r < 0)
                        return r;
        }

        uint64_t data = offset + header;
        for (size_t i = 0; i < runs; i++) {
                append_run(&table->track[run[i].track], &run[i], (uint32_t)data);
                for (size_t k = 0; k < run[i].samples; k++)
                        data += run[i].sample[k].size_bytes;
        }
        table->fragments++;
        table->end_offset = data;
        return 0;
}
