// SPDX-License-Identifier: EUPL-1.2
#include <string.h>

#include "base/cleanup.h"
#include "verify/endorsement.h"
#include "verify/report_part.h"
#include "verify/text.h"

#define TEXT_BYTES 2048

// As an escaped string: what reads the JSON may well print it.
json_t *bc_json_text(const char *untrusted)
{
        char escaped[TEXT_BYTES];

        return json_string(bc_text_escape(untrusted, escaped, sizeof(escaped)));
}

json_t *bc_json_number(int64_t value)
{
        return value == BC_RECORD_UNKNOWN ? json_null() : json_integer(value);
}

json_t *bc_json_count(uint64_t value)
{
        return json_integer((json_int_t)(value & INT64_MAX));
}

json_t *bc_json_hash(const uint8_t *bytes, size_t n)
{
        char hex[2 * 64 + 1];

        return json_string(bc_text_hex(bytes, n, hex));
}

json_t *bc_json_findings(const struct bc_findings *findings)
{
        json_t *list = json_array();

        for (size_t i = 0; i < findings->count; i++) {
                const struct bc_finding *finding = &findings->finding[i];
                json_array_append_new(
                        list, json_pack("{s:s, s:i, s:o, s:o}", "code", bc_finding_code_name(finding->code), "status",
                                        (int)finding->verdict, "offset",
                                        finding->offset == BC_NO_OFFSET ? json_null() : bc_json_count(finding->offset),
                                        "text", bc_json_text(finding->text)));
        }
        return list;
}

json_t *bc_json_signer(const struct bc_signer *signer)
{
        if (!signer->known)
                return json_null();
        return json_pack("{s:o, s:o, s:o, s:s, s:o, s:b, s:b, s:s, s:o, s:o, s:o, s:b}", "subject",
                         bc_json_text(signer->subject), "issuer", bc_json_text(signer->issuer), "root",
                         signer->trusted ? bc_json_text(signer->root) : json_null(), "serial", signer->serial, "sha256",
                         bc_json_hash(signer->sha256, BC_HASH_BYTES), "trusted", signer->trusted, "test", signer->test, "key",
                         bc_protection_name(signer->protection), "valid_from_utc_ns", bc_json_number(signer->from_ns),
                         "valid_until_utc_ns", bc_json_number(signer->until_ns), "judged_at_utc_ns",
                         bc_json_number(signer->judged_ns), "judged_now", signer->judged_now);
}

static json_t *claim_to_json(const struct bc_claim *claim)
{
        if (!claim->known)
                return json_null();
        return json_pack("{s:s, s:o, s:o, s:o, s:o}", "source", bc_source_name(claim->source), "boot_ns",
                         bc_json_number(claim->signed_ns), "utc_ns", bc_json_number(claim->utc_ns), "uncertainty_ns",
                         bc_json_number(claim->uncertainty_ns), "age_ns", bc_json_number(claim->age_ns));
}

static const char *end_name(enum bc_record_kind end)
{
        return end == BC_RECORD_CONTINUES   ? "continues"
               : end == BC_RECORD_CLOSE     ? "close"
               : end == BC_RECORD_RECOVERED ? "recovered"
                                            : "none";
}

static json_t *tracks_to_json(const struct bc_segment_verdict *segment)
{
        static const char *const kinds[] = { "picture", "sound", "text", "position" };
        json_t *list = json_array();

        for (size_t i = 0; i < segment->tracks; i++) {
                const struct bc_track_span *track = &segment->track[i];
                bool none = track->first_ticks == BC_RECORD_UNKNOWN;
                json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "kind", kinds[track->kind], "first_ticks",
                                                      bc_json_number(track->first_ticks), "end_ticks",
                                                      none ? json_null() : bc_json_number(track->end_ticks)));
        }
        return list;
}

static json_t *drivers_to_json(const struct bc_segment_verdict *segment)
{
        json_t *list = json_array();

        for (size_t i = 0; i < segment->drivers; i++)
                json_array_append_new(list, json_pack("{s:s, s:o, s:b}", "role", bc_role_name(segment->driver[i].role),
                                                      "name", bc_json_text(segment->driver[i].name), "simulated",
                                                      segment->driver[i].simulated));
        return list;
}

// Key by key what the end states; null where the segment has none, or another one.
static json_t *ended_to_json(const struct bc_segment_verdict *segment)
{
        if (segment->end != BC_RECORD_CLOSE)
                return json_null();
        return json_pack("{s:o, s:o, s:o}", "reason", bc_json_text(segment->ended_reason), "stop_ticks",
                         bc_json_number(segment->stop_ticks), "segments", bc_json_count(segment->segments));
}

static json_t *recovered_to_json(const struct bc_segment_verdict *segment)
{
        static const char *const resets[] = { "not known", "power", "watchdog", "software", "?" };

        if (segment->end != BC_RECORD_RECOVERED)
                return json_null();
        return json_pack("{s:o, s:o, s:o, s:b, s:b, s:s}", "found_bytes", bc_json_count(segment->before), "kept_bytes",
                         bc_json_count(segment->kept), "moved_bytes",
                         segment->moved ? bc_json_count(segment->moved_bytes) : json_null(), "anchor",
                         segment->anchor.medium != 0, "anchor_agrees", segment->agrees, "reset",
                         resets[segment->reset < 4 ? segment->reset : 4]);
}

static json_t *succeeds_to_json(const struct bc_segment_verdict *segment)
{
        json_t *array = json_array();

        for (size_t i = 0; i < segment->abandoned_count; i++)
                json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "segment", bc_json_count(segment->abandoned[i].segment),
                                                       "errno", bc_json_count(segment->abandoned[i].cause), "end",
                                                       bc_json_count(segment->abandoned[i].end)));
        return array;
}

static json_t *segment_to_json(const struct bc_segment_verdict *segment)
{
        json_t *object = json_pack("{s:o, s:i, s:s, s:o, s:o, s:o}", "file", bc_json_text(segment->file), "status",
                                   (int)segment->findings.verdict, "verdict", bc_verdict_name(segment->findings.verdict),
                                   "bytes", bc_json_count(segment->bytes), "sha256",
                                   segment->hashed ? bc_json_hash(segment->sha256, BC_HASH_BYTES) : json_null(), "findings",
                                   bc_json_findings(&segment->findings));

        if (object)
                json_object_set_new(object, "sealed", json_boolean(segment->stored_sealed));
        if (!object || segment->records == 0)
                return object;
        json_object_update_new(
                object, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "device", bc_json_text(segment->device),
                                  "recording", bc_json_count(segment->recording), "segment", bc_json_count(segment->segment),
                                  "records", bc_json_count(segment->records), "fragments", bc_json_count(segment->fragments),
                                  "proven_bytes", bc_json_count(segment->covered), "tracks", tracks_to_json(segment), "end",
                                  end_name(segment->end), "certificate", bc_json_signer(&segment->signer)));
        json_object_update_new(object,
                               json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "first_utc",
                                         claim_to_json(&segment->first_utc), "last_utc", claim_to_json(&segment->last_utc),
                                         "boot_id", bc_json_hash(segment->boot_id, BC_BOOT_ID_BYTES), "firmware_claimed",
                                         bc_json_hash(segment->firmware, BC_HASH_BYTES), "settings_claimed",
                                         bc_json_hash(segment->settings, BC_HASH_BYTES), "frames_captured",
                                         bc_json_count(segment->captured), "frames_dropped", bc_json_count(segment->dropped),
                                         "simulated", segment->simulated));
        json_object_set_new(object, "drivers", drivers_to_json(segment));
        json_object_set_new(object, "begun",
                            json_pack("{s:o, s:o, s:o}", "reason", bc_json_text(segment->begun_reason), "press_ticks",
                                      bc_json_number(segment->press_ticks), "pre_event_ticks",
                                      bc_json_number(segment->pre_event_ticks)));
        json_object_set_new(object, "ended", ended_to_json(segment));
        json_object_set_new(object, "recovered", recovered_to_json(segment));
        json_object_set_new(object, "succeeds", succeeds_to_json(segment));
        return object;
}

static json_t *gaps_to_json(const struct bc_news *news)
{
        json_t *list = json_array();

        for (size_t i = 0; i < news->gaps; i++)
                json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "kind", bc_gap_name(news->gap[i].kind),
                                                      "from_ticks", bc_json_number(news->gap[i].from_ticks), "to_ticks",
                                                      bc_json_number(news->gap[i].to_ticks), "count",
                                                      bc_json_count(news->gap[i].count)));
        return list;
}

static json_t *marks_to_json(const struct bc_news *news)
{
        json_t *list = json_array();

        for (size_t i = 0; i < news->marks; i++)
                json_array_append_new(list, json_pack("{s:o, s:o}", "ticks", bc_json_number(news->mark[i].ticks), "text",
                                                      bc_json_text(news->mark[i].text)));
        return list;
}

static json_t *clock_to_json(const struct bc_news *news)
{
        json_t *list = json_array();

        for (size_t i = 0; i < news->clocks; i++) {
                const struct bc_record_clock *clock = &news->clock[i];
                json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o, s:o}", "from_ticks",
                                                      bc_json_number(clock->from_ticks), "source",
                                                      bc_source_name(clock->source), "utc_ns", bc_json_number(clock->utc_ns),
                                                      "uncertainty_ns", bc_json_number(clock->uncertainty_ns), "step_ns",
                                                      bc_json_number(clock->step_ns)));
        }
        return list;
}

static json_t *recording_to_json(const struct bc_recording_verdict *recording)
{
        json_t *segments = json_array();
        bool any = recording->first_ticks != BC_RECORD_UNKNOWN;

        for (size_t i = 0; i < recording->segments; i++)
                json_array_append_new(segments, segment_to_json(&recording->segment[i]));
        return json_pack("{s:o, s:o, s:o, s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path",
                         bc_json_text(recording->path), "not_before_ns",
                         recording->not_before_ns > 0 ? bc_json_number(recording->not_before_ns) : json_null(), "not_after_ns",
                         recording->not_after_ns > 0 ? bc_json_number(recording->not_after_ns) : json_null(),
                         "scope", recording->lone ? "file" : "recording", "manifest", bc_endorsement_name(recording->endorsement),
                         "status", (int)recording->verdict, "verdict",
                         bc_verdict_name(recording->verdict), "findings", bc_json_findings(&recording->findings),
                         "first_ticks", bc_json_number(recording->first_ticks), "end_ticks",
                         any ? bc_json_number(recording->end_ticks) : json_null(), "gaps", gaps_to_json(&recording->news),
                         "marks", marks_to_json(&recording->news), "clock", clock_to_json(&recording->news), "segments",
                         segments);
}

json_t *bc_report_to_json(const struct bc_judge *judge, const struct bc_report_item *item, size_t items)
{
        json_t *list = json_array();
        enum bc_verdict worst = BC_VERDICT_AUTHENTIC;
        size_t stores = 0, ledgers = 0;

        for (size_t i = 0; i < items; i++) {
                enum bc_verdict verdict = bc_report_verdict(&item[i]);
                json_t *recordings = json_array();
                for (size_t k = 0; k < item[i].recordings; k++)
                        json_array_append_new(recordings, recording_to_json(&item[i].recording[k]));
                json_array_append_new(list, json_pack("{s:o, s:s, s:i, s:s, s:o, s:o, s:o}", "path",
                                                      bc_json_text(item[i].path), "scope",
                                                      item[i].store                                      ? "store"
                                                      : item[i].mixed                                    ? "folder"
                                                      : item[i].recordings && !item[i].recording[0].lone ? "recording"
                                                                                                         : "file",
                                                      "status", (int)verdict, "verdict", bc_verdict_name(verdict), "findings",
                                                      bc_json_findings(&item[i].findings), "recordings", recordings, "ledger",
                                                      item[i].store ? bc_json_ledger(&item[i].ledger) : json_null()));
                ledgers += item[i].store && item[i].ledger.whole;
                stores += item[i].store;
                worst = bc_verdict_worse(worst, verdict);
        }
        return json_pack("{s:i, s:s, s:b, s:o, s:b, s:o}", "status", (int)worst, "verdict",
                         worst == BC_VERDICT_AUTHENTIC ? "authentic" : bc_verdict_name(worst), "ledger_judged",
                         stores > 0 && ledgers == stores, "judged_at_utc_ns", bc_json_number(judge->now_utc_ns),
                         "test_allowed", judge->allow_test, "items", list);
}
