# SPDX-License-Identifier: EUPL-1.2
"""Certificates for sealing, and a camera whose clock is wrong. On the real clock: whether that is kept is the kernel's word."""

import datetime
import json
import os

import pytest
from agency import make_party, unseal
from harness import BUILD, run_bodycamd

LAST = datetime.datetime.now().replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
EARLY = {"begin": LAST.replace(year=LAST.year + 2)}
EXPIRED = {"begin": LAST.replace(year=LAST.year - 4)}


def clock(kept):
    return {"LD_PRELOAD": str(BUILD / "tests/lib/kept-clock.so"), "BC_CLOCK_KEPT": kept,
            # The address sanitizer wants to be the first library.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def film(d):
    """A daemon, started, that records for a moment and ends; what the ledger was alarmed of."""
    d.start()
    d.wait_for_state("BUFFERING")
    d.record_start()
    d.record_stop()
    d.wait_for(lambda: d.get("Unclosed") == 0, "closing")
    d.terminate()
    told = json.loads(d.ctl("--json", "ledger", "--store", str(d.store)).stdout)["entries"]
    return [entry["details"]["text"] for entry in told if entry["event"] == "alarm" and "sealing" in entry["details"]["text"]]


@pytest.mark.parametrize("wish, why", [(EARLY, "is not valid yet"), (EXPIRED, "has expired")])
def test_nobody_keeps_the_clock(daemon, tmp_path, wish, why):
    """The clock is what is wrong, as likely as not: it is recorded, sealed for whom the settings name, and told."""
    certificate = make_party(tmp_path, "agency", "p256", **wish)
    d = daemon({"sealing": {"certificates": certificate}}, clock="real", start=False)
    d.env.update(clock("no"))
    assert film(d) == ["sealing: 1 certificates not valid by an unkept clock, used"]
    assert f"{certificate}: the certificate {why} by a clock that no time service keeps: it is sealed for all the same" in d.log_text()
    recording, = (d.store / "recordings").iterdir()
    code, report = unseal(tmp_path / "agency.key", *recording.glob("*.mp4.sealed"), "-o", tmp_path / "out")
    assert code == 0 and all(f["recipients"] == 1 for f in report["files"]), report
    # Whoever checks the settings at a desk is told with the status.
    done = run_bodycamd("--config", d.config, "--check", env=clock("no"))
    assert done.returncode == 3 and why in done.stderr, done


@pytest.mark.parametrize("wish, why", [(EARLY, "is not valid yet"), (EXPIRED, "has expired")])
def test_rule_19_the_clock_is_kept(daemon, tmp_path, wish, why):
    """None that is valid: it does not start. Another one that is: the camera records, sealed for that, and it is told."""
    certificate, other = make_party(tmp_path, "agency", "p256", **wish), make_party(tmp_path, "other", "p256", begin=LAST)
    d = daemon({"sealing": {"certificates": certificate}}, clock="real", start=False)
    done = run_bodycamd("--config", d.config, env=clock("yes"))
    assert done.returncode == 3 and f"{certificate}: the certificate {why}" in done.stderr, done
    d.configure({"sealing": {"certificates": f"{certificate} {other}"}})
    d.env.update(clock("yes"))
    assert film(d) == ["sealing: 1 certificates not valid, left out"]
    recording, = (d.store / "recordings").iterdir()
    code, report = unseal(tmp_path / "other.key", *recording.glob("*.mp4.sealed"), "-o", tmp_path / "out")
    assert code == 0 and all(f["recipients"] == 1 for f in report["files"]), report
