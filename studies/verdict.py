"""Make endings of artificial crystals, right and wrong, and fit the verdict's model to them.

    python studies/verdict.py endings FILE --first 0 --count 500
    python studies/verdict.py fit FILE [FILE ...]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from artificial_crystals import artificial_crystal

from argand import Crystal, map_correlation, miller_indices, structure_factors
from argand.io import Reflections
from argand.phases import align_origin
from argand.solve.primitive import (
    PrimitiveReflections,
    merge_in_point_group,
    primitive_basis,
    primitive_reflections,
)
from argand.solve.search import PhaseSearch
from argand.solve.settings import SolveSettings

# Phases are right from this correlation with the true density.
RIGHT = 0.7

# Endings of so many starts of one crystal are recorded.
STARTS = 4

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
    return Reflections(hkl=hkl, intensity=noisy, sigma=sigma)


def shuffled(
    data: PrimitiveReflections, generator: np.random.Generator
) -> PrimitiveReflections:
    """Exchange the amplitudes of unique reflections among forty neighbours in resolution."""
    _, first = np.unique(data.laue, return_index=True)
    order = np.argsort(data.spacing[first], kind="stable")
    source = np.arange(len(first))
    for part in np.array_split(order, max(3, len(order) // 40)):
        source[part] = part[generator.permutation(len(part))]
    rows = first[source][data.laue]
    return replace(
        data,
        intensity=data.intensity[rows],
        sigma=data.sigma[rows],
        amplitude=data.amplitude[rows],
        normalised=data.normalised[rows],
    )


def correlation(data: PrimitiveReflections, phased: np.ndarray, true: np.ndarray) -> float:
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
        basis = primitive_basis(crystal.cell, crystal.spacegroup)
        merged = merge_in_point_group(reflections, crystal.cell, crystal.spacegroup)
        data = primitive_reflections(merged, basis)
        if not 100 < len(data.hkl) < 12_000:
            continue
        is_null = seed % NULLS == 0
        if is_null:
            data = shuffled(data, generator)
        conventional = np.rint(data.hkl @ np.linalg.inv(basis)).astype(np.int32)
        true = structure_factors(crystal, conventional)
        settings = SolveSettings(seed=seed, starts=STARTS, time_limit=None)
        search = PhaseSearch(data, crystal.spacegroup, settings, lambda _: crystal.spacegroup)
        started = time.process_time()
        for starts in (range(0, 1), range(1, 2), range(2, STARTS)):
            for ending in search._endings(starts):
                compared = search._compared(ending, always=True)
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
                    "seconds": time.process_time() - started,
                }
                with path.open("a") as file:
                    file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["endings"])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    arguments = parser.parse_args()
    endings(arguments.files[0], arguments.first, arguments.count)
