// SPDX-License-Identifier: EUPL-1.2
// The ledger on a simulated clock: nothing is lost without a count, the chain never forks, whatever the card does and wherever it is
// cut; what was put back or taken away is said (docs/formats/ledger.md). Files are judged by a small reader of its own.
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

#include "evidence/ledger.h"
#include "format/cbor.h"
#include "folder.h"
#include "notary.h"
#include "specimen.h"
#include "witness.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS
#define HASHES_MAX 3000

// ---- the card, and the anchor's medium -------------------------------------------------------------------------

static struct {
        pthread_mutex_t mutex;
        bool watched, anchor_fails;
        unsigned calls, from, every, failures, struck; // of the ledger's files
        uint32_t seed;
        uint8_t pending[BC_HASH_BYTES], synced[BC_HASH_BYTES]; // the box written, and synced in a file whose name may not be durable
        bool is_pending, is_synced;
        uint8_t durable[HASHES_MAX][BC_HASH_BYTES];
        size_t durables;
        unsigned anchors;
} card = { .mutex = PTHREAD_MUTEX_INITIALIZER };

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);

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
                return card.anchor_fails;
        }
        if (what == NOTHING)
                return false;
        card.calls++;
        if (card.every > 0 && card.failures > 0 && card.calls >= card.from)
                strikes = card.seed ? notary_random(&card.seed) % card.every == 0 : (card.calls - card.from) % card.every == 0;
        card.struck += strikes;
        card.failures -= strikes;
        errno = EIO;
        return strikes;
}

static void durable(const uint8_t *hash)
{
        assert_true(card.durables < HASHES_MAX);
        memcpy(card.durable[card.durables++], hash, BC_HASH_BYTES);
}

int __wrap_fdatasync(int fd)
{
        enum what what = card.watched ? what_is(fd) : NOTHING;
        int r = 0;

        pthread_mutex_lock(&card.mutex);
        if (strikes(what))
                r = -1;
        else if (what == LEDGER_FILE && card.is_pending) {
                memcpy(card.synced, card.pending, BC_HASH_BYTES);
                card.is_synced = true;
        }
        if (what == LEDGER_FILE)
                card.is_pending = false;
        pthread_mutex_unlock(&card.mutex);
        return r < 0 ? r : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        enum what what = card.watched ? what_is(fd) : NOTHING;
        int r;

        pthread_mutex_lock(&card.mutex);
        r = strikes(what) ? -1 : 0;
        if (r == 0 && what == LEDGER_FOLDER && card.is_synced)
                durable(card.synced);
        pthread_mutex_unlock(&card.mutex);
        return r < 0 ? r : __real_fsync(fd);
}

// What the anchor says is durable, or nothing is known of it.
static void check_anchor(const uint8_t *slot)
{
        static const uint8_t zeros[8];

        card.anchors++;
        if (!memcmp(slot + 16, zeros, 8))
                return;
        for (size_t i = 0; i < card.durables; i++)
                if (!memcmp(card.durable[i], slot + 32, BC_HASH_BYTES))
                        return;
        fail_msg("the anchor is ahead of the card");
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        enum what what = card.watched ? what_is(fd) : NOTHING;
        bool strike;

        pthread_mutex_lock(&card.mutex);
        if (what == LEDGER_FILE) {
                // A file that goes on has a durable name already.
                if (offset > 0 && card.is_synced)
                        durable(card.synced);
                assert_int_equal(EVP_Digest(bytes, size, card.pending, NULL, EVP_sha256(), NULL), 1);
                card.is_pending = true;
                card.is_synced = false;
        }
        if (what == ANCHOR && card.is_synced)
                durable(card.synced); // judged where it is a file that goes on; of a new one the folder's sync came before
        if (what == ANCHOR && size == BC_ANCHOR_SLOT_BYTES)
                check_anchor(bytes);
        strike = strikes(what);
        pthread_mutex_unlock(&card.mutex);
        if (!strike)
                return __real_pwrite(fd, bytes, size, offset);
        if (card.calls % 3)
                (void)!__real_pwrite(fd, bytes, card.calls % 3 == 1 ? size / 2 : size, offset);
        errno = EIO;
        return -1;
}

static void card_is_new(void)
{
        card.watched = card.anchor_fails = card.is_pending = card.is_synced = false;
        card.calls = card.every = card.failures = card.struck = card.anchors = 0;
        card.from = 1;
        card.seed = 0;
        card.durables = 0;
}

// ---- a desk ----------------------------------------------------------------------------------------------------

static struct notary notary;

struct desk {
        char path[FOLDER_PATH_BYTES], anchor[FOLDER_PATH_BYTES + 16];
        int store_fd, folder_fd;
        struct bc_clock *clock;
        struct bc_ledger *ledger;
        struct bc_ledger_found found;
        int64_t base_ns;
};

static void desk_make(struct desk *desk)
{
        *desk = (struct desk){ .base_ns = 100 * S, .folder_fd = -1 };
        folder_make(desk->path);
        snprintf(desk->anchor, sizeof(desk->anchor), "%s/anchor", desk->path);
        desk->store_fd = folder_open(desk->path);
        card_is_new();
}

static void desk_look(struct desk *desk)
{
        char text[256];

        assert_int_equal(bc_ledger_open(desk->store_fd, desk->anchor, text, sizeof(text), &desk->ledger, &desk->found), 0);
        if (desk->folder_fd < 0)
                desk->folder_fd = openat(desk->store_fd, "ledger", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(desk->folder_fd >= 0);
}

static void desk_start(struct desk *desk, const struct notary_temper *temper)
{
        static const uint8_t boot_id[BC_BOOT_ID_BYTES] = { 1 };
        const struct notary_temper quick = { .pace_ns = 0 };
        const struct bc_ledger_found *found = &desk->found;
        struct bc_ledger_entry entry;

        desk_look(desk);
        assert_int_equal(bc_clock_new_simulated(desk->base_ns, &desk->clock), 0);
        notary_set(&notary, temper ? temper : &quick);
        notary_open(&notary, desk->clock, found->epoch, found->boot);
        assert_int_equal(bc_ledger_start(desk->ledger, desk->clock, notary.signer, &notary.facts), 0);
        if (found->rolled_back) {
                bc_entry_rollback(&entry, desk->base_ns, found->head.sequence, found->head.epoch ? found->head.hash : NULL,
                                  found->anchor.sequence, found->anchor.epoch ? found->anchor.hash : NULL);
                bc_ledger_tell(desk->ledger, &entry, false);
        }
        bc_entry_start(&entry, desk->base_ns, found->clean, 0, boot_id, found->last_ns, 50);
        bc_ledger_tell(desk->ledger, &entry, true);
}

static void desk_run(struct desk *desk, int64_t until_ns)
{
        bc_clock_run_until(desk->clock, until_ns);
        desk->base_ns = until_ns;
}

static void desk_stop(struct desk *desk, bool in_order)
{
        bc_clock_enter(desk->clock);
        bc_clock_release(desk->clock, BC_NS_NEVER);
        bc_ledger_free(desk->ledger, "shutdown", in_order ? 20 * S : 0);
        bc_signer_free(notary.signer);
        notary.signer = NULL;
        desk->base_ns = bc_clock_now_ns(desk->clock);
        bc_clock_leave(desk->clock);
        bc_facts_done(&notary.facts);
        bc_clock_free(desk->clock);
        desk->ledger = NULL;
}

static void desk_done(struct desk *desk)
{
        card.watched = false;
        close(desk->folder_fd);
        close(desk->store_fd);
        folder_remove(desk->path);
}

static void tell(struct desk *desk, unsigned number, bool at_once)
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

struct archive {
        struct {
                uint64_t epoch, boot, sequence;
                uint32_t kind;
                int64_t time_ns;
                uint8_t details[BC_ENTRY_DETAILS_BYTES];
                size_t n;
        } *event;
        size_t events;
        struct {
                uint64_t epoch, sequence, boot;
                uint8_t hash[BC_HASH_BYTES];
                int64_t signed_ns;
                size_t file_end; // in its file, which is
                char file[64];
        } record[HASHES_MAX];
        size_t records, files, torn;
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_ledger(const struct dirent *entry)
{
        return strstr(entry->d_name, ".ledger") != NULL;
}

static void add_record(struct archive *archive, const struct bc_record *record, const uint8_t *box, size_t n, const char *file, size_t end)
{
        size_t at = archive->records;
        uint8_t hash[BC_HASH_BYTES];

        assert_int_equal(bc_facts_hash(box, n, hash), 0);
        assert_int_equal(record->kind, BC_RECORD_LEDGER);
        assert_string_equal(record->device, PAPER_DEVICE);
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
        assert_true(at < HASHES_MAX);
        archive->record[at].epoch = record->epoch;
        archive->record[at].sequence = record->ledger;
        archive->record[at].boot = record->boot;
        archive->record[at].signed_ns = record->signed_ns;
        archive->record[at].file_end = end;
        snprintf(archive->record[at].file, sizeof(archive->record[at].file), "%s", file);
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

static struct archive *archive_read(const struct desk *desk)
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
                        assert_true(witness_recognises(&notary, record, message));
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

static void archive_free(struct archive *archive)
{
        free(archive->event);
        free(archive);
}

static int64_t number_in(const uint8_t *details, size_t n, int64_t wanted)
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

static unsigned count(const struct archive *archive, uint32_t kind)
{
        unsigned n = 0;

        for (size_t i = 0; i < archive->events; i++)
                n += archive->event[i].kind == kind;
        return n;
}

// What was told, one by one and in the order in which it was; with what was only counted it is all.
static void check_told(const struct archive *archive, unsigned told)
{
        char last[65] = "";
        uint64_t seen = 0, counted = 0;

        for (size_t i = 0; i < archive->events; i++) {
                uint32_t kind = archive->event[i].kind;

                if (kind == BC_ENTRY_FLOOD)
                        counted += (uint64_t)number_in(archive->event[i].details, archive->event[i].n, 2);
                if (kind != BC_ENTRY_ALARM && kind != BC_ENTRY_STATE)
                        continue;
                seen++;
                // The text is the first one of both: map, key, head of two bytes.
                assert_true(memcmp(archive->event[i].details + 4, last, 60) > 0);
                memcpy(last, archive->event[i].details + 4, 60);
        }
        if (seen + counted != told)
                fail_msg("%u were told, %u are there and %u counted", told, (unsigned)seen, (unsigned)counted);
}

// ---- life ------------------------------------------------------------------------------------------------------

static void test_start_life_stop(void **state)
{
        struct desk desk;

        (void)state;
        desk_make(&desk);
        card.watched = true;
        for (int run = 1; run <= 4; run++) {
                struct archive *archive;
                const bool crashes = run == 3;

                desk_start(&desk, &(struct notary_temper){ .pace_ns = run * 90 * MS });
                assert_int_equal(desk.found.boot, run);
                assert_int_equal(desk.found.epoch, 1);
                assert_false(desk.found.rolled_back);
                assert_int_equal(desk.found.clean, run == 2 || run == 3);
                assert_int_equal(desk.found.last_ns == BC_RECORD_UNKNOWN, run == 1);
                bc_ledger_note_counter(desk.ledger, (uint64_t)run * 10);
                desk_run(&desk, desk.base_ns + 600 * S);
                desk_stop(&desk, !crashes);
                archive = archive_read(&desk);
                assert_int_equal(count(archive, BC_ENTRY_START), run);
                assert_int_equal(count(archive, BC_ENTRY_STOP), run - (run >= 3));
                assert_true(count(archive, BC_ENTRY_LIFE) >= (unsigned)run * 10);
                for (size_t i = 1; i < archive->records; i++)
                        if (archive->record[i].boot == archive->record[i - 1].boot)
                                assert_true(archive->record[i].signed_ns - archive->record[i - 1].signed_ns <= 60 * S);
                assert_int_equal(archive->event[archive->events - 1].kind == BC_ENTRY_STOP, !crashes);
                archive_free(archive);
                desk_look(&desk);
                assert_int_equal(desk.found.counter, (uint64_t)run * 10);
                assert_int_equal(desk.found.clean, !crashes);
                bc_ledger_free(desk.ledger, "", 0);
        }
        assert_true(card.anchors > 20);
        desk_done(&desk);
}

// The anchor is at most two seconds behind, a record a second, what is urgent is there at once.
static void test_how_soon(void **state)
{
        struct bc_anchor_state anchored;
        struct bc_anchor *anchor;
        const uint8_t hash[BC_HASH_BYTES] = { 7 };
        struct archive *archive;
        struct desk desk;
        char text[256];

        (void)state;
        desk_make(&desk);
        desk_start(&desk, NULL);
        desk_run(&desk, 100 * S);
        archive = archive_read(&desk);
        assert_int_equal(archive->records, 1);
        archive_free(archive);
        desk_run(&desk, 110 * S);
        tell(&desk, 1, false);
        desk_run(&desk, 110 * S + 900 * MS);
        tell(&desk, 2, false);
        archive = archive_read(&desk);
        assert_int_equal(archive->records, 1);
        archive_free(archive);
        desk_run(&desk, 111 * S + 1 * MS);
        archive = archive_read(&desk);
        assert_int_equal(archive->records, 2);
        archive_free(archive);
        desk_run(&desk, 120 * S);
        tell(&desk, 3, true);
        bc_ledger_note_tail(desk.ledger, 9, 8, 7, hash, 120 * S);
        desk_run(&desk, 120 * S + 1 * MS);
        archive = archive_read(&desk);
        assert_int_equal(archive->records, 3);
        desk_run(&desk, 122 * S);
        assert_int_equal(bc_anchor_open(desk.anchor, text, sizeof(text), &anchor, &anchored), 0);
        bc_anchor_free(anchor);
        assert_int_equal(anchored.sequence, 3);
        assert_memory_equal(anchored.hash, archive->record[2].hash, BC_HASH_BYTES);
        assert_int_equal(anchored.recording, 9);
        assert_int_equal(anchored.segment, 8);
        assert_int_equal(anchored.index, 7);
        assert_int_equal(anchored.tail_ns, 120 * S);
        assert_memory_equal(anchored.tail_hash, hash, BC_HASH_BYTES);
        archive_free(archive);
        desk_stop(&desk, true);
        desk_done(&desk);
}

static void test_rotation(void **state)
{
        struct archive *archive;
        unsigned told = 0;
        struct desk desk;

        (void)state;
        desk_make(&desk);
        card.watched = true;
        desk_start(&desk, NULL);
        for (int i = 0; i < 280; i++) {
                desk_run(&desk, desk.base_ns + 1100 * MS);
                for (int k = 0; k < 100; k++)
                        tell(&desk, told++, false);
        }
        desk_stop(&desk, true);
        archive = archive_read(&desk);
        check_told(archive, told);
        assert_true(archive->files >= 3);
        assert_int_equal(archive->torn, 0);
        assert_int_equal(count(archive, BC_ENTRY_FLOOD), 0);
        for (size_t i = 0; i < archive->records; i++)
                assert_true(archive->record[i].file_end <= BC_LEDGER_FILE_BYTES + BC_RECORD_BYTES_MAX);
        archive_free(archive);
        desk_done(&desk);
}

// ---- trouble ---------------------------------------------------------------------------------------------------

static void test_flood(void **state)
{
        struct archive *archive;
        struct desk desk;
        unsigned told = 0;

        (void)state;
        desk_make(&desk);
        card.watched = true;
        desk_start(&desk, NULL);
        desk_run(&desk, 101 * S);
        for (int round = 0; round < 3; round++) {
                card.from = card.calls;
                card.every = 1;
                card.failures = 1000;
                for (int i = 0; i < 1000; i++)
                        tell(&desk, told++, i % 7 == 0);
                desk_run(&desk, desk.base_ns + 30 * S);
                card.failures = 0;
                desk_run(&desk, desk.base_ns + 20 * S);
                for (int i = 0; i < 20; i++)
                        tell(&desk, told++, false);
                desk_run(&desk, desk.base_ns + 20 * S);
        }
        for (int i = 0; i < 1000; i++)
                tell(&desk, told++, false);
        desk_stop(&desk, true);
        archive = archive_read(&desk);
        assert_true(count(archive, BC_ENTRY_FLOOD) >= 8);
        check_told(archive, told);
        assert_int_equal(archive->event[archive->events - 1].kind, BC_ENTRY_STOP);
        archive_free(archive);
        desk_done(&desk);
}

static void with_faults(unsigned from, unsigned every, unsigned failures, uint32_t seed, const struct notary_temper *temper)
{
        struct archive *archive;
        unsigned told = 0;
        struct desk desk;

        desk_make(&desk);
        card.watched = true;
        card.from = from;
        card.every = every;
        card.failures = failures;
        card.seed = seed;
        for (int run = 0; run < 3; run++) {
                desk_start(&desk, temper);
                assert_false(desk.found.rolled_back);
                for (int i = 0; i < 6; i++) {
                        tell(&desk, told++, i % 2);
                        desk_run(&desk, desk.base_ns + 700 * MS);
                }
                desk_run(&desk, desk.base_ns + 40 * S);
                desk_stop(&desk, true);
        }
        archive = archive_read(&desk);
        check_told(archive, told);
        assert_int_equal(count(archive, BC_ENTRY_START), 3);
        assert_int_equal(count(archive, BC_ENTRY_STOP), 3);
        assert_int_equal(archive->record[archive->records - 1].epoch, 1);
        archive_free(archive);
        desk_done(&desk);
}

static void test_each_call_fails(void **state)
{
        (void)state;
        for (unsigned n = 1; n < 45; n++)
                with_faults(n, 1, 1 + n % 2, 0, NULL);
}

static void test_faults_at_random(void **state)
{
        int rounds = getenv("BC_LONG") ? 300 : 30;

        (void)state;
        for (int i = 0; i < rounds; i++) {
                const struct notary_temper temper = { .pace_ns = 0, .pace_max_ns = i % 3 * 400 * MS, .fails_one_in = i % 4 == 3 ? 4 : 0,
                                                      .seed = (uint32_t)i + 1 };

                with_faults(1, 2 + (unsigned)i % 5, 12, (uint32_t)i + 5, &temper);
        }
}

// Records cannot be written; what is recorded goes on, and its anchor does.
static void test_anchor_goes_on_without_the_ledger(void **state)
{
        const uint8_t hash[BC_HASH_BYTES] = { 3 };
        struct bc_anchor_state anchored;
        struct bc_anchor *anchor;
        struct desk desk;
        char text[256];

        (void)state;
        desk_make(&desk);
        card.watched = true;
        desk_start(&desk, NULL);
        desk_run(&desk, 105 * S);
        card.from = card.calls;
        card.every = 1;
        card.failures = 1000000;
        tell(&desk, 1, true);
        bc_ledger_note_tail(desk.ledger, 1, 2, 3, hash, 105 * S);
        desk_run(&desk, 109 * S);
        assert_int_equal(bc_anchor_open(desk.anchor, text, sizeof(text), &anchor, &anchored), 0);
        bc_anchor_free(anchor);
        assert_int_equal(anchored.index, 3);
        assert_int_equal(anchored.sequence, 1);
        card.failures = 0;
        desk_stop(&desk, true);
        desk_done(&desk);
}

// And the other way round.
static void test_ledger_goes_on_without_its_anchor(void **state)
{
        struct archive *archive;
        struct desk desk;

        (void)state;
        desk_make(&desk);
        desk_start(&desk, NULL);
        desk_run(&desk, 105 * S);
        card.watched = card.anchor_fails = true;
        for (unsigned i = 0; i < 10; i++) {
                tell(&desk, i, true);
                desk_run(&desk, desk.base_ns + 2 * S);
        }
        archive = archive_read(&desk);
        check_told(archive, 10);
        archive_free(archive);
        desk_stop(&desk, true);
        card.anchor_fails = false;
        desk_look(&desk);
        assert_false(desk.found.rolled_back);
        assert_true(desk.found.clean);
        bc_ledger_free(desk.ledger, "", 0);
        desk_done(&desk);
}

// ---- cut, put back, taken away ---------------------------------------------------------------------------------

static void put_anchor(struct desk *desk, const struct archive *archive, size_t n)
{
        struct bc_anchor_state state = { .boot = 1 };
        struct bc_anchor *anchor;
        char text[256];

        (void)unlinkat(desk->store_fd, "anchor", 0);
        if (n == 0)
                return;
        state.epoch = archive->record[n - 1].epoch;
        state.sequence = archive->record[n - 1].sequence;
        memcpy(state.hash, archive->record[n - 1].hash, BC_HASH_BYTES);
        assert_int_equal(bc_anchor_open(desk->anchor, text, sizeof(text), &anchor, &(struct bc_anchor_state){ 0 }), 0);
        assert_int_equal(bc_anchor_write(anchor, &state), 0);
        bc_anchor_free(anchor);
}

// A run of eight records in one file, then its stop.
static struct archive *eight(struct desk *desk, char **ret_bytes, size_t *ret_size)
{
        struct archive *archive;

        desk_make(desk);
        desk_start(desk, NULL);
        for (unsigned i = 0; i < 7; i++) {
                desk_run(desk, desk->base_ns + 2 * S);
                tell(desk, i, true);
        }
        desk_run(desk, desk->base_ns + 2 * S);
        desk_stop(desk, true);
        archive = archive_read(desk);
        assert_int_equal(archive->records, 9);
        assert_int_equal(archive->files, 1);
        *ret_bytes = folder_read(desk->folder_fd, archive->record[0].file, ret_size);
        return archive;
}

static void test_restart_at_every_cut(void **state)
{
        size_t step = getenv("BC_LONG") ? 1 : 11, size, whole = 0;
        struct archive *archive;
        struct desk desk;
        char *bytes;

        (void)state;
        archive = eight(&desk, &bytes, &size);
        for (size_t cut = 0; cut <= size; cut += cut + step > size && cut < size ? size - cut : step) {
                size_t anchored = cut % (archive->records + 1);
                const bool goes_on = cut % 5 == 0;

                while (whole < archive->records && archive->record[whole].file_end <= cut)
                        whole++;
                folder_write(desk.folder_fd, archive->record[0].file, bytes, cut);
                put_anchor(&desk, archive, anchored);
                desk_look(&desk);
                assert_int_equal(desk.found.head.sequence, whole);
                if (whole > 0)
                        assert_memory_equal(desk.found.head.hash, archive->record[whole - 1].hash, BC_HASH_BYTES);
                assert_int_equal(desk.found.rolled_back, anchored ? whole < anchored : whole > 0);
                assert_int_equal(desk.found.epoch, desk.found.rolled_back ? 2 : 1);
                assert_int_equal(desk.found.clean, whole == archive->records && anchored > 0);
                bc_ledger_free(desk.ledger, "", 0);
                if (goes_on) {
                        struct archive *after;
                        struct dirent **entry;
                        char path[64];
                        int n;

                        desk_start(&desk, NULL);
                        desk_run(&desk, desk.base_ns + 3 * S);
                        desk_stop(&desk, true);
                        after = archive_read(&desk);
                        assert_int_equal(count(after, BC_ENTRY_ROLLBACK), desk.found.rolled_back);
                        assert_true(after->records > whole);
                        archive_free(after);
                        // Back to the one file.
                        snprintf(path, sizeof(path), "/proc/self/fd/%d", desk.folder_fd);
                        n = scandir(path, &entry, is_ledger, by_name);
                        while (n-- > 0) {
                                if (strcmp(entry[n]->d_name, archive->record[0].file) != 0)
                                        assert_int_equal(unlinkat(desk.folder_fd, entry[n]->d_name, 0), 0);
                                free(entry[n]);
                        }
                        free(entry);
                }
        }
        assert_int_equal(whole, archive->records);
        archive_free(archive);
        free(bytes);
        desk_done(&desk);
}

// Each bit counts.
static void test_damaged_ledger(void **state)
{
        struct archive *archive;
        uint32_t seed = 9;
        struct desk desk;
        char *bytes;
        size_t size;

        (void)state;
        archive = eight(&desk, &bytes, &size);
        for (int i = 0; i < 100; i++) {
                size_t at = notary_random(&seed) % size;
                unsigned bit = notary_random(&seed) % 8;
                size_t n = 0;

                while (archive->record[n].file_end <= at)
                        n++;
                bytes[at] = (char)(bytes[at] ^ 1 << bit);
                folder_write(desk.folder_fd, archive->record[0].file, bytes, size);
                desk_look(&desk);
                // The one that the anchor knows is the last one.
                assert_int_equal(desk.found.head.sequence, n + (desk.found.head.sequence > n));
                assert_true(desk.found.rolled_back);
                bc_ledger_free(desk.ledger, "", 0);
                bytes[at] = (char)(bytes[at] ^ 1 << bit);
        }
        archive_free(archive);
        free(bytes);
        desk_done(&desk);
}

static void check_rollback(struct desk *desk, uint64_t epoch, uint64_t ledger, uint64_t anchor)
{
        struct archive *archive;
        size_t first;

        desk_start(desk, NULL);
        assert_true(desk->found.rolled_back);
        assert_false(desk->found.clean);
        assert_int_equal(desk->found.epoch, epoch);
        desk_run(desk, desk->base_ns + 3 * S);
        desk_stop(desk, true);
        archive = archive_read(desk);
        for (first = 0; archive->event[first].epoch != epoch; first++)
                ;
        assert_int_equal(archive->event[first].kind, BC_ENTRY_ROLLBACK);
        assert_int_equal(archive->event[first].sequence, 1);
        assert_int_equal(number_in(archive->event[first].details, archive->event[first].n, 1), ledger);
        assert_int_equal(number_in(archive->event[first].details, archive->event[first].n, 3), anchor);
        assert_int_equal(archive->event[first + 1].kind, BC_ENTRY_START);
        archive_free(archive);
        // And from then on all is well.
        desk_start(desk, NULL);
        assert_false(desk->found.rolled_back);
        assert_true(desk->found.clean);
        assert_int_equal(desk->found.epoch, epoch);
        desk_stop(desk, true);
}

static void test_rollback(void **state)
{
        struct archive *archive;
        struct desk desk;
        char *bytes;
        size_t size, old;

        (void)state;
        // The folder of an earlier day is put back.
        archive = eight(&desk, &bytes, &size);
        old = archive->record[3].file_end;
        folder_write(desk.folder_fd, archive->record[0].file, bytes, old);
        check_rollback(&desk, 2, 4, 9);
        archive_free(archive);
        free(bytes);
        desk_done(&desk);

        // The ledger is taken away.
        archive = eight(&desk, &bytes, &size);
        assert_int_equal(unlinkat(desk.folder_fd, archive->record[0].file, 0), 0);
        check_rollback(&desk, 2, 0, 9);
        archive_free(archive);
        free(bytes);
        desk_done(&desk);

        // The anchor is.
        archive = eight(&desk, &bytes, &size);
        assert_int_equal(unlinkat(desk.store_fd, "anchor", 0), 0);
        check_rollback(&desk, 2, 9, 0);
        assert_int_equal(unlinkat(desk.store_fd, "anchor", 0), 0);
        check_rollback(&desk, 3, 3, 0); // start and stop, and start and stop, of which rollback and start are one
        archive_free(archive);
        free(bytes);
        desk_done(&desk);
}

// What strangers lay there: nothing of it counts, nothing of it stops the device.
static void test_hostile_files(void **state)
{
        struct archive *archive;
        struct desk desk;
        char *bytes;
        size_t size;

        (void)state;
        archive = eight(&desk, &bytes, &size);
        folder_write(desk.folder_fd, "999999-000001-000000000001.ledger", bytes, size); // ours, under another name
        folder_write(desk.folder_fd, "9223372036854775807-000001-000000000001.ledger", bytes, size);
        folder_write(desk.folder_fd, "18446744073709551615-000001-000000000001.ledger", bytes, size);
        folder_write(desk.folder_fd, "000001-000002-000000000001.ledger", bytes, size);
        folder_write(desk.folder_fd, "000001-000009-000000000010.ledger", bytes, 0);
        folder_write(desk.folder_fd, "000001-000009-000000000011.ledger", bytes + archive->record[6].file_end,
                     size - archive->record[6].file_end); // two of ours, at the wrong place
        folder_write_text(desk.folder_fd, "000002-000001-000000000001.ledger", "no ledger");
        folder_write_text(desk.folder_fd, "ledger", "no ledger");
        assert_int_equal(symlinkat("/dev/zero", desk.folder_fd, "000003-000001-000000000001.ledger"), 0);
        assert_int_equal(mkdirat(desk.folder_fd, "000004-000001-000000000001.ledger", 0755), 0);
        desk_look(&desk);
        assert_int_equal(desk.found.head.sequence, 9);
        assert_int_equal(desk.found.epoch, 1);
        assert_int_equal(desk.found.boot, 2);
        assert_false(desk.found.rolled_back);
        assert_true(desk.found.clean);
        bc_ledger_free(desk.ledger, "", 0);
        archive_free(archive);
        free(bytes);
        desk_done(&desk);
}

static int make(void **state)
{
        (void)state;
        notary_make(&notary);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        notary_done(&notary);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_start_life_stop),
                cmocka_unit_test(test_how_soon),
                cmocka_unit_test(test_rotation),
                cmocka_unit_test(test_flood),
                cmocka_unit_test(test_each_call_fails),
                cmocka_unit_test(test_faults_at_random),
                cmocka_unit_test(test_anchor_goes_on_without_the_ledger),
                cmocka_unit_test(test_ledger_goes_on_without_its_anchor),
                cmocka_unit_test(test_restart_at_every_cut),
                cmocka_unit_test(test_damaged_ledger),
                cmocka_unit_test(test_rollback),
                cmocka_unit_test(test_hostile_files),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
