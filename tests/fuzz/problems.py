"""Read the changed files of an unknown crystal, and solve it."""

from __future__ import annotations

from pathlib import Path

from argand.errors import ArgandError
from argand.solve import Problem, SolveSettings, read_problem, solve, write_solution
from fuzz import sanity
from fuzz.readers import raise_first

__all__ = ["read", "solve_crystal"]

# One start and a fraction of a second: right phases matter less than what becomes of odd data.
_SETTINGS = SolveSettings(starts=1, time_limit=0.2, threads=1)


def read(folder: Path) -> None:
    """Read what is known of a crystal, asking for each of its files."""
    failures = []
    for path in sorted(folder.iterdir()):
        try:
            _check(read_problem(path))
        except ArgandError as error:
            failures.append(error)
    raise_first(failures)


def solve_crystal(folder: Path) -> None:
    """Solve a crystal, and write all files of its solution."""
    path = min(folder.iterdir())
    problem = read_problem(path)
    try:
        solution = solve(
            problem.reflections,
            contents=problem.content,
            wavelength=problem.radiation.wavelength,
            settings=_SETTINGS,
        )
        files = write_solution(solution, folder / "solution", "x")
    except ArgandError as error:
        # The functions have no file; their message is about an argument.
        raise ArgandError(f"{path}: {error}") from error.__cause__
    sanity.check_description("solution", solution.description())
    sanity.check_finite("F", solution.structure_factors)
    if solution.crystal is not None:
        sanity.check_crystal(solution.crystal)
    if not all(file.stat().st_size for file in files):
        raise sanity.Nonsense("a file of the solution is empty")


def _check(problem: Problem) -> None:
    """Raise where what was read of a crystal is absurd."""
    sanity.check_reflections(problem.reflections)
    sanity.check_bounded("cell", problem.cell, 1e6)
    if problem.content is not None:
        sanity.check_bounded("content", list(problem.content.values()), 1e9)
    if problem.radiation.wavelength is not None:
        sanity.check_bounded("wavelength", problem.radiation.wavelength, 100.0)
