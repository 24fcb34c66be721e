"""W1: structure factors of many small crystals on one cube of hkl."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argand
from argand import _seam
from argand._pack import pack
from contender import Contender, Run, clock, contends, entries, race
from peers.common import COMPLEX
from peers.small_crystals import PEERS
from workloads import SmallCrystals

TOLERANCE = {"float64": 1e-13, "float32": 2e-6}


@contends(
    "argand, the core",
    "packed batch in, written into a reused array: the yardstick",
    tolerance=TOLERANCE,
)
def core(work: SmallCrystals, precision: str) -> Run:
    batch = pack(work.crystals, [work.hkl], dtype=precision)
    out = np.empty(batch.out_shape, COMPLEX[precision])

    def run() -> Any:
        _seam.structure_factors(batch, out)
        return out

    return run


@contends("argand.torch.structure_factors", "tensors in, a fresh tensor out", tolerance=TOLERANCE)
def torch_operator(work: SmallCrystals, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    from argand.torch import structure_factors, tensors

    arguments = tensors(work.crystals, work.hkl, dtype=getattr(torch, precision))
    return lambda: structure_factors(**arguments)


@contends(
    "argand.structure_factors",
    "checks, packs and looks form factors up for Crystal objects",
    tolerance=TOLERANCE,
)
def from_crystals(work: SmallCrystals, precision: str) -> Run:
    return lambda: argand.structure_factors(work.crystals, work.hkl, dtype=COMPLEX[precision])


@pytest.fixture(scope="module")
def work() -> SmallCrystals:
    return SmallCrystals.make()


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(
    ("contender", "precision"), entries(core, torch_operator, from_crystals, *PEERS)
)
def test_w1(benchmark: Any, work: SmallCrystals, contender: Contender, precision: str) -> None:
    race(benchmark, work, contender, precision, pace=core)
