# SPDX-License-Identifier: EUPL-1.2
"""Fixtures of the scenario tests."""

import os
import pathlib
import shutil
import tempfile

import pytest
from harness import Daemon


@pytest.fixture
def tmp_path():
    """In memory where there is room: what the disk does is not what these tests are about. BC_KEEP=1 keeps it."""
    memory = "/dev/shm"
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bc-scenario-", dir=memory if roomy else None))
    yield folder
    if not os.environ.get("BC_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def daemon(tmp_path):
    """Makes daemons in folders of their own; ends them, and insists that they end well."""
    made = []

    def make(settings=None, **options):
        number = len(made)
        made.append(Daemon(tmp_path / f"daemon-{number}", settings, **options))
        return made[-1]

    yield make
    errors = []
    for one in reversed(made):
        try:
            one.__exit__(None)
            one.insist_on_evidence()
        except AssertionError as error:
            errors.append(error)
    if errors:
        raise errors[0]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the logs of its daemons."""
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    folder = item.funcargs.get("tmp_path")
    for log in sorted(folder.rglob("bodycamd.log")) if folder else []:
        report.sections.append((str(log), log.read_text(errors="replace")[-20000:]))
