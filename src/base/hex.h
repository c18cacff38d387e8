// SPDX-License-Identifier: EUPL-1.2
// Hexadecimal digits to bytes. Pure; any thread.
#ifndef BC_BASE_HEX_H
#define BC_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Two digits, of either case, for each of so many bytes; what stands behind them is not looked at. false: another character, or
// the text's end, is among them.
bool bc_hex_read(const char *text, size_t bytes, uint8_t *ret_bytes);

#endif
