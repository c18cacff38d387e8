#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Records as an independent CBOR implementation reads and writes them, with the schema as docs/formats/record.md has it.

Usage: records_cbor2.py RECORD_TOOL...   (the program of this folder, after its emulator where there is one)
"""
import json
import pathlib
import random
import re
import subprocess
import sys

import cbor2

TOOL = sys.argv[1:]
FORMATS = pathlib.Path(__file__).resolve().parents[3] / "docs/formats"
COUNT, SEED = 400, 20261126
ID = bytes.fromhex("98f741dffbdc4edda2afe56b029581fa")
NAMES = {1: "device", 2: "epoch", 3: "boot", 4: "ledger", 5: "prev", 6: "signed_ns", 7: "utc", 8: "firmware", 9: "settings",
         16: "recording", 17: "segment", 18: "index", 19: "offset", 20: "bytes", 21: "sha256", 22: "tracks", 23: "frames",
         24: "gaps", 25: "marks", 26: "clock", 27: "position", 28: "battery", 32: "head_bytes", 33: "base_ticks", 34: "boot_id",
         35: "drivers", 36: "begun", 37: "succeeds", 38: "seal", 48: "moov_bytes", 49: "moov_sha256", 50: "ended", 56: "found",
         57: "moved", 58: "anchor", 59: "agrees", 60: "reset", 61: "stored", 80: "events"}
OF_KIND = {1: {*range(16, 29)}, 2: {*range(16, 29), 48, 49}, 3: {*range(16, 29), 48, 49, 50},
           4: {*range(16, 23), 48, 49, *range(56, 61)}, 8: {16, 17, 58, 60, 61}, 16: {80}}


def tool(*arguments, lines=None):
    done = subprocess.run([*TOOL, *arguments], check=True, capture_output=True, text=True, input=lines)
    return done.stdout.splitlines()


def canonical(value):
    return cbor2.dumps(value, canonical=True)


def plain(value):
    """Byte strings as hexadecimal digits, in arrays too."""
    if isinstance(value, bytes):
        return value.hex()
    return [plain(item) for item in value] if isinstance(value, list) else value


def read(box):
    """What a box says, as the tool's JSON has it."""
    assert int.from_bytes(box[:4], "big") == len(box) <= 16384 and box[4:8] == b"uuid" and box[8:24] == ID
    message = cbor2.loads(box[24:])
    assert message.tag == 18 and canonical(message) == box[24:], "not in its one form"
    protected, unprotected, payload, signature = message.value
    header, body = cbor2.loads(protected), cbor2.loads(payload)
    assert unprotected == {} and canonical(header) == protected and canonical(body) == payload
    assert set(header) - {33} == {1, 34, -70001, -70002} and header[-70001] == 1 and header[34][0] == -16
    kind = header[-70002]
    keys = {*range(1, 10)} | OF_KIND[kind]
    if body.get(18) == 1:
        keys |= {32, 33, 34, 35, 36} | ({37, 38} & set(body))
    assert set(body) == keys, f"kind {kind} has keys {sorted(body)}"
    assert kind == 16 or (33 in header) == (kind == 8 or body[18] == 1)
    says = {"alg": header[1], "x5t": header[34][1].hex(), "kind": kind}
    if 33 in header:
        says["x5chain"] = plain(header[33])
    if 80 in body:
        body[80] = [[time, event, canonical(details)] for time, event, details in body[80]]
    return {"protected": says, "payload": {NAMES[key]: plain(value) for key, value in body.items()}, "signature": signature.hex()}


def same(ours, theirs):
    """Equal, and of the same types: True is not 1."""
    return json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)


def pack(header, body, signature, unprotected=None, tag=18):
    message = canonical(cbor2.CBORTag(tag, [canonical(header), unprotected or {}, canonical(body), signature]))
    return (24 + len(message)).to_bytes(4, "big") + b"uuid" + ID + message


def hashed(number):
    return bytes([number]) * 32


def writings():
    """Boxes written here, with what must become of them."""
    some = random.Random(SEED)
    signature = bytes(31) + b"\x01" + bytes(31) + b"\x02"
    for index in (1, 2, 23, 24, 255, 256, 65535, 65536, 2**32 - 1):
        header = {1: -7, 34: [-16, hashed(1)], -70001: 1, -70002: 1}
        body = {1: "CAM-7", 2: 1, 3: some.randrange(1, 2**63), 4: 0, 5: hashed(2), 6: 2**63 - 1, 7: None, 8: hashed(3), 9: hashed(4),
                16: 1, 17: 9999, 18: index, 19: 0, 20: 1, 21: hashed(5), 22: [None, [5, 5]], 23: [0, 0], 24: [[1, 0, None, 1]],
                25: [[0, "Käse"]], 26: [[0, 0, None, None, None], [1, 1, 0, 0, -(2**63) + 1]],
                27: [2, -900000000, 1800000000, None, 0], 28: [100, 0, True]}
        if index == 1:
            header[33] = [b"\x30\x00"]
            body.update({32: 16384, 33: 0, 34: bytes(16), 35: [], 36: ["", 0, 0]})
        yield True, pack(header, body, signature)
        yield False, pack(header, body, signature, unprotected={4: b"x"})
        yield False, pack(header, body, signature, tag=17)
        yield False, pack({**header, 2: [1]}, body, signature)
        yield False, pack({**header, -70001: 2}, body, signature)
        yield False, pack(header, {**body, 6: 2**63}, signature)
        yield False, pack(header, {**body, 6: -1}, signature)
        yield False, pack(header, {**body, 2: 0}, signature)
        yield False, pack(header, {**body, 62: 0}, signature)
        yield False, pack(header, {**body, 59: True}, signature)
        yield False, pack(header, {**body, 28: [1.0, None, True]}, signature)
        yield False, pack(header, {key: value for key, value in body.items() if key != 9}, signature)


def documented():
    """The keys and names of record.md, section 5."""
    text = (FORMATS / "record.md").read_text().split("## 5 ")[1].split("## 6 ")[0]
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", text, re.MULTILINE)
    return {int(key): name for key, name in rows}


def main():
    failures = 0
    if documented() != NAMES:
        failures += 1
        print("record.md has other keys", set(documented().items()) ^ set(NAMES.items()))
    vectors = sorted(FORMATS.glob("vectors/record-*.hex"))
    assert len(vectors) == 8
    for path in vectors:
        if not same(read(bytes.fromhex(path.read_text())), json.loads(path.with_suffix(".json").read_text())):
            failures += 1
            print(f"{path.name} says something else than its .json")
    lines = tool("random", str(COUNT), str(SEED))
    assert len(lines) == 2 * 6 * COUNT
    for digits, says in zip(lines[::2], lines[1::2]):
        ours, theirs = read(bytes.fromhex(digits)), json.loads(says)
        if not same(ours, theirs):
            failures += 1
            print("DIFFERENT", ours, theirs, sep="\n  ")
    print(f"{len(lines) // 2} boxes of the tool's read with cbor2 {getattr(cbor2, '__version__', '')}: {failures} different")

    written = list(writings())
    answers = tool("parse", lines="".join(box.hex() + "\n" for _, box in written))
    assert len(answers) == len(written)
    for (good, box), answer in zip(written, answers):
        if good != (not answer.startswith("refused")) or (good and not same(json.loads(answer), read(box))):
            failures += 1
            print("WRONG", good, box.hex(), answer, sep="\n  ")
    lawful = sum(good for good, _ in written)
    print(f"{len(written)} boxes of cbor2's, {lawful} of them lawful, read by the tool; {failures} failures in all")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
