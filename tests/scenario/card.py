# SPDX-License-Identifier: EUPL-1.2
"""A card that stalls, fails and fills up: the folder of a daemon's store, and others, by way of tests/lib/bad_card.c."""

import contextlib
import fcntl
import mmap
import os
import struct

from harness import BUILD

KINDS = ("write", "sync", "open", "create", "rename", "remove", "folder", "cut", "reserve", "link")
FIELDS = ("space", "forgetful", "struck", *(f"{kind}_{what}" for kind in KINDS for what in ("skip", "times", "error", "calls")))
PATH_BYTES = 256
ENDLESS = 1 << 40


class Card:
    """All is well with it until told otherwise. Give its env to the Daemon whose store it is."""

    def __init__(self, folder, *folders):
        path = folder / "card"
        path.write_bytes(struct.pack("q", -1) + bytes(8 * (len(FIELDS) - 1) + PATH_BYTES))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 8 * len(FIELDS) + PATH_BYTES)
        self.env = {
            "LD_PRELOAD": str(BUILD / "tests/lib/bad-card.so"), "BC_CARD": str(path),
            "BC_CARD_FOLDERS": ":".join(os.path.realpath(f) for f in folders),
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

    @property
    def struck_path(self):
        """On what the last call that failed was."""
        return bytes(self.map[8 * len(FIELDS):]).split(b"\0")[0].decode()

    @property
    def writes(self):
        return self.write_calls

    @property
    def syncs(self):
        return self.sync_calls

    def fail(self, kind, error, skip=0, times=ENDLESS):
        """error 0, of writes: only half of it is written, which is no failure."""
        self.set(**{f"{kind}_times": 0, f"{kind}_skip": skip, f"{kind}_error": error})
        self.set(**{f"{kind}_times": times})

    def fail_syncs(self, error, skip=0, times=ENDLESS):
        self.fail("sync", error, skip, times)

    def fail_writes(self, error, skip=0, times=ENDLESS):
        self.fail("write", error, skip, times)

    def repair(self):
        self.set(space=-1, **{f"{kind}_times": 0 for kind in KINDS})

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
