# SPDX-License-Identifier: EUPL-1.2
"""A store: its ledger and its recordings, and what the one says of the others (docs/formats/ledger.md, 7.5 to 7.7)."""

import os

from ledger import Ledger
from manifest import judge_manifest
from recording import FOLDER, Recording
from verdict import CANNOT, SECOND, TAMPERED, UNPROVEN, Findings, sha

class Store:
    def __init__(self, path, ctx):
        self.path, self.ctx, self.f, self.recordings = path, ctx, Findings(), {}
        folder = os.path.join(path, "ledger")
        self.ledger = Ledger(folder, ctx) if os.path.isdir(folder) and not os.path.islink(folder) else None
        if self.ledger is None:
            self.f.add(CANNOT if os.path.lexists(folder) else UNPROVEN, "there is no ledger, or it is no folder")
        folder = os.path.join(path, "recordings")
        for e in sorted(os.scandir(folder) if not os.path.islink(folder) else [], key=lambda e: e.name):
            if e.is_dir(follow_symlinks=False) and FOLDER.fullmatch(e.name):
                rec = Recording(e.path, ctx, True)
                self.recordings[rec.name] = rec
                judge_recording(rec, self.ledger)
            else:
                self.f.add(TAMPERED, "it does not belong into recordings/: " + ascii(e.name))
        if self.ledger and self.ledger.records:
            self.judge()

    def judge(self):
        led, f = self.ledger, self.f
        for n in range(min(led.named), max(led.named) + 1) if led.named else ():
            if any(rec.number == n for rec in self.recordings.values()):
                continue
            if n in led.closed and led.closed[n][1] or n in led.recovered or n in led.broke:
                f.add(TAMPERED, "recording %d was there, and is not" % n)
            elif n in led.nothing:
                judge_nothing(f, led, n, led.nothing[n])
                if led.nothing[n][4]:
                    f.add(UNPROVEN, "recording %d: what was set aside is not there" % n)
            elif n in led.closed and led.closed[n][0] == 0:
                f.add(UNPROVEN, "the folder of recording %d is missing" % n)
            else:
                f.add(UNPROVEN, "recording %d is missing" % n)


def judge_nothing(f, led, n, d):
    if d[3]:
        f.add(TAMPERED, "recording %d: more was there than is" % n)
    elif d[2] in (None, 3) or led.statement_after_begun(n):
        f.add(UNPROVEN, "recording %d: it is not proven that there was nothing" % n)


def judge_ledgered(rec, led):
    """ledger.md, 7.6 and 7.7."""
    f, n = rec.f, rec.number
    closed, nothing, broke = led.closed.get(n), led.nothing.get(n), led.broke.get(n)
    records = [r for k in sorted(rec.segments) for r in rec.segments[k].records]
    if not rec.segments:
        if closed and closed[0] == 0 and closed[1] is None:
            return
        if closed and closed[0]:
            f.add(TAMPERED, "it had %d segments by the ledger" % closed[0])
        if nothing:
            judge_nothing(f, led, n, nothing)
            judge_set_aside(rec, nothing[4], nothing[5])
        elif closed and closed[1] or n in led.recovered or broke:
            f.add(TAMPERED, "its segments are gone")
        else:
            f.add(CANNOT, "there is nothing of it")
        return
    if nothing or closed and closed[0] == 0:
        f.add(TAMPERED, "a segment of a recording that had none")
    if not records or rec.first_record is None:
        return
    if n not in led.named:
        f.add(UNPROVEN, "the ledger does not name it")
    first = rec.first_record
    target = led.by.get((first.m[2], first.m[4]))
    if first.m[4] == 0:
        before = [r for r in led.records if r.m[2] < first.m[2]]
        want = before[-1].hash if before else bytes(32)
    else:
        want = target.hash if target else None
    if 1 in rec.segments and first in rec.segments[1].records and first.m[5] != want:
        f.add(TAMPERED, "it does not hang on the ledger")
    for r in records:
        if r.m[4] and (r.m[2], r.m[4]) not in led.by:
            back = any(x.m[2] > r.m[2] and x.m[80][0][1] == 15 for x in led.records)
            f.add(UNPROVEN if back else TAMPERED, "it names a record of the ledger that is not there", r.at)
            break
    if led.records and first.m[1] != led.records[0].m[1]:
        f.add(TAMPERED, "it is of another device than the ledger")
    signed = [r for r in records if r.kind != 4]
    if closed:
        count, digest_ = closed
        if digest_ is None or not signed or signed[-1].hash != digest_:
            if len(signed) > 1 and signed[-2].hash == digest_:
                f.add(UNPROVEN, "a record behind the one with which it was closed")
            else:
                f.add(TAMPERED, "it does not end as the ledger says")
        if count != len(rec.segments):
            f.add(TAMPERED, "it had %d segments by the ledger" % count)
    for seg, digest_ in [led.recovered[n]] if n in led.recovered else []:
        s = rec.segments.get(seg)
        if not s or digest_ not in [r.hash for r in s.records if r.kind == 4]:
            f.add(TAMPERED, "segment %d was recovered, and has not that record" % seg)
    if broke:
        s = rec.segments.get(broke[2])
        if not rec.last or s is not rec.last or not s.records or s.records[-1].hash != broke[3] or s.records[-1].kind != 2:
            f.add(TAMPERED, "it does not end where it broke off")
        elif broke[4] is not None and broke[5] is None:
            f.add(TAMPERED, "more was there than is: the anchor names what is not there")
        elif not (broke[4] in (1, 2, 4, 5) and broke[5] is not None and 0 <= broke[5] <= 2 * SECOND):
            f.add(UNPROVEN, "it broke off, and its end is not proven")
        judge_set_aside(rec, broke[6], broke[7])
    if rec.open_end and not broke and not (closed and signed and closed[1] == signed[-1].hash):
        f.add(UNPROVEN, "another segment should follow")


def judge_set_aside(rec, size, digest_):
    n = (max(rec.segments) if rec.segments else 0) + 1
    tails = sorted(rec.tails.get(n, []))
    data = b"".join(open(p, "rb").read() for _, p in tails)
    if size is None:
        if tails:
            rec.f.add(TAMPERED, "tails that the ledger does not state")
    elif not tails:
        rec.f.add(UNPROVEN, "what was set aside is not there")
    elif len(data) != size or sha(data) != digest_:
        rec.f.add(TAMPERED, "what was set aside is not what the ledger states")


def judge_recording(rec, ledger=None):
    rec.set_aside = bool(ledger and (rec.number in ledger.broke or rec.number in ledger.nothing))
    rec.judge(ledger)
    if rec.sealed:
        return rec
    if ledger and ledger.records:
        judge_ledgered(rec, ledger)
    elif rec.open_end:
        rec.f.add(UNPROVEN, "another segment should follow")
    keyed = next((s.cert.key for s in rec.segments.values() if s.cert), None) or (ledger.cert.key if ledger and ledger.cert else None)
    judge_manifest(rec, keyed)
    return rec
