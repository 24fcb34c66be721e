"""Transform between points and reflections on a CUDA device, by cufinufft and CuPy.

Points and strengths travel to the device, cufinufft does what `transforms` does elsewhere, and the
box of orders -reach .. reach comes back in rising order.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand.cell import FloatArray
from argand.nufft.basis import Basis
from argand.nufft.grid import INTERPOLATE, SPREAD
from argand.nufft.pairs import BoxAxes, Complex, HklList, Pair, Sources


def usable() -> bool:
    """Tell whether there is a device, and cufinufft and CuPy are installed."""
    from argand import cuda

    if not cuda.is_available():
        return False
    return all(importlib.util.find_spec(name) for name in ("cufinufft", "cupy"))


def forward(
    sources: Sources, pairs: Sequence[Pair], basis: Basis, hkl_list: HklList
) -> NDArray[np.complex128]:
    """Sum v1 A1 + v2 A2 over pairs on a device, at a list of reflections (m,).

    Parameters
    ----------
    sources : Sources
        Points and their strengths.
    pairs : sequence of Pair
        Accuracy of each pair's transform.
    basis : Basis
        The functions v_r.
    hkl_list : HklList
        Reflections, inside the interval of the basis.
    """
    f = np.zeros(len(hkl_list.hkl), np.complex128)
    transform = _DeviceTransform(SPREAD, sources.angle, hkl_list)
    for pair in pairs:
        box = transform(pair, sources.of_pair(pair))
        series = basis.series_of_pair(pair)
        _seam.add_box_to_reflections(
            hkl_list.hkl, hkl_list.q, transform.axes, series, basis.interval, box, f, 0, len(f)
        )
    return f


class DeviceBackward:
    """Compute real fields at points from amplitudes at reflections, on a device.

    Parameters
    ----------
    angle : (3, points)
        2 pi x with -1/2 <= x <= 1/2.
    basis : Basis
        The functions v_r.
    hkl_list : HklList
        Reflections, one of each Friedel pair.
    """

    def __init__(self, angle: FloatArray, basis: Basis, hkl_list: HklList) -> None:
        self._transform = _DeviceTransform(INTERPOLATE, angle, hkl_list)
        self._basis = basis
        self._hkl_list = hkl_list

    def fields(self, pair: Pair, amplitudes: Complex) -> Complex:
        """Return W1 + i W2 (points,) of amplitudes a (m,) for the two functions of a pair."""
        hkl_list, axes = self._hkl_list, self._transform.axes
        box = np.zeros(self._transform.shape, pair.dtype)
        series = self._basis.series_of_pair(pair)
        _seam.add_reflections_to_box(
            hkl_list.hkl, hkl_list.q, axes, series, self._basis.interval, amplitudes, box
        )
        return self._transform(pair, box)


class _DeviceTransform:
    """Hold a plan of cufinufft, made again when the accuracy changes."""

    def __init__(self, sort: int, angle: FloatArray, hkl_list: HklList) -> None:
        import cufinufft
        import cupy

        self._cufinufft = cufinufft
        self._cupy = cupy
        self._sort = sort
        self._angle = angle
        h, k, l = (2 * n + 1 for n in hkl_list.reach)
        self.shape = (h, k, l)
        self.axes: BoxAxes = []
        steps = (k * l, l, 1)
        for orders, step in zip(self.shape, steps, strict=True):
            places = np.arange(orders) * step
            self.axes.append((places, np.ones(orders)))
        self._accuracy: tuple[float, bool] | None = None

    def __call__(self, pair: Pair, values: Complex) -> Complex:
        """Transform strengths (points,) to a box, or a box to fields (points,)."""
        if (pair.eps, pair.single) != self._accuracy:
            self._plan = self._cufinufft.Plan(
                self._sort, self.shape, 1, pair.eps, 1, dtype=pair.dtype
            )
            # The plan knows only the addresses of the points: they must live as long.
            self._points = []
            for axis in self._angle:
                self._points.append(self._cupy.asarray(axis.astype(pair.real)))
            self._plan.setpts(*self._points)
            self._accuracy = pair.eps, pair.single
        on_device = self._cupy.asarray(np.ascontiguousarray(values, pair.dtype))
        result: Any = self._plan.execute(on_device)
        return np.asarray(self._cupy.asnumpy(result))
