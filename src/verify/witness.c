// SPDX-License-Identifier: EUPL-1.2
#include "verify/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/utc.h"
#include "verify/text.h"

#define FILE_BYTES_MAX (1u << 20)
#define DIGITS_MAX 18
#define NONCE "nonce:"

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

// "@TIME" or, where it need not be there, nothing.
static bool take_time(const char *text, bool must, struct bc_witness *ret_witness)
{
        if (*text == '\0' && !must) {
                ret_witness->utc_ns = BC_RECORD_UNKNOWN;
                return true;
        }
        return *text == '@' && bc_utc_parse(text + 1, &ret_witness->utc_ns) == 0;
}

static bool parse_nonce(const char *text, struct bc_witness *ret_witness)
{
        size_t digits = strspn(text, "0123456789abcdefABCDEF");

        ret_witness->kind = BC_WITNESS_NONCE;
        ret_witness->nonce_bytes = digits / 2;
        return digits % 2 == 0 && digits / 2 >= BC_RECORD_NONCE_BYTES_MIN && digits / 2 <= BC_RECORD_NONCE_BYTES_MAX &&
               bc_hex_read(text, digits / 2, ret_witness->nonce) && take_time(text + digits, true, ret_witness);
}

static bool parse_head(const char *text, struct bc_witness *ret_witness)
{
        const char *at = strchr(text, ':');

        if (!at || at == text || at - text > BC_RECORD_DEVICE_BYTES_MAX)
                return false;
        memcpy(ret_witness->device, text, (size_t)(at - text));
        at++;
        return take_number(&at, &ret_witness->epoch) && take_number(&at, &ret_witness->sequence) &&
               bc_hex_read(at, BC_HASH_BYTES, ret_witness->hash) && take_time(at + 2 * BC_HASH_BYTES, false, ret_witness);
}

static bool parse(const char *text, struct bc_witness *ret_witness)
{
        *ret_witness = (struct bc_witness){ 0 };
        return strncmp(text, NONCE, strlen(NONCE)) == 0 ? parse_nonce(text + strlen(NONCE), ret_witness) :
                                                          parse_head(text, ret_witness);
}

int bc_witnesses_add_one(struct bc_witnesses *witnesses, const struct bc_witness *witness)
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
                return bc_witnesses_add_one(witnesses, &witness);
        int r = bc_file_load(AT_FDCWD, head_or_path, FILE_BYTES_MAX, &bytes, &size);
        if (r < 0) {
                snprintf(text, text_bytes, "neither DEVICE:EPOCH:SEQUENCE:HASH[@UTC] nor nonce:HEX@UTC nor a file of such lines: %s",
                         strerror(-r));
                return r;
        }
        rest = bytes;
        while (r == 0 && (line = strsep(&rest, "\n"))) {
                number++;
                if (line[0] == '\0' || line[0] == '#')
                        continue;
                if (!parse(line, &witness)) {
                        snprintf(text, text_bytes, "line %zu is neither DEVICE:EPOCH:SEQUENCE:HASH[@UTC] nor nonce:HEX@UTC", number);
                        return -EBADMSG;
                }
                r = bc_witnesses_add_one(witnesses, &witness);
        }
        return r;
}

void bc_witnesses_done(struct bc_witnesses *witnesses)
{
        free(witnesses->witness);
        *witnesses = (struct bc_witnesses){ 0 };
}

static const struct bc_ledger_link *find_nonce(const struct bc_witness *witness, const struct bc_ledger_verdict *ledger)
{
        for (size_t i = 0; i < ledger->nonces; i++)
                if (ledger->nonce[i].n == witness->nonce_bytes &&
                    memcmp(ledger->nonce[i].bytes, witness->nonce, witness->nonce_bytes) == 0)
                        return bc_ledger_find_link(ledger, ledger->nonce[i].epoch, ledger->nonce[i].sequence);
        return NULL;
}

static const struct bc_ledger_link *find_stamped(const struct bc_witness *witness, const struct bc_ledger_verdict *ledger)
{
        for (size_t i = 0; i < ledger->links; i++)
                if (memcmp(ledger->link[i].hash, witness->hash, BC_HASH_BYTES) == 0)
                        return &ledger->link[i];
        return NULL;
}

static const struct bc_ledger_link *find_head(const struct bc_witness *witness, const struct bc_ledger_verdict *ledger)
{
        const struct bc_ledger_link *link = bc_ledger_find_link(ledger, witness->epoch, witness->sequence);

        return strcmp(witness->device, ledger->device) == 0 && link && memcmp(link->hash, witness->hash, BC_HASH_BYTES) == 0 ?
                       link :
                       NULL;
}

const struct bc_ledger_link *bc_witness_find(const struct bc_witness *witness, const struct bc_ledger_verdict *ledger,
                                             enum bc_witness_side side)
{
        if (side == BC_WITNESS_NOT_BEFORE)
                return witness->kind == BC_WITNESS_HEAD ? NULL : find_nonce(witness, ledger);
        if (witness->kind == BC_WITNESS_HEAD)
                return find_head(witness, ledger);
        return witness->kind == BC_WITNESS_STAMP ? find_stamped(witness, ledger) : NULL;
}

static void judge_head(const struct bc_witness *witness, struct bc_ledger_verdict *ledger)
{
        const struct bc_ledger_link *link = bc_ledger_find_link(ledger, witness->epoch, witness->sequence);
        char one[2 * BC_HASH_BYTES + 1], other[2 * BC_HASH_BYTES + 1];

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
}

static void note(const struct bc_witness *witness, const struct bc_ledger_link *link, const char *what, struct bc_ledger_verdict *ledger)
{
        char utc[BC_UTC_TEXT_BYTES] = "";

        if (witness->utc_ns != BC_RECORD_UNKNOWN)
                bc_utc_format(witness->utc_ns, utc);
        bc_find(&ledger->findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                "record %" PRIu64 " of epoch %" PRIu64 " %s%s%s", link->sequence, link->epoch, what, *utc ? ", " : "", utc);
}

bool bc_witness_judge(const struct bc_witness *witness, struct bc_ledger_verdict *ledger)
{
        const struct bc_ledger_link *before = bc_witness_find(witness, ledger, BC_WITNESS_NOT_BEFORE),
                                    *after = bc_witness_find(witness, ledger, BC_WITNESS_NOT_AFTER);

        if (witness->kind == BC_WITNESS_HEAD && strcmp(witness->device, ledger->device) == 0 && !after) {
                judge_head(witness, ledger);
                return true;
        }
        if (before)
                note(witness, before, "has a nonce that was not known before", ledger);
        if (after)
                note(witness, after, witness->kind == BC_WITNESS_STAMP ? "has a time stamp" : "was witnessed", ledger);
        return before || after;
}

int64_t bc_witnesses_not_after(const struct bc_witnesses *witnesses, const struct bc_ledger_verdict *ledger, uint64_t epoch,
                               uint64_t sequence)
{
        int64_t earliest_ns = 0;

        for (size_t i = 0; i < witnesses->count; i++) {
                const struct bc_witness *witness = &witnesses->witness[i];
                const struct bc_ledger_link *link = bc_witness_find(witness, ledger, BC_WITNESS_NOT_AFTER);
                if (!link || witness->utc_ns == BC_RECORD_UNKNOWN || link->epoch < epoch ||
                    (link->epoch == epoch && link->sequence < sequence))
                        continue;
                // A time in whole seconds is one of that second's instants.
                if (earliest_ns == 0 || witness->utc_ns + BC_NS_PER_S < earliest_ns)
                        earliest_ns = witness->utc_ns + BC_NS_PER_S;
        }
        return earliest_ns;
}

void bc_witness_text(const struct bc_ledger_verdict *ledger, char ret_text[BC_WITNESS_TEXT_BYTES])
{
        const struct bc_ledger_link *head = bc_ledger_head(ledger);
        char hex[2 * BC_HASH_BYTES + 1];

        snprintf(ret_text, BC_WITNESS_TEXT_BYTES, "%s:%" PRIu64 ":%" PRIu64 ":%s", ledger->device,
                 head->epoch, head->sequence, bc_text_hex(head->hash, BC_HASH_BYTES, hex));
}
