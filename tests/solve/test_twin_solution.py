"""Twins are phased and refined through their law, at any fraction up to a half."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gemmi import cif

import molecules
from argand import Crystal, map_correlation, structure_factors
from argand.io import Reflections, read_crystal, read_instructions
from argand.measured import agreement, calculated_intensity, merge
from argand.phases import align_origin
from argand.reflections import asymmetric_unit, in_p1
from argand.rows import find_rows
from argand.solve.pipeline import solve
from argand.solve.settings import SolveSettings
from argand.solve.solution import Solution
from argand.solve.twins import twin_laws
from argand.solve.verdict import comparable_r1, probability_of_suspect, probability_of_twin
from argand.solve.write import write_solution

SETTINGS = SolveSettings(seed=1, starts=1, time_limit=None)


def crystal_in(spacegroup: str) -> Crystal:
    """Return a crystal whose lattice has more symmetry than its group, or nearly so."""
    crystal = molecules.molecule("P 41" if spacegroup == "P 41" else "P 1 21/c 1")
    if spacegroup == "P 1 21/c 1":
        # Nearly orthorhombic: the obliquity is half a degree.
        return crystal.replace(cell=(8.2, 9.1, 10.9, 90.0, 90.5, 90.0))
    return crystal


def twin_of(crystal: Crystal, fraction: float) -> tuple[Reflections, np.ndarray]:
    """Simulate intensities of a twin by the first law of its lattice; return the law too."""
    single = molecules.measured(crystal, noise=0.0)
    law = twin_laws(merge(single, spacegroup=crystal.spacegroup))[0]
    moved = np.rint(single.hkl @ law.T).astype(int)
    other = np.abs(structure_factors(crystal, moved)) ** 2
    intensity = (1.0 - fraction) * single.intensity + fraction * other
    sigma = 0.02 * (intensity + 0.5 * intensity.mean())
    errors = np.random.default_rng(1).normal(size=len(intensity))
    reflections = Reflections(
        hkl=single.hkl,
        intensity=intensity + sigma * errors,
        sigma=sigma,
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
    )
    return reflections, law


def correlation(solution: Solution, crystal: Crystal) -> float:
    """Return the correlation of the atoms' map with that of a crystal, in any origin and hand."""
    assert solution.crystal is not None
    hkl, _ = in_p1(solution.merged.hkl, solution.spacegroup)
    found = structure_factors(solution.crystal, hkl)
    true = structure_factors(crystal, hkl)
    alignment = align_origin(hkl, true, found, origins="continuous")
    return map_correlation(hkl, true, np.abs(found) * np.exp(1j * alignment.phases))


@pytest.mark.parametrize(
    ("spacegroup", "fraction"), [("P 41", 0.2), ("P 1 21/c 1", 0.35), ("P 1 21/c 1", 0.5)]
)
def test_a_twin_is_solved_and_refined_through_its_law(
    spacegroup: str, fraction: float, tmp_path: Path
) -> None:
    """Structure, fraction and R1 are right, and the files hold the law and give the same R1."""
    crystal = crystal_in(spacegroup)
    reflections, law = twin_of(crystal, fraction)
    solution = solve(reflections, contents=dict(crystal.composition()), settings=SETTINGS)
    assert solution.verdict == "solved"
    assert solution.spacegroup == spacegroup
    assert solution.twin is not None
    assert np.array_equal(solution.twin.law, law)
    assert solution.twin.fraction == pytest.approx(fraction, abs=0.01)
    assert correlation(solution, crystal) > 0.99
    assert solution.model is not None
    assert solution.model.r1 < 0.03
    # The files alone give the R1 of the twin.
    files = {path.suffix: path for path in write_solution(solution, tmp_path, "twin")}
    instructions = read_instructions(files[".res"])
    assert instructions.twin is not None
    calculated = calculated_intensity(
        read_crystal(files[".res"]),
        solution.merged.hkl,
        twin=instructions.twin,
        fraction=instructions.fractions,
    )
    merged = solution.merged
    written = agreement(calculated, merged.intensity, merged.sigma).r1
    assert written == pytest.approx(solution.model.r1, abs=0.002)
    block = cif.read(str(files[".cif"])).sole_block()
    shares = [
        cif.as_number(text) for text in block.find_loop("_twin_individual_mass_fraction_refined")
    ]
    assert shares == pytest.approx([1.0 - fraction, fraction], abs=0.01)
    matrix = [block.find_loop(f"_twin_individual_twin_matrix_{i}{i}")[1] for i in (1, 2, 3)]
    assert [float(number) for number in matrix] == np.diag(law).tolist()


def test_a_single_crystal_has_no_law_in_its_files(tmp_path: Path) -> None:
    """A crystal that could be a twin and is none is refined without a law."""
    crystal = crystal_in("P 41")
    reflections, _ = twin_of(crystal, 0.0)
    solution = solve(reflections, contents=dict(crystal.composition()), settings=SETTINGS)
    assert solution.twin is None
    files = {path.suffix: path for path in write_solution(solution, tmp_path, "single")}
    assert "TWIN" not in files[".res"].read_text()
    assert "_twin_individual" not in files[".cif"].read_text()


def test_twinned_noise_is_not_solved() -> None:
    """Intensities of no structure, twinned by a half, have a low R1 and are not called solved."""
    crystal = crystal_in("P 41")
    single, law = twin_of(crystal, 0.0)
    merged = merge(single, spacegroup=crystal.spacegroup)
    noise = np.random.default_rng(4).exponential(size=len(merged.hkl))
    moved = np.rint(merged.hkl @ law.T).astype(np.int32)
    other = find_rows(merged.hkl, asymmetric_unit(moved, crystal.spacegroup))
    keep = np.flatnonzero(other >= 0)
    intensity = 0.5 * (noise[keep] + noise[other[keep]])
    values = intensity * np.exp(-6.0 * merged.stol[keep] ** 2)
    twin = Reflections(
        hkl=merged.hkl[keep],
        intensity=values,
        sigma=0.02 * (values + 0.1 * values.mean()),
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
    )
    solution = solve(twin, contents=dict(crystal.composition()), settings=SETTINGS)
    assert solution.verdict == "not solved"
    assert solution.twin is not None
    assert np.array_equal(solution.twin.law, law)
    assert "the crystal is a twin, and its structure was not solved" in " ".join(solution.notes)


def test_r1_of_twins_is_enlarged_before_it_counts() -> None:
    """R1 of wrong atoms is .59 of a single crystal and .40 of a perfect twin of two domains."""
    generator = np.random.default_rng(7)
    measured, wrong = generator.exponential(size=(2, 2, 100_000))
    ratios = []
    for fraction in (0.0, 0.5):
        shares = np.array([1.0 - fraction, fraction])
        first, second = np.sqrt(shares @ measured), np.sqrt(shares @ wrong)
        scale = first.sum() / second.sum()
        ratios.append(np.abs(first - scale * second).sum() / first.sum())
    assert comparable_r1(ratios[1], 0.5) == pytest.approx(ratios[0], rel=0.03)
    assert comparable_r1(ratios[0], 0.0) == ratios[0]


def test_atoms_without_the_law_of_a_suspected_twin_need_a_low_r1() -> None:
    """R1 of .2 solves a single crystal with good phases, and no twin; R1 of .03 solves both."""
    assert probability_of_suspect(0.989, 0.2, 0.0, 0.85) == pytest.approx(0.989)
    assert probability_of_suspect(0.989, 0.2, 0.5, 0.85) < 0.9
    assert probability_of_suspect(0.989, 0.03, 0.5, 0.85) == pytest.approx(0.989)
    assert probability_of_twin(0.03, 0.5, 0.85) > 0.95
    assert probability_of_twin(0.3, 0.5, 0.85) < 0.01
    assert probability_of_twin(0.15, 0.5, 0.85) < probability_of_twin(0.15, 0.1, 0.85)
