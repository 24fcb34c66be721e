"""Make a refined model of a crystal from its phased reflections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atomic_number
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.measured import Merged
from argand.peaks import nearest_image
from argand.radiation import Radiation
from argand.refine import Refinement, Weighting
from argand.solve.assembly import assemble
from argand.solve.completion import (
    AtomicModelSettings,
    CompleteStructure,
    complete,
    is_hydrogen,
)
from argand.solve.disorder import DisorderSign, disorder_notes, disorder_signs
from argand.solve.notes import (
    content_notes,
    displacement_notes,
    occupancy_notes,
    peak_notes,
)
from argand.solve.observed_amplitudes import ObservedAmplitudes
from argand.solve.site_revision import is_same, revised_sites
from argand.solve.site_search import FoundSites, assignment_cost, find_sites

__all__ = ["AtomicModel", "AtomicModelSettings", "ElementDoubt", "build_model"]

# An element is doubtful where another one costs only so much more (see `argand.solve.elements`).
_DOUBTFUL_MARGIN = 1.0


# So many of the highest residual peaks are looked at, where a point of the grid is above this
# (e/A^3): a peak may be a little higher than its grid point, and below .7 none is worth a word.
_PEAKS = 10
_LEAST_PEAK = 0.4

# Elements are revised with the complete model so often, as long as they change and R1 does not rise
# by more than this factor.
_REVISIONS = 5
_WORSE_R1 = 1.01

# Above this R1 atoms are in wrong phases, and no element can be told from another.
_HOPELESS_R1 = 0.25


class _Phased(Protocol):
    """Describe what is needed of a crystal with phases: data, F on any scale, radiation."""

    @property
    def merged(self) -> Merged: ...
    @property
    def structure_factors(self) -> NDArray[np.complexfloating]: ...
    @property
    def radiation(self) -> Radiation: ...


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
    disorder : signs of disorder, with the atoms that show them
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
    disorder: tuple[DisorderSign, ...]
    notes: tuple[str, ...]


def build_model(
    phased: _Phased,
    contents: Mapping[str, float] | None = None,
    settings: AtomicModelSettings | None = None,
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

    Raises
    ------
    ArgandError
        Structure factors of another shape or all 0, contents without atoms other than hydrogen or
        with something that is no element, or fewer reflections than a model needs.
    """
    _check(phased, contents)
    chosen = settings or AtomicModelSettings()
    observed = ObservedAmplitudes.of(phased.merged, phased.radiation)
    quota = None
    if contents is not None:
        quota = contents.get("H", 0.0) + contents.get("D", 0.0)
    found = find_sites(observed, phased.structure_factors, contents)
    sites, structure = _revised(observed, found, contents, quota, chosen)
    least = assignment_cost(found.assignment, structure.r1)
    for rival in found.rivals:
        other, completed = _revised(observed, found.of_rival(rival), contents, quota, chosen)
        cost = assignment_cost(rival, completed.r1)
        if cost < least:
            least = cost
            sites = other
            structure = completed
    return _finished(observed, sites, contents, structure)


def _revised(
    observed: ObservedAmplitudes,
    sites: FoundSites,
    contents: Mapping[str, float] | None,
    quota: float | None,
    settings: AtomicModelSettings,
) -> tuple[FoundSites, CompleteStructure]:
    """Complete sites, and revise their elements until they stay; `quota` hydrogens in the cell."""
    structure = complete(observed, assemble(sites.crystal), quota, settings)
    for _ in range(_REVISIONS):
        if structure.r1 > _HOPELESS_R1:
            break
        revised, better = revised_sites(observed, structure, contents)
        if is_same(better, structure):
            return revised, structure
        again = complete(observed, assemble(better), quota, settings)
        if again.r1 > _WORSE_R1 * structure.r1:
            break
        sites = revised
        structure = again
    return sites, structure


def _check(phased: _Phased, contents: Mapping[str, float] | None) -> None:
    """Refuse structure factors and contents of which no model can be made."""
    f = np.asarray(phased.structure_factors)
    reflections = len(phased.merged.hkl)
    if f.shape != (reflections,):
        raise ArgandError(f"structure_factors has shape {f.shape}, needs ({reflections},)")
    if not np.isfinite(f).all() or not f.any():
        raise ArgandError("structure_factors are all 0 or not finite, needs phased amplitudes")
    if contents is None:
        return
    heavy = 0.0
    for symbol, count in contents.items():
        number = atomic_number(symbol)
        if number == 0 or not count >= 0.0:
            raise ArgandError(
                f"contents states {count} atoms of {symbol!r}, needs elements and numbers >= 0"
            )
        heavy += count * (number > 1)
    if heavy == 0.0:
        raise ArgandError("contents has no atoms but hydrogen, needs the atoms of the unit cell")


def _finished(
    observed: ObservedAmplitudes,
    sites: FoundSites,
    contents: Mapping[str, float] | None,
    structure: CompleteStructure,
) -> AtomicModel:
    """Put a model together: figures of merit, the last difference map, doubts and notes."""
    crystal = structure.crystal
    refinement = structure.refinement
    calculated = refinement.structure_factors()[0]
    scale = float(refinement.scale[0])
    difference = observed.difference_density(calculated, float(np.sqrt(scale)))
    figures = refinement.figures
    refined_extinction = None
    if structure.extinction:
        refined_extinction = float(refinement.model.extinction(refinement.p)[0])
    peaks = observed.peaks(difference, _LEAST_PEAK, _PEAKS)
    signs = disorder_signs(crystal, peaks)
    notes = content_notes(crystal, contents)
    notes += disorder_notes(signs)
    notes += displacement_notes(crystal, bool(crystal.anisotropic.any()))
    notes += occupancy_notes(crystal, sites.crystal.frac, sites.electrons)
    notes += peak_notes(crystal, peaks)
    if refined_extinction is not None:
        notes.append(f"Extinction was refined: x = {refined_extinction:.4g}.")
    outliers = int(structure.outliers.sum())
    if outliers:
        notes.append(f"Reflections that fit badly and were given less weight: {outliers}.")
    return AtomicModel(
        crystal=crystal,
        refinement=refinement,
        structure_factors=calculated,
        scale=scale,
        weighting=structure.weighting,
        r1=float(figures.r1_strong[0]),
        r1_all=float(figures.r1[0]),
        wr2=float(figures.wr2[0]),
        goodness=float(figures.goodness[0]),
        parameters=len(refinement.model),
        reflections=len(observed.amplitude),
        extinction=refined_extinction,
        highest_peak=float(difference.max()),
        deepest_hole=float(difference.min()),
        hydrogens=is_hydrogen(crystal),
        riding=structure.riding,
        outliers=structure.outliers,
        element_doubts=_element_doubts(sites, crystal),
        disorder=signs,
        notes=tuple(notes),
    )


def _element_doubts(sites: FoundSites, crystal: Crystal) -> tuple[ElementDoubt, ...]:
    """List the sites whose element another one could be."""
    heavy = np.flatnonzero(~is_hydrogen(crystal))
    distance = nearest_image(sites.crystal.frac, crystal.frac[heavy], crystal.cell, crystal.symops)
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
