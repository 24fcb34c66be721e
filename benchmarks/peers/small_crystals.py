"""W1: structure factors of many small crystals."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
import pytest

import argand
from contender import Contender, Run, contends
from goals import faster
from peers.common import BOTH, COMPLEX, EXACT, peer
from workloads import SmallCrystals


def u_iso(work: SmallCrystals) -> float:
    return work.b_iso / (8 * np.pi**2)


def dans_crystals(work: SmallCrystals) -> list[Any]:
    dans = peer("Dans_Diffraction")
    crystals = []
    for frac in work.frac:
        crystal = dans.Crystal()
        crystal.new_cell(work.cell)
        u, v, w = frac.T
        crystal.new_atoms(
            u=u,
            v=v,
            w=w,
            type=work.types,
            label=work.types,
            occupancy=[1.0] * 4,
            uiso=[u_iso(work)] * 4,
        )
        crystals.append(crystal)
    return crystals


@contends(
    "Dans_Diffraction, as called",
    "reads its tables of elements anew in every call, those of magnetism too",
    tolerance=EXACT,
    every=50,
    goal={"float64": faster(10_000)},
)
def dans_as_called(work: SmallCrystals, precision: str) -> Run:
    crystals = dans_crystals(work)
    return lambda: np.array(
        [crystal.Scatter.structure_factor(work.hkl, "xray") for crystal in crystals]
    )


@contends(
    "Dans_Diffraction, bare mathematics",
    "form and Debye-Waller factors given: only q, r and the sum",
    tolerance=EXACT,
    every=10,
    goal={"float64": faster(150)},
)
def dans_mathematics(work: SmallCrystals, precision: str) -> Run:
    crystals = dans_crystals(work)
    sf_atom = peer("Dans_Diffraction.functions_scattering").sf_atom
    form, damping = (np.tile(column[:, None], 4) for column in (work.f0, work.debye_waller))
    occupancy = np.ones(4)

    def run() -> Any:
        answers = []
        for crystal in crystals:
            q = crystal.Cell.calculateQ(work.hkl)
            r = crystal.Cell.calculateR(crystal.Structure.get()[0])
            answers.append(
                sf_atom(q, r, scattering_factor=form, occ=occupancy, debyewaller=damping)
            )
        return np.array(answers)

    return run


@contends(
    "gemmi",
    "one reflection a Python call, form factors anew in each",
    tolerance={"float64": 2e-7},
    every=4,
)
def gemmi_calculator(work: SmallCrystals, precision: str) -> Run:
    structures = []
    for frac in work.frac:
        structure = gemmi.SmallStructure()
        structure.cell = gemmi.UnitCell(*work.cell)
        structure.spacegroup_hm = "P 1"
        for kind, xyz in zip(work.types, frac, strict=True):
            site = gemmi.SmallStructure.Site()
            site.element = gemmi.Element(kind)
            site.fract = gemmi.Fractional(*xyz)
            site.u_iso = u_iso(work)
            structure.add_site(site)
        structure.setup_cell_images()
        structures.append(structure)
    calculator = gemmi.StructureFactorCalculatorX(
        structures[0].cell
    )  # it refers to the cell, which must stay
    hkl = work.hkl.tolist()

    def run() -> Any:
        f = calculator.calculate_sf_from_small_structure
        return np.array([[f(structure, h) for h in hkl] for structure in structures])

    return run


@contends(
    "cctbx",
    "direct summation; one Python call a crystal, single-precision tables",
    tolerance={"float64": 1e-7},
    every=10,
)
def cctbx_direct(work: SmallCrystals, precision: str) -> Run:
    crystal, miller, xray = (peer(f"cctbx.{name}") for name in ("crystal", "miller", "xray"))
    flex = peer("cctbx.array_family.flex")
    symmetry = crystal.symmetry(unit_cell=work.cell, space_group_symbol="P1")
    indices = flex.miller_index([tuple(h) for h in work.hkl.tolist()])
    wanted = miller.set(symmetry, indices, anomalous_flag=True)
    structure = xray.structure(crystal_symmetry=symmetry)
    for number, kind in enumerate(work.types):
        structure.add_scatterer(
            xray.scatterer(f"{kind}{number}", b=work.b_iso, scattering_type=kind)
        )
    structure.scattering_type_registry(table="it1992")

    def run() -> Any:
        answers = []
        for frac in work.frac:
            structure.set_sites_frac(flex.vec3_double(frac))
            direct = xray.structure_factors.from_scatterers_direct(
                structure, wanted, cos_sin_table=False
            )
            answers.append(direct.f_calc().data().as_numpy_array())
        return np.array(answers)

    return run


@contends(
    "finufft",
    "made for many points: here four a transform, one transform a crystal",
    tolerance={"float64": 1e-11, "float32": 1e-5},
    every=10,
)
def finufft_type_1(work: SmallCrystals, precision: str) -> Run:
    finufft = peer("finufft")
    edge = 2 * work.reach + 1
    eps = {"float64": 1e-12, "float32": 1e-6}[precision]
    plan = finufft.Plan(1, (edge,) * 3, eps=eps, isign=1, dtype=COMPLEX[precision], nthreads=1)
    points = np.ascontiguousarray((2 * np.pi * work.frac).transpose(0, 2, 1), precision)
    ones = np.ones(4, COMPLEX[precision])
    damped = (work.f0 * work.debye_waller).reshape((edge,) * 3).astype(precision)
    out = np.empty((len(points), edge, edge, edge), COMPLEX[precision])

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
    h = np.arange(-work.reach, work.reach + 1, dtype=precision)
    frac = work.frac.astype(precision)
    damped = (work.f0 * work.debye_waller).reshape(len(h), -1).astype(precision)
    turn = np.array(2j * np.pi, COMPLEX[precision])

    def run() -> Any:
        waves = np.exp(turn * (frac[..., None] * h))  # (crystal, atom, axis, index)
        a, b, c = waves.transpose(2, 0, 1, 3)
        pairs = (b[..., :, None] * c[..., None, :]).reshape(*b.shape[:2], -1)
        return (a.transpose(0, 2, 1) @ pairs) * damped

    return run


def torch_product(work: SmallCrystals, precision: str) -> Any:
    """F(damped form factors, where to write or None) as one batched product of waves along a with those along b, c."""
    torch = pytest.importorskip("torch")
    real = getattr(torch, precision)
    h = torch.arange(-work.reach, work.reach + 1, dtype=real)
    frac = torch.tensor(work.frac, dtype=real)

    def product(damped: Any, out: Any) -> Any:
        angle = 2 * np.pi * frac[..., None] * h
        a, b, c = torch.complex(torch.cos(angle), torch.sin(angle)).unbind(2)
        pairs = (b[..., :, None] * c[..., None, :]).reshape(*b.shape[:2], -1)
        return torch.bmm(a.transpose(1, 2), pairs, out=out).mul_(damped)

    return product


@contends(
    "torch, separable, reused",
    "the same in one batched product into a reused tensor; form factors given",
    tolerance=BOTH,
)
def torch_separable_reused(work: SmallCrystals, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    edge, product = 2 * work.reach + 1, torch_product(work, precision)
    damped = torch.tensor(work.f0 * work.debye_waller, dtype=getattr(torch, precision)).reshape(
        edge, -1
    )
    out = torch.empty((len(work.frac), edge, edge**2), dtype=getattr(torch, COMPLEX[precision]))

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
    torch = pytest.importorskip("torch")
    edge, product = 2 * work.reach + 1, torch_product(work, precision)
    table = gemmi.Element(work.types[0]).it92
    amplitude, width, stol = (
        torch.tensor(x, dtype=getattr(torch, precision))
        for x in (table.a, table.b, argand.stol(work.hkl, work.cell))
    )

    @torch.inference_mode()
    def run() -> Any:
        f0 = amplitude @ torch.exp(-width[:, None] * stol**2) + table.c
        return product((f0 * torch.exp(-work.b_iso * stol**2)).reshape(edge, -1), None)

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
