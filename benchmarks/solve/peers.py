"""Solve measured crystals by argand and by its peers, whole and cut.

    python benchmarks/solve/peers.py FOLDER [FOLDER ...] --peers PYTHON --json RESULTS.json
    python benchmarks/solve/peers.py --json RESULTS.json            # prints the table alone

A folder holds lists of reflections with the structures they belong to beside them. PYTHON is the
interpreter of an environment with `cctbx-base` and `grok-phase-solver`. Every program gets one
thread and the same limit of processor time. What RESULTS.json holds already is not run again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path

# The parts that all benchmarks share lie in the folder above, those of studies beside it.
sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[2] / "studies"))

from solve_table import case_table
from solvers import ARGAND, PEERS, SolvedCase, solve_by_argand, solve_by_peer

from argand.solve import Problem
from argand.store import null_for_nan, read_json, to_builtins, write_json
from machine import describe, list_facts
from one_core import restart_with_one_thread
from solve import CASES, changed, problems

KIND = "benchmark of solve"
VERSION = 1

# Seed of the shuffled amplitudes.
SEED = 0

# Packages of the peers whose versions are written down.
PACKAGES = ("cctbx-base", "grok-phase-solver", "numpy")


@dataclass(frozen=True)
class SolveResults:
    """Hold all results, and where they were measured."""

    date: str
    machine: dict[str, str]
    rows: tuple[SolvedCase, ...] = ()


def peer_versions(python: Path) -> str:
    """Return the versions of the peers in their environment, in words."""
    script = (
        "import sys; from importlib.metadata import version; "
        "print(', '.join(f'{name} {version(name)}' for name in sys.argv[1:]))"
    )
    command = [str(python), "-c", script, *PACKAGES]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def crystals(folders: list[Path]) -> list[Problem]:
    """Read the crystals of folders, each name once: a measured list rather than an FCF."""
    by_name: dict[str, Problem] = {}
    for problem in problems(folders):
        previous = by_name.get(problem.name)
        if previous is None or previous.source.suffix == ".fcf":
            by_name[problem.name] = problem
    return list(by_name.values())


def print_row(row: SolvedCase) -> None:
    """Print what came of one crystal."""
    numbers = {"CC": row.correlation, "elements": row.elements, "R1": row.r1}
    words = ""
    for name, number in numbers.items():
        if number is not None:
            words += f"{name} {number:.3f} "
    print(
        f"{row.case:<10}{row.who:<25}{row.crystal:<22}{row.verdict:<11}"
        f"{row.spacegroup or '':<14}{words} {row.seconds:.2f} s  {row.remark}",
        flush=True,
    )


def measure(arguments: argparse.Namespace, results: SolveResults) -> SolveResults:
    """Run what is not yet in the results, and write them after every run."""
    done = {(row.who, row.case, row.crystal) for row in results.rows}
    for case, problem in product(arguments.case, crystals(arguments.folders)):
        reflections = changed(problem.reflections, case, SEED)
        if reflections is None:
            continue
        limit = arguments.limit if case == "native" else arguments.cut_limit
        for who in arguments.who:
            if (who, case, problem.name) in done:
                continue
            if who in ARGAND:
                row = solve_by_argand(who, problem, reflections, case, limit)
            else:
                row = solve_by_peer(who, arguments.peers, problem, reflections, case, limit)
            print_row(row)
            results = replace(results, rows=(*results.rows, row))
            write_results(arguments.json, results)
    return results


def write_results(path: Path, results: SolveResults) -> None:
    """Write results as JSON, with null for numbers that are not known."""
    write_json(path, null_for_nan(to_builtins(results)), kind=KIND, version=VERSION)


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--peers", type=Path, metavar="PYTHON")
    parser.add_argument("--who", nargs="+", choices=(*ARGAND, *PEERS))
    parser.add_argument("--case", nargs="+", default=["native"], choices=CASES)
    parser.add_argument("--limit", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--cut-limit", type=float, default=30.0, metavar="SECONDS")
    return parser


def main() -> None:
    """Run the programs and cases that are asked for, and print the table."""
    restart_with_one_thread()
    parser = command_line()
    arguments = parser.parse_args()
    if arguments.who is None:
        arguments.who = [*ARGAND, *PEERS] if arguments.peers else list(ARGAND)
    elif arguments.peers is None and set(arguments.who) & set(PEERS):
        parser.error("--who names a peer: --peers PYTHON is needed")
    warnings.simplefilter("ignore")
    if arguments.json.exists():
        results = read_json(SolveResults, arguments.json, kind=KIND, version=VERSION)
    else:
        results = SolveResults(date.today().isoformat(), describe())
    if arguments.folders:
        if arguments.peers:
            machine = {**results.machine, "peers": peer_versions(arguments.peers)}
            results = replace(results, machine=machine)
        results = measure(arguments, results)
    print("\n".join(["", *list_facts({"date": results.date, **results.machine}), ""]))
    print("\n".join(case_table(results.rows, CASES)))


if __name__ == "__main__":
    main()
