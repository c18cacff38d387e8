# SPDX-License-Identifier: EUPL-1.2
"""The ledger or its anchor cannot be used: the camera records all the same, says so, and what comes of it verifies."""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile

import pytest
from harness import BUILD, SOURCE, TICKS, authority, findings, verify

SETTINGS = {"camera": {"width": 160, "height": 120, "rate": 10}, "video": {"bit_rate": "300k"},
            "recording": {"segment": "4 s", "pre_event": "1 s", "post_event": "0 s"}}


def record(d, seconds=3):
    d.record_start()
    d.run_for(seconds)
    assert d.state == "RECORDING"
    d.record_stop()
    d.run_until_closed()


def run(d):
    """A run with a recording."""
    if not d.process:
        d.start()
    d.run_for(2)
    record(d)
    d.terminate()


def judged(d, *, status, words=()):
    """bodycam-verify of the whole store."""
    got, report = verify(d.store)
    lines = "\n".join(findings(report))
    assert got == status, lines
    for word in words:
        assert word in lines
    return lines


def test_all_is_well(daemon):
    d = daemon(SETTINGS)
    run(d)
    run(d)
    assert "ledger-trouble" not in d.log_text()
    judged(d, status=0)
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
    judged(d, status=2, words=["rollback"])
    run(d)
    lines = judged(d, status=2)
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
    judged(d, status=0)


def test_an_anchor_that_is_damaged(daemon):
    d = daemon(SETTINGS)
    run(d)
    anchor = d.folder / "anchor"
    anchor.write_bytes(bytes(100))
    run(d)
    assert "no slot of it is whole" in d.log_text()
    assert (d.folder / "anchor.damaged").read_bytes() == bytes(100)
    judged(d, status=2, words=["rollback"])


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
    judged(d, status=2 if late else 0)


def test_another_devices_ledger(daemon):
    """A file of it, newer than all there is: nothing goes on from there."""
    other = daemon({**SETTINGS, "device": {"id": "TEST-2"}})
    for _ in range(4):
        run(other)
    stranger = sorted((other.store / "ledger").iterdir())[-1]
    d = daemon(SETTINGS)
    run(d)
    planted = d.store / "ledger" / stranger.name
    planted.write_bytes(stranger.read_bytes())
    judged(d, status=1)
    run(d)
    assert f"ledger/{stranger.name} is not this device's: it is put aside" in d.log_text()
    assert planted.with_name(stranger.name + ".foreign1").read_bytes() == stranger.read_bytes()
    assert f"put aside, foreign: {stranger.name}" in d.ctl("ledger", "--store", str(d.store)).stdout
    lines = judged(d, status=2, words=["was put aside by the device"])
    assert "rollback" not in lines
    planted.with_name(stranger.name + ".foreign1").unlink()
    judged(d, status=0)


# ---- another key -------------------------------------------------------------------------------------------------

@functools.cache
def another_key(name):
    """For the same device, by the same authority."""
    folder = authority()
    subprocess.run([SOURCE / "tools/test-ca", "--out", folder, "--device", "TEST-1", "--name", name], check=True,
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return {"key": f"file:{folder}/{name}.key", "certificates": str(folder / f"{name}.pem")}


def renew(d, key):
    """Another certificate for this key."""
    folder, request = authority(), d.folder / "again.csr"
    subprocess.run([BUILD / "tools/bodycam-provision/bodycam-provision", "request", "--uri", key, "--device", "TEST-1", "--out", request],
                   check=True, stdin=subprocess.DEVNULL)
    subprocess.run([SOURCE / "tools/test-ca", "--out", folder, "--device", "TEST-1", "--name", "TEST-1-again", "--csr", request, "--days", "3650"],
                   check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return str(folder / "TEST-1-again.pem")


def hand_over(d, now, following, status=0):
    done = subprocess.run([BUILD / "tools/bodycam-provision/bodycam-provision", "hand-over", "--uri", now["key"], "--device", "TEST-1",
                           "--certificates", now["certificates"], "--next", following["certificates"], "--store", d.store,
                           "--anchor", d.folder / "anchor"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def take(d, identity):
    d.configure({**SETTINGS, "evidence": {**evidence_of(d), **identity}})


def test_a_key_that_the_former_one_named(daemon):
    d = daemon(SETTINGS)
    run(d)
    old, new = evidence_of(d), another_key("TEST-1-second")
    hand_over(d, old, new)
    entries = d.ctl("ledger", "--store", str(d.store)).stdout.splitlines()
    assert re.search(r"\bkey\b", entries[-2]) and "key handed over" in entries[-1]
    take(d, new)
    run(d)
    run(d)
    judged(d, status=0)
    assert "new epoch" not in d.log_text()
    # And the next.
    third = another_key("TEST-1-third")
    hand_over(d, new, third)
    take(d, third)
    run(d)
    judged(d, status=0)
    assert "same key" in hand_over(d, third, third, status=1)
    assert "may go on with" in hand_over(d, old, new, status=1)
    judged(d, status=0)


def test_a_key_that_nobody_named(daemon):
    d = daemon(SETTINGS)
    run(d)
    take(d, another_key("TEST-1-second"))
    run(d)
    run(d)
    lines = judged(d, status=2, words=["epoch 2 is signed with another key, and no entry of the former key says so", "rollback"])
    assert lines.count("another key") == 1
    assert not list((d.store / "ledger").glob("*.foreign*"))


def test_a_key_that_was_not_taken(daemon):
    """It was named, and the former one signs on all the same."""
    d = daemon(SETTINGS)
    run(d)
    hand_over(d, evidence_of(d), another_key("TEST-1-second"))
    run(d)
    judged(d, status=2, words=["epoch 2 is not signed with the key that the record before it names"])


def test_handing_over_while_the_daemon_runs(daemon):
    d = daemon(SETTINGS)
    assert "another" in hand_over(d, evidence_of(d), another_key("TEST-1-second"), status=1)
    run(d)
    judged(d, status=0)


def test_handing_over_before_all_is_finished(daemon):
    """What the old key has not finished the new one could not."""
    d = daemon(SETTINGS)
    d.run_for(3)
    d.record_start()
    d.run_for(2)
    d.kill()
    old, new = evidence_of(d), another_key("TEST-1-second")
    assert "1 recordings are not finished" in hand_over(d, old, new, status=1)
    d.start()
    d.wait_for(lambda: json.loads((d.store / "counter.json").read_text())["open"] == [], "the end of recovery")
    d.terminate()
    hand_over(d, old, new)
    take(d, new)
    run(d)
    judged(d, status=0)


def test_another_certificate_of_the_same_key(daemon):
    d = daemon(SETTINGS)
    run(d)
    before = evidence_of(d)
    take(d, {**before, "certificates": renew(d, before["key"])})
    run(d)
    judged(d, status=0)
    assert "new epoch" not in d.log_text()


def test_a_relative_anchor_is_a_wrong_setting(daemon):
    d = daemon(SETTINGS, start=False)
    d.configure({**SETTINGS, "evidence": {**evidence_of(d), "anchor": "anchor"}})
    d.start(wait=False)
    d.wait_exit(3)
    assert "absolute path" in d.log_text()


def evidence_of(d):
    """What the harness set by itself."""
    lines = d.config.read_text().split("[evidence]\n")[1].split("[")[0].splitlines()
    return dict(line.split(" = ", 1) for line in lines)
