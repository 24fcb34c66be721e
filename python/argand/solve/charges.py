"""Judge whether the elements of a salt or an oxide can be neutral, and prefer those that can."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.solve.element_facts import CHARGES

__all__ = ["balanced", "can_be_neutral"]

# A net charge of this share of the positive charges is none: atoms may be missing or disordered.
_UNBALANCED = 0.06

# Cost of elements that cannot be neutral.
_CHARGE_COST = 5.0

# Elements that are tried in the place of each, and elements of a crystal beyond which there are too
# many combinations.
_ALTERNATIVES = 5
_MOST_ELEMENTS = 5


def can_be_neutral(counts: dict[str, float]) -> bool:
    """Tell whether charges of elements, of which the cell has some atoms, can add up to none.

    Hydrogens are not seen: they make up for what oxygen and nitrogen have too much. Elements
    without an entry in the table may have any charge.
    """
    if any(element not in CHARGES for element in counts):
        return True
    has_protons = "O" in counts or "N" in counts
    for charges in itertools.product(*(CHARGES[element] for element in counts)):
        each = np.array(charges) * np.array(list(counts.values()))
        net = float(each.sum())
        positive = float(each[each > 0.0].sum())
        if abs(net) <= _UNBALANCED * positive or (has_protons and net < 0.0 < positive):
            return True
    return False


def balanced(
    table: FloatArray,
    chosen: NDArray[np.intp],
    multiplicity: NDArray[np.integer],
    symbols: Sequence[str],
) -> NDArray[np.intp]:
    """Exchange elements of all of their sites so that the crystal can be neutral, if that is cheap.

    Parameters
    ----------
    table : (n, e)
        Cost of each element at each site.
    chosen : (n,)
        Numbers of the elements that were chosen.
    multiplicity : (n,)
        Atoms of the cell for which each site stands.
    symbols
        The e elements.

    Returns
    -------
    The elements (n,); those that were chosen where they can be neutral, or where nothing else is
    cheaper than the cost of a net charge.
    """
    present = np.unique(chosen)
    if len(present) > _MOST_ELEMENTS:
        return chosen
    atoms = [float(multiplicity[chosen == i].sum()) for i in present]
    costs = np.array([table[chosen == i].sum(axis=0) for i in present])
    alternatives = np.argsort(costs, axis=1)[:, :_ALTERNATIVES]
    best = chosen
    least = np.inf
    for combination in itertools.product(*alternatives):
        counts: dict[str, float] = {}
        for element, count in zip(combination, atoms, strict=True):
            counts[symbols[element]] = counts.get(symbols[element], 0.0) + count
        cost = float(costs[np.arange(len(present)), list(combination)].sum())
        if cost < least and not can_be_neutral(counts):
            cost += _CHARGE_COST
        if cost < least:
            least = cost
            best = np.array(combination, np.intp)[np.searchsorted(present, chosen)]
    return best
