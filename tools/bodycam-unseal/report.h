// SPDX-License-Identifier: EUPL-1.2
// What came of the files: lines as they are done, or one JSON document at the end.
#ifndef TOOLS_BODYCAM_UNSEAL_REPORT_H
#define TOOLS_BODYCAM_UNSEAL_REPORT_H

#include <jansson.h>

#include "job.h"

// A line, and more where there is more to say.
void bc_report_print(const struct bc_job *job);

// A new reference; NULL: no memory.
json_t *bc_report_json(const struct bc_job *job);

#endif
