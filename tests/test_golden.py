"""Files that argand wrote before are read as they were meant.

A new format gets a file in `tests/golden`, the script that made it, and a line in `READERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.radiation import Radiation
from argand.store import read_arrays, read_json

GOLDEN = Path(__file__).parent / "golden"

CELL = (5.0, 6.0, 7.0, 90.0, 103.0, 90.0)
HKL = [[0, 1, 1], [1, 0, 0], [1, 1, -2], [2, 0, 0]]
F = [3.0 + 4.0j, -2.0 + 0.0j, 1.0j, 6.0 - 8.0j]
SIGMA = [0.1, 0.2, 0.3, 0.4]


def check_crystal(path: Path) -> None:
    crystal = argand.read_crystal(path)
    assert crystal.cell == CELL
    assert crystal.spacegroup == "P 1 21/c 1"
    assert crystal.types == ("Fe3+", "O2-")
    assert crystal.labels == ("Fe1", "O1")
    assert crystal.frac.tolist() == [[0.1, 0.2, 0.3], [0.7, 0.4, 0.9]]
    assert crystal.occ.tolist() == [1.0, 0.75]
    assert crystal.b_iso[1] == pytest.approx(2.0, abs=1e-4)
    assert crystal.u_aniso[0].tolist() == [0.01, 0.02, 0.03, 0.001, 0.002, 0.003]
    assert np.isnan(crystal.u_aniso[1]).all()


def check_mtz(path: Path) -> None:
    reflections = argand.read_reflections(path)
    assert reflections.hkl.tolist() == HKL
    np.testing.assert_allclose(reflections.f, F, atol=1e-5)
    np.testing.assert_allclose(reflections.sigma, SIGMA, rtol=1e-6)
    assert reflections.cell == pytest.approx(CELL)
    assert reflections.spacegroup == "P 1 21/c 1"


def check_hkl(path: Path) -> None:
    """The largest intensity, 100, became 9999."""
    reflections = argand.read_reflections(path)
    assert reflections.hkl.tolist() == HKL
    assert reflections.intensity.tolist() == [2499.75, 399.96, 99.99, 9999.0]
    assert reflections.sigma.tolist() == [10.0, 20.0, 30.0, 40.0]


def check_map(path: Path) -> None:
    rho, cell, spacegroup = argand.read_map(path)
    np.testing.assert_array_equal(rho, np.arange(120.0).reshape(4, 5, 6) / 8.0)
    assert cell == pytest.approx(CELL)
    assert spacegroup == "P 1"


def check_json(path: Path) -> None:
    radiation = read_json(Radiation, path, kind="radiation", version=1)
    assert radiation == Radiation("x-ray", 0.71073, dispersion=True)


def check_arrays(path: Path) -> None:
    pytest.importorskip("safetensors")
    arrays = read_arrays(path)
    assert arrays["hkl"].tolist() == HKL
    assert arrays["hkl"].dtype == np.int32
    assert arrays["sigma"].tolist() == SIGMA


READERS: dict[str, Callable[[Path], None]] = {
    "crystal.cif": check_crystal,
    "reflections.mtz": check_mtz,
    "reflections.hkl": check_hkl,
    "density.ccp4": check_map,
    "radiation.json": check_json,
    "arrays.safetensors": check_arrays,
}


@pytest.mark.parametrize("name", READERS)
def test_a_golden_file_is_read(name: str) -> None:
    READERS[name](GOLDEN / name)


def test_every_golden_file_has_a_reader() -> None:
    """Folders of packages are read by the tests of these packages."""
    names = {file.name for file in GOLDEN.iterdir() if file.is_file() and file.suffix != ".py"}
    assert names == set(READERS)
