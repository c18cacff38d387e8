# SPDX-License-Identifier: EUPL-1.2
"""Plants a violation of every rule of tools/checks in a copy of the tree and asserts that the rule finds it there."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPDX = "// SPDX-License-Identifier: EUPL-1.2\n"


def run(tool, *arguments, root):
    return subprocess.run([sys.executable, root / "tools" / "checks" / tool, "--root", root, *arguments],
                          capture_output=True, text=True)


class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="bc-checks-")
        cls.root = pathlib.Path(cls.folder.name) / "tree"
        shutil.copytree(ROOT, cls.root, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def plant(self, path, text):
        """Writes a file into the copy for the length of one test; a file that was there comes back."""
        target = self.root / path
        before = target.read_bytes() if target.exists() else None
        made = [p for p in target.parents if not p.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

        def restore():
            if before is None:
                target.unlink()
            else:
                target.write_bytes(before)
            for folder in made:
                shutil.rmtree(folder, ignore_errors=True)
        self.addCleanup(restore)

    def caught(self, tool, rule, place, words, *arguments):
        """The rule ends with 1 and names the place with these words."""
        result = run(tool, "--rule", rule, *arguments, root=self.root)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        lines = [line for line in result.stdout.splitlines() if line.startswith(place + ":") and words in line]
        self.assertTrue(lines, f"nothing about {place} with {words!r} in:\n{result.stdout}{result.stderr}")

    def passes(self, tool, rule, place, *arguments):
        """The rule finds nothing at this place."""
        result = run(tool, "--rule", rule, *arguments, root=self.root)
        self.assertNotIn(place, result.stdout)
        self.assertIn(result.returncode, (0, 1), result.stderr)


class Layers(Planted):
    # who includes, whom, what the finding must say
    FORBIDDEN = [
        ("src/base/planted.c", "media/planted.h", "base must not include media"),
        ("src/format/planted.c", "base/planted.h", "format must not include base"),
        ("src/media/planted.c", "evidence/planted.h", "media must not include evidence"),
        ("src/evidence/planted.c", "media/planted.h", "evidence must not include media"),
        ("src/verify/planted.c", "evidence/planted.h", "verify must not include evidence"),
        ("src/link/planted.c", "media/planted.h", "link must not include media"),
        ("src/control/planted.c", "file/planted.h", "control must not include drivers/file"),
        ("src/control/planted.c", "app/planted.h", "control must not include app"),
        ("drivers/file/planted.c", "media/planted.h", "drivers/file must not include media"),
        ("drivers/file/planted.c", "pattern/planted.h", "drivers/file must not include drivers/pattern"),
        ("drivers/alsa/planted.c", "simulated/planted.h", "drivers/alsa must not include drivers/simulated"),
        ("tools/bodycamctl/planted.c", "control/planted.h", "tools/bodycamctl must not include control"),
        ("tests/unit/evidence/planted.c", "media/planted.h", "tests/unit/evidence must not include media"),
        ("src/media/planted.c", "checks/planted.h", "media must not include tests"),
    ]
    ALLOWED = [
        ("src/media/planted.c", "base/planted.h"),
        ("src/evidence/planted.c", "format/planted.h"),
        ("src/control/planted.c", "media/planted.h"),
        ("src/app/planted.c", "file/planted.h"),
        ("drivers/file/planted.c", "base/planted.h"),
        ("drivers/file/planted.c", "simulated/planted.h"),
        ("tests/unit/evidence/planted.c", "format/planted.h"),
    ]

    def header_of(self, name):
        part = name.split("/")[0]
        folder = "drivers" if part in ("file", "pattern", "simulated", "alsa") else "tests" if part == "checks" else "src"
        self.plant(f"{folder}/{name}", SPDX)

    def test_parts(self):
        for path, name, words in self.FORBIDDEN:
            with self.subTest(path=path, name=name):
                self.header_of(name)
                self.plant(path, f'{SPDX}\n#include "{name}"\n')
                self.caught("layers", "parts", f"{path}:3", words)
                self.doCleanups()
        for path, name in self.ALLOWED:
            with self.subTest(path=path, name=name):
                self.header_of(name)
                self.plant(path, f'{SPDX}\n#include "{name}"\n')
                self.passes("layers", "parts", path)
                self.doCleanups()

    def test_contract_includes_a_layer(self):
        self.header_of("base/planted.h")
        self.plant("include/bodycam/planted.h", SPDX + '#include "base/planted.h"\n')
        self.caught("layers", "parts", "include/bodycam/planted.h:2", "include must not include base")

    def test_evasions(self):
        self.header_of("media/planted.h")
        for line, words in (('#include "../media/planted.h"', "leaves its folder"),
                            ('#  include   "media/planted.h"', "base must not include media"),
                            ("#include BC_SOMEWHERE", "computed #include"),
                            ('#include "not/there.h"', "is not in this tree")):
            with self.subTest(line=line):
                self.plant("src/base/planted.c", f"{SPDX}{line}\n")
                self.caught("layers", "parts", "src/base/planted.c:2", words)

    def test_comment_is_no_include(self):
        self.plant("src/base/planted.c", SPDX + '/*\n#include "media/planted.h"\n*/\n')
        self.passes("layers", "parts", "src/base/planted.c")

    def test_unknown_part(self):
        self.plant("src/misc/planted.h", SPDX)
        self.plant("src/misc/planted.c", SPDX + '#include "misc/planted.h"\n')
        self.caught("layers", "parts", "src/misc/planted.c:2", "does not know the part misc")

    def test_libraries(self):
        for path, name in (("src/base/planted.c", "libavcodec/avcodec.h"), ("src/media/planted.c", "systemd/sd-bus.h"),
                           ("drivers/file/planted.c", "alsa/asoundlib.h"), ("src/control/planted.c", "systemd/sd-event.h"),
                           ("src/base/planted.c", "curl/curl.h"), ("src/media/planted.c", "vector"),
                           ("include/bodycam/planted.h", "sys/stat.h")):
            with self.subTest(path=path, name=name):
                self.plant(path, f"{SPDX}#include <{name}>\n")
                self.caught("layers", "libraries", f"{path}:2", f"<{name}>")
                self.doCleanups()
        self.plant("src/base/planted.c", SPDX + "#include <stdint.h>\n#include <sys/stat.h>\n")
        self.passes("layers", "libraries", "src/base/planted.c")

    def test_languages(self):
        self.plant("src/media/planted.cc", SPDX)
        self.caught("layers", "languages", "src/media/planted.cc:1", "C++ outside")
        self.plant("drivers/libcamera/planted.cc", SPDX)
        self.passes("layers", "languages", "drivers/libcamera/planted.cc")


class Headers(Planted):
    def test_contracts(self):
        path = "include/bodycam/planted.h"
        for text, words in (("int bc_planted(uint32_t x);\n", "uint32_t"),           # forgot <stdint.h>
                            ("struct bc_planted { int class; };\n", "-std=c++17"),   # a C++ keyword
                            ("int bc_planted();\n", "-std=c17"),                     # not a prototype in C17
                            ("struct bc_planted { int x; };\n", "does not compile")):  # no guard
            with self.subTest(text=text):
                self.plant(path, SPDX + text)
                self.caught("headers", "contracts", f"{path}:1", words)

    def test_internal(self):
        self.plant("src/base/planted.h", SPDX + "int bc_planted(size_t x);\n")
        self.caught("headers", "internal", "src/base/planted.h:1", "size_t")


class Source(Planted):
    def test_spdx(self):
        for path in ("src/base/planted.c", "drivers/planted/CMakeLists.txt", "tools/lib/planted.py"):
            with self.subTest(path=path):
                self.plant(path, "\n")
                self.caught("source", "spdx", f"{path}:1", "SPDX-License-Identifier")
        self.plant("tools/planted", "#!/bin/sh\necho\n")
        self.caught("source", "spdx", "tools/planted:1", "SPDX-License-Identifier")

    def test_length(self):
        self.plant("src/base/planted.c", SPDX + "\n" * 599)
        self.passes("source", "length", "src/base/planted.c")
        self.plant("src/base/planted.c", SPDX + "\n" * 600)
        self.caught("source", "length", "src/base/planted.c:601", "601 lines")

    def test_calls(self):
        for call in ("strcpy(a, b)", "strncpy(a, b, 1)", "sprintf(a, b)", "strcat(a, b)", "gets(a)", "atoi(a)",
                     "sscanf(a, b)", "alloca(1)", "system(a)", "popen(a, b)", "usleep(1)", "sleep (1)",
                     "nanosleep(&a, 0)", "rand()", "mktemp(a)", "strtok(a, b)", "localtime(&a)", "signal(1, b)",
                     "longjmp(a, 1)", "goto out", "typedef struct x y"):
            with self.subTest(call=call):
                self.plant("src/base/planted.c", f"{SPDX}/* rand() */\n        {call};\n")
                self.caught("source", "calls", "src/base/planted.c:3", "use ")
        for fine in ("ring->sleep(1)", 'puts("sleep(1)")', "bc_strcpy(a)", "x = 1; // rand()", "fgets(a)"):
            with self.subTest(fine=fine):
                self.plant("src/base/planted.c", f"{SPDX}        {fine};\n")
                self.passes("source", "calls", "src/base/planted.c")

    def test_base_only(self):
        for call in ("pthread_cond_wait(&a, &b)", "pthread_create(&a, 0, b, 0)", "sd_event_add_time(a)",
                     "clock_gettime(0, &a)", "clock_nanosleep(0, 0, &a, 0)", "timerfd_create(0, 0)",
                     "poll(&a, 1, -1)", "sem_wait(&a)", "time(NULL)"):
            with self.subTest(call=call):
                self.plant("src/media/planted.c", f"{SPDX}        {call};\n")
                self.caught("source", "base-only", "src/media/planted.c:2", "src/base")
        self.plant("src/media/planted.c", SPDX + "        pthread_mutex_lock(&a);\n")
        self.plant("src/base/planted.c", SPDX + "        pthread_cond_wait(&a, &b);\n")
        self.passes("source", "base-only", "planted.c")

    def test_unfinished(self):
        for path, text in (("src/base/planted.c", "// TO" + "DO: later"), ("docs/planted.md", "FIX" + "ME"),
                           ("tools/planted.sh", "# not " + "implemented"), ("src/base/planted.c", '"/ho' + 'me/me/x"')):
            with self.subTest(text=text):
                self.plant(path, f"\n{text}\n")
                self.caught("source", "unfinished", f"{path}:2", "unfinished")

    def test_data(self):
        self.plant("tests/data/planted.wav", "of unknown origin")
        self.caught("source", "data", "tests/data/planted.wav:0", "README.md does not list")
        self.plant("tests/data/boat.nmea", "swapped")
        self.caught("source", "data", "tests/data/boat.nmea:0", "README.md does not list")


    def test_rules(self):
        page, test = "docs/SECURITY.md", "tests/unit/evidence/test_attest.c"
        self.passes("source", "rules", "tests:0")
        self.passes("source", "rules", page)
        text = (self.root / test).read_text()
        for name in ("test_what_is_written_is_hashed", "test_rule_24_what_is_written_is_hashed"):  # not of that rule any more
            with self.subTest(name=name):
                self.plant(test, text.replace("test_rule_25_what_is_written_is_hashed", name))
                self.caught("source", "rules", "tests:0", "rule 25")
        self.plant(test, text.replace("cmocka_unit_test(test_rule_25_what_is_written_is_hashed),", ""))  # there, and not run
        self.caught("source", "rules", "tests:0", "rule 25")
        table = (self.root / page).read_text()
        self.plant(page, table.replace("`test_rule_14_flood`", "`test_rule_14_drought`"))
        self.caught("source", "rules", page, "test_rule_14_drought is not a test of rule 14")
        self.plant(page, "\n".join(line for line in table.splitlines() if not line.startswith("| 14 |")))
        self.caught("source", "rules", page, "no row of rule 14")


class Built(Planted):
    """A build of two or three tiny layers, for what only libraries show."""

    def library(self, folder, code):
        build = self.root / "build" / "planted"
        (build / folder).mkdir(parents=True, exist_ok=True)
        name = folder.split("/")[-1]
        compiled = build / folder / f"{name}.o"
        subprocess.run([os.environ.get("CC", "gcc"), "-fPIC", "-x", "c", "-c", "-", "-o", compiled], input=code, text=True,
                       check=True)
        subprocess.run(["ar", "rcs", build / folder / f"libbc_{name}.a", compiled], check=True)
        self.addCleanup(shutil.rmtree, build, ignore_errors=True)
        return ["--build", build]

    def test_symbols(self):
        self.library("src/base", "int bc_base_thing(void) { return 1; }")
        self.library("src/media", "int bc_ring_read(void) { return 1; } int bc_media_thing(void) { return 2; }")
        where = self.library("src/format", "int bc_base_thing(void); int bc_format(void) { return bc_base_thing(); }")
        self.caught("built", "symbols", "src/format/libbc_format.a:0", "must not use bc_base_thing of base", *where)
        self.library("src/evidence", "int bc_ring_read(void), bc_base_thing(void);"
                                     "int bc_ev(void) { return bc_ring_read() + bc_base_thing(); }")
        self.passes("built", "symbols", "libbc_evidence.a", *where)
        self.library("src/evidence", "int bc_media_thing(void); int bc_ev(void) { return bc_media_thing(); }")
        self.caught("built", "symbols", "src/evidence/libbc_evidence.a:0", "must not use bc_media_thing", *where)
        self.library("src/evidence", "int bc_nowhere(void); int bc_ev(void) { return bc_nowhere(); }")
        self.caught("built", "symbols", "src/evidence/libbc_evidence.a:0", "no layer provides", *where)

    def test_names(self):
        where = self.library("src/base", "int bc_fine(void) { return 1; } int loose(void) { return 2; }")
        self.caught("built", "names", "src/base/libbc_base.a:0", "loose is visible", *where)

    def test_globals(self):
        for code in ("int bc_counter;", "static int counter = 3; int bc_next(void) { return counter++; }",
                     "int bc_next(void) { static int n; return n++; }", "_Thread_local int bc_tls;",
                     "static const char *names[] = {\"a\"}; void bc_set(const char *n) { names[0] = n; }"):
            with self.subTest(code=code):
                where = self.library("src/base", code)
                self.caught("built", "globals", "src/base/libbc_base.a:0", "mutable global", *where)
        where = self.library("src/base", "__attribute__((constructor)) void bc_early(void) {}")
        self.caught("built", "globals", "src/base/libbc_base.a:0", "before or after main", *where)
        where = self.library("src/base", 'const char *const bc_names[] = {"a", "b"}; const int bc_n = 2;')
        self.passes("built", "globals", "libbc_base.a", *where)

    def test_labels(self):
        source = self.root / "labelled"
        self.plant("labelled/CMakeLists.txt", """cmake_minimum_required(VERSION 3.25)
project(labelled NONE)
enable_testing()
foreach(test none two unknown good)
    add_test(NAME ${test} COMMAND true)
endforeach()
set_tests_properties(two PROPERTIES LABELS "unit;scenario")
set_tests_properties(unknown PROPERTIES LABELS "unit;sometimes")
set_tests_properties(good PROPERTIES LABELS "unit;tsan")
""")
        subprocess.run(["cmake", "-S", source, "-B", source / "build"], check=True, capture_output=True)
        where = ["--build", source / "build"]
        for name in ("none", "two", "unknown"):
            self.caught("built", "labels", f"{name}:0", "exactly one of", *where)
        self.passes("built", "labels", "good:0", *where)


if __name__ == "__main__":
    unittest.main()
