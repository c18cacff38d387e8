// SPDX-License-Identifier: EUPL-1.2
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forge.h"

static void must(bool ok)
{
        if (!ok)
                abort();
}

void forge_file(const char *folder, const char *name, const void *bytes, size_t n)
{
        char path[4096];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && close(fd) == 0);
}

void forge_folder(const char *path)
{
        must(mkdir(path, 0700) == 0);
}

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *walk)
{
        (void)stat;
        (void)flag;
        (void)walk;
        return remove(path);
}

void forge_remove(const char *path)
{
        must(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

char *forge_manifest(const struct forge *forge)
{
        json_t *segments = json_array(), *root;
        char hex[33], *text;

        for (size_t i = 0; i < BC_BOOT_ID_BYTES; i++)
                snprintf(hex + 2 * i, 3, "%02x", (unsigned)forge->boot_id[i]);
        for (size_t i = 0; i < forge->segments; i++) {
                const struct forge_segment *segment = &forge->segment[i];
                char file[32];
                snprintf(file, sizeof(file), "%04" PRIu32 ".mp4", segment->number);
                json_array_append_new(
                        segments,
                        json_pack(
                                "{s:s, s:s, s:I, s:I, s:I, s:I}", "file", file, "state", "closed", "first_ticks",
                                (json_int_t)segment->init.label.base_ticks, "end_ticks",
                                (json_int_t)(segment->init.label.base_ticks + (int64_t)segment->table.track[0].duration_ticks),
                                "bytes", (json_int_t)segment->size, "fragments", (json_int_t)segment->table.fragments));
        }
        root = json_pack(
                "{s:i, s:s, s:I, s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:o, s:[], "
                         "s:[{s:I, s:s, s:s, s:I, s:i, s:n, s:i}], s:[]}",
                "version", 1, "device", forge->device, "recording", (json_int_t)forge->recording, "state", "closed", "boot_id",
                hex, "ticks_per_second", 48000, "reason", "button", "stop_reason", "button", "press_ticks",
                (json_int_t)(INT64_C(134) * BC_TICKS_PER_S), "pre_event_ticks", (json_int_t)(4 * BC_TICKS_PER_S), "stop_ticks",
                (json_int_t)forge->end_ticks[0], "segments", segments, "gaps", "clock", "from_ticks",
                (json_int_t)(INT64_C(130) * BC_TICKS_PER_S), "source", "ntp", "utc", "2026-11-26T01:12:14Z", "utc_ns",
                (json_int_t)(FORGE_RECORDED_S * BC_NS_PER_S), "uncertainty_ns", 50000000, "step_ns", "count", 1, "marks");
        must(root != NULL);
        text = json_dumps(root, JSON_INDENT(1));
        json_decref(root);
        must(text != NULL);
        return text;
}

char *forge_final_manifest(const struct forge *forge)
{
        char *text = forge_manifest(forge);
        json_t *root = json_loads(text, 0, NULL), *files = json_array();

        must(root && files);
        free(text);
        for (size_t i = 0; i < forge->segments; i++) {
                const struct forge_segment *segment = &forge->segment[i];
                char file[32], hex[65];
                uint8_t sha256[32];

                must(EVP_Digest(segment->bytes, segment->size, sha256, NULL, EVP_sha256(), NULL) == 1);
                for (size_t k = 0; k < 32; k++)
                        snprintf(hex + 2 * k, 3, "%02x", (unsigned)sha256[k]);
                snprintf(file, sizeof(file), "%04" PRIu32 ".mp4", segment->number);
                json_t *entry = json_pack("{s:s, s:I, s:s}", "file", file, "bytes", (json_int_t)segment->size, "sha256", hex);
                must(json_array_append_new(files, entry) == 0);
        }
        must(json_object_set_new(root, "files", files) == 0);
        text = json_dumps(root, JSON_INDENT(1));
        json_decref(root);
        must(text != NULL);
        return text;
}

void forge_save(const struct forge *forge, const char *parent, bool manifest, char *ret_path, size_t path_bytes)
{
        snprintf(ret_path, path_bytes, "%s/%s-%06" PRIu64, parent, forge->device, forge->recording);
        must(mkdir(ret_path, 0700) == 0);
        for (size_t i = 0; i < forge->segments; i++) {
                char file[32];
                snprintf(file, sizeof(file), "%04" PRIu32 ".mp4", forge->segment[i].number);
                if (!forge->segment[i].left_out)
                        forge_file(ret_path, file, forge->segment[i].bytes, forge->segment[i].size);
        }
        if (manifest) {
                char *text = forge_manifest(forge);
                forge_file(ret_path, "manifest.json", text, strlen(text));
                free(text);
        }
}
