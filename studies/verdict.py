"""Make endings of artificial crystals, right and wrong, and fit the verdict's model to them.

python studies/verdict.py endings FILE --first 0 --count 500
python studies/verdict.py fit FILE [FILE ...]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from argand import Crystal, map_correlation, miller_indices, structure_factors
from argand.io import Reflections
from argand.phases import align_origin
from argand.radiation import Radiation
from argand.reflections import stol
from argand.solve.candidate import with_atoms
from argand.solve.figures import PhaseFigures
from argand.solve.primitive import (
    PrimitiveReflections,
    merge_in_point_group,
    primitive_basis,
    primitive_reflections,
)
from argand.solve.search import PhaseSearch
from argand.solve.settings import SolveSettings, TimeLimit
from argand.solve.verdict import atom_predictors, predictors
from artificial_crystals import artificial_crystal

# Phases are right from this correlation with the true density.
RIGHT = 0.7

# Strength of the penalty on coefficients, which keeps the model from certainty on few crystals.
_RIDGE = 0.02

# Endings of so many starts of one crystal are recorded.
STARTS = 4

# Atoms are refined in the endings of so many of them.
WITH_ATOMS = 2

# One in so many crystals is a null: its amplitudes are shuffled among neighbours in resolution.
NULLS = 4


def measured(crystal: Crystal, d_min: float, generator: np.random.Generator) -> Reflections:
    """Return intensities of a crystal with errors, a few of them missing."""
    hkl = miller_indices(crystal.cell, crystal.spacegroup, d_min=d_min)
    hkl = hkl[hkl.any(axis=1)]
    hkl = hkl[generator.random(len(hkl)) < generator.uniform(0.9, 1.0)]
    intensity = np.abs(structure_factors(crystal, hkl)) ** 2
    mean = intensity.mean()
    relative = generator.uniform(0.01, 0.06)
    floor = mean * np.exp(generator.uniform(np.log(0.003), np.log(0.12)))
    sigma = np.sqrt((relative * intensity) ** 2 + floor**2)
    noisy = intensity + sigma * generator.normal(size=len(hkl))
    return Reflections(
        hkl=hkl, intensity=noisy, sigma=sigma, cell=crystal.cell, spacegroup=crystal.spacegroup
    )


def shuffled(reflections: Reflections, generator: np.random.Generator) -> Reflections:
    """Exchange the intensities of reflections among forty neighbours in resolution."""
    order = np.argsort(stol(reflections.hkl, reflections.cell), kind="stable")
    source = np.arange(len(order))
    for part in np.array_split(order, max(3, len(order) // 40)):
        source[part] = part[generator.permutation(len(part))]
    return replace(
        reflections, intensity=reflections.intensity[source], sigma=reflections.sigma[source]
    )


def correlation(data: PrimitiveReflections, phased: NDArray[Any], true: NDArray[Any]) -> float:
    """Return the map correlation over origins and hands."""
    strongest = np.argsort(-np.abs(true), kind="stable")[:400]
    alignment = align_origin(
        data.hkl[strongest], true[strongest], phased[strongest], origins="continuous"
    )
    hand = phased if alignment.hand == 1 else phased.conj()
    aligned = hand * np.exp(2j * np.pi * (data.hkl @ alignment.shift))
    return map_correlation(data.hkl, true, aligned)


def endings(path: Path, first: int, count: int) -> None:
    """Append the figures of every ending of some crystals to a file, one JSON object a line."""
    for seed in range(first, first + count):
        generator = np.random.default_rng([12, seed])
        crystal = artificial_crystal(seed)
        d_min = float(generator.choice([0.8, 0.9, 1.0, 1.15, 1.25, 1.4, 1.5, 1.6]))
        reflections = measured(crystal, d_min, generator)
        is_null = seed % NULLS == 0
        if is_null:
            reflections = shuffled(reflections, generator)
        basis = primitive_basis(crystal.cell, crystal.spacegroup)
        merged = merge_in_point_group(reflections, crystal.cell, crystal.spacegroup)
        data = primitive_reflections(merged, basis)
        if not 100 < len(data.hkl) < 12_000:
            continue
        conventional = np.rint(data.hkl @ np.linalg.inv(basis)).astype(np.int32)
        true = structure_factors(crystal, conventional)
        settings = SolveSettings(seed=seed, starts=STARTS, time_limit=None)
        content = dict(crystal.composition()) if generator.random() < 0.5 else None
        name = crystal.spacegroup
        search = PhaseSearch(data, name, settings, lambda _, name=name: name)
        limit = TimeLimit(None)
        started = time.process_time()
        for starts in (range(1), range(1, 2), range(2, STARTS)):
            for ending in search._endings(starts):
                compared = search._compared(ending, always=True)
                r1 = np.nan
                if ending.start < WITH_ATOMS:
                    # Wrong phases get their atoms too.
                    even = replace(compared, probability=0.5)
                    candidate = with_atoms(
                        reflections, data, even, (), Radiation(), content, settings, limit
                    )
                    if candidate.model is not None:
                        r1 = candidate.model.r1
                truth = 0.0 if is_null else correlation(data, compared.phased, true)
                record = asdict(compared.figures) | {
                    "seed": seed,
                    "null": is_null,
                    "d_min": data.d_min,
                    "unique": int(data.laue.max()) + 1,
                    "sites": len(crystal.types),
                    "group": crystal.spacegroup,
                    "start": ending.start,
                    "cycles": ending.cycles,
                    "correlation": truth,
                    "r1": r1,
                    "seconds": time.process_time() - started,
                }
                with path.open("a") as file:
                    file.write(json.dumps(record) + "\n")


def fit(paths: list[Path]) -> None:
    """Fit the logistic model of `argand.solve.verdict` to endings, and print it with its errors.

    Half of the crystals fit, the other half test; the printed coefficients are of all.
    """
    records = [json.loads(line) for path in paths for line in path.open()]
    right = np.array([record["correlation"] >= RIGHT for record in records], float)
    seeds = np.array([record["seed"] for record in records])
    x = np.array([predictors(figures_of(record), record["d_min"]) for record in records])
    # A crystal counts as one, whatever the number of its endings.
    _, crystal, count = np.unique(seeds, return_inverse=True, return_counts=True)
    weight = 1.0 / count[crystal]
    is_test = seeds % 2 == 1
    coefficients = logistic(x[~is_test], right[~is_test], weight[~is_test])
    probability = 1.0 / (1.0 + np.exp(-x[is_test] @ coefficients))
    tested = right[is_test]
    print(f"{len(records)} endings of {len(count)} crystals, {right.mean():.2f} right")
    print_reliability(probability, tested)
    coefficients = logistic(x, right, weight)
    print("coefficients of phases:", ", ".join(f"{c:.2f}" for c in coefficients))
    r1 = np.array([record.get("r1", np.nan) for record in records], float)
    d_min = np.array([record["d_min"] for record in records])
    has_atoms = np.isfinite(r1)
    x = atom_predictors(r1[has_atoms], d_min[has_atoms])
    evidence = logistic(x, right[has_atoms], weight[has_atoms])
    share = np.average(right[has_atoms], weights=weight[has_atoms])
    # What R1 says by itself, without how many endings were right before.
    evidence[0] -= np.log(share / (1.0 - share))
    print("evidence of atoms:", ", ".join(f"{c:.2f}" for c in evidence))


def print_reliability(probability: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """Print what share of endings (n,) is right in ranges of their probability (n,)."""
    for low, high in ((0, 0.02), (0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        inside = (probability >= low) & (probability < high)
        if inside.any():
            mean = probability[inside].mean()
            print(
                f"{low:4.2f} to {high:4.2f}: {inside.sum():5d} endings, "
                f"mean probability {mean:.3f}, right {right[inside].mean():.3f}"
            )
    for level in (0.9, 0.95, 0.98, 0.99):
        accepted = probability > level
        wrong = int((accepted & (right == 0)).sum())
        print(f"above {level}: {accepted.sum()} of {int(right.sum())} right ones, {wrong} wrong")


def figures_of(record: dict[str, Any]) -> PhaseFigures:
    """Return the figures of merit in a record."""
    return PhaseFigures(**{field.name: record[field.name] for field in fields(PhaseFigures)})


def logistic(
    x: NDArray[np.float64], right: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return coefficients (p,) of a logistic model by penalised maximum likelihood."""

    def cost(coefficients: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x @ coefficients
        loss = np.logaddexp(0.0, z) - right * z
        slope = x.T @ (weight * (1.0 / (1.0 + np.exp(-z)) - right))
        penalty = _RIDGE * coefficients
        return float(weight @ loss + 0.5 * penalty @ coefficients), slope + penalty

    start = np.zeros(x.shape[1])
    return np.asarray(minimize(cost, start, jac=True, method="L-BFGS-B").x)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["endings", "fit"])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.verb == "fit":
        fit(arguments.files)
    else:
        endings(arguments.files[0], arguments.first, arguments.count)
