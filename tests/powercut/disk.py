# SPDX-License-Identifier: EUPL-1.2
"""Power cuts without a power switch: a logging disk with ext4 on it, and the states a cut can leave it in.

    with PowerCutDisk(program, folder) as disk:     # raises Skip where FUSE, loop or ext4 cannot be had
        ... write into disk.mounted, and say in disk.marks what is acknowledged ...
    for state in disk.states(count, random):        # after the end: the log is complete
        with state.mounted() as path:               # the journal is replayed
            ... state.marks is what had been acknowledged ...
"""
import contextlib
import os
import pathlib
import struct
import subprocess

SECTOR = 512
IMAGE_BYTES = 32 << 20


class Skip(Exception):
    """This machine cannot do it; the text says what is missing."""


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{command[0]}: {done.stderr.strip()}")
        done.check_returncode()
    return done.stdout


@contextlib.contextmanager
def ext4(image, at):
    """Mounts an image over a loop device."""
    run("mount", "-t", "ext4", "-o", "loop,noatime", image, at)
    try:
        yield at
    finally:
        run("umount", at)


class State:
    """The disk as one power cut left it."""

    def __init__(self, disk, number, cut, image, marks):
        self.disk, self.number, self.cut, self.image, self.marks = disk, number, cut, image, marks

    @contextlib.contextmanager
    def mounted(self):
        # A file of its own: what the loop device of the state before still has to write is not written into this one.
        path = self.disk.folder / f"state-{self.number}.img"
        path.write_bytes(self.image)
        mountpoint = self.disk.folder / "state"
        mountpoint.mkdir(exist_ok=True)
        try:
            with ext4(path, mountpoint):
                yield mountpoint
        finally:
            path.unlink()


class PowerCutDisk:
    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)
        self.base = self.folder / "base.img"     # before the first logged write
        self.image = self.folder / "disk.img"
        self.log = self.folder / "disk.log"
        self.fuse = self.folder / "fuse"
        self.mounted = self.folder / "ext4"
        self.marks = self.fuse / "mark"
        self.begun = 0  # so many events are of the mounting
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skip("mounting needs root")
        if not os.path.exists("/dev/fuse"):
            raise Skip("no /dev/fuse")
        with contextlib.ExitStack() as stack:
            self.fuse.mkdir()
            self.mounted.mkdir()
            with open(self.base, "wb") as image:
                image.truncate(IMAGE_BYTES)
            try:
                run("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", self.base)
                run("cp", "--sparse=never", self.base, self.image)
                with ext4(self.base, self.mounted):
                    pass
                run("cp", "--sparse=never", self.image, self.base)  # as made: mounting changed it
            except (subprocess.CalledProcessError, FileNotFoundError) as error:
                raise Skip(f"no ext4 on a loop device: {getattr(error, 'stderr', '') or error}".strip()) from None
            self.start_disk(stack)
            stack.enter_context(ext4(self.fuse / "disk", self.mounted))
            # What mounting wrote is the file system's own: a superblock torn between its sectors cannot be mounted by anybody.
            run("sync", "-f", self.mounted)
            self.begun = len(self.events())
            self.stack = stack.pop_all()
        return self

    def start_disk(self, stack):
        process = subprocess.Popen([str(self.program), str(self.image), str(self.log), str(self.fuse)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        stack.callback(process.wait)
        if process.stdout.readline() != "mounted\n":
            raise Skip(f"FUSE cannot be mounted: {process.stderr.read().strip()}")
        stack.callback(run, "umount", self.fuse)

    def __exit__(self, *error):
        self.stack.close()

    def events(self):
        """(type, offset, bytes) of every event of the log."""
        data, at, found = self.log.read_bytes(), 0, []
        while at < len(data):
            kind, offset, size = struct.unpack(">cQI", data[at:at + 13])
            found.append((kind, offset, data[at + 13:at + 13 + size]))
            at += 13 + size
        return found

    def states(self, count, random):
        """Random cuts, each with a random part of what was not flushed."""
        events, base = self.events(), self.base.read_bytes()
        # Behind the last mark nothing new is at stake: what unmounting writes is left out.
        last = max((i for i, e in enumerate(events) if e[0] == b"M"), default=len(events) - 1)
        for number in range(count):
            cut = random.randint(self.begun, last + 1)
            yield self.state_at(events, base, number, cut, random)

    def state_at(self, events, base, number, cut, random):
        flushed = max((i for i in range(cut) if events[i][0] == b"F"), default=0)
        image, share = bytearray(base), random.choice([0, 0.1, 0.5, 0.9, 1])
        for i, (kind, offset, data) in enumerate(events[:cut]):
            if kind != b"W":
                continue
            if i < flushed:
                image[offset:offset + len(data)] = data
                continue
            for at in range(0, len(data), SECTOR):
                if random.random() < share:
                    part = data[at:at + SECTOR]
                    image[offset + at:offset + at + len(part)] = part
        marks = b"".join(data for kind, _, data in events[:cut] if kind == b"M").decode().splitlines()
        return State(self, number, cut, image, marks)
