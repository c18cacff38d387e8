// SPDX-License-Identifier: EUPL-1.2
#include "evidence/manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/utc.h"
#include "bodycam/time.h"
#include "evidence/entry.h"
#include "evidence/json_field.h"

#define VERSION 1
#define MANIFEST_BYTES_MAX (5 << 20)

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const recording_states[] = { "open", "closed", "recovered" };
static const char *const segment_states[] = { "open", "closed", "abandoned", "recovered", "empty", "missing" };
static const char *const gap_kinds[BC_GAP_KINDS] = { "pre-event", "no-picture", "no-sound", "frames-lost", "overtaken",
                                                     "late-sound", "muted" };

const char *bc_recording_state_name(enum bc_recording_state state)
{
        return recording_states[state];
}

const char *bc_segment_state_name(enum bc_segment_state state)
{
        return segment_states[state];
}

const char *bc_gap_kind_name(enum bc_gap_kind kind)
{
        return gap_kinds[kind];
}

void bc_manifest_init(struct bc_manifest *manifest)
{
        *manifest = (struct bc_manifest){
                .press_ticks = BC_TICKS_UNKNOWN,
                .pre_event_ticks = BC_TICKS_UNKNOWN,
                .stop_ticks = BC_TICKS_UNKNOWN,
        };
}

void bc_manifest_done(struct bc_manifest *manifest)
{
        free(manifest->segment);
        free(manifest->gap);
        free(manifest->clock);
        free(manifest->mark);
        free(manifest->file);
        bc_manifest_init(manifest);
}

// Room for one more entry; arrays double.
static int grow(void *array, size_t used, size_t *room, size_t entry_bytes)
{
        void **at = array, *larger;
        size_t wanted = *room ? *room * 2 : 8;

        if (used < *room)
                return 0;
        larger = reallocarray(*at, wanted, entry_bytes);
        if (!larger)
                return -ENOMEM;
        *at = larger;
        *room = wanted;
        return 0;
}

struct bc_manifest_segment *bc_manifest_find_segment(struct bc_manifest *manifest, uint32_t number)
{
        for (size_t i = 0; i < manifest->segments; i++)
                if (manifest->segment[i].number == number)
                        return &manifest->segment[i];
        return NULL;
}

struct bc_manifest_segment *bc_manifest_add_segment(struct bc_manifest *manifest, uint32_t number)
{
        struct bc_manifest_segment *segment = bc_manifest_find_segment(manifest, number);

        if (segment)
                return segment;
        if (grow(&manifest->segment, manifest->segments, &manifest->segment_room, sizeof(*segment)) < 0)
                return NULL;
        segment = &manifest->segment[manifest->segments++];
        *segment = (struct bc_manifest_segment){ .number = number };
        return segment;
}

static struct bc_manifest_gap *newest_gap(const struct bc_manifest *manifest, enum bc_gap_kind kind)
{
        for (size_t i = manifest->gaps; i-- > 0;)
                if (manifest->gap[i].kind == kind)
                        return &manifest->gap[i];
        return NULL;
}

static void merge(struct bc_manifest_gap *gap, int64_t from_ticks, int64_t to_ticks, uint64_t count)
{
        if (from_ticks < gap->from_ticks)
                gap->from_ticks = from_ticks;
        if (to_ticks == BC_TICKS_UNKNOWN || (gap->to_ticks != BC_TICKS_UNKNOWN && to_ticks > gap->to_ticks))
                gap->to_ticks = to_ticks;
        gap->count += count;
        gap->statement = BC_STATEMENT_NEW;
}

// Places are kept free so that the first gap of each kind has an entry of its own: a gap in an entry of another kind
// would be hidden.
static bool is_full(const struct bc_manifest *manifest)
{
        return manifest->gaps + COUNT(gap_kinds) > BC_MANIFEST_GAPS_MAX;
}

struct bc_manifest_gap *bc_manifest_add_gap(struct bc_manifest *manifest, enum bc_gap_kind kind, int64_t from_ticks,
                                            int64_t to_ticks, uint64_t frames)
{
        struct bc_manifest_gap *gap = newest_gap(manifest, kind);
        uint64_t count = kind == BC_GAP_FRAMES_LOST ? frames : 1;
        bool near = gap && kind == BC_GAP_FRAMES_LOST && gap->to_ticks >= from_ticks - BC_TICKS_PER_S;

        if ((gap && (near || is_full(manifest))) ||
            grow(&manifest->gap, manifest->gaps, &manifest->gap_room, sizeof(*gap)) < 0) {
                // Without memory any entry is better than none.
                if (!gap && manifest->gaps > 0)
                        gap = &manifest->gap[manifest->gaps - 1];
                if (gap)
                        merge(gap, from_ticks, to_ticks, count);
                return gap;
        }
        gap = &manifest->gap[manifest->gaps++];
        *gap = (struct bc_manifest_gap){ kind, from_ticks, to_ticks, count, BC_STATEMENT_NEW };
        return gap;
}

bool bc_manifest_add_clock(struct bc_manifest *manifest, const struct bc_manifest_clock *clock)
{
        struct bc_manifest_clock *entry;

        if (manifest->clocks == BC_MANIFEST_CLOCKS_MAX ||
            grow(&manifest->clock, manifest->clocks, &manifest->clock_room, sizeof(*clock)) < 0) {
                uint64_t count;

                if (manifest->clocks == 0)
                        return false;
                entry = &manifest->clock[manifest->clocks - 1];
                count = entry->count + 1;
                *entry = *clock;
                entry->count = count;
                entry->statement = BC_STATEMENT_NEW;
                return true;
        }
        entry = &manifest->clock[manifest->clocks++];
        *entry = *clock;
        entry->count = 1;
        entry->statement = BC_STATEMENT_NEW;
        return true;
}

bool bc_manifest_add_mark(struct bc_manifest *manifest, int64_t ticks, const char *text)
{
        struct bc_manifest_mark *entry;

        if (manifest->marks == BC_MANIFEST_MARKS_MAX ||
            grow(&manifest->mark, manifest->marks, &manifest->mark_room, sizeof(*entry)) < 0) {
                if (manifest->marks == 0)
                        return false;
                entry = &manifest->mark[manifest->marks - 1];
                entry->count++;
        } else {
                entry = &manifest->mark[manifest->marks++];
                entry->count = 1;
        }
        entry->ticks = ticks;
        entry->statement = BC_STATEMENT_NEW;
        snprintf(entry->text, sizeof(entry->text), "%s", text);
        return true;
}

static struct bc_manifest_gap *lasting_gap(const struct bc_manifest *manifest, enum bc_gap_kind kind)
{
        for (size_t i = manifest->gaps; i-- > 0;)
                if (manifest->gap[i].kind == kind && manifest->gap[i].to_ticks == BC_TICKS_UNKNOWN)
                        return &manifest->gap[i];
        return NULL;
}

bool bc_manifest_lasts(const struct bc_manifest *manifest, enum bc_gap_kind kind)
{
        return lasting_gap(manifest, kind);
}

bool bc_manifest_end_gap(struct bc_manifest *manifest, enum bc_gap_kind kind, int64_t to_ticks)
{
        struct bc_manifest_gap *gap;
        bool ended = false;

        while ((gap = lasting_gap(manifest, kind))) {
                gap->to_ticks = to_ticks > gap->from_ticks ? to_ticks : gap->from_ticks;
                gap->statement = BC_STATEMENT_NEW;
                ended = true;
        }
        return ended;
}

// ---- writing -------------------------------------------------------------------------------------------------

static json_t *ticks_or_null(int64_t ticks)
{
        return ticks == BC_TICKS_UNKNOWN ? json_null() : json_integer(ticks);
}

// Text from outside may be no UTF-8, or be cut in the middle of a character; JSON takes neither.
static json_t *text_to_json(const char *text)
{
        char ascii[BC_MANIFEST_REASON_BYTES_MAX + 1];
        json_t *value = json_string(text);
        size_t n = 0;

        if (value)
                return value;
        for (; text[n] && n < sizeof(ascii) - 1; n++)
                ascii[n] = (text[n] & 0x80) ? '?' : text[n];
        ascii[n] = 0;
        return json_string(ascii);
}

// Words that somebody gave with a command follow its kind: "command: WORDS". Beside sealed segments they do not lie in the clear.
static json_t *reason_to_json(const struct bc_manifest *manifest, const char *reason)
{
        char origin[BC_ENTRY_ORIGIN_BYTES];

        bc_entry_origin(reason, origin);
        return text_to_json(manifest->sealed ? origin : reason);
}

static json_t *segment_to_json(const struct bc_manifest_segment *segment)
{
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        json_t *object;

        bc_segment_file_name(segment->number, segment->sealed, name);
        object = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "file", name, "state", segment_states[segment->state],
                           "first_ticks", (json_int_t)segment->first_ticks,
                           "end_ticks", (json_int_t)segment->end_ticks, "bytes", (json_int_t)segment->bytes,
                           "fragments", (json_int_t)segment->fragments);
        if (object && segment->follows)
                json_object_set_new(object, "succeeds", json_integer(segment->follows));
        if (object && segment->error)
                json_object_set_new(object, "error", json_string(strerror(-segment->error)));
        if (object && segment->error)
                json_object_set_new(object, "errno", json_integer(-segment->error));
        if (object && segment->tail_bytes)
                json_object_set_new(object, "tail_bytes", json_integer((json_int_t)segment->tail_bytes));
        if (object && segment->missing_bytes)
                json_object_set_new(object, "missing_bytes", json_integer((json_int_t)segment->missing_bytes));
        return object;
}

static json_t *gap_to_json(const struct bc_manifest_gap *gap)
{
        return json_pack("{s:s, s:I, s:o, s:I}", "kind", gap_kinds[gap->kind],
                         "from_ticks", (json_int_t)gap->from_ticks, "to_ticks", ticks_or_null(gap->to_ticks),
                         "count", (json_int_t)gap->count);
}

static json_t *clock_to_json(const struct bc_manifest_clock *clock)
{
        bool set = clock->source != BC_UTC_NONE;
        char utc[BC_UTC_TEXT_BYTES] = "";

        if (set && bc_utc_format(clock->utc_ns, utc) < 0)
                set = false;
        return json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:I}", "from_ticks", (json_int_t)clock->from_ticks,
                         "source", bc_utc_source_name(set ? clock->source : BC_UTC_NONE),
                         "utc", set ? json_string(utc) : json_null(),
                         "utc_ns", set ? json_integer(clock->utc_ns) : json_null(),
                         "uncertainty_ns", set ? json_integer(clock->uncertainty_ns) : json_null(),
                         "step_ns", clock->step_ns == BC_STEP_UNKNOWN ? json_null() : json_integer(clock->step_ns),
                         "count", (json_int_t)clock->count);
}

static json_t *mark_to_json(const struct bc_manifest_mark *mark)
{
        return json_pack("{s:I, s:o, s:I}", "ticks", (json_int_t)mark->ticks, "text", text_to_json(mark->text),
                         "count", (json_int_t)mark->count);
}

static json_t *known_or_null(json_t *list, bool unknown)
{
        if (!unknown)
                return list;
        json_decref(list);
        return json_null();
}

static json_t *to_json(const struct bc_manifest *manifest)
{
        json_t *segments = json_array(), *gaps = json_array(), *clock = json_array(), *marks = json_array(), *root;
        bool whole = true;

        // jansson answers NULL arrays and values with an error.
        for (size_t i = 0; i < manifest->segments; i++)
                whole &= json_array_append_new(segments, segment_to_json(&manifest->segment[i])) == 0;
        for (size_t i = 0; i < manifest->gaps; i++)
                whole &= json_array_append_new(gaps, gap_to_json(&manifest->gap[i])) == 0;
        for (size_t i = 0; i < manifest->clocks; i++)
                whole &= json_array_append_new(clock, clock_to_json(&manifest->clock[i])) == 0;
        for (size_t i = 0; i < manifest->marks; i++)
                whole &= json_array_append_new(marks, mark_to_json(&manifest->mark[i])) == 0;
        if (!whole) {
                json_decref(segments);
                json_decref(gaps);
                json_decref(clock);
                json_decref(marks);
                return NULL;
        }
        root = json_pack("{s:i, s:s, s:I, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version", VERSION,
                         "device", manifest->device, "recording", (json_int_t)manifest->counter,
                         "state", recording_states[manifest->state], "boot_id", manifest->boot_id,
                         "ticks_per_second", (int)BC_TICKS_PER_S, "reason", reason_to_json(manifest, manifest->reason),
                         "stop_reason", reason_to_json(manifest, manifest->stop_reason),
                         "press_ticks", ticks_or_null(manifest->press_ticks),
                         "pre_event_ticks", ticks_or_null(manifest->pre_event_ticks),
                         "stop_ticks", ticks_or_null(manifest->stop_ticks), "segments", segments,
                         "gaps", known_or_null(gaps, manifest->gaps_unknown),
                         "clock", known_or_null(clock, manifest->clock_unknown),
                         "marks", known_or_null(marks, manifest->marks_unknown));
        if (root && manifest->sealed)
                (void)json_object_del(root, "marks"); // it is there
        if (root && manifest->read_back)
                whole &= json_object_set_new(root, "read_back", json_true()) == 0;
        if (root && manifest->final)
                whole &= json_object_set_new(root, "files", bc_listed_files_to_json(manifest->file, manifest->files)) == 0;
        if (whole)
                return root;
        json_decref(root);
        return NULL;
}

int bc_manifest_print(const struct bc_manifest *manifest, char **ret_text, size_t *ret_bytes)
{
        json_t *root = to_json(manifest);
        BC_CLEANUP(bc_cleanup_memory) char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;

        json_decref(root);
        if (!text)
                return -ENOMEM;
        if (strlen(text) > MANIFEST_BYTES_MAX)
                return -EFBIG;
        *ret_bytes = strlen(text);
        *ret_text = BC_TAKE(text);
        return 0;
}

int bc_manifest_save(const struct bc_manifest *manifest, int folder_fd)
{
        BC_CLEANUP(bc_cleanup_memory) char *text = NULL;
        size_t bytes;
        int r = bc_manifest_print(manifest, &text, &bytes);

        return r < 0 ? r : bc_file_replace(folder_fd, BC_MANIFEST_NAME, text, bytes);
}

// ---- reading: the file may have been edited by anybody ---------------------------------------------------------

static int segment_from_json(struct bc_manifest *manifest, const json_t *object)
{
        struct bc_manifest_segment read = { 0 }, *segment;
        int64_t bytes, fragments, follows = 0, error = 0, tail = 0, missing = 0;
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        size_t keys = 6;
        int state;

        if (bc_field_text(object, "file", name, sizeof(name)) < 0)
                return -EBADMSG;
        read.number = bc_segment_number(name, &read.sealed);
        state = bc_field_choice(object, "state", segment_states, COUNT(segment_states));
        if (read.number == 0 || state < 0 || bc_manifest_find_segment(manifest, read.number) ||
            bc_field_integer(object, "first_ticks", 0, INT64_MAX, &read.first_ticks) < 0 ||
            bc_field_integer(object, "end_ticks", read.first_ticks, INT64_MAX, &read.end_ticks) < 0 ||
            bc_field_integer(object, "bytes", 0, UINT32_MAX, &bytes) < 0 ||
            bc_field_integer(object, "fragments", 0, UINT32_MAX, &fragments) < 0 ||
            bc_field_optional(object, "succeeds", 1, read.number - 1, &keys, &follows) < 0 ||
            bc_field_optional(object, "errno", 1, 4095, &keys, &error) < 0 ||
            bc_field_optional(object, "tail_bytes", 0, INT64_MAX, &keys, &tail) < 0 ||
            bc_field_optional(object, "missing_bytes", 0, INT64_MAX, &keys, &missing) < 0)
                return -EBADMSG;
        if (error) { // the same in words, for people
                if (!json_is_string(json_object_get(object, "error")))
                        return -EBADMSG;
                keys++;
        }
        if (json_object_size(object) != keys)
                return -EBADMSG;
        segment = bc_manifest_add_segment(manifest, read.number);
        if (!segment)
                return -ENOMEM;
        read.state = (enum bc_segment_state)state;
        read.bytes = (uint64_t)bytes;
        read.fragments = (uint32_t)fragments;
        read.follows = (uint32_t)follows;
        read.error = -(int)error;
        read.tail_bytes = (uint64_t)tail;
        read.missing_bytes = (uint64_t)missing;
        *segment = read;
        manifest->sealed |= read.sealed;
        return 0;
}

static int gap_from_json(struct bc_manifest *manifest, const json_t *object)
{
        int kind = bc_field_choice(object, "kind", gap_kinds, COUNT(gap_kinds));
        int64_t from_ticks, to_ticks, count;

        // Straight into the array: what was declared apart stays apart.
        if (kind < 0 || manifest->gaps >= BC_MANIFEST_GAPS_MAX || json_object_size(object) != 4 ||
            bc_field_integer(object, "from_ticks", 0, INT64_MAX, &from_ticks) < 0 ||
            bc_field_ticks(object, "to_ticks", &to_ticks) < 0 ||
            (to_ticks != BC_TICKS_UNKNOWN && to_ticks < from_ticks) ||
            bc_field_integer(object, "count", 0, INT64_MAX, &count) < 0)
                return -EBADMSG;
        if (grow(&manifest->gap, manifest->gaps, &manifest->gap_room, sizeof(*manifest->gap)) < 0)
                return -ENOMEM;
        manifest->gap[manifest->gaps++] =
                (struct bc_manifest_gap){ (enum bc_gap_kind)kind, from_ticks, to_ticks, (uint64_t)count, BC_STATEMENT_NEW };
        return 0;
}

static int clock_from_json(struct bc_manifest *manifest, const json_t *object)
{
        const char *sources[BC_UTC_SOURCES];
        int source;
        struct bc_manifest_clock clock = { .step_ns = BC_STEP_UNKNOWN };
        char utc[BC_UTC_TEXT_BYTES];
        int64_t count, second_ns;

        for (int i = 0; i < BC_UTC_SOURCES; i++)
                sources[i] = bc_utc_source_name((enum bc_utc_source)i);
        source = bc_field_choice(object, "source", sources, BC_UTC_SOURCES);
        if (source < 0 || manifest->clocks >= BC_MANIFEST_CLOCKS_MAX || json_object_size(object) != 7 ||
            bc_field_integer(object, "from_ticks", 0, INT64_MAX, &clock.from_ticks) < 0 ||
            bc_field_integer(object, "count", 1, INT64_MAX, &count) < 0)
                return -EBADMSG;
        clock.source = (enum bc_utc_source)source;
        clock.count = (uint64_t)count;
        if (!json_is_null(json_object_get(object, "step_ns")) &&
            bc_field_integer(object, "step_ns", -INT64_MAX, INT64_MAX, &clock.step_ns) < 0)
                return -EBADMSG;
        if (source == BC_UTC_NONE) {
                if (!json_is_null(json_object_get(object, "utc")) || !json_is_null(json_object_get(object, "utc_ns")) ||
                    !json_is_null(json_object_get(object, "uncertainty_ns")))
                        return -EBADMSG;
        } else if (bc_field_integer(object, "utc_ns", 0, INT64_MAX, &clock.utc_ns) < 0 ||
                   bc_field_integer(object, "uncertainty_ns", 0, INT64_MAX, &clock.uncertainty_ns) < 0 ||
                   bc_field_text(object, "utc", utc, sizeof(utc)) < 0 || bc_utc_parse(utc, &second_ns) < 0 ||
                   clock.utc_ns - second_ns < 0 || clock.utc_ns - second_ns >= BC_NS_PER_S) {
                return -EBADMSG; // the text is the same in words, for people
        }
        if (grow(&manifest->clock, manifest->clocks, &manifest->clock_room, sizeof(clock)) < 0)
                return -ENOMEM;
        manifest->clock[manifest->clocks++] = clock;
        return 0;
}

static int mark_from_json(struct bc_manifest *manifest, const json_t *object)
{
        struct bc_manifest_mark mark;
        int64_t count;

        if (manifest->marks >= BC_MANIFEST_MARKS_MAX || json_object_size(object) != 3 ||
            bc_field_integer(object, "ticks", 0, INT64_MAX, &mark.ticks) < 0 ||
            bc_field_text(object, "text", mark.text, sizeof(mark.text)) < 0 ||
            bc_field_integer(object, "count", 1, INT64_MAX, &count) < 0)
                return -EBADMSG;
        mark.count = (uint64_t)count;
        if (grow(&manifest->mark, manifest->marks, &manifest->mark_room, sizeof(mark)) < 0)
                return -ENOMEM;
        manifest->mark[manifest->marks++] = mark;
        return 0;
}

static int head_from_json(struct bc_manifest *manifest, const json_t *root)
{
        int state = bc_field_choice(root, "state", recording_states, COUNT(recording_states));
        int64_t version, counter, scale;
        const json_t *read_back = json_object_get(root, "read_back");
        // Versions that set no marks had no such key.
        size_t keys = 14u + !!json_object_get(root, "marks") + !!read_back + !!json_object_get(root, "files");

        // Not one key more: what is not understood must not get lost when this is written again.
        if (state < 0 || json_object_size(root) != keys ||
            bc_field_integer(root, "version", VERSION, VERSION, &version) < 0 ||
            bc_field_text(root, "device", manifest->device, sizeof(manifest->device)) < 0 ||
            bc_field_integer(root, "recording", 1, INT64_MAX, &counter) < 0 ||
            bc_field_text(root, "boot_id", manifest->boot_id, sizeof(manifest->boot_id)) < 0 ||
            bc_field_integer(root, "ticks_per_second", BC_TICKS_PER_S, BC_TICKS_PER_S, &scale) < 0 ||
            bc_field_text(root, "reason", manifest->reason, sizeof(manifest->reason)) < 0 ||
            bc_field_text(root, "stop_reason", manifest->stop_reason, sizeof(manifest->stop_reason)) < 0 ||
            bc_field_ticks(root, "press_ticks", &manifest->press_ticks) < 0 ||
            bc_field_ticks(root, "pre_event_ticks", &manifest->pre_event_ticks) < 0 ||
            bc_field_ticks(root, "stop_ticks", &manifest->stop_ticks) < 0)
                return -EBADMSG;
        if (read_back && !json_is_true(read_back))
                return -EBADMSG;
        manifest->read_back = read_back;
        manifest->counter = (uint64_t)counter;
        manifest->state = (enum bc_recording_state)state;
        return 0;
}

static int from_json(struct bc_manifest *manifest, const json_t *root)
{
        json_t *segments = json_object_get(root, "segments"), *gaps = json_object_get(root, "gaps"), *value;
        json_t *clock = json_object_get(root, "clock"), *marks = json_object_get(root, "marks");
        int r = head_from_json(manifest, root);
        size_t i;

        manifest->gaps_unknown = json_is_null(gaps);
        if (r == 0 && (!json_is_array(segments) || (!json_is_array(gaps) && !manifest->gaps_unknown)))
                r = -EBADMSG;
        for (i = 0; r == 0 && (value = json_array_get(segments, i)); i++)
                r = segment_from_json(manifest, value);
        manifest->clock_unknown = json_is_null(clock);
        if (r == 0 && !json_is_array(clock) && !manifest->clock_unknown)
                r = -EBADMSG;
        manifest->marks_unknown = json_is_null(marks);
        if (r == 0 && marks && !json_is_array(marks) && !manifest->marks_unknown)
                r = -EBADMSG;
        for (i = 0; r == 0 && (value = json_array_get(gaps, i)); i++)
                r = gap_from_json(manifest, value);
        for (i = 0; r == 0 && (value = json_array_get(clock, i)); i++)
                r = clock_from_json(manifest, value);
        for (i = 0; r == 0 && (value = json_array_get(marks, i)); i++)
                r = mark_from_json(manifest, value);
        manifest->final = json_object_get(root, "files");
        if (r == 0 && manifest->final)
                r = bc_listed_files_from_json(json_object_get(root, "files"), &manifest->file, &manifest->files);
        return r == 0 && manifest->read_back && !manifest->final ? -EBADMSG : r;
}

int bc_manifest_parse(struct bc_manifest *manifest, const char *bytes, size_t size)
{
        json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
        int r;

        if (!root)
                return -EBADMSG;
        r = from_json(manifest, root);
        json_decref(root);
        if (r < 0)
                bc_manifest_done(manifest);
        return r;
}

int bc_manifest_load(struct bc_manifest *manifest, int folder_fd)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size;
        int r = bc_file_load(folder_fd, BC_MANIFEST_NAME, MANIFEST_BYTES_MAX, &bytes, &size);

        if (r < 0)
                return r == -EFBIG || r == -EINVAL || r == -ELOOP ? -EBADMSG : r;
        return bc_manifest_parse(manifest, bytes, size);
}
