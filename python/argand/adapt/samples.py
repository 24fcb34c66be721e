"""Simulated samples as a regression learns from them: scale and overall B fitted out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.estimate.scale import damped, disagreement, fit_scale
from argand.radiation import Radiation
from argand.refine import Model, free
from argand.simulate import Samples, Simulation

__all__ = ["LearningSamples"]

# Samples that are drawn together: more need memory, fewer time.
_TOGETHER = 512

# So many true samples say which amplitudes are expected, before others are scaled to these.
_FIRST_SAMPLES = 256

# Least spread of an amplitude, as part of the mean amplitude.
_LEAST_SPREAD = 0.02

# Least rms displacement, angstrom, whose logarithm is taken.
_LEAST_DISPLACEMENT = 1e-3


class LearningSamples:
    """Draw samples of a simulation and fit out their scale and overall B.

    Attributes
    ----------
    expected, error : (m,) mean |F| and its standard deviation over true samples
    amplitude : (n, m) float32, measured |F| on an absolute scale
    p : (n, k) factors of the modes
    r_known : (n,) R against the known crystal
    moved : (n,) rms displacement in three dimensions, angstrom
    seed : seed of the simulation
    """

    def __init__(
        self,
        simulation: Simulation,
        modes: FloatArray,
        samples: int,
        report: Callable[[int], None],
    ) -> None:
        self._simulation = simulation
        self._squares = np.square(simulation.stol)
        self._model = Model(
            simulation.crystal,
            simulation.hkl,
            free(simulation.crystal, positions=modes),
            radiation=Radiation(simulation.radiation.probe),
        )
        self.seed = simulation.seed
        first = simulation.draw(range(min(_FIRST_SAMPLES, samples)))
        true = np.abs(first.f)
        self.expected = true.mean(axis=0, dtype=np.float64)
        least_spread = _LEAST_SPREAD * float(self.expected.mean())
        self.error = true.std(axis=0, dtype=np.float64) + least_spread

        reflections = len(self._squares)
        self.amplitude = np.empty((samples, reflections), np.float32)
        self.p = np.empty((samples, len(modes)))
        self.r_known = np.empty(samples)
        self.moved = np.empty(samples)
        for rows, drawn in self._groups(range(samples)):
            self.amplitude[rows] = self._on_absolute_scale(drawn)
            self.p[rows] = self._model.from_displacements(drawn.displacement)
            self.r_known[rows] = self._r_known(drawn)
            self.moved[rows] = np.maximum(drawn.rms(), _LEAST_DISPLACEMENT)
            report(rows.stop)

    def more(self, numbers: range) -> tuple[NDArray[np.float32], FloatArray]:
        """Draw samples of other numbers: amplitudes (j, m) and factors of the modes (j, k)."""
        samples = len(numbers)
        amplitude = np.empty((samples, self.amplitude.shape[1]), np.float32)
        p = np.empty((samples, self.p.shape[1]))
        for rows, drawn in self._groups(numbers):
            amplitude[rows] = self._on_absolute_scale(drawn)
            p[rows] = self._model.from_displacements(drawn.displacement)
        return amplitude, p

    def _groups(self, numbers: range) -> Iterator[tuple[slice, Samples]]:
        """Draw samples in groups that fit into memory, each with its rows among all of them."""
        for first in range(0, len(numbers), _TOGETHER):
            rows = slice(first, min(first + _TOGETHER, len(numbers)))
            yield rows, self._simulation.draw(numbers[rows])

    def _on_absolute_scale(self, drawn: Samples) -> FloatArray:
        """Take the scale and the overall B out of measured amplitudes."""
        squares = self._squares
        weight = self.error**-2.0
        scale, b = fit_scale(drawn.amplitude, self.expected, squares, weight)
        factor = damped(np.ones_like(squares), scale, b, squares)
        return np.asarray(drawn.amplitude / factor)

    def _r_known(self, drawn: Samples) -> FloatArray:
        """Calculate R (j,) of samples against the known crystal, scale and overall B fitted."""
        known = np.abs(self._simulation.f0)
        scale, b = fit_scale(drawn.amplitude, known, self._squares)
        scaled = damped(known, scale, b, self._squares)
        return disagreement(drawn.amplitude, scaled)
