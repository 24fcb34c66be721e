"""Compare `argand.adapt` with what one would do without it: the tables of docs/adapt.md.

    python studies/adapt.py --cells FOLDER [--quick] [--d-min D] [--report] [--json FILE] CIF...

Atoms of five known crystals move independently by 0.1 to 0.7 angstrom (rms, three dimensions). Data
go to 1.0 and 1.5 angstrom, clean or measured: 4 % noise, a changed B and scale, an unmodelled
oxygen in a tenth of the samples. No method is told the size. argand adapts once to every crystal,
resolution and kind of data (seed 0); samples are drawn with seed 1.

A cell of the table (one crystal, resolution, kind and size) is a file of the folder. A cell whose
file is there is not measured again, so that the study can be stopped, continued and shared by
several processes. One core, one thread.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import argand
from adapt_report import goal_lines, print_tables
from argand.adapt import Adaptation
from argand.phases import phase_error
from displacement_methods import Methods
from helpers import describe, list_facts, run_on_one_core
from simulated_data import D_MIN, KINDS, DataKind, correlations

#: Root mean square displacements in angstrom.
WIDTHS = (0.1, 0.2, 0.3, 0.5, 0.7)


def samples_of(crystal: argand.Crystal, quick: bool) -> int:
    """Return the number of data sets of a cell: fewer of a large crystal."""
    if quick:
        return 4
    return 16 if len(crystal.types) < 40 else 12


def measure(
    adaptation: Adaptation, kind: DataKind, d_min: float, rms: float, samples: int
) -> dict[str, Any]:
    """Return the scores of every method on the same data sets; the keys are those of the files."""
    observed, true = kind.draw(adaptation, d_min, rms, samples)
    scores = {}
    for name, method in Methods(adaptation, observed).all().items():
        start = time.perf_counter()
        f = method()
        seconds = time.perf_counter() - start
        cc = correlations(observed, f, true, adaptation.crystal.spacegroup)
        errors = []
        for true_of_set, f_of_set in zip(true, f, strict=True):
            phases = np.angle(true_of_set), np.angle(f_of_set)
            errors.append(float(np.degrees(phase_error(*phases, np.abs(true_of_set)))))
        scores[name] = {
            "cc": float(cc.mean()),
            "cc of each": np.round(cc, 5).tolist(),
            "phase error": float(np.mean(errors)),
            "success": int((cc > kind.success).sum()),
            "ms": seconds / samples * 1e3,
        }
    return scores


def measure_crystal(file: Path, d_min: float, kind: str, folder: Path, quick: bool) -> None:
    """Measure the cells of a crystal at one resolution that have no file yet."""
    crystal = argand.read_crystal(file)
    samples = samples_of(crystal, quick)
    adaptation = None
    learning = 0.0
    for rms in WIDTHS:
        path = folder / f"{file.stem}_{d_min}_{kind}_{rms}.json"
        if path.exists():
            continue
        if adaptation is None:
            start = time.perf_counter()
            adaptation = KINDS[kind].adapt(crystal, d_min, samples=1000 if quick else 4000)
            learning = time.perf_counter() - start
        scores = measure(adaptation, KINDS[kind], d_min, rms, samples)
        cell = {
            "crystal": file.stem,
            "group": crystal.spacegroup,
            "atoms": round(float(crystal.multiplicity().sum())),
            "parameters": len(adaptation.modes),
            "reflections": len(adaptation.hkl),
            "d_min": d_min,
            "kind": kind,
            "rms": rms,
            "samples": samples,
            "training": round(learning, 2),
            "scores": scores,
        }
        write_whole(path, json.dumps(cell, indent=1))
        correlations_of = {name: round(score["cc"], 4) for name, score in scores.items()}
        print(path.stem, correlations_of, flush=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file that other processes see whole or not at all."""
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def read_cells(folder: Path) -> list[dict[str, Any]]:
    """Read the cells that have been measured."""
    paths = sorted(folder.glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def main() -> None:
    """Measure what is asked for and print all tables."""
    options = _options()
    if not options.report:
        options.cells.mkdir(parents=True, exist_ok=True)
        for file, d_min, kind in itertools.product(options.files, options.d_min, options.kind):
            measure_crystal(file, d_min, kind, options.cells, options.quick)
    cells = read_cells(options.cells)
    print("\n".join(list_facts(describe())))
    print_tables(cells, WIDTHS)
    print("\n" + "\n".join(goal_lines(cells)))
    if options.json:
        content = {"machine": describe(), "cells": cells}
        options.json.write_text(json.dumps(content), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="CIF", help="the known crystals")
    parser.add_argument(
        "--cells",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder with a file for each cell of the table",
    )
    parser.add_argument(
        "--d-min",
        type=float,
        nargs="+",
        choices=D_MIN,
        default=list(D_MIN),
        help="measure these resolutions only, in angstrom",
    )
    parser.add_argument(
        "--kind",
        nargs="+",
        choices=list(KINDS),
        default=list(KINDS),
        help="measure these kinds of data only",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all cells to this JSON file"
    )
    parser.add_argument(
        "--quick", action="store_true", help="learn from 1000 samples and measure 4 data sets"
    )
    parser.add_argument(
        "--report", action="store_true", help="print the measured cells and measure nothing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_on_one_core(main)
