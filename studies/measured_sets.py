"""The measured crystals of three studies, what R1 their authors reached, and how they are moved.

Two values of R1 are known of each set. `published` is of merged reflections above 2 sigma, as the
authors computed it. `check` is of the structure as it was published, by a plain calculation over
the measurements above 2 sigma, neither merged nor corrected for extinction; a powder has no
published R1. The studies compute R1 as the authors did: over unique reflections above 2 sigma.
Lists without sigmas count those with F^2 > 2, as the check does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

import argand
from argand.estimate.estimate import Estimate
from argand.estimate.riding import riding_modes
from argand.io import Experiment, read_experiment
from argand.measured import Merged, merge
from argand.r_factors import is_strong, r1
from argand.refine import Model, free

Solution = TypeVar("Solution")

#: Seeds of the displacements, and their root mean squares in angstrom.
SEEDS = (20, 21, 22)
WIDTHS = (0.3, 0.5)

#: File of reflections, file of the structure, R1 as checked, R1 as published.
SETS: dict[str, tuple[str, str, float, float | None]] = {
    "nacl": ("nacl_hikari_hkl.hkl", "nacl_hikari.cif", 0.0184, 0.0096),
    "nacl, FCF": ("nacl_hikari.fcf", "nacl_hikari.cif", 0.0094, 0.0096),
    "4003024": ("gemmi_4003024.hkl", "gemmi_4003024.cif", 0.0375, 0.0162),
    "2240655, neutron powder": ("cod_2240655.cif", "cod_2240655.cif", 0.0418, None),
    "1516218, powder": ("cod_1516218.cif", "cod_1516218.cif", 0.1328, None),
    "2019572": ("cod_2019572.cif", "cod_2019572.cif", 0.0118, 0.0117),
    "2240189": ("shelxfile_2240189.hkl", "shelxfile_2240189.cif", 0.0458, 0.0414),
    "2242045": ("cod_2242045.hkl", "cod_2242045.cif", 0.0316, 0.0279),
    "106c": ("structurefinder_106c_hkl.hkl", "structurefinder_106c.cif", 0.0444, 0.0401),
    "106c, FCF": ("structurefinder_106c.fcf", "structurefinder_106c.cif", 0.0400, 0.0401),
    "051a": ("structurefinder_051a.hkl", "structurefinder_051a.cif", 0.0331, 0.0326),
    "2238212": ("cod_2238212.hkl", "cod_2238212.cif", 0.0349, 0.0348),
}


@dataclass(frozen=True)
class MeasuredSet:
    """A crystal, its merged reflections, what its file states, and the R1 that are known of it."""

    name: str
    crystal: argand.Crystal
    experiment: Experiment
    merged: Merged
    check: float
    published: float | None

    @classmethod
    def load(cls, folder: Path, name: str) -> MeasuredSet:
        """Read the files of a set from a folder."""
        reflections, structure, check, published = SETS[name]
        crystal = argand.read_crystal(folder / structure)
        measurements = argand.read_reflections(folder / reflections)
        merged = merge(measurements, cell=crystal.cell, spacegroup=crystal.symops)
        experiment = read_experiment(folder / structure)
        return cls(name, crystal, experiment, merged, check, published)

    def r1(self, calculated: NDArray[np.float64]) -> float:
        """Return R1 of calculated intensities (m,), which are on the scale of the data."""
        sigma = 1.0 if self.merged.sigma is None else self.merged.sigma
        strong = is_strong(self.merged.intensity, sigma)
        return float(r1(self.merged.intensity, calculated, strong))

    def r1_of(self, estimate: Estimate) -> float:
        """Return R1 of an estimate."""
        f = estimate.f[np.isfinite(estimate.amplitude)]
        return self.r1(np.square(estimate.scale * np.abs(f)))

    def known_r1(self) -> list[str]:
        """Return R1 as checked and as published, in %."""
        return [percent(self.check), "–" if self.published is None else percent(self.published)]

    def solve_moved(
        self, solve: Callable[[argand.Crystal], Solution]
    ) -> tuple[list[list[Solution]], float]:
        """Apply a function to the structure after it was moved.

        Returns
        -------
        list of list
            Solutions for each width and seed.
        float
            Median seconds of a solution.
        """
        solutions = []
        seconds = []
        for rms in WIDTHS:
            of_width = []
            for seed in SEEDS:
                start = time.perf_counter()
                of_width.append(solve(moved(self.crystal, rms, seed)))
                seconds.append(time.perf_counter() - start)
            solutions.append(of_width)
        return solutions, float(np.median(seconds))


def moved(crystal: argand.Crystal, rms: float, seed: int) -> argand.Crystal:
    """Move sites at random by `rms` angstrom in three dimensions and keep the symmetry.

    Hydrogens move with their carriers, and types that share a site together. The displacements are
    drawn again where a site comes so near to an image of itself that every program that reads the
    structure takes both for one atom.
    """
    model = Model(crystal, [(1, 0, 0)], free(crystal, positions=riding_modes(crystal)))
    rng = np.random.default_rng(seed)
    multiplicity = crystal.multiplicity()
    # Each of three directions has a third of the mean square displacement.
    width = rms / np.sqrt(3)
    while True:
        displacements = rng.normal(size=(1, len(model))) * width
        candidate = model.crystals(displacements)[0]
        if np.array_equal(candidate.multiplicity(), multiplicity):
            return candidate


def percent(r: float) -> str:
    """Format an R factor in %."""
    return f"{100 * r:.2f}"


def print_table(columns: Sequence[str], row: Callable[[MeasuredSet], Sequence[object]]) -> None:
    """Print a line for each set of the command line, FOLDER [NAME ...], as soon as it is known.

    Parameters
    ----------
    columns
        Heads of the columns after the name.
    row
        Function that returns the cells of a set after its name.
    """
    folder = Path(sys.argv[1])
    names = sys.argv[2:] or list(SETS)
    _print_line(["", *columns])
    print("|" + "---|" * (len(columns) + 1))
    for name in names:
        _print_line([name, *row(MeasuredSet.load(folder, name))])


def _print_line(cells: Sequence[object]) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
