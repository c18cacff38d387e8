# SPDX-License-Identifier: EUPL-1.2
"""Killed at any moment: every file with a whole fragment plays to its last whole fragment, nothing before that is lost,
what follows it is kept aside, and the next start goes on counting."""

import os
import random

import pytest
import readers
from harness import LONG, NS, TICKS
from judges import boxes, judge_joints, judge_numbers, judge_players, kept_end, read_units, whole_fragments_end

SEED = int(os.environ.get("BC_SEED", "1"))
RATE = 15
PRE_S = 1.5
SETTINGS = {"camera": {"width": 160, "height": 120, "rate": RATE}, "video": {"bit_rate": "300k"},
            "recording": {"pre_event": f"{PRE_S * 1000:.0f} ms", "post_event": "300 ms", "segment": "1 s"}}
KILLS = {"standing": 70 if LONG else 5, "running": 70 if LONG else 5, "real": 60 if LONG else 5}
PATCH_BYTES = 8


def snapshot(daemon):
    """{folder: {name: bytes}} of the store."""
    folder = daemon.store / "recordings"
    return {f.name: {x.name: x.read_bytes() for x in f.iterdir()} for f in sorted(folder.iterdir())}


def is_finished(content):
    kinds = [kind for kind, _, _ in boxes(content)]
    return bool(kinds) and kinds[-1] == b"moov" and b"moof" not in kinds and kinds.count(b"moov") == 1 and \
        boxes(content)[-1][2] == len(content)


def tear(daemon, rng):
    """What a power cut could leave of the newest file: part of the last fragment, or rubbish behind it."""
    films = sorted(f for f in (daemon.store / "recordings").glob("*/*.mp4") if not is_finished(f.read_bytes()))
    if not films:
        return "nothing"
    film = films[-1]
    content = film.read_bytes()
    how = rng.choice(["cut", "rubbish", "zeros", "nothing"])
    if how == "cut":
        # More than power takes: what was durable goes as well, and the anchor may know of it.
        film.write_bytes(content[:max(len(content) - rng.randrange(1, 6000), 0)])
        daemon.shortened.add(film.parent.name)
    elif how == "rubbish":
        film.write_bytes(content + rng.randbytes(rng.randrange(1, 5000)))
    elif how == "zeros":
        film.write_bytes(content + bytes(rng.randrange(1, 5000)))
    return how


def judge_file(folder, name, files, after, scratch):
    """One segment file, before and after recovery. Returns whether it is still a film."""
    before, tail_name = files[name], name.replace(".mp4", ".tail")
    tail = after.get(tail_name, b"")
    if is_finished(before):
        assert after[name] == before, f"{folder}/{name}: finished, and changed all the same"
        assert tail == files.get(tail_name, b""), f"{folder}/{tail_name}: changed"
        return True
    fragments, end, ended = kept_end(before)
    if fragments == 0:
        assert name not in after and tail == before, f"{folder}/{name}: no whole fragment, so it is all tail"
        return False
    film, rest = after[name], before[end:]
    head = next(offset for kind, offset, _ in boxes(before) if kind in (b"moov", b"mdat"))
    assert film[:head] == before[:head] and film[head + PATCH_BYTES:end] == before[head + PATCH_BYTES:end], \
        f"{folder}/{name}: what was there has changed"
    added = [kind for kind, _, _ in boxes(film[end:])]
    assert added == ([b"moov"] if ended else [b"uuid", b"moov"]) and boxes(film[end:])[-1][2] == len(film) - end, \
        f"{folder}/{name}: not finished, but {added}"
    whole_moov = ended and boxes(rest) == [(b"moov", 0, len(rest))]
    assert tail == (b"" if whole_moov else rest), f"{folder}/{name}: {len(rest)} bytes behind, {len(tail)} in the tail"
    # The same units as an outside reader finds in the killed file's whole fragments.
    cut = scratch / "cut.mp4"
    cut.write_bytes(before[:end])
    (scratch / "film.mp4").write_bytes(film)
    a, b = (read_units([(scratch / n, 0)]) for n in ("cut.mp4", "film.mp4"))
    assert [u.data for u in a.pictures] == [u.data for u in b.pictures]
    assert [u.data for u in a.sounds] == [u.data for u in b.sounds]
    return True


def judge_recovery(daemon, before, durable_ns, players=(readers.ffmpeg,)):
    """before: the store when it was killed; durable_ns: what the daemon had called durable by then, -1 if unknown."""
    after = snapshot(daemon)
    assert set(before) <= set(after)
    recordings = {r.name: r for r in daemon.recordings()}
    for folder, files in before.items():
        recording = recordings[folder]
        films = sorted(n for n in files if n.endswith(".mp4"))
        kept = [n for n in films if judge_file(folder, n, files, after[folder], daemon.folder)]
        assert recording.state in ("closed", "recovered")
        states = {s["file"]: s["state"] for s in recording.segments}
        for name in films:
            finished = is_finished(files[name])
            assert states[name] in (("closed", "recovered") if finished else ("recovered",) if name in kept else ("empty",))
        assert [n for n, state in states.items() if state != "empty"] == kept
        if not kept or all(is_finished(files[n]) for n in films):
            continue
        recording.segments = [s for s in recording.segments if s["state"] != "empty"]
        recording.files = [recording.folder / s["file"] for s in recording.segments]
        judge_joints(recording)
        judge_numbers(recording, RATE)
        for file in recording.files[-2:]:
            judge_players(file, players)
        for segment in recording.segments:
            assert segment["bytes"] == len(after[folder][segment["file"]])
    if durable_ns >= 0:
        last = recordings[max(before)]
        film = last.segments[-1]["file"]
        unproven = whole_fragments_end(before[max(before)].get(film, b""))[1] > kept_end(before[max(before)].get(film, b""))[1]
        # What is durable and not signed yet is kept in the tail, judged above.
        assert unproven or last.segments[-1]["end_ticks"] >= round(durable_ns * TICKS / NS) - 1, "what was durable is lost"
    return recordings


class Killer:
    def __init__(self, daemon, mode):
        self.random = random.Random(f"{SEED}/{mode}")
        self.mode = mode
        self.daemon = daemon(SETTINGS, clock="real" if mode == "real" else "simulated")
        self.counter = 0

    def fill(self):
        """Enough seconds for a press."""
        d = self.daemon
        if self.mode == "real":
            d.wait_for(lambda: d.get("PreEventHeldNs") >= PRE_S * NS, "the buffer")
        else:
            d.run_for(PRE_S + 1)

    def press(self):
        d = self.daemon
        d.press()
        assert d.state == "RECORDING"

    def live(self):
        """Some recordings, whole and not; returns what is known to be durable of the last one."""
        d, rng = self.daemon, self.random
        self.fill()
        durable = -1
        if self.mode == "standing":
            for _ in range(rng.randrange(1, 3)):
                self.press()
                d.run_for(rng.random() * 4)
                if rng.random() < 0.5:
                    d.record_stop()
                    d.run_for(rng.random() * 0.8)
            status = d.status()
            if status["recording_press_ns"] == status["press_ns"] and status["unclosed"] > 0:
                durable = status["durable_until_ns"]
        elif self.mode == "running":
            self.press()
            d.later("org.bodycam.Simulation1", "RunFor", "(x)", 300 * NS)
            if rng.random() < 0.5:
                d.record_stop()  # closing, perhaps, while time flies
            self.pass_time(rng.random() ** 2 * 0.5)
        else:
            self.press()
            self.pass_time(rng.random() * 1.2)
            if rng.random() < 0.5:
                d.record_stop()
                self.pass_time(rng.random() * 0.5)
        return durable

    def pass_time(self, seconds):
        """A random real moment, which is the point here."""
        if self.daemon.process:
            try:
                self.daemon.process.wait(seconds)
            except Exception:  # noqa: BLE001 - it still runs, as it should
                pass

    def start_again(self):
        """Sometimes killed while it recovers, too."""
        d = self.daemon
        while self.random.random() < 0.3:
            d.start(wait=False)
            self.pass_time(self.random.random() * 0.08)
            d.kill()
        d.start()


@pytest.mark.parametrize("mode", KILLS)
def test_killed(daemon, mode):
    k = Killer(daemon, mode)
    d = k.daemon
    ways = []
    for kill in range(KILLS[mode]):
        durable = k.live()
        d.kill()
        if k.random.random() < 0.6:
            ways.append(tear(d, k.random))
            durable = -1 if ways[-1] == "cut" else durable
        before = snapshot(d)
        k.start_again()
        judge_recovery(d, before, durable, readers.READERS if kill % 5 == 0 else (readers.ffmpeg,))
    # And a recording works as ever.
    names = [r.name for r in d.recordings()]
    k.fill()
    pressed = d.now() if mode != "real" else None
    d.press()
    k.pass_time(0.5)
    if mode != "real":
        d.run_for(2)
    d.record_stop()
    if mode == "real":
        d.wait_for(lambda: d.get("Unclosed") == 0 and d.state == "BUFFERING", "closing")
    else:
        d.run_for(0.5)
        d.run_until_closed()
    d.terminate()
    last = d.recordings()[-1]
    assert last.state == "closed" and judge_joints(last) and judge_numbers(last, RATE)
    assert pressed is None or last.press_s == pytest.approx(pressed / NS, abs=1 / TICKS)
    numbers = [int(n.rsplit("-", 1)[1]) for n in names + [last.name]]
    assert numbers == sorted(set(numbers)), "a number was used twice"
    # A number without a folder: the power went between the two.
    assert numbers[-1] <= KILLS[mode] * 3 + 1
