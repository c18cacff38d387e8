# SPDX-License-Identifier: EUPL-1.2
"""What signing, ledger and sealing cost in bytes and processor time; how fast a file is verified, beside its checksum."""

import subprocess
import time

import subjects
from agency import make_agency, parts, unseal
from harness import VERIFY, authority, identity
from report import median
from subjects import Failed, full_load, run_daemon, threads_of

BYTES_MAX_PERCENT = 1
CPU_MAX_PERCENT = 2
# What works on the footage itself, the same with a key as without: all other threads may have to do with proof.
FOOTAGE = {"encoder", "camera", "video", "audio"}
RECORD = b"uuid" + bytes.fromhex("98f741dffbdc4edda2afe56b029581fa")


def records_of(path):
    """The sizes of the records in a segment: of the boxes that begin so, which lie in the mdat once it is final."""
    data, sizes, at = path.read_bytes(), [], 0
    while (at := data.find(RECORD, at)) >= 0:
        sizes.append(int.from_bytes(data[at - 4:at], "big"))
        at += len(RECORD)
    return sizes


def sealing_of(path):
    """Bytes of a sealed file that are not the segment's: header and commitment, length and tag of each chunk."""
    header, *chunks = parts(path.read_bytes())
    return len(header) + 20 * len(chunks)


def size_of(files):
    return sum(f.stat().st_size for f in files)


class Kept:
    """What one run left: bytes by what they are for, processor time by thread."""

    def __init__(self, places, name, settings, seconds):
        self.folder = places.fresh(places.disk, name)
        self.threads = {}

        def look(daemon):
            self.threads = {thread: spent for thread, (spent, _) in threads_of(daemon.process.pid).items()}

        self.run = run_daemon(self.folder, settings, seconds, closed=look)
        self.files = self.run.recording.files
        self.stored = size_of(self.files)
        self.ledger = size_of((self.folder / "store/ledger").glob("*"))
        self.signature = size_of(self.run.recording.folder.glob("manifest.sig"))

    @property
    def beside_footage_s(self):
        return sum(spent for thread, spent in self.threads.items() if thread not in FOOTAGE)


def measure(report, places, material, rounds, seconds):
    agency = places.fresh(places.disk, "agency")
    kinds = {
        "unsigned": {"evidence": {}},
        "signed": {"evidence": None},
        "sealed": {"evidence": None, "sealing": make_agency(agency)},
    }
    runs = {name: [] for name in kinds}
    for number in range(rounds):
        for name in list(kinds)[::-1 if number % 2 else 1]:
            changes = dict(kinds[name])
            if changes["evidence"] is None:
                changes["evidence"] = {**identity("BENCH-0001"), "anchor": places.disk / "proof-anchor" / f"{name}{number}"}
                changes["evidence"]["anchor"].parent.mkdir(exist_ok=True)
            runs[name].append(Kept(places, f"proof-{name}", full_load(material, **changes), seconds))
            report.progress(f"proof: round {number + 1} of {rounds}, {name}: {runs[name][-1].run.per_frame_ms:.3f} ms a frame, "
                            f"{1000 * runs[name][-1].beside_footage_s / seconds:.2f} ms/s beside the footage's threads")
    tell_bytes(report, runs, open_sealed(places, agency, runs["sealed"][-1].files))
    tell_cpu(report, runs, seconds)
    report.details["proof_threads"] = {name: [kept.threads for kept in of] for name, of in runs.items()}
    measure_verifying(report, runs["signed"][-1], 5 if rounds > 1 else 3)


def open_sealed(places, agency, files):
    folder = places.fresh(places.disk, "proof-opened")
    status, told = unseal(agency / "p256.key", *files, "-o", folder)
    if status:
        raise Failed(f"bodycam-unseal: status {status}: {told}")
    return sorted(folder.rglob("*.mp4"))


def tell_bytes(report, runs, opened):
    """opened: the sealed recording's files once opened. Of the same footage, so that the parts add up."""
    sealed = runs["sealed"][-1]
    sealing = sum(sealing_of(f) for f in sealed.files)
    records = [size for f in opened for size in records_of(f)]
    footage = sealed.stored - sealing - sum(records)
    percent = {
        "records": 100 * sum(records) / footage,
        "sealing": 100 * sealing / footage,
        "ledger": 100 * sealed.ledger / footage,
        "manifest": 100 * sealed.signature / footage,
    }
    report.add("proof_bytes_percent", "bytes of records, sealing, ledger and signature of the manifest : footage",
               sum(percent.values()), "%", BYTES_MAX_PERCENT)
    for name, value in percent.items():
        report.add(f"proof_bytes_percent_{name}", f"  {name}", value, "%")
    report.add("proof_records", "  records, one for each fragment or for several where the signer is behind", len(records))
    report.add("proof_bit_rate", "  footage", 8 * footage / 1e6 / (sealed.run.frames / subjects.RATE), "Mbit/s")


def tell_cpu(report, runs, seconds):
    """Whole processes differ by more from run to run than proof costs; the threads that do nothing for the footage do not."""
    whole = median([kept.run.cpu_s for kept in runs["unsigned"]])
    for name, title, limit in (("signed", "CPU, signing and ledger : the daemon without them", None),
                               ("sealed", "CPU, signing, ledger and sealing : the daemon without them", CPU_MAX_PERCENT)):
        more = [100 * (with_it.beside_footage_s - without.beside_footage_s) / whole
                for with_it, without in zip(runs[name], runs["unsigned"])]
        report.add_median(f"proof_cpu_percent_{name}", title, more, "%", limit)
        report.add_median(f"proof_cpu_percent_{name}_process", "  the same by the whole processes' time (noise with it)",
                          [100 * (a.run.cpu_s / b.run.cpu_s - 1) for a, b in zip(runs[name], runs["unsigned"])], "%")
    report.add_median("proof_cpu_ms_per_s_unsigned", "  without: CPU beside the footage's threads",
                      [1000 * kept.beside_footage_s / seconds for kept in runs["unsigned"]], "ms/s")


def timed(*command):
    began = time.monotonic()
    done = subprocess.run([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failed(f"{command[0]}: status {done.returncode}: {done.stderr[-500:]}")
    return time.monotonic() - began


def measure_verifying(report, signed, rounds):
    """One file in the page cache, one after the other, in turn."""
    path, size = signed.files[0], signed.files[0].stat().st_size
    kinds = {
        "sha256sum": ["sha256sum", path],
        "openssl": ["openssl", "dgst", "-sha256", path],
        "verify": [VERIFY, "--allow-test", "--trust", authority() / "root.pem", path],
    }
    speeds = {name: [] for name in kinds}
    for number in range(rounds):
        for name in list(kinds)[::-1 if number % 2 else 1]:
            speeds[name].append(size / 1e6 / timed(*kinds[name]))
        report.progress(f"proof: verifying {size / 1e6:.0f} MB: " +
                        ", ".join(f"{name} {of[-1]:.0f} MB/s" for name, of in speeds.items()))
    report.add_median("verify_mb_per_s", f"bodycam-verify of one segment of {size / 1e6:.0f} MB", speeds["verify"], "MB/s")
    report.add_median("sha256sum_mb_per_s", "  sha256sum of the same file", speeds["sha256sum"], "MB/s")
    report.add_median("openssl_mb_per_s", "  openssl dgst -sha256 of the same file", speeds["openssl"], "MB/s")
    report.add_median("verify_speed_vs_sha256sum", "  bodycam-verify : sha256sum (goal: 0.8 at least)",
                      [a / b for a, b in zip(speeds["verify"], speeds["sha256sum"])])
    report.add_median("verify_speed_vs_openssl", "  bodycam-verify : openssl dgst",
                      [a / b for a, b in zip(speeds["verify"], speeds["openssl"])])
