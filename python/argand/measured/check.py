"""Check whether measured data can be those of a crystal, before a refinement uses them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured.absences import check_absences
from argand.measured.agreement import calculated_intensity
from argand.measured.check_crystal import (
    check_cell,
    check_content,
    check_laue_group,
    check_space_group,
    check_wavelength,
    group_words,
)
from argand.measured.check_intensities import (
    check_change,
    check_kind,
    check_relation,
    check_signs,
    expected_amplitudes,
)
from argand.measured.merging import Merged, merge, usable
from argand.measured.reindexing import reindexing_words
from argand.measured.statistics import impossible
from argand.radiation import Radiation
from argand.site_symmetry import site_rotations

__all__ = ["check_data", "free_coordinates"]

# Fewer unique reflections are refused, whatever the structure.
_FEWEST_REFLECTIONS = 10

# Fewer unique reflections for each free coordinate raise a doubt.
_WANTED_PER_COORDINATE = 3.0

# A smaller completeness raises a doubt.
_WANTED_COMPLETENESS = 0.7

_X_RAYS = Radiation()


def check_data(
    reflections: Reflections,
    crystal: Crystal,
    *,
    content: Mapping[str, float] | None = None,
    radiation: Radiation = _X_RAYS,
    merged: Merged | None = None,
    explained: bool = False,
) -> list[str]:
    """Look for what makes reflections unfit for a relative of a known crystal.

    Parameters
    ----------
    reflections
        Measured data; their own cell and space group are compared where they state them.
    crystal
        Known structure, whose cell and space group the data are taken to have.
    content
        Atoms of each element in the unit cell that was measured, where known.
    radiation
        Form factors, which are taken without dispersion, and the wavelength. Where it has no
        wavelength, the reflections may state one.
    merged
        The reflections merged with cell and space group of the crystal, where this was done before.
    explained
        Whether atoms of the crystal, displaced, are known to explain the data. Then data that
        hardly follow the structure as it is are accepted, unless they are so few that much would
        explain them, and the slower statistics that only raise doubts are left out.

    Returns
    -------
    list[str]
        Doubts in words, one line each, about data that can be used.

    Raises
    ------
    ArgandError
        One line for what cannot be right: another cell, another space group, another content,
        amplitudes given as intensities or intensities as amplitudes, too few reflections,
        intensities that have nothing to do with the structure. Where the data follow the structure
        on other axes, the line names them.
    """
    try:
        return _check(reflections, crystal, content, radiation, merged, explained)
    except ArgandError as error:
        hint = reindexing_words(reflections, crystal, Radiation(radiation.probe))
        raise ArgandError(f"{error}; {hint}" if hint else str(error)) from None


def _check(
    reflections: Reflections,
    crystal: Crystal,
    content: Mapping[str, float] | None,
    radiation: Radiation,
    merged: Merged | None,
    explained: bool,
) -> list[str]:
    """Look for what makes reflections unfit, one check after the other; return the doubts."""
    doubts: list[str] = []
    doubts += check_cell(reflections, crystal)
    check_wavelength(reflections, crystal, radiation)
    doubts += check_space_group(reflections, crystal)
    if content is not None:
        doubts += check_content(content, crystal)
    check_signs(reflections)
    if not usable(reflections).any():
        raise ArgandError("too few reflections: none has an intensity that can be used")
    absences = check_absences(reflections, crystal.spacegroup)
    if absences.violated:
        raise ArgandError(
            f"another space group, or cell: of the reflections that {group_words(crystal)} "
            f"extinguishes {absences}; in a crystal of broken symmetry use a subgroup "
            "(Crystal.to_p1)"
        )
    if merged is None:
        merged = merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup)
    check_laue_group(reflections, merged, crystal)
    doubts += impossible(merged)
    doubts += _check_number(merged, crystal)
    plain_radiation = Radiation(radiation.probe)
    calculated = calculated_intensity(crystal, merged.hkl, radiation=plain_radiation)
    if not calculated.any():
        return doubts
    expected = expected_amplitudes(merged, calculated)
    enough = len(merged.hkl) >= _WANTED_PER_COORDINATE * free_coordinates(crystal)
    if not (explained and enough):
        doubts += check_relation(merged, expected)
    check_kind(reflections, merged, expected)
    if not explained:
        change = check_change(merged, calculated, expected)
        hint = reindexing_words(reflections, crystal, plain_radiation) if change else ""
        doubts += [*change, hint] if hint else change
    return doubts


@lru_cache(maxsize=32)
def free_coordinates(crystal: Crystal) -> int:
    """Count the positional parameters that symmetry leaves free."""
    free = 0
    for site in range(len(crystal.types)):
        # The mean of the rotations that leave a site is a projector, whose trace is its rank.
        projector = site_rotations(crystal, site).mean(axis=0)
        free += round(float(np.trace(projector)))
    return free


def _check_number(merged: Merged, crystal: Crystal) -> list[str]:
    """Refuse too few reflections; doubt few for the coordinates, or an incomplete data set."""
    unique = len(merged.hkl)
    free = free_coordinates(crystal)
    needed = max(_FEWEST_REFLECTIONS, free)
    if unique < needed:
        raise ArgandError(
            f"too few reflections: {unique} unique ones to {merged.d_min:.2f} Å "
            f"for {free} coordinates, needs {needed} or more"
        )
    doubts: list[str] = []
    if unique < _WANTED_PER_COORDINATE * free:
        doubts.append(f"only {unique} unique reflections for {free} coordinates")
    if merged.completeness < _WANTED_COMPLETENESS:
        doubts.append(
            f"only {100 * merged.completeness:.0f} % of the reflections "
            f"to {merged.d_min:.2f} Å are measured"
        )
    return doubts
