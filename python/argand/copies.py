"""Symmetry spares work: lattice translations and an inversion need no atoms of their own.

With the operations of a group written as {centring} x {1, inversion} x {others}, and G(h) the sum over the images
under the others alone,

    F(h) = sum_c exp(2 pi i h.c) [G(h) + exp(2 pi i h.t) conj G(h)],   inversion x -> t - x,

the second term only for real form factors. The sum over c is their number, or 0 where the reflection is absent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from argand._pack import Orders
from argand.crystal import Crystal
from argand.symmetry import operations

_IDENTITY = np.eye(3, dtype=int)


class Share(NamedTuple):
    """The part of a crystal that is summed, and what it takes to complete it."""

    part: Crystal  # in P 1
    centring: NDArray[np.float64]  # (c, 3) translations, 000 among them
    inversion: NDArray[np.float64] | None  # t of x -> t - x

    def complete(self, g: NDArray[Any], hkl: Orders) -> NDArray[Any]:
        """F of the crystal from that of the part, hkl along the last axis."""
        f = g
        if self.inversion is not None and not self.inversion.any():
            f = (2 * g.real).astype(g.dtype)
        elif self.inversion is not None:
            f = g + np.exp(2j * np.pi * (hkl @ self.inversion)).astype(g.dtype) * g.conj()
        if len(self.centring) > 1:
            turns = hkl @ self.centring.T
            if np.issubdtype(hkl.dtype, np.integer):
                present = (np.abs(turns - np.rint(turns)) < 1e-6).all(axis=1)
                f = f * (present * len(self.centring)).astype(g.real.dtype)
            else:
                f = f * np.exp(2j * np.pi * turns).sum(axis=1).astype(g.dtype)
        return f


# A crystal never changes, so neither does what has to be summed of it
_made: WeakKeyDictionary[Crystal, dict[bool, Share]] = WeakKeyDictionary()


def share(crystal: Crystal, friedel: bool) -> Share:
    """The least that has to be summed of a crystal; `friedel`: form factors are real."""
    known = _made.setdefault(crystal, {})
    if friedel not in known:
        kept, centring, inversion = spared_operations(crystal.symops, friedel)
        part = crystal.to_p1() if len(kept) == len(crystal.symops) else crystal.images(kept)
        if part is crystal:  # a cache that holds its own key would keep it alive
            return Share(part, centring, inversion)
        known[friedel] = Share(part, centring, inversion)
    return known[friedel]


@lru_cache(maxsize=256)
def spared_operations(
    symops: tuple[str, ...], friedel: bool
) -> tuple[list[int], NDArray[np.float64], NDArray[np.float64] | None]:
    """Operations of which one is left for each (centring, inversion), and these."""
    every = operations(symops)
    kinds: dict[bytes, int] = {}
    centring, inversion = [], None
    for i, (rotation, translation) in enumerate(every):
        if np.array_equal(rotation, _IDENTITY):
            centring.append(translation)
        if friedel and inversion is None and np.array_equal(rotation, -_IDENTITY):
            inversion = translation
        kinds.setdefault(_key(rotation), i)
    if inversion is not None:
        kept: dict[bytes, int] = {}
        for rotation, i in ((every[i][0], i) for i in kinds.values()):
            if _key(-rotation) not in kept:
                kept[_key(rotation)] = i
        kinds = kept
    return list(kinds.values()), np.array(centring), inversion


def _key(rotation: NDArray[Any]) -> bytes:
    return np.asarray(rotation, np.int8).tobytes()
