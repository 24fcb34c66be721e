"""Long commands that are killed at random moments end as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.io import write_crystal
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from argand.store import read_arrays
from stand_in import KNOWN

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="POSIX signals"),
]

# Kills of each command. A command takes some seconds, most of them for imports.
KILLS = 3

# A command that never ends is a fault of its own (seconds).
LONGEST = 120


def call(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a command of argand in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "argand.cli", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_and_finish(command: list[str], out: Path, seed: int, is_begun: Callable[[], bool]) -> None:
    """Kill a command several times at random moments after it has begun to write, then let it end.

    Every second kill is of the first process alone, whose workers must end by themselves.
    """
    generator = random.Random(seed)
    for number in range(KILLS):
        process = call(command)
        deadline = time.monotonic() + LONGEST
        while process.poll() is None and not is_begun() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(generator.uniform(0.0, 0.5))
        if process.poll() is None:
            if number % 2:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=LONGEST)
        # A worker that was writing when its parent was killed needs a moment to end.
        time.sleep(0.5)
    assert call(command).wait(timeout=LONGEST) == 0
    assert not list(out.rglob(".argand*"))


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    """Return the bytes of files below a folder, by their paths inside it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(pattern)}


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Write the known crystal to a CIF."""
    write_crystal(tmp_path / "known.cif", KNOWN)
    return tmp_path / "known.cif"


def test_simulate(known: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    options = ["--d-min", "1.0", "--samples", "300", "--noise", "0.03", "--folder"]
    command = ["simulate", str(known), *options]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0
    kill_and_finish([*command, str(out)], out, 1, lambda: bool(list(out.glob("sample_*"))))
    for pattern in ("*.hkl", "*.cif", "*.json"):
        assert contents(out, pattern) == contents(whole, pattern)
    # An MTZ file holds the time at which it was written.
    for path in sorted((whole / "truth").glob("*.mtz"))[::30]:
        expected = argand.read_reflections(path)
        assert expected.f is not None
        actual = argand.read_reflections(out / "truth" / path.name)
        np.testing.assert_array_equal(actual.f, expected.f)


def test_predict(known: Path, tmp_path: Path) -> None:
    simulation = Simulation(
        argand.read_crystal(known),
        Perturbation([Independent((0.05, 0.15))]),
        Measurement(noise=0.01),
        d_min=1.0,
        seed=8,
    )
    write_folder(tmp_path / "in", simulation, range(40))
    out, whole = tmp_path / "out", tmp_path / "whole"
    options = ["--no-report", "--workers", "2", "-o"]
    command = ["predict", str(known), str(tmp_path / "in"), *options]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0
    kill_and_finish(
        [*command, str(out)], out, 2, lambda: bool(list(out.glob("results/[!.]*.json")))
    )
    atoms = contents(whole, "*.cif")
    assert len(atoms) == 40
    assert contents(out, "*.cif") == atoms
    assert len(contents(out, "*.mtz")) == 40


def test_train(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    out, whole = tmp_path / "out", tmp_path / "whole"
    small = "--metals Al Fe --held-out Fe --hkl-max 2 --batch-size 8 --score-samples 8"
    options = [*small.split(), "--steps", "400", "--checkpoint-every", "20", "--no-progress"]
    command = ["train", *options, "--out"]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0
    checkpoint = out / "checkpoint.safetensors"
    kill_and_finish([*command, str(out)], out, 3, checkpoint.is_file)
    actual, expected = (
        read_arrays(out / "weights.safetensors"),
        read_arrays(whole / "weights.safetensors"),
    )
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array)
