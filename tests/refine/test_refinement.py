"""Test refinement: known parameters come back, with uncertainties that are their scatter."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.refine import GaussianPrior, Model, Weighting, free, refine
from argand.refine._target import Target
from argand.refine._uncertainty import _inverse
from refined_structures import STRUCTURES, structure


def model_of(spacegroup, d_min=0.8, sites=5, **choice):
    """Return a model of a small structure with all unique reflections to a resolution."""
    crystal = structure(spacegroup, sites=sites)
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min)
    return Model(crystal, hkl, free(crystal, **choice))


def displaced(model, n, rms, seed):
    """Return parameters (n, k) of random displacements with a root mean square in angstrom.

    The mean of the cell stays where it was.
    """
    rng = np.random.default_rng(seed)
    p = rng.normal(size=(n, len(model))) * rms / np.sqrt(3)
    floating = model.floating()
    return p - p @ floating.T @ floating


def intensities(model, p, scale=3.0):
    """Return exact intensities (n, m) on a scale that refinement has to find."""
    return scale * np.abs(model.structure_factors(p)) ** 2


@pytest.mark.parametrize("spacegroup", list(STRUCTURES))
@pytest.mark.parametrize("on", ["F", "F2"])
def test_clean_data_give_back_the_displacements(spacegroup, on):
    model = model_of(spacegroup)
    p = displaced(model, 4, 0.05, seed=5)
    observed = intensities(model, p)
    observed = observed if on == "F2" else np.sqrt(observed)
    refinement = refine(model, observed, on=on, tolerance=1e-9)
    assert np.abs(refinement.p - p).max() < 1e-6
    assert refinement.converged.all()
    assert refinement.figures.r1.max() < 1e-6
    assert np.allclose(refinement.scale, 3.0 if on == "F2" else np.sqrt(3.0))
    assert np.allclose(
        refinement.structure_factors(), model.structure_factors(p), rtol=1e-5, atol=1e-3
    )


def test_displacement_occupancy_and_overall_b():
    model = model_of(
        "P 1 21/c 1", d_min=0.6, displacement=True, occupancies=[False, True, False, False, False]
    )
    p = np.random.default_rng(3).normal(size=(3, len(model))) * 0.02
    refinement = refine(model, intensities(model, p), tolerance=1e-10, cycles=200)
    assert np.abs(refinement.p - p).max() < 1e-5
    overall = model_of("P 1 21/c 1", overall_b=True)
    b = np.zeros((2, len(overall)))
    b[:, -1] = 0.7, -0.4
    refinement = refine(overall, intensities(overall, b))
    assert np.abs(refinement.p - b).max() < 1e-5


def test_half_an_angstrom_and_annealing():
    model = model_of("P -1", sites=8)
    p = displaced(model, 12, 0.5, seed=8)
    for anneal in ((), (1.2,)):
        refinement = refine(model, intensities(model, p), anneal=anneal)
        assert (refinement.figures.r1 < 1e-3).sum() >= 10


def test_lbfgs_ends_where_lm_ends():
    model = model_of("P 1 21/c 1")
    p = displaced(model, 2, 0.1, seed=6)
    observed = intensities(model, p) * np.random.default_rng(7).normal(
        1.0, 0.02, (2, len(model.hkl))
    )
    lm = refine(model, observed, tolerance=1e-9)
    lbfgs = refine(model, observed, method="lbfgs", cycles=500, tolerance=1e-9)
    assert np.abs(lm.p - lbfgs.p).max() < 1e-4
    assert np.allclose(lm.chi2, lbfgs.chi2, rtol=1e-6)


def test_a_batch_gives_the_result_of_each_data_set():
    model = model_of("P 1 21/c 1")
    p = displaced(model, 5, 0.3, seed=9)
    observed = intensities(model, p) * np.random.default_rng(10).normal(
        1.0, 0.03, (5, len(model.hkl))
    )
    # A gap of one data set must not touch the others.
    observed[2, ::7] = np.nan
    together = refine(model, observed)
    for i in range(5):
        alone = refine(model, observed[i])
        assert np.abs(alone.p[0] - together.p[i]).max() < 1e-8
        assert alone.cycles[0] == together.cycles[i]
        assert alone.figures.r1[0] == pytest.approx(together.figures.r1[i])
        assert np.allclose(alone.sigma[0], together.sigma[i], rtol=1e-6)


@pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21 1", "P 1"])
def test_standard_uncertainties_are_the_scatter_of_repeated_refinements(spacegroup):
    model = model_of(spacegroup, d_min=1.0, sites=4, displacement=[False, True, False, False])
    rng = np.random.default_rng(12)
    true = np.zeros(len(model))
    clean = intensities(model, true[None])
    sigma = 0.03 * clean + 0.01 * clean.mean()
    observed = clean + sigma * rng.normal(size=(300, len(model.hkl)))
    refinement = refine(model, observed, sigma, covariance=True, tolerance=1e-8)
    assert np.abs(refinement.figures.goodness.mean() - 1.0) < 0.03
    # The scatter of 300 is known to 4 %; the largest of some twenty deviates by three times that.
    ratio = refinement.p.std(axis=0) / refinement.sigma.mean(axis=0)
    assert np.abs(ratio - 1.0).max() < 0.15
    bias = refinement.p.mean(axis=0) / refinement.p.std(axis=0)
    assert np.abs(bias).max() * np.sqrt(300) < 5.0
    # Correlations too: compare the scatter along the eigenvectors of the covariance.
    values, vectors = np.linalg.eigh(refinement.covariance.mean(axis=0))
    along = (refinement.p @ vectors).std(axis=0)
    determined = values > 1e-6 * values.max()
    assert determined.sum() == len(model) - len(model.floating())
    ratio = along[determined] / np.sqrt(values[determined])
    assert np.abs(ratio - 1.0).max() < 0.2


def test_prior_of_a_linear_problem_gives_the_posterior_in_closed_form():
    # |F| of a centrosymmetric crystal is linear in the occupancies as long as no sign changes.
    crystal = structure("P -1")
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.0)
    model = Model(crystal, hkl, free(crystal, positions=False, occupancies=True))
    zero = np.zeros((1, len(model)))
    amplitudes = np.abs(model.structure_factors(zero))[0]
    strong = amplitudes > 0.3 * amplitudes.mean()
    sigma = np.where(strong, 5.0, np.nan)
    rng = np.random.default_rng(14)
    true_p = rng.normal(size=len(model)) * 0.01
    noise = 5.0 * rng.normal(size=len(hkl))
    observed = np.abs(model.structure_factors(true_p)) + noise
    mean, root = (
        rng.normal(size=len(model)) * 0.01,
        rng.normal(size=(len(model), len(model))) * 0.02,
    )
    covariance = root @ root.T + 1e-5 * np.eye(len(model))
    prior = GaussianPrior.from_covariance(mean, covariance)
    refinement = refine(
        model, observed, sigma, on="F", scale=1.0, prior=prior, covariance=True, tolerance=1e-12
    )
    signs = np.sign(model.structure_factors(zero).real)
    a = model.jacobian_along(zero, signs)[0][:, strong] / 5.0
    precision = a @ a.T + np.linalg.inv(covariance)
    expected = np.linalg.solve(
        precision, a @ (observed - amplitudes)[strong] / 5.0 + np.linalg.solve(covariance, mean)
    )
    assert np.abs(refinement.p[0] - expected).max() < 1e-5 * np.abs(expected).max() + 1e-8
    posterior = np.linalg.inv(precision)
    assert np.allclose(refinement.covariance[0], posterior, rtol=1e-4, atol=1e-12)


def test_prior_alone_where_nothing_was_measured():
    model = model_of("P -1", d_min=1.0)
    observed = np.full(len(model.hkl), np.nan)
    prior = GaussianPrior.from_sigma(np.full(len(model), 0.05), 0.1)
    refinement = refine(model, observed, np.ones_like(observed), prior=prior)
    assert np.abs(refinement.p - 0.05).max() < 1e-6
    assert np.allclose(refinement.sigma, 0.1)


def test_known_scale_and_wrong_scale():
    model = model_of("P 1 21/c 1")
    p = displaced(model, 2, 0.1, seed=15)
    observed = intensities(model, p)
    assert refine(model, observed, scale=3.0).figures.r1.max() < 1e-3
    assert refine(model, observed, scale=1.0).figures.r1.min() > 0.2


def test_weights_and_figures_by_their_definition():
    model = model_of("P -1", d_min=1.0)
    rng = np.random.default_rng(16)
    clean = intensities(model, np.zeros((1, len(model))), scale=1.0)[0]
    sigma = 0.05 * clean + 5.0
    observed = clean + sigma * rng.normal(size=len(clean))
    refinement = refine(model, observed, sigma, weighting=Weighting(0.05, 0.3))
    k = refinement.scale[0]
    calculated = np.abs(refinement.structure_factors()[0]) ** 2
    p = (np.maximum(observed / k, 0) + 2 * calculated) / 3
    w = 1 / ((sigma / k) ** 2 + (0.05 * p) ** 2 + 0.3 * p)
    fo, fc = np.sqrt(np.maximum(observed / k, 0)), np.sqrt(calculated)
    strong = observed > 2 * sigma
    residual = w * (observed / k - calculated) ** 2
    figures = refinement.figures
    difference = np.abs(fo - fc)
    assert figures.r1[0] == pytest.approx(difference.sum() / fo.sum())
    r1_strong = difference[strong].sum() / fo[strong].sum()
    assert figures.r1_strong[0] == pytest.approx(r1_strong)
    assert figures.strong[0] == strong.sum()
    assert figures.wr2[0] == pytest.approx(
        np.sqrt(residual.sum() / (w * (observed / k) ** 2).sum())
    )
    free_parameters = len(model) + 1
    assert figures.goodness[0] == pytest.approx(
        np.sqrt(residual.sum() / (len(clean) - free_parameters))
    )


def test_a_parameter_without_effect_has_no_uncertainty():
    crystal = structure("P -1")
    model = Model(
        crystal.replace(occ=[1, 0, 1, 1, 1]), argand.miller_indices(crystal.cell, "P -1", 1.0)
    )
    p = np.zeros((1, len(model)))
    refinement = refine(
        model, intensities(model, p) + np.random.default_rng(17).normal(size=len(model.hkl))
    )
    blind = np.array([name.startswith("O2.") for name in model.parameters.names])
    assert np.isnan(refinement.sigma[0, blind]).all()
    assert np.isfinite(refinement.sigma[0, ~blind]).all()


def test_uncertainties_may_be_left_out():
    """The parameters are the same, and sigma is NaN; covariances bring the uncertainties back."""
    model = model_of("P -1")
    observed = intensities(model, displaced(model, 2, 0.05, seed=8))
    complete = refine(model, observed)
    quick = refine(model, observed, uncertainties=False)
    np.testing.assert_array_equal(quick.p, complete.p)
    assert np.isnan(quick.sigma).all()
    assert np.isfinite(complete.sigma).all()
    with_covariance = refine(model, observed, uncertainties=False, covariance=True)
    np.testing.assert_allclose(with_covariance.sigma, complete.sigma)


def test_little_damping_saves_cycles_near_the_minimum():
    """From .02 A away steps of Gauss and Newton converge in fewer cycles than damped ones."""
    model = model_of("P 1 21/c 1")
    p = displaced(model, 3, 0.02, seed=9)
    observed = intensities(model, p)
    damped = refine(model, observed)
    quick = refine(model, observed, damping=1e-4)
    assert np.abs(quick.p - p).max() < 1e-5
    assert (quick.cycles < damped.cycles).all()


def test_progress_and_interruption():
    model = model_of("P 1 21/c 1", d_min=1.0)
    p = displaced(model, 3, 0.3, seed=18)
    observed = intensities(model, p)
    reports = []
    refine(model, observed, anneal=(1.5,), progress=reports.append)
    assert {t.stage for t in reports} == {0, 1}
    assert reports[-1].finished == reports[-1].total == 3

    def stop(progress):
        if len(reports) == 2:
            raise KeyboardInterrupt
        reports.append(progress)

    reports.clear()
    refinement = refine(model, observed, progress=stop)
    assert refinement.interrupted
    assert not refinement.converged.any()
    assert np.isnan(refinement.sigma).all()
    start = refine(model, observed, cycles=0)
    assert refinement.figures.r1.max() < start.figures.r1.max()


def test_arguments_that_do_not_fit_are_named():
    model = model_of("P -1", d_min=1.0)
    ones = np.ones(len(model.hkl))
    with pytest.raises(ArgandError, match=r"observed has shape \(3,\), needs"):
        refine(model, ones[:3])
    with pytest.raises(ArgandError, match="sigma is not given"):
        refine(model, ones, weighting=Weighting(0.1))
    with pytest.raises(ArgandError, match="sigma holds 0 or less"):
        refine(model, ones, 0 * ones)
    with pytest.raises(ArgandError, match="reflections for 12 parameters"):
        refine(model, np.where(np.arange(len(ones)) < 9, ones, np.nan))
    with pytest.raises(ArgandError, match="start has shape"):
        refine(model, ones, start=np.zeros(3))
    with pytest.raises(ArgandError, match="damping is 0"):
        refine(model, ones, damping=0.0)
    with pytest.raises(ArgandError, match="on is 'I'"):
        refine(model, ones, on="I")
    with pytest.raises(ValueError, match="prior has mean"):
        GaussianPrior(np.zeros(3), np.eye(4))
    with pytest.raises(ValueError, match="not positive definite"):
        GaussianPrior.from_covariance(np.zeros(2), -np.eye(2))
    with pytest.raises(ValueError, match="weights are a = -1"):
        Weighting(-1.0)


@pytest.mark.parametrize("cycles", [1, 3])
def test_a_cycle_makes_its_normal_equations_once(cycles, monkeypatch):
    """As many normal matrices are made as there are cycles: none is made after the last step."""
    model = model_of("P -1")
    data = intensities(model, displaced(model, 1, 0.1, seed=5))
    calls = []
    normal = Target.normal

    def counted(target, *arguments):
        calls.append(arguments)
        return normal(target, *arguments)

    monkeypatch.setattr(Target, "normal", counted)
    refined = refine(model, data, cycles=cycles, tolerance=0.0, uncertainties=False)
    assert refined.cycles[0] == cycles
    assert len(calls) == cycles


@pytest.mark.parametrize("least", [1e-3, 1e-13])
def test_inverse_leaves_out_what_is_rounding(least):
    """A matrix with a tiny eigenvalue has the inverse of its others, any other its own (seed 2)."""
    rng = np.random.default_rng(2)
    vectors, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    values = np.array([least, 0.4, 0.7, 1.0, 1.3, 1.6])
    reciprocals = np.where(values > 1e-10, 1.0 / values, 0.0)
    inverse = _inverse((vectors * values) @ vectors.T)
    np.testing.assert_allclose(inverse, (vectors * reciprocals) @ vectors.T, rtol=1e-9, atol=1e-9)
