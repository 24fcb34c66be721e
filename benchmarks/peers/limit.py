"""No peer but a bound: the arithmetic of the workload at the rate of a large matrix product in the same run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from contender import Contender, Run
from goals import Goal
from peers.common import BOTH

EDGE = 1024
FLOPS = 2.0 * EDGE**3


def product(precision: str) -> Run:
    """A matrix product of 2 x 1024^3 flops into a reused tensor."""
    torch = pytest.importorskip("torch")
    dtype = getattr(torch, precision)
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand((EDGE, EDGE), dtype=dtype, generator=generator) for _ in range(2))
    out = torch.empty_like(a)
    return lambda: torch.mm(a, b, out=out)


def arithmetic_limit(goal: Mapping[str, Goal]) -> Contender:
    """`flops` of the workload at the rate of that product."""
    return Contender(
        "the arithmetic limit",
        "no peer: the least flops of the workload at the rate of a matrix product of edge 1024",
        prepare=_product,
        tolerance=BOTH,
        goal=goal,
        part=lambda work: work.flops / FLOPS,
        answers=False,
    )


def _product(work: Any, precision: str) -> Run:
    return product(precision)
