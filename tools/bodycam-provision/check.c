// SPDX-License-Identifier: EUPL-1.2
#include "base/cleanup.h"
#include "provision.h"
#include "report.h"

BC_DEFINE_CLEANUP(identity, struct bc_identity, bc_identity_free)

enum bc_provision_exit bc_provision_check(const struct bc_provision *provision)
{
        BC_CLEANUP(bc_cleanup_identity) struct bc_identity *identity = NULL;
        char text[BC_PROVISION_TEXT_BYTES];

        if (bc_identity_load(provision->uri, provision->certificates, provision->device, text, sizeof(text), &identity) < 0)
                return bc_provision_refuse(text);
        bc_report_print(provision, identity);
        return BC_PROVISION_DONE;
}
