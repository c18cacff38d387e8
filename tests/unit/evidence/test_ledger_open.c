// SPDX-License-Identifier: EUPL-1.2
// A ledger, or an anchor, that cannot be opened: the run goes on, says so, and opens it later (docs/formats/ledger.md, 6). And one that is
// not this device's: nothing goes on from it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desk.h"
#include "lib/wrapped.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

// ---- calls that fail -------------------------------------------------------------------------------------------

// Of those that open, read and make what has `name` in its path; NULL: all of them. The desk's card has the others.
static struct {
        pthread_mutex_t mutex;
        bool armed;
        const char *name;
        unsigned calls, from, times, struck;
        int error;
} trouble = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void arm(const char *name, unsigned from, unsigned times, int error)
{
        pthread_mutex_lock(&trouble.mutex);
        trouble.armed = true;
        trouble.name = name;
        trouble.calls = trouble.struck = 0;
        trouble.from = from;
        trouble.times = times;
        trouble.error = error;
        pthread_mutex_unlock(&trouble.mutex);
}

static void disarm(void)
{
        pthread_mutex_lock(&trouble.mutex);
        trouble.armed = false;
        pthread_mutex_unlock(&trouble.mutex);
}

static bool strikes(int fd, const char *name)
{
        char link[32], path[256] = "";
        bool strikes = false;
        ssize_t n;

        pthread_mutex_lock(&trouble.mutex);
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = trouble.armed ? readlink(link, path, sizeof(path) - 1) : 0;
        path[n > 0 ? n : 0] = 0;
        if (trouble.armed && (!trouble.name || strstr(path, trouble.name) || (name && strstr(name, trouble.name)))) {
                trouble.calls++;
                strikes = trouble.calls >= trouble.from && trouble.calls - trouble.from < trouble.times;
                trouble.struck += strikes;
        }
        pthread_mutex_unlock(&trouble.mutex);
        errno = strikes ? trouble.error : errno;
        return strikes;
}

int __real_open(const char *name, int flags, mode_t mode);
int __wrap_open(const char *name, int flags, mode_t mode);

int __wrap_open(const char *name, int flags, mode_t mode)
{
        return strikes(-1, name) ? -1 : __real_open(name, flags, mode);
}

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        return strikes(fd, name) ? -1 : __real_openat(fd, name, flags, mode);
}

int __wrap_mkdirat(int fd, const char *name, mode_t mode)
{
        return strikes(fd, name) ? -1 : __real_mkdirat(fd, name, mode);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset)
{
        return strikes(fd, NULL) ? -1 : __real_pread(fd, bytes, size, offset);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return strikes(from_fd, from) ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

// ---- failing to open -------------------------------------------------------------------------------------------

static bool says(const struct archive *archive, const char *text)
{
        for (size_t i = 0; i < archive->events; i++)
                if (archive->event[i].kind == BC_ENTRY_ALARM && memmem(archive->event[i].details, archive->event[i].n, text, strlen(text)))
                        return true;
        return false;
}

// A desk with a run behind it, or an empty one.
static void begin(struct desk *desk, bool is_new)
{
        desk_make(desk);
        if (is_new)
                return;
        desk_start(desk, NULL);
        desk_run(desk, desk->base_ns + 3 * S);
        desk_stop(desk, true);
}

// Whatever fails, the run is told of in the end. Returns how many calls there were to fail.
static unsigned one_call_fails(bool is_new, unsigned from, unsigned times, int error)
{
        char text[400] = "";
        struct archive *archive;
        struct desk desk;
        unsigned calls;
        bool late;

        begin(&desk, is_new);
        arm(NULL, from, times, error);
        late = desk_try(&desk, text, sizeof(text)) < 0;
        if (late)
                assert_true(strstr(text, "ledger") || strstr(text, desk.anchor));
        assert_true(desk.troubles > 0 || !late); // or its first record could not be written at once
        for (unsigned i = 0; i < 5; i++) {
                desk_run(&desk, desk.base_ns + 3 * S);
                desk_tell(&desk, i, i % 2);
        }
        calls = trouble.calls;
        disarm();
        desk_run(&desk, desk.base_ns + 20 * S);
        assert_false(desk.troubled);
        assert_int_equal(desk.finds, 1);
        desk_stop(&desk, true);
        archive = archive_read(&desk);
        archive_check_told(archive, 5);
        assert_int_equal(archive_count(archive, BC_ENTRY_START), is_new ? 1 : 2);
        assert_int_equal(archive->event[archive->events - 1].kind, BC_ENTRY_STOP);
        assert_int_equal(says(archive, "ms late"), late);
        if (times == 1)
                assert_int_equal(archive_count(archive, BC_ENTRY_ROLLBACK), 0);
        archive_free(archive);
        desk_look(&desk);
        assert_false(desk.found.rolled_back);
        desk_done(&desk);
        return calls;
}

static void test_each_call_fails_once(void **state)
{
        unsigned calls = 2;

        (void)state;
        for (int is_new = 0; is_new < 2; is_new++)
                for (unsigned n = 1; n < calls; n++)
                        calls = one_call_fails(is_new, n, 1, n % 2 ? EIO : ENOSPC);
        assert_true(calls > 5);
}

static void test_calls_fail_for_some_time(void **state)
{
        (void)state;
        for (int is_new = 0; is_new < 2; is_new++)
                for (unsigned n = 1; n < 12; n++)
                        (void)one_call_fails(is_new, n, 2 + n, EIO);
}

// Until it is known on what a record hangs none is signed, and what is asked is asked again.
static void test_nothing_is_signed_before(void **state)
{
        struct bc_signing *signing = bc_signing_new();
        char text[400];
        struct desk desk;

        (void)state;
        begin(&desk, false);
        arm("/ledger", 1, 1000000, EIO);
        assert_int_equal(desk_try(&desk, text, sizeof(text)), -EIO);
        desk_run(&desk, desk.base_ns + 60 * S);
        bc_signer_ask(desk_notary.signer, signing);
        desk_run(&desk, desk.base_ns + 1 * S);
        assert_true(bc_signer_fetch(desk_notary.signer, signing));
        assert_int_equal(signing->error, -EAGAIN);
        assert_true(desk.troubled);
        assert_int_equal(desk.finds, 0);
        disarm();
        desk_run(&desk, desk.base_ns + 5 * S);
        assert_int_equal(desk.finds, 1);
        assert_int_equal(desk.found.boot, 2);
        assert_false(desk.found.rolled_back);
        desk_stop(&desk, true);
        free(signing);
        desk_done(&desk);
}

// More than can be kept happens while it cannot be opened.
static void test_flood_before(void **state)
{
        struct archive *archive;
        char text[400];
        struct desk desk;

        (void)state;
        begin(&desk, false);
        arm("/ledger", 1, 1000000, EIO);
        assert_int_equal(desk_try(&desk, text, sizeof(text)), -EIO);
        for (unsigned i = 0; i < 1000; i++)
                desk_tell(&desk, i, false);
        desk_run(&desk, desk.base_ns + 60 * S);
        disarm();
        desk_run(&desk, desk.base_ns + 60 * S);
        desk_stop(&desk, true);
        archive = archive_read(&desk);
        archive_check_told(archive, 1000);
        assert_true(archive_count(archive, BC_ENTRY_FLOOD) > 0);
        assert_int_equal(archive_count(archive, BC_ENTRY_START), 2);
        archive_free(archive);
        desk_done(&desk);
}

// It ends as it began.
static void test_never_opened(void **state)
{
        struct archive *archive;
        char text[400];
        struct desk desk;

        (void)state;
        begin(&desk, false);
        arm("/ledger", 1, 1000000, EIO);
        assert_int_equal(desk_try(&desk, text, sizeof(text)), -EIO);
        desk_run(&desk, desk.base_ns + 5 * S);
        desk_stop(&desk, true);
        disarm();
        desk_start(&desk, NULL);
        assert_false(desk.found.rolled_back);
        desk_run(&desk, desk.base_ns + 5 * S);
        desk_stop(&desk, true);
        archive = archive_read(&desk);
        assert_int_equal(archive_count(archive, BC_ENTRY_START), 2);
        archive_free(archive);
        desk_done(&desk);
}

// The anchor's medium is broken: after some time the ledger goes on without it, in a new epoch. And the anchor comes back.
static void test_anchor_is_lost(void **state)
{
        struct archive *archive;
        char text[400];
        struct desk desk;

        (void)state;
        for (int comes_back = 0; comes_back < 2; comes_back++) {
                begin(&desk, false);
                arm("/anchor", 1, 1000000, EIO);
                assert_int_equal(desk_try(&desk, text, sizeof(text)), -EIO);
                assert_non_null(strstr(text, desk.anchor));
                desk_run(&desk, desk.base_ns + 30 * S);
                assert_int_equal(desk.finds, 1);
                assert_true(desk.found.rolled_back && desk.found.anchor_lost);
                assert_int_equal(desk.found.epoch, 2);
                assert_true(desk.troubled);
                if (comes_back)
                        disarm();
                desk_tell(&desk, 0, true);
                desk_run(&desk, desk.base_ns + 30 * S);
                assert_int_equal(desk.troubled, !comes_back);
                desk_stop(&desk, true);
                disarm();
                archive = archive_read(&desk);
                assert_int_equal(archive_count(archive, BC_ENTRY_ROLLBACK), 1);
                assert_true(says(archive, "anchor: cannot be opened"));
                archive_free(archive);
                // It knew record 2 of epoch 1 all the while: the ledger has that.
                desk_look(&desk);
                assert_false(desk.found.rolled_back);
                assert_int_equal(desk.found.epoch, 2);
                assert_int_equal(desk.found.boot, 3);
                desk_done(&desk);
        }
}

// It comes back, and knows of more than the ledger has: it keeps what it knows, for the next start.
static void test_lost_anchor_knows_more(void **state)
{
        struct bc_anchor_found before, after;
        struct bc_anchor *anchor;
        char text[400];
        struct desk desk;

        (void)state;
        begin(&desk, false);
        assert_int_equal(bc_anchor_open(desk.anchor, false, text, sizeof(text), &anchor, &before), 0);
        bc_anchor_free(anchor);
        assert_int_equal(unlinkat(desk.folder_fd, "000001-000001-000000000001.ledger", 0), 0);
        arm("/anchor", 1, 1000000, EIO);
        assert_int_equal(desk_try(&desk, text, sizeof(text)), -EIO);
        desk_run(&desk, desk.base_ns + 30 * S);
        disarm();
        desk_tell(&desk, 0, true);
        desk_run(&desk, desk.base_ns + 30 * S);
        assert_true(desk.troubled);
        desk_stop(&desk, true);
        assert_int_equal(bc_anchor_open(desk.anchor, false, text, sizeof(text), &anchor, &after), 0);
        bc_anchor_free(anchor);
        assert_memory_equal(&before, &after, sizeof(before));
        desk_look(&desk);
        assert_true(desk.found.rolled_back);
        assert_int_equal(desk.found.epoch, 3);
        desk_done(&desk);
}

// A bad sector: after some time the file counts as lost.
static void test_file_cannot_be_read(void **state)
{
        char text[400];
        struct desk desk;

        (void)state;
        begin(&desk, false);
        arm(".ledger", 1, 1000000, EIO);
        assert_int_equal(desk_try(&desk, text, sizeof(text)), -EIO);
        desk_run(&desk, desk.base_ns + 5 * S);
        assert_int_equal(desk.finds, 0);
        desk_run(&desk, desk.base_ns + 30 * S);
        assert_int_equal(desk.finds, 1);
        assert_true(desk.found.rolled_back);
        assert_int_equal(desk.found.unreadable, 1);
        assert_int_equal(desk.found.head.epoch, 0);
        assert_int_equal(desk.found.anchor.epoch, 1);
        disarm();
        desk_stop(&desk, true);
        desk_done(&desk);
}

// Neither file nor anchor can be read: the new run takes no number of the old one's, and removes nothing of it.
static void test_file_that_cannot_be_read_is_kept(void **state)
{
        static const char first[] = "000001-000001-000000000001.ledger";
        char text[400], *before, *after;
        size_t before_bytes, after_bytes;
        struct desk desk;

        (void)state;
        begin(&desk, false);
        before = folder_read(desk.folder_fd, first, &before_bytes);
        assert_int_equal(unlinkat(desk.store_fd, "anchor", 0), 0);
        arm(first, 1, 1000000, EIO);
        assert_int_equal(desk_try(&desk, text, sizeof(text)), -EIO);
        desk_run(&desk, desk.base_ns + 30 * S);
        assert_int_equal(desk.finds, 1);
        assert_true(desk.found.boot > 1);
        disarm();
        desk_stop(&desk, true);
        after = folder_read(desk.folder_fd, first, &after_bytes);
        assert_int_equal(after_bytes, before_bytes);
        assert_memory_equal(after, before, before_bytes);
        free(before);
        free(after);
        desk_done(&desk);
}

// Another device's file is put aside, and then one cannot be read: what is found when it can be says of it all the same.
static void test_rule_17_strangers_of_a_look_that_failed(void **state)
{
        static const char strange[] = "000001-000003-000000000005.ledger";
        const struct notary ours = desk_notary;
        struct archive *archive;
        struct desk desk, other;
        char text[400], *bytes;
        size_t size;

        (void)state;
        notary_make(&desk_notary);
        desk_make(&other);
        for (int run = 0; run < 3; run++) {
                desk_start(&other, NULL);
                desk_run(&other, other.base_ns + 3 * S);
                desk_stop(&other, true);
        }
        bytes = folder_read(other.folder_fd, strange, &size);
        desk_done(&other);
        notary_done(&desk_notary);
        desk_notary = ours;
        begin(&desk, false);
        folder_write(desk.folder_fd, strange, bytes, size);
        arm("000001-000001-", 1, 1, EIO);
        assert_int_equal(desk_try(&desk, text, sizeof(text)), -EIO);
        desk_run(&desk, desk.base_ns + 5 * S);
        disarm();
        assert_int_equal(desk.finds, 1);
        desk_stop(&desk, true);
        archive = archive_read(&desk);
        assert_true(says(archive, "put aside, foreign: "));
        archive_free(archive);
        free(bytes);
        desk_done(&desk);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_call_fails_once),
                cmocka_unit_test(test_calls_fail_for_some_time),
                cmocka_unit_test(test_nothing_is_signed_before),
                cmocka_unit_test(test_flood_before),
                cmocka_unit_test(test_never_opened),
                cmocka_unit_test(test_anchor_is_lost),
                cmocka_unit_test(test_lost_anchor_knows_more),
                cmocka_unit_test(test_file_cannot_be_read),
                cmocka_unit_test(test_file_that_cannot_be_read_is_kept),
                cmocka_unit_test(test_rule_17_strangers_of_a_look_that_failed),
        };

        return cmocka_run_group_tests(tests, desk_make_notary, desk_forget_notary);
}
