"""Benchmark one tiny crystal in one call: what a call costs besides its sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argand
from contender import Contender, Run, clock, contends, entries, race
from core_calls import core_sum, torch_sum
from goals import microseconds
from peers.one_call import PEERS
from workloads import OneCrystal

TOLERANCE = {"float64": 1e-13}


@contends(
    "argand.structure_factors",
    "a Crystal and hkl in, a fresh array out: the yardstick",
    tolerance=TOLERANCE,
    goal={"float64": microseconds(30)},
)
def from_crystal(work: OneCrystal, precision: str) -> Run:
    """Prepare the call for a Crystal object."""
    return lambda: argand.structure_factors(work.crystal, work.hkl)


@contends(
    "argand.Crystal, argand.structure_factors",
    "numpy arrays in: the Crystal is made too",
    tolerance=TOLERANCE,
)
def from_arrays(work: OneCrystal, precision: str) -> Run:
    """Prepare the calls that make a Crystal of arrays and sum it."""
    b_iso = np.full(len(work.types), work.b_iso)

    def run() -> Any:
        crystal = argand.Crystal(work.cell, types=work.types, frac=work.frac, b_iso=b_iso)
        return argand.structure_factors(crystal, work.hkl)

    return run


@contends("argand, the core", "packed batch in, written into a reused array", tolerance=TOLERANCE)
def core(work: OneCrystal, precision: str) -> Run:
    """Prepare the call of argand's core."""
    return core_sum([work.crystal], work.hkl)


@contends("argand.torch.structure_factors", "tensors in, a fresh tensor out", tolerance=TOLERANCE)
def torch_operator(work: OneCrystal, precision: str) -> Run:
    """Prepare the call of argand's torch operator."""
    return torch_sum(work.crystal, work.hkl)


@pytest.fixture(scope="module")
def work() -> OneCrystal:
    """Make the workload."""
    return OneCrystal.make()


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(
    ("contender", "precision"), entries(from_crystal, from_arrays, core, torch_operator, *PEERS)
)
def test_one_call(benchmark: Any, work: OneCrystal, contender: Contender, precision: str) -> None:
    """Check and time one contender."""
    race(benchmark, work, contender, precision, pace=from_crystal)
