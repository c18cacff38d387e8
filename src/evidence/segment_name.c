// SPDX-License-Identifier: EUPL-1.2
#include "evidence/segment_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bc_segment_name(uint32_t number, char ret_name[BC_SEGMENT_NAME_BYTES_MAX])
{
        bc_segment_file_name(number, false, ret_name);
}

void bc_segment_file_name(uint32_t number, bool sealed, char ret_name[BC_SEGMENT_NAME_BYTES_MAX])
{
        snprintf(ret_name, BC_SEGMENT_NAME_BYTES_MAX, sealed ? "%04u.mp4.sealed" : "%04u.mp4", number);
}

uint32_t bc_segment_number(const char *name, bool *ret_sealed)
{
        char expected[BC_SEGMENT_NAME_BYTES_MAX];
        unsigned long number = strtoul(name, NULL, 10);

        if (number < 1 || number > BC_SEGMENTS_MAX)
                return 0;
        *ret_sealed = strlen(name) > 8;
        bc_segment_file_name((uint32_t)number, *ret_sealed, expected);
        return strcmp(name, expected) == 0 ? (uint32_t)number : 0;
}

void bc_recovered_name(uint32_t number, char ret_name[BC_SEGMENT_NAME_BYTES_MAX])
{
        snprintf(ret_name, BC_SEGMENT_NAME_BYTES_MAX, "%04u.recovered", number);
}
