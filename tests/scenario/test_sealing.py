# SPDX-License-Identifier: EUPL-1.2
"""Recordings sealed for an agency: what lies on the card, what comes out of it, and that there is no way back to clear text."""

import json
import re
import subprocess

import pytest
from agency import make_agency, make_party, parts, unseal
from harness import BUILD, authority, findings, run_bodycamd, verify, write_settings

# What an MP4 of ours has, and nothing that is sealed may show. The mark's words and a name stand for what identifies. Each is
# long enough not to come up in sealed bytes by chance: four bytes did in one run of some hundred.
SECRETS = [b"moof\0\0\0\x10mfhd", b"avc1\0\0\0\0\0\0\0\1", b"tx3g\0\0\0\0\0\0\0\1", b"59.329", b"the witness", b"UNIT-X",
           b"Odengatan"]
SEAL = BUILD / "tests/sealing/seal-file"
TRACK = {"gnss": {"driver": "track"}, "device": {"unit": "UNIT-X"}}


def film(d, seconds=6, stop=True):
    d.run_for(8)
    d.record_start("Odengatan 4")
    d.run_for(seconds / 2)
    d.ctl("mark", "the witness")
    d.run_for(seconds / 2)
    if stop:
        d.record_stop()
        d.run_until_state("BUFFERING")
        d.run_until_closed()


def judge_store(store):
    """No byte of the film, its places or its words lies in the clear anywhere below the folder."""
    files = [f for f in store.rglob("*") if f.is_file()]
    assert any(f.name.endswith(".mp4.sealed") for f in files) and not any(f.name.endswith(".mp4") for f in files)
    for file in files:
        data = file.read_bytes()
        assert not [s for s in SECRETS if s in data], f"{file}: {[s for s in SECRETS if s in data]}"


def sealed_files(recording):
    return sorted(recording.glob("*.mp4.sealed"))


@pytest.fixture
def agency(tmp_path):
    folder = tmp_path / "agency"
    folder.mkdir()
    return folder, make_agency(folder)


def test_sealed_opened_and_verified(daemon, agency, tmp_path):
    folder, sealing = agency
    d = daemon({"sealing": sealing, "recording": {"segment": "4 s"}, **TRACK})
    film(d)
    d.terminate()
    recording, = (d.store / "recordings").iterdir()
    judge_store(d.store)
    manifest = d.recordings()[0].manifest
    assert manifest["state"] == "closed" and manifest["reason"] == "command" and "marks" not in manifest
    assert [s["file"] for s in manifest["segments"]] == [f.name for f in sealed_files(recording)]
    assert [s["bytes"] for s in manifest["segments"]] == [f.stat().st_size for f in sealed_files(recording)]
    assert len(manifest["segments"]) >= 3
    code, report = verify(d.store)
    assert code == 3 and "no key to open it with" in json.dumps(report), findings(report)
    for key in ("rsa", "p256"):
        code, report = verify(d.store, arguments=["--key", folder / f"{key}.key"])
        assert code == 0, findings(report)
        assert "the witness" in json.dumps(report) and "command: Odengatan 4" in json.dumps(report)
        assert verify(recording, arguments=["--key", folder / f"{key}.key"])[0] == 0
        out = tmp_path / f"out-{key}" / recording.name
        out.parent.mkdir()
        code, report = unseal(folder / f"{key}.key", recording, "-o", out)
        assert code == 0 and all(f["signatures"] == "good" for f in report["files"]), report
        assert sorted(f.name for f in out.iterdir()) == [f.name.replace(".sealed", "") for f in sealed_files(recording)]
        opened = b"".join(f.read_bytes() for f in out.iterdir())
        assert not [s for s in SECRETS if s not in opened], "what is looked for on the card is in what was sealed"
        code, report = verify(out)
        assert code == 0, report
        # The words are where only who has a key reads them.
        assert "the witness" in json.dumps(report) and "command: Odengatan 4" in json.dumps(report)


def original(data):
    """A finalised segment as it was sealed: without the final moov, with the init moov's header."""
    head = 0
    while data[head + 4:head + 8] in (b"ftyp", b"uuid"):
        head += int.from_bytes(data[head:head + 4], "big")
    at = head + 8
    while data[at + 4:at + 8] not in (b"moof", b"uuid"):
        at += max(8, int.from_bytes(data[at:at + 4], "big"))
    return data[:head] + (at - head).to_bytes(4, "big") + b"moov" + data[head + 8:data.rindex(b"moov") - 4]


def test_rule_22_signatures_decide(daemon, agency, tmp_path):
    """Decrypted is not yet proven: the name without .incomplete is for what the camera signed, under this header."""
    folder, sealing = agency
    d = daemon({"sealing": sealing})
    film(d, 2)
    d.terminate()
    recording, = (d.store / "recordings").iterdir()
    file, = sealed_files(recording)
    test, other = ["--trust", authority() / "root.pem"], tmp_path / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/CN=Test root", "-keyout", tmp_path / "other.key", "-out", other], check=True, capture_output=True)
    for name, judge, status, signatures in (("test", test, 3, "unjudged"), ("root", ["--trust", other, "--allow-test"], 1, "bad")):
        code, report = unseal(folder / "p256.key", file, "-o", tmp_path / name, judge=judge)
        assert (code, report["files"][0]["signatures"]) == (status, signatures), report
        assert [f.name for f in (tmp_path / name).iterdir()] == ["0001.mp4.incomplete"]

    # Whoever has a key can seal the same again, for others: the header is another one than the camera signed.
    assert unseal(folder / "p256.key", file, "-o", tmp_path / "good")[0] == 0
    (tmp_path / "plain.mp4").write_bytes(original((tmp_path / "good/0001.mp4").read_bytes()))
    again = tmp_path / "0001.mp4.sealed"
    subprocess.run([SEAL, "--fragment", "3000", tmp_path / "plain.mp4", again, folder / "p256.pem"], check=True, capture_output=True)
    code, report = unseal(folder / "p256.key", again, "-o", tmp_path / "again")
    assert (code, report["files"][0]["signatures"]) == (1, "bad"), report
    assert "sealed" in report["files"][0]["finding"]
    assert [f.name for f in (tmp_path / "again").iterdir()] == ["0001.mp4.incomplete"]


def test_wrong_key(daemon, agency, tmp_path):
    folder, sealing = agency
    d = daemon({"sealing": sealing})
    film(d, 2)
    d.terminate()
    make_party(folder, "stranger", "p256")
    recording, = (d.store / "recordings").iterdir()
    code, report = unseal(folder / "stranger.key", *sealed_files(recording), "-o", tmp_path / "out")
    assert code == 3 and all(f["output"] is None for f in report["files"]), report
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("broken, why", [("missing.pem", "cannot be read"), ("none.pem", "holds no certificate"),
                                         ("key.pem", "holds no certificate"), ("tls.pem", "keyUsage")])
def test_rule_19_does_not_start_without_its_certificates(agency, tmp_path, broken, why):
    """One that never could be used is refused, beside good ones too: nothing is recorded, least of all in the clear."""
    folder, sealing = agency
    (folder / "none.pem").write_text("nothing\n")
    (folder / "key.pem").write_bytes((folder / "rsa.key").read_bytes())
    (folder / "tls.pem").write_bytes((authority() / "root.pem").read_bytes() if (authority() / "root.pem").exists() else b"")
    settings = tmp_path / "bodycamd.conf"
    for certificates in (folder / broken, f"{sealing['certificates']} {folder / broken}"):
        write_settings(settings, {"store": {"path": tmp_path / "store"}, "dbus": {"bus": "none"}, "sealing": {"certificates": certificates}})
        if broken == "tls.pem":
            (folder / "tls.pem").write_bytes((authority() / "root.pem").read_bytes())
        for arguments in (["--check"], []):
            done = run_bodycamd("--config", settings, *arguments)
            assert done.returncode == 3 and "[sealing] certificates" in done.stderr, done
            assert str(folder / broken) in done.stderr and why in done.stderr, done
    assert not list(tmp_path.glob("store/recordings/*"))


def test_expired(agency, tmp_path, daemon):
    """One of several has expired: the others are used, and it is told; --check refuses it. None is left: no start."""
    folder, sealing = agency
    rsa, p256 = sealing["certificates"].split()
    settings = tmp_path / "bodycamd.conf"

    def write(certificates, year):
        write_settings(settings, {"store": {"path": tmp_path / "store"}, "dbus": {"bus": "none"}, "clock": {"mode": "simulated"},
                                  "utc": {"driver": "simulated", "start": f"{year}-11-26T01:12:14Z"},
                                  "sealing": {"certificates": certificates}})

    write(f"{rsa} {p256}", 2090)
    for arguments in (["--check"], []):
        done = run_bodycamd("--config", settings, *arguments)
        assert done.returncode == 3 and "has expired" in done.stderr, done
    subject = make_party(folder, "long", "p256", years=100)
    write(f"{rsa} {subject}", 2090)
    done = run_bodycamd("--config", settings, "--check")
    assert done.returncode == 3 and f"{rsa}: the certificate has expired" in done.stderr, done
    d = daemon({"sealing": {"certificates": f"{rsa} {subject}"}, "utc": {"driver": "simulated", "start": "2090-11-26T01:12:14Z"}})
    film(d, 2)
    d.terminate()
    assert f"{rsa}: the certificate has expired: nothing is sealed for it" in d.log_text()
    judge_store(d.store)
    recording, = (d.store / "recordings").iterdir()
    code, report = unseal(folder / "long.key", *sealed_files(recording), "-o", tmp_path / "out")
    assert code == 0 and all(f["recipients"] == 1 for f in report["files"]), report


def test_needs_a_key(agency, tmp_path):
    settings = tmp_path / "bodycamd.conf"
    write_settings(settings, {"store": {"path": tmp_path / "store"}, "evidence": {}, "sealing": agency[1]})
    done = run_bodycamd("--config", settings, "--check")
    assert done.returncode == 3 and re.search(r"\[sealing\] certificates.*needs \[evidence\] key", done.stderr), done


def test_rule_19_killed_and_restarted(daemon, agency, tmp_path):
    """What was cut off is never opened again: its bytes stay as they were, and all whole chunks of it come out."""
    folder, sealing = agency
    d = daemon({"sealing": sealing, "recording": {"segment": "4 s"}, **TRACK})
    film(d, 6, stop=False)
    d.kill()
    recording, = (d.store / "recordings").iterdir()
    before = {f.name: f.read_bytes() for f in sealed_files(recording)}
    judge_store(d.store)
    d.start()
    d.wait_for(lambda: d.state == "BUFFERING", "the buffer")
    d.terminate()
    judge_store(d.store)
    assert {f.name: f.read_bytes() for f in sealed_files(recording)} == before
    assert d.recordings()[0].state == "recovered"
    assert {f.name for f in recording.iterdir()} == {*before, "manifest.json", "manifest.sig",
                                                     max(before).replace(".mp4.sealed", ".recovered")}
    code, report = unseal(folder / "p256.key", *sealed_files(recording), "-o", tmp_path / "out")
    assert code == 2, report
    assert [f["verdict"] for f in report["files"]] == ["whole"] * (len(before) - 1) + ["cut"]
    # The record beside it, the ledger and the anchor prove the end.
    for path in (d.store, recording):
        code, report = verify(path, arguments=["--key", folder / "rsa.key"])
        assert code == 0 and re.search(r"the tail anchor \(a file[^)]*\) agrees", json.dumps(report)), findings(report)
        assert verify(path)[0] == 3
    judge_store(d.store)

    last, beside = recording / max(before), recording / max(before).replace(".mp4.sealed", ".recovered")
    data, record = last.read_bytes(), beside.read_bytes()

    def judge(status, word, with_key=True):
        for path in (d.store, recording):
            code, report = verify(path, arguments=["--key", folder / "rsa.key"] if with_key else [])
            assert code == status and word in json.dumps(report), (code, findings(report))

    for n in (len(data) - 1, len(data) // 2):  # cut after recovery has looked: with a key and without
        last.write_bytes(data[:n])
        judge(1, "states another size or hash")
        judge(1, "states another size or hash", with_key=False)
    last.write_bytes(data + b"\0")
    judge(1, "states another size or hash", with_key=False)
    last.write_bytes(data)
    beside.write_bytes(record[:-1] + bytes([record[-1] ^ 1]))
    judge(1, "is not signed by the device")
    beside.unlink()
    code, report = verify(recording, arguments=["--key", folder / "rsa.key"])
    assert code == 2, findings(report)
    code, report = verify(d.store, arguments=["--key", folder / "rsa.key"])
    assert code == 1 and "the ledger names another record of the recovery" in json.dumps(report), findings(report)


@pytest.mark.parametrize("cut, edited", [(True, False), (True, True), (False, True)])
def test_rule_08_cut_before_recovery(daemon, agency, cut, edited):
    """Somebody cuts whole chunks off, and lets the device find the rest: the anchor, kept elsewhere, names a record that is gone. That
    manifest.json calls all of it closed, with the sizes that are there, hides nothing, and of what was not cut takes nothing away."""
    folder, sealing = agency
    d = daemon({"sealing": sealing})
    film(d, 9, stop=False)
    d.kill()
    recording, = (d.store / "recordings").iterdir()
    last = sealed_files(recording)[-1]
    data = last.read_bytes()
    if cut:
        last.write_bytes(data[:len(data) // 2])
    if edited:
        manifest = json.loads((recording / "manifest.json").read_text())
        manifest["state"] = "closed"
        for segment in manifest["segments"]:
            segment.update(state="closed", bytes=(recording / segment["file"]).stat().st_size)
        (recording / "manifest.json").write_text(json.dumps(manifest))
    d.start()
    d.wait_for(lambda: d.state == "BUFFERING", "the buffer")
    d.terminate()
    code, report = verify(d.store, arguments=["--key", folder / "p256.key"])
    assert code == cut and ("recovery found less" if cut else "agrees") in json.dumps(report), (code, findings(report))


@pytest.mark.parametrize("attack, word", [
    ("chunk flipped", "altered"), ("chunk dropped", "left out"), ("chunk doubled", "left out"), ("no final flag", "cut off"),
    ("behind final", "behind the final chunk"), ("header of another file", "is another file's"), ("recipient stripped", "header is not the one"),
    ("another segment", "its label says 2"), ("both", "both sealed and in the clear")])
def test_rule_20_attacks(daemon, agency, attack, word):
    """Each change to a sealed file is found by whoever has a key, in the recording and in the store."""
    folder, sealing = agency
    d = daemon({"sealing": sealing, "recording": {"segment": "2 s"}})
    film(d, 4)
    d.terminate()
    recording, = (d.store / "recordings").iterdir()
    first, second = sealed_files(recording)[:2]
    data, other = first.read_bytes(), second.read_bytes()
    chunks = parts(data)
    heads = b"".join(chunks[:1])
    if attack == "chunk flipped":
        first.write_bytes(data[:len(heads) + 40] + bytes([data[len(heads) + 40] ^ 1]) + data[len(heads) + 41:])
    elif attack == "chunk dropped":
        first.write_bytes(b"".join(chunks[:2] + chunks[3:]))
    elif attack == "chunk doubled":
        first.write_bytes(b"".join(chunks[:2] + chunks[1:]))
    elif attack == "no final flag":
        first.write_bytes(b"".join(chunks[:-1]))
    elif attack == "behind final":
        first.write_bytes(data + chunks[-1])
    elif attack == "header of another file":
        first.write_bytes(parts(other)[0] + data[len(heads):])
    elif attack == "recipient stripped":
        at = data.index(b"rsa")
        first.write_bytes(data[:at] + b"rsb" + data[at + 3:])
    elif attack == "another segment":
        first.write_bytes(other)
    elif attack == "both":
        (recording / "0001.mp4").write_bytes(b"")
    for path in (d.store, recording):
        code, report = verify(path, arguments=["--key", folder / "p256.key"])
        assert code == 1 and word in json.dumps(report), (code, findings(report))
    (recording / "0001.mp4").unlink(missing_ok=True)


def test_a_closed_recording_emptied(daemon, agency):
    """Cut off to its header, a closed recording's last file is as gone as if it had been removed."""
    folder, sealing = agency
    d = daemon({"sealing": sealing, "recording": {"segment": "4 s"}})
    film(d)
    d.terminate()
    recording, = (d.store / "recordings").iterdir()
    last = sealed_files(recording)[-1]
    head = len(parts(last.read_bytes())[0])
    for name in ("manifest.json", "manifest.sig"):
        (recording / name).unlink()
    for size in (head, head - 40, 20):
        with open(last, "r+b") as file:
            file.truncate(size)
        code, report = verify(d.store, arguments=["--key", folder / "p256.key"])
        assert code == 1, findings(report)
    assert verify(d.store)[0] == 3, "without a key nobody can say"
