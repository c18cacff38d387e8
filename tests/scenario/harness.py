# SPDX-License-Identifier: EUPL-1.2
"""Runs bodycamd as a whole: private bus, settings, simulated or real clock, commands over D-Bus, what lies in the
store afterwards.

    with Daemon(folder) as daemon:              # pattern camera, tone, simulated clock that stands
        daemon.run_for(10)                      # ten seconds of media time
        counter, durable = daemon.record_start("test")
        daemon.run_for(5)
        daemon.record_stop()
        daemon.run_until_state("BUFFERING")
    recording, = daemon.recordings()

Simulated time stands unless run_for() or run_until() let it run, so nothing here sleeps. With a real clock
(clock="real") the wait_ functions wait for signals of the daemon. Leaving the block ends the daemon by SIGTERM and
insists on exit status 0, unless it was ended before.
"""

import atexit
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from gi.repository import Gio, GLib

NS = 1_000_000_000
TICKS = 48_000  # of a manifest, a second
NAME = "org.bodycam.Recorder1"
PATH = "/org/bodycam/Recorder1"
RECORDER = "org.bodycam.Recorder1"
SIMULATION = "org.bodycam.Simulation1"
REFUSED = "org.bodycam.Error.Refused"

SOURCE = pathlib.Path(os.environ.get("BC_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("BC_BUILD_DIR", SOURCE / "build/dev"))
BODYCAMD = BUILD / "src/app/bodycamd"
BODYCAMCTL = BUILD / "tools/bodycamctl/bodycamctl"
VERIFY = BUILD / "tools/bodycam-verify/bodycam-verify"
PATTERN_DUMP = BUILD / "tests/lib/pattern-dump"
DATA = SOURCE / "tests/data"
LONG = bool(os.environ.get("BC_LONG"))


def share(few, usual, everything):
    """How much of what is random or has no end: as tests/lib/counts.h has it."""
    return everything if LONG else few if os.environ.get("BC_SHORT") else usual


# Real seconds that an answer may take, sanitizers and a busy machine included.
PATIENCE_S = 120

# What a test does not say otherwise: small pictures, quick to encode.
DEFAULTS = {
    "device": {"id": "TEST-1"},
    "camera": {"driver": "pattern", "width": 320, "height": 240, "rate": 30},
    "microphone": {"driver": "tone"},
    "video": {"preset": "ultrafast", "bit_rate": "1M", "threads": 1},
    "recording": {"pre_event": "5 s", "post_event": "2 s", "segment": "10 s"},
    "simulation": {"enabled": "yes"},
    "dbus": {"bus": "session"},
    "overlay": {"contents": ""},  # the pattern camera's card has all of the picture
}
CLOCKS = {
    "simulated": {"mode": "simulated", "start": "100 s", "start_held": "yes"},
    "free": {"mode": "simulated", "start": "100 s", "start_held": "no"},  # as fast as the machine can
    "real": {"mode": "real"},
}


class Refused(Exception):
    """The daemon refused a call; the text is its reason."""


class CallFailed(Exception):
    """A call failed otherwise; .name is the D-Bus error's name."""

    def __init__(self, name, text):
        super().__init__(f"{name}: {text}")
        self.name = name


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def processes_of_session(session):
    """Processes alive in a session that is nobody else's."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = stat.read_text().rsplit(")", 1)
        except OSError:
            continue  # ended meanwhile
        state, _, _, of_session = fields.split()[:4]
        if int(of_session) == session and state not in "ZX":
            found[int(stat.parent.name)] = name.split("(", 1)[1]
    return found


class Bus:
    """A private bus that can be taken down and put up again at the same address."""

    POLICY = '<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>'

    def __init__(self, policy=POLICY, start=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bc-bus-"))
        self.address = f"unix:path={self.folder}/socket"
        (self.folder / "bus.conf").write_text(
            "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN' "
            "'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>\n"
            f"<busconfig><type>session</type><listen>{self.address}</listen><auth>EXTERNAL</auth>"
            f"<policy context='default'>{policy}</policy></busconfig>\n")
        self.process = None
        if start:
            self.start()

    def start(self):
        (self.folder / "socket").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self.folder}/bus.conf", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline(), "dbus-daemon does not start"

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Recording:
    """One folder of the store."""

    def __init__(self, folder):
        self.folder = folder
        self.name = folder.name
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.state = self.manifest["state"]
        self.gaps = self.manifest["gaps"] or []
        self.segments = self.manifest["segments"]
        self.files = [folder / s["file"] for s in self.segments]
        press = self.manifest["press_ticks"]
        self.press_s = None if press is None else press / TICKS  # not known: killed before it was written

    @property
    def first_s(self):
        return self.segments[0]["first_ticks"] / TICKS

    @property
    def end_s(self):
        return self.segments[-1]["end_ticks"] / TICKS

    def gaps_of(self, kind):
        return [g for g in self.gaps if g["kind"] == kind]

    def __repr__(self):
        return f"{self.name} {self.state} {self.first_s:.3f}..{self.end_s:.3f} s, {len(self.files)} files"


def probe(path):
    """What ffprobe says of a file: its JSON of format and streams. Any complaint of ffprobe fails the test."""
    done = subprocess.run(["ffprobe", "-v", "error", "-show_format", "-show_streams", "-count_packets", "-of", "json",
                           str(path)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and not done.stderr, f"{path}: {done.stderr}"
    return json.loads(done.stdout)


def pattern(path):
    """What a film of the pattern camera shows: (pictures, beeps), see tests/lib/pattern_dump.c."""
    done = subprocess.run([str(PATTERN_DUMP), str(path)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{path}: {done.stderr}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [x for x in lines if x["kind"] == "picture"], [x for x in lines if x["kind"] == "beep"]


@functools.cache
def authority():
    """Folder of a test authority's root.pem and of the devices' keys and certificates; of this process alone."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bc-authority-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def identity(device):
    """Settings of [evidence] with a key and certificates of its own for this device; the anchor is still missing."""
    folder = authority()
    # A name as the certificate may have it is the file's; a further device is issued by the same root.
    subprocess.run([SOURCE / "tools/test-ca", "--out", folder, "--device", device, "--name", device], check=True,
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return {"key": f"file:{folder}/{device}.key", "certificates": folder / f"{device}.pem"}


def verify(*paths, arguments=()):
    """bodycam-verify of recordings or files, against the test authority: exit status and the report's JSON."""
    done = subprocess.run([VERIFY, "--json", "--allow-test", "--trust", authority() / "root.pem", *arguments, *paths],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode in (0, 1, 2, 3), done.stderr
    return done.returncode, json.loads(done.stdout)


def findings(report, at=""):
    """Of a report of bodycam-verify, wherever they stand: a line each."""
    if isinstance(report, list):
        return [line for i, item in enumerate(report) for line in findings(item, f"{at}[{i}]")]
    if not isinstance(report, dict):
        return []
    at = next((str(report[key]) for key in ("path", "file", "name") if key in report), at)
    lines = [f"{at}: {json.dumps(f)}" for f in report.get("findings", [])]
    return lines + [line for key, item in report.items() if key != "findings" for line in findings(item, at)]


def write_settings(path, settings, clock="simulated"):
    """Settings {section: {key: value}} over DEFAULTS; a value None leaves the key out."""
    merged = {section: dict(keys) for section, keys in DEFAULTS.items()}
    merged["clock"] = dict(CLOCKS[clock])
    merged["utc"] = {"driver": "system"} if clock == "real" else {"driver": "simulated", "start": "2026-11-26T01:12:14Z"}
    for section, keys in settings.items():
        merged.setdefault(section, {}).update(keys)
    device = merged["device"].get("id")
    if "evidence" not in settings and re.fullmatch("[A-Za-z0-9-]{1,32}", device or ""):
        merged["evidence"] = {**identity(device), "anchor": pathlib.Path(path).absolute().parent / "anchor"}
    lines = []
    for section, keys in merged.items():
        lines += [f"[{section}]"] + [f"{key} = {value}" for key, value in keys.items() if value is not None]
    pathlib.Path(path).write_text("\n".join(lines) + "\n")


def run_bodycamd(*arguments, env=None, timeout=PATIENCE_S):
    """Runs it to its end: for --check, and for what must not start."""
    return subprocess.run([str(BODYCAMD), *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


class Daemon:
    """bodycamd with settings, on a bus of its own unless given one (bus=None in settings: see DEFAULTS)."""

    def __init__(self, folder, settings=None, clock="simulated", bus=None, env=None, wrapper=(), start=True,
                 program=None):
        self.folder = pathlib.Path(folder)
        self.program = program or BODYCAMD
        self.store = self.folder / "store"
        self.config = self.folder / "bodycamd.conf"
        self.log_path = self.folder / "bodycamd.log"
        self.clock = clock
        self.own_bus = bus is None
        self.bus = bus or Bus()
        self.env = env or {}
        self.wrapper = list(wrapper)
        self.process = self.connection = None
        self.signals = []  # (member, arguments), in order
        self.judged = True  # by bodycam-verify, in the end
        self.shortened = set()  # recordings whose end a test took off the card, durable or not
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure(settings or {})
        if start:
            self.start()

    # ---- the process -------------------------------------------------------------------------------------------

    def configure(self, settings):
        write_settings(self.config, {**settings, "store": {"path": self.store, **settings.get("store", {})}}, self.clock)

    def start(self, wait=True):
        """Starts it; waits until it is on the bus and recovery is done."""
        self.log = open(self.log_path, "ab")
        env = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.bus.address, **self.env}
        self.process = subprocess.Popen([*self.wrapper, str(self.program), "--config", str(self.config)], env=env,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        start_new_session=True)
        if wait:
            self.connect()
            self.wait_for(lambda: self.get("State") != "STARTING", "recovery")

    def connect(self):
        """Connects to the bus (once) and waits until the daemon is there."""
        if not self.connection:
            flags = Gio.DBusConnectionFlags
            self.connection = Gio.DBusConnection.new_for_address_sync(
                self.bus.address, flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION, None, None)
            self.connection.set_exit_on_close(False)
            self.connection.signal_subscribe(NAME, None, None, PATH, None, Gio.DBusSignalFlags.NONE, self.on_signal)
            self.connection.signal_subscribe("org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", None,
                                             NAME, Gio.DBusSignalFlags.NONE, lambda *_: None)
        self.wait_for(self.is_on_bus, f"{NAME} on the bus")

    def disconnect(self):
        if self.connection and not self.connection.is_closed():
            self.connection.close_sync(None)
        self.connection = None

    def is_on_bus(self):
        if self.process.poll() is not None:
            raise AssertionError(f"bodycamd ended with status {self.process.returncode}\n{self.log_text()}")
        return self.call_bus("NameHasOwner", GLib.Variant("(s)", (NAME,)))[0]

    def call_bus(self, method, arguments):
        reply = self.connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                          method, arguments, None, Gio.DBusCallFlags.NONE, PATIENCE_S * 1000, None)
        return reply.unpack()

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self):
        """Power off: SIGKILL."""
        self.process.kill()
        self.process.wait()
        self.ended()

    def terminate(self, status=0):
        """SIGTERM; insists on the exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.wait_exit(status)

    def wait_exit(self, status=0):
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"bodycamd does not end\n{self.log_text()}") from None
        code = self.process.returncode
        self.ended()
        assert code == status, f"bodycamd ended with status {code}, not {status}\n{self.log_text()}"

    def ended(self):
        left = processes_of_session(self.process.pid)
        self.process = None
        self.log.close()
        self.disconnect()
        assert not left, f"bodycamd left processes behind: {left}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if self.process and kind is None:
                self.terminate()
            elif self.process:
                self.kill()
        finally:
            self.disconnect()
            if self.own_bus:
                self.bus.close()
            if kind is not None:
                print(self.log_text())

    # ---- calls and signals -------------------------------------------------------------------------------------

    def on_signal(self, _connection, _sender, _path, _interface, member, arguments):
        self.signals.append((member, arguments.unpack()))

    def later(self, interface, method, signature="()", *arguments, timeout=PATIENCE_S):
        """Sends a call and returns at once. .done, and .result() once it is answered."""
        return Call(self, interface, method, GLib.Variant(signature, arguments), timeout)

    def call(self, interface, method, signature="()", *arguments, timeout=PATIENCE_S):
        call = self.later(interface, method, signature, *arguments, timeout=timeout)
        self.wait_for(lambda: call.done, method, timeout + 5)
        return call.result()

    def wait_for(self, condition, what, timeout=PATIENCE_S):
        """Waits for a condition, looking again whenever something arrives from the bus."""
        context = GLib.MainContext.default()
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"{what}: not within {timeout} s\n{self.log_text()}"
            source = GLib.timeout_source_new(int(min(left, 0.5) * 1000) + 1)
            source.set_callback(lambda *_: False)
            source.attach(context)
            context.iteration(True)
            source.destroy()

    # ---- Recorder1 ---------------------------------------------------------------------------------------------

    def get(self, name):
        return self.call("org.freedesktop.DBus.Properties", "Get", "(ss)", RECORDER, name)[0]

    def status(self):
        """All properties, with keys as bodycamctl --json has them: state, flags, recording_counter, ..."""
        properties, = self.call("org.freedesktop.DBus.Properties", "GetAll", "(s)", RECORDER)
        return {snake(name): value for name, value in properties.items()}

    @property
    def state(self):
        return self.get("State")

    @property
    def flags(self):
        return set(self.get("Flags"))

    def edges(self):
        """The states told by PropertiesChanged so far, in order."""
        return [a[1]["State"] for member, a in self.signals if member == "PropertiesChanged" and "State" in a[1]]

    def alarms(self):
        return [a[0] for member, a in self.signals if member == "Alarm"]

    def record_start(self, reason=""):
        return self.start_answered("RecordStart", reason)[:2]

    def emergency_start(self, reason=""):
        return self.start_answered("EmergencyStart", reason)[:2]

    def start_answered(self, method, reason):
        """(counter, durable, what is missing). On a simulated clock lets time run, in small steps, until the answer comes."""
        call = self.later(RECORDER, method, "(s)", reason)
        if self.clock == "simulated":
            self.now()  # the call was taken before this one
            for _ in range(30):
                if call.done:
                    break
                self.run_for(0.1)
        self.wait_for(lambda: call.done, method)
        return call.result()

    def record_stop(self):
        self.call(RECORDER, "RecordStop")

    def emergency_release(self):
        self.call(RECORDER, "EmergencyRelease")

    # ---- Simulation1 -------------------------------------------------------------------------------------------

    def now(self):
        """Media time in ns."""
        return self.call(SIMULATION, "Now")[0]

    def run_for(self, seconds, timeout=PATIENCE_S):
        """Lets simulated time run; returns when it stands again and every thread waits. Returns media time in ns."""
        return self.call(SIMULATION, "RunFor", "(x)", round(seconds * NS), timeout=timeout)[0]

    def run_until(self, time_ns, timeout=PATIENCE_S):
        return self.call(SIMULATION, "RunUntil", "(x)", time_ns, timeout=timeout)[0]

    def run_until_state(self, state, within_s=60):
        """Lets simulated time run, in steps of 0.1 s, until the state is there."""
        for _ in range(within_s * 10):
            if self.state == state:
                return
            self.run_for(0.1)
        raise AssertionError(f"{state}: not within {within_s} s of media time\n{self.log_text()}")

    def run_until_closed(self, within_s=60):
        """Lets simulated time run until every recording is closed."""
        for _ in range(within_s * 10):
            if self.get("Unclosed") == 0:
                return
            self.run_for(0.1)
        raise AssertionError(f"not closed within {within_s} s of media time\n{self.log_text()}")

    def wait_for_state(self, state, timeout=PATIENCE_S):
        """Real time: waits until the state is there."""
        self.wait_for(lambda: self.state == state, state, timeout)

    def press(self, button="record"):
        """A short press."""
        self.push(button)
        self.let_go(button)

    def push(self, button="record"):
        self.call(SIMULATION, "PressButton", "(sb)", button, True)

    def let_go(self, button="record"):
        self.call(SIMULATION, "PressButton", "(sb)", button, False)

    def hold(self, seconds, *buttons):
        """Simulated time: all of them are pressed for so long."""
        for button in buttons or ("record",):
            self.push(button)
        self.run_for(seconds)
        for button in buttons or ("record",):
            self.let_go(button)

    def set_battery(self, percent, minutes=-1, charging=False):
        self.call(SIMULATION, "SetBattery", "(xxb)", percent, minutes, charging)

    def indications(self):
        """What lights, tone and vibration did since the last call: (media time in ns, lights, tone in Hz, vibration)."""
        return self.call(SIMULATION, "Indications")[0]

    def set_utc(self, utc_ns, source="ntp", uncertainty_ns=20_000_000):
        """Sets the simulated wall clock."""
        self.call(SIMULATION, "SetUtc", "(xsx)", utc_ns, source, uncertainty_ns)

    def set_fault(self, sensor, fault):
        self.call(SIMULATION, "SetFault", "(ss)", sensor, fault)

    def dock(self, docked=True):
        self.call(SIMULATION, "Dock", "(b)", docked)

    # ---- the store ---------------------------------------------------------------------------------------------

    def insist_on_evidence(self):
        """Nothing that the daemon left in its store looks tampered with. A test that tampers says judged = False."""
        folder = self.store / "recordings"
        signed = "[evidence]" in self.config.read_text() if self.config.exists() else False
        paths = sorted(folder.iterdir()) if signed and self.judged and folder.is_dir() else []
        # One that came to nothing has nothing to judge, and what is no recording neither.
        paths = [path for path in paths if (path / "manifest.json").is_file() and any(path.glob("*.mp4"))]
        if not paths:
            return
        _, report = verify(*paths)
        for item in report["items"]:
            shortened = pathlib.Path(item["path"]).name in self.shortened and item["status"] == 1
            worst = [f for f in findings(item) if '"status": 1' in f]
            assert item["status"] in (0, 2) or shortened and all("recovery found less than the device" in f for f in worst), \
                f"bodycam-verify: {item['status']}\n" + "\n".join(findings(item))

    def recordings(self):
        """What lies in the store, in order."""
        folder = self.store / "recordings"
        return [Recording(f) for f in sorted(folder.iterdir())] if folder.exists() else []

    def ctl(self, *arguments, check=True):
        """Runs bodycamctl on this bus; with check insists on exit status 0."""
        done = subprocess.run([str(BODYCAMCTL), "--bus", "session", *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S,
                              env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.bus.address})
        assert not check or done.returncode == 0, f"bodycamctl {arguments}: {done}"
        return done


class Call:
    """A call under way."""

    def __init__(self, daemon, interface, method, arguments, timeout):
        self.answer = self.error = None
        daemon.connection.call(NAME, PATH, interface, method, arguments, None, Gio.DBusCallFlags.NO_AUTO_START,
                               int(timeout * 1000), None, self.on_answer)

    def on_answer(self, connection, result):
        try:
            self.answer = connection.call_finish(result).unpack()
        except GLib.Error as error:
            self.error = error

    @property
    def done(self):
        return self.answer is not None or self.error is not None

    def result(self):
        if self.error is None:
            return self.answer
        name = Gio.DBusError.get_remote_error(self.error) or self.error.domain
        Gio.DBusError.strip_remote_error(self.error)
        if name == REFUSED:
            raise Refused(self.error.message)
        raise CallFailed(name, self.error.message)
