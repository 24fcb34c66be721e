"""`argand solve FOLDER`: one record for each crystal, and nothing is lost or done twice."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest

import solve_stand_in
from argand.errors import ArgandError
from argand.jobs.parallel import spread_on_scheduler
from argand.solve.folder import one_for_each_crystal, solve_folder
from argand.solve.solver import SolveOptions
from command_line import Capture, call, refused
from solve_stand_in import NAMES, UNLUCKY_SEED, known_crystal, write_data

TESTS = Path(__file__).parents[1]

# A command that never ends is a fault of its own (seconds).
LONGEST = 180


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stand-in solve."""
    solve_stand_in.use(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write data of three crystals, and a file that is no data."""
    path = tmp_path / "in"
    for name in NAMES:
        write_data(path, f"c{name}", known_crystal(name))
    (path / "notes.hkl").write_text("these are no reflections\n")
    return path


def test_a_folder(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    assert call("solve", folder, "-o", out, "--workers", 1, "--no-report") == 3
    printed = capsys.readouterr().out
    assert "3 of 4 solved or probable, 1 could not be used" in printed
    with open(out / "table.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["c1100977", "c9000905", "c9002547", "notes"]
    assert [bool(row["error"]) for row in rows] == [False, False, False, True]
    assert float(rows[0]["r1"]) < 0.05
    for name in NAMES:
        assert (out / "solutions" / f"c{name}" / f"c{name}.cif").is_file()
    files = json.loads((out / "table.json").read_text())["files"]
    assert files[3]["r1"] is None


def test_what_is_done_is_left_alone(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (folder / "notes.hkl").unlink()
    options = SolveOptions()
    lines: list[str] = []
    solve_folder([folder], out, options, workers=1)
    first = {path: path.stat().st_mtime_ns for path in out.glob("records/*.json")}
    assert len(first) == 3
    # One file has changed since, and of another a result is gone.
    write_data(folder, f"c{NAMES[0]}", known_crystal(NAMES[0]), seed=2)
    (out / "solutions" / f"c{NAMES[1]}" / f"c{NAMES[1]}.mtz").unlink()
    solve_folder([folder], out, options, workers=1, say=lines.append)
    again = {path for path in first if path.stat().st_mtime_ns != first[path]}
    assert {path.stem for path in again} == {f"c{NAMES[0]}", f"c{NAMES[1]}"}
    assert "1 of 3 files are done already" in lines[0]
    with pytest.raises(ArgandError, match="holds solutions with another seed"):
        solve_folder([folder], out, SolveOptions(seed=4), workers=1)
    # The number of threads changes no solution.
    solve_folder([folder], out, SolveOptions(threads=2), workers=1)


def test_results_are_no_data(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    (folder / "notes.hkl").unlink()
    assert call("solve", folder, "-o", out, "--workers", 1, "--no-report") == 0
    capsys.readouterr()
    inside = out / "solutions" / f"c{NAMES[0]}"
    words = refused(capsys, "solve", inside, "-o", out, "--workers", 1, "--no-report")
    assert "which the results overwrite" in words


def test_crystals_that_are_not_solved_are_done(folder: Path, tmp_path: Path) -> None:
    (folder / "notes.hkl").unlink()
    options = SolveOptions(seed=UNLUCKY_SEED)
    records = solve_folder([folder], tmp_path / "out", options, workers=1)
    assert {record.verdict for record in records} == {"not solved"}
    lines: list[str] = []
    solve_folder([folder], tmp_path / "out", options, workers=1, say=lines.append)
    assert "3 of 3 files are done already" in lines[0]


def test_a_fault_with_one_crystal_ends_no_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solve_stand_in, "NAMES", NAMES[:2])
    records = solve_folder([folder], tmp_path / "out", SolveOptions(), workers=1)
    errors = {record.name: record.error for record in records if record.error}
    assert set(errors) == {f"c{NAMES[2]}", "notes"}
    assert errors[f"c{NAMES[2]}"].startswith("a fault of argand: RuntimeError: the stand-in")


def test_the_files_of_one_crystal_are_one_problem() -> None:
    names = ["a.cif", "a.hkl", "a.ins", "b.cif", "b.fcf", "b_hkl.hkl", "c.ins", "d/a.cif"]
    chosen = one_for_each_crystal([Path(name) for name in names])
    assert [path.as_posix() for path in chosen] == ["a.hkl", "b_hkl.hkl", "c.ins", "d/a.cif"]


def test_a_scheduler_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ArgandError, match="pip install distributed"):
        list(spread_on_scheduler(len, [[1]], "tcp://nobody:1", setup=print, arguments=()))


def test_a_scheduler_does_the_work(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module with the two functions of distributed that are called does it in this process."""
    addresses: list[str] = []

    class Client:
        """Call functions at once."""

        def __init__(self, address: str) -> None:
            addresses.append(address)

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None:
            addresses.append("closed")

        def map(self, function: Any, tasks: list[Any], pure: bool) -> list[Any]:
            """Return the results of a function as futures."""
            assert not pure
            results = [function(task) for task in tasks]
            return [types.SimpleNamespace(result=lambda value=value: value) for value in results]

    distributed: Any = types.ModuleType("distributed")
    distributed.Client = Client
    distributed.as_completed = reversed
    monkeypatch.setitem(sys.modules, "distributed", distributed)
    records = solve_folder([folder], tmp_path / "out", SolveOptions(), scheduler="tcp://host:8786")
    assert addresses == ["tcp://host:8786", "closed"]
    assert [record.is_solved for record in records] == [True, True, True, False]


def command(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start `argand solve FOLDER` with the stand-in, in a process group of its own."""
    # The argand that is tested may be installed elsewhere than beside its tests.
    paths = [TESTS / "solve" / "site", TESTS, *sys.path]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        solve_stand_in.DELAY: "0.1",
    }
    words = ["solve", str(folder), "-o", str(out), "--workers", "2", "--no-report"]
    return subprocess.Popen(
        [sys.executable, "-m", "argand.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environment,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_kills(tmp_path: Path) -> None:
    """After three kills at random moments every file is done, and none was done twice."""
    seed = 7
    generator = random.Random(seed)
    source, out = tmp_path / "in", tmp_path / "out"
    write_data(source, "s0", known_crystal(NAMES[0]))
    for number in range(1, 30):
        for suffix in (".hkl", ".ins"):
            shutil.copy(source / f"s0{suffix}", source / f"s{number}{suffix}")
    stamps: dict[str, int] = {}
    for kill in range(3):
        process = command(source, out)
        deadline = time.monotonic() + LONGEST
        wanted = len(stamps) + generator.randint(2, 6)
        while len(list(out.glob("records/[!.]*.json"))) < wanted:
            assert process.poll() is None, f"ended by itself, seed {seed}"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(generator.uniform(0.0, 0.2))
        # Every second kill is of the first process alone, whose workers must end by themselves.
        if kill % 2:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=LONGEST)
        time.sleep(0.5)
        for path in out.glob("records/[!.]*.json"):
            stamp = path.stat().st_mtime_ns
            assert stamps.setdefault(path.name, stamp) == stamp, f"done twice, seed {seed}"
    assert 6 <= len(stamps) < 30
    process = command(source, out)
    printed, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0
    assert f"{len(stamps)} of 30 files are done already".encode() in printed
    for name, stamp in stamps.items():
        assert (out / "records" / name).stat().st_mtime_ns == stamp
    assert not list(out.rglob(".argand*"))
    expected = (out / "solutions" / "s0" / "s0.cif").read_text()
    for number in range(1, 30):
        text = (out / "solutions" / f"s{number}" / f"s{number}.cif").read_text()
        assert text.replace(f"s{number}", "s0") == expected.replace(f"s{number}", "s0")
