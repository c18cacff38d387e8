// SPDX-License-Identifier: EUPL-1.2
#include "verify/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/text.h"

#define FILE_BYTES_MAX (1u << 20)
#define DIGITS_MAX 18

static bool take_number(const char **at, uint64_t *ret_number)
{
        size_t n = strspn(*at, "0123456789");

        *ret_number = 0;
        if (n == 0 || n > DIGITS_MAX || (*at)[n] != ':')
                return false;
        for (size_t i = 0; i < n; i++)
                *ret_number = *ret_number * 10 + (uint64_t)((*at)[i] - '0');
        *at += n + 1;
        return *ret_number > 0;
}

static int digit_of(char c)
{
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = c ? strchr(digits, c) : NULL;

        return at ? (int)(at - digits) % 16 : -1;
}

static bool parse(const char *text, struct bc_witness *ret_witness)
{
        const char *at = strchr(text, ':');

        *ret_witness = (struct bc_witness){ 0 };
        if (!at || at == text || at - text > BC_RECORD_DEVICE_BYTES_MAX)
                return false;
        memcpy(ret_witness->device, text, (size_t)(at - text));
        at++;
        if (!take_number(&at, &ret_witness->epoch) || !take_number(&at, &ret_witness->sequence) ||
            strlen(at) != 2 * BC_HASH_BYTES)
                return false;
        for (size_t i = 0; i < BC_HASH_BYTES; i++) {
                int high = digit_of(at[2 * i]), low = digit_of(at[2 * i + 1]);
                if (high < 0 || low < 0)
                        return false;
                ret_witness->hash[i] = (uint8_t)(high * 16 + low);
        }
        return true;
}

static int add(struct bc_witnesses *witnesses, const struct bc_witness *witness)
{
        int r = bc_ledger_grow((void **)&witnesses->witness, witnesses->count, &witnesses->room,
                               sizeof(*witnesses->witness));

        if (r == 0)
                witnesses->witness[witnesses->count++] = *witness;
        return r;
}

int bc_witnesses_add(struct bc_witnesses *witnesses, const char *head_or_path, char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        struct bc_witness witness;
        size_t size, number = 0;
        char *rest, *line;

        if (parse(head_or_path, &witness))
                return add(witnesses, &witness);
        int r = bc_file_load(AT_FDCWD, head_or_path, FILE_BYTES_MAX, &bytes, &size);
        if (r < 0) {
                snprintf(text, text_bytes, "neither DEVICE:EPOCH:SEQUENCE:HASH nor a file of such lines: %s",
                         strerror(-r));
                return r;
        }
        rest = bytes;
        while (r == 0 && (line = strsep(&rest, "\n"))) {
                number++;
                if (line[0] == '\0' || line[0] == '#')
                        continue;
                if (!parse(line, &witness)) {
                        snprintf(text, text_bytes, "line %zu is not DEVICE:EPOCH:SEQUENCE:HASH", number);
                        return -EBADMSG;
                }
                r = add(witnesses, &witness);
        }
        return r;
}

void bc_witnesses_done(struct bc_witnesses *witnesses)
{
        free(witnesses->witness);
        *witnesses = (struct bc_witnesses){ 0 };
}

bool bc_witness_judge(const struct bc_witness *witness, struct bc_ledger_verdict *ledger)
{
        const struct bc_ledger_link *link = bc_ledger_find_link(ledger, witness->epoch, witness->sequence);
        char one[2 * BC_HASH_BYTES + 1], other[2 * BC_HASH_BYTES + 1];

        if (strcmp(witness->device, ledger->device) != 0)
                return false;
        if (!link)
                bc_find(&ledger->findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "record %" PRIu64 " of epoch %" PRIu64
                        " was witnessed, and is not there: the ledger was cut, or put back to an older one",
                        witness->sequence, witness->epoch);
        else if (memcmp(link->hash, witness->hash, BC_HASH_BYTES) != 0)
                bc_find(&ledger->findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "a fork: record %" PRIu64 " of epoch %" PRIu64 " was witnessed as %s, and is %s",
                        witness->sequence, witness->epoch, bc_text_hex(witness->hash, BC_HASH_BYTES, one),
                        bc_text_hex(link->hash, BC_HASH_BYTES, other));
        else
                bc_find(&ledger->findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "the witnessed record %" PRIu64 " of epoch %" PRIu64 " is in it", witness->sequence,
                        witness->epoch);
        return true;
}

void bc_witness_text(const struct bc_ledger_verdict *ledger, char ret_text[BC_WITNESS_TEXT_BYTES])
{
        const struct bc_ledger_link *head = bc_ledger_head(ledger);
        char hex[2 * BC_HASH_BYTES + 1];

        snprintf(ret_text, BC_WITNESS_TEXT_BYTES, "%s:%" PRIu64 ":%" PRIu64 ":%s", ledger->device,
                 head->epoch, head->sequence, bc_text_hex(head->hash, BC_HASH_BYTES, hex));
}
