# SPDX-License-Identifier: EUPL-1.2
"""The states as they are lived through, over D-Bus, on the simulated clock."""

import json

import pytest
from harness import NS, RECORDER, SIMULATION, CallFailed, Refused


def closed(d, *states):
    """Ends the daemon and returns its recordings."""
    d.terminate()
    recordings = d.recordings()
    assert [r.state for r in recordings] == list(states)
    return recordings


def test_a_hold_stops_and_a_press_in_the_post_event_seconds_goes_on(daemon):
    d = daemon()
    d.run_for(7)
    d.press()
    assert d.state == "RECORDING" and d.flags == set()
    d.run_for(1)
    d.hold(2)
    assert d.state == "RECORDING" and d.flags == {"post-event"}
    d.run_for(1.5)
    d.press()
    assert d.state == "RECORDING" and d.flags == set()
    d.run_for(30)
    assert d.state == "RECORDING"
    d.hold(2)
    d.run_for(1.9)
    assert d.state == "RECORDING"
    d.run_for(0.2)
    assert d.state == "BUFFERING"
    d.run_until_closed()
    recording, = closed(d, "closed")
    assert recording.manifest["reason"] == "button" and recording.manifest["stop_reason"] == "button"


def test_only_a_release_ends_an_emergency(daemon):
    d = daemon()
    d.run_for(7)
    d.press("emergency")
    assert d.state == "EMERGENCY" and "emergency" in d.alarms()
    d.press("record")
    assert d.state == "EMERGENCY"
    with pytest.raises(Refused, match="emergency"):
        d.record_stop()
    d.run_for(60)
    assert d.state == "EMERGENCY"
    d.emergency_release()
    assert d.state == "RECORDING" and d.flags == {"post-event"}
    d.run_for(2.1)
    assert d.state == "BUFFERING"
    with pytest.raises(Refused, match="no emergency"):
        d.emergency_release()
    d.run_until_closed()
    recording, = closed(d, "closed")
    assert recording.end_s - recording.press_s == pytest.approx(62, abs=0.1)


def test_an_emergency_over_a_recording_falls_back_to_it(daemon):
    d = daemon()
    d.run_for(7)
    assert d.record_start()[0] == 1
    assert d.emergency_start("help") == (1, True)  # the same recording
    d.emergency_release()
    assert d.state == "RECORDING" and d.flags == set()
    d.run_for(10)
    assert d.state == "RECORDING"
    d.record_stop()
    d.run_for(3)
    d.run_until_closed()
    closed(d, "closed")


def test_a_press_soon_after_a_stop_has_its_full_pre_event(daemon):
    d = daemon({"recording": {"post_event": "0 s"}})
    d.run_for(7)
    d.record_start("one")
    d.run_for(4)
    d.record_stop()
    d.run_for(0.1)
    assert d.record_start("two") == (2, True)
    d.run_for(1)
    d.record_stop()
    d.run_for(1)
    d.run_until_closed()
    one, two = closed(d, "closed", "closed")
    assert two.press_s - two.first_s >= 5 and two.first_s < one.end_s


def test_the_dock(daemon):
    d = daemon({"dock": {"dwell": "3 s"}})
    d.run_for(7)
    d.record_start()
    d.dock()  # ends a recording at once
    assert d.state == "DOCKED"
    d.run_until_closed()
    d.run_for(1)
    held = d.get("Frames")
    d.run_for(5)
    assert d.get("Frames") == held, "sensors are off on the dock"
    d.dock(False)
    assert d.state == "BUFFERING"
    d.run_for(7)
    assert d.get("Frames") > held

    d.emergency_start()
    d.dock()  # a moment on the dock does not end an emergency
    d.run_for(2)
    d.dock(False)
    d.run_for(5)
    assert d.state == "EMERGENCY"
    d.dock()
    d.run_for(2.9)
    assert d.state == "EMERGENCY"
    d.run_for(0.2)
    assert d.state == "DOCKED"
    d.run_until_closed()
    # An emergency wins on the dock too; the dwell counts from an edge, not from the contact.
    d.emergency_start()
    d.run_for(10)
    d.dock()  # no edge
    d.run_for(10)
    assert d.state == "EMERGENCY"
    d.emergency_release()
    d.run_for(3)
    assert d.state == "DOCKED"
    d.run_until_closed()
    closed(d, "closed", "closed", "closed")


def test_sensors_off_and_on(daemon):
    d = daemon()
    d.run_for(7)
    d.call(RECORDER, "SensorsOff")
    assert d.state == "STANDBY"
    d.run_for(10)
    frames = d.get("Frames")
    d.run_for(10)
    assert d.get("Frames") == frames
    # A recording from standby: no seconds before, and back to standby after.
    d.record_start()
    with pytest.raises(Refused, match="stop it first"):
        d.call(RECORDER, "SensorsOff")
    d.run_for(3)
    d.record_stop()
    d.run_for(3)
    assert d.state == "STANDBY"
    d.run_until_closed()
    d.call(RECORDER, "SensorsOn")
    assert d.state == "BUFFERING"
    d.run_for(6)
    assert d.get("PreEventHeldNs") >= 5 * NS
    recording, = closed(d, "closed")
    assert len(recording.gaps_of("pre-event")) == 1


def test_one_dead_sensor_is_a_flag(daemon):
    d = daemon()
    d.run_for(7)
    d.record_start()
    d.set_fault("camera", "stall")
    d.run_for(2)
    assert d.state == "RECORDING" and d.flags == {"no-picture"}
    d.set_fault("camera", "none")
    d.set_fault("microphone", "unplug")
    d.run_for(3)
    assert d.state == "RECORDING" and d.flags == {"no-audio"}
    d.set_fault("microphone", "none")
    d.run_for(3)
    assert d.flags == set()
    d.record_stop()
    d.run_for(3)
    d.run_until_closed()
    recording, = closed(d, "closed")
    assert recording.gaps_of("no-picture") and recording.gaps_of("no-sound")


def test_a_fault_is_loud_and_the_recording_it_cut_goes_on_after_it(daemon):
    d = daemon()
    d.run_for(7)
    d.record_start()
    d.set_fault("camera", "unplug")
    d.set_fault("microphone", "unplug")
    d.run_for(5)
    assert d.state == "RECORDING", "a moment without both is no fault"
    d.run_for(8)
    assert d.state == "FAULT" and "wanted" in d.flags
    with pytest.raises(Refused, match="nothing can be recorded"):
        d.record_start()
    d.run_for(60)
    assert d.state == "FAULT"
    assert d.alarms().count("still nothing can be recorded") >= 3
    d.set_fault("camera", "none")
    d.run_for(35)
    assert d.state == "RECORDING" and d.flags == {"no-audio"}
    d.set_fault("microphone", "none")
    d.run_for(35)
    assert d.flags == set()
    d.record_stop()
    d.run_for(3)
    assert d.state == "BUFFERING"
    d.run_until_closed()
    closed(d, "closed", "closed")


def test_an_emergency_in_a_fault(daemon):
    d = daemon()
    d.run_for(7)
    for sensor in ("camera", "microphone"):
        d.set_fault(sensor, "stall")
    d.run_for(13)
    assert d.state == "FAULT" and "cannot-record" in d.flags
    # Accepted, and answered at once with what is missing.
    call = d.later(RECORDER, "EmergencyStart", "(s)", "help")
    d.now()
    _, durable, missing = call.result()
    assert not durable and missing.startswith("nothing can be recorded at the moment: ")
    assert d.state == "EMERGENCY"
    d.run_for(10)
    assert d.state == "EMERGENCY" and "cannot-record" in d.flags and d.get("Durable") is False
    assert d.ctl("record", "start").stdout.startswith("accepted, but nothing can be recorded at the moment: ")
    answer = json.loads(d.ctl("--json", "emergency", "start").stdout)
    assert answer["durable"] is False and "nothing can be recorded" in answer["missing"]
    assert "cannot-record" in d.ctl("status").stdout
    for sensor in ("camera", "microphone"):
        d.set_fault(sensor, "none")
    d.run_for(5)
    assert d.flags == set() and d.get("Durable") is True
    d.emergency_release()
    assert d.state == "RECORDING" and d.flags == set()  # the recording that "record start" asked for
    d.record_stop()
    assert d.state == "RECORDING"
    d.run_for(3)
    assert d.state == "BUFFERING"
    d.run_until_closed()
    closed(d, "closed")  # one: drivers come back by themselves, the slates are not cut by a restart


@pytest.mark.parametrize("clock", ["simulated", "real"])
def test_a_shutdown_closes_what_is_recorded(daemon, clock):
    d = daemon(clock=clock)
    if clock == "simulated":
        d.run_for(7)
    else:
        d.wait_for(lambda: d.get("PreEventHeldNs") > NS, "the buffer")
    d.press()
    d.press("emergency")
    recording, = closed(d, "closed")
    assert recording.manifest["stop_reason"] == "SIGTERM"


def test_what_a_killed_daemon_left_is_recovered(daemon):
    d = daemon()
    d.run_for(7)
    d.record_start()
    d.run_for(3)
    d.kill()
    d.start()
    assert d.state == "BUFFERING"
    recording, = closed(d, "recovered")
    assert recording.end_s - recording.press_s >= 2


def test_what_callers_send_is_bounded(daemon):
    d = daemon()
    d.run_for(7)
    for reason in ("x" * 49, "a\nb", "\x7f"):
        with pytest.raises(CallFailed, match="InvalidArgs"):
            d.call(RECORDER, "RecordStart", "(s)", reason)
    for arguments in (("nobutton", True), ("", True), ("x" * 100000, False)):
        with pytest.raises(CallFailed, match="InvalidArgs"):
            d.call(SIMULATION, "PressButton", "(sb)", *arguments)
    for arguments in (("camera", "fire"), ("receiver", "none")):
        with pytest.raises(CallFailed, match="InvalidArgs"):
            d.call(SIMULATION, "SetFault", "(ss)", *arguments)
    with pytest.raises(CallFailed, match="InvalidArgs"):
        d.call(SIMULATION, "RunUntil", "(x)", 5)
    with pytest.raises(CallFailed, match="InvalidArgs"):
        d.call(SIMULATION, "RunFor", "(x)", -1)
    with pytest.raises(CallFailed, match="InvalidArgs"):
        d.call(SIMULATION, "RunFor", "(x)", 2**63 - 1)
    with pytest.raises(CallFailed):
        d.call(RECORDER, "RecordStart", "(i)", 5)
    assert d.state == "BUFFERING"
    assert d.recordings() == []


def test_a_start_that_is_not_durable_in_time_says_so(daemon):
    """From standby with a camera that shows nothing: the first slate comes after a second, its end after two."""
    d = daemon()
    d.call(RECORDER, "SensorsOff")
    d.set_fault("camera", "stall")
    call = d.later(RECORDER, "RecordStart", "(s)", "")
    began = d.now()
    d.run_for(1.9)
    assert not call.done
    d.run_until(began + 2 * NS)
    assert call.result() == (1, False, "the recording is not yet durable")
    assert d.state == "RECORDING" and d.get("Durable") is False
    assert "recording  TEST-1-000001, NOTHING DURABLE YET, 1.0 s long, 0 segments, 1 gap, 0 marks\n" in d.ctl("status").stdout
    d.run_for(3)
    assert d.get("Durable") is True and d.record_start() == (1, True)


def test_only_so_many_calls_wait(daemon):
    """Before there is a picture nothing is durable: starts wait. For the seventeenth there is no room, but what it asked
    for was done, so its answer is no error: it comes at once. All are answered."""
    d = daemon({"recording": {"pre_event": "0 s"}})
    calls = [d.later(RECORDER, "RecordStart", "(s)", "") for _ in range(17)]
    d.now()
    assert calls[16].result()[1:] == (False, "the recording is not yet durable, and too many calls wait for it")
    emergency = d.later(RECORDER, "EmergencyStart", "(s)", "")
    d.now()
    assert emergency.result()[1] is False and d.state == "EMERGENCY"
    assert not any(c.done for c in calls[:16])
    d.run_for(2.5)
    assert [c.result() for c in calls[:16]] == [(1, True, "")] * 16


def test_a_second_run_has_to_wait(daemon):
    d = daemon()
    first = d.later(SIMULATION, "RunFor", "(x)", 100 * NS)
    with pytest.raises(Refused, match="on its way"):
        d.run_for(1)
    d.wait_for(lambda: first.done, "the first")
    assert first.result() == (200 * NS,)


def test_a_real_clock_does_not_run_for_anyone(daemon):
    d = daemon(clock="real")
    with pytest.raises(Refused, match="real"):
        d.run_for(1)


def test_without_simulation_nothing_is_simulated(daemon):
    d = daemon({"simulation": {"enabled": "no"}}, clock="real")
    with pytest.raises(CallFailed, match="Unknown"):
        d.press()
    assert d.status()["simulated"] is False
