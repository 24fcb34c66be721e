"""A bound instead of a peer: the arithmetic of a workload at the rate of a large matrix product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from contender import Contender, Run
from goals import Goal
from peers.common import BOTH
from precisions import torch_real

# Edge of the square matrices.
EDGE = 1024
# Floating-point operations of their product.
FLOPS = 2.0 * EDGE**3


def product(precision: str) -> Run:
    """Prepare a product of two matrices of edge 1024 into a reused tensor."""
    torch = pytest.importorskip("torch")
    real = torch_real(precision)
    generator = torch.Generator().manual_seed(0)
    a = torch.rand((EDGE, EDGE), dtype=real, generator=generator)
    b = torch.rand((EDGE, EDGE), dtype=real, generator=generator)
    out = torch.empty_like(a)
    return lambda: torch.mm(a, b, out=out)


def arithmetic_limit(goal: Mapping[str, Goal]) -> Contender:
    """Make the contender that takes a workload's `flops` at the rate of a matrix product."""
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
