// SPDX-License-Identifier: EUPL-1.2
// Sealed recordings that were cut off: recovery cannot look into them, and what manifest.json says of them anybody may have written. What it
// states of the last file, and of the one that the tail anchor knows, is enough for whoever has a key (docs/formats/sealed.md, 7).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/sealed.h"
#include "after.h"
#include "seal.h"
#include "start.h"
#include "verdict.h"

#define FIRST "0001.mp4.sealed"
#define SECOND "0002.mp4.sealed"
#define THIRD "0003.mp4.sealed"

static struct specimen sealed; // closed, of three segments
static struct scene_marks *marks;
static struct seal seal;

static int make(void **state)
{
        (void)state;
        marks = malloc(sizeof(*marks));
        assert_non_null(marks);
        seal_make(&seal);
        notary_make(&scene_notary);
        scene_agency = seal.agency;
        scene_record(0, SCENE_WELL, &sealed);
        verdict_key(seal.opener);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        free(marks);
        specimen_done(&sealed);
        notary_done(&scene_notary);
        seal_done(&seal);
        return 0;
}

// ---- what lies in a sealed file --------------------------------------------------------------------------------

struct parts {
        size_t header, begin;         // where the header ends; and the commitment behind it
        size_t chunk[400], plain[400]; // where each chunk ends, in the file and in its plain text
        size_t chunks;
};

static uint32_t number_at(const uint8_t *bytes)
{
        return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void parts_of(const struct specimen_file *file, struct parts *ret_parts)
{
        size_t envelope = 12 + 1 + file->bytes[12] + 36, plain = 0;

        *ret_parts = (struct parts){ .header = envelope + 4 + number_at(file->bytes + envelope) };
        ret_parts->begin = ret_parts->header + BC_SEALED_COMMITMENT_BYTES;
        for (size_t at = ret_parts->begin; at < file->size;) {
                size_t n = number_at(file->bytes + at) & 0x7fffffff;

                assert_true(ret_parts->chunks < 400);
                at += BC_SEALED_HEAD_BYTES + n + BC_SEALED_TAG_BYTES;
                plain += n;
                ret_parts->chunk[ret_parts->chunks] = at;
                ret_parts->plain[ret_parts->chunks++] = plain;
        }
}

static void marks_of(const struct specimen_file *file)
{
        seal_marks(&seal, file, marks);
}

// Where the file ends once its nth record was durable.
static size_t end_of(const struct specimen_file *file, size_t nth)
{
        struct parts parts;
        size_t i = 0;

        parts_of(file, &parts);
        while (i < parts.chunks && parts.plain[i] < marks->end[nth])
                i++;
        assert_true(i < parts.chunks);
        return parts.chunk[i];
}

// ---- what is found ---------------------------------------------------------------------------------------------

// user not NULL: and of recording 2, that it came to nothing.
static void begin(struct bc_ledger *ledger, void *user)
{
        struct bc_ledger_entry entry;

        bc_entry_beginning(&entry, 1, 1, 110 * BC_TICKS_PER_S);
        bc_ledger_tell(ledger, &entry, false);
        if (!user)
                return;
        bc_entry_beginning(&entry, bc_signer_now_ns(scene_notary.signer), 2, 150 * BC_TICKS_PER_S);
        bc_ledger_tell(ledger, &entry, false);
        bc_entry_closing(&entry, bc_signer_now_ns(scene_notary.signer), 2, 0, NULL);
        bc_ledger_tell(ledger, &entry, true);
}

// Where manifest.json calls every file there is closed, as if its recorder had, or none, as a power cut leaves it.
static void write_manifest(const struct clinic *clinic, bool closed)
{
        struct bc_manifest manifest;
        size_t kept = 0;

        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, clinic->folder_fd), 0);
        manifest.state = closed ? BC_RECORDING_CLOSED : BC_RECORDING_OPEN;
        if (!closed) {
                manifest.stop_reason[0] = '\0';
                manifest.stop_ticks = BC_TICKS_UNKNOWN;
        }
        for (size_t i = 0; i < manifest.segments; i++) {
                struct bc_manifest_segment *entry = &manifest.segment[i];
                char name[BC_SEGMENT_NAME_BYTES_MAX];
                size_t size;
                char *bytes;

                bc_segment_file_name(entry->number, true, name);
                if (!folder_has(clinic->folder_fd, name))
                        continue;
                bytes = folder_read(clinic->folder_fd, name, &size);
                free(bytes);
                entry->bytes = size;
                entry->state = closed || entry->number < manifest.segments ? BC_SEGMENT_CLOSED : BC_SEGMENT_OPEN;
                manifest.segment[kept++] = *entry;
        }
        manifest.segments = kept;
        assert_int_equal(bc_manifest_save(&manifest, clinic->folder_fd), 0);
        bc_manifest_done(&manifest);
}

static void open_clinic(struct clinic *clinic, const struct specimen *before, bool closed, bool another)
{
        clinic_open(clinic, before);
        write_manifest(clinic, closed);
        clinic_list(clinic);
        (void)start_run(clinic, &(struct start){ .tell = begin, .user = another ? clinic : NULL, .idle = true });
}

// The nth record of a segment.
static struct bc_anchor_state anchor_on(uint32_t segment, size_t nth)
{
        struct bc_anchor_state anchor = { .recording = 1, .segment = segment, .index = (uint32_t)nth + 1, .tail_ns = marks->signed_ns[nth] };

        memcpy(anchor.tail_hash, marks->hash[nth], BC_HASH_BYTES);
        return anchor;
}

// Two starts: the recording is listed until the ledger has what the first one found.
static void recover(const struct clinic *clinic, const struct bc_anchor_state *anchor)
{
        struct bc_recovery_report report = start_run(clinic, &(struct start){ .anchor = anchor });

        assert_int_equal(report.failed, 0);
        assert_int_equal(report.waiting, 1);
        assert_true(clinic_is_listed(clinic));
        report = start_run(clinic, &(struct start){ .anchor = anchor });
        assert_int_equal(report.failed + report.waiting, 0);
        assert_false(clinic_is_listed(clinic));
}

// ---- cut off within a segment ----------------------------------------------------------------------------------

// Whatever manifest.json says: where the anchor agrees it is proven, and where somebody took more away it is not hidden.
static void test_rule_08_sealed_and_called_closed(void **state)
{
        (void)state;
        for (int closed = 0; closed < 2; closed++)
                for (int taken = 0; taken < 3; taken++) {
                        static const enum bc_verdict expected[] = { BC_VERDICT_AUTHENTIC, BC_VERDICT_TAMPERED, BC_VERDICT_UNPROVEN };
                        struct specimen before;
                        struct specimen_file *file;
                        struct bc_anchor_state anchor;
                        struct clinic clinic;

                        specimen_copy(&sealed, &before);
                        file = specimen_find(&before, THIRD);
                        marks_of(file);
                        assert_true(marks->records > 6);
                        anchor = anchor_on(3, taken == 1 ? 5 : 3);
                        specimen_cut(file, end_of(file, 3));
                        open_clinic(&clinic, &before, closed, false);
                        recover(&clinic, taken == 2 ? NULL : &anchor);
                        assert_true(folder_has(clinic.folder_fd, "0003.recovered"));
                        EXPECT_STORE(&clinic, expected[taken]);
                        verdict_key(NULL);
                        EXPECT_STORE(&clinic, BC_VERDICT_UNJUDGED);
                        verdict_key(seal.opener);
                        clinic_close(&clinic);
                        specimen_done(&before);
                }
}

// The anchor knows segment 2, which somebody cut; and put something behind it that nobody signed.
static void test_rule_08_sealed_cut_behind_another(void **state)
{
        struct specimen before;
        struct specimen_file *file;
        struct bc_anchor_state anchor;
        struct clinic clinic;

        (void)state;
        specimen_copy(&sealed, &before);
        specimen_cut(specimen_find(&before, THIRD), 100);
        file = specimen_find(&before, SECOND);
        marks_of(file);
        anchor = anchor_on(2, marks->records - 2);
        specimen_cut(file, end_of(file, 3));
        open_clinic(&clinic, &before, true, false);
        recover(&clinic, &anchor);
        assert_true(folder_has(clinic.folder_fd, "0002.recovered"));
        assert_true(folder_has(clinic.folder_fd, "0003.recovered"));
        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
        clinic_close(&clinic);
        specimen_done(&before);
}

// Or something that is no segment: behind it, or beside it under the same number.
static void test_rule_08_sealed_cut_and_a_stranger(void **state)
{
        static const char *const names[] = { "0005.mp4", "0005.mp4.sealed", "0003.mp4" };

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                struct bc_anchor_state anchor;
                struct specimen_file *file;
                struct specimen before;
                struct clinic clinic;

                specimen_copy(&sealed, &before);
                file = specimen_find(&before, THIRD);
                marks_of(file);
                anchor = anchor_on(3, 5);
                anchor.segment = 4; // which is gone
                specimen_cut(file, end_of(file, 3));
                open_clinic(&clinic, &before, true, false);
                assert_int_equal(mkdirat(clinic.folder_fd, names[i], 0755), 0);
                recover(&clinic, &anchor);
                assert_true(folder_has(clinic.folder_fd, "0003.recovered"));
                assert_int_equal(unlinkat(clinic.folder_fd, names[i], AT_REMOVEDIR), 0);
                EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// What recovery wrote beside segment 3 of a copy that it then forgot. The caller frees it.
static char *record_beside(const struct specimen *before, const struct bc_anchor_state *anchor, size_t *ret_bytes)
{
        struct clinic clinic;
        char *record;

        open_clinic(&clinic, before, true, false);
        recover(&clinic, anchor);
        record = folder_read(clinic.folder_fd, "0003.recovered", ret_bytes);
        clinic_close(&clinic);
        return record;
}

enum planted {
        CHANGED, // this device's record, with a byte that is another one
        NOTHING,
        FOLDER,
        LINK,
        KINDS_PLANTED,
};

static void plant(const struct clinic *clinic, enum planted what, const char *record, size_t n)
{
        static const char name[] = "0003.recovered";

        if (what == FOLDER)
                assert_int_equal(mkdirat(clinic->folder_fd, name, 0755), 0);
        else if (what == LINK)
                assert_int_equal(symlinkat("/dev/zero", clinic->folder_fd, name), 0);
        else
                folder_write(clinic->folder_fd, name, record, what == NOTHING ? 0 : n);
}

// Or something else in the place of the record beside it, to be taken away once recovery has been through.
static void test_rule_08_sealed_cut_and_record_planted(void **state)
{
        (void)state;
        for (int what = 0; what < KINDS_PLANTED; what++)
                for (int agrees = 0; agrees < 2; agrees++) {
                        struct bc_anchor_state anchor;
                        struct specimen_file *file;
                        struct specimen before;
                        struct clinic clinic;
                        char *record;
                        size_t n;

                        specimen_copy(&sealed, &before);
                        file = specimen_find(&before, THIRD);
                        marks_of(file);
                        anchor = anchor_on(3, agrees ? 3 : 5);
                        record = record_beside(&before, &anchor, &n);
                        record[n - 1] ^= 1;
                        specimen_cut(file, end_of(file, 3));
                        open_clinic(&clinic, &before, true, false);
                        plant(&clinic, (enum planted)what, record, n);
                        recover(&clinic, &anchor);
                        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED); // there is something that does not belong there
                        assert_int_equal(verdict_alarms(&clinic, "put aside, foreign: 000001/0003.recovered"), 1);
                        if (what == CHANGED) {
                                size_t after_bytes;
                                char *after = folder_read(clinic.folder_fd, "0003.recovered.foreign1", &after_bytes);

                                assert_int_equal(after_bytes, n);
                                assert_memory_equal(after, record, n);
                                free(after);
                        }
                        assert_int_equal(unlinkat(clinic.folder_fd, "0003.recovered.foreign1", what == FOLDER ? AT_REMOVEDIR : 0), 0);
                        EXPECT_STORE(&clinic, agrees ? BC_VERDICT_AUTHENTIC : BC_VERDICT_TAMPERED);
                        free(record);
                        clinic_close(&clinic);
                        specimen_done(&before);
                }
}

// A former key's record, of which the ledger has not heard, is no stranger's where the recording began under that key. Beside one of this
// key's it is: whoever has a former key is not to keep recovery silent.
static void test_rule_17_former_keys_record_beside_it(void **state)
{
        (void)state;
        for (int of_former = 0; of_former < 2; of_former++) {
                struct notary ours = scene_notary, former;
                struct bc_anchor_state anchor;
                struct specimen_file *file;
                struct specimen before;
                struct clinic clinic;
                char *record, *after;
                size_t n, after_bytes;

                specimen_copy(&sealed, &before);
                file = specimen_find(&before, THIRD);
                marks_of(file);
                anchor = anchor_on(3, 3);
                specimen_cut(file, end_of(file, 3));
                notary_make_again(&former, &ours);
                scene_notary = former;
                record = record_beside(&before, &anchor, &n);
                if (!of_former)
                        scene_notary = ours;
                open_clinic(&clinic, &before, true, false); // where its ledger says that it has begun
                scene_notary = ours;
                plant(&clinic, CHANGED, record, n);         // as it is
                assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).failed, 0);
                assert_int_equal(folder_has(clinic.folder_fd, "0003.recovered.foreign1"), !of_former);
                after = folder_read(clinic.folder_fd, "0003.recovered", &after_bytes);
                assert_int_equal(after_bytes == n && memcmp(after, record, n) == 0, of_former);
                if (!of_former) {
                        (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
                        assert_int_equal(unlinkat(clinic.folder_fd, "0003.recovered.foreign1", 0), 0);
                        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
                }
                free(after);
                free(record);
                clinic_close(&clinic);
                specimen_done(&before);
                notary_done(&former);
        }
}

// Of a recording that the ledger calls closed nothing is to be stated, and what is gone of it shows.
static void close_it(struct bc_ledger *ledger, void *user)
{
        struct bc_ledger_entry entry;

        begin(ledger, NULL);
        bc_entry_closing(&entry, 1, 1, 3, user);
        bc_ledger_tell(ledger, &entry, true);
}

static void test_rule_10_sealed_and_closed(void **state)
{
        (void)state;
        for (int cut = 0; cut < 2; cut++) {
                struct specimen before;
                struct specimen_file *file;
                struct bc_anchor_state anchor;
                struct clinic clinic;

                specimen_copy(&sealed, &before);
                file = specimen_find(&before, THIRD);
                marks_of(file);
                anchor = anchor_on(3, cut ? 3 : marks->records - 1);
                if (cut)
                        specimen_cut(file, end_of(file, 3));
                clinic_open(&clinic, &before);
                write_manifest(&clinic, true);
                clinic_list(&clinic);
                (void)start_run(&clinic, &(struct start){ .tell = close_it, .user = marks->hash[marks->records - 1], .idle = true });
                assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).waiting, 0);
                assert_false(folder_has(clinic.folder_fd, "0003.recovered"));
                EXPECT_STORE(&clinic, cut ? BC_VERDICT_TAMPERED : BC_VERDICT_AUTHENTIC);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// ---- cut off between two segments --------------------------------------------------------------------------------

static void copy_two(struct specimen *ret_before)
{
        specimen_copy(&sealed, ret_before);
        specimen_remove(ret_before, THIRD);
        marks_of(specimen_find(ret_before, SECOND));
        assert_int_equal(marks->kind[marks->records - 1], BC_RECORD_CONTINUES);
}

static void test_rule_08_sealed_cut_off_between(void **state)
{
        (void)state;
        for (enum after after = 0; after < AFTERS; after++) {
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                copy_two(&before);
                anchor = after_anchor(marks, after);
                open_clinic(&clinic, &before, after % 2, after == AFTER_ELSEWHERE);
                EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
                recover(&clinic, &anchor);
                EXPECT_STORE(&clinic, after_expected[after]);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// The power goes again before the ledger has it: it is told again, of the record that lies there.
static void test_rule_08_sealed_cut_off_before_the_ledger_has_it(void **state)
{
        (void)state;
        for (int cuts = 1; cuts <= 3; cuts++) {
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                copy_two(&before);
                anchor = after_anchor(marks, AFTER_LAST);
                open_clinic(&clinic, &before, true, false);
                for (int i = 0; i < cuts; i++)
                        (void)start_run(&clinic, &(struct start){ .anchor = &anchor, .cut_off = true });
                for (int i = 0; i < 2; i++)
                        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).failed, 0);
                assert_false(clinic_is_listed(&clinic));
                EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// What was stated holds: what is put behind, or taken away, is found.
static void test_rule_10_sealed_changed_behind_the_statement(void **state)
{
        static const struct {
                const char *taken, *put;
                enum bc_verdict verdict;
        } cases[] = { { SECOND, NULL, BC_VERDICT_TAMPERED },
                      { "0002.recovered", NULL, BC_VERDICT_TAMPERED },
                      { NULL, THIRD, BC_VERDICT_TAMPERED } };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct specimen_file *third = specimen_find(&sealed, THIRD);
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                copy_two(&before);
                anchor = after_anchor(marks, AFTER_LAST);
                open_clinic(&clinic, &before, true, false);
                recover(&clinic, &anchor);
                if (cases[i].taken)
                        assert_int_equal(unlinkat(clinic.folder_fd, cases[i].taken, 0), 0);
                if (cases[i].put)
                        folder_write(clinic.folder_fd, cases[i].put, third->bytes, third->size / 2);
                EXPECT_STORE(&clinic, cases[i].verdict);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// ---- cut off in the first write of a segment ---------------------------------------------------------------------

// The bytes of a segment's first write that reached the card, or zeros in their place.
static void tear_first_write(struct specimen *before, const char *name, int what)
{
        struct specimen_file *file;
        struct parts parts;

        specimen_copy(&sealed, before);
        file = specimen_find(before, name);
        parts_of(file, &parts);
        size_t sizes[] = { 0, 5, 100, parts.header - 1, parts.header, parts.header + 7, parts.begin, parts.begin + 3, parts.chunk[0] - 1 };
        const size_t cuts = sizeof(sizes) / sizeof(sizes[0]);

        if ((size_t)what < cuts) {
                specimen_cut(file, sizes[what]);
                return;
        }
        // Sectors that did not reach the card.
        static const size_t lost[][2] = { { 0, 100000 }, { 0, 512 }, { 100, 300 }, { 512, 1024 } };
        size_t from = lost[(size_t)what - cuts][0], to = lost[(size_t)what - cuts][1];
        specimen_cut(file, parts.chunk[0]);
        memset(file->bytes + from, 0, (to < file->size ? to : file->size) - from);
}

static const int tears = 13;

static void test_rule_09_sealed_cut_off_in_the_first_write(void **state)
{
        (void)state;
        for (int what = 0; what < tears; what++)
                for (enum after after = 0; after < AFTERS; after++) {
                        struct bc_anchor_state anchor;
                        struct specimen before;
                        struct clinic clinic;

                        // What of segment 2 is not there shows without the anchor.
                        if (after == AFTER_FALSE)
                                continue;
                        tear_first_write(&before, THIRD, what);
                        marks_of(specimen_find(&before, SECOND));
                        anchor = after_anchor(marks, after);
                        open_clinic(&clinic, &before, after % 2, after == AFTER_ELSEWHERE);
                        recover(&clinic, &anchor);
                        enum bc_verdict verdict = verdict_of_store(&clinic, false);
                        if (verdict != after_expected[after]) {
                                (void)verdict_of_store(&clinic, true);
                                fail_msg("tear %d, anchor %d: %s", what, (int)after, bc_verdict_name(verdict));
                        }
                        // As the power cut left it, and no otherwise.
                        folder_write(clinic.folder_fd, THIRD, "something else", 14);
                        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                        clinic_close(&clinic);
                        specimen_done(&before);
                }
}

// Nor was anything of the recording durable before. The anchor knows of no recording, or has a record of it that is gone.
static void test_rule_09_sealed_nothing_of_it(void **state)
{
        (void)state;
        for (int what = 0; what < tears; what++)
                for (int named = 0; named < 2; named++) {
                        struct bc_anchor_state anchor;
                        struct specimen before;
                        struct clinic clinic;

                        tear_first_write(&before, FIRST, what);
                        specimen_remove(&before, SECOND);
                        specimen_remove(&before, THIRD);
                        marks_of(specimen_find(&sealed, FIRST));
                        anchor = anchor_on(1, 0);
                        open_clinic(&clinic, &before, named, false);
                        recover(&clinic, named ? &anchor : NULL);
                        EXPECT_STORE(&clinic, named ? BC_VERDICT_TAMPERED : BC_VERDICT_AUTHENTIC);
                        clinic_close(&clinic);
                        specimen_done(&before);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_08_sealed_and_called_closed),
                cmocka_unit_test(test_rule_08_sealed_cut_behind_another),
                cmocka_unit_test(test_rule_08_sealed_cut_and_a_stranger),
                cmocka_unit_test(test_rule_08_sealed_cut_and_record_planted),
                cmocka_unit_test(test_rule_17_former_keys_record_beside_it),
                cmocka_unit_test(test_rule_10_sealed_and_closed),
                cmocka_unit_test(test_rule_08_sealed_cut_off_between),
                cmocka_unit_test(test_rule_08_sealed_cut_off_before_the_ledger_has_it),
                cmocka_unit_test(test_rule_10_sealed_changed_behind_the_statement),
                cmocka_unit_test(test_rule_09_sealed_cut_off_in_the_first_write),
                cmocka_unit_test(test_rule_09_sealed_nothing_of_it),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
