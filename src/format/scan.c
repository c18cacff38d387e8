// SPDX-License-Identifier: EUPL-1.2
#include "format/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/box.h"
#include "format/finalise.h"
#include "format/record.h"

#define HEADER_BYTES_MAX BC_FRAGMENT_HEADER_BYTES_MAX(BC_FRAGMENT_SAMPLES_MAX)
#define COMPARE_BYTES 4096

// What a walk needs beside its result; one allocation.
struct walk {
        const struct bc_scan_source *source;
        struct bc_fragment fragment;
        uint8_t bytes[HEADER_BYTES_MAX];
};

static void free_bytes(uint8_t **bytes)
{
        free(*bytes);
}

static void free_walk(struct walk **walk)
{
        free(*walk);
}

// Reads up to room bytes at offset, fewer at the end of the file.
static int read_some(const struct bc_scan_source *source, uint64_t offset, uint8_t *bytes, size_t room, size_t *ret_n)
{
        uint64_t left = source->size - offset;
        size_t n = left < room ? (size_t)left : room;
        if (n > 0) {
                int r = source->read(source->user, offset, bytes, n);
                if (r < 0)
                        return r;
        }
        *ret_n = n;
        return 0;
}

static int walk_head(struct walk *walk, struct bc_scan *scan)
{
        size_t n;
        int r = read_some(walk->source, 0, walk->bytes, BC_INIT_BYTES_MAX, &n);
        if (r < 0)
                return r;
        r = bc_init_parse(walk->bytes, n, &scan->init, &scan->layout);
        if (r < 0)
                return r;
        bc_sample_table_init(&scan->table, &scan->init);
        scan->fragments_end = scan->boxes_end = scan->table.end_offset = scan->layout.bytes;
        return 0;
}

// The fragment at boxes_end, whose moof has so many bytes; no more is read than that and the header behind it. Sets
// scan->stop where it is not whole or not lawful.
static int walk_fragment(struct walk *walk, uint64_t moof_bytes, struct bc_scan *scan)
{
        const struct bc_scan_source *source = walk->source;
        size_t n = sizeof(walk->bytes);
        if (moof_bytes + BC_BOX_HEADER_BYTES_MAX < n)
                n = (size_t)moof_bytes + BC_BOX_HEADER_BYTES_MAX;
        int r = read_some(source, scan->boxes_end, walk->bytes, n, &n);
        if (r < 0)
                return r;
        r = bc_fragment_parse(walk->bytes, n, scan->init.tracks, &walk->fragment);
        uint64_t room = source->size - scan->boxes_end;
        if (r == 0 && walk->fragment.header_bytes + walk->fragment.payload_bytes > room)
                r = -ENODATA;
        if (r == 0)
                r = bc_sample_table_add(&scan->table, scan->boxes_end, walk->fragment.sequence, walk->fragment.run,
                                        walk->fragment.runs);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                scan->stop = r;
                return 0;
        }
        uint64_t offset = scan->boxes_end;
        scan->fragments_end = scan->boxes_end = scan->table.end_offset;
        return source->on_fragment ? source->on_fragment(source->user, offset, &walk->fragment) : 0;
}

static uint32_t get_u32(const uint8_t *bytes)
{
        struct bc_reader reader = bc_reader_on(bytes, 4);
        return bc_get_u32(&reader);
}

// size_field: as it stands in the file; the sizes 0 ("to the end") and 1 (64 bits follow) are not for records.
static int walk_record(const struct bc_scan_source *source, const struct bc_box *box, uint32_t size_field,
                       struct bc_scan *scan)
{
        if (size_field != box->bytes || memcmp(box->id, bc_record_id, BC_BOX_ID_BYTES) != 0 || box->header_bytes != BC_RECORD_HEADER_BYTES ||
            box->bytes > BC_RECORD_BYTES_MAX) {
                scan->stop = -EBADMSG;
                return 0;
        }
        uint64_t offset = scan->boxes_end;
        scan->records++;
        scan->boxes_end += box->bytes;
        return source->on_record ? source->on_record(source->user, offset, (uint32_t)box->bytes) : 0;
}

// Fragments and records, up to the first box that is neither. *ret_moov: that box says it is a moov.
static int walk_boxes(struct walk *walk, struct bc_scan *scan, bool *ret_moov)
{
        bool moov = false;
        while (scan->stop == 0 && !moov && scan->boxes_end < walk->source->size) {
                uint64_t room = walk->source->size - scan->boxes_end;
                uint8_t header[BC_BOX_HEADER_BYTES_MAX];
                struct bc_box box;
                size_t n;
                int r = read_some(walk->source, scan->boxes_end, header, sizeof(header), &n);
                if (r < 0)
                        return r;
                r = bc_box_parse(header, n, room, &box);
                uint32_t type = n >= 8 ? get_u32(header + 4) : 0;
                if (type == BC_BOX_TYPE('m', 'o', 'o', 'v'))
                        moov = true; // perhaps cut off; what it is, is found by comparing
                else if (r < 0)
                        scan->stop = r;
                else if (type == BC_BOX_TYPE('m', 'o', 'o', 'f'))
                        r = walk_fragment(walk, box.bytes, scan);
                else if (type == BC_BOX_TYPE('u', 'u', 'i', 'd'))
                        r = walk_record(walk->source, &box, get_u32(header), scan);
                else
                        scan->stop = -EBADMSG;
                if (r != 0 && scan->stop == 0 && !moov)
                        return r;
        }
        *ret_moov = moov;
        return 0;
}

// Compares what stands at boxes_end with the moov that the fragments call for.
static int compare_moov(struct walk *walk, struct bc_scan *scan)
{
        size_t bytes = (size_t)scan->moov_bytes, built;
        __attribute__((cleanup(free_bytes))) uint8_t *moov = malloc(bytes);
        if (!moov)
                return -ENOMEM;
        int r = bc_finalise_build(&scan->init, &scan->table, moov, bytes, &built);
        if (r < 0)
                return r;

        scan->moov_offset = scan->boxes_end;
        scan->moov = BC_MOOV_FOREIGN;
        if (built > BC_SEGMENT_BYTES_MAX - scan->moov_offset)
                return 0; // no writer of ours would have
        uint64_t there = walk->source->size - scan->moov_offset;
        size_t n, compare = there < built ? (size_t)there : built;
        for (size_t at = 0; at < compare; at += n) {
                n = compare - at < COMPARE_BYTES ? compare - at : COMPARE_BYTES;
                r = walk->source->read(walk->source->user, scan->moov_offset + at, walk->bytes, n);
                if (r < 0)
                        return r;
                if (memcmp(walk->bytes, moov + at, n) != 0)
                        return 0;
        }
        scan->moov = compare == built ? BC_MOOV_WHOLE : BC_MOOV_CUT;
        scan->rest_offset = scan->moov_offset + compare;
        return 0;
}

int bc_scan_file(const struct bc_scan_source *source, struct bc_scan *ret_scan)
{
        __attribute__((cleanup(bc_scan_done))) struct bc_scan scan = { .file_bytes = source->size };
        __attribute__((cleanup(free_walk))) struct walk *walk = malloc(sizeof(*walk));
        if (!walk)
                return -ENOMEM;
        walk->source = source;
        int r = walk_head(walk, &scan);
        if (r < 0)
                return r;
        bool moov;
        r = walk_boxes(walk, &scan, &moov);
        if (r != 0)
                return r;
        scan.rest_offset = scan.boxes_end;
        scan.moov_bytes = bc_finalise_bytes(&scan.init, &scan.table);
        if (moov) {
                r = compare_moov(walk, &scan);
                if (r < 0)
                        return r;
        }
        *ret_scan = scan;
        scan.table = (struct bc_sample_table){ 0 }; // given away
        return 0;
}

void bc_scan_done(struct bc_scan *scan)
{
        bc_sample_table_done(&scan->table);
}

bool bc_scan_finished(const struct bc_scan *scan)
{
        return scan->moov == BC_MOOV_WHOLE && scan->layout.patched &&
               scan->layout.moov_offset + scan->layout.span == scan->moov_offset &&
               scan->rest_offset == scan->moov_offset + scan->moov_bytes && scan->rest_offset == scan->file_bytes;
}
