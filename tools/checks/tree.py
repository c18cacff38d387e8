# SPDX-License-Identifier: EUPL-1.2
"""What the checks share: the tree's files, C text without comments, findings."""
import argparse
import fnmatch
import functools
import os
import pathlib
import re
import sys

C_FILES = (".c", ".h")
CXX_FILES = (".cc", ".cpp", ".cxx", ".hh", ".hpp")
SKIPPED_FOLDERS = {"build", "__pycache__", ".git"}


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.findings = []

    @functools.cached_property
    def files(self):
        """Every file's path relative to the root, as a string, sorted. No git needed: a copy is checked alike."""
        found = []
        for folder, folders, names in os.walk(self.root):
            top = pathlib.Path(folder) == self.root
            folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS and (not f.startswith(".") or top)]
            found += [os.path.relpath(os.path.join(folder, n), self.root) for n in names]
        return sorted(f for f in found if os.path.isfile(self.root / f) and not os.path.islink(self.root / f))

    def with_suffix(self, *suffixes):
        return [f for f in self.files if f.endswith(suffixes)]

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        """The file's text, or None when it is not text."""
        data = (self.root / path).read_bytes()
        if b"\0" in data:
            return None
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        """C text whose comments, strings and character constants are blanked; line numbers stay."""
        return strip_c(self.text(path) or "")

    @functools.lru_cache(maxsize=None)
    def calls(self, path):
        """{name: offsets} of what C text calls; members are not among it."""
        found = {}
        for match in C_CALL.finditer(self.code(path)):
            found.setdefault(match.group(), []).append(match.start())
        return found

    def find(self, path, line, message):
        self.findings.append(f"{path}:{line}: {message}")


C_TOKENS = re.compile(
    r"""//(?:[^\n\\]|\\.)*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL)
C_CALL = re.compile(r"(?<![\w.])(?<!->)\b\w+(?=\s*\()")


def strip_c(text):
    def blank(match):
        token = match.group()
        hollow = re.sub(r"[^\n]", " ", token)
        return hollow if token.startswith("/") else token[0] + hollow[1:-1] + token[-1]
    return C_TOKENS.sub(blank, text)


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, p) for p in patterns)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def lines(text):
    return enumerate(text.splitlines(), 1)


def main(doc, rules, extra_arguments=None):
    """Runs the rules (name: function of tree and arguments), all or those asked for; exit 1 with what was found."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2], help="the tree to check")
    parser.add_argument("--rule", action="append", choices=sorted(rules), help="only this rule; may be repeated")
    if extra_arguments:
        extra_arguments(parser)
    arguments = parser.parse_args()
    tree = Tree(arguments.root)
    for name in arguments.rule or rules:
        before = len(tree.findings)
        rules[name](tree, arguments)
        for finding in tree.findings[before:]:
            print(f"{finding} [{name}]")
    print(f"{pathlib.Path(sys.argv[0]).name}: {len(tree.findings)} findings", file=sys.stderr)
    return 1 if tree.findings else 0
