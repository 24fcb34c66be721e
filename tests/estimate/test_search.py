"""The search for displacements: its proposals, its rules, and that both estimators have all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest

import argand
from argand.adapt.refinement import refinement_settings
from argand.adapt.settings import AdaptationSettings
from argand.estimate import MovableCrystal, Observed, SearchSettings, search_displacements
from argand.estimate.ends import Hypothesis
from argand.estimate.least_squares import THOROUGH
from argand.estimate.models import DisplacementModels
from argand.estimate.riding import leaders, released_modes, riding_modes
from argand.estimate.schedule import Schedule
from argand.estimate.settings import ProposalName
from argand.radiation import Radiation
from argand.refine import refine as refine_one_model

ALL_PROPOSALS = set(get_args(ProposalName))


def models_of(
    crystal: argand.Crystal, d_min: float = 1.1, element: str | None = None
) -> DisplacementModels:
    """Make the models of a crystal with all sites free, for reflections to d_min (angstrom)."""
    movable = MovableCrystal(
        crystal,
        riding_modes(crystal),
        leaders=leaders(crystal),
        radiation=Radiation(),
        further_element=element,
    )
    hkl = argand.miller_indices(crystal.cell, crystal.symops, d_min)
    return movable.models(hkl, crystal.cell)


def measured(models: DisplacementModels, p: np.ndarray) -> Observed:
    """Return exact |F| at parameters p (b, k), with sigmas of 1 %."""
    amplitude = np.abs(models.displaced.structure_factors(p))
    return Observed(models.displaced.hkl, amplitude, 0.01 * amplitude + 0.01)


def proposals_of(settings: SearchSettings) -> set[str]:
    """Return the names of all proposals in a schedule."""
    names: set[str] = set()
    for proposals in settings.schedule:
        names.update(proposals)
    return names


def test_both_estimators_have_every_proposal() -> None:
    """A regression is an adaptation's own; a B for each site belongs to plain least squares.

    The mirror image that an adaptation may add to its answer has no B of its own.
    """
    adapted = refinement_settings(AdaptationSettings(), 0.3)
    assert proposals_of(adapted) == ALL_PROPOSALS - {"vibration"}
    assert proposals_of(THOROUGH) == ALL_PROPOSALS - {"regression"}


@pytest.mark.parametrize("name", sorted(ALL_PROPOSALS))
def test_every_proposal_by_itself(crystal: argand.Crystal, name: ProposalName) -> None:
    """After a start from the known structure it does no harm, and R is that of the answer's F."""
    models = models_of(crystal, 1.3, element="O")
    rng = np.random.default_rng(51)
    p = rng.normal(size=(3, len(models.displaced))) * 0.25 * models.is_position
    observed = measured(models, p)
    regression = p[:, models.is_position] + 0.1
    first = SearchSettings(schedule=(("known structure",),))
    both = SearchSettings(schedule=(("known structure",), (name,)))
    start = search_displacements(models, observed, first, regression)
    result = search_displacements(models, observed, both, regression)
    no_further = result.further == [None] * 3
    assert (result.r <= start.r + 1e-9).all() or not no_further
    f = np.abs(result.f)
    scaled = result.scale[:, None] * f
    residual = np.abs(observed.amplitude - scaled).sum(axis=1)
    r = residual / observed.amplitude.sum(axis=1)
    np.testing.assert_allclose(r, result.r, rtol=1e-6)


def test_an_explained_data_set_costs_one_refinement(
    crystal: argand.Crystal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that later proposals need is made: no linearisation, no difference map, no atom."""
    models = models_of(crystal, element="O")
    p = np.full((2, len(models.displaced)), 0.02) * models.is_position
    refinements = []

    def counted(*arguments: Any, **options: Any) -> Any:
        refinements.append(len(arguments[1]))
        return refine_one_model(*arguments, **options)

    monkeypatch.setattr("argand.estimate.state.refine", counted)
    result = search_displacements(models, measured(models, p), THOROUGH)
    assert refinements == [2]
    assert (result.r < 0.01).all()
    unused = {"linearisation", "difference", "further", "released"}
    assert not unused & set(models.__dict__)


def test_relocation_finds_an_atom_that_has_moved_far(crystal: argand.Crystal) -> None:
    """An oxygen atom has moved by 1.1 angstrom, with a prior as least squares have it."""
    models = models_of(crystal)
    p = np.zeros((1, len(models.displaced)))
    oxygen = 3 * crystal.labels.index("O1")
    p[0, oxygen] = -1.1
    observed = measured(models, p)
    known = SearchSettings(schedule=(("known structure",),), low_angles=())
    relocated = SearchSettings(schedule=(("known structure", "relocation"),), low_angles=())
    assert search_displacements(models, observed, known).r[0] > 0.2
    assert search_displacements(models, observed, relocated).r[0] < 0.01


def test_exchange_puts_atoms_back(crystal: argand.Crystal) -> None:
    """A regression that has exchanged a carbon and an oxygen atom ends in a false minimum."""
    models = models_of(crystal)
    carbon = crystal.labels.index("C1")
    oxygen = crystal.labels.index("O1")
    axes = models.difference.axes
    vector = axes @ (crystal.frac[oxygen] - crystal.frac[carbon])
    displacement = np.zeros((1, len(crystal.types), 3))
    displacement[0, carbon] = vector
    displacement[0, oxygen] = -vector
    exchanged = models.displaced.from_displacements(displacement)
    observed = measured(models, np.zeros_like(exchanged))
    regression = exchanged[:, models.is_position]
    wide = {"prior_width": 2.0, "bad_r": 0.5, "keep_known": False}
    before = SearchSettings(schedule=(("regression",),), **wide)
    after = SearchSettings(schedule=(("regression",), ("exchange",)), **wide)
    assert search_displacements(models, observed, before, regression).r[0] > 0.03
    put_back = search_displacements(models, observed, after, regression)
    assert put_back.r[0] < 0.01
    np.testing.assert_allclose(put_back.displacement, 0.0, atol=0.02)


def test_an_answer_does_not_depend_on_other_data_sets(crystal: argand.Crystal) -> None:
    """One of five data sets, with displacements of 0.5 angstrom (seed 52), is refined alone too."""
    models = models_of(crystal, 1.3)
    rng = np.random.default_rng(52)
    p = rng.normal(size=(5, len(models.displaced))) * 0.3 * models.is_position
    observed = measured(models, p)
    together = search_displacements(models, observed, THOROUGH)
    alone = search_displacements(models, observed.of_rows(np.array([3])), THOROUGH)
    np.testing.assert_allclose(alone.displacement[0], together.displacement[3], atol=1e-3)
    assert alone.r[0] == pytest.approx(together.r[3], abs=1e-4)


def test_random_numbers_follow_the_schedule(crystal: argand.Crystal) -> None:
    """Two schedules of one seed draw the same; the number of draws is that of the settings."""
    models = models_of(crystal)
    settings = SearchSettings(schedule=(("draw beside",),) * 60, draw_parameters=50, seed=3)
    draws = []
    for _ in range(2):
        steps = []
        for proposals in Schedule(models, settings).rounds():
            steps += [proposal.displacement for proposal in proposals]
        draws.append(np.array(steps))
    np.testing.assert_array_equal(draws[0], draws[1])
    repeats = 50 // len(models.displaced)
    assert len(draws[0]) == repeats * len(settings.draw_widths)


def refinement(chi2: list[float]) -> Any:
    """Make the outcome of a refinement of two parameters that a best end is chosen from."""
    chi2_array = np.array(chi2)
    ends = np.arange(2.0 * len(chi2)).reshape(-1, 2)
    figures = SimpleNamespace(goodness=np.full(len(chi2), 2.0), r1=chi2_array / 100.0)
    return SimpleNamespace(
        p=ends,
        sigma=np.ones_like(ends),
        chi2=chi2_array,
        scale=np.ones(len(chi2)),
        converged=np.ones(len(chi2), bool),
        figures=figures,
    )


def best_ends(data_sets: int) -> Hypothesis:
    """Make empty best ends of a model with two parameters."""
    model: Any = [0, 1]
    prior: Any = None
    return Hypothesis(model, prior, np.zeros((2, 1, 3)), data_sets)


def test_the_lowest_chi2_of_several_starts_is_kept() -> None:
    """Three starts of data set 0 and one of data set 1; sigmas carry the goodness of fit."""
    ends = best_ends(2)
    rows = np.array([0, 0, 0, 1])
    refined = refinement([7.0, 5.0, 6.0, 9.0])
    ends.keep_best(rows, refined, independent=False, same_minimum=0.01)
    np.testing.assert_array_equal(ends.chi2, [5.0, 9.0])
    np.testing.assert_array_equal(ends.p, [[2.0, 3.0], [6.0, 7.0]])
    np.testing.assert_array_equal(ends.sigma, 2.0)


def test_independent_starts_that_reach_one_minimum_are_counted() -> None:
    """A lower minimum starts the count again; starts that are not independent do not count."""
    ends = best_ends(1)
    row = np.array([0])
    history = [
        (5.0, True, 1),
        (5.01, True, 2),
        (6.0, True, 2),
        (4.99, False, 2),
        (4.0, False, 0),
        (4.0, True, 1),
    ]
    for chi2, independent, arrivals in history:
        ends.keep_best(row, refinement([chi2]), independent=independent, same_minimum=0.005)
        assert ends.arrivals[0] == arrivals


def test_free_hydrogens_are_not_released() -> None:
    """Where every atom moves on its own there is nothing to release; where they ride, there is."""
    water = argand.Crystal(
        cell=(7.0, 8.0, 9.0, 80.0, 95.0, 103.0),
        spacegroup="P -1",
        types=("O", "H", "H"),
        frac=np.array([[0.2, 0.2, 0.2], [0.3, 0.25, 0.2], [0.15, 0.22, 0.29]]),
        b_iso=2.0,
    )
    free = np.eye(9).reshape(9, 3, 3)
    assert released_modes(water, free).shape == (0, 3, 3)
    riding = riding_modes(water)
    assert riding.shape == (3, 3, 3)
    released = released_modes(water, riding)
    assert released.shape == (6, 3, 3)
    together = np.concatenate([riding, released]).reshape(9, 9)
    assert np.linalg.matrix_rank(together) == 9
