"""The inverse transform to density and its inverse as torch operators, differentiable to any order.

Both are linear and, for equal scales, each is the adjoint of the other: the derivative of one is a
call of the other. On a CUDA device boxes too large for the kernels go to torch.fft.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from argand import _seam
from argand._fft import box_by_fft, map_by_fft, matrix_is_cheaper
from argand.torch._library import (
    COMPLEX,
    LIBRARY,
    REAL,
    call,
    empty_like,
    operator_function,
    plain,
)


def map_from_structure_factors(
    f: Tensor,
    shape: tuple[int, int, int],
    volume: float | Tensor = 1.0,
) -> Tensor:
    """Transform boxes of structure factors to maps: rho(x) = (1/V) Re sum_h F(h) exp(-2 pi i h.x).

    It is differentiable by `f` and by `volume`, to any order.

    Parameters
    ----------
    f
        Boxes (..., 2h+1, 2k+1, 2l+1), complex64 or complex128, h slowest, with any number of
        leading axes. F need not be Hermitian: the real part of the sum is taken.
    shape
        Grid (na, nb, nc) over the whole cell.
    volume
        Volume V of the cell in A^3: a number, or a tensor of the leading axes.

    Returns
    -------
    (..., na, nb, nc) float32 or float64, in e/A^3.

    Raises
    ------
    ValueError
        Names the argument, what it is and what it must be.
    MemoryLimitError
        The maps take more than `argand.memory_limit()`.
    """
    if f.ndim < 3 or f.dtype not in REAL:
        raise ValueError(
            f"f is {f.dtype} {tuple(f.shape)}, needs a complex tensor (..., 2h+1, 2k+1, 2l+1)"
        )
    if len(shape) != 3:
        raise ValueError(f"shape is {tuple(shape)}, needs three numbers >= 1")
    *leading, rows, columns, layers = f.shape
    boxes = f.reshape(-1, rows, columns, layers)
    scale = 1.0 if isinstance(volume, Tensor) else 1.0 / volume
    rho: Tensor = call(_ToMap, boxes, list(shape), scale)
    rho = rho.reshape(*leading, *shape)
    if isinstance(volume, Tensor):
        return rho / volume[..., None, None, None]
    return rho


def structure_factors_from_map(
    rho: Tensor,
    hkl_max: int | tuple[int, int, int],
    volume: float | Tensor = 1.0,
) -> Tensor:
    """Transform maps to boxes of structure factors: F(h) = (V/N) sum_x rho(x) exp(+2 pi i h.x).

    It undoes `map_from_structure_factors` where the grid has more than 2 h_max points along each
    axis. It is differentiable by `rho` and by `volume`, to any order.

    Parameters
    ----------
    rho
        Maps (..., na, nb, nc) over the whole cell, float32 or float64, in e/A^3.
    hkl_max
        Box (h, k, l), or one number for three equal sides.
    volume
        Volume V of the cell in A^3: a number, or a tensor of the leading axes.

    Returns
    -------
    (..., 2h+1, 2k+1, 2l+1) complex64 or complex128, h slowest.

    Raises
    ------
    ValueError
        Names the argument, what it is and what it must be.
    MemoryLimitError
        F takes more than `argand.memory_limit()`.
    """
    if rho.ndim < 3 or rho.dtype not in COMPLEX:
        raise ValueError(
            f"rho is {rho.dtype} {tuple(rho.shape)}, needs a real tensor (..., na, nb, nc)"
        )
    reach = [hkl_max] * 3 if isinstance(hkl_max, int) else list(hkl_max)
    *leading, na, nb, nc = rho.shape
    points = na * nb * nc
    scale = 1.0 / points if isinstance(volume, Tensor) else volume / points
    maps = rho.reshape(-1, na, nb, nc)
    f: Tensor = call(_FromMap, maps, reach, scale)
    f = f.reshape(*leading, *f.shape[-3:])
    if isinstance(volume, Tensor):
        return f * volume[..., None, None, None]
    return f


LIBRARY.define("map_from_structure_factors(Tensor f, int[3] shape, float scale) -> Tensor")
LIBRARY.define("structure_factors_from_map(Tensor rho, int[3] hkl_max, float scale) -> Tensor")


@torch.library.register_fake("argand::map_from_structure_factors", lib=LIBRARY)
def _map_fake(f: Tensor, shape: Sequence[int], scale: float) -> Tensor:
    rho_shape = (f.shape[0], *shape)
    return f.new_empty(rho_shape, dtype=REAL[f.dtype])


def _kernel_is_cheaper(
    real: torch.dtype,
    box: Sequence[int],
    grid: Sequence[int],
) -> bool:
    """Tell whether the device's kernel takes a box, and is cheaper than torch.fft."""
    h, k, l = box
    na, nb, nc = grid
    sides, points = (h, k, l), (na, nb, nc)
    if not matrix_is_cheaper(sides, points):
        return False
    name = "float32" if real == torch.float32 else "float64"
    return _seam.transform_fits(name, sides, points)


@torch.library.impl(LIBRARY, "map_from_structure_factors", "CUDA")
def _map_on_device(
    f: Tensor,
    shape: Sequence[int],
    scale: float,
) -> Tensor:
    reach = [length // 2 for length in f.shape[1:]]
    if _kernel_is_cheaper(REAL[f.dtype], reach, shape):
        return _map_by_kernel(f, shape, scale)
    na, nb, nc = shape
    rho: Tensor = map_by_fft(torch, plain(f), (na, nb, nc), scale)
    return rho.contiguous()


@torch.library.impl(LIBRARY, "map_from_structure_factors", "CPU")
def _map_by_kernel(
    f: Tensor,
    shape: Sequence[int],
    scale: float,
) -> Tensor:
    maps, real = f.shape[0], REAL[f.dtype]
    points = maps * math.prod(shape)
    rho = empty_like(f, f"{maps} maps of {points:,} points", (maps, *shape), real)
    _seam.map_from_structure_factors(plain(f), rho, scale)
    return rho


@torch.library.register_fake("argand::structure_factors_from_map", lib=LIBRARY)
def _box_fake(rho: Tensor, hkl_max: Sequence[int], scale: float) -> Tensor:
    h, k, l = hkl_max
    f_shape = (rho.shape[0], *_seam.box_shape((h, k, l)))
    return rho.new_empty(f_shape, dtype=COMPLEX[rho.dtype])


@torch.library.impl(LIBRARY, "structure_factors_from_map", "CUDA")
def _box_on_device(
    rho: Tensor,
    hkl_max: Sequence[int],
    scale: float,
) -> Tensor:
    if _kernel_is_cheaper(rho.dtype, hkl_max, rho.shape[1:]):
        return _box_by_kernel(rho, hkl_max, scale)
    h, k, l = hkl_max
    f = box_by_fft(torch, plain(rho), (h, k, l), scale)
    return f.contiguous()


@torch.library.impl(LIBRARY, "structure_factors_from_map", "CPU")
def _box_by_kernel(
    rho: Tensor,
    hkl_max: Sequence[int],
    scale: float,
) -> Tensor:
    h, k, l = hkl_max
    maps = rho.shape[0]
    shape = (maps, *_seam.box_shape((h, k, l)))
    numbers = math.prod(shape)
    f = empty_like(rho, f"F of {maps} maps, {numbers:,} numbers", shape, COMPLEX[rho.dtype])
    _seam.structure_factors_from_map(plain(rho), f, scale)
    return f


def _map_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    f, ctx.shape, ctx.scale = inputs
    ctx.hkl_max = [length // 2 for length in f.shape[1:]]


def _map_backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
    by_f = call(_FromMap, g, ctx.hkl_max, ctx.scale)
    return by_f, None, None


def _box_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    rho, ctx.hkl_max, ctx.scale = inputs
    ctx.shape = list(rho.shape[1:])


def _box_backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
    by_rho = call(_ToMap, g, ctx.shape, ctx.scale)
    return by_rho, None, None


def _map_jvp(ctx: Any, tangent: Tensor, *_: None) -> Any:
    return call(_ToMap, tangent, ctx.shape, ctx.scale)


def _box_jvp(ctx: Any, tangent: Tensor, *_: None) -> Any:
    return call(_FromMap, tangent, ctx.hkl_max, ctx.scale)


_ToMap = operator_function(
    "map_from_structure_factors", backward=_map_backward, jvp=_map_jvp, setup_context=_map_setup
)
_FromMap = operator_function(
    "structure_factors_from_map", backward=_box_backward, jvp=_box_jvp, setup_context=_box_setup
)
torch.library.register_autograd(
    "argand::map_from_structure_factors", _map_backward, setup_context=_map_setup, lib=LIBRARY
)
torch.library.register_autograd(
    "argand::structure_factors_from_map", _box_backward, setup_context=_box_setup, lib=LIBRARY
)
