# SPDX-License-Identifier: EUPL-1.2
"""The options of tools/bench. Run by itself, says what is wrong with them, or what they are; needs nothing but Python."""

import argparse
import os
import sys

MEASUREMENTS = {
    "cpu": "processor time against a bare encoder and the ffmpeg program",
    "memory": "peak memory against a bare encoder",
    "proof": "what signing, ledger and sealing add in bytes and processor time; verifying beside sha256sum",
    "latency": "from capture to durable",
    "feedback": "from a press to the first durable fragment and to the indicator",
    "pre-event": "cost of 0, 30 and 120 s of pre-event",
    "start": "time to start against the number of stored recordings",
    "idle": "processor time and wakeups in real time",
    "shift": "twelve simulated hours: growth, leaks, allocations per frame",
}


def parse(arguments):
    names = "\n".join(f"  {name:10} {about}" for name, about in MEASUREMENTS.items())
    parser = argparse.ArgumentParser(
        prog="tools/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures the release build; a table on stdout, progress on stderr. docs/PERFORMANCE.md says how.",
        epilog=f"measurements:\n{names}\n\nExit status: 0 every figure that has a limit keeps it, 1 some do not (named in the "
               "last line),\n2 usage, or it cannot be measured here.")
    parser.add_argument("--only", metavar="NAME,...", default=",".join(MEASUREMENTS), help="these measurements alone")
    parser.add_argument("--quick", action="store_true", help="short runs, a few minutes for all: less exact")
    parser.add_argument("--json", metavar="FILE", help="the figures as JSON, with every single run")
    parser.add_argument("--dir", metavar="DIR", default="/var/tmp", help="a folder on the disk to measure; /var/tmp unless given")
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    unknown = set(options.only) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    if not os.access(options.dir, os.W_OK):
        parser.error(f"{options.dir} cannot be written")
    return options


if __name__ == "__main__":
    parse(sys.argv[1:])
