# SPDX-License-Identifier: EUPL-1.2
"""manifest.json and manifest.sig (docs/formats/manifest.md; docs/formats/record.md, 9.8)."""

import json
import os
import re
import time

from boxes import Cursor
from certificate import signed_by
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from der import der, der_read
from record import ORDER, array, integer, null_or, text, uint
from recording import NOBODYS, OTHER
from verdict import SECOND, TAMPERED, UNPROVEN, Bad, need, sha

GAP_KINDS = ["pre-event", "no-picture", "no-sound", "frames-lost", "overtaken", "late-sound", "muted"]
SOURCES = ["none", "rtc", "ntp", "gnss"]


def obj(required, optional=None):
    optional = optional or {}

    def check(v):
        return type(v) is dict and set(required) <= set(v) <= set(required) | set(optional) and all(
            (required.get(k) or optional[k])(x) for k, x in v.items())
    return check


one_of = lambda *vs: lambda v: type(v) is str and v in vs
regex = lambda r: lambda v: type(v) is str and bool(re.fullmatch(r, v))
SEGMENT_ENTRY = obj({"file": regex(r"\d{4}\.mp4(\.sealed)?"),
                     "state": one_of("open", "closed", "abandoned", "recovered", "empty", "missing"),
                     "first_ticks": uint(), "end_ticks": uint(), "bytes": uint(0, 2**32 - 1), "fragments": uint()},
                    {"succeeds": uint(1, 9999), "error": text(0, 1000), "errno": uint(1, 4095), "tail_bytes": uint(),
                     "missing_bytes": uint()})
MANIFEST = obj({
    "version": lambda v: type(v) is int and v == 1, "device": text(0, 32), "recording": uint(1),
    "state": one_of("open", "closed", "recovered"), "boot_id": regex(r"([0-9a-f]{32})?"),
    "ticks_per_second": lambda v: type(v) is int and v == 48000, "reason": text(), "stop_reason": text(),
    "press_ticks": null_or(uint()), "pre_event_ticks": null_or(uint()), "stop_ticks": null_or(uint()),
    "segments": array(9999, SEGMENT_ENTRY),
    "gaps": null_or(array(1000, obj({"kind": one_of(*GAP_KINDS), "from_ticks": uint(), "to_ticks": null_or(uint()), "count": uint(1)}))),
    "clock": null_or(array(1000, obj({"from_ticks": uint(), "source": one_of(*SOURCES), "utc": null_or(text()), "utc_ns": null_or(integer),
                                      "uncertainty_ns": null_or(integer), "step_ns": null_or(integer), "count": uint(1)}))),
}, {"marks": null_or(array(1000, obj({"ticks": uint(), "text": text(), "count": uint(1)}))), "read_back": lambda v: v is True,
    "files": array(100000, obj({"file": text(1, 255), "bytes": uint(), "sha256": null_or(regex("[0-9a-f]{64}"))},
                               {"unproven": one_of("differs", "tail", "sealed")}))})


def read_manifest(data):
    def pairs(p):
        need(len({k for k, _ in p}) == len(p), "a key twice")
        return dict(p)
    try:
        m = json.loads(data.decode("utf-8"), object_pairs_hook=pairs)
    except (ValueError, RecursionError) as e:
        raise Bad("no JSON: %s" % e)
    need(len(data) <= 5 << 20 and MANIFEST(m), "not of its form")
    names = [s["file"][:4] for s in m["segments"]]
    need(names == sorted(set(names)), "segments")
    need(all(s["end_ticks"] >= s["first_ticks"] and s.get("succeeds", 0) < int(s["file"][:4]) and ("error" in s) == ("errno" in s)
             for s in m["segments"]), "segments")
    need(all(g["to_ticks"] is None or g["to_ticks"] >= g["from_ticks"] for g in m["gaps"] or []), "gaps")
    need("read_back" not in m or "files" in m, "read_back without files")
    need(all((x["sha256"] is None) == ("unproven" in x) for x in m.get("files", [])), "files")
    return m


def judge_signature(f, sig, data, key, trust):
    """manifest.md, 9: of this form to the byte. key: the one the records are signed with."""
    try:
        need(len(sig) <= 65536, "too large")
        c = Cursor(sig)
        _, content, _ = der_read(c)
        need(c.p == c.e, "more follows it")
        der_read(content)
        _, explicit, _ = der_read(content)
        _, signed, _ = der_read(explicit)
        certs, infos = [], []
        while signed.p < signed.e:
            tag, inner, _ = der_read(signed)
            while tag == 0xa0 and inner.p < inner.e:
                certs.append(der_read(inner)[2])
            while tag == 0x31 and signed.p == signed.e and inner.p < inner.e:
                infos.append(der_read(inner)[1])
        need(len(infos) == 1 and 1 <= len(certs) <= 4, "not the SignedData of one signer")
        last, signature = None, None
        while infos[0].p < infos[0].e:
            last = der_read(infos[0])
            if last[0] == 4:
                signature = bytes(last[1].take(last[1].e - last[1].p))
        need(last and last[0] == 4, "no signature, or attributes")
        parsed = [x509.load_der_x509_certificate(x) for x in certs]
        mine = [p for p in parsed if p.public_key().public_numbers() == key.public_numbers()] if key else parsed[:1]
        need(mine, "not by the key that the records are signed with")
        made = None
        for leaf in mine:
            path, rest = [leaf], [p for p in parsed if p is not leaf]
            while rest:
                nxt = next((p for p in rest if p.subject == path[-1].issuer and signed_by(path[-1], p)), None)
                need(nxt, "it holds certificates that are not the issuers'")
                path.append(nxt)
                rest.remove(nxt)
            if trust:
                need(any(path[-1].issuer == r.subject and signed_by(path[-1], r) for r in trust), "its certificates do not lead to a root")
            p256 = leaf.public_key().curve.name == "secp256r1"
            oid = lambda h: der(6, bytes.fromhex(h))
            digest_ = oid("608648016503040201" if p256 else "608648016503040202")
            encode = lambda p: p.public_bytes(serialization.Encoding.DER)
            for null in (b"", b"\5\0"):
                issuer = leaf.issuer.public_bytes()
                serial = leaf.serial_number
                number_ = der(2, serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
                info = der(0x30, b"\2\1\1", der(0x30, issuer, number_), der(0x30, digest_, null),
                           der(0x30, oid("2a8648ce3d040302" if p256 else "2a8648ce3d040303")), der(4, signature))
                sd = der(0x30, b"\2\1\1", der(0x31, der(0x30, digest_, null)), der(0x30, oid("2a864886f70d010701")),
                         der(0xa0, *sorted(map(encode, path))), der(0x31, info))
                if der(0x30, oid("2a864886f70d010702"), der(0xa0, sd)) == sig:
                    made = leaf
        need(made, "not of the form that the camera gives it")
        r, s = decode_dss_signature(signature)
        curve = made.public_key().curve.name
        need(encode_dss_signature(r, s) == signature and 1 <= s <= (ORDER[curve] - 1) // 2, "not in the one form of a signature")
        made.public_key().verify(signature, data, ec.ECDSA(hashes.SHA256() if p256 else hashes.SHA384()))
        return True
    except (Bad, ValueError, InvalidSignature, AttributeError, UnsupportedAlgorithm) as e:
        f.add(TAMPERED, "manifest.sig: %s" % (e or "it is not one over this manifest.json"))
        return False


def judge_manifest(rec, key):
    """record.md, 9.8 and manifest.md, 9."""
    f, folder = rec.f, rec.path
    path = os.path.join(folder, "manifest.json")
    has_sig = "manifest.sig" in rec.names and os.path.isfile(os.path.join(folder, "manifest.sig"))
    if "manifest.json" in rec.names and not os.path.isfile(path):
        return
    if "manifest.json" not in rec.names:
        f.add(UNPROVEN, "there is no manifest.json") if has_sig else None
        return
    data = open(path, "rb").read()
    try:
        m = read_manifest(data)
    except Bad as e:
        f.add(TAMPERED, "manifest.json: %s" % e)
        return
    vouched = False
    if has_sig:
        ok = key and judge_signature(f, open(os.path.join(folder, "manifest.sig"), "rb").read(), data, key, rec.ctx.trust)
        if "files" not in m:
            f.add(TAMPERED, "manifest.sig beside a manifest.json that is not final")
        vouched = ok and "read_back" not in m
    if rec.in_store and m["device"] + "-%06d" % m["recording"] != rec.name:
        f.add(TAMPERED, "manifest.json is of another recording")
    if "files" in m:
        judge_files(rec, m)
    differs = lambda what: f.add(TAMPERED, "manifest.json differs from the records: " + what)
    first, last = rec.first_record, rec.last
    if first is None or last is None:
        judge_listed_segments(rec, m, differs)
        return
    final = last.final
    closed = bool(final and final.kind == 3)
    recovered = bool(final and final.kind == 4)
    lag = m["state"] != "closed" and m["stop_ticks"] is None and m["stop_reason"] == ""
    if m["state"] == "open" and (recovered or int(m["segments"][-1]["file"][:4] if m["segments"] else 0) < max(rec.segments)):
        f.add(UNPROVEN, "manifest.json is open: the power went before it was saved")
    if not (m["state"] == "closed" and (closed or recovered or rec.open_end) or m["state"] in ("open", "recovered")):
        differs("state")
    if m["state"] != "closed" and not lag:
        differs("it has an end, and is not closed")
    if closed and m["state"] == "closed" and (m["stop_reason"] != final.m[50][0] or m["stop_ticks"] != final.m[50][1]):
        differs("the end")
    if m["device"] != first.m[1] or m["recording"] != first.m[16]:
        differs("device or number")
    if bytes.fromhex(m["boot_id"] or "00" * 16) != first.m[34]:
        differs("boot_id")
    begun = first.m[36]
    if first.kind != 4 and [m["reason"], m["press_ticks"], m["pre_event_ticks"]] != begun \
            and not (m["gaps"] is None and m["press_ticks"] is None):
        differs("its beginning")
    judge_listed_segments(rec, m, differs)
    there = set(range(1, max(rec.segments) + 1)) | {int(x["file"][:4]) for x in m["segments"] if x["state"] != "empty"}
    if there <= set(rec.segments) and all(hasattr(x, "covered") for x in rec.segments.values()):
        judge_lists(rec, m, differs, closed and m["state"] == "closed", vouched)


def judge_files(rec, m):
    listed = {x["file"] for x in m["files"]}
    if len(listed) != len(m["files"]) or [x["file"] for x in m["files"]] != sorted(listed, key=lambda n: n.encode()):
        rec.f.add(TAMPERED, "manifest.json: files twice or out of order")
    for x in m["files"]:
        if x["file"] not in rec.names:
            rec.f.add(UNPROVEN, "a file that is listed is not there: " + ascii(x["file"]))
            continue
        data = open(os.path.join(rec.path, x["file"]), "rb").read()
        if len(data) != x["bytes"] or x["sha256"] is not None and sha(data).hex() != x["sha256"]:
            rec.f.add(TAMPERED, "size or hash of %s are not those of manifest.json" % ascii(x["file"]))
    for name in rec.names - listed:
        if not OTHER.fullmatch(name) and not NOBODYS.fullmatch(name):
            rec.f.add(TAMPERED, "a file that the final manifest does not list: " + ascii(name))


def judge_listed_segments(rec, m, differs):
    listed = {int(x["file"][:4]): x for x in m["segments"]}
    for n, x in listed.items():
        s = rec.segments.get(n)
        if s is None:
            if x["state"] != "empty":
                rec.f.add(UNPROVEN, "a segment that manifest.json lists is not there: " + x["file"])
            continue
        if not s.head:
            continue
        spans = s.track_spans()
        if x["first_ticks"] != s.head["label"]["base"]:
            differs("first_ticks of " + x["file"])
        if x["state"] in ("closed", "recovered"):
            if x["bytes"] != len(s.data) or x["fragments"] != len(s.fragments) or x["end_ticks"] != spans[0][2]:
                differs("bytes, fragments or end_ticks of " + x["file"])
        if x["state"] in ("empty", "missing"):
            differs("state of " + x["file"])
        if not s.records or not hasattr(s, "covered"):
            continue
        succeeds = s.records[0].m.get(37)
        by = [e for k in rec.segments.values() if k.records and 37 in k.records[0].m for e in k.records[0].m[37] if e[0] == n]
        if "errno" in x and (not by or by[0][1] not in (0, x["errno"])) or x["state"] == "abandoned" and not by:
            differs("why %s was abandoned" % x["file"])
        if "succeeds" in x and not succeeds and not any(g[0] in (3, 6) for g in rec.gaps):
            differs("succeeds of " + x["file"])
        tails = sum(os.path.getsize(p) for _, p in rec.tails.get(n, []))
        if x.get("tail_bytes", 0) != tails and x["state"] == "recovered":
            differs("tail_bytes of " + x["file"])
    if m["state"] != "open":
        for n in rec.segments:
            if n not in listed:
                differs("segment %d is not listed" % n)


def news(rec, key, same):
    result = []
    for n in sorted(rec.segments):
        for r in rec.segments[n].records if hasattr(rec.segments[n], "covered") else []:
            for x in r.m.get(key, []):
                i = next((i for i, y in enumerate(result) if same(y) == same(x)), None)
                if i is None:
                    result.append(x)
                else:
                    result[i] = x
    return result


def judge_lists(rec, m, differs, exact, vouched):
    gaps = news(rec, 24, lambda g: (g[0], g[1]))
    marks = news(rec, 25, tuple)
    clock = news(rec, 26, tuple)
    have = [[GAP_KINDS.index(g["kind"]) + 1, g["from_ticks"], g["to_ticks"], g["count"]] for g in m["gaps"] or []]
    full_ = len(have) >= 1000
    null = [k for k in ("gaps", "clock", "marks") if k in m and m[k] is None]
    if null and (m["state"] == "closed" or len(null) < 3 - ("marks" not in m)):
        differs("lists that are null")
    if m["gaps"] is not None and not full_:
        if exact and sorted(have, key=str) != sorted(gaps, key=str):
            differs("gaps")
        if not exact and any(not any(g[:2] == h[:2] for g in gaps) for h in have):
            differs("gaps")
    if m["clock"] is not None and len(m["clock"]) < 1000:
        have = [[c["from_ticks"], SOURCES.index(c["source"]), c["utc_ns"], c["uncertainty_ns"], c["step_ns"]] for c in m["clock"]]
        if exact and have != clock or not exact and any(h not in clock for h in have):
            differs("clock")
        if any(c["count"] != 1 for c in m["clock"]):
            differs("count of a clock entry")
        for c in m["clock"]:
            right = None if c["utc_ns"] is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(c["utc_ns"] // SECOND))
            if c["utc"] != right:
                differs("utc")
    if m.get("marks") is not None and len(m["marks"]) < 1000:
        have = [[x["ticks"], x["text"]] for x in m["marks"]]
        if exact and any(x not in have for x in marks):
            differs("marks")
        spans = [t for s in rec.segments.values() if hasattr(s, "covered") for t in s.track_spans()[:1] if t[1] is not None]
        low, high = min(t[1] for t in spans), max(t[2] for t in spans)
        if any(x not in marks and not low <= x[0] < high for x in have) or any(x["count"] != 1 for x in m["marks"]):
            differs("marks")
        elif any(x not in marks for x in have) and not vouched:
            rec.f.add(UNPROVEN, "a mark that no record has")
    elif "marks" not in m and marks:
        differs("marks")
