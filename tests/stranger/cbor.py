# SPDX-License-Identifier: EUPL-1.2
"""CBOR in its one encoding (docs/formats/record.md, 2)."""

from boxes import Cursor, plain_text
from verdict import U63, need

class Cbor:
    """Strict: one encoding, depth of 4, integer keys."""

    def __init__(self, data):
        self.c = Cursor(data)

    def head(self):
        first = self.c.num(1)
        major, info = first >> 5, first & 31
        if major == 7:
            need(info in (20, 21, 22), "CBOR: a simple value")
            return major, info
        need(info < 28, "CBOR: indefinite or reserved")
        if info < 24:
            return major, info
        n = 1 << info - 24
        value = self.c.num(n)
        need(value >= (24 if n == 1 else 1 << 4 * n), "CBOR: not in the shortest form")
        return major, value

    def item(self, depth=0):
        major, n = self.head()
        if major == 7:
            return {20: False, 21: True, 22: None}[n]
        if major in (0, 1):
            need(n <= U63 - (major == 1), "CBOR: an integer out of range")
            return n if major == 0 else -1 - n
        if major == 2:
            return bytes(self.c.take(n))
        if major == 3:
            return plain_text(bytes(self.c.take(n)), 0, n)
        need(major in (4, 5), "CBOR: a tag")
        need(depth < 4, "CBOR: nested too deep")
        if major == 4:
            need(n <= self.c.e - self.c.p, "CBOR: an array that is too long")
            return [self.item(depth + 1) for _ in range(n)]
        result, last = {}, None
        need(2 * n <= self.c.e - self.c.p, "CBOR: a map that is too long")
        for _ in range(n):
            start = self.c.p
            key = self.item(depth + 1)
            need(type(key) is int, "CBOR: a key that is no integer")
            code = bytes(self.c.d[start:self.c.p])
            need(last is None or code > last, "CBOR: order of keys")
            last = code
            result[key] = self.item(depth + 1)
        return result


def one_map(data):
    c = Cbor(data)
    m = c.item()
    need(type(m) is dict and c.c.p == c.c.e, "no single map")
    return m


def canonical_head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for i, size in enumerate((1, 2, 4, 8)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | 24 + i]) + n.to_bytes(size, "big")
