// SPDX-License-Identifier: EUPL-1.2
// manifest.json is for people and programs that do not verify. Nothing in it is proof: it is compared, value by value, with
// what the records come to, so that nobody is misled by an edited one.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/utc.h"
#include "verify/endorsement.h"
#include "verify/text.h"

#define MANIFEST "manifest.json"
#define MANIFEST_BYTES_MAX (5 * 1024 * 1024)
#define ENTRIES_MAX 1000 // then the manifest merges entries, and the lists differ

BC_DEFINE_CLEANUP(json, json_t, json_decref)

struct comparison {
        struct bc_findings *findings;
        const struct bc_segment_verdict *first, *last;
        bool vouched;   // the device signed it as it had it in memory
        bool endorsed;  // it is signed, be it as it lay there at a later start
        bool sealed;    // words and marks are left out of it
        bool recovered; // the manifest was written at a later start, or lags behind by what the power cut took
};

static void differ(const struct comparison *comparison, bool list, const char *what)
{
        // What was about to be saved when the power went may be in the one and not in the other: the next start signs what it found.
        bool lawful = list && comparison->recovered;
        enum bc_verdict verdict = !lawful ? BC_VERDICT_TAMPERED : comparison->endorsed ? BC_VERDICT_NOTE : BC_VERDICT_UNPROVEN;

        bc_find(comparison->findings, BC_FINDING_SUMMARY, verdict, BC_NO_OFFSET, MANIFEST " differs from the records in \"%s\"%s",
                what, verdict == BC_VERDICT_UNPROVEN ? ", and nothing vouches for it: somebody may have edited it" : "");
}

// What was durable in a segment, and was to be saved in the manifest next: the power went, and recovery has not been through since.
static void lag(const struct comparison *comparison, const char *what)
{
        bc_find(comparison->findings, BC_FINDING_SUMMARY, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                MANIFEST " does not have %s yet: the power may have gone before it was saved, or somebody has edited it", what);
}

static void compare_integer(const struct comparison *comparison, const json_t *object, const char *key, int64_t expected)
{
        const json_t *value = json_object_get(object, key);
        bool same = expected == BC_RECORD_UNKNOWN ? json_is_null(value)
                                                  : json_is_integer(value) && json_integer_value(value) == expected;

        if (!same)
                differ(comparison, false, key);
}

static bool same_text(const json_t *value, const char *expected)
{
        return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

// Of a sealed recording the words that came with a command are left out: "command" of "command: WORDS".
static void compare_reason(const struct comparison *comparison, const json_t *object, const char *key, const char *expected)
{
        const char *value = json_string_value(json_object_get(object, key)), *words = strstr(expected, ": ");
        size_t n = comparison->sealed && words ? (size_t)(words - expected) : strlen(expected);

        if (!value || strlen(value) != n || memcmp(value, expected, n) != 0)
                differ(comparison, false, key);
}

static void compare_text(const struct comparison *comparison, const json_t *object, const char *key, const char *expected)
{
        if (!same_text(json_object_get(object, key), expected))
                differ(comparison, false, key);
}

// Keys that manifest.md does not list could tell a reader anything.
static void check_keys(const struct comparison *comparison, const json_t *object, const char *const *known)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)object, key, value) {
                size_t i = 0;
                while (known[i] && strcmp(known[i], key) != 0)
                        i++;
                if (!known[i])
                        bc_find(comparison->findings, BC_FINDING_SUMMARY, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                                MANIFEST " has a key that is none of its format: \"%s\"", key);
        }
}

// The power went when the record that ends the recording was durable, and the manifest that says so was not.
static bool is_behind(const json_t *root)
{
        const json_t *state = json_object_get(root, "state");

        return json_is_null(json_object_get(root, "stop_ticks")) && (same_text(state, "open") || same_text(state, "recovered"));
}

static void compare_head(const struct comparison *comparison, const json_t *root)
{
        const struct bc_segment_verdict *first = comparison->first, *last = comparison->last;
        bool closed = last->end == BC_RECORD_CLOSE;
        char boot_id[2 * BC_BOOT_ID_BYTES + 1];

        compare_integer(comparison, root, "version", 1);
        compare_integer(comparison, root, "ticks_per_second", BC_TICKS_PER_S);
        compare_text(comparison, root, "device", first->device);
        compare_integer(comparison, root, "recording", (int64_t)first->recording);
        compare_text(comparison, root, "boot_id", bc_text_hex(first->boot_id, BC_BOOT_ID_BYTES, boot_id));
        if (closed && !comparison->recovered) {
                compare_text(comparison, root, "state", "closed");
                compare_reason(comparison, root, "stop_reason", last->ended_reason);
                compare_integer(comparison, root, "stop_ticks", last->stop_ticks);
        } else if (last->end == BC_RECORD_RECOVERED && same_text(json_object_get(root, "state"), "open")) {
                lag(comparison, "its end"); // recovery itself was cut off
        } else if (last->end == BC_RECORD_RECOVERED && !same_text(json_object_get(root, "state"), "recovered") &&
                   !same_text(json_object_get(root, "state"), "closed")) {
                differ(comparison, false, "state");
        }
        // One that did not end has no end.
        if (same_text(json_object_get(root, "state"), "open") || same_text(json_object_get(root, "state"), "recovered")) {
                compare_text(comparison, root, "stop_reason", "");
                compare_integer(comparison, root, "stop_ticks", BC_RECORD_UNKNOWN);
        }
        if (!comparison->recovered || !json_is_null(json_object_get(root, "press_ticks"))) {
                compare_reason(comparison, root, "reason", first->begun_reason);
                compare_integer(comparison, root, "press_ticks", first->press_ticks);
                compare_integer(comparison, root, "pre_event_ticks", first->pre_event_ticks);
        }
}

// What no record tells: at least of its form, and only where it may stand.
static void check_form(const struct comparison *comparison, const json_t *entry)
{
        static const char *const counts[] = { "tail_bytes", "missing_bytes" };
        const json_t *error = json_object_get(entry, "error"), *number = json_object_get(entry, "errno");
        const json_t *succeeds = json_object_get(entry, "succeeds");
        const char *file = json_string_value(json_object_get(entry, "file"));
        bool none = !error && !number;

        if (!none && (!json_is_string(error) || json_integer_value(number) < 1 || json_integer_value(number) > 4095 ||
                      same_text(json_object_get(entry, "state"), "closed")))
                differ(comparison, false, "error");
        if (succeeds && (json_integer_value(succeeds) < 1 || json_integer_value(succeeds) >= (file ? strtol(file, NULL, 10) : 0)))
                differ(comparison, false, "succeeds"); // one before it
        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
                const json_t *count = json_object_get(entry, counts[i]);
                if (count && (!json_is_integer(count) || json_integer_value(count) < 0))
                        differ(comparison, false, counts[i]);
        }
}

static void compare_segment(const struct comparison *comparison, const struct bc_recording_verdict *verdict, const json_t *entry)
{
        static const char *const keys[] = { "file",     "state", "first_ticks", "end_ticks",  "bytes",         "fragments",
                                            "succeeds", "error", "errno",       "tail_bytes", "missing_bytes", NULL };
        const char *file = json_string_value(json_object_get(entry, "file"));
        const struct bc_segment_verdict *segment = file ? bc_recording_find_segment(verdict, file) : NULL;
        const json_t *state = json_object_get(entry, "state");

        check_keys(comparison, entry, keys);
        check_form(comparison, entry);
        if (!segment) {
                if (!same_text(state, "empty") && !same_text(state, "missing"))
                        bc_find(comparison->findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                                "%s, which " MANIFEST " lists, is not there", file ? file : "a segment");
                else if (same_text(state, "missing"))
                        bc_find(comparison->findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                                "%s was not there any more when recovery looked, by " MANIFEST, file ? file : "a segment");
                return;
        }
        if (segment->tracks == 0)
                return;
        compare_integer(comparison, entry, "first_ticks", segment->label.base_ticks);
        if (same_text(state, "closed") || same_text(state, "recovered")) {
                // Recovery could not look into a sealed one: it is as the recorder saved it last.
                bool shut = segment->stored_sealed && (segment->beside || segment->end == 0);
                compare_integer(comparison, entry, "bytes", (int64_t)segment->bytes);
                if (segment->track[0].first_ticks != BC_RECORD_UNKNOWN && segment->end != BC_RECORD_RECOVERED && !shut)
                        compare_integer(comparison, entry, "end_ticks", segment->track[0].end_ticks);
                if (!shut)
                        compare_integer(comparison, entry, "fragments", segment->fragments);
        } else if (!same_text(state, "open") && !same_text(state, "abandoned")) {
                differ(comparison, false, "state");
        }
        if (segment->abandoned_count > 0)
                compare_integer(comparison, entry, "succeeds", segment->abandoned[segment->abandoned_count - 1].segment);
}

static void compare_segments(const struct comparison *comparison, const struct bc_recording_verdict *verdict, const json_t *root)
{
        const json_t *segments = json_object_get(root, "segments");
        const char *before = "";
        size_t listed = 0;

        if (!json_is_array(segments)) {
                differ(comparison, false, "segments");
                return;
        }
        for (size_t i = 0; i < json_array_size(segments); i++) {
                const json_t *entry = json_array_get(segments, i);
                const char *file = json_string_value(json_object_get(entry, "file"));
                // In ascending order: one that stands twice must not stand in for another.
                if (file && strncmp(before, file, BC_SEGMENT_DIGITS) >= 0)
                        differ(comparison, false, "segments");
                before = file ? file : before;
                listed += file && bc_recording_find_segment(verdict, file);
                compare_segment(comparison, verdict, entry);
        }
        // The first fragment of a segment is durable before the manifest has it.
        if (listed + 1 == verdict->segments && comparison->recovered && same_text(json_object_get(root, "state"), "open") &&
            strncmp(before, verdict->segment[listed].file, BC_SEGMENT_DIGITS) < 0)
                lag(comparison, verdict->segment[listed].file);
        else if (listed != verdict->segments)
                differ(comparison, false, "segments");
}

static bool has_entry(const json_t *list, const json_t *entry)
{
        for (size_t i = 0; i < json_array_size(list); i++)
                if (json_equal(json_array_get(list, i), entry))
                        return true;
        return false;
}

// The lists as sets: each entry of a is in b.
static bool has_entries(const json_t *b, const json_t *a)
{
        for (size_t i = 0; i < json_array_size(a); i++)
                if (!has_entry(b, json_array_get(a, i)))
                        return false;
        return true;
}

// Both ways: an entry that stands twice must not stand in for another one.
static bool same_entries(const json_t *a, const json_t *b)
{
        return json_array_size(a) == json_array_size(b) && has_entries(b, a) && has_entries(a, b);
}

static json_t *integer_or_null(int64_t value)
{
        return value == BC_RECORD_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *expect_gaps(const struct bc_news *news)
{
        json_t *list = json_array();

        for (size_t i = 0; i < news->gaps; i++)
                json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:I}", "kind", bc_gap_name(news->gap[i].kind),
                                                      "from_ticks", (json_int_t)news->gap[i].from_ticks, "to_ticks",
                                                      integer_or_null(news->gap[i].to_ticks), "count",
                                                      (json_int_t)news->gap[i].count));
        return list;
}

static json_t *expect_marks(const struct bc_news *news)
{
        json_t *list = json_array();

        for (size_t i = 0; i < news->marks; i++)
                json_array_append_new(list, json_pack("{s:I, s:s, s:i}", "ticks", (json_int_t)news->mark[i].ticks, "text",
                                                      news->mark[i].text, "count", 1));
        return list;
}

static json_t *expect_clock(const struct bc_news *news)
{
        json_t *list = json_array();

        for (size_t i = 0; i < news->clocks; i++) {
                const struct bc_record_clock *clock = &news->clock[i];
                char utc[BC_UTC_TEXT_BYTES];
                bool set = clock->source != 0 && bc_utc_format(clock->utc_ns, utc) == 0;
                json_array_append_new(list,
                                      json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:i}", "from_ticks",
                                                (json_int_t)clock->from_ticks, "source", bc_source_name(clock->source), "utc",
                                                set ? json_string(utc) : json_null(), "utc_ns", integer_or_null(clock->utc_ns),
                                                "uncertainty_ns", integer_or_null(clock->uncertainty_ns), "step_ns",
                                                integer_or_null(clock->step_ns), "count", 1));
        }
        return list;
}

// null: recovered without a manifest.
static void compare_list(const struct comparison *comparison, const json_t *root, const char *key, json_t *expected)
{
        BC_CLEANUP(bc_cleanup_json) json_t *owned = expected;
        const json_t *list = json_object_get(root, key);

        if (json_is_null(list) && comparison->recovered && comparison->endorsed)
                return;
        if (json_array_size(list) >= ENTRIES_MAX || json_array_size(expected) >= ENTRIES_MAX) {
                bc_find(comparison->findings, BC_FINDING_SUMMARY, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "\"%s\" of " MANIFEST " is full: what the records tell is more", key);
                return;
        }
        if (json_is_array(list) && same_entries(list, expected))
                return;
        differ(comparison, true, key);
}

// One that the officer may have set when the last record was asked for already: of its form, and within what was recorded.
static bool may_be_late(const struct comparison *comparison, const json_t *mark)
{
        const json_t *ticks = json_object_get(mark, "ticks"), *text = json_object_get(mark, "text");
        const json_t *count = json_object_get(mark, "count");

        return json_object_size(mark) == 3 && json_is_integer(ticks) && json_is_string(text) && json_is_integer(count) &&
               json_integer_value(count) >= 1 && json_string_length(text) <= BC_RECORD_TEXT_BYTES_MAX &&
               json_integer_value(ticks) >= comparison->first->base_ticks &&
               json_integer_value(ticks) < comparison->last->stop_ticks;
}

// Marks that no record has stand in the manifest alone. What the device signed from its memory it vouches for; else the power
// went before that, or somebody has added them.
static void compare_marks(const struct comparison *comparison, const json_t *root, json_t *expected)
{
        BC_CLEANUP(bc_cleanup_json) json_t *owned = expected;
        const json_t *list = json_object_get(root, "marks");
        size_t late = json_array_size(list) - json_array_size(expected); // where that is so
        // With the record that closes it all marks before are in records, whatever state the manifest was left in.
        bool closed = comparison->last->end == BC_RECORD_CLOSE && json_array_size(list) < ENTRIES_MAX;
        bool lawful = closed && json_array_size(list) > json_array_size(expected) && has_entries(list, expected);
        bool more = false;

        for (size_t i = 0; closed && i < json_array_size(list); i++) {
                bool known = has_entry(expected, json_array_get(list, i));
                more |= !known;
                lawful &= known || may_be_late(comparison, json_array_get(list, i));
        }
        if (!lawful && more)
                differ(comparison, false, "marks");
        else if (!lawful)
                compare_list(comparison, root, "marks", json_incref(expected));
        else if (comparison->vouched)
                bc_find(comparison->findings, BC_FINDING_SUMMARY, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "%zu marks were set after the last record: " MANIFEST ", which is signed, has them", late);
        else
                bc_find(comparison->findings, BC_FINDING_SUMMARY, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "%zu marks of " MANIFEST " are in no record and nothing vouches for them: the power may have gone "
                        "before it was signed, or somebody has added them", late);
}

static const char *const root_keys[] = { "version",     "device",
                                         "recording",   "state",
                                         "boot_id",     "ticks_per_second",
                                         "reason",      "stop_reason",
                                         "press_ticks", "pre_event_ticks",
                                         "stop_ticks",  "segments",
                                         "gaps",        "clock",
                                         "marks",       "read_back",
                                         "files",       NULL };

static void compare(const struct comparison *comparison, const struct bc_recording_verdict *verdict, const json_t *root)
{
        check_keys(comparison, root, root_keys);
        compare_head(comparison, root);
        compare_segments(comparison, verdict, root);
        compare_list(comparison, root, "gaps", expect_gaps(&verdict->news));
        if (!comparison->sealed)
                compare_marks(comparison, root, expect_marks(&verdict->news));
        else if (json_object_get(root, "marks"))
                differ(comparison, false, "marks");
        compare_list(comparison, root, "clock", expect_clock(&verdict->news));
}

// The bytes stay the caller's to give back, whatever comes of them. NULL: it is no object, which is found.
static json_t *load(struct bc_recording_verdict *verdict, char **ret_bytes, size_t *ret_size)
{
        int r = bc_file_load(verdict->fd, MANIFEST, MANIFEST_BYTES_MAX, ret_bytes, ret_size);
        json_t *root = r == 0 ? json_loadb(*ret_bytes, *ret_size, JSON_REJECT_DUPLICATES, NULL) : NULL;

        if (json_is_object(root))
                return root;
        bc_find(&verdict->findings, BC_FINDING_SUMMARY, BC_VERDICT_TAMPERED, BC_NO_OFFSET, MANIFEST " cannot be read: %s",
                r < 0 ? strerror(-r) : "not JSON of its format");
        json_decref(root);
        return NULL;
}

void bc_summary_judge_alone(struct bc_recording_verdict *verdict, const char *device, uint64_t number, const uint8_t *key_sha256)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size = 0;
        BC_CLEANUP(bc_cleanup_json) json_t *root = verdict->folder.manifest ? load(verdict, &bytes, &size) : NULL;
        struct comparison comparison = { .findings = &verdict->findings };

        if (!root)
                return;
        if (key_sha256)
                bc_endorsement_judge(verdict, key_sha256, NULL, bytes, size);
        check_keys(&comparison, root, root_keys);
        compare_integer(&comparison, root, "version", 1);
        compare_integer(&comparison, root, "ticks_per_second", BC_TICKS_PER_S);
        compare_text(&comparison, root, "device", device);
        compare_integer(&comparison, root, "recording", (int64_t)number);
        compare_segments(&comparison, verdict, root);
        bc_endorsement_judge_files(verdict, root);
        if (verdict->endorsement == BC_ENDORSEMENT_SIGNED && !json_object_get(root, "read_back"))
                return;
        if (json_array_size(json_object_get(root, "marks")) > 0)
                bc_find(&verdict->findings, BC_FINDING_SUMMARY, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "nothing vouches for the marks of " MANIFEST ": somebody may have added them");
        bc_find(&verdict->findings, BC_FINDING_SUMMARY, BC_VERDICT_NOTE, BC_NO_OFFSET,
                "nothing here proves what " MANIFEST " says besides: reason, times, gaps");
}

void bc_summary_judge(const struct bc_judge *judge, struct bc_recording_verdict *verdict)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size = 0, first = 0;

        if (!verdict->folder.manifest) {
                bc_find(&verdict->findings, BC_FINDING_SUMMARY, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "there is no " MANIFEST "; nothing that is proven depends on it");
                if (verdict->folder.signature)
                        bc_find(&verdict->findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                                "the " MANIFEST " that manifest.sig signs is not there");
                return;
        }
        while (first < verdict->segments && verdict->segment[first].records == 0)
                first++;
        if (first == verdict->segments)
                return; // nothing to compare it with
        BC_CLEANUP(bc_cleanup_json) json_t *root = load(verdict, &bytes, &size);
        if (!root)
                return;
        bc_endorsement_judge(verdict, NULL, judge->trust, bytes, size);
        const struct bc_segment_verdict *last = &verdict->segment[verdict->segments - 1];
        struct comparison comparison = { .findings = &verdict->findings, .first = &verdict->segment[first], .last = last,
                                         .recovered = last->end != BC_RECORD_CLOSE || is_behind(root) };

        for (size_t i = 0; i < verdict->segments; i++)
                comparison.sealed |= verdict->segment[i].stored_sealed;
        comparison.endorsed = verdict->endorsement == BC_ENDORSEMENT_SIGNED;
        comparison.vouched = comparison.endorsed && !json_object_get(root, "read_back");
        compare(&comparison, verdict, root);
        bc_endorsement_judge_files(verdict, root);
}
