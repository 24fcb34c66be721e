"""Give measured data the phases of a known structure, calculated as its file states."""

from __future__ import annotations

from dataclasses import dataclass

from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Experiment, Reflections
from argand.measured import Agreement, Merged, agreement, calculated_intensity, check_data, merge
from argand.measured.anomalous import AnomalousDifferences, anomalous_differences
from argand.measured.scaled_phases import ScaledPhases, phase_by_crystal
from argand.radiation import Radiation

__all__ = ["PhasedDescription", "phase_data"]


@dataclass(frozen=True, eq=False)
class PhasedDescription:
    """Describe measured amplitudes with the phases of a known structure.

    Parameters
    ----------
    phased
        Amplitudes, phases and coefficients of maps.
    merged
        Measured intensities.
    agreement
        R factors of the structure, with extinction and twinning where they were used.
    radiation
        Radiation with which F was calculated.
    extinction
        SHELXL's coefficient; None where it was not used.
    twin_fraction
        Share of the further domains of a twin; 0 where they were not used.
    anomalous
        Differences of Friedel mates; None where there are none.
    without_anomalous
        Why there are none; empty where there are some.
    doubts
        What is wrong with the data, or deserves a second look, in words.
    """

    phased: ScaledPhases
    merged: Merged
    agreement: Agreement
    radiation: Radiation
    extinction: float | None
    twin_fraction: float
    anomalous: AnomalousDifferences | None
    without_anomalous: str
    doubts: tuple[str, ...]


def phase_data(
    reflections: Reflections,
    crystal: Crystal,
    experiment: Experiment | None = None,
    *,
    mates: Reflections | None = None,
    force: bool = False,
) -> PhasedDescription:
    """Give measured data the phases of a structure, on its absolute scale.

    Extinction and twinning are taken out of the amplitudes where the file of the structure states
    them and they explain the data better: lists of intensities may be corrected already.

    Parameters
    ----------
    reflections
        Measured data.
    crystal
        Structure, in whose unit cell and space group they are merged.
    experiment
        What the file of the structure states: radiation, extinction, twin, weights.
    mates
        The same data with Friedel mates in rows of their own, where `reflections` has their mean.
    force
        Go on, with a doubt, where the data seem to be those of another crystal.

    Raises
    ------
    ArgandError
        The data cannot be merged, or cannot belong to the structure.
    """
    experiment = experiment or Experiment()
    radiation = experiment.measured_radiation(reflections.wavelength)
    merged = merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup)
    doubts: list[str] = []
    try:
        doubts += check_data(reflections, crystal, radiation=radiation, merged=merged)
    except ArgandError as error:
        if not force:
            raise
        doubts.append(str(error))
    fit, extinction, twin, shares = _best_correction(merged, crystal, experiment, radiation)
    phased = phase_by_crystal(
        merged,
        crystal,
        radiation=radiation,
        extinction=extinction,
        twin=twin,
        fraction=shares or 0.0,
        weights=experiment.weights,
    )
    anomalous, reason = _differences(
        mates or reflections, crystal, phased, radiation, is_twin=twin is not None
    )
    return PhasedDescription(
        phased=phased,
        merged=merged,
        agreement=fit,
        radiation=radiation,
        extinction=extinction,
        twin_fraction=sum(shares),
        anomalous=anomalous,
        without_anomalous=reason,
        doubts=tuple(doubts),
    )


def _best_correction(
    merged: Merged, crystal: Crystal, experiment: Experiment, radiation: Radiation
) -> tuple[Agreement, float | None, tuple[float, ...] | None, tuple[float, ...]]:
    """Return the best agreement, with the extinction, twin law and shares that give it."""
    extinctions: list[float | None] = [None]
    if experiment.extinction is not None and radiation.wavelength is not None:
        extinctions.insert(0, experiment.extinction)
    twins: list[tuple[tuple[float, ...] | None, tuple[float, ...]]] = [(None, ())]
    if experiment.twin is not None:
        twins.insert(0, (experiment.twin, experiment.twin_shares))
    best: tuple[Agreement, float | None, tuple[float, ...] | None, tuple[float, ...]] | None = None
    for extinction in extinctions:
        for twin, shares in twins:
            calculated = calculated_intensity(
                crystal,
                merged.hkl,
                radiation=radiation,
                extinction=extinction,
                twin=twin,
                fraction=shares or 0.0,
            )
            fit = agreement(calculated, merged.intensity, merged.sigma, experiment.weights)
            if best is None or fit.r1 < best[0].r1:
                best = (fit, extinction, twin, shares)
    assert best is not None
    return best


def _differences(
    reflections: Reflections,
    crystal: Crystal,
    phased: ScaledPhases,
    radiation: Radiation,
    *,
    is_twin: bool,
) -> tuple[AnomalousDifferences | None, str]:
    """Return the differences of Friedel mates, or None and why there are none."""
    if is_twin:
        return None, "has no anomalous differences: the mates of a twin overlap"
    try:
        return anomalous_differences(reflections, crystal, phased, radiation), ""
    except ArgandError as error:
        return None, str(error)
