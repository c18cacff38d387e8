// SPDX-License-Identifier: EUPL-1.2
// Room on the card that is kept for the ledger, so that a card that recordings have filled does not leave a run without one (EVIDENCE 14):
// STORE/ledger.room, an empty file that has its blocks already. Where there is no room a new file of the ledger is that one, under its new
// name: nobody else can take the blocks in between. A file system that cannot keep room does without. Used by the ledger alone.
#ifndef BC_EVIDENCE_ROOM_H
#define BC_EVIDENCE_ROOM_H

#include <stddef.h>

#define BC_ROOM_NAME "ledger.room"

// Makes it, unless it is there, or there is no room for it; with less where there is less.
void bc_room_keep(int store_fd, size_t bytes);

// A new, empty file for writing that has so much room, if there is any. The file descriptor or negative errno.
int bc_room_create(int store_fd, int folder_fd, const char *name, size_t bytes);

#endif
