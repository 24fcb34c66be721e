"""Decide which element each site has, from its electrons, its neighbours and the known content.

The cost of a site being an element is the misfit of its electrons, of its number of neighbours and
of its distances to them; the content of the cell adds a cost for every atom too many or too few.
Costs are negative logarithms of probabilities, up to a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atomic_number
from argand.cell import FloatArray
from argand.solve.contacts import Contacts

__all__ = ["Assignment", "assign", "assign_on_scale", "scales"]

# Electrons of a site are uncertain by this number and this share of them: what refined occupancies
# of measured crystals scatter by.
_ELECTRON_NOISE = 0.3
_ELECTRON_SHARE = 0.03

# No misfit costs more than this: an outlier must not outweigh everything else.
_LARGEST_COST = 12.0

# Cost of an atom more or less than the content of the cell states, which may be wrong itself.
_CONTENT_COST = 2.0

# Contacts longer than this, in angstrom, are no bonds of light elements.
_LONGEST_CONTACT = 2.2

# Light atoms nearer than this, in angstrom, are bonded; heavier nonmetals to the second distance.
_LIGHT_BOND = 1.72
_NONMETAL_BOND = 1.95

# A bond may be shorter than the sum of gemmi's covalent radii by this, in angstrom, between
# nonmetals (C#N: .29), with a metal that forms double bonds (Mo=O: .5), and with any other metal.
_SHORTENING = 0.28
_OXO_SHORTENING = 0.52
_METAL_SHORTENING = 0.22
_OXO_METALS = ("Ti", "V", "Cr", "Mn", "Fe", "Nb", "Mo", "Tc", "Ru", "Ta", "W", "Re", "Os", "U")
_NONMETALS = ("B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I")

# A bond between nonmetals is longer by at most this, in angstrom.
_LENGTHENING = 0.12

# Beyond such a limit a bond length costs half a square of its excess over this, in angstrom.
_LENGTH_NOISE = 0.06

# Mean distance in angstrom to the nearest four oxygens at most, and by how much it varies.
_OXYGEN_BONDS = {
    **{"Be": (1.63, 0.04), "B": (1.43, 0.06), "Si": (1.62, 0.03), "P": (1.53, 0.03)},
    **{"S": (1.47, 0.03), "Cl": (1.43, 0.03), "Al": (1.82, 0.08), "Mg": (2.07, 0.06)},
    **{"Li": (1.98, 0.10), "Na": (2.40, 0.12), "K": (2.80, 0.12), "Ca": (2.38, 0.08)},
    **{"Ti": (1.93, 0.08), "Fe": (2.03, 0.10), "Zn": (2.03, 0.10), "Ba": (2.75, 0.12)},
    **{"Sr": (2.55, 0.10), "Rb": (2.95, 0.15), "Cs": (3.10, 0.15)},
}
_NEAREST_OXYGENS = 4
_LARGEST_OXYGEN_COST = 5.0
# An element without an entry: as likely as one that is a little off its typical distance.
_USUAL_OXYGEN_COST = 0.8

# Two atoms as near as a bond that these elements hardly ever form.
_RARE_BOND = 3.0
_RARE_PAIRS = {("O", "O"), ("O", "F"), ("N", "F"), ("F", "F"), ("F", "S"), ("O", "Cl")}

# Cost of a light element with 0, 1, 2, 3, 4 or more light neighbours at the distance of a bond.
_LIGHT_COSTS = {
    "C": (4.0, 0.6, 0.0, 0.0, 0.0, 3.0),
    "N": (2.0, 0.8, 0.0, 0.0, 1.5, 6.0),
    "O": (0.3, 0.0, 0.0, 3.0, 6.0, 9.0),
    "F": (2.0, 0.0, 4.0, 6.0, 9.0, 9.0),
    "B": (3.0, 3.0, 1.0, 0.0, 0.0, 0.0),
}

# Cost of a heavier nonmetal with 0 to 6 neighbours.
_NONMETAL_COSTS = {
    "Si": (3.0, 3.0, 2.0, 1.0, 0.0, 0.5, 0.5),
    "P": (4.0, 4.0, 1.5, 0.0, 0.0, 1.0, 0.0),
    "S": (0.5, 0.2, 0.0, 0.3, 0.0, 3.0, 3.0),
    "Cl": (0.3, 0.0, 4.0, 4.0, 0.5, 6.0, 6.0),
    "Br": (0.3, 0.0, 4.0, 5.0, 5.0, 6.0, 6.0),
}

# A single neighbour nearer than this, in angstrom, has a double or triple bond: no CH3 is there.
_DOUBLE_BOND = 1.30
# A single neighbour farther than this, in angstrom, is no oxygen or fluorine.
_SINGLE_BOND = 1.47
_WRONG_TERMINAL = 3.0

# The nearest neighbour of an atom is at most this farther than the sum of the radii, in angstrom;
# beyond, half a square of the excess over the second number is the cost, up to a largest one.
_LONELY = 0.40
_LONELY_NOISE = 0.25
_LONELY_COST = 6.0
# Water and halide ions have no bonds: they cost no more than this.
_ION_COST = 1.0
_IONS = ("O", "F", "Cl", "Br", "I")

# Share of the cost of a rare element for every site after the first.
_REPEATED = 0.25

# Elements of crystals and how much rarer each is than carbon, as a cost.
_RARITY = {
    **{"C": 0.0, "O": 0.4, "N": 0.9, "F": 2.5, "S": 2.0, "Cl": 2.0, "P": 2.8, "Br": 3.0, "B": 3.0},
    **{"Si": 3.0, "I": 3.5, "Cu": 3.3, "Zn": 3.3, "Fe": 3.3, "Co": 3.3, "Ni": 3.5, "Mn": 3.5},
    **{"Na": 3.5, "K": 3.5, "Ca": 4.0, "Mg": 4.0, "Al": 3.8, "Li": 4.0, "Ti": 4.2, "Mo": 4.0},
    **{"Pd": 4.0, "Pt": 4.0, "Ru": 4.0, "Ag": 4.0, "Rh": 4.2, "Cd": 4.2, "Sn": 4.2, "Cs": 4.5},
    **{"W": 4.2, "Au": 4.2, "Ir": 4.3, "Hg": 4.4, "Pb": 4.3, "Bi": 4.4, "Se": 4.2, "V": 4.2},
    **{"Cr": 4.2, "Re": 4.4, "Os": 4.6, "As": 4.5, "Sb": 4.5, "Te": 4.6, "Ge": 4.6, "Ga": 4.5},
    **{"In": 4.7, "Zr": 4.5, "Nb": 4.7, "Ba": 4.5, "Sr": 4.5, "Rb": 4.7, "Y": 4.7, "La": 4.6},
    **{"Ce": 4.8, "Nd": 4.8, "Sm": 5.0, "Eu": 4.8, "Gd": 4.8, "Tb": 4.9, "Dy": 4.9, "Er": 5.0},
    **{"Yb": 5.0, "Lu": 5.2, "U": 4.7, "Th": 5.0, "Tl": 5.0, "Ta": 5.0, "Hf": 5.0, "Be": 5.5},
}

# Volumes of atoms in crystals, A^3, after D. W. M. Hofmann, Acta Cryst. B57 (2002) 489-493; cations
# of metals take little room.
_VOLUMES = {
    **{"C": 13.9, "N": 11.8, "O": 11.4, "F": 11.2, "B": 10.0, "S": 23.0, "Cl": 25.8, "Br": 32.7},
    **{"I": 46.0, "P": 15.0, "Si": 13.0, "Se": 28.0, "Te": 35.0, "K": 20.0, "Rb": 25.0, "Cs": 35.0},
}
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
        costs = _SiteCosts(electrons * scale, contacts, symbols, rarity=False)
        chosen = _settle(costs, ranked, multiplicity, quota)
        scale = _matching_scale(electrons, numbers[chosen])
    return _result(costs, chosen, scale)


def assign_on_scale(
    electrons: FloatArray,
    multiplicity: NDArray[np.integer],
    contacts: Contacts,
    scale: float,
    symbols: Sequence[str] = tuple(_RARITY),
) -> Assignment:
    """Assign elements of an unknown content to sites whose electrons are known on a scale.

    Arguments are those of `assign`; `electrons` times `scale` are numbers of electrons, and
    `symbols` are the elements that there may be.
    """
    numbers = np.array([atomic_number(symbol) for symbol in symbols])
    noise = _ELECTRON_NOISE + _ELECTRON_SHARE * numbers
    deviation = np.abs(electrons[:, None] * scale - numbers) / noise
    near = deviation.min(axis=0) < _FARTHEST
    # A site that nothing is near gets the nearest there is.
    near[deviation.argmin(axis=1)] = True
    candidates = [symbols[i] for i in np.flatnonzero(near)]
    numbers = numbers[near]
    costs = _SiteCosts(electrons * scale, contacts, candidates, rarity=True)
    start = np.abs(numbers[None] - electrons[:, None] * scale).argmin(axis=1)
    chosen = _settle(costs, start, multiplicity, None)
    return _result(costs, chosen, scale)


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
    candidates: list[tuple[float, Assignment]] = []
    for trial in _apart(trials, 0.02):
        assignment = assign_on_scale(electrons, multiplicity, contacts, trial)
        # The elements say better than the anchor what the scale is.
        numbers = np.array([atomic_number(symbol) for symbol in assignment.elements])
        better = _matching_scale(electrons, numbers)
        assignment = assign_on_scale(electrons, multiplicity, contacts, better)
        cost = assignment.cost + _volume_cost(assignment.elements, multiplicity, volume)
        candidates.append((cost, assignment))
    candidates.sort(key=lambda pair: pair[0])
    distinct: list[Assignment] = []
    for _, assignment in candidates:
        ratios = [abs(np.log(assignment.scale / other.scale)) for other in distinct]
        if min(ratios, default=1.0) > _SAME_SCALE:
            distinct.append(assignment)
    return distinct[:most]


def _apart(trials: Sequence[float], least: float) -> list[float]:
    """Return sorted trial scales without those that are within a share of the one before."""
    apart: list[float] = []
    for trial in sorted(trials):
        if not apart or trial > apart[-1] * (1.0 + least):
            apart.append(trial)
    return apart


class _SiteCosts:
    """Tabulate the costs of n sites being each of e elements.

    Parameters
    ----------
    electrons : (n,)
        On the scale of atomic numbers.
    contacts
        Those of the sites.
    symbols
        The e elements.
    rarity
        Whether rare elements cost more.
    """

    def __init__(
        self, electrons: FloatArray, contacts: Contacts, symbols: list[str], *, rarity: bool
    ) -> None:
        self.symbols = symbols
        numbers = np.array([atomic_number(symbol) for symbol in symbols], float)
        noise = _ELECTRON_NOISE + _ELECTRON_SHARE * numbers
        misfit = np.square((electrons[:, None] - numbers) / noise) / 2.0
        # Where no element fits at all the differences between them still count.
        self.single = np.minimum(misfit, _LARGEST_COST + 0.1 * np.sqrt(misfit))
        self.single += np.log(noise / noise.min())
        self.rarity = np.zeros(len(symbols))
        if rarity:
            self.rarity = np.array([_RARITY[symbol] for symbol in symbols])
        self.near = contacts.select(contacts.distance < _LONGEST_CONTACT)
        n = len(electrons)
        light = np.bincount(self.near.site[self.near.distance < _LIGHT_BOND], minlength=n)
        nonmetal = np.bincount(self.near.site[self.near.distance < _NONMETAL_BOND], minlength=n)
        nearest = np.full(n, np.inf)
        np.minimum.at(nearest, self.near.site, self.near.distance)
        for column, symbol in enumerate(symbols):
            if symbol in _LIGHT_COSTS:
                self.single[:, column] += _light_cost(symbol, light, nearest)
            elif symbol in _NONMETAL_COSTS:
                costs = np.array(_NONMETAL_COSTS[symbol])
                self.single[:, column] += costs[np.minimum(nonmetal, len(costs) - 1)]
        self.pair = _pair_costs(self.near.distance, tuple(symbols))
        self._set_nearest(contacts, n)

    def _set_nearest(self, contacts: Contacts, n: int) -> None:
        """Note the nearest neighbour of every site, which may be no farther than a long bond."""
        radii = np.array([_radius(symbol) for symbol in self.symbols])
        site, first = np.unique(contacts.site, return_index=True)
        self._has_neighbour = site
        self._nearest = contacts.neighbour[first]
        excess = contacts.distance[first][:, None, None] - radii[:, None] - radii - _LONELY
        cost = np.square(np.maximum(excess, 0.0) / _LONELY_NOISE) / 2.0
        self._set_oxygen_bonds(contacts, n)
        largest = [_ION_COST if symbol in _IONS else _LONELY_COST for symbol in self.symbols]
        self._lonely = np.minimum(cost, np.array(largest)[:, None])
        if len(contacts.site):
            alone = np.setdiff1d(np.arange(n), site)
            self.single[alone] += np.array(largest)

    def _set_oxygen_bonds(self, contacts: Contacts, n: int) -> None:
        """Tabulate the costs (n, e) of the mean distance to four neighbours, if they are oxygen."""
        self.oxygen_bonds = np.zeros((n, len(self.symbols)))
        first = np.searchsorted(contacts.site, np.arange(n + 1))
        for site in range(n):
            distance = contacts.distance[first[site] : first[site + 1]][:_NEAREST_OXYGENS]
            if len(distance) < 2:
                continue
            # The oxygens around an atom are at most a third farther than the nearest.
            mean = float(distance[distance < 1.33 * distance[0]].mean())
            for column, symbol in enumerate(self.symbols):
                if symbol in _LIGHT_COSTS and symbol != "B":
                    continue
                cost = _USUAL_OXYGEN_COST
                if symbol in _OXYGEN_BONDS:
                    typical, width = _OXYGEN_BONDS[symbol]
                    cost = min(((mean - typical) / width) ** 2 / 2.0, _LARGEST_OXYGEN_COST)
                self.oxygen_bonds[site, column] = cost

    def table(self, chosen: NDArray[np.intp]) -> FloatArray:
        """Return the costs (n, e) of every element where the neighbours are `chosen` (n,)."""
        table = self.single.copy()
        of_neighbour = self.pair[np.arange(len(self.near.site)), :, chosen[self.near.neighbour]]
        np.add.at(table, self.near.site, of_neighbour)
        rows = np.arange(len(self._has_neighbour))
        table[self._has_neighbour] += self._lonely[rows, :, chosen[self._nearest]]
        if "O" in self.symbols:
            has_oxygen = chosen[self._nearest] == self.symbols.index("O")
            sites = self._has_neighbour[has_oxygen]
            table[sites] += self.oxygen_bonds[sites]
        if self.rarity.any():
            count = np.bincount(chosen, minlength=len(self.symbols))
            of_others = count - (chosen[:, None] == np.arange(len(self.symbols)))
            table += self.rarity * np.where(of_others > 0, _REPEATED, 1.0)
        return table


def _light_cost(symbol: str, count: NDArray[np.intp], nearest: FloatArray) -> FloatArray:
    """Return what the numbers (n,) of bonds, and the shortest one (n,), cost a light element."""
    costs = _LIGHT_COSTS[symbol]
    cost = np.array(costs)[np.minimum(count, len(costs) - 1)]
    terminal = count == 1
    if symbol == "C":
        double = (nearest < _DOUBLE_BOND) & (nearest > 1.16)
        cost = cost + _WRONG_TERMINAL * (terminal & double)
    if symbol in ("O", "F"):
        cost = cost + _WRONG_TERMINAL * (terminal & (nearest > _SINGLE_BOND))
    if symbol == "F":
        cost = cost + _WRONG_TERMINAL * (terminal & (nearest < _DOUBLE_BOND))
    return np.asarray(cost)


@cache
def _radius(symbol: str) -> float:
    """Return the covalent radius of an element in angstrom."""
    return float(gemmi.Element(symbol).covalent_r)


def _pair_costs(distance: FloatArray, symbols: tuple[str, ...]) -> FloatArray:
    """Return the costs (c, e, e) of contacts between all pairs of elements.

    Too short a distance costs; so does one between nonmetals that is too long for a bond and
    too short for atoms that are not bonded.
    """
    radii = np.array([_radius(symbol) for symbol in symbols])
    excess = distance[:, None, None] - radii[:, None] - radii
    nonmetal = np.array([symbol in _NONMETALS for symbol in symbols])
    oxo = np.array([symbol in _OXO_METALS for symbol in symbols])
    both = nonmetal[:, None] & nonmetal
    shortening = np.where(oxo[:, None] | oxo, _OXO_SHORTENING, _METAL_SHORTENING)
    shortening = np.where(both, _SHORTENING, shortening)
    short = np.maximum(-shortening - excess, 0.0)
    long = np.where(both, np.maximum(excess - _LENGTHENING, 0.0), 0.0)
    cost = np.square((short + long) / _LENGTH_NOISE) / 2.0
    # Each bond is counted at both of its ends.
    cost = np.minimum(cost, _LARGEST_COST / 2.0) / 2.0
    bonded = excess < _LENGTHENING
    for first, second in _RARE_PAIRS:
        if first in symbols and second in symbols:
            i = symbols.index(first)
            j = symbols.index(second)
            cost[:, i, j] += _RARE_BOND / 2.0 * bonded[:, i, j]
            if i != j:
                cost[:, j, i] += _RARE_BOND / 2.0 * bonded[:, j, i]
    return np.asarray(cost)


def _settle(
    costs: _SiteCosts,
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


def _result(costs: _SiteCosts, chosen: NDArray[np.intp], scale: float) -> Assignment:
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
        filled += _VOLUMES.get(symbol, _METAL_VOLUME) * float(number)
    logarithm = np.log(filled / volume)
    # Hydrogens fill a quarter of organic crystals or more; oxides are denser than the averages say.
    excess = max(logarithm - 0.25, -0.65 - logarithm, 0.0)
    return float(excess / 0.15) ** 2 / 2.0


def _without_hydrogen(contents: Mapping[str, float]) -> list[str]:
    """Return the elements of a content that are not hydrogen."""
    return [symbol for symbol in contents if symbol not in ("H", "D") and contents[symbol] > 0.0]
