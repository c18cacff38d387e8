# SPDX-License-Identifier: EUPL-1.2
"""Settings read anew by SIGHUP, while something is recorded: what changes, what is refused, and that nothing of the recording
is missing for it."""

import contextlib
import os
import pathlib
import random
import re
import signal
import subprocess

import pytest
from harness import NS, identity, write_settings
from judges import judge_joints, judge_numbers


def outcomes(d):
    """What came of each reload so far, in order."""
    return re.findall(r"^bodycam: (?:error: )?(settings (?:not )?reloaded: .*)$", d.log_text(), re.M)


def hang_up(d):
    """SIGHUP; the line that says what came of it."""
    before = len(outcomes(d))
    d.process.send_signal(signal.SIGHUP)
    d.wait_for(lambda: len(outcomes(d)) > before, "a reload")
    line, = outcomes(d)[before:]
    return line


def reload(d, settings):
    d.configure(settings)
    return hang_up(d)


def line_of(d, key):
    """Where a key stands in the settings of a daemon."""
    number, = (i for i, line in enumerate(d.config.read_text().splitlines(), 1) if line.split(" = ")[0] == key)
    return f"{d.config}:{number}"


def post_event_s(d, within_s=20):
    """Ends the recording that goes on; how many seconds it went on for."""
    d.record_stop()
    stopped_ns = d.now()
    assert d.flags == {"post-event"}
    d.run_until_state("BUFFERING", within_s)
    d.run_until_closed()
    return round((d.now() - stopped_ns) / NS)


def judge(d, count):
    recordings = d.recordings()
    assert len(recordings) == count
    for recording in recordings:
        assert recording.state == "closed" and recording.gaps == []
        judge_numbers(recording, 30)
        judge_joints(recording)


def test_applied_while_recording(daemon):
    """From the next stop on, with one line that names each key, and again when it is taken back."""
    d = daemon({"recording": {"post_event": "2 s"}})
    d.run_for(6)
    d.record_start()
    d.run_for(2)
    assert reload(d, {"recording": {"post_event": "5 s"}, "dock": {"dwell": "1 min"}}) == \
        "settings reloaded: [recording] post_event: 2 s -> 5 s; [dock] dwell: 10 s -> 1 min"
    assert hang_up(d) == "settings reloaded: nothing has changed"
    d.run_for(2)
    assert d.state == "RECORDING"
    assert post_event_s(d) == 5
    # Post-event seconds that have begun keep their end.
    d.record_start()
    d.run_for(1)
    d.record_stop()
    stopped_ns = d.now()
    assert reload(d, {"recording": {"post_event": "0 s"}}) == \
        "settings reloaded: [recording] post_event: 5 s -> 0 s; [dock] dwell: 1 min -> 10 s"
    d.run_until_state("BUFFERING")
    d.run_until_closed()
    assert round((d.now() - stopped_ns) / NS) == 5
    d.terminate()
    judge(d, 2)


def test_the_dock(daemon):
    d = daemon()
    d.run_for(6)
    d.emergency_start()
    reload(d, {"dock": {"dwell": "3 s"}})
    d.dock()
    d.run_for(2.5)
    assert d.state == "EMERGENCY"
    d.run_for(1)
    assert d.state == "DOCKED"


def test_wrong_settings_are_refused(daemon):
    """Every error is told, with file, line and key, as at the start; not even what is right among them counts."""
    d = daemon({"recording": {"post_event": "2 s"}})
    d.run_for(6)
    d.record_start()
    assert reload(d, {"recording": {"post_event": "11 min"}, "dock": {"dwell": "3 s", "dwelling": "1"},
                      "video": {"bit_rate": "much"}}) == "settings not reloaded: 3 errors; those that run stay"
    for words in [f"{line_of(d, 'post_event')}: [recording] post_event = 11 min: out of range",
                  f"{line_of(d, 'dwelling')}: [dock] dwelling: unknown key",
                  f"{line_of(d, 'bit_rate')}: [video] bit_rate = much: not understood"]:
        assert f"error: {words}" in d.log_text()
    d.config.unlink()
    assert hang_up(d) == "settings not reloaded: 1 errors; those that run stay"
    assert f"error: {d.config}: cannot be read: No such file or directory" in d.log_text()
    d.run_for(2)
    assert post_event_s(d) == 2
    d.terminate()
    judge(d, 1)


def test_what_needs_a_restart_is_refused(daemon):
    """With what may change beside it; a drop-in counts as well."""
    d = daemon({"recording": {"post_event": "2 s"}})
    d.run_for(6)
    d.record_start()
    assert reload(d, {"recording": {"post_event": "4 s", "segment": "20 s"}, "camera": {"rate": 25}}) == \
        "settings not reloaded: 2 errors; those that run stay"
    assert f'{line_of(d, "rate")}: [camera] rate = 25: is "30" while this runs; a change needs a restart' in d.log_text()
    assert f'{line_of(d, "segment")}: [recording] segment = 20 s: is "10 s" while this runs; a change needs a restart' \
        in d.log_text()
    d.configure({"recording": {"post_event": "2 s"}})
    drop_ins = d.config.with_name("bodycamd.conf.d")
    drop_ins.mkdir()
    (drop_ins / "a.conf").write_text("[device]\nunit = 7 B\n")
    assert hang_up(d) == "settings not reloaded: 1 errors; those that run stay"
    assert f'{drop_ins}/a.conf:2: [device] unit = 7 B: is "" while this runs' in d.log_text()
    assert post_event_s(d) == 2
    d.record_start()
    (drop_ins / "a.conf").write_text("[recording]\npost_event = 3 s\n")
    assert hang_up(d) == "settings reloaded: [recording] post_event: 2 s -> 3 s"
    assert post_event_s(d) == 3
    d.terminate()
    judge(d, 2)
    # And after a restart the settings are those of the file.
    d.start()
    d.run_for(6)
    d.record_start()
    assert post_event_s(d) == 3
    d.terminate()
    judge(d, 3)


def test_replaced_while_it_is_read(daemon, tmp_path):
    """Signals in a row, and each time another file: the old one or the new one, never a mixture; the last one stays."""
    d = daemon({"recording": {"post_event": "2 s"}, "dock": {"dwell": "2 s"}})
    d.run_for(6)
    d.record_start()
    news = tmp_path / "news"
    rng = random.Random(4)
    for seconds in [rng.randrange(3, 9) for _ in range(300)] + [5]:
        write_settings(news, {"store": {"path": d.store}, "evidence": {**identity("TEST-1"), "anchor": d.folder / "anchor"},
                              "recording": {"post_event": f"{seconds} s"},
                              "dock": {"dwell": f"{seconds} s"}}, d.clock)
        os.replace(news, d.config)
        for _ in range(rng.randrange(1, 3)):
            d.process.send_signal(signal.SIGHUP)
        if rng.random() < 0.3:
            d.run_for(0.01)
    d.wait_for(lambda: "-> 5 s" in [line for line in outcomes(d) if "nothing" not in line][-1], "the last reload")
    changes = [line for line in outcomes(d) if "nothing" not in line]
    held = 2
    for line in changes:
        before, after = re.fullmatch(r"settings reloaded: \[recording\] post_event: (\d) s -> (\d) s; "
                                     r"\[dock\] dwell: \1 s -> \2 s", line).groups()
        assert int(before) == held
        held = int(after)
    assert held == 5 and len(changes) >= 30
    assert post_event_s(d) == 5
    d.terminate()
    judge(d, 1)


def threads(d):
    return [(task / "comm").read_text().strip() for task in pathlib.Path(f"/proc/{d.process.pid}/task").iterdir()]


def is_dead(d):
    return pathlib.Path(f"/proc/{d.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


@contextlib.contextmanager
def hanging(d, path):
    """From now on a daemon's opening of one file takes two minutes."""
    strace = subprocess.Popen(["strace", "-f", "-p", str(d.process.pid), "-o", os.devnull, "-P", str(path), "-e", "trace=openat",
                               "-e", "inject=openat:delay_enter=120000000"], stderr=subprocess.PIPE, text=True)
    told = strace.stderr.readline()
    if "ermitted" in told:
        pytest.skip("nothing can be made to hang here: no permission to trace")
    assert "attached" in told, told
    try:
        yield
    finally:
        strace.kill()
        strace.communicate()


def test_settings_on_a_medium_that_hangs(daemon):
    """Nobody waits for it: commands are answered, what is recorded is whole, and the end is not held up."""
    d = daemon({"recording": {"pre_event": "1 s", "post_event": "0 s"}}, clock="real")
    d.wait_for(lambda: d.get("PreEventHeldNs") >= NS, "the buffer")
    with hanging(d, d.config):
        d.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: "reload" in threads(d), "the thread that reads")
        d.process.send_signal(signal.SIGHUP)
        assert d.record_start() == (1, True)
        d.record_stop()
        d.wait_for_state("BUFFERING")
        d.record_start()
        d.process.send_signal(signal.SIGTERM)
        # The tracer keeps the thread that it holds: all others have ended.
        d.wait_for(lambda: is_dead(d), "the end", timeout=30)
    d.wait_exit(0)
    assert outcomes(d) == []
    assert [r.state for r in d.recordings()] == ["closed", "closed"]
    assert {g["kind"] for r in d.recordings() for g in r.gaps} <= {"no-sound", "frames-lost", "pre-event"}
