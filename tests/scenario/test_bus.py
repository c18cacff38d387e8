# SPDX-License-Identifier: EUPL-1.2
"""Recording does not depend on a bus: one that is missing, goes away, or is somebody else's. Real clock."""

import os
import subprocess

from harness import BODYCAMCTL, NAME, NS, PATIENCE_S, SOURCE, Bus, Gio, GLib
import pytest


@pytest.fixture
def bus():
    made = []

    def make(**options):
        made.append(Bus(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ctl(bus, *arguments, **options):
    return subprocess.run([str(BODYCAMCTL), "--bus", "session", "--timeout", "20", *arguments], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S,
                          env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus.address}, **options)


def test_a_bus_that_comes_late(daemon, bus):
    b = bus(start=False)
    d = daemon(bus=b, clock="real", start=False)
    d.start(wait=False)
    # Without a bus there is only the log to watch: inotify by way of tail.
    follow(d, "recording goes on without")
    b.start()
    d.connect()
    d.wait_for_state("BUFFERING")


def follow(d, text):
    """Waits until the log holds a text."""
    command = ["timeout", str(PATIENCE_S), "tail", "-n", "+1", "-F", f"--pid={d.process.pid}", str(d.log_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as tail:
        try:
            assert any(text in line for line in tail.stdout), f"not in the log: {text}"
        finally:
            tail.terminate()


def test_a_bus_that_goes_away_in_a_recording(daemon, bus):
    b = bus()
    d = daemon({"recording": {"pre_event": "1 s"}}, bus=b, clock="real")
    d.wait_for(lambda: d.get("PreEventHeldNs") > NS, "the buffer")
    counter, _ = d.record_start("before")
    waiting = d.status()
    b.stop()
    d.disconnect()
    follow(d, "the connection is lost")
    b.start()
    d.connect()
    status = d.status()
    assert status["state"] == "RECORDING" and status["recording_counter"] == counter
    assert status["frames"] > waiting["frames"]
    d.record_stop()
    d.terminate()
    recording, = d.recordings()
    assert recording.state == "closed" and not recording.gaps_of("overtaken")


def test_a_name_that_another_process_has(daemon, bus):
    b = bus()
    other = Gio.DBusConnection.new_for_address_sync(
        b.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
        None, None)
    other.set_exit_on_close(False)
    ask = lambda method, *words: other.call_sync(  # noqa: E731
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method,
        GLib.Variant("(su)" if len(words) == 2 else "(s)", words), None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
    assert ask("RequestName", NAME, 0) == 1
    d = daemon(bus=b, clock="real", start=False)
    d.start(wait=False)
    follow(d, "another process has the name")
    other.close_sync(None)
    follow(d, f"{NAME} is offered")
    d.connect()
    d.wait_for_state("BUFFERING")


def test_no_bus_at_all(daemon):
    d = daemon({"dbus": {"bus": "none"}}, clock="real", start=False)
    d.start(wait=False)
    follow(d, "STARTING -> BUFFERING")
    d.terminate()


# ---- bodycamctl says which of the three it is ------------------------------------------------------------------

def test_ctl_without_a_bus(bus):
    done = ctl(bus(start=False), "status")
    assert done.returncode == 3 and "no session bus here" in done.stderr


def test_ctl_without_a_daemon(bus):
    done = ctl(bus(), "--json", "status")
    assert done.returncode == 3 and "bodycamd does not run" in done.stderr
    assert '"status":3' in done.stdout


def test_ctl_without_permission(daemon, bus):
    b = bus(policy=Bus.POLICY + f"<deny send_destination='{NAME}' send_type='method_call'/>")
    d = daemon(bus=b, clock="real", start=False)
    d.start(wait=False)
    follow(d, f"{NAME} is offered")
    done = ctl(b, "status")
    assert done.returncode == 3 and "no permission" in done.stderr
    d.terminate()


def test_the_policy_of_the_system_bus(daemon, bus):
    """With the policy that is installed: root may, nobody may not; run by somebody else, the name is refused."""
    b = bus(start=False)
    b.folder.chmod(0o755)
    policy = SOURCE / "src/app/org.bodycam.Recorder1.conf"
    (b.folder / "bus.conf").write_text(
        f"<busconfig><type>system</type><listen>{b.address}</listen><auth>EXTERNAL</auth>"
        "<policy context='default'><allow user='*'/><deny own='*'/><deny send_type='method_call'/>"
        "<allow send_type='signal'/><allow send_requested_reply='true' send_type='method_return'/>"
        "<allow send_requested_reply='true' send_type='error'/><allow receive_type='method_call'/>"
        "<allow receive_type='method_return'/><allow receive_type='error'/><allow receive_type='signal'/>"
        "<allow send_destination='org.freedesktop.DBus'/></policy>"
        f"<include>{policy}</include></busconfig>")
    b.start()
    d = daemon(bus=b, clock="real", start=False)
    d.start(wait=False)
    if os.geteuid() != 0:
        follow(d, f"the name {NAME} is refused")
    else:
        follow(d, f"{NAME} is offered")
        assert ctl(b, "status").returncode == 0
        done = ctl(b, "status", user=65534, group=65534, extra_groups=[])
        assert done.returncode == 3 and "no permission" in done.stderr, done
    d.terminate()
