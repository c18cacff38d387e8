# SPDX-License-Identifier: EUPL-1.2
"""bodycamctl status and the commands of one call: what it shows of all that a daemon may say, and what it leaves out."""

import json
import os
import re
import subprocess

import pytest
from gi.repository import GLib
from harness import NS, SOURCE, Bus
from stand_in import StandIn
from terminal import Terminal, ctl

V = GLib.Variant
FULL = {
    "State": V("s", "RECORDING"), "Device": V("s", "TEST-1"), "Version": V("s", "9.9"), "Simulated": V("b", False),
    "Flags": V("as", []), "SinceNs": V("x", 100 * NS), "NowNs": V("x", 5432 * NS), "Utc": V("s", "2026-11-26T01:12:14Z"),
    "UtcSource": V("s", "gnss"), "UtcUncertaintyNs": V("x", 1500), "FixAgeNs": V("x", 600_000_000),
    "LatitudeE7": V("x", -523_789_012), "LongitudeE7": V("x", 49_007_003), "AccuracyMm": V("x", 4001),
    "RecordingCounter": V("t", 17), "RecordingName": V("s", "TEST-1-000017"), "Durable": V("b", True), "Segments": V("u", 12),
    "Gaps": V("t", 1), "Marks": V("t", 3), "Unclosed": V("u", 1), "FirstPictureNs": V("x", 90 * NS),
    "DurableUntilNs": V("x", 5432 * NS - NS // 2), "PreEventHeldNs": V("x", 29 * NS), "PreEventNs": V("x", 30 * NS),
    "StoreRoomBytes": V("t", 23_456_000_000), "StorageMinutes": V("x", 312), "BatteryPercent": V("x", 78),
    "BatteryMinutes": V("x", 3005), "Charging": V("b", True), "Policy": V("s", "officer"), "Frames": V("t", 999),
    "FramesDropped": V("t", 2), "FramesLostByCamera": V("t", 1), "Signals": V("as", ["recording", "emergency"]),
    "StorePath": V("s", "/nowhere"),
}
ROWS = """\
state      RECORDING for 1 h 28 min, since 2026-11-25T23:43Z
recording  TEST-1-000017, durable but for the last 0.5 s, 1 h 29 min long, 12 segments, 1 gap, 3 marks
pre-event  29.0 s held of 30.0 s asked for
storage    5 h 12 min of recording left, 23.4 GB free
battery    78 %, 2 d 02 h left, charging
clock      2026-11-26T01:12:14Z, source gnss, +- 2 us
position   52.378901 S, 4.900700 E, +- 5 m, 0.6 s old
frames     999 encoded, 2 dropped, 1 lost by the camera
device     TEST-1, bodycamd 9.9, policy officer
"""


@pytest.fixture
def bus():
    bus = Bus()
    yield bus
    bus.close()


@pytest.fixture
def stand_in(bus):
    made = []

    def make(changes=None, without=(), answers=None):
        properties = {k: v for k, v in {**FULL, **(changes or {})}.items() if k not in without}
        made.append(StandIn(bus, properties, answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_everything_at_a_glance(bus, stand_in):
    stand_in()
    assert ctl(bus, "status").stdout == ROWS


@pytest.mark.parametrize("without, row", [
    (["StorageMinutes"], "storage    23.4 GB free\n"),
    (["StoreRoomBytes"], "storage    5 h 12 min of recording left\n"),
    (["StorageMinutes", "StoreRoomBytes"], None), (["BatteryPercent", "BatteryMinutes", "Charging"], None),
    (["BatteryPercent"], "battery    2 d 02 h left, charging\n"), (["PreEventNs"], "pre-event  29.0 s held\n"),
    (["PreEventHeldNs"], None), (["FixAgeNs"], None), (["AccuracyMm"], "position   52.378901 S, 4.900700 E, 0.6 s old\n"),
    (["Utc"], "state      RECORDING for 1 h 28 min\n"), (["Frames"], None), (["RecordingCounter"], None),
    (["Marks"], "recording  TEST-1-000017, durable but for the last 0.5 s, 1 h 29 min long, 12 segments, 1 gap\n"),
    (["State"], None), (["Device"], None), (list(FULL), None),
])
def test_what_is_missing_is_left_out(bus, stand_in, without, row):
    stand_in(without=without)
    shown = ctl(bus, "status").stdout
    assert row is None or row in shown
    whole, rows = ROWS.splitlines(), shown.splitlines()
    assert without == list(FULL) or len(set(whole) & set(rows)) >= len(whole) - 2, "the other rows are as they were"
    assert set(json.loads(ctl(bus, "status", "--json").stdout)).isdisjoint(
        {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for name in without})
    # Nothing of what is missing is made up: fewer rows, or shorter ones.
    assert len(shown) < len(ROWS) and shown.count("\n") <= ROWS.count("\n")


@pytest.mark.parametrize("changes, row", [
    ({"Utc": V("s", "")}, "clock      TIME NOT SET\n"), ({"FixAgeNs": V("x", -1)}, "position   NO FIX (no receiver)\n"),
    ({"FixAgeNs": V("x", -1), "Flags": V("as", ["no-gnss"])}, "position   NO FIX\n"),
    ({"DurableUntilNs": V("x", -1)}, "recording  TEST-1-000017, NOTHING DURABLE YET, "),
    ({"Unclosed": V("u", 0), "State": V("s", "BUFFERING")}, "last       TEST-1-000017, closed, 12 segments"),
    ({"StorageMinutes": V("x", -1)}, "storage    23.4 GB free\n"),
    ({"BatteryPercent": V("x", -1), "BatteryMinutes": V("x", -1), "Charging": V("b", False)}, "GB free\nclock"),
    ({"SinceNs": V("x", -2**63)}, "state      RECORDING\n"), ({"NowNs": V("x", 99 * NS)}, "state      RECORDING for 0.0 s, "),
    ({"LatitudeE7": V("x", -2**63)}, "position   922337203685.477580 S"),
    ({"StoreRoomBytes": V("t", 2**64 - 1)}, "storage    5 h 12 min of recording left\n"),
])
def test_values_at_the_edge(bus, stand_in, changes, row):
    stand_in(changes)
    assert row in ctl(bus, "status").stdout


def manual_flags():
    page = (SOURCE / "docs/man/bodycamctl.1").read_text()
    sections = [part.split("\n", 1) for part in page.split("\n.SH ")]
    return {name.replace("\\-", "-") for title, text in sections if title.endswith("FLAGS")
            for name in re.findall(r"^\.B ((?!bodycamctl).+)$", text, re.MULTILINE) if not name.startswith("\\-")}


def test_every_flag_in_plain_words_the_gravest_first(bus, stand_in):
    flags = sorted(manual_flags())
    assert len(flags) == 18
    stand_in({"Flags": V("as", flags)})
    lines = ctl(bus, "status").stdout.splitlines()
    told = [line for line in lines if line.split()[0] in ("ALERT", "WARNING", "note")]
    assert sorted(line.split()[1].rstrip(":") for line in told) == flags
    grades = [line.split()[0] for line in told]
    assert grades == sorted(grades, key=["ALERT", "WARNING", "note"].index)
    assert all(line.count(".") >= 2 for line in told), "what it means, and what to do"
    assert lines.index(told[0]) == 2, "right after state and recording"


def test_a_flag_of_a_newer_daemon(bus, stand_in):
    stand_in({"Flags": V("as", ["on-fire"])})
    assert "WARNING    on-fire: this bodycamctl is older" in ctl(bus, "status").stdout


EVIL = "a\x1b[2Jb\x07c\x7fd\u009be\u202ef\ng"


def test_control_characters_never_reach_the_terminal(bus, stand_in):
    stand_in({"Device": V("s", EVIL), "State": V("s", EVIL), "Flags": V("as", [EVIL]), "RecordingName": V("s", EVIL),
              "Utc": V("s", EVIL), "UtcSource": V("s", EVIL), "Signals": V("as", [EVIL]), "Policy": V("s", "x" * 100000)},
             answers={"DescribePolicy": ([EVIL],), "Mark": EVIL, "RecordStart": (1, False, EVIL)})
    for words in (["status"], ["indicate"], ["policy"], ["mark"], ["record", "start"]):
        for options in ([], ["--json"]):
            done = ctl(bus, *options, *words, check=False)
            both = done.stdout + done.stderr
            assert not re.search("[^\n -~]", both), repr(both)
            assert len(both) < 20000
    assert "a?[2Jb?c?d?e?f?g" in ctl(bus, "status").stdout
    assert ctl(bus, "--json", "indicate").stdout == '{"signals":["a?[2Jb?c?d?e?f?g"]}\n'


# ---- terminals -------------------------------------------------------------------------------------------------

def test_colour_and_width_on_a_terminal(bus, stand_in):
    stand_in({"Flags": V("as", ["no-picture"])})
    with Terminal(bus, "status", columns=44) as narrow:
        text = narrow.to_end()
        assert "\033[1;31mRECORDING" in text
    assert narrow.status == 0
    plain = re.sub(r"\033\[[0-9;]*m", "", text).replace("\r", "")
    lines = plain.splitlines()
    assert max(map(len, lines)) <= 44
    assert lines[lines.index("ALERT      no-picture: the camera delivers") + 1] == "           nothing; a slate stands in for"
    for options in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with Terminal(bus, "status", columns=44, env=options) as colourless:
            assert colourless.to_end().replace("\r", "") == plain
    with Terminal(bus, "status", columns=5) as tiny:
        assert "RECORDING" in tiny.to_end()
    assert ctl(bus, "status").stdout.splitlines()[0] == ROWS.splitlines()[0], "no terminal: a line a row"


# ---- commands of one call --------------------------------------------------------------------------------------

def test_the_calls(bus, stand_in):
    s = stand_in(answers={"DescribePolicy": (["It records when asked.", "Sound is on."],),
                          "Indications": ([(5 * NS, 0xff0000, 440, True)],)})
    for words, call in [
            (["mark"], ("Mark", "")), (["mark", "--help me"], ("Mark", "--help me")), (["mark", "häuser"], ("Mark", "häuser")),
            (["nonce", "5a" * 16], ("PutNonce", "5a" * 16)),
            (["mute", "on"], ("SetMuted", True)), (["mute", "off"], ("SetMuted", False)),
            (["stealth", "on"], ("SetStealth", True)), (["stealth", "off"], ("SetStealth", False)),
            (["indicate", "emergency"], ("Indicate", "emergency")),
            (["simulate", "battery", "78", "120"], ("SetBattery", 78, 120, False)),
            (["simulate", "battery", "0", "unknown", "charging"], ("SetBattery", 0, -1, True))]:
        assert ctl(bus, *words).stdout == ""
        assert ctl(bus, "--json", *words).stdout == "{}\n"
        assert s.calls[-2:] == [call, call]
    assert ctl(bus, "policy").stdout == "policy     It records when asked.\n           Sound is on.\n"
    assert json.loads(ctl(bus, "policy", "--json").stdout) == {"sentences": ["It records when asked.", "Sound is on."]}
    assert ctl(bus, "simulate", "indications").stdout == "5000000000 light ff0000 sound 440 vibration on\n"
    assert json.loads(ctl(bus, "--json", "simulate", "indications").stdout) == {
        "indications": [{"time_ns": 5 * NS, "light": 0xff0000, "sound": 440, "vibration": True}]}
    assert ctl(bus, "indicate").stdout == "recording\nemergency\n"
    assert json.loads(ctl(bus, "--json", "indicate").stdout) == {"signals": ["recording", "emergency"]}


def test_refusals(bus, stand_in):
    stand_in(answers={"Mark": "nothing is recorded", "Indicate": "no such signal"})
    for words, reason in [(["mark", "x"], "nothing is recorded"), (["indicate", "x"], "no such signal")]:
        done = ctl(bus, "--json", *words, check=False)
        assert done.returncode == 1 and json.loads(done.stdout) == {"error": reason, "status": 1}
        assert done.stderr == f"bodycamctl: {reason}\n"


def test_without_signals(bus, stand_in):
    stand_in(without=["Signals"])
    done = ctl(bus, "indicate", check=False)
    assert done.returncode == 1 and "does not offer this" in done.stderr


@pytest.mark.parametrize("words", [
    ["mark", "a", "b"], ["mute"], ["mute", "maybe"], ["stealth", "on", "off"], ["indicate", "a", "b"], ["policy", "x"],
    ["watch", "x"], ["list", "x"], ["list", "--last", "0"], ["list", "--last", "x"], ["list", "--all", "--last", "3"], ["show"],
    ["show", "a", "b"], ["show", "--all", "1"], ["status", "--store", "/x"], ["--store", "/x", "list"],
    ["simulate", "battery"], ["simulate", "battery", "101", "5"], ["simulate", "battery", "50", "-1"],
    ["simulate", "battery", "50", "5", "x"], ["simulate", "indications", "x"], ["mark", "--json", "x"],
])
def test_usage(bus, words):
    done = ctl(bus, *words, check=False)
    assert done.returncode == 2 and "usage: bodycamctl" in done.stderr and done.stdout == ""


def test_help(bus):
    whole = ctl(bus, "--help").stdout
    commands = re.findall(r"^  (\w+)", whole.split("\n\n")[1], re.MULTILINE)
    assert set(commands) == {"status", "watch", "list", "show", "record", "emergency", "mark", "mute", "stealth", "indicate",
                             "policy", "sensors", "simulate", "ledger", "nonce"}
    page = (SOURCE / "docs/man/bodycamctl.1").read_text()
    listed = re.sub(r"\\f.", "", page.split(".SH COMMANDS")[1].split(".SH OPTIONS")[0].replace("\\-", "-"))
    for command in set(commands):
        one = ctl(bus, command, "--help").stdout
        assert one.startswith("usage: bodycamctl") and f"bodycamctl {command}" in one
        assert len(one) < len(whole)
        assert re.search(rf"^(\.\w+ \"?)?{command}\b", listed, re.MULTILINE), f"the manual has no {command}"
    for width in whole.splitlines():
        assert len(width) <= 120


def test_the_manual_is_well_formed():
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", str(SOURCE / "docs/man/bodycamctl.1")], capture_output=True,
                          text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and done.stderr == ""
