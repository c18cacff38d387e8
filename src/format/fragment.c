// SPDX-License-Identifier: EUPL-1.2
#include "format/fragment.h"

#include <errno.h>

#include "format/box.h"

// 14496-12, 8.8.3.1: depends on no other sample; depends on others and is no sync sample.
#define FLAGS_SYNC 0x02000000u
#define FLAGS_OTHER 0x01010000u

#define MOOF_BYTES_BEFORE_TRAFS (8 + 16)
#define TRAF_BYTES_BEFORE_SAMPLES (8 + 16 + 20 + 20)
#define SAMPLE_BYTES 12
#define MDAT_HEADER_BYTES 8
#define TFHD_FLAGS 0x020000u // default-base-is-moof
#define TRUN_FLAGS 0x000701u // data offset; per sample: duration, size, flags

size_t bc_fragment_header_bytes(const struct bc_run *run, size_t runs)
{
        size_t bytes = MOOF_BYTES_BEFORE_TRAFS + MDAT_HEADER_BYTES;
        for (size_t i = 0; i < runs; i++)
                bytes += TRAF_BYTES_BEFORE_SAMPLES + SAMPLE_BYTES * run[i].samples;
        return bytes;
}

static uint64_t run_bytes(const struct bc_run *run)
{
        uint64_t bytes = 0;
        for (size_t i = 0; i < run->samples; i++)
                bytes += run->sample[i].size_bytes;
        return bytes;
}

int bc_fragment_check(const struct bc_run *run, size_t runs, uint64_t *ret_payload_bytes)
{
        size_t samples = 0;
        uint64_t payload = 0;

        if (runs == 0 || runs > BC_TRACKS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < runs; i++) {
                if (run[i].track >= BC_TRACKS_MAX || (i > 0 && run[i].track <= run[i - 1].track))
                        return -EINVAL;
                if (run[i].samples == 0 || run[i].samples > BC_FRAGMENT_SAMPLES_MAX - samples)
                        return -EINVAL;
                samples += run[i].samples;
                for (size_t k = 0; k < run[i].samples; k++)
                        if (run[i].sample[k].duration_ticks == 0 || run[i].sample[k].size_bytes == 0)
                                return -EINVAL;
                payload += run_bytes(&run[i]); // 4096 * 2^32 at most
        }
        // trun's data offset is signed; the mdat header has 32 bits; both hold for anything below 2 GiB.
        if (payload > INT32_MAX - bc_fragment_header_bytes(run, runs))
                return -EINVAL;
        *ret_payload_bytes = payload;
        return 0;
}

// 14496-12, 8.8.5
static void put_mfhd(struct bc_writer *w, uint32_t sequence)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('m', 'f', 'h', 'd'), 0, 0);
        bc_put_u32(w, sequence);
        bc_box_close(w, box);
}

// 14496-12, 8.8.7
static void put_tfhd(struct bc_writer *w, uint32_t track)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('t', 'f', 'h', 'd'), 0, TFHD_FLAGS);
        bc_put_u32(w, track + 1);
        bc_box_close(w, box);
}

// 14496-12, 8.8.12
static void put_tfdt(struct bc_writer *w, uint64_t decode_ticks)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('t', 'f', 'd', 't'), 1, 0);
        bc_put_u64(w, decode_ticks);
        bc_box_close(w, box);
}

// 14496-12, 8.8.8; the offset counts from the moof's first byte.
static void put_trun(struct bc_writer *w, const struct bc_run *run, uint32_t data_offset)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('t', 'r', 'u', 'n'), 0, TRUN_FLAGS);
        bc_put_u32(w, (uint32_t)run->samples);
        bc_put_u32(w, data_offset);
        for (size_t i = 0; i < run->samples; i++) {
                bc_put_u32(w, run->sample[i].duration_ticks);
                bc_put_u32(w, run->sample[i].size_bytes);
                bc_put_u32(w, run->sample[i].sync ? FLAGS_SYNC : FLAGS_OTHER);
        }
        bc_box_close(w, box);
}

int bc_fragment_build(uint32_t sequence, const struct bc_run *run, size_t runs, uint8_t *bytes, size_t room,
                      size_t *ret_header_bytes)
{
        uint64_t payload;
        int r = bc_fragment_check(run, runs, &payload);
        if (r < 0)
                return r;
        size_t header = bc_fragment_header_bytes(run, runs);
        if (room < header)
                return -ENOBUFS;

        struct bc_writer w = bc_writer_on(bytes, header);
        uint64_t data_offset = header;
        size_t moof = bc_box_open(&w, BC_BOX_TYPE('m', 'o', 'o', 'f')); // 8.8.4
        put_mfhd(&w, sequence);
        for (size_t i = 0; i < runs; i++) {
                size_t traf = bc_box_open(&w, BC_BOX_TYPE('t', 'r', 'a', 'f')); // 8.8.6
                put_tfhd(&w, run[i].track);
                put_tfdt(&w, run[i].decode_ticks);
                put_trun(&w, &run[i], (uint32_t)data_offset);
                bc_box_close(&w, traf);
                data_offset += run_bytes(&run[i]);
        }
        bc_box_close(&w, moof);
        bc_put_u32(&w, (uint32_t)(MDAT_HEADER_BYTES + payload)); // 8.1.1
        bc_put_u32(&w, BC_BOX_TYPE('m', 'd', 'a', 't'));
        if (w.failed || w.used != header)
                return -EINVAL;
        *ret_header_bytes = header;
        return 0;
}

// Reads one traf as bc_fragment_build() writes it. *expected_offset: where this run's samples must lie; moves on
// by them.
static void get_traf(struct bc_reader *reader, size_t tracks, struct bc_fragment *fragment, size_t *samples,
                     uint64_t *expected_offset)
{
        struct bc_run *run = &fragment->run[fragment->runs];
        uint32_t traf_bytes = bc_get_u32(reader);
        bc_expect_u32(reader, BC_BOX_TYPE('t', 'r', 'a', 'f'));

        bc_expect_u32(reader, 16);
        bc_expect_u32(reader, BC_BOX_TYPE('t', 'f', 'h', 'd'));
        bc_expect_u32(reader, TFHD_FLAGS);
        uint32_t id = bc_get_u32(reader);
        if (id == 0 || id > tracks || (fragment->runs > 0 && id - 1 <= run[-1].track))
                reader->failed = true;

        bc_expect_u32(reader, 20);
        bc_expect_u32(reader, BC_BOX_TYPE('t', 'f', 'd', 't'));
        bc_expect_u32(reader, 1u << 24); // version 1
        uint64_t decode_ticks = bc_get_u64(reader);

        uint32_t trun_bytes = bc_get_u32(reader);
        bc_expect_u32(reader, BC_BOX_TYPE('t', 'r', 'u', 'n'));
        bc_expect_u32(reader, TRUN_FLAGS);
        uint32_t n = bc_get_u32(reader);
        uint32_t data_offset = bc_get_u32(reader);
        if (n == 0 || n > BC_FRAGMENT_SAMPLES_MAX - *samples || reader->failed ||
            trun_bytes != 20 + SAMPLE_BYTES * n || traf_bytes != TRAF_BYTES_BEFORE_SAMPLES + SAMPLE_BYTES * n ||
            data_offset != *expected_offset) {
                reader->failed = true;
                return;
        }
        struct bc_sample *sample = &fragment->sample[*samples];
        for (uint32_t i = 0; i < n; i++) {
                sample[i].duration_ticks = bc_get_u32(reader);
                sample[i].size_bytes = bc_get_u32(reader);
                uint32_t flags = bc_get_u32(reader);
                sample[i].sync = flags == FLAGS_SYNC;
                if (flags != FLAGS_SYNC && flags != FLAGS_OTHER)
                        reader->failed = true;
        }
        *run = (struct bc_run){ .track = id - 1, .decode_ticks = decode_ticks, .sample = sample, .samples = n };
        *samples += n;
        *expected_offset += run_bytes(run);
        fragment->runs++;
}

int bc_fragment_parse(const uint8_t *bytes, size_t n, size_t tracks, struct bc_fragment *ret_fragment)
{
        struct bc_reader outer = bc_reader_on(bytes, n);
        uint32_t moof_bytes = bc_get_u32(&outer);
        bc_expect_u32(&outer, BC_BOX_TYPE('m', 'o', 'o', 'f'));
        if (outer.failed)
                return n < 8 ? -ENODATA : -EBADMSG;
        if (tracks == 0 || tracks > BC_TRACKS_MAX)
                return -EINVAL;
        if (moof_bytes < MOOF_BYTES_BEFORE_TRAFS + TRAF_BYTES_BEFORE_SAMPLES + SAMPLE_BYTES ||
            moof_bytes > BC_FRAGMENT_HEADER_BYTES_MAX(BC_FRAGMENT_SAMPLES_MAX) - MDAT_HEADER_BYTES)
                return -EBADMSG;
        size_t header = moof_bytes + MDAT_HEADER_BYTES;
        if (n < header)
                return -ENODATA;

        struct bc_reader moof = bc_reader_on(bytes + 8, moof_bytes - 8);
        size_t samples = 0;
        uint64_t offset = header;
        bc_expect_u32(&moof, 16);
        bc_expect_u32(&moof, BC_BOX_TYPE('m', 'f', 'h', 'd'));
        bc_expect_u32(&moof, 0);
        ret_fragment->sequence = bc_get_u32(&moof);
        ret_fragment->runs = 0;
        while (!moof.failed && moof.left > 0) {
                if (ret_fragment->runs == tracks)
                        return -EBADMSG;
                get_traf(&moof, tracks, ret_fragment, &samples, &offset);
        }
        if (moof.failed)
                return -EBADMSG;

        uint64_t payload;
        if (bc_fragment_check(ret_fragment->run, ret_fragment->runs, &payload) < 0)
                return -EBADMSG;
        struct bc_reader mdat = bc_reader_on(bytes + moof_bytes, MDAT_HEADER_BYTES);
        bc_expect_u32(&mdat, (uint32_t)(MDAT_HEADER_BYTES + payload));
        bc_expect_u32(&mdat, BC_BOX_TYPE('m', 'd', 'a', 't'));
        if (mdat.failed)
                return -EBADMSG;
        ret_fragment->header_bytes = header;
        ret_fragment->payload_bytes = payload;
        return 0;
}
