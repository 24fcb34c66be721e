"""Solve the crystal structure behind measured reflections when no similar structure is known."""

from argand.solve.folder import solve_folder
from argand.solve.pipeline import solve
from argand.solve.problem import Problem, read_problem
from argand.solve.settings import SolveSettings
from argand.solve.solution import Solution
from argand.solve.write import write_solution

__all__ = [
    "Problem",
    "Solution",
    "SolveSettings",
    "read_problem",
    "solve",
    "solve_folder",
    "write_solution",
]
