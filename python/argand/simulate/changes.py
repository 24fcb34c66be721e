"""Random changes of what a crystal is made of: other atoms on its sites, missing ones, atoms that no model knows."""

from __future__ import annotations

from dataclasses import dataclass

from argand.atom_types import atom_type
from argand.simulate.groups import Names
from argand.simulate.widths import Width, check_width

__all__ = ["Substitution", "Unmodelled"]


@dataclass(frozen=True)
class Substitution:
    """A part of the atoms on chosen sites is replaced by another type, or missing (`by` None).

    What diffracts is the average over all cells, so that a site holds both types with their shares. In a part
    `probability` of the samples every site draws its own share from the range `share`.
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
    """Atoms that the known structure does not have, in a part `probability` of the samples.

    They lie in voids: at the one of eight random places that is farthest from all atoms. b_iso: A^2.
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
        if self.number < 1:
            raise ValueError(f"number is {self.number}, needs to be 1 or more")
