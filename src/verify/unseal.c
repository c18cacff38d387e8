// SPDX-License-Identifier: EUPL-1.2
#include "verify/unseal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define SEALED_BYTES_MAX (BC_SEALED_HEAD_BYTES + BC_SEALED_CHUNK_BYTES_MAX + BC_SEALED_TAG_BYTES)
#define SEARCHED_CHUNKS 64 // this far to both sides a chunk that was moved is recognised

struct bc_unseal {
        struct bc_unseal_source source;
        struct bc_unseal_report report;
        EVP_CIPHER *gcm;
        EVP_CIPHER_CTX *cipher;
        bool final;      // the final chunk was given out
        uint64_t offset; // of the next chunk
        uint8_t sealed[SEALED_BYTES_MAX], plain[BC_SEALED_CHUNK_BYTES_MAX];
};

static void free_kdf(EVP_KDF **kdf)
{
        EVP_KDF_free(*kdf);
}

static void free_kdf_context(EVP_KDF_CTX **kdf)
{
        EVP_KDF_CTX_free(*kdf);
}

static bool end(struct bc_unseal *unseal, enum bc_unseal_finding finding, uint64_t offset)
{
        unseal->report.finding = finding;
        unseal->report.offset = offset;
        return false;
}

static bool end_unreadable(struct bc_unseal *unseal, int error)
{
        unseal->report.error = error;
        return end(unseal, BC_UNSEAL_UNREADABLE, unseal->offset);
}

// ---- the beginning ---------------------------------------------------------------------------------------------

// HKDF-SHA-256 of the file key (RFC 5869), salted with the header's hash.
static bool derive(const struct bc_unseal *unseal, const uint8_t file_key[BC_SEALED_KEY_BYTES], enum bc_sealed_purpose purpose,
                   uint8_t ret_bytes[BC_SEALED_KEY_BYTES])
{
        BC_CLEANUP(free_kdf) EVP_KDF *hkdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
        BC_CLEANUP(free_kdf_context) EVP_KDF_CTX *kdf = hkdf ? EVP_KDF_CTX_new(hkdf) : NULL;
        uint8_t info[BC_SEALED_INFO_BYTES_MAX];
        size_t n = bc_sealed_info(&unseal->report.header, purpose, info);
        char digest[] = "SHA256";
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)file_key, BC_SEALED_KEY_BYTES),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)unseal->report.header_hash,
                                                  BC_SEALED_HASH_BYTES),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, n),
                OSSL_PARAM_construct_end(),
        };

        return kdf && EVP_KDF_derive(kdf, ret_bytes, BC_SEALED_KEY_BYTES, params) == 1;
}

static bool end_unopened(struct bc_unseal *unseal, int r)
{
        switch (r) {
        case -EBADMSG:
                return end(unseal, BC_UNSEAL_ENVELOPE, 0);
        case -ENOTSUP:
                return end(unseal, BC_UNSEAL_WEAK, 0);
        case -ENOKEY:
                return end(unseal, BC_UNSEAL_NO_KEY, 0);
        case -EKEYREJECTED:
                return end(unseal, BC_UNSEAL_KEY_ALTERED, 0);
        default:
                return end_unreadable(unseal, r);
        }
}

// Commitment first, then the key of the chunks. there: what follows the header.
static bool commit(struct bc_unseal *unseal, const uint8_t file_key[BC_SEALED_KEY_BYTES], const uint8_t *there, size_t n)
{
        uint8_t commitment[BC_SEALED_COMMITMENT_BYTES], key[BC_SEALED_KEY_BYTES];
        bool ready;

        if (n < BC_SEALED_COMMITMENT_BYTES)
                return end(unseal, BC_UNSEAL_HEADER_CUT, unseal->source.size);
        if (!derive(unseal, file_key, BC_SEALED_FOR_COMMITMENT, commitment))
                return end_unreadable(unseal, -EIO);
        if (CRYPTO_memcmp(commitment, there, sizeof(commitment)) != 0)
                return end(unseal, BC_UNSEAL_HEADER_ALTERED, 0);
        unseal->report.committed = true;
        ready = derive(unseal, file_key, BC_SEALED_FOR_CHUNKS, key) &&
                EVP_DecryptInit_ex2(unseal->cipher, unseal->gcm, key, NULL, NULL) == 1;
        OPENSSL_cleanse(key, sizeof(key));
        return ready || end_unreadable(unseal, -EIO);
}

// Reads the beginning into `sealed`, which has room for the longest one.
static bool begin(struct bc_unseal *unseal, const struct bc_opener *opener)
{
        _Static_assert(SEALED_BYTES_MAX >= BC_SEALED_HEADER_BYTES_MAX + BC_SEALED_COMMITMENT_BYTES, "the header has room");
        const size_t most = BC_SEALED_HEADER_BYTES_MAX + BC_SEALED_COMMITMENT_BYTES;
        size_t n = unseal->source.size < most ? (size_t)unseal->source.size : most, header_bytes;
        struct bc_unseal_report *report = &unseal->report;
        struct bc_opened opened = { 0 };
        bool good;
        int r;

        r = n > 0 ? unseal->source.read(unseal->source.user, 0, unseal->sealed, n) : 0;
        if (r < 0)
                return end_unreadable(unseal, r);
        r = bc_sealed_header_parse(unseal->sealed, n, &report->header, &header_bytes);
        if (r == -ENODATA)
                return end(unseal, BC_UNSEAL_HEADER_CUT, unseal->source.size);
        if (r < 0)
                return end(unseal, r == -EPROTONOSUPPORT ? BC_UNSEAL_VERSION : BC_UNSEAL_FOREIGN, 0);
        if (EVP_Digest(unseal->sealed, header_bytes, report->header_hash, NULL, EVP_sha256(), NULL) != 1)
                return end_unreadable(unseal, -EIO);
        report->header_known = true;
        r = bc_opener_open(opener, report->header.envelope, report->header.envelope_bytes, &opened);
        report->recipients = opened.recipients;
        report->recipient = opened.recipient;
        report->header.envelope = NULL; // it goes with the next chunk
        good = r < 0 ? end_unopened(unseal, r) :
                       commit(unseal, opened.file_key, unseal->sealed + header_bytes, n - header_bytes);
        OPENSSL_cleanse(opened.file_key, sizeof(opened.file_key));
        unseal->offset = header_bytes + BC_SEALED_COMMITMENT_BYTES;
        return good;
}

int bc_unseal_new(const struct bc_opener *opener, const struct bc_unseal_source *source, struct bc_unseal **ret_unseal)
{
        BC_CLEANUP(bc_cleanup_unseal) struct bc_unseal *unseal = calloc(1, sizeof(*unseal));

        if (!unseal)
                return -ENOMEM;
        unseal->source = *source;
        unseal->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
        unseal->cipher = EVP_CIPHER_CTX_new();
        if (!unseal->gcm || !unseal->cipher)
                return -EIO;
        begin(unseal, opener);
        *ret_unseal = BC_TAKE(unseal);
        return 0;
}

void bc_unseal_free(struct bc_unseal *unseal)
{
        if (!unseal)
                return;
        EVP_CIPHER_CTX_free(unseal->cipher);
        EVP_CIPHER_free(unseal->gcm);
        OPENSSL_cleanse(unseal->plain, sizeof(unseal->plain));
        free(unseal);
}

// ---- chunks ----------------------------------------------------------------------------------------------------

// Whether the chunk in `sealed`, with n bytes of plain text, is authentic as the one with this number.
static bool decrypt(struct bc_unseal *unseal, uint64_t counter, size_t n, bool final)
{
        uint8_t nonce[BC_SEALED_NONCE_BYTES], *text = unseal->sealed + BC_SEALED_HEAD_BYTES;
        int written, rest = 0;

        bc_sealed_nonce(counter, final, nonce);
        return EVP_DecryptInit_ex2(unseal->cipher, NULL, NULL, nonce, NULL) == 1 &&
               EVP_DecryptUpdate(unseal->cipher, NULL, &written, unseal->sealed, BC_SEALED_HEAD_BYTES) == 1 &&
               (n == 0 || EVP_DecryptUpdate(unseal->cipher, unseal->plain, &written, text, (int)n) == 1) &&
               EVP_CIPHER_CTX_ctrl(unseal->cipher, EVP_CTRL_AEAD_SET_TAG, BC_SEALED_TAG_BYTES, text + n) == 1 &&
               EVP_DecryptFinal_ex(unseal->cipher, unseal->plain + n, &rest) == 1;
}

// Whether the file holds nothing but zeros from the next chunk on. Negative errno if that cannot be read.
static int is_zero_to_the_end(struct bc_unseal *unseal)
{
        static const uint8_t zeros[4096];
        uint8_t there[sizeof(zeros)];
        uint64_t offset = unseal->offset;

        while (offset < unseal->source.size) {
                uint64_t left = unseal->source.size - offset;
                size_t n = left < sizeof(there) ? (size_t)left : sizeof(there);
                int r = unseal->source.read(unseal->source.user, offset, there, n);

                if (r < 0)
                        return r;
                if (memcmp(there, zeros, n) != 0)
                        return 0;
                offset += n;
        }
        return 1;
}

static bool end_at_chunk(struct bc_unseal *unseal, enum bc_unseal_finding finding)
{
        int r = is_zero_to_the_end(unseal);

        if (r < 0)
                return end_unreadable(unseal, r);
        return end(unseal, r ? BC_UNSEAL_ZEROS : finding, unseal->offset);
}

// The chunk there is not the next one. Is it another one of this file?
static bool end_at_stranger(struct bc_unseal *unseal, size_t n, bool final)
{
        uint64_t next = unseal->report.chunks, from = next < SEARCHED_CHUNKS ? 0 : next - SEARCHED_CHUNKS;
        enum bc_unseal_finding finding = BC_UNSEAL_CHUNK_ALTERED;

        for (uint64_t i = from; finding == BC_UNSEAL_CHUNK_ALTERED && i <= next + SEARCHED_CHUNKS; i++) {
                if (i != next && decrypt(unseal, i, n, final)) {
                        unseal->report.belongs = i;
                        finding = BC_UNSEAL_CHUNK_MOVED;
                }
        }
        OPENSSL_cleanse(unseal->plain, sizeof(unseal->plain));
        return end_at_chunk(unseal, finding);
}

bool bc_unseal_next(struct bc_unseal *unseal, const uint8_t **ret_bytes, size_t *ret_n)
{
        struct bc_unseal_report *report = &unseal->report;
        uint64_t left = unseal->source.size > unseal->offset ? unseal->source.size - unseal->offset : 0;
        size_t n, all;
        bool final;
        int r;

        if (report->finding != BC_UNSEAL_GOING_ON)
                return false;
        if (unseal->final)
                return end(unseal, left == 0 ? BC_UNSEAL_WHOLE : BC_UNSEAL_BEHIND_FINAL, unseal->offset);
        if (left < BC_SEALED_HEAD_BYTES)
                return end(unseal, BC_UNSEAL_CUT, unseal->source.size);
        r = unseal->source.read(unseal->source.user, unseal->offset, unseal->sealed, BC_SEALED_HEAD_BYTES);
        if (r < 0)
                return end_unreadable(unseal, r);
        if (bc_sealed_head_parse(unseal->sealed, &n, &final) < 0 || n > BC_SEALED_PLAIN_BYTES_MAX - report->plain_bytes)
                return end_at_chunk(unseal, BC_UNSEAL_CHUNK_MALFORMED);
        all = BC_SEALED_HEAD_BYTES + n + BC_SEALED_TAG_BYTES;
        if (left < all)
                return end(unseal, BC_UNSEAL_CUT, unseal->source.size);
        r = unseal->source.read(unseal->source.user, unseal->offset + BC_SEALED_HEAD_BYTES,
                                unseal->sealed + BC_SEALED_HEAD_BYTES, all - BC_SEALED_HEAD_BYTES);
        if (r < 0)
                return end_unreadable(unseal, r);
        if (!decrypt(unseal, report->chunks, n, final))
                return end_at_stranger(unseal, n, final);
        unseal->offset += all;
        unseal->final = final;
        report->chunks++;
        report->plain_bytes += n;
        *ret_bytes = unseal->plain;
        *ret_n = n;
        return true;
}

uint64_t bc_unseal_offset(const struct bc_unseal *unseal)
{
        return unseal->offset;
}

int bc_unseal_measure(struct bc_unseal *unseal, uint64_t offset, size_t *ret_n, uint64_t *ret_next_offset)
{
        uint8_t head[BC_SEALED_HEAD_BYTES];
        bool final;
        int r;

        if (offset > unseal->source.size || unseal->source.size - offset < sizeof(head) + BC_SEALED_TAG_BYTES)
                return -ESTALE;
        r = unseal->source.read(unseal->source.user, offset, head, sizeof(head));
        if (r < 0)
                return r;
        if (bc_sealed_head_parse(head, ret_n, &final) < 0 ||
            unseal->source.size - offset < sizeof(head) + *ret_n + BC_SEALED_TAG_BYTES)
                return -ESTALE;
        *ret_next_offset = offset + sizeof(head) + *ret_n + BC_SEALED_TAG_BYTES;
        return 0;
}

int bc_unseal_again(struct bc_unseal *unseal, uint64_t counter, uint64_t offset, const uint8_t **ret_bytes, size_t *ret_n)
{
        uint64_t next_offset;
        bool final;
        size_t n;
        int r = bc_unseal_measure(unseal, offset, &n, &next_offset);

        if (r == 0)
                r = unseal->source.read(unseal->source.user, offset, unseal->sealed, (size_t)(next_offset - offset));
        if (r < 0)
                return r;
        // Read once more: what is decrypted is what was measured.
        size_t again;
        if (bc_sealed_head_parse(unseal->sealed, &again, &final) < 0 || again != n || !decrypt(unseal, counter, n, final))
                return -ESTALE;
        *ret_bytes = unseal->plain;
        *ret_n = n;
        return 0;
}

// ---- the report ------------------------------------------------------------------------------------------------

const struct bc_unseal_report *bc_unseal_report(const struct bc_unseal *unseal)
{
        return &unseal->report;
}

enum bc_unseal_verdict bc_unseal_verdict(enum bc_unseal_finding finding)
{
        switch (finding) {
        case BC_UNSEAL_WHOLE:
                return BC_UNSEAL_IS_WHOLE;
        case BC_UNSEAL_HEADER_CUT:
        case BC_UNSEAL_CUT:
        case BC_UNSEAL_ZEROS:
                return BC_UNSEAL_IS_CUT;
        case BC_UNSEAL_KEY_ALTERED:
        case BC_UNSEAL_HEADER_ALTERED:
        case BC_UNSEAL_CHUNK_MALFORMED:
        case BC_UNSEAL_CHUNK_ALTERED:
        case BC_UNSEAL_CHUNK_MOVED:
        case BC_UNSEAL_BEHIND_FINAL:
                return BC_UNSEAL_IS_TAMPERED;
        case BC_UNSEAL_GOING_ON:
        case BC_UNSEAL_FOREIGN:
        case BC_UNSEAL_VERSION:
        case BC_UNSEAL_ENVELOPE:
        case BC_UNSEAL_WEAK:
        case BC_UNSEAL_NO_KEY:
        case BC_UNSEAL_UNREADABLE:
                break;
        }
        return BC_UNSEAL_IS_UNJUDGED;
}

void bc_unseal_text(const struct bc_unseal_report *report, char ret_text[BC_UNSEAL_TEXT_BYTES])
{
        static const char *const texts[] = {
                [BC_UNSEAL_GOING_ON] = "was not read to its end",
                [BC_UNSEAL_WHOLE] = "whole, up to its final chunk",
                [BC_UNSEAL_HEADER_CUT] = "cut off within its header: nothing of it can be opened",
                [BC_UNSEAL_CUT] = "cut off: the final chunk is missing",
                [BC_UNSEAL_ZEROS] = "ends in zeros, as a power cut leaves them: the final chunk is missing",
                [BC_UNSEAL_KEY_ALTERED] = "what is wrapped for this certificate does not open: altered",
                [BC_UNSEAL_HEADER_ALTERED] = "the header is not the one that the file was begun with: it was altered, "
                                             "a recipient taken out or put in, or it is another file's",
                [BC_UNSEAL_CHUNK_MALFORMED] = "what follows the last good chunk cannot be one",
                [BC_UNSEAL_CHUNK_ALTERED] = "a chunk was altered, or is another file's",
                [BC_UNSEAL_BEHIND_FINAL] = "bytes were put behind the final chunk",
                [BC_UNSEAL_FOREIGN] = "not a sealed file",
                [BC_UNSEAL_VERSION] = "a sealed file of another version",
                [BC_UNSEAL_ENVELOPE] = "the envelope is not one of a sealed file",
                [BC_UNSEAL_WEAK] = "the envelope has an algorithm or a key that is not allowed: refused",
                [BC_UNSEAL_NO_KEY] = "not sealed for this key",
        };

        if (report->finding == BC_UNSEAL_CHUNK_MOVED)
                snprintf(ret_text, BC_UNSEAL_TEXT_BYTES, "chunk %" PRIu64 " stands where chunk %" PRIu64
                         " belongs: chunks were left out, swapped or doubled", report->belongs, report->chunks);
        else if (report->finding == BC_UNSEAL_UNREADABLE)
                snprintf(ret_text, BC_UNSEAL_TEXT_BYTES, "cannot be read: %s", strerror(-report->error));
        else
                snprintf(ret_text, BC_UNSEAL_TEXT_BYTES, "%s", texts[report->finding]);
}
