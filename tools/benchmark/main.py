# SPDX-License-Identifier: EUPL-1.2
"""Runs the measurements of tools/bench, which has built what they need: main.py ROOT OPTIONS..."""

import os
import pathlib
import signal
import sys

ROOT = pathlib.Path(sys.argv[1]).resolve()
os.environ["BC_SOURCE_DIR"] = str(ROOT)
os.environ["BC_BUILD_DIR"] = str(ROOT / "build/release")
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/scenario"))

import encoding
import latency
import proof
import start
import subjects
from options import parse
from report import Report
from shift import Shift

GROWTH_MAX_KB = 1000


def measure_shift(report, places, quick):
    hours = 1 if quick else 12
    with Shift(places.fresh(places.memory, "shift")) as shift:
        shift.run(hours * 60, 15 if quick else 60, 15, 3,
                  lambda minute: report.progress(f"shift: {minute / 60:.2f} of {hours} h, {shift.samples[-1].memory_kb} kB")
                  if shift.samples and minute % 60 == 0 else None)
        report.add("shift_hours", "a shift in simulated time", hours, "h")
        report.add("shift_memory_growth_kb", "  growth of memory after the warm-up", shift.growth_kb, "kB", GROWTH_MAX_KB)
        report.add("shift_descriptors_leaked", "  descriptors leaked", shift.descriptors_leaked, "", 0)
        report.add("shift_allocations_per_frame", "  allocations per frame, ours",
                   float(sum(rate for _, rate in shift.ours_per_frame())), "", 0)
        report.add("shift_allocations_per_frame_codecs", "  allocations per frame, libavcodec's and x264's own",
                   sum(rate for site, rate in shift.per_frame() if site.is_codec))
        report.details["shift"] = {
            "samples": [[round(s.minute, 1), s.memory_kb, s.descriptors] for s in shift.samples],
            "per_frame": [{"thread": site.thread, "rate": rate, "codec": site.is_codec, "chain": site.name()}
                          for site, rate in shift.per_frame()]}


def plan(report, places, wanted, quick):
    """(names, function) of what is to be measured, in order."""
    material = None
    if set(wanted) - {"start", "shift"}:
        report.progress("raw frames and samples")
        material = subjects.Material(places)
    counts = (10, 1000) if quick else (10, 100, 1000, 10_000, 100_000)
    rounds = 3 if quick or "cpu" not in wanted else 7
    steps = [
        ("cpu memory", lambda: encoding.measure(report, places, material, rounds, 10 if quick else 40, wanted)),
        ("proof", lambda: proof.measure(report, places, material, 2 if quick else 5, 10 if quick else 60)),
        ("latency", lambda: latency.measure(report, places, material, 15 if quick else 120)),
        ("feedback", lambda: latency.measure_presses(report, places, material, 12 if quick else 120)),
        ("pre-event", lambda: encoding.measure_pre_event(report, places, material, 1 if quick else 3, 5 if quick else 20)),
        ("start", lambda: start.measure(report, places, counts, 3 if quick else 7)),
        ("idle", lambda: latency.measure_idle(report, places, material, 5 if quick else 30)),
        ("shift", lambda: measure_shift(report, places, quick)),
    ]
    return [(names, step) for names, step in steps if set(names.split()) & set(wanted)]


def measure(report, places, wanted, quick):
    """One that cannot be made does not cost the others. True: all were made."""
    failed = []
    for names, step in plan(report, places, wanted, quick):
        try:
            step()
        except (subjects.Failed, AssertionError) as error:
            failed.append(names)
            report.notes.append(f"could not be measured: {names}: {error}")
            report.progress(report.notes[-1])
    return not failed


def main():
    options = parse(sys.argv[2:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # daemons are ended and folders removed, then, too
    if options.json:
        open(options.json, "a").close()  # that it cannot be written shows now and not in an hour
    report, places = Report(), subjects.Places(options.dir)
    about = {"machine": subjects.describe(), "quick": options.quick, "measured": options.only}
    try:
        whole = measure(report, places, options.only, options.quick)
    finally:
        places.close()
    report.print_table()
    if options.json:
        report.write_json(options.json, about)
    return 2 if not whole else 1 if report.missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subjects.Failed, KeyboardInterrupt) as error:
        print(f"bench: {error or 'interrupted'}", file=sys.stderr)
        sys.exit(2)
