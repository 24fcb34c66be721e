"""From measured reflections to a verdict, a space group and refined atoms."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import molecules
from argand import Crystal, structure_factors
from argand.errors import ArgandError
from argand.io import Reflections
from argand.radiation import KEV_ANGSTROM
from argand.reflections import friedel_mates
from argand.solve.model import build_model
from argand.solve.pipeline import solve
from argand.solve.settings import SolveSettings
from argand.solve.solution import Solution

SETTINGS = SolveSettings(seed=1, time_limit=None, starts=6)


def contents(crystal: Crystal) -> dict[str, float]:
    """Return the atoms in the unit cell by element."""
    return dict(crystal.composition())


def elements(crystal: Crystal) -> Counter[str]:
    """Count the sites of each element, without hydrogens."""
    return Counter(symbol for symbol in crystal.types if symbol != "H")


@pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21/c 1", "P 21 21 21", "C 1 2/c 1"])
def test_a_molecule_is_solved(spacegroup: str) -> None:
    """Verdict, space group, elements and R1 are right, and the summary begins with the verdict."""
    crystal = molecules.molecule(spacegroup)
    solution = solve(molecules.measured(crystal), contents=contents(crystal), settings=SETTINGS)
    assert solution.verdict == "solved"
    assert solution.probability > 0.95
    assert solution.spacegroup == crystal.spacegroup
    assert solution.model is not None
    assert elements(solution.model.crystal) == elements(crystal)
    assert solution.model.r1 < 0.06
    assert "solved" in solution.summary().splitlines()[0]


def test_content_need_not_be_known() -> None:
    """Without content the heavy atom and most of the others are named rightly."""
    crystal = molecules.molecule("P 1 21/c 1")
    solution = solve(molecules.measured(crystal), settings=SETTINGS)
    assert solution.verdict == "solved"
    assert solution.model is not None
    found = elements(solution.model.crystal)
    assert sum((found & elements(crystal)).values()) >= 7


def test_a_wrong_space_group_is_contradicted_in_words() -> None:
    """Data of P 21/c that came with P 1 2 1 are solved in P 21/c, and the notes say so."""
    crystal = molecules.molecule("P 1 21/c 1")
    reflections = molecules.measured(crystal)
    generator = np.random.default_rng(7)
    absent = np.array([[0, k, 0] for k in (1, 3, 5, 7)] + [[1, 0, l] for l in (1, 3, -3, 5)])
    sigma = float(np.median(reflections.sigma))
    widened = Reflections(
        hkl=np.concatenate([reflections.hkl, absent]).astype(np.int32),
        intensity=np.append(reflections.intensity, sigma * generator.normal(size=len(absent))),
        sigma=np.append(reflections.sigma, np.full(len(absent), sigma)),
        cell=crystal.cell,
        spacegroup="P 1 2 1",
    )
    solution = solve(widened, contents=contents(crystal), settings=SETTINGS)
    assert solution.spacegroup == "P 1 21/c 1"
    assert any("contradict the space group P 1 2 1" in note for note in solution.notes)


def with_dispersion(crystal: Crystal, wavelength: float) -> Reflections:
    """Return intensities of all reflections and their mates, which dispersion makes different."""
    unique = molecules.measured(crystal).hkl
    hkl = np.concatenate([unique, friedel_mates(unique)])
    f = structure_factors(crystal, hkl, energy_kev=KEV_ANGSTROM / wavelength)
    intensity = np.abs(f) ** 2
    sigma = 0.005 * (intensity + 0.2 * intensity.mean())
    noise = np.random.default_rng(3).normal(size=len(hkl))
    return Reflections(
        hkl=hkl,
        intensity=intensity + sigma * noise,
        sigma=sigma,
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
        wavelength=wavelength,
    )


@pytest.mark.parametrize("hand", [1, -1])
def test_the_hand_is_that_of_the_crystal(hand: int) -> None:
    """Flack's parameter is 0, and the sites are those of the crystal, not of its mirror image."""
    crystal = molecules.molecule("P 21 21 21")
    crystal = crystal.replace(frac=hand * crystal.frac)
    solution = solve(
        with_dispersion(crystal, 1.5418), contents=contents(crystal), settings=SETTINGS
    )
    assert solution.flack is not None
    assert abs(solution.flack.value) < 3 * solution.flack.uncertainty + 0.02
    assert handedness(solution) * hand * reference_handedness() > 0


def handedness(solution: Solution) -> float:
    """Return the signed volume of three bonds from the nitrogen, of a model."""
    assert solution.model is not None
    return triple(solution.model.crystal)


def reference_handedness() -> float:
    """Return the signed volume of the crystal that the data are of."""
    return triple(molecules.molecule("P 21 21 21"))


def triple(crystal: Crystal) -> float:
    """Return the sign of the screw that the chlorine atoms of a cell describe with the oxygens.

    It is a . (b x c) of vectors between chlorine, oxygen and nitrogen of images: a pseudoscalar of
    the whole cell, so that neither origin nor the choice of the asymmetric unit matters.
    """
    p1 = crystal.to_p1()
    axes = np.array([[p1.cell[0], 0, 0], [0, p1.cell[1], 0], [0, 0, p1.cell[2]]])
    points = {
        symbol: p1.frac[[i for i, t in enumerate(p1.types) if t == symbol]]
        for symbol in ("Cl", "O", "N")
    }
    total = 0.0
    for chlorine in points["Cl"]:
        nearest = []
        for symbol in ("O", "N"):
            shift = points[symbol] - chlorine
            shift = (shift - np.rint(shift)) @ axes
            nearest.append(shift[np.argsort(np.linalg.norm(shift, axis=1))[:2]])
        total += float(np.dot(nearest[0][0], np.cross(nearest[1][0], nearest[0][1])))
    return total


def test_shuffled_intensities_are_not_solved() -> None:
    """Intensities of no crystal get the verdict that they deserve."""
    crystal = molecules.molecule("P -1")
    reflections = molecules.measured(crystal)
    order = np.random.default_rng(4).permutation(len(reflections.hkl))
    assert reflections.intensity is not None
    assert reflections.sigma is not None
    shuffled = replace(
        reflections, intensity=reflections.intensity[order], sigma=reflections.sigma[order]
    )
    solution = solve(shuffled, contents=contents(crystal), settings=SETTINGS)
    assert solution.verdict == "not solved"
    assert solution.probability < 0.1


def test_data_without_a_cell_are_refused() -> None:
    """The error says what is missing."""
    crystal = molecules.molecule("P -1")
    reflections = replace(molecules.measured(crystal), cell=None)
    with pytest.raises(ArgandError, match="have no cell"):
        solve(reflections, settings=SETTINGS)


@pytest.mark.parametrize(
    "settings", [{"seed": -1}, {"starts": 0}, {"time_limit": 0.0}, {"d_min": -1.0}, {"threads": 0}]
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    """The error names the setting and what it is."""
    (name,) = settings
    with pytest.raises(ArgandError, match=f"{name} is {settings[name]}"):
        SolveSettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [None, 1e-6])
def test_time_limit_holds_for_atoms(seconds: float | None, monkeypatch) -> None:
    """Atoms of a wrong content are looked for again, but not when the time is over."""
    builds = []

    def counted(phased, contents, *rest):
        builds.append(contents)
        return build_model(phased, contents, *rest)

    # The function `argand.solve` hides the package of this name.
    monkeypatch.setattr(sys.modules["argand.solve.candidate"], "build_model", counted)
    crystal = molecules.molecule("P 1 21/c 1")
    settings = replace(SETTINGS, starts=1, time_limit=seconds)
    solution = solve(molecules.measured(crystal), contents={"Ti": 40.0}, settings=settings)
    assert solution.model is not None
    is_said = any("time limit" in note for note in solution.notes)
    if seconds is None:
        assert len(builds) > 1
        assert not is_said
    else:
        assert len(builds) == 1
        assert is_said


def test_few_of_the_reflections_are_never_called_solved() -> None:
    """The verdict of right phases from 40 % of the reflections is probable, and says why."""
    crystal = molecules.molecule("P -1")
    reflections = molecules.measured(crystal, d_min=0.7, noise=0.005)
    whole = solve(reflections, contents=contents(crystal), settings=SETTINGS)
    assert whole.verdict == "solved"
    rows = np.random.default_rng(3).permutation(len(reflections.hkl))
    few = reflections[np.sort(rows[: int(0.4 * len(rows))])]
    solution = solve(few, contents=contents(crystal), settings=SETTINGS)
    assert solution.model is not None
    assert solution.model.r1 < 0.05
    assert solution.verdict == "probable"
    assert solution.probability <= 0.95
    assert "too few for certainty" in solution.reasons[-1]


def test_a_map_without_atoms_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peaks that are refined to no electrons give a density, and a note instead of a fault."""
    search = sys.modules["argand.solve.site_search"]._Search
    count_electrons = search.count_electrons

    def without_electrons(self: object, crystal: Crystal, *, first: bool) -> object:
        crystal, electrons, refinement = count_electrons(self, crystal, first=first)
        return crystal, -np.abs(electrons), refinement

    monkeypatch.setattr(search, "count_electrons", without_electrons)
    crystal = molecules.molecule("P -1")
    solution = solve(molecules.measured(crystal), settings=replace(SETTINGS, starts=1))
    assert solution.model is None
    assert any("no peak of the density has the electrons" in note for note in solution.notes)
    assert np.abs(solution.structure_factors).max() > 0.0
