// SPDX-License-Identifier: EUPL-1.2
#include "shared_trial.h"

struct trial trial;

int trial_set_up(void **state)
{
        (void)state;
        trial_init(&trial);
        return 0;
}

int trial_tear_down(void **state)
{
        (void)state;
        trial_done(&trial);
        return 0;
}
