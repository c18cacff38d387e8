// SPDX-License-Identifier: EUPL-1.2
#include "evidence/store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pulse.h"

#define COUNTER_NAME "counter.json"
#define COUNTER_BYTES_MAX (1 << 20)
#define OPEN_MAX 4096 // recordings that could not be closed or recovered yet; beyond that the oldest is given up

// What counter.json says.
struct listing {
        uint64_t counter;
        uint64_t open[OPEN_MAX]; // ascending
        size_t open_count;
        size_t left_open; // the first of them, which an earlier run began
};

struct bc_store {
        char device_id[BC_DEVICE_ID_BYTES_MAX + 1];
        int fd, recordings_fd, lock_fd;
        int open_error;        // when it was opened; 0: all was well
        pthread_mutex_t mutex; // over the following
        struct listing now;    // what is durable
        struct listing next;   // a change on its way there
        bool reserved;         // the last number is durable, but its folder could not be made: nobody has it yet
};

__attribute__((format(printf, 4, 5)))
static int explain(char *text, size_t text_bytes, int error, const char *format, ...)
{
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(text, text_bytes, format, arguments);
        va_end(arguments);
        if (n >= 0 && (size_t)n < text_bytes)
                snprintf(text + n, text_bytes - (size_t)n, ": %s", strerror(-error));
        return error;
}

// ---- the counter ---------------------------------------------------------------------------------------------

static int save_listing(const struct bc_store *store, const struct listing *listing)
{
        json_t *root = json_object(), *open = json_array();
        char *text = NULL;
        int r = -ENOMEM;

        for (size_t i = 0; open && i < listing->open_count; i++)
                json_array_append_new(open, json_integer((json_int_t)listing->open[i]));
        if (root && open && json_array_size(open) == listing->open_count &&
            json_object_set_new(root, "counter", json_integer((json_int_t)listing->counter)) == 0 &&
            json_object_set(root, "open", open) == 0 &&
            json_object_set_new(root, "device", json_string(store->device_id)) == 0)
                text = json_dumps(root, JSON_COMPACT);
        if (text)
                r = bc_file_replace(store->fd, COUNTER_NAME, text, strlen(text));
        free(text);
        json_decref(open);
        json_decref(root);
        return r;
}

// What could not be made durable has not happened: it is tried again from where it was.
static int commit(struct bc_store *store)
{
        int r = save_listing(store, &store->next);

        if (r == 0)
                store->now = store->next;
        return r;
}

// -EXDEV: another device began the open recordings, whose names are therefore not known here.
static int parse_listing(const char *bytes, size_t size, const char *device_id, struct listing *ret_listing)
{
        json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
        json_t *device = json_object_get(root, "device"); // may be missing where a person wrote the file
        bool ours = !device || (json_is_string(device) && strcmp(json_string_value(device), device_id) == 0);
        json_t *open = json_object_get(root, "open"), *value;
        json_int_t counter = -1, last = 0;
        size_t i = 0;

        if (json_is_integer(json_object_get(root, "counter")))
                counter = json_integer_value(json_object_get(root, "counter"));
        if (json_array_size(open) <= OPEN_MAX)
                for (; (value = json_array_get(open, i)); i++) {
                        if (!json_is_integer(value) || json_integer_value(value) <= last ||
                            json_integer_value(value) > counter)
                                break;
                        last = json_integer_value(value);
                        ret_listing->open[i] = (uint64_t)last;
                }
        bool whole = counter >= 0 && json_is_array(open) && i == json_array_size(open);
        whole = whole && (!device || json_is_string(device));
        json_decref(root);
        if (!whole)
                return -EBADMSG;
        if (!ours && i > 0)
                return -EXDEV;
        ret_listing->counter = (uint64_t)counter;
        ret_listing->open_count = ret_listing->left_open = i;
        return 0;
}

static int load_listing(struct bc_store *store)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size;
        int r = bc_file_load(store->fd, COUNTER_NAME, COUNTER_BYTES_MAX, &bytes, &size);

        // Too large, no regular file, a link, shorter than it was: nothing that was written here.
        if (r == -EFBIG || r == -EINVAL || r == -ELOOP || r == -ENODATA)
                return -EBADMSG;
        return r < 0 ? r : parse_listing(bytes, size, store->device_id, &store->next);
}

static int take(void *user, const struct dirent *entry)
{
        (void)user;
        (void)entry;
        return 1;
}

// 1: there is something in recordings/, 0: there is not.
static int has_recordings(const struct bc_store *store)
{
        return bc_folder_each(store->recordings_fd, take, NULL);
}

// ---- opening -------------------------------------------------------------------------------------------------

static int check_device_id(const char *device_id)
{
        size_t n = strlen(device_id);

        if (n == 0 || n > BC_DEVICE_ID_BYTES_MAX)
                return -EINVAL;
        for (; *device_id; device_id++)
                if (!isascii(*device_id) || (!isalnum(*device_id) && *device_id != '-' && *device_id != '_'))
                        return -EINVAL;
        return 0;
}

static int make_store_folder(const char *path)
{
        BC_CLEANUP(bc_cleanup_memory) char *copy = strdup(path);
        BC_CLEANUP(bc_cleanup_fd) int parent_fd = -1;
        char *name, *end;

        if (!copy)
                return -ENOMEM;
        end = copy + strlen(copy);
        while (end > copy + 1 && end[-1] == '/')
                *--end = 0;
        name = strrchr(copy, '/');
        if (name == copy)
                parent_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        else if (name)
                *name = 0, parent_fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        else
                parent_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return -errno;
        return bc_folder_make(parent_fd, name ? name + 1 : copy, 1);
}

// A full or failing card must not keep the camera from starting: the recorder goes on trying.
static bool may_pass(int error)
{
        return error == -ENOSPC || error == -EDQUOT || error == -EIO;
}

static void warn(struct bc_store *store, const char *path, int error)
{
        store->open_error = error;
        bc_log_warning("store %s cannot be written at the moment: %s", path, strerror(-error));
}

static int open_recordings(struct bc_store *store, const char *path, char *text, size_t text_bytes)
{
        int r = bc_folder_make(store->fd, "recordings", 1);

        if (r < 0 && !may_pass(r))
                return explain(text, text_bytes, r, "store %s: recordings cannot be made", path);
        store->recordings_fd = openat(store->fd, "recordings", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (store->recordings_fd < 0)
                return explain(text, text_bytes, r < 0 ? r : -errno, "store %s: recordings cannot be %s", path, r < 0 ? "made" : "opened");
        // One that is there but not durably is made so with the counter, before any number is given out.
        if (r < 0)
                warn(store, path, r);
        return 0;
}

static int open_folders(struct bc_store *store, const char *path, char *text, size_t text_bytes)
{
        int r = 0;

        store->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (store->fd < 0 && errno == ENOENT) {
                r = make_store_folder(path);
                if (r < 0)
                        return explain(text, text_bytes, r, "store %s cannot be made", path);
                store->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        if (store->fd < 0)
                return explain(text, text_bytes, -errno, "store %s cannot be opened", path);
        store->lock_fd = openat(store->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (store->lock_fd < 0)
                return explain(text, text_bytes, -errno, "store %s cannot be written: lock", path);
        if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
                r = errno == EWOULDBLOCK ? -EBUSY : -errno;
                return explain(text, text_bytes, r, "store %s is in use by another process", path);
        }
        return open_recordings(store, path, text, text_bytes);
}

// A counter that cannot be read is not a counter of 0: numbers would come twice, open recordings be forgotten.
static int open_counter(struct bc_store *store, const char *path, char *text, size_t text_bytes)
{
        int r = load_listing(store);

        if (r == -EBADMSG)
                return explain(text, text_bytes, r, "store %s: " COUNTER_NAME " is damaged; put right the number of "
                               "the last recording in it", path);
        if (r == -EXDEV)
                return explain(text, text_bytes, r, "store %s: another device id began recordings that are not closed; "
                               "start once with that id, so that they are recovered", path);
        if (r == -ENOENT) {
                r = has_recordings(store);
                if (r < 0)
                        return explain(text, text_bytes, r, "store %s: recordings cannot be read", path);
                if (r > 0)
                        return explain(text, text_bytes, -EBADMSG, "store %s: " COUNTER_NAME " is missing, though there "
                                       "are recordings; put the number of the last one in it", path);
                // A new store: begins at 0.
        } else if (r < 0) {
                return explain(text, text_bytes, r, "store %s: " COUNTER_NAME " cannot be read", path);
        }
        store->now = store->next;
        r = commit(store); // also shows that it can be written
        if (may_pass(r))
                warn(store, path, r);
        else if (r < 0)
                return explain(text, text_bytes, r, "store %s cannot be written: " COUNTER_NAME, path);
        return 0;
}

BC_DEFINE_CLEANUP(store, struct bc_store, bc_store_free)

int bc_store_open(const char *path, const char *device_id, char *text, size_t text_bytes, struct bc_store **ret_store)
{
        BC_CLEANUP(bc_cleanup_store) struct bc_store *store = NULL;
        int r;

        if (check_device_id(device_id) < 0)
                return explain(text, text_bytes, -EINVAL, "device id \"%.64s\" is not 1 to %d of A-Z a-z 0-9 - _",
                               device_id, BC_DEVICE_ID_BYTES_MAX);
        store = calloc(1, sizeof(*store));
        if (!store)
                return explain(text, text_bytes, -ENOMEM, "store %s", path);
        store->fd = store->recordings_fd = store->lock_fd = -1;
        pthread_mutex_init(&store->mutex, NULL);
        snprintf(store->device_id, sizeof(store->device_id), "%s", device_id);
        r = open_folders(store, path, text, text_bytes);
        if (r == 0)
                r = open_counter(store, path, text, text_bytes);
        if (r < 0)
                return r;
        *ret_store = BC_TAKE(store);
        return 0;
}

void bc_store_free(struct bc_store *store)
{
        if (!store)
                return;
        bc_cleanup_fd(&store->recordings_fd);
        bc_cleanup_fd(&store->lock_fd);
        bc_cleanup_fd(&store->fd);
        pthread_mutex_destroy(&store->mutex);
        free(store);
}

int bc_store_open_error(const struct bc_store *store)
{
        return store->open_error;
}

const char *bc_store_device_id(const struct bc_store *store)
{
        return store->device_id;
}

int bc_store_recordings_fd(const struct bc_store *store)
{
        return store->recordings_fd;
}

void bc_store_name(const struct bc_store *store, uint64_t counter, char ret_name[BC_RECORDING_NAME_BYTES_MAX])
{
        snprintf(ret_name, BC_RECORDING_NAME_BYTES_MAX, "%s-%06llu", store->device_id, (unsigned long long)counter);
}

// ---- recordings ----------------------------------------------------------------------------------------------

static void forget_open(struct listing *listing, uint64_t counter)
{
        size_t kept = 0, left_open = 0;

        for (size_t i = 0; i < listing->open_count; i++)
                if (listing->open[i] != counter) {
                        left_open += i < listing->left_open;
                        listing->open[kept++] = listing->open[i];
                }
        listing->open_count = kept;
        listing->left_open = left_open;
}

static bool is_there(const struct bc_store *store, uint64_t counter)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        struct stat status;

        bc_store_name(store, counter, name);
        return fstatat(store->recordings_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// Only a number whose keeping is durable may be used.
static int take_number(struct bc_store *store)
{
        struct listing *next = &store->next;
        char name[BC_RECORDING_NAME_BYTES_MAX];

        *next = store->now;
        // Something of that name is there only when an older counter was restored: leave it alone, go on counting.
        do {
                if (next->counter >= INT64_MAX)
                        return -EOVERFLOW;
                next->counter++;
        } while (is_there(store, next->counter));
        if (next->counter > store->now.counter + 1)
                bc_log_warning("there are recordings up to %llu, though the counter has not reached them",
                               (unsigned long long)next->counter - 1);
        if (next->open_count == OPEN_MAX) {
                bc_store_name(store, next->open[0], name);
                bc_log_error("recording %s will not be recovered: more than %d are open", name, OPEN_MAX);
                forget_open(next, next->open[0]);
        }
        next->open[next->open_count++] = next->counter;
        return commit(store);
}

static int make_folder(struct bc_store *store, int *ret_folder_fd)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        int r, fd;

        bc_store_name(store, store->now.counter, name);
        r = bc_folder_make(store->recordings_fd, name, 0);
        if (r == -EEXIST)
                return r;
        fd = r < 0 ? -1 : openat(store->recordings_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0) {
                *ret_folder_fd = fd;
                return 0;
        }
        r = r < 0 ? r : -errno;
        (void)unlinkat(store->recordings_fd, name, AT_REMOVEDIR); // empty, if it is there at all: nobody's
        return r;
}

static int begin(struct bc_store *store, uint64_t *ret_counter, int *ret_folder_fd)
{
        int r = 0;

        if (!store->reserved || is_there(store, store->now.counter))
                r = take_number(store);
        if (r < 0)
                return r;
        r = make_folder(store, ret_folder_fd);
        // While folders cannot be made, one number is enough for all attempts.
        store->reserved = r < 0;
        if (r == 0)
                *ret_counter = store->now.counter;
        return r;
}

int bc_store_begin(struct bc_store *store, uint64_t *ret_counter, int *ret_folder_fd)
{
        BC_IN_DEVICE;
        int r;

        pthread_mutex_lock(&store->mutex);
        r = begin(store, ret_counter, ret_folder_fd);
        pthread_mutex_unlock(&store->mutex);
        return r;
}

int bc_store_close(struct bc_store *store, uint64_t counter)
{
        BC_IN_DEVICE;
        int r;

        pthread_mutex_lock(&store->mutex);
        store->next = store->now;
        forget_open(&store->next, counter);
        r = commit(store);
        pthread_mutex_unlock(&store->mutex);
        return r;
}

int bc_store_probe(struct bc_store *store)
{
        BC_IN_DEVICE;
        int r;

        pthread_mutex_lock(&store->mutex);
        r = save_listing(store, &store->now);
        pthread_mutex_unlock(&store->mutex);
        return r;
}

size_t bc_store_left_open_count(struct bc_store *store)
{
        BC_IN_DEVICE;
        size_t count;

        pthread_mutex_lock(&store->mutex);
        count = store->now.left_open;
        pthread_mutex_unlock(&store->mutex);
        return count;
}

uint64_t bc_store_left_open_at(struct bc_store *store, size_t number)
{
        BC_IN_DEVICE;
        uint64_t counter;

        pthread_mutex_lock(&store->mutex);
        counter = number < store->now.left_open ? store->now.open[number] : 0;
        pthread_mutex_unlock(&store->mutex);
        return counter;
}

uint64_t bc_store_counter(struct bc_store *store)
{
        BC_IN_DEVICE;
        uint64_t counter;

        pthread_mutex_lock(&store->mutex);
        counter = store->now.counter;
        pthread_mutex_unlock(&store->mutex);
        return counter;
}

int bc_store_raise(struct bc_store *store, uint64_t counter)
{
        int r = 0;

        pthread_mutex_lock(&store->mutex);
        if (store->now.counter < counter) {
                store->next = store->now;
                store->next.counter = counter;
                r = commit(store);
                // The next number is made durable before it is used: it is enough to count on from here.
                if (r < 0)
                        store->now.counter = counter;
                store->reserved = false; // that number was given out
        }
        pthread_mutex_unlock(&store->mutex);
        return r;
}

int bc_store_fd(const struct bc_store *store)
{
        return store->fd;
}

int bc_store_room(struct bc_store *store, uint64_t *ret_bytes)
{
        BC_IN_DEVICE;
        struct statvfs status;

        if (fstatvfs(store->recordings_fd, &status) < 0)
                return -errno;
        *ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
        return 0;
}
