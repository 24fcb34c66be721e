"""Comparing phases: origins and hands, phase error, map correlation. Phases are in radians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter

from argand.origins import CONTINUOUS, Hand, Origins, group_rotations, permissible_origins
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

_OVERSAMPLING = 3  # grid points per shortest period in the search for a floating origin
_PEAKS = 8  # how many of its maxima are refined


@dataclass(frozen=True, eq=False)
class Alignment:
    """Predicted phases after the best choice of origin and hand.

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
    """Weighted mean absolute phase error in radians.

    ``sum_h w_h |wrap(phi_h - phi_hat_h)| / sum_h w_h`` with the difference wrapped to [-pi, pi]; random
    phases score pi/2.

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
    a, b = np.asarray(phi, dtype=float), np.asarray(phi_hat, dtype=float)
    _same_shape("phi_hat", b, "phi", a)
    w = _weights(weights, a)
    wrapped = np.abs((a - b + np.pi) % (2 * np.pi) - np.pi)
    return float((w * wrapped).sum() / w.sum())


def map_correlation(
    hkl: ArrayLike, f1: ArrayLike, f2: ArrayLike, spacegroup: SpaceGroup = "P 1"
) -> float:
    """Correlation of two densities from their Fourier coefficients (Parseval), F(000) left out.

    ``sum m_h Re(F1 conj F2) / sqrt(sum m_h |F1|^2 sum m_h |F2|^2)``; m_h counts the equivalents and Friedel
    mates of h, shared among those of them that are listed, so that a unique set, a half sphere and a full
    sphere give the same number.

    Parameters
    ----------
    hkl : (m, 3) int
    f1, f2 : (m,) complex
        Of the same origin and hand: see `align_origin`.
    spacegroup : str or sequence of str
        Of the densities.

    Raises
    ------
    ValueError
        Shapes differ, or one of the densities is constant.
    """
    h = _hkl(hkl)
    a, b = np.asarray(f1, dtype=complex), np.asarray(f2, dtype=complex)
    _same_shape("f1", a, "hkl[:, 0]", h[:, 0])
    _same_shape("f2", b, "hkl[:, 0]", h[:, 0])
    m = _multiplicity(h, spacegroup) * h.any(axis=1)
    norm = np.sqrt((m * np.abs(a) ** 2).sum() * (m * np.abs(b) ** 2).sum())
    if not norm > 0:
        raise ValueError("map_correlation: f1 or f2 has no amplitude beyond F(000)")
    return float((m * (a * b.conj()).real).sum() / norm)


def density_correlation(rho1: ArrayLike, rho2: ArrayLike) -> float:
    """Correlation of two densities on one grid, means removed.

    Raises
    ------
    ValueError
        Shapes differ, or one of the densities is constant.
    """
    a, b = np.asarray(rho1, dtype=float), np.asarray(rho2, dtype=float)
    _same_shape("rho2", b, "rho1", a)
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a * a).sum() * (b * b).sum())
    if not norm > 0:
        raise ValueError("density_correlation: rho1 or rho2 is constant")
    return float((a * b).sum() / norm)


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

    Maximises ``sum_h w_h cos(phi_h - sigma phi_hat_h - 2 pi h . t)`` over hands sigma and origins t. Along
    floating axes the maximum is found by FFT on a grid and refined by Newton steps, so that it is exact.

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
    """
    h = _hkl(hkl)
    phi, phi_hat = _phases(true), _phases(predicted)
    _same_shape("true", phi, "hkl[:, 0]", h[:, 0])
    _same_shape("predicted", phi_hat, "hkl[:, 0]", h[:, 0])
    given = np.abs(np.asarray(true)) if weights is None and np.iscomplexobj(true) else weights
    w = _weights(given, phi)
    best: Alignment | None = None
    for hand in hands:
        allowed = _allowed(origins, spacegroup, hand)
        coefficients = w * np.exp(1j * (phi - hand * phi_hat))
        for start in allowed.shifts:
            value, shift = _climb(h, coefficients, start, allowed.axes)
            score = value / float(w.sum())
            if (
                best is None or score > best.score + 1e-12
            ):  # ties go to the first: this hand, this origin
                turned = hand * phi_hat + 2 * np.pi * (h @ shift)
                wrapped = (turned + np.pi) % (2 * np.pi) - np.pi
                best = Alignment(wrapped, shift, hand, score)
    if best is None:
        raise ValueError(f"align_origin: no origin is permissible for hands {tuple(hands)}")
    return best


def _climb(
    hkl: NDArray[np.int64], c: NDArray[Any], start: NDArray[np.float64], axes: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """Maximum of g(s) = Re sum c exp(-2 pi i h . (start + s @ axes)) and the shift where it is."""
    d = c * np.exp(-2j * np.pi * (hkl @ start))
    if len(axes) == 0:
        return float(d.real.sum()), start
    index = hkl @ axes.T
    shape = [
        scipy.fft.next_fast_len(2 * _OVERSAMPLING * max(int(n), 1))
        for n in np.abs(index).max(axis=0)
    ]
    box = np.zeros(shape, dtype=complex)
    np.add.at(box, tuple((index % shape).T), d)
    grid = scipy.fft.fftn(box, overwrite_x=True).real
    peaks = np.argwhere(grid == maximum_filter(grid, size=3, mode="wrap"))
    highest = peaks[np.argsort(-grid[tuple(peaks.T)], kind="stable")[:_PEAKS]]
    value, s = max((_newton(index, d, peak / shape) for peak in highest), key=lambda pair: pair[0])
    return value, (start + s @ axes) % 1.0


def _newton(
    index: NDArray[np.int64], d: NDArray[Any], s: NDArray[np.float64], steps: int = 20
) -> tuple[float, NDArray[np.float64]]:
    def terms(at: NDArray[np.float64]) -> NDArray[Any]:
        return np.asarray(d * np.exp(-2j * np.pi * (index @ at)))

    p = terms(s)
    for _ in range(steps):
        gradient = 2 * np.pi * (p.imag @ index)
        hessian = -4 * np.pi**2 * (index.T @ (p.real[:, None] * index))
        values, vectors = np.linalg.eigh(hessian)
        flat = np.abs(values).max(initial=0.0) * 1e-9 + 1e-300
        # Newton where the surface curves down, a short uphill step elsewhere.
        move = -vectors @ ((vectors.T @ gradient) / np.minimum(-np.abs(values), -flat))
        while np.abs(move).max() > 1e-15 and terms(s + move).real.sum() < p.real.sum():
            move = move / 2
        if np.abs(move).max() <= 1e-15:
            break
        s = s + move
        p = terms(s)
    return float(p.real.sum()), s


def _allowed(origins: Any, spacegroup: SpaceGroup | None, hand: Hand) -> Origins:
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
    shifts = np.zeros((1, 3)) if origins is None else np.asarray(origins, dtype=float)
    if shifts.ndim != 2 or shifts.shape[1] != 3:
        raise ValueError(f"origins has shape {shifts.shape}, needs (n, 3)")
    return Origins(shifts, np.zeros((0, 3), dtype=np.int64))


def _multiplicity(hkl: NDArray[np.int64], spacegroup: SpaceGroup) -> NDArray[np.float64]:
    rot = group_rotations(spacegroup)
    images = np.einsum("mi,rij->rmj", hkl, np.concatenate([rot, -rot]))
    side = 2 * int(np.abs(images).max(initial=0)) + 1
    code = np.sort(((images[..., 0] * side) + images[..., 1]) * side + images[..., 2], axis=0)
    orbit = 1 + (np.diff(code, axis=0) != 0).sum(axis=0)
    _, inverse, listed = np.unique(code[-1], return_inverse=True, return_counts=True)
    return np.asarray(orbit / listed[inverse])


def _phases(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values)
    return np.angle(array) if np.iscomplexobj(array) else array.astype(float)


def _hkl(hkl: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(hkl)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"hkl has shape {array.shape}, needs (m, 3)")
    return array.astype(np.int64)


def _weights(weights: ArrayLike | None, like: NDArray[Any]) -> NDArray[np.float64]:
    w = np.ones(like.shape) if weights is None else np.asarray(weights, dtype=float)
    _same_shape("weights", w, "the phases", like)
    if not (np.all(w >= 0) and w.sum() > 0):
        raise ValueError("weights must not be negative and must not sum to zero")
    return w


def _same_shape(name: str, array: NDArray[Any], other: str, like: NDArray[Any]) -> None:
    if array.shape != like.shape:
        raise ValueError(f"{name} has shape {array.shape}, needs {like.shape} like {other}")
