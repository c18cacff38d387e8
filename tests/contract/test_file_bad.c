// SPDX-License-Identifier: EUPL-1.2
// The file driver and bad input: refused at opening with a message that names file and reason, or, if only a
// part is damaged, played without it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/log.h>

#include "base/cleanup.h"
#include "contract/clips.h"
#include "contract/levels.h"
#include "file/file.h"

#define CLIP_BYTES_MAX (1u << 20)

struct refusal {
        const char *clip, *sound;
        int error;
        const char *about, *reason; // words of the message
};

static void check_text(const struct refusal *refusal, int r, const char *text)
{
        if (r != refusal->error || !strstr(text, refusal->about) || !strstr(text, refusal->reason))
                fail_msg("%s: %d, \"%s\"", refusal->clip, r, text);
}

static struct bc_file_config config_of(const struct refusal *refusal, char path[CLIP_PATH_BYTES],
                                       char sound_path[CLIP_PATH_BYTES])
{
        return (struct bc_file_config){
                .clip_path = clip_path(refusal->clip, path),
                .sound_path = refusal->sound ? clip_path(refusal->sound, sound_path) : NULL,
        };
}

static void refuse_camera(struct bc_clock *clock, const struct refusal *refusal)
{
        char path[CLIP_PATH_BYTES], sound_path[CLIP_PATH_BYTES], text[1024] = "";
        struct bc_file_config config = config_of(refusal, path, sound_path);
        struct bc_camera *camera = (void *)clock; // untouched on failure
        int r = bc_file_camera_open(clock, &config, &(struct bc_camera_config){ 64, 48, 30000 }, text,
                                    sizeof(text), &camera);

        check_text(refusal, r, text);
        assert_ptr_equal(camera, clock);
        // A short room for the message, or none, is no reason to fail differently.
        assert_int_equal(bc_file_camera_open(clock, &config, &(struct bc_camera_config){ 64, 48, 30000 },
                                             text, 5, &camera),
                         r);
        assert_int_equal(strlen(text), 4);
        assert_int_equal(bc_file_camera_open(clock, &config, &(struct bc_camera_config){ 64, 48, 30000 },
                                             NULL, 0, &camera),
                         r);
}

static void refuse_mic(struct bc_clock *clock, const struct refusal *refusal)
{
        char path[CLIP_PATH_BYTES], sound_path[CLIP_PATH_BYTES], text[1024] = "";
        struct bc_file_config config = config_of(refusal, path, sound_path);
        struct bc_mic *mic = (void *)clock;
        int r = bc_file_mic_open(clock, &config, text, sizeof(text), &mic);

        check_text(refusal, r, text);
        assert_ptr_equal(mic, clock);
}

static void test_camera_refuses(void **state)
{
        static const struct refusal refusals[] = {
                { "nowhere.mp4", NULL, -ENOENT, "/nowhere.mp4: ", "No such file" },
                { ".", NULL, -EINVAL, "/.: ", "not a regular file" },
                { "pipe.mp4", NULL, -EINVAL, "/pipe.mp4: ", "not a regular file" },
                { "empty.mp4", NULL, -EBADMSG, "/empty.mp4: ", "cannot be read as a clip" },
                { "text.mp4", NULL, -EBADMSG, "/text.mp4: ", "cannot be read as a clip" },
                { "no-index.mp4", NULL, -EBADMSG, "/no-index.mp4: ", "cannot be read as a clip" },
                { "no-picture.mp3", NULL, -ENODATA, "/no-picture.mp3: ", "holds no picture" },
                { "cover.mp3", NULL, -ENODATA, "/cover.mp3: ", "holds no picture" },
                { "no-frames.mkv", NULL, -ENODATA, "/no-frames.mkv: ", "holds n" },
                { "too-small.mkv", NULL, -ERANGE,
                  "/too-small.mkv: ", "pictures of 8x8, sides must be 16 to 8192" },
                { "too-large.mkv", NULL, -ERANGE,
                  "/too-large.mkv: ", "pictures of 8208x32, sides must be 16 to 8192" },
                { "absurd.mkv", NULL, -ERANGE, "/absurd.mkv: ", "time stamps" },
                { "silent.mp4", "nowhere.wav", -ENOENT, "/nowhere.wav: ", "No such file" },
        };
        struct bc_clock *clock;
        char path[CLIP_PATH_BYTES];

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        unlink(clip_path("pipe.mp4", path));
        assert_int_equal(mkfifo(path, 0600), 0);
        for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
                refuse_camera(clock, &refusals[i]);
        bc_clock_free(clock);
}

static void test_mic_refuses(void **state)
{
        static const struct refusal refusals[] = {
                { "nowhere.mp4", NULL, -ENOENT, "/nowhere.mp4: ", "No such file" },
                { "text.mp4", NULL, -EBADMSG, "/text.mp4: ", "cannot be read as a clip" },
                { "silent.mp4", NULL, -ENODATA, "/silent.mp4: ", "holds no sound" },
                { "plain.mp4", "still.png", -ENODATA, "/still.png: ", "holds no sound" },
                { "plain.mp4", "empty.mp4", -EBADMSG, "/empty.mp4: ", "cannot be read as a clip" },
        };
        struct bc_clock *clock;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
                refuse_mic(clock, &refusals[i]);
        bc_clock_free(clock);
}

static void save(const char *name, const void *bytes, size_t size)
{
        char path[CLIP_PATH_BYTES];
        BC_CLEANUP(bc_cleanup_stream) FILE *file = fopen(clip_path(name, path), "wb");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, size, file), size);
}

// A socket on this machine that would accept; its port.
static int listen_here(unsigned *ret_port)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
        *ret_port = ntohs(address.sin_port);
        return fd;
}

// A playlist is a clip like any other, but leads nowhere but to local files.
static void test_no_network(void **state)
{
        char path[CLIP_PATH_BYTES], text[1024] = "", playlist[256];
        struct bc_file_config config = { .clip_path = clip_path("network.m3u8", path) };
        struct bc_clock *clock;
        struct bc_camera *camera;
        unsigned port = 0;
        int fd = listen_here(&port), length;

        (void)state;
        length = snprintf(playlist, sizeof(playlist), "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
                          "http://127.0.0.1:%u/a.ts\n#EXT-X-ENDLIST\n", port);
        save("network.m3u8", playlist, (size_t)length);
        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        assert_true(bc_file_camera_open(clock, &config, &(struct bc_camera_config){ 64, 48, 30000 }, text,
                                        sizeof(text), &camera) < 0);
        assert_non_null(strstr(text, path));
        assert_int_equal(accept(fd, NULL, NULL), -1); // nobody called
        assert_int_equal(errno, EAGAIN);
        close(fd);
        bc_clock_free(clock);
}

static void test_sizes_refused(void **state)
{
        static const uint32_t sizes[][2] = { { 0, 0 },   { 14, 16 }, { 16, 14 },   { 65, 48 },
                                             { 64, 49 }, { 8194, 16 }, { 16, 8194 }, { UINT32_MAX, 2 } };
        struct bc_file_config config = { 0 };
        struct bc_clock *clock;
        struct bc_camera *camera;
        char path[CLIP_PATH_BYTES], text[1024];

        (void)state;
        config.clip_path = clip_path("even.mkv", path);
        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                struct bc_camera_config size = { sizes[i][0], sizes[i][1], 30000 };

                text[0] = 0;
                assert_int_equal(bc_file_camera_open(clock, &config, &size, text, sizeof(text), &camera),
                                 -EINVAL);
                assert_non_null(strstr(text, "sides must be even and 16 to 8192"));
        }
        bc_clock_free(clock);
}

// ---- damage --------------------------------------------------------------------------------------------------

struct play {
        struct bc_clock *clock;
        struct bc_camera *camera;
        struct levels *seen;
        struct bc_camera_sink sink;
};

static struct play play_start(const char *clip)
{
        struct play play = { 0 };

        assert_int_equal(bc_clock_new_simulated(0, &play.clock), 0);
        play.camera = levels_open(play.clock, clip, NULL, 0, 64, 48);
        assert_non_null(play.camera);
        play.seen = levels_new(play.clock);
        play.sink = levels_sink(play.seen);
        assert_int_equal(bc_camera_start(play.camera, &play.sink), 0);
        return play;
}

static void play_end(struct play *play)
{
        bc_camera_free(play->camera);
        levels_free(play->seen);
        bc_clock_free(play->clock);
}

static unsigned lost_of(const struct play *play)
{
        unsigned lost = 0;

        for (unsigned i = 0; i < play->seen->count; i++)
                lost += play->seen->level[i].lost;
        return lost;
}

static void check_damaged(const char *clip, unsigned known_min)
{
        struct play play = play_start(clip);

        bc_clock_run_until(play.clock, 40 * BC_NS_PER_S - 1);
        assert_in_range(play.seen->count, 500, 999); // of 1000
        assert_true(lost_of(&play) > 0);
        assert_in_range(play.seen->count + lost_of(&play), known_min, 1000);
        for (unsigned i = 1; i < play.seen->count; i++)
                assert_true(play.seen->level[i].time_ns > play.seen->level[i - 1].time_ns);
        assert_int_equal(play.seen->errors, 0);
        play_end(&play);
}

// Pictures that an index knows of are shown or lost. Of a transport stream whole packets are gone without a
// trace.
static void test_damage_in_the_middle(void **state)
{
        (void)state;
        check_damaged("damaged.mp4", 990);
        check_damaged("damaged.ts", 800);
}

// What was broken before the camera was on is nobody's loss.
static void test_started_after_damage(void **state)
{
        struct play play = play_start("damaged.mp4");
        unsigned before;

        (void)state;
        bc_camera_stop(play.camera);
        before = play.seen->count;
        bc_clock_run_until(play.clock, 1900 * BC_NS_PER_MS);
        assert_int_equal(bc_camera_start(play.camera, &play.sink), 0);
        bc_clock_run_until(play.clock, 4 * BC_NS_PER_S);
        assert_true(play.seen->count > before);
        assert_int_equal(play.seen->level[before].lost, 0);
        play_end(&play);
}

// Cut off: what is there is the clip.
static void test_truncated(void **state)
{
        struct play play = play_start("truncated.mp4");

        (void)state;
        bc_clock_run_until(play.clock, 40 * BC_NS_PER_S);
        assert_in_range(play.seen->count, 900, 1001);
        for (unsigned i = 1; i < play.seen->count; i++)
                assert_true(play.seen->level[i].time_ns > play.seen->level[i - 1].time_ns);
        play_end(&play);
}

static size_t load(const char *name, uint8_t *bytes)
{
        char path[CLIP_PATH_BYTES];
        BC_CLEANUP(bc_cleanup_stream) FILE *file = fopen(clip_path(name, path), "rb");
        size_t size;

        assert_non_null(file);
        size = fread(bytes, 1, CLIP_BYTES_MAX, file);
        assert_in_range(size, 1, CLIP_BYTES_MAX - 1);
        return size;
}

// A clip that vanishes under the camera is one error, said once, and no frantic rereading; when it is back,
// so is the picture.
static void test_emptied_and_restored(void **state)
{
        static uint8_t bytes[CLIP_BYTES_MAX];
        // Larger than what a demuxer keeps in memory, or opened again for each loop.
        static const char *const clips[] = { "plain.mp4", "even.mkv", "transport.ts", "xvid.avi",
                                             "untimed.h264" };

        (void)state;
        for (unsigned i = 0; i < sizeof(clips) / sizeof(clips[0]); i++) {
                size_t size = load(clips[i], bytes);
                struct play play;
                unsigned count;

                save("fleeting", bytes, size);
                play = play_start("fleeting");
                bc_clock_run_until(play.clock, 7 * BC_NS_PER_S);
                assert_true(play.seen->count >= 60);
                save("fleeting", bytes, 0);
                bc_clock_run_until(play.clock, 30 * BC_NS_PER_S);
                if (play.seen->errors != 1 || play.seen->error >= 0)
                        fail_msg("%s: %u errors, %d", clips[i], play.seen->errors, play.seen->error);
                count = play.seen->count;
                save("fleeting", bytes, size);
                bc_clock_run_until(play.clock, 40 * BC_NS_PER_S);
                if (play.seen->count < count + 50)
                        fail_msg("%s: only %u pictures after %u", clips[i], play.seen->count, count);
                assert_int_equal(play.seen->errors, 1);
                assert_in_range(play.seen->level[count].lost, 200, 700); // 24 s
                for (unsigned k = 1; k < play.seen->count; k++)
                        assert_true(play.seen->level[k].time_ns > play.seen->level[k - 1].time_ns);
                play_end(&play);
        }
}

// Opens and plays whatever "fuzzed" is. True: it could be opened.
static bool watch_fuzzed(void)
{
        char path[CLIP_PATH_BYTES], text[1024] = "";
        struct bc_file_config config = { .clip_path = clip_path("fuzzed", path) };
        struct bc_camera_config camera_config = { 64, 48, 30000 };
        struct bc_clock *clock;
        struct bc_camera *camera;
        struct levels *seen;
        struct bc_camera_sink sink;

        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        if (bc_file_camera_open(clock, &config, &camera_config, text, sizeof(text), &camera) < 0) {
                assert_true(strlen(text) > strlen(config.clip_path));
                bc_clock_free(clock);
                return false;
        }
        seen = levels_new(clock);
        sink = levels_sink(seen);
        assert_int_equal(bc_camera_start(camera, &sink), 0);
        bc_clock_run_until(clock, 20 * BC_NS_PER_S);
        bc_camera_free(camera);
        for (unsigned i = 1; i < seen->count; i++)
                assert_true(seen->level[i].time_ns > seen->level[i - 1].time_ns);
        levels_free(seen);
        bc_clock_free(clock);
        return true;
}

static bool hear_fuzzed(void)
{
        char path[CLIP_PATH_BYTES], text[1024] = "";
        struct bc_file_config config = { .clip_path = clip_path("fuzzed", path) };
        struct bc_clock *clock;
        struct bc_mic *mic;
        int16_t samples[2 * 480];
        int64_t before_ns = -1;

        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        if (bc_file_mic_open(clock, &config, text, sizeof(text), &mic) < 0) {
                assert_true(strlen(text) > strlen(config.clip_path));
                bc_clock_free(clock);
                return false;
        }
        bc_clock_enter(clock);
        bc_clock_release(clock, BC_NS_NEVER);
        assert_int_equal(bc_mic_start(mic), 0);
        while (bc_clock_now_ns(clock) < 20 * BC_NS_PER_S) {
                struct bc_mic_chunk chunk;

                if (bc_mic_read(mic, samples, bc_clock_now_ns(clock) + BC_NS_PER_S, &chunk) < 0)
                        continue;
                assert_true(chunk.time_ns > before_ns);
                before_ns = chunk.time_ns;
        }
        bc_clock_leave(clock);
        bc_mic_free(mic);
        bc_clock_free(clock);
        return true;
}

// Any byte may be wrong: a clip opens or is refused, plays or fails, but never hangs or crashes.
static void test_random_damage(void **state)
{
        static const char *const clips[] = { "inter.mp4", "ntsc.nut", "inter.ts", "inter.avi", "palette.gif",
                                             "plain.mp4", "six-channels.flac", "no-picture.mp3" };
        static uint8_t whole[CLIP_BYTES_MAX], bytes[CLIP_BYTES_MAX];
        uint64_t seed = 1;
        unsigned watched = 0, heard = 0;

        (void)state;
        for (unsigned round = 0; round < 160; round++) {
                size_t size = load(clips[round % 8], whole);

                memcpy(bytes, whole, size);
                for (unsigned i = 0; i < 1 + round % 40; i++) {
                        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                        // The head of the file, where its structure is, more often than the rest.
                        bytes[(seed >> 33) % (i % 2 ? size : size / 20 + 1)] ^= (uint8_t)(seed >> 25);
                }
                save("fuzzed", bytes, size);
                watched += watch_fuzzed();
                heard += hear_fuzzed();
        }
        assert_in_range(watched, 20, 119);
        assert_in_range(heard, 20, 119);
}

int main(void)
{
        av_log_set_level(AV_LOG_QUIET); // it has much to say about these clips
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_camera_refuses),
                cmocka_unit_test(test_mic_refuses),
                cmocka_unit_test(test_no_network),
                cmocka_unit_test(test_sizes_refused),
                cmocka_unit_test(test_damage_in_the_middle),
                cmocka_unit_test(test_started_after_damage),
                cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_emptied_and_restored),
                cmocka_unit_test(test_random_damage),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
