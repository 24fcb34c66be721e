"""Parents that have a centre of symmetry which the displaced crystal may lack.

Let -x + t take the known structure onto itself, and the displacements not keep that. Then a crystal and its image
under it have the same |F| at every reflection (Friedel), and lie equally far from the known structure, on opposite
sides: no measurement without resonant scattering tells u from the other answer. Worse, the odd part of the
displacement enters |F| at second order only, so that a low R proves little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.estimate.estimate import FurtherAtom
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operations

__all__ = ["Mirror", "ambiguity"]

_NEAR = 0.05  # angstrom: as far as a site may be from where the centre would put it

WARNING = (
    "the known structure has a centre of symmetry which the displaced crystal need not have: it and its mirror image "
    "have the same amplitudes, so that there are two answers, and a low R proves neither"
)


@dataclass(frozen=True, eq=False)
class Mirror:
    """What the centre makes of displacements: u'_i = -T_i u_j, j = partner_i, of n sites in Cartesian angstrom.

    The centre takes x to shift - x.
    """

    partner: NDArray[np.intp]  # (n,)
    turn: FloatArray  # (n, 3, 3)
    shift: FloatArray  # (3,) fractional

    def __call__(self, displacement: FloatArray) -> FloatArray:
        """The other answer, of displacements (..., n, 3)."""
        return np.asarray(
            -np.einsum("nij,...nj->...ni", self.turn, displacement[..., self.partner, :])
        )

    def image(self, atom: FurtherAtom | None) -> FurtherAtom | None:
        """Where an atom that was found with them lies in the other answer."""
        return None if atom is None else atom._replace(frac=(self.shift - atom.frac) % 1.0)


def ambiguity(crystal: Crystal, modes: FloatArray) -> Mirror | None:
    """The centre that the known structure has and some of its displacements modes (k, n, 3) break; None: there is none.

    A centre among the symmetry operations is kept by every displacement of the asymmetric unit, and is no ambiguity.
    """
    every = operations(crystal.symops)
    if not len(modes) or any((rotation == -np.eye(3)).all() for rotation, _ in every):
        return None
    mirror = _centre(crystal)
    if mirror is None:
        return None
    broken = np.abs(mirror(modes) - modes).max() > 1e-6 * np.abs(modes).max()
    return mirror if broken else None


def _centre(crystal: Crystal) -> Mirror | None:
    axes, frac, n = cartesian_axes(crystal), crystal.frac, len(crystal.types)
    back = np.linalg.inv(axes)
    every = operations(crystal.symops)
    images = np.array([frac @ rotation.T + shift for rotation, shift in every])  # (o, n, 3)
    kinds = [(crystal.types[i], round(float(crystal.occ[i]), 4)) for i in range(n)]
    number = np.array([kinds.index(kind) for kind in kinds])
    rarest = np.flatnonzero(
        number == min(set(number.tolist()), key=lambda kind: int((number == kind).sum()))
    )
    for image in images[:, rarest].reshape(-1, 3):
        centre = frac[rarest[0]] + image
        off = (
            centre - frac[:, None, None] - images.transpose(1, 0, 2)
        )  # of site i from image o of site j
        off -= np.rint(off)
        distance = np.where(
            number[:, None, None] == number[:, None], np.linalg.norm(off @ axes.T, axis=3), np.inf
        )
        nearest = distance.reshape(n, -1).argmin(axis=1)
        if (distance.reshape(n, -1)[np.arange(n), nearest] < _NEAR).all():
            partner, operation = np.divmod(nearest, len(every))
            turn = np.array([axes @ every[o][0] @ back for o in operation])
            return Mirror(partner, turn, np.asarray(centre))
    return None
