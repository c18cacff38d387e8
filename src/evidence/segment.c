// SPDX-License-Identifier: EUPL-1.2
#include "evidence/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pulse.h"
#include "format/finalise.h"

#define SECTOR_BYTES 512

size_t bc_segment_room(size_t samples)
{
        return BC_INIT_BYTES_MAX + BC_FRAGMENT_HEADER_BYTES_MAX(samples);
}

int bc_segment_init(struct bc_segment *segment, int folder_fd, const char *name, const struct bc_init *init)
{
        if (bc_init_check(init) < 0)
                return -EINVAL;
        *segment = (struct bc_segment){ .fd = -1, .folder_fd = folder_fd, .init = *init };
        snprintf(segment->name, sizeof(segment->name), "%s", name);
        bc_sample_table_init(&segment->table, init);
        return 0;
}

void bc_segment_done(struct bc_segment *segment)
{
        BC_IN_DEVICE;

        bc_cleanup_fd(&segment->fd);
        segment->fd = -1;
        if (segment->sealer)
                bc_sealing_give(segment->sealing, segment->sealer);
        segment->sealer = NULL;
        EVP_MD_CTX_free(segment->stored);
        segment->stored = NULL;
        bc_sample_table_done(&segment->table);
}

int bc_segment_seal(struct bc_segment *segment, struct bc_sealing *sealing, const struct bc_sealed_header *about)
{
        segment->stored = EVP_MD_CTX_new();
        if (!segment->stored || EVP_DigestInit_ex(segment->stored, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        segment->sealer = bc_sealing_take(sealing);
        if (!segment->sealer)
                return -ENOBUFS;
        segment->sealing = sealing;
        segment->about = *about;
        return 0;
}

uint64_t bc_segment_file_bytes(const struct bc_segment *segment)
{
        return segment->sealer ? segment->file_bytes : segment->durable_bytes;
}

int bc_segment_stored_hash(struct bc_segment *segment, uint8_t ret_sha256[BC_HASH_BYTES])
{
        if (!segment->stored || segment->broken || segment->final_moov_offset == 0)
                return -ENODATA;
        return EVP_DigestFinal_ex(segment->stored, ret_sha256, NULL) == 1 ? 0 : -EIO;
}

static int write_durably(struct bc_segment *segment, const uint8_t *bytes, size_t size, uint64_t offset)
{
        int r = bc_file_write_at(segment->fd, bytes, size, offset);

        return r < 0 ? r : bc_file_sync_data(segment->fd);
}

// The head ends where the fragment begins; returns its size.
static int put_head(struct bc_segment *segment, uint8_t *fragment, size_t room, size_t *ret_bytes)
{
        uint8_t head[BC_INIT_BYTES_MAX];
        struct bc_init parsed;
        int r;

        r = bc_init_write(&segment->init, head, sizeof(head), ret_bytes);
        if (r < 0)
                return r;
        if (*ret_bytes > room)
                return -ENOBUFS;
        r = bc_init_parse(head, *ret_bytes, &parsed, &segment->layout);
        if (r < 0)
                return r;
        // Finalising overwrites 8 bytes in place: they must not straddle two sectors, or a power cut could tear them.
        if (segment->layout.moov_offset / SECTOR_BYTES != (segment->layout.moov_offset + BC_PATCH_BYTES - 1) / SECTOR_BYTES)
                return -EINVAL;
        memcpy(fragment - *ret_bytes, head, *ret_bytes);
        return 0;
}

static int create(struct bc_segment *segment)
{
        int fd = segment->sealer ? bc_file_create_appending(segment->folder_fd, segment->name)
                                 : bc_file_create(segment->folder_fd, segment->name);

        if (fd < 0)
                return fd;
        segment->fd = fd;
        return 0;
}

// ---- sealing ---------------------------------------------------------------------------------------------------

// Whatever the cause: there is no other way to write it.
static int cannot_seal(const struct bc_segment *segment, int error)
{
        bc_log_error("%s cannot be sealed: %s", segment->name, strerror(-error));
        return error == -ENOMEM ? -ENOMEM : -ENOKEY;
}

// How the file begins, in front of what plain_bytes become. Before the record is composed that states its hash.
static int begin_seal(struct bc_segment *segment, size_t plain_bytes, size_t *ret_begin_bytes)
{
        size_t room;
        uint8_t *bytes = bc_sealing_room(segment->sealing, plain_bytes, &room);
        int r = bytes ? bc_sealer_begin(segment->sealer, &segment->about, bytes, room, ret_begin_bytes, segment->seal) : -ENOMEM;

        return r < 0 ? cannot_seal(segment, r) : 0;
}

// Seals n bytes behind begin_bytes of the buffer, and writes both with one write. final: nothing follows.
static int write_sealed(struct bc_segment *segment, size_t begin_bytes, const uint8_t *plain, size_t n, bool final)
{
        size_t room, sealed_bytes;
        uint8_t *bytes = bc_sealing_room(segment->sealing, n, &room);
        int r = bytes ? 0 : -ENOMEM;

        if (segment->broken)
                return -EIO;
        segment->broken = true; // until it succeeded
        if (r == 0)
                r = (final ? bc_sealer_finish : bc_sealer_seal)(segment->sealer, plain, n, bytes + begin_bytes, room - begin_bytes,
                                                               &sealed_bytes);
        if (r < 0)
                return cannot_seal(segment, r);
        r = write_durably(segment, bytes, begin_bytes + sealed_bytes, segment->file_bytes);
        if (r == 0 && EVP_DigestUpdate(segment->stored, bytes, begin_bytes + sealed_bytes) != 1)
                r = -EIO;
        if (r < 0)
                return r;
        segment->broken = false;
        segment->file_bytes += begin_bytes + sealed_bytes;
        return 0;
}

// ---- fragments and records -------------------------------------------------------------------------------------

static int write_more(struct bc_segment *segment, size_t begin_bytes, const uint8_t *bytes, size_t n)
{
        if (segment->sealer)
                return write_sealed(segment, begin_bytes, bytes, n, false);
        return write_durably(segment, bytes, n, segment->durable_bytes);
}

// Records and the moov must fit behind what is written as well.
static bool is_full(const struct bc_segment *segment, uint64_t bytes)
{
        return segment->durable_bytes + bytes + bc_finalise_bytes(&segment->init, &segment->table) + BC_INIT_BYTES_MAX +
                       64 * (uint64_t)BC_FRAGMENT_SAMPLES_MAX + 4 * (uint64_t)BC_RECORD_BYTES_MAX >
               BC_SEGMENT_BYTES_MAX;
}

int bc_segment_append(struct bc_segment *segment, const struct bc_run *run, size_t runs, uint8_t *bytes,
                      size_t room, size_t payload_bytes, const struct bc_segment_company *company)
{
        size_t header_bytes = bc_fragment_header_bytes(run, runs), head_bytes = 0, begin_bytes = 0, n;
        bool first = segment->fd < 0;
        uint8_t *fragment;
        int r;

        if (header_bytes > room)
                return -ENOBUFS;
        fragment = bytes + room - header_bytes;
        if (is_full(segment, header_bytes + payload_bytes))
                return -EFBIG;
        r = bc_fragment_build(segment->table.fragments + 1, run, runs, fragment, header_bytes, &header_bytes);
        if (r == 0 && first)
                r = put_head(segment, fragment, room - header_bytes, &head_bytes);
        if (r < 0)
                return r;
        n = head_bytes + header_bytes + payload_bytes;
        if (first && segment->sealer)
                r = begin_seal(segment, n + BC_SEGMENT_BEHIND_BYTES, &begin_bytes);
        if (r < 0)
                return r;
        if (company)
                n += company->join(company->user, fragment - head_bytes, n, fragment - head_bytes + n);
        if (first)
                r = create(segment);
        if (r == 0)
                r = write_more(segment, begin_bytes, fragment - head_bytes, n);
        if (r == 0 && first)
                r = bc_folder_sync(segment->folder_fd);
        if (r == 0)
                r = bc_sample_table_add(&segment->table, segment->durable_bytes + head_bytes,
                                        segment->table.fragments + 1, run, runs);
        if (r < 0)
                return r;
        segment->durable_bytes += n;
        return 0;
}

int bc_segment_append_record(struct bc_segment *segment, const uint8_t *box, size_t n)
{
        int r = write_more(segment, 0, box, n);

        if (r == 0)
                segment->durable_bytes += n;
        return r;
}

int bc_segment_build_moov(const struct bc_segment *segment, size_t room, uint8_t **ret_bytes, size_t *ret_moov_bytes)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = NULL;
        size_t n = bc_finalise_bytes(&segment->init, &segment->table);
        int r;

        if (segment->table.fragments == 0)
                return -ENODATA;
        bytes = malloc(room + n);
        if (!bytes)
                return -ENOMEM;
        r = bc_finalise_build(&segment->init, &segment->table, bytes + room, n, ret_moov_bytes);
        if (r == 0)
                *ret_bytes = BC_TAKE(bytes);
        return r;
}

int bc_segment_end(struct bc_segment *segment, const uint8_t *bytes, size_t record_bytes, size_t moov_bytes)
{
        int r;

        if (segment->sealer)
                moov_bytes = 0;
        r = segment->sealer ? write_sealed(segment, 0, bytes, record_bytes, true)
                            : write_durably(segment, bytes, record_bytes + moov_bytes, segment->durable_bytes);
        if (r < 0)
                return r;
        segment->final_moov_offset = segment->durable_bytes + record_bytes;
        segment->durable_bytes += record_bytes + moov_bytes;
        return 0;
}

int bc_segment_end_again(struct bc_segment *segment, const uint8_t *bytes, size_t record_bytes, size_t moov_bytes, int error,
                         int *ret_error)
{
        if (segment->sealer)
                return error;
        bc_log_error("the end of %s could not be written: %s; it is written once more", segment->name, strerror(-error));
        *ret_error = error;
        return bc_segment_end(segment, bytes, record_bytes, moov_bytes);
}

int bc_segment_patch(struct bc_segment *segment)
{
        uint8_t patch[BC_PATCH_BYTES];
        int r;

        if (segment->sealer)
                return 0;
        r = bc_finalise_patch(&segment->layout, segment->final_moov_offset, patch);
        return r < 0 ? r : write_durably(segment, patch, sizeof(patch), segment->layout.moov_offset);
}

int bc_segment_finalise(struct bc_segment *segment)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *moov = NULL;
        size_t moov_bytes;
        int r = bc_segment_build_moov(segment, 0, &moov, &moov_bytes);

        if (r == 0)
                r = bc_segment_end(segment, moov, 0, moov_bytes);
        return r < 0 ? r : bc_segment_patch(segment);
}
