"""W4: compact boxes of hkl to electron densities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argand
from argand import _seam
from contender import Contender, Run, clock, contends, entries, race
from peers.boxes import PEERS, boxes_as
from workloads import Boxes

TOLERANCE = {"float64": 1e-13, "float32": 2e-6}


@contends("argand, the core", "written into a reused array: the yardstick", tolerance=TOLERANCE)
def core(work: Boxes, precision: str) -> Run:
    f, scale = boxes_as(work.f, precision), 1 / work.volume
    rho = np.empty((len(f), *work.shape), precision)

    def run() -> Any:
        _seam.map_from_structure_factors(f, rho, scale)
        return rho

    return run


@contends("argand.torch.map_from_structure_factors", "a fresh tensor out", tolerance=TOLERANCE)
def torch_operator(work: Boxes, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    from argand.torch import map_from_structure_factors

    f, volume = torch.from_numpy(boxes_as(work.f, precision)), work.volume
    return lambda: map_from_structure_factors(f, work.shape, volume)


@contends(
    "argand.map_from_structure_factors",
    "one list of hkl and F after the other",
    tolerance=TOLERANCE,
)
def from_lists(work: Boxes, precision: str) -> Run:
    hkl, f = argand.hkl_cube(work.reach), boxes_as(work.f, precision).reshape(len(work.f), -1)
    maps = np.empty((len(f), *work.shape), precision)

    def run() -> Any:
        for one, rho in zip(f, maps, strict=True):
            argand.map_from_structure_factors(hkl, one, work.shape, cell=work.cell, out=rho)
        return maps

    return run


@pytest.fixture(scope="module", params=[32, 64], ids=["32", "64"])
def work(request: pytest.FixtureRequest) -> Boxes:
    return Boxes.make(request.param)


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(
    ("contender", "precision"), entries(core, torch_operator, from_lists, *PEERS)
)
def test_w4(benchmark: Any, work: Boxes, contender: Contender, precision: str) -> None:
    race(benchmark, work, contender, precision, pace=core)
