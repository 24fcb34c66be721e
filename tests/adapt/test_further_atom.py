"""An atom that the known crystal lacks: found where it is, only where it is, and part of the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation, adapt
from argand.adapt.held_out import as_measured, correlations, true_structure_factors
from argand.adapt.training import simulation_of
from argand.estimate.difference import Difference
from argand.estimate.estimate import with_atom
from argand.estimate.further_atom import WithFurtherAtom
from argand.estimate.observed import Observed
from argand.refine import GaussianPrior, Model, refine
from argand.simulate import (
    Independent,
    Measurement,
    Perturbation,
    Simulation,
    Unmodelled,
    write_folder,
)


def test_found_where_it_is_and_only_there(made: Adaptation) -> None:
    """Seed 77; a tenth of 120 samples has one."""
    simulation = simulation_of(made.crystal, 0.25, made.about, seed=77)
    samples = simulation.draw(range(120))
    there = samples.occ[:, -1] > 0.0
    rows = np.concatenate([np.flatnonzero(there), np.flatnonzero(~there)[:10]])
    assert there.sum() >= 6
    seen, true = as_measured(simulation, samples), true_structure_factors(simulation, samples)
    seen, true = Observed(seen.hkl, seen.amplitude[rows], seen.sigma[rows]), true[rows]
    found = made.estimate(seen, refine=True)
    difference = made.tools(seen.hkl, made.crystal.cell).difference
    for row, one in zip(rows, found, strict=True):
        if not there[row]:
            assert one.further is None
            assert not one.flags
            continue
        assert one.further is not None
        _, distance = difference.nearest(one.further.frac[None], samples.unmodelled[row])
        assert distance[0, 0] < 0.1
        assert one.further.occ == pytest.approx(samples.occ[row, -1], abs=0.1)
        assert one.further.b_iso == pytest.approx(4.0, abs=1.0)
        assert any("an atom that the known crystal lacks" in words for words in one.flags)
        assert one.r < 0.06
        np.testing.assert_allclose(one.displacement, samples.displacement[row], atol=0.12)
    assert (
        correlations(seen, np.array([one.f for one in found]), true, made.crystal.spacegroup).min()
        > 0.99
    )


def test_f_is_that_of_the_crystal_with_the_atom(crystal: argand.Crystal) -> None:
    u_aniso = np.full((8, 6), np.nan)
    u_aniso[0] = 0.03, 0.02, 0.03, 0.0, 0.005, 0.0
    for known in (crystal, crystal.replace(u_aniso=u_aniso)):
        further = WithFurtherAtom(
            Difference(Model(known, argand.miller_indices(known.cell, known.symops, 1.3))), "O"
        )
        p = np.zeros(len(further.model))
        p[-5:] = 0.4, -0.3, 1.1, 0.7, 0.8
        atom = further.atom(p)
        assert (atom.type, atom.label, atom.occ) == ("O", "Ox", 0.8)
        f = argand.structure_factors(with_atom(known, atom), further.model.hkl)
        np.testing.assert_allclose(further.model.structure_factors(p), f, atol=1e-8)
        assert with_atom(known, None) is known


def test_begins_at_peaks_that_are_no_atoms(crystal: argand.Crystal) -> None:
    """Another atom of the crystal has moved by 0.4 angstrom and leaves a peak as well."""
    model = Model(crystal, argand.miller_indices(crystal.cell, crystal.symops, 1.1))
    further = WithFurtherAtom(Difference(model), "N")
    place = np.random.default_rng(31).random((400, 3))
    _, distance = further.difference.nearest(place, crystal.frac)
    best = place[distance.min(axis=1).argmax()]
    p = np.zeros(len(further.model))
    p[0], p[-5:] = (
        0.4,
        (*(further.difference.axes @ (best - further.model.crystal.frac[-1])), 0.0, 1.0),
    )
    observed = np.abs(further.model.structure_factors(p))
    (start,) = further.starts(observed, np.zeros(len(model)), 1)
    _, off = further.difference.nearest(further.atom(start).frac[None], best[None])
    assert off[0, 0] < 0.4
    prior = further.prior(GaussianPrior.from_sigma(np.zeros(len(model)), 0.4))
    error = np.full_like(observed, 0.01 * observed.mean())
    run = refine(further.model, observed, error, on="F", start=start, prior=prior)
    assert run.figures.r1[0] < 0.01
    assert further.sensible(run.p[0])
    none, upon = run.p[0].copy(), run.p[0].copy()
    none[-1] = 0.05
    upon[-5:-2] = further.difference.axes @ (crystal.frac[0] - further.model.crystal.frac[-1])
    assert not further.sensible(none)
    assert not further.sensible(upon)


def test_in_the_other_answer_it_lies_across_the_centre() -> None:
    """A centrosymmetric structure described in P 1, seed 32; samples of seed 33."""
    half = np.random.default_rng(32).random((3, 3)) * 0.4
    known = argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 95.0, 90.0),
        spacegroup="P 1",
        types=("C", "N", "O") * 2,
        frac=np.concatenate([half, np.array([0.1, 0.2, 0.3]) - half]),
        b_iso=1.0,
    )
    made = adapt(known, d_min=0.9, widths=(0.1,), samples=200)
    changes = Perturbation([Independent(0.05)], unmodelled=Unmodelled("O", probability=1.0))
    simulation = Simulation(known, changes, Measurement(noise=0.01), d_min=0.9, seed=33)
    (one, *_) = made.estimate(as_measured(simulation, simulation.draw(range(2))), refine=True)
    assert one.further is not None
    assert one.other is not None
    assert one.other.further is not None
    centre = one.further.frac + one.other.further.frac - np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(centre, np.rint(centre), atol=1e-9)
    np.testing.assert_allclose(np.abs(one.other.f), np.abs(one.f), atol=1e-6)
    moved = Model(known, one.hkl).crystals(
        Model(known, one.hkl).from_displacements(one.other.displacement)[None]
    )[0]
    f = argand.structure_factors(with_atom(moved, one.other.further), one.hkl)
    stol = argand.reflections.stol(one.hkl, known.cell)
    np.testing.assert_allclose(one.other.f, f * np.exp(-one.b_change * np.square(stol)), atol=1e-6)


def test_it_is_written_with_the_others(made: Adaptation, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    from argand.cli import main

    changes = Perturbation([Independent(0.2)], unmodelled=Unmodelled("O", probability=1.0))
    simulation = Simulation(made.crystal, changes, Measurement(noise=0.02), d_min=1.1, seed=5)
    write_folder(tmp_path / "files", simulation, range(2), truth=False)
    run = made.save(tmp_path / "made")
    out = tmp_path / "out"
    assert (
        main(
            [
                "predict",
                str(run),
                str(tmp_path / "files"),
                "-o",
                str(out),
                "--workers",
                "1",
                "--no-report",
            ]
        )
        == 0
    )
    for name in ("sample_0000", "sample_0001"):
        written = argand.read_crystal(out / "atoms" / f"{name}.cif")
        assert written.labels == (*made.crystal.labels, "Ox")
        reflections = argand.read_reflections(out / "phases" / f"{name}.mtz")
        f = argand.structure_factors(written, reflections.hkl)
        assert np.abs(np.abs(f) - reflections.amplitude).sum() < 0.15 * reflections.amplitude.sum()
