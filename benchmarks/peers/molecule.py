"""W2: structure factors of a molecule.

Torch and SFcalculator_torch take form factors as they are given; gemmi and cctbx look them up in every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gemmi
import numpy as np
import pytest

from contender import Contender, Run, contends
from goals import faster, within
from peers.common import BOTH, EXACT, peer
from peers.limit import arithmetic_limit
from workloads import Molecule

TWO_PI = 2 * np.pi


@contends(
    "gemmi",
    "one reflection a Python call, form factors anew in each",
    tolerance={"float64": 2e-7},
    goal={"float64": faster(50)},
)
def gemmi_calculator(work: Molecule, precision: str) -> Run:
    structure = gemmi.SmallStructure()
    structure.cell = work.unit_cell
    structure.spacegroup_hm = "P 1"
    for number, (kind, xyz) in enumerate(zip(work.types, work.frac, strict=True)):
        site = gemmi.SmallStructure.Site()
        site.label, site.type_symbol, site.element = f"{kind}{number}", kind, gemmi.Element(kind)
        site.fract, site.occ = gemmi.Fractional(*xyz), 1.0
        if work.u_cart is None:
            site.u_iso = work.b_iso[number] / (8 * np.pi**2)
        else:
            u = work.u_cif[number]
            site.aniso = gemmi.SMat33d(u[0, 0], u[1, 1], u[2, 2], u[0, 1], u[0, 2], u[1, 2])
        structure.add_site(site)
    structure.setup_cell_images()
    f = gemmi.StructureFactorCalculatorX(structure.cell).calculate_sf_from_small_structure
    hkl = work.hkl.tolist()
    return lambda: np.array([f(structure, h) for h in hkl])


def cctbx_structure(work: Molecule) -> tuple[Any, Any]:
    """The structure and the set of Miller indices."""
    crystal, miller, xray = (peer(f"cctbx.{name}") for name in ("crystal", "miller", "xray"))
    flex, adptbx = peer("cctbx.array_family.flex"), peer("cctbx.adptbx")
    symmetry = crystal.symmetry(unit_cell=work.cell, space_group_symbol="P1")
    wanted = miller.set(
        symmetry, flex.miller_index([tuple(h) for h in work.hkl.tolist()]), anomalous_flag=True
    )
    structure = xray.structure(crystal_symmetry=symmetry)
    for number, (kind, xyz) in enumerate(zip(work.types, work.frac.tolist(), strict=True)):
        if work.u_cart is None:
            u: Any = adptbx.b_as_u(work.b_iso[number])
        else:
            s = work.u_star[number]
            u = (s[0, 0], s[1, 1], s[2, 2], s[0, 1], s[0, 2], s[1, 2])
        structure.add_scatterer(
            xray.scatterer(f"{kind}{number}", site=tuple(xyz), u=u, scattering_type=kind)
        )
    structure.scattering_type_registry(table="it1992")
    return structure, wanted


@contends(
    "cctbx",
    "direct summation in one call, single-precision tables, form factors anew",
    tolerance={"float64": 1e-7},
    goal={"float64": faster(50)},
)
def cctbx_direct(work: Molecule, precision: str) -> Run:
    structure, wanted = cctbx_structure(work)
    direct = peer("cctbx.xray").structure_factors.from_scatterers_direct
    return lambda: direct(structure, wanted, cos_sin_table=False).f_calc().data().as_numpy_array()


class SfcArguments(NamedTuple):
    """What SFcalculator_torch's `F_protein` takes, in its order."""

    hkl: Any
    d_star2: Any
    form: Any
    rotation: Any
    translation: Any
    to_fractional: Any
    frac: Any
    b_iso: Any
    u_cart: Any
    occ: Any


def sfc_arguments(work: Molecule) -> SfcArguments:
    torch = pytest.importorskip("torch")
    u_cart = np.zeros((len(work.types), 3, 3)) if work.u_cart is None else work.u_cart
    return SfcArguments(
        work.hkl,
        4 * work.stol2,
        *(
            torch.tensor(x, dtype=torch.float32)
            for x in (
                work.f0[work.kind],
                np.eye(3)[None],
                np.zeros((1, 3)),
                np.array(work.unit_cell.frac.mat.tolist()),
                work.frac,
                work.b_iso,
                u_cart,
                np.ones(len(work.types)),
            )
        ),
    )


@contends(
    "SFcalculator_torch",
    "its function F_protein, float32 only; form factors given",
    tolerance={"float32": 1e-4},
)
def sfcalculator(work: Molecule, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    f_protein = peer("SFC_Torch.Fmodel").F_protein
    arguments = sfc_arguments(work)

    @torch.inference_mode()
    def run() -> Any:
        return f_protein(*arguments)

    return run


@contends(
    "Dans_Diffraction, bare mathematics",
    "isotropic only; form and Debye-Waller factors given: only q, r and the sum",
    tolerance=EXACT,
)
def dans_mathematics(work: Molecule, precision: str) -> Run:
    if work.u_cart is not None:
        pytest.skip("Dans_Diffraction has no anisotropic displacement")
    dans = peer("Dans_Diffraction")
    sf_atom = peer("Dans_Diffraction.functions_scattering").sf_atom
    crystal = dans.Crystal()
    crystal.new_cell(work.cell)
    u, v, w = work.frac.T
    occupancy = np.ones(len(work.types))
    crystal.new_atoms(
        u=u, v=v, w=w, type=list(work.types), label=list(work.types), occupancy=occupancy
    )
    form = work.f0[work.kind].T
    damping = np.exp(-np.outer(work.stol2, work.b_iso))

    def run() -> Any:
        q = crystal.Cell.calculateQ(work.hkl)
        r = crystal.Cell.calculateR(crystal.Structure.get()[0])
        return sf_atom(q, r, scattering_factor=form, occ=occupancy, debyewaller=damping)

    return run


class Terms:
    """The molecule as tensors, and what a dense and a separable sum share."""

    def __init__(self, work: Molecule, precision: str) -> None:
        self.torch = torch = pytest.importorskip("torch")
        real = getattr(torch, precision)

        def tensor(x: Any) -> Any:
            return torch.tensor(x, dtype=real)

        self.frac, self.hkl, self.stol2 = tensor(work.frac), tensor(work.hkl.T), tensor(work.stol2)
        self.hk, self.l = tensor(work.rows[0].T), tensor(work.rows[1])
        self.kind = torch.tensor(work.kind)
        self.given = tensor(work.f0[work.kind]) if work.given else None
        tables = [gemmi.Element(kind).it92 for kind in work.kinds]
        self.tables = [tensor(x) for x in zip(*((t.a, t.b, t.c) for t in tables), strict=True)]
        h, k, l = self.hkl
        if work.u_cart is None:
            self.displacement, self.squares = tensor(-work.b_iso[:, None]), self.stol2[None]
        else:
            self.displacement = tensor(-work.beta)
            self.squares = torch.stack([h * h, k * k, l * l, 2 * h * k, 2 * h * l, 2 * k * l])

    def weights(self) -> Any:
        """f exp(-T) of every atom at every reflection."""
        form = self.given
        if form is None:
            a, b, c = self.tables
            form = (
                (a[..., None] * self.torch.exp(-b[..., None] * self.stol2))
                .sum(1)
                .add_(c[:, None])[self.kind]
            )
        return self.torch.exp(self.displacement @ self.squares).mul_(form)


def without_gradient(prepare: Callable[[Terms], Run]) -> Callable[[Molecule, str], Run]:
    def prepared(work: Molecule, precision: str) -> Run:
        terms = Terms(work, precision)
        return terms.torch.inference_mode()(prepare(terms))

    prepared.__name__ = prepare.__name__
    return prepared


@contends(
    "torch, dense",
    "as one would write it: a cosine and a sine of every atom and reflection",
    tolerance=BOTH,
    goal={"float64": faster(20)},
)
@without_gradient
def torch_dense(terms: Terms) -> Run:
    torch = terms.torch

    def run() -> Any:
        weight, angle = terms.weights(), (TWO_PI * terms.frac) @ terms.hkl
        return torch.complex((weight * torch.cos(angle)).sum(0), (weight * torch.sin(angle)).sum(0))

    return run


@contends("torch, dense, in place", "the same with fewer passes over memory", tolerance=BOTH)
@without_gradient
def torch_dense_in_place(terms: Terms) -> Run:
    torch = terms.torch

    def run() -> Any:
        weight, angle = terms.weights(), (TWO_PI * terms.frac) @ terms.hkl
        real = torch.cos(angle).mul_(weight).sum(0)
        return torch.complex(real, angle.sin_().mul_(weight).sum(0))

    return run


@contends(
    "torch, separable",
    "waves along hk times waves along l, which needs a product of h, k with l",
    tolerance=BOTH,
)
@without_gradient
def torch_separable(terms: Terms) -> Run:
    torch = terms.torch

    def wave(angle: Any) -> Any:
        return torch.complex(torch.cos(angle), torch.sin(angle))

    def run() -> Any:
        along_hk = wave((TWO_PI * terms.frac[:, :2]) @ terms.hk)
        along_l = wave(TWO_PI * terms.frac[:, 2:] * terms.l)
        weight = terms.weights().reshape(len(terms.frac), -1, len(terms.l))
        return ((weight * along_l[:, None, :]) * along_hk[..., None]).sum(0).reshape(-1)

    return run


limit = arithmetic_limit({"float64": within(4.5)})

GIVEN: tuple[Contender, ...] = (
    limit,
    torch_dense,
    torch_dense_in_place,
    torch_separable,
    cctbx_direct,
    gemmi_calculator,
    sfcalculator,
    dans_mathematics,
)
