"""One attempt at many crystals of a group: their cells, their elements, and their sites."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.simulate.artificial.elements import (
    ANIONS,
    CATIONS,
    code_of,
    covalent_limits,
    draw_codes,
    ionic_lengths,
)
from argand.simulate.artificial.lattice import NUMBERS_OF_A_LATTICE, draw_metrics, widths
from argand.simulate.artificial.molecules import WIDEST_CONTACT, grow_molecules
from argand.simulate.artificial.packing import Packing
from argand.simulate.artificial.settings import ArtificialSettings
from argand.simulate.artificial.single_atoms import place_sites
from argand.simulate.artificial.space_groups import GroupOperations
from argand.simulate.random import Purpose, uniforms

__all__ = ["attempt_crystals"]

# Each further attempt is made in cells that are larger by this share.
_LARGER_EVERY_ATTEMPT = 0.02

# Shapes of cells that are drawn for an attempt: the first that is wide enough is taken.
_SHAPES = 4

# Volume of the cell for each atom, A^3: of molecular crystals, whose hydrogen has its room but is
# left out, and of single atoms.
_MOLECULAR_VOLUME = (16.0, 20.0)
_SINGLE_VOLUME = (15.0, 20.0)

# The volume for each ion lies between these shares of that of its anion.
_SMALLEST_IONIC = 0.85
_LARGEST_IONIC = 1.15

# Share of cations among the sites of an inorganic crystal.
_FEWEST_CATIONS = 0.25
_MOST_CATIONS = 0.45

# Kinds of cations in an inorganic crystal.
_CATION_KINDS = 3

# Numbers that decide count, volume and anion of an attempt; those of the elements follow.
_NUMBERS = 4

_ANIONS = tuple(ANIONS)
_ANION_SHARES = {anion: ANIONS[anion][1] for anion in _ANIONS}
_CATION_SHARES = {cation: CATIONS[cation][1] for cation in CATIONS}
_IONIC_TABLES = [ionic_lengths(anion) for anion in _ANIONS]
_IONIC_LIMITS = np.stack([limits for limits, _ in _IONIC_TABLES])
_IONIC_LENGTHS = np.stack([lengths for _, lengths in _IONIC_TABLES])
_COVALENT_LIMITS = covalent_limits()[None]


def attempt_crystals(
    settings: ArtificialSettings,
    operations: GroupOperations,
    seed: int,
    index: NDArray[np.int64],
    attempt: NDArray[np.int64],
) -> tuple[Packing, NDArray[np.bool_]]:
    """Try to make crystals of one group.

    Parameters
    ----------
    settings, operations
        Which crystals there are, and the group.
    seed, index, attempt
        Seed, indices (b,) of the samples, and the number (b,) of the attempt at each, which
        decides all random numbers with them.

    Returns
    -------
    The packing, and which (b,) crystals have come about.
    """
    low, high = settings.atoms
    uniform = uniforms(seed, index, _NUMBERS + high, Purpose.CHOICE, turn=attempt + 1)
    count = low + ((high - low + 1) * uniform[:, 0]).astype(np.int64)
    order = len(operations.rotations)
    larger = 1.0 + _LARGER_EVERY_ATTEMPT * attempt
    if settings.kind == "fragments":
        volume = _between(settings.volume_per_atom or _MOLECULAR_VOLUME, uniform[:, 1]) * larger
        most = (settings.max_volume / (order * volume)).astype(np.int64)
        count = np.minimum(count, np.maximum(most, 1))
        widest = np.full(len(index), WIDEST_CONTACT)
        cell_volume = np.asarray(count * order * volume, np.float64)
        metric, has_cell = _cells(operations, seed, index, attempt, cell_volume, widest)
        packing, is_done = grow_molecules(
            operations,
            metric,
            count,
            high,
            settings.elements,
            seed=seed,
            index=index,
            attempt=attempt,
        )
        return packing, is_done & has_cell
    if settings.kind == "atoms":
        volume = _between(settings.volume_per_atom or _SINGLE_VOLUME, uniform[:, 1])
        code = draw_codes(settings.elements, uniform[:, _NUMBERS:])
        table = np.zeros(len(index), np.int64)
        limits, lengths = _COVALENT_LIMITS, None
    else:
        code, table = _ions(count, uniform)
        volume = _ionic_volume(settings, table, uniform[:, 1])
        limits, lengths = _IONIC_LIMITS, _IONIC_LENGTHS
    volume = volume * larger
    room = np.minimum(count * order, settings.max_volume / volume)
    widest = limits[table[:, None], code, code].max(axis=1)
    metric, has_cell = _cells(operations, seed, index, attempt, room * volume, widest)
    packing, is_done = place_sites(
        operations,
        metric,
        code,
        count,
        limits,
        table,
        room,
        seed=seed,
        index=index,
        attempt=attempt,
        lengths=lengths,
    )
    return packing, is_done & has_cell


def _between(bounds: tuple[float, float], uniform: FloatArray) -> FloatArray:
    """Map uniform numbers to the range between two bounds."""
    low, high = bounds
    return low + (high - low) * uniform


def _cells(
    operations: GroupOperations,
    seed: int,
    index: NDArray[np.int64],
    attempt: NDArray[np.int64],
    volume: FloatArray,
    widest: FloatArray,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Draw metrics (6, b) of cells with volumes (b,), A^3, and tell which (b,) are wide enough.

    An atom and its image in the next cell must be `widest` (b,) angstrom apart.
    """
    metric = np.repeat(np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])[:, None], len(index), axis=1)
    has_cell = np.zeros(len(index), np.bool_)
    numbers = _SHAPES * NUMBERS_OF_A_LATTICE
    uniform = uniforms(seed, index, numbers, Purpose.LATTICE, turn=attempt)
    for shape in range(_SHAPES):
        columns = slice(shape * NUMBERS_OF_A_LATTICE, (shape + 1) * NUMBERS_OF_A_LATTICE)
        candidate, is_cell = draw_metrics(operations, uniform[:, columns], volume)
        candidate = np.where(is_cell, candidate, metric)
        is_wide = widths(candidate).min(axis=0) >= widest
        is_first = is_cell & is_wide & ~has_cell
        # A cell that is too narrow stands in, so that every row has a possible one.
        metric = np.where(is_first | (is_cell & ~has_cell), candidate, metric)
        has_cell |= is_first
    return metric, has_cell


def _ions(
    count: NDArray[np.int64], uniform: FloatArray
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return elements (b, n), cations first, and the number (b,) of the anion of each crystal."""
    anion_codes = np.array([code_of(anion) for anion in _ANIONS])
    anion = draw_codes(_ANION_SHARES, uniform[:, 2])
    table = np.searchsorted(np.sort(anion_codes), anion)
    table = np.argsort(anion_codes)[table]
    share = _FEWEST_CATIONS + (_MOST_CATIONS - _FEWEST_CATIONS) * uniform[:, 3]
    cations = np.maximum(np.rint(share * count).astype(np.int64), 1)
    drawn = uniform[:, _NUMBERS:]
    slots = np.arange(drawn.shape[1])
    # Cation number i repeats the element of one of the first cations.
    kinds = draw_codes(_CATION_SHARES, drawn)
    kinds = kinds[:, slots % _CATION_KINDS]
    is_cation = slots < cations[:, None]
    return np.where(is_cation, kinds, anion[:, None]), table


def _ionic_volume(
    settings: ArtificialSettings, table: NDArray[np.int64], uniform: FloatArray
) -> FloatArray:
    """Return the volume (b,) of the cell for each ion, A^3."""
    if settings.volume_per_atom is not None:
        return _between(settings.volume_per_atom, uniform)
    of_anion = np.array([ANIONS[anion][2] for anion in _ANIONS])
    share = _between((_SMALLEST_IONIC, _LARGEST_IONIC), uniform)
    return np.asarray(of_anion[table] * share)
