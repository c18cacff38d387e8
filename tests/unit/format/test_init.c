// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/bytes.h"
#include "format/init.h"
#include "segments.h"

static size_t write_head(const struct bc_init *init, uint8_t bytes[BC_INIT_BYTES_MAX])
{
        size_t n = 0;
        assert_int_equal(bc_init_write(init, bytes, BC_INIT_BYTES_MAX, &n), 0);
        return n;
}

static void test_comes_back_as_written(void **state)
{
        (void)state;
        static const int64_t starts[] = { 0, 1, 480, 1440000, BC_TRACK_START_TICKS_MAX, -1, -480, -1024,
                                          -BC_TRACK_START_TICKS_MAX };
        for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
                struct bc_init init = i % 2 ? segment_init_full(starts[i]) : segment_init(starts[i]), parsed;
                struct bc_init_layout layout;
                uint8_t bytes[BC_INIT_BYTES_MAX];
                size_t n = write_head(&init, bytes);
                assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0);
                assert_memory_equal(&parsed, &init, sizeof(init));
                assert_int_equal(layout.bytes, n);
                assert_false(layout.patched);
                assert_memory_equal(bytes + layout.moov_offset + 4, "moov", 4);
        }
}

// Each of make, model, device and location is there or not; with none of them there is no udta.
static void test_what_is_not_said_is_absent(void **state)
{
        (void)state;
        static const char *const key[] = { "quicktime.make", "quicktime.model", "org.bodycam.device",
                                           "location.ISO6709" };
        for (unsigned said = 0; said < 16; said++) {
                struct bc_init init = segment_init_full(0), parsed;
                struct bc_init_layout layout;
                uint8_t bytes[BC_INIT_BYTES_MAX];
                char *const text[] = { init.about.make, init.about.model, init.label.device, init.about.location };
                for (size_t i = 0; i < 4; i++)
                        if (!(said & 1u << i))
                                memset(text[i], 0, strlen(text[i]));
                size_t n = write_head(&init, bytes);
                assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0);
                assert_memory_equal(&parsed, &init, sizeof(init));
                assert_int_equal(memmem(bytes, n, "udta", 4) != NULL, said != 0);
                for (size_t i = 0; i < 4; i++)
                        assert_int_equal(memmem(bytes, n, key[i], strlen(key[i])) != NULL, (said & 1u << i) != 0);
        }
}

// The kinds beside picture and sound, in any number and order, start anywhere.
static void test_text_and_position_tracks(void **state)
{
        (void)state;
        static const int64_t starts[] = { 0, 480, -1024, BC_TRACK_START_TICKS_MAX };
        for (size_t i = 0; i < 4; i++) {
                struct bc_init init = segment_init_full(0), parsed;
                struct bc_init_layout layout;
                uint8_t bytes[BC_INIT_BYTES_MAX];
                init.tracks = BC_TRACKS_MAX;
                for (size_t t = 1; t < BC_TRACKS_MAX; t++)
                        init.track[t] = (struct bc_track){ .kind = t % 3 ? BC_TRACK_TEXT : BC_TRACK_POSITION,
                                                           .start_ticks = starts[(i + t) % 4] };
                size_t n = write_head(&init, bytes);
                assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0);
                assert_memory_equal(&parsed, &init, sizeof(init));
                init.track[0] = init.track[1];
                init.track[0].start_ticks = 0;
                assert_int_equal(bc_init_write(&init, bytes, sizeof(bytes), &n), -EINVAL); // the first is picture
        }
}

static void test_largest_description_fits(void **state)
{
        (void)state;
        struct bc_init init = segment_init(480), parsed;
        struct bc_init_layout layout;
        uint8_t bytes[BC_INIT_BYTES_MAX];
        memset(init.label.device, 'd', BC_LABEL_TEXT_BYTES_MAX);
        memset(init.label.recording, 'r', BC_LABEL_TEXT_BYTES_MAX);
        memset(init.about.make, 'm', BC_ABOUT_TEXT_BYTES_MAX);
        for (size_t i = 0; i < BC_ABOUT_TEXT_BYTES_MAX; i += 4)
                memcpy(init.about.model + i, "\xf0\x9f\x8e\xa5", 4);
        memcpy(init.about.location, "-89.123456789-179.123456789+12345.12345/", BC_ABOUT_LOCATION_BYTES_MAX);
        init.created_unix_s = 0;
        init.tracks = BC_TRACKS_MAX;
        for (size_t i = 1; i < BC_TRACKS_MAX; i++) {
                init.track[i] = init.track[1];
                memset(init.track[i].config + 2, 0x77, BC_STREAM_CONFIG_BYTES_MAX - 2);
                init.track[i].config_bytes = BC_STREAM_CONFIG_BYTES_MAX;
        }
        size_t n = write_head(&init, bytes);
        assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0);
        assert_memory_equal(&parsed, &init, sizeof(init));
        for (size_t room = 0; room < n; room++)
                assert_int_equal(bc_init_write(&init, bytes, room, &layout.bytes), -ENOBUFS);
}

static void refuse(struct bc_init init)
{
        uint8_t bytes[BC_INIT_BYTES_MAX];
        size_t n = 77;
        assert_int_equal(bc_init_write(&init, bytes, sizeof(bytes), &n), -EINVAL);
        assert_int_equal(n, 77);
}

static void test_refuses_what_it_cannot_describe(void **state)
{
        (void)state;
        const struct bc_init good = segment_init(0);
        struct bc_init bad;
#define REFUSE(change) do { bad = good; change; refuse(bad); } while (0)
        REFUSE(bad.tracks = 0);
        REFUSE(bad.tracks = BC_TRACKS_MAX + 1);
        REFUSE(bad.track[0] = good.track[1]);
        REFUSE(bad.track[0].start_ticks = 1);
        REFUSE(bad.track[1].start_ticks = BC_TRACK_START_TICKS_MAX + 1);
        REFUSE(bad.track[1].start_ticks = -BC_TRACK_START_TICKS_MAX - 1);
        REFUSE(bad.track[0].width_px = 0);
        REFUSE(bad.track[0].height_px = 65536);
        REFUSE(bad.track[0].config[0] = 2);
        REFUSE(bad.track[0].config[4] = 0xfe); // 3-byte lengths
        REFUSE(bad.track[0].config_bytes = 6);
        REFUSE(bad.track[0].config_bytes = BC_STREAM_CONFIG_BYTES_MAX + 1);
        REFUSE(bad.track[1].channels = 3);
        REFUSE(bad.track[1].channels = 2); // the configuration says mono
        REFUSE(bad.track[1].config[0] = 0x12); // 44.1 kHz
        REFUSE(bad.track[1].config_bytes = 1);
        REFUSE(bad.track[1].kind = (enum bc_track_kind)7);
        REFUSE(bad.label.segment = 0);
        REFUSE(bad.label.base_ticks = -1);
        REFUSE(bad.label.device[1] = '\n');
        REFUSE(bad.label.device[1] = '\x80');
        REFUSE(memset(bad.label.recording, 'r', sizeof(bad.label.recording)));
        REFUSE(memset(bad.about.make, 'm', sizeof(bad.about.make)));
        REFUSE(memset(bad.about.location, '0', sizeof(bad.about.location)));
        REFUSE(bad.created_unix_s = -1);
        REFUSE(bad.created_unix_s = INT64_MAX);
#undef REFUSE
}

// What UTF-8 and ISO 6709 texts may be.
static void test_texts_about_the_file(void **state)
{
        (void)state;
        static const char *const good[] = {
                "~", "\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        };
        static const char *const bad[] = {
                "a\tb", "\x7f", "\xc2\x85", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf",
                "\xe2\x82", "\xe2\x82(", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x8e", "\xf4\x90\x80\x80",
                "\xf5\x80\x80\x80", "\xff",
        };
        static const char *const places[] = {
                "+00+000/", "-89.5-179.25/", "+59.3293+018.0686+012.3/", "+59.123456789+018.123456789-12345.6/",
                "+59+018+1/",
        };
        static const char *const nowhere[] = {
                "/", "+59.3293", "+59.3293+018.0686", "+59.3293+018.0686/ ", "59.3293+018.0686/",
                "+9.3293+018.0686/", "+059.3293+018.0686/", "+59.3293+18.0686/", "+59.+018.0686/",
                "+59.3293+018.0686+/", "+59.3293+018.0686+.5/", "+59.3293+018.0686+123456/",
                "+59.1234567890+018.0686/", "+59.3293+018.0686+1+1/", "+59.3293+018.0686//", "+59,3293+018.0686/",
                "+59.3293+018.0686+12CRSWGS_84/",
        };
        struct bc_init init = segment_init(0), parsed;
        struct bc_init_layout layout;
        uint8_t bytes[BC_INIT_BYTES_MAX];
#define EACH(texts, field, accepted) \
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) { \
                init = segment_init(0); \
                memcpy(init.about.field, texts[i], strlen(texts[i])); \
                if (accepted) { \
                        size_t n = write_head(&init, bytes); \
                        assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0); \
                        assert_memory_equal(&parsed, &init, sizeof(init)); \
                } else \
                        refuse(init); \
        }
        EACH(good, make, true)
        EACH(good, model, true)
        EACH(bad, make, false)
        EACH(bad, model, false)
        EACH(places, location, true)
        EACH(nowhere, location, false)
#undef EACH
        // a character that would end behind the text's last byte
        init = segment_init(0);
        memset(init.about.make, 'm', BC_ABOUT_TEXT_BYTES_MAX);
        init.about.make[BC_ABOUT_TEXT_BYTES_MAX - 1] = '\xe2';
        refuse(init);
}

static void test_every_truncation_is_seen(void **state)
{
        (void)state;
        struct bc_init init = segment_init_full(480), parsed;
        struct bc_init_layout layout;
        uint8_t bytes[BC_INIT_BYTES_MAX];
        size_t n = write_head(&init, bytes);
        for (size_t cut = 0; cut < n; cut++) {
                // An own block of that size, so that a read beyond it is found.
                uint8_t *part = malloc(cut + 1);
                memcpy(part, bytes, cut);
                part = realloc(part, cut > 0 ? cut : 1);
                assert_int_equal(bc_init_parse(part, cut, &parsed, &layout), -ENODATA);
                free(part);
        }
}

// Whatever is accepted is written again to the very same bytes: a head has one reading only.
static void test_every_changed_byte_is_refused_or_means_something(void **state)
{
        (void)state;
        static const uint8_t changes[] = { 0x01, 0x80, 0xff, 0x08 };
        const struct bc_init inits[] = { segment_init(480), segment_init(-1024), segment_init_full(480) };
        size_t accepted[3] = { 0 };
        for (size_t s = 0; s < 3; s++) {
                struct bc_init init = inits[s], parsed;
                struct bc_init_layout layout;
                uint8_t bytes[BC_INIT_BYTES_MAX], again[BC_INIT_BYTES_MAX];
                size_t n = write_head(&init, bytes), m;
                memset(bytes + n, 0, sizeof(bytes) - n);
                for (size_t i = 0; i < 4 * n; i++) {
                        bytes[i / 4] ^= changes[i % 4];
                        int r = bc_init_parse(bytes, sizeof(bytes), &parsed, &layout);
                        if (r == 0) {
                                accepted[s]++;
                                assert_int_equal(bc_init_write(&parsed, again, sizeof(again), &m), 0);
                                assert_int_equal(m, layout.bytes);
                                assert_memory_equal(bytes, again, m);
                        } else
                                assert_int_equal(r, -EBADMSG);
                        bytes[i / 4] ^= changes[i % 4];
                }
        }
        // Labels, configurations, times, sizes and texts carry meaning; the device's name does not alone, for it stands
        // twice.
        for (size_t s = 0; s < 3; s++) {
                assert_true(accepted[s] > 200);
                assert_true(accepted[s] < 500);
        }
        assert_true(accepted[2] > accepted[0] + 20);
}

static void test_a_patched_header_is_known(void **state)
{
        (void)state;
        struct bc_init init = segment_init(480), parsed;
        struct bc_init_layout layout, patched;
        uint8_t bytes[BC_INIT_BYTES_MAX], original[BC_PATCH_BYTES];
        size_t n = write_head(&init, bytes);
        assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0);
        memcpy(original, bytes + layout.moov_offset, BC_PATCH_BYTES);

        assert_int_equal(bc_finalise_patch(&layout, 0x12345678, bytes + layout.moov_offset), 0);
        assert_memory_equal(bytes + layout.moov_offset + 4, "mdat", 4);
        assert_int_equal(bc_init_parse(bytes, n, &parsed, &patched), 0);
        assert_true(patched.patched);
        assert_int_equal(patched.span, 0x12345678 - layout.moov_offset);
        assert_int_equal(patched.bytes, layout.bytes);
        assert_memory_equal(&parsed, &init, sizeof(init));

        uint8_t restored[BC_PATCH_BYTES];
        bc_finalise_unpatch(&patched, restored);
        assert_memory_equal(restored, original, BC_PATCH_BYTES);

        // A span that ends within the head cannot have been written by us.
        memset(bytes + layout.moov_offset, 0, 3);
        assert_int_equal(bc_init_parse(bytes, n, &parsed, &patched), -EBADMSG);

        assert_int_equal(bc_finalise_patch(&layout, layout.bytes - 1, restored), -EINVAL);
        assert_int_equal(bc_finalise_patch(&layout, UINT64_C(1) << 32, restored), -EFBIG);
        assert_int_equal(bc_finalise_patch(&layout, UINT32_MAX, restored), 0);
}

// Lengths that would overrun the last track's configuration, and with it the whole description.
static void test_overlong_configuration_and_text(void **state)
{
        (void)state;
        struct bc_init init = segment_init(0), *parsed = malloc(sizeof(*parsed));
        struct bc_init_layout layout;
        uint8_t bytes[BC_INIT_BYTES_MAX];
        init.tracks = BC_TRACKS_MAX;
        for (size_t i = 1; i < BC_TRACKS_MAX; i++)
                init.track[i] = init.track[i % 2 ? 1 : 0];
        for (size_t last = 6; last <= 7; last++) { // one of each kind at the end
                init.tracks = last + 1;
                memset(bytes, 0, sizeof(bytes));
                size_t n = write_head(&init, bytes);
                uint8_t *trak = bytes, *at;
                for (uint8_t *next = bytes; (next = memmem(next, n - (size_t)(next - bytes), "trak", 4)); next++)
                        trak = next;
                if (init.track[last].kind == BC_TRACK_AVC) {
                        at = memmem(trak, n - (size_t)(trak - bytes), "avcC", 4);
                        memcpy(at - 4, (const uint8_t[]){ 0, 0, 0x10, 0 }, 4);
                } else {
                        at = memmem(trak, n - (size_t)(trak - bytes), "\x05\x80\x80\x80\x05", 5);
                        memcpy(at + 3, (const uint8_t[]){ 0x90, 0 }, 2);
                }
                assert_int_equal(bc_init_parse(bytes, sizeof(bytes), parsed, &layout), -EBADMSG);
        }
        size_t n = write_head(&init, bytes);
        uint8_t *device = memmem(bytes, n, "BC-0042", 7);
        device[-1] = 0xff;
        assert_int_equal(bc_init_parse(bytes, sizeof(bytes), parsed, &layout), -EBADMSG);
        free(parsed);
}

// One change of the udta of a full head; a block of just that size shows a read beyond it.
static void refuse_udta(const char *near, ptrdiff_t at, uint32_t value)
{
        struct bc_init init = segment_init_full(0), parsed;
        struct bc_init_layout layout;
        uint8_t head[BC_INIT_BYTES_MAX];
        size_t n = write_head(&init, head);
        for (size_t size = n; size <= BC_INIT_BYTES_MAX; size += BC_INIT_BYTES_MAX - n) {
                uint8_t *bytes = calloc(1, size), *udta, *box;
                memcpy(bytes, head, n);
                udta = memmem(bytes, n, "udta", 4);
                assert_non_null(udta);
                box = memmem(udta, n - (size_t)(udta - bytes), near, strlen(near));
                assert_non_null(box);
                struct bc_writer w = bc_writer_on(box + at, 4);
                bc_put_u32(&w, value);
                int r = bc_init_parse(bytes, size, &parsed, &layout);
                assert_true(r == -EBADMSG || (r == -ENODATA && size < BC_INIT_BYTES_MAX));
                free(bytes);
        }
}

static void test_lies_about_the_file(void **state)
{
        (void)state;
        static const uint32_t sizes[] = { 0, 1, 7, 8, 15, 16, 17, 80, 81, 82, 1000, 10000, 0x7fffffff, 0xffffffff };
        static const uint32_t counts[] = { 0, 1, 3, 5, 6, 100, 0x40000004, 0xffffffff };
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                refuse_udta("udta", -4, sizes[i]);
                refuse_udta("meta", -4, sizes[i]);
                refuse_udta("hdlr", -4, sizes[i]);
                refuse_udta("keys", -4, sizes[i]);
                refuse_udta("mdtacom.apple.quicktime.make", -4, sizes[i]);
                refuse_udta("mdtaorg.bodycam.device", -4, sizes[i]);
                refuse_udta("ilst", -4, sizes[i]);
                refuse_udta("ilst", 4, sizes[i]); // the first item
                refuse_udta("data", -4, sizes[i]);
                refuse_udta("BC-0042", -16, sizes[i]); // the device's data
                refuse_udta("+59.3293", -16, sizes[i]);
        }
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
                refuse_udta("keys", 8, counts[i]);
        refuse_udta("ilst", 8, 2);   // a value of another key's number
        refuse_udta("data", 4, 2);   // another type of value
        refuse_udta("data", 8, 1);   // of some country
        refuse_udta("mdtaorg.bodycam.device", 4, 0x6f72672f); // another key
        refuse_udta("BC-0042", 0, 0x42432d31);                // another device than the label's
}

// Keys and values in another order say the same to a player, and are refused all the same.
static void test_one_order_of_keys(void **state)
{
        (void)state;
        struct bc_init init = segment_init(0), parsed;
        struct bc_init_layout layout;
        uint8_t bytes[BC_INIT_BYTES_MAX] = { 0 }, kept[64];
        memset(init.label.device, 0, sizeof(init.label.device));
        memcpy(init.about.make, "One", 3);
        memcpy(init.about.model, "Two", 3);
        size_t n = write_head(&init, bytes);
        uint8_t *make = (uint8_t *)memmem(bytes, n, "mdtacom", 7) - 4;
        const size_t make_bytes = 8 + strlen("com.apple.quicktime.make"), model_bytes = make_bytes + 1;
        memcpy(kept, make, make_bytes);
        memmove(make, make + make_bytes, model_bytes);
        memcpy(make + model_bytes, kept, make_bytes);
        memcpy(memmem(bytes, n, "One", 3), "Two", 3);
        uint8_t *two = memmem(bytes, n, "Two", 3);
        memcpy(memmem(two + 3, n - (size_t)(two + 3 - bytes), "Two", 3), "One", 3);
        assert_int_equal(bc_init_parse(bytes, sizeof(bytes), &parsed, &layout), -EBADMSG);
}

static void test_one_track_too_many(void **state)
{
        (void)state;
        struct bc_init init = segment_init(0), parsed;
        struct bc_init_layout layout;
        uint8_t bytes[2 * BC_INIT_BYTES_MAX] = { 0 };
        init.tracks = BC_TRACKS_MAX;
        for (size_t i = 2; i < BC_TRACKS_MAX; i++)
                init.track[i] = init.track[1];
        size_t n = write_head(&init, bytes);
        uint8_t *mvex = (uint8_t *)memmem(bytes, n, "mvex", 4) - 4, *trak = mvex;
        while (memcmp(trak + 4, "trak", 4) != 0)
                trak--;
        size_t trak_bytes = (size_t)(mvex - trak);
        memmove(mvex + trak_bytes, mvex, (size_t)(bytes + n - mvex));
        memcpy(mvex, trak, trak_bytes);
        assert_int_equal(bc_init_parse(bytes, BC_INIT_BYTES_MAX, &parsed, &layout), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_comes_back_as_written),
                cmocka_unit_test(test_what_is_not_said_is_absent),
                cmocka_unit_test(test_text_and_position_tracks),
                cmocka_unit_test(test_largest_description_fits),
                cmocka_unit_test(test_refuses_what_it_cannot_describe),
                cmocka_unit_test(test_texts_about_the_file),
                cmocka_unit_test(test_every_truncation_is_seen),
                cmocka_unit_test(test_every_changed_byte_is_refused_or_means_something),
                cmocka_unit_test(test_overlong_configuration_and_text),
                cmocka_unit_test(test_lies_about_the_file),
                cmocka_unit_test(test_one_order_of_keys),
                cmocka_unit_test(test_one_track_too_many),
                cmocka_unit_test(test_a_patched_header_is_known),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
