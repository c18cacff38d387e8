# SPDX-License-Identifier: EUPL-1.2
"""Outside readers of a film: ffprobe/FFmpeg, GStreamer, mpv, headless Chromium. Each plays a file in full and says
how many pictures and how much sound it got out of it. None of our code takes part."""

import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

THUMB = 16  # pictures are counted by their bytes, scaled down to THUMB x THUMB grey


@dataclass
class Reading:
    reader: str
    pictures: int
    sound_s: float  # 0: no sound


def _run(command, timeout=300, **kwargs):
    done = subprocess.run(command, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, **kwargs)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} failed on {command}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done


def packets(path):
    """Every packet as ffprobe lists it: dicts of stream ("video", "audio"), pts_time and duration_time as text,
    flags, size."""
    done = _run(["ffprobe", "-v", "error", "-show_entries",
                 "packet=codec_type,pts,dts,pts_time,duration,flags,size,pos", "-of", "json", path])
    assert not done.stderr, done.stderr.decode()
    return json.loads(done.stdout)["packets"]


def has_sound(path):
    """A sound track with something in it. (GStreamer makes no pad for an empty one, and a pipeline that names it
    waits for ever.)"""
    done = _run(["ffprobe", "-v", "error", "-select_streams", "a", "-count_packets", "-show_entries",
                 "stream=nb_read_packets", "-of", "csv=p=0", path])
    return done.stdout.strip().isdigit() and int(done.stdout) > 0


def ffmpeg(path):
    video = _run(["ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0:v:0", "-vf",
                  f"scale={THUMB}:{THUMB}", "-fps_mode", "passthrough", "-enc_time_base", "1:48000", "-pix_fmt", "gray",
                  "-f", "rawvideo", "-"])
    assert not video.stderr, f"{path}: {video.stderr.decode(errors='replace')}"
    sound = 0.0
    if has_sound(path):
        audio = _run(["ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0:a:0", "-ac", "1", "-ar", "48000",
                      "-f", "s16le", "-"])
        assert not audio.stderr, f"{path}: {audio.stderr.decode(errors='replace')}"
        sound = len(audio.stdout) / 2 / 48000
    return Reading("ffmpeg", len(video.stdout) // (THUMB * THUMB), sound)


def _gst_launch(*pipeline):
    """gst-launch may hang after an error that it has told: the error is the answer."""
    command = ["gst-launch-1.0", "-q", *pipeline]
    end = time.monotonic() + 300
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while True:
            try:
                errors = process.communicate(timeout=10)[1]
                break
            except subprocess.TimeoutExpired as late:
                errors = late.stderr or b""
                if b"ERROR" in errors or time.monotonic() > end:
                    process.kill()
                    break
    if process.returncode != 0:
        raise AssertionError(f"gst-launch-1.0 failed on {command}: {errors.decode(errors='replace')[-2000:]}")


def gstreamer(path):
    with tempfile.TemporaryDirectory() as folder:
        video, audio = os.path.join(folder, "video"), os.path.join(folder, "audio")
        branches = ["demux.video_0", "!", "queue", "!", "h264parse", "!", "avdec_h264", "!", "videoconvert", "!",
                    "videoscale", "!", f"video/x-raw,format=GRAY8,width={THUMB},height={THUMB}", "!",
                    "filesink", f"location={video}"]
        if has_sound(path):
            branches += ["demux.audio_0", "!", "queue", "!", "aacparse", "!", "avdec_aac", "!", "audioconvert", "!",
                         "audioresample", "!", "audio/x-raw,format=S16LE,channels=1,rate=48000", "!", "filesink", f"location={audio}"]
        _gst_launch("filesrc", f"location={path}", "!", "qtdemux", "name=demux", *branches)
        sound = os.path.getsize(audio) / 2 / 48000 if os.path.exists(audio) else 0.0
        return Reading("gstreamer", os.path.getsize(video) // (THUMB * THUMB), sound)


def mpv(path):
    with tempfile.TemporaryDirectory() as folder:
        video, audio = os.path.join(folder, "video"), os.path.join(folder, "audio")
        quiet = ["mpv", "--no-config", "--msg-level=all=error", "--no-terminal", "--hwdec=no"]
        _run([*quiet, "--aid=no", f"--vf=scale={THUMB}:{THUMB},format=gray", "--ovc=rawvideo", "--of=rawvideo",
              f"--o={video}", path])
        sound = 0.0
        if has_sound(path):
            # Not as an encoder: that fills up its last frame of 16384 samples.
            _run([*quiet, "--vid=no", "--audio-channels=mono", "--audio-samplerate=48000", "--audio-format=s16",
                  "--untimed", "--ao=pcm", "--ao-pcm-waveheader=no", f"--ao-pcm-file={audio}", path])
            sound = os.path.getsize(audio) / 2 / 48000
        return Reading("mpv", os.path.getsize(video) // (THUMB * THUMB), sound)


# ---- Chromium --------------------------------------------------------------------------------------------------

PAGE = """<!doctype html><video id=v muted preload=auto></video><script>
const v = document.getElementById('v');
const tell = what => fetch('/result', {method: 'POST', body: JSON.stringify(what)});
async function sound() {
  const bytes = await (await fetch('/film.mp4')).arrayBuffer();
  try { return (await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes)).duration; } catch (e) { return 0; }
}
v.onerror = () => tell({error: v.error.message || String(v.error.code)});
v.onended = async () => {
  const q = v.getVideoPlaybackQuality();
  tell({ended: true, time: v.currentTime, duration: v.duration, width: v.videoWidth, height: v.videoHeight,
        pictures: q.totalVideoFrames, dropped: q.droppedVideoFrames, corrupted: q.corruptedVideoFrames,
        sound: await sound()});
};
v.src = '/film.mp4'; v.playbackRate = RATE; v.play().catch(e => tell({error: String(e)}));
</script>"""


def chromium(path, rate=4, timeout=180):
    """Plays the film in a page at several times its speed; the page reports when it has ended. Returns the report."""
    result, arrived = {}, threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path == "/film.mp4":
                self.send_film()
            elif self.path == "/":
                body = PAGE.replace("RATE", str(rate)).encode()
                self.answer(200, "text/html", body)
            else:
                self.answer(404, "text/plain", b"")

        def send_film(self):
            with open(path, "rb") as file:
                film = file.read()
            wanted = self.headers.get("Range", "")
            if not wanted.startswith("bytes="):
                return self.answer(200, "video/mp4", film)
            first, _, last = wanted[6:].partition("-")
            first, last = int(first), min(int(last) if last else len(film) - 1, len(film) - 1)
            self.answer(206, "video/mp4", film[first:last + 1], f"bytes {first}-{last}/{len(film)}")

        def do_POST(self):
            result.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(200, "text/plain", b"")
            arrived.set()

        def answer(self, status, kind, body, content_range=None):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Accept-Ranges", "bytes")
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                pass

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        profile = tempfile.mkdtemp()
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
             "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={profile}",
             f"http://127.0.0.1:{server.server_address[1]}/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            assert arrived.wait(timeout), f"chromium said nothing about {path} in {timeout} s"
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()
            shutil.rmtree(profile, ignore_errors=True)
    return result


READERS = (ffmpeg, gstreamer, mpv)
