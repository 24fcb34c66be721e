"""Estimates by regression alone: the width that fits, its parameters, and their distance."""

from __future__ import annotations

import numpy as np

from argand.adapt.learned import Learned
from argand.cell import FloatArray
from argand.estimate.models import DisplacementModels
from argand.estimate.observed import Observed
from argand.estimate.scale import damped, disagreement, fit_scale

__all__ = ["RegressionEstimates"]


class RegressionEstimates:
    """Estimate b data sets by the regression of the width that fits and by its neighbours.

    The known structure takes part too; the lowest R is kept.

    Attributes
    ----------
    amplitude : (b, m) |F| of the learned reflections, NaN where a data set lacks one
    r_known : (b,) R of the known structure
    width : (b,) rms displacement, angstrom, that `r_known` means
    rung : (b,) number of the regression that is kept
    p : (b, k) position parameters
    distance : (b,) how far the amplitudes lie from those of the samples; above 1 is rare among them
    """

    def __init__(self, learned: Learned, models: DisplacementModels, observed: Observed) -> None:
        self._learned = learned
        self._models = models
        self._observed = observed
        self._squares = np.square(models.displaced.stol)
        self.amplitude = observed.amplitudes_at(learned.hkl)
        unmoved = np.zeros((len(observed.amplitude), len(learned.modes)))
        self.r_known, _ = self.fit(unmoved)
        self.width = learned.curve(self.r_known)
        widths = np.array([rung.width for rung in learned.rungs])
        log_ratio = np.log(self.width)[:, None] - np.log(widths)
        self.rung = np.abs(log_ratio).argmin(axis=1)
        self.p = unmoved
        self.distance = np.full(len(unmoved), np.inf)
        self._choose()

    def fit(self, p: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Fit scale and overall B at position parameters p (b, k); return R and B (b,)."""
        f = self._models.displaced.structure_factors(self.with_b(p))
        calculated = np.abs(f)
        amplitude = self._observed.amplitude
        scale, b = fit_scale(amplitude, calculated, self._squares)
        scaled = damped(calculated, scale, b, self._squares)
        return disagreement(amplitude, scaled), b

    def with_b(self, p: FloatArray, b: FloatArray | None = None) -> FloatArray:
        """Return all parameters of the model for positions p (b, k) and a change of B (b,).

        Extinction, where there is some, is that of the known crystal.
        """
        parameters = len(self._models.displaced)
        whole = np.zeros((len(p), parameters))
        positions = p.shape[1]
        whole[:, :positions] = p
        if b is not None:
            whole[:, positions] = b
        return whole

    def _choose(self) -> None:
        """Keep the lowest R of the known structure and of the regressions that may fit."""
        lowest_r = self.r_known.copy()
        fitting = self.rung.copy()
        for neighbour in (0, -1, 1):
            number = fitting + neighbour
            p, distance = self._estimate(number)
            r, _ = self.fit(p)
            better = r < lowest_r
            self.p = np.where(better[:, None], p, self.p)
            lowest_r = np.where(better, r, lowest_r)
            self.rung = np.where(better, number, self.rung)
            self.distance = np.minimum(self.distance, distance)

    def _estimate(self, number: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Estimate each data set by the regression of its number (b,): parameters and distance.

        Where there is no such regression, parameters are 0 and the distance is infinite.
        """
        rungs = self._learned.rungs
        learned_squares = np.square(self._learned.stol)
        p = np.zeros_like(self.p)
        distance = np.full(len(p), np.inf)
        exists = (number >= 0) & (number < len(rungs))
        for chosen in np.unique(number[exists]):
            rows = np.flatnonzero(number == chosen)
            rung = rungs[chosen]
            amplitude = self.amplitude[rows]
            absolute = rung.on_absolute_scale(amplitude, learned_squares)
            p[rows], distance[rows] = rung(absolute)
        return p, distance
