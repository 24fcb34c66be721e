"""Objects that have been used are pickled, and work in a process that was spawned."""

from __future__ import annotations

import multiprocessing
import pickle

import numpy as np

import argand
from argand.adapt import adapt
from argand.copies import Copies
from argand.measured import merge
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder

CRYSTAL = argand.Crystal(
    cell=(6.0, 7.0, 8.0, 90.0, 98.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("Fe", "O", "C"),
    frac=[[0.1, 0.2, 0.3], [0.3, 0.1, 0.6], [0.4, 0.4, 0.1]],
    b_iso=1.0,
)
SIMULATION = Simulation(
    CRYSTAL, Perturbation([Independent(0.2)]), Measurement(noise=0.03), d_min=1.0
)


def test_a_used_crystal_works_in_a_spawned_process() -> None:
    hkl = argand.miller_indices(CRYSTAL.cell, CRYSTAL.spacegroup, d_min=1.0)
    expected = argand.structure_factors(CRYSTAL, hkl)
    # A function of argand: the new process cannot import this file. Without a limit of time a
    # process that cannot read its work would keep the pool waiting.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        f = pool.apply_async(argand.structure_factors, (CRYSTAL, hkl)).get(timeout=120)
    np.testing.assert_array_equal(f, expected)


def test_used_copies_and_simulations_are_pickled() -> None:
    hkl = argand.miller_indices(CRYSTAL.cell, CRYSTAL.spacegroup, d_min=1.0)
    copies = Copies(CRYSTAL, hkl)
    sites = (CRYSTAL.frac[None], copies.beta(), CRYSTAL.occ[None])
    f = copies.structure_factors(*sites)
    unpickled = pickle.loads(pickle.dumps(copies))
    np.testing.assert_array_equal(unpickled.structure_factors(*sites), f)
    displacements = SIMULATION.displacements([3])
    unpickled_simulation = pickle.loads(pickle.dumps(SIMULATION))
    np.testing.assert_array_equal(unpickled_simulation.displacements([3]), displacements)


def test_a_used_adaptation_is_pickled(tmp_path) -> None:
    adaptation = adapt(CRYSTAL, d_min=1.0, widths=(0.2,), samples=200)
    write_folder(tmp_path, SIMULATION, range(1))
    reflections = argand.read_reflections(tmp_path / "sample_0000.hkl")
    merged = merge(reflections, cell=CRYSTAL.cell, spacegroup=CRYSTAL.symops)
    (estimate,) = adaptation([merged], refine=True)
    unpickled = pickle.loads(pickle.dumps(adaptation))
    (estimate_of_unpickled,) = unpickled([merged], refine=True)
    np.testing.assert_array_equal(estimate_of_unpickled.f, estimate.f)
