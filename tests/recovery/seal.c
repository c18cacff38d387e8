// SPDX-License-Identifier: EUPL-1.2
#include "seal.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sealing/parties.h"
#include "verify/plain.h"
#include "verify/unseal.h"

void seal_make(struct seal *ret_seal)
{
        const struct party_wish wish = { .key = "P-256" };
        char fault[BC_OPENER_FAULT_BYTES];
        struct party party;

        ret_seal->folder = party_folder_make();
        party_make(&party, ret_seal->folder, "agency", &wish);
        const char *path = party.certificate_path;
        const struct bc_agency_source source = { .paths = &path, .count = 1, .now_unix_s = PARTY_NOW };
        assert_int_equal(bc_agency_load(&source, &ret_seal->agency), 0);
        const struct bc_opener_source key = { .key_path = party.key_path };
        assert_int_equal(bc_opener_load(&key, &ret_seal->opener, fault), 0);
}

void seal_done(struct seal *seal)
{
        bc_opener_free(seal->opener);
        bc_agency_free(seal->agency);
        party_folder_remove(seal->folder);
}

void seal_marks(const struct seal *seal, const struct specimen_file *file, struct scene_marks *ret_marks)
{
        struct specimen_file plain = { .kind = 'f' };
        struct bc_plain *source;
        int fd = memfd_create("sealed", MFD_CLOEXEC);

        assert_int_equal(write(fd, file->bytes, file->size), file->size);
        assert_int_equal(bc_plain_open(seal->opener, fd, file->size, &source), 0);
        plain.size = bc_plain_report(source)->plain_bytes;
        plain.bytes = malloc(plain.size + 1);
        assert_non_null(plain.bytes);
        assert_int_equal(bc_plain_read(source, 0, plain.bytes, plain.size), 0);
        if (plain.size > 0)
                scene_marks(&plain, ret_marks);
        else
                ret_marks->records = 0;
        ret_marks->bytes = NULL;
        free(plain.bytes);
        bc_plain_free(source);
        close(fd);
}
