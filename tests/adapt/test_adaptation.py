"""An adaptation from its samples to its answers: what it finds, flags and refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation, adapt
from argand.adapt.held_out import as_measured, correlations, held_out, true_structure_factors
from argand.adapt.training import simulation_of
from argand.errors import ArgandError
from argand.estimate import Estimate, Observed
from argand.estimate.estimate import EstimateOptions
from argand.measured import Merged, calculated_intensity
from argand.radiation import Radiation
from argand.refine import refine as refine_one_model
from argand.simulate import Samples


def drawn(
    made: Adaptation, rms: float, n: int, *, seed: int = 77, **changes: Any
) -> tuple[Samples, Observed, np.ndarray]:
    """Draw n samples whose atoms have moved by `rms` angstrom; return them as measured, and F."""
    settings = replace(made.settings, **changes)
    simulation = simulation_of(made.crystal, rms, settings, seed=seed)
    samples = simulation.draw(range(n))
    return samples, as_measured(simulation, samples), true_structure_factors(simulation, samples)


def structure_factors(estimates: Sequence[Estimate]) -> np.ndarray:
    """Return F (b, m) of estimates on one list of reflections."""
    return np.array([estimate.f for estimate in estimates])


@pytest.mark.parametrize(("rms", "quick"), [(0.1, 0.99), (0.25, 0.98), (0.5, 0.85)])
def test_finds_what_was_simulated(made: Adaptation, rms: float, quick: float) -> None:
    """Maps correlate with the true ones, better after refinement; displacements, B and R agree."""
    samples, observed, true = drawn(made, rms, 12, unmodelled=None)
    at_once = made.estimate(observed, refine=False)
    refined = made.estimate(observed, refine=True)
    group = made.crystal.spacegroup
    f0 = argand.structure_factors(made.crystal, made.hkl)
    known_cc = correlations(observed, np.broadcast_to(f0, true.shape), true, group)
    at_once_cc = correlations(observed, structure_factors(at_once), true, group)
    refined_cc = correlations(observed, structure_factors(refined), true, group)
    assert at_once_cc.mean() > max(quick, known_cc.mean())
    assert (refined_cc > 0.99).sum() >= 11
    for row, estimate in enumerate(refined):
        if refined_cc[row] > 0.99:
            expected = samples.displacement[row]
            np.testing.assert_allclose(estimate.displacement, expected, atol=0.12)
            assert estimate.b_change == pytest.approx(samples.b_change[row], abs=0.4)
            assert estimate.r < 0.06 < estimate.r_known


def test_uncertainty_tells_the_error(made: Adaptation) -> None:
    """The rms error of 24 samples lies within a factor of two of the stated uncertainty."""
    samples, observed, _ = drawn(made, 0.2, 24, unmodelled=None)
    for refine in (False, True):
        estimates = made.estimate(observed, refine=refine)
        displacement = np.array([estimate.displacement for estimate in estimates])
        sigma = np.array([estimate.sigma for estimate in estimates])
        error = displacement - samples.displacement
        mean_square = np.square(error).sum(axis=2).mean()
        ratio = np.sqrt(mean_square / np.square(sigma).mean())
        assert 0.5 < ratio < 2.0, refine


def test_size_is_estimated(made: Adaptation) -> None:
    """The median width of 30 samples is off by less than 15 %."""
    for rms in (0.12, 0.25, 0.5):
        samples, observed, _ = drawn(made, rms, 30)
        estimates = made.estimate(observed, refine=False)
        r_known = np.array([estimate.r_known for estimate in estimates])
        ratio = made.curve(r_known) / samples.rms()
        assert np.median(ratio) == pytest.approx(1.0, abs=0.15)


def test_further_rounds_find_what_the_first_starts_do_not(made: Adaptation) -> None:
    """The atoms of 12 crystals have moved by 0.9 angstrom (seed 78)."""
    _, observed, true = drawn(made, 0.9, 12, seed=78, unmodelled=None)
    solved = []
    for rounds in (0, 4):
        patient = replace(made, settings=replace(made.settings, rounds=rounds))
        f = structure_factors(patient.estimate(observed, refine=True))
        cc = correlations(observed, f, true, made.crystal.spacegroup)
        solved.append(int((cc > 0.97).sum()))
    assert solved[0] >= 5
    assert solved[1] >= solved[0] + 2


def test_data_on_which_three_starts_agree_are_searched_no_further(
    made: Adaptation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors ten times the stated ones leave R where it is: three starts, and a further atom."""
    _, observed, _ = drawn(made, 0.15, 4, seed=80, unmodelled=None, noise=0.1)
    refinements = []

    def counted(*arguments: Any, **options: Any) -> Any:
        refinements.append(len(arguments[1]))
        return refine_one_model(*arguments, **options)

    monkeypatch.setattr("argand.estimate.state.refine", counted)
    for row in range(4):
        refinements.clear()
        sigma = observed.sigma[[row]] / 10.0
        alone = Observed(observed.hkl, observed.amplitude[[row]], sigma)
        (estimate,) = made.estimate(alone, refine=True)
        assert 0.05 < estimate.r < 0.2
        assert estimate.further is None
        assert len(refinements) <= 4


def test_an_answer_does_not_depend_on_other_data_sets(made: Adaptation) -> None:
    """Two of six data sets are refined alone as well."""
    _, observed, _ = drawn(made, 0.45, 6)
    together = made.estimate(observed, refine=True)
    for row in (1, 4):
        single = observed.of_rows(np.array([row]))
        (alone,) = made.estimate(single, refine=True)
        expected = together[row].displacement
        np.testing.assert_allclose(alone.displacement, expected, atol=2e-3)
        assert alone.r == pytest.approx(together[row].r, abs=1e-4)


def test_is_a_pure_function_of_its_seed(crystal: argand.Crystal) -> None:
    """One seed gives one fingerprint, another seed another."""
    fingerprints = []
    for seed in (1, 1, 2):
        made = adapt(crystal, d_min=1.4, widths=(0.2,), samples=200, seed=seed)
        fingerprints.append(made.fingerprint)
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


def test_data_unlike_the_samples_are_flagged(made: Adaptation) -> None:
    """Large displacements and missing reflections are; data like the samples are not."""
    _, observed, _ = drawn(made, 0.2, 4, unmodelled=None)
    assert not any(estimate.flags for estimate in made.estimate(observed, refine=True))
    _, far, _ = drawn(made, 1.5, 4, unmodelled=None)
    assert all(estimate.flags for estimate in made.estimate(far, refine=False))
    amplitude = observed.amplitude.copy()
    amplitude[:, ::3] = np.nan
    incomplete = Observed(observed.hkl, amplitude, observed.sigma)
    for estimate in made.estimate(incomplete, refine=False):
        assert "33 % of the reflections" in " ".join(estimate.flags)


def merged(made: Adaptation, observed: Observed, cell: tuple[float, ...]) -> Merged:
    """Make merged intensities of the first data set, in a cell."""
    amplitude = observed.amplitude[0]
    return Merged(
        hkl=observed.hkl,
        intensity=amplitude**2,
        sigma=2.0 * amplitude * observed.sigma[0],
        count=np.ones(len(amplitude), int),
        cell=cell,
        spacegroup=made.crystal.spacegroup,
        r_int=float("nan"),
        r_sigma=0.0,
        completeness=1.0,
        measured=len(amplitude),
        absent=0,
        rejected=0,
        unused=0,
    )


def test_merged_data_of_similar_cells(made: Adaptation) -> None:
    """A cell strained by 0.4 % is like the known one; an edge of another length is not."""
    samples, observed, _ = drawn(made, 0.2, 1, unmodelled=None)
    a, b, c, *angles = made.crystal.cell
    strained = (1.004 * a, 1.004 * b, 1.004 * c, *angles)
    other = (9.0, b, c, *angles)
    cells = (made.crystal.cell, strained, other)
    data = [merged(made, observed, cell) for cell in cells]
    known, similar, wrong = made(data, refine=True)
    assert not isinstance(known, ArgandError)
    assert not isinstance(similar, ArgandError)
    np.testing.assert_allclose(known.displacement, samples.displacement[0], atol=0.1)
    np.testing.assert_allclose(similar.displacement, samples.displacement[0], atol=0.1)
    assert isinstance(wrong, ArgandError)
    assert "is not that of a crystal like the known one" in str(wrong)


def test_scores_on_samples_that_were_not_learned(made: Adaptation) -> None:
    """There is one score a width; refined maps are better than those of the known structure."""
    scores = list(held_out(made, 4))
    assert [score.width for score in scores] == [0.1, 0.2, 0.35, 0.6]
    assert scores[1].known < scores[1].at_once <= scores[1].refined + 0.005
    assert scores[0].r < scores[0].r_known


def test_a_search_ends_at_its_time_limit(made: Adaptation) -> None:
    """The first starts, from the regression, are refined; what they do not explain is flagged."""
    _, observed, _ = drawn(made, 0.6, 12, unmodelled=None)
    starts: list[int] = []
    options = EstimateOptions(time_limit=1e-9, on_starts=starts.append)
    limited = made.estimate(observed, refine=True, options=options)
    free = made.estimate(observed, refine=True)
    stopped = ["stopped at the time limit" in " ".join(estimate.flags) for estimate in limited]
    assert sum(starts) == 12
    assert any(stopped)
    for early, late, is_stopped in zip(limited, free, stopped, strict=True):
        if not is_stopped:
            np.testing.assert_array_equal(early.displacement, late.displacement)
        assert not any("time limit" in flag for flag in late.flags)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": ()}, "widths is"),
        ({"widths": (-0.1,)}, "widths is"),
        ({"samples": 3}, "samples is 3"),
        ({"rounds": -1}, "rounds is -1"),
        ({"d_min": 4.0}, "too few"),
        ({"noise": -1.0}, "noise"),
    ],
)
def test_wrong_arguments_are_named(
    crystal: argand.Crystal, arguments: dict[str, Any], message: str
) -> None:
    """The message names the argument."""
    few: dict[str, Any] = {"samples": 100, "widths": (0.2,)}
    with pytest.raises((ArgandError, ValueError), match=message):
        adapt(crystal, **(few | arguments))


def test_where_nothing_moves_scale_and_b_are_fitted() -> None:
    """CsCl has no free position."""
    fixed = argand.Crystal(
        cell=(4.0,) * 3 + (90.0,) * 3,
        spacegroup="P m -3 m",
        types=("Cs", "Cl"),
        frac=[[0.0, 0.0, 0.0], [0.5] * 3],
    )
    made = adapt(fixed, samples=100, widths=(0.2,), d_min=0.6)
    assert made.modes.shape == (0, 2, 3)
    samples, observed, _ = drawn(made, 0.2, 3, unmodelled=None)
    for refine in (False, True):
        for row, estimate in enumerate(made.estimate(observed, refine=refine)):
            assert estimate.r < 0.05
            assert estimate.b_change == pytest.approx(samples.b_change[row], abs=0.2)
            assert not estimate.displacement.any()


def test_extinction_is_refined(crystal: argand.Crystal) -> None:
    """Strong reflections are weaker than atoms explain; the known crystal has an x of 0.1."""
    wavelength = 1.0
    made = adapt(
        crystal,
        samples=400,
        widths=(0.1,),
        radiation=Radiation("x-ray", wavelength, dispersion=True),
        extinction=0.1,
    )
    displacement = np.random.default_rng(9).normal(size=crystal.frac.shape) * 0.05
    model = made.models(made.hkl, crystal.cell).displaced
    positions = model.from_displacements(displacement)[: len(made.modes)]
    (moved,) = model.crystals([np.append(positions, [0.0, 0.0])])
    for x in (0.0, 0.3):
        intensity = calculated_intensity(moved, made.hkl, radiation=made.radiation, extinction=x)
        amplitude = np.sqrt(intensity)[None]
        observed = Observed(made.hkl, amplitude, 0.01 * amplitude + 0.01)
        (estimate,) = made.estimate(observed, refine=True)
        assert estimate.r < 0.005
        np.testing.assert_allclose(estimate.displacement, displacement, atol=0.02)
