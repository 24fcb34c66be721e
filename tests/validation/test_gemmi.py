"""Compare with structure factors of gemmi's calculator, for every structure of the test data.

gemmi evaluates form factors in single precision. A calculator keeps one form factor an element, so
that a structure with Fe2+ and Fe3+ is calculated one charge at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

import argand
from argand.io import open_file, parse_formula
from data_dir import cif_files

pytestmark = pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")

# Files that gemmi's reader understands in another way: what it makes of them, and whether
# formula x Z can tell.
OTHERWISE = {
    "1001031": (
        "a dummy hydrogen marked 'dum' is put at -1, -1, -1; Fe2+ and Fe3+ share a form factor",
        False,
    ),
    "1001614": ("hydrogens without coordinates are put at NaN, and so is F", False),
    "1100015": ("a dummy hydrogen marked 'dum' is put at -1, -1, -1", False),
    "2020199": ("ions written sign first, 'Al+3', are taken for neutral atoms", False),
    "9002547": ("deuterium called Dw and Dd is an unknown element of no electrons", True),
}


@pytest.fixture(autouse=True)
def gemmi_knows_ions() -> Iterator[None]:
    """Let gemmi look up form factors of ions."""
    before = gemmi.IT92_get_ignore_charge()
    gemmi.IT92_set_ignore_charge(False)
    yield
    gemmi.IT92_set_ignore_charge(before)


def reflections(crystal: argand.Crystal) -> np.ndarray:
    """Return reflections to 0.8 A, or fewer for large crystals: gemmi takes one a call."""
    d_min = 0.8
    atoms = len(crystal.to_p1().types)
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min)
    while len(hkl) * atoms > 1e5:
        d_min *= 1.1
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min)
    return hkl


def calculated(small: gemmi.SmallStructure, hkl: np.ndarray) -> np.ndarray:
    """Return gemmi's F (m,) of a structure with chemical occupancies, which it changes."""
    small.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    return by_calculator(calculator, small, hkl)


def by_calculator(calculator: Any, small: gemmi.SmallStructure, hkl: np.ndarray) -> np.ndarray:
    """Return F (m,) by one of gemmi's calculators."""
    f = []
    for row in hkl.tolist():
        f.append(calculator.calculate_sf_from_small_structure(small, row))
    return np.array(f)


@pytest.mark.parametrize("path", cif_files(), ids=lambda path: path.stem)
def test_structure_factors(path: Path) -> None:
    """From equal sites F agrees to 1e-6 of the largest; float32 to 2e-5."""
    crystal = argand.read_crystal(path)
    hkl = reflections(crystal)
    expected = np.zeros(len(hkl), complex)
    charges = np.array([site.charge for site in crystal.to_gemmi().sites])
    for charge in set(charges.tolist()):
        expected += calculated(of_sites(crystal, charges == charge).to_gemmi(), hkl)
    f = argand.structure_factors(crystal, hkl)
    largest = np.abs(f).max()
    assert np.abs(f - expected).max() < 1e-6 * largest
    single = argand.structure_factors(crystal, hkl, dtype="complex64")
    assert np.abs(f - single).max() < 2e-5 * largest


def of_sites(crystal: argand.Crystal, chosen: np.ndarray) -> argand.Crystal:
    """Return a crystal with the sites of a mask (n,) alone."""
    return crystal.replace(
        types=tuple(np.array(crystal.types)[chosen]),
        labels=tuple(np.array(crystal.labels)[chosen]),
        frac=crystal.frac[chosen],
        occ=crystal.occ[chosen],
        b_iso=crystal.b_iso[chosen],
        u_aniso=None if crystal.u_aniso is None else crystal.u_aniso[chosen],
    )


@pytest.mark.parametrize("path", cif_files(), ids=lambda path: path.stem)
def test_reading(path: Path) -> None:
    """The readers of gemmi and argand find equal crystals, but for the files of `OTHERWISE`."""
    crystal = argand.read_crystal(path)
    hkl = reflections(crystal)[:200]
    small = gemmi.read_small_structure(str(path))
    electrons = electrons_of(small)
    f = argand.structure_factors(crystal, hkl)
    error = np.abs(f - calculated(small, hkl)).max() / np.abs(f).max()
    if path.stem not in OTHERWISE:
        assert error < 1e-6
        assert electrons == pytest.approx(crystal.f000(), rel=1e-9)
        return
    assert not error < 1e-3
    reading, formula_decides = OTHERWISE[path.stem]
    if formula_decides:
        assert crystal.f000() == pytest.approx(formula_times_z(path, crystal), rel=1e-6)
        assert electrons != pytest.approx(crystal.f000(), rel=1e-3)
    # Hydrogens without coordinates are in no F(000), but in the formula.
    if "hydrogen" in reading:
        assert [site for site in small.sites if site.element.name == "H" and misplaced(site)]
        assert "H" not in crystal.composition()


def misplaced(site: gemmi.SmallStructure.Site) -> bool:
    """Tell whether gemmi has put a site where a file has no coordinates."""
    return math.isnan(site.fract.x) or site.fract.tolist() == [-1.0, -1.0, -1.0]


def electrons_of(small: gemmi.SmallStructure) -> float:
    """Return the electrons in the cell of a structure with chemical occupancies."""
    operations = len(small.cell.images) + 1
    electrons = 0.0
    for site in small.sites:
        in_place = small.cell.is_special_position(site.fract, 0.4) + 1
        electrons += site.element.atomic_number * site.occ * operations / in_place
    return electrons


def formula_times_z(path: Path, crystal: argand.Crystal) -> float:
    """Return the electrons in the cell by the formula of a CIF."""
    [block] = open_file(path).blocks
    formula = parse_formula(block.text("_chemical_formula_sum") or "")
    assert formula is not None
    electrons = 0.0
    for element, count in formula.items():
        electrons += gemmi.Element(element).atomic_number * count
    z = block.number("_cell_formula_units_z") or round(crystal.f000() / electrons)
    return z * electrons


@pytest.mark.parametrize("path", cif_files()[::5], ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("table", "calculator"),
    [("electron", gemmi.StructureFactorCalculatorE), ("neutron", gemmi.StructureFactorCalculatorN)],
)
def test_electrons_and_neutrons(path: Path, table: str, calculator: type) -> None:
    crystal = argand.read_crystal(path)
    elements = [site.element.name for site in crystal.to_gemmi().sites]
    crystal = crystal.replace(types=tuple(elements))
    hkl = reflections(crystal)[:100]
    small = crystal.to_gemmi()
    small.change_occupancies_to_crystallographic()
    expected = by_calculator(calculator(small.cell), small, hkl)
    f = argand.structure_factors(crystal, hkl, table=table)
    assert np.abs(f - expected).max() < 1e-6 * np.abs(f).max()


def test_dispersion() -> None:
    """f' + i f'' of gemmi's table is added to the form factor of one atom."""
    cell = (5.0, 6.0, 7.0, 80.0, 95.0, 105.0)
    crystal = argand.Crystal(cell, types=("Fe",), frac=[[0.1, 0.2, 0.3]])
    hkl = np.array([[1, 2, 3], [-1, 0, 2]])
    f1, f2 = gemmi.cromer_liberman(26, 8047.8)
    form = argand.form_factors(["Fe"], argand.stol(hkl, crystal.cell))[0]
    expected = (form + f1 + 1j * f2) * np.exp(2j * np.pi * hkl @ crystal.frac[0])
    f = argand.structure_factors(crystal, hkl, energy_kev=8.0478)
    np.testing.assert_allclose(f, expected, rtol=1e-12)


def test_the_inverse_transform_is_gemmis_map() -> None:
    [path] = [path for path in cif_files() if path.stem == "9002547"]
    crystal = argand.read_crystal(path)
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.0)
    f = argand.structure_factors(crystal, hkl)
    shape = argand.grid_shape(crystal.cell, crystal.spacegroup, d_min=1.0)
    unit_cell = gemmi.UnitCell(*crystal.cell)
    group = gemmi.SpaceGroup(crystal.spacegroup)
    data = gemmi.ComplexAsuData(unit_cell, group, hkl, f.astype(np.complex64))
    theirs = np.array(data.transform_f_phi_to_map(exact_size=shape))
    rho = argand.map_from_structure_factors(
        hkl, f, shape, cell=crystal.cell, spacegroup=crystal.spacegroup
    )
    assert np.abs(rho - theirs).max() < 1e-6 * np.abs(rho).max()
