#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Text track, position track and file metadata through ffprobe, mpv, GStreamer and exiftool, in every state of the
file; and the same tracks with nothing in them, of which no reader may complain.

Usage: metadata_readers.py CONTAINER...   (the program of tools/trial, after its emulator where there is one)
"""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "tools/trial"))
import metadata  # noqa: E402
from players import ffprobe_packets, output  # noqa: E402

CONTAINER = sys.argv[1:]
SECONDS = 6
STATES = {"open": [], "appended": ["--append"], "closed": ["--patch"]}
# What is known to be missing: mpv shows no cue of an open file, exiftool reads no samples out of fragments.
NO_CUES = {"open", "appended"}
NO_SAMPLES = {"open"}


def expected(state):
    texts = f"all {SECONDS - 1} "
    cues = "cues: 0 of 5" if state in NO_CUES else texts + "cues"
    places = "places out of text: 0 of 5, out of GPMF: 0 of 6" if state in NO_SAMPLES else \
        texts + f"places out of text, all {SECONDS} out of GPMF"
    return {"ffprobe": (f"all {SECONDS} texts, all {SECONDS} positions", "all 4 fields"),
            "GStreamer": (texts + f"texts, all {SECONDS} positions", None),
            "mpv": ("track offered, " + cues, "all 4 fields"),
            "exiftool": (places, "all 4 fields")}


def as_in(clip, path):
    """Whether picture and sound are the clip's, beside whatever other tracks there are."""
    for track in (0, 1):
        want, found = ffprobe_packets(clip, track), ffprobe_packets(path, track)
        if [(pts - want[0][0], *rest) for pts, *rest in want] != [tuple(packet) for packet in found]:
            return False
    return True


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        clip, out = folder + "/clip.mp4", folder + "/segment.mp4"
        output("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s=320x240:r=30:d={SECONDS}", "-f", "lavfi", "-i",
               f"sine=440:r=48000:d={SECONDS}", "-c:v", "libx264", "-preset", "superfast", "-g", "30", "-bf", "0", "-tune",
               "zerolatency", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-video_track_timescale", "48000", clip)
        for state, options in STATES.items():
            for extras in ("full", "empty"):
                subprocess.run([*CONTAINER, "write", "--extras", extras, *options, clip, out], check=True)
                wrong = metadata.complaints(out) + ([] if as_in(clip, out) else ["picture or sound changed"])
                if extras == "full":
                    want = expected(state)
                    wrong += [f"{reader}: {found}, not {want[reader]}"
                              for reader, found in metadata.judge(out, SECONDS).items() if found != want[reader]]
                print(f"{state}, {extras}: {'; '.join(wrong) or 'as expected'}")
                failures += bool(wrong)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
