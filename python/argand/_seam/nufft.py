"""Hand sums by non-uniform transforms to the core, see cpp/include/argand/nufft.hpp.

Arguments are not checked: only `argand.nufft` calls these functions, with arrays that it has made.
All arrays are contiguous numpy arrays on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence

from argand import _core
from argand._seam.arrays import Array, address, dtype_name

# Places and factors of the orders along one axis of a box (2 reach + 1,).
Axis = tuple[Array, Array]
AxisArgs = tuple[int, int, int]


def project_scattering(
    type_number: Array,
    b_iso: Array,
    q: Array,
    form: Array,
    functions: Array,
    strengths: Array,
    squares: Array,
    *,
    weight: Array | None,
    count: Array | None,
) -> None:
    """Project the scattering weight f exp(-B q) of atoms on a few functions of q = stol^2.

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    type_number : (atoms,) int64
        Row of `form` that each atom has.
    b_iso : (atoms,) float64
        B of each atom in A^2.
    q : (points,) float64
        stol^2 in 1/A^2.
    form : (types, points) float64
        Form factors at q.
    functions : (points, rank) float64
        Functions of q.
    strengths : (rank, atoms) float64
        Written: the projections.
    squares : (rank,) float64
        Written: sums of count strengths^2 over the atoms.
    weight, count : (atoms,) float64 or None
        Factors of the scattering and of the squares; None for 1.
    """
    points, rank = functions.shape
    extents = (len(type_number), points, rank)
    _core.project_scattering(
        extents,
        (address(type_number), address(b_iso), address(weight), address(q), address(form)),
        address(functions),
        address(count),
        address(strengths),
        address(squares),
    )


def add_box_to_reflections(
    hkl: Array,
    q: Array,
    axes: Sequence[Axis],
    series: Array,
    interval: tuple[float, float],
    box: Array,
    f: Array,
    begin: int,
    end: int,
) -> None:
    """Add v1 A1 + v2 A2 to F of the reflections from number `begin` to number `end`.

    The box holds the transform A = A1 + i A2 of two real sums. Arguments are not checked: only
    argand calls this.

    Parameters
    ----------
    hkl : (m, 3) int32
        Miller indices.
    q : (m,) float64
        stol^2 in 1/A^2.
    axes : three pairs of arrays (2 reach + 1,)
        For each axis where its orders -reach .. reach lie in the flat box (int64, places are
        added), and correction factors (float64, multiplied).
    series : (terms, 2) float64
        Chebyshev series of v1 and v2 as functions of q.
    interval : (low, high)
        Interval of the series.
    box : complex64 or complex128
        The transform.
    f : (m,) complex128
        F, added to.
    begin, end : int
        First reflection, and the one after the last.
    """
    _core.add_box_to_reflections(
        _bits(box),
        (address(hkl), address(q)),
        _axes(axes),
        (address(series), len(series), *interval),
        address(box),
        address(f),
        begin,
        end,
    )


def add_reflections_to_box(
    hkl: Array,
    q: Array,
    axes: Sequence[Axis],
    series: Array,
    interval: tuple[float, float],
    amplitudes: Array,
    box: Array,
) -> None:
    """Add (v1 + i v2) a(h) of reflections and of their Friedel mates to a box.

    This is the adjoint of `add_box_to_reflections`. Arguments are not checked: only argand calls
    this.

    Parameters
    ----------
    hkl : (m, 3) int32
        Miller indices, one of each Friedel pair.
    q : (m,) float64
        stol^2 in 1/A^2.
    axes : three pairs of arrays (2 reach + 1,)
        For each axis where its orders -reach .. reach lie in the flat box (int64, places are
        added), and correction factors (float64, multiplied).
    series : (terms, 2) float64
        Chebyshev series of v1 and v2 as functions of q.
    interval : (low, high)
        Interval of the series.
    amplitudes : (m,) complex128
        a, for which a(-h) = conj a(h).
    box : complex64 or complex128
        The box, added to.
    """
    _core.add_reflections_to_box(
        _bits(box),
        (address(hkl), address(q)),
        _axes(axes),
        (address(series), len(series), *interval),
        address(amplitudes),
        address(box),
        0,
        len(hkl),
    )


def _bits(box: Array) -> int:
    """Return the width of the real numbers that a complex box is made of."""
    return 32 if dtype_name(box) == "complex64" else 64


def _axes(axes: Sequence[Axis]) -> tuple[AxisArgs, AxisArgs, AxisArgs]:
    """Return the addresses of places and factors, and the reach, of the three axes of a box."""
    h, k, l = axes
    return _axis(h), _axis(k), _axis(l)


def _axis(axis: Axis) -> AxisArgs:
    """Return the addresses of places and factors, and the reach, of one axis of a box."""
    places, factors = axis
    return address(places), address(factors), len(places) // 2
