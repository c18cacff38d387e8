// SPDX-License-Identifier: EUPL-1.2
// bodycam-unseal's work on one file, with a judge of signatures: a file gets its name by his word [rule 22].
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "film.h"
#include "format/finalise.h"
#include "format/scan.h"
#include "parties.h"
#include "tools/bodycam-unseal/job.h"
#include "unit/format/segments.h"

struct world {
        char *folder, path[PARTY_PATH_BYTES];
        int folder_fd;
        struct bc_opener *opener;
        struct segment segment;
        uint8_t hash[BC_SEALED_HASH_BYTES];
};

// Seals the segment into the world's file.
static void seal(struct world *world, const struct bc_agency *agency)
{
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        struct bc_sealed_header about = film_about();
        size_t room = BC_SEALER_BEGIN_BYTES_MAX + bc_sealed_bytes(world->segment.size, true), begin, n;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(room);
        BC_CLEANUP(bc_cleanup_fd) int fd = bc_file_create(AT_FDCWD, world->path);

        assert_non_null(bytes);
        assert_true(fd >= 0);
        assert_int_equal(bc_sealer_new(agency, &sealer), 0);
        assert_int_equal(bc_sealer_begin(sealer, &about, bytes, room, &begin, world->hash), 0);
        assert_int_equal(bc_sealer_finish(sealer, world->segment.bytes, world->segment.size, bytes + begin, room - begin, &n), 0);
        assert_int_equal(bc_file_write_at(fd, bytes, begin + n, 0), 0);
}

static int make_world(void **state)
{
        struct world *world = calloc(1, sizeof(*world));
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = NULL;
        struct bc_init init = segment_init_full(0);
        char fault[BC_OPENER_FAULT_BYTES];
        struct party party;
        const char *path = party.certificate_path;
        struct bc_agency_source source = { .paths = &path, .count = 1, .now_unix_s = PARTY_NOW };

        assert_non_null(world);
        world->folder = party_folder_make();
        world->folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        snprintf(world->path, sizeof(world->path), "%s/0003.mp4.sealed", world->folder);
        party_make(&party, world->folder, "agency", &(struct party_wish){ .key = "P-256" });
        assert_int_equal(bc_agency_load(&source, &agency), 0);
        assert_int_equal(bc_opener_load(&(struct bc_opener_source){ .key_path = party.key_path }, &world->opener, fault), 0);
        segment_write(&world->segment, &init, 1, "IPPaatg PPPaa R");
        seal(world, agency);
        *state = world;
        return 0;
}

static int remove_world(void **state)
{
        struct world *world = *state;

        bc_opener_free(world->opener);
        segment_done(&world->segment);
        close(world->folder_fd);
        party_folder_remove(world->folder);
        free(world);
        return 0;
}

struct judge {
        const struct world *world;
        enum bc_signature verdict;
        unsigned asked;
};

static int read_file(void *user, uint64_t offset, void *bytes, size_t n)
{
        return bc_file_read_at(*(const int *)user, bytes, n, offset);
}

// Is shown the finalised file and the hash that its first record has to state.
static enum bc_signature judge(void *user, int fd, const struct bc_unseal_report *report)
{
        struct judge *judge = user;
        struct bc_scan_source source = { .read = read_file, .user = &fd };
        struct bc_scan *scan = calloc(1, sizeof(*scan));
        struct stat status;

        judge->asked++;
        assert_non_null(scan);
        assert_int_equal(fstat(fd, &status), 0);
        source.size = (uint64_t)status.st_size;
        assert_int_equal(bc_scan_file(&source, scan), 0);
        assert_true(bc_scan_finished(scan));
        assert_int_equal(scan->records, 1);
        assert_int_equal(scan->boxes_end, judge->world->segment.size);
        bc_scan_done(scan);
        free(scan);
        assert_memory_equal(report->header_hash, judge->world->hash, sizeof(judge->world->hash));
        assert_int_equal(faccessat(judge->world->folder_fd, "0003.mp4", F_OK, 0), -1); // it has not got its name yet
        return judge->verdict;
}

static void run(const struct world *world, enum bc_signature verdict, struct bc_job *job, unsigned *ret_asked)
{
        struct judge user = { .world = world, .verdict = verdict };

        *job = (struct bc_job){ .path = world->path, .folder_fd = world->folder_fd, .opener = world->opener,
                                .judge = judge, .user = &user };
        bc_job_run(job);
        *ret_asked = user.asked;
}

static bool there(const struct world *world, const char *name)
{
        return faccessat(world->folder_fd, name, F_OK, 0) == 0;
}

static void test_rule_22_good_signatures(void **state)
{
        struct world *world = *state;
        struct bc_job job;
        unsigned asked;

        run(world, BC_SIGNATURE_GOOD, &job, &asked);
        assert_int_equal(asked, 1);
        assert_int_equal(job.exit, BC_EXIT_WHOLE);
        assert_string_equal(job.output, "0003.mp4");
        assert_string_equal(job.text, "whole; its signatures are good");
        assert_true(there(world, "0003.mp4") && !there(world, "0003.mp4.incomplete"));
}

static void test_rule_22_bad_signatures(void **state)
{
        struct world *world = *state;
        struct bc_job job;
        unsigned asked;

        run(world, BC_SIGNATURE_BAD, &job, &asked);
        assert_int_equal(asked, 1);
        assert_int_equal(job.exit, BC_EXIT_TAMPERED);
        assert_string_equal(job.output, "0003.mp4.incomplete");
        assert_true(!there(world, "0003.mp4") && there(world, "0003.mp4.incomplete"));
}

// Where the end is missing nobody is asked.
static void test_rule_22_cut_is_not_judged(void **state)
{
        struct world *world = *state;
        struct stat status;
        struct bc_job job;
        unsigned asked;

        assert_int_equal(stat(world->path, &status), 0);
        assert_int_equal(truncate(world->path, status.st_size - 1), 0);
        run(world, BC_SIGNATURE_GOOD, &job, &asked);
        assert_int_equal(asked, 0);
        assert_int_equal(job.exit, BC_EXIT_CUT);
        assert_false(there(world, "0003.mp4"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_rule_22_good_signatures, make_world, remove_world),
                cmocka_unit_test_setup_teardown(test_rule_22_bad_signatures, make_world, remove_world),
                cmocka_unit_test_setup_teardown(test_rule_22_cut_is_not_judged, make_world, remove_world),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
