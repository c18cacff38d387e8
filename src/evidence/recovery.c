// SPDX-License-Identifier: EUPL-1.2
#include "evidence/recovery.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "evidence/casket.h"
#include "evidence/inventory.h"
#include "evidence/manifest.h"
#include "evidence/patient.h"
#include "evidence/tail.h"

#define DAMAGED_NAME BC_MANIFEST_NAME ".damaged"
#define DAMAGED_MAX 99

// ---- one recording ---------------------------------------------------------------------------------------------

static int note_file(void *user, const struct dirent *entry)
{
        struct bc_ward *ward = user;
        struct bc_ward_found *tail = &ward->found[bc_tail_number(entry->d_name)];
        bool sealed = false;
        uint32_t number = bc_segment_number(entry->d_name, &sealed);
        struct stat status;

        if (sealed)
                ward->found[number].sealed = !ward->found[number].strange_sealed;
        else
                ward->found[number].file = !ward->found[number].strange_file;
        if (tail == ward->found || fstatat(ward->folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
                return 0;
        tail->tail = true;
        tail->tail_bytes += (uint64_t)status.st_size;
        return 0;
}

static int look_around(struct bc_ward *ward)
{
        for (uint32_t number = 1; number <= BC_SEGMENTS_MAX; number++)
                ward->found[number].tail_bytes = 0;
        return bc_folder_each(ward->folder_fd, note_file, ward);
}

static bool is_stopped(const atomic_bool *stop)
{
        return stop && atomic_load(stop);
}

static void note_failure(struct bc_ward *ward, uint32_t number, int error)
{
        ward->found[number].failed = error < 0;
        if (error < 0)
                bc_log_error("segment %u of %s could not be recovered: %s", number, ward->name, strerror(-error));
}

// First, for whether a segment is the last one hangs on it: nobody is to hide that others are gone by putting something else there.
static void pick_out_strangers(struct bc_ward *ward)
{
        for (uint32_t number = 1; number <= BC_SEGMENTS_MAX && !is_stopped(ward->stop); number++) {
                struct bc_ward_found *found = &ward->found[number];
                int file = found->file ? bc_patient_is_stranger(ward, number) : 0;
                int sealed = found->sealed ? bc_casket_is_stranger(ward, number) : 0;

                note_failure(ward, number, file < 0 ? file : sealed);
                found->strange_file = file > 0;
                found->file &= !found->strange_file;
                found->strange_sealed = sealed > 0;
                found->sealed &= !found->strange_sealed;
        }
}

static int recover_segments(struct bc_ward *ward)
{
        int r = look_around(ward);

        if (r < 0)
                return r;
        pick_out_strangers(ward);
        for (uint32_t number = 1; number <= BC_SEGMENTS_MAX; number++) {
                if ((!ward->found[number].file && !ward->found[number].sealed) || ward->found[number].failed)
                        continue;
                if (is_stopped(ward->stop))
                        return -ECANCELED;
                r = ward->found[number].file ? bc_patient_treat(ward, number) : bc_casket_treat(ward, number);
                if (r == -EINTR && is_stopped(ward->stop))
                        return -ECANCELED;
                note_failure(ward, number, r);
        }
        return 0;
}

// States follow from what lies in the folder, so that they are the same however often recovery was cut off.
static int settle_states(struct bc_ward *ward)
{
        int r = look_around(ward);

        for (uint32_t number = 1; r == 0 && number <= BC_SEGMENTS_MAX; number++) {
                const struct bc_ward_found *found = &ward->found[number];
                struct bc_manifest_segment *entry = bc_manifest_find_segment(&ward->manifest, number);

                if (found->left_alone || (!entry && !found->kept && !found->failed && !found->tail))
                        continue;
                entry = bc_manifest_add_segment(&ward->manifest, number);
                if (!entry)
                        return -ENOMEM;
                if (entry->tail_bytes < found->tail_bytes)
                        entry->tail_bytes = found->tail_bytes;
                if (found->kept || found->failed)
                        continue;
                bc_ward_note_missing(ward, entry, 0);
                entry->state = found->tail ? BC_SEGMENT_EMPTY : BC_SEGMENT_MISSING;
                entry->bytes = entry->fragments = 0;
                entry->end_ticks = entry->first_ticks;
        }
        return r;
}

static int set_aside_manifest(struct bc_ward *ward)
{
        char name[sizeof(DAMAGED_NAME) + 8] = DAMAGED_NAME;
        struct stat status;

        for (unsigned nth = 2; fstatat(ward->folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0; nth++) {
                if (nth > DAMAGED_MAX)
                        return -EEXIST;
                snprintf(name, sizeof(name), DAMAGED_NAME "-%u", nth);
        }
        bc_log_error("%s: " BC_MANIFEST_NAME " is damaged; it is kept as %s", ward->name, name);
        return renameat(ward->folder_fd, BC_MANIFEST_NAME, ward->folder_fd, name) < 0 ? -errno : 0;
}

static int load_manifest(struct bc_ward *ward, uint64_t counter)
{
        const char *dash = strrchr(ward->name, '-');
        int r = bc_manifest_load(&ward->manifest, ward->folder_fd);

        if (r == 0 && ward->manifest.counter == counter)
                return 0;
        if (r < 0 && r != -ENOENT && r != -EBADMSG)
                return r;
        bc_manifest_done(&ward->manifest);
        ward->manifest.counter = counter;
        // What it declared is lost: that is not the same as none.
        ward->manifest.gaps_unknown = ward->manifest.clock_unknown = ward->manifest.marks_unknown = true;
        snprintf(ward->manifest.device, sizeof(ward->manifest.device), "%.*s", (int)(dash - ward->name), ward->name);
        return r == -ENOENT ? 0 : set_aside_manifest(ward);
}

static int compare_segments(const void *a, const void *b)
{
        const struct bc_manifest_segment *left = a, *right = b;

        return (left->number > right->number) - (left->number < right->number);
}

static void conclude(struct bc_manifest *manifest)
{
        int64_t end_ticks = 0;

        for (size_t i = 0; i < manifest->segments; i++)
                if (manifest->segment[i].end_ticks > end_ticks)
                        end_ticks = manifest->segment[i].end_ticks;
        // A gap that lasted when the power went lasts to the end of what is there.
        for (enum bc_gap_kind kind = 0; kind < BC_GAP_KINDS; kind++)
                bc_manifest_end_gap(manifest, kind, end_ticks);
        if (manifest->state == BC_RECORDING_OPEN)
                manifest->state = BC_RECORDING_RECOVERED;
}

// Ends with a segment that says that another one follows, or there is none: the ledger is told that no other is there. *ret_told: it was.
static int break_off(struct bc_ward *ward, bool *ret_told)
{
        uint32_t last = BC_SEGMENTS_MAX, tail = 0;
        uint8_t sha256[BC_HASH_BYTES];
        uint64_t bytes = 0;
        int r = 0;

        *ret_told = false;
        while (last > 0 && !ward->found[last].file && !ward->found[last].sealed)
                last--;
        for (uint32_t number = BC_SEGMENTS_MAX; number > last; number--)
                if (ward->found[number].tail)
                        tail = number;
        if (tail > 0)
                r = bc_tail_sum(ward->folder_fd, tail, &bytes, sha256);
        if (r == 0 || r == -ENOENT)
                *ret_told = last == 0 ? bc_rescue_find_nothing(ward->rescue, bytes, sha256)
                                      : bc_rescue_break_off(ward->rescue, last, bytes, sha256);
        return r == -ENOENT ? 0 : r;
}

static bool is_ward_stopped(void *user)
{
        const struct bc_ward *ward = user;

        return is_stopped(ward->stop);
}

// A list that an earlier start made, and could not sign any more, is made anew.
static int begin_anew(struct bc_ward *ward)
{
        free(ward->manifest.file);
        ward->manifest.file = NULL;
        ward->manifest.files = 0;
        ward->manifest.final = ward->manifest.read_back = false;
        return bc_inventory_withdraw(ward->folder_fd);
}

// What the manifest says beside its list of files was read from the store, where anybody may have edited it.
static int finish_manifest(struct bc_ward *ward, const struct bc_inventory_kit *kit)
{
        if (!kit)
                return 0;
        ward->manifest.read_back = true;
        return bc_inventory_finish(kit, ward->folder_fd, &ward->manifest, is_ward_stopped, ward);
}

// What could be done is in the manifest even when something else failed; the recording then stays open.
static int complete_manifest(struct bc_ward *ward, const struct bc_inventory_kit *kit, bool failed)
{
        int r;

        if (ward->manifest.segments > 1)
                qsort(ward->manifest.segment, ward->manifest.segments, sizeof(*ward->manifest.segment),
                      compare_segments);
        if (!failed)
                conclude(&ward->manifest);
        r = bc_manifest_save(&ward->manifest, ward->folder_fd);
        return r < 0 || failed ? r : finish_manifest(ward, kit);
}

static int recover_folder(struct bc_ward *ward, uint64_t counter)
{
        const struct bc_inventory_kit *kit = ward->rescue ? ward->rescue->kit->inventory : NULL;
        enum bc_inventory_found found = BC_INVENTORY_NONE;
        bool failed = false, told = false, alone;
        int r = kit ? bc_inventory_look(kit, ward->folder_fd, counter, &found) : 0;

        if (r < 0 || found == BC_INVENTORY_DONE)
                return r; // done: the power went before its number left the list
        // Neither is a former key's signature taken away, nor hidden what somebody put there.
        alone = found == BC_INVENTORY_ANOTHERS;
        if (alone) {
                bc_log_error("%s: " BC_MANIFEST_SIGNATURE_NAME " is not this device's over " BC_MANIFEST_NAME ": both are left alone",
                             ward->name);
                bc_rescue_give_up(ward->rescue, "manifest.sig is another key's, or of something else");
        }
        r = load_manifest(ward, counter);
        if (r == 0 && !alone)
                r = begin_anew(ward);
        if (r == 0)
                r = recover_segments(ward);
        if (r == 0)
                r = settle_states(ward);
        if (r < 0)
                return r;
        for (uint32_t number = 1; number <= BC_SEGMENTS_MAX; number++)
                failed |= ward->found[number].failed;
        if (!alone)
                r = complete_manifest(ward, kit, failed);
        if (r == 0 && failed)
                r = -EIO;
        if (r == 0 && ward->rescue)
                r = break_off(ward, &told);
        // That nothing lies behind a sealed segment is in no file: only that the ledger names no later one says so.
        told |= ward->manifest.sealed && ward->rescue && ward->rescue->told;
        return r < 0 ? r : told ? -EINPROGRESS : 0;
}

// ---- the store -------------------------------------------------------------------------------------------------

// A recording begun under another device id keeps its name: PREFIX-COUNTER.
static bool is_name_of(const char *name, const char *counter_text)
{
        const char *dash = strrchr(name, '-');
        size_t n = dash ? (size_t)(dash - name) : 0;

        if (n == 0 || n > BC_DEVICE_ID_BYTES_MAX || strcmp(dash + 1, counter_text) != 0)
                return false;
        while (n-- > 0)
                if (!isascii(name[n]) || (!isalnum(name[n]) && name[n] != '-' && name[n] != '_'))
                        return false;
        return true;
}

struct search {
        char counter[24]; // as it stands in a name
        char *ret_name;
};

static int compare_name(void *user, const struct dirent *entry)
{
        const struct search *search = user;

        if (!is_name_of(entry->d_name, search->counter))
                return 0;
        snprintf(search->ret_name, BC_RECORDING_NAME_BYTES_MAX, "%.*s", BC_RECORDING_NAME_BYTES_MAX - 1, entry->d_name);
        return 1;
}

// -ENOENT: the power went between the number and the folder.
static int find_name(struct bc_store *store, uint64_t counter, char ret_name[BC_RECORDING_NAME_BYTES_MAX])
{
        struct search search = { .ret_name = ret_name };
        struct stat status;
        int r;

        bc_store_name(store, counter, ret_name);
        if (fstatat(bc_store_recordings_fd(store), ret_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
                return 0;
        snprintf(search.counter, sizeof(search.counter), "%06llu", (unsigned long long)counter);
        r = bc_folder_each(bc_store_recordings_fd(store), compare_name, &search);
        return r < 0 ? r : r == 0 ? -ENOENT : 0;
}

static void free_rescue(struct bc_rescue **rescue)
{
        if (!*rescue)
                return;
        bc_past_done(&(*rescue)->past);
        bc_signer_abandon((*rescue)->kit->service->signer, (*rescue)->signing);
        free(*rescue);
}

static void free_ward(struct bc_ward *ward)
{
        bc_manifest_done(&ward->manifest);
        bc_cleanup_fd(&ward->folder_fd);
        free(ward->found);
        free_rescue(&ward->rescue);
}

static int make_rescue(struct bc_store *store, const struct bc_rescue_kit *kit, uint64_t counter, struct bc_rescue **ret_rescue)
{
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        struct bc_rescue *rescue;

        if (!kit)
                return 0;
        rescue = *ret_rescue = calloc(1, sizeof(*rescue));
        if (!rescue)
                return -ENOMEM;
        rescue->kit = kit;
        rescue->recording = counter;
        folder_fd = openat(bc_store_fd(store), BC_LEDGER_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (folder_fd < 0)
                return errno == ENOENT ? 0 : -errno;
        return bc_past_read(folder_fd, &kit->public_key, kit->head, counter, &rescue->past);
}

// A file that names a later recording, which anybody may have made it do, does not hide what the TPM knows of this one.
static struct bc_rescue_kit kit_for(const struct bc_rescue_kit *kit, uint64_t counter)
{
        struct bc_rescue_kit own = *kit;

        if (kit->other.medium == BC_ANCHOR_TPM && kit->other.recording == counter && kit->anchor.recording > counter)
                own.anchor = kit->other;
        return own;
}

static int recover_named(struct bc_store *store, uint64_t counter, const char *name, const struct bc_rescue_kit *kit,
                         const atomic_bool *stop, struct bc_recovery_report *report)
{
        BC_CLEANUP(free_ward) struct bc_ward ward = { .name = name, .folder_fd = -1, .report = report, .stop = stop };
        int r;

        bc_manifest_init(&ward.manifest);
        ward.found = calloc(BC_SEGMENTS_MAX + 1, sizeof(*ward.found));
        if (!ward.found)
                return -ENOMEM;
        r = make_rescue(store, kit, counter, &ward.rescue);
        if (r < 0)
                return r;
        if (ward.rescue)
                ward.rescue->stop = stop;
        ward.folder_fd = openat(bc_store_recordings_fd(store), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return ward.folder_fd < 0 ? -errno : recover_folder(&ward, counter);
}

// The power went between number and folder, or somebody took it away.
static int recover_nowhere(struct bc_store *store, uint64_t counter, const struct bc_rescue_kit *kit)
{
        BC_CLEANUP(free_rescue) struct bc_rescue *rescue = NULL;
        int r = make_rescue(store, kit, counter, &rescue);

        return r < 0 ? r : rescue && bc_rescue_find_nothing(rescue, 0, NULL) ? -EINPROGRESS : 0;
}

static int try_recording(struct bc_store *store, uint64_t counter, const struct bc_rescue_kit *given, const atomic_bool *stop,
                         struct bc_recovery_report *report, bool again)
{
        const struct bc_rescue_kit own = given ? kit_for(given, counter) : (struct bc_rescue_kit){ 0 }, *kit = given ? &own : NULL;
        char name[BC_RECORDING_NAME_BYTES_MAX];
        unsigned segments = report->segments;
        int r = find_name(store, counter, name);
        bool there = r != -ENOENT;

        if (r == 0)
                r = recover_named(store, counter, name, kit, stop, report);
        else if (!there)
                r = recover_nowhere(store, counter, kit);
        if (r == 0)
                r = bc_store_close(store, counter);
        report->recordings++;
        if (r == -EINPROGRESS) {
                report->waiting++;
                bc_log_notice("recording %s was cut off: it leaves the list of open ones once the ledger says how", name);
        } else if (r == -ECANCELED) {
                bc_log_notice("recording %s: recovery is stopped; the next start goes on with it", name);
        } else if (r < 0) {
                report->failed++;
                bc_log_error("recording %s could not be recovered: %s; it is tried again%s", name, strerror(-r),
                             again ? " at the next start" : "");
        } else if (there) {
                bc_log_notice("recording %s was not closed: %u segments recovered", name, report->segments - segments);
        }
        return r;
}

// A call that fails once must not cost the proof of the end: by the next start the anchor is of a later recording.
static int recover_recording(struct bc_store *store, uint64_t counter, const struct bc_rescue_kit *kit, const atomic_bool *stop,
                             struct bc_recovery_report *report)
{
        const unsigned failed = report->failed;
        int r = try_recording(store, counter, kit, stop, report, false);

        if (report->failed == failed || is_stopped(stop))
                return r;
        report->failed--;
        report->recordings--;
        report->repeated++;
        return try_recording(store, counter, kit, stop, report, true);
}

static void take_found(struct bc_rescue_kit *kit, const struct bc_ledger_found *found)
{
        kit->anchor = found->anchor;
        kit->other = found->other;
        memcpy(kit->head, found->head.hash, BC_HASH_BYTES);
}

// What is stated of a recording depends on the anchor, which a failing medium may keep back for a while.
static bool await_ledger(struct bc_rescue_kit *kit, const atomic_bool *stop)
{
        struct bc_ledger *ledger = kit->service->ledger;
        struct bc_signer *signer = kit->service->signer;
        int64_t until_ns = bc_signer_now_ns(signer) + BC_LEDGER_PATIENCE_NS + 2 * BC_LEDGER_RETRY_NS;
        struct bc_ledger_found found;

        while (!is_stopped(stop) && bc_signer_now_ns(signer) < until_ns)
                if (bc_ledger_await(ledger, bc_signer_now_ns(signer) + BC_LEDGER_RETRY_NS, &found) == 0) {
                        take_found(kit, &found);
                        return true;
                }
        return false;
}

static bool is_listed(struct bc_store *store, uint64_t counter)
{
        for (size_t i = 0; i < bc_store_left_open_count(store); i++)
                if (bc_store_left_open_at(store, i) == counter)
                        return true;
        return false;
}

// Recovery begins with the first segment, and the power may go before it comes to the last.
static bool was_recovered(const struct bc_past *past, uint32_t segment)
{
        for (size_t i = 0; i < past->recoveries; i++)
                if (past->recovery[i].segment >= segment)
                        return true;
        return false;
}

// EVIDENCE 8: counter.json lies on the card, where anybody may take a number out of it. The recording that the tail anchor knows, and that
// the ledger does not call ended, is looked at all the same.
static void recover_known(struct bc_store *store, const struct bc_rescue_kit *kit, const struct bc_anchor_state *anchor,
                          const atomic_bool *stop, struct bc_recovery_report *report)
{
        const uint64_t counter = anchor->recording;
        BC_CLEANUP(free_rescue) struct bc_rescue *rescue = NULL;
        char name[BC_RECORDING_NAME_BYTES_MAX];
        bool ended = false;
        int r;

        if (counter == 0 || is_listed(store, counter))
                return;
        r = make_rescue(store, kit, counter, &rescue);
        // Of one that neither ledger nor card has heard of it is another card that the anchor knows it of.
        if (rescue)
                ended = rescue->past.closed || was_recovered(&rescue->past, anchor->segment) ||
                        (!rescue->past.begun && find_name(store, counter, name) == -ENOENT);
        if (r < 0) {
                report->recordings++;
                report->failed++;
                bc_log_error("whether recording %llu, which the anchor knows, has ended cannot be seen: %s",
                             (unsigned long long)counter, strerror(-r));
                return;
        }
        if (!ended)
                (void)recover_recording(store, counter, kit, stop, report); // has said what is wrong
}

static void recover_anchored(struct bc_store *store, const struct bc_rescue_kit *given, const atomic_bool *stop,
                             struct bc_recovery_report *report)
{
        struct bc_rescue_kit kit = *given;
        struct bc_ledger_found found;

        // Nobody waits for a ledger that is not open yet: the next start looks.
        if (!kit.service->ledger || bc_ledger_await(kit.service->ledger, bc_signer_now_ns(kit.service->signer), &found) < 0)
                return;
        take_found(&kit, &found);
        if (kit.other.medium == BC_ANCHOR_TPM && kit.other.recording < kit.anchor.recording)
                recover_known(store, &kit, &kit.other, stop, report);
        recover_known(store, &kit, &kit.anchor, stop, report);
}

int bc_recovery_run(struct bc_store *store, const struct bc_rescue_kit *given, const atomic_bool *stop,
                    struct bc_recovery_report *ret_report)
{
        struct bc_recovery_report report = { 0 };
        const struct bc_rescue_kit *kit = given;
        struct bc_rescue_kit settled;
        size_t failed = 0;

        if (given && given->service->ledger && bc_store_left_open_count(store) > 0) {
                settled = *given;
                kit = &settled;
                // Without it nothing can be stated for good: the list is left to the next start.
                if (!await_ledger(&settled, stop)) {
                        report.stopped = true;
                        *ret_report = report;
                        return 0;
                }
        }
        // A recovered one leaves the list, a failed one stays.
        while (bc_store_left_open_count(store) > failed && !is_stopped(stop))
                if (recover_recording(store, bc_store_left_open_at(store, failed), kit, stop, &report) < 0)
                        failed++;
        report.stopped = bc_store_left_open_count(store) > report.failed + report.waiting;
        if (given && !report.stopped)
                recover_anchored(store, given, stop, &report);
        *ret_report = report;
        return 0;
}
