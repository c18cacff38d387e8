// SPDX-License-Identifier: EUPL-1.2
// Records for other readers and from other writers.
//
//   record_tool vectors DIR      writes docs/formats/vectors/record-*
//   record_tool random N SEED    N random records of every kind: a line of hexadecimal digits, a line of JSON
//   record_tool parse            reads lines of hexadecimal digits: for each a line of JSON, or "refused: " and why
#include "records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct record_specimen specimen;
static struct bc_record record;
static struct bc_record_message message;
static uint8_t box[BC_RECORD_BYTES_MAX + 1];
static char line[2 * sizeof(box) + 16];

static void put_hex(FILE *to, size_t bytes)
{
        for (size_t i = 0; i < bytes; i++)
                fprintf(to, "%02x", box[i]);
        fputc('\n', to);
}

static void put_meaning(FILE *to, const struct bc_record *of, const struct bc_record_message *with, size_t flags)
{
        json_t *meaning = record_meaning(of, with);
        if (json_dumpf(meaning, to, flags) < 0)
                abort();
        json_decref(meaning);
        fputc('\n', to);
}

static int write_vectors(const char *folder)
{
        for (size_t i = 0; i < RECORD_VECTORS; i++) {
                const char *name = record_vector(i, &specimen);
                size_t bytes = record_box(&specimen, box);
                for (int json = 0; json < 2; json++) {
                        char path[4096];
                        snprintf(path, sizeof(path), "%s/record-%s.%s", folder, name, json ? "json" : "hex");
                        FILE *file = fopen(path, "we");
                        if (!file) {
                                perror(path);
                                return 1;
                        }
                        message.signature = (struct bc_record_bytes){ specimen.signature, specimen.signature_bytes };
                        if (json)
                                put_meaning(file, &specimen.record, &message, JSON_INDENT(1));
                        else
                                put_hex(file, bytes);
                        if (fclose(file) != 0)
                                return 1;
                }
        }
        return 0;
}

static int write_random(unsigned long n, uint32_t random)
{
        for (unsigned long i = 0; i < n; i++)
                for (size_t k = 0; k < RECORD_KINDS; k++) {
                        record_random(&specimen, record_kinds[k], &random);
                        put_hex(stdout, record_box(&specimen, box));
                        message.signature = (struct bc_record_bytes){ specimen.signature, specimen.signature_bytes };
                        put_meaning(stdout, &specimen.record, &message, JSON_COMPACT);
                }
        return 0;
}

static int parse_lines(void)
{
        while (fgets(line, sizeof(line), stdin)) {
                char why[128];
                size_t at, bytes = record_from_hex(line, box, sizeof(box));
                if (bytes == SIZE_MAX)
                        return 2;
                if (bc_record_parse(box, bytes, &record, &message, why, sizeof(why), &at) < 0)
                        printf("refused: %s, at %zu\n", why, at);
                else
                        put_meaning(stdout, &record, &message, JSON_COMPACT);
        }
        return 0;
}

int main(int argc, char **argv)
{
        if (argc == 3 && strcmp(argv[1], "vectors") == 0)
                return write_vectors(argv[2]);
        if (argc == 4 && strcmp(argv[1], "random") == 0)
                return write_random(strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
        if (argc == 2 && strcmp(argv[1], "parse") == 0)
                return parse_lines();
        fputs("usage: record_tool vectors DIR | random N SEED | parse\n", stderr);
        return 2;
}
