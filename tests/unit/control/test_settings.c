// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bodycam/time.h"
#include "control/settings_table.h"
#include "media/overlay.h"

#define GOOD "[device]\nid = A1\n[store]\npath = /var/lib/x\n"

struct world {
        char folder[64], file[96], drop_ins[96];
        char errors[8192];
        unsigned count;
        struct bc_settings settings;
};

static int setup(void **state)
{
        struct world *world = calloc(1, sizeof(*world));

        snprintf(world->folder, sizeof(world->folder), "%s", "/tmp/bc-settings-XXXXXX");
        assert_non_null(mkdtemp(world->folder));
        snprintf(world->file, sizeof(world->file), "%s/c", world->folder);
        snprintf(world->drop_ins, sizeof(world->drop_ins), "%s/c.d", world->folder);
        *state = world;
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;
        static const char *const names[] = { "c.d/a.conf", "c.d/b.conf", "c.d/B.conf", "c.d/c.txt", "c.d/.d.conf",
                                             "c.d/10.conf", "c.d/9.conf", "c", "other" };
        char path[256];

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                snprintf(path, sizeof(path), "%s/%s", world->folder, names[i]);
                if (unlink(path) < 0)
                        (void)rmdir(path);
        }
        (void)rmdir(world->drop_ins);
        assert_int_equal(rmdir(world->folder), 0);
        free(world);
        return 0;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
}

static void write_drop_in(struct world *world, const char *name, const char *text)
{
        char path[256];

        (void)mkdir(world->drop_ins, 0755);
        snprintf(path, sizeof(path), "%s/%s", world->drop_ins, name);
        write_bytes(path, text, strlen(text));
}

static void on_error(void *user, const char *text)
{
        struct world *world = user;
        size_t used = strlen(world->errors);

        world->count++;
        assert_true(strlen(text) > 0 && !strchr(text, '\n'));
        // Without the folder, so that expectations are constants.
        if (strncmp(text, world->folder, strlen(world->folder)) == 0)
                text += strlen(world->folder) + 1;
        snprintf(world->errors + used, sizeof(world->errors) - used, "%s\n", text);
}

static int load(struct world *world)
{
        struct bc_settings_sink sink = { on_error, world };
        int r;

        world->errors[0] = 0;
        world->count = 0;
        r = bc_settings_load(world->file, &sink, &world->settings);
        if (r == 0)
                bc_settings_done(&world->settings); // its numbers and texts stay
        return r;
}

static void expect_good(struct world *world, const char *text)
{
        write_bytes(world->file, text, strlen(text));
        if (load(world) != 0)
                fail_msg("%s\n%s", text, world->errors);
        assert_int_equal(world->count, 0);
}

// All of the errors, in full.
static void expect_errors(struct world *world, const char *text, const char *errors)
{
        struct bc_settings before;

        memset(&world->settings, 0x5a, sizeof(world->settings));
        before = world->settings;
        write_bytes(world->file, text, strlen(text));
        assert_int_equal(load(world), -EINVAL);
        assert_string_equal(world->errors, errors);
        assert_memory_equal(&before, &world->settings, sizeof(before));
}

static void test_values(void **state)
{
        struct world *world = *state;

        expect_good(world, GOOD
                    "; a comment\n# another\n\n"
                    "[camera]\r\ndriver = file\r\nfile = /x/a b.mp4\nwidth=1920\nheight : 1080\nrate = 29.97\n"
                    "[recording]\n  pre_event = 90s\n\tpost_event = 2 min ; a remark\npre_event_sound = no\n"
                    "fragment = 250 ms\n"
                    "[video]\nbit_rate = 6M\n[sound]\nbit_rate = 64000\n"
                    "[microphone]\nrate_error_ppm = -200\n[dbus] ; here too\nbus = none\n"
                    "[gnss]\nlatitude = -33.5\nlongitude = 180\n[overlay]\ncontents = state  time\ncorner = bottom-right\n"
                    "[utc]\nstart = 1970-01-01T00:00:01Z\n[device]\nunit = Полиция №7 «Köln» Ελλάς\n");
        assert_string_equal(world->settings.device_id, "A1");
        assert_string_equal(world->settings.store_path, "/var/lib/x");
        assert_int_equal(world->settings.camera_driver, BC_CAMERA_FILE);
        assert_string_equal(world->settings.camera_file, "/x/a b.mp4");
        assert_int_equal(world->settings.camera_width_px, 1920);
        assert_int_equal(world->settings.camera_height_px, 1080);
        assert_int_equal(world->settings.camera_rate_mhz, 29970);
        assert_int_equal(world->settings.pre_event_ns, 90 * BC_NS_PER_S);
        assert_int_equal(world->settings.post_event_ns, 120 * BC_NS_PER_S);
        assert_false(world->settings.pre_event_sound);
        assert_int_equal(world->settings.fragment_ns, 250 * BC_NS_PER_MS);
        assert_int_equal(world->settings.video_bit_rate_bps, 6000000);
        assert_int_equal(world->settings.sound_bit_rate_bps, 64000);
        assert_int_equal(world->settings.mic_rate_error_ppm, -200);
        assert_int_equal(world->settings.bus, BC_BUS_NONE);
        assert_int_equal(world->settings.gnss_lat_e7, -335000000);
        assert_int_equal(world->settings.gnss_lon_e7, 1800000000);
        assert_int_equal(world->settings.overlay_contents, BC_OVERLAY_TIME | BC_OVERLAY_STATE);
        assert_int_equal(world->settings.overlay_corner, BC_CORNER_BOTTOM_RIGHT);
        assert_int_equal(world->settings.utc_start_ns, BC_NS_PER_S);
        assert_string_equal(world->settings.unit, "Полиция №7 «Köln» Ελλάς");
        // Not mentioned: the defaults.
        assert_int_equal(world->settings.segment_ns, 300 * BC_NS_PER_S);
        assert_int_equal(world->settings.clock_mode, BC_CLOCK_REAL);
        assert_false(world->settings.simulation);
}

static void test_byte_order_mark(void **state)
{
        expect_good(*state, "\xef\xbb\xbf" GOOD);
}

static void test_every_error_is_told(void **state)
{
        struct world *world = *state;

        expect_errors(world,
                      "stray = 1\n"                                  // 1
                      "[device]\nid = no spaces\n"                   // 3
                      "[nosuch]\nx = 1\n"                            // 4
                      "[store]\npath = relative\nfolder = /x\n"      // 7, 8
                      "[recording]\npre_event = 30\npost_event = 11 min\nfragment = 99 ms\n" // 10..12
                      "pre_event_sound = maybe\npre_event_sound = yes\n" // 13, 14
                      "[video]\nbit_rate = 99999999999999999999M\nthreads = 0x2\nthreads\n"  // 16, 17, 18
                      "[camera]\ndriver = libcamera\nwidth = 1281\nrate = 29.9700\n" // 20..22
                      "[broken\n[camera] x\n"                        // 23, 24
                      "[gnss]\nlatitude = 85.00000001\nlongitude = 181\nfresh = 0 s\n" // 26..28
                      "[overlay]\ncontents = time name\ncorner = middle\n"            // 30, 31
                      "[utc]\nstart = 2026-02-29T00:00:00Z\n"                          // 33
                      "[device]\nunit = a:b\nmake = \xff\n",                           // 35, 36
                      "c:1: stray: stands before the first [section]\n"
                      "c:3: [device] id = no spaces: not understood; allowed: 1 to 32 letters, digits, - and _\n"
                      "c:4: [nosuch]: unknown section; allowed: device, store, evidence, sealing, camera, microphone, video, sound, "
                      "recording, dock, policy, buttons, indicator, pattern, overlay, gnss, utc, dbus, clock, simulation\n"
                      "c:7: [store] path = relative: not understood; allowed: an absolute path\n"
                      "c:8: [store] folder: unknown key; allowed: path, emergency_reserve\n"
                      "c:10: [recording] pre_event = 30: not understood; allowed: 0 s to 2 min (a whole number of ms, s, "
                      "min or h)\n"
                      "c:11: [recording] post_event = 11 min: out of range; allowed: 0 s to 10 min (a whole number of ms, "
                      "s, min or h)\n"
                      "c:12: [recording] fragment = 99 ms: out of range; allowed: 100 ms to 500 ms (a whole number of ms, "
                      "s, min or h)\n"
                      "c:13: [recording] pre_event_sound = maybe: not understood; allowed: yes or no\n"
                      "c:14: [recording] pre_event_sound: stands in line 13 already; allowed: once in a file\n"
                      "c:16: [video] bit_rate = 99999999999999999999M: out of range; allowed: 64k to 50M (bit/s; k is "
                      "1000, M is 1000000)\n"
                      "c:17: [video] threads = 0x2: not understood; allowed: 1 to 16\n"
                      "c:18: not understood; allowed: key = value, [section], or a comment after ; or #\n"
                      "c:20: [camera] driver = libcamera: not understood; allowed: one of: file, pattern\n"
                      "c:21: [camera] width = 1281: out of range; allowed: 16 to 8192, even\n"
                      "c:22: [camera] rate = 29.9700: not understood; allowed: 1 to 120\n"
                      "c:23: not a section; allowed: [name]\n"
                      "c:24: not a section; allowed: [name]\n"
                      "c:26: [gnss] latitude = 85.00000001: not understood; allowed: -85 to 85 degrees\n"
                      "c:27: [gnss] longitude = 181: out of range; allowed: -180 to 180 degrees\n"
                      "c:28: [gnss] fresh = 0 s: out of range; allowed: 1 s to 1 min (a whole number of ms, s, min or h)\n"
                      "c:30: [overlay] contents = time name: not understood; allowed: any of: time, device, unit, position, "
                      "state\n"
                      "c:31: [overlay] corner = middle: not understood; allowed: one of: top-left, top-right, bottom-left, "
                      "bottom-right\n"
                      "c:33: [utc] start = 2026-02-29T00:00:00Z: not understood; allowed: a time as 2026-11-26T01:12:14Z, or "
                      "nothing\n"
                      "c:35: [device] unit = a:b: not understood; allowed: up to 64 bytes of UTF-8 without control characters "
                      "and colons\n"
                      "c:36: [device] make = \xff: not understood; allowed: up to 64 bytes of UTF-8 without control characters "
                      "and colons\n");
}

static void test_missing_keys(void **state)
{
        expect_errors(*state, "",
                      "c: [device] id: missing; allowed: 1 to 32 letters, digits, - and _\n"
                      "c: [store] path: missing; allowed: an absolute path\n");
}

static void test_keys_that_do_not_go_together(void **state)
{
        struct world *world = *state;

        expect_errors(world, GOOD "[camera]\n\n[microphone]\n\ndriver=file\n[clock]\nmode=simulated\n",
                      "c:9: [microphone] driver = file: [microphone] file is missing, and the camera has no clip; "
                      "allowed: an absolute path\n"
                      "c:11: [clock] mode = simulated: only with [simulation] enabled = yes\n"
                      "c:11: [clock] mode = simulated: only with [utc] driver = simulated\n");
        expect_errors(world, GOOD "[gnss]\ndriver = nmea\n[overlay]\nfont =\n",
                      "c:6: [gnss] driver = nmea: [gnss] file is missing; allowed: an absolute path\n"
                      "c:8: [overlay] font is missing; allowed: an absolute path, or no [overlay] contents\n");
        expect_good(world, GOOD "[overlay]\nfont =\ncontents =\n");
        expect_errors(world, GOOD "[camera]\ndriver=file\n[microphone]\ndriver=file\n",
                      "c:6: [camera] driver = file: [camera] file is missing; allowed: an absolute path\n");
        expect_good(world, GOOD "[camera]\ndriver=file\nfile=/x\n[microphone]\ndriver=file\n");
        expect_errors(world, GOOD "[recording]\nsegment = 1 h\n[video]\nbit_rate = 20M\n",
                      "c:6: [recording] segment: a file would pass 4 GiB at these bit rates; allowed: at most 1538 s\n");
        expect_good(world, GOOD "[recording]\nsegment = 1538 s\n[video]\nbit_rate = 20M\n");
}

// One error hides no other, but what depends on a value that was refused is not judged.
static void test_errors_of_all_kinds_at_once(void **state)
{
        struct world *world = *state;

        expect_errors(world, "[device]\nid = A1\n[camera]\nwidth = 1\ndriver = file\n[clock]\nmode = simulated\n"
                      "[recording]\nsegment = 1 h\n[video]\nbit_rate = 20M\n",
                      "c:4: [camera] width = 1: out of range; allowed: 16 to 8192, even\n"
                      "c: [store] path: missing; allowed: an absolute path\n"
                      "c:5: [camera] driver = file: [camera] file is missing; allowed: an absolute path\n"
                      "c:7: [clock] mode = simulated: only with [simulation] enabled = yes\n"
                      "c:7: [clock] mode = simulated: only with [utc] driver = simulated\n"
                      "c:9: [recording] segment: a file would pass 4 GiB at these bit rates; allowed: at most 1538 s\n");
        expect_errors(world, GOOD "[camera]\ndriver = file\nfile = x\n[microphone]\ndriver = file\n"
                      "[clock]\nmode = simulated\n[simulation]\nenabled = 1\n[recording]\nsegment = 1 h\n"
                      "[sound]\nbit_rate = 900M\n[video]\nbit_rate = 20M\n",
                      "c:7: [camera] file = x: not understood; allowed: an absolute path, or nothing\n"
                      "c:13: [simulation] enabled = 1: not understood; allowed: yes or no\n"
                      "c:17: [sound] bit_rate = 900M: out of range; allowed: 16k to 320k (bit/s; k is 1000, M is "
                      "1000000)\n"
                      "c:11: [clock] mode = simulated: only with [utc] driver = simulated\n");
}

static void test_file_that_cannot_be_read(void **state)
{
        struct world *world = *state;
        char path[256], *long_text;

        assert_int_equal(load(world), -EINVAL);
        assert_string_equal(world->errors, "c: cannot be read: No such file or directory\n");
        assert_int_equal(mkdir(world->file, 0755), 0);
        assert_int_equal(load(world), -EINVAL);
        assert_string_equal(world->errors, "c: not a regular file\n");
        assert_int_equal(rmdir(world->file), 0);
        snprintf(path, sizeof(path), "%s/other", world->folder);
        write_bytes(path, GOOD, strlen(GOOD));
        assert_int_equal(symlink("other", world->file), 0);
        assert_int_equal(load(world), -EINVAL);
        assert_string_equal(world->errors, "c: is a symbolic link, which is not followed\n");
        assert_int_equal(unlink(world->file), 0);
        long_text = malloc(BC_SETTINGS_FILE_BYTES_MAX + 1);
        memset(long_text, '\n', BC_SETTINGS_FILE_BYTES_MAX + 1);
        memcpy(long_text, GOOD, strlen(GOOD));
        write_bytes(world->file, long_text, BC_SETTINGS_FILE_BYTES_MAX + 1);
        assert_int_equal(load(world), -EINVAL);
        assert_string_equal(world->errors, "c: larger than 65536 bytes\n");
        write_bytes(world->file, long_text, BC_SETTINGS_FILE_BYTES_MAX);
        assert_int_equal(load(world), 0);
        free(long_text);
}

static void test_unfit_lines(void **state)
{
        struct world *world = *state;
        char text[600];
        size_t used;

        // 197 characters of text are the most; the line after a longer one is judged on its own.
        for (size_t length = 196; length <= 199; length++) {
                used = (size_t)snprintf(text, sizeof(text), "[device]\nid = A1\n[store]\npath = /");
                size_t begin = used - strlen("path = /");
                while (used - begin < length)
                        text[used++] = 'x';
                snprintf(text + used, sizeof(text) - used, "\n[nosuch]\n");
                write_bytes(world->file, text, strlen(text));
                assert_int_equal(load(world), -EINVAL);
                assert_int_equal(world->count, length <= 197 ? 1 : 3);
                assert_int_equal(!!strstr(world->errors, "c: [store] path: missing"), length > 197);
                assert_int_equal(!!strstr(world->errors, "c:4: the line is too long; allowed: at most 197 characters"),
                                 length > 197);
                assert_non_null(strstr(world->errors, "c:5: [nosuch]: unknown section"));
        }
        static const char nul[] = GOOD "[dbus]\nbus = no\0ne\n";
        write_bytes(world->file, nul, sizeof(nul) - 1);
        assert_int_equal(load(world), -EINVAL);
        assert_string_equal(world->errors,
                            "c:6: the line holds a NUL byte; allowed: at most 197 characters of text\n");
        expect_errors(world, GOOD "[dbus]\nbus = \033[2Jnone\n",
                      "c:6: the line holds a control character; allowed: at most 197 characters of text\n");
}

// A line that begins with a blank is a line of its own, never the rest of the one before.
static void test_no_continued_lines(void **state)
{
        expect_errors(*state, GOOD "  more\n",
                      "c:5: not understood; allowed: key = value, [section], or a comment after ; or #\n");
}

static void test_drop_ins(void **state)
{
        struct world *world = *state;

        write_drop_in(world, "b.conf", "[recording]\npre_event = 2 s\npost_event = 2 s\n");
        write_drop_in(world, "a.conf", "[recording]\npre_event = 1 s\npost_event = 1 s\nsegment = 1 s\n");
        write_drop_in(world, "B.conf", "[recording]\nsegment = 3 s\n");
        write_drop_in(world, "c.txt", "not read");
        write_drop_in(world, ".d.conf", "not read");
        expect_good(world, GOOD "[recording]\npre_event = 9 s\nfragment = 200 ms\n");
        assert_int_equal(world->settings.pre_event_ns, 2 * BC_NS_PER_S);
        assert_int_equal(world->settings.post_event_ns, 2 * BC_NS_PER_S);
        assert_int_equal(world->settings.segment_ns, 1 * BC_NS_PER_S); // B before a
        assert_int_equal(world->settings.fragment_ns, 200 * BC_NS_PER_MS);

        // A mistake names the drop-in; one main file and every drop-in are all looked at.
        write_drop_in(world, "b.conf", "[recording]\npre_event = x\n");
        expect_errors(world, "[nosuch]\n" GOOD,
                      "c:1: [nosuch]: unknown section; allowed: device, store, evidence, sealing, camera, microphone, video, sound, "
                      "recording, dock, policy, buttons, indicator, pattern, overlay, gnss, utc, dbus, clock, simulation\n"
                      "c.d/b.conf:2: [recording] pre_event = x: not understood; allowed: 0 s to 2 min (a whole number of "
                      "ms, s, min or h)\n");
        // A section of one file does not reach into the next.
        write_drop_in(world, "b.conf", "pre_event = 1 s\n");
        expect_errors(world, GOOD, "c.d/b.conf:1: pre_event: stands before the first [section]\n");
        // What goes together is judged at the end, and told where it was set.
        write_drop_in(world, "b.conf", "[clock]\nmode = simulated\n");
        expect_errors(world, GOOD, "c.d/b.conf:2: [clock] mode = simulated: only with [simulation] enabled = yes\n"
                      "c.d/b.conf:2: [clock] mode = simulated: only with [utc] driver = simulated\n");
        write_drop_in(world, "9.conf", "[simulation]\nenabled = yes\n[utc]\ndriver = simulated\n");
        expect_good(world, GOOD);
}

// What is found wrong only when devices are opened is told with the place it was set at, too.
static void test_settings_know_their_places(void **state)
{
        struct world *world = *state;
        struct bc_settings_sink sink = { on_error, world };
        struct bc_settings settings;
        char text[300], expected[300];

        write_drop_in(world, "a.conf", "[video]\n\npreset = speedy\n");
        write_bytes(world->file, GOOD "[sound]\nbit_rate = 320000\n", sizeof(GOOD "[sound]\nbit_rate = 320000\n") - 1);
        assert_int_equal(bc_settings_load(world->file, &sink, &settings), 0);
        bc_settings_tell(&settings, "video", "preset", text, sizeof(text));
        snprintf(expected, sizeof(expected), "%s/a.conf:3: [video] preset = speedy", world->drop_ins);
        assert_string_equal(text, expected);
        bc_settings_tell(&settings, "sound", "bit_rate", text, sizeof(text));
        snprintf(expected, sizeof(expected), "%s:6: [sound] bit_rate = 320k", world->file);
        assert_string_equal(text, expected);
        bc_settings_tell(&settings, "video", "bit_rate", text, sizeof(text));
        assert_string_equal(text, "(built in): [video] bit_rate = 8M");
        bc_settings_done(&settings);
}

static void test_drop_ins_alone_are_enough(void **state)
{
        struct world *world = *state;

        write_drop_in(world, "10.conf", GOOD);
        expect_good(world, "");
}

static void test_table(void **state)
{
        struct bc_settings settings;
        char text[BC_SETTING_VALUE_BYTES], allowed[160];
        size_t number;

        (void)state;
        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);
                memset(&settings, 0, sizeof(settings));
                if (bc_setting_parse(setting, setting->fallback, &settings) != 0)
                        fail_msg("[%s] %s: the default is not allowed", setting->section, setting->key);
                bc_setting_format(setting, &settings, text);
                assert_string_equal(text, setting->fallback);
                bc_setting_allowed(setting, allowed, sizeof(allowed));
                assert_true(strlen(allowed) > 2 && strlen(allowed) < sizeof(allowed) - 1);
                assert_true(bc_setting_has_section(setting->section));
                assert_ptr_equal(bc_setting_find(setting->section, setting->key, &number), setting);
                assert_int_equal(number, i);
                assert_true(strlen(bc_setting_help(setting)) > 10 && bc_setting_help(setting)[strlen(bc_setting_help(setting)) - 1] == '.');
                // No two rows share a member.
                for (size_t k = 0; k < i; k++)
                        assert_true(bc_setting_at(k)->offset != setting->offset);
        }
}

static uint64_t next_random(uint64_t *random)
{
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        return *random >> 11;
}

// Any settings, printed and loaded again, are the same settings.
static void test_printed_settings_load(void **state)
{
        struct world *world = *state;
        struct bc_settings settings, printed;
        struct bc_settings_sink sink = { on_error, world };
        uint64_t random = 88172645463325252;

        assert_int_equal(bc_settings_load(NULL, &sink, &settings), 0);
        bc_settings_done(&settings);
        for (unsigned run = 0; run < 300; run++) {
                for (size_t i = 0; i < bc_setting_count(); i++) {
                        const struct bc_setting *setting = bc_setting_at(i);
                        int64_t *number = (int64_t *)(void *)((char *)&settings + setting->offset);
                        uint64_t span = (uint64_t)(setting->max - setting->min);
                        int64_t grain = setting->type == BC_SETTING_DURATION ? BC_NS_PER_MS : 1;
                        if (setting->type == BC_SETTING_BOOL)
                                *(bool *)number = next_random(&random) & 1;
                        else if (setting->type < BC_SETTING_CHOICE) {
                                *number = setting->min + (int64_t)(next_random(&random) % (span + 1));
                                grain = setting->step ? setting->step : grain;
                                *number -= *number % grain;
                                if (*number < setting->min)
                                        *number = setting->min;
                        }
                }
                settings.simulation = true;
                settings.stop_hold_ns %= 29 * BC_NS_PER_S;
                settings.stop_hold_ns += BC_NS_PER_S / 2;
                settings.release_hold_ns %= 24 * BC_NS_PER_S;
                settings.release_hold_ns += 2 * BC_NS_PER_S;
                settings.segment_ns %= 600 * BC_NS_PER_S;
                settings.segment_ns += BC_NS_PER_S;
                FILE *out = fopen(world->file, "w");
                assert_non_null(out);
                bc_settings_print(&settings, out);
                assert_int_equal(fclose(out), 0);
                if (load(world) != 0)
                        fail_msg("%s", world->errors);
                printed = world->settings;
                for (size_t i = 0; i < bc_setting_count(); i++) {
                        char a[BC_SETTING_VALUE_BYTES], b[BC_SETTING_VALUE_BYTES];
                        bc_setting_format(bc_setting_at(i), &settings, a);
                        bc_setting_format(bc_setting_at(i), &printed, b);
                        assert_string_equal(a, b);
                }
        }
}

// Whatever the bytes: no crash, and either settings within their ranges or at least one error.
static void test_random_bytes(void **state)
{
        struct world *world = *state;
        static const char *const scraps[] = { "[", "]", "=", ":", ";", "#", "\n", "\r\n", " ", "\t", "device", "id", "store",
                                              "path", "/x", "recording", "pre_event", "5", "s", "min", "9999999999999999999",
                                              "[device]\nid=A\n", "[store]\npath=/x\n", "\xff", "%s%n", "-", ".", "yes" };
        uint64_t random = 0x1234567;
        unsigned good = 0, bad = 0;

        for (unsigned run = 0; run < 4000; run++) {
                char text[2048];
                size_t size = 0;
                unsigned pieces = (unsigned)(next_random(&random) % 40);
                if (run % 4 == 0)
                        size = (size_t)snprintf(text, sizeof(text), "%s", GOOD);
                for (unsigned i = 0; i < pieces; i++) {
                        if (next_random(&random) % 8 == 0) {
                                text[size++] = (char)next_random(&random);
                        } else {
                                const char *scrap =
                                        scraps[next_random(&random) % (sizeof(scraps) / sizeof(scraps[0]))];
                                memcpy(text + size, scrap, strlen(scrap));
                                size += strlen(scrap);
                        }
                }
                write_bytes(world->file, text, size);
                if (load(world) == 0) {
                        assert_int_equal(world->count, 0);
                        assert_true(world->settings.pre_event_ns >= 0 &&
                                    world->settings.pre_event_ns <= 120 * BC_NS_PER_S);
                        assert_true(world->settings.store_path[0] == '/');
                        good++;
                } else {
                        assert_true(world->count > 0);
                        bad++;
                }
        }
        print_message("random files: %u good, %u bad\n", good, bad);
        assert_true(good >= 20 && bad > 1000);
}

static void test_errors_are_bounded(void **state)
{
        struct world *world = *state;
        char *text = malloc(40000);

        for (unsigned i = 0; i < 20000; i++)
                memcpy(text + i * 2, "x\n", 2);
        write_bytes(world->file, text, 40000);
        assert_int_equal(load(world), -EINVAL);
        assert_int_equal(world->count, BC_SETTINGS_ERRORS_MAX + 1);
        assert_non_null(strstr(world->errors, "more errors than are worth showing"));
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_values, setup, teardown),
                cmocka_unit_test_setup_teardown(test_byte_order_mark, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_error_is_told, setup, teardown),
                cmocka_unit_test_setup_teardown(test_missing_keys, setup, teardown),
                cmocka_unit_test_setup_teardown(test_keys_that_do_not_go_together, setup, teardown),
                cmocka_unit_test_setup_teardown(test_errors_of_all_kinds_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_file_that_cannot_be_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unfit_lines, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_continued_lines, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drop_ins, setup, teardown),
                cmocka_unit_test_setup_teardown(test_settings_know_their_places, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drop_ins_alone_are_enough, setup, teardown),
                cmocka_unit_test(test_table),
                cmocka_unit_test_setup_teardown(test_printed_settings_load, setup, teardown),
                cmocka_unit_test_setup_teardown(test_random_bytes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_errors_are_bounded, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
