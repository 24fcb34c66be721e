"""Structure factors of Dans_Diffraction, for every structure it ships and can read.

It computes isotropic displacement only, takes ions for neutral atoms, and of images near a special position (0.3333 for
1/3) it keeps one where the others share the occupancy.
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

# sites at 0.3333 or 0.33333 for 1/3: what the atoms ought to be, and how much nearer to it our sum comes, is tested
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

# two values without quotes in line 13: not a CIF, and said so
NO_CIF = "NaCoO2_stripe_supercell.cif"


def peer(path: Path) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        crystal = dans.Crystal(str(path))
    # it would spend nine tenths of its time looking up magnetic form factors that x-rays do not use
    crystal.Scatter._use_magnetic_form_factor = False
    return crystal


def reflections(crystal: Any) -> np.ndarray:
    cell = crystal.Cell.lp()
    return argand.miller_indices(cell, "P 1", max(0.8, 0.08 * crystal.Cell.volume() ** (1 / 3)))[
        :3000
    ]


def neutral(types: Any) -> tuple[str, ...]:
    return tuple(atom_type(str(symbol)).element for symbol in types)


def at_rest(crystal: argand.Crystal) -> argand.Crystal:
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
    found = argand.structure_factors(crystal, hkl)
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize(
    "path", [path for path in STRUCTURES if path.name != NO_CIF], ids=lambda path: path.name
)
def test_structure_factors_of_the_same_file(path: Path) -> None:
    """Both read the file: cell, symmetry, types, positions, occupancies, and displacement where it is isotropic."""
    crystal, theirs = argand.read_crystal(path), peer(path)
    assert crystal.cell == pytest.approx(theirs.Cell.lp())
    if crystal.u_aniso is not None:
        crystal = at_rest(crystal)
        theirs.Structure.uiso[:] = 0
    crystal = crystal.replace(types=neutral(crystal.types))
    hkl = reflections(theirs)
    f, expected = (
        argand.structure_factors(crystal, hkl),
        theirs.Scatter.structure_factor(hkl, "xray"),
    )
    top = np.abs(f).max()
    if path.name not in ROUNDED:
        assert np.abs(f - expected).max() < 1e-6 * top
        return
    truth = argand.structure_factors(on_special_positions(crystal), hkl)
    assert np.abs(f - truth).max() < 1e-6 * top
    assert np.abs(expected - truth).max() > 10 * np.abs(f - truth).max()
    assert np.abs(expected - truth).max() < 1e-3 * top


def on_special_positions(crystal: argand.Crystal) -> argand.Crystal:
    """Every site moved to the middle of its images nearby."""
    images = np.stack(
        [crystal.frac @ rotation.T + shift for rotation, shift in operations(crystal.symops)]
    )
    apart = images - crystal.frac
    apart -= np.rint(apart)
    near = np.einsum("oni,ij,onj->on", apart, metric(crystal.cell), apart) < 0.1**2
    return crystal.replace(
        frac=crystal.frac + (apart * near[:, :, None]).sum(axis=0) / near.sum(axis=0)[:, None]
    )


def test_what_is_no_cif_is_said() -> None:
    with pytest.raises(ArgandError, match="no valid CIF: line 13"):
        argand.read_crystal(FOLDER / NO_CIF)


def test_the_tables_differ_in_hydrogen_alone() -> None:
    """Its row of hydrogen is that of the isolated atom, ours, as in gemmi and cctbx, that of the bonded one."""
    symbols = [gemmi.Element(z).name for z in range(1, 93)]
    ours = [np.append(np.stack([a[:4], b[:4]], axis=1), a[4]) for a, b in map(gaussians, symbols)]
    theirs = dans.functions_crystallography.scattering_factor_coefficients(*symbols, table="itc")[
        :, :9
    ]
    np.testing.assert_allclose(ours[1:], theirs[1:], atol=1e-9)
    assert (ours[0][0], theirs[0][0]) == pytest.approx((0.493002, 0.489918))


def test_hydrogen_with_the_same_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dans.functions_crystallography.scattering_factor_coefficients("H", table="itc")[0]
    module = importlib.import_module("argand.form_factors")
    a, b = row[[0, 2, 4, 6, 8]], np.append(row[[1, 3, 5, 7]], 0.0)
    monkeypatch.setattr(module, "_rows", lambda *_: (a[None], b[None]))
    theirs = peer(FOLDER / "triclinic.cif")
    theirs.Structure.type[:] = ["H"]
    crystal = argand.read_crystal(FOLDER / "triclinic.cif").replace(types=("H",))
    hkl = reflections(theirs)
    expected = theirs.Scatter.structure_factor(hkl, "xray")
    assert (
        np.abs(argand.structure_factors(crystal, hkl) - expected).max()
        < 1e-6 * np.abs(expected).max()
    )
