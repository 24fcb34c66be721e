"""Make a refined model of a crystal from its phased reflections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.measured import Merged
from argand.radiation import Radiation
from argand.refine import Refinement, Weighting
from argand.solve.assembly import assemble
from argand.solve.final_refinement import (
    anisotropic,
    extinction_start,
    free_parameters,
    is_positive,
    refine_intensities,
    robust_sigma,
    usable_sigma,
    weighting_of,
)
from argand.solve.hydrogens import place_hydrogens, with_hydrogens
from argand.solve.observed_amplitudes import ObservedAmplitudes
from argand.solve.site_search import FoundSites, find_sites

__all__ = ["AtomicModel", "ElementDoubt", "ModelSettings", "build_model"]

# Cycles on |F| with isotropic and with anisotropic sites, and on |F|^2.
_ISOTROPIC_CYCLES = 4
_ANISOTROPIC_CYCLES = 4
_LAST_CYCLES = 4

# An element is doubtful where another one costs only so much more (see `argand.solve.elements`).
_DOUBTFUL_MARGIN = 1.0

# B of a hydrogen is at most this, in A^2: that of a carrier may be much too large for a while.
_LARGEST_HYDROGEN_B = 15.0


class _Phased(Protocol):
    """Describe what is needed of a crystal with phases: data, F on any scale, radiation."""

    @property
    def merged(self) -> Merged: ...
    @property
    def structure_factors(self) -> NDArray[np.complexfloating]: ...
    @property
    def radiation(self) -> Radiation: ...


@dataclass(frozen=True)
class ModelSettings:
    """Choose how a model is refined.

    Attributes
    ----------
    hydrogens : whether hydrogens are placed
    anisotropic : whether sites get tensors U where the data can determine them
    extinction : True: refined; False: none; None: refined where the data show it
    """

    hydrogens: bool = True
    anisotropic: bool = True
    extinction: bool | None = None


@dataclass(frozen=True)
class ElementDoubt:
    """Say which other element a site may be.

    Attributes
    ----------
    label, element : the site, and the element that was chosen
    alternative : the other element
    electrons : that were refined, on the scale of atomic numbers
    margin : by how much the alternative costs more, a difference of log probabilities
    """

    label: str
    element: str
    alternative: str
    electrons: float
    margin: float


@dataclass(frozen=True, eq=False)
class AtomicModel:
    """Hold the refined model of a crystal.

    Attributes
    ----------
    crystal : whole molecules, hydrogens included
    refinement : the last refinement, on |F|^2, with standard uncertainties
    structure_factors : (m,) calculated F of the reflections, in electrons
    scale : of the intensities over |F|^2
    weighting : SHELXL's weights
    r1, r1_all : R1 of reflections with I > 2 sigma, and of all
    wr2, goodness : weighted R of intensities, goodness of fit
    parameters, reflections : numbers of them
    extinction : SHELXL's x, or None where it was not refined
    highest_peak, deepest_hole : of the last difference map, e/A^3
    hydrogens : (n,) mask of the hydrogens that were placed
    riding : label of the carrier by that of each hydrogen
    outliers : (m,) mask of reflections that were given less weight
    element_doubts : sites that may be another element
    notes : sentences on what is uncertain
    """

    crystal: Crystal
    refinement: Refinement
    structure_factors: NDArray[np.complex128]
    scale: float
    weighting: Weighting
    r1: float
    r1_all: float
    wr2: float
    goodness: float
    parameters: int
    reflections: int
    extinction: float | None
    highest_peak: float
    deepest_hole: float
    hydrogens: NDArray[np.bool_]
    riding: Mapping[str, str]
    outliers: NDArray[np.bool_]
    element_doubts: tuple[ElementDoubt, ...]
    notes: tuple[str, ...]


def build_model(
    phased: _Phased,
    contents: Mapping[str, float] | None = None,
    settings: ModelSettings | None = None,
) -> AtomicModel:
    """Find the atoms of a phased crystal, their elements and hydrogens, and refine them.

    Parameters
    ----------
    phased
        Merged intensities of one space group (m unique reflections), F with phases for the origin
        of its setting, on any scale, and the radiation.
    contents
        Atoms of each element in the unit cell, hydrogen included; None where they are unknown.
    settings
        What is refined.

    Returns
    -------
    AtomicModel
    """
    chosen = settings or ModelSettings()
    observed = ObservedAmplitudes.of(phased.merged, phased.radiation)
    sites = find_sites(observed, phased.structure_factors, contents)
    heavy = assemble(sites.crystal)
    quota = None
    if contents is not None:
        quota = contents.get("H", 0.0) + contents.get("D", 0.0)
    has_hydrogens = chosen.hydrogens and (quota is None or quota > 0.0)
    crystal, riding = _refined_on_amplitudes(observed, heavy, quota, has_hydrogens, chosen)
    crystal, riding, refinement, weighting, outliers, extinction = _refined_on_intensities(
        observed, crystal, riding, quota, has_hydrogens, chosen
    )
    return _finished(
        observed, sites, crystal, riding, refinement, weighting, outliers, extinction
    )


def _refined_on_amplitudes(
    observed: ObservedAmplitudes,
    heavy: Crystal,
    quota: float | None,
    has_hydrogens: bool,
    settings: ModelSettings,
) -> tuple[Crystal, dict[str, str]]:
    """Refine sites on |F|, isotropic ones and then anisotropic ones with hydrogens."""
    parameters = free_parameters(heavy, {})
    refinement = observed.refine(heavy, parameters, cycles=_ISOTROPIC_CYCLES, damping=1e-3)
    heavy = _bounded(refinement.crystals()[0])
    crystal, riding = heavy, {}
    if has_hydrogens:
        crystal, riding = _with_new_hydrogens(observed, heavy, quota)
    if settings.anisotropic:
        crystal = anisotropic(crystal, len(observed.amplitude))
    parameters = free_parameters(crystal, riding)
    refinement = observed.refine(
        crystal, parameters, cycles=_ANISOTROPIC_CYCLES, damping=1e-3
    )
    return _bounded(refinement.crystals()[0]), riding


def _refined_on_intensities(
    observed: ObservedAmplitudes,
    crystal: Crystal,
    riding: dict[str, str],
    quota: float | None,
    has_hydrogens: bool,
    settings: ModelSettings,
) -> tuple[
    Crystal, dict[str, str], Refinement, Weighting, NDArray[np.bool_], float | None
]:
    """Refine a nearly complete structure on |F|^2 to the end.

    Returns the crystal, carriers of hydrogens, the last refinement, its weights, outliers, and the
    extinction it began with, or None.
    """
    if has_hydrogens:
        crystal, riding = _with_new_hydrogens(observed, _without_hydrogens(crystal), quota)
    sigma = usable_sigma(observed)
    model = observed.model(crystal, free_parameters(crystal, riding))
    calculated = model.structure_factors(np.zeros(len(model)))
    extinction = None
    if settings.extinction is not False:
        extinction = extinction_start(observed, calculated)
        if settings.extinction and extinction is None:
            extinction = 0.0
    weighting, robust, outliers = _weights(observed, calculated, sigma)
    refinement = refine_intensities(
        observed,
        crystal,
        riding,
        robust,
        weighting,
        extinction=extinction,
        cycles=_LAST_CYCLES,
        uncertainties=False,
    )
    crystal = _bounded(refinement.crystals()[0])
    crystal = _with_riding_b(crystal, riding)
    if extinction is not None:
        extinction = float(refinement.model.extinction(refinement.p)[0])
    weighting, robust, outliers = _weights(observed, refinement.structure_factors()[0], sigma)
    refinement = refine_intensities(
        observed,
        crystal,
        riding,
        robust,
        weighting,
        extinction=extinction,
        cycles=_LAST_CYCLES,
        uncertainties=True,
    )
    return refinement.crystals()[0], riding, refinement, weighting, outliers, extinction


def _weights(
    observed: ObservedAmplitudes, calculated: NDArray[np.complexfloating], sigma: FloatArray
) -> tuple[Weighting, FloatArray, NDArray[np.bool_]]:
    """Return weights, sigmas enlarged for outliers, and which reflections (m,) are outliers."""
    intensity = observed.merged.intensity
    squares = np.square(np.abs(calculated))
    amplitudes = np.abs(calculated)
    scale = (float(observed.amplitude @ amplitudes) / float(squares.sum())) ** 2
    weighting = weighting_of(intensity, sigma, scale * squares, scale)
    robust, outliers = robust_sigma(intensity, sigma, scale * squares, weighting, scale)
    return weighting, robust, outliers


def _with_new_hydrogens(
    observed: ObservedAmplitudes, heavy: Crystal, quota: float | None
) -> tuple[Crystal, dict[str, str]]:
    """Place hydrogens by geometry and by the difference map of the other sites."""
    model = observed.model(heavy, free_parameters(heavy, {}))
    calculated = model.structure_factors(np.zeros(len(model)))
    amplitudes = np.abs(calculated)
    weight = np.reciprocal(np.square(observed.rough_sigma))
    product = float((weight * observed.amplitude) @ amplitudes)
    scale = product / float((weight * amplitudes) @ amplitudes)
    difference = observed.difference_density(calculated, scale)
    crystal, riding = with_hydrogens(heavy, place_hydrogens(heavy, difference, quota))
    return _bounded(crystal), riding


def _without_hydrogens(crystal: Crystal) -> Crystal:
    """Return the sites of a crystal that are no hydrogens."""
    rows = np.flatnonzero(~_hydrogens(crystal))
    return crystal.replace(
        types=tuple(crystal.types[i] for i in rows),
        labels=tuple(crystal.labels[i] for i in rows),
        frac=crystal.frac[rows],
        occ=crystal.occ[rows],
        b_iso=crystal.b_iso[rows],
        u_aniso=None if crystal.u_aniso is None else crystal.u_aniso[rows],
    )


def _with_riding_b(crystal: Crystal, riding: Mapping[str, str]) -> Crystal:
    """Give hydrogens anew 1.2 or 1.5 times the B of their carriers, as before."""
    site_of_label = {label: site for site, label in enumerate(crystal.labels)}
    b_iso = np.array(crystal.b_iso)
    count: dict[str, int] = {}
    for carrier in riding.values():
        count[carrier] = count.get(carrier, 0) + 1
    for label, carrier in riding.items():
        site = site_of_label[carrier]
        element = atom_type(crystal.types[site]).element
        is_rotor = element == "O" or (element == "C" and count[carrier] == 3)
        factor = 1.5 if is_rotor else 1.2
        b_iso[site_of_label[label]] = min(_LARGEST_HYDROGEN_B, factor * b_iso[site])
    return crystal.replace(b_iso=b_iso)


def _bounded(crystal: Crystal) -> Crystal:
    """Make displacements positive: a tensor that is not becomes isotropic, a B that is not small.

    Tensors that are far too large become isotropic as well.
    """
    positive = is_positive(crystal)
    b_iso = np.clip(crystal.b_iso, 0.2, 40.0)
    hydrogens = _hydrogens(crystal)
    b_iso[hydrogens] = np.minimum(b_iso[hydrogens], _LARGEST_HYDROGEN_B)
    u_aniso = crystal.u_aniso
    if u_aniso is not None:
        u_aniso = np.array(u_aniso)
        u_aniso[~positive] = np.nan
        if np.isnan(u_aniso).all():
            u_aniso = None
    return crystal.replace(b_iso=b_iso, u_aniso=u_aniso)


def _hydrogens(crystal: Crystal) -> NDArray[np.bool_]:
    """Tell which sites (n,) are hydrogens."""
    return np.array([atom_type(name).element in ("H", "D") for name in crystal.types], bool)


def _finished(
    observed: ObservedAmplitudes,
    sites: FoundSites,
    crystal: Crystal,
    riding: Mapping[str, str],
    refinement: Refinement,
    weighting: Weighting,
    outliers: NDArray[np.bool_],
    extinction: float | None,
) -> AtomicModel:
    """Put a model together: figures of merit, the last difference map, doubts and notes."""
    calculated = refinement.structure_factors()[0]
    scale = float(refinement.scale[0])
    difference = observed.difference_density(calculated, float(np.sqrt(scale)))
    figures = refinement.figures
    refined_extinction = None
    if extinction is not None:
        refined_extinction = float(refinement.model.extinction(refinement.p)[0])
    doubts = _element_doubts(sites, crystal)
    return AtomicModel(
        crystal=crystal,
        refinement=refinement,
        structure_factors=calculated,
        scale=scale,
        weighting=weighting,
        r1=float(figures.r1_strong[0]),
        r1_all=float(figures.r1[0]),
        wr2=float(figures.wr2[0]),
        goodness=float(figures.goodness[0]),
        parameters=len(refinement.model),
        reflections=len(observed.amplitude),
        extinction=refined_extinction,
        highest_peak=float(difference.max()),
        deepest_hole=float(difference.min()),
        hydrogens=_hydrogens(crystal),
        riding=riding,
        outliers=outliers,
        element_doubts=doubts,
        notes=(),
    )


def _element_doubts(sites: FoundSites, crystal: Crystal) -> tuple[ElementDoubt, ...]:
    """List the sites whose element another one could be."""
    from argand.peaks import nearest_image

    heavy = np.flatnonzero(~_hydrogens(crystal))
    distance = nearest_image(
        sites.crystal.frac, crystal.frac[heavy], crystal.cell, crystal.symops
    )
    doubts = []
    for site in np.flatnonzero(sites.assignment.margin < _DOUBTFUL_MARGIN).tolist():
        row = int(heavy[distance[site].argmin()])
        doubts.append(
            ElementDoubt(
                label=crystal.labels[row],
                element=sites.assignment.elements[site],
                alternative=sites.assignment.runner_up[site],
                electrons=float(sites.electrons[site]),
                margin=float(sites.assignment.margin[site]),
            )
        )
    return tuple(doubts)
