"""What an adaptation is made for: the simulated crystals and measurements that it learns from."""

from __future__ import annotations

from dataclasses import dataclass, field

from argand.errors import ArgandError
from argand.radiation import Radiation

__all__ = ["WIDTHS", "AdaptationSettings"]

#: Widths of displacements that are learned, angstrom, rms in three dimensions
WIDTHS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)

# A regression needs samples to learn from, and others to choose its strength by.
_FEWEST_SAMPLES = 50

# Beyond so many angstrom an atom is in another cell.
_LARGEST_WIDTH = 5.0


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
        if self.samples < _FEWEST_SAMPLES:
            raise ArgandError(f"samples is {self.samples}, needs at least {_FEWEST_SAMPLES}")
        if self.rounds < 0:
            raise ArgandError(f"rounds is {self.rounds}, needs 0 or more")
