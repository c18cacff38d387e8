// SPDX-License-Identifier: EUPL-1.2
#include "vault.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "format/sealed.h"
#include "start.h"
#include "verdict.h"

struct vault vault;

int vault_make(void **state)
{
        (void)state;
        vault.marks = malloc(sizeof(*vault.marks));
        assert_non_null(vault.marks);
        seal_make(&vault.seal);
        notary_make(&scene_notary);
        scene_agency = vault.seal.agency;
        scene_record(0, SCENE_WELL, &vault.sealed);
        verdict_key(vault.seal.opener);
        return 0;
}

int vault_forget(void **state)
{
        (void)state;
        free(vault.marks);
        specimen_done(&vault.sealed);
        notary_done(&scene_notary);
        seal_done(&vault.seal);
        return 0;
}

// ---- what lies in a sealed file --------------------------------------------------------------------------------

static uint32_t number_at(const uint8_t *bytes)
{
        return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void vault_parts(const struct specimen_file *file, struct vault_parts *ret_parts)
{
        size_t envelope = 12 + 1 + file->bytes[12] + 36, plain = 0;

        *ret_parts = (struct vault_parts){ .header = envelope + 4 + number_at(file->bytes + envelope) };
        ret_parts->begin = ret_parts->header + BC_SEALED_COMMITMENT_BYTES;
        for (size_t at = ret_parts->begin; at < file->size;) {
                size_t n = number_at(file->bytes + at) & 0x7fffffff;

                assert_true(ret_parts->chunks < 400);
                at += BC_SEALED_HEAD_BYTES + n + BC_SEALED_TAG_BYTES;
                plain += n;
                ret_parts->chunk[ret_parts->chunks] = at;
                ret_parts->plain[ret_parts->chunks++] = plain;
        }
}

void vault_marks(const struct specimen_file *file)
{
        seal_marks(&vault.seal, file, vault.marks);
}

// Where the file ends once its nth record was durable.
size_t vault_end(const struct specimen_file *file, size_t nth)
{
        struct vault_parts parts;
        size_t i = 0;

        vault_parts(file, &parts);
        while (i < parts.chunks && parts.plain[i] < vault.marks->end[nth])
                i++;
        assert_true(i < parts.chunks);
        return parts.chunk[i];
}

// ---- what is found ---------------------------------------------------------------------------------------------

// Where manifest.json calls every file there is closed, as if its recorder had, or none, as a power cut leaves it.
void vault_write_manifest(const struct clinic *clinic, bool closed)
{
        struct bc_manifest manifest;
        size_t kept = 0;

        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, clinic->folder_fd), 0);
        manifest.state = closed ? BC_RECORDING_CLOSED : BC_RECORDING_OPEN;
        if (!closed) {
                manifest.stop_reason[0] = '\0';
                manifest.stop_ticks = BC_TICKS_UNKNOWN;
        }
        for (size_t i = 0; i < manifest.segments; i++) {
                struct bc_manifest_segment *entry = &manifest.segment[i];
                char name[BC_SEGMENT_NAME_BYTES_MAX];
                size_t size;
                char *bytes;

                bc_segment_file_name(entry->number, true, name);
                if (!folder_has(clinic->folder_fd, name))
                        continue;
                bytes = folder_read(clinic->folder_fd, name, &size);
                free(bytes);
                entry->bytes = size;
                entry->state = closed || entry->number < manifest.segments ? BC_SEGMENT_CLOSED : BC_SEGMENT_OPEN;
                manifest.segment[kept++] = *entry;
        }
        manifest.segments = kept;
        assert_int_equal(bc_manifest_save(&manifest, clinic->folder_fd), 0);
        bc_manifest_done(&manifest);
}

void vault_open(struct clinic *clinic, const struct specimen *before, bool closed, bool another)
{
        clinic_open(clinic, before);
        vault_write_manifest(clinic, closed);
        clinic_list(clinic);
        (void)start_run(clinic, &(struct start){ .tell = start_begin, .user = another ? clinic : NULL, .idle = true });
}

// The nth record of a segment.
struct bc_anchor_state vault_anchor(uint32_t segment, size_t nth)
{
        struct bc_anchor_state anchor = { .recording = 1, .segment = segment, .index = (uint32_t)nth + 1, .tail_ns = vault.marks->signed_ns[nth] };

        memcpy(anchor.tail_hash, vault.marks->hash[nth], BC_HASH_BYTES);
        return anchor;
}

// Two starts: the recording is listed until the ledger has what the first one found.
void vault_recover(const struct clinic *clinic, const struct bc_anchor_state *anchor)
{
        struct bc_recovery_report report = start_run(clinic, &(struct start){ .anchor = anchor });

        assert_int_equal(report.failed, 0);
        assert_int_equal(report.waiting, 1);
        assert_true(clinic_is_listed(clinic));
        report = start_run(clinic, &(struct start){ .anchor = anchor });
        assert_int_equal(report.failed + report.waiting, 0);
        assert_false(clinic_is_listed(clinic));
}
