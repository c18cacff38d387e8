// SPDX-License-Identifier: EUPL-1.2
// Settings that take the place of those that run.
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "control/settings_table.h"

#define TEXT_BYTES 900

struct values {
        char running[BC_SETTING_VALUE_BYTES], next[BC_SETTING_VALUE_BYTES];
};

// As text, which has everything: it loads to the same value.
static bool differ(const struct bc_setting *setting, const struct bc_settings *running, const struct bc_settings *next,
                   struct values *ret_values)
{
        bc_setting_format(setting, running, ret_values->running);
        bc_setting_format(setting, next, ret_values->next);
        return strcmp(ret_values->running, ret_values->next) != 0;
}

int bc_settings_judge_reload(const struct bc_settings *running, const struct bc_settings *next,
                             const struct bc_settings_sink *sink)
{
        char where[TEXT_BYTES], text[TEXT_BYTES + 2 * BC_SETTING_VALUE_BYTES];
        struct values values;
        int r = 0;

        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);

                if (setting->reloadable || !differ(setting, running, next, &values))
                        continue;
                r = -EPERM;
                bc_settings_tell(next, setting->section, setting->key, where, sizeof(where));
                snprintf(text, sizeof(text), "%s: is \"%s\" while this runs; a change needs a restart", where,
                         values.running);
                sink->on_error(sink->user, text);
        }
        return r;
}

size_t bc_settings_reload(struct bc_settings *running, struct bc_settings *next,
                          void (*on_change)(void *user, const char *text), void *user)
{
        char text[2 * BC_SETTING_VALUE_BYTES + 100];
        struct bc_settings_places *places = running->places;
        struct values values;
        size_t changes = 0;

        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);

                if (!setting->reloadable || !differ(setting, running, next, &values))
                        continue;
                (void)bc_setting_parse(setting, values.next, running); // cannot fail: it was loaded
                snprintf(text, sizeof(text), "[%s] %s: %s -> %s", setting->section, setting->key, values.running,
                         values.next);
                on_change(user, text);
                changes++;
        }
        // Every key may stand in another line now, those that did not change as well.
        running->places = next->places;
        next->places = places;
        return changes;
}
