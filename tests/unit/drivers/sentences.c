// SPDX-License-Identifier: EUPL-1.2
#include "sentences.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void sentence_repair(char *line, size_t bytes)
{
        static const char digits[] = "0123456789ABCDEF";
        unsigned sum = 0;

        for (size_t i = 1; i < bytes - 3; i++)
                sum ^= (unsigned char)line[i];
        line[bytes - 3] = '*';
        line[bytes - 2] = digits[sum >> 4];
        line[bytes - 1] = digits[sum & 15];
}

size_t sentence_frame(const char *body, char *line, size_t line_bytes)
{
        size_t bytes = strlen(body) + 4;

        if (bytes + 1 > line_bytes)
                abort();
        snprintf(line, line_bytes, "$%s*00", body);
        sentence_repair(line, bytes);
        return bytes;
}

char *sentences_of_boat(size_t *ret_size)
{
        const char *source = getenv("BC_SOURCE_DIR");
        char path[4096], *bytes;
        int n = snprintf(path, sizeof(path), "%s/tests/data/boat.nmea", source ? source : ".");

        if (n < 0 || (size_t)n >= sizeof(path) || bc_file_load(AT_FDCWD, path, 1 << 20, &bytes, ret_size) < 0)
                abort();
        return bytes;
}
