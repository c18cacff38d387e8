// SPDX-License-Identifier: EUPL-1.2
#include "file/scaler.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/imgutils.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

#include "base/cleanup.h"
#include "file/clip.h"

#define MATRIX_NUMBERS 9
#define ASPECT_MAX 16 // of a sample; beyond, it is taken for a mistake

// What the graph was built for: another one is built when a picture differs.
struct shape {
        int width_px, height_px, format;
        int aspect_num, aspect_den; // of a sample
        int range, space;
        int32_t matrix[4]; // a, b, c, d
        bool interlaced;
};

struct bc_clip_scaler {
        uint32_t width_px, height_px;
        int32_t matrix[4];
        struct shape shape;
        AVFilterGraph *graph; // NULL: none for any shape yet
        AVFilterContext *source, *sink;
        AVFrame *out;
};

static void free_parameters(AVBufferSrcParameters **parameters)
{
        av_freep(parameters);
}

static void free_graph(AVFilterGraph **graph)
{
        avfilter_graph_free(graph);
}

static void free_ends(AVFilterInOut **ends)
{
        avfilter_inout_free(ends);
}

// ---- shapes --------------------------------------------------------------------------------------------------

static void read_matrix(const int32_t *from, int32_t to[4])
{
        to[0] = from[0];
        to[1] = from[1];
        to[2] = from[3];
        to[3] = from[4];
}

static bool is_interlaced(const AVFrame *picture)
{
#if LIBAVUTIL_VERSION_MAJOR >= 59
        return picture->flags & AV_FRAME_FLAG_INTERLACED;
#else
        return picture->interlaced_frame;
#endif
}

static struct shape shape_of(const struct bc_clip_scaler *scaler, const AVFrame *picture)
{
        AVRational aspect = picture->sample_aspect_ratio;
        const AVFrameSideData *matrix = av_frame_get_side_data(picture, AV_FRAME_DATA_DISPLAYMATRIX);
        struct shape shape;

        memset(&shape, 0, sizeof(shape)); // with its padding: shapes are compared as bytes
        shape.width_px = picture->width;
        shape.height_px = picture->height;
        shape.format = picture->format;
        shape.aspect_num = shape.aspect_den = 1;
        if (aspect.num > 0 && aspect.den > 0 && aspect.num / aspect.den < ASPECT_MAX &&
            aspect.den / aspect.num < ASPECT_MAX) {
                shape.aspect_num = aspect.num;
                shape.aspect_den = aspect.den;
        }
        shape.range = picture->color_range;
        shape.space = picture->colorspace;
        memcpy(shape.matrix, scaler->matrix, sizeof(shape.matrix));
        if (matrix && matrix->size >= MATRIX_NUMBERS * sizeof(int32_t)) {
                int32_t numbers[MATRIX_NUMBERS];

                memcpy(numbers, matrix->data, sizeof(numbers));
                read_matrix(numbers, shape.matrix);
        }
        // Once interlaced, always: building a graph for each picture of a mixture would take too long.
        shape.interlaced = is_interlaced(picture) || (scaler->graph && scaler->shape.interlaced);
        return shape;
}

// A point (x, y) of the stored picture is shown at (a x + c y, b x + d y). Arbitrary angles go to the nearest
// right one, as magnitudes tell. *ret_sideways: width and height change places.
static const char *turn_of(const int32_t matrix[4], bool *ret_sideways)
{
        int64_t a = matrix[0], b = matrix[1], c = matrix[2], d = matrix[3];

        *ret_sideways = llabs(b) + llabs(c) > llabs(a) + llabs(d);
        if (*ret_sideways && b >= 0)
                return c >= 0 ? "transpose=cclock_flip," : "transpose=clock,";
        if (*ret_sideways)
                return c >= 0 ? "transpose=cclock," : "transpose=clock_flip,";
        if (a < 0)
                return d < 0 ? "hflip,vflip," : "hflip,";
        return d < 0 ? "vflip," : "";
}

static int64_t to_even(int64_t numerator, int64_t denominator, int64_t max)
{
        int64_t even = (numerator + denominator) / (2 * denominator) * 2;

        return even < 2 ? 2 : even > max ? max : even;
}

// The largest even size within the frame that keeps the aspect of what is shown.
static void fit(const struct bc_clip_scaler *scaler, const struct shape *shape, bool sideways,
                int64_t *ret_width, int64_t *ret_height)
{
        int64_t wide = (int64_t)shape->width_px * shape->aspect_num;
        int64_t high = (int64_t)shape->height_px * shape->aspect_den;
        int64_t width = scaler->width_px, height = scaler->height_px;

        if (sideways) {
                int64_t was_wide = wide;

                wide = high;
                high = was_wide;
        }
        // Below 2^13 * 2^31 * 2^13 each.
        if (wide * height >= high * width) {
                *ret_width = width;
                *ret_height = to_even(width * high, wide, height);
        } else {
                *ret_height = height;
                *ret_width = to_even(height * wide, high, width);
        }
}

// ---- graph ---------------------------------------------------------------------------------------------------

static int make_source(AVFilterGraph *graph, const struct shape *shape, AVFilterContext **ret_source)
{
        AVFilterContext *source = avfilter_graph_alloc_filter(graph, avfilter_get_by_name("buffer"), "in");
        BC_CLEANUP(free_parameters) AVBufferSrcParameters *parameters = av_buffersrc_parameters_alloc();
        int r;

        if (!source || !parameters)
                return AVERROR(ENOMEM);
        parameters->format = shape->format;
        parameters->width = shape->width_px;
        parameters->height = shape->height_px;
        parameters->time_base = (AVRational){ 1, 1000 };
        parameters->sample_aspect_ratio = (AVRational){ 1, 1 };
#if LIBAVFILTER_VERSION_MAJOR >= 10
        parameters->color_range = shape->range;
        parameters->color_space = shape->space;
#endif
        r = av_buffersrc_parameters_set(source, parameters);
        if (r < 0)
                return r;
        r = avfilter_init_str(source, NULL);
        if (r < 0)
                return r;
        *ret_source = source;
        return 0;
}

static int link_chain(AVFilterGraph *graph, AVFilterContext *source, AVFilterContext *sink, const char *chain)
{
        BC_CLEANUP(free_ends) AVFilterInOut *from = avfilter_inout_alloc();
        BC_CLEANUP(free_ends) AVFilterInOut *to = avfilter_inout_alloc();
        int r;

        if (!from || !to)
                return AVERROR(ENOMEM);
        from->name = av_strdup("in");
        from->filter_ctx = source;
        to->name = av_strdup("out");
        to->filter_ctx = sink;
        if (!from->name || !to->name)
                return AVERROR(ENOMEM);
        r = avfilter_graph_parse_ptr(graph, chain, &to, &from, NULL);
        return r < 0 ? r : avfilter_graph_config(graph, NULL);
}

static int build(struct bc_clip_scaler *scaler, const struct shape *shape)
{
        BC_CLEANUP(free_graph) AVFilterGraph *graph = avfilter_graph_alloc();
        AVFilterContext *source = NULL, *sink = NULL;
        int64_t width = 0, height = 0;
        bool sideways;
        const char *turn = turn_of(shape->matrix, &sideways);
        char chain[512];
        int r;

        if (!graph)
                return -ENOMEM;
        graph->nb_threads = 1;
        fit(scaler, shape, sideways, &width, &height);
        // One field alone: a filter that looks at the pictures around would have to be fed ahead, over seams
        // too.
        snprintf(chain, sizeof(chain),
                 "%s%sscale=%d:%d:flags=bilinear:out_range=tv,setsar=1,format=yuv420p,pad=%u:%u:%d:%d:black",
                 shape->interlaced ? "field=top," : "", turn, (int)width, (int)height, scaler->width_px,
                 scaler->height_px, (int)(scaler->width_px - width) / 4 * 2,
                 (int)(scaler->height_px - height) / 4 * 2);
        r = make_source(graph, shape, &source);
        if (r >= 0)
                r = avfilter_graph_create_filter(&sink, avfilter_get_by_name("buffersink"), "out", NULL, NULL,
                                                 graph);
        if (r >= 0)
                r = link_chain(graph, source, sink, chain);
        if (r < 0)
                return bc_clip_errno(r);
        avfilter_graph_free(&scaler->graph);
        scaler->graph = BC_TAKE(graph);
        scaler->source = source;
        scaler->sink = sink;
        scaler->shape = *shape;
        return 0;
}

// ---- scaler --------------------------------------------------------------------------------------------------

int bc_clip_scaler_new(uint32_t width_px, uint32_t height_px, const int32_t *matrix,
                       struct bc_clip_scaler **ret_scaler)
{
        struct bc_clip_scaler *scaler = calloc(1, sizeof(*scaler));

        if (!scaler)
                return -ENOMEM;
        scaler->width_px = width_px;
        scaler->height_px = height_px;
        scaler->matrix[0] = scaler->matrix[3] = 1;
        if (matrix)
                read_matrix(matrix, scaler->matrix);
        scaler->out = av_frame_alloc();
        if (!scaler->out) {
                free(scaler);
                return -ENOMEM;
        }
        *ret_scaler = scaler;
        return 0;
}

void bc_clip_scaler_free(struct bc_clip_scaler *scaler)
{
        if (!scaler)
                return;
        avfilter_graph_free(&scaler->graph);
        av_frame_free(&scaler->out);
        free(scaler);
}

static bool is_side(int px)
{
        return px >= BC_PICTURE_SIDE_MIN_PX && px <= BC_PICTURE_SIDE_MAX_PX;
}

int bc_clip_scaler_prepare(struct bc_clip_scaler *scaler, const AVFrame *picture)
{
        struct shape shape;

        if (!is_side(picture->width) || !is_side(picture->height))
                return -ERANGE;
        shape = shape_of(scaler, picture);
        if (scaler->graph && memcmp(&shape, &scaler->shape, sizeof(shape)) == 0)
                return 0;
        return build(scaler, &shape);
}

int bc_clip_scaler_paint(struct bc_clip_scaler *scaler, const AVFrame *picture, struct bc_frame *frame)
{
        uint8_t *to[4] = { frame->plane[0], frame->plane[1], frame->plane[2] };
        int strides[4] = { (int)frame->stride_bytes[0], (int)frame->stride_bytes[1],
                           (int)frame->stride_bytes[2] };
        AVFrame *out = scaler->out;
        int r;

        r = bc_clip_scaler_prepare(scaler, picture);
        if (r < 0)
                return r;
        r = av_buffersrc_write_frame(scaler->source, picture);
        if (r >= 0)
                r = av_buffersink_get_frame(scaler->sink, out);
        if (r < 0)
                return bc_clip_errno(r);
        av_image_copy(to, strides, (const uint8_t **)out->data, out->linesize, AV_PIX_FMT_YUV420P, out->width,
                      out->height);
        av_frame_unref(out);
        return 0;
}
