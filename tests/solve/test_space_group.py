"""Check that the space group is found by phases in P 1 and by extinctions."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest

import argand
from argand.solve.group_candidates import group_candidates
from argand.solve.primitive import primitive_basis, primitive_operations
from argand.solve.space_group import RankedGroup, rank_space_groups
from argand.symmetry import without_translations
from primitive_cells import carbon_crystal, measured_and_phased

# Groups of every crystal system, polar and not, in usual and unusual settings.
GROUPS = [
    *("P 1", "P -1", "P 1 21 1", "P 1 n 1", "P 1 2/c 1", "P 1 21/n 1", "C 1 2 1", "I 1 2/a 1"),
    *("P 21 21 2", "P 21 21 21", "P n a 21", "P n 21 a", "P b c a", "P b n m", "C m c 21"),
    *("F d d 2", "I 2 2 2", "I 21 21 21", "I b a m", "F d d d:2"),
    *("P 41", "P -4", "I 41/a:2", "P 42/n c m:2", "I -4 2 d", "P 43 21 2"),
    *("P 31", "P 32 2 1", "R 3:H", "R -3 c:H", "R 3 m:R", "P 63/m", "P 61 2 2", "P 63 m c"),
    *("P 21 3", "P a -3", "F -4 3 m", "I 41 3 2", "F d -3 m:2"),
]


def ranked(group: str, seed: int, phase_error: float) -> tuple[RankedGroup, ...]:
    """Rank the groups of data simulated in a group, told no more than Laue group and centring."""
    rng = np.random.default_rng(seed)
    operations = len(gemmi.SpaceGroup(group).operations().sym_ops)
    crystal = carbon_crystal(group, rng, sites=max(3, 24 // operations))
    data, f = measured_and_phased(crystal, rng, phase_error=phase_error)
    return rank_space_groups(data, f, without_translations(group))


def numbers_of_either_hand(spacegroup: str) -> tuple[int, ...]:
    """Return the number of a space group and that of its enantiomorph, mirrored in phase."""
    group = gemmi.SpaceGroup(spacegroup)
    inverted = [gemmi.Op(op.triplet()) for op in group.operations()]
    for op in inverted:
        op.tran = [-shift for shift in op.tran]
    other = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(inverted))
    return (group.number,) if other is None else (group.number, other.number)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("phase_error", [20.0, 35.0])
def test_the_right_group_comes_first(group: str, phase_error: float) -> None:
    seed = gemmi.SpaceGroup(group).number + 1000
    print("seed", seed)
    ranking = ranked(group, seed, phase_error)
    first = ranking[0]
    number = gemmi.SpaceGroup(first.spacegroup).number
    assert number in numbers_of_either_hand(group)
    if number == gemmi.SpaceGroup(group).number and ":" not in group:
        # The setting too: same absences.
        cube = argand.hkl_cube(4)
        absent = argand.reflections.systematic_absences(cube, first.spacegroup)
        assert (absent == argand.reflections.systematic_absences(cube, group)).all()
    assert not first.refused
    assert first.weakest <= first.agreement
    assert [entry.refused for entry in ranking] == sorted(entry.refused for entry in ranking)


def test_what_it_extinguishes_is_counted_and_said() -> None:
    ranking = ranked("P 1 21/c 1", 3, 30.0)
    first = ranking[0]
    assert first.extinct > 10
    assert first.extinguished < 0.02
    assert "reflections that it extinguishes" in " ".join(first.reasons)
    by_name = {entry.spacegroup: entry for entry in ranking}
    wrong = by_name.get("P 1 21/n 1", by_name.get("P 1 n 1"))
    if wrong is not None:
        assert wrong.refused
        assert wrong.extinguished > 0.5


def test_a_strong_extinguished_zone_refuses_a_group() -> None:
    rng = np.random.default_rng(12)
    crystal = carbon_crystal("P 1 2/m 1", rng)
    data, f = measured_and_phased(crystal, rng)
    ranking = rank_space_groups(data, f, "P 1 21/c 1", most=30)
    by_name = {entry.spacegroup: entry for entry in ranking}
    assert ranking[0].spacegroup == "P 1 2/m 1"
    stated = by_name["P 1 21/c 1"]
    assert stated.refused
    assert "contradicts" in " ".join(stated.reasons)


def test_reflections_that_a_file_leaves_out_speak_for_their_group() -> None:
    rng = np.random.default_rng(30)
    crystal = carbon_crystal("P 1 21/c 1", rng)
    data, f = measured_and_phased(crystal, rng)
    absent = argand.reflections.systematic_absences(data.hkl, "P 1 21/c 1")
    with_absences = rank_space_groups(data, f, "P 1 2/m 1")[0]
    columns = ("hkl", "intensity", "sigma", "amplitude", "normalised", "spacing", "laue")
    cut = replace(data, **{name: getattr(data, name)[~absent] for name in columns})
    first = rank_space_groups(cut, f[~absent], "P 1 2/m 1")[0]
    assert first.spacegroup == with_absences.spacegroup == "P 1 21/c 1"
    assert np.isnan(first.extinguished)
    assert "are missing from the file" in " ".join(first.reasons)
    # Missing reflections prove less than extinct ones.
    assert first.score < with_absences.score
    # Where half of all reflections are missing, those of a row say nothing.
    few = rng.random(len(data.hkl)) < 0.5
    sparse = replace(data, **{name: getattr(data, name)[few & ~absent] for name in columns})
    poor = rank_space_groups(sparse, f[few & ~absent], "P 1 2/m 1")[0]
    assert "missing" not in " ".join(poor.reasons)


def test_the_shift_is_where_the_operations_agree() -> None:
    rng = np.random.default_rng(12)
    crystal = carbon_crystal("C 1 2/c 1", rng)
    data, f = measured_and_phased(crystal, rng, phase_error=20.0)
    first = rank_space_groups(data, f, "C 1 2/c 1")[0]
    rotations, translations = primitive_operations("C 1 2/c 1", data.basis)
    values = {tuple(index): value for index, value in zip(data.hkl.tolist(), f, strict=True)}
    total, possible = 0.0, 0.0
    for rotation, translation in zip(rotations[1:], translations[1:], strict=True):
        for index, value in zip(data.hkl, f, strict=True):
            image = index @ rotation
            key = tuple(image.tolist())
            mate = tuple((-image).tolist())
            other = values[key] if key in values else np.conj(values[mate])
            turn = np.exp(2j * np.pi * (index @ translation - (image - index) @ first.shift))
            total += (other * np.conj(value) * turn).real
            possible += abs(other * value)
    assert total / possible == pytest.approx(first.agreement, abs=0.02)


def test_pseudo_symmetry_of_a_heavy_atom_does_not_win() -> None:
    rng = np.random.default_rng(21)
    crystal = argand.Crystal(
        cell=(9.0, 10.0, 12.0, 90.0, 97.0, 90.0),
        spacegroup="P 1 21 1",
        types=("Zn", *("C",) * 20),
        frac=rng.random((21, 3)),
        b_iso=np.full(21, 3.0),
    )
    data, f = measured_and_phased(crystal, rng, phase_error=15.0)
    ranking = rank_space_groups(data, f, "P 1 21 1")
    assert ranking[0].spacegroup == "P 1 21 1"


def test_all_settings_of_a_laue_group_are_candidates() -> None:
    cell = (7.0, 8.0, 9.0, 90.0, 90.0, 90.0)
    listed = group_candidates("P b c a", primitive_basis(cell, "P b c a"))
    names = {group.spacegroup for group in listed.groups}
    # The 30 primitive groups of 222, mm2 and mmm have so many settings on given axes.
    assert len(names) == 120
    assert {"P b c a", "P c a b", "P n m a", "P n 21 a", "P 21 2 21", "P m m n:2"} <= names
    assert "P m m n:1" not in names
    assert (listed.rotations[0] == np.eye(3)).all()
    assert (listed.rotations[1] == -np.eye(3)).all()


def test_monoclinic_cells_of_one_axis_are_candidates() -> None:
    cell = (7.0, 8.0, 9.0, 90.0, 97.0, 90.0)
    listed = group_candidates("P 1 2/m 1", primitive_basis(cell, "P 1 2/m 1"))
    names = {group.spacegroup for group in listed.groups}
    assert {"P 1 21/c 1", "P 1 21/n 1", "P 1 21/a 1", "P 1 c 1", "P 1 n 1", "P 1 a 1"} <= names


def test_both_orientations_of_p_a_minus_3_are_candidates() -> None:
    rng = np.random.default_rng(5)
    crystal = carbon_crystal("P a -3", rng, sites=3)
    swapped = argand.Crystal(
        cell=crystal.cell,
        symops=tuple(
            (gemmi.Op("y,x,-z") * gemmi.Op(triplet) * gemmi.Op("y,x,-z")).wrap().triplet()
            for triplet in crystal.symops
        ),
        types=crystal.types,
        frac=crystal.frac[:, [1, 0, 2]] * [1, 1, -1],
        b_iso=crystal.b_iso,
    )
    data, f = measured_and_phased(swapped, rng)
    first = rank_space_groups(data, f, "P m -3")[0]
    cube = argand.hkl_cube(4)
    absent = argand.reflections.systematic_absences(cube, first.spacegroup)
    assert (absent == argand.reflections.systematic_absences(cube, swapped.spacegroup)).all()


def test_a_setting_without_a_name_is_its_own_candidate() -> None:
    operations = "x,y,z;-x,-y,-z;x+1/2,y+1/2,z+1/2;-x+1/2,-y+1/2,-z+1/2"
    cell = (7.0, 8.0, 9.0, 81.0, 95.0, 103.0)
    listed = group_candidates(operations, primitive_basis(cell, operations))
    assert any(group.is_centrosymmetric for group in listed.groups)
    assert all(len(group.numbers) in (1, 2) for group in listed.groups)
