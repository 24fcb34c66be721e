"""Peers for one tiny crystal: those with the least to do in a call."""

from __future__ import annotations

from typing import Any

import numpy as np

from contender import Contender, Run, contends
from peers.common import EXACT
from peers.gemmi_structure import small_structure, structure_factors_call
from workloads import OneCrystal
from workloads.common import six_products


@contends(
    "numpy, dense",
    "form factors given: one exponential of every atom and reflection",
    tolerance=EXACT,
)
def numpy_dense(work: OneCrystal, precision: str) -> Run:
    """Prepare a dense sum in numpy."""
    hkl = work.hkl.T.astype(np.float64)
    squares = np.stack(six_products(*hkl))

    def run() -> Any:
        exponent = 2j * np.pi * (work.frac @ hkl) - work.beta @ squares
        return (work.f0 * np.exp(exponent)).sum(axis=0)

    return run


@contends(
    "gemmi", "one reflection a Python call, form factors anew in each", tolerance={"float64": 2e-7}
)
def gemmi_calculator(work: OneCrystal, precision: str) -> Run:
    """Prepare gemmi's sum."""
    u_iso = np.full(len(work.types), work.b_iso / (8 * np.pi**2))
    structure = small_structure(work.cell, work.types, work.frac, u_iso)
    return structure_factors_call([structure], work.hkl)


PEERS: tuple[Contender, ...] = (numpy_dense, gemmi_calculator)
