"""W3: structure factors of a protein's worth of atoms.

gemmi and cctbx sample the electron density and transform it. finufft and ducc0 are libraries of non-uniform transforms;
what is built of them here is what a user would have to write. Everyone looks form factors up in every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gemmi
import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from contender import Contender, Run, contends
from goals import faster
from peers.common import peer
from workloads import Protein
from workloads.protein import B_RANGE

GOALS = {2.0: 3.5, 1.2: 2.5}  # d_min: how many times faster than gemmi's default


def gemmi_structure(work: Protein) -> gemmi.Structure:
    structure = gemmi.Structure()
    structure.cell = gemmi.UnitCell(*work.cell)
    structure.spacegroup_hm = "P 1"
    residue = gemmi.Residue()
    residue.name, residue.seqid = "UNK", gemmi.SeqId("1")
    for kind, xyz, b in zip(work.types, work.frac.tolist(), work.b_iso.tolist(), strict=True):
        atom = gemmi.Atom()
        atom.name, atom.element, atom.b_iso, atom.occ = kind, gemmi.Element(kind), b, 1.0
        atom.pos = structure.cell.orthogonalize(gemmi.Fractional(*xyz))
        residue.add_atom(atom)
    chain, model = gemmi.Chain("A"), gemmi.Model(1)
    chain.add_residue(residue)
    model.add_chain(chain)
    structure.add_model(model)
    structure.setup_cell_images()
    return structure


def gemmi_density(work: Protein, **options: float) -> Run:
    structure = gemmi_structure(work)
    model = structure[0]

    def run() -> Any:
        calculator = gemmi.DensityCalculatorX()
        calculator.d_min = work.d_min
        for name, value in options.items():
            setattr(calculator, name, value)
        calculator.set_grid_cell_and_spacegroup(structure)
        calculator.set_refmac_compatible_blur(model)
        calculator.put_model_density_on_grid(model)
        grid = gemmi.transform_map_to_f_phi(calculator.grid, half_l=True)
        return grid.get_value_by_hkl(work.hkl, unblur=calculator.blur)

    return run


def gemmi_default(d_min: float) -> Contender:
    return Contender(
        "gemmi, DensityCalculator",
        "its defaults: density on a grid of single precision, FFT",
        prepare=_gemmi_default,
        tolerance={"float64": 1e-3},
        goal={"float64": faster(GOALS[d_min])},
    )


def _gemmi_default(work: Protein, precision: str) -> Run:
    return gemmi_density(work)


@contends(
    "gemmi, DensityCalculator, accurate",
    "the same with rate 2 and cutoff 1e-7, about the accuracy asked of argand",
    tolerance={"float64": 1e-4},
)
def gemmi_accurate(work: Protein, precision: str) -> Run:
    return gemmi_density(work, rate=2.0, cutoff=1e-7)


@contends("cctbx, FFT", "its defaults: density on a grid, FFT", tolerance={"float64": 0.05})
def cctbx_fft(work: Protein, precision: str) -> Run:
    crystal, miller, xray = (peer(f"cctbx.{name}") for name in ("crystal", "miller", "xray"))
    flex = peer("cctbx.array_family.flex")
    symmetry = crystal.symmetry(unit_cell=work.cell, space_group_symbol="P1")
    wanted = miller.set(
        symmetry, flex.miller_index([tuple(h) for h in work.hkl.tolist()]), anomalous_flag=False
    )
    structure = xray.structure(crystal_symmetry=symmetry)
    for kind, xyz, b in zip(work.types, work.frac.tolist(), work.b_iso.tolist(), strict=True):
        structure.add_scatterer(xray.scatterer(kind, site=tuple(xyz), b=b, scattering_type=kind))
    structure.scattering_type_registry(table="it1992")

    def run() -> Any:
        calculate = xray.structure_factors.from_scatterers(
            miller_set=wanted, d_min=0.9999 * work.d_min
        )
        return calculate(structure, wanted, algorithm="fft").f_calc().data().as_numpy_array()

    return run


class LowRank:
    """f_kind(q) exp(-B q) = sum_r u_r(kind, B) v_r(q), q = stol^2: the sum of all atoms in a few transforms.

    u_r is a polynomial in B for each kind; two real strengths share a complex transform.
    """

    NODES, SAMPLES = 24, 160

    def __init__(self, work: Protein, tolerance: float) -> None:
        self.work = work
        low, high = B_RANGE
        b = (low + high) / 2 + (high - low) / 2 * chebyshev.chebpts1(self.NODES)
        q = np.linspace(0.0, work.stol2.max(), self.SAMPLES)
        form = form_factors(work, q)
        family = (form[:, None, :] * np.exp(-np.outer(b, q))).reshape(-1, self.SAMPLES)
        u, s, vt = np.linalg.svd(family, full_matrices=False)
        rank = int(np.count_nonzero(s > tolerance * s[0]))
        rank += rank % 2
        strengths = (u[:, :rank] * s[:rank]).reshape(len(work.kinds), self.NODES, rank)
        unit = (b - (low + high) / 2) / ((high - low) / 2)
        self.in_b = [chebyshev.chebfit(unit, of_kind, self.NODES - 10) for of_kind in strengths]
        self.in_q = chebyshev.chebfit(2 * q / q[-1] - 1, vt[:rank].T, 40)
        self.q_max, self.pairs = q[-1], rank // 2
        self.members = [np.flatnonzero(work.kind == kind) for kind in range(len(work.kinds))]
        self.reach = tuple(np.abs(work.hkl).max(axis=0).tolist())
        self.shape = tuple(2 * n + 1 for n in self.reach)
        self.place = np.ravel_multi_index(tuple((work.hkl + self.reach).T), self.shape)
        self.mate = np.prod(self.shape) - 1 - self.place

    def strengths(self) -> NDArray[np.complex128]:
        """(pairs, atoms)"""
        low, high = B_RANGE
        unit = (self.work.b_iso - (low + high) / 2) / ((high - low) / 2)
        u = np.empty((2 * self.pairs, len(unit)))
        for members, coefficients in zip(self.members, self.in_b, strict=True):
            u[:, members] = chebyshev.chebval(unit[members], coefficients)
        return u[0::2] + 1j * u[1::2]

    def collect(self, boxes: Callable[[int], NDArray[np.complex128]]) -> NDArray[np.complex128]:
        v = chebyshev.chebval(2 * self.work.stol2 / self.q_max - 1, self.in_q)
        total = np.zeros(len(self.place), np.complex128)
        for pair in range(self.pairs):
            a = boxes(pair).ravel()
            here, there = a[self.place], a[self.mate].conj()
            total += v[2 * pair] * (0.5 * (here + there)) + v[2 * pair + 1] * (
                -0.5j * (here - there)
            )
        return total


def form_factors(work: Protein, q: NDArray[np.float64]) -> NDArray[np.float64]:
    tables = [gemmi.Element(kind).it92 for kind in work.kinds]
    return np.stack([np.array(t.a) @ np.exp(-np.outer(t.b, q)) + t.c for t in tables])


RANK, EPS = 1e-7, 1e-6


@contends(
    "finufft, low rank",
    "sum over a basis of form factors and displacements, one transform for two functions of it, eps 1e-6",
    tolerance={"float64": 1e-5},
)
def finufft_low_rank(work: Protein, precision: str) -> Run:
    finufft = peer("finufft")
    basis = LowRank(work, RANK)
    angles = np.ascontiguousarray(2 * np.pi * work.frac.T)

    def run() -> Any:
        boxes = finufft.nufft3d1(
            *angles, basis.strengths(), basis.shape, eps=EPS, isign=1, nthreads=1
        )
        return basis.collect(lambda pair: boxes[pair])

    return run


@contends(
    "ducc0, low rank",
    "the same with the transforms of ducc0",
    tolerance={"float64": 1e-5},
    goal={"float64": faster(1)},
)
def ducc0_low_rank(work: Protein, precision: str) -> Run:
    ducc0 = peer("ducc0")
    basis = LowRank(work, RANK)
    box = np.empty(basis.shape, np.complex128)

    def run() -> Any:
        strengths = basis.strengths()

        def transform(pair: int) -> NDArray[np.complex128]:
            return ducc0.nufft.nu2u(
                points=strengths[pair],
                coord=work.frac,
                forward=False,
                epsilon=EPS,
                nthreads=1,
                out=box,
                periodicity=1.0,
                fft_order=False,
            )

        return basis.collect(transform)

    return run


def peers_at(d_min: float) -> tuple[Contender, ...]:
    always = (gemmi_default(d_min), cctbx_fft, finufft_low_rank, ducc0_low_rank)
    return (*always, gemmi_accurate) if d_min > 1.5 else always
