# SPDX-License-Identifier: EUPL-1.2
"""The ledger or its anchor cannot be used: the camera records all the same, says so, and what comes of it verifies."""

import json
import os
import re
import shutil
import tempfile

import pytest
from harness import TICKS, verify
from runs import SETTINGS, evidence_of, judged, plant_strangers_file, record, run


def test_all_is_well(daemon):
    d = daemon({**SETTINGS, "clock": {"start": "300000 s"}})  # more than three days after boot
    run(d)
    run(d)
    assert "ledger-trouble" not in d.log_text()
    judged(d, 0)
    # For people, in words.
    told = d.ctl("ledger", "--store", str(d.store)).stdout
    for words in (r" start clean no reset .* anchor a file beside the store$", r" start clean yes reset ",
                  r" clock source ntp utc 2026-11-26T01:12:\d\dZ$", r" begun recording 1 press (\d+\.\d{3}) s$"):
        assert re.search(words, told, re.M), told
    press = json.loads((d.store / "recordings/TEST-1-000001/manifest.json").read_text())["press_ticks"]
    assert float(re.search(r" begun recording 1 press (\S+) s$", told, re.M)[1]) == pytest.approx(press / TICKS, abs=0.001)
    assert "none" not in told and "_ns" not in told


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_an_anchor_that_cannot_be_opened(daemon, kind):
    d = daemon(SETTINGS, start=False)
    anchor = d.folder / "elsewhere/anchor"
    d.configure({**SETTINGS, "evidence": {**evidence_of(d), "anchor": anchor}})
    if kind == "folder":
        anchor.mkdir(parents=True)
    d.start()
    assert "ledger-trouble" in d.flags
    assert f"anchor {anchor}" in d.log_text()
    d.run_for(1)
    record(d, 14)  # the patience ends within
    assert "ledger-trouble" in d.flags
    if kind == "folder":
        anchor.rmdir()
    else:
        anchor.parent.mkdir()
    d.run_for(3)
    assert "ledger-trouble" not in d.flags
    record(d)
    d.terminate()
    assert anchor.is_file()
    judged(d, 2, "rollback")
    run(d)
    lines = judged(d, 2)
    assert lines.count("rollback") == 1, lines


def test_what_a_start_says(daemon):
    """On what the anchor lies: beside the store, as in all tests, or on another file system."""
    d = daemon(SETTINGS)
    run(d)
    elsewhere = next(path for path in ("/dev/shm", "/tmp", "/run") if os.stat(path).st_dev != os.stat(d.store).st_dev)
    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        shutil.copy(d.folder / "anchor", folder)
        d.configure({**SETTINGS, "evidence": {**evidence_of(d), "anchor": f"{folder}/anchor"}})
        assert d.log_text().count("it lies on the store's medium") == 1
        run(d)
    assert d.log_text().count("it lies on the store's medium") == 1
    entries = json.loads(d.ctl("--json", "ledger", "--store", str(d.store)).stdout)["entries"]
    started = [entry["details"] for entry in entries if entry["event"] == "start"]
    assert [start["anchor"] for start in started] == [2, 1]
    _, report = verify(d.store)
    assert [start["anchor"] for start in report["items"][0]["ledger"]["starts"]] == ["a file on the store's own medium", "a file on another medium"]
    judged(d, 0)


def test_an_anchor_that_is_damaged(daemon):
    d = daemon(SETTINGS)
    run(d)
    anchor = d.folder / "anchor"
    anchor.write_bytes(bytes(100))
    run(d)
    assert "no slot of it is whole" in d.log_text()
    assert (d.folder / "anchor.damaged").read_bytes() == bytes(100)
    judged(d, 2, "rollback")


@pytest.mark.parametrize("late", [False, True])
def test_a_ledger_that_cannot_be_opened(daemon, late):
    """A file where its folder should be; then it is gone: while something is recorded, which is signed then, or only afterwards."""
    d = daemon({**SETTINGS, "recording": {**SETTINGS["recording"], "segment": "60 s"}}, start=False)
    d.store.mkdir(parents=True)
    (d.store / "ledger").write_text("nothing")
    d.start()
    assert "ledger-trouble" in d.flags
    d.run_for(2)
    if late:
        record(d)
        (d.store / "ledger").unlink()
        d.run_for(3)
    else:
        d.record_start()
        d.run_for(5)
        (d.store / "ledger").unlink()
        d.run_for(6)
        d.record_stop()
        d.run_until_closed()
    assert "ledger-trouble" not in d.flags and "signatures-pending" not in d.flags
    record(d)
    d.terminate()
    assert "ms late" in d.ctl("ledger", "--store", str(d.store)).stdout
    if late:
        run(d)  # what ended without a signature is recovered: nothing proves its end
    judged(d, 2 if late else 0)


def test_another_devices_ledger(daemon):
    """A file of it, newer than all there is: nothing goes on from there."""
    d = daemon(SETTINGS)
    run(d)
    planted = plant_strangers_file(daemon, d)
    content = planted.read_bytes()
    judged(d, 1)
    run(d)
    assert f"ledger/{planted.name} is not this device's: it is put aside" in d.log_text()
    assert planted.with_name(planted.name + ".foreign1").read_bytes() == content
    assert f"put aside, foreign: {planted.name}" in d.ctl("ledger", "--store", str(d.store)).stdout
    many = planted.with_name(planted.name + ".foreign4000000000")
    many.write_bytes(content)  # behind 99 others, say
    lines = judged(d, 2, f"{many.name} was put aside by the device")
    assert "rollback" not in lines
    many.unlink()
    judged(d, 2, "was put aside by the device")
    planted.with_name(planted.name + ".foreign1").unlink()
    judged(d, 0)


# ---- settings ---------------------------------------------------------------------------------------------------

def test_a_relative_anchor_is_a_wrong_setting(daemon):
    d = daemon(SETTINGS, start=False)
    d.configure({**SETTINGS, "evidence": {**evidence_of(d), "anchor": "anchor"}})
    d.start(wait=False)
    d.wait_exit(3)
    assert "absolute path" in d.log_text()
