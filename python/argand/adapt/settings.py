"""Settings of an adaptation: the simulated crystals and measurements that it learns from."""

from __future__ import annotations

from dataclasses import dataclass, field

from argand.atom_types import atom_type
from argand.errors import ArgandError
from argand.radiation import Radiation

__all__ = ["WIDTHS", "AdaptationSettings"]

#: Widths of displacements that are learned, angstrom, rms in three dimensions
WIDTHS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)

# A regression needs samples to learn from, and others to choose its strength by.
_FEWEST_SAMPLES = 50

# Beyond so many angstrom an atom is in another cell.
_LARGEST_WIDTH = 5.0

# The amplitudes of more samples than this exceed the memory of any machine.
_MOST_SAMPLES = 10**7

# Each round takes about as long as all before the first: nobody waits for more.
_MOST_ROUNDS = 10_000

# At a lower resolution no atoms are seen (angstrom).
_LARGEST_D_MIN = 100.0

# Beyond this relative error, or change of B (square angstrom), nothing is left to learn from.
_LARGEST_ERROR = 1e4

# Factors on |F| beyond this are of no measurement.
_LARGEST_SCALE = 1e9


@dataclass(frozen=True)
class AdaptationSettings:
    """Choose what an adaptation learns from, and how its refinement searches.

    Attributes
    ----------
    d_min
        Resolution of the reflections to learn, angstrom.
    widths
        Root mean square displacements in three dimensions to be ready for, angstrom.
    samples
        Number of simulated crystals for each width.
    noise
        Relative error of |F|.
    b_change
        Standard deviation of the change of the overall B, A^2.
    scale
        Range of the factor on |F|.
    unmodelled
        Type of an atom that a tenth of the samples has and the known crystal has not; None: none
        has.
    break_symmetry
        Whether every atom of the cell moves on its own, in P 1.
    network
        Whether networks are trained beside the regressions, and kept where they are better.
    rounds
        Rounds of further starts that a refinement may try where data stay unexplained.
    seed
        Seed of all samples, and of the starts of a refinement.
    radiation
        Form factors and wavelength.
    extinction
        SHELXL's x of the known structure; where it is not 0 it is refined too.

    Raises
    ------
    ArgandError
        A number that cannot be.
    """

    d_min: float = 1.0
    widths: tuple[float, ...] = WIDTHS
    samples: int = 6000
    noise: float = 0.04
    b_change: float = 0.5
    scale: tuple[float, float] = (0.5, 2.0)
    unmodelled: str | None = "O"
    break_symmetry: bool = False
    network: bool = False
    rounds: int = 12
    seed: int = 0
    radiation: Radiation = field(default_factory=Radiation)
    extinction: float = 0.0

    def __post_init__(self) -> None:
        possible = all(0.0 < width < _LARGEST_WIDTH for width in self.widths)
        if not self.widths or not possible:
            raise ArgandError(
                f"widths is {list(self.widths)}, needs numbers between 0 and 5 angstrom"
            )
        if not _FEWEST_SAMPLES <= self.samples <= _MOST_SAMPLES:
            raise ArgandError(
                f"samples is {self.samples}, needs at least {_FEWEST_SAMPLES}, "
                f"at most {_MOST_SAMPLES}"
            )
        if not 0 <= self.rounds <= _MOST_ROUNDS:
            raise ArgandError(f"rounds is {self.rounds}, needs 0 or more, at most {_MOST_ROUNDS}")
        if not 0.0 < self.d_min <= _LARGEST_D_MIN:
            raise ArgandError(f"d_min is {self.d_min}, needs 0 to {_LARGEST_D_MIN:g} angstrom")
        for name in ("noise", "b_change", "extinction"):
            if not 0.0 <= getattr(self, name) <= _LARGEST_ERROR:
                raise ArgandError(f"{name} is {getattr(self, name)}, needs 0 to {_LARGEST_ERROR:g}")
        low, high = self.scale
        if not 1.0 / _LARGEST_SCALE <= low <= high <= _LARGEST_SCALE:
            raise ArgandError(f"scale is {list(self.scale)}, needs two rising numbers above 0")
        if self.unmodelled is not None:
            atom_type(self.unmodelled)
