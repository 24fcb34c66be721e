"""Peers of W4: compact boxes of hkl to densities."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
import pytest
import scipy.fft
from numpy.typing import NDArray

import argand
from contender import Contender, Run, contends
from goals import faster
from peers.cctbx_structure import miller_set, symmetry
from peers.common import BOTH, EXACT, peer
from precisions import COMPLEX
from workloads import Boxes

BEST_FFT = faster(3, among="the best FFT")
FFT = {"float64": BEST_FFT, "float32": BEST_FFT}


def boxes_as(f: NDArray[Any], precision: str) -> NDArray[Any]:
    """Return boxes of F in a precision."""
    return np.ascontiguousarray(f, COMPLEX[precision])


def quarters(reach: int) -> list[tuple[Any, Any]]:
    """Return where each quarter of a half box stands in the box and on the grid of an FFT.

    The quarters are those of the signs of h and k.
    """
    signs = [
        (slice(reach, None), slice(None, reach + 1)),
        (slice(None, reach), slice(-reach, None)),
    ]
    quarters = []
    for h_in_box, h_on_grid in signs:
        for k_in_box, k_on_grid in signs:
            in_box = (..., h_in_box, k_in_box, slice(None))
            on_grid = (..., h_on_grid, k_on_grid, slice(reach + 1))
            quarters.append((in_box, on_grid))
    return quarters


def half_grid(work: Boxes) -> tuple[int, int, int]:
    """Return the shape of the grid that a transform to real numbers takes."""
    return work.edge, work.edge, work.edge // 2 + 1


def conjugate_half(work: Boxes, precision: str) -> NDArray[Any]:
    """Return conj F / V of the half boxes, since an irfftn sums exp(+2 pi i h.x)."""
    return boxes_as(work.half.conj() / work.volume, precision)


@contends(
    "gemmi, grid to map",
    "float32 only; one box a call, the grid filled by numpy",
    tolerance={"float32": 1e-5},
    goal=FFT,
)
def gemmi_map(work: Boxes, precision: str) -> Run:
    """Prepare gemmi's transform of a grid."""
    half = boxes_as(work.half, precision)
    cell, group = gemmi.UnitCell(*work.cell), gemmi.SpaceGroup("P 1")
    # A list of one reflection is enough to make gemmi's grid; its values are overwritten.
    hkl = np.zeros((1, 3), np.int32)
    f = np.zeros(1, np.complex64)
    one_reflection = gemmi.ComplexAsuData(cell, group, hkl, f)
    grid = one_reflection.get_f_phi_on_grid(work.shape, half_l=True)
    parts = quarters(work.reach)

    def run() -> Any:
        maps = []
        for box in half:
            for in_box, on_grid in parts:
                grid.array[on_grid] = box[in_box]
            maps.append(gemmi.transform_f_phi_grid_to_map(grid).array)
        return maps

    return run


@contends("cctbx, fft_map", "float64 only; one box a call", tolerance=EXACT, goal=FFT)
def cctbx_fft_map(work: Boxes, precision: str) -> Run:
    """Prepare cctbx's map of a list of reflections."""
    miller = peer("cctbx.miller")
    flex = peer("cctbx.array_family.flex")
    hkl = argand.hkl_cube(work.reach)
    # The second half of the cube, from 0 0 0 on, holds one of each pair of Friedel mates.
    unique = slice(len(hkl) // 2, None)
    reflections = miller_set(work.cell, hkl[unique], anomalous=False)
    values = []
    for box in work.f:
        f_of_list = np.ascontiguousarray(box.ravel()[unique])
        values.append(flex.complex_double(f_of_list))
    of_cell = symmetry(work.cell)
    grid = peer("cctbx.maptbx").crystal_gridding(
        unit_cell=of_cell.unit_cell(),
        space_group_info=of_cell.space_group_info(),
        pre_determined_n_real=work.shape,
    )

    def run() -> Any:
        maps = []
        for f in values:
            fft_map = miller.array(reflections, f).fft_map(crystal_gridding=grid)
            fft_map.apply_volume_scaling()
            maps.append(fft_map.real_map_unpadded().as_numpy_array())
        return maps

    return run


@contends(
    "scipy.fft.irfftn",
    "box by box, which is faster than the batch: it stays in cache",
    tolerance=BOTH,
    goal=FFT,
)
def scipy_irfftn(work: Boxes, precision: str) -> Run:
    """Prepare scipy's transform of each box."""
    half = conjugate_half(work, precision)
    grid = np.zeros(half_grid(work), half.dtype)
    maps = np.empty((len(half), *work.shape), precision)
    parts = quarters(work.reach)

    def run() -> Any:
        for box, rho in zip(half, maps, strict=True):
            for in_box, on_grid in parts:
                grid[on_grid] = box[in_box]
            rho[...] = scipy.fft.irfftn(grid, s=work.shape, norm="forward", workers=1)
        return maps

    return run


@contends("torch.fft.irfftn, batched", "into a reused tensor", tolerance=BOTH, goal=FFT)
def torch_irfftn(work: Boxes, precision: str) -> Run:
    """Prepare torch's transform of all boxes at once."""
    torch = pytest.importorskip("torch")
    half = torch.tensor(conjugate_half(work, precision))
    grid = torch.zeros((len(half), *half_grid(work)), dtype=half.dtype)
    maps = torch.empty((len(half), *work.shape), dtype=half.real.dtype)
    parts = quarters(work.reach)

    @torch.inference_mode()
    def run() -> Any:
        for in_box, on_grid in parts:
            grid[on_grid] = half[in_box]
        return torch.fft.irfftn(grid, s=work.shape, dim=(1, 2, 3), norm="forward", out=maps)

    return run


@contends("torch.fft.irfftn, box by box", "into a reused tensor", tolerance=BOTH, goal=FFT)
def torch_irfftn_box_by_box(work: Boxes, precision: str) -> Run:
    """Prepare torch's transform of each box."""
    torch = pytest.importorskip("torch")
    half = torch.tensor(conjugate_half(work, precision))
    grid = torch.zeros(half_grid(work), dtype=half.dtype)
    maps = torch.empty((len(half), *work.shape), dtype=half.real.dtype)
    parts = quarters(work.reach)

    @torch.inference_mode()
    def run() -> Any:
        for box, rho in zip(half, maps, strict=True):
            for in_box, on_grid in parts:
                grid[on_grid] = box[in_box]
            torch.fft.irfftn(grid, s=work.shape, norm="forward", out=rho)
        return maps

    return run


@contends("ducc0.fft.c2r", "batched, into a reused array", tolerance=BOTH, goal=FFT)
def ducc0_c2r(work: Boxes, precision: str) -> Run:
    """Prepare ducc0's transform of all boxes at once."""
    ducc0 = peer("ducc0")
    half = boxes_as(work.half / work.volume, precision)
    grid = np.zeros((len(half), *half_grid(work)), half.dtype)
    maps = np.empty((len(half), *work.shape), precision)
    parts = quarters(work.reach)

    def run() -> Any:
        for in_box, on_grid in parts:
            grid[on_grid] = half[in_box]
        return ducc0.fft.c2r(
            grid,
            axes=(1, 2, 3),
            lastsize=work.edge,
            forward=True,
            nthreads=1,
            out=maps,
        )

    return run


@contends(
    "torch, matrix DFT",
    "three matrix products of the half box, every buffer reused",
    tolerance=BOTH,
    goal={"float32": faster(1), "float64": faster(1.4)},
)
def torch_matrix_dft(work: Boxes, precision: str) -> Run:
    """Prepare a transform as a matrix product along each axis."""
    torch = pytest.importorskip("torch")
    half = torch.tensor(boxes_as(work.half, precision))
    boxes, edge = len(half), work.edge
    n_l = work.reach + 1
    n = 2 * work.reach + 1
    x = np.arange(edge) / edge
    h = np.arange(-work.reach, n_l)
    l = np.arange(n_l)
    along_h = np.exp(-2j * np.pi * np.outer(x, h))
    waves = torch.tensor(along_h, dtype=half.dtype)
    # Along l the Friedel mates are added: Re F exp(-2 pi i l z), twice but for l = 0, as a real
    # product over (Re F, Im F).
    twice = np.where(l == 0, 1, 2)[:, None]
    last = np.exp(-2j * np.pi * np.outer(l, x)) * twice
    real = np.stack([last.real, -last.imag], axis=1) / work.volume
    along_l = torch.tensor(real.reshape(2 * n_l, -1), dtype=half.real.dtype)
    waves_of_boxes = waves.expand(boxes, -1, -1)
    waves_of_planes = waves.expand(boxes * edge, -1, -1)
    after_h = torch.empty((boxes, edge, n * n_l), dtype=half.dtype)
    after_k = torch.empty((boxes * edge, edge, n_l), dtype=half.dtype)
    maps = torch.empty((boxes * edge**2, edge), dtype=along_l.dtype)

    @torch.inference_mode()
    def run() -> Any:
        torch.bmm(waves_of_boxes, half.reshape(boxes, n, -1), out=after_h)
        torch.bmm(waves_of_planes, after_h.reshape(-1, n, n_l), out=after_k)
        real_and_imaginary = torch.view_as_real(after_k)
        torch.mm(real_and_imaginary.reshape(-1, 2 * n_l), along_l, out=maps)
        return maps.reshape(boxes, *work.shape)

    return run


PEERS: tuple[Contender, ...] = (
    torch_matrix_dft,
    ducc0_c2r,
    torch_irfftn,
    torch_irfftn_box_by_box,
    scipy_irfftn,
    gemmi_map,
    cctbx_fft_map,
)
