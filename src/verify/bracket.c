// SPDX-License-Identifier: EUPL-1.2
#include "verify/bracket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"

// Whether it lies before that record in the chain, or is it.
static bool is_up_to(const struct bc_ledger_link *a, uint64_t epoch, uint64_t sequence)
{
        return a->epoch < epoch || (a->epoch == epoch && a->sequence <= sequence);
}

static const struct bc_ledger_recording *stated_of(const struct bc_ledger_verdict *ledger,
                                                   const struct bc_recording_verdict *recording)
{
        const char *dash = strrchr(recording->path, '-');

        return recording->lone || !dash ? NULL : bc_ledger_find_recording(ledger, strtoull(dash + 1, NULL, 10));
}

void bc_bracket_close(const struct bc_witnesses *witnesses, const struct bc_ledger_verdict *ledger,
                      struct bc_recording_verdict *recording)
{
        const struct bc_ledger_recording *stated = ledger->whole ? stated_of(ledger, recording) : NULL;

        if (stated && stated->end_epoch > 0)
                recording->not_after_ns =
                        bc_witnesses_not_after(witnesses, ledger, stated->end_epoch, stated->end_sequence);
}

static const struct bc_segment_verdict *first_signed(const struct bc_recording_verdict *recording)
{
        for (size_t i = 0; i < recording->segments; i++)
                if (recording->segment[i].records > 0)
                        return &recording->segment[i];
        return NULL;
}

static void open_bracket(const struct bc_witnesses *witnesses, const struct bc_ledger_verdict *ledger,
                         const struct bc_segment_verdict *first, struct bc_recording_verdict *recording)
{
        for (size_t i = 0; i < witnesses->count; i++) {
                const struct bc_witness *witness = &witnesses->witness[i];
                const struct bc_ledger_link *link = bc_witness_find(witness, ledger, BC_WITNESS_NOT_BEFORE);
                if (link && witness->utc_ns != BC_RECORD_UNKNOWN && is_up_to(link, first->epoch, first->first_ledger) &&
                    witness->utc_ns - witness->spread_ns > recording->not_before_ns)
                        recording->not_before_ns = witness->utc_ns - witness->spread_ns;
        }
}

static void judge_claim(const struct bc_claim *claim, struct bc_recording_verdict *recording)
{
        char claimed[BC_UTC_TEXT_BYTES], bound[BC_UTC_TEXT_BYTES];
        int64_t earliest, latest;

        if (!claim->known)
                return;
        if (__builtin_sub_overflow(claim->utc_ns, claim->uncertainty_ns, &earliest))
                earliest = INT64_MIN;
        if (__builtin_add_overflow(claim->utc_ns, claim->uncertainty_ns, &latest))
                latest = INT64_MAX;
        bool early = recording->not_before_ns > 0 && latest < recording->not_before_ns;
        bool late = recording->not_after_ns > 0 && earliest > recording->not_after_ns;
        if (!early && !late)
                return;
        if (bc_utc_format(claim->utc_ns, claimed) < 0)
                snprintf(claimed, sizeof(claimed), "a time before 1970");
        bc_utc_format(early ? recording->not_before_ns : recording->not_after_ns, bound);
        bc_find(&recording->findings, BC_FINDING_TIME, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                "a record claims %s, and was not made %s %s, by what was witnessed: its clock was wrong, or set so", claimed,
                early ? "before" : "after", bound);
        recording->verdict = bc_verdict_worse(recording->verdict, BC_VERDICT_TAMPERED);
        recording->whole = false;
}

void bc_bracket_judge(const struct bc_witnesses *witnesses, const struct bc_ledger_verdict *ledger,
                      struct bc_recording_verdict *recording)
{
        const struct bc_segment_verdict *first = first_signed(recording);

        if (!ledger->whole || !first)
                return;
        open_bracket(witnesses, ledger, first, recording);
        for (size_t i = 0; i < recording->segments; i++)
                if (recording->segment[i].records > 0) {
                        judge_claim(&recording->segment[i].first_utc, recording);
                        judge_claim(&recording->segment[i].last_utc, recording);
                }
}
