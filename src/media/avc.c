// SPDX-License-Identifier: EUPL-1.2
#include "media/avc.h"

#include <errno.h>
#include <string.h>

#define SETS_MAX 4
#define LENGTH_BYTES 4

// nal_unit_type, H.264 table 7-1
enum nal_type {
        NAL_IDR = 5,
        NAL_SPS = 7,
        NAL_PPS = 8,
        NAL_DELIMITER = 9,
};

struct nal {
        const uint8_t *bytes;
        size_t size;
};

static enum nal_type type_of(struct nal nal)
{
        return nal.bytes[0] & 0x1f;
}

// ---- Annex B -------------------------------------------------------------------------------------------------

// The next 00 00 01, or end.
static const uint8_t *find_start_code(const uint8_t *at, const uint8_t *end)
{
        while (end - at >= 3) {
                if (at[2] > 1)
                        at += 3;
                else if (at[2] == 1 && at[1] == 0 && at[0] == 0)
                        return at;
                else
                        at++;
        }
        return end;
}

// Annex B.1: a NAL unit goes from its start code to the next one, without the zero bytes before that one.
static bool next_nal(const uint8_t **at, const uint8_t *end, struct nal *ret_nal)
{
        const uint8_t *begin = find_start_code(*at, end);
        const uint8_t *stop;

        if (begin == end)
                return false;
        begin += 3;
        stop = find_start_code(begin, end);
        *at = stop;
        while (stop > begin && stop[-1] == 0)
                stop--;
        *ret_nal = (struct nal){ .bytes = begin, .size = (size_t)(stop - begin) };
        return true;
}

// ---- sequence parameter set ----------------------------------------------------------------------------------

struct bits {
        const uint8_t *bytes;
        size_t size_bits, at;
};

static unsigned read_bit(struct bits *bits)
{
        size_t at = bits->at++;

        return at < bits->size_bits ? (unsigned)bits->bytes[at / 8] >> (7 - at % 8) & 1u : 0;
}

// ue(v), H.264 9.1; more than 16 leading zeros appear in none of the fields read here.
static int read_exp_golomb(struct bits *bits, unsigned *ret_value)
{
        unsigned zeros = 0, value = 1;

        while (read_bit(bits) == 0)
                if (++zeros > 16 || bits->at > bits->size_bits)
                        return -EBADMSG;
        for (unsigned i = 0; i < zeros; i++)
                value = value << 1 | read_bit(bits);
        if (bits->at > bits->size_bits)
                return -EBADMSG;
        *ret_value = value - 1;
        return 0;
}

// Profiles whose sequence parameter set and configuration record tell the sample format (H.264 7.3.2.1.1).
static bool profile_tells_format(uint8_t profile)
{
        return profile != 66 && profile != 77 && profile != 88;
}

static int check_sample_format(struct nal sps)
{
        struct bits bits = { .bytes = sps.bytes, .size_bits = sps.size * 8, .at = 32 };
        unsigned id, chroma, luma_depth, chroma_depth;

        if (sps.size < 5)
                return -EBADMSG;
        if (!profile_tells_format(sps.bytes[1]))
                return 0;
        if (read_exp_golomb(&bits, &id) < 0 || read_exp_golomb(&bits, &chroma) < 0 || chroma != 1 ||
            read_exp_golomb(&bits, &luma_depth) < 0 || read_exp_golomb(&bits, &chroma_depth) < 0)
                return -EBADMSG;
        return luma_depth == 0 && chroma_depth == 0 ? 0 : -EBADMSG;
}

// ---- AVCDecoderConfigurationRecord ---------------------------------------------------------------------------

struct writer {
        uint8_t *bytes;
        size_t room, size;
};

static int put(struct writer *to, const void *bytes, size_t size)
{
        if (size > to->room - to->size)
                return -ENOBUFS;
        memcpy(to->bytes + to->size, bytes, size);
        to->size += size;
        return 0;
}

static int put_sets(struct writer *to, uint8_t count_mask, const struct nal *sets, unsigned count)
{
        const uint8_t head = (uint8_t)(count_mask | count);
        int r = put(to, &head, 1);

        for (unsigned i = 0; i < count && r == 0; i++) {
                const uint8_t length[2] = { (uint8_t)(sets[i].size >> 8), (uint8_t)sets[i].size };

                r = sets[i].size > UINT16_MAX ? -EBADMSG : put(to, length, 2);
                if (r == 0)
                        r = put(to, sets[i].bytes, sets[i].size);
        }
        return r;
}

int bc_avc_config_make(const uint8_t *stream, size_t stream_bytes, uint8_t *config, size_t room_bytes,
                       size_t *ret_bytes)
{
        struct nal sps[SETS_MAX], pps[SETS_MAX], nal;
        unsigned sps_count = 0, pps_count = 0;
        struct writer to = { .bytes = config, .room = room_bytes };
        const uint8_t *at = stream;
        int r;

        while (next_nal(&at, stream + stream_bytes, &nal)) {
                if (nal.size == 0)
                        return -EBADMSG;
                if (type_of(nal) == NAL_SPS && sps_count < SETS_MAX)
                        sps[sps_count++] = nal;
                else if (type_of(nal) == NAL_PPS && pps_count < SETS_MAX)
                        pps[pps_count++] = nal;
                else if (type_of(nal) == NAL_SPS || type_of(nal) == NAL_PPS)
                        return -EBADMSG;
        }
        if (sps_count == 0 || pps_count == 0)
                return -EBADMSG;
        for (unsigned i = 0; i < sps_count; i++)
                if (check_sample_format(sps[i]) < 0)
                        return -EBADMSG;

        // Reserved bits are ones; lengths have 4 bytes.
        r = put(&to,
                (const uint8_t[]){ 1, sps[0].bytes[1], sps[0].bytes[2], sps[0].bytes[3],
                                   0xfc | (LENGTH_BYTES - 1) },
                5);
        if (r == 0)
                r = put_sets(&to, 0xe0, sps, sps_count);
        if (r == 0)
                r = put_sets(&to, 0, pps, pps_count);
        if (r == 0 && profile_tells_format(sps[0].bytes[1]))
                r = put(&to, (const uint8_t[]){ 0xfc | 1, 0xf8, 0xf8, 0 },
                        4); // 4:2:0, 8 bits, no extension sets
        if (r < 0)
                return r;
        *ret_bytes = to.size;
        return 0;
}

// Whether config (made by bc_avc_config_make()) holds this parameter set.
static bool config_holds(const uint8_t *config, size_t config_bytes, struct nal set)
{
        size_t at = 5;

        for (int kind = 0; kind < 2; kind++) {
                unsigned count = at < config_bytes ? config[at++] & 0x1f : 0;

                while (count-- > 0 && at + 2 <= config_bytes) {
                        size_t size = (size_t)config[at] << 8 | config[at + 1];

                        at += 2;
                        if (size > config_bytes - at)
                                return false;
                        if (size == set.size && memcmp(config + at, set.bytes, size) == 0)
                                return true;
                        at += size;
                }
        }
        return false;
}

// ---- access unit ---------------------------------------------------------------------------------------------

size_t bc_avc_unit_room(size_t stream_bytes)
{
        // A start code of 3 bytes and a NAL unit of at least 1 become one byte longer.
        return stream_bytes + stream_bytes / 4 + 1;
}

int bc_avc_unit_make(const uint8_t *config, size_t config_bytes, const uint8_t *stream, size_t stream_bytes,
                     uint8_t *unit, size_t room_bytes, size_t *ret_bytes, bool *ret_key)
{
        struct writer to = { .bytes = unit, .room = room_bytes };
        const uint8_t *at = stream;
        bool key = false;
        struct nal nal;

        while (next_nal(&at, stream + stream_bytes, &nal)) {
                const uint8_t length[LENGTH_BYTES] = { (uint8_t)(nal.size >> 24), (uint8_t)(nal.size >> 16),
                                                       (uint8_t)(nal.size >> 8), (uint8_t)nal.size };

                if (nal.size == 0 || nal.size > UINT32_MAX)
                        return -EBADMSG;
                switch (type_of(nal)) {
                case NAL_DELIMITER:
                        continue;
                case NAL_SPS:
                case NAL_PPS:
                        if (!config_holds(config, config_bytes, nal))
                                return -EPROTO;
                        continue;
                case NAL_IDR:
                        key = true;
                        break;
                default:
                        break;
                }
                if (put(&to, length, sizeof(length)) < 0 || put(&to, nal.bytes, nal.size) < 0)
                        return -ENOBUFS;
        }
        if (to.size == 0)
                return -EBADMSG;
        *ret_bytes = to.size;
        *ret_key = key;
        return 0;
}
