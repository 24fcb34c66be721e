"""The inverse transform of a box and its inverse by the FFT of an array library: numpy, torch or CuPy.

For boxes and grids that three short matrix products do not serve best. `xp` is the library, arrays are its own.
"""

from __future__ import annotations

from typing import Any

Array = Any
Box = tuple[int, int, int]


def matrix_is_cheaper(box: Box, grid: Box) -> bool:
    """Whether three matrix products cost less than an FFT of the whole grid."""
    (h, k, l), (a, b, c) = box, grid
    width_k, half, points = 2 * k + 1, l + 1, a * b * c
    matrix = 8 * a * half * width_k * (2 * h + 1) + 8 * a * b * half * width_k + 4 * points * half
    fft = 2.5 * points * max(1, (points - 1).bit_length())
    return matrix < 3 * fft  # a multiply-add of the products runs about three times as fast


def map_by_fft(xp: Any, f: Array, grid: Box, scale: float) -> Array:
    """Maps (n, a, b, c) = scale Re sum_h F(h) exp(-2 pi i h.x) of boxes (n, 2h+1, 2k+1, 2l+1)."""
    mean = (f + xp.flip(f, (1, 2, 3)).conj()) / 2  # the real part of the map
    for axis, n in enumerate(grid, 1):
        mean = _onto_grid(xp, mean, axis, n)
    half = mean[..., : grid[2] // 2 + 1].conj()  # irfftn sums exp(+2 pi i h.x)
    return xp.fft.irfftn(half, s=grid, **_axes(xp), norm="forward") * scale


def box_by_fft(xp: Any, rho: Array, box: Box, scale: float) -> Array:
    """Boxes (n, 2h+1, 2k+1, 2l+1) = scale sum_x rho(x) exp(+2 pi i h.x) of maps (n, a, b, c)."""
    f = xp.fft.fftn(rho, **_axes(xp)).conj()  # of a real map: the sum with exp(+2 pi i h.x)
    for axis, (reach, n) in enumerate(zip(box, rho.shape[1:], strict=True), 1):
        copies = [f] * (
            1 + 2 * -(-reach // n)
        )  # orders beyond the grid are those a whole grid away
        long = xp.concatenate(copies, axis) if len(copies) > 1 else f
        zero = len(copies) // 2 * n
        f = long[(slice(None),) * axis + (slice(zero - reach, zero + reach + 1),)]
    return f * scale


def _onto_grid(xp: Any, f: Array, axis: int, n: int) -> Array:
    """Orders -reach..reach of an axis added up on n points, each at its remainder by n."""
    reach = f.shape[axis] // 2
    before = -(-reach // n) * n  # a multiple of n, so that order 0 falls on point 0
    length = -(-(before + reach + 1) // n) * n
    shape = list(f.shape)
    shape[axis] = length
    padded = f.new_zeros(shape) if hasattr(f, "new_zeros") else xp.zeros(shape, f.dtype)
    padded[(slice(None),) * axis + (slice(before - reach, before + reach + 1),)] = f
    return padded.reshape(*shape[:axis], length // n, n, *shape[axis + 1 :]).sum(axis)


def _axes(xp: Any) -> dict[str, Any]:
    return {"dim" if xp.__name__ == "torch" else "axes": (1, 2, 3)}
