"""Benchmark W4: compact boxes of hkl to electron densities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argand
from contender import Contender, Run, clock, contends, entries, race
from core_calls import boxes_to_maps_call
from peers.boxes import PEERS, boxes_as
from workloads import Boxes

TOLERANCE = {"float64": 1e-13, "float32": 2e-6}


@contends("argand, the core", "written into a reused array: the yardstick", tolerance=TOLERANCE)
def core(work: Boxes, precision: str) -> Run:
    """Prepare the call of argand's core."""
    boxes = boxes_as(work.f, precision)
    maps = np.empty((len(boxes), *work.shape), precision)
    return boxes_to_maps_call(boxes, maps, work.volume)


@contends("argand.torch.map_from_structure_factors", "a fresh tensor out", tolerance=TOLERANCE)
def torch_operator(work: Boxes, precision: str) -> Run:
    """Prepare the call of argand's torch operator."""
    torch = pytest.importorskip("torch")
    from argand.torch import map_from_structure_factors

    boxes = torch.from_numpy(boxes_as(work.f, precision))
    volume = work.volume
    return lambda: map_from_structure_factors(boxes, work.shape, volume)


@contends(
    "argand.map_from_structure_factors",
    "one list of hkl and F after the other",
    tolerance=TOLERANCE,
)
def from_lists(work: Boxes, precision: str) -> Run:
    """Prepare the calls for lists of reflections."""
    hkl = argand.hkl_cube(work.reach)
    lists = boxes_as(work.f, precision).reshape(len(work.f), -1)
    maps = np.empty((len(lists), *work.shape), precision)

    def run() -> Any:
        for f, rho in zip(lists, maps, strict=True):
            argand.map_from_structure_factors(hkl, f, work.shape, cell=work.cell, out=rho)
        return maps

    return run


@pytest.fixture(scope="module", params=[32, 64], ids=["32", "64"])
def work(request: pytest.FixtureRequest) -> Boxes:
    """Make the workload with maps of 32^3 or 64^3 points."""
    return Boxes.make(request.param)


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(
    ("contender", "precision"), entries(core, torch_operator, from_lists, *PEERS)
)
def test_w4(benchmark: Any, work: Boxes, contender: Contender, precision: str) -> None:
    """Check and time one contender."""
    race(benchmark, work, contender, precision, pace=core)
