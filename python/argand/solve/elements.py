"""Decide which element each site has, from its electrons, its neighbours and the known content.

The cost of a site being an element is the misfit of its electrons, of its number of neighbours and
of its distances to them; the content of the cell adds a cost for every atom too many or too few.
Costs are negative logarithms of probabilities, up to a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atomic_number
from argand.cell import FloatArray
from argand.solve.charges import balanced, can_be_neutral
from argand.solve.contacts import Contacts
from argand.solve.element_costs import (
    ELECTRON_NOISE,
    ELECTRON_SHARE,
    SiteCosts,
    electron_misfits,
)
from argand.solve.element_facts import RARITY, VOLUMES

__all__ = ["Assignment", "assign", "assign_on_scale", "reassign", "scales"]

# Cost of an atom more or less than the content of the cell states, which may be wrong itself.
_CONTENT_COST = 2.0

# Atoms nearer than this, in angstrom, are those of molecules, such as CO3, CN and SO4.
_MOLECULAR_BOND = 1.56

# Cost for each site of a crystal whose elements cannot be neutral.
_CHARGE_COST = 0.7

# A cation of a metal takes about so much room, in A^3.
_METAL_VOLUME = 12.0

# Elements whose number of electrons is off by more standard deviations are not considered.
_FARTHEST = 5.0

# Scales that differ by less than this, as a logarithm, are one.
_SAME_SCALE = 0.05

# Share of the atoms below which the lightest ones may be noise.
_LIGHTEST_SHARE = 0.15

# Elements that the typical, or the lightest, site of a crystal may be.
_ANCHORS = ("C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")


@dataclass(frozen=True, eq=False)
class Assignment:
    """Hold the elements of n sites.

    Attributes
    ----------
    elements : n symbols
    cost : of all sites together
    margin : (n,) by how much the second element of a site costs more than its own
    runner_up : n symbols, the second elements
    scale : factor from refined electrons to those of the elements
    """

    elements: tuple[str, ...]
    cost: float
    margin: FloatArray
    runner_up: tuple[str, ...]
    scale: float


def assign(
    electrons: FloatArray,
    multiplicity: NDArray[np.integer],
    contacts: Contacts,
    contents: Mapping[str, float],
) -> Assignment:
    """Assign the elements of a known content to sites.

    Parameters
    ----------
    electrons : (n,)
        Refined electrons of the sites, on any scale.
    multiplicity : (n,)
        Atoms of the cell for which each site stands.
    contacts
        Those of the sites, to 2.2 A at least; the first of each site is its nearest.
    contents
        Atoms of each element in the cell; hydrogen is left out. It may be wrong by some atoms.
    """
    symbols = sorted(_without_hydrogen(contents), key=lambda name: -atomic_number(name))
    numbers = np.array([atomic_number(symbol) for symbol in symbols])
    quota = np.array([contents[symbol] for symbol in symbols])
    ranked = _by_rank(electrons, multiplicity, quota)
    scale = _matching_scale(electrons, numbers[ranked])
    for _ in range(3):
        misfits = electron_misfits(electrons * scale, symbols)
        costs = SiteCosts(misfits, contacts, symbols, rarity=False)
        chosen = _settle(costs, ranked, multiplicity, quota)
        scale = _matching_scale(electrons, numbers[chosen])
    return _result(costs, chosen, scale)


def assign_on_scale(
    electrons: FloatArray,
    multiplicity: NDArray[np.integer],
    contacts: Contacts,
    scale: float,
    symbols: Sequence[str] = tuple(RARITY),
) -> Assignment:
    """Assign elements of an unknown content to sites whose electrons are known on a scale.

    Arguments are those of `assign`; `electrons` times `scale` are numbers of electrons, and
    `symbols` are the elements that there may be.
    """
    numbers = np.array([atomic_number(symbol) for symbol in symbols])
    noise = ELECTRON_NOISE + ELECTRON_SHARE * numbers
    deviation = np.abs(electrons[:, None] * scale - numbers) / noise
    near = deviation.min(axis=0) < _FARTHEST
    # A site that nothing is near gets the nearest there is.
    near[deviation.argmin(axis=1)] = True
    candidates = [symbols[i] for i in np.flatnonzero(near).tolist()]
    numbers = numbers[near]
    misfits = electron_misfits(electrons * scale, candidates)
    costs = SiteCosts(misfits, contacts, candidates, rarity=True)
    start = np.abs(numbers[None] - electrons[:, None] * scale).argmin(axis=1)
    chosen = _settle(costs, start, multiplicity, None)
    if not _has_molecules(contacts):
        chosen = balanced(costs.table(chosen), chosen, multiplicity, candidates)
    return _result(costs, chosen, scale)


def reassign(
    misfits: FloatArray,
    elements: Sequence[str],
    multiplicity: NDArray[np.integer],
    contacts: Contacts,
    symbols: Sequence[str],
    contents: Mapping[str, float] | None,
) -> Assignment:
    """Change the elements of sites by what the fit of a refined model says for other ones.

    Parameters
    ----------
    misfits : (n, e)
        Cost of each element at each site (see `argand.solve.element_evidence`).
    elements
        The n elements that the sites have.
    multiplicity, contacts
        Those of `assign`.
    symbols
        The e elements that there may be, all of `elements` among them.
    contents
        Atoms of each element in the cell, or None where they are unknown.
    """
    costs = SiteCosts(misfits, contacts, symbols, rarity=contents is None)
    start = np.array([symbols.index(element) for element in elements], np.intp)
    quota = None
    if contents is not None:
        quota = np.array([contents.get(symbol, 0.0) for symbol in symbols])
    chosen = _settle(costs, start, multiplicity, quota)
    if contents is None and not _has_molecules(contacts):
        chosen = balanced(costs.table(chosen), chosen, multiplicity, symbols)
    return _result(costs, chosen, 1.0)


def scales(
    electrons: FloatArray,
    multiplicity: NDArray[np.integer],
    contacts: Contacts,
    volume: float,
    *,
    most: int = 3,
) -> list[Assignment]:
    """Find likely scales of electrons where the content is unknown, each with its assignment.

    Every anchor element in turn is taken to be what the typical light site is. Volumes of atoms,
    hydrogens left out, must fill the cell of `volume` A^3 or less, but not much less. The
    assignments are sorted by cost, `most` at most.
    """
    trials: list[float] = []
    for group in (_typical(electrons, multiplicity), _lightest(electrons, multiplicity)):
        trials += [atomic_number(anchor) / group for anchor in _ANCHORS]
    candidates: list[Assignment] = []
    for trial in _apart(trials, 0.02):
        assignment = assign_on_scale(electrons, multiplicity, contacts, trial)
        # The elements say better than the anchor what the scale is.
        numbers = np.array([atomic_number(symbol) for symbol in assignment.elements])
        better = _matching_scale(electrons, numbers)
        assignment = assign_on_scale(electrons, multiplicity, contacts, better)
        cost = assignment.cost + _volume_cost(assignment.elements, multiplicity, volume)
        if not (_has_molecules(contacts) or _is_neutral(assignment.elements, multiplicity)):
            cost += len(electrons) * _CHARGE_COST
        candidates.append(replace(assignment, cost=cost))
    candidates.sort(key=lambda candidate: candidate.cost)
    distinct: list[Assignment] = []
    for assignment in candidates:
        ratios = [abs(np.log(assignment.scale / other.scale)) for other in distinct]
        if min(ratios, default=1.0) > _SAME_SCALE:
            distinct.append(assignment)
    return distinct[:most]


def _has_molecules(contacts: Contacts) -> bool:
    """Tell whether there are bonds that only molecules and molecular ions have."""
    return bool((contacts.distance < _MOLECULAR_BOND).any())


def _is_neutral(elements: Sequence[str], multiplicity: NDArray[np.integer]) -> bool:
    """Tell whether the elements of all sites can be neutral."""
    counts: dict[str, float] = {}
    for element, number in zip(elements, multiplicity, strict=True):
        counts[element] = counts.get(element, 0.0) + float(number)
    return can_be_neutral(counts)


def _apart(trials: Sequence[float], least: float) -> list[float]:
    """Return sorted trial scales without those that are within a share of the one before."""
    apart: list[float] = []
    for trial in sorted(trials):
        if not apart or trial > apart[-1] * (1.0 + least):
            apart.append(trial)
    return apart


def _settle(
    costs: SiteCosts,
    start: NDArray[np.intp],
    multiplicity: NDArray[np.integer],
    quota: FloatArray | None,
) -> NDArray[np.intp]:
    """Change the elements (n,) of single sites and of pairs until nothing lowers the cost.

    `quota` (e,) are the atoms in the cell, or None where nothing is known of them.
    """
    chosen = np.array(start, np.intp)
    n = len(chosen)
    rows = np.arange(n)
    unit = float(multiplicity.max(initial=1))
    weight = multiplicity / unit
    for _ in range(10 * n + 10):
        table = costs.table(chosen)
        change = table - table[rows, chosen][:, None]
        gain = change.copy()
        if quota is not None:
            gain = gain * weight[:, None] + _content_change(chosen, multiplicity, quota, unit)
        site, element = np.unravel_index(gain.argmin(), gain.shape)
        best_single = float(gain[site, element])
        best_swap = 0.0
        if quota is not None:
            exchanged = change[:, chosen]
            swap = weight[:, None] * exchanged + weight * exchanged.T
            swap[multiplicity[:, None] != multiplicity] = np.inf
            first, second = np.unravel_index(swap.argmin(), swap.shape)
            best_swap = float(swap[first, second])
        if min(best_single, best_swap) > -1e-9:
            break
        if best_single <= best_swap:
            chosen[site] = element
        else:
            chosen[first], chosen[second] = chosen[second], chosen[first]
    return chosen


def _content_change(
    chosen: NDArray[np.intp],
    multiplicity: NDArray[np.integer],
    quota: FloatArray,
    unit: float,
) -> FloatArray:
    """Return by how much the cost of the content changes (n, e) when a site becomes an element."""
    count = np.bincount(chosen, multiplicity, minlength=len(quota))
    present = np.abs(count - quota)
    fewer = np.abs(count[chosen] - multiplicity - quota[chosen]) - present[chosen]
    more = np.abs(count[None] + multiplicity[:, None] - quota) - present
    change = fewer[:, None] + more
    change[np.arange(len(chosen)), chosen] = 0.0
    return np.asarray(_CONTENT_COST / unit * change)


def _result(costs: SiteCosts, chosen: NDArray[np.intp], scale: float) -> Assignment:
    """Put together the assignment of `chosen` (n,), with the second element of every site."""
    table = costs.table(chosen)
    rows = np.arange(len(chosen))
    own = table[rows, chosen].copy()
    others = table.copy()
    others[rows, chosen] = np.inf
    second = others.argmin(axis=1)
    symbols = costs.symbols
    return Assignment(
        elements=tuple(symbols[i] for i in chosen),
        cost=float(own.sum()),
        margin=np.asarray(others[rows, second] - own),
        runner_up=tuple(symbols[i] for i in second),
        scale=scale,
    )


def _by_rank(
    electrons: FloatArray, multiplicity: NDArray[np.integer], quota: FloatArray
) -> NDArray[np.intp]:
    """Return elements (n,): the sites with most electrons get the heaviest of the content (e,)."""
    chosen = np.zeros(len(electrons), np.intp)
    element = 0
    remaining = float(quota[0])
    for site in np.argsort(-electrons, kind="stable"):
        while element < len(quota) - 1 and remaining < 0.4 * multiplicity[site]:
            element += 1
            remaining = float(quota[element])
        chosen[site] = element
        remaining -= float(multiplicity[site])
    return chosen


def _matching_scale(electrons: FloatArray, numbers: NDArray[np.integer]) -> float:
    """Return the factor that brings electrons (n,) to atomic numbers (n,): the median ratio."""
    positive = electrons > 0.0
    if not positive.any():
        return 1.0
    return float(np.median(numbers[positive] / electrons[positive]))


def _typical(electrons: FloatArray, multiplicity: NDArray[np.integer]) -> float:
    """Return the electrons of the commonest kind of site: the highest of a smooth histogram."""
    logarithm = np.log(np.maximum(electrons, 1e-6))
    closeness = np.exp(-np.square((logarithm[:, None] - logarithm) / 0.12) / 2.0)
    commonest = (closeness @ multiplicity).argmax()
    weights = closeness[commonest] * multiplicity
    return float(np.exp(weights @ logarithm / weights.sum()))


def _lightest(electrons: FloatArray, multiplicity: NDArray[np.integer]) -> float:
    """Return the electrons of the lightest kind of site that is more than a few atoms."""
    order = np.argsort(electrons)
    share = np.cumsum(multiplicity[order]) / multiplicity.sum()
    low = electrons[order[np.searchsorted(share, _LIGHTEST_SHARE)]]
    group = np.abs(np.log(np.maximum(electrons, 1e-6) / low)) < 0.2
    return float(np.average(electrons[group], weights=multiplicity[group]))


def _volume_cost(
    elements: Sequence[str], multiplicity: NDArray[np.integer], volume: float
) -> float:
    """Return the cost of atoms that fill more of the cell than there is, or much less."""
    filled = 0.0
    for symbol, number in zip(elements, multiplicity, strict=True):
        filled += VOLUMES.get(symbol, _METAL_VOLUME) * float(number)
    logarithm = np.log(filled / volume)
    # Hydrogens fill a quarter of organic crystals or more; oxides are denser than the averages say.
    excess = max(logarithm - 0.25, -0.65 - logarithm, 0.0)
    return len(elements) * float(excess / 0.15) ** 2 / 4.0


def _without_hydrogen(contents: Mapping[str, float]) -> list[str]:
    """Return the elements of a content that are not hydrogen."""
    return [symbol for symbol in contents if symbol not in ("H", "D") and contents[symbol] > 0.0]
