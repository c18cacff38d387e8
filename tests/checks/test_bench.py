# SPDX-License-Identifier: EUPL-1.2
"""What tools/bench says of its figures: limits, what is missed, what could not be measured; its options."""
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools/benchmark"))

from report import Report, percentile


def table(report):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        report.print_table()
    return out.getvalue().splitlines()


class Modules(unittest.TestCase):
    def test_no_name_is_a_scenario_test_module_s_too(self):
        """Both folders are searched: the one that comes first would hide the other's."""
        names = [{f.stem for f in (ROOT / folder).glob("*.py")} for folder in ("tools/benchmark", "tests/scenario")]
        self.assertEqual(names[0] & names[1], set())


class Figures(unittest.TestCase):
    def setUp(self):
        self.report = Report()

    def test_within_its_limit(self):
        self.report.add("ratio", "a ratio", 1.1, limit=1.1)
        self.assertEqual(self.report.missed, [])
        self.assertEqual(table(self.report)[-1], "all figures with a limit are reached")

    def test_above_its_limit(self):
        self.report.add("good", "good", 0, limit=0)
        self.report.add("ratio", "a ratio", 1.11, limit=1.1)
        self.report.add("free", "no limit", 1e9)
        self.assertEqual(self.report.missed, ["ratio"])
        self.assertEqual(table(self.report)[-1], "not reached: ratio")
        self.assertIn("MISSED", table(self.report)[3])

    def test_not_measured(self):
        self.report.add("feedback", "feedback", None, "ms", 100, why_not="not offered by this daemon")
        self.assertEqual(self.report.missed, [])
        self.assertIn("not offered by this daemon", table(self.report)[2])
        self.assertIn("not measured: feedback", table(self.report))

    def test_median_and_spread(self):
        self.report.add_median("ratio", "a ratio", [1.0, 9.0, 2.0], limit=1.5)
        self.assertEqual(self.report.figures[0].value, 2.0)
        self.assertEqual(self.report.missed, ["ratio"])
        self.assertEqual(self.report.figures[0].spread, "1.000 .. 9.000, n=3")

    def test_percentile(self):
        self.assertEqual(percentile(range(1, 101), 99), 99)
        self.assertEqual(percentile([3, 1, 2], 99), 3)
        self.assertEqual(percentile([5], 50), 5)

    def test_json(self):
        self.report.add("ratio", "a ratio", 1.2, limit=1.1)
        self.report.add("feedback", "feedback", None, "ms", 100, why_not="not offered by this daemon")
        with tempfile.NamedTemporaryFile() as file:
            self.report.write_json(file.name, {"machine": {"cpus": 2}})
            document = json.load(open(file.name))
        self.assertEqual(document["ratio"], 1.2)
        self.assertIsNone(document["feedback"])
        self.assertEqual(document["missed"], ["ratio"])
        self.assertEqual(document["limits"], {"ratio": 1.1, "feedback": 100})
        self.assertEqual(document["not_measured"], {"feedback": "not offered by this daemon"})


class Options(unittest.TestCase):
    def status(self, *arguments):
        return subprocess.run([ROOT / "tools/bench", *arguments], capture_output=True, stdin=subprocess.DEVNULL).returncode

    def test_help(self):
        self.assertEqual(self.status("--help"), 0)

    def test_usage(self):
        for wrong in (["--only", "speed"], ["--none"], ["--json"], ["--dir", "/nowhere"]):
            self.assertEqual(self.status(*wrong), 2, wrong)


if __name__ == "__main__":
    unittest.main()
