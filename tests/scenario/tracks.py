# SPDX-License-Identifier: EUPL-1.2
"""What a recording says about itself: its text and position tracks, as outside readers and a few lines of our own get
them; where a receiver's log says that it was; what is burned into its pictures."""

import math
import pathlib
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import numpy
from harness import BUILD, SOURCE

sys.path.insert(0, str(SOURCE / "tools/trial"))
sys.path.insert(0, str(SOURCE / "tests/unit/media"))
import overlay_reader  # noqa: E402
from metadata import exiftool_places  # noqa: E402
from players import gstreamer_pads  # noqa: E402

OVERLAY_PICTURE = BUILD / "tests/unit/media/overlay-picture"
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"
EARTH_M = 6371008.8


# ---- tracks ----------------------------------------------------------------------------------------------------


@dataclass
class Cue:
    tick: int
    duration: int
    text: str
    file: int

    def lines(self):
        return self.text.split("\n")


@dataclass
class Place:
    tick: int
    file: int
    mode: int           # 0: no fix
    lat: float = None
    lon: float = None
    utc: str = None     # yymmddhhmmss.sss
    accuracy_mm: int = None


def cues_of(units):
    """The cues of judges.read_units()."""
    cues = []
    for unit in units.of["subtitle"]:
        size, = struct.unpack(">H", unit.data[:2])
        assert size == len(unit.data) - 2
        cues.append(Cue(unit.tick, unit.duration, unit.data[2:].decode(), unit.file))
    return cues


def klv(data):
    """GPMF as a list of (key, type, value), nested where it is."""
    found = []
    while data:
        key, kind, size, repeat = struct.unpack(">4scBH", data[:8])
        value = data[8:8 + size * repeat]
        assert len(value) == size * repeat, f"{key}: cut off"
        found.append((key.decode(), klv(value) if kind == b"\0" else value))
        data = data[8 + (size * repeat + 3) // 4 * 4:]
    return found


def places_of(units):
    places = []
    for unit in units.of["data"]:
        (key, device), = klv(unit.data)
        assert key == "DEVC"
        place = Place(unit.tick, unit.file, None)
        for key, stream in device:
            for name, value in stream if key == "STRM" else []:
                if name == "GPSF":
                    place.mode, = struct.unpack(">L", value)
                if name == "GPSU":
                    place.utc = value.decode()
                if name == "Accu":
                    place.accuracy_mm, = struct.unpack(">l", value)
                if name == "GPS5":
                    lat, lon = struct.unpack(">ll", value[:8])
                    place.lat, place.lon = lat / 1e7, lon / 1e7
        assert (place.lat is not None) == (place.mode in (2, 3))
        places.append(place)
    return places


def metres(a, b):
    """Between two (latitude, longitude)."""
    north = math.radians(b[0] - a[0])
    east = math.radians(b[1] - a[1]) * math.cos(math.radians(a[0]))
    return EARTH_M * math.hypot(north, east)


# One seek after the other, each answered when its picture is there, and its text: mpv reads that in another thread, and
# paused it may sleep over it until the next seek. Playing at full speed, mpv tells of no cue that is short.
SEEK = """local times, at, looks, seeks = {}, 0, 0, 0
for t in string.gmatch(mp.get_opt("times"), "[^/]+") do times[#times + 1] = tonumber(t) end
local function seek()
  looks, seeks = 0, seeks + 1
  mp.commandv("seek", times[at], "absolute+exact")
end
local function go_on()
  at, seeks = at + 1, 0
  if times[at] then seek() else mp.command("quit") end
end
local function look()
  local start, text = mp.get_property("sub-start", "nan"), mp.get_property("sub-text", "")
  looks = looks + 1
  if start == "nan" or text == "" then
    if looks < 25 then mp.add_timeout(0.02, look) return end
    if seeks < 10 then seek() return end
  end
  print("CUE " .. start .. " " .. text:gsub("\\n", "|"))
  go_on()
end
mp.register_event("playback-restart", function() if at > 0 then look() else go_on() end end)"""


def mpv_shows(path, times):
    """[(start, text)] of the cue that mpv shows at each of these times."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SEEK)
        script.flush()
        done = subprocess.run(["mpv", "--no-config", "--vo=null", "--ao=null", "--no-audio", "--pause", f"--script={script.name}",
                               "--script-opts=times=" + "/".join(f"{t:.6f}" for t in times), str(path)],
                              capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done
    shown = [line.split("CUE ", 1)[1].split(" ", 1) for line in done.stdout.replace("\r", "\n").splitlines() if "CUE " in line]
    return [(float(start), text.rstrip().replace("|", "\n")) for start, text in shown]


# ---- the source ------------------------------------------------------------------------------------------------


def log_positions(path):
    """{hhmmss: [(latitude, longitude)]} of a receiver's log: what its RMC and GGA sentences of that second say."""
    found = {}
    for line in pathlib.Path(path).read_text(errors="replace").splitlines():
        fields = line.split("*")[0].split(",")
        first = {"RMC": 3, "GGA": 2}.get(fields[0][3:])
        if first is None or not fields[first]:
            continue
        lat, north, lon, east = fields[first:first + 4]
        degrees = [int(text[:-2 - len(text.partition(".")[2]) - 1]) + float(text[-2 - len(text.partition(".")[2]) - 1:]) / 60
                   for text in (lat, lon)]
        found.setdefault(fields[1][:6], []).append((degrees[0] * (1 if north == "N" else -1),
                                                    degrees[1] * (1 if east == "E" else -1)))
    return found


def seconds_of_day(text):
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + int(text[4:6])


def nearest_m(log, second, at):
    """How far at is from the nearest position that the log has within a second of that second."""
    near = [place for text, places in log.items() if abs(seconds_of_day(text) - second) <= 1 for place in places]
    return min((metres(place, at) for place in near), default=math.inf)


# ---- burned in -------------------------------------------------------------------------------------------------


def lumas(file, width, height):
    """The pictures of a film: the luma plane of each."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(file), "-fps_mode", "passthrough", "-enc_time_base", "1:48000",
                          "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"], check=True, capture_output=True).stdout
    whole = numpy.frombuffer(raw, dtype=numpy.uint8).reshape(-1, width * height * 3 // 2)
    return whole[:, :width * height].reshape(-1, height, width)


class Overlay:
    """Reads the overlay of pictures of one size and one device."""

    def __init__(self, width, height, device, unit):
        self.width, self.height, self.device, self.unit = width, height, device, unit
        self.letters = overlay_reader.Letters(FONT, overlay_reader.em_px(width, height), unit.replace(" ", ""))
        values = numpy.setdiff1d(numpy.arange(256), [16, 62, 102, 128, 207]).astype(numpy.uint8)
        self.noise = values[numpy.random.default_rng(1).integers(0, len(values), width * height * 3 // 2)].tobytes()

    def cells(self, utc_ms, place, marks, contents="TDUPS"):
        """Where the cells and letters of such an overlay lie, and the text that stands there without its blanks."""
        options = {"width": self.width, "height": self.height, "font": FONT, "device": self.device, "unit": self.unit,
                   "utc_ms": "none" if utc_ms is None else utc_ms, "marks": marks, "contents": contents}
        if place is None:
            options["fix"] = 0
        else:
            options.update(lat_e7=round(place[0] * 1e7), lon_e7=round(place[1] * 1e7),
                           accuracy_mm=-1 << 31 if place[2] is None else place[2])
        done = subprocess.run([str(OVERLAY_PICTURE), *(f"{k}={v}" for k, v in options.items())], input=self.noise,
                              check=True, capture_output=True)
        before, after = (overlay_reader.planes(p, self.width, self.height, "i420") for p in (self.noise, done.stdout))
        text, cells = overlay_reader.read(after, overlay_reader.lines(before, after), self.letters)
        return text.replace(" ", ""), cells

    def read(self, luma, cells):
        return overlay_reader.reread(luma, cells, self.letters)
