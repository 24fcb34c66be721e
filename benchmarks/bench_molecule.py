"""W2: structure factors of one small molecule in a triclinic cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import argand
from argand import _seam
from argand._pack import pack
from contender import Contender, Run, clock, contends, entries, race
from goals import faster
from peers.common import COMPLEX
from peers.molecule import GIVEN, cctbx_direct, gemmi_calculator, torch_dense, torch_dense_in_place
from workloads import Molecule

TOLERANCE = {"float64": 1e-13, "float32": 5e-6}


@contends(
    "argand, the core",
    "packed batch in, written into a reused array: the yardstick",
    tolerance=TOLERANCE,
)
def core(work: Molecule, precision: str) -> Run:
    batch = pack([work.crystal], [work.hkl], dtype=precision)
    out = np.empty(batch.out_shape, COMPLEX[precision])

    def run() -> Any:
        _seam.structure_factors(batch, out)
        return out

    return run


@contends("argand.torch.structure_factors", "tensors in, a fresh tensor out", tolerance=TOLERANCE)
def torch_operator(work: Molecule, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    from argand.torch import structure_factors, tensors

    arguments = tensors(work.crystal, work.hkl, dtype=getattr(torch, precision))
    return lambda: structure_factors(**arguments)


@contends(
    "argand.structure_factors", "a Crystal and hkl in, form factors anew", tolerance=TOLERANCE
)
def from_crystal(work: Molecule, precision: str) -> Run:
    return lambda: argand.structure_factors(work.crystal, work.hkl, dtype=COMPLEX[precision])


# whoever looks form factors up in every call
ANEW = (
    from_crystal,
    replace(torch_dense, goal={"float64": faster(8)}),
    torch_dense_in_place,
    replace(cctbx_direct, goal={}),
    replace(gemmi_calculator, goal={}),
)


@pytest.fixture(params=[False, True], ids=["isotropic", "anisotropic"])
def anisotropic(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("contender", "precision"), entries(core, torch_operator, *GIVEN))
def test_w2(benchmark: Any, anisotropic: bool, contender: Contender, precision: str) -> None:
    race(benchmark, Molecule.make(anisotropic), contender, precision, pace=core)


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("contender", "precision"), entries(*ANEW))
def test_w2_form_factors_anew(
    benchmark: Any, anisotropic: bool, contender: Contender, precision: str
) -> None:
    race(
        benchmark, Molecule.make(anisotropic, given=False), contender, precision, pace=from_crystal
    )
