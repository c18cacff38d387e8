// SPDX-License-Identifier: EUPL-1.2
// raw-film pattern|noise|CLIP WIDTH HEIGHT SECONDS PICTURES.y4m [SOUND.s16]: what a camera and a microphone
// deliver from media time 10 s on, raw (YUV4MPEG2 at 30 fps; 48 kHz mono or stereo, 16 bits), for ffmpeg and
// for the eye. As fast as it can, on a simulated clock.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "file/file.h"
#include "pattern/pattern.h"

#define START_NS (10 * BC_NS_PER_S)
#define RATE_MHZ 30000

struct film {
        struct bc_clock *clock;
        FILE *pictures, *sound;
        int64_t end_ns;
        uint32_t lost;
        bool failed;
};

static void write_plane(FILE *to, const uint8_t *plane, size_t stride, size_t width, size_t height)
{
        for (size_t row = 0; row < height; row++)
                fwrite(plane + row * stride, 1, width, to);
}

static void on_frame(void *user, struct bc_frame *frame)
{
        struct film *film = user;

        film->lost += frame->lost;
        if (frame->time_ns < film->end_ns) {
                fputs("FRAME\n", film->pictures);
                write_plane(film->pictures, frame->plane[0], frame->stride_bytes[0], frame->width_px,
                            frame->height_px);
                for (unsigned i = 1; i < 3; i++)
                        write_plane(film->pictures, frame->plane[i], frame->stride_bytes[i],
                                    frame->width_px / 2, frame->height_px / 2);
        }
        bc_frame_release(frame);
}

static void on_error(void *user, int error)
{
        struct film *film = user;

        fprintf(stderr, "camera: %s\n", strerror(-error));
        film->failed = true;
}

static void hear(struct film *film, struct bc_mic *mic)
{
        size_t samples_max = mic->info.period_samples * mic->info.channels;
        BC_CLEANUP(bc_cleanup_memory) int16_t *samples = calloc(samples_max, sizeof(*samples));
        struct bc_mic_chunk chunk = { 0 };

        bc_clock_enter(film->clock);
        bc_clock_release(film->clock, BC_NS_NEVER);
        if (!samples || bc_mic_start(mic) < 0)
                film->failed = true;
        while (!film->failed && chunk.time_ns < film->end_ns - 10 * BC_NS_PER_MS) {
                if (bc_mic_read(mic, samples, BC_NS_NEVER, &chunk) < 0)
                        film->failed = true;
                else
                        fwrite(samples, sizeof(*samples) * mic->info.channels, chunk.samples, film->sound);
        }
        bc_mic_stop(mic);
        bc_clock_leave(film->clock);
}

static int open_devices(struct bc_clock *clock, char *argv[], struct bc_camera **ret_camera,
                        struct bc_mic **ret_mic)
{
        struct bc_camera_config camera = { (uint32_t)strtoul(argv[2], NULL, 10),
                                           (uint32_t)strtoul(argv[3], NULL, 10), RATE_MHZ };
        struct bc_file_config clip = { .clip_path = argv[1], .origin_ns = START_NS };
        struct bc_pattern_config pattern = { .noise = strcmp(argv[1], "noise") == 0, .seed = 1 };
        struct bc_tone_config tone = { .rate_hz = 48000, .channels = 1 };
        bool drawn = pattern.noise || strcmp(argv[1], "pattern") == 0;
        char text[512] = "";
        int r;

        r = drawn ? bc_pattern_camera_open(clock, &pattern, &camera, text, sizeof(text), ret_camera)
                  : bc_file_camera_open(clock, &clip, &camera, text, sizeof(text), ret_camera);
        if (r >= 0 && ret_mic)
                r = drawn ? bc_tone_mic_open(clock, &tone, text, sizeof(text), ret_mic)
                          : bc_file_mic_open(clock, &clip, text, sizeof(text), ret_mic);
        if (r < 0)
                fprintf(stderr, "%s\n", text);
        return r;
}

int main(int argc, char *argv[])
{
        BC_CLEANUP(bc_cleanup_stream) FILE *pictures = NULL;
        BC_CLEANUP(bc_cleanup_stream) FILE *sound = NULL;
        struct film film = { 0 };
        struct bc_camera_sink sink = { .on_frame = on_frame, .on_error = on_error, .user = &film };
        struct bc_camera *camera = NULL;
        struct bc_mic *mic = NULL;

        if (argc < 6 || argc > 7) {
                fprintf(stderr,
                        "usage: raw-film pattern|noise|CLIP WIDTH HEIGHT SECONDS PICTURES.y4m [SOUND.s16]\n");
                return 2;
        }
        film.end_ns = START_NS + strtol(argv[4], NULL, 10) * BC_NS_PER_S;
        pictures = film.pictures = fopen(argv[5], "w");
        sound = film.sound = argc == 7 ? fopen(argv[6], "w") : NULL;
        if (!pictures || (argc == 7 && !sound)) {
                perror(argv[5]);
                return 1;
        }
        if (bc_clock_new_simulated(START_NS, &film.clock) < 0 ||
            open_devices(film.clock, argv, &camera, argc == 7 ? &mic : NULL) < 0)
                return 1;
        fprintf(pictures, "YUV4MPEG2 W%s H%s F30:1 Ip A1:1 C420jpeg\n", argv[2], argv[3]);
        if (bc_camera_start(camera, &sink) < 0)
                return 1;
        if (mic)
                hear(&film, mic);
        else
                bc_clock_run_until(film.clock, film.end_ns);
        bc_camera_stop(camera);
        bc_camera_free(camera);
        bc_mic_free(mic);
        bc_clock_free(film.clock);
        if (film.lost > 0)
                fprintf(stderr, "%" PRIu32 " pictures lost\n", film.lost);
        return film.failed || fflush(pictures) != 0 || (sound && fflush(sound) != 0);
}
