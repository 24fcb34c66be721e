"""Who sits where: shares of the types on each site, and atoms in voids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray, metric
from argand.crystal import Crystal
from argand.simulate.changes import Substitution, Unmodelled
from argand.simulate.random import Purpose, uniforms
from argand.symmetry import operations

__all__ = ["coincident", "in_voids", "shares"]

_PLACES = 8  # random places of which an unmodelled atom takes the emptiest


def shares(
    changes: Sequence[Substitution],
    replaced: Sequence[NDArray[np.intp]],
    occ: FloatArray,
    seed: int,
    index: NDArray[np.int64],
) -> tuple[FloatArray, FloatArray]:
    """Occupancies of the sites (b, n), and of what replaces them (b, further); change k is of the sites replaced[k]."""
    sites = np.tile(occ, (len(index), 1))
    drawn = uniforms(seed, index, len(changes) + sum(map(len, replaced)), Purpose.SUBSTITUTION)
    happens, drawn = drawn[:, : len(changes)], drawn[:, len(changes) :]
    theirs: list[FloatArray] = [np.empty((len(index), 0))]
    start = 0
    for k, (change, own) in enumerate(zip(changes, replaced, strict=True)):
        share = _between(change.share, drawn[:, start : start + len(own)])
        share *= happens[:, k : k + 1] < change.probability
        start += len(own)
        if change.by is not None:
            theirs.append(sites[:, own] * share)
        sites[:, own] *= 1.0 - share
    return sites, np.concatenate(theirs, axis=1)


def in_voids(
    crystal: Crystal,
    atoms: FloatArray,
    extra: Unmodelled | None,
    seed: int,
    index: NDArray[np.int64],
) -> tuple[FloatArray, FloatArray]:
    """Places (b, k, 3) of unmodelled atoms, far from all `atoms` of the cell (all, 3), and their shares (b, k).

    The share is what each of its images under all operations has: on a special position less than its occupancy.
    """
    if extra is None:
        return np.zeros((len(index), 0, 3)), np.zeros((len(index), 0))
    k = extra.number
    drawn = uniforms(seed, index, 1 + k * (1 + 3 * _PLACES), Purpose.UNMODELLED)
    there = drawn[:, :1] < extra.probability
    share = there * _between(extra.occupancy, drawn[:, 1 : 1 + k])
    candidates = drawn[:, 1 + k :].reshape(len(index), k * _PLACES, 3)
    places = np.zeros((len(index), k, 3))
    for i in np.flatnonzero(there[:, 0]):
        empty = _emptiness(crystal, atoms, candidates[i]).reshape(k, _PLACES)
        places[i] = candidates[i].reshape(k, _PLACES, 3)[np.arange(k), empty.argmax(axis=1)]
        share[i] /= coincident(crystal, places[i])
    return places, share


def coincident(crystal: Crystal, places: FloatArray) -> FloatArray:
    """How many operations take an atom at each place (k, 3) onto itself, as `Crystal` counts them.

    In small cells there is no place far from all symmetry elements.
    """
    atoms = Crystal(
        cell=crystal.cell, symops=crystal.symops, types=("O",) * len(places), frac=places
    )
    return len(crystal.symops) / atoms.multiplicity()


def _emptiness(crystal: Crystal, atoms: FloatArray, places: FloatArray) -> FloatArray:
    """Squared distance (k,) of places (k, 3) to the nearest of the atoms, or image of their own."""
    others = operations(crystal.symops)[1:]
    own = (
        np.array([places @ r.T + t for r, t in others])
        .reshape(-1, len(places), 3)
        .transpose(1, 0, 2)
    )
    shift = places[:, None] - np.concatenate(
        [np.broadcast_to(atoms, (len(places), *atoms.shape)), own], axis=1
    )
    shift -= np.rint(shift)
    nearest: FloatArray = np.einsum("kni,ij,knj->kn", shift, metric(crystal.cell), shift).min(
        axis=1
    )
    return nearest


def _between(bounds: float | Sequence[float], share: FloatArray) -> FloatArray:
    low, high = float(np.min(bounds)), float(np.max(bounds))
    return low + (high - low) * share
