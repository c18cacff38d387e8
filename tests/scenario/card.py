# SPDX-License-Identifier: EUPL-1.2
"""A card that stalls, fails and fills up: the folder of a daemon's store, by way of tests/lib/bad_card.c."""

import contextlib
import fcntl
import mmap
import os
import struct

from harness import BUILD

FIELDS = ("space", "write_skip", "write_times", "write_error", "sync_skip", "sync_times", "sync_error", "writes", "syncs")
ENDLESS = 1 << 40


class Card:
    """All is well with it until told otherwise. Give its env to the Daemon whose store it is."""

    def __init__(self, folder, store):
        path = folder / "card"
        path.write_bytes(struct.pack("q", -1) + bytes(8 * (len(FIELDS) - 1)))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 8 * len(FIELDS))
        self.env = {
            "LD_PRELOAD": str(BUILD / "tests/lib/bad-card.so"), "BC_CARD": str(path),
            "BC_CARD_STORE": os.path.realpath(store),
            # The address sanitizer wants to be the first library.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        }

    def __getattr__(self, name):
        if name not in FIELDS:
            raise AttributeError(name)
        return struct.unpack_from("q", self.map, 8 * FIELDS.index(name))[0]

    def set(self, **fields):
        for name, value in fields.items():
            struct.pack_into("q", self.map, 8 * FIELDS.index(name), value)

    def fail_syncs(self, error, skip=0, times=ENDLESS):
        self.set(sync_times=0, sync_skip=skip, sync_error=error)
        self.set(sync_times=times)

    def fail_writes(self, error, skip=0, times=ENDLESS):
        self.set(write_times=0, write_skip=skip, write_error=error)
        self.set(write_times=times)

    def repair(self):
        self.set(space=-1, write_times=0, sync_times=0)

    @contextlib.contextmanager
    def standing_still(self):
        """Every write, sync and change of a name in the store waits for the end of the block."""
        fcntl.flock(self.file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.file, fcntl.LOCK_UN)


def start_carded(daemon, settings, **options):
    """A daemon, started, and its card."""
    d = daemon(settings, start=False, **options)
    card = Card(d.folder, d.store)
    d.env.update(card.env)
    d.start()
    return d, card
