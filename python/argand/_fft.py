"""Transforms between boxes of structure factors and maps by FFT: of numpy, torch or CuPy.

They serve boxes and grids for which three short matrix products are slower. `xp` is the library,
arrays are its own.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

Array = Any
Sides = tuple[int, int, int]

# The axes of a map or a box of reflections in an array with one leading axis.
_AXES = (1, 2, 3)
# A multiply-add of the matrix products runs so many times as fast as an operation of the FFT.
_MATRIX_SPEED = 3


def matrix_is_cheaper(box: Sides, grid: Sides) -> bool:
    """Estimate whether three matrix products cost less than an FFT of the whole grid.

    Parameters
    ----------
    box
        (h, k, l) of the reflections -h..h, -k..k, -l..l.
    grid
        (na, nb, nc) points of the map.
    """
    h, k, l = box
    na, nb, nc = grid
    points = na * nb * nc
    # Friedel's law halves the sum over l.
    width_h, width_k = 2 * h + 1, 2 * k + 1
    half_l = l + 1
    along_a = 8 * na * half_l * width_k * width_h
    along_b = 8 * na * nb * half_l * width_k
    along_c = 4 * points * half_l
    fft = 2.5 * points * max(1, (points - 1).bit_length())
    return along_a + along_b + along_c < _MATRIX_SPEED * fft


def map_by_fft(xp: Any, f: Array, grid: Sides, scale: float) -> Array:
    """Transform boxes to maps by FFT: rho(x) = scale Re sum_h F(h) exp(-2 pi i h.x).

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    xp
        The library of the array: numpy, torch or CuPy.
    f
        Boxes (n, 2h+1, 2k+1, 2l+1), complex, h slowest.
    grid
        (na, nb, nc).

    Returns
    -------
    (n, na, nb, nc), real.
    """
    with _device_of(xp, f):
        # The Hermitian part of F transforms to the real part of the map.
        folded = (f + xp.flip(f, _AXES).conj()) / 2
        for axis, points in zip(_AXES, grid, strict=True):
            folded = _fold_axis(xp, folded, axis, points)
        # irfftn sums exp(+2 pi i h.x), so that it gets conj F.
        half = folded[..., : grid[2] // 2 + 1].conj()
        rho = xp.fft.irfftn(half, s=grid, **_axes_argument(xp), norm="forward")
        return rho * scale


def box_by_fft(xp: Any, rho: Array, box: Sides, scale: float) -> Array:
    """Transform maps to boxes by FFT: F(h) = scale sum_x rho(x) exp(+2 pi i h.x).

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    xp
        The library of the array: numpy, torch or CuPy.
    rho
        Maps (n, na, nb, nc), real.
    box
        (h, k, l).

    Returns
    -------
    (n, 2h+1, 2k+1, 2l+1), complex, h slowest.
    """
    with _device_of(xp, rho):
        # fftn sums exp(-2 pi i h.x): for a real map that is conj F.
        f = xp.fft.fftn(rho, **_axes_argument(xp)).conj()
        for axis, reach, points in zip(_AXES, box, rho.shape[1:], strict=True):
            # An order beyond the grid has the value of the order that is a whole grid away.
            grids_each_way = -(-reach // points)
            if grids_each_way:
                f = xp.concatenate([f] * (1 + 2 * grids_each_way), axis)
            zero = grids_each_way * points
            f = f[_orders_of_axis(axis, zero, reach)]
        return f * scale


def _device_of(xp: Any, array: Array) -> Any:
    """Return a context in which the library works on the device of an array.

    CuPy works on its current device, whatever the arrays; torch works where they lie.
    """
    return array.device if xp.__name__ == "cupy" else nullcontext()


def _fold_axis(xp: Any, f: Array, axis: int, points: int) -> Array:
    """Add up the orders -reach..reach of an axis on a grid, each at its remainder by `points`."""
    reach = f.shape[axis] // 2
    # Order 0 stands at a multiple of the number of points, so that it falls on point 0.
    zero = -(-reach // points) * points
    length = -(-(zero + reach + 1) // points) * points
    shape = list(f.shape)
    shape[axis] = length
    padded = _zeros(xp, f, shape)
    padded[_orders_of_axis(axis, zero, reach)] = f
    whole_grids = length // points
    folds = (*shape[:axis], whole_grids, points, *shape[axis + 1 :])
    return padded.reshape(folds).sum(axis)


def _zeros(xp: Any, like: Array, shape: list[int]) -> Array:
    """Allocate zeros of a shape, in the dtype and on the device of the array `like`."""
    if xp.__name__ == "torch":
        return like.new_zeros(shape)
    return xp.zeros(shape, like.dtype)


def _orders_of_axis(axis: int, zero: int, reach: int) -> tuple[slice, ...]:
    """Index the orders -reach..reach of an axis on which order 0 stands at `zero`."""
    whole_axis, orders = slice(None), slice(zero - reach, zero + reach + 1)
    return (*[whole_axis] * axis, orders)


def _axes_argument(xp: Any) -> dict[str, tuple[int, int, int]]:
    """Return the axes of a transform by the name that the library has for them."""
    return {"dim" if xp.__name__ == "torch" else "axes": _AXES}
