"""One tiny crystal in one call: what a call costs besides its sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argand
from argand import _seam
from argand._pack import pack
from contender import Contender, Run, clock, contends, entries, race
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
    return lambda: argand.structure_factors(work.crystal, work.hkl)


@contends(
    "argand.Crystal, argand.structure_factors",
    "numpy arrays in: the Crystal is made too",
    tolerance=TOLERANCE,
)
def from_arrays(work: OneCrystal, precision: str) -> Run:
    b_iso = np.full(4, work.b_iso)

    def run() -> Any:
        crystal = argand.Crystal(work.cell, types=work.types, frac=work.frac, b_iso=b_iso)
        return argand.structure_factors(crystal, work.hkl)

    return run


@contends("argand, the core", "packed batch in, written into a reused array", tolerance=TOLERANCE)
def core(work: OneCrystal, precision: str) -> Run:
    batch = pack([work.crystal], [work.hkl])
    out = np.empty(batch.out_shape, np.complex128)

    def run() -> Any:
        _seam.structure_factors(batch, out)
        return out

    return run


@contends("argand.torch.structure_factors", "tensors in, a fresh tensor out", tolerance=TOLERANCE)
def torch_operator(work: OneCrystal, precision: str) -> Run:
    pytest.importorskip("torch")
    from argand.torch import structure_factors, tensors

    arguments = tensors(work.crystal, work.hkl)
    return lambda: structure_factors(**arguments)


@pytest.fixture(scope="module")
def work() -> OneCrystal:
    return OneCrystal.make()


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(
    ("contender", "precision"), entries(from_crystal, from_arrays, core, torch_operator, *PEERS)
)
def test_one_call(benchmark: Any, work: OneCrystal, contender: Contender, precision: str) -> None:
    race(benchmark, work, contender, precision, pace=from_crystal)
