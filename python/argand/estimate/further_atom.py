"""An atom that the known crystal does not have: looked for in the difference map, refined together with all others.

Left out, it does not only leave R high: the atoms that there are move to make up for it, the more the less the data
tell. So it is looked for before they are refined as well as after. Its place, occupancy and B are free, the last two
with a Gaussian prior, so that an atom of another element, or one in a part of the cells only, is found as well.
"""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.estimate.difference import Difference
from argand.estimate.estimate import FurtherAtom, with_atom
from argand.refine import GaussianPrior, Parameters, free

__all__ = ["WithFurtherAtom"]

_GENERAL = (0.1307, 0.2113, 0.3419)  # on no symmetry element: the site that parameters move from
_NEAR = 1.0  # angstrom: nearer to an atom of the crystal there is no other one
_OCCUPANCY, _OCCUPANCY_WIDTH, _B_WIDTH = 0.5, 0.5, 2.0  # of the prior


class WithFurtherAtom:
    """A model (k parameters) with one more atom (k + 5): x, y, z in angstrom, B and occupancy come last."""

    def __init__(self, difference: Difference, kind: str) -> None:
        self.difference, self.kind = difference, kind
        model = difference.model
        known = model.crystal
        place = FurtherAtom(
            kind, _label(known, kind), np.array(_GENERAL), 0.0, float(np.median(known.b_iso))
        )
        crystal = with_atom(known, place)
        last = np.arange(len(crystal.types)) == len(known.types)
        own, old = (
            free(crystal, positions=last, displacement=last, occupancies=last),
            model.parameters,
        )
        padded = np.concatenate(
            [old.directions, np.zeros((len(old), 1, old.directions.shape[2]))], axis=1
        )
        self.model = model.of(crystal, Parameters(old.names, old.kinds, padded) + own)
        self.joined = Difference(self.model)

    def starts(self, observed: FloatArray, p: FloatArray, number: int) -> FloatArray:
        """Up to `number` parameters (j, k + 5): p (k,) with an atom at the highest peaks that are no atom's."""
        peaks = self.difference(observed, p)
        _, distance = self.difference.nearest(peaks.frac, self.difference.sites(p))
        places = peaks.frac[distance.min(axis=1, initial=np.inf) > _NEAR][:number]
        b_iso = float(self.model.crystal.b_iso[-1])
        starts = [
            self.joint(p, FurtherAtom(self.kind, "", place, _OCCUPANCY, b_iso)) for place in places
        ]
        return np.array(starts).reshape(len(places), len(self.model))

    def joint(self, p: FloatArray, atom: FurtherAtom) -> FloatArray:
        """Parameters (k + 5,) of p (k,) and an atom."""
        place = self.difference.axes @ (atom.frac - _GENERAL)
        return np.concatenate([p, place, [atom.b_iso - self.model.crystal.b_iso[-1], atom.occ]])

    def prior(self, alone: GaussianPrior) -> GaussianPrior:
        """That of the other parameters, and what is expected of the atom; it may be anywhere."""
        k = alone.mean.shape[-1]
        own = np.zeros((*alone.mean.shape[:-1], 5))
        own[..., -1] = _OCCUPANCY
        precision = np.zeros((k + 5, k + 5))
        precision[:k, :k] = alone.precision
        precision[k + 3, k + 3], precision[k + 4, k + 4] = _B_WIDTH**-2.0, _OCCUPANCY_WIDTH**-2.0
        return GaussianPrior(np.concatenate([alone.mean, own], axis=-1), precision)

    def atom(self, p: FloatArray) -> FurtherAtom:
        """What p (k + 5,) says of it; its B, like those of the known crystal, is without a change of the overall B."""
        crystal, axes = self.model.crystal, self.difference.axes
        frac = (crystal.frac[-1] + np.linalg.solve(axes, p[-5:-2])) % 1.0
        return FurtherAtom(
            self.kind, crystal.labels[-1], frac, float(p[-1]), float(crystal.b_iso[-1] + p[-2])
        )

    def sensible(self, p: FloatArray) -> bool:
        """Whether it has a place of its own, and occupies it."""
        atom = self.atom(p)
        _, distance = self.difference.nearest(atom.frac[None], self.difference.sites(p[:-5]))
        return bool(atom.occ > 0.15 and distance.min(initial=np.inf) > _NEAR)


def _label(known: Crystal, kind: str) -> str:
    names = (f"{kind}x{number or ''}" for number in range(len(known.labels) + 1))
    return next(name for name in names if name not in known.labels)
