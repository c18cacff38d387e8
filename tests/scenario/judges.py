# SPDX-License-Identifier: EUPL-1.2
"""What a recording must be, judged from its files by outside readers (ffprobe, FFmpeg) and by the pattern it shows.

All times are media ticks (1/48000 s) since boot: a file's own time 0 is its segment's first_ticks.
"""

import bisect
import functools
import subprocess
from collections import Counter
from dataclasses import dataclass

import cbor2
import readers
from harness import TICKS, pattern

SOUND_UNIT = 1024  # ticks
SYNC_MAX = TICKS * 20 // 1000


@dataclass
class Unit:
    """One access unit."""
    tick: int
    duration: int
    key: bool
    data: bytes
    file: int  # which one of the recording's files, from 0


@dataclass
class Units:
    of: dict  # by ffprobe's name of the track's kind; "subtitle" is text, "data" is position

    @property
    def pictures(self):
        return self.of["video"]

    @property
    def sounds(self):
        return self.of["audio"]


def read_units(files_and_ticks):
    """The access units of (file, first tick) pairs, as ffprobe lists them."""
    units = Units({"video": [], "audio": [], "subtitle": [], "data": []})
    for number, (file, first) in enumerate(files_and_ticks):
        content = file.read_bytes()
        for p in readers.packets(str(file)):
            at, size = int(p["pos"]), int(p["size"])
            # FFmpeg cannot say how long a track's only sample lasts when the edit list cuts it short.
            duration = p["duration"] if p["codec_type"] == "video" else p.get("duration", SOUND_UNIT)
            one = Unit(first + p["pts"], duration, "K" in p["flags"], content[at:at + size], number)
            assert p["dts"] == p["pts"], f"{file}: a picture is shown out of its order"
            units.of[p["codec_type"]].append(one)
    return units


@functools.lru_cache(maxsize=64)
def shown_then(file, _size, _changed):
    return pattern(file)[0]


def shown(file):
    """The pictures of a file, looked at once only."""
    status = file.stat()
    return shown_then(file, status.st_size, status.st_mtime_ns)


def units_of(recording):
    return read_units((f, s["first_ticks"]) for f, s in zip(recording.files, recording.segments))


# ---- nothing lost, nothing doubled -------------------------------------------------------------------------------


def judge_joints(recording, sound=True):
    """Segments follow each other without a hole or an overlap, on both tracks, to the tick: each access unit lies in
    exactly one file, that of its start; each file begins with a key frame. Returns the units."""
    units = units_of(recording)
    at = recording.segments[0]["first_ticks"]
    for segment in recording.segments:
        assert segment["first_ticks"] == at, f"{segment['file']} begins at {segment['first_ticks']}, not at {at}"
        at = segment["end_ticks"]
    at = recording.segments[0]["first_ticks"]
    for before, unit in zip([None] + units.pictures, units.pictures):
        where = f"picture at {unit.tick} in {recording.files[unit.file].name}"
        assert unit.tick == at, f"{where}: due at {at}"
        assert unit.duration > 0
        assert unit.key or (before and before.file == unit.file), f"{where}: a file begins without a key frame"
        at += unit.duration
    assert at == recording.segments[-1]["end_ticks"]
    assert {u.file for u in units.pictures} == set(range(len(recording.files))), "a file without a picture"
    if not sound:
        assert not units.sounds
        return units
    for before, unit in zip(units.sounds, units.sounds[1:]):
        assert unit.tick == before.tick + SOUND_UNIT, f"sound at {unit.tick} after that at {before.tick}"
    for unit in units.sounds:
        segment = recording.segments[unit.file]
        assert segment["first_ticks"] <= unit.tick < segment["end_ticks"], f"sound at {unit.tick} in {segment}"
        assert unit.tick % SOUND_UNIT == 0
    # The last picture may last beyond the end that was asked for; sound is not begun after that.
    end = min(at, recording.manifest["stop_ticks"] or at)
    assert units.sounds[-1].tick + SOUND_UNIT >= end, f"sound ends at {units.sounds[-1].tick}, before {end}"
    return units


def judge_numbers(recording, rate):
    """Each picture bears the number of its media time; none is doubled; what is missing, or a slate without a number, is
    declared. Returns the numbers, None for a slate."""
    numbers = []
    lost = spans(recording, "no-picture", "frames-lost")
    for segment, file in zip(recording.segments, recording.files):
        for picture in shown(file):
            tick = segment["first_ticks"] + picture["tick"]
            number = picture["number"]
            if number is None:
                assert any(a <= tick < b for a, b in spans(recording, "no-picture")), f"{file}: no number at tick {tick}"
            else:
                assert abs(round(number * TICKS / rate) - tick) <= 1, f"{file}: picture {number} at tick {tick}"
            numbers.append(number)
    seen = [n for n in numbers if n is not None]
    doubles = [n for n, times in Counter(seen).items() if times > 1]
    assert not doubles, f"pictures {doubles} are there more than once"
    hidden = [n for n in set(range(seen[0], seen[-1])) - set(seen)
              if not any(a - 1 <= n * TICKS / rate <= b - 1 for a, b in lost)]
    assert not hidden, f"pictures {sorted(hidden)} are missing"
    return numbers


def spans(recording, *kinds):
    return [(g["from_ticks"], g["to_ticks"]) for kind in kinds for g in recording.gaps_of(kind)]


def judge_chain(recording, rate):
    """What a failing card may leave: segments that repeat what an abandoned one had, and declared holes. Everything
    else is there, and what is there twice is the same. Returns the units' ticks, of pictures and of sounds."""
    whole = [(f, s) for f, s in zip(recording.files, recording.segments) if s["state"] != "empty"]
    overtaken = spans(recording, "overtaken")
    for (_, before), (_, after) in zip(whole, whole[1:]):
        if after["first_ticks"] < before["end_ticks"]:
            assert after.get("succeeds") == int(before["file"][:4]), f"{after} repeats what {before} has"
            assert before["end_ticks"] - after["first_ticks"] <= TICKS + 2 * TICKS / rate, "more than a GOP"
        elif after["first_ticks"] > before["end_ticks"]:
            assert (before["end_ticks"], after["first_ticks"]) in overtaken, f"a hidden hole before {after}"
    units = read_units((f, s["first_ticks"]) for f, s in whole)
    for lane in (units.pictures, units.sounds):
        seen = {}
        for unit in lane:
            assert seen.setdefault(unit.tick, unit.data) == unit.data, f"{unit.tick} is there in two versions"

    numbers = {p["number"]: s["first_ticks"] + p["tick"] for f, s in whole for p in shown(f)}
    assert None not in numbers, "a slate"
    assert all(abs(round(n * TICKS / rate) - tick) <= 1 for n, tick in numbers.items())
    missing = set(range(min(numbers), max(numbers))) - set(numbers)
    lost = overtaken + spans(recording, "frames-lost")
    hidden = sorted(n for n in missing if not any(a - 1 <= n * TICKS / rate <= b - 1 for a, b in lost))
    assert not hidden, f"{recording}: pictures {hidden} are lost and not declared"
    for begin, end in overtaken:
        assert not any(begin <= tick < end for tick in numbers.values()), "declared lost, but it is there"

    pictures = sorted(numbers.values())
    sounds = sorted({u.tick for u in units.sounds})
    silent = overtaken + spans(recording, "no-sound")
    assert all(tick % SOUND_UNIT == 0 for tick in sounds), "sound beside its grid"
    due = set(range(-(-pictures[0] // SOUND_UNIT) * SOUND_UNIT, sounds[-1], SOUND_UNIT))
    hidden = sorted(t for t in due - set(sounds) if not any(a < t + SOUND_UNIT and t < b for a, b in silent))
    assert not hidden, f"{recording}: no sound at {hidden}"
    return pictures, sounds


# ---- sound ---------------------------------------------------------------------------------------------------------


def beeps_of(units, folder, channels=1):
    """Ticks at which a beep begins, of all the recording's sound in one piece (a file decoded alone has one wrong
    sound unit at its start)."""
    adts = bytearray()
    for unit in units.sounds:
        length = len(unit.data) + 7
        # ISO/IEC 14496-3 1.A.2.2: AAC-LC, 48 kHz, no CRC.
        adts += bytes([0xff, 0xf1, 0x40 | 3 << 2 | channels >> 2, (channels & 3) << 6 | length >> 11, length >> 3 & 0xff,
                       (length & 7) << 5 | 0x1f, 0xfc]) + unit.data
    wav = folder / "joined.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "aac", "-i", "-", "-ac", "1", str(wav)], input=bytes(adts),
                   check=True)
    _, beeps = pattern(wav)
    wav.unlink()
    return [units.sounds[0].tick + b["tick"] for b in beeps]


def flashes_of(recording):
    return [s["first_ticks"] + p["tick"] for s, f in zip(recording.segments, recording.files)
            for p in shown(f) if p["flash"]]


def nearest(tick, ticks):
    at = bisect.bisect_left(ticks, tick)
    return min(ticks[max(at - 1, 0):at + 1], key=lambda t: abs(t - tick))


def judge_sync(flashes, beeps):
    """Every flash has its beep and every beep its flash, at most 20 ms apart, but for the first and the last, which may
    be cut off. Returns the beeps' offsets in ticks, in order; positive: sound is late."""
    offsets = []
    assert flashes and beeps, f"{len(flashes)} flashes, {len(beeps)} beeps"
    for these, those in ((flashes, beeps), (beeps, flashes)):
        offsets = []
        for tick in these:
            if not those[0] - SYNC_MAX <= tick <= those[-1] + SYNC_MAX:
                assert tick in (these[0], these[-1]), f"nothing belongs to what is at {tick / TICKS:.3f} s"
                continue
            offset = tick - nearest(tick, those)
            assert abs(offset) <= SYNC_MAX, f"{offset / TICKS * 1000:+.1f} ms from the other at {tick / TICKS:.3f} s"
            offsets.append(offset)
    assert offsets, "no flash with a beep"
    return offsets


# ---- the seconds before --------------------------------------------------------------------------------------------


def judge_pre_event(recording, pre_event_s, rate, sound="pre-event"):
    """The first picture starts at least pre_event_s before the press and at most that and a GOP; its number proves the
    time. Sound starts with the first unit that begins in that picture, or at the press, or never (sound="press", None).
    Returns how far back it goes, in s."""
    press = recording.manifest["press_ticks"]
    units = read_units([(recording.files[0], recording.segments[0]["first_ticks"])])
    first = units.pictures[0].tick
    number = shown(recording.files[0])[0]["number"]
    assert number is not None and abs(round(number * TICKS / rate) - first) <= 1, f"picture {number} at {first}"
    back = (press - first) / TICKS
    assert back >= pre_event_s, f"{recording}: the first picture is only {back:.4f} s before the press"
    # The frame that begins the next GOP may be one interval late for the GOP's second.
    assert back <= pre_event_s + 1 + 1 / rate, f"{recording}: begins {back:.4f} s before the press"
    if sound == "pre-event":
        assert units.sounds, f"{recording}: no sound"
        heard = units.sounds[0].tick
        assert first <= heard < first + SOUND_UNIT, f"{recording}: sound begins at {heard}, the picture at {first}"
    elif sound == "press":
        heard = min((u.tick for u in units_of(recording).sounds), default=None)
        if heard is not None:
            assert press <= heard < press + SOUND_UNIT, f"{recording}: sound begins at {heard}, press {press}"
        else:
            assert recording.manifest["stop_ticks"] <= press + SOUND_UNIT, f"{recording}: no sound"
    else:
        assert not units.sounds
    return back


# ---- players ---------------------------------------------------------------------------------------------------------


def judge_players(file, players=readers.READERS):
    """Each player gets every picture and all sound out of the file that ffprobe lists."""
    units = read_units([(file, 0)])
    pictures = len(units.pictures)
    sound_s = sum(u.duration for u in units.sounds) / TICKS
    for player in players:
        reading = player(str(file))
        assert reading.pictures == pictures, f"{file}: {reading} of {pictures} pictures"
        assert abs(reading.sound_s - sound_s) <= 2 * SOUND_UNIT / TICKS, f"{file}: {reading} of {sound_s:.3f} s of sound"
    return pictures


def judge_chromium(file):
    report = readers.chromium(str(file))
    units = read_units([(file, 0)])
    assert report.get("ended"), f"{file}: {report}"
    picture_s = sum(u.duration for u in units.pictures) / TICKS
    sound_s = sum(u.duration for u in units.sounds) / TICKS
    assert report["pictures"] + report["dropped"] >= len(units.pictures) and not report["corrupted"], f"{file}: {report}"
    assert abs(report["duration"] - max(picture_s, sound_s)) < 0.05, f"{file}: {report}"
    assert abs(report["sound"] - sound_s) <= 2 * SOUND_UNIT / TICKS + 0.001, f"{file}: {report}, {sound_s:.3f} s of sound"


# ---- files that nobody closed ----------------------------------------------------------------------------------------


def boxes(content):
    """(type, offset, end) of the boxes at the top that are whole."""
    at, found = 0, []
    while at + 8 <= len(content):
        size = int.from_bytes(content[at:at + 4], "big")
        if size < 8 or at + size > len(content):
            break
        found.append((content[at + 4:at + 8], at, at + size))
        at += size
    return found


RECORD_ID = bytes.fromhex("98f741dffbdc4edda2afe56b029581fa")
FRAGMENT_RECORD = 1


def records_of(content):
    """(kind, end) of the whole records of a segment, in their order: docs/formats/record.md."""
    found = []
    for kind, start, end in boxes(content):
        if kind == b"uuid" and content[start + 8:start + 24] == RECORD_ID and end <= len(content):
            protected = cbor2.loads(cbor2.loads(content[start + 24:end]).value[0])
            found.append((protected[-70002], end))
    return found


def kept_end(content):
    """(whole fragments, where what recovery keeps of an open segment ends, whether its last record ends it): up to the last record;
    of a segment without any, up to the last whole fragment."""
    fragments, end = whole_fragments_end(content)
    records = records_of(content)
    if not records:
        return fragments, end, False
    return fragments, records[-1][1], records[-1][0] != FRAGMENT_RECORD


def whole_fragments_end(content):
    """(Number of whole fragments, where the last one ends)."""
    found = boxes(content)
    ends = [end for (kind, _, _), (after, _, end) in zip(found, found[1:]) if (kind, after) == (b"moof", b"mdat")]
    return len(ends), ends[-1] if ends else 0
