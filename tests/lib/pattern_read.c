// SPDX-License-Identifier: EUPL-1.2
#include "lib/pattern_read.h"

#include <errno.h>

#include "pattern/card.h"

#define CONTRAST_MIN 40 // between the white and the black column
#define FLASH_LUMA_MIN 180

// Mean luma of a rectangle.
static uint32_t mean(const uint8_t *luma, size_t stride, uint32_t x, uint32_t y, uint32_t x_end,
                     uint32_t y_end)
{
        uint64_t sum = 0, count = 0;

        for (uint32_t row = y; row < y_end; row++)
                for (uint32_t column = x; column < x_end; column++, count++)
                        sum += luma[row * stride + column];
        return count > 0 ? (uint32_t)(sum / count) : 0;
}

// Mean luma of the middle of a block: its rim suffers most from compression and scaling.
static uint32_t block(const uint8_t *luma, size_t stride, uint32_t width, uint32_t height, uint32_t column,
                      uint32_t row)
{
        uint32_t x = bc_card_x(width, column), x_end = bc_card_x(width, column + 1);
        uint32_t y = bc_card_y(height, row), y_end = bc_card_y(height, row + 1);
        uint32_t rim_x = (x_end - x) / 4, rim_y = (y_end - y) / 4;

        return mean(luma, stride, x + rim_x, y + rim_y, x_end - rim_x, y_end - rim_y);
}

int bc_pattern_read_number(const uint8_t *luma, size_t stride, uint32_t width_px, uint32_t height_px,
                           uint32_t *ret_number)
{
        uint32_t bits[BC_CARD_CODE_ROWS] = { 0 }, number;

        for (uint32_t row = 0; row < BC_CARD_CODE_ROWS; row++) {
                uint32_t y = BC_CARD_CODE_ROW + row;
                uint32_t white = block(luma, stride, width_px, height_px, 0, y);
                uint32_t black = block(luma, stride, width_px, height_px, BC_CARD_COLUMNS - 1, y);

                if (white < black + CONTRAST_MIN)
                        return -EBADMSG;
                for (uint32_t column = 0; column < BC_CARD_CODE_COLUMNS; column++) {
                        uint32_t value = block(luma, stride, width_px, height_px,
                                               BC_CARD_CODE_COLUMN + column, y);

                        bits[row] = bits[row] << 1 | (value > (white + black) / 2);
                }
        }
        number = bits[0] << 16 | bits[1];
        if (bits[2] != bc_card_check(number))
                return -EBADMSG;
        *ret_number = number;
        return 0;
}

bool bc_pattern_read_flash(const uint8_t *luma, size_t stride, uint32_t width_px, uint32_t height_px)
{
        uint32_t code = bc_card_y(height_px, BC_CARD_CODE_ROW);
        uint32_t code_end = bc_card_y(height_px, BC_CARD_CODE_ROW + BC_CARD_CODE_ROWS);

        return mean(luma, stride, 0, 0, width_px, code) >= FLASH_LUMA_MIN &&
               mean(luma, stride, 0, code_end, width_px, height_px) >= FLASH_LUMA_MIN;
}
