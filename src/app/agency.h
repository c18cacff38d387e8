// SPDX-License-Identifier: EUPL-1.2
// The agency's certificates, as the settings name them: who can open what is recorded. Main's.
#ifndef BC_APP_AGENCY_H
#define BC_APP_AGENCY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "control/settings.h"
#include "evidence/agency.h"

struct bc_controller;

// Loads and judges them. *ret_agency is NULL where the settings name none: then, and then alone, recordings lie in the clear.
// A certificate that never could be used is refused, and so is a camera of which none can be used now. One of several that has
// expired, or is not valid yet, is left out with a warning, for a camera must record; strict: it is refused as well (--check). By a clock
// that no time service keeps (CLOCK_REALTIME, as the kernel has it) less is left out, and nobody refused: evidence/agency.h.
// On failure a negative errno, and in text what is wrong, with the key of the settings.
int bc_agency_open(const struct bc_settings *settings, struct bc_clock *clock, bool strict, char *text, size_t text_bytes,
                   struct bc_agency **ret_agency);

// Once there is somebody to tell: alarms, and so the ledger, where certificates are not valid by the clock. agency NULL: nothing.
void bc_agency_tell(const struct bc_agency *agency, struct bc_controller *controller);

#endif
