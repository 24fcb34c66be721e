"""Benchmark W1: structure factors of many small crystals on one cube of hkl."""

from __future__ import annotations

from typing import Any

import pytest

import argand
from contender import Contender, Run, clock, contends, entries, race
from core_calls import core_sum, torch_sum
from peers.small_crystals import PEERS
from precisions import COMPLEX
from workloads import SmallCrystals

TOLERANCE = {"float64": 1e-13, "float32": 2e-6}


@contends(
    "argand, the core",
    "packed batch in, written into a reused array: the yardstick",
    tolerance=TOLERANCE,
)
def core(work: SmallCrystals, precision: str) -> Run:
    """Prepare the call of argand's core."""
    return core_sum(work.crystals, work.hkl, precision)


@contends("argand.torch.structure_factors", "tensors in, a fresh tensor out", tolerance=TOLERANCE)
def torch_operator(work: SmallCrystals, precision: str) -> Run:
    """Prepare the call of argand's torch operator."""
    return torch_sum(work.crystals, work.hkl, precision)


@contends(
    "argand.structure_factors",
    "checks, packs and looks form factors up for Crystal objects",
    tolerance=TOLERANCE,
)
def from_crystals(work: SmallCrystals, precision: str) -> Run:
    """Prepare the call for Crystal objects."""
    dtype = COMPLEX[precision]
    return lambda: argand.structure_factors(work.crystals, work.hkl, dtype=dtype)


@pytest.fixture(scope="module")
def work() -> SmallCrystals:
    """Make the workload."""
    return SmallCrystals.make()


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(
    ("contender", "precision"), entries(core, torch_operator, from_crystals, *PEERS)
)
def test_w1(benchmark: Any, work: SmallCrystals, contender: Contender, precision: str) -> None:
    """Check and time one contender."""
    race(benchmark, work, contender, precision, pace=core)
