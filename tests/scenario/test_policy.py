# SPDX-License-Identifier: EUPL-1.2
"""Who may do what: the three policies, mute and stealth, and what the camera says of it in plain words."""

import signal
import subprocess

import numpy
import pytest
from harness import NS, RECORDER, TICKS, Refused, run_bodycamd
from judges import units_of
from tracks import Overlay, lumas

UNIT = 1024  # ticks of a unit of sound
WIDTH, HEIGHT = 640, 360


def refused(d, words, method, *arguments):
    with pytest.raises(Refused, match=words):
        d.call(RECORDER, method, *arguments)


# ---- officer ----------------------------------------------------------------------------------------------------


def test_the_default_allows_little(daemon):
    d = daemon()
    d.run_for(6)
    assert d.get("Policy") == "officer"
    d.press()
    d.run_for(1)
    refused(d, "does not allow to mute", "SetMuted", "(b)", True)
    assert d.flags == set()


# ---- control room -----------------------------------------------------------------------------------------------


def test_control_room(daemon):
    d = daemon({"policy": {"activation": "control-room"}})
    d.run_for(6)
    d.hold(0.1)
    d.run_for(0.5)
    assert d.state == "BUFFERING"
    assert d.record_start("from afar") == (1, True)
    d.hold(3)
    d.run_for(0.5)
    assert d.state == "RECORDING" and d.flags == set() and d.get("Marks") == 0
    d.hold(0.1)
    d.run_for(1)
    assert d.get("Marks") == 1
    # An emergency is anybody's.
    d.press("emergency")
    assert d.state == "EMERGENCY"
    d.emergency_release()
    assert d.state == "RECORDING"
    d.record_stop()
    assert d.flags == {"post-event"}
    # In its last seconds a press is no start either.
    d.run_for(0.5)
    d.hold(0.1)
    assert d.flags == {"post-event"}


# ---- always on --------------------------------------------------------------------------------------------------


def test_always_on_records_from_boot_to_dock(daemon):
    d = daemon({"policy": {"activation": "always-on"}})
    assert d.state == "RECORDING"
    d.run_for(10)
    refused(d, "from boot to dock", "RecordStop")
    refused(d, "from boot to dock", "SensorsOff")
    d.hold(3)
    d.run_for(1)
    assert d.state == "RECORDING" and d.flags == set()
    d.emergency_start()
    d.run_for(3)
    d.emergency_release()
    assert d.state == "RECORDING" and d.flags == set()
    d.dock()
    d.run_for(0.1)
    assert d.state == "DOCKED"
    d.run_for(20)
    assert d.state == "DOCKED"
    # Started on the dock on purpose, it is stopped there.
    d.record_start()
    d.record_stop()
    d.run_for(3)
    assert d.state == "DOCKED"
    d.dock(False)
    assert d.state == "RECORDING"
    d.run_for(5)
    # An emergency that began on the dock falls back to a recording.
    d.dock()
    d.press("emergency")
    d.dock(False)
    d.emergency_release()
    assert d.state == "RECORDING" and d.flags == set()
    d.run_for(5)
    d.terminate()
    recordings = d.recordings()
    assert [r.manifest["reason"] for r in recordings[:3]] == ["policy", "command", "policy"]
    assert recordings[0].press_s == pytest.approx(100, abs=0.01) and recordings[0].manifest["stop_reason"] == "dock"


def test_always_on_comes_back_after_a_fault(daemon):
    d = daemon({"policy": {"activation": "always-on"}})
    d.run_for(5)
    d.set_fault("camera", "unplug")
    d.set_fault("microphone", "unplug")
    d.run_for(30)
    assert d.state == "FAULT"
    d.set_fault("camera", "none")
    d.set_fault("microphone", "none")
    d.run_for(40)
    assert d.state == "RECORDING" and d.flags == set()


def test_always_on_begins_while_an_earlier_run_is_recovered(daemon):
    d = daemon({"policy": {"activation": "always-on"}})
    d.run_for(5)
    d.kill()
    d.start()
    assert d.state == "RECORDING"
    d.run_for(5)
    d.terminate()
    assert [(r.state, r.manifest["reason"]) for r in d.recordings()] == [("recovered", "policy"), ("closed", "policy")]


# ---- mute -------------------------------------------------------------------------------------------------------

MUTE = {"policy": {"mute": "yes", "mute_limit": "0 s"}, "video": {"bit_rate": "500k"}}


def muted_gaps(recording):
    return [(g["from_ticks"], g["to_ticks"]) for g in recording.gaps_of("muted")]


def loud_tenths(film):
    """For each tenth of a second whether there is any sound in it."""
    samples = subprocess.run(["ffmpeg", "-v", "error", "-i", str(film), "-ac", "1", "-ar", "48000", "-f", "s16le", "-"],
                             capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout
    sound = numpy.frombuffer(samples, dtype="<i2")
    return [bool(abs(sound[i : i + 4800].astype(int)).max() > 100) for i in range(0, len(sound) - 4800, 4800)]


def test_mute_is_silent_shown_and_declared(daemon):
    d = daemon({**MUTE, "overlay": {"contents": "state"}, "camera": {"width": WIDTH, "height": HEIGHT},
                "recording": {"segment": "60 s", "pre_event": "5 s", "post_event": "2 s"}})
    d.run_for(6)
    refused(d, "nothing is being recorded", "SetMuted", "(b)", True)
    d.press()
    d.run_for(3.3)
    muted_ns = d.now()
    d.call(RECORDER, "SetMuted", "(b)", True)
    assert d.flags == {"muted"}
    d.run_for(5)
    heard_ns = d.now()
    d.call(RECORDER, "SetMuted", "(b)", False)
    assert d.flags == set()
    d.run_for(3)
    d.record_stop()
    d.run_until_closed()
    recording, = d.recordings()
    (begin, end), = muted_gaps(recording)
    # Whole units: whoever reads it knows where to look.
    assert 0 <= round(muted_ns * 6 / 125000) - begin < UNIT + 2048
    assert 0 <= end - round(heard_ns * 6 / 125000) < UNIT + 2048
    # Heard: the beep of each second before and after, and nothing at all between.
    film, = recording.files
    first = recording.segments[0]["first_ticks"] / TICKS
    loud = loud_tenths(film)
    muted = range(int((muted_ns / NS - first) * 10) + 2, int((heard_ns / NS - first) * 10) - 1)
    assert len(muted) > 40 and not any(loud[i] for i in muted)
    assert sum(loud[: muted.start - 3]) >= 6 and sum(loud[muted.stop + 3 :]) >= 3
    # Seen: from the first picture after the command to the last one before the other.
    pictures = units_of(recording).pictures
    overlay = Overlay(WIDTH, HEIGHT, "TEST-1", "")
    seen = lumas(film, WIDTH, HEIGHT)
    for marks, word, at_ns in ((1, "REC", muted_ns - NS), (5, "RECMUTED", muted_ns + NS), (5, "RECMUTED", heard_ns - NS // 10),
                               (1, "REC", heard_ns + NS // 10)):
        number = max(i for i, p in enumerate(pictures) if p.tick * 125000 / 6 <= at_ns)
        _, cells = overlay.cells(None, None, marks, contents="S")
        assert overlay.read(seen[number], cells).replace(" ", "") == word


def test_what_ends_a_mute(daemon):
    d = daemon({**MUTE, "policy": {"mute": "yes", "mute_limit": "20 s"}})
    d.run_for(6)

    def muted():
        d.call(RECORDER, "SetMuted", "(b)", True)
        assert "muted" in d.flags

    d.press()
    d.run_for(2)
    muted()
    d.run_for(19.9)
    assert d.flags == {"muted"}
    d.run_for(0.2)
    assert d.flags == set()  # its limit
    muted()
    d.run_for(1)
    d.press("emergency")
    assert d.state == "EMERGENCY" and d.flags == set()
    refused(d, "with its sound", "SetMuted", "(b)", True)
    d.emergency_release()
    d.run_for(1)
    muted()
    d.record_stop()
    d.run_for(1)
    assert d.flags == {"muted", "post-event"}
    d.run_until_state("BUFFERING")
    assert d.flags == set()  # the recording's end
    d.press()
    d.run_for(3)
    assert d.flags == set()
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    first, second = d.recordings()
    assert len(muted_gaps(first)) == 3
    # The press was soon after: the muted seconds are in its past, and declared there too.
    press = second.manifest["press_ticks"]
    assert muted_gaps(second) and all(begin < press and end <= press + 2 * UNIT for begin, end in muted_gaps(second))


def test_stealth_may_be_forbidden(daemon):
    d = daemon({"policy": {"stealth": "no"}})
    refused(d, "does not allow stealth", "SetStealth", "(b)", True)


# ---- in plain words ---------------------------------------------------------------------------------------------


def sentences(daemon, settings):
    d = daemon(settings)
    said, = d.call(RECORDER, "DescribePolicy")
    d.terminate()  # the store is one daemon's
    checked = run_bodycamd("--config", d.config, "--check").stdout
    assert all(f"policy: {sentence}\n" in checked for sentence in said)
    return " ".join(said)


@pytest.mark.parametrize("settings, words", [
    ({}, ["started by pressing record", "holding record for 2 s", "at least 5 s before its start, with sound", "cannot be muted",
          "every 2 min", "holding them for 5 s"]),
    ({"policy": {"activation": "control-room"}}, ["by a command alone"]),
    ({"policy": {"activation": "always-on"}}, ["from boot until it is put on its dock"]),
    ({"policy": {"mute": "yes", "mute_limit": "90 s"}}, ["may be muted by a command, for 90 s at a time"]),
    ({"policy": {"mute": "yes", "mute_limit": "0 s", "stealth": "no"}}, ["up to its end", "cannot be switched off"]),
    ({"buttons": {"emergency_release": "no", "stop_hold": "1500 ms"}}, ["no button does", "holding record for 1500 ms"]),
    ({"recording": {"pre_event": "0 s"}, "indicator": {"reminder": "0 s"}}, ["nothing from before"]),
])
def test_policy_in_plain_words(daemon, settings, words):
    text = sentences(daemon, settings)
    for word in words:
        assert word in text
    assert ("reminds" in text) == (settings.get("indicator", {}).get("reminder") != "0 s")


def test_a_policy_that_is_changed_by_a_reload(daemon):
    d = daemon({"policy": {"mute": "yes", "mute_limit": "0 s"}})
    d.run_for(6)
    d.press()
    d.run_for(1)
    d.call(RECORDER, "SetMuted", "(b)", True)
    d.call(RECORDER, "SetStealth", "(b)", True)
    d.configure({"policy": {"activation": "always-on", "stealth": "no"}})
    d.process.send_signal(signal.SIGHUP)
    d.wait_for(lambda: d.get("Policy") == "always-on", "the new policy")
    assert d.flags == set()
    refused(d, "from boot to dock", "RecordStop")
