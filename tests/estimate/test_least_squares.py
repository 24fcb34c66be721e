"""Least squares from the known structure: riding, further starts, radiation, too few data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cell import beta_from_b_iso, u_aniso_from_beta
from argand.cli._estimator import load_estimator
from argand.estimate.least_squares import LeastSquares
from argand.estimate.observed import on_one_list
from argand.io import Reflections, write_crystal
from argand.measured import Merged, merge
from argand.radiation import Radiation
from argand.series import predict_series
from argand.simulate import Groups, Independent, Measurement, Perturbation, Simulation, write_folder
from argand.site_symmetry import cartesian_axes
from data_dir import DATA
from intensities import measured as sphere
from intensities import random_crystal

WATER = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 80.0, 95.0, 103.0),
    spacegroup="P -1",
    types=("O", "H", "H", "S", "Se"),
    frac=np.array(
        [[0.2, 0.2, 0.2], [0.3, 0.25, 0.2], [0.15, 0.22, 0.29], [0.6, 0.7, 0.3], [0.6, 0.7, 0.3]]
    ),
    occ=np.array([1, 1, 1, 0.6, 0.4]),
    b_iso=2.0,
)


def measured(simulation: Simulation, count: int) -> list[Reflections]:
    """Draw the intensities of the first samples of a simulation."""
    samples = simulation.draw(range(count))
    reflections = []
    for i in range(count):
        sample = Reflections(
            simulation.hkl,
            intensity=samples.intensity[i],
            sigma=samples.sigma[i],
            cell=tuple(samples.cell[i]),
            spacegroup=simulation.crystal.spacegroup,
        )
        reflections.append(sample)
    return reflections


def merged(simulation: Simulation, count: int) -> list[Merged]:
    """Draw the merged intensities of the first samples of a simulation."""
    return [merge(reflections) for reflections in measured(simulation, count)]


def test_hydrogens_and_shared_sites_follow():
    """Both hydrogens move with their oxygen, and the selenium with the sulphur at its site."""
    estimator = LeastSquares(WATER)
    simulation = Simulation(
        WATER,
        Perturbation([Groups(0.15, ((0, 1, 2), (3, 4)), rotation=0.0)]),
        Measurement(noise=0.01),
        d_min=1.0,
    )
    true = simulation.draw(range(3)).displacement
    for row, estimate in enumerate(estimator(merged(simulation, 3), refine=True)):
        displacement = estimate.displacement
        np.testing.assert_allclose(displacement[1], displacement[0], atol=1e-12)
        np.testing.assert_allclose(displacement[4], displacement[3], atol=1e-12)
        np.testing.assert_allclose(displacement, true[row], atol=0.01)
        assert np.isfinite(estimate.sigma).all()
        assert (estimate.sigma > 0).all()


def test_hydrogens_leave_where_the_data_ask_for_it():
    """Hydrogens that are elsewhere than riding allows leave their carrier; noise is no reason."""
    away = np.array([[0, 0, 0], [-0.02, 0.04, 0.01], [0.03, 0.0, -0.03], [0, 0, 0], [0, 0, 0]])
    true = WATER.replace(frac=WATER.frac + away)
    simulation = Simulation(
        true,
        Perturbation([Groups(0.01, "hydrogens", rotation=0.0)]),
        Measurement(noise=0.01),
        d_min=0.8,
    )
    data = merged(simulation, 2)
    for estimate in LeastSquares(WATER)(data, refine=True):
        np.testing.assert_allclose(estimate.displacement, away @ cartesian_axes(WATER).T, atol=0.08)
        assert (estimate.sigma[1:3] > 3.0 * estimate.sigma[0]).all()
    for estimate in LeastSquares(true)(data, refine=True):
        np.testing.assert_allclose(
            estimate.displacement[1:3], estimate.displacement[[0, 0]], atol=1e-12
        )


def test_further_starts_solve_what_one_start_does_not():
    """Displacements of 0.6 angstrom lead least squares from the known structure astray."""
    known = random_crystal("P -1", atoms=10, seed=3)
    simulation = Simulation(
        known, Perturbation([Independent(0.6)]), Measurement(noise=0.02), d_min=1.0, seed=4
    )
    data = merged(simulation, 6)
    quick = LeastSquares(known)(data, refine=False)
    refined = LeastSquares(known)(data, refine=True)
    assert sum(estimate.r < 0.05 for estimate in refined) >= 5
    assert sum(estimate.r < 0.05 for estimate in quick) <= 3
    assert all(estimate.flags for estimate in refined if estimate.r > 0.25)


def test_neutrons_and_extinction_follow_the_file(tmp_path):
    """Reflections are calculated for the radiation that the file of the known structure names."""
    write_crystal(tmp_path / "x.cif", WATER)
    text = (tmp_path / "x.cif").read_text()
    (tmp_path / "n.cif").write_text(text + "\n_diffrn_radiation_probe neutron\n")
    simulation = Simulation(
        WATER,
        Perturbation([Independent(0.1)]),
        Measurement(noise=0.01),
        d_min=0.8,
        radiation=Radiation("neutron"),
    )
    data = merged(simulation, 1)
    assert load_estimator(tmp_path / "n.cif")(data, refine=True)[0].r < 0.02
    assert load_estimator(tmp_path / "x.cif")(data, refine=False)[0].r > 0.2
    prints = {load_estimator(tmp_path / name).fingerprint for name in ("x.cif", "n.cif")}
    assert len(prints) == 2


@pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")
def test_where_nothing_moves_scale_b_and_extinction_are_found(tmp_path):
    record = predict_series(
        load_estimator(DATA / "4003024.cif"), [DATA / "4003024.cif"], tmp_path, workers=1
    )[0]
    assert record.r1 == pytest.approx(0.0162, abs=0.003)  # as published, with extinction
    assert record.rms == 0.0
    assert not record.flags


def test_special_positions_stay():
    """Displacements of a pyrochlore are found along the directions that symmetry leaves free."""
    pyrochlore = argand.read_crystal(DATA / "2002248.cif")
    simulation = Simulation(pyrochlore, measurement=Measurement(noise=0.01), d_min=0.6)
    true = simulation.draw(range(2)).displacement
    estimates = LeastSquares(pyrochlore)(merged(simulation, 2), refine=True)
    for row, estimate in enumerate(estimates):
        np.testing.assert_allclose(estimate.displacement, true[row], atol=0.02)


@pytest.mark.parametrize("format", ["hkl", "mtz"])
def test_a_setting_without_a_name_is_written_in_p1(tmp_path, format):
    shifted = WATER.replace(
        frac=WATER.frac + np.array([0.125, 0, 0]), symops=("x,y,z", "-x+1/4,-y,-z")
    )
    assert "," in shifted.spacegroup
    moves = Perturbation([Groups(0.1, "hydrogens", rotation=0.0)])
    simulation = Simulation(shifted, moves, Measurement(noise=0.01), d_min=1.0)
    write_crystal(tmp_path / "known.cif", shifted)
    write_folder(tmp_path / "files", simulation, [0], format=format)
    truth = argand.read_reflections(tmp_path / "files" / "truth" / "sample_0000.mtz")
    size = np.abs(simulation.f0).max()
    np.testing.assert_allclose(
        truth.f,
        argand.structure_factors(simulation.true_crystal(simulation.draw([0]), 0), truth.hkl),
        atol=1e-4 * size,
    )
    assert len(truth.hkl) == 2 * len(simulation.hkl)
    record = predict_series(
        load_estimator(tmp_path / "known.cif"),
        [tmp_path / "files"],
        tmp_path / "out",
        maps=True,
        workers=1,
    )[0]
    assert record.r < 0.02
    found = argand.read_reflections(tmp_path / "out" / "phases" / "sample_0000.mtz")
    assert found.spacegroup == "P 1"
    true = simulation.true_crystal(simulation.draw([0]), 0)
    f = argand.structure_factors(true, found.hkl)
    assert argand.map_correlation(found.hkl, found.amplitude * np.exp(1j * found.phase), f) > 0.999
    rho, _, _ = argand.read_map(tmp_path / "out" / "maps" / "sample_0000.ccp4")
    peak = np.unravel_index(rho.argmax(), rho.shape) / np.array(rho.shape)
    apart = peak - np.array([true.frac[3], [0.25, 0, 0] - true.frac[3]])
    assert np.abs(apart - np.rint(apart)).max(axis=1).min() < 0.03


def test_too_few_reflections_are_an_answer():
    """The other data set of the call is estimated."""
    coarse = Simulation(WATER, measurement=Measurement(noise=0.01), d_min=3.5)
    fine = Simulation(WATER, measurement=Measurement(noise=0.01), d_min=1.0)
    few = merge(measured(coarse, 1)[0][:5])
    estimate, error = LeastSquares(WATER)([*merged(fine, 1), few], refine=True)
    assert estimate.r < 0.1
    assert isinstance(error, argand.ArgandError)
    assert "5 reflections for" in str(error)


def test_data_on_one_list():
    """The list goes to the best resolution; strong amplitudes are roots of intensities."""
    noise = Measurement(noise=0.02)
    (fine,) = merged(Simulation(WATER, measurement=noise, d_min=1.5), 1)
    (coarse,) = merged(Simulation(WATER, measurement=noise, d_min=2.0), 1)
    observed = on_one_list([coarse, fine], WATER.spacegroup)
    assert len(observed.hkl) == len(fine.hkl)
    for row, data in enumerate((coarse, fine)):
        is_measured = np.isfinite(observed.amplitude[row])
        np.testing.assert_array_equal(observed.hkl[is_measured], data.hkl)
        amplitude = observed.amplitude[row, is_measured]
        strong = data.intensity > 5 * data.sigma
        expected = np.sqrt(data.intensity[strong])
        np.testing.assert_allclose(amplitude[strong], expected, rtol=0.01)


def test_fingerprint_is_that_of_the_structure(tmp_path):
    """A file gives one fingerprint, another structure another."""
    write_crystal(tmp_path / "known.cif", WATER)
    estimator = load_estimator(tmp_path / "known.cif")
    assert estimator.fingerprint == load_estimator(tmp_path / "known.cif").fingerprint
    moved = WATER.replace(frac=WATER.frac + 0.01)
    assert LeastSquares(moved).fingerprint != LeastSquares(WATER).fingerprint
    with pytest.raises(argand.ArgandError, match="known"):
        load_estimator(tmp_path / "absent")


def test_a_site_of_low_occupancy_stays_where_it_is_known():
    """A tenth of an oxygen is not seen in noisy data: it does not wander, and is named."""
    known = WATER.replace(
        types=(*WATER.types, "O"),
        labels=(*WATER.labels, "O9"),
        frac=np.concatenate([WATER.frac, [[0.45, 0.1, 0.75]]]),
        occ=np.append(WATER.occ, 0.1),
        b_iso=np.append(WATER.b_iso, 6.0),
    )
    simulation = Simulation(
        known, Perturbation([Independent((0.0, 0.0))]), Measurement(noise=0.15), d_min=1.4
    )
    for estimate in LeastSquares(known)(merged(simulation, 3), refine=True):
        assert np.linalg.norm(estimate.displacement[-1]) < 0.12
        assert estimate.r <= estimate.r_known
        assert "O9" in estimate.unseen
        assert "S4" not in estimate.unseen


def test_the_known_structure_is_kept_where_no_displacement_has_a_lower_r():
    """R of each answer is at most that of the known structure, and the answer says which it is."""
    simulation = Simulation(
        WATER, Perturbation([Independent((0.0, 0.0))]), Measurement(noise=0.3), d_min=1.5
    )
    estimates = LeastSquares(WATER)(merged(simulation, 20), refine=False)
    kept = [estimate for estimate in estimates if not estimate.displacement.any()]
    assert all(estimate.r <= estimate.r_known for estimate in estimates)
    assert kept
    for estimate in kept:
        assert estimate.r == estimate.r_known
        assert "no displacement has a lower R: the known structure is kept" in estimate.flags


@pytest.mark.parametrize("anisotropic", [False, True])
def test_atoms_that_vibrate_differently_are_refined_so(anisotropic: bool):
    """At another temperature each site has its own B: they are found, and R is that of noise."""
    known = random_crystal("P 1 21/c 1", 8)
    if anisotropic:
        # Half of the sites: the mean of the three is what B = 2 is.
        u_aniso = np.full((8, 6), np.nan)
        u_aniso[::2] = 2.0 / (8 * np.pi**2) * np.array([1.2, 0.8, 1.0, 0.0, 0.22, 0.0])
        known = known.replace(u_aniso=u_aniso)
    change = np.array([-1.2, 0.9, -0.5, 1.6, -1.0, 0.3, 2.0, -0.7])
    rng = np.random.default_rng(3)
    shift = 0.03 * rng.normal(size=(8, 3)) / np.array(known.cell[:3])
    true = known.replace(frac=known.frac + shift, b_iso=known.b_iso + change)
    if anisotropic:
        u_of_b = u_aniso_from_beta(beta_from_b_iso(np.ones(()), known.cell), known.cell)
        true = true.replace(u_aniso=known.u_aniso + change[:, None] * u_of_b)
    data = merge(sphere(true, d_min=0.8, noise=0.01))
    (estimate,) = LeastSquares(known)([data], refine=True)
    assert estimate.vibrating is not None
    np.testing.assert_allclose(estimate.vibrating.b_iso, true.b_iso, atol=0.1)
    cartesian = shift @ cartesian_axes(known).T
    np.testing.assert_allclose(estimate.displacement, cartesian, atol=0.01)
    assert estimate.r < 0.02
    f = argand.structure_factors(estimate.vibrating, estimate.hkl)
    np.testing.assert_allclose(f, estimate.f, rtol=1e-6, atol=1e-4)


def test_noise_is_no_reason_to_refine_vibration():
    known = random_crystal("P 1 21/c 1", 8)
    data = merge(sphere(known, d_min=0.8, noise=0.1))
    (estimate,) = LeastSquares(known)([data], refine=True)
    assert estimate.vibrating is None


def test_too_few_reflections_for_vibration():
    known = random_crystal("P 1 21/c 1", 8)
    true = known.replace(b_iso=known.b_iso + np.linspace(-1.0, 2.0, 8))
    (estimate,) = LeastSquares(known)([merge(sphere(true, d_min=1.7))], refine=True)
    assert estimate.vibrating is None


def test_a_known_structure_that_scatters_nothing_is_refused(tmp_path: Path) -> None:
    """Its amplitudes are 0, so that no scale fits them."""
    empty = WATER.replace(occ=np.zeros(len(WATER.types)))
    with pytest.raises(argand.ArgandError, match="no site of the crystal is occupied"):
        LeastSquares(empty)
    write_crystal(tmp_path / "empty.cif", empty)
    with pytest.raises(argand.ArgandError, match=r"empty\.cif: no site .* needs one that scatters"):
        load_estimator(tmp_path / "empty.cif")
