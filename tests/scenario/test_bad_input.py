# SPDX-License-Identifier: EUPL-1.2
"""What is wrong with settings, clip or store is named, with where it is, and the exit status says its kind; no
half-started daemon, nothing left behind, and what was recorded before stays. (test_programs.py has the command lines.)"""

import errno
import json
import os
import signal
import subprocess

import pytest
from card import Card
from harness import DATA, NS, PATIENCE_S, run_bodycamd, write_settings
from judges import judge_chain, judge_joints, judge_numbers

RATE = 15
SMALL = {"camera": {"width": 160, "height": 120, "rate": RATE}, "video": {"bit_rate": "250k"},
         "recording": {"pre_event": "2 s", "post_event": "0 s", "segment": "2 s"}}


def record(d, seconds=2):
    d.run_for(3)
    d.press()
    d.run_for(seconds)
    d.record_stop()
    d.run_for(0.5)
    d.run_until_closed()


def contents(store):
    return {f: f.read_bytes() for f in store.rglob("*") if f.is_file() and f.name != "lock"}


def refused(d, status, *words):
    """It does not start on d's settings, says why, leaves d's store as it is."""
    before = contents(d.store)
    done = run_bodycamd("--config", d.config)
    own = [line for line in done.stderr.splitlines() if line.startswith("bodycam")]
    assert done.returncode == status and done.stdout == "", done
    for word in words:
        assert any(word in line for line in own), f"{word} is not in {own}"
    assert contents(d.store) == before


def test_a_drop_in(daemon):
    """The drop-in counts, and is what a complaint names, with the line."""
    d = daemon({**SMALL, "evidence": {}}, start=False)  # whose certificate would be another device's
    folder = d.config.with_name(d.config.name + ".d")
    folder.mkdir()
    (folder / "10-id.conf").write_text("[device]\nid = OTHER-7\n")
    d.start()
    assert d.get("Device") == "OTHER-7"
    d.terminate()
    (folder / "20-bad.conf").write_text("[recording]\n; a word\nsegment = soon\n")
    refused(d, 3, "20-bad.conf:3", "[recording] segment = soon", "1 s to 1 h")
    (folder / "20-bad.conf").write_text("[recording]\nsegments = 5 s\n")
    refused(d, 3, "20-bad.conf:2", "segments", "unknown key")
    (folder / "20-bad.conf").unlink()
    os.symlink("nowhere", folder / "30-gone.conf")
    refused(d, 3, "30-gone.conf")


@pytest.mark.parametrize("clip, words", [
    ("missing.mp4", ["No such file"]), ("folder.mp4", []), ("sound.wav", ["picture"]), ("tiny.mkv", ["8x8"])])
def test_a_bad_clip_in_place_of_a_good_one(daemon, clip, words):
    """A store with recordings in it is not touched by a start that fails."""
    d = daemon(SMALL)
    record(d)
    d.terminate()
    path = d.folder / clip
    if clip == "folder.mp4":
        path.mkdir()
    make = lambda *a: subprocess.run(["ffmpeg", "-v", "error", *a, str(path)], check=True, stdin=subprocess.DEVNULL)  # noqa: E731
    if clip == "sound.wav":
        make("-i", str(DATA / "speech.flac"))
    if clip == "tiny.mkv":
        make("-f", "lavfi", "-i", "testsrc=s=8x8:d=1", "-c:v", "ffv1")
    d.configure({**SMALL, "camera": {"driver": "file", "file": path, "width": 160, "height": 120}})
    refused(d, 4, "camera", str(path), *words)
    d.configure(SMALL)
    d.start()
    record(d)
    d.terminate()
    assert [r.name for r in d.recordings()] == ["TEST-1-000001", "TEST-1-000002"]


@pytest.mark.parametrize("damage", ["text", "empty", "folder", "gone"])
def test_a_damaged_counter(daemon, damage):
    """Numbers are never used again: without knowing the last one it does not start, and says what to do."""
    d = daemon(SMALL)
    record(d)
    d.terminate()
    counter = d.store / "counter.json"
    good = counter.read_bytes()
    counter.unlink()
    if damage == "folder":
        counter.mkdir()
    elif damage != "gone":
        counter.write_text("" if damage == "empty" else "no number")
    refused(d, 5, "store", str(d.store), "counter.json")
    if counter.is_dir():
        counter.rmdir()
    counter.write_bytes(good)
    d.start()
    record(d)
    d.terminate()
    assert [r.name for r in d.recordings()] == ["TEST-1-000001", "TEST-1-000002"]


@pytest.mark.parametrize("what", ["file", "link"])
def test_recordings_that_are_no_folder(daemon, what):
    d = daemon(SMALL, start=False)
    d.store.mkdir()
    if what == "file":
        (d.store / "recordings").write_text("")
    else:
        (d.folder / "elsewhere").mkdir()
        os.symlink(d.folder / "elsewhere", d.store / "recordings")
    refused(d, 5, "store", str(d.store), "recordings")


def test_a_second_daemon_does_not_disturb_the_first(daemon):
    d = daemon(SMALL)
    d.run_for(3)
    d.press()
    d.run_for(1)
    for _ in range(3):
        done = run_bodycamd("--config", d.config)
        assert done.returncode == 5 and "in use" in done.stderr and str(d.store) in done.stderr
    d.run_for(2)
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    recording, = d.recordings()
    assert recording.gaps == []
    judge_joints(recording)
    judge_numbers(recording, RATE)


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS, errno.EACCES])
def test_a_store_that_fails_at_the_start(daemon, error):
    """A card in trouble does not keep the camera from starting; one that can never be written does."""
    d = daemon(SMALL, start=False)
    card = Card(d.folder, d.store)
    d.env.update(card.env)
    card.fail_writes(error)
    if error == errno.EIO:
        d.start()
        d.run_for(3)
        d.press()
        d.run_for(3)
        assert "storage-trouble" in d.flags
        card.repair()
        d.run_for(3)
        d.record_stop()
        d.run_until_closed()
        d.terminate()
        recording, = d.recordings()
        judge_chain(recording, RATE)
        return
    done = run_bodycamd("--config", d.config, env=card.env)
    assert done.returncode == 5 and str(d.store) in done.stderr and os.strerror(error) in done.stderr


# ---- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("state", ["starting", "buffering", "recording", "post-event", "emergency"])
def test_a_signal_ends_it_well(daemon, number, state):
    d = daemon({**SMALL, "recording": {**SMALL["recording"], "post_event": "1 min"}}, start=False)
    d.start(wait=state != "starting")
    if state == "starting":
        # Signals are caught before anything else is done; this one may come before that.
        d.connect()
    else:
        d.run_for(3)
    if state in ("recording", "post-event"):
        d.press()
        d.run_for(2)
    if state == "post-event":
        d.record_stop()
        d.run_for(2)
    if state == "emergency":
        d.press("emergency")
        d.run_for(2)
    stopped = d.now()
    d.process.send_signal(number)
    d.wait_exit(0)
    recordings = d.recordings()
    counter = json.loads((d.store / "counter.json").read_text())
    assert counter["counter"] == len(recordings) and counter["open"] == []
    if state in ("starting", "buffering"):
        assert recordings == []
        return
    recording, = recordings
    assert recording.state == "closed"
    # What the microphone had not handed over yet is missing at the very end.
    end = recording.segments[-1]["end_ticks"]
    assert all(g["kind"] == "no-sound" and g["from_ticks"] >= end - 2048 for g in recording.gaps), recording.gaps
    assert recording.end_s >= stopped / NS - 1 / RATE
    judge_joints(recording)
    judge_numbers(recording, RATE)


def test_a_card_that_fails_until_the_end(daemon):
    """It gives up after a while, says so by its exit status, and the next start recovers what is there."""
    d = daemon(SMALL, start=False)
    card = Card(d.folder, d.store)
    d.env.update(card.env)
    d.start()
    d.run_for(3)
    d.press()
    d.run_for(3)
    durable = d.get("DurableUntilNs")
    card.fail_writes(errno.EIO)
    d.run_for(2)
    d.process.send_signal(signal.SIGTERM)
    d.wait_exit(1)
    assert "the next start recovers it" in d.log_text()
    card.repair()
    d.start()
    d.terminate()
    recording, = d.recordings()
    assert recording.state == "recovered" and recording.end_s >= durable / NS - 0.001
    judge_chain(recording, RATE)


# ---- a real file system that is full -----------------------------------------------------------------------------------


def mount(folder, size):
    """A command prefix that runs a program with a tmpfs of that size over the folder, in a name space of its own; None
    where this is not allowed."""
    script = f'mount -t tmpfs -o size={size} tmpfs "{folder}" && exec "$@"'
    for prefix in (["unshare", "-m"], ["unshare", "-rm"]):
        command = [*prefix, "sh", "-c", script, "sh"]
        if subprocess.run([*command, "true"], capture_output=True, timeout=PATIENCE_S).returncode == 0:
            return command
    return None


def test_a_file_system_that_fills_up(daemon, tmp_path):
    store = tmp_path / "daemon-0" / "store"
    store.mkdir(parents=True)
    wrapper = mount(store, "160k")
    if not wrapper:
        pytest.skip("no tmpfs may be mounted here")
    d = daemon({**SMALL, "store": {"emergency_reserve": "0 s"}}, wrapper=wrapper)
    seen = type(store)(f"/proc/{d.process.pid}/root{store}")
    record(d)
    first = contents(seen / "recordings")
    d.press()
    d.run_for(30)
    assert d.state == "RECORDING" and "storage-trouble" in d.flags
    assert "the store cannot be written: No space left on device" in d.alarms()
    assert d.get("StoreRoomBytes") < 16384
    assert {f: b for f, b in contents(seen / "recordings").items() if f in first} == first
    # Somebody makes room.
    subprocess.run(["nsenter", f"--mount=/proc/{d.process.pid}/ns/mnt", "mount", "-o", "remount,size=2g", str(store)],
                   check=True)
    d.run_for(5)
    assert d.flags == set()
    d.record_stop()
    d.run_until_closed()
    subprocess.run(["cp", "-a", f"{seen}/.", str(tmp_path / "kept")], check=True)
    d.terminate()

    # What was abandoned is finished by the next start.
    d.store = tmp_path / "kept"
    d.configure({**SMALL, "store": {"path": d.store, "emergency_reserve": "0 s"}})
    d.wrapper = []
    d.start()
    d.terminate()
    one, two = d.recordings()
    assert one.gaps == [] and two.gaps == []
    judge_joints(one)
    pictures, _ = judge_chain(two, RATE)
    assert (pictures[-1] - pictures[0]) / 48000 > 33
