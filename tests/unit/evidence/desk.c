// SPDX-License-Identifier: EUPL-1.2
#include "desk.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/cbor.h"
#include "lib/wrapped.h"
#include "witness.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

struct desk_card desk_card = { .mutex = PTHREAD_MUTEX_INITIALIZER };

// ---- the card, and the anchor's medium -------------------------------------------------------------------------

static enum what { NOTHING, LEDGER_FILE, LEDGER_FOLDER, ANCHOR } what_is(int fd)
{
        char link[32], path[256];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = 0;
        if (strstr(path, ".ledger"))
                return LEDGER_FILE;
        if (n > 7 && !strcmp(path + n - 7, "/ledger"))
                return LEDGER_FOLDER;
        return strstr(path, "/anchor") ? ANCHOR : NOTHING;
}

static bool strikes(enum what what)
{
        bool strikes = false;

        if (what == ANCHOR) {
                errno = EIO;
                return desk_card.anchor_fails;
        }
        if (what == NOTHING)
                return false;
        desk_card.calls++;
        if (desk_card.every > 0 && desk_card.failures > 0 && desk_card.calls >= desk_card.from)
                strikes = desk_card.seed ? notary_random(&desk_card.seed) % desk_card.every == 0 : (desk_card.calls - desk_card.from) % desk_card.every == 0;
        desk_card.struck += strikes;
        desk_card.failures -= strikes;
        errno = EIO;
        return strikes;
}

static ino_t inode_of(int fd)
{
        struct stat status;

        assert_int_equal(fstat(fd, &status), 0);
        return status.st_ino;
}

static void durable(const uint8_t *hash)
{
        assert_true(desk_card.durables < DESK_RECORDS_MAX);
        memcpy(desk_card.durable[desk_card.durables++], hash, BC_HASH_BYTES);
}

int __wrap_fdatasync(int fd)
{
        enum what what = desk_card.watched ? what_is(fd) : NOTHING;
        int r = 0;

        pthread_mutex_lock(&desk_card.mutex);
        if (strikes(what))
                r = -1;
        else if (what == LEDGER_FILE && desk_card.is_pending) {
                memcpy(desk_card.synced, desk_card.pending, BC_HASH_BYTES);
                desk_card.is_synced = true;
                if (!desk_card.is_new)
                        durable(desk_card.synced);
        }
        if (r < 0 && what == LEDGER_FILE)
                desk_card.spoilt = inode_of(fd);
        if (what == LEDGER_FILE)
                desk_card.is_pending = false;
        pthread_mutex_unlock(&desk_card.mutex);
        return r < 0 ? r : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        enum what what = desk_card.watched ? what_is(fd) : NOTHING;
        int r;

        pthread_mutex_lock(&desk_card.mutex);
        r = strikes(what) ? -1 : 0;
        if (r == 0 && what == LEDGER_FOLDER && desk_card.is_synced) {
                desk_card.is_new = false;
                durable(desk_card.synced);
        }
        pthread_mutex_unlock(&desk_card.mutex);
        return r < 0 ? r : __real_fsync(fd);
}

// What the anchor says is durable, or nothing is known of it.
static void check_anchor(const uint8_t *slot)
{
        static const uint8_t zeros[8];

        // From before the first record: the ledger's epoch, and no number.
        if (memcmp(slot + 16, zeros, 8) != 0 && !memcmp(slot + 24, zeros, 8))
                return;
        desk_card.anchors++;
        if (!memcmp(slot + 16, zeros, 8))
                return;
        for (size_t i = 0; i < desk_card.durables; i++)
                if (!memcmp(desk_card.durable[i], slot + 32, BC_HASH_BYTES))
                        return;
        fail_msg("the anchor is ahead of the card");
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        enum what what = desk_card.watched ? what_is(fd) : NOTHING;
        bool strike;

        pthread_mutex_lock(&desk_card.mutex);
        if (what == LEDGER_FILE) {
                assert_true(inode_of(fd) != desk_card.spoilt);
                desk_card.is_new |= offset == 0;
                assert_int_equal(EVP_Digest(bytes, size, desk_card.pending, NULL, EVP_sha256(), NULL), 1);
                desk_card.is_pending = true;
                desk_card.is_synced = false;
        }
        if (what == ANCHOR && size == BC_ANCHOR_SLOT_BYTES)
                check_anchor(bytes);
        strike = strikes(what);
        pthread_mutex_unlock(&desk_card.mutex);
        if (!strike)
                return __real_pwrite(fd, bytes, size, offset);
        if (desk_card.calls % 3)
                (void)!__real_pwrite(fd, bytes, desk_card.calls % 3 == 1 ? size / 2 : size, offset);
        errno = EIO;
        return -1;
}

static void desk_card_is_new(void)
{
        desk_card.watched = desk_card.anchor_fails = desk_card.is_pending = desk_card.is_synced = false;
        desk_card.calls = desk_card.every = desk_card.failures = desk_card.struck = desk_card.anchors = 0;
        desk_card.is_new = false;
        desk_card.spoilt = 0;
        desk_card.from = 1;
        desk_card.seed = 0;
        desk_card.durables = 0;
}

// ---- a desk ----------------------------------------------------------------------------------------------------

struct notary desk_notary;

void desk_make(struct desk *desk)
{
        *desk = (struct desk){ .base_ns = 100 * S, .folder_fd = -1 };
        folder_make(desk->path);
        snprintf(desk->anchor, sizeof(desk->anchor), "%s/anchor", desk->path);
        desk->store_fd = folder_open(desk->path);
        desk_card_is_new();
}

static void on_found(void *user, const struct bc_ledger_found *found)
{
        struct desk *desk = user;

        desk->found = *found;
        desk->finds++;
}

static void on_trouble(void *user, bool trouble)
{
        struct desk *desk = user;

        desk->troubles += trouble;
        desk->troubled = trouble;
}

static int go(struct desk *desk, const struct notary_temper *temper, char *text, size_t text_bytes)
{
        const struct bc_ledger_config config = { .store_fd = desk->store_fd, .anchor_path = desk->anchor, .owner = notary_owner(&desk_notary),
                                                 .on_found = on_found, .on_trouble = on_trouble, .user = desk };
        const struct bc_ledger_start start = { .boot_id = { 1 }, .percent = 50 };
        const struct notary_temper quick = { .pace_ns = 0 };
        struct bc_ledger_found found;

        desk->finds = desk->troubles = 0;
        desk->troubled = false;
        assert_int_equal(bc_ledger_new(&config, &desk->ledger), 0);
        assert_int_equal(bc_clock_new_simulated(desk->base_ns, &desk->clock), 0);
        notary_set(&desk_notary, temper ? temper : &quick);
        notary_open(&desk_notary, desk->clock, 0, 0);
        assert_int_equal(bc_ledger_start(desk->ledger, desk->clock, desk_notary.signer, &desk_notary.facts, &start), 0);
        return bc_ledger_await_look(desk->ledger, 60 * S, text, text_bytes, &found);
}

static void open_folder(struct desk *desk)
{
        if (desk->folder_fd < 0)
                desk->folder_fd = openat(desk->store_fd, "ledger", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int desk_try(struct desk *desk, char *text, size_t text_bytes)
{
        return go(desk, NULL, text, text_bytes);
}

void desk_look(struct desk *desk)
{
        const struct bc_ledger_owner device = notary_owner(&desk_notary);
        struct bc_standing standing;
        char text[256];

        bc_standing_init(&standing);
        assert_int_equal(bc_standing_look(&standing, desk->store_fd, desk->anchor, &device, true, text, sizeof(text)), 0);
        desk->found = standing.found;
        bc_standing_done(&standing);
        open_folder(desk);
        assert_true(desk->folder_fd >= 0);
}

void desk_start(struct desk *desk, const struct notary_temper *temper)
{
        char text[400];

        assert_int_equal(go(desk, temper, text, sizeof(text)), 0);
        open_folder(desk);
        assert_true(desk->folder_fd >= 0);
}

void desk_start_unwritable(struct desk *desk)
{
        desk_card.watched = true;
        desk_start(desk, NULL);
        desk_stop(desk, true);
        desk_card.anchor_fails = true;
        desk_card.every = 1;
        desk_card.failures = 1000000;
        desk_start(desk, NULL);
}

void desk_run(struct desk *desk, int64_t until_ns)
{
        bc_clock_run_until(desk->clock, until_ns);
        desk->base_ns = until_ns;
}

void desk_stop(struct desk *desk, bool in_order)
{
        bc_clock_enter(desk->clock);
        bc_clock_release(desk->clock, BC_NS_NEVER);
        bc_ledger_free(desk->ledger, "shutdown", in_order ? 20 * S : 0);
        bc_signer_free(desk_notary.signer);
        desk_notary.signer = NULL;
        desk->base_ns = bc_clock_now_ns(desk->clock);
        bc_clock_leave(desk->clock);
        bc_facts_done(&desk_notary.facts);
        bc_clock_free(desk->clock);
        desk->ledger = NULL;
        open_folder(desk);
}

void desk_done(struct desk *desk)
{
        desk_card.watched = false;
        close(desk->folder_fd);
        close(desk->store_fd);
        folder_remove(desk->path);
}

void desk_tell(struct desk *desk, unsigned number, bool at_once)
{
        struct bc_ledger_entry entry;
        char text[65];

        snprintf(text, sizeof(text), "%060u", number);
        if (number % 3 == 0)
                bc_entry_alarm(&entry, bc_clock_now_ns(desk->clock), text);
        else
                bc_entry_state(&entry, bc_clock_now_ns(desk->clock), text, "to", "what", "by");
        bc_ledger_tell(desk->ledger, &entry, at_once);
}

// ---- a reader --------------------------------------------------------------------------------------------------

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_ledger(const struct dirent *entry)
{
        size_t n = strlen(entry->d_name);

        return n > 7 && strcmp(entry->d_name + n - 7, ".ledger") == 0;
}

static void add_record(struct archive *archive, const struct bc_record *record, const uint8_t *box, size_t n, const char *file, size_t end)
{
        size_t at = archive->records;
        uint8_t hash[BC_HASH_BYTES];

        assert_int_equal(bc_facts_hash(box, n, hash), 0);
        assert_int_equal(record->kind, BC_RECORD_LEDGER);
        assert_string_equal(record->device, NOTARY_DEVICE);
        for (size_t i = 0; i < at; i++)
                if (archive->record[i].epoch == record->epoch && archive->record[i].sequence == record->ledger) {
                        if (memcmp(archive->record[i].hash, hash, BC_HASH_BYTES) != 0)
                                fail_msg("a fork at %llu", (unsigned long long)record->ledger);
                        return; // the same bytes again
                }
        if (at > 0) {
                const bool anew = record->epoch > archive->record[at - 1].epoch;

                assert_true(record->epoch >= archive->record[at - 1].epoch);
                assert_int_equal(record->ledger, anew ? 1 : archive->record[at - 1].sequence + 1);
                assert_true(record->boot >= archive->record[at - 1].boot);
                assert_memory_equal(record->prev, archive->record[at - 1].hash, BC_HASH_BYTES);
        }
        assert_true(at < DESK_RECORDS_MAX);
        archive->record[at].epoch = record->epoch;
        archive->record[at].sequence = record->ledger;
        archive->record[at].boot = record->boot;
        archive->record[at].signed_ns = record->signed_ns;
        archive->record[at].file_end = end;
        snprintf(archive->record[at].file, sizeof(archive->record[at].file), "%.60s", file);
        memcpy(archive->record[at].hash, hash, BC_HASH_BYTES);
        archive->records++;
        archive->event = reallocarray(archive->event, archive->events + record->events + 1, sizeof(*archive->event));
        assert_non_null(archive->event);
        for (size_t i = 0; i < record->events; i++) {
                const struct bc_record_event *event = &record->event[i];
                size_t e = archive->events++;

                archive->event[e].epoch = record->epoch;
                archive->event[e].boot = record->boot;
                archive->event[e].sequence = record->ledger;
                archive->event[e].kind = event->event;
                archive->event[e].time_ns = event->time_ns;
                assert_true(event->details.n <= BC_ENTRY_DETAILS_BYTES);
                memcpy(archive->event[e].details, event->details.bytes, event->details.n);
                archive->event[e].n = event->details.n;
        }
}

struct archive *archive_read(const struct desk *desk)
{
        struct archive *archive = calloc(1, sizeof(*archive));
        struct bc_record_message *message = malloc(sizeof(*message));
        struct bc_record *record = malloc(sizeof(*record));
        struct dirent **entry;
        char path[64];
        int n;

        assert_true(archive && message && record);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", desk->folder_fd);
        n = scandir(path, &entry, is_ledger, by_name);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
                size_t size, at = 0;
                char *bytes = folder_read(desk->folder_fd, entry[i]->d_name, &size);

                archive->files++;
                while (at < size) {
                        const uint8_t *box = (const uint8_t *)bytes + at;
                        struct bc_box header;

                        if (bc_box_parse(box, size - at, size - at, &header) < 0 ||
                            bc_record_parse(box, (size_t)header.bytes, record, message, NULL, 0, NULL) < 0)
                                break;
                        assert_true(witness_recognises(&desk_notary, record, message));
                        add_record(archive, record, box, (size_t)header.bytes, entry[i]->d_name, at + (size_t)header.bytes);
                        at += (size_t)header.bytes;
                }
                archive->torn += at < size;
                free(bytes);
                free(entry[i]);
        }
        free(entry);
        free(message);
        free(record);
        return archive;
}

void archive_free(struct archive *archive)
{
        free(archive->event);
        free(archive);
}

int64_t archive_number(const uint8_t *details, size_t n, int64_t wanted)
{
        struct bc_cbor_reader reader = bc_cbor_reader_on(details, n);
        int64_t key, number = BC_RECORD_UNKNOWN;

        bc_cbor_enter_map(&reader);
        while (bc_cbor_get_key(&reader, &key)) {
                struct bc_cbor_item item = bc_cbor_get_plain(&reader);

                if (key == wanted && item.type != BC_CBOR_NULL)
                        number = item.number;
        }
        assert_true(bc_cbor_end(&reader));
        return number;
}

unsigned archive_count(const struct archive *archive, uint32_t kind)
{
        unsigned n = 0;

        for (size_t i = 0; i < archive->events; i++)
                n += archive->event[i].kind == kind;
        return n;
}

// What was told, one by one and in the order in which it was; with what was only counted it is all.
void archive_check_told(const struct archive *archive, unsigned told)
{
        char last[65] = "";
        uint64_t seen = 0, counted = 0;

        for (size_t i = 0; i < archive->events; i++) {
                uint32_t kind = archive->event[i].kind;

                if (kind == BC_ENTRY_FLOOD)
                        counted += (uint64_t)archive_number(archive->event[i].details, archive->event[i].n, 2);
                if ((kind != BC_ENTRY_ALARM && kind != BC_ENTRY_STATE) || archive->event[i].n < 64)
                        continue; // the ledger has its own to say
                seen++;
                // The text is the first one of both: map, key, head of two bytes.
                assert_true(memcmp(archive->event[i].details + 4, last, 60) > 0);
                memcpy(last, archive->event[i].details + 4, 60);
        }
        if (seen + counted != told)
                fail_msg("%u were told, %u are there and %u counted", told, (unsigned)seen, (unsigned)counted);
}

void desk_keep_only(const struct desk *desk, const char *name)
{
        struct dirent **entry;
        char path[64];
        int n;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", desk->folder_fd);
        n = scandir(path, &entry, is_ledger, by_name);
        assert_true(n >= 0);
        while (n-- > 0) {
                if (strcmp(entry[n]->d_name, name) != 0)
                        assert_int_equal(unlinkat(desk->folder_fd, entry[n]->d_name, 0), 0);
                free(entry[n]);
        }
        free(entry);
}

int desk_make_notary(void **state)
{
        (void)state;
        notary_make(&desk_notary);
        return 0;
}

int desk_forget_notary(void **state)
{
        (void)state;
        notary_done(&desk_notary);
        return 0;
}
