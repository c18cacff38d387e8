// SPDX-License-Identifier: EUPL-1.2
#include "everybody.h"

struct forge_identity everybody_device(bool large)
{
        EVP_PKEY *key = forge_key_of_everybody(large ? "P-384" : "P-256");
        struct forge_identity made;

        made.root = forge_certify(&(struct forge_want){ .name = "Agency root", .ca = true, .key = key });
        made.issuer = forge_certify(&(struct forge_want){
                .name = "Agency devices", .ca = true, .issuer = &made.root, .key = key });
        made.device = forge_certify(&(struct forge_want){
                .name = "Body camera", .device = "BC-0042", .issuer = &made.issuer, .key = key });
        EVP_PKEY_free(key);
        return made;
}

void everybody_stamps(struct forge_authority *ret_root, struct forge_authority *ret_authority)
{
        EVP_PKEY *key = forge_key_of_everybody("P-256");

        *ret_root = forge_certify(&(struct forge_want){ .name = "Root of stamps", .ca = true, .key = key });
        *ret_authority = forge_certify(&(struct forge_want){
                .name = "Stamps", .issuer = ret_root, .purpose = "critical,timeStamping", .key = key });
        EVP_PKEY_free(key);
}
