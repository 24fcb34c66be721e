"""Molecules that grow within their cells, unit by unit, and leave room for all their images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand.cell import FloatArray
from argand.simulate.artificial.elements import (
    code_of,
    contact_limits,
    draw_codes,
    element_shares,
)
from argand.simulate.artificial.packing import Packing, moved_onto_elements
from argand.simulate.artificial.space_groups import GroupOperations
from argand.simulate.artificial.units import (
    COVALENT_RADII,
    METALS,
    SINGLE_VALENCE,
    molecule_units,
)
from argand.simulate.random import Purpose, uniforms

__all__ = ["WIDEST_CONTACT", "grow_molecules"]

#: A molecule and its image in the next cell are so far apart (angstrom) that no two atoms of one
#: element touch
WIDEST_CONTACT = 3.3

# Rounds of an attempt for each site of the largest molecule: most molecules need fewer.
_ROUNDS_A_SITE = 1.5

# Turns of random numbers that one attempt at a crystal may use.
_TURNS_OF_ATTEMPT = 1 << 10

# Uniform numbers of a first atom: element, metal or not, which metal, reach, place, direction.
_NUMBERS_OF_FIRST = 8

# An image of a metal on a special position is the metal itself: its ligands come so near.
_TO_METAL = 1.85

# Share of molecules with a metal among all.
_WITH_METAL = 0.12

# From this attempt on, the first atom is a metal on a symmetry element, and half a molecule is
# enough: beside the mirrors and axes of large groups whole molecules have no room.
_CROWDED_ATTEMPT = 16

# From this attempt on, any molecule is enough, a single atom too: every group has a crystal.
_LAST_ATTEMPTS = 64

# Images of a metal nearer than a random distance up to this one (angstrom) are merged: many
# complexes have the metal on a special position, where the group has one.
_REACH_OF_METAL = 6.0

_CONTACTS = contact_limits()
_UNITS = molecule_units()


def grow_molecules(
    operations: GroupOperations,
    metric: FloatArray,
    wanted: NDArray[np.int64],
    sites: int,
    shares: Mapping[str, float],
    *,
    seed: int,
    index: NDArray[np.int64],
    attempt: NDArray[np.int64],
) -> tuple[Packing, NDArray[np.bool_]]:
    """Grow one molecule in the asymmetric unit of each cell.

    The first atom is placed here, all others by the core. A molecule is never cut by the border of
    a cell.

    Parameters
    ----------
    operations, metric
        The group, and metrics (6, b) of the cells.
    wanted, sites
        Atoms (b,) of each molecule, and the largest number of all.
    shares
        Shares of the elements among single atoms.
    seed, index, attempt
        Seed, indices (b,) of the samples, and the number (b,) of the attempt at each.

    Returns
    -------
    The packing, and which (b,) molecules are complete.
    """
    packing = Packing(operations, metric, sites)
    turn = attempt * _TURNS_OF_ATTEMPT
    is_crowded = attempt >= _CROWDED_ATTEMPT
    axis, further = _place_first(packing, shares, is_crowded, seed, index, turn)
    codes, limits = element_shares(shares)
    starts = _seam.MoleculeStarts(
        wanted=wanted,
        metric=np.ascontiguousarray(metric.T),
        to_frac=np.ascontiguousarray(packing.to_frac.T),
        operation=operations.matrices,
        axis=axis,
        further=further,
    )
    elements = _seam.MoleculeElements(
        limits=limits,
        drawn=codes,
        radius=COVALENT_RADII,
        contact_square=np.square(_CONTACTS),
        further=SINGLE_VALENCE,
        nitrogen=code_of("N"),
        oxygen=code_of("O"),
    )
    _seam.grow_molecules(
        starts,
        _seam.MoleculeSites(packing.frac, packing.code, packing.share, packing.count),
        _UNITS,
        elements,
        rounds=int(_ROUNDS_A_SITE * sites),
        seed=seed,
        purpose=Purpose.FRAGMENT,
        index=index,
        turn=turn,
        metal_square=_TO_METAL**2,
    )
    least = np.where(is_crowded, (wanted + 1) // 2, wanted)
    least = np.where(attempt >= _LAST_ATTEMPTS, 1, least)
    return packing, (packing.count >= least) & _is_apart(packing)


def _place_first(
    packing: Packing,
    shares: Mapping[str, float],
    is_crowded: NDArray[np.bool_],
    seed: int,
    index: NDArray[np.int64],
    turn: NDArray[np.int64],
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Place the first atom of each molecule where it has room: a metal, or an atom like others.

    It is always a metal in the crystals (b,) that are crowded.

    Returns
    -------
    The direction (b, 3) and the number (b,) of its bonds.
    """
    uniform = uniforms(seed, index, _NUMBERS_OF_FIRST, Purpose.FRAGMENT, turn)
    code = draw_codes(shares, uniform[:, 0])
    further = np.maximum(SINGLE_VALENCE[code] + 1, 1)
    has_metal = (uniform[:, 1] < _WITH_METAL) | is_crowded
    metal = (uniform[:, 2] * len(METALS)).astype(np.int64)
    metal_codes = np.array([code_of(symbol) for symbol in METALS])
    code = np.where(has_metal, metal_codes[metal], code)
    ligands = np.array(list(METALS.values()))[metal]
    reach = np.where(has_metal, _REACH_OF_METAL * uniform[:, 3], 0.0)
    points, coincident, is_free = moved_onto_elements(
        packing.operations,
        packing.metric,
        uniform[:, 4:7].T[..., None].copy(),
        reach[:, None],
        _CONTACTS[code, code][:, None],
    )
    # The images of its ligands are bonded to a metal on a special position too.
    ligands = np.maximum(ligands // coincident[:, 0], 1)
    rows = np.flatnonzero(is_free[:, 0])
    packing.add(rows, points[:, rows, 0], code[rows], 1.0 / coincident[rows, 0])
    height = 2.0 * uniform[:, 7] - 1.0
    radius = np.sqrt(1.0 - height * height)
    angle = 2.0 * np.pi * uniform[:, 3]
    axis = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)
    return axis, np.where(has_metal, ligands, further)


def _is_apart(packing: Packing) -> NDArray[np.bool_]:
    """Tell in which crystals (b,) molecules keep their distance in narrow cells too."""
    shortest = _CONTACTS[packing.code[:, :, None], packing.code[:, None]]
    on_element = (packing.share > 0.0) & (packing.share < 1.0)
    is_metal = on_element[:, :, None] | on_element[:, None]
    return packing.is_apart(np.where(is_metal, _TO_METAL, shortest))
