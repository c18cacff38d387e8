# SPDX-License-Identifier: EUPL-1.2
"""The judges of these tests, judged: each is shown a fault of its kind, put in by hand, and must see it."""

import json
import os
import random
import shutil
import signal
import subprocess

import pytest
import readers
from harness import NS, TICKS, Daemon, Recording, processes_of_session
from judges import (beeps_of, flashes_of, judge_chain, judge_chromium, judge_joints, judge_numbers, judge_players,
                    judge_pre_event, judge_sync, units_of)
from test_kill import judge_recovery, snapshot

RATE = 15
PRE_S = 3


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A recording of which nothing is wrong."""
    folder = tmp_path_factory.mktemp("original")
    with Daemon(folder, {"camera": {"width": 160, "height": 120, "rate": RATE}, "video": {"bit_rate": "250k"},
                         "recording": {"pre_event": f"{PRE_S} s", "post_event": "1 s", "segment": "2 s"}}) as d:
        d.run_for(5.1)
        d.press()
        d.run_for(6)
        d.record_stop()
        d.run_until_closed()
    recording, = d.recordings()
    assert len(recording.files) >= 4
    return recording


@pytest.fixture
def copy(original, tmp_path):
    shutil.copytree(original.folder, tmp_path / original.name)
    return Recording(tmp_path / original.name)


def edit(recording, change):
    """The manifest, changed."""
    path = recording.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    return Recording(recording.folder)


def remux(recording, number, *options, before=()):
    """One of the files, written anew by FFmpeg."""
    file = recording.files[number]
    new = file.with_name("new.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-y", *before, "-i", str(file), *options, "-c", "copy", str(new)], check=True,
                   stdin=subprocess.DEVNULL)
    new.replace(file)
    return recording


def drop(recording, track, which):
    return remux(recording, 1, f"-bsf:{track}", f"noise=drop='{which}'")


def judge_all(recording, folder):
    units = judge_joints(recording)
    judge_numbers(recording, RATE)
    judge_sync(flashes_of(recording), beeps_of(units, folder))
    judge_pre_event(recording, PRE_S, RATE)
    judge_chain(recording, RATE)
    for file in recording.files:
        judge_players(file)


def test_nothing_is_wrong(copy, tmp_path):
    """Neither with the recording nor with a file that FFmpeg has written anew: what follows finds faults, not that."""
    judge_all(copy, tmp_path)
    judge_all(remux(copy, 1), tmp_path)


def sees(_judge, words=""):
    return pytest.raises(AssertionError, match=words)


# ---- holes and doubles -----------------------------------------------------------------------------------------------


def without(manifest, number):
    del manifest["segments"][number]


@pytest.mark.parametrize("number", [1, 2])
def test_a_missing_file(copy, number):
    recording = edit(copy, lambda m: without(m, number))
    with sees(judge_joints, "not at"):
        judge_joints(recording)
    with sees(judge_numbers, "missing"):
        judge_numbers(recording, RATE)
    with sees(judge_chain, "hidden hole"):
        judge_chain(recording, RATE)


def test_a_file_that_is_there_twice(copy):
    def double(manifest):
        manifest["segments"].insert(1, manifest["segments"][1])
    recording = edit(copy, double)
    with sees(judge_joints, "not at"):
        judge_joints(recording)
    with sees(judge_numbers, "more than once"):
        judge_numbers(recording, RATE)
    with sees(judge_chain, "repeats"):
        judge_chain(recording, RATE)


def test_a_file_that_is_another_one(copy):
    shutil.copy(copy.files[2], copy.files[1])
    with sees(judge_numbers, "at tick"):
        judge_numbers(copy, RATE)


@pytest.mark.parametrize("which", ["eq(n,7)", "eq(n,29)", "between(n,8,12)"])
def test_a_lost_picture(copy, which):
    drop(copy, "v", which)
    # Where FFmpeg conceals it, there is a picture without a number.
    with sees(judge_numbers, "missing|no number"):
        judge_numbers(copy, RATE)
    with sees(judge_chain, "not declared|slate"):
        judge_chain(copy, RATE)


def test_the_last_picture_of_a_file_is_lost(copy):
    drop(copy, "v", "gte(n,29)")
    with sees(judge_joints, "due at"):
        judge_joints(copy)


@pytest.mark.parametrize("which", ["eq(n,0)", "eq(n,40)", "gte(n,93)"])
def test_a_lost_sound_unit(copy, which):
    drop(copy, "a", which)
    with sees(judge_joints, "sound at"):
        judge_joints(copy)
    with sees(judge_chain, "no sound|beside its grid"):
        judge_chain(copy, RATE)


def test_a_picture_at_a_wrong_time(copy):
    recording = edit(copy, lambda m: [s.update(first_ticks=s["first_ticks"] + 48, end_ticks=s["end_ticks"] + 48)
                                      for s in m["segments"]])
    with sees(judge_numbers, "at tick"):
        judge_numbers(recording, RATE)


def test_two_versions_of_the_same(original, copy):
    """A successor that repeats what is not the same."""
    def repeat(manifest):
        manifest["segments"].insert(2, {**manifest["segments"][1], "succeeds": 2, "file": "copy.mp4"})
        manifest["segments"][1]["state"] = "recovered"
    shutil.copy(copy.files[1], copy.folder / "copy.mp4")
    recording = edit(copy, repeat)
    units = units_of(original)
    picture = next(u for u in units.pictures if u.file == 1 and not u.key)
    content = bytearray(recording.files[2].read_bytes())
    at = content.index(picture.data)
    content[at + len(picture.data) - 1] ^= 1
    recording.files[2].write_bytes(content)
    with sees(judge_chain, "two versions|more than a GOP"):
        judge_chain(recording, RATE)


def test_a_declared_hole_that_is_none(copy):
    def declare(manifest):
        first = manifest["segments"][1]["first_ticks"]
        manifest["gaps"].append({"kind": "overtaken", "from_ticks": first, "to_ticks": first + TICKS, "count": 1})
    with sees(judge_chain, "it is there"):
        judge_chain(edit(copy, declare), RATE)


# ---- sound and picture -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ms", [-40, -25, 25, 40])
def test_sound_that_is_off(original, tmp_path, ms):
    units = units_of(original)
    for unit in units.sounds:
        unit.tick += ms * TICKS // 1000
    with sees(judge_sync, "ms from the other|nothing belongs"):
        judge_sync(flashes_of(original), beeps_of(units, tmp_path))


def test_sound_that_lacks_a_beep(original, tmp_path):
    units = units_of(original)
    silence = next(u.data for u in units.sounds if len(u.data) < 10)
    beep = next(n for n, u in enumerate(units.sounds) if n > 100 and len(u.data) > 200)
    for unit in units.sounds[beep - 2:beep + 8]:
        unit.data = silence
    with sees(judge_sync, "ms from the other|nothing belongs"):
        judge_sync(flashes_of(original), beeps_of(units, tmp_path))


# ---- the seconds before ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late_s", [-1.5, 1.5])
def test_a_press_that_was_elsewhere(copy, late_s):
    recording = edit(copy, lambda m: m.update(press_ticks=m["press_ticks"] + round(late_s * TICKS)))
    with sees(judge_pre_event, "before the press"):
        judge_pre_event(recording, PRE_S, RATE)


def test_seconds_before_without_sound(copy):
    drop_sound = Recording(remux(copy, 0, "-an").folder)
    with sees(judge_pre_event, "no sound"):
        judge_pre_event(drop_sound, PRE_S, RATE)


def test_a_beginning_that_is_another_one(copy):
    shutil.copy(copy.files[1], copy.files[0])
    with sees(judge_pre_event, "picture"):
        judge_pre_event(copy, PRE_S, RATE)


# ---- players ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("player", readers.READERS)
def test_a_film_that_does_not_play(original, tmp_path, player):
    """Cut off; and with a picture whose bytes are gone."""
    content = original.files[1].read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[:content.rindex(b"moov") + 300])  # in the picture's tables
    with sees(judge_players):
        judge_players(cut, [player])
    # In a film without its first key frame no player can show every picture that ffprobe lists.
    key = next(u for u in units_of(original).pictures if u.file == 1)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(content.replace(key.data, bytes(len(key.data))))
    with sees(judge_players):
        judge_players(damaged, [player])


def test_a_film_that_chromium_does_not_play(original, tmp_path):
    judge_chromium(original.files[1])
    content = original.files[1].read_bytes()
    key = next(u for u in units_of(original).pictures if u.file == 1)
    (tmp_path / "film.mp4").write_bytes(content.replace(key.data, bytes(len(key.data))))
    with sees(judge_chromium):
        judge_chromium(tmp_path / "film.mp4")


# ---- recovery ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def recovered(daemon):
    """A killed daemon's store before and after the next start."""
    d = daemon({"camera": {"width": 160, "height": 120, "rate": RATE}, "video": {"bit_rate": "250k"},
                "recording": {"pre_event": "2 s", "post_event": "1 s", "segment": "2 s"}})
    d.run_for(3)
    d.press()
    d.run_for(4.8)
    durable = d.get("DurableUntilNs")
    d.kill()
    film = sorted((d.store / "recordings").glob("*/*.mp4"))[-1]
    film.write_bytes(film.read_bytes() + random.Random(1).randbytes(777))
    before = snapshot(d)
    d.start()
    d.terminate()
    judge_recovery(d, before, durable)
    return d, before, durable, film


def test_recovery_that_loses_something(recovered):
    d, before, durable, film = recovered
    d.judged = False  # it is changed on purpose below
    judge_recovery(d, before, durable)
    good = film.read_bytes()

    film.write_bytes(good[:len(good) - 4000])
    with sees(judge_recovery):
        judge_recovery(d, before, durable)
    changed = bytearray(good)
    changed[5000] ^= 1
    film.write_bytes(changed)
    with sees(judge_recovery, "has changed"):
        judge_recovery(d, before, durable)
    film.write_bytes(good)

    tail = film.with_suffix(".tail")
    kept = tail.read_bytes()
    assert kept.endswith(random.Random(1).randbytes(777))
    tail.unlink()
    with sees(judge_recovery, "in the tail"):
        judge_recovery(d, before, durable)
    tail.write_bytes(kept[:-1])
    with sees(judge_recovery, "in the tail"):
        judge_recovery(d, before, durable)
    tail.write_bytes(kept)

    with sees(judge_recovery, "durable is lost"):
        judge_recovery(d, before, durable + NS)
    first = film.with_name("0001.mp4")
    first.write_bytes(first.read_bytes() + b"x")
    with sees(judge_recovery, "changed all the same"):
        judge_recovery(d, before, durable)


# ---- the process -------------------------------------------------------------------------------------------------------


def test_a_wrong_end(daemon):
    d = daemon()
    d.process.send_signal(signal.SIGKILL)
    with pytest.raises(AssertionError, match="ended with status -9, not 0"):
        d.wait_exit()


def test_a_process_left_behind(daemon):
    d = daemon(wrapper=["sh", "-c", 'sleep 1000 & exec "$@"', "sh"])
    session = d.process.pid
    with pytest.raises(AssertionError, match="left processes behind.*sleep"):
        d.terminate()
    for process in processes_of_session(session):
        os.kill(process, signal.SIGKILL)
