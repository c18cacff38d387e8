# SPDX-License-Identifier: EUPL-1.2
"""A machine with the build installed and a real systemd, journald and system bus: namespaces over this one's root, which
it can read and not change. Needs root and overlayfs.

    with Machine(folder) as machine:
        machine.run("systemctl", "start", "bodycamd")
"""

import contextlib
import json
import os
import pathlib
import subprocess
import time

import pytest
from harness import BUILD, PATIENCE_S

UNITS = "/usr/lib/bc-machine"
# Nothing that would touch the real machine: no udev, no sysctl, no modules.
BORROWED = """basic.target sysinit.target shutdown.target multi-user.target sockets.target slices.target paths.target timers.target
    local-fs.target umount.target systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket
    dbus.socket dbus.service""".split()
SETUP = r"""
set -e
root=$1/root
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1"/upper "$1"/work "$root"
mount -t overlay overlay -o lowerdir=/,upperdir="$1"/upper,workdir="$1"/work "$root"
mount -t proc proc "$root"/proc
mount -t sysfs -o ro sysfs "$root"/sys
for folder in run tmp dev etc/systemd/system var/log; do mount -t tmpfs tmpfs "$root/$folder"; done
chmod 1777 "$root"/tmp
for node in null zero full random urandom; do touch "$root"/dev/$node; mount --bind /dev/$node "$root"/dev/$node; done
mkdir "$root"/dev/shm "$root"/dev/pts
mount -t tmpfs tmpfs "$root"/dev/shm
mount -t cgroup2 cgroup2 "$root"/sys/fs/cgroup
rm -rf "$root"/var/lib/bodycam "$root"/etc/bodycam
DESTDIR=$root cmake --install "$2" > /dev/null
units=$root$3
mkdir -p "$units"/sockets.target.wants "$units"/multi-user.target.wants
for unit in $4; do cp /lib/systemd/system/$unit "$units"; done
cp "$root"/usr/lib/systemd/system/bodycamd.service "$units"
ln -s multi-user.target "$units"/default.target
ln -s ../systemd-journald.service "$units"/multi-user.target.wants
ln -s ../dbus.socket ../systemd-journald.socket ../systemd-journald-dev-log.socket "$units"/sockets.target.wants
cd "$root"
mkdir old
pivot_root . old
umount -l /old
rmdir /old
systemd-sysusers bodycam.conf
systemd-tmpfiles --create bodycam.conf
exec env -i container=bodycam-test PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/etc/systemd/system:$3 \
    /lib/systemd/systemd --log-target=journal --show-status=0
"""


def wait_for(condition, what, timeout=PATIENCE_S):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(0.1)


class Machine:
    def __init__(self, folder):
        if os.geteuid() != 0:
            pytest.skip("a machine of its own needs root")
        groups = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines() if " cgroup2 " in line]
        if not groups:
            pytest.skip("a machine of its own needs cgroup2")
        self.folder = folder
        self.group = pathlib.Path(groups[0]) / f"bc-machine-{os.getpid()}"
        try:
            self.group.mkdir()
        except OSError as error:
            pytest.skip(f"a machine of its own needs cgroup2 that can be written: {error}")
        self.log = open(folder / "console", "w+")
        (folder / "machine").mkdir()
        self.process = subprocess.Popen(
            ["bash", "-c", 'echo $$ > "$0"/cgroup.procs && exec unshare --mount --pid --fork --ipc --uts --net --cgroup '
             '--kill-child bash -c "$@"', self.group, SETUP, "setup", folder / "machine", BUILD, UNITS, " ".join(BORROWED)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        try:
            wait_for(self.has_started, "the machine")
        except BaseException:
            self.close()
            raise

    def console(self):
        return (self.folder / "console").read_text()

    def has_started(self):
        if self.process.poll() is not None and "Operation not permitted" in self.console():
            pytest.skip(f"a machine of its own cannot be made here: {self.console()}")
        assert self.process.poll() is None, self.console()
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children or pathlib.Path(f"/proc/{children[0]}/comm").read_text() != "systemd\n":
            return False
        self.pid = children[0]
        return self.run("systemctl", "is-system-running", check=False).stdout == "running\n"

    def close(self):
        with contextlib.suppress(AttributeError):
            os.kill(int(self.pid), 9)
        self.process.kill()
        self.process.wait()
        self.log.close()
        wait_for(lambda: not self.members(), "the end of all its processes")
        for folder, _, _ in os.walk(self.group, topdown=False):
            os.rmdir(folder)

    def members(self):
        return [pid for folder, _, _ in os.walk(self.group)
                for pid in (pathlib.Path(folder) / "cgroup.procs").read_text().split()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- in it -------------------------------------------------------------------------------------------------

    def run(self, *command, check=True, user=None):
        """Runs a command in it, as root or as a user (uid, and groups by name)."""
        if user:
            uid, groups = user
            command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", f"--groups={groups}" if groups else "--clear-groups",
                       *command]
        done = subprocess.run(["nsenter", "--all", "-t", self.pid, *map(str, command)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S)
        assert not check or done.returncode == 0, f"{command}: {done}\n{self.unit_log()}"
        return done

    def path(self, path):
        """A file of it, from outside."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}")

    def show(self, *properties, unit="bodycamd"):
        lines = self.run("systemctl", "show", unit, *(f"-p{p}" for p in properties)).stdout.splitlines()
        values = dict(line.split("=", 1) for line in lines)
        return values[properties[0]] if len(properties) == 1 else [values[p] for p in properties]

    def unit_log(self):
        return subprocess.run(["nsenter", "--all", "-t", self.pid, "journalctl", "-u", "bodycamd", "--no-pager", "-n50"],
                              capture_output=True, text=True).stdout

    def journal(self, **fields):
        """What its unit logged since forget(), by systemd and by itself, with these fields: entries, oldest first."""
        done = self.run("journalctl", "-o", "json", "--no-pager", "-u", "bodycamd", *self.since)
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        return [e for e in entries if fields.items() <= e.items()]

    def forget(self):
        """journal() begins here."""
        cursor = self.run("journalctl", "-n1", "--show-cursor", "-o", "cat").stdout.splitlines()[-1]
        self.since = ["--after-cursor=" + cursor.removeprefix("-- cursor: ")]

    def outside(self, pid):
        """The number here of a process there."""
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                line = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:"))
                if line.split()[1:][1:] == [str(pid)] and \
                        os.readlink(status.parent / "ns/pid") == os.readlink(f"/proc/{self.pid}/ns/pid"):
                    return int(status.parent.name)
        raise AssertionError(f"{pid} is no process of the machine")
