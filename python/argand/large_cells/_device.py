"""Non-uniform transforms on a CUDA device, where there is one and cufinufft and CuPy are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import cuda


def plan_maker() -> Callable[..., Any]:
    """finufft.Plan, or what takes and gives the same arrays by way of a device."""
    if cuda.is_available() and all(importlib.util.find_spec(name) for name in ("cufinufft", "cupy")):
        return DevicePlan
    import finufft

    return finufft.Plan  # type: ignore[no-any-return]


class DevicePlan:
    """A plan of cufinufft for arrays of numpy: points and values travel to the device, results come back."""

    def __init__(
        self,
        sort: int,
        shape: tuple[int, int, int],
        transforms: int,
        eps: float,
        sign: int,
        *,
        dtype: str,
        nthreads: int,
        upsampfac: float,
    ) -> None:
        import cufinufft
        import cupy

        self._cupy = cupy
        self._plan = cufinufft.Plan(sort, shape, transforms, eps, sign, dtype=dtype)

    def setpts(self, *points: NDArray[Any]) -> None:
        self._points = [self._cupy.asarray(axis) for axis in points]  # the plan keeps their addresses only
        self._plan.setpts(*self._points)

    def execute(self, values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self._cupy.asnumpy(self._plan.execute(self._cupy.asarray(values))))
