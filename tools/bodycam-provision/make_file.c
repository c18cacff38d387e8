// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "evidence/refusal.h"
#include "provision.h"

BC_DEFINE_CLEANUP(bio, BIO, BIO_vfree)
BC_DEFINE_CLEANUP(library, OSSL_LIB_CTX, OSSL_LIB_CTX_free)

// PEM of a new key, in memory that is wiped when it is freed.
static int make(enum bc_record_algorithm algorithm, BIO *pem)
{
        BC_CLEANUP(bc_cleanup_library) OSSL_LIB_CTX *library = NULL;
        OSSL_PROVIDER *provider = NULL;
        EVP_PKEY *key = NULL;
        int done = 0;

        library = OSSL_LIB_CTX_new();
        provider = library ? OSSL_PROVIDER_load(library, "default") : NULL;
        if (provider)
                key = EVP_PKEY_Q_keygen(library, NULL, "EC", algorithm == BC_RECORD_ES384 ? "P-384" : "P-256");
        if (key)
                done = PEM_write_bio_PKCS8PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL);
        EVP_PKEY_free(key);
        if (provider)
                (void)OSSL_PROVIDER_unload(provider);
        return done == 1 ? 0 : -ENOMEM;
}

// bc_file_create() makes files that a group may read.
static int create(int folder_fd, const char *name, const char *bytes, size_t n)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = bc_file_write_at(fd, bytes, n, 0);
        if (r == 0)
                r = bc_file_sync(fd);
        if (r == 0)
                r = bc_folder_sync(folder_fd);
        if (r < 0)
                (void)unlinkat(folder_fd, name, 0); // half a key is none; the error to report is the first one
        return r;
}

int bc_make_in_file(const char *path, enum bc_record_algorithm algorithm, char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_bio) BIO *pem = BIO_new(BIO_s_secmem());
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        const char *name;
        char *bytes;
        long n;

        if (!pem || make(algorithm, pem) < 0)
                return bc_refusal(text, text_bytes, ENOMEM, "key %s: OpenSSL makes none", path);
        n = BIO_get_mem_data(pem, &bytes);
        folder_fd = bc_place_open(path, &name);
        if (folder_fd >= 0) {
                int r = create(folder_fd, name, bytes, (size_t)n);

                OPENSSL_cleanse(bytes, (size_t)n);
                if (r == 0)
                        return 0;
                return bc_refusal(text, text_bytes, -r, "key %s: %s", path,
                                  r == -EEXIST ? "there is something already, which is not replaced" : strerror(-r));
        }
        OPENSSL_cleanse(bytes, (size_t)n);
        return bc_refusal(text, text_bytes, -folder_fd, "key %s: its folder: %s", path, strerror(-folder_fd));
}
