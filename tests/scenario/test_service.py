# SPDX-License-Identifier: EUPL-1.2
"""The daemon as systemd sees it, on the real clock: what it tells, and whom the watchdog would kill. A thread is frozen
by a debugger's means."""

import contextlib
import ctypes
import errno
import os
import pathlib
import platform
import re
import signal
import socket
import subprocess
import time

import pytest
from harness import SOURCE

WATCHDOG_S = 4
SETTINGS = {"camera": {"width": 160, "height": 120, "rate": 15}, "video": {"bit_rate": "300k"},
            "recording": {"pre_event": "1 s", "post_event": "0 s"}}
FUTEX = {"x86_64": "202", "aarch64": "98"}.get(platform.machine())  # its number
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207


class Supervisor:
    """What systemd hears: (seconds, message)."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.heard = []
        self.env = {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}

    def listen(self, seconds, until=None):
        """All that comes in so many seconds, or until one is heard."""
        end, news = time.monotonic() + seconds, []
        while time.monotonic() < end and not (until and until in news):
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            with contextlib.suppress(TimeoutError):
                news.append(self.socket.recv(4096).decode())
        self.heard += news
        return news

    def expect(self, message, seconds=30):
        assert message in self.listen(seconds, message), self.heard

    def expect_like(self, pattern):
        end = time.monotonic() + 30
        while not any(re.fullmatch(pattern, message) for message in self.heard):
            assert time.monotonic() < end, self.heard
            self.listen(10, "WATCHDOG=1")

    def close(self):
        self.socket.close()


@pytest.fixture
def supervisor(tmp_path):
    one = Supervisor(tmp_path)
    yield one
    one.close()


@contextlib.contextmanager
def frozen(pid, name):
    """That one thread of a process stands still."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    tid, = (int(task.name) for task in tasks if (task / "comm").read_text().strip() == name)
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    for _ in range(1000):
        if ptrace(PTRACE_SEIZE, tid, None, None) != 0:
            error = ctypes.get_errno()
            if error == errno.EPERM:  # a machine that forbids it
                pytest.skip("a thread cannot be frozen here: no permission to trace")
            pytest.fail(f"{name} cannot be frozen: {os.strerror(error)}")
        assert ptrace(PTRACE_INTERRUPT, tid, None, None) == 0
        os.waitpid(tid, 0x40000000)  # __WALL
        # Not in a call on the card, nor with a lock that others need: while it waits.
        if pathlib.Path(f"/proc/{pid}/task/{tid}/syscall").read_text().split()[0] == FUTEX:
            break
        assert ptrace(PTRACE_DETACH, tid, None, None) == 0
        time.sleep(0.01)
    else:
        pytest.fail(f"{name} never waits")
    try:
        yield
    finally:
        assert ptrace(PTRACE_DETACH, tid, None, None) == 0


def test_what_systemd_is_told(daemon, supervisor):
    d = daemon(SETTINGS, clock="real", env=supervisor.env)
    supervisor.expect("READY=1")
    supervisor.expect_like(r"STATUS=BUFFERING since 20\d\d-\S+Z")
    d.record_start()
    supervisor.expect_like(r"STATUS=RECORDING since 20\d\d-\S+Z, TEST-1-000001")
    fed = sum(m == "WATCHDOG=1" for m in supervisor.listen(2 * WATCHDOG_S))
    assert fed >= 3
    before_us = time.monotonic() * 1e6
    d.process.send_signal(signal.SIGHUP)
    supervisor.expect_like(r"RELOADING=1\nMONOTONIC_USEC=\d+")
    told_us, = (int(m.split("=")[2]) for m in supervisor.heard if m.startswith("RELOADING"))
    assert before_us <= told_us <= time.monotonic() * 1e6
    after = supervisor.heard[supervisor.heard.index(f"RELOADING=1\nMONOTONIC_USEC={told_us}"):]
    assert "READY=1" in after or "READY=1" in supervisor.listen(30, "READY=1")
    d.process.send_signal(signal.SIGTERM)
    supervisor.expect("STOPPING=1")
    d.wait_exit(0)


@pytest.mark.parametrize("thread", ["camera", "video", "audio", "recorder"])
def test_a_thread_that_is_frozen(daemon, supervisor, thread):
    """It is named, and the watchdog starves; when it moves again all is well."""
    d = daemon(SETTINGS, clock="real", env=supervisor.env)
    d.record_start()
    supervisor.expect("WATCHDOG=1")
    with frozen(d.process.pid, thread):
        supervisor.listen(WATCHDOG_S / 2 + 1)  # it may have moved just before
        assert "WATCHDOG=1" not in supervisor.listen(WATCHDOG_S), supervisor.heard
        assert re.findall(r'thread "(\w+)" has not moved', d.log_text()) == [thread]
    supervisor.expect("WATCHDOG=1")
    assert "every thread moves again" in d.log_text()
    d.terminate()
    assert d.recordings()[0].state == "closed"


def test_the_unit(tmp_path):
    """systemd takes the unit as it is, and counts it among the well protected."""
    unit = tmp_path / "bodycamd.service"
    unit.write_text((SOURCE / "src/app/bodycamd.service.in").read_text().replace("@CMAKE_INSTALL_FULL_BINDIR@", "/usr/bin")
                    .replace("@CMAKE_INSTALL_FULL_SYSCONFDIR@", "/etc").replace("/usr/bin/bodycamd", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
