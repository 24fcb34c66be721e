"""Check arrays of an adaptation: which there are, their shapes, and that numbers are possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.errors import ArgandError
from argand.store import axis_length, check_shapes

__all__ = ["LARGEST", "check_arrays"]

#: No number of an adaptation is larger; products of two and their sums stay finite in float32.
LARGEST = 1e15

# Arrays of which no number is 0 or less: they are divided by.
_ABOVE_ZERO = ("error", "spread")


def check_arrays(arrays: Mapping[str, NDArray[Any]], sites: int, rungs: int, source: str) -> None:
    """Check the arrays of adaptation.safetensors.

    Parameters
    ----------
    arrays
        Finite arrays by name.
    sites, rungs
        Number of sites of the crystal, and of widths that were learned.
    source
        Path of the file.

    Raises
    ------
    ArgandError
        Names the file and the array that is missing, or has another shape, type or range.
    """
    n = sites
    m = axis_length(arrays, "hkl", 0)
    k = axis_length(arrays, "modes", 0)
    j = axis_length(arrays, "curve.r", 0)
    shapes: dict[str, tuple[str, tuple[int | None, ...]]] = {
        "hkl": ("i", (m, 3)),
        "modes": ("f", (k, n, 3)),
        "curve.r": ("f", (j,)),
        "curve.width": ("f", (j,)),
        "crystal.frac": ("f", (n, 3)),
        "crystal.occ": ("f", (n,)),
        "crystal.b_iso": ("f", (n,)),
    }
    if "crystal.u_aniso" in arrays:
        shapes["crystal.u_aniso"] = ("f", (n, 6))
        shapes["crystal.is_anisotropic"] = ("b", (n,))
    for number in range(rungs):
        for name in ("expected", "error", "centre", "spread"):
            shapes[f"{number}.{name}"] = ("f", (m,))
        shapes[f"{number}.weights"] = ("f", (m, k))
        shapes[f"{number}.offset"] = ("f", (k,))
        shapes[f"{number}.covariance"] = ("f", (k, k))
        if any(name.startswith(f"{number}.network.") for name in arrays):
            width = axis_length(arrays, f"{number}.network.inner.weight", 0)
            shapes[f"{number}.network.inner.weight"] = ("f", (width, m))
            shapes[f"{number}.network.outer.weight"] = ("f", (k, width))
    check_shapes(arrays, shapes, source)
    for name, (kind, _) in shapes.items():
        array = arrays[name]
        if not array.size and not name.startswith("crystal.is"):
            raise ArgandError(f"{source}: {name} is empty")
        if kind == "f" and np.abs(array).max() > LARGEST:
            raise ArgandError(f"{source}: {name} holds {np.abs(array).max():.3g}, too large")
        if name.rpartition(".")[2] in _ABOVE_ZERO and array.min() <= 0.0:
            raise ArgandError(f"{source}: {name} holds {array.min():.3g}, needs numbers above 0")
    if (np.diff(arrays["curve.r"]) < 0.0).any() or arrays["curve.width"].min() <= 0.0:
        raise ArgandError(f"{source}: curve.r must rise, and curve.width be above 0")
