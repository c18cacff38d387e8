# SPDX-License-Identifier: EUPL-1.2
"""Random lives: whatever is pressed, docked, failed and commanded in whatever order, the daemon ends well, every
recording is closed and every file can be read."""

import random

import pytest
from harness import LONG, RECORDER, CallFailed, Refused, probe


def step(d, rng):
    kind = rng.randrange(11)
    if kind == 0:
        d.press("record")
    elif kind == 1:
        d.press("emergency")
    elif kind == 2:
        d.dock(rng.random() < 0.5)
    elif kind == 3:
        d.set_fault(rng.choice(["camera", "microphone"]), rng.choice(["none", "none", "stall", "unplug"]))
    elif kind == 4:
        d.later(RECORDER, rng.choice(["RecordStart", "EmergencyStart"]), "(s)", "walk")
    elif kind == 5:
        d.record_stop()
    elif kind == 6:
        d.emergency_release()
    elif kind == 7:
        d.call(RECORDER, rng.choice(["SensorsOn", "SensorsOff"]))
    else:
        d.run_for(rng.choice([0, 0.01, 0.5, 3, 15]))


@pytest.mark.parametrize("seed", range(200 if LONG else 4))
def test_a_random_life(daemon, seed):
    rng = random.Random(seed)
    d = daemon()
    d.run_for(6)
    for _ in range(300):
        try:
            step(d, rng)
        except (Refused, CallFailed):
            pass  # a refusal is an answer
    for sensor in ("camera", "microphone"):
        d.set_fault(sensor, "none")
    d.run_for(40)
    assert d.flags == set() and d.state in ("STANDBY", "BUFFERING", "RECORDING", "EMERGENCY", "DOCKED")
    d.terminate()
    assert len(d.recordings()) > 3
    for recording in d.recordings():
        assert recording.state == "closed", recording
        assert not recording.gaps_of("overtaken")
        for file in recording.files:
            probe(file)
