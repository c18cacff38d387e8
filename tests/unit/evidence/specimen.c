// SPDX-License-Identifier: EUPL-1.2
#include "specimen.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "bench.h"
#include "format/finalise.h"

#define S BC_NS_PER_S

// ---- files -----------------------------------------------------------------------------------------------------

static struct specimen_file *add(struct specimen *specimen, const char *name)
{
        struct specimen_file *file = &specimen->file[specimen->files++];

        assert_true(specimen->files <= SPECIMEN_FILES_MAX);
        *file = (struct specimen_file){ .kind = 'f' };
        assert_true(strlen(name) < sizeof(file->name));
        memcpy(file->name, name, strlen(name) + 1);
        return file;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *entry)
{
        return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

void specimen_take(int folder_fd, struct specimen *ret_specimen)
{
        struct dirent **entry;
        char path[64];
        int n;

        *ret_specimen = (struct specimen){ .files = 0 };
        snprintf(path, sizeof(path), "/proc/self/fd/%d", folder_fd);
        n = scandir(path, &entry, no_dots, by_name);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
                struct specimen_file *file = add(ret_specimen, entry[i]->d_name);
                struct stat status;

                assert_int_equal(fstatat(folder_fd, file->name, &status, AT_SYMLINK_NOFOLLOW), 0);
                if (S_ISREG(status.st_mode))
                        file->bytes = (uint8_t *)folder_read(folder_fd, file->name, &file->size);
                else
                        file->kind = S_ISDIR(status.st_mode) ? 'd' : S_ISLNK(status.st_mode) ? 'l' : 'p';
                free(entry[i]);
        }
        free(entry);
}

void specimen_put(const struct specimen *specimen, int folder_fd)
{
        for (size_t i = 0; i < specimen->files; i++) {
                const struct specimen_file *file = &specimen->file[i];

                switch (file->kind) {
                case 'd':
                        assert_int_equal(mkdirat(folder_fd, file->name, 0755), 0);
                        break;
                case 'l':
                        assert_int_equal(symlinkat("0001.mp4", folder_fd, file->name), 0);
                        break;
                case 'p':
                        assert_int_equal(mkfifoat(folder_fd, file->name, 0644), 0);
                        break;
                default:
                        folder_write(folder_fd, file->name, file->bytes, file->size);
                }
        }
}

void specimen_copy(const struct specimen *from, struct specimen *ret_specimen)
{
        *ret_specimen = (struct specimen){ .files = 0 };
        for (size_t i = 0; i < from->files; i++) {
                specimen_set(ret_specimen, from->file[i].name, from->file[i].bytes, from->file[i].size);
                ret_specimen->file[i].kind = from->file[i].kind;
        }
}

void specimen_done(struct specimen *specimen)
{
        for (size_t i = 0; i < specimen->files; i++)
                free(specimen->file[i].bytes);
        specimen->files = 0;
}

struct specimen_file *specimen_find(struct specimen *specimen, const char *name)
{
        for (size_t i = 0; i < specimen->files; i++)
                if (!strcmp(specimen->file[i].name, name))
                        return &specimen->file[i];
        return NULL;
}

void specimen_set(struct specimen *specimen, const char *name, const void *bytes, size_t size)
{
        struct specimen_file *file = specimen_find(specimen, name);
        uint8_t *copy = malloc(size + 1);

        assert_non_null(copy);
        if (size > 0)
                memcpy(copy, bytes, size);
        copy[size] = 0;
        if (!file)
                file = add(specimen, name);
        free(file->bytes);
        file->bytes = copy;
        file->size = size;
        file->kind = 'f';
}

void specimen_remove(struct specimen *specimen, const char *name)
{
        struct specimen_file *file = specimen_find(specimen, name);

        assert_non_null(file);
        free(file->bytes);
        *file = specimen->file[--specimen->files];
}

void specimen_assert_same(struct specimen *a, struct specimen *b)
{
        for (size_t i = 0; i < b->files; i++)
                if (!specimen_find(a, b->file[i].name))
                        fail_msg("%s is new", b->file[i].name);
        for (size_t i = 0; i < a->files; i++) {
                const struct specimen_file *file = &a->file[i], *other = specimen_find(b, file->name);
                size_t at = 0;

                if (!other)
                        fail_msg("%s is gone", file->name);
                assert_int_equal(file->kind, other->kind);
                while (at < file->size && at < other->size && file->bytes[at] == other->bytes[at])
                        at++;
                if (at < file->size || at < other->size)
                        fail_msg("%s differs at %zu of %zu and %zu", file->name, at, file->size, other->size);
        }
}

void specimen_cut(struct specimen_file *file, size_t size)
{
        assert_true(size <= file->size);
        file->size = size;
}

void specimen_append(struct specimen_file *file, const void *bytes, size_t size)
{
        file->bytes = realloc(file->bytes, file->size + size + 1);
        assert_non_null(file->bytes);
        memcpy(file->bytes + file->size, bytes, size);
        file->size += size;
}

void specimen_record(struct specimen *specimen)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        struct bench bench;
        int fd;

        bench_defaults(&bench);
        bench.config.pre_event_ns = 4 * S;
        bench.config.segment_ns = 4 * S;
        bench.feed.picture_bytes = 60;
        bench.feed.key_bytes = 400;
        bench_make(&bench);
        bench_run_until(&bench, 130 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 130 * S, "button"), 0);
        bench_run_until(&bench, 157 * S + 300 * BC_NS_PER_MS);
        assert_int_equal(bc_recorder_stop(bench.recorder, 157 * S + 300 * BC_NS_PER_MS, "button"), 0);
        bench_run_until(&bench, 165 * S);
        bc_store_name(bench.store, 1, name);
        assert_string_equal(name, SPECIMEN_NAME);
        fd = openat(bc_store_recordings_fd(bench.store), name, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        specimen_take(fd, specimen);
        close(fd);
        bench_done(&bench);
        assert_int_equal(specimen->files, 9); // with the manifest
}

// ---- one segment -----------------------------------------------------------------------------------------------

struct view {
        const uint8_t *bytes;
        size_t size;
        struct shape *shape;
};

static int read_view(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct view *view = user;

        assert_true(offset <= view->size && n <= view->size - offset);
        memcpy(bytes, view->bytes + offset, n);
        return 0;
}

static int on_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        struct shape *shape = ((struct view *)user)->shape;

        assert_true(shape->fragments < SPECIMEN_FRAGMENTS_MAX);
        shape->header_end[shape->fragments] = offset + fragment->header_bytes;
        shape->fragment_end[shape->fragments++] = offset + fragment->header_bytes + fragment->payload_bytes;
        return 0;
}

void shape_of(const uint8_t *bytes, size_t size, struct shape *ret_shape)
{
        struct view view = { bytes, size, ret_shape };
        struct bc_scan_source source = { .read = read_view, .size = size, .on_fragment = on_fragment, .user = &view };
        struct bc_scan scan;

        *ret_shape = (struct shape){ .fragments = 0 };
        assert_int_equal(bc_scan_file(&source, &scan), 0);
        ret_shape->init = scan.init;
        ret_shape->layout = scan.layout;
        ret_shape->finished = bc_scan_finished(&scan);
        ret_shape->moov = scan.moov;
        ret_shape->boxes_end = scan.boxes_end;
        ret_shape->moov_bytes = scan.moov_bytes;
        ret_shape->end_ticks = scan.init.label.base_ticks + (int64_t)scan.table.track[0].duration_ticks;
        bc_scan_done(&scan);
}

void specimen_unfinish(struct specimen_file *file)
{
        struct shape shape;

        shape_of(file->bytes, file->size, &shape);
        bc_finalise_unpatch(&shape.layout, file->bytes + shape.layout.moov_offset);
        specimen_cut(file, shape.boxes_end);
}

// ---- the clinic ------------------------------------------------------------------------------------------------

void clinic_open(struct clinic *clinic, const struct specimen *specimen)
{
        folder_make(clinic->path);
        clinic->store_fd = folder_open(clinic->path);
        assert_int_equal(mkdirat(clinic->store_fd, "recordings", 0755), 0);
        assert_int_equal(mkdirat(clinic->store_fd, "recordings/" SPECIMEN_NAME, 0755), 0);
        clinic->folder_fd = openat(clinic->store_fd, "recordings/" SPECIMEN_NAME, O_RDONLY | O_DIRECTORY);
        assert_true(clinic->folder_fd >= 0);
        specimen_put(specimen, clinic->folder_fd);
        clinic_list(clinic);
}

void clinic_close(struct clinic *clinic)
{
        close(clinic->folder_fd);
        close(clinic->store_fd);
        folder_remove(clinic->path);
}

void clinic_list(const struct clinic *clinic)
{
        folder_write_text(clinic->store_fd, "counter.json", "{\"counter\":1,\"open\":[1]}");
}

void clinic_unlist(const struct clinic *clinic)
{
        folder_write_text(clinic->store_fd, "counter.json", "{\"counter\":1,\"open\":[]}");
}

bool clinic_is_listed(const struct clinic *clinic)
{
        size_t size;
        char *text = folder_read(clinic->store_fd, "counter.json", &size);
        bool listed = strstr(text, "[1]") != NULL;

        assert_true(listed || strstr(text, "[]"));
        free(text);
        return listed;
}

void clinic_recover(const struct clinic *clinic, struct bc_recovery_report *ret_report)
{
        struct bc_store *store;
        char text[256];

        assert_int_equal(bc_store_open(clinic->path, "test", text, sizeof(text), &store), 0);
        assert_int_equal(bc_recovery_run(store, NULL, NULL, ret_report), 0);
        bc_store_free(store);
}

void clinic_manifest(const struct clinic *clinic, struct bc_manifest *ret_manifest)
{
        bc_manifest_init(ret_manifest);
        assert_int_equal(bc_manifest_load(ret_manifest, clinic->folder_fd), 0);
}

void specimen_set_manifest(struct specimen *specimen, const char *states)
{
        struct bc_manifest manifest;
        struct clinic clinic;
        uint8_t *text;
        size_t size;

        bc_manifest_init(&manifest);
        snprintf(manifest.device, sizeof(manifest.device), "test");
        snprintf(manifest.reason, sizeof(manifest.reason), "button");
        snprintf(manifest.boot_id, sizeof(manifest.boot_id), "00112233445566778899aabbccddeeff");
        manifest.counter = 1;
        manifest.press_ticks = 130 * BC_TICKS_PER_S;
        manifest.pre_event_ticks = 4 * BC_TICKS_PER_S;
        for (uint32_t number = 1; states[number - 1]; number++) {
                char kind = states[number - 1], name[BC_SEGMENT_NAME_BYTES_MAX];
                struct bc_manifest_segment *entry;
                struct specimen_file *file;
                struct shape shape = { .fragments = 0 };

                if (kind == '-')
                        continue;
                bc_segment_name(number, name);
                file = specimen_find(specimen, name);
                if (file && file->size > 1000)
                        shape_of(file->bytes, file->size, &shape);
                entry = bc_manifest_add_segment(&manifest, number);
                entry->state = kind == 'c' ? BC_SEGMENT_CLOSED : kind == 'a' ? BC_SEGMENT_ABANDONED : BC_SEGMENT_OPEN;
                entry->first_ticks = shape.init.label.base_ticks;
                entry->end_ticks = shape.end_ticks;
                entry->fragments = (uint32_t)shape.fragments;
                entry->bytes = kind == 'c' ? shape.boxes_end + shape.moov_bytes : shape.boxes_end;
                if (kind == 'a')
                        entry->error = -EIO;
        }
        folder_make(clinic.path);
        clinic.folder_fd = folder_open(clinic.path);
        assert_int_equal(bc_manifest_save(&manifest, clinic.folder_fd), 0);
        text = (uint8_t *)folder_read(clinic.folder_fd, BC_MANIFEST_NAME, &size);
        specimen_set(specimen, BC_MANIFEST_NAME, text, size);
        free(text);
        close(clinic.folder_fd);
        folder_remove(clinic.path);
        bc_manifest_done(&manifest);
}

// ---- all of it -------------------------------------------------------------------------------------------------

void specimen_on_the_way(const struct specimen *recorded, struct specimen *ret_specimen)
{
        specimen_copy(recorded, ret_specimen);
        for (uint32_t number = 4; number <= 8; number++) {
                char name[BC_SEGMENT_NAME_BYTES_MAX];

                bc_segment_name(number, name);
                specimen_remove(ret_specimen, name);
        }
        specimen_unfinish(specimen_find(ret_specimen, "0003.mp4"));
        specimen_set_manifest(ret_specimen, "cco");
}

void specimen_set_text(struct specimen *specimen, const char *name, const char *text)
{
        specimen_set(specimen, name, text, strlen(text));
}

void specimen_set_kind(struct specimen *specimen, const char *name, char kind)
{
        specimen_set_text(specimen, name, "");
        specimen_find(specimen, name)->kind = kind;
}

void specimen_assert_unchanged(struct specimen *before, struct specimen *after, const char *name)
{
        struct specimen_file *file = specimen_find(before, name), *now = specimen_find(after, name);

        assert_non_null(file);
        if (!now)
                fail_msg("%s is gone", name);
        assert_int_equal(now->kind, file->kind);
        assert_int_equal(now->size, file->size);
        if (file->size > 0)
                assert_memory_equal(now->bytes, file->bytes, file->size);
}

void specimen_assert_finished(struct specimen *recorded, struct specimen *after, const char *name)
{
        struct specimen_file *file = specimen_find(after, name);
        struct shape shape;

        assert_non_null(file);
        shape_of(file->bytes, file->size, &shape);
        assert_true(shape.finished);
        specimen_assert_unchanged(recorded, after, name); // the recorder would have made the same bytes
}

void specimen_recover(const struct specimen *before, struct specimen *ret_after, struct bc_manifest *ret_manifest)
{
        struct bc_recovery_report report;
        struct specimen again;
        struct clinic clinic;

        clinic_open(&clinic, before);
        clinic_recover(&clinic, &report);
        assert_int_equal(report.failed, 0);
        assert_false(clinic_is_listed(&clinic));
        specimen_take(clinic.folder_fd, ret_after);
        clinic_manifest(&clinic, ret_manifest);
        clinic_list(&clinic);
        clinic_recover(&clinic, &report);
        specimen_take(clinic.folder_fd, &again);
        specimen_assert_same(ret_after, &again);
        specimen_done(&again);
        clinic_close(&clinic);
}
