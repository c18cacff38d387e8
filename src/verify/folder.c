// SPDX-License-Identifier: EUPL-1.2
#include "verify/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define DEVICE_BYTES_MAX 32

static bool has_bit(const uint64_t *bits, uint32_t number)
{
        return bits[number / 64] >> (number % 64) & 1;
}

// number_of(): at most 9999.
static void set_bit(uint64_t *bits, uint32_t number)
{
        bits[number / 64] |= UINT64_C(1) << (number % 64);
}

void bc_folder_segment_name(const struct bc_folder *folder, uint32_t number, char ret_name[BC_FOLDER_NAME_BYTES])
{
        number %= BC_FOLDER_SEGMENTS_MAX + 1;
        snprintf(ret_name, BC_FOLDER_NAME_BYTES, has_bit(folder->clear, number) || !has_bit(folder->sealed, number) ? "%04u.mp4" : "%04u.mp4.sealed",
                 number);
}

bool bc_folder_is_recording_name(const char *name)
{
        const char *dash = strrchr(name, '-');
        size_t digits = dash ? strspn(dash + 1, "0123456789") : 0;
        size_t device = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

        return dash && dash > name && dash - name <= DEVICE_BYTES_MAX && name[device] == '\0' && digits >= 6 && digits <= 19 &&
               dash[1 + digits] == '\0' && (digits == 6 || dash[1] != '0');
}

// Four digits in front, 1 to 9999; 0: not so.
static uint32_t number_of(const char *name)
{
        uint32_t number = 0;

        for (int i = 0; i < 4; i++) {
                if (name[i] < '0' || name[i] > '9')
                        return 0;
                number = number * 10 + (uint32_t)(name[i] - '0');
        }
        return number;
}

// "" or "-2" to "-99".
static bool is_repeat(const char *text, size_t n)
{
        if (n == 0)
                return true;
        if (text[0] != '-' || n < 2 || n > 3)
                return false;
        for (size_t i = 1; i < n; i++)
                if (text[i] < '0' || text[i] > '9')
                        return false;
        return text[1] != '0' && !(n == 2 && text[1] == '1');
}

static bool is_tail(const char *name)
{
        size_t n = strlen(name);

        return n >= 9 && number_of(name) > 0 && strcmp(name + n - 5, ".tail") == 0 && is_repeat(name + 4, n - 9);
}

static bool is_damaged_manifest(const char *name)
{
        static const char front[] = "manifest.json.damaged";
        size_t n = sizeof(front) - 1;

        return strncmp(name, front, n) == 0 && is_repeat(name + n, strlen(name + n));
}

// What a power cut leaves behind, and recovery removes.
static bool is_new(const char *name)
{
        return strcmp(name, "manifest.json.new") == 0 || strcmp(name, "manifest.sig.new") == 0 ||
               (number_of(name) > 0 && (strcmp(name + 4, ".tail.new") == 0 || strcmp(name + 4, ".recovered.new") == 0));
}

// "0001.recovered.foreign1": the camera found a record there that was not its own, and put it aside.
static bool is_aside(const char *name)
{
        static const char middle[] = ".recovered.foreign";
        const char *digits = name + 4 + sizeof(middle) - 1;

        return number_of(name) > 0 && strncmp(name + 4, middle, sizeof(middle) - 1) == 0 && *digits >= '1' && *digits <= '9' &&
               strspn(digits, "0123456789") == strlen(digits) && strlen(digits) <= 10;
}

static int add_segment(struct bc_folder *folder, uint32_t number, bool sealed, struct bc_findings *findings)
{
        bool there = has_bit(folder->clear, number) || has_bit(folder->sealed, number);

        set_bit(sealed ? folder->sealed : folder->clear, number);
        if (there) {
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "segment %u lies there both sealed and in the clear, which no camera does", number);
                return 0;
        }
        if (folder->segments == folder->segment_room) {
                size_t want = folder->segment_room ? 2 * folder->segment_room : 16; // names are unique: 9999 at most
                uint32_t *grown = reallocarray(folder->segment, want, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                folder->segment = grown;
                folder->segment_room = want;
        }
        folder->segment[folder->segments++] = number;
        return 0;
}

static int add_tail(struct bc_folder *folder, const char *name)
{
        if (folder->tails == folder->tail_room) {
                size_t want = folder->tail_room ? 2 * folder->tail_room : 16; // likewise
                struct bc_folder_tail *grown = reallocarray(folder->tail, want, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                folder->tail = grown;
                folder->tail_room = want;
        }
        struct bc_folder_tail *tail = &folder->tail[folder->tails++];
        size_t n = strlen(name);
        *tail = (struct bc_folder_tail){ .segment = number_of(name), .nth = name[4] == '-' ? (uint32_t)strtoul(name + 5, NULL, 10) : 1 };
        memcpy(tail->name, name, n < sizeof(tail->name) ? n : sizeof(tail->name) - 1); // is_tail(): 12 at most
        return 0;
}

static int add(struct bc_folder *folder, int folder_fd, const char *name, struct bc_findings *findings)
{
        struct stat stat;

        if (fstatat(folder_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (is_aside(name)) { // whatever it is
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "%s: the camera found this in the place of its own record and put it aside; it proves nothing", name);
                return 0;
        }
        bool sealed = number_of(name) > 0 && strcmp(name + 4, ".mp4.sealed") == 0;
        bool segment = sealed || (number_of(name) > 0 && strcmp(name + 4, ".mp4") == 0), manifest = strcmp(name, "manifest.json") == 0;
        bool recovered = number_of(name) > 0 && strcmp(name + 4, ".recovered") == 0;
        bool signature = strcmp(name, "manifest.sig") == 0;
        bool known = segment || recovered || manifest || signature || is_tail(name) || is_damaged_manifest(name) || is_new(name);
        if (!known || !S_ISREG(stat.st_mode)) {
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "%s %s", name,
                        known ? "is not a regular file" : "does not belong into a recording's folder");
                return 0;
        }
        folder->manifest |= manifest;
        folder->signature |= signature;
        if (segment)
                return add_segment(folder, number_of(name), sealed, findings);
        if (recovered)
                set_bit(folder->recovered, number_of(name));
        if (is_tail(name))
                return add_tail(folder, name);
        if (is_new(name))
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "%s was left behind by a power cut: recovery has not been through", name);
        if (is_damaged_manifest(name))
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "%s: a manifest that recovery could not read; it proves nothing", name);
        return 0;
}

static int compare_numbers(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

static int compare_tails(const void *a, const void *b)
{
        const struct bc_folder_tail *x = a, *y = b;

        if (x->segment != y->segment)
                return (x->segment > y->segment) - (x->segment < y->segment);
        return (x->nth > y->nth) - (x->nth < y->nth);
}

struct reading {
        struct bc_folder *folder;
        int folder_fd;
        struct bc_findings *findings;
};

static int take(void *user, const struct dirent *entry)
{
        struct reading *reading = user;

        return add(reading->folder, reading->folder_fd, entry->d_name, reading->findings);
}

int bc_folder_read(int folder_fd, struct bc_folder *ret_folder, struct bc_findings *findings)
{
        struct reading reading = { .folder = ret_folder, .folder_fd = folder_fd, .findings = findings };
        int r;

        *ret_folder = (struct bc_folder){ 0 };
        r = bc_folder_each(folder_fd, take, &reading);
        if (r < 0)
                return r;
        for (uint32_t number = 1; number <= BC_FOLDER_SEGMENTS_MAX; number++)
                if (has_bit(ret_folder->recovered, number) && !has_bit(ret_folder->sealed, number))
                        bc_find(findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                                "%04u.recovered speaks of a sealed segment that is not there", number);
        if (ret_folder->segments > 0)
                qsort(ret_folder->segment, ret_folder->segments, sizeof(*ret_folder->segment), compare_numbers);
        if (ret_folder->tails > 0)
                qsort(ret_folder->tail, ret_folder->tails, sizeof(*ret_folder->tail), compare_tails);
        return 0;
}

void bc_folder_done(struct bc_folder *folder)
{
        free(folder->segment);
        free(folder->tail);
        *folder = (struct bc_folder){ 0 };
}
