# SPDX-License-Identifier: EUPL-1.2
"""Figures with what they must not exceed; progress on the way; a table and JSON at the end."""

import dataclasses
import json
import statistics
import sys
import time


@dataclasses.dataclass
class Figure:
    key: str
    title: str
    value: float  # None: not measured
    unit: str = ""
    limit: float = None  # the most it may be; None: for information
    spread: str = ""
    why_not: str = ""  # it was not measured

    @property
    def missed(self):
        return self.value is not None and self.limit is not None and self.value > self.limit

    @property
    def verdict(self):
        if self.value is None:
            return self.why_not
        if self.limit is None:
            return ""
        return "MISSED" if self.missed else "reached"


def show(value):
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) and abs(value) < 100 else f"{value:,.0f}"


def spread(values):
    """Least and most, in words for the table."""
    return f"{show(min(values))} .. {show(max(values))}, n={len(values)}" if values else ""


def median(values):
    return statistics.median(values)


def percentile(values, percent):
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


class Report:
    def __init__(self):
        self.figures, self.details, self.notes = [], {}, []
        self.began = time.monotonic()

    def add(self, key, title, value, unit="", limit=None, spread="", why_not=""):
        self.figures.append(Figure(key, title, value, unit, limit, spread, why_not))

    def add_median(self, key, title, values, unit="", limit=None):
        self.add(key, title, median(values), unit, limit, spread(values))

    def progress(self, text):
        seconds = int(time.monotonic() - self.began)
        print(f"[{seconds // 60:3}:{seconds % 60:02}] {text}", file=sys.stderr, flush=True)

    @property
    def missed(self):
        return [f.key for f in self.figures if f.missed]

    def print_table(self):
        rows = [("figure", "value", "at most", "verdict", "spread")]
        for f in self.figures:
            rows.append((f.title, f"{show(f.value)} {f.unit}".strip(), "" if f.limit is None else show(f.limit),
                         f.verdict, f.spread))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        for number, row in enumerate(rows):
            print("  ".join(cell.rjust(width) if 0 < i < 3 else cell.ljust(width)
                            for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
            if number == 0:
                print("  ".join("-" * width for width in widths))
        for note in self.notes:
            print(note)
        left_out = [f.key for f in self.figures if f.value is None]
        if left_out:
            print(f"not measured: {', '.join(left_out)}")
        print(f"not reached: {', '.join(self.missed)}" if self.missed else "all figures with a limit are reached")

    def write_json(self, path, about):
        document = {**about, **{f.key: f.value for f in self.figures},
                    "limits": {f.key: f.limit for f in self.figures if f.limit is not None},
                    "spreads": {f.key: f.spread for f in self.figures if f.spread},
                    "missed": self.missed,
                    "not_measured": {f.key: f.why_not for f in self.figures if f.value is None},
                    "details": self.details}
        with open(path, "w") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
