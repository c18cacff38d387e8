// SPDX-License-Identifier: EUPL-1.2
// The table as a sample file and as help.
#include <string.h>

#include "control/settings_table.h"

static bool begins_section(size_t number)
{
        return number == 0 || strcmp(bc_setting_at(number)->section, bc_setting_at(number - 1)->section) != 0;
}

// Words of text, wrapped at 100 columns, each line after prefix.
static void print_wrapped(FILE *out, const char *prefix, const char *text)
{
        size_t column = 0;

        while (*text) {
                size_t length = strcspn(text, " ");
                if (column == 0 || column + 1 + length > 100) {
                        fprintf(out, "%s%s", column == 0 ? "" : "\n", prefix);
                        column = strlen(prefix);
                } else {
                        fputc(' ', out);
                        column++;
                }
                fprintf(out, "%.*s", (int)length, text);
                column += length;
                text += length + (text[length] == ' ');
        }
        fputc('\n', out);
}

void bc_settings_print(const struct bc_settings *settings, FILE *out)
{
        char value[BC_SETTING_VALUE_BYTES], allowed[160];

        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);
                if (begins_section(i)) {
                        fputs(i ? "\n" : "", out);
                        print_wrapped(out, "# ", bc_setting_section_help(setting->section));
                        fprintf(out, "[%s]\n", setting->section);
                }
                print_wrapped(out, "# ", bc_setting_help(setting));
                bc_setting_allowed(setting, allowed, sizeof(allowed));
                bc_setting_format(setting, settings, value);
                fprintf(out, "# Allowed: %s.\n%s = %s\n", allowed, setting->key, value);
        }
}

void bc_settings_help(FILE *out)
{
        char allowed[160];

        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);
                if (begins_section(i)) {
                        fprintf(out, "%s[%s]\n", i ? "\n" : "", setting->section);
                        print_wrapped(out, "    ", bc_setting_section_help(setting->section));
                }
                bc_setting_allowed(setting, allowed, sizeof(allowed));
                fprintf(out, "  %s = %s\n", setting->key, allowed);
                print_wrapped(out, "      ", bc_setting_help(setting));
                if (setting->required)
                        fprintf(out, "      Must be set.\n");
                else
                        fprintf(out, "      Default: %s.\n", bc_setting_default(setting));
                if (setting->reloadable)
                        fprintf(out, "      May be changed by a reload.\n");
        }
}
