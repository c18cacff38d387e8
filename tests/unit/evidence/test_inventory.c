// SPDX-License-Identifier: EUPL-1.2
// The final manifest on a card that goes away at each of its calls: never a signature beside a manifest that it does
// not sign, and the next start ends with both.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/endorsement.h"
#include "evidence/inventory.h"
#include "folder.h"
#include "lib/wrapped.h"
#include "notary.h"

// ---- the card --------------------------------------------------------------------------------------------------

static struct {
        bool watched;
        int countdown; // calls until it goes away
        int returns;   // so many calls fail; then it is there again
        unsigned struck;
} card;

static bool strikes(void)
{
        if (!card.watched || card.countdown-- > 0 || card.returns <= 0)
                return false;
        card.returns--;
        card.struck++;
        errno = EIO;
        return true;
}

int __wrap_fsync(int fd)
{
        return strikes() ? -1 : __real_fsync(fd);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
        return strikes() ? -1 : __real_pwrite(fd, bytes, n, offset);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t n, off_t offset)
{
        return strikes() ? -1 : __real_pread(fd, bytes, n, offset);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return strikes() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

// ---- the scene -------------------------------------------------------------------------------------------------

static struct notary notary;
static struct bc_clock *clock_;
static struct bc_inventory_kit kit;
static char path[FOLDER_PATH_BYTES];
static int folder_fd;

static int set_up(void **state)
{
        (void)state;
        notary_make(&notary);
        assert_int_equal(bc_clock_new_real(&clock_), 0);
        notary_set(&notary, &(struct notary_temper){ 0 });
        notary_open(&notary, clock_, 1, 1);
        kit = (struct bc_inventory_kit){ .signer = notary.signer, .public_key = notary.public_key, .algorithm = BC_RECORD_ES256,
                                         .chain = { notary.certificate[0] }, .chain_count = 1 };
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        notary_close(&notary);
        bc_clock_free(clock_);
        notary_done(&notary);
        return 0;
}

// A recording that came to nothing but a tail: what matters here is the order of things.
static void make_recording(struct bc_manifest *manifest)
{
        bc_manifest_init(manifest);
        memcpy(manifest->device, "TEST-0001", 10);
        manifest->counter = 1;
        manifest->state = BC_RECORDING_CLOSED;
        assert_true(bc_manifest_add_mark(manifest, 48000, "late"));
        folder_make(path);
        folder_fd = folder_open(path);
        assert_int_equal(bc_manifest_save(manifest, folder_fd), 0);
        folder_write_text(folder_fd, "0001.tail", "tail");
}

static void remove_recording(struct bc_manifest *manifest)
{
        bc_manifest_done(manifest);
        close(folder_fd);
        folder_remove(path);
}

static bool is_signed(void)
{
        size_t der_bytes, bytes;
        char *der, *text;
        bool good;

        if (!folder_has(folder_fd, "manifest.sig"))
                return false;
        der = folder_read(folder_fd, "manifest.sig", &der_bytes);
        text = folder_read(folder_fd, "manifest.json", &bytes);
        good = bc_endorsement_recognise(&notary.public_key, (const uint8_t *)der, der_bytes, text, bytes);
        free(der);
        free(text);
        return good;
}

// The nth call fails: the error, or what was found.
static int look_with_fault(uint64_t counter, int n)
{
        enum bc_inventory_found found;
        int r;

        card.watched = true;
        card.countdown = n;
        card.returns = 1;
        card.struck = 0;
        r = bc_inventory_look(&kit, folder_fd, counter, &found);
        card.watched = false;
        assert_true(r < 0 || found == BC_INVENTORY_DONE);
        return r;
}

static enum bc_inventory_found look(uint64_t counter)
{
        enum bc_inventory_found found;

        assert_int_equal(bc_inventory_look(&kit, folder_fd, counter, &found), 0);
        return found;
}

static bool is_done(uint64_t counter)
{
        return look(counter) == BC_INVENTORY_DONE;
}

// As recovery does it.
static int start_again(void)
{
        struct bc_manifest manifest;
        int r;

        if (is_done(1))
                return 0;
        bc_manifest_init(&manifest);
        r = bc_inventory_withdraw(folder_fd);
        if (r == 0)
                r = bc_manifest_load(&manifest, folder_fd);
        if (r == 0) {
                manifest.read_back = true;
                r = bc_inventory_finish(&kit, folder_fd, &manifest, NULL, NULL);
        }
        bc_manifest_done(&manifest);
        return r;
}

static void check_final(bool read_back)
{
        struct bc_manifest manifest;

        assert_true(is_done(1));
        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, folder_fd), 0);
        assert_true(manifest.final);
        assert_int_equal(manifest.read_back, read_back);
        assert_int_equal(manifest.files, 1);
        assert_string_equal(manifest.file[0].name, "0001.tail");
        assert_int_equal(manifest.file[0].state, BC_LISTED_TAIL);
        assert_int_equal(manifest.marks, 1);
        bc_manifest_done(&manifest);
}

// ---- tests -----------------------------------------------------------------------------------------------------

static void test_cut_off_at_each_call(void **state)
{
        unsigned cuts = 0;

        (void)state;
        for (int returns = 1; returns <= 1000; returns += 999)
                for (int at = 0;; at++) {
                        struct bc_manifest manifest;
                        bool done;
                        int r;

                        make_recording(&manifest);
                        card.watched = true;
                        card.countdown = at;
                        card.returns = returns;
                        card.struck = 0;
                        r = bc_inventory_finish(&kit, folder_fd, &manifest, NULL, NULL);
                        card.watched = false;
                        assert_int_equal(r < 0, card.struck > 0);
                        assert_true(is_signed() || !folder_has(folder_fd, "manifest.sig"));
                        done = is_done(1); // the last call may have failed when all was there
                        assert_true(done || r < 0);
                        assert_int_equal(start_again(), 0);
                        check_final(!done);
                        remove_recording(&manifest);
                        if (card.struck == 0)
                                break;
                        cuts++;
                }
        assert_true(cuts >= 14);
}

static void test_what_was_changed_is_not_done(void **state)
{
        struct bc_manifest manifest;
        char *text, *der;
        size_t bytes, der_bytes;

        (void)state;
        make_recording(&manifest);
        assert_int_equal(bc_inventory_finish(&kit, folder_fd, &manifest, NULL, NULL), 0);
        check_final(false);
        text = folder_read(folder_fd, "manifest.json", &bytes);
        der = folder_read(folder_fd, "manifest.sig", &der_bytes);
        for (size_t i = 0; i < bytes; i += 7) {
                text[i] ^= 1;
                folder_write(folder_fd, "manifest.json", text, bytes);
                assert_false(is_done(1));
                text[i] ^= 1;
        }
        folder_write(folder_fd, "manifest.json", text, bytes);
        assert_true(is_done(1));
        // Signed, and of a recording that was not closed: it is made anew.
        manifest.state = BC_RECORDING_RECOVERED;
        assert_int_equal(bc_inventory_finish(&kit, folder_fd, &manifest, NULL, NULL), 0);
        assert_true(is_signed());
        assert_int_equal(look(1), BC_INVENTORY_OURS);
        // Another recording's.
        folder_write(folder_fd, "manifest.sig", der, der_bytes);
        assert_false(is_signed());
        assert_int_equal(look(1), BC_INVENTORY_ANOTHERS);
        assert_int_equal(bc_inventory_withdraw(folder_fd), 0);
        assert_false(folder_has(folder_fd, "manifest.sig"));
        assert_int_equal(bc_inventory_withdraw(folder_fd), 0);
        free(text);
        free(der);
        remove_recording(&manifest);
}

static void test_a_key_that_fails(void **state)
{
        struct bc_manifest manifest;

        (void)state;
        make_recording(&manifest);
        notary_set(&notary, &(struct notary_temper){ .broken = true });
        assert_int_equal(bc_inventory_finish(&kit, folder_fd, &manifest, NULL, NULL), -EIO);
        assert_false(folder_has(folder_fd, "manifest.sig"));
        notary_set(&notary, &(struct notary_temper){ 0 });
        assert_int_equal(start_again(), 0);
        check_final(true);
        remove_recording(&manifest);
}

// Of a file that a failing card does not give out nothing is said; of one that is something else, that.
static void test_what_cannot_be_read_does_not_differ(void **state)
{
        struct bc_manifest manifest;
        struct bc_manifest_segment *segment;

        (void)state;
        make_recording(&manifest);
        segment = bc_manifest_add_segment(&manifest, 1);
        assert_non_null(segment);
        segment->state = BC_SEGMENT_CLOSED;
        segment->bytes = strlen("no segment");
        folder_write_text(folder_fd, "0001.mp4", "no segment");
        card.watched = true;
        card.countdown = 0;
        card.returns = 1;
        assert_int_equal(bc_inventory_finish(&kit, folder_fd, &manifest, NULL, NULL), -EIO);
        card.watched = false;
        assert_false(folder_has(folder_fd, "manifest.sig"));
        assert_int_equal(manifest.files, 0);
        assert_int_equal(bc_inventory_finish(&kit, folder_fd, &manifest, NULL, NULL), 0);
        assert_int_equal(manifest.files, 2);
        assert_int_equal(manifest.file[0].state, BC_LISTED_DIFFERS);
        remove_recording(&manifest);
}

// Put into another recording's folder it says nothing of that.
static void test_another_recordings_manifest(void **state)
{
        struct bc_manifest manifest;

        (void)state;
        make_recording(&manifest);
        assert_int_equal(bc_inventory_finish(&kit, folder_fd, &manifest, NULL, NULL), 0);
        assert_int_equal(look(1), BC_INVENTORY_DONE);
        assert_int_equal(look(2), BC_INVENTORY_ANOTHERS);
        // What cannot be read at the moment is not called somebody else's.
        for (int n = 0; look_with_fault(1, n) < 0; n++)
                ;
        assert_true(card.struck == 0);
        remove_recording(&manifest);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_cut_off_at_each_call, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_was_changed_is_not_done, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_cannot_be_read_does_not_differ, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_another_recordings_manifest, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_key_that_fails, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
