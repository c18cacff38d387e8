// SPDX-License-Identifier: EUPL-1.2
// Settings: taken, or refused with at least one line that says why.
#include "control/settings.h"
#include "place.h"
#include "target.h"

static void on_error(void *user, const char *text)
{
        size_t *errors = user;
        FUZZ_EXPECT(text[0]);
        (*errors)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static struct bc_settings settings;
        size_t errors = 0;
        const struct bc_settings_sink sink = { .on_error = on_error, .user = &errors };

        fuzz_place_write("conf", bytes, n);
        int r = bc_settings_load(fuzz_place_path("conf"), &sink, &settings);
        FUZZ_EXPECT((r == 0) == (errors == 0));
        if (r == 0)
                bc_settings_done(&settings);
        return 0;
}
