# SPDX-License-Identifier: EUPL-1.2
"""What somebody may do to a store, a recording or a segment: random changes, one of them at a time.

What the two programs are known to judge differently is not made here:
- a segment cut in front of the end of its first record, or without any record (whether it is tampered with or cannot be judged);
- a final moov that is cut, torn or absent behind an unpatched header;
- in a folder whose manifest.json is there without its signature: damage in the head of segment 1, or segment 1 removed;
- edits of the manifest.json of a recording that was recovered, and of a key in which the lists lag: read_back, the state of a
  segment, succeeds, tail_bytes, missing_bytes, no marks at all;
- tails that nobody stated, tails removed beside a manifest.json that has their size, NNNN.recovered;
- whatever takes the device's key to make: nothing is signed here.
"""

import json
import os
import pathlib
import shutil

from boxes import read_head
from record import ORDER

INNER = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"mvex", b"moof", b"traf", b"udta", b"ilst"}
BEHIND = {b"stsd": 16, b"meta": 12}  # where the boxes begin within one that has fields in front of them
FREE = b"\0\0\0\x10free12345678"


class Same(Exception):
    """A change that changes nothing, or is none of ours."""


# ---- bytes of a segment ----------------------------------------------------------------------------------------------


class Film:
    """A finished segment, taken apart: head with its original header, fragments, records, final moov."""

    def __init__(self, data):
        head = read_head(data)
        self.init, self.size = head["init"], head["bytes"]
        self.data = data
        self.bytes = data[:self.init] + head["original"] + data[self.init + 8:]
        self.parts, at = [], self.size  # (kind, bytes)
        while at < len(data):
            kind, end = data[at + 4:at + 8], at + int.from_bytes(data[at:at + 4], "big")
            if kind == b"moof":
                end += int.from_bytes(data[end:end + 4], "big")
            self.parts.append((kind, data[at:end]))
            at = end
        self.patched = head["patched"]
        self.proven = self.size  # the end of the first record
        for kind, part in self.parts:
            self.proven += len(part)
            if kind == b"uuid":
                break

    def places(self, kind):
        return [i for i, part in enumerate(self.parts) if part[0] == kind]

    def joined(self, parts):
        """A segment of these parts, whose header leads to the moov where there is one."""
        if not any(kind == b"uuid" for kind, _ in parts):
            raise Same
        data, moov = self.bytes[:self.size], None
        for kind, part in parts:
            if kind == b"moov":
                moov = len(data)
            data += part
        if moov is None or not self.patched:
            return data
        return data[:self.init] + (moov - self.init).to_bytes(4, "big") + b"mdat" + data[self.init + 8:]

    def boxes(self):
        """{kind: [(start, end)]} of all boxes, those within others too."""
        found = {b"head": [(32, self.size)], b"patch": [(self.init, self.init + 8)]}

        def walk(start, end):
            while start + 8 <= end:
                size, kind = int.from_bytes(self.bytes[start:start + 4], "big"), self.bytes[start + 4:start + 8]
                if size < 8 or start + size > end:
                    return
                found.setdefault(kind, []).append((start, start + size))
                if kind in INNER or kind in BEHIND:
                    walk(start + BEHIND.get(kind, 8), start + size)
                start += size

        walk(0, len(self.bytes))
        return found


def flip(rng, data, start=0, end=None):
    at = rng.randrange(start, len(data) if end is None else end)
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]


def flip_anywhere(rng, film, _):
    return flip(rng, film.data)


def flip_in_a_box(rng, film, _):
    boxes = film.boxes()
    start, end = rng.choice(boxes[rng.choice(sorted(boxes))])
    return flip(rng, film.data, start, min(end, start + 8) if rng.random() < 0.2 else end)


def rearranged(kind, how):
    def change(rng, film, _):
        places, parts = film.places(kind), list(film.parts)
        at = rng.choice(places)
        if how == "drop":
            del parts[at]
        elif how == "double":
            parts.insert(at, parts[at])
        elif how == "swap":
            other = rng.choice(places)
            parts[at], parts[other] = parts[other], parts[at]
        else:
            parts.insert(rng.randrange(len(parts)), parts.pop(at))
        return film.joined(parts)

    change.__name__ = f"{how}_{kind.decode()}"
    return change


def foreign_record(rng, film, others):
    """A record of another segment, in the place of one or beside it."""
    parts = list(film.parts)
    at, other = rng.choice(film.places(b"uuid")), Film(rng.choice(others))
    parts[at:at + rng.randrange(2)] = [other.parts[rng.choice(other.places(b"uuid"))]]
    return film.joined(parts)


def foreign_fragment(rng, film, others):
    parts = list(film.parts)
    at, other = rng.choice(film.places(b"moof")), Film(rng.choice(others))
    parts[at:at + rng.randrange(2)] = [other.parts[rng.choice(other.places(b"moof"))]]
    return film.joined(parts)


def other_signature(rng, film, _):
    """The other form of a signature over the same bytes: n - s."""
    parts = list(film.parts)
    at = rng.choice(film.places(b"uuid"))
    record = parts[at][1]
    s = ORDER["secp256r1"] - int.from_bytes(record[-32:], "big")
    parts[at] = (b"uuid", record[:-32] + s.to_bytes(32, "big"))
    return film.joined(parts)


def foreign_box(rng, film, _):
    parts = list(film.parts)
    parts.insert(rng.randrange(len(parts) + 1), (b"free", FREE))
    return film.joined(parts)


def cut_tail(rng, film, _):
    return film.data[:rng.randrange(film.proven, len(film.data))]


def cut_between(rng, film, _):
    """What a power cut leaves: an unpatched header, and some of the boxes."""
    ends = [film.size + sum(len(part) for _, part in film.parts[:i]) for i in range(1, len(film.parts))]
    final = film.places(b"moov")
    last = film.size + sum(len(part) for _, part in film.parts[:final[0] - 1]) if final else len(film.bytes)
    return film.bytes[:rng.choice([end for end in ends if film.proven <= end <= last] or [film.proven])]


def zeros_behind(rng, film, _):
    at = rng.randrange(film.proven, len(film.data))
    return film.data[:at] + bytes(len(film.data) - at)


def cut_head(rng, film, _):
    return film.data[rng.randrange(1, film.size):]


def rubbish_behind(rng, film, _):
    return film.data + rng.choice([b"\0", bytes(512), rng.randbytes(rng.randrange(1, 3000)), FREE, film.parts[-1][1]])


def removed_bytes(rng, film, _):
    at = rng.randrange(film.size, len(film.data))
    if at < film.proven:
        raise Same
    return film.data[:at] + film.data[at + rng.randrange(1, 40):]


def edited_moov(rng, film, _):
    parts = list(film.parts)
    at = rng.choice(film.places(b"moov"))
    moov = parts[at][1]
    parts[at] = (b"moov", rng.choice([flip(rng, moov, 8), moov.replace(b"stco", b"co64"), moov[:-4],
                                      (len(moov) + len(FREE)).to_bytes(4, "big") + moov[4:] + FREE]))
    return film.joined(parts)


SEGMENT = [flip_anywhere, flip_in_a_box, flip_in_a_box, flip_in_a_box, foreign_record, foreign_fragment, other_signature, foreign_box,
           cut_tail, cut_between, zeros_behind, cut_head, rubbish_behind, removed_bytes, edited_moov] + [
    rearranged(kind, how) for kind in (b"moof", b"uuid") for how in ("drop", "double", "swap", "move")] + [
    rearranged(b"moov", how) for how in ("drop", "double", "move")]


# ---- files of a recording --------------------------------------------------------------------------------------------


def films_of(folder):
    return sorted(folder.glob("*.mp4"))


def signed(folder):
    """No edit of this manifest.json goes unnoticed, and neither does one of what it lists."""
    return (folder / "manifest.sig").exists()


def may_lose_its_first(folder):
    """Whether segment 1 may be removed or its head damaged here."""
    return signed(folder) or not (folder / "manifest.json").exists()


def edit_a_segment(rng, folder, others):
    film = rng.choice(films_of(folder)[0 if may_lose_its_first(folder) else 1:] or [None])
    if film is None:
        raise Same
    how, data = rng.choice(SEGMENT), film.read_bytes()
    edited = how(rng, Film(data), others)
    if edited == data:
        raise Same
    film.write_bytes(edited)
    return f"{film.name}: {how.__name__}"


def remove_a_segment(rng, folder, _):
    film = rng.choice(films_of(folder)[0 if not (folder / "manifest.json").exists() else 1:] or [None])
    if film is None:
        raise Same
    film.unlink()
    return f"{film.name} removed"


def swap(a, b):
    between = a.with_name("between")
    a.rename(between)
    b.rename(a)
    between.rename(b)


def swap_segments(rng, folder, _):
    films = films_of(folder)
    if len(films) < 2 or not may_lose_its_first(folder):
        raise Same
    a, b = rng.sample(films, 2)
    swap(a, b)
    return f"{a.name} and {b.name} swapped"


def rename_a_segment(rng, folder, _):
    film = rng.choice(films_of(folder)[0 if not (folder / "manifest.json").exists() else 1:] or [None])
    name = rng.choice(["0000.mp4", "0009.mp4", "0001.MP4", "0001.mp4.bak", "1.mp4", "film.mp4"])
    if film is None or (folder / name).exists():
        raise Same
    film.rename(folder / name)
    return f"{film.name} is {name} now"


def add_a_file(rng, folder, others):
    name = rng.choice(["notes.txt", ".hidden", "0044.mp4", "0044.mp4 ", "manifest.json.damaged", "manifest.json.bak", "0001.mp4.bak"])
    data = rng.choice([b"", b"x", rng.randbytes(3000), rng.choice(others)])
    (folder / name).write_bytes(data)
    return f"{name} added, {len(data)} bytes"


def add_what_is_no_file(rng, folder, _):
    name = rng.choice(["0044.mp4", "notes", "manifest.json.damaged"])
    if rng.randrange(2):
        (folder / name).mkdir()
        return f"{name}/ added"
    (folder / name).symlink_to("0001.mp4")
    return f"{name} is a link"


def foreign_segment(rng, folder, others):
    films = films_of(folder)
    if not may_lose_its_first(folder):
        raise Same
    following = folder / ("%04d.mp4" % (int(films[-1].name[:4]) + 1))
    film, data = rng.choice([*films, following]), rng.choice(others)
    if film.exists() and film.read_bytes() == data:
        raise Same
    film.write_bytes(data)
    return f"{film.name} is one of another recording"


def edit_a_tail(rng, folder, _):
    tails = sorted(folder.glob("*.tail"))
    if not tails:
        raise Same
    tail, how = rng.choice(tails), rng.randrange(3)
    data = tail.read_bytes()
    if how == 0 and (folder / "manifest.json").exists():
        raise Same
    if how == 0:
        tail.unlink()
    elif how == 1:
        tail.write_bytes(flip(rng, data))
    else:
        tail.write_bytes(data[:rng.randrange(len(data))] if rng.randrange(2) else data + b"x")
    return f"{tail.name}: {('removed', 'flipped', 'cut or longer')[how]}"


FOLDER = [edit_a_segment] * 6 + [remove_a_segment, swap_segments, rename_a_segment, add_a_file, add_what_is_no_file, foreign_segment,
                                 edit_a_tail]


# ---- manifest.json and manifest.sig ----------------------------------------------------------------------------------


def entry(name, how):
    def change(rng, m):
        how(rng.choice(m[name]))
    return change


def put(key, *values):
    def change(rng, m):
        m[key] = rng.choice(values)
    return change


def added(key, value):
    def change(rng, m):
        low, high = m["segments"][0]["first_ticks"], max(one["end_ticks"] for one in m["segments"])
        m[key] = (m[key] or []) + [value(rng.choice([rng.randrange(low, high), high + 480000]))]
    return change


def dropped(key):
    def change(rng, m):
        m[key].remove(rng.choice(m[key]))
    return change


def more(key, by=1):
    return lambda one: one.update({key: one[key] + by})


EDITS = {
    "device": put("device", "X", "", "x" * 40), "recording": put("recording", 99, 0, -1, "1"),
    "state": put("state", "open", "recovered", "x"),
    "boot_id": put("boot_id", "0" * 32, "", "0"), "reason": put("reason", "zz", None), "stop_reason": put("stop_reason", "zz", ""),
    "press": put("press_ticks", 5, None, -1), "pre-event": put("pre_event_ticks", 5, None), "stop": put("stop_ticks", 5, None),
    "gaps": put("gaps", None, []), "clock": put("clock", None, []), "marks": put("marks", None, []),
    "version": put("version", 2, "1", True), "unknown": put("unknown", 1), "files": put("files", [], None),
    "ticks": put("ticks_per_second", 44100),
    "mark added": added("marks", lambda at: {"ticks": at, "text": "forged", "count": 1}),
    "gap added": added("gaps", lambda at: {"kind": "no-sound", "from_ticks": at, "to_ticks": at + 4800, "count": 1}),
    "clock dropped": dropped("clock"), "segment dropped": dropped("segments"), "mark dropped": dropped("marks"),
    "mark moved": entry("marks", more("ticks")), "mark's text": entry("marks", lambda one: one.update(text="other")),
    "utc": entry("clock", lambda one: one.update(utc="2020-01-01T00:00:00Z")), "utc_ns": entry("clock", more("utc_ns", 10**9)),
    "uncertainty": entry("clock", lambda one: one.update(uncertainty_ns=1)), "count": entry("clock", lambda one: one.update(count=3)),
    "source": entry("clock", lambda one: one.update(source="rtc")),
    "bytes": entry("segments", more("bytes")), "first_ticks": entry("segments", more("first_ticks")),
    "end_ticks": entry("segments", more("end_ticks")), "fragments": entry("segments", more("fragments")),
    "error": entry("segments", lambda one: one.update(error="x", errno=5)),
    "not a name": entry("segments", lambda one: one.update(file="x")),
}


def edit_manifest(rng, folder, _):
    path = folder / "manifest.json"
    data = path.read_bytes()
    if rng.random() < 0.25:
        how = rng.randrange(4)
        edited = (data[:rng.randrange(len(data))], b"", flip(rng, data),
                  data.replace(b'"version": 1,', b'"version": 1,\n "version": 1,'))[how]
        if how == 2 and not signed(folder):
            raise Same  # may come to any edit
        name = ("cut", "emptied", "flipped", "a key twice")[how]
    else:
        name = rng.choice(sorted(EDITS))
        manifest = json.loads(data)
        try:
            EDITS[name](rng, manifest)
        except IndexError:
            raise Same from None
        edited = json.dumps(manifest, indent=1).encode() + b"\n"
    if edited == data or edited + b"\n" == data or json_of(edited) == json_of(data) and not signed(folder):
        raise Same
    path.write_bytes(edited)
    return f"manifest.json: {name}"


def json_of(data):
    try:
        return json.loads(data)
    except ValueError:
        return data


def edit_signature(rng, folder, _):
    path = folder / "manifest.sig"
    if not path.exists():
        raise Same
    data, how = path.read_bytes(), rng.randrange(4)
    if how == 0:
        (folder / "manifest.json").unlink()
    else:
        path.write_bytes((None, flip(rng, data), data[:rng.randrange(len(data))], data + b"\0")[how])
    return ("manifest.json removed", "manifest.sig flipped", "manifest.sig cut", "manifest.sig longer")[how]


MANIFEST = [edit_manifest] * 5 + [edit_signature]


# ---- the ledger ------------------------------------------------------------------------------------------------------


def records_of(data):
    """The records of a ledger file, in order."""
    found, at = [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        if size < 8 or at + size > len(data):
            break
        found.append(data[at:at + size])
        at += size
    return found


def drop_record(rng, records, _):
    del records[rng.randrange(len(records))]


def double_record(rng, records, _):
    at = rng.randrange(len(records))
    records.insert(rng.choice([at, len(records)]), records[at])


def swap_records(rng, records, _):
    a, b = rng.randrange(len(records)), rng.randrange(len(records))
    records[a], records[b] = records[b], records[a]


def replay_record(rng, records, others):
    records.insert(rng.randrange(len(records) + 1), rng.choice(others))


def cut_records(rng, records, _):
    del records[rng.randrange(len(records)):]


def drop_first_records(rng, records, _):
    del records[:rng.randrange(1, len(records) + 1)]


def rubbish_between(rng, records, _):
    records.insert(rng.randrange(len(records) + 1), bytes(rng.choice([1, 7, 30, 300])))


def other_record_signature(rng, records, _):
    at = rng.randrange(len(records))
    s = ORDER["secp256r1"] - int.from_bytes(records[at][-32:], "big")
    records[at] = records[at][:-32] + s.to_bytes(32, "big")


RECORDS = [drop_record, double_record, swap_records, replay_record, cut_records, drop_first_records, rubbish_between,
           other_record_signature]


def edit_ledger_records(rng, store, _):
    files = sorted((store / "ledger").iterdir())
    file, how = rng.choice(files), rng.choice(RECORDS)
    data = file.read_bytes()
    records = records_of(data)
    how(rng, records, [record for other in files for record in records_of(other.read_bytes())])
    if b"".join(records) == data:
        raise Same
    file.write_bytes(b"".join(records))
    return f"ledger/{file.name}: {how.__name__}"


def edit_ledger_bytes(rng, store, _):
    file, how = rng.choice(sorted((store / "ledger").iterdir())), rng.randrange(5)
    data = file.read_bytes()
    at = rng.randrange(1, len(data))
    file.write_bytes((flip(rng, data), data[:at], data[at:], data + rng.randbytes(rng.randrange(1, 100)), b"")[how])
    return f"ledger/{file.name}: {('flipped', 'cut', 'its head cut', 'rubbish behind', 'emptied')[how]} at {at}"


def edit_ledger_files(rng, store, _):
    ledger = store / "ledger"
    files, how = sorted(ledger.iterdir()), rng.randrange(8)
    file = rng.choice(files)
    if how == 0:
        file.unlink()
    elif how == 1:
        file.rename(ledger / "000009-000009-000000000099.ledger")
    elif how == 2:
        file.rename(ledger / (file.name[:-7] + "x.ledger"))
    elif how == 3:
        swap(*rng.sample(files, 2))
    elif how == 4:
        shutil.copy(file, ledger / "000001-000900-000000009999.ledger")
    elif how == 5:
        (ledger / rng.choice(["notes.txt", file.name + ".foreign1"])).write_bytes(b"x")
    elif how == 6:
        shutil.rmtree(ledger)
    else:
        first, second = files[0], files[1]
        second.write_bytes(first.read_bytes() + second.read_bytes())
        first.unlink()
    return f"ledger: {file.name}: way {how}"


LEDGER = [edit_ledger_records] * 3 + [edit_ledger_bytes] * 2 + [edit_ledger_files]


# ---- the recordings of a store ---------------------------------------------------------------------------------------


def edit_recordings(rng, store, _):
    folder = store / "recordings"
    recordings, how = sorted(folder.iterdir()), rng.randrange(9)
    one = rng.choice(recordings)
    device = one.name.rsplit("-", 1)[0]
    if how == 0:
        shutil.rmtree(one)
    elif how == 1:
        for file in one.iterdir():
            file.unlink()
    elif how == 2:
        one.rename(folder / rng.choice([f"{device}-000044", f"XX-1{one.name[-7:]}", "old"]))
    elif how == 3:
        swap(*rng.sample(recordings, 2))
    elif how == 4:
        shutil.copytree(one, folder / rng.choice([f"{device}-000044", one.name + ".bak"]))
    elif how == 5:
        (folder / "notes.txt").write_bytes(b"x")
    elif how == 6:
        (folder / rng.choice([f"{device}-000077", "XX-1-000001", "new"])).mkdir()
    elif how == 7:
        for one in recordings:
            shutil.rmtree(one)
    else:
        max((store / "ledger").iterdir()).unlink()
        one = recordings[-1]
        shutil.rmtree(one)
    return f"recordings: {one.name}: way {how}"


def edit_one_of_the_recordings(rng, store, others):
    one = rng.choice(sorted((store / "recordings").iterdir()))
    if not films_of(one):
        raise Same
    if rng.randrange(2):
        bare(one)
    return f"{one.name}: {rng.choice(FOLDER)(rng, one, others)}"


STORE = [edit_recordings] + [edit_one_of_the_recordings] * 2


# ---- a copy to be changed --------------------------------------------------------------------------------------------


def bare(folder):
    """Without a manifest: what the records say by themselves."""
    for name in ("manifest.json", "manifest.sig"):
        (folder / name).unlink(missing_ok=True)


def unsigned(folder):
    """With a manifest.json that is not final, so that it is held against the records alone."""
    (folder / "manifest.sig").unlink(missing_ok=True)
    path = folder / "manifest.json"
    manifest = {key: value for key, value in json.loads(path.read_bytes()).items() if key not in ("files", "read_back")}
    path.write_text(json.dumps(manifest, indent=1) + "\n")


def copy(original, scratch):
    """A copy under the same name, in an empty scratch folder."""
    scratch, original = pathlib.Path(scratch), pathlib.Path(original)
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    target = scratch / original.name
    if original.is_dir():
        shutil.copytree(original, target)
    else:
        shutil.copy(original, target)
    return target
