// SPDX-License-Identifier: EUPL-1.2
// What a glyph looks like is for test_overlay_read.py, which renders it by other means.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "media/glyphs.h"

#define MONO "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
#define SANS "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

// ---- memory that runs out --------------------------------------------------------------------------------------

static long allocations_left = -1; // before one fails; -1: none does

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static int fails(void)
{
        if (allocations_left < 0)
                return 0;
        return allocations_left == 0 || !allocations_left--;
}

void *__wrap_malloc(size_t size)
{
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
        return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
        return fails() ? NULL : __real_realloc(memory, size);
}

// ---- tests -----------------------------------------------------------------------------------------------------

static struct bc_glyphs *glyphs_of(const char *font_path, uint32_t size_px, const char *characters)
{
        struct bc_glyphs_use use = { "test", characters };
        struct bc_glyphs *glyphs = NULL;
        char text[256];

        assert_int_equal(bc_glyphs_new(font_path, size_px, &use, 1, text, sizeof(text), &glyphs), 0);
        return glyphs;
}

static void assert_refused(const char *font_path, const char *characters, int error, const char *expected)
{
        struct bc_glyphs_use uses[] = { { "time", "0" }, { "unit id", characters } };
        struct bc_glyphs *glyphs = NULL;
        char text[256] = "";

        assert_int_equal(bc_glyphs_new(font_path, 20, uses, 2, text, sizeof(text), &glyphs), error);
        assert_string_equal(text, expected);
        assert_null(glyphs);
}

static void test_widths(void **state)
{
        struct bc_glyphs *mono = glyphs_of(MONO, 20, "0123456789AIil: ?");
        struct bc_glyphs *sans = glyphs_of(SANS, 20, "0123456789AIil: ?");

        (void)state;
        assert_int_equal(bc_glyphs_width_px(mono, ""), 0);
        assert_int_equal(bc_glyphs_width_px(mono, "A"), 12); // 0.602 em
        assert_int_equal(bc_glyphs_width_px(mono, "01:Ii l"), 7 * 12);
        assert_int_equal(bc_glyphs_widest_px(mono, "01:Ii l"), 7 * 12);
        assert_true(bc_glyphs_width_px(sans, "iiii") < bc_glyphs_width_px(sans, "AAAA"));
        assert_int_equal(bc_glyphs_width_px(sans, "iA"),
                         bc_glyphs_width_px(sans, "i") + bc_glyphs_width_px(sans, "A"));
        assert_true(bc_glyphs_widest_px(sans, "11:1") >= bc_glyphs_width_px(sans, "80:8"));
        // What is not in the atlas stands as ?
        assert_int_equal(bc_glyphs_width_px(sans, "Ж"), bc_glyphs_width_px(sans, "?"));
        bc_glyphs_free(mono);
        bc_glyphs_free(sans);
        bc_glyphs_free(NULL);
}

static void test_heights_are_those_of_what_is_used(void **state)
{
        struct bc_glyphs *flat = glyphs_of(MONO, 40, "-"), *capital = glyphs_of(MONO, 40, "H"),
                         *tail = glyphs_of(MONO, 40, "Hg");

        (void)state;
        assert_int_equal(bc_glyphs_below_px(flat), 0);
        assert_int_equal(bc_glyphs_above_px(capital), 29); // 0.729 em
        assert_int_equal(bc_glyphs_below_px(capital), 0);
        assert_int_equal(bc_glyphs_above_px(tail), bc_glyphs_above_px(capital));
        assert_in_range(bc_glyphs_below_px(tail), 8, 10);
        bc_glyphs_free(flat);
        bc_glyphs_free(capital);
        bc_glyphs_free(tail);
}

// Wherever a text lies, nothing is written outside its cell, and what lies in it is drawn.
static void test_a_cell_is_never_left(void **state)
{
        struct bc_glyphs *glyphs = glyphs_of(SANS, 24, "WjÅ");
        enum { STRIDE = 100, ROWS = 80, LEFT = 30, TOP = 20, WIDTH = 40, HEIGHT = 30 };
        uint8_t pixels[STRIDE * ROWS];

        (void)state;
        for (uint32_t x = 0; x < WIDTH; x++)
                for (uint32_t baseline = 0; baseline <= HEIGHT; baseline++) {
                        struct bc_glyphs_cell cell = { pixels + TOP * STRIDE + LEFT, STRIDE, WIDTH, HEIGHT };
                        uint32_t outside = 0, white = 0;

                        memset(pixels, 16, sizeof(pixels));
                        bc_glyphs_draw(glyphs, "WjÅWjÅ", &cell, (int32_t)x, baseline);
                        for (uint32_t at = 0; at < sizeof(pixels); at++) {
                                uint32_t row = at / STRIDE, column = at % STRIDE;

                                if (row < TOP || row >= TOP + HEIGHT || column < LEFT ||
                                    column >= LEFT + WIDTH)
                                        outside += pixels[at] != 16;
                                assert_in_range(pixels[at], 16, BC_GLYPHS_WHITE);
                                white += pixels[at] == BC_GLYPHS_WHITE;
                        }
                        assert_int_equal(outside, 0);
                        if (x < WIDTH / 2 && baseline > 10)
                                assert_true(white > 0);
                }
        bc_glyphs_free(glyphs);
}

static void test_refused_texts(void **state)
{
        const struct {
                const char *text, *code;
        } texts[] = { { "A\u05d0", "05D0" }, { "\u0627\u0628", "0627" }, { "e\u0301", "0301" },
                      { "\u0e01", "0E01" },  { "A\u200bB", "200B" },     { "\U0001f600", "1F600" } };
        char expected[256];

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                snprintf(
                        expected, sizeof(expected),
                        "overlay: unit id: U+%s needs shaping or right-to-left order, which the overlay does not do",
                        texts[i].code);
                assert_refused(MONO, texts[i].text, -EINVAL, expected);
        }
        assert_refused(MONO, "A\nB", -EINVAL, "overlay: unit id: U+000A is a control character");
        assert_refused(MONO, "AB\xff", -EINVAL, "overlay: unit id: not UTF-8 from byte 3 on");
        assert_refused(MONO, "A\u4e2d", -EINVAL, "overlay font " MONO " lacks glyph U+4E2D of the unit id");
}

static void test_refused_fonts(void **state)
{
        char path[] = "/tmp/bc-font-XXXXXX", expected[256];
        int fd = mkstemp(path);

        (void)state;
        assert_refused("/nowhere/font.ttf", "A", -ENOENT,
                       "overlay font /nowhere/font.ttf: No such file or directory");
        assert_refused("/tmp", "A", -EINVAL, "overlay font /tmp: no regular file");
        assert_true(fd >= 0);
        snprintf(expected, sizeof(expected), "overlay font %s: not a font", path);
        assert_refused(path, "A", -EINVAL, expected);
        assert_int_equal(write(fd, "no font either", 14), 14);
        assert_refused(path, "A", -EINVAL, expected);
        close(fd);
        unlink(path);
}

static void test_a_link_to_a_font_will_do(void **state)
{
        char path[] = "/tmp/bc-font-XXXXXX";
        int fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        unlink(path);
        assert_int_equal(symlink(MONO, path), 0);
        bc_glyphs_free(glyphs_of(path, 20, "A"));
        unlink(path);
}

static void test_memory_runs_out_anywhere(void **state)
{
        struct bc_glyphs_use use = { "test", "0123456789" };
        int r = -ENOMEM;

        (void)state;
        for (long i = 0; r < 0; i++) {
                struct bc_glyphs *glyphs = NULL;
                char text[256] = "";

                allocations_left = i;
                r = bc_glyphs_new(MONO, 20, &use, 1, text, sizeof(text), &glyphs);
                allocations_left = -1;
                assert_true(i < 100);
                if (r < 0) {
                        assert_int_equal(r, -ENOMEM);
                        assert_true(strlen(text) > 0);
                        assert_null(glyphs);
                }
                bc_glyphs_free(glyphs);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_widths),
                cmocka_unit_test(test_heights_are_those_of_what_is_used),
                cmocka_unit_test(test_a_cell_is_never_left),
                cmocka_unit_test(test_refused_texts),
                cmocka_unit_test(test_refused_fonts),
                cmocka_unit_test(test_a_link_to_a_font_will_do),
                cmocka_unit_test(test_memory_runs_out_anywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
