# SPDX-License-Identifier: EUPL-1.2
"""Camera and microphone fail while something is recorded: the recording goes on, what is missing is declared to the
tick, and shows."""

import subprocess

import pytest
from harness import TICKS
from judges import SOUND_UNIT, beeps_of, judge_joints, judge_numbers, judge_players, shown

RATE = 15
SETTINGS = {"camera": {"width": 320, "height": 240, "rate": RATE}, "video": {"bit_rate": "400k"},
            "recording": {"segment": "4 s", "pre_event": "3 s", "post_event": "1 s"}}


def record_with(daemon, faults, settings=None):
    """A recording in which (sensor, fault, seconds it lasts) come one after the other, 2.01 s apart."""
    d = daemon({**SETTINGS, **(settings or {})})
    d.run_for(5.123)
    d.press()
    for sensor, fault, seconds in faults:
        d.run_for(2.01)
        for one in sensor.split("+"):
            d.set_fault(one, fault)
        d.run_for(seconds)
        assert d.state == "RECORDING"
        yield d
        for one in sensor.split("+"):
            d.set_fault(one, "none")
    d.run_for(4)
    assert d.flags == set()
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    recording, = d.recordings()
    assert recording.state == "closed"
    yield d, recording


def true_pictures(recording):
    """(number, tick) of all that the camera gave."""
    return [(p["number"], s["first_ticks"] + p["tick"]) for s, f in zip(recording.segments, recording.files)
            for p in shown(f) if p["number"] is not None]


def slates(recording):
    return [s["first_ticks"] + p["tick"] for s, f in zip(recording.segments, recording.files)
            for p in shown(f) if p["number"] is None]


def holes(recording):
    """(Number before, number after) wherever numbers do not follow each other."""
    pictures = true_pictures(recording)
    return [(a, b) for (a, _), (b, _) in zip(pictures, pictures[1:]) if b != a + 1]


@pytest.mark.parametrize("fault", ["stall", "unplug"])
def test_the_camera(daemon, fault):
    life = record_with(daemon, [("camera", fault, 6.4)])
    d = next(life)
    assert d.flags == {"no-picture"} and d.get("Slates") == 6
    d, recording = next(life)

    (before, after), = holes(recording)
    gap, = recording.gaps_of("no-picture")
    assert (gap["from_ticks"], gap["to_ticks"]) == ((before + 1) * TICKS // RATE, after * TICKS // RATE)
    assert sum(g["count"] for g in recording.gaps_of("frames-lost")) == after - before - 1
    assert len(recording.gaps) == 1 + len(recording.gaps_of("frames-lost")), recording.gaps
    # A slate each second, from a second after the last picture on; each can be cut before.
    last = before * TICKS // RATE
    shown = slates(recording)
    assert shown == [last + n * TICKS for n in range(1, 7)]
    units = judge_joints(recording)
    assert all(u.key for u in units.pictures if u.tick in shown)
    judge_numbers(recording, RATE)
    # Sound does not care.
    beeps = beeps_of(units, d.folder)
    assert len(beeps) >= 14
    assert all(abs((b + TICKS // 2) % TICKS - TICKS // 2) < TICKS // 500 for b in beeps), "each on its second"
    for file in recording.files:
        judge_players(file)


def test_a_slate_cannot_be_taken_for_a_picture(daemon):
    """Warning stripes around darkness."""
    life = record_with(daemon, [("camera", "stall", 3)])
    next(life)
    _, recording = next(life)
    first = slates(recording)[0]
    number, segment = next((i, s) for i, s in enumerate(recording.segments) if s["end_ticks"] > first)
    at = sum(p["tick"] < first - segment["first_ticks"] for p in shown(recording.files[number]))
    rgb = subprocess.run(["ffmpeg", "-v", "error", "-i", str(recording.files[number]), "-vf", f"select=eq(n\\,{at})",
                          "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"], capture_output=True,
                         check=True).stdout
    width, height = 320, 240
    pixel = lambda x, y: tuple(rgb[3 * (y * width + x):][:3])  # noqa: E731
    rim = [pixel(x, y) for x in range(0, width, 2) for y in (4, height - 5)]
    yellow = sum(r > 180 and g > 140 and b < 90 for r, g, b in rim)
    black = sum(max(p) < 50 for p in rim)
    assert yellow > len(rim) / 4 and black > len(rim) / 4, f"{yellow} yellow and {black} black of {len(rim)}"
    middle = [pixel(x, y) for x in range(40, width - 40, 7) for y in range(40, height - 40, 7)]
    assert all(max(p) < 60 for p in middle)


def test_a_short_stall_is_frames_lost(daemon):
    """Too short for a slate: the last picture stands longer, and the ones lost are counted."""
    life = record_with(daemon, [("camera", "stall", 0.7)])
    next(life)
    _, recording = next(life)
    (before, after), = holes(recording)
    gap, = recording.gaps
    assert gap["kind"] == "frames-lost" and gap["count"] == after - before - 1
    assert (gap["from_ticks"], gap["to_ticks"]) == ((before + 1) * TICKS // RATE, after * TICKS // RATE)
    assert slates(recording) == []
    judge_joints(recording)


@pytest.mark.parametrize("fault", ["stall", "unplug"])
def test_the_microphone(daemon, fault):
    life = record_with(daemon, [("microphone", fault, 4.567)])
    d = next(life)
    assert d.flags == {"no-audio"}
    d, recording = next(life)
    assert len(true_pictures(recording)) == len(judge_numbers(recording, RATE)), "the picture does not care"
    assert holes(recording) == []
    gap, = recording.gaps
    assert gap["kind"] == "no-sound"
    # Faults begin and end between two access units: those that hold any silence are declared.
    began, ended = ((100 + 5.123 + 2.01 + s) * TICKS for s in (0, 4.567))
    assert began - 2 * SOUND_UNIT <= gap["from_ticks"] <= began + SOUND_UNIT, f"{gap}, {began}"
    assert ended - SOUND_UNIT <= gap["to_ticks"] <= ended + 2 * SOUND_UNIT, f"{gap}, {ended}"
    assert gap["from_ticks"] % SOUND_UNIT == gap["to_ticks"] % SOUND_UNIT == 0
    units = judge_joints(recording)
    seconds = {round(b / TICKS) for b in beeps_of(units, d.folder)}
    inside = {s for s in range(100, 130) if gap["from_ticks"] < s * TICKS < gap["to_ticks"]}
    heard = {s for s in range(103, 130) if units.sounds[0].tick < s * TICKS < units.sounds[-1].tick - TICKS // 10}
    assert len(inside) >= 4 and seconds == heard - inside
    for file in recording.files:
        judge_players(file)


def test_both_at_once_and_one_after_the_other(daemon):
    life = record_with(daemon, [("camera+microphone", "stall", 5), ("camera", "unplug", 3), ("microphone", "stall", 2)])
    assert next(life).flags == {"no-picture", "no-audio"}
    assert next(life).flags == {"no-picture"}
    assert next(life).flags == {"no-audio"}
    _, recording = next(life)
    units = judge_joints(recording)
    judge_numbers(recording, RATE)
    assert len(recording.gaps_of("no-picture")) == 2 and len(recording.gaps_of("no-sound")) == 2
    for (before, after), gap in zip(holes(recording), recording.gaps_of("no-picture")):
        assert (gap["from_ticks"], gap["to_ticks"]) == ((before + 1) * TICKS // RATE, after * TICKS // RATE)
    assert units.pictures[-1].tick > units.pictures[0].tick + 20 * TICKS


def test_a_fault_that_began_before_the_press(daemon):
    """What the seconds before lack is declared as well."""
    d = daemon(SETTINGS)
    d.run_for(5)
    d.set_fault("camera", "stall")
    d.run_for(2.5)
    d.press()
    d.run_for(2.5)
    d.set_fault("camera", "none")
    d.run_for(2)
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    recording, = d.recordings()
    (before, after), = holes(recording)
    gap, = recording.gaps_of("no-picture")
    assert (gap["from_ticks"], gap["to_ticks"]) == ((before + 1) * TICKS // RATE, after * TICKS // RATE)
    judge_joints(recording)
