// SPDX-License-Identifier: EUPL-1.2
#include "items.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/bracket.h"
#include "verify/store.h"
#include "verify/text.h"

struct names {
        char **name;
        size_t count, room;
};

static void free_names(struct names *names)
{
        for (size_t i = 0; i < names->count; i++)
                free(names->name[i]);
        free(names->name);
}

static int add_name(void *user, const struct dirent *entry)
{
        struct names *names = user;

        if (names->count == BC_ITEM_RECORDINGS_MAX)
                return -E2BIG;
        if (names->count == names->room) {
                size_t want = names->room ? 2 * names->room : 64;
                char **grown = reallocarray(names->name, want, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                names->name = grown;
                names->room = want;
        }
        names->name[names->count] = strdup(entry->d_name);
        return names->name[names->count] ? (names->count++, 0) : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(int folder_fd, struct names *ret_names)
{
        int r = bc_folder_each(folder_fd, add_name, ret_names);

        if (ret_names->count > 0)
                qsort(ret_names->name, ret_names->count, sizeof(*ret_names->name), compare_names);
        return r;
}

static int open_store(const char *path, int recordings_fd, struct bc_report_item *item)
{
        BC_CLEANUP(free_names) struct names names = { 0 };
        int r = list(recordings_fd, &names);

        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                bc_find(&item->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "recordings/ cannot be read: %s", strerror(-r));
                return 0;
        }
        item->recording = calloc(names.count + 1, sizeof(*item->recording));
        if (!item->recording)
                return -ENOMEM;
        for (size_t i = 0; i < names.count; i++) {
                char name[4096];
                struct stat stat;
                bool folder = fstatat(recordings_fd, names.name[i], &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
                              S_ISDIR(stat.st_mode);
                if (!folder || !bc_folder_is_recording_name(names.name[i])) {
                        bc_find(&item->findings, BC_FINDING_NAME, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                                "%s does not belong into recordings/", names.name[i]);
                        continue;
                }
                snprintf(name, sizeof(name), "%s/recordings/%s", path, names.name[i]);
                r = bc_recording_open_at(recordings_fd, names.name[i], name,
                                         &item->recording[item->recordings]);
                if (r == 0)
                        item->recordings++;
                else if (r == -ENOMEM)
                        return r;
                else
                        bc_find(&item->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                                "%s cannot be read: %s", names.name[i], strerror(-r));
        }
        return 0;
}

static bool is_store(int fd)
{
        struct stat stat;

        return fstatat(fd, "ledger", &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(stat.st_mode);
}

// Whether it is the folder of one recording, whatever its name: it has something in it that lies in no other. negative errno.
static int is_recording(int fd, const char *path)
{
        const char *slash = strrchr(path, '/');
        struct bc_folder folder;
        struct bc_findings findings = { 0 };
        int r = bc_folder_is_recording_name(slash ? slash + 1 : path);

        if (r == 0) {
                r = bc_folder_read(fd, &folder, &findings);
                if (r == 0)
                        r = folder.segments > 0 || folder.tails > 0 || folder.manifest;
                bc_folder_done(&folder);
        }
        return r;
}

// What lies in a folder that is neither a recording's nor a store: files and recordings' folders, each by itself.
static int open_mixed(const char *path, int folder_fd, const struct names *names, struct bc_report_item *item)
{
        item->mixed = true;
        item->recording = calloc(names->count, sizeof(*item->recording));
        if (!item->recording)
                return -ENOMEM;
        for (size_t i = 0; i < names->count; i++) {
                BC_CLEANUP(bc_cleanup_fd) int fd = openat(folder_fd, names->name[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
                struct stat stat;
                char name[4096];
                int r = fd < 0 || fstat(fd, &stat) < 0 ? -errno : S_ISREG(stat.st_mode) ? 1 : S_ISDIR(stat.st_mode) ? is_recording(fd, names->name[i]) : 0;

                snprintf(name, sizeof(name), "%s/%s", path, names->name[i]);
                if (r > 0) {
                        r = bc_recording_open_at(folder_fd, names->name[i], name, &item->recording[item->recordings]);
                        if (r == 0) {
                                item->recordings++;
                                continue;
                        }
                }
                if (r == -ENOMEM)
                        return r;
                if (r == 0 || r == -ELOOP)
                        bc_find(&item->findings, BC_FINDING_FOREIGN, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                                "%s is %s: not looked into", names->name[i],
                                r < 0 ? "a link" : S_ISDIR(stat.st_mode) ? "no recording's folder (a store is to be named by itself)"
                                                                         : "neither a file nor a folder");
                else
                        bc_find(&item->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET, "%s cannot be read: %s",
                                names->name[i], strerror(-r));
        }
        return 0;
}

int bc_item_open(const struct bc_judge *judge, const char *path, struct bc_report_item *ret_item)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        struct stat stat;

        *ret_item = (struct bc_report_item){ .path = path };
        // The path itself may be a link: the user named it. What lies behind it is not looked for by links.
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &stat) < 0) {
                bc_find(&ret_item->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "cannot be opened: %s", strerror(errno));
                return 0;
        }
        if (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode)) {
                bc_find(&ret_item->findings, BC_FINDING_FOREIGN, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "neither a file nor a folder");
                return 0;
        }
        if (S_ISDIR(stat.st_mode)) {
                BC_CLEANUP(bc_cleanup_fd)
                int recordings_fd = openat(fd, "recordings", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (recordings_fd >= 0 || is_store(fd)) {
                        ret_item->store = true;
                        bc_ledger_judge(judge, fd, &ret_item->ledger);
                }
                if (recordings_fd >= 0) {
                        int r = open_store(path, recordings_fd, ret_item);
                        for (size_t i = 0; i < ret_item->recordings; i++)
                                bc_bracket_close(judge->witnesses, &ret_item->ledger, &ret_item->recording[i]);
                        return r;
                }
                if (ret_item->store) {
                        bc_find(&ret_item->findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                                "recordings/ is not there");
                        return 0;
                }
                BC_CLEANUP(free_names) struct names names = { 0 };
                if (is_recording(fd, path) == 0 && list(fd, &names) == 0 && names.count > 0)
                        return open_mixed(path, fd, &names, ret_item);
        }
        ret_item->recording = calloc(1, sizeof(*ret_item->recording));
        if (!ret_item->recording)
                return -ENOMEM;
        int r = bc_recording_open(path, ret_item->recording);
        if (r == 0)
                ret_item->recordings = 1;
        else
                bc_find(&ret_item->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "cannot be read: %s", strerror(-r));
        return r == -ENOMEM ? r : 0;
}

static bool is_unread(const struct bc_report_item *item)
{
        for (size_t i = 0; i < item->findings.count; i++)
                if (item->findings.finding[i].code == BC_FINDING_UNREADABLE)
                        return true;
        return item->findings.more > 0;
}

static void judge_witness(const struct bc_witness *witness, struct bc_report_item *item, size_t items)
{
        struct bc_report_item *store = NULL;
        bool known = false;

        for (size_t i = 0; i < items; i++) {
                if (!item[i].store)
                        continue;
                store = store ? store : &item[i];
                known |= bc_witness_judge(witness, &item[i].ledger);
        }
        if (!known && witness->kind != BC_WITNESS_HEAD)
                bc_find(store ? &store->ledger.findings : &item->findings, BC_FINDING_LEDGER, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "%s was given that no ledger here has to do with: it may be of another device, or what it is of was cut "
                        "off",
                        witness->kind == BC_WITNESS_NONCE ? "a nonce" : "a time stamp");
        else if (!known && store)
                bc_find(&store->ledger.findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "record %" PRIu64 " of \"%s\" was witnessed, and no ledger of that device is here",
                        witness->sequence, witness->device);
        else if (!known)
                bc_find(&item->findings, BC_FINDING_LEDGER, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "a head was witnessed, and no store is named in whose ledger it could be looked for");
}

static void judge_fork(struct bc_report_item *one, struct bc_report_item *other)
{
        const struct bc_ledger_link *first, *second;
        char hex[2][2 * BC_HASH_BYTES + 1];

        if (!bc_store_find_fork(&one->ledger, &other->ledger, &first, &second))
                return;
        bc_find(&one->ledger.findings, BC_FINDING_CHAIN, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                "a fork: record %" PRIu64 " of epoch %" PRIu64 " is %s here and %s in %s", first->sequence,
                first->epoch, bc_text_hex(first->hash, BC_HASH_BYTES, hex[0]),
                bc_text_hex(second->hash, BC_HASH_BYTES, hex[1]), other->path);
}

void bc_items_judge(const struct bc_witnesses *witnesses, struct bc_report_item *item, size_t items)
{
        for (size_t i = 0; i < items; i++) {
                // What cannot be read is not missing.
                if (item[i].store && !is_unread(&item[i]))
                        bc_store_judge(&item[i].ledger, item[i].recording, item[i].recordings,
                                       &item[i].findings);
                for (size_t k = 0; item[i].store && k < item[i].recordings; k++)
                        bc_bracket_judge(witnesses, &item[i].ledger, &item[i].recording[k]);
                for (size_t k = 0; item[i].store && k < items; k++)
                        if (k != i && item[k].store)
                                judge_fork(&item[i], &item[k]);
        }
        for (size_t i = 0; i < witnesses->count && items > 0; i++)
                judge_witness(&witnesses->witness[i], item, items);
}

void bc_item_done(struct bc_report_item *item)
{
        for (size_t i = 0; i < item->recordings; i++)
                bc_recording_verdict_done(&item->recording[i]);
        free(item->recording);
        bc_ledger_verdict_done(&item->ledger);
        *item = (struct bc_report_item){ 0 };
}
