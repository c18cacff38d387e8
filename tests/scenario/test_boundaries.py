# SPDX-License-Identifier: EUPL-1.2
"""Segment boundaries lose and double nothing; picture and sound stay together, however wrong the microphone's clock."""

import pytest
from harness import TICKS, share
from judges import beeps_of, flashes_of, judge_joints, judge_numbers, judge_sync

# (frames per second, what the setting says, boundaries)
BOUNDARIES = [("15", 15, share(12, 24, 400)), ("29.97", 29.97, share(9, 18, 300)), ("25", 25, share(9, 18, 300))]
SYNC_S = share(120, 180, 3600)


def record(d, seconds):
    """A recording of that many seconds after the press; ends the daemon."""
    d.run_for(6)
    d.press()
    while seconds > 0:
        d.run_for(min(50, seconds))
        seconds -= 50
    d.record_stop()
    d.run_until_closed()
    assert d.get("FramesDropped") == 0
    d.terminate()
    recording, = d.recordings()
    assert recording.state == "closed" and recording.gaps == []
    return recording


@pytest.mark.parametrize("text, rate, boundaries", BOUNDARIES)
def test_nothing_is_lost_at_a_boundary(daemon, text, rate, boundaries):
    d = daemon({"camera": {"width": 160, "height": 120, "rate": text}, "video": {"bit_rate": "400k"},
                "microphone": {"rate_error_ppm": 77},
                "recording": {"segment": "1 s", "pre_event": "3 s", "post_event": "1 s"}})
    # At 29.97 fps a segment ends with the first key frame after a second, so it lasts a little more.
    recording = record(d, boundaries * 1.002 - 3)
    assert len(recording.files) > boundaries
    units = judge_joints(recording)
    numbers = judge_numbers(recording, rate)
    assert len(numbers) == len(units.pictures)
    flashes = flashes_of(recording)
    if rate != int(rate):
        # The picture that covers the whole second is the flash; it begins up to a picture before that.
        flashes = [t + -t % TICKS for t in flashes]
    judge_sync(flashes, beeps_of(units, d.folder))


@pytest.mark.parametrize("ppm", [200, -200])
def test_sound_stays_with_the_picture(daemon, ppm):
    d = daemon({"camera": {"width": 160, "height": 120, "rate": 10}, "video": {"bit_rate": "200k"},
                "microphone": {"rate_error_ppm": ppm},
                "recording": {"segment": "10 min", "pre_event": "3 s", "post_event": "1 s"}})
    recording = record(d, SYNC_S)
    assert (recording.end_s - recording.first_s) > SYNC_S
    offsets = judge_sync(flashes_of(recording), beeps_of(judge_joints(recording), d.folder))
    assert len(offsets) >= SYNC_S
    tenths = [sorted(offsets[i * len(offsets) // 10:(i + 1) * len(offsets) // 10]) for i in range(10)]
    medians = [t[len(t) // 2] for t in tenths]
    print(f"{ppm:+} ppm over {SYNC_S} s: {min(offsets)} to {max(offsets)} ticks, medians of tenths {medians}")
    assert max(medians) - min(medians) <= TICKS // 1000, f"it drifts: {medians}"
