// SPDX-License-Identifier: EUPL-1.2
#include "pattern/card.h"

#include <stddef.h>
#include <string.h>

#include "simulated/random.h"

#define LUMA_BLACK 16
#define LUMA_WHITE 235
#define LUMA_GROUND 72
#define LUMA_CARD 170
#define CHROMA_NONE 128

#define DIGITS 10 // of a 32-bit number
#define DIGIT_WIDTH 5
#define DIGIT_HEIGHT 7
#define DIGIT_ROW 2
#define CARD_ROW 10
#define CARD_ROWS 3

// Row by row from the top, the leftmost column in bit 4.
static const uint8_t digit_rows[10][DIGIT_HEIGHT] = {
        { 0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e }, { 0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e },
        { 0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f }, { 0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e },
        { 0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02 }, { 0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e },
        { 0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e }, { 0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08 },
        { 0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e }, { 0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c },
};

static void fill_bytes(uint8_t *plane, size_t stride, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                       uint8_t value)
{
        for (uint32_t row = 0; row < height; row++)
                memset(plane + (size_t)(y + row) * stride + x, value, width);
}

static void fill_luma(struct bc_frame *frame, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                      uint8_t luma)
{
        fill_bytes(frame->plane[0], frame->stride_bytes[0], x, y, width, height, luma);
}

// In chroma samples: half the picture's px.
static void fill_chroma(struct bc_frame *frame, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                        uint8_t cb, uint8_t cr)
{
        if (frame->format == BC_PIXEL_I420) {
                fill_bytes(frame->plane[1], frame->stride_bytes[1], x, y, width, height, cb);
                fill_bytes(frame->plane[2], frame->stride_bytes[2], x, y, width, height, cr);
                return;
        }
        for (uint32_t row = 0; row < height; row++) {
                uint8_t *at = frame->plane[1] + (size_t)(y + row) * frame->stride_bytes[1] + 2 * (size_t)x;

                for (uint32_t column = 0; column < width; column++) {
                        at[2 * column] = cb;
                        at[2 * column + 1] = cr;
                }
        }
}

static uint64_t noise_bytes(uint8_t *plane, size_t stride, uint32_t width, uint32_t height, uint64_t seed,
                            uint64_t at)
{
        for (uint32_t row = 0; row < height; row++)
                for (uint32_t x = 0; x < width; x += 8) {
                        uint64_t eight = bc_random_at(seed, at++);

                        memcpy(plane + row * stride + x, &eight, width - x < 8 ? width - x : 8);
                }
        return at;
}

static void paint_noise(const struct bc_card *card, struct bc_frame *frame)
{
        uint32_t width = frame->width_px, height = frame->height_px;
        uint64_t seed = bc_random_at(card->seed, card->number), at = 0;

        at = noise_bytes(frame->plane[0], frame->stride_bytes[0], width, height, seed, at);
        if (frame->format == BC_PIXEL_NV12) {
                noise_bytes(frame->plane[1], frame->stride_bytes[1], width, height / 2, seed, at);
                return;
        }
        at = noise_bytes(frame->plane[1], frame->stride_bytes[1], width / 2, height / 2, seed, at);
        noise_bytes(frame->plane[2], frame->stride_bytes[2], width / 2, height / 2, seed, at);
}

static void paint_digit(struct bc_frame *frame, unsigned digit, uint32_t left, uint32_t top, uint32_t scale,
                        uint8_t luma)
{
        for (uint32_t row = 0; row < DIGIT_HEIGHT; row++)
                for (uint32_t column = 0; column < DIGIT_WIDTH; column++)
                        if (digit_rows[digit][row] >> (DIGIT_WIDTH - 1 - column) & 1)
                                fill_luma(frame, left + column * scale, top + row * scale, scale, scale,
                                          luma);
}

static void paint_digits(const struct bc_card *card, struct bc_frame *frame)
{
        uint32_t top = bc_card_y(frame->height_px, DIGIT_ROW);
        uint32_t room = bc_card_y(frame->height_px, DIGIT_ROW + 3) - top;
        uint32_t scale = frame->width_px / (DIGITS * (DIGIT_WIDTH + 1) + 1);
        uint32_t left, number = card->number;

        if (scale > room / DIGIT_HEIGHT)
                scale = room / DIGIT_HEIGHT;
        left = (frame->width_px - DIGITS * (DIGIT_WIDTH + 1) * scale) / 2;
        for (uint32_t place = DIGITS; place-- > 0; number /= 10)
                paint_digit(frame, number % 10, left + place * (DIGIT_WIDTH + 1) * scale, top, scale,
                            card->flash ? LUMA_BLACK : LUMA_WHITE);
}

static void paint_block(struct bc_frame *frame, uint32_t column, uint32_t row, bool white)
{
        uint32_t x = bc_card_x(frame->width_px, column), y = bc_card_y(frame->height_px, row);

        fill_luma(frame, x, y, bc_card_x(frame->width_px, column + 1) - x,
                  bc_card_y(frame->height_px, row + 1) - y, white ? LUMA_WHITE : LUMA_BLACK);
}

static void paint_code(const struct bc_card *card, struct bc_frame *frame)
{
        const uint32_t bits[BC_CARD_CODE_ROWS] = { card->number >> 16, card->number & 0xffff,
                                                   bc_card_check(card->number) };
        uint32_t top = bc_card_y(frame->height_px, BC_CARD_CODE_ROW) / 2;
        uint32_t bottom = bc_card_y(frame->height_px, BC_CARD_CODE_ROW + BC_CARD_CODE_ROWS) / 2;

        // No colour under the blocks: it would cost luma when bits are scarce.
        fill_chroma(frame, 0, top, frame->width_px / 2, bottom - top, CHROMA_NONE, CHROMA_NONE);
        for (uint32_t row = 0; row < BC_CARD_CODE_ROWS; row++) {
                paint_block(frame, 0, BC_CARD_CODE_ROW + row, true);
                for (uint32_t column = 0; column < BC_CARD_CODE_COLUMNS; column++)
                        paint_block(frame, BC_CARD_CODE_COLUMN + column, BC_CARD_CODE_ROW + row,
                                    bits[row] >> (BC_CARD_CODE_COLUMNS - 1 - column) & 1);
                paint_block(frame, BC_CARD_COLUMNS - 1, BC_CARD_CODE_ROW + row, false);
        }
}

static void paint_moving_card(const struct bc_card *card, struct bc_frame *frame)
{
        uint32_t top = bc_card_y(frame->height_px, CARD_ROW) & ~1u;
        uint32_t side = (bc_card_y(frame->height_px, CARD_ROW + CARD_ROWS) - top) & ~1u;
        uint32_t left;

        if (side > frame->width_px)
                side = frame->width_px;
        left = (uint32_t)((uint64_t)(frame->width_px - side) * card->phase / 1000) & ~1u;
        fill_luma(frame, left, top, side, side, LUMA_CARD);
        fill_chroma(frame, left / 2, top / 2, side / 2, side / 2, 74, 200); // orange
}

void bc_card_paint(const struct bc_card *card, struct bc_frame *frame)
{
        if (card->noise && !card->flash) {
                paint_noise(card, frame);
        } else {
                fill_luma(frame, 0, 0, frame->width_px, frame->height_px,
                          card->flash ? LUMA_WHITE : LUMA_GROUND);
                fill_chroma(frame, 0, 0, frame->width_px / 2, frame->height_px / 2, CHROMA_NONE, CHROMA_NONE);
                if (!card->flash)
                        paint_moving_card(card, frame);
                paint_digits(card, frame);
        }
        paint_code(card, frame);
}
