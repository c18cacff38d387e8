# SPDX-License-Identifier: EUPL-1.2
"""On the real clock: a card that stands still while the daemon is to end."""

import time

from card import start_carded
from harness import NS, PATIENCE_S
from judges import judge_players
from test_card import PRE_S, SETTINGS


def test_a_shutdown_does_not_wait_for_a_card_that_stands_still(daemon):
    """bodycamd(8): after 20 s what is unclosed is left to the next start, whatever the threads hang in."""
    d, card = start_carded(daemon, SETTINGS, clock="real")
    d.wait_for(lambda: d.get("PreEventHeldNs") >= PRE_S * NS, "the buffer")
    d.record_start("still")
    with card.standing_still():
        began = time.monotonic()
        d.terminate(status=1)
        assert 19 < time.monotonic() - began < 20 + PATIENCE_S
    assert "not everything could be closed in time" in d.log_text()
    d.start()
    d.terminate()
    recording, = d.recordings()
    assert recording.state == "recovered" and recording.segments
    for file in recording.files:
        judge_players(file)
