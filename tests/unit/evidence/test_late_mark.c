// SPDX-License-Identifier: EUPL-1.2
// A mark that is set when the last record of a recording has been asked for already, and later still (manifest.md, 9,
// invariant 2): in the clear it stands in manifest.json alone, which is signed; in the folder of a sealed recording nothing has
// it. What the ledger has of it: tests/sealing/test_late_marks.c.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "evidence/agency.h"
#include "evidence/endorsement.h"
#include "evidence/inventory.h"
#include "notary.h"
#include "witness.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS
#define EARLY "knife"
#define LATE "he throws it away"

static struct notary notary;
static struct bench bench;
static struct bc_inventory_kit kit;
static struct bc_inventory *inventory;
static struct bc_agency *agency; // NULL: in the clear
static uint8_t first[BC_HASH_BYTES];

static void on_clock(struct bench *of)
{
        notary_open(&notary, of->clock, 1, 1);
        bc_facts_set_ledger(&notary.facts, 17, first);
        of->config.attestation = &notary.attestation;
        of->config.agency = agency;
        of->config.boot = 1;
}

static void on_store(struct bench *of)
{
        kit = (struct bc_inventory_kit){ .signer = notary.signer, .public_key = notary.public_key,
                                         .algorithm = BC_RECORD_ES256, .chain = { notary.certificate[0] }, .chain_count = 1 };
        assert_int_equal(bc_inventory_new(of->clock, of->store, &kit, &inventory), 0);
        of->config.inventory = inventory;
}

// Each signature takes a second, so the last record is under way for so long.
static void begin(void)
{
        const struct notary_temper slow = { .pace_ns = 1 * S };

        notary_make(&notary);
        notary_set(&notary, &slow);
        bench_defaults(&bench);
        bench.config.pre_event_ns = 2 * S;
        bench.config.segment_ns = 60 * S;
        bench.on_clock = on_clock;
        bench.on_store = on_store;
        bench_make(&bench);
        bench_run_until(&bench, 110 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 110 * S, "button"), 0);
        bench_run_until(&bench, 115 * S);
        assert_int_equal(bc_recorder_mark(bench.recorder, 115 * S, EARLY), 0);
        bench_run_until(&bench, 120 * S);
        assert_int_equal(bc_recorder_stop(bench.recorder, 120 * S, "button"), 0);
}

static void end(void)
{
        bench_stop_threads(&bench);
        bc_inventory_free(inventory, 0);
        notary_close(&notary);
        bench_done(&bench);
        notary_done(&notary);
}

// Sets marks, every 100 ms from the stop on, until it is closed: the number that were taken.
static unsigned mark_until_closed(void)
{
        unsigned taken = 0;

        for (int64_t now_ns = 120 * S; bench.notice[BC_RECORDER_CLOSED] == 0; now_ns += 100 * MS) {
                assert_true(now_ns < 140 * S);
                bench_run_until(&bench, now_ns);
                int r = bc_recorder_mark(bench.recorder, 119 * S, LATE);
                assert_true(r == 0 || (r == -ENOENT && bench.notice[BC_RECORDER_CLOSED] > 0));
                taken += r == 0;
        }
        // Closed: a mark is refused, and what is signed stays as it is.
        assert_int_equal(bc_recorder_mark(bench.recorder, 119 * S, LATE), -ENOENT);
        bench_run_until(&bench, 145 * S);
        assert_int_equal(bc_recorder_mark(bench.recorder, 119 * S, LATE), -ENOENT);
        return taken;
}

static int open_recording(void)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];

        bc_store_name(bench.store, 1, name);
        int fd = openat(bc_store_recordings_fd(bench.store), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static void assert_signed(int folder_fd)
{
        size_t der_bytes, bytes;
        char *der = folder_read(folder_fd, "manifest.sig", &der_bytes);
        char *text = folder_read(folder_fd, "manifest.json", &bytes);

        assert_non_null(strstr(text, "\"files\""));
        assert_null(strstr(text, "read_back"));
        assert_true(bc_endorsement_recognise(&notary.public_key, (const uint8_t *)der, der_bytes, text, bytes));
        free(der);
        free(text);
}

static void test_in_the_clear(void **state)
{
        struct witness *witness;
        struct bc_manifest manifest;
        char name[BC_RECORDING_NAME_BYTES_MAX];

        (void)state;
        begin();
        unsigned taken = mark_until_closed();
        int folder_fd = open_recording();
        assert_signed(folder_fd);
        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, folder_fd), 0);
        assert_int_equal(manifest.marks, 1 + taken); // each that was taken is there
        assert_string_equal(manifest.mark[0].text, EARLY);
        bc_store_name(bench.store, 1, name);
        witness = witness_read(bc_store_recordings_fd(bench.store), name, &notary, 1, first, WITNESS_CLOSED);
        // Of the records the last ones are in none.
        assert_in_range(witness->marks, 1, taken);
        assert_true(manifest.marks - witness->marks >= 5);
        for (size_t i = 0; i < manifest.marks; i++) {
                assert_string_equal(manifest.mark[i].text, i == 0 ? EARLY : LATE);
                assert_int_equal(manifest.mark[i].ticks, (i == 0 ? 115 : 119) * 48000);
        }
        witness_free(witness);
        bc_manifest_done(&manifest);
        close(folder_fd);
        end();
}

// Whether these words stand anywhere in the folder.
static bool stand_in(int folder_fd, const char *words)
{
        DIR *folder = fdopendir(dup(folder_fd));
        bool found = false;

        assert_non_null(folder);
        rewinddir(folder);
        for (const struct dirent *entry; (entry = readdir(folder));) {
                if (entry->d_name[0] == '.')
                        continue;
                size_t n;
                char *bytes = folder_read(folder_fd, entry->d_name, &n);
                found |= memmem(bytes, n, words, strlen(words)) != NULL;
                free(bytes);
        }
        closedir(folder);
        return found;
}

static void load_agency(void)
{
        struct paper_text text = paper_device;
        struct paper paper;
        char folder[FOLDER_PATH_BYTES], path[FOLDER_PATH_BYTES + 16];
        const struct paper *papers[] = { &paper };
        const char *paths[] = { path };

        text.usage = "critical,keyAgreement";
        paper_make(&text, NULL, &paper);
        folder_make(folder);
        snprintf(path, sizeof(path), "%s/agency.pem", folder);
        paper_write(path, papers, 1);
        const struct bc_agency_source source = { .paths = paths, .count = 1, .now_unix_s = BC_AGENCY_TIME_UNKNOWN };
        assert_int_equal(bc_agency_load(&source, &agency), 0);
        folder_remove(folder);
        paper_free(&paper);
}

// There is no more record for it, and the manifest, which lies in the clear, must not have it: the words are lost.
static void test_sealed(void **state)
{
        struct bc_recorder_status status;

        (void)state;
        load_agency();
        begin();
        unsigned taken = mark_until_closed();
        bc_recorder_status(bench.recorder, &status);
        assert_int_equal(status.marks, 1 + taken);
        int folder_fd = open_recording();
        assert_signed(folder_fd);
        assert_false(stand_in(folder_fd, "\"marks\""));
        assert_false(stand_in(folder_fd, EARLY));
        assert_false(stand_in(folder_fd, LATE));
        close(folder_fd);
        end();
        bc_agency_free(agency);
        agency = NULL;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_in_the_clear),
                cmocka_unit_test(test_sealed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
