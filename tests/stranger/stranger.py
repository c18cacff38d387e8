# SPDX-License-Identifier: EUPL-1.2
"""A second verifier of clear recordings, to be held against bodycam-verify.

It was written from docs/formats alone, without reading src, include or tools, and is to stay so: whoever changes it reads the
documents, and where they do not say enough, the documents are what is wrong. Not judged: sealed files, revocation, witnesses,
time stamps, name constraints.
"""

import argparse
import json
import os
import re
import sys

from certificate import signed_by
from cryptography import x509
from recording import FOLDER, SEGMENT, Recording
from segment import Segment, judge_anchor
from store import Store, judge_recording
from verdict import CANNOT, PROVEN, SEVERITY, TAMPERED, UNPROVEN, Bad, Context, Findings, need, worst

WORDS = {PROVEN: "proven", TAMPERED: "tampered", UNPROVEN: "not proven", CANNOT: "cannot be judged"}


def judge_lone(path, ctx):
    """A segment file without its recording."""
    s = Segment(path, ctx)
    s.judge()
    if s.f.status in (PROVEN, UNPROVEN) and s.head:
        if s.final and s.final.kind == 4:
            signed = [r for r in s.records if r.kind != 4]
            ends = (signed[-1], signed[0]) if signed else (None, None)
            judge_anchor(s.f, s.final, {s.head["label"]["segment"]: s}, *ends, True)
        if not s.final:
            s.f.add(UNPROVEN, "the end is not proven")
        elif not (s.head["label"]["segment"] == 1 and (s.final.kind == 4 or s.whole_alone())):
            s.f.add(UNPROVEN, "it is a part of a longer recording")
    return s


def judge_path(path, ctx, ledgers):
    """[(path, findings or None)]; None: sealed. Adds the ledgers that it meets."""
    if not os.path.isdir(path):
        if path.endswith(".sealed"):
            return [(path, None)]
        try:
            return [(path, judge_lone(path, ctx).f)]
        except OSError as e:
            f = Findings()
            f.add(CANNOT, str(e))
            return [(path, f)]
    if os.path.isdir(os.path.join(path, "recordings")):
        store = Store(path, ctx)
        result = [(r.path, None if r.sealed else r.f) for r in store.recordings.values()]
        if store.ledger:
            ledgers.append(store.ledger)
            result.append((os.path.join(path, "ledger"), store.ledger.f))
        return result + [(path, store.f)]
    names = os.listdir(path)
    if FOLDER.fullmatch(os.path.basename(os.path.abspath(path))) or any(SEGMENT.fullmatch(n) or n == "manifest.json" for n in names):
        rec = judge_recording(Recording(path, ctx))
        return [(path, None if rec.sealed else rec.f)]
    result = []
    for n in sorted(names):
        result += judge_path(os.path.join(path, n), ctx, ledgers)
    return result


def judge_forks(ledgers):
    seen = {}
    for led in ledgers:
        for r in led.records:
            if seen.setdefault((r.m[1], r.m[2], r.m[4]), r.hash) != r.hash:
                led.f.add(TAMPERED, "a fork: another record of the same device, epoch and sequence number is in another ledger")
                break


def read_roots(path):
    """The certificates of a PEM file, each of which has to sign itself."""
    roots = []
    with open(path, "rb") as file:
        for pem in re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", file.read(), re.S):
            c = x509.load_pem_x509_certificate(pem)
            need(c.subject == c.issuer and signed_by(c, c), "%s: not a certificate that signs itself" % path)
            roots.append(c)
    return roots


def judge(paths, ctx):
    """The worst status, and what was found: [(path, findings or None)]."""
    rows, ledgers = [], []
    for path in paths:
        rows += judge_path(str(path), ctx, ledgers)
    judge_forks(ledgers)
    return worst(f.status for _, f in rows if f) if rows else CANNOT, rows


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--trust", action="append", default=[], metavar="ROOT.pem")
    a.add_argument("--allow-test", action="store_true")
    a.add_argument("--json", action="store_true")
    a.add_argument("paths", nargs="+")
    o = a.parse_args()
    try:
        roots = [root for path in o.trust for root in read_roots(path)]
    except Bad as e:
        print(e, file=sys.stderr)
        return CANNOT
    status, rows = judge(o.paths, Context(roots, o.allow_test))
    if o.json:
        items = [{"path": p, "status": f.status if f else None, "findings": f.list if f else ["sealed, not judged"]} for p, f in rows]
        print(json.dumps({"status": status, "items": items}, indent=1))
        return status
    for path, f in rows:
        if f is None:
            print("- %s: sealed, not judged" % path)
            continue
        print("%d %s: %s" % (f.status, path, WORDS[f.status]))
        for found, offset, why in sorted(f.list, key=lambda x: -SEVERITY[x[0]]):
            print("    %d %s%s" % (found, "" if offset is None else "at %d: " % offset, why))
    return status


if __name__ == "__main__":
    sys.exit(main())
