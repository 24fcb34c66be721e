"""Judge phases without knowing the true ones.

Phases are good when density modification agrees with the measured amplitudes: those that it was
given (residuals), and, more telling, those that were withheld (free correlation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.phases import align_origin
from argand.solve.dual_space import DualSpace
from argand.solve.primitive import PrimitiveReflections

__all__ = ["FigureCalculator", "PhaseFigures", "phase_agreement"]

# The withheld parts and their size: a tenth of the unique reflections, so often.
_FOLDS = 4
_PART = 10

# Thresholds of the elimination, in standard deviations of the map: for residuals, which are a
# measure, and for the free correlation, where light atoms count.
_RESIDUAL_THRESHOLD = 1.0
_FREE_THRESHOLD = 1.1

# So many of the strongest reflections tell whether two maps are the same.
_COMPARED = 250

# Reflections are strong above so many standard uncertainties.
_STRONG = 3.0


@dataclass(frozen=True)
class PhaseFigures:
    """Hold figures of merit of phases that need no knowledge of the structure.

    Parameters
    ----------
    free_correlation
        Correlation of measured |E| with those of a density from which low values were taken, of
        reflections that were left out of it; mean of four parts of a tenth each.
    residual, strong_residual
        sum | |F| - k |G| | / sum |F| of all reflections, and of those with I > 3 sigma; G is the
        transform of the density from which low values were taken.
    symmetry
        Agreement of the phases before symmetry was imposed with the space group: 1 is perfect. NaN
        where the search began with phases that may have had the symmetry already.
    consistency
        Correlation with the phases that another start led to; NaN where none was compared.
    """

    free_correlation: float
    residual: float
    strong_residual: float
    symmetry: float
    consistency: float = math.nan


class FigureCalculator:
    """Calculate figures of merit of phases for one set of reflections.

    Parameters
    ----------
    data
        Reflections in P 1.
    seed
        Chooses which reflections are left out together.
    """

    def __init__(self, data: PrimitiveReflections, seed: int = 0) -> None:
        self._data = data
        self._space = DualSpace(data.hkl, len(data.hkl))
        unique = int(data.laue.max()) + 1
        part_of_unique = np.random.default_rng(seed).permutation(unique) % _PART
        part = part_of_unique[data.laue]
        self._left_out = [part == fold for fold in range(_FOLDS)]
        self._strong = data.intensity > _STRONG * data.sigma
        if not self._strong.any():
            self._strong[:] = True
        self._e_of_f = data.normalised / data.amplitude

    def __call__(self, phased: npt.NDArray[np.complexfloating], symmetry: float) -> PhaseFigures:
        """Judge phases.

        Parameters
        ----------
        phased : (n,) complex
            |F| of the data with phases.
        symmetry
            Agreement of the phases with the space group before it was imposed.
        """
        data = self._data
        trials = np.repeat(phased[None].astype(np.complex64), 1 + _FOLDS, axis=0)
        for fold, left_out in enumerate(self._left_out):
            trials[1 + fold, left_out] = 0.0
        thresholds = np.full(1 + _FOLDS, _FREE_THRESHOLD, np.float32)
        thresholds[0] = _RESIDUAL_THRESHOLD
        result = self._space.run(
            trials,
            np.zeros(1 + _FOLDS, np.float32),
            data.amplitude.astype(np.float32),
            cycles=1,
            threshold=thresholds,
            modify="eliminate",
        )
        modulus = np.abs(result.calculated).astype(np.float64)
        correlations = [
            _correlation(modulus[1 + fold] * self._e_of_f, data.normalised, left_out)
            for fold, left_out in enumerate(self._left_out)
        ]
        return PhaseFigures(
            free_correlation=float(np.mean(correlations)),
            residual=float(result.residual[0]),
            strong_residual=_residual(data.amplitude, modulus[0], self._strong),
            symmetry=symmetry,
        )


def phase_agreement(
    hkl: npt.NDArray[np.int64],
    first: npt.NDArray[np.complexfloating],
    second: npt.NDArray[np.complexfloating],
) -> float:
    """Return the weighted mean cosine of the difference of phases, best over origins and hands.

    The strongest few hundred reflections are compared; unrelated phases give about 0.2.

    Parameters
    ----------
    hkl : (n, 3)
        Miller indices in P 1.
    first, second : (n,)
        Structure factors of equal moduli.
    """
    strongest = np.argsort(-np.abs(first), kind="stable")[:_COMPARED]
    alignment = align_origin(
        hkl[strongest], first[strongest], second[strongest], origins="continuous"
    )
    return alignment.score


def _correlation(first: FloatArray, second: FloatArray, rows: npt.NDArray[np.bool_]) -> float:
    """Return Pearson's correlation of two columns over some rows; 0 where one is constant."""
    if rows.sum() < 3:
        return 0.0
    a = first[rows] - first[rows].mean()
    b = second[rows] - second[rows].mean()
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0


def _residual(amplitude: FloatArray, modulus: FloatArray, rows: npt.NDArray[np.bool_]) -> float:
    """Return sum | |F| - k |G| | / sum |F| over some rows, k by least squares."""
    f = amplitude[rows]
    g = modulus[rows]
    power = float(g @ g)
    scale = float(f @ g) / power if power > 0 else 0.0
    return float(np.abs(f - scale * g).sum() / f.sum())
