"""Calls from several threads at once give what one thread gives, without Python's lock too."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "threaded_sums.py"

without_lock = pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="needs a free-threaded Python"
)


def run(*words: str, gil: str | None = None) -> str:
    """Run Python, where `gil` is given with the lock on or off, and return what it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    if gil is not None:
        environment["PYTHON_GIL"] = gil
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_callers_do_not_disturb_each_other() -> None:
    """Three callers make fourteen kinds of calls, with a pool of threads that one of them has."""
    assert run(str(SCRIPT)) == "threads agree\n"


@without_lock
def test_callers_do_not_disturb_each_other_without_the_lock() -> None:
    """Other libraries may switch the lock on when they are imported: here it stays off."""
    assert run(str(SCRIPT), gil="0") == "threads agree\n"


@without_lock
def test_the_core_leaves_the_lock_off() -> None:
    code = "import sys, argand._core; print(sys._is_gil_enabled())"
    assert run("-c", code) == "False\n"
