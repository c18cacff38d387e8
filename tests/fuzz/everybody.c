// SPDX-License-Identifier: EUPL-1.2
#include "everybody.h"

void everybody_stamps(struct forge_authority *ret_root, struct forge_authority *ret_authority)
{
        EVP_PKEY *key = forge_key_of_everybody("P-256");

        *ret_root = forge_certify(&(struct forge_want){ .name = "Root of stamps", .ca = true, .key = key });
        *ret_authority = forge_certify(&(struct forge_want){
                .name = "Stamps", .issuer = ret_root, .purpose = "critical,timeStamping", .key = key });
        EVP_PKEY_free(key);
}
