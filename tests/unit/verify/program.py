# SPDX-License-Identifier: EUPL-1.2
"""bodycam-verify as it is called: exit statuses, what is printed, other programs' files.

    program.py [EMULATOR] FORGE-RECORDING BODYCAM-VERIFY
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FORGE, VERIFY = sys.argv[1:-1], sys.argv[1:-2] + [sys.argv[-1]]
MOVES = [chr(c) for c in (0x1B, 0x202E, 0x2028, 0xFEFF)]  # cursor, direction, lines, nothing to see


def verify(*words, expect):
    done = subprocess.run(VERIFY + [str(w) for w in words], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != expect:
        sys.exit(f"{words}: status {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
    if expect != 0 and "authentic" in done.stdout.replace('"AUTHENTIC', "").lower():
        sys.exit(f"{words}: status {expect}, and says authentic\n{done.stdout}")
    return done


def check(condition, what):
    if not condition:
        sys.exit(f"not so: {what}")


def check_ledger(at, trust):
    store = at / "ledgered"
    report = json.loads(verify(*trust, "--json", store, expect=0).stdout)
    ledger = report["items"][0]["ledger"]
    check(report["ledger_judged"] and ledger["whole"] and len(ledger["starts"]) == 2, "the ledger in JSON")
    head = ledger["head"]["witness"]
    done = verify(*trust, store, expect=0)
    check(head in done.stdout and "No statement from" in done.stdout and "unless that head" in done.stdout, "head and silence are printed")
    verify(*trust, "--witness", head, store, expect=0)
    heads = at / "heads"
    heads.write_text(f"# seen\n\n{head}\n")
    verify(*trust, "--witness", heads, store, expect=0)
    verify(*trust, "--witness", head.replace(":1:", ":1:1"), store, expect=1)  # a later record
    verify(*trust, "--witness", head.replace("BC-0042", "BC-0043"), store, expect=1)
    verify(*trust, "--witness", head, store / "recordings" / "BC-0042-000031", expect=2)  # no ledger to look in
    heads.write_text(f"{head}\nnonsense\n")
    check("line 2" in verify("--witness", heads, store, expect=3).stderr, "what is wrong with a file of heads")
    for what, expect in (("recordings/BC-0042-000032", 1), ("recordings", 1), ("ledger", 2)):
        shutil.copytree(store, at / "cut")
        shutil.rmtree(at / "cut" / what)
        verify(*trust, at / "cut", expect=expect)
        shutil.rmtree(at / "cut")
    # The newest file: both are whole, and not the same.
    shutil.copytree(store, at / "cut")
    sorted((at / "cut" / "ledger").iterdir())[-1].unlink()
    verify(*trust, at / "cut", expect=0)
    verify(*trust, "--witness", head, at / "cut", expect=1)
    (at / "cut" / "ledger" / "x\x1b[2J").write_text("")
    done = verify(*trust, at / "cut", expect=1)
    check("\x1b" not in done.stdout, "names of the ledger's files are escaped")
    shutil.rmtree(at / "cut")


def check_statuses(at, trust):
    first, second = (at / "whole" / "recordings" / f"BC-0042-0000{n}" for n in (17, 18))
    done = verify(*trust, first, second, expect=0)
    check("Verdict: AUTHENTIC" in done.stdout and done.stdout.count("SHA-256") >= 8, "verdict and hashes are printed")
    check(done.stderr == "", "no progress but on a terminal")
    verify(first, expect=3)
    verify("--trust", at / "rogue.pem", first, expect=1)
    verify("--trust", at / "rogue.pem", *trust, first, expect=0)  # several anchors
    verify(*trust, first / "0001.mp4", expect=2)
    verify(*trust, at / "nothing", expect=3)
    verify(*trust, "/dev/null", expect=3)
    # A store is complete by its ledger alone.
    done = verify(*trust, at / "whole", expect=2)
    check("there is no ledger" in done.stdout, "the store's report says so")
    check_ledger(at, trust)
    verify(*trust, at / "test" / "BC-0042-000019", expect=3)
    done = verify(*trust, "--allow-test", at / "test" / "BC-0042-000019", expect=0)
    check("SIMULATED" in done.stdout and "evidence of nothing" in done.stdout, "what stands in for a camera is said")
    # The worst of several: tampered, cannot be judged, unproven.
    tampered = at / "tampered.mp4"
    content = bytearray((first / "0001.mp4").read_bytes())
    content[len(content) // 2] ^= 1
    tampered.write_bytes(content)
    verify(*trust, tampered, expect=1)
    verify(*trust, first, first / "0001.mp4", expect=2)
    verify(*trust, first / "0001.mp4", at / "nothing", expect=3)
    verify(*trust, first, at / "nothing", tampered, expect=1)
    for jobs in (1, 2, 7):
        verify(*trust, "--jobs", jobs, first, second, first, second, expect=0)


def check_usage(at, trust):
    for words in ([], ["--jobs", "0", at], ["--jobs", "x", at], ["--nonsense"], ["--trust", at / "nothing", at], ["--trust", "/dev/null", at],
                  ["--crl", at / "root.pem", at], ["--witness", "head", at], ["--key", "agency.pem", at]):
        done = verify(*words, expect=3)
        check(done.stdout == "" and done.stderr != "", f"{words} is refused in words")
    check("HASH" in verify("--witness", "x", at, expect=3).stderr, "what --witness takes")
    check("cannot be read" in verify("--key", "x", at, expect=3).stderr, "why --key is refused")
    check("--trust" in verify("--help", expect=0).stdout, "help")
    verify("--version", expect=0)
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(VERIFY + [str(w) for w in (*trust, at / "whole" / "recordings" / "BC-0042-000017")], stdout=full, check=False)
    check(done.returncode == 3, "a verdict that cannot be told is none")


def check_json(at, trust):
    first = at / "whole" / "recordings" / "BC-0042-000017"
    report = json.loads(verify(*trust, "--json", first, expect=0).stdout)
    check(report["status"] == 0 and report["verdict"] == "authentic" and report["ledger_judged"] is False, "verdict in JSON")
    recording = report["items"][0]["recordings"][0]
    check([s["file"] for s in recording["segments"]] == ["0001.mp4", "0002.mp4"], "segments in JSON")
    check(recording["end_ticks"] - recording["first_ticks"] == 18 * 1600, "time span in JSON")
    report = json.loads(verify(*trust, "--json", at / "tampered.mp4", expect=1).stdout)
    findings = report["items"][0]["recordings"][0]["segments"][0]["findings"]
    check(any(f["status"] == 1 and isinstance(f["offset"], int) for f in findings), "findings with offsets in JSON")
    check(json.loads(verify(*trust, "--json", at / "nothing", expect=3).stdout)["status"] == 3, "what is not there, in JSON")


# Rule 23.
def check_texts(at, trust):
    evil = at / "evil" / "BC-0042-000020"
    for words in ([], ["--json"]):
        done = verify(*trust, *words, evil, expect=0)
        check(not any(c in done.stdout for c in MOVES), "texts of a record are escaped")
        check("\\u202e" in done.stdout, "and shown")
    name = evil / "a\x1b[2J\u202e.srt"
    name.write_text("authentic")
    done = verify(*trust, evil, expect=1)
    check(not any(c in done.stdout for c in MOVES) and "\\x1b[2J" in done.stdout, "names of files are escaped")
    name.unlink()


# A folder of all sorts: each thing in it has its own verdict, with the reason; the status is that of the worst.
def check_mixed(at, trust):
    whole = at / "whole" / "recordings"
    mixed = at / "mixed"
    mixed.mkdir()
    shutil.copytree(whole / "BC-0042-000017", mixed / "BC-0042-000017")
    shutil.copytree(whole / "BC-0042-000018", mixed / "copied")  # by another name
    verify(*trust, mixed, expect=0)
    (mixed / "empty.mp4").write_bytes(b"")
    (mixed / "readme.txt").write_text("the files of case 12\n")
    (mixed / "sealed.bcs").write_bytes(b"BCSEALED" + bytes(4000))
    (mixed / "link.mp4").symlink_to("/etc/passwd")
    os.mkfifo(mixed / "pipe.mp4")
    shutil.copytree(at / "whole", mixed / "store")
    report = json.loads(verify(*trust, "--json", mixed, expect=3).stdout)["items"][0]
    verdicts = {r["path"].rsplit("/", 1)[1]: r["status"] for r in report["recordings"]}
    check(verdicts == {"BC-0042-000017": 0, "copied": 0, "empty.mp4": 3, "readme.txt": 3, "sealed.bcs": 3}, f"each for itself: {verdicts}")
    said = " ".join(f["text"] for f in report["findings"])
    for words in ("link.mp4 is a link", "pipe.mp4 is neither", "store is no recording's folder"):
        check(words in said, f"{words!r} in {said}")
    done = verify(*trust, mixed, expect=3)
    check("neither for nor against" not in done.stdout and "innocent" in done.stdout, "what is proven of some of it")
    done = verify(*trust, mixed / "readme.txt", expect=3)
    check("neither for nor against anybody" in done.stdout and "who wore" not in done.stdout, "nothing is proven of a text")
    shutil.copyfile(at / "tampered.mp4", mixed / "other.mp4")
    report = json.loads(verify(*trust, "--json", mixed, expect=1).stdout)["items"][0]
    check([r["status"] for r in report["recordings"] if r["path"].endswith("other.mp4")] == [1], "the one that was changed")
    shutil.rmtree(mixed)
    mixed.mkdir()
    verify(*trust, mixed, expect=3)  # nothing in it


# What another program makes of a segment is not of this format, and is called so: not proven, and not innocent.
def check_remuxed(at, trust):
    segment = at / "whole" / "recordings" / "BC-0042-000017" / "0001.mp4"
    for options in ([], ["-movflags", "+frag_keyframe+empty_moov"]):
        made = at / "remuxed.mp4"
        subprocess.run(["ffmpeg", "-v", "quiet", "-y", "-i", str(segment), "-map", "0:v", "-c", "copy", *options, str(made)], check=False)
        if made.exists() and made.stat().st_size > 0:
            done = verify(*trust, made, expect=3)
            check("not a segment of this format" in done.stdout and "innocent" in done.stdout, "a remuxed file is called what it is")
            made.unlink()
        else:
            sys.exit("ffmpeg made no file")


def main():
    with tempfile.TemporaryDirectory() as folder:
        at = pathlib.Path(folder)
        subprocess.run(FORGE + [folder], check=True)
        trust = ("--trust", at / "root.pem")
        check_statuses(at, trust)
        check_usage(at, trust)
        check_json(at, trust)
        check_texts(at, trust)
        if shutil.which("ffmpeg"):
            check_remuxed(at, trust)
        check_mixed(at, trust)
    print("all as it should be")


main()
