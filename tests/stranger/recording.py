# SPDX-License-Identifier: EUPL-1.2
"""A recording's folder: its segments in a row, its end, what was set aside (docs/formats/record.md, 7 and 9.7)."""

import os
import re

from segment import KEPT, Segment, judge_anchor
from verdict import CANNOT, TAMPERED, U63, UNPROVEN, Findings, sha

FOLDER = re.compile(r"([A-Za-z0-9_-]{1,32})-(\d{6,})")
SEGMENT = re.compile(r"(\d{4})\.mp4(\.sealed)?")
TAIL = re.compile(r"(\d{4})(?:-([2-9]|[1-9]\d))?\.tail")
OTHER = re.compile(r"manifest\.json|manifest\.sig|manifest\.json\.damaged(-([2-9]|[1-9]\d))?")
NOBODYS = re.compile(r"manifest\.json\.new|manifest\.sig\.new|\d{4}\.tail\.new|\d{4}\.recovered\.new|\d{4}(-\d+)?\.tail\.new")


class Recording:
    def __init__(self, path, ctx, in_store=False):
        self.path, self.ctx, self.f, self.in_store = path.rstrip("/"), ctx, Findings(), in_store
        self.name = os.path.basename(os.path.abspath(path))
        self.segments, self.tails, self.names, self.sealed = {}, {}, set(), False
        self.last = self.first_record = None
        self.set_aside = False  # the ledger states what was set aside behind its end
        self.open_end = False  # ends with a record of kind 2, and nothing follows
        m = FOLDER.fullmatch(self.name)
        self.number = int(m.group(2)) if m else None
        for e in sorted(os.scandir(self.path), key=lambda e: e.name):
            self.names.add(e.name)
            seg, tail = SEGMENT.fullmatch(e.name), TAIL.fullmatch(e.name)
            if NOBODYS.fullmatch(e.name):
                self.f.add(UNPROVEN, "left by a power cut: " + ascii(e.name))
                continue
            ours = seg or tail or OTHER.fullmatch(e.name) or re.fullmatch(r"\d{4}\.recovered(\.foreign\d+)?", e.name)
            if not ours or e.is_symlink() or not e.is_file():
                self.f.add(TAMPERED, "it does not belong into a recording: " + ascii(e.name))
            elif seg and seg.group(2):
                self.sealed = True
            elif e.name[4:].startswith(".recovered"):
                self.f.add(UNPROVEN, "it speaks of a sealed segment: " + ascii(e.name))
            elif seg:
                self.segments[int(seg.group(1))] = Segment(e.path, ctx)
            elif tail:
                self.tails.setdefault(int(tail.group(1)), []).append((int(tail.group(2) or 1), e.path))

    def judge(self, ledger=None):
        f, segs = self.f, self.segments
        if self.sealed:
            return
        if not segs:
            if not ledger:
                f.add(CANNOT, "there is no segment in it")
            return
        # which were abandoned: stated by the first record of a later segment
        stated = {}
        for n, s in sorted(segs.items()):
            if s.head and s.records and s.records[0].kind <= 4 and 37 in s.records[0].m:
                for i, entry in enumerate(s.records[0].m[37]):
                    stated[entry[0]] = (entry, n)
                    other = segs.get(entry[0])
                    if i and other and any(r.at < entry[2] and r.kind != 4 for r in other.records):
                        f.add(TAMPERED, "%s: several were abandoned in a row, and not only the first of them has a record" % s.name)
        for n, s in sorted(segs.items()):
            if n in stated:
                self.judge_abandoned(n, s, *stated[n])
            else:
                s.judge()
        for n in stated:
            if n not in segs:
                f.add(UNPROVEN, "segment %d, which was abandoned, is missing" % n)
        good = {n: s for n, s in segs.items() if s.records and s.head and s.cert}
        for n, s in segs.items():
            for status, offset, text_ in s.f.list:
                f.add(status, "%s: %s" % (s.name, text_), offset)
            if s.head and s.head["label"]["segment"] != n:
                f.add(TAMPERED, "%s: its label names segment %d" % (s.name, s.head["label"]["segment"]))
            if s.head and self.in_store and s.head["label"]["recording"] != self.name:
                f.add(TAMPERED, "%s: its label names another recording" % s.name)
        if good and all(hasattr(s, "covered") for s in good.values()):
            self.judge_chain(good, stated)
            self.judge_end(good, stated)
        self.judge_tails(stated)

    def judge_abandoned(self, n, s, entry, by):
        _, cause, end, offset, digest_ = entry
        f = self.f
        if len(s.data) < end:
            f.add(TAMPERED, "%s: it was abandoned at %d, and is shorter" % (s.name, end))
            return s.judge()
        behind = [r for r in s.records if r.at >= end]
        s.judge(limit=None if behind and behind[0].kind == 4 and behind[0].at == end else end)
        if not s.head:
            f.add(TAMPERED, "%s: what was abandoned is not what segment %d states of it" % (s.name, by))
            return
        if not s.records:
            s.f.list = [x for x in s.f.list if x[0] != CANNOT]
        before = [r for r in s.records if r.at < end]
        covered = before[-1].end if before else 0
        data = s.data[:s.head["init"]] + s.head["original"] + s.data[s.head["init"] + 8:]
        if covered != offset or sha(data[offset:end]) != digest_:
            f.add(TAMPERED, "%s: what was abandoned is not what segment %d states of it" % (s.name, by))
        if s.torn is not None and s.torn < end:
            f.add(TAMPERED, "%s: bytes that cannot be read in front of where it counts" % s.name, s.torn)
        s.f.list = [x for x in s.f.list if x[2] != KEPT]
        if not behind and len(s.data) > end:
            f.add(UNPROVEN, "%s: what lies behind the place up to which it counts is proven by nothing" % s.name, end)
        elif behind and behind[0].kind != 4:
            f.add(UNPROVEN, "%s: a record that was written behind the end" % s.name, end)
        elif behind and behind[0].m[56][1] != end:
            f.add(UNPROVEN, "%s: recovery kept more than counts" % s.name, end)

    def judge_chain(self, good, stated):
        f = self.f
        order = sorted(good)
        one, prev, prev_n = good[order[0]].records[0], None, 0
        self.first_record = one
        device, key, boot = one.m[1], one.x5t, one.m[3]
        first_signed = self.first_signed = next((r for n in order for r in good[n].records if r.kind != 4), None)
        if first_signed:
            boot = first_signed.m[3]
        gaps = {}
        for n in order:
            for r in good[n].records:
                for g in r.m.get(24, []):
                    gaps[g[0], g[1]] = g
        self.gaps = list(gaps.values())
        counters = None
        spans_before = None
        for n in range(1, order[-1] + 1):
            if n in self.segments:
                continue
            nxt = next((k for k in order if k > n and good[k].records[0].kind != 4), None)
            before = next((r for k in reversed([k for k in order if k < n]) for r in reversed(good[k].records)
                           if r.kind != 4 and not (k in stated and r.at >= stated[k][0][2])), None)
            if n in stated or nxt is None or before is None or good[nxt].records[0].m[5] != before.hash:
                f.add(UNPROVEN, "segment %d is missing" % n)
        for n in order:
            s = good[n]
            r = s.records[0]
            m = r.m
            if m[1] != device or any(x.x5t != key for x in s.records) or m.get(34) != one.m.get(34):
                f.add(TAMPERED, "%s: another device, certificate or boot" % s.name)
            for x in s.records:
                if x.m[16] != one.m[16]:
                    f.add(TAMPERED, "%s: another recording" % s.name)
                if x.kind != 4:
                    now = (x.m[2], x.m[4], x.m[6], x.m[23][0], x.m[23][1])
                    if counters and any(a < b for a, b in zip(now, counters)) or x.m[3] != boot:
                        f.add(TAMPERED, "%s: counters go back, or the boot is another" % s.name, x.at)
                    counters = now
                elif first_signed and x.m[3] <= boot:
                    f.add(TAMPERED, "%s: recovered in the same boot" % s.name, x.at)
            if prev is not None:
                missing = [k for k in range(prev_n + 1, n) if k not in self.segments]
                if m[5] != prev.hash:
                    f.add(UNPROVEN if missing and n - 1 in missing else TAMPERED,
                          "%s: prev is not the last record of the segment before" % s.name, r.at)
                before = [k for k in order if k < n][-1]
                if 37 not in m and not (good[before].final and good[before].final.kind == 2) and r.kind != 4 and not missing:
                    f.add(UNPROVEN, '%s: follows a segment that has not ended with "continues"' % s.name)
                broken = bool(missing) or not good[before].final and before not in stated
                self.judge_time(spans_before, s.track_spans(), m, broken, s, gaps.values())
            limit = stated[n][0][2] if n in stated else None
            lawful = [x for x in s.records if x.kind != 4 and (limit is None or x.at < limit)]
            if lawful:
                prev = lawful[-1]
            prev_n = n
            spans_before = self.merge(spans_before, s.track_spans())
        self.last_signed = next((r for n in reversed(order) for r in reversed(good[n].records) if r.kind != 4), None)

    @staticmethod
    def merge(before, now):
        if not before:
            return now
        return [x if x[1] is not None or i >= len(before) else before[i] for i, x in enumerate(now)]

    def judge_time(self, before, now, m, missing, s, gaps):
        f = self.f
        sound_end = next((b[2] for b in before if b[0] == b"soun"), None)
        picture_end, keys = before[0][2], before[0][3]
        repeats = 37 in m
        quiet = any(g[0] in (3, 6) and g[1] == sound_end for g in gaps)
        limit = min(picture_end, sound_end) if sound_end is not None and picture_end is not None else picture_end
        floor = max([k for k in keys if k <= limit], default=keys[0] if keys else None)
        for i, (b, a) in enumerate(zip(before, now)):
            if b[0] != a[0]:
                f.add(TAMPERED, "%s: other tracks than in the segment before" % s.name)
                return
            if b[2] is None or a[1] is None or a[1] == b[2]:
                continue
            if a[1] > b[2]:
                if not self.excused(b[2], a[1], a[0], gaps):
                    f.add(UNPROVEN if missing else TAMPERED,
                          "%s: a hole in track %d from %d to %d that no gap declares" % (s.name, i + 1, b[2], a[1]))
            elif not ((repeats or quiet and a[0] != b"soun") and floor is not None and a[1] >= floor):
                f.add(TAMPERED, "%s: track %d repeats %d to %d" % (s.name, i + 1, a[1], b[2]))

    @staticmethod
    def excused(start, end, handler, gaps):
        sound = handler == b"soun"
        kinds = {1, 5} | ({3, 6} if sound else {2, 4})
        at, changed = start, True
        slack = 1023 if sound else 0
        while changed and at < end:
            changed = False
            for g in gaps:
                to = U63 if g[2] is None else g[2] + slack
                if g[0] in kinds and g[1] <= at < to:
                    at, changed = to, True
        return at >= end

    def judge_end(self, good, stated):
        f = self.f
        n = max(self.segments)
        s = self.segments[n]
        if n not in good or n in stated:
            if s.head and not s.records:
                f.add(UNPROVEN, "%s: the last segment has no record" % s.name)
            return
        self.last = s
        final = s.final
        if final is None:
            f.add(UNPROVEN, "%s: the end is not proven" % s.name)
        elif final.kind == 2:
            self.open_end = True
        elif final.kind == 3 and final.m[50][2] != len(self.segments):
            f.add(UNPROVEN if final.m[50][2] > len(self.segments) else TAMPERED,
                  "it has %d segments, %d are there" % (final.m[50][2], len(self.segments)))
        elif final.kind == 4:
            judge_anchor(f, final, self.segments, self.last_signed, self.first_signed, False)
        for k, x in good.items():
            if k != n and x.final and x.final.kind == 3:
                f.add(TAMPERED, "%s: the recording ended here, and more follows" % x.name)
            if k != n and x.final is None and k not in stated:
                f.add(UNPROVEN, "%s: it has no end, and nothing says that it was abandoned" % x.name)
            if k != n and x.final and x.final.kind == 4 and k not in stated:
                f.add(TAMPERED, "%s: recovered, and no segment states it as abandoned" % x.name)

    def judge_tails(self, stated):
        f = self.f
        for n, tails in self.tails.items():
            s = self.segments.get(n)
            tails.sort()
            if s is None:
                if not self.set_aside:
                    f.add(UNPROVEN, "a tail of a segment that is not there")
                continue
            rec = s.final if s.final and s.final.kind == 4 else next((r for r in s.records if r.kind == 4), None)
            kept = [p for k, p in tails if k <= 10]
            if any(k > 10 for k, _ in tails):
                f.add(UNPROVEN, "a tail that is not proven to be recovery's")
            data = b"".join(open(p, "rb").read() for p in kept)
            if rec is None:
                f.add(UNPROVEN, "a tail that no record states")
            elif rec.m[57] is None or [len(data), sha(data)] != rec.m[57]:
                f.add(TAMPERED, "the tails of segment %d are not those that recovery states" % n)
        for n, s in self.segments.items():
            if s.final and s.final.kind == 4 and s.final.m[57] and n not in self.tails:
                f.add(UNPROVEN, "the tail of segment %d is missing" % n)
