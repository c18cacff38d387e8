# SPDX-License-Identifier: EUPL-1.2
"""The incident that tools/demo plays: drives bodycamd over bodycamctl, as an officer and a control room would."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

TICKS_PER_SECOND = 48000
PRE_EVENT_S = 10
POST_EVENT_S = 3
SETTINGS = """\
[device]
id = DEMO-0001
unit = Unit 12
[store]
path = {store}
[camera]
driver = file
file = {data}/people.mp4
width = 768
height = 576
rate = 10
[microphone]
driver = file
file = {data}/people.mp4
[video]
preset = superfast
bit_rate = 2M
[gnss]
driver = nmea
file = {data}/boat.nmea
[recording]
pre_event = {pre} s
post_event = {post} s
segment = 10 s
[evidence]
key = file:{authority}/device.key
certificates = {authority}/device.pem
anchor = {anchor}
[dbus]
bus = session
"""


def findings(report):
    """All of them, wherever they stand in the report."""
    if isinstance(report, list):
        return [finding for item in report for finding in findings(item)]
    if not isinstance(report, dict):
        return []
    return report.get("findings", []) + [finding for key, item in report.items() if key != "findings" for finding in findings(item)]


def change_byte(path):
    with open(path, "r+b") as film:
        film.seek(os.path.getsize(path) // 2)
        byte = film.read(1)[0]
        film.seek(-1, os.SEEK_CUR)
        film.write(bytes([byte ^ 1]))


def drop_fragment(path):
    """The second one, its record with it: what is left plays. In a finished file fragments lie within its mdat."""
    with open(path, "rb") as film:
        content = film.read()
    starts = [at - 4 for at in range(len(content)) if content[at:at + 4] == b"moof" and content[at + 8:at + 12] == b"mfhd"]
    with open(path, "wb") as film:
        film.write(content[:starts[1]] + content[starts[2]:])


def swap(one, other):
    os.rename(one, one + ".swap")
    os.rename(other, one)
    os.rename(one + ".swap", other)


class Demo:
    def __init__(self, root, out, seconds):
        self.root, self.out, self.seconds = root, os.path.abspath(out), seconds
        self.build = os.path.join(root, "build/release")
        self.store = os.path.join(self.out, "store")
        self.config = os.path.join(self.out, "bodycamd.conf")
        self.log = open(os.path.join(self.out, "bodycamd.log"), "wb")
        self.daemon = self.bus = None

    def program(self, name):
        for folder in ("src/app", f"tools/{name}"):
            path = os.path.join(self.build, folder, name)
            if os.path.exists(path):
                return path
        sys.exit(f"demo: {name} was not built")

    def certify(self):
        """A key and certificates of an authority for tests."""
        self.authority = os.path.join(self.out, "authority")
        done = subprocess.run([os.path.join(self.root, "tools/test-ca"), "--out", self.authority, "--device", "DEMO-0001"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"demo: the test authority: {done.stdout}{done.stderr}")
        self.anchor_of_trust = os.path.join(self.out, "root.pem")
        shutil.copy(os.path.join(self.authority, "root.pem"), self.anchor_of_trust)

    def start_bus(self):
        self.bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1"],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = self.bus.stdout.readline().strip()

    def ctl(self, *words, check=True):
        done = subprocess.run([self.program("bodycamctl"), "--bus", "session", "--json", *words],
                              capture_output=True, text=True)
        if check and done.returncode != 0:
            self.fail(f"bodycamctl {' '.join(words)}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else {}

    def fail(self, text):
        self.log.flush()
        with open(self.log.name, errors="replace") as log:
            tail = log.readlines()[-10:]
        sys.exit(f"demo: {text}\nthe last lines of {self.log.name}:\n{''.join(tail)}")

    def start_daemon(self):
        self.daemon = subprocess.Popen([self.program("bodycamd"), "--config", self.config], stdout=self.log,
                                       stderr=self.log)

    def state(self):
        return self.ctl("status", check=False).get("state", "not running")

    def show(self, seconds, what, until=None):
        """Lets time pass with a line that says what is going on, until the time is over or until() says so."""
        began = time.monotonic()
        interactive = sys.stdout.isatty()
        shown = -1
        while True:
            passed = time.monotonic() - began
            done = until() if until else passed >= seconds
            if interactive or (int(passed) % 5 == 0 and int(passed) != shown) or done:
                shown = int(passed)
                bar = "#" * int(20 * min(1, passed / seconds))
                print(f"\r  {what:<44} [{bar:<20}] {passed:3.0f} s  {self.state():<12}",
                      end="" if interactive and not done else "\n", flush=True)
            if done:
                return
            if self.daemon.poll() is not None:
                self.fail(f"bodycamd ended with status {self.daemon.returncode}")
            if until and passed > seconds * 4 + 30:
                self.fail(f"{what}: not reached in {passed:.0f} s")
            time.sleep(0.25)

    def wait_for(self, seconds, what, *states):
        self.show(seconds, what, until=lambda: self.state() in states)

    def play(self):
        third = self.seconds / 3
        print("The incident")
        self.start_bus()
        self.start_daemon()
        self.wait_for(3, "starting", "BUFFERING")
        self.show(PRE_EVENT_S + 2, "buffering, nothing is recorded")
        self.ctl("record", "start")
        self.show(third, "record pressed")
        self.ctl("emergency", "start")
        self.show(third, "emergency")
        self.ctl("emergency", "release")
        self.show(third, "emergency over, still recording")
        self.ctl("record", "stop")
        self.wait_for(POST_EVENT_S, "stopped, post-event seconds", "BUFFERING")
        self.ctl("record", "start")
        self.show(6, "a second recording")
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()
        print("  killed while recording (SIGKILL): nothing was closed")
        self.start_daemon()
        self.wait_for(5, "started again: recovering", "BUFFERING")
        self.daemon.terminate()
        if self.daemon.wait(30) != 0:
            self.fail(f"bodycamd ended with status {self.daemon.returncode}")

    def recordings(self):
        folder = os.path.join(self.store, "recordings")
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name, "manifest.json")) as file:
                yield os.path.join(folder, name), json.load(file)

    def report(self):
        films = []
        print("\nThe films")
        for folder, manifest in self.recordings():
            before = (manifest["press_ticks"] - manifest["segments"][0]["first_ticks"]) / TICKS_PER_SECOND
            print(f"  {os.path.basename(folder)}: {manifest['state']}, begins {before:.2f} s before the press"
                  f" ({manifest['reason']})")
            for segment in manifest["segments"]:
                path = os.path.join(folder, segment["file"])
                length = (segment["end_ticks"] - segment["first_ticks"]) / TICKS_PER_SECOND
                start = (segment["first_ticks"] - manifest["press_ticks"]) / TICKS_PER_SECOND
                print(f"    {path}  {length:5.2f} s, {segment['bytes'] / 1e6:5.2f} MB, {segment['state']}"
                      f", from {start:+.2f} s")
                films.append((path, start, length))
            for gap in manifest["gaps"] or []:
                start = (gap["from_ticks"] - manifest["press_ticks"]) / TICKS_PER_SECOND
                length = (gap["to_ticks"] - gap["from_ticks"]) / TICKS_PER_SECOND
                frames = f", {gap['count']} frames" if gap["count"] else ""
                print(f"    declared gap: {gap['kind']}, {length:.2f} s from {start:+.2f} s{frames}")
            if before < PRE_EVENT_S:
                self.fail(f"{folder} begins only {before:.2f} s before the press")
        return films

    def verify(self, store):
        """bodycam-verify's exit status and report. The camera is simulated, so what it signs is evidence of nothing: --allow-test."""
        done = subprocess.run([self.program("bodycam-verify"), "--json", "--allow-test", "--trust", self.anchor_of_trust, store],
                              capture_output=True, text=True)
        if done.returncode not in (0, 1, 2):
            self.fail(f"bodycam-verify: {done.stdout[:500]}{done.stderr}")
        return done.returncode, json.loads(done.stdout)

    def tamper(self, what, change):
        """Changes a copy of the store and shows what the verifier says of it."""
        copy = os.path.join(self.out, "tampered")
        shutil.copytree(self.store, copy)
        try:
            change(os.path.join(copy, "recordings"))
            status, report = self.verify(copy)
        finally:
            shutil.rmtree(copy)
        if status == 0:
            self.fail(f"{what}: not noticed")
        worst = max(findings(report), key=lambda f: (f["status"] == status, f.get("offset") is not None), default={"text": "?"})
        print(f"  {what + ':':<28} status {status}, {worst['text'][:150]}")

    def judge(self):
        """What anyone can find out about the store, and about a store that was changed."""
        print("\nThe proof")
        status, _ = self.verify(self.store)
        if status not in (0, 2):
            self.fail(f"the verifier does not accept what was recorded: bodycam-verify --allow-test --trust "
                      f"{self.anchor_of_trust} {self.store}")
        print(f"  {'as it was recorded:':<28} status {status}, " + ("authentic and complete" if status == 0 else "proven but for its end"))
        first = os.path.basename(next(self.recordings())[0])
        last = os.path.basename(list(self.recordings())[-1][0])
        self.tamper("a byte of a picture changed", lambda folder: change_byte(os.path.join(folder, first, "0001.mp4")))
        self.tamper("a fragment dropped", lambda folder: drop_fragment(os.path.join(folder, first, "0001.mp4")))
        self.tamper("two segments swapped", lambda folder: swap(os.path.join(folder, first, "0001.mp4"),
                                                                os.path.join(folder, first, "0002.mp4")))
        self.tamper("a recording deleted", lambda folder: shutil.rmtree(os.path.join(folder, last)))
        print(f"  to see the report: {self.program('bodycam-verify')} --allow-test --trust {self.anchor_of_trust} {self.store}")

    def contact_sheet(self, films):
        """One row of pictures per film, each with its time from the press."""
        columns, rows = 6, []
        for number, (path, start, length) in enumerate(films):
            row = os.path.join(self.out, f"row-{number:02}.png")
            text = f"{os.path.basename(os.path.dirname(path))}/{os.path.basename(path)}  %{{pts\\:flt\\:{start:.3f}}} s"
            drawn = (f"fps={columns}/{length:.3f}:start_time=0:round=down,scale=320:-2,"
                     f"drawtext=text='{text}':fontcolor=white:fontsize=13:box=1:boxcolor=black@0.6:boxborderw=4:x=4:y=h-th-6,"
                     f"tile={columns}x1:padding=2")
            subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-i", path, "-vf", drawn, "-frames:v", "1", row],
                           check=True, stdin=subprocess.DEVNULL)
            rows.append(row)
        sheet = os.path.join(self.out, "contact-sheet.jpg")
        inputs = [word for row in rows for word in ("-i", row)]
        stack = ["-filter_complex", f"vstack=inputs={len(rows)}"] if len(rows) > 1 else []
        subprocess.run(["ffmpeg", "-loglevel", "error", "-y", *inputs, *stack, "-frames:v", "1", "-q:v", "3", sheet],
                       check=True, stdin=subprocess.DEVNULL)
        for row in rows:
            os.remove(row)
        return sheet

    def run(self):
        self.certify()
        with open(self.config, "w") as file:
            file.write(SETTINGS.format(store=self.store, authority=self.authority, anchor=os.path.join(self.out, "anchor"),
                                       data=os.path.join(self.root, "tests/data"),
                                       pre=PRE_EVENT_S, post=POST_EVENT_S))
        try:
            self.play()
        finally:
            for process in (self.daemon, self.bus):
                if process and process.poll() is None:
                    process.kill()
                    process.wait()
        films = self.report()
        self.judge()
        print(f"\nContact sheet, times from the press: {self.contact_sheet(films)}")
        print(f"Settings and log: {self.config}, {self.log.name}")


if __name__ == "__main__":
    Demo(sys.argv[1], sys.argv[2], int(sys.argv[3])).run()
