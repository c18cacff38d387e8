// SPDX-License-Identifier: EUPL-1.2
// Writes the files that fuzzing began with into FOLDER/record, FOLDER/payload and FOLDER/segment: fuzz_seeds FOLDER
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/format/records.h"
#include "unit/format/segments.h"

static void save(const char *folder, const char *target, const char *name, size_t number, const void *bytes, size_t n)
{
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s/%s-%zu", folder, target, name, number);
        FILE *file = fopen(path, "we");
        if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0) {
                perror(path);
                exit(1);
        }
}

static void save_record(const char *folder, const char *name, size_t number, const struct record_specimen *specimen)
{
        static uint8_t box[BC_RECORD_BYTES_MAX], payload[BC_RECORD_BYTES_MAX + 1];
        static struct bc_record_message message;

        save(folder, "record", name, number, box, record_box(specimen, box));
        if (bc_record_compose(&specimen->record, &message) < 0)
                exit(1);
        payload[0] = (uint8_t)((specimen->record.kind == BC_RECORD_LEDGER ? 4 : specimen->record.kind - 1) +
                               (specimen->record.chain_count > 0 ? 130 : 0)); // see payload.c
        memcpy(payload + 1, message.payload.bytes, message.payload.n);
        save(folder, "payload", name, number, payload, 1 + message.payload.n);
}

static void save_records(const char *folder)
{
        static struct record_specimen specimen;
        uint32_t random = 1;

        for (size_t i = 0; i < RECORD_VECTORS; i++) {
                const char *name = record_vector(i, &specimen);
                save_record(folder, name, 0, &specimen);
        }
        for (size_t i = 0; i < 3 * RECORD_KINDS; i++) {
                record_random(&specimen, record_kinds[i % RECORD_KINDS], &random);
                save_record(folder, "random", i, &specimen);
        }
}

static void save_segments(const char *folder)
{
        static const char *const words[] = {
                "", "I", "IPPaa PPPa R IPPPaa", "IPaatg R Pa", "R I", "IPPPPPPaaaaa Pa Pa R R Pa"
        };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                for (size_t form = 0; form < 3; form++) { // open, appended, closed
                        struct bc_init init = i == 3 ? segment_init_full(480) : segment_init(0);
                        struct segment segment;
                        segment_write(&segment, &init, i == 2 ? 7 : 0, words[i]);
                        uint64_t end = segment.size;
                        if (form > 0)
                                segment_append_moov(&segment);
                        if (form > 1)
                                segment_patch(&segment, end);
                        save(folder, "segment",
                             form == 0   ? "open"
                             : form == 1 ? "appended"
                                         : "closed",
                             i, segment.bytes, segment.size);
                        segment_done(&segment);
                }
}

int main(int argc, char **argv)
{
        if (argc != 2) {
                fputs("usage: fuzz_seeds FOLDER\n", stderr);
                return 2;
        }
        save_records(argv[1]);
        save_segments(argv[1]);
        return 0;
}
