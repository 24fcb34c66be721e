"""Describe measured reflections after merging: equivalents, statistics, Wilson plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from argand.errors import ArgandError
from argand.io import Experiment, Reflections
from argand.measured import (
    Absences,
    Merged,
    Statistics,
    Wilson,
    amplitudes,
    check_absences,
    impossible,
    intensity_statistics,
    merge,
    wilson,
)

__all__ = ["MergingDescription", "describe_merging"]

# French and Wilson's treatment changes an intensity where it moves by this share of sigma.
_CHANGED = 0.1

# Wilson B is negative beyond doubt where it is, with so many sigma added.
_WILSON_SIGMAS = 3.0


@dataclass(frozen=True)
class MergingDescription:
    """Describe merged data in numbers; NaN where a number cannot be calculated.

    Parameters
    ----------
    spacegroup
        Name or operations of the space group.
    unique
        Number of unique reflections.
    d_max, d_min
        Largest and smallest lattice spacing, angstrom.
    completeness, redundancy
        Share of the reflections that were measured; measurements of each.
    has_equivalents
        Whether any reflection was measured more than once.
    r_int, stated_r_int, r_sigma
        R_int of the data and as the file states it, None where it does not; R_sigma.
    outliers
        Measurements that were left out.
    absences
        Measured reflections that should be systematically absent.
    wilson, wilson_problem
        Wilson plot, or why there is none; both None where the content is not known.
    negative
        Number of negative intensities.
    changed, treatment_problem
        Intensities that French and Wilson's treatment changes by more than sigma/10, or why it
        cannot be done; both None where there are no sigmas.
    statistics
        Second moment and L test.
    doubts
        What deserves a second look, in words.
    """

    spacegroup: str
    unique: int
    d_max: float
    d_min: float
    completeness: float
    redundancy: float
    has_equivalents: bool
    r_int: float
    stated_r_int: float | None
    r_sigma: float
    outliers: int
    absences: Absences
    wilson: Wilson | None
    wilson_problem: str | None
    negative: int
    changed: int | None
    treatment_problem: str | None
    statistics: Statistics
    doubts: tuple[str, ...]

    @property
    def group_words(self) -> str:
        """Return the name of the space group, or words where it has none."""
        return "its operations" if ";" in self.spacegroup else self.spacegroup


def describe_merging(
    reflections: Reflections,
    content: Mapping[str, float] | None = None,
    experiment: Experiment | None = None,
) -> MergingDescription:
    """Merge reflections and describe how equivalents agree, and their statistics.

    Parameters
    ----------
    reflections
        Measured data with a unit cell and a space group.
    content
        Atoms of each element in the unit cell, for the Wilson plot; None where not known.
    experiment
        What the file states about the measurement.

    Raises
    ------
    ArgandError
        The data cannot be merged, or have no positive mean intensity.
    """
    experiment = experiment or Experiment()
    merged = merge(reflections)
    absences = check_absences(reflections, merged.spacegroup)
    fit, wilson_problem = _wilson_plot(merged, content, experiment)
    changed, treatment_problem = _treatment(merged)
    description = MergingDescription(
        spacegroup=merged.spacegroup,
        unique=len(merged.hkl),
        d_max=merged.d_max,
        d_min=merged.d_min,
        completeness=merged.completeness,
        redundancy=merged.redundancy,
        has_equivalents=bool((merged.count > 1).any()),
        r_int=merged.r_int,
        stated_r_int=experiment.stated.get("R_int"),
        r_sigma=merged.r_sigma,
        outliers=merged.rejected,
        absences=absences,
        wilson=fit,
        wilson_problem=wilson_problem,
        negative=int((merged.intensity < 0).sum()),
        changed=changed,
        treatment_problem=treatment_problem,
        statistics=intensity_statistics(merged),
        doubts=(),
    )
    doubts = impossible(merged) + _doubts(description)
    return replace(description, doubts=tuple(doubts))


def _wilson_plot(
    merged: Merged, content: Mapping[str, float] | None, experiment: Experiment
) -> tuple[Wilson | None, str | None]:
    """Fit a Wilson plot, or give the reason why there is none."""
    if not content:
        return None, None
    try:
        return wilson(merged, content, experiment.radiation()), None
    except ArgandError as error:
        return None, str(error)


def _treatment(merged: Merged) -> tuple[int | None, str | None]:
    """Count the intensities that the treatment of French and Wilson changes, or why it fails."""
    if merged.sigma is None:
        return None, None
    try:
        treated = amplitudes(merged)
    except ArgandError as error:
        return None, str(error)
    change = np.abs(treated.intensity - merged.intensity)
    return int((change > _CHANGED * merged.sigma).sum()), None


def _doubts(description: MergingDescription) -> list[str]:
    """Doubt a space group whose absences are present, and a Wilson plot that rises."""
    doubts: list[str] = []
    if description.absences.violated:
        doubts.append(
            f"reflections that {description.group_words} extinguishes are there: "
            "another space group or cell"
        )
    fit = description.wilson
    if fit is not None and fit.b + _WILSON_SIGMAS * fit.b_sigma < 0:
        doubts.append(
            f"Wilson B is negative, {fit.b:.1f} Å²: another content, "
            "or amplitudes given as intensities"
        )
    return doubts
