"""Verbs on files: ``argand sf``, ``argand map``. They need the core only."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

import argand
from argand.cli._description_text import summary_lines
from argand.errors import ArgandError
from argand.symmetry import find_spacegroup


def sf(
    file: Path,
    *,
    d_min: float,
    output: Path,
    table: Literal["it92", "electron", "neutron"] = "it92",
    energy_kev: float | None = None,
    sphere: bool = False,
) -> None:
    """Structure factors of a crystal, by summation over all atoms of the cell, F(000) left out.

    Parameters
    ----------
    file
        Crystal structure (CIF).
    d_min
        Resolution: smallest lattice spacing in angstrom.
    output
        Reflections to write (MTZ, columns F and PHI).
    table
        Form factors.
    energy_kev
        Photon energy. Given, dispersion f' + i f'' is included.
    sphere
        Write all reflections, not one of each set of equivalents.
    """
    _must_end(output, ".mtz")
    crystal = argand.read_crystal(file)
    named = find_spacegroup(crystal.spacegroup) is not None
    spacegroup = crystal.spacegroup if named else "P 1"  # MTZ knows named settings only
    hkl = argand.miller_indices(crystal.cell, spacegroup, d_min=d_min, unique=not sphere)
    if len(hkl) == 0:
        raise ArgandError(f"{file}: no reflections to {d_min} Å, give a smaller --d-min")
    f = argand.structure_factors(crystal, hkl, table=table, energy_kev=energy_kev)
    assert isinstance(f, np.ndarray)
    argand.write_reflections(output, hkl, f, cell=crystal.cell, spacegroup=spacegroup)
    dispersion = "no dispersion" if energy_kev is None else f"dispersion at {energy_kev:g} keV"
    print("\n".join(summary_lines(crystal)))
    expanded = "" if named else ", written in P 1"
    print(f"{output}: {len(hkl)} reflections to {d_min:g} Å, table {table}, {dispersion}{expanded}")


def map(
    file: Path,
    *,
    output: Path,
    sample_rate: float = 3.0,
    shape: tuple[int, int, int] | None = None,
) -> None:
    """Electron density from structure factors, in electrons per cubic angstrom. Without F(000) its mean is 0.

    Parameters
    ----------
    file
        Reflections with amplitudes and phases (MTZ, FCF).
    output
        Density to write (CCP4 map).
    sample_rate
        Grid points per smallest lattice spacing.
    shape
        Grid points along a, b, c, instead of a sample rate.
    """
    found = argand.read_reflections(file)
    if found.cell is None:
        raise ArgandError(f"{file}: states no cell")
    try:
        f = found.f
    except ArgandError as error:
        raise ArgandError(f"{file}: {error}") from None
    given = np.isfinite(f)
    if not given.any():
        raise ArgandError(f"{file}: no reflection has both amplitude and phase")
    hkl, f = found.hkl[given], f[given]
    spacegroup = found.spacegroup or "P 1"
    longest = float(argand.stol(hkl, found.cell).max())
    if longest == 0:
        raise ArgandError(f"{file}: holds F(000) alone")
    grid = shape or argand.grid_shape(found.cell, spacegroup, 0.5 / longest, sample_rate)
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=found.cell, spacegroup=spacegroup)
    argand.write_map(output, rho, found.cell, spacegroup)
    print(
        f"{output}: {' x '.join(str(n) for n in grid)} points from {len(hkl)} reflections to {0.5 / longest:.2f} Å, "
        f"{rho.min():.3g} to {rho.max():.3g} e/Å³, rms {rho.std():.3g}"
    )


def _must_end(path: Path, suffix: str) -> None:
    if path.suffix.lower() != suffix:
        raise ArgandError(f"{path}: needs a name that ends in {suffix}")
