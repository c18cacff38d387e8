# SPDX-License-Identifier: EUPL-1.2
"""What the officer presses, sees, hears and feels: simulated buttons, indicator and battery."""

import pytest
from harness import NS, RECORDER, SIMULATION, TICKS, CallFailed, Refused

RED, RED_2, YELLOW, GREEN, BLUE = 1, 2, 4, 8, 16


def during(changes, begin_ns, end_ns, before=(0, 0, False)):
    """(length in ms, lights, tone, vibration) of what was shown between two instants; before: what stood at the first."""
    shown = []
    at, state = begin_ns, before
    for time_ns, lights, tone, vibration in changes:
        if time_ns >= end_ns:
            break
        if time_ns > begin_ns:
            shown.append(((time_ns - max(at, begin_ns)) / 1e6, *state))
            at = time_ns
        state = (lights, tone, vibration)
    shown.append(((end_ns - max(at, begin_ns)) / 1e6, *state))
    return shown


class Watched:
    """Everything the indicator showed."""

    def __init__(self, daemon):
        self.daemon, self.changes = daemon, []

    def all(self):
        self.changes += self.daemon.indications()
        return self.changes

    def since(self, begin_ns):
        return during(self.all(), begin_ns, self.daemon.now())

    def lights_at(self, time_ns):
        """What stands right after an instant."""
        before = [c for c in self.all() if c[0] <= time_ns]
        return before[-1][1:] if before else (0, 0, False)


@pytest.fixture
def officer(daemon):
    def make(settings=None, **options):
        d = daemon(settings, **options)
        return d, Watched(d)
    return make


def blinks(shown, light):
    """Lengths in ms for which a light was on, those cut off at the ends left out."""
    lengths, run = [], 0
    for ms, lights, *_ in shown[1:-1]:
        if lights & light:
            run += ms
        elif run:
            lengths.append(run)
            run = 0
    return lengths


def told(shown):
    """Tones in their order, each once per beep."""
    tones = [0] + [tone for _, _, tone, _ in shown]
    return [tone for before, tone in zip(tones, tones[1:]) if tone and tone != before]


def pulses(shown):
    felt = [False] + [vibration for *_, vibration in shown]
    return sum(after and not before for before, after in zip(felt, felt[1:]))


# ---- presses ---------------------------------------------------------------------------------------------------


def test_every_press_is_answered_at_once(officer):
    d, watched = officer()
    for state in ("BUFFERING", "RECORDING", "post-event", "EMERGENCY", "STANDBY", "DOCKED"):
        if state == "RECORDING":
            d.record_start()
        elif state == "post-event":
            d.record_stop()
        elif state == "EMERGENCY":
            d.emergency_start()
        elif state == "STANDBY":
            d.emergency_release()
            d.record_stop()
            d.run_until_state("BUFFERING")
            d.call(RECORDER, "SensorsOff")
        elif state == "DOCKED":
            d.dock()
        d.run_for(3)
        for button in ("record", "emergency"):
            at = d.now()
            d.push(button)
            # Nothing has had time to pass: the answer was there before anything else.
            lights, _, vibration = watched.lights_at(at)
            assert lights & BLUE and vibration, (state, button)
            d.run_for(0.03)
            d.let_go(button)
            d.run_for(1)
            if d.state == "EMERGENCY" and state != "EMERGENCY":
                d.emergency_release()
            if state in ("BUFFERING", "STANDBY", "DOCKED"):
                if d.state == "RECORDING":
                    d.record_stop()
                    d.run_for(3)
                d.run_until_closed()


def test_a_press_starts_and_a_short_one_marks_and_a_hold_stops(officer):
    d, watched = officer()
    d.run_for(6)
    pressed = d.now()
    d.hold(5)  # the press that starts does nothing else, however long
    assert d.state == "RECORDING" and d.flags == set() and d.get("Marks") == 0
    assert told(watched.since(pressed)) == [1000, 1500]
    d.run_for(2)
    marked = d.now()
    d.hold(1.9)
    assert d.state == "RECORDING" and d.flags == set()
    assert told(watched.since(marked)) == []
    d.run_for(1)
    assert told(watched.since(marked)) == [1500] and d.get("Marks") == 1
    d.call(RECORDER, "Mark", "(s)", "blue car")
    held = d.now()
    d.push()
    d.run_for(1.99)
    assert d.flags == set()
    d.run_for(0.02)
    assert d.flags == {"post-event"}
    d.run_for(2)
    d.let_go()
    assert told(watched.since(held)) == [1500, 1000]
    d.run_until_state("BUFFERING")
    d.run_until_closed()
    recording, = d.recordings()
    assert recording.manifest["press_ticks"] == round(pressed * 6 / 125000)
    assert recording.manifest["stop_reason"] == "button"
    first, second = recording.manifest["marks"]
    assert (first["ticks"], first["text"]) == (round(marked * 6 / 125000), "")
    assert second["text"] == "blue car"
    assert abs(recording.end_s - (held / NS + 2 + 2)) < 0.1


def test_contacts_that_bounce(officer):
    d, _ = officer({"buttons": {"debounce": "20 ms"}})
    d.run_for(6)
    for _ in range(5):  # 10 ms of it
        d.push()
        d.run_for(0.001)
        d.let_go()
        d.run_for(0.001)
    assert d.state == "RECORDING"
    d.run_for(1)
    assert d.get("Marks") == 0 and d.flags == set()
    for _ in range(3):
        d.push()
        d.run_for(0.002)
        d.let_go()
        d.run_for(0.002)
    d.push()
    d.run_for(0.2)
    d.let_go()
    d.run_for(1)
    assert d.get("Marks") == 1


def test_a_stuck_button_is_told_and_the_other_one_heard(officer):
    d, watched = officer()
    d.run_for(6)
    d.push()
    d.run_for(29.9)
    assert d.flags == set()
    stuck = d.now()
    d.run_for(1)
    assert d.flags == {"button-stuck"} and d.alarms()[-1] == "the record button is stuck"
    assert 800 in told(watched.since(stuck))
    d.press("emergency")
    assert d.state == "EMERGENCY"
    d.run_for(1)
    d.let_go()
    d.run_for(1)
    assert d.flags == set()
    d.emergency_release()


# ---- emergencies ------------------------------------------------------------------------------------------------


def test_both_buttons_end_an_emergency_and_nothing_less(officer):
    d, watched = officer()
    d.run_for(6)
    d.press("emergency")
    d.run_for(1)
    for seconds, buttons in ((4.9, ("record", "emergency")), (20, ("record", "emergency")), (29, ("record",)),
                             (29, ("emergency",)), (0.05, ("emergency", "record"))):
        d.hold(seconds, *buttons)
        d.run_for(0.5)
        assert d.state == "EMERGENCY", (seconds, buttons)
    # One after the other is not together.
    d.push("record")
    d.run_for(0.6)
    d.push("emergency")
    d.run_for(6)
    d.let_go("record")
    d.let_go("emergency")
    d.run_for(0.5)
    assert d.state == "EMERGENCY"
    # Together, held until the camera answers, let go.
    began = d.now()
    d.push("emergency")
    d.run_for(0.2)
    d.push("record")
    d.run_for(4.9)
    answered = d.now()
    d.run_for(0.8)
    assert pulses(watched.since(answered)) == 3 and told(watched.since(began)) == [] and d.state == "EMERGENCY"
    d.let_go("emergency")
    d.run_for(0.3)
    assert d.state == "EMERGENCY"
    d.let_go("record")
    assert d.state == "RECORDING" and d.flags == {"post-event"}
    d.run_for(2)
    assert told(watched.since(began)) == [1500, 1000, 700]


def test_an_emergency_makes_no_sound(officer):
    d, watched = officer()
    d.run_for(6)
    began = d.now()
    d.press("emergency")
    d.run_for(5)
    d.set_fault("camera", "stall")
    d.run_for(5)
    d.hold(0.1)  # marks
    d.run_for(0.1)
    d.hold(3)  # is refused
    d.set_battery(5, 5)
    d.run_for(2)
    assert d.get("Marks") == 1
    assert d.alarms()[0] == "emergency" and "no-picture" in d.flags
    shown = watched.since(began)
    assert told(shown) == [] and any(vibration for *_, vibration in shown)
    assert set(blinks(shown, RED | RED_2)[2:6]) == {200}
    # In trouble, yellow says so all the same.
    assert blinks(watched.since(d.now() - 2 * NS), YELLOW)


def test_without_release_by_buttons(officer):
    d, _ = officer({"buttons": {"emergency_release": "no"}})
    d.run_for(6)
    d.press("emergency")
    d.run_for(1)
    d.hold(6, "record", "emergency")
    d.run_for(1)
    assert d.state == "EMERGENCY"
    d.emergency_release()
    assert d.state == "RECORDING"


# ---- what is told -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme, buffering, recording", [
    ("default", (GREEN, 0), (0, RED)),
    ("french", (GREEN, 0), (0, RED | RED_2)),
    ("chinese", (GREEN, 0), (GREEN | YELLOW | RED, 0)),
])
def test_schemes(officer, scheme, buffering, recording):
    """(Steady lights, blinking ones) of the two states that matter most."""
    d, watched = officer({"indicator": {"scheme": scheme}})

    def look():
        d.run_for(2)
        begin = d.now()
        d.run_for(3)
        shown = during(watched.all(), begin, d.now(), watched.lights_at(begin))
        steady = ~0
        ever = 0
        for _, lights, *_ in shown:
            steady &= lights
            ever |= lights
        return steady, ever & ~steady

    assert look() == buffering
    d.press()
    assert look() == recording
    d.record_stop()


def test_a_reminder_while_recording(officer):
    d, watched = officer({"indicator": {"reminder": "30 s"}})
    d.run_for(6)
    began = d.now()
    d.press()
    d.run_for(95)
    beeps = [(c[0] - began) / NS for c in watched.all() if c[2] == 1200]
    assert [round(b, 1) for b in beeps] == [30.0, 30.2, 60.0, 60.2, 90.0, 90.2]
    d.emergency_start()
    d.run_for(60)
    d.emergency_release()
    again = d.now()
    d.run_for(35)
    assert [round((c[0] - again) / NS, 1) for c in watched.all() if c[2] == 1200 and c[0] > again] == [30.0, 30.2]
    assert not [c for c in watched.all() if c[2] == 1200 and again - 55 * NS < c[0] < again]


def test_stealth_is_dark_and_ends_where_it_was(officer):
    d, watched = officer()
    d.run_for(6)
    d.call(RECORDER, "SetStealth", "(b)", True)
    assert d.flags == {"stealth"} and watched.lights_at(d.now()) == (0, 0, False)
    dark = d.now()
    d.press()
    d.run_for(3)
    d.hold(2.5)
    d.press("emergency")
    d.run_for(3)
    with pytest.raises(Refused, match="stealth"):
        d.call(RECORDER, "Indicate", "(s)", "start")
    assert all(shown[1:] == (0, 0, False) for shown in watched.since(dark))
    d.emergency_release()
    d.run_for(3)
    d.call(RECORDER, "SetStealth", "(b)", False)
    assert watched.lights_at(d.now())[0] & GREEN and d.flags == set()
    # The dock ends it too.
    d.call(RECORDER, "SetStealth", "(b)", True)
    d.dock()
    d.run_for(0.1)
    assert d.flags == set() and watched.lights_at(d.now())[0] & BLUE
    with pytest.raises(Refused, match="dock"):
        d.call(RECORDER, "SetStealth", "(b)", True)


def test_a_preview(officer):
    d, watched = officer()
    d.run_for(6)
    signals = d.get("Signals")
    assert len(signals) == len(set(signals)) > 20
    for signal in signals:
        d.run_for(6)
        begin = d.now()
        d.call(RECORDER, "Indicate", "(s)", signal)
        d.run_for(4)
        if signal not in ("power", "sound", "buffering"):  # shown by nothing in this scheme, or what stands anyway
            assert len(watched.since(begin)) > 1, signal
    d.run_for(6)
    assert watched.lights_at(d.now()) == (GREEN, 0, False)
    with pytest.raises(CallFailed, match="Signals"):
        d.call(RECORDER, "Indicate", "(s)", "nosuch")


def test_patterns_of_ones_own(officer):
    d, watched = officer({"pattern": {"recording": "red+blue 300 ms, - 700 ms", "start": "tone440 1 s"}})
    d.run_for(6)
    began = d.now()
    d.press()
    d.run_for(8)
    shown = watched.since(began)
    assert told(shown)[0] == 440 and set(blinks(shown, RED)[1:]) == {300}


# ---- supplies ---------------------------------------------------------------------------------------------------


def test_the_battery_in_minutes(officer):
    d, watched = officer()
    assert d.get("BatteryMinutes") == -1 and d.get("BatteryPercent") == -1
    d.set_battery(40, 95)
    assert (d.get("BatteryMinutes"), d.get("BatteryPercent"), d.get("Charging")) == (95, 40, False)
    assert d.flags == set() and d.alarms() == []
    begin = d.now()
    for minutes in (31, 30, 29, 31, 30, 12, 10, 9, 10, 2):
        d.set_battery(20, minutes)
        d.run_for(1)
    assert d.alarms() == ["the battery lasts for 30 min more", "the battery lasts for 10 min more"]
    assert d.flags == {"battery-low"} and told(watched.since(begin)) == [800, 600, 800, 600]
    d.set_battery(20, 2, True)
    assert d.flags == set()
    for nonsense in ((101, 5), (50, -2), (-5, 5), (50, 1 << 40)):
        with pytest.raises(CallFailed):
            d.call(SIMULATION, "SetBattery", "(xxb)", *nonsense, False)


def test_storage_in_minutes(daemon):
    d = daemon({"video": {"bit_rate": "2M"}, "sound": {"bit_rate": "96k"}})
    d.run_for(3)
    room, minutes = d.get("StoreRoomBytes"), d.get("StorageMinutes")
    # 2.096 Mbit/s and a little for the container.
    assert minutes == pytest.approx(room * 8 / 2_096_000 / 60, rel=0.02)
