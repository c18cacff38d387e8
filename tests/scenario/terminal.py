# SPDX-License-Identifier: EUPL-1.2
"""bodycamctl on a bus, without a terminal and on a pseudo terminal."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from harness import BODYCAMCTL, PATIENCE_S


def environment(bus, changes=None):
    env = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus.address, "TERM": "xterm", **(changes or {})}
    if "NO_COLOR" not in (changes or {}):
        env.pop("NO_COLOR", None)
    return env


def ctl(bus, *arguments, check=True, env=None):
    done = subprocess.run([str(BODYCAMCTL), "--bus", "session", *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE_S, env=environment(bus, env))
    assert not check or done.returncode == 0, f"bodycamctl {arguments}: {done}"
    return done


class Terminal:
    """bodycamctl as the foreground job of a terminal of its own."""

    def __init__(self, bus, *words, columns=80, rows=24, env=None):
        self.text, self.status = "", None
        # The end of the program is held open, so that the terminal's settings can be looked at when it is gone.
        self.fd, self.end = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.end)
        self.process = subprocess.Popen([str(BODYCAMCTL), "--bus", "session", *words], env=environment(bus, env),
                                        stdin=self.end, stdout=self.end, stderr=self.end, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def read(self, seconds):
        """What comes within so many seconds; "" at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return ""
        try:
            got = os.read(self.fd, 65536).decode()
        except OSError:
            return ""
        self.text += got
        return got

    def wait_for(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition(self):
            assert time.monotonic() < deadline, f"{what}: not on the screen\n{self.screen()}"
            self.read(0.2)

    def wait_for_text(self, *texts):
        self.wait_for(lambda t: all(text in t.screen() for text in texts), texts)

    def screen(self):
        """The last whole picture that was drawn, without colours."""
        frames = self.text.split("\033[H")
        whole = next((f for f in reversed(frames) if re.search(r"\033\[\d+;1H.*\033\[K", f)), "")
        return re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", whole.replace("\r", ""))

    def send(self, keys):
        os.write(self.fd, keys.encode())

    def resize(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def to_end(self):
        """Waits for the program's end; all that it printed."""
        deadline = time.monotonic() + PATIENCE_S
        while self.status is None:
            assert time.monotonic() < deadline, "it does not end"
            self.read(0.1)
            self.status = self.process.poll()
        while self.read(0.2):  # what the kernel still has on its way
            pass
        return self.text

    def settings(self):
        return termios.tcgetattr(self.end)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            self.process.kill()
            self.process.wait()
        os.close(self.fd)
        os.close(self.end)
