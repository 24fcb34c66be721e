"""Score an adaptation on samples that it has not learned from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.adapt.adaptation import Adaptation
from argand.adapt.training import simulation_of
from argand.cell import FloatArray
from argand.estimate.estimate import Estimate, EstimateOptions
from argand.estimate.observed import Observed
from argand.phases import map_correlation
from argand.simulate import Samples, Simulation

__all__ = [
    "SOLVED",
    "HeldOutScore",
    "as_measured",
    "correlations",
    "held_out",
    "true_structure_factors",
]

ComplexArray = NDArray[np.complex128]

#: A map that correlates so well with the true one shows every atom where it is
SOLVED = 0.97

# Seeds of learning are small numbers: this one is far from them.
_SEED = 7919

# Least standard uncertainty of |F|, as part of the mean |F|.
_LEAST_SIGMA = 0.005


@dataclass(frozen=True)
class HeldOutScore:
    """Hold medians over samples whose atoms have moved by `width` angstrom.

    Attributes
    ----------
    known, at_once, refined : correlation of the map with the true one, with the phases of the known
        structure, of the regression, and of the refinement
    solved : share of the samples whose refined map correlates better than `SOLVED`
    r_known, r : R of the known structure, and of the refined one
    ms : milliseconds to refine one data set
    """

    width: float
    samples: int
    known: float
    at_once: float
    refined: float
    solved: float
    r_known: float
    r: float
    ms: float


def held_out(
    adaptation: Adaptation, samples: int = 16, time_limit: float | None = None
) -> Iterator[HeldOutScore]:
    """Yield a score for every width that was learned.

    The search for the atoms of a sample takes at most `time_limit` seconds.
    """
    for number, rung in enumerate(adaptation.rungs):
        seed = adaptation.settings.seed + _SEED + number
        yield _score(adaptation, rung.width, samples, seed, EstimateOptions(time_limit))


def _score(
    adaptation: Adaptation, width: float, samples: int, seed: int, options: EstimateOptions
) -> HeldOutScore:
    """Score an adaptation on samples whose atoms have moved by `width` angstrom."""
    crystal = adaptation.crystal
    simulation = simulation_of(crystal, width, adaptation.settings, seed)
    drawn = simulation.draw(range(samples))
    observed = as_measured(simulation, drawn)
    true = true_structure_factors(simulation, drawn)

    at_once = adaptation.estimate(observed, refine=False)
    start = time.perf_counter()
    refined = adaptation.estimate(observed, refine=True, options=options)
    ms = (time.perf_counter() - start) / samples * 1e3

    known_f = np.broadcast_to(simulation.f0, true.shape)
    known_cc = correlations(observed, known_f, true, crystal.spacegroup)
    at_once_cc = correlations(observed, _f(at_once), true, crystal.spacegroup)
    refined_cc = correlations(observed, _f(refined), true, crystal.spacegroup)
    return HeldOutScore(
        width=width,
        samples=samples,
        known=float(np.median(known_cc)),
        at_once=float(np.median(at_once_cc)),
        refined=float(np.median(refined_cc)),
        solved=float((refined_cc > SOLVED).mean()),
        r_known=float(np.median([estimate.r_known for estimate in refined])),
        r=float(np.median([estimate.r for estimate in refined])),
        ms=ms,
    )


def as_measured(simulation: Simulation, drawn: Samples) -> Observed:
    """Return |F| and sigmas of samples as they follow from measured intensities.

    No sigma is below a small part of the mean |F|. Reflections that are not measured are NaN.
    """
    amplitude = np.where(drawn.mask, drawn.amplitude, np.nan)
    least_sigma = _LEAST_SIGMA * np.nanmean(amplitude, axis=1, keepdims=True)
    weak = np.sqrt(np.maximum(drawn.sigma, 1e-30))
    sigma = drawn.sigma / np.maximum(2.0 * amplitude, weak)
    variance = np.square(sigma) + np.square(least_sigma)
    return Observed(simulation.hkl, amplitude, np.sqrt(variance))


def true_structure_factors(simulation: Simulation, drawn: Samples) -> ComplexArray:
    """Return the true F (b, m) of samples, with the change of B that was measured."""
    squares = np.square(simulation.stol)
    damping = np.exp(-drawn.b_change[:, None] * squares)
    return np.asarray(drawn.f * damping)


def correlations(
    observed: Observed, f: ComplexArray, true: ComplexArray, spacegroup: str
) -> FloatArray:
    """Correlate maps of measured |F| and the phases of f (b, m) with the true maps; (b,)."""
    measured = np.nan_to_num(observed.amplitude)
    phased = measured * np.exp(1j * np.angle(f))
    correlation = []
    for row in range(len(true)):
        cc = map_correlation(observed.hkl, phased[row], true[row], spacegroup)
        correlation.append(cc)
    return np.array(correlation)


def _f(estimates: list[Estimate]) -> ComplexArray:
    """Return F (b, m) of estimates on one list of reflections."""
    return np.array([estimate.f for estimate in estimates])
