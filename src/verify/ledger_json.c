// SPDX-License-Identifier: EUPL-1.2
#include <string.h>

#include "verify/report_part.h"
#include "verify/witness.h"

static json_t *moment_to_json(const struct bc_ledger_moment *moment)
{
        return json_pack("{s:o, s:o, s:o}", "boot", bc_json_count(moment->boot), "boot_ns",
                         bc_json_number(moment->boot_ns), "utc_ns", bc_json_number(moment->utc_ns));
}

static json_t *head_to_json(const struct bc_ledger_verdict *ledger)
{
        const struct bc_ledger_link *head = bc_ledger_head(ledger);
        char text[BC_WITNESS_TEXT_BYTES];

        if (!head)
                return json_null();
        bc_witness_text(ledger, text);
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "device", bc_json_text(ledger->device), "epoch",
                         bc_json_count(head->epoch), "sequence", bc_json_count(head->sequence), "hash",
                         bc_json_hash(head->hash, BC_HASH_BYTES), "boot", bc_json_count(ledger->head_boot),
                         "witness", bc_json_text(text));
}

static json_t *runs_to_json(const struct bc_ledger_verdict *ledger)
{
        json_t *list = json_array();

        for (size_t i = 0; i < ledger->runs; i++) {
                const struct bc_ledger_run *run = &ledger->run[i];
                json_array_append_new(
                        list, json_pack("{s:o, s:o, s:o, s:o, s:b, s:i, s:o, s:s, s:o}", "epoch",
                                        bc_json_count(run->epoch), "from", moment_to_json(&run->from), "to",
                                        moment_to_json(&run->to), "boot_id",
                                        bc_json_hash(run->boot_id, BC_BOOT_ID_BYTES), "clean", run->clean,
                                        "reset", (int)run->reset, "percent", bc_json_number(run->percent),
                                        "anchor", bc_ledger_anchor_name(run->anchor),
                                        "stopped", run->stopped ? bc_json_text(run->reason) : json_null()));
        }
        return list;
}

static json_t *silences_to_json(const struct bc_ledger_verdict *ledger)
{
        static const char *const causes[] = { "heartbeat", "stopped", "broken-off" };
        json_t *list = json_array();

        for (size_t i = 0; i < ledger->silences; i++) {
                const struct bc_ledger_silence *silence = &ledger->silence[i];
                json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "cause", causes[silence->cause],
                                                      "from", moment_to_json(&silence->from), "to",
                                                      moment_to_json(&silence->to), "length_ns",
                                                      bc_json_number(silence->length_ns)));
        }
        return list;
}

static json_t *notes_to_json(const struct bc_ledger_verdict *ledger)
{
        json_t *list = json_array();

        for (size_t i = 0; i < ledger->notes; i++) {
                const struct bc_ledger_note *note = &ledger->note[i];
                json_t *object = json_pack("{s:s, s:o}", "event", bc_ledger_event_name(note->event), "at",
                                           moment_to_json(&note->at));
                // Hashes are left out: what they are for is judged.
                for (size_t k = 0; k < BC_LEDGER_FIELDS_MAX && bc_ledger_field_name(note->event, k); k++)
                        json_object_set_new(object, bc_ledger_field_name(note->event, k),
                                            bc_ledger_field_is_text(note->event, k)
                                                    ? bc_json_text(note->text[k])
                                                    : bc_json_number(note->number[k]));
                json_array_append_new(list, object);
        }
        return list;
}

static json_t *recordings_to_json(const struct bc_ledger_verdict *ledger)
{
        json_t *list = json_array();

        for (size_t i = 0; i < ledger->recordings; i++) {
                const struct bc_ledger_recording *recording = &ledger->recording[i];
                json_array_append_new(
                        list, json_pack("{s:o, s:b, s:b, s:b, s:b, s:o, s:o}", "recording",
                                        bc_json_count(recording->number), "begun", recording->begun, "closed",
                                        recording->closed, "recovered", recording->recovered, "given_up",
                                        recording->given_up, "segments",
                                        recording->closed ? bc_json_count(recording->segments) : json_null(),
                                        "hash",
                                        recording->hashed ? bc_json_hash(recording->hash, BC_HASH_BYTES)
                                                          : json_null()));
        }
        return list;
}

static json_t *counts_to_json(const uint64_t count[BC_LEDGER_EVENT_KINDS])
{
        json_t *object = json_object();

        for (uint32_t i = 1; i < BC_LEDGER_EVENT_KINDS; i++)
                json_object_set_new(object, bc_ledger_event_name(i), bc_json_count(count[i]));
        return object;
}

json_t *bc_json_ledger(const struct bc_ledger_verdict *ledger)
{
        json_t *object = json_pack(
                "{s:b, s:b, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "there", ledger->there, "whole",
                ledger->whole, "status", (int)ledger->findings.verdict, "verdict",
                bc_verdict_name(ledger->findings.verdict), "findings", bc_json_findings(&ledger->findings),
                "certificate", bc_json_signer(&ledger->signer), "head", head_to_json(ledger), "records",
                bc_json_count(ledger->links), "files", bc_json_count(ledger->files), "torn_files",
                bc_json_count(ledger->torn));

        if (!object)
                return NULL;
        json_object_set_new(object, "starts", runs_to_json(ledger));
        json_object_set_new(object, "no_statement", silences_to_json(ledger));
        json_object_set_new(object, "events", counts_to_json(ledger->count));
        json_object_set_new(object, "other_events", bc_json_count(ledger->count[0]));
        json_object_set_new(object, "flooded", counts_to_json(ledger->flooded));
        json_object_set_new(object, "entries", notes_to_json(ledger));
        json_object_set_new(object, "entries_left_out", bc_json_count(ledger->notes_left_out));
        json_object_set_new(object, "recordings", recordings_to_json(ledger));
        return object;
}
