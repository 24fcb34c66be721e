"""Structure factors that cctbx computed from the same files: a program that shares no code with argand or gemmi.

Its numbers are in the development data and, for four files, in tests/data.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from data_dir import DATA, SHARED

pytestmark = pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")


def first_tensor_of_a_label(crystal: argand.Crystal) -> argand.Crystal:
    assert crystal.u_aniso is not None
    first = [crystal.labels.index(label) for label in crystal.labels]
    return crystal.replace(u_aniso=crystal.u_aniso[first])


def first_tensor_and_symmetric_sodium(crystal: argand.Crystal) -> argand.Crystal:
    crystal = first_tensor_of_a_label(crystal)
    assert crystal.u_aniso is not None
    u = crystal.u_aniso.copy()
    u[crystal.labels.index("Na"), [3, 5]] = 0.0  # U12 and U23, which its twofold axis forbids
    return crystal.replace(u_aniso=u)


def hydroxyl_is_an_ion(crystal: argand.Crystal) -> argand.Crystal:
    return crystal.replace(
        types=tuple(
            "O1-" if n == "O-H" else t for n, t in zip(crystal.labels, crystal.types, strict=True)
        )
    )


def rhombohedral_cell(crystal: argand.Crystal) -> argand.Crystal:
    a, angle = np.mean(crystal.cell[:3]), np.mean(crystal.cell[3:])
    return crystal.replace(cell=(a, a, a, angle, angle, angle))


def on_the_axis(crystal: argand.Crystal) -> argand.Crystal:
    return crystal.replace(
        frac=np.rint(crystal.frac * 3) / 3 * (np.arange(3) < 2) + crystal.frac * (np.arange(3) == 2)
    )


# Files that cctbx reads otherwise, its reading, and why it is not ours. Formula x Z decides where electrons differ.
OTHERWISE = {
    # Two sites called Al2 and two tensors, in the same order: the first shares its place with Si2, whose tensor is that
    # of the first Al2. cctbx gives both sites the first. Sodium's tensor breaks the symmetry of its place: cctbx
    # averages the tensor, we and gemmi average its images.
    "9000905": (first_tensor_and_symmetric_sodium, "equal labels, different tensors"),
    "9002247": (first_tensor_of_a_label, "equal labels, different tensors"),
    # the hydroxyl oxygen labelled 'O-H' becomes O1-: formula x Z counts 621 electrons without hydrogen, as we do
    "9000023": (hydroxyl_is_an_ion, "a hydroxyl taken for an ion"),
    # a, b, c of a rhombohedral cell differ in the fifth figure; cctbx makes them equal, the file does not
    "9008098": (rhombohedral_cell, "the cell is made symmetric"),
}
# 0.3333 is moved to 1/3 there; our images around the axis share the occupancy, which is 2e-6 of that at 0.6 A
TOLERANCE = {"2204347": 5e-6}


def stored() -> dict[str, Path]:
    shared = {path.stem: path for path in (SHARED / "cif_fcalc").glob("*.csv")}
    return shared or {path.stem.removeprefix("fcalc_"): path for path in DATA.glob("fcalc_*.csv")}


@pytest.mark.parametrize("number", sorted(stored()))
def test_structure_factors(number: str) -> None:
    path = stored()[number]
    folder = SHARED / "cif" if path.is_relative_to(SHARED) else DATA
    crystal = argand.read_crystal(folder / f"{number}.cif")
    table = np.loadtxt(path, delimiter=",", skiprows=2)
    hkl, expected = table[:, :3].astype(int), table[:, 3] + 1j * table[:, 4]
    top = np.abs(expected).max()
    tolerance = TOLERANCE.get(number, 1e-6)
    if number in OTHERWISE:
        change, _ = OTHERWISE[number]
        assert np.abs(argand.structure_factors(crystal, hkl) - expected).max() > 1e-5 * top
        crystal = change(crystal)
    assert np.abs(argand.structure_factors(crystal, hkl) - expected).max() < tolerance * top
