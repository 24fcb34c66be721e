"""Known structures with a centre of symmetry which the displaced crystal may lack.

Let -x + t take the known structure onto itself, and let the displacements break this symmetry. Then
a displaced crystal and its image under -x + t have the same |F| at every reflection (Friedel), and
lie equally far from the known structure, on opposite sides: no measurement without resonant
scattering distinguishes the two. The odd part of the displacement enters |F| at second order only,
so that a low R proves little.
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

__all__ = ["WARNING", "Mirror", "ambiguity"]

# A site may lie so far, in angstrom, from where the centre would put it.
_TOLERANCE = 0.05

#: What an estimator with ambiguous answers warns of
WARNING = (
    "the known structure has a centre of symmetry which the displaced crystal need not have: it and"
    " its mirror image have the same amplitudes, so that there are two answers, and a low R proves"
    " neither"
)


@dataclass(frozen=True, eq=False)
class Mirror:
    """Map displacements to those of the mirror image: u'_i = -T_i u_j, j = partner_i.

    Attributes
    ----------
    partner : (n,) site whose image under the centre each site is
    turn : (n, 3, 3) Cartesian rotations T
    shift : (3,) fractional; the centre takes x to shift - x
    """

    partner: NDArray[np.intp]
    turn: FloatArray
    shift: FloatArray

    def __call__(self, displacement: FloatArray) -> FloatArray:
        """Return the displacements of the mirror image of (..., n, 3), Cartesian angstrom."""
        partners = displacement[..., self.partner, :]
        return np.asarray(-np.einsum("nij,...nj->...ni", self.turn, partners))

    def image(self, atom: FurtherAtom | None) -> FurtherAtom | None:
        """Return a further atom where it lies in the mirror image."""
        if atom is None:
            return None
        return atom._replace(frac=(self.shift - atom.frac) % 1.0)


def ambiguity(crystal: Crystal, modes: FloatArray) -> Mirror | None:
    """Find the centre that the known structure has and some displacements break.

    Parameters
    ----------
    crystal
        The known structure.
    modes
        Free displacements (k, n, 3), Cartesian angstrom.

    Returns
    -------
    Mirror or None
        None where there is no such centre. A centre among the symmetry operations is kept by every
        displacement of the asymmetric unit, and makes no ambiguity.
    """
    for rotation, _ in operations(crystal.symops):
        if (rotation == -np.eye(3)).all():
            return None
    if not len(modes):
        return None
    mirror = _centre(crystal)
    if mirror is None:
        return None
    change = np.abs(mirror(modes) - modes).max()
    is_broken = change > 1e-6 * np.abs(modes).max()
    return mirror if is_broken else None


def _centre(crystal: Crystal) -> Mirror | None:
    """Find a centre that takes every site to an image of a site of its kind, or None."""
    axes = cartesian_axes(crystal)
    frac = crystal.frac
    symmetry = operations(crystal.symops)
    images = np.array([frac @ rotation.T + shift for rotation, shift in symmetry])
    kind = _kind_numbers(crystal)
    kinds, counts = np.unique(kind, return_counts=True)
    rarest_kind = kinds[counts.argmin()]
    rarest = np.flatnonzero(kind == rarest_kind)
    same_kind = kind[:, None, None] == kind[:, None]
    # The centre takes the first site of the rarest kind to some image of a site of this kind.
    for image in images[:, rarest].reshape(-1, 3):
        shift = np.asarray(frac[rarest[0]] + image)
        # From image o of site j to where the centre puts site i: (i, j, o, 3)
        difference = shift - frac[:, None, None] - images.transpose(1, 0, 2)
        difference -= np.rint(difference)
        length = np.linalg.norm(difference @ axes.T, axis=3)
        distance = np.where(same_kind, length, np.inf)
        distance = distance.reshape(len(frac), -1)
        nearest = distance.argmin(axis=1)
        if (distance.min(axis=1) < _TOLERANCE).all():
            partner, operation = np.divmod(nearest, len(symmetry))
            to_frac = np.linalg.inv(axes)
            turn = np.array([axes @ symmetry[o][0] @ to_frac for o in operation])
            return Mirror(partner, turn, shift)
    return None


def _kind_numbers(crystal: Crystal) -> NDArray[np.intp]:
    """Number the kinds of sites, type and occupancy, by their first site: (n,)."""
    kinds = []
    for symbol, occupancy in zip(crystal.types, crystal.occ, strict=True):
        kinds.append((symbol, round(float(occupancy), 4)))
    return np.array([kinds.index(kind) for kind in kinds], np.intp)
