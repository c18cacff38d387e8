// SPDX-License-Identifier: EUPL-1.2
// The test card: a picture that says which one it is, to the eye and to a program.
//
// The picture is a grid of 18 columns by 15 rows. Rows 2-4 hold the frame number in digits; rows 6-8 the same
// in blocks, white for 1 and black for 0, highest bit first: its upper half, its lower half, and their check
// bits. Column 0 of these rows is white and column 17 black, to measure by. A card moves along rows 10-12.
// Rows 0, 1, 13 and 14 stay free for picture text. In the flash everything is white but digits and blocks.
// The blocks survive H.264 at low rates down to 160 x 120; below 18 x 15 there are none.
#ifndef BC_PATTERN_CARD_H
#define BC_PATTERN_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "bodycam/frame.h"

#define BC_CARD_COLUMNS 18
#define BC_CARD_ROWS 15
#define BC_CARD_CODE_ROW 6
#define BC_CARD_CODE_ROWS 3
#define BC_CARD_CODE_COLUMN 1
#define BC_CARD_CODE_COLUMNS 16

// Left and upper edge of a column and a row, in px.
static inline uint32_t bc_card_x(uint32_t width_px, uint32_t column)
{
        return width_px * column / BC_CARD_COLUMNS;
}

static inline uint32_t bc_card_y(uint32_t height_px, uint32_t row)
{
        return height_px * row / BC_CARD_ROWS;
}

// CRC-16 (polynomial 0x1021, from 0xffff) over the number's four bytes, highest first: one misread block
// never makes another number.
static inline uint16_t bc_card_check(uint32_t number)
{
        uint32_t crc = 0xffff;

        for (unsigned bit = 0; bit < 32; bit++) {
                uint32_t out = (crc >> 15) ^ (number >> (31 - bit) & 1);

                crc = (crc << 1 & 0xffff) ^ (out ? 0x1021u : 0u);
        }
        return (uint16_t)crc;
}

struct bc_card {
        uint32_t number;
        bool flash;
        bool noise;     // white noise instead of the background, the digits and the moving card
        uint64_t seed;  // of the noise
        uint32_t phase; // of the movement, 0 .. 999; the card is home at 0
};

// Paints the whole frame, whatever its size and format.
void bc_card_paint(const struct bc_card *card, struct bc_frame *frame);

#endif
