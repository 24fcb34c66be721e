"""Data sets of one crystal on one list of reflections, as what works on many at once wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.measured import Merged, amplitudes
from argand.reflections import HklArray, miller_indices
from argand.symmetry import SpaceGroup

__all__ = ["Observed", "noise", "on_one_list"]

_FLOOR = 0.03  # of the mean amplitude: what a model is wrong by, whatever the sigmas say


class Observed(NamedTuple):
    """b data sets of m reflections; NaN where a set lacks one."""

    hkl: HklArray  # (m, 3)
    amplitude: FloatArray  # (b, m) |F|, each set on its own scale
    sigma: FloatArray  # (b, m)

    @property
    def error(self) -> FloatArray:
        """Sigmas (b, m), and what a model is wrong by whatever they say."""
        floor = _FLOOR * np.nanmean(self.amplitude, axis=1, keepdims=True)
        return np.asarray(np.sqrt(np.square(self.sigma) + np.square(floor)))

    @property
    def explained(self) -> FloatArray:
        """R (b,) below which a model leaves nothing but the errors that the sigmas tell of."""
        return np.asarray(0.005 + 1.1 * noise(self.amplitude, self.sigma))


def noise(amplitude: FloatArray, sigma: FloatArray) -> FloatArray:
    """R that Gaussian errors leave of the right model: sqrt(2 / pi) sum sigma / sum |F|, over the last axis."""
    return np.asarray(
        np.sqrt(2.0 / np.pi) * np.nansum(sigma, axis=-1) / np.nansum(amplitude, axis=-1)
    )


def on_one_list(data: Sequence[Merged], spacegroup: SpaceGroup) -> Observed:
    """Amplitudes of merged data on all reflections to the best resolution among them.

    With sigmas they are the expectations of French and Wilson; without, square roots with errors that are all alike.
    """
    best = min(data, key=lambda own: own.d_min)
    hkl = miller_indices(best.cell, spacegroup, d_min=best.d_min * (1.0 - 1e-9))
    hkl = np.unique(
        np.concatenate([hkl, *(own.hkl for own in data)]), axis=0
    )  # cells differ a little
    amplitude, sigma = (np.full((len(data), len(hkl)), np.nan) for _ in range(2))
    place = _Places(hkl)
    for row, own in enumerate(data):
        at = place(own.hkl)
        if own.sigma is None:
            modulus = np.sqrt(np.maximum(own.intensity, 0.0))
            amplitude[row, at], sigma[row, at] = modulus, max(0.02 * float(modulus.mean()), 1e-30)
        else:
            found = amplitudes(own)
            amplitude[row, at], sigma[row, at] = found.amplitude, found.sigma_amplitude
    return Observed(np.ascontiguousarray(hkl, np.int32), amplitude, sigma)


class _Places:
    """Where reflections stand in a sorted list that holds them."""

    def __init__(self, hkl: HklArray) -> None:
        self.reach = int(np.abs(hkl).max(initial=0))
        self.codes = self._code(hkl)

    def __call__(self, hkl: HklArray) -> NDArray[np.intp]:
        return np.searchsorted(self.codes, self._code(hkl))

    def _code(self, hkl: HklArray) -> NDArray[np.int64]:
        h, k, l = (hkl.astype(np.int64) + self.reach).T
        side = 2 * self.reach + 1
        return np.asarray((h * side + k) * side + l)
