// SPDX-License-Identifier: EUPL-1.2
#include "own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/finalise.h"
#include "format/record.h"
#include "format/scan.h"

#define PAYLOAD_BYTES_MAX (64u << 20)

struct own {
        const struct clip *clip;
        const struct own_options *options;
        FILE *file;
        uint64_t size;
        struct bc_init_layout layout;
        struct bc_sample_table table;
        struct bc_sample sample[BC_FRAGMENT_SAMPLES_MAX];
        uint8_t *bytes; // room for a header, then the samples
        size_t records;
};

static void own_done(struct own **own)
{
        if (!*own)
                return;
        if ((*own)->file)
                fclose((*own)->file);
        bc_sample_table_done(&(*own)->table);
        free((*own)->bytes);
        free(*own);
}

static int put(struct own *own, const void *bytes, size_t n)
{
        if (fwrite(bytes, 1, n, own->file) != n)
                return -EIO;
        own->size += n;
        return 0;
}

static int put_head(struct own *own)
{
        struct bc_init parsed;
        uint8_t head[BC_INIT_BYTES_MAX];
        size_t n;
        int r = bc_init_write(&own->clip->init, head, sizeof(head), &n);
        if (r == 0)
                r = bc_init_parse(head, n, &parsed, &own->layout);
        return r < 0 ? r : put(own, head, n);
}

static int put_record(struct own *own)
{
        uint8_t record[BC_RECORD_BYTES_MAX];
        memset(record, (int)own->records++, sizeof(record));
        int r = bc_record_header(own->options->record_bytes - BC_RECORD_HEADER_BYTES, record);
        return r < 0 ? r : put(own, record, own->options->record_bytes);
}

static int put_fragment(struct own *own, const size_t from[CLIP_TRACKS], const size_t to[CLIP_TRACKS])
{
        const size_t room = BC_FRAGMENT_HEADER_BYTES_MAX(BC_FRAGMENT_SAMPLES_MAX);
        struct bc_run run[CLIP_TRACKS];
        size_t runs = 0, samples = 0, payload = 0, header;
        for (uint32_t t = 0; t < CLIP_TRACKS; t++) {
                size_t first = samples;
                for (size_t i = from[t]; i < to[t]; i++) {
                        const struct packet *p = &own->clip->packet[t][i];
                        if (samples == BC_FRAGMENT_SAMPLES_MAX || p->size_bytes > PAYLOAD_BYTES_MAX - payload)
                                return -EFBIG;
                        own->sample[samples++] = (struct bc_sample){ p->duration_ticks, p->size_bytes, p->key };
                        memcpy(own->bytes + room + payload, p->bytes, p->size_bytes);
                        payload += p->size_bytes;
                }
                if (samples > first)
                        run[runs++] = (struct bc_run){ .track = t,
                                                       .decode_ticks = own->table.track[t].duration_ticks,
                                                       .sample = own->sample + first,
                                                       .samples = samples - first };
        }
        if (runs == 0)
                return 0;
        uint32_t sequence = own->table.fragments + 1;
        uint8_t *start = own->bytes + room - bc_fragment_header_bytes(run, runs);
        int r = bc_fragment_build(sequence, run, runs, start, room, &header);
        if (r == 0)
                r = bc_sample_table_add(&own->table, own->size, sequence, run, runs);
        if (r == 0)
                r = put(own, start, header + payload);
        if (r == 0 && own->options->record_bytes > 0 && own->table.fragments > own->options->record_delay)
                r = put_record(own);
        return r;
}

static int put_moov(struct own *own)
{
        const struct own_options *options = own->options;
        uint64_t moov_offset = own->size;
        uint8_t patch[BC_PATCH_BYTES];
        size_t n = bc_finalise_bytes(&own->clip->init, &own->table), built;
        if (!options->append)
                return 0;
        uint8_t *moov = malloc(n);
        int r = moov ? bc_finalise_build(&own->clip->init, &own->table, moov, n, &built) : -ENOMEM;
        if (r == 0)
                r = put(own, moov, built);
        free(moov);
        if (r < 0 || !options->patch)
                return r;
        r = bc_finalise_patch(&own->layout, moov_offset, patch);
        if (r == 0 && (fseek(own->file, (long)own->layout.moov_offset, SEEK_SET) != 0 ||
                       fwrite(patch, 1, sizeof(patch), own->file) != sizeof(patch)))
                r = -EIO;
        return r;
}

int own_write(const struct clip *clip, const struct own_options *options, const char *path)
{
        __attribute__((cleanup(own_done))) struct own *own = calloc(1, sizeof(*own));
        size_t next[CLIP_TRACKS] = { 0 };
        int64_t at[CLIP_TRACKS];
        if (!own)
                return -ENOMEM;
        for (size_t t = 0; t < CLIP_TRACKS; t++)
                at[t] = clip->init.track[t].start_ticks;
        own->clip = clip;
        own->options = options;
        bc_sample_table_init(&own->table, &clip->init);
        own->bytes = malloc(BC_FRAGMENT_HEADER_BYTES_MAX(BC_FRAGMENT_SAMPLES_MAX) + PAYLOAD_BYTES_MAX);
        own->file = fopen(path, "wbe");
        if (!own->bytes || !own->file)
                return own->bytes ? -errno : -ENOMEM;
        int r = put_head(own);
        for (int64_t until = options->fragment_ticks; r == 0 && clip_goes_on(clip, next);
             until += options->fragment_ticks) {
                size_t from[CLIP_TRACKS];
                memcpy(from, next, sizeof(from));
                clip_cut(clip, until, next, at);
                r = put_fragment(own, from, next);
        }
        while (r == 0 && options->record_bytes > 0 && own->records < own->table.fragments)
                r = put_record(own);
        if (r == 0)
                r = put_moov(own);
        if (r == 0 && fflush(own->file) != 0)
                r = -errno;
        return r;
}

static int read_file(void *user, uint64_t offset, void *bytes, size_t n)
{
        FILE *file = user;
        if (fseek(file, (long)offset, SEEK_SET) != 0 || fread(bytes, 1, n, file) != n)
                return -EIO;
        return 0;
}

static int print_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        size_t samples[CLIP_TRACKS] = { 0 };
        (void)user;
        for (size_t i = 0; i < fragment->runs; i++)
                if (fragment->run[i].track < CLIP_TRACKS)
                        samples[fragment->run[i].track] = fragment->run[i].samples;
        printf("%s{\"offset\": %llu, \"end\": %llu, \"samples\": [%zu, %zu, %zu, %zu]}",
               fragment->sequence > 1 ? ", " : "", (unsigned long long)offset,
               (unsigned long long)(offset + fragment->header_bytes + fragment->payload_bytes), samples[0],
               samples[1], samples[2], samples[3]);
        return 0;
}

static void close_file(FILE **file)
{
        if (*file)
                fclose(*file);
}

int own_scan(const char *path)
{
        static const char *const moov[] = { "none", "cut", "whole", "foreign" };
        __attribute__((cleanup(close_file))) FILE *file = fopen(path, "rbe");
        struct bc_scan scan;
        if (!file || fseek(file, 0, SEEK_END) != 0)
                return -errno;
        struct bc_scan_source source = { .read = read_file, .on_fragment = print_fragment,
                                         .size = (uint64_t)ftell(file), .user = file };
        printf("{\"fragments\": [");
        int r = bc_scan_file(&source, &scan);
        if (r < 0) {
                printf("], \"error\": %d}\n", r);
                return r == -EBADMSG || r == -ENODATA ? 0 : r;
        }
        printf("], \"head\": %zu, \"moov_header\": %zu, \"patched\": %s, \"records\": %u, \"fragments_end\": %llu, "
               "\"boxes_end\": %llu, \"rest\": %llu, \"moov\": \"%s\", \"finished\": %s, \"stop\": %d, "
               "\"moov_bytes\": %llu}\n",
               scan.layout.bytes, scan.layout.moov_offset, scan.layout.patched ? "true" : "false", scan.records,
               (unsigned long long)scan.fragments_end, (unsigned long long)scan.boxes_end,
               (unsigned long long)scan.rest_offset, moov[scan.moov], bc_scan_finished(&scan) ? "true" : "false",
               scan.stop, (unsigned long long)scan.moov_bytes);
        bc_scan_done(&scan);
        return 0;
}
