# SPDX-License-Identifier: EUPL-1.2
"""An incident from end to end: seconds before, press, emergency, its end, seconds after; then what is in the files."""

import re
import subprocess
import xml.etree.ElementTree

import pytest
from harness import NAME, NS, PATH, PATIENCE_S, RECORDER, SIMULATION, SOURCE
from judges import (beeps_of, boxes, flashes_of, judge_chromium, judge_joints, judge_numbers, judge_players,
                    judge_pre_event, judge_sync, units_of)

SMALL = {"camera": {"width": 160, "height": 120, "rate": 15}, "video": {"bit_rate": "200k"}}


def live_through(d):
    """12.3 s of buffering, a press, an emergency over it, its release, a stop: states on the way."""
    d.run_until(round(112.3 * NS))
    assert d.state == "BUFFERING" and d.flags == set()
    assert d.get("RecordingCounter") == 0 and d.get("Frames") >= 12 * 15
    d.press()
    assert d.state == "RECORDING" and d.get("PressNs") == round(112.3 * NS)
    d.run_for(4.2)
    assert d.emergency_start("officer down") == (1, True)
    assert d.state == "EMERGENCY"
    d.run_for(7)
    d.emergency_release()
    assert d.state == "RECORDING" and d.flags == set()
    d.run_for(3.1)
    d.record_stop()
    stopped_ns = d.now()
    assert d.flags == {"post-event"}
    d.run_until_state("BUFFERING")
    d.run_until_closed()
    return stopped_ns


def test_states_signals_and_files(daemon):
    d = daemon({**SMALL, "recording": {"segment": "3 s", "pre_event": "5 s", "post_event": "2 s"}})
    d.signals.clear()
    stopped_ns = live_through(d)
    assert d.edges() == ["RECORDING", "EMERGENCY", "RECORDING", "BUFFERING"]
    assert d.alarms() == ["emergency"]
    d.terminate()

    recording, = d.recordings()
    manifest = recording.manifest
    assert (manifest["state"], manifest["reason"], manifest["stop_reason"]) == ("closed", "button", "command")
    assert recording.gaps == []
    assert recording.press_s == pytest.approx(112.3)
    assert abs(recording.end_s - (stopped_ns / NS + 2)) <= 1 / 15 + 1e-6
    # Segments of 3 s, each ended by the first key frame after that; the last one is the rest.
    lengths = [(s["end_ticks"] - s["first_ticks"]) / 48000 for s in recording.segments]
    assert len(lengths) >= 6 and all(3 <= n <= 4 for n in lengths[:-1]) and lengths[-1] <= 4
    assert sorted(f.name for f in recording.folder.iterdir()) == [s["file"] for s in recording.segments] + \
        ["manifest.json", "manifest.sig"]

    back = judge_pre_event(recording, 5, 15)
    units = judge_joints(recording)
    numbers = judge_numbers(recording, 15)
    assert len(numbers) == len(units.pictures) == round((back + 14.3 + 2) * 15)
    offsets = judge_sync(flashes_of(recording), beeps_of(units, d.folder))
    assert len(offsets) >= 20


def test_segments_joined_are_what_the_encoder_gave(daemon):
    """The same incident in one file and in many: the same access units, byte for byte and tick for tick."""
    films = []
    for segment in ("1 h", "1 s"):
        d = daemon({**SMALL, "recording": {"segment": segment}})
        live_through(d)
        d.terminate()
        recording, = d.recordings()
        films.append((len(recording.files), units_of(recording)))
    (one, whole), (many, joined) = films
    assert one == 1 and many > 15
    for lane in ("pictures", "sounds"):
        a, b = getattr(whole, lane), getattr(joined, lane)
        assert [(u.tick, u.key) for u in a] == [(u.tick, u.key) for u in b]
        assert [u.data for u in a] == [u.data for u in b]
    assert [u.duration for u in whole.pictures] == [u.duration for u in joined.pictures]


@pytest.mark.parametrize("rate, sound", [(15, "tone"), (30, "none")])
def test_players_play_all_of_it(daemon, rate, sound):
    d = daemon({"camera": {"width": 320, "height": 240, "rate": rate}, "video": {"bit_rate": "400k"},
                "microphone": {"driver": sound, "channels": 2},
                "recording": {"segment": "4 s", "pre_event": "5 s", "post_event": "1 s"}})
    live_through(d)
    d.terminate()
    recording, = d.recordings()
    units = judge_joints(recording, sound=sound != "none")
    assert len(recording.files) >= 5
    for file in recording.files:
        kinds = [kind for kind, _, _ in boxes(file.read_bytes())]
        assert kinds[0] == b"ftyp" and kinds[-1] == b"moov" and b"moof" not in kinds, "a plain MP4"
    assert sum(judge_players(file) for file in recording.files) == len(units.pictures)
    judge_chromium(recording.files[0])
    judge_chromium(recording.files[-1])


def test_numbers_go_on_after_a_restart(daemon):
    d = daemon({**SMALL, "recording": {"post_event": "0 s"}})
    for counter in (1, 2, 3):
        d.run_for(6)
        assert d.record_start(f"number {counter}")[0] == counter
        d.run_for(2)
        d.record_stop()
        d.run_for(1)
        d.run_until_closed()
        if counter != 2:
            d.terminate()
            if counter == 1:
                d.start()
                assert d.get("RecordingCounter") == 0, "none yet in this run"
    assert [r.name for r in d.recordings()] == ["TEST-1-000001", "TEST-1-000002", "TEST-1-000003"]
    assert {r.state for r in d.recordings()} == {"closed"}


METHODS = {
    RECORDER: {"RecordStart": ("s", "tbs"), "RecordStop": ("", ""), "EmergencyStart": ("s", "tbs"),
               "EmergencyRelease": ("", ""), "SensorsOn": ("", ""), "SensorsOff": ("", ""), "Mark": ("s", ""), "PutNonce": ("s", ""),
               "SetMuted": ("b", ""), "SetStealth": ("b", ""), "Indicate": ("s", ""), "DescribePolicy": ("", "as")},
    SIMULATION: {"PressButton": ("sb", ""), "SetFault": ("ss", ""), "SetUtc": ("xsx", ""), "Dock": ("b", ""), "Now": ("", "x"),
                 "SetBattery": ("xxb", ""), "Indications": ("", "a(xuub)"),
                 "RunUntil": ("x", "x"), "RunFor": ("x", "x")},
}
PROPERTIES = {"Version": "s", "Device": "s", "State": "s", "Flags": "as", "RecordingName": "s", "RecordingCounter": "t",
              "PressNs": "x", "NowNs": "x", "SinceNs": "x", "Durable": "b", "Simulated": "b", "PreEventHeldNs": "x", "PreEventNs": "x",
              "FirstPictureNs": "x", "DurableUntilNs": "x", "Gaps": "t", "Segments": "u", "Unclosed": "u",
              "StorePath": "s", "Signals": "as", "Policy": "s", "StorageMinutes": "x", "BatteryMinutes": "x", "BatteryPercent": "x",
              "Charging": "b", "Marks": "t"}


def test_the_bus_tells_what_it_offers(daemon):
    d = daemon(SMALL)
    text, = d.call("org.freedesktop.DBus.Introspectable", "Introspect")
    offered = {i.get("name"): i for i in xml.etree.ElementTree.fromstring(text).findall("interface")}
    for interface, methods in METHODS.items():
        found = {m.get("name"): tuple("".join(a.get("type") for a in m.findall("arg") if a.get("direction") == way)
                                      for way in ("in", "out")) for m in offered[interface].findall("method")}
        assert found == methods
    properties = {p.get("name"): p.get("type") for p in offered[RECORDER].findall("property")}
    assert PROPERTIES.items() <= properties.items()
    assert {p.get("access") for p in offered[RECORDER].findall("property")} == {"read"}
    assert [s.get("name") for s in offered[RECORDER].findall("signal")] == ["Alarm"]
    status = d.status()
    assert len(status) == len(properties)
    page = (SOURCE / "docs/man/bodycamctl.1").read_text()
    listed = dict(re.findall(r'^\.BR (\w+) " \((\w+)\)"$', page.split(".SH PROPERTIES")[1].split("\n.SH ")[0], re.MULTILINE))
    assert listed == properties
    assert status["device"] == "TEST-1" and status["simulated"] is True and status["recording_name"] == ""
    done = subprocess.run(["busctl", f"--address={d.bus.address}", "introspect", NAME, PATH, RECORDER], text=True,
                          capture_output=True, timeout=PATIENCE_S, check=True)
    for name in (".RecordStart", ".State", ".Alarm"):
        assert any(line.split()[0] == name for line in done.stdout.splitlines() if line)
