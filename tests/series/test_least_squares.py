"""Least squares from the known structure: what rides, what it says of too little data."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.io import Reflections, write_crystal
from argand.measured import merge
from argand.series import LeastSquares, load_estimator
from argand.series.observed import on_one_list
from argand.simulate import Groups, Measurement, Perturbation, Simulation
from data_dir import DATA

WATER = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 80.0, 95.0, 103.0), spacegroup="P -1", types=("O", "H", "H", "S", "Se"),
    frac=np.array([[0.2, 0.2, 0.2], [0.3, 0.25, 0.2], [0.15, 0.22, 0.29], [0.6, 0.7, 0.3], [0.6, 0.7, 0.3]]),
    occ=np.array([1, 1, 1, 0.6, 0.4]), b_iso=2.0,
)  # fmt: skip


def measured(simulation: Simulation, count: int) -> list[Reflections]:
    samples = simulation.draw(range(count))
    return [
        Reflections(
            simulation.hkl, intensity=samples.intensity[i], sigma=samples.sigma[i], cell=tuple(samples.cell[i]),
            spacegroup=simulation.crystal.spacegroup,
        )
        for i in range(count)
    ]  # fmt: skip


def test_hydrogens_and_shared_sites_follow():
    estimator = LeastSquares(WATER)
    simulation = Simulation(
        WATER, Perturbation([Groups(0.15, ((0, 1, 2), (3, 4)), rotation=0.0)]), Measurement(noise=0.01), d_min=1.0
    )
    for row, found in enumerate(estimator([merge(data) for data in measured(simulation, 3)], refine=True)):
        u = found.displacement
        np.testing.assert_allclose(u[1], u[0], atol=1e-12)
        np.testing.assert_allclose(u[4], u[3], atol=1e-12)
        np.testing.assert_allclose(u, simulation.draw([row]).displacement[0], atol=0.01)
        assert np.isfinite(found.sigma).all()
        assert (found.sigma > 0).all()


def test_special_positions_stay():
    pyrochlore = argand.read_crystal(DATA / "2002248.cif")
    simulation = Simulation(pyrochlore, measurement=Measurement(noise=0.01), d_min=0.6)
    found = LeastSquares(pyrochlore)([merge(data) for data in measured(simulation, 2)], refine=True)
    for row, estimate in enumerate(found):
        np.testing.assert_allclose(estimate.displacement, simulation.draw([row]).displacement[0], atol=0.02)


def test_too_few_reflections_are_an_answer():
    simulation = Simulation(WATER, measurement=Measurement(noise=0.01), d_min=3.5)
    good = Simulation(WATER, measurement=Measurement(noise=0.01), d_min=1.0)
    data = [merge(measured(which, 1)[0]) for which in (good, simulation)]
    first, second = LeastSquares(WATER)([data[0], merge(measured(simulation, 1)[0][:5])], refine=True)
    assert first.r < 0.1
    assert isinstance(second, argand.ArgandError)
    assert "5 reflections for" in str(second)


def test_data_on_one_list():
    noise = Measurement(noise=0.02)
    fine, coarse = (merge(measured(Simulation(WATER, measurement=noise, d_min=d), 1)[0]) for d in (1.5, 2.0))
    seen = on_one_list([coarse, fine], WATER.spacegroup)
    assert len(seen.hkl) == len(fine.hkl)
    for row, data in enumerate((coarse, fine)):
        have = np.isfinite(seen.amplitude[row])
        np.testing.assert_array_equal(seen.hkl[have], data.hkl)
        strong = data.intensity > 5 * data.sigma
        np.testing.assert_allclose(seen.amplitude[row, have][strong], np.sqrt(data.intensity[strong]), rtol=0.01)


def test_what_it_is_made_of(tmp_path):
    write_crystal(tmp_path / "known.cif", WATER)
    estimator = load_estimator(tmp_path / "known.cif")
    assert estimator.fingerprint == load_estimator(tmp_path / "known.cif").fingerprint
    moved = WATER.replace(frac=WATER.frac + 0.01)
    assert LeastSquares(moved).fingerprint != LeastSquares(WATER).fingerprint
    with pytest.raises(argand.ArgandError, match="known"):
        load_estimator(tmp_path / "absent")
