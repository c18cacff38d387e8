# SPDX-License-Identifier: EUPL-1.2
"""One segment file (docs/formats/record.md, 9, steps 1 to 6)."""

import os

from boxes import read_fragment, read_head, write_moov
from certificate import Certificate
from record import RECORD_ID, Record, whole_record_behind
from verdict import CANNOT, SECOND, TAMPERED, UNPROVEN, Bad, Findings, need, sha

KEPT = "what recovery kept and no other record covers is not proven"


class Segment:
    def __init__(self, path, ctx):
        self.path, self.ctx = path, ctx
        self.name = os.path.basename(path)
        with open(path, "rb") as f:
            self.data = f.read()
        self.walk(None)

    def walk(self, limit):
        """Step 1 and 2. limit: only what lies in front of it is looked at (an abandoned file counts up to `end`)."""
        self.f = f = Findings()
        self.head = self.cert = None
        self.fragments, self.records = [], []
        self.moov_at = self.torn = self.final = None
        data = self.data if limit is None else self.data[:limit]
        self.limit = limit
        try:
            self.head = head = read_head(data)
        except Bad as e:
            self.torn = 0
            f.add(CANNOT, "no head of this format: %s" % e, 0)
            return
        pos, self.ends = head["bytes"], set()
        while pos < len(data):
            try:
                need(len(data) - pos >= 8, "less than a box")
                size, kind = int.from_bytes(data[pos:pos + 4], "big"), data[pos + 4:pos + 8]
                if kind == b"moof":
                    fragment = read_fragment(data, pos, head, len(self.fragments) + 1)
                    self.fragments.append(fragment)
                    pos = fragment["end"]
                elif kind == b"uuid":
                    need(24 < size <= 16384 and pos + size <= len(data) and data[pos + 8:pos + 24] == RECORD_ID,
                         "a uuid box that is no whole record")
                    try:
                        self.records.append(Record(data[pos:pos + size], pos))
                    except Bad as e:
                        f.add(TAMPERED, "a record that is not lawful: %s" % e, pos)
                        return
                    pos += size
                elif kind == b"moov":
                    need(8 <= size <= len(data) - pos, "a moov that is not whole")
                    self.moov_at = pos
                    need(pos + size == len(data), "bytes behind the final moov")
                    pos += size
                else:
                    raise Bad("no box that belongs here")
                self.ends.add(pos)
            except Bad as e:
                self.torn = pos
                if self.moov_at is not None:
                    f.add(TAMPERED, "bytes behind the final moov", pos)
                elif whole_record_behind(data, pos) is not None:
                    f.add(TAMPERED, "bytes that cannot be read (%s) are followed by a record" % e, pos)
                break
        if not self.records:
            f.add(CANNOT, "no record stands in it")

    def judge(self, limit=None):
        """Steps 1 to 6. Everything of this file alone."""
        if limit is not None:
            self.walk(limit)
        f, head = self.f, self.head
        if not head or not self.records:
            return
        first, data = self.records[0], self.data
        original = data[:head["init"]] + head["original"] + data[head["init"] + 8:]
        # 3, 4
        try:
            need(first.chain, "no certificates in the first record")
            self.cert = Certificate(first.chain, self.ctx.trust)
        except Bad as e:
            f.add(TAMPERED, str(e), first.at)
            return
        for r in self.records:
            if r.kind not in (1, 2, 3, 4):
                f.add(TAMPERED, "a record of a kind that is an error in a segment", r.at)
                return
            if r.x5t != self.cert.x5t or r is not first and r.chain:
                f.add(TAMPERED, "x5t or x5chain", r.at)
            elif not r.verify(self.cert.key):
                f.add(TAMPERED, "a signature that is not right", r.at)
        utcs = [r.m[7][1] for r in self.records if r.m[7]]
        self.cert.judge(f, first.m[1], utcs, self.ctx)
        # 5: chain within the file, partition, hashes
        label, m1 = head["label"], first.m
        folder = "%s-%06d" % (m1[1], m1[16])
        if m1[18] != 1:
            f.add(TAMPERED, "the first record has not index 1", first.at)
            return
        if [m1[32], m1[33], m1[34], m1[17], m1[1], folder] != [head["bytes"]] + [
                label[k] for k in ("base", "boot_id", "segment", "device", "recording")]:
            f.add(TAMPERED, "head or label differ from the first record", 0)
        if any(d[2] for d in m1[35]) and self.cert.root and not self.cert.test:
            f.add(TAMPERED, "simulated devices under a certificate that is not for tests")
        elif any(d[2] for d in m1[35]) and not self.ctx.allow_test:
            f.add(CANNOT, "simulated devices")
        at, before = 0, None
        for n, r in enumerate(self.records, 1):
            m = r.m
            if m[18] != n or m[16] != m1[16] or m[17] != m1[17] or m[1] != m1[1]:
                f.add(TAMPERED, "a record out of its place (index, recording, segment or device)", r.at)
            if before:
                if m[5] != before.hash:
                    f.add(TAMPERED, "prev is not the record before", r.at)
                b = before.m
                if m[2] < b[2] or m[4] < b[4] and m[2] == b[2] or m[6] < b[6] and r.kind != 4:
                    f.add(TAMPERED, "counters go back", r.at)
                if 23 in m and 23 in b and (m[23][0] < b[23][0] or m[23][1] < b[23][1]):
                    f.add(TAMPERED, "frames go back", r.at)
                if r.kind != 4 and m[3] != b[3] or r.kind == 4 and m[3] <= b[3]:
                    f.add(TAMPERED, "boot", r.at)
            if self.final:
                f.add(TAMPERED, "a record behind the end of the segment", r.at)
                return
            if m[19] != at or r.end > r.at or r.kind in (2, 3, 4) and r.end != r.at or r.end not in self.ends \
                    or at == 0 and r.end < head["bytes"]:
                f.add(TAMPERED, "ranges are no partition", r.at)
                return
            if sha(original[at:r.end]) != m[21]:
                f.add(TAMPERED, "the hash of a range", r.at)
            self.judge_tracks(r, at)
            at = r.end
            if r.kind in (2, 3, 4):
                self.final = r
            before = r
        self.covered = at
        self.last_signed = next((r for r in reversed(self.records) if r.kind != 4), None)
        if self.final and self.final.kind == 4:
            m = self.final.m
            a = m[58]
            if not m[59]:
                f.add(TAMPERED, "recovery found that the anchor knows more than there is", self.final.at)
            elif a and (a[1], a[2]) == (m[16], m[17]) and not any(r.m[18] == a[3] and r.hash == a[4] and r.kind != 4 for r in self.records):
                f.add(TAMPERED, "the anchor names a record of this segment that is not there", self.final.at)
            if m[56][1] != self.final.end:
                f.add(TAMPERED, "kept is not where the range ends", self.final.at)
            if any(m[19] <= x["at"] < self.final.end for x in self.fragments):
                f.add(UNPROVEN, KEPT, m[19])
        # 6: the final moov
        moov = write_moov(head, True)
        end = len(self.data) if self.limit is None else self.limit
        if self.final:
            if len(moov) != self.final.m[48] or sha(moov) != self.final.m[49]:
                f.add(TAMPERED, "the final moov that follows from the fragments is not the one that is signed", self.final.at)
            behind = self.data[self.final.at + self.final.size:end]
            if behind == moov:
                if head["patched"] and head["stated"] != self.final.at + self.final.size - head["init"]:
                    f.add(TAMPERED, "the patched header does not lead to the final moov", head["init"])
            elif head["patched"]:
                f.add(TAMPERED, "a patched header without the final moov", head["init"])
            elif behind and moov.startswith(behind):
                f.add(UNPROVEN, "the file ends within its final moov", self.final.at + self.final.size)
            elif behind:
                f.add(TAMPERED, "behind the end there is more than the final moov", self.final.at + self.final.size)
        else:
            if self.limit is None and (head["patched"] or self.moov_at is not None):
                f.add(TAMPERED, "a final moov or a patched header, and no record that ends the segment", head["init"])
            if self.limit is None and len(self.data) > max(at, self.records[-1].at + self.records[-1].size):
                f.add(UNPROVEN, "what lies behind the last record is not proven", at)

    def judge_tracks(self, r, at):
        tracks, base = r.m[22], self.head["label"]["base"]
        if len(tracks) != len(self.head["tracks"]):
            return self.f.add(TAMPERED, "tracks: another number", r.at)
        for i, stated in enumerate(tracks):
            spans = [x["times"][i] for x in self.fragments if at <= x["at"] < r.end and i in x["times"]]
            real = [base + spans[0][0], base + spans[-1][1]] if spans else None
            if stated != real:
                self.f.add(TAMPERED, "tracks: %s, but the fragments have %s" % (stated, real), r.at)

    def track_spans(self):
        """Per track: handler, first, end, key frames: media time."""
        base, result = self.head["label"]["base"], []
        for i, t in enumerate(self.head["tracks"]):
            spans = [x["times"][i] for x in self.fragments if i in x["times"]]
            result.append((t.handler, base + spans[0][0] if spans else None, base + spans[-1][1] if spans else None,
                           [base + k for s in spans for k in s[2]]))
        return result

    def whole_alone(self):
        m = self.final.m if self.final else None
        return bool(m) and self.final.kind == 3 and m[50][2] == 1 and m[17] == 1


def judge_anchor(f, rec, segments, last, first_signed, alone):
    """record.md, 7, Recovered: does the anchor in a record of kind 4 prove the end?"""
    m = rec.m
    a = m[58]
    if not m[59]:
        return f.add(TAMPERED, "recovery found that the anchor knows more than there is", rec.at)
    if a is None:
        return f.add(UNPROVEN, "the end is not proven: there was no anchor", rec.at)
    medium, recording, segment, index, digest_, signed_ns = a
    if recording > m[16]:
        return f.add(UNPROVEN, "the end is not proven: the anchor is of a later recording", rec.at)
    if recording == m[16]:
        if segment > m[17]:
            return f.add(TAMPERED, "the anchor is of a later segment", rec.at)
        owner = segments.get(segment)
        if owner is None or not owner.head:
            return f.add(UNPROVEN, "the anchor is of a segment that is not there", rec.at)
        found = [r for r in owner.records if r.m[18] == index and r.kind != 4]
        if not found or found[0].hash != digest_:
            return f.add(TAMPERED, "the anchor names a record that is not there", rec.at)
        if found[0].signed() != signed_ns:
            return f.add(TAMPERED, "the anchor says another time than its record", rec.at)
        since = signed_ns
    else:
        if alone and m[17] != 1 or first_signed is None:
            return f.add(UNPROVEN, "the anchor is of an earlier recording", rec.at)
        since = first_signed.signed()
    if last is None:
        return f.add(UNPROVEN, "nothing of it was signed", rec.at)
    age = last.signed() - since
    if medium == 3 or not 0 <= age <= 2 * SECOND:
        f.add(UNPROVEN, "the end is not proven: the anchor is in a TPM alone, or too old", rec.at)
