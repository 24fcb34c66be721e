"""W5: value and gradient of a least-squares loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argand
import bench_molecule
from argand import _seam
from argand._pack import pack
from contender import Contender, Run, clock, contends, entries, race
from goals import within
from peers.common import COMPLEX
from peers.refinement import PEERS, backward
from workloads import Refinement
from workloads.refinement import Gradient

TOLERANCE = {"float64": 1e-12, "float32": 1e-3}


@contends(
    "argand, the core",
    "F, the loss in numpy, and the adjoint, every array used again: the yardstick",
    tolerance=TOLERANCE,
)
def core(work: Refinement, precision: str) -> Run:
    batch = pack([work.molecule.crystal], [work.molecule.hkl], dtype=precision)
    f = np.empty(batch.out_shape, COMPLEX[precision])
    g, f_obs = np.empty_like(f), work.f_obs.astype(precision)
    by_frac, by_beta = np.empty_like(batch.frac), np.empty_like(batch.beta)
    beta_of_b = argand.cell.beta_from_b_iso(np.ones(1), work.molecule.cell)[0].astype(precision)

    def run() -> Gradient:
        _seam.structure_factors(batch, f)
        amplitude = np.abs(f)
        residual = amplitude - f_obs
        np.multiply(2 * residual / amplitude, f, out=g)
        _seam.structure_factors_vjp(batch, g, by_frac, by_beta, None)
        return Gradient(float(np.vdot(residual, residual)), by_frac, by_beta @ beta_of_b)

    return run


@contends(
    "argand.torch.structure_factors",
    "torch's autograd around the loss and argand's adjoint",
    tolerance=TOLERANCE,
)
def torch_operator(work: Refinement, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    from argand.torch import beta_from_b_iso, structure_factors, tensors

    molecule = work.molecule
    arguments = tensors(molecule.crystal, molecule.hkl, dtype=getattr(torch, precision))
    del arguments["beta"]
    frac, b_iso = (
        arguments.pop("frac"),
        torch.tensor(molecule.b_iso, dtype=getattr(torch, precision)),
    )

    def f() -> Any:
        return structure_factors(frac, **arguments, beta=beta_from_b_iso(b_iso, molecule.cell))

    return backward(work, precision, (frac, b_iso), f)


@contends(
    "argand, forward only",
    "no gradient: F alone",
    tolerance=TOLERANCE,
    goal={"float64": within(3.5)},
    answers=False,
)
def forward(work: Refinement, precision: str) -> Run:
    return bench_molecule.core.prepare(work.molecule, precision)


@pytest.fixture(scope="module")
def work() -> Refinement:
    return Refinement.make()


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("contender", "precision"), entries(core, torch_operator, forward, *PEERS))
def test_w5(benchmark: Any, work: Refinement, contender: Contender, precision: str) -> None:
    race(benchmark, work, contender, precision, pace=core)
