// SPDX-License-Identifier: EUPL-1.2
// key-sign URI CERTIFICATES DEVICE FILE [COUNT]: signs the bytes of a file as records are signed, and prints the signature as
// hexadecimal digits; with COUNT so many, one a line, and how many a second on standard error.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "evidence/identity.h"

static int complain(const char *text)
{
        fprintf(stderr, "key-sign: %s\n", text);
        return 1;
}

static int sign(struct bc_identity *identity, const uint8_t *bytes, size_t n, long count)
{
        struct timespec from, until;

        clock_gettime(CLOCK_MONOTONIC, &from);
        for (long i = 0; i < count; i++) {
                uint8_t signature[BC_SIGNATURE_BYTES_MAX];
                size_t size;
                int r = bc_identity_sign(identity, bytes, n, signature, &size);

                if (r < 0)
                        return complain("not signed");
                for (size_t k = 0; k < size; k++)
                        printf("%02x", signature[k]);
                putchar('\n');
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        if (count > 1)
                fprintf(stderr, "%.0f a second\n", (double)count / ((double)(until.tv_sec - from.tv_sec) +
                                                                    (double)(until.tv_nsec - from.tv_nsec) / 1e9));
        return 0;
}

int main(int argc, char **argv)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        struct bc_identity *earlier, *identity;
        uint8_t bytes[65536];
        char text[1024];
        size_t n;
        FILE *file;
        int result;

        (void)sigaction(SIGPIPE, &ignore, NULL);
        if (argc < 5 || !(file = fopen(argv[4], "re")))
                return complain("usage");
        n = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        // As at a reload of the settings: the new one is loaded before the old one goes.
        if (bc_identity_load(argv[1], argv[2], argv[3], text, sizeof(text), &earlier) < 0)
                return complain(text);
        if (bc_identity_load(argv[1], argv[2], argv[3], text, sizeof(text), &identity) < 0)
                return complain(text);
        bc_identity_free(earlier);
        result = sign(identity, bytes, n, argc > 5 ? strtol(argv[5], NULL, 10) : 1);
        bc_identity_free(identity);
        return result;
}
