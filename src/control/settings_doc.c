// SPDX-License-Identifier: EUPL-1.2
// Prints docs/man/bodycamd.conf.5 from the table of settings.
#include <stdio.h>
#include <string.h>

#include "control/settings_table.h"

static const char head[] =
        ".\\\" SPDX-License-Identifier: EUPL-1.2\n"
        ".\\\" Generated from src/control/settings_table.c by the target settings-doc-update. Do not edit.\n"
        ".TH BODYCAMD.CONF 5 \"\" \"bodycam\" \"File formats\"\n"
        ".SH NAME\n"
        "bodycamd.conf \\- settings of the body camera recorder\n"
        ".SH DESCRIPTION\n"
        "The file given to\n"
        ".B bodycamd \\-\\-config\n"
        "and, after it, the files\n"
        ".IB FILE .d/*.conf\n"
        "in the order of their names. A value replaces the one of an earlier file.\n"
        ".PP\n"
        "Lines are\n"
        ".IR \"[section]\" ,\n"
        ".IR \"key = value\" ,\n"
        "or comments that begin with # or ; (after a value: a blank and ;). A line has at most 197 characters, a file\n"
        "65536 bytes.\n"
        ".PP\n"
        "Anything wrong or unknown is an error that names file, line, key and what is allowed. All errors (of more than 100,\n"
        "the first 100) are shown, and the recorder does not start. What can only be judged with the camera, the\n"
        "microphone and the encoder open, as whether a bit rate suffices for a picture size, is judged when all else is\n"
        "right.\n"
        ".B bodycamd \\-\\-check\n"
        "shows them without starting anything;\n"
        ".B bodycamd \\-\\-print\\-settings\n"
        "prints a whole file.\n"
        ".PP\n"
        "A running recorder reads the files anew when it is told to reload (SIGHUP,\n"
        ".BR \"systemctl reload bodycamd\" ).\n"
        "They are judged as at the start. When anything is wrong, or differs from what runs in a key of which this page does\n"
        "not say that it may be changed by a reload, all of it is refused and the log says why; what was set before goes on.\n";

// Text for roff: a backslash and a leading dot or quote would be commands, - is a minus in code.
static void print_text(const char *text)
{
        if (*text == '.' || *text == '\'')
                fputs("\\&", stdout);
        for (; *text; text++)
                switch (*text) {
                case '\\':
                        fputs("\\e", stdout);
                        break;
                case '-':
                        fputs("\\-", stdout);
                        break;
                default:
                        putchar(*text);
                        break;
                }
}

int main(void)
{
        fputs(head, stdout);
        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);
                char allowed[160];
                if (i == 0 || strcmp(setting->section, bc_setting_at(i - 1)->section) != 0) {
                        printf(".SH [%s]\n", setting->section);
                        print_text(bc_setting_section_help(setting->section));
                        putchar('\n');
                }
                bc_setting_allowed(setting, allowed, sizeof(allowed));
                printf(".TP\n.BI %s \" = value\"\n", setting->key);
                print_text(bc_setting_help(setting));
                fputs("\n.br\nAllowed: ", stdout);
                print_text(allowed);
                fputs(".\n.br\n", stdout);
                if (setting->required) {
                        fputs("Must be set.\n", stdout);
                } else {
                        fputs("Default: ", stdout);
                        print_text(bc_setting_default(setting));
                        fputs(".\n", stdout);
                }
                if (setting->reloadable)
                        fputs(".br\nMay be changed by a reload.\n", stdout);
        }
        fputs(".SH SEE ALSO\n.BR bodycamd (8),\n.BR bodycamctl (1)\n", stdout);
        return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
