"""A series that is watched: files are predicted when they come, complete, once, and in order."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import argand
from argand.estimate.least_squares import LeastSquares
from argand.io import write_crystal
from argand.jobs import Upkeep
from argand.series import Record, Watch, predict_series
from argand.series.watch import complete_files
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from command_line import Capture, call
from stand_in import KNOWN

SIMULATION = Simulation(
    KNOWN, Perturbation([Independent(0.05)]), Measurement(noise=0.02), d_min=1.6, seed=4
)

# The file that is broken, the one that is written in two halves, and the one that is replaced.
BROKEN, HALVES, REPLACED = 7, 11, 3

# More files than the suite has time for: ARGAND_WATCHED_FILES=200.
FILES = int(os.environ.get("ARGAND_WATCHED_FILES", "30"))

QUICK = {"period": 0.05, "settling": 0.3}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files that will be dropped."""
    folder = tmp_path_factory.mktemp("measured")
    write_folder(folder, SIMULATION, range(FILES), format="hkl", truth=False)
    return folder


def drop(measured: Path, folder: Path, seed: int) -> None:
    """Let files come one by one: most are renamed into the folder, one is written in two halves."""
    generator = random.Random(seed)
    for number in range(FILES):
        name = f"sample_{number:04d}.hkl"
        content = (measured / name).read_bytes()
        if number == BROKEN:
            content = b"these are no reflections\n"
        if number == HALVES:
            half = len(content) // 2
            with open(folder / name, "wb", buffering=0) as stream:
                stream.write(content[:half])
                time.sleep(0.15)
                stream.write(content[half:])
            continue
        (folder / f".{name}").write_bytes(content)
        (folder / f".{name}").rename(folder / name)
        time.sleep(generator.uniform(0.0, 0.04))
    time.sleep(0.8)
    (folder / f".{REPLACED}").write_bytes((measured / "sample_0004.hkl").read_bytes())
    (folder / f".{REPLACED}").rename(folder / f"sample_{REPLACED:04d}.hkl")


def test_files_that_come_one_by_one(measured: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    news: list[Record] = []
    lines: list[str] = []
    tables = set()

    def on_change(records: Sequence[Record], new: Sequence[Record]) -> None:
        news.extend(new)
        names = [record.name for record in records]
        assert names == sorted(names)
        if new and (out / "table.csv").exists():
            tables.add((out / "table.csv").read_text().count("\n") - 1)

    def series(until_idle: float) -> list[Record]:
        """Watch the folder."""
        watch = Watch(until_idle, on_change, **QUICK)
        return predict_series(
            LeastSquares(KNOWN), [folder], out, workers=1, watch=watch, say=lines.append
        )

    dropping = threading.Thread(target=drop, args=(measured, folder, seed))
    dropping.start()
    records = series(4.0)
    dropping.join()
    names = [f"sample_{number:04d}" for number in range(FILES)]
    assert [record.name for record in records] == names
    assert [record.name for record in records if record.error] == [f"sample_{BROKEN:04d}"]
    with open(out / "table.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == names
    assert len(json.loads((out / "table.json").read_text())["files"]) == FILES
    # The table grew with the files.
    assert len(tables) >= 3
    # No file was done twice, the broken one neither, but for the one that was replaced.
    replaced = f"sample_{REPLACED:04d}"
    assert sorted(record.name for record in news) == sorted([*names, replaced])
    twin = records[4]
    assert records[REPLACED].displacement == twin.displacement
    # The half that was there first was not taken for the file.
    assert records[HALVES].reflections == records[HALVES - 1].reflections
    alone = predict_series(LeastSquares(KNOWN), [folder], tmp_path / "alone", workers=1)
    assert [record.displacement for record in alone] == [record.displacement for record in records]
    # A new watch goes on where the first one ended: it tries the broken file alone.
    news.clear()
    assert [record.name for record in series(0.5)] == names
    assert [record.name for record in news] == [f"sample_{BROKEN:04d}"]
    assert lines == [f"{out}: {FILES - 1} of {FILES} files are done already"]


def test_a_growing_file_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.hkl"
    path.write_text("1\n")
    looks = complete_files([tmp_path], Watch(period=0.0, settling=0.3), print)
    begin = time.monotonic()
    while time.monotonic() - begin < 0.6:
        with open(path, "a") as stream:
            stream.write("1\n")
        assert next(looks) == []
    end = time.monotonic()
    while not (sources := next(looks)):
        assert time.monotonic() - end < 30.0
    assert time.monotonic() - end >= 0.25
    assert [source.size for source in sources] == [path.stat().st_size]


def test_a_look_that_fails_is_said_once(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lines: list[str] = []
    looks = complete_files([folder], Watch(period=0.0, settling=0.0), lines.append)
    (folder / "a.hkl").write_text("1\n")
    next(looks)
    assert [source.name for source in next(looks)] == ["a"]
    folder.rename(tmp_path / "away")
    for _ in range(3):
        assert [source.name for source in next(looks)] == ["a"]
    assert len(lines) == 1
    assert "no such file" in lines[0]
    (tmp_path / "away").rename(folder)
    (folder / "b.hkl").write_text("1\n")
    assert [source.name for source in next(looks)] == ["a", "b"]


def test_impossible_seconds() -> None:
    with pytest.raises(argand.ArgandError, match="until_idle is -1"):
        Watch(until_idle=-1)


def test_what_is_kept_current_takes_a_fifth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    made: list[float] = []

    def make() -> None:
        made.append(clock[0])
        clock[0] += 1.0

    upkeep = Upkeep(make)
    for _ in range(100):
        upkeep.outdate()
        upkeep.attend()
        clock[0] += 0.1
    # It takes a second, and so it is made every five seconds.
    assert len(made) == 3
    upkeep.finish()
    upkeep.finish()
    assert len(made) == 4


@pytest.fixture
def cif(tmp_path: Path) -> Path:
    """Write the known crystal."""
    write_crystal(tmp_path / "known.cif", KNOWN)
    return tmp_path / "known.cif"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("bad", [False, True])
def test_ctrl_c_is_the_end_of_a_watch(cif: Path, measured: Path, tmp_path: Path, bad: bool) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    # A program that was started in the background has inherited that SIGINT is ignored.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from argand.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["predict", str(cif), str(folder), "-o", str(out), "--watch", "--workers", "1"]
    if not bad:
        words.append("--no-report")
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"watching {folder}: Ctrl-C ends it\n"
    shutil.copy(measured / "sample_0000.hkl", folder)
    assert process.stdout.readline().startswith("sample_0000 ")
    if bad:
        (folder / "bad.hkl").write_text("nothing\n")
        assert process.stdout.readline().startswith("bad  ")
    process.send_signal(signal.SIGINT)
    printed, complaint = process.communicate(timeout=120)
    assert (process.returncode, complaint) == (0, "")
    assert (out / "table.csv").read_text().count("\n") == 2 + bad
    assert (out / "report.html").exists() is bad
    assert ("1 of 2 files could not be used:\n  bad: line 1" in printed) is bad


def test_an_idle_watch_ends(cif: Path, measured: Path, tmp_path: Path, capsys: Capture) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    shutil.copy(measured / "sample_0000.hkl", folder)
    (folder / "bad.hkl").write_text("nothing\n")
    argv = ["predict", cif, folder, "-o", out, "--watch", "--no-report"]
    assert call(*argv, "--until-idle", "1.5") == 3
    printed = capsys.readouterr().out
    assert printed.count("sample_0000") == 1
    # Once when it came, and once at the end.
    assert printed.count("line 1 is 'nothing'") == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--until-idle", "5"], "--until-idle and --serve go with --watch"),
        (["--serve"], "--until-idle and --serve go with --watch"),
        (["--watch", "--serve", "70000"], "serve is 70000, needs a port"),
        (["--watch", "--until-idle", "-1"], "until_idle is -1"),
    ],
)
def test_refusals(
    cif: Path, tmp_path: Path, capsys: Capture, options: list[str], words: str
) -> None:
    if "70000" in options:
        pytest.importorskip("uvicorn", reason="needs uvicorn")
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    assert call("predict", cif, folder, "-o", out, "--no-report", *options) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_a_watch_needs_a_folder(cif: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.hkl").write_text("1\n")
    argv = ["predict", cif, tmp_path / "a.hkl", "-o", tmp_path / "out", "--watch", "--no-report"]
    assert call(*argv) == 2
    assert "--watch needs a folder" in capsys.readouterr().err


def test_a_name_that_becomes_ambiguous(measured: Path, tmp_path: Path) -> None:
    """A file that gets a longer name, since another has come, leaves no results of its old name."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.hkl", "b.hkl"):
        shutil.copyfile(measured / "sample_0001.hkl", folder / name)

    def results() -> dict[str, list[str]]:
        """Return the names of the results of each kind."""
        kinds = ("results", "phases", "atoms")
        return {kind: sorted(path.stem for path in (out / kind).iterdir()) for kind in kinds}

    def come(records: Sequence[Record], new: Sequence[Record]) -> None:
        """Let the second file of the name come when the first one is done."""
        if len(new) == 2 and not (folder / "a.fcf").exists():
            assert results()["phases"] == results()["results"] == ["a", "b"]
            shutil.copyfile(measured / "sample_0002.hkl", folder / ".a")
            (folder / ".a").rename(folder / "a.fcf")

    # Results of a file that is gone are those of another name's second answer by their name alone.
    out.mkdir()
    (out / "atoms").mkdir()
    (out / "atoms" / "a_other.cif").write_text("kept")
    watch = Watch(1.5, come, **QUICK)
    records = predict_series(LeastSquares(KNOWN), [folder], out, workers=1, watch=watch)
    assert [record.name for record in records] == ["in_a_fcf", "in_a_hkl", "b"]
    # The new file is no FCF: it has a record, and no other results.
    assert records[0].error
    assert results() == {
        "results": ["b", "in_a_fcf", "in_a_hkl"],
        "phases": ["b", "in_a_hkl"],
        "atoms": ["a_other", "b", "in_a_hkl"],
    }
    assert records[1].displacement == records[2].displacement
    # The same where the second file comes while nobody watches, after an interrupted removal.
    (out / "atoms" / "b.cif").unlink()
    shutil.copyfile(measured / "sample_0002.hkl", folder / "b.hklf")
    predict_series(LeastSquares(KNOWN), [folder], out, workers=1)
    assert results()["phases"] == ["in_a_hkl", "in_b_hkl", "in_b_hklf"]
