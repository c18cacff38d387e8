# SPDX-License-Identifier: EUPL-1.2
"""Whom recordings are sealed for: keys and certificates of an agency, and what opens files with them."""

import datetime
import json
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness import BUILD, authority

UNSEAL = BUILD / "tools/bodycam-unseal/bodycam-unseal"
KINDS = {"rsa": lambda: rsa.generate_private_key(65537, 3072), "p256": lambda: ec.generate_private_key(ec.SECP256R1())}
BEGIN = datetime.datetime(2026, 1, 1)  # before the simulated clock


def make_party(folder, name, kind, years=2, begin=BEGIN):
    """NAME.key and NAME.pem in the folder."""
    key = KINDS[kind]()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                           "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    usage["key_encipherment" if kind == "rsa" else "key_agreement"] = True
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(begin)
                   .not_valid_after(begin.replace(year=begin.year + years)).add_extension(x509.KeyUsage(**usage), True)
                   .sign(key, hashes.SHA256()))
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                           serialization.NoEncryption()))
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / f"{name}.pem"


def make_agency(folder):
    """Settings of [sealing] for two certificates, rsa.pem and p256.pem."""
    return {"certificates": " ".join(str(make_party(folder, name, name)) for name in KINDS)}


def unseal(key, *arguments, judge=True):
    """bodycam-unseal of these paths, against the test authority: exit status and the report's JSON."""
    judge = ["--trust", authority() / "root.pem", "--allow-test"] if judge is True else judge
    done = subprocess.run([UNSEAL, "--json", "--key", key, *judge, *arguments], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    return done.returncode, json.loads(done.stdout)


def parts(data):
    """A sealed file as [header and commitment, chunk, chunk, ...]."""
    at = 12 + 1 + data[12] + 36
    at += 4 + int.from_bytes(data[at:at + 4], "big") + 32
    found = [data[:at]]
    while at < len(data):
        n = 4 + (int.from_bytes(data[at:at + 4], "big") & 0x7fffffff) + 16
        found.append(data[at:at + n])
        at += n
    return found
