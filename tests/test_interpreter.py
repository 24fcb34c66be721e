"""A subinterpreter is told that argand cannot be used in it, where it would wait for ever."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

source = '''
import sys
sys.path[:] = {path!r}
try:
    import argand._core
except ImportError as error:
    print(error, flush=True)
'''
number = interpreters.create()
interpreters.run_string(number, source.format(path=sys.path))
"""


def test_a_subinterpreter_gets_an_error() -> None:
    command = [sys.executable, "-c", _SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "argand cannot be used in a subinterpreter: use processes or threads\n"
    assert done.returncode == 0
