"""The atoms of samples: further atoms on sites or in voids, and all occupancies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray, metric
from argand.crystal import Crystal
from argand.simulate.changes import Substitution, Unmodelled
from argand.simulate.random import Purpose, uniforms
from argand.simulate.widths import Width
from argand.symmetry import operations

__all__ = ["coincident", "further_atoms", "in_voids", "shares"]

# Random positions for an unmodelled atom, which takes the emptiest: enough to keep it off other
# atoms.
_CANDIDATES = 8


def further_atoms(
    substitutions: Sequence[Substitution],
    replaced: Sequence[NDArray[np.intp]],
    unmodelled: Unmodelled | None,
) -> tuple[list[int], list[str], list[float]]:
    """List the atoms that samples have besides the sites of the known crystal.

    Parameters
    ----------
    substitutions, replaced
        Substitutions, and the numbers of the sites that each replaces.
    unmodelled
        Atoms that the known structure does not have.

    Returns
    -------
    For each atom the site on which it lies (-1: a position of its own), its type, and B of an
    unmodelled one (A^2).
    """
    parents: list[int] = []
    types: list[str] = []
    for substitution, sites in zip(substitutions, replaced, strict=True):
        if substitution.by is not None:
            parents += list(sites)
            types += [substitution.by] * len(sites)
    b_iso = [0.0] * len(parents)
    if unmodelled is not None:
        parents += [-1] * unmodelled.number
        types += [unmodelled.type] * unmodelled.number
        b_iso += [unmodelled.b_iso] * unmodelled.number
    return parents, types, b_iso


def shares(
    substitutions: Sequence[Substitution],
    replaced: Sequence[NDArray[np.intp]],
    occ: FloatArray,
    seed: int,
    index: NDArray[np.int64],
) -> tuple[FloatArray, FloatArray]:
    """Draw the occupancies of sites and of what replaces them.

    Parameters
    ----------
    substitutions, replaced
        Substitutions, and the numbers of the sites that each replaces.
    occ : (n,)
        Occupancies of the known crystal.
    seed, index
        Seed, and indices (b,) of the samples.

    Returns
    -------
    Occupancies of the sites (b, n), and of the replacing atoms (b, further).
    """
    of_sites = np.tile(occ, (len(index), 1))
    numbers = len(substitutions) + sum(map(len, replaced))
    uniform = uniforms(seed, index, numbers, Purpose.SUBSTITUTION)
    of_replacing: list[FloatArray] = [np.empty((len(index), 0))]
    start = len(substitutions)
    for k, substitution in enumerate(substitutions):
        sites = replaced[k]
        stop = start + len(sites)
        share = _between(substitution.share, uniform[:, start:stop])
        happens = uniform[:, k : k + 1] < substitution.probability
        share *= happens
        start = stop
        if substitution.by is not None:
            of_replacing.append(of_sites[:, sites] * share)
        of_sites[:, sites] *= 1.0 - share
    return of_sites, np.concatenate(of_replacing, axis=1)


def in_voids(
    crystal: Crystal,
    atoms: FloatArray,
    unmodelled: Unmodelled | None,
    seed: int,
    index: NDArray[np.int64],
) -> tuple[FloatArray, FloatArray]:
    """Draw unmodelled atoms, far from the atoms (all, 3) of the cell.

    Returns
    -------
    Fractional coordinates (b, k, 3), and occupancies (b, k), 0 in samples without such atoms. An
    occupancy is that of each image under all operations: on a special position it is divided by the
    number of images that coincide.
    """
    if unmodelled is None:
        return np.zeros((len(index), 0, 3)), np.zeros((len(index), 0))
    k = unmodelled.number
    uniform = uniforms(seed, index, 1 + k * (1 + 3 * _CANDIDATES), Purpose.UNMODELLED)
    # Each sample has one number for whether, k for the occupancies, the others for the candidates.
    happens = uniform[:, :1] < unmodelled.probability
    for_occupancy = uniform[:, 1 : 1 + k]
    for_candidates = uniform[:, 1 + k :]
    occupancy = happens * _between(unmodelled.occupancy, for_occupancy)
    candidates = for_candidates.reshape(len(index), k, _CANDIDATES, 3)
    frac = np.zeros((len(index), k, 3))
    for row in np.flatnonzero(happens):
        positions = candidates[row].reshape(-1, 3)
        distance = _squared_distance(crystal, atoms, positions)
        emptiest = distance.reshape(k, _CANDIDATES).argmax(axis=1)
        frac[row] = candidates[row, np.arange(k), emptiest]
        occupancy[row] /= coincident(crystal, frac[row])
    return frac, occupancy


def coincident(crystal: Crystal, frac: FloatArray) -> FloatArray:
    """Count the operations that take an atom at each position (k, 3) onto itself.

    In small cells there is no position far from all symmetry elements.
    """
    atoms = Crystal(cell=crystal.cell, symops=crystal.symops, types=("O",) * len(frac), frac=frac)
    return len(crystal.symops) / atoms.multiplicity()


def _squared_distance(crystal: Crystal, atoms: FloatArray, frac: FloatArray) -> FloatArray:
    """Compute the squared distance (k,) of positions (k, 3) to the nearest atom, A^2."""
    k = len(frac)
    images = []
    for rotation, translation in operations(crystal.symops)[1:]:
        images.append(frac @ rotation.T + translation)
    # (k, operations - 1, 3), also where the identity is the only operation.
    own_images = np.array(images).reshape(-1, k, 3).transpose(1, 0, 2)
    atoms_of_each = np.broadcast_to(atoms, (k, *atoms.shape))
    neighbours = np.concatenate([atoms_of_each, own_images], axis=1)
    vector = frac[:, None] - neighbours
    vector -= np.rint(vector)
    squares = np.einsum("kni,ij,knj->kn", vector, metric(crystal.cell), vector)
    nearest: FloatArray = squares.min(axis=1)
    return nearest


def _between(bounds: Width, uniform: FloatArray) -> FloatArray:
    """Map uniform numbers in (0, 1) to the range of a width."""
    low = float(np.min(bounds))
    high = float(np.max(bounds))
    return low + (high - low) * uniform
