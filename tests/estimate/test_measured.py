"""Displaced structures return to real measurements: atoms where they were, R1 as published."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import argand
from argand.cli._estimator import load_estimator
from argand.estimate.riding import riding_modes
from argand.io import Experiment, read_experiment, write_crystal
from argand.refine import Model, free
from argand.series import predict_series
from argand.site_symmetry import cartesian_axes
from data_dir import SHARED, needs_shared

pytestmark = [needs_shared, pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")]


class Case(NamedTuple):
    """Name measured reflections, their structure, and what a prediction must reach."""

    reflections: str
    structure: str
    # As published, over strong merged reflections; of a powder R1 of the published structure.
    r1: float
    # rms displacements of the known structure, angstrom.
    widths: tuple[float, ...] = (0.3, 0.5)
    # Largest error of atoms of full occupancy, hydrogens left out, angstrom.
    largest_error: float = 0.04


CASES = [
    Case("nacl_hikari_hkl.hkl", "nacl_hikari", 0.0096, (0.0,)),
    Case("nacl_hikari.fcf", "nacl_hikari", 0.0096, (0.0,)),
    # Extinction was refined.
    Case("gemmi_4003024.hkl", "gemmi_4003024", 0.0162, (0.0,)),
    # Neutrons and a powder.
    Case("cod_2240655.cif", "cod_2240655", 0.0466),
    # A powder.
    Case("cod_1516218.cif", "cod_1516218", 0.1328, largest_error=0.3),
    Case("cod_2019572.cif", "cod_2019572", 0.0117),
    Case("shelxfile_2240189.hkl", "shelxfile_2240189", 0.0414),
    Case("cod_2242045.hkl", "cod_2242045", 0.0279),
    Case("structurefinder_106c.fcf", "structurefinder_106c", 0.0401),
    Case("structurefinder_106c_hkl.hkl", "structurefinder_106c", 0.0401, (0.3,)),
    Case("structurefinder_051a.hkl", "structurefinder_051a", 0.0326),
    Case("cod_2238212.hkl", "cod_2238212", 0.0348, (0.3,)),
]

RUNS = []
for case in CASES:
    for rms in case.widths:
        RUNS.append(pytest.param(case, rms, id=f"{case.reflections}-{rms}"))

# Displacements are drawn with this seed.
SEED = 20


def write_known(path: Path, crystal: argand.Crystal, experiment: Experiment) -> Path:
    """Write a CIF of a crystal that states the radiation and the extinction of an experiment."""
    write_crystal(path, crystal)
    lines = [f"_diffrn_radiation_probe {experiment.probe}"]
    if experiment.wavelength is not None:
        lines.append(f"_diffrn_radiation_wavelength {experiment.wavelength}")
    if experiment.dispersion is False:
        lines += [
            "loop_",
            "_atom_type_symbol",
            "_atom_type_scat_dispersion_real",
            "_atom_type_scat_dispersion_imag",
        ]
        lines += [f"{symbol} 0 0" for symbol in sorted(set(crystal.types))]
    if experiment.extinction is not None:
        lines.append("_refine_ls_extinction_method SHELXL")
        lines.append(f"_refine_ls_extinction_coef {experiment.extinction}")
    path.write_text(path.read_text() + "\n".join(["", *lines, ""]))
    return path


def draw_displacements(crystal: argand.Crystal, rms: float, seed: int) -> np.ndarray:
    """Draw displacements (n, 3) in angstrom of independent sites, hydrogens with their carriers."""
    model = Model(crystal, [(1, 0, 0)], free(crystal, positions=riding_modes(crystal)))
    factors = np.random.default_rng(seed).normal(size=len(model))
    return model.displacements(factors * rms / np.sqrt(3))


@pytest.mark.parametrize(("case", "rms"), RUNS)
def test_displaced_atoms_return(case: Case, rms: float, tmp_path: Path) -> None:
    file = SHARED / "measured" / f"{case.structure}.cif"
    crystal, experiment = argand.read_crystal(file), read_experiment(file)
    displacement = draw_displacements(crystal, rms, SEED)
    to_frac = np.linalg.inv(cartesian_axes(crystal)).T
    displaced = crystal.replace(frac=crystal.frac + displacement @ to_frac)
    known = write_known(tmp_path / "moved.cif", displaced, experiment)
    measured = SHARED / "measured" / case.reflections
    record = predict_series(load_estimator(known), [measured], tmp_path / "out", workers=1)[0]
    assert record.error == ""
    assert record.r1 < case.r1 + 0.005
    is_heavy = np.array([symbol not in ("H", "D") for symbol in crystal.types])
    error = np.linalg.norm(np.array(record.displacement) + displacement, axis=1)
    assert error[is_heavy & (crystal.occ == 1.0)].max() < case.largest_error
