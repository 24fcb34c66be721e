"""Sites that are placed one after another: single atoms, and ions with their coordination."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.simulate.artificial.lattice import determinant
from argand.simulate.artificial.packing import Packing, moved_onto_elements
from argand.simulate.artificial.space_groups import GroupOperations
from argand.simulate.random import Purpose, uniforms

__all__ = ["place_sites"]

# Points that are tried at once for a site, and how often new ones are drawn.
_CANDIDATES = 6
_ROUNDS = 4

# Uniform numbers of a candidate: a position or direction, an anchor, a length, a reach.
_NUMBERS = 6

# Turns of random numbers that one attempt at a crystal may use.
_TURNS_OF_ATTEMPT = 1 << 10

# A crystal may miss this share of the atoms that its volume has room for, or exceed it by the
# other.
_MISSING = 0.25
_EXCESS = 0.1

# Where a general position has too many atoms, images nearer than this share of the cube root of the
# volume are merged.
_WIDEST_REACH = 0.35

# Bonds of ions are between this share of the sum of their radii and so much more.
_SHORTEST_BOND = 0.97
_SPREAD_OF_BONDS = 0.1


def place_sites(
    operations: GroupOperations,
    metric: FloatArray,
    code: NDArray[np.int64],
    count: NDArray[np.int64],
    limits: FloatArray,
    table: NDArray[np.int64],
    room: FloatArray,
    *,
    seed: int,
    index: NDArray[np.int64],
    attempt: NDArray[np.int64],
    lengths: FloatArray | None = None,
) -> tuple[Packing, NDArray[np.bool_]]:
    """Place sites one after another, each at least as far from all images as limits say.

    A site whose own images would be too near lies on the symmetry element between them, which is
    how often special positions occur: seldom in low symmetry, nearly always in small cubic cells. A
    crystal that is full before it has all its sites has fewer.

    Parameters
    ----------
    operations, metric
        The group, and metrics (6, b) of the cells.
    code, count
        Elements (b, n) of the sites in the order in which they are placed, and how many (b,) of
        them a crystal has.
    limits, table
        Tables of shortest distances (tables, elements, elements), angstrom, and the number (b,) of
        the table of each crystal.
    room
        Number (b,) of atoms that the cell has room for.
    seed, index, attempt
        Seed, indices (b,) of the samples, and the number (b,) of the attempt at each.
    lengths
        Bond lengths (tables, elements) of elements to which later sites are bonded, NaN for those
        that are bonded to them; None: all sites lie anywhere.

    Returns
    -------
    The packing, and which (b,) crystals are full.
    """
    crystals, sites = code.shape
    packing = Packing(operations, metric, sites)
    edge = np.sqrt(np.cbrt(determinant(metric)))
    content = np.zeros(crystals)
    growing = np.ones(crystals, np.bool_)
    order = len(operations.rotations)
    for step in range(sites):
        growing &= (count > step) & (content < room - 0.5) & (packing.count == step)
        for turn in range(_ROUNDS):
            rows = np.flatnonzero(growing & (packing.count == step))
            if not len(rows):
                break
            number = attempt[rows] * _TURNS_OF_ATTEMPT + step * _ROUNDS + turn
            uniform = uniforms(seed, index[rows], _CANDIDATES * _NUMBERS, Purpose.SITE, number)
            uniform = np.moveaxis(uniform.reshape(len(rows), _CANDIDATES, _NUMBERS), -1, 0)
            elements = code[rows, step]
            points = uniform[:3].copy()
            if lengths is not None and step:
                _bond(packing, rows, elements, lengths[table[rows]], uniform, points)
            own_limit = limits[table[rows], elements, elements]
            own_limit = np.broadcast_to(own_limit[:, None], points.shape[1:])
            remaining = room[rows] * (1.0 + _EXCESS) - content[rows]
            reach = uniform[5] * _WIDEST_REACH * edge[rows][:, None]
            is_crowded = (order > remaining)[:, None]
            nearest = np.where(is_crowded, np.maximum(own_limit, reach), own_limit)
            points, coincident, is_free = moved_onto_elements(
                operations, metric[:, rows], points, nearest, own_limit
            )
            is_free &= order // coincident <= remaining[:, None]
            if step:
                shortest = limits[table[rows, None], elements[:, None], packing.code[rows, :step]]
                is_free &= packing.find_free(rows, points, np.square(shortest))
            chosen = is_free.argmax(axis=1)
            succeeded = np.flatnonzero(is_free[np.arange(len(rows)), chosen])
            column = chosen[succeeded]
            share = 1.0 / coincident[succeeded, column]
            placed = rows[succeeded]
            packing.add(placed, points[:, succeeded, column], elements[succeeded], share)
            content[placed] += order * share
    is_done = content >= room * (1.0 - _MISSING)
    shortest = limits[table[:, None, None], packing.code[:, :, None], packing.code[:, None]]
    return packing, is_done & packing.is_apart(shortest)


def _bond(
    packing: Packing,
    rows: NDArray[np.intp],
    elements: NDArray[np.int64],
    lengths: FloatArray,
    uniform: FloatArray,
    points: FloatArray,
) -> None:
    """Put points (3, r, c) of elements that are bonded at a bond length from a site before.

    `lengths` (r, elements) has the bond lengths, `uniform` (numbers, r, c) what is drawn.
    """
    own_length = np.take_along_axis(lengths, elements[:, None], axis=1)[:, 0]
    of_sites = np.take_along_axis(lengths, packing.code[rows], axis=1)
    anchors = ~np.isnan(of_sites) & (packing.share[rows] > 0.0)
    bonded = np.flatnonzero(np.isnan(own_length) & anchors.any(axis=1))
    crystals = rows[bonded]
    anchors = anchors[bonded]
    number_of_anchors = anchors.sum(axis=1)
    order = np.argsort(~anchors, axis=1, kind="stable")
    draw = (uniform[3, bonded] * number_of_anchors[:, None]).astype(np.int64)
    slot = np.take_along_axis(order, draw, axis=1)
    length = np.take_along_axis(of_sites[bonded], slot, axis=1)
    length = length * (_SHORTEST_BOND + _SPREAD_OF_BONDS * uniform[4, bonded])
    height = 2.0 * uniform[0, bonded] - 1.0
    radius = np.sqrt(1.0 - height * height)
    angle = 2.0 * np.pi * uniform[1, bonded]
    x = length * radius * np.cos(angle)
    y = length * radius * np.sin(angle)
    z = length * height
    t11, t22, t33, t12, t13, t23 = packing.to_frac[:, crystals][..., None]
    step = (t11 * x + t12 * y + t13 * z, t22 * y + t23 * z, t33 * z)
    for axis in range(3):
        anchor = np.take_along_axis(packing.frac[axis, crystals], slot, axis=1)
        points[axis, bonded] = anchor + step[axis]
