# SPDX-License-Identifier: EUPL-1.2
"""DER: the little of it that certificates and manifest.sig need."""

from boxes import Cursor
from verdict import need

def der_read(c):
    """tag, cursor of the content, all bytes of the element."""
    start, tag, n = c.p, c.num(1), c.num(1)
    if n >= 128:
        size = n - 128
        need(1 <= size <= 3, "DER: length")
        n = c.num(size)
        need(n >= (128 if size == 1 else 1 << 8 * (size - 1)), "DER: length")
    c.take(n)
    return tag, Cursor(c.d, c.p - n, c.p), bytes(c.d[start:c.p])


def rest(c):
    return bytes(c.d[c.p:c.e])


def oid_arcs(b):
    arcs, n = [], 0
    for x in b:
        n = n << 7 | x & 0x7f
        if not x & 0x80:
            arcs.append(n)
            n = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first] + arcs[1:]))


def der(tag, *content):
    body = b"".join(content)
    n = len(body)
    length = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + body
