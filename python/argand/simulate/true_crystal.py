"""The crystal that a sample stands for, with all atoms that it has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.crystal import Crystal
from argand.simulate.changes import Unmodelled
from argand.simulate.content import coincident
from argand.simulate.samples import Samples

__all__ = ["true_crystal"]


def true_crystal(
    known: Crystal,
    samples: Samples,
    row: int,
    parent: NDArray[np.intp],
    types: tuple[str, ...],
    unmodelled: Unmodelled | None,
) -> Crystal:
    """Make the crystal of one sample: its sites, what replaces them, and its unmodelled atoms.

    Parameters
    ----------
    known
        The known crystal, n sites.
    samples, row
        Samples, and which of them.
    parent, types
        Site on which each further atom lies (-1: a position of its own), and its type.
    unmodelled
        How unmodelled atoms were drawn; None: there are none.
    """
    n = len(known.types)
    site = np.concatenate([np.arange(n), parent[parent >= 0]])
    is_unmodelled = parent < 0
    unmodelled_frac = samples.unmodelled[row]
    frac = np.concatenate([samples.frac[row][site], unmodelled_frac])
    vibration = samples.vibration[row][site]
    b_unmodelled = 0.0 if unmodelled is None else unmodelled.b_iso
    b_iso = np.concatenate(
        [known.b_iso[site] * vibration, np.full(is_unmodelled.sum(), b_unmodelled)],
    )
    u_aniso = None
    if known.u_aniso is not None:
        isotropic = np.full((is_unmodelled.sum(), 6), np.nan)
        anisotropic = known.u_aniso[site] * vibration[:, None]
        u_aniso = np.concatenate([anisotropic, isotropic])
    occ = samples.occ[row].copy()
    # Samples hold the occupancy of each image; a crystal that of the atom, with all images that
    # coincide.
    occ[n:][is_unmodelled] *= coincident(known, unmodelled_frac)
    crystal = Crystal(
        cell=tuple(samples.cell[row]),
        symops=known.symops,
        types=(*known.types, *types),
        frac=frac,
        occ=occ,
        b_iso=b_iso,
        u_aniso=u_aniso,
        labels=(*known.labels, *_labels(known, parent, types)),
    )
    present = np.concatenate([np.ones(n, bool), samples.occ[row, n:] > 0])
    return crystal.select(present)


def _labels(known: Crystal, parent: NDArray[np.intp], types: tuple[str, ...]) -> list[str]:
    """Label replacing atoms by site and type, and unmodelled atoms by their type and x."""
    labels = []
    for site, symbol in zip(parent, types, strict=True):
        labels.append(known.labels[site] + symbol if site >= 0 else f"{symbol}x")
    return labels
