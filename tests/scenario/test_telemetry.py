# SPDX-License-Identifier: EUPL-1.2
"""What picture and file say of time, place and state: an incident on real footage with a real receiver's log, in which
the clock is set, lost and found, the receiver falls silent, and an emergency comes and goes. Read back from the
pictures, and by outside readers from the tracks, in closed and in recovered files."""

import calendar
import random
import time
from dataclasses import dataclass

import pytest
from harness import DATA, NS, TICKS, probe, share
from judges import judge_joints, units_of
from tracks import Overlay, cues_of, exiftool_places, gstreamer_pads, log_positions, lumas, metres, mpv_shows, nearest_m, \
    places_of, seconds_of_day

START_S = 100
UTC_NS = calendar.timegm((2026, 11, 26, 1, 12, 14)) * NS  # at the start
LOG = DATA / "boat.nmea"
LOG_BEGIN = seconds_of_day("094736")  # its first position, told at the start
DEVICE, UNIT = "CAM-7", "Wache Köln №7"
WIDTH, HEIGHT = 640, 360
PRE_S, FRESH_S, RATE = 4, 3, 10
FRAMES_READ = share(30, 70, 200)
SETTINGS = {
    "device": {"id": DEVICE, "unit": UNIT, "make": "Öpen", "model": "M1"},
    "camera": {"driver": "file", "file": DATA / "people.mp4", "width": WIDTH, "height": HEIGHT},
    "microphone": {"driver": "file"},
    "video": {"bit_rate": "2M", "preset": "superfast"},
    "recording": {"pre_event": f"{PRE_S} s", "post_event": "1 s", "segment": "10 s"},
    "gnss": {"driver": "nmea", "file": LOG, "fresh": f"{FRESH_S} s"},
    "overlay": {"contents": "time device unit position state"},
}
# Between two pictures each: whether the change is seen in the next one and not before is the question.
SCRIPT = [(108.05, "press", None), (113.45, "emergency", None), (117.25, "clock", UTC_NS + 3617_250_000_000), (121.65, "release", None),
          (124.35, "clock", None), (127.55, "clock", UTC_NS + 27_550_000_000), (131.15, "silence", "stall"), (138.85, "silence", "none"),
          (143.25, "stop", None)]


@dataclass
class Played:
    recording: object
    units: object
    cues: list
    places: list
    end_s: float


def act(d, what, value):
    if what == "press":
        d.press()
    elif what == "stop":
        d.record_stop()
    elif what == "emergency":
        d.press("emergency")
    elif what == "release":
        d.emergency_release()
    elif what == "silence":
        d.set_fault("gnss", value)
    elif value is None:
        d.set_utc(0, "none")
    else:
        d.set_utc(value)


def play(d, until_s):
    for at, what, value in SCRIPT:
        if at > until_s:
            break
        d.run_until(round(at * NS))
        act(d, what, value)
    d.run_until(round(until_s * NS))


def of(recording):
    units = units_of(recording)
    return Played(recording, units, cues_of(units), places_of(units), recording.end_s)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("telemetry")


@pytest.fixture(scope="module")
def closed(folder):
    from harness import Daemon
    with Daemon(folder / "closed", SETTINGS) as d:
        play(d, 145)
        d.run_until_closed()
    recording, = d.recordings()
    assert recording.state == "closed" and len(recording.files) == 5
    return of(recording)


@pytest.fixture(scope="module")
def recovered(folder):
    from harness import Daemon
    with Daemon(folder / "recovered", SETTINGS) as d:
        play(d, 130.27)
        d.kill()
        d.start()
    recording, = d.recordings()
    assert recording.state == "recovered"
    return of(recording)


@pytest.fixture(params=["closed", "recovered"])
def played(request):
    return request.getfixturevalue(request.param)


# ---- what must be said at an instant ---------------------------------------------------------------------------


def marks_at(at):
    recording = any(what == "press" and at > t for t, what, _ in SCRIPT)
    emergency = [what for t, what, _ in SCRIPT if at > t and what in ("emergency", "release")]
    return recording * 1 + (emergency[-1:] == ["emergency"]) * 2


def utc_at(at):
    """Milliseconds since 1970, or None."""
    since, utc = START_S, UTC_NS
    for t, what, value in SCRIPT:
        if what == "clock" and at > t:
            since, utc = t, value
    return None if utc is None else utc // 1_000_000 + round((at - since) * 1000)


def place_at(places, at):
    """What the newest position told by then says: (latitude, longitude, accuracy), or None."""
    told = [p for p in places if p.tick <= round(at * TICKS)]
    return (told[-1].lat, told[-1].lon, told[-1].accuracy_mm) if told and told[-1].lat is not None else None


def written(at, place):
    """What must be written into the picture of that instant, without the blanks."""
    utc = utc_at(at)
    text = "TIMENOTSET" if utc is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(utc // 1000))
    text += DEVICE + UNIT
    if place is None:
        text += "NOFIX"
    else:
        accuracy = "?" if place[2] is None else f"{-(-place[2] // 1000)}m"
        text += f"{place[0]:.6f}{place[1]:.6f}±{accuracy}"
    return (text + {0: "", 1: "REC", 3: "RECEMERGENCY"}[marks_at(at)]).replace(" ", "")


# ---- the picture -----------------------------------------------------------------------------------------------


def test_pictures_are_read_back(closed):
    overlay = Overlay(WIDTH, HEIGHT, DEVICE, UNIT)
    shown = [luma for file in closed.recording.files for luma in lumas(file, WIDTH, HEIGHT)]
    times = [unit.tick / TICKS for unit in closed.units.pictures]
    assert len(shown) == len(times)
    # Those around every change, and any others.
    wanted = {i for t, _, _ in SCRIPT for i, at in enumerate(times) if abs(at - t) < 0.11}
    wanted |= {i for i, at in enumerate(times) if abs(at - 131.15 - FRESH_S) < 1.1}
    random.seed(1)
    wanted |= set(random.sample(range(len(times)), FRAMES_READ))
    for i in sorted(wanted):
        utc, place = utc_at(times[i]), place_at(closed.places, times[i])
        # Where letters lie is asked of the overlay, told of another second; which letters they are is read.
        _, cells = overlay.cells(utc and utc + 1000, place, marks_at(times[i]))
        assert overlay.read(shown[i], cells) == written(times[i], place), f"picture {i} at {times[i]:.3f} s"
    print(f"{len(wanted)} pictures read")


# ---- the tracks ------------------------------------------------------------------------------------------------


def test_cues_say_what_was_so(played):
    names = {1: " REC", 3: " REC EMERGENCY", 0: ""}
    for cue in played.cues:
        at = cue.tick / TICKS
        utc, place, head = utc_at(at), place_at(played.places, at), cue.lines()[0]
        begin = "TIME NOT SET" if utc is None else time.strftime("%Y-%m-%d %H%M%SZ within 0.0", time.gmtime(utc // 1000))
        assert head.startswith(begin) and head.endswith(f" {DEVICE} {UNIT}{names[marks_at(at)]}"), (at, cue.text)
        if place is None:
            assert cue.lines()[-1] == "NO FIX", (at, cue.text)
        else:
            said = cue.lines()[-1].replace(":", " ").split()
            assert said[0] == "Lat" and said[2] == "Lon"
            assert metres((float(said[1]), float(said[3])), place) < 0.1


def test_cues_are_where_they_belong(played):
    """With the first picture after each change, at every second, at the start of every file; no hole, no overlap."""
    begins = {cue.tick for cue in played.cues}
    pictures = [unit.tick for unit in played.units.pictures]
    end = played.cues[-1].tick
    for t, what, _ in SCRIPT:
        after = next((tick for tick in pictures if tick > t * TICKS), None)
        if what != "silence" and after and pictures[0] < t * TICKS and after <= end and t < 140:
            assert after in begins, f"{what} at {t} s"
    assert pictures[0] == played.cues[0].tick == played.places[0].tick
    for track in (played.cues, played.places):
        for a, b in zip(track, track[1:]):
            # ffprobe lets the last unit of these tracks last as long as the longest track: within a file only.
            assert a.file != b.file or a.tick + a.duration == b.tick if hasattr(a, "duration") else a.tick < b.tick
            assert b.tick - a.tick <= TICKS + TICKS // RATE
    for number, segment in enumerate(played.recording.segments):
        for track in (played.cues, played.places):
            assert next(one.tick for one in track if one.file == number) == segment["first_ticks"]
    # What the power took along: at most the GOP that was being written, and a fragment.
    lag = played.units.pictures[-1].tick - end
    assert lag <= (TICKS * 3 // 2 if played.recording.state == "recovered" else TICKS)


def test_outside_readers_get_every_cue(played):
    for number, file in enumerate(played.recording.files):
        first = played.recording.segments[number]["first_ticks"]
        want = [((cue.tick - first) / TICKS, cue.text) for cue in played.cues if cue.file == number]
        shown = mpv_shows(file, [max(at - 0.002, 0) for at, _ in want])
        assert [text for _, text in shown] == [text for _, text in want], file
        assert all(abs(a - b) < 0.002 for (a, _), (b, _) in zip(shown, want)), file
        pads = gstreamer_pads(file)
        assert [round(t * TICKS / NS) for t in pads["subtitle_0"]] == [round(at * TICKS) for at, _ in want]
        assert [round(t * TICKS / NS) + first for t in pads["meta_0"]] == [p.tick for p in played.places if p.file == number]


def test_positions_are_those_of_the_receiver(played):
    log = log_positions(LOG)
    fixes = [p for p in played.places if p.lat is not None]
    for place in fixes:
        assert place.utc, place
        assert nearest_m(log, seconds_of_day(place.utc[6:12]), (place.lat, place.lon)) <= 1, place
    # Each report once, and again with key frames while it holds; but for those of the silence.
    keys = {unit.tick for unit in played.units.pictures if unit.key}
    assert all(b.utc != a.utc or b.tick in keys for a, b in zip(fixes, fixes[1:]))
    heard = sum(1 for at in range(START_S, 200) if played.units.pictures[0].tick / TICKS <= at < played.places[-1].tick / TICKS and
                not 131.15 < at < 138.85)
    assert abs(len({p.utc for p in fixes}) - heard) <= 2
    for file_number, file in enumerate(played.recording.files):
        first = played.recording.segments[file_number]["first_ticks"]
        found, _ = exiftool_places(file)
        texts = [cue for cue in played.cues if cue.file == file_number and "Lat:" in cue.text]
        assert len(found[True]) == len(texts) and len(found[False]) == sum(p.file == file_number for p in fixes)
        for tag in found[True]:
            second = LOG_BEGIN + first / TICKS + float(tag["SampleTime"]) - START_S
            assert nearest_m(log, second, (float(tag["GPSLatitude"]), float(tag["GPSLongitude"]))) <= 1, tag
        for tag in found[False]:
            second = seconds_of_day(tag["GPSDateTime"].split(" ")[1].replace(":", ""))
            assert nearest_m(log, second, (float(tag["GPSLatitude"]), float(tag["GPSLongitude"]))) <= 1, tag


def test_a_silent_receiver_is_no_fix(closed):
    """Never an old position: from the limit on there is none, in either track."""
    for places in ([(p.tick, p.lat is not None) for p in closed.places],
                   [(cue.tick, "Lat:" in cue.text) for cue in closed.cues]):
        spoken = [has for tick, has in places if 131 + FRESH_S + 0.15 < tick / TICKS < 138.85]
        assert not any(spoken), places
    # The last one told before it was of 131 s; it is gone with the first picture 3 s after that.
    gone = next(cue for cue in closed.cues if cue.tick / TICKS > 131.2 and cue.lines()[-1] == "NO FIX")
    assert 131 + FRESH_S <= gone.tick / TICKS <= 131 + FRESH_S + 0.2


# ---- the clock -------------------------------------------------------------------------------------------------


def test_a_clock_that_was_set_is_declared_and_not_felt(closed):
    clock = closed.recording.manifest["clock"]
    first = closed.units.pictures[0].tick
    assert [(entry["source"], entry["step_ns"]) for entry in clock] == \
        [("ntp", None), ("ntp", 3600 * NS), ("none", None), ("ntp", None)]
    changes = [t for t, what, _ in SCRIPT if what == "clock"]
    assert clock[0]["from_ticks"] == first
    for entry, t in zip(clock[1:], changes):
        assert 0 < entry["from_ticks"] / TICKS - t < 1 / RATE
        said = next(cue for cue in closed.cues if cue.tick == entry["from_ticks"])
        assert said.lines()[1].startswith("CLOCK "), said
        if entry["utc_ns"] is not None:
            assert abs(entry["utc_ns"] // 1_000_000 - utc_at(entry["from_ticks"] / TICKS)) <= 1
    assert sum("\nCLOCK " in cue.text for cue in closed.cues) == len(changes)
    judge_joints(closed.recording)
    assert closed.recording.gaps == []


def test_the_recovered_manifest_keeps_it(recovered):
    assert [entry["source"] for entry in recovered.recording.manifest["clock"]] == ["ntp", "ntp", "none", "ntp"]


def test_the_files_say_who_when_and_where(played):
    log = log_positions(LOG)
    for segment, file in zip(played.recording.segments, played.recording.files):
        tags = probe(file)["format"]["tags"]
        at = segment["first_ticks"] / TICKS
        utc = utc_at(at)
        assert tags["com.apple.quicktime.make"] == "Öpen" and tags["com.apple.quicktime.model"] == "M1"
        assert tags["org.bodycam.device"] == DEVICE
        assert ("creation_time" in tags) == (utc is not None)
        if utc is not None:
            assert tags["creation_time"][:19] == time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(utc // 1000))
        place = place_at(played.places, at)
        location = tags.get("com.apple.quicktime.location.ISO6709")
        assert (location is None) == (place is None)
        if place:
            assert nearest_m(log, LOG_BEGIN + at - START_S, (float(location[:10]), float(location[10:21]))) <= 1


# ---- a clock that cannot be ------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [None, "1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z"])
def test_time_not_set(daemon, start):
    d = daemon({**SETTINGS, "utc": {"start": start}, "gnss": {"driver": "none"}})
    d.run_for(6)
    assert "time-unset" in d.flags and "no-gnss" not in d.flags
    assert "clock      TIME NOT SET\n" in d.ctl("status").stdout
    d.press()
    d.run_for(3)
    d.record_stop()
    d.run_until_closed()
    recording, = d.recordings()
    units = units_of(recording)
    assert not units.of["data"] and len(probe(recording.files[0])["streams"]) == 3
    assert all(cue.text.startswith(f"TIME NOT SET {DEVICE}") and "\n" not in cue.text for cue in cues_of(units))
    assert "creation_time" not in probe(recording.files[0])["format"]["tags"]
    assert recording.manifest["clock"] == [{"from_ticks": units.pictures[0].tick, "source": "none", "utc": None, "utc_ns": None,
                                            "uncertainty_ns": None, "step_ns": None, "count": 1}]
    # The last picture: recording.
    overlay = Overlay(WIDTH, HEIGHT, DEVICE, UNIT)
    _, cells = overlay.cells(None, None, 1, contents="TDUS")
    assert overlay.read(lumas(recording.files[-1], WIDTH, HEIGHT)[-1], cells) == \
        f"TIMENOTSET{DEVICE}{UNIT}REC".replace(" ", "")


# ---- bad settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings, words", [
    ({"overlay": {"contents": "time", "font": "/nonexistent.ttf"}}, ["[overlay] font", "/nonexistent.ttf"]),
    ({"overlay": {"contents": "time", "font": DATA / "README.md"}}, ["[overlay]", "README.md"]),
    ({"overlay": {"contents": "unit"}, "device": {"unit": "警察"}}, ["[overlay] contents", "U+8B66", "unit"]),
    ({"overlay": {"contents": "unit"}, "device": {"unit": "שלום"}}, ["[overlay] contents", "unit"]),
    ({"overlay": {"contents": "unit"}, "device": {"unit": "W" * 64}}, ["[overlay] contents", "unit", "px"]),
    ({"overlay": {"contents": "time"}, "camera": {"width": 160, "height": 120}}, ["[overlay] contents", "160x120"]),
    ({"gnss": {"driver": "nmea", "file": "/nonexistent"}}, ["/nonexistent"]),
    ({"gnss": {"driver": "nmea", "file": DATA / "README.md"}}, ["README.md"]),
])
def test_refused(tmp_path, settings, words):
    from harness import run_bodycamd, write_settings
    base = {"store": {"path": tmp_path / "store"}, "camera": {"width": 320, "height": 180}}
    for section, keys in settings.items():
        base[section] = {**base.get(section, {}), **keys}
    write_settings(tmp_path / "c", base)
    for arguments in (["--check"], []):
        done = run_bodycamd("--config", tmp_path / "c", *arguments)
        assert done.returncode in (3, 4), done
        for word in words:
            assert word in done.stderr, done.stderr
    assert not (tmp_path / "store").exists() or not list((tmp_path / "store/recordings").iterdir())
