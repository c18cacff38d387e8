# SPDX-License-Identifier: EUPL-1.2
"""The ledger of a device (docs/formats/ledger.md, 1 to 7)."""

import os
import re

from certificate import Certificate
from record import RECORD_ID, Record, boolean, bstr, digest, integer, null_or, text, uint, whole_record_behind
from verdict import SECOND, TAMPERED, UNPROVEN, Bad, Findings, need

LEDGER_FILE = re.compile(r"(\d{6,})-(\d{6,})-(\d{12,})\.ledger")
short = text(0, 64)
DETAILS = {
    1: {1: boolean, 2: uint(0, 3), 3: bstr(16), 4: null_or(uint()), 5: null_or(uint(0, 100)), 6: uint(0, 5)}, 2: {1: short}, 3: {1: short},
    4: {1: short, 2: short, 3: short, 4: short}, 5: {1: uint(1), 2: uint()},
    6: {1: uint(1), 2: uint(0, 9999), 3: null_or(digest)}, 7: {1: uint(1), 2: uint(1, 9999), 3: digest},
    8: {1: uint(1), 2: short}, 9: {1: uint(), 2: uint(1, 7), 3: uint(), 4: null_or(uint())},
    10: {1: boolean, 2: short}, 11: {1: boolean, 2: short},
    12: {1: uint(0, 3), 2: null_or(uint()), 3: null_or(integer)}, 13: {1: digest}, 14: {1: short},
    15: {1: uint(), 2: null_or(digest), 3: uint(), 4: null_or(digest)}, 16: {1: digest},
    17: {1: uint(1), 2: uint(1)}, 18: {1: bstr(16, 64)},
    19: {1: uint(1), 2: uint(1, 9999), 3: digest, 4: null_or(uint(1, 5)), 5: null_or(integer), 6: null_or(uint(1)), 7: null_or(digest)},
    20: {1: uint(), 2: uint(), 3: uint(1)}, 21: {1: uint(1), 2: null_or(uint(1, 5)), 3: boolean, 4: null_or(uint(1)), 5: null_or(digest)},
}


class Ledger:
    def __init__(self, folder, ctx):
        self.ctx, self.f = ctx, Findings()
        self.records, self.by = [], {}  # in order; (epoch, sequence) -> record
        self.begun, self.closed, self.recovered, self.broke, self.nothing = {}, {}, {}, {}, {}
        self.named = set()
        self.certs, self.cert = {}, None
        files = []
        for e in os.scandir(folder):
            m = LEDGER_FILE.fullmatch(e.name)
            if m and e.is_file() and not e.is_symlink():
                files.append((tuple(map(int, m.groups())), e.path))
            elif re.fullmatch(r".*\.ledger\.foreign\d+", e.name):
                self.f.add(UNPROVEN, "put aside by the device: " + ascii(e.name))
            else:
                self.f.add(TAMPERED, "it does not belong to a ledger: " + ascii(e.name))
        files.sort()
        if not files:
            self.f.add(UNPROVEN, "there is no ledger")
        self.newest = files[-1][1] if files else None
        for key, path in files:
            self.read(key, path)
        self.judge()

    def read(self, key, path):
        name, data = os.path.basename(path), open(path, "rb").read()
        if name != "%06d-%06d-%012d.ledger" % key:
            self.f.add(TAMPERED, name + ": zeros")
        pos, mine = 0, []
        while pos < len(data):
            size = int.from_bytes(data[pos:pos + 4], "big")
            whole = 24 < size <= 16384 and pos + size <= len(data) and data[pos + 4:pos + 24] == b"uuid" + RECORD_ID
            if not whole:
                if whole_record_behind(data, pos) is not None or len(data) - pos > 16384:
                    self.f.add(TAMPERED, "%s: bytes that cannot be read" % name, pos)
                elif path == self.newest and len(data) - pos >= 8 and size <= len(data) - pos:
                    self.f.add(UNPROVEN, "%s: ends with what has a record's length and is none" % name, pos)
                break
            try:
                r = Record(data[pos:pos + size], pos)
                need(r.kind == 16, "another kind")
            except Bad as e:
                last = path == self.newest and pos + size == len(data)
                self.f.add(UNPROVEN if last else TAMPERED, "%s: %s" % (name, e), pos)
                break
            r.file = name
            mine.append(r)
            pos += size
        for i, r in enumerate(mine):
            if i and r.chain:
                self.f.add(TAMPERED, name + ": certificates that are not in the first record", r.at)
            if not i and not r.chain and self.cert is None:
                self.f.add(TAMPERED, name + ": no certificates in the first record")
        if mine:
            m = mine[0].m
            if any((r.m[2], r.m[3]) != (m[2], m[3]) for r in mine):
                self.f.add(TAMPERED, name + ": a record of another run")
            if not mine[0].chain and not (self.records and m[3] == self.records[-1].m[3]):
                self.f.add(TAMPERED, name + ": no certificates in the first record")
            if (m[2], m[3], m[4]) != key:
                self.f.add(TAMPERED, name + ": its name is not that of its first record")
            if self.records and mine[0].hash == self.records[-1].hash and m[3] == self.records[-1].m[3]:
                mine = mine[1:]  # repeated after a failed write
        for r in mine:
            if r.chain:
                try:
                    c = Certificate(r.chain, self.ctx.trust)
                    self.certs[c.x5t] = c
                    self.cert = c
                except Bad as e:
                    self.f.add(TAMPERED, "%s: %s" % (name, e))
            c = self.certs.get(r.x5t)
            if not c or not r.verify(c.key):
                self.f.add(TAMPERED, name + ": a signature that is not right", r.at)
            if c and c.device != r.m[1]:
                self.f.add(TAMPERED, name + ": the certificate is of another device", r.at)
        self.records += mine

    def judge(self):
        f, b, announced, started, stopped = self.f, None, None, set(), False
        for r in self.records:
            m = r.m
            where = "%s at %d: " % (r.file, r.at)
            if (m[2], m[4]) in self.by and self.by[m[2], m[4]].hash != r.hash:
                f.add(TAMPERED, where + "a fork")
            self.by[m[2], m[4]] = r
            events = m[80]
            new_epoch = b is None or m[2] != b.m[2]
            if b is None:
                if m[2] == 1 and (m[4] != 1 or m[5] != bytes(32)):
                    f.add(TAMPERED, where + "the beginning of the ledger is not there")
                elif m[2] > 1 and m[4] != 1:
                    f.add(TAMPERED, where + "the beginning of the epoch is not there")
            else:
                if m[1] != b.m[1]:
                    f.add(TAMPERED, where + "another device")
                if m[2] < b.m[2] or m[3] < b.m[3] or m[3] == b.m[3] and m[6] < b.m[6]:
                    f.add(TAMPERED, where + "epoch, boot or time go back")
                if announced and r.x5t != announced:
                    f.add(TAMPERED, where + "not by the key that the record before names")
                if not new_epoch and m[5] != b.hash:
                    f.add(TAMPERED, where + "prev")
                if m[4] != (1 if new_epoch else b.m[4] + 1):
                    f.add(TAMPERED, where + "a hole in the sequence, or a record out of its place")
                if r.x5t != b.x5t and r.x5t in self.certs and b.x5t in self.certs and announced != r.x5t:
                    if self.certs[r.x5t].key.public_numbers() != self.certs[b.x5t].key.public_numbers():
                        f.add(UNPROVEN if new_epoch else TAMPERED, where + "another key")
            if (m[2] > 1 and new_epoch) != (events[0][1] == 15):
                f.add(TAMPERED, where + "rollback")
            if m[2] > 1 and new_epoch and events[0][1] == 15 and set(events[0][2]) == {1, 2, 3, 4}:
                d = events[0][2]
                if m[5] != (d[2] or bytes(32)) or d[2] and d[2] not in [x.hash for x in self.records]:
                    f.add(TAMPERED, where + "the epoch does not hang on what its rollback names")
            if m[3] not in started and 1 not in [e[1] for e in events[:2]]:
                f.add(TAMPERED, where + "a boot that does not begin with start")
            announced = None
            for i, e in enumerate(events):
                self.event(f, where, r, i, e, m[3] in started, events)
                if e[1] == 16:
                    announced = e[2].get(1)
                if stopped and m[3] in started and e[1] != 17:
                    f.add(TAMPERED, where + "something behind a stop")
                if e[1] == 1:
                    if e[2].get(1) is True and not stopped:
                        f.add(TAMPERED, where + "start says that the run before was stopped, and there is no stop")
                    started.add(m[3])
                    stopped = False
                stopped = stopped or e[1] == 2
            b = r
        last_utc = {}
        for r in self.records:
            last_utc.setdefault(r.x5t, []).append(r.m[7][1]) if r.m[7] else None
        for x5t, c in self.certs.items():
            c.judge(f, self.records[-1].m[1] if self.records else None, last_utc.get(x5t, []), self.ctx)

    def event(self, f, where, r, i, e, started, events):
        time_ns, kind, d = e
        if kind in DETAILS and not (set(d) == set(DETAILS[kind]) and all(DETAILS[kind][k](v) for k, v in d.items())):
            f.add(TAMPERED, where + "details of event %d" % kind)
            return
        if kind == 1 and (started or i > 1 or i == 1 and events[0][1] != 15):
            f.add(TAMPERED, where + "a start out of its place")
        if kind == 15:
            if i:
                f.add(TAMPERED, where + "a rollback out of its place")
            f.add(UNPROVEN, where + "rollback: records were missing")
        if kind in (5, 6, 7, 8, 19, 21):
            self.named.add(d[1])
        if kind == 5:
            if d[1] in self.begun:
                f.add(TAMPERED, where + "recording %d is begun a second time" % d[1])
            self.begun.setdefault(d[1], (r, time_ns))
        elif kind == 6:
            self.closed[d[1]] = (d[2], d[3])
        elif kind == 7:
            self.recovered[d[1]] = (d[2], d[3])
        elif kind == 19:
            self.broke[d[1]] = d
        elif kind == 21:
            self.nothing[d[1]] = d

    def statement_after_begun(self, n):
        """Whether the run that began n stated something more than 2 s after that."""
        if n not in self.begun:
            return False
        r, t = self.begun[n]
        return any(x.m[3] == r.m[3] and any(e[0] > t + 2 * SECOND for e in x.m[80]) for x in self.records)
