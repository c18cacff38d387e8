# SPDX-License-Identifier: EUPL-1.2
"""When a recording was made, by others' word: a nonce given to the camera before, its ledger's head seen after."""

import secrets

import pytest
from harness import RECORDER, CallFailed, Refused, verify

EARLIER, BEFORE, AFTER, LATER = (f"2026-11-26T{hour}:12:14Z" for hour in ("00", "01", "02", "03"))  # the clock starts at 01:12:14


def test_rule_16_the_bracket(daemon):
    d = daemon()
    nonce = secrets.token_hex(32)
    d.run_for(2)
    d.call(RECORDER, "PutNonce", "(s)", nonce)
    d.run_for(2)
    d.record_start()
    d.run_for(3)
    d.record_stop()
    d.run_for(3)
    d.run_until_closed()
    d.terminate()
    store = d.store
    status, report = verify(store)
    assert status == 0
    head = report["items"][0]["ledger"]["head"]["witness"]

    def judge(before, after):
        status, report = verify(store, arguments=["--witness", f"nonce:{nonce}@{before}", "--witness", f"{head}@{after}"])
        return status, report["items"][0]["recordings"][0]

    status, recording = judge(BEFORE, AFTER)
    assert status == 0
    assert recording["not_before_ns"] < recording["not_after_ns"]
    assert recording["not_after_ns"] - recording["not_before_ns"] == 3601 * 10**9
    for before, after in ((LATER, LATER), (EARLIER, EARLIER)):  # it claims to be older, or newer, than it can be
        status, recording = judge(before, after)
        assert status == 1 and "time" in [f["code"] for f in recording["findings"]]
    assert verify(store, arguments=["--witness", f"nonce:{secrets.token_hex(32)}@{BEFORE}"])[0] == 2, "of another device"


def test_what_is_no_nonce(daemon):
    d = daemon()
    for text in ("", "5a" * 15, "5a" * 65, "5a" * 16 + "5", "x" * 32):
        with pytest.raises(CallFailed, match="nonce"):
            d.call(RECORDER, "PutNonce", "(s)", text)
    d.call(RECORDER, "PutNonce", "(s)", "5A" * 64)


def test_without_a_ledger(daemon):
    d = daemon({"evidence": {}})
    with pytest.raises(Refused, match="no ledger"):
        d.call(RECORDER, "PutNonce", "(s)", "5a" * 16)
