// SPDX-License-Identifier: EUPL-1.2
#include "base/cleanup.h"
#include "evidence/token.h"
#include "provision.h"

BC_DEFINE_CLEANUP(token, struct bc_token, bc_token_close)

int bc_make_in_token(const char *uri, enum bc_record_algorithm algorithm, char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_token) struct bc_token *token = NULL;
        int r = bc_token_open(uri, true, text, text_bytes, &token);

        return r < 0 ? r : bc_token_make(token, uri, algorithm, text, text_bytes);
}
