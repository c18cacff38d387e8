// SPDX-License-Identifier: EUPL-1.2
// Reads a test card (drivers/pattern/card.h) from the luma of a picture of any size.
#ifndef BC_TESTS_PATTERN_READ_H
#define BC_TESTS_PATTERN_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// 0: *ret_number is the frame number. -EBADMSG: there is none to be read, or its check bits do not fit.
int bc_pattern_read_number(const uint8_t *luma, size_t stride, uint32_t width_px, uint32_t height_px,
                           uint32_t *ret_number);

// Whether it is the flash: nearly all white above and below the blocks.
bool bc_pattern_read_flash(const uint8_t *luma, size_t stride, uint32_t width_px, uint32_t height_px);

#endif
