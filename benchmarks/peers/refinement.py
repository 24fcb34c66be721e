"""W5: value and gradient of a least-squares loss. Everyone but cctbx takes form factors as they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from contender import Contender, Run, contends
from goals import faster
from peers.common import peer
from peers.limit import arithmetic_limit
from peers.molecule import TWO_PI, Terms, cctbx_structure, sfc_arguments
from workloads import Refinement
from workloads.refinement import Gradient

BOTH = {"float64": 1e-12, "float32": 1e-3}  # noise in F_obs is a tenth: differences lose a digit


def backward(
    work: Refinement, precision: str, variables: tuple[Any, Any], f: Callable[[], Any]
) -> Run:
    """The loss of complex F and what autograd makes of it; `variables` are the leaves: coordinates and B."""
    torch = pytest.importorskip("torch")
    f_obs = torch.tensor(work.f_obs, dtype=getattr(torch, precision))
    frac, b_iso = (x.requires_grad_() for x in variables)

    def run() -> Gradient:
        frac.grad = b_iso.grad = None
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
def torch_autograd(work: Refinement, precision: str) -> Run:
    terms = Terms(work.molecule, precision)
    torch, b_iso = terms.torch, -terms.displacement[:, 0]

    def f() -> Any:
        weight = terms.given * torch.exp(-b_iso[:, None] * terms.stol2)
        angle = (TWO_PI * terms.frac) @ terms.hkl
        return torch.complex((weight * torch.cos(angle)).sum(0), (weight * torch.sin(angle)).sum(0))

    return backward(work, precision, (terms.frac, b_iso), f)


@contends(
    "torch, adjoint by hand",
    "no autograd: the derivatives as four matrix products, buffers used again",
    tolerance=BOTH,
    goal={"float64": faster(8)},
)
def torch_by_hand(work: Refinement, precision: str) -> Run:
    terms = Terms(work.molecule, precision)
    torch = terms.torch
    f_obs = torch.tensor(work.f_obs, dtype=terms.stol2.dtype)
    factor = torch.stack([*(-TWO_PI * terms.hkl), -terms.stol2], dim=1)  # (m, 4)

    @torch.inference_mode()
    def run() -> Gradient:
        weight, angle = terms.weights(), (TWO_PI * terms.frac) @ terms.hkl
        cosine = torch.cos(angle).mul_(weight)
        sine = angle.sin_().mul_(weight)
        real, imaginary = cosine.sum(0), sine.sum(0)
        amplitude = torch.sqrt(real * real + imaginary * imaginary)
        residual = amplitude - f_obs
        by_real, by_imaginary = (2 * residual / amplitude * part for part in (real, imaginary))
        by_frac = sine @ (by_real[:, None] * factor[:, :3]) - cosine @ (
            by_imaginary[:, None] * factor[:, :3]
        )
        by_b = cosine @ (by_real * factor[:, 3]) + sine @ (by_imaginary * factor[:, 3])
        return Gradient((residual * residual).sum().item(), by_frac, by_b)

    return run


@contends(
    "SFcalculator_torch", "autograd through F_protein, float32 only", tolerance={"float32": 1e-3}
)
def sfcalculator(work: Refinement, precision: str) -> Run:
    f_protein = peer("SFC_Torch.Fmodel").F_protein
    arguments = sfc_arguments(work.molecule)
    return backward(
        work, precision, (arguments.frac, arguments.b_iso), lambda: f_protein(*arguments)
    )


@contends(
    "cctbx",
    "direct summation and gradients_direct, the loss in numpy, form factors anew",
    tolerance={"float64": 1e-4},
)
def cctbx_gradients(work: Refinement, precision: str) -> Run:
    structure, wanted = cctbx_structure(work.molecule)
    xray, flex = peer("cctbx.xray"), peer("cctbx.array_family.flex")
    xray.set_scatterer_grad_flags(scatterers=structure.scatterers(), site=True, u_iso=True)
    values = xray.structure_factors.from_scatterers(miller_set=wanted, cos_sin_table=False)
    gradients = xray.structure_factors.gradients(miller_set=wanted, cos_sin_table=False)

    def run() -> Gradient:
        f = values(structure, wanted, algorithm="direct").f_calc().data().as_numpy_array()
        amplitude = np.abs(f)
        by_f = np.ascontiguousarray(2 * (amplitude - work.f_obs) * f / amplitude)
        by = gradients(
            xray_structure=structure,
            u_iso_refinable_params=None,
            miller_set=wanted,
            d_target_d_f_calc=flex.complex_double(by_f),
            n_parameters=0,
            algorithm="direct",
        )
        by_frac = np.array(by.d_target_d_site_frac()).reshape(-1, 3)
        by_b = by.d_target_d_u_iso().as_numpy_array() / (8 * np.pi**2)
        return Gradient(float(np.square(amplitude - work.f_obs).sum()), by_frac, by_b)

    return run


PEERS: tuple[Contender, ...] = (
    arithmetic_limit({}),
    torch_autograd,
    torch_by_hand,
    sfcalculator,
    cctbx_gradients,
)
