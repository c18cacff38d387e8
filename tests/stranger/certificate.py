# SPDX-License-Identifier: EUPL-1.2
"""The certificates of a device, up to a root that was named (docs/formats/record.md, 4)."""

import datetime
import functools
import time

from boxes import Cursor
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from der import der_read, oid_arcs, rest
from record import ORDER
from verdict import CANNOT, TAMPERED, Bad, need, sha

POLICY_ARC = "2.25.141109206085313761295305289576533557891."
BASIC, USAGE, SKI, AKI, POLICIES, EKU, SAN = "551d13", "551d0f", "551d0e", "551d23", "551d20", "551d25", "551d11"
KNOWN = {BASIC, USAGE, SKI, AKI, POLICIES, EKU, SAN, "551d1e", "551d24", "551d36"}


def extensions(cert):
    """{OID in hex: (critical, content)}, read by hand: Debian 12's python3-cryptography cannot read an OID with an arc of 128 bits."""
    return extensions_of(cert.tbs_certificate_bytes)


@functools.lru_cache(1000)
def extensions_of(raw):
    result = {}
    _, tbs, _ = der_read(Cursor(raw))
    while tbs.p < tbs.e:
        tag, inner, _ = der_read(tbs)
        if tag == 0xa3:
            _, sequence, _ = der_read(inner)
            while sequence.p < sequence.e:
                _, e, _ = der_read(sequence)
                oid = rest(der_read(e)[1]).hex()
                tag, value, _ = der_read(e)
                critical = tag == 1 and rest(value) == b"\xff"
                if tag == 1:
                    tag, value, _ = der_read(e)
                need(oid not in result, "an extension twice")
                result[oid] = (critical, rest(value))
    return result


def policies(cert):
    if POLICIES not in extensions(cert):
        return []
    _, c, _ = der_read(Cursor(extensions(cert)[POLICIES][1]))
    result = []
    while c.p < c.e:
        result.append(oid_arcs(rest(der_read(der_read(c)[1])[1])))
    return result


def basic_constraints(cert):
    """(critical, ca, path length) or None"""
    if BASIC not in extensions(cert):
        return None
    critical, value = extensions(cert)[BASIC]
    _, c, _ = der_read(Cursor(value))
    ca, length = False, None
    while c.p < c.e:
        tag, v, _ = der_read(c)
        if tag == 1:
            ca = rest(v) == b"\xff"
        else:
            length = int.from_bytes(rest(v), "big")
    return critical, ca, length


def key_usage(cert, bit):
    """(critical, whether this bit is set) or None"""
    if USAGE not in extensions(cert):
        return None
    critical, value = extensions(cert)[USAGE]
    bits = rest(der_read(Cursor(value))[1])
    return critical, len(bits) > 1 + bit // 8 and bool(bits[1 + bit // 8] & 0x80 >> bit % 8)


def signed_by(cert, issuer):
    try:
        key, algorithm = issuer.public_key(), cert.signature_hash_algorithm
        if algorithm is None or algorithm.name not in ("sha256", "sha384", "sha512"):
            return False
        if isinstance(key, rsa.RSAPublicKey):
            if key.key_size < 2048:
                return False
            key.verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(algorithm))
        else:
            return False
        return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False


class Certificate:
    """What x5chain says of a device: judged up to a root that the user named."""

    def __init__(self, chain, trust):
        self.faults, self.test, self.root = [], False, None
        try:
            self.certs = [x509.load_der_x509_certificate(d) for d in chain]
            for c, d in zip(self.certs, chain):
                need(c.public_bytes(serialization.Encoding.DER) == d and c.version == x509.Version.v3, "a certificate: form")
                extensions(c)
                c.issuer, c.subject, c.signature_hash_algorithm, c.not_valid_before, c.not_valid_after
            self.key = self.certs[0].public_key()
            need(isinstance(self.key, ec.EllipticCurvePublicKey) and self.key.curve.name in ORDER, "the key is on neither P-256 nor P-384")
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, Bad) as e:
            raise Bad("x5chain: %s" % e)
        leaf = self.certs[0]
        self.x5t = sha(chain[0])
        names = leaf.subject.get_attributes_for_oid(x509.oid.NameOID.SERIAL_NUMBER)
        self.device = names[0].value if len(names) == 1 else None
        if key_usage(leaf, 0) != (True, True):
            self.faults.append("keyUsage of the device is not digitalSignature")
        basic = basic_constraints(leaf)
        if (key_usage(leaf, 5) or (0, 0))[1]:
            self.faults.append("keyCertSign in a certificate that is no CA's")
        if not basic or basic[1]:
            self.faults.append("basicConstraints does not say that the device is no CA")
        self.judge_chain(trust)
        every = self.certs + ([self.root] if self.root else [])
        self.test = any(POLICY_ARC + "1" in policies(c) for c in every)

    def judge_chain(self, trust):
        for below, c in enumerate(self.certs):
            if any(critical and oid not in KNOWN for oid, (critical, _) in extensions(c).items()):
                self.faults.append("an unknown critical extension")
            if AKI not in extensions(c):
                self.faults.append("no authority key identifier")
            if below:
                self.judge_ca(c, below - 1)
        for c, issuer in zip(self.certs, self.certs[1:]):
            if c.issuer != issuer.subject or not signed_by(c, issuer) or not self.ids_fit(c, issuer):
                self.faults.append("a certificate is not by the next one")
        last = self.certs[-1]
        for root in trust:
            if last.issuer == root.subject and signed_by(last, root) and self.ids_fit(last, root):
                self.root = root
                self.judge_ca(root, len(self.certs) - 1)
                if any(critical and oid not in KNOWN for oid, (critical, _) in extensions(root).items()):
                    self.faults.append("an unknown critical extension")
                break

    @staticmethod
    def ids_fit(c, issuer):
        if AKI not in extensions(c) or SKI not in extensions(issuer):
            return True
        _, a, _ = der_read(Cursor(extensions(c)[AKI][1]))
        named = None
        while a.p < a.e:
            tag, v, _ = der_read(a)
            if tag == 0x80:
                named = rest(v)
        return named in (None, rest(der_read(Cursor(extensions(issuer)[SKI][1]))[1]))

    def judge_ca(self, c, below):
        basic, sign = basic_constraints(c), key_usage(c, 5)
        if not basic or not basic[0] or not basic[1] or basic[2] is not None and basic[2] < below:
            self.faults.append("basicConstraints of a CA")
        if not sign or not sign[1]:
            self.faults.append("keyCertSign")
        if SKI not in extensions(c):
            self.faults.append("no subject key identifier")

    def valid_at(self, ns):
        t = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=ns // 1000)
        return all(c.not_valid_before <= t <= c.not_valid_after for c in self.certs + ([self.root] if self.root else []))

    def judge(self, f, device, utcs, ctx):
        if not ctx.trust:
            f.add(CANNOT, "no trust anchor was named")
        elif not self.root:
            f.add(TAMPERED, "the certificates do not lead to a root that was named")
        for fault in self.faults:
            f.add(TAMPERED, "certificate: " + fault)
        if self.device != device:
            f.add(TAMPERED, "the certificate is of another device")
        if self.test and not ctx.allow_test:
            f.add(CANNOT, "a test certificate")
        for ns in [min(utcs), max(utcs)] if utcs else [time.time_ns()]:
            if not self.valid_at(ns):
                f.add(TAMPERED, "a certificate was not valid at the time of recording")
