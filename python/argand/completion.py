"""Leave out what symmetry makes of a sum over atoms, and complete the sum afterwards.

Lattice translations and an inversion need no atoms of their own. Write the operations of a space
group as {centring} x {1, inversion} x {independent operations}, and let G(h) be the sum over the
images under the independent operations alone. Then

    F(h) = sum_c exp(2 pi i h.c) [G(h) + exp(2 pi i h.t) conj G(h)],   inversion x -> t - x,

where the second term needs real form factors. The sum over the centring translations c is their
number, or 0 where the reflection is absent. `Completion` is this formula and its adjoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from argand._pack import Orders
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.symmetry import operations

__all__ = ["Completion", "independent_operations", "independent_part"]

_IDENTITY = np.eye(3, dtype=int)

# A phase h.c nearer to a whole number of turns than this is one: translations are 24ths.
_WHOLE_TURN = 1e-6


@dataclass(frozen=True, eq=False)
class Completion:
    """Complete a sum over the independent operations of a space group to that over all of them.

    Attributes
    ----------
    centring : (c, 3)
        Fractional centring translations, 000 among them.
    inversion : (3,) or None
        t of the inversion x -> t - x; None where images under it are summed like all others.
    """

    centring: FloatArray
    inversion: FloatArray | None

    def complete(self, partial: NDArray[Any], hkl: Orders) -> NDArray[Any]:
        """Return F (..., m) of a crystal from the sum (..., m) over its independent operations.

        The result is `partial` itself where there is nothing to complete.
        """
        f = partial
        if self.inversion is not None:
            f = self._with_inverted(partial, hkl)
        if len(self.centring) > 1:
            sums = self._centring_sums(hkl)
            dtype = f.real.dtype if np.isrealobj(sums) else f.dtype
            f = f * sums.astype(dtype)
        return f

    def adjoint(self, weights: NDArray[Any], hkl: Orders) -> NDArray[Any]:
        """Return v (..., m) with Re(conj(w) dF) = Re(conj(v) dG) for `weights` w (..., m).

        F is the completed sum and G the partial one.
        """
        sums = self._centring_sums(hkl)
        direct = np.conj(sums) * weights
        if self.inversion is None:
            return np.asarray(direct, weights.dtype)
        phases = np.exp(2j * np.pi * (hkl @ self.inversion))
        inverted = sums * phases * weights.conj()
        return np.asarray(direct + inverted, weights.dtype)

    def _with_inverted(self, partial: NDArray[Any], hkl: Orders) -> NDArray[Any]:
        """Return the sum (..., m) over the images and their inverted images."""
        assert self.inversion is not None
        if not self.inversion.any():
            return (2 * partial.real).astype(partial.dtype)
        phases = np.exp(2j * np.pi * (hkl @ self.inversion)).astype(partial.dtype)
        return np.asarray(partial + phases * partial.conj())

    def _centring_sums(self, hkl: Orders) -> NDArray[Any]:
        """Return sum_c exp(2 pi i h.c) (m,): real numbers for whole orders, else complex ones."""
        turns = hkl @ self.centring.T
        if np.issubdtype(hkl.dtype, np.integer):
            present = (np.abs(turns - np.rint(turns)) < _WHOLE_TURN).all(axis=1)
            return np.asarray(present * float(len(self.centring)))
        return np.asarray(np.exp(2j * np.pi * turns).sum(axis=1))


@lru_cache(maxsize=256)
def independent_operations(
    symops: tuple[str, ...], real_form: bool
) -> tuple[NDArray[np.intp], Completion]:
    """Split the operations of a space group into those to sum over and the completion of the sum.

    Parameters
    ----------
    symops
        All operations of the group as triplets, 'x,y,z' first.
    real_form
        Form factors are real, so that an inversion can be left to the completion.

    Returns
    -------
    Numbers of the independent operations in `symops`, and the `Completion` of a sum over them.
    """
    centring = []
    inversion = None
    # The first operation of each rotation stands for all that differ by a centring translation.
    by_rotation: dict[bytes, int] = {}
    rotations = []
    for number, (rotation, translation) in enumerate(operations(symops)):
        rotations.append(rotation)
        if np.array_equal(rotation, _IDENTITY):
            centring.append(translation)
        if real_form and inversion is None and np.array_equal(rotation, -_IDENTITY):
            inversion = translation
        by_rotation.setdefault(_rotation_key(rotation), number)
    if inversion is None:
        independent = list(by_rotation.values())
    else:
        independent = []
        listed: set[bytes] = set()
        for number in by_rotation.values():
            rotation = rotations[number]
            if _rotation_key(-rotation) not in listed:
                listed.add(_rotation_key(rotation))
                independent.append(number)
    numbers = np.array(independent, np.intp)
    # The arrays are shared by all who ask for the group.
    numbers.flags.writeable = False
    return numbers, Completion(np.array(centring), inversion)


def _rotation_key(rotation: NDArray[Any]) -> bytes:
    """Return the nine numbers of a rotation as a key of dictionaries."""
    return np.asarray(rotation, np.int8).tobytes()


# Crystals never change, so the part that has to be summed is found once for each of them.
_independent_parts: WeakKeyDictionary[Crystal, dict[bool, tuple[Crystal, Completion]]]
_independent_parts = WeakKeyDictionary()


def independent_part(crystal: Crystal, real_form: bool) -> tuple[Crystal, Completion]:
    """Return the atoms of a crystal that have to be summed, and the completion of their sum.

    Parameters
    ----------
    crystal
        A crystal of any space group.
    real_form
        Form factors are real (no dispersion), so that an inversion needs no atoms of its own.

    Returns
    -------
    A crystal in P 1 with the images of all sites under the independent operations, and the
    `Completion` that makes F of the whole crystal of its F.
    """
    by_form = _independent_parts.setdefault(crystal, {})
    if real_form in by_form:
        return by_form[real_form]
    independent, completion = independent_operations(crystal.symops, real_form)
    if len(independent) == len(crystal.symops):
        part = crystal.to_p1()
    else:
        part = crystal.images(independent.tolist())
    # A weak dictionary whose value holds its own key would keep the crystal alive.
    if part is not crystal:
        by_form[real_form] = part, completion
    return part, completion
