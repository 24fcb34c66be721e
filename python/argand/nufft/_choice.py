"""Whether the transforms can be used for a crystal, and whether they save anything."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand._config import num_threads
from argand._memory import demand, memory_limit
from argand.crystal import Crystal
from argand.nufft import _cost
from argand.nufft._pairs import Reflections
from argand.reflections import as_hkl, survey

INSTALL = "method='nufft' needs finufft 2.5 or later: pip install argand[nufft]"

_SMALL = 2e7  # atoms x reflections, ten milliseconds of the direct sum: not worth a thought


class Estimate(NamedTuple):
    direct_seconds: float
    nufft_seconds: float
    nufft_bytes: int


@lru_cache(maxsize=1)
def installed() -> bool:
    """Earlier ones cannot spread only, or keep less of what they promise."""
    if any(importlib.util.find_spec(name) is None for name in ("finufft", "threadpoolctl")):
        return False
    return [int(part) for part in importlib.metadata.version("finufft").split(".")[:2]] >= [2, 5]


def estimate(
    crystal: Crystal, hkl: NDArray[np.int32], eps: float = 1e-6, dispersion: bool = False
) -> Estimate:
    """What both ways would cost for a crystal in P 1, on one core (see `_cost`)."""
    atoms, points, (_, reach, _) = (
        len(crystal.types),
        _points(crystal, eps),
        survey(as_hkl(hkl), crystal.cell),
    )
    shape = _cost.orders(reach)
    return Estimate(
        _cost.direct_seconds(atoms, len(hkl)),
        _cost.nufft_seconds(atoms, points, len(hkl), shape, eps, dispersion),
        _cost.nufft_bytes(points, len(hkl), shape, eps, num_threads()),
    )


def _points(crystal: Crystal, eps: float) -> int:
    tensors = (
        0 if crystal.u_aniso is None else int(np.count_nonzero(~np.isnan(crystal.u_aniso[:, 0])))
    )
    return len(crystal.types) - tensors + tensors * _cost.points_of_a_tensor(eps)


def pays(crystal: Crystal, hkl: NDArray[Any], eps: float, dispersion: bool) -> bool:
    """Whether the transforms save more than half of the time: the direct sum has no error, so a little is no reason.

    False where they cannot be used: without finufft, at orders that are no whole numbers, for a smaller eps.
    """
    if len(crystal.types) * len(hkl) < _SMALL or eps < _cost.SMALLEST_EPS:
        return False
    if not np.issubdtype(hkl.dtype, np.integer) or not installed():
        return False
    cost = estimate(crystal, hkl, eps, dispersion)
    return 2.0 * cost.nufft_seconds < cost.direct_seconds and cost.nufft_bytes < memory_limit()


def check(crystal: Crystal, reflections: Reflections, eps: float) -> None:
    """Raise what stands against the transforms."""
    if not _cost.SMALLEST_EPS <= eps <= _cost.LARGEST_EPS:
        raise ValueError(f"eps is {eps}, needs {_cost.SMALLEST_EPS:g} to {_cost.LARGEST_EPS:g}")
    if not installed():
        raise ImportError(INSTALL)
    if len(reflections.hkl):
        shape = _cost.orders(reflections.reach)
        needs = _cost.nufft_bytes(
            _points(crystal, eps), len(reflections.hkl), shape, eps, num_threads()
        )
        reach = " ".join(map(str, reflections.reach))
        demand(f"method='nufft' for hkl to {reach}", needs, "use method='direct'")
