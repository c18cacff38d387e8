// SPDX-License-Identifier: EUPL-1.2
// The journal's native protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
//
// Not by libsystemd: sd_journal_sendv(3) waits for a journald that does not read. Thread-safe, no state: each entry has
// a socket of its own, which is cheap for what is worth a line of the log.
#ifndef BC_BASE_JOURNAL_H
#define BC_BASE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#define BC_JOURNAL_SOCKET "/run/systemd/journal/socket"
#define BC_JOURNAL_ENTRY_BYTES 4096

// One entry, being built. Begin with used 0.
struct bc_journal_entry {
        size_t used;
        char bytes[BC_JOURNAL_ENTRY_BYTES];
};

// Whether what is written to fd goes to the journal: JOURNAL_STREAM, as systemd.exec(5) has it, names its file.
bool bc_journal_has(int fd);

// Adds a field. name: of capitals, digits and _, not beginning with _. Control characters in text become "?", so it needs no
// framing. false: no room for all of it, nothing was added.
bool bc_journal_add(struct bc_journal_entry *entry, const char *name, const char *text);

// Never waits. 0 or negative errno: -EAGAIN when journald does not keep up.
int bc_journal_send(const struct bc_journal_entry *entry, const char *socket_path);

#endif
