# SPDX-License-Identifier: EUPL-1.2
"""Another key or certificate for the same device (EVIDENCE 17): handed over to by the former key, or not; and what the former one left."""

import functools
import json
import re
import subprocess

import pytest
from agency import make_agency
from harness import BUILD, SOURCE, authority
from runs import SETTINGS, evidence_of, judged, plant_strangers_file, run


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
    d = seal_and_hand_over(daemon, sealing, ends, another_key("TEST-1-sealed", elsewhere))
    before = stored(d)
    assert any(f.name.endswith(".recovered") for f in before) == (ends != "closed")
    key += ["--trust", elsewhere / "root.pem"] if elsewhere else []
    for _ in range(2):
        pause(d)
        judged(d, 0, arguments=key)
        assert stored(d) == before


def seal_and_hand_over(daemon, sealing, ends, new=None):
    """A daemon whose newest recording a former key sealed, and that takes another key next."""
    new = new or another_key("TEST-1-second")
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
    hand_over(d, evidence_of(d), new)
    take(d, new, sealing)
    return d


def stored(d):
    return {f: f.read_bytes() for f in (d.store / "recordings").rglob("*") if f.is_file()}


def call_closed(recording):
    """What anybody can write into manifest.json of a recording that was cut off."""
    path = recording / "manifest.json"
    manifest = json.loads(path.read_text())
    for segment in manifest["segments"]:
        segment.update(state="closed", bytes=(recording / segment["file"]).stat().st_size)
    path.write_text(json.dumps(manifest))


def pause(d):
    """A start without a recording."""
    d.start()
    d.run_for(2)
    d.terminate()


def test_rule_17_a_ledger_with_a_hole(daemon, tmp_path):
    """A file of the ledger is taken away for one start, and the recording listed as open: what the former key signed stays as it is."""
    d = seal_and_hand_over(daemon, make_agency(tmp_path), "cut")
    before = stored(d)
    pause(d)
    first, = sorted((d.store / "ledger").iterdir())[-1:]
    pause(d)
    hidden = tmp_path / first.name
    first.rename(hidden)
    counter = json.loads((d.store / "counter.json").read_text())
    (d.store / "counter.json").write_text(json.dumps({**counter, "open": [1]}))
    pause(d)
    pause(d)
    hidden.rename(first)
    assert stored(d) == before
    assert "a former key's, and the ledger does not know of it" in d.log_text()
    assert '"the record beside a sealed file is a former key\'s"' in d.ctl("ledger", "--store", str(d.store)).stdout
    judged(d, 0, arguments=["--key", tmp_path / "p256.key"])


def test_rule_17_a_former_keys_word_outside_the_chain(daemon, tmp_path):
    """Whoever has the former key says that a recording of the new one has ended: that counts for nothing, and its cut is stated."""
    sealing = make_agency(tmp_path)
    other = daemon({**SETTINGS, "sealing": sealing})  # the same device and key, in another life
    for _ in range(2):
        run(other)
    d = seal_and_hand_over(daemon, sealing, "closed")
    d.start()
    d.run_for(2)
    d.record_start()
    d.run_for(5)
    d.kill()
    call_closed(d.store / "recordings/TEST-1-000002")
    planted = []
    for number, file in enumerate(sorted((other.store / "ledger").iterdir())):
        planted.append(d.store / f"ledger/999999-{number + 1:06}-000000000001.ledger")
        planted[-1].write_bytes(file.read_bytes())
    finish(d)
    for file in planted:
        file.unlink()
    assert (d.store / "recordings/TEST-1-000002/0002.recovered").exists()
    judged(d, 0, "the tail anchor", arguments=["--key", tmp_path / "p256.key"])


@pytest.mark.parametrize("anchor", ["damaged", "missing"])
def test_a_hand_over_that_is_refused_changes_nothing(daemon, anchor):
    d = daemon(SETTINGS)
    run(d)
    path = d.folder / "anchor"
    path.unlink()
    if anchor == "damaged":
        path.write_bytes(b"no anchor")
    before = {f: f.read_bytes() for f in d.folder.rglob("*") if f.is_file()}
    assert "not as its anchor knows it" in hand_over(d, evidence_of(d), another_key("TEST-1-second"), status=1)
    assert {f: f.read_bytes() for f in d.folder.rglob("*") if f.is_file()} == before
    d.judged = False


def test_rule_17_strangers_are_stated(daemon):
    """Who puts another's ledger file aside says so, the hand-over as well."""
    d = daemon(SETTINGS)
    run(d)
    planted = plant_strangers_file(daemon, d)
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
