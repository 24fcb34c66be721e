"""Build atomic models from phased lists of known crystals: elements, hydrogens, R1, seconds.

    python studies/atomic_models.py measured FOLDER [FOLDER ...]
    python studies/atomic_models.py computed FOLDER [FOLDER ...]

`measured` takes measured |F| with phases of the deposited structure, `computed` intensities of the
deposited structure to .8 A with 2 % noise. Phases are wrong by 20 degrees; centric ones are wrong
for one reflection in twenty (seed 0). Every model is built twice, with the content known and
unknown. An element is right where a deposited site that is more than .6 occupied has a site of its
element within .4 A.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import read_crystal, read_experiment, read_reflections
from argand.measured import Merged, merge
from argand.peaks import nearest_image
from argand.radiation import Radiation
from argand.reflections import centric, miller_indices, systematic_absences
from argand.solve.model import AtomicModel, build_model
from argand.structure_factors import structure_factors
from helpers import run_on_one_core, table

PHASE_ERROR = 20.0
WRONG_CENTRIC = 0.05
NOISE = 0.02
D_MIN = 0.8
#: Wavelength where a file states none, and of computed data: molybdenum
WAVELENGTH = 0.71073
#: Larger structures take longer than a study of many is worth.
MOST_SITES = 120


class PhasedList(NamedTuple):
    """Hold a data set with phases, as `build_model` takes it."""

    merged: Merged
    structure_factors: NDArray[np.complex128]
    radiation: Radiation


def with_phases(merged: Merged, f: NDArray[np.complex128], radiation: Radiation) -> PhasedList:
    """Give measured amplitudes the phases of F (m,), with errors."""
    rng = np.random.default_rng(0)
    error = np.radians(PHASE_ERROR) * rng.normal(size=len(f))
    inverted = np.pi * (rng.random(len(f)) < WRONG_CENTRIC)
    error = np.where(centric(merged.hkl, merged.spacegroup), inverted, error)
    amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
    return PhasedList(merged, amplitude * np.exp(1j * (np.angle(f) + error)), radiation)


def measured(path: Path) -> tuple[Crystal, PhasedList, float]:
    """Read a structure, the reflections in its file or beside it, and the published R1."""
    crystal = read_crystal(path)
    experiment = read_experiment(path)
    beside = path.with_suffix(".hkl")
    reflections = read_reflections(
        beside if beside.exists() else path, cell=crystal.cell, spacegroup=crystal.symops
    )
    merged = merge(reflections)
    radiation = Radiation("x-ray", experiment.wavelength or WAVELENGTH, dispersion=True)
    data = with_phases(merged, structure_factors(crystal, merged.hkl), radiation)
    return crystal, data, experiment.stated.get("R1", np.nan)


def computed(path: Path) -> tuple[Crystal, PhasedList, float]:
    """Compute noisy intensities of a structure; there is no published R1."""
    crystal = read_crystal(path)
    if (crystal.b_iso <= 0.0).any():
        raise ArgandError(f"{path}: sites without displacement")
    radiation = Radiation("x-ray", WAVELENGTH, dispersion=True)
    hkl = miller_indices(crystal.cell, crystal.symops, d_min=D_MIN)
    hkl = hkl[~systematic_absences(hkl, crystal.symops)]
    f = structure_factors(crystal, hkl, energy_kev=radiation.energy_kev)
    squares = np.abs(f) ** 2
    sigma = NOISE * (squares + 0.1 * squares.mean())
    intensity = squares + sigma * np.random.default_rng(0).normal(size=len(f))
    merged = Merged(
        hkl=hkl,
        intensity=intensity,
        sigma=sigma,
        count=np.ones(len(f), int),
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
        r_int=np.nan,
        r_sigma=NOISE,
        completeness=1.0,
        measured=len(f),
        absent=0,
        rejected=0,
        unused=0,
    )
    return crystal, with_phases(merged, f, radiation), np.nan


def right_elements(truth: Crystal, model: Crystal) -> float:
    """Return the share of the deposited atoms, hydrogens left out, that the model has."""
    sites = [i for i, name in enumerate(truth.types) if name not in ("H", "D")]
    sites = [i for i in sites if truth.occ[i] > 0.6]
    rows = [i for i, name in enumerate(model.types) if name not in ("H", "D")]
    distance = nearest_image(truth.frac[sites], model.frac[rows], truth.cell, truth.symops)
    nearest = distance.argmin(axis=1)
    weight = truth.multiplicity()[sites]
    right = np.zeros(len(sites), bool)
    for number, site in enumerate(sites):
        element = truth.types[site].rstrip("0123456789+-")
        is_near = distance[number, nearest[number]] < 0.4
        right[number] = is_near and model.types[rows[nearest[number]]] == element
    return float(weight[right].sum() / weight.sum())


def timed(data: PhasedList, content: Mapping[str, float] | None) -> tuple[AtomicModel, float]:
    """Build a model, and measure its CPU seconds."""
    start = time.process_time()
    model = build_model(data, content)
    return model, time.process_time() - start


def structures(folders: list[str]) -> Iterator[Path]:
    """List the structures of some folders."""
    for folder in folders:
        yield from sorted(Path(folder).glob("*.cif"))


def main() -> None:
    """Print a row for each crystal, and the means."""
    warnings.simplefilter("ignore")
    load = {"measured": measured, "computed": computed}[sys.argv[1]]
    rows: list[list[str]] = []
    numbers: list[tuple[float, float, float, float]] = []
    for path in structures(sys.argv[2:]):
        try:
            truth, data, published = load(path)
        except ArgandError as error:
            print(f"left out: {error}")
            continue
        heavy = sum(name not in ("H", "D") for name in truth.types)
        if not 0 < heavy <= MOST_SITES:
            continue
        content = truth.composition()
        known, seconds = timed(data, content)
        unknown, _ = timed(data, None)
        shares = [right_elements(truth, model.crystal) for model in (known, unknown)]
        numbers.append((*shares, known.r1, seconds))
        rows.append(
            [
                path.stem,
                truth.spacegroup,
                truth.formula,
                f"{shares[0]:.3f}",
                f"{shares[1]:.3f}",
                f"{known.hydrogens.sum()}/{len(truth.types) - heavy}",
                f"{known.r1:.4f}",
                f"{published:.4f}",
                f"{seconds:.2f}",
            ]
        )
        print(*rows[-1], flush=True)
    head = ["set", "group", "cell", "elements", "unknown", "H", "R1", "published", "CPU s"]
    print("\n".join(table([head, *rows])))
    known, unknown, r1, seconds = np.array(numbers).T
    print(f"elements right: {known.mean():.3f}, content unknown {unknown.mean():.3f}")
    print(f"R1: median {np.median(r1):.4f}, below .12 {np.mean(r1 < 0.12):.2f}")
    print(f"CPU seconds: median {np.median(seconds):.2f}")


if __name__ == "__main__":
    run_on_one_core(main)
