# SPDX-License-Identifier: EUPL-1.2
"""The command lines: what bodycamd says of bad settings, devices and stores before it starts anything, and
bodycamctl's words and exit statuses."""

import json
import os
import subprocess

import pytest
from harness import BODYCAMCTL, BODYCAMD, DATA, run_bodycamd, write_settings


def own_lines(done):
    """What bodycamd itself said; FFmpeg's libraries may say more."""
    return [line for line in done.stderr.splitlines() if line.startswith("bodycam: ")]


@pytest.fixture
def check(tmp_path):
    """Runs bodycamd --check, and then without, on settings; both must agree. Returns the first."""
    def run(settings, status):
        config = tmp_path / "bodycamd.conf"
        write_settings(config, {"store": {"path": tmp_path / "store"}, **settings}, "real")
        checked = run_bodycamd("--config", config, "--check")
        assert checked.returncode == status, checked
        if status != 0:
            started = run_bodycamd("--config", config)
            assert started.returncode == status and own_lines(started) == own_lines(checked)
            assert not (tmp_path / "store" / "recordings").exists()
        return checked
    return run


def test_good_settings(check):
    done = check({}, 0)
    for word in ("camera: pattern, 320x240", "microphone: tone", "encoder: libx264", "ring: picture", "segment: 10000 ms"):
        assert word in done.stdout
    assert done.stderr == ""


def test_good_clip(check):
    clip = DATA / "people.mp4"
    done = check({"camera": {"driver": "file", "file": clip}, "microphone": {"driver": "file"}}, 0)
    assert "camera: file" in done.stdout and "microphone: file" in done.stdout


@pytest.mark.parametrize("settings, words", [
    ({"nosuch": {"x": 1}}, ["bodycamd.conf:", "[nosuch]", "unknown section", "camera"]),
    ({"camera": {"colour": "red"}}, ["[camera] colour", "unknown key", "driver", "height"]),
    ({"camera": {"width": 17}}, ["[camera] width = 17", "16 to 8192, even"]),
    ({"camera": {"width": 14}}, ["[camera] width = 14", "16 to 8192"]),
    ({"camera": {"width": 9000}}, ["[camera] width = 9000", "16 to 8192"]),
    ({"recording": {"fragment": "2 s"}}, ["[recording] fragment = 2 s", "100 ms to 500 ms"]),
    ({"camera": {"driver": "file"}}, ["[camera] file is missing"]),
    ({"clock": {"mode": "simulated"}, "simulation": {"enabled": "no"}}, ["[simulation] enabled = yes"]),
    ({"recording": {"pre_event": "2 min", "stall_tolerance": "2 min"}, "video": {"bit_rate": "50M"}},
     ["[recording] pre_event = 2 min, ", "bodycamd.conf:", "[recording] stall_tolerance = 2 min, ",
      "[video] bit_rate = 50M: together they need a ring of ", "at most 1024 MiB"]),
    ({"video": {"encoder": "libnothing"}}, ["bodycamd.conf:", "[video] encoder = libnothing: ", "none of that name; allowed: "]),
    ({"video": {"encoder": "mpeg4"}}, ["[video] encoder = mpeg4: ", "makes no H.264; allowed: "]),
    ({"video": {"preset": "speedy"}}, ["bodycamd.conf:", "[video] preset = speedy: ", "allowed: ultrafast, superfast, "]),
    ({"camera": {"width": 1920, "height": 1080}}, ["[video] bit_rate = 1M: ", "needs at least 12442", "at most 50000000"]),
    ({"camera": {"width": 8192, "height": 8192, "rate": 120}, "video": {"bit_rate": "50M"}, "recording": {"segment": "1 s"}},
     ["[video] bit_rate = 50M: 8192x8192 at 120.001 pictures per second needs at least 16106"]),
    ({"sound": {"bit_rate": "161k"}}, ["bodycamd.conf:", "[sound] bit_rate = 161k: ", "with 1 channel allowed: 16000 to 160000"]),
])
def test_bad_settings(check, settings, words):
    done = check(settings, 3)
    for word in words:
        assert word in done.stderr
    assert done.stdout == ""


def test_all_that_is_wrong_is_told_at_once(check):
    done = check({"camera": {"width": 1}, "video": {"threads": 0}, "recording": {"pre_event": "1 h"}}, 3)
    assert done.stderr.count("\n") == 3


def clip(tmp_path, *arguments):
    path = tmp_path / "clip.mkv"
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def test_a_clip_that_is_missing(check, tmp_path):
    done = check({"camera": {"driver": "file", "file": tmp_path / "none.mp4"}}, 4)
    assert "camera: " in done.stderr and "none.mp4" in done.stderr and "No such file" in done.stderr


def test_a_clip_that_is_no_clip(check, tmp_path):
    (tmp_path / "text.mp4").write_text("not a film\n" * 100)
    done = check({"camera": {"driver": "file", "file": tmp_path / "text.mp4"}}, 4)
    assert "camera: " in done.stderr and "text.mp4" in done.stderr


def test_a_clip_without_a_picture(check, tmp_path):
    path = clip(tmp_path, "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "pcm_s16le")
    done = check({"camera": {"driver": "file", "file": path}}, 4)
    assert "camera: " in done.stderr and "clip.mkv" in done.stderr


def test_a_clip_without_sound(check, tmp_path):
    path = clip(tmp_path, "-f", "lavfi", "-i", "testsrc=duration=1:size=64x64", "-c:v", "mpeg4")
    done = check({"camera": {"driver": "file", "file": path}, "microphone": {"driver": "file"}}, 4)
    assert "microphone: " in done.stderr and "clip.mkv" in done.stderr
    check({"camera": {"driver": "file", "file": path}}, 0)


@pytest.mark.parametrize("microphone, rate", [({"channels": 2}, "320k"), ({"driver": "none"}, "320k"), ({}, "16k")])
def test_sound_bit_rates_by_channels(check, microphone, rate):
    check({"sound": {"bit_rate": rate}, "microphone": microphone}, 0)


def test_an_encoder_without_its_device(check):
    """The name is right and the bit rate sufficient: what is told are the encoder's own words, and where it was set."""
    done = check({"video": {"encoder": "h264_v4l2m2m"}}, 4)
    assert "[video] encoder = h264_v4l2m2m: " in done.stderr and "bodycamd.conf:" in done.stderr
    assert 'encoder "h264_v4l2m2m" cannot be opened for 320x240 at 1000000 bit/s: ' in done.stderr


def test_the_largest_pictures(check):
    done = check({"camera": {"width": 8192, "height": 8192, "rate": 10}, "video": {"bit_rate": "20M"},
                  "recording": {"pre_event": "1 s", "stall_tolerance": "1 s"}}, 0)
    assert "8192x8192" in done.stdout


@pytest.mark.parametrize("break_it", ["no parent", "a file", "read-only"])
def test_a_store_that_cannot_be_used(tmp_path, break_it):
    store = tmp_path / "parent" / "store"
    if break_it == "a file":
        store.parent.mkdir()
        store.write_text("")
    if break_it == "read-only":
        if os.geteuid() == 0:  # whom permissions do not stop
            store = "/proc/bodycam"
        else:
            store.parent.mkdir(mode=0o555)
    config = tmp_path / "bodycamd.conf"
    write_settings(config, {"store": {"path": store}}, "real")
    for mode in (["--check"], []):
        done = run_bodycamd("--config", config, *mode)
        assert done.returncode == 5 and str(store) in done.stderr and "store" in done.stderr, done


def test_a_store_in_use(daemon, tmp_path):
    d = daemon(clock="real")
    done = run_bodycamd("--config", d.config)
    assert done.returncode == 5 and "in use" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--nosuch"], ["--config"], ["--config", "/x", "more"], ["--check"]])
def test_usage(arguments):
    done = run_bodycamd(*arguments)
    assert done.returncode == 2 and "usage: bodycamd" in done.stderr


def test_missing_settings(tmp_path):
    done = run_bodycamd("--config", tmp_path / "none", "--check")
    assert done.returncode == 3 and f"{tmp_path}/none: cannot be read: No such file" in done.stderr


def test_what_it_prints_of_itself(tmp_path):
    assert run_bodycamd("--version").stdout.startswith("bodycamd 0.")
    assert "usage: bodycamd" in run_bodycamd("--help").stdout
    assert "pre_event = 0 s to 2 min" in run_bodycamd("--help-settings").stdout
    printed = run_bodycamd("--print-settings").stdout
    config = tmp_path / "printed"
    config.write_text(printed)
    assert run_bodycamd("--print-settings", "--config", config).stdout == printed


def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        for words in (["--print-settings"], ["--version"], ["--help"], ["--help-settings"]):
            done = subprocess.run([str(BODYCAMD), *words], stdout=full,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=60)
            assert done.returncode == 1


# ---- bodycamctl ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments", [
    [], ["nosuch"], ["status", "more"], ["record"], ["record", "begin"], ["record", "stop", "why"],
    ["record", "start", "a", "b"], ["--bus", "other", "status"], ["--timeout", "0", "status"],
    ["--timeout", "5x", "status"], ["--timeout", "99999999999999999999", "status"], ["simulate"],
    ["simulate", "run-for", "-5"], ["simulate", "run-for", "soon"], ["simulate", "dock", "maybe"], ["--nosuch"],
])
def test_ctl_usage(arguments):
    done = subprocess.run([str(BODYCAMCTL), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "usage: bodycamctl" in done.stderr


def test_ctl_commands(daemon):
    d = daemon(clock="real")
    d.wait_for(lambda: d.get("PreEventHeldNs") > 0, "the first pictures")
    assert "state      BUFFERING for" in d.ctl("status").stdout
    assert json.loads(d.ctl("--json", "record", "start", "--why not").stdout) == {"counter": 1, "durable": True,
                                                                                      "missing": ""}
    status = json.loads(d.ctl("--json", "status").stdout)
    assert status["state"] == "RECORDING" and status["recording_name"] == "TEST-1-000001" and status["durable"] is True
    assert set(status) == set(d.status()) and status["store_room_bytes"] > 0
    assert "recording  TEST-1-000001, durable but for the last " in d.ctl("status").stdout
    assert d.ctl("emergency", "start").stdout == "recording 1, durable\n"
    done = d.ctl("--json", "record", "stop", check=False)
    assert done.returncode == 1 and "only its release ends it" in done.stderr
    assert json.loads(done.stdout) == {"error": "an emergency is on; only its release ends it", "status": 1}
    d.ctl("emergency", "release")
    assert json.loads(d.ctl("--json", "record", "stop").stdout) == {}
    assert "post-event" in d.ctl("status").stdout
    d.ctl("simulate", "press", "record")
    d.ctl("simulate", "release", "record")
    assert d.flags == set()
    done = d.ctl("simulate", "release", "record", check=False)
    assert done.returncode == 1 and "is not pressed" in done.stderr
    d.ctl("simulate", "dock", "on")
    assert d.state == "DOCKED"
    d.ctl("simulate", "dock", "off")
    d.ctl("sensors", "off")
    assert d.state == "STANDBY"
    d.ctl("sensors", "on")
    for words in (["run-for", "1000"], ["press", "nosuch"], ["fault", "camera", "fire"]):
        assert d.ctl("simulate", *words, check=False).returncode == 1
    d.ctl("simulate", "fault", "microphone", "stall")
    assert int(d.ctl("simulate", "now").stdout) > 0
    assert d.ctl("record", "start", "x" * 49, check=False).returncode == 1
    assert d.ctl("record", "start", b"\xff", check=False).returncode == 2
    d.terminate()
    assert d.recordings()[0].manifest["reason"] == "command: --why not"


def test_ctl_lets_simulated_time_run(daemon):
    d = daemon()
    began = json.loads(d.ctl("--json", "simulate", "now").stdout)["now_ns"]
    assert int(d.ctl("simulate", "run-for", "3000000000").stdout) == began + 3_000_000_000
    assert int(d.ctl("simulate", "run-until", str(began + 4_000_000_000)).stdout) == began + 4_000_000_000
    assert d.get("Frames") >= 115
