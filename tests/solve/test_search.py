"""Phases are found from amplitudes alone, the same ones every time, and judged rightly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import molecules
from argand import Crystal, map_correlation, structure_factors
from argand.phases import align_origin
from argand.solve.figures import FigureCalculator, phase_agreement
from argand.solve.primitive import (
    PrimitiveReflections,
    merge_in_point_group,
    primitive_basis,
    primitive_reflections,
)
from argand.solve.search import Ending, PhaseSearch
from argand.solve.settings import SolveSettings, recipe_for
from argand.solve.starts import PattersonStarts, random_start


def problem(spacegroup: str, d_min: float = 0.85) -> tuple[Crystal, PrimitiveReflections]:
    """Return a crystal and its measured reflections in P 1."""
    crystal = molecules.molecule(spacegroup)
    merged = merge_in_point_group(
        molecules.measured(crystal, d_min), crystal.cell, crystal.spacegroup
    )
    return crystal, primitive_reflections(merged, primitive_basis(crystal.cell, spacegroup))


def true_f(crystal: Crystal, data: PrimitiveReflections) -> np.ndarray:
    """Return the F of the crystal in P 1."""
    hkl = np.rint(data.hkl @ np.linalg.inv(data.basis)).astype(np.int32)
    return structure_factors(crystal, hkl)


def correlation(data: PrimitiveReflections, true: np.ndarray, phased: np.ndarray) -> float:
    """Return the map correlation over all origins and hands."""
    alignment = align_origin(data.hkl, true, phased, origins="continuous")
    aligned = np.abs(phased) * np.exp(1j * alignment.phases)
    return map_correlation(data.hkl, true, aligned)


def searched(data: PrimitiveReflections, spacegroup: str, **settings: object) -> Ending:
    """Return the ending of a search."""
    options = {"seed": 1, "time_limit": None, "starts": 12} | settings
    search = PhaseSearch(data, spacegroup, SolveSettings(**options), lambda _: spacegroup)
    ending = search.run()
    assert ending is not None
    return ending


@pytest.mark.parametrize("spacegroup", molecules.GROUPS)
def test_phases_of_an_unknown_crystal_are_found(spacegroup: str) -> None:
    """The map agrees with that of the crystal, and the search knows it."""
    crystal, data = problem(spacegroup)
    ending = searched(data, spacegroup)
    assert correlation(data, true_f(crystal, data), ending.phased) > 0.95
    assert ending.probability > 0.9


def test_overlapping_atoms_are_phased_too() -> None:
    """Data to 1.25 A are enough."""
    crystal, data = problem("P 1 21/c 1", 1.25)
    assert recipe_for(data.d_min).recycle
    ending = searched(data, crystal.spacegroup)
    assert correlation(data, true_f(crystal, data), ending.phased) > 0.93


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same phases on one thread and on two."""
    crystal, data = problem("P -1")
    first = searched(data, crystal.spacegroup, threads=1)
    again = searched(data, crystal.spacegroup, threads=2)
    other = searched(data, crystal.spacegroup, seed=2)
    np.testing.assert_array_equal(first.phased, again.phased)
    assert not np.array_equal(first.phased, other.phased)


def test_shuffled_amplitudes_are_not_accepted() -> None:
    """Amplitudes of no crystal end without a solution, whatever the number of starts."""
    crystal, data = problem("P 21 21 21")
    generator = np.random.default_rng(8)
    _, first = np.unique(data.laue, return_index=True)
    rows = first[generator.permutation(len(first))][data.laue]
    shuffled = replace(
        data,
        amplitude=data.amplitude[rows],
        normalised=data.normalised[rows],
        intensity=data.intensity[rows],
        sigma=data.sigma[rows],
    )
    ending = searched(shuffled, crystal.spacegroup, starts=4)
    assert ending.probability < 0.1


def test_true_phases_have_better_figures_than_random_ones() -> None:
    """Residuals are low and the free correlation is high for the true phases alone."""
    crystal, data = problem("P 1 21/c 1")
    calculator = FigureCalculator(data)
    true = data.amplitude * np.exp(1j * np.angle(true_f(crystal, data)))
    generator = np.random.default_rng(2)
    random = data.amplitude * np.exp(2j * np.pi * generator.random(len(data.hkl)))
    right = calculator(true, 1.0)
    wrong = calculator(random, 0.0)
    assert right.free_correlation > 0.85 > 0.3 > wrong.free_correlation
    assert right.residual < 0.2 < wrong.residual
    assert right.strong_residual < 0.2 < wrong.strong_residual


def test_agreement_of_maps_knows_neither_origin_nor_hand() -> None:
    """A map that was moved and inverted agrees wholly; another one does not."""
    crystal, data = problem("P 21 21 21")
    true = true_f(crystal, data)
    moved = true.conj() * np.exp(2j * np.pi * (data.hkl @ (0.13, 0.42, 0.77)))
    assert phase_agreement(data.hkl, true, moved) == pytest.approx(1.0, abs=1e-6)
    random = random_start(data, 1, 0)
    assert phase_agreement(data.hkl, true, random) < 0.5


def test_starts_are_functions_of_their_number() -> None:
    """A start has the measured |E|, the same phases every time, and others than its neighbours."""
    _, data = problem("P -1")
    patterson = PattersonStarts(data, (24, 24, 24))
    for make in (lambda i: random_start(data, 4, i), lambda i: patterson(4, i)):
        first = make(3)
        np.testing.assert_allclose(np.abs(first), data.normalised, rtol=1e-5)
        np.testing.assert_array_equal(first, make(3))
        assert not np.array_equal(first, make(5))


def test_an_interrupted_search_keeps_its_best() -> None:
    """Ctrl-C ends the search with the phases that it has; the time limit does the same."""
    crystal, data = problem("P 1 21/c 1", 1.5)
    settings = SolveSettings(time_limit=None, starts=50)
    search = PhaseSearch(data, crystal.spacegroup, settings, lambda _: crystal.spacegroup)

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    ending = search.run(interrupt)
    assert ending is not None
    assert ending.start == 0
    limited = searched(data, crystal.spacegroup, time_limit=1e-3, starts=50)
    assert limited.start == 0
