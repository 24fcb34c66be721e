"""Settings of a search for displacements: what is tried, in which order, and when it is enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from argand.errors import ArgandError

__all__ = [
    "LOW_ANGLES",
    "UNEXPLAINED_R",
    "ProposalName",
    "SearchSettings",
    "check_time_limit",
    "repeated",
]

#: R that no crystal like the known one has once its atoms are in place
UNEXPLAINED_R = 0.25

#: Resolutions in angstrom of the refinements before all reflections are used: the reflections of
#: low angles see large displacements.
LOW_ANGLES = (3.0, 2.0, 1.4)

ProposalName = Literal[
    "known structure",
    "regression",
    "linearisation",
    "linearise again",
    "draw anew",
    "draw beside",
    "step beside",
    "relocation",
    "further atom",
    "exchange",
    "hydrogens",
    "vibration",
]


def repeated(times: int, *proposals: ProposalName) -> list[tuple[ProposalName, ...]]:
    """Return one round of these proposals, repeated so many times, as part of a schedule."""
    return [proposals] * times


def check_time_limit(seconds: float | None) -> None:
    """Raise an `ArgandError` for a time limit that is neither None nor a positive number."""
    if seconds is not None and not 0.0 < seconds < math.inf:
        raise ArgandError(f"time_limit is {seconds}, needs seconds above 0, or None for no limit")


@dataclass(frozen=True)
class SearchSettings:
    """Choose what a search for displacements tries, and when it stops.

    Attributes
    ----------
    schedule
        Rounds of proposals, in order. A data set leaves as soon as it is explained; whether
        independent starts agree is asked between rounds.
    """

    schedule: tuple[tuple[ProposalName, ...], ...]
    # Standard deviation of the displacement along each position parameter, in angstrom per unit of
    # the parameter. The prior holds what the data hardly see.
    prior_width: float = 0.3
    # Seed of all random starts.
    seed: int = 0
    # Most cycles of one refinement. Few are enough where many starts are made.
    cycles: int = 30
    # Resolutions of the refinements that precede the one against all reflections.
    low_angles: tuple[float, ...] = LOW_ANGLES
    # A resolution is used when it has more reflections than twice the parameters and this number:
    # with few parameters, twice their number is a handful of reflections.
    spare_reflections: int = 10

    # R below which no random start is worth its time, even if the sigmas promise a lower R. 0
    # trusts the sigmas; files of measured intensities often have sigmas that are too small.
    good_r: float = 0.0
    # R above which displaced atoms explain nothing yet: a step from such an end is a step from
    # nowhere.
    bad_r: float = UNEXPLAINED_R
    # Two ends whose chi^2 differs by less than this share are the same minimum. The stricter one of
    # two values that were in use (.005 and .02): a misplaced light atom can cost 1 % of chi^2.
    same_minimum: float = 0.005
    # Stop when so many independent starts have reached the same minimum.
    arrivals_to_stop: int = 3
    # A minimum is only trusted when its R is below what a crystal with a misplaced atom has.
    sound_r: float = UNEXPLAINED_R

    # Starts beside the known structure: widths in angstrom along each direction, used in turn.
    # Small and large ones alternate, because the size of the displacements is not known.
    draw_widths: tuple[float, ...] = (0.2, 0.3, 0.45, 0.1, 0.3, 0.45, 0.2, 0.6)
    # The list of widths is used up to so many times, fewer for large models.
    draw_repeats: int = 5
    # Repeats of the widths times parameters stay below this number: large models are slow.
    draw_parameters: int = 200
    # Steps beside the best end, in angstrom along each direction, used in turn.
    step_widths: tuple[float, ...] = (0.4, 0.8, 1.2)
    # Least chance that a site takes part in a step, relative to the site that is known worst.
    least_chance: float = 0.1

    # A start drawn anew begins with this part of the answer of the regression.
    anew_regression: float = 0.7
    # A random displacement of this part of the prior's width is added to a start drawn anew.
    anew_spread: float = 0.5
    # A start drawn anew is known to this part of the prior's width: it is a little worse than the
    # known structure.
    anew_uncertainty: float = 1.1

    # Number of atoms that are relocated in turn. The first few hold nearly all successes.
    relocated_atoms: int = 4
    # Number of peaks at which a further atom is tried for each start.
    further_peaks: int = 2
    # A further atom has to lower chi^2 to this part: less is what five parameters fit by chance.
    further_share: float = 0.6
    # Hydrogens leave their carriers only if chi^2 falls to this part.
    released_share: float = 0.8
    # Whether the known structure takes the place of an answer whose R is above its own.
    keep_known: bool = True
    # Sites vibrate differently only if chi^2 falls to this part: a B for each site fits a little of
    # any misplaced atom.
    vibration_share: float = 0.8
    # A B for each site is refined where there are so many reflections for each parameter.
    vibration_reflections: float = 4.0
    # Standard deviation of the change of a site's B beside that of the overall B, in A^2.
    vibration_width: float = 2.0
    # An exchange of atoms that moves none by more than this, in angstrom, is no other start.
    exchange_distance: float = 0.1
    # Seconds after which a data set gets no other start; None sets no limit. Starts that are
    # refined together share their time evenly. Only without a limit does the answer not depend on
    # the speed of the machine.
    time_limit: float | None = None

    def __post_init__(self) -> None:
        check_time_limit(self.time_limit)
