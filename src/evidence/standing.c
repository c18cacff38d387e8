// SPDX-License-Identifier: EUPL-1.2
#include "evidence/standing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pulse.h"

#define FOLDER BC_LEDGER_FOLDER

struct bc_ledger_owner bc_standing_owner(const char *device, const struct bc_chain *chain)
{
        struct bc_ledger_owner owner = { .device = device, .public_key = chain->public_key };

        memcpy(owner.x5t, chain->x5t, sizeof(owner.x5t));
        if (chain->count > 1)
                owner.issuer = chain->certificate[1];
        return owner;
}

void bc_standing_init(struct bc_standing *standing)
{
        *standing = (struct bc_standing){ .folder_fd = -1 };
}

void bc_standing_done(struct bc_standing *standing)
{
        bc_cleanup_fd(&standing->folder_fd);
        bc_anchor_free(standing->anchor);
        bc_standing_init(standing);
}

static int explain(char *text, size_t text_bytes, int error)
{
        snprintf(text, text_bytes, "the ledger's folder, " FOLDER ": %s", strerror(-error));
        return error;
}

static int open_folder(int store_fd)
{
        int r = bc_folder_make(store_fd, FOLDER, 1), fd;

        if (r < 0)
                return r;
        fd = openat(store_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

static int open_anchor(struct bc_standing *standing, const char *path, struct bc_anchor_found *ret_found, char *text, size_t text_bytes)
{
        int r = bc_anchor_open(path, standing->only_looks, text, text_bytes, &standing->anchor, ret_found);

        if (r < 0)
                return r;
        if (ret_found->damaged)
                bc_log_error("anchor %s: no slot of it is whole, and it agrees with nothing%s", path,
                             standing->only_looks ? "" : "; a file is kept as one called .damaged");
        if (ret_found->behind)
                bc_log_error("anchor %s: the TPM has known more than the file says", path);
        standing->anchor_damaged |= ret_found->damaged;
        ret_found->state.medium = bc_anchor_medium(standing->anchor, standing->folder_fd);
        // An old file counts for nothing.
        ret_found->other.medium = ret_found->other.epoch > 0 && !ret_found->behind ? BC_ANCHOR_TPM : BC_ANCHOR_NONE;
        if (ret_found->state.medium == BC_ANCHOR_BESIDE)
                bc_log_warning("anchor %s: it lies on the store's medium: who puts back an old image of that puts both back", path);
        return 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
        return a > b ? a : b;
}

// EVIDENCE 12 and 17: where ledger and anchor do not agree, or another key signs than the former one said, a new epoch begins, and says so.
static void reconcile(struct bc_ledger_found *found, const struct bc_ledger_search *search, bool has_other)
{
        const struct bc_anchor_state *anchor = &found->anchor;
        const struct bc_ledger_head *head = &search->head;

        if (anchor->epoch > 0 && anchor->sequence > 0)
                found->rolled_back = !search->has;
        else if (anchor->epoch > 0) // from before the very first record: that may be there, or not
                found->rolled_back = head->epoch > anchor->epoch;
        else // what is damaged, or cannot be got at, may have known anything
                found->rolled_back = head->epoch > 0 || found->anchor_damaged || found->anchor_lost;
        found->other_missing = !has_other && (anchor->epoch == 0 || search->has);
        found->rolled_back |= head->handed_over || !has_other;
        found->epoch = larger(larger(head->epoch, larger(anchor->epoch, found->other.epoch)), 1) + found->rolled_back;
        // No number of a run is given twice, nor one whose file may be read again some day.
        found->boot = larger(larger(head->boot, larger(anchor->boot, found->other.boot)), search->unreadable_boot) + 1;
        found->counter = larger(anchor->counter, found->other.counter);
        found->last_ns = head->epoch > 0 ? head->signed_ns : BC_RECORD_UNKNOWN;
        found->clean = head->epoch > 0 && head->stopped && !found->rolled_back;
        found->head = *head;
        found->unreadable = search->unreadable;
}

// An anchor that says nothing agrees with no ledger. Before the first record of all is written it says that there is to be one: who pulls
// the battery in that very second is not to find a rollback.
static void expect_first(struct bc_standing *standing)
{
        struct bc_ledger_found *found = &standing->found;
        struct bc_anchor_state state = found->anchor;

        if (standing->only_looks || !standing->anchor || found->rolled_back || found->head.epoch > 0 || state.epoch > 0)
                return;
        state.epoch = found->epoch;
        if (bc_anchor_write_file(standing->anchor, &state) == 0) // else it is written as ever
                found->anchor.epoch = found->epoch;
}

static struct bc_ledger_search search_for(const struct bc_ledger_owner *owner, const struct bc_anchor_state *anchor, bool patient)
{
        return (struct bc_ledger_search){ .owner = *owner, .epoch = anchor->epoch, .sequence = anchor->sequence,
                                          .hash = anchor->epoch > 0 ? anchor->hash : NULL, .patient = patient };
}

// Of an anchor in two places each is judged: who forges the one that anybody can write has not done so with the other.
static int look_for(const struct bc_standing *standing, const struct bc_ledger_owner *owner, const struct bc_anchor_state *anchor,
                    const struct bc_anchor_state *other, bool patient, struct bc_ledger_search *ret_search, bool *ret_has_other)
{
        struct bc_ledger_search search = search_for(owner, other, patient);
        int r;

        *ret_search = search_for(owner, anchor, patient);
        search.only_looks = ret_search->only_looks = standing->only_looks;
        r = bc_ledger_find_head(standing->folder_fd, ret_search);
        if (r == 0 && other->epoch > 0)
                r = bc_ledger_find_head(standing->folder_fd, &search);
        *ret_has_other = other->epoch == 0 || other->sequence == 0 || search.has;
        return r;
}

// Also those of a look that failed behind them: they are put aside, and the next look finds none.
static void note_strangers(struct bc_ledger_found *found, const struct bc_ledger_search *search)
{
        for (size_t i = 0; i < search->strangers && found->strangers < BC_LEDGER_STRANGERS_MAX; i++) {
                bool known = false; // one that cannot be put aside is met again

                for (size_t k = 0; k < found->strangers; k++)
                        known |= strcmp(found->stranger[k], search->stranger[i]) == 0;
                if (!known)
                        memcpy(found->stranger[found->strangers++], search->stranger[i], sizeof(search->stranger[i]));
        }
}

int bc_standing_look(struct bc_standing *standing, int store_fd, const char *anchor_path, const struct bc_ledger_owner *owner, bool patient,
                     char *text, size_t text_bytes)
{
        BC_IN_DEVICE;
        struct bc_ledger_found *found = &standing->found;
        struct bc_anchor_found anchored;
        struct bc_ledger_search search;
        bool has_other;
        int r = 0;

        if (standing->folder_fd < 0)
                standing->folder_fd = open_folder(store_fd);
        if (standing->folder_fd < 0)
                return explain(text, text_bytes, standing->folder_fd);
        if (!standing->anchor) {
                r = open_anchor(standing, anchor_path, &anchored, text, text_bytes);
                if (r == 0) {
                        found->anchor = anchored.state;
                        found->other = anchored.other;
                        found->anchor_behind = anchored.behind;
                }
        }
        if (r < 0 && patient)
                return r;
        found->anchor_lost = r < 0;
        found->anchor_damaged = standing->anchor_damaged;
        if (found->anchor_lost)
                bc_log_error("%s: the ledger goes on without it, in a new epoch", text);
        r = look_for(standing, owner, &found->anchor, &found->other, patient, &search, &has_other);
        note_strangers(found, &search);
        if (r < 0)
                return explain(text, text_bytes, r);
        reconcile(found, &search, has_other);
        expect_first(standing);
        return 0;
}

// One that was lost and does not agree stays as it is: it is all that is left of what it knows. -ESTALE then.
static int regain(struct bc_standing *standing, const char *anchor_path, const struct bc_ledger_owner *owner,
                  struct bc_anchor_state *state, char *text, size_t text_bytes)
{
        struct bc_anchor_found anchored;
        struct bc_ledger_search search;
        bool has_other = true;
        int r = open_anchor(standing, anchor_path, &anchored, text, text_bytes);

        if (r < 0)
                return r;
        if (anchored.state.epoch > 0 || anchored.other.epoch > 0)
                r = look_for(standing, owner, &anchored.state, &anchored.other, false, &search, &has_other);
        if (r == 0 && has_other && (anchored.state.epoch == 0 || anchored.state.sequence == 0 || search.has)) {
                bc_log_notice("anchor %s: it can be opened again", anchor_path);
                bc_anchor_state_adopt(state, &anchored.state);
                state->counter = larger(state->counter, anchored.other.counter);
                state->boot = larger(state->boot, anchored.other.boot);
                return 0;
        }
        bc_anchor_free(BC_TAKE(standing->anchor));
        snprintf(text, text_bytes, "anchor %s: %s", anchor_path,
                 r < 0 ? strerror(-r) : "it knows of records that the ledger does not have; the next start judges that");
        return r < 0 ? r : -ESTALE;
}

int bc_standing_write_anchor(struct bc_standing *standing, const char *anchor_path, const struct bc_ledger_owner *owner,
                             struct bc_anchor_state *state, enum bc_anchor_weight weight, int64_t now_ns, char *text, size_t text_bytes)
{
        BC_IN_DEVICE;
        int r = 0;

        if (standing->anchor_stays)
                return 0;
        if (!standing->anchor)
                r = regain(standing, anchor_path, owner, state, text, text_bytes);
        standing->anchor_stays = r == -ESTALE;
        if (standing->anchor_stays) {
                bc_log_error("%s", text);
                return 0;
        }
        return r < 0 ? r : bc_anchor_write(standing->anchor, state, weight, now_ns, text, text_bytes);
}

enum bc_anchor_weight bc_standing_weigh(enum bc_anchor_weight weight, enum bc_entry_kind kind)
{
        switch (kind) {
        case BC_ENTRY_STOP:
                return BC_ANCHOR_LAST;
        case BC_ENTRY_START:
        case BC_ENTRY_BEGINNING:
        case BC_ENTRY_CLOSING:
        case BC_ENTRY_RECOVERY:
        case BC_ENTRY_BREAK:
        case BC_ENTRY_NOTHING:
                return weight > BC_ANCHOR_WEIGHTY ? weight : BC_ANCHOR_WEIGHTY;
        default:
                return weight;
        }
}

// ---- what is said of it ----------------------------------------------------------------------------------------

__attribute__((format(printf, 3, 4)))
static size_t say(struct bc_ledger_entry *entry, int64_t now_ns, const char *format, ...)
{
        char text[BC_RECORD_TEXT_BYTES_MAX + 1];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        bc_entry_alarm(entry, now_ns, text);
        return 1;
}

size_t bc_standing_state(const struct bc_ledger_found *found, const struct bc_ledger_start *start, int64_t begun_ns, int64_t now_ns,
                         bool late, struct bc_ledger_entry ret_entry[BC_STANDING_EVENTS_MAX])
{
        const struct bc_anchor_state *anchor = found->other_missing ? &found->other : &found->anchor;
        size_t n = 0;

        if (found->rolled_back) {
                bc_log_error("the ledger is not the one that its anchor knows: a new epoch begins, and says so");
                bc_entry_rollback(&ret_entry[n++], begun_ns, found->head.sequence, found->head.epoch > 0 ? found->head.hash : NULL,
                                  anchor->sequence, anchor->epoch > 0 ? anchor->hash : NULL);
        }
        bc_entry_start(&ret_entry[n++], begun_ns, found->clean, start->reset, start->boot_id, found->last_ns, start->percent,
                       found->anchor.medium);
        for (size_t i = 0; i < found->strangers; i++)
                n += say(&ret_entry[n], now_ns, "put aside, foreign: %s", found->stranger[i]);
        if (found->anchor_lost || found->anchor_damaged)
                n += say(&ret_entry[n], now_ns, "anchor: %s", found->anchor_lost ? "cannot be opened" : "was damaged");
        if (found->anchor_behind)
                n += say(&ret_entry[n], now_ns, "anchor: the TPM knew more than the file");
        if (found->unreadable > 0)
                n += say(&ret_entry[n], now_ns, "ledger: %zu files cannot be read", found->unreadable);
        if (late)
                n += say(&ret_entry[n], now_ns, "ledger: opened %" PRId64 " ms late", (now_ns - begun_ns) / BC_NS_PER_MS);
        return n;
}
