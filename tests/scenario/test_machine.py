# SPDX-License-Identifier: EUPL-1.2
"""The build, installed, as a service of a real systemd: unit, user, journal, bus and store are those of a device. All in real
time."""

import json
import os
import re
import shutil

import pytest
from harness import SOURCE, Recording, identity, verify
from machine import UNITS, Machine, wait_for
from test_service import frozen

CONFIG = "/etc/bodycam/bodycamd.conf"
STORE = "/var/lib/bodycam"
ANCHOR = "/var/lib/bodycam-anchor"
SMALL = """[camera]
width = 160
height = 120
rate = 15
[video]
bit_rate = 300k
preset = ultrafast
[recording]
pre_event = 1 s
post_event = 0 s
[overlay]
contents =
"""
NOBODY = 65534
IDS = dict(re.findall(r'#define BC_JOURNAL_(\w+) "([0-9a-f]{32})"', (SOURCE / "include/bodycam/journal.h").read_text()))


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    with Machine(tmp_path_factory.mktemp("machine")) as machine:
        machine.sample = machine.path(CONFIG).read_text()
        yield machine


@pytest.fixture
def machine(box):
    """Freshly installed, with its settings filled in; nothing runs."""
    box.run("systemctl", "stop", "bodycamd")
    box.run("systemctl", "reset-failed", "bodycamd", check=False)
    for folder in ("/etc/bodycam", "/etc/systemd/system/bodycamd.service.d"):
        shutil.rmtree(box.path(folder), ignore_errors=True)
    for entry in [*box.path(STORE).iterdir(), *box.path(ANCHOR).iterdir()]:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    box.run("systemctl", "daemon-reload")
    box.forget()
    box.path(CONFIG + ".d").mkdir(parents=True)
    box.path(CONFIG).write_text(re.sub("^;id = .*", "id = CAM-7", box.sample, flags=re.M))
    box.path(CONFIG + ".d/small.conf").write_text(SMALL)
    return box


def drop_in(machine, text):
    folder = machine.path("/etc/systemd/system/bodycamd.service.d")
    folder.mkdir(exist_ok=True)
    (folder / "test.conf").write_text(text)
    machine.run("systemctl", "daemon-reload")


def status(machine):
    return json.loads(machine.run("bodycamctl", "--json", "status").stdout)


def wait_until_buffering(machine):
    # Ready is told when it records, which may be before it is on the bus.
    wait_for(lambda: '"BUFFERING"' in machine.run("bodycamctl", "--json", "status", check=False).stdout, "the buffer")


def start(machine):
    machine.run("systemctl", "start", "bodycamd")
    wait_until_buffering(machine)


def record(machine, *reason):
    return json.loads(machine.run("bodycamctl", "--json", "record", "start", *reason).stdout)["counter"]


def recordings(machine):
    return [Recording(f) for f in sorted(machine.path(STORE + "/recordings").iterdir())]


def events(machine, kind):
    return machine.journal(MESSAGE_ID=IDS[kind])


def reload(machine, post_event):
    """Through systemctl; what the journal says of it."""
    before = len(events(machine, "RELOADED") + events(machine, "REFUSED"))
    machine.path(CONFIG + ".d/small.conf").write_text(SMALL.replace("post_event = 0 s", f"post_event = {post_event}"))
    machine.run("systemctl", "reload", "bodycamd")
    wait_for(lambda: len(events(machine, "RELOADED") + events(machine, "REFUSED")) > before, "the reload")
    wait_for(lambda: machine.show("SubState") == "running", "its end")


def provide(machine):
    """A key that the daemon's user alone may read, its certificates, and an anchor where the package has it."""
    evidence = identity("CAM-7")
    owner = machine.path(STORE).stat()
    key = machine.path("/etc/bodycam/device.key")
    shutil.copy(evidence["key"].removeprefix("file:"), key)
    os.chown(key, owner.st_uid, owner.st_gid)
    key.chmod(0o600)
    shutil.copy(evidence["certificates"], machine.path("/etc/bodycam/certificates.pem"))
    settings = machine.path(CONFIG).read_text()
    settings = re.sub("^;key = .*", "key = file:/etc/bodycam/device.key", settings, flags=re.M)
    machine.path(CONFIG).write_text(re.sub("^;((certificates|anchor) = .*)", r"\1", settings, flags=re.M))


def test_what_is_signed(machine):
    """As installed, with the sample's own lines: the key of the service's user, the anchor in its folder, and a kill."""
    provide(machine)
    start(machine)
    record(machine)
    wait_for(lambda: machine.path(f"{STORE}/recordings/CAM-7-000001/0001.mp4").stat().st_size > 100_000, "some seconds")
    machine.run("systemctl", "kill", "-sKILL", "bodycamd")
    wait_for(lambda: machine.show("NRestarts") == "1", "the next start")
    wait_until_buffering(machine)
    record(machine)
    machine.run("systemctl", "stop", "bodycamd")
    assert "unsigned" not in machine.unit_log()
    anchor = machine.path(ANCHOR + "/anchor").stat()
    assert anchor.st_uid == machine.path(STORE).stat().st_uid and anchor.st_mode & 0o007 == 0
    status, report = verify(machine.path(STORE))
    assert status == 0, report


def test_settings_that_are_missing_or_wrong(machine):
    """Not started, or failed for good; never started again and again."""
    machine.path(CONFIG).unlink()
    machine.run("systemctl", "start", "bodycamd")
    assert machine.show("ActiveState", "ConditionResult") == ["inactive", "no"]
    machine.path(CONFIG).write_text(machine.sample)  # as installed: the id is to be filled in
    assert machine.run("systemctl", "start", "bodycamd", check=False).returncode != 0
    # What is to be started again is "activating" until then.
    wait_for(lambda: machine.show("ActiveState") == "failed", "the end")
    assert machine.show("ActiveState", "Result", "ExecMainStatus", "NRestarts") == ["failed", "exit-code", "3", "0"]
    errors = [e["MESSAGE"] for e in machine.journal(PRIORITY="3", SYSLOG_IDENTIFIER="bodycamd")]
    assert errors == [f"{CONFIG}: [device] id: missing; allowed: 1 to 32 letters, digits, - and _"]


def test_a_life(machine):
    """Started, asked, reloaded, stopped, started again: by systemctl alone."""
    machine.run("systemctl", "enable", "bodycamd")
    assert machine.show("UnitFileState") == "enabled"
    start(machine)
    main = machine.show("MainPID")
    wait_for(lambda: 'Status: "BUFFERING since 20' in machine.run("systemctl", "status", "bodycamd").stdout, "the status line")
    assert machine.path(f"/proc/{main}/status").stat().st_uid == machine.path(STORE).stat().st_uid != 0
    assert record(machine, "a life") == 1
    wait_for(lambda: 'Status: "RECORDING since' in machine.run("systemctl", "status", "bodycamd").stdout, "the status line")
    wait_for(lambda: "CAM-7-000001" in machine.show("StatusText"), "the recording's name")

    reload(machine, "1 s")
    reload(machine, "an hour")
    machine.path(CONFIG).write_text(machine.path(CONFIG).read_text().replace("CAM-7", "CAM-8"))
    reload(machine, "1 s")
    assert machine.show("ActiveState", "MainPID") == ["active", main]
    machine.run("systemctl", "stop", "bodycamd")
    assert machine.show("ActiveState", "Result", "ExecMainStatus", "NRestarts") == ["inactive", "success", "0", "0"]

    machine.path(CONFIG).write_text(machine.path(CONFIG).read_text().replace("CAM-8", "CAM-7"))
    start(machine)
    assert record(machine) == 2
    machine.run("bodycamctl", "record", "stop")
    wait_for(lambda: status(machine)["unclosed"] == 0, "closing")
    machine.run("systemctl", "stop", "bodycamd")
    first, second = recordings(machine)
    assert [first.name, second.name] == ["CAM-7-000001", "CAM-7-000002"]
    assert first.state == second.state == "closed"
    assert first.manifest["stop_reason"] == "SIGTERM" and first.manifest["reason"] == "command: a life"
    assert {g["kind"] for g in first.gaps + second.gaps} <= {"no-sound", "frames-lost", "pre-event"}
    judge_journal(machine, first)


def judge_journal(machine, first):
    """All that happened is found by kind, with its fields."""
    entries = machine.journal(SYSLOG_IDENTIFIER="bodycamd")
    assert len(entries) > 20
    for entry in entries:
        assert entry["_TRANSPORT"] == ("journal" if "MESSAGE_ID" in entry else "stdout"), entry
    assert {"3", "5", "6"} <= {e["PRIORITY"] for e in entries} <= {"3", "4", "5", "6"}
    edges = [(e["BODYCAM_STATE"], e["BODYCAM_EVENT"], e["BODYCAM_BY"]) for e in events(machine, "STATE")]
    assert edges[:3] == [("BUFFERING", "STARTED", "recovery is done"), ("RECORDING", "RECORD_START", "command: a life"),
                         ("STOPPING", "SHUTDOWN", "SIGTERM")]
    begun, closed = events(machine, "BEGUN"), events(machine, "CLOSED")
    assert [e["BODYCAM_RECORDING"] for e in begun] == [e["BODYCAM_RECORDING"] for e in closed] == \
        ["CAM-7-000001", "CAM-7-000002"]
    assert [begun[0]["BODYCAM_BY"], closed[0]["BODYCAM_BY"]] == ["command: a life", "SIGTERM"]
    pressed_ns = int(begun[0]["BODYCAM_MEDIA_TIME_NS"])
    assert abs(pressed_ns / 1e9 - first.press_s) < 1e-4
    assert first.end_s - 1 < int(closed[0]["BODYCAM_MEDIA_TIME_NS"]) / 1e9 < first.end_s + 1
    reloaded, = events(machine, "RELOADED")
    assert reloaded["MESSAGE"] == "settings reloaded: [recording] post_event: 0 s -> 1 s"
    assert [reloaded["BODYCAM_CHANGES"], reloaded["PRIORITY"]] == ["1", "5"]
    assert [(e["BODYCAM_ERRORS"], e["PRIORITY"]) for e in events(machine, "REFUSED")] == [("1", "3")] * 2
    errors = [e["MESSAGE"] for e in machine.journal(PRIORITY="3") if "MESSAGE_ID" not in e]
    assert re.fullmatch(rf"{CONFIG}.d/small.conf:10: \[recording\] post_event = an hour: not understood; allowed: .*", errors[0])
    assert re.fullmatch(rf'{CONFIG}:\d+: \[device\] id = CAM-8: is "CAM-7" while this runs; a change needs a restart', errors[1])


def test_a_frozen_daemon_is_killed_and_goes_on(machine):
    """The watchdog ends it, systemd starts it again; what was durable is recovered, and the numbers go on."""
    drop_in(machine, "[Service]\nWatchdogSec=5\n")
    start(machine)
    assert record(machine) == 1
    begun = status(machine)["durable_until_ns"]
    wait_for(lambda: status(machine)["durable_until_ns"] > begun + 2_000_000_000, "two seconds more on the card")
    main = machine.show("MainPID")
    machine.run("kill", "-STOP", main)
    wait_for(lambda: machine.show("NRestarts") == "1" and machine.show("SubState") == "running", "another start")
    assert machine.show("MainPID") != main
    assert [e for e in machine.journal() if "Watchdog timeout" in e["MESSAGE"]]
    wait_until_buffering(machine)
    assert record(machine) == 2
    machine.run("systemctl", "stop", "bodycamd")
    first, second = recordings(machine)
    assert [first.state, second.state] == ["recovered", "closed"]
    assert first.end_s - first.first_s > 2


def test_a_thread_that_is_stuck_is_found(machine):
    start(machine)
    with frozen(machine.outside(machine.show("MainPID")), "video"):
        wait_for(lambda: events(machine, "STUCK"), "the alarm", timeout=18)
    stuck = events(machine, "STUCK")[0]
    assert stuck["BODYCAM_THREAD"] == "video" and int(stuck["BODYCAM_STUCK_NS"]) >= 10_000_000_000
    wait_for(lambda: "every thread moves again" in [e["MESSAGE"] for e in machine.journal()], "its end")
    assert machine.show("NRestarts") == "0"


def test_a_journal_that_stands_still(machine):
    """Nobody waits for it: far more lines than its socket holds, and every command is answered."""
    start(machine)
    main = machine.show("MainPID")
    journald = machine.show("MainPID", unit="systemd-journald")
    machine.run("kill", "-STOP", journald)
    try:
        # By each alarm five lines, of which journald's socket takes 512 at the most, and its stream some more.
        machine.run("sh", "-c", "i=0; while [ $i -lt 150 ]; do bodycamctl emergency start x && "
                                "bodycamctl emergency release || exit 1; i=$((i+1)); done >/dev/null")
        assert status(machine)["state"] == "BUFFERING"
    finally:
        machine.run("kill", "-CONT", journald)
    assert machine.show("NRestarts", "MainPID") == ["0", main]
    machine.run("systemctl", "stop", "bodycamd")
    assert machine.show("Result") == "success"
    assert {r.state for r in recordings(machine)} == {"closed"}


def test_a_card_that_goes(machine):
    """What holds the seconds in memory is not stopped by systemd with the mount of the card."""
    unit = "[Mount]\nWhat=tmpfs\nWhere=/var/lib/bodycam\nType=tmpfs\nLazyUnmount=yes\nOptions=mode=0777\n"
    path = machine.path(UNITS + "/var-lib-bodycam.mount")
    path.write_text(unit)
    machine.run("systemctl", "daemon-reload")
    try:
        assert STORE not in machine.show("RequiresMountsFor").split()
        start(machine)  # which mounts it
        assert machine.show("ActiveState", unit="var-lib-bodycam.mount") == "active"
        main = machine.show("MainPID")
        assert record(machine) == 1
        assert machine.path(STORE + "/recordings/CAM-7-000001").is_dir()
        machine.run("systemctl", "stop", "var-lib-bodycam.mount")
        assert not machine.path(STORE + "/recordings").exists()
        gone = status(machine)["frames"]
        wait_for(lambda: status(machine)["frames"] > gone + 30, "a second more of pictures")
        assert machine.show("ActiveState", "MainPID") == ["active", main]
        assert status(machine)["state"] == "RECORDING"
        machine.run("systemctl", "stop", "bodycamd")
    finally:
        path.unlink()
        machine.run("systemctl", "daemon-reload")


def test_who_may_use_the_bus(machine):
    """The group alone. What cannot be kept from others is to have the bus start it: bodycamd(8)."""
    start(machine)
    denied = machine.run("bodycamctl", "status", check=False, user=(NOBODY, ""))
    assert denied.returncode != 0 and "no permission" in denied.stderr
    assert "BUFFERING" in machine.run("bodycamctl", "status", user=(NOBODY, "bodycam")).stdout
    machine.run("systemctl", "stop", "bodycamd")
    machine.run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                "StartServiceByName", "su", "org.bodycam.Recorder1", "0", user=(NOBODY, ""))
    wait_for(lambda: machine.show("ActiveState") == "active", "its start by the bus")


def test_the_manual_lists_what_the_journal_has():
    page = (SOURCE / "docs/man/bodycamd.8").read_text()
    assert len(IDS) == 8 and len(set(IDS.values())) == 8
    for identity in IDS.values():
        assert identity in page
    header = (SOURCE / "include/bodycam/journal.h").read_text()
    for field in re.findall(r'"(BODYCAM_\w+)"', header):
        assert re.search(rf"\b{field}\b", page), field
