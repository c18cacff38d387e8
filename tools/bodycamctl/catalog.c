// SPDX-License-Identifier: EUPL-1.2
#include "catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "properties.h"
#include "text.h"

#define DIGITS_MIN 6

bool bc_catalog_is_name(const char *name, uint64_t *ret_counter)
{
        const char *dash = strrchr(name, '-'), *digits = dash ? dash + 1 : "";
        size_t device = dash ? (size_t)(dash - name) : 0, count = strspn(digits, "0123456789");
        uint64_t counter = 0;

        if (device < 1 || device > BC_DEVICE_ID_BYTES_MAX || digits[count] || count < DIGITS_MIN ||
            (count > DIGITS_MIN && digits[0] == '0'))
                return false;
        for (size_t i = 0; i < device; i++)
                if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", name[i]))
                        return false;
        for (size_t i = 0; i < count; i++)
                if (__builtin_mul_overflow(counter, (uint64_t)10, &counter) ||
                    __builtin_add_overflow(counter, (uint64_t)(digits[i] - '0'), &counter) || counter > INT64_MAX)
                        return false;
        *ret_counter = counter;
        return counter > 0;
}

static void note_odd(struct bc_catalog *catalog, const char *name)
{
        char clean[BC_TEXT_BYTES];

        if (catalog->odds < BC_CATALOG_ODD_MAX) {
                bc_text_tidy(name, clean, sizeof(clean));
                catalog->odd[catalog->odds] = strdup(clean);
        }
        catalog->odds++;
}

static int add(struct bc_catalog *catalog, const char *name, uint64_t counter)
{
        struct bc_catalog_entry *entry;
        size_t length = strlen(name);

        if (length >= sizeof(entry->name))
                return -ENAMETOOLONG; // none that bc_catalog_is_name() takes
        if (catalog->entries == catalog->room) {
                size_t room = catalog->room ? catalog->room * 2 : 64;
                entry = reallocarray(catalog->entry, room, sizeof(*entry));
                if (!entry)
                        return -ENOMEM;
                catalog->entry = entry;
                catalog->room = room;
        }
        entry = &catalog->entry[catalog->entries++];
        entry->counter = counter;
        memcpy(entry->name, name, length + 1);
        return 0;
}

static int newest_first(const void *a, const void *b)
{
        const struct bc_catalog_entry *x = a, *y = b;

        return x->counter != y->counter ? (x->counter < y->counter ? 1 : -1) : strcmp(x->name, y->name);
}

// 1: there are too many.
static int take(void *user, const struct dirent *found)
{
        struct bc_catalog *catalog = user;
        uint64_t counter;
        bool folder_like = found->d_type == DT_DIR || found->d_type == DT_UNKNOWN;

        if (!folder_like || !bc_catalog_is_name(found->d_name, &counter)) {
                note_odd(catalog, found->d_name);
                return 0;
        }
        catalog->cut = catalog->entries == BC_CATALOG_MAX;
        return catalog->cut ? 1 : add(catalog, found->d_name, counter);
}

// 0 or negative errno.
static int read_names(struct bc_catalog *catalog)
{
        int r = bc_folder_each(catalog->recordings_fd, take, catalog);

        if (catalog->entries > 0)
                qsort(catalog->entry, catalog->entries, sizeof(*catalog->entry), newest_first);
        return r < 0 ? r : 0;
}

// The path that the daemon tells; the caller's.
static enum bc_ctl_exit ask_for_store(struct bc_client *client, char **ret_store)
{
        json_t *properties = NULL;
        enum bc_ctl_exit status = bc_client_open(client);
        const char *path;

        if (status == BC_CTL_DONE)
                status = bc_client_properties(client, &properties);
        if (status != BC_CTL_DONE) {
                fputs("bodycamctl: with --store DIR the files are read without bodycamd\n", stderr);
                return status;
        }
        path = bc_properties_text(properties, "store_path");
        if (*path)
                *ret_store = strdup(path);
        else
                status = bc_client_complain(client, BC_CTL_REFUSED,
                                            "this bodycamd does not say where its store is; say so with --store DIR");
        json_decref(properties);
        return status;
}

enum bc_ctl_exit bc_catalog_open(struct bc_request *request, struct bc_catalog *ret_catalog)
{
        struct bc_catalog catalog = { .recordings_fd = -1 };
        BC_CLEANUP(bc_cleanup_fd) int store_fd = -1;
        enum bc_ctl_exit status = BC_CTL_DONE;
        int r = 0;

        if (request->store)
                catalog.store = strdup(request->store);
        else
                status = ask_for_store(&request->client, &catalog.store);
        if (status != BC_CTL_DONE)
                return status;
        if (!catalog.store)
                return bc_client_complain(&request->client, BC_CTL_REFUSED, "%s", strerror(ENOMEM));
        store_fd = open(catalog.store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (store_fd >= 0)
                catalog.recordings_fd = openat(store_fd, "recordings", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (catalog.recordings_fd < 0)
                r = -errno;
        else
                r = read_names(&catalog);
        if (r < 0) {
                status = bc_client_complain(&request->client, BC_CTL_REFUSED, "%s%s: %s", catalog.store,
                                            store_fd < 0 ? "" : "/recordings", strerror(-r));
                bc_catalog_close(&catalog);
                return status;
        }
        *ret_catalog = catalog;
        return BC_CTL_DONE;
}

void bc_catalog_close(struct bc_catalog *catalog)
{
        if (catalog->recordings_fd >= 0)
                close(catalog->recordings_fd);
        for (size_t i = 0; i < BC_CATALOG_ODD_MAX; i++)
                free(catalog->odd[i]);
        free(catalog->entry);
        free(catalog->store);
        *catalog = (struct bc_catalog){ .recordings_fd = -1 };
}

static const char *reason_of(int r)
{
        if (r == -EBADMSG)
                return "damaged, or of a version that is not known here";
        return r == -ENOENT ? "missing" : strerror(-r);
}

bool bc_catalog_load(const struct bc_catalog *catalog, const char *name, struct bc_manifest *manifest,
                     char ret_text[BC_CLIENT_TEXT_BYTES])
{
        BC_CLEANUP(bc_cleanup_fd) int fd = openat(catalog->recordings_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        char expected[BC_RECORDING_NAME_BYTES_MAX];
        int r;

        if (fd < 0) {
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "%s/recordings/%s: %s", catalog->store, name,
                         errno == ELOOP || errno == ENOTDIR ? "not a folder" : strerror(errno));
                return false;
        }
        r = bc_manifest_load(manifest, fd);
        if (r < 0) {
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "%s/recordings/%s/" BC_MANIFEST_NAME ": %s", catalog->store, name,
                         reason_of(r));
                return false;
        }
        snprintf(expected, sizeof(expected), "%s-%06" PRIu64, manifest->device, manifest->counter);
        if (strcmp(expected, name) != 0) {
                snprintf(ret_text, BC_CLIENT_TEXT_BYTES, "%s/recordings/%s/" BC_MANIFEST_NAME ": is of another recording, %s",
                         catalog->store, name, expected);
                bc_manifest_done(manifest);
                return false;
        }
        return true;
}
