# SPDX-License-Identifier: EUPL-1.2
"""A recording's folder is checked with the commands of docs/formats/manifest.md, as they stand there, and changes are caught."""

import json
import os
import re
import shutil
import subprocess

import pytest
from agency import make_agency
from harness import SOURCE, VERIFY, authority, verify


def commands():
    """Those of the document, in its order."""
    text = (SOURCE / "docs/formats/manifest.md").read_text()
    section = text[text.index("To check a folder, in it, with bash"):]
    found = [block.strip() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)]
    assert len(found) == 5
    return found


def run(folder, command, root=None):
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, env={**os.environ, "ROOT": str(root or authority() / "root.pem")})
    return done.returncode, done.stdout + done.stderr


def failing(folder, root=None):
    """Numbers of the steps that fail."""
    return [i for i, command in enumerate(commands(), 1) if run(folder, command, root)[0] != 0]


def record(d, seconds=5):
    d.run_for(2)
    d.record_start()
    d.run_for(seconds)
    d.record_stop()
    d.run_for(3)
    d.run_until_closed()


@pytest.fixture
def folder(daemon):
    d = daemon({"recording": {"segment": "2 s"}})
    record(d)
    d.terminate()
    return next((d.store / "recordings").iterdir())


def test_the_document_s_commands(folder, tmp_path):
    for i, command in enumerate(commands(), 1):
        status, text = run(folder, command)
        assert status == 0, f"step {i}: {text}"
    assert len(list(folder.glob("*.mp4"))) >= 2
    status, report = verify(folder)
    assert status == 0 and report["items"][0]["recordings"][0]["manifest"] == "signed"
    assert "read_back" not in json.loads((folder / "manifest.json").read_text())

    def changed(change):
        copy = tmp_path / "copies" / folder.name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        change(copy)
        return failing(copy), verify(copy)[0]

    def flip(name, at):
        def change(copy):
            content = bytearray((copy / name).read_bytes())
            content[at] ^= 1
            (copy / name).write_bytes(content)
        return change

    def edit(copy):
        text = (copy / "manifest.json").read_text()
        (copy / "manifest.json").write_text(text.replace('"reason": "', '"reason": "x', 1))

    assert changed(lambda copy: None) == ([], 0)
    assert changed(flip("0001.mp4", 5000)) == ([3], 1)
    assert changed(flip("manifest.sig", -1)) == ([1, 2], 1)
    assert changed(edit) == ([1, 2], 1)
    assert changed(lambda copy: (copy / "0002.mp4").unlink()) == ([3], 2)
    assert changed(lambda copy: (copy / "0001.srt").write_text("1")) == ([4], 1)
    assert changed(lambda copy: (copy / "0001.tail").write_bytes(b"")) == ([4], 2)
    assert changed(lambda copy: (copy / "manifest.sig").unlink()) == ([1, 2], 0)
    assert changed(lambda copy: (copy / "manifest.json").unlink()) == ([1, 2, 3, 4, 5], 2)


def test_the_vectors(tmp_path):
    """docs/formats/vectors/manifest, as the document says of it: which are good for the commands, and what the verifier finds."""
    vectors = SOURCE / "docs/formats/vectors/manifest"
    root = vectors / "root.pem"
    text = (SOURCE / "docs/formats/manifest.md").read_text()
    rows = re.findall(r"^\| `([a-z0-9-]+\.sig)` \| (.*) \| (.*) \|$", text, re.MULTILINE)
    assert {name for name, _, _ in rows} == {f.name for f in vectors.glob("*.sig")} and len(rows) == 15

    def judged(folder):
        done = subprocess.run([VERIFY, "--json", "--trust", root, folder], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        recording = json.loads(done.stdout)["items"][0]["recordings"][0]
        return done.returncode, recording["manifest"], [f["text"] for f in recording["findings"]]

    for name in ("BC-0042-000017", "BC-0042-000018"):
        assert failing(vectors / name, root) == [], name
        assert judged(vectors / name) == (0, "signed", []), name
    copy = tmp_path / "BC-0042-000017"
    shutil.copytree(vectors / copy.name, copy)
    for name, words, done in rows:
        shutil.copy(vectors / name, copy / "manifest.sig")
        assert (failing(copy, root)[:1] != [1]) == done.endswith("good for `openssl`"), name
        assert judged(copy) == (1, "wrong", [f"manifest.sig: {words}"]), name


def test_another_root(folder, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    tmp_path / "key.pem", "-out", tmp_path / "root.pem", "-subj", "/CN=Somebody"], check=True,
                   capture_output=True)
    assert failing(folder, tmp_path / "root.pem") == [1, 2]


def test_a_signature_of_another_recording(daemon, tmp_path):
    d = daemon()
    record(d, 2)
    record(d, 2)
    d.terminate()
    shutil.copytree(d.store / "recordings", tmp_path / "recordings")
    first, second = sorted((tmp_path / "recordings").iterdir())
    assert failing(first) == [] and failing(second) == []
    shutil.copy(first / "manifest.sig", second)
    assert failing(second) == [1, 2]
    status, report = verify(second)
    assert status == 1 and report["items"][0]["recordings"][0]["manifest"] == "wrong"
    shutil.copy(first / "manifest.json", second)
    assert failing(second) != [] and verify(second)[0] == 1


def test_after_a_kill(daemon):
    d = daemon()
    d.run_for(2)
    d.record_start()
    d.run_for(4)
    d.kill()
    folder = next((d.store / "recordings").iterdir())
    assert not (folder / "manifest.sig").exists()
    d.start()
    d.wait_for(lambda: (folder / "manifest.sig").exists(), "the signature")
    d.wait_for(lambda: json.loads((d.store / "counter.json").read_text())["open"] == [], "the end of recovery")
    d.terminate()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["read_back"] is True and manifest["state"] == "recovered"
    assert set(failing(folder)) <= {5}, "a tail has no hash"
    assert verify(folder)[1]["items"][0]["recordings"][0]["manifest"] == "signed"


def test_cut_off_before_it_was_signed(daemon):
    """The next start goes on, though every segment is closed."""
    d = daemon()
    record(d, 3)
    d.terminate()
    folder = next((d.store / "recordings").iterdir())
    content = {f.name: f.read_bytes() for f in folder.iterdir()}
    counter = json.loads((d.store / "counter.json").read_text())
    for gone in ([], ["manifest.sig"]):
        (d.store / "counter.json").write_text(json.dumps({**counter, "open": [1]}))
        for name in gone:
            (folder / name).unlink()
        d.start()
        d.wait_for(lambda: json.loads((d.store / "counter.json").read_text())["open"] == [], "the end of recovery")
        d.terminate()
        assert failing(folder) == [] and verify(folder)[0] == 0
        after = {f.name: f.read_bytes() for f in folder.iterdir()}
        if not gone:
            assert after == content, "what is done is left alone"
        assert ("read_back" in json.loads(after["manifest.json"])) == bool(gone)


def test_a_file_that_changes_meanwhile_is_not_vouched_for(daemon):
    d = daemon()
    record(d, 3)
    d.terminate()
    folder = next((d.store / "recordings").iterdir())
    (folder / "manifest.sig").unlink()
    good = (folder / "0001.mp4").read_bytes()
    content = bytearray(good)
    content[len(content) // 2] ^= 1
    (folder / "0001.mp4").write_bytes(content)
    counter = json.loads((d.store / "counter.json").read_text())
    (d.store / "counter.json").write_text(json.dumps({**counter, "open": [1]}))
    d.start()
    d.wait_for(lambda: (folder / "manifest.sig").exists(), "the signature")
    d.wait_for(lambda: "is not what was signed" in d.log_text(), "the log")
    d.terminate()
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    assert listed == [{"file": "0001.mp4", "bytes": len(content), "sha256": None, "unproven": "differs"}]
    assert failing(folder) == [3, 5] and verify(folder)[0] == 1
    (folder / "0001.mp4").write_bytes(good)
    assert failing(folder) == [3, 5] and verify(folder)[0] == 0, "the records prove it all the same"


def test_sealed(daemon, tmp_path):
    """What was written is known without reading it, and the agency's key is not needed to see that it is still there."""
    d = daemon({"sealing": make_agency(tmp_path)})
    record(d, 3)
    d.terminate()
    folder = next((d.store / "recordings").iterdir())
    assert [f["file"] for f in json.loads((folder / "manifest.json").read_text())["files"]] == ["0001.mp4.sealed"]
    assert failing(folder) == []
