# SPDX-License-Identifier: EUPL-1.2
"""The ledger's anchor in a TPM's memory (swtpm), alone and beside a file: made by bodycam-provision, kept by the daemon, and what it
catches."""

import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile

import pytest
from chip import Manager, Tpm
from harness import BUILD, SOURCE, authority, identity, run_bodycamd, verify
from judges import records_of
from runs import judged, record, run

PROVISION = BUILD / "tools/bodycam-provision/bodycam-provision"
SETTINGS = {"camera": {"width": 160, "height": 120, "rate": 10}, "video": {"bit_rate": "300k"},
            "recording": {"segment": "60 s", "pre_event": "1 s", "post_event": "0 s"}, "device": {"id": "TEST-1"}}
INDEX = 0x01800bca
PLACE = "tpm2:0x01800bca"
SLOT = 192
RESTORED = "the TPM knew more than the file"


@pytest.fixture
def tpm(tmp_path):
    made = Tpm(tmp_path)
    provision(made)
    yield made
    made.stop()


@pytest.fixture
def recorder(daemon, tpm, tmp_path):
    """A daemon whose anchor is where `place` says; not started."""
    def make(place, key=None, env=None, clock="simulated"):
        d = daemon(SETTINGS, start=False, clock=clock, env={"TSS2_LOG": "all+none", **(env or tpm.env)})
        configure(d, place, key)
        return d
    return make


def configure(d, place, key=None):
    d.configure({**SETTINGS, "evidence": {**(key or identity("TEST-1")), "anchor": place.format(file=d.folder / "anchor")}})


BOTH = PLACE + " {file}"


def provision(tpm, place=PLACE, status=0, env=None):
    done = subprocess.run([PROVISION, "anchor", "--anchor", place], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={"TSS2_LOG": "all+none", **(env or tpm.env)})
    assert done.returncode == status, done.stderr
    return done.stderr


def starts(d):
    _, report = verify(d.store)
    return [start["anchor"] for start in report["items"][0]["ledger"]["starts"]]


def ledger(d):
    return d.ctl("ledger", "--store", str(d.store)).stdout


class Image:
    """A copy of what anybody can copy who has the device in his hands: the card, and the flash with the anchor's file."""

    def __init__(self, d, name):
        self.d, self.folder = d, d.folder / name
        self.folder.mkdir()
        shutil.copytree(d.store, self.folder / "store")
        if (d.folder / "anchor").exists():
            shutil.copy(d.folder / "anchor", self.folder)

    def put_back(self, *, card=True, file=True):
        if card:
            shutil.rmtree(self.d.store)
            shutil.copytree(self.folder / "store", self.d.store)
        if file and (self.folder / "anchor").exists():
            shutil.copy(self.folder / "anchor", self.d.folder)


def forge(d, later=0):
    """Makes the anchor's file the newest one that there is; later: it names a recording that came so much later."""
    file = bytearray((d.folder / "anchor").read_bytes())
    newest = max((0, 4096), key=lambda at: file[at + 8:at + 16])
    slot = file[newest:newest + 480]
    slot[8:16] = struct.pack(">Q", struct.unpack(">Q", slot[8:16])[0] + 1000)
    slot[64:72] = struct.pack(">Q", struct.unpack(">Q", slot[64:72])[0] + later)
    file[newest:newest + 512] = slot + hashlib.sha256(slot).digest()
    (d.folder / "anchor").write_bytes(file)


def entries_of(d):
    return json.loads(d.ctl("--json", "ledger", "--store", str(d.store)).stdout)["entries"]


def newest_of(tpm):
    """Its slot that counts."""
    content = tpm.read(INDEX, 2 * SLOT)
    return max((content[:SLOT], content[SLOT:]), key=lambda slot: slot[8:16])


# ---- it works --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("place, medium", [(PLACE, "a TPM's memory"), (BOTH, "a file on the store's own medium, and a TPM's memory")])
def test_all_is_well(recorder, place, medium):
    d = recorder(place)
    run(d)
    run(d)
    assert "ledger-trouble" not in d.log_text() and "anchor" not in d.log_text(), d.log_text()
    judged(d, 0)
    assert starts(d) == [medium, medium]
    entries = entries_of(d)
    assert {entry["details"]["anchor"] for entry in entries if entry["event"] == "start"} == {3 if place == PLACE else 5}
    assert (d.folder / "anchor").exists() == (place == BOTH)


def test_a_file_elsewhere(recorder):
    d = recorder(PLACE)
    d.store.mkdir()
    elsewhere = next(path for path in ("/dev/shm", "/tmp", "/run") if os.stat(path).st_dev != os.stat(d.store).st_dev)
    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        configure(d, f"{PLACE} {folder}/anchor")
        run(d)
    judged(d, 0)
    assert starts(d) == ["a file on another medium, and a TPM's memory"]


def test_from_a_file_to_both(recorder):
    """A device that has an anchor in a file gets one in a TPM, too."""
    d = recorder("{file}")
    run(d)
    configure(d, BOTH)
    run(d)
    run(d)
    judged(d, 0)
    assert len(set(starts(d))) == 2 and "anchor: " not in ledger(d)


def test_handing_over(recorder, tpm):
    """bodycam-provision keeps the anchor as the daemon does."""
    d = recorder(BOTH)
    run(d)
    folder, old = authority(), identity("TEST-1")
    subprocess.run([SOURCE / "tools/test-ca", "--out", folder, "--device", "TEST-1", "--name", "TEST-1-next"], check=True,
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    new = {"key": f"file:{folder}/TEST-1-next.key", "certificates": folder / "TEST-1-next.pem"}
    before = tpm.read(INDEX, 2 * SLOT)
    subprocess.run([PROVISION, "hand-over", "--uri", old["key"], "--device", "TEST-1", "--certificates", old["certificates"], "--next",
                    new["certificates"], "--store", d.store, "--anchor", BOTH.format(file=d.folder / "anchor")], check=True, timeout=60,
                   env=d.env, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    assert tpm.read(INDEX, 2 * SLOT) != before
    configure(d, BOTH, new)
    run(d)
    judged(d, 0)


# ---- what it catches -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("place, caught", [("{file}", False), (PLACE, True), (BOTH, True)])
def test_rule_12_card_and_flash_put_back(recorder, place, caught):
    """Somebody copies all that can be copied, lets the camera record, and puts everything back."""
    d = recorder(place)
    run(d)
    image = Image(d, "image")
    run(d)
    image.put_back()
    run(d)
    if not caught:
        # That is what the TPM is for: nothing shows.
        judged(d, 0)
        return
    judged(d, 2, "rollback", "recording 2 is not there")
    assert (RESTORED in ledger(d)) == (place == BOTH)
    # It is said once, and goes on from there.
    run(d)
    assert judged(d, 2).count("rollback") == 1


def test_card_alone_put_back(recorder):
    d = recorder(BOTH)
    run(d)
    image = Image(d, "image")
    run(d)
    image.put_back(file=False)
    run(d)
    judged(d, 2, "rollback", "recording 2 is not there")
    assert RESTORED not in ledger(d)


def test_flash_alone_put_back(recorder):
    """The card is whole: nothing is missing, and it is said that the file was old."""
    d = recorder(BOTH)
    run(d)
    image = Image(d, "image")
    run(d)
    image.put_back(card=False)
    run(d)
    judged(d, 0)
    assert RESTORED in ledger(d)


def test_rule_12_old_card_and_anchor_made_up(recorder, tpm):
    """With a higher number than any before: it is taken for the newer one, and the TPM's is judged all the same."""
    d = recorder(BOTH)
    run(d)
    image = Image(d, "image")
    run(d)
    image.put_back()
    forge(d)
    known = newest_of(tpm)
    run(d)
    judged(d, 2, "rollback", "recording 2 is not there")
    entries = entries_of(d)
    assert [e["details"]["anchor"] for e in entries if e["event"] == "rollback"] == [struct.unpack(">Q", known[24:32])[0]]


def test_an_index_made_anew(recorder, tpm):
    """Who has the TPM can do that. Alone it says nothing, which no ledger agrees with; beside a file that is all that is lost."""
    d = recorder(PLACE)
    run(d)
    tpm.undefine(INDEX)
    provision(tpm)
    run(d)
    judged(d, 2, "rollback")


def test_a_damaged_index(recorder, tpm):
    d = recorder(PLACE)
    run(d)
    tpm.write(INDEX, bytes(2 * SLOT))
    run(d)
    assert "no slot of it is whole" in d.log_text()
    judged(d, 2, "rollback")
    assert "anchor: was damaged" in ledger(d)


# ---- what fails ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("place, kind", [(PLACE, "undefined"), (PLACE, "size"), (PLACE, "attributes"), (BOTH, "undefined"), (PLACE, "gone")])
def test_an_index_that_cannot_be_used(recorder, tpm, place, kind):
    """It records, says so, names the index; --check refuses. Once it is there, it is used."""
    d = recorder(place)
    assert run_bodycamd("--config", d.config, "--check", env=d.env).returncode == 0
    if kind == "gone":
        tpm.end()
    else:
        tpm.undefine(INDEX)
    if kind == "size":
        tpm.define(INDEX, 383)
    if kind == "attributes":
        tpm.define(INDEX, 2 * SLOT, 0x06040004)  # orderly: a power cut would lose it
    words = f"anchor {PLACE}: " + {
        "undefined": "the TPM has no such index", "size": "the index has 383 bytes", "gone": "no TPM answers at swtpm:path=",
        "attributes": "the index has 384 bytes and attributes 0x06040004"}[kind]
    checked = run_bodycamd("--config", d.config, "--check", env=d.env)
    assert checked.returncode == 3 and words in checked.stderr and "bodycamd.conf:" in checked.stderr
    d.start()
    assert words in d.log_text()
    assert "ledger-trouble" in d.flags
    d.run_for(1)
    record(d, 14)  # the patience ends within
    assert "ledger-trouble" in d.flags
    if kind == "gone":
        tpm.start()
    else:
        if kind != "undefined":
            tpm.undefine(INDEX)
        provision(tpm)
    d.run_for(65)
    assert "ledger-trouble" not in d.flags
    record(d)
    d.terminate()
    judged(d, 2, "rollback")
    run(d)
    assert judged(d, 2).count("rollback") == 1


@pytest.mark.parametrize("place", [PLACE, BOTH])
def test_a_tpm_that_goes_away(recorder, tpm, place):
    """While something is recorded: that goes on, whole, and the flag says that the anchor does not."""
    d = recorder(place)
    d.start()
    d.run_for(10)
    d.record_start()
    d.run_for(5)
    tpm.end(signal.SIGKILL)
    assert "ledger-trouble" not in d.flags
    d.run_for(30)  # the recording's beginning was to be in it by then
    assert d.state == "RECORDING" and "ledger-trouble" in d.flags and "signatures-pending" not in d.flags
    assert f"the ledger's anchor cannot be written: anchor {PLACE}: no TPM answers" in d.log_text()
    tpm.start()
    d.run_for(3)
    assert "ledger-trouble" not in d.flags
    d.record_stop()
    d.run_until_closed()
    d.terminate()
    judged(d, 0)
    run(d)
    judged(d, 0)


def test_a_tpm_that_does_not_answer(recorder, tpm):
    """In real time: what is recorded is written and signed without waiting for it."""
    manager = Manager(tpm)
    d = recorder(BOTH, env=manager.env, clock="real")
    d.start()
    d.terminate()
    shutil.rmtree(d.store / "ledger")  # a new epoch is stated to the TPM at once
    manager.writing.clear()
    manager.may_write.clear()
    d.start()
    assert manager.writing.wait(60)
    d.record_start()

    def records():
        return sum(len(records_of(file.read_bytes())) for file in d.store.glob("recordings/*/*.mp4"))

    d.wait_for(lambda: records() >= 8 and "signatures-pending" not in d.flags, "records while the TPM does not answer")
    d.wait_for(lambda: "ledger-trouble" in d.flags, "that it does not is told")
    assert not manager.may_write.is_set() and d.state == "RECORDING" and "does not answer: the ledger waits" in d.log_text()
    manager.may_write.set()
    d.wait_for(lambda: "ledger-trouble" not in d.flags, "it answers")
    d.record_stop()
    d.wait_for_state("BUFFERING")
    d.terminate()
    manager.stop()
    judged(d, 2, "rollback")


# ---- power cuts ------------------------------------------------------------------------------------------------

def test_a_power_cut(recorder, tpm):
    """Of both at once, TPM and camera. The file proves the end of what was recorded; a TPM alone is too slow for that."""
    for place, status, words in (BOTH, 0, "a TPM's memory) agrees"), (PLACE, 2, "minutes behind what is recorded"):
        d = recorder(place)
        tpm.undefine(INDEX)
        provision(tpm)
        d.start()
        d.run_for(35)
        d.record_start()
        d.run_for(20)
        tpm.end(signal.SIGKILL)
        d.kill()
        tpm.start()
        run(d)
        assert "rollback" not in judged(d, status, words)


LESS = "found less than the device had already written"


@pytest.mark.parametrize("place, later, listed, status, words", [("{file}", 0, True, 0, "agrees"), (BOTH, 0, True, 1, LESS),
                                                                 (BOTH, 1, True, 1, LESS), (BOTH, 1, False, 1, LESS)])
def test_rule_08_cut_off_and_anchor_made_up(recorder, place, later, listed, status, words):
    """While the power is away the end of what was recorded is cut off, and a file made that agrees, or that names a later recording; the
    ledger is left alone. With a file alone that passes."""
    d = recorder(place)
    d.judged = False
    d.start()
    d.record_start()
    d.run_for(5)
    image = Image(d, "image")
    d.run_for(40)
    d.kill()
    shutil.rmtree(d.store / "recordings")
    shutil.copytree(image.folder / "store/recordings", d.store / "recordings")
    shutil.copy(image.folder / "anchor", d.folder)
    forge(d, later)
    if not listed:
        counter = json.loads((d.store / "counter.json").read_text())
        (d.store / "counter.json").write_text(json.dumps({**counter, "open": []}))
    run(d)
    judged(d, status, words)


def test_rule_08_cut_off_behind_what_the_tpm_knew(recorder, tpm):
    """In a TPM alone the anchor names a record, and by far not the last one: who cuts the end off just behind that has no proof of it."""
    d = recorder(PLACE)
    d.judged = False
    d.start()
    d.run_for(40)
    d.record_start()
    for _ in range(100):
        d.run_for(0.1)
        if struct.unpack(">Q", newest_of(tpm)[64:72])[0] == 1:
            break
    d.run_for(1)
    image = Image(d, "image")
    d.run_for(40)
    d.kill()
    shutil.rmtree(d.store / "recordings")
    shutil.copytree(image.folder / "store/recordings", d.store / "recordings")
    run(d)
    judged(d, 2, "alone, minutes behind what is recorded")


# ---- it does not answer ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("place", [PLACE, BOTH])
def test_silent_at_the_start(recorder, tpm, place):
    """It takes a command and never answers, just when the daemon starts: there is a recording all the same, and once it answers its
    signatures are there."""
    d = recorder(place, clock="real")
    d.start()
    d.terminate()
    tpm.hang()
    d.start()
    assert "ledger-trouble" in d.flags and "does not answer: what is recorded waits" in d.log_text()
    d.record_start()
    durable = d.get("DurableUntilNs")
    d.wait_for(lambda: d.get("DurableUntilNs") > durable, "what is durable without a signature")
    tpm.hang(False)
    d.wait_for(lambda: "ledger-trouble" not in d.flags, "the ledger")
    d.record_stop()
    d.wait_for(lambda: d.get("Unclosed") == 0, "the end")
    d.terminate()
    assert d.recordings()[-1].state == "closed"
    judged(d, 0)
    assert " ms late" in ledger(d)


# ---- how often it is written -----------------------------------------------------------------------------------

def turn(tpm):
    return struct.unpack(">Q", newest_of(tpm)[8:16])[0]


def test_how_seldom(recorder, tpm):
    """Each write wears the TPM's memory out a little: alone in it, its number counts them."""
    d = recorder(PLACE)
    assert turn(tpm) == 1
    d.start()
    d.run_for(5)
    first = turn(tpm)
    assert first == 2  # a new epoch
    for _ in range(19):
        d.run_for(100)
    idle = turn(tpm)
    assert 2 <= idle - first <= 3, idle  # once in ten minutes
    for _ in range(2):
        record(d, 60)
        d.run_for(100)
    busy, busy_ns = turn(tpm), entries_of(d)[-1]["boot_ns"]
    assert 4 <= busy - idle <= 5, busy - idle  # beginnings and ends
    d.terminate()
    # The last at once, whatever was due by then. Simulated time is let go when it ends: how much of it passes is the machine's affair.
    ended = turn(tpm)
    entries = entries_of(d)
    passed_ns = entries[-1]["boot_ns"] - busy_ns
    assert entries[-1]["event"] == "stop" and 1 <= ended - busy <= 2 + passed_ns // 600_000_000_000, (ended - busy, passed_ns)
    _, report = verify(d.store)
    assert newest_of(tpm)[32:64].hex() in json.dumps(report["items"][0]["ledger"]["head"])
    for _ in range(3):
        d.start()
        d.run_for(20)
        d.kill()
    assert turn(tpm) == ended
    judged(d, 0)


# ---- the key in the same TPM -----------------------------------------------------------------------------------

def test_with_the_key_in_the_same_tpm(recorder, tpm, tmp_path):
    """Signatures and the anchor's writes take turns."""
    manager = Manager(tpm)
    env = {"TSS2_LOG": "all+none", **manager.env}
    uri, folder = "handle:0x81000001", authority()

    def call(*words):
        subprocess.run([str(word) for word in words], check=True, timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={
            "PATH": "/usr/bin:/bin", **env})

    call(PROVISION, "key", "--uri", uri)
    call(PROVISION, "request", "--uri", uri, "--device", "TEST-1", "--out", tmp_path / "csr")
    call(SOURCE / "tools/test-ca", "--out", folder, "--device", "TEST-1", "--name", f"in-tpm-{tmp_path.name}", "--csr", tmp_path / "csr")
    d = recorder(BOTH, key={"key": uri, "certificates": folder / f"in-tpm-{tmp_path.name}.pem"}, env=env)
    d.start()
    d.run_for(2)
    record(d, 40)
    record(d, 40)
    d.terminate()
    run(d)
    assert "ledger-trouble" not in d.log_text() and "signatures-pending" not in d.log_text()
    judged(d, 0)
    assert manager.most >= 2  # at the same time
    manager.stop()


# ---- bodycam-provision -----------------------------------------------------------------------------------------

def test_provisioning(tpm):
    assert "not replaced" in provision(tpm, status=1)
    provision(tpm, "tpm2:0x01800bcb")
    assert tpm.read(0x01800bcb, 2 * SLOT)[:8] == b"BCANCHR1"
    assert "needs none of this" in provision(tpm, "/var/anchor", status=1)
    for place in "tpm2:0x81000001", "anchor", "tpm2:":
        assert f"anchor {place}: " in provision(tpm, place, status=1)
    tpm.end()
    assert "anchor tpm2:0x01800bcc: no TPM answers at swtpm:path=" in provision(tpm, "tpm2:0x01800bcc", status=1)
    tpm.start()
