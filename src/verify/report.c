// SPDX-License-Identifier: EUPL-1.2
#include "verify/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/utc.h"
#include "verify/report_part.h"
#include "verify/text.h"

enum bc_verdict bc_report_verdict(const struct bc_report_item *item)
{
        enum bc_verdict verdict = item->findings.verdict;

        for (size_t i = 0; i < item->recordings; i++)
                verdict = bc_verdict_worse(verdict, item->recording[i].verdict);
        return bc_verdict_worse(verdict, item->ledger.findings.verdict);
}

const char *bc_report_heading(enum bc_verdict verdict)
{
        static const char *const headings[] = {
                "PROVEN: unchanged and complete",
                "TAMPERED WITH, or not what it says it is",
                "PROVEN ONLY IN PART: the end is not proven, or something is missing",
                "NOT JUDGED: no statement can be made",
        };

        return headings[verdict];
}

// Untrusted text in quotes.
void bc_report_print_text(FILE *stream, const char *label, const char *text)
{
        char escaped[BC_REPORT_LINE_BYTES];

        fprintf(stream, "  %-13s %s\n", label, bc_text_escape(text, escaped, sizeof(escaped)));
}

void bc_report_format_utc(int64_t utc_ns, char ret_text[BC_REPORT_TIME_BYTES])
{
        char second[BC_UTC_TEXT_BYTES];

        if (bc_utc_format(utc_ns, second) < 0)
                snprintf(ret_text, BC_REPORT_TIME_BYTES, "before 1970");
        else
                snprintf(ret_text, BC_REPORT_TIME_BYTES, "%.19s.%03dZ", second, (int)(utc_ns % BC_NS_PER_S / BC_NS_PER_MS));
}

// Sums of claimed numbers may be too large for the type: then nothing is said.
static bool add_up(int64_t a, int64_t b, int64_t c, int64_t *ret_sum)
{
        int64_t difference;

        return !__builtin_sub_overflow(b, c, &difference) && !__builtin_add_overflow(a, difference, ret_sum);
}

static bool ns_of_ticks(int64_t ticks, int64_t *ret_ns)
{
        if (ticks < 0 || ticks > INT64_MAX / 125000)
                return false;
        *ret_ns = bc_ns_from_ticks(ticks);
        return true;
}

static const struct bc_claim *any_claim(const struct bc_recording_verdict *verdict)
{
        for (size_t i = 0; i < verdict->segments; i++)
                if (verdict->segment[i].first_utc.known)
                        return &verdict->segment[i].first_utc;
        return NULL;
}

// The clock entry that holds at a tick; NULL: none does.
static const struct bc_record_clock *entry_at(const struct bc_news *news, int64_t ticks)
{
        const struct bc_record_clock *entry = NULL;

        for (size_t i = 0; i < news->clocks; i++)
                if (news->clock[i].from_ticks <= ticks && (!entry || news->clock[i].from_ticks >= entry->from_ticks))
                        entry = &news->clock[i];
        return entry;
}

int bc_report_utc(const struct bc_recording_verdict *verdict, int64_t ticks, char ret_text[BC_REPORT_TIME_BYTES],
                  const struct bc_claim **ret_claim)
{
        const struct bc_claim *claim = any_claim(verdict);
        const struct bc_record_clock *entry = entry_at(&verdict->news, ticks);
        int64_t at_ns, from_ns, utc_ns;

        if (!ns_of_ticks(ticks, &at_ns))
                return -ENOENT;
        if (entry && entry->source != 0 && ns_of_ticks(entry->from_ticks, &from_ns) &&
            add_up(entry->utc_ns, at_ns, from_ns, &utc_ns)) {
                bc_report_format_utc(utc_ns, ret_text);
        } else if (!entry && claim && add_up(claim->utc_ns, at_ns, claim->signed_ns, &utc_ns)) {
                bc_report_format_utc(utc_ns, ret_text);
        } else {
                return -ENOENT;
        }
        if (ret_claim)
                *ret_claim = claim;
        return 0;
}

void bc_report_print_findings(FILE *stream, const struct bc_findings *findings, const char *indent)
{
        char escaped[BC_REPORT_LINE_BYTES];

        for (size_t i = 0; i < findings->count; i++) {
                const struct bc_finding *finding = &findings->finding[i];
                const char *word = finding->verdict == BC_VERDICT_NOTE ? "note" : bc_verdict_name(finding->verdict);
                bc_text_escape(finding->text, escaped, sizeof(escaped));
                fprintf(stream, "%s%s [%s]", indent, word, bc_finding_code_name(finding->code));
                if (finding->offset != BC_NO_OFFSET)
                        fprintf(stream, " at byte %" PRIu64, finding->offset);
                fprintf(stream, ": %s\n", escaped);
        }
        if (findings->more > 0)
                fprintf(stream, "%s... and %zu more\n", indent, findings->more);
}

void bc_report_print_signer(FILE *stream, const char *device, const struct bc_signer *signer)
{
        char hex[2 * BC_HASH_BYTES + 1], from[BC_REPORT_TIME_BYTES], until[BC_REPORT_TIME_BYTES], judged[BC_REPORT_TIME_BYTES];

        bc_report_print_text(stream, "Device", device);
        bc_report_print_text(stream, "Certificate", signer->subject);
        bc_report_print_text(stream, "  issued by", signer->issuer);
        if (signer->trusted)
                bc_report_print_text(stream, "  root", signer->root);
        else
                fprintf(stream, "  %-13s none of those named\n", "  root");
        fprintf(stream, "  %-13s %s, SHA-256 %s\n", "  number", signer->serial, bc_text_hex(signer->sha256, BC_HASH_BYTES, hex));
        bc_report_format_utc(signer->from_ns, from);
        bc_report_format_utc(signer->until_ns, until);
        fprintf(stream, "  %-13s %s to %s", "  valid", from, until);
        if (signer->judged_ns > 0) {
                bc_report_format_utc(signer->judged_ns, judged);
                fprintf(stream, "; judged as of %s, %s", judged,
                        signer->judged_now ? "the present: when it was recorded is not known"
                                           : "when it was recorded, by its own word");
        }
        if (signer->protection == BC_PROTECTION_NOT_SAID)
                fprintf(stream, "\n  %-13s the issuer does not say how it is kept\n", "  key");
        else
                fprintf(stream, "\n  %-13s %s, by the issuer's word\n", "  key", bc_protection_name(signer->protection));
        if (signer->test)
                fprintf(stream, "  %-13s what it signs is evidence of nothing\n", "  TEST");
}

static void print_bracket(FILE *stream, const struct bc_recording_verdict *verdict)
{
        char utc[BC_REPORT_TIME_BYTES];

        if (verdict->not_before_ns > 0) {
                bc_report_format_utc(verdict->not_before_ns, utc);
                fprintf(stream, "  %-13s %s UTC: it hangs on a nonce that nobody knew earlier\n", "  not before", utc);
        }
        if (verdict->not_after_ns > 0) {
                bc_report_format_utc(verdict->not_after_ns, utc);
                fprintf(stream, "  %-13s %s UTC: its end had been witnessed by then\n", "  not after", utc);
        }
}

static void print_time(FILE *stream, const struct bc_recording_verdict *verdict)
{
        char from[BC_REPORT_TIME_BYTES], to[BC_REPORT_TIME_BYTES];
        const struct bc_claim *claim = NULL;
        int64_t length = verdict->end_ticks - verdict->first_ticks;

        if (verdict->first_ticks == BC_RECORD_UNKNOWN) {
                fprintf(stream, "  %-13s no picture is proven\n", "Time");
                return;
        }
        if (bc_report_utc(verdict, verdict->first_ticks, from, &claim) == 0 &&
            bc_report_utc(verdict, verdict->end_ticks, to, NULL) == 0)
                fprintf(stream, "  %-13s %s to %s UTC, as the device's clock said\n", "Time", from, to);
        else
                fprintf(stream, "  %-13s TIME NOT SET: the device had no time of day\n", "Time");
        print_bracket(stream, verdict);
        if (claim)
                fprintf(stream,
                        "  %-13s %s, give or take %" PRId64 ".%03" PRId64 " s by its own word, last asked %" PRId64
                        " s before it was signed\n",
                        "  clock", bc_source_name(claim->source), claim->uncertainty_ns / BC_NS_PER_S,
                        claim->uncertainty_ns % BC_NS_PER_S / BC_NS_PER_MS, claim->age_ns / BC_NS_PER_S);
        fprintf(stream, "  %-13s %" PRId64 ".%03" PRId64 " s of picture, ticks %" PRId64 " to %" PRId64 " since boot\n",
                "  length", length / BC_TICKS_PER_S, length % BC_TICKS_PER_S * 1000 / BC_TICKS_PER_S, verdict->first_ticks,
                verdict->end_ticks);
}

// "12.345 s" from the first picture on.
static void print_place(FILE *stream, const struct bc_recording_verdict *verdict, int64_t ticks)
{
        int64_t from;

        if (verdict->first_ticks == BC_RECORD_UNKNOWN || __builtin_sub_overflow(ticks, verdict->first_ticks, &from))
                fprintf(stream, "tick %" PRId64, ticks);
        else
                fprintf(stream, "%s%" PRId64 ".%03" PRId64 " s", from < 0 ? "-" : "",
                        from < 0 ? -(from / BC_TICKS_PER_S) : from / BC_TICKS_PER_S,
                        (from < 0 ? -(from % BC_TICKS_PER_S) : from % BC_TICKS_PER_S) * 1000 / BC_TICKS_PER_S);
}

static void print_gaps(FILE *stream, const struct bc_recording_verdict *verdict)
{
        const struct bc_news *news = &verdict->news;

        fprintf(stream, "  %-13s %zu declared\n", "Gaps", news->gaps);
        for (size_t i = 0; i < news->gaps; i++) {
                const struct bc_record_gap *gap = &news->gap[i];
                fprintf(stream, "    %-13s ", bc_gap_name(gap->kind));
                print_place(stream, verdict, gap->from_ticks);
                fputs(" to ", stream);
                if (gap->to_ticks == BC_RECORD_UNKNOWN)
                        fputs("the end", stream);
                else
                        print_place(stream, verdict, gap->to_ticks);
                if (gap->count != 1)
                        fprintf(stream, ", %" PRIu64 " %s", gap->count, gap->kind == 4 ? "frames" : "times");
                fputc('\n', stream);
        }
}

static void print_marks(FILE *stream, const struct bc_recording_verdict *verdict)
{
        const struct bc_news *news = &verdict->news;
        char escaped[BC_ESCAPED_BYTES(BC_RECORD_TEXT_BYTES_MAX)], utc[BC_REPORT_TIME_BYTES];

        fprintf(stream, "  %-13s %zu\n", "Marks", news->marks);
        for (size_t i = 0; i < news->marks; i++) {
                fputs("    ", stream);
                print_place(stream, verdict, news->mark[i].ticks);
                fprintf(stream, " \"%s\"\n", bc_text_escape(news->mark[i].text, escaped, sizeof(escaped)));
        }
        for (size_t i = 0; i < news->clocks; i++) {
                const struct bc_record_clock *clock = &news->clock[i];
                fprintf(stream, "  %-13s from ", i == 0 ? "Wall clock" : "");
                print_place(stream, verdict, clock->from_ticks);
                if (clock->source == 0) {
                        fputs(": not set\n", stream);
                        continue;
                }
                bc_report_format_utc(clock->utc_ns, utc);
                fprintf(stream, ": %s by %s", utc, bc_source_name(clock->source));
                if (clock->step_ns != BC_RECORD_UNKNOWN)
                        fprintf(stream, ", moved by %" PRId64 " ms", clock->step_ns / BC_NS_PER_MS);
                fputc('\n', stream);
        }
}

static void print_circumstances(FILE *stream, const struct bc_recording_verdict *verdict, const struct bc_segment_verdict *first)
{
        const struct bc_segment_verdict *last = &verdict->segment[verdict->segments - 1];
        char escaped[BC_ESCAPED_BYTES(BC_RECORD_TEXT_BYTES_MAX)], hex[2 * BC_HASH_BYTES + 1];

        fprintf(stream, "  %-13s \"%s\"", "Begun by", bc_text_escape(first->begun_reason, escaped, sizeof(escaped)));
        if (first->press_ticks != BC_RECORD_UNKNOWN) {
                fputs(", press at ", stream);
                print_place(stream, verdict, first->press_ticks);
        }
        fputc('\n', stream);
        if (last->end == BC_RECORD_CLOSE)
                fprintf(stream, "  %-13s \"%s\"\n", "Ended by", bc_text_escape(last->ended_reason, escaped, sizeof(escaped)));
        for (size_t i = 0; i < first->drivers; i++)
                fprintf(stream, "  %-13s %s \"%s\"%s\n", i == 0 ? "Drivers" : "", bc_role_name(first->driver[i].role),
                        bc_text_escape(first->driver[i].name, escaped, sizeof(escaped)),
                        first->driver[i].simulated ? " SIMULATED" : "");
        if (first->stored_sealed)
                fprintf(stream, "  %-13s for the agency; opened with its key, written nowhere\n", "Sealed");
        else if (first->sealed)
                fprintf(stream, "  %-13s it was written into a sealed file, whose header is not judged here\n", "Sealed");
        fprintf(stream, "  %-13s %" PRIu64 " captured, %" PRIu64 " dropped, from the device's start to this recording's end\n", "Frames",
                last->captured, last->dropped);
        fprintf(stream, "  %-13s SHA-256 %s, by its own word%s\n", "Firmware", bc_text_hex(first->firmware, BC_HASH_BYTES, hex),
                first->changed_programs ? "; it or the settings changed meanwhile" : "");
}

static void print_endorsement(FILE *stream, const struct bc_recording_verdict *verdict)
{
        static const char *const texts[] = { "no manifest signature: nothing that is proven depends on one",
                                             "manifest.json is signed by the device",
                                             "its signature is not this manifest's",
                                             "its signature cannot be judged: nothing else here is signed" };

        if (!verdict->lone)
                fprintf(stream, "  %-13s %s\n", "Manifest", texts[verdict->endorsement]);
}

static void print_files(FILE *stream, const struct bc_recording_verdict *verdict)
{
        char hex[2 * BC_HASH_BYTES + 1], escaped[BC_REPORT_LINE_BYTES];

        for (size_t i = 0; i < verdict->segments; i++) {
                const struct bc_segment_verdict *segment = &verdict->segment[i];
                // A segment by itself is never the whole of a recording.
                fprintf(stream, "  %-13s %s: %s\n", "File", bc_text_escape(segment->file, escaped, sizeof(escaped)),
                        segment->findings.verdict == BC_VERDICT_AUTHENTIC ? "proven, unchanged from its first byte to its last"
                                                                          : bc_report_heading(segment->findings.verdict));
                fprintf(stream, "    %" PRIu64 " bytes, SHA-256 %s\n", segment->bytes,
                        segment->hashed ? bc_text_hex(segment->sha256, BC_HASH_BYTES, hex) : "not known");
                if (segment->records > 0)
                        fprintf(stream,
                                "    segment %" PRIu32 ", %" PRIu32 " fragments, %" PRIu32 " records; the first %" PRIu64
                                " bytes are covered%s\n",
                                segment->segment, segment->fragments, segment->records, segment->covered,
                                segment->findings.verdict == BC_VERDICT_AUTHENTIC && segment->end != 0 && segment->covered < segment->bytes ?
                                        ", the rest is\n    the last record and the index for players that it states" : "");
                bc_report_print_findings(stream, &segment->findings, "    ");
        }
}

static void print_recording(FILE *stream, const struct bc_judge *judge, const struct bc_recording_verdict *verdict)
{
        char escaped[BC_REPORT_LINE_BYTES];
        size_t first = 0;
        bool simulated = false;

        while (first < verdict->segments && verdict->segment[first].records == 0)
                first++;
        for (size_t i = 0; i < verdict->segments; i++)
                simulated |= verdict->segment[i].simulated;
        fprintf(stream, "%s %s\n%s\n", verdict->lone ? "File" : "Recording",
                bc_text_escape(verdict->path, escaped, sizeof(escaped)), bc_report_heading(verdict->verdict));
        if (simulated)
                fprintf(stream, "  SIMULATED: devices stood in for a camera's own%s\n",
                        judge->allow_test ? " (--allow-test)" : "");
        bc_report_print_findings(stream, &verdict->findings, "  ");
        if (verdict->verdict == BC_VERDICT_TAMPERED || verdict->verdict == BC_VERDICT_UNJUDGED)
                fputs("  What follows is what the files say of themselves:\n", stream);
        if (first < verdict->segments) {
                bc_report_print_signer(stream, verdict->segment[first].device, &verdict->segment[first].signer);
                fprintf(stream, "  %-13s %" PRIu64 " of the device; epoch %" PRIu64 " of its ledger, its start %" PRIu64 "\n", "Recording",
                        verdict->segment[first].recording, verdict->segment[first].epoch, verdict->segment[first].boot);
                print_time(stream, verdict);
                print_circumstances(stream, verdict, &verdict->segment[first]);
                print_gaps(stream, verdict);
                print_marks(stream, verdict);
        }
        print_endorsement(stream, verdict);
        print_files(stream, verdict);
}

static bool has_records(const struct bc_report_item *item)
{
        for (size_t i = 0; i < item->recordings; i++)
                for (size_t k = 0; k < item->recording[i].segments; k++)
                        if (item->recording[i].segment[k].records > 0)
                                return true;
        return false;
}

static void print_unproven(FILE *stream, const struct bc_report_item *item)
{
        if (!item->store && !has_records(item)) {
                fputs("Nothing is proven of it, neither for nor against anybody: no record of a device could be read in it.\n", stream);
                return;
        }
        fputs("What this does not prove:\n"
              "  that the time of day is right: it is what the device's clock said, but for \"not before\" and \"not after\", which\n"
              "  are there where heads with a time, nonces or time stamps were given (--witness, --stamp);\n"
              "  who wore the device, what was in front of it, or what it was pointed away from;\n"
              "  that the device's program was the right one: its hash is its own word;\n", stream);
        if (item->store && item->ledger.whole)
                fputs("  that the ledger does not go on: what the device stated after its head may have been cut off, with the\n"
                      "  recordings it was of, unless that head or a later one was witnessed (--witness);\n"
                      "  that the device recorded all that it should have: when nothing was stated is said above.\n", stream);
        else if (item->store)
                fputs("  that no recording is missing as a whole: the ledger tells of nothing. A recording that was removed\n"
                      "  with its folder leaves no trace in the others.\n", stream);
        else
                fputs("  that the device made no other recording: its ledger is not here, and what came before the first\n"
                      "  record hangs on it.\n", stream);
}

void bc_report_print(FILE *stream, const struct bc_judge *judge, const struct bc_report_item *item)
{
        char escaped[BC_REPORT_LINE_BYTES];

        const bool several = item->store || item->mixed || item->recordings == 0;

        if (several)
                fprintf(stream, "%s %s\n%s\n", item->store ? "Store" : item->mixed ? "Folder" : "Path",
                        bc_text_escape(item->path, escaped, sizeof(escaped)), bc_report_heading(bc_report_verdict(item)));
        bc_report_print_findings(stream, &item->findings, "  ");
        if (item->store)
                bc_report_print_ledger(stream, &item->ledger);
        if (several)
                fputc('\n', stream);
        for (size_t i = 0; i < item->recordings; i++) {
                print_recording(stream, judge, &item->recording[i]);
                fputc('\n', stream);
        }
        print_unproven(stream, item);
        fputc('\n', stream);
}

void bc_report_print_end(FILE *stream, enum bc_verdict verdict)
{
        fprintf(stream, "Verdict: %s\n",
                verdict == BC_VERDICT_AUTHENTIC ? "AUTHENTIC and complete; what is missing in it is declared above"
                                                : bc_report_heading(verdict));
}
