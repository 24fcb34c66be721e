"""Compare with structure factors of Dans_Diffraction, for every structure it ships and can read.

Dans_Diffraction computes isotropic displacement only and takes ions for neutral atoms. Of images
near a special position (0.3333 for 1/3) it keeps one, where argand lets all share the occupancy.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

import argand
from argand.atom_types import atom_type
from argand.cell import metric
from argand.errors import ArgandError
from argand.form_factors import gaussians
from argand.symmetry import operations

dans = pytest.importorskip(
    "Dans_Diffraction", reason="Dans_Diffraction is not installed (the extra 'validate')"
)

pytestmark = pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")

FOLDER = Path(dans.__file__).parent / "Structures"
STRUCTURES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".cif", ".mcif"))

# Sites at 0.3333 or 0.33333 for 1/3: F of the exact positions is compared with both programs.
ROUNDED = {
    "Beryllium.cif",
    "Cobalt.cif",
    "Graphite.cif",
    "HCP.cif",
    "Na0.8CoO2_P63mmc.cif",
    "Ruthenium.cif",
    "ZnO.cif",
    "Sr3LiRuO6.cif",
    "Sr3LiRuO6_C2'c'.mcif",
}

# Line 13 has two values without quotes, which no CIF may have.
NO_CIF = "NaCoO2_stripe_supercell.cif"


def peer(path: Path) -> Any:
    """Return the crystal of a file as Dans_Diffraction reads it."""
    with contextlib.redirect_stdout(io.StringIO()):
        crystal = dans.Crystal(str(path))
    # It would spend most of its time looking up magnetic form factors that x-rays do not use.
    crystal.Scatter._use_magnetic_form_factor = False
    return crystal


def reflections(crystal: Any) -> np.ndarray:
    """Return at most 3000 reflections to 0.8 A, or less in a large cell."""
    d_min = max(0.8, 0.08 * crystal.Cell.volume() ** (1 / 3))
    hkl = argand.miller_indices(crystal.Cell.lp(), "P 1", d_min)
    return hkl[:3000]


def neutral(types: Any) -> tuple[str, ...]:
    """Return the elements of atom types."""
    return tuple(atom_type(str(symbol)).element for symbol in types)


def at_rest(crystal: argand.Crystal) -> argand.Crystal:
    """Return a crystal without displacement parameters."""
    return crystal.replace(u_aniso=None, b_iso=None)


@pytest.mark.parametrize("path", STRUCTURES, ids=lambda path: path.name)
def test_structure_factors_of_the_same_atoms(path: Path) -> None:
    theirs = peer(path)
    atoms = theirs.Structure
    crystal = argand.Crystal(
        cell=theirs.Cell.lp(),
        types=neutral(atoms.type),
        frac=np.stack([atoms.u, atoms.v, atoms.w], axis=1),
        occ=atoms.occupancy,
        b_iso=8 * np.pi**2 * np.array(atoms.uiso),
    )
    hkl = reflections(theirs)
    expected = theirs.Scatter.structure_factor(hkl, "xray")
    f = argand.structure_factors(crystal, hkl)
    assert np.abs(f - expected).max() < 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize(
    "path", [path for path in STRUCTURES if path.name != NO_CIF], ids=lambda path: path.name
)
def test_structure_factors_of_the_same_file(path: Path) -> None:
    """Both programs read cell, symmetry, types, positions, occupancies and isotropic B."""
    crystal = argand.read_crystal(path)
    theirs = peer(path)
    assert crystal.cell == pytest.approx(theirs.Cell.lp())
    if crystal.u_aniso is not None:
        crystal = at_rest(crystal)
        theirs.Structure.uiso[:] = 0
    crystal = crystal.replace(types=neutral(crystal.types))
    hkl = reflections(theirs)
    f = argand.structure_factors(crystal, hkl)
    f_theirs = theirs.Scatter.structure_factor(hkl, "xray")
    largest = np.abs(f).max()
    if path.name not in ROUNDED:
        assert np.abs(f - f_theirs).max() < 1e-6 * largest
        return
    exact = argand.structure_factors(on_special_positions(crystal), hkl)
    error = np.abs(f - exact).max()
    error_theirs = np.abs(f_theirs - exact).max()
    assert error < 1e-6 * largest
    assert error_theirs > 10 * error
    assert error_theirs < 1e-3 * largest


def on_special_positions(crystal: argand.Crystal) -> argand.Crystal:
    """Return a crystal with every site in the middle of its images within 0.1 A."""
    images = []
    for rotation, translation in operations(crystal.symops):
        images.append(crystal.frac @ rotation.T + translation)
    shift = np.stack(images) - crystal.frac
    shift -= np.rint(shift)
    squared = np.einsum("oni,ij,onj->on", shift, metric(crystal.cell), shift)
    close = squared < 0.1**2
    mean = (shift * close[:, :, None]).sum(axis=0) / close.sum(axis=0)[:, None]
    return crystal.replace(frac=crystal.frac + mean)


def test_a_file_that_is_no_cif_is_refused() -> None:
    with pytest.raises(ArgandError, match="no valid CIF: line 13"):
        argand.read_crystal(FOLDER / NO_CIF)


def test_the_tables_differ_in_hydrogen_alone() -> None:
    """Dans_Diffraction has the isolated hydrogen atom; argand, gemmi and cctbx the bonded one."""
    symbols = [gemmi.Element(z).name for z in range(1, 93)]
    ours = []
    for symbol in symbols:
        a, b = gaussians(symbol)
        pairs = np.stack([a[:4], b[:4]], axis=1)
        ours.append(np.append(pairs, a[4]))
    coefficients = dans.functions_crystallography.scattering_factor_coefficients
    theirs = coefficients(*symbols, table="itc")[:, :9]
    np.testing.assert_allclose(ours[1:], theirs[1:], atol=1e-9)
    assert (ours[0][0], theirs[0][0]) == pytest.approx((0.493002, 0.489918))


def test_hydrogen_with_the_same_row(monkeypatch: pytest.MonkeyPatch) -> None:
    coefficients = dans.functions_crystallography.scattering_factor_coefficients
    row = coefficients("H", table="itc")[0]
    module = importlib.import_module("argand.form_factors")
    a = row[[0, 2, 4, 6, 8]]
    b = np.append(row[[1, 3, 5, 7]], 0.0)
    monkeypatch.setattr(module, "_stacked_gaussians", lambda *_: (a[None], b[None]))
    theirs = peer(FOLDER / "triclinic.cif")
    theirs.Structure.type[:] = ["H"]
    crystal = argand.read_crystal(FOLDER / "triclinic.cif").replace(types=("H",))
    hkl = reflections(theirs)
    expected = theirs.Scatter.structure_factor(hkl, "xray")
    f = argand.structure_factors(crystal, hkl)
    assert np.abs(f - expected).max() < 1e-6 * np.abs(expected).max()
