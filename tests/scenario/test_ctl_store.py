# SPDX-License-Identifier: EUPL-1.2
"""bodycamctl list and show: they read the store's files, with and without a daemon, whatever lies there."""

import json
import os
import re
import subprocess
import time

import pytest
from gi.repository import GLib
from harness import BODYCAMCTL, LONG, NS, TICKS, Bus
from stand_in import StandIn
from terminal import ctl as run_ctl

MANY = 100_000 if LONG else 20_000


@pytest.fixture
def ctl(tmp_path):
    """bodycamctl with a store, on a bus where nobody is."""
    bus = Bus(start=False)

    def run(*words, store=tmp_path / "store", **options):
        return run_ctl(bus, *words, "--store", store, **options)

    yield run
    bus.close()


def manifest(number, device="HAND", **changes):
    return {"version": 1, "device": device, "recording": number, "state": "closed", "boot_id": "", "ticks_per_second": TICKS,
            "reason": "button", "stop_reason": "command", "press_ticks": 10 * TICKS, "pre_event_ticks": 5 * TICKS,
            "stop_ticks": 40 * TICKS, "segments": [
                {"file": "0001.mp4", "state": "closed", "first_ticks": 5 * TICKS, "end_ticks": 40 * TICKS, "bytes": 1_234_567,
                 "fragments": 70}],
            "gaps": [], "clock": [], **changes}


def put(store, number, device="HAND", text=None, **changes):
    folder = store / "recordings" / f"{device}-{number:06}"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest(number, device, **changes)) if text is None else text)
    return folder


# ---- what a daemon recorded ------------------------------------------------------------------------------------

def test_what_was_recorded(daemon):
    """Two recordings, one with a dead camera in it; then the power goes in a third, and the daemon is down."""
    d = daemon()
    d.run_for(7)
    d.record_start("häuser \"x\"")
    d.run_for(12)
    d.record_stop()
    d.run_for(3)
    d.run_until_closed()
    d.record_start()
    d.set_fault("camera", "stall")
    d.run_for(4)
    d.set_fault("camera", "none")
    d.run_for(2)
    d.set_utc(1_795_700_000 * NS, "gnss", 1000)
    d.run_for(2)
    d.record_stop()
    d.run_for(3)
    d.run_until_closed()
    d.record_start("third")
    d.run_for(2)
    d.kill()
    one, two, three = d.recordings()

    def run(*words, **options):
        return run_ctl(d.bus, *words, "--store", d.store, **options)

    rows = run("list").stdout.splitlines()
    assert rows[0].split() == ["NAME", "STATE", "BEGINS", "(UTC)", "LENGTH", "SEGS", "GAPS", "MARKS", "BYTES"]
    assert [r.split()[:2] for r in rows[1:]] == [["TEST-1-000003", "open"], ["TEST-1-000002", "closed"],
                                                 ["TEST-1-000001", "closed"]]
    assert len({len(r) for r in rows}) == 1, "aligned"
    told = json.loads(run("--json", "list").stdout)
    assert told["more"] == told["odd"] == 0 and told["unreadable"] == []
    for row, recording in zip(told["recordings"], (three, two, one)):
        assert row["name"] == recording.name and row["device"] == "TEST-1" and row["state"] == recording.state
        assert row["length_ticks"] == recording.segments[-1]["end_ticks"] - recording.segments[0]["first_ticks"]
        assert row["bytes"] == sum(s["bytes"] for s in recording.segments)
        assert row["segments"] == len(recording.segments) and row["gaps"] == len(recording.gaps)
        assert row["utc"] == recording.manifest["clock"][0]["utc"]
        if recording.state == "closed":
            assert row["bytes"] == sum(f.stat().st_size for f in recording.files)

    shown = run("show", "1").stdout
    assert shown == run("show", "TEST-1-000001").stdout
    for line in ("recording  TEST-1-000001", "state      closed: ended on purpose", "asked by   command: häuser \"x\"",
                 "ended by   command", "gaps       none"):
        assert line in shown.splitlines()
    assert shown.count(".mp4 closed from ") == len(one.segments)
    press = re.search(r"^press      0:00:0(\d\.\d) (\S+)$", shown, re.MULTILINE)
    assert float(press[1]) == pytest.approx(one.press_s - one.first_s, abs=0.1)
    # The simulated clock began at 01:12:14 when media time was 100 s.
    assert press[2] == f"2026-11-26T01:12:{14 + int(one.press_s - 100):02}Z"

    shown = run("show", "2").stdout
    gap, = two.gaps_of("no-picture")
    assert re.search(r"^gaps       no-picture from 0:00:\d\d\.\d 2026-\S+ for 0:00:0(\d\.\d) \(no picture", shown,
                     re.MULTILINE)[1] == f"{(gap['to_ticks'] - gap['from_ticks']) // (TICKS // 10) / 10:.1f}"
    assert "source ntp, +- 20 ms" in shown or "source ntp, +- 50 ms" in shown
    assert re.search(r"^           from \S+ \S+: source gnss, \+- 1 us, was set forward by ", shown, re.MULTILINE)
    whole = json.loads(run("show", "2", "--json").stdout)
    assert [g["kind"] for g in whole["gap_list"]] == [g["kind"] for g in two.gaps]
    assert [s["file"] for s in whole["segment_list"]] == [s["file"] for s in two.segments]
    assert [c["source"] for c in whole["clock"]] == ["ntp", "gnss"] and whole["reason"] == "command"
    assert "state      open: being recorded, or the power went" in run("show", "3").stdout

    # After the next start the third is in order. The daemon that is up may be asked for nothing.
    d.start()
    assert json.loads(run("--json", "show", "3").stdout)["state"] == "recovered"


def test_the_store_that_the_daemon_tells(daemon):
    """StorePath is new: a daemon that has it is asked, one that has not is told of."""
    d = daemon()
    d.run_for(7)
    d.record_start()
    done = run_ctl(d.bus, "list", check=False)
    if "StorePath" in d.call("org.freedesktop.DBus.Properties", "GetAll", "(s)", "org.bodycam.Recorder1")[0]:
        assert done.returncode == 0 and "TEST-1-000001" in done.stdout
    else:
        assert done.returncode == 1 and "--store DIR" in done.stderr


def test_the_store_path_is_used(tmp_path):
    put(tmp_path / "store", 7)
    bus = Bus()
    s = StandIn(bus, {"StorePath": GLib.Variant("s", str(tmp_path / "store"))})
    assert "HAND-000007" in run_ctl(bus, "list").stdout
    assert "HAND-000007" in run_ctl(bus, "show", "7").stdout
    s.close()
    bus.close()


def test_without_daemon_and_without_store(tmp_path):
    bus = Bus()
    for words in (["list"], ["show", "1"]):
        done = run_ctl(bus, *words, check=False)
        assert done.returncode == 3 and "bodycamd does not run" in done.stderr and "--store DIR" in done.stderr
    bus.close()


# ---- many ------------------------------------------------------------------------------------------------------

def test_very_many_recordings(ctl, tmp_path):
    folder = tmp_path / "store" / "recordings"
    folder.mkdir(parents=True)
    for number in range(1, MANY + 1):
        (folder / f"HAND-{number:06}").mkdir()
    for number in range(MANY - 30, MANY + 1):
        (folder / f"HAND-{number:06}" / "manifest.json").write_text(json.dumps(manifest(number)))
    began = time.monotonic()
    rows = ctl("list").stdout.splitlines()
    took = time.monotonic() - began
    assert [r.split()[0] for r in rows[1:-1]] == [f"HAND-{n:06}" for n in range(MANY, MANY - 20, -1)]
    assert rows[-1] == f"{MANY - 20} older: --last N shows more of them, --all all"
    assert took < 20, "only those that are shown are read"
    told = json.loads(ctl("--json", "list", "--last", "3").stdout)
    assert [r["counter"] for r in told["recordings"]] == [MANY, MANY - 1, MANY - 2] and told["more"] == MANY - 3
    assert ctl("list", "--names").stdout.count("\n") == MANY
    assert "recording  HAND" in ctl("show", str(MANY - 5)).stdout


def test_none(ctl, tmp_path):
    (tmp_path / "store" / "recordings").mkdir(parents=True)
    assert ctl("list").stdout == "no recordings\n"
    assert json.loads(ctl("--json", "list").stdout) == {"recordings": [], "more": 0, "odd": 0, "unreadable": []}
    for words in (["show", "1"], ["show", "../../etc"], ["show", "HAND-000001"], ["show", "a\x1bb"]):
        done = ctl(*words, check=False)
        assert done.returncode == 1 and "there is no recording" in done.stderr and "\x1b" not in done.stderr


def test_numbers_of_two_devices(ctl, tmp_path):
    put(tmp_path / "store", 5, "A-1")
    put(tmp_path / "store", 5, "B-1")
    done = ctl("show", "5", check=False)
    assert done.returncode == 1 and "A-1-000005" in done.stderr and "B-1-000005" in done.stderr
    assert "recording  B-1-000005" in ctl("show", "B-1-000005").stdout


# ---- hostile ---------------------------------------------------------------------------------------------------

def damaged(store):
    """Recordings that cannot be read, with what is told of each."""
    put(store, 1, text="{")
    put(store, 2, text="{}")
    put(store, 3, text=json.dumps(manifest(99)))
    put(store, 4, text=" " * (5 << 20) + json.dumps(manifest(4)))
    put(store, 5).joinpath("manifest.json").unlink()
    put(store, 6).joinpath("manifest.json").rename(store / "elsewhere.json")
    (store / "recordings/HAND-000006/manifest.json").symlink_to(store / "elsewhere.json")
    put(store, 7).joinpath("manifest.json").unlink()
    os.mkfifo(store / "recordings/HAND-000007/manifest.json")
    put(store, 8).joinpath("manifest.json").unlink()
    (store / "recordings/HAND-000008/manifest.json").mkdir()
    return {1: "manifest.json: damaged", 2: "manifest.json: damaged", 3: "is of another recording, HAND-000099",
            4: "manifest.json: damaged", 5: "manifest.json: missing", 6: "manifest.json: damaged", 7: "manifest.json: damaged",
            8: "manifest.json: damaged"}


def test_what_cannot_be_read_is_told_and_skipped(ctl, tmp_path):
    store = tmp_path / "store"
    put(store, 20)
    reasons = damaged(store)
    done = ctl("list", check=False)
    assert done.returncode == 1
    rows = {r.split()[0]: r.split()[1] for r in done.stdout.splitlines()[1:]}
    assert rows == {"HAND-000020": "closed", **{f"HAND-{n:06}": "unreadable" for n in reasons}}
    for number, reason in reasons.items():
        line, = [x for x in done.stderr.splitlines() if f"HAND-{number:06}/" in x]
        assert str(store) in line and reason in line
        shown = ctl("--json", "show", str(number), check=False)
        assert shown.returncode == 1 and reason in json.loads(shown.stdout)["error"]
    told = ctl("--json", "list", check=False)
    assert told.returncode == 1
    assert {u["name"] for u in json.loads(told.stdout)["unreadable"]} == {f"HAND-{n:06}" for n in reasons}
    assert ctl("list", "--last", "1").returncode == 0, "what is not looked at is not missed"


ODD = ["x", "HAND-1", "HAND-0000001", "HAND-000000", "-000001", "HAND 1-000001", "H\x1b[2J-000001", "HAND-99999999999999999999",
       "HAND-000001.bak", "é-000001", "A" * 33 + "-000001", b"\xff\xfe-000001", "a\nb-000001"]


def test_odd_names(ctl, tmp_path):
    store = tmp_path / "store"
    put(store, 20)
    for name in ODD:
        os.mkdir(os.path.join(os.fsencode(store / "recordings"), os.fsencode(name)))
    (store / "recordings/HAND-000021").write_text("a file")
    (store / "recordings/HAND-000022").symlink_to(store / "recordings/HAND-000020")
    (store / "recordings/HAND-000023").symlink_to("/")
    done = ctl("list", check=False)
    assert done.returncode == 1 and [r.split()[0] for r in done.stdout.splitlines()] == ["NAME", "HAND-000020"]
    assert done.stderr.count("not the folder of a recording, skipped") == 10
    assert f"{len(ODD) + 3 - 10} more that are not the folder of a recording" in done.stderr
    assert not re.search("[^\n -~é]", done.stdout + done.stderr)
    told = json.loads(ctl("--json", "list", check=False).stdout)
    assert told["odd"] == len(ODD) + 3 and len(told["unreadable"]) == 10
    assert ctl("list", "--names").stdout == "HAND-000020\n"
    assert ctl("show", "22", check=False).returncode == 1


def test_stores_that_are_none(ctl, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "linked").mkdir()
    put(tmp_path / "store", 1)
    (tmp_path / "linked" / "recordings").symlink_to(tmp_path / "store" / "recordings")
    for store in ("none", "file", "empty", "linked"):
        done = ctl("list", store=tmp_path / store, check=False)
        assert done.returncode == 1 and str(tmp_path / store) in done.stderr and done.stdout == ""


EDGE = 2**63 - 1


@pytest.mark.parametrize("changes", [
    {"reason": "a\x1b[2J\x07\x7f\u009b\u202eb", "stop_reason": "\r\n"},
    {"press_ticks": EDGE, "stop_ticks": 0, "pre_event_ticks": EDGE},
    {"press_ticks": EDGE, "stop_ticks": EDGE, "clock": [
        {"from_ticks": 0, "source": "rtc", "utc": "1970-01-01T00:00:00Z", "utc_ns": 0, "uncertainty_ns": 0, "step_ns": 0, "count": 1}]},
    {"segments": [{"file": "9999.mp4", "state": "missing", "first_ticks": 0, "end_ticks": EDGE, "bytes": 0, "fragments": 0,
                   "succeeds": 9998, "error": "x", "errno": 4095, "tail_bytes": EDGE, "missing_bytes": EDGE}]},
    {"segments": [], "gaps": None, "clock": None, "press_ticks": None, "stop_ticks": None, "pre_event_ticks": None},
    {"gaps": [{"kind": "frames-lost", "from_ticks": EDGE, "to_ticks": None, "count": EDGE},
              {"kind": "pre-event", "from_ticks": 0, "to_ticks": EDGE, "count": 5}]},
    {"clock": [{"from_ticks": 0, "source": "gnss", "utc": "2262-04-11T23:47:16Z", "utc_ns": EDGE, "uncertainty_ns": EDGE,
                "step_ns": -EDGE, "count": EDGE},
               {"from_ticks": EDGE, "source": "none", "utc": None, "utc_ns": None, "uncertainty_ns": None, "step_ns": None,
                "count": 1}]},
])
def test_manifests_at_the_edge(ctl, tmp_path, changes):
    put(tmp_path / "store", 1, **changes)
    texts = [ctl(*words).stdout for words in (["list"], ["show", "1"], ["--json", "list"], ["--json", "show", "1"])]
    assert not re.search("[^\n -~]", "".join(texts))
    assert "HAND-000001" in texts[0] and "recording  HAND-000001" in texts[1]
    assert json.loads(texts[3])["name"] == json.loads(texts[2])["recordings"][0]["name"] == "HAND-000001"
    if changes.get("gaps", 1) is None:
        assert "gaps       not known" in texts[1] and json.loads(texts[3])["gap_list"] is None
        assert texts[0].splitlines()[1].split()[-4] == "?"


def test_output_that_cannot_be_written(tmp_path):
    put(tmp_path / "store", 1)
    for words in (["list"], ["show", "1"], ["--json", "list"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(BODYCAMCTL), *words, "--store", str(tmp_path / "store")], stdout=full,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=60)
        assert done.returncode == 1
