"""Peers of W1: structure factors of many small crystals."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
import pytest

import argand
from contender import Contender, Run, contends
from goals import faster
from peers.cctbx_structure import miller_set, xray_structure
from peers.common import BOTH, EXACT, peer
from peers.dans_diffraction import dans_crystal, mathematics_call
from peers.gemmi_structure import small_structure, structure_factors_call
from precisions import COMPLEX, torch_complex, torch_real
from workloads import SmallCrystals


def u_iso(work: SmallCrystals) -> float:
    """Return U in A^2 of all atoms."""
    return work.b_iso / (8 * np.pi**2)


def dans_crystals(work: SmallCrystals) -> list[Any]:
    """Build the crystals of Dans_Diffraction."""
    crystals = []
    for frac in work.frac:
        crystals.append(dans_crystal(work.cell, work.types, frac, u_iso(work)))
    return crystals


@contends(
    "Dans_Diffraction, as called",
    "reads its tables of elements anew in every call, those of magnetism too",
    tolerance=EXACT,
    one_in=50,
    goal={"float64": faster(10_000)},
)
def dans_as_called(work: SmallCrystals, precision: str) -> Run:
    """Prepare the call that a user of Dans_Diffraction makes."""
    crystals = dans_crystals(work)

    def run() -> Any:
        answers = [crystal.Scatter.structure_factor(work.hkl, "xray") for crystal in crystals]
        return np.array(answers)

    return run


@contends(
    "Dans_Diffraction, bare mathematics",
    "form and Debye-Waller factors given: only q, r and the sum",
    tolerance=EXACT,
    one_in=10,
    goal={"float64": faster(150)},
)
def dans_mathematics(work: SmallCrystals, precision: str) -> Run:
    """Prepare the sum of Dans_Diffraction without its tables."""
    form = np.tile(work.f0[:, None], 4)
    debye_waller = np.tile(work.debye_waller[:, None], 4)
    return mathematics_call(dans_crystals(work), work.hkl, form, debye_waller)


@contends(
    "gemmi",
    "one reflection a Python call, form factors anew in each",
    tolerance={"float64": 2e-7},
    one_in=4,
)
def gemmi_calculator(work: SmallCrystals, precision: str) -> Run:
    """Prepare gemmi's sums."""
    structures = []
    for frac in work.frac:
        u_of_atoms = [u_iso(work)] * len(work.types)
        structures.append(small_structure(work.cell, work.types, frac, u_of_atoms))
    return structure_factors_call(structures, work.hkl)


@contends(
    "cctbx",
    "direct summation; one Python call a crystal, single-precision tables",
    tolerance={"float64": 1e-7},
    one_in=10,
)
def cctbx_direct(work: SmallCrystals, precision: str) -> Run:
    """Prepare cctbx's direct sums: the atoms of one structure are moved from call to call."""
    flex = peer("cctbx.array_family.flex")
    direct = peer("cctbx.xray").structure_factors.from_scatterers_direct
    scatterers = []
    for number, kind in enumerate(work.types):
        name = f"{kind}{number}"
        scatterers.append({"label": name, "b": work.b_iso, "scattering_type": kind})
    structure = xray_structure(work.cell, scatterers)
    reflections = miller_set(work.cell, work.hkl, anomalous=True)

    def run() -> Any:
        answers = []
        for frac in work.frac:
            structure.set_sites_frac(flex.vec3_double(frac))
            f_calc = direct(structure, reflections, cos_sin_table=False).f_calc()
            answers.append(f_calc.data().as_numpy_array())
        return np.array(answers)

    return run


@contends(
    "finufft",
    "made for many points: here four a transform, one transform a crystal",
    tolerance={"float64": 1e-11, "float32": 1e-5},
    one_in=10,
)
def finufft_type_1(work: SmallCrystals, precision: str) -> Run:
    """Prepare a non-uniform FFT of each crystal."""
    finufft = peer("finufft")
    edge = 2 * work.reach + 1
    shape = (edge,) * 3
    eps = {"float64": 1e-12, "float32": 1e-6}[precision]
    plan = finufft.Plan(1, shape, eps=eps, isign=1, dtype=COMPLEX[precision], nthreads=1)
    angles = (2 * np.pi * work.frac).transpose(0, 2, 1)
    points = np.ascontiguousarray(angles, precision)
    ones = np.ones(4, COMPLEX[precision])
    damped = (work.f0 * work.debye_waller).reshape(shape).astype(precision)
    out = np.empty((len(points), *shape), COMPLEX[precision])

    def run() -> Any:
        for xyz, f in zip(points, out, strict=True):
            plan.setpts(*xyz)
            plan.execute(ones, out=f)
        return np.multiply(out, damped)

    return run


@contends(
    "numpy, separable",
    "batched matrix product of waves along a with those along b, c; form factors given",
    tolerance=BOTH,
)
def numpy_separable(work: SmallCrystals, precision: str) -> Run:
    """Prepare products of waves along the axes in numpy."""
    indices = np.arange(-work.reach, work.reach + 1, dtype=precision)
    frac = work.frac.astype(precision)
    form = work.f0 * work.debye_waller
    damped = form.reshape(len(indices), -1).astype(precision)
    turn = np.array(2j * np.pi, COMPLEX[precision])

    def run() -> Any:
        # (crystals, atoms, axes, indices)
        waves = np.exp(turn * (frac[..., None] * indices))
        a, b, c = waves.transpose(2, 0, 1, 3)
        planes = b[..., :, None] * c[..., None, :]
        flat = planes.reshape(*b.shape[:2], -1)
        return (a.transpose(0, 2, 1) @ flat) * damped

    return run


def torch_product(work: SmallCrystals, precision: str) -> Any:
    """Prepare F as one batched product in torch of waves along a with those along b and c.

    Returns a function of the damped form factors and of the tensor to write to, or None.
    """
    torch = pytest.importorskip("torch")
    real = torch_real(precision)
    indices = torch.arange(-work.reach, work.reach + 1, dtype=real)
    frac = torch.tensor(work.frac, dtype=real)

    def product(damped: Any, out: Any) -> Any:
        angle = 2 * np.pi * frac[..., None] * indices
        waves = torch.complex(torch.cos(angle), torch.sin(angle))
        a, b, c = waves.unbind(2)
        planes = b[..., :, None] * c[..., None, :]
        flat = planes.reshape(*b.shape[:2], -1)
        return torch.bmm(a.transpose(1, 2), flat, out=out).mul_(damped)

    return product


@contends(
    "torch, separable, reused",
    "one batched product into a reused tensor; form factors given",
    tolerance=BOTH,
)
def torch_separable_reused(work: SmallCrystals, precision: str) -> Run:
    """Prepare the batched product into a reused tensor."""
    torch = pytest.importorskip("torch")
    edge = 2 * work.reach + 1
    product = torch_product(work, precision)
    form = torch.tensor(work.f0 * work.debye_waller, dtype=torch_real(precision))
    damped = form.reshape(edge, -1)
    out = torch.empty((len(work.frac), edge, edge**2), dtype=torch_complex(precision))

    @torch.inference_mode()
    def run() -> Any:
        return product(damped, out)

    return run


@contends(
    "torch, separable",
    "as one would write it: form factors anew, a fresh tensor out",
    tolerance=BOTH,
    goal={"float64": faster(2.5)},
)
def torch_separable(work: SmallCrystals, precision: str) -> Run:
    """Prepare the batched product with form factors calculated in every call."""
    torch = pytest.importorskip("torch")
    real = torch_real(precision)
    edge = 2 * work.reach + 1
    product = torch_product(work, precision)
    table = gemmi.Element(work.types[0]).it92
    amplitude = torch.tensor(table.a, dtype=real)
    width = torch.tensor(table.b, dtype=real)
    stol2 = torch.tensor(argand.stol(work.hkl, work.cell) ** 2, dtype=real)

    @torch.inference_mode()
    def run() -> Any:
        gaussians = torch.exp(-width[:, None] * stol2)
        f0 = amplitude @ gaussians + table.c
        damped = f0 * torch.exp(-work.b_iso * stol2)
        return product(damped.reshape(edge, -1), None)

    return run


PEERS: tuple[Contender, ...] = (
    torch_separable,
    torch_separable_reused,
    numpy_separable,
    finufft_type_1,
    cctbx_direct,
    gemmi_calculator,
    dans_mathematics,
    dans_as_called,
)
