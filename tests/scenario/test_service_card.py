# SPDX-License-Identifier: EUPL-1.2
"""The daemon as systemd sees it, on the real clock: a card that stands still is no reason to end it."""

from card import start_carded
from harness import NS
from test_service import SETTINGS, WATCHDOG_S, supervisor  # noqa: F401 - a fixture


def is_fed(supervisor, seconds):
    for _ in range(seconds):
        assert "WATCHDOG=1" in supervisor.listen(WATCHDOG_S, "WATCHDOG=1"), supervisor.heard
        supervisor.listen(1)


def test_a_card_that_stands_still_is_no_reason(daemon, supervisor):
    """Three times the watchdog's time from before the press; then in the middle of a recording, and while it ends."""
    d, card = start_carded(daemon, SETTINGS, clock="real", env=supervisor.env)
    d.wait_for(lambda: d.get("PreEventHeldNs") >= NS, "the buffer")
    supervisor.expect("WATCHDOG=1")
    with card.standing_still():
        d.record_start()
        is_fed(supervisor, 3 * WATCHDOG_S)
        assert any("not-durable" in m for m in supervisor.heard if m.startswith("STATUS="))
    d.wait_for(lambda: d.flags == set(), "the card to catch up")
    with card.standing_still():
        is_fed(supervisor, WATCHDOG_S)
        d.record_stop()
        is_fed(supervisor, WATCHDOG_S)
    d.wait_for(lambda: d.flags == set(), "the card to catch up")
    d.terminate()
    assert "has not moved" not in d.log_text()
    recording, = d.recordings()
    assert recording.state == "closed" and {g["kind"] for g in recording.gaps} <= {"frames-lost", "no-sound"}
