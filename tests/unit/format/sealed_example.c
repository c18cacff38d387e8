// SPDX-License-Identifier: EUPL-1.2
#include "sealed_example.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef NDEBUG
#include <assert.h>

static uint8_t digit(char c)
{
        const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

        assert(at);
        return (uint8_t)(at - digits);
}

uint8_t *sealed_example(const char *name, size_t *ret_bytes)
{
        const char *source = getenv("BC_SOURCE_DIR");
        char path[4096], line[256];
        uint8_t *bytes = malloc(4096);
        bool found = false;
        size_t n = 0;
        FILE *file;

        assert(bytes && source);
        snprintf(path, sizeof(path), "%s/tests/unit/format/sealed_example.txt", source);
        file = fopen(path, "re");
        assert(file);
        while (fgets(line, sizeof(line), file)) {
                line[strcspn(line, "\n")] = '\0';
                if (line[0] != ' ')
                        found = strcmp(line, name) == 0;
                for (const char *at = line + 2; found && line[0] == ' ' && *at; at += 2) {
                        assert(n < 4096);
                        bytes[n++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
                }
        }
        fclose(file);
        assert(n > 0);
        *ret_bytes = n;
        return bytes;
}
