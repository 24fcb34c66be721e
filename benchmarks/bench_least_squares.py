"""Benchmark W6: a cycle of full-matrix least squares on F^2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from argand.refine import Model, free, refine
from contender import Contender, Run, clock, contends, entries, race
from peers.smtbx_refinement import AGREES, PEERS
from workloads import LeastSquares
from workloads.least_squares import Cycle


@contends(
    "argand.refine.refine",
    "one cycle of Gauss and Newton, and chi^2 after it: the yardstick",
    tolerance=AGREES,
)
def core(work: LeastSquares, precision: str) -> Run:
    """Prepare one cycle for a model of the crystal."""
    crystal = work.crystal
    model = Model(crystal, work.hkl, free(crystal, displacement=True))
    intensity, sigma = work.observations
    # Positions of all sites come before their U.
    by_kind = np.concatenate(
        [np.arange(192).reshape(64, 3), 192 + np.arange(384).reshape(64, 6)], 1
    )

    def run() -> Cycle:
        result = refine(model, intensity, sigma, cycles=1, damping=1e-6, uncertainties=False)
        return Cycle(result.p[0][by_kind], figures)

    def figures() -> tuple[float, Any]:
        start = refine(model, intensity, sigma, cycles=0)
        return float(start.figures.r1[0]), start.sigma[0][by_kind]

    return run


@pytest.fixture(scope="module")
def work() -> LeastSquares:
    """Make the workload."""
    return LeastSquares.make()


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("contender", "precision"), entries(core, *PEERS))
def test_w6(benchmark: Any, work: LeastSquares, contender: Contender, precision: str) -> None:
    """Check and time one contender."""
    race(benchmark, work, contender, precision, pace=core)
