# SPDX-License-Identifier: EUPL-1.2
"""Another key or certificate for the same device (EVIDENCE 17): handed over to by the former key, or not; and what the former one left."""

import functools
import json
import re
import subprocess

import pytest
from agency import make_agency
from harness import BUILD, SOURCE, authority
from runs import SETTINGS, evidence_of, judged, run, strangers_file


@functools.cache
def another_key(name, folder=None):
    """For the same device, by the same authority; or by one of its own in this folder."""
    folder = folder or authority()
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


def take(d, identity, sealing=None):
    d.configure({**SETTINGS, "evidence": {**evidence_of(d), **identity}, **({"sealing": sealing} if sealing else {})})


def finish(d):
    """What was cut off, and no more: the second start finds in the ledger what the first stated."""
    for _ in range(2):
        d.start()
        d.run_for(2)
        d.terminate()
    assert json.loads((d.store / "counter.json").read_text())["open"] == []


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
    judged(d, 0)
    assert "new epoch" not in d.log_text()
    # And the next.
    third = another_key("TEST-1-third")
    hand_over(d, new, third)
    take(d, third)
    run(d)
    judged(d, 0)
    assert "same key" in hand_over(d, third, third, status=1)
    assert "may go on with" in hand_over(d, old, new, status=1)
    judged(d, 0)


def test_a_key_that_nobody_named(daemon):
    d = daemon(SETTINGS)
    run(d)
    take(d, another_key("TEST-1-second"))
    run(d)
    run(d)
    lines = judged(d, 2, "epoch 2 is signed with another key, and no entry of the former key says so", "rollback")
    assert lines.count("another key") == 1
    assert not list((d.store / "ledger").glob("*.foreign*"))


def test_a_key_that_was_not_taken(daemon):
    """It was named, and the former one signs on all the same."""
    d = daemon(SETTINGS)
    run(d)
    hand_over(d, evidence_of(d), another_key("TEST-1-second"))
    run(d)
    judged(d, 2, "epoch 2 is not signed with the key that the record before it names")


@pytest.mark.parametrize("by", ["the same authority", "another"])
@pytest.mark.parametrize("ends", ["closed", "cut", "cut twice"])
def test_rule_17_what_a_former_key_sealed(daemon, tmp_path, ends, by):
    """The newest recording is sealed, and ended under the former key, by itself or as recovery found it: the new one adds nothing, whoever
    vouches for it."""
    sealing, key = make_agency(tmp_path), ["--key", tmp_path / "p256.key"]
    elsewhere = tmp_path / "another" if by == "another" else None
    d = daemon({**SETTINGS, "sealing": sealing})
    if ends == "cut twice":
        run(d)
        d.start()
    d.run_for(2)
    d.record_start()
    d.run_for(5)
    if ends == "closed":
        d.record_stop()
        d.run_until_closed()
        d.terminate()
    else:
        d.kill()
        finish(d)
    before = {f: f.read_bytes() for f in (d.store / "recordings").rglob("*") if f.is_file()}
    assert any(f.name.endswith(".recovered") for f in before) == (ends != "closed")
    old, new = evidence_of(d), another_key("TEST-1-sealed", elsewhere)
    hand_over(d, old, new)
    take(d, new, sealing)
    key += ["--trust", elsewhere / "root.pem"] if elsewhere else []
    for _ in range(2):
        d.start()
        d.run_for(2)
        d.terminate()
        judged(d, 0, arguments=key)
        assert {f: f.read_bytes() for f in (d.store / "recordings").rglob("*") if f.is_file()} == before


def test_rule_17_strangers_are_stated(daemon):
    """Who puts another's ledger file aside says so, the hand-over as well."""
    stranger = strangers_file(daemon)
    d = daemon(SETTINGS)
    run(d)
    planted = d.store / "ledger" / stranger.name
    planted.write_bytes(stranger.read_bytes())
    hand_over(d, evidence_of(d), another_key("TEST-1-second"))
    assert planted.with_name(planted.name + ".foreign1").exists()
    assert f"put aside, foreign: {planted.name}" in d.ctl("ledger", "--store", str(d.store)).stdout


def test_handing_over_while_the_daemon_runs(daemon):
    d = daemon(SETTINGS)
    assert "another" in hand_over(d, evidence_of(d), another_key("TEST-1-second"), status=1)
    run(d)
    judged(d, 0)


def test_handing_over_before_all_is_finished(daemon):
    """What the old key has not finished the new one could not."""
    d = daemon(SETTINGS)
    d.run_for(3)
    d.record_start()
    d.run_for(2)
    d.kill()
    old, new = evidence_of(d), another_key("TEST-1-second")
    assert "1 recordings are not finished" in hand_over(d, old, new, status=1)
    finish(d)
    hand_over(d, old, new)
    take(d, new)
    run(d)
    judged(d, 0)


def test_another_certificate_of_the_same_key(daemon):
    d = daemon(SETTINGS)
    run(d)
    before = evidence_of(d)
    take(d, {**before, "certificates": renew(d, before["key"])})
    run(d)
    judged(d, 0)
    assert "new epoch" not in d.log_text()
