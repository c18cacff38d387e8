// SPDX-License-Identifier: EUPL-1.2
// A ledger that was cut, put back or taken away, and what strangers lay beside it: a new epoch says so, and the device goes on.
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

#include "desk.h"
#include "lib/counts.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

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
        assert_int_equal(bc_anchor_open(desk->anchor, false, text, sizeof(text), &anchor, &(struct bc_anchor_found){ .damaged = false }), 0);
        assert_int_equal(bc_anchor_write(anchor, &state, BC_ANCHOR_LIGHT, 0, NULL, 0), 0);
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
                desk_tell(desk, i, true);
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
        size_t step = counts_of(37, 11, 1), size, whole = 0;
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
                if (goes_on) {
                        struct archive *after;

                        desk_start(&desk, NULL);
                        desk_run(&desk, desk.base_ns + 3 * S);
                        desk_stop(&desk, true);
                        after = archive_read(&desk);
                        assert_int_equal(archive_count(after, BC_ENTRY_ROLLBACK), desk.found.rolled_back);
                        assert_true(after->records > whole);
                        archive_free(after);
                        desk_keep_only(&desk, archive->record[0].file);
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
        assert_int_equal(archive_number(archive->event[first].details, archive->event[first].n, 1), ledger);
        assert_int_equal(archive_number(archive->event[first].details, archive->event[first].n, 3), anchor);
        assert_int_equal(archive->event[first + 1].kind, BC_ENTRY_START);
        archive_free(archive);
        // And from then on all is well.
        desk_start(desk, NULL);
        assert_false(desk->found.rolled_back);
        assert_true(desk->found.clean);
        assert_int_equal(desk->found.epoch, epoch);
        desk_run(desk, desk->base_ns + 3 * S);
        desk_stop(desk, true);
}

// What the anchor knew is not known any more: that is no agreement, also where there is no ledger either.
static void test_damaged_anchor(void **state)
{
        uint8_t noise[BC_ANCHOR_BYTES];
        struct archive *archive;
        struct desk desk;
        char *bytes;
        size_t size;

        (void)state;
        memset(noise, 0x5a, sizeof(noise));
        for (int with_ledger = 0; with_ledger < 2; with_ledger++) {
                archive = eight(&desk, &bytes, &size);
                folder_write(desk.store_fd, "anchor", noise, sizeof(noise));
                if (!with_ledger)
                        assert_int_equal(unlinkat(desk.folder_fd, archive->record[0].file, 0), 0);
                check_rollback(&desk, 2, with_ledger ? 9 : 0, 0);
                assert_true(folder_has(desk.store_fd, "anchor.damaged"));
                archive_free(archive);
                free(bytes);
                desk_done(&desk);
        }
}

static void test_rule_12_rollback(void **state)
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
        check_rollback(&desk, 3, 4, 0); // rollback with start, stop, start, stop
        archive_free(archive);
        free(bytes);
        desk_done(&desk);
}

// A lawful record behind which nothing can be counted on.
static void write_last_epoch(const struct desk *desk, const char *name)
{
        struct bc_signing *signing = calloc(1, sizeof(*signing));
        const uint8_t details = 0xa0;
        struct bc_clock *clock;

        assert_non_null(signing);
        assert_int_equal(bc_clock_new_real(&clock), 0);
        notary_open(&desk_notary, clock, INT64_MAX, 1);
        signing->record.kind = BC_RECORD_LEDGER;
        bc_facts_state(&desk_notary.facts, 1, &signing->record);
        signing->record.ledger = signing->record.events = 1;
        signing->record.event[0] = (struct bc_record_event){ 1, BC_ENTRY_STOP, { &details, 1 } };
        signing->with_chain = true;
        bc_signer_ask(desk_notary.signer, signing);
        assert_int_equal(bc_signer_wait(desk_notary.signer, signing, BC_NS_NEVER), 0);
        assert_int_equal(signing->error, 0);
        folder_write(desk->folder_fd, name, signing->box, signing->box_bytes);
        notary_close(&desk_notary);
        bc_clock_free(clock);
        free(signing);
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
        folder_write(desk.folder_fd, "18446744073709551615-000001-000000000001.ledger", bytes, size);
        folder_write(desk.folder_fd, "000001-000002-000000000001.ledger", bytes, size);
        folder_write(desk.folder_fd, "000001-000009-000000000010.ledger", bytes, 0);
        folder_write(desk.folder_fd, "000001-000001-000000000011.ledger", bytes + archive->record[5].file_end,
                     archive->record[6].file_end - archive->record[5].file_end); // one of ours, at the wrong place
        write_last_epoch(&desk, "9999999-000001-000000000001.ledger"); // under another epoch
        write_last_epoch(&desk, "9223372036854775807-000001-000000000001.ledger");
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
        archive_free(archive);
        free(bytes);
        desk_done(&desk);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_restart_at_every_cut),
                cmocka_unit_test(test_damaged_ledger),
                cmocka_unit_test(test_rule_12_rollback),
                cmocka_unit_test(test_damaged_anchor),
                cmocka_unit_test(test_hostile_files),
        };

        return cmocka_run_group_tests(tests, desk_make_notary, desk_forget_notary);
}
