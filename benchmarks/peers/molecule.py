"""Peers of W2: structure factors of a molecule.

Torch and SFcalculator_torch take form factors as they are given; gemmi and cctbx calculate them in
every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gemmi
import numpy as np
import pytest

from contender import Contender, Run, contends
from goals import faster, within
from peers.cctbx_structure import miller_set, xray_structure
from peers.common import BOTH, EXACT, peer
from peers.dans_diffraction import dans_crystal, mathematics_call
from peers.gemmi_structure import small_structure, structure_factors_call
from peers.limit import arithmetic_limit
from precisions import torch_real
from workloads import Molecule
from workloads.common import six_components, six_products

TWO_PI = 2 * np.pi


@contends(
    "gemmi",
    "one reflection a Python call, form factors anew in each",
    tolerance={"float64": 2e-7},
    goal={"float64": faster(50)},
)
def gemmi_calculator(work: Molecule, precision: str) -> Run:
    """Prepare gemmi's sum."""
    u_iso = work.b_iso / (8 * np.pi**2)
    u_aniso = None if work.u_cart is None else work.u_cif
    structure = small_structure(work.cell, work.types, work.frac, u_iso, u_aniso)
    return structure_factors_call([structure], work.hkl)


def cctbx_objects(work: Molecule) -> tuple[Any, Any]:
    """Build cctbx's structure and its set of Miller indices."""
    b_as_u = peer("cctbx.adptbx").b_as_u
    if work.u_cart is None:
        displacements = [b_as_u(b) for b in work.b_iso]
    else:
        displacements = [tuple(u) for u in six_components(work.u_star)]
    scatterers = []
    for number, kind in enumerate(work.types):
        scatterers.append(
            {
                "label": f"{kind}{number}",
                "site": tuple(work.frac[number].tolist()),
                "u": displacements[number],
                "scattering_type": kind,
            }
        )
    structure = xray_structure(work.cell, scatterers)
    return structure, miller_set(work.cell, work.hkl, anomalous=True)


@contends(
    "cctbx",
    "direct summation in one call, single-precision tables, form factors anew",
    tolerance={"float64": 1e-7},
    goal={"float64": faster(50)},
)
def cctbx_direct(work: Molecule, precision: str) -> Run:
    """Prepare cctbx's direct sum."""
    structure, reflections = cctbx_objects(work)
    direct = peer("cctbx.xray").structure_factors.from_scatterers_direct

    def run() -> Any:
        f_calc = direct(structure, reflections, cos_sin_table=False).f_calc()
        return f_calc.data().as_numpy_array()

    return run


def sfc_arguments(work: Molecule) -> tuple[Any, ...]:
    """Return the arguments of SFcalculator_torch's `F_protein` in their order.

    They are hkl, d*^2, form factors, rotations, translations, the matrix to fractional
    coordinates, fractional coordinates, B, Cartesian U, and occupancies.
    """
    torch = pytest.importorskip("torch")
    n = len(work.types)
    u_cart = np.zeros((n, 3, 3)) if work.u_cart is None else work.u_cart
    arrays = (
        work.f0[work.kind],
        np.eye(3)[None],
        np.zeros((1, 3)),
        np.array(work.unit_cell.frac.mat.tolist()),
        work.frac,
        work.b_iso,
        u_cart,
        np.ones(n),
    )
    tensors = [torch.tensor(array, dtype=torch.float32) for array in arrays]
    return (work.hkl, 4 * work.stol2, *tensors)


@contends(
    "SFcalculator_torch",
    "its function F_protein, float32 only; form factors given",
    tolerance={"float32": 1e-4},
)
def sfcalculator(work: Molecule, precision: str) -> Run:
    """Prepare SFcalculator_torch's sum."""
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
    """Prepare the sum of Dans_Diffraction without its tables."""
    if work.u_cart is not None:
        pytest.skip("Dans_Diffraction has no anisotropic displacement")
    crystal = dans_crystal(work.cell, work.types, work.frac)
    form = work.f0[work.kind].T
    debye_waller = np.exp(-np.outer(work.stol2, work.b_iso))
    return mathematics_call([crystal], work.hkl, form, debye_waller)


class Terms:
    """The molecule as tensors, for sums over atoms in torch."""

    def __init__(self, work: Molecule, precision: str) -> None:
        torch = pytest.importorskip("torch")
        real = torch_real(precision)

        def tensor(array: Any) -> Any:
            return torch.tensor(array, dtype=real)

        self.torch = torch
        self.frac = tensor(work.frac)
        self.hkl = tensor(work.hkl.T)
        self.stol2 = tensor(work.stol2)
        pairs, l_of_rows = work.rows
        self.hk = tensor(pairs.T)
        self.l = tensor(l_of_rows)
        self.kind = torch.tensor(work.kind)
        self.form = tensor(work.f0[work.kind]) if work.form_given else None
        tables = [gemmi.Element(kind).it92 for kind in work.kinds]
        self.table_a = tensor([table.a for table in tables])
        self.table_b = tensor([table.b for table in tables])
        self.table_c = tensor([table.c for table in tables])
        # Displacement and its factors at each reflection: -T = displacement @ squares.
        if work.u_cart is None:
            self.displacement = tensor(-work.b_iso[:, None])
            self.squares = self.stol2[None]
        else:
            h, k, l = self.hkl
            self.displacement = tensor(-work.beta)
            self.squares = torch.stack(six_products(h, k, l))

    def weights(self) -> Any:
        """Calculate f exp(-T) of every atom at every reflection, (atoms, m)."""
        form = self.form
        if form is None:
            gaussians = self.torch.exp(-self.table_b[..., None] * self.stol2)
            sums = (self.table_a[..., None] * gaussians).sum(1)
            form = sums.add_(self.table_c[:, None])[self.kind]
        return self.torch.exp(self.displacement @ self.squares).mul_(form)

    def angles(self) -> Any:
        """Calculate 2 pi h.x of every atom at every reflection, (atoms, m)."""
        return (TWO_PI * self.frac) @ self.hkl


def without_gradient(prepare: Callable[[Terms], Run]) -> Callable[[Molecule, str], Run]:
    """Make tensors of the molecule for a function, and run its call in inference mode."""

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
    """Prepare the dense sum."""
    torch = terms.torch

    def run() -> Any:
        weight = terms.weights()
        angle = terms.angles()
        real = (weight * torch.cos(angle)).sum(0)
        imaginary = (weight * torch.sin(angle)).sum(0)
        return torch.complex(real, imaginary)

    return run


@contends("torch, dense, in place", "a dense sum with fewer passes over memory", tolerance=BOTH)
@without_gradient
def torch_dense_in_place(terms: Terms) -> Run:
    """Prepare the dense sum in place."""
    torch = terms.torch

    def run() -> Any:
        weight = terms.weights()
        angle = terms.angles()
        real = torch.cos(angle).mul_(weight).sum(0)
        imaginary = angle.sin_().mul_(weight).sum(0)
        return torch.complex(real, imaginary)

    return run


@contends(
    "torch, separable",
    "waves along hk times waves along l, which needs a product of h, k with l",
    tolerance=BOTH,
)
@without_gradient
def torch_separable(terms: Terms) -> Run:
    """Prepare the product of waves along hk with waves along l."""
    torch = terms.torch

    def wave(angle: Any) -> Any:
        return torch.complex(torch.cos(angle), torch.sin(angle))

    def run() -> Any:
        turns = TWO_PI * terms.frac
        along_hk = wave(turns[:, :2] @ terms.hk)
        along_l = wave(turns[:, 2:] * terms.l)
        shape = len(turns), -1, len(terms.l)
        weight = terms.weights().reshape(shape)
        weighted = weight * along_l[:, None, :]
        rows = (weighted * along_hk[..., None]).sum(0)
        return rows.reshape(-1)

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
