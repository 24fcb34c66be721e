"""Call the command line of argand in this process or in another one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from argand.cli import main

Capture = pytest.CaptureFixture[str]


def call(*words: object) -> int:
    """Call argand with a verb and its options, and return the exit code."""
    return main([str(word) for word in words])


def refused(capsys: Capture, *words: object) -> str:
    """Expect exit code 2 and nothing on stdout, and return the only line on stderr."""
    assert call(*words) == 2
    printed, complaint = capsys.readouterr()
    assert printed == ""
    assert complaint.count("\n") == 1
    assert complaint.startswith(f"argand {words[0]}: ")
    return complaint


def run_code(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)
