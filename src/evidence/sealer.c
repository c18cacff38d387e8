// SPDX-License-Identifier: EUPL-1.2
#include "evidence/sealer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

// Everything secret while a file is begun: in one locked page, wiped before begin returns.
struct secrets {
        uint8_t file_key[BC_SEALED_KEY_BYTES];
        uint8_t chunk_key[BC_SEALED_KEY_BYTES];
};

struct bc_sealer {
        const struct bc_agency *agency;
        struct secrets *secrets;
        EVP_KDF *hkdf;
        EVP_CIPHER *gcm;
        EVP_CIPHER_CTX *cipher;
        bool begun;
        uint64_t counter, plain_bytes;
        uint8_t envelope[BC_SEALED_ENVELOPE_BYTES_MAX];
};

static void free_kdf(EVP_KDF_CTX **kdf)
{
        EVP_KDF_CTX_free(*kdf);
}

// A page that is neither swapped out nor in a core dump.
static int lock_page(struct secrets **ret_secrets)
{
        void *page = mmap(NULL, sizeof(struct secrets), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int r;

        if (page == MAP_FAILED)
                return -errno;
        if (mlock(page, sizeof(struct secrets)) < 0 || madvise(page, sizeof(struct secrets), MADV_DONTDUMP) < 0) {
                r = -errno;
                munmap(page, sizeof(struct secrets));
                return r;
        }
        *ret_secrets = page;
        return 0;
}

int bc_sealer_new(const struct bc_agency *agency, struct bc_sealer **ret_sealer)
{
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = calloc(1, sizeof(*sealer));
        int r;

        if (!sealer)
                return -ENOMEM;
        sealer->agency = agency;
        r = lock_page(&sealer->secrets);
        if (r < 0)
                return r;
        sealer->hkdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
        sealer->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
        sealer->cipher = EVP_CIPHER_CTX_new();
        if (!sealer->hkdf || !sealer->gcm || !sealer->cipher)
                return -EIO;
        *ret_sealer = BC_TAKE(sealer);
        return 0;
}

static void wipe(struct bc_sealer *sealer)
{
        if (sealer->secrets)
                OPENSSL_cleanse(sealer->secrets, sizeof(*sealer->secrets));
}

void bc_sealer_free(struct bc_sealer *sealer)
{
        if (!sealer)
                return;
        wipe(sealer);
        if (sealer->secrets)
                munmap(sealer->secrets, sizeof(*sealer->secrets));
        EVP_CIPHER_CTX_free(sealer->cipher); // wipes its schedule
        EVP_CIPHER_free(sealer->gcm);
        EVP_KDF_free(sealer->hkdf);
        free(sealer);
}

// HKDF-SHA-256 of the file key (RFC 5869).
static bool derive(struct bc_sealer *sealer, const struct bc_sealed_header *about, enum bc_sealed_purpose purpose,
                   uint8_t salt[BC_SEALED_HASH_BYTES], uint8_t ret_bytes[BC_SEALED_KEY_BYTES])
{
        BC_CLEANUP(free_kdf) EVP_KDF_CTX *kdf = EVP_KDF_CTX_new(sealer->hkdf);
        uint8_t info[BC_SEALED_INFO_BYTES_MAX];
        size_t n = bc_sealed_info(about, purpose, info);
        char digest[] = "SHA256";
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, sealer->secrets->file_key, BC_SEALED_KEY_BYTES),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, BC_SEALED_HASH_BYTES),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, n),
                OSSL_PARAM_construct_end(),
        };

        return kdf && EVP_KDF_derive(kdf, ret_bytes, BC_SEALED_KEY_BYTES, params) == 1;
}

// Header and commitment into bytes, the chunk key into the cipher.
static int begin(struct bc_sealer *sealer, const struct bc_sealed_header *about, uint8_t *bytes, size_t room,
                 size_t *ret_bytes, uint8_t ret_hash[BC_SEALED_HASH_BYTES])
{
        struct bc_sealed_header header = *about;
        size_t n;
        int r;

        if (RAND_priv_bytes(sealer->secrets->file_key, BC_SEALED_KEY_BYTES) != 1)
                return -EIO;
        header.envelope = sealer->envelope;
        r = bc_agency_wrap(sealer->agency, sealer->secrets->file_key, sealer->envelope, sizeof(sealer->envelope),
                           &header.envelope_bytes);
        if (r == 0)
                r = bc_sealed_header_write(&header, bytes, room, &n);
        if (r == 0 && room - n < BC_SEALED_COMMITMENT_BYTES)
                r = -ENOBUFS;
        if (r < 0)
                return r;
        if (EVP_Digest(bytes, n, ret_hash, NULL, EVP_sha256(), NULL) != 1 ||
            !derive(sealer, &header, BC_SEALED_FOR_CHUNKS, ret_hash, sealer->secrets->chunk_key) ||
            !derive(sealer, &header, BC_SEALED_FOR_COMMITMENT, ret_hash, bytes + n) ||
            EVP_EncryptInit_ex2(sealer->cipher, sealer->gcm, sealer->secrets->chunk_key, NULL, NULL) != 1)
                return -EIO;
        *ret_bytes = n + BC_SEALED_COMMITMENT_BYTES;
        return 0;
}

int bc_sealer_begin(struct bc_sealer *sealer, const struct bc_sealed_header *about, uint8_t *bytes, size_t room,
                    size_t *ret_bytes, uint8_t ret_hash[BC_SEALED_HASH_BYTES])
{
        int r;

        sealer->begun = false;
        EVP_CIPHER_CTX_reset(sealer->cipher);
        r = begin(sealer, about, bytes, room, ret_bytes, ret_hash);
        wipe(sealer);
        sealer->begun = r == 0;
        sealer->counter = sealer->plain_bytes = 0;
        return r;
}

// One chunk: head, ciphertext, tag.
static bool seal_chunk(struct bc_sealer *sealer, const uint8_t *plain, size_t n, bool final, uint8_t *bytes)
{
        uint8_t nonce[BC_SEALED_NONCE_BYTES];
        int written = 0, rest = 0;

        bc_sealed_nonce(sealer->counter++, final, nonce); // counted whatever comes of it
        bc_sealed_head_write(n, final, bytes);
        return EVP_EncryptInit_ex2(sealer->cipher, NULL, NULL, nonce, NULL) == 1 &&
               EVP_EncryptUpdate(sealer->cipher, NULL, &written, bytes, BC_SEALED_HEAD_BYTES) == 1 &&
               (n == 0 || EVP_EncryptUpdate(sealer->cipher, bytes + BC_SEALED_HEAD_BYTES, &written, plain, (int)n) == 1) &&
               EVP_EncryptFinal_ex(sealer->cipher, bytes + BC_SEALED_HEAD_BYTES + n, &rest) == 1 && rest == 0 &&
               EVP_CIPHER_CTX_ctrl(sealer->cipher, EVP_CTRL_AEAD_GET_TAG, BC_SEALED_TAG_BYTES,
                                   bytes + BC_SEALED_HEAD_BYTES + n) == 1;
}

static int seal(struct bc_sealer *sealer, const uint8_t *plain, size_t n, bool final, uint8_t *bytes, size_t room,
                size_t *ret_bytes)
{
        size_t used = 0, at = 0;

        if (!sealer->begun)
                return -EINVAL;
        if (n > BC_SEALED_PLAIN_BYTES_MAX - sealer->plain_bytes)
                return -EFBIG;
        if (room < bc_sealed_bytes(n, final))
                return -ENOBUFS;
        while (at < n || (final && used == 0)) {
                size_t part = n - at < BC_SEALED_CHUNK_BYTES_MAX ? n - at : BC_SEALED_CHUNK_BYTES_MAX;

                if (!seal_chunk(sealer, part > 0 ? plain + at : plain, part, final && at + part == n, bytes + used)) {
                        sealer->begun = false;
                        return -EIO;
                }
                used += BC_SEALED_HEAD_BYTES + part + BC_SEALED_TAG_BYTES;
                at += part;
        }
        sealer->plain_bytes += n;
        sealer->begun = !final;
        *ret_bytes = used;
        return 0;
}

int bc_sealer_seal(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes)
{
        return seal(sealer, plain, n, false, bytes, room, ret_bytes);
}

int bc_sealer_finish(struct bc_sealer *sealer, const uint8_t *plain, size_t n, uint8_t *bytes, size_t room, size_t *ret_bytes)
{
        int r = seal(sealer, plain, n, true, bytes, room, ret_bytes);

        if (r == 0)
                EVP_CIPHER_CTX_reset(sealer->cipher); // and with it the key
        return r;
}

void bc_sealer_end(struct bc_sealer *sealer)
{
        sealer->begun = false;
        EVP_CIPHER_CTX_reset(sealer->cipher);
}
