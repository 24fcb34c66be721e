"""Compare intensities with what a cell of known content scatters: Wilson's plot and local means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.form_factors import form_factors
from argand.measured.merging import Merged
from argand.radiation import Radiation
from argand.reflections import epsilon
from argand.symmetry import group_ops

__all__ = ["Wilson", "expected_intensity", "local_mean", "shells", "statistical_weight", "wilson"]

# Reflections in a shell of resolution: the mean of so many has an uncertainty of 14 % to 20 %.
_PER_SHELL = 50

# A smooth curve needs no more shells than this.
_MOST_SHELLS = 25

# A line and its uncertainty need three points.
_FEWEST_SHELLS = 3

# Reflections of larger lattice spacing, in angstrom, are left out of the Wilson plot where enough
# others are there: at low resolution molecules do not scatter like random atoms.
_D_MAX = 4.5

# In a shell whose mean is lost in noise, this share of its mean sigma stands for the mean.
_NOISE_FLOOR = 0.1

_X_RAYS = Radiation()


@dataclass(frozen=True)
class Wilson:
    """Hold the line <I> = scale x epsilon x sum f^2 x exp(-2 B stol^2) fitted to merged data.

    Parameters
    ----------
    scale
        Intensity over |F|^2 in electrons.
    b, b_sigma
        Overall B in A^2 and its standard uncertainty.
    """

    scale: float
    b: float
    b_sigma: float


def expected_intensity(
    content: Mapping[str, float], stol: FloatArray, radiation: Radiation = _X_RAYS
) -> FloatArray:
    """Return sum_j n_j f_j(stol)^2 of atoms at rest.

    It is the mean |F|^2 of general reflections in a primitive lattice.

    Parameters
    ----------
    content
        Atoms of each type in the unit cell.
    stol
        sin(theta)/lambda in 1/angstrom, of any shape.
    radiation
        Which form factors; dispersion is not included.
    """
    types = tuple(content)
    factors = form_factors(types, stol, table=radiation.table)
    numbers = np.array([content[symbol] for symbol in types])
    total: FloatArray = np.einsum("n,n...->...", numbers, np.square(factors))
    return total


def statistical_weight(merged: Merged) -> FloatArray:
    """Return the factor (n,) by which symmetry raises the mean of I: epsilon times centring."""
    centring = len(group_ops(merged.spacegroup).cen_ops)
    weight = epsilon(merged.hkl, merged.spacegroup) * centring
    return np.asarray(weight, dtype=np.float64)


def shells(stol: FloatArray) -> list[npt.NDArray[np.intp]]:
    """Divide reflections into shells of resolution with about as many reflections in each.

    Returns the rows of each shell, from low angles to high.
    """
    order = np.argsort(stol, kind="stable")
    return _equal_parts(order, fewest=1)


def _equal_parts(rows: npt.NDArray[np.intp], fewest: int) -> list[npt.NDArray[np.intp]]:
    """Divide rows into parts of about fifty, at least `fewest` and at most twenty-five parts."""
    count = int(np.clip(len(rows) // _PER_SHELL, fewest, _MOST_SHELLS))
    return list(np.array_split(rows, count))


def local_mean(merged: Merged) -> FloatArray:
    """Return the mean of I/epsilon around the resolution of each reflection (n,), always positive.

    ln<I> is linear in stol^2 between shells. In a shell that has no mean above its noise, a tenth
    of its mean sigma stands for it.

    Raises
    ------
    ArgandError
        No shell has a positive mean.
    """
    weight = statistical_weight(merged)
    stol = merged.stol
    of_shells = shells(stol)
    order = np.concatenate(of_shells)
    sizes = np.array([len(rows) for rows in of_shells])
    begins = np.cumsum(sizes) - sizes
    means = np.add.reduceat((merged.intensity / weight)[order], begins) / sizes
    if merged.sigma is not None:
        noise = np.add.reduceat((merged.sigma / weight)[order], begins) / sizes
        means = np.maximum(means, _NOISE_FLOOR * noise)
    shell_squares = np.add.reduceat(np.square(stol[order]), begins) / sizes
    least = means[means > 0].min(initial=np.inf)
    if not np.isfinite(least):
        raise ArgandError("no shell of resolution has a positive mean intensity")
    logarithms = np.log(np.maximum(means, least))
    local: FloatArray = np.exp(np.interp(stol**2, shell_squares, logarithms))
    return local


def wilson(merged: Merged, content: Mapping[str, float], radiation: Radiation = _X_RAYS) -> Wilson:
    """Fit scale and overall B to merged data by a Wilson plot.

    ln(<I> / (epsilon sum f^2)) = ln(scale) - 2 B stol^2, in shells of resolution.

    Source: A. J. C. Wilson, Nature 150 (1942) 152; epsilon and centring as in International Tables
    B, section 2.2.

    Parameters
    ----------
    merged
        Unique reflections.
    content
        Atoms of each type in the unit cell.
    radiation
        Which form factors; dispersion is not included.

    Raises
    ------
    ArgandError
        Fewer than three shells have a positive mean.
    """
    stol = merged.stol
    expected = statistical_weight(merged) * expected_intensity(content, stol, radiation)
    squared, mean_ratio, count = _wilson_points(merged.intensity / expected, stol)
    # ln of the mean in each shell against stol^2, weighted by the number of reflections.
    root_weight = np.sqrt(count)
    design = np.stack([np.ones_like(squared), -2.0 * squared], axis=1) * root_weight[:, None]
    target = np.log(mean_ratio) * root_weight
    (log_scale, b), *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ np.array([log_scale, b])
    variance = float(residual @ residual) / max(len(squared) - 2, 1)
    covariance = variance * np.linalg.pinv(design.T @ design)
    return Wilson(float(np.exp(log_scale)), float(b), float(np.sqrt(covariance[1, 1])))


def _wilson_points(
    ratio: FloatArray, stol: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean stol^2, mean of I over expectation, and number of reflections of each shell.

    Shells without a positive mean are left out.
    """
    used = stol > 0.5 / _D_MAX
    if used.sum() < max(2 * _PER_SHELL, len(stol) // 2):
        used[:] = True
    rows = np.flatnonzero(used)
    rows = rows[np.argsort(stol[rows])]
    squares: list[float] = []
    means: list[float] = []
    counts: list[float] = []
    for shell in _equal_parts(rows, fewest=_FEWEST_SHELLS):
        if not len(shell):
            continue
        mean = float(np.mean(ratio[shell]))
        if mean > 0:
            squares.append(float(np.mean(stol[shell] ** 2)))
            means.append(mean)
            counts.append(len(shell))
    if len(means) < _FEWEST_SHELLS:
        raise ArgandError("too few reflections with a positive mean intensity for a Wilson plot")
    return np.array(squares), np.array(means), np.array(counts, dtype=np.float64)
