"""Describe how measured reflections agree with a structure, calculated as its file states."""

from __future__ import annotations

from dataclasses import dataclass

from argand.crystal import Crystal
from argand.describe.as_refined import AgreementAsRefined, agreement_as_refined
from argand.errors import ArgandError
from argand.io import Experiment, Reflections
from argand.measured import (
    Agreement,
    Merged,
    agreement,
    calculated_intensity,
    check_data,
    merge,
)
from argand.measured.merging import usable
from argand.radiation import Radiation
from argand.reflections import systematic_absences

__all__ = ["AgreementDescription", "describe_agreement"]

# Data with fewer measurements of a unique reflection are merged already.
_MERGED_REDUNDANCY = 1.001


@dataclass(frozen=True)
class AgreementDescription:
    """Describe how measured data agree with a structure.

    Parameters
    ----------
    radiation
        Radiation with which intensities were calculated.
    powder
        Whether a powder was measured.
    twin_fraction
        Share of the further domains of a twin; 0 where the crystal is none.
    extinction
        SHELXL's coefficient; None where F was not calculated with it.
    with_extinction, without_extinction
        R factors of merged data; the first is None where there is no extinction.
    as_refined
        R factors calculated as the refinement did, which are to be compared with the stated ones.
    stated
        R values as published, by name.
    unmerged
        R factors of the measurements one by one; None where the data were merged already.
    doubts
        What is wrong with the data, or deserves a second look, in words.
    """

    radiation: Radiation
    powder: bool
    twin_fraction: float
    extinction: float | None
    with_extinction: Agreement | None
    without_extinction: Agreement
    as_refined: AgreementAsRefined
    stated: dict[str, float]
    unmerged: Agreement | None
    doubts: tuple[str, ...]


def describe_agreement(
    reflections: Reflections, crystal: Crystal, experiment: Experiment | None = None
) -> AgreementDescription:
    """Compare reflections with a structure, as the refinement that its file describes did.

    Parameters
    ----------
    reflections
        Measured data.
    crystal
        Structure, in whose unit cell and space group they are merged.
    experiment
        What the file of the structure states: radiation, extinction, twin, weights.

    Raises
    ------
    ArgandError
        The data cannot be merged or compared.
    """
    experiment = experiment or Experiment()
    radiation = experiment.measured_radiation(reflections.wavelength)
    merged = merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup)
    as_refined = agreement_as_refined(reflections, crystal, experiment, radiation)
    extinction = experiment.extinction if radiation.wavelength is not None else None
    with_extinction = None
    if extinction is not None:
        with_extinction = _compare(merged, crystal, experiment, radiation, extinction)
    without_extinction = _compare(merged, crystal, experiment, radiation, None)
    unmerged = None
    if merged.redundancy > _MERGED_REDUNDANCY:
        unmerged = _compare_unmerged(reflections, crystal, experiment, radiation)
    try:
        doubts = check_data(reflections, crystal, radiation=radiation, merged=merged)
    except ArgandError as error:
        doubts = [str(error)]
    return AgreementDescription(
        radiation=radiation,
        powder=experiment.powder,
        twin_fraction=sum(experiment.twin_shares),
        extinction=extinction,
        with_extinction=with_extinction,
        without_extinction=without_extinction,
        as_refined=as_refined,
        stated=experiment.stated,
        unmerged=unmerged,
        doubts=(*doubts, *as_refined.doubts),
    )


def _compare(
    merged: Merged,
    crystal: Crystal,
    experiment: Experiment,
    radiation: Radiation,
    extinction: float | None,
) -> Agreement:
    """Compare merged data with the structure, a twin where its file states one."""
    calculated = calculated_intensity(
        crystal,
        merged.hkl,
        radiation=radiation,
        extinction=extinction,
        twin=experiment.twin,
        fraction=experiment.twin_shares,
    )
    return agreement(calculated, merged.intensity, merged.sigma, experiment.weights)


def _compare_unmerged(
    reflections: Reflections, crystal: Crystal, experiment: Experiment, radiation: Radiation
) -> Agreement:
    """Compare the measurements one by one with the structure, without extinction and twinning."""
    absent = systematic_absences(reflections.hkl, crystal.spacegroup)
    measurements = reflections[usable(reflections) & ~absent]
    calculated = calculated_intensity(crystal, measurements.hkl, radiation=radiation, merged=False)
    intensity, sigma = measurements.intensities()
    return agreement(calculated, intensity, sigma, experiment.weights)
