#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Power cuts while segments are written: whatever was acknowledged is there, byte for byte, and plays.

Usage: segments.py BUILD_DIR PART    PART: writer, control-no-sync, control-no-barrier
The controls run the same check on a writer with a fault, and fail when the check finds nothing.
40 states, 400 with BC_LONG=1. Exit status 77: this machine cannot do it.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from disk import PowerCutDisk, Skip, run

SKIPPED = 77
PARTS = {
    # part: (fault of the writer, segments, fragments in each)
    "writer": (None, 6, 6),
    "control-no-sync": ("no-sync", 6, 6),
    "control-no-barrier": ("no-barrier", 24, 1),
}


class Bench:
    def __init__(self, build, folder, part):
        build = pathlib.Path(build)
        self.container = build / "tools/trial/container"
        self.writer = build / "tests/powercut/powercut_segment_writer"
        self.disk = build / "tests/powercut/powercut_disk"
        self.folder = pathlib.Path(folder)
        self.fault, self.segments, self.fragments = PARTS[part]
        self.source = self.folder / "source.mp4"
        self.counts = {}

    def prepare(self):
        clip = self.folder / "clip.mp4"
        run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=30:d=4", "-f", "lavfi", "-i",
            "sine=440:r=48000:d=4", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "30",
            "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-video_track_timescale", "48000", clip)
        run(self.container, "write", "--sound-start", "480", clip, self.source)
        # The same call into an ordinary folder: what the files must be.
        (self.folder / "reference").mkdir()
        run(self.writer, self.source, self.folder / "reference", self.segments, self.fragments)

    def write(self, disk):
        run(self.writer, self.source, disk.mounted, self.segments, self.fragments, disk.marks,
            *([self.fault] if self.fault else []))

    def scan(self, path):
        return json.loads(run(self.container, "scan", path))

    def packets(self, path):
        """Packets per track by ffprobe's count, or its complaint."""
        done = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets",
                               "-of", "csv=p=0", str(path)], capture_output=True, text=True)
        if done.returncode != 0 or done.stderr:
            return done.stderr.strip() or "no packets"
        return [int(line.strip(",")) if line[0].isdigit() else 0 for line in done.stdout.split()]

    def check_state(self, state, path):
        """What is wrong in this state, in words; empty when all that was acknowledged is there."""
        durable, finalised = {}, set()
        for word, name, size in (mark.split() for mark in state.marks):
            durable[name] = int(size)
            if word == "finalised":
                finalised.add(name)
        recording, wrong = path / "recording", []
        there = sorted(p.name for p in recording.iterdir()) if recording.is_dir() else []
        wrong += [f"{name} is missing" for name in durable if name not in there]
        for name in there:
            wrong += [f"{name}: {w}" for w in self.check_file(recording / name, durable.get(name, 0), name in finalised)]
        return wrong

    def check_file(self, file, durable, finalised):
        data, reference = file.read_bytes(), (self.folder / "reference/recording" / file.name).read_bytes()
        if finalised:
            return [] if data == reference else ["was finalised and is not what was written"]
        scan = self.scan(file)
        if "error" in scan:
            return [] if durable == 0 else [f"no head, {durable} bytes were durable"]
        wrong = []
        if scan["boxes_end"] < durable:
            wrong.append(f"{durable} bytes were durable, {scan['boxes_end']} are whole")
        if scan["patched"] and scan["moov"] != "whole":
            wrong.append("the header is patched and there is no moov for it")
        # Up to the patched header, what is durable is what was written.
        header = slice(scan["moov_header"], scan["moov_header"] + 8)
        mine, original = bytearray(data), bytearray(reference)
        mine[header] = original[header] = bytes(8)
        if mine[:durable] != original[:durable]:
            wrong.append(f"the {durable} durable bytes are not those written")
        if scan["fragments"]:
            wrong += self.check_play(file, data, scan)
        return wrong

    def check_play(self, file, data, scan):
        """Recovered, it plays to its last whole fragment."""
        recovered = self.folder / "recovered.mp4"
        recovered.write_bytes(data if scan["moov"] == "whole" else data[:scan["boxes_end"]])
        want, found = [sum(f["samples"][t] for f in scan["fragments"]) for t in (0, 1)], self.packets(recovered)
        if scan["moov"] == "whole" and isinstance(found, str) and "duplicated MOOV" in found:
            found = want
        return [] if found == want else [f"plays {found}, not {want}"]


def main(build, part):
    long = os.environ.get("BC_LONG") == "1"
    count = 400 if long else 40
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        bench = Bench(build, folder, part)
        bench.prepare()
        disk = PowerCutDisk(bench.disk, folder)
        with disk:
            bench.write(disk)
        bad, whole = 0, 0
        for state in disk.states(count, random.Random(int(os.environ.get("BC_SEED", "1")))):
            try:
                with state.mounted() as path:
                    wrong = bench.check_state(state, path)
            except subprocess.CalledProcessError as error:
                wrong = [f"cannot be mounted: {error.stderr.strip()}"]
            whole += bool(state.marks)
            bad += bool(wrong)
            if wrong and (not bench.fault or bad <= 3):
                print(f"state {state.number}, cut after event {state.cut}, {len(state.marks)} acknowledgements:",
                      *wrong, sep="\n  ")
        print(f"{part}: {len(disk.events())} events logged, {count} cuts, {whole} with something acknowledged, {bad} violations")
    if bench.fault:
        return 0 if bad > 0 else 1
    return 1 if bad > 0 or whole < count // 2 else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in PARTS:
        sys.exit(__doc__)
    try:
        sys.exit(main(sys.argv[1], sys.argv[2]))
    except Skip as reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
