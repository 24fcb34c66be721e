"""An atom that the known crystal lacks: sought in difference maps, refined with all others.

If it is left out, R is high, and the other atoms move to make up for it, the more the less the data
say about them. So it is sought before they are refined as well as after. Its place, occupancy and B
are free; occupancy and B have a Gaussian prior, so that an atom of another element, or one in some
of the cells only, is found as well.
"""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.estimate.difference import DifferenceMap
from argand.estimate.estimate import FurtherAtom, with_atom
from argand.refine import GaussianPrior, Parameters, free

__all__ = ["WithFurtherAtom"]

# The site that the position parameters move from lies on no symmetry element of any space group.
_GENERAL_SITE = (0.1307, 0.2113, 0.3419)

# Nearer to an atom of the crystal, in angstrom, there is no other atom.
_SHORTEST_DISTANCE = 1.0

# Prior of the occupancy: any value from nothing to a full atom is likely.
_OCCUPANCY_MEAN = 0.5
_OCCUPANCY_WIDTH = 0.5

# Prior width of the difference between its B and the median of the crystal, A^2.
_B_WIDTH = 2.0

# With less occupancy there is no atom.
_LEAST_OCCUPANCY = 0.15

# x, y, z, B and occupancy.
_PARAMETERS = 5


class WithFurtherAtom:
    """Extend a model of k parameters by an atom: x, y, z (angstrom), B (A^2) and occupancy.

    Attributes
    ----------
    model : the extended model, k + 5 parameters
    difference : difference maps of the model without the atom
    joint_difference : difference maps of the extended model
    """

    def __init__(self, difference: DifferenceMap, element: str) -> None:
        self.difference = difference
        self.element = element
        model = difference.model
        known = model.crystal
        b_iso = float(np.median(known.b_iso))
        absent = FurtherAtom(
            element, _new_label(known, element), np.array(_GENERAL_SITE), 0.0, b_iso
        )
        crystal = with_atom(known, absent)
        is_further = np.arange(len(crystal.types)) == len(known.types)
        further = free(
            crystal, positions=is_further, displacement=is_further, occupancies=is_further
        )
        before = model.parameters
        # The other parameters do not move the further atom.
        directions = np.pad(before.directions, ((0, 0), (0, 1), (0, 0)))
        parameters = Parameters(before.names, before.kinds, directions) + further
        self.model = model.of(crystal, parameters)
        self.joint_difference = DifferenceMap(self.model)

    def starts(self, amplitude: FloatArray, p: FloatArray, number: int) -> FloatArray:
        """Make starts (j, k + 5) from p (k,) with an atom at the highest unassigned peaks.

        `amplitude` (m,) is NaN where not measured; at most `number` starts are made.
        """
        peaks = self.difference.peaks(amplitude, p)
        sites = self.difference.sites(p)
        _, distance = self.difference.nearest(peaks.frac, sites)
        is_free = distance.min(axis=1, initial=np.inf) > _SHORTEST_DISTANCE
        b_iso = float(self.model.crystal.b_iso[-1])
        starts = []
        for frac in peaks.frac[is_free][:number]:
            atom = FurtherAtom(self.element, "", frac, _OCCUPANCY_MEAN, b_iso)
            starts.append(self.joint(p, atom))
        shape = len(starts), len(self.model)
        return np.array(starts).reshape(shape)

    def joint(self, p: FloatArray, atom: FurtherAtom) -> FloatArray:
        """Return the parameters (k + 5,) of p (k,) and an atom."""
        position = self.difference.axes @ (atom.frac - _GENERAL_SITE)
        b_difference = atom.b_iso - self.model.crystal.b_iso[-1]
        return np.concatenate([p, position, [b_difference, atom.occ]])

    def prior(self, without: GaussianPrior) -> GaussianPrior:
        """Extend the prior of the other parameters (k,) by a prior of B and occupancy."""
        k = without.mean.shape[-1]
        atom_mean = np.zeros((*without.mean.shape[:-1], _PARAMETERS))
        atom_mean[..., -1] = _OCCUPANCY_MEAN
        precision = np.zeros((k + _PARAMETERS, k + _PARAMETERS))
        precision[:k, :k] = without.precision
        precision[k + 3, k + 3] = _B_WIDTH**-2.0
        precision[k + 4, k + 4] = _OCCUPANCY_WIDTH**-2.0
        mean = np.concatenate([without.mean, atom_mean], axis=-1)
        return GaussianPrior(mean, precision)

    def atom(self, p: FloatArray) -> FurtherAtom:
        """Return the atom of parameters p (k + 5,).

        Its B, like those of the known crystal, is without the change of the overall B.
        """
        crystal = self.model.crystal
        shift = np.linalg.solve(self.difference.axes, p[-5:-2])
        return FurtherAtom(
            type=self.element,
            label=crystal.labels[-1],
            frac=(crystal.frac[-1] + shift) % 1.0,
            occ=float(p[-1]),
            b_iso=float(crystal.b_iso[-1] + p[-2]),
        )

    def is_sensible(self, p: FloatArray) -> bool:
        """Return whether the atom of p (k + 5,) is far enough from all others, and there at all."""
        atom = self.atom(p)
        sites = self.difference.sites(p[:-_PARAMETERS])
        _, distance = self.difference.nearest(atom.frac[None], sites)
        is_apart = distance.min(initial=np.inf) > _SHORTEST_DISTANCE
        return bool(is_apart and atom.occ > _LEAST_OCCUPANCY)


def _new_label(known: Crystal, element: str) -> str:
    """Make a label that no atom of the known crystal has: 'Ox', 'Ox1', ..."""
    label = f"{element}x"
    number = 0
    while label in known.labels:
        number += 1
        label = f"{element}x{number}"
    return label
