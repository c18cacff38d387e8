#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""test_pattern_dump.py RAW_FILM PATTERN_DUMP: the pattern survives H.264 and AAC at low rates, and pattern-dump reads
it: every frame number, the flash each second, and the beep within a millisecond of it."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

RAW_FILM, PATTERN_DUMP = (pathlib.Path(program).resolve() for program in sys.argv[1:3])
SECONDS = 6
FIRST = 300  # raw-film begins at media time 10 s
MS = 48  # ticks


class PatternDump(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bc-pattern-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def film(self, kind, size, picture, sound=("-c:a", "aac", "-b:a", "48k"), delay="0"):
        subprocess.run([RAW_FILM, kind, *size.split("x"), str(SECONDS), "p.y4m", "s.s16"], cwd=self.folder, check=True)
        subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-i", "p.y4m",
                        "-itsoffset", delay, "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "s.s16",
                        *picture, *sound, "film.mp4"], cwd=self.folder, check=True)
        return self.dump("film.mp4")

    def dump(self, name, status=0):
        result = subprocess.run([PATTERN_DUMP, self.folder / name], capture_output=True, text=True)
        self.assertEqual(result.returncode, status, result.stderr)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        pictures = sorted((line for line in lines if line["kind"] == "picture"), key=lambda p: p["tick"])
        return pictures, [line["tick"] for line in lines if line["kind"] == "beep"]

    def check(self, pictures, beeps, delay=0):
        self.assertEqual([p["number"] for p in pictures], list(range(FIRST, FIRST + 30 * SECONDS)))
        self.assertEqual([p["tick"] for p in pictures], [1600 * n for n in range(30 * SECONDS)])
        self.assertEqual([p["number"] for p in pictures if p["flash"]], [FIRST + 30 * n for n in range(SECONDS)])
        # The first beep may have nothing quiet before it and so no onset.
        flashes = [p["tick"] for p in pictures if p["flash"]][-len(beeps):]
        self.assertIn(len(beeps), (SECONDS - 1, SECONDS))
        for beep, flash in zip(beeps, flashes):
            self.assertLessEqual(abs(beep - flash - delay), MS, (beeps, flashes))

    def test_small_and_scarce(self):
        self.check(*self.film("pattern", "160x120", ["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency",
                                                     "-b:v", "40k", "-maxrate", "40k", "-bufsize", "40k", "-g", "30",
                                                     "-threads", "1"]))

    def test_large(self):
        self.check(*self.film("pattern", "1280x720", ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "500k"]))

    # One thread: with more, rate control depends on which is first. At 400k its emergencies leave a rare picture
    # that nobody can read.
    def test_noise(self):
        self.check(*self.film("noise", "320x240", ["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency",
                                                   "-b:v", "600k", "-maxrate", "600k", "-bufsize", "600k", "-g", "30",
                                                   "-threads", "1"]))

    def test_other_codec(self):
        self.check(*self.film("pattern", "320x240", ["-c:v", "mpeg4", "-b:v", "300k"], ["-c:a", "pcm_s16le", "-f", "mov"]))

    def test_delay_is_seen(self):
        pictures, beeps = self.film("pattern", "320x240", ["-c:v", "libx264", "-preset", "ultrafast"], delay="0.015")
        self.check(pictures, beeps, delay=15 * MS)
        with self.assertRaises(AssertionError):
            self.check(pictures, beeps)

    def test_lost_frame_is_seen(self):
        pictures, beeps = self.film("pattern", "320x240", ["-vf", "select=not(eq(n\\,40))", "-fps_mode", "passthrough",
                                                           "-c:v", "libx264", "-preset", "ultrafast"])
        numbers = [p["number"] for p in pictures]
        self.assertEqual(len(numbers), 30 * SECONDS - 1)
        self.assertNotIn(FIRST + 40, numbers)
        self.assertEqual(len(beeps), SECONDS - 1)

    def test_other_pictures_have_no_number(self):
        subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i",
                        "testsrc2=s=320x240:r=10:d=1", "-c:v", "libx264", "other.mp4"], cwd=self.folder, check=True)
        pictures, beeps = self.dump("other.mp4")
        self.assertEqual([p["number"] for p in pictures], [None] * 10)
        self.assertEqual(beeps, [])

    def test_unreadable(self):
        (self.folder / "text.mp4").write_text("no film")
        self.dump("text.mp4", status=1)
        self.dump("nowhere.mp4", status=1)
        self.assertEqual(subprocess.run([PATTERN_DUMP], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
