// SPDX-License-Identifier: EUPL-1.2
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bodycam/time.h"
#include "catalog.h"
#include "digest.h"
#include "page.h"
#include "span.h"
#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

// By the words of the file: a kind that a newer manifest brings is shown by its name.
static const char *const state_meanings[][2] = {
        { "open", "being recorded, or the power went and it is recovered at the next start" },
        { "closed", "ended on purpose" },
        { "recovered", "it was still open at a later start; what was found was put in order" },
};
static const char *const segment_meanings[][2] = {
        { "open", "being written, or not finished" },
        { "closed", "" },
        { "abandoned", "a write failed, the next one goes on" },
        { "recovered", "finished at a later start" },
        { "empty", "nothing whole was found in it" },
        { "missing", "the file is gone" },
};
static const char *const gap_meanings[][2] = {
        { "pre-event", "the memory did not reach back far enough" },
        { "no-picture", "no picture from the camera; a slate, or the last picture" },
        { "no-sound", "no sound from the microphone; silence" },
        { "frames-lost", "single pictures are missing" },
        { "overtaken", "could not be written in time: nothing of it is there" },
        { "late-sound", "sound that came too late to be written" },
        { "muted", "muted on purpose; silence" },
};

static const char *meaning_of(const char *const meanings[][2], size_t count, const char *word)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(meanings[i][0], word) == 0)
                        return meanings[i][1];
        return "";
}

// ---- JSON ----------------------------------------------------------------------------------------------------

static json_t *ticks_or_null(int64_t ticks)
{
        return ticks == BC_TICKS_UNKNOWN ? json_null() : json_integer(ticks);
}

static json_t *utc_of(const struct bc_manifest *manifest, int64_t ticks)
{
        char utc[BC_UTC_TEXT_BYTES] = "";

        (void)bc_digest_utc(manifest, ticks, utc, NULL);
        return json_string(utc);
}

static json_t *segments_to_json(const struct bc_manifest *manifest)
{
        json_t *list = json_array();

        for (size_t i = 0; i < manifest->segments; i++) {
                const struct bc_manifest_segment *segment = &manifest->segment[i];
                char file[BC_SEGMENT_NAME_BYTES_MAX];

                bc_segment_file_name(segment->number, segment->sealed, file);
                json_array_append_new(
                        list, json_pack("{s:s,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "file", file, "state",
                                        bc_segment_state_name(segment->state), "utc", utc_of(manifest, segment->first_ticks),
                                        "first_ticks", (json_int_t)segment->first_ticks, "end_ticks",
                                        (json_int_t)segment->end_ticks, "bytes", (json_int_t)segment->bytes, "fragments",
                                        (json_int_t)segment->fragments, "succeeds", (json_int_t)segment->follows,
                                        "tail_bytes", (json_int_t)segment->tail_bytes, "missing_bytes",
                                        (json_int_t)segment->missing_bytes));
        }
        return list;
}

static json_t *gaps_to_json(const struct bc_manifest *manifest)
{
        json_t *list = json_array();

        for (size_t i = 0; i < manifest->gaps; i++) {
                const struct bc_manifest_gap *gap = &manifest->gap[i];
                json_array_append_new(list, json_pack("{s:s,s:o,s:I,s:o,s:I}", "kind", bc_gap_kind_name(gap->kind), "utc",
                                                      utc_of(manifest, gap->from_ticks), "from_ticks",
                                                      (json_int_t)gap->from_ticks, "to_ticks", ticks_or_null(gap->to_ticks),
                                                      "count", (json_int_t)gap->count));
        }
        return list;
}

static json_t *marks_to_json(const struct bc_manifest *manifest)
{
        json_t *list = json_array();

        for (size_t i = 0; i < manifest->marks; i++) {
                const struct bc_manifest_mark *mark = &manifest->mark[i];
                json_array_append_new(list, json_pack("{s:o,s:I,s:o,s:I}", "utc", utc_of(manifest, mark->ticks), "ticks",
                                                      (json_int_t)mark->ticks, "text", bc_text_to_json(mark->text), "count",
                                                      (json_int_t)mark->count));
        }
        return list;
}

static json_t *clock_to_json(const struct bc_manifest *manifest)
{
        json_t *list = json_array();

        for (size_t i = 0; i < manifest->clocks; i++) {
                const struct bc_manifest_clock *clock = &manifest->clock[i];
                bool set = clock->source != BC_UTC_NONE;
                json_array_append_new(
                        list, json_pack("{s:I,s:s,s:o,s:o,s:o,s:I}", "from_ticks", (json_int_t)clock->from_ticks, "source",
                                        bc_utc_source_name(clock->source), "utc", utc_of(manifest, clock->from_ticks),
                                        "uncertainty_ns", set ? json_integer(clock->uncertainty_ns) : json_null(), "step_ns",
                                        clock->step_ns == BC_STEP_UNKNOWN ? json_null() : json_integer(clock->step_ns),
                                        "count", (json_int_t)clock->count));
        }
        return list;
}

static void print_json(const struct bc_manifest *manifest, const char *name, const struct bc_digest *digest)
{
        json_t *object = bc_digest_to_json(manifest, name, digest);

        json_object_set_new(object, "reason", bc_text_to_json(manifest->reason));
        json_object_set_new(object, "stop_reason", bc_text_to_json(manifest->stop_reason));
        json_object_set_new(object, "press_ticks", ticks_or_null(manifest->press_ticks));
        json_object_set_new(object, "press_utc", utc_of(manifest, manifest->press_ticks));
        json_object_set_new(object, "pre_event_ticks", ticks_or_null(manifest->pre_event_ticks));
        json_object_set_new(object, "stop_ticks", ticks_or_null(manifest->stop_ticks));
        json_object_set_new(object, "segment_list", segments_to_json(manifest));
        json_object_set_new(object, "gap_list", manifest->gaps_unknown ? json_null() : gaps_to_json(manifest));
        json_object_set_new(object, "mark_list", manifest->marks_unknown ? json_null() : marks_to_json(manifest));
        json_object_set_new(object, "clock", manifest->clock_unknown ? json_null() : clock_to_json(manifest));
        bc_text_print_json(object);
}

// ---- for people ----------------------------------------------------------------------------------------------

// A place in the recording: from its first picture on, and the time of day where it is known.
struct place {
        char text[80];
};

static struct place place_of(const struct bc_manifest *manifest, const struct bc_digest *digest, int64_t ticks)
{
        int64_t zero = digest->first_ticks == BC_TICKS_UNKNOWN ? manifest->press_ticks : digest->first_ticks;
        char utc[BC_UTC_TEXT_BYTES] = "";
        struct place place;
        bool before = ticks < zero;

        (void)bc_digest_utc(manifest, ticks, utc, NULL);
        if (zero == BC_TICKS_UNKNOWN)
                zero = 0, before = false;
        snprintf(place.text, sizeof(place.text), "%s%s%s%s", before ? "-" : "",
                 bc_span_of_ticks(before ? zero - ticks : ticks - zero).text, *utc ? " " : "", utc);
        return place;
}

// Adds a clean text of the manifest.
static void add_text(struct bc_page *page, const char *label, const char *text)
{
        char clean[BC_TEXT_BYTES];

        bc_text_tidy(text, clean, sizeof(clean));
        if (*clean)
                bc_page_add(page, BC_TONE_PLAIN, label, "%s", clean);
}

static void describe_head(const struct bc_manifest *manifest, const char *name, const struct bc_digest *digest,
                          struct bc_page *page)
{
        const char *state = bc_recording_state_name(manifest->state);

        bc_page_add(page, BC_TONE_PLAIN, "recording", "%s", name);
        bc_page_add(page, BC_TONE_PLAIN, "state", "%s: %s", state, meaning_of(state_meanings, COUNT(state_meanings), state));
        if (digest->first_ticks == BC_TICKS_UNKNOWN)
                bc_page_add(page, BC_TONE_WARNING, "length", "NOTHING in it");
        else
                bc_page_add(page, BC_TONE_PLAIN, "length", "%s, %s in %zu segment%s",
                            bc_span_of_ticks(bc_digest_length_ticks(digest)).text, bc_span_of_bytes(digest->bytes).text,
                            manifest->segments, manifest->segments == 1 ? "" : "s");
        bc_page_add(page, digest->begins[0] ? BC_TONE_PLAIN : BC_TONE_WARNING, "begins", "%s",
                    digest->begins[0] ? digest->begins : "at a time that is not known");
        if (manifest->press_ticks != BC_TICKS_UNKNOWN)
                bc_page_add(page, BC_TONE_PLAIN, "press", "%s", place_of(manifest, digest, manifest->press_ticks).text);
        add_text(page, "asked by", manifest->reason);
        if (manifest->stop_ticks != BC_TICKS_UNKNOWN)
                bc_page_add(page, BC_TONE_PLAIN, "end", "%s", place_of(manifest, digest, manifest->stop_ticks).text);
        add_text(page, "ended by", manifest->stop_reason);
}

static void describe_clock(const struct bc_manifest *manifest, const struct bc_digest *digest, struct bc_page *page)
{
        if (manifest->clock_unknown)
                bc_page_add(page, BC_TONE_WARNING, "clock", "not known: it was recovered without its manifest");
        for (size_t i = 0; i < manifest->clocks; i++) {
                const struct bc_manifest_clock *clock = &manifest->clock[i];
                const char *label = i == 0 ? "clock" : "";
                char steps[40 + BC_SPAN_BYTES] = "";

                if (clock->source == BC_UTC_NONE) {
                        bc_page_add(page, BC_TONE_WARNING, label, "from %s: TIME NOT SET",
                                    place_of(manifest, digest, clock->from_ticks).text);
                        continue;
                }
                if (clock->step_ns != BC_STEP_UNKNOWN)
                        snprintf(steps, sizeof(steps), ", was set %s by %s", clock->step_ns < 0 ? "back" : "forward",
                                 bc_span_of_error(clock->step_ns < 0 ? -clock->step_ns : clock->step_ns).text);
                bc_page_add(page, BC_TONE_PLAIN, label, "from %s: source %s, +- %s%s",
                            place_of(manifest, digest, clock->from_ticks).text, bc_utc_source_name(clock->source),
                            bc_span_of_error(clock->uncertainty_ns).text, steps);
                if (clock->count > 1)
                        bc_page_add(page, BC_TONE_PLAIN, "", "(the newest of %" PRIu64 " changes)", clock->count);
        }
}

static void describe_gap(const struct bc_manifest *manifest, const struct bc_digest *digest, const struct bc_manifest_gap *gap,
                         const char *label, struct bc_page *page)
{
        const char *kind = bc_gap_kind_name(gap->kind), *meaning = meaning_of(gap_meanings, COUNT(gap_meanings), kind);
        char length[BC_SPAN_BYTES + 8] = "it still lasted", count[60] = "";

        if (gap->to_ticks != BC_TICKS_UNKNOWN)
                snprintf(length, sizeof(length), "for %s", bc_span_of_ticks(gap->to_ticks - gap->from_ticks).text);
        if (gap->kind == BC_GAP_FRAMES_LOST)
                snprintf(count, sizeof(count), ", %" PRIu64 " pictures", gap->count);
        else if (gap->count > 1)
                snprintf(count, sizeof(count), ", %" PRIu64 " gaps in one", gap->count);
        bc_page_add(page, gap->kind == BC_GAP_PRE_EVENT ? BC_TONE_NOTE : BC_TONE_WARNING, label, "%s from %s %s%s%s%s%s", kind,
                    place_of(manifest, digest, gap->from_ticks).text, length, count, *meaning ? " (" : "", meaning,
                    *meaning ? ")" : "");
}

static void describe_gaps(const struct bc_manifest *manifest, const struct bc_digest *digest, struct bc_page *page)
{
        if (manifest->gaps_unknown)
                bc_page_add(page, BC_TONE_WARNING, "gaps", "not known: it was recovered without its manifest");
        else if (manifest->gaps == 0)
                bc_page_add(page, BC_TONE_GOOD, "gaps", "none");
        for (size_t i = 0; i < manifest->gaps; i++)
                describe_gap(manifest, digest, &manifest->gap[i], i == 0 ? "gaps" : "", page);
}

static void describe_marks(const struct bc_manifest *manifest, const struct bc_digest *digest, struct bc_page *page)
{
        if (manifest->marks_unknown)
                bc_page_add(page, BC_TONE_WARNING, "marks", "not known: it was recovered without its manifest");
        for (size_t i = 0; i < manifest->marks; i++) {
                const struct bc_manifest_mark *mark = &manifest->mark[i];
                char count[40] = "", clean[BC_TEXT_BYTES];

                if (mark->count > 1)
                        snprintf(count, sizeof(count), ", the newest of %" PRIu64, mark->count);
                bc_text_tidy(mark->text, clean, sizeof(clean));
                bc_page_add(page, BC_TONE_PLAIN, i == 0 ? "marks" : "", "%s%s%s%s",
                            place_of(manifest, digest, mark->ticks).text, *clean ? ": " : "", clean, count);
        }
}

static void describe_segments(const struct bc_manifest *manifest, const struct bc_digest *digest, struct bc_page *page)
{
        for (size_t i = 0; i < manifest->segments; i++) {
                const struct bc_manifest_segment *segment = &manifest->segment[i];
                const char *state = bc_segment_state_name(segment->state);
                const char *meaning = meaning_of(segment_meanings, COUNT(segment_meanings), state);
                char file[BC_SEGMENT_NAME_BYTES_MAX], more[200] = "";
                int used = 0;

                bc_segment_file_name(segment->number, segment->sealed, file);
                if (segment->follows)
                        used = snprintf(more, sizeof(more), ", goes on after %04" PRIu32 ".mp4", segment->follows);
                if (segment->error)
                        used += snprintf(more + used, sizeof(more) - (size_t)used, ", %.60s", strerror(-segment->error));
                if (segment->tail_bytes)
                        used += snprintf(more + used, sizeof(more) - (size_t)used, ", %s set aside",
                                         bc_span_of_bytes(segment->tail_bytes).text);
                if (segment->missing_bytes)
                        snprintf(more + used, sizeof(more) - (size_t)used, ", %s ARE GONE",
                                 bc_span_of_bytes(segment->missing_bytes).text);
                bc_page_add(page, segment->missing_bytes || segment->state == BC_SEGMENT_MISSING ? BC_TONE_WARNING : BC_TONE_PLAIN,
                            i == 0 ? "segments" : "", "%s %s from %s for %s, %s%s%s%s%s", file, state,
                            place_of(manifest, digest, segment->first_ticks).text,
                            bc_span_of_ticks(segment->end_ticks - segment->first_ticks).text,
                            bc_span_of_bytes(segment->bytes).text, more, *meaning ? " (" : "", meaning, *meaning ? ")" : "");
        }
}

static void print_for_people(const struct bc_manifest *manifest, const char *name, const struct bc_digest *digest)
{
        struct bc_page page;

        bc_page_init(&page, STDOUT_FILENO);
        describe_head(manifest, name, digest, &page);
        describe_clock(manifest, digest, &page);
        describe_gaps(manifest, digest, &page);
        describe_marks(manifest, digest, &page);
        describe_segments(manifest, digest, &page);
        bc_page_show(&page);
        bc_page_done(&page);
}

// ---- which one -------------------------------------------------------------------------------------------------

// The entry of a name, or the only one of a number. On failure complains.
static const struct bc_catalog_entry *find(struct bc_request *request, const struct bc_catalog *catalog)
{
        const char *word = request->words[0];
        const struct bc_catalog_entry *found = NULL;
        int64_t number = 0;
        bool by_number = bc_request_number(word, 1, INT64_MAX, &number) == 0;

        for (size_t i = 0; i < catalog->entries; i++) {
                const struct bc_catalog_entry *entry = &catalog->entry[i];

                if (by_number ? entry->counter != (uint64_t)number : strcmp(entry->name, word) != 0)
                        continue;
                if (found) {
                        bc_client_complain(&request->client, BC_CTL_REFUSED, "%s is the number of %s and of %s: name one of them",
                                           word, found->name, entry->name);
                        return NULL;
                }
                found = entry;
        }
        if (!found)
                bc_client_complain(&request->client, BC_CTL_REFUSED, "there is no recording %s in %s", word, catalog->store);
        return found;
}

enum bc_ctl_exit bc_show_recording(struct bc_request *request)
{
        struct bc_catalog catalog;
        enum bc_ctl_exit status = bc_catalog_open(request, &catalog);
        const struct bc_catalog_entry *entry;
        struct bc_manifest manifest;
        struct bc_digest digest;
        char text[BC_CLIENT_TEXT_BYTES];

        if (status != BC_CTL_DONE)
                return status;
        bc_manifest_init(&manifest);
        entry = find(request, &catalog);
        if (!entry) {
                status = BC_CTL_REFUSED;
        } else if (!bc_catalog_load(&catalog, entry->name, &manifest, text)) {
                status = bc_client_complain(&request->client, BC_CTL_REFUSED, "%s", text);
        } else {
                digest = bc_digest_of(&manifest);
                if (request->client.json)
                        print_json(&manifest, entry->name, &digest);
                else
                        print_for_people(&manifest, entry->name, &digest);
        }
        bc_manifest_done(&manifest);
        bc_catalog_close(&catalog);
        return status;
}
