# SPDX-License-Identifier: EUPL-1.2
"""What outside readers get out of the text track, the position track and the file metadata of a segment that
`container write --extras` made: each judge answers in words, beginning with "all" when nothing is missing."""
import hashlib
import json
import subprocess
import tempfile

from players import ffprobe_packets, gstreamer_pads, output

TICKS = 48000
SILENT_SECOND = 3  # its cue is empty
ABOUT = {"make": "Öpen Make", "model": "Model 1", "device": "trial", "location": "+59.3293+018.0686+012.3/"}
KEYS = {"make": "com.apple.quicktime.make", "model": "com.apple.quicktime.model", "device": "org.bodycam.device",
        "location": "com.apple.quicktime.location.ISO6709"}
LUA = """mp.observe_property("sub-text", "string", function(_, text)
  if text and text ~= "" then print("CUE " .. mp.get_property("sub-start", "?") .. " " .. text:gsub("\\n", "|")) end
end)"""
KNOWN = ["Unsupported codec with id 98314",   # ffprobe of any gpmd track: it has no decoder for it
         "Found duplicated MOOV Atom",         # libavformat of any appended segment
         "The ExtractEmbedded option may find more tags"]  # exiftool of any file with such tracks


def place(second):
    """Latitude, longitude, altitude of that second."""
    return round(59.3293 + second / 10000, 7), round(18.0686 - second / 5000, 7), round(12.3 + second / 10, 1)


def cue(second):
    if second == SILENT_SECOND:
        return ""
    lat, lon, alt = place(second)
    return f"2026-11-26 0112{14 + second:02}Z TEST-1 REC\nLat:{lat:.6f} Lon:{lon:.6f} Alt:{alt:.1f}"


def count(name, found, want):
    """All of them, or how many."""
    if found == want:
        return f"all {len(want)} {name}"
    return f"{name}: {sum(a == b for a, b in zip(found, want))} of {len(want)}"


def ffprobe_tracks(path, seconds):
    """Each text with its time and bytes, each position with its time."""
    texts = []
    for second in range(seconds):
        data = cue(second).encode()
        data = len(data).to_bytes(2, "big") + data
        texts.append((second * TICKS, len(data), True, "MD5:" + hashlib.md5(data).hexdigest()))
    positions = ffprobe_packets(path, 3)
    times = [p[0] for p in positions if p[2] and p[1] > 100]
    if len({p[3] for p in positions}) != len(positions):
        times = []  # each is another
    return count("texts", ffprobe_packets(path, 2), texts) + ", " + \
        count("positions", times, [second * TICKS for second in range(seconds)])


def ffprobe_about(path):
    found = json.loads(output("ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "json", path))
    tags = found["format"]["tags"]
    return count("fields", [tags.get(key) for key in KEYS.values()], [ABOUT[name] for name in KEYS])


def mpv_cues(path):
    """Each cue that mpv shows, with the time it begins at; and all lines that it says."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA)
        script.flush()
        done = subprocess.run(["mpv", "--no-config", "--vo=null", "--ao=null", "--ao-null-untimed", "--untimed",
                               f"--script={script.name}", "--term-playing-msg=META ${metadata}", str(path)],
                              capture_output=True, text=True, timeout=120)
    lines = (done.stdout + done.stderr).replace("\r", "\n").splitlines()
    shown = [line.split("CUE ", 1)[1].split(" ", 1) for line in lines if "CUE " in line]
    return [(float(time), text.strip().replace("|", "\n")) for time, text in shown if time != "?"], lines


def mpv_player(path, seconds):
    """Whether subtitles are offered, and each cue that is shown, with the time it begins at."""
    shown, lines = mpv_cues(path)
    offered = any("Subs" in line and "mov_text" in line for line in lines)
    want = [(float(second), cue(second)) for second in range(seconds) if cue(second)]
    ended = "" if any("End of file" in line for line in lines) else ", not to the end"
    about = all(any(f"{key}: {ABOUT[name]}" in line for line in lines) for name, key in KEYS.items())
    return (("track offered, " if offered else "no track, ") + count("cues", shown, want) + ended,
            "all 4 fields" if about else "not all")


def gstreamer_tracks(path, seconds):
    """Every buffer's time; an empty cue is a gap there, not a buffer."""
    pads = gstreamer_pads(path)
    texts = [second * 10**9 for second in range(seconds) if cue(second)]
    return count("texts", pads.get("subtitle_0", []), texts) + ", " + \
        count("positions", pads.get("meta_0", []), [second * 10**9 for second in range(seconds)])


def exiftool_places(path):
    """{True: out of text, False: out of GPMF}: the tags of each sample that has a place; and the file's own tags."""
    tags = json.loads(output("exiftool", "-ee", "-n", "-G3", "-a", "-j", path))[0]
    documents = {}
    for name, value in tags.items():
        group, _, tag = name.partition(":")
        if group.startswith("Doc"):
            documents.setdefault(int(group[3:]), {})[tag] = value
    found = {True: [], False: []}
    for _, tag in sorted(documents.items()):
        if "GPSLatitude" in tag:
            found["Text" in tag].append(tag)
    return found, {name.partition(":")[2]: value for name, value in tags.items() if name.startswith("Main:")}


def exiftool(path, seconds):
    """Each second's place, out of text and out of GPMF; then the file's own fields."""
    places, main = exiftool_places(path)
    found = {of_text: [(tag["SampleTime"], *(float(tag["GPS" + axis]) for axis in ("Latitude", "Longitude", "Altitude")))
                       for tag in places[of_text]] for of_text in places}
    want = [(second, *place(second)) for second in range(seconds)]
    texts = [w for w in want if cue(w[0])]
    about = [str(main.get(k)) for k in ("Make", "Model", "OrgBodycamDevice", "GPSCoordinates")]
    return (count("places out of text", found[True], texts) + ", " + count("out of GPMF", found[False], want),
            count("fields", about, [ABOUT["make"], ABOUT["model"], ABOUT["device"], "59.3293 18.0686 12.3"]))


def complaints(path):
    """What readers say of a file that they need not say, whether or not there is anything in its tracks."""
    probe = subprocess.run(["ffprobe", "-v", "warning", "-show_packets", str(path)], capture_output=True, text=True,
                           timeout=60)
    said = [line for line in probe.stderr.splitlines() if line]
    player = subprocess.run(["mpv", "--no-config", "--vo=null", "--ao=null", "--ao-null-untimed", "--untimed",
                             "--msg-level=all=no,ffmpeg=warn,demux=warn,lavf=warn,cplayer=error", str(path)],
                            capture_output=True, text=True, timeout=120)
    said += [line for line in (player.stdout + player.stderr).splitlines() if line.strip() and "AV: " not in line]
    said += [f"{reader.args[0]} failed" for reader in (probe, player) if reader.returncode != 0]
    said += output("exiftool", "-a", "-s", "-Warning", "-Error", path).splitlines()
    pads = gstreamer_pads(path)  # raises at an error
    if not pads.get("video_0") or not pads.get("audio_0"):
        said.append("GStreamer finds no picture or no sound")
    return [line for line in said if not any(known in line for known in KNOWN)]


def judge(path, seconds):
    """Verdicts: {"ffprobe", "GStreamer", "mpv", "exiftool"}: (tracks, file metadata)."""
    return {"ffprobe": (ffprobe_tracks(path, seconds), ffprobe_about(path)),
            "GStreamer": (gstreamer_tracks(path, seconds), None),
            "mpv": mpv_player(path, seconds),
            "exiftool": exiftool(path, seconds)}
