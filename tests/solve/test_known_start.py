"""Phases from elsewhere begin a search: where they come from, what they solve, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import molecules
from argand import (
    Crystal,
    map_correlation,
    map_from_structure_factors,
    miller_indices,
    read_crystal,
    structure_factors,
    write_map,
    write_reflections,
)
from argand.errors import ArgandError
from argand.io import Reflections, write_crystal, write_hklf4
from argand.phases import align_origin
from argand.reflections import in_p1
from argand.solve.known_start import known_start, start_notes, start_phases
from argand.solve.pipeline import solve
from argand.solve.primitive import (
    PrimitiveReflections,
    merge_in_point_group,
    primitive_basis,
    primitive_reflections,
)
from argand.solve.settings import SolveSettings
from argand.solve.solution import Solution
from command_line import Capture, call, refused

LAWSONITE = Path(__file__).parents[1] / "data" / "9002547.cif"


def primitive(crystal: Crystal, d_min: float = 0.9) -> PrimitiveReflections:
    """Return measured reflections of a crystal in P 1."""
    reflections = molecules.measured(crystal, d_min)
    merged = merge_in_point_group(reflections, crystal.cell, crystal.spacegroup)
    return primitive_reflections(merged, primitive_basis(crystal.cell, crystal.spacegroup))


def part(crystal: Crystal, share: float) -> Crystal:
    """Return the first sites of a crystal, isotropic and fully occupied."""
    count = int(share * len(crystal.types))
    return Crystal(
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
        types=crystal.types[:count],
        frac=crystal.frac[:count],
        b_iso=np.full(count, 2.0),
    )


def correlation(solution: Solution, crystal: Crystal) -> float:
    """Return the correlation of a solution's map with that of a crystal, in any origin and hand."""
    hkl, expand = in_p1(solution.merged.hkl, solution.spacegroup)
    phased = expand(solution.structure_factors)
    true = structure_factors(crystal, hkl)
    alignment = align_origin(hkl, true, phased, origins="continuous")
    return map_correlation(hkl, true, np.abs(phased) * np.exp(1j * alignment.phases))


def test_a_third_of_the_sites_solves_what_random_phases_do_not() -> None:
    """At 1.5 A three random starts do not solve a mineral, and six of its sites do."""
    crystal = read_crystal(LAWSONITE)
    reflections = molecules.measured(crystal, 1.5)
    contents = dict(crystal.composition())
    settings = SolveSettings(seed=1, starts=3, time_limit=None)
    random = solve(reflections, contents=contents, settings=settings)
    assert correlation(random, crystal) < 0.7
    known = part(crystal, 1 / 3)
    solution = solve(reflections, contents=contents, start=known, settings=settings)
    assert solution.verdict == "solved"
    assert solution.spacegroup == crystal.spacegroup
    assert correlation(solution, crystal) > 0.98
    assert solution.model is not None
    assert solution.model.r1 < 0.05
    assert any("the best phases come from these" in note for note in solution.notes)
    assert "symmetry nan" not in solution.summary()


@pytest.mark.parametrize("d_min", [0.9, 1.25, 1.5])
def test_wrong_atoms_are_never_called_solved(d_min: float) -> None:
    """All atoms of a molecule at random positions: the verdict is right, whatever it is."""
    crystal = molecules.molecule("P 21 21 21")
    random = np.random.default_rng(2).random(crystal.frac.shape)
    wrong = part(crystal, 1.0).replace(frac=random)
    # The only start is that of the wrong atoms.
    settings = SolveSettings(seed=1, starts=1, time_limit=None)
    solution = solve(
        molecules.measured(crystal, d_min),
        contents=dict(crystal.composition()),
        start=wrong,
        settings=settings,
    )
    if solution.verdict == "solved":
        assert correlation(solution, crystal) > 0.7


def test_a_right_start_of_shuffled_amplitudes_solves_nothing() -> None:
    """Where the data are not those of the atoms, their phases prove nothing."""
    crystal = molecules.molecule("P 1 21/c 1")
    reflections = molecules.measured(crystal, 1.1)
    order = np.random.default_rng(3).permutation(len(reflections.hkl))
    shuffled = Reflections(
        hkl=reflections.hkl,
        intensity=reflections.intensity[order],
        sigma=reflections.sigma[order],
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
    )
    settings = SolveSettings(seed=1, starts=1, time_limit=None)
    solution = solve(
        shuffled, contents=dict(crystal.composition()), start=crystal, settings=settings
    )
    assert solution.verdict == "not solved"


@pytest.mark.parametrize("spacegroup", molecules.GROUPS)
@pytest.mark.parametrize("kind", ["atoms", "map", "phases"])
def test_a_file_gives_the_phases_of_its_crystal(tmp_path: Path, spacegroup: str, kind: str) -> None:
    """Atoms, a map and an MTZ give the phases of all reflections, in the cell that phasing uses."""
    crystal = molecules.molecule(spacegroup)
    data = primitive(crystal)
    hkl = miller_indices(crystal.cell, spacegroup, d_min=0.9)
    f = structure_factors(crystal, hkl)
    path = tmp_path / {"atoms": "part.cif", "map": "part.ccp4", "phases": "part.mtz"}[kind]
    if kind == "atoms":
        write_crystal(path, crystal)
    elif kind == "map":
        shape = (90, 90, 90)
        density = map_from_structure_factors(
            hkl, f.astype(np.complex64), shape, cell=crystal.cell, spacegroup=spacegroup
        )
        write_map(path, density, crystal.cell, spacegroup)
    else:
        write_reflections(path, hkl, f, cell=crystal.cell, spacegroup=spacegroup)
    start = known_start(path)
    assert start.source == str(path)
    assert start_notes(start, crystal.cell, spacegroup) == []
    phased = start_phases(start, data)
    true = structure_factors(crystal, np.rint(data.hkl @ np.linalg.inv(data.basis)).astype(int))
    strong = data.normalised > 0.5
    cosine = np.cos(np.angle(phased[strong]) - np.angle(true[strong]))
    assert cosine.mean() > 0.995
    # Phases of the whole structure are taken for nearly certain.
    assert (np.abs(phased[strong]) / data.normalised[strong]).mean() > 0.9


def test_phases_of_a_part_count_less() -> None:
    """The weights of a third of the atoms lie between those of none and of all."""
    crystal = molecules.molecule("P 1 21/c 1")
    data = primitive(crystal)
    weights = []
    for share in (1 / 3, 2 / 3, 1.0):
        phased = start_phases(known_start(part(crystal, share)), data)
        weights.append(float((np.abs(phased) / data.normalised).mean()))
    assert weights[0] < weights[1] < weights[2]
    assert weights[0] > 0.1


def test_another_cell_is_refused_in_words() -> None:
    """A start must have the cell of the data, and another setting is called so."""
    crystal = molecules.molecule("P 1 21/c 1")
    a, b, c, alpha, beta, gamma = crystal.cell
    start = known_start(crystal)
    assert start_notes(start, (1.02 * a, b, c, alpha, beta + 1, gamma), crystal.spacegroup) == []
    with pytest.raises(ArgandError, match=r"start: has the cell .* needs a start in the cell"):
        start_notes(start, (1.1 * a, b, c, alpha, beta, gamma), crystal.spacegroup)
    turned = (c, a, b, 90.0, 90.0, beta)
    with pytest.raises(ArgandError, match="another setting of one lattice"):
        start_notes(start, turned, "P 1 1 21/b")


def test_another_group_is_said() -> None:
    """Phases of a start with other symmetry are taken in P 1, with a note."""
    crystal = molecules.molecule("P 1 21/c 1")
    (note,) = start_notes(known_start(crystal), crystal.cell, "P 1")
    assert "obeys P 1 21/c 1, the data came with P 1" in note
    assert start_notes(known_start(crystal), crystal.cell, None) == []


def test_what_has_no_phases_is_refused(tmp_path: Path) -> None:
    """Measured intensities, few phases and phases without a cell are no start."""
    crystal = molecules.molecule("P -1")
    data = primitive(crystal)
    with pytest.raises(ArgandError, match="start: has no phases"):
        known_start(molecules.measured(crystal))
    hkl = miller_indices(crystal.cell, crystal.spacegroup, d_min=4.0)
    f = structure_factors(crystal, hkl)
    lone = Reflections(hkl=hkl, amplitude=np.abs(f), phase=np.angle(f), spacegroup="P -1")
    with pytest.raises(ArgandError, match="states no unit cell"):
        known_start(lone)
    path = tmp_path / "few.mtz"
    write_reflections(path, hkl, f, cell=crystal.cell, spacegroup="P -1")
    with pytest.raises(ArgandError, match=r"few\.mtz: has phases of \d+ of \d+ reflections"):
        start_phases(known_start(path), data)
    with pytest.raises(ArgandError, match=r"missing\.cif: cannot be read"):
        known_start(tmp_path / "missing.cif")


def test_the_command_takes_a_start(tmp_path: Path, capsys: Capture) -> None:
    """`argand solve --start` solves from some atoms, and names the file that is of another cell."""
    crystal = read_crystal(LAWSONITE)
    reflections = molecules.measured(crystal, 1.5)
    data = tmp_path / "mineral.hkl"
    write_hklf4(data, reflections.hkl, reflections.intensity, reflections.sigma)
    known = tmp_path / "known.cif"
    write_crystal(known, part(crystal, 1 / 3))
    words = ["solve", data, "--spacegroup", crystal.spacegroup, "--no-report", "--start", known]
    words += ["-o", tmp_path / "out", "--contents", "Al7.76 Ca4 Fe0.24 O40 Si8 H16", "--cell"]
    assert call(*words, *crystal.cell) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[1].startswith("verdict      solved")
    assert f"the search began with the phases of {known} (atoms)" in printed
    longer = (7.0, *crystal.cell[1:])
    assert "known.cif: has the cell" in refused(capsys, *words, *longer)
