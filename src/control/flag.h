// SPDX-License-Identifier: EUPL-1.2
// What is true beside the state, each thing by itself. bodycamctl(1) tells what each one means to a person.
#ifndef BC_CONTROL_FLAG_H
#define BC_CONTROL_FLAG_H

enum bc_flag {
        BC_FLAG_NO_PICTURE = 1 << 0,
        BC_FLAG_NO_AUDIO = 1 << 1,
        BC_FLAG_STORAGE_TROUBLE = 1 << 2, // writing fails
        BC_FLAG_NOT_DURABLE = 1 << 3,     // what is recorded is behind in becoming durable
        BC_FLAG_POST_EVENT = 1 << 4,      // RECORDING that ends by itself
        BC_FLAG_WANTED = 1 << 5,          // FAULT after which a recording starts
        BC_FLAG_CANNOT_RECORD = 1 << 6,   // sensors are on, but nothing can be recorded, whatever the state
        BC_FLAG_TIME_UNSET = 1 << 7,      // UTC is not known
        BC_FLAG_NO_GNSS = 1 << 8,         // there is a receiver, and no position
        BC_FLAG_MUTED = 1 << 9,           // RECORDING without sound, on purpose
        BC_FLAG_STEALTH = 1 << 10,        // nothing lights up, sounds or vibrates
        BC_FLAG_STORAGE_LOW = 1 << 11,    // room for few minutes more
        BC_FLAG_STORAGE_FULL = 1 << 12,   // room for none, but for an emergency's reserve
        BC_FLAG_BATTERY_LOW = 1 << 13,    // lasts for few minutes more
        BC_FLAG_BUTTON_STUCK = 1 << 14,
        BC_FLAG_SIGNATURES_PENDING = 1 << 15, // what is recorded has not been signed for more than 2 s
        BC_FLAG_UNSIGNED = 1 << 16,           // nothing is signed: there is no key
        BC_FLAG_LEDGER_TROUBLE = 1 << 17,     // the ledger or its anchor cannot be opened or written
};
#define BC_FLAG_BITS 18
const char *bc_flag_name(enum bc_flag flag); // "no-picture"

#endif
