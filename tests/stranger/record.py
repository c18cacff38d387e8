# SPDX-License-Identifier: EUPL-1.2
"""A record: its message, its payload, its signature (docs/formats/record.md, 1, 3, 5 and 6)."""

import re

from cbor import Cbor, canonical_head, one_map
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from verdict import U63, Bad, need, sha

RECORD_ID = bytes.fromhex("98f741dffbdc4edda2afe56b029581fa")


def uint(low=0, high=U63):
    return lambda v: type(v) is int and low <= v <= high


def text(low=0, high=64):
    return lambda v: type(v) is str and low <= len(v.encode()) <= high


def bstr(low, high=None):
    return lambda v: type(v) is bytes and low <= len(v) <= (high or low)


def null_or(f):
    return lambda v: v is None or f(v)


def array(high, f, low=0):
    return lambda v: type(v) is list and low <= len(v) <= high and all(map(f, v))


def items(*fs):
    return lambda v: type(v) is list and len(v) == len(fs) and all(f(x) for f, x in zip(fs, v))


def both(f, g):
    return lambda v: f(v) and g(v)


boolean = lambda v: type(v) is bool
integer = lambda v: type(v) is int
place, digest, number = uint(0, 2**32 - 1), bstr(32), uint(1, 9999)
span = lambda v: v[1] >= v[0]
KEYS = {
    1: lambda v: type(v) is str and bool(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", v)),
    2: uint(1), 3: uint(1), 4: uint(), 5: digest, 6: uint(), 7: null_or(items(uint(1, 3), uint(), uint(), uint())), 8: digest, 9: digest,
    16: uint(1), 17: number, 18: uint(1, 2**32 - 1), 19: place, 20: uint(1), 21: digest,
    22: array(8, null_or(both(items(uint(), uint()), span)), 1), 23: items(uint(), uint()),
    24: array(64, both(items(uint(1, 7), uint(), null_or(uint()), uint(1)), lambda v: v[2] is None or v[2] >= v[1])),
    25: array(64, items(uint(), text())),
    26: array(64, both(items(uint(), uint(0, 3), null_or(uint()), null_or(uint()), null_or(integer)),
                       lambda v: v[2:] == [None] * 3 if v[1] == 0 else None not in v[2:4])),
    27: null_or(items(uint(2, 3), uint(-900000000, 900000000), uint(-1800000000, 1800000000), null_or(uint(0, 2**31 - 1)), uint())),
    28: null_or(items(null_or(uint(0, 100)), null_or(uint(0, 2**31 - 1)), boolean)),
    32: uint(1, 16384), 33: uint(), 34: bstr(16), 35: array(8, items(uint(1, 7), text(1, 32), boolean)),
    36: items(text(), null_or(uint()), null_or(uint())),
    37: both(array(8, both(items(number, uint(0, 4095), place, place, digest), lambda v: v[3] <= v[2]), 1),
             lambda v: all(a[0] < b[0] for a, b in zip(v, v[1:]))),
    38: digest, 48: uint(8, 2**32 - 1), 49: digest, 50: items(text(), uint(), number),
    56: both(items(uint(1), uint(1, 2**32 - 1)), lambda v: v[1] <= v[0]), 57: null_or(items(uint(1), digest)),
    58: null_or(both(items(uint(1, 5), uint(), uint(0, 9999), uint(0, 2**32 - 1), digest, uint()),
                     lambda v: v[1:] == [0, 0, 0, bytes(32), 0] if v[1] == 0 else v[2] >= 1 and v[3] >= 1)),
    59: boolean, 60: uint(0, 3), 61: items(uint(), digest, null_or(digest)),
    80: array(64, both(items(uint(), uint(1, 2**32 - 1), lambda v: type(v) is dict), lambda e: all(
        uint()(k) and (v is None or type(v) in (int, bool, str, bytes)) for k, v in e[2].items())), 1),
}
BASE, COVER, FRAG = set(range(1, 10)), set(range(16, 23)), set(range(16, 29))
KINDS = {1: BASE | FRAG, 2: BASE | FRAG | {48, 49}, 3: BASE | FRAG | {48, 49, 50}, 4: BASE | COVER | {48, 49} | set(range(56, 61)),
         8: BASE | {16, 17, 58, 60, 61}, 16: BASE | {80}}
ORDER = {"secp256r1": int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16),
         "secp384r1": int("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)}
ALGS = {-7: ("secp256r1", 32, hashes.SHA256), -35: ("secp384r1", 48, hashes.SHA384)}


class Record:
    def __init__(self, data, at):
        """data: the whole box."""
        need(24 < len(data) <= 16384 and data[4:8] == b"uuid" and data[8:24] == RECORD_ID, "no record")
        self.at, self.size, self.hash = at, len(data), sha(data)
        c = Cbor(data[24:])
        need(c.c.num(1) == 0xd2 and c.c.num(1) == 0x84, "no COSE_Sign1")
        message = [c.item(1) for _ in range(4)]
        need(c.c.p == c.c.e, "bytes behind the message")
        self.protected, unprotected, self.payload, self.signature = message
        need(all(type(b) is bytes and b for b in (self.protected, self.payload, self.signature)) and unprotected == {},
             "the form of the message")
        p = one_map(self.protected)
        need(set(p) - {33} == {1, 34, -70001, -70002}, "protected: labels")
        need(type(p[1]) is int and p[1] in ALGS, "alg")
        need(33 not in p or array(4, lambda v: type(v) is bytes and v, 1)(p[33]), "x5chain")
        need(items(lambda v: type(v) is int and v == -16, digest)(p[34]), "x5t")
        need(type(p[-70001]) is int and p[-70001] == 1 and type(p[-70002]) is int and p[-70002] in KINDS, "version or kind")
        self.alg, self.chain, self.x5t, self.kind = p[1], p.get(33), p[34][1], p[-70002]
        size = ALGS[self.alg][1]
        need(len(self.signature) == 2 * size, "signature: length")
        self.r, self.s = int.from_bytes(self.signature[:size], "big"), int.from_bytes(self.signature[size:], "big")
        n = ORDER[ALGS[self.alg][0]]
        need(1 <= self.r < n and 1 <= self.s <= (n - 1) // 2, "signature: not in its one form")
        m = self.m = one_map(self.payload)
        keys = set(KINDS[self.kind])
        optional = set()
        if self.kind <= 4 and m.get(18) == 1:
            keys |= set(range(32, 37))
            optional = {37, 38}
        need(set(m) - optional == keys, "payload: keys")
        for k, v in m.items():
            need(KEYS[k](v), "payload: key %d" % k)
        if self.kind <= 4:
            need(m[19] + m[20] < 2**32, "payload: range")
            self.end = m[19] + m[20]
            if 36 in m:
                need(self.kind == 4 or None not in m[36][1:], "payload: begun")
            need(37 not in m or all(e[0] < m[17] for e in m[37]), "payload: succeeds")

    def verify(self, key):
        curve, _, algorithm = ALGS[self.alg]
        if key.curve.name != curve:
            return False
        structure = b"\x84\x6aSignature1" + canonical_head(2, len(self.protected)) + self.protected + b"\x40"
        structure += canonical_head(2, len(self.payload)) + self.payload
        try:
            key.verify(encode_dss_signature(self.r, self.s), structure, ec.ECDSA(algorithm()))
            return True
        except InvalidSignature:
            return False

    def signed(self):
        return self.m[6]


def whole_record_behind(data, pos):
    """Whether a whole, lawful record stands anywhere from pos on (record.md, 9: 'followed by a whole record')."""
    at = data.find(RECORD_ID, pos)
    while at >= 0:
        start = at - 8
        if start >= pos and data[at - 4:at] == b"uuid":
            size = int.from_bytes(data[start:start + 4], "big")
            try:
                need(24 < size <= 16384 and start + size <= len(data), "size")
                Record(data[start:start + size], start)
                return start
            except Bad:
                pass
        at = data.find(RECORD_ID, at + 1)
    return None
