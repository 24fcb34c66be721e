"""Whatever a reader raises becomes one `ArgandError` that names the file; interruptions pass."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

import pytest

import argand
from argand.cli import main
from argand.errors import ArgandError, ArgandWarning, MemoryLimitError, reading

UNEXPECTED = [
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    IndexError("list index out of range"),
    RuntimeError("std::bad_alloc"),
    MemoryError(),
    RecursionError("maximum recursion depth exceeded"),
    struct.error("unpack requires a buffer of 4 bytes"),
    zipfile.BadZipFile("Bad CRC-32"),
    zlib.error("invalid distance"),
    TypeError("'list' object\nhas no length"),
    ValueError("zero-size array"),
]


@pytest.mark.parametrize("cause", UNEXPECTED, ids=lambda cause: type(cause).__name__)
def test_an_unexpected_exception_names_the_file_and_asks_for_a_report(cause: Exception) -> None:
    with pytest.raises(ArgandError) as caught, reading("folder/x.mtz"):
        raise cause
    message = str(caught.value)
    assert message.startswith(f"folder/x.mtz: cannot be read: {type(cause).__name__}: ")
    assert "please report it" in message
    assert "\n" not in message
    assert caught.value.__cause__ is cause


def test_an_error_without_a_file_gets_its_name() -> None:
    with pytest.raises(MemoryLimitError, match=r"^x\.cif: a map needs memory$"), reading("x.cif"):
        raise MemoryLimitError("a map needs memory")


def test_an_error_that_names_the_file_stays_as_it_is() -> None:
    error = ArgandError("my  x.cif: no atoms")
    with pytest.raises(ArgandError) as caught, reading("my  x.cif"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("passing", [KeyboardInterrupt(), ArgandWarning("x"), ImportError("torch")])
def test_what_is_no_fault_of_a_file_passes(passing: BaseException) -> None:
    with pytest.raises(type(passing)) as caught, reading("x.cif"):
        raise passing
    assert caught.value is passing


def test_the_command_line_gives_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.hkl"
    path.write_text("   1   0   0   10.00    1.00\n")
    assert argand.read_reflections(path).hkl.tolist() == [[1, 0, 0]]

    def fail(*arguments: object, **keywords: object) -> None:
        raise IndexError("out of range")

    monkeypatch.setattr("argand.io.source_file.read_columns", fail)
    assert main(["info", str(path)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"argand info: {path}: cannot be read: IndexError: out of range")
    assert message.count("\n") == 1
