"""Leave a false minimum: take one atom from where it leaves a hole to where a peak lacks an atom.

Least squares move an atom along slopes, and between two maxima of a density there is no slope.
Moving a small part of atom j, f_j electrons, from x to y gains f_j (D(y) - D(x)) in the difference
map D. The pairs of an atom and a peak with the largest gain are tried, near peaks before far ones.
"""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.estimate.difference import DifferenceMap
from argand.form_factors import form_factors

__all__ = ["relocations"]

# A peak farther from the known site than this factor times the rms displacement is not its atom.
_FARTHEST = 2.2


def relocations(
    difference: DifferenceMap, amplitude: FloatArray, p: FloatArray, rms: float, number: int
) -> FloatArray:
    """Make starts (j, k) from p (k,), each with another atom moved to a peak of the difference map.

    Parameters
    ----------
    difference
        Difference maps of the model.
    amplitude
        |F| (m,) of one data set, NaN where not measured.
    p
        Parameters (k,) of a false minimum.
    rms
        Expected rms displacement of an atom in three dimensions, angstrom.
    number
        Most starts that are made.
    """
    model = difference.model
    crystal = model.crystal
    peaks = difference.peaks(amplitude, p)
    from_known, distance = difference.nearest(peaks.frac, crystal.frac)
    forward = form_factors(crystal.types, 0.0, model.radiation.table)
    electrons = np.abs(forward) * crystal.occ
    nearness = np.exp(-np.square(distance / (2.0 * rms)))
    density_gain = peaks.height[:, None] - peaks.at_sites
    gain = electrons * density_gain * nearness
    is_too_far = distance > _FARTHEST * rms
    gain[is_too_far | (electrons == 0.0)] = -np.inf
    if not len(gain):
        return np.empty((0, len(model)))

    best_peak = gain.argmax(axis=0)
    best_gain = gain.max(axis=0)
    is_position = np.array(model.parameters.kinds) == "position"
    starts = []
    largest_first = np.argsort(-best_gain, kind="stable")
    for atom in largest_first[:number]:
        if not np.isfinite(best_gain[atom]):
            break
        displacement = model.displacements(p)
        displacement[atom] = from_known[best_peak[atom], atom]
        moved = model.from_displacements(displacement)
        starts.append(np.where(is_position, moved, p))
    shape = len(starts), len(model)
    return np.array(starts).reshape(shape)
