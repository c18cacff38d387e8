# SPDX-License-Identifier: EUPL-1.2
"""Short runs of a daemon that keeps a ledger, each with a recording, and what bodycam-verify says of what they left."""

from harness import findings, verify

SETTINGS = {"camera": {"width": 160, "height": 120, "rate": 10}, "video": {"bit_rate": "300k"},
            "recording": {"segment": "4 s", "pre_event": "1 s", "post_event": "0 s"}}


def record(d, seconds=3):
    d.record_start()
    d.run_for(seconds)
    assert d.state == "RECORDING"
    d.record_stop()
    d.run_until_closed()


def run(d):
    """A run with a recording."""
    if not d.process:
        d.start()
    d.run_for(2)
    record(d)
    d.terminate()


def plant_strangers_file(daemon, d):
    """The newest file of another device's ledger, of more runs than a test has here, into that of d. Returns where."""
    other = daemon({**SETTINGS, "device": {"id": "TEST-2"}})
    for _ in range(4):
        run(other)
    stranger = max((other.store / "ledger").iterdir())
    planted = d.store / "ledger" / stranger.name
    planted.write_bytes(stranger.read_bytes())
    return planted


def judged(d, status, *words, arguments=()):
    """bodycam-verify of the whole store; its findings, which have these words."""
    got, report = verify(d.store, arguments=arguments)
    lines = "\n".join(findings(report))
    assert got == status, lines
    for word in words:
        assert word in lines, lines
    return lines


def evidence_of(d):
    """What the harness set by itself."""
    lines = d.config.read_text().split("[evidence]\n")[1].split("[")[0].splitlines()
    return dict(line.split(" = ", 1) for line in lines)
