"""Tabulate what it costs a site to be an element: its electrons, its neighbours, its distances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atomic_number
from argand.cell import FloatArray
from argand.solve.contacts import Contacts
from argand.solve.element_facts import (
    LIGHT_COSTS,
    NONMETAL_COSTS,
    NONMETALS,
    OXO_METALS,
    OXYGEN_BONDS,
    RARITY,
    covalent_radius,
)

__all__ = ["ELECTRON_NOISE", "ELECTRON_SHARE", "SiteCosts", "electron_misfits", "is_alone"]

#: Electrons of a site are uncertain by this number and this share of them: what refined occupancies
# of measured crystals scatter by.
ELECTRON_NOISE = 0.3
ELECTRON_SHARE = 0.03

# No misfit costs more than this: an outlier must not outweigh everything else.
_LARGEST_COST = 12.0

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

# A bond between nonmetals is longer by at most this, in angstrom.
_LENGTHENING = 0.12

# Beyond such a limit a bond length costs half a square of its excess over this, in angstrom.
_LENGTH_NOISE = 0.06

# So many oxygens around an atom are looked at, which are at most a third farther than the nearest.
_NEAREST_OXYGENS = 4
_FARTHER = 1.33
# Their distance costs at most this.
_LARGEST_OXYGEN_COST = 5.0
# An element without an entry: as likely as one that is a little off its typical distance.
_USUAL_OXYGEN_COST = 0.8

# Two atoms as near as a bond that these elements hardly ever form.
_RARE_BOND = 3.0
_RARE_PAIRS = {("O", "O"), ("O", "F"), ("N", "F"), ("F", "F")}

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

# An atom is alone that has no other one nearer than this, in angstrom. It is water or an ion, often
# partly occupied: electrons that oxygen lacks cost it no more than the second number.
_ALONE = 1.9
_PARTLY_OCCUPIED = 2.0

_OXYGEN = 8

# Cost of carbides and nitrides: the nearest neighbour is no light atom.
_WITHOUT_LIGHT = {"C": 1.5, "N": 1.5}

# Share of the cost of a rare element for every site after the first.
_REPEATED = 0.25


class SiteCosts:
    """Tabulate the costs of n sites being each of e elements.

    Parameters
    ----------
    misfits : (n, e)
        What the density, or the fit to the data, says against each element.
    contacts
        Those of the sites.
    symbols
        The e elements.
    rarity
        Whether rare elements cost more.
    """

    def __init__(
        self, misfits: FloatArray, contacts: Contacts, symbols: Sequence[str], *, rarity: bool
    ) -> None:
        self.symbols = list(symbols)
        sites = len(misfits)
        self.single = np.array(misfits)
        if "O" in self.symbols:
            oxygen = self.symbols.index("O")
            alone = is_alone(contacts, sites)
            lighter = np.array([atomic_number(symbol) <= _OXYGEN for symbol in self.symbols])
            # More electrons than oxygen has are no lack of them.
            has_few = alone & lighter[self.single.argmin(axis=1)]
            cost = np.minimum(self.single[has_few, oxygen], _PARTLY_OCCUPIED)
            self.single[has_few, oxygen] = cost
        self._rarity = np.zeros(len(symbols))
        if rarity:
            self._rarity = np.array([RARITY[symbol] for symbol in symbols])
        self._near = contacts.select(contacts.distance < _LONGEST_CONTACT)
        self._pair = _pair_costs(self._near.distance, tuple(symbols))
        self._is_light = np.array([symbol in LIGHT_COSTS for symbol in symbols])
        self._add_neighbour_costs(sites)
        self._set_nearest(contacts, sites)
        self._oxygen_bonds = _oxygen_costs(contacts, sites, symbols)

    def _add_neighbour_costs(self, sites: int) -> None:
        """Add the costs of the numbers of neighbours at the distance of a bond."""
        near = self._near
        light_bonds = near.site[near.distance < _LIGHT_BOND]
        light = np.bincount(light_bonds, minlength=sites)
        nonmetal_bonds = near.site[near.distance < _NONMETAL_BOND]
        nonmetal = np.bincount(nonmetal_bonds, minlength=sites)
        nearest = np.full(sites, np.inf)
        np.minimum.at(nearest, near.site, near.distance)
        for column, symbol in enumerate(self.symbols):
            if symbol in LIGHT_COSTS:
                count = nonmetal if symbol == "C" else light
                self.single[:, column] += _light_cost(symbol, count, nearest)
            elif symbol in NONMETAL_COSTS:
                costs = np.array(NONMETAL_COSTS[symbol])
                last = len(costs) - 1
                self.single[:, column] += costs[np.minimum(nonmetal, last)]

    def _set_nearest(self, contacts: Contacts, sites: int) -> None:
        """Note the nearest neighbour of every site, which may be no farther than a long bond."""
        radii = np.array([covalent_radius(symbol) for symbol in self.symbols])
        with_neighbour, first = np.unique(contacts.site, return_index=True)
        self._has_neighbour = with_neighbour
        self._nearest = contacts.neighbour[first]
        bond = radii[:, None] + radii
        excess = contacts.distance[first][:, None, None] - bond - _LONELY
        cost = np.square(np.maximum(excess, 0.0) / _LONELY_NOISE) / 2.0
        largest = np.full(len(self.symbols), _LONELY_COST)
        for column, symbol in enumerate(self.symbols):
            if symbol in _IONS:
                largest[column] = _ION_COST
        self._lonely = np.minimum(cost, largest[:, None])
        if len(with_neighbour):
            alone = np.setdiff1d(np.arange(sites), with_neighbour)
            self.single[alone] += largest

    def table(self, chosen: NDArray[np.intp]) -> FloatArray:
        """Return the costs (n, e) of every element where the neighbours are `chosen` (n,)."""
        table = self.single.copy()
        near = self._near
        pairs = np.arange(len(near.site))
        np.add.at(table, near.site, self._pair[pairs, :, chosen[near.neighbour]])
        nearest = chosen[self._nearest]
        rows = np.arange(len(nearest))
        table[self._has_neighbour] += self._lonely[rows, :, nearest]
        without_light = self._has_neighbour[~self._is_light[nearest]]
        for column, symbol in enumerate(self.symbols):
            table[without_light, column] += _WITHOUT_LIGHT.get(symbol, 0.0)
        if "O" in self.symbols:
            has_oxygen = nearest == self.symbols.index("O")
            sites = self._has_neighbour[has_oxygen]
            table[sites] += self._oxygen_bonds[sites]
        if self._rarity.any():
            count = np.bincount(chosen, minlength=len(self.symbols))
            is_chosen = chosen[:, None] == np.arange(len(self.symbols))
            of_others = count - is_chosen
            table += self._rarity * np.where(of_others > 0, _REPEATED, 1.0)
        return table


def is_alone(contacts: Contacts, sites: int) -> NDArray[np.bool_]:
    """Tell which sites (n,) have no neighbour at the distance of a bond between light atoms."""
    alone = np.ones(sites, bool)
    alone[contacts.site[contacts.distance < _ALONE]] = False
    return alone


def electron_misfits(electrons: FloatArray, symbols: Sequence[str]) -> FloatArray:
    """Return the costs (n, e) of electrons (n,) being those of elements.

    They are counted without hydrogens and on the scale of atomic numbers.
    """
    numbers = np.array([atomic_number(symbol) for symbol in symbols], float)
    noise = ELECTRON_NOISE + ELECTRON_SHARE * numbers
    misfit = np.square((electrons[:, None] - numbers) / noise) / 2.0
    # Where no element fits at all the differences between them still count.
    bounded = np.minimum(misfit, _LARGEST_COST + 0.1 * np.sqrt(misfit))
    return np.asarray(bounded + np.log(noise / noise.min()))


def _oxygen_costs(contacts: Contacts, sites: int, symbols: Sequence[str]) -> FloatArray:
    """Return the costs (n, e) of the mean distance to neighbours that are oxygen."""
    costs = np.zeros((sites, len(symbols)))
    first = np.searchsorted(contacts.site, np.arange(sites + 1))
    for site in range(sites):
        distance = contacts.distance[first[site] : first[site + 1]][:_NEAREST_OXYGENS]
        if len(distance) < 2:
            continue
        mean = float(distance[distance < _FARTHER * distance[0]].mean())
        for column, symbol in enumerate(symbols):
            if symbol in LIGHT_COSTS and symbol != "B":
                continue
            cost = _USUAL_OXYGEN_COST
            if symbol in OXYGEN_BONDS:
                typical, width = OXYGEN_BONDS[symbol]
                cost = ((mean - typical) / width) ** 2 / 2.0
            costs[site, column] = min(cost, _LARGEST_OXYGEN_COST)
    return costs


def _light_cost(symbol: str, count: NDArray[np.intp], nearest: FloatArray) -> FloatArray:
    """Return what the numbers (n,) of bonds, and the shortest one (n,), cost a light element."""
    costs = LIGHT_COSTS[symbol]
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


def _pair_costs(distance: FloatArray, symbols: tuple[str, ...]) -> FloatArray:
    """Return the costs (c, e, e) of contacts between all pairs of elements.

    Too short a distance costs; so does one between nonmetals that is too long for a bond and
    too short for atoms that are not bonded.
    """
    radii = np.array([covalent_radius(symbol) for symbol in symbols])
    excess = distance[:, None, None] - radii[:, None] - radii
    nonmetal = np.array([symbol in NONMETALS for symbol in symbols])
    oxo = np.array([symbol in OXO_METALS for symbol in symbols])
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
