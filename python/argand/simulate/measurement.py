"""Simulated measurements of structure factors: reach, losses, noise, an unknown scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.simulate.random import Purpose, normals, uniforms
from argand.simulate.widths import Width, check_width, draw_widths
from argand.symmetry import operations

__all__ = ["Measurement", "measure"]

# Reflections on the limit of resolution are measured: stol may exceed it by this (1/angstrom).
_ON_THE_LIMIT = 1e-9

# A change of B that multiplies |F| by more is none of a crystal, and overflows single precision.
_LARGEST_FACTOR = 1e10

# Fewer counts a reflection measure nothing, and no detector counts more; squares stay finite.
_FEWEST_COUNTS = 1e-6
_MOST_COUNTS = 1e18


@dataclass(frozen=True)
class Measurement:
    """Describe how a sample is measured. The defaults change nothing.

    Parameters
    ----------
    noise
        Standard deviation of |F| over |F|: errors that grow with the reflection.
    counts
        Counts in the reflection of mean intensity: its standard deviation is their square root;
        None: no counting.
    background
        Counts under every reflection, over those of the mean reflection.
    scale
        Factor on |F|; a range is drawn from evenly in its logarithm.
    b_change
        Standard deviation of a change of the overall B, A^2.
    d_min
        Resolution, angstrom; None: that of the list of reflections.
    missing
        Share of the reflections that are lost at random.
    strongest
        Share of the reflections that are lost because they are the strongest.
    wedge
        Half angle in degrees of a cone about a random axis, in which nothing is measured.
    twin
        Share of the volume that belongs to a second domain, a twin by merohedry, 0.5 at most.
        Intensities of the two domains add up. Groups without such twins are measured untwinned.
    """

    noise: Width = 0.0
    counts: float | None = None
    background: float = 0.0
    scale: Width = 1.0
    b_change: Width = 0.0
    d_min: Width | None = None
    missing: Width = 0.0
    strongest: Width = 0.0
    wedge: Width = 0.0
    twin: Width = 0.0

    def __post_init__(self) -> None:
        check_width("noise", self.noise)
        check_width("background", self.background)
        check_width("b_change", self.b_change)
        check_width("missing", self.missing, high=1.0)
        check_width("strongest", self.strongest, high=1.0)
        check_width("scale", self.scale, low=1e-9)
        check_width("wedge", self.wedge, high=90.0)
        check_width("twin", self.twin, high=0.5)
        if self.d_min is not None:
            check_width("d_min", self.d_min, low=1e-3)
        if self.counts is not None and not _FEWEST_COUNTS <= self.counts <= _MOST_COUNTS:
            needs = f"needs a number from {_FEWEST_COUNTS:g} to {_MOST_COUNTS:g}"
            raise ValueError(f"counts is {self.counts}, {needs}")


def measure(
    measurement: Measurement,
    seed: int,
    index: NDArray[np.int64],
    modulus: FloatArray,
    stol: FloatArray,
    hkl: NDArray[np.int32],
    symops: tuple[str, ...],
    axes: FloatArray,
    *,
    exists: NDArray[np.bool_] | None = None,
    twin: NDArray[np.int64] | None = None,
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], FloatArray, FloatArray]:
    """Measure structure factors.

    Parameters
    ----------
    measurement
        How samples are measured.
    seed, index
        Seed, and indices (b,) of the samples.
    modulus : (b, m)
        True |F|, electrons.
    stol : (b, m) or (1, m)
        sin(theta)/lambda, 1/angstrom.
    hkl, symops
        Miller indices (m, 3), or (b, m, 3) where each sample has a list of its own, and operations
        of the space group.
    axes : (3, 3) or (b, 3, 3)
        Cartesian reciprocal vectors of h, k, l are the rows of hkl @ axes.
    exists : (b, m)
        Which entries are reflections, the first ones of each row; None: all.
    twin : (m,) or (b, m)
        Number of the reflection of the other domain that falls on each reflection, -1 where it is
        absent; None: the group has no twins.

    Returns
    -------
    intensity : (b, m) on the scale of the measurement; may be negative
    sigma : (b, m) standard deviation of the intensity; 0 without noise
    mask : (b, m) which reflections were measured
    scale : (b,) factor on |F|
    b_change : (b,) A^2; |F| was multiplied by exp(-b_change stol^2)
    """
    m = modulus.shape[1]
    log_scale = tuple(np.log(np.atleast_1d(measurement.scale)))
    widths = [
        log_scale,
        measurement.noise,
        measurement.b_change,
        measurement.missing,
        measurement.strongest,
        measurement.wedge,
        measurement.d_min or 1.0,
        measurement.twin,
    ]
    numbers = draw_widths(widths, seed, index, Purpose.SCALE).T
    scale = np.exp(numbers[0])
    noise, b_width, missing, strongest, wedge, d_min, twinned = numbers[1:]
    # A purpose of its own: the numbers of SCALE are all used by the widths.
    normal = normals(seed, index, 1, Purpose.SCALE_B)
    b_change = b_width * normal[:, 0]
    with np.errstate(over="ignore"):
        decay = np.exp(-b_change[:, None] * np.square(stol))
    if not (decay < _LARGEST_FACTOR).all():
        raise ArgandError(
            f"b_change is {measurement.b_change}, which multiplies |F| at "
            f"{0.5 / float(np.max(stol)):.2g} Å by more than {_LARGEST_FACTOR:g}"
        )
    true_intensity = np.square(modulus * decay * scale[:, None])
    if twin is not None and twinned.any():
        true_intensity = _twinned(true_intensity, twin, twinned)
    variance = np.square(2.0 * noise[:, None] * true_intensity)
    if measurement.counts is not None:
        mean = _mean(true_intensity, exists)
        intensity_of_count = mean / measurement.counts
        variance += intensity_of_count * (true_intensity + measurement.background * mean)
    sigma = np.sqrt(variance)
    intensity = true_intensity
    if noise.any() or measurement.counts is not None:
        intensity = true_intensity + sigma * normals(seed, index, m, Purpose.NOISE)
    mask = np.ones(modulus.shape, dtype=np.bool_) if exists is None else exists.copy()
    if measurement.d_min is not None:
        mask &= stol <= (0.5 + _ON_THE_LIMIT) / d_min[:, None]
    if missing.any():
        uniform = uniforms(seed, index, m, Purpose.LOST)
        mask &= uniform >= missing[:, None]
    if strongest.any():
        weakness = -true_intensity if exists is None else np.where(exists, -true_intensity, np.inf)
        strongest_first = np.argsort(weakness, axis=1, kind="stable")
        rank = np.argsort(strongest_first, axis=1, kind="stable")
        count = m if exists is None else exists.sum(axis=1, keepdims=True)
        mask &= rank >= strongest[:, None] * count
    if wedge.any():
        direction = normals(seed, index, 3, Purpose.WEDGE)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        mask &= _outside_cone(hkl, symops, axes, direction, wedge)
    return intensity, sigma, mask, scale, b_change


def _mean(intensity: FloatArray, exists: NDArray[np.bool_] | None) -> FloatArray:
    """Return the mean (b, 1) of intensities (b, m), of those that exist.

    The sum over a row that is filled up runs in the order of its entries, so that the mean does not
    depend on how far it is filled up.
    """
    if exists is None:
        return np.asarray(intensity.mean(axis=1, keepdims=True))
    row, column = np.nonzero(exists)
    count = np.bincount(row, minlength=len(exists))
    total = np.bincount(row, weights=intensity[row, column], minlength=len(exists))
    return np.asarray((total / np.maximum(count, 1))[:, None])


def _twinned(intensity: FloatArray, twin: NDArray[np.int64], share: FloatArray) -> FloatArray:
    """Return intensities (b, m) of a crystal and of its twin, which has `share` (b,) of it."""
    mates = np.broadcast_to(twin, intensity.shape)
    other = np.take_along_axis(intensity, np.maximum(mates, 0), axis=1)
    other = np.where(mates < 0, 0.0, other)
    return np.asarray((1.0 - share[:, None]) * intensity + share[:, None] * other)


def _outside_cone(
    hkl: NDArray[np.int32],
    symops: tuple[str, ...],
    axes: FloatArray,
    direction: FloatArray,
    wedge: FloatArray,
) -> NDArray[np.bool_]:
    """Return whether an equivalent of each reflection lies outside the cone of each sample, (b, m).

    The cone of a sample is about `direction` (b, 3), of length 1, and has the half angle `wedge`
    (b,) in degrees.
    """
    if hkl.ndim == 3:
        is_outside = np.empty(hkl.shape[:2], np.bool_)
        for row in range(len(hkl)):
            cone = direction[row : row + 1], wedge[row : row + 1]
            is_outside[row] = _outside_cone(hkl[row], symops, axes[row], *cone)[0]
        return is_outside
    smallest_cosine = np.ones((len(direction), len(hkl)))
    rotations = [rotation for rotation, _ in operations(symops)]
    for rotation in np.unique(rotations, axis=0):
        vectors = (hkl @ rotation) @ axes
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(length, 1e-30)
        for row, cone_axis in enumerate(direction):
            cosine = np.abs(vectors @ cone_axis)
            smallest_cosine[row] = np.minimum(smallest_cosine[row], cosine)
    limit = np.cos(np.radians(wedge))
    return np.asarray(smallest_cosine <= limit[:, None])
