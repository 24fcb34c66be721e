"""Real measurements, from their own structure with its atoms moved: where they end is where they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.io import write_crystal
from argand.series import predict_series
from argand.simulate import Groups, Perturbation, Simulation
from data_dir import SHARED, needs_shared


@needs_shared
@pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")
@pytest.mark.parametrize("rms", [0.3, 0.5])
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cod_2242045", "cod_2242045.hkl"),
        ("cod_2019572", "cod_2019572.cif"),
        ("structurefinder_106c", "structurefinder_106c.fcf"),
    ],
)
def test_moved_atoms_come_home(name: str, data: str, rms: float, tmp_path: Path) -> None:
    known = argand.read_crystal(SHARED / "measured" / f"{name}.cif")
    moves = Perturbation([Groups(rms, "hydrogens", rotation=0.0)])
    simulation = Simulation(known, moves, d_min=2.0, seed=1)
    u = simulation.displacements(np.array([0]))[0]
    write_crystal(tmp_path / "moved.cif", simulation.true_crystal(simulation.draw([0]), 0))
    write_crystal(tmp_path / "home.cif", known)
    home, moved = (
        predict_series(tmp_path / f"{start}.cif", [SHARED / "measured" / data], tmp_path / start, workers=1)[0]
        for start in ("home", "moved")
    )
    assert home.rms < 0.02
    assert moved.r_known > 0.2
    assert moved.r == pytest.approx(home.r, abs=0.001)
    np.testing.assert_allclose(moved.displacement, -u + np.array(home.displacement), atol=0.03)
