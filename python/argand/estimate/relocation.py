"""A way out of false minima: one atom is taken from where it leaves a hole to where a peak lacks one.

Least squares move an atom along slopes, and from one maximum of a density to the next there is none. What is gained if
atom j with f_j electrons is moved from x to y is, for a small part of it, f_j (D(y) - D(x)): the pairs of an atom and a
peak with the most of that are tried, near peaks before far ones.
"""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.estimate.difference import Difference
from argand.form_factors import form_factors

__all__ = ["relocations"]

_REACH = 2.2  # of the width: farther from its known place no peak is an atom's


def relocations(
    difference: Difference, observed: FloatArray, p: FloatArray, width: float, number: int
) -> FloatArray:
    """Up to `number` parameters (j, k), each with another atom moved, of amplitudes (m,) and what p (k,) is now."""
    model = difference.model
    peaks = difference(observed, p)
    from_known, distance = difference.nearest(peaks.frac, model.crystal.frac)
    electrons = (
        np.abs(form_factors(model.crystal.types, 0.0, model.radiation.table)) * model.crystal.occ
    )
    gain = (
        electrons
        * (peaks.height[:, None] - peaks.at_sites)
        * np.exp(-np.square(distance / (2.0 * width)))
    )
    gain[(distance > _REACH * width) | (electrons == 0.0)] = -np.inf
    peak = gain.argmax(axis=0) if len(gain) else np.zeros(0, np.intp)  # of every atom
    best = gain[peak, np.arange(len(peak))]
    found = []
    for atom in np.argsort(-best, kind="stable")[:number]:
        if not np.isfinite(best[atom]):
            break
        u = model.displacements(p)
        u[atom] = from_known[peak[atom], atom]
        moved = model.from_displacements(u)
        others = np.ones(len(moved), bool)
        others[model.parameters.of_kind("position")] = False
        moved[others] = p[others]
        found.append(moved)
    return np.array(found).reshape(len(found), len(model))
