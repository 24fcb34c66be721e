"""The verb ``argand map``: electron density from structure factors. It needs the core only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from argand.cli._density import write_density
from argand.cli._outputs import MAP_SUFFIXES, check_output_file
from argand.errors import ArgandError
from argand.io import SourceFile, open_file
from argand.radiation import Radiation
from argand.reflections import SMALLEST_D_MIN, stol

__all__ = ["map"]


def map(
    file: Path,
    *,
    output: Path,
    sample_rate: float = 3.0,
    shape: tuple[int, int, int] | None = None,
) -> None:
    """Compute the electron density from structure factors, in electrons per cubic angstrom.

    Without F(000) its mean is 0. Neutrons give fm and electrons 1/angstrom instead of electrons.

    Parameters
    ----------
    file : FILE
        Read reflections with amplitudes and phases from this file (MTZ, FCF).
    output : FILE
        Write the density to this file (CCP4 map: .ccp4, .map or .mrc).
    sample_rate : POINTS
        Put so many grid points on the smallest lattice spacing.
    shape : NA NB NC
        Use so many grid points along a, b and c, instead of a sample rate.
    """
    check_output_file(output, MAP_SUFFIXES, [file])
    source = open_file(file)
    reflections = source.reflections()
    if reflections.cell is None:
        raise ArgandError(f"{file}: states no cell")
    try:
        f = reflections.f
    except ArgandError as error:
        raise ArgandError(f"{file}: {error}") from None
    is_known = np.isfinite(f)
    if not is_known.any():
        raise ArgandError(f"{file}: no reflection has both amplitude and phase")
    hkl = reflections.hkl[is_known]
    if not hkl.any():
        raise ArgandError(f"{file}: holds F(000) alone")
    finest = 0.5 / float(stol(hkl, reflections.cell).max())
    if finest < SMALLEST_D_MIN:
        raise ArgandError(
            f"{file}: holds reflections to {finest:.2g} Å, needs a resolution of "
            f"{SMALLEST_D_MIN:g} Å or more"
        )
    write_density(
        output,
        hkl,
        f[is_known],
        reflections.cell,
        reflections.spacegroup or "P 1",
        sample_rate=sample_rate,
        shape=shape,
        unit=_density_unit(source),
    )
    if hkl.any(axis=1).all():
        print(f"{file}: has no F(000): the mean of the density is 0")
    if reflections.f_columns:
        print(f"{file}: F is read from {reflections.f_columns}")


def _density_unit(source: SourceFile) -> str:
    """Return the unit of the density: that of the probe where a CIF names it, else of x-rays."""
    if source.contents().format != "CIF":
        return Radiation().density_unit
    return Radiation(source.experiment().probe).density_unit
