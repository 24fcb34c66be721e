"""Solve measured crystals of known structure, whole and cut, and print what came of it.

    python studies/solve.py FOLDER [FOLDER ...] [--case native 1.2 1.5 strongest wedge shuffled]

A folder holds lists of reflections (HKL, FCF, CIF) with the structures they belong to beside them;
the structure tells whether the density is right, and is not used otherwise.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from argand import Crystal, map_correlation, structure_factors
from argand.describe.file import structure_beside
from argand.errors import ArgandError
from argand.io import Reflections, open_file
from argand.measured import merge
from argand.phases import align_origin
from argand.reflections import in_p1, stol
from argand.solve import Problem, Solution, SolveSettings, read_problem, solve
from argand.solve.problem import list_beside

CASES = ("native", "1.0", "1.2", "1.5", "strongest", "wedge", "shuffled")

# Data that end within this of a resolution, in angstrom, are not cut there.
_NO_CUT = 0.03

# Share of the strongest reflections that is left out, and the angle of the wedge in degrees.
_STRONGEST = 0.02
_WEDGE = 30.0

# Right solutions have this map correlation with the deposited structure.
RIGHT = 0.7


@dataclass(frozen=True)
class Row:
    """Hold what came of one crystal in one case."""

    name: str
    solution: Solution
    correlation: float
    elements: float
    seconds: float


def problems(folders: list[Path]) -> list[Problem]:
    """Read the crystals of folders; what cannot be used is named and left out."""
    found: dict[Path, Problem] = {}
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.suffix not in (".hkl", ".cif", ".fcf", ".ins"):
                continue
            if path.suffix == ".cif" and list_beside(path) is not None:
                continue
            try:
                problem = read_problem(path)
            except ArgandError as error:
                print(f"left out: {error}")
                continue
            found.setdefault(problem.source.resolve(), problem)
    return list(found.values())


def known_structure(problem: Problem) -> Crystal | None:
    """Return the deposited structure of a crystal; None without one."""
    beside = structure_beside(problem.source)
    for path in (beside, problem.source):
        if path is None or path.suffix not in (".cif", ".res"):
            continue
        try:
            crystal = open_file(path).crystal()
        except ArgandError:
            continue
        if len(crystal.types):
            return crystal
    return None


def changed(reflections: Reflections, case: str, seed: int) -> Reflections | None:
    """Return the data of a case; None where they would be those of another one."""
    intensity, _ = reflections.intensities()
    assert reflections.cell is not None
    spacing = 0.5 / np.maximum(stol(reflections.hkl, reflections.cell), 1e-9)
    if case == "native":
        return reflections
    if case == "strongest":
        return reflections[intensity < np.quantile(intensity, 1.0 - _STRONGEST)]
    if case == "wedge":
        return reflections[~in_wedge(reflections)]
    if case == "shuffled":
        return shuffled(reflections, seed)
    d_min = float(case)
    if spacing.min() > d_min - _NO_CUT:
        return None
    return reflections[spacing >= d_min]


def shuffled(reflections: Reflections, seed: int) -> Reflections:
    """Merge data, and give each unique reflection the intensity of another of like resolution.

    Measurements are merged first: equivalents have one resolution, and would only change places
    among themselves.
    """
    merged = merge(reflections, spacegroup=reflections.spacegroup or "P -1")
    order = np.argsort(merged.stol, kind="stable")
    generator = np.random.default_rng(seed)
    source = np.arange(len(order))
    for shell in np.array_split(order, max(3, len(order) // 40)):
        source[shell] = shell[generator.permutation(len(shell))]
    return Reflections(
        hkl=merged.hkl,
        intensity=merged.intensity[source],
        sigma=None if merged.sigma is None else merged.sigma[source],
        cell=merged.cell,
        spacegroup=reflections.spacegroup,
        wavelength=reflections.wavelength,
    )


def in_wedge(reflections: Reflections) -> NDArray[np.bool_]:
    """Tell which reflections (m,) lie within the wedge about c* that a rotation left out."""
    import gemmi

    axes = np.array(gemmi.UnitCell(*(reflections.cell or ())).frac.mat.tolist())
    x, y, _ = (reflections.hkl @ axes).T
    angle = np.degrees(np.arctan2(y, x)) % 180.0
    wedge: NDArray[np.bool_] = angle < _WEDGE
    return wedge


def correlation(solution: Solution, known: Crystal) -> float:
    """Return the map correlation of a solution with a structure, over origins and hands."""
    hkl, expand = in_p1(solution.merged.hkl, solution.spacegroup)
    return agreement(hkl, expand(solution.structure_factors), known)


def agreement(
    hkl: NDArray[np.integer], found: NDArray[np.complexfloating], known: Crystal
) -> float:
    """Return the map correlation of F (n,) of P 1 with a structure, over origins and hands."""
    true = structure_factors(known, hkl)
    strongest = np.argsort(-np.abs(true), kind="stable")[:600]
    alignment = align_origin(
        hkl[strongest], true[strongest], found[strongest], origins="continuous"
    )
    hand = found if alignment.hand == 1 else found.conj()
    return map_correlation(hkl, true, hand * np.exp(2j * np.pi * (hkl @ alignment.shift)))


def right_elements(solution: Solution, known: Crystal) -> float:
    """Return the share of the non-hydrogen atoms of a structure that have the right element."""
    if solution.crystal is None:
        return 0.0
    true = Counter(without_hydrogen(known))
    found = Counter(without_hydrogen(solution.crystal))
    return sum((true & found).values()) / max(sum(true.values()), 1)


def without_hydrogen(crystal: Crystal) -> dict[str, int]:
    """Return the atoms of the cell by element, hydrogens left out."""
    return {
        symbol: round(count)
        for symbol, count in crystal.composition().items()
        if symbol not in ("H", "D")
    }


def run(problem: Problem, case: str, settings: SolveSettings, content: bool) -> Row | None:
    """Solve one crystal in one case, and compare it with the known structure."""
    reflections = changed(problem.reflections, case, settings.seed)
    if reflections is None:
        return None
    started = time.process_time()
    solution = solve(
        reflections,
        cell=problem.cell,
        spacegroup=problem.spacegroup,
        contents=problem.content if content else None,
        wavelength=problem.radiation.wavelength,
        settings=settings,
    )
    seconds = time.process_time() - started
    known = known_structure(problem)
    agreement = np.nan
    elements = np.nan
    if known is not None and case != "shuffled":
        agreement = correlation(solution, known)
        elements = right_elements(solution, known)
    return Row(problem.name, solution, agreement, elements, seconds)


def print_row(row: Row) -> None:
    """Print what came of one crystal."""
    solution = row.solution
    r1 = np.nan if solution.model is None else solution.model.r1
    print(
        f"{row.name:<24}{solution.verdict:<11}{solution.probability:6.3f}  "
        f"{solution.spacegroup:<13}CC {row.correlation:5.3f}  elements {row.elements:4.2f}  "
        f"R1 {r1:6.4f}  {row.seconds:6.2f} s  starts {solution.starts}",
        flush=True,
    )


def summarise(case: str, rows: list[Row]) -> None:
    """Print the counts of a case."""
    compared = [row for row in rows if np.isfinite(row.correlation)]
    right = [row for row in compared if row.correlation >= RIGHT]
    called = [row for row in right if row.solution.verdict == "solved"]
    wrong = [row for row in rows if row.solution.verdict == "solved" and row not in right]
    if case != "shuffled":
        wrong = [row for row in wrong if np.isfinite(row.correlation)]
    seconds = np.median([row.seconds for row in rows])
    elements = np.mean([row.elements for row in right]) if right else np.nan
    print(
        f"{case}: {len(right)} of {len(compared)} right, {len(called)} of them called solved, "
        f"{len(wrong)} wrong ones called solved, "
        f"elements {elements:.3f}, median {seconds:.2f} s"
    )


def main() -> None:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--case", nargs="+", default=["native"], choices=CASES)
    parser.add_argument("--time-limit", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-content", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = SolveSettings(seed=arguments.seed, time_limit=arguments.time_limit, threads=1)
    crystals = problems(arguments.folders)
    for case in arguments.case:
        rows = []
        for problem in crystals:
            row = run(problem, case, settings, not arguments.without_content)
            if row is not None:
                print_row(row)
                rows.append(row)
        summarise(case, rows)


if __name__ == "__main__":
    main()
