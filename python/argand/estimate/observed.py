"""Measured amplitudes of several data sets on one list of reflections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.measured import Merged, amplitudes
from argand.reflections import HklArray, miller_indices
from argand.rows import find_rows, unique_rows
from argand.symmetry import SpaceGroup

__all__ = ["Observed", "noise", "on_one_list"]

# A model of independent atoms is wrong by this part of the mean amplitude, whatever the sigmas say.
_MODEL_ERROR = 0.03

# Relative error that is assumed for a data set whose file has no sigmas.
_ASSUMED_ERROR = 0.02

# R that rounding and the model leave of data whose sigmas are zero.
_SMALLEST_R = 0.005

# Data are explained when R is at most this factor above what Gaussian errors leave on average.
_R_MARGIN = 1.1


class Observed(NamedTuple):
    """Hold amplitudes of b data sets at m reflections; NaN where a data set lacks a reflection."""

    hkl: HklArray  # (m, 3)
    amplitude: FloatArray  # (b, m) |F|, each data set on its own scale
    sigma: FloatArray  # (b, m) standard uncertainty of |F|

    @property
    def error(self) -> FloatArray:
        """Return the errors (b, m) for weights, from the sigmas and the error of the model."""
        mean = np.nanmean(self.amplitude, axis=1, keepdims=True)
        model_variance = np.square(_MODEL_ERROR * mean)
        variance = np.square(self.sigma) + model_variance
        return np.asarray(np.sqrt(variance))

    @property
    def explained(self) -> FloatArray:
        """Return the R (b,) below which a model leaves no more than the stated errors."""
        expected_r = noise(self.amplitude, self.sigma)
        return np.asarray(_SMALLEST_R + _R_MARGIN * expected_r)

    def of_rows(self, rows: NDArray[np.intp]) -> Observed:
        """Return the data sets `rows` alone, on the same list of reflections."""
        return Observed(self.hkl, self.amplitude[rows], self.sigma[rows])

    def amplitudes_at(self, hkl: HklArray) -> FloatArray:
        """Return the amplitudes (b, q) of reflections hkl (q, 3); NaN where there is none."""
        columns = find_rows(self.hkl, hkl)
        amplitude = self.amplitude[:, columns]
        return np.where(columns >= 0, amplitude, np.nan)


def noise(amplitude: FloatArray, sigma: FloatArray) -> FloatArray:
    """Calculate the R that Gaussian errors leave of the right model, over the last axis.

    R = sqrt(2 / pi) sum sigma / sum |F|, since the mean of |error| is sqrt(2 / pi) sigma.
    """
    error = np.nansum(sigma, axis=-1)
    mean_error = np.sqrt(2.0 / np.pi) * error
    total = np.nansum(amplitude, axis=-1)
    return np.asarray(mean_error / total)


def on_one_list(data: Sequence[Merged], spacegroup: SpaceGroup) -> Observed:
    """Put amplitudes of merged data sets on all reflections to the best resolution among them.

    With sigmas, the amplitudes are the expectations of French and Wilson; without, they are square
    roots of intensities, with one error for all reflections.
    """
    finest = min(data, key=lambda merged: merged.d_min)
    d_min = finest.d_min * (1.0 - 1e-9)
    lists = [miller_indices(finest.cell, spacegroup, d_min=d_min)]
    # The cells of the data sets differ a little, so that some have reflections beyond this list.
    lists += [merged.hkl for merged in data]
    hkl = unique_rows(np.concatenate(lists))[0]
    shape = len(data), len(hkl)
    amplitude = np.full(shape, np.nan)
    sigma = np.full(shape, np.nan)
    for row, merged in enumerate(data):
        columns = find_rows(hkl, merged.hkl)
        if merged.sigma is None:
            modulus = np.sqrt(np.maximum(merged.intensity, 0.0))
            amplitude[row, columns] = modulus
            assumed = _ASSUMED_ERROR * float(modulus.mean())
            sigma[row, columns] = max(assumed, 1e-30)
        else:
            expected = amplitudes(merged)
            amplitude[row, columns] = expected.amplitude
            sigma[row, columns] = expected.sigma_amplitude
    return Observed(np.ascontiguousarray(hkl, np.int32), amplitude, sigma)
