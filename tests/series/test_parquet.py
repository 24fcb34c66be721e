"""The table of a series as Apache Parquet: all digits, types, null where nothing is known."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest

from argand.errors import ArgandError
from argand.estimate.least_squares import LeastSquares
from argand.io import write_crystal
from argand.series import predict_series
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from command_line import Capture, call
from stand_in import KNOWN

SIMULATION = Simulation(
    KNOWN, Perturbation([Independent(0.05)]), Measurement(noise=0.02), d_min=1.6, seed=8
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Make a folder of three reflection files and a broken one, and write the known crystal."""
    write_folder(tmp_path / "in", SIMULATION, range(3), format="hkl", truth=False)
    (tmp_path / "in" / "bad.hkl").write_text("nothing\n")
    write_crystal(tmp_path / "known.cif", KNOWN)
    return tmp_path / "in"


def test_every_figure_of_every_file(files: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    out = tmp_path / "out"
    argv = ["predict", tmp_path / "known.cif", files, "-o", out, "--workers", "1", "--no-report"]
    assert call(*argv, "--parquet") == 3
    table = parquet.read_table(out / "table.parquet")
    records = json.loads((out / "table.json").read_text())["files"]
    with open(out / "table.csv", newline="", encoding="utf-8") as stream:
        head = next(csv.reader(stream))
    assert table.column_names == [*head, "displacement", "sigma"]
    rows = table.to_pylist()
    assert [row["name"] for row in rows] == ["bad", "sample_0000", "sample_0001", "sample_0002"]
    for row, record in zip(rows, records, strict=True):
        figures = set(head) & set(record)
        assert figures >= {"name", "file", "error", "reflections", "r", "flags", "seconds"}
        assert {name: row[name] for name in figures} == {name: record[name] for name in figures}
        assert row["displacement"] == record["displacement"]
        assert row["sigma"] == record["sigma"]
        lengths = [row[name] for name in head if name.startswith("|u| ")]
        assert len(lengths) == len(KNOWN.labels)
        if record["error"]:
            assert lengths == [None] * len(lengths)
            assert (row["r"], row["volume"]) == (None, None)
        else:
            np.testing.assert_allclose(lengths, np.linalg.norm(record["displacement"], axis=1))
    # The cell is not stated in files of this format: the columns are there, with their type.
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["volume"], types["reflections"], types["error"]) == ("double", "int64", "string")
    assert types["flags"].startswith("list<")


def test_it_stays_current(files: Path, tmp_path: Path) -> None:
    """A later run without the option writes a table that is there again."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    out = tmp_path / "out"
    argv = ["predict", tmp_path / "known.cif", files, "-o", out, "--workers", "1", "--no-report"]
    assert call(*argv, "--parquet") == 3
    (files / "bad.hkl").unlink()
    assert call(*argv) == 0
    assert parquet.read_table(out / "table.parquet").num_rows == 3


def test_cells_are_columns(files: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    out = tmp_path / "out"
    write_folder(tmp_path / "mtz", SIMULATION, range(2), format="mtz", truth=False)
    records = predict_series(LeastSquares(KNOWN), [tmp_path / "mtz"], out, workers=1, parquet=True)
    rows = parquet.read_table(out / "table.parquet").to_pylist()
    for row, record in zip(rows, records, strict=True):
        names = ("a", "b", "c", "alpha", "beta", "gamma")
        assert tuple(row[name] for name in names) == record.cell
        a, b, c, *angles = record.cell
        cosines = np.cos(np.radians(angles))
        root = 1.0 - np.square(cosines).sum() + 2.0 * cosines.prod()
        assert row["volume"] == pytest.approx(a * b * c * math.sqrt(root), rel=1e-9)


def test_without_pyarrow_nothing_begins(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    find_spec = importlib.util.find_spec

    def without_pyarrow(name: str, package: str | None = None) -> object:
        """Find no pyarrow."""
        return None if name == "pyarrow" else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_pyarrow)
    out = tmp_path / "out"
    known = tmp_path / "known.cif"
    assert call("predict", known, files, "-o", out, "--no-report", "--parquet") == 2
    assert "table.parquet needs pyarrow: pip install" in capsys.readouterr().err
    with pytest.raises(ArgandError, match=r"^table\.parquet needs the package pyarrow"):
        predict_series(LeastSquares(KNOWN), [files], out, parquet=True)
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "known.cif", "in", "-o", "out", "--no-report"),
        ("solve", "in", "-o", "out", "--no-report"),
        ("generate", "out", "--groups", "P-1", "--samples", "2"),
    ],
)
def test_without_distributed_no_scheduler(
    words: tuple[str, ...],
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    find_spec = importlib.util.find_spec

    def without_distributed(name: str, package: str | None = None) -> object:
        """Find no distributed."""
        return None if name == "distributed" else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_distributed)
    monkeypatch.chdir(tmp_path)
    assert call(*words, "--scheduler", "tcp://127.0.0.1:1") == 2
    assert "--scheduler needs distributed: pip install" in capsys.readouterr().err
    assert not Path("out").exists()
