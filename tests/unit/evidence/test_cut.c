// SPDX-License-Identifier: EUPL-1.2
// Streams are strings: I a key frame, P another picture, S and s the same as slates. What is decided comes back as a
// string too: the pictures of each fragment and the number of its sound units, "IPPPP+23", then "/" where the segment
// ends, "." where the recording ends, "?" for a guessed end of the last picture, "!" for missing sound. All times are
// ms since the beginning of the stream.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "evidence/cut.h"

#define MS BC_NS_PER_MS
#define START_NS (96 * BC_NS_PER_S) // a whole number of sound units since boot
#define START_UNIT (96 * 48000 / BC_SOUND_UNIT_SAMPLES)
#define FRAGMENTS_MAX 256

struct stream {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_cursor cursor;
        struct bc_cut_rule rule;
        int64_t segment_ns;
        int64_t next_ns; // of the next picture
        int64_t sounds;  // fed so far
        uint32_t picture_bytes;
        // What was decided.
        char text[8192];
        int64_t end_ms[FRAGMENTS_MAX];
        size_t fragments;
        int64_t wake_ms; // of the last "not yet"
        bool over;
};

static void begin(struct stream *stream, size_t picture_units)
{
        const struct bc_ring_config config = {
                .lane_bytes = { 4 << 20, 1 << 20 },
                .lane_units = { picture_units, 8192 },
                .pre_event_sound = true,
        };

        *stream = (struct stream){
                .rule = { .sound = true, .fragment_ns = 500 * MS, .payload_bytes_max = 1 << 20,
                          .from_ns = START_NS, .end_ns = BC_NS_NEVER },
                .segment_ns = 3600 * BC_NS_PER_S,
                .next_ns = START_NS,
                .picture_bytes = 100,
        };
        assert_int_equal(bc_clock_new_simulated(START_NS, &stream->clock), 0);
        assert_int_equal(bc_ring_new(stream->clock, &config, &stream->ring), 0);
        bc_ring_set_recording(stream->ring, true);
        stream->rule.segment_until_ns = START_NS + stream->segment_ns;
}

static void end(struct stream *stream)
{
        bc_ring_free(stream->ring);
        bc_clock_free(stream->clock);
}

// The segments last at least so long.
static void set_segment(struct stream *stream, int64_t ms)
{
        stream->segment_ns = ms * MS;
        stream->rule.segment_until_ns = START_NS + stream->segment_ns;
}

static void picture_at(struct stream *stream, char kind, int64_t time_ns)
{
        static uint8_t bytes[1 << 20];
        const struct bc_unit unit = {
                .time_ns = time_ns,
                .size_bytes = stream->picture_bytes,
                .flags = (uint16_t)((kind == 'I' || kind == 'S' ? BC_UNIT_KEY : 0) |
                                    (kind == 'S' || kind == 's' ? BC_UNIT_SUBSTITUTE : 0)),
        };

        assert_int_equal(bc_ring_append(stream->ring, BC_LANE_PICTURE, &unit, bytes), 0);
}

static void pictures(struct stream *stream, const char *kinds, int64_t interval_ns)
{
        for (; *kinds; kinds++, stream->next_ns += interval_ns)
                picture_at(stream, *kinds, stream->next_ns);
}

static int64_t sound_time(int64_t number)
{
        return bc_ns_from_ticks((START_UNIT + number) * BC_SOUND_UNIT_SAMPLES);
}

// The sound that a microphone has delivered by then, in whole units.
static void sound_until(struct stream *stream, int64_t ms)
{
        for (; sound_time(stream->sounds + 1) <= START_NS + ms * MS; stream->sounds++) {
                const struct bc_unit unit = { .time_ns = sound_time(stream->sounds), .size_bytes = 8,
                                              .flags = BC_UNIT_KEY };

                assert_int_equal(bc_ring_append(stream->ring, BC_LANE_SOUND, &unit, "8 bytes"), 0);
        }
}

static int64_t since_start_ms(int64_t time_ns)
{
        return time_ns == BC_NS_NEVER ? -1 : (time_ns - START_NS + MS / 2) / MS;
}

// Reads the units of a cut as the recorder does.
static void take(struct stream *stream, const struct bc_cut *cut)
{
        static uint8_t bytes[1 << 20];
        size_t used = strlen(stream->text);
        struct bc_unit unit;

        assert_true(stream->fragments < FRAGMENTS_MAX && used + cut->pictures + 32 < sizeof(stream->text));
        if (used > 0)
                stream->text[used++] = ' ';
        for (size_t i = 0; i < cut->pictures; i++) {
                assert_int_equal(bc_ring_read(stream->ring, &stream->cursor, BC_LANE_PICTURE, bytes, sizeof(bytes),
                                              &unit), 0);
                stream->text[used++] = unit.flags & BC_UNIT_KEY ? unit.flags & BC_UNIT_SUBSTITUTE ? 'S' : 'I' :
                                       unit.flags & BC_UNIT_SUBSTITUTE ? 's' : 'P';
        }
        for (size_t i = 0; i < cut->sounds; i++)
                assert_int_equal(bc_ring_read(stream->ring, &stream->cursor, BC_LANE_SOUND, bytes, sizeof(bytes),
                                              &unit), 0);
        stream->text[used] = 0;
        if (cut->sounds > 0)
                used += (size_t)snprintf(stream->text + used, 16, "+%zu", cut->sounds);
        snprintf(stream->text + used, 8, "%s%s%s%s", cut->picture_end_guessed ? "?" : "", cut->sound_missing ? "!" : "",
                 cut->segment_ends ? "/" : "", cut->recording_ends ? "." : "");
        stream->end_ms[stream->fragments++] = since_start_ms(cut->end_ns);
}

// Decides as often as something is ready at this time, and follows the rule on as the recorder does.
static const char *cuts(struct stream *stream, int64_t now_ms)
{
        int r = 0;

        while (!stream->over && r == 0) {
                struct bc_cut cut;
                int64_t wake_ns;

                r = bc_cut_decide(stream->ring, &stream->cursor, &stream->rule, START_NS + now_ms * MS, &cut, &wake_ns);
                if (r == -EAGAIN) {
                        assert_true(wake_ns > START_NS + now_ms * MS); // or the recorder would spin
                        stream->wake_ms = since_start_ms(wake_ns);
                }
                if (r < 0)
                        break;
                take(stream, &cut);
                stream->over = cut.recording_ends;
                stream->rule.from_ns = cut.end_ns;
                stream->rule.segment_begun = !cut.segment_ends;
                if (cut.segment_ends) {
                        stream->rule.segment_until_ns = cut.end_ns + stream->segment_ns;
                        if (stream->rule.sound_from_ns < cut.end_ns)
                                stream->rule.sound_from_ns = cut.end_ns;
                }
        }
        assert_true(r == 0 || r == -EAGAIN);
        return stream->text;
}

// ---- pictures ------------------------------------------------------------------------------------------------

#define P14 "PPPPPPPPPPPPPP"
#define P15 "PPPPPPPPPPPPPPP"

static void test_half_a_second_at_30_fps_is_fifteen_pictures(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        // 33,333,333 ns each: fifteen are 5 ns short of half a second, thirty 10 ns short of one.
        pictures(&stream, "I" P14 P15 "I" P14 P15 "I", BC_NS_PER_S / 30);
        assert_string_equal(cuts(&stream, 2000), "I" P14 " " P15 " I" P14 " " P15);
        assert_int_equal(stream.end_ms[0], 500);
        assert_int_equal(stream.end_ms[3], 2000);
        end(&stream);
}

static void test_nothing_is_decided_before_the_end_is_seen(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        assert_string_equal(cuts(&stream, 0), "");
        pictures(&stream, "I", 100 * MS);
        assert_string_equal(cuts(&stream, 20), "");
        assert_int_equal(stream.wake_ms, 700); // fragment and patience
        pictures(&stream, "PPPP", 100 * MS);
        assert_string_equal(cuts(&stream, 420), "");
        pictures(&stream, "P", 100 * MS);
        assert_string_equal(cuts(&stream, 520), "IPPPP");
        end(&stream);
}

static void test_jitter_never_makes_a_fragment_too_long(void **state)
{
        const int64_t at_ms[] = { 0, 130, 190, 330, 395, 480, 530, 610, 700, 830, 890, 970, 1031 };
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        for (size_t i = 0; i < sizeof(at_ms) / sizeof(*at_ms); i++)
                picture_at(&stream, i ? 'P' : 'I', START_NS + at_ms[i] * MS);
        // The picture of 480 lasts beyond 500, so it belongs to the next fragment.
        assert_string_equal(cuts(&stream, 1031), "IPPPP PPPPPP");
        assert_int_equal(stream.end_ms[0], 480);
        assert_int_equal(stream.end_ms[1], 970);
        end(&stream);
}

static void test_a_picture_longer_than_a_fragment_is_one_alone(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        pictures(&stream, "IPP", 100 * MS);
        pictures(&stream, "P", 1500 * MS); // 300 to 1800
        pictures(&stream, "PPPPPP", 100 * MS);
        assert_string_equal(cuts(&stream, 2300), "IPP P PPPPP");
        assert_int_equal(stream.end_ms[0], 300);
        assert_int_equal(stream.end_ms[1], 1800);
        end(&stream);
}

static void test_a_key_frame_begins_a_fragment(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        pictures(&stream, "IPPIPPPPPPIIPPPPP", 100 * MS);
        assert_string_equal(cuts(&stream, 1600), "IPP IPPPP PP I IPPPP");
        end(&stream);
}

static void test_a_segment_ends_at_the_first_key_frame_after_its_length(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        set_segment(&stream, 1000);
        pictures(&stream, "IPPPP" "IPPPP" "IPPPP" "PPPPP" "PPPPP" "IPPPP" "P", 100 * MS);
        assert_string_equal(cuts(&stream, 3000), "IPPPP IPPPP/ IPPPP PPPPP PPPPP/ IPPPP");
        end(&stream);
        // Thirty times a thirtieth of a second is a second, though not in ns.
        begin(&stream, 1000);
        stream.rule.sound = false;
        set_segment(&stream, 1000);
        pictures(&stream, "I" P14 P15 "I" P14 "P", BC_NS_PER_S / 30);
        assert_string_equal(cuts(&stream, 2000), "I" P14 " " P15 "/ I" P14);
        end(&stream);
}

static void test_the_recording_ends_in_the_middle(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        stream.rule.end_ns = START_NS + 720 * MS;
        pictures(&stream, "IPPPP" "PPP", 100 * MS);
        assert_string_equal(cuts(&stream, 750), "IPPPP"); // the picture of 700 belongs to it, its end is not known yet
        pictures(&stream, "PPP", 100 * MS);
        assert_string_equal(cuts(&stream, 1000), "IPPPP PPP.");
        assert_int_equal(stream.end_ms[1], 800);
        end(&stream);
        // At the very start of a picture: that one is not in it. On a key frame: the segment's length does not matter.
        begin(&stream, 1000);
        stream.rule.sound = false;
        set_segment(&stream, 100);
        stream.rule.end_ns = START_NS + 500 * MS;
        pictures(&stream, "IPPPP" "IPP", 100 * MS);
        assert_string_equal(cuts(&stream, 750), "IPPPP.");
        end(&stream);
}

static void test_stopped_before_the_first_picture(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.end_ns = START_NS - 1;
        pictures(&stream, "IPP", 100 * MS);
        assert_string_equal(cuts(&stream, 300), ".");
        end(&stream);
}

static void test_the_stream_ends(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        pictures(&stream, "IPPPPPP", 100 * MS);
        bc_ring_end(stream.ring, BC_LANE_PICTURE, START_NS + 640 * MS);
        assert_string_equal(cuts(&stream, 640), "IPPPP PP.");
        assert_int_equal(stream.end_ms[1], 640);
        end(&stream);
        // The last picture lasts longer than a fragment.
        begin(&stream, 1000);
        stream.rule.sound = false;
        pictures(&stream, "IPP", 100 * MS);
        bc_ring_end(stream.ring, BC_LANE_PICTURE, START_NS + 1640 * MS);
        assert_string_equal(cuts(&stream, 1640), "IP P.");
        assert_int_equal(stream.end_ms[0], 200);
        assert_int_equal(stream.end_ms[1], 1640);
        end(&stream);
        // It ended before there was anything.
        begin(&stream, 1000);
        bc_ring_end(stream.ring, BC_LANE_PICTURE, START_NS);
        assert_string_equal(cuts(&stream, 1640), ".");
        end(&stream);
}

static void test_a_fragment_is_bounded_in_bytes(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        stream.rule.payload_bytes_max = 350;
        pictures(&stream, "IPPPPP", 50 * MS);
        stream.picture_bytes = 900;
        pictures(&stream, "P", 50 * MS);
        stream.picture_bytes = 100;
        pictures(&stream, "PPPPP", 50 * MS);
        assert_string_equal(cuts(&stream, 450), "IPP PPP P PPP");
        end(&stream);
}

static void test_a_reader_that_was_overtaken(void **state)
{
        struct stream stream;
        struct bc_cut cut;
        int64_t wake_ns;

        (void)state;
        begin(&stream, 12);
        pictures(&stream, "IPPPP" "IPPPP", 100 * MS);
        sound_until(&stream, 1100);
        assert_string_equal(cuts(&stream, 1000), "IPPPP+24");
        pictures(&stream, "IPPPP", 100 * MS);
        assert_string_equal(cuts(&stream, 1500), "IPPPP+24 IPPPP+23"); // only what was read is gone
        pictures(&stream, "IPPPP" "IPPPP", 100 * MS);
        assert_int_equal(bc_cut_decide(stream.ring, &stream.cursor, &stream.rule, START_NS + 2500 * MS, &cut, &wake_ns),
                         -EPIPE);
        end(&stream);
}

// ---- sound beside the picture ----------------------------------------------------------------------------------

static void test_sound_goes_with_the_picture_beside_which_it_starts(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        pictures(&stream, "IPPPP" "IPPPP" "I", 100 * MS);
        sound_until(&stream, 1100);
        // Units start every 21 1/3 ms: 0 .. 23 before 500, 24 (at 512) .. 46 before 1000.
        assert_string_equal(cuts(&stream, 1100), "IPPPP+24 IPPPP+23");
        end(&stream);
}

static void test_a_fragment_waits_for_its_sound(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        pictures(&stream, "IPPPP" "I", 100 * MS);
        sound_until(&stream, 490); // 22 units: to 469 1/3
        assert_string_equal(cuts(&stream, 510), "");
        assert_int_equal(stream.wake_ms, 700);
        sound_until(&stream, 511); // the unit that reaches over 500 is not whole yet
        assert_string_equal(cuts(&stream, 511), "");
        sound_until(&stream, 512);
        assert_string_equal(cuts(&stream, 512), "IPPPP+24");
        end(&stream);
}

static void test_late_sound_goes_into_the_next_fragment(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        pictures(&stream, "IPPPP" "IPPPP" "I", 100 * MS);
        sound_until(&stream, 220); // 10 units
        assert_string_equal(cuts(&stream, 699), "");
        assert_string_equal(cuts(&stream, 700), "IPPPP+10");
        assert_int_equal(stream.wake_ms, 1200);
        sound_until(&stream, 1100);
        assert_string_equal(cuts(&stream, 1100), "IPPPP+10 IPPPP+37");
        end(&stream);
}

static void test_a_late_picture(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        pictures(&stream, "IPPP", 100 * MS);
        sound_until(&stream, 2200);
        assert_string_equal(cuts(&stream, 699), "");
        assert_int_equal(stream.wake_ms, 700);
        // What is complete goes; the picture of 300, which still lasts, does not.
        assert_string_equal(cuts(&stream, 700), "IPP+15");
        assert_int_equal(stream.end_ms[0], 300);
        // Then sound alone, each time up to the fragment's nominal end.
        assert_string_equal(cuts(&stream, 999), "IPP+15");
        assert_string_equal(cuts(&stream, 1000), "IPP+15 +23");
        assert_int_equal(stream.end_ms[1], 800);
        assert_string_equal(cuts(&stream, 1500), "IPP+15 +23 +23");
        assert_int_equal(stream.end_ms[2], 1300);
        // A slate ends the picture that stood for so long: both go with what is due.
        picture_at(&stream, 'S', START_NS + 1400 * MS);
        picture_at(&stream, 'S', START_NS + 2150 * MS);
        assert_string_equal(cuts(&stream, 2200), "IPP+15 +23 +23 P+5 S+35");
        assert_int_equal(stream.end_ms[3], 1400);
        assert_int_equal(stream.end_ms[4], 2150);
        end(&stream);
}

static void test_no_picture_and_no_sound(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        pictures(&stream, "IPPPP" "P", 100 * MS);
        sound_until(&stream, 600);
        assert_string_equal(cuts(&stream, 600), "IPPPP+24");
        sound_until(&stream, 700);
        assert_string_equal(cuts(&stream, 1400), "IPPPP+24 +8");
        assert_int_equal(stream.end_ms[1], 1000);
        assert_string_equal(cuts(&stream, 9000), "IPPPP+24 +8");
        assert_int_equal(stream.wake_ms, -1); // when there is something
        stream.rule.end_ns = START_NS + 9000 * MS;
        assert_string_equal(cuts(&stream, 9100), "IPPPP+24 +8");
        assert_int_equal(stream.wake_ms, 11500);
        // Even the slates have failed: the picture is said to last to the end, and that this is a guess.
        assert_string_equal(cuts(&stream, 11500), "IPPPP+24 +8 P?!.");
        assert_int_equal(stream.end_ms[2], 9000);
        end(&stream);
}

static void test_sound_alone_ends_with_the_recording(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.end_ns = START_NS + 700 * MS;
        pictures(&stream, "IPPPP" "P", 100 * MS);
        sound_until(&stream, 1500);
        assert_string_equal(cuts(&stream, 600), "IPPPP+24");
        assert_string_equal(cuts(&stream, 1300), "IPPPP+24 +9"); // 24 (512) .. 32 (682 2/3)
        assert_int_equal(stream.end_ms[1], 700);
        assert_string_equal(cuts(&stream, 3200), "IPPPP+24 +9 P?.");
        end(&stream);
}

static void test_a_guessed_end_does_not_lengthen_a_fragment(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound = false;
        stream.rule.end_ns = START_NS + 900 * MS;
        pictures(&stream, "IPPPP", 100 * MS);
        assert_string_equal(cuts(&stream, 3400), "IPPP P?.");
        assert_int_equal(stream.end_ms[0], 400);
        assert_int_equal(stream.end_ms[1], 900);
        end(&stream);
        // Asked for the first time when all of it is over (the card had stalled).
        begin(&stream, 1000);
        stream.rule.sound = false;
        stream.rule.end_ns = START_NS + 9000 * MS;
        pictures(&stream, "IPPPP" "PPP", 100 * MS);
        assert_string_equal(cuts(&stream, 60000), "IPPPP PP P?.");
        end(&stream);
}

static void test_sound_has_its_last_chance_at_the_end_of_a_segment(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        set_segment(&stream, 500);
        pictures(&stream, "IPPPP" "IPPPP" "IPPPP" "I", 100 * MS);
        sound_until(&stream, 220);
        assert_string_equal(cuts(&stream, 2999), "");
        assert_int_equal(stream.wake_ms, 3000);
        sound_until(&stream, 600);
        assert_string_equal(cuts(&stream, 2999), "IPPPP+24/");
        // Nothing more comes: the segment is closed without, and says so; what comes later belongs to no segment.
        assert_string_equal(cuts(&stream, 3499), "IPPPP+24/");
        assert_string_equal(cuts(&stream, 3500), "IPPPP+24/ IPPPP+4!/");
        sound_until(&stream, 1600);
        assert_string_equal(cuts(&stream, 3600), "IPPPP+24/ IPPPP+4!/ IPPPP+24/");
        end(&stream);
}

static void test_sound_has_its_last_chance_at_the_end_of_the_recording(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.end_ns = START_NS + 430 * MS;
        pictures(&stream, "IPPPP" "PP", 100 * MS);
        sound_until(&stream, 220);
        assert_string_equal(cuts(&stream, 2999), "");
        sound_until(&stream, 600);
        // Sound ends with the recording, not with the picture that reaches over its end: 0 .. 20.
        assert_string_equal(cuts(&stream, 2999), "IPPPP+21.");
        end(&stream);
}

static void test_the_sound_lane_ends(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        set_segment(&stream, 500);
        pictures(&stream, "IPPPP" "IPPPP" "I", 100 * MS);
        sound_until(&stream, 300);
        bc_ring_end(stream.ring, BC_LANE_SOUND, START_NS + 299 * MS);
        assert_string_equal(cuts(&stream, 1000), "IPPPP+14/ IPPPP/"); // nothing to wait for
        end(&stream);
}

static void test_sound_begins_at_the_press(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 1000);
        stream.rule.sound_from_ns = START_NS + 730 * MS;
        pictures(&stream, "IPPPP" "IPPPP" "IPPPP" "I", 100 * MS);
        sound_until(&stream, 600);
        assert_string_equal(cuts(&stream, 600), "IPPPP"); // no sound is waited for before the press
        sound_until(&stream, 1600);
        assert_string_equal(cuts(&stream, 1600), "IPPPP IPPPP+12 IPPPP+24"); // 35 (746 2/3) .. 46
        end(&stream);
}

// The sound thread was away for a minute and delivers all of it at once, at the end of a segment.
static void test_more_sound_than_a_fragment_can_hold(void **state)
{
        struct stream stream;

        (void)state;
        begin(&stream, 5000);
        set_segment(&stream, 60000);
        for (int i = 0; i < 120; i++)
                pictures(&stream, "IPPPP", 100 * MS);
        for (int64_t now_ms = 700; now_ms < 60000; now_ms += 500)
                cuts(&stream, now_ms);
        assert_int_equal(stream.fragments, 119);
        pictures(&stream, "IPPPP" "IPPPP" "I", 100 * MS);
        sound_until(&stream, 61100);
        // 2813 units start before 60 s. They go into the segment, which ends one GOP later for it; none is left out.
        assert_string_equal(strstr(cuts(&stream, 61100), "+2048") - 5, "IPPPP+2048 IPPPP+788/ IPPPP+24");
        end(&stream);
}

// ---- everything, at random -------------------------------------------------------------------------------------

#define UNITS_MAX 4096

struct arrival {
        int64_t time_ns, at_ns; // starts; reaches the ring
        uint32_t bytes;
        bool key;
};

struct random_stream {
        struct arrival unit[BC_LANE_COUNT][UNITS_MAX];
        size_t units[BC_LANE_COUNT], fed[BC_LANE_COUNT], taken[BC_LANE_COUNT];
        size_t first[BC_LANE_COUNT]; // of the recording
        size_t fragments, segments, missing;
};

static uint32_t below(uint32_t *seed, uint32_t limit)
{
        *seed = *seed * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)*seed * limit) >> 32);
}

// Pictures with jitter and an occasional long one, sound on its grid; both reach the ring in order, some time later.
static void make_random(struct random_stream *random_stream, uint32_t *seed, int64_t length_ns, int64_t late_ns)
{
        int64_t interval_ns = (8 + below(seed, 200)) * MS, time_ns = START_NS, at_ns = 0;
        unsigned gop = 1 + below(seed, 30), n = 0;

        *random_stream = (struct random_stream){ 0 };
        while (time_ns < START_NS + length_ns && n < UNITS_MAX) {
                struct arrival *unit = &random_stream->unit[BC_LANE_PICTURE][n];

                *unit = (struct arrival){ .time_ns = time_ns, .bytes = 1 + below(seed, 3000), .key = n % gop == 0 };
                unit->at_ns = time_ns + below(seed, 150) * MS + (below(seed, 50) ? 0 : below(seed, 900) * MS);
                unit->at_ns = at_ns = unit->at_ns > at_ns ? unit->at_ns : at_ns;
                time_ns += interval_ns + below(seed, 1 + (uint32_t)(interval_ns / MS / 3)) * MS;
                if (below(seed, 60) == 0)
                        time_ns += below(seed, below(seed, 4) ? 1800 : 6000) * MS;
                n++;
        }
        random_stream->units[BC_LANE_PICTURE] = n;
        at_ns = 0;
        for (n = 0; sound_time(n) < START_NS + length_ns && n < UNITS_MAX; n++) {
                struct arrival *unit = &random_stream->unit[BC_LANE_SOUND][n];

                *unit = (struct arrival){ .time_ns = sound_time(n), .bytes = 8, .key = true };
                unit->at_ns = sound_time(n + 1) + below(seed, 60) * MS;
                if (below(seed, 100) == 0)
                        unit->at_ns += below(seed, (uint32_t)(late_ns / MS)) * MS;
                unit->at_ns = at_ns = unit->at_ns > at_ns ? unit->at_ns : at_ns;
        }
        random_stream->units[BC_LANE_SOUND] = n;
}

static int64_t feed_next(struct stream *stream, struct random_stream *random_stream, int64_t before_ns)
{
        static uint8_t bytes[3000];
        int64_t at_ns = BC_NS_NEVER;
        size_t lane = 0;

        for (size_t i = 0; i < BC_LANE_COUNT; i++)
                if (random_stream->fed[i] < random_stream->units[i] &&
                    random_stream->unit[i][random_stream->fed[i]].at_ns < at_ns) {
                        at_ns = random_stream->unit[i][random_stream->fed[i]].at_ns;
                        lane = i;
                }
        if (at_ns > before_ns || at_ns == BC_NS_NEVER)
                return before_ns;
        const struct arrival *unit = &random_stream->unit[lane][random_stream->fed[lane]++];
        const struct bc_unit ring_unit = { .time_ns = unit->time_ns, .size_bytes = unit->bytes,
                                           .flags = unit->key ? BC_UNIT_KEY : 0 };
        assert_int_equal(bc_ring_append(stream->ring, (enum bc_lane)lane, &ring_unit, bytes), 0);
        return at_ns;
}

// The units of a cut are the next ones of each lane, all of them, and lie where the cut says.
static void check_cut(struct stream *stream, struct random_stream *random_stream, const struct bc_cut *cut)
{
        static uint8_t bytes[3000];
        struct bc_unit unit = { .time_ns = stream->rule.from_ns };
        int64_t first_ns = -1;
        size_t payload = 0;

        for (size_t i = 0; i < cut->pictures; i++) {
                size_t number = random_stream->first[BC_LANE_PICTURE] + random_stream->taken[BC_LANE_PICTURE]++;

                assert_int_equal(bc_ring_read(stream->ring, &stream->cursor, BC_LANE_PICTURE, bytes, sizeof(bytes),
                                              &unit), 0);
                assert_int_equal(unit.time_ns, random_stream->unit[BC_LANE_PICTURE][number].time_ns);
                assert_true(unit.time_ns < cut->end_ns && unit.time_ns < stream->rule.end_ns);
                assert_true(i == 0 || !(unit.flags & BC_UNIT_KEY)); // a key frame begins a fragment
                if (i == 0)
                        first_ns = unit.time_ns;
                payload += unit.size_bytes;
        }
        if (cut->pictures > 1) {
                assert_true(cut->end_ns - stream->rule.from_ns <= stream->rule.fragment_ns);
                assert_true(payload <= stream->rule.payload_bytes_max);
        }
        if (!stream->rule.segment_begun && cut->pictures > 0)
                assert_int_equal(first_ns, stream->rule.from_ns);
        for (size_t i = 0; i < cut->sounds; i++) {
                size_t number = random_stream->first[BC_LANE_SOUND] + random_stream->taken[BC_LANE_SOUND]++;

                assert_int_equal(bc_ring_read(stream->ring, &stream->cursor, BC_LANE_SOUND, bytes, sizeof(bytes),
                                              &unit), 0);
                assert_int_equal(unit.time_ns, random_stream->unit[BC_LANE_SOUND][number].time_ns);
                assert_true(unit.time_ns < cut->end_ns && unit.time_ns < stream->rule.end_ns);
                assert_true(unit.time_ns >= stream->rule.sound_from_ns);
                payload += unit.size_bytes;
        }
        assert_int_equal(payload, cut->payload_bytes);
        assert_true(cut->pictures > 0 || cut->sounds > 0 || cut->recording_ends);
}

// Sound that came too late for its segment is passed over; only where that was said.
static void pass_over_sound(struct random_stream *random_stream, int64_t from_ns, bool missing)
{
        size_t *taken = &random_stream->taken[BC_LANE_SOUND], first = random_stream->first[BC_LANE_SOUND];

        while (first + *taken < random_stream->units[BC_LANE_SOUND] &&
               random_stream->unit[BC_LANE_SOUND][first + *taken].time_ns < from_ns) {
                assert_true(missing);
                ++*taken;
        }
}

static void one_random_recording(uint32_t seed)
{
        static struct random_stream random_stream;
        int64_t length_ns = 20 * BC_NS_PER_S, now_ns = START_NS, sound_end_ns, late_ns;
        struct stream stream;
        bool missing = false;

        begin(&stream, UNITS_MAX);
        late_ns = (below(&seed, 3) ? 200 : 6000) * MS;
        make_random(&random_stream, &seed, length_ns, late_ns);
        stream.segment_ns = (1 + below(&seed, 8)) * BC_NS_PER_S;
        stream.rule.payload_bytes_max = below(&seed, 2) ? 1 << 20 : 6000;
        stream.rule.fragment_ns = (100 + below(&seed, 400)) * MS;
        stream.rule.sound_from_ns = below(&seed, 2) ? 0 : START_NS + below(&seed, 10000) * MS;
        stream.rule.segment_until_ns = START_NS + stream.segment_ns;
        int64_t stop_at_ns = START_NS + (100 + below(&seed, 16000)) * MS, stall_until_ns = START_NS;
        while (random_stream.first[BC_LANE_SOUND] < random_stream.units[BC_LANE_SOUND] &&
               random_stream.unit[BC_LANE_SOUND][random_stream.first[BC_LANE_SOUND]].time_ns < stream.rule.sound_from_ns)
                random_stream.first[BC_LANE_SOUND]++;
        while (!stream.over) {
                struct bc_cut cut;
                int64_t wake_ns = now_ns;
                int r = -EAGAIN;

                if (now_ns >= stop_at_ns && stream.rule.end_ns == BC_NS_NEVER)
                        stream.rule.end_ns = stop_at_ns;
                if (now_ns >= stall_until_ns)
                        r = bc_cut_decide(stream.ring, &stream.cursor, &stream.rule, now_ns, &cut, &wake_ns);
                if (r == -EAGAIN) {
                        if (now_ns < stall_until_ns)
                                wake_ns = stall_until_ns;
                        assert_true(wake_ns > now_ns);
                        // Time goes on to the next unit, or to when the recorder wants to look again.
                        if (stream.rule.end_ns == BC_NS_NEVER && stop_at_ns < wake_ns)
                                wake_ns = stop_at_ns;
                        now_ns = feed_next(&stream, &random_stream, wake_ns);
                        assert_true(now_ns < BC_NS_NEVER);
                        continue;
                }
                assert_int_equal(r, 0);
                check_cut(&stream, &random_stream, &cut);
                missing |= cut.sound_missing;
                random_stream.fragments++;
                stream.over = cut.recording_ends;
                stream.rule.from_ns = cut.end_ns;
                stream.rule.segment_begun = !cut.segment_ends;
                if (cut.segment_ends) {
                        random_stream.segments++;
                        stream.rule.segment_until_ns = cut.end_ns + stream.segment_ns;
                        if (stream.rule.sound_from_ns < cut.end_ns)
                                stream.rule.sound_from_ns = cut.end_ns;
                        pass_over_sound(&random_stream, cut.end_ns, cut.sound_missing);
                }
                if (below(&seed, 40) == 0)
                        stall_until_ns = now_ns + below(&seed, 8000) * MS; // the card
        }
        // All pictures that start before the end, and all their sound, unless it was said to be missing.
        size_t next = random_stream.taken[BC_LANE_PICTURE];
        assert_true(next == random_stream.units[BC_LANE_PICTURE] ||
                    random_stream.unit[BC_LANE_PICTURE][next].time_ns >= stream.rule.end_ns);
        sound_end_ns = stream.rule.end_ns;
        next = random_stream.first[BC_LANE_SOUND] + random_stream.taken[BC_LANE_SOUND];
        if (!missing && next < random_stream.units[BC_LANE_SOUND])
                assert_true(random_stream.unit[BC_LANE_SOUND][next].time_ns >= sound_end_ns);
        assert_true(late_ns > 200 * MS || !missing);
        end(&stream);
}

static void test_random_streams(void **state)
{
        uint32_t recordings = getenv("BC_LONG") ? 20000 : 300;

        (void)state;
        for (uint32_t seed = 1; seed <= recordings; seed++)
                one_random_recording(seed * 7919);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_half_a_second_at_30_fps_is_fifteen_pictures),
                cmocka_unit_test(test_nothing_is_decided_before_the_end_is_seen),
                cmocka_unit_test(test_jitter_never_makes_a_fragment_too_long),
                cmocka_unit_test(test_a_picture_longer_than_a_fragment_is_one_alone),
                cmocka_unit_test(test_a_key_frame_begins_a_fragment),
                cmocka_unit_test(test_a_segment_ends_at_the_first_key_frame_after_its_length),
                cmocka_unit_test(test_the_recording_ends_in_the_middle),
                cmocka_unit_test(test_stopped_before_the_first_picture),
                cmocka_unit_test(test_the_stream_ends),
                cmocka_unit_test(test_a_fragment_is_bounded_in_bytes),
                cmocka_unit_test(test_a_reader_that_was_overtaken),
                cmocka_unit_test(test_sound_goes_with_the_picture_beside_which_it_starts),
                cmocka_unit_test(test_a_fragment_waits_for_its_sound),
                cmocka_unit_test(test_late_sound_goes_into_the_next_fragment),
                cmocka_unit_test(test_a_late_picture),
                cmocka_unit_test(test_no_picture_and_no_sound),
                cmocka_unit_test(test_sound_alone_ends_with_the_recording),
                cmocka_unit_test(test_a_guessed_end_does_not_lengthen_a_fragment),
                cmocka_unit_test(test_sound_has_its_last_chance_at_the_end_of_a_segment),
                cmocka_unit_test(test_sound_has_its_last_chance_at_the_end_of_the_recording),
                cmocka_unit_test(test_the_sound_lane_ends),
                cmocka_unit_test(test_sound_begins_at_the_press),
                cmocka_unit_test(test_more_sound_than_a_fragment_can_hold),
                cmocka_unit_test(test_random_streams),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
