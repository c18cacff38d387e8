// SPDX-License-Identifier: EUPL-1.2
// Makes one picture of whatever a decoder gives into the frame a camera delivers: upright, deinterlaced,
// scaled with its aspect kept, between black bars, I420 of limited range. Each picture stands for itself.
// Thread-bound.
#ifndef BC_FILE_SCALER_H
#define BC_FILE_SCALER_H

#include <stdint.h>

#include <libavutil/frame.h>

#include "bodycam/frame.h"

struct bc_clip_scaler;

// matrix: how the clip is to be turned (copied), or NULL. 0 or -ENOMEM.
int bc_clip_scaler_new(uint32_t width_px, uint32_t height_px, const int32_t *matrix,
                       struct bc_clip_scaler **ret_scaler);

// NULL is allowed.
void bc_clip_scaler_free(struct bc_clip_scaler *scaler);

// 0; -ERANGE: sides out of range; or another negative errno.
int bc_clip_scaler_paint(struct bc_clip_scaler *scaler, const AVFrame *picture, struct bc_frame *frame);

// Gets ready for pictures like this one: the errors of paint, without painting.
int bc_clip_scaler_prepare(struct bc_clip_scaler *scaler, const AVFrame *picture);

#endif
