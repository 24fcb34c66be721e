"""What a diffractometer makes of structure factors: finite reach, lost reflections, noise, an unknown scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.simulate.random import Purpose, normals, uniforms
from argand.simulate.widths import Width, check_width, draw_widths
from argand.symmetry import operations

__all__ = ["Measured", "Measurement", "measure"]


@dataclass(frozen=True)
class Measurement:
    """How a sample is measured. The defaults change nothing.

    Parameters
    ----------
    noise
        Standard deviation of |F| over |F|: errors that grow with the reflection.
    counts
        Counts in the reflection of mean intensity: its standard deviation is their square root; None: no counting.
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

    def __post_init__(self) -> None:
        for name in ("noise", "background", "b_change"):
            check_width(name, getattr(self, name))
        for name in ("missing", "strongest"):
            check_width(name, getattr(self, name), high=1.0)
        check_width("scale", self.scale, low=1e-9)
        check_width("wedge", self.wedge, high=90.0)
        if self.d_min is not None:
            check_width("d_min", self.d_min, low=1e-3)
        if self.counts is not None and not 0.0 < self.counts < np.inf:
            raise ValueError(f"counts is {self.counts}, needs a number above 0")


class Measured(NamedTuple):
    """b samples of m reflections."""

    intensity: FloatArray  # (b, m), on the scale of the measurement; may be negative
    sigma: FloatArray  # (b, m), its standard deviation; 0 without noise
    mask: NDArray[np.bool_]  # (b, m), which were measured
    scale: FloatArray  # (b,) factor on |F|
    b_change: FloatArray  # (b,) A^2: |F| times exp(-b_change stol^2)


def measure(
    how: Measurement,
    seed: int,
    index: NDArray[np.int64],
    modulus: FloatArray,
    stol: FloatArray,
    hkl: NDArray[np.int32],
    symops: tuple[str, ...],
    axes: FloatArray,
) -> Measured:
    """Measure |F| (b, m) of samples `index` at sin(theta)/lambda (b, m) or (1, m).

    axes (3, 3): Cartesian reciprocal vectors of h, k, l are the rows of hkl @ axes.
    """
    m = modulus.shape[1]
    log_scale = tuple(np.log(np.atleast_1d(how.scale)))
    drawn = draw_widths(
        [
            log_scale,
            how.noise,
            how.b_change,
            how.missing,
            how.strongest,
            how.wedge,
            how.d_min or 1.0,
        ],
        seed,
        index,
        Purpose.SCALE,
    ).T
    scale, (noise, b_width, missing, strongest, wedge, d_min) = np.exp(drawn[0]), drawn[1:]
    # the draws of SCALE are spoken for: that of B is one of its own
    b_change = b_width * normals(seed, index, 1, Purpose.SCALE_B)[:, 0]
    true = np.square(modulus * np.exp(-b_change[:, None] * np.square(stol)) * scale[:, None])
    variance = np.square(2.0 * noise[:, None] * true)
    if how.counts is not None:
        gain = true.mean(axis=1, keepdims=True) / how.counts
        variance += gain * (true + how.background * true.mean(axis=1, keepdims=True))
    sigma = np.sqrt(variance)
    noisy = bool(noise.any()) or how.counts is not None
    intensity = true + sigma * normals(seed, index, m, Purpose.NOISE) if noisy else true
    mask = np.ones(modulus.shape, dtype=np.bool_)
    if how.d_min is not None:
        mask &= stol <= (0.5 + 1e-9) / d_min[:, None]
    if missing.any():
        mask &= uniforms(seed, index, m, Purpose.LOST) >= missing[:, None]
    if strongest.any():
        rank = np.argsort(np.argsort(-true, axis=1, kind="stable"), axis=1, kind="stable")
        mask &= rank >= strongest[:, None] * m
    if wedge.any():
        axis = normals(seed, index, 3, Purpose.WEDGE)
        mask &= _outside(
            hkl, symops, axes, axis / np.linalg.norm(axis, axis=1, keepdims=True), wedge
        )
    return Measured(intensity, sigma, mask, scale, b_change)


def _outside(
    hkl: NDArray[np.int32],
    symops: tuple[str, ...],
    axes: FloatArray,
    axis: FloatArray,
    wedge: FloatArray,
) -> NDArray[np.bool_]:
    """Whether an equivalent of each reflection lies outside the cone of each sample, (b, m)."""
    nearest = np.ones((len(axis), len(hkl)))
    for rotation in np.unique([r for r, _ in operations(symops)], axis=0):
        vectors = (hkl @ rotation) @ axes
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
        for sample, direction in enumerate(axis):
            nearest[sample] = np.minimum(nearest[sample], np.abs(vectors @ direction))
    return np.asarray(nearest <= np.cos(np.radians(wedge))[:, None])
