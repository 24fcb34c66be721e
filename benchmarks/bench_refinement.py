"""Benchmark W5: value and gradient of a least-squares loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bench_molecule
from argand.cell import beta_from_b_iso
from contender import Contender, Run, clock, contends, entries, race
from core_calls import adjoint_call, empty_output, packed, sum_call
from goals import within
from peers.refinement import PEERS, backward
from precisions import torch_real
from workloads import LossGradient
from workloads.refinement import Gradient

TOLERANCE = {"float64": 1e-12, "float32": 1e-3}


@contends(
    "argand, the core",
    "F, the loss in numpy, and the adjoint, every array used again: the yardstick",
    tolerance=TOLERANCE,
)
def core(work: LossGradient, precision: str) -> Run:
    """Prepare the calls of argand's core around a loss in numpy."""
    molecule = work.molecule
    batch = packed([molecule.crystal], molecule.hkl, precision)
    f = empty_output(batch, precision)
    by_f = np.empty_like(f)
    f_obs = work.f_obs.astype(precision)
    by_frac = np.empty_like(batch.frac)
    by_beta = np.empty_like(batch.beta)
    beta_of_one_b = beta_from_b_iso(np.ones(1), molecule.cell)[0].astype(precision)
    forward_call = sum_call(batch, f)
    backward_call = adjoint_call(batch, by_f, by_frac, by_beta)

    def run() -> Gradient:
        forward_call()
        amplitude = np.abs(f)
        residual = amplitude - f_obs
        np.multiply(2 * residual / amplitude, f, out=by_f)
        backward_call()
        return Gradient(float(np.vdot(residual, residual)), by_frac, by_beta @ beta_of_one_b)

    return run


@contends(
    "argand.torch.structure_factors",
    "torch's autograd around the loss and argand's adjoint",
    tolerance=TOLERANCE,
)
def torch_operator(work: LossGradient, precision: str) -> Run:
    """Prepare the loss by argand's torch operator, and its backward pass."""
    torch = pytest.importorskip("torch")
    from argand.torch import beta_from_b_iso as torch_beta
    from argand.torch import structure_factors, tensors

    molecule = work.molecule
    real = torch_real(precision)
    arguments = tensors(molecule.crystal, molecule.hkl, dtype=real)
    del arguments["beta"]
    frac = arguments.pop("frac")
    b_iso = torch.tensor(molecule.b_iso, dtype=real)

    def f() -> Any:
        return structure_factors(frac, **arguments, beta=torch_beta(b_iso, molecule.cell))

    return backward(work, precision, (frac, b_iso), f)


@contends(
    "argand, forward only",
    "no gradient: F alone",
    tolerance=TOLERANCE,
    goal={"float64": within(3.5)},
    answers=False,
)
def forward(work: LossGradient, precision: str) -> Run:
    """Prepare the sum alone."""
    return bench_molecule.core.prepare(work.molecule, precision)


@pytest.fixture(scope="module")
def work() -> LossGradient:
    """Make the workload."""
    return LossGradient.make()


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("contender", "precision"), entries(core, torch_operator, forward, *PEERS))
def test_w5(benchmark: Any, work: LossGradient, contender: Contender, precision: str) -> None:
    """Check and time one contender."""
    race(benchmark, work, contender, precision, pace=core)
