"""Verbs of the networks: ``argand demo``, ``train``, ``evaluate``, ``predict``. They need ``argand[learn]``."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import argand
from argand.errors import ArgandError
from argand.io._formula import parse_formula
from argand.learn import train as _train
from argand.learn.evaluate import evaluate as _evaluate
from argand.learn.predict import predict as _predict
from argand.store import write_text


def demo(
    *, out: Path = Path("demo"), seed: int = 0, quick: bool = False, progress: bool = True
) -> None:
    """The main job: sixteen metals, four networks, two losses, and a report.

    Takes some minutes on two cores, without a graphics card. Stopped with Ctrl-C it goes on where it was when it is
    called again: finished trainings are not repeated.

    Parameters
    ----------
    out
        Folder for report.html, tables, figures, maps and weights.
    seed
        Of all random numbers.
    quick
        A rehearsal in seconds, with trainings too short to learn anything.
    progress
        Show progress bars (only ever in a terminal).
    """
    from argand.demo import demo as run

    run(out=out, seed=seed, quick=quick, progress=progress and sys.stderr.isatty())


@functools.wraps(_train.train)
def train(**arguments: Any) -> None:
    arguments["progress"] = arguments["progress"] and sys.stderr.isatty()
    result = _train.train(**arguments)
    last = result.history[-1]
    print(
        f"{result.weights}: {result.steps} steps in {result.seconds:.0f} s; on samples not seen "
        f"{last['loss']:.4g}, {last['loss_best_hand']:.4g} after the best hand"
    )


def evaluate(weights: Path, *, samples: int = 1000, output: Path | None = None) -> None:
    """Score trained weights on new samples and on crystals never seen, beside the answers that need no learning.

    Parameters
    ----------
    weights
        Folder or file that training wrote.
    samples
        How many of each kind.
    output
        Also write the scores to this file (JSON).
    """
    found = _evaluate(weights, samples)
    for group, values in found.items():
        print(f"{group}: {', '.join(values['crystals'])}")
        for kind in ("model", "references"):
            for name, score in values[kind].items():
                print(f"  {name:<22}{score['mean']:>10.4g} ± {score['interval']:.3g}")
    if output is not None:
        write_text(output, json.dumps(found, indent=1) + "\n")


def predict(
    file: Path, *, weights: Path, contents: str, output: Path, map: Path | None = None
) -> None:
    """Phases, and a density, from measured amplitudes and trained weights. Phases the file has are compared with.

    Parameters
    ----------
    file
        Reflections with amplitudes in electrons, or intensities (MTZ, CIF, FCF).
    weights
        Folder or file that training wrote.
    contents
        Atoms in the cell, such as "Pb4" or "Na4 Cl4".
    output
        Reflections to write (MTZ, columns F and PHI).
    map
        Also write the density (CCP4 map).
    """
    found = argand.read_reflections(file)
    if found.cell is None:
        raise ArgandError(f"{file}: states no cell")
    amplitude = _amplitude(found, file)
    formula = parse_formula(contents)
    if not formula:
        raise ArgandError(f"contents is {contents!r}, needs a formula such as 'Na4 Cl4'")
    spacegroup = found.spacegroup or "P 1"
    phases = _predict(weights, found.hkl, amplitude, found.cell, formula, spacegroup)
    known = np.isfinite(phases)
    hkl, f = found.hkl[known], amplitude[known] * np.exp(1j * phases[known])
    argand.write_reflections(output, hkl, f, cell=found.cell, spacegroup=spacegroup)
    print(f"{output}: {known.sum()} of {len(known)} reflections have phases")
    if found.phase is not None:
        truth = found.phase[known]
        aligned = argand.align_origin(hkl, truth, f, weights=np.abs(f), spacegroup=spacegroup)
        error = argand.phase_error(truth, aligned.phases, np.abs(f))
        print(
            f"against the phases in the file: mean error {np.degrees(error):.2f}°, in the nearest hand and origin"
        )
    if map is not None:
        longest = float(argand.stol(hkl, found.cell).max())
        shape = argand.grid_shape(found.cell, spacegroup, 0.5 / longest)
        rho = argand.map_from_structure_factors(
            hkl, f, shape, cell=found.cell, spacegroup=spacegroup
        )
        argand.write_map(map, rho, found.cell, spacegroup)
        print(
            f"{map}: {' x '.join(str(n) for n in shape)} points, {rho.min():.3g} to {rho.max():.3g} e/Å³"
        )


def _amplitude(found: Any, file: Path) -> np.ndarray:
    for values in (found.amplitude, found.amplitude_calc):
        if values is not None:
            return np.asarray(values, dtype=float)
    if found.intensity is not None:
        return np.asarray(np.sqrt(np.maximum(found.intensity, 0.0)))
    raise ArgandError(f"{file}: has neither amplitudes nor intensities")
