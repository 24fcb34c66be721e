"""Normalised amplitudes |E| of measured intensities, from the intensities alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray

__all__ = ["normalised"]

# Unique reflections of a shell: fewer would take the strongest reflections for the mean.
_OF_A_SHELL = 60


def normalised(
    stol2: FloatArray,
    lengths: NDArray[np.int64],
    multiplicity: NDArray[np.int32],
    epsilon: NDArray[np.int32],
    intensity: FloatArray,
    mask: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Compute |E| (b, m) of the measured reflections of b crystals; 0 where not measured.

    |E|^2 = I / (epsilon <I / epsilon>), with the mean over shells of equal volume in reciprocal
    space, each reflection counted as often as it has equivalents. Between the middles of shells the
    logarithm of the mean is interpolated. Neither scale nor B nor content need be known.

    Parameters
    ----------
    stol2 : (b, m)
        (sin(theta)/lambda)^2, 1/A^2.
    lengths : (b,)
        Reflections of each crystal, the first ones of its row.
    multiplicity, epsilon : (b, m)
        Equivalents, Friedel mates included, and operations that map the reflection onto itself.
    intensity, mask : (b, m)
        Intensities, not negative, and which were measured.
    """
    shells = np.maximum(lengths // _OF_A_SHELL, 1)
    share_of_square = stol2 / stol2.max(axis=1, keepdims=True)
    volume = share_of_square * np.sqrt(share_of_square)
    volume *= shells[:, None]
    last = (shells - 1)[:, None]
    begins = np.cumsum(shells) - shells
    number = np.minimum(volume.astype(np.int64), last)
    number += begins[:, None]
    weight = (multiplicity * mask).ravel().astype(float)
    reduced = intensity / np.maximum(epsilon, 1)
    count = np.bincount(number.ravel(), weights=weight, minlength=shells.sum())
    weight *= reduced.ravel()
    total = np.bincount(number.ravel(), weights=weight, minlength=shells.sum())
    whole_count = np.add.reduceat(count, begins)
    whole_mean = np.add.reduceat(total, begins) / np.maximum(whole_count, 1.0)
    # A shell without measured intensity takes the mean of its crystal.
    mean = np.where(total > 0.0, total / np.maximum(count, 1.0), np.repeat(whole_mean, shells))
    logarithm = np.log(np.where(mean > 0.0, mean, 1.0))
    rise = np.append(np.diff(logarithm), 0.0)
    # Behind the middle of the last shell of a crystal, and before that of the first, nothing rises.
    rise[begins + shells - 1] = 0.0
    position = np.clip(volume - 0.5, 0.0, last)
    lower = position.astype(np.int64)
    position -= lower
    lower += begins[:, None]
    expected = (logarithm[lower] + position * rise[lower]).astype(np.float32)
    e = np.sqrt(reduced.astype(np.float32)) * np.exp(np.float32(-0.5) * expected)
    return np.asarray(e * mask)
