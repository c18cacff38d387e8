// SPDX-License-Identifier: EUPL-1.2
// Where a TPM holds the ledger's anchor (docs/formats/ledger.md, 4). An anchor's file the recorder makes by itself.
#include <stdio.h>

#include "evidence/anchor.h"
#include "evidence/anchor_tpm.h"
#include "provision.h"

enum bc_provision_exit bc_provision_anchor(const struct bc_provision *provision)
{
        char text[BC_PROVISION_TEXT_BYTES] = "";
        struct bc_anchor_place place;

        if (bc_anchor_place_parse(provision->anchor, text, sizeof(text), &place) < 0)
                return bc_provision_refuse(text);
        if (place.index == 0)
                return bc_provision_refuse("an anchor in a file needs none of this: the recorder makes it");
        return bc_anchor_tpm_make(place.index, text, sizeof(text)) < 0 ? bc_provision_refuse(text) : BC_PROVISION_DONE;
}
