"""Make endings of artificial crystals, right and wrong, and fit the verdict's model to them.

python studies/verdict.py endings FILE --first 0 --count 500 --kind shuffled
python studies/verdict.py fit FILE [FILE ...]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
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
from helpers import wilson_interval

# Phases are right from this correlation with the true density.
RIGHT = 0.7

# Strength of the penalty on coefficients, which keeps the model from certainty on few crystals.
_RIDGE = 0.02

# Endings of so many starts of one crystal are recorded, with their atoms.
STARTS = 4

# One in so many crystals of the kind "mixed" has its amplitudes shuffled among neighbours in
# resolution: no phases are right.
SHUFFLED = 4

# Resolutions, angstrom, of most kinds, and where right and wrong phases look most alike.
RESOLUTIONS = (0.8, 0.9, 1.0, 1.15, 1.25, 1.4, 1.5, 1.6)
COARSE = (1.25, 1.4, 1.5, 1.6, 1.7)

# Crystals are split into so many parts, each predicted by the others.
FOLDS = 5

# Logarithm of the odds beyond which phases say no more, as in `argand.solve.verdict`.
_LARGEST_PHASE_LOGIT = 6.9

KINDS = ("mixed", "shuffled", "pseudo", "coarse")


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


def endings(path: Path, first: int, count: int, kind: str, most: int) -> None:
    """Append the figures of every ending of some crystals to a file, one JSON object a line.

    Crystals of less than 100 and of more than `most` reflections in P 1 are left out.
    """
    for seed in range(first, first + count):
        generator = np.random.default_rng([12, seed])
        crystal = artificial_crystal(seed, pseudo=kind == "pseudo")
        d_min = float(generator.choice(COARSE if kind == "coarse" else RESOLUTIONS))
        reflections = measured(crystal, d_min, generator)
        is_shuffled = kind == "shuffled" or (kind == "mixed" and seed % SHUFFLED == 0)
        if is_shuffled:
            reflections = shuffled(reflections, generator)
        basis = primitive_basis(crystal.cell, crystal.spacegroup)
        merged = merge_in_point_group(reflections, crystal.cell, crystal.spacegroup)
        data = primitive_reflections(merged, basis)
        if not 100 < len(data.hkl) < most:
            continue
        content = dict(crystal.composition()) if generator.random() < 0.5 else None
        about_crystal = {
            "seed": seed,
            "kind": kind,
            "null": is_shuffled,
            "d_min": data.d_min,
            "unique": int(data.laue.max()) + 1,
            "sites": len(crystal.types),
            "group": crystal.spacegroup,
        }
        for record in endings_of(crystal, reflections, data, content, seed):
            if is_shuffled:
                record["correlation"] = 0.0
            with path.open("a") as file:
                file.write(json.dumps(about_crystal | record) + "\n")


def endings_of(
    crystal: Crystal,
    reflections: Reflections,
    data: PrimitiveReflections,
    content: dict[str, float] | None,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Run the starts of one crystal, and yield figures, correlation and R1 of each ending."""
    conventional = np.rint(data.hkl @ np.linalg.inv(data.basis)).astype(np.int32)
    true = structure_factors(crystal, conventional)
    settings = SolveSettings(seed=seed, starts=STARTS, time_limit=None)
    search = PhaseSearch(data, crystal.spacegroup, settings, lambda _: crystal.spacegroup)
    started = time.process_time()
    for starts in (range(1), range(1, 2), range(2, STARTS)):
        for ending in search._endings(starts):
            compared = search._compared(ending, always=True)
            # Wrong phases get their atoms too.
            even = replace(compared, probability=0.5)
            candidate = with_atoms(
                reflections, data, even, (), Radiation(), content, settings, TimeLimit(None)
            )
            yield asdict(compared.figures) | {
                "start": ending.start,
                "cycles": ending.cycles,
                "correlation": correlation(data, compared.phased, true),
                "r1": np.nan if candidate.model is None else candidate.model.r1,
                "seconds": time.process_time() - started,
            }


def fit(paths: list[Path]) -> None:
    """Fit the models of `argand.solve.verdict` to endings, and print them with their errors.

    Reliability is that of endings of crystals that the coefficients were not fitted to: each fifth
    of the crystals is predicted by the other four. The printed coefficients are of all.
    """
    records = [json.loads(line) for path in paths for line in path.open()]
    right = np.array([record["correlation"] >= RIGHT for record in records], float)
    names = [f"{record.get('kind', 'mixed')} {record['seed']}" for record in records]
    d_min = np.array([record["d_min"] for record in records])
    r1 = np.array([record.get("r1", np.nan) for record in records], float)
    has_atoms = np.isfinite(r1)
    # A crystal counts as one, whatever the number of its endings.
    _, crystal, count = np.unique(names, return_inverse=True, return_counts=True)
    weight = 1.0 / count[crystal]
    x = np.array([predictors(figures_of(record), record["d_min"]) for record in records])
    y = atom_predictors(np.where(has_atoms, r1, 1.0), d_min)
    logit = np.empty(len(records))
    with_atoms_logit = np.empty(len(records))
    for fold in range(FOLDS):
        inside = crystal % FOLDS == fold
        coefficients = logistic(x[~inside], right[~inside], weight[~inside])
        fitted = ~inside & has_atoms
        evidence = evidence_of(y[fitted], right[fitted], weight[fitted])
        logit[inside] = x[inside] @ coefficients
        phases = np.clip(logit[inside], -_LARGEST_PHASE_LOGIT, _LARGEST_PHASE_LOGIT)
        with_atoms_logit[inside] = phases + y[inside] @ evidence
    print(f"{len(records)} endings of {len(count)} crystals, {int(right.sum())} right")
    print("held out, phases alone:")
    print_reliability(1.0 / (1.0 + np.exp(-logit)), right)
    wrong = int((right[has_atoms] == 0.0).sum())
    print(f"held out, with atoms: {int(has_atoms.sum())} endings, {wrong} wrong")
    print_reliability(1.0 / (1.0 + np.exp(-with_atoms_logit[has_atoms])), right[has_atoms])
    coefficients = logistic(x, right, weight)
    print("coefficients of phases:", ", ".join(f"{c:.2f}" for c in coefficients))
    evidence = evidence_of(y[has_atoms], right[has_atoms], weight[has_atoms])
    print("evidence of atoms:", ", ".join(f"{c:.2f}" for c in evidence))


def evidence_of(
    x: NDArray[np.float64], right: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return coefficients (3,) of what R1 says by itself, whatever share of endings is right."""
    evidence = logistic(x, right, weight)
    share = np.average(right, weights=weight)
    evidence[0] -= np.log(share / (1.0 - share))
    return evidence


def print_reliability(probability: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """Print what share of endings (n,) is right in ranges of their probability (n,).

    The interval is Wilson's of 95 %, as if all endings were of different crystals.
    """
    for low, high in ((0, 0.02), (0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        inside = (probability >= low) & (probability < high)
        if inside.any():
            number = int(inside.sum())
            lowest, highest = wilson_interval(int(right[inside].sum()), number)
            print(
                f"| {low:.2f} to {min(high, 1.0):.2f} | {number} | "
                f"{probability[inside].mean():.3f} | {right[inside].mean():.3f} | "
                f"{lowest:.3f} to {highest:.3f} |"
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
    parser.add_argument("--kind", choices=KINDS, default="mixed")
    parser.add_argument("--most", type=int, default=12_000, metavar="REFLECTIONS")
    arguments = parser.parse_args()
    if arguments.verb == "fit":
        fit(arguments.files)
    else:
        endings(
            arguments.files[0], arguments.first, arguments.count, arguments.kind, arguments.most
        )
