"""Equivalent reflections become one: merging in the Laue group, and what it says of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray, cell_parameters, cell_volume
from argand.errors import ArgandError
from argand.io import Reflections
from argand.reflections import HklArray, asymmetric_unit, miller_indices, stol, systematic_absences
from argand.symmetry import SpaceGroup, group_ops, spacegroup_name, triplets

__all__ = ["Merged", "merge", "usable"]

_ROUNDS = 5
_DAMAGED = 1e25  # no detector counts so far; squares of such numbers overflow
_SMALLEST_D = 0.1  # angstrom: nobody measures beyond
_MOST = 30_000_000  # reflections of a sphere that are worth counting


@dataclass(frozen=True, eq=False)
class Merged:
    """Unique reflections of a Laue group, Friedel mates merged, systematic absences left out.

    Parameters
    ----------
    hkl : (n, 3) int32 in `argand.reflections.asymmetric_unit`, sorted
    intensity : (n,) mean |F|^2
    sigma : (n,) its standard uncertainty; None where the data have none
    count : (n,) measurements of each
    cell, spacegroup : as in `Crystal`
    r_int : sum |I - <I>| / sum I over reflections measured more than once, NaN without any
    r_sigma : sum sigma / sum <I>, NaN without sigmas
    completeness : unique reflections / those there are to `d_min`; NaN beyond thirty million in the sphere
    measured, absent, rejected, unused : how many measurements were merged, are systematically absent, were taken for
        outliers, and could not be used (no value, sigma not above 0, flagged by the file, overlapping twin domains)
    """

    hkl: HklArray
    intensity: FloatArray
    sigma: FloatArray | None
    count: npt.NDArray[np.int64]
    cell: Cell
    spacegroup: str
    r_int: float
    r_sigma: float
    completeness: float
    measured: int
    absent: int
    rejected: int
    unused: int

    @property
    def stol(self) -> FloatArray:
        """(n,) sin(theta)/lambda, 1/angstrom."""
        return stol(self.hkl, self.cell)

    @property
    def d_min(self) -> float:
        """Resolution: smallest lattice spacing, angstrom."""
        return float(0.5 / self.stol.max())

    @property
    def d_max(self) -> float:
        """Largest lattice spacing, angstrom."""
        return float(0.5 / self.stol.min())

    @property
    def redundancy(self) -> float:
        """Measurements per unique reflection."""
        return float(self.count.mean())

    @property
    def strong(self) -> npt.NDArray[np.bool_]:
        """(n,) whether I > 2 sigma(I); without sigmas, whether I > 0."""
        floor = 0.0 if self.sigma is None else 2.0 * self.sigma
        above: npt.NDArray[np.bool_] = self.intensity > floor
        return above


def usable(reflections: Reflections) -> npt.NDArray[np.bool_]:
    """(m,) measurements with a value, a positive sigma where there are sigmas, not flagged, of one twin domain only.

    A twin domain other than the first, and whatever overlaps with another, is left out where HKLF 5 marks it.
    """
    intensity, sigma = reflections.intensities()
    good: npt.NDArray[np.bool_] = (np.abs(intensity) < _DAMAGED) & reflections.hkl.any(axis=1)
    if sigma is not None:
        positive = (sigma > 1.0 / _DAMAGED) & (sigma < _DAMAGED)
        good &= positive | ~positive.any()
    if reflections.left_out is not None:
        good &= ~reflections.left_out
    batch = reflections.batch
    if (
        batch is not None and (batch < 0).any()
    ):  # HKLF 5: a negative number shares its intensity with the next line
        continued = np.concatenate([[False], batch[:-1] < 0])
        alone = good & (batch == 1) & ~continued
        good = alone if alone.any() else good & (np.abs(batch) == 1)
    return good


def merge(
    reflections: Reflections,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: SpaceGroup | None = None,
    outliers: float | None = 6.0,
) -> Merged:
    """Merge reflections in the Laue group of a space group, with weights 1/sigma^2.

    <I> = sum w I / sum w; its sigma is the larger of (sum w)^(-1/2) and sum |I - <I>| / (n sqrt(n - 1)). Without
    sigmas all weights are 1.

    Parameters
    ----------
    reflections : as read; intensities, or amplitudes which are squared
    cell, spacegroup : where the reflections do not have them, or others are meant
    outliers : a measurement is taken for an outlier when it lies that many standard deviations from the mean of its
        (two or more) equivalents, deviations being scaled to what is common in the data; None keeps all

    Raises
    ------
    ArgandError
        No cell, no space group, nothing to merge, or a reflection at less than 0.1 A.

    Source: SHELX-97 manual, chapter 7 (MERG) for the two estimates of sigma and R_int.
    """
    at = cell if cell is not None else reflections.cell
    if at is None:
        raise ArgandError("the reflections have no cell: give one")
    given = spacegroup if spacegroup is not None else reflections.spacegroup
    if given is None:
        raise ArgandError("the reflections have no space group: give one")
    group = group_ops(given)
    name = spacegroup_name(group) or ";".join(triplets(group))
    good = usable(reflections)
    if not good.any():
        raise ArgandError("no reflection has an intensity that can be used")
    intensity, sigma = (
        None if column is None else column[good] for column in reflections.intensities()
    )
    assert intensity is not None
    if sigma is not None and not (sigma > 1.0 / _DAMAGED).any():
        sigma = None
    hkl = reflections.hkl[good]
    absent = systematic_absences(hkl, name)
    if absent.all():
        raise ArgandError(f"all {len(hkl)} reflections are systematically absent in {name}")
    hkl, intensity, sigma = (
        hkl[~absent],
        intensity[~absent],
        None if sigma is None else sigma[~absent],
    )
    unique, place = np.unique(asymmetric_unit(hkl, name), axis=0, return_inverse=True)
    place = place.reshape(-1)
    kept = np.ones(len(hkl), bool)
    if outliers is not None and sigma is not None:
        kept = ~_outliers(intensity, sigma, place, outliers)
        place, intensity, sigma = place[kept], intensity[kept], sigma[kept]
    weight = np.ones_like(intensity) if sigma is None else sigma**-2.0
    count, total = np.bincount(place), np.bincount(place, weight)
    mean = np.bincount(place, weight * intensity) / total
    deviation = np.bincount(place, np.abs(intensity - mean[place]))
    often = count > 1
    over = np.bincount(place, intensity)[often].sum()
    mean_sigma = None
    if sigma is not None:
        mean_sigma = np.maximum(
            total**-0.5, deviation / (count * np.sqrt(np.maximum(count - 1, 1)))
        )
    unit = cell_parameters(at)
    return Merged(
        hkl=np.ascontiguousarray(unique, np.int32),
        intensity=mean,
        sigma=mean_sigma,
        count=count,
        cell=unit,
        spacegroup=name,
        r_int=float(deviation[often].sum() / over) if over > 0 else np.nan,
        r_sigma=float(mean_sigma.sum() / mean.sum())
        if mean_sigma is not None and mean.sum() > 0
        else np.nan,
        completeness=_completeness(unique, unit, name),
        measured=len(intensity),
        absent=int(absent.sum()),
        rejected=int((~kept).sum()),
        unused=int((~good).sum()),
    )


def _completeness(unique: HklArray, cell: Cell, spacegroup: str) -> float:
    """Of unique reflections to their own resolution; NaN where there would be too many to count."""
    reach = stol(unique, cell)
    d_min = float(0.5 / reach.max())
    if d_min < _SMALLEST_D:
        h, k, l = unique[reach.argmax()]
        raise ArgandError(
            f"reflection {h} {k} {l} would lie at d = {d_min:.2g} Å: an index or the cell is wrong"
        )
    if 4.0 / 3.0 * np.pi * cell_volume(cell) / d_min**3 > _MOST:
        return np.nan
    possible = len(miller_indices(cell, spacegroup, d_min=d_min * (1.0 - 1e-9)))
    return min(1.0, len(unique) / max(possible, 1))


def _outliers(
    intensity: FloatArray, sigma: FloatArray, place: npt.NDArray[np.intp], limit: float
) -> npt.NDArray[np.bool_]:
    """Measurements far from the mean of their equivalents, the worst of each group a round, in groups of three or more.

    z = |I - <I>'| / sqrt(sigma^2 + sigma'^2) with mean and sigma of the others; the median of z, where it is above
    that of a Gaussian, says by how much the sigmas of the data are too small.
    """
    bad = np.zeros(len(intensity), bool)
    weight = sigma**-2.0
    groups = int(place.max(initial=-1)) + 1
    for _ in range(_ROUNDS):
        rows = np.flatnonzero(~bad)
        rows = rows[np.bincount(place[rows], minlength=groups)[place[rows]] > 2]
        if not len(rows):
            break
        w, value, at = weight[rows], intensity[rows], place[rows]
        total = np.bincount(at, w, minlength=groups)[at] - w
        others = (np.bincount(at, w * value, minlength=groups)[at] - w * value) / total
        z = np.abs(value - others) / np.sqrt(1.0 / w + 1.0 / total)
        z /= max(1.0, float(np.median(z)) / 0.6745)
        worst = np.zeros(groups)
        np.maximum.at(worst, at, z)
        found = rows[(z > limit) & (z == worst[at])]
        if not len(found):
            break
        bad[found] = True
    return bad
