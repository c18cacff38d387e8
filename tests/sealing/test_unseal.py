# SPDX-License-Identifier: EUPL-1.2
"""bodycam-unseal from outside, and what somebody can do with a sealed file who has nothing of ours."""
import json
import os
import pathlib
import re
import resource
import signal
import stat
import subprocess

import pytest

import stranger

BUILD = pathlib.Path(os.environ["BC_BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["BC_SOURCE_DIR"])
UNSEAL = BUILD / "tools/bodycam-unseal/bodycam-unseal"
SEAL = BUILD / "tests/sealing/seal-file"
SEGMENT = BUILD / "tests/sealing/make-segment"
KINDS = {"RSA-3072": ["-newkey", "rsa:3072", "-addext", "keyUsage=critical,keyEncipherment"],
         "P-256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-addext", "keyUsage=critical,keyAgreement"],
         "P-384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-addext", "keyUsage=critical,keyAgreement"]}
WORDS = "IPPaatg PPPaa IPPPaatg PPa"


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, **more)


def unseal(*arguments, **more):
    result = run(UNSEAL, "--json", "--unjudged", *arguments, **more)
    return result.returncode, json.loads(result.stdout)["files"]


def make_party(folder, name, options):
    result = run("openssl", "req", "-x509", "-nodes", "-subj", f"/CN={name}", "-days", "30", *options,
                 "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def agency(tmp_path_factory):
    """A key and a certificate of each kind, made with openssl."""
    folder = tmp_path_factory.mktemp("agency")
    for name, options in KINDS.items():
        make_party(folder, name, options)
    return folder


@pytest.fixture
def sealed(agency, tmp_path):
    """A sealed segment for all three, and the segment it was made of."""
    plain, path = tmp_path / "plain.mp4", tmp_path / "0001.mp4.sealed"
    assert run(SEGMENT, WORDS, plain).returncode == 0
    result = run(SEAL, "--fragment", "3000", plain, path, *(agency / f"{name}.pem" for name in KINDS))
    assert result.returncode == 0, result.stderr
    return path, plain.read_bytes()


def undo(data, plain):
    """A finalised segment as it was before: without the final moov, with the init moov's header."""
    head = plain.index(b"moov") - 4
    return data[:head] + plain[head:head + 8] + data[head + 8:len(plain)]


@pytest.mark.parametrize("name", KINDS)
def test_whole(agency, sealed, tmp_path, name):
    path, plain = sealed
    code, (file,) = unseal("--key", agency / f"{name}.key", "--certificate", agency / f"{name}.pem", path, "-o", tmp_path / "out")
    assert (code, file["verdict"], file["signatures"], file["finalised"]) == (0, "whole", "not judged", True)
    assert file["header"]["device"] == "CAM-1" and file["header"]["segment"] == 1 and file["header"]["committed"]
    assert file["recipients"] == 3
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["0001.mp4"]
    out = tmp_path / "out/0001.mp4"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert undo(out.read_bytes(), plain) == plain
    assert len(out.read_bytes()) > len(plain)


def test_output_plays(agency, sealed, tmp_path):
    assert unseal("--key", agency / "P-256.key", sealed[0], "-o", tmp_path / "out")[0] == 0
    result = run("ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets", "-of", "json",
                 tmp_path / "out/0001.mp4")
    packets = {s["codec_type"]: int(s["nb_read_packets"]) for s in json.loads(result.stdout)["streams"]}
    assert packets["video"] == len(re.findall("[IP]", WORDS)) and packets["audio"] == WORDS.count("a")


def test_in_words(agency, sealed, tmp_path):
    result = run(UNSEAL, "--unjudged", "--key", agency / "P-256.key", sealed[0], "-o", tmp_path / "out")
    assert result.returncode == 0 and result.stderr == ""
    assert "its signatures were not judged" in result.stdout and "0001.mp4, finalised" in result.stdout


def test_rule_22_cut_stays_incomplete(agency, sealed, tmp_path):
    path, plain = sealed
    data = path.read_bytes()
    for n in (len(data) - 1, len(data) - 20, len(data) // 2):
        path.write_bytes(data[:n])
        out = tmp_path / f"out{n}"
        code, (file,) = unseal("--key", agency / "P-256.key", path, "-o", out)
        assert (code, file["verdict"], file["output"]) == (2, "cut", "0001.mp4.incomplete")
        assert [f.name for f in out.iterdir()] == ["0001.mp4.incomplete"]
        kept = (out / "0001.mp4.incomplete").read_bytes()
        assert kept == plain[:len(kept)] and len(kept) == file["plain_bytes"] and len(kept) % 3000 == 0


def test_rule_22_tampered_stays_incomplete(agency, sealed, tmp_path):
    path, plain = sealed
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    code, (file,) = unseal("--key", agency / "P-256.key", path, "-o", tmp_path / "out")
    assert (code, file["verdict"], file["output"]) == (1, "tampered", "0001.mp4.incomplete")
    path.write_bytes(bytes(data[:-1]) + bytes([data[-1] ^ 1]) + b"\0")
    code, (file,) = unseal("--key", agency / "P-256.key", path, "-o", tmp_path / "behind")
    assert (code, file["output"]) == (1, "0001.mp4.incomplete") and "behind the final chunk" in file["finding"]
    assert (tmp_path / "behind/0001.mp4.incomplete").read_bytes() == plain


def test_renamed_segment(agency, sealed, tmp_path):
    other = sealed[0].with_name("0002.mp4.sealed")
    sealed[0].rename(other)
    code, (file,) = unseal("--key", agency / "P-256.key", other, "-o", tmp_path / "out")
    assert code == 1 and "named as another segment" in file["finding"] and file["output"] == "0001.mp4.incomplete"
    copy = other.with_name("from the dock.sealed")  # a name that claims nothing
    other.rename(copy)
    assert unseal("--key", agency / "P-256.key", copy, "-o", tmp_path / "again")[0] == 0


def test_nothing_is_overwritten(agency, sealed, tmp_path):
    for name in ("0001.mp4", "0001.mp4.incomplete"):
        out = tmp_path / f"out-{name}"
        out.mkdir()
        (out / name).write_text("there before")
        code, (file,) = unseal("--key", agency / "P-256.key", sealed[0], "-o", out)
        assert code == 3 and "nothing is overwritten" in file["finding"]
        assert [(f.name, f.read_text()) for f in out.iterdir()] == [(name, "there before")]
    out = tmp_path / "link"
    out.mkdir()
    (out / "0001.mp4.incomplete").symlink_to(tmp_path / "elsewhere")
    assert unseal("--key", agency / "P-256.key", sealed[0], "-o", out)[0] == 3
    assert not (tmp_path / "elsewhere").exists()


def test_what_cannot_be(agency, sealed, tmp_path):
    make_party(tmp_path, "x", KINDS["P-256"])
    code, (file,) = unseal("--key", tmp_path / "x.key", sealed[0], "-o", tmp_path / "out")
    assert code == 3 and file["finding"] == "not sealed for this key" and file["output"] is None
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"not one of ours" * 100)
    empty = tmp_path / "empty"
    empty.mkdir()
    code, files = unseal("--key", agency / "P-256.key", foreign, tmp_path / "absent", empty, "-o", tmp_path / "out")
    assert code == 3 and [f["finding"] for f in files] == ["not a sealed file", "No such file or directory", "not a regular file"]
    assert list((tmp_path / "out").iterdir()) == []
    for arguments in ([], ["--key", agency / "P-256.key", sealed[0]], ["--key", agency / "P-256.key", "-o", tmp_path / "out"],
                      ["--pass", "secret", sealed[0]]):
        assert run(UNSEAL, *arguments).returncode == 64
    result = run(UNSEAL, "--unjudged", "--key", agency / "P-256.pem", sealed[0], "-o", tmp_path / "out")
    assert result.returncode == 3 and "P-256.pem: holds no private key in PEM" in result.stderr
    assert run(UNSEAL, "--help").returncode == 0 and run(UNSEAL, "--version").returncode == 0


def test_worst_of_several(agency, sealed, tmp_path):
    """Segments 1 to 4 in one run: whole, cut, tampered with, not ours."""
    files = []
    for segment in range(1, 5):
        path = tmp_path / f"{segment}.sealed"
        result = run(SEAL, "--segment", segment, "--fragment", 3000, tmp_path / "plain.mp4", path, agency / "P-256.pem")
        assert result.returncode == 0, result.stderr
        files.append(path)
    whole, cut, bad, foreign = files
    cut.write_bytes(cut.read_bytes()[:-1])
    data = bad.read_bytes()
    bad.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    foreign.write_bytes(b"\x89PNG")
    for chosen, expected in (([whole], 0), ([whole, cut], 2), ([cut, whole], 2), ([foreign, cut, whole], 3),
                             ([cut, bad, foreign, whole], 1)):
        out = tmp_path / f"out-{len(chosen)}-{expected}-{chosen[0].name}"
        code, reports = unseal("--key", agency / "P-256.key", *chosen, "-o", out)
        assert code == expected
        verdicts = {whole: "whole", cut: "cut", bad: "tampered", foreign: "cannot"}
        assert [r["verdict"] for r in reports] == [verdicts[c] for c in chosen]


def test_password_file(agency, sealed, tmp_path):
    locked, password = tmp_path / "locked.key", tmp_path / "password"
    run("openssl", "pkey", "-in", agency / "P-384.key", "-aes256", "-passout", "pass:correct horse", "-out", locked)
    result = run(UNSEAL, "--unjudged", "--key", locked, sealed[0], "-o", tmp_path / "out", stdin=subprocess.DEVNULL)
    assert result.returncode == 3 and "--pass-file" in result.stderr
    password.write_text("correct horse\n")
    assert unseal("--key", locked, "--pass-file", password, sealed[0], "-o", tmp_path / "out")[0] == 0


def test_full_disk(agency, sealed, tmp_path):
    """What cannot be written is said and left incomplete; a limit on the file's size stands in for the disk's end."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    path, plain = sealed
    code, (file,) = unseal("--key", agency / "P-256.key", path, "-o", tmp_path / "out", preexec_fn=limit)
    assert code == 3 and "cannot be written" in file["finding"] and file["output"] == "0001.mp4.incomplete"
    assert plain.startswith((tmp_path / "out/0001.mp4.incomplete").read_bytes())


def test_rule_23_names_are_made_plain(agency, tmp_path):
    name = tmp_path / "a\x1b[2J\u202egpj.sealed"
    name.write_bytes(b"foreign")
    result = run(UNSEAL, "--unjudged", "--key", agency / "P-256.key", name, "-o", tmp_path / "out")
    assert "a?[2J?gpj.sealed" in result.stdout and "\x1b" not in result.stdout and "\u202e" not in result.stdout
    _, (file,) = unseal("--key", agency / "P-256.key", name, "-o", tmp_path / "out")
    assert file["file"].endswith("a?[2J?gpj.sealed")


def test_no_segment_in_it(agency, tmp_path):
    text, path = tmp_path / "text", tmp_path / "0001.mp4.sealed"
    text.write_text("no segment\n" * 1000)
    assert run(SEAL, text, path, agency / "P-256.pem").returncode == 0
    code, (file,) = unseal("--key", agency / "P-256.key", path, "-o", tmp_path / "out")
    assert code == 3 and "holds is no segment" in file["finding"] and file["output"] == "0001.mp4.incomplete"
    assert (tmp_path / "out/0001.mp4.incomplete").read_text() == text.read_text()


@pytest.mark.skipif("libasan" in run("ldd", UNSEAL).stdout, reason="a sanitizer needs more address space")
def test_memory_is_constant(agency, tmp_path):
    """The program's address space is limited to far less than the file."""
    path, size = tmp_path / "0001.mp4.sealed", 1_000_000_000 if os.environ.get("BC_LONG") else 50_000_000
    assert run(SEAL, f"-{size}", path, agency / "P-256.pem").returncode == 0
    limit = 24 * 2 ** 20
    code, (file,) = unseal("--key", agency / "P-256.key", path, "-o", tmp_path / "out",
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert code == 3 and "holds is no segment" in file["finding"] and file["plain_bytes"] == size
    path.unlink()
    (tmp_path / "out/0001.mp4.incomplete").unlink()


# ---- a stranger ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", KINDS)
def test_a_stranger_reads_it(agency, sealed, name):
    """openssl cms opens the envelope, and 100 lines from the document alone read the rest."""
    path, plain = sealed
    assert stranger.read(path.read_bytes(), agency / f"{name}.key", agency / f"{name}.pem") == plain


def test_a_stranger_sees_what_was_done(agency, sealed):
    data, key = sealed[0].read_bytes(), (agency / "P-256.key", agency / "P-256.pem")
    for changed, why in ((data[:-1], "cut"), (data + b"\0", "behind"), (data[:-1] + bytes([data[-1] ^ 1]), "not authentic"),
                         (data[:20] + b"\1" + data[21:], "commitment")):
        with pytest.raises(stranger.Refused, match=why):
            stranger.read(changed, *key)


def test_a_stranger_reads_the_example():
    text = (SOURCE / "tests/unit/format/sealed_example.txt").read_text()
    values = {m[1]: bytes.fromhex("".join(m[2].split())) for m in re.finditer(r"^([a-z0-9-]+)\n((?:  [0-9a-f]+\n)+)", text, re.M)}
    header = stranger.header_of(values["file"])
    assert header["envelope"] == values["envelope"] and header["place"] == values["place"]
    assert stranger.derived(header, values["file-key"]) == (values["header-sha256"], values["commitment"], values["chunk-key"])
    start = len(header["bytes"]) + 32
    assert b"".join(stranger.chunks_of(values["file"], start, values["chunk-key"])) == values["plain"]
