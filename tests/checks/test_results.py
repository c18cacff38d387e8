# SPDX-License-Identifier: EUPL-1.2
"""tools/lib/results.py counts what CTest really writes: passed, failed, skipped, not run, timed out, disabled; and repeats why."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(results NONE)
enable_testing()
add_test(NAME good COMMAND true)
add_test(NAME bad COMMAND sh -c "seq 200; echo 'what it is about'; exit 1")
add_test(NAME away COMMAND sh -c "echo 'skipped: no loop device'; exit 77")
add_test(NAME missing COMMAND /nonexistent)
add_test(NAME slow COMMAND sleep 30)
add_test(NAME off COMMAND true)
set_tests_properties(away PROPERTIES SKIP_RETURN_CODE 77)
set_tests_properties(slow PROPERTIES TIMEOUT 1)
set_tests_properties(off PROPERTIES DISABLED TRUE)
"""


class Results(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bc-results-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def ctest(self, suite, only):
        if not (self.folder / "CMakeLists.txt").exists():
            (self.folder / "CMakeLists.txt").write_text(PROJECT)
            subprocess.run(["cmake", "-S", self.folder, "-B", self.folder / "b"], check=True, capture_output=True)
        status = subprocess.run(["ctest", "--test-dir", self.folder / "b", "-R", only, "--output-junit",
                                 self.folder / f"{suite}.xml"], capture_output=True).returncode
        (self.folder / f"{suite}.status").write_text(f"{status}\n")

    def summary(self, *suites):
        result = subprocess.run([sys.executable, ROOT / "tools/lib/results.py", self.folder, *suites],
                                capture_output=True, text=True)
        return result.returncode, result.stdout, result.stdout.splitlines()[-1]

    def test_all_kinds(self):
        self.ctest("one", ".")
        status, out, last = self.summary("one")
        self.assertEqual((status, last), (1, "1 passed, 3 failed, 2 skipped"))
        for words in ("one: away (skipped: no loop device)", "one: off (disabled)", "one: slow", "one: missing"):
            self.assertIn(words, out)
        # The end of what it said, where the end of the whole is all one sees.
        self.assertIn("199\n200\nwhat it is about\n", out)
        self.assertIn("--- bad (one.xml)", out)
        self.assertNotIn("\n100\n", out)

    def test_sum_and_own_notes(self):
        self.ctest("one", "^(good|away)$")
        (self.folder / "two.tsv").write_text("skip\tarm64\t0\tno emulator\n")
        self.assertEqual(self.summary("one", "two")[0::2], (0, "1 passed, 0 failed, 2 skipped"))

    def test_silence_is_failure(self):
        self.ctest("one", "^good$")
        self.assertEqual(self.summary("one", "two")[0::2], (1, "1 passed, 1 failed, 0 skipped"))

    def test_status_without_a_failed_test(self):
        self.ctest("one", "^good$")
        (self.folder / "one.status").write_text("8\n")
        self.assertEqual(self.summary("one")[0::2], (1, "1 passed, 1 failed, 0 skipped"))

    def test_cut_results(self):
        self.ctest("one", "^good$")
        whole = (self.folder / "one.xml").read_text()
        (self.folder / "one.xml").write_text(whole[:len(whole) // 2])
        self.assertEqual(self.summary("one")[0], 1)


if __name__ == "__main__":
    unittest.main()
