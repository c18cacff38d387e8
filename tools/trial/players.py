# SPDX-License-Identifier: EUPL-1.2
"""The outside readers of the trial: what each of them makes of a file."""
import http.server
import json
import pathlib
import re
import subprocess
import tempfile
import threading

HERE = pathlib.Path(__file__).parent


def output(*command, timeout=300):
    done = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, timeout=timeout)
    return done.stdout


def ffprobe_packets(path, track):
    """(pts, size, key, hash) of each packet, in ticks of the file."""
    text = output("ffprobe", "-v", "error", "-select_streams", track, "-show_data_hash", "MD5", "-show_entries",
                  "packet=pts,size,flags,data_hash", "-of", "json", path)
    return [(p.get("pts"), int(p["size"]), p["flags"][0] == "K", p["data_hash"]) for p in json.loads(text)["packets"]]


def ffprobe_counts(path):
    """Packets per track, without looking at the time; -1 when the file does not open."""
    done = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets",
                           "-of", "csv=p=0", str(path)], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        return [-1, -1]
    return [0 if line.startswith("N/A") else int(line.strip(",")) for line in done.stdout.split()]


def gstreamer_times(path):
    """Running times in ns, of picture and sound."""
    pads = gstreamer_pads(path)
    return [pads.get("video_0", []), pads.get("audio_0", [])]


def gstreamer_pads(path):
    """Running times in ns, per pad of the demultiplexer."""
    found = json.loads(output("/usr/bin/python3", HERE / "gst_times.py", path))
    if found["error"]:
        raise RuntimeError(f"GStreamer: {found['error']}")
    return found["pads"]


def mpv(path):
    """(start of sound minus start of picture in s as mpv says it, played to the end)."""
    done = subprocess.run(["mpv", "--no-config", "--vo=null", "--ao=null", "--ao-null-untimed", "--untimed", "-v", str(path)],
                          capture_output=True, text=True, timeout=120)
    text = done.stdout + done.stderr
    delay = re.search(r"delaying audio start (-?[\d.]+) vs. (-?[\d.]+)", text)
    ended = "Exiting... (End of file)" in text and not re.search(r"\[ffmpeg.*(error|invalid)", text, re.I)
    return (float(delay[1]) - float(delay[2]) if delay else None), ended


# Plays every file at once, to its end; listens for the first beep and notes the picture's time then.
PAGE = """<!doctype html><meta charset="utf-8"><script>
const files = %s;
const context = new AudioContext();
async function play(name) {
  const video = document.createElement('video');
  video.src = name; video.playsInline = true; video.preload = 'auto'; document.body.append(video);
  const analyser = context.createAnalyser(); analyser.fftSize = 256;
  context.createMediaElementSource(video).connect(analyser); analyser.connect(context.destination);
  const samples = new Float32Array(256);
  let onset = null;
  const listen = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    if (onset === null && samples.some(s => Math.abs(s) > 0.2)) onset = video.currentTime;
  }, 4);
  const ended = new Promise(resolve => {
    video.onended = () => resolve('ended');
    video.onerror = () => resolve('error ' + video.error.code + ' ' + video.error.message);
    setTimeout(() => resolve('time-out at ' + video.currentTime), %d);
  });
  video.play().catch(() => {});
  const end = await ended;
  clearInterval(listen);
  const quality = video.getVideoPlaybackQuality();
  return {name, end, onset, duration: video.duration, at: video.currentTime, width: video.videoWidth,
          frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames};
}
onload = async () => {
  await context.resume();
  const results = await Promise.all(files.map(play));
  await fetch('/results', {method: 'POST', body: JSON.stringify(results)});
};
</script><body></body>"""


def chromium(paths, seconds):
    """Plays the files in headless Chromium; results by path."""
    names = {f"/{i}.mp4": pathlib.Path(p) for i, p in enumerate(paths)}
    page = (PAGE % (json.dumps(list(names)), seconds * 1000)).encode()
    results, arrived = [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, kind, body, **headers):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path not in names:
                self.answer(200, "text/html", page)
                return
            body = names[self.path].read_bytes()
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not wanted:
                self.answer(200, "video/mp4", body, Accept_Ranges="bytes")
                return
            first, last = int(wanted[1]), min(int(wanted[2] or len(body) - 1), len(body) - 1)
            if first > last:
                self.answer(416, "text/plain", b"", Content_Range=f"bytes */{len(body)}")
                return
            self.answer(206, "video/mp4", body[first:last + 1], Accept_Ranges="bytes",
                        Content_Range=f"bytes {first}-{last}/{len(body)}")

        def do_POST(self):
            results.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(200, "text/plain", b"")
            arrived.set()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as profile:
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={profile}",
             f"http://127.0.0.1:{server.server_port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        arrived.wait(seconds + 60)
        browser.terminate()
        browser.wait(20)
    server.shutdown()
    return {str(names[r["name"]]): r for r in results}
