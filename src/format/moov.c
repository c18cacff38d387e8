// SPDX-License-Identifier: EUPL-1.2
#include "format/moov.h"

#include <string.h>

#include "format/about.h"

// What differs from kind to kind in the boxes around the sample entry.
struct kind {
        uint32_t handler;      // 14496-12, 8.4.3
        uint32_t media_header; // 14496-12, 8.4.5
        uint32_t header_flags, header_zeros;
        int16_t layer;
        uint16_t alternate_group, volume;
        const char *name;
};

static const struct kind *kind_of(const struct bc_track *track)
{
        static const struct kind avc = { .handler = BC_HANDLER_PICTURE, .name = "Picture", .header_flags = 1,
                                         .media_header = BC_BOX_TYPE('v', 'm', 'h', 'd'), .header_zeros = 8 };
        static const struct kind aac = { .handler = BC_HANDLER_SOUND, .name = "Sound", .volume = 0x100,
                                         .media_header = BC_BOX_TYPE('s', 'm', 'h', 'd'), .header_zeros = 4 };
        // In front of the picture, and in the group of subtitles of which a player shows one or none.
        static const struct kind text = { .handler = BC_HANDLER_TEXT, .name = "Text", .layer = -1,
                                          .media_header = BC_BOX_TYPE('n', 'm', 'h', 'd'), .alternate_group = 1 };
        static const struct kind position = { .handler = BC_HANDLER_POSITION, .name = "Position",
                                              .media_header = BC_BOX_TYPE('n', 'm', 'h', 'd') };
        switch (track->kind) {
        case BC_TRACK_AVC:
                return &avc;
        case BC_TRACK_AAC:
                return &aac;
        case BC_TRACK_TEXT:
                return &text;
        case BC_TRACK_POSITION:
                break;
        }
        return &position;
}

static uint64_t creation_time(const struct bc_init *init)
{
        return init->created_unix_s == 0 ? 0 : (uint64_t)(init->created_unix_s + BC_EPOCH_1904_S);
}

// Ticks of the track's samples that are presented: all but what lies before the segment's start.
static uint64_t shown_ticks(const struct bc_track *track, const struct bc_track_samples *samples)
{
        if (!samples)
                return 0; // in a moov with mvex: as long as it turns out (14496-12, 8.6.6.1)
        uint64_t before = track->start_ticks < 0 ? (uint64_t)-track->start_ticks : 0;
        return samples->duration_ticks > before ? samples->duration_ticks - before : 0;
}

static uint64_t track_ticks(const struct bc_track *track, const struct bc_track_samples *samples)
{
        if (!samples || samples->duration_ticks == 0)
                return 0;
        return shown_ticks(track, samples) + (track->start_ticks > 0 ? (uint64_t)track->start_ticks : 0);
}

static void put_matrix(struct bc_writer *w)
{
        static const uint32_t unity[9] = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };
        for (size_t i = 0; i < 9; i++)
                bc_put_u32(w, unity[i]);
}

// 14496-12, 8.2.2
static void put_mvhd(struct bc_writer *w, const struct bc_init *init, const struct bc_sample_table *table)
{
        uint64_t duration = 0;
        for (size_t i = 0; table && i < init->tracks; i++) {
                uint64_t ticks = track_ticks(&init->track[i], &table->track[i]);
                if (ticks > duration)
                        duration = ticks;
        }
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('m', 'v', 'h', 'd'), 1, 0);
        bc_put_u64(w, creation_time(init));
        bc_put_u64(w, creation_time(init)); // modification time
        bc_put_u32(w, BC_TICKS_PER_S);
        bc_put_u64(w, duration);
        bc_put_u32(w, 0x10000); // rate 1.0
        bc_put_u16(w, 0x100);   // volume 1.0
        bc_put_zeros(w, 2 + 8);
        put_matrix(w);
        bc_put_zeros(w, 24);
        bc_put_u32(w, (uint32_t)init->tracks + 1); // next_track_ID
        bc_box_close(w, box);
}

// 14496-12, 8.3.2
static void put_tkhd(struct bc_writer *w, const struct bc_init *init, size_t i, const struct bc_track_samples *samples)
{
        const struct bc_track *track = &init->track[i], *region = NULL;
        if (track->kind == BC_TRACK_AVC)
                region = track;
        else if (track->kind == BC_TRACK_TEXT)
                region = &init->track[0]; // the text may stand anywhere on the picture
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('t', 'k', 'h', 'd'), 1, 3); // enabled, in movie
        bc_put_u64(w, creation_time(init));
        bc_put_u64(w, creation_time(init));
        bc_put_u32(w, (uint32_t)i + 1);
        bc_put_zeros(w, 4);
        bc_put_u64(w, track_ticks(track, samples));
        bc_put_zeros(w, 8);
        bc_put_u16(w, (uint16_t)kind_of(track)->layer);
        bc_put_u16(w, kind_of(track)->alternate_group);
        bc_put_u16(w, kind_of(track)->volume);
        bc_put_zeros(w, 2);
        put_matrix(w);
        bc_put_u32(w, region ? region->width_px << 16 : 0);
        bc_put_u32(w, region ? region->height_px << 16 : 0);
        bc_box_close(w, box);
}

static void put_edit(struct bc_writer *w, uint64_t duration, int64_t media_time)
{
        bc_put_u64(w, duration);
        bc_put_u64(w, (uint64_t)media_time);
        bc_put_u32(w, 0x10000); // rate 1.0
}

// 14496-12, 8.6.5 and 8.6.6. None for a track that starts with the segment, none for one that stayed empty.
static void put_edts(struct bc_writer *w, const struct bc_track *track, const struct bc_track_samples *samples)
{
        if (track->start_ticks == 0 || (samples && samples->duration_ticks == 0))
                return;
        size_t edts = bc_box_open(w, BC_BOX_TYPE('e', 'd', 't', 's'));
        size_t elst = bc_fullbox_open(w, BC_BOX_TYPE('e', 'l', 's', 't'), 1, 0);
        if (track->start_ticks > 0) {
                bc_put_u32(w, 2);
                put_edit(w, (uint64_t)track->start_ticks, -1); // nothing until then
                put_edit(w, shown_ticks(track, samples), 0);
        } else {
                bc_put_u32(w, 1);
                put_edit(w, shown_ticks(track, samples), -track->start_ticks);
        }
        bc_box_close(w, elst);
        bc_box_close(w, edts);
}

// 14496-12, 8.4.2
static void put_mdhd(struct bc_writer *w, const struct bc_init *init, const struct bc_track_samples *samples)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('m', 'd', 'h', 'd'), 1, 0);
        bc_put_u64(w, creation_time(init));
        bc_put_u64(w, creation_time(init));
        bc_put_u32(w, BC_TICKS_PER_S);
        bc_put_u64(w, samples ? samples->duration_ticks : 0);
        bc_put_u16(w, 0x55c4); // language "und"
        bc_put_u16(w, 0);
        bc_box_close(w, box);
}

// 14496-12, 8.4.3
static void put_hdlr(struct bc_writer *w, const struct kind *kind)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('h', 'd', 'l', 'r'), 0, 0);
        bc_put_u32(w, 0);
        bc_put_u32(w, kind->handler);
        bc_put_zeros(w, 12);
        bc_put_bytes(w, kind->name, strlen(kind->name) + 1);
        bc_box_close(w, box);
}

// 14496-12, 12.1.2 (vmhd), 12.2.2 (smhd) and 8.4.5.2 (nmhd)
static void put_media_header(struct bc_writer *w, const struct kind *kind)
{
        size_t box = bc_fullbox_open(w, kind->media_header, 0, kind->header_flags);
        bc_put_zeros(w, kind->header_zeros);
        bc_box_close(w, box);
}

// 14496-12, 8.7.1 and 8.7.2: one data reference, to this file itself.
static void put_dinf(struct bc_writer *w)
{
        size_t dinf = bc_box_open(w, BC_BOX_TYPE('d', 'i', 'n', 'f'));
        size_t dref = bc_fullbox_open(w, BC_BOX_TYPE('d', 'r', 'e', 'f'), 0, 0);
        bc_put_u32(w, 1);
        size_t url = bc_fullbox_open(w, BC_BOX_TYPE('u', 'r', 'l', ' '), 0, 1);
        bc_box_close(w, url);
        bc_box_close(w, dref);
        bc_box_close(w, dinf);
}

// 14496-15, 5.4.2: AVCSampleEntry; 14496-12, 12.1.3: VisualSampleEntry.
static void put_avc1(struct bc_writer *w, const struct bc_track *track)
{
        size_t box = bc_box_open(w, BC_BOX_TYPE('a', 'v', 'c', '1'));
        bc_put_zeros(w, 6);
        bc_put_u16(w, 1); // data_reference_index
        bc_put_zeros(w, 16);
        bc_put_u16(w, (uint16_t)track->width_px);
        bc_put_u16(w, (uint16_t)track->height_px);
        bc_put_u32(w, 0x480000); // 72 dpi, as the standard wants
        bc_put_u32(w, 0x480000);
        bc_put_zeros(w, 4);
        bc_put_u16(w, 1); // frame_count
        bc_put_zeros(w, 32); // compressorname
        bc_put_u16(w, 0x18); // depth
        bc_put_u16(w, 0xffff);
        size_t avcc = bc_box_open(w, BC_BOX_TYPE('a', 'v', 'c', 'C')); // 14496-15, 5.3.3.1
        bc_put_bytes(w, track->config, track->config_bytes);
        bc_box_close(w, avcc);
        bc_box_close(w, box);
}

// 14496-1, 8.3.3: tag and size, always in four bytes.
static void put_descriptor(struct bc_writer *w, uint8_t tag, size_t bytes)
{
        bc_put_u8(w, tag);
        bc_put_u8(w, 0x80);
        bc_put_u8(w, 0x80);
        bc_put_u8(w, (uint8_t)(0x80 | (bytes >> 7)));
        bc_put_u8(w, bytes & 0x7f);
}

// 14496-14, 5.6; the descriptors are those of 14496-1, 7.2.6.
static void put_esds(struct bc_writer *w, const struct bc_track *track)
{
        size_t specific = track->config_bytes;
        size_t decoder = 13 + 5 + specific;
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('e', 's', 'd', 's'), 0, 0);
        put_descriptor(w, 3, 3 + 5 + decoder + 5 + 1); // ES_Descriptor
        bc_put_u16(w, 0);                              // ES_ID, 0 in a file
        bc_put_u8(w, 0);
        put_descriptor(w, 4, decoder); // DecoderConfigDescriptor
        bc_put_u8(w, 0x40);            // MPEG-4 audio
        bc_put_u8(w, 0x15);            // audio stream
        bc_put_u24(w, 0);              // bufferSizeDB
        bc_put_u32(w, track->bit_rate_bps); // maximal
        bc_put_u32(w, track->bit_rate_bps); // average
        put_descriptor(w, 5, specific); // DecoderSpecificInfo
        bc_put_bytes(w, track->config, specific);
        put_descriptor(w, 6, 1); // SLConfigDescriptor
        bc_put_u8(w, 2);         // predefined: MP4
        bc_box_close(w, box);
}

// 14496-14, 5.6: MP4AudioSampleEntry; 14496-12, 12.2.3: AudioSampleEntry.
static void put_mp4a(struct bc_writer *w, const struct bc_track *track)
{
        size_t box = bc_box_open(w, BC_BOX_TYPE('m', 'p', '4', 'a'));
        bc_put_zeros(w, 6);
        bc_put_u16(w, 1); // data_reference_index
        bc_put_zeros(w, 8);
        bc_put_u16(w, (uint16_t)track->channels);
        bc_put_u16(w, 16); // samplesize
        bc_put_zeros(w, 4);
        bc_put_u32(w, (uint32_t)BC_SOUND_RATE_HZ << 16);
        put_esds(w, track);
        bc_box_close(w, box);
}

// 3GPP TS 26.245, 5.16: white on nothing, centred at the lower edge of the track's whole region, in the one font.
static void put_tx3g(struct bc_writer *w)
{
        static const char font[] = "Sans-Serif";
        size_t box = bc_box_open(w, BC_BOX_TYPE('t', 'x', '3', 'g'));
        bc_put_zeros(w, 6);
        bc_put_u16(w, 1); // data_reference_index
        bc_put_u32(w, 0); // displayFlags
        bc_put_u8(w, 1);  // horizontal-justification: centre
        bc_put_u8(w, 0xff); // vertical-justification -1: bottom
        bc_put_zeros(w, 4); // background-color-rgba
        bc_put_zeros(w, 8); // default-text-box
        bc_put_zeros(w, 4); // default-style: startChar, endChar
        bc_put_u16(w, 1);   // font-ID
        bc_put_u8(w, 0);    // face-style-flags
        bc_put_u8(w, 18);   // font-size
        bc_put_u32(w, 0xffffffff); // text-color-rgba
        size_t ftab = bc_box_open(w, BC_BOX_TYPE('f', 't', 'a', 'b'));
        bc_put_u16(w, 1); // entry-count
        bc_put_u16(w, 1); // font-ID
        bc_put_u8(w, sizeof(font) - 1);
        bc_put_bytes(w, font, sizeof(font) - 1);
        bc_box_close(w, ftab);
        bc_box_close(w, box);
}

// The sample entry of GoPro's metadata format, with nothing in it but what every one has (14496-12, 8.5.2).
static void put_gpmd(struct bc_writer *w)
{
        size_t box = bc_box_open(w, BC_BOX_TYPE('g', 'p', 'm', 'd'));
        bc_put_zeros(w, 6);
        bc_put_u16(w, 1); // data_reference_index
        bc_box_close(w, box);
}

// 14496-12, 8.5.2: one sample entry.
static void put_stsd(struct bc_writer *w, const struct bc_track *track)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('s', 't', 's', 'd'), 0, 0);
        bc_put_u32(w, 1);
        switch (track->kind) {
        case BC_TRACK_AVC:
                put_avc1(w, track);
                break;
        case BC_TRACK_AAC:
                put_mp4a(w, track);
                break;
        case BC_TRACK_TEXT:
                put_tx3g(w);
                break;
        case BC_TRACK_POSITION:
                put_gpmd(w);
                break;
        }
        bc_box_close(w, box);
}

// 14496-12, 8.6.1.2: runs of equal durations.
static void put_stts(struct bc_writer *w, const struct bc_track_samples *samples)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('s', 't', 't', 's'), 0, 0);
        bc_put_u32(w, samples ? (uint32_t)samples->stts_entries : 0);
        for (size_t i = 0, n; samples && i < samples->samples; i += n) {
                uint32_t duration = samples->sample[i].duration_ticks;
                for (n = 1; i + n < samples->samples && samples->sample[i + n].duration_ticks == duration;)
                        n++;
                bc_put_u32(w, (uint32_t)n);
                bc_put_u32(w, duration);
        }
        bc_box_close(w, box);
}

// 14496-12, 8.6.2. Absent when every sample is a sync sample.
static void put_stss(struct bc_writer *w, const struct bc_track_samples *samples)
{
        if (!samples || samples->sync_samples == samples->samples)
                return;
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('s', 't', 's', 's'), 0, 0);
        bc_put_u32(w, (uint32_t)samples->sync_samples);
        for (size_t i = 0; i < samples->samples; i++)
                if (samples->sample[i].sync)
                        bc_put_u32(w, (uint32_t)i + 1);
        bc_box_close(w, box);
}

// 14496-12, 8.7.4: an entry where the number of samples per chunk changes.
static void put_stsc(struct bc_writer *w, const struct bc_track_samples *samples)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('s', 't', 's', 'c'), 0, 0);
        bc_put_u32(w, samples ? (uint32_t)samples->stsc_entries : 0);
        for (size_t i = 0; samples && i < samples->chunks; i++)
                if (i == 0 || samples->chunk[i].samples != samples->chunk[i - 1].samples) {
                        bc_put_u32(w, (uint32_t)i + 1);
                        bc_put_u32(w, samples->chunk[i].samples);
                        bc_put_u32(w, 1); // sample_description_index
                }
        bc_box_close(w, box);
}

// 14496-12, 8.7.3.2
static void put_stsz(struct bc_writer *w, const struct bc_track_samples *samples)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('s', 't', 's', 'z'), 0, 0);
        bc_put_u32(w, 0); // sizes differ
        bc_put_u32(w, samples ? (uint32_t)samples->samples : 0);
        for (size_t i = 0; samples && i < samples->samples; i++)
                bc_put_u32(w, samples->sample[i].size_bytes);
        bc_box_close(w, box);
}

// 14496-12, 8.7.5: 32-bit, for a segment stays below 4 GiB.
static void put_stco(struct bc_writer *w, const struct bc_track_samples *samples)
{
        size_t box = bc_fullbox_open(w, BC_BOX_TYPE('s', 't', 'c', 'o'), 0, 0);
        bc_put_u32(w, samples ? (uint32_t)samples->chunks : 0);
        for (size_t i = 0; samples && i < samples->chunks; i++)
                bc_put_u32(w, samples->chunk[i].offset);
        bc_box_close(w, box);
}

// 14496-12, 8.3.1
static void put_trak(struct bc_writer *w, const struct bc_init *init, size_t i, const struct bc_track_samples *samples)
{
        const struct bc_track *track = &init->track[i];
        size_t trak = bc_box_open(w, BC_BOX_TYPE('t', 'r', 'a', 'k'));
        put_tkhd(w, init, i, samples);
        put_edts(w, track, samples);
        size_t mdia = bc_box_open(w, BC_BOX_TYPE('m', 'd', 'i', 'a'));
        put_mdhd(w, init, samples);
        put_hdlr(w, kind_of(track));
        size_t minf = bc_box_open(w, BC_BOX_TYPE('m', 'i', 'n', 'f'));
        put_media_header(w, kind_of(track));
        put_dinf(w);
        size_t stbl = bc_box_open(w, BC_BOX_TYPE('s', 't', 'b', 'l'));
        put_stsd(w, track);
        put_stts(w, samples);
        put_stss(w, samples);
        put_stsc(w, samples);
        put_stsz(w, samples);
        put_stco(w, samples);
        bc_box_close(w, stbl);
        bc_box_close(w, minf);
        bc_box_close(w, mdia);
        bc_box_close(w, trak);
}

// 14496-12, 8.8.1 and 8.8.3. No defaults: every fragment says everything itself.
static void put_mvex(struct bc_writer *w, const struct bc_init *init)
{
        size_t mvex = bc_box_open(w, BC_BOX_TYPE('m', 'v', 'e', 'x'));
        for (size_t i = 0; i < init->tracks; i++) {
                size_t trex = bc_fullbox_open(w, BC_BOX_TYPE('t', 'r', 'e', 'x'), 0, 0);
                bc_put_u32(w, (uint32_t)i + 1);
                bc_put_u32(w, 1); // sample_description_index
                bc_put_zeros(w, 12);
                bc_box_close(w, trex);
        }
        bc_box_close(w, mvex);
}

// 14496-12, 8.2.1
void bc_moov_write(struct bc_writer *w, const struct bc_init *init, const struct bc_sample_table *table)
{
        size_t moov = bc_box_open(w, BC_BOX_TYPE('m', 'o', 'o', 'v'));
        put_mvhd(w, init, table);
        for (size_t i = 0; i < init->tracks; i++)
                put_trak(w, init, i, table ? &table->track[i] : NULL);
        bc_about_write(w, init);
        if (!table)
                put_mvex(w, init);
        bc_box_close(w, moov);
}
