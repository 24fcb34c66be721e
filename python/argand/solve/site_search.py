"""Find the sites of a crystal and their elements in a phased map, without its hydrogens.

Peaks become sites; rounds of refinement with free occupancies count the electrons of each. Sites
with too few are dropped, atoms that are missing are taken from difference maps, and elements are
assigned anew (`argand.solve.elements`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.peaks import Peaks, nearest_image
from argand.refine import GaussianPrior, Refinement, free
from argand.solve.contacts import find_contacts
from argand.solve.elements import Assignment, assign, assign_on_scale, scales
from argand.solve.observed_amplitudes import ObservedAmplitudes

__all__ = ["FoundSites", "assignment_cost", "find_sites"]

# Rounds of refinement and assignment: complete models correct what is wrong after the third one.
_ROUNDS = 3

# Cycles of the first round, which begins with rough positions, and of every other one.
_FIRST_CYCLES = 6
_CYCLES = 4

# Damping of a first round and of the others, which begin near the minimum.
_FIRST_DAMPING = 0.3
_DAMPING = 0.003

# Volume of an atom that is no hydrogen, in A^3: oxides have 10, organic crystals 18. It bounds the
# number of sites where the content is unknown.
_LEAST_VOLUME = 9.0

# B in A^2 of a site to begin with, and its limits.
_FIRST_B = 3.0
_LEAST_B = 0.4
_LARGEST_B = 18.0

# Prior widths of B, as a share of the median B, and of occupancies.
_B_SHARE = 0.3
_OCCUPANCY_WIDTH = 0.7

# A site with less than this share of the electrons of the lightest element is no atom.
_LEAST_SHARE = 0.42

# This share of the sites of an unknown content may be noise.
_LIGHTEST_QUANTILE = 0.2

# A peak of a difference map is higher than so many robust standard deviations, and has so many
# electrons, on a scale that may be wrong: hydrogens are no sites of this search.
_LEAST_SIGNIFICANCE = 6.0
_LEAST_ELECTRONS = 2.2

# A difference peak lower than this share of the lightest element is no atom of a known content; one
# that is significant and higher than the second share is, while the model has fewer atoms than the
# content: atoms that vibrate much are low.
_LEAST_ADDED = 0.5
_LEAST_LACKING = 0.12

# No two sites are nearer, in angstrom.
_SHORTEST = 0.9

# Contacts are listed to this distance in angstrom.
_LONGEST_CONTACT = 3.8

# Sites beyond the content of the cell that are tried, as a share of it.
_SURPLUS = 0.15

# Cost of an assignment, for each site, of an R1 that is e times as large, when scales compete.
_COST_OF_R1 = 2.2

# Assignments that cost no more than this for each site than the best one are completed, so many.
_RIVAL_COST = 1.0
_MOST_RIVALS = 3


@dataclass(frozen=True, eq=False)
class FoundSites:
    """Hold the sites of a crystal without its hydrogens.

    Attributes
    ----------
    crystal : the sites, occupancies 1
    electrons : (n,) on the scale of atomic numbers, as refined before the last assignment
    assignment : elements of the sites, with their margins
    scale : of |F|, data over calculated
    rivals : where the content is unknown, what the elements are on other scales of the electrons
    """

    crystal: Crystal
    electrons: FloatArray
    assignment: Assignment
    scale: float
    rivals: tuple[Assignment, ...] = ()

    def of_rival(self, rival: Assignment) -> FoundSites:
        """Return the same sites with the elements of another scale."""
        electrons = self.electrons * (rival.scale / self.assignment.scale)
        crystal = _with_elements(self.crystal, rival.elements)
        return replace(self, crystal=crystal, electrons=electrons, assignment=rival, rivals=())


def find_sites(
    observed: ObservedAmplitudes,
    structure_factors: NDArray[np.complexfloating],
    contents: Mapping[str, float] | None,
) -> FoundSites:
    """Find sites and elements.

    Parameters
    ----------
    observed
        The measured data, m reflections.
    structure_factors : (m,)
        |F| with phases, on any scale.
    contents
        Atoms of each element in the cell, or None where they are unknown.
    """
    search = _Search(observed, contents)
    density = observed.density(structure_factors)
    crystal = search.first_sites(density)
    rounds = _ROUNDS if contents is not None else _ROUNDS + 2
    for number in range(rounds):
        crystal, electrons, refinement = search.count_electrons(crystal, first=number == 0)
        crystal, electrons = search.without_spurious(crystal, electrons)
        assignments = search.assignments(crystal, electrons, last=number == rounds - 1)
        if not assignments:
            raise ArgandError("no elements fit the peaks of the density: their refinement failed")
        assignment, *rivals = assignments
        if number < (2 if contents is not None else 3):
            crystal = search.with_missing(crystal, assignment, refinement)
            continue
        unchanged = assignment.elements == crystal.types
        crystal = _with_elements(crystal, assignment.elements)
        if unchanged and contents is not None:
            break
    scale = float(refinement.scale[0])
    return FoundSites(crystal, electrons * assignment.scale, assignment, scale, tuple(rivals))


def assignment_cost(assignment: Assignment, r1: float) -> float:
    """Return the cost for each site of an assignment of elements with which R1 was reached."""
    return assignment.cost / len(assignment.elements) + _COST_OF_R1 * float(np.log(max(r1, 1e-4)))


class _Search:
    """Share the data and the content between the steps of a search."""

    def __init__(self, observed: ObservedAmplitudes, contents: Mapping[str, float] | None) -> None:
        self.observed = observed
        self.contents = contents
        self.volume = observed.volume
        self.atoms = self.volume / _LEAST_VOLUME
        self.lightest = 6
        if contents is not None:
            heavy = {name: count for name, count in contents.items() if name not in ("H", "D")}
            self.atoms = sum(heavy.values())
            self.lightest = min(atomic_number(name) for name in heavy)

    def first_sites(self, density: NDArray[np.floating]) -> Crystal:
        """Take the highest peaks of a map as sites, with elements by their content."""
        operations = self.observed.operations
        most = int(2.0 * self.atoms / operations) + 12
        peaks = self.observed.peaks(density, 2.0 * float(density.std()), most)
        limit = self.atoms * (1.0 + _SURPLUS)
        chosen = np.cumsum(peaks.multiplicity) <= limit + 0.5 * float(peaks.multiplicity.max())
        chosen[0] = True
        electrons = np.maximum(peaks.content, 1e-3 * peaks.content.max())
        no_contacts = find_contacts(self._crystal(("C",), peaks.frac[:1]), 0.0)
        if self.contents is not None:
            assignment = assign(
                electrons[chosen], peaks.multiplicity[chosen], no_contacts, self.contents
            )
            return self._crystal(assignment.elements, peaks.frac[chosen])
        chosen &= _above_noise(peaks)
        scale = 6.0 / float(np.median(electrons[chosen]))
        assignment = assign_on_scale(
            electrons[chosen], peaks.multiplicity[chosen], no_contacts, scale
        )
        return self._crystal(assignment.elements, peaks.frac[chosen])

    def count_electrons(
        self, crystal: Crystal, *, first: bool
    ) -> tuple[Crystal, FloatArray, Refinement]:
        """Refine positions, B and occupancies; return sites, electrons (n,) and the refinement."""
        parameters = free(crystal, displacement=True, occupancies=True)
        width = np.full(len(parameters), 1e3)
        mean = np.zeros(len(parameters))
        b_columns = parameters.of_kind("b")
        median_b = float(np.median(crystal.b_iso))
        width[b_columns] = _B_SHARE * median_b * (3.0 if first else 1.0)
        mean[b_columns] = median_b - crystal.b_iso
        width[parameters.of_kind("occupancy")] = _OCCUPANCY_WIDTH
        refinement = self.observed.refine(
            crystal,
            parameters,
            cycles=_FIRST_CYCLES if first else _CYCLES,
            damping=_FIRST_DAMPING if first else _DAMPING,
            prior=GaussianPrior.from_sigma(mean, width),
        )
        refined = refinement.crystals()[0]
        numbers = np.array([atomic_number(symbol) for symbol in refined.types])
        electrons = refined.occ * numbers
        b_iso = np.clip(refined.b_iso, _LEAST_B, _LARGEST_B)
        return refined.replace(b_iso=b_iso, frac=refined.frac % 1.0), electrons, refinement

    def without_spurious(
        self, crystal: Crystal, electrons: FloatArray
    ) -> tuple[Crystal, FloatArray]:
        """Drop sites with few electrons, and the weaker of two that are too near.

        Raises
        ------
        ArgandError
            No site has electrons: data or phases are not those of a crystal.
        """
        lightest = float(self.lightest)
        if self.contents is None:
            # Of an unknown content most of the lightest sites are atoms.
            lightest = float(np.quantile(electrons, _LIGHTEST_QUANTILE))
        chosen = electrons > _LEAST_SHARE * lightest
        contacts = find_contacts(crystal, _SHORTEST)
        for site, neighbour in zip(contacts.site, contacts.neighbour, strict=True):
            weaker = electrons[site] < electrons[neighbour]
            if site != neighbour and weaker and chosen[neighbour]:
                chosen[site] = False
        if not chosen.any():
            chosen[electrons.argmax()] = True
        chosen &= electrons > 0.0
        if not chosen.any():
            raise ArgandError("no peak of the density has the electrons of an atom")
        return crystal.select(chosen), electrons[chosen]

    def assignments(
        self, crystal: Crystal, electrons: FloatArray, *, last: bool
    ) -> list[Assignment]:
        """Assign elements to sites with their electrons (n,); the best assignment comes first.

        Of an unknown content there are several on different scales.
        """
        contacts = find_contacts(crystal, _LONGEST_CONTACT)
        multiplicity = crystal.multiplicity().astype(int)
        if self.contents is not None:
            return [assign(electrons, multiplicity, contacts, self.contents)]
        candidates = scales(electrons, multiplicity, contacts, self.volume, most=4)
        if not last or len(candidates) == 1:
            return candidates
        costs = [self._refined_cost(crystal, candidate) for candidate in candidates]
        order = np.argsort(costs, kind="stable")
        limit = costs[order[0]] + _RIVAL_COST
        return [candidates[i] for i in order if costs[i] < limit][:_MOST_RIVALS]

    def _refined_cost(self, crystal: Crystal, candidate: Assignment) -> float:
        """Refine the elements of an assignment, and return its cost for each site."""
        trial = _with_elements(crystal, candidate.elements)
        parameters = free(trial, displacement=True)
        refinement = self.observed.refine(trial, parameters, cycles=4, damping=_DAMPING)
        r1 = float(refinement.figures.r1_strong[0])
        return assignment_cost(candidate, r1)

    def with_missing(
        self, crystal: Crystal, assignment: Assignment, refinement: Refinement
    ) -> Crystal:
        """Set elements, and add atoms where the difference map has their electrons.

        The map without the model says how high a peak of one electron is.
        """
        crystal = _with_elements(crystal, assignment.elements)
        calculated = refinement.structure_factors()[0]
        scale = float(refinement.scale[0])
        difference = self.observed.difference_density(calculated, scale)
        reference = self.observed.density(calculated)
        heights = _heights(reference, crystal)
        numbers = np.array([atomic_number(symbol) for symbol in crystal.types])
        light = np.argsort(numbers, kind="stable")[: max(3, len(numbers) // 2)]
        per_electron = float(np.median(heights[light] / numbers[light]))
        lowest = _LEAST_ADDED * self.lightest * max(per_electron, 0.0)
        lowest = max(lowest, 3.0 * float(difference.std()))
        noise = float(np.median(np.abs(difference))) / 0.6745
        atoms = float(crystal.multiplicity().sum())
        if self.contents is None:
            lowest = max(_LEAST_SIGNIFICANCE * noise, _LEAST_ELECTRONS * per_electron)
        elif atoms < self.atoms - 0.5:
            lacking = _LEAST_LACKING * self.lightest * max(per_electron, 0.0)
            lowest = min(lowest, max(_LEAST_SIGNIFICANCE * noise, lacking))
        peaks = self.observed.peaks(difference, lowest, 40)
        if not len(peaks.frac):
            return crystal
        merged = self.observed.merged
        distance = nearest_image(peaks.frac, crystal.frac, merged.cell, merged.spacegroup)
        is_apart = distance.min(axis=1) > _SHORTEST
        limit = self.atoms * (1.0 + _SURPLUS)
        frac = list(crystal.frac)
        elements = list(crystal.types)
        b_iso = list(crystal.b_iso)
        lightest = "C"
        if self.contents is not None:
            heavy = [name for name in self.contents if name not in ("H", "D")]
            lightest = min(heavy, key=atomic_number)
        median_b = float(np.median(crystal.b_iso))
        for number in np.flatnonzero(is_apart):
            if atoms + peaks.multiplicity[number] > limit + 0.5:
                continue
            atoms += float(peaks.multiplicity[number])
            frac.append(peaks.frac[number])
            elements.append(lightest)
            b_iso.append(median_b)
        return self._crystal(elements, np.array(frac), np.array(b_iso))

    def _crystal(
        self, elements: Sequence[str], frac: FloatArray, b_iso: FloatArray | None = None
    ) -> Crystal:
        """Make a crystal of sites, numbered by their labels."""
        merged = self.observed.merged
        return Crystal(
            cell=merged.cell,
            spacegroup=merged.spacegroup,
            types=tuple(elements),
            frac=frac,
            b_iso=np.full(len(elements), _FIRST_B) if b_iso is None else b_iso,
            labels=tuple(f"{name}{number}" for number, name in enumerate(elements, start=1)),
        )


def _with_elements(crystal: Crystal, elements: Sequence[str]) -> Crystal:
    """Return a crystal with other elements at its sites, all fully occupied."""
    labels = tuple(f"{name}{number}" for number, name in enumerate(elements, start=1))
    return crystal.replace(types=tuple(elements), labels=labels, occ=np.ones(len(elements)))


def _heights(density: NDArray[np.floating], crystal: Crystal) -> FloatArray:
    """Return the density (n,) at the grid points that are nearest to the sites."""
    shape = np.array(density.shape)
    points = np.rint(crystal.frac * shape).astype(int) % shape
    return np.asarray(density[tuple(points.T)], np.float64)


def _above_noise(peaks: Peaks) -> NDArray[np.bool_]:
    """Tell which peaks (n,) are atoms rather than noise, where their number is unknown.

    Heights fall off slowly within the atoms of one kind, and steeply from atoms to noise: the cut
    is where the ratio of a height to the next is largest, among peaks of at least a tenth of the
    median and at most two thirds of it.
    """
    height = peaks.height
    median = float(np.median(height[: max(3, len(height) // 3)]))
    is_atom = height > 0.33 * median
    edge = np.flatnonzero((height > 0.12 * median) & (height < 0.67 * median))
    if len(edge) > 1:
        ratio = height[edge[:-1]] / height[edge[1:]]
        is_atom = height >= height[edge[ratio.argmax()]]
        is_atom |= height > 0.5 * median
    return np.asarray(is_atom)
