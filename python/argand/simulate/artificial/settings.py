"""Settings that decide which artificial crystals there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from argand.errors import ArgandError
from argand.simulate.artificial.elements import MOLECULAR_SHARES, draw_codes
from argand.simulate.artificial.space_groups import parse_groups, shares_of_groups

__all__ = ["ArtificialSettings", "Kind", "atom_range"]

#: What fills the cells: atoms anywhere, a molecule of flat units and chains, or ions
Kind = Literal["atoms", "fragments", "inorganic"]

# Independent atoms, hydrogen left out, of the smaller molecules whose crystals are measured.
_DEFAULT_ATOMS = (8, 24)

# A larger asymmetric unit would take seconds to grow.
_MOST_ATOMS = 200

# Mean B (A^2) of a crystal lies between these.
_LOWEST_B = 1.0
_HIGHEST_B = 4.5


@dataclass(frozen=True)
class ArtificialSettings:
    """Describe which artificial crystals there are.

    Parameters
    ----------
    spacegroups
        Shares of the space groups by name; `parse_groups` makes them of a text. The default has
        all 230, about as often as the Crystallography Open Database.
    kind
        "atoms": independent single atoms. "fragments": one molecule of rings, flat groups and
        chains, without hydrogen, some with a metal. "inorganic": cations, and anions bonded to
        them.
    atoms
        Least and largest number of independent atoms.
    volume_per_atom
        Least and largest volume of the cell for each of its atoms, A^3; None: that of the kind.
    max_volume
        Largest cell, A^3: in groups of many operations atoms then lie on special positions, or
        molecules are small.
    elements
        Shares of the elements of single atoms and molecules.
    b_iso
        Least and largest mean B of a crystal, A^2.

    Raises
    ------
    ArgandError
        Names the setting, what it is and what it must be.
    """

    spacegroups: Mapping[str, float] = field(default_factory=shares_of_groups)
    kind: Kind = "fragments"
    atoms: tuple[int, int] = _DEFAULT_ATOMS
    volume_per_atom: tuple[float, float] | None = None
    max_volume: float = 6000.0
    elements: Mapping[str, float] = field(default_factory=lambda: dict(MOLECULAR_SHARES))
    b_iso: tuple[float, float] = (_LOWEST_B, _HIGHEST_B)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spacegroups", parse_groups(self.spacegroups))
        if self.kind not in ("atoms", "fragments", "inorganic"):
            raise ArgandError(f"kind is {self.kind!r}, needs atoms, fragments or inorganic")
        low, high = self.atoms
        if not 1 <= low <= high <= _MOST_ATOMS:
            raise ArgandError(
                f"atoms is {self.atoms}, needs least and largest number, 1 to {_MOST_ATOMS}"
            )
        if self.volume_per_atom is not None:
            _check_range("volume_per_atom", self.volume_per_atom, 5.0)
        _check_range("b_iso", self.b_iso, 0.0)
        if not 50.0 <= self.max_volume < np.inf:
            raise ArgandError(f"max_volume is {self.max_volume}, needs 50 A^3 or more")
        draw_codes(self.elements, np.zeros(1))


def atom_range(atoms: Sequence[int] | None) -> tuple[int, int]:
    """Return least and largest number of atoms from one number or two; None gives the default.

    Raises
    ------
    ArgandError
        There are other than one or two numbers, or they are not in order.
    """
    if atoms is None:
        return _DEFAULT_ATOMS
    if len(atoms) not in (1, 2) or atoms[0] > atoms[-1]:
        raise ArgandError(f"atoms is {list(atoms)}, needs one number, or two in order")
    return atoms[0], atoms[-1]


def _check_range(name: str, bounds: tuple[float, float], least: float) -> None:
    """Raise an `ArgandError` unless two numbers, at least `least`, are in order."""
    low, high = bounds
    if not least <= low <= high < np.inf:
        raise ArgandError(f"{name} is {bounds}, needs two numbers in order, from {least:g} on")
