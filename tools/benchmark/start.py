# SPDX-License-Identifier: EUPL-1.2
"""From the start of the process to the state BUFFERING, against the number of recordings in the store."""

import json
import os
import shutil
import time

from harness import Daemon
from report import median

START_MAX_MS = 1000
LINKS_MAX = 30000  # of one file; ext4 allows 65000
SETTINGS = {"device": {"id": "BENCH-0001"}, "camera": {"width": 320, "height": 240},
            "recording": {"pre_event": "1 s", "post_event": "0 s"}}


def make_first(folder):
    """A store with one true recording in it."""
    with Daemon(folder, SETTINGS) as daemon:
        daemon.run_for(2)
        daemon.record_start("bench")
        daemon.run_for(1)
        daemon.record_stop()
        daemon.run_until_closed()
    return folder / "store"


def grow(store, have, count, report):
    """Copies of the first recording up to count of them, each with a manifest of its own; the film is linked."""
    recordings = store / "recordings"
    first = recordings / "BENCH-0001-000001"
    manifest = json.loads((first / "manifest.json").read_text())
    film = first / "0001.mp4"
    for number in range(have + 1, count + 1):
        folder = recordings / f"BENCH-0001-{number:06}"
        folder.mkdir(mode=0o750)
        if number % LINKS_MAX == 0:
            film = shutil.copyfile(first / "0001.mp4", folder / "0001.mp4")
        else:
            os.link(film, folder / "0001.mp4")
        (folder / "manifest.json").write_text(json.dumps({**manifest, "counter": number}))
        if number % 20000 == 0:
            report.progress(f"start: {number} of {count} recordings made")
    (store / "counter.json").write_text(json.dumps({"counter": count, "open": [], "device": "BENCH-0001"}))


def start_ms(folder):
    daemon = Daemon(folder, SETTINGS, clock="real", start=False)
    began = time.monotonic()
    try:
        daemon.start(wait=False)
        daemon.connect()
        daemon.wait_for(lambda: daemon.state == "BUFFERING", "BUFFERING")
        passed = 1000 * (time.monotonic() - began)
        daemon.terminate()
        return passed
    finally:
        daemon.__exit__(None, None, None)


def measure(report, places, counts, starts):
    folder = places.fresh(places.disk, "start")
    store, have, medians = make_first(folder), 1, []
    for count in counts:
        grow(store, have, count, report)
        os.sync()  # what the making left to be written is not part of a start
        have = count
        found = [start_ms(folder) for _ in range(starts)]
        medians.append(median(found))
        report.progress(f"start: {count} recordings: {medians[-1]:.0f} ms")
        report.add_median(f"start_to_buffering_ms_{count}_recordings", f"start to buffering, {count} recordings stored", found,
                          "ms", START_MAX_MS)
    report.add("start_ratio_most_to_fewest", "  the most recordings : the fewest", medians[-1] / medians[0])
