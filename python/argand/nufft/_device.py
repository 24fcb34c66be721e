"""Non-uniform transforms on a CUDA device, where there is one and cufinufft and CuPy are installed.

Points and strengths travel to the device, cufinufft does all that `_grid` does elsewhere, and the box comes back: it
holds the orders -reach to reach in rising order.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam, cuda
from argand.cell import FloatArray
from argand.nufft._basis import Basis
from argand.nufft._pairs import Box, Complex, Pair, Reflections, Strengths


def usable() -> bool:
    return cuda.is_available() and all(
        importlib.util.find_spec(name) for name in ("cufinufft", "cupy")
    )


def forward(
    frac: FloatArray,
    strengths: Strengths,
    pairs: Sequence[Pair],
    basis: Basis,
    reflections: Reflections,
) -> NDArray[np.complex128]:
    """As `_transforms.forward`."""
    f = np.zeros(len(reflections.hkl), np.complex128)
    device = _Device(1, frac, reflections)
    for pair in pairs:
        values, functions = device(pair, strengths.of(pair)), basis.pair(pair)
        _seam.gathering_pair(reflections, device.box, functions, values, f)(0, len(f))
    return f


class Backward:
    """As `_transforms.Backward`."""

    def __init__(self, frac: FloatArray, basis: Basis, reflections: Reflections) -> None:
        self._device, self._basis, self._reflections = (
            _Device(2, frac, reflections),
            basis,
            reflections,
        )

    def __call__(self, pair: Pair, a: Complex) -> Complex:
        values = np.zeros(self._device.shape, pair.dtype)
        _seam.scatter_pair(self._reflections, self._device.box, self._basis.pair(pair), a, values)
        return self._device(pair, values)


class _Device:
    def __init__(self, sort: int, frac: FloatArray, reflections: Reflections) -> None:
        import cufinufft
        import cupy

        self._make, self._cupy, self._sort = cufinufft.Plan, cupy, sort
        self._angle = 2.0 * np.pi * (frac - np.rint(frac)).T
        h, k, l = (2 * n + 1 for n in reflections.reach)
        self.shape = (h, k, l)
        self.box = Box(
            [np.arange(n) * step for n, step in zip(self.shape, (k * l, l, 1), strict=True)],
            [np.ones(n) for n in self.shape],
        )
        self._made: tuple[float, bool] | None = None

    def __call__(self, pair: Pair, values: Complex) -> Complex:
        if (pair.eps, pair.single) != self._made:
            self._plan = self._make(self._sort, self.shape, 1, pair.eps, 1, dtype=pair.dtype)
            # kept, since the plan knows their addresses only
            self._points = [self._cupy.asarray(axis.astype(pair.real)) for axis in self._angle]
            self._plan.setpts(*self._points)
            self._made = pair.eps, pair.single
        found: Any = self._plan.execute(
            self._cupy.asarray(np.ascontiguousarray(values, pair.dtype))
        )
        return np.asarray(self._cupy.asnumpy(found))
