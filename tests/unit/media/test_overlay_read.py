#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""test_overlay_read.py OVERLAY_PICTURE [unittest's arguments]: what the overlay burns in is read back, pixel by pixel and after H.264."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy

import overlay_reader as reader

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path("/usr/share/fonts/truetype/dejavu")
MONO, BOLD, SANS = (str(FOLDER / name) for name in ("DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSans.ttf"))
PEOPLE = pathlib.Path(__file__).resolve().parents[2] / "data" / "people.mp4"
SIZES = [(320, 180), (640, 360), (1280, 720), (1920, 1080), (3840, 2160)]
ITEMS = {"T": "2026-11-26T01:12:14Z", "D": "BC-000123", "U": "UNIT 12-34", "P": "59.329300 18.068600 ±5 m", "S": "REC"}
ALL = " ".join(ITEMS.values())


def noise(width, height, seed=1):
    """Any value but those of the grounds, so that every pixel of a cell's edge is seen to change."""
    values = numpy.setdiff1d(numpy.arange(256), [16, 62, 102, 128, 207]).astype(numpy.uint8)
    return values[numpy.random.default_rng(seed).integers(0, len(values), width * height * 3 // 2)].tobytes()


def flat(width, height, luma):
    return bytes([luma]) * (width * height) + bytes([90]) * (width * height // 2)


def draw(ground, width, height, **options):
    arguments = [f"{name}={value}" for name, value in {"width": width, "height": height, "font": MONO, **options}.items()]
    result = subprocess.run([PROGRAM, *arguments], input=ground, capture_output=True)
    if result.returncode:
        raise AssertionError(result.stderr.decode())
    return result.stdout


def read_over_noise(width, height, form="i420", font=MONO, extra="", **options):
    ground = noise(width, height)
    after = reader.planes(draw(ground, width, height, format=form, font=font, **options), width, height, form)
    where = reader.lines(reader.planes(ground, width, height, form), after)
    letters = reader.Letters(font, reader.em_px(width, height), extra)
    return (*reader.read(after, where, letters), where, letters, after)


class Overlay(unittest.TestCase):
    maxDiff = None

    def test_every_size_format_and_ground(self):
        for width, height in SIZES:
            for form in "i420", "nv12":
                with self.subTest(size=(width, height), format=form):
                    text, _, where, letters, _ = read_over_noise(width, height, form)
                    self.assertEqual(text, ALL)
                    for level in 0, 255:
                        ground = flat(width, height, level)
                        before = reader.planes(ground, width, height, form)
                        after = reader.planes(draw(ground, width, height, format=form), width, height, form)
                        self.assertEqual(reader.read(after, where, letters)[0], ALL)
                        for plane in range(3):  # and nothing else has changed
                            step = 2 if plane else 1
                            outside = numpy.ones(before[plane].shape, dtype=bool)
                            for y, x, h, w in where:
                                outside[y // step : (y + h) // step, x // step : (x + w) // step] = False
                            self.assertTrue((before[plane] == after[plane])[outside].all())

    def test_every_corner_and_contents(self):
        width, height = 640, 360
        for number in range(1, 32):
            contents = "".join(letter for bit, letter in enumerate("TDUPS") if number >> bit & 1)
            for corner in "tl", "tr", "bl", "br":
                with self.subTest(contents=contents, corner=corner):
                    form = "nv12" if number % 2 else "i420"
                    text, _, where, _, _ = read_over_noise(width, height, form, corner=corner, contents=contents)
                    self.assertEqual(text, " ".join(ITEMS[letter] for letter in contents))
                    for y, x, h, w in where:
                        self.assertLessEqual(x if corner[1] == "l" else width - x - w, 10)
                    y, _, h, _ = where[0] if corner[0] == "t" else where[-1]
                    self.assertLessEqual(y if corner[0] == "t" else height - y - h, 10)
                    self.assertTrue(all(a[0] + a[2] == b[0] for a, b in zip(where, where[1:])))

    def test_no_contents_change_nothing(self):
        for width, height in (640, 360), (160, 120), (16, 16):
            ground = noise(width, height)
            self.assertEqual(draw(ground, width, height, contents=""), ground)

    def test_marks_are_on_red_and_the_rest_on_black(self):
        for marks in range(8):
            expected = [word for bit, word in enumerate(("REC", "EMERGENCY", "MUTED")) if marks >> bit & 1]
            _, cells, _, _, _ = read_over_noise(1280, 720, marks=marks)
            self.assertEqual([text for text, ground, _ in cells if ground == reader.RED], expected)
            self.assertEqual([text for text, ground, _ in cells if ground == reader.BLACK], [ALL[: -len(" REC")]])

    def test_nothing_known(self):
        text, _, _, _, _ = read_over_noise(640, 360, utc_ms="none", fix=0, marks=0)
        self.assertEqual(text, "TIME NOT SET BC-000123 UNIT 12-34 NO FIX")

    def test_widest_position(self):
        text, _, _, _, _ = read_over_noise(320, 180, lat_e7=-2147483648, lon_e7=-2147483648, accuracy_mm=2147483647)
        self.assertIn("-214.748365 -214.748365 ±2147484 m", text)

    def test_other_scripts_and_fonts(self):
        for font in MONO, BOLD, SANS:
            for unit in "ЖЮЩ-7й", "Δ-Ωλψ 5", "Åéñ Øß-ž9", "ԱՖ-1" if font != BOLD else "Ñ-1":
                with self.subTest(font=font, unit=unit):
                    text, _, _, _, _ = read_over_noise(1280, 720, font=font, extra=unit.replace(" ", ""), unit=unit)
                    self.assertEqual(text, ALL.replace(ITEMS["U"], unit))

    def test_as_wide_as_fits(self):
        width, height, longest = 320, 180, None
        for count in range(30, 45):
            unit = "".join("0123456789"[i % 10] for i in range(count))
            try:
                text, _, where, _, _ = read_over_noise(width, height, unit=unit, contents="U", corner="tr")
            except AssertionError as refusal:
                self.assertRegex(str(refusal), r"the unit id needs \d+ px, a picture of 320x180 has room for \d+")
                break
            longest = unit
            self.assertEqual(text, unit)
            self.assertLessEqual(where[0][1] + where[0][3], width)
        self.assertGreater(where[0][3], width - 20)
        self.assertEqual(count, len(longest) + 1)

    def test_upright_picture(self):
        self.assertEqual(read_over_noise(720, 1280)[0], ALL)

    def test_the_second_changes_and_the_place_does_not(self):
        width, height, count = 640, 360, 4
        ground = noise(width, height)
        film = draw(ground * count, width, height, step_ms=500, utc_ms=1795655534400)
        letters = reader.Letters(MONO, reader.em_px(width, height))
        before, size, seen = reader.planes(ground, width, height, "i420"), width * height * 3 // 2, []
        for i in range(count):
            after = reader.planes(film[i * size : (i + 1) * size], width, height, "i420")
            where = reader.lines(before, after)
            seen.append((reader.read(after, where, letters)[0][:20], where))
        self.assertEqual([text[-4:] for text, _ in seen], [":14Z", ":14Z", ":15Z", ":15Z"])
        self.assertEqual(len({tuple(where) for _, where in seen}), 1)


class Banner(unittest.TestCase):
    TEXT = "NO PICTURE SINCE 2026-11-26T01:12:14Z"

    def test_every_size(self):
        for width, height in SIZES + [(720, 1280)]:
            for form in "i420", "nv12":
                with self.subTest(size=(width, height), format=form):
                    self.check(width, height, form)

    def check(self, width, height, form):
        ground = noise(width, height)
        after = reader.planes(draw(ground, width, height, format=form, contents="", banner=self.TEXT), width, height, form)
        where = reader.lines(reader.planes(ground, width, height, form), after)
        self.assertEqual(len(where), 1)
        y, x, h, w = where[0]
        self.assertLessEqual(abs(2 * y + h - height), 4)
        self.assertLessEqual(abs(2 * x + w - width), 4)
        self.assertGreater(w, width * 0.8)
        self.assertLess(w, width)
        # The size is the banner's own choice: the one at which all of it can be read.
        for em in range(height // 4, 8, -1):
            letters = reader.Letters(MONO, em)
            if w * 0.9 < letters.font.getlength(self.TEXT) < w:
                try:
                    self.assertEqual(reader.read(after, where, letters)[0], self.TEXT)
                    return
                except reader.Unreadable:
                    continue
        self.fail("cannot be read at any size")

    def test_longer_text_goes_on_below(self):
        width, height, text = 640, 360, self.TEXT + " THE CAMERA DOES NOT ANSWER"
        ground = noise(width, height)
        after = reader.planes(draw(ground, width, height, contents="", banner=text), width, height, "i420")
        where = reader.lines(reader.planes(ground, width, height, "i420"), after)
        self.assertEqual(len(where), 1)
        self.assertGreater(where[0][2], 2 * 20)


class Codec(unittest.TestCase):
    """Real footage with a sensor's noise, as the daemon encodes it."""

    def film(self, width, height, rate, font):
        frames, at = 46, 44
        film = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-stream_loop", "2", "-i", PEOPLE, "-vf",
                               f"crop=768:432,scale={width}:{height},noise=alls=20:allf=t", "-r", "30", "-frames:v", str(frames),
                               "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"], check=True, capture_output=True).stdout
        film = draw(film, width, height, font=font, step_ms=33, marks=7)
        raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p"]
        with tempfile.TemporaryDirectory(prefix="bc-overlay-") as folder:
            coded = f"{folder}/film.mp4"
            subprocess.run(["ffmpeg", "-v", "error", *raw, "-s", f"{width}x{height}", "-r", "30", "-i", "-", "-c:v", "libx264",
                            "-preset", "superfast", "-tune", "zerolatency", "-b:v", rate, "-maxrate", rate, "-bufsize", rate,
                            "-g", "30", "-threads", "1", coded], input=film, check=True)
            decoded = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", coded, "-vf", f"select=eq(n\\,{at})",
                                      "-frames:v", "1", *raw, "-"], check=True, capture_output=True).stdout
        text, cells, _, letters, _ = read_over_noise(width, height, font=font, marks=7, utc_ms=1795655534000 + at * 33)
        self.assertIn("2026-11-26T01:12:15Z", text)
        letters.letters = "".join(sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:.±m")))
        self.assertEqual(reader.reread(reader.planes(decoded, width, height, "i420")[0], cells, letters), text.replace(" ", ""))

    def test_small_and_scarce(self):
        for font in MONO, BOLD:
            self.film(320, 180, "500k", font)

    def test_full_size(self):
        self.film(1920, 1080, "8M", MONO)


class TheReaderCanFail(unittest.TestCase):
    """One letter altered, and one pixel of one letter, must be noticed wherever it is."""

    def setUp(self):
        self.text, self.cells, self.where, self.letters, self.after = read_over_noise(640, 360)

    def altered(self, alter):
        luma = self.after[0].copy()
        alter(luma)
        return reader.read((luma, *self.after[1:]), self.where, self.letters)[0]

    def test_another_letter_is_read_as_that(self):
        _, _, found = self.cells[0]
        (two, from_x, baseline), (last, to_x, _) = found[0], found[-1]
        advance, rows = self.letters.box(two)[3], slice(baseline - self.letters.em, baseline + 2)

        def alter(luma):
            luma[rows, to_x : to_x + advance] = luma[rows, from_x : from_x + advance]

        self.assertEqual((two, last), ("2", "4"))
        self.assertEqual(self.altered(alter), ALL.replace("UNIT 12-34", "UNIT 12-32"))

    def test_one_pixel_of_any_letter(self):
        for _, _, found in self.cells:
            for letter, x, baseline in found:
                array, left, above, _ = self.letters.box(letter)
                row, column = numpy.unravel_index(array.argmax(), array.shape)

                def alter(luma):
                    luma[baseline - above + row, x + left + column] -= 40

                with self.subTest(letter=letter, x=x), self.assertRaises(reader.Unreadable):
                    self.altered(alter)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
