# SPDX-License-Identifier: EUPL-1.2
"""On the real clock: a card that stands still, a clip that plays by its own time stamps. A machine too busy for the pace
may drop frames and be late with sound: declared, then."""

from card import start_carded
from harness import DATA, NS
from judges import judge_chain, judge_joints, judge_numbers, judge_players, judge_pre_event
from test_card import PRE_S, RATE, SETTINGS
from test_file_input import difference, grey, settings
from tracks import cues_of


def live_still(daemon, seconds, settings):
    """Real time: the card stands still from before the press for so long; returns recording, press, end."""
    d, card = start_carded(daemon, {**SETTINGS, "recording": {**SETTINGS["recording"], **settings}}, clock="real")
    d.wait_for(lambda: d.get("PreEventHeldNs") >= PRE_S * NS, "the buffer")
    with card.standing_still():
        counter, durable = d.record_start("still")
        pressed = d.get("PressNs")
        assert not durable and d.flags == {"not-durable"}
        assert "what is recorded does not become durable" in d.alarms()
        d.wait_for(lambda: d.get("NowNs") >= pressed + seconds * NS, "the card to stand still for long enough")
        assert d.state == "RECORDING" and d.get("DurableUntilNs") == -1
    d.wait_for(lambda: d.flags == set(), "the card to catch up")
    d.record_stop()
    d.wait_for(lambda: d.get("Unclosed") == 0, "closing")
    d.terminate()
    recording, = d.recordings()
    assert recording.state == "closed"
    return recording, pressed


def test_a_card_that_stands_still_from_the_press_on(daemon):
    recording, _ = live_still(daemon, 4, {"stall_tolerance": "4 s"})
    judge_pre_event(recording, PRE_S, RATE)
    # A machine too busy for the pace may drop frames and be late with sound: declared, then. The card cost nothing.
    assert set(g["kind"] for g in recording.gaps) <= {"frames-lost", "no-sound"}
    judge_chain(recording, RATE)
    if not recording.gaps:
        judge_joints(recording)
        judge_numbers(recording, RATE)


def test_a_card_that_stands_still_for_too_long(daemon):
    recording, pressed = live_still(daemon, 20, {"stall_tolerance": "1 s"})
    # Overtaken after its first fragment, or before it had one: what is missing are the seconds before the press, then.
    assert recording.gaps_of("overtaken") or recording.gaps_of("pre-event")
    assert set(g["kind"] for g in recording.gaps) <= {"overtaken", "no-sound", "frames-lost", "pre-event"}
    judge_chain(recording, RATE)
    assert recording.end_s > pressed / NS + 20
    for file in recording.files[:3]:
        judge_players(file)


def judge_telemetry(recording, units):
    """Pictures of a real clock lie between ticks: each key frame has its own text all the same, and each file begins with it."""
    cues = cues_of(units)
    begins = {cue.tick for cue in cues}
    assert all(unit.tick in begins for unit in units.pictures if unit.key)
    for number, segment in enumerate(recording.segments):
        assert next(cue.tick for cue in cues if cue.file == number) == segment["first_ticks"]
    assert all(cue.duration > 100 for cue in cues)


def test_real_footage(daemon):
    """By its own time stamps."""
    clip = DATA / "people.mp4"
    d = daemon(settings(clip, pre_event="1 s"), clock="real")
    d.wait_for(lambda: d.get("PreEventHeldNs") >= NS, "the buffer")
    pressed = d.get("NowNs")
    d.record_start()
    d.wait_for(lambda: d.get("NowNs") >= pressed + 3 * NS, "three seconds")
    d.record_stop()
    d.wait_for(lambda: d.get("Unclosed") == 0, "closing")
    d.terminate()
    recording, = d.recordings()
    assert recording.press_s - recording.first_s >= 1 and recording.end_s >= pressed / NS + 3
    units = judge_joints(recording)
    judge_telemetry(recording, units)
    steps = {b.tick - a.tick for a, b in zip(units.pictures, units.pictures[1:])}
    assert recording.gaps_of("frames-lost") or steps <= {4799, 4800, 4801}
    source = grey(clip, 384, 288)
    shown = [p for file in recording.files for p in grey(file, 384, 288)]
    first = min(range(120), key=lambda i: difference(shown[0], source[i]))
    at = units.pictures[0].tick
    for unit, picture in zip(units.pictures, shown):
        number = (first + round((unit.tick - at) / 4800)) % 120
        assert difference(picture, source[number]) < 6
