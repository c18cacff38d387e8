# SPDX-License-Identifier: EUPL-1.2
"""Reads burned-in text back: finds the cells by what changed, and each character by its picture as Pillow renders it.

Nothing here knows where the overlay puts a letter; it knows the size of the letters, the two grounds and white.
"""
import functools

import numpy
from PIL import Image, ImageDraw, ImageFont

WHITE = 235
BLACK, RED = (16, 128, 128), (62, 102, 207)  # Y, U, V of the cells' grounds
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!\"#$%&'()*+,-./:;<=>?@[]_{|}~±"
LEVELS = 6  # a pixel may be as far from what Pillow has: two roundings


class Unreadable(AssertionError):
    pass


def em_px(width, height):
    return max(13, min(width, height) // 36)


def planes(picture, width, height, form):
    """Y at full size, U and V at half size, of one raw picture."""
    data = numpy.frombuffer(picture, dtype=numpy.uint8)
    luma, chroma = data[: width * height].reshape(height, width), data[width * height :]
    if form == "nv12":
        pairs = chroma.reshape(height // 2, width // 2, 2)
        return luma, pairs[..., 0], pairs[..., 1]
    return (luma, *chroma.reshape(2, height // 2, width // 2))


def lines(before, after):
    """The rectangles (y, x, height, width) that changed, from top to bottom. Before, no pixel had the colour of a ground."""
    changed = before[0] != after[0]
    found = []
    for y in numpy.flatnonzero(changed.any(axis=1)):
        columns = numpy.flatnonzero(changed[y])
        x, width = int(columns[0]), int(columns[-1] - columns[0] + 1)
        if found and found[-1][1] == x and found[-1][3] == width and found[-1][0] + found[-1][2] == y:
            found[-1][2] += 1
        else:
            found.append([int(y), x, 1, width])
    covered = numpy.zeros_like(changed)
    for y, x, height, width in found:
        if (y | x | height | width) & 1:
            raise Unreadable(f"a cell on odd pixels: {(y, x, height, width)}")
        covered[y : y + height, x : x + width] = True
    for plane in (1, 2):
        if ((before[plane] != after[plane]) & ~covered[::2, ::2]).any():
            raise Unreadable("colour changed beside the cells")
    return [tuple(line) for line in found]


class Letters:
    """A font at a size: each letter's coverage 0..255 in a box of the height from top to bottom, with its advance."""

    def __init__(self, path, em, extra=""):
        self.box = functools.lru_cache(maxsize=None)(self.box)
        self.font = ImageFont.truetype(path, em, layout_engine=ImageFont.Layout.BASIC)
        self.em = em
        self.letters = "".join(sorted(set(ALPHABET + extra)))

    def box(self, letter):
        """The letter's ink: its array, where it begins right of the origin, and above the baseline; its advance."""
        left, top, right, bottom = self.font.getbbox(letter, anchor="ls")
        image = Image.new("L", (right - left + 4, bottom - top + 4), 0)
        ImageDraw.Draw(image).text((2 - left, 2 - top), letter, font=self.font, fill=255, anchor="ls")
        ink = numpy.asarray(image).astype(numpy.int32)
        rows, columns = numpy.flatnonzero(ink.any(axis=1)), numpy.flatnonzero(ink.any(axis=0))
        array = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        return array, int(columns[0]) + left - 2, 2 - top - int(rows[0]), round(self.font.getlength(letter))


def place(shape, letters, letter, baseline, x):
    """Coverage of a cell with one letter in it; None when it does not lie within."""
    array, left, above, _ = letters.box(letter)
    top, begin = baseline - above, x + left
    if top < 0 or begin < 0 or top + array.shape[0] > shape[0] or begin + array.shape[1] > shape[1]:
        return None
    return slice(top, top + array.shape[0]), slice(begin, begin + array.shape[1]), array


def worst_of(coverage, letters, letter, baseline, column):
    """How far the ink at column is from that letter, which is taken to begin there: (worst pixel, origin)."""
    array, left, _, advance = letters.box(letter)
    spot = place(coverage.shape, letters, letter, baseline, column - left)
    if spot is None:
        return None
    rows, columns, array = spot
    # The whole height of the letter's columns counts, not only its ink.
    expected = numpy.zeros((coverage.shape[0], array.shape[1]), dtype=numpy.int32)
    expected[rows] = array
    return int(numpy.abs(coverage[:, columns] - expected).max()), column - left, columns.stop


def read_cell(coverage, letters, baseline):
    """Letters of one cell with their origins: [(letter, x)]; blanks are left out."""
    found, column = [], 0
    ink = coverage.max(axis=0) > 0
    while True:
        rest = numpy.flatnonzero(ink[column:])
        if not len(rest):
            return found
        column += int(rest[0])
        matches = []
        for letter in letters.letters:
            match = worst_of(coverage, letters, letter, baseline, column)
            if match and match[0] <= LEVELS * 255 // (WHITE - RED[0]) + 1:
                matches.append((match[2], letter, match[1]))
        if not matches:
            raise Unreadable(f"no letter looks like what is at column {column}, after {found}")
        column, letter, x = max(matches)  # the widest: a part of a letter is not the letter
        found.append((letter, x))


def grounds(luma):
    """The cells of a line, by the ground in its uppermost row: [(colour, begin, end)]."""
    row, runs = luma[0], []
    edges = [0, *(numpy.flatnonzero(numpy.diff(row.astype(int))) + 1).tolist(), len(row)]
    for begin, end in zip(edges, edges[1:]):
        colour = {BLACK[0]: BLACK, RED[0]: RED}.get(int(row[begin]))
        if colour is None:
            raise Unreadable(f"a ground of luma {row[begin]}")
        runs.append((colour, begin, end))
    return runs


def coverage_of(luma, ground):
    return numpy.rint((luma.astype(numpy.int32) - ground[0]) * 255 / (WHITE - ground[0])).astype(numpy.int32)


def check_cell(cell, ground, letters, found, baseline):
    """Every pixel of a cell, luma and chroma, is that of the letters found and of nothing else."""
    luma, u, v = cell
    expected = numpy.zeros(luma.shape, dtype=numpy.int32)
    for letter, x in found:
        rows, columns, array = place(luma.shape, letters, letter, baseline, x)
        expected[rows, columns] = numpy.maximum(expected[rows, columns], array)
    white = ground[0] + (WHITE - ground[0]) * expected / 255
    if numpy.abs(luma - white).max() > LEVELS:
        raise Unreadable(f"luma is not that of {found}")
    shares = expected.reshape(luma.shape[0] // 2, 2, luma.shape[1] // 2, 2).mean(axis=(1, 3)) / 255
    for plane, chroma in ((u, ground[1]), (v, ground[2])):
        if numpy.abs(plane - (chroma + (128 - chroma) * shares)).max() > LEVELS:
            raise Unreadable(f"colour is not that of {found}")


def words(found, letters):
    text, end = "", None
    for letter, x in found:
        blank = end is not None and x - end >= letters.font.getlength(" ") / 2
        text += " " * blank + letter
        end = x + letters.box(letter)[3]
    return text


def baseline_of(coverage, letters):
    """The baseline at which the first letter can be read: tried from the middle down."""
    for baseline in range(coverage.shape[0] // 2, coverage.shape[0] + 1):
        try:
            column = int(numpy.flatnonzero(coverage.max(axis=0) > 0)[0])
            if any((m := worst_of(coverage, letters, letter, baseline, column)) and m[0] <= LEVELS
                   for letter in letters.letters):
                return baseline
        except IndexError:
            break
    raise Unreadable("no baseline at which the first letter is one")


def read_line(after, line, letters):
    """[(text, colour of the ground, [(letter, x, baseline in the picture)])] of a line's cells."""
    y, x, height, width = line
    luma = after[0][y : y + height, x : x + width]
    cells = []
    for ground, begin, end in grounds(luma):
        cell = (luma[:, begin:end], *(plane[y // 2 : (y + height) // 2, (x + begin) // 2 : (x + end) // 2]
                                      for plane in after[1:]))
        coverage = coverage_of(cell[0], ground)
        if not coverage.any():  # what is between two marks
            check_cell(cell, ground, letters, [], 0)
            continue
        baseline = baseline_of(coverage, letters)
        found = read_cell(coverage, letters, baseline)
        check_cell(cell, ground, letters, found, baseline)
        cells.append((words(found, letters), ground, [(c, x + begin + at, y + baseline) for c, at in found]))
    return cells


def read(after, where, letters):
    """All of a picture's text, items and lines parted by a blank, and its cells."""
    cells = [cell for line in where for cell in read_line(after, line, letters)]
    return " ".join(text for text, _, _ in cells), cells


def reread(luma, cells, letters):
    """The text of the same cells after a lossy codec: at each place the letter that is nearest."""
    text = []
    for _, ground, found in cells:
        coverage = coverage_of(luma, ground)
        for _, x, baseline in found:
            nearest = []
            for letter in letters.letters:
                array, left, above, advance = letters.box(letter)
                box = numpy.zeros((2 * letters.em, advance + 2), dtype=numpy.int32)
                top, begin = letters.em - above + letters.em // 2, left + 1
                if begin < 0 or begin + array.shape[1] > box.shape[1] or top + array.shape[0] > box.shape[0]:
                    continue
                box[top : top + array.shape[0], begin : begin + array.shape[1]] = array
                y = baseline - letters.em - letters.em // 2
                seen = coverage[max(y, 0) : baseline + letters.em // 3, x - 1 : x + advance + 1]
                box = box[max(-y, 0) :][: seen.shape[0]]
                nearest.append((float(numpy.abs(seen - box).mean()), letter))
            text.append(min(nearest)[1])
    return "".join(text)
