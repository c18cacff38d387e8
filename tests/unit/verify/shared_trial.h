// SPDX-License-Identifier: EUPL-1.2
// The trial that all tests of a program share, made anew for each of them or for the group.
#ifndef TEST_VERIFY_SHARED_TRIAL_H
#define TEST_VERIFY_SHARED_TRIAL_H

#include "trial.h"

extern struct trial trial;

int trial_set_up(void **state);
int trial_tear_down(void **state);

#endif
