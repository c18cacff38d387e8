# SPDX-License-Identifier: EUPL-1.2
"""The scenario tests' harness is used here too; a folder in memory where there is room."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "scenario"))


@pytest.fixture(scope="session")
def room():
    memory = "/dev/shm"
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bc-stranger-", dir=memory if roomy else None))
    yield folder
    if not os.environ.get("BC_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)
