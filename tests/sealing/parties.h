// SPDX-License-Identifier: EUPL-1.2
// Keys and certificates for tests, made anew in a folder: NAME.key and NAME.pem.
#ifndef TEST_SEALING_PARTIES_H
#define TEST_SEALING_PARTIES_H

#include <stddef.h>

#define PARTY_PATH_BYTES 128
#define PARTY_NOW INT64_C(1800000000) // certificates are valid a day before and after, unless said otherwise

struct party_wish {
        const char *key;   // "RSA-3072", "RSA-2048", "P-256", "P-384", "P-521", "ED25519", "RSA-PSS"
        const char *usage; // "keyEncipherment", "keyAgreement", ..., NULL: what fits the key, "": no extension
        long begins_s, ends_s;   // relative to PARTY_NOW; 0, 0: a day
        const char *same_key_as; // path of a key to use instead of a new one
        long serial;             // 0: another one each time
        const char *password;    // of the key file; NULL: not encrypted
        const char *issuer;      // common name; NULL: the party's name
};

struct party {
        char key_path[PARTY_PATH_BYTES], certificate_path[PARTY_PATH_BYTES];
};

// A folder of the test's own, and its end with all files in it.
char *party_folder_make(void);
void party_folder_remove(char *folder);

void party_make(struct party *party, const char *folder, const char *name, const struct party_wish *wish);

#endif
