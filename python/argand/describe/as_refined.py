"""Compare reflections with a structure as its refinement did, for the R factors that it states.

R1 depends on which reflections are left out, how equivalents are merged, whether Friedel mates are
merged too, and from how many sigma on a reflection is strong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Experiment, Reflections
from argand.measured import Agreement, agreement, calculated_intensity
from argand.measured.merging import group_means, usable
from argand.radiation import Radiation
from argand.reflections import HklArray, asymmetric_unit, stol, systematic_absences
from argand.rows import unique_rows
from argand.symmetry import group_ops, operation_arrays

__all__ = ["AgreementAsRefined", "agreement_as_refined"]

# How equivalents may be merged, the usual way first.
_LAUE = "Friedel mates merged"
_POINT_GROUP = "Friedel mates apart"
_UNMERGED = "not merged"

# Bragg angles in a CIF are rounded to hundredths of a degree.
_ANGLE_ROUNDING = 0.006

# Resolutions of SHEL are compared up to this share.
_RESOLUTION_ROUNDING = 1e-5

# SHELXL weighs an intensity below so many sigma as if it had so many.
_WEAK_SIGMAS = 3.0

# Another number of reflections than the stated one, by more than this share, is another list.
_OTHER_COUNT = 0.02


@dataclass(frozen=True)
class AgreementAsRefined:
    """Describe an agreement that was calculated as the refinement of the structure did.

    Parameters
    ----------
    agreement
        R factors, to be compared with the stated ones.
    merging
        How equivalents were merged, in words.
    threshold
        A reflection is strong where its intensity is above so many sigma.
    left_out
        Reflections that the refinement did not use.
    extinction
        SHELXL's coefficient; None where F was not calculated with it.
    stated_count
        Number of reflections that the file states; None where it does not.
    doubts
        Contradictions between the file and its reflections, in words.
    """

    agreement: Agreement
    merging: str
    threshold: float
    left_out: int
    extinction: float | None
    stated_count: int | None
    doubts: tuple[str, ...]


class _Measurements(NamedTuple):
    """Hold m measurements, or n means of equivalents."""

    hkl: HklArray  # (m, 3)
    intensity: FloatArray  # (m,)
    sigma: FloatArray | None  # (m,)

    def rows(self, chosen: npt.NDArray[np.bool_]) -> _Measurements:
        """Return the chosen rows (m,)."""
        sigma = None if self.sigma is None else self.sigma[chosen]
        return _Measurements(self.hkl[chosen], self.intensity[chosen], sigma)


def agreement_as_refined(
    reflections: Reflections, crystal: Crystal, experiment: Experiment, radiation: Radiation
) -> AgreementAsRefined:
    """Leave out and merge reflections as a refinement did, and compare them with the structure.

    Parameters
    ----------
    reflections
        Measured data.
    crystal
        Structure, in whose unit cell and space group they are merged.
    experiment
        What the file of the structure states.
    radiation
        Radiation of the measurement.

    Raises
    ------
    ArgandError
        No reflection is left.
    """
    stated = experiment.refined_data
    merging, data, left_out = _as_counted(reflections, crystal, experiment, radiation)
    if not len(data.hkl):
        raise ArgandError("the refinement that the file describes leaves out all reflections")
    extinction = _extinction(reflections, crystal, experiment, radiation)
    calculated = calculated_intensity(
        crystal,
        data.hkl,
        radiation=radiation,
        extinction=extinction,
        twin=experiment.twin,
        fraction=experiment.twin_shares,
        merged=merging == _LAUE,
    )
    doubts: list[str] = []
    count = len(data.hkl)
    if stated.count is not None and abs(count - stated.count) > _OTHER_COUNT * stated.count:
        doubts.append(
            f"{stated.count} reflections were refined, as the file states, and {count} are here: "
            "another list, or reflections were left out"
        )
    if experiment.extinction is not None and extinction is None:
        doubts.append("the reflections are corrected for extinction: R factors are without it")
    return AgreementAsRefined(
        agreement=agreement(
            calculated, data.intensity, data.sigma, experiment.weights, stated.threshold
        ),
        merging=merging,
        threshold=stated.threshold,
        left_out=left_out,
        extinction=extinction,
        stated_count=stated.count,
        doubts=tuple(doubts),
    )


def _as_counted(
    reflections: Reflections, crystal: Crystal, experiment: Experiment, radiation: Radiation
) -> tuple[str, _Measurements, int]:
    """Merge and leave out reflections so that their number is the nearest to the stated one.

    Returns how they are merged, the reflections, and how many are left out. Where no number is
    stated, the most likely way to merge is taken, within the limits that the file states.
    """
    stated = experiment.refined_data
    candidates: list[tuple[str, _Measurements, int]] = []
    for merging in _possible_merging(reflections, crystal, experiment):
        merged = _merged(reflections, crystal, merging, by_shelxl=stated.shelxl)
        used = _used(merged, crystal, experiment, radiation)
        candidates.append((merging, merged.rows(used), int((~used).sum())))
        # An angle in a CIF may be that of the measurement, beyond or below the refined data.
        candidates.append((merging, merged, 0))
        if stated.count is None or len(candidates[-2][1].hkl) == stated.count:
            break
    if stated.count is None:
        return candidates[0]
    differences = [abs(len(data.hkl) - stated.count) for _, data, _ in candidates]
    return candidates[int(np.argmin(differences))]


def _possible_merging(
    reflections: Reflections, crystal: Crystal, experiment: Experiment
) -> tuple[str, ...]:
    """List the ways to merge that the file allows, the most likely first."""
    stated = experiment.refined_data
    centrosymmetric = group_ops(crystal.spacegroup).is_centrosymmetric()
    mates = _LAUE if centrosymmetric else _POINT_GROUP
    if stated.merging is not None:
        by_instruction = {0: _UNMERGED, 1: mates, 2: mates}
        return (by_instruction.get(stated.merging, _LAUE),)
    if reflections.intensity is None or stated.count is None:
        return (_LAUE,)
    return (_LAUE, mates, _UNMERGED)


def _merged(
    reflections: Reflections, crystal: Crystal, merging: str, *, by_shelxl: bool
) -> _Measurements:
    """Merge reflections without rejecting any; SHELXL's weights grow with the intensity.

    The weights are I / sigma^2, with 3 sigma for I where it is less: with them the numbers of
    strong reflections that SHELXL states are those that are found.
    """
    absent = systematic_absences(reflections.hkl, crystal.spacegroup)
    measured = reflections[usable(reflections) & ~absent]
    intensity, sigma = measured.intensities()
    if sigma is not None and not (sigma > 0.0).all():
        sigma = None
    if merging == _UNMERGED:
        return _Measurements(measured.hkl, intensity, sigma)
    hkl = asymmetric_unit(measured.hkl, crystal.spacegroup)
    if merging == _POINT_GROUP:
        hkl = np.where(_is_mate(measured.hkl, hkl, crystal)[:, None], -hkl, hkl)
    unique, group_of_row = unique_rows(hkl)
    weight = None
    if sigma is not None and by_shelxl:
        weight = np.maximum(intensity, _WEAK_SIGMAS * sigma) / sigma**2
    mean, mean_sigma, _, _ = group_means(intensity, sigma, group_of_row, weight)
    return _Measurements(unique, mean, mean_sigma)


def _is_mate(hkl: HklArray, in_unit: HklArray, crystal: Crystal) -> npt.NDArray[np.bool_]:
    """Tell which hkl (m, 3) only a Friedel mate takes to their equivalents `in_unit` (m, 3)."""
    rotations = np.unique(operation_arrays(crystal.spacegroup)[0], axis=0)
    is_mate = np.ones(len(hkl), bool)
    for rotation in rotations:
        is_mate &= (hkl @ rotation != in_unit).any(axis=1)
    return is_mate


def _used(
    data: _Measurements, crystal: Crystal, experiment: Experiment, radiation: Radiation
) -> npt.NDArray[np.bool_]:
    """Tell which reflections (m,) lie within the limits of the refinement and are not omitted."""
    stated = experiment.refined_data
    data_stol = stol(data.hkl, crystal.cell)
    d = 0.5 / data_stol
    used = d >= stated.d_min * (1.0 - _RESOLUTION_ROUNDING)
    used &= d <= stated.d_max * (1.0 + _RESOLUTION_ROUNDING)
    if stated.theta_max is not None and radiation.wavelength is not None:
        sine = np.minimum(data_stol * radiation.wavelength, 1.0)
        used &= np.degrees(np.arcsin(sine)) <= stated.theta_max + _ANGLE_ROUNDING
    if stated.omitted:
        omitted = asymmetric_unit(np.array(stated.omitted), crystal.spacegroup)
        in_unit = asymmetric_unit(data.hkl, crystal.spacegroup)
        for reflection in omitted:
            used &= (in_unit != reflection).any(axis=1)
    return np.asarray(used)


def _extinction(
    reflections: Reflections, crystal: Crystal, experiment: Experiment, radiation: Radiation
) -> float | None:
    """Return the coefficient of extinction; None where the data are corrected for it already.

    Where a list has calculated amplitudes, those with or those without extinction agree with them.
    """
    extinction = experiment.extinction
    if extinction is None or radiation.wavelength is None:
        return None
    listed = reflections.amplitude_calc
    if listed is None:
        return extinction
    rows = np.isfinite(listed) & reflections.hkl.any(axis=1)
    if not listed[rows].any():
        return extinction
    r: dict[float | None, float] = {}
    for x in (extinction, None):
        calculated = calculated_intensity(
            crystal, reflections.hkl[rows], radiation=radiation, extinction=x, merged=False
        )
        r[x] = agreement(calculated, listed[rows] ** 2, None).r1_all
    return extinction if r[extinction] <= r[None] else None
