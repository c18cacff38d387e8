// SPDX-License-Identifier: EUPL-1.2
#include "evidence/describe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

void bc_describe_boot(char ret_text[33])
{
        BC_CLEANUP(bc_cleanup_fd) int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
        char text[37] = "";
        size_t used = 0;

        if (fd >= 0 && read(fd, text, 36) == 36)
                for (const char *c = text; *c && used < 32; c++)
                        if (*c != '-')
                                ret_text[used++] = *c;
        ret_text[used] = 0;
}

static void boot_bytes(const char *hex, uint8_t ret_bytes[BC_BOOT_ID_BYTES])
{
        if (!bc_hex_read(hex, BC_BOOT_ID_BYTES, ret_bytes))
                memset(ret_bytes, 0, BC_BOOT_ID_BYTES);
}

void bc_describe_boot_bytes(uint8_t ret_bytes[BC_BOOT_ID_BYTES])
{
        char hex[33];

        bc_describe_boot(hex);
        boot_bytes(hex, ret_bytes);
}

static void describe_picture(const struct bc_picture_stream *stream, struct bc_track *track)
{
        track->kind = BC_TRACK_AVC;
        track->width_px = stream->width_px;
        track->height_px = stream->height_px;
        memcpy(track->config, stream->config, stream->config_bytes);
        track->config_bytes = stream->config_bytes;
}

static void describe_sound(const struct bc_sound_stream *stream, struct bc_track *track)
{
        track->kind = BC_TRACK_AAC;
        track->channels = stream->channels;
        track->bit_rate_bps = stream->bit_rate_bps;
        memcpy(track->config, stream->config, stream->config_bytes);
        track->config_bytes = stream->config_bytes;
}

static void describe_tracks(const struct bc_recording *recording, struct bc_init *init)
{
        const struct bc_stream *stream = recording->stream;

        for (enum bc_lane lane = 0; lane < BC_LANE_COUNT; lane++) {
                struct bc_track *track = &init->track[init->tracks];

                if (!bc_stream_has(stream, lane))
                        continue;
                init->tracks++;
                track->start_ticks = recording->base_ticks[lane] - recording->base_ticks[BC_LANE_PICTURE];
                if (lane == BC_LANE_PICTURE)
                        describe_picture(&stream->picture, track);
                if (lane == BC_LANE_SOUND)
                        describe_sound(&stream->sound, track);
                if (lane == BC_LANE_TEXT)
                        track->kind = BC_TRACK_TEXT;
                if (lane == BC_LANE_POSITION)
                        track->kind = BC_TRACK_POSITION;
        }
}

// ISO 6709, Annex H.
static void describe_location(const struct bc_fix *fix, char *text, size_t bytes)
{
        int32_t lat_e6 = bc_fix_e6(fix->lat_e7), lon_e6 = bc_fix_e6(fix->lon_e7);
        int alt_dm = fix->alt_mm / 100;
        int used;

        used = snprintf(text, bytes, "%c%02d.%06d%c%03d.%06d", lat_e6 < 0 ? '-' : '+', abs(lat_e6) / 1000000,
                        abs(lat_e6) % 1000000, lon_e6 < 0 ? '-' : '+', abs(lon_e6) / 1000000, abs(lon_e6) % 1000000);
        if (fix->alt_mm != BC_FIX_UNKNOWN)
                used += snprintf(text + used, bytes - (size_t)used, "%c%03d.%d", alt_dm < 0 ? '-' : '+', abs(alt_dm) / 10,
                                 abs(alt_dm) % 10);
        snprintf(text + used, bytes - (size_t)used, "/");
}

static void describe_origin(const struct bc_recording *recording, struct bc_init *init)
{
        const struct bc_recorder_config *config = recording->config;
        struct bc_moment moment;

        snprintf(init->about.make, sizeof(init->about.make), "%s", config->make ? config->make : "");
        snprintf(init->about.model, sizeof(init->about.model), "%s", config->model ? config->model : "");
        if (!config->moment_at)
                return;
        config->moment_at(config->moment_user, bc_ns_from_ticks(init->label.base_ticks), &moment);
        if (moment.source != BC_UTC_NONE && moment.utc_ns > 0)
                init->created_unix_s = moment.utc_ns / BC_NS_PER_S;
        if (moment.fix.mode != BC_FIX_NONE)
                describe_location(&moment.fix, init->about.location, sizeof(init->about.location));
}

void bc_describe_segment(const struct bc_recording *recording, struct bc_init *ret_init)
{
        const struct bc_manifest *manifest = &recording->manifest;

        *ret_init = (struct bc_init){ 0 };
        snprintf(ret_init->label.device, sizeof(ret_init->label.device), "%s", manifest->device);
        bc_store_name(recording->store, manifest->counter, ret_init->label.recording);
        ret_init->label.segment = recording->number;
        ret_init->label.base_ticks = recording->base_ticks[BC_LANE_PICTURE];
        boot_bytes(manifest->boot_id, ret_init->label.boot_id);
        describe_tracks(recording, ret_init);
        describe_origin(recording, ret_init);
        // What cannot be written is left out: no segment fails for it.
        if (bc_init_check(ret_init) < 0) {
                ret_init->about = (struct bc_about){ 0 };
                ret_init->created_unix_s = 0;
        }
}

void bc_describe_sealed(const struct bc_recording *recording, const struct bc_label *label, struct bc_sealed_header *ret_header)
{
        *ret_header = (struct bc_sealed_header){ .boot = recording->config->boot, .recording = recording->manifest.counter,
                                                 .segment = recording->number };
        snprintf(ret_header->device, sizeof(ret_header->device), "%s", recording->manifest.device);
        memcpy(ret_header->boot_id, label->boot_id, sizeof(ret_header->boot_id));
}
