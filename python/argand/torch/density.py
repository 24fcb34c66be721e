"""The inverse transform to density and its inverse as torch operators, differentiable to any order.

Both are linear and, for equal scales, each is the adjoint of the other: the derivative of one is a call of the other.
On a CUDA device boxes too large for the kernels go to torch.fft.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from argand import _seam
from argand._fft import box_by_fft, map_by_fft, matrix_is_cheaper
from argand._memory import demand
from argand.torch._library import COMPLEX, LIBRARY, plain

_REAL = {complex_: real for real, complex_ in COMPLEX.items()}


def map_from_structure_factors(
    f: Tensor, shape: tuple[int, int, int], volume: float | Tensor = 1.0
) -> Tensor:
    """rho(x) = (1/V) Re sum_h F(h) exp(-2 pi i h.x) on a grid over the whole cell.

    `f` is a box (..., 2h+1, 2k+1, 2l+1), complex64 or complex128, h slowest, any number of leading axes; the map is
    (..., na, nb, nc) in e/A^3 for `volume` V in A^3: a number, or a tensor of the leading axes. F need not be
    Hermitian: the real part of the sum is taken.
    """
    if f.ndim < 3 or f.dtype not in _REAL:
        raise ValueError(
            f"f is {f.dtype} {tuple(f.shape)}, needs a complex tensor (..., 2h+1, 2k+1, 2l+1)"
        )
    if len(shape) != 3:
        raise ValueError(f"shape is {tuple(shape)}, needs three numbers >= 1")
    flat = f.reshape(-1, *f.shape[-3:])
    if isinstance(volume, Tensor):
        rho = torch.ops.argand.map_from_structure_factors(flat, list(shape), 1.0)
        return rho.reshape(*f.shape[:-3], *shape) / volume[..., None, None, None]
    rho = torch.ops.argand.map_from_structure_factors(flat, list(shape), 1.0 / volume)
    return rho.reshape(*f.shape[:-3], *shape)


def structure_factors_from_map(
    rho: Tensor, hkl_max: int | tuple[int, int, int], volume: float | Tensor = 1.0
) -> Tensor:
    """F(h) = (V/N) sum_x rho(x) exp(+2 pi i h.x) on the box -h..h, -k..k, -l..l: undoes `map_from_structure_factors`
    where the grid has more than 2 h_max points along each axis.

    `rho` (..., na, nb, nc) float32 or float64 gives (..., 2h+1, 2k+1, 2l+1).
    """
    if rho.ndim < 3 or rho.dtype not in COMPLEX:
        raise ValueError(
            f"rho is {rho.dtype} {tuple(rho.shape)}, needs a real tensor (..., na, nb, nc)"
        )
    reach = [hkl_max] * 3 if isinstance(hkl_max, int) else list(hkl_max)
    grid = rho.shape[-3:]
    points = grid[0] * grid[1] * grid[2]
    per_map = isinstance(volume, Tensor)
    scale = 1.0 / points if isinstance(volume, Tensor) else volume / points
    f = torch.ops.argand.structure_factors_from_map(rho.reshape(-1, *grid), reach, scale)
    f = f.reshape(*rho.shape[:-3], *f.shape[-3:])
    return f * volume[..., None, None, None] if per_map and isinstance(volume, Tensor) else f


LIBRARY.define("map_from_structure_factors(Tensor f, int[3] shape, float scale) -> Tensor")
LIBRARY.define("structure_factors_from_map(Tensor rho, int[3] hkl_max, float scale) -> Tensor")


@torch.library.register_fake("argand::map_from_structure_factors", lib=LIBRARY)
def _map_fake(f: Tensor, shape: Sequence[int], scale: float) -> Tensor:
    return f.new_empty([f.shape[0], *shape], dtype=_REAL[f.dtype])


def _compact(real: torch.dtype, box: Sequence[int], grid: Sequence[int]) -> bool:
    """Whether a device's kernel is to take a box; else it goes to torch.fft."""
    reach, points = (box[0], box[1], box[2]), (grid[0], grid[1], grid[2])
    return matrix_is_cheaper(reach, points) and _seam.transform_fits(
        str(real).removeprefix("torch."), reach, points
    )


@torch.library.impl(LIBRARY, "map_from_structure_factors", "CUDA")
def _map_cuda(f: Tensor, shape: Sequence[int], scale: float) -> Tensor:
    if _compact(_REAL[f.dtype], [n // 2 for n in f.shape[1:]], shape):
        return _map(f, shape, scale)
    return map_by_fft(torch, plain(f), (shape[0], shape[1], shape[2]), scale)


@torch.library.impl(LIBRARY, "map_from_structure_factors", "CPU")
def _map(f: Tensor, shape: Sequence[int], scale: float) -> Tensor:
    numbers = f.shape[0] * math.prod(shape)
    demand(
        f"{f.shape[0]} maps of {numbers:,} points",
        _REAL[f.dtype].itemsize * numbers,
        "give fewer at a time",
    )
    rho = _map_fake(f, shape, scale)
    _seam.map_from_structure_factors(plain(f), rho, scale)
    return rho


@torch.library.register_fake("argand::structure_factors_from_map", lib=LIBRARY)
def _box_fake(rho: Tensor, hkl_max: Sequence[int], scale: float) -> Tensor:
    return rho.new_empty([rho.shape[0], *(2 * n + 1 for n in hkl_max)], dtype=COMPLEX[rho.dtype])


@torch.library.impl(LIBRARY, "structure_factors_from_map", "CUDA")
def _box_cuda(rho: Tensor, hkl_max: Sequence[int], scale: float) -> Tensor:
    if _compact(rho.dtype, hkl_max, rho.shape[1:]):
        return _box(rho, hkl_max, scale)
    return box_by_fft(torch, plain(rho), (hkl_max[0], hkl_max[1], hkl_max[2]), scale).contiguous()


@torch.library.impl(LIBRARY, "structure_factors_from_map", "CPU")
def _box(rho: Tensor, hkl_max: Sequence[int], scale: float) -> Tensor:
    numbers = rho.shape[0] * math.prod(2 * n + 1 for n in hkl_max)
    demand(
        f"F of {rho.shape[0]} maps, {numbers:,} numbers",
        COMPLEX[rho.dtype].itemsize * numbers,
        "give fewer at a time",
    )
    f = _box_fake(rho, hkl_max, scale)
    _seam.structure_factors_from_map(plain(rho), f, scale)
    return f


def _map_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    f, _, ctx.scale = inputs
    ctx.hkl_max = [n // 2 for n in f.shape[1:]]


def _map_backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
    return torch.ops.argand.structure_factors_from_map(g, ctx.hkl_max, ctx.scale), None, None


def _box_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    rho, _, ctx.scale = inputs
    ctx.shape = list(rho.shape[1:])


def _box_backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
    return torch.ops.argand.map_from_structure_factors(g, ctx.shape, ctx.scale), None, None


torch.library.register_autograd(
    "argand::map_from_structure_factors", _map_backward, setup_context=_map_setup, lib=LIBRARY
)
torch.library.register_autograd(
    "argand::structure_factors_from_map", _box_backward, setup_context=_box_setup, lib=LIBRARY
)
