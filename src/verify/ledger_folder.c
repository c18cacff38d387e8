// SPDX-License-Identifier: EUPL-1.2
#include "verify/ledger_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define DIGITS_MAX 15

// A number from 1 of at least so many digits, with leading zeros only up to there. Moves *at behind it and the character that
// must follow.
static bool take_number(const char **at, size_t least, char behind, uint64_t *ret_number)
{
        size_t n = strspn(*at, "0123456789");

        *ret_number = 0;
        if (n < least || n > DIGITS_MAX || (n > least && **at == '0') || (*at)[n] != behind)
                return false;
        for (size_t i = 0; i < n; i++)
                *ret_number = *ret_number * 10 + (uint64_t)((*at)[i] - '0');
        *at += n + 1;
        return *ret_number > 0;
}

static bool parse(const char *name, struct bc_ledger_file *ret_file)
{
        const char *at = name;

        *ret_file = (struct bc_ledger_file){ 0 };
        if (strlen(name) >= sizeof(ret_file->name) || !take_number(&at, 6, '-', &ret_file->epoch) ||
            !take_number(&at, 6, '-', &ret_file->boot) || !take_number(&at, 12, '.', &ret_file->sequence) ||
            strcmp(at, "ledger") != 0)
                return false;
        memcpy(ret_file->name, name, strlen(name));
        return true;
}

// "NAME.foreign1": the device found it not to be its own.
static bool is_aside(const char *name)
{
        static const char ending[] = ".foreign";
        const char *behind = strstr(name, ending);
        struct bc_ledger_file file;
        char text[BC_LEDGER_FILE_NAME_BYTES];
        size_t n = behind ? (size_t)(behind - name) : sizeof(text);

        if (n >= sizeof(text))
                return false;
        memcpy(text, name, n);
        text[n] = '\0';
        behind += sizeof(ending) - 1;
        return parse(text, &file) && *behind >= '1' && *behind <= '9' && strspn(behind, "0123456789") == strlen(behind) && strlen(behind) <= 10;
}

static int add(struct bc_ledger_folder *folder, const struct bc_ledger_file *file)
{
        if (folder->files == BC_LEDGER_FILES_MAX)
                return -E2BIG;
        if (folder->files == folder->room) {
                size_t want = folder->room ? 2 * folder->room : 64;
                struct bc_ledger_file *grown = reallocarray(folder->file, want, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                folder->file = grown;
                folder->room = want;
        }
        folder->file[folder->files++] = *file;
        return 0;
}

static int compare(const void *a, const void *b)
{
        const struct bc_ledger_file *left = a, *right = b;

        if (left->epoch != right->epoch)
                return left->epoch < right->epoch ? -1 : 1;
        if (left->boot != right->boot)
                return left->boot < right->boot ? -1 : 1;
        return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

struct reading {
        struct bc_ledger_folder *folder;
        int folder_fd;
        struct bc_findings *findings;
};

static int take(void *user, const struct dirent *entry)
{
        struct reading *reading = user;
        struct bc_findings *findings = reading->findings;
        const char *name = entry->d_name;
        struct bc_ledger_file file;
        struct stat stat;
        bool known = parse(name, &file);

        if (fstatat(reading->folder_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (known && S_ISREG(stat.st_mode))
                return add(reading->folder, &file);
        // What was planted there: somebody had the card. Nothing of it is used.
        if (S_ISREG(stat.st_mode) && is_aside(name)) {
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "ledger/%s was put aside by the device: it was not its own", name);
                return 0;
        }
        bc_find(findings, BC_FINDING_NAME, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "ledger/%s %s", name,
                known ? "is not a regular file" : "does not belong into the ledger's folder");
        return 0;
}

int bc_ledger_folder_read(int folder_fd, struct bc_ledger_folder *ret_folder, struct bc_findings *findings)
{
        struct reading reading = { .folder = ret_folder, .folder_fd = folder_fd, .findings = findings };
        int r;

        *ret_folder = (struct bc_ledger_folder){ 0 };
        r = bc_folder_each(folder_fd, take, &reading);
        if (ret_folder->files > 1)
                qsort(ret_folder->file, ret_folder->files, sizeof(*ret_folder->file), compare);
        return r;
}

void bc_ledger_folder_done(struct bc_ledger_folder *folder)
{
        free(folder->file);
        *folder = (struct bc_ledger_folder){ 0 };
}
