# SPDX-License-Identifier: EUPL-1.2
"""A software TPM, and the few commands to it that no program of ours has."""

import contextlib
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading

ORDINARY = 0x02040004  # an index that takes and gives its data by a password, without a lockout
NV_WRITE = 0x137
OWNER, NO_SESSION = 0x40000001, bytes.fromhex("40000009 0000 00 0000".replace(" ", ""))


class Tpm:
    """A software TPM with a state of its own; a second start is the same TPM after a power cut."""
    place = "tpm"

    def __init__(self, folder):
        self.state = folder / "tpm"
        self.state.mkdir()
        self.socket = os.path.join(tempfile.mkdtemp(prefix="bc-tpm-"), "socket")  # a socket's path is short
        self.env = {"TPM2OPENSSL_TCTI": f"swtpm:path={self.socket}"}
        self.start()

    def start(self):
        # --daemon returns when the socket is there.
        subprocess.run(["swtpm", "socket", "--tpm2", "--daemon", "--pid", f"file={self.socket}.pid", "--tpmstate", f"dir={self.state}",
                        "--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.socket}.ctrl",
                        "--flags", "not-need-init,startup-clear", "--log", f"file={self.state}/log"], check=True, timeout=60)
        self.running = True

    def pid(self):
        with open(f"{self.socket}.pid") as file:
            return int(file.read())

    def hang(self, hangs=True):
        """It takes commands and does not answer; or answers again."""
        os.kill(self.pid(), signal.SIGSTOP if hangs else signal.SIGCONT)

    def end(self, number=signal.SIGTERM):
        pid = self.pid()
        gone = os.pidfd_open(pid)
        os.kill(pid, number)
        assert select.select([gone], [], [], 60)[0]
        os.close(gone)
        self.running = False

    def uri(self, name="device"):
        return {"device": "handle:0x81000001", "other": "handle:0x81000002"}[name]

    def stop(self):
        if self.running:
            self.hang(False)
            self.end()
        shutil.rmtree(os.path.dirname(self.socket))

    # ---- commands (TPM 2.0 Library, Part 3) --------------------------------------------------------------------

    def command(self, code, handles, parameters):
        """With an empty password. Returns the response's parameters."""
        body = struct.pack(f">{len(handles)}I", *handles) + struct.pack(">I", len(NO_SESSION)) + NO_SESSION + parameters
        with socket.socket(socket.AF_UNIX) as tpm:
            tpm.settimeout(60)
            tpm.connect(self.socket)
            tpm.sendall(struct.pack(">HII", 0x8002, 10 + len(body), code) + body)
            response = tpm.recv(4096)
        status = struct.unpack(">I", response[6:10])[0]
        assert status == 0, hex(status)
        return response[14:]

    def define(self, index, size, attributes=ORDINARY):
        public = struct.pack(">IHIHH", index, 0x000b, attributes, 0, size)
        self.command(0x12a, [OWNER], struct.pack(">HH", 0, len(public)) + public)

    def undefine(self, index):
        self.command(0x122, [OWNER, index], b"")

    def read(self, index, size):
        return self.command(0x14e, [index, index], struct.pack(">HH", size, 0))[2:2 + size]

    def write(self, index, content, at=0):
        self.command(NV_WRITE, [index, index], struct.pack(">H", len(content)) + content + struct.pack(">H", at))


class Manager:
    """Several users of one TPM at once, as the kernel's resource manager has them: swtpm serves one connection at a time.
    While may_write is not set it does not answer who writes an index."""

    def __init__(self, tpm):
        self.folder = tempfile.mkdtemp(prefix="bc-tpm-")
        self.path = os.path.join(self.folder, "socket")
        self.env = {"TPM2OPENSSL_TCTI": f"swtpm:path={self.path}"}
        os.symlink(f"{tpm.socket}.ctrl", f"{self.path}.ctrl")
        self.lock, self.users, self.most = threading.Lock(), 0, 0
        self.writing, self.may_write = threading.Event(), threading.Event()
        self.may_write.set()
        self.tpm = socket.socket(socket.AF_UNIX)
        self.tpm.connect(tpm.socket)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=[self.listener.accept()[0]], daemon=True).start()

    def serve(self, user):
        with self.lock:
            self.users += 1
            self.most = max(self.most, self.users)
        with user, contextlib.suppress(OSError):
            while command := user.recv(4096):
                if struct.unpack(">I", command[6:10])[0] == NV_WRITE:
                    self.writing.set()
                    self.may_write.wait()
                with self.lock:
                    self.tpm.sendall(command)
                    response = self.tpm.recv(4096)
                user.sendall(response)
        with self.lock:
            self.users -= 1

    def stop(self):
        self.listener.close()
        self.tpm.close()
        shutil.rmtree(self.folder)
