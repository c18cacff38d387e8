# SPDX-License-Identifier: EUPL-1.2
"""A card that stands still, fails, or is full: nothing is lost that the ring still holds; what is lost is declared; what
was finished stays as it is."""

import errno
import json
import hashlib
import re

import pytest
from card import start_carded
from harness import NS, TICKS, Recording, Refused, share
from judges import judge_chain, judge_players

RATE = 15
PRE_S = 2
SETTINGS = {"store": {"emergency_reserve": "0 s"},
            "camera": {"width": 160, "height": 120, "rate": RATE}, "video": {"bit_rate": "250k"},
            "recording": {"pre_event": f"{PRE_S} s", "post_event": "0 s", "segment": "2 s"}}


@pytest.fixture
def carded(daemon):
    return lambda settings=None: start_carded(daemon, {**SETTINGS, **(settings or {})})


def digests(daemon):
    """Of all files of finished recordings."""
    folders = (daemon.store / "recordings").iterdir()
    recordings = [Recording(f) for f in folders if (f / "manifest.json").exists()]
    return {f: hashlib.sha256(f.read_bytes()).hexdigest() for r in recordings if r.state == "closed" and
            all(s["state"] == "closed" for s in r.segments) for f in r.folder.iterdir()}


def assert_kept(daemon, before):
    now = digests(daemon)
    assert all(now.get(file) == digest for file, digest in before.items()), "a finished recording has changed"


def record(d, seconds=3.3):
    """A recording, until all is closed; returns its press and its end."""
    pressed = d.now()
    d.press()
    d.run_for(seconds)
    stopped = d.now()
    d.record_stop()
    return pressed, stopped


def judge_whole(recording, pressed_ns, stopped_ns):
    """From the seconds before the press to the end, nothing missing."""
    pictures, sounds = judge_chain(recording, RATE)
    press, stop = (round(ns * 6 / 125000) for ns in (pressed_ns, stopped_ns))
    assert recording.manifest["press_ticks"] == press
    assert recording.gaps == [], recording.gaps
    assert pictures[0] <= press - PRE_S * TICKS and pictures[-1] + TICKS // RATE >= stop
    assert sounds[0] < pictures[0] + 1024 and sounds[-1] + 1024 >= stop


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["sync", "write"])
def test_an_error_at_any_call(carded, call):
    """Each recording meets one error, each time one call later, until a whole recording is behind."""
    d, card = carded()
    d.run_for(4)
    fail = card.fail_syncs if call == "sync" else card.fail_writes
    calls = lambda: card.syncs if call == "sync" else card.writes  # noqa: E731
    spans, hit, step, skip = [], [], share(7, 3, 1), 0
    while True:
        before, kept, struck = calls(), digests(d), card.struck
        fail(errno.EIO, skip=skip, times=1)
        spans.append(record(d))
        d.run_until_closed()
        hit.append(card.struck_path if card.struck > struck else "")
        assert_kept(d, kept)
        if calls() - before <= skip:
            break  # it was not met
        d.run_for(0.7)
        skip += step
    assert skip > 20, "fewer calls than a recording needs"
    card.repair()
    d.terminate()
    assert "Input/output error" in d.log_text()
    d.start()  # finishes what was abandoned
    d.terminate()
    recordings = d.recordings()
    assert len(recordings) == len(spans)
    for recording, span in zip(recordings, spans):
        judge_whole(recording, *span)
        assert {s["state"] for s in recording.segments} <= {"closed", "recovered"}
    abandoned = [r for r in recordings if any(s["state"] == "recovered" for s in r.segments)]
    # The others hit the counter, the manifest or its signature, or the ledger; a record that ends a segment is written once more.
    at_segments = [r for r, path in zip(recordings, hit) if path.endswith(".mp4")]
    assert len(at_segments) >= len(recordings) / 5, "the errors did not hit the segments"
    names = {r.name for r in abandoned}
    assert names and names <= {r.name for r in at_segments}, (names, hit)
    assert len(at_segments) < 5 or len(names) >= len(at_segments) / 2, (names, hit)  # of a few it is chance
    for recording in abandoned[::5]:
        for file in recording.files:
            judge_players(file)


def test_errors_that_last(carded):
    """Within what the ring holds: an alarm, a flag, and nothing lost."""
    d, card = carded({"recording": {**SETTINGS["recording"], "stall_tolerance": "10 s"}})
    d.run_for(4)
    pressed = d.now()
    d.press()
    d.run_for(3)
    card.fail_syncs(errno.EIO)
    d.run_for(8)
    assert d.state == "RECORDING" and {"storage-trouble", "not-durable"} <= d.flags
    assert [a for a in d.alarms() if a == "the store cannot be written: Input/output error"], d.alarms()
    card.repair()
    d.run_for(3)
    assert d.flags == set()
    stopped = d.now()
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    d.start()
    d.terminate()
    recording, = d.recordings()
    judge_whole(recording, pressed, stopped)


def test_errors_that_last_longer_than_the_ring(carded):
    """One declared hole, to the tick, and nothing else."""
    d, card = carded({"recording": {**SETTINGS["recording"], "stall_tolerance": "1 s"}})
    d.run_for(4)
    pressed = d.now()
    d.press()
    d.run_for(3)
    card.fail_writes(errno.EIO)
    d.run_for(60)
    assert d.state == "RECORDING"
    card.repair()
    d.run_for(5)
    assert d.flags == set()
    stopped = d.now()
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    d.start()
    d.terminate()
    recording, = d.recordings()
    gap, = recording.gaps_of("overtaken")
    # The ring's sound may reach back less far than its picture.
    assert len(recording.gaps) == 1 or len(recording.gaps) == 2 and len(recording.gaps_of("no-sound")) == 1
    assert 20 <= (gap["to_ticks"] - gap["from_ticks"]) / TICKS < 60
    logged_ms = [int(ms) for ms in re.findall(r"a gap: (\d+) ms could not be written in time: TEST-1-000001$", d.log_text(), re.M)]
    assert logged_ms and abs(sum(logged_ms) - (gap["to_ticks"] - gap["from_ticks"]) / TICKS * 1000) <= len(logged_ms)
    # And the ledger says the same of it, however often it says it.
    told = json.loads(d.ctl("--json", "ledger", "--store", str(d.store)).stdout)["entries"]
    told = [entry["details"] for entry in told if entry["event"] == "gap"]
    assert [(entry["from"], entry["to"]) for entry in told] == [(gap["from_ticks"], gap["to_ticks"])], told
    # The durable end was at most a fragment and a picture behind when the card failed.
    failed = round((pressed + 3 * NS) * 6 / 125000)
    assert failed - 0.7 * TICKS <= gap["from_ticks"] <= failed
    pictures, sounds = judge_chain(recording, RATE)
    assert pictures[0] / TICKS <= pressed / NS - PRE_S and pictures[-1] / TICKS + 1 / RATE >= stopped / NS - 0.001
    assert len(pictures) == round((pictures[-1] - pictures[0] - gap["to_ticks"] + gap["from_ticks"]) * RATE / TICKS) + 1


# ---- no room ---------------------------------------------------------------------------------------------------------


def test_full_at_any_byte(carded):
    """Each recording finds less room than it needs, each time a little more; then there is room again."""
    d, card = carded()
    d.run_for(4)
    spans, room, step = [], 0, share(25000, 9000, 1500)
    while True:
        kept = digests(d)
        d.signals.clear()
        card.set(space=room)
        pressed = d.now()
        d.press()
        d.run_for(3.3)
        stopped = d.now()
        d.record_stop()
        d.run_for(1.5)
        full = card.space == 0
        if full and d.get("Unclosed") == 0:
            # The recording found its room, what the ledger has to say of its end did not.
            assert "storage-full" in d.flags and d.flags <= {"storage-full", "ledger-trouble"}
        elif full:
            assert "storage-trouble" in d.flags
            assert "the store cannot be written: No space left on device" in d.alarms()
            assert d.get("Unclosed") == 1
        assert_kept(d, kept)
        card.repair()
        d.run_until_closed()
        d.run_for(3)  # where the last finalising failed, the store is tried every two seconds
        assert d.flags == set()
        assert_kept(d, kept)
        spans.append((pressed, stopped))
        if not full:
            break
        room += step
    assert len(spans) > 5
    d.terminate()
    d.start()
    d.terminate()
    recordings = d.recordings()
    assert len(recordings) == len(spans)
    for recording, span in zip(recordings, spans):
        judge_whole(recording, *span)


def test_full_from_the_start_and_killed(carded):
    """Starts with a full card, is killed with a full card, starts again with a full card: it goes on in the end."""
    d, card = carded()
    d.run_for(4)
    first = record(d)
    d.run_until_closed()
    kept = digests(d)
    d.run_for(3)
    second_press = d.now()
    d.press()
    d.run_for(2)
    card.set(space=0)
    d.run_for(2)
    assert "storage-trouble" in d.flags
    d.kill()

    d.start()
    assert d.state == "BUFFERING"
    d.run_for(4)
    d.press()
    assert d.state == "RECORDING"
    d.run_for(4)
    assert "storage-trouble" in d.flags and d.get("RecordingCounter") == 0
    third_press = round(104 * NS)
    card.repair()
    d.run_for(3)
    assert d.flags == set()
    third_stop = d.now()
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    d.start()
    d.terminate()

    one, two, three = d.recordings()
    assert_kept(d, kept)
    judge_whole(one, *first)
    judge_whole(three, third_press, third_stop)
    assert two.state == "recovered"
    pictures, _ = judge_chain(two, RATE)
    assert pictures[0] / TICKS <= second_press / NS - PRE_S and pictures[-1] / TICKS >= second_press / NS + 1.3


MINUTE_BYTES = 2_800_000  # of SETTINGS, rounded up


def test_the_reserve_is_an_emergencys(carded):
    """An ordinary recording ends in time and none starts; an emergency takes the room that was kept for it."""
    d, card = carded({"store": {"emergency_reserve": "2 min"}})
    card.set(space=4 * MINUTE_BYTES)
    d.run_for(7)
    assert d.get("StorageMinutes") == 2 and "storage-low" in d.flags
    pressed = d.now()
    d.press()
    # The encoder may take less than its bit rate.
    d.run_until_state("BUFFERING", within_s=600)
    stopped = d.now()
    assert "the recording ends: the room left is kept for an emergency" in d.alarms()
    assert "there is room for 2 min of emergency" in d.alarms()
    assert d.get("StorageMinutes") == 0 and "storage-full" in d.flags
    d.run_until_closed()
    assert 2 * MINUTE_BYTES * 0.98 < card.space < 3 * MINUTE_BYTES

    d.press()
    d.run_for(1)
    assert d.state == "BUFFERING"
    with pytest.raises(Refused, match="the store is full but for what is kept for an emergency"):
        d.record_start()
    d.signals.clear()
    emergency = d.now()
    d.press("emergency")
    for _ in range(600):
        if "there is room for less than a minute of emergency" in d.alarms():
            break
        d.run_for(1)
    assert d.alarms()[-1] == "there is room for less than a minute of emergency"
    assert d.state == "EMERGENCY" and d.get("RecordingCounter") == 2 and d.now() - emergency > 60 * NS
    d.press()  # no ordinary recording beneath it either
    d.emergency_release()
    assert d.state == "BUFFERING"
    released = d.now()
    d.run_until_closed()
    assert card.space > 0

    card.set(space=10 * MINUTE_BYTES)
    d.run_for(7)
    third = record(d)
    d.run_until_closed()
    d.terminate()
    one, two, three = d.recordings()
    judge_whole(one, pressed, stopped - NS)
    judge_whole(two, emergency, released)
    judge_whole(three, *third)
