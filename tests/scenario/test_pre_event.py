# SPDX-License-Identifier: EUPL-1.2
"""The seconds before the press: there in full, whenever the press comes, and never more than that is held."""

import os
import random

import pytest
from harness import NS, share
from judges import judge_joints, judge_numbers, judge_pre_event

SEED = int(os.environ.get("BC_SEED", "1"))
PRESSES = share(6, 10, 50)
CONFIGURATIONS = share(4, 6, 20)
RATES = [("10", 10), ("15", 15), ("24", 24), ("25", 25), ("29.97", 29.97), ("30", 30), ("50", 50)]


class Presses:
    """Presses at random moments of one configuration's run, and the recordings they must have led to."""

    def __init__(self, daemon, number):
        self.random = random.Random(f"{SEED}/{number}")
        one_of = self.random.choice
        self.pre_event_ms = [0, 1000, 2500, 5000, 10000, 1001][number % 6]
        self.post_event_ms = one_of([0, 400, 1500])
        self.sound = number % 3 != 2
        text, self.rate = one_of(RATES)
        self.daemon = daemon({
            "camera": {"width": 160, "height": 120, "rate": text},
            "microphone": {"rate_error_ppm": one_of([-200, 0, 200])},
            "buttons": {"debounce": "1 ms"},
            "video": {"bit_rate": one_of(["250k", "400k", "1M", "3M"])},
            "recording": {"pre_event": f"{self.pre_event_ms} ms", "post_event": f"{self.post_event_ms} ms",
                          "pre_event_sound": "yes" if self.sound else "no", "segment": one_of(["1 s", "2 s", "5 s"]),
                          "fragment": one_of(["100 ms", "300 ms", "500 ms"])}})
        self.pressed = []

    def wait(self):
        """A while without a press, now and then ending on a whole second (where a GOP begins) or beside it."""
        ns = self.random.choice([self.random.randrange(20_000_000), self.random.randrange(3 * NS),
                                 self.random.randrange((self.pre_event_ms + 3000) * 1_000_000)])
        if self.random.random() < 0.25:
            second = (self.daemon.now() + ns + NS) // NS * NS + self.pre_event_ms % 1000 * 1_000_000
            self.daemon.run_until(second + self.random.choice([-1, 0, 1]))
        else:
            self.daemon.run_for(ns / NS)

    def look(self):
        """With nothing to be written, the past is bounded."""
        status = self.daemon.status()
        if status["state"] == "BUFFERING" and status["unclosed"] == 0:
            assert status["pre_event_held_ns"] <= self.pre_event_ms * 1_000_000 + NS, status
            return True
        return False

    def press(self):
        d = self.daemon
        d.run_for(0.003)  # the contact of the press before has settled
        at = d.now()
        d.press()
        assert d.state == "RECORDING"
        self.pressed.append(at)
        self.wait()
        d.record_stop()
        if self.random.random() < 0.2:
            # Pressed again in the post-event seconds, if there are any: the recording goes on.
            d.run_for(self.post_event_ms / 2000)
            if d.state == "RECORDING":
                d.press()
                self.wait()
                d.record_stop()
        d.run_for(self.post_event_ms / 1000)
        if d.state != "BUFFERING":
            d.run_for(0.001)
        assert d.state == "BUFFERING"


@pytest.mark.parametrize("number", range(CONFIGURATIONS))
def test_random_presses(daemon, number):
    p = Presses(daemon, number)
    d = p.daemon
    d.run_for(p.pre_event_ms / 1000 + 1.5)
    looks = 0
    for _ in range(PRESSES):
        p.wait()
        looks += p.look()
        p.press()
        if p.random.random() < 0.5:
            d.run_until_closed()
            looks += p.look()
    d.run_for(p.pre_event_ms / 1000 + 3)
    assert p.look() and looks > PRESSES / 4
    assert d.get("FramesDropped") == 0
    d.terminate()

    recordings = d.recordings()
    assert [r.manifest["press_ticks"] for r in recordings] == [round(ns * 6 / 125000) for ns in p.pressed]
    backs = []
    for recording in recordings:
        assert recording.state == "closed" and recording.gaps == [], recording.manifest
        backs.append(judge_pre_event(recording, p.pre_event_ms / 1000, p.rate, "pre-event" if p.sound else "press"))
    print(f"{p.rate} fps, {p.pre_event_ms} ms before: {min(backs):.4f} to {max(backs):.4f} s")
    whole = p.random.choice(recordings)
    if p.sound:
        judge_joints(whole)
    judge_numbers(whole, p.rate)


def test_what_is_held_while_nothing_happens(daemon):
    """Looked at often, over many GOPs: full, and never more than that."""
    d = daemon({"camera": {"width": 160, "height": 120, "rate": 15}, "video": {"bit_rate": "200k"},
                "recording": {"pre_event": "4 s"}})
    d.run_for(6)
    held = []
    for _ in range(100):
        d.run_for(0.1037)
        held.append(d.get("PreEventHeldNs"))
    # The newest picture's start is up to a picture old.
    assert 4 * NS - NS // 15 <= min(held) and max(held) <= 5 * NS
    assert max(held) - min(held) > 0.8 * NS, "all of the GOP's phases were seen"


def test_pressed_before_there_are_enough_seconds(daemon):
    """What the seconds before lack is declared, to the tick."""
    d = daemon({"camera": {"width": 160, "height": 120, "rate": 15}, "recording": {"pre_event": "5 s"}})
    d.run_for(2)
    d.press()
    d.run_for(2)
    d.terminate()
    recording, = d.recordings()
    gap, = recording.gaps_of("pre-event")
    assert gap["from_ticks"] == (102 - 5) * 48000
    assert gap["to_ticks"] == recording.segments[0]["first_ticks"] == 100 * 48000
    judge_numbers(recording, 15)
