"""Solve one crystal with the options of a user, from what was read of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from argand.cell import Cell
from argand.solve.known_start import KnownStart
from argand.solve.problem import Problem
from argand.solve.solution import Solution

__all__ = ["SolveOptions", "solve_problem"]

# Options that decide how a file is read, rather than how its crystal is solved.
_READING = ("cell", "spacegroup", "contents", "wavelength", "hklf", "force")

# Options that change no solution: the seed alone decides, whatever the number of threads.
_WITHOUT_EFFECT = ("threads",)


@dataclass(frozen=True)
class SolveOptions:
    """Hold the options of a user that decide how files are read and solved.

    Parameters
    ----------
    cell, spacegroup, contents, wavelength, hklf, force
        What replaces the statements of files, see `argand.solve.problem.read_problem`.
    time_limit
        Seconds for one crystal; None sets no limit.
    seed
        Seed of the starts.
    threads
        Threads for one crystal; None takes `argand.num_threads()`.
    report
        Whether a report is written.
    """

    cell: Cell | None = None
    spacegroup: str | None = None
    contents: str | None = None
    wavelength: float | None = None
    hklf: int | None = None
    time_limit: float | None = 60.0
    seed: int = 0
    threads: int | None = None
    report: bool = False
    force: bool = False

    def reading(self) -> dict[str, Any]:
        """Return the options that `read_problem` takes, by name."""
        return {name: getattr(self, name) for name in _READING}

    def differences(self, other: SolveOptions) -> list[str]:
        """Return the names of the options in which results may differ from those of others."""
        names: list[str] = []
        for field in fields(self):
            differs = getattr(self, field.name) != getattr(other, field.name)
            if differs and field.name not in _WITHOUT_EFFECT:
                names.append(field.name.replace("_", " "))
        return names


def solve_problem(
    problem: Problem,
    options: SolveOptions,
    progress: Callable[..., None] | None = None,
    start: KnownStart | None = None,
) -> Solution:
    """Solve the crystal of a problem.

    Parameters
    ----------
    problem
        Data of the crystal, and what is known of it.
    options
        Time limit, seed and threads.
    progress
        Is told how far the search is, see `argand.solve.pipeline.solve`.
    start
        Phases to begin with, before random ones.
    """
    from argand.solve.pipeline import solve
    from argand.solve.settings import SolveSettings

    settings = SolveSettings(
        seed=options.seed, time_limit=options.time_limit, threads=options.threads
    )
    solution = solve(
        problem.reflections,
        cell=problem.cell,
        spacegroup=problem.spacegroup,
        contents=problem.content,
        wavelength=problem.radiation.wavelength,
        start=start,
        settings=settings,
        progress=progress,
    )
    notes = dict.fromkeys([*problem.notes, *solution.notes])
    return replace(solution, name=problem.name, notes=tuple(notes))
