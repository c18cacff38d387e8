# SPDX-License-Identifier: EUPL-1.2
"""Processor time and memory of the whole daemon against bare encoders and the ffmpeg program."""

import subjects
from harness import NS
from subjects import Failed, full_load, run, run_bare, run_bare_sound, run_daemon, run_ffmpeg, threads_of
from report import median, spread

RATIO_MAX = 1.05
ABOVE_BARE_MAX_KB = 40_000
PROOF_S = 8


def picture_only(material, **changes):
    return full_load(material, microphone={"driver": "none", "file": None}, **changes)


def frame_sums(path, frames):
    told = run("ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-frames:v", frames, "-f", "framehash", "-hash", "md5", "-")
    return [line.split(",")[-1].strip() for line in told.splitlines() if line and not line.startswith("#")]


def prove_alike(places, material):
    """Without a text in it, what the daemon recorded is what the bare encoder makes, picture by picture: the same frames,
    the same options, and rate control did not step in. With one slice: of several that are encoded at once with a VBV,
    each looks at what the others have spent so far, so x264 need not do the same twice."""
    folder = places.fresh(places.memory, "proof")
    settings = picture_only(material, overlay={"contents": ""}, gnss={"driver": "none"}, video={"threads": 1})
    daemon = run_daemon(folder / "daemon", settings, PROOF_S)
    out = folder / "bare.h264"
    run_bare(material, PROOF_S * subjects.RATE, 1, out)
    theirs = frame_sums(out, PROOF_S * subjects.RATE)
    ours = frame_sums(daemon.recording.files[0], PROOF_S * subjects.RATE)
    differ = [number for number, (a, b) in enumerate(zip(ours, theirs)) if a != b]
    if not len(ours) == len(theirs) == PROOF_S * subjects.RATE or differ:
        raise Failed(f"the daemon does not encode what the bare encoder encodes: {len(ours)} and {len(theirs)} pictures, "
                     f"{len(differ)} of them differ, from {differ[:1]} on")


def measure(report, places, material, rounds, seconds, wanted):
    """Rounds of one run each, in turn; every other round backwards, so that what drifts hits all alike."""
    frames = seconds * subjects.RATE
    threads = {}

    def look(daemon):
        for name, spent in threads_of(daemon.process.pid).items():
            threads.setdefault(name, []).append(spent)

    def daemon(place, settings, look=None):
        return lambda: run_daemon(places.fresh(place, "daemon"), settings, seconds, look)

    kinds = {
        "bare": lambda: run_bare(material, frames),
        "daemon": daemon(places.disk, picture_only(material)),
        "daemon_tmpfs": daemon(places.memory, picture_only(material)),
        "ffmpeg": lambda: run_ffmpeg(material, frames),
        "bare_sound": lambda: run_bare_sound(material, seconds),
        "daemon_sound": daemon(places.disk, full_load(material), look),
    }
    if "cpu" not in wanted:
        kinds = {name: kinds[name] for name in ("bare", "daemon", "daemon_sound")}
    report.progress("cpu: daemon and bare encoder encode the same pictures?")
    prove_alike(places, material)
    runs = {name: [] for name in kinds}
    for number in range(rounds):
        for name in list(kinds)[::-1 if number % 2 else 1]:
            runs[name].append(kinds[name]())
            report.progress(f"cpu: round {number + 1} of {rounds}, {name}: {runs[name][-1].per_frame_ms:.3f} ms a frame, "
                            f"{(runs[name][-1].peak_kb or 0) // 1024} MB")
    report.details["encoding"] = {
        name: [{"user_s": r.user_s, "system_s": r.system_s, "frames": r.frames, "peak_kb": r.peak_kb} for r in of]
        for name, of in runs.items()}
    if "cpu" in wanted:
        tell_cpu(report, runs)
        for name, of in sorted(threads.items(), key=lambda item: -median([cpu_s for cpu_s, _ in item[1]])):
            report.add_median(f"cpu_ms_per_media_s_thread_{name.replace(' ', '_')}", f"  daemon with sound, thread {name}",
                              [1000 * cpu_s / seconds for cpu_s, _ in of], "ms/s")
    if "memory" in wanted:
        tell_memory(report, runs)


def tell_cpu(report, runs):
    def ratios(above, *below):
        return [a.per_frame_ms / sum(b.per_frame_ms for b in under)
                for a, *under in zip(runs[above], *(runs[name] for name in below))]

    report.add_median("cpu_ratio_vs_bare_encoder", "CPU, daemon without sound : bare libx264",
                      ratios("daemon", "bare"), limit=RATIO_MAX)
    report.add_median("cpu_ratio_vs_bare_encoder_tmpfs", "  the same, store on tmpfs", ratios("daemon_tmpfs", "bare"))
    report.add_median("cpu_ratio_vs_ffmpeg", "CPU, daemon without sound : ffmpeg program", ratios("daemon", "ffmpeg"))
    report.add_median("cpu_ratio_ffmpeg_vs_bare_encoder", "CPU, ffmpeg program : bare libx264", ratios("ffmpeg", "bare"))
    report.add_median("cpu_ratio_with_sound_vs_bare_encoders", "CPU, daemon with sound : bare libx264 + bare AAC",
                      ratios("daemon_sound", "bare", "bare_sound"))
    report.add_median("cpu_ratio_with_sound_vs_bare_picture_encoder", "CPU, daemon with sound : bare libx264 alone",
                      ratios("daemon_sound", "bare"))
    for name, title in (("bare", "bare libx264"), ("bare_sound", "bare AAC"), ("ffmpeg", "ffmpeg program"),
                        ("daemon", "daemon without sound"), ("daemon_sound", "daemon with sound")):
        report.add_median(f"cpu_ms_per_frame_{name}", f"  {title}", [r.per_frame_ms for r in runs[name]], "ms/frame")


def tell_memory(report, runs):
    for name, title in (("daemon", "without sound"), ("daemon_sound", "with sound")):
        above = [d.peak_kb - d.ring_kb - b.peak_kb for d, b in zip(runs[name], runs["bare"])]
        key = "memory_above_bare_encoder_kb" + ("" if name == "daemon" else "_with_sound")
        report.add(key, f"peak memory, daemon {title}, above bare libx264, ring aside", median(above), "kB",
                   ABOVE_BARE_MAX_KB, spread(above))
    report.add("memory_ring_kb", "  the ring (30 s pre-event, 30 s stall)", runs["daemon"][0].ring_kb, "kB")
    report.add_median("memory_peak_bare_kb", "  bare libx264, its frames with it", [r.peak_kb for r in runs["bare"]], "kB")
    report.add_median("memory_peak_daemon_kb", "  daemon without sound, frames and ring with it",
                      [r.peak_kb for r in runs["daemon"]], "kB")


# ---- cost of the seconds before the press --------------------------------------------------------------------------

def measure_pre_event(report, places, material, rounds, seconds):
    """Buffering with pre-events of several lengths, filled before the measurement."""
    lengths = (0, 30, 120)
    cpu = {length: [] for length in lengths}
    memory = {length: [] for length in lengths}
    ring = {}
    for number in range(rounds):
        for length in lengths[::-1 if number % 2 else 1]:
            settings = full_load(material, recording={"pre_event": f"{length} s"})
            with subjects.start_held(places.fresh(places.memory, "daemon"), settings) as daemon:
                pid = daemon.process.pid
                daemon.run_for(length + 5, timeout=600)
                before = subjects.process_s(pid)
                daemon.run_until(daemon.now() + seconds * NS, timeout=600)
                cpu[length].append(1000 * (subjects.process_s(pid) - before) / seconds)
                memory[length].append(subjects.memory_kb(pid, "VmHWM"))
                ring[length] = daemon.get("RingCapacityBytes") // 1024
            report.progress(f"pre-event: round {number + 1} of {rounds}, {length} s: {cpu[length][-1]:.0f} ms a second, "
                            f"{memory[length][-1] // 1024} MB")
    for length in lengths:
        report.add_median(f"pre_event_{length}s_cpu_ms_per_s", f"buffering, pre-event {length} s: CPU", cpu[length], "ms/s")
        report.add_median(f"pre_event_{length}s_peak_kb", "  peak memory, frames with it", memory[length], "kB")
        report.add(f"pre_event_{length}s_ring_kb", "  of it the ring", ring[length], "kB")
