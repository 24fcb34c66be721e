"""Merge equivalent reflections in the Laue group, and judge the data by how they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from argand._memory import demand
from argand._numbers import LARGEST
from argand.cell import Cell, FloatArray, cell_parameters, cell_volume
from argand.errors import ArgandError
from argand.io import Reflections
from argand.reflections import (
    HklArray,
    asymmetric_unit,
    friedel_sides,
    miller_indices,
    stol,
    systematic_absences,
)
from argand.rows import unique_rows
from argand.symmetry import SpaceGroup, group_ops, spacegroup_name, triplets

__all__ = ["Merged", "group_means", "merge", "usable"]

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# An outlier hides others in its group: the worst of each group is rejected, so many times.
_OUTLIER_ROUNDS = 5

# Median of |z| of a Gaussian.
_GAUSSIAN_MEDIAN = 0.6745

# No detector counts so far; squares of such numbers overflow.
_DAMAGED = 1e25

# Lattice spacing in angstrom beyond which nobody measures.
_SMALLEST_D = 0.1

# Bytes of a measurement while it is merged: its equivalent in the asymmetric unit, the code that
# sorts it, its group, intensity and sigma, and what the search for outliers makes of them.
_BYTES_OF_MEASUREMENT = 300

# Reflections of a sphere beyond which counting them takes too long.
_MOST_COUNTED = 30_000_000


@dataclass(frozen=True, eq=False)
class Merged:
    """Hold unique reflections of a Laue group, without systematic absences.

    Parameters
    ----------
    hkl : (n, 3) int32
        Miller indices in `argand.reflections.asymmetric_unit`, sorted; where Friedel mates are kept
        apart, -h as well.
    intensity : (n,)
        Mean |F|^2.
    sigma : (n,)
        Standard uncertainty of the mean; None where the data have none.
    count : (n,)
        Measurements of each reflection.
    cell, spacegroup
        Unit cell in angstrom and degrees; name or operations of the space group.
    r_int
        sum |I - <I>| / sum I over reflections measured more than once; NaN without any, and where
        the sum of I is not positive.
    r_sigma
        sum sigma / sum <I>; NaN without sigmas, and where the sum of <I> is not positive.
    completeness
        Unique reflections over those there are to `d_min`; NaN beyond thirty million in the sphere.
    measured
        How many measurements were merged.
    absent
        How many measurements are systematically absent.
    rejected
        How many measurements are outliers.
    unused
        How many measurements cannot be used: no value, sigma not above 0, flagged by the file, or
        overlapping twin domains.
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
        """Return sin(theta)/lambda (n,) in 1/angstrom."""
        return stol(self.hkl, self.cell)

    @property
    def d_min(self) -> float:
        """Return the resolution: the smallest lattice spacing, angstrom."""
        return float(0.5 / self.stol.max())

    @property
    def d_max(self) -> float:
        """Return the largest lattice spacing, angstrom."""
        return float(0.5 / self.stol.min())

    @property
    def redundancy(self) -> float:
        """Return the mean number of measurements of a unique reflection."""
        return float(self.count.mean())

    @property
    def strong(self) -> BoolArray:
        """Tell where (n,) I > 2 sigma(I); without sigmas, where I > 0."""
        floor = 0.0 if self.sigma is None else 2.0 * self.sigma
        strong: BoolArray = self.intensity > floor
        return strong


def usable(reflections: Reflections) -> BoolArray:
    """Tell which measurements (m,) can be used.

    They have a value and, where the data have sigmas, a positive one; the file does not flag them
    as left out; they belong to one twin domain only. Where HKLF 5 marks twin domains, reflections
    of others than the first, and those that overlap, are left out.
    """
    intensity, sigma = reflections.intensities()
    h, k, l = reflections.hkl.T
    is_origin = (h | k | l) == 0
    use: BoolArray = (np.abs(intensity) < _DAMAGED) & ~is_origin
    if sigma is not None:
        positive = (sigma > 1.0 / _DAMAGED) & (sigma < _DAMAGED)
        # Where no sigma is positive they are none, and none of them says anything of its row.
        use &= positive if positive.any() else ~(sigma >= _DAMAGED)
    if reflections.left_out is not None:
        use &= ~reflections.left_out
    batch = reflections.batch
    if batch is None or not (batch < 0).any():
        return use
    # HKLF 5: a line with a negative number shares its intensity with the next line.
    shares_with_previous = np.concatenate([[False], batch[:-1] < 0])
    alone: BoolArray = use & (batch == 1) & ~shares_with_previous
    if alone.any():
        return alone
    # Every reflection of the first domain overlaps: take the list as if it were of one domain.
    first_domain: BoolArray = use & (np.abs(batch) == 1)
    return first_domain


def merge(
    reflections: Reflections,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: SpaceGroup | None = None,
    outliers: float | None = 6.0,
    keep_mates: bool = False,
) -> Merged:
    """Merge reflections in the Laue group of a space group, with weights w = 1/sigma^2.

    Friedel mates, which differ where there is dispersion, are merged unless they are to be kept.

    <I> = sum w I / sum w; its sigma is the larger of (sum w)^(-1/2) and
    sum |I - <I>| / (n sqrt(n - 1)). Without sigmas all weights are 1.

    Source: SHELX-97 manual, chapter 7 (MERG) for the two estimates of sigma and R_int.

    Parameters
    ----------
    reflections
        Measured intensities, or amplitudes, which are squared.
    cell, spacegroup
        Unit cell and space group, where the reflections have none or others are meant.
    outliers
        A measurement is rejected when it lies so many standard deviations from the mean of its
        equivalents, of which there are two or more; deviations are scaled to what is common in the
        data. None rejects nothing.
    keep_mates
        Merge in the point group instead: h and -h are unique reflections of their own, unless the
        point group makes them equivalent.

    Raises
    ------
    ArgandError
        No cell, no space group, nothing to merge, or a reflection at less than 0.1 A.
    MemoryLimitError
        The measurements take more than `argand.memory_limit()`.
    """
    unit_cell = cell if cell is not None else reflections.cell
    if unit_cell is None:
        raise ArgandError("the reflections have no cell: give one")
    group_named = spacegroup if spacegroup is not None else reflections.spacegroup
    if group_named is None:
        raise ArgandError("the reflections have no space group: give one")
    demand(
        f"merging of {len(reflections.hkl):,} measurements",
        _BYTES_OF_MEASUREMENT * len(reflections.hkl),
        "give fewer",
    )
    group = group_ops(group_named)
    name = spacegroup_name(group) or ";".join(triplets(group))
    use = usable(reflections)
    if not use.any():
        raise ArgandError("no reflection has an intensity that can be used")
    rows = np.flatnonzero(use)
    # Equivalents are found once for each index, which may have been measured many times.
    listed, listed_of_row = unique_rows(reflections.hkl[rows])
    listed_absent = systematic_absences(listed, name)
    absent = listed_absent[listed_of_row]
    if absent.all():
        raise ArgandError(f"all {len(absent)} reflections are systematically absent in {name}")
    rows = rows[~absent]
    present = np.cumsum(~listed_absent) - 1
    listed, listed_of_row = listed[~listed_absent], present[listed_of_row[~absent]]
    all_intensities, all_sigmas = reflections.intensities()
    if all_sigmas is not None and not (all_sigmas[use] > 1.0 / _DAMAGED).any():
        all_sigmas = None
    laue_hkl = asymmetric_unit(listed, name)
    hkl = laue_hkl
    if keep_mates:
        _, is_mate = friedel_sides(listed, name)
        hkl = np.where(is_mate[:, None], -laue_hkl, laue_hkl)
    unique, group_of_listed = unique_rows(hkl)
    group_of_row = group_of_listed[listed_of_row]
    laue_unique = unique_rows(laue_hkl)[0] if keep_mates else unique
    rejected = np.zeros(len(rows), bool)
    if outliers is not None and all_sigmas is not None:
        rejected = _outliers(all_intensities[rows], all_sigmas[rows], group_of_row, outliers)
    rows = rows[~rejected]
    group_of_row = group_of_row[~rejected]
    intensity = all_intensities[rows]
    sigma = None if all_sigmas is None else all_sigmas[rows]
    mean, mean_sigma, count, r_int = group_means(intensity, sigma, group_of_row)
    r_sigma = np.nan
    if mean_sigma is not None:
        r_sigma = _ratio(mean_sigma.sum(), mean.sum())
    parameters = cell_parameters(unit_cell)
    return Merged(
        hkl=unique,
        intensity=mean,
        sigma=mean_sigma,
        count=count,
        cell=parameters,
        spacegroup=name,
        r_int=r_int,
        r_sigma=r_sigma,
        completeness=_completeness(laue_unique, parameters, name),
        measured=len(intensity),
        absent=int(absent.sum()),
        rejected=int(rejected.sum()),
        unused=int((~use).sum()),
    )


def group_means(
    intensity: FloatArray,
    sigma: FloatArray | None,
    group_of_row: IndexArray,
    weight: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray | None, npt.NDArray[np.int64], float]:
    """Average the measurements (m,) of each group of equivalents.

    The weights (m,) are 1/sigma^2 where none are given, and 1 without sigmas.

    Returns mean (n,), its sigma (n,) or None, number of measurements (n,), and R_int.
    """
    precision = np.ones_like(intensity) if sigma is None else sigma**-2.0
    if weight is None:
        weight = precision
    count = np.bincount(group_of_row)
    mean = np.bincount(group_of_row, weight * intensity) / np.bincount(group_of_row, weight)
    deviation = np.bincount(group_of_row, np.abs(intensity - mean[group_of_row]))
    repeated = count > 1
    repeated_sum = np.bincount(group_of_row, intensity)[repeated].sum()
    r_int = _ratio(deviation[repeated].sum(), repeated_sum)
    if sigma is None:
        return mean, None, count, r_int
    scatter = deviation / (count * np.sqrt(np.maximum(count - 1, 1)))
    from_sigmas = np.bincount(group_of_row, precision) ** -0.5
    return mean, np.maximum(from_sigmas, scatter), count, r_int


def _ratio(errors: float, intensities: float) -> float:
    """Divide a sum of errors by one of intensities; NaN where these are no signal at all."""
    return float(errors / intensities) if intensities > errors / LARGEST else np.nan


def _completeness(unique: HklArray, cell: Cell, spacegroup: str) -> float:
    """Return unique reflections (n, 3) over those there are to their resolution.

    NaN where there would be too many to count.
    """
    unique_stol = stol(unique, cell)
    d_min = float(0.5 / unique_stol.max())
    if d_min < _SMALLEST_D:
        h, k, l = unique[unique_stol.argmax()]
        raise ArgandError(
            f"reflection {h} {k} {l} would lie at d = {d_min:.2g} Å: an index or the cell is wrong"
        )
    if 4.0 / 3.0 * np.pi * cell_volume(cell) / d_min**3 > _MOST_COUNTED:
        return np.nan
    # A little beyond d_min, so that rounding does not lose the outermost reflections.
    possible = len(miller_indices(cell, spacegroup, d_min=d_min * (1.0 - 1e-9)))
    return min(1.0, len(unique) / max(possible, 1))


def _outliers(
    intensity: FloatArray, sigma: FloatArray, group_of_row: IndexArray, limit: float
) -> BoolArray:
    """Find measurements (m,) far from the mean of their equivalents, in groups of three or more.

    z = |I - <I>'| / sqrt(sigma^2 + sigma'^2) with mean and sigma of its equivalents; the
    median of z, where it is above that of a Gaussian, says by how much the sigmas of the data are
    too small. The worst of each group is rejected in a round.
    """
    rejected = np.zeros(len(intensity), bool)
    groups = int(group_of_row.max(initial=-1)) + 1
    rows = np.arange(len(intensity))
    group, w, intensity_of_rows = group_of_row, sigma**-2.0, intensity
    for _ in range(_OUTLIER_ROUNDS):
        remains = ~rejected[rows]
        count = np.bincount(group[remains], minlength=groups)
        remains &= count[group] > 2
        if not remains.all():
            rows, group = rows[remains], group[remains]
            w, intensity_of_rows = w[remains], intensity_of_rows[remains]
        if not len(rows):
            break
        wi = w * intensity_of_rows
        group_weight = np.asarray(np.bincount(group, w, minlength=groups), np.float64)
        group_sum = np.asarray(np.bincount(group, wi, minlength=groups), np.float64)
        # New arrays of a million numbers take longer than what is calculated in them.
        other_weight = group_weight[group]
        other_weight -= w
        z = group_sum[group]
        z -= wi
        z /= other_weight
        np.abs(np.subtract(intensity_of_rows, z, out=z), out=z)
        variance = np.divide(1.0, w, out=wi)
        variance += np.divide(1.0, other_weight, out=other_weight)
        z /= np.sqrt(variance, out=variance)
        z /= max(1.0, float(np.median(z)) / _GAUSSIAN_MEDIAN)
        worst = np.zeros(groups)
        np.maximum.at(worst, group, z)
        outliers = rows[(z > limit) & (z == worst[group])]
        if not len(outliers):
            break
        rejected[outliers] = True
    return rejected
