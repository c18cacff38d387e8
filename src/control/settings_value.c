// SPDX-License-Identifier: EUPL-1.2
// Values as text and back.
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/utc.h"
#include "bodycam/gnss.h"
#include "bodycam/time.h"
#include "control/settings_table.h"
#include "evidence/anchor.h"
#include "media/script.h"

struct unit {
        const char *name;
        int64_t factor;
};

static const struct unit time_units[] = {
        { "ms", BC_NS_PER_MS }, { "s", BC_NS_PER_S }, { "min", 60 * BC_NS_PER_S }, { "h", 3600 * BC_NS_PER_S }, { 0 },
};
static const struct unit bit_units[] = { { "", 1 }, { "k", 1000 }, { "M", 1000000 }, { 0 } };

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

// Digits at *at, moved past them. -EINVAL: none; -ERANGE: too many.
static int parse_digits(const char **at, int64_t *ret_number)
{
        int64_t number = 0;

        if (!is_digit(**at))
                return -EINVAL;
        for (; is_digit(**at); (*at)++)
                if (__builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, (int64_t)(**at - '0'), &number))
                        return -ERANGE;
        *ret_number = number;
        return 0;
}

static int parse_whole(const char *value, int64_t *ret_number)
{
        bool negative = *value == '-';
        int64_t number;
        int r;

        if (negative)
                value++;
        r = parse_digits(&value, &number);
        if (r < 0)
                return r;
        if (*value)
                return -EINVAL;
        *ret_number = negative ? -number : number;
        return 0;
}

static int parse_with_unit(const char *value, const struct unit *units, int64_t *ret_number)
{
        int64_t number;
        int r = parse_digits(&value, &number);

        if (r < 0)
                return r;
        while (*value == ' ')
                value++;
        for (; units->name; units++)
                if (strcmp(value, units->name) == 0) {
                        if (__builtin_mul_overflow(number, units->factor, &number))
                                return -ERANGE;
                        *ret_number = number;
                        return 0;
                }
        return -EINVAL;
}

// A number with up to so many decimals, kept as a whole one.
static int parse_decimal(const char *value, int decimals, int64_t *ret_number)
{
        int64_t number;
        int places = 0;
        int r = parse_digits(&value, &number);

        if (r < 0)
                return r;
        if (number > INT64_MAX / 1000000000)
                return -ERANGE;
        if (*value == '.')
                for (value++; places < decimals && is_digit(*value); places++, value++)
                        number = number * 10 + (*value - '0');
        if (*value || (places == 0 && value[-1] == '.'))
                return -EINVAL;
        for (; places < decimals; places++)
                number *= 10;
        *ret_number = number;
        return 0;
}

static int parse_degrees(const char *value, int64_t *ret_number)
{
        bool negative = *value == '-';
        int r = parse_decimal(value + negative, 7, ret_number);

        if (r == 0 && negative)
                *ret_number = -*ret_number;
        return r;
}

static int parse_bool(const char *value, bool *ret_value)
{
        bool yes = strcmp(value, "yes") == 0;

        if (!yes && strcmp(value, "no") != 0)
                return -EINVAL;
        *ret_value = yes;
        return 0;
}

// The number-th word of a list; NULL after the last. *ret_length is without what follows.
static const char *word_at(const char *words, int number, size_t *ret_length)
{
        for (; words; words = strchr(words, ' '), words = words ? words + 1 : NULL, number--)
                if (number == 0) {
                        *ret_length = strcspn(words, " ");
                        return words;
                }
        return NULL;
}

static int parse_choice(const char *choices, const char *value, int *ret_choice)
{
        const char *word;
        size_t length;

        for (int i = 0; (word = word_at(choices, i, &length)); i++)
                if (strlen(value) == length && memcmp(word, value, length) == 0) {
                        *ret_choice = i;
                        return 0;
                }
        return -EINVAL;
}

// Words of the list, each once, in any order, with spaces between them.
static int parse_set(const char *choices, const char *value, int *ret_set)
{
        int set = 0, bit;

        for (value += strspn(value, " "); *value; value += strspn(value, " ")) {
                char word[BC_SETTINGS_ID_BYTES];
                size_t length = strcspn(value, " ");

                if (length >= sizeof(word))
                        return -EINVAL;
                memcpy(word, value, length);
                word[length] = 0;
                if (parse_choice(choices, word, &bit) < 0 || set & 1 << bit)
                        return -EINVAL;
                set |= 1 << bit;
                value += length;
        }
        *ret_set = set;
        return 0;
}

static int parse_utc(const char *value, int64_t *ret_utc_ns)
{
        if (*value)
                return bc_utc_parse(value, ret_utc_ns);
        *ret_utc_ns = BC_UTC_UNKNOWN;
        return 0;
}

static int parse_text(const char *value, char *ret_text)
{
        const char *at = value;
        uint32_t code;
        int r;

        if (strlen(value) >= BC_SETTINGS_NAME_BYTES)
                return -ERANGE;
        // Whoever reads the text track finds the position by its colons.
        while ((r = bc_script_next(&at, &code)) > 0)
                if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == ':')
                        return -EINVAL;
        if (r < 0)
                return -EINVAL;
        memcpy(ret_text, value, strlen(value) + 1);
        return 0;
}

static int parse_id(const char *value, char *ret_id)
{
        size_t length = strlen(value);

        if (length == 0 || length >= BC_SETTINGS_ID_BYTES)
                return -EINVAL;
        for (const char *c = value; *c; c++)
                if (!is_digit(*c) && !(*c >= 'A' && *c <= 'Z') && !(*c >= 'a' && *c <= 'z') && *c != '-' && *c != '_')
                        return -EINVAL;
        memcpy(ret_id, value, length + 1);
        return 0;
}

static int parse_path(const struct bc_setting *setting, const char *value, char *ret_path)
{
        size_t length = strlen(value);

        if (length >= BC_SETTINGS_TEXT_BYTES)
                return -ERANGE;
        if (length == 0 ? setting->required : value[0] != '/')
                return -EINVAL;
        memcpy(ret_path, value, length + 1);
        return 0;
}

static int parse_place(const char *value, char *ret_place)
{
        struct bc_anchor_place place;

        if (strlen(value) >= BC_SETTINGS_TEXT_BYTES)
                return -ERANGE;
        if (value[0] && bc_anchor_place_parse(value, NULL, 0, &place) < 0)
                return -EINVAL;
        memcpy(ret_place, value, strlen(value) + 1);
        return 0;
}

static int parse_paths(const char *value, char *ret_paths)
{
        size_t used = 0, paths = 0;

        if (strlen(value) >= BC_SETTINGS_TEXT_BYTES)
                return -ERANGE;
        for (value += strspn(value, " "); *value; value += strspn(value, " ")) {
                size_t length = strcspn(value, " ");

                if (*value != '/')
                        return -EINVAL;
                if (++paths > BC_SETTINGS_PATHS_MAX)
                        return -ERANGE;
                if (used > 0)
                        ret_paths[used++] = ' ';
                memcpy(ret_paths + used, value, length);
                used += length;
                value += length;
        }
        ret_paths[used] = 0;
        return 0;
}

// What is behind the scheme is judged by whoever opens it (evidence/key.h).
static int parse_uri(const char *value, char *ret_uri)
{
        static const char *const schemes[] = { "file:/", "handle:0x", "pkcs11:" };
        size_t length = strlen(value);
        bool known = length == 0;

        if (length >= BC_SETTINGS_TEXT_BYTES)
                return -ERANGE;
        for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
                known = known || strncmp(value, schemes[i], strlen(schemes[i])) == 0;
        for (const char *c = value; *c; c++)
                known = known && *c > ' ' && *c <= '~';
        if (!known)
                return -EINVAL;
        memcpy(ret_uri, value, length + 1);
        return 0;
}

// Whether it is one, and can be noticed, is judged with the scheme and the device: there the reason is known.
static int parse_pattern(const char *value, char *ret_pattern)
{
        if (strlen(value) >= BC_PATTERN_TEXT_BYTES)
                return -ERANGE;
        memcpy(ret_pattern, value, strlen(value) + 1);
        return 0;
}

static int parse_number(const struct bc_setting *setting, const char *value, int64_t *ret_number)
{
        int64_t number = 0;
        int r;

        switch (setting->type) {
        case BC_SETTING_DURATION:
                r = parse_with_unit(value, time_units, &number);
                break;
        case BC_SETTING_BIT_RATE:
                r = parse_with_unit(value, bit_units, &number);
                break;
        case BC_SETTING_RATE:
                r = parse_decimal(value, 3, &number);
                break;
        case BC_SETTING_DEGREES:
                r = parse_degrees(value, &number);
                break;
        default:
                r = parse_whole(value, &number);
                break;
        }
        if (r < 0)
                return r;
        if (number < setting->min || number > setting->max || (setting->step > 0 && number % setting->step != 0))
                return -ERANGE;
        *ret_number = number;
        return 0;
}

int bc_setting_parse(const struct bc_setting *setting, const char *value, struct bc_settings *settings)
{
        void *at = (char *)settings + setting->offset;

        switch (setting->type) {
        case BC_SETTING_BOOL:
                return parse_bool(value, at);
        case BC_SETTING_CHOICE:
                return parse_choice(setting->choices, value, at);
        case BC_SETTING_SET:
                return parse_set(setting->choices, value, at);
        case BC_SETTING_UTC:
                return parse_utc(value, at);
        case BC_SETTING_TEXT:
                return parse_text(value, at);
        case BC_SETTING_ID:
                return parse_id(value, at);
        case BC_SETTING_PATH:
                return parse_path(setting, value, at);
        case BC_SETTING_PLACE:
                return parse_place(value, at);
        case BC_SETTING_PATHS:
                return parse_paths(value, at);
        case BC_SETTING_URI:
                return parse_uri(value, at);
        case BC_SETTING_PATTERN:
                return parse_pattern(value, at);
        default:
                return parse_number(setting, value, at);
        }
}

// In the largest unit that says it exactly.
static void format_with_unit(const struct unit *units, const char *space, int64_t number, char *text, size_t bytes)
{
        const struct unit *best = units;

        for (const struct unit *unit = units; unit->name; unit++)
                if (number % unit->factor == 0 && number != 0)
                        best = unit;
        if (number == 0 && units == time_units)
                best = &time_units[1];
        snprintf(text, bytes, "%" PRId64 "%s%s", number / best->factor, best->name[0] ? space : "", best->name);
}

static void format_decimal(int64_t number, int64_t scale, int decimals, char *text, size_t bytes)
{
        int64_t size = number < 0 ? -number : number;

        snprintf(text, bytes, "%s%" PRId64 ".%0*d", number < 0 ? "-" : "", size / scale, decimals, (int)(size % scale));
        for (size_t end = strlen(text); text[end - 1] == '0' || text[end - 1] == '.'; end--) {
                bool point = text[end - 1] == '.';
                text[end - 1] = 0;
                if (point)
                        break;
        }
}

static void format_set(const char *choices, int set, char *text, size_t bytes)
{
        size_t used = 0, length;
        const char *word;

        text[0] = 0;
        for (int bit = 0; used < bytes && (word = word_at(choices, bit, &length)); bit++)
                if (set & 1 << bit)
                        used += (size_t)snprintf(text + used, bytes - used, "%s%.*s", used ? " " : "", (int)length, word);
}

static void format_number(const struct bc_setting *setting, int64_t number, char *text, size_t bytes)
{
        switch (setting->type) {
        case BC_SETTING_DURATION:
                format_with_unit(time_units, " ", number, text, bytes);
                break;
        case BC_SETTING_BIT_RATE:
                format_with_unit(bit_units, "", number, text, bytes);
                break;
        case BC_SETTING_RATE:
                format_decimal(number, 1000, 3, text, bytes);
                break;
        case BC_SETTING_DEGREES:
                format_decimal(number, 10000000, 7, text, bytes);
                break;
        default:
                snprintf(text, bytes, "%" PRId64, number);
                break;
        }
}

void bc_setting_format(const struct bc_setting *setting, const struct bc_settings *settings,
                       char ret_text[BC_SETTING_VALUE_BYTES])
{
        const void *at = (const char *)settings + setting->offset;
        const char *word;
        size_t length = 0;

        switch (setting->type) {
        case BC_SETTING_BOOL:
                snprintf(ret_text, BC_SETTING_VALUE_BYTES, "%s", *(const bool *)at ? "yes" : "no");
                break;
        case BC_SETTING_CHOICE:
                word = word_at(setting->choices, *(const int *)at, &length);
                snprintf(ret_text, BC_SETTING_VALUE_BYTES, "%.*s", (int)length, word ? word : "");
                break;
        case BC_SETTING_SET:
                format_set(setting->choices, *(const int *)at, ret_text, BC_SETTING_VALUE_BYTES);
                break;
        case BC_SETTING_UTC:
                ret_text[0] = 0;
                if (*(const int64_t *)at != BC_UTC_UNKNOWN)
                        (void)bc_utc_format(*(const int64_t *)at, ret_text);
                break;
        case BC_SETTING_ID:
        case BC_SETTING_TEXT:
        case BC_SETTING_PATH:
        case BC_SETTING_PLACE:
        case BC_SETTING_PATHS:
        case BC_SETTING_URI:
        case BC_SETTING_PATTERN:
                snprintf(ret_text, BC_SETTING_VALUE_BYTES, "%s", (const char *)at);
                break;
        default:
                format_number(setting, *(const int64_t *)at, ret_text, BC_SETTING_VALUE_BYTES);
                break;
        }
}

static void allowed_choices(const char *choices, const char *how_many, char *text, size_t bytes)
{
        size_t used, length = 0;
        const char *word;

        used = (size_t)snprintf(text, bytes, "%s of:", how_many);
        for (int i = 0; used < bytes && (word = word_at(choices, i, &length)); i++)
                used += (size_t)snprintf(text + used, bytes - used, "%s %.*s", i ? "," : "", (int)length, word);
}

void bc_setting_allowed(const struct bc_setting *setting, char *text, size_t text_bytes)
{
        char min[64], max[64];

        switch (setting->type) {
        case BC_SETTING_BOOL:
                snprintf(text, text_bytes, "yes or no");
                return;
        case BC_SETTING_CHOICE:
                allowed_choices(setting->choices, "one", text, text_bytes);
                return;
        case BC_SETTING_SET:
                allowed_choices(setting->choices, "any", text, text_bytes);
                return;
        case BC_SETTING_UTC:
                snprintf(text, text_bytes, "a time as 2026-11-26T01:12:14Z, or nothing");
                return;
        case BC_SETTING_TEXT:
                snprintf(text, text_bytes, "up to %d bytes of UTF-8 without control characters and colons",
                         BC_SETTINGS_NAME_BYTES - 1);
                return;
        case BC_SETTING_ID:
                snprintf(text, text_bytes, "1 to %d letters, digits, - and _", BC_SETTINGS_ID_BYTES - 1);
                return;
        case BC_SETTING_PATH:
                snprintf(text, text_bytes, "an absolute path%s", setting->required ? "" : ", or nothing");
                return;
        case BC_SETTING_PLACE:
                snprintf(text, text_bytes, "an absolute path, tpm2:0x%08x to tpm2:0x%08x, one of these and a path, or nothing", BC_ANCHOR_INDEX_MIN,
                         BC_ANCHOR_INDEX_MAX);
                return;
        case BC_SETTING_PATHS:
                snprintf(text, text_bytes, "up to %d absolute paths with spaces between them, or nothing", BC_SETTINGS_PATHS_MAX);
                return;
        case BC_SETTING_URI:
                snprintf(text, text_bytes, "file:/PATH, handle:0xNUMBER, pkcs11:..., or nothing");
                return;
        case BC_SETTING_PATTERN:
                snprintf(text, text_bytes, "a pattern of at most %d steps", BC_PATTERN_STEPS_MAX);
                return;
        default:
                break;
        }
        format_number(setting, setting->min, min, sizeof(min));
        format_number(setting, setting->max, max, sizeof(max));
        snprintf(text, text_bytes, "%s to %s%s%s", min, max,
                 setting->step == 2 ? ", even" : "",
                 setting->type == BC_SETTING_DURATION   ? " (a whole number of ms, s, min or h)"
                 : setting->type == BC_SETTING_DEGREES  ? " degrees"
                 : setting->type == BC_SETTING_BIT_RATE ? " (bit/s; k is 1000, M is 1000000)"
                                                        : "");
}
