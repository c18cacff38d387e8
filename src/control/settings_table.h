// SPDX-License-Identifier: EUPL-1.2
// One row per key, and what follows from its type.
#ifndef BC_CONTROL_SETTINGS_TABLE_H
#define BC_CONTROL_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/settings.h"

enum bc_setting_type {
        BC_SETTING_BOOL,     // yes, no
        BC_SETTING_NUMBER,   // a whole number
        BC_SETTING_DURATION, // with its unit: ms, s, min, h; kept in ns
        BC_SETTING_DEGREES,  // up to seven decimals; kept in 10^-7
        BC_SETTING_BIT_RATE, // bit/s, with k or M for 1000 or 1000000
        BC_SETTING_RATE,     // frames per second, up to three decimals; kept in mHz
        BC_SETTING_CHOICE,   // one of a list
        BC_SETTING_SET,      // any of a list, or nothing
        BC_SETTING_UTC,      // 2026-11-26T01:12:14Z; kept in ns since 1970, BC_UTC_UNKNOWN when empty
        BC_SETTING_TEXT,     // UTF-8 without control characters and colons
        BC_SETTING_ID,       // letters, digits, - and _
        BC_SETTING_PATH,     // absolute, or empty where that is allowed
        BC_SETTING_PLACE,    // of an anchor (evidence/anchor.h), or empty
        BC_SETTING_PATHS,    // absolute ones, with spaces between them; up to BC_SETTINGS_PATHS_MAX, or none
        BC_SETTING_URI,      // of a key: file:, handle:, pkcs11:, or empty
        BC_SETTING_PATTERN,  // control/pattern.h, judged with all others; empty: the scheme's
};

struct bc_setting {
        const char *section, *key;
        enum bc_setting_type type;
        size_t offset;       // in struct bc_settings
        int64_t min, max;    // numbers
        int64_t step;        // numbers: a multiple of it; 0: any
        const char *choices; // "file pattern": the number is the place in it; of a set, the bit
        const char *fallback; // when required: a sample
        bool required;
        bool reloadable;     // may change while the daemon runs: whoever uses it has a setter (app/reload.h)
        const char *help;    // NULL: bc_setting_help() knows
};

// Room for any value as text.
#define BC_SETTING_VALUE_BYTES BC_SETTINGS_TEXT_BYTES

#define BC_SETTINGS_KEYS_MAX 128
size_t bc_setting_count(void); // at most that
const struct bc_setting *bc_setting_at(size_t number);

// NULL: no such section, or no such key in it. *ret_number is its row.
const struct bc_setting *bc_setting_find(const char *section, const char *key, size_t *ret_number);
bool bc_setting_has_section(const char *section);
const char *bc_setting_section_help(const char *section);

// Puts a value into settings. 0, or -EINVAL, -ERANGE.
int bc_setting_parse(const struct bc_setting *setting, const char *value, struct bc_settings *settings);

// A sentence or more; and what holds when it is not set, "nothing".
const char *bc_setting_help(const struct bc_setting *setting);
enum bc_signal bc_setting_signal(const struct bc_setting *setting); // of a pattern
const char *bc_setting_default(const struct bc_setting *setting);

// The value as it would be written in a file.
void bc_setting_format(const struct bc_setting *setting, const struct bc_settings *settings,
                       char ret_text[BC_SETTING_VALUE_BYTES]);

// What is allowed, for messages: "100 ms to 500 ms", "one of: file, pattern".
void bc_setting_allowed(const struct bc_setting *setting, char *text, size_t text_bytes);

#endif
