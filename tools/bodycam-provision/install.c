// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "evidence/refusal.h"
#include "provision.h"
#include "report.h"

BC_DEFINE_CLEANUP(bio, BIO, BIO_vfree)
BC_DEFINE_CLEANUP(identity, struct bc_identity, bc_identity_free)

// What was judged is what is written: the certificates alone, not whatever else the file held.
static int put(const char *path, const struct bc_chain *chain, char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_bio) BIO *pem = BIO_new(BIO_s_mem());
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        const char *name;
        char *bytes;
        long n;
        int r;

        for (size_t i = 0; i < chain->count; i++)
                if (!pem || PEM_write_bio(pem, PEM_STRING_X509, "", chain->certificate[i].bytes, (long)chain->certificate[i].n) <= 0)
                        return bc_refusal(text, text_bytes, ENOMEM, "certificates: no memory");
        n = BIO_get_mem_data(pem, &bytes);
        folder_fd = r = bc_place_open(path, &name);
        if (r >= 0)
                r = bc_file_replace(folder_fd, name, bytes, (size_t)n);
        // Certificates are public: whoever verifies may read them.
        if (r == 0 && fchmodat(folder_fd, name, 0644, 0) < 0)
                r = -errno;
        return r < 0 ? bc_refusal(text, text_bytes, -r, "certificates %s: %s", path, strerror(-r)) : 0;
}

enum bc_provision_exit bc_provision_install(const struct bc_provision *provision)
{
        BC_CLEANUP(bc_cleanup_identity) struct bc_identity *identity = NULL;
        BC_CLEANUP(bc_cleanup_identity) struct bc_identity *placed = NULL;
        char text[BC_PROVISION_TEXT_BYTES];
        int r = bc_identity_load(provision->uri, provision->certificates, provision->device, text, sizeof(text), &identity);

        if (r == 0)
                r = put(provision->to, identity->chain, text, sizeof(text));
        // Once more from where the recorder will read it.
        if (r == 0)
                r = bc_identity_load(provision->uri, provision->to, provision->device, text, sizeof(text), &placed);
        if (r < 0)
                return bc_provision_refuse(text);
        bc_report_print(provision, placed);
        return BC_PROVISION_DONE;
}
