// SPDX-License-Identifier: EUPL-1.2
// Why the machine started last, as far as its watchdogs tell (docs/formats/record.md, key 60). Linux keeps what they saw in
// /sys/class/watchdog/watchdogN/bootstatus, the WDIOF_ bits of linux/watchdog.h; nothing else tells it on every board. What they do not tell is
// not known: that a clean reboot was one, the ledger's `stop` says.
#ifndef BC_EVIDENCE_RESET_H
#define BC_EVIDENCE_RESET_H

#include <stdint.h>

#define BC_RESET_FOLDER "/sys/class/watchdog"

// 0 not known, 1 power, 2 watchdog. folder: BC_RESET_FOLDER, but in tests.
uint32_t bc_reset_cause(const char *folder);

#endif
