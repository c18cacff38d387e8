// SPDX-License-Identifier: EUPL-1.2
#ifndef REPORT_H
#define REPORT_H

#include "evidence/identity.h"
#include "provision.h"

// Prints what an identity is and what a person should look at: text or JSON.
void bc_report_print(const struct bc_provision *provision, const struct bc_identity *identity);

#endif
