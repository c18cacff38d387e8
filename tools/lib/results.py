# SPDX-License-Identifier: EUPL-1.2
"""Sums the suites' results: the end of what each failed test said, a table, every failed and skipped test by name, and as
the last line the count.

Usage: results.py DIR SUITE...  DIR holds per suite NAME.xml and NAME.waits.xml (CTest's JUnit), NAME.tsv (outcome, test, seconds,
reason: what CTest did not run), NAME.status (CTest's exit status) and NAME.seconds. Exit status 1 when anything
failed or a suite has no result.
"""
import pathlib
import sys
import xml.etree.ElementTree as ET


def skip_reason(case, fallback):
    """The test's own words: its last line that speaks of skipping, else its last line, else CTest's words."""
    lines = [line.strip() for line in (case.findtext("system-out") or "").splitlines() if line.strip()]
    spoken = [line for line in lines if "skip" in line.lower()]
    return (spoken or lines or [fallback])[-1][:200]


LINES, TESTS = 80, 20  # of a failed test, and so many of these


def last_words(path):
    """The end of each failed test's output, under a line of title: who sees only the end of a long log finds the reason."""
    try:
        cases = list(ET.parse(path).getroot().iter("testcase"))
    except ET.ParseError:
        return  # counted as a failure below
    for case in cases:
        if case.find("failure") is not None:
            lines = (case.findtext("system-out") or "").rstrip().splitlines()
            yield "\n".join([f"--- {case.get('name')} ({path.name}), its last lines:"] + lines[-LINES:])


def from_junit(path):
    for case in ET.parse(path).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        failure, skipped = case.find("failure"), case.find("skipped")
        if status == "run" and failure is None:
            yield "pass", name, ""
        elif status == "disabled":
            yield "skip", name, "disabled"
        elif skipped is not None and skipped.get("message", "").startswith("SKIP_"):
            yield "skip", name, skip_reason(case, skipped.get("message"))
        else:
            element = failure if failure is not None else skipped
            yield "fail", name, (element.get("message") if element is not None else "") or status


def from_tsv(path):
    for line in path.read_text().splitlines():
        outcome, name, _, reason = line.split("\t")
        yield outcome, name, reason


def main(argv):
    folder, suites = pathlib.Path(argv[1]), argv[2:]
    total = {"pass": 0, "fail": 0, "skip": 0}
    named = {"fail": [], "skip": []}
    said = [words for suite in suites for suffix in (".xml", ".waits.xml") if (folder / (suite + suffix)).exists()
            for words in last_words(folder / (suite + suffix))]
    print("\n\n".join(said[:TESTS] + [""]) if said else "", end="")
    print(f"{'suite':<12}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for suite in suites:
        found = []
        for suffix, reader in ((".xml", from_junit), (".waits.xml", from_junit), (".tsv", from_tsv)):
            path = folder / (suite + suffix)
            if path.exists():
                try:
                    found += reader(path)
                except ET.ParseError as error:
                    found.append(("fail", f"{suite}: results", f"{path.name}: {error}"))
        status = folder / (suite + ".status")
        if status.exists() and status.read_text().strip() != "0" and not any(f[0] == "fail" for f in found):
            found.append(("fail", f"{suite}: ctest", f"exit status {status.read_text().strip()}"))
        if not found:
            found.append(("fail", f"{suite}: results", "the suite ran no test"))
        count = {outcome: sum(1 for f in found if f[0] == outcome) for outcome in total}
        for outcome, name, reason in found:
            total[outcome] += 1
            if outcome != "pass":
                named[outcome].append(f"  {suite}: {name}" + (f" ({reason})" if reason else ""))
        seconds = folder / (suite + ".seconds")
        print(f"{suite:<12}{count['pass']:>8}{count['fail']:>8}{count['skip']:>9}"
              f"{seconds.read_text().strip() if seconds.exists() else '?':>9}")
    for outcome, title in (("skip", "skipped:"), ("fail", "failed:")):
        if named[outcome]:
            print("\n".join(["", title] + named[outcome]))
    print(f"\n{total['pass']} passed, {total['fail']} failed, {total['skip']} skipped")
    return 1 if total["fail"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
