// SPDX-License-Identifier: EUPL-1.2
// An append-only encrypted segment, at the level of the trial: AES-256-GCM in chunks of at most 64 KiB, flushed with
// every fragment. Shows that a cut file gives back a prefix that recovers; how keys are wrapped is not its business.
//
// File: 12 bytes of salt; then chunks: 4 bytes big-endian {final flag, plain length}, ciphertext, 16 bytes of tag.
// Nonce: salt XOR chunk counter. Authenticated besides: the 4 bytes in front.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "format/bytes.h"
#include "format/scan.h"

#define KEY_BYTES 32
#define SALT_BYTES 12
#define TAG_BYTES 16
#define CHUNK_BYTES_MAX 65536
#define PLAIN_BYTES_MAX (CHUNK_BYTES_MAX - 4 - TAG_BYTES)
#define FINAL 0x80000000u

struct sealer {
        FILE *in, *out;
        EVP_CIPHER_CTX *cipher;
        const uint8_t *key;
        uint8_t salt[SALT_BYTES];
        uint64_t counter, done; // chunks, plain bytes
        uint8_t plain[CHUNK_BYTES_MAX], sealed[CHUNK_BYTES_MAX];
};

static void sealer_done(struct sealer **s)
{
        if (!*s)
                return;
        if ((*s)->in)
                fclose((*s)->in);
        if ((*s)->out)
                fclose((*s)->out);
        EVP_CIPHER_CTX_free((*s)->cipher);
        free(*s);
}

static int sealer_open(const char *in, const char *out, const uint8_t *key, struct sealer **ret_sealer)
{
        __attribute__((cleanup(sealer_done))) struct sealer *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->key = key;
        s->in = fopen(in, "rbe");
        s->out = fopen(out, "wbe");
        s->cipher = EVP_CIPHER_CTX_new();
        if (!s->in || !s->out || !s->cipher)
                return -EIO;
        *ret_sealer = s;
        s = NULL;
        return 0;
}

static bool start(struct sealer *s, bool encrypt, const uint8_t head[4])
{
        uint8_t nonce[SALT_BYTES];
        int n;
        memcpy(nonce, s->salt, sizeof(nonce));
        for (unsigned i = 0; i < 8; i++)
                nonce[4 + i] ^= (uint8_t)(s->counter >> (56 - 8 * i));
        s->counter++;
        return EVP_CipherInit_ex(s->cipher, EVP_aes_256_gcm(), NULL, s->key, nonce, encrypt) == 1 &&
               EVP_CipherUpdate(s->cipher, NULL, &n, head, 4) == 1;
}

static int seal_chunk(struct sealer *s, size_t n, bool final)
{
        int m = 0, tail = 0;
        struct bc_writer head = bc_writer_on(s->sealed, 4);
        bc_put_u32(&head, (uint32_t)n | (final ? FINAL : 0));
        if (fread(s->plain, 1, n, s->in) != n || !start(s, true, s->sealed) ||
            EVP_CipherUpdate(s->cipher, s->sealed + 4, &m, s->plain, (int)n) != 1 ||
            EVP_CipherFinal_ex(s->cipher, s->sealed + 4 + m, &tail) != 1 ||
            EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, s->sealed + 4 + n) != 1)
                return -EIO;
        s->done += n;
        return fwrite(s->sealed, 1, n + 4 + TAG_BYTES, s->out) == n + 4 + TAG_BYTES ? 0 : -EIO;
}

static int seal_to(struct sealer *s, uint64_t end)
{
        int r = 0;
        while (r == 0 && s->done < end) {
                uint64_t left = end - s->done;
                r = seal_chunk(s, left < PLAIN_BYTES_MAX ? (size_t)left : PLAIN_BYTES_MAX, false);
        }
        return r;
}

static int read_plain(void *user, uint64_t offset, void *bytes, size_t n)
{
        FILE *file = user;
        return fseek(file, (long)offset, SEEK_SET) == 0 && fread(bytes, 1, n, file) == n ? 0 : -EIO;
}

// Seals a segment that is not finalised.
static int seal_file(const char *in, const char *out, const uint8_t key[KEY_BYTES])
{
        __attribute__((cleanup(sealer_done))) struct sealer *s = NULL;
        int r = sealer_open(in, out, key, &s);
        if (r < 0)
                return r;
        if (getrandom(s->salt, SALT_BYTES, 0) != SALT_BYTES || fwrite(s->salt, 1, SALT_BYTES, s->out) != SALT_BYTES)
                return -EIO;

        struct bc_scan scan;
        fseek(s->in, 0, SEEK_END);
        struct bc_scan_source source = { .read = read_plain, .size = (uint64_t)ftell(s->in), .user = s->in };
        r = bc_scan_file(&source, &scan);
        if (r < 0)
                return r;
        rewind(s->in);
        r = seal_to(s, scan.layout.bytes);
        for (size_t i = 0; r == 0 && i < scan.table.track[0].chunks; i++)
                r = seal_to(s, scan.table.track[0].chunk[i].offset); // a flush about where each fragment begins
        if (r == 0)
                r = seal_to(s, source.size);
        if (r == 0)
                r = seal_chunk(s, 0, true);
        bc_scan_done(&scan);
        return r;
}

// Writes what can be decrypted: every whole chunk up to the first that is cut off or not authentic. Prints how many
// bytes of the input those chunks take, how many bytes came out, and whether the final chunk was among them.
static int unseal_file(const char *in, const char *out, const uint8_t key[KEY_BYTES])
{
        __attribute__((cleanup(sealer_done))) struct sealer *s = NULL;
        int r = sealer_open(in, out, key, &s);
        if (r < 0)
                return r;
        bool final = false;
        uint64_t taken = fread(s->salt, 1, SALT_BYTES, s->in);
        while (taken >= SALT_BYTES && !final && fread(s->sealed, 1, 4, s->in) == 4) {
                struct bc_reader reader = bc_reader_on(s->sealed, 4);
                uint32_t head = bc_get_u32(&reader), n = head & ~FINAL;
                int m = 0, tail = 0;
                if (n > PLAIN_BYTES_MAX || fread(s->sealed + 4, 1, n + TAG_BYTES, s->in) != n + TAG_BYTES ||
                    !start(s, false, s->sealed) ||
                    EVP_CipherUpdate(s->cipher, s->plain, &m, s->sealed + 4, (int)n) != 1 ||
                    EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, s->sealed + 4 + n) != 1 ||
                    EVP_CipherFinal_ex(s->cipher, s->plain + m, &tail) != 1)
                        break;
                final = head & FINAL;
                taken += 4 + n + TAG_BYTES;
                s->done += n;
                if (fwrite(s->plain, 1, n, s->out) != n)
                        return -EIO;
        }
        printf("{\"taken\": %llu, \"plain\": %llu, \"final\": %s}\n", (unsigned long long)taken,
               (unsigned long long)s->done, final ? "true" : "false");
        return fflush(s->out) == 0 ? 0 : -errno;
}

int main(int argc, char **argv)
{
        uint8_t key[KEY_BYTES];
        bool seal = argc == 5 && strcmp(argv[1], "seal") == 0;
        if (argc != 5 || (!seal && strcmp(argv[1], "unseal") != 0) || strlen(argv[2]) != 2 * sizeof(key) ||
            strspn(argv[2], "0123456789abcdef") != 2 * sizeof(key)) {
                fprintf(stderr, "usage: seal seal|unseal KEY-IN-HEX IN OUT\n");
                return 2;
        }
        for (size_t i = 0; i < sizeof(key); i++)
                key[i] = (uint8_t)strtoul((const char[]){ argv[2][2 * i], argv[2][2 * i + 1], 0 }, NULL, 16);
        int r = seal ? seal_file(argv[3], argv[4], key) : unseal_file(argv[3], argv[4], key);
        if (r < 0)
                fprintf(stderr, "%s: %s\n", argv[3], strerror(-r));
        return r < 0;
}
