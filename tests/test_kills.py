"""Long commands that are killed at random moments end as if nothing had happened."""

from __future__ import annotations

import json
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
from solve_stand_in import known_crystal, write_data
from stand_in import KNOWN

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="POSIX signals"),
]

# Kills of each command, which takes some seconds, most of them for imports. `nox -s kills` asks for
# thirty.
KILLS = int(os.environ.get("ARGAND_KILLS", "2"))

# A command that never ends is a fault of its own (seconds).
LONGEST = 300

# Longest time between the progress of a command and its kill (seconds): some files are written.
LATEST = 0.5


def call(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a command of argand in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "argand.cli", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_and_finish(
    command: list[str],
    out: Path,
    seed: int,
    progress: Callable[[], object],
    latest: float = LATEST,
) -> dict[str, int]:
    """Kill a command again and again, then let it end; return what was done before the last kill.

    Two kills in three come soon after the command has made some progress, others while it starts.
    Every second kill is of the first process alone, whose workers must end by themselves. The same
    seed draws the same moments.

    Parameters
    ----------
    progress
        Returns a value that changes as the command gets on.
    latest
        Longest time between that change and the kill, in seconds.

    Returns
    -------
    Times of the last change (ns) of the files below `out`, by their paths inside it.
    """
    generator = random.Random(seed)
    longest_start = 0.0
    for number in range(KILLS):
        before_start = progress()
        process = call(command)
        if number % 3 == 1:
            time.sleep(generator.uniform(0.0, longest_start))
        else:
            begin = time.monotonic()
            wait_for_change(process, progress, before_start)
            longest_start = max(longest_start, time.monotonic() - begin)
            time.sleep(generator.uniform(0.0, latest))
        if process.poll() is None:
            if number % 2:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=LONGEST)
        wait_for_workers(process.pid)
    before = change_times(out)
    assert call(command).wait(timeout=LONGEST) == 0
    return before


def wait_for_workers(group: int) -> None:
    """Wait until the workers of a process that was killed have ended, which they do by themselves.

    On a busy machine one that was writing needs a moment for it.
    """
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"workers are alive {LONGEST} s after their parent was killed")


def wait_for_change(
    process: subprocess.Popen[bytes], progress: Callable[[], object], before: object
) -> None:
    """Wait until a command has got on or has ended, at most for the longest time."""
    deadline = time.monotonic() + LONGEST
    while process.poll() is None and progress() == before and time.monotonic() < deadline:
        time.sleep(0.01)


def last_change(path: Path) -> int:
    """Return the time of the last change (ns) of a file or folder; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


def names(folder: Path) -> set[str]:
    """Return the paths of all files below a folder, hidden ones too, inside it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def change_times(folder: Path) -> dict[str, int]:
    """Return the time of the last change (ns) of all files below a folder, by their paths."""
    return {name: (folder / name).stat().st_mtime_ns for name in names(folder)}


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    """Return the bytes of files below a folder, by their paths inside it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob(pattern)
        if path.is_file()
    }


def assert_same_reflections(out: Path, whole: Path) -> None:
    """Compare MTZ files by their content: they hold the time at which they were written."""
    for path in sorted(whole.rglob("*.mtz")):
        expected = argand.read_reflections(path)
        actual = argand.read_reflections(out / path.relative_to(whole))
        np.testing.assert_array_equal(actual.hkl, expected.hkl)
        np.testing.assert_array_equal(actual.f, expected.f)


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Write the known crystal to a CIF."""
    write_crystal(tmp_path / "known.cif", KNOWN)
    return tmp_path / "known.cif"


def test_simulate(known: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    samples = str(100 * KILLS)
    options = ["--d-min", "1.0", "--samples", samples, "--noise", "0.03", "--folder"]
    command = ["simulate", str(known), *options]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0

    def progress() -> int:
        return len(list(out.glob("sample_*")))

    before = kill_and_finish([*command, str(out)], out, 1, progress)
    assert names(out) == names(whole)
    for pattern in ("*.hkl", "*.cif", "*.json"):
        assert contents(out, pattern) == contents(whole, pattern)
    assert_same_reflections(out, whole)
    # A sample with its reflections is complete, and is not made again.
    after = change_times(out)
    for name, changed in before.items():
        if name.startswith("sample_"):
            assert after[name] == changed
            assert after[f"truth/{Path(name).stem}.cif"] == before[f"truth/{Path(name).stem}.cif"]


def test_generate(tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    shards = 10 + 2 * KILLS
    command = ["generate", "--groups", "P-1,P21/c,P1", "--kind", "atoms", "--atoms", "3", "5"]
    command += ["--d-min", "1.5", "--noise", "0.02", "--shard", "40", "--seed", "7"]
    command += ["--samples", str(40 * shards)]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0

    def progress() -> int:
        return len(list(out.glob("s*")))

    before = kill_and_finish([*command, str(out)], out, 6, progress, latest=0.05)
    assert contents(out, "*") == contents(whole, "*")
    # A shard with its description is complete, and is not made again.
    after = change_times(out)
    for name, changed in before.items():
        if f"{Path(name).parts[0]}/zarr.json" in before and name.startswith("s"):
            assert after[name] == changed


def test_predict(known: Path, tmp_path: Path) -> None:
    simulation = Simulation(
        argand.read_crystal(known),
        Perturbation([Independent((0.05, 0.15))]),
        Measurement(noise=0.01),
        d_min=1.0,
        seed=8,
    )
    files = 40 + 8 * KILLS
    write_folder(tmp_path / "in", simulation, range(files))
    out, whole = tmp_path / "out", tmp_path / "whole"
    # Without a limit the answer does not depend on the speed of the machine.
    options = ["--no-report", "--workers", "2", "--time-limit", "0", "--maps", "-o"]
    command = ["predict", str(known), str(tmp_path / "in"), *options]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0

    def progress() -> int:
        return len(list(out.glob("results/[!.]*.json")))

    before = kill_and_finish([*command, str(out)], out, 2, progress)
    assert names(out) == names(whole)
    for pattern in ("*.cif", "*.ccp4"):
        expected = contents(whole, pattern)
        assert len(expected) == files
        assert contents(out, pattern) == expected
    assert_same_reflections(out, whole)
    records = json.loads((out / "table.json").read_text())["files"]
    expected_records = json.loads((whole / "table.json").read_text())["files"]
    for record, expected_record in zip(records, expected_records, strict=True):
        assert record | {"seconds": 0.0} == expected_record | {"seconds": 0.0}
    # A file with a record is done, and is not done again.
    after = change_times(out)
    for name, changed in before.items():
        if name.startswith("results/") and not Path(name).name.startswith("."):
            sample = Path(name).stem
            assert after[name] == changed
            assert after[f"atoms/{sample}.cif"] == before[f"atoms/{sample}.cif"]
            assert after[f"phases/{sample}.mtz"] == before[f"phases/{sample}.mtz"]


def test_train(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    out, whole = tmp_path / "out", tmp_path / "whole"
    small = "--metals Al Fe --held-out Fe --hkl-max 2 --batch-size 8 --score-samples 8"
    steps = str(300 + 40 * KILLS)
    options = [*small.split(), "--steps", steps, "--checkpoint-every", "20", "--no-progress"]
    command = ["train", *options, "--out"]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0
    checkpoint = out / "checkpoint.safetensors"
    kill_and_finish([*command, str(out)], out, 3, lambda: last_change(checkpoint))
    assert names(out) == names(whole)
    actual = read_arrays(out / "weights.safetensors")
    expected = read_arrays(whole / "weights.safetensors")
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array)
    # Every score stands in the history once, with the numbers of the undisturbed training.
    history, expected_history = (
        json.loads((folder / "history.json").read_text()) for folder in (out, whole)
    )
    assert history["records"] == expected_history["records"]
    assert (out / "history.csv").read_text() == (whole / "history.csv").read_text()


def test_adapt(known: Path, tmp_path: Path) -> None:
    """It does not go on where it was killed: it begins again, and leaves nothing half-written."""
    out, whole = tmp_path / "out", tmp_path / "whole"
    options = ["--d-min", "1.2", "--width", "0.1", "0.2", "--samples", "400", "--test", "0"]
    command = ["adapt", str(known), *options, "--force", "-o"]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0

    def progress() -> set[str]:
        # Temporary files exist while results are written, for some hundredths of a second.
        return {path.name for path in out.glob(".argand-*")}

    kill_and_finish([*command, str(out)], out, 4, progress, latest=0.03)
    assert names(out) == names(whole)
    arrays = (whole / "adaptation.safetensors").read_bytes()
    assert (out / "adaptation.safetensors").read_bytes() == arrays
    actual, expected = (
        json.loads((folder / "adaptation.json").read_text()) for folder in (out, whole)
    )
    assert actual | {"remarks": {}} == expected | {"remarks": {}}


def test_solve(tmp_path: Path) -> None:
    """Every crystal of a folder is solved once; the solver itself does it, from quick data."""
    files = 10 + 2 * KILLS
    crystal = known_crystal("9000905")
    for number in range(files):
        write_data(tmp_path / "in", f"s{number}", crystal, seed=number)
    out, whole = tmp_path / "out", tmp_path / "whole"
    # The limit of time is far away: the answer does not depend on the speed of the machine.
    options = ["--workers", "2", "--no-report", "--time-limit", "600", "-o"]
    command = ["solve", str(tmp_path / "in"), *options]
    assert call([*command, str(whole)]).wait(timeout=LONGEST) == 0

    def progress() -> int:
        return len(list(out.glob("records/[!.]*.json")))

    before = kill_and_finish([*command, str(out)], out, 5, progress, latest=0.1)
    assert names(out) == names(whole)
    for pattern in ("solutions/*/*.cif", "solutions/*/*.res", "solutions/*/*.ccp4"):
        expected = contents(whole, pattern)
        assert len(expected) == files
        assert contents(out, pattern) == expected
    assert_same_reflections(out, whole)
    # A crystal with its record is done, and is not solved again.
    after = change_times(out)
    for name, changed in before.items():
        if name.startswith("records/") and not Path(name).name.startswith("."):
            crystal_name = Path(name).stem
            assert after[name] == changed
            solution = f"solutions/{crystal_name}/{crystal_name}.cif"
            assert after[solution] == before[solution]
