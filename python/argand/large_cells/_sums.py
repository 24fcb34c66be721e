"""Structure factors of isotropic points, and their adjoint, by a low-rank basis and non-uniform transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.large_cells._atoms import Atoms, Points
from argand.large_cells._basis import Basis
from argand.large_cells._pieces import pieces
from argand.large_cells._transforms import Complex, Modes, Pair, Plans, pairs_of, shared_out


class Gradients(NamedTuple):
    """Derivatives of a real loss by every atom's parameters."""

    frac: FloatArray  # (n, 3)
    b_iso: FloatArray  # (n,), of anisotropic atoms: by a B that is added to the tensor
    occ: FloatArray  # (n,)


def _size(basis: Basis, strength: FloatArray) -> FloatArray:
    """How much each pair adds to a sum: strength (ranks,) times the largest value of its functions."""
    share = np.square(strength) * np.square(basis.vectors).max(axis=0)
    return np.sqrt(share.reshape(-1, 2).sum(axis=1))


def forward(
    atoms: Atoms, points: Points, basis: Basis, v: FloatArray, modes: Modes, tolerance: float
) -> NDArray[np.complex128]:
    """F at the reflections of `modes`; v (rank, m) is the basis there.

    Errors of a transform are those of its strengths at random phases: eps times the root of their sum of squares.
    """
    u = basis.strengths(atoms.kind, points.b)
    u *= atoms.occ[:, None]
    length = np.sqrt(np.square(points.weight) @ np.square(u)[points.atom])
    pairs = pairs_of(_size(basis, length), tolerance, modes.reach)

    def work(some: Sequence[Pair], transform: Plans) -> NDArray[np.complex128]:
        f = np.zeros(len(modes.index), np.complex128)
        for pair in some:
            real, imaginary = 2 * pair.number, 2 * pair.number + 1
            strength = (u[:, real] + 1j * u[:, imaginary])[points.atom]
            strength *= points.weight
            a = transform(pair, strength)
            for i in pieces(len(f)):
                w = 0.5 * (v[real, i] - 1j * v[imaginary, i])
                f[i] += w * a[modes.index[i]]
                f[i] += (w * a[modes.size - 1 - modes.index[i]]).conj()
        return f

    total = np.zeros(len(modes.index), np.complex128)
    for f in shared_out(pairs, 1, points.frac, modes, work):
        total += f
    return total
