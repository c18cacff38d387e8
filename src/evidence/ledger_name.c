// SPDX-License-Identifier: EUPL-1.2
#include "evidence/ledger_name.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

void bc_ledger_name(uint64_t epoch, uint64_t boot, uint64_t sequence, char ret_name[BC_LEDGER_NAME_BYTES])
{
        snprintf(ret_name, BC_LEDGER_NAME_BYTES, "%06" PRIu64 "-%06" PRIu64 "-%012" PRIu64 ".ledger", epoch, boot, sequence);
}

void bc_ledger_names_done(struct bc_ledger_names *names)
{
        free(names->name);
        *names = (struct bc_ledger_names){ 0 };
}

// Whatever lies on the card, there are numbers left to count on with.
static bool is_possible(uint64_t number)
{
        return number > 0 && number <= INT64_MAX / 2;
}

// Only what the numbers in it would be written as.
static bool parse_name(const char *text, struct bc_ledger_name *ret_name)
{
        char *end;

        errno = 0;
        ret_name->epoch = strtoull(text, &end, 10);
        if (*end == '-')
                ret_name->boot = strtoull(end + 1, &end, 10);
        if (*end == '-')
                ret_name->sequence = strtoull(end + 1, &end, 10);
        if (errno || !is_possible(ret_name->epoch) || !is_possible(ret_name->boot) || !is_possible(ret_name->sequence))
                return false;
        bc_ledger_name(ret_name->epoch, ret_name->boot, ret_name->sequence, ret_name->text);
        return strcmp(text, ret_name->text) == 0;
}

static int add_name(struct bc_ledger_names *names, const struct bc_ledger_name *name)
{
        if (names->count == names->room) {
                size_t room = names->room ? 2 * names->room : 64;
                struct bc_ledger_name *larger = reallocarray(names->name, room, sizeof(*larger));

                if (!larger)
                        return -ENOMEM;
                names->name = larger;
                names->room = room;
        }
        names->name[names->count++] = *name;
        return 0;
}

// The newest first.
static int compare(const void *a, const void *b)
{
        const struct bc_ledger_name *left = a, *right = b;

        if (left->epoch != right->epoch)
                return left->epoch < right->epoch ? 1 : -1;
        if (left->boot != right->boot)
                return left->boot < right->boot ? 1 : -1;
        return (left->sequence < right->sequence) - (left->sequence > right->sequence);
}

static int take(void *user, const struct dirent *entry)
{
        struct bc_ledger_name name = { 0 };

        return parse_name(entry->d_name, &name) ? add_name(user, &name) : 0;
}

int bc_ledger_names_list(int folder_fd, struct bc_ledger_names *names)
{
        int r;

        *names = (struct bc_ledger_names){ 0 };
        r = bc_folder_each(folder_fd, take, names);
        if (names->count > 1)
                qsort(names->name, names->count, sizeof(*names->name), compare);
        return r;
}
