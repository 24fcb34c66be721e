"""What an adaptation reaches on samples that it has not learned from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.adapt.adaptation import Adaptation
from argand.adapt.training import simulation_of
from argand.cell import FloatArray
from argand.estimate.observed import Observed
from argand.phases import map_correlation
from argand.simulate import Samples, Simulation

__all__ = ["SOLVED", "Score", "as_measured", "correlations", "held_out", "true_structure_factors"]

ComplexArray = NDArray[np.complex128]

_SEED = 7919  # away from those that are learned from


@dataclass(frozen=True)
class Score:
    """Medians over samples whose atoms have moved by `width`: correlation of the map, R, milliseconds."""

    width: float
    samples: int
    known: float
    at_once: float
    refined: float
    solved: float  # share whose refined map correlates better than `SOLVED`
    r_known: float
    r: float
    ms: float  # a data set, refined


#: A map that correlates so well with the truth shows every atom where it is
SOLVED = 0.97


def held_out(made: Adaptation, samples: int = 16) -> Iterator[Score]:
    """A score for every width that was learned."""
    for number, rung in enumerate(made.rungs):
        seed = int(made.about["seed"]) + _SEED + number
        simulation = simulation_of(made.crystal, rung.width, made.about, seed, made.radiation)
        drawn = simulation.draw(range(samples))
        seen, true = as_measured(simulation, drawn), true_structure_factors(simulation, drawn)
        quick = made.estimate(seen, refine=False)
        begun = time.perf_counter()
        refined = made.estimate(seen, refine=True)
        ms = (time.perf_counter() - begun) / samples * 1e3
        known = np.broadcast_to(simulation.f0, true.shape)
        group = made.crystal.spacegroup
        before, at_once, after = (
            correlations(seen, f, true, group)
            for f in (
                known,
                np.array([one.f for one in quick]),
                np.array([one.f for one in refined]),
            )
        )
        yield Score(
            width=rung.width,
            samples=samples,
            known=float(np.median(before)),
            at_once=float(np.median(at_once)),
            refined=float(np.median(after)),
            solved=float((after > SOLVED).mean()),
            r_known=float(np.median([one.r_known for one in refined])),
            r=float(np.median([one.r for one in refined])),
            ms=ms,
        )


def as_measured(simulation: Simulation, drawn: Samples) -> Observed:
    """Amplitudes and their errors as one has them: those of intensities, and a part of the mean below which none is."""
    amplitude = np.where(drawn.mask, drawn.amplitude, np.nan)
    floor = 0.005 * np.nanmean(amplitude, axis=1, keepdims=True)
    sigma = drawn.sigma / np.maximum(2.0 * amplitude, np.sqrt(np.maximum(drawn.sigma, 1e-30)))
    return Observed(simulation.hkl, amplitude, np.sqrt(np.square(sigma) + np.square(floor)))


def true_structure_factors(simulation: Simulation, drawn: Samples) -> ComplexArray:
    """F (b, m) with the change of B that was measured."""
    return np.asarray(drawn.f * np.exp(-drawn.b_change[:, None] * np.square(simulation.stol)))


def correlations(
    seen: Observed, f: ComplexArray, true: ComplexArray, spacegroup: str
) -> FloatArray:
    """Of maps made of measured amplitudes and the phases of f with the true ones, (b,)."""
    pairs = zip(np.nan_to_num(seen.amplitude), np.angle(f), true, strict=True)
    return np.array(
        [map_correlation(seen.hkl, a * np.exp(1j * phase), t, spacegroup) for a, phase, t in pairs]
    )
