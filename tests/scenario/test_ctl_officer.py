# SPDX-License-Identifier: EUPL-1.2
"""bodycamctl on the officer's side, against the real daemon: marks, mute, stealth, patterns, policy, battery."""

import json

from harness import RECORDER


def refused(d, words, *command):
    done = d.ctl(*command, check=False)
    assert done.returncode == 1 and words in done.stderr, done


def test_an_officers_day(daemon):
    d = daemon({"policy": {"mute": "yes"}, "recording": {"pre_event": "2 s", "post_event": "1 s"}})
    d.run_for(4)
    assert "policy officer" in d.ctl("status").stdout
    words = d.ctl("policy").stdout
    assert "A recording is started by pressing record, or by a command." in words
    assert "may be muted by a command, for 10 min at a time" in words
    assert json.loads(d.ctl("--json", "policy").stdout)["sentences"] == d.call(RECORDER, "DescribePolicy")[0]

    assert set(d.ctl("indicate").stdout.split()) == set(d.get("Signals"))
    d.indications()
    d.ctl("indicate", "start")
    d.run_for(1)
    assert "1500" in d.ctl("simulate", "indications").stdout
    refused(d, "no such signal", "indicate", "nosuch")

    refused(d, "nothing is being recorded", "mark", "too early")
    refused(d, "nothing is being recorded", "mute", "on")
    d.record_start()
    d.run_for(1)
    d.ctl("mark", "blue car")
    d.ctl("mark")
    d.ctl("mute", "on")
    d.ctl("stealth", "on")
    d.ctl("simulate", "battery", "20", "9")
    assert d.flags == {"muted", "stealth", "battery-low"}
    refused(d, "stealth is on", "indicate", "start")
    d.run_for(2)
    shown = d.ctl("status").stdout
    assert "2 marks" in shown and "9 min" in shown and "stealth" in shown.lower()
    d.ctl("mute", "off")
    d.ctl("stealth", "off")
    d.ctl("simulate", "battery", "80", "unknown", "charging")
    assert d.flags == set()
    d.run_for(1)
    d.record_stop()
    d.run_until_closed()

    row = d.ctl("list").stdout.splitlines()[1].split()
    assert row[0] == "TEST-1-000001" and row[1] == "closed" and row[-4:-2] == ["1", "2"]  # gaps, marks
    shown = d.ctl("show", "1").stdout
    assert ": blue car" in shown and "muted on purpose" in shown
    told = json.loads(d.ctl("--json", "show", "1").stdout)
    assert told["marks"] == 2 and [m["text"] for m in told["mark_list"]] == ["blue car", ""]
    assert [g["kind"] for g in told["gap_list"]] == ["muted"]
