# SPDX-License-Identifier: EUPL-1.2
"""bodycamctl watch, against the real daemon: on a pseudo terminal, and as lines. Real clock where it has to be redrawn."""

import json
import os
import re
import signal
import subprocess
import threading

import pytest
from harness import BODYCAMCTL, NAME, PATIENCE_S, Bus
from terminal import Terminal, ctl, environment


@pytest.fixture
def bus():
    bus = Bus()
    yield bus
    bus.close()


ENTERED, LEFT = "\033[?1049h", "\033[?7h\033[?25h\033[?1049l"


def assert_restored(terminal):
    assert terminal.text.count(ENTERED) == 1 and terminal.text.endswith(LEFT)
    assert terminal.settings() == terminal.before


# ---- on a terminal ---------------------------------------------------------------------------------------------

def test_an_incident_on_the_screen(daemon, bus):
    d = daemon({"recording": {"pre_event": "1 s"}}, clock="real", bus=bus)
    with Terminal(bus, "watch") as t:
        t.wait_for_text("state      BUFFERING for", "q ends")
        assert t.settings() != t.before
        seen = set()
        t.wait_for(lambda x: seen.add(x.screen().split("\n")[0]) or len(seen) >= 4, "redrawn without anything new")
        d.record_start("x")
        t.wait_for_text("state      RECORDING for", "recording  TEST-1-000001, durable")
        d.press("emergency")
        t.wait_for_text("state      EMERGENCY for", "(recording; only", "alarms     20", "Z emergency")
        d.set_fault("microphone", "stall")
        t.wait_for_text("WARNING    no-audio: the microphone delivers nothing")
        d.set_fault("microphone", "none")
        t.wait_for(lambda x: "no-audio" not in x.screen(), "the microphone is back")
        # A smaller window: the least important rows go, the state and an alarm stay.
        t.resize(60, 8)
        t.wait_for_text("state      EMERGENCY", "Z emergency", "the window is too small")
        assert "device" not in t.screen() and max(map(len, t.screen().split("\n"))) <= 60
        assert len(t.screen().rstrip().split("\n")) <= 8
        t.resize(120, 40)
        t.wait_for_text("device     TEST-1 (simulated)", "frames")
        assert "too small" not in t.screen()
        t.send("xyz\r")  # no keys of ours
        d.emergency_release()
        t.wait_for_text("state      RECORDING for")
        t.send("q")
        t.to_end()
        assert t.status == 0
        assert_restored(t)


def test_the_daemon_goes_and_comes_back(daemon, bus):
    d = daemon(clock="real", bus=bus)
    d.record_start()
    with Terminal(bus, "watch") as t:
        t.wait_for_text("state      RECORDING for", "TEST-1-000001")
        d.kill()
        t.wait_for_text("OFFLINE    bodycamd does not run", "waiting for it", "last seen  20", "RECORDING TEST-1-000001")
        assert "state      RECORDING" not in t.screen(), "nothing old as if it were still so"
        d.start()
        t.wait_for_text("state      BUFFERING for", "daemon     came back")
        assert "OFFLINE" not in t.screen()
        # Stopped, it is on the bus and says nothing.
        os.kill(d.process.pid, signal.SIGSTOP)
        t.wait_for_text("OFFLINE    bodycamd does not answer")
        os.kill(d.process.pid, signal.SIGCONT)
        t.wait_for_text("state      BUFFERING for")
        bus.stop()
        d.disconnect()
        t.wait_for_text("OFFLINE", "last seen")
        bus.start()
        t.wait_for_text("state      BUFFERING for")
        t.send("\x03")
        t.to_end()
        assert t.status == 0
        assert_restored(t)
    d.connect()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it_and_it_waits_for_a_daemon(bus, end):
    with Terminal(bus, "watch") as t:
        t.wait_for_text("OFFLINE    bodycamd does not run", "waiting for it")
        t.send("\x1a")  # Ctrl-Z does not leave the shell on this screen
        began = t.screen()
        t.wait_for(lambda x: x.screen() != began, "drawn again")
        t.process.send_signal(end)
        t.to_end()
        assert t.status == 0
        assert_restored(t)


def test_no_bus_and_no_colours(bus):
    with Terminal(bus, "watch", env={"NO_COLOR": "1"}) as t:
        t.wait_for_text("OFFLINE")
        assert not re.search(r"\033\[[0-9;]*m", t.text)
        t.send("q")
        t.to_end()
    bus.stop()
    with Terminal(bus, "watch") as t:
        assert "no session bus here" in t.to_end() and ENTERED not in t.text
        assert t.status == 3


# ---- lines -----------------------------------------------------------------------------------------------------

class Lines:
    """bodycamctl watch without a terminal."""

    def __init__(self, bus, *options):
        self.process = subprocess.Popen([str(BODYCAMCTL), "--bus", "session", *options, "watch"], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment(bus))
        self.lines = []

    def until(self, condition):
        """Reads lines until one fulfils it, and returns that."""
        patience = threading.Timer(PATIENCE_S, self.process.kill)
        patience.start()
        try:
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))
                if condition(self.lines[-1]):
                    return self.lines[-1]
        finally:
            patience.cancel()
        raise AssertionError(f"it ended: {self.lines} {self.process.stderr.read()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0
        self.process.stdout.close()
        assert self.process.stderr.read() == ""
        self.process.stderr.close()


def test_a_line_for_each_change(daemon, bus):
    d = daemon(bus=bus)
    d.run_for(7)
    with Lines(bus) as w:
        w.until(lambda x: x == "2026-11-26T01:12:21Z BUFFERING")
        d.record_start()
        w.until(lambda x: re.fullmatch(r"2026-\S+Z RECORDING TEST-1-000001 durable segments=1 gaps=0 marks=0", x))
        d.press("emergency")
        w.until(lambda x: re.fullmatch(r"2026-\S+Z ALARM: emergency", x))
        w.until(lambda x: " EMERGENCY TEST-1-000001 durable" in x)
        d.set_fault("microphone", "stall")
        d.run_for(2)
        w.until(lambda x: x.endswith(" flags=no-audio"))
        assert len(w.lines) == len(set(w.lines)), "no line without a change"
        d.kill()
        w.until(lambda x: x == f"bodycamd does not run: nobody offers {NAME} on the session bus; waiting for it")
        d.start()
        w.until(lambda x: x == "bodycamd is back")
        w.until(lambda x: "STARTING" in x or "BUFFERING" in x)


def test_a_json_line_for_each_change(daemon, bus):
    d = daemon(bus=bus)
    d.run_for(7)
    of = lambda event: lambda line: json.loads(line)["event"] == event  # noqa: E731
    with Lines(bus, "--json") as w:
        first = json.loads(w.until(of("status")))
        assert first["status"]["state"] == "BUFFERING" and first["utc"] == "2026-11-26T01:12:21Z"
        assert set(first["status"]) == set(d.status()) and "state" in first["changed"] and first["now_ns"] == 107 * 10**9
        d.press("emergency")
        alarm = json.loads(w.until(of("alarm")))
        assert alarm == {"event": "alarm", "text": "emergency", "utc": "2026-11-26T01:12:21Z", "now_ns": 107 * 10**9}
        status = json.loads(w.until(of("status")))
        assert status["status"]["state"] == "EMERGENCY" and "state" in status["changed"]
        d.kill()
        assert "bodycamd does not run" in json.loads(w.until(of("gone")))["text"]
        d.start()
        w.until(of("back"))
        w.until(lambda line: json.loads(line).get("status", {}).get("state") == "BUFFERING")
    assert all(set(json.loads(line)) <= {"event", "changed", "status", "text", "utc", "now_ns"} for line in w.lines)


def test_without_a_terminal_to_draw_on(daemon, bus):
    daemon(bus=bus)
    with Terminal(bus, "watch", env={"TERM": "dumb"}) as t:
        t.wait_for(lambda x: " BUFFERING" in x.text, "a line")
        assert "\033" not in t.text
        t.send("\x03")
        t.to_end()
        assert t.status == 0


def test_a_reader_that_goes(daemon, bus):
    d = daemon(bus=bus)
    process = subprocess.Popen([str(BODYCAMCTL), "--bus", "session", "watch"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(bus))
    process.stdout.readline()
    process.stdout.close()
    d.press("emergency")
    assert process.wait(PATIENCE_S) != 0
    process.stderr.close()
    assert ctl(bus, "status").returncode == 0
