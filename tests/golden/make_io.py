"""Make the golden files of crystals, reflections, maps and stored settings.

Run `python tests/golden/make_io.py` after a format has changed on purpose. Files that were made
before stay readable: give the new ones another name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import argand
from argand.io import write_crystal, write_hklf4
from argand.radiation import Radiation
from argand.store import write_arrays, write_json

FOLDER = Path(__file__).parent

CELL = (5.0, 6.0, 7.0, 90.0, 103.0, 90.0)
SPACEGROUP = "P 1 21/c 1"
HKL = np.array([[0, 1, 1], [1, 0, 0], [1, 1, -2], [2, 0, 0]], dtype=np.int32)
F = np.array([3.0 + 4.0j, -2.0 + 0.0j, 1.0j, 6.0 - 8.0j])
SIGMA = np.array([0.1, 0.2, 0.3, 0.4])


def crystal() -> argand.Crystal:
    """Return two sites: an iron that moves anisotropically, an oxygen that is not always there."""
    tensors = np.array([[0.01, 0.02, 0.03, 0.001, 0.002, 0.003], [np.nan] * 6])
    return argand.Crystal(
        CELL,
        SPACEGROUP,
        types=("Fe3+", "O2-"),
        labels=("Fe1", "O1"),
        frac=np.array([[0.1, 0.2, 0.3], [0.7, 0.4, 0.9]]),
        occ=np.array([1.0, 0.75]),
        b_iso=np.array([1.5, 2.0]),
        u_aniso=tensors,
    )


def density() -> np.ndarray:
    """Return a density (4, 5, 6) that is different at every point."""
    return np.arange(120.0).reshape(4, 5, 6) / 8.0


def main() -> None:
    """Write all files into the folder of this script."""
    write_crystal(FOLDER / "crystal.cif", crystal())
    argand.write_reflections(
        FOLDER / "reflections.mtz", HKL, F, cell=CELL, spacegroup=SPACEGROUP, SIGF=SIGMA
    )
    write_hklf4(FOLDER / "reflections.hkl", HKL, np.abs(F) ** 2, SIGMA)
    argand.write_map(FOLDER / "density.ccp4", density(), CELL)
    radiation = Radiation("x-ray", 0.71073, dispersion=True)
    write_json(FOLDER / "radiation.json", radiation, kind="radiation", version=1)
    write_arrays(FOLDER / "arrays.safetensors", {"hkl": HKL, "sigma": SIGMA})


if __name__ == "__main__":
    main()
