"""Intensities against what a cell of known content scatters: Wilson's scale and B, and local means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.form_factors import form_factors
from argand.measured.merging import Merged
from argand.reflections import epsilon
from argand.symmetry import group_ops

__all__ = ["Wilson", "expected_intensity", "local_mean", "shells", "statistical_weight", "wilson"]

_PER_SHELL = 50
_MOST_SHELLS = 25
#: lattice spacings above this (angstrom) are left out where enough others are there: molecules are no random atoms
_D_MAX = 4.5


@dataclass(frozen=True)
class Wilson:
    """<I> = scale x epsilon x sum f^2 x exp(-2 B stol^2), with the standard uncertainty of B."""

    scale: float
    b: float
    b_sigma: float


def expected_intensity(
    content: Mapping[str, float], stol: FloatArray, table: str = "it92"
) -> FloatArray:
    """sum_j n_j f_j(stol)^2 over the atoms of the cell, at rest: <|F|^2> of a general reflection, P lattice."""
    types = tuple(content)
    factors = form_factors(types, stol, table=table)
    numbers = np.array([content[symbol] for symbol in types])
    total: FloatArray = np.einsum("n,n...->...", numbers, np.square(factors))
    return total


def statistical_weight(merged: Merged) -> FloatArray:
    """(n,) epsilon, times the number of centring vectors: by how much symmetry raises the mean intensity."""
    centring = len(group_ops(merged.spacegroup).cen_ops)
    return np.asarray(epsilon(merged.hkl, merged.spacegroup) * centring, dtype=np.float64)


def shells(stol: FloatArray) -> list[np.ndarray]:
    """Rows of reflections of like resolution, about as many in each, the sparse low angles included."""
    order = np.argsort(stol, kind="stable")
    return list(np.array_split(order, int(np.clip(len(order) // _PER_SHELL, 1, _MOST_SHELLS))))


def local_mean(merged: Merged) -> FloatArray:
    """(n,) the mean of I/epsilon around each reflection's resolution, linear in ln<I> against stol^2 between shells.

    Positive throughout: where a shell has no mean above its noise, a tenth of its mean sigma stands in.
    """
    weight = statistical_weight(merged)
    stol = merged.stol
    place, height = [], []
    for rows in shells(stol):
        mean = float(np.mean(merged.intensity[rows] / weight[rows]))
        floor = (
            0.0 if merged.sigma is None else 0.1 * float(np.mean(merged.sigma[rows] / weight[rows]))
        )
        place.append(float(np.mean(stol[rows] ** 2)))
        height.append(max(mean, floor))
    heights = np.array(height)
    least = heights[heights > 0].min(initial=np.inf)
    if not np.isfinite(least):
        raise ArgandError("no shell of resolution has a positive mean intensity")
    means: FloatArray = np.exp(np.interp(stol**2, place, np.log(np.maximum(heights, least))))
    return means


def wilson(merged: Merged, content: Mapping[str, float], table: str = "it92") -> Wilson:
    """Scale and overall B from ln(<I> / (epsilon sum f^2)) = ln(scale) - 2 B stol^2, in shells of resolution.

    Parameters
    ----------
    merged : unique reflections
    content : atoms of each type in the cell
    table : form factors, see `argand.form_factors`

    Raises
    ------
    ArgandError
        Fewer than three shells have a positive mean.

    Source: A. J. C. Wilson, Nature 150 (1942) 152; epsilon and centring as in International Tables B, section 2.2.
    """
    stol = merged.stol
    ratio = merged.intensity / (
        statistical_weight(merged) * expected_intensity(content, stol, table)
    )
    used = stol > 0.5 / _D_MAX
    if used.sum() < max(2 * _PER_SHELL, len(stol) // 2):
        used[:] = True
    rows = np.flatnonzero(used)
    parts = list(
        np.array_split(
            rows[np.argsort(stol[rows])], int(np.clip(len(rows) // _PER_SHELL, 3, _MOST_SHELLS))
        )
    )
    # the mean of intensities over the mean of expectations: not that of ratios, in which weak shells would be loud
    points = [
        (float(np.mean(stol[p] ** 2)), float(np.mean(ratio[p])), len(p)) for p in parts if len(p)
    ]
    points = [point for point in points if point[1] > 0]
    if len(points) < 3:
        raise ArgandError("too few reflections with a positive mean intensity for a Wilson plot")
    squared, mean, number = (
        np.array(column, dtype=np.float64) for column in zip(*points, strict=True)
    )
    design = np.stack([np.ones_like(squared), -2.0 * squared], axis=1) * np.sqrt(number)[:, None]
    target = np.log(mean) * np.sqrt(number)
    (log_scale, b), *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ np.array([log_scale, b])
    variance = float(residual @ residual) / max(len(points) - 2, 1)
    covariance = variance * np.linalg.pinv(design.T @ design)
    return Wilson(float(np.exp(log_scale)), float(b), float(np.sqrt(covariance[1, 1])))
