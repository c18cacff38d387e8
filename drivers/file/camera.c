// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "file/clip.h"
#include "file/file.h"
#include "file/reader.h"
#include "file/scaler.h"
#include "simulated/camera.h"

#define SEEK_NS (2 * BC_NS_PER_S) // what lies further ahead is sought, not decoded through
#define BEHIND_NS BC_NS_PER_S     // so far behind, the decoder does not catch up by itself

struct film {
        struct bc_clip clip;
        char *clip_path, *sound_path;
        int64_t origin_ns;
        int64_t delay_ns; // by which pictures come out later than the clip's packets say
        struct bc_clip_reader *reader;
        struct bc_clip_scaler *scaler;

        const AVFrame *picture; // the reader's
        int64_t loop;           // how often the clip was over
        int64_t place_ns;       // of the last picture in the loop; -1: none
        int64_t from_ns;        // pictures before this media time are not asked for
        int64_t time_ns;        // media time of the last picture
        bool whole;             // this loop was read from the start
        uint64_t lost, left_out; // since the last picture that was asked for: broken, and passed over
};

static void free_film(void *scene)
{
        struct film *film = scene;

        bc_clip_reader_free(film->reader);
        bc_clip_scaler_free(film->scaler);
        free(film->clip_path);
        free(film->sound_path);
        free(film);
}

BC_DEFINE_CLEANUP(film, struct film, free_film)

static int begin_loop(struct film *film)
{
        film->place_ns = -1;
        film->whole = true;
        return bc_clip_reader_rewind(film->reader);
}

static int seek(void *scene, int64_t from_ns)
{
        struct film *film = scene;
        int64_t since_ns = from_ns > film->origin_ns ? from_ns - film->origin_ns : 0;
        int64_t place_ns = since_ns % film->clip.period_ns;

        film->lost = film->left_out = 0;
        film->loop = since_ns / film->clip.period_ns;
        film->from_ns = film->time_ns = from_ns;
        if (place_ns < SEEK_NS)
                return begin_loop(film);
        film->place_ns = -1;
        film->whole = false;
        return bc_clip_reader_seek(film->reader, film->clip.picture.zero_ns + place_ns);
}

// Where in the loop a picture belongs. Without a time stamp of its own it follows the one before.
static int64_t place_of(const struct film *film, const AVFrame *picture)
{
        int64_t ns = bc_clip_reader_ns(film->reader, picture);

        if (ns != INT64_MIN)
                return ns - film->delay_ns - film->clip.picture.zero_ns;
        return film->place_ns < 0 ? 0 : film->place_ns + film->clip.picture.interval_ns;
}

// Goes to the clip's next picture, or to the beginning of the next loop: then, or when a picture has no place
// in the loop, -EAGAIN.
static int advance(struct film *film)
{
        uint32_t broken = 0;
        int64_t place_ns;
        int r;

        r = bc_clip_reader_next(film->reader, &film->picture, &broken);
        film->lost += broken;
        if (r == -ENODATA) {
                if (film->whole && film->place_ns < 0)
                        return -ENODATA; // not one picture in all of it
                film->loop++;
                r = begin_loop(film);
                return r < 0 ? r : -EAGAIN;
        }
        if (r < 0)
                return r;
        place_ns = place_of(film, film->picture);
        if (place_ns <= film->place_ns || place_ns < 0 || place_ns >= film->clip.period_ns) {
                film->lost++;
                return -EAGAIN;
        }
        film->place_ns = place_ns;
        film->time_ns = film->origin_ns + film->loop * film->clip.period_ns + place_ns;
        return 0;
}

static bool is_behind(const struct film *film, int64_t now_ns)
{
        return film->time_ns >= film->from_ns && now_ns - film->time_ns > BEHIND_NS;
}

static int next(void *scene, int64_t now_ns, int64_t *ret_time_ns, uint32_t *ret_lost)
{
        struct film *film = scene;
        uint64_t lost;
        int r;

        if (is_behind(film, now_ns)) {
                // Those between the last one and now; now itself may still be shown.
                int64_t left_out = (now_ns - film->time_ns - 1) / film->clip.picture.interval_ns;

                r = seek(film, now_ns);
                if (r < 0)
                        return r;
                film->left_out = (uint64_t)left_out;
        }
        r = advance(film);
        if (r < 0)
                return r;
        if (film->time_ns < film->from_ns) {
                film->lost = 0; // nobody looked
                return -EAGAIN;
        }
        lost = film->lost + film->left_out;
        film->lost = film->left_out = 0;
        *ret_time_ns = film->time_ns;
        *ret_lost = lost < UINT32_MAX ? (uint32_t)lost : UINT32_MAX;
        return 0;
}

static int paint(void *scene, struct bc_frame *frame)
{
        struct film *film = scene;

        return bc_clip_scaler_paint(film->scaler, film->picture, frame);
}

static const struct bc_scene_ops scene_ops = {
        .seek = seek, .next = next, .paint = paint, .free = free_film
};

// ---- opening -------------------------------------------------------------------------------------------------

// The first picture that can be decoded shows that the clip can be shown.
static int prove(struct film *film, const struct bc_camera_info *info, char *text, size_t text_bytes)
{
        const struct bc_clip_track *track = &film->clip.picture;
        const char *path = film->clip_path;
        uint32_t broken = 0;
        int64_t ns;
        int r;

        r = bc_clip_reader_next(film->reader, &film->picture, &broken);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: no picture of it can be decoded", path);
                return r == -ENODATA ? -EBADMSG : r;
        }
        ns = bc_clip_reader_ns(film->reader, film->picture);
        if (track->by_decoding && ns > track->start_ns && broken == 0)
                film->delay_ns = ns - track->start_ns;
        r = bc_clip_scaler_prepare(film->scaler, film->picture);
        if (r == -ERANGE)
                snprintf(text, text_bytes, "%s: pictures of %dx%d, sides must be %d to %d", path,
                         film->picture->width, film->picture->height, BC_PICTURE_SIDE_MIN_PX,
                         BC_PICTURE_SIDE_MAX_PX);
        else if (r < 0)
                snprintf(text, text_bytes,
                         "%s: pictures of %dx%d cannot be scaled to %" PRIu32 "x%" PRIu32 ": %s", path,
                         film->picture->width, film->picture->height, info->width_px, info->height_px,
                         strerror(-r));
        return r;
}

static int load(struct film *film, const struct bc_file_config *config, const struct bc_camera_info *info,
                char *text, size_t text_bytes)
{
        struct bc_file_config own = *config;
        int r;

        film->clip_path = strdup(config->clip_path);
        film->sound_path = config->sound_path ? strdup(config->sound_path) : NULL;
        if (!film->clip_path || (config->sound_path && !film->sound_path)) {
                snprintf(text, text_bytes, "%s: no memory", config->clip_path);
                return -ENOMEM;
        }
        own.clip_path = film->clip_path;
        own.sound_path = film->sound_path;
        film->origin_ns = config->origin_ns;
        r = bc_clip_scan(&own, text, text_bytes, &film->clip);
        if (r < 0)
                return r;
        if (film->clip.picture.stream < 0) {
                snprintf(text, text_bytes, "%s: holds no picture", config->clip_path);
                return -ENODATA;
        }
        r = bc_clip_reader_new(&film->clip.picture, text, text_bytes, &film->reader);
        if (r < 0)
                return r;
        r = bc_clip_scaler_new(info->width_px, info->height_px, bc_clip_reader_matrix(film->reader),
                               &film->scaler);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: no memory", config->clip_path);
                return r;
        }
        return prove(film, info, text, text_bytes);
}

int bc_file_camera_open(struct bc_clock *clock, const struct bc_file_config *config,
                        const struct bc_camera_config *camera_config, char *text, size_t text_bytes,
                        struct bc_camera **ret_camera)
{
        BC_CLEANUP(bc_cleanup_film) struct film *film = NULL;
        struct bc_camera_info info = {
                .driver = "file",
                .simulated = true,
                .format = BC_PIXEL_I420,
                .width_px = camera_config->width_px,
                .height_px = camera_config->height_px,
        };
        int r;

        if (!bc_simulated_camera_has_size(info.width_px, info.height_px)) {
                snprintf(text, text_bytes,
                         "%s: cannot be shown at %" PRIu32 "x%" PRIu32 ", sides must be even and %d to %d",
                         config->clip_path, info.width_px, info.height_px, BC_PICTURE_SIDE_MIN_PX,
                         BC_PICTURE_SIDE_MAX_PX);
                return -EINVAL;
        }
        film = calloc(1, sizeof(*film));
        if (!film) {
                snprintf(text, text_bytes, "%s: no memory", config->clip_path);
                return -ENOMEM;
        }
        r = load(film, config, &info, text, text_bytes);
        if (r < 0)
                return r;
        info.interval_ns = film->clip.picture.interval_ns;
        r = bc_simulated_camera_new(clock, &info, &scene_ops, film, ret_camera);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: no memory for frames of %" PRIu32 "x%" PRIu32,
                         config->clip_path, info.width_px, info.height_px);
                return r;
        }
        film = NULL;
        return 0;
}

void bc_file_camera_set_fault(struct bc_camera *camera, enum bc_fault fault)
{
        bc_simulated_camera_set_fault(camera, fault);
}
