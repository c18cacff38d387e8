// SPDX-License-Identifier: EUPL-1.2
// kept-clock.so, for LD_PRELOAD: whether a time service keeps the kernel's clock is what BC_CLOCK_KEPT says, yes or no.
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

int adjtimex(struct timex *status)
{
        const char *kept = getenv("BC_CLOCK_KEPT");

        if (!kept || status->modes != 0)
                abort(); // nobody here is to set it
        memset(status, 0, sizeof(*status));
        if (strcmp(kept, "yes") == 0)
                return TIME_OK;
        status->status = STA_UNSYNC;
        return TIME_ERROR;
}
