"""Peers of W3: structure factors of a protein's worth of atoms.

gemmi and cctbx sample the electron density and transform it. finufft and ducc0 are libraries of
non-uniform transforms; low_rank.py holds what a user would have to write around them. All of them
calculate form factors in every call.
"""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from contender import Contender, Run, contends
from goals import faster
from peers.cctbx_structure import miller_set, xray_structure
from peers.common import peer
from peers.low_rank import TransformBasis
from workloads import Protein

# How many times faster than gemmi's default argand is to be, by d_min in angstrom.
GOALS = {2.0: 3.5, 1.2: 2.5}

# Smallest singular value of the basis over the largest, and accuracy of a transform.
RANK = 1e-7
EPS = 1e-6


def gemmi_structure(work: Protein) -> gemmi.Structure:
    """Build a structure of one residue that holds all atoms."""
    structure = gemmi.Structure()
    structure.cell = gemmi.UnitCell(*work.cell)
    structure.spacegroup_hm = "P 1"
    residue = gemmi.Residue()
    residue.name = "UNK"
    residue.seqid = gemmi.SeqId("1")
    for number, kind in enumerate(work.types):
        atom = gemmi.Atom()
        atom.name = kind
        atom.element = gemmi.Element(kind)
        atom.b_iso = work.b_iso[number]
        atom.occ = 1.0
        position = gemmi.Fractional(*work.frac[number])
        atom.pos = structure.cell.orthogonalize(position)
        residue.add_atom(atom)
    chain = gemmi.Chain("A")
    chain.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(chain)
    structure.add_model(model)
    structure.setup_cell_images()
    return structure


def gemmi_density(work: Protein, rate: float | None = None, cutoff: float | None = None) -> Run:
    """Prepare gemmi's density on a grid and its transform; None keeps a default of gemmi."""
    structure = gemmi_structure(work)
    model = structure[0]

    def run() -> Any:
        calculator = gemmi.DensityCalculatorX()
        calculator.d_min = work.d_min
        if rate is not None:
            calculator.rate = rate
        if cutoff is not None:
            calculator.cutoff = cutoff
        calculator.set_grid_cell_and_spacegroup(structure)
        calculator.set_refmac_compatible_blur(model)
        calculator.put_model_density_on_grid(model)
        grid = gemmi.transform_map_to_f_phi(calculator.grid, half_l=True)
        return grid.get_value_by_hkl(work.hkl, unblur=calculator.blur)

    return run


def gemmi_default(d_min: float) -> Contender:
    """Make the contender with gemmi's defaults and the goal for a resolution in angstrom."""
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
    "rate 2 and cutoff 1e-7, about the accuracy asked of argand",
    tolerance={"float64": 1e-4},
)
def gemmi_accurate(work: Protein, precision: str) -> Run:
    """Prepare gemmi's density on a finer grid."""
    return gemmi_density(work, rate=2.0, cutoff=1e-7)


@contends("cctbx, FFT", "its defaults: density on a grid, FFT", tolerance={"float64": 0.05})
def cctbx_fft(work: Protein, precision: str) -> Run:
    """Prepare cctbx's density on a grid and its transform."""
    factors = peer("cctbx.xray").structure_factors
    reflections = miller_set(work.cell, work.hkl, anomalous=False)
    scatterers = []
    for number, kind in enumerate(work.types):
        scatterers.append(
            {
                "label": kind,
                "site": tuple(work.frac[number].tolist()),
                "b": float(work.b_iso[number]),
                "scattering_type": kind,
            }
        )
    structure = xray_structure(work.cell, scatterers)
    # The farthest reflection must lie within the resolution, whatever the rounding.
    d_min = 0.9999 * work.d_min

    def run() -> Any:
        calculate = factors.from_scatterers(miller_set=reflections, d_min=d_min)
        f_calc = calculate(structure, reflections, algorithm="fft").f_calc()
        return f_calc.data().as_numpy_array()

    return run


@contends(
    "finufft, low rank",
    "sum over a basis of form factors and displacements, one transform for two functions of it,"
    " eps 1e-6",
    tolerance={"float64": 1e-5},
)
def finufft_low_rank(work: Protein, precision: str) -> Run:
    """Prepare the sum over a basis with the transforms of finufft."""
    finufft = peer("finufft")
    basis = TransformBasis(work, RANK)
    angles = np.ascontiguousarray(2 * np.pi * work.frac.T)

    def run() -> Any:
        strengths = basis.strengths()
        boxes = finufft.nufft3d1(*angles, strengths, basis.shape, eps=EPS, isign=1, nthreads=1)
        return basis.collect(lambda pair: boxes[pair])

    return run


@contends(
    "ducc0, low rank",
    "sum over a basis of form factors and displacements, with the transforms of ducc0",
    tolerance={"float64": 1e-5},
    goal={"float64": faster(1)},
)
def ducc0_low_rank(work: Protein, precision: str) -> Run:
    """Prepare the sum over a basis with the transforms of ducc0."""
    ducc0 = peer("ducc0")
    basis = TransformBasis(work, RANK)
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
    """List the peers at a resolution in angstrom; gemmi's fine grid is too large below 1.5."""
    peers = (gemmi_default(d_min), cctbx_fft, finufft_low_rank, ducc0_low_rank)
    return (*peers, gemmi_accurate) if d_min > 1.5 else peers
