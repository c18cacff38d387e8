// SPDX-License-Identifier: EUPL-1.2
// Reads and decodes one stream of a file, again and again.
//
// Thread-bound. Returning to the start is a seek, checked by the first packet that comes; where a file cannot
// do that it is opened again instead.
#ifndef BC_FILE_READER_H
#define BC_FILE_READER_H

#include <stddef.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "file/clip.h"

struct bc_clip_reader;

// Stands at the start. Borrows the track for good. 0, or negative errno with a message in text.
int bc_clip_reader_new(const struct bc_clip_track *track, char *text, size_t text_bytes,
                       struct bc_clip_reader **ret_reader);

// NULL is allowed.
void bc_clip_reader_free(struct bc_clip_reader *reader);

// The next picture or piece of sound, lent until the next call, and in *ret_broken how many could not be
// decoded before it. 0; -ENODATA: the clip has ended, *ret_broken holds as well; or another negative errno.
int bc_clip_reader_next(struct bc_clip_reader *reader, const AVFrame **ret_frame, uint32_t *ret_broken);

// Time stamp of a frame of this reader: bc_clip_ns().
int64_t bc_clip_reader_ns(const struct bc_clip_reader *reader, const AVFrame *frame);

int bc_clip_reader_rewind(struct bc_clip_reader *reader);

// To a place at or before a time, from which everything after that time can be decoded; the start if nothing
// else can be had.
int bc_clip_reader_seek(struct bc_clip_reader *reader, int64_t time_ns);

// Its display matrix (ISO/IEC 14496-12, 8.3.2.3: nine fixed-point numbers), or NULL.
const int32_t *bc_clip_reader_matrix(const struct bc_clip_reader *reader);

#endif
