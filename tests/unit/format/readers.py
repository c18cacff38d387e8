#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""A real encode in, ffprobe's packet list out: the same packets at the same times, in every state of the file.

Usage: readers.py CONTAINER...   (the program of tools/trial, after its emulator where there is one)
"""
import json
import subprocess
import sys
import tempfile

CONTAINER = sys.argv[1:]
STARTS = [0, 480, -480, -1024, 1440000]  # of the sound, in ticks of 1/48000 s
STATES = {"fragments": [], "appended": ["--append"], "finalised": ["--patch"]}


def output(*command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout, done.stderr


def encode(path):
    """Pictures at uneven times, sound in stereo."""
    output("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=30:d=6", "-f", "lavfi", "-i",
           "sine=440:r=48000:d=6", "-vf", "setpts='PTS+floor(mod(N*7,5))*0.003/TB'", "-fps_mode", "passthrough",
           "-c:v", "libx264", "-preset", "veryfast", "-g", "30", "-bf", "0", "-tune", "zerolatency", "-pix_fmt",
           "yuv420p", "-c:a", "aac", "-ac", "2", "-b:a", "64k", "-video_track_timescale", "48000", path)


def packets(path, track):
    """(pts, dts, size, key, hash) of each packet, and what ffprobe complained about."""
    text, complaints = output("ffprobe", "-v", "warning", "-select_streams", str(track), "-show_data_hash", "MD5",
                              "-show_entries", "packet=pts,dts,size,flags,data_hash", "-of", "json", path)
    found = [(p["pts"], p["dts"], int(p["size"]), p["flags"][0] == "K", p["data_hash"])
             for p in json.loads(text)["packets"]]
    return found, [line for line in complaints.splitlines() if line]


def expected(source, track, start):
    """The source's packets from the given time on: their distances are what must be kept."""
    shift = start - source[0][0] if track == 1 else -source[0][0]
    return [(pts + shift, dts + shift, *rest) for pts, dts, *rest in source]


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        clip, out = folder + "/clip.mp4", folder + "/segment.mp4"
        encode(clip)
        source = [packets(clip, track)[0] for track in (0, 1)]
        assert len(source[0]) == 180 and len(source[1]) > 250, "the encode is not what it should be"
        for start in STARTS:
            for state, options in STATES.items():
                output(*CONTAINER, "write", "--sound-start", str(start), *options, clip, out)
                scan = json.loads(output(*CONTAINER, "scan", out)[0])
                good = scan["stop"] == 0 and scan["moov"] == ("none" if state == "fragments" else "whole")
                good = good and scan["finished"] == (state == "finalised")
                for track in (0, 1):
                    found, complaints = packets(out, track)
                    if state == "appended":
                        complaints = [c for c in complaints if "duplicated MOOV" not in c]
                    want = expected(source[track], track, start)
                    wrong = [i for i, pair in enumerate(zip(found, want)) if pair[0] != pair[1]]
                    if wrong or len(found) != len(want) or complaints:
                        good = False
                        print(f"  track {track}: {len(found)} of {len(want)} packets, {len(wrong)} different",
                              *[f"\n    {found[i]} for {want[i]}" for i in wrong[:3]], *complaints)
                print(f"sound at {start}, {state}: {'as written' if good else 'WRONG'}")
                failures += not good
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
