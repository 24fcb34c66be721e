"""Make solutions of known crystals, as the solver of unknown ones returns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from argand.atom_types import atom_type
from argand.crystal import Crystal
from argand.estimate.riding import leaders
from argand.io import Reflections
from argand.measured import (
    Merged,
    agreement,
    calculated_intensity,
    intensity_statistics,
    merge,
)
from argand.radiation import Radiation
from argand.refine import Model, Refinement, Weighting, free, refine
from argand.reflections import miller_indices
from argand.solve.disorder import DisorderSign
from argand.solve.solution import Solution, Verdict
from argand.structure_factors import structure_factors

DATA = Path(__file__).parent / "data"

# Scale of the simulated intensities, and their relative errors.
INTENSITY_SCALE = 7.3
NOISE = 0.02

# SHELXL's weighting parameters a and b.
WEIGHTS = (0.05, 0.2)


@dataclass(frozen=True)
class StandInFigures:
    """Stand in for figures of merit of a density."""

    free_correlation: float = 0.91
    residual: float = 0.21
    strong_residual: float = 0.18
    symmetry: float = 0.95


@dataclass(frozen=True)
class StandInGroup:
    """Stand in for a space group that was considered."""

    spacegroup: str
    agreement: float = 0.9
    weakest: float = 0.8
    extinguished: float = 0.01
    score: float = 2.0
    reasons: tuple[str, ...] = ("all operations agree with the phases",)


@dataclass(frozen=True)
class StandInFlack:
    """Stand in for an absolute structure."""

    value: float = 0.02
    uncertainty: float = 0.03
    quotients: int = 400


@dataclass(frozen=True)
class StandInTwin:
    """Stand in for a twin law."""

    law: tuple[float, ...] = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
    fraction: float = 0.3
    uncertainty: float = 0.01


@dataclass(frozen=True)
class StandInDoubt:
    """Stand in for a site that may be another element."""

    label: str
    element: str
    alternative: str
    electrons: float = 7.4
    margin: float = 0.5


@dataclass(frozen=True, eq=False)
class StandInModel:
    """Stand in for refined atoms."""

    crystal: Crystal
    hydrogens: Any
    riding: Mapping[str, str]
    refinement: Refinement
    weighting: Weighting
    r1: float
    r1_all: float
    wr2: float
    goodness: float
    parameters: int
    reflections: int
    outliers: Any
    extinction: float | None = None
    highest_peak: float = 0.31
    deepest_hole: float = -0.27
    notes: tuple[str, ...] = ()
    element_doubts: tuple[StandInDoubt, ...] = ()
    disorder: tuple[DisorderSign, ...] = ()


def model_of(
    crystal: Crystal, merged: Merged, radiation: Radiation, extinction: float | None
) -> StandInModel:
    """Refine a known crystal for one cycle; the atoms that are kept are the known ones."""
    riding: dict[str, str] = {}
    is_hydrogen = np.array([atom_type(symbol).element == "H" for symbol in crystal.types])
    for site, leader in enumerate(leaders(crystal).tolist()):
        if is_hydrogen[site] and site != leader:
            riding[crystal.labels[site]] = crystal.labels[leader]
    weighting = Weighting(*WEIGHTS)
    parameters = free(crystal, displacement=~is_hydrogen, riding=riding)
    model = Model(
        crystal, merged.hkl, parameters, radiation=radiation, extinction=extinction or 0.0
    )
    refinement = refine(
        model, merged.intensity, merged.sigma, on="F2", weighting=weighting, cycles=1
    )
    calculated = calculated_intensity(
        crystal, merged.hkl, radiation=radiation, extinction=extinction
    )
    fit = agreement(calculated, merged.intensity, merged.sigma, WEIGHTS)
    return StandInModel(
        crystal,
        is_hydrogen,
        riding,
        refinement,
        weighting,
        r1=fit.r1,
        r1_all=fit.r1_all,
        wr2=fit.wr2,
        goodness=float(refinement.figures.goodness[0]),
        parameters=len(parameters),
        reflections=len(merged.hkl),
        outliers=np.arange(len(merged.hkl)) < 2,
        extinction=extinction,
    )


def solution_of(
    crystal: Crystal,
    *,
    name: str = "known",
    d_min: float = 0.9,
    wavelength: float | None = 0.71073,
    seed: int = 3,
    verdict: Verdict = "solved",
    with_model: bool = True,
    extinction: float | None = None,
    twin: StandInTwin | None = None,
    flack: StandInFlack | None = None,
) -> Solution:
    """Measure a crystal in simulation, and return the solution that has its atoms and phases."""
    radiation = Radiation("x-ray", wavelength, wavelength is not None)
    hkl = miller_indices(crystal.cell, crystal.spacegroup, d_min=d_min)
    calculated = calculated_intensity(
        crystal,
        hkl,
        radiation=radiation,
        extinction=extinction,
        twin=None if twin is None else twin.law,
        fraction=0.0 if twin is None else twin.fraction,
    )
    generator = np.random.default_rng(seed)
    sigma = INTENSITY_SCALE * (NOISE * calculated + NOISE * 0.05 * calculated.mean())
    intensity = INTENSITY_SCALE * calculated + sigma * generator.standard_normal(len(hkl))
    reflections = Reflections(
        hkl, intensity, sigma=sigma, cell=crystal.cell, spacegroup=crystal.spacegroup
    )
    return solution_from(
        reflections,
        crystal,
        radiation,
        name=name,
        verdict=verdict,
        with_model=with_model,
        extinction=extinction,
        twin=twin,
        flack=flack,
    )


def solution_from(
    reflections: Reflections,
    crystal: Crystal,
    radiation: Radiation,
    *,
    name: str = "known",
    verdict: Verdict = "solved",
    with_model: bool = True,
    extinction: float | None = None,
    twin: StandInTwin | None = None,
    flack: StandInFlack | None = None,
) -> Solution:
    """Return the solution of measured reflections that has the atoms and phases of a crystal."""
    merged = merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup)
    energy_kev = radiation.energy_kev
    f = structure_factors(crystal, merged.hkl, energy_kev=energy_kev)
    f_mate = structure_factors(crystal, -merged.hkl, energy_kev=energy_kev)
    phase = np.angle(f + np.conj(f_mate))
    amplitude = np.sqrt(np.maximum(merged.intensity, 0.5 * merged.sigma))
    model = model_of(crystal, merged, radiation, extinction) if with_model else None
    return Solution(
        name=name,
        verdict=verdict,
        probability=0.998 if verdict == "solved" else 0.2,
        reasons=("the free correlation is 0.91, right densities have above 0.72",),
        spacegroup=merged.spacegroup,
        stated_spacegroup=merged.spacegroup,
        alternatives=(StandInGroup(merged.spacegroup), StandInGroup("P 1", 0.5, 0.5, 0.0, 0.0)),
        merged=merged,
        structure_factors=amplitude * np.exp(1j * phase),
        model=model,
        radiation=radiation,
        figures=StandInFigures(),
        starts=1,
        cycles=200,
        flack=flack,
        twin=twin,
        statistics=intensity_statistics(merged),
        notes=("the data have no Friedel mates",),
        seconds={"phasing": 0.05, "atoms": 0.12},
    )
