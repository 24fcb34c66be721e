"""Changes of the known crystal that make a sample, as frozen data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from argand.simulate.changes import Substitution, Unmodelled
from argand.simulate.directions import Directions
from argand.simulate.displacements import Displacement, Independent
from argand.simulate.widths import Width, check_width

__all__ = ["Perturbation"]

# Samples are numbered by integers of 64 bits, and nobody waits for more.
_LONGEST_RAMP = 10**9


@dataclass(frozen=True)
class Perturbation:
    """Describe a distribution of crystals around a known one.

    Parameters
    ----------
    displacements
        Their sum moves the sites: `Independent`, `Groups`, `Waves`, `Modes`, `Directions`.
    strain
        Root mean square of the components of a random strain of the cell that the point group
        allows; sites keep their fractional coordinates.
    vibration
        Every B or U is multiplied by exp(v n), n from N(0, 1), v this width.
    substitutions
        Other types on sites, and vacancies.
    unmodelled
        Atoms that the known structure does not have; None: none.
    symmetry
        "kept": what happens to a site happens to its images, and sites on special positions stay on
        them. "broken": every atom of the cell is on its own, in P 1.
    fix_origin
        In polar space groups the common shift that no amplitude can see is taken away, where all
        sites move.
    ramp
        Length of a ramp, as of temperature, pressure or time: displacements, strain and vibration
        are drawn once, and sample i has the share (i mod ramp) / (ramp - 1) of them; None: every
        sample draws its own.
    """

    displacements: Sequence[Displacement] = (Independent(),)
    strain: Width = 0.0
    vibration: Width = 0.0
    substitutions: Sequence[Substitution] = ()
    unmodelled: Unmodelled | None = None
    symmetry: Literal["kept", "broken"] = "kept"
    fix_origin: bool = True
    ramp: int | None = None

    def __post_init__(self) -> None:
        check_width("strain", self.strain, high=0.2)
        check_width("vibration", self.vibration, high=3.0)
        if self.symmetry not in ("kept", "broken"):
            raise ValueError(f"symmetry is {self.symmetry!r}, needs 'kept' or 'broken'")
        if self.ramp is not None and not 2 <= self.ramp <= _LONGEST_RAMP:
            raise ValueError(f"ramp is {self.ramp}, needs to be 2 to {_LONGEST_RAMP} samples")
        # Lists become tuples: the description is frozen as a whole.
        object.__setattr__(self, "displacements", tuple(self.displacements))
        object.__setattr__(self, "substitutions", tuple(self.substitutions))

    def with_rms(self, rms: Width) -> Perturbation:
        """Return this perturbation with another width of every displacement that has an `rms`."""
        displacements: list[Displacement] = []
        for displacement in self.displacements:
            if isinstance(displacement, Directions):
                displacements.append(displacement)
            else:
                displacements.append(replace(displacement, rms=rms))
        return replace(self, displacements=displacements)
