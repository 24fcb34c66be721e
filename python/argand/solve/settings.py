"""Choose how an unknown crystal is phased: settings of a user, and recipes by resolution."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from argand.errors import ArgandError

__all__ = ["PhasingRecipe", "SolveSettings", "TimeLimit", "recipe_for", "resolves_atoms"]


@dataclass(frozen=True)
class SolveSettings:
    """Hold what decides the solution of an unknown crystal.

    Parameters
    ----------
    seed
        Seed of the starts; the same seed gives the same solution on any number of threads.
    starts
        Largest number of starts.
    time_limit
        Seconds after which the solution ends with the best phases and atoms so far; atoms that are
        being refined then are finished. None sets no limit, and the solution then depends on the
        seed alone.
    d_min
        Use reflections of larger lattice spacing only, angstrom; None uses all.
    threads
        Threads of the iterations; None takes `argand.num_threads()`.
    refine
        Whether atoms are found and refined.

    Raises
    ------
    ArgandError
        A number that cannot be.
    """

    seed: int = 0
    starts: int = 400
    time_limit: float | None = 60.0
    d_min: float | None = None
    threads: int | None = None
    refine: bool = True

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ArgandError(f"seed is {self.seed}, needs to be 0 or more")
        if self.starts < 1:
            raise ArgandError(f"starts is {self.starts}, needs to be 1 or more")
        if self.time_limit is not None and not self.time_limit > 0:
            raise ArgandError(f"time_limit is {self.time_limit}, needs seconds above 0")
        if self.d_min is not None and not self.d_min > 0:
            raise ArgandError(f"d_min is {self.d_min}, needs a spacing in angstrom above 0")
        if self.threads is not None and self.threads < 1:
            raise ArgandError(f"threads is {self.threads}, needs to be 1 or more")


class TimeLimit:
    """Tell whether the time that the solution of a crystal may take is over.

    Parameters
    ----------
    seconds
        From now on; None sets no limit.

    Attributes
    ----------
    was_reached : whether something was left undone because the time was over
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self.was_reached = False

    def is_over(self) -> bool:
        """Tell whether the time is over; to be asked where something more would be done."""
        if time.monotonic() > self._end:
            self.was_reached = True
        return self.was_reached


@dataclass(frozen=True)
class PhasingRecipe:
    """Hold the constants of phasing that depend on the resolution of the data.

    Parameters
    ----------
    thresholds
        Thresholds of charge flipping in standard deviations of the map; start i takes the i-th,
        again from the first after the last. Which of them solves differs from crystal to crystal,
        and between .8 and 1.3 one of them does.
    looks
        Numbers of cycles after which the phases are looked at.
    extension
        Unmeasured reflections are carried to this share of the smallest spacing measured.
    recycle
        Whether phases are flipped again under the symmetry of the space group at every look. Where
        atoms are not resolved, P 1 alone seldom ends at the right phases.
    patterson
        Whether every other start is made from the Patterson map.
    """

    thresholds: tuple[float, ...]
    looks: tuple[int, ...]
    extension: float
    recycle: bool
    patterson: bool


# Resolved atoms: most crystals are solved after a hundred or two hundred cycles.
_ATOMIC = PhasingRecipe(
    thresholds=(1.2, 1.1, 1.15, 1.05, 1.2, 1.1, 1.0, 1.15),
    looks=(100, 200, 400, 800),
    extension=1.0,
    recycle=False,
    patterson=False,
)

# Overlapping atoms: reflections beyond the measured ones ("free lunch") help, and longer runs.
_OVERLAPPING = PhasingRecipe(
    thresholds=(1.1, 1.0, 1.2, 1.15),
    looks=(250, 1000),
    extension=0.8,
    recycle=True,
    patterson=True,
)

_UNRESOLVED = PhasingRecipe(
    thresholds=(1.1, 1.0, 1.2, 1.15),
    looks=(300, 1000),
    extension=0.7,
    recycle=True,
    patterson=True,
)

# Spacings in angstrom up to which atoms are resolved, and up to which they only overlap.
_ATOMIC_LIMIT = 1.1
_OVERLAPPING_LIMIT = 1.35


def resolves_atoms(d_min: float) -> bool:
    """Tell whether data to a lattice spacing d_min, angstrom, resolve single atoms."""
    return d_min <= _ATOMIC_LIMIT


def recipe_for(d_min: float) -> PhasingRecipe:
    """Return the recipe for data to a lattice spacing d_min, angstrom."""
    if resolves_atoms(d_min):
        return _ATOMIC
    if d_min < _OVERLAPPING_LIMIT:
        return _OVERLAPPING
    return _UNRESOLVED
