"""Real measurements, from their own structure with its atoms moved: they end where they were, and R1 is theirs."""

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
    reflections: str
    structure: str
    r1: float  # as published, of strong merged reflections; of a powder that of the structure as it is
    widths: tuple[float, ...] = (0.3, 0.5)
    near: float = 0.04  # angstrom, from where atoms of full occupancy were, hydrogens aside


CASES = [
    Case("nacl_hikari_hkl.hkl", "nacl_hikari", 0.0096, (0.0,)),
    Case("nacl_hikari.fcf", "nacl_hikari", 0.0096, (0.0,)),
    Case("gemmi_4003024.hkl", "gemmi_4003024", 0.0162, (0.0,)),  # with extinction
    Case("cod_2240655.cif", "cod_2240655", 0.0466),  # neutrons, powder
    Case("cod_1516218.cif", "cod_1516218", 0.1328, near=0.3),  # powder
    Case("cod_2019572.cif", "cod_2019572", 0.0117),
    Case("shelxfile_2240189.hkl", "shelxfile_2240189", 0.0414),
    Case("cod_2242045.hkl", "cod_2242045", 0.0279),
    Case("structurefinder_106c.fcf", "structurefinder_106c", 0.0401),
    Case("structurefinder_106c_hkl.hkl", "structurefinder_106c", 0.0401, (0.3,)),
    Case("structurefinder_051a.hkl", "structurefinder_051a", 0.0326),
    Case("cod_2238212.hkl", "cod_2238212", 0.0348, (0.3,)),
]


def known(path: Path, crystal: argand.Crystal, said: Experiment) -> Path:
    """A CIF of the crystal that says of the radiation what the original one says."""
    write_crystal(path, crystal)
    lines = [f"_diffrn_radiation_probe {said.probe}"]
    if said.wavelength is not None:
        lines.append(f"_diffrn_radiation_wavelength {said.wavelength}")
    if said.dispersion is False:
        lines += [
            "loop_",
            "_atom_type_symbol",
            "_atom_type_scat_dispersion_real",
            "_atom_type_scat_dispersion_imag",
        ]
        lines += [f"{symbol} 0 0" for symbol in sorted(set(crystal.types))]
    if said.extinction is not None:
        lines += [
            "_refine_ls_extinction_method SHELXL",
            f"_refine_ls_extinction_coef {said.extinction}",
        ]
    path.write_text(path.read_text() + "\n".join(["", *lines, ""]))
    return path


def moves(crystal: argand.Crystal, rms: float, seed: int) -> np.ndarray:
    """Displacements of sites on their own, hydrogens with their carriers."""
    model = Model(crystal, [(1, 0, 0)], free(crystal, positions=riding_modes(crystal)))
    return model.displacements(
        np.random.default_rng(seed).normal(size=len(model)) * rms / np.sqrt(3)
    )


RUNS = [
    pytest.param(case, rms, id=f"{case.reflections}-{rms}") for case in CASES for rms in case.widths
]


@pytest.mark.parametrize(("case", "rms"), RUNS)
def test_moved_atoms_come_home(case: Case, rms: float, tmp_path: Path) -> None:
    """Seed 20."""
    file = SHARED / "measured" / f"{case.structure}.cif"
    crystal, said = argand.read_crystal(file), read_experiment(file)
    u = moves(crystal, rms, seed=20)
    to_frac = np.linalg.inv(cartesian_axes(crystal)).T
    moved = known(tmp_path / "moved.cif", crystal.replace(frac=crystal.frac + u @ to_frac), said)
    found = predict_series(
        load_estimator(moved), [SHARED / "measured" / case.reflections], tmp_path / "out", workers=1
    )[0]
    assert found.error == ""
    assert found.r1 < case.r1 + 0.005
    ordered = np.array([symbol not in ("H", "D") for symbol in crystal.types]) & (
        crystal.occ == 1.0
    )
    off = np.linalg.norm(np.array(found.displacement) + u, axis=1)[ordered]
    assert off.max() < case.near
