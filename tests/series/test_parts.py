"""The parts of a series: its sources, records, tables and folder, and work on several cores."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import argand
import chunk_work
from argand.jobs.parallel import in_chunks, spread
from argand.series import (
    Record,
    SeriesFolder,
    SeriesSettings,
    Source,
    find_sources,
    table_csv,
    table_json,
)
from argand.series.progress import SeriesProgress, progress_line
from argand.series.record import read_record, write_record

RECORD = Record(
    "a",
    "/data/a.hkl",
    12,
    34,
    reflections=100,
    completeness=0.98,
    d_min=1.0,
    r_known=0.3,
    r=0.02,
    rms=0.2,
    uncertainty=0.01,
    largest=0.5,
    atom="C1",
    scale=2.0,
    flags=("one", "two"),
    seconds=0.5,
    displacement=((0.3, 0.0, 0.4), (0.0, 0.1, 0.0)),
    sigma=(0.01, 0.02),
)


FAILED = Record("b", "/data/b.hkl", 1, 2, error="no reflections")


def touch(path: Path) -> Path:
    """Create a file of one byte, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def test_a_superscript_in_a_name_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "1³2.hkl").write_text("")
    (source,) = find_sources([tmp_path])
    assert source.name == "1³2"


def test_files_are_listed_in_numerical_order(tmp_path: Path) -> None:
    names = ("s10.hkl", "s9.mtz", "S1.HKL", "notes.txt", ".s2.hkl", "truth/s3.hkl", "s9.json")
    for name in names:
        touch(tmp_path / name)
    sources = find_sources([tmp_path])
    assert [source.path.name for source in sources] == ["S1.HKL", "s9.mtz", "s10.hkl"]
    assert [source.name for source in sources] == ["S1", "s9", "s10"]
    assert sources[0].size == 1
    assert len(find_sources([tmp_path, tmp_path / "s9.mtz"])) == 3
    odd_suffix = touch(tmp_path / "odd.xyz")
    assert find_sources([odd_suffix])[0].path == odd_suffix.resolve()


def test_named_files_are_sorted_as_a_shell_does_not(tmp_path: Path) -> None:
    """A shell lists s*.hkl as s1, s10, s9; files of a series are numbered as a person counts."""
    paths = [touch(tmp_path / name) for name in ("s1.hkl", "s10.hkl", "s9.hkl")]
    folder = touch(tmp_path / "more" / "a.hkl").parent
    names = [source.name for source in find_sources([*paths, folder, tmp_path / "s1.hkl"])]
    assert names == ["s1", "s9", "s10", "a"]


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    paths = [touch(tmp_path / name) for name in ("a/s.hkl", "b/s.hkl", "b/s.mtz")]
    names = [source.name for source in find_sources(paths)]
    assert names == ["a_s_hkl", "b_s_hkl", "b_s_mtz"]
    same_name = touch(tmp_path / "c" / "a" / "s.hkl")
    with pytest.raises(argand.ArgandError, match="a_s_hkl"):
        find_sources([paths[0], same_name])


def test_a_file_is_not_called_as_the_second_answer_of_another(tmp_path: Path) -> None:
    """The second answer for a.hkl is written to atoms/a_other.cif."""
    paths = [touch(tmp_path / "in" / name) for name in ("a.hkl", "a_other.hkl")]
    assert [source.name for source in find_sources(paths)] == ["a", "in_a_other_hkl"]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(argand.ArgandError, match="absent: no such file"):
        find_sources([tmp_path / "absent"])
    with pytest.raises(argand.ArgandError, match="holds no reflection file"):
        find_sources([tmp_path])


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_record(path, RECORD)
    record = read_record(path)
    assert record is not None
    assert math.isnan(record.b_change)
    # NaN is not equal to itself, but its text is.
    assert repr(record) == repr(RECORD)
    text = path.read_text()
    assert json.loads(text)["b_change"] is None
    other_type = text.replace('"reflections": 100', '"reflections": "many"')
    other_version = text.replace('"format": 1', '"format": 0')
    assert text not in (other_type, other_version)
    for damaged in ("", "{", "[]", "{}", '{"name": "a"}', text[:-20], other_type, other_version):
        path.write_text(damaged)
        assert read_record(path) is None
    assert read_record(tmp_path / "none.json") is None


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_record(path, Record("a", "/data/a.hkl", 1, 2, scale=math.inf, sigma=(0.1, math.nan)))
    record = read_record(path)
    assert record is not None
    assert math.isnan(record.scale)
    assert record.sigma[0] == 0.1
    assert math.isnan(record.sigma[1])


def test_tables() -> None:
    lines = table_csv([RECORD, FAILED], ["C1", "N, 1"]).splitlines()
    rows = list(csv.DictReader(lines))
    assert float(rows[0]["|u| C1"]) == pytest.approx(0.5)
    assert float(rows[0]["|u| N, 1"]) == pytest.approx(0.1)
    assert rows[0]["flags"] == "one; two"
    assert rows[0]["b_change"] == ""
    assert (rows[1]["error"], rows[1]["r"], rows[1]["|u| C1"]) == ("no reflections", "", "")
    content = json.loads(table_json([RECORD, FAILED], ["C1", "N1"]))
    assert content["sites"] == ["C1", "N1"]
    assert content["files"][0]["displacement"][0] == [0.3, 0.0, 0.4]
    assert content["files"][1]["r"] is None


def test_a_folder_knows_which_files_are_done(tmp_path: Path) -> None:
    folder = SeriesFolder(tmp_path / "out")
    folder.open(SeriesSettings("x", refine=True))
    source = Source(Path("/data/a.hkl"), "a", 12, 34)
    assert folder.record(source) is None
    folder.write_record(RECORD)
    record = folder.record(source)
    assert record is not None
    assert record.r == RECORD.r
    changed = source._replace(mtime_ns=35)
    assert folder.record(changed) is None
    # A file that could not be used is tried again.
    folder.write_record(Record("a", "/data/a.hkl", 12, 34, error="unreadable"))
    assert folder.record(source) is None
    failure = read_record(folder.path / "results" / "a.json")
    assert failure is not None
    assert failure.error == "unreadable"


def test_a_folder_holds_one_series(tmp_path: Path) -> None:
    folder = SeriesFolder(tmp_path / "out")
    cell = (5.0, 6.0, 7.0, 90.0, 95.0, 90.0)
    settings = SeriesSettings("x", refine=True, cell=cell)
    folder.open(settings)
    folder.open(settings)
    with pytest.raises(argand.ArgandError, match="another refine"):
        folder.open(SeriesSettings("x", refine=False, cell=cell))
    with pytest.raises(argand.ArgandError, match=r"another estimator \(x there, y here\), cell"):
        folder.open(SeriesSettings("y", refine=True))
    (folder.path / "series.json").write_text("{")
    with pytest.raises(argand.ArgandError, match=r"series\.json: is no JSON"):
        folder.open(settings)


@pytest.mark.parametrize("workers", [1, 2])
def test_work_is_spread_over_processes(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGAND_TEST_PREPARED", "0")
    chunks = in_chunks(list(range(7)), 3)
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    before = argand.num_threads(), os.environ.get("OMP_NUM_THREADS")
    setup, arguments = chunk_work.prepared, (5,)
    results = []
    for part in spread(chunk_work.doubled, chunks, workers, setup=setup, arguments=arguments):
        results += part
    assert sorted(results) == [(2 * i, 5) for i in range(7)]
    assert (argand.num_threads(), os.environ.get("OMP_NUM_THREADS")) == before
    with pytest.raises(argand.ArgandError, match="no such thing"):
        list(spread(chunk_work.refused, chunks, workers, setup=setup, arguments=arguments))


# A program that was started in the background has inherited that SIGINT is ignored.
LOOP = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {here!r})
import slow
from argand.jobs.parallel import spread
if __name__ == "__main__":
    print("started", flush=True)
    for pid in spread(slow.work, [[0], [0], [0], [0], [0], [0]], 2, setup=slow.setup, arguments=()):
        print(pid, flush=True)
"""
SLOW = """
import os, time
def setup(): pass
def work(chunk):
    time.sleep(1.0)
    return os.getpid()
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_an_interruption(how: int, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "loop.py").write_text(LOOP.format(here=str(tmp_path)))
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "loop.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        worker = next(int(line) for line in lines if line.strip().isdigit())
        process.send_signal(how)
        process.wait(timeout=30)
        deadline = time.monotonic() + 20
        while _is_alive(worker) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _is_alive(worker)
        finished_chunks = 1 + sum(line.strip().isdigit() for line in lines)
    # Chunks that were not begun are not worked on.
    assert finished_chunks < 6


def _is_alive(pid: int) -> bool:
    """Tell whether a process runs: it exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        ((0, 40, 3.0, 0), "0 of 40 files"),
        ((0, 40, 3.0, 17), "0 of 40 files; 17 starts refined"),
        ((10, 40, 5.0, 0), "10 of 40 files, 2 a second, 15 s left"),
        ((2, 400, 5.0, 9), "2 of 400 files, 2.5 s each, 17 min left; 9 starts refined"),
        ((1, 4000, 30.0, 9), "1 of 4000 files, 30 s each, 33.3 h left; 9 starts refined"),
        ((40, 40, 20.0, 0), "40 of 40 files, 2 a second"),
    ],
)
def test_progress_says_what_is_left(numbers: tuple[int, int, float, int], line: str) -> None:
    assert progress_line(*numbers) == line


def test_progress_moves_while_one_file_is_searched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is shown twice a second on a terminal, whether or not a file has been done."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = SeriesProgress(3)
    with progress.shown():
        with progress.starts.get_lock():
            progress.starts.value += 5
        deadline = time.monotonic() + 30.0
        shown = ""
        while "5 starts" not in shown and time.monotonic() < deadline:
            time.sleep(0.05)
            shown += capsys.readouterr().err
        progress.done = 3
    assert "\r0 of 3 files; 5 starts refined" in shown
    assert "\r3 of 3 files" in capsys.readouterr().err
