"""Check cell, space group, wavelength and content of measured data against a known crystal.

Every check returns doubts in words, and raises an `ArgandError` for what cannot be right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gemmi
import numpy as np

from argand.atom_types import atomic_number
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured.merging import Merged, merge, usable
from argand.radiation import Radiation
from argand.reflections import hkl_cube, stol
from argand.symmetry import group_ops

__all__ = [
    "check_cell",
    "check_content",
    "check_laue_group",
    "check_space_group",
    "check_wavelength",
    "group_words",
]

# Lengths of a cell that differ by more than this share raise a doubt.
_STRAINED_LENGTH = 0.02

# Angles of a cell that differ by more than so many degrees raise a doubt.
_STRAINED_ANGLE = 1.0

# Lengths that differ by more than this share are those of another crystal.
_OTHER_LENGTH = 0.10

# Angles that differ by more than so many degrees are those of another crystal.
_OTHER_ANGLE = 5.0

# Rounding of cell and wavelength lets sin(theta) of a measured reflection exceed 1 by this.
_LARGEST_SINE = 1.01

# Systematic absences are compared for Miller indices up to this.
_LARGEST_INDEX = 6

# Share of electrons of atoms other than hydrogen that are gained or lost in another compound; an
# exchange counts twice, where it is lost and where it is gained.
_OTHER_CONTENT = 0.2

# Numbers of atoms in the cell that differ by less than this are rounded.
_CONTENT_ROUNDING = 0.05

# Data with R_int above this are merged again in P -1.
_LARGE_R_INT = 0.25

# The Laue group is wrong where R_int falls to less than this share in P -1.
_R_INT_SHARE = 0.5


def group_words(crystal: Crystal) -> str:
    """Return the name of the space group of a crystal, or words where it has none."""
    return "its space group" if ";" in crystal.spacegroup else crystal.spacegroup


def check_cell(reflections: Reflections, crystal: Crystal) -> list[str]:
    """Compare the unit cell that the reflections state with the unit cell of the crystal."""
    if reflections.cell is None:
        return []
    stated = np.array(reflections.cell)
    expected = np.array(crystal.cell)
    length = float(np.abs(stated[:3] / expected[:3] - 1.0).max())
    angle = float(np.abs(stated[3:] - expected[3:]).max())
    both = (
        f"that of the reflections is {_cell_words(reflections.cell)}, "
        f"that of the crystal {_cell_words(crystal.cell)}"
    )
    if length > _OTHER_LENGTH or angle > _OTHER_ANGLE:
        raise ArgandError(f"another cell: {both}")
    if length > _STRAINED_LENGTH or angle > _STRAINED_ANGLE:
        return [f"the cells differ by up to {100 * length:.1f} % and {angle:.1f}°: {both}"]
    return []


def check_wavelength(reflections: Reflections, crystal: Crystal, radiation: Radiation) -> None:
    """Refuse reflections beyond backscattering, where the wavelength is known."""
    wavelength = radiation.wavelength
    if wavelength is None:
        wavelength = reflections.wavelength
    if wavelength is None:
        return
    hkl = reflections.hkl[usable(reflections)]
    sine = float(stol(hkl, crystal.cell).max(initial=0.0)) * wavelength
    if sine > _LARGEST_SINE:
        raise ArgandError(
            f"another cell or wavelength: at {wavelength:g} Å some reflections would lie beyond "
            f"backscattering (sin θ = {sine:.2f}) in the cell {_cell_words(crystal.cell)}"
        )


def check_space_group(reflections: Reflections, crystal: Crystal) -> list[str]:
    """Compare the space group that the reflections state with the space group of the crystal.

    Groups that differ in the origin or the hand alone are one. A subgroup raises a doubt.
    """
    if reflections.spacegroup is None:
        return []
    stated = group_ops(reflections.spacegroup)
    expected = group_ops(crystal.spacegroup)
    stated_rotations = _rotations(stated)
    expected_rotations = _rotations(expected)
    cube = hkl_cube(_LARGEST_INDEX)
    same_absences = np.array_equal(
        stated.systematic_absences(cube), expected.systematic_absences(cube)
    )
    if stated_rotations == expected_rotations and same_absences:
        return []
    names = (
        f"that of the reflections is {reflections.spacegroup}, "
        f"that of the crystal {crystal.spacegroup}"
    )
    if stated_rotations < expected_rotations or expected_rotations < stated_rotations:
        return [f"one point group is a subgroup of the other: {names}"]
    if stated_rotations == expected_rotations and _is_scaling_group(stated, expected):
        return [f"without screw axes and glide planes: {names}"]
    raise ArgandError(f"another space group: {names}")


def _is_scaling_group(stated: gemmi.GroupOps, expected: gemmi.GroupOps) -> bool:
    """Tell whether a group is symmorphic, with the centring of the expected one.

    XDS and others scale data in such a group, before screw axes are looked for.
    """
    translations = {tuple(op.tran) for op in stated.sym_ops}
    same_centring = sorted(map(tuple, stated.cen_ops)) == sorted(map(tuple, expected.cen_ops))
    return translations == {(0, 0, 0)} and same_centring


def check_content(content: Mapping[str, float], crystal: Crystal) -> list[str]:
    """Compare the atoms of the measured unit cell, other than hydrogen, with the crystal.

    Electrons that differ by a tenth are another compound; less is a substitution. So are elements
    that are exchanged one for one, whatever they weigh: then the exchange is proposed.
    """
    expected = crystal.composition()
    total = 0.0
    changed = 0.0
    differences: list[str] = []
    gained: dict[str, float] = {}
    lost: dict[str, float] = {}
    for element in sorted({*content, *expected} - {"H", "D"}):
        measured_count = content.get(element, 0.0)
        expected_count = expected.get(element, 0.0)
        change = abs(measured_count - expected_count)
        total += atomic_number(element) * expected_count
        changed += atomic_number(element) * change
        if change > _CONTENT_ROUNDING:
            differences.append(f"{element} {measured_count:g} instead of {expected_count:g}")
            changed_side = gained if measured_count > expected_count else lost
            changed_side[element] = change
    words = f"the measured cell holds {', '.join(differences)} of the crystal"
    exchange = _exchange_words(gained, lost, expected)
    if exchange:
        return [f"{words}: {exchange}"]
    if changed > _OTHER_CONTENT * total:
        raise ArgandError(f"another content: {words}")
    return [words] if differences else []


def _exchange_words(
    gained: Mapping[str, float], lost: Mapping[str, float], expected: Mapping[str, float]
) -> str:
    """Propose the exchange of elements that are gained and lost one for one; '' where none is.

    The one that is gained has to be new to the crystal and the one that is lost has to be gone, so
    that it is clear which sites change their type.
    """
    pairs: list[str] = []
    remaining = dict(lost)
    for element, number in gained.items():
        if element in expected:
            return ""
        for other, other_number in remaining.items():
            is_whole = abs(other_number - expected[other]) <= _CONTENT_ROUNDING
            if is_whole and abs(other_number - number) <= _CONTENT_ROUNDING:
                pairs.append(f"{element} for {other}")
                del remaining[other]
                break
        else:
            return ""
    if remaining or not pairs:
        return ""
    return (
        f"a substitution of {', '.join(pairs)}? Amplitudes are fitted with the types of the "
        "known structure; exchange them there and predict again"
    )


def check_laue_group(reflections: Reflections, merged: Merged, crystal: Crystal) -> None:
    """Refuse data whose equivalents disagree in the Laue group of the crystal and agree in -1."""
    if not merged.r_int > _LARGE_R_INT:
        return
    r_int = merge(reflections, cell=crystal.cell, spacegroup="P -1").r_int
    no_equivalents = np.isnan(r_int)
    if not (no_equivalents or r_int < _R_INT_SHARE * merged.r_int):
        return
    comparison = "" if no_equivalents else f", where it is {r_int:.3f} in P -1"
    raise ArgandError(
        f"another space group: equivalents of {group_words(crystal)} disagree, "
        f"R_int = {merged.r_int:.2f}{comparison}"
    )


def _rotations(group: gemmi.GroupOps) -> set[tuple[tuple[int, ...], ...]]:
    """Collect the rotations of a group, without translations."""
    return {tuple(map(tuple, operation.rot)) for operation in group}


def _cell_words(cell: Sequence[float]) -> str:
    """Write the six numbers of a unit cell for a message."""
    return " ".join(f"{value:.6g}" for value in cell)
