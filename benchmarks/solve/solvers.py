"""Solve one crystal by argand or by a peer, and judge the map by the deposited structure."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[2] / "studies"))

from argand import Crystal
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import Merged, merge
from argand.reflections import in_p1
from argand.solve import Problem, SolveSettings, solve
from argand.symmetry import group_ops, triplets
from solve import agreement, correlation, known_structure, right_elements

HERE = Path(__file__).parent

#: The peers by name: driver, and what is written after the limit on its command line.
PEERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "smtbx": ("smtbx_driver.py", ()),
    "smtbx patched": ("smtbx_driver.py", ("patched",)),
    "grok-phase-solver": ("grok_driver.py", ()),
}

#: argand, told the content of the cell or not.
ARGAND = ("argand", "argand, content unknown")

# A peer that does not end by itself is ended after so many times its limit, by the clock.
PATIENCE = 10.0

# Seconds that a peer may take to start and to write.
STARTUP = 120.0


@dataclass(frozen=True)
class SolvedCase:
    """Hold what a program made of one crystal in one case; None where there is nothing to say.

    Parameters
    ----------
    who, case, crystal
        Program, case and data set.
    verdict, probability
        What the program thinks of its map.
    correlation
        Map correlation with the deposited structure.
    spacegroup, deposited
        Space group of the solution and of the deposited structure.
    elements
        Share of the non-hydrogen atoms of the deposited structure that have the right element.
    r1
        R1 of the refined atoms.
    seconds, limit
        Processor time without import, and what the program was given.
    remark
        How the run ended.
    """

    who: str
    case: str
    crystal: str
    verdict: str
    probability: float | None
    correlation: float | None
    spacegroup: str | None
    deposited: str | None
    elements: float | None
    r1: float | None
    seconds: float
    limit: float
    remark: str


def solve_by_argand(
    who: str, problem: Problem, reflections: Reflections, case: str, limit: float
) -> SolvedCase:
    """Solve a crystal by argand on one thread."""
    settings = SolveSettings(time_limit=limit, threads=1)
    known = known_structure(problem)
    started = time.process_time()
    try:
        solution = solve(
            reflections,
            cell=problem.cell,
            spacegroup=problem.spacegroup,
            contents=problem.content if who == "argand" else None,
            wavelength=problem.radiation.wavelength,
            settings=settings,
        )
    except ArgandError as error:
        used = time.process_time() - started
        return _without_map(who, case, problem, used, limit, str(error))
    seconds = time.process_time() - started
    is_judged = known is not None and case != "shuffled"
    return SolvedCase(
        who=who,
        case=case,
        crystal=problem.name,
        verdict=solution.verdict,
        probability=solution.probability,
        correlation=correlation(solution, known) if known is not None and is_judged else None,
        spacegroup=solution.spacegroup,
        deposited=known.spacegroup if known is not None else None,
        elements=right_elements(solution, known) if known is not None and is_judged else None,
        r1=None if solution.model is None else solution.model.r1,
        seconds=seconds,
        limit=limit,
        remark=f"{solution.starts} starts",
    )


def solve_by_peer(
    who: str,
    python: Path,
    problem: Problem,
    reflections: Reflections,
    case: str,
    limit: float,
) -> SolvedCase:
    """Phase a crystal by a peer in its own environment, on one thread.

    Where the peer gives a map of P 1 and one averaged in the space group, the better one counts.
    """
    known = known_structure(problem) if case != "shuffled" else None
    group = problem.spacegroup or "P -1"
    merged = merge(reflections, cell=problem.cell, spacegroup=group)
    driver, options = PEERS[who]
    hkl, amplitude = half_sphere(merged, group)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "data.npz", Path(folder) / "phases.npz"
        np.savez(
            source,
            cell=np.array(problem.cell),
            operations=np.array(triplets(group_ops(group))),
            hkl=merged.hkl,
            intensity=merged.intensity,
            sigma=_sigma(merged),
            p1_hkl=hkl,
            p1_intensity=amplitude**2,
        )
        command = [str(python), str(HERE / driver), str(source), str(target), str(limit), *options]
        # The sources of argand are no business of the other environment.
        environment = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
        try:
            ended = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=PATIENCE * limit + STARTUP,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _without_map(who, case, problem, limit, limit, "did not end")
        if not target.exists():
            words = ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"]
            return _without_map(who, case, problem, limit, limit, words[-1][:100])
        with np.load(target) as archive:
            answer = {name: archive[name] for name in archive.files}
    correlations = [
        agreement(hkl, amplitude * phases, known)
        for phases in answer["phases"]
        if known is not None and phases.any()
    ]
    judged = None
    if known is not None:
        judged = max(correlations, default=0.0)
    return SolvedCase(
        who=who,
        case=case,
        crystal=problem.name,
        verdict=str(answer["verdict"]),
        probability=None,
        correlation=judged,
        spacegroup=None,
        deposited=None if known is None else known.spacegroup,
        elements=None,
        r1=None,
        seconds=float(answer["seconds"]),
        limit=limit,
        remark=str(answer["remark"]),
    )


def half_sphere(merged: Merged, spacegroup: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the reflections (n, 3) of P 1, one of each pair h and -h, and their |F| (n,)."""
    hkl, expand = in_p1(merged.hkl, spacegroup)
    amplitude = np.abs(expand(np.sqrt(np.maximum(merged.intensity, 0.0))))
    indices = hkl.astype(np.int64)
    h, k, l = indices.T
    is_upper = (l > 0) | ((l == 0) & ((k > 0) | ((k == 0) & (h > 0))))
    indices[~is_upper] *= -1
    indices, first = np.unique(indices, axis=0, return_index=True)
    return indices, amplitude[first]


def _sigma(merged: Merged) -> NDArray[np.float64]:
    """Return the uncertainties of intensities; a hundredth of the mean where there are none."""
    if merged.sigma is not None:
        return merged.sigma
    return np.full(len(merged.hkl), 0.01 * float(np.abs(merged.intensity).mean()))


def _without_map(
    who: str, case: str, problem: Problem, seconds: float, limit: float, remark: str
) -> SolvedCase:
    """Return the result of a run that ended without a map."""
    known: Crystal | None = known_structure(problem)
    return SolvedCase(
        who=who,
        case=case,
        crystal=problem.name,
        verdict="not solved",
        probability=None,
        correlation=None if known is None or case == "shuffled" else 0.0,
        spacegroup=None,
        deposited=None if known is None else known.spacegroup,
        elements=None,
        r1=None,
        seconds=seconds,
        limit=limit,
        remark=remark,
    )
