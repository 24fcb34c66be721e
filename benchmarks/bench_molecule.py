"""Benchmark W2: structure factors of one small molecule in a triclinic cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import argand
from contender import Contender, Run, clock, contends, entries, race
from core_calls import core_sum, torch_sum
from goals import faster
from peers.molecule import GIVEN, cctbx_direct, gemmi_calculator, torch_dense, torch_dense_in_place
from precisions import COMPLEX
from workloads import Molecule

TOLERANCE = {"float64": 1e-13, "float32": 5e-6}


@contends(
    "argand, the core",
    "packed batch in, written into a reused array: the yardstick",
    tolerance=TOLERANCE,
)
def core(work: Molecule, precision: str) -> Run:
    """Prepare the call of argand's core."""
    return core_sum([work.crystal], work.hkl, precision)


@contends("argand.torch.structure_factors", "tensors in, a fresh tensor out", tolerance=TOLERANCE)
def torch_operator(work: Molecule, precision: str) -> Run:
    """Prepare the call of argand's torch operator."""
    return torch_sum(work.crystal, work.hkl, precision)


@contends(
    "argand.structure_factors", "a Crystal and hkl in, form factors anew", tolerance=TOLERANCE
)
def from_crystal(work: Molecule, precision: str) -> Run:
    """Prepare the call for a Crystal object."""
    dtype = COMPLEX[precision]
    return lambda: argand.structure_factors(work.crystal, work.hkl, dtype=dtype)


# Contenders that calculate form factors in every call.
ANEW = (
    from_crystal,
    replace(torch_dense, goal={"float64": faster(8)}),
    torch_dense_in_place,
    replace(cctbx_direct, goal={}),
    replace(gemmi_calculator, goal={}),
)


@pytest.fixture(params=[False, True], ids=["isotropic", "anisotropic"])
def anisotropic(request: pytest.FixtureRequest) -> bool:
    """Say whether displacements are anisotropic."""
    return bool(request.param)


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("contender", "precision"), entries(core, torch_operator, *GIVEN))
def test_w2(benchmark: Any, anisotropic: bool, contender: Contender, precision: str) -> None:
    """Check and time one contender that is given the form factors."""
    race(benchmark, Molecule.make(anisotropic), contender, precision, pace=core)


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("contender", "precision"), entries(*ANEW))
def test_w2_form_factors_anew(
    benchmark: Any, anisotropic: bool, contender: Contender, precision: str
) -> None:
    """Check and time one contender that calculates form factors in every call."""
    work = Molecule.make(anisotropic, form_given=False)
    race(benchmark, work, contender, precision, pace=from_crystal)
