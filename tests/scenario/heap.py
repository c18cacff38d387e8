# SPDX-License-Identifier: EUPL-1.2
"""Who allocates on the heap: a daemon under tests/lib/heap_count.c, and what else of a process grows.

    heap = HeapCount(folder)
    daemon = Daemon(..., env=heap.env)
    with heap.counting():
        daemon.run_for(60)
    for site in heap.sites(): ...
"""

import contextlib
import mmap
import os
import pathlib
import re
import struct
import subprocess

from harness import BUILD

SITES, DEPTH, WHERE, THREAD = 512, 10, 128, 16
HEADER = struct.Struct("IIQ")
SITE_BYTES = THREAD + 16 + 8 * DEPTH + WHERE * DEPTH
# The codecs' own libraries: what they allocate for a packet is theirs to answer for; and OpenSSL's, for a signature.
CODECS = re.compile(r"lib(avcodec|avutil|swresample|x264|crypto)\.so")
# Who only passes a request on.
BETWEEN = re.compile(r"(libc|ld-linux[^/]*|heap-count)\.so|libc-[\d.]+\.so")


class Site:
    """Where allocations came from: a thread and a chain of callers, the nearest first."""

    def __init__(self, thread, calls, size, chain):
        self.thread, self.calls, self.bytes = thread, calls, size
        self.chain = chain  # (module path, offset, symbol)
        named = [entry for entry in chain if not BETWEEN.search(os.path.basename(entry[0]))]
        self.owner = named[0] if named else (chain[0] if chain else ("?", "0", ""))

    @property
    def is_codec(self):
        return bool(CODECS.search(os.path.basename(self.owner[0])))

    def name(self):
        """The nearest three callers; those of programs without dynamic symbols by way of addr2line."""
        return " < ".join(symbol_of(*entry) for entry in self.chain[:5])


def symbol_of(module, offset, symbol):
    base = os.path.basename(module)
    if symbol and not base.startswith("bodycamd"):
        return f"{base.split('.so')[0]}:{symbol}"
    found = subprocess.run(["addr2line", "-f", "-e", module, hex(int(offset, 16) - 1)], capture_output=True, text=True)
    name = found.stdout.split("\n")[0] if found.returncode == 0 else "??"
    return f"{base.split('.so')[0]}:{name if name != '??' else '+0x' + offset}"


class HeapCount:
    def __init__(self, folder, preload=()):
        path = pathlib.Path(folder) / "heap"
        size = HEADER.size + SITES * SITE_BYTES
        path.write_bytes(bytes(size))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), size)
        libraries = [str(BUILD / "tests/lib/heap-count.so"), *map(str, preload)]
        self.env = {"LD_PRELOAD": ":".join(libraries), "HEAP_COUNT": str(path)}

    @contextlib.contextmanager
    def counting(self):
        """Counts what is allocated until the end of the block, from 0 on."""
        self.map[:] = bytes(len(self.map))
        struct.pack_into("I", self.map, 0, 1)
        try:
            yield
        finally:
            struct.pack_into("I", self.map, 0, 0)

    def sites(self):
        """Those with most calls first. No site was left out, or this fails."""
        _, count, lost = HEADER.unpack_from(self.map, 0)
        assert lost == 0, f"{lost} allocations of more than {SITES} sites"
        found = []
        for i in range(count):
            at = HEADER.size + i * SITE_BYTES
            thread = self.map[at:at + THREAD].split(b"\0")[0].decode()
            calls, size = struct.unpack_from("QQ", self.map, at + THREAD)
            first = at + THREAD + 16 + 8 * DEPTH
            texts = [self.map[first + k * WHERE:first + (k + 1) * WHERE].split(b"\0")[0].decode() for k in range(DEPTH)]
            found.append(Site(thread, calls, size, [tuple((t + " ").split(" ")[:3]) for t in texts if t]))
        return sorted(found, key=lambda site: -site.calls)


def memory_kb(pid, field="RssAnon"):
    """A field of /proc/PID/status in kB: RssAnon (memory of its own), VmHWM (the peak of all), VmLck."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M)[1])


def descriptors(pid):
    """What it has open: number to what it is."""
    found = {}
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found[int(entry.name)] = os.readlink(entry)
    return found
