# SPDX-License-Identifier: EUPL-1.2
"""bodycam-verify against the second verifier, which knows nothing but the documents: of whatever they are shown, both say the same.

What is shown: the published vectors, a store of several runs as the daemon left it, and that store with a random change. A case
in which they differ is kept under /tmp, for the device's key is another one each time.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import mutations
import pytest
import segment
from harness import SOURCE, VERIFY, Daemon, authority, share
from record import Record
from runs import SETTINGS, record, run
from stranger import judge, read_roots
from verdict import Context

SEED = int(os.environ.get("BC_SEED", "1"))
VECTORS = SOURCE / "docs/formats/vectors"
WORDS = 4  # findings that a failure shows of each side
# Random changes of each kind of thing; those of a whole store take longest.
LONE, BARE, SIGNED, MANIFEST, LEDGER, STORE = (share(usual // 4, usual, 10 * usual) for usual in (120, 120, 60, 100, 40, 40))


class Both:
    """The two programs, with the same trust."""

    def __init__(self, *roots, allow_test=True):
        self.roots = [str(root) for root in roots]
        self.context = Context([one for root in self.roots for one in read_roots(root)], allow_test)
        self.options = [f"--trust={root}" for root in self.roots] + ["--allow-test"] * allow_test

    def stranger(self, path):
        """Status, and what was found."""
        try:
            status, rows = judge([path], self.context)
        except Exception as error:  # noqa: BLE001 - of whatever it is shown, it has to say something
            return "crash", [repr(error)]
        return status, [f"{status} {text}" for _, found in rows if found for status, _, text in found.list if status]

    def program(self, path):
        done = subprocess.run([VERIFY, "--jobs", "1", *self.options, path], capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL)
        return done.returncode, [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.startswith(" ")]

    def compare(self, path):
        """The status on which they agree, or None; and what each of them says."""
        (one, why), (other, because) = self.stranger(path), self.program(path)
        agreed = one if one == other and one in (0, 1, 2, 3) else None
        return agreed, f"stranger {one} {why[:WORDS]}, bodycam-verify {other} {because[:WORDS]}"

    def status(self, path):
        """That on which they agree."""
        status, words = self.compare(path)
        assert status is not None, f"{path}: {words}"
        return status


def films_of(store):
    return sorted(store.glob("recordings/*/*.mp4"))


# ---- what was published ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roots, allow_test", [(1, False), (1, True), (0, True)])
def test_vectors(roots, allow_test):
    both = Both(*[VECTORS / "manifest/root.pem"] * roots, allow_test=allow_test)
    statuses = {}
    for folder in sorted((VECTORS / "manifest").glob("BC-*")):
        for path in [folder, *sorted(folder.glob("*.mp4"))]:
            statuses[path.name] = both.status(path)
    assert len(statuses) >= 4
    assert not (roots and allow_test) or 0 in statuses.values()


def test_vectors_of_signatures(room):
    both = Both(VECTORS / "manifest/root.pem")
    signatures = sorted((VECTORS / "manifest").glob("*.sig"))
    assert len(signatures) >= 15
    for folder in sorted((VECTORS / "manifest").glob("BC-*")):
        for signature in signatures:
            copy = mutations.copy(folder, room / "vector")
            shutil.copy(signature, copy / "manifest.sig")
            assert both.status(copy) == 1, signature


def test_vectors_of_records():
    """Alone they prove nothing; the stranger reads them."""
    vectors = sorted(VECTORS.glob("record-*.hex"))
    assert vectors
    for path in vectors:
        Record(bytes.fromhex(path.read_text().strip()), 0)


# ---- what the daemon leaves ------------------------------------------------------------------------------------------


def press_and_die(d, seconds, mark="shortly before"):
    if not d.process:
        d.start()
    d.run_for(2)
    d.record_start("the power goes")
    d.run_for(seconds)
    if mark:
        d.ctl("mark", mark)
    d.run_for(0.5)
    d.kill()


def newest_film(d):
    return max((d.store / "recordings").glob("*/*.mp4"))


@pytest.fixture(scope="module")
def stores(room):
    """Four runs, two of which the power ended, so that another start recovered what was there; and the same store after a run of
    which more was lost than the power takes."""
    settings = {**SETTINGS, "recording": {**SETTINGS["recording"], "segment": "2 s"}, "gnss": {"driver": "track"}}
    with Daemon(room / "camera", settings) as d:
        d.run_for(2)
        d.record_start("with marks")
        for word in ("a red car", "", "a blue car"):
            d.run_for(1.5)
            if word:
                d.ctl("mark", word)
        d.record_stop()
        d.run_until_closed()
        record(d, 1)
        d.terminate()
        press_and_die(d, 3.2)
        press_and_die(d, 2.7)  # recovers, and dies again
        with open(newest_film(d), "ab") as film:
            film.write(random.Random(SEED).randbytes(777))  # what a torn write left: becomes a tail
        run(d)
        whole = pathlib.Path(shutil.copytree(d.store, room / "whole/store"))
        # More than the power takes. Of a mark behind what is left of it the documents do not say enough.
        press_and_die(d, 3.2, mark="")
        with open(newest_film(d), "r+b") as film:
            film.truncate(film.seek(0, os.SEEK_END) * 2 // 3)
        run(d)
    return whole, d.store


@pytest.fixture(scope="module")
def store(stores):
    return stores[0]


@pytest.fixture(scope="module")
def both(stores):
    return Both(authority() / "root.pem")


def test_untouched(stores, both):
    whole, shortened = stores
    statuses = {str(path.relative_to(whole)): both.status(path) for path in [whole, *whole.glob("recordings/*"), *films_of(whole)]}
    assert len(statuses) >= 15 and statuses["."] in (0, 2), statuses
    assert list(whole.glob("recordings/*/*.tail"))
    assert {both.status(path) for path in [shortened, *shortened.glob("recordings/*"), *films_of(shortened)]} <= {0, 2}


@pytest.mark.parametrize("roots, allow_test", [(1, False), (0, True), (0, False)])
def test_without_trust(store, roots, allow_test):
    both = Both(*[authority() / "root.pem"] * roots, allow_test=allow_test)
    for path in [store, *(store / "recordings").iterdir()]:
        assert both.status(path) in (1, 3)


def test_another_root(store):
    both = Both(VECTORS / "manifest/root.pem")
    for path in [store, *(store / "recordings").iterdir()]:
        assert both.status(path) == 1


# ---- changed ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def films(store):
    return films_of(store)


def compare(both, room, name, count, change):
    """change(rng, scratch) -> (path, words): so many changes, and the cases in which the two differ."""
    rng = random.Random(f"{SEED}/{name}")
    scratch, differ, statuses, done = room / "changed", [], [0] * 4, 0
    while done < count:
        try:
            path, words = change(rng, scratch)
        except mutations.Same:
            continue
        done += 1
        status, found = both.compare(path)
        if status is None:
            kept = tempfile.mkdtemp(prefix="bc-stranger-differ-")
            shutil.copytree(scratch, kept, dirs_exist_ok=True, symlinks=True)
            shutil.copy(both.roots[0], f"{kept}/root.pem")
            differ.append(f"{kept}: {path.name}: {words}: {found}")
        else:
            statuses[status] += 1
    print(f"{name}: {statuses}")
    assert not differ, f"{len(differ)} of {count}, BC_SEED={SEED}:\n" + "\n".join(differ)
    return statuses


def test_changed_segments(store, both, room, films):
    """One file, judged alone."""
    others = [film.read_bytes() for film in films]

    def change(rng, scratch):
        path = mutations.copy(rng.choice(films), scratch)
        how, data = rng.choice(mutations.SEGMENT), path.read_bytes()
        path.write_bytes(how(rng, mutations.Film(data), others))
        return path, how.__name__

    statuses = compare(both, room, "segments", LONE, change)
    assert statuses[1] > statuses[2] > 0


def change_of_a_recording(store, films, prepare, ways, suits=lambda folder: True):
    folders = [one for one in sorted((store / "recordings").iterdir()) if mutations.films_of(one) and suits(one)]
    others = [film.read_bytes() for film in films]

    def change(rng, scratch):
        folder = mutations.copy(rng.choice(folders), scratch)
        prepare(folder)
        return folder, f"{prepare.__name__}: {rng.choice(ways)(rng, folder, others)}"

    return change


def as_it_is(folder):
    """A signed manifest lists each file."""
    assert (folder / "manifest.sig").exists()


def closed(folder):
    return json.loads((folder / "manifest.json").read_text())["state"] == "closed"


def test_changed_recordings_without_a_manifest(store, both, room, films):
    change = change_of_a_recording(store, films, mutations.bare, mutations.FOLDER)
    statuses = compare(both, room, "bare", BARE, change)
    assert statuses[1] and statuses[2]


def test_changed_recordings_with_a_signed_manifest(store, both, room, films):
    change = change_of_a_recording(store, films, as_it_is, mutations.FOLDER + mutations.MANIFEST)
    statuses = compare(both, room, "signed", SIGNED, change)
    assert statuses[1]


def test_changed_manifests(store, both, room, films):
    """Of closed recordings, without the signature: held against the records."""
    change = change_of_a_recording(store, films, mutations.unsigned, mutations.MANIFEST[:-1] * 2 + mutations.FOLDER, closed)
    statuses = compare(both, room, "manifests", MANIFEST, change)
    assert statuses[1]


def change_of_the_store(store, films, ways):
    others = [film.read_bytes() for film in films]

    def change(rng, scratch):
        path = mutations.copy(store, scratch)
        return path, rng.choice(ways)(rng, path, others)

    return change


def test_changed_ledger(store, both, room, films):
    statuses = compare(both, room, "ledger", LEDGER, change_of_the_store(store, films, mutations.LEDGER))
    assert statuses[1]


def test_changed_store(store, both, room, films):
    statuses = compare(both, room, "store", STORE, change_of_the_store(store, films, mutations.STORE))
    assert statuses[1]


# ---- the comparison itself -------------------------------------------------------------------------------------------


class Alike(bytes):
    """A hash that is equal to each other one."""

    def __eq__(self, _):
        return True

    def __ne__(self, _):
        return False

    __hash__ = bytes.__hash__


def test_a_planted_disagreement(both, room, films, monkeypatch):
    path = mutations.copy(films[0], room / "planted")
    film = mutations.Film(path.read_bytes())
    path.write_bytes(mutations.flip(random.Random(SEED), film.data, film.boxes()[b"mdat"][0][0] + 8, film.boxes()[b"mdat"][0][1]))
    assert both.status(path) == 1
    monkeypatch.setattr(segment, "sha", lambda data: Alike())
    status, words = both.compare(path)
    assert status is None and "stranger 2 " in words and "bodycam-verify 1 " in words
