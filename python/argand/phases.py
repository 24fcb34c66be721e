"""Compare phases: origins and hands, phase error, map correlation. Phases are in radians."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand._memory import demand
from argand._numbers import complex_array, real_array
from argand._signals import interruptible
from argand.origins import CONTINUOUS, Hand, Origins, group_rotations, permissible_origins
from argand.reflections import as_hkl, index_codes
from argand.symmetry import SpaceGroup

__all__ = [
    "Alignment",
    "Origins",
    "align_origin",
    "density_correlation",
    "map_correlation",
    "permissible_origins",
    "phase_error",
]

# Grid points per shortest period in the search for a floating origin.
_OVERSAMPLING = 3
# Bytes of a point of that grid: a complex number, its transform, its real part's maximum nearby.
_BYTES_OF_POINT = 64
# Bytes of a phase that is compared: both, their weight and their difference.
_BYTES_OF_PHASE = 72
# Bytes of a point of two densities that are correlated: copies without their means.
_BYTES_OF_DENSITY = 48
# Bytes of a reflection whose F are correlated, and of each of its images: its indices and number.
_BYTES_OF_CORRELATED = 120
_BYTES_OF_IMAGE = 52
# Bytes of a reflection whose origin is found: phases, coefficients, and their Newton steps.
_BYTES_OF_ALIGNED = 320
# Maxima on that grid that are refined.
_PEAKS = 8
# What can be done about a list that is too long.
_FEWER = "give fewer at a time"
# Largest number of Newton steps from a maximum on the grid; a few are enough.
_NEWTON_STEPS = 20
# A Newton step below this, fractional, changes nothing any more.
_LAST_STEP = 1e-15
# A score has to be better by this to replace that of an earlier hand or origin: more than rounding.
_BETTER = 1e-12


@dataclass(frozen=True, eq=False)
class Alignment:
    """Hold predicted phases after the best choice of origin and hand.

    Attributes
    ----------
    phases : (m,) float
        ``hand * phi + 2 pi h . shift``, wrapped to [-pi, pi].
    shift : (3,) float
        Fractional shift t of the atoms: x becomes ``hand * x + t``.
    hand : 1 or -1
    score : float
        Weighted mean of cos(phi_true - phases); 1 minus the invariant loss.
    """

    phases: NDArray[np.float64]
    shift: NDArray[np.float64]
    hand: Hand
    score: float


def phase_error(phi: ArrayLike, phi_hat: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the weighted mean absolute phase error in radians.

    ``sum_h w_h |wrap(phi_h - phi_hat_h)| / sum_h w_h`` with the difference wrapped to [-pi, pi];
    random phases score pi/2.

    Parameters
    ----------
    phi, phi_hat : (...) float
        Phases in radians.
    weights : (...) float, optional
        Usually |F|. None weighs all alike.

    Raises
    ------
    ValueError
        Shapes differ, or the weights are negative or sum to zero.
    """
    true = real_array("phi", phi)
    predicted = real_array("phi_hat", phi_hat)
    _check_same_shape("phi_hat", predicted, "phi", true)
    demand(f"the error of {true.size:,} phases", _BYTES_OF_PHASE * true.size, _FEWER)
    weight = _weights(weights, true)
    error = np.abs(_wrap(true - predicted))
    return float((weight * error).sum() / weight.sum())


def map_correlation(
    hkl: ArrayLike, f1: ArrayLike, f2: ArrayLike, spacegroup: SpaceGroup = "P 1"
) -> float:
    """Return the correlation of two densities from their structure factors, F(000) left out.

    By Parseval it is ``sum m_h Re(F1 conj F2) / sqrt(sum m_h |F1|^2 sum m_h |F2|^2)``; m_h counts
    the equivalents and Friedel mates of h, shared among all that are listed, so that a
    unique set, a half sphere and a full sphere give equal results.

    Parameters
    ----------
    hkl : (m, 3) int
    f1, f2 : (m,) complex
        Structure factors with equal origins and hands: see `align_origin`.
    spacegroup : str or sequence of str
        Space group of both densities.

    Raises
    ------
    ValueError
        Shapes differ, or one of the densities is constant.
    """
    indices = as_hkl(hkl).astype(np.int64)
    first = complex_array("f1", f1)
    second = complex_array("f2", f2)
    _check_same_shape("f1", first, "hkl[:, 0]", indices[:, 0])
    _check_same_shape("f2", second, "hkl[:, 0]", indices[:, 0])
    rotations = np.unique(group_rotations(spacegroup), axis=0)
    images = 2 * len(rotations)
    needed = (_BYTES_OF_CORRELATED + _BYTES_OF_IMAGE * images) * len(indices)
    demand(f"the correlation of {len(indices):,} reflections", needed, _FEWER)
    multiplicity = _multiplicity(indices, rotations) * indices.any(axis=1)
    power_first = (multiplicity * np.abs(first) ** 2).sum()
    power_second = (multiplicity * np.abs(second) ** 2).sum()
    norm = np.sqrt(power_first * power_second)
    if not norm > 0:
        raise ValueError("map_correlation: f1 or f2 has no amplitude beyond F(000)")
    product = (first * second.conj()).real
    return float((multiplicity * product).sum() / norm)


def density_correlation(rho1: ArrayLike, rho2: ArrayLike) -> float:
    """Return the correlation of two densities on one grid, their means removed.

    Raises
    ------
    ValueError
        Shapes differ, or one of the densities is constant.
    """
    if isinstance(rho1, np.ndarray):
        _demand_for_densities(rho1.size)
    first = real_array("rho1", rho1)
    second = real_array("rho2", rho2)
    _check_same_shape("rho2", second, "rho1", first)
    _demand_for_densities(first.size)
    first = first - first.mean()
    second = second - second.mean()
    power_first = (first * first).sum()
    power_second = (second * second).sum()
    norm = np.sqrt(power_first * power_second)
    if not norm > 0:
        raise ValueError("density_correlation: rho1 or rho2 is constant")
    return float((first * second).sum() / norm)


def _demand_for_densities(points: int) -> None:
    """Raise where correlating two densities takes more memory than a call may."""
    needed = _BYTES_OF_DENSITY * points
    demand(f"the correlation of {points:,} points", needed, "compare coarser grids")


def align_origin(
    hkl: ArrayLike,
    true: ArrayLike,
    predicted: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    origins: Literal["continuous"] | Origins | ArrayLike | None = None,
    spacegroup: SpaceGroup | None = None,
    hands: Sequence[Hand] = (1, -1),
) -> Alignment:
    """Bring predicted phases to the origin and hand of the true ones.

    Maximises ``sum_h w_h cos(phi_h - sigma phi_hat_h - 2 pi h . t)`` over hands sigma and origins
    t. Along floating axes the maximum is found by FFT on a grid and refined by Newton steps, so
    that it is exact.

    Parameters
    ----------
    hkl : (m, 3) int
    true, predicted : (m,) float or complex
        Phases in radians, or structure factors.
    weights : (m,) float, optional
        None takes |F| of `true` when that is complex, else 1.
    origins : "continuous", Origins, (n, 3) float, optional
        Shifts allowed with either hand; None allows no shift.
    spacegroup : str or sequence of str, optional
        Instead of `origins`: what `permissible_origins` gives for each hand.
    hands : sequence of 1 and -1

    Raises
    ------
    ValueError
        Shapes differ, both `origins` and `spacegroup` are given, or no origin is allowed at all.
    MemoryLimitError
        The grid of floating origins takes more than `argand.memory_limit()`.
    """
    indices = as_hkl(hkl).astype(np.int64)
    phi = _phases("true", true)
    phi_hat = _phases("predicted", predicted)
    _check_same_shape("true", phi, "hkl[:, 0]", indices[:, 0])
    _check_same_shape("predicted", phi_hat, "hkl[:, 0]", indices[:, 0])
    demand(f"the origin of {len(phi):,} phases", _BYTES_OF_ALIGNED * len(phi), _FEWER)
    if weights is None and np.iscomplexobj(true):
        weights = np.abs(complex_array("true", true))
    weight = _weights(weights, phi)
    best: Alignment | None = None
    for hand in hands:
        allowed = _allowed(origins, spacegroup, hand)
        coefficients = weight * np.exp(1j * (phi - hand * phi_hat))
        for start in allowed.shifts:
            value, shift = _best_shift(indices, coefficients, start, allowed.axes)
            score = value / float(weight.sum())
            # Equal scores go to the first hand and origin.
            if best is None or score > best.score + _BETTER:
                moved = hand * phi_hat + 2 * np.pi * (indices @ shift)
                best = Alignment(_wrap(moved), shift, hand, score)
    if best is None:
        raise ValueError(f"align_origin: no origin is permissible for hands {tuple(hands)}")
    return best


def _best_shift(
    hkl: NDArray[np.int64],
    coefficients: NDArray[Any],
    start: NDArray[np.float64],
    axes: NDArray[np.int64],
) -> tuple[float, NDArray[np.float64]]:
    """Maximise g(t) = Re sum_h c_h exp(-2 pi i h.t) over t = start + s @ axes.

    Parameters
    ----------
    hkl, coefficients : (m, 3), (m,)
        h and c_h.
    start : (3,)
        Fractional shift.
    axes : (k, 3)
        Directions along which the origin floats; none leaves t = start.

    Returns
    -------
    The maximum, and the shift t (3,) where it is.
    """
    shifted = coefficients * np.exp(-2j * np.pi * (hkl @ start))
    if len(axes) == 0:
        return float(shifted.real.sum()), start
    orders = hkl @ axes.T
    maxima = [_newton(orders, shifted, s) for s in _grid_maxima(orders, shifted)]
    value, s = max(maxima, key=lambda maximum: maximum[0])
    return value, (start + s @ axes) % 1.0


def _grid_maxima(
    orders: NDArray[np.int64], coefficients: NDArray[Any]
) -> list[NDArray[np.float64]]:
    """Return the highest maxima s (k,) of Re sum c exp(-2 pi i orders.s) on a grid, best first.

    `orders` is (m, k) and `coefficients` (m,).
    """
    import scipy.fft
    from scipy.ndimage import maximum_filter

    shape = []
    for reach in np.abs(orders).max(axis=0):
        shape.append(scipy.fft.next_fast_len(2 * _OVERSAMPLING * max(int(reach), 1)))
    points = math.prod(shape)
    demand(
        f"a grid of {points:,} origins",
        _BYTES_OF_POINT * points,
        "leave out reflections of high indices",
    )
    box = np.zeros(shape, dtype=complex)
    np.add.at(box, tuple((orders % shape).T), coefficients)
    grid = interruptible(points, scipy.fft.fftn, box).real
    highest_nearby = interruptible(points, partial(maximum_filter, grid, size=3, mode="wrap"))
    maxima = np.argwhere(grid == highest_nearby)
    descending = np.argsort(-grid[tuple(maxima.T)], kind="stable")
    return [maxima[number] / shape for number in descending[:_PEAKS]]


def _newton(
    orders: NDArray[np.int64], coefficients: NDArray[Any], s: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Climb from s (k,) to the maximum of Re sum c exp(-2 pi i orders.s), and return both.

    `orders` is (m, k) and `coefficients` (m,).
    """

    def terms(point: NDArray[np.float64]) -> NDArray[Any]:
        turns = orders @ point
        return np.asarray(coefficients * np.exp(-2j * np.pi * turns))

    values = terms(s)
    for _ in range(_NEWTON_STEPS):
        gradient = 2 * np.pi * (values.imag @ orders)
        weighted = values.real[:, None] * orders
        hessian = -4 * np.pi**2 * (orders.T @ weighted)
        curvatures, vectors = np.linalg.eigh(hessian)
        flat = np.abs(curvatures).max(initial=0.0) * 1e-9 + 1e-300
        # Newton's step where the surface curves down, a short uphill step elsewhere.
        downward = np.minimum(-np.abs(curvatures), -flat)
        along_vectors = (vectors.T @ gradient) / downward
        step = -vectors @ along_vectors
        height = values.real.sum()
        while np.abs(step).max() > _LAST_STEP and terms(s + step).real.sum() < height:
            step = step / 2
        if np.abs(step).max() <= _LAST_STEP:
            break
        s = s + step
        values = terms(s)
    return float(values.real.sum()), s


def _allowed(origins: Any, spacegroup: SpaceGroup | None, hand: Hand) -> Origins:
    """Return the origins that `align_origin` may choose with a hand."""
    if spacegroup is not None:
        if origins is not None:
            raise ValueError("align_origin: give origins or spacegroup, not both")
        return permissible_origins(spacegroup, hand)
    if isinstance(origins, Origins):
        return origins
    if isinstance(origins, str):
        if origins != "continuous":
            raise ValueError(
                f"origins is {origins!r}, must be 'continuous', an array (n, 3) or None"
            )
        return CONTINUOUS
    shifts = np.zeros((1, 3)) if origins is None else real_array("origins", origins)
    if shifts.ndim != 2 or shifts.shape[1] != 3:
        raise ValueError(f"origins has shape {shifts.shape}, needs (n, 3)")
    return Origins(shifts, np.zeros((0, 3), dtype=np.int64))


def _multiplicity(hkl: NDArray[np.int64], rotations: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the equivalents and Friedel mates of each reflection (m,) per listed one of them."""
    images = np.einsum("mi,rij->rmj", hkl, np.concatenate([rotations, -rotations]))
    code = np.sort(index_codes(images), axis=0)
    different = np.diff(code, axis=0) != 0
    equivalents = 1 + different.sum(axis=0)
    _, inverse, listed = np.unique(code[-1], return_inverse=True, return_counts=True)
    return np.asarray(equivalents / listed[inverse])


def _wrap(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return angles in radians wrapped to [-pi, pi]."""
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def _phases(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return phases in radians of phases or of complex numbers."""
    if np.iscomplexobj(values):
        return np.angle(complex_array(name, values))
    return real_array(name, values)


def _weights(weights: ArrayLike | None, like: NDArray[Any]) -> NDArray[np.float64]:
    """Return checked weights in the shape of `like`; 1 where none are given."""
    values = np.ones(like.shape) if weights is None else real_array("weights", weights)
    _check_same_shape("weights", values, "the phases", like)
    if not (np.all(values >= 0) and values.sum() > 0):
        raise ValueError("weights must not be negative and must not sum to zero")
    return values


def _check_same_shape(name: str, array: NDArray[Any], other: str, like: NDArray[Any]) -> None:
    """Raise a ValueError where an argument has not the shape of another."""
    if array.shape != like.shape:
        raise ValueError(f"{name} has shape {array.shape}, needs {like.shape} like {other}")
