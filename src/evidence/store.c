// SPDX-License-Identifier: EUPL-1.2
#include "evidence/store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

#define COUNTER_NAME "counter.json"
#define COUNTER_BYTES_MAX (1 << 20)
#define OPEN_MAX 4096 // recordings that could not be recovered yet; beyond that the oldest is left to a full scan

struct bc_store {
        char device_id[BC_DEVICE_ID_BYTES_MAX + 1];
        int fd, recordings_fd, lock_fd;
        pthread_mutex_t mutex;
        uint64_t counter;
        uint64_t open[OPEN_MAX];
        size_t open_count;
        size_t left_open; // the first of them, which an earlier run began
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

static int save_counter(struct bc_store *store)
{
        json_t *root = json_object(), *open = json_array();
        char *text = NULL;
        int r = -ENOMEM;

        for (size_t i = 0; open && i < store->open_count; i++)
                json_array_append_new(open, json_integer((json_int_t)store->open[i]));
        if (root && open && json_object_set_new(root, "counter", json_integer((json_int_t)store->counter)) == 0 &&
            json_object_set(root, "open", open) == 0)
                text = json_dumps(root, JSON_COMPACT);
        if (text)
                r = bc_file_replace(store->fd, COUNTER_NAME, text, strlen(text));
        free(text);
        json_decref(open);
        json_decref(root);
        return r;
}

static int parse_counter(struct bc_store *store, const char *bytes, size_t size)
{
        json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
        json_t *open = json_object_get(root, "open"), *value;
        json_int_t counter = -1, last = 0;
        size_t i;
        int r = 0;

        if (json_is_integer(json_object_get(root, "counter")))
                counter = json_integer_value(json_object_get(root, "counter"));
        if (counter < 0 || !json_is_array(open) || json_array_size(open) > OPEN_MAX)
                r = -EBADMSG;
        else
                json_array_foreach(open, i, value) {
                        if (!json_is_integer(value) || json_integer_value(value) <= last ||
                            json_integer_value(value) > counter) {
                                r = -EBADMSG;
                                break;
                        }
                        last = json_integer_value(value);
                        store->open[i] = (uint64_t)last;
                }
        if (r == 0) {
                store->counter = (uint64_t)counter;
                store->open_count = store->left_open = json_array_size(open);
        }
        json_decref(root);
        return r;
}

static int load_counter(struct bc_store *store)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size;
        int r;

        r = bc_file_load(store->fd, COUNTER_NAME, COUNTER_BYTES_MAX, &bytes, &size);
        if (r == -ENOENT)
                return save_counter(store); // a new store; also shows that it can be written
        if (r < 0)
                return r;
        r = parse_counter(store, bytes, size);
        return r < 0 ? r : save_counter(store);
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
        r = bc_folder_make(store->fd, "recordings", 1);
        if (r < 0)
                return explain(text, text_bytes, r, "store %s: recordings cannot be made", path);
        store->recordings_fd = openat(store->fd, "recordings", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (store->recordings_fd < 0)
                return explain(text, text_bytes, -errno, "store %s: recordings cannot be opened", path);
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
        if (r < 0)
                return r;
        r = load_counter(store);
        if (r == -EBADMSG)
                return explain(text, text_bytes, r, "store %s: " COUNTER_NAME " is damaged; put right the number of "
                               "the last recording in it", path);
        // A full or failing card must not keep the camera from starting: the recorder goes on trying.
        if (r == -ENOSPC || r == -EDQUOT || r == -EIO)
                bc_log_warning("store %s cannot be written at the moment: %s", path, strerror(-r));
        else if (r < 0)
                return explain(text, text_bytes, r, "store %s cannot be written: " COUNTER_NAME, path);
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

static void forget_open(struct bc_store *store, uint64_t counter)
{
        size_t kept = 0, left_open = 0;

        for (size_t i = 0; i < store->open_count; i++)
                if (store->open[i] != counter) {
                        left_open += i < store->left_open;
                        store->open[kept++] = store->open[i];
                }
        store->open_count = kept;
        store->left_open = left_open;
}

// Only a number whose keeping is durable may be used; one that could not be kept is tried again next time.
static int take_number(struct bc_store *store)
{
        int r;

        if (store->open_count == OPEN_MAX)
                forget_open(store, store->open[0]);
        store->open[store->open_count++] = ++store->counter;
        r = save_counter(store);
        if (r < 0) {
                store->counter--;
                store->open_count--;
        }
        return r;
}

static int begin(struct bc_store *store, uint64_t *ret_counter, int *ret_folder_fd)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        int r, fd;

        // A folder of that name exists only where an older counter was restored: leave it alone, go on counting.
        do {
                r = take_number(store);
                if (r < 0)
                        return r;
                bc_store_name(store, store->counter, name);
                r = bc_folder_make(store->recordings_fd, name, 0);
                if (r == -EEXIST) {
                        bc_log_warning("recording %s exists though the counter has not reached it", name);
                        forget_open(store, store->counter);
                }
        } while (r == -EEXIST);
        if (r < 0) {
                forget_open(store, store->counter);
                return r;
        }
        fd = openat(store->recordings_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        *ret_counter = store->counter;
        *ret_folder_fd = fd;
        return 0;
}

int bc_store_begin(struct bc_store *store, uint64_t *ret_counter, int *ret_folder_fd)
{
        int r;

        pthread_mutex_lock(&store->mutex);
        r = begin(store, ret_counter, ret_folder_fd);
        pthread_mutex_unlock(&store->mutex);
        return r;
}

int bc_store_close(struct bc_store *store, uint64_t counter)
{
        int r;

        pthread_mutex_lock(&store->mutex);
        forget_open(store, counter);
        r = save_counter(store);
        pthread_mutex_unlock(&store->mutex);
        return r;
}

size_t bc_store_left_open_count(struct bc_store *store)
{
        size_t count;

        pthread_mutex_lock(&store->mutex);
        count = store->left_open;
        pthread_mutex_unlock(&store->mutex);
        return count;
}

uint64_t bc_store_left_open_at(struct bc_store *store, size_t number)
{
        uint64_t counter;

        pthread_mutex_lock(&store->mutex);
        counter = number < store->left_open ? store->open[number] : 0;
        pthread_mutex_unlock(&store->mutex);
        return counter;
}

uint64_t bc_store_counter(struct bc_store *store)
{
        uint64_t counter;

        pthread_mutex_lock(&store->mutex);
        counter = store->counter;
        pthread_mutex_unlock(&store->mutex);
        return counter;
}

int bc_store_room(struct bc_store *store, uint64_t *ret_bytes)
{
        struct statvfs status;

        if (fstatvfs(store->recordings_fd, &status) < 0)
                return -errno;
        *ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
        return 0;
}
