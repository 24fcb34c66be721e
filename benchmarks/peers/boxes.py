"""W4: compact boxes of hkl to densities."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
import pytest
import scipy.fft
from numpy.typing import NDArray

from contender import Contender, Run, contends
from goals import faster
from peers.common import BOTH, COMPLEX, EXACT, peer
from workloads import Boxes

BEST_FFT = faster(3, among="the best FFT")
FFT = {"float64": BEST_FFT, "float32": BEST_FFT}


def boxes_as(f: NDArray[Any], precision: str) -> NDArray[Any]:
    return np.ascontiguousarray(f, COMPLEX[precision])


def quarters(reach: int) -> list[tuple[Any, Any]]:
    """(part of the half box, where it goes on the grid of an FFT) for the signs of h and k."""
    signs = [
        (slice(reach, None), slice(None, reach + 1)),
        (slice(None, reach), slice(-reach, None)),
    ]
    return [
        ((..., h, k, slice(None)), (..., on_h, on_k, slice(reach + 1)))
        for h, on_h in signs
        for k, on_k in signs
    ]


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
    hkl = np.stack(
        np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1
    ).reshape(-1, 3)
    # one of each pair of Friedel mates: after -h..h in this order come the mates, in the opposite order
    unique = slice(len(hkl) // 2, None)
    wanted = miller.set(
        symmetry, flex.miller_index([tuple(h) for h in hkl[unique].tolist()]), anomalous_flag=False
    )
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


@contends(
    "scipy.fft.irfftn",
    "box by box, which is faster than the batch: it stays in cache",
    tolerance=BOTH,
    goal=FFT,
)
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
        return ducc0.fft.c2r(
            grid, axes=(1, 2, 3), lastsize=work.edge, forward=True, nthreads=1, out=maps
        )

    return run


@contends(
    "torch, matrix DFT",
    "three matrix products of the half box, every buffer reused",
    tolerance=BOTH,
    goal={"float32": faster(1), "float64": faster(1.4)},
)
def torch_matrix_dft(work: Boxes, precision: str) -> Run:
    torch = pytest.importorskip("torch")
    half = torch.tensor(boxes_as(work.half, precision))
    boxes, n, n_l = len(half), 2 * work.reach + 1, work.reach + 1
    x = np.arange(work.edge) / work.edge
    waves = torch.tensor(np.exp(-2j * np.pi * np.outer(x, np.arange(-work.reach, n_l)))).to(
        half.dtype
    )
    # along l the mates are added: Re F exp(-2 pi i l z), twice but for l = 0, as a real product over (Re F, Im F)
    last = (
        np.exp(-2j * np.pi * np.outer(np.arange(n_l), x))
        * np.where(np.arange(n_l) == 0, 1, 2)[:, None]
    )
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


PEERS: tuple[Contender, ...] = (
    torch_matrix_dft,
    ducc0_c2r,
    torch_irfftn,
    torch_irfftn_box_by_box,
    scipy_irfftn,
    gemmi_map,
    cctbx_fft_map,
)
