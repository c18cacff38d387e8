// SPDX-License-Identifier: EUPL-1.2
// Writes recordings for tests of the program: forge-recording FOLDER, which must be empty. In it then: root.pem; rogue.pem,
// another root; whole/ with a store of two recordings and no ledger, ledgered/ with one that has a ledger, test/ with one
// whose certificate is for tests, evil/ with one whose texts are an attack; with a number behind it, large.mp4 of so many MB
// alone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "forge.h"
#include "forge_ledger.h"

#define PATH_BYTES 4096
#define PICTURE_BYTES 333000

static void make(const char *parent, const char *name, char ret_path[PATH_BYTES])
{
        snprintf(ret_path, PATH_BYTES, "%s/%s", parent, name);
        if (mkdir(ret_path, 0700) < 0)
                abort();
}

static void write_recording(const struct forge_identity *identity, uint64_t number, bool simulated, const char *mark,
                            const char *folder)
{
        struct forge *forge = forge_new(identity, 0);
        char path[PATH_BYTES];

        forge->recording = number;
        forge->simulated = simulated;
        forge->segments_stated = 2;
        if (mark)
                forge_mark(forge, INT64_C(130) * BC_TICKS_PER_S + 1600, mark);
        forge_write(forge, "IPPaatg R IPPaa R IPPaa C F");
        forge_write(forge, "IPPaatg R IPPaa R IPPaa X F");
        forge_save(forge, folder, mark == NULL, path, sizeof(path));
        forge_free(forge);
}

// Two recordings that hang on a ledger of two runs.
static void write_store(const struct forge_identity *identity, const char *folder, const char *recordings)
{
        struct forge_ledger *ledger = forge_ledger_new(identity);

        forge_ledger_start(ledger, false);
        for (uint64_t number = 31; number <= 32; number++) {
                struct forge *forge = forge_new(identity, 0);
                char path[PATH_BYTES];
                forge->recording = number;
                forge->boot = ledger->boot;
                forge->ledger = ledger->sequence;
                memcpy(forge->prev, ledger->hash, BC_HASH_BYTES);
                forge_ledger_begun(ledger, number);
                forge_write(forge, "IPPaatg R IPPaa X F");
                forge_save(forge, recordings, true, path, sizeof(path));
                forge_ledger_closed(ledger, number, 1, forge->prev);
                forge_free(forge);
        }
        forge_ledger_stop(ledger);
        forge_ledger_start(ledger, true);
        forge_ledger_save(ledger, folder);
        forge_ledger_free(ledger);
}

static void write_large(const struct forge_identity *identity, const char *folder, long megabytes)
{
        struct forge *forge = forge_new(identity, 0);

        forge->picture_bytes = PICTURE_BYTES;
        forge_write(forge, "IPPaatg R");
        for (long i = 1; i < megabytes; i++)
                forge_go_on(forge, "IPPaa R");
        forge_go_on(forge, "X F");
        forge_file(folder, "large.mp4", forge->segment[0].bytes, forge->segment[0].size);
        forge_free(forge);
}

int main(int argc, char **argv)
{
        char path[PATH_BYTES], recordings[PATH_BYTES];

        if (argc < 2 || argc > 3)
                return 1;
        const char *folder = argv[1];
        struct forge_identity identity = forge_identity("BC-0042", NULL, NULL), test = forge_identity("BC-0042", "1", NULL),
                              rogue = forge_identity("BC-0042", NULL, NULL);
        snprintf(path, sizeof(path), "%s/root.pem", folder);
        forge_pem(path, identity.root.certificate);
        forge_pem(path, test.root.certificate);
        snprintf(path, sizeof(path), "%s/rogue.pem", folder);
        forge_pem(path, rogue.root.certificate);
        if (argc == 3) {
                write_large(&identity, folder, strtol(argv[2], NULL, 10));
        } else {
                make(folder, "whole", path);
                make(path, "recordings", recordings);
                write_recording(&identity, 17, false, NULL, recordings);
                write_recording(&identity, 18, false, NULL, recordings);
                make(folder, "ledgered", path);
                make(path, "recordings", recordings);
                write_store(&identity, path, recordings);
                make(folder, "test", path);
                write_recording(&test, 19, true, NULL, path);
                make(folder, "evil", path);
                write_recording(&identity, 20, false, "AUTHENTIC \xe2\x80\xae nothing \xe2\x80\xa8 \xef\xbb\xbf", path);
        }
        forge_identity_done(&identity);
        forge_identity_done(&test);
        forge_identity_done(&rogue);
        return 0;
}
