# SPDX-License-Identifier: EUPL-1.2
"""A shift in simulated time: buffering for hours, a recording now and then; what grows, leaks or is allocated per frame.

tests/scenario/test_shift.py runs minutes of it, tools/bench twelve hours.
"""

import dataclasses

from harness import Daemon
from heap import HeapCount, descriptors, memory_kb

# Small pictures, 30 a second, with sound and position. (There is no room for text in them.)
SETTINGS = {
    "camera": {"width": 160, "height": 120, "rate": 30},
    "video": {"bit_rate": "100k"},
    "gnss": {"driver": "track"},
    "recording": {"pre_event": "5 s", "post_event": "2 s", "segment": "60 s", "stall_tolerance": "2 s"},
}
STRETCH_S = 20  # in which allocations are counted, in the middle of a recording
FRAMES = 30     # a second


@dataclasses.dataclass
class Sample:
    """What the daemon holds while it buffers, between two recordings."""
    minute: float
    memory_kb: int
    descriptors: int


class Shift:
    """preload: further libraries for the daemon, which a test plants faults with."""

    def __init__(self, folder, settings=None, preload=()):
        folder.mkdir(parents=True, exist_ok=True)
        self.heap = HeapCount(folder, preload)
        self.daemon = Daemon(folder / "daemon", {**SETTINGS, **(settings or {})}, env=self.heap.env)
        self.samples, self.sites = [], []
        self.frames = self.stretches = 0

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.daemon.__exit__(*problem)

    def run(self, minutes, warm_up, period, recorded, progress=None):
        """So many minutes: buffering, and at the end of each period `recorded` minutes of recording. Samples are
        taken behind each of them; those of the warm-up are left out."""
        d, began = self.daemon, self.daemon.now()
        for number in range(1, round(minutes / period) + 1):
            d.run_for((period - recorded) * 60)
            d.press()
            d.run_for(recorded * 30)
            with self.heap.counting():
                before = d.get("Frames")
                d.run_for(STRETCH_S)
                self.frames += d.get("Frames") - before
                self.stretches += 1
            self.sites.append(self.heap.sites())
            d.run_for(recorded * 30 - STRETCH_S)
            d.record_stop()
            d.run_until_closed()
            d.run_for(1)
            if number * period > warm_up:
                pid = d.process.pid
                self.samples.append(Sample((d.now() - began) / 60e9, memory_kb(pid), len(descriptors(pid))))
            if progress:
                progress(number * period)

    # ---- what came of it ---------------------------------------------------------------------------------------

    @property
    def growth_kb(self):
        """Memory at the end, above that behind the warm-up."""
        return self.samples[-1].memory_kb - self.samples[0].memory_kb

    @property
    def descriptors_leaked(self):
        return self.samples[-1].descriptors - self.samples[0].descriptors

    def per_frame(self):
        """Sites of all stretches that allocate at least once in ten frames, with their number per frame."""
        calls, known = {}, {}
        for sites in self.sites:
            for site in sites:
                key = (site.thread, tuple(site.chain))
                calls[key] = calls.get(key, 0) + site.calls
                known[key] = site
        return sorted(((known[key], count / self.frames) for key, count in calls.items() if count >= self.frames / 10),
                      key=lambda found: -found[1])

    def ours_per_frame(self):
        """Those of them that are not the codecs' own."""
        return [(site, rate) for site, rate in self.per_frame() if not site.is_codec]
