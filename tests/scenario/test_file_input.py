# SPDX-License-Identifier: EUPL-1.2
"""Real footage in place of camera and microphone: what is recorded is the clip, picture by picture, looped without a
seam in time."""

import array
import subprocess

import pytest
import readers
from harness import DATA, TICKS
from judges import judge_joints, judge_players

ORIGIN = 100 * TICKS  # where the simulated clock starts, and with it the clip
SMALL = (48, 36)


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout


def grey(path, width, height):
    """Every picture of a film, fitted into width x height, then small and grey. The reference is FFmpeg's own fitting."""
    fit = (f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1,"
           f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,scale={SMALL[0]}:{SMALL[1]}:flags=area,format=gray")
    raw = run("ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-vf", fit, "-fps_mode", "passthrough",
              "-enc_time_base", "1:48000", "-f", "rawvideo", "-")
    size = SMALL[0] * SMALL[1]
    return [raw[i:i + size] for i in range(0, len(raw), size)]


def difference(a, b):
    return sum(abs(x - y) for x, y in zip(a, b)) / len(a)


def loudness(samples):
    """Mean level of each 20 ms of 48 kHz mono."""
    return [sum(map(abs, samples[i:i + 960])) / 960 for i in range(0, len(samples) - 960, 960)]


def sound_of(*inputs):
    raw = run("ffmpeg", "-v", "error", *inputs, "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "s16le", "-")
    return array.array("h", raw)


def likeness(a, b):
    """Correlation of two rows of levels."""
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    mean_a, mean_b = sum(a) / n, sum(b) / n
    up = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    return up / (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5


def record(d, seconds):
    """From the very first picture on."""
    d.run_for(2)
    d.press()
    d.run_for(seconds)
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    recording, = d.recordings()
    assert recording.state == "closed"
    return recording


def settings(clip, microphone=None, width=384, height=288, **recording):
    return {"camera": {"driver": "file", "file": clip, "width": width, "height": height, "rate": 10},
            "microphone": microphone or {"driver": "file"}, "video": {"bit_rate": "1500k"},
            "recording": {"pre_event": "3 s", "post_event": "0 s", "segment": "5 s", **recording}}


def source_times(clip):
    """Presentation times of a clip's pictures in ticks, in order."""
    times = sorted(float(p["pts_time"]) for p in readers.packets(str(clip)) if p["codec_type"] == "video")
    return [round(t * TICKS) for t in times]


def recorded(recording, width, height):
    """(tick since the clip began, small picture) of all that was recorded."""
    units = judge_joints(recording)
    pictures = [p for file in recording.files for p in grey(file, width, height)]
    assert len(pictures) == len(units.pictures)
    return [(u.tick - ORIGIN, p) for u, p in zip(units.pictures, pictures)]


def judge_loops(pictures, times, source, most=6):
    """What is shown when is the clip's own, in every loop; each loop begins one period after the one before. Returns the
    period."""
    assert [t for t, _ in pictures[:len(times)]] == pytest.approx(times, abs=1)
    period = pictures[len(times)][0]
    for number, (tick, picture) in enumerate(pictures):
        loop, at = divmod(number, len(times))
        assert tick == pytest.approx(loop * period + times[at], abs=1), f"picture {at} of loop {loop}"
        assert difference(picture, source[at]) < most, f"picture {at} of loop {loop} is another one"
    return period


def test_people_walking_and_a_voice(daemon):
    """The clip with its own sound, three and a half times."""
    clip = DATA / "people.mp4"
    d = daemon(settings(clip))
    recording = record(d, 40)
    # The sound starts with the first access unit of the grid.
    assert all(g["kind"] == "pre-event" or g["kind"] == "no-sound" and g["to_ticks"] <= ORIGIN + 2048 for g in recording.gaps)
    pictures, times, source = recorded(recording, 384, 288), source_times(clip), grey(clip, 384, 288)
    assert len(times) == 120 and len(pictures) == 420
    assert judge_loops(pictures, times, source) == 12 * TICKS
    # Pictures that are not meant would have been seen: those of another second differ more.
    assert min(difference(pictures[i][1], source[(i + 15) % 120]) for i in range(120)) > \
        2 * max(difference(pictures[i][1], source[i]) for i in range(120))
    clip_levels = loudness(sound_of("-i", clip))
    sound = joined_sound(recording, d.folder)
    for loop in range(3):
        levels = loudness(sound[loop * 12 * 48000:(loop + 1) * 12 * 48000])
        assert likeness(levels, clip_levels) > 0.97, f"loop {loop}"
        assert likeness(levels[10:], clip_levels) < 0.5, "the measure does not see 200 ms"
    for file in recording.files[:2]:
        judge_players(file)


def joined_sound(recording, folder):
    """All sound from the clip's beginning on, in one piece."""
    names = folder / "films.txt"
    lines = [f"file '{file}'\nduration {(s['end_ticks'] - s['first_ticks']) / TICKS:.6f}\n"
             for file, s in zip(recording.files, recording.segments)]
    names.write_text("".join(lines))
    return sound_of("-f", "concat", "-safe", "0", "-i", names, "-af", "aresample=async=1:first_pts=0")


def test_sound_that_is_longer_than_the_picture(daemon):
    """The clip's picture waits for its sound, as declared slates; then both begin again together."""
    d = daemon(settings(DATA / "people.mp4", {"driver": "file", "file": DATA / "speech.flac"}))
    recording = record(d, 44)
    length = float(run("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0",
                       DATA / "speech.flac"))
    period = round(length * TICKS)
    gaps = recording.gaps_of("no-picture")
    assert len(gaps) == 2 or len(gaps) == 3
    for loop, gap in enumerate(gaps[:2]):
        assert gap["from_ticks"] - ORIGIN == pytest.approx(loop * period + 12 * TICKS, abs=2)
        assert gap["to_ticks"] - ORIGIN == pytest.approx((loop + 1) * period, abs=2)
    speech = loudness(sound_of("-i", DATA / "speech.flac"))
    sound = joined_sound(recording, d.folder)
    for loop in range(2):
        assert likeness(loudness(sound[loop * period:(loop + 1) * period]), speech) > 0.97


def make_variable(path):
    """Every third and every seventh picture: intervals of 100, 200 and 300 ms."""
    run("ffmpeg", "-v", "error", "-y", "-i", DATA / "people.mp4", "-an", "-vf", "select='not(mod(n,3))+not(mod(n,7))'",
        "-fps_mode", "vfr", "-c:v", "libx264", "-qp", "10", "-preset", "ultrafast", path)


def make_odd(path):
    run("ffmpeg", "-v", "error", "-y", "-i", DATA / "people.mp4", "-an", "-t", "4", "-vf", "scale=317:239,format=yuv444p",
        "-c:v", "ffv1", path)


def make_rotated(path):
    """A clip that says it must be turned: in the matrix of its tkhd."""
    run("ffmpeg", "-v", "error", "-y", "-i", DATA / "people.mp4", "-an", "-t", "4", "-c:v", "libx264", "-qp", "10",
        "-preset", "ultrafast", "-s", "384x288", path)
    film = bytearray(path.read_bytes())
    matrix = film.index(b"tkhd") + 4 + 40
    entries = (0, 1 << 16, 0, -(1 << 16), 0, 0, 288 << 16, 0, 1 << 30)
    film[matrix:matrix + 36] = b"".join((e & 0xffffffff).to_bytes(4, "big") for e in entries)
    path.write_bytes(film)


@pytest.mark.parametrize("make, name, width, height", [
    (make_variable, "variable.mp4", 384, 288), (make_odd, "odd.mkv", 320, 240), (make_rotated, "rotated.mp4", 288, 384),
    (make_rotated, "rotated.mp4", 384, 288)])
def test_odd_clips(daemon, tmp_path, make, name, width, height):
    clip = tmp_path / name
    make(clip)
    d = daemon(settings(clip, {"driver": "none"}, width, height))
    recording = record(d, 11 if make != make_variable else 30)
    assert [g["kind"] for g in recording.gaps] == ["pre-event"]
    units = judge_joints(recording, sound=False)
    pictures = [p for file in recording.files for p in grey(file, width, height)]
    pictures = [(u.tick - ORIGIN, p) for u, p in zip(units.pictures, pictures)]
    times = source_times(clip)
    assert len(pictures) > 2.5 * len(times)
    period = judge_loops(pictures, times, grey(clip, width, height))
    assert 0 < period - times[-1] <= TICKS * 3 // 10
    for file in recording.files:
        size = run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of",
                   "csv=p=0", file).decode().strip()
        assert size == f"{width},{height}"
        judge_players(file)
