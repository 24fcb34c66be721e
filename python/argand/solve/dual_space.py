"""Iterate structure factors between what is measured and a density that is nowhere negative.

One cycle makes the density of the structure factors, changes its values below a threshold, and
transforms it back; measured reflections then get their measured amplitudes and the new phases.
Cycles that change the sign of low values ("flip") find phases from random ones; cycles that set
them to zero ("eliminate") improve phases that are nearly right.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _seam
from argand._memory import demand
from argand.errors import ArgandError

Modification = Literal["flip", "eliminate"]
Shape = tuple[int, int, int]

# What low density is multiplied by.
FACTORS = {"flip": -1.0, "eliminate": 0.0}
# A shorter axis has no room for peaks.
_SHORTEST_AXIS = 8
# Prime factors that the transforms of the core have.
_PRIMES = (2, 3, 5, 7)
# Sums of squares of larger numbers are infinite in single precision.
_LARGEST_AMPLITUDE = 1e15
# On a smaller scale the core takes |G| for rounding, which has no phase.
_SMALLEST_SCALE = 1e-6


@dataclass(frozen=True, eq=False)
class DualSpaceResult:
    """Hold what cycles made of several starts."""

    # (starts, n) complex64: the reflections after the last cycle
    structure_factors: NDArray[np.complex64]
    # (starts, n) complex64: transforms of the changed density of the last cycle
    calculated: NDArray[np.complex64]
    # (starts,) float32: F(000) after the last cycle
    origin: NDArray[np.float32]
    # (starts,) float64: sum |A - k |G|| / sum A of the measured reflections, k by least squares
    residual: NDArray[np.float64]


class DualSpace:
    """Run dual-space cycles on one list of reflections in P 1.

    Parameters
    ----------
    hkl
        Miller indices (n, 3), one of each Friedel pair, without 0 0 0.
    measured
        How many of the first rows are measured. The others carry what the density gives them.
    shape
        Grid points along the three axes, at least 2 h_max + 1 and 8, products of 2, 3, 5 and 7, the
        last one even; None: the smallest such numbers.

    Attributes
    ----------
    hkl : (n, 3) int64
    measured : int
    shape : tuple of int

    Raises
    ------
    ArgandError
        Names the argument, what it is and what it must be.
    """

    def __init__(self, hkl: ArrayLike, measured: int, *, shape: Shape | None = None) -> None:
        self.hkl = _checked_hkl(hkl)
        reflections = len(self.hkl)
        self.measured = operator.index(measured)
        if not 0 < self.measured <= reflections:
            raise ArgandError(f"measured is {measured}, needs 1 to {reflections}, the rows of hkl")
        self.shape = _checked_shape(self.hkl, shape)
        self._tables = _seam.dual_space_tables(self.hkl, self.shape)

    def run(
        self,
        structure_factors: ArrayLike,
        origin: ArrayLike,
        amplitudes: ArrayLike,
        *,
        cycles: int,
        threshold: ArrayLike,
        modify: Modification = "flip",
        shifted: ArrayLike | None = None,
        cap: float = math.inf,
        threads: int | None = None,
    ) -> DualSpaceResult:
        """Run cycles from several starts.

        Every start is computed by itself: its result is the same, to the last bit, alone or with
        others and on any number of threads.

        Parameters
        ----------
        structure_factors
            Starts (starts, n), complex.
        origin
            F(000) of each start (starts,), or one for all.
        amplitudes
            Measured amplitudes A (measured,), not negative.
        cycles
            How many, at least 1.
        threshold
            Density below so many of its root mean squares without F(000) is changed; of each start
            (starts,), or one for all.
        modify
            "flip" changes the sign of low density, "eliminate" sets it to zero.
        shifted
            Measured reflections (measured,) bool that get F = i G in place of F = A G / |G|.
        cap
            Largest |F| that an unmeasured reflection carries.
        threads
            How many starts run at once; None: `argand.num_threads`, which is also the most.

        Returns
        -------
        DualSpaceResult

        Raises
        ------
        ArgandError
            Names the argument, what it is and what it must be.
        MemoryLimitError
            The grids of the threads need more than `argand.memory_limit`.
        """
        count = operator.index(cycles)
        if count < 1:
            raise ArgandError(f"cycles is {cycles}, needs at least 1")
        if modify not in FACTORS:
            raise ArgandError(f"modify is {modify!r}, needs {' or '.join(map(repr, FACTORS))}")
        if not cap >= 0:
            raise ArgandError(f"cap is {cap}, needs a number that is not negative")
        starts = _checked_starts(structure_factors, len(self.hkl))
        targets = _seam.DualSpaceTargets(
            amplitude=_checked_amplitudes(amplitudes, self.measured),
            shifted=_checked_shifted(shifted, self.measured),
            threshold=_for_each_start("threshold", threshold, len(starts)),
            factor=FACTORS[modify],
            cap=float(cap),
        )
        f000 = _for_each_start("origin", origin, len(starts))
        used_threads = self._threads(threads, len(starts))
        calculated = np.empty_like(starts)
        arrays = _seam.DualSpaceStarts(starts, calculated, f000)
        _seam.dual_space(self._tables, targets, arrays, cycles=count, threads=used_threads)
        residual = residuals(targets.amplitude, calculated[:, : self.measured])
        return DualSpaceResult(starts, calculated, f000, residual)

    def _threads(self, threads: int | None, starts: int) -> int:
        """Return how many starts run at once, and raise where they need too much memory."""
        most = _seam.num_threads() if threads is None else operator.index(threads)
        if most < 1:
            raise ArgandError(f"threads is {threads}, needs at least 1")
        used = max(1, min(most, starts, _seam.num_threads()))
        na, nb, nc = self.shape
        demand(
            f"{used} grids of {na} x {nb} x {nc} points",
            _seam.dual_space_bytes(self._tables, used),
            "use fewer threads or a lower resolution",
        )
        return used


def good_size(needed: int, *, even: bool = False) -> int:
    """Return the smallest number of grid points, at least `needed`, that transforms quickly."""
    points = max(needed, _SHORTEST_AXIS)
    while not _is_good(points) or (even and points % 2):
        points += 1
    return points


def residuals(amplitudes: NDArray[Any], calculated: NDArray[Any]) -> NDArray[np.float64]:
    """Compute R = sum |A - k |G|| / sum A, the best k for each start.

    Parameters
    ----------
    amplitudes
        A (measured,), not all of them 0.
    calculated
        G (starts, measured), complex.

    Returns
    -------
    (starts,) float64.
    """
    measured = amplitudes.astype(np.float64)
    lengths = np.abs(calculated).astype(np.float64)
    squares = (lengths**2).sum(axis=1)
    # Sums of each row by itself: a matrix product would round by the number of starts.
    products = (lengths * measured).sum(axis=1)
    scale = np.divide(products, squares, out=np.zeros_like(squares), where=squares > 0)
    differences = np.abs(measured - scale[:, None] * lengths).sum(axis=1)
    return np.asarray(differences / measured.sum())


def _is_good(points: int) -> bool:
    if points < 1:
        return False
    for prime in _PRIMES:
        while points % prime == 0:
            points //= prime
    return points == 1


def _checked_hkl(hkl: ArrayLike) -> NDArray[np.int64]:
    indices = np.asarray(hkl)
    if indices.ndim != 2 or indices.shape[1] != 3 or len(indices) == 0:
        raise ArgandError(f"hkl has shape {indices.shape}, needs (n, 3) with n at least 1")
    if not np.issubdtype(indices.dtype, np.integer):
        raise ArgandError(f"hkl has dtype {indices.dtype}, needs integers")
    indices = np.ascontiguousarray(indices, np.int64)
    reach = np.abs(indices).max(axis=0) + 1
    # One number for each hkl, and its negative for -h -k -l.
    places = (indices[:, 0] * 2 * reach[1] + indices[:, 1]) * 2 * reach[2] + indices[:, 2]
    if not places.all():
        raise ArgandError("hkl has 0 0 0, needs reflections without it")
    if len(np.unique(np.abs(places))) < len(places):
        raise ArgandError("hkl has a reflection or its Friedel mate twice, needs one of each pair")
    return indices


def _checked_shape(hkl: NDArray[np.int64], shape: Shape | None) -> Shape:
    h_max, k_max, l_max = (int(order) for order in np.abs(hkl).max(axis=0))
    smallest = (
        good_size(2 * h_max + 1),
        good_size(2 * k_max + 1),
        good_size(2 * l_max + 1, even=True),
    )
    chosen = smallest
    if shape is not None:
        na, nb, nc = map(operator.index, shape)
        chosen = (na, nb, nc)
        if na < smallest[0] or nb < smallest[1] or nc < smallest[2]:
            raise ArgandError(f"shape is {chosen}, needs at least {smallest} for these hkl")
        if nc % 2 or not all(map(_is_good, chosen)):
            raise ArgandError(
                f"shape is {chosen}, needs products of 2, 3, 5 and 7, the last one even"
            )
    # The core counts places by 32 bits.
    if math.prod(chosen) >= 2**31:
        raise ArgandError(f"shape is {chosen}, needs fewer than 2^31 points")
    return chosen


def _checked_starts(structure_factors: ArrayLike, reflections: int) -> NDArray[np.complex64]:
    starts = np.array(structure_factors, np.complex64, order="C")
    if starts.ndim != 2 or starts.shape[1] != reflections:
        raise ArgandError(
            f"structure_factors has shape {starts.shape}, needs (starts, {reflections})"
        )
    _require_range("structure_factors", np.abs(starts))
    return starts


def _checked_amplitudes(amplitudes: ArrayLike, measured: int) -> NDArray[np.float32]:
    targets = np.ascontiguousarray(amplitudes, np.float32)
    if targets.shape != (measured,):
        raise ArgandError(f"amplitudes has shape {targets.shape}, needs ({measured},)")
    _require_range("amplitudes", targets)
    largest = float(targets.max())
    if largest < _SMALLEST_SCALE:
        raise ArgandError(
            f"amplitudes are at most {largest:g}, need to reach {_SMALLEST_SCALE:g}: scale them"
        )
    return targets


def _require_range(name: str, sizes: NDArray[Any]) -> None:
    if not bool(((sizes >= 0) & (sizes < _LARGEST_AMPLITUDE)).all()):
        raise ArgandError(
            f"{name} has values that are negative, not finite or above {_LARGEST_AMPLITUDE:g}, "
            "needs amplitudes"
        )


def _checked_shifted(shifted: ArrayLike | None, measured: int) -> NDArray[np.uint8]:
    if shifted is None:
        return np.zeros(measured, np.uint8)
    flags = np.asarray(shifted)
    if flags.shape != (measured,) or flags.dtype != bool:
        raise ArgandError(f"shifted is {flags.dtype} {flags.shape}, needs bool ({measured},)")
    return flags.astype(np.uint8)


def _for_each_start(name: str, values: ArrayLike, starts: int) -> NDArray[np.float32]:
    numbers = np.asarray(values, np.float32)
    if numbers.shape not in ((), (1,), (starts,)):
        raise ArgandError(f"{name} has shape {numbers.shape}, needs ({starts},) or one number")
    if not np.isfinite(numbers).all():
        raise ArgandError(f"{name} has values that are not finite, needs numbers")
    return np.array(np.broadcast_to(numbers, starts), order="C")
