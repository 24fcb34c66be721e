"""The peers: what a user could take instead of argand, used in the fastest way that we found unless its remark says so.

Preparing what does not change between calls (objects, form factors where they can be handed over, buffers) is not
timed. Peers that are not installed are skipped.
"""

from __future__ import annotations

import warnings
from typing import Any

import gemmi
import numpy as np
import pytest
import scipy.fft
from numpy.typing import NDArray

import argand
from contender import Contender, Run, contends
from workloads import Boxes, SmallCrystals

EXACT = {"float64": 1e-12}
BOTH = {"float64": 1e-12, "float32": 1e-5}
COMPLEX = {"float64": "complex128", "float32": "complex64"}
FFT = {"float64": 3.0, "float32": 3.0}


def peer(name: str) -> Any:
    """The module, or a skip; its own warnings stay its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def u_iso(work: SmallCrystals) -> float:
    return work.b_iso / (8 * np.pi**2)


# --- W1: structure factors --------------------------------------------------------------------------------------------


def dans_crystals(work: SmallCrystals) -> list[Any]:
    dans = peer("Dans_Diffraction")
    crystals = []
    for frac in work.frac:
        crystal = dans.Crystal()
        crystal.new_cell(work.cell)
        u, v, w = frac.T
        crystal.new_atoms(u=u, v=v, w=w, type=work.types, label=work.types, occupancy=[1.0] * 4, uiso=[u_iso(work)] * 4)
        crystals.append(crystal)
    return crystals


@contends(
    "Dans_Diffraction, as called",
    "reads its tables of elements anew in every call, those of magnetism too",
    tolerance=EXACT,
    every=50,
    goal={"float64": 10_000.0},
)
def dans_as_called(work: SmallCrystals, precision: str) -> Run:
    crystals = dans_crystals(work)
    return lambda: np.array([crystal.Scatter.structure_factor(work.hkl, "xray") for crystal in crystals])


@contends(
    "Dans_Diffraction, bare mathematics",
    "form and Debye-Waller factors given: only q, r and the sum",
    tolerance=EXACT,
    every=10,
    goal={"float64": 150.0},
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
            answers.append(sf_atom(q, r, scattering_factor=form, occ=occupancy, debyewaller=damping))
        return np.array(answers)

    return run


@contends("gemmi", "one reflection a Python call, form factors anew in each", tolerance={"float64": 2e-7}, every=4)
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
    calculator = gemmi.StructureFactorCalculatorX(gemmi.UnitCell(*work.cell))
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
        structure.add_scatterer(xray.scatterer(f"{kind}{number}", b=work.b_iso, scattering_type=kind))
    structure.scattering_type_registry(table="it1992")

    def run() -> Any:
        answers = []
        for frac in work.frac:
            structure.set_sites_frac(flex.vec3_double(frac))
            direct = xray.structure_factors.from_scatterers_direct(structure, wanted, cos_sin_table=False)
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
    damped = torch.tensor(work.f0 * work.debye_waller, dtype=getattr(torch, precision)).reshape(edge, -1)
    out = torch.empty((len(work.frac), edge, edge**2), dtype=getattr(torch, COMPLEX[precision]))

    @torch.inference_mode()
    def run() -> Any:
        return product(damped, out)

    return run


@contends(
    "torch, separable",
    "as one would write it: form factors anew, a fresh tensor out",
    tolerance=BOTH,
    goal={"float64": 2.5},
)
def torch_separable(work: SmallCrystals, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    edge, product = 2 * work.reach + 1, torch_product(work, precision)
    table = gemmi.Element(work.types[0]).it92
    amplitude, width, stol = (
        torch.tensor(x, dtype=getattr(torch, precision)) for x in (table.a, table.b, argand.stol(work.hkl, work.cell))
    )

    @torch.inference_mode()
    def run() -> Any:
        f0 = amplitude @ torch.exp(-width[:, None] * stol**2) + table.c
        return product((f0 * torch.exp(-work.b_iso * stol**2)).reshape(edge, -1), None)

    return run


# --- W4: densities ----------------------------------------------------------------------------------------------------


def boxes_as(f: NDArray[Any], precision: str) -> NDArray[Any]:
    return np.ascontiguousarray(f, COMPLEX[precision])


def quarters(reach: int) -> list[tuple[Any, Any]]:
    """(part of the half box, where it goes on the grid of an FFT) for the signs of h and k."""
    signs = [(slice(reach, None), slice(None, reach + 1)), (slice(None, reach), slice(-reach, None))]
    return [((..., h, k, slice(None)), (..., on_h, on_k, slice(reach + 1))) for h, on_h in signs for k, on_k in signs]


@contends(
    "gemmi, grid to map",
    "float32 only; one box a call, the grid filled by numpy",
    tolerance={"float32": 1e-5},
    goal=FFT,
)
def gemmi_map(work: Boxes, precision: str) -> Run:
    half = boxes_as(work.half, precision)
    cell, group = gemmi.UnitCell(*work.cell), gemmi.SpaceGroup("P 1")
    one = gemmi.ComplexAsuData(cell, group, np.zeros((1, 3), np.int32), np.zeros(1, np.complex64))
    grid = one.get_f_phi_on_grid(work.shape, half_l=True)
    places = quarters(work.reach)

    def run() -> Any:
        maps = []
        for box in half:
            for part, place in places:
                grid.array[place] = box[part]
            maps.append(gemmi.transform_f_phi_grid_to_map(grid).array)
        return maps

    return run


@contends("cctbx, fft_map", "float64 only; one box a call", tolerance=EXACT, goal=FFT)
def cctbx_fft_map(work: Boxes, precision: str) -> Run:
    crystal, miller, maptbx = (peer(f"cctbx.{name}") for name in ("crystal", "miller", "maptbx"))
    flex = peer("cctbx.array_family.flex")
    symmetry = crystal.symmetry(unit_cell=work.cell, space_group_symbol="P1")
    reach = work.reach
    hkl = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    # one of each pair of Friedel mates: after -h..h in this order come the mates, in the opposite order
    unique = slice(len(hkl) // 2, None)
    wanted = miller.set(symmetry, flex.miller_index([tuple(h) for h in hkl[unique].tolist()]), anomalous_flag=False)
    values = [flex.complex_double(np.ascontiguousarray(f.ravel()[unique])) for f in work.f]
    grid = maptbx.crystal_gridding(
        unit_cell=symmetry.unit_cell(),
        space_group_info=symmetry.space_group_info(),
        pre_determined_n_real=work.shape,
    )

    def run() -> Any:
        maps = []
        for f in values:
            transformed = miller.array(wanted, f).fft_map(crystal_gridding=grid)
            transformed.apply_volume_scaling()
            maps.append(transformed.real_map_unpadded().as_numpy_array())
        return maps

    return run


@contends("scipy.fft.irfftn", "box by box, which is faster than the batch: it stays in cache", tolerance=BOTH, goal=FFT)
def scipy_irfftn(work: Boxes, precision: str) -> Run:
    half = boxes_as(work.half.conj() / work.volume, precision)  # irfftn sums exp(+2 pi i h.x)
    grid = np.zeros((work.edge, work.edge, work.edge // 2 + 1), half.dtype)
    maps = np.empty((len(half), *work.shape), precision)
    places = quarters(work.reach)

    def run() -> Any:
        for box, rho in zip(half, maps, strict=True):
            for part, place in places:
                grid[place] = box[part]
            rho[...] = scipy.fft.irfftn(grid, s=work.shape, norm="forward", workers=1)
        return maps

    return run


@contends("torch.fft.irfftn, batched", "into a reused tensor", tolerance=BOTH, goal=FFT)
def torch_irfftn(work: Boxes, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    half = torch.tensor(boxes_as(work.half.conj() / work.volume, precision))
    grid = torch.zeros((len(half), work.edge, work.edge, work.edge // 2 + 1), dtype=half.dtype)
    maps = torch.empty((len(half), *work.shape), dtype=half.real.dtype)
    places = quarters(work.reach)

    @torch.inference_mode()
    def run() -> Any:
        for part, place in places:
            grid[place] = half[part]
        return torch.fft.irfftn(grid, s=work.shape, dim=(1, 2, 3), norm="forward", out=maps)

    return run


@contends("torch.fft.irfftn, box by box", "into a reused tensor", tolerance=BOTH, goal=FFT)
def torch_irfftn_box_by_box(work: Boxes, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    half = torch.tensor(boxes_as(work.half.conj() / work.volume, precision))
    grid = torch.zeros((work.edge, work.edge, work.edge // 2 + 1), dtype=half.dtype)
    maps = torch.empty((len(half), *work.shape), dtype=half.real.dtype)
    places = quarters(work.reach)

    @torch.inference_mode()
    def run() -> Any:
        for box, rho in zip(half, maps, strict=True):
            for part, place in places:
                grid[place] = box[part]
            torch.fft.irfftn(grid, s=work.shape, norm="forward", out=rho)
        return maps

    return run


@contends("ducc0.fft.c2r", "batched, into a reused array", tolerance=BOTH, goal=FFT)
def ducc0_c2r(work: Boxes, precision: str) -> Run:
    ducc0 = peer("ducc0")
    half = boxes_as(work.half / work.volume, precision)
    grid = np.zeros((len(half), work.edge, work.edge, work.edge // 2 + 1), half.dtype)
    maps = np.empty((len(half), *work.shape), precision)
    places = quarters(work.reach)

    def run() -> Any:
        for part, place in places:
            grid[place] = half[part]
        return ducc0.fft.c2r(grid, axes=(1, 2, 3), lastsize=work.edge, forward=True, nthreads=1, out=maps)

    return run


@contends(
    "torch, matrix DFT",
    "three matrix products of the half box, every buffer reused",
    tolerance=BOTH,
    goal={"float32": 1.0, "float64": 1.4},
)
def torch_matrix_dft(work: Boxes, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    half = torch.tensor(boxes_as(work.half, precision))
    boxes, n, n_l = len(half), 2 * work.reach + 1, work.reach + 1
    x = np.arange(work.edge) / work.edge
    waves = torch.tensor(np.exp(-2j * np.pi * np.outer(x, np.arange(-work.reach, n_l)))).to(half.dtype)
    # along l the mates are added: Re F exp(-2 pi i l z), twice but for l = 0, as a real product over (Re F, Im F)
    last = np.exp(-2j * np.pi * np.outer(np.arange(n_l), x)) * np.where(np.arange(n_l) == 0, 1, 2)[:, None]
    real = np.stack([last.real, -last.imag], axis=1).reshape(2 * n_l, -1) / work.volume
    along_l = torch.tensor(real).to(half.real.dtype)
    after_h = torch.empty((boxes, work.edge, n * n_l), dtype=half.dtype)
    after_k = torch.empty((boxes * work.edge, work.edge, n_l), dtype=half.dtype)
    maps = torch.empty((boxes * work.edge**2, work.edge), dtype=along_l.dtype)

    @torch.inference_mode()
    def run() -> Any:
        torch.bmm(waves.expand(boxes, -1, -1), half.reshape(boxes, n, -1), out=after_h)
        torch.bmm(waves.expand(boxes * work.edge, -1, -1), after_h.reshape(-1, n, n_l), out=after_k)
        torch.mm(torch.view_as_real(after_k).reshape(-1, 2 * n_l), along_l, out=maps)
        return maps.reshape(boxes, *work.shape)

    return run


STRUCTURE_FACTORS: tuple[Contender, ...] = (
    torch_separable,
    torch_separable_reused,
    numpy_separable,
    finufft_type_1,
    cctbx_direct,
    gemmi_calculator,
    dans_mathematics,
    dans_as_called,
)
DENSITY: tuple[Contender, ...] = (
    torch_matrix_dft,
    ducc0_c2r,
    torch_irfftn,
    torch_irfftn_box_by_box,
    scipy_irfftn,
    gemmi_map,
    cctbx_fft_map,
)
