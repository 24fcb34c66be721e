"""Benchmark W3: structure factors of a protein's worth of atoms in a large cell."""

from __future__ import annotations

from typing import Any

import pytest

import argand
from contender import Contender, Run, clock, contends, entries, race
from peers.protein import peers_at
from workloads import Protein

# Accuracy that is asked of the non-uniform FFT, as a share of the largest |F|.
EPS = 1e-6
# Resolutions in angstrom.
D_MIN = (2.0, 1.2)


@contends(
    'argand, method="nufft"',
    f"a Crystal and hkl in, eps {EPS:.0e}: the yardstick",
    tolerance={"float64": 2 * EPS},
)
def nufft(work: Protein, precision: str) -> Run:
    """Prepare the sum by non-uniform FFT."""
    return lambda: argand.structure_factors(work.crystal, work.hkl, method="nufft", eps=EPS)


@contends('argand, method="direct"', "the sum over atoms, exact", tolerance={"float64": 1e-12})
def direct(work: Protein, precision: str) -> Run:
    """Prepare the direct sum."""
    return lambda: argand.structure_factors(work.crystal, work.hkl, method="direct")


def at_each_resolution() -> list[Any]:
    """List every contender at every resolution."""
    parameters = []
    for d_min in D_MIN:
        for entry in entries(nufft, direct, *peers_at(d_min)):
            parameters.append(pytest.param(d_min, *entry.values, id=f"{d_min}-{entry.id}"))
    return parameters


@pytest.fixture(scope="module")
def proteins() -> dict[float, Protein]:
    """Make the workload at each resolution."""
    return {d_min: Protein.make(d_min) for d_min in D_MIN}


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("d_min", "contender", "precision"), at_each_resolution())
def test_w3(
    benchmark: Any,
    proteins: dict[float, Protein],
    d_min: float,
    contender: Contender,
    precision: str,
) -> None:
    """Check and time one contender."""
    race(benchmark, proteins[d_min], contender, precision, pace=nufft)
