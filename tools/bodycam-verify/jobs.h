// SPDX-License-Identifier: EUPL-1.2
// Judges the segments of all items side by side, then the recordings; tells of progress where standard error is a terminal.
#ifndef BC_BODYCAM_VERIFY_JOBS_H
#define BC_BODYCAM_VERIFY_JOBS_H

#include "verify/report.h"

#define BC_JOBS_MAX 64

// 0 or negative errno. Sets judge->on_bytes for the time of the call.
int bc_jobs_run(struct bc_judge *judge, struct bc_report_item *item, size_t items, unsigned jobs);

#endif
