# SPDX-License-Identifier: EUPL-1.2
"""What is measured with: material in memory, the daemon under full load, processor time and memory of processes."""

import os
import pathlib
import platform
import resource
import shutil
import subprocess
import tempfile

from harness import BUILD, DATA, NS, TICKS, Daemon
from heap import memory_kb

WIDTH, HEIGHT, RATE = 1920, 1080, 30
PRESET, THREADS, BIT_RATE, SOUND_BIT_RATE = "superfast", 2, 8_000_000, 96_000
PROGRAMS = BUILD / "tools/benchmark"


class Failed(Exception):
    """A measurement cannot be made, or what it would compare is not the same."""


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr[-2000:]}")
    return done.stdout


class Places:
    """Folders to work in, removed at the end: one on a disk, one in memory where there is any."""

    def __init__(self, folder):
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="bodycam-bench-", dir=folder))
        shm = pathlib.Path("/dev/shm")
        roomy = os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 2 << 30
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="bodycam-bench-", dir=shm if roomy else folder))

    def fresh(self, place, name):
        """An empty folder; what it held before is gone."""
        folder = place / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def close(self):
        shutil.rmtree(self.disk, ignore_errors=True)
        shutil.rmtree(self.memory, ignore_errors=True)


class Material:
    """The same raw frames and samples for all that are compared: real footage, every picture of it once, at 30 a second
    (three times its pace) so that no picture repeats the one before; and real speech."""

    def __init__(self, places):
        self.frames = places.memory / "frames.i420"
        self.samples = places.memory / "speech.s16"
        run("ffmpeg", "-v", "error", "-i", DATA / "people.mp4", "-map", "0:v", "-vf", f"scale={WIDTH}:{HEIGHT}",
            "-pix_fmt", "yuv420p", "-f", "rawvideo", self.frames)
        run("ffmpeg", "-v", "error", "-i", DATA / "speech.flac", "-ar", "48000", "-ac", "1", "-f", "s16le", self.samples)
        self.count = self.frames.stat().st_size // (WIDTH * HEIGHT * 3 // 2)


def full_load(material, **changes):
    """Settings of the whole daemon at 1080p30: overlay, position, sound. changes: {section: {key: value}} on top."""
    settings = {
        "device": {"id": "BENCH-0001", "unit": "Unit 12"},
        "camera": {"driver": "file", "file": material.frames, "width": WIDTH, "height": HEIGHT, "rate": RATE},
        "microphone": {"driver": "file", "file": material.samples},
        "video": {"preset": PRESET, "threads": THREADS, "bit_rate": BIT_RATE},
        "sound": {"bit_rate": SOUND_BIT_RATE},
        "gnss": {"driver": "track"},
        "overlay": {"contents": "time device unit position state"},
        "recording": {"pre_event": "30 s", "post_event": "0 s", "segment": "5 min", "fragment": "500 ms"},
    }
    for section, keys in changes.items():
        settings[section] = {**settings.get(section, {}), **keys}
    return settings


def start_held(folder, settings, clock="simulated", env=None):
    """The daemon whose camera and microphone are memory."""
    return Daemon(folder, settings, clock=clock, env=env, program=PROGRAMS / "bodycamd-held")


# ---- processor time and memory -------------------------------------------------------------------------------------

def children_s():
    """(user, system) seconds of all children that have ended and were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime, usage.ru_stime


def threads_of(pid):
    """{name: (seconds on a processor, times it waited)} of the threads that live, those of one name together. Those
    of the encoder have the name of the program, as main has."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if name.startswith("bodycamd"):
            name = "main" if task.name == str(pid) else "encoder"
        on_cpu_s = int((task / "schedstat").read_text().split()[0]) / NS
        waits = int(next(line for line in (task / "status").read_text().splitlines()
                         if line.startswith("voluntary_ctxt")).split()[1])
        before = found.get(name, (0, 0))
        found[name] = (before[0] + on_cpu_s, before[1] + waits)
    return found


def process_s(pid):
    """Processor time so far of a living process whose threads all live."""
    return sum(cpu_s for cpu_s, _ in threads_of(pid).values())


class Run:
    """One run of a program: processor time of its whole life, frames it encoded, the peak of its memory."""

    def __init__(self, before, after, frames, peak_kb=None):
        self.user_s, self.system_s = (b - a for a, b in zip(before, after))
        self.frames, self.peak_kb = frames, peak_kb

    @property
    def cpu_s(self):
        return self.user_s + self.system_s

    @property
    def per_frame_ms(self):
        return 1000 * self.cpu_s / self.frames


def field(text, name):
    """NAME: NUMBER out of what bare-encoder prints."""
    return int(next(line for line in text.splitlines() if line.startswith(name + ":")).split()[1])


def run_bare(material, frames, threads=THREADS, out=None):
    before = children_s()
    told = run(PROGRAMS / "bare-encoder", "picture", material.frames, WIDTH, HEIGHT, RATE, frames, PRESET, threads,
               BIT_RATE, *([out] if out else []))
    return Run(before, children_s(), frames, field(told, "VmHWM"))


def run_bare_sound(material, seconds):
    before = children_s()
    told = run(PROGRAMS / "bare-encoder", "sound", material.samples, seconds * 48000 // 1024, SOUND_BIT_RATE)
    return Run(before, children_s(), seconds * RATE, field(told, "VmHWM"))


def run_ffmpeg(material, frames):
    """The ffmpeg program with the same options, over the same frames in memory; what comes out is thrown away."""
    before = children_s()
    run("ffmpeg", "-v", "error", "-nostdin", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", RATE,
        "-stream_loop", "-1", "-i", material.frames, "-frames:v", frames, "-c:v", "libx264", "-preset", PRESET, "-tune",
        "zerolatency", "-forced-idr", "1", "-sc_threshold", "0", "-b:v", BIT_RATE, "-maxrate", BIT_RATE, "-bufsize",
        BIT_RATE, "-bf", "0", "-g", 10 * RATE, "-force_key_frames", f"expr:gte(n,n_forced*{RATE})", "-threads", THREADS,
        "-thread_type", "slice", "-flags", "+cgop", "-f", "null", "-")
    return Run(before, children_s(), frames)


def run_daemon(folder, settings, seconds, look=None, closed=None):
    """The daemon from its start to its end, recording all the time, as fast as the machine can. look(daemon): before the
    recording ends; closed(daemon): when it has, and the daemon still lives."""
    with start_held(folder, settings) as daemon:
        before, began = children_s(), daemon.now()
        daemon.record_start("bench")
        daemon.run_until(began + seconds * NS)
        if look:
            look(daemon)
        daemon.record_stop()
        daemon.run_until_closed()
        if closed:
            closed(daemon)
        frames, dropped = daemon.get("Frames"), daemon.get("FramesDropped")
        ring_kb = daemon.get("RingCapacityBytes") // 1024
        peak_kb = memory_kb(daemon.process.pid, "VmHWM")
        recording, = daemon.recordings()
        daemon.terminate()
        result = Run(before, children_s(), frames, peak_kb)
    # It is asked to record at once: before the press there is nothing, nor the sound of the first instant, and it says so.
    gaps = [gap for gap in recording.gaps if gap["from_ticks"] > began * TICKS // NS + TICKS // 10]
    if dropped or gaps or recording.state != "closed":
        raise Failed(f"the daemon lost something: {dropped} frames, gaps {gaps}, {recording.state}")
    result.ring_kb, result.recording = ring_kb, recording
    return result


def describe():
    """The machine and what ran on it."""
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
               platform.machine())
    release = next((line.split("=", 1)[1].strip().strip('"') for line in open("/etc/os-release")
                    if line.startswith("PRETTY_NAME=")), "")
    return {"cpu": cpu, "cpus": os.cpu_count(), "kernel": platform.release(), "system": release,
            "ffmpeg": run("ffmpeg", "-version").splitlines()[0], "load_at_start": os.getloadavg()[0]}
