"""Find where the origin of a space group lies in a map that was phased in P 1, and average over it.

The symmetry operation x -> R x + t about an origin u asks for
F(h R) conj F(h) exp(2 pi i h.t) exp(-2 pi i (h R - h).u) to be real and positive. The sum over
reflections and operations is one Fourier series in u: its maximum is the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft

from argand.cell import FloatArray
from argand.solve.equivalents import IntArray, RowArray, equivalent_rows, with_mates

__all__ = ["GroupAverage", "GroupFit", "fit_group", "sampled_series"]

ComplexArray = npt.NDArray[np.complex64]

# Terms, reflections times operations, that find and refine the origin: the strongest reflections
# decide, and a millisecond is enough for so many.
_MOST_TERMS = 8_000

# A Fourier series is sampled at so many points for each period of its highest order: terms of the
# highest orders are weak, and Newton's steps lead from the grid to the maximum.
_OVERSAMPLING = 1.5

# Highest points of the grid among which separate maxima are looked for.
_HIGHEST_POINTS = 48

# Maxima that are refined; a wrong one may lie higher on the grid.
_MOST_MAXIMA = 2

# Maxima lower than this share of the highest are not refined.
_LEAST_SHARE = 0.85

# Newton steps from a grid point; they converge quadratically.
_NEWTON_STEPS = 4

# A Newton step is cut to this share of the finest period of the series.
_LONGEST_STEP = 0.2

# The series does not change along directions whose curvature is below this share of the largest:
# there the origin floats.
_FLAT = 1e-5

# Steps shorter than this, fractional, change no phase.
_LAST_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class GroupFit:
    """State where a space group fits best into structure factors that were phased in P 1.

    Attributes
    ----------
    shift : (3,) float
        Origin of the group in fractions of the cell: x_group = x_P1 - shift.
    agreement : float
        Mean of `agreements` without the identity; 1 in P 1.
    weakest : float
        Least of them.
    agreements : (k,) float
        For each operation the sum of Re F(h R) conj F(h) exp(2 pi i h.t) about the origin of the
        group over the sum of |F(h R)| |F(h)|: 1 where the map has the symmetry, about 0 at random.
    """

    shift: FloatArray
    agreement: float
    weakest: float
    agreements: FloatArray


class GroupAverage:
    """Average structure factors of P 1 over the operations of a space group.

    Parameters
    ----------
    hkl : (n, 3) int
        Miller indices, of each Friedel pair one, 0 0 0 left out.
    rotations, translations : (k, 3, 3) int, (k, 3) float
        Operations x -> R x + t in the basis of `hkl`, the identity first, without the copies that
        centring makes.
    rows : (k, n) int32, optional
        What `equivalent_rows` gives, where it is known.
    """

    def __init__(
        self,
        hkl: IntArray,
        rotations: IntArray,
        translations: FloatArray,
        rows: RowArray | None = None,
    ) -> None:
        self._hkl = np.asarray(hkl, np.int64)
        self._rotations = np.asarray(rotations, np.int64)
        self._rows = equivalent_rows(self._hkl, self._rotations) if rows is None else rows
        phases = np.stack([_ramp(self._hkl, -translation) for translation in translations])
        self._has_equivalent = self._rows < 2 * len(self._hkl)
        self._phases = np.where(self._has_equivalent, phases, np.complex64(0.0))
        self._share = 1.0 / np.maximum(self._has_equivalent.sum(axis=0), 1)

    def __call__(self, structure_factors: npt.NDArray[Any], shift: FloatArray) -> ComplexArray:
        """Return the average over all operations about an origin, (n,) complex64.

        The result keeps the origin of its input. Reflections that a screw axis or a glide plane
        extinguishes become 0. Equivalents that are not listed are left out of the average.

        Parameters
        ----------
        structure_factors : (n,) complex
            F in P 1.
        shift : (3,) float
            Origin of the group, as `GroupFit.shift`.
        """
        to_group = _ramp(self._hkl, shift)
        extended = with_mates(structure_factors * to_group)
        total = np.einsum("on,on->n", extended[self._rows], self._phases)
        averaged: ComplexArray = (total * self._share * to_group.conj()).astype(np.complex64)
        return averaged

    def fit(self, structure_factors: npt.NDArray[Any], start: FloatArray | None = None) -> GroupFit:
        """Find the origin about which structure factors (n,) of P 1 agree best with the group.

        Parameters
        ----------
        structure_factors : (n,) complex
            F in P 1.
        start : (3,) float, optional
            Origin that is near the best one; None searches the whole cell.
        """
        f = np.asarray(structure_factors, np.complex64)
        if len(self._rotations) == 1:
            return GroupFit(np.zeros(3), 1.0, 1.0, np.ones(1))
        strongest = _strongest(f, _MOST_TERMS // len(self._rotations))
        series = _OriginSeries(
            f,
            self._hkl,
            strongest,
            self._rows[1:, strongest],
            self._phases[1:, strongest],
            self._rotations[1:],
        )
        starts = series.grid_maxima() if start is None else [np.asarray(start)]
        best_height = -np.inf
        shift = np.zeros(3)
        for candidate in starts:
            height, refined = series.climb(candidate)
            if height > best_height:
                best_height = height
                shift = refined
        return self.judge(f, shift)

    def judge(self, structure_factors: npt.NDArray[Any], shift: FloatArray) -> GroupFit:
        """State how well structure factors (n,) agree with the group about an origin (3,)."""
        f = np.asarray(structure_factors, np.complex64)
        about_origin = f * _ramp(self._hkl, shift)
        images = with_mates(about_origin)[self._rows] * self._phases
        measured = (images @ about_origin.conj()).real
        modulus = np.abs(f)
        moduli = np.append(np.tile(modulus, 2), np.float32(0.0))
        possible = moduli[self._rows] @ modulus
        agreements = np.where(possible > 0.0, measured / np.maximum(possible, 1e-300), 0.0)
        others = agreements[1:] if len(agreements) > 1 else np.ones(1)
        return GroupFit(shift % 1.0, float(others.mean()), float(others.min()), agreements)


class _OriginSeries:
    """Sum Re F(h R) conj F(h) exp(2 pi i h.t) about an origin, over reflections and operations.

    Parameters
    ----------
    f, hkl : (n,) complex64, (n, 3)
        F in P 1 and its Miller indices.
    chosen : (m,)
        Rows of the reflections h that count.
    images : (k, m)
        Rows of h R in `with_mates`.
    phases : (k, m)
        exp(2 pi i h.t), 0 where h R is not listed.
    rotations : (k, 3, 3)
        Rotations R other than the identity.
    """

    def __init__(
        self,
        f: ComplexArray,
        hkl: IntArray,
        chosen: npt.NDArray[np.intp],
        images: npt.NDArray[np.int32],
        phases: ComplexArray,
        rotations: IntArray,
    ) -> None:
        self._f = f
        self._hkl = hkl
        self._chosen = chosen
        self._images = images
        self._phases = phases
        differences = rotations - np.eye(3, dtype=np.int64)
        orders = np.einsum("mi,oij->omj", hkl[chosen], differences)
        self._orders = orders.reshape(-1, 3)

    def terms(self, shift: FloatArray) -> ComplexArray:
        """Return all terms (k m,) of the sum about an origin (3,)."""
        about_origin = self._f * _ramp(self._hkl, shift)
        images = with_mates(about_origin)[self._images] * self._phases
        terms: ComplexArray = (images * about_origin[self._chosen].conj()).ravel()
        return terms

    def grid_maxima(self) -> list[FloatArray]:
        """Return the highest maxima (3,) of the sum on a grid of origins, best first."""
        return _grid_maxima(self._orders, self.terms(np.zeros(3)))

    def climb(self, start: FloatArray) -> tuple[float, FloatArray]:
        """Climb from an origin (3,) to the next maximum by Newton steps; return both."""
        orders = self._orders.astype(np.float32)
        longest = _LONGEST_STEP / np.maximum(np.abs(orders).max(axis=0), 1.0)
        shift = start
        terms = self.terms(shift)
        height = float(terms.real.sum(dtype=np.float64))
        for _ in range(_NEWTON_STEPS):
            gradient = 2.0 * np.pi * (terms.imag @ orders)
            weighted = terms.real[:, None] * orders
            curvature = -4.0 * np.pi**2 * (orders.T @ weighted)
            step = _uphill_step(gradient.astype(np.float64), curvature.astype(np.float64))
            step = np.clip(step, -longest, longest)
            next_terms = self.terms(shift + step)
            next_height = float(next_terms.real.sum(dtype=np.float64))
            if next_height <= height:
                break
            shift, terms, height = shift + step, next_terms, next_height
            if np.abs(step).max() < _LAST_STEP:
                break
        return height, shift


def fit_group(
    hkl: IntArray,
    structure_factors: npt.NDArray[Any],
    rotations: IntArray,
    translations: FloatArray,
) -> GroupFit:
    """Find the origin of a space group in structure factors that were phased in P 1.

    Parameters
    ----------
    hkl : (n, 3) int
        Miller indices, of each Friedel pair one, 0 0 0 left out.
    structure_factors : (n,) complex
        F in P 1.
    rotations, translations : (k, 3, 3) int, (k, 3) float
        Operations x -> R x + t in the basis of `hkl`, the identity first, without the copies that
        centring makes.

    Returns
    -------
    GroupFit
        Where the origin floats, as in polar groups, the shift along the floating axes is
        arbitrary.
    """
    return GroupAverage(hkl, rotations, translations).fit(structure_factors)


def _ramp(hkl: IntArray, shift: FloatArray) -> ComplexArray:
    """Return exp(-2 pi i h.u) (n,), which brings F of hkl (n, 3) about the origin u (3,)."""
    turns = hkl @ shift
    angle = ((np.rint(turns) - turns) * (2.0 * np.pi)).astype(np.float32)
    ramp = np.empty(len(hkl), np.complex64)
    np.cos(angle, out=ramp.real)
    np.sin(angle, out=ramp.imag)
    return ramp


def _strongest(f: ComplexArray, count: int) -> npt.NDArray[np.intp]:
    """Return the rows, in order, of the `count` strongest structure factors (n,), at least one."""
    count = max(count, 1)
    if count >= len(f):
        return np.arange(len(f))
    return np.sort(np.argpartition(-np.abs(f), count)[:count])


def _uphill_step(gradient: FloatArray, curvature: FloatArray) -> FloatArray:
    """Return Newton's step (3,) along directions that curve down, and none along flat ones."""
    curvatures, directions = np.linalg.eigh(curvature)
    largest = np.abs(curvatures).max(initial=0.0)
    along = directions.T @ gradient
    is_flat = np.abs(curvatures) <= _FLAT * largest
    lengths = np.where(is_flat, 0.0, along / np.where(is_flat, 1.0, np.abs(curvatures)))
    step: FloatArray = directions @ lengths
    return step


def _grid_maxima(orders: IntArray, coefficients: ComplexArray) -> list[FloatArray]:
    """Return the highest maxima u (3,) of Re sum c exp(-2 pi i d.u) on a grid, best first.

    Parameters
    ----------
    orders : (m, 3)
        Orders d of the Fourier series.
    coefficients : (m,)
        Their coefficients c.
    """
    shape = []
    for reach in np.abs(orders).max(axis=0):
        points = int(_OVERSAMPLING * reach)
        shape.append(scipy.fft.next_fast_len(points, real=True) if points else 1)
    series = sampled_series(orders, coefficients, tuple(shape))
    flat = series.ravel()
    count = min(_HIGHEST_POINTS, flat.size)
    highest = np.argpartition(-flat, count - 1)[:count]
    highest = highest[np.argsort(-flat[highest], kind="stable")]
    highest_points = np.stack(np.unravel_index(highest, shape), axis=-1)
    maxima: list[IntArray] = []
    for point, height in zip(highest_points, flat[highest], strict=True):
        if height < _LEAST_SHARE * flat[highest[0]] or len(maxima) == _MOST_MAXIMA:
            break
        if all(_apart(point, other, shape) for other in maxima):
            maxima.append(point)
    return [maximum / np.array(shape) for maximum in maxima]


def _apart(point: IntArray, other: IntArray, shape: list[int]) -> bool:
    """Tell whether two grid points of a periodic grid are more than two steps apart."""
    sides = np.array(shape)
    steps = np.abs(point - other)
    return bool((np.minimum(steps, sides - steps) > 2).any())


def sampled_series(
    orders: IntArray, coefficients: ComplexArray, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Sample Re sum c exp(-2 pi i d.u) at the points of a grid of the whole cell.

    Orders beyond the grid are folded back, which leaves the values at its points unchanged.
    """
    last = shape[2]
    h, k, l = (orders % np.array(shape)).T
    # Half of the spectrum is enough for a real result: orders of the other half are negated.
    is_beyond = l > last // 2
    h = np.where(is_beyond, -h % shape[0], h)
    k = np.where(is_beyond, -k % shape[1], k)
    l = np.where(is_beyond, last - l, l)
    half = (shape[0], shape[1], last // 2 + 1)
    place = (h * half[1] + k) * half[2] + l
    # The transform sums exp(+2 pi i d.u), so that it gets conj c.
    imaginary = np.where(is_beyond, coefficients.imag, -coefficients.imag)
    # The transform counts a term and its conjugate, but for the planes that are their own mates.
    is_own_mate = (l == 0) | (2 * l == last)
    weight = np.where(is_own_mate, np.float32(1.0), np.float32(0.5))
    size = half[0] * half[1] * half[2]
    spectrum = np.empty(size, np.complex64)
    spectrum.real = np.bincount(place, weight * coefficients.real, minlength=size)
    spectrum.imag = np.bincount(place, weight * imaginary, minlength=size)
    series: npt.NDArray[np.float32] = scipy.fft.irfftn(
        spectrum.reshape(half), s=shape, norm="forward", overwrite_x=True
    )
    return series
