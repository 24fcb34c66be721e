"""Columns of MTZ files that others wrote: missing numbers, partial reflections, several data."""

from __future__ import annotations

import warnings
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.io import Reflections


def read(
    tmp_path: Path, columns: list[tuple[str, str]], rows: list[list[float]], valm: float = np.nan
) -> tuple[Reflections, list[str]]:
    """Write an MTZ file by gemmi and read it; return its reflections and the notes."""
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 1")
    mtz.cell = gemmi.UnitCell(5, 6, 7, 90, 90, 90)
    mtz.add_dataset("x")
    for label, kind in columns:
        mtz.add_column(label, kind)
    mtz.set_data(np.array(rows, np.float32))
    mtz.valm = valm
    path = tmp_path / "x.mtz"
    mtz.write_to_file(str(path))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reflections = argand.read_reflections(path)
    return reflections, [str(note.message).removeprefix(f"{path}: ") for note in caught]


AMPLITUDES = [("F", "F"), ("SIGF", "Q")]


@pytest.mark.parametrize("valm", [-999.0, -9.99e31])
def test_the_number_of_missing_values(tmp_path: Path, valm: float) -> None:
    """VALM names it: NaN in files of today, another one in older files."""
    rows = [[1, 0, 0, 10, 1], [0, 1, 0, valm, valm]]
    reflections, notes = read(tmp_path, AMPLITUDES, rows, valm)
    np.testing.assert_array_equal(reflections.amplitude, [10, np.nan])
    np.testing.assert_array_equal(reflections.sigma, [1, np.nan])
    assert notes == []


def test_an_index_is_never_missing(tmp_path: Path) -> None:
    reflections, _ = read(tmp_path, AMPLITUDES, [[0, 1, 2, 0, 1], [3, 0, 0, 5, 1]], valm=0.0)
    assert reflections.hkl.tolist() == [[0, 1, 2], [3, 0, 0]]
    np.testing.assert_array_equal(reflections.amplitude, [np.nan, 5])


@pytest.mark.parametrize(("flag", "is_partial"), [(1, False), (2, False), (257, True)])
def test_partly_recorded_reflections_are_said(tmp_path: Path, flag: int, is_partial: bool) -> None:
    columns = [("M/ISYM", "Y"), ("BATCH", "B"), ("I", "J"), ("SIGI", "Q")]
    rows = [[1, 0, 0, 1, 1, 10, 1], [1, 0, 0, flag, 2, 4, 1]]
    reflections, notes = read(tmp_path, columns, rows)
    assert reflections.format == "unmerged MTZ"
    expected = ["1 rows are partly recorded reflections, which are not added up"]
    assert notes == (expected if is_partial else [])


def test_the_first_of_several_measurements_is_named(tmp_path: Path) -> None:
    columns = [("F_a", "F"), ("SIGF_a", "Q"), ("F_b", "F"), ("SIGF_b", "Q"), ("FC", "F")]
    reflections, notes = read(tmp_path, columns, [[1, 0, 0, 10, 1, 20, 2, 11]])
    assert reflections.amplitude.tolist() == [10]
    assert notes == ["several measured columns: F_a is read, not F_b"]
