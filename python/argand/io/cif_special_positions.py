"""Compare what a CIF states of its special positions with those of its symmetry operations.

An image nearer than 0.4 A to its site counts as the same atom, see `Crystal.in_place`. A file that
states the order of the site symmetry, a negative disorder group (PART -1) or F(000) may mean that
such images are different atoms, which are there in turn: their occupancies then add up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.io.cif_block import Block
from argand.io.cif_site_columns import site_numbers, site_texts
from argand.site_ranges import site_names

__all__ = ["with_stated_occupancies", "wrong_multiplicities"]

_MULTIPLICITY_TAGS = ("_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity")

# Images farther than this from their site, in angstrom, are off the special position by more than
# the rounding of coordinates.
_COORDINATE_ROUNDING = 0.02

# Rounding lets the occupancies of images that are there in turn add up to a little more than 1.
_OCCUPANCY_ROUNDING = 0.01


def wrong_multiplicities(block: Block, crystal: Crystal, rows: npt.NDArray[np.intp], n: int) -> int:
    """Count the sites whose stated multiplicity is not that of their position.

    Parameters
    ----------
    block, crystal
        Data block, and the structure read from it.
    rows, n
        Rows of the crystal's sites in the loop of sites, and number of rows of that loop.
    """
    wrong = np.zeros(len(rows), dtype=bool)
    multiplicity = crystal.multiplicity()
    stated = site_numbers(block, n, *_MULTIPLICITY_TAGS)
    if stated is not None:
        wrong |= np.abs(stated[rows] - multiplicity) > 0.5
    order = site_numbers(block, n, "_atom_site_site_symmetry_order")
    if order is not None:
        wrong |= np.abs(order[rows] - len(crystal.symops) / multiplicity) > 0.5
    return int(wrong.sum())


def with_stated_occupancies(
    block: Block,
    crystal: Crystal,
    rows: npt.NDArray[np.intp],
    n: int,
    electrons: tuple[float, float] | None,
) -> Crystal:
    """Add up the occupancies of images that the data block states to be different atoms.

    Parameters
    ----------
    block, crystal
        Data block, and the structure read from it, in which near images are one atom.
    rows, n
        Rows of the crystal's sites in the loop of sites, and number of rows of that loop.
    electrons
        Stated number of electrons in the unit cell and its tolerance; None where not stated.
    """
    in_place = np.asarray(crystal.in_place.sum(axis=1), dtype=np.float64)
    order = np.full(len(rows), np.nan)
    stated = site_numbers(block, n, "_atom_site_site_symmetry_order")
    multiplicity = site_numbers(block, n, *_MULTIPLICITY_TAGS)
    if stated is not None:
        order = stated[rows]
        is_higher = order > in_place + 0.5
        if is_higher.any():
            names = site_names(crystal.labels, is_higher)
            block.note(f"not on special positions, though their stated site order is: {names}")
    elif multiplicity is not None:
        order = len(crystal.symops) / np.where(multiplicity > 0, multiplicity, np.nan)[rows]
    parts = site_texts(block, n, "_atom_site_disorder_group")
    ignores_symmetry = np.array([parts[row].startswith("-") for row in rows], dtype=bool)
    order[ignores_symmetry & np.isnan(order)] = 1.0
    order[~(order >= 1.0)] = np.nan
    spread = np.where(crystal.in_place, crystal.image_distances, 0.0).max(axis=1, initial=0.0)
    is_off = spread > _COORDINATE_ROUNDING
    total = crystal.occ * in_place / np.where(np.isnan(order), 1.0, order)
    fits_in_turn = total <= 1.0 + _OCCUPANCY_ROUNDING
    states_less = (order < in_place - 0.5) & fits_in_turn
    stated_apart = states_less & (is_off | ignores_symmetry)
    possibly_apart = stated_apart | (is_off & fits_in_turn)
    choices = [stated_apart]
    if electrons is not None:
        nothing = np.zeros(len(rows), dtype=bool)
        choices += [nothing, possibly_apart, stated_apart | states_less]
    occupancies = [np.where(apart, total, crystal.occ) for apart in choices]
    number = 0 if electrons is None else _best(crystal, occupancies, *electrons)
    unused = states_less & ~choices[number]
    if unused.any():
        names = site_names(crystal.labels, unused)
        block.note(f"on special positions, though their stated site order is lower: {names}")
    if not choices[number].any():
        return crystal
    return crystal.replace(occ=occupancies[number])


def _best(
    crystal: Crystal, occupancies: list[FloatArray], electrons: float, tolerance: float
) -> int:
    """Return the number of the occupancies (n,) that give the stated electrons.

    An earlier one is kept unless a later one is nearer by more than the tolerance.
    """
    best = 0
    least = np.inf
    for number, occ in enumerate(occupancies):
        misfit = abs(crystal.replace(occ=occ).f000() - electrons)
        if misfit < least - tolerance:
            best = number
            least = misfit
    return best
