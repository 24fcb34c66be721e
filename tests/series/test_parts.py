"""The parts of a series: its files, its records, its folder, and work on several cores."""

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
from argand.series.folder import SeriesFolder
from argand.series.parallel import in_chunks, spread
from argand.series.record import Record, read_record, table_csv, table_json
from argand.series.sources import Source, find_sources

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


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def test_files_come_in_the_order_a_person_counts(tmp_path):
    for name in ("s10.hkl", "s9.mtz", "S1.HKL", "notes.txt", ".s2.hkl", "truth/s3.hkl", "s9.json"):
        touch(tmp_path / name)
    found = find_sources([tmp_path])
    assert [source.path.name for source in found] == ["S1.HKL", "s9.mtz", "s10.hkl"]
    assert [source.name for source in found] == ["S1", "s9", "s10"]
    assert found[0].size == 1
    once = find_sources([tmp_path, tmp_path / "s9.mtz"])
    assert len(once) == 3
    other = touch(tmp_path / "odd.xyz")
    assert find_sources([other])[0].path == other.resolve()


def test_equal_names_are_told_apart(tmp_path):
    one, two, three = (touch(tmp_path / name) for name in ("a/s.hkl", "b/s.hkl", "b/s.mtz"))
    assert [source.name for source in find_sources([one, two, three])] == [
        "a_s_hkl",
        "b_s_hkl",
        "b_s_mtz",
    ]
    far = touch(tmp_path / "c" / "a" / "s.hkl")
    with pytest.raises(argand.ArgandError, match="a_s_hkl"):
        find_sources([one, far])


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(argand.ArgandError, match="absent: no such file"):
        find_sources([tmp_path / "absent"])
    with pytest.raises(argand.ArgandError, match="holds no reflection file"):
        find_sources([tmp_path])


def test_a_record_survives_json(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(RECORD.to_json())
    again = read_record(path)
    assert again is not None
    assert math.isnan(again.b_change)
    assert again.to_json() == RECORD.to_json()
    assert again.displacement == RECORD.displacement
    for text in ("", "{", "[]", "{}", '{"name": "a"}', RECORD.to_json()[:-20]):
        path.write_text(text)
        assert read_record(path) is None
    assert read_record(tmp_path / "none.json") is None


def test_tables():
    failed = Record("b", "/data/b.hkl", 1, 2, error="no reflections")
    rows = list(csv.DictReader(table_csv([RECORD, failed], ["C1", "N, 1"]).splitlines()))
    assert float(rows[0]["|u| C1"]) == pytest.approx(0.5)
    assert float(rows[0]["|u| N, 1"]) == pytest.approx(0.1)
    assert rows[0]["flags"] == "one; two"
    assert rows[0]["b_change"] == ""
    assert (rows[1]["error"], rows[1]["r"], rows[1]["|u| C1"]) == ("no reflections", "", "")
    content = json.loads(table_json([RECORD, failed], ["C1", "N1"]))
    assert content["sites"] == ["C1", "N1"]
    assert content["files"][0]["displacement"][0] == [0.3, 0.0, 0.4]
    assert content["files"][1]["r"] is None


def test_a_folder_knows_what_is_done(tmp_path):
    folder = SeriesFolder(tmp_path / "out")
    folder.open({"adaptation": "x", "refine": True})
    source = Source(Path("/data/a.hkl"), "a", 12, 34)
    assert folder.record(source) is None
    folder.write_record(RECORD)
    found = folder.record(source)
    assert found is not None
    assert found.r == RECORD.r
    assert folder.record(source._replace(mtime_ns=35)) is None  # the file has changed
    folder.write_record(Record("a", "/data/a.hkl", 12, 34, error="unreadable"))
    assert folder.record(source) is None  # what failed is tried again
    failed = folder.failed(source)
    assert failed is not None
    assert failed.error == "unreadable"
    folder.open({"adaptation": "x", "refine": True})
    with pytest.raises(argand.ArgandError, match="another refine"):
        folder.open({"adaptation": "x", "refine": False})
    (tmp_path / "out" / "series.json").write_text("{")
    with pytest.raises(argand.ArgandError, match="cannot be read"):
        folder.open({"adaptation": "x"})


@pytest.mark.parametrize("workers", [1, 2])
def test_work_is_spread(workers, monkeypatch):
    monkeypatch.setenv("ARGAND_TEST_PREPARED", "0")
    chunks = in_chunks(list(range(7)), 3)
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    before = argand.num_threads(), os.environ.get("OMP_NUM_THREADS")
    done = [
        item
        for part in spread(
            chunk_work.doubled, chunks, workers, setup=chunk_work.prepared, arguments=(5,)
        )
        for item in part
    ]
    assert sorted(done) == [(2 * i, 5) for i in range(7)]
    assert (argand.num_threads(), os.environ.get("OMP_NUM_THREADS")) == before
    with pytest.raises(argand.ArgandError, match="no such thing"):
        list(spread(chunk_work.refused, chunks, workers, setup=chunk_work.prepared, arguments=(5,)))


# A program that was started in the background has inherited that SIGINT is ignored.
LOOP = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {here!r})
import slow
from argand.series.parallel import spread
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
def test_no_process_outlives_an_interruption(how, tmp_path):
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
        first = next(int(line) for line in lines if line.strip().isdigit())
        process.send_signal(how)
        process.wait(timeout=30)
        deadline = time.monotonic() + 20
        while _alive(first) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _alive(first)
        done = 1 + sum(line.strip().isdigit() for line in lines)
    assert done < 6  # what was not begun is not done


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
