"""A YAML file of options is read, or refused in one line before it costs anything."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from argand.cli import main

pytest.importorskip("jsonargparse")

# Eight lists of eight aliases each stand for 16 million values.
BOMB = "a0: &a0 [1]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 9)
)

REFUSED = {
    "alias": (BOMB, "has the alias *a0, needs plain values"),
    "deep": ("steps: " + "[" * 500 + "]" * 500, "nested deeper"),
    "long": ("# " + "x" * 2**18, "characters, needs the options of one command"),
    "no_yaml": ("steps: [1", "is no YAML"),
    "binary": ("steps: \x00", "a binary file"),
    "unknown": ("stepz: 3", "'stepz' is not accepted"),
    "infinite": ("spread: 1e999", "spread is inf, needs a finite number"),
    "nested": ("hyper: {width: .nan}", "hyper.width is nan, needs a finite number"),
    "huge": ("lr: 1" + "0" * 400, "int too large to convert to float"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_of_options_is_refused_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, words = REFUSED[name]
    path = tmp_path / "options.yaml"
    path.write_text(text)
    assert main(["train", "--config", str(path)]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def test_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("the system has no named pipes")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert main(["train", "--config", str(path)]) == 2
    assert "a pipe, needs to be a regular file" in capsys.readouterr().err


def test_a_compressed_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "options.yaml"
    path.write_bytes(gzip.compress(b"steps: 3\n"))
    assert main(["train", "--config", str(path)]) != 0
    assert capsys.readouterr().err.endswith("options.yaml: is compressed, needs plain text\n")
