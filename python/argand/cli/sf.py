"""The verb ``argand sf``: structure factors of a crystal. It needs the core only."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

import argand
from argand.cli._description_text import summary_lines
from argand.cli._outputs import check_output_file
from argand.errors import ArgandError
from argand.form_factors import Corrections
from argand.io import open_file
from argand.radiation import wavelength
from argand.reflections import friedel_mates
from argand.symmetry import find_spacegroup, group_ops

__all__ = ["sf"]

# Lattice spacing in angstrom that no diffraction experiment resolves: even photons of 120 keV, with
# a wavelength of 0.1 A, reach 0.05 A only by scattering backwards.
_LOWEST_D_MIN = 0.05


def sf(
    file: Path,
    *,
    d_min: float,
    output: Path,
    table: Literal["it92", "electron", "neutron"] = "it92",
    energy_kev: float | None = None,
    sphere: bool = False,
    anomalous: bool = False,
    f000: bool = False,
) -> None:
    """Compute structure factors by summation over all atoms of the unit cell.

    Parameters
    ----------
    file : FILE
        Read the crystal structure from this file (CIF).
    d_min : A
        Compute all reflections to this resolution, the smallest lattice spacing in angstrom.
    output : FILE
        Write the reflections to this file (MTZ, columns F and PHI).
    table
        Use this table of form factors.
    energy_kev : KEV
        Include the dispersion f' + i f'' at this photon energy in keV; without it there is none. At
        the wavelength of the file its own f' and f'' are used where it states some.
    sphere
        Write all reflections of the sphere, not one of each set of equivalents.
    anomalous
        Write both Friedel mates, which differ with dispersion, in the columns F(+), PHI(+), F(-)
        and PHI(-).
    f000
        Write F(000) as well, without which the mean of a map is 0.
    """
    if anomalous and energy_kev is None:
        raise ArgandError("anomalous needs energy_kev: without dispersion Friedel mates are equal")
    if anomalous and sphere:
        raise ArgandError("anomalous and sphere exclude each other: a sphere lists all mates")
    check_output_file(output, (".mtz",), [file])
    if d_min < _LOWEST_D_MIN:
        raise ArgandError(f"d_min is {d_min:g} Å, needs to be {_LOWEST_D_MIN:g} or more")
    source = open_file(file)
    crystal = source.crystal()
    corrections: Corrections = ()
    if energy_kev is not None:
        corrections = source.experiment().corrections_at(energy_kev)
    # An MTZ file names its space group: a setting without a name is written in P 1.
    has_named_setting = find_spacegroup(crystal.spacegroup) is not None
    spacegroup = crystal.spacegroup if has_named_setting else "P 1"
    hkl = argand.miller_indices(crystal.cell, spacegroup, d_min=d_min, unique=not sphere)
    if len(hkl) == 0:
        raise ArgandError(f"{file}: no reflections to {d_min} Å, give a smaller --d-min")
    listed = [hkl, friedel_mates(hkl)] if anomalous else [hkl]
    if f000:
        listed.insert(0, np.zeros((1, 3), np.int32))
    all_hkl = np.concatenate(listed)
    f = argand.structure_factors(
        crystal, all_hkl, table=table, energy_kev=energy_kev, corrections=corrections
    )
    assert isinstance(f, np.ndarray)
    argand.write_reflections(
        output,
        all_hkl,
        f,
        cell=crystal.cell,
        spacegroup=spacegroup,
        wavelength=None if energy_kev is None else wavelength(energy_kev),
        mates=anomalous,
    )
    dispersion = "no dispersion" if energy_kev is None else f"dispersion at {energy_kev:g} keV"
    if corrections:
        dispersion += " as stated"
    setting = "" if has_named_setting else ", written in P 1"
    print("\n".join(summary_lines(crystal)))
    print(f"{output}: {len(hkl)} reflections to {d_min:g} Å, table {table}, {dispersion}{setting}")
    if f000:
        print(f"F(000) = {f[0].real:g} is written as reflection 0 0 0")
    is_centrosymmetric = group_ops(crystal.symops).is_centrosymmetric()
    if energy_kev is None or is_centrosymmetric:
        return
    if anomalous:
        print("both Friedel mates, F(+) and F(-)")
    elif not sphere:
        print(
            "one of each two Friedel mates, whose |F| differ with dispersion: --anomalous for both"
        )
