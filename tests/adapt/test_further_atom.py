"""An atom that the known crystal lacks: an adaptation finds it, and it is part of the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation, adapt
from argand.adapt.held_out import as_measured, correlations, true_structure_factors
from argand.adapt.training import simulation_of
from argand.estimate.estimate import with_atom
from argand.refine import Model
from argand.simulate import (
    Independent,
    Measurement,
    Perturbation,
    Simulation,
    Unmodelled,
    write_folder,
)


def test_found_where_it_is_and_only_there(made: Adaptation) -> None:
    """A tenth of 120 samples has such an atom (seed 77); ten samples without it are flagged not."""
    simulation = simulation_of(made.crystal, 0.25, made.settings, seed=77)
    samples = simulation.draw(range(120))
    has_atom = samples.occ[:, -1] > 0.0
    with_atom_rows = np.flatnonzero(has_atom)
    without_rows = np.flatnonzero(~has_atom)[:10]
    rows = np.concatenate([with_atom_rows, without_rows])
    assert has_atom.sum() >= 6
    observed = as_measured(simulation, samples).of_rows(rows)
    true = true_structure_factors(simulation, samples)[rows]
    estimates = made.estimate(observed, refine=True)
    difference = made.models(observed.hkl, made.crystal.cell).difference
    for row, estimate in zip(rows, estimates, strict=True):
        if not has_atom[row]:
            assert estimate.further is None
            assert not estimate.flags
            continue
        assert estimate.further is not None
        _, distance = difference.nearest(estimate.further.frac[None], samples.unmodelled[row])
        assert distance[0, 0] < 0.1
        assert estimate.further.occ == pytest.approx(samples.occ[row, -1], abs=0.1)
        assert estimate.further.b_iso == pytest.approx(4.0, abs=1.0)
        assert any("an atom that the known crystal lacks" in flag for flag in estimate.flags)
        assert estimate.r < 0.06
        np.testing.assert_allclose(estimate.displacement, samples.displacement[row], atol=0.12)
    f = np.array([estimate.f for estimate in estimates])
    assert correlations(observed, f, true, made.crystal.spacegroup).min() > 0.99


def test_in_the_other_answer_it_lies_across_the_centre() -> None:
    """A centrosymmetric structure is described in P 1 (seed 32); the samples have seed 33."""
    half = np.random.default_rng(32).random((3, 3)) * 0.4
    shift = np.array([0.1, 0.2, 0.3])
    known = argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 95.0, 90.0),
        spacegroup="P 1",
        types=("C", "N", "O") * 2,
        frac=np.concatenate([half, shift - half]),
        b_iso=1.0,
    )
    made = adapt(known, d_min=0.9, widths=(0.1,), samples=200)
    changes = Perturbation([Independent(0.05)], unmodelled=Unmodelled("O", probability=1.0))
    simulation = Simulation(known, changes, Measurement(noise=0.01), d_min=0.9, seed=33)
    observed = as_measured(simulation, simulation.draw(range(2)))
    (estimate, *_) = made.estimate(observed, refine=True)
    other = estimate.other
    assert estimate.further is not None
    assert other is not None
    assert other.further is not None
    centre = estimate.further.frac + other.further.frac - shift
    np.testing.assert_allclose(centre, np.rint(centre), atol=1e-9)
    expected = np.abs(estimate.f)
    np.testing.assert_allclose(np.abs(other.f), expected, atol=1e-6)

    model = Model(known, estimate.hkl)
    (moved,) = model.crystals(model.from_displacements(other.displacement)[None])
    f = argand.structure_factors(with_atom(moved, other.further), estimate.hkl)
    stol = argand.reflections.stol(estimate.hkl, known.cell)
    damping = np.exp(-estimate.b_change * np.square(stol))
    np.testing.assert_allclose(other.f, f * damping, atol=1e-6)


def test_it_is_written_with_the_others(made: Adaptation, tmp_path: Path) -> None:
    """The CIF of each data set has the atom, and F of this file agree with the measured |F|."""
    pytest.importorskip("safetensors")
    from argand.cli import main

    changes = Perturbation([Independent(0.2)], unmodelled=Unmodelled("O", probability=1.0))
    simulation = Simulation(made.crystal, changes, Measurement(noise=0.02), d_min=1.1, seed=5)
    write_folder(tmp_path / "files", simulation, range(2), truth=False)
    run = made.save(tmp_path / "made")
    out = tmp_path / "out"
    options = ["-o", str(out), "--workers", "1", "--no-report"]
    assert main(["predict", str(run), str(tmp_path / "files"), *options]) == 0
    for name in ("sample_0000", "sample_0001"):
        written = argand.read_crystal(out / "atoms" / f"{name}.cif")
        assert written.labels == (*made.crystal.labels, "Ox")
        reflections = argand.read_reflections(out / "phases" / f"{name}.mtz")
        f = argand.structure_factors(written, reflections.hkl)
        residual = np.abs(np.abs(f) - reflections.amplitude)
        assert residual.sum() < 0.15 * reflections.amplitude.sum()
