"""Random changes of the content of a crystal: substituted, missing and unmodelled atoms."""

from __future__ import annotations

from dataclasses import dataclass

from argand.atom_types import atom_type
from argand.simulate.groups import Names
from argand.simulate.widths import Width, check_width

__all__ = ["Substitution", "Unmodelled"]

# Each atom is placed after many trials, and no cell has so many voids.
_MOST_UNMODELLED = 1000


@dataclass(frozen=True)
class Substitution:
    """Replace a part of the atoms on chosen sites by another type, or by nothing.

    What diffracts is the average over all cells, so a site holds both types with their shares.

    Parameters
    ----------
    by
        Atom type that takes the place; None: the site is vacant.
    atoms
        Sites by number, label or element; None: all of them.
    share
        Range from which every site of a sample draws the share that is replaced.
    probability
        Share of the samples in which this happens.
    """

    by: str | None
    atoms: Names = None
    share: Width = (0.0, 1.0)
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_width("share", self.share, high=1.0)
        check_width("probability", self.probability, high=1.0)
        if self.by is not None:
            atom_type(self.by)


@dataclass(frozen=True)
class Unmodelled:
    """Add atoms that the known structure does not have, in the emptiest of random positions.

    Parameters
    ----------
    type
        Atom type.
    number
        Atoms in the asymmetric unit of a sample.
    probability
        Share of the samples that have them.
    occupancy
        Occupancy of each atom, or the range that it is drawn from.
    b_iso
        B of each atom, A^2.
    """

    type: str = "O"
    number: int = 1
    probability: float = 0.1
    occupancy: Width = 1.0
    b_iso: float = 4.0

    def __post_init__(self) -> None:
        atom_type(self.type)
        check_width("occupancy", self.occupancy, high=1.0)
        check_width("probability", self.probability, high=1.0)
        check_width("b_iso", self.b_iso)
        if not 1 <= self.number <= _MOST_UNMODELLED:
            raise ValueError(f"number is {self.number}, needs to be 1 to {_MOST_UNMODELLED}")
