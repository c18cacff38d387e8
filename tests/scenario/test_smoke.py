# SPDX-License-Identifier: EUPL-1.2
"""One incident from end to end on the simulated clock, and one on the real one."""

import pytest
from harness import NS, TICKS, pattern, probe


def judge_film(recording, rate=30):
    """Every picture of the film carries the number that belongs to its media time; none is doubled, and those that are
    missing are declared."""
    numbers = []
    for segment, file in zip(recording.segments, recording.files):
        pictures, _ = pattern(file)
        for picture in pictures:
            tick = segment["first_ticks"] + picture["tick"]
            assert picture["number"] == round(tick * rate / TICKS), f"{file} at {picture['tick']}"
            numbers.append(picture["number"])
    assert numbers == sorted(set(numbers))
    declared = sum(gap["count"] for gap in recording.gaps_of("frames-lost"))
    assert len(numbers) + declared == numbers[-1] - numbers[0] + 1


def test_an_incident(daemon):
    d = daemon({"recording": {"segment": "4 s"}})
    d.run_for(12)
    status = d.status()
    assert status["state"] == "BUFFERING" and status["flags"] == []
    assert 5 * NS <= status["pre_event_held_ns"] <= 6 * NS
    assert status["recording_counter"] == 0

    d.signals.clear()
    pressed_ns = d.now()
    assert d.record_start("a test") == (1, True)
    assert d.state == "RECORDING"
    d.run_for(6)
    d.record_stop()
    stopped_ns = d.now()
    assert d.state == "RECORDING" and d.flags == {"post-event"}
    d.run_until_state("BUFFERING")
    d.run_until_closed()
    assert d.edges() == ["RECORDING", "BUFFERING"]
    d.terminate()

    recording, = d.recordings()
    assert recording.name == "TEST-1-000001"
    assert recording.state == "closed" and recording.gaps == []
    assert recording.manifest["reason"] == "command: a test" and recording.manifest["stop_reason"] == "command"
    assert recording.press_s == pytest.approx(pressed_ns / NS, abs=1 / TICKS)
    assert 5 <= recording.press_s - recording.first_s <= 6
    assert recording.end_s == pytest.approx(stopped_ns / NS + 2, abs=2 / 30)
    assert len(recording.files) >= 3
    judge_film(recording)
    for file in recording.files:
        kinds = [s["codec_name"] for s in probe(file)["streams"]]
        assert kinds == ["h264", "aac", "mov_text"]


def test_in_real_time(daemon):
    d = daemon({"recording": {"pre_event": "1 s", "post_event": "1 s"}}, clock="real")
    d.wait_for(lambda: d.get("PreEventHeldNs") > NS, "the buffer")
    assert d.record_start() == (1, True)
    d.record_stop()
    assert d.flags == {"post-event"}
    d.wait_for_state("BUFFERING")
    d.wait_for(lambda: d.get("Unclosed") == 0, "closing")
    d.terminate()
    recording, = d.recordings()
    assert recording.state == "closed"
    assert recording.press_s - recording.first_s >= 1
    # A machine with other things to do may lose frames in real time; then it says so.
    assert {g["kind"] for g in recording.gaps} <= {"no-sound", "frames-lost"}
    judge_film(recording)


def test_simulated_time_runs_by_itself(daemon):
    """Not held: hours of media in seconds."""
    d = daemon(clock="free")
    d.wait_for(lambda: d.now() > 400 * NS, "five minutes of media time")
    assert d.state == "BUFFERING"
