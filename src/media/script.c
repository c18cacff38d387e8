// SPDX-License-Identifier: EUPL-1.2
#include "media/script.h"

#include <errno.h>
#include <stddef.h>

// A list of what is known to be plain: whatever Unicode adds is refused until somebody has looked at it.
static const struct range {
        uint32_t first, last;
} plain[] = {
        { 0x0020, 0x007e }, { 0x00a0, 0x00ac }, { 0x00ae, 0x02ff }, // Latin; not the soft hyphen
        { 0x0370, 0x0482 }, { 0x048a, 0x052f },                     // Greek, Cyrillic
        { 0x0531, 0x0556 }, { 0x0559, 0x058f },                     // Armenian
        { 0x10a0, 0x10ff }, { 0x1c90, 0x1cbf },                     // Georgian
        { 0x1200, 0x135a }, { 0x1360, 0x139f }, { 0x13a0, 0x13ff }, // Ethiopic, Cherokee
        { 0x1d00, 0x1dbf }, { 0x1e00, 0x1fff },                     // phonetic; Latin and Greek with accents
        { 0x2000, 0x200a }, { 0x2010, 0x2027 }, { 0x202f, 0x205f }, // punctuation; not what directs or joins
        { 0x2070, 0x20cf }, { 0x2100, 0x2bff },                     // numerals, currencies, arrows, signs
        { 0x2c60, 0x2c7f }, { 0x2d00, 0x2d2d },                     // Latin, Georgian
        { 0x2e80, 0x3029 }, { 0x3030, 0x3098 }, { 0x309b, 0x312f }, // Chinese and Japanese
        { 0x3190, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xf900, 0xfaff },
        { 0xa640, 0xa66e }, { 0xa680, 0xa69d }, { 0xa700, 0xa7ff }, // Cyrillic, Latin
        { 0xab30, 0xab6b }, { 0xac00, 0xd7a3 },                     // Latin; Korean syllables
        { 0xfb00, 0xfb06 }, { 0xff01, 0xff9d }, { 0xffe0, 0xffee }, // ligatures; wide and narrow forms
};

int bc_script_next(const char **at, uint32_t *ret_code)
{
        static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
        const unsigned char *bytes = (const unsigned char *)*at;
        uint32_t code = bytes[0];
        size_t more;

        if (!code)
                return 0;
        if (code < 0x80)
                more = 0;
        else if (code >= 0xc2 && code <= 0xdf)
                more = 1, code &= 0x1f;
        else if (code >= 0xe0 && code <= 0xef)
                more = 2, code &= 0x0f;
        else if (code >= 0xf0 && code <= 0xf4)
                more = 3, code &= 0x07;
        else
                return -EILSEQ;
        for (size_t i = 1; i <= more; i++) {
                if ((bytes[i] & 0xc0) != 0x80) // so is the 0 at the end
                        return -EILSEQ;
                code = code << 6 | (bytes[i] & 0x3f);
        }
        if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return -EILSEQ;
        *at += more + 1;
        *ret_code = code;
        return 1;
}

bool bc_script_is_plain(uint32_t code)
{
        for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
                if (code >= plain[i].first && code <= plain[i].last)
                        return true;
        return false;
}
