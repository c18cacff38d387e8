# SPDX-License-Identifier: EUPL-1.2
"""The device's key where it may be: in a file, in a TPM 2.0 (swtpm), in a token that speaks PKCS#11 (SoftHSM). Made there by
bodycam-provision, vouched for by tools/test-ca, used as the recorder uses it, and judged by another library than the code's."""

import json
import os
import re
import stat
import subprocess

import pytest
from chip import Tpm
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from harness import BUILD, SOURCE

PROVISION = BUILD / "tools/bodycam-provision/bodycam-provision"
SIGN = BUILD / "tests/lib/key-sign"
TEST_CA = SOURCE / "tools/test-ca"
DEVICE = "TEST-0001"
PIN = "839174"
ORDERS = {
    "P-256": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
    "P-384": 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
}
POLICY = "2.25.141109206085313761295305289576533557891."
PROTECTION = {"file": "file", "tpm": "tpm", "token": "hsm"}


def run(*words, env=None, status=0):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
    assert done.returncode == status, done
    assert PIN not in done.stdout + done.stderr
    return done


class Files:
    place = "file"

    def __init__(self, folder):
        self.folder, self.env = folder, {}

    def uri(self, name="device"):
        return f"file:{self.folder}/{name}.key"

    def stop(self):
        pass


class Token:
    place = "token"

    def __init__(self, folder):
        (folder / "tokens").mkdir()
        conf = folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.env = {"SOFTHSM2_CONF": str(conf)}
        self.pin = folder / "pin"
        self.pin.write_text(PIN + "\n")
        self.pin.chmod(0o600)
        self.module = "/usr/lib/softhsm/libsofthsm2.so"
        for label in "bodycam", "another":
            subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "9999", "--pin", PIN], check=True,
                           capture_output=True, env={**os.environ, **self.env}, timeout=60)

    def uri(self, name="device", pin=None, token="bodycam"):
        source = f"&pin-source=file:{pin or self.pin}" if pin != "" else ""
        return f"pkcs11:token={token};object={name}?module-path={self.module}{source}"

    def stop(self):
        pass


@pytest.fixture(params=[Files, Tpm, Token], ids=lambda kind: kind.place)
def keys(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def tpm(tmp_path):
    made = Tpm(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def token(tmp_path):
    return Token(tmp_path)


def provision(keys, command, *words, status=0, uri=None):
    return run(PROVISION, command, "--uri", uri or keys.uri(), *words, env=keys.env, status=status)


def check(keys, certificates, *words, status=0, device=DEVICE, uri=None):
    return provision(keys, "check", "--device", device, "--certificates", certificates, *words, status=status, uri=uri)


def make_papers(keys, folder, *options, device=DEVICE, curve="P-256", protection=None):
    """Key, request, certificates in place. Returns their path."""
    provision(keys, "key", "--algorithm", curve)
    provision(keys, "request", "--device", device, "--out", folder / "device.csr")
    run(TEST_CA, "--out", folder / "ca", "--device", device, "--csr", folder / "device.csr", "--protection",
        protection or PROTECTION[keys.place], *options)
    provision(keys, "install", "--device", device, "--certificates", folder / "ca/device.pem", "--to", folder / "device.pem")
    return folder / "device.pem"


def verify(certificate, data, signature, curve):
    half = len(signature) // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    assert half == {"P-256": 32, "P-384": 48}[curve] and 0 < s <= ORDERS[curve] // 2
    hash_ = hashes.SHA256() if curve == "P-256" else hashes.SHA384()
    certificate.public_key().verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hash_))


@pytest.mark.parametrize("curve", ["P-256", "P-384"])
def test_from_key_to_signature(keys, tmp_path, curve):
    path = make_papers(keys, tmp_path, curve=curve)
    request = x509.load_pem_x509_csr((tmp_path / "device.csr").read_bytes())
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == f"2.5.4.5={DEVICE},CN={DEVICE}"
    leaf, issuer = (x509.load_pem_x509_certificate(text) for text in re.findall(
        rb"-----BEGIN.*?-----END CERTIFICATE-----\n", path.read_bytes(), re.DOTALL))
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert request.public_key().public_numbers() == leaf.public_key().public_numbers()

    told = json.loads(check(keys, path, "--json").stdout)
    warnings = told.pop("warnings")
    assert len(warnings) == 1 and "evidence of nothing" in warnings[0]
    assert told == {
        "device": DEVICE, "place": keys.place, "algorithm": curve, "subject": f"serialNumber={DEVICE},CN={DEVICE}",
        "issuer": "CN=Body camera test authority", "valid_from": "2025-01-01T00:00:00Z", "valid_until": "2055-01-01T00:00:00Z",
        "certificates": 2, "test": True, "protection": {"hsm": "hardware"}.get(PROTECTION[keys.place], PROTECTION[keys.place]),
        "x5t": leaf.fingerprint(hashes.SHA256()).hex(),
    }
    words = check(keys, path).stdout
    assert told["x5t"] in words and "test        yes" in words and f"key         {curve}, in a {keys.place}\n" in words

    data = os.urandom(20_000)
    (tmp_path / "data").write_bytes(data)
    done = run(SIGN, keys.uri(), path, DEVICE, tmp_path / "data", 50, env=keys.env)
    signatures = [bytes.fromhex(line) for line in done.stdout.split()]
    assert len(set(signatures)) == 50
    for signature in signatures:
        verify(leaf, data, signature, curve)
    with pytest.raises(InvalidSignature):
        verify(leaf, data[:-1], signatures[0], curve)
    # As another verifier builds the chain.
    run("openssl", "verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", tmp_path / "ca/root.pem", "-untrusted", path, path)


def test_nothing_is_replaced(keys, tmp_path):
    path = make_papers(keys, tmp_path)
    again = provision(keys, "key", status=1)
    assert "not replaced" in again.stderr and again.stdout == ""
    assert provision(keys, "request", "--device", DEVICE, "--out", tmp_path / "device.csr", status=1)
    check(keys, path)


def test_a_key_that_is_not_there(keys, tmp_path):
    path = make_papers(keys, tmp_path)
    done = check(keys, path, uri=keys.uri("other"), status=1)
    assert done.stderr.count("bodycam-provision: key ") == 1 and done.stdout == ""
    provision(keys, "request", "--device", DEVICE, status=1, uri=keys.uri("other"))


def test_certificates_of_another_key(keys, tmp_path):
    path = make_papers(keys, tmp_path)
    before = path.read_bytes()
    provision(keys, "key", uri=keys.uri("other"))
    done = check(keys, path, uri=keys.uri("other"), status=1)
    assert f"certificates {path}: certificate 1 is not for the key" in done.stderr
    # What is refused replaces nothing.
    run(TEST_CA, "--out", tmp_path / "ca", "--device", DEVICE, "--name", "theirs")
    done = provision(keys, "install", "--device", DEVICE, "--certificates", tmp_path / "ca/theirs.pem", "--to", path, status=1)
    assert "is not for the key" in done.stderr
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.glob("device.pem*")) == ["device.pem"]


def test_openssl_s_settings_do_not_count(keys, tmp_path):
    """A machine's openssl.cnf neither breaks a camera nor lends it providers: it is not even opened."""
    path = make_papers(keys, tmp_path)
    (tmp_path / "data").write_bytes(b"data")
    os.mkfifo(tmp_path / "openssl.cnf")  # who opens it for reading waits for ever
    env = {**keys.env, "OPENSSL_CONF": str(tmp_path / "openssl.cnf")}
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(["openssl", "ecparam", "-name", "P-256", "-genkey"], capture_output=True, env={**os.environ, **env}, timeout=1)
    run(PROVISION, "check", "--uri", keys.uri(), "--device", DEVICE, "--certificates", path, env=env)
    run(PROVISION, "request", "--uri", keys.uri(), "--device", DEVICE, env=env)
    run(PROVISION, "key", "--uri", keys.uri("other"), env=env)
    run(SIGN, keys.uri(), path, DEVICE, tmp_path / "data", env=env)


def test_a_tpm_keeps_it_through_a_power_cut(tpm, tmp_path):
    path = make_papers(tpm, tmp_path)
    tpm.end()
    done = check(tpm, path, status=1)
    assert "is the TPM there?" in done.stderr or "no such key" in done.stderr
    done = provision(tpm, "key", uri=tpm.uri("other"), status=1)
    assert "no TPM answers at swtpm:" in done.stderr
    tpm.start()
    check(tpm, path)


def test_a_tpm_that_goes_away(tpm, tmp_path):
    """An error and no signature, and no waiting for ever."""
    path = make_papers(tpm, tmp_path)
    (tmp_path / "data").write_bytes(b"data")
    signing = subprocess.Popen([SIGN, tpm.uri(), path, DEVICE, tmp_path / "data", "10000000"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0, env={**os.environ, **tpm.env})
    try:
        first = signing.stdout.readline()
        tpm.end()
        rest, errors = signing.communicate(timeout=60)
    finally:
        signing.kill()
        signing.wait()
    assert signing.returncode == 1 and errors.endswith(b"key-sign: not signed\n")
    assert all(len(line) == 128 for line in [first.strip(), *rest.split()])
    tpm.start()
    check(tpm, path)


def test_the_ca_says_otherwise(tpm, tmp_path):
    path = make_papers(tpm, tmp_path, protection="file")
    told = json.loads(check(tpm, path, "--json").stdout)
    assert told["protection"] == "file" and any("but it is in a tpm" in warning for warning in told["warnings"])


def test_pins(token, tmp_path):
    path = make_papers(token, tmp_path)
    wrong = tmp_path / "wrong"
    wrong.write_text("000000")
    wrong.chmod(0o600)
    done = check(token, path, uri=token.uri(pin=wrong), status=1)
    assert f"refuses the PIN in {wrong}" in done.stderr and "000000" not in done.stderr
    token.pin.chmod(0o640)
    assert "its mode is 0640" in check(token, path, status=1).stderr
    token.pin.chmod(0o600)
    assert "only with a PIN" in check(token, path, uri=token.uri(pin=""), status=1).stderr
    done = check(token, path, uri=f"{token.uri(pin='')}&pin-value=4711", status=1)
    assert "a file of its own" in done.stderr and "4711" not in done.stderr
    assert "must be file: and an absolute path" in check(
        token, path, uri=f"{token.uri(pin='')}&pin-source=%7ctouch%20{tmp_path}/ran", status=1).stderr
    assert not (tmp_path / "ran").exists()
    check(token, path)


def test_uris_of_tokens(token, tmp_path):
    path = make_papers(token, tmp_path)
    for uri, words in (
            (token.uri(token="nosuch"), "there is no such token"),
            (token.uri().replace("token=bodycam;", ""), "it names 2 tokens"),
            (token.uri().replace(";object=device", ""), "it names no key"),
            (token.uri(token="another"), "has no such private EC key")):
        assert words in check(token, path, uri=uri, status=1).stderr
    assert "names no key" in provision(token, "key", uri=token.uri().replace(";object=device", ""), status=1).stderr
    # A second pair of the same name makes the name worth nothing; its id tells them apart.
    provision(token, "key", uri=token.uri().replace("object=device", "object=device;id=%01"))
    assert "it names more than one private key" in check(token, path, status=1).stderr
    assert "is not for the key" in check(token, path, uri=token.uri().replace("object=device", "id=%01"), status=1).stderr


def test_files_that_others_may_read(tmp_path):
    keys = Files(tmp_path)
    path = make_papers(keys, tmp_path)
    key = tmp_path / "device.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for mode in 0o640, 0o604:
        key.chmod(mode)
        for done in (check(keys, path, status=1), provision(keys, "request", "--device", DEVICE, status=1)):
            assert f"its mode is {mode:04o}" in done.stderr and done.stdout == ""
    # Something that only looks as if it were not there.
    (tmp_path / "link.key").symlink_to(tmp_path / "nowhere")
    assert "not replaced" in provision(keys, "key", uri=keys.uri("link"), status=1).stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("device", ["A", "A_B-c", "x" * 32])
def test_device_ids(tmp_path, device):
    keys = Files(tmp_path)
    path = make_papers(keys, tmp_path, device=device)
    assert device in check(keys, path, device=device).stdout
    done = check(keys, path, device="B", status=1)
    assert f"it is for the device {device}, this one is B" in done.stderr


@pytest.mark.parametrize("when, words", [
    (["--from", "20010101000000Z", "--days", "1"], "valid no longer: they were until 2001-01-02T00:00:00Z"),
    (["--from", "20600101000000Z", "--days", "1"], "not valid before 2060-01-01T00:00:00Z"),
])
def test_time_is_a_warning(tmp_path, when, words):
    keys = Files(tmp_path)
    path = make_papers(keys, tmp_path, *when)
    assert words in check(keys, path).stdout
    (tmp_path / "data").write_bytes(b"")
    run(SIGN, keys.uri(), path, DEVICE, tmp_path / "data")


def test_the_ca(tmp_path):
    """tools/test-ca: two devices below one root, no surprises."""
    ca = tmp_path / "ca"
    run(TEST_CA, "--out", ca, "--device", "A-1", "--protection", "none")
    run(TEST_CA, "--out", ca, "--device", "A-2", "--name", "second", "--algorithm", "P-384")
    assert "there already" in run(TEST_CA, "--out", ca, "--device", "A-1", status=1).stderr
    assert sorted(file.name for file in ca.iterdir()) == ["device.key", "device.pem", "intermediate.key", "intermediate.pem", "root.key",
                                                          "root.pem", "second.key", "second.pem"]
    assert all(stat.S_IMODE(file.stat().st_mode) == (0o600 if file.suffix == ".key" else 0o644) for file in ca.iterdir())
    for name, device, said in ("device", "A-1", [POLICY + "1"]), ("second", "A-2", [POLICY + "1", POLICY + "2"]):
        told = run("openssl", "x509", "-in", ca / f"{name}.pem", "-noout", "-ext", "certificatePolicies").stdout
        assert re.findall(r"Policy: (\S+)", told) == said
        run(PROVISION, "check", "--uri", ca / f"{name}.key", "--device", device, "--certificates", ca / f"{name}.pem")
        run("openssl", "verify", "-x509_strict", "-CAfile", ca / "root.pem", "-untrusted", ca / f"{name}.pem", ca / f"{name}.pem")
    keys = Files(tmp_path)
    provision(keys, "key")
    provision(keys, "request", "--device", "A-3", "--out", tmp_path / "csr")
    done = run(TEST_CA, "--out", ca, "--device", "A-4", "--name", "third", "--csr", tmp_path / "csr", status=1)
    assert "is for the device A-3, not A-4" in done.stderr
    damaged = bytearray((tmp_path / "csr").read_bytes())
    at = damaged.index(b"\n-----END") - 12
    damaged[at] = ord("A") if damaged[at] != ord("A") else ord("B")
    (tmp_path / "csr").write_bytes(damaged)
    run(TEST_CA, "--out", ca, "--device", "A-3", "--name", "third", "--csr", tmp_path / "csr", status=1)
    assert not (ca / "third.pem").exists()
    run(TEST_CA, "--out", ca, status=2)
    run(TEST_CA, "--help")


@pytest.mark.parametrize("words", [
    [], ["nosuch"], ["key"], ["key", "--uri"], ["key", "--uri", "/a", "b"], ["key", "--uri", "/a", "--uri", "/b"],
    ["key", "--uri", "/a", "--algorithm", "P-521"], ["key", "--uri", "/a", "--json"], ["request", "--uri", "/a"],
    ["request", "--uri", "/a", "--device", ""], ["request", "--uri", "/a", "--device", "a b"],
    ["request", "--uri", "/a", "--device", "x" * 33], ["install", "--uri", "/a", "--device", "A", "--certificates", "/b"],
    ["check", "--uri", "/a", "--certificates", "/b"], ["check", "--nosuch"]])
def test_wrong_usage(words):
    done = run(PROVISION, *words, status=2)
    assert done.stdout == "" and done.stderr


def test_help_and_manual():
    page = (SOURCE / "docs/man/bodycam-provision.1").read_text()
    whole = run(PROVISION, "--help").stdout
    for command in "key", "request", "install", "check", "anchor":
        one = run(PROVISION, command, "--help").stdout
        assert one in whole and one.startswith(f"bodycam-provision {command} ")
        assert re.search(rf"^\.BI? \"?{command}\b", page, re.MULTILINE), f"the manual has no {command}"
    for option in set(re.findall(r"--(\w+)", whole)):
        assert rf"\-\-{option}" in page, f"the manual has no --{option}"
    assert all(len(line) <= 120 for line in whole.splitlines())
    assert run(PROVISION, "--version").stdout.startswith("bodycam-provision ")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", str(SOURCE / "docs/man/bodycam-provision.1")], capture_output=True,
                          text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and done.stderr == ""
