// SPDX-License-Identifier: EUPL-1.2
#include <inttypes.h>
#include <string.h>

#include "verify/report_part.h"
#include "verify/text.h"
#include "verify/witness.h"

#define LINES_MAX 200 // of each kind; all are in the JSON

static void print_moment(FILE *stream, const struct bc_ledger_moment *moment)
{
        char utc[BC_REPORT_TIME_BYTES];

        if (moment->utc_ns != BC_RECORD_UNKNOWN) {
                bc_report_format_utc(moment->utc_ns, utc);
                fputs(utc, stream);
        } else {
                fprintf(stream, "%" PRId64 ".%03" PRId64 " s since boot, in start %" PRIu64,
                        moment->boot_ns / BC_NS_PER_S, moment->boot_ns % BC_NS_PER_S / BC_NS_PER_MS,
                        moment->boot);
        }
}

static void print_left_out(FILE *stream, size_t count)
{
        if (count > LINES_MAX)
                fprintf(stream, "    ... and %zu more\n", count - LINES_MAX);
}

static void print_runs(FILE *stream, const struct bc_ledger_verdict *ledger)
{
        static const char *const resets[] = { "", ", after a loss of power", ", after a watchdog",
                                              ", after a restart of software" };
        char escaped[BC_ESCAPED_BYTES(BC_RECORD_TEXT_BYTES_MAX)];

        fprintf(stream, "  %-13s %zu\n", "Starts", ledger->runs);
        for (size_t i = 0; i < ledger->runs && i < LINES_MAX; i++) {
                const struct bc_ledger_run *run = &ledger->run[i];
                fprintf(stream, "    %" PRIu64 ": ", run->from.boot);
                print_moment(stream, &run->from);
                fprintf(stream, "%s%s",
                        run->clean                  ? ""
                        : i == 0 && run->epoch == 1 ? ", the first"
                                                    : ", NOT CLEAN: the run before was not ended in order",
                        resets[run->reset <= BC_RECORD_RESET_MAX ? run->reset : 0]);
                if (run->percent != BC_RECORD_UNKNOWN)
                        fprintf(stream, ", battery %" PRId64 " %%", run->percent);
                fprintf(stream, ", anchor: %s", bc_ledger_anchor_name(run->anchor));
                fputs(run->stopped ? "; stopped " : "; last statement ", stream);
                print_moment(stream, &run->to);
                if (run->stopped)
                        fprintf(stream, " \"%s\"", bc_text_escape(run->reason, escaped, sizeof(escaped)));
                fputc('\n', stream);
        }
        print_left_out(stream, ledger->runs);
}

static void print_silences(FILE *stream, const struct bc_ledger_verdict *ledger)
{
        static const char *const causes[] = { "it ran, and stated nothing", "it had been stopped",
                                              "the run was not ended in order" };

        for (size_t i = 0; i < ledger->silences && i < LINES_MAX; i++) {
                const struct bc_ledger_silence *silence = &ledger->silence[i];
                fputs("  No statement from ", stream);
                print_moment(stream, &silence->from);
                fputs(" to ", stream);
                print_moment(stream, &silence->to);
                if (silence->length_ns != BC_RECORD_UNKNOWN)
                        fprintf(stream, " (%" PRId64 " s)", silence->length_ns / BC_NS_PER_S);
                fprintf(stream, ": %s\n", causes[silence->cause]);
        }
        print_left_out(stream, ledger->silences);
}

static void print_utc(FILE *stream, int64_t utc_ns)
{
        char utc[BC_REPORT_TIME_BYTES];

        bc_report_format_utc(utc_ns, utc);
        fprintf(stream, " utc %s", utc);
}

// "mute on by "button"": the words of the document, with what stands there.
static void print_note(FILE *stream, const struct bc_ledger_note *note)
{
        char escaped[BC_ESCAPED_BYTES(BC_RECORD_TEXT_BYTES_MAX)];

        fputs("    ", stream);
        print_moment(stream, &note->at);
        fprintf(stream, " %s", bc_ledger_event_name(note->event));
        for (size_t i = 0; i < BC_LEDGER_FIELDS_MAX && bc_ledger_field_name(note->event, i); i++) {
                const char *name = bc_ledger_field_name(note->event, i);
                if (bc_ledger_field_is_text(note->event, i))
                        fprintf(stream, " %s \"%s\"", name,
                                bc_text_escape(note->text[i], escaped, sizeof(escaped)));
                else if (note->event == BC_LEDGER_GAP && i == 1)
                        fprintf(stream, " %s %s", name, bc_gap_name((uint32_t)note->number[i]));
                else if (note->event == BC_LEDGER_CLOCK && i == 0)
                        fprintf(stream, " %s %s", name,
                                note->number[i] == 0 ? "none" : bc_source_name((uint32_t)note->number[i]));
                else if (note->event == BC_LEDGER_CLOCK && i == 1 && note->number[i] != BC_RECORD_UNKNOWN)
                        print_utc(stream, note->number[i]);
                else if (note->event == BC_LEDGER_CLOCK && i == 2 && note->number[i] != BC_RECORD_UNKNOWN)
                        fprintf(stream, " step %.3f s", (double)note->number[i] / BC_NS_PER_S);
                else if (note->number[i] != BC_RECORD_UNKNOWN)
                        fprintf(stream, " %s %" PRId64, name, note->number[i]);
        }
        fputc('\n', stream);
}

// Alarms apart: a life of them is not to leave no room for the others.
static void print_notes(FILE *stream, const struct bc_ledger_verdict *ledger, bool alarms)
{
        size_t lines = 0;

        for (size_t i = 0; i < ledger->notes; i++)
                if ((ledger->note[i].event == BC_LEDGER_ALARM) == alarms && lines++ < LINES_MAX)
                        print_note(stream, &ledger->note[i]);
        print_left_out(stream, lines + (alarms ? 0 : ledger->notes_left_out));
}

static void print_events(FILE *stream, const struct bc_ledger_verdict *ledger)
{
        fprintf(stream, "  %-13s", "Events");
        for (uint32_t i = 1; i < BC_LEDGER_EVENT_KINDS; i++)
                if (ledger->count[i] > 0)
                        fprintf(stream, " %s %" PRIu64 ",", bc_ledger_event_name(i), ledger->count[i]);
        fprintf(stream, " others %" PRIu64 "\n", ledger->count[0]);
        print_notes(stream, ledger, false);
        if (ledger->count[BC_LEDGER_ALARM] > 0)
                fprintf(stream, "  %-13s %" PRIu64 "\n", "Alarms", ledger->count[BC_LEDGER_ALARM]);
        print_notes(stream, ledger, true);
}

void bc_report_print_ledger(FILE *stream, const struct bc_ledger_verdict *ledger)
{
        char head[BC_WITNESS_TEXT_BYTES], from[BC_REPORT_TIME_BYTES], to[BC_REPORT_TIME_BYTES];

        fprintf(stream, "\nLedger: %s\n", bc_report_heading(ledger->findings.verdict));
        bc_report_print_findings(stream, &ledger->findings, "  ");
        if (ledger->links == 0)
                return;
        if (!ledger->whole)
                fputs("  What follows is what it says up to where it is broken:\n", stream);
        bc_report_print_signer(stream, ledger->device, &ledger->signer);
        bc_witness_text(ledger, head);
        fprintf(stream, "  %-13s %s\n", "Head", head);
        fprintf(stream, "  %-13s %zu in %zu file%s; the last is of the device's start %" PRIu64 "\n", "Records", ledger->links,
                ledger->files, ledger->files == 1 ? "" : "s", ledger->head_boot);
        if (ledger->first_utc.known) {
                bc_report_format_utc(ledger->first_utc.utc_ns, from);
                bc_report_format_utc(ledger->last_utc.utc_ns, to);
                fprintf(stream, "  %-13s %s to %s UTC, as the device's clock said\n", "Time", from, to);
        } else {
                fprintf(stream, "  %-13s TIME NOT SET: the device had no time of day\n", "Time");
        }
        fprintf(stream, "  %-13s %zu named\n", "Recordings", ledger->recordings);
        print_runs(stream, ledger);
        print_silences(stream, ledger);
        print_events(stream, ledger);
}
