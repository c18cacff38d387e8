// SPDX-License-Identifier: EUPL-1.2
#include "verify/finding.h"

#include <stdarg.h>
#include <stdio.h>

enum bc_verdict bc_verdict_worse(enum bc_verdict a, enum bc_verdict b)
{
        static const int badness[] = { [BC_VERDICT_AUTHENTIC] = 0, [BC_VERDICT_UNPROVEN] = 1, [BC_VERDICT_UNJUDGED] = 2,
                                       [BC_VERDICT_TAMPERED] = 3 };

        return badness[a] >= badness[b] ? a : b;
}

void bc_find(struct bc_findings *findings, enum bc_finding_code code, enum bc_verdict verdict, uint64_t offset,
             const char *format, ...)
{
        va_list list;

        findings->verdict = bc_verdict_worse(findings->verdict, verdict);
        if (findings->count == BC_FINDINGS_MAX) {
                findings->more++;
                return;
        }
        struct bc_finding *finding = &findings->finding[findings->count++];
        *finding = (struct bc_finding){ .code = code, .verdict = verdict, .offset = offset };
        va_start(list, format);
        // What does not fit is cut: an untrusted text in it may be of any length.
        if (vsnprintf(finding->text, sizeof(finding->text), format, list) < 0)
                finding->text[0] = '\0';
        va_end(list);
}

void bc_findings_settle(struct bc_findings *findings, enum bc_finding_code code)
{
        size_t kept = 0;

        if (findings->more > 0)
                return; // what has no room is not known: nothing is taken back
        findings->verdict = BC_VERDICT_AUTHENTIC;
        for (size_t i = 0; i < findings->count; i++) {
                if (findings->finding[i].code == code)
                        continue;
                findings->verdict = bc_verdict_worse(findings->verdict, findings->finding[i].verdict);
                findings->finding[kept++] = findings->finding[i];
        }
        findings->count = kept;
}

const char *bc_finding_code_name(enum bc_finding_code code)
{
        static const char *const names[BC_FINDING_CODES] = {
                [BC_FINDING_UNREADABLE] = "unreadable",
                [BC_FINDING_FOREIGN] = "foreign",
                [BC_FINDING_NO_RECORD] = "no-record",
                [BC_FINDING_NO_ROOT] = "no-root",
                [BC_FINDING_RECORD] = "record",
                [BC_FINDING_CHAIN] = "chain",
                [BC_FINDING_COVERAGE] = "coverage",
                [BC_FINDING_HASH] = "hash",
                [BC_FINDING_SIGNATURE] = "signature",
                [BC_FINDING_CERTIFICATE] = "certificate",
                [BC_FINDING_REVOKED] = "revoked",
                [BC_FINDING_TEST] = "test",
                [BC_FINDING_LABEL] = "label",
                [BC_FINDING_TIME] = "time",
                [BC_FINDING_MOOV] = "moov",
                [BC_FINDING_END] = "end",
                [BC_FINDING_UNSIGNED] = "unsigned",
                [BC_FINDING_ANCHOR] = "anchor",
                [BC_FINDING_NAME] = "name",
                [BC_FINDING_MISSING] = "missing",
                [BC_FINDING_SUMMARY] = "summary",
                [BC_FINDING_LEDGER] = "ledger",
                [BC_FINDING_SEALED] = "sealed",
        };

        return names[code];
}

const char *bc_verdict_name(enum bc_verdict verdict)
{
        static const char *const names[] = { "proven", "tampered", "unproven", "unjudged" };

        return names[verdict];
}
