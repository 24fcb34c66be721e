"""Benchmark reading and merging of a million reflections in each format, beside its goal."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import argand
from argand.io import Reflections
from argand.measured import merge

ROWS = 1_000_000
CELL = (30.0, 31.0, 32.0, 90.0, 90.0, 90.0)
SPACEGROUP = "P 1 21/c 1"
# Seconds for reading, checks and merging.
GOALS = {"hkl": 3.0, "fcf": 6.0, "mtz": 3.0}
TAGS = ("index_h", "index_k", "index_l", "F_squared_meas", "F_squared_sigma", "observed_status")


def measured() -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Draw a million measurements with indices to 20 (m, 3), and their intensities (m,)."""
    rng = np.random.default_rng(1)
    hkl = rng.integers(1, 21, (ROWS, 3)).astype(np.int32) * rng.choice([-1, 1], (ROWS, 3))
    return hkl, rng.exponential(100.0, ROWS)


def write_list(
    path: Path, kind: str, hkl: NDArray[np.int32], intensity: NDArray[np.float64]
) -> None:
    """Write measurements as SHELX writes them, as a CIF, or as an MTZ file."""
    sigma = np.sqrt(intensity) + 1.0
    if kind == "mtz":
        columns = {"IMEAN": intensity, "SIGIMEAN": sigma}
        argand.write_reflections(path, hkl, cell=CELL, spacegroup=SPACEGROUP, **columns)
        return
    end = " o" if kind == "fcf" else "   1"
    rows: list[str] = []
    if kind == "fcf":
        rows = ["data_a", "loop_", *(f"_refln_{tag}" for tag in TAGS)]
    for (h, k, l), value, uncertainty in zip(hkl.tolist(), intensity, sigma, strict=True):
        rows.append(f"{h:4d}{k:4d}{l:4d} {value:7.2f} {uncertainty:7.2f}{end}")
    path.write_text("\n".join(rows))


@pytest.mark.parametrize("kind", GOALS)
def test_a_million_reflections(kind: str, tmp_path: Path) -> None:
    hkl, intensity = measured()
    path = tmp_path / f"a.{kind}"
    write_list(path, kind, hkl, intensity)
    start = time.perf_counter()
    observed = argand.read_reflections(path, cell=CELL, spacegroup=SPACEGROUP)
    read = time.perf_counter()
    merged = merge(observed)
    end = time.perf_counter()
    # The answer first: every measurement is read, and is merged, absent, rejected or unused.
    assert isinstance(observed, Reflections)
    np.testing.assert_array_equal(observed.hkl, hkl)
    assert merged.measured + merged.absent + merged.rejected + merged.unused == ROWS
    print(
        f"\n{kind}: read {read - start:.2f} s, merged {end - read:.2f} s, "
        f"together {end - start:.2f} s (goal {GOALS[kind]:g} s)"
    )
