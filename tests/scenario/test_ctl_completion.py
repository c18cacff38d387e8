# SPDX-License-Identifier: EUPL-1.2
"""Completion of bodycamctl, in a real bash that sources the file that is installed."""

import subprocess

import pytest
from gi.repository import GLib
from harness import BODYCAMCTL, PATIENCE_S, SOURCE, Bus
from stand_in import StandIn
from terminal import environment
from test_ctl_store import put

COMPLETION = SOURCE / "tools/bodycamctl/bodycamctl.bash"
COMMANDS = "status watch list show ledger nonce record emergency mark mute stealth indicate policy sensors simulate".split()
GLOBALS = {"--json", "--bus", "--timeout", "--help", "--version"}


@pytest.fixture
def bus():
    bus = Bus()
    yield bus
    bus.close()


@pytest.fixture
def complete(bus):
    """What bash offers for the last of the words, and that it says nothing besides."""
    def run(*words):
        script = ('set -u; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '_bodycamctl; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", str(COMPLETION), str(BODYCAMCTL), *words],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S, env=environment(bus))
        assert done.returncode == 0 and done.stderr == "", done
        return [line for line in done.stdout.splitlines() if line]
    return run


@pytest.mark.parametrize("words, offered", [
    ([""], COMMANDS), (["st"], ["status", "stealth"]), (["--b"], ["--bus"]), (["--bus", ""], ["session", "system"]),
    (["--bus", "se"], ["session"]), (["--timeout", ""], []), (["--json", "--bus", "session", "wa"], ["watch"]),
    (["record", ""], ["start", "stop"]), (["record", "start", ""], []), (["emergency", "r"], ["release"]),
    (["mute", "o"], ["on", "off"]), (["stealth", ""], ["on", "off"]), (["sensors", "of"], ["off"]), (["mark", ""], []),
    (["simulate", "run"], ["run-for", "run-until"]), (["simulate", "press", ""], ["record", "emergency"]),
    (["simulate", "fault", ""], ["camera", "microphone"]), (["simulate", "fault", "camera", "s"], ["stall"]),
    (["simulate", "dock", ""], ["on", "off"]), (["simulate", "battery", ""], []), (["simulate", "battery", "5", ""], ["unknown"]),
    (["simulate", "battery", "5", "6", ""], ["charging"]), (["nosuch", ""], []), (["status", ""], []), (["list", ""], []),
    (["indicate", ""], []), (["show", ""], []), (["--bus", "session", "indicate", ""], []),
])
def test_words(complete, words, offered):
    """Without a daemon; what would have to be asked is quietly nothing."""
    assert sorted(complete(*words)) == sorted(offered)


def test_options(complete):
    assert set(complete("-")) == GLOBALS
    assert set(complete("status", "-")) == set(complete("watch", "-")) == GLOBALS
    assert set(complete("list", "--")) == GLOBALS | {"--store", "--last", "--all", "--names"}
    assert set(complete("show", "-")) == GLOBALS | {"--store"}
    assert complete("mark", "-") == complete("record", "start", "-") == []


def test_every_command_of_the_help(bus, complete):
    done = subprocess.run([str(BODYCAMCTL), "--help"], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("  ") and line[2].isalpha()]
    assert {words[0] for words in lines} == set(complete(""))
    for words in lines:
        if len(words) > 1 and words[1][0].isalpha():
            for verb in words[1].split("|"):
                if verb.islower():
                    assert verb in complete(words[0], ""), words


def test_names_of_recordings_and_signals(bus, complete, tmp_path):
    store = tmp_path / "store"
    for number in (1, 2, 30):
        put(store, number, "CAM-1")
    assert sorted(complete("show", "--store", str(store), "")) == ["CAM-1-000001", "CAM-1-000002", "CAM-1-000030"]
    assert complete("show", "--store", str(store), "CAM-1-00003") == ["CAM-1-000030"]
    assert complete("list", "--store", str(tmp_path / "st")) == [str(store)]
    s = StandIn(bus, {"StorePath": GLib.Variant("s", str(store)), "Signals": GLib.Variant("as", ["recording", "emergency"])})
    assert sorted(complete("--bus", "session", "indicate", "")) == ["emergency", "recording"]
    assert complete("--bus", "session", "indicate", "em") == ["emergency"]
    assert len(complete("--bus", "session", "show", "")) == 3
    s.close()


def test_bash_takes_it(bus):
    """As bash itself calls it: programmable completion is set, and the file is valid."""
    done = subprocess.run(["bash", "--norc", "-c", 'source "$1"; complete -p bodycamctl', "bash", str(COMPLETION)],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout == "complete -F _bodycamctl bodycamctl\n"
