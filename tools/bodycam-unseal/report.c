// SPDX-License-Identifier: EUPL-1.2
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#include "text.h"

static const char *const words[] = { "WHOLE", "TAMPERED", "CUT", "CANNOT" };

void bc_report_print(const struct bc_job *job)
{
        const struct bc_unseal_report *report = &job->report;
        char name[BC_TEXT_BYTES_MAX];

        printf("%-8s %s: %s\n", words[job->exit], bc_text_plain(job->path, name), job->text);
        if (report->committed)
                printf("         %s, recording %" PRIu64 ", segment %" PRIu32 ", boot %" PRIu64 "; recipient %zu of %zu\n",
                       report->header.device, report->header.recording, report->header.segment, report->header.boot,
                       report->recipient, report->recipients);
        else if (report->recipients > 0)
                printf("         recipients: %zu\n", report->recipients);
        if (job->exit != BC_EXIT_WHOLE && report->committed)
                printf("         authentic: %" PRIu64 " chunks, %" PRIu64 " bytes; at byte %" PRIu64 " of the sealed file\n",
                       report->chunks, report->plain_bytes, report->offset);
        if (job->output[0])
                printf("         %s%s\n", job->output, job->finalised ? ", finalised" : "");
}

static json_t *hex(const uint8_t *bytes, size_t n)
{
        static const char digits[] = "0123456789abcdef";
        char text[2 * BC_SEALED_HASH_BYTES];

        for (size_t i = 0; i < n; i++) {
                text[2 * i] = digits[bytes[i] >> 4];
                text[2 * i + 1] = digits[bytes[i] & 15];
        }
        return json_stringn(text, 2 * n);
}

// What the header says; it counts only where it is committed.
static json_t *header_json(const struct bc_unseal_report *report)
{
        const struct bc_sealed_header *header = &report->header;

        if (!report->header_known)
                return json_null();
        return json_pack("{s:b, s:s, s:o, s:I, s:I, s:I, s:o}", "committed", report->committed, "device", header->device,
                         "boot_id", hex(header->boot_id, sizeof(header->boot_id)), "boot", (json_int_t)header->boot,
                         "recording", (json_int_t)header->recording, "segment", (json_int_t)header->segment, "sha256",
                         hex(report->header_hash, sizeof(report->header_hash)));
}

json_t *bc_report_json(const struct bc_job *job)
{
        static const char *const verdicts[] = { "whole", "tampered", "cut", "cannot" };
        static const char *const signatures[] = { "not judged", "good", "bad", "unproven", "unjudged" };
        const struct bc_unseal_report *report = &job->report;
        char name[BC_TEXT_BYTES_MAX];

        return json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:b}", "file",
                         bc_text_plain(job->path, name), "verdict", verdicts[job->exit], "finding", job->text,
                         "signatures", signatures[job->signature], "header", header_json(report), "recipients",
                         (json_int_t)report->recipients, "recipient", (json_int_t)report->recipient, "chunks",
                         (json_int_t)report->chunks, "plain_bytes", (json_int_t)report->plain_bytes, "offset",
                         (json_int_t)report->offset, "output", job->output[0] ? json_string(job->output) : json_null(),
                         "finalised", job->finalised);
}
