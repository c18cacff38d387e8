// SPDX-License-Identifier: EUPL-1.2
#include "format/init.h"

#include <errno.h>
#include <string.h>

#include "format/about.h"
#include "format/moov.h"
#include "format/record.h"

#define CREATED_MAX_S (INT64_C(1) << 40)
#define AVC_CONFIG_BYTES_MIN 7
#define AAC_CONFIG_BYTES_MIN 2
#define LABEL_VERSION 2

static bool text_ok(const char *text)
{
        size_t n = 0;
        for (; n <= BC_LABEL_TEXT_BYTES_MAX && text[n] != '\0'; n++)
                if (text[n] < 0x20 || text[n] > 0x7e)
                        return false;
        return n <= BC_LABEL_TEXT_BYTES_MAX;
}

static bool avc_ok(const struct bc_track *track)
{
        if (track->width_px == 0 || track->width_px > UINT16_MAX || track->height_px == 0 ||
            track->height_px > UINT16_MAX)
                return false;
        // 14496-15, 5.3.3.1: configurationVersion 1, lengthSizeMinusOne 3.
        return track->config_bytes >= AVC_CONFIG_BYTES_MIN && track->config[0] == 1 && (track->config[4] & 3) == 3;
}

static bool aac_ok(const struct bc_track *track)
{
        if (track->channels < 1 || track->channels > 2 || track->config_bytes < AAC_CONFIG_BYTES_MIN)
                return false;
        // 14496-3, 1.6.2.1: AAC-LC (2), 48 kHz (index 3), this number of channels.
        unsigned head = (unsigned)track->config[0] << 8 | track->config[1];
        return head >> 11 == 2 && ((head >> 7) & 15) == 3 && ((head >> 3) & 15) == track->channels;
}

static bool track_ok(const struct bc_track *track)
{
        if (track->start_ticks > BC_TRACK_START_TICKS_MAX || track->start_ticks < -BC_TRACK_START_TICKS_MAX ||
            track->config_bytes > sizeof(track->config))
                return false;
        switch (track->kind) {
        case BC_TRACK_AVC:
                return avc_ok(track);
        case BC_TRACK_AAC:
                return aac_ok(track);
        case BC_TRACK_TEXT:
        case BC_TRACK_POSITION:
                return true;
        }
        return false;
}

int bc_init_check(const struct bc_init *init)
{
        const struct bc_label *label = &init->label;
        if (!text_ok(label->device) || !text_ok(label->recording) || label->base_ticks < 0 || label->segment == 0)
                return -EINVAL;
        if (init->created_unix_s < 0 || init->created_unix_s > CREATED_MAX_S)
                return -EINVAL;
        if (init->tracks == 0 || init->tracks > BC_TRACKS_MAX || init->track[0].kind != BC_TRACK_AVC ||
            init->track[0].start_ticks != 0)
                return -EINVAL;
        for (size_t i = 0; i < init->tracks; i++)
                if (!track_ok(&init->track[i]))
                        return -EINVAL;
        return bc_about_ok(&init->about) ? 0 : -EINVAL;
}

// 14496-12, 4.3
static void put_ftyp(struct bc_writer *w)
{
        size_t box = bc_box_open(w, BC_BOX_TYPE('f', 't', 'y', 'p'));
        bc_put_bytes(w, "iso6", 4); // fragments with tfdt and default-base-is-moof
        bc_put_u32(w, 0);
        bc_put_bytes(w, "iso6isomavc1mp41", 16);
        bc_box_close(w, box);
}

static void put_text(struct bc_writer *w, const char *text)
{
        size_t n = strlen(text);
        bc_put_u8(w, (uint8_t)n);
        bc_put_bytes(w, text, n);
}

// 14496-12, 4.2 (user extension); docs/formats/segment.md
static void put_label(struct bc_writer *w, const struct bc_label *label)
{
        size_t box = bc_box_open(w, BC_BOX_TYPE('u', 'u', 'i', 'd'));
        bc_put_bytes(w, bc_label_id, BC_BOX_ID_BYTES);
        bc_put_u32(w, LABEL_VERSION);
        bc_put_u32(w, label->segment);
        bc_put_u32(w, BC_TICKS_PER_S);
        bc_put_u64(w, (uint64_t)label->base_ticks);
        bc_put_bytes(w, label->boot_id, BC_BOOT_ID_BYTES);
        put_text(w, label->device);
        put_text(w, label->recording);
        bc_box_close(w, box);
}

static void put_head(struct bc_writer *w, const struct bc_init *init, size_t *ret_moov_offset)
{
        put_ftyp(w);
        put_label(w, &init->label);
        *ret_moov_offset = w->used;
        bc_moov_write(w, init, NULL);
}

int bc_init_write(const struct bc_init *init, uint8_t *bytes, size_t room, size_t *ret_bytes)
{
        int r = bc_init_check(init);
        if (r < 0)
                return r;
        struct bc_writer w = bc_writer_on(bytes, room);
        size_t moov_offset;
        put_head(&w, init, &moov_offset);
        if (w.failed)
                return -ENOBUFS;
        *ret_bytes = w.used;
        return 0;
}

static void get_text(struct bc_reader *r, char text[BC_LABEL_TEXT_BYTES_MAX + 1])
{
        size_t n = bc_get_u8(r);
        const uint8_t *bytes = bc_get_bytes(r, n);
        if (!bytes)
                return;
        if (n > BC_LABEL_TEXT_BYTES_MAX) {
                r->failed = true;
                return;
        }
        memcpy(text, bytes, n);
        text[n] = '\0';
}

static void get_label(struct bc_reader *r, struct bc_label *label)
{
        bc_get_bytes(r, 8 + BC_BOX_ID_BYTES + 4);
        label->segment = bc_get_u32(r);
        bc_get_u32(r);
        uint64_t base = bc_get_u64(r);
        if (base > INT64_MAX)
                r->failed = true;
        label->base_ticks = (int64_t)base;
        const uint8_t *boot_id = bc_get_bytes(r, BC_BOOT_ID_BYTES);
        if (boot_id)
                memcpy(label->boot_id, boot_id, BC_BOOT_ID_BYTES);
        get_text(r, label->device);
        get_text(r, label->recording);
}

static void get_mvhd(struct bc_reader *r, struct bc_init *init)
{
        bc_get_bytes(r, 12);
        uint64_t created = bc_get_u64(r);
        if (created > (uint64_t)(CREATED_MAX_S + BC_EPOCH_1904_S) || (created > 0 && created < (uint64_t)BC_EPOCH_1904_S))
                r->failed = true;
        else if (created > 0)
                init->created_unix_s = (int64_t)created - BC_EPOCH_1904_S;
        bc_get_bytes(r, 100);
}

static uint32_t next_type(const struct bc_reader *r)
{
        struct bc_reader peek = *r;
        bc_get_u32(&peek);
        return bc_get_u32(&peek);
}

static void get_edts(struct bc_reader *r, struct bc_track *track)
{
        bc_get_bytes(r, 8 + 12);
        uint32_t entries = bc_get_u32(r);
        uint64_t duration = bc_get_u64(r);
        uint64_t media_time = bc_get_u64(r);
        bc_get_u32(r);
        if (entries == 2) {
                bc_get_bytes(r, 20);
                media_time = duration;
        }
        if (media_time > (uint64_t)BC_TRACK_START_TICKS_MAX)
                r->failed = true;
        else
                track->start_ticks = entries == 2 ? (int64_t)media_time : -(int64_t)media_time;
}

static void get_config(struct bc_reader *r, struct bc_track *track, size_t n)
{
        if (n > sizeof(track->config)) {
                r->failed = true;
                return;
        }
        const uint8_t *bytes = bc_get_bytes(r, n);
        if (!bytes)
                return;
        memcpy(track->config, bytes, n);
        track->config_bytes = n;
}

static void get_avc1(struct bc_reader *r, struct bc_track *track)
{
        bc_get_bytes(r, 8 + 8 + 16);
        track->width_px = bc_get_u16(r);
        track->height_px = bc_get_u16(r);
        bc_get_bytes(r, 50);
        uint32_t avcc_bytes = bc_get_u32(r);
        bc_get_u32(r);
        if (avcc_bytes < 8)
                r->failed = true;
        else
                get_config(r, track, avcc_bytes - 8);
}

static void get_mp4a(struct bc_reader *r, struct bc_track *track)
{
        bc_get_bytes(r, 8 + 8 + 8);
        track->channels = bc_get_u16(r);
        bc_get_bytes(r, 10);
        bc_get_bytes(r, 12 + (5 + 3) + (5 + 9)); // esds to the average bit rate
        track->bit_rate_bps = bc_get_u32(r);
        bc_get_bytes(r, 3); // tag and the size's upper half
        size_t high = bc_get_u8(r) & 0x7f, low = bc_get_u8(r) & 0x7f;
        get_config(r, track, high << 7 | low);
}

static void skip_box(struct bc_reader *r)
{
        uint32_t bytes = bc_get_u32(r);
        if (bytes < 4)
                r->failed = true;
        else
                bc_get_bytes(r, bytes - 4);
}

static void get_trak(struct bc_reader *r, struct bc_track *track)
{
        struct bc_reader trak = *r;
        uint32_t trak_bytes = bc_get_u32(&trak);
        if (!bc_get_bytes(r, trak_bytes))
                return;
        bc_get_bytes(&trak, 4 + 104); // type, tkhd
        if (next_type(&trak) == BC_BOX_TYPE('e', 'd', 't', 's'))
                get_edts(&trak, track);
        bc_get_bytes(&trak, 8 + 44); // mdia, mdhd
        struct bc_reader hdlr = trak;
        bc_get_bytes(&hdlr, 16);
        uint32_t handler = bc_get_u32(&hdlr);
        skip_box(&trak);             // hdlr
        bc_get_bytes(&trak, 8);      // minf
        skip_box(&trak);             // vmhd, smhd or nmhd
        bc_get_bytes(&trak, 36 + 8 + 16); // dinf, stbl, stsd
        if (handler == BC_HANDLER_PICTURE) {
                track->kind = BC_TRACK_AVC;
                get_avc1(&trak, track);
        } else if (handler == BC_HANDLER_SOUND) {
                track->kind = BC_TRACK_AAC;
                get_mp4a(&trak, track);
        } else
                track->kind = handler == BC_HANDLER_TEXT ? BC_TRACK_TEXT : BC_TRACK_POSITION;
        if (trak.failed)
                r->failed = true;
}

// Fetches the fields and looks at nothing else: whether every byte is as it must be is found by writing it again.
static void get_head(struct bc_reader *r, struct bc_init *init, struct bc_init_layout *layout)
{
        const uint8_t *start = r->bytes;
        bc_get_bytes(r, 32); // ftyp
        get_label(r, &init->label);
        layout->moov_offset = (size_t)(r->bytes - start);
        layout->span = bc_get_u32(r);
        layout->patched = bc_get_u32(r) == BC_BOX_TYPE('m', 'd', 'a', 't');
        get_mvhd(r, init);
        while (!r->failed && next_type(r) == BC_BOX_TYPE('t', 'r', 'a', 'k')) {
                if (init->tracks == BC_TRACKS_MAX)
                        r->failed = true;
                else
                        get_trak(r, &init->track[init->tracks++]);
        }
        if (!r->failed && next_type(r) == BC_BOX_TYPE('u', 'd', 't', 'a'))
                bc_about_read(r, &init->about);
        bc_get_bytes(r, 8); // mvex, which ends the head; here so that a cut before it is seen as one
}

int bc_init_parse(const uint8_t *bytes, size_t n, struct bc_init *ret_init, struct bc_init_layout *ret_layout)
{
        struct bc_init init = { 0 };
        struct bc_init_layout layout = { 0 };
        struct bc_reader r = bc_reader_on(bytes, n);
        get_head(&r, &init, &layout);
        if (r.ended)
                return n < BC_INIT_BYTES_MAX ? -ENODATA : -EBADMSG;
        if (r.failed)
                return -EBADMSG;

        uint8_t again[BC_INIT_BYTES_MAX];
        if (bc_init_write(&init, again, sizeof(again), &layout.bytes) < 0)
                return -EBADMSG;
        if (n < layout.bytes)
                return n < BC_INIT_BYTES_MAX ? -ENODATA : -EBADMSG;
        size_t after = layout.moov_offset + 8;
        if (memcmp(bytes, again, layout.moov_offset) != 0 ||
            memcmp(bytes + after, again + after, layout.bytes - after) != 0)
                return -EBADMSG;
        if (layout.patched) {
                if (layout.span < layout.bytes - layout.moov_offset)
                        return -EBADMSG;
        } else if (memcmp(bytes + layout.moov_offset, again + layout.moov_offset, 8) != 0)
                return -EBADMSG;
        if (!layout.patched)
                layout.span = 0;
        *ret_init = init;
        *ret_layout = layout;
        return 0;
}
