# SPDX-License-Identifier: EUPL-1.2
"""The rules of this tree as tables: the one place to read and to extend. tools/checks/* apply them.

Paths are relative to the tree; patterns are those of fnmatch, where * crosses slashes.
"""

# ---- who may include whom ------------------------------------------------------------------------------------
# A part may include its own headers and those of the parts named. "*" is everything.
PARTS = {
    "include": [],
    "base": ["include"],
    "format": ["include"],
    "media": ["include", "base"],
    "evidence": ["include", "base", "format"],
    "verify": ["include", "base", "format"],  # never evidence: it must not share the writer's mistakes
    "link": ["include", "base", "evidence"],
    "control": ["include", "base", "media", "evidence", "link"],  # drivers only through ports
    "app": ["*"],  # the only place that names concrete drivers
    # drivers/simulated drives no device: it is what the simulated siblings share (pacing, faults, random numbers).
    "drivers/file": ["include", "base", "drivers/simulated"],
    "drivers/pattern": ["include", "base", "drivers/simulated"],
    "drivers/nmea": ["include", "base", "drivers/simulated"],
    "drivers/track": ["include", "base", "drivers/simulated"],
    "drivers/*": ["include", "base"],  # and its own library: see LIBRARIES
    # Reads manifests and the ledger where they lie, daemon or not.
    "tools/bodycamctl": ["include", "base", "format", "evidence"],
    "tools/bodycam-provision": ["include", "base", "format", "evidence"],  # judges keys and certificates as the recorder does
    "tools/bodycam-verify": ["include", "base", "format", "verify"],
    "tools/bodycam-unseal": ["include", "base", "format", "verify"],
    # bodycamd-held replaces bc_file_camera_open() and bc_file_mic_open(), whose contracts those are.
    "tools/benchmark": ["include", "base", "drivers/file", "drivers/simulated"],
    "tools/*": ["include", "base", "format"],
    "tests/unit/*": ["include", "base", "tests"],  # and the part it mirrors with what that part may include
    "tests/contract": ["include", "base", "drivers/*", "tests"],
    "tests": ["*"],
}

# Contracts of include/ that one part implements and another calls: the caller's library may leave these symbols
# to that part's library, though it may not include its headers.
SYMBOLS_THROUGH_CONTRACTS = [
    # caller, symbols, provider
    ("evidence", "bc_ring_*", "media"),
]

# Mutable globals there are none, but for these.
MUTABLE_GLOBALS = {
    # (part, name): why
    ("base", "entered"): "thread-local: whether this thread is one of the clock's",
    ("base", "own"): "thread-local: what this thread says it is doing",
}

# ---- libraries -----------------------------------------------------------------------------------------------
# Each third-party header is included by a short list of files.
LIBRARIES = {
    # header pattern: files that may include it
    "libav*/*": ["src/media/av.h", "src/media/*_encoder.[ch]", "src/media/sound_clock.c", "drivers/file/*",
                 "tests/unit/media/*", "tests/contract/*", "tests/lib/*", "tools/trial/*", "tools/benchmark/bare_encoder.c"],
    "libsw*/*": ["src/media/*_encoder.[ch]", "src/media/sound_clock.c", "drivers/file/*"],
    "ft2build.h": ["src/media/glyphs.c"],
    "freetype/*": ["src/media/glyphs.c"],
    "systemd/sd-event.h": ["src/base/loop*.[ch]"],
    "systemd/sd-daemon.h": ["src/base/*.c", "src/app/*"],
    "systemd/sd-journal.h": ["src/base/log.c"],
    "systemd/sd-bus*.h": ["src/control/dbus*.[ch]", "src/app/*", "tools/bodycamctl/*"],
    "systemd/sd-id128.h": ["src/base/*.c", "src/app/*"],
    "ini.h": ["src/control/settings*.c"],
    "jansson.h": ["src/evidence/manifest.c", "src/evidence/json_field.[ch]", "src/evidence/listed_file.[ch]", "src/evidence/store.c",
                  "src/verify/summary.c", "src/verify/endorsement.[ch]", "src/verify/json.c",
                  "src/verify/report.h", "src/control/*.c", "tools/bodycamctl/*", "tools/bodycam-provision/report.c",
                  "tools/bodycam-unseal/*", "tests/unit/*"],
    "libcamera/*": ["drivers/libcamera/*"],
    "alsa/*": ["drivers/alsa/*"],
    "gps.h": ["drivers/gpsd/*"],
    "libevdev/*": ["drivers/evdev/*"],
    "openssl/*": ["src/evidence/*.c", "src/verify/*.[ch]", "tests/unit/*", "tests/sealing/*", "tests/fuzz/endorsement.c", "tools/bodycam-provision/*.c", "tools/trial/seal.c"],
    "p11-kit/*": ["src/evidence/token.c"],
    # Keys are used through OpenSSL's provider alone: this is for what it has no call for.
    "tss2/*": ["src/evidence/tpm.h"],
    "cbor.h": ["src/format/*.c"],
    "cmocka.h": ["tests/*"],
    "fuse*": ["tests/powercut/*"],
}

# The C library, POSIX and Linux: free to use everywhere, in include/ only those of ISO C.
ISO_C = """assert.h complex.h ctype.h errno.h float.h inttypes.h iso646.h limits.h locale.h math.h setjmp.h stdalign.h
    stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h time.h uchar.h
    wchar.h wctype.h""".split()
POSIX_AND_LINUX = """aio.h arpa/inet.h byteswap.h dirent.h dlfcn.h endian.h execinfo.h fcntl.h fnmatch.h ftw.h getopt.h glob.h
    grp.h libgen.h linux/* malloc.h net/*.h netdb.h netinet/*.h poll.h pthread.h pwd.h regex.h sched.h semaphore.h
    signal.h spawn.h strings.h sys/*.h syslog.h termios.h threads.h ucontext.h unistd.h utime.h wait.h
    sanitizer/*.h""".split()

# C++ lives here alone.
CXX_FILES = ["drivers/libcamera/*"]

# ---- source text ---------------------------------------------------------------------------------------------
MAX_LINES = 600
LONG_FILES = {
    # path: why it is longer
}

# Calls that have no place in C files here, tests included: what to use instead.
BANNED_CALLS = {
    "strcpy|strcat|stpcpy|strncpy|strncat": "snprintf() with its result checked, or memcpy() with a known length",
    "sprintf|vsprintf": "snprintf()",
    "gets": "fgets() or getline()",
    "atoi|atol|atoll|atof": "strtol() and its errors checked",
    "sscanf|scanf|fscanf": "strtol() and its kin: overflow in scanf is undefined",
    "alloca|strdupa|strndupa": "a bounded array or the heap",
    "system|popen": "posix_spawn() with an argument list",
    "sleep|usleep|nanosleep": "a wait on base/clock.h that can be woken",
    "rand|srand|random|srandom|rand_r|drand48": "getrandom(), or the test's own seeded generator",
    "tmpnam|tempnam|mktemp": "mkstemp()",
    "strtok": "strtok_r() or strcspn()",
    "localtime|gmtime|ctime|asctime": "the _r variants",
    "signal": "signalfd through base/loop.h, or sigaction()",
    "longjmp|siglongjmp": "an error return",
}
BANNED_WORDS = {
    r"typedef\s+(struct|union|enum)\b": "struct without typedef",
    r"\bgoto\b": "a cleanup attribute or a function",
    r"__attribute__\s*\(\(\s*(constructor|destructor)\b": "explicit start and stop",
}

# Waits, threads and timers: through src/base alone. Pattern of the called function: files that may call it.
# A plain mutex is no wait: it excludes for a moment. Who waits for a state takes base's monitor.
BASE_ONLY = {
    r"pthread_(?!mutex_(init|destroy|lock|unlock)\b)\w+|sem_(wait|timedwait|post|init)|thrd_\w+|mtx_\w+|cnd_\w+": ["src/base/*", "tests/unit/base/*"],
    r"sd_event_\w+": ["src/base/*", "tests/unit/base/*"],
    # fake_utc stands in for the kernel's timers.
    r"timerfd_\w+|clock_nanosleep|epoll_\w+|eventfd|signalfd": ["src/base/*", "tests/unit/base/*", "tests/lib/fake_utc.c"],
    r"poll|ppoll|select|pselect": ["src/base/*", "drivers/alsa/*", "drivers/gpsd/*", "tests/*"],
    r"clock_gettime|gettimeofday|time|clock": ["src/base/*", "tests/*", "tools/benchmark/sync_times.c"],
    # One place reads who keeps the clock; nobody here sets it, least of all a test.
    # kept_clock stands in for the kernel.
    r"adjtimex|ntp_adjtime|clock_adjtime|clock_settime|settimeofday": ["src/base/utc_clock.c", "tests/lib/kept_clock.c"],
}

# Words that tell of work left undone, and paths of somebody's machine, in any text file.
UNFINISHED = [
    r"\b(TODO|FIXME|XXX|HACK|WIP|TBD)\b",
    r"(?i)\bnot (yet )?implemented\b|\bunimplemented\b|\bplaceholder\b|\blorem ipsum\b",
    r"(?<![\w$}.{/*-])/(home|root|work)/\w",
]
UNFINISHED_EXEMPT = ["LICENSE", "tools/checks/law.py", "tests/checks/*", "tests/data/*"]

# ---- tests ---------------------------------------------------------------------------------------------------
# Every CTest entry has exactly one kind, by which tools/test and the presets choose, and any of the marks.
TEST_KINDS = ["unit", "contract", "scenario", "powercut", "checks"]
# Also under ThreadSanitizer; not under AddressSanitizer; mostly asleep, in real time.
TEST_MARKS = ["tsan", "plain", "waits"]

# Rules of the evidence format (docs/SECURITY.md): each has a test that bears its number.
EVIDENCE_RULES = 25
