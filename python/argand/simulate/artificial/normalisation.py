"""Normalised amplitudes |E| of measured intensities, from the intensities alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.simulate.artificial.reflection_table import ReflectionTable
from argand.simulate.artificial.structure_factors import RaggedReflections

__all__ = ["normalised"]

# Unique reflections of a shell: fewer would take the strongest reflections for the mean.
_OF_A_SHELL = 60


def normalised(
    ragged: RaggedReflections,
    table: ReflectionTable,
    intensity: FloatArray,
    mask: NDArray[np.bool_],
) -> FloatArray:
    """Compute |E| (S,) of the measured reflections of many crystals; 0 where not measured.

    |E|^2 = I / (epsilon <I / epsilon>), with the mean over shells of equal volume in reciprocal
    space, each reflection counted as often as it has equivalents. Between the middles of shells the
    logarithm of the mean is interpolated. Neither scale nor B nor content need be known.
    """
    crystal = ragged.crystal
    crystals = len(ragged.first) - 1
    lengths = np.diff(ragged.first)
    shells = np.maximum(lengths // _OF_A_SHELL, 1)
    largest = np.maximum.reduceat(ragged.stol2, ragged.first[:-1])
    share_of_square = ragged.stol2 / largest[crystal]
    volume = share_of_square * np.sqrt(share_of_square) * shells[crystal]
    offset = np.concatenate([[0], np.cumsum(shells)])
    last = shells[crystal] - 1
    shell = np.minimum(volume.astype(np.int64), last)
    weight = table.multiplicity[ragged.row] * mask
    reduced = intensity / table.epsilon[ragged.row]
    number = offset[crystal] + shell
    count = np.bincount(number, weights=weight, minlength=offset[-1])
    total = np.bincount(number, weights=weight * reduced, minlength=offset[-1])
    whole_count = np.bincount(crystal, weights=weight, minlength=crystals)
    whole_total = np.bincount(crystal, weights=weight * reduced, minlength=crystals)
    whole_mean = whole_total / np.maximum(whole_count, 1.0)
    # A shell without measured intensity takes the mean of its crystal.
    mean = np.where(total > 0.0, total / np.maximum(count, 1.0), np.repeat(whole_mean, shells))
    logarithm = np.log(np.where(mean > 0.0, mean, 1.0))
    position = np.clip(volume - 0.5, 0.0, last)
    lower = np.minimum(position.astype(np.int64), np.maximum(last - 1, 0))
    share = position - lower
    start = offset[crystal] + lower
    end = np.minimum(start + 1, offset[crystal] + last)
    expected = np.exp((1.0 - share) * logarithm[start] + share * logarithm[end])
    return np.asarray(np.sqrt(reduced / expected) * mask)
