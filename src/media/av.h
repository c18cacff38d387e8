// SPDX-License-Identifier: EUPL-1.2
// What the files that call FFmpeg share.
#ifndef BC_MEDIA_AV_H
#define BC_MEDIA_AV_H

#include <errno.h>
#include <libavutil/error.h>

// FFmpeg's error codes as negative errno: those that are none (made of four letters) become -EIO.
static inline int bc_errno_from_av(int r)
{
        return r > -4096 ? r : -EIO;
}

// Errors only: the rest of what FFmpeg says at each opening is noise in a journal. For log_level_offset.
#define BC_AV_LOG_OFFSET 16

#endif
