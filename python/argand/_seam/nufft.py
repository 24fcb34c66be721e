"""The low-rank sums of `argand.nufft`: atoms onto the basis, and boxes of transforms to reflections and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from argand import _core
from argand._seam.arrays import Array, address, dtype_name


def project_family(
    family: Any,
    kind: Array,
    b: Array,
    functions: Array,
    u: Array,
    squares: Array,
    *,
    weight: Any,
    count: Any,
) -> None:
    """u (rank, atoms) of atoms of `kind` (atoms,) int64, b and weight (atoms,), and sums of count (atoms,) u^2 (rank,),
    see low_rank.hpp; weight and count None: 1.

    `family` has q (points,) and form (kinds, points); functions (points, rank). All float64, as unchecked as above.
    """
    points, rank = functions.shape
    of_family = (
        address(kind),
        address(b),
        address(weight),
        address(family.q),
        address(family.form),
    )
    written = address(u), address(squares)
    _core.project_family(
        (len(kind), points, rank), of_family, address(functions), address(count), *written
    )


class FunctionPair(NamedTuple):
    """Two functions of q as Chebyshev series on an interval."""

    series: Array  # (terms, 2) float64
    interval: tuple[float, float]


def gathering_pair(
    reflections: Any, box: Any, v: FunctionPair, values: Array, f: Array
) -> Callable[[int, int], None]:
    """What does f (m,) += what a transform of two real sums, values, means, for reflections from one number to another,
    see low_rank.hpp; it knows addresses only.

    `reflections` has hkl (m, 3) int32 and q (m,) float64, `box` lists of three axes: place int64 and factor float64 of
    the orders -reach .. reach. As unchecked as above.
    """
    bits = 32 if dtype_name(values) == "complex64" else 64
    return partial(
        _core.gather_pair, bits, *_low_rank(reflections, box, v), address(values), address(f)
    )


def scatter_pair(reflections: Any, box: Any, v: FunctionPair, a: Array, values: Array) -> None:
    """The adjoint: adds what a (m,) complex128 is to the box, of one of each Friedel pair."""
    bits = 32 if dtype_name(values) == "complex64" else 64
    arrays = address(a), address(values)
    _core.scatter_pair(bits, *_low_rank(reflections, box, v), *arrays, 0, len(reflections.hkl))


def _low_rank(reflections: Any, box: Any, v: FunctionPair) -> tuple[Any, Any, Any]:
    axes = tuple(
        (address(p), address(f), len(p) // 2) for p, f in zip(box.place, box.factor, strict=True)
    )
    lists = address(reflections.hkl), address(reflections.q)
    return lists, axes, (address(v.series), len(v.series), *v.interval)
