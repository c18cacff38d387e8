# SPDX-License-Identifier: EUPL-1.2
"""On the real clock, at 1080p30 with everything on: from capture to durable, from a press to the first durable fragment
and to what the wearer is told."""

import json
import random
import time

from harness import BUILD, NS, SIMULATION, TICKS, CallFailed
from subjects import PROGRAMS, RATE, Failed, full_load, memory_kb, run, start_held, threads_of
from report import median, percentile, spread

CAPTURE_TO_DURABLE_MAX_MS = 700
FEEDBACK_MAX_MS = 100
NOT_OFFERED = "not offered by this daemon"


class Syncs:
    """What became durable when, out of the log of sync-times.so: [(before_ns, after_ns, bytes)] by path."""

    def __init__(self, folder):
        self.path = folder / "syncs"
        self.env = {"LD_PRELOAD": str(PROGRAMS / "sync-times.so"), "SYNC_TIMES": str(self.path)}

    def read(self):
        found = {}
        for line in self.path.read_text().splitlines():
            before, after, size, path = line.split(" ", 3)
            found.setdefault(path, []).append((int(before), int(after), int(size)))
        return found


def pictures_of(file, first_ticks):
    """(time of capture in ns, offset of its end) of each picture of a segment."""
    told = json.loads(run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts,pos,size",
                          "-show_streams", "-of", "json", file))
    if told["streams"][0]["time_base"] != f"1/{TICKS}":
        raise Failed(f"{file}: not in ticks")
    return [((first_ticks + p["pts"]) * NS // TICKS, int(p["pos"]) + int(p["size"])) for p in told["packets"]]


def latencies_ms(recording, syncs, from_ns):
    """Of each picture captured from from_ns on: from its capture to the return of the first sync that covers it."""
    found, sync_ms = [], []
    for segment, file in zip(recording.segments, recording.files):
        calls = syncs[str(file)]
        sync_ms += [(after - before) / 1e6 for before, after, _ in calls]
        for capture_ns, end in pictures_of(file, segment["first_ticks"]):
            if capture_ns >= from_ns:
                durable_ns = next(after for _, after, size in calls if size >= end)
                found.append((durable_ns - capture_ns) / 1e6)
    return found, sync_ms


def boottime_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def measure(report, places, material, seconds):
    folder = places.fresh(places.disk, "latency")
    syncs = Syncs(folder)
    with start_held(folder / "daemon", full_load(material, recording={"pre_event": "10 s"}), "real", syncs.env) as daemon:
        report.progress(f"latency: filling the ring, then {seconds} s of recording in real time")
        daemon.wait_for(lambda: daemon.get("PreEventHeldNs") >= 10 * NS, "the ring")
        pressed_ns = boottime_ns()
        daemon.record_start("bench")
        daemon.wait_for(lambda: boottime_ns() >= pressed_ns + seconds * NS, "the recording", seconds + 60)
        daemon.record_stop()
        daemon.wait_for(lambda: daemon.get("Unclosed") == 0, "closing")
        dropped = daemon.get("FramesDropped") + daemon.get("FramesLostByCamera")
        daemon.terminate()
        recording, = daemon.recordings()
    # What was in the ring at the press waits for those before it to be written: its time says nothing of the running.
    found, sync_ms = latencies_ms(recording, syncs.read(), pressed_ns + 2 * NS)
    if len(found) < (seconds - 3) * RATE * 0.9:
        raise Failed(f"only {len(found)} pictures of {seconds} s were recorded")
    text = spread(found)
    report.add("capture_to_durable_p99_ms", "capture to durable, p99", percentile(found, 99), "ms", CAPTURE_TO_DURABLE_MAX_MS,
               text)
    report.add("capture_to_durable_median_ms", "  median", median(found), "ms")
    report.add("capture_to_durable_max_ms", "  longest", max(found), "ms")
    report.add("sync_p99_ms", "  of it the disk's sync, p99", percentile(sync_ms, 99), "ms", spread=spread(sync_ms))
    report.add("latency_frames_lost", "  frames lost meanwhile", dropped)


# ---- presses -------------------------------------------------------------------------------------------------------

class Indicator:
    """What the wearer is told, as Simulation1.Indications() has it: changes as (media time, lights, tone, vibration)."""

    def __init__(self, daemon):
        self.daemon, self.offered = daemon, True
        self.usual = {}  # state: what it shows while nobody presses anything
        self.news()

    def news(self):
        if not self.offered:
            return []
        try:
            changes, = self.daemon.call(SIMULATION, "Indications")
        except CallFailed as error:
            if not error.name.endswith("UnknownMethod"):
                raise
            self.offered = False
            return []
        return [(change[0], tuple(change[1:])) for change in changes]

    def learn(self, state):
        """What it has shown since: belongs to the state, with its blinking."""
        self.usual.setdefault(state, set()).update(shown for _, shown in self.news())

    def answer_ms(self, pressed_ns, before):
        """From a press to the first change that is not one the state before shows by itself; None: there was none."""
        usual = self.usual.get(before, set())
        return next(((at - pressed_ns) / 1e6 for at, shown in self.news() if at >= pressed_ns and shown not in usual), None)


def press(daemon):
    """Media time just before the call, which is before the press."""
    at_ns = boottime_ns()
    daemon.press()
    return at_ns


def stop(daemon):
    """However a wearer would do it."""
    if daemon.state != "BUFFERING":
        daemon.record_stop()
        daemon.wait_for(lambda: daemon.state == "BUFFERING", "the stop")


def rest(daemon, seconds):
    end = time.monotonic() + seconds
    daemon.wait_for(lambda: time.monotonic() >= end, "a moment", seconds + 10)


def first_durable_ns(recording, syncs):
    """When the first fragment and the folder it is in were durable."""
    file_ns = syncs[str(recording.files[0])][0][1]
    return next(after for before, after, _ in syncs[str(recording.folder)] if before >= file_ns)


def measure_presses(report, places, material, presses):
    """Presses at no particular phase of anything; every other one starts a recording, the next one comes while it runs."""
    folder = places.fresh(places.disk, "presses")
    syncs, chance, started, answers, unanswered = Syncs(folder), random.Random(7), [], [], 0
    settings = full_load(material, recording={"pre_event": "5 s"})
    with start_held(folder / "daemon", settings, "real", syncs.env) as daemon:
        daemon.wait_for(lambda: daemon.get("PreEventHeldNs") >= 5 * NS, "the ring")
        indicator = Indicator(daemon)
        rest(daemon, 3)
        for number in range(presses):
            before = daemon.state
            indicator.learn(before)
            pressed_ns = press(daemon)
            rest(daemon, 0.5)
            answer = indicator.answer_ms(pressed_ns, before)
            answers += [] if answer is None else [answer]
            unanswered += answer is None
            if number % 2 == 0:
                started.append(pressed_ns)
            else:
                stop(daemon)
            rest(daemon, 1)
            indicator.news()  # what followed the press is over: from here on it is the state's
            rest(daemon, 0.3 + chance.random())
            if (number + 1) % 10 == 0:
                report.progress(f"feedback: {number + 1} of {presses} presses")
        stop(daemon)
        daemon.wait_for(lambda: daemon.get("Unclosed") == 0, "closing")
        daemon.terminate()
        recordings = daemon.recordings()
    if len(recordings) != len(started):
        raise Failed(f"{len(started)} presses made {len(recordings)} recordings")
    log = syncs.read()
    durable = [(first_durable_ns(r, log) - at) / 1e6 for r, at in zip(recordings, started)]
    report.add("press_to_first_durable_median_ms", "press to first durable fragment, median", median(durable), "ms",
               spread=spread(durable))
    report.add("press_to_first_durable_p99_ms", "  p99", percentile(durable, 99), "ms")
    why_not = "" if indicator.offered else NOT_OFFERED
    report.add("press_to_feedback_p99_ms", "press to feedback, p99", percentile(answers, 99) if answers else None, "ms",
               FEEDBACK_MAX_MS, spread(answers), why_not or "no press was answered")
    report.add("press_to_feedback_median_ms", "  median", median(answers) if answers else None, "ms", why_not=why_not)
    report.add("presses_unanswered", "  presses without feedback", unanswered if indicator.offered else None, "", 0,
               f"of {presses}", why_not)


# ---- waking --------------------------------------------------------------------------------------------------------

def measure_idle(report, places, material, seconds):
    """What the daemon does in real time in each of its lasting states: processor time, and how often threads wait."""
    settings = full_load(material, recording={"pre_event": "30 s"})
    with start_held(places.fresh(places.disk, "idle"), settings, "real") as daemon:
        pid = daemon.process.pid
        for state, title in (("buffering", "buffering"), ("recording", "recording"), ("standby", "sensors off")):
            if state == "recording":
                daemon.record_start("bench")
            elif state == "standby":
                daemon.record_stop()
                daemon.wait_for(lambda: daemon.get("Unclosed") == 0, "closing")
                daemon.call("org.bodycam.Recorder1", "SensorsOff")
            rest(daemon, 3)
            report.progress(f"idle: {seconds} s of {title} in real time")
            began, before = time.monotonic(), threads_of(pid)
            time.sleep(seconds)
            after, passed_s = threads_of(pid), time.monotonic() - began
            rates = {name: [(a - b) / passed_s for a, b in zip(after[name], before.get(name, (0, 0)))] for name in after}
            report.add(f"real_time_{state}_cpu_ms_per_s", f"{title} in real time: CPU",
                       1000 * sum(cpu for cpu, _ in rates.values()), "ms/s")
            report.add(f"real_time_{state}_wakeups_per_s", "  wakeups", sum(waits for _, waits in rates.values()), "1/s")
            report.details[f"real_time_{state}_threads"] = {
                name: {"ms_per_s": 1000 * cpu, "wakeups_per_s": waits} for name, (cpu, waits) in rates.items()}
        report.add("daemon_memory_real_time_kb", "peak memory in real time, frames and ring with it", memory_kb(pid, "VmHWM"),
                   "kB")
