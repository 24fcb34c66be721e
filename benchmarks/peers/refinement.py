"""Peers of W5: value and gradient of a least-squares loss; form factors are given but to cctbx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from contender import Contender, Run, contends
from goals import faster
from peers.common import peer
from peers.limit import arithmetic_limit
from peers.molecule import TWO_PI, Terms, cctbx_objects, sfc_arguments
from precisions import torch_real
from workloads import LossGradient
from workloads.refinement import Gradient

# The noise in F_obs is a tenth of it: the difference |F| - F_obs loses a digit.
BOTH = {"float64": 1e-12, "float32": 1e-3}


def backward(
    work: LossGradient, precision: str, variables: tuple[Any, Any], f: Callable[[], Any]
) -> Run:
    """Prepare the loss and its gradient by torch's autograd.

    Parameters
    ----------
    work, precision
        The workload and "float32" or "float64".
    variables
        Tensors of coordinates (atoms, 3) and of B (atoms,).
    f
        Function that calculates complex F (m,) from them.
    """
    torch = pytest.importorskip("torch")
    f_obs = torch.tensor(work.f_obs, dtype=torch_real(precision))
    frac, b_iso = (tensor.requires_grad_() for tensor in variables)

    def run() -> Gradient:
        frac.grad = None
        b_iso.grad = None
        loss = (f().abs() - f_obs).square().sum()
        loss.backward()
        return Gradient(loss.item(), frac.grad, b_iso.grad)

    return run


@contends(
    "torch autograd, dense",
    "as one would write it: a cosine and a sine of every atom and reflection",
    tolerance=BOTH,
    goal={"float64": faster(15)},
)
def torch_autograd(work: LossGradient, precision: str) -> Run:
    """Prepare a dense sum and its backward pass in torch."""
    terms = Terms(work.molecule, precision)
    torch = terms.torch
    b_iso = -terms.displacement[:, 0]

    def f() -> Any:
        weight = terms.form * torch.exp(-b_iso[:, None] * terms.stol2)
        angle = terms.angles()
        real = (weight * torch.cos(angle)).sum(0)
        imaginary = (weight * torch.sin(angle)).sum(0)
        return torch.complex(real, imaginary)

    return backward(work, precision, (terms.frac, b_iso), f)


@contends(
    "torch, adjoint by hand",
    "no autograd: the derivatives as four matrix products, buffers used again",
    tolerance=BOTH,
    goal={"float64": faster(8)},
)
def torch_by_hand(work: LossGradient, precision: str) -> Run:
    """Prepare a dense sum and its derivatives as matrix products in torch."""
    terms = Terms(work.molecule, precision)
    torch = terms.torch
    f_obs = torch.tensor(work.f_obs, dtype=terms.stol2.dtype)
    # (m, 3) and (m,): derivatives of the phase by coordinates, and of the exponent by B.
    by_position = (-TWO_PI * terms.hkl).T.contiguous()
    by_b_iso = -terms.stol2

    @torch.inference_mode()
    def run() -> Gradient:
        weight = terms.weights()
        angle = terms.angles()
        cosine = torch.cos(angle).mul_(weight)
        sine = angle.sin_().mul_(weight)
        real = cosine.sum(0)
        imaginary = sine.sum(0)
        amplitude = torch.sqrt(real * real + imaginary * imaginary)
        residual = amplitude - f_obs
        slope = 2 * residual / amplitude
        by_real = slope * real
        by_imaginary = slope * imaginary
        from_sine = sine @ (by_real[:, None] * by_position)
        from_cosine = cosine @ (by_imaginary[:, None] * by_position)
        by_b = cosine @ (by_real * by_b_iso) + sine @ (by_imaginary * by_b_iso)
        loss = (residual * residual).sum().item()
        return Gradient(loss, from_sine - from_cosine, by_b)

    return run


@contends(
    "SFcalculator_torch", "autograd through F_protein, float32 only", tolerance={"float32": 1e-3}
)
def sfcalculator(work: LossGradient, precision: str) -> Run:
    """Prepare SFcalculator_torch's sum and its backward pass."""
    f_protein = peer("SFC_Torch.Fmodel").F_protein
    arguments = sfc_arguments(work.molecule)
    frac, b_iso = arguments[6:8]
    return backward(work, precision, (frac, b_iso), lambda: f_protein(*arguments))


@contends(
    "cctbx",
    "direct summation and gradients_direct, the loss in numpy, form factors anew",
    tolerance={"float64": 1e-4},
)
def cctbx_gradients(work: LossGradient, precision: str) -> Run:
    """Prepare cctbx's direct sum and its gradients."""
    structure, reflections = cctbx_objects(work.molecule)
    xray = peer("cctbx.xray")
    flex = peer("cctbx.array_family.flex")
    xray.set_scatterer_grad_flags(scatterers=structure.scatterers(), site=True, u_iso=True)
    factors = xray.structure_factors
    values = factors.from_scatterers(miller_set=reflections, cos_sin_table=False)
    gradients = factors.gradients(miller_set=reflections, cos_sin_table=False)

    def run() -> Gradient:
        f_calc = values(structure, reflections, algorithm="direct").f_calc()
        f = f_calc.data().as_numpy_array()
        amplitude = np.abs(f)
        residual = amplitude - work.f_obs
        by_f = np.ascontiguousarray(2 * residual * f / amplitude)
        by_parameters = gradients(
            xray_structure=structure,
            u_iso_refinable_params=None,
            miller_set=reflections,
            d_target_d_f_calc=flex.complex_double(by_f),
            n_parameters=0,
            algorithm="direct",
        )
        by_frac = np.array(by_parameters.d_target_d_site_frac()).reshape(-1, 3)
        by_u = by_parameters.d_target_d_u_iso().as_numpy_array()
        return Gradient(float(np.square(residual).sum()), by_frac, by_u / (8 * np.pi**2))

    return run


PEERS: tuple[Contender, ...] = (
    arithmetic_limit({}),
    torch_autograd,
    torch_by_hand,
    sfcalculator,
    cctbx_gradients,
)
