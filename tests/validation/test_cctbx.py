"""Compare with structure factors that cctbx computed from the same files.

cctbx shares no code with argand or gemmi. Its numbers are in the development data and, for four
files, in tests/data.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from data_dir import DATA, SHARED

pytestmark = pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")


def first_tensor_of_a_label(crystal: argand.Crystal) -> argand.Crystal:
    """Return a crystal in which all sites of one label have the tensor of the first."""
    assert crystal.u_aniso is not None
    first = [crystal.labels.index(label) for label in crystal.labels]
    return crystal.replace(u_aniso=crystal.u_aniso[first])


def first_tensor_and_symmetric_sodium(crystal: argand.Crystal) -> argand.Crystal:
    """Return a crystal with the first tensor of each label, and that of Na made symmetric."""
    crystal = first_tensor_of_a_label(crystal)
    assert crystal.u_aniso is not None
    u_aniso = crystal.u_aniso.copy()
    # A twofold axis forbids U12 and U23 of sodium.
    u_aniso[crystal.labels.index("Na"), [3, 5]] = 0.0
    return crystal.replace(u_aniso=u_aniso)


def hydroxyl_is_an_ion(crystal: argand.Crystal) -> argand.Crystal:
    """Return a crystal in which oxygen labelled 'O-H' is O1-."""
    types = list(crystal.types)
    for site, label in enumerate(crystal.labels):
        if label == "O-H":
            types[site] = "O1-"
    return crystal.replace(types=tuple(types))


def rhombohedral_cell(crystal: argand.Crystal) -> argand.Crystal:
    """Return a crystal whose cell has three equal edges and three equal angles."""
    a = np.mean(crystal.cell[:3])
    angle = np.mean(crystal.cell[3:])
    return crystal.replace(cell=(a, a, a, angle, angle, angle))


# Files that cctbx reads in another way: what it makes of them, and why argand does not. Formula x Z
# decides where electrons differ.
OTHERWISE = {
    # Two sites are called Al2, with two tensors in the order of the sites. The first shares its
    # position with Si2, which has an equal tensor. cctbx gives both sites the first tensor. The
    # tensor of sodium breaks the symmetry of its position: cctbx averages the tensor, argand and
    # gemmi average its images.
    "9000905": (first_tensor_and_symmetric_sodium, "equal labels, different tensors"),
    "9002247": (first_tensor_of_a_label, "equal labels, different tensors"),
    # The hydroxyl oxygen labelled 'O-H' becomes O1- in cctbx. Formula x Z counts 621 electrons
    # without hydrogen, as argand does.
    "9000023": (hydroxyl_is_an_ion, "a hydroxyl taken for an ion"),
    # In the file a, b, c of a rhombohedral cell differ in the fifth figure; cctbx makes them equal.
    "9008098": (rhombohedral_cell, "the cell is made symmetric"),
}
# cctbx moves 0.3333 to 1/3. In argand the images around the axis share the occupancy, which changes
# F by 2e-6 at 0.6 A.
TOLERANCE = {"2204347": 5e-6}


def cctbx_files() -> dict[str, Path]:
    """Return the files of structure factors by the number of their CIF."""
    shared = {path.stem: path for path in (SHARED / "cif_fcalc").glob("*.csv")}
    if shared:
        return shared
    return {path.stem.removeprefix("fcalc_"): path for path in DATA.glob("fcalc_*.csv")}


@pytest.mark.parametrize("number", sorted(cctbx_files()))
def test_structure_factors(number: str) -> None:
    path = cctbx_files()[number]
    folder = SHARED / "cif" if path.is_relative_to(SHARED) else DATA
    crystal = argand.read_crystal(folder / f"{number}.cif")
    table = np.loadtxt(path, delimiter=",", skiprows=2)
    hkl = table[:, :3].astype(int)
    expected = table[:, 3] + 1j * table[:, 4]
    largest = np.abs(expected).max()
    if number in OTHERWISE:
        change, _ = OTHERWISE[number]
        f = argand.structure_factors(crystal, hkl)
        assert np.abs(f - expected).max() > 1e-5 * largest
        crystal = change(crystal)
    f = argand.structure_factors(crystal, hkl)
    tolerance = TOLERANCE.get(number, 1e-6)
    assert np.abs(f - expected).max() < tolerance * largest
