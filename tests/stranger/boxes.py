# SPDX-License-Identifier: EUPL-1.2
"""The boxes of a segment file: head, fragments, and the final moov that follows from them (docs/formats/segment.md)."""

import re
import struct

from verdict import U63, Bad, need

LABEL_ID = bytes.fromhex("c7849140736a4033b9928eb98dcd01b8")
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
HANDLERS = {b"vide": b"Picture\0", b"soun": b"Sound\0", b"sbtl": b"Text\0", b"meta": b"Position\0"}
META_KEYS = [b"com.apple.quicktime.make", b"com.apple.quicktime.model", b"org.bodycam.device", b"com.apple.quicktime.location.ISO6709"]
LOCATION = re.compile(rb"[+-]\d\d(\.\d{1,9})?[+-]\d{3}(\.\d{1,9})?([+-]\d{1,5}(\.\d{1,9})?)?/")


def box(kind, *content):
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind, version, flags, *content):
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


class Cursor:
    """Reads numbers, bytes and boxes, and never behind its end."""

    def __init__(self, data, pos=0, end=None):
        self.d, self.p, self.e = data, pos, len(data) if end is None else end

    def take(self, n):
        need(0 <= n <= self.e - self.p, "ends too early")
        self.p += n
        return self.d[self.p - n:self.p]

    def num(self, n):
        return int.from_bytes(self.take(n), "big")

    def box(self, *kinds):
        """The next box: its type and a cursor of its content."""
        start = self.p
        size, kind = self.num(4), bytes(self.take(4))
        need(8 <= size <= self.e - start, "a box with a wrong size")
        need(not kinds or kind in kinds, "box %r out of place" % kind)
        self.p = start + size
        return kind, Cursor(self.d, start + 8, self.p)

    def peek(self):
        return bytes(self.d[self.p + 4:self.p + 8]) if self.e - self.p >= 8 else b""


def plain_text(b, low, high):
    need(low <= len(b) <= high, "a text of a wrong length")
    try:
        t = b.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("a text that is no UTF-8")
    need(not any(ord(c) < 0x20 or 0x7f <= ord(c) <= 0x9f for c in t), "a text with control characters")
    return t


class Track:
    def __init__(self):
        self.handler = self.entry = None
        self.start = self.width = self.height = 0
        self.samples = []  # (duration, size, sync)
        self.chunks = []  # (offset, samples)
        self.decode = 0


def read_label(data):
    c = Cursor(data)
    need(c.take(32) == box(b"ftyp", b"iso6", bytes(4), b"iso6isomavc1mp41"), "no ftyp of this format")
    size = c.num(4)
    need(c.take(4) == b"uuid" and c.take(16) == LABEL_ID, "no label")
    need(c.num(4) == 2, "the label has another version")
    label = {"segment": c.num(4)}
    need(c.num(4) == 48000, "label: timescale")
    label["base"] = c.num(8)
    need(label["base"] <= U63, "label: base_ticks")
    label["boot_id"] = bytes(c.take(16))
    for name in ("device", "recording"):
        n = c.num(1)
        need(n <= 64, "label: length of a text")
        text = bytes(c.take(n))
        need(all(0x20 <= b <= 0x7e for b in text), "label: characters")
        label[name] = text.decode()
    need(c.p == 32 + size, "label: size")
    need(label["segment"] >= 1, "label: segment")
    return label, c.p


def read_entry(t, c):
    """One sample entry; its form is checked by writing it again."""
    if t.handler == b"vide":
        _, e = c.box(b"avc1")
        e.take(24)
        t.width, t.height = e.num(2), e.num(2)
        need(t.width and t.height, "avc1: size")
        e.take(50)
        _, a = e.box(b"avcC")
        config = bytes(a.take(a.e - a.p))
        need(7 <= len(config) <= 512 and config[0] == 1 and config[4] & 3 == 3, "avcC")
        t.entry = box(b"avc1", bytes(6), b"\0\1", bytes(16), struct.pack(">HH", t.width, t.height), b"\0\x48\0\0\0\x48\0\0",
                      bytes(4), b"\0\1", bytes(32), b"\0\x18\xff\xff", box(b"avcC", config))
    elif t.handler == b"soun":
        _, e = c.box(b"mp4a")
        e.take(16)
        channels = e.num(2)
        need(channels in (1, 2), "mp4a: channels")
        e.take(10)
        _, d = e.box(b"esds")
        d.take(4 + 5 + 3 + 5 + 2 + 3)
        rate = d.num(4)
        d.take(4 + 1)
        n = 0
        for _ in range(4):
            n = n << 7 | d.num(1) & 0x7f
        need(2 <= n <= 512, "AudioSpecificConfig: length")
        asc = bytes(d.take(n))
        bits = int.from_bytes(asc[:2], "big")
        need(bits >> 11 == 2 and bits >> 7 & 15 == 3 and bits >> 3 & 15 == channels, "AudioSpecificConfig")

        def descriptor(tag, body):
            n = len(body)
            return bytes([tag, n >> 21 & 0x7f | 0x80, n >> 14 & 0x7f | 0x80, n >> 7 & 0x7f | 0x80, n & 0x7f]) + body
        dec = descriptor(4, b"\x40\x15\0\0\0" + struct.pack(">II", rate, rate) + descriptor(5, asc))
        es = descriptor(3, bytes(3) + dec + descriptor(6, b"\2"))
        t.entry = box(b"mp4a", bytes(6), b"\0\1", bytes(8), struct.pack(">HH", channels, 16), bytes(4),
                      struct.pack(">I", 48000 << 16), full(b"esds", 0, 0, es))
    elif t.handler == b"sbtl":
        c.box(b"tx3g")
        t.entry = box(b"tx3g", bytes(6), b"\0\1", bytes(4), b"\1\xff", bytes(4), bytes(8), bytes(4), b"\0\1\0\x12", b"\xff" * 4,
                      box(b"ftab", b"\0\1\0\1", bytes([10]), b"Sans-Serif"))
    else:
        c.box(b"gpmd")
        t.entry = box(b"gpmd", bytes(6), b"\0\1")
    need(c.p == c.e, "stsd: more than one entry")


def write_trak(t, i, times, tracks, final):
    shown = max(0, sum(s[0] for s in t.samples) - max(-t.start, 0))
    duration = sum(s[0] for s in t.samples)
    tk = (shown + max(t.start, 0) if t.samples else 0) if final else 0
    text = t.handler == b"sbtl"
    size = (tracks[0].width, tracks[0].height) if t.handler == b"vide" or text else (0, 0)
    if t.handler == b"vide":
        size = (t.width, t.height)
    tkhd = full(b"tkhd", 1, 3, times, struct.pack(">II", i, 0), struct.pack(">Q", tk), bytes(8),
                struct.pack(">hHHH", -1 if text else 0, 1 if text else 0, 0x100 if t.handler == b"soun" else 0, 0), MATRIX,
                struct.pack(">II", size[0] << 16, size[1] << 16))
    edts = b""
    if t.start and not (final and not t.samples):
        last = shown if final else 0
        edits = [(t.start, -1), (last, 0)] if t.start > 0 else [(last, -t.start)]
        edts = box(b"edts", full(b"elst", 1, 0, struct.pack(">I", len(edits)), *(struct.pack(">QqHH", d, m, 1, 0) for d, m in edits)))
    mdhd = full(b"mdhd", 1, 0, times, struct.pack(">IQHH", 48000, duration if final else 0, 0x55c4, 0))
    hdlr = full(b"hdlr", 0, 0, bytes(4), t.handler, bytes(12), HANDLERS[t.handler])
    media = {b"vide": full(b"vmhd", 0, 1, bytes(8)), b"soun": full(b"smhd", 0, 0, bytes(4))}.get(t.handler, full(b"nmhd", 0, 0))
    dinf = box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1)))
    stts, stss, stsc = [], [], []
    for n, (d, size_, sync) in enumerate(t.samples if final else [], 1):
        if stts and stts[-1][1] == d:
            stts[-1][0] += 1
        else:
            stts.append([1, d])
        if sync:
            stss.append(n)
    for n, (_, count) in enumerate(t.chunks if final else [], 1):
        if not stsc or stsc[-1][1] != count:
            stsc.append((n, count))
    samples, chunks = (t.samples, t.chunks) if final else ([], [])
    table = full(b"stsd", 0, 0, struct.pack(">I", 1), t.entry)
    table += full(b"stts", 0, 0, struct.pack(">I", len(stts)), *(struct.pack(">II", n, d) for n, d in stts))
    if len(stss) < len(samples):
        table += full(b"stss", 0, 0, struct.pack(">I", len(stss)), *(struct.pack(">I", n) for n in stss))
    table += full(b"stsc", 0, 0, struct.pack(">I", len(stsc)), *(struct.pack(">III", n, c, 1) for n, c in stsc))
    table += full(b"stsz", 0, 0, struct.pack(">II", 0, len(samples)), *(struct.pack(">I", s[1]) for s in samples))
    table += full(b"stco", 0, 0, struct.pack(">I", len(chunks)), *(struct.pack(">I", o) for o, _ in chunks))
    return box(b"trak", tkhd, edts, box(b"mdia", mdhd, hdlr, box(b"minf", media, dinf, box(b"stbl", table)))), tk


def write_moov(head, final):
    times = struct.pack(">QQ", head["created"], head["created"])
    traks = [write_trak(t, i, times, head["tracks"], final) for i, t in enumerate(head["tracks"], 1)]
    longest = max(tk for _, tk in traks) if final else 0
    mvhd = full(b"mvhd", 1, 0, times, struct.pack(">IQIH", 48000, longest, 0x10000, 0x100), bytes(10), MATRIX, bytes(24),
                struct.pack(">I", len(traks) + 1))
    udta = b""
    if head["meta"]:
        keys = full(b"keys", 0, 0, struct.pack(">I", len(head["meta"])), *(box(b"mdta", k) for k, _ in head["meta"]))
        ilst = box(b"ilst", *(box(struct.pack(">I", n), box(b"data", struct.pack(">II", 1, 0), v))
                              for n, (_, v) in enumerate(head["meta"], 1)))
        udta = box(b"udta", full(b"meta", 0, 0, full(b"hdlr", 0, 0, bytes(4), b"mdta", bytes(12), b"\0"), keys, ilst))
    mvex = b"" if final else box(b"mvex", *(full(b"trex", 0, 0, struct.pack(">5I", i, 1, 0, 0, 0)) for i in range(1, len(traks) + 1)))
    return box(b"moov", mvhd, *(t for t, _ in traks), udta, mvex)


def read_head(data):
    """Everything in front of the first fragment, patched or not (segment.md, 2 and 9)."""
    data = data[:16384]
    label, init = read_label(data)
    c = Cursor(data, init)
    size, kind = c.num(4), bytes(c.take(4))
    need(kind in (b"moov", b"mdat"), "no init moov")
    head = {"label": label, "init": init, "patched": kind == b"mdat", "stated": size, "tracks": [], "meta": []}
    _, m = c.box(b"mvhd")
    need(m.num(1) == 1, "mvhd: version")
    m.take(3)
    head["created"] = m.num(8)
    while c.peek() == b"trak":
        t = Track()
        _, k = c.box(b"trak")
        k.box(b"tkhd")
        if k.peek() == b"edts":
            _, edits = k.box(b"edts")[1].box(b"elst")
            edits.take(4)
            n = edits.num(4)
            need(n in (1, 2), "elst: entries")
            first = struct.unpack(">Qq", edits.take(16))
            t.start = first[0] if n == 2 else -first[1]
            need(t.start and abs(t.start) <= 2**40 and (n == 2) == (t.start > 0), "elst")
        _, md = k.box(b"mdia")
        md.box(b"mdhd")
        _, h = md.box(b"hdlr")
        h.take(8)
        t.handler = bytes(h.take(4))
        need(t.handler in HANDLERS, "hdlr: type")
        _, mi = md.box(b"minf")
        mi.box(b"vmhd", b"smhd", b"nmhd")
        mi.box(b"dinf")
        _, sd = mi.box(b"stbl")[1].box(b"stsd")
        sd.take(8)
        read_entry(t, sd)
        head["tracks"].append(t)
        need(len(head["tracks"]) <= 8, "more than 8 tracks")
    need(head["tracks"] and head["tracks"][0].handler == b"vide" and not head["tracks"][0].start, "track 1 is no picture that starts at 0")
    if c.peek() == b"udta":
        _, me = c.box(b"udta")[1].box(b"meta")
        me.take(4)
        me.box(b"hdlr")
        _, ks = me.box(b"keys")
        ks.take(4)
        n = ks.num(4)
        need(1 <= n <= 4, "keys: count")
        _, il = me.box(b"ilst")
        last = -1
        for _ in range(n):
            _, kb = ks.box(b"mdta")
            key = bytes(kb.take(kb.e - kb.p))
            need(key in META_KEYS and META_KEYS.index(key) > last, "keys: a key, or its place")
            last = META_KEYS.index(key)
            _, d = il.box()[1].box(b"data")
            d.take(8)
            value = bytes(d.take(d.e - d.p))
            if last < 2:
                plain_text(value, 1, 64)
            elif last == 2:
                need(value == label["device"].encode(), "the metadata name another device than the label")
            else:
                need(len(value) <= 40 and LOCATION.fullmatch(value), "location")
            head["meta"].append((key, value))
    need(any(k == META_KEYS[2] for k, _ in head["meta"]) == bool(label["device"]),
         "the device in the metadata is there exactly when the label has one")
    c.box(b"mvex")
    head["bytes"] = c.p
    original = write_moov(head, False)
    need(original[8:] == data[init + 8:c.p], "the init moov is not what its description makes")
    need(head["patched"] or size == c.p - init, "the size of the init moov")
    head["original"] = original[:8]
    return head


def read_fragment(data, pos, head, sequence):
    """A moof and its mdat (segment.md, 3): end, and per track (samples, decode time, offset)."""
    c = Cursor(data, pos)
    _, m = c.box(b"moof")
    need(c.p - pos <= 49688, "a moof that is too large")
    _, h = m.box(b"mfhd")
    need(bytes(h.take(h.e - h.p)) == struct.pack(">II", 0, sequence), "mfhd: sequence number")
    place, parts, before, count = c.p + 8, [], 0, 0
    while m.p < m.e:
        _, t = m.box(b"traf")
        _, tf = t.box(b"tfhd")
        need(tf.num(4) == 0x020000, "tfhd: flags")
        i = tf.num(4)
        need(before < i <= len(head["tracks"]) and tf.p == tf.e, "tfhd: track")
        before = i
        track = head["tracks"][i - 1]
        _, td = t.box(b"tfdt")
        need(td.num(4) == 1 << 24 and td.num(8) == track.decode and td.p == td.e, "tfdt: decode time")
        _, tr = t.box(b"trun")
        need(tr.num(4) == 0x000701, "trun: flags")
        n, offset = tr.num(4), tr.num(4)
        need(n >= 1 and tr.e - tr.p == 12 * n and offset == place - pos and t.p == t.e, "trun")
        count += n
        samples = []
        for _ in range(n):
            d, s, f = tr.num(4), tr.num(4), tr.num(4)
            need(d and s and f in (0x02000000, 0x01010000), "trun: a sample")
            sync = f == 0x02000000
            need(sync or track.handler == b"vide", "a sample of no picture that is not sync")
            samples.append((d, s, sync))
        need(i != 1 or track.samples or samples[0][2], "the first picture is no key frame")
        need(len(track.samples) + n <= 4194304, "too many samples")
        parts.append((track, samples, place))
        place += sum(s for _, s, _ in samples)
    need(parts and count <= 4096, "samples of a fragment")
    c.box(b"mdat")
    need(c.p == place and place - pos < 2**31, "mdat: size")
    times = {}
    for track, samples, offset in parts:
        length = sum(d for d, _, _ in samples)
        keys, at = [], track.decode
        for d, _, sync in samples:
            if sync:
                keys.append(at + track.start)
            at += d
        times[head["tracks"].index(track)] = (track.decode + track.start, track.decode + track.start + length, keys)
        track.decode += length
        track.samples += samples
        track.chunks.append((offset, len(samples)))
    return {"at": pos, "end": c.p, "times": times}
