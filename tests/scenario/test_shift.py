# SPDX-License-Identifier: EUPL-1.2
"""Twenty minutes of a shift (tools/bench runs twelve hours): memory does not grow, no descriptor leaks, nothing but the
codecs allocates per frame. And the same with a fault planted, so that each of these is known to see it."""

import pytest
from harness import BUILD, LONG
from shift import FRAMES, STRETCH_S, Shift

GROWTH_KB = 1000
MINUTES, WARM_UP, PERIOD, RECORDED = 120 if LONG else 20, 4, 2, 1


def test_nothing_grows(tmp_path):
    with Shift(tmp_path) as shift:
        shift.run(MINUTES, WARM_UP, PERIOD, RECORDED)
        assert len(shift.samples) == (MINUTES - WARM_UP) / PERIOD
        assert shift.growth_kb < GROWTH_KB, shift.samples
        assert shift.descriptors_leaked == 0, shift.samples
        assert shift.daemon.get("FramesDropped") == 0
        assert shift.frames == shift.stretches * STRETCH_S * FRAMES


def test_nothing_but_the_codecs_allocates_per_frame(tmp_path):
    """In pictures that have text in them, too: the overlay draws, the text changes."""
    overlay = {"camera": {"width": 640, "height": 360}, "video": {"bit_rate": "1M"},
               "overlay": {"contents": "time device position state"}}
    with Shift(tmp_path, overlay) as shift:
        shift.run(2, 0, 2, 1)
        assert shift.frames == STRETCH_S * FRAMES
        assert [rate for site, rate in shift.per_frame() if site.thread == "video"], "the codecs' own are not seen either"
        assert not shift.ours_per_frame(), [(site.thread, site.name(), rate) for site, rate in shift.ours_per_frame()]


@pytest.mark.parametrize("fault", ["memory", "descriptor", "frame"])
def test_a_planted_leak_is_seen(tmp_path, monkeypatch, fault):
    """Four kilobytes per fragment, a descriptor per file made durable, an allocation per frame: one at a time."""
    monkeypatch.setenv("BC_LEAK", fault)
    with Shift(tmp_path, preload=[BUILD / "tests/lib/leak.so"]) as shift:
        shift.run(16, WARM_UP, PERIOD, RECORDED)
        seen = {"memory": shift.growth_kb >= GROWTH_KB, "descriptor": shift.descriptors_leaked > 0,
                "frame": bool(shift.ours_per_frame())}
        assert seen == {name: name == fault for name in seen}, (shift.samples, shift.ours_per_frame())
