"""The measured crystals of three benchmarks, what R1 their authors reached, and how they are moved.

Two R1 are known of each: `published`, of merged reflections above 2 sigma as the authors computed it, and `check`, of
the structure as it was published, by a plain calculation over the measurements above 2 sigma, neither merged nor
corrected for extinction. What is compared here is computed as the published one: over unique reflections above 2 sigma;
lists without sigmas count those with F^2 > 2, as the check does. A powder has no published R1.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

import argand
from argand.estimate.riding import riding_modes
from argand.io import Experiment, read_experiment
from argand.measured import Merged, merge
from argand.r_factors import is_strong, r1
from argand.refine import Model, free
from argand.series import Estimate

SEEDS = (20, 21, 22)
WIDTHS = (0.3, 0.5)


class Known(NamedTuple):
    """A file of reflections, the structure that belongs to it, and R1 as checked and as published."""

    reflections: str
    structure: str
    check: float
    published: float | None


SETS = {
    "nacl": Known("nacl_hikari_hkl.hkl", "nacl_hikari.cif", 0.0184, 0.0096),
    "nacl, FCF": Known("nacl_hikari.fcf", "nacl_hikari.cif", 0.0094, 0.0096),
    "4003024": Known("gemmi_4003024.hkl", "gemmi_4003024.cif", 0.0375, 0.0162),
    "2240655, neutron powder": Known("cod_2240655.cif", "cod_2240655.cif", 0.0418, None),
    "1516218, powder": Known("cod_1516218.cif", "cod_1516218.cif", 0.1328, None),
    "2019572": Known("cod_2019572.cif", "cod_2019572.cif", 0.0118, 0.0117),
    "2240189": Known("shelxfile_2240189.hkl", "shelxfile_2240189.cif", 0.0458, 0.0414),
    "2242045": Known("cod_2242045.hkl", "cod_2242045.cif", 0.0316, 0.0279),
    "106c": Known("structurefinder_106c_hkl.hkl", "structurefinder_106c.cif", 0.0444, 0.0401),
    "106c, FCF": Known("structurefinder_106c.fcf", "structurefinder_106c.cif", 0.0400, 0.0401),
    "051a": Known("structurefinder_051a.hkl", "structurefinder_051a.cif", 0.0331, 0.0326),
    "2238212": Known("cod_2238212.hkl", "cod_2238212.cif", 0.0349, 0.0348),
}


class Measured(NamedTuple):
    """A set as it lies in its folder."""

    known: Known
    crystal: argand.Crystal
    said: Experiment
    data: Merged

    def r1(self, calculated: np.ndarray) -> float:
        """R1 of |Fc|^2 (m,) on the scale of the data."""
        return float(r1(self.data.intensity, calculated, self.strong))

    def r1_of(self, estimate: Estimate) -> float:
        """R1 of what an estimator found."""
        f = estimate.f[np.isfinite(estimate.amplitude)]
        return self.r1(np.square(estimate.scale * np.abs(f)))

    @property
    def theirs(self) -> tuple[str, str]:
        """R1 as checked and as published, in %."""
        check, published = (f"{100 * value:.2f}" if value else "–" for value in self.known[2:])
        return check, published

    @property
    def strong(self) -> np.ndarray:
        sigma = 1.0 if self.data.sigma is None else self.data.sigma
        return is_strong(self.data.intensity, sigma)


def load(folder: Path, name: str) -> Measured:
    known = SETS[name]
    crystal = argand.read_crystal(folder / known.structure)
    found = argand.read_reflections(folder / known.reflections)
    data = merge(found, cell=crystal.cell, spacegroup=crystal.symops)
    return Measured(known, crystal, read_experiment(folder / known.structure), data)


def moved(crystal: argand.Crystal, rms: float, seed: int) -> argand.Crystal:
    """Sites moved at random by `rms` angstrom in three dimensions: hydrogens with their carriers, types that share a
    site together, and symmetry kept. Drawn again where a site would come so near to an image of itself that every
    program that reads the structure takes both for one atom."""
    model, rng = (
        Model(crystal, [(1, 0, 0)], free(crystal, positions=riding_modes(crystal))),
        np.random.default_rng(seed),
    )
    while True:
        made = model.crystals(rng.normal(size=(1, len(model))) * rms / np.sqrt(3))[0]
        if np.array_equal(made.multiplicity(), crystal.multiplicity()):
            return made
